package store

import (
	"context"
	"encoding/base64"
)

// What the rotation of the master key needs: values are replaced only where they are still
// what was read, so that a change meanwhile is not undone.

// ReplaceSealed puts a merchant's newly sealed secrets in the place of the old ones. Its
// version grows, so that no opened account outlives them.
func (tx *Tx) ReplaceSealed(ctx context.Context, merchantID, was, now string) (ok bool, err error) {
	n, err := tx.exec(ctx, `UPDATE merchants SET sealed = $1, version = version + 1 WHERE id = $2 AND sealed = $3`,
		base64.StdEncoding.EncodeToString([]byte(now)), merchantID, base64.StdEncoding.EncodeToString([]byte(was)))
	return n == 1, err
}

// CardToken is a payment's sealed card token.
type CardToken struct{ PaymentID, Sealed string }

// CardTokens lists sealed card tokens in the order of their payments' ids, after one of them.
func (tx *Tx) CardTokens(ctx context.Context, afterID string, limit int) ([]CardToken, error) {
	return many(ctx, tx, func(r row) (c CardToken, err error) {
		err = r.Scan(&c.PaymentID, &c.Sealed)
		return c, err
	}, `SELECT id, card_token FROM payments WHERE card_token <> '' AND id > $1 ORDER BY id LIMIT $2 + 0`, afterID, int64(limit))
}

// ReplaceCardToken puts a newly sealed card token in the place of the old one.
func (tx *Tx) ReplaceCardToken(ctx context.Context, paymentID, was, now string) (ok bool, err error) {
	n, err := tx.exec(ctx, `UPDATE payments SET card_token = $1 WHERE id = $2 AND card_token = $3`, now, paymentID, was)
	return n == 1, err
}
