package uzum_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/provider/uzum/sim"
)

// market is the dialect and Uzum's side of it, face to face.
type market struct {
	t     *testing.T
	clock *clock
	desk  *desk
	sim   simulator.Simulator
	world *simulator.World
	link  string // to pay order O1, 25 000 soum
}

func newMarket(t *testing.T, o pay.Options) *market {
	t.Helper()
	m := &market{t: t, clock: &clock{at: start}}
	m.desk = newDesk(m.clock)
	m.desk.invoice("O1", 2500000, pay.StatusPending)
	m.desk.invoice("17", 2500000, pay.StatusPending)
	a := open(t, o, m.clock)
	m.world = &simulator.World{Now: m.clock.Now, HTTP: http.DefaultClient, Faults: &simulator.Faults{}}
	m.sim = sim.New(m.world)
	err := m.sim.AddAccount(simulator.Account{
		Credentials: credentials, CallbackURL: serve(t, a, m.desk).URL,
		Options: map[string]string{"amountUnit": o.AmountUnit, "uzumAttribute": o.UzumAttribute},
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := a.(provider.Checkouter).Checkout(t.Context(), pay.Invoice{ID: "O1", Amount: 2500000, ReturnURL: "https://shop.uz/r?a=1&b=2"}, pay.Payment{})
	if err != nil {
		t.Fatal(err)
	}
	m.link = l.URL
	return m
}

// act does something at Uzum, whose staff must have nothing to object to.
func (m *market) act(a simulator.Action) simulator.Report {
	m.t.Helper()
	r, err := m.sim.Act(m.t.Context(), a)
	if err != nil {
		m.t.Fatal(a.Kind, err)
	}
	for _, p := range r.Problems {
		m.t.Errorf("%s: %s", a.Kind, p)
	}
	return r
}

// want compares both books on one payment.
func (m *market) want(r simulator.Report, theirs string, ours pay.State) {
	m.t.Helper()
	if r.State != theirs {
		m.t.Errorf("at Uzum the payment is %q, want %q", r.State, theirs)
	}
	p, err := m.desk.Payment(m.t.Context(), r.Ref)
	if err != nil && ours != "" || err == nil && p.State != ours {
		m.t.Errorf("with us it is %q (%v), want %q", p.State, err, ours)
	}
}

func TestSimulatorLife(t *testing.T) {
	for name, o := range map[string]pay.Options{"tiyin": {}, "soum": {AmountUnit: "som", UzumAttribute: "account"}} {
		t.Run(name, func(t *testing.T) {
			m := newMarket(t, o)
			m.act(simulator.Action{Kind: "probe", Link: m.link})
			m.act(simulator.Action{Kind: "check", Link: m.link})
			left := m.act(simulator.Action{Kind: "refuse", Link: m.link})
			m.want(left, "refused", pay.Cancelled)
			r := m.act(simulator.Action{Kind: "pay_twice", Link: m.link, Params: map[string]string{"source": "HUMO"}})
			m.want(r, "paid", pay.Paid)
			if r.Returned != "https://shop.uz/r?a=1&b=2" {
				t.Errorf("the buyer is sent to %q", r.Returned)
			}
			if got := m.desk.payments[r.Ref].Card.PaymentSystem; got != "humo" {
				t.Errorf("paid with %q", got)
			}
			for _, step := range []string{"create", "confirm"} {
				m.act(simulator.Action{Kind: "repeat", Ref: r.Ref, Params: map[string]string{"step": step}})
			}
			m.act(simulator.Action{Kind: "status", Ref: r.Ref})
			m.act(simulator.Action{Kind: "probe", Link: m.link})
			m.want(m.act(simulator.Action{Kind: "refund", Ref: r.Ref}), "refunded", pay.Refunded)
			for _, step := range []string{"create", "confirm", "reverse"} {
				m.act(simulator.Action{Kind: "repeat", Ref: r.Ref, Params: map[string]string{"step": step}})
			}
			m.act(simulator.Action{Kind: "status", Ref: r.Ref})
			books := m.sim.Books()
			if len(books) != 2 || books[1].State != "refunded" || books[1].Amount != 2500000 || books[1].Refunded != 2500000 || books[0].State != "refused" {
				t.Errorf("Uzum's books: %+v", books)
			}
		})
	}
}

func TestSimulatorLateConfirmation(t *testing.T) {
	m := newMarket(t, pay.Options{})
	r := m.act(simulator.Action{Kind: "abandon", Link: m.link})
	m.want(r, "created", pay.Created)
	m.clock.Advance(30*time.Minute + time.Second)
	m.sim.Tick(t.Context())
	m.act(simulator.Action{Kind: "status", Ref: r.Ref})
	m.want(m.act(simulator.Action{Kind: "confirm", Ref: r.Ref}), "refused", pay.Failed)
	m.act(simulator.Action{Kind: "repeat", Ref: r.Ref, Params: map[string]string{"step": "confirm"}})
	m.want(m.act(simulator.Action{Kind: "cancel", Ref: r.Ref}), "refused", pay.Failed)
	m.act(simulator.Action{Kind: "repeat", Ref: r.Ref, Params: map[string]string{"step": "reverse"}})
	m.want(m.act(simulator.Action{Kind: "pay", Link: m.link}), "paid", pay.Paid)
	if m.desk.alarms == 0 {
		t.Error("a buyer was debited for what had lapsed, and nobody is told")
	}
}

// TestSimulatorFaults: whatever the network does, both books end the same, or Uzum knows that
// it does not know.
func TestSimulatorFaults(t *testing.T) {
	for _, c := range []struct {
		step   string
		fault  simulator.Kind
		times  int
		theirs string
		ours   pay.State // "": nothing was written
	}{
		{"check", simulator.LostAfter, 1, "refused", ""},
		{"create", simulator.LostBefore, 1, "refused", ""},
		{"create", simulator.LostAfter, 1, "refused", pay.Created},
		{"create", simulator.HalfBody, 1, "refused", ""},
		{"create", simulator.WrongSignature, 1, "refused", ""},
		{"create", simulator.WrongAmount, 1, "refused", ""},
		{"create", simulator.Twice, 1, "paid", pay.Paid},
		{"create", simulator.ClockSkew, 1, "paid", pay.Paid},
		{"confirm", simulator.Twice, 1, "paid", pay.Paid},
		{"confirm", simulator.Reordered, 1, "paid", pay.Paid},
		{"confirm", simulator.LostAfter, 1, "paid", pay.Paid},
		{"confirm", simulator.LostBefore, 1, "suspended", pay.Created},
		{"confirm", simulator.HalfBody, 1, "suspended", pay.Created},
		{"confirm", simulator.WrongSignature, 1, "suspended", pay.Created},
	} {
		t.Run(c.step+"_"+string(c.fault), func(t *testing.T) {
			m := newMarket(t, pay.Options{})
			m.world.Faults.Set(simulator.Fault{Step: c.step, Kind: c.fault, Times: c.times, Delay: 26 * time.Hour})
			r, err := m.sim.Act(t.Context(), simulator.Action{Kind: "pay", Link: m.link})
			if err != nil || len(r.Problems) > 0 {
				t.Fatalf("%v %q", err, r.Problems)
			}
			if r.Ref == "" && c.ours == "" {
				return // the buyer did not get as far as an attempt
			}
			m.want(r, c.theirs, c.ours)
			if c.theirs == "suspended" {
				again := m.act(simulator.Action{Kind: "repeat", Ref: r.Ref, Params: map[string]string{"step": "confirm"}})
				m.want(again, "paid", pay.Paid)
			}
		})
	}
}

// TestSimulatorLostReverse: the same reverse again is answered with its own code, which tells
// Uzum that the first one arrived.
func TestSimulatorLostReverse(t *testing.T) {
	m := newMarket(t, pay.Options{})
	r := m.act(simulator.Action{Kind: "pay", Link: m.link})
	m.world.Faults.Set(simulator.Fault{Step: "reverse", Kind: simulator.LostAfter, Times: 1})
	m.want(m.act(simulator.Action{Kind: "refund", Ref: r.Ref}), "paid", pay.Refunded)
	m.want(m.act(simulator.Action{Kind: "refund", Ref: r.Ref}), "refunded", pay.Refunded)
}

// TestSimulatorDatabaseDown: what we cannot tell is neither yes nor no for Uzum.
func TestSimulatorDatabaseDown(t *testing.T) {
	m := newMarket(t, pay.Options{})
	r := m.act(simulator.Action{Kind: "abandon", Link: m.link})
	m.desk.down = true
	m.want(m.act(simulator.Action{Kind: "confirm", Ref: r.Ref}), "suspended", "")
	m.desk.down = false
	m.want(m.act(simulator.Action{Kind: "repeat", Ref: r.Ref, Params: map[string]string{"step": "confirm"}}), "paid", pay.Paid)
}

// TestSimulatorInParallel: many buyers of one order; one pays.
func TestSimulatorInParallel(t *testing.T) {
	m := newMarket(t, pay.Options{})
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if _, err := m.sim.Act(t.Context(), simulator.Action{Kind: "pay", Link: m.link}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	paid := 0
	for _, e := range m.sim.Books() {
		if e.State == "paid" {
			paid++
		} else if e.State != "refused" {
			t.Errorf("%s is %s", e.Ref, e.State)
		}
	}
	if paid != 1 {
		t.Errorf("%d buyers have paid for one order", paid)
	}
}

func TestSimulatorReadsWhatBuyersHave(t *testing.T) {
	m := newMarket(t, pay.Options{})
	m.want(m.act(simulator.Action{Kind: "pay", Link: "uzum://pay?order=O1"}), "paid", pay.Paid)
	m.want(m.act(simulator.Action{Kind: "pay", Params: map[string]string{"account": "17", "numeric": "true", "serviceId": "101202"}}), "paid", pay.Paid)
	for name, a := range map[string]simulator.Action{
		"unknown action":  {Kind: "steal"},
		"unknown service": {Kind: "pay", Link: "https://x/open-service?serviceId=7&order_id=O1&amount=1"},
		"no service":      {Kind: "pay", Link: "https://x/open-service?order_id=O1&amount=1"},
		"no order":        {Kind: "pay", Link: "https://x/open-service?serviceId=101202&amount=1"},
		"broken amount":   {Kind: "pay", Link: "https://x/open-service?serviceId=101202&order_id=O1&amount=1.5"},
		"not a number":    {Kind: "pay", Params: map[string]string{"account": "O1", "numeric": "true"}},
		"no transaction":  {Kind: "refund", Ref: "T404"},
		"nothing sent":    {Kind: "repeat", Ref: m.sim.Books()[0].Ref, Params: map[string]string{"step": "reverse"}},
		"refund unpaid":   {Kind: "cancel", Ref: m.sim.Books()[0].Ref},
	} {
		if r, err := m.sim.Act(t.Context(), a); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestSimulatorPage walks the page as a browser does.
func TestSimulatorPage(t *testing.T) {
	m := newMarket(t, pay.Options{})
	server := httptest.NewServer(m.sim)
	defer server.Close()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	address := server.URL + "/open-service" + m.link[strings.IndexByte(m.link, '?'):]

	res, err := browser.Get(address)
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	res.Body.Close()
	for do, want := range map[string]int{"steal": 400, "": 400} {
		res, err := browser.PostForm(address, url.Values{"do": {do}})
		if err != nil || res.StatusCode != want {
			t.Errorf("do=%q: %v %v", do, res.Status, err)
		}
		res.Body.Close()
	}
	res, err = browser.PostForm(address, url.Values{"do": {"pay"}})
	if err != nil || res.StatusCode != 303 || res.Header.Get("Location") != "https://shop.uz/r?a=1&b=2" {
		t.Fatal(res, err)
	}
	res.Body.Close()
	if m.desk.invoices["O1"].Status != pay.StatusPaid {
		t.Error("the page said that it was paid")
	}
	res, err = browser.Get(server.URL + "/open-service?serviceId=8")
	if err != nil || res.StatusCode != 404 {
		t.Error(res, err)
	}
	res.Body.Close()
}
