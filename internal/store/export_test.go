package store

import (
	"context"
	"strings"
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
