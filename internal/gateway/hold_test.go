package gateway_test

import (
	"context"
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
