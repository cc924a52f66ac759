package storetest

import (
	"database/sql"
	"embed"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/store"
)

// What programs of older schemas left, a file for each schema that was in use.
//
//go:embed old/*.sql
var old embed.FS

// Old are the schemas of which there is an old database.
func Old(t testing.TB) (versions []int64) {
	t.Helper()
	files, err := old.ReadDir("old")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		v, err := strconv.ParseInt(strings.TrimSuffix(f.Name(), ".sql"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, v)
	}
	return versions
}

// OldDSN is a database as a program with that schema left it: not migrated further.
func OldDSN(t testing.TB, e Engine, version int64) string {
	t.Helper()
	dsn := EmptyDSN(t, e)
	s, err := store.Open(t.Context(), dsn, store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.UpTo(t.Context(), version)
	if e := s.Close(); err != nil || e != nil {
		t.Fatal(err, e)
	}
	rows, err := old.ReadFile(fmt.Sprintf("old/%04d.sql", version))
	if err != nil {
		t.Fatal(err)
	}
	driver, at := "pgx", dsn
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, at = "sqlite", "file:"+path
	}
	db, err := sql.Open(driver, at)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), string(rows)); err != nil {
		t.Fatalf("what schema %d left: %v", version, err)
	}
	return dsn
}
