package storetest

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
)

// Value is one value straight from the database at dsn, as text, past all of the store's own
// reading: what a query returns in its first row and column. NULL, or no row, is "".
func Value(t testing.TB, dsn, query string, args ...any) string {
	t.Helper()
	driver, at := "pgx", dsn
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, at = "sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, at)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var v any
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&v); err == sql.ErrNoRows {
		return ""
	} else if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	}
	return fmt.Sprint(v)
}
