package till_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/till"
	"github.com/chorsu/chorsu/internal/till/journal"
)

// What a wallet's company says, and what a person has said: which of them counts, and when.

// between lets a test look at, hold or replace what leaves the agent.
func between(f func(r *http.Request, next http.RoundTripper) (*http.Response, error)) func(*till.Options) {
	return func(o *till.Options) {
		next := o.HTTP.Transport
		o.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) { return f(r, next) })}
	}
}

func (s *shop) fault(company, step string, kind simulator.Kind) {
	s.t.Helper()
	_, world, ok := s.box.Simulator(company)
	if !ok {
		s.t.Fatalf("there is no %s", company)
	}
	world.Faults.Set(simulator.Fault{Step: step, Kind: kind, Times: 1})
}

// FastPay is asked by sending the order again, which may charge the buyer. While other companies
// hang, the list that the agent works through grows old: what a person has voided meanwhile, and
// taken cash for, is not sent any more.
func TestVoidedIsNotCharged(t *testing.T) {
	asked, hangs := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := newShop(t, between(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "/status_by_mti/") {
			once.Do(func() { close(asked); <-hangs })
		}
		return next.RoundTrip(r)
	}))
	s.post("/payment/click", `{"amount":50000,"qr_code":"880101698207133396"}`)
	s.fault("uzum", "fastpay.payment", simulator.LostBefore)
	lost := s.post("/payment/uzum", `{"amount":60000,"qr_code":"`+fastCode("1")+`"}`)
	id := strings.TrimPrefix(lost.code(), "unresolved:")
	done := make(chan struct{})
	go func() { s.agent.Tick(t.Context()); close(done) }()
	<-asked
	if a := s.post("/payment/operations/"+id+"/resolve", `{"decision":"void","name":"Dilnoza"}`); a.Data["state"] != "declined" {
		t.Error(a.raw)
	}
	close(hangs)
	<-done
	s.agent.Tick(t.Context())
	if n, sum := s.charged("uzum"); n != 0 || s.operation(id)["state"] != "declined" {
		t.Errorf("voided by a person, and then charged: %d payments of %d at Uzum", n, sum)
	}
	if n := s.tap.count("/v2/payment"); n != 1 {
		t.Errorf("the order was sent %d times", n)
	}
}

// A person who decides while FastPay is asked waits for the answer, which may be that the buyer was
// charged just now.
func TestDecidingWaitsForTheAnswer(t *testing.T) {
	var s *shop
	orders, decided := 0, make(chan answer, 1)
	s = newShop(t, between(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/v2/payment") {
			if orders++; orders == 2 {
				id := s.last().ID
				go func() {
					decided <- s.post("/payment/operations/"+id+"/resolve", `{"decision":"void","name":"Dilnoza"}`)
				}()
			}
		}
		return next.RoundTrip(r)
	}))
	s.fault("uzum", "fastpay.payment", simulator.LostBefore)
	s.post("/payment/uzum", `{"amount":60000,"qr_code":"`+fastCode("1")+`"}`)
	s.agent.Tick(t.Context())
	a := <-decided
	if op := s.last(); a.Success || op.State != journal.Approved || op.Code != "" {
		t.Errorf("%s; %s %s", a.raw, op.State, op.Code)
	}
}

// Where Uzum looks at a code before the order's number, the repeat of an order that is paid is
// refused for its code. That is no word about the first one.
func TestRefusedRepeatSaysNothing(t *testing.T) {
	var asked []string
	s := newShop(t, func(o *till.Options) { o.HTTP = &http.Client{Transport: bodies{o.HTTP.Transport, &asked}} })
	s.act("uzum", simulator.Action{Kind: "set", Params: map[string]string{"code_first": "true"}})
	made := s.act("uzum", simulator.Action{Kind: "code"})
	s.fault("uzum", "fastpay.payment", simulator.LostAfter)
	body := `{"amount":60000,"qr_code":"` + made.Ref + `"}`
	a := s.post("/payment/uzum", body)
	s.clock.advance(time.Hour) // the code has run out
	s.agent.Tick(t.Context())
	again := s.post("/payment/uzum", body)
	if op := s.last(); op.State != journal.Unknown || again.raw != a.raw {
		t.Errorf("paid at Uzum, and %s (%s %s) here: %s", op.State, op.Code, op.Message, again.raw)
	}
	if n, _ := s.charged("uzum"); n != 1 {
		t.Errorf("%d charges", n)
	}
	if len(asked) != 3 || asked[0] != asked[1] || !strings.Contains(asked[0], `"cashbox_code":"00000001"`) {
		t.Errorf("not the same order: %q", asked)
	}
}

// A clock that was set forward right after the send does not make "no such payment" final: the
// charge may still be on its way.
func TestClockThatJumpedForAWallet(t *testing.T) {
	s := newShop(t)
	s.fault("click", "click_pass.payment", simulator.LostBefore)
	s.post("/payment/click", `{"amount":50000,"qr_code":"`+clickCode+`"}`)
	s.clock.advance(15 * time.Minute)
	s.state(journal.Unknown, "at the first question after the clock was set")
	s.clock.advance(9 * time.Minute)
	s.state(journal.Unknown, "9 minutes later")
	s.restart()
	s.state(journal.Unknown, "after a restart")
	s.clock.advance(11 * time.Minute)
	s.state(journal.Declined, "11 minutes after that")
}

// A sale that began before midnight and that CLICK has booked after it is found.
func TestSaleAtMidnight(t *testing.T) {
	var s *shop
	s = newShop(t, between(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "click_pass/payment") {
			s.clock.advance(10 * time.Second)
		}
		return next.RoundTrip(r)
	}))
	s.clock.advance(time.Date(2026, 11, 21, 18, 59, 55, 0, time.UTC).Sub(s.clock.now())) // 23:59:55 in Tashkent
	s.post("/payment/click", `{"amount":50000,"qr_code":"880101698207133396"}`)
	s.clock.advance(11 * time.Minute)
	s.state(journal.Approved, "after midnight")
}

// Trouble in the box, or above it, is no word that a refund was not made: nobody refunds it again
// before a person has looked.
func TestRefundThatMayBeMade(t *testing.T) {
	s := newShop(t)
	s.post("/payment/one_qr/create", `{"external_id":"1","amount":"200.00"}`)
	s.paysQR("1")
	s.agent.Tick(t.Context())
	payID := s.last().RRN
	body := `{"pay_id":"` + payID + `","amount":"40.98"}` // made, and answered 9001
	a := s.post("/payment/one_qr/refund", body)
	b := s.post("/payment/one_qr/refund", body)
	sim, _, _ := s.box.Simulator("fbox")
	if back := sim.Books()[0].Refunded; !strings.HasPrefix(a.code(), "unresolved:") || b.raw != a.raw || back != 4098 {
		t.Errorf("%s\n%s\n%d tiyin given back", a.raw, b.raw, back)
	}
	s.post("/payment/operations/"+strings.TrimPrefix(a.code(), "unresolved:")+"/resolve", `{"decision":"approve","name":"Dilnoza"}`)
	// What the box itself refuses was not sent up.
	if c := s.post("/payment/one_qr/refund", `{"pay_id":"`+payID+`","amount":"900.00"}`); c.Error == nil || c.Error.Code != 2001 || s.last().State != journal.Declined {
		t.Errorf("%s, %s", c.raw, s.last().State)
	}
}

// The box says that a QR was paid which the till has cancelled: a person looks.
func TestPaidAfterItWasCancelled(t *testing.T) {
	paid := ""
	s := newShop(t, between(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if paid != "" && strings.HasSuffix(r.URL.Path, "/one_qr/status") {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(paid)), Request: r}, nil
		}
		return next.RoundTrip(r)
	}))
	made := s.post("/payment/one_qr/create", `{"external_id":"1","amount":"200.00"}`)
	invoice := made.Data["invoice_id"].(string)
	s.post("/payment/one_qr/cancel", `{"invoice_id":"`+invoice+`"}`)
	paid = `{"data":{"status":2,"pay_id":"900001","payer_phone":"+998946532140","card_type":"2","card_no":"860014******3145"},"error":null,"is_success":true}`
	s.get("/payment/one_qr/status?invoice_id=" + invoice)
	if op := s.last(); op.State != journal.Declined || op.Code != "contradicted" || op.RRN != "900001" {
		t.Errorf("%s %s, %q: %s", op.State, op.Code, op.RRN, op.Message)
	}
}

// Two desks on one box both count their orders from 1. What one has sold the other has not.
func TestTwoDesksOnOneBox(t *testing.T) {
	a := newShop(t)
	b := newShop(t, func(o *till.Options) { o.Config.Scan2pay = &till.Service{URL: a.boxAt + "/scan2pay"} })
	a.post("/payment/qr_pay", `{"amount":50000,"order_id":"1"}`)
	a.paysQR("1")
	if paid := a.post("/payment/qr_pay/status", `{"order_id":"1"}`); !paid.Success {
		t.Error(paid.raw)
	}
	shown := b.post("/payment/qr_pay", `{"amount":50000,"order_id":"1"}`)
	if not := b.post("/payment/qr_pay/status", `{"order_id":"1"}`); not.Success || !shown.Success {
		t.Errorf("nobody has paid here: %s\n%s", shown.raw, not.raw)
	}
}

// viaMulticard is Multicard in place of the shop's own wallets.
func (s *shop) viaMulticard() till.Wallets {
	return till.Wallets{"via_multicard": {
		"url": s.boxAt + "/multicard", "applicationId": "rhmt_test", "secret": "Pw18axeBFo8V7NamKHXX", "storeId": "a1df872e-d5aa-11ee-8de8-005056b4367d",
	}}
}

// A payment belongs to the company that was asked for it. Another one that stands behind the endpoint
// now, or none, has no word about it, and is not given the receipt of it.
func TestAnotherCompanyHasNoWord(t *testing.T) {
	s := newShop(t)
	paid := s.post("/payment/click", `{"amount":500,"qr_code":"`+clickCode+`","operation_id":"paid"}`)
	s.fault("click", "ofd_data.submit_qrcode", simulator.Error500)
	s.post("/payment/click_confirm", `{"payment_id":"`+paid.Data["payment_id"].(string)+`","qr_code":"`+link+`"}`)
	s.post("/payment/click", `{"amount":500,"qr_code":"880101698207133396","operation_id":"lost"}`)
	own := s.options.Config.Wallets
	for name, wallets := range map[string]till.Wallets{"another company": s.viaMulticard(), "none": {}} {
		s.options.Config.Wallets = wallets
		s.restart()
		sent := len(s.tap.all())
		for range 3 {
			s.clock.advance(time.Hour)
			s.agent.Tick(t.Context())
		}
		if op := s.operation("lost"); op["state"] != "unknown" {
			t.Errorf("%s: %v %v", name, op["state"], op["message"])
		}
		if op := s.operation("paid"); op["receipt_state"] != "queued" || op["receipt_error"] != "the company that took the money is not set up" {
			t.Errorf("%s: the link is %v, %v", name, op["receipt_state"], op["receipt_error"])
		}
		if sent := s.tap.all()[sent:]; len(sent) > 0 {
			t.Errorf("%s was asked: %q", name, sent)
		}
	}
	s.options.Config.Wallets = own
	s.restart()
	s.clock.advance(time.Hour)
	s.agent.Tick(t.Context())
	if lost, paid := s.operation("lost"), s.operation("paid"); lost["state"] != "approved" || paid["receipt_state"] != "delivered" {
		t.Errorf("with Click again: %v, and the link %v", lost["state"], paid["receipt_state"])
	}
}
