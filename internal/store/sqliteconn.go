package store

import (
	"context"

	"github.com/chorsu/chorsu/internal/store/sqlite"
)

// sqliteConn is one connection as a session. It has one owner at a time, who uses it from one
// goroutine: see package sqlite, which asks the library itself. The pool, the locks and the
// conversions of database/sql took a fifth of a payment's time in the database, and its driver
// another tenth.
type sqliteConn struct{ *sqlite.Conn }

func (c *sqliteConn) exec(ctx context.Context, query string, args []any) (int64, error) {
	return c.Exec(ctx, query, args)
}

func (c *sqliteConn) save(ctx context.Context, query string, args []any, rows int64) error {
	n, err := c.exec(ctx, query, args)
	if err == nil && n != rows {
		err = errLostRow(n, rows)
	}
	return err
}

func (c *sqliteConn) query(ctx context.Context, query string, args []any) (rows, error) {
	found, err := c.Query(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return found, nil
}

// plain runs a statement of the transaction itself, which no context may stop.
func (c *sqliteConn) plain(statement string) error {
	_, err := c.exec(context.Background(), statement, nil)
	return err
}

func (c *sqliteConn) close() { c.Close() }
