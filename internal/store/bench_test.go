package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// BenchmarkConfirm is the transaction in which a payment becomes paid, by 32 callers at once,
// each on an invoice of its own.
func BenchmarkConfirm(b *testing.B) {
	for _, e := range storetest.Engines {
		b.Run(string(e), func(b *testing.B) {
			s := storetest.Open(b, e)
			shop := newShop(b, s)
			for i := range b.N {
				shop.invoice(b, fmt.Sprint(i), pay.Created)
			}
			_, before := s.Counts()
			var next atomic.Int64
			b.SetParallelism(16) // of 2 processors
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					id := fmt.Sprint(next.Add(1) - 1)
					if err := shop.confirm(b.Context(), id); err != nil {
						b.Error(err)
						return
					}
				}
			})
			_, after := s.Counts()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
			b.ReportMetric(float64(b.N)/float64(after-before), "updates/commit")
		})
	}
}

// BenchmarkConfirmAlone is the same by one caller, who shares his commit with nobody.
func BenchmarkConfirmAlone(b *testing.B) {
	for _, e := range storetest.Engines {
		b.Run(string(e), func(b *testing.B) {
			shop := newShop(b, storetest.Open(b, e))
			for i := range b.N {
				shop.invoice(b, fmt.Sprint(i), pay.Created)
			}
			b.ResetTimer()
			for i := range b.N {
				if err := shop.confirm(b.Context(), fmt.Sprint(i)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func (shop *shop) confirm(ctx context.Context, id string) error {
	return shop.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := tx.PaymentByRef(ctx, shop.merchant.ID, "ref-"+id)
		if err != nil {
			return err
		}
		inv, err := tx.LockInvoice(ctx, p.InvoiceID)
		if err != nil {
			return err
		}
		if _, err := tx.Payments(ctx, inv.ID); err != nil {
			return err
		}
		if _, err := p.Apply(pay.Change{To: pay.Paid, At: noon}); err != nil {
			return err
		}
		inv.Follow(&p)
		if err := tx.SavePayment(ctx, p); err != nil {
			return err
		}
		if err := tx.SaveInvoice(ctx, inv); err != nil {
			return err
		}
		if err := tx.InsertChange(ctx, store.Change{ID: "c-" + id, BusinessID: inv.BusinessID, InvoiceID: inv.ID, At: noon, What: "payment", Was: "created", Now: "paid", By: "provider"}); err != nil {
			return err
		}
		seq, err := tx.NextSeq(ctx, inv.BusinessID, inv.SourceInvoiceID)
		if err != nil {
			return err
		}
		if err := tx.InsertEvent(ctx, pay.Event{ID: "e-" + id, BusinessID: inv.BusinessID, InvoiceID: inv.ID, SourceInvoiceID: inv.SourceInvoiceID, Seq: seq, Type: pay.EventInvoiceUpdated, Body: []byte(`{}`), NotifyURL: inv.NotifyURL, CreatedAt: noon}); err != nil {
			return err
		}
		return tx.Enqueue(ctx, work("deliver", inv.ID, "host", noon))
	})
}
