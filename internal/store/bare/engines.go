package bare

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chorsu/chorsu/internal/store/sqlite"
)

// ─── PostgreSQL: a connection for each caller, a commit for each transaction ───────────────

type postgres struct{ pool *pgxpool.Pool }

func openPostgres(ctx context.Context, dsn string, callers int) (engine, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(callers)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &postgres{pool}, nil
}

func (p *postgres) transaction(ctx context.Context, statements []statement) error {
	tx, err := p.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx) // nothing after a commit
	for _, s := range statements {
		if _, err := tx.Exec(ctx, s.query, s.args...); err != nil { // prepared once for each connection
			return err
		}
	}
	return tx.Commit(ctx)
}

// settle does what autovacuum and the checkpointer would come to: a planner that knows of the rows, and
// nothing left to write while somebody reads.
func (p *postgres) settle(ctx context.Context) error {
	_, err := p.pool.Exec(ctx, "VACUUM ANALYZE")
	if err != nil {
		return err
	}
	const mayNot = "42501"
	_, err = p.pool.Exec(ctx, "CHECKPOINT")
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == mayNot { // it comes by itself, in some minutes
		return nil
	}
	return err
}

func (p *postgres) count(ctx context.Context, query string) (n int64, err error) {
	err = p.pool.QueryRow(ctx, query).Scan(&n)
	return n, err
}

func (p *postgres) size(ctx context.Context) (n int64, err error) {
	err = p.pool.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&n)
	return n, err
}

// files are those of the database by itself; what all databases share is small.
func (p *postgres) files(ctx context.Context) ([]string, error) {
	var folder string
	err := p.pool.QueryRow(ctx, `SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database WHERE datname = current_database()`).Scan(&folder)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("the files of this PostgreSQL are not to be had on this machine: %w", err)
	}
	var paths []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			paths = append(paths, filepath.Join(folder, e.Name()))
		}
	}
	return paths, nil
}

func (p *postgres) close() { p.pool.Close() }

// withDatabase is a server's address with another database.
func withDatabase(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

// ─── SQLite: one writer, and one commit for all who wait ───────────────────────────────────

type sqliteFile struct {
	path   string
	conn   *sqlite.Conn // the writer's
	asked  chan *request
	closed sync.WaitGroup
}

type request struct {
	statements []statement
	done       chan error
}

// largestBatch is how many transactions share a commit at most, as in the gateway's writer.
const largestBatch = 64

func openSQLite(path string) (engine, error) {
	conn, err := connect(path)
	if err != nil {
		return nil, err
	}
	s := &sqliteFile{path: path, conn: conn, asked: make(chan *request, 1024)}
	s.closed.Go(s.write)
	return s, nil
}

// connect opens the file as the gateway does.
func connect(path string) (*sqlite.Conn, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return sqlite.Open(path, "busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "fullfsync(1)", "foreign_keys(1)")
}

func (s *sqliteFile) count(ctx context.Context, query string) (n int64, err error) {
	conn, err := connect(s.path) // the writer's is another goroutine's
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	found, err := conn.Query(ctx, query, nil)
	if err != nil {
		return 0, err
	}
	defer found.Close()
	for found.Next() {
		if err := found.Scan(&n); err != nil {
			return 0, err
		}
	}
	return n, found.Err()
}

func (s *sqliteFile) transaction(_ context.Context, statements []statement) error {
	r := &request{statements, make(chan error, 1)}
	s.asked <- r
	return <-r.done
}

// write runs all that wait in one transaction, commits, and answers them.
func (s *sqliteFile) write() {
	run := func(query string, args ...any) error {
		_, err := s.conn.Exec(context.Background(), query, args) // prepared once
		return err
	}
	for first := range s.asked {
		batch := []*request{first}
		err := run("BEGIN IMMEDIATE")
		for next := first; err == nil && next != nil; {
			for _, st := range next.statements {
				if err = run(st.query, st.args...); err != nil {
					break
				}
			}
			next = nil
			if err == nil && len(batch) < largestBatch {
				select {
				case r, open := <-s.asked:
					if open {
						next = r
						batch = append(batch, r)
					}
				default:
				}
			}
		}
		if err == nil {
			err = run("COMMIT")
		}
		if err != nil {
			_ = run("ROLLBACK") // the first failure is what is told
		}
		for _, r := range batch {
			r.done <- err
		}
	}
}

// settle empties the journal. It does not ANALYZE, since no gateway ever does.
func (s *sqliteFile) settle(ctx context.Context) error {
	conn, err := connect(s.path)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Exec(ctx, "PRAGMA wal_checkpoint(TRUNCATE)", nil)
	return err
}

func (s *sqliteFile) size(context.Context) (int64, error) { return sizeOf(s.path) }

// files is the database's alone: its journal is empty once it has settled.
func (s *sqliteFile) files(context.Context) ([]string, error) { return []string{s.path}, nil }

func (s *sqliteFile) close() {
	close(s.asked)
	s.closed.Wait()
	s.conn.Close()
}
