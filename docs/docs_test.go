package docs

import (
	"bufio"
	"bytes"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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
	more, err := fs.Glob(Files, "*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(pages, more...) {
		if !listed[name] {
			t.Errorf("%s is in no table of contents", name)
		}
	}
}

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// The samples are whole programs. Each is started as its page says, and sent what the gateway
// sends: it believes what is signed and nothing else, and acts once however often an event comes.
func TestReceivers(t *testing.T) {
	page, err := fs.ReadFile(Files, "webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		lang, file string
		run        func(t *testing.T, dir, port string) []string
	}{
		{"ts", "receiver.ts", func(t *testing.T, dir, _ string) []string {
			build := exec.Command(tool(t, "node"), esbuild(t), filepath.Join(dir, "receiver.ts"), "--platform=node", "--format=esm", "--log-level=warning", "--outfile="+filepath.Join(dir, "receiver.mjs"))
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return []string{tool(t, "node"), "receiver.mjs"}
		}},
		{"go", "receiver.go", func(t *testing.T, dir, _ string) []string {
			build := exec.Command("go", "build", "-o", "receiver", "receiver.go")
			build.Dir = dir
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return []string{filepath.Join(dir, "receiver")}
		}},
		{"python", "receiver.py", func(t *testing.T, _, _ string) []string { return []string{tool(t, "python3"), "receiver.py"} }},
		{"php", "receiver.php", func(t *testing.T, _, port string) []string {
			return []string{tool(t, "php"), "-S", "127.0.0.1:" + port, "receiver.php"}
		}},
	} {
		t.Run(c.lang, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(block(t, string(page), c.lang)), 0o600); err != nil {
				t.Fatal(err)
			}
			port := freePort(t)
			said := serve(t, dir, port, c.run(t, dir, port))
			try(t, "http://127.0.0.1:"+port, said)
		})
	}
}

// try sends two events, each more than once, and every kind of forgery.
func try(t *testing.T, url string, said <-chan string) {
	secrets, err := webhook.ParseSecrets(secret)
	if err != nil {
		t.Fatal(err)
	}
	others, err := webhook.ParseSecrets("whsec_" + strings.Repeat("QUJD", 8))
	if err != nil {
		t.Fatal(err)
	}
	body := func(order string) []byte {
		return []byte(`{"sourceInvoiceId":"` + order + `","status":"paid","amount":15000000,"note":"oʻ"}`)
	}
	good := webhook.Sign(secrets, "evt_1", time.Unix(1795310419, 0), body("one")).Get(webhook.HeaderSignature)
	if !strings.HasPrefix(good, "sha256=") {
		t.Fatalf("the program signs %q", good)
	}
	second := webhook.Sign(secrets, "evt_2", time.Unix(1795310419, 0), body("two")).Get(webhook.HeaderSignature)
	foreign := webhook.Sign(others, "evt_1", time.Unix(1795310419, 0), body("one")).Get(webhook.HeaderSignature)
	for _, c := range []struct {
		order, event, header string
		want                 int
	}{
		{"one", "evt_1", "", 401},
		{"one", "evt_1", foreign, 401},
		{"two", "evt_1", good, 401}, // another body
		{"one", "evt_1", good[:len(good)-1], 401},
		{"one", "evt_1", strings.ToUpper(good), 401},
		{"one", "evt_1", good, 200},
		{"one", "evt_1", good, 200}, // again: heard, and done already
		{"two", "evt_2", second, 200},
		{"one", "evt_1", good, 200},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body(c.order)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Payment-Event-Id", c.event)
		if c.header != "" {
			req.Header.Set("X-Payment-Signature", c.header)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s with %q is answered %d, want %d", c.order, c.header, res.StatusCode, c.want)
		}
	}
	for _, want := range []string{"one paid 15000000", "two paid 15000000"} {
		if got := <-said; got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
	select {
	case more := <-said:
		t.Errorf("it acts once more: %q", more)
	default:
	}
}

// freePort is one that nobody listens on, below those that systems lend to whoever connects
// somewhere: a port that is only free at this moment is not taken in the next.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20000 + rand.IntN(12000))
		if ln, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// serve starts a receiver, waits until it listens, and returns what it prints of orders.
func serve(t *testing.T, dir, port string, argv []string) <-chan string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PORT="+port, "WEBHOOK_SIGNING_SECRET="+secret)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	said := make(chan string, 100)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.Contains(lines.Text(), " paid ") {
				said <- lines.Text()
			}
		}
		close(said)
	}()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for give := time.After(time.Minute); ; {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			return said
		}
		select {
		case <-again.C:
		case <-give:
			t.Fatalf("%v does not listen", argv)
		}
	}
}

// esbuild is the path of the transpiler that takes the types out of a sample; npm installs it
// beside the founding document's app, which needs it too.
func esbuild(t *testing.T) string {
	t.Helper()
	path := filepath.Join("..", "e2e", "founding", "node_modules", "esbuild", "bin", "esbuild")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	cmd := exec.Command(tool(t, "npm"), "ci", "--no-audit", "--no-fund")
	cmd.Dir = filepath.Join("..", "e2e", "founding")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return path
}

func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing here; tools/needs installs it", name)
	}
	return path
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
