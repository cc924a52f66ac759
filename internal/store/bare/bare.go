// Package bare is the database without the gateway: the rows of one payment, written by hand in
// plain SQL with the same durability. How often that can be done in a second is the limit beside
// which the bench puts the gateway's own figures.
//
// It also fills a database with payments of the past, by bulk statements, so that the bench can
// ask what a long history costs.
package bare

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

// DB is one database, opened for a number of callers.
type DB struct {
	dsn    string
	engine engine
}

// engine runs statements, in one durable transaction at a time and caller.
type engine interface {
	// transaction runs all statements, and returns after COMMIT. Callers that come at the same
	// time may share one where that is what the engine is best at.
	transaction(ctx context.Context, statements []statement) error
	settle(ctx context.Context) error // after a bulk of writes: what the engine would do in time by itself
	size(ctx context.Context) (int64, error)
	files(ctx context.Context) ([]string, error)
	count(ctx context.Context, query string) (int64, error)
	close()
}

type statement struct {
	query string
	args  []any
}

// Open opens a database that has the gateway's schema: "sqlite:path" or "postgres://…".
func Open(ctx context.Context, dsn string, callers int) (*DB, error) {
	var e engine
	var err error
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		e, err = openSQLite(path)
	} else {
		e, err = openPostgres(ctx, dsn, callers)
	}
	if err != nil {
		return nil, fmt.Errorf("open the database without the gateway: %w", err)
	}
	return &DB{dsn: dsn, engine: e}, nil
}

// Close closes it. No call may be under way.
func (d *DB) Close() { d.engine.close() }

// Size is what the database takes on disk, in bytes. Of SQLite it is the file with its journal.
func (d *DB) Size(ctx context.Context) (int64, error) { return d.engine.size(ctx) }

// Files are the files on this machine in which the database's rows and indexes lie. A server
// elsewhere, or one whose files this user may not read, has none to give: that is an error.
func (d *DB) Files(ctx context.Context) ([]string, error) { return d.engine.files(ctx) }

// sizeOf adds up the files of a SQLite database.
func sizeOf(path string) (n int64, err error) {
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(path + suffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		n += info.Size()
	}
	return n, nil
}

// CreateDatabase makes an empty database on the server behind a PostgreSQL address, and gives its
// own address and what drops it. The server must sync its commits to disk: a figure of one that
// does not would be no limit of anything.
func CreateDatabase(ctx context.Context, server, name string) (dsn string, drop func(context.Context) error, err error) {
	config, err := pgx.ParseConfig(server)
	if err != nil {
		return "", nil, errors.New("not an address of PostgreSQL: postgres://user:password@host:5432/database") // err would show the password
	}
	do := func(ctx context.Context, f func(*pgx.Conn) error) error {
		conn, err := pgx.ConnectConfig(ctx, config.Copy())
		if err != nil {
			return fmt.Errorf("connect to PostgreSQL: %w", err)
		}
		defer conn.Close(ctx)
		return f(conn)
	}
	quoted := pgx.Identifier{name}.Sanitize()
	err = do(ctx, func(conn *pgx.Conn) error {
		for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
			var value string
			if err := conn.QueryRow(ctx, "SHOW "+setting).Scan(&value); err != nil {
				return err
			}
			if value == "off" {
				return fmt.Errorf("this PostgreSQL runs with %s = off: its commits are not durable, and not worth measuring", setting)
			}
		}
		_, err := conn.Exec(ctx, "CREATE DATABASE "+quoted+" TEMPLATE template0 ENCODING 'UTF8'")
		return err
	})
	if err != nil {
		return "", nil, err
	}
	dsn, err = withDatabase(server, name)
	return dsn, func(ctx context.Context) error {
		return do(ctx, func(conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+quoted+" WITH (FORCE)")
			return err
		})
	}, err
}
