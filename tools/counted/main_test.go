package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestCountsAndShowsWhatFailed(t *testing.T) {
	var out bytes.Buffer
	c := &tally{out: &out, output: map[string][]string{}}
	c.read(strings.NewReader(`{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"fine, and not shown\n"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.1}
{"Action":"output","Package":"p","Test":"TestB","Output":"what went wrong\n"}
{"Action":"fail","Package":"p","Test":"TestB","Elapsed":0.1}
{"Action":"skip","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Output":"panic: somewhere\n"}
{"Action":"fail","Package":"p","Elapsed":0.5}
{"Action":"build-output","ImportPath":"q","Output":"q.go:1: no such thing\n"}
{"Action":"pass","Package":"r","Elapsed":0.5}
a line that is no event
`))
	if c.passed != 1 || c.failed != 1 || c.skipped != 1 || c.packagesFailed != 1 {
		t.Errorf("%d passed, %d failed, %d skipped, %d packages failed", c.passed, c.failed, c.skipped, c.packagesFailed)
	}
	for _, want := range []string{"FAIL p TestB", "what went wrong", "panic: somewhere", "q.go:1: no such thing", "ok   r", "a line that is no event"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("not shown: %q", want)
		}
	}
	if strings.Contains(out.String(), "fine, and not shown") {
		t.Error("the output of a test that passed is shown")
	}
	if len(c.skippedNames) != 1 || c.skippedNames[0] != "p TestC" {
		t.Errorf("skipped: %v", c.skippedNames)
	}
}
