package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// invoiceDetails is what the caller gave with an invoice and no query asks for: one column of
// JSON. A name that is stored once keeps its meaning for ever.
// Durations are nanoseconds.
type invoiceDetails struct {
	TTL        time.Duration     `json:"ttl,omitempty"`
	Capture    string            `json:"capture,omitempty"`
	HoldFor    time.Duration     `json:"holdFor,omitempty"`
	HoldExpiry string            `json:"holdExpiry,omitempty"`
	NotifyURL  string            `json:"notifyUrl,omitempty"`
	ReturnURL  string            `json:"returnUrl,omitempty"`
	ErrorURL   string            `json:"errorUrl,omitempty"`
	Lang       string            `json:"lang,omitempty"`
	Lines      []pay.ReceiptLine `json:"lines,omitempty"`
	Split      []pay.SplitPart   `json:"split,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
}

// InsertInvoice stores a new invoice. ok is false, and nothing is written, where its order has
// an invoice already that is neither cancelled nor failed, or its pay number is taken.
func (tx *Tx) InsertInvoice(ctx context.Context, inv pay.Invoice) (ok bool, err error) {
	args, err := invoiceArgs(inv)
	if err != nil {
		return false, tx.fail(err)
	}
	if ok, err = tx.insert(ctx, invoiceInsert, args...); !ok || err != nil {
		return ok, err
	}
	return true, tx.insertPhones(ctx, inv)
}

// AddInvoice is InsertInvoice for who has seen in this transaction that the order has no such
// invoice. Where that has changed since, or the pay number is taken, the transaction runs again.
func (tx *Tx) AddInvoice(ctx context.Context, inv pay.Invoice) error {
	args, err := invoiceArgs(inv)
	if err != nil {
		return tx.fail(err)
	}
	if err := tx.save(ctx, invoiceInsert, args...); err != nil {
		return err
	}
	return tx.insertPhones(ctx, inv)
}

const invoiceInsert = `INSERT INTO invoices (id, business_id, source, provider, source_invoice_id, pay_number, amount, status,
		attention, details, checkout_url, deeplink, notify_delivered, created_at, paid_at, ended_at, expires_at, check_at, via)
	VALUES ($1, $2, (SELECT source FROM businesses WHERE id = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $3)`

func invoiceArgs(inv pay.Invoice) ([]any, error) {
	details, err := json.Marshal(invoiceDetails{
		inv.TTL, inv.Capture, inv.HoldFor, inv.HoldExpiry, inv.NotifyURL, inv.ReturnURL, inv.ErrorURL, inv.Lang,
		inv.Lines, inv.Split, inv.Metadata,
	})
	if err != nil {
		return nil, fmt.Errorf("store: details of invoice %s: %w", inv.ID, err)
	}
	return []any{inv.ID, inv.BusinessID, inv.Provider, inv.SourceInvoiceID, inv.PayNumber, int64(inv.Amount), string(inv.Status),
		string(inv.Attention), string(details), inv.CheckoutURL, inv.Deeplink, inv.NotifyDelivered,
		millis(inv.CreatedAt), millis(inv.PaidAt), millis(inv.EndedAt), millis(inv.ExpiresAt)}, nil
}

func (tx *Tx) insertPhones(ctx context.Context, inv pay.Invoice) error {
	for _, phone := range pay.PhonesIn(inv.Metadata) {
		if err := tx.InsertClue(ctx, CluePhone, phone, inv.ID); err != nil {
			return err
		}
	}
	return nil
}

const invoiceQuery = `SELECT i.id, i.business_id, i.source, b.key, i.provider, i.source_invoice_id, i.pay_number,
	i.amount, i.status, i.attention, i.details, i.checkout_url, i.deeplink, i.notify_delivered,
	i.created_at, i.paid_at, i.ended_at, i.expires_at
	FROM invoices i JOIN businesses b ON b.id = i.business_id`

func scanInvoice(r row) (inv pay.Invoice, err error) {
	var details string
	var created, paid, ended, expires int64
	if err := r.Scan(&inv.ID, &inv.BusinessID, &inv.Source, &inv.Business, &inv.Provider, &inv.SourceInvoiceID, &inv.PayNumber,
		&inv.Amount, &inv.Status, &inv.Attention, &details, &inv.CheckoutURL, &inv.Deeplink, &inv.NotifyDelivered,
		&created, &paid, &ended, &expires); err != nil {
		return inv, err
	}
	if !slices.Contains(pay.Statuses, inv.Status) || inv.Amount < 0 {
		return inv, fmt.Errorf("invoice %s: status %q, amount %d: not of this program", inv.ID, inv.Status, inv.Amount)
	}
	var d invoiceDetails
	if err := json.Unmarshal([]byte(details), &d); err != nil {
		return inv, fmt.Errorf("invoice %s: details: %w", inv.ID, err)
	}
	inv.TTL, inv.Capture, inv.HoldFor, inv.HoldExpiry = d.TTL, d.Capture, d.HoldFor, d.HoldExpiry
	inv.NotifyURL, inv.ReturnURL, inv.ErrorURL, inv.Lang = d.NotifyURL, d.ReturnURL, d.ErrorURL, d.Lang
	inv.Lines, inv.Split, inv.Metadata = d.Lines, d.Split, d.Metadata
	inv.CreatedAt, inv.PaidAt, inv.EndedAt, inv.ExpiresAt = instant(created), instant(paid), instant(ended), instant(expires)
	return inv, nil
}

// Invoice reads one invoice.
func (tx *Tx) Invoice(ctx context.Context, id string) (pay.Invoice, error) {
	return one(ctx, tx, scanInvoice, invoiceQuery+` WHERE i.id = $1`, id)
}

// LockInvoice reads an invoice and keeps every other transaction from it until this one ends.
// It is the only lock that a transaction waits for, and it waits for one invoice's: LockSent takes
// several, and passes over those that are held.
func (tx *Tx) LockInvoice(ctx context.Context, id string) (pay.Invoice, error) {
	return one(ctx, tx, scanInvoice, invoiceQuery+` WHERE i.id = $1`+tx.dialect.forUpdate("i"), id)
}

// LockBook is LockInvoice, and what stands under its lock: the payments, in order of creation. One
// who will tell of it foresees NextSeq besides.
func (tx *Tx) LockBook(ctx context.Context, id string, tells bool) (pay.Invoice, []pay.Payment, error) {
	return tx.book(ctx, "$1", tx.dialect.forUpdate("i"), tells, id)
}

// LockBookOfRef is LockBook for the invoice of the payment that a provider calls ref.
func (tx *Tx) LockBookOfRef(ctx context.Context, merchantID, ref string, tells bool) (pay.Invoice, []pay.Payment, error) {
	return tx.book(ctx, "("+invoiceOfRefQuery+")", tx.dialect.forUpdate("i"), tells, merchantID, ref)
}

// Book reads an invoice and its payments, in order of creation.
func (tx *Tx) Book(ctx context.Context, id string) (pay.Invoice, []pay.Payment, error) {
	return tx.book(ctx, "$1", "", false, id)
}

// book asks PostgreSQL for all at once, and for the lock first: each statement sees what was
// committed before it began.
func (tx *Tx) book(ctx context.Context, id, lock string, tells bool, args ...any) (inv pay.Invoice, payments []pay.Payment, err error) {
	first := invoiceQuery + " WHERE i.id = " + id + lock
	foresee(tx, scanInvoice, first, args...)
	if tells {
		tx.foreseeSeq(id, args...)
	}
	if payments, err = many(ctx, tx, scanPayment, paymentQuery+" WHERE invoice_id = "+id+" ORDER BY created_at, id", args...); err != nil {
		return inv, nil, err
	}
	if inv, err = one(ctx, tx, scanInvoice, first, args...); err == nil && !tx.readOnly {
		tx.remember(payments)
	}
	return inv, payments, err
}

// remember notes how the payments of an invoice stand, under its lock: see SavePayment.
func (tx *Tx) remember(payments []pay.Payment) {
	tx.payments = make([]pay.Payment, len(payments))
	for i, p := range payments {
		tx.payments[i] = remembered(p)
	}
}

// invoiceNamedQuery is two looks, each into its own index; with OR between them PostgreSQL may walk
// over a business's invoices. No pay number looks like an id.
const invoiceNamedQuery = `SELECT i.id FROM invoices i WHERE i.id = $2 AND i.business_id = $1
	UNION ALL SELECT n.id FROM invoices n WHERE n.pay_number = $2 AND n.business_id = $1`

// InvoiceByAccount reads the invoice that a buyer's provider names: by its id, or by its pay
// number, within the business.
func (tx *Tx) InvoiceByAccount(ctx context.Context, businessID, account string) (pay.Invoice, error) {
	return one(ctx, tx, scanInvoice, byAccountQuery, businessID, account)
}

const byAccountQuery = invoiceQuery + ` WHERE i.id = (` + invoiceNamedQuery + `)`

// LockBookByAccount is LockBook for the invoice that InvoiceByAccount reads.
func (tx *Tx) LockBookByAccount(ctx context.Context, businessID, account string) (pay.Invoice, []pay.Payment, error) {
	return tx.book(ctx, "("+invoiceNamedQuery+")", tx.dialect.forUpdate("i"), false, businessID, account)
}

// BookByAccount is InvoiceByAccount with the invoice's payments, in order of creation.
func (tx *Tx) BookByAccount(ctx context.Context, businessID, account string) (inv pay.Invoice, payments []pay.Payment, err error) {
	foresee(tx, scanInvoice, byAccountQuery, businessID, account)
	payments, err = many(ctx, tx, scanPayment, paymentQuery+` WHERE invoice_id = (`+invoiceNamedQuery+`) ORDER BY created_at, id`, businessID, account)
	if err == nil {
		inv, err = tx.InvoiceByAccount(ctx, businessID, account)
	}
	return inv, payments, err
}

const openInvoiceIDQuery = `SELECT i.id FROM invoices i WHERE i.business_id = (SELECT b.id FROM businesses b WHERE b.source = $1 AND b.key = $2)
	AND i.source_invoice_id = $3 AND i.status NOT IN ('cancelled', 'failed')`

// OpenInvoiceID is the id of an order's invoice that is neither cancelled nor failed: there is at
// most one. The order is named as its app does.
func (tx *Tx) OpenInvoiceID(ctx context.Context, source, business, sourceInvoiceID string) (string, error) {
	return one(ctx, tx, scanText, openInvoiceIDQuery, source, business, sourceInvoiceID)
}

// ForeseeOpenInvoiceID says that OpenInvoiceID will be asked.
func (tx *Tx) ForeseeOpenInvoiceID(source, business, sourceInvoiceID string) {
	foresee(tx, scanText, openInvoiceIDQuery, source, business, sourceInvoiceID)
}

// SaveInvoice writes what may change of an invoice: provider, status, attention, the links,
// whether the app knows of it, and when it was paid, ended or expires.
func (tx *Tx) SaveInvoice(ctx context.Context, inv pay.Invoice) error {
	return tx.save(ctx, `UPDATE invoices SET provider = $2, status = $3, attention = $4, checkout_url = $5, deeplink = $6,
			notify_delivered = $7, paid_at = $8, ended_at = $9, expires_at = $10,
			check_at = CASE WHEN expires_at = $10 THEN check_at ELSE CAST($10 AS BIGINT) END,
			via = COALESCE((SELECT p.provider FROM payments p WHERE p.invoice_id = $1 AND p.state IN ('held', 'paid', 'unknown', 'refunded')),
				CASE WHEN CAST($2 AS TEXT) = '' THEN via ELSE CAST($2 AS TEXT) END)
		WHERE id = $1`,
		inv.ID, inv.Provider, string(inv.Status), string(inv.Attention), inv.CheckoutURL, inv.Deeplink,
		inv.NotifyDelivered, millis(inv.PaidAt), millis(inv.EndedAt), millis(inv.ExpiresAt))
}

// InvoiceFilter picks invoices for a list; what is zero does not count.
type InvoiceFilter struct {
	Source, Business, Status, Provider, SourceInvoiceID, PayNumber string

	From, To    time.Time // by creation; From is included, To is not
	Attention   bool      // only those that ask for attention
	Undelivered bool      // only those whose newest event has not reached the app

	// What staff ask for beside it.
	Via    string        // the provider of the payment that counts, or that it was made for
	Kind   pay.Attention // only those that ask for this attention
	Amount pay.Tiyin

	Unreceipted bool      // only those with a fiscal receipt that was refused for good, the newest thousand
	WaitsAt     time.Time // only those of which something waits for a second person then; beside it Unreceipted comes first

	Order Order
}

// Invoices lists invoices, newest first unless f has another order.
func (tx *Tx) Invoices(ctx context.Context, f InvoiceFilter, p Page) ([]pay.Invoice, error) {
	var s selection
	// An order, or a pay number, is a few invoices. Beside it nothing else may choose the index, as
	// SQLite would rather have the order in which the rows are wanted than the few.
	plain, source := tx.unindexed(f.Order), "i.source"
	if (f.SourceInvoiceID != "" || f.PayNumber != "") && tx.dialect == sqlite3 {
		plain, source = " || ''", "i.source || ''"
	}
	s.business("i", source, f.Source, f.Business)
	for _, c := range []struct{ column, value string }{
		{"i.status" + plain, f.Status}, {"i.provider" + plain, f.Provider}, {"i.source_invoice_id", f.SourceInvoiceID}, {"i.pay_number", f.PayNumber},
	} {
		if c.value != "" {
			s.and(c.column+" = ?", c.value)
		}
	}
	s.made("i", f.From, f.To)
	if f.Via != "" {
		s.and("i.via"+plain+" = ?", f.Via)
	}
	if f.Amount != 0 {
		s.and("i.amount = ?", int64(f.Amount))
	}
	if f.Attention || f.Kind != "" {
		s.and("i.attention <> ''")
	}
	if f.Kind != "" {
		s.and("i.attention = ?", string(f.Kind))
	}
	if f.Undelivered {
		s.and("NOT i.notify_delivered")
		s.and("i.id " + tx.dialect.oneOf(`SELECT e.invoice_id FROM events e WHERE e.delivered_at = 0 AND e.dead_at = 0
			UNION ALL SELECT d.invoice_id FROM events d WHERE d.dead_at > 0`))
	}
	if ids, narrow, err := tx.fewInvoices(ctx, f); narrow {
		if err != nil || len(ids) == 0 {
			return nil, err
		}
		s.where, s.few = append(s.where, "i.id IN "+s.among(ids)), true
	}
	return many(ctx, tx, scanInvoice, invoiceQuery+s.sorted("invoices", "i", f.Order, p), s.args...)
}

// fewInvoices are those that f narrows a list to by what stands in other tables, the newest thousand of
// them: they are few, and are read by their ids.
func (tx *Tx) fewInvoices(ctx context.Context, f InvoiceFilter) (ids []string, narrow bool, err error) {
	most := int64(pageSizes[len(pageSizes)-1])
	switch {
	case f.Unreceipted:
		ids, err = many(ctx, tx, scanText, `SELECT invoice_id FROM payments WHERE fiscal = 'failed' ORDER BY created_at DESC, id DESC LIMIT $1 + 0`, most)
	case !f.WaitsAt.IsZero():
		ids, err = many(ctx, tx, scanText, `SELECT invoice_id FROM approvals WHERE state = 'waiting' AND expires_at > $1 ORDER BY expires_at DESC, id DESC LIMIT $2 + 0`, millis(f.WaitsAt), most)
	default:
		return nil, false, nil
	}
	return ids, true, err
}

// ExpiredInvoices finds up to limit pending invoices whose time is over at now, the longest
// over first. They are candidates: whether one may expire is decided under its lock, and one
// that may not is put off with PushExpiry.
func (tx *Tx) ExpiredInvoices(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return many(ctx, tx, scanText, `SELECT id FROM invoices WHERE status = 'pending' AND check_at <= $1
		ORDER BY check_at LIMIT $2 + 0`, millis(now), int64(limit))
}

// PushExpiry hides an invoice from ExpiredInvoices until then: an open attempt keeps it alive.
func (tx *Tx) PushExpiry(ctx context.Context, id string, until time.Time) error {
	return tx.save(ctx, `UPDATE invoices SET check_at = $2 WHERE id = $1`, id, millis(until))
}

// SetNotifyDelivered says whether the newest event of an invoice has reached the app.
func (tx *Tx) SetNotifyDelivered(ctx context.Context, invoiceID string, delivered bool) error {
	return tx.save(ctx, `UPDATE invoices SET notify_delivered = $2 WHERE id = $1`, invoiceID, delivered)
}
