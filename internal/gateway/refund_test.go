package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

type (
	storeTx   = store.Tx
	storePage = store.Page
)

// Parts add up; the last one makes the invoice refunded and tells the app.
func TestRefundInParts(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		for _, amount := range []pay.Tiyin{30_000, 0} {
			s, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID, Amount: amount, Reason: "returned"}, gateway.Idem{})
			if err != nil || s.Status != 201 || s.Value.State != pay.MoveSucceeded {
				t.Fatalf("%+v, %v", s, err)
			}
		}
		got := fx.get(inv.ID)
		if got.Status != pay.StatusRefunded || got.Payment.Refunded != 100_000 || got.Payment.Reserved != 0 {
			t.Fatalf("%s, %+v", got.Status, got.Payment)
		}
		if _, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, gateway.Idem{}); reason(err) != "not_paid" {
			t.Fatalf("a third: %v", err)
		}
		fx.settle()
		if got := fx.app.statuses(); !slices.Equal(got, []string{"paid", "refunded"}) {
			t.Fatalf("the app was told %v", got)
		}
	})
}

// 64 parallel refunds of one payment never return more than was captured.
func TestParallelRefundsReturnNoMoreThanWasCaptured(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		var wg sync.WaitGroup
		var ok atomic.Int64
		for range 64 {
			wg.Go(func() {
				s, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID, Amount: 30_000}, gateway.Idem{})
				if err == nil && s.Value.State == pay.MoveSucceeded {
					ok.Add(1)
				} else if pay.CodeOf(err) != pay.CodeConflict {
					t.Errorf("%+v, %v", s.Value, err)
				}
			})
		}
		wg.Wait()
		got := fx.get(inv.ID)
		if ok.Load() != 3 || fx.host.refunds != 3 || fx.host.returned != 90_000 || got.Payment.Refunded != 90_000 || got.Payment.Reserved != 0 {
			t.Fatalf("%d succeeded, the company returned %d in %d, our book says %+v", ok.Load(), fx.host.returned, fx.host.refunds, got.Payment)
		}
	})
}

// 64 equal requests under one key make one refund.
func TestEqualRefundsRace(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		in := gateway.RefundInput{InvoiceID: inv.ID, Amount: 10_000}
		var wg sync.WaitGroup
		ids := make([]string, 64)
		var first atomic.Int64
		for i := range ids {
			wg.Go(func() {
				s, err := fx.CreateRefund(t.Context(), in, gateway.Idem{Key: "k", Request: in})
				if err != nil || s.Status != 201 {
					t.Errorf("%+v, %v", s, err)
				}
				if !s.Replayed {
					first.Add(1)
				}
				ids[i] = s.Value.ID
			})
		}
		wg.Wait()
		if len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 1 || fx.host.refunds != 1 || first.Load() != 1 {
			t.Fatalf("%v, the company was asked %d times, %d were first", ids, fx.host.refunds, first.Load())
		}
	})
}

// A lost answer is never a repeat: the refund is unknown, another is refused, and asking settles
// it, also when it never arrived.
func TestRefundWithALostAnswer(t *testing.T) {
	for _, arrived := range []bool{true, false} {
		t.Run(fmt.Sprintf("arrived %v", arrived), func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				inv := fx.paid("host", "o1")
				away := true
				fx.host.onRefund = func(o provider.RefundOrder) (provider.MoveOutcome, error) {
					if !arrived {
						fx.host.mu.Lock()
						fx.host.returned -= o.Amount
						fx.host.mu.Unlock()
					}
					return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindUnavailable, Err: errors.New("connection reset")}
				}
				fx.host.onInquire = func(provider.Question) (provider.Report, error) {
					if away {
						return provider.Report{}, &provider.Error{Kind: provider.KindUnavailable, NotSent: true}
					}
					return provider.Report{Found: true, Shows: true, Refunded: fx.host.returned, Outcome: provider.Outcome{State: pay.Paid}}, nil
				}
				s, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID, Amount: 40_000}, gateway.Idem{Key: "k"})
				if err != nil || s.Value.State != pay.MoveUnknown || s.Value.State.Public() != "pending" {
					t.Fatalf("%+v, %v", s, err)
				}
				if got := fx.get(inv.ID); got.Attention != pay.AttentionRefundUnconfirmed || got.Payment.Reserved != 40_000 {
					t.Fatalf("attention %q, %+v", got.Attention, got.Payment)
				}
				if _, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID, Amount: 10_000}, gateway.Idem{}); reason(err) != "refund_in_progress" {
					t.Fatalf("another meanwhile: %v", err)
				}
				away = false
				want, left := pay.MoveSucceeded, pay.Tiyin(60_000)
				if !arrived {
					fx.advance(9 * time.Minute)
					fx.settle()
					if r, _ := fx.Refund(t.Context(), s.Value.ID); r.State != pay.MoveUnknown {
						t.Fatalf("not found is not final before ten minutes: %s", r.State)
					}
					want, left = pay.MoveFailed, 100_000
				}
				fx.advance(time.Hour)
				fx.settle()
				r, err := fx.Refund(t.Context(), s.Value.ID)
				got := fx.get(inv.ID)
				if err != nil || r.State != want || got.Payment.Left() != left || got.Attention != "" {
					t.Fatalf("%s, %v; left %d, attention %q", r.State, err, got.Payment.Left(), got.Attention)
				}
				if fx.host.refunds != 1 {
					t.Fatalf("the company was asked to refund %d times", fx.host.refunds)
				}
			})
		})
	}
}

// A refund that certainly did not reach the company is an error, reserves nothing, and leaves its
// key free.
func TestRefundThatWasNotSent(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		fx.host.onRefund = func(o provider.RefundOrder) (provider.MoveOutcome, error) {
			fx.host.mu.Lock()
			fx.host.returned -= o.Amount
			fx.host.mu.Unlock()
			return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindUnavailable, NotSent: true}
		}
		key := gateway.Idem{Key: "k"}
		if _, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, key); pay.CodeOf(err) != pay.CodeUpstream {
			t.Fatal(err)
		}
		if got := fx.get(inv.ID); got.Payment.Reserved != 0 || got.Attention != "" {
			t.Fatalf("%+v, %q", got.Payment, got.Attention)
		}
		fx.host.onRefund = nil
		s, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, key)
		if err != nil || s.Value.State != pay.MoveSucceeded || s.Replayed {
			t.Fatalf("%+v, %v", s, err)
		}
	})
}

// A refusal of the company is an answer: 201 failed, with its words, and the amount is free again.
func TestRefusedRefund(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		fx.host.onRefund = func(provider.RefundOrder) (provider.MoveOutcome, error) {
			return provider.MoveOutcome{State: pay.MoveFailed, Code: "LATE", Note: "too late"}, nil
		}
		s, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, gateway.Idem{})
		if err != nil || s.Value.State != pay.MoveFailed || s.Value.Code != "LATE" {
			t.Fatalf("%+v, %v", s, err)
		}
		if got := fx.get(inv.ID); got.Payment.Left() != 100_000 || got.Status != pay.StatusPaid {
			t.Fatalf("%+v", got)
		}
	})
}

// Where the company has no refund by API the answer says where to do it; its own call makes the
// invoice refunded, is in the list of refunds, and tells the app.
func TestRefundAtTheCompany(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("link", "o1")
		if _, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, gateway.Idem{}); pay.CodeOf(err) != pay.CodeUnsupported {
			t.Fatal(err)
		}
		m := fx.merchant("b1", "link")
		for i := range 3 {
			fx.on(m, func(d provider.Desk) {
				res, err := d.Cancel(t.Context(), provider.Key{Ref: "ref-o1"}, provider.CancelOrder{Reason: "5"})
				if err != nil || res.Payment.State != pay.Refunded || res.Again != (i > 0) {
					t.Errorf("%+v, %v", res, err)
				}
			})
		}
		list, err := fx.RefundsOf(t.Context(), inv.ID, gateway.Page{Limit: 20})
		if err != nil || len(list.Items) != 1 || !list.Items[0].Theirs || list.Items[0].Amount != 100_000 {
			t.Fatalf("%+v, %v", list, err)
		}
		fx.settle()
		if got := fx.app.statuses(); !slices.Equal(got, []string{"paid", "refunded"}) {
			t.Fatalf("the app was told %v", got)
		}
	})
}

// A named person's word settles what nobody can be asked about.
func TestDecide(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		fx.host.onRefund = func(provider.RefundOrder) (provider.MoveOutcome, error) {
			return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindUnavailable}
		}
		fx.host.onInquire = func(provider.Question) (provider.Report, error) {
			return provider.Report{Found: true}, nil // the company does not show returns
		}
		s, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, gateway.Idem{})
		if err != nil || s.Value.State != pay.MoveUnknown {
			t.Fatalf("%+v, %v", s, err)
		}
		fx.advance(48 * time.Hour)
		fx.settle()
		if r, _ := fx.Refund(t.Context(), s.Value.ID); r.State != pay.MoveUnknown {
			t.Fatalf("it became %s by itself", r.State)
		}
		if err := fx.Decide(t.Context(), gateway.Decision{InvoiceID: inv.ID, Happened: true, Who: "dilnoza@shop.uz", Why: "seen in the cabinet"}); err != nil {
			t.Fatal(err)
		}
		if got := fx.get(inv.ID); got.Status != pay.StatusRefunded || got.Attention != "" {
			t.Fatalf("%s, %q", got.Status, got.Attention)
		}
		if err := fx.Decide(context.Background(), gateway.Decision{InvoiceID: inv.ID, Happened: true, Who: "x", Why: "y"}); reason(err) != "nothing_unknown" {
			t.Fatal(err)
		}
	})
}

// A refund's key is known for ever: also after the master key was rotated, and the old one is gone.
func TestRefundKeyOutlivesTheMasterKey(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		in := gateway.RefundInput{InvoiceID: inv.ID, Amount: 10_000}
		key := gateway.Idem{Key: "k", Request: in}
		first, err := fx.CreateRefund(t.Context(), in, key)
		if err != nil {
			t.Fatal(err)
		}
		const second = "k2:YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
		fx.restart(second + ",k1:" + keyText)
		if _, err := gateway.Reseal(t.Context(), fx.store, fx.Seal); err != nil {
			t.Fatal(err)
		}
		fx.restart(second)
		again, err := fx.CreateRefund(t.Context(), in, key)
		if err != nil || !again.Replayed || again.Value.ID != first.Value.ID || fx.host.refunds != 1 {
			t.Fatalf("%+v, %v, %d refunds", again, err, fx.host.refunds)
		}
	})
}

// A refund that was taken for failed and was made after all counts as made, as long as its amount
// was not returned otherwise meanwhile; then too much went back, and a person is told.
func TestARefundThatSucceedsLate(t *testing.T) {
	for _, again := range []bool{false, true} {
		each(t, func(t *testing.T, fx *fixture) {
			inv := fx.paid("host", "o1")
			fx.host.onRefund = func(o provider.RefundOrder) (provider.MoveOutcome, error) {
				fx.host.onRefund = nil
				fx.host.mu.Lock()
				fx.host.returned -= o.Amount // the company does not show it yet
				fx.host.mu.Unlock()
				fx.advance(gateway.Lease + 11*time.Minute) // our sender stands still, and another asks
				fx.settle()
				if again {
					fx.on(fx.merchant("b1", "host"), func(d provider.Desk) {
						if _, err := d.Cancel(t.Context(), provider.Key{PaymentID: o.Payment.ID}, provider.CancelOrder{}); err != nil {
							t.Error(err)
						}
					})
				}
				return provider.MoveOutcome{State: pay.MoveSucceeded, Ref: "late"}, nil
			}
			s, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID, Amount: 40_000}, gateway.Idem{})
			if err != nil {
				t.Fatal(err)
			}
			got := fx.get(inv.ID)
			want, left, attention := pay.MoveSucceeded, pay.Tiyin(60_000), pay.AttentionProvider
			if again {
				want, left, attention = pay.MoveFailed, 0, pay.AttentionProvider
			}
			if s.Value.State != want || got.Payment.Left() != left || got.Attention != attention {
				t.Fatalf("%s, left %d, attention %q", s.Value.State, got.Payment.Left(), got.Attention)
			}
		})
	}
}
