package multicard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/multicard"
	"github.com/chorsu/chorsu/internal/provider/multicard/sim"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

var public = map[string]string{
	"applicationId": "rhmt_test", "secret": "Pw18axeBFo8V7NamKHXX", "storeId": "a1df872e-d5aa-11ee-8de8-005056b4367d",
}

func TestInfo(t *testing.T) {
	info := multicard.New().Info()
	want := []provider.Field{
		{Key: "applicationId", Required: true}, {Key: "secret", Required: true, Secret: true}, {Key: "storeId", Required: true},
	}
	if info.Name != "multicard" || info.BaseURL != "https://mesh.multicard.uz" || info.BaseURLEnv != "MULTICARD_URL" {
		t.Errorf("got %+v", info)
	}
	if d := cmp.Diff(want, info.Fields); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"checkout", "callbacks", "refund", "inquire", "receipt", "cards", "card_form", "charge", "charge_number", "wallets", "split", "card_check", "owner_check", "hold", "payout", "account", "recipients", "register", "qr"}, provider.Capabilities(info.Account)); d != "" {
		t.Error(d)
	}
	if _, ok := info.Account.(provider.CheckoutCaller); !ok {
		t.Error("its checkout calls the company, and the type does not say so")
	}
}

func TestOpenNamesAllFaultsAtOnce(t *testing.T) {
	cases := map[string]struct {
		app, secret, store string
		faults             int
	}{
		"the public sandbox": {"rhmt_test", "Pw18axeBFo8V7NamKHXX", "a1df872e-d5aa-11ee-8de8-005056b4367d", 0},
		"a number":           {"rhmt_test", "Pw18axeBFo8V7NamKHXX", "6", 0},
		"nothing right":      {"", "with space", "six", 3},
		"a line end":         {"rhmt_test", "Pw18axeBFo8V7NamKHXX\n", "6", 1},
		"a store with zeros": {"rhmt_test", "Pw18axeBFo8V7NamKHXX", "006", 1},
		"a negative store":   {"rhmt_test", "Pw18axeBFo8V7NamKHXX", "-6", 1},
		"a path":             {"rhmt_test", "Pw18axeBFo8V7NamKHXX", "6/../7", 1},
		"too long":           {strings.Repeat("a", 256), "Pw18axeBFo8V7NamKHXX", "6", 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := multicard.New().Open(provider.Credentials{Values: map[string]string{
				"applicationId": c.app, "secret": c.secret, "storeId": c.store,
			}}, provider.Env{HTTP: http.DefaultClient, Now: time.Now})
			if c.faults == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			e, ok := errors.AsType[*pay.Error](err)
			if !ok || e.Code != pay.CodeInvalid || len(e.Details) != c.faults {
				t.Fatalf("got %#v, want %d faults", err, c.faults)
			}
			if strings.Contains(err.Error(), "Pw18") {
				t.Error("the secret is in the error")
			}
		})
	}
}

func TestTheAccountPrintsNoSecret(t *testing.T) {
	c := newCompany(t)
	for _, s := range []string{fmt.Sprintf("%v", c.account), fmt.Sprintf("%+v", c.account), fmt.Sprintf("%#v", c.account)} {
		if strings.Contains(s, "Pw18") {
			t.Errorf("printed %s", s)
		}
	}
}

// company is the adapter's account with the simulator at the other end of a real connection.
type company struct {
	account provider.Account
	sim     simulator.Simulator
	world   *simulator.World

	mu       sync.Mutex
	now      time.Time
	requests []string // method and path of each call, as it arrived
}

func (c *company) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *company) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newCompany(t *testing.T) *company {
	t.Helper()
	c := &company{now: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)}
	c.world = &simulator.World{Now: c.Now, HTTP: &http.Client{}, Faults: &simulator.Faults{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.requests = append(c.requests, r.Method+" "+r.URL.Path)
		c.mu.Unlock()
		c.sim.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.world.BaseURL = server.URL
	c.sim = sim.New(c.world)
	c.account = open(t, public, server.URL, c.Now)
	return c
}

// openAt is the public register 6, given by its number, at noon.
func openAt(base string) (provider.Account, error) {
	return multicard.New().Open(provider.Credentials{Values: map[string]string{
		"applicationId": "rhmt_test", "secret": "Pw18axeBFo8V7NamKHXX", "storeId": "6",
	}}, provider.Env{
		HTTP: &http.Client{Transport: &http.Transport{}}, Now: func() time.Time { return noon }, BaseURL: base,
		CallbackURL: "https://pay.example.uz/api/callbacks/multicard/m1",
	})
}

func open(t *testing.T, credentials map[string]string, base string, now func() time.Time) provider.Account {
	t.Helper()
	a, err := multicard.New().Open(provider.Credentials{Values: credentials}, provider.Env{
		HTTP: &http.Client{Transport: &http.Transport{}}, Now: now, BaseURL: base, CallbackURL: "http://127.0.0.1:1/callback",
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const paymentID = "0190a1b2-0000-7000-8000-000000000001"

func (c *company) checkout(id string) (provider.Link, error) {
	return c.account.(provider.CheckoutCaller).Checkout(context.Background(),
		pay.Invoice{ID: "inv", Amount: 500000, ExpiresAt: c.Now().Add(time.Hour), Lang: "uz"},
		pay.Payment{ID: id, Amount: 500000, State: pay.Created, CreatedAt: c.Now()})
}

// paid makes a payment that the company holds for paid, without a partner to ask.
func (c *company) paid(t *testing.T, params map[string]string) pay.Payment {
	t.Helper()
	c.act(t, simulator.Action{Kind: "switch", Params: map[string]string{"webhooks": "on"}})
	link, err := c.checkout(paymentID)
	if err != nil {
		t.Fatal(err)
	}
	c.world.Faults.Set(simulator.Fault{Step: "webhook", Kind: simulator.LostBefore})
	c.act(t, simulator.Action{Kind: "pay", Ref: link.Ref, Params: params})
	return pay.Payment{ID: paymentID, Ref: link.Ref, Amount: 500000, Captured: 500000, State: pay.Paid, CreatedAt: c.Now(), Meta: link.Meta}
}

func (c *company) act(t *testing.T, a simulator.Action) simulator.Report {
	t.Helper()
	r, err := c.sim.Act(context.Background(), a)
	if err != nil {
		t.Fatalf("%s: %v", a.Kind, err)
	}
	return r
}

func (c *company) failNext(t *testing.T, step, code string, more ...string) {
	t.Helper()
	params := map[string]string{"step": step, "code": code, "details": "слова"}
	for i := 0; i+1 < len(more); i += 2 {
		params[more[i]] = more[i+1]
	}
	c.act(t, simulator.Action{Kind: "fail_next", Params: params})
}

// ─── Tokens ───────────────────────────────────────────────────────────────────────────────

// heard is every call that has arrived so far: a call whose answer is lost may still be ending.
func (c *company) heard() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

func (c *company) count(request string) int {
	n := 0
	for _, r := range c.heard() {
		if r == request {
			n++
		}
	}
	return n
}

func TestTokenIsKeptAndRenewedAMinuteBeforeItsEnd(t *testing.T) {
	c := newCompany(t)
	for i, step := range []struct {
		pass time.Duration
		auth int
	}{{0, 1}, {time.Hour, 1}, {23*time.Hour - 2*time.Minute, 1}, {90 * time.Second, 2}, {time.Hour, 2}} {
		c.advance(step.pass)
		if _, err := c.checkout(fmt.Sprint(paymentID[:35], i)); err != nil {
			t.Fatal(err)
		}
		if got := c.count("POST /auth"); got != step.auth {
			t.Errorf("step %d: %d tokens, want %d", i, got, step.auth)
		}
	}
}

func TestTokenThatIsRefusedIsRenewedOnceAndTheCallRepeated(t *testing.T) {
	c := newCompany(t)
	if _, err := c.checkout(paymentID); err != nil {
		t.Fatal(err)
	}
	c.act(t, simulator.Action{Kind: "expire_tokens"})
	if _, err := c.checkout(paymentID[:35] + "2"); err != nil {
		t.Fatal(err)
	}
	if c.count("POST /auth") != 2 || c.count("POST /payment/invoice") != 3 || len(c.sim.Books()) != 2 {
		t.Errorf("%v; %d invoices", c.heard(), len(c.sim.Books()))
	}

	c.world.Faults.Set(simulator.Fault{Step: "invoice.create", Kind: simulator.ExpiredToken})
	_, err := c.checkout(paymentID[:35] + "3")
	if e, ok := err.(*provider.Error); !ok || e.Kind != provider.KindAuth || len(c.sim.Books()) != 2 {
		t.Errorf("a token that never holds: %v", err)
	}
}

func TestOneRenewalAtATime(t *testing.T) {
	c := newCompany(t)
	var wg sync.WaitGroup
	var failed atomic.Int32
	for i := range 32 {
		wg.Go(func() {
			if _, err := c.checkout(fmt.Sprintf("%s%02d", paymentID[:34], i)); err != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	if failed.Load() != 0 || c.count("POST /auth") != 1 {
		t.Errorf("%d failed, %d tokens asked for", failed.Load(), c.count("POST /auth"))
	}
}

// Whatever goes wrong at /auth, the call itself never left: a repeat is safe.
func TestNothingIsSentWithoutAToken(t *testing.T) {
	for _, k := range []simulator.Kind{simulator.LostBefore, simulator.LostAfter, simulator.Error500, simulator.HalfBody} {
		t.Run(string(k), func(t *testing.T) {
			c := newCompany(t)
			c.world.Faults.Set(simulator.Fault{Step: "auth", Kind: k})
			_, err := c.checkout(paymentID)
			if e, ok := err.(*provider.Error); !ok || !e.NotSent || e.Kind != provider.KindUnavailable {
				t.Errorf("got %v", err)
			}
			if len(c.sim.Books()) != 0 {
				t.Error("an invoice was made")
			}
		})
	}
	c := newCompany(t)
	c.account = open(t, map[string]string{"applicationId": "rhmt_test", "secret": "wrong", "storeId": "6"}, c.world.BaseURL, c.Now)
	_, err := c.checkout(paymentID)
	if e, ok := err.(*provider.Error); !ok || !e.NotSent || e.Kind != provider.KindAuth || e.Message != "Invalid Credentials" {
		t.Errorf("a wrong secret: %v", err)
	}
}

// ─── Lost, half and late answers ──────────────────────────────────────────────────────────

func TestNotSentOnlyWhereItIsCertain(t *testing.T) {
	cases := []struct {
		kind simulator.Kind
		made int // invoices at the company
	}{
		{simulator.LostBefore, 0}, {simulator.LostAfter, 1}, {simulator.HalfBody, 1}, {simulator.Error500, 0}, {simulator.Error500After, 1},
	}
	for _, x := range cases {
		t.Run(string(x.kind), func(t *testing.T) {
			c := newCompany(t)
			c.world.Faults.Set(simulator.Fault{Step: "invoice.create", Kind: x.kind, Times: 1})
			_, err := c.checkout(paymentID)
			e, ok := err.(*provider.Error)
			if !ok || e.NotSent || e.Kind != provider.KindUnavailable || provider.Harmless(err) {
				t.Errorf("got %v", err)
			}
			if len(c.sim.Books()) != x.made || c.count("POST /payment/invoice") != 1 {
				t.Errorf("%d invoices made by %d calls", len(c.sim.Books()), c.count("POST /payment/invoice"))
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	a := open(t, public, base, time.Now)
	_, err = a.(provider.Inquirer).Inquire(context.Background(), provider.Question{Payment: pay.Payment{Ref: "e60d8ebc-b9fe-11ef-b159-005056b4367d"}})
	if e, ok := err.(*provider.Error); !ok || !e.NotSent {
		t.Errorf("got %v", err)
	}
}

// A call whose time runs out while the company holds its answer back may have been done.
func TestLateAnswer(t *testing.T) {
	c := newCompany(t)
	if _, err := c.checkout(paymentID); err != nil { // the token is there already
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	inner := c.sim
	c.sim = held{inner, func() { cancel() }}
	_, err := c.account.(provider.CheckoutCaller).Checkout(ctx, pay.Invoice{}, pay.Payment{ID: paymentID[:35] + "2", Amount: 100})
	if e, ok := err.(*provider.Error); !ok || e.NotSent || e.Kind != provider.KindUnavailable {
		t.Errorf("after it was sent: %v", err)
	}
	_, err = c.account.(provider.CheckoutCaller).Checkout(ctx, pay.Invoice{}, pay.Payment{ID: paymentID[:35] + "3", Amount: 100})
	if e, ok := err.(*provider.Error); !ok || !e.NotSent {
		t.Errorf("with the time already run out: %v", err)
	}
}

// held answers only when the caller has gone.
type held struct {
	simulator.Simulator
	arrived func()
}

func (h held) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the server sees that a caller has left once the body is read
	h.arrived()
	<-r.Context().Done()
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/auth" {
			_, _ = fmt.Fprint(w, `{"token":"t","expiry":"2099-01-01 00:00:00"}`)
			return
		}
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	a := open(t, public, server.URL, time.Now)
	_, err := a.(provider.CheckoutCaller).Checkout(context.Background(), pay.Invoice{}, pay.Payment{ID: paymentID, Amount: 100})
	if e, ok := err.(*provider.Error); !ok || e.NotSent || elsewhere.Load() != 0 {
		t.Errorf("got %v, and %d calls elsewhere", err, elsewhere.Load())
	}
}

// ─── The hosted page ──────────────────────────────────────────────────────────────────────

func TestCheckoutKeepsWhatIsNeededLater(t *testing.T) {
	c := newCompany(t)
	c.act(t, simulator.Action{Kind: "switch", Params: map[string]string{"own_uuid": "on"}})
	link, err := c.checkout(paymentID)
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Invoice string
		Store   int64
	}
	if err := json.Unmarshal(link.Meta, &kept); err != nil {
		t.Fatal(err)
	}
	if kept.Invoice == "" || kept.Invoice == link.Ref || link.Ref != c.sim.Books()[0].Ref || kept.Store != 6 {
		t.Errorf("kept %+v of %s", kept, link.Ref)
	}
	if link.URL != c.world.BaseURL+"/invoice/"+kept.Invoice || !strings.HasPrefix(link.Deeplink, "https://multicard.app/payments/checkout/6?params=") {
		t.Errorf("got %+v", link)
	}
}

// What the company made must be what was asked for, or its page is not shown.
func TestCheckoutLooksAtWhatWasMade(t *testing.T) {
	good := map[string]any{
		"uuid": "f6339f31-6a09-11f0-9a1b-00505680eaf6", "store_id": 6, "amount": 500000, "invoice_id": paymentID,
		"checkout_url": "https://app.rhmt.uz/invoice/f6339f31-6a09-11f0-9a1b-00505680eaf6",
	}
	cases := map[string]struct {
		name  string
		value any
		ok    bool
	}{
		"as asked":          {"sms", nil, true},
		"amount as text":    {"amount", "500000", true},
		"no uuid":           {"uuid", nil, false},
		"another amount":    {"amount", 500001, false},
		"another invoice":   {"invoice_id", "123", false},
		"no register":       {"store_id", nil, false},
		"a page of scripts": {"checkout_url", "javascript:alert(1)", false},
		"no page":           {"checkout_url", nil, false},
		"an odd deeplink":   {"deeplink", "javascript:alert(1)", true},
	}
	for name, x := range cases {
		t.Run(name, func(t *testing.T) {
			data := map[string]any{}
			for k, v := range good {
				data[k] = v
			}
			data[x.name] = x.value
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/auth" {
					_, _ = fmt.Fprint(w, `{"token":"t","role":"dev","expiry":"2099-01-01 00:00:00"}`)
					return
				}
				_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "data": data})
			}))
			defer server.Close()
			link, err := open(t, public, server.URL, time.Now).(provider.CheckoutCaller).Checkout(context.Background(), pay.Invoice{}, pay.Payment{ID: paymentID, Amount: 500000})
			if (err == nil) != x.ok || link.Deeplink != "" {
				t.Errorf("got %+v, %v", link, err)
			}
			if err != nil && provider.Harmless(err) {
				t.Error("something was made: that is not harmless")
			}
		})
	}
}

func TestCancelCheckout(t *testing.T) {
	cases := map[string]struct {
		before func(*testing.T, *company, string)
		want   pay.State // "" for an error
	}{
		"unpaid":              {func(*testing.T, *company, string) {}, pay.Cancelled},
		"gone already":        {func(t *testing.T, c *company, ref string) { c.advance(2 * time.Hour) }, pay.Cancelled},
		"paid a moment ago":   {func(t *testing.T, c *company, ref string) { c.payQuietly(t, ref, "pay") }, pay.Paid},
		"refused by the bank": {func(t *testing.T, c *company, ref string) { c.payQuietly(t, ref, "refuse") }, pay.Failed},
		"being paid":          {func(t *testing.T, c *company, ref string) { c.act(t, simulator.Action{Kind: "debit", Ref: ref}) }, pay.Created},
		"the answer is lost":  {func(t *testing.T, c *company, _ string) { c.fault("invoice.cancel", simulator.LostAfter) }, ""},
		"done, and said to fail": {func(t *testing.T, c *company, _ string) {
			c.failNext(t, "invoice.cancel", "ERROR_NOT_FOUND", "after", "true")
		}, pay.Cancelled},
		"unpaid, and refused": {func(t *testing.T, c *company, _ string) { c.failNext(t, "invoice.cancel", "ERROR_FIELDS") }, ""},
	}
	for name, x := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCompany(t)
			link, err := c.checkout(paymentID)
			if err != nil {
				t.Fatal(err)
			}
			x.before(t, c, link.Ref)
			out, err := c.account.(provider.CheckoutCaller).CancelCheckout(context.Background(), pay.Payment{ID: paymentID, Ref: link.Ref, Meta: link.Meta, State: pay.Created})
			if out.State != x.want || (err != nil) != (x.want == "") {
				t.Errorf("got %+v, %v; want %q", out, err, x.want)
			}
		})
	}
}

// payQuietly lets the buyer act where no partner is asked.
func (c *company) payQuietly(t *testing.T, ref, kind string) {
	t.Helper()
	c.act(t, simulator.Action{Kind: "switch", Params: map[string]string{"webhooks": "on"}})
	c.world.Faults.Set(simulator.Fault{Step: "webhook", Kind: simulator.LostBefore})
	c.act(t, simulator.Action{Kind: kind, Ref: ref})
}

func (c *company) fault(step string, k simulator.Kind) {
	c.world.Faults.Set(simulator.Fault{Step: step, Kind: k, Times: 1})
}

// The uuid was in an answer that was lost: the register's list has it.
func TestAfterALostAnswerTheRegisterIsSearched(t *testing.T) {
	c := newCompany(t)
	for i := range 130 { // more than a page
		if _, err := c.checkout(fmt.Sprintf("%s%03d", paymentID[:33], i+100)); err != nil {
			t.Fatal(err)
		}
	}
	c.fault("invoice.create", simulator.LostAfter)
	if _, err := c.checkout(paymentID); err == nil {
		t.Fatal("the answer was to be lost")
	}
	lost := pay.Payment{ID: paymentID, Amount: 500000, State: pay.Unknown, CreatedAt: c.Now()}
	ask := func(id string) provider.Report {
		t.Helper()
		r, err := c.account.(provider.Inquirer).Inquire(context.Background(), provider.Question{
			PaymentID: id, Op: provider.OpCheckout, SentAt: c.Now(), Payment: lost,
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := ask(paymentID); !r.Found || r.Outcome.State != pay.Created || r.Outcome.Ref == "" {
		t.Errorf("got %+v", r)
	}
	if r := ask(paymentID[:35] + "9"); r.Found {
		t.Errorf("found what was never sent: %+v", r)
	}
	out, err := c.account.(provider.CheckoutCaller).CancelCheckout(context.Background(), lost)
	if err != nil || out.State != pay.Cancelled {
		t.Errorf("cancelling it: %+v, %v", out, err)
	}
}

// ─── Refunds and fiscal links ─────────────────────────────────────────────────────────────

func (c *company) refund(p pay.Payment, o provider.RefundOrder) (provider.MoveOutcome, error) {
	o.Payment = p
	return c.account.(provider.Refunder).Refund(context.Background(), o)
}

const lines = `[ {"qty":1,"price":300000,"total":300000,"mxik":"06401004002000000","package_code":"1506113","name":"Test","vat":0} ]`

func TestRefundOutcomes(t *testing.T) {
	cases := map[string]struct {
		before func(*testing.T, *company, pay.Payment)
		want   pay.MoveState // "" for an error
		back   int64         // at the company, in the end
	}{
		"done":                     {func(*testing.T, *company, pay.Payment) {}, pay.MoveSucceeded, 500000},
		"returned by staff before": {func(t *testing.T, c *company, p pay.Payment) { c.act(t, simulator.Action{Kind: "refund", Ref: p.Ref}) }, pay.MoveSucceeded, 500000},
		"refused":                  {func(t *testing.T, c *company, _ pay.Payment) { c.failNext(t, "payment.refund", "ERROR_FIELDS") }, pay.MoveFailed, 0},
		"not found, and still paid": {func(t *testing.T, c *company, _ pay.Payment) {
			c.failNext(t, "payment.refund", "ERROR_NOT_FOUND", "status", "404")
		}, pay.MoveFailed, 0},
		"not ready": {func(t *testing.T, c *company, _ pay.Payment) {
			c.failNext(t, "payment.refund", "ERROR_TRANS_NOT_READY")
		}, "", 0},
		"unknown": {func(t *testing.T, c *company, _ pay.Payment) {
			c.failNext(t, "payment.refund", "ERROR_UNKNOWN", "after", "true")
		}, "", 500000},
		"debit unknown": {func(t *testing.T, c *company, _ pay.Payment) { c.failNext(t, "payment.refund", "ERROR_DEBIT_UNKNOWN") }, "", 0},
		"callback timeout": {func(t *testing.T, c *company, _ pay.Payment) {
			c.failNext(t, "payment.refund", "ERROR_CALLBACK_TIMEOUT")
		}, "", 0},
		"a new word":                  {func(t *testing.T, c *company, _ pay.Payment) { c.failNext(t, "payment.refund", "ERROR_NEW") }, "", 0},
		"lost on the way":             {func(_ *testing.T, c *company, _ pay.Payment) { c.fault("payment.refund", simulator.LostBefore) }, "", 0},
		"answer lost":                 {func(_ *testing.T, c *company, _ pay.Payment) { c.fault("payment.refund", simulator.LostAfter) }, "", 500000},
		"half an answer":              {func(_ *testing.T, c *company, _ pay.Payment) { c.fault("payment.refund", simulator.HalfBody) }, "", 500000},
		"500 without acting":          {func(_ *testing.T, c *company, _ pay.Payment) { c.fault("payment.refund", simulator.Error500) }, "", 0},
		"500 after acting":            {func(_ *testing.T, c *company, _ pay.Payment) { c.fault("payment.refund", simulator.Error500After) }, "", 500000},
		"the token ran out meanwhile": {func(t *testing.T, c *company, _ pay.Payment) { c.act(t, simulator.Action{Kind: "expire_tokens"}) }, pay.MoveSucceeded, 500000},
	}
	for name, x := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCompany(t)
			p := c.paid(t, nil)
			x.before(t, c, p)
			out, err := c.refund(p, provider.RefundOrder{Amount: 500000, Whole: true})
			if out.State != x.want || (err != nil) != (x.want == "") {
				t.Errorf("got %+v, %v; want %q", out, err, x.want)
			}
			if err != nil && provider.Harmless(err) {
				t.Errorf("%v counts as harmless", err)
			}
			if got := c.sim.Books()[0].Refunded; got != x.back {
				t.Errorf("%d tiyin went back, want %d", got, x.back)
			}
			if n := c.count("DELETE /payment/" + p.Ref); n != 1 && name != "the token ran out meanwhile" {
				t.Errorf("the refund was sent %d times", n)
			}
			// What was left open is settled by asking.
			r, err := c.account.(provider.Inquirer).Inquire(context.Background(), provider.Question{
				PaymentID: p.ID, Op: provider.OpRefund, Amount: 500000, Payment: p,
			})
			if err != nil || !r.Found || !r.Shows || int64(r.Refunded) != x.back {
				t.Errorf("asked: %+v, %v", r, err)
			}
		})
	}
}

func TestPartialRefund(t *testing.T) {
	c := newCompany(t)
	p := c.paid(t, nil)
	out, err := c.refund(p, provider.RefundOrder{Amount: 200000, Lines: []byte(lines)})
	if err != nil || out.State != pay.MoveSucceeded {
		t.Fatalf("got %+v, %v", out, err)
	}
	// Of parts, Multicard shows nothing that could be relied on.
	r, err := c.account.(provider.Inquirer).Inquire(context.Background(), provider.Question{
		PaymentID: p.ID, Op: provider.OpRefund, Amount: 200000, Payment: p,
	})
	if err != nil || !r.Found || r.Shows || r.Outcome.State != pay.Paid {
		t.Errorf("asked: %+v, %v", r, err)
	}
	c.act(t, simulator.Action{Kind: "switch", Params: map[string]string{"partial": "off"}})
	if out, err = c.refund(p, provider.RefundOrder{Amount: 100000, Lines: []byte(lines)}); err != nil || out.State != pay.MoveFailed || out.Code != "ERROR_FIELDS" || out.Note == "" {
		t.Errorf("a terminal without partial refunds: %+v, %v", out, err)
	}
	if got := c.sim.Books()[0].Refunded; got != 200000 {
		t.Errorf("%d tiyin went back", got)
	}
}

func TestCanRefund(t *testing.T) {
	card, wallet := pay.Payment{Card: pay.Card{PaymentSystem: "uzcard"}}, pay.Payment{Card: pay.Card{PaymentSystem: "payme"}}
	cases := map[string]struct {
		p     pay.Payment
		o     provider.RefundOrder
		field string
	}{
		"whole":                   {card, provider.RefundOrder{Whole: true}, ""},
		"whole, wallet":           {wallet, provider.RefundOrder{Whole: true}, ""},
		"part":                    {card, provider.RefundOrder{Lines: []byte(lines)}, ""},
		"part without ofd":        {card, provider.RefundOrder{}, "ofd"},
		"part with null":          {card, provider.RefundOrder{Lines: []byte(`null`)}, "ofd"},
		"part with no lines":      {card, provider.RefundOrder{Lines: []byte(` [ ] `)}, "ofd"},
		"part with an object":     {card, provider.RefundOrder{Lines: []byte(`{}`)}, "ofd"},
		"part, wallet":            {wallet, provider.RefundOrder{Lines: []byte(lines)}, "cardPan"},
		"part, wallet, with card": {wallet, provider.RefundOrder{Lines: []byte(lines), CardPAN: "8600010000001234"}, ""},
		"part, system not known":  {pay.Payment{}, provider.RefundOrder{Lines: []byte(lines)}, ""},
	}
	for name, x := range cases {
		err := newCompany(t).account.(provider.Refunder).CanRefund(x.p, x.o)
		e, _ := errors.AsType[*pay.Error](err)
		if x.field == "" && err != nil || x.field != "" && (e == nil || e.Code != pay.CodeInvalid || e.Field != x.field || len(e.Details) != 1) {
			t.Errorf("%s: got %#v", name, err)
		}
	}
}

func TestSendReceipt(t *testing.T) {
	const link = "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=514343190161"
	c := newCompany(t)
	p := c.paid(t, nil)
	send := c.account.(provider.ReceiptSender).SendReceipt
	if err := send(context.Background(), p, pay.Receipt{Kind: "sale", URL: link}); err != nil {
		t.Fatal(err)
	}
	err := send(context.Background(), p, pay.Receipt{Kind: "refund", URL: link})
	if e, ok := err.(*provider.Error); !ok || e.Code != "ERROR_TRANS_NOT_READY" {
		t.Errorf("a refund's receipt before the refund: %v", err)
	}
	c.act(t, simulator.Action{Kind: "switch", Params: map[string]string{"tax": "on"}})
	err = send(context.Background(), p, pay.Receipt{Kind: "sale", URL: link})
	if e, ok := err.(*provider.Error); !ok || e.Code != "ERROR_FIELDS" || e.Kind != provider.KindInvalid {
		t.Errorf("a register that makes its receipts itself: %v", err)
	}
	if err := send(context.Background(), pay.Payment{}, pay.Receipt{URL: link}); !provider.Harmless(err) {
		t.Errorf("a payment without uuid: %v", err)
	}
}
