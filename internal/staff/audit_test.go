package staff

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// What is appended from several places at once stands in one chain.
func TestTheChain(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		if v, err := x.Verify(ctx, ""); err != nil || v != (Verdict{}) {
			t.Errorf("an empty log: %+v %v", v, err)
		}
		var racers sync.WaitGroup
		for i := range 20 {
			racers.Go(func() {
				if err := x.Note(ctx, Actor{ID: "1", Who: "a@x.uz", Address: "::1"}, "invoice.seen", fmt.Sprint(i), "\x00\xff"+strings.Repeat("я", maxDetail)); err != nil {
					t.Error(err)
				}
			})
		}
		racers.Wait()
		v, err := x.Verify(ctx, "")
		if err != nil || v.Broken != 0 || v.Entries != 20 || !strings.HasPrefix(v.Head, "20:") {
			t.Fatalf("%+v %v", v, err)
		}
		// What was noted elsewhere is still there when more came.
		x.must(x.Note(ctx, CommandLine, "x.y", "", ""))
		if again, err := x.Verify(ctx, v.Head); err != nil || again.Broken != 0 || again.Entries != 21 {
			t.Errorf("%+v %v", again, err)
		}
		other := "20:" + strings.Repeat("0", 64)
		if again, err := x.Verify(ctx, other); err != nil || again.Broken != 20 {
			t.Errorf("another entry than was noted: %+v %v", again, err)
		}
		if again, err := x.Verify(ctx, "30:"+strings.Repeat("0", 64)); err != nil || again.Broken != 22 {
			t.Errorf("an entry that was cut off: %+v %v", again, err)
		}
		_, err = x.Verify(ctx, "what")
		x.reason("what is no head", err, "head_invalid")
	})
}

// Pages of the log follow each other without a gap.
func TestLogPages(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		for i := range 7 {
			x.must(x.Note(t.Context(), CommandLine, "x.y", fmt.Sprint(i), ""))
		}
		var got []string
		for cursor := ""; ; {
			list, next, err := x.Log(t.Context(), Filter{What: "x.y"}, 3, cursor)
			x.must(err)
			for _, e := range list {
				got = append(got, e.Subject)
			}
			if cursor = next; next == "" {
				break
			}
		}
		if fmt.Sprint(got) != "[6 5 4 3 2 1 0]" {
			t.Error(got)
		}
		for _, bad := range []string{"x", "MTIz", "MS4x"} {
			_, _, err := x.Log(t.Context(), Filter{}, 3, bad)
			x.reason(bad, err, "cursor_invalid")
		}
	})
}

// Whoever gets past the triggers is found: the first entry that is not as it was written is named.
func TestVerifyNamesTheFirstBrokenEntry(t *testing.T) {
	for name, c := range map[string]struct {
		spoil  string
		broken int64
		why    string
	}{
		"changed detail":    {`UPDATE audit_log SET detail = 'nothing' WHERE seq = 3`, 3, "not as it was written"},
		"changed person":    {`UPDATE audit_log SET who = 'b@x.uz' WHERE seq = 2`, 2, "not as it was written"},
		"changed time":      {`UPDATE audit_log SET created_at = created_at + 1 WHERE seq = 4`, 4, "not as it was written"},
		"moved text":        {`UPDATE audit_log SET subject = subject || 'd', detail = '' WHERE seq = 1`, 1, "not as it was written"},
		"deleted":           {`DELETE FROM audit_log WHERE seq = 3`, 3, "missing"},
		"deleted first":     {`DELETE FROM audit_log WHERE seq = 1`, 1, "missing"},
		"cut off":           {`DELETE FROM audit_log WHERE seq = 5`, 5, "missing"},
		"all gone":          {`DELETE FROM audit_log`, 1, "missing"},
		"renumbered":        {`DELETE FROM audit_log WHERE seq = 2; UPDATE audit_log SET seq = seq - 1 WHERE seq > 2`, 2, "not as it was written"},
		"a copy of another": {`UPDATE audit_log SET mac = (SELECT mac FROM audit_log WHERE seq = 4) WHERE seq = 5`, 5, "not as it was written"},
		"head not readable": {`UPDATE settings SET value = 'x' WHERE name = 'audit_head'`, 1, "head"},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := storetest.DSN(t, storetest.SQLite)
			x := newFixture(t, storetest.Reopen(t, dsn, store.Options{}))
			for i := range 5 {
				x.must(x.Note(t.Context(), Actor{ID: "1", Who: "a@x.uz"}, "x.y", fmt.Sprint(i), "d"))
			}
			raw, err := sql.Open("sqlite", strings.TrimPrefix(dsn, "sqlite:"))
			x.must(err)
			defer raw.Close()
			_, err = raw.Exec(`DROP TRIGGER audit_log_no_update; DROP TRIGGER audit_log_no_delete; ` + c.spoil)
			x.must(err)
			v, err := x.Verify(t.Context(), "")
			if err != nil || v.Broken != c.broken || !strings.Contains(v.Why, c.why) {
				t.Errorf("%+v %v", v, err)
			}
		})
	}
}

// Cut off with the head set back is only seen by what was noted elsewhere: docs/staff.md says so.
func TestACutThatTheHeadHides(t *testing.T) {
	dsn := storetest.DSN(t, storetest.SQLite)
	x := newFixture(t, storetest.Reopen(t, dsn, store.Options{}))
	for range 5 {
		x.must(x.Note(t.Context(), CommandLine, "x.y", "", ""))
	}
	whole, err := x.Verify(t.Context(), "")
	x.must(err)
	raw, err := sql.Open("sqlite", strings.TrimPrefix(dsn, "sqlite:"))
	x.must(err)
	defer raw.Close()
	_, err = raw.Exec(`DROP TRIGGER audit_log_no_delete; DELETE FROM audit_log WHERE seq = 5;
		UPDATE settings SET value = (SELECT '4:' || mac FROM audit_log WHERE seq = 4) WHERE name = 'audit_head'`)
	x.must(err)
	if v, err := x.Verify(t.Context(), ""); err != nil || v.Broken != 0 {
		t.Errorf("%+v %v", v, err)
	}
	if v, err := x.Verify(t.Context(), whole.Head); err != nil || v.Broken != 5 {
		t.Errorf("with what was noted: %+v %v", v, err)
	}
}

// The key of the chain is sealed, and the same for every process.
func TestTheKeyIsKept(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		x.must(x.Note(t.Context(), CommandLine, "x.y", "", ""))
		other := New(Options{Store: x.store, Seal: x.o.Seal, Now: x.o.Now})
		if v, err := other.Verify(t.Context(), ""); err != nil || v.Broken != 0 {
			t.Errorf("another process: %+v %v", v, err)
		}
		foreign, err := seal.Parse(seal.NewKey())
		x.must(err)
		if _, err := New(Options{Store: x.store, Seal: foreign, Now: x.o.Now}).Verify(t.Context(), ""); err == nil {
			t.Error("another MASTER_KEY verifies it")
		}
		x.must(x.store.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			kept, err := tx.Setting(ctx, KeySetting)
			if strings.Contains(kept, string(x.key)) {
				t.Error("the key is not sealed")
			}
			return err
		}))
	})
}
