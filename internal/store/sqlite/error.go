package sqlite

import (
	"fmt"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// Error is what SQLite says of a call that failed.
type Error struct {
	Code int // the extended result code
	text string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.text, e.Code) }

// Unique says whether a row was refused because there is such a one.
func (e *Error) Unique() bool {
	return e.Code == lib.SQLITE_CONSTRAINT_UNIQUE || e.Code == lib.SQLITE_CONSTRAINT_PRIMARYKEY
}

// failed is the error of a call that gave rc. A statement that was given up because its caller has
// gone gives the reason why he has.
func (c *Conn) failed(rc int32) error {
	if rc == lib.SQLITE_INTERRUPT && c.asker != nil && c.asker.Err() != nil {
		return c.asker.Err()
	}
	text := libc.GoString(lib.Xsqlite3_errstr(c.tls, rc))
	if c.db != 0 {
		if more := libc.GoString(lib.Xsqlite3_errmsg(c.tls, c.db)); more != text {
			text += ": " + more
		}
	}
	return &Error{Code: int(rc), text: text}
}
