package paysys_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/paysys"
	"github.com/chorsu/chorsu/internal/provider/paysys/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// What PaySys answers is believed only of the payment, the card and the sum that we asked about.

// doubtful wants that nothing was booked of an answer: the outcome is unknown, or another sum than
// ours is before a person.
func (s shop) doubtful(what, invoice string, kind simulator.Kind) pay.Payment {
	s.t.Helper()
	if got := s.Status(invoice); got != "pending" {
		s.t.Errorf("%s: the invoice is %s", what, got)
	}
	want := pay.AttentionUnknown
	if kind == simulator.WrongAmount {
		want = pay.AttentionAmount
	}
	if !slices.ContainsFunc(s.Alarms(invoice), func(a pay.Alarm) bool { return a.Kind == want }) {
		s.t.Errorf("%s: no alarm %s", what, want)
	}
	all := s.Payments(invoice)
	return all[len(all)-1]
}

// 7, of every answer that tells a sum: another one, or none, is not what was asked for.
func Test07EveryAnswerThatTellsASum(t *testing.T) {
	each(t, func(s shop) {
		for _, kind := range []simulator.Kind{sim.Another, sim.NoAmount, simulator.WrongAmount} {
			invoice := s.begun(good, nil)
			s.fault("pam.confirm_payment", kind, 1)
			s.fault("pam.check_payment", kind, 1)
			s.confirm(invoice, code)
			s.doubtful("confirmed with "+string(kind), invoice, kind)
			s.Advance(10 * time.Second)
			s.Settle()
			s.doubtful("and asked", invoice, kind)
			s.Advance(time.Minute)
			if p := s.is(invoice, pay.StatusPaid, pay.Paid, "paid"); p.Captured != amount {
				s.t.Errorf("captured %d", p.Captured)
			}
		}
		card := s.bound(good)
		for _, kind := range []simulator.Kind{sim.NoAmount, simulator.WrongAmount} {
			invoice := s.Invoice(amount, nil)
			s.fault("pam.payment", kind, 1)
			s.charge(invoice, card)
			if p := s.doubtful("by token with "+string(kind), invoice, kind); p.Ref == "" {
				s.t.Error("its number was told, and is forgotten")
			}
			s.Advance(10 * time.Second)
			s.is(invoice, pay.StatusPaid, pay.Paid, "paid")
		}
		if c, p := s.received("pam.confirm_payment"), s.received("pam.payment"); c != 3 || p != 2 {
			s.t.Errorf("%d confirmations and %d payments were sent", c, p)
		}
	})
}

// 13: an answer about another card binds none.
func Test13AnotherCardIsNotBound(t *testing.T) {
	each(t, func(s shop) {
		a := s.post("/api/cards", map[string]any{"source": "app", "businessId": "biz-1", "provider": "paysys", "number": good, "expiry": "2702", "phone": phone})
		path := "/api/cards/" + a.Field("id").(string)
		s.fault("paysys.card_confirm", sim.Another, 1)
		if a := s.post(path+"/confirm", map[string]any{"otp": code}); a.Status != 502 {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
		if a := s.API(http.MethodGet, path, nil); a.Field("status") == "active" {
			s.t.Errorf("another card was bound: %s", a.Body)
		}
		if a := s.post(path+"/confirm", map[string]any{"otp": code}); a.Field("status") != "active" {
			s.t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

// A status of −1: nothing was taken. To the end of a hold it is no answer: that is asked.
func TestFailedStatus(t *testing.T) {
	each(t, func(s shop) {
		invoice := s.begun(good, nil)
		s.fault("pam.confirm_payment", simulator.LostAfter, 1)
		s.fault("pam.check_payment", sim.FailedStatus, 1)
		s.confirm(invoice, code)
		s.Advance(10 * time.Second)
		s.is(invoice, pay.StatusPending, pay.Failed)

		for how, step := range map[string]struct {
			status pay.Status
			state  pay.State
		}{"capture": {pay.StatusPaid, pay.Paid}, "cancel": {pay.StatusCancelled, pay.Cancelled}} {
			held := s.begun(good, manual)
			s.confirm(held, code)
			s.fault("hold.confirm", sim.FailedStatus, 1)
			s.post("/api/invoices/"+held+"/"+how, nil)
			if got := s.Status(held); got != "held" {
				s.t.Errorf("%s: the invoice is %s by an answer of -1", how, got)
			}
			s.Advance(10 * time.Second)
			s.is(held, step.status, step.state, "held", string(step.status))
		}

		gone := s.begun(good, manual)
		s.confirm(gone, code)
		s.fault("hold.confirm", simulator.LostBefore, 1)
		s.fault("pam.check_payment", sim.FailedStatus, 1)
		s.post("/api/invoices/"+gone+"/capture", nil)
		s.Advance(10 * time.Second)
		s.is(gone, pay.StatusCancelled, pay.Cancelled, "held", "cancelled")
	})
}

// A status of 6 of what was never paid in our book: the charge came to nothing, and the app is not
// told of money that it never had.
func TestReturnedBeforeItWasPaid(t *testing.T) {
	direct := setup
	direct.Options = map[string]any{"directCharge": true}
	providertest.Each(t, direct, func(t *testing.T, b *providertest.Bench) {
		s := shop{b, t}
		returned := func(invoice string) {
			t.Helper()
			all := s.Payments(invoice)
			if _, err := s.Sim.Act(t.Context(), simulator.Action{Kind: "return", Ref: all[len(all)-1].Ref}); err != nil {
				t.Fatal(err)
			}
			s.Advance(10 * time.Second)
		}
		lost := s.begun(good, nil)
		s.fault("pam.confirm_payment", simulator.LostAfter, 1)
		s.confirm(lost, code)
		returned(lost)
		s.is(lost, pay.StatusPending, pay.Cancelled)
		s.pay(lost, good)
		s.confirm(lost, code)
		s.is(lost, pay.StatusPaid, pay.Paid, "paid")

		captured := s.begun(good, manual)
		s.confirm(captured, code)
		s.fault("hold.confirm", simulator.LostAfter, 1)
		s.post("/api/invoices/"+captured+"/capture", nil)
		returned(captured)
		s.is(captured, pay.StatusCancelled, pay.Cancelled, "held", "cancelled")
	})
}

// What cannot be asked was not: it is an error at once, and no unknown outcome.
func TestNotAskedWithoutWhatItTakes(t *testing.T) {
	a, err := paysys.New().Open(provider.Credentials{Values: setup.Credentials}, provider.Env{
		HTTP: http.DefaultClient, Now: time.Now, BaseURL: "http://127.0.0.1:1/gateway",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, charger := context.Background(), a.(provider.CardCharger)
	for what, call := range map[string]func() error{
		"a token that is none": func() error {
			_, err := charger.Charge(ctx, provider.ChargeOrder{Payment: pay.Payment{ID: "p", Amount: amount}, Token: "not ours"})
			return err
		},
		"a code for no payment": func() error {
			_, err := charger.ConfirmCharge(ctx, pay.Payment{ID: "p", Amount: amount}, code)
			return err
		},
		"a refund without its number": func() error {
			_, err := a.(provider.Refunder).Refund(ctx, provider.RefundOrder{Payment: pay.Payment{ID: "p", Amount: amount}, Whole: true})
			return err
		},
	} {
		if e, ok := errors.AsType[*provider.Error](call()); !ok || !e.NotSent || e.Kind != provider.KindInvalid {
			t.Errorf("%s: %v", what, call())
		}
	}
}

// A payment by token that ends by the clock alone is put before a person, once.
func TestUnseenHoldIsLookedAt(t *testing.T) {
	each(t, func(s shop) {
		card := s.bound(good)
		invoice := s.Invoice(amount, nil)
		s.fault("pam.payment", simulator.LostAfter, 1)
		s.charge(invoice, card)
		for range 3 {
			s.Advance(time.Hour)
			s.Settle()
		}
		var open []pay.Alarm
		for _, a := range s.Alarms(invoice) {
			if a.ClosedAt.IsZero() {
				open = append(open, a)
			}
		}
		if len(open) != 1 || open[0].Kind != pay.AttentionProvider {
			s.t.Errorf("alarms %+v", open)
		}
		s.is(invoice, pay.StatusPending, pay.Failed)
	})
}
