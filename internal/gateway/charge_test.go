package gateway_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// cardCompany is a scripted company that charges by our call.
type cardCompany struct {
	mu      sync.Mutex
	charges int
	taken   map[string]bool // by our payment's id
	after   func()          // runs when the money is taken, before the answer
	before  func()
	between func() // where set, the company names the payment first, and this runs before the money is taken
	askable bool
	wrong   bool                                                     // whatever code it is given
	down    bool                                                     // it cannot be reached for questions
	says    func(op string, p pay.Payment) (provider.Outcome, error) // instead of all of the above

	captures                    int
	captured                    map[string]bool
	beforeCapture, afterCapture func() // once
}

type cardProvider struct{ c *cardCompany }

func (p cardProvider) Info() provider.Info {
	return provider.Info{Name: "cards", Title: "Cards", Fields: []provider.Field{{Key: "key", Required: true, Secret: true}}, Account: (*cardAccount)(nil), Options: []string{"reconcileNightly"}}
}

func (p cardProvider) Open(provider.Credentials, provider.Env) (provider.Account, error) {
	return &cardAccount{p.c}, nil
}

type cardAccount struct{ c *cardCompany }

func (a *cardAccount) Charge(_ context.Context, o provider.ChargeOrder) (provider.Outcome, error) {
	if a.c.says != nil {
		return a.c.says("charge", o.Payment)
	}
	a.c.mu.Lock()
	a.c.charges++
	before, after := a.c.before, a.c.after
	a.c.mu.Unlock()
	if before != nil {
		before()
	}
	if a.c.between != nil {
		if err := o.Begun("ref-"+o.Payment.ID, []byte(`{"n":1}`)); err != nil {
			return provider.Outcome{}, provider.NotSent(err)
		}
		a.c.between()
	}
	a.c.mu.Lock()
	a.c.taken[o.Payment.ID] = true
	a.c.mu.Unlock()
	if after != nil {
		after()
	}
	return provider.Outcome{State: pay.Paid, Ref: "ref-" + o.Payment.ID, Amount: o.Payment.Amount}, nil
}

func (a *cardAccount) NumberTerms() provider.NumberTerms { return provider.NumberTerms{} }

func (a *cardAccount) BindCard(context.Context, provider.BindOrder) (provider.Binding, error) {
	if a.c.before != nil {
		a.c.before()
	}
	return provider.Binding{Ref: "card-1", Needs: provider.Next{Kind: "otp", ExpiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}}, nil
}

func (a *cardAccount) ConfirmCard(context.Context, string, string) (provider.Binding, error) {
	if a.c.wrong {
		return provider.Binding{Reason: pay.DeclineWrongCode}, nil
	}
	return provider.Binding{Ref: "card-1", Token: "token"}, nil
}

func (a *cardAccount) ConfirmCharge(_ context.Context, p pay.Payment, _ string) (provider.Outcome, error) {
	if a.c.says != nil {
		return a.c.says("confirm", p)
	}
	return provider.Outcome{}, errors.New("no code was asked for")
}

func (a *cardAccount) Inquire(_ context.Context, q provider.Question) (provider.Report, error) {
	if a.c.says != nil {
		o, err := a.c.says("inquire", q.Payment)
		return provider.Report{Found: o.State != "", Outcome: o}, err
	}
	if !a.c.askable {
		return provider.Report{}, &pay.Error{Code: pay.CodeUnsupported}
	}
	if a.c.down {
		return provider.Report{}, errAway
	}
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if !a.c.taken[q.PaymentID] {
		return provider.Report{}, nil
	}
	return provider.Report{Found: true, Outcome: provider.Outcome{State: pay.Paid, Ref: "ref-" + q.PaymentID, Amount: q.Payment.Amount}}, nil
}

// AsksEachOfADay: it has no register.
func (a *cardAccount) AsksEachOfADay() {}

// Wherever a charge's process dies, the company is asked to charge once, the end is what its own
// book says, and where it cannot be asked a named person's word ends it.
func TestChargeDiesAfterEachStep(t *testing.T) {
	for _, c := range []struct {
		name        string
		taken, asks bool
		want        pay.State
	}{
		{"before the call", false, true, pay.Failed},
		{"after the call", true, true, pay.Paid},
		{"after the call, and nobody can be asked", true, false, pay.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				fx.cards.askable = c.asks
				die := func() { panic("killed") }
				if c.taken {
					fx.cards.after = die
				} else {
					fx.cards.before = die
				}
				fx.merchant("b1", "cards")
				inv := fx.invoice(fx.input("cards", "o1"))
				in := gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}
				key := gateway.Idem{Key: "k", Request: inv.ID}
				dies(t, func() { _, _ = fx.Pay(t.Context(), in, key) })
				fx.settle() // under the lease nobody touches it
				if p := fx.get(inv.ID).Payment; p.State != pay.Created || p.Asked != pay.AskedCharge {
					t.Fatalf("under the lease: %s, asked %q", p.State, p.Asked)
				}
				if _, err := fx.Pay(t.Context(), in, gateway.Idem{}); reason(err) != "payment_in_progress" {
					t.Errorf("another charge: %v", err)
				}
				if _, err := fx.CancelInvoice(t.Context(), inv.ID, gateway.Idem{}); reason(err) != "payment_in_progress" {
					t.Errorf("a cancellation: %v", err)
				}
				fx.advance(gateway.Lease + time.Second)
				fx.settle()
				for range 4 {
					fx.advance(11 * time.Minute)
					fx.settle()
				}
				s, err := fx.Pay(t.Context(), in, key)
				if err != nil || !s.Replayed || s.Value.Payment.State != c.want || fx.cards.charges != 1 {
					t.Fatalf("%s after %d charges, replayed %v: %v", s.Value.Payment.State, fx.cards.charges, s.Replayed, err)
				}
				if c.want != pay.Unknown {
					return
				}
				if got := fx.get(inv.ID); got.Attention != pay.AttentionUnknown || got.Status != pay.StatusPending {
					t.Errorf("%s, attention %q", got.Status, got.Attention)
				}
				if err := fx.Decide(t.Context(), gateway.Decision{InvoiceID: inv.ID, Happened: true, Who: "dilnoza@shop.uz", Why: "seen in the cabinet"}); err != nil {
					t.Fatal(err)
				}
				if got := fx.get(inv.ID); got.Status != pay.StatusPaid || got.Attention != "" || got.Payment.Asked != "" {
					t.Errorf("%s, attention %q, asked %q", got.Status, got.Attention, got.Payment.Asked)
				}
				fx.settle()
				if got := fx.app.statuses(); !slices.Equal(got, []string{"paid"}) {
					t.Errorf("the app was told %v", got)
				}
			})
		})
	}
}

// The database goes away between the company's answer and our writing it down.
func TestChargeWhoseOutcomeCannotBeWritten(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.cards.askable = true
		fx.cards.after = func() { fx.store.FailWrites(true) }
		fx.merchant("b1", "cards")
		inv := fx.invoice(fx.input("cards", "o1"))
		in := gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}
		if _, err := fx.Pay(t.Context(), in, gateway.Idem{}); err == nil {
			t.Fatal("an outcome that was not written was answered")
		}
		fx.store.FailWrites(false)
		fx.advance(gateway.Lease + time.Second)
		fx.settle()
		if got := fx.get(inv.ID); got.Status != pay.StatusPaid || fx.cards.charges != 1 {
			t.Fatalf("%s after %d charges", got.Status, fx.cards.charges)
		}
	})
}

// A process that dies while a card is bound leaves nothing that can be charged. The repeat says so,
// and so does whoever reads the card.
func TestBindingDies(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.cards.before = func() { panic("killed") }
		fx.merchant("b1", "cards")
		in := gateway.BindInput{Source: "app", Business: "b1", Provider: "cards", Number: "8600123412341239", Expiry: "2912", Phone: "998901234567"}
		key := gateway.Idem{Key: "k", Request: "bind"}
		dies(t, func() { _, _ = fx.BindCard(t.Context(), in, key) })
		fx.cards.before = nil
		fx.advance(gateway.Lease + time.Second)
		s, err := fx.BindCard(t.Context(), in, key)
		if err != nil || !s.Replayed || s.Value.State != pay.CardFailed || s.Value.Reason != pay.DeclineCardAgain {
			t.Fatalf("%+v: %v", s, err)
		}
		if _, err := fx.ConfirmCard(t.Context(), s.Value.ID, "112233", gateway.Idem{}); reason(err) != "card_failed" {
			t.Errorf("a code for it: %v", err)
		}
		key.Key = "k2"
		if s, err = fx.BindCard(t.Context(), in, key); err != nil || s.Value.State != pay.CardPending {
			t.Fatalf("%+v: %v", s, err)
		}
		if s, err = fx.ConfirmCard(t.Context(), s.Value.ID, "112233", gateway.Idem{}); err != nil || s.Value.State != pay.CardActive || s.Value.Ref != "" {
			t.Fatalf("%+v: %v", s, err)
		}
	})
}
