package store

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chorsu/chorsu/internal/store/sqlite"
)

// dialect is what the engines word differently; the rest of the SQL is one text for both.
type dialect int

const (
	sqlite3 dialect = iota
	postgres
)

// forUpdate locks the rows of the table called alias until the transaction ends. SQLite has
// one writer, so there every row is locked already.
func (d dialect) forUpdate(alias string) string {
	if d == postgres {
		return " FOR UPDATE OF " + alias
	}
	return ""
}

// forChange locks rows that are about to be changed, but lets others refer to them: a payment
// of a merchant is stored while the merchant is locked.
func (d dialect) forChange(alias string) string {
	if d == postgres {
		return " FOR NO KEY UPDATE OF " + alias
	}
	return ""
}

// skipLocked passes over rows that another transaction holds.
func (d dialect) skipLocked() string {
	if d == postgres {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// oneOf says that a value is among those that a query finds, which are few beside the table's: they
// are found first, and their rows then by the index.
func (d dialect) oneOf(query string) string {
	if d == postgres {
		return "= ANY (ARRAY(" + query + "))"
	}
	return "IN (" + query + ")"
}

// elements is a table of the elements of a JSON array that is bound to a placeholder, in one column
// called value: as many rows as there are, by one text. Their members are text: value ->> 'name'.
func (d dialect) elements(placeholder string) string {
	if d == postgres {
		return "json_array_elements(CAST(" + placeholder + " AS JSON))"
	}
	return "json_each(" + placeholder + ")"
}

// among says that a value is that member of one of the elements of the array bound to $1.
func (d dialect) among(member string) string {
	return d.oneOf("SELECT value ->> '" + member + "' FROM " + d.elements("$1"))
}

// The codes of PostgreSQL that are asked for by name.
const (
	pgSerialization = "40001"
	pgDeadlock      = "40P01"
	pgUnique        = "23505"
	pgDivision      = "22012" // see mustWrite
	pgLockTimeout   = "55P03"
)

// rerun says whether err is the mark of two transactions that met, so that the closure should
// run again on what the other has written. A unique violation is one: the closure looked, saw
// no such row, and it was written before its own.
func (d dialect) rerun(err error) bool {
	if d != postgres {
		return Taken(err) // a number that is drawn can be taken here too
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == pgSerialization || e.Code == pgDeadlock || e.Code == pgUnique)
}

// Taken says whether err is the refusal of a second row where the schema wants one: another
// live payment of an invoice, a provider's id twice.
func Taken(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == pgUnique
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Unique()
}

// tableQuery finds a table by its name.
func (d dialect) tableQuery() string {
	if d == postgres {
		return `SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1`
	}
	return `SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1`
}

// asMillis is a time that goose wrote, as ours are stored: it takes the engine's own kind of time,
// which on SQLite is text.
func (d dialect) asMillis(column string) string {
	if d == postgres {
		return "CAST(EXTRACT(EPOCH FROM " + column + ") * 1000 AS BIGINT)"
	}
	return "CAST(strftime('%s', " + column + ") AS BIGINT) * 1000"
}
