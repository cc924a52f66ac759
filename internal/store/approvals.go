package store

import (
	"context"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// Approval is a refund that waits for a second person. ID is also the idempotency key under
// which the refund is made, so that it is made once however often somebody confirms.
type Approval struct {
	ID, BusinessID, InvoiceID string

	Amount    pay.Tiyin
	Reason    string
	State     string // waiting, confirmed or refused
	AskedBy   string
	DecidedBy string
	RefundID  string // "" until the refund is made
	Decides   string // the refund of unknown outcome of which it is said that it was not made; "": a new one

	CreatedAt, ExpiresAt, DecidedAt time.Time
}

// The states of an approval.
const (
	ApprovalWaiting   = "waiting"
	ApprovalConfirmed = "confirmed"
	ApprovalRefused   = "refused"
)

// InsertApproval stores a refund that waits. ok is false, and nothing is written, where one with
// this id stands already.
func (tx *Tx) InsertApproval(ctx context.Context, a Approval) (ok bool, err error) {
	return tx.insert(ctx, `INSERT INTO approvals (id, business_id, invoice_id, amount, reason, state, asked_by, decided_by,
			refund_id, created_at, expires_at, decided_at, decides)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		a.ID, a.BusinessID, a.InvoiceID, int64(a.Amount), a.Reason, a.State, a.AskedBy, a.DecidedBy, a.RefundID,
		millis(a.CreatedAt), millis(a.ExpiresAt), millis(a.DecidedAt), a.Decides)
}

const approvalQuery = `SELECT id, business_id, invoice_id, amount, reason, state, asked_by, decided_by, refund_id,
	created_at, expires_at, decided_at, decides FROM approvals`

func scanApproval(r row) (a Approval, err error) {
	var created, expires, decided int64
	err = r.Scan(&a.ID, &a.BusinessID, &a.InvoiceID, &a.Amount, &a.Reason, &a.State, &a.AskedBy, &a.DecidedBy, &a.RefundID,
		&created, &expires, &decided, &a.Decides)
	a.CreatedAt, a.ExpiresAt, a.DecidedAt = instant(created), instant(expires), instant(decided)
	return a, err
}

// Approval reads one.
func (tx *Tx) Approval(ctx context.Context, id string) (Approval, error) {
	return one(ctx, tx, scanApproval, approvalQuery+` WHERE id = $1`, id)
}

// ApprovalsOf reads the newest twenty approvals of an invoice, newest first.
func (tx *Tx) ApprovalsOf(ctx context.Context, invoiceID string) ([]Approval, error) {
	return many(ctx, tx, scanApproval, approvalQuery+` WHERE invoice_id = $1 ORDER BY created_at DESC, id DESC LIMIT 20`, invoiceID)
}

// WaitingApprovals reads up to limit refunds that wait at now, those that run out first first.
func (tx *Tx) WaitingApprovals(ctx context.Context, now time.Time, limit int) ([]Approval, error) {
	return many(ctx, tx, scanApproval, approvalQuery+` WHERE state = 'waiting' AND expires_at > $1 ORDER BY expires_at, id LIMIT $2 + 0`,
		millis(now), int64(limit))
}

// DecideApproval moves a waiting approval that has not run out at a.DecidedAt to a.State. ok is
// false where it was decided already, or ran out: an approval is used once.
func (tx *Tx) DecideApproval(ctx context.Context, a Approval) (ok bool, err error) {
	n, err := tx.exec(ctx, `UPDATE approvals SET state = $2, decided_by = $3, decided_at = $4
		WHERE id = $1 AND state = 'waiting' AND expires_at > $4`, a.ID, a.State, a.DecidedBy, millis(a.DecidedAt))
	return n == 1, err
}

// RefuseApproval is DecideApproval for a no: it counts also where the yes came first, as long as nothing
// came of it.
func (tx *Tx) RefuseApproval(ctx context.Context, a Approval) (ok bool, err error) {
	n, err := tx.exec(ctx, `UPDATE approvals SET state = 'refused', decided_by = $2, decided_at = $3
		WHERE id = $1 AND state IN ('waiting', 'confirmed') AND refund_id = '' AND expires_at > $3`, a.ID, a.DecidedBy, millis(a.DecidedAt))
	return n == 1, err
}

// ApprovalMade writes down which refund came of a confirmed approval.
func (tx *Tx) ApprovalMade(ctx context.Context, id, refundID string) error {
	return tx.save(ctx, `UPDATE approvals SET refund_id = $2 WHERE id = $1 AND state = 'confirmed'`, id, refundID)
}

// PayoutApproval is one person's word that a payout was not sent, which waits for another's.
type PayoutApproval struct {
	ID, BusinessID, PayoutID string

	Reason    string
	State     string // waiting, confirmed or refused
	AskedBy   string
	DecidedBy string

	CreatedAt, ExpiresAt, DecidedAt time.Time
}

// InsertPayoutApproval stores one that waits. ok is false, and nothing is written, where one with this
// id stands already.
func (tx *Tx) InsertPayoutApproval(ctx context.Context, a PayoutApproval) (ok bool, err error) {
	return tx.insert(ctx, `INSERT INTO payout_approvals (id, business_id, payout_id, reason, state, asked_by, decided_by, created_at, expires_at, decided_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		a.ID, a.BusinessID, a.PayoutID, a.Reason, a.State, a.AskedBy, a.DecidedBy, millis(a.CreatedAt), millis(a.ExpiresAt), millis(a.DecidedAt))
}

const payoutApprovalQuery = `SELECT id, business_id, payout_id, reason, state, asked_by, decided_by, created_at, expires_at, decided_at FROM payout_approvals`

func scanPayoutApproval(r row) (a PayoutApproval, err error) {
	var created, expires, decided int64
	err = r.Scan(&a.ID, &a.BusinessID, &a.PayoutID, &a.Reason, &a.State, &a.AskedBy, &a.DecidedBy, &created, &expires, &decided)
	a.CreatedAt, a.ExpiresAt, a.DecidedAt = instant(created), instant(expires), instant(decided)
	return a, err
}

// PayoutApproval reads one.
func (tx *Tx) PayoutApproval(ctx context.Context, id string) (PayoutApproval, error) {
	return one(ctx, tx, scanPayoutApproval, payoutApprovalQuery+` WHERE id = $1`, id)
}

// PayoutApprovalsOf reads the newest twenty of a payout, newest first.
func (tx *Tx) PayoutApprovalsOf(ctx context.Context, payoutID string) ([]PayoutApproval, error) {
	return many(ctx, tx, scanPayoutApproval, payoutApprovalQuery+` WHERE payout_id = $1 ORDER BY created_at DESC, id DESC LIMIT 20`, payoutID)
}

// DecidePayoutApproval is DecideApproval of a payout's.
func (tx *Tx) DecidePayoutApproval(ctx context.Context, a PayoutApproval) (ok bool, err error) {
	n, err := tx.exec(ctx, `UPDATE payout_approvals SET state = $2, decided_by = $3, decided_at = $4
		WHERE id = $1 AND state = 'waiting' AND expires_at > $4`, a.ID, a.State, a.DecidedBy, millis(a.DecidedAt))
	return n == 1, err
}
