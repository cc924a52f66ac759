// Package browser_test drives a real Chromium through the pages, against the whole program in
// test mode. What a person does stands in the .mjs files; here the program is started, and each
// line that a script prints becomes a subtest. With SHOTS=1 screenshots are kept in shots/.
package browser_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/admin"
	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/store/storetest"
	"github.com/chorsu/chorsu/internal/till"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/webhook"
	"github.com/chorsu/chorsu/internal/words"
)

const apiKey = "browser-tests-key-0123456789"

func TestCheckout(t *testing.T) {
	url := start(t)
	for _, p := range app.Online() {
		register(t, url, p.Provider.Info().Name, p.Sample)
	}
	run(t, url, "checkout.mjs", 20)
}

// The card's own form, where card numbers may pass through, and the acquirer's own where not.
func TestCards(t *testing.T) {
	url := start(t, "ACCEPT_CARD_DATA", "true")
	for _, p := range app.Plugins() {
		if name := p.Provider.Info().Name; name == "paysys" || name == "payme" {
			register(t, url, name, p.Sample)
		}
	}
	run(t, url, "cards.mjs", 8)
}

func TestSite(t *testing.T) {
	run(t, start(t), "site.mjs", 6)
}

// The ends that a buyer's page tells of, and what each must say.
func TestEnds(t *testing.T) {
	url := start(t, "ACCEPT_CARD_DATA", "true")
	for _, p := range app.Plugins() {
		if len(p.Sample) > 0 {
			register(t, url, p.Provider.Info().Name, p.Sample)
		}
	}
	says, err := json.Marshal(map[string][]words.Text{
		"paid": {words.PaidTitle, words.PaidText, words.BackToShop}, "already": {words.PaidTitle, words.PaidAlready},
		"refunded": {words.RefundedTitle, words.RefundedText}, "failed": {words.FailedTitle, words.FailedText},
		"cancelled": {words.CancelledTitle, words.CancelledText}, "released": {words.CancelledTitle, words.ReleasedText},
		"expired": {words.ExpiredTitle, words.ExpiredText}, "held": {words.HeldTitle, words.HeldText},
		"unknown": {words.UnknownTitle, words.UnknownText, words.UnknownKeep}, "bar": {words.TestBar},
	})
	must(t, err)
	t.Setenv("WORDS", string(says))
	run(t, url, "scenes.mjs", 11)
}

func TestSandbox(t *testing.T) {
	run(t, start(t), "sandbox.mjs", 21)
}

// The staff's pages: two people come with the links that the command line prints.
func TestStaff(t *testing.T) {
	url, a := serve(t)
	for _, p := range app.Plugins() {
		if name := p.Provider.Info().Name; name != "multicard" { // that one is added by hand
			register(t, url, name, p.Sample)
		}
	}
	links := map[string]staff.Role{"OWNER": staff.Owner, "VIEWER": staff.Viewer}
	for name, email := range map[string]string{"OWNER": "dilnoza@namuna.uz", "VIEWER": "kuzatuvchi@namuna.uz"} {
		_, token, err := a.Office.Add(t.Context(), staff.CommandLine, email, links[name])
		must(t, err)
		t.Setenv("ENROL_"+name, admin.EnrolURL(url, token))
	}
	run(t, url, "staff.mjs", 12)
}

// TestTill is the cashier's page of an agent beside the program's sandbox.
func TestTill(t *testing.T) {
	box := start(t)
	var wallet map[string]string
	for _, p := range app.Plugins() {
		if p.Provider.Info().Name == "clickpass" {
			wallet = map[string]string{"url": box + "/sandbox/click/v2/merchant"}
			maps.Copy(wallet, p.Sample)
			register(t, box, "clickpass", p.Sample)
		}
	}
	j, err := journal.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "till.db"), time.Now)
	must(t, err)
	t.Cleanup(func() { j.Close() })
	server := httptest.NewUnstartedServer(nil)
	var providers []provider.Provider
	for _, p := range app.Plugins() {
		providers = append(providers, p.Provider)
	}
	agent, err := till.New(t.Context(), till.Options{
		Config: till.Config{
			Shop: till.Shop{Name: "Namuna", INN: "123456789", Device: "00000001", WalletAmount: "tiyin"}, Printer: till.Printer{Charset: "cp866"},
			Wallets: till.Wallets{"click": wallet}, UzQR: &till.Service{URL: box + "/sandbox/fbox"}, Scan2pay: &till.Service{URL: box + "/sandbox/scan2pay"},
			Terminals: map[string]till.Terminal{"xumo": {Driver: "sim", Options: map[string]string{"link_back": "1s"}}, "uzcard": {Driver: "sim", Options: map[string]string{"card": "1m"}}},
		},
		Journal: j, Providers: providers, HTTP: app.TillClient(), Now: time.Now, Address: server.Listener.Addr().String(),
	})
	must(t, err)
	server.Config.Handler = agent.Handler()
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); must(t, agent.Close()) })
	t.Setenv("BOX_URL", box+"/sandbox")
	run(t, server.URL, "till.mjs", 9)
}

func start(t *testing.T, more ...string) (url string) {
	url, _ = serve(t, more...)
	return url
}

// serve serves the whole program on a free port, with more settings by name and value.
func serve(t *testing.T, more ...string) (url string, a *app.App) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // its address is known before there is anything to serve
	must(t, err)
	url = "http://" + ln.Addr().String()
	given := map[string]string{
		"DATABASE_URL": storetest.DSN(t, storetest.SQLite), "PUBLIC_URL": url, "SERVICE_API_KEY": apiKey,
		"WEBHOOK_SIGNING_SECRET": webhook.NewSecret(), "MASTER_KEY": seal.NewKey(), "NOTIFY_ALLOW_PRIVATE": "true", "RATE_LIMIT_PER_MINUTE": "0",
	}
	for i := 0; i+1 < len(more); i += 2 {
		given[more[i]] = more[i+1]
	}
	cfg, _, err := config.Load(func(name string) (string, bool) { v, ok := given[name]; return v, ok }, "")
	must(t, err)
	a, err = app.New(t.Context(), cfg, app.Options{Test: &app.Test{LocalURL: url}})
	must(t, err)
	serving, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- a.Serve(serving, ln, true) }()
	t.Cleanup(func() {
		stop()
		must(t, <-served)
		must(t, a.Close(context.Background()))
	})
	return url, a
}

// register makes the business known at a provider, as an app would.
func register(t *testing.T, url, provider string, credentials map[string]string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"source": "shop", "businessId": "namuna", "provider": provider, "credentials": credentials, "displayName": "Namuna choyxonasi",
	})
	must(t, err)
	req, err := http.NewRequestWithContext(t.Context(), "POST", url+"/api/merchants", bytes.NewReader(body))
	must(t, err)
	req.Header.Set("x-api-key", apiKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("%s is not registered: %s", provider, resp.Status)
	}
}

// run starts a script and makes each of its lines a subtest. A script that ends early, or that
// checks fewer than least things, has failed.
func run(t *testing.T, url, script string, least int) {
	t.Helper()
	install(t)
	cmd := exec.CommandContext(t.Context(), "node", script)
	cmd.Env = append(os.Environ(), "BASE_URL="+url, "API_KEY="+apiKey, "CHROMIUM="+chromium(t))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	checks, done := 0, false
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Name, Detail, Note string
			OK, Done           bool
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Errorf("%s prints %q", script, lines.Text())
			continue
		}
		switch {
		case line.Done:
			done = true
		case line.Note != "":
			t.Log(line.Note)
		default:
			checks++
			t.Run(line.Name, func(t *testing.T) {
				if !line.OK {
					t.Error(line.Detail)
				}
			})
		}
	}
	if err := cmd.Wait(); err != nil || !done {
		t.Errorf("%s did not come to its end: %v", script, err)
	}
	if checks < least && os.Getenv("ONLY") == "" {
		t.Errorf("%s checked %d things of at least %d", script, checks, least)
	}
}

// install brings the driver and axe here, by the lock file, once.
func install(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join("node_modules", ".package-lock.json")); err == nil {
		return
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v: %s", err, out)
	}
}

func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium here: run tools/needs as root, or install Debian's package chromium")
	return ""
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
