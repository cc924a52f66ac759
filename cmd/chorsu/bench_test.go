package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
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
