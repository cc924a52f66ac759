package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
)

// room is a store on SQLite whose writer measures time by a clock of the test's.
type room struct {
	*Store
	t      *testing.T
	writer *writer
	log    *bytes.Buffer

	mu  sync.Mutex
	now time.Time
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{t: t, log: &bytes.Buffer{}}
	s, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "chorsu.db"), Options{Logger: slog.New(slog.NewTextHandler(r.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Store, r.writer = s, s.engine.(*sqliteEngine).writer
	r.writer.clock = func() time.Time {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.now
	}
	return r
}

// pass lets time pass for the writer.
func (r *room) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// queued waits until n Updates stand in the queue.
func (r *room) queued(n int) {
	for {
		r.writer.mu.Lock()
		now := len(r.writer.queue)
		r.writer.mu.Unlock()
		if now == n {
			return
		}
		runtime.Gosched()
	}
}

// pending is an Update that runs in a goroutine of its own.
type pending struct {
	err     error
	commits int64 // when it was answered
	done    chan struct{}
}

func (r *room) begin(ctx context.Context, fn func(context.Context, *Tx) error) *pending {
	p := &pending{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = r.Update(ctx, fn)
		p.commits = r.commits.Load()
	}()
	return p
}

func (p *pending) wait() error {
	<-p.done
	return p.err
}

// together runs closures in one batch: the first holds the turn until all others stand in the
// queue, in their order.
func (r *room) together(closures ...func(context.Context, *Tx) error) []*pending {
	r.t.Helper()
	begun, release := make(chan struct{}), make(chan struct{})
	all := []*pending{r.begin(r.t.Context(), func(ctx context.Context, tx *Tx) error {
		close(begun)
		<-release
		return closures[0](ctx, tx)
	})}
	<-begun
	for i, closure := range closures[1:] {
		all = append(all, r.begin(r.t.Context(), closure))
		r.queued(i + 1)
	}
	close(release)
	for _, p := range all {
		<-p.done
	}
	return all
}

func write(name string) func(context.Context, *Tx) error {
	return func(ctx context.Context, tx *Tx) error { return tx.PutSetting(ctx, name, "") }
}

// written lists what the database has.
func (r *room) written() string {
	r.t.Helper()
	var names []string
	err := r.View(r.t.Context(), func(ctx context.Context, tx *Tx) (err error) {
		names, err = many(ctx, tx, scanText, `SELECT name FROM settings ORDER BY name`)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func (r *room) check(what, want string) {
	r.t.Helper()
	if got := r.written(); got != want {
		r.t.Errorf("%s: %q is written, want %q", what, got, want)
	}
}

// Rule (a): a write that is cancelled in the middle does not take its neighbours with it.
func TestACancelledWriteHurtsNobody(t *testing.T) {
	r := newRoom(t)
	ending, end := context.WithCancel(t.Context())
	begun, release := make(chan struct{}), make(chan struct{})
	first := r.begin(ending, func(ctx context.Context, tx *Tx) error {
		close(begun)
		<-release
		end()
		return write("cancelled")(ending, tx)
	})
	<-begun
	second := r.begin(t.Context(), write("neighbour"))
	r.queued(1)
	close(release)
	if err := errors.Join(first.wait(), second.wait()); err != nil {
		t.Fatal(err)
	}
	r.check("after a cancelled caller", "cancelled neighbour")
	if n := r.commits.Load(); n != 1 {
		t.Errorf("%d commits", n)
	}
}

// Rule (b): a caller may leave the queue, but not what has begun.
func TestACallerMayLeaveTheQueue(t *testing.T) {
	r := newRoom(t)
	begun, release := make(chan struct{}), make(chan struct{})
	holding, stopHolding := context.WithCancel(t.Context())
	holder := r.begin(holding, func(ctx context.Context, tx *Tx) error {
		close(begun)
		<-release
		return write("held")(ctx, tx)
	})
	<-begun
	waiting, leave := context.WithCancel(t.Context())
	leaver := r.begin(waiting, func(context.Context, *Tx) error { t.Error("it ran"); return nil })
	r.queued(1)
	leave()
	if err := leaver.wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("who left was told %v", err)
	}
	stopHolding()
	select {
	case <-holder.done:
		t.Error("who has begun left too")
	default:
	}
	close(release)
	if err := holder.wait(); err != nil {
		t.Error(err)
	}
	r.check("after one left", "held")
}

// Rule (c): a panic rolls back to its own savepoint and reaches its own caller.
func TestAPanicInABatchIsItsOwn(t *testing.T) {
	r := newRoom(t)
	var caught any
	all := r.together(
		write("before"),
		func(ctx context.Context, tx *Tx) error {
			write("fallen")(ctx, tx)
			runtime.Goexit()
			return nil
		},
		write("after"),
	)
	if err := errors.Join(all[0].err, all[2].err); err != nil {
		t.Error(err)
	}
	func() {
		defer func() { caught = recover() }()
		r.Update(t.Context(), func(ctx context.Context, tx *Tx) error {
			write("fallen")(ctx, tx)
			panic("mine")
		})
	}()
	if caught != "mine" {
		t.Errorf("the caller caught %v", caught)
	}
	r.check("after the falls", "after before")
}

// A closure that is refused takes back its own writes and nobody else's.
func TestARefusalInABatchIsItsOwn(t *testing.T) {
	r := newRoom(t)
	refused := errors.New("refused")
	all := r.together(
		write("before"),
		func(ctx context.Context, tx *Tx) error { write("refused")(ctx, tx); return refused },
		func(ctx context.Context, tx *Tx) error { tx.exec(ctx, "SELECT nonsense"); return nil },
		write("after"),
	)
	if all[0].err != nil || all[1].err != refused || all[2].err == nil || all[3].err != nil {
		t.Errorf("answers: %v, %v, %v, %v", all[0].err, all[1].err, all[2].err, all[3].err)
	}
	r.check("after a refusal", "after before")
}

// The first of a transaction has no savepoint: refused, it takes the transaction with it, and the
// next begins another. The batch stays one, and what was refused alone commits nothing.
func TestTheFirstIsRefused(t *testing.T) {
	refused := errors.New("refused")
	refuse := func(name string) func(context.Context, *Tx) error {
		return func(ctx context.Context, tx *Tx) error {
			if err := write(name)(ctx, tx); err != nil {
				return err
			}
			return refused
		}
	}
	for _, c := range []struct {
		what    string
		batch   []func(context.Context, *Tx) error
		written string
		commits int64
	}{
		{"alone", []func(context.Context, *Tx) error{refuse("1")}, "", 0},
		{"with another", []func(context.Context, *Tx) error{refuse("1"), write("2")}, "2", 1},
		{"twice", []func(context.Context, *Tx) error{refuse("1"), refuse("2"), write("3"), refuse("4"), write("5")}, "3 5", 1},
		{"all of them", []func(context.Context, *Tx) error{refuse("1"), refuse("2")}, "", 0},
		{"the same row", []func(context.Context, *Tx) error{refuse("1"), write("1"), refuse("1")}, "1", 1},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := newRoom(t)
			for i, p := range r.together(c.batch...) {
				if p.err != nil && p.err != refused {
					t.Errorf("caller %d was told %v", i+1, p.err)
				}
			}
			if n := r.commits.Load(); n != c.commits {
				t.Errorf("%d commits, want %d", n, c.commits)
			}
			r.check("after a first that was refused", c.written)
		})
	}
}

// What the first of a batch wrote is not believed to stand when the transaction has gone under it.
func TestATransactionThatIsGoneIsMissed(t *testing.T) {
	r := newRoom(t)
	all := r.together(
		func(ctx context.Context, tx *Tx) error {
			return errors.Join(write("gone")(ctx, tx), func() error { _, err := tx.exec(ctx, "ROLLBACK"); return err }())
		},
		write("next"),
	)
	if !errors.Is(all[0].err, errRolledBack) || all[1].err != nil {
		t.Errorf("answers: %v, %v", all[0].err, all[1].err)
	}
	r.check("after it was gone", "next")
}

// Rule (d): everybody is answered after COMMIT, also who only read or was refused: he may have
// seen what a neighbour had not committed.
func TestEverybodyIsAnsweredAfterCommit(t *testing.T) {
	r := newRoom(t)
	seen := func(ctx context.Context, tx *Tx) error { _, err := tx.Setting(ctx, "neighbour's"); return err }
	all := r.together(
		write("neighbour's"),
		seen,
		func(ctx context.Context, tx *Tx) error { return errors.Join(seen(ctx, tx), errors.New("refused")) },
		write("last"),
	)
	for i, p := range all {
		if p.commits != 1 {
			t.Errorf("caller %d was answered after %d commits", i, p.commits)
		}
	}
	if all[1].err != nil {
		t.Errorf("the reader of the batch: %v", all[1].err)
	}
}

// Rule (e): where a step of the transaction itself fails, nobody of its batch is told that he
// succeeded. The connection is thrown away, and the next one is set up like the first.
func TestABrokenTransactionFailsItsBatch(t *testing.T) {
	raw := func(statement string) func(context.Context, *Tx) error {
		return func(ctx context.Context, tx *Tx) error { _, err := tx.exec(ctx, statement); return err }
	}
	for _, c := range []struct {
		step     string // what fails
		sabotage func(context.Context, *Tx) error
		third    bool   // whether the third is in another batch, and succeeds
		written  string // in the end
	}{
		{"RELEASE", raw("ROLLBACK"), true, "third"},
		{"ROLLBACK TO", func(ctx context.Context, tx *Tx) error {
			return errors.Join(raw("ROLLBACK")(ctx, tx), errors.New("refused"))
		}, true, "third"},
		{"COMMIT", func(ctx context.Context, tx *Tx) error {
			return errors.Join(raw("PRAGMA defer_foreign_keys = ON")(ctx, tx), tx.InsertEvent(ctx, pay.Event{ID: "of no invoice"}))
		}, false, ""},
	} {
		t.Run(c.step, func(t *testing.T) {
			r := newRoom(t)
			all := r.together(write("first"), c.sabotage, write("third"))
			if all[0].err == nil || all[1].err == nil || (all[2].err == nil) != c.third {
				t.Errorf("answers: %v, %v, %v", all[0].err, all[1].err, all[2].err)
			}
			r.check("after "+c.step+" failed", c.written)
			if !strings.Contains(r.log.String(), c.step) {
				t.Errorf("the log does not say what failed: %s", r.log)
			}
			if err := r.Update(t.Context(), write("next")); err != nil {
				t.Fatalf("the next Update: %v", err)
			}
			durable(t, r.writer.conn)
		})
	}
}

// When the disk is full, who is told that he succeeded has succeeded, and the others have not;
// and it goes on when there is room again.
func TestAFullDisk(t *testing.T) {
	r := newRoom(t)
	pages, err := pragmaOf(r.writer.conn, "page_count")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.writer.conn.plain("PRAGMA max_page_count = " + pages); err != nil {
		t.Fatal(err)
	}
	large := func(ctx context.Context, tx *Tx) error {
		return tx.PutSetting(ctx, "large", strings.Repeat("x", 1<<20))
	}
	all := r.together(write("first"), large, write("third"))
	if all[1].err == nil {
		t.Error("what does not fit was written")
	}
	var want []string
	for i, name := range []string{"first", "large", "third"} {
		if all[i].err == nil {
			want = append(want, name)
		}
	}
	r.check("on a full disk", strings.Join(want, " "))
	if err := r.writer.conn.plain("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if err := r.Update(t.Context(), large); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// Where a transaction cannot even begin, all who wait are told at once: each of them would
// wait as long for the same answer.
func TestWhatCannotBeginFailsAllWhoWait(t *testing.T) {
	r := newRoom(t)
	connect := r.writer.connect
	tries := 0
	r.writer.connect = func() (*sqliteConn, error) { tries++; return nil, errors.New("no such disk") }
	all := r.together(
		func(ctx context.Context, tx *Tx) error { _, err := tx.exec(ctx, "ROLLBACK"); return err }, // breaks the connection
		write("second"), write("third"), write("fourth"),
	)
	for i, p := range all {
		if p.err == nil {
			t.Errorf("caller %d was told that he succeeded", i)
		}
		if i > 0 && !strings.Contains(p.err.Error(), "no such disk") {
			t.Errorf("caller %d was told %v", i, p.err)
		}
	}
	if tries != 1 {
		t.Errorf("it was tried %d times for those who waited", tries)
	}
	r.check("without a connection", "")
	r.writer.connect = connect
	if err := r.Update(t.Context(), write("next")); err != nil {
		t.Error(err)
	}
	r.check("with one", "next")
}

// Another process that holds the file's lock makes an Update fail, not wait for ever.
func TestAForeignLockIsAnError(t *testing.T) {
	r := newRoom(t)
	other, err := r.engine.(*sqliteEngine).connect("query_only=0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if err := errors.Join(r.writer.conn.plain("PRAGMA busy_timeout = 0"), other.plain("BEGIN IMMEDIATE")); err != nil {
		t.Fatal(err)
	}
	if err := r.Update(t.Context(), write("locked out")); err == nil {
		t.Error("Update succeeded")
	}
	if err := other.plain("COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := r.Update(t.Context(), write("let in")); err != nil {
		t.Error(err)
	}
	r.check("after the lock", "let in")
}

// Rule (f): a batch ends after so many closures, and after so much running.
func TestABatchIsBounded(t *testing.T) {
	for _, c := range []struct {
		what     string
		takes    time.Duration // each closure
		closures int
		commits  int64
	}{
		{"in closures", 0, 100, 2},                                       // 64 and 36
		{"in time", batchRunning / 4, 10, 3},                             // 4, 4 and 2
		{"in time, by each closure", batchRunning, 5, 5},                 // one each
		{"but a single one may take longer", 2 * batchRunning, 1, 1},     //
		{"and what is quick shares one commit", time.Microsecond, 64, 1}, //
		{"up to the last", time.Microsecond, batchClosures + 1, 2},       //
	} {
		t.Run(c.what, func(t *testing.T) {
			r := newRoom(t)
			closures := make([]func(context.Context, *Tx) error, c.closures)
			for i := range closures {
				closures[i] = func(ctx context.Context, tx *Tx) error {
					r.pass(c.takes)
					return write(fmt.Sprintf("%03d", i))(ctx, tx)
				}
			}
			for _, p := range r.together(closures...) {
				if p.err != nil {
					t.Error(p.err)
				}
			}
			if n := r.commits.Load(); n != c.commits {
				t.Errorf("%d commits, want %d", n, c.commits)
			}
			if n := len(strings.Fields(r.written())); n != c.closures {
				t.Errorf("%d of %d are written", n, c.closures)
			}
		})
	}
}

// A closure that holds the writer for long is warned of: everybody waits for it.
func TestASlowClosureIsLogged(t *testing.T) {
	r := newRoom(t)
	slow := func(d time.Duration) {
		err := r.Update(t.Context(), func(context.Context, *Tx) error { r.pass(d); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	slow(slowClosure)
	if r.log.Len() > 0 {
		t.Errorf("a closure of %v is logged: %s", slowClosure, r.log)
	}
	slow(slowClosure + 1)
	if !strings.Contains(r.log.String(), "level=WARN") {
		t.Error("a longer one is not")
	}
}

// Rule (g): a deferred constraint would fail at COMMIT, with the whole batch.
func TestNoConstraintIsDeferred(t *testing.T) {
	err := fs.WalkDir(migrations, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := migrations.ReadFile(path)
		if bytes.Contains(bytes.ToUpper(text), []byte("DEFER")) {
			t.Errorf("%s defers a constraint", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Rule (h): the runner is woken after COMMIT, when it can see the work, and not for work that
// was rolled back.
func TestWakeUpsLeaveAfterCommit(t *testing.T) {
	r := newRoom(t)
	rung := func() bool {
		select {
		case <-r.bell.c:
			return true
		default:
			return false
		}
	}
	enqueue := func(ctx context.Context, tx *Tx) error {
		return tx.Enqueue(ctx, outbox.Work{Kind: "deliver", Subject: "1", Lane: "a", DueAt: time.Unix(1, 0)})
	}
	early := false
	all := r.together(enqueue, func(ctx context.Context, tx *Tx) error { early = rung(); return nil })
	if err := errors.Join(all[0].err, all[1].err); err != nil {
		t.Fatal(err)
	}
	if early {
		t.Error("it rang before COMMIT")
	}
	if !rung() {
		t.Error("it did not ring after COMMIT")
	}
	r.Update(t.Context(), func(ctx context.Context, tx *Tx) error {
		return errors.Join(enqueue(ctx, tx), errors.New("refused"))
	})
	if rung() {
		t.Error("it rang for work that was rolled back")
	}
	r.Update(t.Context(), write("no work"))
	if rung() {
		t.Error("it rang for no work")
	}
}

// Close lets what waits come to its end, and refuses what comes later.
func TestCloseWaitsForTheQueue(t *testing.T) {
	r := newRoom(t)
	begun, release := make(chan struct{}), make(chan struct{})
	first := r.begin(t.Context(), func(ctx context.Context, tx *Tx) error {
		close(begun)
		<-release
		return write("first")(ctx, tx)
	})
	<-begun
	second := r.begin(t.Context(), write("second"))
	r.queued(1)
	closed := make(chan error)
	go func() { closed <- r.Close() }()
	for !r.refuses() {
		runtime.Gosched()
	}
	if err := r.Update(t.Context(), write("late")); !errors.Is(err, errClosed) {
		t.Errorf("an Update after Close: %v", err)
	}
	close(release)
	if err := errors.Join(first.wait(), second.wait(), <-closed); err != nil {
		t.Error(err)
	}
}

func (r *room) refuses() bool {
	r.writer.mu.Lock()
	defer r.writer.mu.Unlock()
	return r.writer.closed
}

// Every connection that writes syncs the disk at each commit and checks foreign keys.
func durable(t *testing.T, c *sqliteConn) {
	t.Helper()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		got, err := pragmaOf(c, pragma)
		if err != nil || got != want {
			t.Errorf("%s is %s (%v), want %s", pragma, got, err, want)
		}
	}
}

func pragmaOf(c *sqliteConn, name string) (value string, err error) {
	found, err := c.query(context.Background(), "PRAGMA "+name, nil)
	if err != nil {
		return "", err
	}
	defer found.Close()
	for found.Next() {
		if err := found.Scan(&value); err != nil {
			return "", err
		}
	}
	return value, found.Err()
}

func TestSQLiteIsDurable(t *testing.T) {
	r := newRoom(t)
	e := r.engine.(*sqliteEngine)
	durable(t, r.writer.conn)
	reader, err := e.borrow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { e.readers <- reader }()
	if got, err := pragmaOf(reader, "query_only"); got != "1" {
		t.Errorf("a reader's query_only is %s (%v)", got, err)
	}
}
