package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// noon is the time at which most of the tests happen.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// shop is a business with one merchant, in a database of its own.
type shop struct {
	store    *store.Store
	business pay.Business
	merchant pay.Merchant
}

func newShop(t testing.TB, s *store.Store) *shop {
	t.Helper()
	shop := &shop{
		store:    s,
		business: pay.Business{ID: "biz", Source: "app", Key: "7", CreatedAt: noon},
		merchant: pay.Merchant{ID: "mer", BusinessID: "biz", Source: "app", Business: "7", Provider: "payme", Active: true, Version: 1, CreatedAt: noon, UpdatedAt: noon},
	}
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.EnsureBusiness(ctx, shop.business); err != nil {
			return err
		}
		return tx.SaveMerchant(ctx, shop.merchant, "")
	})
	return shop
}

// invoice stores the invoice inv-id with the payment pay-id in that state.
func (shop *shop) invoice(t testing.TB, id string, state pay.State) (pay.Invoice, pay.Payment) {
	t.Helper()
	inv := pay.Invoice{
		ID: "inv-" + id, BusinessID: "biz", Source: "app", Business: "7", SourceInvoiceID: "order-" + id, PayNumber: "number-" + id,
		Amount: 500_000, Status: pay.StatusPending, Capture: "auto", NotifyURL: "https://app.example/hook", NotifyDelivered: true,
		CreatedAt: noon, ExpiresAt: noon.Add(24 * time.Hour),
	}
	p := pay.Payment{
		ID: "pay-" + id, InvoiceID: inv.ID, BusinessID: "biz", MerchantID: "mer", Provider: "payme", Ref: "ref-" + id,
		Account: inv.ID, Amount: inv.Amount, State: state, CreatedAt: noon,
	}
	if state == pay.Paid || state == pay.Refunded {
		p.Captured, p.PaidAt = p.Amount, noon
	}
	if state == pay.Refunded {
		p.Refunded, p.EndedAt = p.Amount, noon
	}
	inv.Follow(&p)
	update(t, shop.store, func(ctx context.Context, tx *store.Tx) error {
		if ok, err := tx.InsertInvoice(ctx, inv); err != nil || !ok {
			t.Errorf("insert %s: %v %v", inv.ID, ok, err)
			return err
		}
		ok, err := tx.InsertPayment(ctx, p)
		if err != nil || !ok {
			t.Errorf("insert %s: %v %v", p.ID, ok, err)
		}
		return err
	})
	return inv, p
}

func work(kind, subject, lane string, due time.Time) outbox.Work {
	return outbox.Work{BusinessID: "biz", Kind: kind, Subject: subject, Lane: lane, DueAt: due}
}

// update and view run f, which must succeed.
func update(t testing.TB, s *store.Store, f func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s *store.Store, f func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}
