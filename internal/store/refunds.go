package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/chorsu/chorsu/internal/pay"
)

// InsertRefund stores a new refund. ok is false, and nothing is written, where another refund
// of its payment is under way.
func (tx *Tx) InsertRefund(ctx context.Context, r pay.Refund) (ok bool, err error) {
	return tx.insert(ctx, `INSERT INTO refunds (id, business_id, invoice_id, payment_id, amount, state, reason, ref, code, note,
			theirs, whole, lines, before, created_at, sent_at, done_at, accepted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		r.ID, r.BusinessID, r.InvoiceID, r.PaymentID, int64(r.Amount), string(r.State), r.Reason, r.Ref, r.Code, r.Note,
		r.Theirs, r.Whole, string(r.Lines), int64(r.Before), millis(r.CreatedAt), millis(r.SentAt), millis(r.DoneAt), millis(r.AcceptedAt))
}

// SaveRefund writes what may change of a refund: its state, what the provider said, and when.
func (tx *Tx) SaveRefund(ctx context.Context, r pay.Refund) error {
	return tx.save(ctx, `UPDATE refunds SET state = $2, ref = $3, code = $4, note = $5, before = $6, sent_at = $7, done_at = $8,
			accepted_at = $9
		WHERE id = $1`,
		r.ID, string(r.State), r.Ref, r.Code, r.Note, int64(r.Before), millis(r.SentAt), millis(r.DoneAt), millis(r.AcceptedAt))
}

const refundQuery = `SELECT id, business_id, invoice_id, payment_id, amount, state, reason, ref, code, note,
	theirs, whole, lines, before, created_at, sent_at, done_at, accepted_at FROM refunds`

func scanRefund(r row) (f pay.Refund, err error) {
	var lines string
	var created, sent, done, accepted int64
	if err := r.Scan(&f.ID, &f.BusinessID, &f.InvoiceID, &f.PaymentID, &f.Amount, &f.State, &f.Reason, &f.Ref, &f.Code, &f.Note,
		&f.Theirs, &f.Whole, &lines, &f.Before, &created, &sent, &done, &accepted); err != nil {
		return f, err
	}
	if !slices.Contains(pay.MoveStates, f.State) || f.Amount <= 0 || f.Before < 0 {
		return f, fmt.Errorf("refund %s: state %q, amount %d after %d: not of this program", f.ID, f.State, f.Amount, f.Before)
	}
	if lines != "" {
		f.Lines = []byte(lines)
	}
	f.CreatedAt, f.SentAt, f.DoneAt, f.AcceptedAt = instant(created), instant(sent), instant(done), instant(accepted)
	return f, nil
}

// Refund reads one refund.
func (tx *Tx) Refund(ctx context.Context, id string) (pay.Refund, error) {
	return one(ctx, tx, scanRefund, refundQuery+` WHERE id = $1`, id)
}

// Refunds reads all refunds of an invoice, in order of creation.
func (tx *Tx) Refunds(ctx context.Context, invoiceID string) ([]pay.Refund, error) {
	return many(ctx, tx, scanRefund, refundQuery+` WHERE invoice_id = $1 ORDER BY created_at, id`, invoiceID)
}

// RefundsPage is a page of them.
func (tx *Tx) RefundsPage(ctx context.Context, invoiceID string, p Page) ([]pay.Refund, error) {
	var s selection
	s.and("refunds.invoice_id = ?", invoiceID)
	return many(ctx, tx, scanRefund, refundQuery+s.sorted("refunds", "refunds", Oldest, p), s.args...)
}

// RefundUnderway reads the refund of a payment whose end is not known: there is at most one.
func (tx *Tx) RefundUnderway(ctx context.Context, paymentID string) (pay.Refund, error) {
	return one(ctx, tx, scanRefund, refundQuery+` WHERE payment_id = $1 AND state IN ('created', 'sent', 'unknown')`, paymentID)
}
