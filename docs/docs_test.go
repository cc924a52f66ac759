package docs

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/webhook"
)

// Every page is in the table of contents, and begins with its heading.
func TestContentsAreWhole(t *testing.T) {
	listed := map[string]bool{}
	for _, p := range Contents {
		listed[p.Path+".md"] = true
		text, err := fs.ReadFile(Files, p.Path+".md")
		if err != nil || !strings.HasPrefix(string(text), "# ") {
			t.Errorf("%s: %v, or it has no heading", p.Path, err)
		}
	}
	pages, err := fs.Glob(Files, "*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := fs.Glob(Files, "providers/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(pages, more...) {
		if !listed[name] {
			t.Errorf("%s is in no table of contents", name)
		}
	}
}

// The samples of a receiver say yes to what the program itself signs, and no to everything else.
func TestReceivers(t *testing.T) {
	page, err := fs.ReadFile(Files, "webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	body := `{"status":"paid","amount":15000000,"note":"oʻ"}`
	secrets, err := webhook.ParseSecrets(secret)
	if err != nil {
		t.Fatal(err)
	}
	good := webhook.Sign(secrets, "evt_1", time.Unix(1795310419, 0), []byte(body)).Get(webhook.HeaderSignature)
	if !strings.HasPrefix(good, "sha256=") {
		t.Fatalf("the program signs %q", good)
	}
	for _, c := range []struct{ lang, file, program, run string }{
		{"js", "receiver.mjs", "\nconst [, , b, h, s] = process.argv; console.log(verified(Buffer.from(b), h, s));\n", "node receiver.mjs"},
		{"python", "receiver.py", "\n\nimport sys\nprint(str(verified(sys.argv[1].encode(), sys.argv[2], sys.argv[3])).lower())\n", "python3 receiver.py"},
		{"php", "receiver.php", "\necho verified($argv[1], $argv[2], $argv[3]) ? 'true' : 'false', \"\\n\";\n", "php receiver.php"},
		{"go", "receiver.go", "", "./receiver"},
	} {
		t.Run(c.lang, func(t *testing.T) {
			sample := block(t, string(page), c.lang)
			dir := t.TempDir()
			if c.lang == "go" {
				sample = strings.Replace(sample, "package receiver", "package main", 1)
				sample = strings.Replace(sample, "import (", "import (\n\t\"fmt\"\n\t\"os\"", 1)
				c.program = "\nfunc main() { fmt.Println(Verified([]byte(os.Args[1]), os.Args[2], os.Args[3])) }\n"
			}
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(sample+c.program), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.lang == "go" {
				build := exec.Command("go", "build", "-o", "receiver", "receiver.go")
				build.Dir = dir
				if out, err := build.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			argv := strings.Fields(c.run)
			if c.lang == "go" {
				argv[0] = filepath.Join(dir, "receiver")
			} else if _, err := exec.LookPath(argv[0]); err != nil {
				t.Fatalf("%s is missing here; tools/needs installs it", argv[0])
			}
			for _, try := range []struct{ body, header, secret, want string }{
				{body, good, secret, "true"},
				{body + " ", good, secret, "false"},
				{body, good, secret + "x", "false"},
				{body, "", secret, "false"},
				{body, good[:len(good)-1], secret, "false"},
				{body, strings.ToUpper(good), secret, "false"},
			} {
				cmd := exec.Command(argv[0], append(argv[1:], try.body, try.header, try.secret)...)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				if err != nil || strings.TrimSpace(string(out)) != try.want {
					t.Errorf("%.20s… with %q: %s (%v), want %s", try.body, try.header, out, err, try.want)
				}
			}
		})
	}
}

// block is the page's one sample in a language.
func block(t *testing.T, page, lang string) string {
	t.Helper()
	found := regexp.MustCompile("(?s)```"+lang+"\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(found) != 1 {
		t.Fatalf("%d samples in %s", len(found), lang)
	}
	return found[0][1]
}
