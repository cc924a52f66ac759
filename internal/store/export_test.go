package store

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Statement is one statement that a transaction ran.
type Statement struct {
	Query string
	Args  []any
}

// Watch gives every statement from now on to f.
func (s *Store) Watch(f func(Statement)) {
	s.watch = func(query string, args []any) { f(Statement{query, args}) }
}

// Exec and Texts are raw SQL, for what no method should be able to do. Texts reads rows of one
// column.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	return tx.exec(ctx, query, args...)
}

func (tx *Tx) Texts(ctx context.Context, query string, args ...any) ([]string, error) {
	return many(ctx, tx, scanText, query, args...)
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

// RingsUntilCut listens as a process called self does, calls act when it listens, and counts
// how often the bell rings until the server ends the session: by then every message sent
// before that has come.
func RingsUntilCut(t testing.TB, dsn, self string, act func()) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	b, over := bell{make(chan struct{}, 100)}, make(chan struct{})
	w := newWakes(conn.Config(), self, slog.New(slog.DiscardHandler))
	defer w.stop()
	go func() {
		defer close(over)
		w.listen(conn, &b)
	}()
	<-b.c // it listens
	act()
	<-over
	return 1 + len(b.c)
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
