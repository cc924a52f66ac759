package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresEngine is a PostgreSQL database, which other processes may share.
type postgresEngine struct {
	pool    *pgxpool.Pool
	conns   int32 // at most, in the pool
	log     *slog.Logger
	commits *atomic.Int64
	wakes   *wakes
}

// The oldest PostgreSQL that the tests run on, and what a transaction may take at most: past
// it the connection is cut, and the server rolls back.
const (
	postgresOldest  = 150000
	postgresLongest = 30 * time.Second
)

// postgresBounds make the server notice a process that is stopped or cut off in the middle of
// a transaction: until then that holds an invoice's lock. An address may set others.
var postgresBounds = map[string]string{
	"statement_timeout":                   "30s",
	"idle_in_transaction_session_timeout": "30s",
}

func openPostgres(ctx context.Context, dsn string, o Options, commits *atomic.Int64) (*postgresEngine, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("not an address of PostgreSQL: postgres://user:password@host:5432/database") // err would show the password
	}
	if o.MaxConns > 0 {
		config.MaxConns = int32(o.MaxConns)
	} else if !strings.Contains(dsn, "pool_max_conns=") {
		config.MaxConns = connections(config.ConnConfig.Host, runtime.GOMAXPROCS(0))
	}
	if config.ConnConfig.ConnectTimeout > 10*time.Second {
		config.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	if config.PingTimeout == 0 { // of a connection that nobody had for a second, before somebody has it
		config.PingTimeout = 5 * time.Second
	}
	for name, value := range postgresBounds {
		if _, given := config.ConnConfig.RuntimeParams[name]; !given {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	if _, given := config.ConnConfig.RuntimeParams["application_name"]; !given {
		config.ConnConfig.RuntimeParams["application_name"] = "chorsu"
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	e := &postgresEngine{pool: pool, conns: config.MaxConns, log: o.Logger, commits: commits}
	if err := e.fit(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	e.wakes = newWakes(config.ConnConfig, uuid.NewString(), o.Logger)
	return e, nil
}

// connections is how many a pool has whose address names no number (pool_max_conns=8). A server on
// this machine shares its processors: more than four connections for each only wait for each other,
// and the last of them long. One elsewhere is mostly waited for.
func connections(host string, processors int) int32 {
	const most = 16 // several processes share what a server takes, a hundred as it comes
	if strings.HasPrefix(host, "/") || host == "localhost" || host == "127.0.0.1" || host == "::1" {
		return int32(min(max(4*processors, 8), most))
	}
	return most
}

// fit says whether this server can keep what it is given.
func (e *postgresEngine) fit(ctx context.Context) error {
	var version int
	var encoding, fsync, sync string
	err := e.pool.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
		current_setting('fsync'), current_setting('synchronous_commit')`).Scan(&version, &encoding, &fsync, &sync)
	if err != nil {
		return err
	}
	if version < postgresOldest {
		return fmt.Errorf("PostgreSQL %d is too old: 15 or newer is needed", version/10000)
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the database's encoding is %s: make one with ENCODING 'UTF8'", encoding)
	}
	if fsync == "off" || sync == "off" {
		e.log.Warn("PostgreSQL does not sync its commits to disk: a power cut loses payments that were answered as paid",
			"fsync", fsync, "synchronous_commit", sync)
	}
	return nil
}

func (e *postgresEngine) dialect() dialect { return postgres }

// update runs body at READ COMMITTED, under the invoice's row lock where it takes it, and
// again where it collided with another transaction.
func (e *postgresEngine) update(ctx context.Context, body func(session) error) error {
	for try := 1; ; try++ {
		err := e.once(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED", false, body)
		if err == nil {
			e.commits.Add(1)
			return nil
		}
		if !postgres.rerun(err) || try == reruns {
			return err
		}
	}
}

func (e *postgresEngine) view(ctx context.Context, body func(session) error) error {
	return e.once(ctx, beginSnapshot, false, body)
}

const beginSnapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

// look runs body in one message.
func (e *postgresEngine) look(ctx context.Context, body func(session) error) error {
	return e.once(ctx, beginSnapshot, true, body)
}

// once runs body in one transaction, and where it is whole in one message. ctx counts until that
// has a connection; its deadline, beyond that, where it is whole and so only reads.
func (e *postgresEngine) once(ctx context.Context, begin string, whole bool, body func(session) error) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), postgresLongest)
	defer cancel()
	if until, ok := ctx.Deadline(); ok && whole {
		bounded, cancel = context.WithDeadline(bounded, until)
		defer cancel()
	}
	s, err := newPostgresSession(ctx, bounded, e, begin, whole)
	if err != nil {
		return err
	}
	defer s.release() // a connection whose transaction is still open (body has panicked) is closed
	if err := body(s); err != nil {
		s.rollback()
		return err
	}
	return s.commit()
}

func (e *postgresEngine) ping(ctx context.Context) error { return e.pool.Ping(ctx) }

func (e *postgresEngine) lockExclusively() error { return nil }

func (e *postgresEngine) wakeOthers() { e.wakes.tell() }

func (e *postgresEngine) hearOthers(b *bell) { e.wakes.hear(b) }

func (e *postgresEngine) close() error {
	e.wakes.close()
	e.pool.Close()
	return nil
}

// wakes carries "work fell due" between the processes that share a database. It is a hint: one
// that is lost costs the time to the runner's next look.
//
// NOTIFY is sent after COMMIT, on a connection of its own, at most once in wakeEvery: inside
// the transactions it would put all of their commits behind one lock of the server.
type wakes struct {
	config *pgx.ConnConfig
	self   string // in each message, so that nobody wakes himself
	log    *slog.Logger

	dirty   chan struct{}
	talking sync.Once
	hearing sync.Once
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
}

const (
	wakeChannel = "chorsu_work"
	wakeEvery   = 20 * time.Millisecond
	wakeRetry   = time.Second // before connecting again
)

func newWakes(config *pgx.ConnConfig, self string, log *slog.Logger) *wakes {
	ctx, stop := context.WithCancel(context.Background())
	return &wakes{config: config, self: self, log: log, dirty: make(chan struct{}, 1), ctx: ctx, stop: stop}
}

// tell asks for a message to the other processes, and returns at once.
func (w *wakes) tell() {
	w.talking.Do(func() { w.keep("tell other processes of work", w.talk) })
	select {
	case w.dirty <- struct{}{}:
	default:
	}
}

// hear rings b whenever another process tells, from now until close.
func (w *wakes) hear(b *bell) {
	w.hearing.Do(func() {
		w.keep("hear other processes of work", func(conn *pgx.Conn) error { return w.listen(conn, b) })
	})
}

// keep runs f on a connection of its own, and again on a new one after it failed.
func (w *wakes) keep(what string, f func(*pgx.Conn) error) {
	w.running.Go(func() {
		for w.ctx.Err() == nil {
			conn, err := pgx.ConnectConfig(w.ctx, w.config.Copy())
			if err == nil {
				err = f(conn)
				closing, cancel := context.WithTimeout(context.Background(), wakeRetry)
				conn.Close(closing)
				cancel()
			}
			if w.ctx.Err() == nil {
				w.log.Warn("cannot "+what+"; trying again", "err", err)
				w.pause(wakeRetry)
			}
		}
	})
}

func (w *wakes) talk(conn *pgx.Conn) error {
	for {
		select {
		case <-w.dirty:
		case <-w.ctx.Done():
			return nil
		}
		if _, err := conn.Exec(w.ctx, "SELECT pg_notify($1, $2)", wakeChannel, w.self); err != nil {
			w.tell() // not sent: the next connection does
			return err
		}
		w.pause(wakeEvery)
	}
}

func (w *wakes) listen(conn *pgx.Conn, b *bell) error {
	if _, err := conn.Exec(w.ctx, "LISTEN "+wakeChannel); err != nil {
		return err
	}
	b.ring() // for what was told while nobody listened
	for {
		n, err := conn.WaitForNotification(w.ctx)
		if err != nil {
			return err
		}
		w.heard(n.Payload, b)
	}
}

// heard rings for what another process told. Our own bell has rung when we committed.
func (w *wakes) heard(from string, b *bell) {
	if from != w.self {
		b.ring()
	}
}

func (w *wakes) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.ctx.Done():
	}
}

func (w *wakes) close() {
	w.stop()
	w.running.Wait()
}
