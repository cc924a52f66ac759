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
	rows := Rows(t, dsn, query, args...)
	if len(rows) == 0 || len(rows[0]) == 0 {
		return ""
	}
	return rows[0][0]
}

// Rows are all rows of a query, as text, NULL as "".
func Rows(t testing.TB, dsn, query string, args ...any) (out [][]string) {
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
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		cells, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			to[i] = &cells[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		line := make([]string, len(columns))
		for i, v := range cells {
			switch v := v.(type) {
			case nil:
			case []byte:
				line[i] = string(v)
			default:
				line[i] = fmt.Sprint(v)
			}
		}
		out = append(out, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}
