package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// The migrations are numbered, forward only, each in a transaction, one text for both engines but
// for what stands between the marks of engineFiles.
//
//go:embed migrations/*.sql
var migrations embed.FS

// versionTable is goose's own: which migrations were applied, and when.
const versionTable = goose.DefaultTablename

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
	files fs.FS
	close func()
}

func newMigrator(dialect goose.Dialect, db *sql.DB, done func(), options ...goose.ProviderOption) (*migrator, error) {
	files := engineFiles{string(dialect)}
	p, err := goose.NewProvider(dialect, db, files, append(options, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		done()
		return nil, err
	}
	return &migrator{p, files, done}, nil
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

// engineFiles are the migrations as one engine reads them. What only one engine understands (a
// trigger, say) stands between "-- +engine sqlite" or "-- +engine postgres" and the next such
// line; "-- +engine both" ends it.
type engineFiles struct{ dialect string }

func (e engineFiles) ReadDir(name string) ([]fs.DirEntry, error) {
	return migrations.ReadDir(path.Join("migrations", name))
}

func (e engineFiles) Open(name string) (fs.File, error) {
	file, err := migrations.Open(path.Join("migrations", name))
	if err != nil || path.Ext(name) != ".sql" {
		return file, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return engineFile{strings.NewReader(e.only(string(text))), info}, nil
}

// only is a migration's text without what is for the other engine.
func (e engineFiles) only(text string) string {
	var b strings.Builder
	ours := true
	for line := range strings.Lines(text) {
		if engine, marked := strings.CutPrefix(line, "-- +engine "); marked {
			engine = strings.TrimSpace(engine)
			ours = engine == "both" || strings.HasPrefix(e.dialect, engine) // goose says sqlite3
		} else if ours {
			b.WriteString(line)
		}
	}
	return b.String()
}

type engineFile struct {
	*strings.Reader
	info fs.FileInfo
}

func (f engineFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f engineFile) Close() error               { return nil }

// Up brings the schema to the newest version and says which steps it took. One that fails
// leaves the schema as it was before that step.
func (s *Store) Up(ctx context.Context) ([]Migration, error) { return s.UpTo(ctx, math.MaxInt64) }

// UpTo is Up, but goes no further than a version: to where an older program had brought it.
func (s *Store) UpTo(ctx context.Context, version int64) ([]Migration, error) {
	m, err := s.engine.migrator()
	if err != nil {
		return nil, err
	}
	defer m.close()
	results, err := m.UpTo(ctx, version)
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
		text, err := fs.ReadFile(m.files, path.Base(source.Path))
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
// one this program wants. It writes nothing. A database that a copy was begun into, and not ended,
// has no schema that counts: that is an error, so that whoever asks before use does not use it.
func (s *Store) Schema(ctx context.Context) (have, want int64, err error) {
	if err := s.whole(ctx); err != nil {
		return 0, 0, err
	}
	return s.versions(ctx)
}

func (s *Store) versions(ctx context.Context) (have, want int64, err error) {
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
		there, err := exists(ctx, tx, tx.dialect.tableQuery(), versionTable)
		if err != nil || !there {
			return err
		}
		type step struct{ version, at int64 }
		steps, err := many(ctx, tx, func(r row) (s step, err error) {
			err = r.Scan(&s.version, &s.at)
			return s, err
		}, `SELECT version_id, `+tx.dialect.asMillis("tstamp")+` FROM `+versionTable+` WHERE is_applied AND version_id > 0`)
		for _, s := range steps {
			applied[s.version] = instant(s.at)
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
