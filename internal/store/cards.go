package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/chorsu/chorsu/internal/pay"
)

// InsertCard stores a new card.
func (tx *Tx) InsertCard(ctx context.Context, c pay.BoundCard) error {
	return tx.save(ctx, `INSERT INTO cards (id, business_id, merchant_id, provider, state, ref, sealed, needs_code,
			pan, system, expiry, phone, code_until, reason, code, created_at, ended_at, by_form, form_url, code_at, code_tries)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
		c.ID, c.BusinessID, c.MerchantID, c.Provider, string(c.State), c.Ref, c.Sealed, c.NeedsCode,
		c.Card.MaskedPAN, c.Card.PaymentSystem, c.Expiry, c.PhoneMasked, millis(c.CodeUntil), c.Reason, c.Code,
		millis(c.CreatedAt), millis(c.EndedAt), c.ByForm, c.FormURL, millis(c.CodeAt), int64(c.CodeTries))
}

// SaveCard writes what may change of a card: all but whose it is.
func (tx *Tx) SaveCard(ctx context.Context, c pay.BoundCard) error {
	return tx.save(ctx, `UPDATE cards SET state = $2, ref = $3, sealed = $4, needs_code = $5, pan = $6, system = $7,
			expiry = $8, phone = $9, code_until = $10, reason = $11, code = $12, ended_at = $13, form_url = $14, code_at = $15,
			code_tries = $16
		WHERE id = $1`,
		c.ID, string(c.State), c.Ref, c.Sealed, c.NeedsCode, c.Card.MaskedPAN, c.Card.PaymentSystem,
		c.Expiry, c.PhoneMasked, millis(c.CodeUntil), c.Reason, c.Code, millis(c.EndedAt), c.FormURL, millis(c.CodeAt), int64(c.CodeTries))
}

const cardQuery = `SELECT c.id, c.business_id, c.merchant_id, c.provider, c.state, c.ref, c.sealed, c.needs_code,
	c.pan, c.system, c.expiry, c.phone, c.code_until, c.reason, c.code, c.created_at, c.ended_at,
	c.by_form, c.form_url, c.code_at, c.code_tries FROM cards c`

func scanCard(r row) (c pay.BoundCard, err error) {
	var code, created, ended, sent int64
	if err := r.Scan(&c.ID, &c.BusinessID, &c.MerchantID, &c.Provider, &c.State, &c.Ref, &c.Sealed, &c.NeedsCode,
		&c.Card.MaskedPAN, &c.Card.PaymentSystem, &c.Expiry, &c.PhoneMasked, &code, &c.Reason, &c.Code, &created, &ended,
		&c.ByForm, &c.FormURL, &sent, &c.CodeTries); err != nil {
		return c, err
	}
	if !slices.Contains(pay.CardStates, c.State) {
		return c, fmt.Errorf("card %s: state %q: not of this program", c.ID, c.State)
	}
	c.CodeUntil, c.CreatedAt, c.EndedAt, c.CodeAt = instant(code), instant(created), instant(ended), instant(sent)
	return c, nil
}

// Card reads one card.
func (tx *Tx) Card(ctx context.Context, id string) (pay.BoundCard, error) {
	return one(ctx, tx, scanCard, cardQuery+` WHERE c.id = $1`, id)
}

// LockCard reads one card and keeps others from changing it until the transaction ends.
func (tx *Tx) LockCard(ctx context.Context, id string) (pay.BoundCard, error) {
	return one(ctx, tx, scanCard, cardQuery+` WHERE c.id = $1`+tx.dialect.forUpdate("c"), id)
}

// PendingCard reads the card that a company's word about a form names by its own id.
func (tx *Tx) PendingCard(ctx context.Context, merchantID, ref string) (pay.BoundCard, error) {
	return one(ctx, tx, scanCard, cardQuery+` WHERE c.merchant_id = $1 AND c.ref = $2 AND c.state = 'pending'`, merchantID, ref)
}

// SealedCard is what is sealed of a bound card.
type SealedCard struct{ ID, Sealed string }

// SealedCards lists what is sealed of bound cards, in the order of their ids, after one of them.
func (tx *Tx) SealedCards(ctx context.Context, afterID string, limit int) ([]SealedCard, error) {
	return many(ctx, tx, func(r row) (c SealedCard, err error) {
		err = r.Scan(&c.ID, &c.Sealed)
		return c, err
	}, `SELECT id, sealed FROM cards WHERE sealed <> '' AND id > $1 ORDER BY id LIMIT $2 + 0`, afterID, int64(limit))
}

// ReplaceSealedCard puts a newly sealed token in the place of the old one.
func (tx *Tx) ReplaceSealedCard(ctx context.Context, cardID, was, now string) (ok bool, err error) {
	n, err := tx.exec(ctx, `UPDATE cards SET sealed = $1 WHERE id = $2 AND sealed = $3`, now, cardID, was)
	return n == 1, err
}
