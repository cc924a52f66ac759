package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// InsertPayment stores a new payment. ok is false, and nothing is written, where the merchant
// has a payment of that ref already, or the invoice a live one and this is live too.
func (tx *Tx) InsertPayment(ctx context.Context, p pay.Payment) (ok bool, err error) {
	return tx.insert(ctx, paymentInsert, paymentArgs(p)...)
}

// AddPayment is InsertPayment for who has seen in this transaction that there is none of the kind.
// Where that has changed since, the transaction runs again.
func (tx *Tx) AddPayment(ctx context.Context, p pay.Payment) error {
	return tx.save(ctx, paymentInsert, paymentArgs(p)...)
}

const paymentInsert = `INSERT INTO payments (id, invoice_id, business_id, merchant_id, provider, ref, account,
		amount, captured, refunded, reserved, state, reason, their_time, expires_at, on_expiry, lapse_note,
		created_at, held_at, paid_at, ended_at, card_pan, card_system, card_token, page_url, receipt_url, fiscal, meta,
		way, asked, asked_at, asked_amount, code, code_phone, code_at, code_tries, hold_until, card_id, save_card)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27,
		$28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39)`

func paymentArgs(p pay.Payment) []any {
	return []any{p.ID, p.InvoiceID, p.BusinessID, p.MerchantID, p.Provider, nullable(p.Ref), p.Account,
		int64(p.Amount), int64(p.Captured), int64(p.Refunded), int64(p.Reserved), string(p.State), p.Reason,
		millis(p.TheirTime), millis(p.ExpiresAt), string(p.OnExpiry), p.LapseNote,
		millis(p.CreatedAt), millis(p.HeldAt), millis(p.PaidAt), millis(p.EndedAt),
		p.Card.MaskedPAN, p.Card.PaymentSystem, p.Card.Token, p.PageURL, p.ReceiptURL, string(p.Fiscal), string(p.Meta),
		string(p.Way), string(p.Asked), millis(p.AskedAt), int64(p.AskedAmount), p.Code, p.CodePhone, millis(p.CodeAt), int64(p.CodeTries), millis(p.HoldUntil), p.CardID, p.Save}
}

// SavePayment writes what may change of a payment: all but its invoice, merchant, amount,
// account and creation. Where the transaction has read it with its book, and all else stands as it
// was, that is only what a move changes: SQLite writes the index of a column anew that is named in an
// UPDATE, whether it changes or not.
func (tx *Tx) SavePayment(ctx context.Context, p pay.Payment) error {
	args, settled := movedArgs(p), settledArgs(p)
	if i := slices.IndexFunc(tx.payments, func(was pay.Payment) bool { return was.ID == p.ID }); i >= 0 {
		same := slices.Equal(settledArgs(tx.payments[i]), settled)
		if tx.payments[i] = remembered(p); same {
			return tx.save(ctx, paymentMove+` WHERE id = $1`, args...)
		}
	}
	return tx.save(ctx, paymentMove+`, ref = $10,
			their_time = $11, expires_at = $12, on_expiry = $13, lapse_note = $14,
			card_pan = $15, card_system = $16, card_token = $17, page_url = $18, receipt_url = $19, fiscal = $20, meta = $21,
			asked = $22, asked_at = $23, asked_amount = $24, code = $25, code_phone = $26, code_at = $27, code_tries = $28, hold_until = $29, card_id = $30
		WHERE id = $1`, append(args, settled...)...)
}

const paymentMove = `UPDATE payments SET captured = $2, refunded = $3, reserved = $4, state = $5, reason = $6,
			held_at = $7, paid_at = $8, ended_at = $9`

// movedArgs is what each move of a payment may change, and its id before it.
func movedArgs(p pay.Payment) []any {
	return []any{p.ID, int64(p.Captured), int64(p.Refunded), int64(p.Reserved), string(p.State), p.Reason,
		millis(p.HeldAt), millis(p.PaidAt), millis(p.EndedAt)}
}

// settledArgs is what may change besides, and seldom does once the payment is made.
func settledArgs(p pay.Payment) []any {
	return []any{nullable(p.Ref), millis(p.TheirTime), millis(p.ExpiresAt), string(p.OnExpiry), p.LapseNote,
		p.Card.MaskedPAN, p.Card.PaymentSystem, p.Card.Token, p.PageURL, p.ReceiptURL, string(p.Fiscal), string(p.Meta),
		string(p.Asked), millis(p.AskedAt), int64(p.AskedAmount), p.Code, p.CodePhone, millis(p.CodeAt), int64(p.CodeTries), millis(p.HoldUntil), p.CardID}
}

// remembered is a copy that nobody else can change.
func remembered(p pay.Payment) pay.Payment {
	p.Meta = slices.Clone(p.Meta)
	return p
}

const paymentQuery = `SELECT id, invoice_id, business_id, merchant_id, provider, COALESCE(ref, ''), account,
	amount, captured, refunded, reserved, state, reason, their_time, expires_at, on_expiry, lapse_note,
	created_at, held_at, paid_at, ended_at, card_pan, card_system, card_token, page_url, receipt_url, fiscal, meta,
	way, asked, asked_at, asked_amount, code, code_phone, code_at, code_tries, hold_until, card_id, save_card
	FROM payments`

func scanPayment(r row) (p pay.Payment, err error) {
	var theirs, expires, created, held, paid, ended, asked, sent, holds int64
	var meta string
	if err := r.Scan(&p.ID, &p.InvoiceID, &p.BusinessID, &p.MerchantID, &p.Provider, &p.Ref, &p.Account,
		&p.Amount, &p.Captured, &p.Refunded, &p.Reserved, &p.State, &p.Reason, &theirs, &expires, &p.OnExpiry, &p.LapseNote,
		&created, &held, &paid, &ended,
		&p.Card.MaskedPAN, &p.Card.PaymentSystem, &p.Card.Token, &p.PageURL, &p.ReceiptURL, &p.Fiscal, &meta,
		&p.Way, &p.Asked, &asked, &p.AskedAmount, &p.Code, &p.CodePhone, &sent, &p.CodeTries, &holds, &p.CardID, &p.Save); err != nil {
		return p, err
	}
	if !slices.Contains(pay.States, p.State) || p.OnExpiry != "" && !slices.Contains(pay.States, p.OnExpiry) {
		return p, fmt.Errorf("payment %s: state %q, on expiry %q: not of this program", p.ID, p.State, p.OnExpiry)
	}
	if p.Refunded < 0 || p.Reserved < 0 || p.Left() < 0 || p.Captured > p.Amount {
		return p, fmt.Errorf("payment %s: amount %d, captured %d, refunded %d, reserved %d: impossible",
			p.ID, p.Amount, p.Captured, p.Refunded, p.Reserved)
	}
	p.TheirTime, p.ExpiresAt = instant(theirs), instant(expires)
	p.CreatedAt, p.HeldAt, p.PaidAt, p.EndedAt = instant(created), instant(held), instant(paid), instant(ended)
	p.AskedAt, p.CodeAt, p.HoldUntil = instant(asked), instant(sent), instant(holds)
	if meta != "" {
		p.Meta = []byte(meta)
	}
	return p, nil
}

// Payment reads one payment.
func (tx *Tx) Payment(ctx context.Context, id string) (pay.Payment, error) {
	return one(ctx, tx, scanPayment, paymentQuery+` WHERE id = $1`, id)
}

// PaymentByRef reads the payment that a provider calls ref, of one merchant.
func (tx *Tx) PaymentByRef(ctx context.Context, merchantID, ref string) (pay.Payment, error) {
	return one(ctx, tx, scanPayment, paymentQuery+` WHERE merchant_id = $1 AND ref = $2`, merchantID, ref)
}

// InvoiceOfRef is the id of the invoice of the payment that a provider calls ref.
func (tx *Tx) InvoiceOfRef(ctx context.Context, merchantID, ref string) (string, error) {
	return one(ctx, tx, scanText, invoiceOfRefQuery, merchantID, ref)
}

// ForeseeInvoiceOfRef says that InvoiceOfRef will be asked.
func (tx *Tx) ForeseeInvoiceOfRef(merchantID, ref string) {
	foresee(tx, scanText, invoiceOfRefQuery, merchantID, ref)
}

const invoiceOfRefQuery = `SELECT invoice_id FROM payments WHERE merchant_id = $1 AND ref = $2`

// Payments reads all payments of an invoice, in order of creation.
func (tx *Tx) Payments(ctx context.Context, invoiceID string) ([]pay.Payment, error) {
	return many(ctx, tx, scanPayment, paymentQuery+` WHERE invoice_id = $1 ORDER BY created_at, id`, invoiceID)
}

// pageSizes are how many invoices PaymentsOf asks for: few texts, so that each is prepared once.
var pageSizes = []int{20, 100, 1000}

// PaymentsOf reads the payments of a page of invoices, up to 1,000, in one statement: those of
// one invoice in the order in which they were made.
func (tx *Tx) PaymentsOf(ctx context.Context, invoiceIDs []string) (map[string][]pay.Payment, error) {
	out := make(map[string][]pay.Payment, len(invoiceIDs))
	if len(invoiceIDs) == 0 {
		return out, nil
	}
	if len(invoiceIDs) > pageSizes[len(pageSizes)-1] {
		return nil, tx.fail(fmt.Errorf("store: payments of %d invoices at once", len(invoiceIDs)))
	}
	var s selection
	list, err := many(ctx, tx, scanPayment, paymentQuery+` WHERE invoice_id IN `+s.among(invoiceIDs)+` ORDER BY invoice_id, created_at, id`, s.args...)
	for _, p := range list {
		out[p.InvoiceID] = append(out[p.InvoiceID], p)
	}
	return out, err
}

// LivePayment reads the payment of an invoice for which money has, or may have, moved: there
// is at most one.
func (tx *Tx) LivePayment(ctx context.Context, invoiceID string) (pay.Payment, error) {
	return one(ctx, tx, scanPayment, paymentQuery+` WHERE invoice_id = $1
		AND state IN ('held', 'paid', 'unknown', 'refunded')`, invoiceID)
}

// Statement reads a merchant's payments by the provider's own time, ascending, both ends
// included.
func (tx *Tx) Statement(ctx context.Context, merchantID string, from, to time.Time) ([]pay.Payment, error) {
	return many(ctx, tx, scanPayment, paymentQuery+` WHERE merchant_id = $1 AND their_time > 0
		AND their_time >= $2 AND their_time <= $3 ORDER BY their_time, id`, merchantID, millis(from), millis(to))
}
