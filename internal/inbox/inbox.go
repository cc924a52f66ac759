// Package inbox is a receiver of webhooks as an app would write one: it verifies both
// signatures, keeps what came, and can be told to answer badly. `chorsu up`, `chorsu demo`,
// `chorsu sandbox` and the tests send their webhooks here.
//
// Its checks are written from the documents and not shared with the sender, so that one
// misreading cannot pass on both sides.
package inbox

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// The bounds of what an inbox takes and keeps.
const (
	maxBody     = 1 << 20
	defaultKeep = 10_000
	maxAnswers  = 1_000 // scripted answers waiting in one box
	maxBoxes    = 1_000 // boxes with scripted answers
)

var boxName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Options say how an inbox checks what it receives.
type Options struct {
	Secrets []string         // WEBHOOK_SIGNING_SECRET, one or several while rotating
	Now     func() time.Time // for the timestamp's tolerance
	Keep    int              // how many messages are kept, the newest; 0: 10,000
}

// Message is one webhook as it was received.
type Message struct {
	Seq       int             `json:"seq"` // 1, 2, … over all boxes, in order of arrival
	Box       string          `json:"inbox"`
	At        time.Time       `json:"at"`
	EventID   string          `json:"eventId"`
	Event     string          `json:"event"`
	PaymentID string          `json:"paymentId"`
	Verified  bool            `json:"verified"`           // both signatures hold
	Problems  []string        `json:"problems,omitempty"` // why not
	Again     bool            `json:"again,omitempty"`    // the same event came before
	Differs   bool            `json:"differs,omitempty"`  // … with other bytes, which must never be
	Answered  int             `json:"answered"`           // the status that this inbox answers with; 0: it hangs
	Header    http.Header     `json:"headers"`
	Body      json.RawMessage `json:"body,omitempty"` // where the body is JSON
	Raw       string          `json:"raw"`            // the bytes that were signed
}

// Answer is how the next message of a box is answered. The zero Status means 200.
type Answer struct {
	Status int           // HTTP status
	Delay  time.Duration // before the answer
	Hang   bool          // no answer until the sender gives up
	Times  int           // for how many messages; 0: one
}

// Inbox keeps webhooks in named boxes. It is an http.Handler whose last path element names
// the box.
type Inbox struct {
	o Options

	mu      sync.Mutex
	seq     int
	kept    []Message
	seen    map[string]string // event id → bytes, of what is kept
	answers map[string][]Answer
	changed chan struct{} // closed and replaced at every message
	closed  chan struct{}
	once    sync.Once
}

// New makes an empty inbox.
func New(o Options) *Inbox {
	if o.Keep == 0 {
		o.Keep = defaultKeep
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	in := &Inbox{o: o, changed: make(chan struct{}), closed: make(chan struct{})}
	in.Reset()
	return in
}

// Reset forgets all messages and scripted answers.
func (in *Inbox) Reset() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.kept = nil
	in.seen = map[string]string{}
	in.answers = map[string][]Answer{}
}

// Close ends all answers that hang.
func (in *Inbox) Close() { in.once.Do(func() { close(in.closed) }) }

// ServeHTTP receives one webhook at …/<box>.
func (in *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	box := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if !boxName.MatchString(box) {
		http.Error(w, "an inbox is named by 1 to 64 letters, digits, dots, dashes or underscores", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "webhooks are POSTed", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body did not arrive whole, or is too large", http.StatusBadRequest)
		return
	}
	in.answer(w, r, in.keep(box, r.Header, body))
}

// keep verifies and stores one message and takes the answer that is scripted for it.
func (in *Inbox) keep(box string, h http.Header, body []byte) Answer {
	now := in.o.Now()
	problems := Verify(in.o.Secrets, h, body, now)

	in.mu.Lock()
	defer in.mu.Unlock()
	a := in.takeAnswer(box)
	in.seq++
	m := Message{
		Seq: in.seq, Box: box, At: now,
		EventID: h.Get("X-Payment-Event-Id"), Event: h.Get("X-Payment-Event"), PaymentID: h.Get("X-Payment-Id"),
		Verified: len(problems) == 0, Problems: problems,
		Answered: a.Status, Header: h.Clone(), Raw: string(body),
	}
	if json.Valid(body) {
		m.Body = body
	}
	if m.EventID != "" {
		was, ok := in.seen[m.EventID]
		m.Again, m.Differs = ok, ok && was != m.Raw
		in.seen[m.EventID] = m.Raw
	}
	in.kept = append(in.kept, m)
	if over := len(in.kept) - in.o.Keep; over > 0 {
		for _, old := range in.kept[:over] {
			delete(in.seen, old.EventID)
		}
		in.kept = slices.Delete(in.kept, 0, over)
	}
	close(in.changed)
	in.changed = make(chan struct{})
	return a
}

func (in *Inbox) takeAnswer(box string) Answer {
	a := Answer{Status: http.StatusOK}
	if list := in.answers[box]; len(list) > 0 {
		a = list[0]
		if list[0].Times--; list[0].Times <= 0 {
			in.answers[box] = list[1:]
		}
		if len(in.answers[box]) == 0 {
			delete(in.answers, box)
		}
	}
	switch {
	case a.Hang:
		a.Status = 0
	case a.Status == 0:
		a.Status = http.StatusOK
	}
	return a
}

func (in *Inbox) answer(w http.ResponseWriter, r *http.Request, a Answer) {
	var after <-chan time.Time // nil, for ever, where the answer hangs
	if !a.Hang {
		timer := time.NewTimer(a.Delay)
		defer timer.Stop()
		after = timer.C
	}
	select {
	case <-after:
	case <-r.Context().Done():
		return
	case <-in.closed:
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.Status)
	if a.Status < 300 {
		io.WriteString(w, `{"ok":true}`)
	} else {
		io.WriteString(w, `{"ok":false}`)
	}
}

// Script says how the next messages of a box are answered, after those already scripted. It
// reports false, and does nothing, where too many wait already.
func (in *Inbox) Script(box string, answers ...Answer) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !boxName.MatchString(box) || len(in.answers[box])+len(answers) > maxAnswers ||
		in.answers[box] == nil && len(in.answers) >= maxBoxes {
		return false
	}
	in.answers[box] = append(in.answers[box], answers...)
	return true
}

// Messages are those of a box that came after the one numbered after, in order of arrival;
// box "" means all.
func (in *Inbox) Messages(box string, after int) []Message {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.messages(box, after)
}

func (in *Inbox) messages(box string, after int) []Message {
	out := []Message{}
	for _, m := range in.kept {
		if m.Seq > after && (box == "" || m.Box == box) {
			out = append(out, m)
		}
	}
	return out
}

// Wait is Messages as soon as enough says that they are enough, or when ctx ends.
func (in *Inbox) Wait(ctx context.Context, box string, after int, enough func([]Message) bool) []Message {
	for {
		in.mu.Lock()
		got, changed := in.messages(box, after), in.changed
		in.mu.Unlock()
		if enough(got) {
			return got
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return got
		case <-in.closed:
			return got
		}
	}
}

// Closed ends when the inbox does, for those who tell others of it.
func (in *Inbox) Closed() <-chan struct{} { return in.closed }
