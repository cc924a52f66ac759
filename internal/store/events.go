package store

import (
	"context"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// NextSeq is the place of the next event of an order, over all its invoices. Two transactions
// that take the same one on PostgreSQL meet at InsertEvent, and the later runs again.
func (tx *Tx) NextSeq(ctx context.Context, businessID, sourceInvoiceID string) (int64, error) {
	return one(ctx, tx, scanNumber, `SELECT COALESCE(MAX(seq), 0) + 1 FROM events
		WHERE business_id = $1 AND source_invoice_id = $2`, businessID, sourceInvoiceID)
}

// InsertEvent stores a new event, with the bytes that every try will send.
func (tx *Tx) InsertEvent(ctx context.Context, e pay.Event) error {
	return tx.save(ctx, `INSERT INTO events (id, business_id, invoice_id, source_invoice_id, seq, type, body, notify_url,
			attempts, next_at, created_at, delivered_at, stuck_at, dead_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		e.ID, e.BusinessID, e.InvoiceID, e.SourceInvoiceID, e.Seq, e.Type, string(e.Body), e.NotifyURL,
		int64(e.Attempts), millis(e.NextAt), millis(e.CreatedAt), millis(e.DeliveredAt), millis(e.StuckAt), millis(e.DeadAt))
}

// SaveEvent writes what may change of an event: how often it was tried, and how that ended.
func (tx *Tx) SaveEvent(ctx context.Context, e pay.Event) error {
	return tx.save(ctx, `UPDATE events SET attempts = $2, next_at = $3, delivered_at = $4, stuck_at = $5, dead_at = $6 WHERE id = $1`,
		e.ID, int64(e.Attempts), millis(e.NextAt), millis(e.DeliveredAt), millis(e.StuckAt), millis(e.DeadAt))
}

// SaveTry is SaveEvent after a try that began when the event had been tried was times. ok is false
// where somebody has asked meanwhile for it to be sent again: then nothing is written.
func (tx *Tx) SaveTry(ctx context.Context, e pay.Event, was int) (ok bool, err error) {
	n, err := tx.exec(ctx, `UPDATE events SET attempts = $2, next_at = $3, delivered_at = $4, stuck_at = $5, dead_at = $6
		WHERE id = $1 AND attempts = $7`,
		e.ID, int64(e.Attempts), millis(e.NextAt), millis(e.DeliveredAt), millis(e.StuckAt), millis(e.DeadAt), int64(was))
	return n == 1, err
}

const eventQuery = `SELECT id, business_id, invoice_id, source_invoice_id, seq, type, body, notify_url,
	attempts, next_at, created_at, delivered_at, stuck_at, dead_at FROM events`

func scanEvent(r row) (e pay.Event, err error) {
	var body string
	var next, created, delivered, stuck, dead int64
	err = r.Scan(&e.ID, &e.BusinessID, &e.InvoiceID, &e.SourceInvoiceID, &e.Seq, &e.Type, &body, &e.NotifyURL,
		&e.Attempts, &next, &created, &delivered, &stuck, &dead)
	e.Body = []byte(body)
	e.NextAt = instant(next)
	e.CreatedAt, e.DeliveredAt, e.StuckAt, e.DeadAt = instant(created), instant(delivered), instant(stuck), instant(dead)
	return e, err
}

// Event reads one event.
func (tx *Tx) Event(ctx context.Context, id string) (pay.Event, error) {
	return one(ctx, tx, scanEvent, eventQuery+` WHERE id = $1`, id)
}

// LatestEvent reads the newest event of an invoice.
func (tx *Tx) LatestEvent(ctx context.Context, invoiceID string) (pay.Event, error) {
	return one(ctx, tx, scanEvent, eventQuery+` WHERE invoice_id = $1 ORDER BY seq DESC LIMIT 1`, invoiceID)
}

// NewerEvent says whether an invoice has an event after the one at afterSeq.
func (tx *Tx) NewerEvent(ctx context.Context, invoiceID string, afterSeq int64) (bool, error) {
	return exists(ctx, tx, `SELECT 1 FROM events WHERE invoice_id = $1 AND seq > $2 LIMIT 1`, invoiceID, afterSeq)
}

// OldestUndelivered reads the event of an order that is to be sent next: those that are
// delivered or given up do not count.
func (tx *Tx) OldestUndelivered(ctx context.Context, businessID, sourceInvoiceID string) (pay.Event, error) {
	return one(ctx, tx, scanEvent, eventQuery+` WHERE business_id = $1 AND source_invoice_id = $2
		AND delivered_at = 0 AND dead_at = 0 ORDER BY seq LIMIT 1`, businessID, sourceInvoiceID)
}

// MoreUndelivered says whether an order has events to send after the one at afterSeq.
func (tx *Tx) MoreUndelivered(ctx context.Context, businessID, sourceInvoiceID string, afterSeq int64) (bool, error) {
	return exists(ctx, tx, `SELECT 1 FROM events WHERE business_id = $1 AND source_invoice_id = $2
		AND delivered_at = 0 AND dead_at = 0 AND seq > $3 LIMIT 1`, businessID, sourceInvoiceID, afterSeq)
}

// EventMark is an event as the walk over all of them sees it.
type EventMark struct {
	ID        string
	CreatedAt time.Time
	Delivered bool
	Newest    bool // of its invoice
}

// EventsAfter reads up to limit events in the order of their ids, which is that of their making,
// from behind the one with the id after on.
func (tx *Tx) EventsAfter(ctx context.Context, after string, limit int) ([]EventMark, error) {
	return many(ctx, tx, func(r row) (m EventMark, err error) {
		var created, delivered, newer int64
		err = r.Scan(&m.ID, &created, &delivered, &newer)
		m.CreatedAt, m.Delivered, m.Newest = instant(created), delivered > 0, newer == 0
		return m, err
	}, `SELECT i.id, i.created_at, i.delivered_at,
		CASE WHEN EXISTS (SELECT 1 FROM events w WHERE w.invoice_id = i.invoice_id AND w.seq > i.seq) THEN 1 ELSE 0 END
		FROM events i WHERE i.id > $1 ORDER BY i.id LIMIT $2 + 0`, after, int64(limit))
}

// DropDeliveries deletes all tries to send an event.
func (tx *Tx) DropDeliveries(ctx context.Context, eventID string) error {
	_, err := tx.exec(ctx, `DELETE FROM deliveries WHERE event_id = $1`, eventID)
	return err
}

// DropEvent deletes an event that has no tries any more, if it is still there.
func (tx *Tx) DropEvent(ctx context.Context, id string) error {
	_, err := tx.exec(ctx, `DELETE FROM events WHERE id = $1`, id)
	return err
}

// Delivery is one try to send an event.
type Delivery struct {
	ID, BusinessID, EventID, InvoiceID string

	Attempt  int // 1 is the first
	At       time.Time
	Status   int // of HTTP; 0: no answer
	Duration time.Duration
	Error    string
	Answer   string // the start of the receiver's answer
}

// InsertDelivery stores one try. The receiver's answer may be any bytes; its first 1,000 are
// kept.
func (tx *Tx) InsertDelivery(ctx context.Context, d Delivery) error {
	return tx.save(ctx, `INSERT INTO deliveries (id, business_id, event_id, invoice_id, attempt, at, status, duration_ms, error, answer)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		d.ID, d.BusinessID, d.EventID, d.InvoiceID, int64(d.Attempt), millis(d.At), int64(d.Status), d.Duration.Milliseconds(),
		printable(d.Error, 1000), printable(d.Answer, 1000))
}

// Deliveries reads all tries to tell of an invoice, in order.
func (tx *Tx) Deliveries(ctx context.Context, invoiceID string) ([]Delivery, error) {
	return many(ctx, tx, scanDelivery, deliveryQuery+` WHERE invoice_id = $1 ORDER BY at, id`, invoiceID)
}

const deliveryQuery = `SELECT id, business_id, event_id, invoice_id, attempt, at, status, duration_ms, error, answer FROM deliveries`

func scanDelivery(r row) (d Delivery, err error) {
	var at, duration int64
	err = r.Scan(&d.ID, &d.BusinessID, &d.EventID, &d.InvoiceID, &d.Attempt, &at, &d.Status, &duration, &d.Error, &d.Answer)
	d.At, d.Duration = instant(at), time.Duration(duration)*time.Millisecond
	return d, err
}
