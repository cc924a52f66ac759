package process

import (
	"log/slog"
	"regexp"
	"strings"
	"sync"
)

// The bounds of a trace.
const (
	traceLine  = 300 // characters of a line
	traceLines = 100 // lines for each request
)

// trace puts what a program writes to its standard error into the log. Vendors' libraries trace there
// what they read of the card, so that no long number gets through, whatever it is; and they may trace
// without an end.
type trace struct {
	log *slog.Logger

	mu   sync.Mutex
	line []byte
	room int // lines that may still be logged
}

// begin makes room for what another request brings.
func (t *trace) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room = traceLines
}

// Write never fails: a program must not end because its words are too many.
func (t *trace) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range p {
		switch {
		case c == '\n':
			t.say()
		case len(t.line) < 4*traceLine: // more than is logged, so that no number is cut before it is looked at
			t.line = append(t.line, c)
		}
	}
	return len(p), nil
}

// end logs a last line that was not ended.
func (t *trace) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.say()
}

func (t *trace) say() {
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.line), "?"))
	if t.line = t.line[:0]; text == "" || t.room == 0 {
		return
	}
	text = longNumber.ReplaceAllString(text, "[number]")
	if len(text) > traceLine {
		text = strings.ToValidUTF8(text[:traceLine], "") + "…"
	}
	t.log.Info("the driver's program says", "line", text)
	if t.room--; t.room == 0 {
		t.log.Info("the driver's program says more, which is left out until it is asked for something else")
	}
}

// longNumber is one of 13 digits or more, be it a card's or not: in groups too, in bytes, or with what
// follows it on a track.
var longNumber = regexp.MustCompile(`[0-9](?:[^0-9A-Za-z]?[0-9]){12,}`)
