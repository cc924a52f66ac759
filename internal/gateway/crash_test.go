package gateway_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// dies runs f and swallows its panic: the goroutine is gone, as in a process that was killed, and
// only what it committed is left.
func dies(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Fatal("it was to die on the way")
		}
	}()
	f()
}

// Wherever a refund's process dies, the end is the same as the company's own book says, it was
// asked to refund at most once, and the repeat under the same key gives that refund.
func TestRefundDiesAfterEachStep(t *testing.T) {
	steps := []struct {
		name string
		call func(fx *fixture, o provider.RefundOrder) (provider.MoveOutcome, error)
		made bool // whether the money went back
	}{
		{"before the call", func(fx *fixture, o provider.RefundOrder) (provider.MoveOutcome, error) {
			fx.host.mu.Lock()
			fx.host.returned -= o.Amount
			fx.host.mu.Unlock()
			panic("killed")
		}, false},
		{"after the call", func(*fixture, provider.RefundOrder) (provider.MoveOutcome, error) {
			panic("killed")
		}, true},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				inv := fx.paid("host", "o1")
				in := gateway.RefundInput{InvoiceID: inv.ID, Amount: 40_000}
				key := gateway.Idem{Key: "k", Request: in}
				fx.host.onRefund = func(o provider.RefundOrder) (provider.MoveOutcome, error) { return step.call(fx, o) }
				dies(t, func() { _, _ = fx.CreateRefund(t.Context(), in, key) })
				fx.settle() // the lease still stands: nobody touches it
				if list, _ := fx.RefundsOf(t.Context(), inv.ID, gateway.Page{Limit: 20}); len(list.Items) != 1 || list.Items[0].State != pay.MoveSent {
					t.Fatalf("under the lease: %+v", list)
				}
				fx.advance(gateway.Lease + time.Second)
				fx.settle()
				fx.advance(time.Hour)
				fx.settle()
				want, returned := pay.MoveFailed, pay.Tiyin(0)
				if step.made {
					want, returned = pay.MoveSucceeded, 40_000
				}
				s, err := fx.CreateRefund(t.Context(), in, key)
				if err != nil || !s.Replayed || s.Value.State != want {
					t.Fatalf("%+v, %v", s, err)
				}
				got := fx.get(inv.ID)
				if got.Payment.Refunded != returned || fx.host.returned != returned || got.Payment.Reserved != 0 || fx.host.refunds != 1 || got.Attention != "" {
					t.Fatalf("ours %+v, theirs %d in %d calls, attention %q", got.Payment, fx.host.returned, fx.host.refunds, got.Attention)
				}
			})
		})
	}
}

// The database goes away between the company's answer and our writing it down.
func TestRefundWhoseOutcomeCannotBeWritten(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		fx.host.onRefund = func(provider.RefundOrder) (provider.MoveOutcome, error) {
			fx.store.FailWrites(true)
			return provider.MoveOutcome{State: pay.MoveSucceeded}, nil
		}
		if _, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, gateway.Idem{}); pay.CodeOf(err) != pay.CodeInternal {
			t.Fatal(err)
		}
		fx.store.FailWrites(false)
		fx.advance(gateway.Lease + time.Second)
		fx.settle()
		if got := fx.get(inv.ID); got.Status != pay.StatusRefunded || fx.host.refunds != 1 {
			t.Fatalf("%s after %d calls", got.Status, fx.host.refunds)
		}
	})
}

// A confirmation that could not be written is "come back later", leaves nothing half-written,
// and its repeat succeeds; so does a webhook whose arrival could not be written: same id again.
func TestConfirmAndDeliverWithoutADatabase(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "link")
		inv := fx.invoice(fx.input("link", "o1"))
		confirm := func(want bool) {
			t.Helper()
			fx.on(m, func(d provider.Desk) {
				_, err := d.Confirm(t.Context(), provider.Key{Ref: "r"}, provider.Proof{})
				if (err == nil) != want || provider.RefusalOf(err) != "" {
					t.Fatalf("confirmed %v, want %v: %v", err == nil, want, err)
				}
			})
		}
		fx.on(m, func(d provider.Desk) {
			if _, err := d.Open(t.Context(), provider.OpenOrder{Account: inv.ID, Ref: "r", Amount: inv.Amount}); err != nil {
				t.Fatal(err)
			}
		})
		fx.store.FailWrites(true)
		confirm(false)
		fx.store.FailWrites(false)
		if got := fx.get(inv.ID); got.Status != pay.StatusPending || got.Payment.State != pay.Created {
			t.Fatalf("half-written: %s, %s", got.Status, got.Payment.State)
		}
		confirm(true)
		confirm(true)

		receiver := fx.app.Config.Handler
		fx.app.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fx.store.FailWrites(true) // from here on nothing can be written
			receiver.ServeHTTP(w, r)
		})
		_, _ = fx.runner.RunDue(t.Context())
		fx.app.Config.Handler = receiver
		fx.store.FailWrites(false)
		fx.advance(gateway.Lease + time.Second)
		fx.settle()
		if got := fx.app.statuses(); !slices.Equal(got, []string{"paid", "paid"}) {
			t.Fatalf("the app was told %v", got)
		}
		if a, b := fx.app.received[0], fx.app.received[1]; a.EventID != b.EventID || a.Raw != b.Raw {
			t.Fatal("the second try is another event")
		}
		if !fx.get(inv.ID).NotifyDelivered {
			t.Fatal("it arrived")
		}
	})
}

// A hosted page whose process died is nobody's: after the lease its payment is closed, and the
// next request makes another.
func TestPageDies(t *testing.T) {
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
		fx.settle()
		s, err := fx.CreateInvoice(t.Context(), in, gateway.Idem{})
		if err != nil || s.Status != 200 || s.Value.CheckoutURL == "" || s.Value.Payment.State != pay.Created {
			t.Fatalf("%+v, %v", s, err)
		}
		if again, err := fx.CreateInvoice(t.Context(), in, key); err != nil || !again.Replayed || again.Value.ID != s.Value.ID || again.Value.CheckoutURL == "" {
			t.Fatalf("the repeat under the key: %+v, %v", again, err)
		}
	})
}

// What the two walks cost: statements and commits, which do not depend on the machine. A change
// that makes them dearer must say so here.
func TestWhatTheWalksCost(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "link")
		cost := func(step string, statements, commits int64, f func()) {
			t.Helper()
			s0, c0 := fx.store.Counts()
			f()
			s1, c1 := fx.store.Counts()
			t.Logf("%s: %d statements, %d commits", step, s1-s0, c1-c0)
			if s1-s0 > statements || c1-c0 != commits {
				t.Errorf("%s: %d statements, %d commits; want at most %d and exactly %d", step, s1-s0, c1-c0, statements, commits)
			}
		}
		var inv gateway.Invoice
		fx.merchant("b1", "host")
		in := fx.input("link", "o1")
		cost("create an invoice", 4, 1, func() { inv = fx.invoice(in) })
		desk := func(f func(d provider.Desk) error) func() {
			return func() {
				fx.on(m, func(d provider.Desk) {
					if err := f(d); err != nil {
						t.Error(err)
					}
				})
			}
		}
		cost("check", 3, 0, desk(func(d provider.Desk) error {
			_, err := d.Check(t.Context(), inv.ID, inv.Amount)
			return err
		}))
		open := desk(func(d provider.Desk) error {
			_, err := d.Open(t.Context(), provider.OpenOrder{Account: inv.ID, Ref: "r", Amount: inv.Amount})
			return err
		})
		cost("open", 6, 1, open)
		cost("open again", 4, 1, open) // PostgreSQL is asked for the ref too, before it is known that nobody needs it
		confirm := desk(func(d provider.Desk) error {
			_, err := d.Confirm(t.Context(), provider.Key{Ref: "r"}, provider.Proof{})
			return err
		})
		cost("confirm", 10, 1, confirm)
		cost("confirm again", 4, 1, confirm)
		cost("claim and deliver the webhook", 11, 3, func() { // the third commit finds that nothing more is due; one statement locks the invoice
			if n, err := fx.runner.RunDue(t.Context()); n != 1 || err != nil {
				t.Errorf("%d deliveries: %v", n, err)
			}
		})
		cost("read the invoice", 2, 0, func() { fx.get(inv.ID) })
		fx.invoice(fx.input("link", "o2"))
		cost("list invoices, however many", 2, 0, func() {
			list, err := fx.Invoices(t.Context(), gateway.InvoiceFilter{Source: "app"}, gateway.Page{})
			if err != nil || len(list.Items) != 2 {
				t.Fatalf("%d invoices: %v", len(list.Items), err)
			}
			for _, item := range list.Items { // one of them was paid above
				if p := item.Payment; (p != nil) != (item.ID == inv.ID) || p != nil && (p.InvoiceID != inv.ID || p.State != pay.Paid) {
					t.Errorf("invoice %s is listed with payment %+v", item.ID, p)
				}
			}
		})
	})
}
