// Package sqlite is SQLite by its own calls: a connection, the statements that are prepared on it,
// and the rows that they find. It stands in the place of a driver for database/sql, and knows
// nothing of what is kept.
//
// A connection has one owner at a time and no lock of its own: who hands it on to another goroutine
// does so by a channel or under a mutex. Its owner reads the rows of one statement to the end and
// closes them before he asks the next. Nothing here is called from any other goroutine: also a
// context that ends stops its statement from within, since SQLite asks every so many steps whether
// to go on.
//
// The library is C that was translated to Go. Its memory is not Go's, its pointers are numbers
// here, and what was allocated is freed by hand. So no memory of Go's is ever given to it: texts
// are copied in and out.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// The library's page size on arm64 is put right by whoever opens it, and twice does no harm.
func init() { lib.PatchIssue199() }

// The statements that a connection keeps prepared. The fixed queries are far fewer; the filters of
// lists make a few more. A statement beyond that is prepared for one use.
const keptStatements = 256

// askedEvery is after how many steps of SQLite's machine a statement asks whether its caller is
// still there: some ten microseconds.
const askedEvery = 1000

// outSize is four words at the bottom of the connection's C stack. As long as they are there, the
// stack is not empty, and libc does not free it after each call to allocate it for the next.
const outSize = 4 * 8

var (
	errClosed  = errors.New("sqlite: the connection is closed")
	errReading = errors.New("sqlite: the rows of another query are not closed yet")
)

// Conn is one connection to a file.
type Conn struct {
	tls     *libc.TLS // the translated C's stack
	db      uintptr   // sqlite3*; 0 when closed
	out     uintptr   // where calls put what they give back besides a code; see outSize
	texts   memory
	kept    map[string]*statement
	reading *Rows           // not closed yet
	asker   context.Context // of the call under way; nil: one that has no end
}

// statement is a prepared statement of a connection.
type statement struct {
	handle uintptr // sqlite3_stmt*
	order  []int   // by SQLite's parameter: which argument it takes, from 1
	args   int     // how many arguments it wants
	kept   bool    // for its next use
}

// Open opens the file at path, which it makes where there is none, and sets each of pragmas ("synchronous
// = FULL") in their order.
//
// NOMUTEX: a connection has one owner, and SQLite's own lock around each of its calls guards
// nothing. Text in double quotes is a name and never a string, so that a misspelt column is an error.
func Open(path string, pragmas ...string) (*Conn, error) {
	c := &Conn{tls: libc.NewTLS(), kept: map[string]*statement{}}
	err := c.open(path)
	for _, pragma := range pragmas {
		if err == nil {
			err = c.set(pragma)
		}
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Conn) open(path string) error {
	c.out = c.tls.Alloc(outSize)
	name, err := cString(path)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, name)
	rc := lib.Xsqlite3_open_v2(c.tls, name, c.out,
		lib.SQLITE_OPEN_READWRITE|lib.SQLITE_OPEN_CREATE|lib.SQLITE_OPEN_NOMUTEX|lib.SQLITE_OPEN_EXRESCODE, 0)
	c.db = libc.AtomicLoadNUintptr(c.out, 0) // also where it failed: the handle has the reason, and is closed
	if rc != lib.SQLITE_OK {
		return c.failed(rc)
	}
	for _, quirk := range []int32{lib.SQLITE_DBCONFIG_DQS_DDL, lib.SQLITE_DBCONFIG_DQS_DML} {
		if rc := lib.Xsqlite3_db_config(c.tls, c.db, quirk, libc.VaList(c.out, int32(0), uintptr(0))); rc != lib.SQLITE_OK {
			return c.failed(rc)
		}
	}
	conns.Store(c.db, c)
	lib.Xsqlite3_progress_handler(c.tls, c.db, askedEvery, goneFunc(), c.db)
	return nil
}

// set sets a pragma, whose answer nobody wants.
func (c *Conn) set(pragma string) error {
	s, err := c.prepare("PRAGMA " + pragma)
	if err != nil {
		return err
	}
	_, err = c.run(s)
	return err
}

// Close closes the connection with all that is open on it.
func (c *Conn) Close() error {
	if c.reading != nil {
		c.reading.Close()
	}
	for _, s := range c.kept {
		lib.Xsqlite3_finalize(c.tls, s.handle)
	}
	c.kept = nil
	var err error
	if c.db != 0 {
		conns.Delete(c.db)
		if rc := lib.Xsqlite3_close_v2(c.tls, c.db); rc != lib.SQLITE_OK {
			err = c.failed(rc)
		}
		c.db = 0
	}
	if c.tls != nil {
		c.texts.free(c.tls)
		c.tls.Free(outSize)
		c.tls.Close()
		c.tls = nil
	}
	return err
}

// Exec runs a statement to its end, and says how many rows it wrote; of one that writes none the
// number says nothing. The arguments $1, $2 … are string, int64, bool or nil.
func (c *Conn) Exec(ctx context.Context, query string, args []any) (int64, error) {
	s, err := c.begin(ctx, query, args)
	if err != nil {
		return 0, err
	}
	return c.run(s)
}

func (c *Conn) run(s *statement) (int64, error) {
	var err error
	for row := true; row && err == nil; {
		row, err = c.step(s)
	}
	if failed := c.end(s); err == nil {
		err = failed
	}
	if err != nil {
		return 0, err
	}
	return lib.Xsqlite3_changes64(c.tls, c.db), nil
}

// Query begins a statement that finds rows; what is wrong with it is said by them. Arguments are
// those of Exec. When ctx ends, the rows end with its error.
func (c *Conn) Query(ctx context.Context, query string, args []any) (*Rows, error) {
	s, err := c.begin(ctx, query, args)
	if err != nil {
		return nil, err
	}
	c.reading = &Rows{conn: c, statement: s, ctx: ctx}
	return c.reading, nil
}

// begin makes a statement ready for its first step.
func (c *Conn) begin(ctx context.Context, query string, args []any) (*statement, error) {
	switch {
	case c.db == 0:
		return nil, errClosed
	case c.reading != nil:
		return nil, errReading
	}
	if ctx.Done() != nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c.asker = ctx // also while it is planned
	}
	s, err := c.prepared(query)
	if err == nil {
		if err = c.bind(s, args); err != nil {
			c.end(s)
		}
	}
	if err != nil {
		c.asker = nil
		return nil, err
	}
	return s, nil
}

// step runs a statement to its next row, or to its end.
func (c *Conn) step(s *statement) (row bool, err error) {
	switch rc := lib.Xsqlite3_step(c.tls, s.handle); rc {
	case lib.SQLITE_ROW:
		return true, nil
	case lib.SQLITE_DONE:
		return false, nil
	default:
		return false, c.failed(rc)
	}
}

// end makes a statement ready for its next use, or frees it. Its error is that of the last step
// once more, or what was found when the rest of it was undone.
func (c *Conn) end(s *statement) error {
	c.asker = nil
	end := lib.Xsqlite3_finalize
	if s.kept {
		end = lib.Xsqlite3_reset
	}
	if rc := end(c.tls, s.handle); rc != lib.SQLITE_OK {
		return c.failed(rc)
	}
	return nil
}

func (c *Conn) prepared(query string) (*statement, error) {
	if s := c.kept[query]; s != nil {
		return s, nil
	}
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	if s.kept = len(c.kept) < keptStatements; s.kept {
		c.kept[query] = s
	}
	return s, nil
}

// prepare plans one statement. PERSISTENT: it takes its memory from the heap, and leaves the
// connection's own small slots (the lookaside) to what is allocated at each execution.
func (c *Conn) prepare(query string) (*statement, error) {
	text, err := cString(query)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, text)
	handle, tail := c.out, c.out+8
	if rc := lib.Xsqlite3_prepare_v3(c.tls, c.db, text, int32(len(query)+1), lib.SQLITE_PREPARE_PERSISTENT, handle, tail); rc != lib.SQLITE_OK {
		return nil, c.failed(rc)
	}
	s := &statement{handle: libc.AtomicLoadNUintptr(handle, 0)}
	if s.handle == 0 || strings.TrimSpace(libc.GoString(libc.AtomicLoadNUintptr(tail, 0))) != "" {
		err = errors.New("sqlite: no statement, or more than one")
	} else {
		err = s.number(c.tls)
	}
	if err != nil {
		lib.Xsqlite3_finalize(c.tls, s.handle) // nothing where it is 0
		return nil, err
	}
	return s, nil
}

// number finds which argument each parameter takes: SQLite counts $2 as the first where it stands
// before $1.
func (s *statement) number(tls *libc.TLS) error {
	s.order = make([]int, lib.Xsqlite3_bind_parameter_count(tls, s.handle))
	for i := range s.order {
		s.order[i] = i + 1
		if name := libc.GoString(lib.Xsqlite3_bind_parameter_name(tls, s.handle, int32(i+1))); name != "" {
			n, err := strconv.Atoi(name[1:])
			if err != nil || n < 1 {
				return fmt.Errorf("sqlite: the parameter %s has no number", name)
			}
			s.order[i] = n
		}
		s.args = max(s.args, s.order[i])
	}
	return nil
}

// InTransaction says whether a transaction is open. SQLite may have ended one by itself, when the
// disk failed.
func (c *Conn) InTransaction() bool { return lib.Xsqlite3_get_autocommit(c.tls, c.db) == 0 }

// PagesRead counts the pages that the connection has asked its cache for, ever: what its statements
// cost, on any machine.
func (c *Conn) PagesRead() (pages int64, err error) {
	current, highest := c.out, c.out+8
	for _, op := range []int32{lib.SQLITE_DBSTATUS_CACHE_HIT, lib.SQLITE_DBSTATUS_CACHE_MISS} {
		if rc := lib.Xsqlite3_db_status(c.tls, c.db, op, current, highest, 0); rc != lib.SQLITE_OK {
			return 0, c.failed(rc)
		}
		pages += int64(libc.AtomicLoadNInt32(current, 0))
	}
	return pages, nil
}

// conns are the open connections by their handles, for what SQLite calls back.
var conns sync.Map

// gone is called by SQLite in the midst of a statement, in the goroutine that runs it, and says
// whether to give it up.
func gone(_ *libc.TLS, db uintptr) int32 {
	if c, ok := conns.Load(db); ok {
		if asker := c.(*Conn).asker; asker != nil && asker.Err() != nil {
			return 1
		}
	}
	return 0
}

// goneFunc is gone as the translated C calls it: by the address that a variable of a function's
// type holds. That of a declared function is the program's, and neither moves nor goes away.
func goneFunc() uintptr {
	f := gone
	return *(*uintptr)(unsafe.Pointer(&f))
}
