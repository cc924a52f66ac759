package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
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

// Each package is named once, those that take longest first, and the flags stay what they were.
func TestTheLongestStartFirst(t *testing.T) {
	for _, p := range longest {
		if found, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(p), "*_test.go")); err != nil || len(found) == 0 {
			t.Errorf("%s has no tests: %v", p, err)
		}
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(wd, "..", ".."))
	flags := []string{"-gcflags=a/b=-c", "-p", "2"}
	got, err := arranged(append(slices.Clone(flags), "./tools/counted", "./internal/pay", "./internal/store/...", "./e2e/browser"))
	if err != nil || len(got) < 8 || !slices.Equal(got[:3], flags) {
		t.Fatalf("%q, %v", got, err)
	}
	for i, want := range []string{"e2e/browser", "internal/store", "tools/counted", "internal/pay"} {
		if i < 2 && !strings.HasSuffix(got[3+i], want) || i >= 2 && !slices.ContainsFunc(got, func(p string) bool { return strings.HasSuffix(p, want) }) {
			t.Errorf("%s is not in its place: %q", want, got)
		}
	}
	if got, err := arranged(flags); err != nil || !slices.Equal(got, flags) {
		t.Errorf("without packages: %q, %v", got, err)
	}
}
