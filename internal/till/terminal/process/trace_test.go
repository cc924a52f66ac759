package process

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// What a program says comes into the log line by line, however it is cut on the way, and no long number
// with it.
func TestTrace(t *testing.T) {
	for wrote, want := range map[string][]string{
		"one\r\n\ntwo\nthree":                              {"one", "two", "three"},
		"track 2 8600140000013145=2512\n":                  {"track [number]"},
		"57118600140000013145D2512101\n":                   {"[number]D2512101"},
		"57 11 86 00 14 00 00 01 31 45 D2 51 22 01\n":      {"[number] D2 51 22 01"},
		"8600.1400.0001.3145\n":                            {"[number]"},
		"amount 50000, RRN 408005356147, \xff\n":           {"amount 50000, RRN 408005356147, ?"},
		strings.Repeat("я", 200) + "\n":                    {strings.Repeat("я", 150) + "…"},
		strings.Repeat("x", 295) + "8600140000013145\nend": {strings.Repeat("x", 295) + "[numb…", "end"},
	} {
		for _, piece := range []int{1, 7, len(wrote)} {
			var logged bytes.Buffer
			tr := &trace{log: slog.New(slog.NewTextHandler(&logged, nil)), room: traceLines}
			for rest := []byte(wrote); len(rest) > 0; rest = rest[min(piece, len(rest)):] {
				if n, err := tr.Write(rest[:min(piece, len(rest))]); n != min(piece, len(rest)) || err != nil {
					t.Fatal(n, err)
				}
			}
			tr.end()
			var got []string
			for l := range strings.Lines(logged.String()) {
				_, said, _ := strings.Cut(strings.TrimSpace(l), "line=")
				got = append(got, strings.Trim(said, `"`))
			}
			if strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%q in pieces of %d: %q, want %q", wrote, piece, got, want)
			}
		}
	}
}

// A program that does not stop is cut off, until it is asked for something else.
func TestTraceHasAnEnd(t *testing.T) {
	var logged bytes.Buffer
	tr := &trace{log: slog.New(slog.NewTextHandler(&logged, nil))}
	for range 2 {
		tr.begin()
		for range 10 * traceLines {
			tr.Write([]byte("tick\n"))
		}
	}
	if ticks, cuts := strings.Count(logged.String(), "tick"), strings.Count(logged.String(), "left out"); ticks != 2*traceLines || cuts != 2 {
		t.Errorf("%d lines, cut off %d times", ticks, cuts)
	}
}
