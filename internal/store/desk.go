package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// What staff ask: lists in an order of their choice, what is found by what was pasted, what needs
// a person, and the day in numbers. None of it writes, and each is served by an index.

// Order is how a list is sorted.
type Order string

// The orders. Those by amount count for invoices and refunds only.
const (
	Newest   Order = ""
	Oldest   Order = "oldest"
	Largest  Order = "largest"
	Smallest Order = "smallest"
)

// ByAmount says whether a Page.AfterAt of this order is an amount and not a time.
func (o Order) ByAmount() bool { return o == Largest || o == Smallest }

// unindexed is put behind a column that must not choose the index of a list that is sorted by
// amount: to walk the amounts and pass over what does not fit is quicker than to sort all that
// fits. PostgreSQL knows how many fit, and chooses by itself.
func (tx *Tx) unindexed(o Order) string {
	if o.ByAmount() && tx.dialect == sqlite3 {
		return " || ''"
	}
	return ""
}

// sorted ends a list of the table called alias, in that order.
func (s *selection) sorted(table, alias string, o Order, p Page) string {
	if o == Newest && !s.few {
		return s.page(alias, p)
	}
	way, than := " DESC", "<"
	if o == Oldest || o == Smallest {
		way, than = "", ">"
	}
	columns := []string{alias + ".created_at", alias + ".id"}
	if o.ByAmount() {
		columns = slices.Insert(columns, 0, alias+".amount")
	}
	if s.few { // found by their ids, and sorted: no index of the order is to be walked for them
		for i := range len(columns) - 1 {
			columns[i] += " + 0"
		}
	}
	switch {
	case p.AfterID == "":
	case o.ByAmount():
		s.and("("+strings.Join(columns, ", ")+") "+than+" (?, (SELECT created_at FROM "+table+" WHERE id = ?), ?)", p.AfterAt, p.AfterID, p.AfterID)
	default:
		s.and("("+strings.Join(columns, ", ")+") "+than+" (?, ?)", p.AfterAt, p.AfterID)
	}
	var text string
	if len(s.where) > 0 {
		text = " WHERE " + strings.Join(s.where, " AND ")
	}
	return text + " ORDER BY " + strings.Join(columns, way+", ") + way + " LIMIT " + s.limit(p)
}

// among is a list of placeholders for up to 1,000 ids, filled up with the last: few texts, so that
// each is prepared once.
func (s *selection) among(ids []string) string {
	i := slices.IndexFunc(pageSizes, func(size int) bool { return size >= len(ids) })
	marks := make([]string, pageSizes[i])
	for n := range marks {
		marks[n] = s.arg(ids[min(n, len(ids)-1)])
	}
	return "(" + strings.Join(marks, ", ") + ")"
}

// InvoicesByID reads up to 1,000 invoices, in the order of ids. What does not exist is left out.
func (tx *Tx) InvoicesByID(ctx context.Context, ids []string) ([]pay.Invoice, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > pageSizes[len(pageSizes)-1] {
		return nil, tx.fail(fmt.Errorf("store: %d invoices at once", len(ids)))
	}
	var s selection
	rows, err := many(ctx, tx, scanInvoice, invoiceQuery+` WHERE i.id IN `+s.among(ids), s.args...)
	if err != nil {
		return nil, err
	}
	known := make(map[string]pay.Invoice, len(rows))
	for _, inv := range rows {
		known[inv.ID] = inv
	}
	out := rows[:0]
	for _, id := range ids {
		if inv, ok := known[id]; ok {
			out = append(out, inv)
			delete(known, id)
		}
	}
	return out, nil
}

// ─── Found by what was pasted ─────────────────────────────────────────────────────────────

// The kinds of clues.
const (
	ClueName  = "name"  // what a company or a bank calls the payment, beside its ref
	CluePhone = "phone" // the buyer's, nine digits
)

// InsertClue notes by what else an invoice is found; a repeat is nothing new.
func (tx *Tx) InsertClue(ctx context.Context, kind, value, invoiceID string) error {
	_, err := tx.insert(ctx, `INSERT INTO clues (kind, value, business_id, invoice_id, created_at)
		SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), business_id, id, created_at FROM invoices WHERE id = $3`, kind, value, invoiceID)
	return err
}

// InvoicesByClue finds up to limit invoices, newest first.
func (tx *Tx) InvoicesByClue(ctx context.Context, kind, value string, limit int) ([]string, error) {
	return many(ctx, tx, scanText, `SELECT invoice_id FROM clues WHERE kind = $1 AND value = $2
		ORDER BY created_at DESC, invoice_id DESC LIMIT $3 + 0`, kind, value, int64(limit))
}

// InvoicesByRef finds up to limit invoices of whose payments one is called ref by its provider.
func (tx *Tx) InvoicesByRef(ctx context.Context, ref string, limit int) ([]string, error) {
	return many(ctx, tx, scanText, `SELECT invoice_id FROM payments WHERE ref = $1 LIMIT $2 + 0`, ref, int64(limit))
}

// InvoicesByRefundRef finds up to limit invoices of whose refunds one is called ref.
func (tx *Tx) InvoicesByRefundRef(ctx context.Context, ref string, limit int) ([]string, error) {
	return many(ctx, tx, scanText, `SELECT invoice_id FROM refunds WHERE ref = $1 AND ref <> '' LIMIT $2 + 0`, ref, int64(limit))
}

// Tail is an invoice whose payment ends in what was asked for, with the whole masked text.
type Tail struct{ InvoiceID, Masked string }

func scanTail(r row) (t Tail, err error) {
	err = r.Scan(&t.InvoiceID, &t.Masked)
	return t, err
}

// InvoicesByCardTail finds up to limit payments by a card that ends in these four characters,
// newest first.
func (tx *Tx) InvoicesByCardTail(ctx context.Context, four string, limit int) ([]Tail, error) {
	return many(ctx, tx, scanTail, `SELECT invoice_id, card_pan FROM payments
		WHERE SUBSTR(card_pan, LENGTH(card_pan) - 3) = $1 AND card_pan <> ''
		ORDER BY created_at DESC, id DESC LIMIT `+strconv.Itoa(limit), four)
}

// InvoicesByPhoneTail is the same for the number that a code was sent to. It is masked too, so
// that its last four characters may be stars in part.
func (tx *Tx) InvoicesByPhoneTail(ctx context.Context, four string, limit int) ([]Tail, error) {
	return many(ctx, tx, scanTail, `SELECT invoice_id, code_phone FROM payments
		WHERE SUBSTR(code_phone, LENGTH(code_phone) - 3) = $1 AND code_phone <> ''
		ORDER BY created_at DESC, id DESC LIMIT `+strconv.Itoa(limit), four)
}

// ─── Lists ────────────────────────────────────────────────────────────────────────────────

// RefundRow is a refund as a list shows it.
type RefundRow struct {
	pay.Refund
	Provider, Source, Business, SourceInvoiceID string
}

// RefundFilter picks refunds; what is zero does not count.
type RefundFilter struct {
	State    string
	From, To time.Time // by creation; From is included, To is not
	Order    Order
}

// RefundList lists refunds.
func (tx *Tx) RefundList(ctx context.Context, f RefundFilter, p Page) ([]RefundRow, error) {
	var s selection
	if f.State != "" {
		s.and("r.state"+tx.unindexed(f.Order)+" = ?", f.State)
	}
	s.made("r", f.From, f.To)
	return many(ctx, tx, func(r row) (out RefundRow, err error) {
		out.Refund, err = scanRefund(also{r, []any{&out.Provider, &out.Source, &out.Business, &out.SourceInvoiceID}})
		return out, err
	}, `SELECT r.id, r.business_id, r.invoice_id, r.payment_id, r.amount, r.state, r.reason, r.ref, r.code, r.note,
		r.theirs, r.whole, r.lines, r.before, r.created_at, r.sent_at, r.done_at, r.accepted_at, p.provider, i.source, b.key, i.source_invoice_id
		FROM refunds r JOIN payments p ON p.id = r.payment_id JOIN invoices i ON i.id = r.invoice_id
		JOIN businesses b ON b.id = r.business_id`+s.sorted("refunds", "r", f.Order, p), s.args...)
}

// also scans further columns behind those of another scan function.
type also struct {
	row
	more []any
}

func (a also) Scan(dest ...any) error { return a.row.Scan(append(dest, a.more...)...) }

// made narrows a list to what was made in a time.
func (s *selection) made(alias string, from, to time.Time) {
	if !from.IsZero() {
		s.and(alias+".created_at >= ?", millis(from))
	}
	if !to.IsZero() {
		s.and(alias+".created_at < ?", millis(to))
	}
}

// EventRow is an event as a list shows it, with its last try.
type EventRow struct {
	pay.Event
	Source, Business string
	Last             Delivery // its ID is "" before the first
}

// Status is the invoice's as the event tells it; "" where its body is not of this program.
func (e EventRow) Status() pay.Status {
	var told struct {
		Status pay.Status `json:"status"`
	}
	_ = json.Unmarshal(e.Body, &told)
	return told.Status
}

// The states of an event by which a list is narrowed.
const (
	EventStuck     = "stuck"     // the fast retries failed, and it has not arrived since
	EventWaiting   = "waiting"   // not arrived, and still tried
	EventDead      = "dead"      // given up
	EventDelivered = "delivered" // arrived
)

// EventFilter picks events; what is zero does not count.
type EventFilter struct {
	State    string
	Receiver string    // the address up to its query: https://shop.uz/hook
	From, To time.Time // by creation; From is included, To is not
	Order    Order
}

var eventConditions = map[string]string{
	EventStuck:     "e.stuck_at > 0 AND e.delivered_at = 0",
	EventWaiting:   "e.delivered_at = 0 AND e.dead_at = 0",
	EventDead:      "e.dead_at > 0",
	EventDelivered: "e.delivered_at > 0",
}

func (f EventFilter) selection() (s selection) {
	if c := eventConditions[f.State]; c != "" {
		s.and(c)
	}
	if f.Receiver != "" {
		query := f.Receiver + "?"
		s.and("SUBSTR(e.notify_url || CAST(? AS TEXT), 1, LENGTH(CAST(? AS TEXT))) = ?", "?", query, query)
	}
	s.made("e", f.From, f.To)
	return s
}

// Events lists events with their last tries.
func (tx *Tx) Events(ctx context.Context, f EventFilter, p Page) ([]EventRow, error) {
	s := f.selection()
	return many(ctx, tx, scanEventRow, `SELECT e.id, e.business_id, e.invoice_id, e.source_invoice_id, e.seq, e.type, e.body, e.notify_url,
		e.attempts, e.next_at, e.created_at, e.delivered_at, e.stuck_at, e.dead_at,
		b.source, b.key,
		COALESCE(d.id, ''), COALESCE(d.attempt, 0), COALESCE(d.at, 0), COALESCE(d.status, 0), COALESCE(d.duration_ms, 0), COALESCE(d.error, ''), COALESCE(d.answer, '')
		FROM events e JOIN businesses b ON b.id = e.business_id
		LEFT JOIN deliveries d ON d.id = (SELECT t.id FROM deliveries t WHERE t.event_id = e.id ORDER BY t.at DESC LIMIT 1)`+
		s.sorted("events", "e", f.Order, p), s.args...)
}

func scanEventRow(r row) (e EventRow, err error) {
	var at, duration int64
	e.Event, err = scanEvent(also{r, []any{&e.Source, &e.Business,
		&e.Last.ID, &e.Last.Attempt, &at, &e.Last.Status, &duration, &e.Last.Error, &e.Last.Answer}})
	e.Last.At, e.Last.Duration = instant(at), time.Duration(duration)*time.Millisecond
	return e, err
}

// LastDelivery reads the newest try of an event.
func (tx *Tx) LastDelivery(ctx context.Context, eventID string) (Delivery, error) {
	return one(ctx, tx, scanDelivery, deliveryQuery+` WHERE event_id = $1 ORDER BY at DESC, id DESC LIMIT 1`, eventID)
}

// StuckEvents finds up to limit events that are under Stuck since before until, oldest first:
// those for one receiver, made in [since, to); a zero to is no bound.
func (tx *Tx) StuckEvents(ctx context.Context, receiver string, since, to, until time.Time, limit int) ([]string, error) {
	s := EventFilter{State: EventStuck, Receiver: receiver, From: since, To: to}.selection()
	s.and("e.stuck_at <= ?", millis(until))
	return many(ctx, tx, scanText, `SELECT e.id FROM events e WHERE `+strings.Join(s.where, " AND ")+
		` ORDER BY e.created_at, e.id LIMIT `+s.arg(int64(limit))+` + 0`, s.args...)
}

// FailedReceipts lists up to limit payments whose fiscal receipt was refused for good, newest
// first.
func (tx *Tx) FailedReceipts(ctx context.Context, limit int) ([]pay.Payment, error) {
	return many(ctx, tx, scanPayment, paymentQuery+` WHERE fiscal = 'failed' ORDER BY created_at DESC, id DESC LIMIT $1 + 0`, int64(limit))
}

// InactiveMerchants lists up to limit merchants that are switched off, newest first.
func (tx *Tx) InactiveMerchants(ctx context.Context, limit int) ([]pay.Merchant, error) {
	return many(ctx, tx, scanMerchant, merchantQuery+` WHERE NOT m.active ORDER BY m.created_at DESC, m.id DESC LIMIT $1 + 0`, int64(limit))
}

// ─── What needs a person, and the day in numbers ──────────────────────────────────────────

// Heap is how much of one kind needs a person.
type Heap struct {
	Kind   string
	Count  int64
	Sum    pay.Tiyin
	Oldest time.Time
}

// Heaps counts what needs a person: the invoices that ask for attention by its kind, and the
// stuck events, failed receipts, inactive merchants and waiting approvals at now, and what is about
// no invoice: payouts, days that were compared, tills. What there is none of is left out.
func (tx *Tx) Heaps(ctx context.Context, now time.Time) ([]Heap, error) {
	scan := func(r row) (h Heap, err error) {
		var oldest int64
		err = r.Scan(&h.Kind, &h.Count, &h.Sum, &oldest)
		h.Oldest = instant(oldest)
		return h, err
	}
	out, err := many(ctx, tx, scan, `SELECT attention, COUNT(*), CAST(SUM(amount) AS BIGINT), MIN(created_at)
		FROM invoices WHERE attention <> '' GROUP BY attention ORDER BY attention`)
	if err != nil {
		return nil, err
	}
	for _, q := range []struct {
		query string
		args  []any
	}{
		{`SELECT 'stuck', COUNT(*), 0, COALESCE(MIN(created_at), 0) FROM events WHERE stuck_at > 0 AND delivered_at = 0`, nil},
		{`SELECT 'receipt', COUNT(*), 0, COALESCE(MIN(created_at), 0) FROM payments WHERE fiscal = 'failed'`, nil},
		{`SELECT 'inactive', COUNT(*), 0, COALESCE(MIN(created_at), 0) FROM merchants WHERE NOT active`, nil},
		{`SELECT 'approval', COUNT(*), CAST(COALESCE(SUM(amount), 0) AS BIGINT), COALESCE(MIN(created_at), 0) FROM approvals
			WHERE state = 'waiting' AND expires_at > $1`, []any{millis(now)}},
		{`SELECT 'payout', COUNT(DISTINCT payout_id), 0, COALESCE(MIN(created_at), 0) FROM alarms
			WHERE closed_at = 0 AND invoice_id = '' AND payout_id <> ''`, nil},
		{`SELECT 'untold', COUNT(DISTINCT payout_id), 0, COALESCE(MIN(created_at), 0) FROM payout_events WHERE stuck_at > 0 AND delivered_at = 0`, nil},
		{`SELECT 'compared', COUNT(*), 0, COALESCE(MIN(created_at), 0) FROM alarms WHERE closed_at = 0 AND invoice_id = '' AND payout_id = ''`, nil},
		{`SELECT 'till', COUNT(*), 0, COALESCE(MIN(created_at), 0) FROM till_reports WHERE adrift`, nil},
	} {
		h, err := one(ctx, tx, scan, q.query, q.args...)
		if err != nil {
			return nil, err
		}
		if h.Count > 0 {
			out = append(out, h)
		}
	}
	return out, nil
}

// Receiver is how many events are stuck for one address.
type Receiver struct {
	NotifyURL string
	Count     int64
	Oldest    time.Time
}

// StuckReceivers counts the stuck events by address, the most first, up to limit addresses.
func (tx *Tx) StuckReceivers(ctx context.Context, limit int) ([]Receiver, error) {
	return many(ctx, tx, func(r row) (x Receiver, err error) {
		var oldest int64
		err = r.Scan(&x.NotifyURL, &x.Count, &oldest)
		x.Oldest = instant(oldest)
		return x, err
	}, `SELECT notify_url, COUNT(*), MIN(created_at) FROM events WHERE stuck_at > 0 AND delivered_at = 0
		GROUP BY notify_url ORDER BY COUNT(*) DESC, notify_url LIMIT $1 + 0`, int64(limit))
}

// Hour is one hour of one provider: what was paid in it, what came to nothing, and what was
// returned (of all providers, under the name "").
type Hour struct {
	Start    time.Time
	Provider string
	Paid     int64
	Sum      pay.Tiyin
	Lost     int64
	Returned int64
	Back     pay.Tiyin
}

// Hours counts by the hour from a time on: what was paid, whatever became of it later, and which
// attempts ended unpaid, refused or given up. An hour without anything is left out.
func (tx *Tx) Hours(ctx context.Context, from time.Time) ([]Hour, error) {
	var out []Hour
	for _, q := range []struct {
		query string
		into  func(h *Hour, n, sum int64)
	}{
		{`SELECT paid_at / 3600000, provider, COUNT(*), CAST(SUM(captured) AS BIGINT) FROM payments
			WHERE paid_at > 0 AND paid_at >= $1 GROUP BY paid_at / 3600000, provider`,
			func(h *Hour, n, sum int64) { h.Paid, h.Sum = n, pay.Tiyin(sum) }},
		{`SELECT ended_at / 3600000, provider, COUNT(*), 0 FROM payments
			WHERE state IN ('failed', 'cancelled') AND ended_at >= $1 GROUP BY ended_at / 3600000, provider`,
			func(h *Hour, n, _ int64) { h.Lost = n }},
		{`SELECT done_at / 3600000, '', COUNT(*), CAST(SUM(amount) AS BIGINT) FROM refunds
			WHERE done_at > 0 AND done_at >= $1 AND state || '' = 'succeeded' GROUP BY done_at / 3600000`, // not by the index of states
			func(h *Hour, n, sum int64) { h.Returned, h.Back = n, pay.Tiyin(sum) }},
	} {
		hours, err := many(ctx, tx, func(r row) (h Hour, err error) {
			var hour, n, sum int64
			err = r.Scan(&hour, &h.Provider, &n, &sum)
			h.Start = instant(hour * 3600000)
			q.into(&h, n, sum)
			return h, err
		}, q.query, millis(from))
		if err != nil {
			return nil, err
		}
		out = append(out, hours...)
	}
	return out, nil
}

// ─── One invoice's timeline, a page at a time ─────────────────────────────────────────────

// Mark is a place in a timeline: behind the line made at At under ID. The zero Mark is its
// beginning.
type Mark struct {
	At time.Time
	ID string
}

// TimelinePage reads up to limit lines of each kind that follow a mark, each kind in order. The
// caller merges them by time and id, and keeps the first.
func (tx *Tx) TimelinePage(ctx context.Context, invoiceID string, after Mark, limit int) (changes []Change, messages []Message, deliveries []Delivery, alarms []pay.Alarm, err error) {
	args := []any{invoiceID, millis(after.At), after.ID, int64(limit)}
	const behind = ` WHERE invoice_id = $1 AND (at, id) > ($2, $3) ORDER BY at, id LIMIT $4 + 0`
	if changes, err = many(ctx, tx, scanChange, changeQuery+behind, args...); err != nil {
		return
	}
	if messages, err = many(ctx, tx, scanMessage, messageQuery+behind, args...); err != nil {
		return
	}
	if deliveries, err = many(ctx, tx, scanDelivery, deliveryQuery+behind, args...); err != nil {
		return
	}
	alarms, err = many(ctx, tx, scanAlarm, alarmQuery+` WHERE a.invoice_id = $1 AND (a.created_at, a.id) > ($2, $3)
		ORDER BY a.created_at, a.id LIMIT $4 + 0`, args...)
	return
}

// LastMessages reads the newest messages about an invoice, up to limit, newest first.
func (tx *Tx) LastMessages(ctx context.Context, invoiceID string, limit int) ([]Message, error) {
	return many(ctx, tx, scanMessage, messageQuery+` WHERE invoice_id = $1 ORDER BY at DESC, id DESC LIMIT $2 + 0`, invoiceID, int64(limit))
}

// Pulse is a text that differs whenever something has happened that a list would show: the newest
// change, try and alarm. Ids made later sort later.
func (tx *Tx) Pulse(ctx context.Context) (string, error) {
	return one(ctx, tx, scanText, `SELECT COALESCE((SELECT id FROM changes ORDER BY id DESC LIMIT 1), '') ||
		COALESCE((SELECT id FROM deliveries ORDER BY id DESC LIMIT 1), '') ||
		COALESCE((SELECT id FROM payout_deliveries ORDER BY id DESC LIMIT 1), '') ||
		COALESCE((SELECT id FROM alarms ORDER BY id DESC LIMIT 1), '') ||
		COALESCE((SELECT id FROM approvals ORDER BY id DESC LIMIT 1), '')`)
}

// PulseOf is the same for one invoice.
func (tx *Tx) PulseOf(ctx context.Context, invoiceID string) (string, error) {
	return one(ctx, tx, scanText, `SELECT COALESCE((SELECT id FROM changes WHERE invoice_id = $1 ORDER BY at DESC, id DESC LIMIT 1), '') ||
		COALESCE((SELECT id FROM deliveries WHERE invoice_id = $1 ORDER BY at DESC, id DESC LIMIT 1), '') ||
		COALESCE((SELECT id || state || refund_id FROM approvals WHERE invoice_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1), '')`, invoiceID)
}
