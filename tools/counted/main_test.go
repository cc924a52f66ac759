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
	c := newTally(&out)
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
	if code := c.sum(); code != 1 || c.packagesFailed != 1 {
		t.Errorf("exit %d, %d packages failed", code, c.packagesFailed)
	}
	for _, want := range []string{"FAIL p TestB", "what went wrong", "panic: somewhere", "q.go:1: no such thing", "ok   r", "a line that is no event", "1 passed, 1 failed, 1 skipped\nskipped: p TestC\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("not shown: %q", want)
		}
	}
	if strings.Contains(out.String(), "fine, and not shown") {
		t.Error("the output of a test that passed is shown")
	}
}

// The race detector's own breakdown is no result: the package is run again, once, and its tests
// are counted once. A data race, a breakdown after a test that failed, and a second breakdown are.
func TestABreakdownOfTheRaceDetectorIsNoResult(t *testing.T) {
	const passed = `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n"
	const broken = `{"Action":"output","Package":"p","Test":"TestB","Output":"ThreadSanitizer: CHECK failed: tsan_rtl.cpp:346\n"}
{"Action":"fail","Package":"p"}
`
	for _, c := range []struct {
		name, first, second string
		again               bool
		code                int
		counts              string
	}{
		{"and it passes then", passed + broken, passed + `{"Action":"pass","Package":"p","Test":"TestB"}` + "\n" + `{"Action":"pass","Package":"p"}`, true, 0, "2 passed, 0 failed, 0 skipped"},
		{"and a test fails then", passed + broken, passed + `{"Action":"fail","Package":"p","Test":"TestB"}` + "\n" + `{"Action":"fail","Package":"p"}`, true, 1, "1 passed, 1 failed, 0 skipped"},
		{"and it breaks down again", passed + broken, passed + broken, true, 1, "1 passed, 0 failed, 0 skipped"},
		{"a test had failed", `{"Action":"fail","Package":"p","Test":"TestA"}` + "\n" + broken, "", false, 1, "0 passed, 1 failed, 0 skipped"},
		{"a data race", passed + strings.Replace(broken, "ThreadSanitizer: CHECK failed: tsan_rtl.cpp:346", "WARNING: DATA RACE", 1), "", false, 1, "1 passed, 0 failed, 0 skipped"},
	} {
		var out bytes.Buffer
		tally := newTally(&out)
		tally.read(strings.NewReader(c.first))
		if again := slices.Equal(tally.again, []string{"p"}); again != c.again {
			t.Errorf("%s: run again: %v", c.name, tally.again)
		}
		tally.second = true
		tally.read(strings.NewReader(c.second))
		if code := tally.sum(); code != c.code || !strings.Contains(out.String(), c.counts) || len(tally.again) > 1 {
			t.Errorf("%s: exit %d\n%s", c.name, code, out.String())
		}
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
	given := []string{"-gcflags=a/b=-c", "-p", "2"}
	flags, got, err := arranged(append(slices.Clone(given), "./tools/counted", "./internal/pay", "./internal/store/...", "./e2e/browser"))
	if err != nil || len(got) < 5 || !slices.Equal(flags, given) {
		t.Fatalf("%q, %q, %v", flags, got, err)
	}
	for i, want := range []string{"e2e/browser", "internal/store", "tools/counted", "internal/pay"} {
		if i < 2 && !strings.HasSuffix(got[i], want) || i >= 2 && !slices.ContainsFunc(got, func(p string) bool { return strings.HasSuffix(p, want) }) {
			t.Errorf("%s is not in its place: %q", want, got)
		}
	}
	if flags, got, err := arranged(given); err != nil || got != nil || !slices.Equal(flags, given) {
		t.Errorf("without packages: %q, %q, %v", flags, got, err)
	}
}
