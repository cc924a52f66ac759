package gateway_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
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

// A page is not made for an invoice that has run out, though nobody has swept it up yet; and the
// work beside one that is made stands in its company's lane.
func TestPageForAnInvoiceThatRanOut(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.merchant("b1", "host")
		inv := fx.invoice(fx.input("", "o1"))
		fx.host.onCheckout = func(int) error {
			return fx.store.View(t.Context(), func(ctx context.Context, tx *storeTx) error {
				payments, err := tx.Payments(ctx, inv.ID)
				if err != nil {
					return err
				}
				if w, err := tx.WorkFor(ctx, "settle", payments[0].ID); err != nil || w.Lane != "host" {
					t.Errorf("lane %q, %v", w.Lane, err)
				}
				return nil
			})
		}
		if l, err := fx.Start(t.Context(), inv.ID, "host"); err != nil || l.URL == "" {
			t.Fatalf("%+v, %v", l, err)
		}
		late := fx.invoice(fx.input("", "o2"))
		fx.advance(25 * time.Hour)
		if _, err := fx.Start(t.Context(), late.ID, "host"); reason(err) != "not_payable" || fx.host.pages != 1 {
			t.Fatalf("%v, %d pages", err, fx.host.pages)
		}
	})
}

// A process that stood still between its decision and its call, for longer than its lease, does not
// make the call: another has asked by then, been told that there is no such refund, and perhaps a
// second one was made in its place.
func TestRefundByAProcessThatStoodStill(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		fx.host.onMay = func() { fx.advance(11 * time.Minute) }
		if _, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, gateway.Idem{Key: "k"}); pay.CodeOf(err) != pay.CodeUpstream || fx.host.refunds != 0 {
			t.Fatalf("%v, the company was asked %d times", err, fx.host.refunds)
		}
		fx.host.onMay = nil
		s, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, gateway.Idem{Key: "k"})
		if err != nil || s.Value.State != pay.MoveSucceeded || fx.host.returned != 100_000 {
			t.Fatalf("%+v, %v; %d returned", s, err, fx.host.returned)
		}
	})
}

const hostilePAN = "8600495473316478"

// What a company says is stored and shown as text that any database takes, and without a card's
// number, also where the company put one where none belongs.
func TestHostileWords(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		var log strings.Builder
		fx.Logger = slog.New(slog.NewTextHandler(&log, nil))
		const words = "card " + hostilePAN + " is blocked\x00\xff"

		fx.host.onCheckout = func(n int) error {
			if n > 1 {
				return nil
			}
			return &provider.Error{Kind: provider.KindInvalid, Code: hostilePAN, Message: words}
		}
		fx.merchant("b1", "host")
		_, err := fx.CreateInvoice(t.Context(), fx.input("host", "o1"), gateway.Idem{})
		if pay.CodeOf(err) != pay.CodeUpstream || showsPAN(t, err) || strings.Contains(err.Error(), hostilePAN) {
			t.Fatalf("no page: %#v", err)
		}

		m := fx.merchant("b1", "host")
		inv := fx.invoice(fx.input("host", "o1"))
		fx.on(m, func(d provider.Desk) {
			_, err := d.Confirm(t.Context(), provider.Key{Ref: inv.Payment.Ref, PaymentID: inv.Payment.ID}, provider.Proof{
				Amount: inv.Amount, Card: pay.Card{MaskedPAN: hostilePAN + "\x00", PaymentSystem: words}, ReceiptURL: "https://host.example/\x00",
			})
			if err != nil {
				t.Error("the buyer has paid: ", err)
			}
		})
		if got := fx.get(inv.ID); got.Status != pay.StatusPaid || got.Payment.Card.MaskedPAN != "860049******6478" {
			t.Fatalf("%s, %+v", got.Status, got.Payment)
		}
		fx.host.onRefund = func(provider.RefundOrder) (provider.MoveOutcome, error) {
			return provider.MoveOutcome{State: pay.MoveFailed, Ref: "\x00", Code: hostilePAN, Note: words}, nil
		}
		s, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, gateway.Idem{})
		if err != nil || s.Value.State != pay.MoveFailed || !strings.Contains(s.Value.Note, "is blocked") || showsPAN(t, s.Value) {
			t.Fatalf("%+v, %v", s, err)
		}
		fx.host.onRefund = func(provider.RefundOrder) (provider.MoveOutcome, error) {
			return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindUnavailable, Message: words}
		}
		if _, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		fx.on(m, func(d provider.Desk) {
			if err := d.Alarm(t.Context(), provider.Key{Ref: inv.Payment.Ref}, pay.AttentionProvider, words); err != nil {
				t.Error(err)
			}
		})
		fx.settle()
		timeline, err := fx.Timeline(t.Context(), inv.ID)
		if err != nil || showsPAN(t, timeline) || showsPAN(t, fx.get(inv.ID)) {
			t.Fatalf("%+v, %v", timeline, err)
		}
		if log.Len() == 0 || strings.Contains(log.String(), hostilePAN) {
			t.Fatalf("the log: %s", log.String())
		}
		for _, m := range fx.app.received {
			if strings.Contains(m.Raw, hostilePAN) {
				t.Fatalf("the app was told %s", m.Raw)
			}
		}
	})
}

func showsPAN(t *testing.T, v any) bool {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(b), hostilePAN)
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
