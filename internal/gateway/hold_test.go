package gateway_test

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// holdProvider is the scripted company of cards where it charges through a hold.
type holdProvider struct{ c *cardCompany }

func (p holdProvider) Info() provider.Info {
	return provider.Info{Name: "holds", Title: "Holds", Fields: []provider.Field{{Key: "key", Required: true, Secret: true}}, Account: (*holdAccount)(nil)}
}

func (p holdProvider) Open(provider.Credentials, provider.Env) (provider.Account, error) {
	return &holdAccount{&cardAccount{p.c}}, nil
}

type holdAccount struct{ *cardAccount }

func (a *holdAccount) HoldFirst() time.Duration                { return time.Hour }
func (a *holdAccount) CanCapture(pay.Payment, pay.Tiyin) error { return nil }
func (a *holdAccount) Charge(ctx context.Context, o provider.ChargeOrder) (provider.Outcome, error) {
	out, err := a.cardAccount.Charge(ctx, o)
	if out.State == pay.Paid {
		out.State = pay.Held
	}
	return out, err
}

func (a *holdAccount) Capture(_ context.Context, p pay.Payment, amount pay.Tiyin) (provider.Outcome, error) {
	if a.c.says != nil {
		return a.c.says("capture", p)
	}
	a.c.mu.Lock()
	a.c.captures++
	before, after := a.c.beforeCapture, a.c.afterCapture
	a.c.beforeCapture, a.c.afterCapture = nil, nil
	a.c.mu.Unlock()
	if before != nil {
		before()
	}
	a.c.mu.Lock()
	a.c.captured[p.ID] = true
	a.c.mu.Unlock()
	if after != nil {
		after()
	}
	return provider.Outcome{State: pay.Paid, Ref: p.Ref, Amount: amount}, nil
}

func (a *holdAccount) ServeCallback(w http.ResponseWriter, r *http.Request, d provider.Desk) {
	(&linkAccount{}).ServeCallback(w, r, d)
}

func (a *holdAccount) Release(context.Context, pay.Payment) (provider.Outcome, error) {
	return provider.Outcome{State: pay.Cancelled}, nil
}

func (a *holdAccount) Inquire(ctx context.Context, q provider.Question) (provider.Report, error) {
	r, err := a.cardAccount.Inquire(ctx, q)
	if a.c.says != nil {
		return r, err
	}
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if r.Found && !a.c.captured[q.PaymentID] {
		r.Outcome.State = pay.Held
	}
	return r, err
}

// deadly is metrics that die with the process when a payment is counted as held: right after that was
// committed.
type deadly struct{ gateway.Metrics }

func (deadly) Payment(_ string, to pay.State) {
	if to == pay.Held {
		panic("killed")
	}
}

// Wherever the process dies between holding and taking, the buyer pays once, the app hears "paid"
// alone, and nothing else can be tried meanwhile.
func TestHoldFirstDiesAfterEachStep(t *testing.T) {
	for _, c := range []struct {
		name     string
		prepare  func(fx *fixture)
		captures int
	}{
		{"after it was held", func(fx *fixture) { fx.cards.after = func() { panic("killed") } }, 1},
		{"after the hold was written down", func(fx *fixture) { fx.Metrics = deadly{fx.Metrics} }, 1},
		{"before it was taken", func(fx *fixture) { fx.cards.beforeCapture = func() { panic("killed") } }, 2},
		{"after it was taken", func(fx *fixture) { fx.cards.afterCapture = func() { panic("killed") } }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				fx.cards.askable = true
				fx.merchant("b1", "holds")
				inv := fx.invoice(fx.input("holds", "o1"))
				in := gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}
				c.prepare(fx)
				dies(t, func() { _, _ = fx.Pay(t.Context(), in, gateway.Idem{}) })
				fx.restart("k1:" + keyText)
				for range 5 {
					if got := fx.get(inv.ID); got.Status == pay.StatusPending {
						if _, err := fx.Pay(t.Context(), in, gateway.Idem{}); reason(err) != "payment_in_progress" {
							t.Errorf("another charge: %v", err)
						}
						if _, err := fx.CancelInvoice(t.Context(), inv.ID, gateway.Idem{}); reason(err) != "payment_in_progress" {
							t.Errorf("a cancellation: %v", err)
						}
					}
					fx.advance(11 * time.Minute)
					fx.settle()
					fx.settle()
				}
				if got := fx.get(inv.ID); got.Status != pay.StatusPaid || got.Payment.Captured != got.Amount || fx.cards.charges != 1 || fx.cards.captures != c.captures {
					t.Errorf("%s, captured %d, after %d charges and %d captures", got.Status, got.Payment.Captured, fx.cards.charges, fx.cards.captures)
				}
				if got := fx.app.statuses(); !slices.Equal(got, []string{"paid"}) {
					t.Errorf("the app was told %v", got)
				}
			})
		})
	}
}

// A company that says by its own call that it has captured is believed as its answer is: of what was
// asked for, also of a part, and it ends what stood about an answer that was lost.
func TestTheCompanyTellsOfACapture(t *testing.T) {
	for _, c := range []struct {
		name       string
		asked, say pay.Tiyin // say 0: without a sum
		lost       bool
		want       error
		attention  pay.Attention
	}{
		{"all of it", 0, 100_000, false, nil, ""},
		{"all of it, and the answer is lost", 0, 100_000, true, nil, ""},
		{"a part", 60_000, 60_000, false, nil, ""},
		{"a part, and the answer is lost", 60_000, 60_000, true, nil, ""},
		{"a part, without its sum", 60_000, 0, true, nil, ""},
		{"another sum", 60_000, 100_000, true, provider.WrongAmount, pay.AttentionUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				m := fx.merchant("b1", "holds")
				in := fx.input("holds", "o1")
				in.Capture = "manual"
				inv := fx.invoice(in)
				fx.cards.says = func(op string, p pay.Payment) (provider.Outcome, error) {
					if op == "charge" {
						return provider.Outcome{State: pay.Held, Ref: "ref-" + p.ID, Amount: p.Amount}, nil
					}
					told := false
					fx.on(m, func(d provider.Desk) {
						told = true
						if _, err := d.Confirm(t.Context(), provider.Key{PaymentID: p.ID}, provider.Proof{Amount: c.say}); err != c.want {
							t.Errorf("the company was told %v, want %v", err, c.want)
						}
					})
					if !told {
						t.Error("the company was not heard")
					}
					if c.lost {
						return provider.Outcome{}, errReset
					}
					return provider.Outcome{State: pay.Paid, Ref: p.Ref, Amount: p.AskedAmount}, nil
				}
				if _, err := fx.Pay(t.Context(), cardFor(inv), gateway.Idem{}); err != nil {
					t.Fatal(err)
				}
				if _, err := fx.Capture(t.Context(), inv.ID, c.asked, gateway.Idem{}); err != nil {
					t.Fatal(err)
				}
				got, open := fx.get(inv.ID), fx.open(inv.ID)
				if c.want != nil {
					if got.Status != pay.StatusHeld || got.Payment.Captured != 0 || !speaks(open, "instead of 600", "was lost") {
						t.Errorf("%s, captured %d: %q", got.Status, got.Payment.Captured, open)
					}
					return
				}
				if want := cmp.Or(c.asked, got.Amount); got.Status != pay.StatusPaid || got.Payment.Captured != want || got.Attention != "" || len(open) > 0 {
					t.Errorf("%s, captured %d, %q: %q", got.Status, got.Payment.Captured, got.Attention, open)
				}
				fx.settle()
				if got := fx.app.statuses(); !slices.Equal(got, []string{"held", "paid"}) {
					t.Errorf("the app was told %v", got)
				}
			})
		})
	}
}

// The word about a capture may come after its answer was given up: what stood about that is over.
func TestTheCompanyTellsOfACaptureLate(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "holds")
		in := fx.input("holds", "o1")
		in.Capture = "manual"
		inv := fx.invoice(in)
		fx.cards.says = func(op string, p pay.Payment) (provider.Outcome, error) {
			switch op {
			case "charge":
				return provider.Outcome{State: pay.Held, Ref: "ref-" + p.ID, Amount: p.Amount}, nil
			case "inquire":
				return provider.Outcome{}, &pay.Error{Code: pay.CodeUnsupported}
			}
			return provider.Outcome{}, errReset
		}
		if _, err := fx.Pay(t.Context(), cardFor(inv), gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		if s, err := fx.Capture(t.Context(), inv.ID, 0, gateway.Idem{}); err != nil || s.Value.Attention != pay.AttentionUnknown {
			t.Fatalf("%q, %v", s.Value.Attention, err)
		}
		fx.advance(time.Hour)
		fx.settle()
		fx.on(m, func(d provider.Desk) {
			if _, err := d.Confirm(t.Context(), provider.Key{PaymentID: fx.get(inv.ID).Payment.ID}, provider.Proof{Amount: inv.Amount}); err != nil {
				t.Error(err)
			}
		})
		if got, open := fx.get(inv.ID), fx.open(inv.ID); got.Status != pay.StatusPaid || got.Attention != "" || len(open) > 0 {
			t.Errorf("%s, %q: %q", got.Status, got.Attention, open)
		}
	})
}
