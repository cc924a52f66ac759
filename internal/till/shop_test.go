package till_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/inbox"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/all"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/sandbox"
	"github.com/chorsu/chorsu/internal/till"
	fboxsim "github.com/chorsu/chorsu/internal/till/fbox/sim"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/till/terminal"
	device "github.com/chorsu/chorsu/internal/till/terminal/sim"
)

// clock is a time that a test sets.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 21, 9, 2, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Millisecond) // no two moments are the same
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// shop is an agent with the companies' sandbox around it.
type shop struct {
	t     *testing.T
	clock *clock
	box   *sandbox.Sandbox
	boxAt string
	db    string
	log   *bytes.Buffer
	tap   *tap

	options till.Options
	journal *journal.Journal
	agent   *till.Agent
	server  *httptest.Server
	humo    *device.Device
	uzcard  *device.Device
}

// tap counts what leaves the agent, by the path's end.
type tap struct {
	mu   sync.Mutex
	seen []string
	next http.RoundTripper
}

func (p *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.seen = append(p.seen, r.Method+" "+r.URL.Path)
	p.mu.Unlock()
	return p.next.RoundTrip(r)
}

func (p *tap) count(end string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.seen {
		if strings.HasSuffix(s, end) {
			n++
		}
	}
	return n
}

// safe is a log that several goroutines write.
type safe struct {
	mu sync.Mutex
	b  *bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safe) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newShop opens a shop with all wallets and two simulated pinpads.
func newShop(t *testing.T, change ...func(*till.Options)) *shop {
	t.Helper()
	s := &shop{t: t, clock: newClock(), db: "sqlite:" + filepath.Join(t.TempDir(), "till.db"), log: &bytes.Buffer{}}
	s.tap = &tap{next: http.DefaultTransport.(*http.Transport).Clone()}
	s.openSandbox()
	var err error
	if s.humo, err = device.NewDevice(device.HUMO, "", s.clock.now); err != nil {
		t.Fatal(err)
	}
	if s.uzcard, err = device.NewDevice(device.UzCard, "", s.clock.now); err != nil {
		t.Fatal(err)
	}
	cfg := till.Config{
		Shop:    till.Shop{Name: "Namuna", INN: "123456789", KKM: "00000001", Device: "00000001", WalletAmount: "tiyin"},
		Printer: till.Printer{Charset: "cp866"}, Wallets: s.wallets(),
	}
	cfg.Scan2pay, cfg.UzQR = &till.Service{URL: s.boxAt + "/scan2pay"}, &till.Service{URL: s.boxAt + "/fbox"}
	s.options = till.Options{
		Config: cfg, Providers: providers(), HTTP: &http.Client{Transport: s.tap}, Now: s.clock.now, Pause: time.Millisecond, Version: "test",
		Logger:    slog.New(slog.NewJSONHandler(&safe{b: s.log}, nil)),
		Terminals: map[string]terminal.Driver{"xumo": &device.Driver{Device: s.humo}, "uzcard": &device.Driver{Device: s.uzcard}},
	}
	for _, c := range change {
		c(&s.options)
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func providers() (out []provider.Provider) {
	for _, e := range all.List() {
		out = append(out, e.Provider)
	}
	return out
}

func (s *shop) openSandbox() {
	s.t.Helper()
	mux := &late{}
	srv := httptest.NewServer(mux)
	s.t.Cleanup(srv.Close)
	s.boxAt = srv.URL
	c := sandbox.NewClock(s.clock.now)
	var companies []sandbox.Company
	for _, e := range all.List() {
		if e.Simulator != nil {
			companies = append(companies, sandbox.Company{Name: e.Provider.Info().Name, New: e.Simulator})
		}
	}
	companies = append(companies, sandbox.Company{Name: "fbox", New: fboxsim.AtOnce})
	box, err := sandbox.New(sandbox.Options{
		BaseURL: srv.URL, Companies: companies, Clock: c, Inbox: inbox.New(inbox.Options{Now: c.Now}), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	mux.set(box)
	s.box = box
	for _, e := range all.List() {
		if _, _, played := box.Simulator(e.Played()); played && (e.Provider.Info().InStore || e.Played() == "multicard") {
			if err := box.AddAccount(e.Played(), simulator.Account{Credentials: e.Sample}); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// late is a handler that is set after its server has an address.
type late struct {
	mu sync.Mutex
	h  http.Handler
}

func (l *late) set(h http.Handler) { l.mu.Lock(); defer l.mu.Unlock(); l.h = h }
func (l *late) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	h := l.h
	l.mu.Unlock()
	h.ServeHTTP(w, r)
}

// wallets are the sandbox's own samples, as the configuration writes them.
func (s *shop) wallets() till.Wallets {
	out := till.Wallets{}
	for _, e := range all.List() {
		info := e.Provider.Info()
		endpoint := map[string]string{"clickpass": "click", "paymego": "payme", "uzumfastpay": "uzum", "anor": "anor"}[info.Name]
		if endpoint == "" {
			continue
		}
		path := map[string]string{"click": "/click/v2/merchant", "payme": "/payme/api", "uzum": "/uzum/api/apelsin-pay/merchant", "anor": "/anor"}[endpoint]
		w := map[string]string{"url": s.boxAt + path}
		for k, v := range e.Sample {
			w[k] = v
		}
		out[endpoint] = w
	}
	return out
}

// start opens the journal and the agent; stop closes them, as a person does.
func (s *shop) start() {
	s.t.Helper()
	j, err := journal.Open(s.t.Context(), s.db, s.options.Now)
	if err != nil {
		s.t.Fatal(err)
	}
	h := &late{}
	s.server = httptest.NewServer(h)
	s.options.Journal, s.options.Address = j, strings.TrimPrefix(s.server.URL, "http://")
	if s.agent, err = till.New(s.t.Context(), s.options); err != nil {
		s.t.Fatal(err)
	}
	h.set(s.agent.Handler())
	s.journal = j
}

func (s *shop) stop() {
	if s.agent != nil {
		s.server.Close()
		s.agent.Close()
		s.journal.Close()
		s.agent = nil
	}
}

// restart is a power cut at a moment of rest, and the power's return.
func (s *shop) restart() {
	s.t.Helper()
	s.stop()
	s.start()
}

// answer is an envelope as a till reads it.
type answer struct {
	raw     string
	Data    map[string]any `json:"data"`
	Error   *fault         `json:"error"`
	Success bool           `json:"is_success"`
}

type fault struct {
	Code    int     `json:"code"`
	Message string  `json:"message"`
	Data    *string `json:"data"`
}

func (a answer) code() string {
	if a.Error == nil || a.Error.Data == nil {
		return ""
	}
	return *a.Error.Data
}

func (s *shop) post(path, body string) answer {
	s.t.Helper()
	return s.send(s.t.Context(), http.MethodPost, path, body)
}

func (s *shop) get(path string) answer {
	s.t.Helper()
	return s.send(s.t.Context(), http.MethodGet, path, "")
}

func (s *shop) send(ctx context.Context, method, path, body string) (a answer) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, s.server.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return a
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Errorf("%s %s: %v", method, path, err)
		return a
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Errorf("%s %s: HTTP %d %s (%v)", method, path, res.StatusCode, raw, err)
		return a
	}
	a.raw = strings.TrimSpace(string(raw))
	if err := json.Unmarshal(raw, &a); err != nil && !strings.HasPrefix(a.raw, `{"data":[`) {
		s.t.Errorf("%s %s: %s: %v", method, path, raw, err)
	}
	return a
}

// operation is GET /payment/operations/{id}.
func (s *shop) operation(id string) map[string]any {
	s.t.Helper()
	a := s.get("/payment/operations/" + id)
	if !a.Success {
		s.t.Fatalf("operation %s: %s", id, a.raw)
	}
	return a.Data
}

// last is the newest operation.
func (s *shop) last() journal.Operation {
	s.t.Helper()
	ops, err := s.journal.Recent(s.t.Context(), 1)
	if err != nil || len(ops) != 1 {
		s.t.Fatalf("%v %v", ops, err)
	}
	return ops[0]
}

// charged is how often a company took money, by its own books.
func (s *shop) charged(company string) (n int, sum int64) {
	s.t.Helper()
	sim, _, ok := s.box.Simulator(company)
	if !ok {
		s.t.Fatalf("there is no %s", company)
	}
	for _, e := range sim.Books() {
		if e.State == "paid" {
			n, sum = n+1, sum+e.Amount-e.Refunded
		}
	}
	return n, sum
}

func (s *shop) want(a answer, want string) {
	s.t.Helper()
	if a.raw != want {
		s.t.Errorf("answered\n%s, want\n%s", a.raw, want)
	}
}

// list is the data of an answer that lists.
func (a answer) list() (out []map[string]any) {
	var e struct{ Data []map[string]any }
	json.Unmarshal([]byte(a.raw), &e)
	return e.Data
}

// bodies keeps what is sent.
type bodies struct {
	next http.RoundTripper
	seen *[]string
}

func (b bodies) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		*b.seen = append(*b.seen, string(body))
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return b.next.RoundTrip(r)
}

// paysQR has a buyer pay the QR of an order of the till's.
func (s *shop) paysQR(order string) {
	s.t.Helper()
	ops, err := s.journal.Recent(s.t.Context(), 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	company := map[string]string{"qr_pay": "scan2pay", "one_qr": "fbox"}
	for _, op := range ops {
		if op.OrderID == order && op.Shows != "" {
			s.act(company[op.Endpoint], simulator.Action{Kind: "pay", Link: op.Shows})
			return
		}
	}
	s.t.Fatalf("no QR is shown for order %s", order)
}
