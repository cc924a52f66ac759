package paysys_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/paysys"
	"github.com/chorsu/chorsu/internal/provider/paysys/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The scenarios of the protocol's reference, section 9, by their numbers, through the API, on
// both databases. Scenarios 1, 2 and 15 are also played on the wire, in testdata.

var setup = providertest.Setup{
	Provider: paysys.New(), Simulator: sim.New, CardData: true,
	Credentials: map[string]string{"serviceId": "svc1", "secretKey": "test_secret", "vendorId": "100381"},
}

// The cards of the reference.
const (
	good    = "8601312960622192"
	poor    = "8600000000000007"
	blocked = "8600000000000015"
	noSMS   = "8600000000000023"
	cut     = "8600000000000031"
	broken  = "8600000000000049"
	humo    = "9860000000000000"

	amount = 100000
	code   = "253890"
	phone  = "998907702150"
)

// shop is an app on a bench.
type shop struct {
	*providertest.Bench
	t *testing.T
}

func each(t *testing.T, f func(s shop)) {
	providertest.Each(t, setup, func(t *testing.T, b *providertest.Bench) { f(shop{b, t}) })
}

func (s shop) pay(invoice, number string) providertest.Answer {
	s.t.Helper()
	return s.API(http.MethodPost, "/api/invoices/"+invoice+"/pay", map[string]any{
		"method": "card", "card": map[string]any{"number": number, "expiry": "2702"}, "phone": phone,
	})
}

func (s shop) confirm(invoice, code string) providertest.Answer {
	s.t.Helper()
	return s.API(http.MethodPost, "/api/invoices/"+invoice+"/confirm", map[string]any{"otp": code})
}

func (s shop) post(path string, body any) providertest.Answer {
	s.t.Helper()
	return s.API(http.MethodPost, path, body)
}

// begun makes an invoice, and has a code sent for it.
func (s shop) begun(number string, more map[string]any) string {
	s.t.Helper()
	invoice := s.Invoice(amount, more)
	a := s.pay(invoice, number)
	if a.Status != 200 || a.Field("next") != "otp" || a.Field("status") != "pending" {
		s.t.Fatalf("no code was sent: %d %s", a.Status, a.Body)
	}
	return invoice
}

func (s shop) is(invoice string, status pay.Status, state pay.State, told ...string) pay.Payment {
	s.t.Helper()
	s.Settle()
	if got := s.Status(invoice); got != string(status) {
		s.t.Errorf("the invoice is %s, want %s", got, status)
	}
	all := s.Payments(invoice)
	p := all[len(all)-1]
	if p.State != state {
		s.t.Errorf("the payment is %s (%s), want %s", p.State, p.Reason, state)
	}
	var got []string
	for _, w := range s.Webhooks(invoice) {
		got = append(got, fmt.Sprint(w.JSON["status"]))
	}
	if strings.Join(got, " ") != strings.Join(told, " ") {
		s.t.Errorf("the app was told %q, want %q", got, told)
	}
	return p
}

func (s shop) received(method string) int {
	return s.Sim.(interface{ Received(string) int }).Received(method)
}

func (s shop) fault(step string, k simulator.Kind, times int) {
	s.World.Faults.Set(simulator.Fault{Step: step, Kind: k, Times: times})
}

func reason(a providertest.Answer) string { r, _ := a.Field("reason").(string); return r }

func failure(a providertest.Answer) string {
	f, _ := a.Field("failure").(map[string]any)
	r, _ := f["reason"].(string)
	return r
}

// bound binds a card and confirms it.
func (s shop) bound(number string) string {
	s.t.Helper()
	a := s.post("/api/cards", map[string]any{"source": "app", "businessId": "biz-1", "provider": "paysys", "number": number, "expiry": "2702", "phone": phone})
	id, _ := a.Field("id").(string)
	if a.Status != 201 || a.Field("next") != "otp" {
		s.t.Fatalf("the card was not registered: %d %s", a.Status, a.Body)
	}
	a = s.post("/api/cards/"+id+"/confirm", map[string]any{"otp": code})
	if a.Status != 200 || a.Field("status") != "active" || strings.Contains(string(a.Body), "tk") {
		s.t.Fatalf("the card was not bound: %d %s", a.Status, a.Body)
	}
	return id
}

func (s shop) charge(invoice, card string) providertest.Answer {
	s.t.Helper()
	return s.post("/api/invoices/"+invoice+"/pay", map[string]any{"method": "card_token", "cardId": card})
}

var manual = map[string]any{"capture": "manual"}

// 1 prepare, 2 confirm.
func Test01PrepareAnd02Confirm(t *testing.T) {
	each(t, func(s shop) {
		for _, number := range []string{good, humo} {
			invoice := s.begun(number, nil)
			if a := s.confirm(invoice, code); a.Status != 200 || a.Field("status") != "paid" {
				s.t.Fatalf("%d %s", a.Status, a.Body)
			}
			p := s.is(invoice, pay.StatusPaid, pay.Paid, "paid")
			if p.Captured != amount || p.Ref == "" || !strings.Contains(string(p.Meta), `"transaction":"16707`) || p.Card.MaskedPAN != number[:6]+"******"+number[12:] {
				s.t.Errorf("%+v, meta %s", p, p.Meta)
			}
			if a := s.confirm(invoice, code); a.Status != 200 || a.Field("status") != "paid" {
				s.t.Errorf("a repeat: %d %s", a.Status, a.Body)
			}
		}
		if n := s.received("pam.confirm_payment"); n != 2 {
			s.t.Errorf("%d confirmations were sent for 2 payments", n)
		}
	})
}

func Test03WrongCode(t *testing.T) {
	each(t, func(s shop) {
		invoice := s.begun(good, nil)
		for range 3 {
			if a := s.confirm(invoice, "000000"); a.Status != 409 || reason(a) != "wrong_otp" {
				s.t.Fatalf("%d %s", a.Status, a.Body)
			}
		}
		s.is(invoice, pay.StatusPending, pay.Created)
		s.confirm(invoice, code)
		s.is(invoice, pay.StatusPaid, pay.Paid, "paid")
	})
}

// 3, until no further one counts: the right code comes too late, nothing was taken, and the payment
// can be begun again.
func Test03WrongCodesUntilItIsLocked(t *testing.T) {
	each(t, func(s shop) {
		invoice := s.begun(good, nil)
		for n := 0; ; n++ {
			a := s.confirm(invoice, "000000")
			if a.Status != 409 || n > 10 {
				s.t.Fatalf("wrong code %d: %d %s", n, a.Status, a.Body)
			}
			if reason(a) == "otp_expired" {
				break
			}
		}
		if a := s.confirm(invoice, code); a.Status != 409 || reason(a) != "otp_expired" {
			s.t.Errorf("the right code after it was locked: %d %s", a.Status, a.Body)
		}
		if p := s.is(invoice, pay.StatusPending, pay.Failed); p.Reason != pay.DeclineCodeLate {
			s.t.Errorf("reason %q", p.Reason)
		}
		s.pay(invoice, good)
		s.confirm(invoice, code)
		s.is(invoice, pay.StatusPaid, pay.Paid, "paid")
		paid := 0
		for _, e := range s.Sim.Books() {
			if e.State == "paid" {
				paid++
			}
		}
		if paid != 1 {
			s.t.Errorf("PaySys took the money %d times", paid)
		}
	})
}

func Test04LateCode(t *testing.T) {
	each(t, func(s shop) {
		invoice := s.begun(good, nil)
		s.Advance(121 * time.Second)
		if a := s.confirm(invoice, code); a.Status != 409 || reason(a) != "otp_expired" {
			s.t.Fatalf("%d %s", a.Status, a.Body)
		}
		if p := s.is(invoice, pay.StatusPending, pay.Failed); p.Reason != pay.DeclineCodeLate {
			s.t.Errorf("reason %q", p.Reason)
		}
		s.pay(invoice, good)
		s.confirm(invoice, code)
		s.is(invoice, pay.StatusPaid, pay.Paid, "paid")
	})
}

// 5 no SMS on the card, and the other refusals: an answer, with a reason, and nothing stored of
// theirs.
func Test05Refusals(t *testing.T) {
	each(t, func(s shop) {
		for number, want := range map[string]string{noSMS: pay.DeclineSMS, blocked: pay.DeclineBlocked} {
			invoice := s.Invoice(amount, nil)
			a := s.pay(invoice, number)
			if a.Status != 200 || failure(a) != want || a.Field("status") != "pending" {
				s.t.Errorf("%s: %d %s", want, a.Status, a.Body)
			}
			if p := s.is(invoice, pay.StatusPending, pay.Failed); p.Ref != "" || p.Reason != want {
				s.t.Errorf("%+v", p)
			}
		}
		invoice := s.begun(poor, nil)
		if a := s.confirm(invoice, code); a.Status != 200 || failure(a) != pay.DeclineFunds {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		s.is(invoice, pay.StatusPending, pay.Failed)
	})
}

// 6 what check_payment tells in soum counts as well; 7 any other sum does not.
func Test06CheckTypesAnd07AmountMismatch(t *testing.T) {
	each(t, func(s shop) {
		for _, unit := range []simulator.Kind{"", sim.WrongUnit} {
			invoice := s.begun(cut, nil)
			if unit != "" {
				s.fault("pam.check_payment", unit, 1)
			}
			s.confirm(invoice, code)
			s.Advance(10 * time.Second)
			if p := s.is(invoice, pay.StatusPaid, pay.Paid, "paid"); p.Captured != amount {
				s.t.Errorf("%q: captured %d", unit, p.Captured)
			}
		}
		invoice := s.begun(cut, nil)
		s.fault("pam.check_payment", simulator.WrongAmount, 0)
		s.confirm(invoice, code)
		s.Advance(10 * time.Second)
		s.is(invoice, pay.StatusPending, pay.Unknown)
		if got := s.InvoiceField(invoice, "attention"); got != "amount_mismatch" {
			s.t.Errorf("attention %v", got)
		}
	})
}

// 8 the confirmation's answer is lost: it is asked about, never sent again, and the refund that
// would need the lost id says so. 18 a broken answer is the same.
func Test08LostConfirmAnd18HTMLAnswer(t *testing.T) {
	for _, how := range []string{"cut", "system error", "HTML 502"} {
		t.Run(how, func(t *testing.T) {
			each(t, func(s shop) {
				number := map[string]string{"cut": cut, "system error": broken, "HTML 502": good}[how]
				invoice := s.begun(number, nil)
				if how == "HTML 502" {
					s.fault("pam.confirm_payment", simulator.Error500After, 1)
				}
				a := s.confirm(invoice, code)
				if a.Status != 200 || a.Field("status") != "pending" || a.Field("attention") != "unknown_outcome" {
					s.t.Fatalf("%d %s", a.Status, a.Body)
				}
				for _, forbidden := range []providertest.Answer{s.pay(invoice, good), s.confirm(invoice, code), s.post("/api/invoices/"+invoice+"/cancel", nil)} {
					if forbidden.Status != 409 || reason(forbidden) != "payment_in_progress" {
						s.t.Errorf("something new was tried: %d %s", forbidden.Status, forbidden.Body)
					}
				}
				s.Advance(10 * time.Second)
				s.is(invoice, pay.StatusPaid, pay.Paid, "paid")
				if n := s.received("pam.confirm_payment"); n != 1 {
					s.t.Errorf("%d confirmations were sent", n)
				}
				if a := s.post("/api/refunds", map[string]any{"invoiceId": invoice}); a.Status != 422 || reason(a) != "transaction_id_missing" {
					s.t.Errorf("%d %s", a.Status, a.Body)
				}
				if got := s.InvoiceField(invoice, "attention"); got != nil {
					s.t.Errorf("attention %v", got)
				}
			})
		})
	}
}

// 8, where the confirmation never arrived. PaySys says that it is processing or awaited, which is not
// final: nobody guesses that no money will move, nothing is sent again, and a person sees it.
func Test08ConfirmThatNeverArrived(t *testing.T) {
	each(t, func(s shop) {
		invoice := s.begun(good, nil)
		s.fault("pam.confirm_payment", simulator.LostBefore, 1)
		if a := s.confirm(invoice, code); a.Field("attention") != "unknown_outcome" {
			s.t.Fatalf("%d %s", a.Status, a.Body)
		}
		for range 4 {
			s.Advance(20 * time.Minute)
			s.Settle()
		}
		s.is(invoice, pay.StatusPending, pay.Unknown)
		for _, forbidden := range []providertest.Answer{s.pay(invoice, good), s.confirm(invoice, code), s.post("/api/invoices/"+invoice+"/cancel", nil)} {
			if forbidden.Status != 409 || reason(forbidden) != "payment_in_progress" {
				s.t.Errorf("something new was tried: %d %s", forbidden.Status, forbidden.Body)
			}
		}
		if len(s.Alarms(invoice)) != 1 || s.received("pam.check_payment") < 4 || s.received("pam.confirm_payment") != 0 {
			s.t.Errorf("alarms %+v; asked %d times", s.Alarms(invoice), s.received("pam.check_payment"))
		}
		s.books(map[string]int{"created": 1})
	})
}

func Test09HoldLostConfirmCancel(t *testing.T) {
	each(t, func(s shop) {
		invoice := s.begun(cut, manual)
		s.confirm(invoice, code)
		s.Advance(10 * time.Second)
		s.is(invoice, pay.StatusHeld, pay.Held, "held")
		if a := s.post("/api/invoices/"+invoice+"/cancel", nil); a.Status != 200 || a.Field("status") != "cancelled" {
			s.t.Fatalf("%d %s", a.Status, a.Body)
		}
		s.is(invoice, pay.StatusCancelled, pay.Cancelled, "held", "cancelled")
	})
}

func Test10HoldAndCapture(t *testing.T) {
	each(t, func(s shop) {
		invoice := s.begun(good, map[string]any{"capture": "manual", "holdSeconds": 604800, "holdExpiry": "release"})
		s.confirm(invoice, code)
		s.is(invoice, pay.StatusHeld, pay.Held, "held")
		if a := s.post("/api/invoices/"+invoice+"/capture", map[string]any{"amount": 5000}); a.Status != 422 {
			s.t.Errorf("a part: %d %s", a.Status, a.Body)
		}
		if a := s.post("/api/invoices/"+invoice+"/capture", map[string]any{"amount": amount + 100}); a.Status != 409 {
			s.t.Errorf("more than is held: %d %s", a.Status, a.Body)
		}
		statuses := make([]int, 16)
		s.Race(16, func(i int) { statuses[i] = s.post("/api/invoices/"+invoice+"/capture", nil).Status })
		p := s.is(invoice, pay.StatusPaid, pay.Paid, "held", "paid")
		if n := s.received("hold.confirm"); n != 1 || p.Captured != amount {
			s.t.Errorf("%d captures were sent, %d captured; answers %v", n, p.Captured, statuses)
		}
		if a := s.post("/api/refunds", map[string]any{"invoiceId": invoice}); a.Status != 201 || a.Field("status") != "succeeded" {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

// 11 a hold that runs out ends as it was asked to.
func Test11HoldExpiry(t *testing.T) {
	each(t, func(s shop) {
		released := s.begun(good, manual)
		s.confirm(released, code)
		taken := s.begun(good, map[string]any{"capture": "manual", "holdSeconds": 604800, "holdExpiry": "capture"})
		s.confirm(taken, code)
		s.Advance(604803 * time.Second)
		if p := s.is(released, pay.StatusCancelled, pay.Cancelled, "held", "cancelled"); p.Reason != pay.DeclineHoldOver {
			s.t.Errorf("reason %q", p.Reason)
		}
		s.is(taken, pay.StatusPaid, pay.Paid, "held", "paid")
		if a := s.post("/api/invoices/"+released+"/capture", nil); a.Status != 409 {
			s.t.Errorf("a capture after the expiry: %d %s", a.Status, a.Body)
		}
	})
}

// A capture whose answer is lost, before and after it was done, and a release.
func TestLostEndsOfHolds(t *testing.T) {
	for _, c := range []struct {
		path   string
		fault  simulator.Kind
		status pay.Status
		state  pay.State
		told   string
	}{
		{"capture", simulator.LostAfter, pay.StatusPaid, pay.Paid, "held paid"},
		{"capture", simulator.LostBefore, pay.StatusHeld, pay.Held, "held"},
		{"cancel", simulator.LostAfter, pay.StatusCancelled, pay.Cancelled, "held cancelled"},
		{"cancel", simulator.LostBefore, pay.StatusHeld, pay.Held, "held"},
	} {
		t.Run(c.path+" "+string(c.fault), func(t *testing.T) {
			each(t, func(s shop) {
				invoice := s.begun(good, manual)
				s.confirm(invoice, code)
				s.fault("hold.confirm", c.fault, 1)
				a := s.post("/api/invoices/"+invoice+"/"+c.path, nil)
				if a.Status != 200 || a.Field("status") != "held" || a.Field("attention") != "unknown_outcome" {
					s.t.Fatalf("%d %s", a.Status, a.Body)
				}
				if a := s.post("/api/invoices/"+invoice+"/capture", nil); a.Status != 409 {
					s.t.Errorf("another end was tried: %d %s", a.Status, a.Body)
				}
				s.Advance(11 * time.Minute)
				s.is(invoice, c.status, c.state, strings.Fields(c.told)...)
				if got := s.InvoiceField(invoice, "attention"); got != nil {
					s.t.Errorf("attention %v", got)
				}
				if c.status == pay.StatusHeld { // it never landed: now it may be tried again
					if a := s.post("/api/invoices/"+invoice+"/capture", nil); a.Field("status") != "paid" {
						s.t.Errorf("%d %s", a.Status, a.Body)
					}
				}
			})
		})
	}
}

// 12 a token payment whose answer is lost is nobody's to find but a person's, where it was charged
// at once.
func Test12TokenPaymentLost(t *testing.T) {
	direct := setup
	direct.Options = map[string]any{"directCharge": true}
	providertest.Each(t, direct, func(t *testing.T, b *providertest.Bench) {
		s := shop{b, t}
		card := s.bound(good)
		paid := s.Invoice(amount, nil)
		if a := s.charge(paid, card); a.Field("status") != "paid" {
			s.t.Fatalf("%d %s", a.Status, a.Body)
		}
		s.is(paid, pay.StatusPaid, pay.Paid, "paid")

		invoice := s.Invoice(amount, nil)
		s.fault("pam.payment", simulator.LostAfter, 1)
		if a := s.charge(invoice, card); a.Field("attention") != "unknown_outcome" {
			s.t.Fatalf("%d %s", a.Status, a.Body)
		}
		for range 5 {
			s.Advance(time.Hour)
			s.Settle()
		}
		s.is(invoice, pay.StatusPending, pay.Unknown)
		if a := s.charge(invoice, card); a.Status != 409 || reason(a) != "payment_in_progress" {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		if n := s.received("pam.payment"); n != 2 {
			s.t.Errorf("%d payments were sent", n)
		}
		if len(s.Alarms(invoice)) != 1 {
			s.t.Errorf("alarms %+v", s.Alarms(invoice))
		}
	})
}

// 12, as it is unless the merchant wants otherwise: the money was only held, so that a lost answer
// ends by itself. Nobody knows until then, no second payment is sent, and afterwards the buyer can
// pay.
func Test12TokenPaymentLostOnAHold(t *testing.T) {
	each(t, func(s shop) {
		card := s.bound(good)
		invoice := s.Invoice(amount, nil)
		s.fault("pam.payment", simulator.LostAfter, 1)
		if a := s.charge(invoice, card); a.Field("attention") != "unknown_outcome" {
			s.t.Fatalf("%d %s", a.Status, a.Body)
		}
		s.Advance(65 * time.Minute) // the hold has ended, and its end is not believed yet
		s.is(invoice, pay.StatusPending, pay.Unknown)
		if a := s.charge(invoice, card); a.Status != 409 || reason(a) != "payment_in_progress" {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		s.Advance(15 * time.Minute)
		if p := s.is(invoice, pay.StatusPending, pay.Failed); p.Reason != pay.DeclineHoldOver {
			s.t.Errorf("reason %q", p.Reason)
		}
		if got := s.InvoiceField(invoice, "attention"); got != string(pay.AttentionProvider) { // by the clock alone: a person looks
			s.t.Errorf("attention %v", got)
		}
		if n := s.received("pam.payment"); n != 1 {
			s.t.Errorf("%d payments were sent", n)
		}
		if a := s.charge(invoice, card); a.Field("status") != "paid" {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		s.is(invoice, pay.StatusPaid, pay.Paid, "paid")
		s.books(map[string]int{"paid": 1, "cancelled": 1})
	})
}

// books counts PaySys's own transactions by their states.
func (s shop) books(want map[string]int) {
	s.t.Helper()
	got := map[string]int{}
	for _, e := range s.Sim.Books() {
		got[e.State]++
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Errorf("PaySys has %v, want %v", got, want)
	}
}

// What is charged through a hold is held and taken in one breath: the app hears "paid" alone. Lost
// answers of either step, and a process that dies between them, end in one payment or none.
func TestHoldFirst(t *testing.T) {
	for _, c := range []struct {
		name, step string
		kind       simulator.Kind
		end        string // in PaySys's books
	}{
		{"nothing is lost", "", "", "paid"},
		{"the confirmation is lost, and was done", "pam.confirm_payment", simulator.LostAfter, "paid"},
		{"the capture is lost, and was done", "hold.confirm", simulator.LostAfter, "paid"},
		{"the capture is lost, and was not done", "hold.confirm", simulator.LostBefore, "paid"},
		{"the capture is refused for now", "hold.confirm", simulator.Error500, "paid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(s shop) {
				invoice := s.begun(good, nil)
				if c.step != "" {
					s.fault(c.step, c.kind, 1)
				}
				a := s.confirm(invoice, code)
				if a.Status != 200 || c.step == "" && a.Field("status") != "paid" {
					s.t.Fatalf("%d %s", a.Status, a.Body)
				}
				for range 12 {
					if s.Status(invoice) == "pending" {
						if a := s.pay(invoice, humo); a.Status != 409 {
							s.t.Errorf("another charge meanwhile: %d %s", a.Status, a.Body)
						}
						if a := s.post("/api/invoices/"+invoice+"/cancel", nil); a.Status != 409 {
							s.t.Errorf("a cancellation meanwhile: %d %s", a.Status, a.Body)
						}
					}
					s.Advance(2 * time.Minute)
					s.Settle()
				}
				s.is(invoice, pay.StatusPaid, pay.Paid, "paid")
				s.books(map[string]int{c.end: 1})
			})
		})
	}
}

// A hold that nobody could take in time is gone: the attempt has failed, and the buyer tries again.
func TestHoldFirstThatRanOut(t *testing.T) {
	each(t, func(s shop) {
		invoice := s.begun(good, map[string]any{"ttlSeconds": 86400})
		s.fault("hold.confirm", simulator.LostBefore, 1000)
		s.confirm(invoice, code)
		for range 12 {
			s.Advance(10 * time.Minute)
			s.Settle()
		}
		if p := s.is(invoice, pay.StatusPending, pay.Cancelled); p.Reason != pay.DeclineHoldOver {
			s.t.Errorf("reason %q", p.Reason)
		}
		s.World.Faults.Clear("hold.confirm")
		s.pay(invoice, good)
		s.confirm(invoice, code)
		s.is(invoice, pay.StatusPaid, pay.Paid, "paid")
		s.books(map[string]int{"paid": 1, "cancelled": 1})
	})
}

// With save the card that paid is bound, and charges the next invoice without a code.
func TestSavedCard(t *testing.T) {
	each(t, func(s shop) {
		invoice := s.Invoice(amount, nil)
		a := s.post("/api/invoices/"+invoice+"/pay", map[string]any{"method": "card", "card": map[string]any{"number": good, "expiry": "2702"}, "phone": phone, "save": true})
		if a.Field("cardId") != nil {
			s.t.Errorf("a card was bound before its owner gave the code: %s", a.Body)
		}
		s.confirm(invoice, code)
		card := s.Payments(invoice)[0].CardID
		if a := s.API(http.MethodGet, "/api/cards/"+card, nil); a.Field("status") != "active" || a.Field("maskedPan") != "860131******2192" {
			s.t.Fatalf("%d %s", a.Status, a.Body)
		}
		if meta := string(s.Payments(invoice)[0].Meta); strings.Contains(meta, phone) {
			s.t.Errorf("the telephone is kept: %s", meta)
		}
		next := s.Invoice(amount, nil)
		if a := s.charge(next, card); a.Field("status") != "paid" || a.Field("cardId") != card {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

// 13 a card of which PaySys gives no token takes a code each time, which can be sent again; a
// revoked card charges nothing.
func Test13CardsAndTheirCodes(t *testing.T) {
	each(t, func(s shop) {
		bind := map[string]any{"source": "app", "businessId": "biz-1", "provider": "paysys", "number": good, "expiry": "2702", "phone": phone}
		pending := s.post("/api/cards", bind)
		path := "/api/cards/" + fmt.Sprint(pending.Field("id"))
		if a := s.post(path+"/confirm", map[string]any{"otp": "000000"}); a.Status != 409 || reason(a) != "wrong_otp" {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		s.Advance(121 * time.Second)
		if a := s.post(path+"/confirm", map[string]any{"otp": code}); a.Status != 409 || reason(a) != "otp_expired" {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		if a := s.API(http.MethodGet, path, nil); a.Field("status") != "failed" || failure(a) != pay.DeclineCodeLate {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		bind["number"] = blocked
		if a := s.post("/api/cards", bind); a.Status != 201 || a.Field("status") != "failed" || failure(a) != pay.DeclineBlocked {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}

		s.fault("paysys.card_confirm", sim.NoToken, 1)
		card := s.bound(good)
		if a := s.API(http.MethodGet, "/api/cards/"+card, nil); a.Field("needsCode") != true || a.Field("maskedPan") != "860131******2192" {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		invoice := s.Invoice(amount, nil)
		if a := s.charge(invoice, card); a.Field("next") != "otp" {
			s.t.Fatalf("%d %s", a.Status, a.Body)
		}
		first := s.Payments(invoice)[0].Ref
		if a := s.post("/api/invoices/"+invoice+"/resend", nil); a.Status != 429 || a.Header.Get("Retry-After") != "60" {
			s.t.Errorf("too early: %d %s, Retry-After %q", a.Status, a.Body, a.Header.Get("Retry-After"))
		}
		s.Advance(61 * time.Second)
		if a := s.post("/api/invoices/"+invoice+"/resend", nil); a.Status != 200 || a.Field("next") != "otp" || s.Payments(invoice)[0].Ref == first {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		s.confirm(invoice, code)
		s.is(invoice, pay.StatusPaid, pay.Paid, "paid")

		for range 2 {
			if a := s.API(http.MethodDelete, "/api/cards/"+card, nil); a.Status != 200 || a.Field("status") != "revoked" {
				s.t.Errorf("%d %s", a.Status, a.Body)
			}
		}
		if a := s.charge(s.Invoice(amount, nil), card); a.Status != 409 || reason(a) != "card_revoked" {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		if got := s.Row("SELECT COUNT(*) FROM cards WHERE id = $1 AND sealed <> ''", card); got != "0" {
			s.t.Error("a revoked card's token is still there")
		}
	})
}

func Test14Refund(t *testing.T) {
	each(t, func(s shop) {
		invoice := s.begun(good, nil)
		s.confirm(invoice, code)
		if a := s.post("/api/refunds", map[string]any{"invoiceId": invoice, "amount": 1000}); a.Status != 422 || reason(a) != "partial_refund_not_supported" || s.received("transaction.reverse") != 0 {
			s.t.Errorf("a part: %d %s", a.Status, a.Body)
		}
		s.fault("transaction.reverse", simulator.LostAfter, 1)
		if a := s.post("/api/refunds", map[string]any{"invoiceId": invoice}); a.Status != 201 || a.Field("status") != "pending" {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		s.Advance(time.Minute)
		s.is(invoice, pay.StatusRefunded, pay.Refunded, "paid", "refunded")
		if n := s.received("transaction.reverse"); n != 1 {
			s.t.Errorf("%d reversals were sent", n)
		}
	})
}

// 14, where PaySys's own people were faster: its -32313 says that the money is back already.
func Test14RefundOfWhatWasReturned(t *testing.T) {
	each(t, func(s shop) {
		invoice := s.begun(good, nil)
		s.confirm(invoice, code)
		ref := s.is(invoice, pay.StatusPaid, pay.Paid, "paid").Ref
		if _, err := s.Sim.Act(s.t.Context(), simulator.Action{Kind: "return", Ref: ref}); err != nil {
			s.t.Fatal(err)
		}
		if a := s.post("/api/refunds", map[string]any{"invoiceId": invoice}); a.Status != 201 || a.Field("status") != "succeeded" {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		s.is(invoice, pay.StatusRefunded, pay.Refunded, "paid", "refunded")
		if a := s.post("/api/refunds", map[string]any{"invoiceId": invoice}); a.Status != 409 {
			s.t.Errorf("a second refund: %d %s", a.Status, a.Body)
		}
		if n := s.received("transaction.reverse"); n != 1 {
			s.t.Errorf("%d reversals were sent", n)
		}
		s.books(map[string]int{"refunded": 1})
	})
}

// The calls of a binding, lost before PaySys did it and after: no money moves, and it can be begun or
// confirmed again.
func Test13LostAnswersOfABinding(t *testing.T) {
	each(t, func(s shop) {
		bind := map[string]any{"source": "app", "businessId": "biz-1", "provider": "paysys", "number": good, "expiry": "2702", "phone": phone}
		for _, kind := range []simulator.Kind{simulator.LostBefore, simulator.LostAfter} {
			s.fault("paysys.card_registration", kind, 1)
			if a := s.post("/api/cards", bind); a.Status != 502 {
				s.t.Errorf("%s: %d %s", kind, a.Status, a.Body)
			}
			pending := s.post("/api/cards", bind)
			path := "/api/cards/" + fmt.Sprint(pending.Field("id"))
			s.fault("paysys.card_confirm", kind, 1)
			if a := s.post(path+"/confirm", map[string]any{"otp": code}); a.Status != 502 {
				s.t.Errorf("%s: %d %s", kind, a.Status, a.Body)
			}
			if a := s.post(path+"/confirm", map[string]any{"otp": code}); a.Status != 200 || a.Field("status") != "active" {
				s.t.Errorf("%s: %d %s", kind, a.Status, a.Body)
			}
		}
		s.books(map[string]int{})
	})
}

func Test16UnknownStatus(t *testing.T) {
	each(t, func(s shop) {
		invoice := s.begun(cut, nil)
		s.fault("pam.check_payment", sim.StrangeStatus, 2)
		s.confirm(invoice, code)
		s.Advance(10 * time.Second)
		s.is(invoice, pay.StatusPending, pay.Unknown)
		s.Advance(time.Minute)
		s.Settle()
		s.Advance(10 * time.Minute)
		s.is(invoice, pay.StatusPaid, pay.Paid, "paid")
		odd := 0
		for _, a := range s.Alarms(invoice) {
			if a.Kind == pay.AttentionProvider {
				odd++
			}
		}
		if odd != 1 {
			s.t.Errorf("%d alarms of a strange status: %+v", odd, s.Alarms(invoice))
		}
	})
}

// 17 nothing secret is kept anywhere: every column of every table is searched.
func Test17Secrets(t *testing.T) {
	each(t, func(s shop) {
		card := s.bound(good)
		s.charge(s.Invoice(amount, nil), card)
		for _, number := range []string{good, poor, blocked, noSMS, cut, broken, humo} {
			invoice := s.Invoice(amount, nil)
			s.pay(invoice, number)
			s.confirm(invoice, "000000")
			s.confirm(invoice, code)
			s.API(http.MethodGet, "/api/invoices/"+invoice+"/timeline", nil) // flushes what was recorded
		}
		s.Settle()
		if s.Row("SELECT COUNT(*) FROM messages WHERE request LIKE '%pam.prepare_payment%'") == "0" {
			s.t.Fatal("no message was recorded: the search would prove nothing")
		}
		for table, columns := range map[string][]string{
			"messages": {"request", "response"}, "changes": {"note", "was", "now"}, "alarms": {"message"},
			"payments": {"meta", "card_pan", "card_token", "reason", "code", "code_phone"}, "cards": {"sealed", "pan", "phone", "code"},
			"events": {"body"}, "idempotency": {"key", "hash", "resource"}, "work": {"last_error", "subject"}, "invoices": {"details"},
		} {
			for _, column := range columns {
				for _, secret := range []string{good, poor, cut, broken, humo, code, "test_secret", "tk"} {
					if column == "hash" && len(secret) < 16 || column == "sealed" && secret == "tk" {
						continue // random text holds any short one by chance
					}
					if n := s.Row("SELECT COUNT(*) FROM " + table + " WHERE CAST(" + column + " AS TEXT) LIKE '%" + secret + "%'"); n != "0" {
						s.t.Errorf("%s.%s holds %s", table, column, secret)
					}
				}
			}
		}
	})
}

// Sixteen presses of one button are one charge; two codes at once are one confirmation.
func TestPressedManyTimes(t *testing.T) {
	each(t, func(s shop) {
		card := s.bound(good)
		invoice := s.Invoice(amount, nil)
		s.Race(16, func(int) { s.charge(invoice, card) })
		s.is(invoice, pay.StatusPaid, pay.Paid, "paid")
		other := s.begun(good, nil)
		statuses := make([]string, 8)
		s.Race(8, func(i int) { statuses[i] = strconv.Itoa(s.confirm(other, code).Status) })
		s.is(other, pay.StatusPaid, pay.Paid, "paid")
		if strings.Join(statuses, " ") != strings.TrimSpace(strings.Repeat("200 ", 8)) {
			s.t.Errorf("answers %v", statuses)
		}
		if p, c := s.received("pam.payment"), s.received("pam.confirm_payment"); p != 1 || c != 1 {
			s.t.Errorf("%d payments and %d confirmations were sent", p, c)
		}
	})
}

// What certainly did not arrive is an error, and may be tried again at once.
func TestNotSent(t *testing.T) {
	each(t, func(s shop) {
		invoice := s.Invoice(amount, nil)
		s.fault("pam.prepare_payment", simulator.LostAfter, 1) // a code was sent perhaps; no money moved
		if a := s.pay(invoice, good); a.Status != 502 {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		s.pay(invoice, good)
		s.confirm(invoice, code)
		s.is(invoice, pay.StatusPaid, pay.Paid, "paid")
	})
}

// Where card numbers may pass through, a buyer can be sent to our own page, and PaySys is offered;
// where not, neither.
func TestPaySysOnThePage(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		at := setup
		at.CardData = accepted
		providertest.Each(t, at, func(t *testing.T, b *providertest.Bench) {
			s := shop{b, t}
			a := s.API(http.MethodGet, "/api/merchants/by-business/app/biz-1/providers", nil)
			if got := strings.Contains(string(a.Body), `"paysys"`); got != accepted {
				t.Errorf("offered: %v, want %v: %s", got, accepted, a.Body)
			}
			invoice := s.Invoice(amount, nil)
			link, _ := s.InvoiceField(invoice, "checkoutUrl").(string)
			if !accepted {
				if link != "" {
					t.Errorf("the buyer is sent to %s", link)
				}
				return
			}
			if !strings.HasSuffix(link, "/pay/"+invoice) {
				t.Errorf("the buyer is sent to %s", link)
			}
			form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
			s.Do(http.MethodPost, s.URL+"/pay/"+invoice+"/card", form, []byte("number="+humo+"&expiry=0227&phone=907702150"))
			page := s.Do(http.MethodGet, s.URL+"/pay/"+invoice, nil, nil)
			if !strings.Contains(string(page.Body), "one-time-code") {
				t.Fatalf("no code is asked for: %d %s", page.Status, page.Body)
			}
			s.Do(http.MethodPost, s.URL+"/pay/"+invoice+"/code", form, []byte("otp="+code))
			s.is(invoice, pay.StatusPaid, pay.Paid, "paid")
		})
	}
}

// A day is compared by asking of each payment, since PaySys has no register: what it agrees to,
// what it has reversed, what it tells in soum, and what it tells in another sum.
func TestReconciledByAsking(t *testing.T) {
	each(t, func(s shop) {
		for range 3 {
			s.confirm(s.begun(good, nil), code)
		}
		returned := s.begun(good, nil)
		s.confirm(returned, code)
		if a := s.post("/api/refunds", map[string]any{"invoiceId": returned}); a.Field("status") != "succeeded" {
			s.t.Fatalf("%d %s", a.Status, a.Body)
		}
		s.Advance(20 * time.Hour)
		compared := func() providertest.Answer {
			s.t.Helper()
			a := s.post("/api/reconciliations", map[string]any{"source": "app", "businessId": "biz-1", "provider": "paysys", "date": "2026-11-21"})
			s.Settle()
			a = s.API(http.MethodGet, fmt.Sprintf("/api/reconciliations/%s", a.Field("id")), nil)
			if a.Field("status") != "done" || a.Field("by") != "ask" {
				s.t.Fatalf("%d %s", a.Status, a.Body)
			}
			return a
		}
		s.fault("pam.check_payment", sim.WrongUnit, 1)
		if a := compared(); fmt.Sprint(a.Field("matched")) != "4" {
			s.t.Errorf("%s", a.Body)
		}
		s.fault("pam.check_payment", simulator.WrongAmount, 1)
		a := compared()
		if list, _ := a.Field("different").([]any); fmt.Sprint(a.Field("matched")) != "3" || len(list) != 1 {
			s.t.Errorf("%s", a.Body)
		}
		if asked := s.received("pam.check_payment"); asked != 8 {
			s.t.Errorf("it was asked %d times", asked)
		}
	})
}
