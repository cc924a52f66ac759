package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/evidence"
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/httpapi"
	"github.com/chorsu/chorsu/internal/httpapi/apitest"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
	"github.com/chorsu/chorsu/internal/webhook"
	"github.com/chorsu/chorsu/internal/words"
)

// bench is the API over real HTTP, with a real gateway on a real SQLite file, and two invented
// providers: "bank", which does everything by API as its script says, and "wallet", which can
// only be sent a link.
type bench struct {
	t      testing.TB
	url    string
	doc    *apitest.Document
	client *http.Client
	bank   *script
	clock  *clock
	logs   *logs
	runner *outbox.Runner
	hooks  *receiver
	secret string
}

const apiKey = "key-one-of-the-tests"

// newBench starts one. change alters the options before the API is made.
func newBench(t testing.TB, change func(*httpapi.Options)) *bench {
	t.Helper()
	b := &bench{t: t, bank: &script{}, clock: &clock{at: time.Date(2026, 5, 12, 10, 0, 0, 0, time.UTC)}, logs: &logs{}, hooks: &receiver{}, secret: "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cw=="}
	log := slog.New(withID{slog.NewJSONHandler(b.logs, nil)})
	st := storetest.OpenWith(t, storetest.SQLite, store.Options{Logger: log, Now: b.clock.Now})
	box, err := seal.Parse(seal.NewKey())
	must(t, err)
	secrets, err := webhook.ParseSecrets(b.secret)
	must(t, err)
	sender := webhook.NewSender(webhook.Options{AllowPrivate: true})
	t.Cleanup(sender.Close)
	messages := evidence.New(func(context.Context, []evidence.Message) error { return nil }, b.clock.Now)

	server := httptest.NewUnstartedServer(nil)
	t.Cleanup(server.Close)
	hooks := httptest.NewServer(b.hooks)
	t.Cleanup(hooks.Close)
	b.url, b.hooks.url = "http://"+server.Listener.Addr().String(), hooks.URL+"/hook"

	g := gateway.New(gateway.Options{
		Store: st, Providers: []provider.Provider{bankProvider{b.bank}, walletProvider{}},
		Seal: box, Sender: sender, Secrets: secrets, Evidence: messages, Transport: http.DefaultTransport,
		Now: b.clock.Now, Logger: log, PublicURL: b.url, InvoiceTTL: 24 * time.Hour,
		FastRetries: []time.Duration{time.Second}, SlowRetries: nil, AskIntervals: []time.Duration{time.Minute},
	})
	must(t, g.Enter(t.Context(), gateway.ModeLive))
	b.runner = outbox.NewRunner(st.Queue(), g.Handlers(), outbox.Options{Now: b.clock.Now, Logger: log})
	o := httpapi.Options{
		Gateway: g, Keys: func() []string { return []string{apiKey, "key-two"} },
		NotifyAllowPrivate: true, PublicURL: b.url, Version: "test", Now: b.clock.Now, Logger: log,
	}
	if change != nil {
		change(&o)
	}
	api := httpapi.New(o)
	server.Config.Handler = api
	server.Start()
	b.doc = apitest.Fetch(t, api)
	b.client = &http.Client{Transport: &apitest.Transport{TB: t, Document: b.doc}}
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reply is one answer of the API.
type reply struct {
	t       testing.TB
	Status  int
	Header  http.Header
	Raw     string
	OK      bool   `json:"status"`
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    map[string]any
}

// send sends body (a string as it is, anything else as JSON; nil: none) with the API key and
// with headers, given as name, value, name, value.
func (b *bench) send(method, path string, body any, headers ...string) reply {
	b.t.Helper()
	var r io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(body)
	default:
		data, err := json.Marshal(body)
		must(b.t, err)
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, b.url+path, r)
	must(b.t, err)
	req.Header.Set("x-api-key", apiKey)
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.do(req)
}

func (b *bench) do(req *http.Request) reply {
	b.t.Helper()
	res, err := b.client.Do(req)
	must(b.t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	must(b.t, err)
	out := reply{t: b.t, Status: res.StatusCode, Header: res.Header, Raw: string(data)}
	if err := json.Unmarshal(data, &out); err != nil && strings.HasPrefix(req.URL.Path, "/api/") && !strings.HasPrefix(req.URL.Path, "/api/callbacks/") {
		b.t.Fatalf("%s %s is not in the envelope: %v", req.Method, req.URL.Path, err)
	}
	return out
}

// want fails the test unless the answer has this status, and, for errors, this word.
func (r reply) want(status int, word string) reply {
	r.t.Helper()
	if r.Status != status || word != "" && r.Message != word {
		r.t.Fatalf("got HTTP %d %s, want %d %s", r.Status, r.Raw, status, word)
	}
	return r
}

// details are an error's sentences; reason is its finer word.
func (r reply) details() []string {
	var out []string
	list, _ := r.Data["details"].([]any)
	for _, d := range list {
		out = append(out, d.(string))
	}
	return out
}

func (r reply) reason() string { s, _ := r.Data["reason"].(string); return s }

func (r reply) text(field string) string { s, _ := r.Data[field].(string); return s }

// items are a list's.
func (r reply) items() []map[string]any {
	var out []map[string]any
	list, _ := r.Data["items"].([]any)
	for _, i := range list {
		out = append(out, i.(map[string]any))
	}
	return out
}

// register makes a merchant and returns it.
func (b *bench) register(providerName, business string) reply {
	b.t.Helper()
	creds := map[string]any{"key": "k-" + business}
	return b.send("POST", "/api/merchants", map[string]any{"source": "shop", "businessId": business, "provider": providerName, "credentials": creds}).want(201, "")
}

// order is an invoice's request.
func (b *bench) order(business, number string, more map[string]any) map[string]any {
	out := map[string]any{"source": "shop", "businessId": business, "sourceInvoiceId": number, "amount": 100000, "notifyUrl": b.hooks.url}
	for k, v := range more {
		if out[k] = v; v == nil {
			delete(out, k)
		}
	}
	return out
}

// says has the provider's company say something about an invoice.
func (b *bench) says(callbackURL, op, account, ref string, amount int64) {
	b.t.Helper()
	body, err := json.Marshal(saying{Op: op, Account: account, Ref: ref, Amount: amount})
	must(b.t, err)
	req, err := http.NewRequest("POST", callbackURL, bytes.NewReader(body))
	must(b.t, err)
	req.Header.Set("Content-Type", "application/json")
	res, err := b.client.Do(req)
	must(b.t, err)
	defer res.Body.Close()
	if answer, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		b.t.Fatalf("the callback %s got HTTP %d %s", op, res.StatusCode, answer)
	}
}

// paid makes an invoice at the bank and has it paid.
func (b *bench) paid(business, number string, amount int64) string {
	b.t.Helper()
	m := b.send("GET", "/api/merchants?provider=bank&businessId="+business, nil).want(200, "").items()[0]
	i := b.send("POST", "/api/invoices", b.order(business, number, map[string]any{"provider": "bank", "amount": amount})).want(201, "")
	b.says(m["callbackUrl"].(string), "confirm", "", i.text("providerUuid"), amount)
	return i.text("id")
}

// settle does all work that is due.
func (b *bench) settle() {
	b.t.Helper()
	_, err := b.runner.RunDue(context.Background())
	must(b.t, err)
}

// ─── What stands around it ─────────────────────────────────────────────────────────────────

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Millisecond) // two things never happen at the same time
	return c.at
}

// withID adds the request's id to every line, as the program does.
type withID struct{ slog.Handler }

func (h withID) Handle(ctx context.Context, line slog.Record) error {
	line.AddAttrs(slog.String("request", httpapi.RequestID(ctx)))
	return h.Handler.Handle(ctx, line)
}

// logs keeps what was logged.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// receiver is the app's end of the webhooks.
type receiver struct {
	url string
	mu  sync.Mutex
	got []delivery
}

type delivery struct {
	header http.Header
	body   []byte
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, delivery{req.Header.Clone(), body})
}

func (r *receiver) all() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got
}

// script is what the bank answers next.
type script struct {
	mu       sync.Mutex
	refund   func(provider.RefundOrder) (provider.MoveOutcome, error)
	checkout error
	orders   []provider.RefundOrder
}

func (s *script) set(refund func(provider.RefundOrder) (provider.MoveOutcome, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refund = refund
}

// ─── The invented providers ────────────────────────────────────────────────────────────────

var fields = []provider.Field{{Key: "key", Required: true, Secret: true}, {Key: "shop"}}

type bankProvider struct{ script *script }

func (p bankProvider) Info() provider.Info {
	return provider.Info{Name: "bank", Title: "Bank", Fields: fields, Account: (*bankAccount)(nil), Options: []string{"partialRefund", "testKey"}}
}

func (p bankProvider) Open(c provider.Credentials, e provider.Env) (provider.Account, error) {
	return &bankAccount{script: p.script, env: e}, nil
}

type bankAccount struct {
	script *script
	env    provider.Env
}

func (a *bankAccount) Checkout(_ context.Context, i pay.Invoice, p pay.Payment) (provider.Link, error) {
	a.script.mu.Lock()
	defer a.script.mu.Unlock()
	if a.script.checkout != nil {
		return provider.Link{}, a.script.checkout
	}
	return provider.Link{URL: "https://bank.example/page/" + i.ID, Ref: "page-" + p.ID}, nil
}

func (a *bankAccount) CancelCheckout(context.Context, pay.Payment) (provider.Outcome, error) {
	return provider.Outcome{State: pay.Cancelled}, nil
}

func (a *bankAccount) CanRefund(_ pay.Payment, o provider.RefundOrder) error {
	if !o.Whole && o.Lines == nil {
		return &pay.Error{Code: pay.CodeInvalid, Message: `"ofd" is required`, Details: []string{`"ofd" is required`}}
	}
	return nil
}

func (a *bankAccount) Refund(_ context.Context, o provider.RefundOrder) (provider.MoveOutcome, error) {
	a.script.mu.Lock()
	a.script.orders = append(a.script.orders, o)
	answer := a.script.refund
	a.script.mu.Unlock()
	if answer == nil {
		return provider.MoveOutcome{State: pay.MoveSucceeded, Ref: "r-" + o.RefundID}, nil
	}
	return answer(o)
}

func (a *bankAccount) ServeCallback(w http.ResponseWriter, r *http.Request, d provider.Desk) {
	serveSaying(w, r, d)
}

type walletProvider struct{}

func (walletProvider) Info() provider.Info {
	return provider.Info{Name: "wallet", Title: "Wallet", Fields: fields, Account: (*walletAccount)(nil), RefundHint: words.Text{EN: "Refund in the Wallet cabinet"}}
}

func (walletProvider) Open(_ provider.Credentials, e provider.Env) (provider.Account, error) {
	return &walletAccount{env: e}, nil
}

type walletAccount struct{ env provider.Env }

func (a *walletAccount) Checkout(_ context.Context, i pay.Invoice, _ pay.Payment) (provider.Link, error) {
	return provider.Link{URL: "https://wallet.example/pay?order=" + i.ID, Deeplink: "wallet://pay?order=" + i.ID}, nil
}

func (a *walletAccount) ServeCallback(w http.ResponseWriter, r *http.Request, d provider.Desk) {
	serveSaying(w, r, d)
}

// saying is the invented dialect: what happened to which invoice.
type saying struct {
	Op, Account, Ref string
	Amount           int64
}

func serveSaying(w http.ResponseWriter, r *http.Request, d provider.Desk) {
	var s saying
	err := json.NewDecoder(r.Body).Decode(&s)
	amount := pay.Tiyin(s.Amount)
	switch {
	case err != nil:
	case s.Op == "open":
		_, err = d.Open(r.Context(), provider.OpenOrder{Account: s.Account, Ref: s.Ref, Amount: amount, ExpiresAt: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), OnExpiry: pay.Cancelled})
	case s.Op == "confirm":
		_, err = d.Confirm(r.Context(), provider.Key{Ref: s.Ref}, provider.Proof{Amount: amount, Card: pay.Card{MaskedPAN: "860030******5959", PaymentSystem: "uzcard"}})
	case s.Op == "cancel":
		_, err = d.Cancel(r.Context(), provider.Key{Ref: s.Ref}, provider.CancelOrder{Reason: "5"})
	default:
		err = fmt.Errorf("what is %q?", s.Op)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
	}
}

var (
	_ provider.CheckoutCaller = (*bankAccount)(nil)
	_ provider.Refunder       = (*bankAccount)(nil)
	_ provider.CallbackServer = (*walletAccount)(nil)
)
