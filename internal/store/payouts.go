package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// InsertPayout stores a new payout. ok is false, and nothing is written, where the business has
// one of that number already.
func (tx *Tx) InsertPayout(ctx context.Context, p pay.Payout) (ok bool, err error) {
	return tx.insert(ctx, `INSERT INTO payouts (id, business_id, merchant_id, source, business, provider, source_payout_id, amount,
			state, two_steps, unsent, ref, card_id, pan, system, kyc_hash, reason, code, note, code_tries,
			notify_url, notify_delivered, receipt_url, created_at, sent_at, done_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)`,
		p.ID, p.BusinessID, p.MerchantID, p.Source, p.Business, p.Provider, p.SourcePayoutID, int64(p.Amount),
		string(p.State), p.TwoSteps, p.Unsent, nullable(p.Ref), p.CardID, p.Card.MaskedPAN, p.Card.PaymentSystem, p.KYCHash,
		p.Reason, p.Code, p.Note, int64(p.CodeTries), p.NotifyURL, p.NotifyDelivered, p.ReceiptURL,
		millis(p.CreatedAt), millis(p.SentAt), millis(p.DoneAt))
}

// SavePayout writes what may change of a payout: all but whose it is, its card by our id, its
// amount and its number.
func (tx *Tx) SavePayout(ctx context.Context, p pay.Payout) error {
	return tx.save(ctx, `UPDATE payouts SET state = $2, unsent = $3, ref = $4, pan = $5, system = $6, reason = $7, code = $8,
			note = $9, code_tries = $10, notify_delivered = $11, receipt_url = $12, sent_at = $13, done_at = $14
		WHERE id = $1`,
		p.ID, string(p.State), p.Unsent, nullable(p.Ref), p.Card.MaskedPAN, p.Card.PaymentSystem, p.Reason, p.Code,
		p.Note, int64(p.CodeTries), p.NotifyDelivered, p.ReceiptURL, millis(p.SentAt), millis(p.DoneAt))
}

const payoutQuery = `SELECT p.id, p.business_id, p.merchant_id, p.source, p.business, p.provider, p.source_payout_id, p.amount,
	p.state, p.two_steps, p.unsent, COALESCE(p.ref, ''), p.card_id, p.pan, p.system, p.kyc_hash, p.reason, p.code, p.note, p.code_tries,
	p.notify_url, p.notify_delivered, p.receipt_url, p.created_at, p.sent_at, p.done_at FROM payouts p`

func scanPayout(r row) (p pay.Payout, err error) {
	var created, sent, done int64
	if err := r.Scan(&p.ID, &p.BusinessID, &p.MerchantID, &p.Source, &p.Business, &p.Provider, &p.SourcePayoutID, &p.Amount,
		&p.State, &p.TwoSteps, &p.Unsent, &p.Ref, &p.CardID, &p.Card.MaskedPAN, &p.Card.PaymentSystem, &p.KYCHash,
		&p.Reason, &p.Code, &p.Note, &p.CodeTries, &p.NotifyURL, &p.NotifyDelivered, &p.ReceiptURL, &created, &sent, &done); err != nil {
		return p, err
	}
	if !slices.Contains(pay.MoveStates, p.State) || p.Amount <= 0 {
		return p, fmt.Errorf("payout %s: state %q, amount %d: not of this program", p.ID, p.State, p.Amount)
	}
	p.CreatedAt, p.SentAt, p.DoneAt = instant(created), instant(sent), instant(done)
	return p, nil
}

// Payout reads one payout.
func (tx *Tx) Payout(ctx context.Context, id string) (pay.Payout, error) {
	return one(ctx, tx, scanPayout, payoutQuery+` WHERE p.id = $1`, id)
}

// LockPayout reads one payout and keeps others from changing it until the transaction ends.
func (tx *Tx) LockPayout(ctx context.Context, id string) (pay.Payout, error) {
	return one(ctx, tx, scanPayout, payoutQuery+` WHERE p.id = $1`+tx.dialect.forUpdate("p"), id)
}

// PayoutNumbered reads the payout that an app calls by a number of its own. Those that never
// reached the company do not count.
func (tx *Tx) PayoutNumbered(ctx context.Context, businessID, sourcePayoutID string) (pay.Payout, error) {
	return one(ctx, tx, scanPayout, payoutQuery+` WHERE p.business_id = $1 AND p.source_payout_id = $2 AND NOT p.unsent`, businessID, sourcePayoutID)
}

// PayoutByRef reads the payout that a provider calls ref, of one merchant.
func (tx *Tx) PayoutByRef(ctx context.Context, merchantID, ref string) (pay.Payout, error) {
	return one(ctx, tx, scanPayout, payoutQuery+` WHERE p.merchant_id = $1 AND p.ref = $2`, merchantID, ref)
}

// PayoutFilter picks payouts for a list; what is zero does not count.
type PayoutFilter struct {
	Source, Business, Provider, SourcePayoutID string

	Status   string    // as the API shows it: pending, succeeded or failed
	From, To time.Time // by creation; From is included, To is not
	Loose    bool      // with an open alarm
	Untold   bool      // with a webhook that is stuck
	Order    Order     // not by amount
}

// publicly are the states behind a status, as text: an index that is for some states only is
// used where the query names them.
var publicly = map[string]string{
	"pending": "p.state IN ('created', 'sent', 'unknown')", "succeeded": "p.state = 'succeeded'", "failed": "p.state = 'failed'",
}

// Payouts lists payouts.
func (tx *Tx) Payouts(ctx context.Context, f PayoutFilter, page Page) ([]pay.Payout, error) {
	var s selection
	plain := "" // what narrows most chooses the index; behind the others stands what none has
	for _, c := range []struct{ column, value string }{
		{"p.source_payout_id", f.SourcePayoutID}, {"p.business", f.Business}, {"p.source", f.Source}, {"p.provider", f.Provider},
	} {
		if c.value != "" {
			s.and(c.column+plain+" = ?", c.value)
			plain = " || ''"
		}
	}
	if f.Status != "" {
		states, ok := publicly[f.Status]
		if !ok {
			return nil, fmt.Errorf("store: no payout is %q", f.Status)
		}
		s.and(states)
	}
	if f.Loose {
		s.and("p.id IN (SELECT a.payout_id FROM alarms a WHERE a.closed_at = 0 AND a.invoice_id = '' AND a.payout_id <> '')")
	}
	if f.Untold {
		s.and("p.id IN (SELECT e.payout_id FROM payout_events e WHERE e.stuck_at > 0 AND e.delivered_at = 0)")
	}
	s.made("p", f.From, f.To)
	return many(ctx, tx, scanPayout, payoutQuery+s.sorted("payouts", "p", f.Order, page), s.args...)
}

// ─── Telling the app ───────────────────────────────────────────────────────────────────────

// PayoutEvent is one message to the app about a payout: pay.Event with the payout in the place
// of the invoice. Seq orders the events of one payout.
type PayoutEvent struct {
	pay.Event
	PayoutID string
}

// NextPayoutSeq is the place of the next event of a payout, which the caller has locked.
func (tx *Tx) NextPayoutSeq(ctx context.Context, payoutID string) (int64, error) {
	return one(ctx, tx, scanNumber, `SELECT COALESCE(MAX(seq), 0) + 1 FROM payout_events WHERE payout_id = $1`, payoutID)
}

// InsertPayoutEvent stores a new event, with the bytes that every try will send.
func (tx *Tx) InsertPayoutEvent(ctx context.Context, e PayoutEvent) error {
	return tx.save(ctx, `INSERT INTO payout_events (id, business_id, payout_id, seq, type, body, notify_url,
			attempts, next_at, created_at, delivered_at, stuck_at, dead_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		e.ID, e.BusinessID, e.PayoutID, e.Seq, e.Type, string(e.Body), e.NotifyURL,
		int64(e.Attempts), millis(e.NextAt), millis(e.CreatedAt), millis(e.DeliveredAt), millis(e.StuckAt), millis(e.DeadAt))
}

// SavePayoutEvent writes what may change of an event: how often it was tried, and how that ended.
func (tx *Tx) SavePayoutEvent(ctx context.Context, e PayoutEvent) error {
	return tx.save(ctx, `UPDATE payout_events SET attempts = $2, next_at = $3, delivered_at = $4, stuck_at = $5, dead_at = $6 WHERE id = $1`,
		e.ID, int64(e.Attempts), millis(e.NextAt), millis(e.DeliveredAt), millis(e.StuckAt), millis(e.DeadAt))
}

// SavePayoutTry is SavePayoutEvent after a try that began when the event had been tried was times.
// ok is false where somebody has asked meanwhile for it to be sent again: then nothing is written.
func (tx *Tx) SavePayoutTry(ctx context.Context, e PayoutEvent, was int) (ok bool, err error) {
	n, err := tx.exec(ctx, `UPDATE payout_events SET attempts = $2, next_at = $3, delivered_at = $4, stuck_at = $5, dead_at = $6
		WHERE id = $1 AND attempts = $7`,
		e.ID, int64(e.Attempts), millis(e.NextAt), millis(e.DeliveredAt), millis(e.StuckAt), millis(e.DeadAt), int64(was))
	return n == 1, err
}

const payoutEventQuery = `SELECT id, business_id, payout_id, seq, type, body, notify_url,
	attempts, next_at, created_at, delivered_at, stuck_at, dead_at FROM payout_events`

func scanPayoutEvent(r row) (e PayoutEvent, err error) {
	var body string
	var next, created, delivered, stuck, dead int64
	err = r.Scan(&e.ID, &e.BusinessID, &e.PayoutID, &e.Seq, &e.Type, &body, &e.NotifyURL,
		&e.Attempts, &next, &created, &delivered, &stuck, &dead)
	e.Body, e.NextAt, e.CreatedAt = []byte(body), instant(next), instant(created)
	e.DeliveredAt, e.StuckAt, e.DeadAt = instant(delivered), instant(stuck), instant(dead)
	return e, err
}

// UndeliveredPayoutEvents reads the events of a payout that are still to be sent, in order.
func (tx *Tx) UndeliveredPayoutEvents(ctx context.Context, payoutID string) ([]PayoutEvent, error) {
	return many(ctx, tx, scanPayoutEvent, payoutEventQuery+` WHERE payout_id = $1 AND delivered_at = 0 AND dead_at = 0 ORDER BY seq`, payoutID)
}

// LatestPayoutEvent reads the newest event of a payout.
func (tx *Tx) LatestPayoutEvent(ctx context.Context, payoutID string) (PayoutEvent, error) {
	return one(ctx, tx, scanPayoutEvent, payoutEventQuery+` WHERE payout_id = $1 ORDER BY seq DESC LIMIT 1`, payoutID)
}

// InsertPayoutDelivery stores one try. d.InvoiceID is the payout's id.
func (tx *Tx) InsertPayoutDelivery(ctx context.Context, d Delivery) error {
	return tx.save(ctx, `INSERT INTO payout_deliveries (id, business_id, event_id, payout_id, attempt, at, status, duration_ms, error, answer)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		d.ID, d.BusinessID, d.EventID, d.InvoiceID, int64(d.Attempt), millis(d.At), int64(d.Status), d.Duration.Milliseconds(),
		printable(d.Error, 1000), printable(d.Answer, 1000))
}

// PayoutDeliveries reads all tries to tell of a payout, in order.
func (tx *Tx) PayoutDeliveries(ctx context.Context, payoutID string) ([]Delivery, error) {
	return many(ctx, tx, func(r row) (d Delivery, err error) {
		var at, duration int64
		err = r.Scan(&d.ID, &d.BusinessID, &d.EventID, &d.InvoiceID, &d.Attempt, &at, &d.Status, &duration, &d.Error, &d.Answer)
		d.At, d.Duration = instant(at), time.Duration(duration)*time.Millisecond
		return d, err
	}, `SELECT id, business_id, event_id, payout_id, attempt, at, status, duration_ms, error, answer FROM payout_deliveries
		WHERE payout_id = $1 ORDER BY at, id`, payoutID)
}

// PayoutAlarms reads all alarms of a payout, open and closed, in order.
func (tx *Tx) PayoutAlarms(ctx context.Context, payoutID string) ([]pay.Alarm, error) {
	return many(ctx, tx, scanAlarm, alarmQuery+` WHERE a.payout_id = $1 AND a.payout_id <> '' ORDER BY a.created_at, a.id`, payoutID)
}
