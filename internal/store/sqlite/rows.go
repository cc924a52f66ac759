package sqlite

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// Rows are what a query finds, one after the other. They must be closed before the connection is
// asked anything else.
type Rows struct {
	conn      *Conn
	statement *statement // nil when closed
	ctx       context.Context
	row       bool // there is one to be scanned
	over      bool // there will be no further
	err       error
}

var errNoRow = errors.New("sqlite: there is no row to scan")

// Next goes to the next row, and says whether there is one. A reader who has gone away gets no more.
func (r *Rows) Next() bool {
	r.row = false
	switch {
	case r.over:
		return false
	case r.statement == nil:
		r.err = errClosed
	default:
		r.err = r.ctx.Err()
	}
	if r.err == nil {
		r.row, r.err = r.conn.step(r.statement)
	}
	r.over = !r.row
	return r.row
}

// Err says why there are no more rows; nil: these were all.
func (r *Rows) Err() error { return r.err }

// Close frees the connection for its next statement. It gives an error that Err has not given.
func (r *Rows) Close() error {
	if r.statement == nil {
		return nil
	}
	err := r.conn.end(r.statement)
	r.conn.reading, r.statement, r.row = nil, nil, false
	if r.err != nil {
		return nil // it is the same
	}
	return err
}

// Scan puts the row's columns into variables of their kinds: text, a whole number, or a truth that
// is stored as 0 or 1. A number may be read as text. Nothing else is guessed, least of all what
// NULL should be; a *any takes all there is, as nil, int64, float64, string or []byte.
func (r *Rows) Scan(dest ...any) error {
	if !r.row {
		return errNoRow
	}
	if n := int(lib.Xsqlite3_data_count(r.conn.tls, r.statement.handle)); n != len(dest) {
		return fmt.Errorf("sqlite: %d columns into %d variables", n, len(dest))
	}
	for i, d := range dest {
		if !r.column(int32(i), d) {
			return fmt.Errorf("sqlite: column %d: %T is no %T", i+1, r.value(int32(i)), d)
		}
	}
	return nil
}

// column puts a column into a variable, where it is of that kind.
func (r *Rows) column(i int32, dest any) bool {
	if d, ok := dest.(*any); ok {
		*d = r.value(i)
		return true
	}
	switch lib.Xsqlite3_column_type(r.conn.tls, r.statement.handle, i) {
	case lib.SQLITE_TEXT:
		return putText(dest, r.text(i))
	case lib.SQLITE_INTEGER:
		return putNumber(dest, r.number(i))
	}
	return false
}

func putText(dest any, text string) bool {
	if d, ok := dest.(*string); ok {
		*d = text
		return true
	}
	to := reflect.ValueOf(dest).Elem()
	if to.Kind() != reflect.String {
		return false
	}
	to.SetString(text)
	return true
}

func putNumber(dest any, n int64) bool {
	switch d := dest.(type) {
	case *int64:
		*d = n
		return true
	case *bool:
		*d = n == 1
		return n == 0 || n == 1
	case *string:
		*d = strconv.FormatInt(n, 10)
		return true
	}
	to := reflect.ValueOf(dest).Elem()
	if !to.CanInt() || to.OverflowInt(n) {
		return false
	}
	to.SetInt(n)
	return true
}

// value is a column as it is.
func (r *Rows) value(i int32) any {
	switch lib.Xsqlite3_column_type(r.conn.tls, r.statement.handle, i) {
	case lib.SQLITE_TEXT:
		return r.text(i)
	case lib.SQLITE_INTEGER:
		return r.number(i)
	case lib.SQLITE_FLOAT:
		return lib.Xsqlite3_column_double(r.conn.tls, r.statement.handle, i)
	case lib.SQLITE_BLOB:
		p := lib.Xsqlite3_column_blob(r.conn.tls, r.statement.handle, i)
		return []byte(r.copied(p, i))
	}
	return nil
}

func (r *Rows) number(i int32) int64 {
	return lib.Xsqlite3_column_int64(r.conn.tls, r.statement.handle, i)
}

func (r *Rows) text(i int32) string {
	return r.copied(lib.Xsqlite3_column_text(r.conn.tls, r.statement.handle, i), i)
}

// copied are the bytes of a column at p. SQLite's own are good until the next step.
func (r *Rows) copied(p uintptr, i int32) string {
	n := lib.Xsqlite3_column_bytes(r.conn.tls, r.statement.handle, i)
	if p == 0 || n == 0 {
		return ""
	}
	return string(libc.GoBytes(p, int(n)))
}
