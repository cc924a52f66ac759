package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/evidence"
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
	"github.com/chorsu/chorsu/internal/webhook"
)

const webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// fixture is a gateway over a real database, with scripted companies: "link" writes a link
// and calls us, "host" makes a page when we ask and returns money by API,
// "cards" charges cards by our call, "holds" does so through a hold that is taken at once, "payer"
// sends money to cards, "scan" and "other" charge scanned codes.
type fixture struct {
	*gateway.Gateway
	t      *testing.T
	store  *store.Store
	runner *outbox.Runner
	link   *company
	host   *company
	cards  *cardCompany
	payer  *payCompany
	scan   *scanCompany
	app    *app

	mu    sync.Mutex
	clock time.Time
}

func each(t *testing.T, f func(t *testing.T, fx *fixture)) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			f(t, newFixture(t, e))
		})
	}
}

func newFixture(t *testing.T, e storetest.Engine) *fixture {
	fx := &fixture{t: t, clock: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), app: newApp(t)}
	fx.store = storetest.OpenWith(t, e, store.Options{Now: fx.Now})
	fx.link = &company{name: "link"}
	fx.host = &company{name: "host"}
	fx.cards = &cardCompany{taken: map[string]bool{}, captured: map[string]bool{}}
	fx.payer = &payCompany{made: map[string]pay.MoveState{}}
	fx.scan = &scanCompany{now: fx.Now, made: map[string]bool{}, taken: map[string]bool{}}
	fx.restart("k1:" + keyText)
	return fx
}

// restart builds the gateway anew over the same database, under these master keys.
func (fx *fixture) restart(masterKeys string) {
	t := fx.t
	box, err := seal.Parse(masterKeys)
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := webhook.ParseSecrets(webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	fx.Gateway = gateway.New(gateway.Options{
		Store: fx.store, Providers: []provider.Provider{linkProvider{fx.link}, hostProvider{fx.host}, cardProvider{fx.cards}, holdProvider{fx.cards}, toldProvider{fx.cards}, payProvider{fx.payer}, scanProvider{fx.scan, "scan"}, scanProvider{fx.scan, "other"}},
		Seal: box, Sender: webhook.NewSender(webhook.Options{AllowPrivate: true}), Secrets: secrets,
		Evidence: evidence.New(func(context.Context, []evidence.Message) error { return nil }, fx.Now), Transport: http.DefaultTransport,
		Now: fx.Now, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		PublicURL: "https://pay.example.uz", InvoiceTTL: 24 * time.Hour,
		FastRetries: outbox.Schedule{time.Second, 2 * time.Second}, SlowRetries: outbox.Schedule{time.Minute},
		AskIntervals: outbox.Schedule{5 * time.Second, 15 * time.Second, time.Minute},
	})
	if err := fx.Enter(t.Context(), gateway.ModeLive); err != nil {
		t.Fatal(err)
	}
	fx.runner = outbox.NewRunner(fx.store.Queue(), fx.Handlers(), outbox.Options{Now: fx.Now, Sweeps: fx.Sweeps(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
}

const keyText = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

func (fx *fixture) Now() time.Time {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	return fx.clock
}

func (fx *fixture) advance(d time.Duration) {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	fx.clock = fx.clock.Add(d)
}

// settle runs all work that is due, and the sweeps.
func (fx *fixture) settle() {
	fx.t.Helper()
	if err := fx.runner.RunSweeps(fx.t.Context()); err != nil {
		fx.t.Fatal(err)
	}
	if _, err := fx.runner.RunDue(fx.t.Context()); err != nil {
		fx.t.Fatal(err)
	}
}

func (fx *fixture) merchant(business, providerName string) gateway.Merchant {
	fx.t.Helper()
	m, err := fx.SaveMerchant(fx.t.Context(), gateway.MerchantInput{
		Source: "app", Business: business, Provider: providerName, Credentials: map[string]string{"key": "secret-" + business},
	}, gateway.Idem{})
	if err != nil {
		fx.t.Fatal(err)
	}
	return m.Value
}

func (fx *fixture) input(providerName, order string) gateway.InvoiceInput {
	return gateway.InvoiceInput{
		Source: "app", Business: "b1", Provider: providerName, SourceInvoiceID: order,
		Amount: 100_000, NotifyURL: fx.app.URL + "/hook",
	}
}

func (fx *fixture) invoice(in gateway.InvoiceInput) gateway.Invoice {
	fx.t.Helper()
	s, err := fx.CreateInvoice(fx.t.Context(), in, gateway.Idem{})
	if err != nil {
		fx.t.Fatal(err)
	}
	return s.Value
}

// paid makes an invoice at a provider and has it paid there.
func (fx *fixture) paid(providerName, order string) gateway.Invoice {
	fx.t.Helper()
	m := fx.merchant("b1", providerName)
	inv := fx.invoice(fx.input(providerName, order))
	key := provider.Key{Ref: "ref-" + order}
	if providerName == "link" {
		fx.on(m, func(d provider.Desk) {
			if _, err := d.Open(fx.t.Context(), provider.OpenOrder{Account: inv.ID, Ref: key.Ref, Amount: inv.Amount}); err != nil {
				fx.t.Fatal(err)
			}
		})
	} else {
		key = provider.Key{Ref: inv.Payment.Ref, PaymentID: inv.Payment.ID}
	}
	fx.on(m, func(d provider.Desk) {
		if _, err := d.Confirm(fx.t.Context(), key, provider.Proof{Amount: inv.Amount}); err != nil {
			fx.t.Fatal(err)
		}
	})
	return fx.get(inv.ID)
}

func (fx *fixture) get(id string) gateway.Invoice {
	fx.t.Helper()
	inv, err := fx.Invoice(fx.t.Context(), id)
	if err != nil {
		fx.t.Fatal(err)
	}
	return inv
}

// on lets a company of ours act on a merchant's desk, by its own call.
func (fx *fixture) on(m gateway.Merchant, f func(d provider.Desk)) {
	fx.t.Helper()
	r := httptest.NewRequest("POST", m.CallbackURL, http.NoBody).WithContext(context.WithValue(fx.t.Context(), deskKey{}, f))
	fx.Callback(httptest.NewRecorder(), r, m.Provider, m.ID)
}

type deskKey struct{}

// answerKey is for a call that is answered without the desk.
type answerKey struct{}

// company is the other side of a scripted provider: each answer can be replaced.
type company struct {
	name string

	mu       sync.Mutex
	pages    int
	returned pay.Tiyin // what it gave back
	refunds  int       // how often it was asked to

	onCheckout func(n int) error
	onCancel   func() (provider.Outcome, error)
	onMay      func()                                                     // while it is decided whether a refund may be made
	onRefund   func(o provider.RefundOrder) (provider.MoveOutcome, error) // after the money went back
	onInquire  func(q provider.Question) (provider.Report, error)
}

type linkProvider struct{ c *company }

func (p linkProvider) Info() provider.Info {
	return provider.Info{Name: "link", Title: "Link", Fields: []provider.Field{{Key: "key", Required: true, Secret: true}}, Account: (*linkAccount)(nil)}
}

// Names implements provider.Namer: what the bank prints.
func (p linkProvider) Names(payment pay.Payment) []string {
	var m struct{ Slip string }
	_ = json.Unmarshal(payment.Meta, &m)
	return []string{m.Slip}
}

func (p linkProvider) Open(provider.Credentials, provider.Env) (provider.Account, error) {
	return &linkAccount{p.c}, nil
}

type linkAccount struct{ c *company }

func (a *linkAccount) Checkout(_ context.Context, inv pay.Invoice, _ pay.Payment) (provider.Link, error) {
	return provider.Link{URL: "https://link.example/" + inv.ID}, nil
}

func (a *linkAccount) ServeCallback(w http.ResponseWriter, r *http.Request, d provider.Desk) {
	if answer, ok := r.Context().Value(answerKey{}).(func(http.ResponseWriter, *http.Request)); ok {
		answer(w, r)
		return
	}
	r.Context().Value(deskKey{}).(func(provider.Desk))(d)
}

type hostProvider struct{ c *company }

func (p hostProvider) Info() provider.Info {
	return provider.Info{Name: "host", Title: "Host", Fields: []provider.Field{{Key: "key", Required: true, Secret: true}}, Account: (*hostAccount)(nil)}
}

func (p hostProvider) Open(provider.Credentials, provider.Env) (provider.Account, error) {
	return &hostAccount{linkAccount(p)}, nil
}

type hostAccount struct{ linkAccount }

func (a *hostAccount) Checkout(_ context.Context, _ pay.Invoice, p pay.Payment) (provider.Link, error) {
	a.c.mu.Lock()
	a.c.pages++
	n := a.c.pages
	a.c.mu.Unlock()
	if a.c.onCheckout != nil {
		if err := a.c.onCheckout(n); err != nil {
			return provider.Link{}, err
		}
	}
	return provider.Link{URL: "https://host.example/" + p.ID, Ref: "page-" + p.ID}, nil
}

func (a *hostAccount) CancelCheckout(context.Context, pay.Payment) (provider.Outcome, error) {
	if a.c.onCancel != nil {
		return a.c.onCancel()
	}
	return provider.Outcome{State: pay.Cancelled}, nil
}

func (a *hostAccount) CanRefund(pay.Payment, provider.RefundOrder) error {
	if a.c.onMay != nil {
		a.c.onMay()
	}
	return nil
}

func (a *hostAccount) Refund(_ context.Context, o provider.RefundOrder) (provider.MoveOutcome, error) {
	a.c.mu.Lock()
	a.c.returned += o.Amount
	a.c.refunds++
	a.c.mu.Unlock()
	if a.c.onRefund != nil {
		return a.c.onRefund(o)
	}
	return provider.MoveOutcome{State: pay.MoveSucceeded, Ref: "back-" + o.RefundID}, nil
}

func (a *hostAccount) Inquire(_ context.Context, q provider.Question) (provider.Report, error) {
	if a.c.onInquire != nil {
		return a.c.onInquire(q)
	}
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	return provider.Report{Found: true, Shows: true, Refunded: a.c.returned, Outcome: provider.Outcome{State: pay.Paid}}, nil
}

// app is the receiver of webhooks. It verifies each, and answers as it is told.
type app struct {
	*httptest.Server
	mu       sync.Mutex
	answer   int
	during   func() // runs while the app answers, if set
	received []message
}

type message struct {
	EventID, Invoice string
	Status           string
	Sequence         int64
	Raw              string
}

func newApp(t *testing.T) *app {
	a := &app{answer: http.StatusOK}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := webhook.Verify(webhookSecret, r.Header, body); err != nil {
			t.Errorf("a webhook does not verify: %v", err)
		}
		var m struct {
			ID, EventID, Status string
			Sequence            int64
		}
		if err := json.Unmarshal(body, &m); err != nil {
			t.Errorf("a webhook is no JSON: %v", err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.received = append(a.received, message{EventID: r.Header.Get("X-Payment-Event-Id"), Invoice: m.ID, Status: m.Status, Sequence: m.Sequence, Raw: string(body)})
		if m.EventID != r.Header.Get("X-Payment-Event-Id") || m.ID != r.Header.Get("X-Payment-Id") {
			t.Errorf("headers and body name different events: %s", body)
		}
		if a.during != nil {
			a.during()
		}
		w.WriteHeader(a.answer)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *app) say(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = status
}

// statuses are what the app was told, in order, also repeats.
func (a *app) statuses() (out []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range a.received {
		out = append(out, m.Status)
	}
	return out
}
