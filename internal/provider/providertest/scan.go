package providertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// Wallet says how the conformance suite has a buyer show a code. The simulator's action "code"
// makes one.
type Wallet struct {
	Step string // the simulator's step that takes the money

	// Repeats: what became of a charge is asked by making it again under the same ids, so one that
	// never arrived is paid then.
	Repeats bool
}

// ConformWallet runs a provider that charges scanned codes through what every such provider must
// bear, on both engines: paid once however often it is asked, and no answer that is lost costs the
// buyer twice or the shop at all.
func ConformWallet(t *testing.T, s Setup, w Wallet) {
	if _, ok := s.Provider.Info().Account.(provider.QRCharger); !ok {
		t.Fatalf("%s charges no codes", s.Provider.Info().Name)
	}
	for _, c := range []struct {
		name string
		run  func(*scans)
	}{
		{"paid once and told once", (*scans).pays},
		{"the same request again", (*scans).repeats},
		{"16 requests at once", (*scans).races},
		{"declined, then paid by another code", (*scans).declined},
		{"a code that was used", (*scans).used},
		{"turned away at the door", (*scans).turnedAway},
		{"under way, then paid", (*scans).underWay},
		{"the order was lost", (*scans).lostBefore},
		{"the answer was lost", (*scans).lostAfter},
		{"half of the answer came", (*scans).halfAnswer},
		{"done and answered 500", (*scans).error500},
		{"the company is down while it is asked", (*scans).deaf},
		{"the process dies with the answer in its hand", (*scans).dies},
		{"what does not belong to a code", (*scans).foreign},
		{"returned", (*scans).returned},
		{"the return's answer was lost", (*scans).returnLost},
		{"the receipt's link", (*scans).receipt},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			Each(t, s, func(t *testing.T, b *Bench) {
				c.run(&scans{suite: &suite{Bench: b, t: t}, w: w})
			})
		})
	}
}

type scans struct {
	*suite
	w Wallet
}

// code is what a buyer's telephone shows.
func (s *scans) code(plan simulator.Plan) string {
	s.t.Helper()
	rep, err := s.Sim.Act(s.t.Context(), simulator.Action{Kind: "code", Params: map[string]string{"plan": string(plan)}})
	if err != nil {
		s.t.Fatal(err)
	}
	return rep.Ref
}

func (s *scans) pay(invoice, code string) Answer {
	s.t.Helper()
	return s.API(http.MethodPost, "/api/invoices/"+invoice+"/pay", map[string]any{"method": "qr", "code": code})
}

// charged is how often, and how much, the company's books say that a buyer was charged.
func (s *scans) charged(times int) {
	s.t.Helper()
	n, sum := 0, int64(0)
	for _, e := range s.Sim.Books() {
		if e.State == "paid" || e.State == "refunded" || e.State == "suspended" {
			n, sum = n+1, sum+e.Amount
		}
	}
	if n != times || sum != int64(times)*amount {
		s.t.Errorf("the company charged %d times, %d tiyin, and should %d times: %+v", n, sum, times, s.Sim.Books())
	}
}

// paid wants an invoice paid, once, and nothing left of the code.
func (s *scans) paid(invoice string) pay.Payment {
	s.t.Helper()
	s.is(invoice, "paid", "paid")
	s.charged(1)
	return s.settledPayment(invoice)
}

// last is the newest payment: before it there may be a page that was taken back.
func (s *scans) last(invoice string) pay.Payment {
	s.t.Helper()
	all := s.Payments(invoice)
	return all[len(all)-1]
}

func (s *scans) settledPayment(invoice string) pay.Payment {
	s.t.Helper()
	p := s.last(invoice)
	if p.Card.Token != "" || p.Asked != "" {
		s.t.Errorf("the code is kept after the payment is settled: %+v", p)
	}
	return p
}

// until lets time pass, and the gateway ask, until the invoice's last payment is settled.
func (s *scans) until(invoice string, want pay.State) {
	s.t.Helper()
	for begun := s.Now(); s.Now().Sub(begun) < 25*time.Minute; s.Advance(20 * time.Second) {
		s.Settle()
		if p := s.last(invoice); p.State != pay.Unknown && p.State != pay.Created {
			if p.State != want {
				s.t.Fatalf("the payment is %s (%s), want %s", p.State, p.Reason, want)
			}
			return
		}
	}
	s.t.Fatalf("nobody ever knew what became of the payment: %+v", s.Payments(invoice))
}

// open wants an outcome to be unknown, and nothing else possible meanwhile.
func (s *scans) open(invoice string, a Answer) {
	s.t.Helper()
	if a.Status != http.StatusOK || a.Field("status") != "pending" || a.Field("attention") != "unknown_outcome" {
		s.t.Fatalf("a lost answer: %d %s", a.Status, a.Body)
	}
	p := s.last(invoice)
	if p.State != pay.Unknown || p.Card.Token == "" || strings.Contains(p.Card.Token, "88") && len(p.Card.Token) < 64 {
		s.t.Errorf("while it is unknown: %+v", p)
	}
	for path, body := range map[string]any{"/pay": map[string]any{"method": "qr", "code": s.code(simulator.PlanPay)}, "/cancel": map[string]any{}} {
		if again := s.API(http.MethodPost, "/api/invoices/"+invoice+path, body); again.Status != http.StatusConflict {
			s.t.Errorf("%s while the outcome is unknown: %d %s", path, again.Status, again.Body)
		}
	}
}

func (s *scans) fault(kind simulator.Kind, times int) {
	s.World.Faults.Set(simulator.Fault{Step: s.w.Step, Kind: kind, Times: times})
}

func (s *scans) pays() {
	invoice := s.Invoice(amount, nil)
	if url := s.InvoiceField(invoice, "checkoutUrl"); s.setup.Provider.Info().InStore && url != nil {
		s.t.Errorf("a till's invoice has a page: %v", url)
	}
	code := s.code(simulator.PlanPay)
	if a := s.pay(invoice, code); a.Status != http.StatusOK || a.Field("status") != "paid" || a.Field("next") != nil {
		s.t.Fatalf("%d %s", a.Status, a.Body)
	}
	p := s.paid(invoice)
	if p.Ref == "" || p.Way != pay.WayQR || p.Captured != amount {
		s.t.Errorf("%+v", p)
	}
	s.API(http.MethodGet, "/api/invoices/"+invoice+"/timeline", nil) // what was said is written down by now
	if s.Row("SELECT COUNT(*) FROM messages") == "0" {
		s.t.Error("nothing of what was said was kept")
	}
	for _, table := range []string{"messages", "changes", "events"} {
		column := map[string]string{"messages": "request || response", "changes": "note", "events": "body"}[table]
		if n := s.Row("SELECT COUNT(*) FROM " + table + " WHERE " + column + " LIKE '%" + code + "%'"); n != "0" {
			s.t.Errorf("the buyer's code stands in %s", table)
		}
	}
	a := s.API(http.MethodGet, "/api/merchants/by-business/app/biz-1/providers", nil)
	if s.setup.Provider.Info().InStore && strings.Contains(string(a.Body), s.setup.Provider.Info().Name) {
		s.t.Errorf("a buyer on the web is offered a till's provider: %s", a.Body)
	}
}

func (s *scans) repeats() {
	invoice := s.Invoice(amount, nil)
	body := map[string]any{"method": "qr", "code": s.code(simulator.PlanPay)}
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	keyed := http.Header{"X-Api-Key": {apiKey}, "Content-Type": {"application/json"}, "Idempotency-Key": {"slip-340"}}
	for i := range 3 {
		a := s.Do(http.MethodPost, s.URL+"/api/invoices/"+invoice+"/pay", keyed, text)
		if a.Status != http.StatusOK || a.Field("status") != "paid" || (a.Header.Get("Idempotent-Replayed") == "true") != (i > 0) {
			s.t.Fatalf("the same request, %d: %d %s", i, a.Status, a.Body)
		}
	}
	again := s.API(http.MethodPost, "/api/invoices/"+invoice+"/pay", body)
	if again.Status != http.StatusConflict {
		s.t.Errorf("a second charge of a paid invoice: %d %s", again.Status, again.Body)
	}
	s.paid(invoice)
}

func (s *scans) races() {
	invoice, code := s.Invoice(amount, nil), s.code(simulator.PlanPay)
	answers := make([]Answer, 16)
	s.Race(len(answers), func(i int) { answers[i] = s.pay(invoice, code) })
	paid := 0
	for _, a := range answers {
		switch {
		case a.Status == http.StatusOK && a.Field("status") == "paid":
			paid++
		case a.Status != http.StatusConflict:
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
	}
	if paid != 1 {
		s.t.Errorf("%d of 16 requests were answered paid", paid)
	}
	s.paid(invoice)
}

// no wants a refusal that leaves the invoice as it was.
func (s *scans) no(plan simulator.Plan) (invoice string) {
	s.t.Helper()
	invoice = s.Invoice(amount, nil)
	a := s.pay(invoice, s.code(plan))
	if a.Status != http.StatusOK || a.Field("status") != "pending" || a.Field("failure") == nil || a.Field("attention") != nil {
		s.t.Fatalf("%s: %d %s", plan, a.Status, a.Body)
	}
	s.is(invoice, "pending")
	s.charged(0)
	s.settledPayment(invoice)
	return invoice
}

func (s *scans) declined() {
	s.no(simulator.PlanNoFunds)
	invoice := s.no(simulator.PlanDecline)
	s.pay(invoice, s.code(simulator.PlanPay))
	s.paid(invoice)
}

func (s *scans) used() {
	s.no(simulator.PlanExpired)
	first, code := s.Invoice(amount, nil), s.code(simulator.PlanPay)
	s.pay(first, code)
	s.paid(first)
	second := s.Invoice(amount, nil)
	if a := s.pay(second, code); a.Field("status") != "pending" {
		s.t.Errorf("one code paid twice: %s", a.Body)
	}
	s.paid(first)
}

func (s *scans) turnedAway() {
	invoice := s.Invoice(amount, nil)
	a := s.pay(invoice, s.code(simulator.PlanUnreachable))
	if a.Status != http.StatusBadGateway && (a.Status != http.StatusOK || a.Field("failure") == nil) {
		s.t.Fatalf("%d %s", a.Status, a.Body)
	}
	s.is(invoice, "pending")
	s.charged(0)
	s.settledPayment(invoice)
	s.pay(invoice, s.code(simulator.PlanPay))
	s.paid(invoice)
}

func (s *scans) underWay() {
	invoice := s.Invoice(amount, nil)
	a := s.pay(invoice, s.code(simulator.PlanProcessing))
	if a.Field("status") == "paid" {
		s.t.Fatalf("paid before the company said so: %s", a.Body)
	}
	s.until(invoice, pay.Paid)
	s.paid(invoice)
}

func (s *scans) lostBefore() {
	invoice := s.Invoice(amount, nil)
	s.fault(simulator.LostBefore, 1)
	s.open(invoice, s.pay(invoice, s.code(simulator.PlanPay)))
	if s.w.Repeats {
		s.until(invoice, pay.Paid)
		s.paid(invoice)
		return
	}
	s.until(invoice, pay.Failed)
	s.is(invoice, "pending")
	s.charged(0)
	s.settledPayment(invoice)
	s.pay(invoice, s.code(simulator.PlanPay))
	s.paid(invoice)
}

func (s *scans) lost(kind simulator.Kind) {
	s.t.Helper()
	invoice := s.Invoice(amount, nil)
	s.fault(kind, 1)
	a := s.pay(invoice, s.code(simulator.PlanPay))
	if a.Field("status") == "paid" { // the adapter has asked within the call already
		s.paid(invoice)
		return
	}
	s.open(invoice, a)
	s.until(invoice, pay.Paid)
	s.paid(invoice)
}

func (s *scans) lostAfter()  { s.lost(simulator.LostAfter) }
func (s *scans) halfAnswer() { s.lost(simulator.HalfBody) }
func (s *scans) error500()   { s.lost(simulator.Error500After) }

// deaf: the answer is lost, and for a while every question too.
func (s *scans) deaf() {
	invoice := s.Invoice(amount, nil)
	code := s.code(simulator.PlanPay)
	s.fault(simulator.LostAfter, 1)
	for _, step := range s.Sim.Info().Steps {
		if step != s.w.Step && strings.ContainsAny(step, "si") { // whatever it is asked by
			s.World.Faults.Set(simulator.Fault{Step: step, Kind: simulator.LostBefore})
		}
	}
	a := s.pay(invoice, code)
	if a.Status == http.StatusBadGateway { // it stopped before the money call: nothing happened
		s.charged(0)
		return
	}
	if a.Field("status") == "paid" {
		s.t.Fatalf("paid, and nobody said so: %s", a.Body)
	}
	s.Advance(time.Minute)
	s.Settle()
	for _, step := range s.Sim.Info().Steps {
		s.World.Faults.Clear(step)
	}
	if p := s.last(invoice); p.State == pay.Failed { // what was begun before the money call was given up
		s.charged(0)
		return
	}
	s.until(invoice, pay.Paid)
	s.paid(invoice)
}

// dies: the money is taken, and nothing of the answer can be written down.
func (s *scans) dies() {
	invoice, code := s.Invoice(amount, nil), s.code(simulator.PlanPay)
	s.World.Faults.Set(simulator.Fault{Step: s.w.Step, Kind: simulator.Late, Times: 1, Delay: 3 * time.Second})
	answered := make(chan Answer, 1)
	go func() { answered <- s.pay(invoice, code) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(s.World.Faults.List()) > 0 { // until the company has the call
		<-tick.C
	}
	s.FailStore(true)
	a := <-answered
	s.FailStore(false)
	if a.Status != http.StatusInternalServerError {
		s.t.Fatalf("what was not written down was answered: %d %s", a.Status, a.Body)
	}
	if p := s.last(invoice); p.State != pay.Created || p.Asked != pay.AskedCharge {
		s.t.Fatalf("%+v", p)
	}
	if again := s.pay(invoice, s.code(simulator.PlanPay)); again.Status != http.StatusConflict {
		s.t.Errorf("another charge meanwhile: %d %s", again.Status, again.Body)
	}
	s.Advance(31 * time.Second)
	s.until(invoice, pay.Paid)
	s.paid(invoice)
}

func (s *scans) foreign() {
	invoice := s.Invoice(amount, nil)
	a := s.API(http.MethodPost, "/api/invoices/"+invoice+"/pay", map[string]any{"method": "qr", "code": s.code(simulator.PlanPay), "cardId": invoice})
	if a.Status != http.StatusBadRequest {
		s.t.Errorf("a card with a code: %d %s", a.Status, a.Body)
	}
	held := s.API(http.MethodPost, "/api/invoices", s.InvoiceRequest(amount, map[string]any{"capture": "manual"}))
	if held.Status == http.StatusCreated {
		id, _ := held.Field("id").(string)
		held = s.pay(id, s.code(simulator.PlanPay))
	}
	if held.Status != http.StatusUnprocessableEntity {
		s.t.Errorf("a hold by a code: %d %s", held.Status, held.Body)
	}
	s.charged(0)
}

// refunds says whether the provider returns money through its API.
func (s *scans) refunds() bool {
	_, ok := s.setup.Provider.Info().Account.(provider.Refunder)
	return ok
}

func (s *scans) refund(invoice string) Answer {
	s.t.Helper()
	return s.API(http.MethodPost, "/api/refunds", map[string]any{"invoiceId": invoice})
}

func (s *scans) returned() {
	invoice := s.Invoice(amount, nil)
	s.pay(invoice, s.code(simulator.PlanPay))
	a := s.refund(invoice)
	if !s.refunds() {
		if a.Status != http.StatusUnprocessableEntity {
			s.t.Errorf("a return where there is none: %d %s", a.Status, a.Body)
		}
		s.paid(invoice)
		return
	}
	if a.Status != http.StatusCreated || a.Field("status") == "failed" {
		s.t.Fatalf("%d %s", a.Status, a.Body)
	}
	s.afterReturn(invoice)
}

func (s *scans) afterReturn(invoice string) {
	s.t.Helper()
	for range 60 {
		if s.Settle(); s.Status(invoice) == "refunded" {
			break
		}
		s.Advance(20 * time.Second)
	}
	s.is(invoice, "refunded", "paid", "refunded")
	back := int64(0)
	for _, e := range s.Sim.Books() {
		back += e.Refunded
	}
	if back != amount {
		s.t.Errorf("the company returned %d tiyin of %d", back, amount)
	}
}

func (s *scans) returnLost() {
	if !s.refunds() {
		return // its answer is tested above
	}
	invoice := s.Invoice(amount, nil)
	s.pay(invoice, s.code(simulator.PlanPay))
	s.paid(invoice)
	for _, step := range s.Sim.Info().Steps {
		for _, word := range []string{"reversal", "refund", "cancel"} {
			if strings.HasSuffix(step, word) {
				s.World.Faults.Set(simulator.Fault{Step: step, Kind: simulator.LostAfter, Times: 1})
			}
		}
	}
	if a := s.refund(invoice); a.Status != http.StatusCreated || a.Field("status") != "pending" {
		s.t.Fatalf("a return whose answer was lost: %d %s", a.Status, a.Body)
	}
	s.afterReturn(invoice)
}

func (s *scans) receipt() {
	invoice := s.Invoice(amount, nil)
	send := func(url string) Answer {
		return s.API(http.MethodPost, "/api/invoices/"+invoice+"/receipt", map[string]any{"url": url})
	}
	const link = "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20261121140000&s=514343190161"
	if a := send(link); a.Status != http.StatusConflict {
		s.t.Errorf("a receipt of what is not paid: %d %s", a.Status, a.Body)
	}
	s.pay(invoice, s.code(simulator.PlanPay))
	s.paid(invoice)
	_, takes := s.setup.Provider.Info().Account.(provider.ReceiptSender)
	if takes { // the company is away at first: the queue behind it does not forget
		for _, step := range s.Sim.Info().Steps {
			for _, word := range []string{"qrcode", "fiscal"} {
				if strings.Contains(step, word) {
					s.World.Faults.Set(simulator.Fault{Step: step, Kind: simulator.LostBefore, Times: 2})
				}
			}
		}
	}
	if a := send(link); a.Status != http.StatusOK || a.Field("receiptUrl") != link {
		s.t.Errorf("%d %s", a.Status, a.Body)
	}
	s.Settle()
	for range 5 {
		s.Advance(time.Minute)
		s.Settle()
	}
	want := any(nil)
	if takes {
		want = "done"
	}
	if got := s.InvoiceField(invoice, "fiscalStatus"); got != want {
		s.t.Errorf("the receipt is %v, want %v; %s", got, want, fmt.Sprint(s.Alarms(invoice)))
	}
	s.paid(invoice)
}
