// Command counted runs `go test -json` with its own arguments, shows what failed in full and
// one line a package for the rest, and ends with how many tests passed, failed and were
// skipped. Its exit code is that of go test, and 1 where a test was skipped: a skipped test
// proves nothing. The packages that take longest start first, so that none of them is what
// everybody waits for at the end.
//
// A package in which no test failed and the race detector itself broke down (a fault of its own
// that it reports as a failed CHECK; a data race is reported otherwise) is run once again.
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

// tally follows the events of one run, and of the packages that are run again.
type tally struct {
	out            io.Writer
	tests          map[string]*ended // by package
	packagesFailed int
	output         map[string][]string // package and test → what it printed
	again          []string            // packages in which the race detector broke down
	second         bool                // these are run again now
}

// ended are one package's tests that came to their end.
type ended struct {
	passed, failed int
	skipped        []string
}

// breakdown is how the race detector reports that it is itself at fault.
const breakdown = "ThreadSanitizer: CHECK failed"

func newTally(out io.Writer) *tally {
	return &tally{out: out, tests: map[string]*ended{}, output: map[string][]string{}}
}

// longest are the packages that take minutes, the longest first.
var longest = []string{
	"e2e/browser", "internal/provider/multicard", "internal/store", "e2e", "internal/provider/click", "internal/provider/payme",
	"internal/provider/uzum", "internal/provider/paysys", "internal/gateway", "internal/bench", "internal/admin",
}

func main() {
	flags, packages, err := arranged(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	t := newTally(os.Stdout)
	code, err := t.run(flags, packages)
	if code == 1 && len(t.again) > 0 { // 1 is a package's failure, and the tally knows of whose
		t.second = true
		code, err = t.run(flags, t.again)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(max(t.sum(), code))
}

// run is one go test, and its exit code.
func (t *tally) run(flags, packages []string) (code int, err error) {
	cmd := exec.Command("go", slices.Concat([]string{"test", "-json"}, flags, packages)...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return 1, err
	}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	t.read(pipe)
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(1, exit.ExitCode()), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// sum shows the counts, and is the exit code that they ask for.
func (t *tally) sum() (code int) {
	var all ended
	for _, of := range t.tests {
		all.passed += of.passed
		all.failed += of.failed
		all.skipped = append(all.skipped, of.skipped...)
	}
	fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", all.passed, all.failed, len(all.skipped))
	slices.Sort(all.skipped)
	for _, name := range all.skipped {
		fmt.Fprintln(t.out, "skipped:", name)
	}
	return min(1, all.failed+t.packagesFailed+len(all.skipped))
}

// arranged names one by one the packages at the end of the arguments, in the order in which they
// are to start: go test keeps it.
func arranged(args []string) (flags, packages []string, err error) {
	n := len(args)
	for n > 0 && strings.Contains(args[n-1], "/") && !strings.HasPrefix(args[n-1], "-") {
		n--
	}
	if n == len(args) {
		return args, nil, nil
	}
	list := exec.Command("go", append([]string{"list"}, args[n:]...)...)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list: %w", err)
	}
	packages = strings.Fields(string(out))
	slices.SortStableFunc(packages, func(a, b string) int { return turn(a) - turn(b) })
	return args[:n:n], packages, nil
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
	of := t.tests[e.Package]
	if of == nil {
		of = &ended{}
		t.tests[e.Package] = of
	}
	switch e.Action {
	case "pass":
		of.passed++
		delete(t.output, key)
	case "skip":
		of.skipped = append(of.skipped, key)
	case "fail":
		of.failed++
		fmt.Fprintf(t.out, "FAIL %s %s (%.2fs)\n%s", e.Package, e.Test, e.Elapsed, strings.Join(t.output[key], ""))
		delete(t.output, key)
	}
}

// packageEnds shows one line, and all that is left of the output where the package failed: a
// panic or a data race belongs to no test that ended.
func (t *tally) packageEnds(e event) {
	var left []string
	for key := range t.output {
		if strings.HasPrefix(key, e.Package+" ") {
			left = append(left, key)
		}
	}
	slices.Sort(left)
	var output strings.Builder
	for _, key := range left {
		output.WriteString(strings.Join(t.output[key], ""))
		delete(t.output, key)
	}
	switch {
	case e.Action == "pass":
		fmt.Fprintf(t.out, "ok   %s (%.1fs)\n", e.Package, e.Elapsed)
	case e.Action != "fail":
	case !t.second && strings.Contains(output.String(), breakdown) && (t.tests[e.Package] == nil || t.tests[e.Package].failed == 0):
		fmt.Fprintf(t.out, "the race detector broke down in %s, which is run again at the end:\n%s", e.Package, output.String())
		t.again = append(t.again, e.Package)
		delete(t.tests, e.Package)
	default:
		t.packagesFailed++
		fmt.Fprintf(t.out, "FAIL %s (%.1fs)\n%s", e.Package, e.Elapsed, output.String())
	}
}
