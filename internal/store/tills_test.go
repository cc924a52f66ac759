package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// A till comes back as it was stored; a code and a token find it as long as they count.
func TestTillRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		newShop(t, s)
		var till pay.Till
		fill(&till, 1)
		till.BusinessID, till.Source, till.Business, till.RevokedAt = "biz", "app", "7", time.Time{}
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveTill(ctx, till) })
		read := func(what string, f func(ctx context.Context, tx *store.Tx) (pay.Till, error)) {
			t.Helper()
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				got, err := f(ctx, tx)
				if d := cmp.Diff(till, got); d != "" {
					t.Errorf("%s: %s", what, d)
				}
				return err
			})
		}
		read("by id", func(ctx context.Context, tx *store.Tx) (pay.Till, error) { return tx.LockTill(ctx, till.ID) })
		read("by code", func(ctx context.Context, tx *store.Tx) (pay.Till, error) { return tx.TillByCode(ctx, till.CodeHash) })
		read("by token", func(ctx context.Context, tx *store.Tx) (pay.Till, error) { return tx.TillByToken(ctx, till.TokenHash) })
		read("in the list", func(ctx context.Context, tx *store.Tx) (pay.Till, error) {
			list, err := tx.Tills(ctx, store.TillFilter{Source: "app", Business: "7"}, store.Page{})
			if len(list) != 1 {
				t.Fatalf("%d tills", len(list))
			}
			return list[0], err
		})

		till.CodeHash, till.TokenHash, till.RevokedAt = "", "", noon
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveTill(ctx, till) })
		for _, nothing := range []string{"", "else"} {
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				if _, err := tx.TillByCode(ctx, nothing); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("the code %q opens a till: %v", nothing, err)
				}
				_, err := tx.TillByToken(ctx, nothing)
				if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("the token %q opens a till: %v", nothing, err)
				}
				return nil
			})
		}
		till.TokenHash = "again" // a revoked till with a token would be one that reports
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.SaveTill(ctx, till) })
		if err == nil {
			t.Error("a revoked till has a token")
		}
	})
}

// A report is inserted once, and replaced by what is known later.
func TestReportRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		newShop(t, s)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.SaveTill(ctx, pay.Till{ID: "till", BusinessID: "biz", Name: "1", CreatedAt: noon})
		})
		var k pay.KeptReport
		fill(&k, 1)
		k.TillID, k.BusinessID, k.Report.Totals = "till", "biz", &pay.TillTotals{Sales: 3, SalesAmount: 9}
		for i, want := range []bool{true, false} {
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				ok, err := tx.InsertReport(ctx, k)
				if ok != want {
					t.Errorf("insert %d: %v", i, ok)
				}
				return err
			})
		}
		k.Report.Revision, k.Report.State, k.UpdatedAt = 7, "approved", noon.Add(time.Hour)
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveReport(ctx, k) })
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.LockReport(ctx, "till", k.Report.ID)
			if d := cmp.Diff(k, got); d != "" {
				t.Error(d)
			}
			return err
		})
		// Of a till that still reports it is nobody else's.
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if got, err := tx.LockFormerReport(ctx, "biz", k.Report.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%+v %v", got, err)
			}
			return tx.SaveTill(ctx, pay.Till{ID: "till", BusinessID: "biz", Name: "1", CreatedAt: noon, RevokedAt: noon})
		})
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if got, err := tx.LockFormerReport(ctx, "another", k.Report.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%+v %v", got, err)
			}
			got, err := tx.LockFormerReport(ctx, "biz", k.Report.ID)
			if d := cmp.Diff(k, got); d != "" {
				t.Error(d)
			}
			return err
		})
	})
}

// What each till has reported since a time: what was paid, returned and is unknown is counted, what
// came to nothing is not, nor what was reported before.
func TestTillDays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		newShop(t, s)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for _, id := range []string{"till", "quiet"} {
				if err := tx.SaveTill(ctx, pay.Till{ID: id, BusinessID: "biz", Name: id, CreatedAt: noon}); err != nil {
					return err
				}
			}
			for _, x := range []struct {
				id, state, refund string // a sale's state, or the state of the refund that a return is
				at                time.Time
			}{
				{"old", "paid", "", noon.Add(-time.Minute)},
				{"sold", "paid", "", noon},
				{"sold twice", "refunded", "", noon},
				{"declined", "failed", "", noon},
				{"unsure", "unknown", "", noon},
				{"back", "paid", "succeeded", noon},
				{"not back", "paid", "failed", noon},
				{"unsure back", "paid", "unknown", noon},
			} {
				paid, captured, refunded := int64(0), int64(0), int64(0)
				if x.state == "paid" || x.state == "refunded" {
					paid, captured = x.at.UnixMilli(), 1000
				}
				if x.state == "refunded" {
					refunded = captured
				}
				payment, refund := x.id, ""
				if x.refund != "" {
					payment, refund = "of "+x.id, "refund "+x.id
				}
				for _, q := range []struct {
					text string
					args []any
				}{
					{`INSERT INTO invoices (id, business_id, source, source_invoice_id, pay_number, amount, status, details, created_at, expires_at, check_at, notify_delivered)
						VALUES ($1, 'biz', 'app', $1, $1, 1000, 'pending', '{}', 1, 1, 1, TRUE)`, []any{x.id}},
					{`INSERT INTO payments (id, invoice_id, business_id, merchant_id, provider, amount, captured, refunded, state, created_at, paid_at) VALUES ($1, $2, 'biz', 'mer', 'humo', 1000, $5, $6, $3, 1, $4)`, []any{payment, x.id, x.state, paid, captured, refunded}},
				} {
					if _, err := tx.Exec(ctx, q.text, q.args...); err != nil {
						return err
					}
				}
				if refund != "" {
					if _, err := tx.Exec(ctx, `INSERT INTO refunds (id, business_id, invoice_id, payment_id, amount, state, created_at) VALUES ($1, 'biz', $2, $3, 400, $4, 1)`, refund, x.id, payment, x.refund); err != nil {
						return err
					}
				}
				if _, err := tx.InsertReport(ctx, pay.KeptReport{TillID: "till", BusinessID: "biz", InvoiceID: x.id, RefundID: refund, Report: pay.TillReport{ID: x.id, Revision: 1}, CreatedAt: x.at, UpdatedAt: x.at}); err != nil {
					return err
				}
			}
			return nil
		})
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.TillDays(ctx, []string{"till", "quiet", "no such"}, noon)
			want := []store.TillDay{{TillID: "till", Reports: 7, Sales: 2, Sum: 2000, Returns: 1, Back: 400, Unknown: 2}}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			return err
		})
	})
}
