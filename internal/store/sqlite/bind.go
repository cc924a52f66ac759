package sqlite

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	lib "modernc.org/sqlite/lib"
)

// bind gives a statement its arguments. Their texts are copied into the connection's memory, where
// they stay until the next statement's: no other runs before this one has ended, and SQLite does
// not look at what is bound to a statement that is not running. So they are bound as they lie
// (STATIC), neither copied again nor freed, and stay bound: to clear them would have SQLite plan
// some statements anew.
func (c *Conn) bind(s *statement, args []any) error {
	if len(args) != s.args {
		return fmt.Errorf("sqlite: %d arguments, and the statement wants %d", len(args), s.args)
	}
	size := 0
	for _, n := range s.order {
		if text, ok := args[n-1].(string); ok {
			size += len(text)
		}
	}
	at, err := c.texts.take(c.tls, size)
	if err != nil {
		return err
	}
	for i, n := range s.order {
		param, rc := int32(i+1), int32(0)
		switch a := args[n-1].(type) {
		case string:
			copy(libc.GoBytes(at, len(a)), a)
			rc = lib.Xsqlite3_bind_text(c.tls, s.handle, param, at, int32(len(a)), lib.SQLITE_STATIC)
			at += uintptr(len(a))
		case int64:
			rc = lib.Xsqlite3_bind_int64(c.tls, s.handle, param, a)
		case bool:
			rc = lib.Xsqlite3_bind_int64(c.tls, s.handle, param, int64(libc.Bool32(a)))
		case nil:
			rc = lib.Xsqlite3_bind_null(c.tls, s.handle, param)
		default:
			return fmt.Errorf("sqlite: argument %d: %T cannot be bound", n, a)
		}
		if rc != lib.SQLITE_OK {
			return c.failed(rc)
		}
	}
	return nil
}

// memory is a piece of C memory that is used again and again.
type memory struct {
	at   uintptr
	size int
}

// The sizes of a piece: the least, what is kept for the next use, and what SQLite takes at most as
// one text.
const (
	memoryLeast = 4 << 10
	memoryKept  = 1 << 20
	memoryMost  = 1_000_000_000
)

// take gives room for size bytes, also for none; what was in it is lost. After one that was large,
// the next gives it back.
func (m *memory) take(tls *libc.TLS, size int) (uintptr, error) {
	switch {
	case size > memoryMost:
		return 0, &Error{Code: lib.SQLITE_TOOBIG, text: "the texts of one statement are too big"}
	case m.at != 0 && size <= m.size && (m.size <= memoryKept || size > memoryKept):
		return m.at, nil
	}
	m.free(tls)
	room := 1 << bits.Len(uint(max(size, memoryLeast)-1)) // the next power of two
	if m.at = libc.Xmalloc(tls, types.Size_t(room)); m.at == 0 {
		return 0, &Error{Code: lib.SQLITE_NOMEM, text: "out of memory"}
	}
	m.size = room
	return m.at, nil
}

func (m *memory) free(tls *libc.TLS) {
	libc.Xfree(tls, m.at) // nothing where it is 0
	*m = memory{}
}

// cString is a copy of s in C memory, which ends at its first NUL; so there must be none.
func cString(s string) (uintptr, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return 0, errors.New("sqlite: a NUL in a name or in a statement")
	}
	return libc.CString(s)
}
