package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/store"
)

// resealBatch is how many rows are read at a time.
const resealBatch = 100

// SealedRows counts what is sealed.
type SealedRows struct {
	Rows    int // all
	Stale   int // not under the first key
	Changed int // that Reseal sealed anew
}

// Sealed counts the sealed rows and writes nothing.
func Sealed(ctx context.Context, s *store.Store, box *seal.Box) (SealedRows, error) {
	w := sealWalk{s: s, box: box}
	err := w.all(ctx, func(row, sealed string, replace replacer) error { return nil })
	return w.n, err
}

// TrySeals opens every sealed row, and fails at the first that does not.
func TrySeals(ctx context.Context, s *store.Store, box *seal.Box) (SealedRows, error) {
	w := sealWalk{s: s, box: box}
	err := w.all(ctx, func(row, sealed string, _ replacer) error {
		if _, err := box.Open(row, sealed); err != nil {
			return fmt.Errorf("%s: %w", row, err)
		}
		return nil
	})
	return w.n, err
}

// Reseal seals every row anew that is not under the first key of MASTER_KEY, each in a
// transaction of its own. It may be stopped and begun again, and rows may change meanwhile: one
// that does is under the first key by then, or is found by the next run. After it no row needs
// the older keys.
func Reseal(ctx context.Context, s *store.Store, box *seal.Box) (SealedRows, error) {
	w := sealWalk{s: s, box: box}
	err := w.all(ctx, func(row, sealed string, replace replacer) error {
		if box.Current(sealed) {
			return nil
		}
		plain, err := box.Open(row, sealed)
		if err != nil {
			return fmt.Errorf("%s: %w", row, err)
		}
		again, err := box.Seal(row, plain)
		if err != nil {
			return fmt.Errorf("%s: %w", row, err)
		}
		changed := false
		err = s.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			changed, err = replace(ctx, tx, again)
			return err
		})
		if changed && err == nil {
			w.n.Changed++
		}
		return err
	})
	return w.n, err
}

// replacer puts a newly sealed value in the place of the one that was read, if it is still there.
type replacer func(ctx context.Context, tx *store.Tx, now string) (bool, error)

// sealWalk goes over everything that is sealed.
type sealWalk struct {
	s   *store.Store
	box *seal.Box
	n   SealedRows
}

// all visits every sealed value.
func (w *sealWalk) all(ctx context.Context, visit func(row, sealed string, replace replacer) error) error {
	if err := w.merchants(ctx, visit); err != nil {
		return err
	}
	if err := w.cardTokens(ctx, visit); err != nil {
		return err
	}
	if err := w.cards(ctx, visit); err != nil {
		return err
	}
	if err := w.staff(ctx, visit); err != nil {
		return err
	}
	if err := w.setting(ctx, settingHashKey, hashKeyRow, visit); err != nil {
		return err
	}
	return w.setting(ctx, staff.KeySetting, staff.KeyRow, visit)
}

// setting visits a key that was made once and is kept among the settings.
func (w *sealWalk) setting(ctx context.Context, name, row string, visit func(string, string, replacer) error) error {
	var was string
	err := w.s.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		was, err = tx.Setting(ctx, name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return w.one(row, was, visit, func(ctx context.Context, tx *store.Tx, now string) (bool, error) {
		return tx.ReplaceSetting(ctx, name, was, now)
	})
}

// staff visits the authenticators of the staff, and those of links that are not used yet.
func (w *sealWalk) staff(ctx context.Context, visit func(string, string, replacer) error) error {
	for after := ""; ; {
		var rows []store.Staff
		err := w.s.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			rows, err = tx.SealedStaff(ctx, after, resealBatch)
			return err
		})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		for _, p := range rows {
			after = p.ID
			err := w.one(staff.TOTPRow(p.ID), p.TOTP, visit, func(ctx context.Context, tx *store.Tx, now string) (bool, error) {
				return tx.ReplaceTOTP(ctx, p.ID, p.TOTP, now)
			})
			if err != nil {
				return err
			}
		}
	}
	var links []store.Enrolment
	err := w.s.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		links, err = tx.SealedEnrolments(ctx)
		return err
	})
	for _, e := range links {
		if err != nil {
			break
		}
		err = w.one(staff.EnrolmentRow(e.StaffID), e.TOTP, visit, func(ctx context.Context, tx *store.Tx, now string) (bool, error) {
			return tx.ReplaceEnrolment(ctx, e.StaffID, e.TOTP, now)
		})
	}
	return err
}

func (w *sealWalk) merchants(ctx context.Context, visit func(string, string, replacer) error) error {
	page := store.Page{Limit: resealBatch}
	for more := true; more; {
		var rows []pay.Merchant
		err := w.s.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			rows, err = tx.Merchants(ctx, store.MerchantFilter{}, page)
			return err
		})
		if err != nil {
			return err
		}
		more = len(rows) > resealBatch
		for _, m := range rows[:min(len(rows), resealBatch)] {
			page.AfterAt, page.AfterID = m.CreatedAt.UnixMilli(), m.ID
			was := string(m.Sealed)
			err := w.one(m.ID, was, visit, func(ctx context.Context, tx *store.Tx, now string) (bool, error) {
				return tx.ReplaceSealed(ctx, m.ID, was, now)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *sealWalk) cardTokens(ctx context.Context, visit func(string, string, replacer) error) error {
	for after := ""; ; {
		var rows []store.CardToken
		err := w.s.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			rows, err = tx.CardTokens(ctx, after, resealBatch)
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, c := range rows {
			after = c.PaymentID
			err := w.one("payment/"+c.PaymentID, c.Sealed, visit, func(ctx context.Context, tx *store.Tx, now string) (bool, error) {
				return tx.ReplaceCardToken(ctx, c.PaymentID, c.Sealed, now)
			})
			if err != nil {
				return err
			}
		}
	}
}

func (w *sealWalk) cards(ctx context.Context, visit func(string, string, replacer) error) error {
	for after := ""; ; {
		var rows []store.SealedCard
		err := w.s.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			rows, err = tx.SealedCards(ctx, after, resealBatch)
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, c := range rows {
			after = c.ID
			err := w.one("card/"+c.ID, c.Sealed, visit, func(ctx context.Context, tx *store.Tx, now string) (bool, error) {
				return tx.ReplaceSealedCard(ctx, c.ID, c.Sealed, now)
			})
			if err != nil {
				return err
			}
		}
	}
}

func (w *sealWalk) one(row, sealed string, visit func(string, string, replacer) error, replace replacer) error {
	w.n.Rows++
	if !w.box.Current(sealed) {
		w.n.Stale++
	}
	return visit(row, sealed, replace)
}
