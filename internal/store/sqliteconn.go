package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"time"

	"modernc.org/sqlite" // registers the driver "sqlite" too, which goose opens
)

// sqliteConn is one connection and the statements prepared on it. It has one owner at a time, who
// uses it from one goroutine; so it is the driver's own connection, without the pool, the locks and
// the conversions of database/sql, which took a fifth of a payment's time in the database.
type sqliteConn struct {
	conn       driver.Conn
	statements map[string]sqliteStatement
}

type sqliteStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// sqliteStatements is how many prepared statements a connection keeps. The fixed queries are
// far fewer; the filters of lists make a few more.
const sqliteStatements = 256

// sqliteDriver opens connections. No function or hook of anybody's is registered with it.
var sqliteDriver sqlite.Driver

func openConn(uri string) (*sqliteConn, error) {
	conn, err := sqliteDriver.Open(uri)
	if err != nil {
		return nil, err
	}
	return &sqliteConn{conn: conn, statements: map[string]sqliteStatement{}}, nil
}

func (c *sqliteConn) prepared(ctx context.Context, query string) (s sqliteStatement, done func(), err error) {
	if s := c.statements[query]; s != nil {
		return s, func() {}, nil
	}
	stmt, err := c.conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return nil, nil, err
	}
	s = stmt.(sqliteStatement)
	if len(c.statements) < sqliteStatements {
		c.statements[query] = s
		return s, func() {}, nil
	}
	return s, func() { s.Close() }, nil
}

// named are arguments as the driver takes them. They are text, int64, bool or nil: see storable.
func named(args []any) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, a := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return values
}

func (c *sqliteConn) exec(ctx context.Context, query string, args []any) (int64, error) {
	s, done, err := c.prepared(ctx, query)
	if err != nil {
		return 0, err
	}
	defer done()
	result, err := s.ExecContext(ctx, named(args))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (c *sqliteConn) save(ctx context.Context, query string, args []any, rows int64) error {
	n, err := c.exec(ctx, query, args)
	if err == nil && n != rows {
		err = errLostRow(n, rows)
	}
	return err
}

func (c *sqliteConn) query(ctx context.Context, query string, args []any) (rows, error) {
	s, done, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	found, err := s.QueryContext(ctx, named(args))
	if err != nil {
		done()
		return nil, err
	}
	return &sqliteRows{ctx: ctx, found: found, values: make([]driver.Value, len(found.Columns())), done: done}, nil
}

// plain runs a statement of the transaction itself, which no context may stop.
func (c *sqliteConn) plain(statement string) error {
	_, err := c.exec(context.Background(), statement, nil)
	return err
}

func (c *sqliteConn) close() {
	for _, s := range c.statements {
		s.Close()
	}
	c.conn.Close()
}

// sqliteRows are what a query found. They must be closed before the connection does anything else.
type sqliteRows struct {
	ctx    context.Context
	found  driver.Rows
	values []driver.Value
	err    error
	done   func() // nil once closed
}

// Next reads the next row. A reader who has gone away gets no more.
func (r *sqliteRows) Next() bool {
	if r.err == nil {
		r.err = r.ctx.Err()
	}
	if r.err == nil {
		r.err = r.found.Next(r.values)
	}
	return r.err == nil
}

func (r *sqliteRows) Err() error {
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

func (r *sqliteRows) Scan(dest ...any) error {
	if len(dest) != len(r.values) {
		return fmt.Errorf("%d columns into %d values", len(r.values), len(dest))
	}
	for i, v := range r.values {
		if err := assign(dest[i], v); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func (r *sqliteRows) Close() error {
	if r.done == nil {
		return nil
	}
	err := r.found.Close()
	r.done()
	r.done = nil
	return err
}

// assign puts a value of the database into a variable of its kind: text, a whole number, or a truth
// that is stored as 0 or 1. A number may be read as text. Nothing else is guessed: least of all
// what NULL should be.
func assign(dest any, v driver.Value) error {
	switch d := dest.(type) {
	case *string:
		switch v := v.(type) {
		case string:
			*d = v
			return nil
		case int64:
			*d = strconv.FormatInt(v, 10)
			return nil
		}
	case *int64:
		if n, ok := v.(int64); ok {
			*d = n
			return nil
		}
	case *bool:
		if n, ok := v.(int64); ok && (n == 0 || n == 1) {
			*d = n == 1
			return nil
		}
	case *time.Time: // of the migrations' own table; ours have milliseconds
		if t, ok := v.(time.Time); ok {
			*d = t
			return nil
		}
	case *any:
		*d = v
		return nil
	default:
		to := reflect.ValueOf(dest).Elem()
		switch v := v.(type) {
		case string:
			if to.Kind() == reflect.String {
				to.SetString(v)
				return nil
			}
		case int64:
			if to.CanInt() && !to.OverflowInt(v) {
				to.SetInt(v)
				return nil
			}
		}
	}
	return fmt.Errorf("%T is no %T", v, dest)
}
