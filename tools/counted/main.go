// Command counted runs `go test -json` with its own arguments, shows what failed in full and
// one line a package for the rest, and ends with how many tests passed, failed and were
// skipped. Its exit code is that of go test, and 1 where a test was skipped: a skipped test
// proves nothing. The packages that take longest start first, so that none of them is what
// everybody waits for at the end.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// event is one line of go test -json.
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// tally follows the events of one run.
type tally struct {
	out                     io.Writer
	passed, failed, skipped int
	packagesFailed          int
	output                  map[string][]string // package and test → what it printed
	skippedNames            []string
}

// longest are the packages that take minutes, the longest first.
var longest = []string{
	"e2e/browser", "internal/provider/multicard", "internal/store", "e2e", "internal/provider/click", "internal/provider/payme",
	"internal/provider/uzum", "internal/provider/paysys", "internal/gateway", "internal/bench", "internal/admin",
}

func main() {
	args, err := arranged(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	t := &tally{out: os.Stdout, output: map[string][]string{}}
	t.read(pipe)
	err = cmd.Wait()
	fmt.Printf("%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	for _, name := range t.skippedNames {
		fmt.Println("skipped:", name)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(max(1, exit.ExitCode()))
	}
	if err != nil || t.failed+t.packagesFailed+t.skipped > 0 {
		os.Exit(1)
	}
}

// arranged names one by one the packages at the end of the arguments, in the order in which they
// are to start: go test keeps it.
func arranged(args []string) ([]string, error) {
	flags := len(args)
	for flags > 0 && strings.Contains(args[flags-1], "/") && !strings.HasPrefix(args[flags-1], "-") {
		flags--
	}
	if flags == len(args) {
		return args, nil
	}
	list := exec.Command("go", append([]string{"list"}, args[flags:]...)...)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	packages := strings.Fields(string(out))
	slices.SortStableFunc(packages, func(a, b string) int { return turn(a) - turn(b) })
	return append(slices.Clone(args[:flags]), packages...), nil
}

// turn is a package's place among the longest.
func turn(path string) int {
	i := slices.IndexFunc(longest, func(long string) bool { return strings.HasSuffix(path, "/"+long) })
	if i < 0 {
		return len(longest)
	}
	return i
}

// read follows go test's lines. What is not an event is shown as it is.
func (t *tally) read(r io.Reader) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if json.Unmarshal(line, &e) == nil && e.Action != "" {
			t.take(e)
		} else if len(line) > 0 {
			t.out.Write(line)
		}
		if err != nil {
			return
		}
	}
}

func (t *tally) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		t.output[key] = append(t.output[key], e.Output)
	case "build-output":
		fmt.Fprint(t.out, e.Output)
	case "pass", "skip", "fail":
		if e.Test == "" {
			t.packageEnds(e)
		} else {
			t.testEnds(e)
		}
	}
}

func (t *tally) testEnds(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "pass":
		t.passed++
		delete(t.output, key)
	case "skip":
		t.skipped++
		t.skippedNames = append(t.skippedNames, key)
	case "fail":
		t.failed++
		fmt.Fprintf(t.out, "FAIL %s %s (%.2fs)\n%s", e.Package, e.Test, e.Elapsed, strings.Join(t.output[key], ""))
		delete(t.output, key)
	}
}

// packageEnds shows one line, and all that is left of the output where the package failed: a
// panic or a data race belongs to no test that ended.
func (t *tally) packageEnds(e event) {
	if e.Action != "fail" {
		if e.Action == "pass" {
			fmt.Fprintf(t.out, "ok   %s (%.1fs)\n", e.Package, e.Elapsed)
		}
		for key := range t.output {
			if strings.HasPrefix(key, e.Package+" ") {
				delete(t.output, key)
			}
		}
		return
	}
	t.packagesFailed++
	fmt.Fprintf(t.out, "FAIL %s (%.1fs)\n", e.Package, e.Elapsed)
	var keys []string
	for key := range t.output {
		if strings.HasPrefix(key, e.Package+" ") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprint(t.out, strings.Join(t.output[key], ""))
		delete(t.output, key)
	}
}
