package multicard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/multicard/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// What Multicard answers is believed only of the payment that we asked about, and of its whole sum.
// And whatever is lost on the way, it is asked by the name that was written down before the money
// moved, and never charged twice.

func (s *scene) upset(step string, kind simulator.Kind, times int) {
	s.b.World.Faults.Set(simulator.Fault{Step: step, Kind: kind, Times: times})
}

// free makes an invoice and charges it by a card that takes no code: both calls in one.
func (s *scene) free(card string, more map[string]any) (invoice string, a providertest.Answer) {
	s.t.Helper()
	invoice = s.invoice(more)
	return invoice, s.charge(invoice, card)
}

// doubtful wants that nothing was booked of an answer: the outcome is unknown, or another sum than
// ours is before a person.
func (s *scene) doubtful(what, invoice, status string, kind simulator.Kind) {
	s.t.Helper()
	if got := s.b.Status(invoice); got != status {
		s.t.Errorf("%s: the invoice is %s, want %s", what, got, status)
	}
	want := pay.AttentionUnknown
	if kind == simulator.WrongAmount {
		want = pay.AttentionAmount
	}
	if !slices.ContainsFunc(s.b.Alarms(invoice), func(a pay.Alarm) bool { return a.Kind == want }) {
		s.t.Errorf("%s: no alarm %s", what, want)
	}
}

var byHold = map[string]any{"capture": "manual", "holdSeconds": 86400}

// MC-11: the five answers about a hold. One about somebody else's, or without a sum, settles nothing;
// another sum is before a person; and what Multicard says when it is asked again counts.
func TestScenario_MC_11_05_AHoldIsBelievedOnlyOfItself(t *testing.T) {
	wrong := []simulator.Kind{sim.Another, sim.AnotherHold, sim.NoAmount, simulator.WrongAmount}
	each(t, nil, func(t *testing.T, s *scene) {
		card := s.bound(sim.FreeCard)
		end := func(invoice, how string) { s.api(http.MethodPost, "/api/invoices/"+invoice+"/"+how, nil) }
		for _, kind := range wrong {
			what := "confirmed with " + string(kind)
			s.upset("hold.confirm", kind, 1)
			invoice, _ := s.free(card, byHold)
			s.doubtful(what, invoice, "pending", kind)
			s.upset("hold.read", kind, 1)
			s.later(10 * time.Second)
			s.doubtful(what+", and asked", invoice, "pending", kind)
			s.later(time.Minute)
			s.is(invoice, "held")

			if kind != sim.AnotherHold { // the answer to a capture is a payment
				what = "captured with " + string(kind)
				s.upset("hold.charge", kind, 1)
				s.upset("hold.read", kind, 1)
				end(invoice, "capture")
				s.doubtful(what, invoice, "held", kind)
				s.later(10 * time.Second)
				s.doubtful(what+", and asked", invoice, "held", kind)
				s.later(time.Minute)
				s.is(invoice, "paid")
				if got := fmt.Sprint(s.b.InvoiceField(invoice, "capturedAmount")); got != fmt.Sprint(price) {
					t.Errorf("%s: captured %s", what, got)
				}
			}
			if kind == sim.Another || kind == sim.AnotherHold {
				what = "released with " + string(kind)
				invoice, _ = s.free(card, byHold)
				s.upset("hold.cancel", kind, 1)
				end(invoice, "cancel")
				s.doubtful(what, invoice, "held", kind)
				s.later(10 * time.Second)
				s.is(invoice, "cancelled")
			}
		}
	})
}

// MC-10: the same of payments.
func TestScenario_MC_10_20_APaymentIsBelievedOnlyOfItself(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		card := s.bound(sim.FreeCard)
		for _, kind := range []simulator.Kind{sim.Another, sim.NoAmount, simulator.WrongAmount} {
			s.upset("payment.confirm", kind, 1)
			s.upset("payment.read", kind, 1)
			invoice, _ := s.free(card, nil)
			s.doubtful("confirmed with "+string(kind), invoice, "pending", kind)
			s.later(10 * time.Second)
			s.doubtful("and asked", invoice, "pending", kind)
			s.later(time.Minute)
			s.is(invoice, "paid")
		}
		if n, sum := s.took(); n != 3 || sum != 3*price {
			t.Errorf("Multicard took %d in %d payments", sum, n)
		}
	})
}

// The same of a scanned code, where no callback has told of it before: the answer alone.
func TestScenario_MC_6_20_AScanIsBelievedOnlyOfItself(t *testing.T) {
	each(t, map[string]string{"webhooks": "on"}, func(t *testing.T, s *scene) {
		s.upset("webhook", simulator.LostBefore, 0)
		for _, kind := range []simulator.Kind{sim.Another, sim.NoAmount, simulator.WrongAmount} {
			s.upset("payment.scanpay", kind, 1)
			invoice := s.invoice(nil)
			scanned(t, s.b, invoice, "OK-"+string(kind)+"-1")
			s.doubtful("scanned with "+string(kind), invoice, "pending", kind)
			s.later(10 * time.Second)
			s.is(invoice, "paid")
		}
		if n, sum := s.took(); n != 3 || sum != 3*price {
			t.Errorf("Multicard took %d in %d payments", sum, n)
		}
	})
}

// A draft that is not ours, or over another sum, is not confirmed.
func TestScenario_MC_10_21_OnlyOurDraftIsConfirmed(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		card := s.bound(sim.FreeCard)
		for step, more := range map[string]map[string]any{"payment.create": nil, "hold.create": byHold} {
			for _, kind := range []simulator.Kind{sim.Another, simulator.WrongAmount} {
				s.upset(step, kind, 1)
				invoice, _ := s.free(card, more)
				s.doubtful(step+" with "+string(kind), invoice, "pending", "")
			}
		}
		for _, e := range s.b.Sim.Books() {
			if e.State == "paid" || e.State == "held" {
				t.Errorf("Multicard has a payment %s", e.State)
			}
		}
	})
}

// The two calls of a charge in one step: what the first one answers is written down before the
// second is made. So a lost answer is asked by it, also where no list shows the payment.
func TestScenario_MC_10_22_TheNameIsWrittenDownBeforeTheMoneyMoves(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		s.upset("register.read", simulator.Error500, 0)
		card := s.bound(sim.FreeCard)
		for step, c := range map[string]struct {
			more   map[string]any
			status string
		}{"payment.confirm": {nil, "paid"}, "hold.confirm": {byHold, "held"}} {
			s.upset(step, simulator.LostAfter, 1)
			invoice, a := s.free(card, c.more)
			s.want(a, 200, "attention", "unknown_outcome")
			all := s.b.Payments(invoice)
			p := all[len(all)-1]
			if p.Ref == "" || (c.more != nil) != strings.Contains(string(p.Meta), `"hold"`) {
				t.Fatalf("%s: nothing names the payment: %+v, meta %s", step, p, p.Meta)
			}
			s.refusedWith(s.charge(invoice, card), 409, "payment_in_progress")
			s.later(10 * time.Second)
			s.is(invoice, c.status)

			// Where it never landed, it is over after ten minutes, and the buyer can pay.
			s.upset(step, simulator.LostBefore, 1)
			invoice, a = s.free(card, c.more)
			s.want(a, 200, "attention", "unknown_outcome")
			s.later(9 * time.Minute)
			s.refusedWith(s.charge(invoice, card), 409, "payment_in_progress")
			s.later(2 * time.Minute)
			s.want(s.charge(invoice, card), 200, "status", c.status)
		}
		if n, _ := s.took(); n != 2 {
			t.Errorf("Multicard took the money %d times of 2", n)
		}
	})
}

// Why a debit was refused is told in our words too where the answer was lost and it was asked.
func TestScenario_MC_10_23_AskedWhyADebitFailed(t *testing.T) {
	each(t, map[string]string{"otp": "off"}, func(t *testing.T, s *scene) {
		for pan, want := range map[string]string{sim.PoorCard: pay.DeclineFunds, sim.BlockedCard: pay.DeclineBlocked} {
			card := s.bound(pan)
			s.upset("payment.confirm", simulator.LostAfter, 1)
			invoice, _ := s.free(card, nil)
			s.later(10 * time.Second)
			s.refusedWith(s.api(http.MethodGet, "/api/invoices/"+invoice, nil), 200, want)
		}
	})
}

// A name that cannot be written down: nothing is confirmed.
func TestNothingIsConfirmedUnlessItsNameIsWrittenDown(t *testing.T) {
	away := errors.New("the database is away")
	for _, hold := range []bool{false, true} {
		c := newCompany(t)
		s := c.account.(provider.CardCharger)
		c.act(t, simulator.Action{Kind: "switch", Params: map[string]string{"otp": "off"}})
		form, err := c.account.(provider.FormBinder).BindForm(context.Background(), provider.FormOrder{ReturnURL: "https://shop.example.uz"})
		if err != nil {
			t.Fatal(err)
		}
		c.act(t, simulator.Action{Kind: "bind", Link: form.URL, Params: map[string]string{"card": sim.FreeCard}})
		var names []string
		_, err = s.Charge(context.Background(), provider.ChargeOrder{
			Payment: pay.Payment{ID: paymentID, Amount: price}, Token: sim.TokenOf(sim.FreeCard), Hold: hold,
			Journal: func(ref string, meta []byte) error { names = append(names, ref+string(meta)); return away },
		})
		if !errors.Is(err, away) || !provider.Harmless(err) || len(names) != 1 || hold != strings.Contains(names[0], `"hold":`) {
			t.Errorf("hold %v: %v; named %q", hold, err, names)
		}
		requests := c.heard()
		if i := slices.IndexFunc(requests, func(r string) bool { return strings.HasPrefix(r, "PUT ") }); i >= 0 {
			t.Errorf("hold %v: it was confirmed: %s", hold, requests[i])
		}
	}
}

// MC-8: what is read of a form is believed of that form only.
func TestScenario_MC_8_09_TheCardOfAnotherForm(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		s.upset("card.callback", simulator.LostBefore, 0)
		a := s.api(http.MethodPost, "/api/cards/form", map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "returnUrl": "https://shop.example.uz/cards"})
		s.act(simulator.Action{Kind: "bind", Link: fmt.Sprint(a.Field("formUrl")), Params: map[string]string{"card": sim.GoodCard}})
		for _, want := range []string{"pending", "active"} {
			if want == "pending" {
				s.upset("card.session", sim.Another, 1)
			}
			s.b.Advance(6 * time.Second)
			s.want(s.api(http.MethodGet, "/api/cards/"+id(a), nil), 200, "status", want)
		}
	})
}
