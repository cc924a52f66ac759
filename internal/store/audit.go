package store

import (
	"context"
	"time"
)

// AuditEntry is one line of the log of what people looked at and did. The schema refuses to change
// or delete one.
type AuditEntry struct {
	Seq     int64 // 1, 2, 3 …
	ID      string
	At      time.Time
	StaffID string // "" for the command line
	Who     string // the e-mail address at that time
	Address string // of the client
	What    string // "refund.made"
	Subject string // the id of what it was done to
	Detail  string
	MAC     string // binds the entry to the one before it
}

const auditQuery = `SELECT a.seq, a.id, a.created_at, a.staff_id, a.who, a.address, a.what, a.subject, a.detail, a.mac FROM audit_log a`

func scanAudit(r row) (e AuditEntry, err error) {
	var at int64
	err = r.Scan(&e.Seq, &e.ID, &at, &e.StaffID, &e.Who, &e.Address, &e.What, &e.Subject, &e.Detail, &e.MAC)
	e.At = instant(at)
	return e, err
}

// InsertAudit appends an entry. Its number is the next one, or the transaction is undone.
func (tx *Tx) InsertAudit(ctx context.Context, e AuditEntry) error {
	return tx.save(ctx, `INSERT INTO audit_log (seq, id, created_at, staff_id, who, address, what, subject, detail, mac)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		e.Seq, e.ID, millis(e.At), e.StaffID, e.Who, e.Address, e.What, e.Subject, e.Detail, e.MAC)
}

// settingAuditHead names the newest entry: whoever appends locks it.
const settingAuditHead = "audit_head"

// LockAuditHead reads what the newest entry is known by, "" where there is none. Whoever appends
// too waits.
func (tx *Tx) LockAuditHead(ctx context.Context) (string, error) {
	if _, err := tx.insert(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2)`, settingAuditHead, ""); err != nil {
		return "", err
	}
	return one(ctx, tx, scanText, `SELECT s.value FROM settings s WHERE s.name = $1`+tx.dialect.forUpdate("s"), settingAuditHead)
}

// AuditHead is LockAuditHead without the lock; ErrNotFound where nothing was ever appended.
func (tx *Tx) AuditHead(ctx context.Context) (string, error) {
	return tx.Setting(ctx, settingAuditHead)
}

// PutAuditHead writes what the newest entry is known by.
func (tx *Tx) PutAuditHead(ctx context.Context, head string) error {
	return tx.PutSetting(ctx, settingAuditHead, head)
}

// AuditFrom reads entries from a number on, in order.
func (tx *Tx) AuditFrom(ctx context.Context, seq int64, limit int) ([]AuditEntry, error) {
	return many(ctx, tx, scanAudit, auditQuery+` WHERE a.seq >= $1 ORDER BY a.seq LIMIT $2 + 0`, seq, int64(limit))
}

// AuditFilter picks entries for a list; what is zero does not count.
type AuditFilter struct {
	Who, What, Subject string
	From, To           time.Time // in [From, To)
	Order              Order     // not by amount
}

// Audit lists entries.
func (tx *Tx) Audit(ctx context.Context, f AuditFilter, p Page) ([]AuditEntry, error) {
	var s selection
	for _, c := range []struct{ column, want string }{{"a.who", f.Who}, {"a.what", f.What}, {"a.subject", f.Subject}} {
		if c.want != "" {
			s.and(c.column+" = ?", c.want)
		}
	}
	if !f.From.IsZero() {
		s.and("a.created_at >= ?", millis(f.From))
	}
	if !f.To.IsZero() {
		s.and("a.created_at < ?", millis(f.To))
	}
	return many(ctx, tx, scanAudit, auditQuery+s.sorted("audit_log", "a", f.Order, p), s.args...)
}
