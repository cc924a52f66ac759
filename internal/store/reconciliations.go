package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// InsertReconciliation stores a new one. ok is false, and nothing is written, where it is nightly
// and the merchant has one of that day.
func (tx *Tx) InsertReconciliation(ctx context.Context, r pay.Reconciliation) (ok bool, err error) {
	return tx.insert(ctx, `INSERT INTO reconciliations (id, business_id, merchant_id, provider, day, way, nightly, state, phase, place, place_id,
			matched, only_theirs, only_ours, different, note, created_at, done_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		r.ID, r.BusinessID, r.MerchantID, r.Provider, r.Day, string(r.Way), r.Nightly, string(r.State), string(r.Phase), r.Place, r.PlaceID,
		r.Matched, r.OnlyTheirs, r.OnlyOurs, r.Different, r.Note, millis(r.CreatedAt), millis(r.DoneAt))
}

// SaveReconciliation writes how far one has come.
func (tx *Tx) SaveReconciliation(ctx context.Context, r pay.Reconciliation) error {
	return tx.save(ctx, `UPDATE reconciliations SET state = $2, phase = $3, place = $4, place_id = $5,
			matched = $6, only_theirs = $7, only_ours = $8, different = $9, note = $10, done_at = $11
		WHERE id = $1`,
		r.ID, string(r.State), string(r.Phase), r.Place, r.PlaceID, r.Matched, r.OnlyTheirs, r.OnlyOurs, r.Different, r.Note, millis(r.DoneAt))
}

const reconciliationQuery = `SELECT r.id, r.business_id, r.merchant_id, r.provider, r.day, r.way, r.nightly, r.state, r.phase, r.place, r.place_id,
	r.matched, r.only_theirs, r.only_ours, r.different, r.note, r.created_at, r.done_at FROM reconciliations r`

func scanReconciliation(r row) (c pay.Reconciliation, err error) {
	var created, done int64
	err = r.Scan(&c.ID, &c.BusinessID, &c.MerchantID, &c.Provider, &c.Day, &c.Way, &c.Nightly, &c.State, &c.Phase, &c.Place, &c.PlaceID,
		&c.Matched, &c.OnlyTheirs, &c.OnlyOurs, &c.Different, &c.Note, &created, &done)
	c.CreatedAt, c.DoneAt = instant(created), instant(done)
	return c, err
}

// Reconciliation reads one.
func (tx *Tx) Reconciliation(ctx context.Context, id string) (pay.Reconciliation, error) {
	return one(ctx, tx, scanReconciliation, reconciliationQuery+` WHERE r.id = $1`, id)
}

// LockReconciliation reads one and keeps others from changing it until the transaction ends.
func (tx *Tx) LockReconciliation(ctx context.Context, id string) (pay.Reconciliation, error) {
	return one(ctx, tx, scanReconciliation, reconciliationQuery+` WHERE r.id = $1`+tx.dialect.forUpdate("r"), id)
}

// LooseReconciliations lists those with an open alarm, by their time: it has the reconciliation's id.
func (tx *Tx) LooseReconciliations(ctx context.Context, o Order, page Page) ([]pay.Reconciliation, error) {
	var s selection
	s.and("r.id IN (SELECT a.id FROM alarms a WHERE a.closed_at = 0 AND a.invoice_id = '' AND a.payout_id = '')")
	return many(ctx, tx, scanReconciliation, reconciliationQuery+s.sorted("reconciliations", "r", o, page), s.args...)
}

// NightlyLeft lists merchants, in the order of their ids after one of them, whose nightly
// reconciliation of a day is still to be made. Those that were registered after it have none.
func (tx *Tx) NightlyLeft(ctx context.Context, day string, dayEnds time.Time, afterID string, limit int) ([]string, error) {
	return many(ctx, tx, scanText, `SELECT m.id FROM merchants m WHERE m.nightly AND m.id > $1 AND m.created_at < $2
		AND NOT EXISTS (SELECT 1 FROM reconciliations r WHERE r.merchant_id = m.id AND r.day = $3 AND r.nightly)
		ORDER BY m.id LIMIT $4 + 0`, afterID, millis(dayEnds), day, int64(limit))
}

// ─── What is compared ──────────────────────────────────────────────────────────────────────

// InsertDifference stores one transaction. ok is false, and nothing is written, where the
// company's, or ours, stands in this reconciliation already.
func (tx *Tx) InsertDifference(ctx context.Context, d pay.Difference) (ok bool, err error) {
	theirs, ours := standing(d.Theirs), standing(d.Ours)
	return tx.insert(ctx, `INSERT INTO differences (id, business_id, reconciliation_id, kind, verdict, seq, ref, named, invoice_id, our_id,
			theirs, their_amount, their_state, their_time, ours, our_amount, our_state, our_time, note,
			settled_at, settled_by, settled_how, settled_reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
		d.ID, d.BusinessID, d.ReconciliationID, d.Kind, string(d.Verdict), d.Seq, d.Ref, d.Order, d.InvoiceID, d.OurID,
		d.Theirs != nil, int64(theirs.Amount), string(theirs.State), millis(theirs.At),
		d.Ours != nil, int64(ours.Amount), string(ours.State), millis(ours.At), printable(d.Note, 1000),
		millis(d.SettledAt), d.SettledBy, d.SettledHow, d.SettledReason)
}

// SaveDifference writes what came of comparing one, and who settled it how.
func (tx *Tx) SaveDifference(ctx context.Context, d pay.Difference) error {
	ours := standing(d.Ours)
	return tx.save(ctx, `UPDATE differences SET verdict = $2, invoice_id = $3, our_id = $4, ours = $5, our_amount = $6, our_state = $7,
			our_time = $8, note = $9, settled_at = $10, settled_by = $11, settled_how = $12, settled_reason = $13
		WHERE id = $1`,
		d.ID, string(d.Verdict), d.InvoiceID, d.OurID, d.Ours != nil, int64(ours.Amount), string(ours.State),
		millis(ours.At), printable(d.Note, 1000), millis(d.SettledAt), d.SettledBy, d.SettledHow, d.SettledReason)
}

func standing(s *pay.Standing) pay.Standing {
	if s == nil {
		return pay.Standing{}
	}
	return *s
}

const differenceQuery = `SELECT d.id, d.business_id, d.reconciliation_id, d.kind, d.verdict, d.seq, d.ref, d.named, d.invoice_id, d.our_id,
	d.theirs, d.their_amount, d.their_state, d.their_time, d.ours, d.our_amount, d.our_state, d.our_time, d.note,
	d.settled_at, d.settled_by, d.settled_how, d.settled_reason FROM differences d`

func scanDifference(r row) (d pay.Difference, err error) {
	var theirs, ours pay.Standing
	var hasTheirs, hasOurs bool
	var theirTime, ourTime, settled int64
	if err := r.Scan(&d.ID, &d.BusinessID, &d.ReconciliationID, &d.Kind, &d.Verdict, &d.Seq, &d.Ref, &d.Order, &d.InvoiceID, &d.OurID,
		&hasTheirs, &theirs.Amount, &theirs.State, &theirTime, &hasOurs, &ours.Amount, &ours.State, &ourTime, &d.Note,
		&settled, &d.SettledBy, &d.SettledHow, &d.SettledReason); err != nil {
		return d, err
	}
	if d.Verdict != "" && d.Verdict != pay.VerdictMatched && !slices.Contains(pay.Verdicts, d.Verdict) {
		return d, fmt.Errorf("difference %s: verdict %q: not of this program", d.ID, d.Verdict)
	}
	theirs.At, ours.At, d.SettledAt = instant(theirTime), instant(ourTime), instant(settled)
	if hasTheirs {
		d.Theirs = &theirs
	}
	if hasOurs {
		d.Ours = &ours
	}
	return d, nil
}

// Difference reads one.
func (tx *Tx) Difference(ctx context.Context, id string) (pay.Difference, error) {
	return one(ctx, tx, scanDifference, differenceQuery+` WHERE d.id = $1`, id)
}

// Differences lists those of one verdict, in their order, after the one at (afterSeq, afterID).
// The verdict "" is of rows of a file that are not compared yet.
func (tx *Tx) Differences(ctx context.Context, reconciliationID string, v pay.Verdict, afterSeq int64, afterID string, limit int) ([]pay.Difference, error) {
	return many(ctx, tx, scanDifference, differenceQuery+` WHERE d.reconciliation_id = $1 AND d.verdict = $2
		AND (d.seq, d.id) > ($3, $4) ORDER BY d.seq, d.id LIMIT $5 + 0`, reconciliationID, string(v), afterSeq, afterID, int64(limit))
}

// DifferenceOf says whether a payment or payout of ours stands in a reconciliation.
func (tx *Tx) DifferenceOf(ctx context.Context, reconciliationID, ourID string) (bool, error) {
	return exists(ctx, tx, `SELECT 1 FROM differences WHERE reconciliation_id = $1 AND our_id = $2 AND our_id <> ''`, reconciliationID, ourID)
}

// Unsettled says whether anything of a reconciliation still needs somebody.
func (tx *Tx) Unsettled(ctx context.Context, reconciliationID string) (bool, error) {
	return exists(ctx, tx, `SELECT 1 FROM differences WHERE reconciliation_id = $1 AND settled_at = 0
		AND verdict IN ('only_theirs', 'only_ours', 'different') LIMIT 1`, reconciliationID)
}

// ForgetMatches deletes up to limit transactions that are equal on both sides, and says how many.
func (tx *Tx) ForgetMatches(ctx context.Context, reconciliationID string, limit int) (int, error) {
	n, err := tx.exec(ctx, `DELETE FROM differences WHERE id IN
		(SELECT id FROM differences WHERE reconciliation_id = $1 AND verdict = 'matched' ORDER BY seq, id LIMIT $2 + 0)`, reconciliationID, int64(limit))
	return int(n), err
}

// PaymentsOfDay lists the payments of a merchant whose money was taken in a time, after the one
// that was paid at afterMs with the id afterID.
func (tx *Tx) PaymentsOfDay(ctx context.Context, merchantID string, to time.Time, afterMs int64, afterID string, limit int) ([]pay.Payment, error) {
	return many(ctx, tx, scanPayment, paymentQuery+` WHERE merchant_id = $1 AND paid_at > 0 AND paid_at < $2
		AND (paid_at, id) > ($3, $4) ORDER BY paid_at, id LIMIT $5 + 0`, merchantID, millis(to), afterMs, afterID, int64(limit))
}

// UnpaidOfDay is PaymentsOfDay for those made in a time that the company knows and that came to
// nothing, or whose end is not known.
func (tx *Tx) UnpaidOfDay(ctx context.Context, merchantID string, to time.Time, afterMs int64, afterID string, limit int) ([]pay.Payment, error) {
	return many(ctx, tx, scanPayment, paymentQuery+` WHERE merchant_id = $1 AND state IN ('unknown', 'failed', 'cancelled') AND ref <> '' AND created_at < $2
		AND (created_at, id) > ($3, $4) ORDER BY created_at, id LIMIT $5 + 0`, merchantID, millis(to), afterMs, afterID, int64(limit))
}

// PayoutsOfDay is PaymentsOfDay for payouts that arrived.
func (tx *Tx) PayoutsOfDay(ctx context.Context, merchantID string, to time.Time, afterMs int64, afterID string, limit int) ([]pay.Payout, error) {
	return many(ctx, tx, scanPayout, payoutQuery+` WHERE p.merchant_id = $1 AND p.state = 'succeeded' AND p.done_at < $2
		AND (p.done_at, p.id) > ($3, $4) ORDER BY p.done_at, p.id LIMIT $5 + 0`, merchantID, millis(to), afterMs, afterID, int64(limit))
}
