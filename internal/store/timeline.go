package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// Change is one line of an invoice's timeline, written by the transaction that made it; or of a
// payout's, whose id stands in InvoiceID then.
type Change struct {
	ID, BusinessID, InvoiceID, PaymentID, RefundID string

	At       time.Time
	What     string // invoice, payment, refund, payout
	Was, Now string // its states
	By       string // api, provider, worker, or a person
	Note     string
}

// InsertChange stores one line of the timeline.
func (tx *Tx) InsertChange(ctx context.Context, c Change) error {
	return tx.save(ctx, `INSERT INTO changes (id, business_id, invoice_id, payment_id, refund_id, at, what, was, now, by_whom, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		c.ID, c.BusinessID, c.InvoiceID, c.PaymentID, c.RefundID, millis(c.At), c.What, c.Was, c.Now, c.By, printable(c.Note, 4000))
}

// Changes reads the timeline of an invoice, in order.
func (tx *Tx) Changes(ctx context.Context, invoiceID string) ([]Change, error) {
	return many(ctx, tx, scanChange, changeQuery+` WHERE invoice_id = $1 ORDER BY at, id`, invoiceID)
}

const changeQuery = `SELECT id, business_id, invoice_id, payment_id, refund_id, at, what, was, now, by_whom, note FROM changes`

func scanChange(r row) (c Change, err error) {
	var at int64
	err = r.Scan(&c.ID, &c.BusinessID, &c.InvoiceID, &c.PaymentID, &c.RefundID, &at, &c.What, &c.Was, &c.Now, &c.By, &c.Note)
	c.At = instant(at)
	return c, err
}

// InsertAlarm stores what needs a person.
func (tx *Tx) InsertAlarm(ctx context.Context, a pay.Alarm) error {
	return tx.save(ctx, `INSERT INTO alarms (id, business_id, invoice_id, payment_id, kind, message, created_at, closed_at, closed_by, payout_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		a.ID, a.BusinessID, a.InvoiceID, a.PaymentID, string(a.Kind), printable(a.Message, 4000),
		millis(a.CreatedAt), millis(a.ClosedAt), a.ClosedBy, a.PayoutID)
}

const alarmQuery = `SELECT a.id, a.business_id, a.invoice_id, a.payment_id, a.kind, a.message, a.created_at, a.closed_at, a.closed_by, a.payout_id
	FROM alarms a`

func scanAlarm(r row) (a pay.Alarm, err error) {
	var created, closed int64
	err = r.Scan(&a.ID, &a.BusinessID, &a.InvoiceID, &a.PaymentID, &a.Kind, &a.Message, &created, &closed, &a.ClosedBy, &a.PayoutID)
	a.CreatedAt, a.ClosedAt = instant(created), instant(closed)
	return a, err
}

// Alarms reads all alarms of an invoice, open and closed, in order.
func (tx *Tx) Alarms(ctx context.Context, invoiceID string) ([]pay.Alarm, error) {
	return many(ctx, tx, scanAlarm, alarmQuery+` WHERE a.invoice_id = $1 ORDER BY a.created_at, a.id`, invoiceID)
}

// OpenAlarms lists what still needs a person, newest first.
func (tx *Tx) OpenAlarms(ctx context.Context, p Page) ([]pay.Alarm, error) {
	var s selection
	s.and("a.closed_at = 0")
	return many(ctx, tx, scanAlarm, alarmQuery+s.page("a", p), s.args...)
}

// AlarmOpen says whether there is an alarm of that id, and it still needs a person.
func (tx *Tx) AlarmOpen(ctx context.Context, id string) (bool, error) {
	n, err := one(ctx, tx, scanNumber, `SELECT COUNT(*) FROM alarms WHERE id = $1 AND closed_at = 0`, id)
	return n > 0, err
}

// CloseAlarm closes one alarm: what it warned of is known now.
func (tx *Tx) CloseAlarm(ctx context.Context, id, by string, at time.Time) error {
	return tx.save(ctx, `UPDATE alarms SET closed_at = $2, closed_by = $3 WHERE id = $1`, id, millis(at), by)
}

// CloseAlarms closes every open alarm of an invoice in the name of a person.
func (tx *Tx) CloseAlarms(ctx context.Context, invoiceID, by string, at time.Time) error {
	_, err := tx.exec(ctx, `UPDATE alarms SET closed_at = $2, closed_by = $3 WHERE invoice_id = $1 AND closed_at = 0`,
		invoiceID, millis(at), by)
	return err
}

// Message is one exchange with a provider, redacted: evidence, not truth.
type Message struct {
	ID, BusinessID, MerchantID, InvoiceID, PaymentID string

	At        time.Time
	Direction string // "in": they called us; "out": we called them
	Step      string // the method of their protocol
	Request   string
	Status    int // of HTTP; 0: no answer
	Response  string
	Duration  time.Duration
}

// messageMost is how much of a request or response is kept.
const messageMost = 64 << 10

// InsertMessages stores exchanges, which may be any bytes: messagesAtOnce of them in a statement.
func (tx *Tx) InsertMessages(ctx context.Context, list []Message) error {
	for ; len(list) >= messagesAtOnce; list = list[messagesAtOnce:] {
		if err := tx.insertMessages(ctx, insertManyMessages, list[:messagesAtOnce]); err != nil {
			return err
		}
	}
	for i := range list {
		if err := tx.insertMessages(ctx, insertOneMessage, list[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) insertMessages(ctx context.Context, query string, list []Message) error {
	args := make([]any, 0, 12*len(list))
	for _, m := range list {
		args = append(args, m.ID, m.BusinessID, m.MerchantID, m.InvoiceID, m.PaymentID, millis(m.At), m.Direction, printable(m.Step, 200),
			printable(m.Request, messageMost), int64(m.Status), printable(m.Response, messageMost), m.Duration.Milliseconds())
	}
	n, err := tx.exec(ctx, query, args...)
	if err == nil && n != int64(len(list)) {
		err = tx.fail(errLostRow(n, int64(len(list))))
	}
	return err
}

// messagesAtOnce is one number, so that both texts stay prepared.
const messagesAtOnce = 16

var insertOneMessage, insertManyMessages = messagesInsert(1), messagesInsert(messagesAtOnce)

func messagesInsert(rows int) string {
	var b strings.Builder
	b.WriteString(`INSERT INTO messages (id, business_id, merchant_id, invoice_id, payment_id, at, direction, step,
		request, status, response, duration_ms) VALUES `)
	for i := range 12 * rows {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%12 == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	return b.String() + ")"
}

// Messages reads all exchanges about an invoice, in order.
func (tx *Tx) Messages(ctx context.Context, invoiceID string) ([]Message, error) {
	return many(ctx, tx, scanMessage, messageQuery+` WHERE invoice_id = $1 ORDER BY at, id`, invoiceID)
}

const messageQuery = `SELECT id, business_id, merchant_id, invoice_id, payment_id, at, direction, step, request, status, response, duration_ms
	FROM messages`

func scanMessage(r row) (m Message, err error) {
	var at, duration int64
	err = r.Scan(&m.ID, &m.BusinessID, &m.MerchantID, &m.InvoiceID, &m.PaymentID, &at, &m.Direction, &m.Step,
		&m.Request, &m.Status, &m.Response, &duration)
	m.At, m.Duration = instant(at), time.Duration(duration)*time.Millisecond
	return m, err
}

// PruneMessages deletes up to limit exchanges from before a time, and says how many.
func (tx *Tx) PruneMessages(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := tx.exec(ctx, `DELETE FROM messages WHERE id IN
		(SELECT id FROM messages WHERE at < $1 ORDER BY at LIMIT $2 + 0)`, millis(before), int64(limit))
	return int(n), err
}
