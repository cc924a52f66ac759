package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// Each order goes through all rows once, page by page, also where sums are equal.
func TestInvoicesInEachOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		sums := []pay.Tiyin{300, 100, 200, 100, 300, 200, 100}
		for i, sum := range sums {
			inv := pay.Invoice{
				ID: fmt.Sprint("inv-", i), BusinessID: shop.business.ID, SourceInvoiceID: fmt.Sprint(i), PayNumber: fmt.Sprint(i),
				Amount: sum, Status: pay.StatusPending, CreatedAt: noon.Add(time.Duration(i) * time.Second), ExpiresAt: noon,
			}
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.InsertInvoice(ctx, inv)
				return err
			})
		}
		for order, want := range map[store.Order]string{
			store.Newest:   "[6 5 4 3 2 1 0]",
			store.Oldest:   "[0 1 2 3 4 5 6]",
			store.Largest:  "[4 0 5 2 6 3 1]",
			store.Smallest: "[1 3 6 2 5 0 4]",
		} {
			var got []string
			p := store.Page{Limit: 2}
			for {
				var rows []pay.Invoice
				view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
					rows, err = tx.Invoices(ctx, store.InvoiceFilter{Order: order}, p)
					return err
				})
				for _, inv := range rows[:min(2, len(rows))] {
					got = append(got, inv.SourceInvoiceID)
					p.AfterAt, p.AfterID = inv.CreatedAt.UnixMilli(), inv.ID
					if order.ByAmount() {
						p.AfterAt = int64(inv.Amount)
					}
				}
				if len(rows) <= 2 {
					break
				}
			}
			if fmt.Sprint(got) != want {
				t.Errorf("order %q: %v, want %s", order, got, want)
			}
		}
	})
}

// An invoice is listed under the provider that it was paid through, also where the buyer chose.
func TestViaFollowsTheMoney(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		inv, _ := shop.invoice(t, "1", pay.Created)
		under := func(via string) (n int) {
			view(t, s, func(ctx context.Context, tx *store.Tx) error {
				rows, err := tx.Invoices(ctx, store.InvoiceFilter{Via: via}, store.Page{})
				n = len(rows)
				return err
			})
			return n
		}
		if under("payme") != 0 {
			t.Error("an attempt alone counts")
		}
		if err := shop.confirm(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		if under("payme") != 1 {
			t.Error("it is not found under the provider that was paid")
		}
		inv.Provider, inv.Status = "click", pay.StatusPaid
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveInvoice(ctx, inv) })
		if under("payme") != 1 || under("click") != 0 {
			t.Error("what it is made for outweighs what was paid")
		}
	})
}

// The hours add up to what was paid, lost and returned, each in its own hour.
func TestHours(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		for i, at := range []time.Time{noon, noon.Add(59 * time.Minute), noon.Add(time.Hour), noon.Add(-time.Minute)} {
			_, p := shop.invoice(t, fmt.Sprint(i), pay.Paid)
			p.PaidAt = at
			update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SavePayment(ctx, p) })
		}
		_, lost := shop.invoice(t, "lost", pay.Failed)
		lost.EndedAt = noon
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.SavePayment(ctx, lost); err != nil {
				return err
			}
			_, err := tx.InsertRefund(ctx, pay.Refund{
				ID: "ref", BusinessID: "biz", InvoiceID: "inv-0", PaymentID: "pay-0", Amount: 700, State: pay.MoveSucceeded, CreatedAt: noon, DoneAt: noon.Add(time.Minute),
			})
			return err
		})
		var got []store.Hour
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			got, err = tx.Hours(ctx, noon)
			return err
		})
		sum := map[string]store.Hour{}
		for _, h := range got {
			key := h.Start.Format("15") + h.Provider
			add := sum[key]
			add.Paid, add.Sum, add.Lost, add.Returned, add.Back = add.Paid+h.Paid, add.Sum+h.Sum, add.Lost+h.Lost, add.Returned+h.Returned, add.Back+h.Back
			sum[key] = add
		}
		want := map[string]store.Hour{
			"12payme": {Paid: 2, Sum: 1_000_000, Lost: 1}, "13payme": {Paid: 1, Sum: 500_000}, "12": {Returned: 1, Back: 700},
		}
		if diff := cmp.Diff(want, sum); diff != "" {
			t.Error(diff)
		}
	})
}

// An approval is decided once, by another than who asked, and not after its time.
func TestApprovalsAreUsedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		shop.invoice(t, "1", pay.Paid)
		var a store.Approval
		fill(&a, 1)
		a.InvoiceID, a.State, a.DecidedBy, a.RefundID = "inv-1", store.ApprovalWaiting, "", ""
		decide := func(id, by, state string, at time.Time) (ok bool, err error) {
			err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				ok, err = tx.DecideApproval(ctx, store.Approval{ID: id, State: state, DecidedBy: by, DecidedAt: at})
				return err
			})
			return ok, err
		}
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for range 2 {
				if _, err := tx.InsertApproval(ctx, a); err != nil {
					return err
				}
			}
			got, err := tx.Approval(ctx, a.ID)
			if diff := cmp.Diff(a, got); diff != "" {
				t.Error(diff)
			}
			return err
		})
		if _, err := decide(a.ID, a.AskedBy, store.ApprovalConfirmed, a.CreatedAt); err == nil {
			t.Error("who asked may confirm")
		}
		if ok, _ := decide(a.ID, "other", store.ApprovalConfirmed, a.ExpiresAt); ok {
			t.Error("it can be decided when it has run out")
		}
		if ok, err := decide(a.ID, "other", store.ApprovalConfirmed, a.CreatedAt); !ok {
			t.Error(err)
		}
		if ok, _ := decide(a.ID, "third", store.ApprovalConfirmed, a.CreatedAt); ok {
			t.Error("it is decided twice")
		}
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.ApprovalMade(ctx, a.ID, "ref-1") })
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			list, err := tx.ApprovalsOf(ctx, "inv-1")
			if len(list) != 1 || list[0].RefundID != "ref-1" || list[0].DecidedBy != "other" {
				t.Errorf("%+v", list)
			}
			waiting, _ := tx.WaitingApprovals(ctx, a.CreatedAt, 10)
			if len(waiting) != 0 {
				t.Error("it still waits")
			}
			return err
		})
	})
}
