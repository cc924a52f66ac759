package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
)

// NextSeq is the place of the next event of an order, over all its invoices. Two transactions
// that take the same one on PostgreSQL meet at InsertEvent, and the later runs again.
func (tx *Tx) NextSeq(ctx context.Context, businessID, sourceInvoiceID string) (int64, error) {
	if early := tx.place; early != nil {
		tx.place = nil // good once: the event that it is asked for takes the place
		if list, _ := early.list.([]place); len(list) == 1 && list[0].businessID == businessID && list[0].order == sourceInvoiceID {
			return list[0].seq, nil
		}
	}
	return one(ctx, tx, scanNumber, `SELECT COALESCE(MAX(seq), 0) + 1 FROM events
		WHERE business_id = $1 AND source_invoice_id = $2`, businessID, sourceInvoiceID)
}

// place is what was foreseen of NextSeq: for which order it is, too.
type place struct {
	businessID, order string
	seq               int64
}

// foreseeSeq says that NextSeq will be asked, of the order of the invoice whose id is the result of
// an SQL expression.
func (tx *Tx) foreseeSeq(invoiceID string, args ...any) {
	tx.place = ask(tx, func(r row) (p place, err error) {
		err = r.Scan(&p.businessID, &p.order, &p.seq)
		return p, err
	}, `SELECT i.business_id, i.source_invoice_id, COALESCE((SELECT MAX(e.seq) FROM events e
		WHERE e.business_id = i.business_id AND e.source_invoice_id = i.source_invoice_id), 0) + 1
		FROM invoices i WHERE i.id = `+invoiceID, args...)
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

// SendSooner has an event tried at once that waits for its next try. One that has arrived meanwhile, or
// is given up, stays so.
func (tx *Tx) SendSooner(ctx context.Context, id string) error {
	_, err := tx.exec(ctx, `UPDATE events SET next_at = 0 WHERE id = $1 AND delivered_at = 0 AND dead_at = 0`, id)
	return err
}

// Sent is a try to send an event that has ended, and the work whose lease it had.
type Sent struct {
	Event pay.Event // as it stood when the try began
	Work  outbox.Work
}

// Try is how an event stands when a try to send it has ended.
type Try struct {
	Attempts int  // how often it had been tried before; fewer than when this try began: somebody asked for it to be sent again
	Newer    bool // its invoice has an event after it
	More     bool // its order has events to send after it
	Leased   bool // the work of sending it is still this one's
	Grew     bool // and Enqueue has added to it meanwhile
}

// LockSent locks the invoices of events and the work of sending them, and reads how each stands, in
// the order of the list. Nobody adds an event of the invoices, or asks for one to be sent again, until
// the transaction ends. Without wait, what somebody else holds is passed over and counts as not leased:
// who locks several invoices may not have all wait for one.
func (tx *Tx) LockSent(ctx context.Context, list []Sent, wait bool) ([]Try, error) {
	for _, s := range list {
		if s.Work.Lease == "" {
			return nil, tx.fail(errNoSuchToken)
		}
	}
	all, err := sentNames(list)
	if err != nil {
		return nil, tx.fail(err)
	}
	among := tx.dialect.among
	lock := tx.dialect.skipLocked
	if wait {
		lock = func() string { return tx.dialect.forUpdate("l") }
	}
	// The locks first: what comes after them sees what those before us wrote.
	invoices := `SELECT l.id FROM invoices l WHERE l.id ` + among("invoice") + lock()
	if tx.dialect == postgres {
		foresee(tx, scanText, invoices, all)
	}
	type lease struct {
		work, token string
		gen         int64
	}
	scanLease := func(r row) (l lease, err error) {
		err = r.Scan(&l.work, &l.token, &l.gen)
		return l, err
	}
	leased := `SELECT l.id, l.lease_token, l.gen FROM work l WHERE l.id ` + among("work") + lock()
	foresee(tx, scanLease, leased, all)
	type standing struct {
		event string
		Try
	}
	found, err := many(ctx, tx, func(r row) (s standing, err error) {
		var newer, more int64
		err = r.Scan(&s.event, &s.Attempts, &newer, &more)
		s.Newer, s.More = newer > 0, more > 0
		return s, err
	}, `SELECT e.id, e.attempts,
		CASE WHEN EXISTS (SELECT 1 FROM events n WHERE n.invoice_id = e.invoice_id AND n.seq > e.seq) THEN 1 ELSE 0 END,
		CASE WHEN EXISTS (SELECT 1 FROM events m WHERE m.business_id = e.business_id AND m.source_invoice_id = e.source_invoice_id
			AND m.delivered_at = 0 AND m.dead_at = 0 AND m.seq > e.seq) THEN 1 ELSE 0 END
		FROM events e WHERE e.id `+among("event"), all)
	if err != nil {
		return nil, err
	}
	leases, err := many(ctx, tx, scanLease, leased, all)
	if err != nil {
		return nil, err
	}
	var locked []string
	if tx.dialect == postgres {
		if locked, err = many(ctx, tx, scanText, invoices, all); err != nil {
			return nil, err
		}
	}
	tries := make([]Try, len(list))
	for i, s := range list {
		at := slices.IndexFunc(found, func(f standing) bool { return f.event == s.Event.ID })
		if at < 0 {
			return nil, tx.fail(fmt.Errorf("store: the event %s is gone: %w", s.Event.ID, ErrNotFound))
		}
		tries[i] = found[at].Try
		if tx.dialect == postgres && !slices.Contains(locked, s.Event.InvoiceID) {
			continue
		}
		for _, l := range leases {
			if l.work == s.Work.ID && l.token == s.Work.Lease {
				tries[i].Leased, tries[i].Grew = true, l.gen != s.Work.Gen
			}
		}
	}
	return tries, nil
}

// Arrived writes that events have arrived with their one try now, that their invoices' newest are
// among those, and that the work of sending them is done. LockSent has said so of each: this try's
// lease, no other try, nothing newer, and nothing more to send.
func (tx *Tx) Arrived(ctx context.Context, list []Sent, at time.Time) error {
	all, err := sentNames(list)
	if err != nil {
		return tx.fail(err)
	}
	among := tx.dialect.among
	if err := tx.saveAll(ctx, len(list), `UPDATE events SET attempts = attempts + 1, next_at = 0, delivered_at = $2, stuck_at = 0 WHERE id `+among("event"), all, millis(at)); err != nil {
		return err
	}
	if err := tx.saveAll(ctx, len(list), `UPDATE invoices SET notify_delivered = TRUE WHERE id `+among("invoice"), all); err != nil {
		return err
	}
	return tx.saveAll(ctx, len(list), `DELETE FROM work WHERE id `+among("work"), all)
}

// sentNames is the ids of a list of tries as one argument, for dialect.among.
func sentNames(list []Sent) (string, error) {
	type names struct {
		Event   string `json:"event"`
		Invoice string `json:"invoice"`
		Work    string `json:"work"`
	}
	all := make([]names, len(list))
	for i, s := range list {
		all[i] = names{s.Event.ID, s.Event.InvoiceID, s.Work.ID}
	}
	return bundle(all)
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

// OldestUndelivered reads the event of an order that is to be sent next: those that are
// delivered or given up do not count.
func (tx *Tx) OldestUndelivered(ctx context.Context, businessID, sourceInvoiceID string) (pay.Event, error) {
	return one(ctx, tx, scanEvent, eventQuery+` WHERE business_id = $1 AND source_invoice_id = $2
		AND delivered_at = 0 AND dead_at = 0 ORDER BY seq LIMIT 1`, businessID, sourceInvoiceID)
}

// Line is an order of an app, whose events are sent one after the other.
type Line struct {
	BusinessID      string `json:"business"`
	SourceInvoiceID string `json:"order"`
}

// FirstUndelivered is OldestUndelivered for several lines at once, in no order; a line that has nothing
// to send is left out.
func (tx *Tx) FirstUndelivered(ctx context.Context, lines []Line) ([]pay.Event, error) {
	all, err := bundle(lines)
	if err != nil {
		return nil, tx.fail(err)
	}
	return many(ctx, tx, scanEvent, eventQuery+` WHERE id `+tx.dialect.oneOf(`SELECT (SELECT e.id FROM events e
		WHERE e.business_id = value ->> 'business' AND e.source_invoice_id = value ->> 'order'
		AND e.delivered_at = 0 AND e.dead_at = 0 ORDER BY e.seq LIMIT 1) FROM `+tx.dialect.elements("$1")), all)
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

// InsertDeliveries stores tries. A receiver's answer may be any bytes; its first 1,000 are kept.
func (tx *Tx) InsertDeliveries(ctx context.Context, list ...Delivery) error {
	type stored struct {
		ID       string `json:"id"`
		Business string `json:"business"`
		Event    string `json:"event"`
		Invoice  string `json:"invoice"`
		Attempt  int    `json:"attempt"`
		At       int64  `json:"at"`
		Status   int    `json:"status"`
		Took     int64  `json:"took"`
		Error    string `json:"error"`
		Answer   string `json:"answer"`
	}
	rows := make([]stored, len(list))
	for i, d := range list {
		rows[i] = stored{d.ID, d.BusinessID, d.EventID, d.InvoiceID, d.Attempt, millis(d.At), d.Status, d.Duration.Milliseconds(),
			printable(d.Error, 1000), printable(d.Answer, 1000)}
	}
	all, err := bundle(rows)
	if err != nil {
		return tx.fail(err)
	}
	return tx.saveAll(ctx, len(list), `INSERT INTO deliveries (id, business_id, event_id, invoice_id, attempt, at, status, duration_ms, error, answer)
		SELECT value ->> 'id', value ->> 'business', value ->> 'event', value ->> 'invoice', CAST(value ->> 'attempt' AS BIGINT), CAST(value ->> 'at' AS BIGINT),
			CAST(value ->> 'status' AS BIGINT), CAST(value ->> 'took' AS BIGINT), value ->> 'error', value ->> 'answer' FROM `+tx.dialect.elements("$1"), all)
}

// bundle is a list as one argument: see dialect.elements.
func bundle(list any) (string, error) {
	all, err := json.Marshal(list)
	return string(all), err
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
