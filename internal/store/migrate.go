package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// The migrations are numbered, forward only, each in a transaction, one text for both engines.
//
//go:embed migrations/*.sql
var migrations embed.FS

// Migration is one step of the schema.
type Migration struct {
	Version   int64     `json:"version"`
	Name      string    `json:"name"`
	AppliedAt time.Time `json:"appliedAt,omitzero"` // zero: not yet
	SQL       string    `json:"-"`
}

// migrator is goose, and what to do when its work is done.
type migrator struct {
	*goose.Provider
	close func()
}

func newMigrator(dialect goose.Dialect, db *sql.DB, done func(), options ...goose.ProviderOption) (*migrator, error) {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	p, err := goose.NewProvider(dialect, db, folder, append(options, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		done()
		return nil, err
	}
	return &migrator{p, done}, nil
}

func (e *sqliteEngine) migrator() (*migrator, error) {
	db, err := sql.Open("sqlite", sqliteURI(e.path))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return newMigrator(goose.DialectSQLite3, db, func() { db.Close() })
}

// An advisory lock keeps two processes that start together from migrating together: the second
// looks each second, for five minutes, whether the first is done. The bounds on transactions
// are for payments: to build an index may take longer.
func (e *postgresEngine) migrator() (*migrator, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, err
	}
	config := e.pool.Config().ConnConfig.Copy()
	for name := range postgresBounds {
		delete(config.RuntimeParams, name)
	}
	db := stdlib.OpenDB(*config)
	done := func() {
		db.Close()
		e.pool.Reset() // statements prepared on the old schema
	}
	return newMigrator(goose.DialectPostgres, db, done, goose.WithSessionLocker(locker))
}

// Up brings the schema to the newest version and says which steps it took. One that fails
// leaves the schema as it was before that step.
func (s *Store) Up(ctx context.Context) ([]Migration, error) {
	m, err := s.engine.migrator()
	if err != nil {
		return nil, err
	}
	defer m.close()
	results, err := m.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	var done []Migration
	for _, r := range results {
		done = append(done, Migration{Version: r.Source.Version, Name: path.Base(r.Source.Path), AppliedAt: s.now().UTC()})
	}
	return done, nil
}

// Status lists every step of this program's schema, and when each was taken.
func (s *Store) Status(ctx context.Context) ([]Migration, error) {
	applied, err := s.applied(ctx)
	if err != nil {
		return nil, err
	}
	m, err := s.engine.migrator()
	if err != nil {
		return nil, err
	}
	defer m.close()
	var list []Migration
	for _, source := range m.ListSources() {
		text, err := migrations.ReadFile(path.Join("migrations", path.Base(source.Path)))
		if err != nil {
			return nil, err
		}
		list = append(list, Migration{Version: source.Version, Name: path.Base(source.Path), AppliedAt: applied[source.Version], SQL: string(text)})
	}
	return list, nil
}

// Plan lists the steps that Up would take, in order.
func (s *Store) Plan(ctx context.Context) ([]Migration, error) {
	all, err := s.Status(ctx)
	var plan []Migration
	for _, m := range all {
		if m.AppliedAt.IsZero() {
			plan = append(plan, m)
		}
	}
	return plan, err
}

// Schema says which version of the schema the database has, 0 where it is empty, and which
// one this program wants. It writes nothing.
func (s *Store) Schema(ctx context.Context) (have, want int64, err error) {
	all, err := s.Status(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, m := range all {
		want = max(want, m.Version)
	}
	applied, err := s.applied(ctx)
	for version := range applied {
		have = max(have, version)
	}
	return have, want, err
}

// applied reads goose's own table: when each version was applied.
func (s *Store) applied(ctx context.Context) (map[int64]time.Time, error) {
	applied := map[int64]time.Time{}
	err := s.View(ctx, func(ctx context.Context, tx *Tx) error {
		there, err := exists(ctx, tx, tx.dialect.tableQuery(), goose.DefaultTablename)
		if err != nil || !there {
			return err
		}
		type step struct {
			version int64
			at      time.Time
		}
		steps, err := many(ctx, tx, func(r row) (s step, err error) {
			err = r.Scan(&s.version, &s.at)
			return s, err
		}, `SELECT version_id, tstamp FROM `+goose.DefaultTablename+` WHERE is_applied AND version_id > 0`)
		for _, s := range steps {
			applied[s.version] = s.at.UTC()
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(errors.New("read the schema's version"), err)
	}
	return applied, nil
}

// SchemaDigest is a hash, in hexadecimal, of all migrations: equal where the schema is.
func SchemaDigest() string {
	sum := sha256.New()
	files, _ := fs.Glob(migrations, "migrations/*.sql") // in order of their names
	for _, name := range files {
		text, _ := migrations.ReadFile(name)
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
