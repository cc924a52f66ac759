package bare

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	business = "00000000-0000-7000-8000-000000000001"
	merchant = "00000000-0000-7000-8000-000000000002"
)

// Prepare writes the one business that Payment writes for.
func (d *DB) Prepare(ctx context.Context) error {
	now := time.Now().UnixMilli()
	return d.engine.transaction(ctx, []statement{
		{`INSERT INTO businesses (id, source, key, created_at) VALUES ($1, 'bench', 'bare', $2)`, []any{business, now}},
		{`INSERT INTO merchants (id, business_id, provider, active, sealed, version, created_at, updated_at)
			VALUES ($1, $2, 'payme', TRUE, '', 1, $3, $3)`, []any{merchant, business, now}},
	})
}

const body = `{"id":"00000000-0000-7000-8000-000000000000","source":"bench","businessId":"bare","sourceInvoiceId":"order","amount":15000000,"currency":"UZS","status":"paid","providerUuid":"5e730e8e0b852a417aa49ceb","paidAt":"2026-01-01T00:00:00.000Z","card":null,"receiptUrl":null,"eventId":"00000000-0000-7000-8000-000000000000","event":"invoice.updated","sequence":1,"occurredAt":"2026-01-01T00:00:00.000Z","provider":"payme","capturedAmount":15000000,"refundedAmount":0}`

// Payment writes the rows of one payment in one transaction: one read and five inserts, six
// statements and a durable commit. The gateway spreads the same rows over several transactions,
// since a payment takes several messages; so its payments cannot come as often as these.
func (d *DB) Payment(ctx context.Context) error {
	now := time.Now().UnixMilli()
	invoice, payment, event, order := newID(), newID(), newID(), newID()
	return d.engine.transaction(ctx, []statement{
		{`SELECT id, version FROM merchants WHERE business_id = $1 AND provider = 'payme'`, []any{business}},
		{`INSERT INTO invoices (id, business_id, source, provider, source_invoice_id, pay_number, amount, status, details, checkout_url,
				notify_delivered, created_at, paid_at, expires_at, check_at)
			VALUES ($1, $2, 'bench', 'payme', $3, $4, 15000000, 'paid', '{"notifyUrl":"http://127.0.0.1:1/hook"}', 'https://checkout.paycom.uz/x',
				FALSE, $5, $5, $6, $6)`, []any{invoice, business, order, invoice[24:], now, now + 86_400_000}},
		{`INSERT INTO payments (id, invoice_id, business_id, merchant_id, provider, ref, account, amount, captured, state, their_time, created_at, paid_at)
			VALUES ($1, $2, $3, $4, 'payme', $1, $2, 15000000, 15000000, 'paid', $5, $5, $5)`, []any{payment, invoice, business, merchant, now}},
		{`INSERT INTO changes (id, business_id, invoice_id, payment_id, at, what, was, now, by_whom, note)
			VALUES ($1, $2, $3, $4, $5, 'payment', 'created', 'paid', 'provider', 'payme took the money')`, []any{newID(), business, invoice, payment, now}},
		{`INSERT INTO events (id, business_id, invoice_id, source_invoice_id, seq, type, body, notify_url, created_at)
			VALUES ($1, $2, $3, $4, 1, 'invoice.updated', $5, 'http://127.0.0.1:1/hook', $6)`, []any{event, business, invoice, order, body, now}},
		{`INSERT INTO work (id, business_id, kind, subject, lane, due_at, created_at)
			VALUES ($1, $2, 'deliver', $3, '127.0.0.1:1', $4, $4)`, []any{newID(), business, business + "/" + order, now}},
	})
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// ─── A history ─────────────────────────────────────────────────────────────────────────────

// FillSource is the source of the invoices that Fill writes, and FillBusinesses how many
// businesses share them: payment i is of business number i modulo that.
const (
	FillSource     = "past"
	FillBusinesses = 100
	fillPart       = 50_000
)

// FillInvoice, FillOrder and FillPayNumber are what payment number i is found by.
func FillInvoice(i int) string   { return fmt.Sprintf("10000000-0000-7000-8000-%012d", i) }
func FillOrder(i int) string     { return fmt.Sprintf("order-%d", i) }
func FillPayNumber(i int) string { return fmt.Sprint(1_000_000_000 + i) }
func FillRef(i int) string       { return fmt.Sprintf("ref-%d", i) }

// FillPhoneTail is the end of the telephone number of the payment before or at i that has one: each
// tenth. There are fillTails of them, so that from ten thousand payments on each is found as often
// as a page shows: a figure of a longer history is not one of finding more.
func FillPhoneTail(i int) string { return fmt.Sprint(fillFirstTail + i/10%fillTails) }

const fillFirstTail, fillTails = 1000, 50

// FillBusiness is the app's name of business number n.
func FillBusiness(n int) string { return fmt.Sprintf("past-%d", n) }

// Fill writes the payments from (included) to to (not): paid, told and done, a second apart. Each
// is four rows: invoice, payment, event, and one line of its timeline.
func (d *DB) Fill(ctx context.Context, from, to int) error {
	if from == 0 {
		if err := d.fillBusinesses(ctx); err != nil {
			return err
		}
	}
	for ; from < to; from += fillPart {
		if err := d.fillPart(ctx, from, min(from+fillPart, to)); err != nil {
			return fmt.Errorf("fill from %d: %w", from, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return d.engine.settle(ctx)
}

func (d *DB) fillBusinesses(ctx context.Context) error {
	const numbers = `WITH RECURSIVE n (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1) `
	return d.engine.transaction(ctx, []statement{
		{numbers + `INSERT INTO businesses (id, source, key, created_at) SELECT 'b-' || i, 'past', 'past-' || i, 0 FROM n`, []any{int64(FillBusinesses)}},
		{numbers + `INSERT INTO merchants (id, business_id, provider, active, sealed, version, created_at, updated_at)
			SELECT 'm-' || i, 'b-' || i, 'payme', TRUE, '', 1, 0, 0 FROM n`, []any{int64(FillBusinesses)}},
	})
}

func (d *DB) fillPart(ctx context.Context, from, to int) error {
	const numbers = `WITH RECURSIVE
		number (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM number WHERE i + 1 < $2),
		n (i, digits, b, at) AS (SELECT i, SUBSTR('000000000000' || i, LENGTH(CAST(i AS TEXT)) + 1, 12), CAST(i % 100 AS TEXT),
			CAST(1700000000000 AS BIGINT) + i * 1000 FROM number) `
	inserts := []string{
		`INSERT INTO invoices (id, business_id, source, provider, source_invoice_id, pay_number, amount, status, details, checkout_url, created_at, paid_at, expires_at, check_at)
			SELECT '10000000-0000-7000-8000-' || digits, 'b-' || b, 'past', 'payme', 'order-' || i, CAST(1000000000 + i AS TEXT), 15000000, 'paid',
				'{"notifyUrl":"https://app.example/hook"}', 'https://checkout.paycom.uz/x', at, at, at + 86400000, at + 86400000 FROM n`,
		`INSERT INTO payments (id, invoice_id, business_id, merchant_id, provider, ref, account, amount, captured, state, their_time, created_at, paid_at, code_phone)
			SELECT '20000000-0000-7000-8000-' || digits, '10000000-0000-7000-8000-' || digits, 'b-' || b, 'm-' || b, 'payme', 'ref-' || i, 'x',
				15000000, 15000000, 'paid', at, at, at, CASE WHEN i % 10 = 0 THEN '99890***' || (` + fmt.Sprint(fillFirstTail) + ` + i / 10 % ` + fmt.Sprint(fillTails) + `) ELSE '' END FROM n`,
		`INSERT INTO events (id, business_id, invoice_id, source_invoice_id, seq, type, body, notify_url, attempts, created_at, delivered_at)
			SELECT '30000000-0000-7000-8000-' || digits, 'b-' || b, '10000000-0000-7000-8000-' || digits, 'order-' || i, 1, 'invoice.updated',
				'` + strings.ReplaceAll(body, "'", "") + `', 'https://app.example/hook', 1, at, at FROM n`,
		`INSERT INTO changes (id, business_id, invoice_id, at, what, was, now, by_whom)
			SELECT '40000000-0000-7000-8000-' || digits, 'b-' || b, '10000000-0000-7000-8000-' || digits, at, 'invoice', 'pending', 'paid', 'provider' FROM n`,
	}
	var all []statement
	for _, insert := range inserts {
		all = append(all, statement{numbers + insert, []any{int64(from), int64(to)}})
	}
	return d.engine.transaction(ctx, all)
}
