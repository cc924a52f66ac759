package gateway

import (
	"context"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

const (
	nightlyEvery = 10 * time.Minute
	nightlyAfter = 2 * time.Hour // after midnight in Tashkent: what hangs over it has settled
	nightlyBack  = 3             // days that are made up for after a standstill
	nightlyBatch = 50
)

// ReconcileNightly begins the reconciliations of the days that are over, for the merchants that
// want it: one for each merchant and day, whoever begins it. n is how many were begun.
func (g *Gateway) ReconcileNightly(ctx context.Context) (n int, err error) {
	today, _, err := dayOf(g.now().In(pay.Tashkent).Add(-nightlyAfter).Format(time.DateOnly))
	if err != nil {
		return 0, err
	}
	for back := nightlyBack; back > 0; back-- {
		day := today.AddDate(0, 0, -back)
		var left []string
		err := g.store.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			left, err = tx.NightlyLeft(ctx, day.Format(time.DateOnly), day.AddDate(0, 0, 1), "", nightlyBatch)
			return err
		})
		if err != nil {
			return n, err
		}
		for _, merchantID := range left {
			if err := g.beginNightly(ctx, merchantID, day.Format(time.DateOnly)); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

func (g *Gateway) beginNightly(ctx context.Context, merchantID, day string) error {
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		m, err := b.Merchant(ctx, merchantID)
		if err != nil {
			return err
		}
		r := pay.Reconciliation{
			ID: id.New(), BusinessID: m.BusinessID, MerchantID: m.ID, Provider: m.Provider, Day: day, Nightly: true,
			State: pay.ReconcileRunning, Phase: pay.PhaseTheirs, CreatedAt: b.now,
		}
		if r.Way, err = g.reconcileWay(m, false); err != nil {
			return err
		}
		return b.beginReconcile(ctx, r)
	})
}
