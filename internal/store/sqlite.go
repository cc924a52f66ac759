package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chorsu/chorsu/internal/store/sqlite"
)

// sqliteEngine is one SQLite file: one connection that writes (writer.go), and a few that
// only read, each on the snapshot of its own transaction, which the writer does not disturb.
type sqliteEngine struct {
	path    string
	writer  *writer
	readers chan *sqliteConn // nil: a reader that is not opened yet

	mu     sync.Mutex
	lock   *os.File // held while this process serves the file
	closed bool
}

// sqliteWait is how long a connection waits for another process's lock (a key rotation beside
// a serving gateway, say) before it gives up.
const sqliteWait = 10 * time.Second

func openSQLite(path string, o Options, commits *atomic.Int64) (*sqliteEngine, error) {
	if path == "" || strings.HasPrefix(path, ":") {
		return nil, errors.New("sqlite: wants the path of a file")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := makeFile(path); err != nil {
		return nil, err
	}
	e := &sqliteEngine{path: path}

	first, err := e.connect(writing...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	e.writer = newWriter(first, func() (*sqliteConn, error) { return e.connect(writing...) }, o.Logger, commits)

	n := o.MaxConns
	if n <= 0 {
		n = 8
	}
	e.readers = make(chan *sqliteConn, n)
	for range n {
		e.readers <- nil
	}
	return e, nil
}

// makeFile makes the file before SQLite does, so that nobody but its user can read it. SQLite
// gives its journal the same rights.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// sqliteSettings are the settings that every connection has.
//
// synchronous=FULL syncs the journal at each commit: a payment that was answered as paid
// survives a power cut. fullfsync is the same promise on macOS.
var sqliteSettings = []string{
	fmt.Sprintf("busy_timeout(%d)", sqliteWait.Milliseconds()),
	"journal_mode(WAL)",
	"synchronous(FULL)",
	"fullfsync(1)",
	"checkpoint_fullfsync(1)",
	"foreign_keys(1)",
	"trusted_schema(0)",
	"journal_size_limit(67108864)",
}

// sqliteURI is the address of a file for the driver of database/sql, which the migrations use,
// with the same settings.
func sqliteURI(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/…
	}
	q := url.Values{"_pragma": sqliteSettings, "_dqs": {"0"}}
	return "file://" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// writing are the settings of the connection that writes. What a savepoint could roll back to is
// kept in memory: in a file, it took a tenth of what it guards. Readers sort, in files if need be.
var writing = []string{"query_only=0", "temp_store=MEMORY"}

// reading are the settings of those that only read. They see the file as memory, up to 2 GB of it:
// with a million invoices nearly every page that a question needs is asked of the system, and a
// copy of each costs more than the question. The writer asks and copies: there a disk that fails
// is an error of one transaction, and not the end of the process.
var reading = []string{"query_only=1", "mmap_size=2147418112"}

func (e *sqliteEngine) connect(pragmas ...string) (*sqliteConn, error) {
	c, err := sqlite.Open(e.path, slices.Concat(sqliteSettings, pragmas)...)
	if err != nil {
		return nil, err
	}
	return &sqliteConn{c}, nil
}

func (e *sqliteEngine) dialect() dialect { return sqlite3 }

func (e *sqliteEngine) update(ctx context.Context, body func(session) error) error {
	for try := 1; ; try++ {
		err := e.writer.update(ctx, body)
		if !sqlite3.rerun(err) || try == reruns {
			return err
		}
	}
}

func (e *sqliteEngine) view(ctx context.Context, body func(session) error) error {
	return e.read(ctx, func(r *reader) error {
		if err := r.begin(); err != nil {
			return err
		}
		return body(r)
	})
}

// look is view without a transaction, as long as there is one statement only: that is one snapshot
// by itself.
func (e *sqliteEngine) look(ctx context.Context, body func(session) error) error {
	return e.read(ctx, func(r *reader) error { return body(r) })
}

// read lends a reader to body. One whose transaction does not end cleanly is thrown away.
func (e *sqliteEngine) read(ctx context.Context, body func(*reader) error) (err error) {
	c, err := e.borrow(ctx)
	if err != nil {
		return err
	}
	r, clean := reader{sqliteConn: c}, false
	defer func() {
		if !clean || r.begun && c.plain("ROLLBACK") != nil {
			c.close()
			c = nil
		}
		e.readers <- c
	}()
	err = body(&r)
	clean = true
	return err
}

// reader is a connection that reads, for one View or one Look.
type reader struct {
	*sqliteConn
	begun bool
}

// ahead says that there will be a second statement: it shall see what the first sees.
func (r *reader) ahead(string, []any, func(found)) (bool, error) { return false, r.begin() }

func (r *reader) begin() error {
	if r.begun {
		return nil
	}
	if err := r.plain("BEGIN"); err != nil {
		return fmt.Errorf("store: begin: %w", err)
	}
	r.begun = true
	return nil
}

func (e *sqliteEngine) borrow(ctx context.Context) (*sqliteConn, error) {
	var c *sqliteConn
	select {
	case c = <-e.readers:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		e.readers <- c
		return nil, errClosed
	}
	if c == nil {
		var err error
		if c, err = e.connect(reading...); err != nil {
			e.readers <- nil
			return nil, fmt.Errorf("store: open a reader: %w", err)
		}
	}
	return c, nil
}

func (e *sqliteEngine) ping(ctx context.Context) error {
	return e.view(ctx, func(db session) error {
		found, err := db.query(ctx, "SELECT count(*) FROM sqlite_master", nil)
		if err != nil {
			return err
		}
		defer found.Close()
		found.Next()
		return found.Err()
	})
}

// lockExclusively holds a lock on a file beside the database: one on the database itself
// would be dropped with the next of SQLite's own.
func (e *sqliteEngine) lockExclusively() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lock != nil {
		return nil
	}
	f, err := lockFile(e.path + ".serving")
	if errors.Is(err, errLocked) {
		return fmt.Errorf("%s is served by another process: stop that one, or use PostgreSQL for several", e.path)
	}
	if err != nil {
		return err
	}
	e.lock = f
	return nil
}

// No other process shares the work of a SQLite file.
func (e *sqliteEngine) wakeOthers()      {}
func (e *sqliteEngine) hearOthers(*bell) {}

func (e *sqliteEngine) close() error {
	e.mu.Lock()
	again := e.closed
	e.closed = true
	e.mu.Unlock()
	if again {
		return nil
	}
	e.writer.close()
	for range cap(e.readers) {
		if c := <-e.readers; c != nil {
			c.close()
		}
	}
	for range cap(e.readers) {
		e.readers <- nil // for those who come too late, and are told so
	}
	if e.lock != nil {
		return e.lock.Close()
	}
	return nil
}
