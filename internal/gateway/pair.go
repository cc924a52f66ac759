package gateway

import (
	"context"

	"github.com/chorsu/chorsu/internal/store"
)

// PairAll tells OnMerchantSaved of every merchant there is: the sandbox forgets them when the
// process ends, and the database does not.
func (g *Gateway) PairAll(ctx context.Context) error {
	page := store.Page{Limit: MaxLimit}
	for {
		more := false
		err := g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
			rows, err := tx.Merchants(ctx, store.MerchantFilter{}, page)
			if err != nil {
				return err
			}
			more = len(rows) > page.Limit
			for _, m := range rows[:min(len(rows), page.Limit)] {
				page.AfterAt, page.AfterID = m.CreatedAt.UnixMilli(), m.ID
				s, err := g.unseal(m)
				if err != nil {
					return err
				}
				g.saved(m, s)
			}
			return nil
		})
		if err != nil || !more {
			return err
		}
	}
}
