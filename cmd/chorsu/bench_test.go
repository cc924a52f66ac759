package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A history that shrinks, or has too few, is refused before anything is measured.
func TestBenchHistory(t *testing.T) {
	folder(t)
	for _, history := range []string{"10000,5000", "999"} {
		if code, _, errs := do(t, "bench", "--history", history); code == 0 || !strings.Contains(errs, "--history: numbers from few to many, at least 1000") {
			t.Errorf("%s: exit %d, %s", history, code, errs)
		}
	}
}

// What the flags ask for is what is measured.
func TestBenchFlags(t *testing.T) {
	for _, c := range []benchCmd{{Reading: true}, {Hold: true}, {Quick: true, Reading: true, Hold: true, History: []int{1000, 2000}}, {}} {
		o, err := c.options()
		if err != nil || o.Reading != c.Reading || o.Hold != c.Hold || o.Program == "" {
			t.Errorf("%+v: %+v, %v", c, o, err)
		}
		if len(c.History) > 0 && !slices.Equal(o.History, c.History) {
			t.Errorf("%v: %v", c.History, o.History)
		}
	}
}

// The table of a run that was stopped is kept, and says that it is not whole.
func TestBenchOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "table.md")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	c := benchCmd{Quick: true, Dir: t.TempDir(), Out: file}
	if err := c.Run(stopped, &console{out: io.Discard, err: io.Discard}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"3s for each figure.", "| on ", "The run did not come to its end: "} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
