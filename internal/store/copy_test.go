package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// crowded is a SQLite database with so many rows in every table that grows, and in some that do not.
func crowded(t *testing.T, many int) (dsn string, s *store.Store) {
	t.Helper()
	dsn = storetest.DSN(t, storetest.SQLite)
	s = storetest.Reopen(t, dsn, store.Options{})
	crowd(t, s, many)
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, statement := range []string{
			`INSERT INTO settings (name, value) VALUES ('mode', 'test'), ('odd', 'сўм '' " \ %')`,
			`INSERT INTO staff (id, email, role, active, created_at) VALUES ('s1', 'a@b.uz', 'owner', TRUE, 1), ('s2', 'c@d.uz', 'viewer', FALSE, 2)`,
			`UPDATE payments SET ref = NULL WHERE id = 'pay-000007'`,
			`UPDATE payments SET amount = 9223372036854775807 WHERE id IN ('pay-000008', 'pay-000009')`,
		} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	return dsn, s
}

// few are rows enough to lose one of them, and for reports of as many tills as crowd makes.
const few = 400

// Every table of the schema is copied, by the schema itself, and every value is as it was.
func TestCopy(t *testing.T) {
	fromDSN, from := crowded(t, 1100) // progress is told after a thousand
	for _, e := range []struct {
		name string
		dsn  func(testing.TB, storetest.Engine) string
	}{{"without tables", storetest.EmptyDSN}, {"of this schema", storetest.DSN}} {
		t.Run(e.name, func(t *testing.T) {
			toDSN := e.dsn(t, storetest.Postgres)
			to := storetest.Reopen(t, toDSN, store.Options{})
			done := map[string]int{}
			copied, err := store.Copy(t.Context(), from, to, func(p store.CopyProgress) {
				if p.Done {
					done[p.Table]++
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, c := range copied {
				names = append(names, c.Name)
				same(t, "told twice of "+c.Name, done[c.Name], 2)
				for _, dsn := range []string{fromDSN, toDSN} {
					same(t, c.Name, storetest.Value(t, dsn, "SELECT COUNT(*) FROM "+c.Name), fmt.Sprint(c.Rows))
				}
			}
			slices.Sort(names)
			var want []string
			for _, r := range storetest.Rows(t, toDSN, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'goose_db_version' ORDER BY tablename COLLATE \"C\"") {
				want = append(want, r[0])
			}
			same(t, "tables", strings.Join(names, " "), strings.Join(want, " "))
			for _, query := range []string{
				"SELECT name, value FROM settings WHERE name IN ('mode', 'odd') ORDER BY name",
				"SELECT id, amount, ref, their_time FROM payments WHERE id BETWEEN 'pay-000005' AND 'pay-000010' ORDER BY id",
				"SELECT id, email, created_at FROM staff WHERE id IN ('s1', 's2') ORDER BY id",
				"SELECT seq, id, mac FROM audit_log WHERE seq IN (5, 7) ORDER BY seq",
				"SELECT id, lane, due_at FROM work WHERE id IN ('work-000001', 'work-000002') ORDER BY id",
			} {
				same(t, query, fmt.Sprint(storetest.Rows(t, toDSN, query)), fmt.Sprint(storetest.Rows(t, fromDSN, query)))
			}
			i := slices.IndexFunc(copied, func(c store.CopiedTable) bool { return c.Name == "payments" })
			same(t, "the payments' sum", fmt.Sprint(copied[i].Sums["amount"]), "18446744073710649614") // past an int64
			have, wanted, err := to.Schema(t.Context())
			if err != nil || have != wanted {
				t.Errorf("afterwards: schema %d of %d, %v", have, wanted, err)
			}
			if _, err := store.Copy(t.Context(), from, to, nil); !refused(err, "not empty") {
				t.Errorf("a second copy: %v", err)
			}
			if _, _, err := to.Schema(t.Context()); err != nil {
				t.Errorf("after a second copy was refused: %v", err)
			}
		})
	}
}

func refused(err error, what string) bool {
	r, ok := errors.AsType[store.CopyRefusal](err)
	return ok && strings.Contains(string(r), what) && !strings.Contains(string(r), "\n")
}

// A difference is found, whatever made it; the target is then of no use to anybody, until a copy
// into it succeeds.
func TestCopyLeavesNoDifference(t *testing.T) {
	_, from := crowded(t, few)
	for _, c := range []struct{ name, change, want string }{
		{"a sum", "IF NEW.id = 'ref-000009' THEN NEW.amount := NEW.amount + 1; END IF; RETURN NEW;", "the sum of amount"},
		{"a lost row", "IF NEW.id = 'ref-000009' THEN RETURN NULL; END IF; RETURN NEW;", "rows"},
		{"a text", "IF NEW.id = 'ref-000009' THEN NEW.note := 'x'; END IF; RETURN NEW;", "not those of the source"},
		{"two sums that cancel out", "IF NEW.id = 'ref-000009' THEN NEW.amount := NEW.amount + 1; ELSIF NEW.id = 'ref-000010' THEN NEW.amount := NEW.amount - 1; END IF; RETURN NEW;", "not those of the source"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dsn := storetest.DSN(t, storetest.Postgres)
			to := storetest.Reopen(t, dsn, store.Options{})
			alter := func(statement string) {
				t.Helper()
				update(t, to, func(ctx context.Context, tx *store.Tx) error {
					_, err := tx.Exec(ctx, statement)
					return err
				})
			}
			alter("CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + c.change + " END $$")
			alter("CREATE TRIGGER spoil BEFORE INSERT ON refunds FOR EACH ROW EXECUTE FUNCTION spoil()")
			if _, err := store.Copy(t.Context(), from, to, nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("a copy with a difference: %v", err)
			}
			same(t, "what was left", storetest.Value(t, dsn, "SELECT COUNT(*) FROM invoices"), "0")
			if _, _, err := to.Schema(t.Context()); err == nil || !strings.Contains(err.Error(), "migrate copy") || strings.Contains(err.Error(), "\n") {
				t.Errorf("whoever would serve it is told %v", err)
			}
			alter("DROP TRIGGER spoil ON refunds")
			if _, err := store.Copy(t.Context(), from, to, nil); err != nil {
				t.Fatal("begun again:", err)
			}
			same(t, "refunds", storetest.Value(t, dsn, "SELECT COUNT(*) FROM refunds"), fmt.Sprint(few))
		})
	}
}

func TestCopyRefuses(t *testing.T) {
	ctx := t.Context()
	fromDSN, from := crowded(t, few)
	used := storetest.Open(t, storetest.Postgres)
	newShop(t, used)
	if _, err := store.Copy(ctx, from, used, nil); !refused(err, "businesses has rows") {
		t.Errorf("a target in use: %v", err)
	}
	if _, _, err := used.Schema(ctx); err != nil {
		t.Errorf("a target in use was marked: %v", err)
	}
	if _, err := store.Copy(ctx, used, from, nil); !refused(err, "into PostgreSQL") {
		t.Errorf("the other way round: %v", err)
	}
	empty := storetest.Reopen(t, storetest.EmptyDSN(t, storetest.SQLite), store.Options{})
	fresh := storetest.Open(t, storetest.Postgres)
	if _, err := store.Copy(ctx, empty, fresh, nil); !refused(err, "migrate up") {
		t.Errorf("an older source: %v", err)
	}
	if _, err := store.Copy(ctx, storetest.Reopen(t, fromDSN, store.Options{}), fresh, nil); !refused(err, "served") {
		t.Errorf("a source that is served: %v", err) // from has it since the first copy
	}
	if _, _, err := fresh.Schema(ctx); err != nil {
		t.Errorf("a refusal marked the target: %v", err)
	}
}
