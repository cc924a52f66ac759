package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresSession is one transaction on one connection. Its statements run under the bound of
// the whole transaction: a caller that goes away does not cut a transaction that has begun, on
// either engine.
//
// A statement whose answer nobody waits for (BEGIN, every write that only must succeed, a query
// whose answer is needed later) is held back, and sent in one message with the next that somebody
// does wait for, or with COMMIT.
// The server runs them in their order and nothing after one that failed, COMMIT neither; so a
// failure shows a little later, but never too late.
type postgresSession struct {
	pool  *pgxpool.Pool
	conns int32 // at most, in the pool
	ctx   context.Context
	conn  *pgxpool.Conn
	begin string
	begun bool // the server has answered to BEGIN
	whole bool // the first message is all of it, from BEGIN to COMMIT
	held  []heldStatement
}

// heldStatement is a statement that was not sent yet, and how many rows it must write, -1: any; or
// who reads its rows.
type heldStatement struct {
	query string
	args  []any
	want  int64
	read  func(found)
}

func newPostgresSession(ctx, bounded context.Context, e *postgresEngine, begin string, whole bool) (*postgresSession, error) {
	s := &postgresSession{pool: e.pool, conns: e.conns, ctx: bounded, begin: begin, whole: whole}
	if !whole { // a single statement needs no transaction around it
		s.hold(heldStatement{query: begin, want: -1})
	}
	var err error
	if s.conn, err = e.pool.Acquire(ctx); err != nil {
		return nil, fmt.Errorf("store: no connection: %w", err)
	}
	return s, nil
}

func (s *postgresSession) save(_ context.Context, query string, args []any, rows int64) error {
	s.hold(mustWrite(query, args, rows))
	return nil
}

func (s *postgresSession) ahead(query string, args []any, read func(found)) (bool, error) {
	if s.whole && len(s.held) == 0 {
		s.hold(heldStatement{query: s.begin, want: -1})
	}
	s.hold(heldStatement{query: query, args: args, want: -1, read: read})
	return true, nil
}

func (s *postgresSession) hold(h heldStatement) { s.held = append(s.held, h) }

// mustWrite makes the server refuse an UPDATE or a DELETE that does not find its rows, by a division
// by zero: COMMIT may be in the same message, and must not be run then. An INSERT writes its rows or
// fails by itself.
func mustWrite(query string, args []any, rows int64) heldStatement {
	if !strings.HasPrefix(query, "UPDATE ") && !strings.HasPrefix(query, "DELETE ") {
		return heldStatement{query: query, args: args, want: rows}
	}
	count := "COUNT(*)"
	if rows != 1 {
		args = append(slices.Clip(args), rows)
		count = fmt.Sprintf("CASE COUNT(*) WHEN $%d THEN 1 ELSE 0 END", len(args))
	}
	return heldStatement{query: "WITH written AS (" + query + " RETURNING 1) SELECT 1 / " + count + " FROM written", args: args, want: 1}
}

func (s *postgresSession) exec(_ context.Context, query string, args []any) (int64, error) {
	results, err := s.send(query, args)
	if err != nil {
		return 0, err
	}
	tag, err := results.Exec()
	return tag.RowsAffected(), errors.Join(err, results.Close())
}

func (s *postgresSession) query(_ context.Context, query string, args []any) (rows, error) {
	results, err := s.send(query, args)
	if err != nil {
		return nil, err
	}
	found, err := results.Query()
	if err != nil {
		results.Close()
		return nil, err
	}
	return postgresRows{found, results}, nil
}

type postgresRows struct {
	pgx.Rows
	results pgx.BatchResults
}

func (r postgresRows) Close() error {
	r.Rows.Close()
	return r.results.Close()
}

// send sends what is held and then query, and reads the answers up to query's own, which the
// caller reads.
//
// A connection that turns out to be dead before BEGIN was answered (the server was restarted,
// and all in the pool are) is dropped and the next one taken: nothing has happened on it.
func (s *postgresSession) send(query string, args []any) (pgx.BatchResults, error) {
	for left := s.conns; ; left-- {
		results, err := s.try(query, args)
		if err == nil {
			s.begun, s.held = true, s.held[:0]
			return results, nil
		}
		if s.begun || !s.conn.Conn().IsClosed() || left == 0 || s.ctx.Err() != nil {
			return nil, err
		}
		s.conn.Release()
		next, err := s.pool.Acquire(s.ctx)
		if err != nil {
			s.conn = nil
			return nil, fmt.Errorf("store: no connection: %w", err)
		}
		s.conn = next
	}
}

func (s *postgresSession) try(query string, args []any) (pgx.BatchResults, error) {
	var batch pgx.Batch
	for _, h := range s.held {
		batch.Queue(h.query, h.args...)
	}
	if query != "" {
		batch.Queue(query, args...)
	}
	if s.whole && len(s.held) > 0 {
		batch.Queue("COMMIT")
	}
	results := s.conn.SendBatch(s.ctx, &batch)
	for _, h := range s.held {
		tag, err := h.answered(results)
		if err == nil && h.want >= 0 && tag.RowsAffected() != h.want {
			err = errLostRow(tag.RowsAffected(), h.want)
		}
		if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == pgDivision {
			err = errLostRow(0, h.want)
		}
		if err != nil {
			results.Close()
			return nil, during(err, h.query)
		}
	}
	return results, nil
}

// answered reads the answer to a statement that was held back.
func (h heldStatement) answered(results pgx.BatchResults) (pgconn.CommandTag, error) {
	if h.read == nil {
		return results.Exec()
	}
	rows, err := results.Query()
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	h.read(rows)
	rows.Close()
	return rows.CommandTag(), rows.Err()
}

// commit ends the transaction. Where it has not even begun, it begins it first: an error that
// comes before COMMIT was sent is one after which nothing was written.
func (s *postgresSession) commit() error {
	if s.whole || !s.begun && len(s.held) == 1 {
		return nil // it has ended, or there is nothing but BEGIN
	}
	if !s.begun {
		results, err := s.send("", nil)
		if err != nil {
			return err
		}
		if err := results.Close(); err != nil {
			return err
		}
	}
	results, err := s.send("COMMIT", nil)
	if err != nil {
		s.rollback()
		return err
	}
	tag, err := results.Exec()
	if err == nil && tag.String() != "COMMIT" {
		err = pgx.ErrTxCommitRollback
	}
	if err = errors.Join(err, results.Close()); err != nil {
		s.rollback()
		return fmt.Errorf("store: commit: %w", err)
	}
	return nil
}

func (s *postgresSession) release() {
	if s.conn != nil {
		s.conn.Release()
	}
}

// rollback leaves the connection without a transaction, or closed.
func (s *postgresSession) rollback() {
	if s.conn == nil || s.conn.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	if _, err := s.conn.Exec(s.ctx, "ROLLBACK"); err != nil {
		s.conn.Conn().Close(s.ctx)
	}
}
