// Package journal is what the till remembers: every operation, written before a company or a
// device is touched, in a SQLite file of its own.
//
// A method that returns nil has synced what it wrote. An operation is in_progress until it is
// known what came of it; how far it got is its stage. What a crash leaves behind is told apart by
// the stage alone: asked means that nothing left, anything later that it may have.
package journal

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/chorsu/chorsu/internal/pay"
)

// State is where an operation stands.
type State string

// The states. The last three are final; not_started is, too, and means that it may be asked again.
const (
	InProgress State = "in_progress"
	Unknown    State = "unknown" // asked, and the answer was lost; money may have moved
	Approved   State = "approved"
	Declined   State = "declined"
	NotStarted State = "not_started"
)

// Final says whether nothing can follow.
func (s State) Final() bool { return s == Approved || s == Declined || s == NotStarted }

// Stage is how far an operation got.
type Stage string

// The stages.
const (
	Asked    Stage = "asked"    // written; nothing left this machine
	Sent     Stage = "sent"     // written immediately before the first byte
	Shown    Stage = "shown"    // a QR is shown; the buyer has not paid that we know of
	Answered Stage = "answered" // the device told its result, and may not know that we have it
)

// Kind is what an operation does.
type Kind string

// The kinds.
const (
	Sale   Kind = "sale"
	Return Kind = "return"
	Void   Kind = "void"
	Close  Kind = "close"
)

// Operation is one row. Amounts are tiyin.
type Operation struct {
	ID          string
	OperationID string // the caller's own; "" where it gave none
	Fingerprint string // of endpoint and body, to tell a repeat from another request
	NaturalKey  string // hash of endpoint, code and amount of a wallet's payment; of an order's number
	Endpoint    string // click, payme, uzum, anor, qr_pay, one_qr, xumo, uzcard
	Kind        Kind
	Provider    string // clickpass, …, humo, uzcard, uzqr
	Device      string // which terminal, "" for wallets
	Amount      pay.Tiyin
	Asked       int64 // the amount as the caller wrote it, in its unit
	State       State
	Stage       Stage

	WalletCode string // what the buyer showed; emptied when the operation is final
	CodeHash   string // what stays of it
	Meta       []byte // the adapter's own
	OrderID    string // the caller's order_id or external_id
	Shows      string // the QR's text or link, for operations that show one

	Reference   string // request_id of a return, as digits
	Original    string // the operation that is given back, where the journal has it
	OriginalRRN string

	// What stood last in the device's journal before this operation.
	BaseReceipt, BaseTrace string
	BaseKnown              bool

	RRN, Receipt, Trace, Auth, TerminalID, Card, Phone string
	PaymentID                                          string // the company's
	Wallet                                             string // whose code it was, where a go-between told: click, payme, uzum, anor, …
	Code, Message                                      string // of a refusal, and the words
	Slip                                               string
	Recovered                                          bool // learned after the answer was lost
	ReceiptURL                                         string

	CreatedAt, SentAt, FinishedAt time.Time
	ResolvedBy                    string
	Revision, Reported            int64
	Refused                       string // why the gateway will not keep the report; "": it may
}

// Journal is the open file.
type Journal struct {
	db  *sql.DB
	key []byte // hashes codes
	now func() time.Time
}

// columns in the order of Operation; the first two statements below are made from it.
var columns = []string{
	"id", "operation_id", "fingerprint", "natural_key", "endpoint", "kind", "provider", "device", "amount", "asked", "state", "stage",
	"wallet_code", "code_hash", "meta", "order_id", "shows", "reference", "original", "original_rrn",
	"base_receipt", "base_trace", "base_known", "rrn", "receipt", "trace", "auth", "terminal_id", "card", "phone", "payment_id",
	"code", "message", "slip", "recovered", "receipt_url", "created_at", "sent_at", "finished_at", "resolved_by", "revision", "reported", "refused", "wallet",
}

const schema = `
CREATE TABLE IF NOT EXISTS operations (
  id TEXT PRIMARY KEY, operation_id TEXT NOT NULL, fingerprint TEXT NOT NULL, natural_key TEXT NOT NULL,
  endpoint TEXT NOT NULL, kind TEXT NOT NULL, provider TEXT NOT NULL, device TEXT NOT NULL,
  amount INTEGER NOT NULL, asked INTEGER NOT NULL, state TEXT NOT NULL, stage TEXT NOT NULL,
  wallet_code TEXT NOT NULL, code_hash TEXT NOT NULL, meta BLOB, order_id TEXT NOT NULL, shows TEXT NOT NULL,
  reference TEXT NOT NULL, original TEXT NOT NULL, original_rrn TEXT NOT NULL,
  base_receipt TEXT NOT NULL, base_trace TEXT NOT NULL, base_known INTEGER NOT NULL,
  rrn TEXT NOT NULL, receipt TEXT NOT NULL, trace TEXT NOT NULL, auth TEXT NOT NULL, terminal_id TEXT NOT NULL,
  card TEXT NOT NULL, phone TEXT NOT NULL, payment_id TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, slip TEXT NOT NULL,
  recovered INTEGER NOT NULL, receipt_url TEXT NOT NULL, created_at INTEGER NOT NULL, sent_at INTEGER NOT NULL, finished_at INTEGER NOT NULL,
  resolved_by TEXT NOT NULL, revision INTEGER NOT NULL, reported INTEGER NOT NULL, refused TEXT NOT NULL,
  wallet TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS operations_operation_id ON operations (operation_id) WHERE operation_id <> '';
CREATE INDEX IF NOT EXISTS operations_natural_key ON operations (natural_key, created_at) WHERE natural_key <> '';
CREATE INDEX IF NOT EXISTS operations_open ON operations (state, created_at) WHERE state IN ('in_progress', 'unknown');
CREATE INDEX IF NOT EXISTS operations_device ON operations (device, created_at) WHERE device <> '';
CREATE INDEX IF NOT EXISTS operations_payment ON operations (endpoint, payment_id) WHERE payment_id <> '';
CREATE INDEX IF NOT EXISTS operations_unreported ON operations (created_at) WHERE revision > reported AND refused = '' AND state <> 'in_progress';
CREATE INDEX IF NOT EXISTS operations_original ON operations (original) WHERE original <> '';
CREATE INDEX IF NOT EXISTS operations_contradicted ON operations (created_at) WHERE code = 'contradicted';
CREATE INDEX IF NOT EXISTS operations_receipt_refused ON operations (created_at) WHERE code = 'receipt_refused';
CREATE INDEX IF NOT EXISTS operations_refused ON operations (created_at) WHERE refused <> '';
CREATE INDEX IF NOT EXISTS operations_recent ON operations (created_at);
CREATE TABLE IF NOT EXISTS aliases (
  operation_id TEXT PRIMARY KEY, operation TEXT NOT NULL REFERENCES operations (id)
) STRICT;
CREATE TABLE IF NOT EXISTS confirmations (
  operation TEXT PRIMARY KEY REFERENCES operations (id), url TEXT NOT NULL, due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL, done INTEGER NOT NULL, last_error TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
PRAGMA user_version = 1;
`

// schemaVersion is what PRAGMA user_version says of a file that this program made.
const schemaVersion = 1

// Open opens "sqlite:PATH", and makes the file where there is none: readable by its user alone.
func Open(ctx context.Context, dsn string, now func() time.Time) (*Journal, error) {
	path, ok := strings.CutPrefix(dsn, "sqlite:")
	if !ok || path == "" {
		return nil, errors.New("the journal is a file: sqlite:PATH")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	f.Close()
	db, err := sql.Open("sqlite", address(path))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // one desk, one writer; and what one statement wrote the next one sees
	j := &Journal{db: db, now: now}
	if err := j.prepare(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return j, nil
}

// address sets what every connection has. The rollback journal, and not the write-ahead log,
// together with secure_delete: of a code that was emptied nothing stays on the disk, nor in the
// journal's file, which an exclusive lock keeps and journal_size_limit empties. The lock is
// exclusive: two agents on one journal would be two tills on one pinpad.
func address(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/…
	}
	q := url.Values{"_pragma": {
		"busy_timeout(2000)", "locking_mode(EXCLUSIVE)", "journal_mode(DELETE)", "synchronous(EXTRA)", "fullfsync(1)",
		"secure_delete(1)", "journal_size_limit(0)", "foreign_keys(1)", "trusted_schema(0)",
	}, "_dqs": {"0"}}
	return "file://" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func (j *Journal) prepare(ctx context.Context) error {
	var version int
	if err := j.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return busy(err)
	}
	if version > schemaVersion {
		return fmt.Errorf("the journal has version %d and this program knows %d: run a newer chorsu", version, schemaVersion)
	}
	if _, err := j.db.ExecContext(ctx, schema); err != nil {
		return busy(err)
	}
	if err := j.addWallet(ctx); err != nil {
		return busy(err)
	}
	text, err := j.Setting(ctx, "code_key")
	if err != nil {
		return err
	}
	if text == "" {
		text = rand.Text() + rand.Text()
		if err := j.Set(ctx, "code_key", text); err != nil {
			return err
		}
	}
	j.key = []byte(text)
	return nil
}

// addWallet brings a journal of before to the same table. A program of before can read it still: the
// version stays.
func (j *Journal) addWallet(ctx context.Context) error {
	var there bool
	err := j.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pragma_table_info('operations') WHERE name = 'wallet')").Scan(&there)
	if err == nil && !there {
		_, err = j.db.ExecContext(ctx, "ALTER TABLE operations ADD COLUMN wallet TEXT NOT NULL DEFAULT ''")
	}
	return err
}

func busy(err error) error {
	if err != nil && strings.Contains(err.Error(), "locked") {
		return errors.New("another till is using this journal")
	}
	return err
}

// Close closes the file.
func (j *Journal) Close() error { return j.db.Close() }

// Hash names texts without telling them: parts of a natural key, a code.
func (j *Journal) Hash(parts ...string) string {
	h := hmac.New(sha256.New, j.key)
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ─── Operations ────────────────────────────────────────────────────────────────────────────

// Twin is an operation that stands in the way of a new one.
type Twin struct {
	Operation Operation
	Same      bool // the same request again; else another one under the same operation_id
}

// naturalLife is how long a wallet's code and amount name one payment.
const naturalLife = 15 * time.Minute

// Begin writes a new operation, in one transaction with the search for the one that it repeats.
// A Twin means that no operation was written; but where the same payment is asked for under another
// operation_id, that one is a name of the first from now on: its caller will ask by it.
func (j *Journal) Begin(ctx context.Context, op *Operation) (*Twin, error) {
	op.CreatedAt, op.State, op.Revision = j.now(), InProgress, 1
	if op.Stage == "" {
		op.Stage = Asked
	}
	if op.WalletCode != "" {
		op.CodeHash = j.Hash("code", op.WalletCode)
	}
	tx, err := j.db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	twin, err := j.twin(ctx, tx, op)
	if err != nil {
		return nil, err
	}
	if twin != nil {
		if twin.absorbs(op) {
			if _, err := tx.Exec(absorb, op.OperationID, twin.Operation.ID); err != nil {
				return nil, err
			}
		}
		return twin, tx.Commit()
	}
	marks := strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",")
	if _, err := tx.Exec("INSERT INTO operations ("+strings.Join(columns, ",")+") VALUES ("+marks+")", op.values()...); err != nil {
		return nil, err
	}
	return nil, tx.Commit()
}

const absorb = "INSERT INTO aliases (operation_id, operation) VALUES (?, ?) ON CONFLICT DO NOTHING"

func (t *Twin) absorbs(op *Operation) bool {
	return op.OperationID != "" && op.OperationID != t.Operation.OperationID && t.Operation.Fingerprint == op.Fingerprint
}

// Absorb makes an operation_id another name of an operation.
func (j *Journal) Absorb(ctx context.Context, operationID, id string) error {
	_, err := j.db.ExecContext(context.WithoutCancel(ctx), absorb, operationID, id)
	return err
}

func (j *Journal) twin(ctx context.Context, tx *sql.Tx, op *Operation) (*Twin, error) {
	if op.OperationID != "" {
		old, err := one(tx.QueryRow(selectAll+named, op.OperationID))
		if err != nil || old != nil {
			return twinOf(old, old != nil && old.Fingerprint == op.Fingerprint), err
		}
	}
	if op.NaturalKey == "" {
		return nil, nil
	}
	// What was not started may be tried again, by the same code too. What is not known yet stands in
	// the way however long ago it was.
	old, err := one(tx.QueryRow(selectAll+" WHERE natural_key = ? AND (created_at > ? AND state <> 'not_started' OR state IN ('in_progress', 'unknown')) ORDER BY state IN ('in_progress', 'unknown') DESC, rowid DESC LIMIT 1",
		op.NaturalKey, millis(op.CreatedAt.Add(-naturalLife))))
	if err != nil || old == nil {
		return nil, err
	}
	if old.State == Declined && op.OperationID != "" && old.OperationID != "" {
		return nil, nil // the caller says that it is another try, and no money moved in the first
	}
	return twinOf(old, true), nil
}

func twinOf(old *Operation, same bool) *Twin {
	if old == nil {
		return nil
	}
	return &Twin{Operation: *old, Same: same}
}

// Save writes what became of an operation. The revision grows, and with a final state the buyer's
// code is gone.
func (j *Journal) Save(ctx context.Context, op *Operation) error {
	op.Revision++
	op.Refused = "" // this revision may be kept
	if op.State.Final() {
		op.WalletCode = ""
		if op.FinishedAt.IsZero() {
			op.FinishedAt = j.now()
		}
	}
	return j.write(ctx, op)
}

// MarkSent writes that the first byte is about to leave.
func (j *Journal) MarkSent(ctx context.Context, op *Operation) error {
	op.Stage, op.SentAt = Sent, j.now()
	return j.write(ctx, op)
}

// Note writes what was learned on the way and is no change of the operation.
func (j *Journal) Note(ctx context.Context, op *Operation) error { return j.write(ctx, op) }

var update = "UPDATE operations SET " + strings.Join(columns[1:], " = ?, ") + " = ? WHERE id = ?"

func (j *Journal) write(ctx context.Context, op *Operation) error {
	v := op.values()
	res, err := j.db.ExecContext(context.WithoutCancel(ctx), update, append(v[1:], op.ID)...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("journal: operation %s is not there (%v)", op.ID, err)
	}
	return nil
}

var selectAll = "SELECT " + strings.Join(columns, ",") + " FROM operations"

// named is the operation of an operation_id, be it its own or another name of it.
const named = " WHERE operation_id = ?1 AND operation_id <> '' OR id = (SELECT operation FROM aliases WHERE operation_id = ?1)"

// Get finds an operation by our id or the caller's; nil where there is none.
func (j *Journal) Get(ctx context.Context, id string) (*Operation, error) {
	op, err := one(j.db.QueryRowContext(ctx, selectAll+" WHERE id = ?", id))
	if op != nil || err != nil || id == "" {
		return op, err
	}
	return one(j.db.QueryRowContext(ctx, selectAll+named, id))
}

// ByPayment finds what a company's payment id names at one of the endpoints, among the operations of a
// kind: a box may number its invoices and its refunds alike.
func (j *Journal) ByPayment(ctx context.Context, endpoint string, kind Kind, paymentID string) (*Operation, error) {
	return one(j.db.QueryRowContext(ctx, selectAll+" WHERE endpoint = ? AND kind = ? AND payment_id = ? AND payment_id <> '' ORDER BY created_at DESC LIMIT 1", endpoint, string(kind), paymentID))
}

// ByOrder finds the last operation of an order's number that has been started.
func (j *Journal) ByOrder(ctx context.Context, naturalKey string) (*Operation, error) {
	return one(j.db.QueryRowContext(ctx, selectAll+" WHERE natural_key = ? AND natural_key <> '' AND state <> 'not_started' ORDER BY created_at DESC LIMIT 1", naturalKey))
}

// Sale finds the approved sale of a device that a return names, by RRN or by its number on the
// slip (the last of that number). Of a slip's number the zeros before it count nowhere: one device
// prints them, another does not, and a cashier leaves them out.
func (j *Journal) Sale(ctx context.Context, device, rrn, receipt string) (*Operation, error) {
	column, value := "rrn", rrn
	if rrn == "" {
		column, value = "ltrim(receipt, '0')", strings.TrimLeft(receipt, "0")
	}
	return one(j.db.QueryRowContext(ctx, selectAll+" WHERE device = ? AND kind = 'sale' AND state = 'approved' AND "+column+" = ? ORDER BY rowid DESC LIMIT 1", device, value))
}

// SaleByShortRRN finds the approved sale of a device whose RRN is a number of up to six digits, as
// terminals give that tell none of the bank's, and that is the given one but for zeros before it.
func (j *Journal) SaleByShortRRN(ctx context.Context, device, number string) (*Operation, error) {
	return one(j.db.QueryRowContext(ctx, selectAll+" WHERE device = ? AND kind = 'sale' AND state = 'approved' AND length(rrn) <= 6 AND ltrim(rrn, '0') = ? ORDER BY rowid DESC LIMIT 1",
		device, strings.TrimLeft(number, "0")))
}

// LastPrinted is the last operation of an endpoint that has a slip.
func (j *Journal) LastPrinted(ctx context.Context, endpoint string, closing bool) (*Operation, error) {
	return one(j.db.QueryRowContext(ctx, selectAll+" WHERE endpoint = ? AND (kind = 'close') = ? AND state = 'approved' AND slip <> '' ORDER BY rowid DESC LIMIT 1", endpoint, closing))
}

// Unresolved is the oldest operation with money that locks a device; nil where it is free. One that
// was sent and never written to its end (the disk failed, say) locks it as one that is unknown:
// nobody asks while another operation runs on the device. It is looked for by the device and by the
// endpoint: another device behind the endpoint must not hide what became of a buyer's money.
func (j *Journal) Unresolved(ctx context.Context, device, endpoint string) (*Operation, error) {
	return one(j.db.QueryRowContext(ctx, selectAll+" WHERE (device = ? OR endpoint = ?) AND device <> '' AND (state = 'unknown' OR state = 'in_progress' AND stage IN ('sent', 'answered')) AND kind <> 'close' ORDER BY created_at LIMIT 1", device, endpoint))
}

// A return that was decided, and of which the device or the company says otherwise (contradicted), may
// have been paid as well as not: until a person has decided again it counts as paid.

// OpenReturn is a return of what reference names that has not come to its end, or that is contradicted;
// nil where there is none.
func (j *Journal) OpenReturn(ctx context.Context, endpoint, reference string) (*Operation, error) {
	return one(j.db.QueryRowContext(ctx, selectAll+` WHERE id IN (SELECT id FROM operations WHERE state IN ('in_progress', 'unknown') UNION ALL SELECT id FROM operations WHERE code = 'contradicted')
	  AND endpoint = ? AND kind = 'return' AND reference = ? ORDER BY rowid LIMIT 1`, endpoint, reference))
}

// GivenBack is what went back of a sale, or may have: what is unknown, under way or contradicted counts.
func (j *Journal) GivenBack(ctx context.Context, sale string) (sum pay.Tiyin, err error) {
	err = j.db.QueryRowContext(ctx, "SELECT COALESCE(SUM(amount), 0) FROM operations WHERE original = ? AND original <> '' AND (state IN ('approved', 'unknown', 'in_progress') OR code = 'contradicted')", sale).Scan(&sum)
	return sum, err
}

// The four lists that follow have no limit, so that nothing in them can hide behind what was left
// lying: a forgotten one is money.

// Interrupted lists what was in progress when the agent was stopped; a QR that is shown is not.
func (j *Journal) Interrupted(ctx context.Context) ([]Operation, error) {
	return j.list(ctx, " WHERE state = 'in_progress' AND stage <> 'shown' ORDER BY created_at")
}

// Unknown lists the operations with money of which it is not known what came of them.
func (j *Journal) Unknown(ctx context.Context) ([]Operation, error) {
	return j.list(ctx, " WHERE state = 'unknown' AND kind <> 'close' ORDER BY created_at")
}

// UnknownClosings lists the closings whose answer was lost and that no later one of the same device
// stands for. They move no money, and are repeated by a person.
func (j *Journal) UnknownClosings(ctx context.Context) ([]Operation, error) {
	return j.list(ctx, ` WHERE state = 'unknown' AND kind = 'close' AND NOT EXISTS (SELECT 1 FROM operations l
	  WHERE l.device = operations.device AND l.kind = 'close' AND l.rowid > operations.rowid) ORDER BY created_at`)
}

// ShownSince lists the QRs that are shown, of those made after a time, the newest first.
func (j *Journal) ShownSince(ctx context.Context, after time.Time) ([]Operation, error) {
	return j.list(ctx, " WHERE state = 'in_progress' AND stage = 'shown' AND created_at > ? ORDER BY created_at DESC", millis(after))
}

// InState lists operations for people, oldest first, up to 500: QRs that are shown and closings
// come last.
func (j *Journal) InState(ctx context.Context, s State) ([]Operation, error) {
	return j.list(ctx, " WHERE state = ? ORDER BY kind = 'close' OR state = 'in_progress' AND stage = 'shown', created_at LIMIT 500", string(s))
}

// Contradicted lists what was decided and then contradicted, and that nobody has decided again.
func (j *Journal) Contradicted(ctx context.Context) ([]Operation, error) {
	return j.list(ctx, " WHERE code = 'contradicted' ORDER BY created_at")
}

// ReceiptsRefused lists the operations since a time whose fiscal receipt's link the company refuses.
func (j *Journal) ReceiptsRefused(ctx context.Context, since time.Time) ([]Operation, error) {
	return j.list(ctx, " WHERE code = 'receipt_refused' AND created_at > ? ORDER BY created_at", millis(since))
}

// ReportsRefused is how many operations the gateway will not keep the report of.
func (j *Journal) ReportsRefused(ctx context.Context) (n int, err error) {
	err = j.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM operations WHERE refused <> ''").Scan(&n)
	return n, err
}

// Recent lists the last n operations, newest first.
func (j *Journal) Recent(ctx context.Context, n int) ([]Operation, error) {
	return j.list(ctx, " ORDER BY created_at DESC LIMIT ?", n)
}

// What was before and what after, a closing or a sale, is told by the order in which it was written,
// never by the clock: a till's clock is set back, too. A row keeps its number for ever, since none is
// deleted.

// Unreported lists what the gateway does not have yet, in the order in which it was written: a return
// after its sale. The index is named, since SQLite would rather walk the whole table in that order.
func (j *Journal) Unreported(ctx context.Context, n int) ([]Operation, error) {
	return j.list(ctx, " INDEXED BY operations_unreported WHERE revision > reported AND refused = '' AND state <> 'in_progress' ORDER BY rowid LIMIT ?", n)
}

// InShift says whether a device's last closing was before an operation.
func (j *Journal) InShift(ctx context.Context, op *Operation) (open bool, err error) {
	err = j.db.QueryRowContext(ctx, "SELECT NOT EXISTS (SELECT 1 FROM operations WHERE device = ? AND kind = 'close' AND state = 'approved' AND rowid > (SELECT rowid FROM operations WHERE id = ?))",
		op.Device, op.ID).Scan(&open)
	return open, err
}

// Totals is what the journal holds of a device since its last closing before the given one.
type Totals struct {
	Sales, Returns             int
	SalesAmount, ReturnsAmount pay.Tiyin
}

// And adds the totals of another company at the same device.
func (t Totals) And(o Totals) Totals {
	return Totals{t.Sales + o.Sales, t.Returns + o.Returns, t.SalesAmount + o.SalesAmount, t.ReturnsAmount + o.ReturnsAmount}
}

// Totals counts a device's approved operations up to a closing, or with "" up to now, since the
// approved closing before that, by endpoint: one device may serve both.
func (j *Journal) Totals(ctx context.Context, device, closing string) (map[string]Totals, error) {
	const until = "COALESCE((SELECT rowid FROM operations WHERE id = ?2), 9223372036854775807)"
	const since = "SELECT COALESCE(MAX(rowid), 0) FROM operations WHERE device = ?1 AND kind = 'close' AND state = 'approved' AND rowid < " + until
	rows, err := j.db.QueryContext(ctx, `SELECT endpoint, COUNT(*) FILTER (WHERE kind = 'sale'), COALESCE(SUM(amount) FILTER (WHERE kind = 'sale'), 0),
	  COUNT(*) FILTER (WHERE kind <> 'sale'), COALESCE(SUM(amount) FILTER (WHERE kind <> 'sale'), 0)
	  FROM operations WHERE device = ?1 AND state = 'approved' AND kind <> 'close' AND rowid < `+until+` AND rowid > (`+since+`)
	  GROUP BY endpoint`, device, closing)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]Totals{}
	for rows.Next() {
		var endpoint string
		var t Totals
		if err := rows.Scan(&endpoint, &t.Sales, &t.SalesAmount, &t.Returns, &t.ReturnsAmount); err != nil {
			return nil, err
		}
		out[endpoint] = t
	}
	return out, rows.Err()
}

// LastClosing is a device's last closing that the device confirmed; nil where there is none.
func (j *Journal) LastClosing(ctx context.Context, device string) (*Operation, error) {
	return one(j.db.QueryRowContext(ctx, selectAll+" WHERE device = ? AND kind = 'close' AND state = 'approved' ORDER BY rowid DESC LIMIT 1", device))
}

// MarkReported writes that the gateway has a revision.
func (j *Journal) MarkReported(ctx context.Context, id string, revision int64) error {
	_, err := j.db.ExecContext(context.WithoutCancel(ctx), "UPDATE operations SET reported = MAX(reported, ?) WHERE id = ?", revision, id)
	return err
}

// MarkRefused sets the report of a revision aside that the gateway will not keep. A later revision
// is reported again.
func (j *Journal) MarkRefused(ctx context.Context, id string, revision int64, why string) error {
	_, err := j.db.ExecContext(context.WithoutCancel(ctx), "UPDATE operations SET refused = ? WHERE id = ? AND revision = ?", why, id, revision)
	return err
}

func (j *Journal) list(ctx context.Context, where string, args ...any) ([]Operation, error) {
	rows, err := j.db.QueryContext(ctx, selectAll+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Operation
	for rows.Next() {
		op, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, *op)
	}
	return out, rows.Err()
}

// ─── Confirmations, settings ──────────────────────────────────────────────────────

// Confirmation is a fiscal receipt's link that a company has to be given.
type Confirmation struct {
	Operation, URL, LastError string
	Attempts                  int
	Done                      bool
}

// Queue keeps a link until it is delivered, and writes it beside its operation, which then has
// another revision: both or neither, so that no link stands there that nobody is given. Another link
// for the same operation takes its place.
func (j *Journal) Queue(ctx context.Context, operation, link string) error {
	tx, err := j.db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec("UPDATE operations SET receipt_url = ?1, revision = revision + 1, refused = '' WHERE id = ?2 AND receipt_url <> ?1", link, operation); err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO confirmations (operation, url, due_at, attempts, done, last_error) VALUES (?, ?, ?, 0, 0, '')
	  ON CONFLICT (operation) DO UPDATE SET url = excluded.url, due_at = excluded.due_at,
	    attempts = CASE WHEN url = excluded.url AND done = 0 THEN attempts ELSE 0 END, done = 0, last_error = '' WHERE url <> excluded.url OR last_error <> ''`,
		operation, link, millis(j.now())); err != nil {
		return err
	}
	return tx.Commit()
}

// Queued finds an operation's link; nil where there is none.
func (j *Journal) Queued(ctx context.Context, operation string) (*Confirmation, error) {
	c := Confirmation{Operation: operation}
	err := j.db.QueryRowContext(ctx, "SELECT url, attempts, done, last_error FROM confirmations WHERE operation = ?", operation).Scan(&c.URL, &c.Attempts, &c.Done, &c.LastError)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &c, err
}

// DueConfirmations lists those to be tried now.
func (j *Journal) DueConfirmations(ctx context.Context, n int) ([]Confirmation, error) {
	rows, err := j.db.QueryContext(ctx, "SELECT operation, url, attempts, last_error FROM confirmations WHERE done = 0 AND due_at <= ? ORDER BY due_at LIMIT ?", millis(j.now()), n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Confirmation
	for rows.Next() {
		var c Confirmation
		if err := rows.Scan(&c.Operation, &c.URL, &c.Attempts, &c.LastError); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// Tried writes what came of a try: done, or when the next one is. A failure with done means that there
// will be no other try.
func (j *Journal) Tried(ctx context.Context, c Confirmation, next time.Time) error {
	_, err := j.db.ExecContext(context.WithoutCancel(ctx), "UPDATE confirmations SET attempts = ?, done = ?, last_error = ?, due_at = ? WHERE operation = ? AND url = ?",
		c.Attempts, c.Done, c.LastError, millis(next), c.Operation, c.URL)
	return err
}

// Setting reads a setting, "" where it was never set.
func (j *Journal) Setting(ctx context.Context, name string) (value string, err error) {
	err = j.db.QueryRowContext(ctx, "SELECT value FROM settings WHERE name = ?", name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

// Set writes one.
func (j *Journal) Set(ctx context.Context, name, value string) error {
	_, err := j.db.ExecContext(context.WithoutCancel(ctx), "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
	return err
}

// ─── Rows ──────────────────────────────────────────────────────────────────────────────────

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func (op *Operation) values() []any {
	return []any{
		op.ID, op.OperationID, op.Fingerprint, op.NaturalKey, op.Endpoint, string(op.Kind), op.Provider, op.Device, int64(op.Amount), op.Asked, string(op.State), string(op.Stage),
		op.WalletCode, op.CodeHash, op.Meta, op.OrderID, op.Shows, op.Reference, op.Original, op.OriginalRRN,
		op.BaseReceipt, op.BaseTrace, op.BaseKnown, op.RRN, op.Receipt, op.Trace, op.Auth, op.TerminalID, op.Card, op.Phone, op.PaymentID,
		op.Code, op.Message, op.Slip, op.Recovered, op.ReceiptURL, millis(op.CreatedAt), millis(op.SentAt), millis(op.FinishedAt), op.ResolvedBy, op.Revision, op.Reported, op.Refused, op.Wallet,
	}
}

type scanner interface{ Scan(...any) error }

func scan(row scanner) (*Operation, error) {
	var op Operation
	var created, sent, finished int64
	err := row.Scan(
		&op.ID, &op.OperationID, &op.Fingerprint, &op.NaturalKey, &op.Endpoint, &op.Kind, &op.Provider, &op.Device, &op.Amount, &op.Asked, &op.State, &op.Stage,
		&op.WalletCode, &op.CodeHash, &op.Meta, &op.OrderID, &op.Shows, &op.Reference, &op.Original, &op.OriginalRRN,
		&op.BaseReceipt, &op.BaseTrace, &op.BaseKnown, &op.RRN, &op.Receipt, &op.Trace, &op.Auth, &op.TerminalID, &op.Card, &op.Phone, &op.PaymentID,
		&op.Code, &op.Message, &op.Slip, &op.Recovered, &op.ReceiptURL, &created, &sent, &finished, &op.ResolvedBy, &op.Revision, &op.Reported, &op.Refused, &op.Wallet,
	)
	if err != nil {
		return nil, err
	}
	op.CreatedAt, op.SentAt, op.FinishedAt = moment(created), moment(sent), moment(finished)
	return &op, nil
}

// one is a row, nil where there is none.
func one(row *sql.Row) (*Operation, error) {
	op, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return op, err
}
