package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/pay"
)

// Tx is a transaction, with one method per query. It is good inside the closure that was
// given it, for one goroutine.
//
// After an error other than ErrNotFound it does nothing more: every later method fails with
// that error, and Update rolls back. PostgreSQL does so by itself; SQLite would go on, and the
// two must not differ.
type Tx struct {
	store    *Store
	db       session
	dialect  dialect
	readOnly bool
	err      error // the first failure
	enqueued bool  // work was written: wake the runner after COMMIT
	dueNow   bool  // and some of it is due: wake those of other processes too

	payments []pay.Payment // of the locked invoice, as they stand in the database

	foreseen []*answer // asked for before they were needed
	place    *answer   // and NextSeq
	once     bool      // a Look
	waited   bool      // and it had its answer
}

// run is one try of fn. The transaction is over for its Tx when it returns.
func (tx *Tx) run(ctx context.Context, fn func(context.Context, *Tx) error) (err error) {
	defer func() {
		if tx.err == nil {
			tx.err = errOver
		}
	}()
	err = fn(ctx, tx)
	if tx.err != nil && (err == nil || tx.dialect.rerun(tx.err)) {
		err = tx.err
	}
	return err
}

// fail keeps the first error, and gives it back.
func (tx *Tx) fail(err error) error {
	if tx.err == nil {
		tx.err = err
	}
	return tx.err
}

// exec runs a statement that writes, and says how many rows it wrote.
func (tx *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := tx.writes(query, args); err != nil {
		return 0, err
	}
	n, err := tx.db.exec(ctx, query, args)
	if err != nil {
		return 0, tx.fail(during(err, query))
	}
	return n, nil
}

// save runs a statement that must write exactly one row: a row that is not there any more
// would be a change lost in silence. On PostgreSQL it travels with the next statement, and so
// does its error.
func (tx *Tx) save(ctx context.Context, query string, args ...any) error {
	return tx.saveAll(ctx, 1, query, args...)
}

// saveAll is save for a statement that must write so many rows.
func (tx *Tx) saveAll(ctx context.Context, rows int, query string, args ...any) error {
	if err := tx.writes(query, args); err != nil {
		return err
	}
	if err := tx.db.save(ctx, query, args, int64(rows)); err != nil {
		return tx.fail(during(err, query))
	}
	return nil
}

// writes says whether a statement that writes may be sent.
func (tx *Tx) writes(query string, args []any) error {
	if tx.err != nil {
		return tx.err
	}
	if tx.readOnly {
		return tx.fail(errReadOnly)
	}
	if err := storable(args); err != nil {
		return tx.fail(err)
	}
	tx.saw(query, args)
	return nil
}

// insert runs an INSERT … ON CONFLICT DO NOTHING and says whether the row is new.
func (tx *Tx) insert(ctx context.Context, query string, args ...any) (ok bool, err error) {
	n, err := tx.exec(ctx, query+" ON CONFLICT DO NOTHING", args...)
	return n == 1, err
}

// row is what a scan function reads from.
type row interface{ Scan(dest ...any) error }

// many reads all rows of a query. A row that does not scan (a state that nobody knows, a
// negative amount) fails the transaction: what cannot be understood is not acted on.
func many[T any](ctx context.Context, tx *Tx, scan func(row) (T, error), query string, args ...any) (list []T, err error) {
	if tx.err != nil {
		return nil, tx.err
	}
	switch err := storable(args); {
	case errors.Is(err, errUnstorable):
		return nil, nil // such a text was never stored, so no row has it
	case err != nil:
		return nil, tx.fail(during(err, query))
	}
	early := tx.early(query, args)
	if early != nil && early.came {
		if early.err != nil {
			return nil, tx.fail(during(early.err, query))
		}
		return early.list.([]T), nil
	}
	if tx.once && tx.waited && early == nil {
		return nil, tx.fail(errOneAnswer)
	}
	tx.waited = true
	tx.saw(query, args)
	found, err := tx.db.query(ctx, query, args)
	if err != nil {
		return nil, tx.fail(during(err, query))
	}
	defer found.Close()
	if list, err = collect(found, scan); err != nil {
		return nil, tx.fail(during(err, query))
	}
	return list, nil
}

// collect scans all rows.
func collect[T any](rows found, scan func(row) (T, error)) (list []T, err error) {
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, rows.Err()
}

// foresee says that many or one will be asked this query, with this scan, later in the
// transaction. PostgreSQL is asked together with what is waited for next, behind what was foreseen
// or saved before it, and not when it is needed: that saves waiting. SQLite, which is near, is
// asked when it is needed. So nothing that the transaction writes in between may change the
// answer, and an answer is good for one asking.
func foresee[T any](tx *Tx, scan func(row) (T, error), query string, args ...any) {
	if early := ask(tx, scan, query, args...); early != nil {
		tx.foreseen = append(tx.foreseen, early)
	}
}

// ask is foresee for who keeps the answer himself; nil: there will be none.
func ask[T any](tx *Tx, scan func(row) (T, error), query string, args ...any) *answer {
	if tx.err != nil || storable(args) != nil {
		return nil // whoever asks later is told
	}
	early := &answer{query: query, args: args}
	sent, err := tx.db.ahead(query, args, func(rows found) {
		early.list, early.err = collect(rows, scan)
		early.came = true
	})
	if err != nil {
		tx.fail(during(err, query))
		return nil
	}
	if early.sent = sent; sent {
		tx.saw(query, args)
	}
	return early
}

// atLast asks a query whose answer is needed when the transaction is over, and not sooner. PostgreSQL is asked
// together with COMMIT; SQLite at once.
func atLast[T any](ctx context.Context, tx *Tx, scan func(row) (T, error), query string, args ...any) (l later[T], err error) {
	if l.answer = ask(tx, scan, query, args...); l.answer == nil || !l.answer.sent {
		l.answer = nil
		l.list, err = many(ctx, tx, scan, query, args...)
	}
	return l, err
}

// later is what a query has found, or will have found when its transaction is over.
type later[T any] struct {
	list   []T
	answer *answer // nil: list is it
}

func (l later[T]) found() ([]T, error) {
	if l.answer == nil {
		return l.list, nil
	}
	list, _ := l.answer.list.([]T)
	return list, l.answer.err
}

// answer is what a query found before it was needed.
type answer struct {
	query string
	args  []any
	sent  bool // it will come
	came  bool // list or err is set
	list  any  // []T
	err   error
}

// early takes what was foreseen of a query; nil: nothing.
func (tx *Tx) early(query string, args []any) *answer {
	i := slices.IndexFunc(tx.foreseen, func(a *answer) bool { return a.query == query && slices.Equal(a.args, args) })
	if i < 0 {
		return nil
	}
	a := tx.foreseen[i]
	tx.foreseen = slices.Delete(tx.foreseen, i, i+1)
	return a
}

// one reads the first row of a query, or ErrNotFound.
func one[T any](ctx context.Context, tx *Tx, scan func(row) (T, error), query string, args ...any) (item T, err error) {
	list, err := many(ctx, tx, scan, query, args...)
	if err != nil {
		return item, err
	}
	if len(list) == 0 {
		return item, ErrNotFound
	}
	return list[0], nil
}

// written reads the rows that a writing statement RETURNs.
func written[T any](ctx context.Context, tx *Tx, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	if tx.err == nil && tx.readOnly {
		return nil, tx.fail(errReadOnly)
	}
	if err := storable(args); err != nil {
		return nil, tx.fail(err)
	}
	return many(ctx, tx, scan, query, args...)
}

// during says which statement failed. Its arguments are not told: an error is logged.
func during(err error, query string) error {
	if _, told := errors.AsType[*statementError](err); told {
		return err // of one that was sent with query
	}
	text := strings.Join(strings.Fields(query), " ")
	if len(text) > 100 {
		text = text[:100] + "…"
	}
	return &statementError{err, text}
}

// statementError is a statement that failed.
type statementError struct {
	err  error
	text string
}

func (e *statementError) Error() string { return "store: " + e.err.Error() + " (" + e.text + ")" }
func (e *statementError) Unwrap() error { return e.err }

// errLostRow is the answer to a save that did not write its rows.
func errLostRow(n, rows int64) error {
	return fmt.Errorf("%d rows written where there should be %d", n, rows)
}

func (tx *Tx) saw(query string, args []any) {
	tx.store.statements.Add(1)
	if tx.store.watch != nil {
		tx.store.watch(tx, query, args)
	}
}

// storable says whether both engines can hold these arguments: PostgreSQL has no NUL in text,
// and neither shall SQLite.
func storable(args []any) error {
	for _, a := range args {
		switch a := a.(type) {
		case string:
			if strings.IndexByte(a, 0) >= 0 || !utf8.ValidString(a) {
				return errUnstorable
			}
		case int64, bool, nil:
		default:
			return fmt.Errorf("store: %T is no argument for both engines", a)
		}
	}
	return nil
}

// printable makes any bytes storable: for evidence and error texts that come from outside and
// must not stop what they are about.
func printable(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// millis is how a time is stored: milliseconds since 1970, 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// instant reads millis back.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// nullable stores "" as NULL: what is not known is equal to nothing.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// scanText and its like read rows of one column.
func scanText(r row) (s string, err error)  { err = r.Scan(&s); return s, err }
func scanNumber(r row) (n int64, err error) { err = r.Scan(&n); return n, err }

// exists says whether a query of one number finds a row.
func exists(ctx context.Context, tx *Tx, query string, args ...any) (bool, error) {
	_, err := one(ctx, tx, scanNumber, query, args...)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Page asks for a part of a list, newest first: the rows after the one made at AfterAt
// (milliseconds) with the id AfterID, or the newest where AfterID is "". Lists return up to
// Limit+1 rows, so that the caller sees whether there are more.
type Page struct {
	Limit   int // 1 … 1000; 0 is 20
	AfterAt int64
	AfterID string
}

func (p Page) rows() int64 {
	switch {
	case p.Limit <= 0:
		return 21
	case p.Limit > 1000:
		return 1001
	}
	return int64(p.Limit) + 1
}

// selection puts together the WHERE of a list.
type selection struct {
	where []string
	args  []any
	few   bool // it is narrowed to rows by their ids
}

// arg adds an argument and gives its placeholder.
func (s *selection) arg(v any) string {
	s.args = append(s.args, v)
	return fmt.Sprintf("$%d", len(s.args))
}

// and adds a condition; each ? in it is the next of args.
func (s *selection) and(condition string, args ...any) {
	for _, a := range args {
		condition = strings.Replace(condition, "?", s.arg(a), 1)
	}
	s.where = append(s.where, condition)
}

// limit is how many rows a list reads. That of a usual page stands in the text: as an argument
// PostgreSQL takes it for a tenth of all rows, finds its general plan dear, and plans the statement
// anew at each call. Any other is an argument, since each text is kept prepared.
//
// A limit that is an argument is written "+ 0", here and in every query: SQLite plans a bare one
// by its value, and so plans the statement anew each time that it is bound.
func (s *selection) limit(p Page) string {
	switch n := p.rows(); n {
	case 21, 51, 101:
		return strconv.FormatInt(n, 10)
	default:
		return s.arg(n) + " + 0"
	}
}

// page ends a list of the table called alias.
func (s *selection) page(alias string, p Page) string {
	if p.AfterID != "" {
		s.and("("+alias+".created_at, "+alias+".id) < (?, ?)", p.AfterAt, p.AfterID)
	}
	var text string
	if len(s.where) > 0 {
		text = " WHERE " + strings.Join(s.where, " AND ")
	}
	return text + " ORDER BY " + alias + ".created_at DESC, " + alias + ".id DESC LIMIT " + s.limit(p)
}
