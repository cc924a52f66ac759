package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// SaveTill inserts t, or updates the till of its id: everything but whose it is and when it was
// made.
func (tx *Tx) SaveTill(ctx context.Context, t pay.Till) error {
	return tx.save(ctx, `INSERT INTO tills (id, business_id, name, notify_url, device, version, code_hash, code_until,
			nonce_hash, token_hash, created_at, paired_at, seen_at, revoked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, notify_url = excluded.notify_url, device = excluded.device,
			version = excluded.version, code_hash = excluded.code_hash, code_until = excluded.code_until,
			nonce_hash = excluded.nonce_hash, token_hash = excluded.token_hash, paired_at = excluded.paired_at,
			seen_at = excluded.seen_at, revoked_at = excluded.revoked_at`,
		t.ID, t.BusinessID, t.Name, t.NotifyURL, t.Device, t.Version, t.CodeHash, millis(t.CodeUntil),
		t.NonceHash, t.TokenHash, millis(t.CreatedAt), millis(t.PairedAt), millis(t.SeenAt), millis(t.RevokedAt))
}

const tillQuery = `SELECT t.id, t.business_id, b.source, b.key, t.name, t.notify_url, t.device, t.version, t.code_hash, t.code_until,
	t.nonce_hash, t.token_hash, t.created_at, t.paired_at, t.seen_at, t.revoked_at
	FROM tills t JOIN businesses b ON b.id = t.business_id`

func scanTill(r row) (t pay.Till, err error) {
	var until, created, paired, seen, revoked int64
	if err := r.Scan(&t.ID, &t.BusinessID, &t.Source, &t.Business, &t.Name, &t.NotifyURL, &t.Device, &t.Version, &t.CodeHash, &until,
		&t.NonceHash, &t.TokenHash, &created, &paired, &seen, &revoked); err != nil {
		return t, err
	}
	t.CodeUntil, t.CreatedAt, t.PairedAt, t.SeenAt, t.RevokedAt = instant(until), instant(created), instant(paired), instant(seen), instant(revoked)
	return t, nil
}

// LockTill reads one till that is about to be changed.
func (tx *Tx) LockTill(ctx context.Context, id string) (pay.Till, error) {
	return one(ctx, tx, scanTill, tillQuery+` WHERE t.id = $1`+tx.dialect.forChange("t"), id)
}

// Till reads one till.
func (tx *Tx) Till(ctx context.Context, id string) (pay.Till, error) {
	return one(ctx, tx, scanTill, tillQuery+` WHERE t.id = $1`, id)
}

// TillByCode reads, and locks, the till that waits for a pairing code.
func (tx *Tx) TillByCode(ctx context.Context, hash string) (pay.Till, error) {
	return one(ctx, tx, scanTill, tillQuery+` WHERE t.code_hash = $1 AND t.code_hash <> ''`+tx.dialect.forChange("t"), hash)
}

// TillByToken reads the till that holds a token.
func (tx *Tx) TillByToken(ctx context.Context, hash string) (pay.Till, error) {
	return one(ctx, tx, scanTill, tillQuery+` WHERE t.token_hash = $1 AND t.token_hash <> ''`, hash)
}

// TillFilter picks tills for a list; what is empty does not count.
type TillFilter struct {
	Source, Business string
	Order            Order // not by amount
}

// Tills lists tills.
func (tx *Tx) Tills(ctx context.Context, f TillFilter, p Page) ([]pay.Till, error) {
	var s selection
	s.business("t", "b.source", f.Source, f.Business)
	return many(ctx, tx, scanTill, tillQuery+s.sorted("tills", "t", f.Order, p), s.args...)
}

// TillDay is what a till has reported since a time.
type TillDay struct {
	TillID  string
	Reports int64 // operations of every kind
	Sales   int64 // that were paid, and still count
	Sum     pay.Tiyin
	Returns int64 // that were made
	Back    pay.Tiyin
	Unknown int64 // sales and returns of which nobody knows the outcome
}

// TillDays counts what up to 1,000 tills have first reported at or after a time. A till that has
// reported nothing is left out.
func (tx *Tx) TillDays(ctx context.Context, ids []string, from time.Time) ([]TillDay, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > pageSizes[len(pageSizes)-1] {
		return nil, tx.fail(fmt.Errorf("store: %d tills at once", len(ids)))
	}
	var s selection
	return many(ctx, tx, func(r row) (d TillDay, err error) {
		err = r.Scan(&d.TillID, &d.Reports, &d.Sales, &d.Sum, &d.Returns, &d.Back, &d.Unknown)
		return d, err
	}, `SELECT r.till_id, COUNT(*),
		COUNT(CASE WHEN r.refund_id = '' AND p.paid_at > 0 THEN 1 END),
		CAST(COALESCE(SUM(CASE WHEN r.refund_id = '' AND p.paid_at > 0 THEN p.captured END), 0) AS BIGINT),
		COUNT(CASE WHEN f.state = 'succeeded' THEN 1 END),
		CAST(COALESCE(SUM(CASE WHEN f.state = 'succeeded' THEN f.amount END), 0) AS BIGINT),
		COUNT(CASE WHEN p.state = 'unknown' OR f.state = 'unknown' THEN 1 END)
		FROM till_reports r LEFT JOIN payments p ON p.id = r.op_id LEFT JOIN refunds f ON f.id = r.refund_id
		WHERE r.till_id IN `+s.among(ids)+` AND r.created_at >= `+s.arg(millis(from))+` GROUP BY r.till_id ORDER BY r.till_id`, s.args...)
}

// AdriftTill is a till with reports of which nobody knows what they are of, nor how they ended.
type AdriftTill struct {
	TillID, Name string
	Count        int64
}

// AdriftTills lists up to limit of them, those with the most first.
func (tx *Tx) AdriftTills(ctx context.Context, limit int) ([]AdriftTill, error) {
	return many(ctx, tx, func(r row) (a AdriftTill, err error) {
		err = r.Scan(&a.TillID, &a.Name, &a.Count)
		return a, err
	}, `SELECT t.id, t.name, COUNT(*) FROM till_reports r JOIN tills t ON t.id = r.till_id WHERE r.adrift
		GROUP BY t.id, t.name ORDER BY COUNT(*) DESC, t.id LIMIT $1 + 0`, int64(limit))
}

// InsertReport stores the first report of an operation. ok is false, and nothing is written, where
// the till has reported it before.
func (tx *Tx) InsertReport(ctx context.Context, k pay.KeptReport) (ok bool, err error) {
	body, err := json.Marshal(k.Report)
	if err != nil {
		return false, tx.fail(fmt.Errorf("store: report %s: %w", k.Report.ID, err))
	}
	return tx.insert(ctx, `INSERT INTO till_reports (till_id, op_id, business_id, revision, invoice_id, refund_id, body, created_at, updated_at, adrift)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		k.TillID, k.Report.ID, k.BusinessID, k.Report.Revision, k.InvoiceID, k.RefundID, string(body), millis(k.CreatedAt), millis(k.UpdatedAt), adrift(k))
}

// SaveReport replaces what is known of an operation.
func (tx *Tx) SaveReport(ctx context.Context, k pay.KeptReport) error {
	body, err := json.Marshal(k.Report)
	if err != nil {
		return tx.fail(fmt.Errorf("store: report %s: %w", k.Report.ID, err))
	}
	return tx.save(ctx, `UPDATE till_reports SET revision = $3, invoice_id = $4, refund_id = $5, body = $6, updated_at = $7, adrift = $8
		WHERE till_id = $1 AND op_id = $2`,
		k.TillID, k.Report.ID, k.Report.Revision, k.InvoiceID, k.RefundID, string(body), millis(k.UpdatedAt), adrift(k))
}

// adrift says whether nobody knows what a report is of, nor how it ended.
func adrift(k pay.KeptReport) bool { return k.InvoiceID == "" && k.Report.State == "unknown" }

// LockReport reads, and locks, what a till reported of an operation.
func (tx *Tx) LockReport(ctx context.Context, tillID, opID string) (pay.KeptReport, error) {
	return one(ctx, tx, scanReport, `SELECT r.till_id, r.business_id, r.invoice_id, r.refund_id, r.body, r.created_at, r.updated_at
		FROM till_reports r WHERE r.till_id = $1 AND r.op_id = $2`+tx.dialect.forChange("r"), tillID, opID)
}

// LockFormerReport reads, and locks, what a till of a business reported of an operation that is
// revoked by now.
func (tx *Tx) LockFormerReport(ctx context.Context, businessID, opID string) (pay.KeptReport, error) {
	return one(ctx, tx, scanReport, `SELECT r.till_id, r.business_id, r.invoice_id, r.refund_id, r.body, r.created_at, r.updated_at
		FROM tills t JOIN till_reports r ON r.till_id = t.id WHERE t.business_id = $1 AND t.revoked_at > 0 AND r.op_id = $2`+tx.dialect.forChange("r"), businessID, opID)
}

func scanReport(r row) (k pay.KeptReport, err error) {
	var body string
	var created, updated int64
	if err := r.Scan(&k.TillID, &k.BusinessID, &k.InvoiceID, &k.RefundID, &body, &created, &updated); err != nil {
		return k, err
	}
	if err := json.Unmarshal([]byte(body), &k.Report); err != nil {
		return k, fmt.Errorf("report of till %s: %w", k.TillID, err)
	}
	k.CreatedAt, k.UpdatedAt = instant(created), instant(updated)
	return k, nil
}
