package gateway

import (
	"context"
	"fmt"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/store"
)

// resealBatch is how many rows are read at a time.
const resealBatch = 100

// Resealed counts what Reseal did.
type Resealed struct {
	Rows    int // that are sealed at all
	Changed int // that were under an older key
}

// Reseal seals every row anew that is not under the first key of MASTER_KEY, each in a
// transaction of its own. It may be stopped and begun again, and rows may change meanwhile.
// After it no row needs the older keys.
func Reseal(ctx context.Context, s *store.Store, box *seal.Box) (Resealed, error) {
	var done Resealed
	if err := resealMerchants(ctx, s, box, &done); err != nil {
		return done, err
	}
	return done, resealCardTokens(ctx, s, box, &done)
}

func resealMerchants(ctx context.Context, s *store.Store, box *seal.Box, done *Resealed) error {
	page := store.Page{Limit: resealBatch}
	for {
		var rows []pay.Merchant
		err := s.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			rows, err = tx.Merchants(ctx, store.MerchantFilter{}, page)
			return err
		})
		if err != nil {
			return err
		}
		more := len(rows) > resealBatch
		for _, m := range rows[:min(len(rows), resealBatch)] {
			page.AfterAt, page.AfterID = m.CreatedAt.UnixMilli(), m.ID
			done.Rows++
			changed := false
			err := s.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
				changed = false
				m, err := tx.Merchant(ctx, m.ID)
				if err != nil || box.Current(string(m.Sealed)) {
					return err
				}
				sealed, err := again(box, m.ID, string(m.Sealed))
				if err != nil {
					return fmt.Errorf("merchant %s: %w", m.ID, err)
				}
				changed, err = tx.ReplaceSealed(ctx, m.ID, string(m.Sealed), sealed)
				return err
			})
			if err != nil {
				return err
			}
			if changed {
				done.Changed++
			}
		}
		if !more {
			return nil
		}
	}
}

func resealCardTokens(ctx context.Context, s *store.Store, box *seal.Box, done *Resealed) error {
	after := ""
	for {
		var rows []store.CardToken
		err := s.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			rows, err = tx.CardTokens(ctx, after, resealBatch)
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, c := range rows {
			after = c.PaymentID
			done.Rows++
			if box.Current(c.Sealed) {
				continue
			}
			sealed, err := again(box, "payment/"+c.PaymentID, c.Sealed)
			if err != nil {
				return fmt.Errorf("payment %s: %w", c.PaymentID, err)
			}
			changed := false
			err = s.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				changed, err = tx.ReplaceCardToken(ctx, c.PaymentID, c.Sealed, sealed)
				return err
			})
			if err != nil {
				return err
			}
			if changed {
				done.Changed++
			}
		}
	}
}

// again opens a sealed value and seals it under the first key.
func again(box *seal.Box, row, sealed string) (string, error) {
	plain, err := box.Open(row, sealed)
	if err != nil {
		return "", err
	}
	return box.Seal(row, plain)
}
