// Package store keeps everything that must not be lost, in SQLite or in PostgreSQL.
//
// It is one concrete type with one method per query and no mock: tests use a real database.
// The SQL is one text for both engines; what differs is in dialect.go. Times are stored as
// milliseconds, amounts as whole tiyin, ids as text made in Go.
//
// Two things are promised to the gateway. An Update is all or nothing, and once it has
// returned nil it survives a power cut. And what the schema forbids (a second live payment of
// an invoice, a provider's id twice, more returned than was captured) cannot be written,
// whatever the code above believes.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
)

// ErrNotFound is returned by the methods that read one row. It says nothing against the
// transaction: the closure may go on.
var ErrNotFound = errors.New("no such row")

var (
	errClosed      = errors.New("store: closed")
	errWritesFail  = errors.New("store: writes are made to fail")
	errNested      = errors.New("store: Update or View inside Update or View: pass tx on instead")
	errOver        = errors.New("store: the transaction is over")
	errReadOnly    = errors.New("store: a View cannot write")
	errUnstorable  = errors.New("store: text with a NUL or broken UTF-8 cannot be stored")
	errOneAnswer   = errors.New("store: a Look waits for one answer only: foresee the others, or View")
	errNoSuchToken = errors.New("store: the work carries no lease")
)

// reruns is how often the closure of an Update may run that collides with others each time.
const reruns = 8

// Options are what a store needs besides its address. All may be left zero.
type Options struct {
	Logger   *slog.Logger     // default: slog.Default()
	Now      func() time.Time // when work is due "now", and when rows of work were made; default: time.Now
	MaxConns int              // PostgreSQL: connections in the pool, default by where it is; SQLite: readers, default 8
}

// Store is one open database.
type Store struct {
	engine engine
	log    *slog.Logger
	now    func() time.Time
	bell   bell

	failing    atomic.Bool
	statements atomic.Int64
	commits    atomic.Int64

	watch func(tx *Tx, query string, args []any) // sees every statement; set by tests, nil otherwise
}

// engine is a database behind a Store: SQLite or PostgreSQL.
type engine interface {
	dialect() dialect

	// update runs body in one write transaction and view in one that cannot write. body is
	// given a session that is good until it returns, and may be run again by update after a
	// collision with another transaction. Its error rolls the transaction back.
	// look is view for a body that waits for one answer; see Store.Look.
	update(ctx context.Context, body func(session) error) error
	view(ctx context.Context, body func(session) error) error
	look(ctx context.Context, body func(session) error) error

	ping(ctx context.Context) error
	lockExclusively() error
	migrator() (*migrator, error)
	wakeOthers()      // tells other processes that work fell due; after COMMIT
	hearOthers(*bell) // rings the bell when they do, until close
	close() error
}

// session is a transaction as its engine sees it.
type session interface {
	exec(ctx context.Context, query string, args []any) (rows int64, err error)
	// save runs a statement that must write exactly one row. It may do so later in the same
	// transaction: its error comes then from a later call, or from the end.
	save(ctx context.Context, query string, args []any, rows int64) error
	query(ctx context.Context, query string, args []any) (rows, error)
	// ahead says that a query will come. Where it is worth it, the server is asked together with
	// what is waited for next, and read is given the rows then; sent says whether that will be.
	// Its error comes from that later call.
	ahead(query string, args []any, read func(found)) (sent bool, err error)
}

// found are rows to be read.
type found interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
}

type rows interface {
	found
	Close() error
}

// Open opens a database: "sqlite:path" or "postgres://…". It makes a SQLite file that is not
// there, readable by its user alone, but no tables: see Up.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{log: o.Logger, now: o.Now, bell: newBell()}
	var err error
	path, isSQLite := strings.CutPrefix(dsn, "sqlite:")
	switch {
	case isSQLite:
		s.engine, err = openSQLite(path, o, &s.commits)
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		s.engine, err = openPostgres(ctx, dsn, o, &s.commits)
	default:
		err = errors.New(`a database address begins with "sqlite:" or "postgres://"`)
	}
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return s, nil
}

// Close waits for the transactions that have begun and closes the database. Later calls of
// Update and View fail.
func (s *Store) Close() error { return s.engine.close() }

// Postgres says whether the database is PostgreSQL, which other processes may share.
func (s *Store) Postgres() bool { return s.engine.dialect() == postgres }

// LockExclusively keeps other processes from serving the same SQLite file until Close; it
// fails with one clear line where another does already. On PostgreSQL, which is made to be
// shared, it does nothing.
func (s *Store) LockExclusively() error { return s.engine.lockExclusively() }

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.engine.ping(ctx) }

// Update runs fn in one write transaction: committed if fn returns nil, else rolled back. An
// SQL error inside rolls back even where fn returns nil.
//
// fn must not talk to the network, and takes its context from the argument. It may run more
// than once (two transactions met on PostgreSQL), so it begins by resetting what it captures.
// ctx counts until fn begins; from there the transaction is seen through, so that a caller
// that goes away leaves nothing half decided.
//
// An error from Update itself, not from fn, means "perhaps committed".
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	inner, err := s.enter(ctx)
	if err != nil {
		return err
	}
	if s.failing.Load() {
		return errWritesFail
	}
	var last *Tx
	err = s.engine.update(ctx, func(db session) error {
		last = &Tx{store: s, db: db, dialect: s.engine.dialect()}
		return last.run(context.WithoutCancel(inner), fn)
	})
	if err == nil && last.enqueued {
		s.bell.ring()
		if last.dueNow {
			s.engine.wakeOthers()
		}
	}
	return err
}

// View runs fn on a snapshot that cannot write. It sees every Update that has returned.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	inner, err := s.enter(ctx)
	if err != nil {
		return err
	}
	return s.engine.view(ctx, func(db session) error {
		tx := &Tx{store: s, db: db, dialect: s.engine.dialect(), readOnly: true}
		return tx.run(inner, fn)
	})
}

// Look is View for what waits for one answer only: one query, and besides it those that were
// foreseen (see foresee), which are one snapshot with it. On PostgreSQL that is one message to the
// server and one back, where a View is two at least. Any other query in it fails.
func (s *Store) Look(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	inner, err := s.enter(ctx)
	if err != nil {
		return err
	}
	return s.engine.look(ctx, func(db session) error {
		tx := &Tx{store: s, db: db, dialect: s.engine.dialect(), readOnly: true, once: true}
		return tx.run(inner, fn)
	})
}

// inside marks the context of a closure with its store, since a transaction inside a
// transaction would wait for itself.
type inside struct{ *Store }

func (s *Store) enter(ctx context.Context) (context.Context, error) {
	if ctx.Value(inside{s}) != nil {
		return nil, errNested
	}
	return context.WithValue(ctx, inside{s}, true), ctx.Err()
}

// FailWrites makes every Update fail before it begins, until it is turned off again: the
// database that is down, for tests and for nothing else.
func (s *Store) FailWrites(on bool) { s.failing.Store(on) }

// Observe shows f every statement from now on, and the transaction in which it runs, for tests and
// nothing else. Statements of transactions that run side by side come side by side.
func (s *Store) Observe(f func(tx *Tx, query string, args []any)) { s.watch = f }

// Counts says how many statements closures have run, and how many write transactions were
// committed. On SQLite one commit may carry several Updates. Tests keep the walks of a
// payment at their price with it.
func (s *Store) Counts() (statements, commits int64) {
	return s.statements.Load(), s.commits.Load()
}

// bell wakes the runner of the outbox. Ringing an already rung bell does nothing.
type bell struct{ c chan struct{} }

func newBell() bell { return bell{make(chan struct{}, 1)} }

func (b bell) ring() {
	select {
	case b.c <- struct{}{}:
	default:
	}
}
