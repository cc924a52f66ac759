package store

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// CopiedTable is one table after a copy: the same on both sides.
type CopiedTable struct {
	Name string              `json:"name"`
	Rows int64               `json:"rows"`
	Sums map[string]*big.Int `json:"sums,omitempty"` // tiyin, by column
	Hash string              `json:"hash"`           // of all rows, whatever their order; hexadecimal
}

// CopyProgress says how far a copy is in one table.
type CopyProgress struct {
	Table    string
	Rows, Of int64
	Checking bool // they are being read back
	Done     bool // all of them were
}

// CopyRefusal is why a copy was not begun: something that a person can change. Nothing was written.
type CopyRefusal string

func (r CopyRefusal) Error() string { return string(r) }

// ErrCopyUnknown is in the error of a copy whose last answer was lost: it is whole, or the target
// is marked. Schema tells which.
var ErrCopyUnknown = errors.New("the answer to the last commit was lost")

// copyingMark is a table that a database has from before a copy into it begins until the copy is
// checked. A database with it is refused: see Schema. It is no setting, for a settings table may
// not be there yet.
const copyingMark = "chorsu_copying"

// copyLockWait is how long a copy waits for tables that others use.
const copyLockWait = "10s"

// copyTold is after how many rows progress is told.
const copyTold = 1000

// Copy moves a SQLite database that nobody serves into an empty PostgreSQL: every table, every row
// as it is, and then reads the rows back and compares. It makes the schema where the target has
// none. The source is only read.
//
// The rows travel in one transaction of the target, table by table in a stream, so that memory is
// bounded and an end at any moment leaves none of them there; and the target carries a mark from
// before until after, so that nobody takes what is empty for a new gateway. The copy may then be
// begun again.
func Copy(ctx context.Context, from, to *Store, tell func(CopyProgress)) (copied []CopiedTable, err error) {
	source, isSQLite := from.engine.(*sqliteEngine)
	target, isPostgres := to.engine.(*postgresEngine)
	if !isSQLite || !isPostgres {
		return nil, CopyRefusal("a copy goes from a SQLite database into PostgreSQL")
	}
	if err := from.LockExclusively(); err != nil {
		return nil, CopyRefusal(err.Error())
	}
	have, want, err := from.Schema(ctx)
	if err != nil {
		return nil, err
	}
	if have != want {
		return nil, CopyRefusal(fmt.Sprintf("the source has schema %d and this program copies %d: bring it there first, by `chorsu migrate up`", have, want))
	}
	conn, err := target.unbounded(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := prepareTarget(ctx, to, conn); err != nil {
		return nil, err
	}
	err = source.view(ctx, func(db session) (err error) {
		c := &copying{db: db, tell: tell}
		copied, err = c.all(ctx, conn)
		return err
	})
	return copied, err
}

// unbounded is a connection without the bounds on payments' transactions: a copy takes longer.
func (e *postgresEngine) unbounded(ctx context.Context) (*pgx.Conn, error) {
	config := e.pool.Config().ConnConfig.Copy()
	for name := range postgresBounds {
		config.RuntimeParams[name] = "0"
	}
	return pgx.ConnectConfig(ctx, config)
}

// prepareTarget marks the target and gives it the schema, or refuses one that is in use.
func prepareTarget(ctx context.Context, to *Store, conn *pgx.Conn) error {
	have, want, err := to.versions(ctx)
	if err != nil {
		return err
	}
	marked := to.whole(ctx) != nil
	if have > want || have != 0 && have < want && !marked {
		return CopyRefusal(fmt.Sprintf("the target has schema %d and this program copies %d: give it a new database", have, want))
	}
	filled, err := firstFilled(ctx, conn)
	if err != nil {
		return err
	}
	if filled != "" {
		return refuseFilled(filled)
	}
	if _, err := conn.Exec(ctx, `CREATE TABLE IF NOT EXISTS `+copyingMark+` ()`); err != nil {
		return fmt.Errorf("mark the target: %w", err)
	}
	if have < want {
		_, err = to.Up(ctx)
	}
	return err
}

func refuseFilled(table string) error {
	return CopyRefusal(fmt.Sprintf("the target is not empty: its table %s has rows; give it a new database", table))
}

// firstFilled is a table of the target that has rows, "" where none has.
func firstFilled(ctx context.Context, q interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
	QueryRow(context.Context, string, ...any) pgx.Row
}) (string, error) {
	found, err := q.Query(ctx, `SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT IN ($1, $2) ORDER BY tablename`,
		copyingMark, versionTable)
	if err != nil {
		return "", err
	}
	tables, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return "", err
	}
	for _, table := range tables {
		var filled bool
		if err := q.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM `+pgx.Identifier{table}.Sanitize()+`)`).Scan(&filled); err != nil || filled {
			return table, err
		}
	}
	return "", nil
}

// whole says whether the database is none into which a copy was begun and not finished.
func (s *Store) whole(ctx context.Context) error {
	return s.View(ctx, func(ctx context.Context, tx *Tx) error {
		marked, err := exists(ctx, tx, tx.dialect.tableQuery(), copyingMark)
		if err == nil && marked {
			err = errors.New("a copy into this database was begun and did not end: run `chorsu migrate copy` again, or use another database")
		}
		return err
	})
}

// copying is one copy, from a snapshot of the source.
type copying struct {
	db   session
	tell func(CopyProgress)
}

func (c *copying) all(ctx context.Context, conn *pgx.Conn) ([]CopiedTable, error) {
	tables, err := sourceTables(ctx, c.db)
	if err != nil {
		return nil, fmt.Errorf("read the source's tables: %w", err)
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // after Commit it does nothing
	if err := takeTarget(ctx, tx, tables); err != nil {
		if _, ok := errors.AsType[CopyRefusal](err); ok {
			err = errors.Join(err, tx.Rollback(ctx), unmark(ctx, conn)) // it is somebody's database, and whole
		}
		return nil, err
	}
	tallies := make([]*tally, len(tables))
	for i, t := range tables {
		if tallies[i], err = c.move(ctx, tx, t); err != nil {
			return nil, fmt.Errorf("copy %s: %w", t.name, err)
		}
	}
	var copied []CopiedTable
	for i, t := range tables {
		if err := c.check(ctx, tx, t, tallies[i]); err != nil {
			return nil, fmt.Errorf("check %s: %w", t.name, err)
		}
		copied = append(copied, tallies[i].table(t))
	}
	for _, last := range []string{`DROP TABLE ` + copyingMark, `ANALYZE`} { // ANALYZE: the first payments are planned well too
		if _, err := tx.Exec(ctx, last); err != nil {
			return nil, err
		}
	}
	err = tx.Commit(ctx)
	if err != nil && !errors.Is(err, pgx.ErrTxCommitRollback) {
		err = fmt.Errorf("%w: %w", ErrCopyUnknown, err)
	}
	return copied, err
}

// takeTarget keeps everybody else away until the copy is through, and looks once more.
func takeTarget(ctx context.Context, tx pgx.Tx, tables []copiedTable) error {
	if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '`+copyLockWait+`'`); err != nil {
		return err
	}
	if err := sameColumns(ctx, tx, tables); err != nil {
		return err
	}
	for _, t := range tables {
		_, err := tx.Exec(ctx, `LOCK TABLE `+t.quoted()+` IN ACCESS EXCLUSIVE MODE`)
		if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == pgLockTimeout {
			return fmt.Errorf("another process uses the target (table %s): stop it first", t.name)
		}
		if err != nil {
			return err
		}
	}
	filled, err := firstFilled(ctx, tx)
	if err == nil && filled != "" {
		err = refuseFilled(filled)
	}
	return err
}

func unmark(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `DROP TABLE IF EXISTS `+copyingMark)
	return err
}

// move streams one table into the target.
func (c *copying) move(ctx context.Context, tx pgx.Tx, t copiedTable) (*tally, error) {
	of, err := readAll(ctx, c.db, scanNumber, `SELECT COUNT(*) FROM `+t.quoted())
	if err != nil {
		return nil, err
	}
	found, err := c.db.query(ctx, t.selection(), nil)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	s := &stream{rows: found, table: t, tally: newTally(t), told: func(n int64) { c.say(CopyProgress{Table: t.name, Rows: n, Of: of[0]}) }}
	n, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.names(), s)
	c.say(CopyProgress{Table: t.name, Rows: n, Of: of[0], Done: true})
	if err == nil && (n != of[0] || n != s.tally.rows) {
		err = fmt.Errorf("%d rows counted, %d read, %d written", of[0], s.tally.rows, n)
	}
	return s.tally, err
}

func (c *copying) say(p CopyProgress) {
	if c.tell != nil {
		c.tell(p)
	}
}

// check reads a table back from the target, and compares.
func (c *copying) check(ctx context.Context, tx pgx.Tx, t copiedTable, want *tally) error {
	found, err := tx.Query(ctx, t.selection())
	if err != nil {
		return err
	}
	defer found.Close()
	got := newTally(t)
	for found.Next() {
		values, err := found.Values()
		if err != nil {
			return err
		}
		if err := got.add(values); err != nil {
			return err
		}
		if got.rows%copyTold == 0 {
			c.say(CopyProgress{Table: t.name, Rows: got.rows, Of: want.rows, Checking: true})
		}
	}
	if err := found.Err(); err != nil {
		return err
	}
	c.say(CopyProgress{Table: t.name, Rows: got.rows, Of: want.rows, Checking: true, Done: true})
	return got.compare(want)
}

// stream is a table of the source as COPY reads it.
type stream struct {
	rows  rows
	table copiedTable
	tally *tally
	told  func(rows int64)
	next  []any
	err   error
}

func (s *stream) Next() bool {
	if s.err != nil || !s.rows.Next() {
		return false
	}
	s.next = make([]any, len(s.table.columns))
	to := make([]any, len(s.next))
	for i := range s.next {
		to[i] = &s.next[i]
	}
	if s.err = s.rows.Scan(to...); s.err == nil {
		s.err = s.tally.add(s.next)
	}
	if s.tally.rows%copyTold == 0 {
		s.told(s.tally.rows)
	}
	return s.err == nil
}

func (s *stream) Values() ([]any, error) { return s.next, nil }

func (s *stream) Err() error { return errors.Join(s.err, s.rows.Err()) }

// readAll reads all rows of a small query.
func readAll[T any](ctx context.Context, db session, scan func(row) (T, error), query string, args ...any) (list []T, err error) {
	found, err := db.query(ctx, query, args)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		item, err := scan(found)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, found.Err()
}
