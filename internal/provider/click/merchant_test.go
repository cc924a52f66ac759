package click_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/click"
	"github.com/chorsu/chorsu/internal/provider/click/sim"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// company is CLICK over real HTTP, beside an account of the fixture that calls it, and the
// gateway's side of the SHOP API on a book.
type company struct {
	t        *testing.T
	sim      simulator.Simulator
	world    *simulator.World
	book     *book
	url      string
	mu       sync.Mutex
	requests []string          // method and path of every call to CLICK
	arrived  func(call string) // told of each, where set, before CLICK acts
}

func newCompany(t *testing.T) *company {
	t.Helper()
	c := &company{t: t, book: newBook(start)}
	c.world = &simulator.World{Now: func() time.Time { return c.book.now }, HTTP: &http.Client{}, Faults: &simulator.Faults{}}
	c.sim = sim.New(c.world)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.requests = append(c.requests, r.Method+" "+r.URL.Path)
		c.mu.Unlock()
		if c.arrived != nil {
			c.arrived(r.Method)
		}
		c.sim.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.url, c.world.BaseURL = server.URL, server.URL

	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		newAccount(t, c.book).ServeCallback(w, r, c.book)
	}))
	t.Cleanup(gateway.Close)
	err := c.sim.AddAccount(simulator.Account{Credentials: credentials("3333"), CallbackURL: gateway.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func credentials(user string) map[string]string {
	return map[string]string{"serviceId": "73438", "merchantId": "1001", "secretKey": "click-test-secret", "merchantUserId": user}
}

type account interface {
	provider.Checkouter
	provider.Refunder
	provider.Inquirer
	provider.ReceiptSender
	provider.Fiscaliser
}

// account opens the merchant's account at this CLICK.
func (c *company) account(user string, o pay.Options) account {
	c.t.Helper()
	acc, err := click.New().Open(provider.Credentials{MerchantID: "mer_7", Values: credentials(user), Options: o},
		provider.Env{HTTP: &http.Client{}, Now: c.world.Now, BaseURL: c.url + "/v2/merchant", PayURL: c.url + "/services/pay"})
	if err != nil {
		c.t.Fatal(err)
	}
	return acc.(account)
}

// bought is a payment of 50 000 soum that CLICK and the book hold for paid.
func (c *company) bought() pay.Payment {
	c.t.Helper()
	c.book.invoice("inv-1001", 50000_00)
	link, err := c.account("3333", pay.Options{}).Checkout(c.t.Context(), *c.book.invoices["inv-1001"], pay.Payment{})
	if err != nil {
		c.t.Fatal(err)
	}
	rep := c.act(simulator.Action{Kind: "pay", Link: link.URL})
	if rep.State != "paid" || len(rep.Problems) > 0 {
		c.t.Fatalf("%+v", rep)
	}
	return *c.book.payments[rep.Ref]
}

func (c *company) act(a simulator.Action) simulator.Report {
	c.t.Helper()
	rep, err := c.sim.Act(c.t.Context(), a)
	if err != nil {
		c.t.Fatal(err)
	}
	return rep
}

func (c *company) set(name, value string) {
	c.t.Helper()
	c.act(simulator.Action{Kind: "set", Params: map[string]string{name: value}})
}

// heard is every call that has arrived so far: a call whose answer is lost may still be ending.
func (c *company) heard() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

func (c *company) asked(call string) int {
	n := 0
	for _, r := range c.heard() {
		if strings.HasPrefix(r, call) {
			n++
		}
	}
	return n
}

func whole(p pay.Payment) provider.RefundOrder {
	return provider.RefundOrder{RefundID: "ref-1", Payment: p, Amount: p.Captured, Whole: true}
}

func TestRefundOfTheWhole(t *testing.T) {
	c := newCompany(t)
	p := c.bought()
	acc := c.account("3333", pay.Options{})
	if err := acc.CanRefund(p, whole(p)); err != nil {
		t.Fatal(err)
	}
	out, err := acc.Refund(t.Context(), whole(p))
	if err != nil || out.State != pay.MoveSucceeded {
		t.Fatalf("%+v %v", out, err)
	}
	if got := c.sim.Books()[0]; got.State != "refunded" || got.Refunded != 50000_00 {
		t.Errorf("%+v", got)
	}
	if n := c.asked("DELETE /v2/merchant/payment/reversal/73438/"); n != 1 {
		t.Errorf("%d reversals", n)
	}
	// A second one is CLICK's to refuse.
	out, err = acc.Refund(t.Context(), whole(p))
	if err != nil || out.State != pay.MoveFailed || out.Code == "" || out.Note == "" {
		t.Errorf("%+v %v", out, err)
	}
}

func TestRefundOfAPart(t *testing.T) {
	c := newCompany(t)
	p := c.bought()
	acc := c.account("3333", pay.Options{PartialReversal: true})
	for _, amount := range []pay.Tiyin{20000_00, 1_50} {
		o := provider.RefundOrder{Payment: p, Amount: amount}
		if err := acc.CanRefund(p, o); err != nil {
			t.Fatal(err)
		}
		if out, err := acc.Refund(t.Context(), o); err != nil || out.State != pay.MoveSucceeded {
			t.Fatalf("%+v %v", out, err)
		}
	}
	if got := c.sim.Books()[0]; got.State != "paid" || got.Refunded != 20001_50 {
		t.Errorf("%+v", got)
	}
	for _, want := range []string{"/20000", "/1.50"} {
		if !slices.ContainsFunc(c.heard(), func(r string) bool {
			return strings.Contains(r, "payment/partial_reversal/73438/") && strings.HasSuffix(r, want)
		}) {
			t.Errorf("no part %s in %q", want, c.heard())
		}
	}
}

func TestWhatCannotBeRefunded(t *testing.T) {
	c := newCompany(t)
	p := pay.Payment{Captured: 50000_00}
	for name, err := range map[string]error{
		"without merchantUserId": c.account("", pay.Options{PartialReversal: true}).CanRefund(p, whole(p)),
		"a part":                 c.account("3333", pay.Options{}).CanRefund(p, provider.RefundOrder{Amount: 1}),
	} {
		if e, ok := err.(*pay.Error); !ok || e.Code != pay.CodeUnsupported || e.Reason == "" || !strings.Contains(e.Message, "or") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Nor is anything called without it.
	_, err := c.account("", pay.Options{}).Refund(t.Context(), whole(p))
	if !provider.Harmless(err) || len(c.heard()) > 0 {
		t.Errorf("%v, %q", err, c.heard())
	}
}

// TestScenario29_OldPayment: last month's payments can be reversed on the first of this one,
// and after it CLICK refuses. Its no is the outcome, with its words; nothing else changes.
func TestScenario29_OldPayment(t *testing.T) {
	for _, day := range []struct {
		now   time.Time
		state pay.MoveState
	}{
		{time.Date(2026, 2, 1, 23, 59, 59, 0, provider.Tashkent), pay.MoveSucceeded},
		{time.Date(2026, 2, 2, 0, 0, 0, 0, provider.Tashkent), pay.MoveFailed},
		{time.Date(2026, 3, 1, 12, 0, 0, 0, provider.Tashkent), pay.MoveFailed},
		{time.Date(2027, 1, 15, 12, 0, 0, 0, provider.Tashkent), pay.MoveFailed},
	} {
		c := newCompany(t)
		p := c.bought()
		c.book.now = day.now
		out, err := c.account("3333", pay.Options{}).Refund(t.Context(), whole(p))
		if err != nil || out.State != day.state {
			t.Errorf("%s: %+v %v", day.now, out, err)
		}
		if day.state == pay.MoveFailed && (out.Code == "" || out.Note == "" || c.sim.Books()[0].Refunded != 0) {
			t.Errorf("%s: %+v", day.now, out)
		}
	}
}

func TestUzcardMayRefuseAReversal(t *testing.T) {
	c := newCompany(t)
	p := c.bought()
	c.set("uzcard_refuses", "true")
	out, err := c.account("3333", pay.Options{}).Refund(t.Context(), whole(p))
	if err != nil || out.State != pay.MoveFailed || !strings.Contains(out.Note, "UZCARD") {
		t.Errorf("%+v %v", out, err)
	}
}

// TestLostAnswers: after a reversal whose answer is lost, late, broken or 500 we do not know,
// say so, and call once.
func TestLostAnswers(t *testing.T) {
	for _, f := range []struct {
		kind     simulator.Kind
		reversed bool // what is true at CLICK
	}{
		{simulator.LostBefore, false},
		{simulator.LostAfter, true},
		{simulator.HalfBody, true},
		{simulator.Error500, false},
		{simulator.Error500After, true},
		{simulator.Late, true},
	} {
		t.Run(string(f.kind), func(t *testing.T) {
			c := newCompany(t)
			p := c.bought()
			acc := c.account("3333", pay.Options{})
			c.world.Faults.Set(simulator.Fault{Step: "payment.reversal", Kind: f.kind, Times: 1, Delay: time.Hour})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if f.kind == simulator.Late { // the caller's patience ends while CLICK still thinks
				c.arrived = func(string) { cancel() }
			}
			out, err := acc.Refund(ctx, whole(p))
			e, ok := err.(*provider.Error)
			if !ok || e.Kind != provider.KindUnavailable || provider.Harmless(err) {
				t.Fatalf("%+v %v", out, err)
			}
			if n := c.asked("DELETE"); n != 1 {
				t.Fatalf("%d reversals", n)
			}
			if f.kind == simulator.Late {
				return // CLICK acts when it acts
			}
			rep, err := acc.Inquire(t.Context(), provider.Question{Op: provider.OpRefund, Payment: p, Amount: p.Captured, SentAt: c.book.now})
			if err != nil || !rep.Found || rep.Shows != f.reversed {
				t.Fatalf("%+v %v", rep, err)
			}
			if f.reversed && (rep.Refunded != p.Captured || rep.Outcome.State != pay.Refunded) {
				t.Errorf("%+v", rep)
			}
			if !f.reversed && rep.Outcome.State != pay.Paid {
				t.Errorf("%+v", rep)
			}
		})
	}
}

func TestNotSentOnlyWhenCertain(t *testing.T) {
	p := pay.Payment{Ref: "1", Account: "inv-1001", Captured: 100, Meta: []byte(`{"paydoc":5}`)}
	at := func(base string, client *http.Client) account {
		acc, err := click.New().Open(provider.Credentials{MerchantID: "m", Values: credentials("3333")},
			provider.Env{HTTP: client, Now: time.Now, BaseURL: base})
		if err != nil {
			t.Fatal(err)
		}
		return acc.(account)
	}
	// Nobody listens: the port was ours a moment ago, and is closed.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	hangUp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		panic(http.ErrAbortHandler)
	}))
	defer hangUp.Close()

	for _, x := range []struct {
		name    string
		ctx     context.Context
		acc     account
		p       pay.Payment
		notSent bool
	}{
		{"nobody listens", t.Context(), at(closed, &http.Client{}), p, true},
		{"over before it began", over, at(hangUp.URL, &http.Client{}), p, true},
		{"no address", t.Context(), at("http://[", &http.Client{}), p, true},
		{"hung up", t.Context(), at(hangUp.URL, &http.Client{}), p, false},
		{"hung up on the question before", t.Context(), at(hangUp.URL, &http.Client{}), pay.Payment{Account: "inv-1001", Captured: 100}, true},
		{"an error of a transport that we do not know", t.Context(), at("http://click.invalid", &http.Client{Transport: broken{}}), p, false},
	} {
		_, err := x.acc.Refund(x.ctx, whole(x.p))
		e, ok := err.(*provider.Error)
		if !ok || e.NotSent != x.notSent {
			t.Errorf("%s: %v, not sent %v", x.name, err, ok && e.NotSent)
		}
	}
}

type broken struct{}

func (broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("broken") }

// TestAnswersOfTheMerchantAPI: what is not plainly yes or no is not known.
func TestAnswersOfTheMerchantAPI(t *testing.T) {
	const yes, no, unknown = "yes", "no", "unknown"
	for _, x := range []struct {
		status int
		body   string
		want   string
		kind   provider.Kind
	}{
		{200, `{"error_code":0,"error_note":"Success","payment_id":5}`, yes, ""},
		{201, `{"error_code":0,"payment_id":"5"}`, yes, ""},
		{200, `{"error_code":0}`, yes, ""}, // partial_reversal answers no more
		{200, `{"error_code":-31,"error_note":"no"}`, no, ""},
		{200, `{"error_code":0,"payment_id":6}`, unknown, provider.KindUnavailable},
		{200, `{"error_code":1,"payment_id":5}`, unknown, provider.KindUnavailable},
		{200, `{"error_code":null}`, unknown, provider.KindUnavailable},
		{200, `{"error_code":0.5}`, unknown, provider.KindUnavailable},
		{200, `{"error_code":"x"}`, unknown, provider.KindUnavailable},
		{200, `{}`, unknown, provider.KindUnavailable},
		{200, `[]`, unknown, provider.KindUnavailable},
		{200, ``, unknown, provider.KindUnavailable},
		{200, `<html>`, unknown, provider.KindUnavailable},
		{200, `{"error_code":0,"error_note":"` + strings.Repeat("x", 64<<10) + `"}`, unknown, provider.KindUnavailable},
		{204, ``, unknown, provider.KindUnavailable},
		{302, ``, unknown, provider.KindUnavailable},
		{307, ``, unknown, provider.KindUnavailable},
		{400, `{"error_code":-1}`, unknown, provider.KindInvalid},
		{401, `no`, unknown, provider.KindAuth},
		{403, ``, unknown, provider.KindInvalid},
		{404, ``, unknown, provider.KindInvalid},
		{406, ``, unknown, provider.KindInvalid},
		{408, ``, unknown, provider.KindUnavailable},
		{410, ``, unknown, provider.KindInvalid},
		{429, ``, unknown, provider.KindRateLimited},
		{500, `{"error_code":0}`, unknown, provider.KindUnavailable},
		{502, ``, unknown, provider.KindUnavailable},
	} {
		hits := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hits++
			if x.status/100 == 3 {
				w.Header().Set("Location", r.URL.Path)
			}
			w.WriteHeader(x.status)
			_, _ = io.WriteString(w, x.body)
		}))
		acc, err := click.New().Open(provider.Credentials{MerchantID: "m", Values: credentials("3333")}, provider.Env{Now: time.Now, BaseURL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		out, err := acc.(account).Refund(t.Context(), whole(pay.Payment{Captured: 100, Meta: []byte(`{"paydoc":5}`)}))
		server.Close()
		got, kind := unknown, provider.Kind("")
		switch {
		case err != nil:
			kind = err.(*provider.Error).Kind
		case out.State == pay.MoveSucceeded:
			got = yes
		case out.State == pay.MoveFailed:
			got = no
		}
		if got != x.want || kind != x.kind || hits != 1 {
			t.Errorf("HTTP %d %.60q: %s %s after %d calls; want %s %s", x.status, x.body, got, kind, hits, x.want, x.kind)
		}
	}
}

// TestScenario24_SandboxChecksAuth: one wrong digit, an old stamp or another user is 401.
func TestScenario24_SandboxChecksAuth(t *testing.T) {
	c := newCompany(t)
	p := c.bought()
	acc := c.account("3333", pay.Options{})
	ask := func(acc account) error {
		_, err := acc.Inquire(t.Context(), provider.Question{Op: provider.OpCheckout, Payment: p})
		return err
	}
	if err := ask(acc); err != nil {
		t.Fatal(err)
	}
	isAuth := func(err error) bool { e, ok := err.(*provider.Error); return ok && e.Kind == provider.KindAuth }
	if err := ask(c.account("3334", pay.Options{})); !isAuth(err) {
		t.Errorf("another user: %v", err)
	}
	c.world.Faults.Set(simulator.Fault{Step: "payment.status", Kind: simulator.ClockSkew, Times: 1, Delay: 6 * time.Minute})
	if err := ask(acc); !isAuth(err) {
		t.Errorf("six minutes off: %v", err)
	}
	c.world.Faults.Set(simulator.Fault{Step: "payment.status", Kind: simulator.ClockSkew, Times: 1, Delay: -4 * time.Minute})
	if err := ask(acc); err != nil {
		t.Errorf("four minutes off: %v", err)
	}
	// The vector, and each of its digits turned.
	c.book.now = time.Unix(1712345678, 0)
	if err := c.sim.AddAccount(simulator.Account{Credentials: map[string]string{"serviceId": "5", "merchantId": "6", "secretKey": "SECRET123", "merchantUserId": "3333"}}); err != nil {
		t.Fatal(err)
	}
	digest := "4d3f62489dbc19114297581bcfa0d906f84df0cd"
	for i := -1; i < len(digest); i++ {
		d := []byte(digest)
		if i >= 0 {
			d[i] = "123456789abcdef0"[strings.IndexByte("0123456789abcdef", d[i])]
		}
		r := httptest.NewRequest("GET", "/v2/merchant/payment/status/5/1", nil)
		r.Header["Auth"] = []string{"3333:" + string(d) + ":1712345678"}
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		c.sim.ServeHTTP(w, r)
		if want := map[bool]int{true: 200, false: 401}[i < 0]; w.Code != want {
			t.Errorf("digit %d: HTTP %d", i, w.Code)
		}
	}
}

func TestInquiryFindsThePaymentByItsOrder(t *testing.T) {
	c := newCompany(t)
	p := c.bought()
	acc := c.account("3333", pay.Options{})
	p.Meta = nil
	rep, err := acc.Inquire(t.Context(), provider.Question{Op: provider.OpCheckout, Payment: p})
	if err != nil || !rep.Found || rep.Outcome.State != pay.Paid {
		t.Fatalf("%+v %v", rep, err)
	}
	if c.asked("GET /v2/merchant/payment/status_by_mti/73438/inv-1001/2026-01-15") != 1 {
		t.Errorf("%q", c.heard())
	}
	var learned struct{ Paydoc int64 }
	if err := json.Unmarshal(rep.Outcome.Meta, &learned); err != nil || learned.Paydoc == 0 {
		t.Errorf("%s %v", rep.Outcome.Meta, err)
	}
	// And a refund finds it the same way.
	if out, err := acc.Refund(t.Context(), whole(p)); err != nil || out.State != pay.MoveSucceeded {
		t.Errorf("%+v %v", out, err)
	}

	// The day is Tashkent's: a quarter past midnight there is still yesterday in UTC.
	c.book.now = time.Date(2026, 1, 15, 19, 15, 0, 0, time.UTC)
	c.book.invoice("inv-2/б", 100_00)
	ref := c.act(simulator.Action{Kind: "pay", Amount: 100_00, Params: map[string]string{"account": "inv-2/б"}}).Ref
	p = *c.book.payments[ref]
	p.Meta, p.TheirTime = nil, time.Time{}
	if rep, err := acc.Inquire(t.Context(), provider.Question{Op: provider.OpCheckout, Payment: p}); err != nil || rep.Outcome.State != pay.Paid {
		t.Errorf("%+v %v", rep, err)
	}
}

// TestAbsenceIsOnlyMinusSixteen: any other no says nothing about the payment.
func TestAbsenceIsOnlyMinusSixteen(t *testing.T) {
	for _, x := range []struct {
		body   string
		absent bool
	}{
		{`{"error_code":-16,"error_note":"Payment not found"}`, true},
		{`{"error_code":-12,"error_note":"Неверные данные поставщика"}`, false},
		{`{"error_code":-1,"error_note":"SIGN CHECK FAILED"}`, false},
		{`{"error_code":0,"payment_id":null}`, false},
		{`{"error_code":0,"payment_id":""}`, false},
		{`{"error_code":0,"payment_id":0}`, false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, x.body) }))
		acc, err := click.New().Open(provider.Credentials{MerchantID: "m", Values: credentials("3333")}, provider.Env{Now: time.Now, BaseURL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []pay.Payment{{Account: "a"}, {Account: "a", Meta: []byte(`{"paydoc":5}`)}} {
			rep, err := acc.(account).Inquire(t.Context(), provider.Question{Op: provider.OpCheckout, Payment: p})
			if x.absent != (err == nil) || rep.Found {
				t.Errorf("%s: %+v %v", x.body, rep, err)
			}
			// Of a payment that was paid, a reversal is not undone by CLICK forgetting it.
			if rep, err := acc.(account).Inquire(t.Context(), provider.Question{Op: provider.OpRefund, Payment: p}); err == nil {
				t.Errorf("%s: a refund is %+v", x.body, rep)
			}
		}
		server.Close()
	}
}

func TestInquiryOfWhatIsNotPaid(t *testing.T) {
	c := newCompany(t)
	c.book.invoice("inv-1", 100_00)
	acc := c.account("3333", pay.Options{})
	for kind, want := range map[string]pay.State{"prepare": pay.Created, "refuse": pay.Failed} {
		ref := c.act(simulator.Action{Kind: kind, Amount: 100_00, Params: map[string]string{"account": "inv-1"}}).Ref
		rep, err := acc.Inquire(t.Context(), provider.Question{Op: provider.OpCheckout, Payment: *c.book.payments[ref]})
		if err != nil || !rep.Found || rep.Outcome.State != want || rep.Shows {
			t.Errorf("%s: %+v %v", kind, rep, err)
		}
	}
	rep, err := acc.Inquire(t.Context(), provider.Question{Op: provider.OpCheckout, Payment: pay.Payment{Account: "inv-2", CreatedAt: c.book.now}})
	if err != nil || rep.Found {
		t.Errorf("%+v %v", rep, err)
	}
}

// TestRefundOfAPartIsNotShown: a part's return shows nowhere, so nothing may be concluded.
func TestRefundOfAPartIsNotShown(t *testing.T) {
	c := newCompany(t)
	p := c.bought()
	acc := c.account("3333", pay.Options{PartialReversal: true})
	c.world.Faults.Set(simulator.Fault{Step: "payment.partial_reversal", Kind: simulator.LostAfter, Times: 1})
	if _, err := acc.Refund(t.Context(), provider.RefundOrder{Payment: p, Amount: 100}); provider.Harmless(err) || err == nil {
		t.Fatal(err)
	}
	ask := func(p pay.Payment) provider.Report {
		t.Helper()
		rep, err := acc.Inquire(t.Context(), provider.Question{Op: provider.OpRefund, Payment: p, Amount: 100})
		if err != nil {
			t.Fatal(err)
		}
		return rep
	}
	if rep := ask(p); rep.Shows || rep.Outcome.State != pay.Paid {
		t.Errorf("%+v", rep)
	}

	// Nor does a whole reversal that somebody else made say anything of the part.
	c.book.invoice("inv-1", 500)
	ref := c.act(simulator.Action{Kind: "pay", Amount: 500, Params: map[string]string{"account": "inv-1"}}).Ref
	c.act(simulator.Action{Kind: "refund", Ref: ref})
	if rep := ask(*c.book.payments[ref]); rep.Shows || rep.Outcome.State == pay.Refunded {
		t.Errorf("%+v", rep)
	}
}

var twelve = 12

// line is the line of 250 000 a piece, two pieces, 100 000 off.
func line() pay.ReceiptLine {
	return pay.ReceiptLine{
		Qty: 2 * pay.One, Price: 250000, Total: 500000, Discount: 100000, VAT: &twelve,
		MXIK: "06401004002000000", PackageCode: "1506113", Name: "Choy dona", TIN: "123456789",
	}
}

// submitted is the body of the only call of submit_items.
func submitted(t *testing.T, o pay.Options, p pay.Payment, lines []pay.ReceiptLine) (map[string]any, error) {
	t.Helper()
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "POST" || r.URL.Path != "/payment/ofd_data/submit_items" {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"error_code":0,"error_note":"Success"}`)
	}))
	defer server.Close()
	acc, err := click.New().Open(provider.Credentials{MerchantID: "m", Values: credentials("3333"), Options: o}, provider.Env{Now: time.Now, BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := acc.(account).SubmitLines(t.Context(), p, lines); err != nil {
		if len(body) > 0 {
			t.Errorf("refused after it was sent: %v", err)
		}
		return nil, err
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	return m, nil
}

func same(t *testing.T, got any, want string) {
	t.Helper()
	var w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(w)
	if string(a) != string(b) {
		t.Errorf("got  %s\nwant %s", a, b)
	}
}

func TestFiscalScenario12_ClickItems(t *testing.T) {
	body, err := submitted(t, pay.Options{}, pay.Payment{Captured: 400000, Meta: []byte(`{"paydoc":1946296773}`)}, []pay.ReceiptLine{line()})
	if err != nil {
		t.Fatal(err)
	}
	same(t, body, `{"service_id":73438,"payment_id":1946296773,"received_ecash":0,"received_cash":0,"received_card":400000,
		"items":[{"Name":"Choy dona","SPIC":"06401004002000000","PackageCode":"1506113","GoodPrice":250000,"Price":500000,
		"Amount":2,"VAT":42857,"VATPercent":12,"Discount":100000,"CommissionInfo":{"TIN":"123456789"}}]}`)
}

func TestItemsOfWeighedMarkedAndUntaxedGoods(t *testing.T) {
	weighed := pay.ReceiptLine{Qty: 250, Price: 4000000, Total: 1000000, MXIK: "00000000000000001", PackageCode: "0001", Name: "Olma kg"}
	marked := pay.ReceiptLine{Qty: pay.One, Price: 100, Total: 100, MXIK: "00000000000000002", PackageCode: "2", Name: "Suv dona", Mark: []string{"m1"}, PINFL: "12345678901234", Units: 241092, VAT: new(int)}
	body, err := submitted(t, pay.Options{OwnTIN: "987654321"}, pay.Payment{Captured: 1000100, Meta: []byte(`{"paydoc":5}`)}, []pay.ReceiptLine{weighed, marked})
	if err != nil {
		t.Fatal(err)
	}
	same(t, body["items"], `[
		{"Name":"Olma 0.25 kg","SPIC":"00000000000000001","PackageCode":"0001","GoodPrice":1000000,"Price":1000000,"Amount":1,"VAT":0,"VATPercent":0,"CommissionInfo":{"TIN":"987654321"}},
		{"Name":"Suv dona","SPIC":"00000000000000002","PackageCode":"2","GoodPrice":100,"Price":100,"Amount":1,"VAT":0,"VATPercent":0,"Labels":["m1"],"Units":241092,"CommissionInfo":{"PINFL":"12345678901234"}}]`)
}

func TestItemsThatAreNotSent(t *testing.T) {
	nobody := line()
	nobody.TIN = ""
	for name, x := range map[string]struct {
		captured pay.Tiyin
		lines    []pay.ReceiptLine
	}{
		"no lines":            {0, nil},
		"a tiyin too much":    {399999, []pay.ReceiptLine{line()}},
		"before the discount": {500000, []pay.ReceiptLine{line()}},
		"nobody sells":        {400000, []pay.ReceiptLine{nobody}},
	} {
		_, err := submitted(t, pay.Options{}, pay.Payment{Captured: x.captured, Meta: []byte(`{"paydoc":5}`)}, x.lines)
		if e, ok := err.(*provider.Error); !ok || !e.NotSent || e.Message == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScenario30_SubmitItems(t *testing.T) {
	c := newCompany(t)
	p := c.bought()
	acc := c.account("3333", pay.Options{OwnTIN: "123456789"})
	lines := []pay.ReceiptLine{{Qty: pay.One, Price: 5000000, Total: 5000000, VAT: &twelve, MXIK: "06401004002000000", PackageCode: "1506113", Name: "Test dona"}}
	if err := acc.SubmitLines(t.Context(), p, lines); err != nil {
		t.Fatal(err) // CLICK's side refuses items that do not add up to the payment in tiyin
	}
	c.set("receipt_after", "2")
	for i, want := range []bool{false, false, true} {
		r, err := acc.FiscalReceipt(t.Context(), p)
		if err != nil || (r.URL != "") != want {
			t.Fatalf("question %d: %+v %v", i+1, r, err)
		}
		if want {
			if _, err := pay.ParseReceiptLink(r.URL, c.book.now); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestFiscalScenario11_ReceiptLink(t *testing.T) {
	const link = "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=514343190161"
	c := newCompany(t)
	p := c.bought()
	acc := c.account("3333", pay.Options{})
	if err := acc.SendReceipt(t.Context(), p, pay.Receipt{URL: link}); err != nil {
		t.Fatal(err)
	}
	if r, err := acc.FiscalReceipt(t.Context(), p); err != nil || r.URL != link {
		t.Errorf("%+v %v", r, err)
	}
	// CLICK's no is an error of the call, and of nothing else.
	err := acc.SendReceipt(t.Context(), p, pay.Receipt{URL: "https://example.uz/"})
	if e, ok := err.(*provider.Error); !ok || e.Kind != provider.KindInvalid || !strings.HasPrefix(e.Code, "-") {
		t.Errorf("%v", err)
	}
	if got := c.sim.Books()[0].State; got != "paid" {
		t.Error(got)
	}
	// Nor is a receipt known of a payment that CLICK does not have.
	if _, err := acc.FiscalReceipt(t.Context(), pay.Payment{Meta: []byte(`{"paydoc":5}`)}); err == nil {
		t.Error("a receipt of nothing")
	}
	if err := acc.SendReceipt(t.Context(), pay.Payment{Account: "inv-2", CreatedAt: c.book.now}, pay.Receipt{URL: link}); err == nil {
		t.Error("a receipt was sent for nothing")
	}
	// Without merchantUserId nothing is called.
	before := len(c.heard())
	err = c.account("", pay.Options{}).SendReceipt(t.Context(), p, pay.Receipt{URL: link})
	if pay.CodeOf(err) != pay.CodeUnsupported || len(c.heard()) != before {
		t.Errorf("%v", err)
	}
}

// TestScenario21_WhatIsNoMessage: HTTP 200 with -8, no page and no redirect.
func TestScenario21_WhatIsNoMessage(t *testing.T) {
	b := newBook(start)
	acc := newAccount(t, b)
	form := url.Values{"click_trans_id": {"1"}}.Encode()
	for name, x := range map[string]struct{ method, kind, body string }{
		"GET":           {"GET", "", ""},
		"GET with form": {"GET", "application/x-www-form-urlencoded", form},
		"PUT":           {"PUT", "application/x-www-form-urlencoded", form},
		"empty":         {"POST", "application/x-www-form-urlencoded", ""},
		"JSON":          {"POST", "application/json", `{"action":0}`},
		"no type":       {"POST", "", form},
		"multipart":     {"POST", "multipart/form-data; boundary=x", "--x--"},
		"bad escape":    {"POST", "application/x-www-form-urlencoded", "a=%zz"},
		"semicolons":    {"POST", "application/x-www-form-urlencoded", "a=1;b=2"},
	} {
		r := httptest.NewRequest(x.method, "/complete?"+form, strings.NewReader(x.body))
		if x.kind != "" {
			r.Header.Set("Content-Type", x.kind)
		}
		w := httptest.NewRecorder()
		acc.ServeCallback(w, r, b)
		if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || got != `{"error":-8,"error_note":"Error in request from click"}` {
			t.Errorf("%s: %d %s", name, w.Code, got)
		}
	}
	if b.writes > 0 {
		t.Error("something was written")
	}
}
