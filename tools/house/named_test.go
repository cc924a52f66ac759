package house

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What a page says that a test shows, that test shows: its name exists. A mapping that nobody keeps
// is worse than none.

var (
	testFunc  = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	testNamed = regexp.MustCompile("`(Test[A-Z0-9]\\w*)`")
)

// tests are the names of all tests below a folder, "" for all.
func tests(t *testing.T, folder string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, name := range files(t) {
		if strings.HasSuffix(name, "_test.go") && (folder == "" || below(name, folder)) {
			for _, m := range testFunc.FindAllStringSubmatch(read(t, name), -1) {
				all[m[1]] = true
			}
		}
	}
	return all
}

// Tests that pages name exist.
func TestTestsThatAreNamedExist(t *testing.T) {
	all, named := tests(t, ""), 0
	for _, name := range files(t) {
		if !strings.HasSuffix(name, ".md") {
			continue
		}
		for _, m := range testNamed.FindAllStringSubmatch(read(t, name), -1) {
			if named++; !all[m[1]] {
				t.Errorf("%s: there is no test %s", name, m[1])
			}
		}
	}
	if named < 50 {
		t.Errorf("only %d tests are named", named)
	}
}

var (
	// numbered is a run of numbers: MC-7.1.01–03, 08, 24.05. A section counts until another is named.
	numbered = regexp.MustCompile(`MC-((?:[0-9]+\.)+[0-9]{2}(?:(?:–|, )(?:[0-9]+\.)*[0-9]{2}\b)*)`)
	numbers  = regexp.MustCompile(`^(?:([0-9.]+)\.)?([0-9]{2})(?:–([0-9]{2}))?$`)
	scenario = regexp.MustCompile(`^TestScenario_MC_([0-9]+(?:_[0-9])?)_([0-9]{2})_`)
)

// spelt are the numbers in a text, each as "7.1.03".
func spelt(text string) (out []string) {
	for _, run := range numbered.FindAllStringSubmatch(text, -1) {
		section := ""
		for item := range strings.SplitSeq(run[1], ", ") {
			m := numbers.FindStringSubmatch(item)
			if m == nil {
				return []string{"what is " + item + "?"}
			}
			if m[1] != "" {
				section = m[1]
			}
			from, _ := strconv.Atoi(m[2])
			to := from
			if m[3] != "" {
				to, _ = strconv.Atoi(m[3])
			}
			for n := from; n <= to; n++ {
				out = append(out, fmt.Sprintf("%s.%02d", section, n))
			}
		}
	}
	return out
}

// Every number of Multicard's table of scenarios is a test, and every such test stands in the table.
func TestMulticardsScenariosAreItsTests(t *testing.T) {
	const folder = "internal/provider/multicard"
	written := map[string]bool{}
	for name := range tests(t, folder) {
		if m := scenario.FindStringSubmatch(name); m != nil {
			written[strings.ReplaceAll(m[1], "_", ".")+"."+m[2]] = true
		}
	}
	told := map[string]bool{}
	for line := range strings.Lines(read(t, folder+"/README.md")) {
		cells := strings.Split(line, "|")
		for i, cell := range cells {
			for _, n := range spelt(cell) {
				told[n] = told[n] || i == 1 && strings.HasPrefix(strings.TrimSpace(cell), "MC-")
				if !written[n] {
					t.Errorf("MC-%s has no test: %s", n, strings.TrimSpace(line))
				}
			}
		}
	}
	for n := range written {
		if !told[n] {
			t.Errorf("the README does not say what MC-%s is", n)
		}
	}
	if len(written) < 100 {
		t.Errorf("only %d numbers were found", len(written))
	}
}

func TestSpeltIsNotBlind(t *testing.T) {
	got := spelt("| MC-7.1.02–04, 08 | and MC-24.16, 4.01–02, 05; MC-9.01 |")
	if want := []string{"7.1.02", "7.1.03", "7.1.04", "7.1.08", "24.16", "4.01", "4.02", "4.05", "9.01"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
