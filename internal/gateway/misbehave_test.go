package gateway_test

import (
	"context"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// A company that says of its page what our book cannot take (paid, but another sum) is asked once,
// not again and again: the answer is a conflict, and a person is told.
func TestPageThatCannotBeTakenBack(t *testing.T) {
	outcomes := map[string]provider.Outcome{
		"paid, another sum": {State: pay.Paid, Amount: 1},
		"returned":          {State: pay.Refunded, Amount: 1},
		"no state":          {},
	}
	for name, o := range outcomes {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				fx.merchant("b1", "host")
				fx.merchant("b1", "link")
				inv := fx.invoice(fx.input("host", "o1"))
				ctx, stop := context.WithCancel(t.Context())
				asked := 0
				fx.host.onCancel = func() (provider.Outcome, error) {
					if asked++; asked == 5 {
						stop() // it would go on for ever
					}
					return o, nil
				}
				if _, err := fx.CancelInvoice(ctx, inv.ID, gateway.Idem{}); reason(err) != "payment_in_progress" || asked != 1 {
					t.Fatalf("cancel: %v after %d questions", err, asked)
				}
				if _, err := fx.CreateInvoice(ctx, fx.input("link", "o1"), gateway.Idem{}); reason(err) != "payment_in_progress" || asked != 2 {
					t.Fatalf("another provider: %v after %d questions", err, asked)
				}
				if got := fx.get(inv.ID); got.Status != pay.StatusPending {
					t.Fatalf("it became %s", got.Status)
				}
			})
		})
	}
}

// The repeat of a request whose process died while it asked for a page gives the page too: an app
// that keeps to its key would otherwise have an invoice that nobody can pay.
func TestRepeatAfterThePageDied(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.merchant("b1", "host")
		fx.host.onCheckout = func(n int) error {
			if n == 1 {
				panic("killed")
			}
			return nil
		}
		in := fx.input("host", "o1")
		key := gateway.Idem{Key: "k", Request: in}
		dies(t, func() { _, _ = fx.CreateInvoice(t.Context(), in, key) })
		fx.advance(gateway.Lease + time.Second)
		first, err := fx.CreateInvoice(t.Context(), in, key)
		if err != nil || first.Status != 201 || !first.Replayed || first.Value.CheckoutURL == "" {
			t.Fatalf("%+v, %v", first, err)
		}
		fx.settle() // the dead request's work finds its payment closed
		again, err := fx.CreateInvoice(t.Context(), in, key)
		if err != nil || again.Value.ID != first.Value.ID || again.Value.CheckoutURL != first.Value.CheckoutURL || fx.host.pages != 2 {
			t.Fatalf("%+v, %v; %d pages", again, err, fx.host.pages)
		}
	})
}

// One invoice that cannot be expired does not keep the others from it.
func TestOneBadInvoiceDoesNotStopExpiry(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "link")
		bad := fx.invoice(fx.input("link", "o1"))
		fx.on(m, func(d provider.Desk) {
			// No adapter does this: an attempt cannot lapse into refunded.
			if _, err := d.Open(t.Context(), provider.OpenOrder{Account: bad.ID, Ref: "r", Amount: bad.Amount, ExpiresAt: fx.Now().Add(time.Hour), OnExpiry: pay.Refunded}); err != nil {
				t.Error(err)
			}
		})
		fx.advance(time.Second)
		good := fx.invoice(fx.input("link", "o2"))
		fx.advance(25 * time.Hour)
		if n, err := fx.ExpireInvoices(t.Context()); n != 1 || err == nil {
			t.Fatalf("%d, %v", n, err)
		}
		if got := fx.get(good.ID); got.Status != pay.StatusCancelled {
			t.Fatalf("the good one is %s", got.Status)
		}
	})
}
