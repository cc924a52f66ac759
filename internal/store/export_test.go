package store

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
)

// Statement is one statement that a transaction ran.
type Statement struct {
	Query string
	Args  []any
}

// Watch gives every statement from now on to f.
func (s *Store) Watch(f func(Statement)) {
	s.Observe(func(_ *Tx, query string, args []any) { f(Statement{query, args}) })
}

// Exec and Texts are raw SQL, for what no method should be able to do. Texts reads rows of one
// column.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	return tx.exec(ctx, query, args...)
}

func (tx *Tx) Texts(ctx context.Context, query string, args ...any) ([]string, error) {
	return many(ctx, tx, scanText, query, args...)
}

// Sent returns when the server has run every write so far: on PostgreSQL they wait for company.
func (tx *Tx) Sent(ctx context.Context) error {
	_, err := one(ctx, tx, scanNumber, "SELECT 1")
	return err
}

// Claim is the claim of the queue, in this transaction.
func (tx *Tx) Claim(ctx context.Context, now time.Time, lease time.Duration, n, perLane int, free map[string]int) ([]outbox.Work, error) {
	c, err := tx.claim(ctx, now, lease, n, perLane, free)
	if err == nil {
		err = tx.Sent(ctx) // what would have come with COMMIT
	}
	if err != nil {
		return nil, err
	}
	work, _, err := c.made()
	return work, err
}

// PagesRead counts the pages of the table and the indexes of the outbox that this transaction
// has read; on SQLite the pages of everything that its connection ever has.
func (tx *Tx) PagesRead(ctx context.Context) (pages int64, err error) {
	if tx.dialect == postgres {
		return one(ctx, tx, scanNumber, `SELECT SUM(pg_stat_get_xact_blocks_fetched(oid))::bigint FROM pg_class
			WHERE oid = 'work'::regclass OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'work'::regclass)`)
	}
	return tx.db.(uncancelled).conn.PagesRead()
}

// Explain is the engine's plan for a statement, a line for each step.
func (tx *Tx) Explain(ctx context.Context, st Statement) (string, error) {
	explain, scan := "EXPLAIN (COSTS OFF) ", scanText
	if tx.dialect == sqlite3 {
		explain = "EXPLAIN QUERY PLAN "
		scan = func(r row) (detail string, err error) {
			var id, parent, unused int64
			err = r.Scan(&id, &parent, &unused, &detail)
			return detail, err
		}
	}
	lines, err := many(ctx, tx, scan, explain+st.Query, st.Args...)
	return strings.Join(lines, "\n"), err
}

// Rings is how often the bell of a process called self rings for messages from others.
func Rings(self string, from ...string) int {
	b := bell{make(chan struct{}, len(from))}
	w := newWakes(nil, self, slog.New(slog.DiscardHandler))
	defer w.stop()
	for _, name := range from {
		w.heard(name, &b)
	}
	return len(b.c)
}

// CountWakes counts from now on how often other processes are told of work.
func (s *Store) CountWakes() *atomic.Int64 {
	spy := &wakeSpy{engine: s.engine}
	s.engine = spy
	return &spy.told
}

type wakeSpy struct {
	engine
	told atomic.Int64
}

func (w *wakeSpy) wakeOthers() {
	w.told.Add(1)
	w.engine.wakeOthers()
}

var Connections = connections
