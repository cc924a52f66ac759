package store_test

import (
	"testing"

	"github.com/chorsu/chorsu/internal/store/storetest"
)

// Every table that grows with payments carries the business's id: it is the key by which a
// database can be distributed. Those without it are named here, with the reason.
func TestEveryTableHasItsBusiness(t *testing.T) {
	without := map[string]string{
		"settings":         "the gateway's own, a handful",
		"businesses":       "its id is the business's",
		"idempotency":      "a key is the app's, and claimed before its business is known",
		"staff":            "people",
		"staff_enrolments": "people",
		"staff_sessions":   "people",
		"staff_tries":      "people",
		"audit_log":        "one chain over all that people do",
		"goose_db_version": "the schema's versions",
	}
	dsn := storetest.DSN(t, storetest.SQLite)
	for _, table := range storetest.Rows(t, dsn, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'") {
		name := table[0]
		has := storetest.Value(t, dsn, "SELECT COUNT(*) FROM pragma_table_info('"+name+"') WHERE name = 'business_id' AND \"notnull\" = 1") == "1"
		if has == (without[name] != "") {
			t.Errorf("table %s: has its business: %v; may do without: %q", name, has, without[name])
		}
		delete(without, name)
	}
	for name := range without {
		t.Errorf("there is no table %s", name)
	}
}
