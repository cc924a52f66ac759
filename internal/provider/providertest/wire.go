package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/httpapi/apitest"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// What every bench has in common.
const (
	apiKey        = "bench-key-0123456789abcdef"
	webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	masterKey     = "bench:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	source        = "app"
	business      = "biz-1"
	boxName       = "bench"
)

// start is when every bench's clock begins: a Saturday in Tashkent, 14:00.
var start = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// wiring is what a bench holds besides what tests may see.
type wiring struct {
	engine   Engine
	setup    Setup
	dsn      string
	app      *app.App
	record   *record
	orders   atomic.Int64
	settling sync.Mutex
}

// New starts a gateway with an empty database, registers the business ("app", "biz-1") with
// the provider, and pairs it with the simulator. All of it ends with the test.
func New(t *testing.T, e Engine, s Setup) *Bench {
	t.Helper()
	b := &Bench{T: t, wiring: &wiring{engine: e, setup: s, dsn: storetest.DSN(t, storetest.Engine(e))}}

	b.record = &record{}
	srv := httptest.NewServer(b.record)
	b.URL, b.record.base = srv.URL, srv.URL
	b.HTTP = &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

	var err error
	b.app, err = app.New(t.Context(), settings(t, b.dsn, srv.URL, s.CardData), app.Options{
		Providers: plugins(s),
		Now:       func() time.Time { return start },
		Test:      &app.Test{LocalURL: srv.URL},
	})
	if err != nil {
		srv.Close()
		t.Fatal(err)
	}
	b.record.next = b.app.Handler()
	t.Cleanup(func() {
		b.app.Store.FailWrites(false)
		b.app.Inbox.Close()
		srv.Close()
		if err := b.app.Close(context.Background()); err != nil {
			t.Error("close the gateway:", err)
		}
	})
	b.HTTP.Transport = &apitest.Transport{TB: t, Document: document(t, s, b.app.Handler()), Base: &http.Transport{MaxIdleConnsPerHost: 64}}
	if s.Simulator != nil {
		b.Sim, b.World, _ = b.app.Sandbox.Simulator(s.Provider.Info().Name)
	}
	b.MerchantID, b.CallbackURL = b.Register(business, s.Credentials, s.Options)
	for _, o := range s.Others {
		b.register(o.Provider.Info().Name, business, o.Credentials, o.Options)
	}
	return b
}

func plugins(s Setup) []app.Plugin {
	out := []app.Plugin{{Provider: s.Provider, Simulator: s.Simulator}}
	for _, o := range s.Others {
		out = append(out, app.Plugin{Provider: o.Provider, Simulator: o.Simulator})
	}
	for _, p := range s.Known {
		out = append(out, app.Plugin{Provider: p})
	}
	return out
}

// settings are those of `chorsu up`, but for the limit on requests, which tests would reach.
func settings(t *testing.T, dsn, url string, cardData bool) config.Config {
	t.Helper()
	given := map[string]string{
		"DATABASE_URL": dsn, "PUBLIC_URL": url,
		"SERVICE_API_KEY": apiKey, "WEBHOOK_SIGNING_SECRET": webhookSecret, "MASTER_KEY": masterKey,
		"RATE_LIMIT_PER_MINUTE": "0", "NOTIFY_ALLOW_PRIVATE": "true",
		"ACCEPT_CARD_DATA": strconv.FormatBool(cardData),
	}
	cfg, _, err := config.Load(func(name string) (string, bool) { v, ok := given[name]; return v, ok }, "")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// documents are the API's own descriptions, by the providers they were made with.
var documents sync.Map

func document(t *testing.T, s Setup, h http.Handler) *apitest.Document {
	t.Helper()
	var names []string
	for _, p := range plugins(s) {
		names = append(names, p.Provider.Info().Name)
	}
	providers := strings.Join(names, " ")
	if d, ok := documents.Load(providers); ok {
		return d.(*apitest.Document)
	}
	d, _ := documents.LoadOrStore(providers, apitest.Fetch(t, h))
	return d.(*apitest.Document)
}

// API calls the gateway as an app does, with its key. The answer is checked against the API's
// own document.
func (b *Bench) API(method, path string, body any) Answer {
	b.T.Helper()
	return b.api(method, path, "", body)
}

// Keyed is a POST with an Idempotency-Key.
func (b *Bench) Keyed(path, key string, body any) Answer {
	b.T.Helper()
	return b.api(http.MethodPost, path, key, body)
}

// Upload asks the API as an app that sends a file beside fields.
func (b *Bench) Upload(path string, fields map[string]string, file string) Answer {
	b.T.Helper()
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	for name, value := range fields {
		if err := parts.WriteField(name, value); err != nil {
			b.T.Fatal(err)
		}
	}
	part, err := parts.CreateFormFile("file", "register.csv")
	if err != nil {
		b.T.Fatal(err)
	}
	part.Write([]byte(file)) // into memory
	if err := parts.Close(); err != nil {
		b.T.Fatal(err)
	}
	return b.Do(http.MethodPost, b.URL+path, http.Header{"X-Api-Key": {apiKey}, "Content-Type": {parts.FormDataContentType()}}, form.Bytes())
}

func (b *Bench) api(method, path, key string, body any) Answer {
	b.T.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			b.T.Fatal(err)
		}
	}
	header := http.Header{"X-Api-Key": {apiKey}, "Content-Type": {"application/json"}}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	return b.Do(method, b.URL+path, header, text)
}

// Do sends a request as it is. Status 0: no answer came.
func (b *Bench) Do(method, url string, header http.Header, body []byte) Answer {
	b.T.Helper()
	req, err := http.NewRequestWithContext(b.T.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		b.T.Fatal(err)
	}
	for k, v := range header {
		req.Header[http.CanonicalHeaderKey(k)] = v
	}
	if body == nil {
		req.Body, req.GetBody, req.ContentLength = nil, nil, 0
	}
	res, err := b.HTTP.Do(req)
	if err != nil {
		b.T.Logf("%s %s: %v", method, url, err)
		return Answer{}
	}
	defer res.Body.Close()
	a := Answer{Status: res.StatusCode, Header: res.Header}
	if a.Body, err = io.ReadAll(res.Body); err != nil {
		b.T.Logf("%s %s: the answer broke off: %v", method, url, err)
		return Answer{}
	}
	dec := json.NewDecoder(bytes.NewReader(a.Body))
	dec.UseNumber()
	if dec.Decode(&a.JSON) != nil {
		a.JSON = nil
	}
	return a
}

// Field is a value of the answer's data: Field("status"). It is nil where there is none.
func (a Answer) Field(name string) any {
	whole, _ := a.JSON.(map[string]any)
	data, _ := whole["data"].(map[string]any)
	return data[name]
}

// Invoice makes an invoice of the business for the provider and returns its id. more adds to,
// or replaces, fields of the request; a nil value leaves a field out.
func (b *Bench) Invoice(amountTiyin int64, more map[string]any) string {
	b.T.Helper()
	a := b.API(http.MethodPost, "/api/invoices", b.InvoiceRequest(amountTiyin, more))
	id, _ := a.Field("id").(string)
	if a.Status != http.StatusCreated || id == "" {
		b.T.Fatalf("an invoice was not made: %d %s", a.Status, a.Body)
	}
	return id
}

// InvoiceRequest is the body that Invoice sends.
func (b *Bench) InvoiceRequest(amountTiyin int64, more map[string]any) map[string]any {
	body := map[string]any{
		"source": source, "businessId": business, "provider": b.setup.Provider.Info().Name,
		"sourceInvoiceId": fmt.Sprintf("order-%d", b.orders.Add(1)),
		"amount":          amountTiyin, "notifyUrl": b.NotifyURL(),
	}
	for k, v := range more {
		if body[k] = v; v == nil {
			delete(body, k)
		}
	}
	return body
}

// NotifyURL is where the bench receives webhooks.
func (b *Bench) NotifyURL() string { return b.URL + "/sandbox/inbox/" + boxName }

// InvoiceField reads one field of an invoice as an app sees it.
func (b *Bench) InvoiceField(id, field string) any {
	b.T.Helper()
	a := b.API(http.MethodGet, "/api/invoices/"+id, nil)
	if a.Status != http.StatusOK {
		b.T.Fatalf("invoice %s was not read: %d %s", id, a.Status, a.Body)
	}
	return a.Field(field)
}

// Status is an invoice's status as an app sees it.
func (b *Bench) Status(id string) string {
	b.T.Helper()
	s, _ := b.InvoiceField(id, "status").(string)
	return s
}

// Register registers a business of the app with the provider, or changes it there, and makes
// it known to the simulator.
func (b *Bench) Register(businessID string, credentials map[string]string, options map[string]any) (merchantID, callbackURL string) {
	b.T.Helper()
	return b.register(b.setup.Provider.Info().Name, businessID, credentials, options)
}

func (b *Bench) register(provider, businessID string, credentials map[string]string, options map[string]any) (merchantID, callbackURL string) {
	b.T.Helper()
	body := map[string]any{"source": source, "businessId": businessID, "provider": provider, "credentials": credentials}
	if options != nil {
		body["options"] = options
	}
	a := b.API(http.MethodPost, "/api/merchants", body)
	if a.Status != http.StatusCreated && a.Status != http.StatusOK {
		b.T.Fatalf("a merchant was not registered: %d %s", a.Status, a.Body)
	}
	merchantID, _ = a.Field("id").(string)
	callbackURL, _ = a.Field("callbackUrl").(string)
	return merchantID, callbackURL
}

// Other is the simulator of one of Setup.Others.
func (b *Bench) Other(provider string) simulator.Simulator {
	b.T.Helper()
	s, _, ok := b.app.Sandbox.Simulator(provider)
	if !ok {
		b.T.Fatalf("%s is not on the bench", provider)
	}
	return s
}

// Now is the clock of the gateway and of the simulator.
func (b *Bench) Now() time.Time { return b.app.Clock.Now() }

// Advance moves the clock, and has the simulator do what falls due. What falls due at the
// gateway waits for Settle.
func (b *Bench) Advance(d time.Duration) { b.app.Clock.Advance(d) }

// Settle does all work of the gateway that is due now: sweeps, then the outbox, until nothing
// is left.
func (b *Bench) Settle() {
	b.T.Helper()
	b.settling.Lock()
	defer b.settling.Unlock()
	ctx := b.T.Context()
	for range 100 {
		if err := b.app.Runner.RunSweeps(ctx); err != nil {
			b.T.Errorf("a sweep: %v", err)
		}
		n, err := b.app.Runner.RunDue(ctx)
		if err != nil {
			b.T.Fatal("the outbox:", err)
		}
		if n == 0 {
			return
		}
	}
	b.T.Fatal("the outbox does not come to an end")
}

// Webhooks settles, and returns what was delivered for an invoice, in order, without the
// repeats of one event. Each must be signed, and a repeat must bring the same bytes.
func (b *Bench) Webhooks(invoiceID string) []Webhook {
	b.T.Helper()
	b.Settle()
	var out []Webhook
	for _, m := range b.app.Inbox.Messages(boxName, 0) {
		if m.PaymentID != invoiceID {
			continue
		}
		if !m.Verified || m.Differs {
			b.T.Errorf("a webhook that an app would refuse: %s (other bytes than before: %v)\n%s", strings.Join(m.Problems, "; "), m.Differs, m.Raw)
		}
		if m.Again || m.Answered < 200 || m.Answered > 299 {
			continue
		}
		w := Webhook{EventID: m.EventID, Event: m.Event, Raw: []byte(m.Raw)}
		dec := json.NewDecoder(strings.NewReader(m.Raw))
		dec.UseNumber()
		if err := dec.Decode(&w.JSON); err != nil {
			b.T.Errorf("a webhook that is no JSON: %s", m.Raw)
		}
		out = append(out, w)
	}
	return out
}

// view reads from the gateway's store.
func (b *Bench) view(f func(ctx context.Context, tx *store.Tx) error) {
	b.T.Helper()
	if err := b.app.Store.View(b.T.Context(), f); err != nil {
		b.T.Fatal(err)
	}
}

// Payments are an invoice's payments as the database has them, in order of creation.
func (b *Bench) Payments(invoiceID string) (out []pay.Payment) {
	b.T.Helper()
	b.view(func(ctx context.Context, tx *store.Tx) (err error) {
		out, err = tx.Payments(ctx, invoiceID)
		return err
	})
	return out
}

// Alarms are what stands before a person for an invoice.
func (b *Bench) Alarms(invoiceID string) (out []pay.Alarm) {
	b.T.Helper()
	b.view(func(ctx context.Context, tx *store.Tx) (err error) {
		out, err = tx.Alarms(ctx, invoiceID)
		return err
	})
	return out
}

// Race runs f n times at once and waits for all.
func (b *Bench) Race(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	ready.Add(n)
	begin := make(chan struct{})
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-begin
			f(i)
		})
	}
	ready.Wait()
	close(begin)
	done.Wait()
}

// FailStore makes every write transaction fail until it is turned off: the database that is
// down. Reads go on.
func (b *Bench) FailStore(on bool) { b.app.Store.FailWrites(on) }

// Row is one value straight from the database, as text; "" for NULL or no row.
func (b *Bench) Row(query string, args ...any) string {
	b.T.Helper()
	return storetest.Value(b.T, b.dsn, query, args...)
}

// Footprint is everything that a payment writes: what must not change by a hair when a message
// is repeated or refused.
func (b *Bench) Footprint() string {
	b.T.Helper()
	var out strings.Builder
	for _, table := range []string{"refunds", "events", "changes", "alarms", "work"} {
		fmt.Fprintf(&out, "%s=%s ", table, b.Row("SELECT COUNT(*) FROM "+table))
	}
	return out.String() + b.Money()
}

// Money is where every payment stands, and how much was taken and returned.
func (b *Bench) Money() string {
	b.T.Helper()
	glue := "GROUP_CONCAT(line, '; ')"
	if b.engine == Postgres {
		glue = "STRING_AGG(line, '; ')"
	}
	return b.Row(`SELECT ` + glue + ` FROM (SELECT id || ' ' || state || ' ' || captured || ' ' || refunded || ' ' || reserved
		|| ' ' || paid_at || ' ' || ended_at AS line FROM payments ORDER BY id) AS lines`)
}
