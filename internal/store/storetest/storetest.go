// Package storetest gives tests a real database each, migrated and empty, on both engines.
//
// SQLite is a file in the test's own folder. PostgreSQL is one throw-away server for the test
// binary, started by the first test that asks and gone when the binary ends, with a database
// of its own for each test. Where CHORSU_TEST_POSTGRES names a server, that one is used, and
// nothing is done there but making databases and dropping them (one template stays).
package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest/pgcluster"
)

// ServerVariable names the environment variable with the address of a PostgreSQL whose user
// may make databases.
const ServerVariable = "CHORSU_TEST_POSTGRES"

// Engine is a database that everything must work on.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Engines lists both, the quick one first.
var Engines = []Engine{SQLite, Postgres}

// Each runs f as a subtest on each engine.
func Each(t *testing.T, f func(t *testing.T, s *store.Store)) {
	t.Helper()
	for _, e := range Engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			f(t, Open(t, e))
		})
	}
}

// Open opens a new database, migrated and empty, and closes it when the test ends. It logs
// nowhere.
func Open(t testing.TB, e Engine) *store.Store {
	t.Helper()
	return OpenWith(t, e, store.Options{})
}

// OpenWith is Open with options.
func OpenWith(t testing.TB, e Engine, o store.Options) *store.Store {
	t.Helper()
	return Reopen(t, DSN(t, e), o)
}

// Reopen opens a database by its address, once more or for the first time, and closes it when
// the test ends.
func Reopen(t testing.TB, dsn string, o store.Options) *store.Store {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := store.Open(t.Context(), dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error("close the store:", err)
		}
	})
	return s
}

// DSN makes a new database, migrated and empty, and gives its address. It is gone when the
// test ends.
func DSN(t testing.TB, e Engine) string {
	t.Helper()
	if e == SQLite {
		return "sqlite:" + newFile(t)
	}
	return newDatabase(t, template)
}

// EmptyDSN is DSN without the migrations: a database with no tables.
func EmptyDSN(t testing.TB, e Engine) string {
	t.Helper()
	if e == SQLite {
		return "sqlite:" + filepath.Join(t.TempDir(), "chorsu.db")
	}
	return newDatabase(t, func() (string, error) { return "template0", nil })
}

// newFile copies the migrated file.
func newFile(t testing.TB) string {
	t.Helper()
	bytes, err := migratedFile()
	if err != nil {
		t.Fatal("migrate SQLite:", err)
	}
	path := filepath.Join(t.TempDir(), "chorsu.db")
	if err := os.WriteFile(path, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// migratedFile is an empty SQLite database of the present schema, made once.
var migratedFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "chorsu-sqlite-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "chorsu.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migrate(dsn string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, dsn, store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := s.Up(ctx); err != nil {
		s.Close()
		return err
	}
	return s.Close()
}

// server is the address of the PostgreSQL of this run, started once if need be.
var server = sync.OnceValues(func() (string, error) {
	if given := os.Getenv(ServerVariable); given != "" {
		return given, nil
	}
	cluster, err := pgcluster.Start() // it ends with this process
	if err != nil {
		return "", err
	}
	return cluster.URL, nil
})

// template is the name of a migrated, empty database on the server, made once for each state
// of the schema. Test binaries that run side by side agree on it under a lock of the server.
var template = sync.OnceValues(func() (name string, err error) {
	name = "chorsu_template_" + store.SchemaDigest()[:16]
	err = admin(func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(76183401)`); err != nil { // any number, the same for all
			return err
		}
		var there bool
		if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, name).Scan(&there); err != nil || there {
			return err
		}
		making := name + "_making"
		for _, statement := range []string{
			`DROP DATABASE IF EXISTS ` + making + ` WITH (FORCE)`,
			`CREATE DATABASE ` + making + ` TEMPLATE template0 ENCODING 'UTF8'`,
		} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return err
			}
		}
		if err := migrate(address(making)); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, `ALTER DATABASE `+making+` RENAME TO `+name)
		return err
	})
	return name, err
})

func newDatabase(t testing.TB, from func() (string, error)) string {
	t.Helper()
	if _, err := server(); err != nil {
		t.Fatal(err)
	}
	source, err := from()
	if err != nil {
		t.Fatal("migrate PostgreSQL: ", err)
	}
	name := "chorsu_test_" + strings.ToLower(rand.Text())
	do := func(statement string) error {
		return admin(func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, statement)
			return err
		})
	}
	if err := do(`CREATE DATABASE ` + name + ` TEMPLATE ` + source); err != nil {
		t.Fatal("make a database: ", err)
	}
	t.Cleanup(func() {
		if err := do(`DROP DATABASE ` + name + ` WITH (FORCE)`); err != nil {
			t.Error("drop the test's database: ", err)
		}
	})
	return address(name)
}

// admin lends a connection to the server's own database.
func admin(f func(context.Context, *pgx.Conn) error) error {
	ctx := context.Background()
	at, err := server()
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, at)
	if err != nil {
		return fmt.Errorf("%s: %w", ServerVariable, err)
	}
	defer conn.Close(ctx)
	return f(ctx, conn)
}

// address is the server's address with another database.
func address(database string) string {
	at, _ := server()
	u, err := url.Parse(at)
	if err != nil {
		return at // pgx has read it before
	}
	u.Path = "/" + database
	return u.String()
}
