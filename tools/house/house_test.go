// Package house holds the house rules: what CONTRIBUTING.md asks of every change, as tests.
package house

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/chorsu/chorsu"

// root is the repository's top folder.
var root = func() string {
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		panic(err)
	}
	return dir
}()

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath, Dir, Name              string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Imports, TestImports, XTestImports []string
	Standard                           bool
}

// short is the path below the module: internal/pay.
func (p pkg) short() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func goList(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Name,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports,Standard"}, args...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var list []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// files lists what belongs to the repository: tracked, or new and not ignored.
func files(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v (the house rules run in a git work tree)", err)
	}
	var list []string
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		if info, err := os.Stat(filepath.Join(root, name)); err == nil && info.Mode().IsRegular() {
			list = append(list, name)
		}
	}
	return list
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func isStandard(path string) bool { return !strings.Contains(strings.Split(path, "/")[0], ".") }

func below(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// The direction of dependencies: ARCHITECTURE.md says why.
func TestImports(t *testing.T) {
	for _, p := range goList(t, "./...") {
		for _, imp := range p.Imports {
			if why := forbidden(p.short(), imp); why != "" {
				t.Errorf("%s imports %s: %s", p.short(), imp, why)
			}
		}
	}
}

// testSupport is what only tests and the tools around them may import.
var testSupport = []string{"internal/store/storetest", "internal/provider/providertest", "internal/httpapi/apitest"}

// forbidden says why the package at path (below the module) may not import imp; "" if it may.
func forbidden(path, imp string) string {
	own, ours := strings.CutPrefix(imp, module+"/")
	is := func(folders ...string) bool {
		return ours && slices.ContainsFunc(folders, func(f string) bool { return below(own, f) })
	}
	switch {
	case imp == "database/sql" && !below(path, "internal/store") && !below(path, "internal/till"):
		return "only the store and the till's journal speak SQL"
	case is("internal/provider/all") && !below(path, "internal/app"):
		return "only app knows the list of providers"
	case is(testSupport...) && !slices.ContainsFunc(append(slices.Clone(testSupport), "tools"), func(f string) bool { return below(path, f) }):
		return "test support is for tests"
	case is("internal/provider/example") && !below(path, "internal/provider/example"):
		return "the example company is for tests and docs"
	case is("cmd", "e2e", "tools"):
		return "nothing imports a command or a test"
	}
	switch top := strings.Split(path, "/"); {
	case path == "internal/pay":
		if !isStandard(imp) || imp == "net/http" || imp == "database/sql" {
			return "the domain is plain types and pure functions"
		}
	case path == "internal/words":
		if ours {
			return "a leaf that all may import imports none of us"
		}
	case path == "internal/provider":
		if ours && !is("internal/pay", "internal/words") {
			return "the contract knows the domain and the words, and nothing else"
		}
	case path == "internal/provider/simulator":
		if !isStandard(imp) {
			return "the companies' side knows nothing of ours"
		}
	case path == "internal/provider/all", path == "internal/provider/providertest":
	case below(path, "internal/provider") && top[len(top)-1] == "sim":
		if ours && !is("internal/provider/simulator") {
			return "a simulator shares nothing with the adapter, so that one misreading cannot pass on both sides"
		}
	case below(path, "internal/provider"):
		if ours && own != "internal/provider" && !is("internal/pay", "internal/words") {
			return "an adapter translates: it knows the contract, the domain and the words"
		}
	case below(path, "internal/till/terminal") && top[len(top)-1] == "sim":
		if ours && !is("internal/till/terminal/sim") && path != "internal/till/terminal/sim" {
			return "a simulated device shares nothing with the driver, so that one misreading cannot pass on both sides"
		}
	case below(path, "internal/till/terminal"):
		if ours && !is("internal/pay", "internal/till/terminal", "internal/till/fbox", "internal/till/terminal/tree") || is("internal/till/terminal/zvt/sim", "internal/till/terminal/arcus2/sim", "internal/till/terminal/fbox/sim") {
			return "a driver knows its wire and the drivers' contract"
		}
	case below(path, "internal/sandbox"), below(path, "internal/till"):
		if is("internal/gateway", "internal/store", "internal/httpapi") {
			return "it stands outside the gateway, as the companies and the shops do"
		}
	case path == "internal/gateway":
		if is("internal/httpapi", "internal/app", "internal/sandbox", "internal/config") {
			return "the use cases do not know who calls them"
		}
	case path == "internal/staff":
		if is("internal/gateway", "internal/provider", "internal/httpapi", "internal/app", "internal/admin") {
			return "accounts and the log of what people did know nothing of payments"
		}
	case path == "internal/admin":
		if is("internal/store", "internal/app", "internal/sandbox", "internal/config") {
			return "a page calls use cases, and begins no transaction"
		}
	case path == "internal/store":
		if is("internal/gateway", "internal/provider", "internal/httpapi") {
			return "SQL depends on the domain, not on the use cases"
		}
	case path == "internal/outbox", path == "internal/seal", path == "internal/webhook", path == "internal/id", path == "internal/inbox":
		if ours && !is("internal/pay", "internal/id") {
			return "a leaf stays one"
		}
	}
	return ""
}

func TestForbiddenIsNotBlind(t *testing.T) {
	for _, c := range [][2]string{
		{"internal/pay", "net/http"},
		{"internal/pay", "github.com/google/uuid"},
		{"internal/httpapi", "database/sql"},
		{"internal/provider/payme", module + "/internal/store"},
		{"internal/provider/payme", module + "/internal/provider/click"},
		{"internal/provider/payme", module + "/internal/provider/payme/sim"},
		{"internal/provider/payme/sim", module + "/internal/provider/payme"},
		{"internal/provider/payme/sim", module + "/internal/pay"},
		{"internal/gateway", module + "/internal/provider/all"},
		{"internal/sandbox", module + "/internal/gateway"},
		{"internal/till", module + "/internal/store"},
		{"internal/till/terminal/zvt", module + "/internal/till/terminal/zvt/sim"},
		{"internal/till/terminal/zvt/sim", module + "/internal/till/terminal/zvt"},
		{"internal/app", module + "/internal/provider/example"},
		{"internal/staff", module + "/internal/gateway"},
		{"internal/admin", module + "/internal/store"},
	} {
		if forbidden(c[0], c[1]) == "" {
			t.Errorf("%s may import %s", c[0], c[1])
		}
	}
	for _, c := range [][2]string{
		{"internal/provider/payme", module + "/internal/pay"},
		{"internal/provider/payme/sim", module + "/internal/provider/simulator"},
		{"internal/app", module + "/internal/provider/all"},
		{"internal/store", "database/sql"},
	} {
		if why := forbidden(c[0], c[1]); why != "" {
			t.Errorf("%s may not import %s: %s", c[0], c[1], why)
		}
	}
}

// What is only for tests must not be linked into the program.
func TestNoTestPackageInTheBinary(t *testing.T) {
	for _, p := range goList(t, "-deps", "./cmd/chorsu") {
		switch p.ImportPath {
		case "testing", "net/http/httptest", "github.com/google/go-cmp/cmp", "pgregory.net/rapid":
			t.Errorf("the program links %s", p.ImportPath)
		}
	}
}

// A provider that nobody lists is a provider that nobody can use.
func TestEveryProviderIsListed(t *testing.T) {
	listed := read(t, "internal/provider/all/all.go")
	for _, p := range goList(t, "./internal/provider/...") {
		name, ok := strings.CutPrefix(p.short(), "internal/provider/")
		if !ok || strings.Contains(name, "/") || slices.Contains([]string{"all", "providertest", "simulator", "example"}, name) {
			continue
		}
		if !strings.Contains(listed, `"`+p.ImportPath+`"`) {
			t.Errorf("%s is not in internal/provider/all/all.go", name)
		}
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	for _, p := range goList(t, "./...") {
		names := p.GoFiles
		if len(names) == 0 {
			names = append(slices.Clone(p.TestGoFiles), p.XTestGoFiles...)
		}
		var with []string
		for _, name := range names {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if !ast.IsGenerated(f) && f.Doc != nil && strings.TrimSpace(f.Doc.Text()) != "" {
				with = append(with, name)
			}
		}
		if len(with) != 1 {
			t.Errorf("%s has %d package comments, in %q; it should have one", p.short(), len(with), with)
		}
	}
}

// Names that promise nothing gather everything.
func TestNoDrawers(t *testing.T) {
	drawers := regexp.MustCompile(`(?i)(^|[_/-])(utils?|common|helpers?|types|misc)([_./-]|$)`)
	for _, p := range goList(t, "./...") {
		if drawers.MatchString("/" + p.Name + "/") {
			t.Errorf("package %s is called %s", p.short(), p.Name)
		}
	}
	for _, name := range files(t) {
		if strings.HasSuffix(name, ".go") && drawers.MatchString(strings.TrimSuffix(path.Base(name), ".go")) {
			t.Errorf("%s: name a file by what is in it", name)
		}
	}
}

// source says whether a file is text that we write: not a lock file, a fuzz corpus or a picture.
func source(name string) bool {
	if strings.Contains(name, "testdata/") || strings.Contains(name, "node_modules/") {
		return false
	}
	switch path.Ext(name) {
	case ".go", ".md", ".sql", ".sh", ".ts", ".js", ".css", ".html", ".templ", ".yaml", ".yml", ".service", ".json":
		return !strings.HasSuffix(name, "-lock.json")
	case "":
		return true
	}
	return false
}

// What is unfinished goes into an issue, and a test that is skipped proves nothing. The words
// are put together here so that this file does not find itself.
func TestNothingUnfinished(t *testing.T) {
	words := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b|\bt\.Ski` + `p(Now|f)?\(`)
	places := regexp.MustCompile(`/wo` + `rk/|/tm` + `p/wt|/ro` + `ot/|/ho` + `me/[a-z]`)
	for _, name := range files(t) {
		if !source(name) {
			continue
		}
		for i, line := range strings.Split(read(t, name), "\n") {
			if m := words.FindString(line); m != "" {
				t.Errorf("%s:%d: %s", name, i+1, m)
			}
			if m := places.FindString(line); m != "" {
				t.Errorf("%s:%d: a path of somebody's machine: %s", name, i+1, m)
			}
		}
	}
}

// A test that sleeps is slow on a good day and wrong on a bad one.
func TestTestsDoNotSleep(t *testing.T) {
	for _, p := range goList(t, "./...") {
		for _, name := range append(slices.Clone(p.TestGoFiles), p.XTestGoFiles...) {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			bubble := slices.Contains(append(slices.Clone(p.TestImports), p.XTestImports...), "testing/synctest")
			ast.Inspect(f, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok || bubble {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && sel.Sel.Name == "Sleep" {
					t.Errorf("%s sleeps", fset.Position(n.Pos()))
				}
				return true
			})
		}
	}
}

// Domain, adapters and simulators are given the time; only what talks to the operating system
// may read it.
func TestTheClockIsInjected(t *testing.T) {
	for _, p := range goList(t, "./internal/pay/...", "./internal/provider/...") {
		if strings.HasSuffix(p.short(), "/providertest") {
			continue
		}
		for _, name := range p.GoFiles {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && (sel.Sel.Name == "Now" || sel.Sel.Name == "Since" || sel.Sel.Name == "Until") {
					t.Errorf("%s reads time.%s", fset.Position(n.Pos()), sel.Sel.Name)
				}
				return true
			})
		}
	}
}

// Every link between our own pages leads somewhere.
func TestLinksResolve(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, name := range files(t) {
		if path.Ext(name) != ".md" || strings.Contains(name, "testdata/") {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(withoutCode(read(t, name)), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file := name
			if target != "" {
				file = path.Join(path.Dir(name), target)
			}
			info, err := os.Stat(filepath.Join(root, file))
			if err != nil {
				t.Errorf("%s: %s does not exist", name, m[1])
				continue
			}
			if anchor != "" && !info.IsDir() && !slices.Contains(anchors(read(t, file)), anchor) {
				t.Errorf("%s: %s has no heading #%s", name, file, anchor)
			}
		}
	}
}

var fence = regexp.MustCompile("(?ms)^[ \t]*(```|~~~).*?^[ \t]*(```|~~~)[ \t]*$")

func withoutCode(text string) string { return fence.ReplaceAllString(text, "") }

// anchors are the names that GitHub gives a page's headings.
func anchors(text string) []string {
	drop := regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
	var out []string
	seen := map[string]int{}
	for _, line := range strings.Split(withoutCode(text), "\n") {
		title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if !ok || !strings.HasPrefix(line, "#") {
			continue
		}
		a := strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")
		if n := seen[a]; n > 0 {
			out = append(out, fmt.Sprintf("%s-%d", a, n))
		} else {
			out = append(out, a)
		}
		seen[a]++
	}
	return out
}

// A command that a page names must exist: make targets in the Makefile, chorsu's own in its
// help.
func TestCommandsInDocsExist(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z][a-z0-9/_-]*):`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets[m[1]] = true
	}
	bin := filepath.Join(t.TempDir(), "chorsu")
	build := exec.Command("go", "build", "-o", bin, "./cmd/chorsu")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	makes := regexp.MustCompile("(?:^|[`$ ])make ([a-z][a-z0-9/_-]*)")
	commands := regexp.MustCompile("(?:^|[`$/ ])chorsu ([a-z]+(?: [a-z][a-z-]*)?)")
	known := map[string]bool{}
	for _, name := range files(t) {
		if path.Ext(name) != ".md" && name != "Makefile" {
			continue
		}
		for _, code := range codeIn(name, read(t, name)) {
			for _, m := range makes.FindAllStringSubmatch(code, -1) {
				if !targets[m[1]] {
					t.Errorf("%s: make %s is no target", name, m[1])
				}
			}
			for _, m := range commands.FindAllStringSubmatch(code, -1) {
				ok, tried := known[m[1]]
				if !tried {
					ok = commandExists(bin, strings.Fields(m[1]))
					known[m[1]] = ok
				}
				if !ok {
					t.Errorf("%s: chorsu %s is no command", name, m[1])
				}
			}
		}
	}
}

// commandExists asks for help on the words, or on the first of them where the second is an
// argument.
func commandExists(bin string, words []string) bool {
	help := func(words []string) bool {
		return exec.Command(bin, append(slices.Clone(words), "--help")...).Run() == nil
	}
	return help(words) || len(words) == 2 && help(words[:1]) && !group(bin, words[0])
}

// group says whether a command only holds others.
func group(bin, word string) bool { return exec.Command(bin, "help", word, "list").Run() == nil }

// codeIn returns what a page shows as code: its fences and its back-quoted spans.
func codeIn(name, text string) []string {
	if path.Ext(name) != ".md" {
		return nil
	}
	var out []string
	for _, f := range fence.FindAllString(text, -1) {
		out = append(out, strings.Split(f, "\n")...)
	}
	return append(out, regexp.MustCompile("`[^`\n]+`").FindAllString(withoutCode(text), -1)...)
}
