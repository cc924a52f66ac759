package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
)

// terminal is a console whose output can be read while a command runs.
type terminal struct {
	mu    sync.Mutex
	b     bytes.Buffer
	wrote chan struct{}
}

func newTerminal() *terminal { return &terminal{wrote: make(chan struct{}, 1)} }

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case t.wrote <- struct{}{}:
	default:
	}
	return t.b.Write(p)
}

func (t *terminal) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// folder is an empty working folder, and an environment without our settings.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range config.Names() {
		t.Setenv(name, "")
	}
	return dir
}

// do runs a command to its end.
func do(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	o, e := newTerminal(), newTerminal()
	code = run(t.Context(), &console{out: o, err: e}, args)
	return code, o.String(), e.String()
}

// background runs a command that serves until stop is called; line is one that it prints when
// it does.
func background(t *testing.T, line *regexp.Regexp, args ...string) (found []string, stop func() (code int, errs string)) {
	t.Helper()
	o, e := newTerminal(), newTerminal()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, &console{out: o, err: e}, args) }()
	stop = sync.OnceValues(func() (int, string) { cancel(); return <-ended, e.String() })
	t.Cleanup(func() { stop() })
	limit := time.After(time.Minute)
	for {
		if found = line.FindStringSubmatch(o.String()); found != nil {
			return found, stop
		}
		select {
		case <-o.wrote:
		case code := <-ended:
			ended <- code
			t.Fatalf("chorsu %s ended with %d: %s", strings.Join(args, " "), code, e)
		case <-limit:
			t.Fatalf("chorsu %s does not serve: %s %s", strings.Join(args, " "), o, e)
		}
	}
}

var apiLine = regexp.MustCompile(`API +(http://\S+)/api`)

func TestHelp(t *testing.T) {
	folder(t)
	for _, args := range [][]string{{}, {"help"}, {"--help"}} {
		code, out, _ := do(t, args...)
		if code != 0 || !strings.Contains(out, "doctor") {
			t.Errorf("chorsu %v: %d\n%s", args, code, out)
		}
	}
	for _, command := range []string{"up", "demo", "serve", "worker", "sandbox", "till", "migrate", "migrate plan", "migrate up", "migrate status", "migrate copy", "keys", "keys list", "keys rotate", "doctor", "bench", "admin", "admin add", "admin list", "admin reset-totp", "admin disable", "admin audit", "admin audit verify", "version", "help"} {
		words := strings.Fields(command)
		code, out, _ := do(t, append(words, "--help")...)
		if code != 0 || !strings.HasPrefix(out, "Examples:\n  chorsu") && !strings.HasPrefix(out, "Examples:\n  PUBLIC_URL") && !strings.HasPrefix(out, "Examples:\n  DATABASE_URL") {
			t.Errorf("chorsu %s --help (%d) does not begin with examples:\n%s", command, code, out)
		}
		if _, again, _ := do(t, append([]string{"help"}, words...)...); again != out {
			t.Errorf("chorsu help %s is not chorsu %s --help", command, command)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	folder(t)
	for _, args := range [][]string{{"fly"}, {"up", "--wings"}, {"keys", "rotate"}, {"keys", "rotate", "house"}, {"migrate"}, {"help", "fly"}, {"keys", "rotate", "api", "--reseal"},
		{"migrate", "copy"}, {"migrate", "copy", "--from", "sqlite:a.db", "--to", "sqlite:b.db"}, {"migrate", "copy", "--from", "a.db", "--to", "postgres://h/b"}} {
		code, _, errs := do(t, args...)
		if code != exitUsage || errs == "" {
			t.Errorf("chorsu %v: exit code %d, %q", args, code, errs)
		}
	}
}

func TestVersion(t *testing.T) {
	code, out, _ := do(t, "version")
	if code != 0 || !strings.HasPrefix(out, "chorsu ") {
		t.Errorf("%d %s", code, out)
	}
	_, out, _ = do(t, "version", "--json")
	var v struct{ Version, Go, Platform string }
	if err := json.Unmarshal([]byte(out), &v); err != nil || v.Version == "" || v.Go == "" || v.Platform == "" {
		t.Errorf("%s %v", out, err)
	}
}

func TestUpMakesWhatItNeedsAndKeepsIt(t *testing.T) {
	dir := folder(t)
	t.Setenv("PORT", "0")
	at, stop := background(t, apiLine, "up")
	if res, err := http.Get(at[1] + "/health"); err != nil || res.StatusCode != 200 {
		t.Errorf("/health: %v %v", res, err)
	} else {
		res.Body.Close()
	}
	if code, errs := stop(); code != 0 {
		t.Errorf("exit code %d: %s", code, errs)
	}
	first, err := os.ReadFile(filepath.Join(dir, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"SERVICE_API_KEY=", "WEBHOOK_SIGNING_SECRET=", "MASTER_KEY="} {
		if !bytes.Contains(first, []byte(name)) {
			t.Errorf(".env has no %s", name)
		}
	}
	for _, name := range []string{".env", "data/chorsu.db"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	_, stop = background(t, apiLine, "up")
	stop()
	if second, _ := os.ReadFile(filepath.Join(dir, ".env")); !bytes.Equal(first, second) {
		t.Error("the second start changed .env")
	}

	// What up made is test mode for ever, and serve says so in one line.
	t.Setenv("PUBLIC_URL", "https://pay.example.uz")
	t.Setenv("LOG_LEVEL", "error") // a slow machine may have a warning to give beside it
	for _, command := range []string{"serve", "worker"} {
		code, _, errs := do(t, command)
		if code != exitPerson || !strings.Contains(errs, "test mode") || strings.Count(strings.TrimSpace(errs), "\n") > 0 {
			t.Errorf("%s on a test database: %d %s", command, code, errs)
		}
	}
}

func TestServeRefusesToStartHalfConfigured(t *testing.T) {
	folder(t)
	code, _, errs := do(t, "serve")
	if code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	for _, name := range []string{"PUBLIC_URL", "SERVICE_API_KEY", "WEBHOOK_SIGNING_SECRET", "MASTER_KEY"} {
		if !strings.Contains(errs, name) {
			t.Errorf("nothing is said of %s: %s", name, errs)
		}
	}
	t.Setenv("PORT", "a lot")
	if code, _, errs := do(t, "up"); code != exitUsage || !strings.Contains(errs, "PORT") || !strings.Contains(errs, "65535") {
		t.Errorf("a bad value: %d %s", code, errs)
	}
	t.Setenv("PORT", "")
	for name, value := range production(t) {
		t.Setenv(name, value)
	}
	t.Setenv("PAYME_API_URL", "http://127.0.0.1:4003/payme/api")
	if code, _, errs := do(t, "serve"); code != exitUsage || !strings.Contains(errs, "ALLOW_SANDBOX") {
		t.Errorf("serve with a provider on loopback: %d %s", code, errs)
	}
}

// production is what serve needs.
func production(t *testing.T) map[string]string {
	return map[string]string{
		"PUBLIC_URL": "https://pay.example.uz", "SERVICE_API_KEY": newAPIKey(), "PORT": "0", "HOST": "127.0.0.1",
		"WEBHOOK_SIGNING_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MASTER_KEY": "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
	}
}

func TestUpRefusesALiveDatabase(t *testing.T) {
	folder(t)
	for name, value := range production(t) {
		t.Setenv(name, value)
	}
	serveBriefly(t)
	code, _, errs := do(t, "up")
	if code != exitFailed || !strings.Contains(errs, "real payments") {
		t.Errorf("up on a live database: %d %s", code, errs)
	}
}

// serveBriefly starts serve and stops it when it serves.
func serveBriefly(t *testing.T) {
	t.Helper()
	o, e := newTerminal(), newTerminal()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, &console{out: o, err: e}, []string{"serve"}) }()
	limit := time.After(time.Minute)
	for !strings.Contains(e.String(), `"serving"`) {
		select {
		case <-e.wrote:
		case code := <-ended:
			t.Fatalf("serve ended with %d: %s", code, e)
		case <-limit:
			t.Fatalf("serve does not serve: %s", e)
		}
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Fatalf("serve ended with %d: %s", code, e)
	}
}

func TestMigrate(t *testing.T) {
	folder(t)
	if code, _, errs := do(t, "migrate", "status"); code != exitFailed || !strings.Contains(errs, "no database") {
		t.Errorf("without a database: %d %s", code, errs)
	}
	os.MkdirAll("data", 0o700)
	os.WriteFile("data/chorsu.db", nil, 0o600)
	code, out, errs := do(t, "migrate", "plan")
	if code != 0 || !strings.Contains(out, "CREATE TABLE invoices") {
		t.Errorf("plan: %d %s %s", code, out, errs)
	}
	var status struct {
		Have, Want int64
		Steps      []struct{ Version int64 }
	}
	_, out, _ = do(t, "migrate", "status", "--json")
	if err := json.Unmarshal([]byte(out), &status); err != nil || status.Have != 0 || status.Want < 1 || len(status.Steps) == 0 {
		t.Errorf("status before: %s %v", out, err)
	}
	os.Remove("data/chorsu.db") // a deployment migrates first
	if code, out, errs := do(t, "migrate", "up"); code != 0 || !strings.Contains(out, "done: 1") {
		t.Errorf("up: %d %s %s", code, out, errs)
	}
	if info, err := os.Stat("data/chorsu.db"); err != nil || info.Mode() != 0o600 {
		t.Errorf("what up made: %v %v", info, err)
	}
	_, out, _ = do(t, "migrate", "status", "--json")
	if err := json.Unmarshal([]byte(out), &status); err != nil || status.Have != status.Want {
		t.Errorf("status after: %s %v", out, err)
	}
	if _, out, _ := do(t, "migrate", "plan"); !strings.Contains(out, "up to date") {
		t.Errorf("plan after: %s", out)
	}
	if _, out, _ := do(t, "migrate", "up"); !strings.Contains(out, "was up to date") {
		t.Errorf("up again: %s", out)
	}
}

func TestDemo(t *testing.T) {
	folder(t)
	t.Setenv("PORT", "1") // the demo takes free ports, whatever stands here
	t.Setenv("PAYME_API_URL", "https://checkout.paycom.uz/api")
	code, out, errs := do(t, "demo")
	if code != 0 {
		t.Fatalf("exit code %d: %s\n%s", code, errs, out)
	}
	for _, p := range app.Online() {
		name := p.Provider.Info().Name
		for _, step := range []string{"registered", "invoice", "buyer pays", "webhook"} {
			if !regexp.MustCompile(`(?m)^  ok +` + name + ` +` + step).MatchString(out) {
				t.Errorf("no line for %s: %s\n%s", name, step, out)
			}
		}
	}
	if !strings.Contains(out, "refunded: both signatures verified") || !strings.Contains(out, "Every step held") {
		t.Errorf("the refund, or the end, is missing:\n%s", out)
	}
	if left, _ := os.ReadDir("."); len(left) > 0 {
		t.Errorf("the demo left %v in the working folder", left)
	}
	code, out, _ = do(t, "demo", "--json")
	var report struct {
		OK    bool
		Steps []step
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || !report.OK || len(report.Steps) < 4*len(app.Online())+2 {
		t.Errorf("--json: %d %v %s", code, err, out)
	}
	for _, s := range report.Steps {
		if !s.OK {
			t.Errorf("%+v did not hold", s)
		}
	}
}

// A demo whose step does not hold must say so and fail.
func TestDemoFailsWhereAStepDoes(t *testing.T) {
	folder(t)
	d := &demo{out: newTerminal()}
	if d.step("payme", "invoice", func() (string, error) { return "", context.DeadlineExceeded }) {
		t.Error("a step that failed reads as held")
	}
	if out := d.out.(*terminal).String(); !strings.Contains(out, "FAILED payme") || !strings.Contains(out, "deadline") {
		t.Errorf("its line: %s", out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := run(ctx, &console{out: newTerminal(), err: newTerminal()}, []string{"demo"}); code == 0 {
		t.Error("a demo that was stopped ends with 0")
	}
}

func TestSandboxCommand(t *testing.T) {
	folder(t)
	t.Setenv("SANDBOX_ADDR", "127.0.0.1:0")
	at, stop := background(t, sandboxLine, "sandbox", "--zvt", "127.0.0.1:0")
	res, err := http.Get(at[1] + "/control/providers")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var list struct{ Items []struct{ Name string } }
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil || len(list.Items) != len(app.Companies(app.Plugins()))+2 {
		t.Errorf("%+v %v", list, err)
	}
	page, err := http.Get(at[1] + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	if body, err := io.ReadAll(page.Body); err != nil || !strings.Contains(string(body), "ZVT at "+at[2]) {
		t.Errorf("the page does not list the pinpad at %s: %v", at[2], err)
	}
	if code, errs := stop(); code != 0 {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

var sandboxLine = regexp.MustCompile(`What can be done: (http://\S+)/control[\s\S]*driver zvt, address (\S+)[\s\S]*Make each merchant`)

// A port that is taken costs the sandbox its ZVT pinpad, and nothing else.
func TestSandboxWithoutItsPinpad(t *testing.T) {
	folder(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	t.Setenv("SANDBOX_ADDR", "127.0.0.1:0")
	_, stop := background(t, regexp.MustCompile(`Make each merchant`), "sandbox", "--zvt", taken.Addr().String())
	if code, errs := stop(); code != 0 || !strings.Contains(errs, "There is no ZVT pinpad") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// What the example configuration says is what the program takes; that it runs against the sandbox is
// shown by TestTillRunsAsPrinted, in e2e.
func TestTillExample(t *testing.T) {
	folder(t)
	code, out, _ := do(t, "till", "--example-config")
	if code != 0 {
		t.Fatal(out)
	}
	if err := os.WriteFile("till.yaml", []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TILL_CONFIG", "till.yaml")
	t.Setenv("TILL_ADDR", "127.0.0.1:0")
	for name, value := range map[string]string{"TILL_DB": "postgres://x", "TILL_ADDR": "8090"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			if code, _, errs := do(t, "till", "--check"); code != 2 || !strings.Contains(errs, name) {
				t.Errorf("%d %s", code, errs)
			}
		})
	}
}
