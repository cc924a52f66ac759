package journal

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, path string, now *time.Time) *Journal {
	t.Helper()
	j, err := Open(t.Context(), "sqlite:"+path, func() time.Time { return *now })
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestWhatWasWrittenIsThere(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 2, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "folder", "till.db")
	j := open(t, path, &now)
	op := &Operation{ID: "1", OperationID: "sale-1", Endpoint: "click", Kind: Sale, Provider: "clickpass", Amount: 500, WalletCode: "880101698207133392", Meta: []byte{1}}
	if twin, err := j.Begin(t.Context(), op); twin != nil || err != nil {
		t.Fatal(twin, err)
	}
	if err := j.MarkSent(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, &now)
	got, err := j.Get(t.Context(), "sale-1")
	if err != nil || !reflect.DeepEqual(got, op) {
		t.Fatalf("%+v %v, want %+v", got, err, op)
	}
	op.State = Approved
	if err := j.Save(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	if op.WalletCode != "" || op.CodeHash == "" || op.Revision != 2 || op.FinishedAt.IsZero() {
		t.Errorf("%+v", op)
	}
	for _, when := range []string{"while the agent runs", "after it has stopped"} {
		for _, name := range []string{path, path + "-journal"} {
			if b, err := os.ReadFile(name); err == nil && strings.Contains(string(b), "880101698207133392") {
				t.Errorf("%s: %s still holds the buyer's code", when, name)
			}
		}
		j.Close()
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestTwins(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 2, 0, 0, time.UTC)
	j := open(t, filepath.Join(t.TempDir(), "till.db"), &now)
	defer j.Close()
	first := &Operation{ID: "1", OperationID: "a", Fingerprint: "f", NaturalKey: "code", Endpoint: "click", Kind: Sale}
	if twin, err := j.Begin(t.Context(), first); twin != nil || err != nil {
		t.Fatal(twin, err)
	}
	for _, c := range []struct {
		name  string
		op    Operation
		state State
		after time.Duration
		twin  bool
		same  bool
	}{
		{"the same id and body", Operation{OperationID: "a", Fingerprint: "f", NaturalKey: "code"}, Unknown, 0, true, true},
		{"the same id, another body", Operation{OperationID: "a", Fingerprint: "g", NaturalKey: "other"}, Unknown, 0, true, false},
		{"the same code, no id", Operation{Fingerprint: "f", NaturalKey: "code"}, Unknown, 0, true, true},
		{"the same code, another id", Operation{OperationID: "b", Fingerprint: "f", NaturalKey: "code"}, Unknown, 0, true, true},
		{"the same code, another id, after a refusal", Operation{OperationID: "c", Fingerprint: "f", NaturalKey: "code"}, Declined, 0, false, false},
		{"the same code, after it was not started", Operation{Fingerprint: "f", NaturalKey: "code"}, NotStarted, 0, false, false},
		{"the same code, 16 minutes later", Operation{Fingerprint: "f", NaturalKey: "code"}, Approved, 16 * time.Minute, false, false},
		{"the same code, while it is not known, a day later", Operation{Fingerprint: "f", NaturalKey: "code"}, Unknown, 24 * time.Hour, true, true},
		{"another name of the first", Operation{OperationID: "b", Fingerprint: "f", NaturalKey: "code"}, Approved, 24 * time.Hour, true, true},
		{"another name, another body", Operation{OperationID: "b", Fingerprint: "g", NaturalKey: "other"}, Approved, 0, true, false},
		{"nothing in common", Operation{Fingerprint: "f"}, Unknown, 0, false, false},
	} {
		if _, err := j.db.Exec("DELETE FROM operations WHERE id <> '1'"); err != nil {
			t.Fatal(err)
		}
		now = time.Date(2026, 11, 21, 9, 2, 1, 0, time.UTC).Add(c.after)
		if _, err := j.db.Exec("UPDATE operations SET state = ?", string(c.state)); err != nil {
			t.Fatal(err)
		}
		c.op.ID, c.op.Endpoint, c.op.Kind = "2", "click", Sale
		twin, err := j.Begin(t.Context(), &c.op)
		if err != nil || (twin != nil) != c.twin || twin != nil && twin.Same != c.same {
			t.Errorf("%s: %+v %v", c.name, twin, err)
		}
	}
	for id, want := range map[string]string{"a": "1", "b": "1"} {
		if op, err := j.Get(t.Context(), id); err != nil || op == nil || op.ID != want {
			t.Errorf("%q names %+v, want %s (%v)", id, op, want, err)
		}
	}
}

// A clock that was set back moves nothing over the end of a shift.
func TestShiftsAreNotByTheClock(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 2, 0, 0, time.UTC)
	j := open(t, filepath.Join(t.TempDir(), "till.db"), &now)
	defer j.Close()
	var ops []Operation
	for i, kind := range []Kind{Sale, Close, Sale, Close} {
		op := Operation{ID: string(kind) + string(rune('0'+i)), Endpoint: "xumo", Device: "d", Kind: kind, Amount: 100 << i}
		if _, err := j.Begin(t.Context(), &op); err != nil {
			t.Fatal(err)
		}
		op.State = Approved
		if err := j.Save(t.Context(), &op); err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
		now = now.Add(-time.Hour)
	}
	for i, want := range map[int]Totals{1: {Sales: 1, SalesAmount: 100}, 3: {Sales: 1, SalesAmount: 400}} {
		if got, err := j.Totals(t.Context(), "d", ops[i].ID); err != nil || got["xumo"] != want {
			t.Errorf("closing %d counts %+v, want %+v (%v)", i, got, want, err)
		}
	}
	if got, err := j.Totals(t.Context(), "d", ""); err != nil || len(got) != 0 {
		t.Errorf("after the last closing: %+v %v", got, err)
	}
	if last, err := j.LastClosing(t.Context(), "d"); err != nil || last.ID != ops[3].ID {
		t.Errorf("the last closing is %+v (%v)", last, err)
	}
	if open, err := j.InShift(t.Context(), &ops[2]); err != nil || open {
		t.Errorf("a sale before the last closing is in the open shift (%v)", err)
	}
}

// Two programs on one journal would be two tills on one pinpad; a newer program's journal is not
// written by an older one.
func TestOpenRefuses(t *testing.T) {
	now := time.Now()
	path := filepath.Join(t.TempDir(), "till.db")
	j := open(t, path, &now)
	if _, err := j.db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	j.Close()
	if _, err := Open(t.Context(), "sqlite:"+path, time.Now); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Error(err)
	}
	if _, err := Open(t.Context(), "postgres://x", time.Now); err == nil {
		t.Error("a journal on PostgreSQL")
	}
}

// A journal of before has no column for the wallet; it is brought to the same table, and what a person
// must look at is found without reading the whole of it.
func TestJournalOfBefore(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 2, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "till.db")
	j := open(t, path, &now)
	op := &Operation{ID: "1", Endpoint: "click", Kind: Sale}
	if _, err := j.Begin(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	if _, err := j.db.Exec("ALTER TABLE operations DROP COLUMN wallet"); err != nil {
		t.Fatal(err)
	}
	j.Close()
	for range 2 {
		j = open(t, path, &now)
		op.Wallet = "payme"
		if err := j.Note(t.Context(), op); err != nil {
			t.Fatal(err)
		}
		if got, err := j.Get(t.Context(), "1"); err != nil || got.Wallet != "payme" {
			t.Errorf("%+v %v", got, err)
		}
		j.Close()
	}
	j = open(t, path, &now)
	defer j.Close()
	for where, index := range map[string]string{
		"code = 'contradicted'": "operations_contradicted", "code = 'receipt_refused' AND created_at > 0": "operations_receipt_refused", "refused <> ''": "operations_refused",
	} {
		var id, parent, unused int
		var plan string
		if err := j.db.QueryRow("EXPLAIN QUERY PLAN SELECT code FROM operations WHERE "+where+" ORDER BY created_at").Scan(&id, &parent, &unused, &plan); err != nil || !strings.Contains(plan, index) {
			t.Errorf("%s: %s %v", where, plan, err)
		}
	}
}
