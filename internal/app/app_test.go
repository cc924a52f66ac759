package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/inbox"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

const (
	apiKey        = "app-key-0123456789abcdef"
	webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	masterKey     = "app:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// running is a program in test mode that serves on a real listener.
type running struct {
	*testing.T
	app  *app.App
	url  string
	log  *buffer
	stop func() error // ends it as SIGTERM does, and returns what Serve returned
}

// buffer is a log that several goroutines write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func settings(t *testing.T, dsn string, more map[string]string) config.Config {
	t.Helper()
	given := map[string]string{
		"DATABASE_URL": dsn, "SERVICE_API_KEY": apiKey, "WEBHOOK_SIGNING_SECRET": webhookSecret, "MASTER_KEY": masterKey,
		"NOTIFY_ALLOW_PRIVATE": "true", "PUBLIC_URL": "http://127.0.0.1:1", "LOG_LEVEL": "debug",
	}
	for k, v := range more {
		given[k] = v
	}
	cfg, _, err := config.Load(func(name string) (string, bool) { v, ok := given[name]; return v, ok }, "")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func start(t *testing.T, more map[string]string) *running {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &running{T: t, url: "http://" + ln.Addr().String(), log: &buffer{}}
	dsn := more["DATABASE_URL"]
	if dsn == "" {
		dsn = storetest.DSN(t, storetest.SQLite)
	}
	cfg := settings(t, dsn, more)
	cfg.PublicURL = config.Address(r.url)
	r.app, err = app.New(t.Context(), cfg, app.Options{Logger: app.NewLogger(r.log, cfg, false), Test: &app.Test{LocalURL: r.url}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.app.Serve(ctx, ln, true) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		err := <-served
		if e := r.app.Close(context.Background()); e != nil {
			t.Error(e)
		}
		return err
	})
	t.Cleanup(func() { r.stop() })
	return r
}

// call asks as an app does and returns the status and the data.
func (r *running) call(method, path string, body any) (int, map[string]any) {
	r.Helper()
	text, _ := json.Marshal(body)
	req, _ := http.NewRequest(method, r.url+path, bytes.NewReader(text))
	req.Header.Set("x-api-key", apiKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	var out struct{ Data map[string]any }
	json.NewDecoder(res.Body).Decode(&out)
	return res.StatusCode, out.Data
}

// pay registers Payme and has a buyer pay an invoice, until the app is told.
func (r *running) pay() (invoice string) {
	r.Helper()
	for _, p := range app.Plugins() {
		if p.Provider.Info().Name != "payme" {
			continue
		}
		if status, _ := r.call("POST", "/api/merchants", map[string]any{"source": "s", "businessId": "b", "provider": "payme", "credentials": p.Sample}); status != 201 {
			r.Fatalf("register: %d", status)
		}
	}
	status, inv := r.call("POST", "/api/invoices", map[string]any{
		"source": "s", "businessId": "b", "provider": "payme", "sourceInvoiceId": "o-1", "amount": 500_000, "notifyUrl": r.url + "/sandbox/inbox/shop",
	})
	if status != 201 {
		r.Fatalf("invoice: %d %v", status, inv)
	}
	sim, _, _ := r.app.Sandbox.Simulator("payme")
	if rep, err := sim.Act(r.Context(), simulator.Action{Kind: "pay", Link: inv["checkoutUrl"].(string)}); err != nil || rep.State != "paid" {
		r.Fatalf("pay: %+v %v", rep, err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	got := r.app.Inbox.Wait(ctx, "shop", 0, func(m []inbox.Message) bool { return len(m) > 0 })
	if len(got) == 0 || !got[0].Verified {
		r.Fatalf("webhooks: %+v", got)
	}
	return inv["id"].(string)
}

func (r *running) get(path string) (int, string) {
	r.Helper()
	res, err := http.Get(r.url + path)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

func TestMetricsTellWhatHappened(t *testing.T) {
	r := start(t, nil)
	r.pay()
	if status, _ := r.call("GET", "/api/invoices?limit=1", nil); status != 200 {
		t.Fatal(status)
	}
	status, text := r.get("/metrics")
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for range 6000 { // the app has the webhook a moment before the gateway has written that
		if strings.Contains(text, "chorsu_webhook_oldest_undelivered_timestamp_seconds 0") {
			break
		}
		<-every.C
		status, text = r.get("/metrics")
	}
	if status != 200 {
		t.Fatalf("/metrics from this machine: %d", status)
	}
	for _, want := range []string{
		`chorsu_payments_total{provider="payme",state="paid"} 1`,
		`chorsu_callback_seconds_count{provider="payme",status="200"}`,
		`chorsu_webhook_tries_total{result="delivered"} 1`,
		`chorsu_webhook_lag_seconds_count 1`,
		"chorsu_webhook_oldest_undelivered_timestamp_seconds 0",
		"chorsu_payments_unknown 0",
		"chorsu_refunds_unknown 0",
		"chorsu_payouts_unknown 0",
		"chorsu_webhook_stuck 0",
		"chorsu_alarms_open 0",
		"chorsu_outbox_failing 0",
		"chorsu_database_up 1",
		"chorsu_provider_messages_dropped_total 0",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics does not say %s", want)
		}
	}
	if strings.Contains(text, apiKey) || strings.Contains(text, "o-1") {
		t.Error("/metrics tells what a caller wrote")
	}
}

// Keys, credentials and secrets go through every flow here, at the lowest log level, and must
// not stand in the log.
func TestNoSecretInLogs(t *testing.T) {
	r := start(t, nil)
	invoice := r.pay()
	r.call("GET", "/api/invoices/"+invoice+"/timeline", nil)
	r.call("POST", "/api/refunds", map[string]any{"invoiceId": invoice})
	r.call("POST", "/api/nothing?key="+apiKey, nil)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	log := r.log.String()
	if !strings.Contains(log, `"msg":"request"`) || !strings.Contains(log, `"request":"`) {
		t.Fatalf("requests are not logged with their ids:\n%s", log)
	}
	secrets := []string{apiKey, webhookSecret, masterKey, strings.TrimPrefix(masterKey, "app:")}
	for _, p := range app.Plugins() {
		if p.Provider.Info().Name == "payme" {
			secrets = append(secrets, p.Sample["key"])
		}
	}
	for _, s := range secrets {
		if strings.Contains(log, s) {
			t.Errorf("the log tells a secret (%s…)", s[:6])
		}
	}
}

func TestAStopFinishesWhatRuns(t *testing.T) {
	r := start(t, nil)
	for _, p := range app.Plugins() {
		if p.Provider.Info().Name == "multicard" {
			r.call("POST", "/api/merchants", map[string]any{"source": "s", "businessId": "b", "provider": "multicard", "credentials": p.Sample})
		}
	}
	_, world, _ := r.app.Sandbox.Simulator("multicard")
	world.Faults.Set(simulator.Fault{Step: "invoice.create", Kind: simulator.Late, Times: 1, Delay: 300 * time.Millisecond})
	answered := make(chan int, 1)
	go func() {
		status, _ := r.call("POST", "/api/invoices", map[string]any{
			"source": "s", "businessId": "b", "provider": "multicard", "sourceInvoiceId": "o-1", "amount": 500_000, "notifyUrl": r.url + "/sandbox/inbox/shop",
		})
		answered <- status
	}()
	every := time.NewTicker(time.Millisecond)
	defer every.Stop()
	for len(world.Faults.List()) > 0 { // until the company has the call
		<-every.C
	}
	if err := r.stop(); err != nil {
		t.Errorf("the stop: %v", err)
	}
	if status := <-answered; status != 201 {
		t.Errorf("a request that ran when the stop came is answered %d", status)
	}
	if _, err := http.Get(r.url + "/livez"); err == nil {
		t.Error("it still listens")
	}
}

// serve must not be able to reach a simulator, whatever is asked of it.
func TestProductionHasNoSandbox(t *testing.T) {
	cfg := settings(t, storetest.DSN(t, storetest.SQLite), map[string]string{"PUBLIC_URL": "https://pay.example.uz"})
	a, err := app.New(t.Context(), cfg, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close(context.Background())
	if a.Sandbox != nil || a.Inbox != nil {
		t.Error("production holds a sandbox")
	}
	for _, path := range []string{"/sandbox", "/sandbox/", "/sandbox/control", "/sandbox/payme/", "/sandbox/inbox/shop", "/control", "/inbox/shop"} {
		for _, method := range []string{"GET", "POST"} {
			w := httptest.NewRecorder()
			a.Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
			if w.Code != http.StatusNotFound {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
	for name, at := range a.Gateway.BaseURLs {
		if !strings.HasPrefix(at, "https://") {
			t.Errorf("%s is called at %s", name, at)
		}
	}
}

// The two kinds of database do not mix, on either engine.
func TestTestAndLiveDatabases(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			for _, c := range []struct {
				first, second *app.Test
				word          string
			}{
				{&app.Test{LocalURL: "http://127.0.0.1:1"}, nil, "test mode"},
				{nil, &app.Test{LocalURL: "http://127.0.0.1:1"}, "real payments"},
			} {
				cfg := settings(t, storetest.EmptyDSN(t, e), nil)
				open := func(mode *app.Test) error {
					a, err := app.New(t.Context(), cfg, app.Options{Test: mode})
					if err == nil {
						err = a.Close(context.Background())
					}
					return err
				}
				if err := open(c.first); err != nil {
					t.Fatal(err)
				}
				if err := open(c.first); err != nil {
					t.Errorf("the same mode again: %v", err)
				}
				if err := open(c.second); err == nil || !strings.Contains(err.Error(), c.word) || strings.Contains(err.Error(), "\n") {
					t.Errorf("the other mode: %v", err)
				}
			}
		})
	}
}

// Spans name routes and hosts, and nothing that a caller or a company wrote.
func TestTracesHoldNoSecrets(t *testing.T) {
	var got buffer
	posts := make(chan struct{}, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			io.Copy(&got, r.Body)
			posts <- struct{}{}
		}
	}))
	defer collector.Close()
	r := start(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL})
	invoice := r.pay()
	r.call("GET", "/api/invoices/"+invoice+"?secret="+apiKey, nil)
	r.call("GET", "/api/cards/8600060905809696", nil)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if len(posts) == 0 {
		t.Fatal("no span was sent")
	}
	text := got.String()
	for _, want := range []string{"POST /api/invoices", "POST /api/callbacks/payme"} {
		if !strings.Contains(text, want) {
			t.Errorf("no span is called %s", want)
		}
	}
	for _, secret := range []string{apiKey, webhookSecret, "8600060905809696", "secret=", invoice} {
		if strings.Contains(text, secret) {
			t.Errorf("a span tells %q", secret)
		}
	}
}

func TestLogFormat(t *testing.T) {
	for _, c := range []struct {
		format   string
		terminal bool
		want     string
	}{
		{"", true, "level=INFO"}, {"", false, `"level":"INFO"`}, {"json", true, `"level":"INFO"`}, {"text", false, "level=INFO"},
	} {
		var out bytes.Buffer
		app.NewLogger(&out, config.Config{LogFormat: c.format, LogLevel: slog.LevelInfo}, c.terminal).Info("x")
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("format %q, terminal %v: %s", c.format, c.terminal, out.String())
		}
	}
}

// The alert rules that we ship must speak of numbers that there are.
func TestAlertsNameNumbersThatExist(t *testing.T) {
	rules, err := os.ReadFile("../../deploy/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`chorsu_[a-z_]+`).FindAllString(string(rules), -1)
	if len(names) == 0 {
		t.Fatal("no rule names a number")
	}
	for _, name := range names {
		if !bytes.Contains(source, []byte(`"`+strings.TrimSuffix(name, "_count")+`"`)) {
			t.Errorf("there is no %s", name)
		}
	}
}
