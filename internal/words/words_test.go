package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	verbs    = regexp.MustCompile(`%(\[\d+\])?[a-z]`)
	cyrillic = regexp.MustCompile(`\p{Cyrillic}`)
	plural   = regexp.MustCompile(`%d ([a-z]+s|more times)\b`)
	wrongO   = regexp.MustCompile(`(?i)[og]['’‘ʼ` + "`" + `]`)
)

// Every Text of the package, found in its source: one that somebody adds tomorrow is looked at
// without being listed anywhere.
func TestEverySentenceIsWhole(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok || len(lit.Elts) == 0 {
				return true
			}
			var three []string
			for _, el := range lit.Elts {
				b, ok := el.(*ast.BasicLit)
				if !ok || b.Kind != token.STRING {
					return true // a map or a list of Texts: its elements are looked at one by one
				}
				s, _ := strconv.Unquote(b.Value)
				three = append(three, s)
			}
			found++
			for _, fault := range faults(three) {
				t.Errorf("%s: %s: %q", fset.Position(lit.Pos()), fault, three)
			}
			return true
		})
	}
	if found < 80 {
		t.Errorf("%d sentences were found: the search is blind", found)
	}
}

// faults says what is wrong with a sentence.
func faults(three []string) (out []string) {
	if len(three) != 3 {
		return []string{"not three languages"}
	}
	for i, s := range three {
		if strings.TrimSpace(s) == "" || strings.TrimSpace(s) != s {
			out = append(out, "empty, or with space around")
		}
		if !slices.Equal(verbs.FindAllString(s, -1), verbs.FindAllString(three[0], -1)) {
			out = append(out, "its gaps differ between languages")
		}
		if i != 1 && cyrillic.MatchString(s) {
			out = append(out, "Cyrillic letters in a Latin sentence")
		}
	}
	if plural.MatchString(three[2]) {
		out = append(out, "wrong where it is one: the number stands behind its name")
	}
	if wrongO.MatchString(three[0]) {
		out = append(out, "oʻ and gʻ are written with U+02BB")
	}
	return out
}

func TestFaultsAreSeen(t *testing.T) {
	for _, bad := range [][]string{
		{"bir", "один"}, {"bir", "", "one"}, {"bir %s", "один", "one %s"}, {"bіr", "один", "one"}, {"bo'r", "мел", "chalk"}, {"boʼr", "мел", "chalk"},
		{"%d ta qaytarish", "возвратов: %d", "%d refunds"},
	} {
		if len(faults(bad)) == 0 {
			t.Errorf("%q passes", bad)
		}
	}
}

// One thing has one name on the staff's pages, in each language.
func TestOneThingHasOneName(t *testing.T) {
	for _, name := range []string{"desk.go", "staff.go"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for other, says := range map[string]string{"предел": "лимит", "ограничени": "лимит", "компани": "провайдер", "kompani": "provayder", "limit ": "chegara"} {
			for i, line := range strings.Split(strings.ToLower(string(source)), "\n") {
				if other == "limit " { // of the Uzbek only
					_, line, _ = strings.Cut(line, "text{")
					line, _, _ = strings.Cut(line, `", "`)
				}
				if strings.Contains(line, other) && !strings.HasPrefix(strings.TrimSpace(line), "//") {
					t.Errorf("%s:%d: %s is called %s elsewhere", name, i+1, other, says)
				}
			}
		}
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		wishes []string
		want   Lang
	}{
		{[]string{""}, UZ},
		{[]string{"", "ru"}, RU},
		{[]string{"en", "ru"}, EN},
		{[]string{"de", "", "fr-FR, ru-RU;q=0.8, en;q=0.7"}, RU},
		{[]string{"EN-gb,en;q=0.9"}, EN},
		{[]string{"uz-Latn-UZ,ru;q=0.5"}, UZ},
		{[]string{"kaa", "*"}, UZ},
		{[]string{strings.Repeat("x,", 1000) + "ru"}, UZ},
	} {
		if got := Choose(c.wishes...); got != c.want {
			t.Errorf("Choose(%.40q) = %s, want %s", c.wishes, got, c.want)
		}
	}
}

func TestIn(t *testing.T) {
	for l, want := range map[Lang]string{UZ: "Toʻlandi", RU: "Оплачено", EN: "Paid", "": "Toʻlandi", "xx": "Toʻlandi"} {
		if got := Paid.In(l); got != want {
			t.Errorf("in %q: %q, want %q", l, got, want)
		}
	}
	if got := PayTitle.With(EN, "1 soum"); got != "Pay 1 soum" {
		t.Error(got)
	}
}
