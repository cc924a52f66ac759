package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// writer is the one connection of a SQLite file that writes, and the turns that are taken on
// it. Closures that wait while another commits share the next transaction: each runs under
// its own savepoint, and one COMMIT, which is one sync of the disk, carries them all (group
// commit). Only the first needs none: what it would go back to is where the transaction begins.
//
// There is no goroutine behind it. Each closure runs in its caller's own goroutine, which has
// the turn until it passes it on; so a panic or a t.Fatal in a closure unwinds the caller that
// wrote it, and nobody else. The last of a batch commits, and then all are answered: also one
// that only read or was refused, since it may have seen what a neighbour had not committed.
type writer struct {
	conn    *sqliteConn // nil after a failure: the next BEGIN opens another
	connect func() (*sqliteConn, error)
	log     *slog.Logger
	commits *atomic.Int64
	clock   func() time.Time // measures; tests set it

	mu     sync.Mutex
	busy   bool    // somebody has the turn
	queue  []*seat // who waits for it
	closed bool
	idle   sync.Cond // signalled when busy ends
}

// The bounds of a batch: so many closures, or so much running, and then the sync of the disk.
// A single closure longer than slowClosure is worth a warning, for everybody waits for it.
const (
	batchClosures = 64
	batchRunning  = 5 * time.Millisecond
	slowClosure   = 20 * time.Millisecond
)

var errRolledBack = errors.New("store: the transaction was rolled back under its closure")

// seat is a place in the queue. The turn comes with the batch to join.
type seat struct{ turn chan *batch }

// batch is one transaction of SQLite, and the Updates that share it.
type batch struct {
	closures int
	open     bool // BEGIN was, and holds what was not refused
	began    time.Time
	err      error         // why none of it stands; set before done is closed
	done     chan struct{} // closed after COMMIT or ROLLBACK
}

func newWriter(conn *sqliteConn, connect func() (*sqliteConn, error), log *slog.Logger, commits *atomic.Int64) *writer {
	w := &writer{conn: conn, connect: connect, log: log, commits: commits, clock: time.Now}
	w.idle.L = &w.mu
	return w
}

// update waits for the turn, runs body, and returns when the batch is committed. ctx counts
// only while waiting: once begun, body writes its caller's variables, and the caller stays.
func (w *writer) update(ctx context.Context, body func(session) error) error {
	b, err := w.enter(ctx)
	if err != nil {
		return err
	}
	select {
	case <-b.done: // it never began
		return b.err
	default:
	}
	func() {
		defer w.leave(b) // also when body panics
		err = w.run(b, body)
	}()
	if b.err != nil {
		return b.err
	}
	return err
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// enter takes the turn, or waits for it.
func (w *writer) enter(ctx context.Context) (*batch, error) {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil, errClosed
	}
	if !w.busy {
		w.busy = true
		w.mu.Unlock()
		return newBatch(), nil
	}
	s := &seat{turn: make(chan *batch, 1)}
	w.queue = append(w.queue, s)
	w.mu.Unlock()

	select {
	case b := <-s.turn:
		return b, nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	i := slices.Index(w.queue, s)
	if i >= 0 {
		w.queue = slices.Delete(w.queue, i, i+1)
	}
	w.mu.Unlock()
	if i < 0 {
		return <-s.turn, nil // it came at the same moment, and must be passed on by running
	}
	return nil, ctx.Err()
}

// run is one closure of a batch.
func (w *writer) run(b *batch, body func(session) error) (err error) {
	first := !b.open
	if b.err = w.enclose(b, first); b.err != nil {
		return b.err
	}
	started, keep := w.clock(), false
	defer func() { // also when body panics
		b.err = w.settle(b, first, keep)
		if took := w.clock().Sub(started); took > slowClosure {
			w.log.Warn("a transaction held the database's one writer for long", "took", took)
		}
	}()
	err = body(uncancelled{w.conn})
	keep = err == nil
	return err
}

// enclose makes what the next closure writes a whole that can be taken back: by a transaction, or
// by a savepoint in the one that others have written in. A savepoint costs two statements, and a
// copy of every page that is written behind it.
func (w *writer) enclose(b *batch, first bool) error {
	if first {
		if err := w.begin(); err != nil {
			return err
		}
		b.open = true
		if b.closures == 0 {
			b.began = w.clock()
		}
		b.closures++
		return nil
	}
	b.closures++
	return w.step("SAVEPOINT closure")
}

// settle keeps what a closure wrote, or takes it back.
func (w *writer) settle(b *batch, first, keep bool) error {
	switch {
	case first && keep:
		if !w.conn.InTransaction() { // the next savepoint would begin another
			return errRolledBack
		}
		return nil
	case first:
		b.open = false
		return w.step("ROLLBACK")
	case !keep:
		if err := w.step("ROLLBACK TO closure"); err != nil {
			return err
		}
	}
	return w.step("RELEASE closure")
}

// leave passes the turn on to the next of the batch or, as its last, ends the batch. It
// returns when the batch has ended.
func (w *writer) leave(b *batch) {
	w.mu.Lock()
	if b.err == nil && b.closures < batchClosures && w.clock().Sub(b.began) < batchRunning {
		if next := w.next(); next != nil {
			w.mu.Unlock()
			next.turn <- b
			<-b.done
			return
		}
	}
	w.mu.Unlock()

	w.end(b)
	close(b.done)

	w.mu.Lock()
	defer w.mu.Unlock()
	if b.err != nil && b.closures == 0 {
		// It could not even begin (another process holds the file, say). Those who wait would
		// each wait as long again for the same answer.
		for next := w.next(); next != nil; next = w.next() {
			next.turn <- b
		}
	}
	if next := w.next(); next != nil {
		next.turn <- newBatch()
		return
	}
	w.busy = false
	w.idle.Broadcast()
}

// next takes the first of the queue, or nil. w.mu is held.
func (w *writer) next() *seat {
	if len(w.queue) == 0 {
		return nil
	}
	s := w.queue[0]
	w.queue = slices.Delete(w.queue, 0, 1)
	return s
}

func (w *writer) begin() (err error) {
	if w.conn == nil {
		if w.conn, err = w.connect(); err != nil {
			return fmt.Errorf("store: open the writer: %w", err)
		}
	}
	return w.step("BEGIN IMMEDIATE")
}

// end commits the batch, or rolls it back where a step of the transaction itself has failed.
// The connection is then thrown away: SQLite may have rolled back by itself, and nothing that
// is only believed of a transaction shall be built on.
func (w *writer) end(b *batch) {
	if b.err == nil && !b.open {
		return // all of it was refused
	}
	if b.err == nil {
		b.err = w.step("COMMIT")
	}
	if b.err == nil {
		w.commits.Add(1)
		return
	}
	w.log.Error("a batch of writes failed and was rolled back", "updates", b.closures, "err", b.err)
	if w.conn != nil {
		w.conn.plain("ROLLBACK")
		w.conn.close()
		w.conn = nil
	}
}

func (w *writer) step(statement string) error {
	if err := w.conn.plain(statement); err != nil {
		return fmt.Errorf("store: %s: %w", statement, err)
	}
	return nil
}

// close refuses new Updates, lets those that wait or run come to their end, and closes the
// connection.
func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for w.busy {
		w.idle.Wait()
	}
	if w.conn != nil {
		w.conn.close()
		w.conn = nil
	}
}

// uncancelled runs a closure's statements without its context. SQLite rolls back the whole
// transaction when a write is interrupted, neighbours and all.
type uncancelled struct{ conn *sqliteConn }

func (u uncancelled) exec(_ context.Context, query string, args []any) (int64, error) {
	return u.conn.exec(context.Background(), query, args)
}

func (u uncancelled) save(_ context.Context, query string, args []any, rows int64) error {
	return u.conn.save(context.Background(), query, args, rows)
}

func (uncancelled) ahead(string, []any, func(found)) (bool, error) { return false, nil }

func (u uncancelled) query(_ context.Context, query string, args []any) (rows, error) {
	return u.conn.query(context.Background(), query, args)
}
