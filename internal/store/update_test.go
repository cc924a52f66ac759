package store_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// put and get are the smallest write and read there are.
func put(name string) func(context.Context, *store.Tx) error {
	return func(ctx context.Context, tx *store.Tx) error { return tx.PutSetting(ctx, name, "value") }
}

func has(t testing.TB, s *store.Store, name string) (there bool) {
	t.Helper()
	view(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Setting(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		there = err == nil
		return err
	})
	return there
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		update(t, s, put("kept"))
		if !has(t, s, "kept") {
			t.Error("what Update committed is not there")
		}

		refused := errors.New("refused")
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := put("refused")(ctx, tx); err != nil {
				return err
			}
			return refused
		})
		if err != refused {
			t.Errorf("Update returned %v and not what the closure did", err)
		}
		if has(t, s, "refused") {
			t.Error("what was refused is there")
		}
	})
}

// ErrNotFound says nothing against a transaction. Any other error ends it on both engines,
// also where the closure overlooks it.
func TestAnSQLErrorEndsTheTransaction(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.Invoice(ctx, "nothing"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a row that is not there: %v", err)
			}
			return put("after not found")(ctx, tx)
		})
		if !has(t, s, "after not found") {
			t.Error("ErrNotFound ended the transaction")
		}

		var broken, later error
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := put("before")(ctx, tx); err != nil {
				return err
			}
			_, broken = tx.Exec(ctx, `SELECT nonsense`)
			later = put("after")(ctx, tx)
			return nil
		})
		if broken == nil || !errors.Is(later, broken) || !errors.Is(err, broken) {
			t.Errorf("the error %v, then %v, and from Update %v", broken, later, err)
		}
		if has(t, s, "before") || has(t, s, "after") {
			t.Error("a part was committed")
		}
	})
}

func TestAViewCannotWrite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		shop.invoice(t, "1", pay.Created)
		for _, write := range []func(context.Context, *store.Tx) error{
			put("in a view"),
			func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.EnqueueLeased(ctx, work("refund", "1", "payme", noon), time.Minute, noon)
				return err
			},
			// Nor does the engine let it, should the check above it be forgotten.
			func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Texts(ctx, `DELETE FROM settings RETURNING name`)
				return err
			},
		} {
			if err := s.View(t.Context(), write); err == nil {
				t.Error("a View has written")
			}
		}
	})
}

// A View is one moment: what is committed meanwhile is not seen.
func TestAViewIsASnapshot(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.Setting(ctx, "late"); !errors.Is(err, store.ErrNotFound) {
				return err
			}
			done := make(chan error)
			go func() { done <- s.Update(t.Context(), put("late")) }()
			if err := <-done; err != nil {
				return err
			}
			if _, err := tx.Setting(ctx, "late"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the View saw what was committed after its first look: %v", err)
			}
			return nil
		})
		if !has(t, s, "late") {
			t.Error("the next View does not see what was committed before it")
		}
	})
}

// A transaction inside a transaction would wait for itself.
func TestNestedTransactionsFailAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		nothing := func(context.Context, *store.Tx) error { return nil }
		for name, outer := range map[string]func(context.Context, func(context.Context, *store.Tx) error) error{"Update": s.Update, "View": s.View} {
			err := outer(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if s.Update(ctx, nothing) == nil || s.View(ctx, nothing) == nil {
					t.Errorf("a transaction began inside %s", name)
				}
				return nil
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		// Another store is another matter.
		other := storetest.Open(t, storetest.SQLite)
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return other.View(ctx, nothing) })
	})
}

// A Tx that is kept longer than its closure does nothing.
func TestATxIsOverWithItsClosure(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var kept *store.Tx
		update(t, s, func(ctx context.Context, tx *store.Tx) error { kept = tx; return nil })
		if err := kept.PutSetting(t.Context(), "late", ""); err == nil {
			t.Error("it wrote")
		}
		if _, err := kept.Setting(t.Context(), "late"); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("it read: %v", err)
		}
	})
}

// A caller whose context has ended gets nothing begun; one whose context ends in the middle
// gets all of it.
func TestTheContextCountsUntilTheClosureBegins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ended, end := context.WithCancel(t.Context())
		end()
		err := s.Update(ended, func(context.Context, *store.Tx) error { t.Error("it began"); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Update under an ended context: %v", err)
		}
		err = s.View(ended, func(context.Context, *store.Tx) error { t.Error("it began"); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("View under an ended context: %v", err)
		}

		ending, end := context.WithCancel(t.Context())
		err = s.Update(ending, func(ctx context.Context, tx *store.Tx) error {
			end()
			if ctx.Err() != nil {
				t.Error("the closure's context ended with the caller's")
			}
			return put("whole")(ending, tx) // even under the context that it should not use
		})
		if err != nil {
			t.Errorf("Update whose context ended in the middle: %v", err)
		}
		if !has(t, s, "whole") {
			t.Error("it was not committed")
		}
	})
}

// A panic reaches the caller that caused it, leaves nothing behind and stops nobody else. So
// does the end of the goroutine, which is what t.Fatal does.
func TestAPanicIsTheCallersOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fall := func(s func(context.Context, func(context.Context, *store.Tx) error) error) (what any) {
			defer func() { what = recover() }()
			s(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				put("fallen")(ctx, tx)
				panic("at the closure")
			})
			return nil
		}
		for range 20 { // more often than there are connections
			same(t, "panic", fall(s.Update), any("at the closure"))
			same(t, "panic", fall(s.View), any("at the closure"))
		}
		var gone sync.WaitGroup
		gone.Go(func() {
			s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				put("fallen")(ctx, tx)
				runtime.Goexit()
				return nil
			})
			t.Error("the goroutine went on")
		})
		gone.Wait()
		if has(t, s, "fallen") {
			t.Error("what was written before the fall is there")
		}
		update(t, s, put("next"))
	})
}

func TestFailWrites(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		s.FailWrites(true)
		err := s.Update(t.Context(), func(context.Context, *store.Tx) error { t.Error("it began"); return nil })
		if err == nil {
			t.Error("Update succeeded")
		}
		has(t, s, "reading goes on")
		s.FailWrites(false)
		update(t, s, put("again"))
	})
}

func TestCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		statements, commits := s.Counts()
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if err := put("one")(ctx, tx); err != nil {
				return err
			}
			_, err := tx.Setting(ctx, "one")
			return err
		})
		has(t, s, "one")
		s.Update(t.Context(), func(context.Context, *store.Tx) error { return errors.New("refused") })
		newStatements, newCommits := s.Counts()
		same(t, "statements", newStatements-statements, int64(3))
		same(t, "commits", newCommits-commits, int64(1))
	})
}

func TestAClosedStoreFails(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			s := storetest.Open(t, e)
			update(t, s, put("before"))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := s.Update(t.Context(), put("after")); err == nil {
				t.Error("Update succeeded")
			}
			if err := s.View(t.Context(), put("after")); err == nil {
				t.Error("View succeeded")
			}
			if err := s.Ping(t.Context()); err == nil {
				t.Error("Ping succeeded")
			}
			if err := s.Close(); err != nil {
				t.Errorf("closing it again: %v", err)
			}
		})
	}
}

func TestPing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestOpenRefusesWhatIsNoAddress(t *testing.T) {
	for _, dsn := range []string{"", "chorsu.db", "mysql://localhost/x", "sqlite:", "sqlite::memory:", "postgres://user:secret@host:notaport/db"} {
		s, err := store.Open(t.Context(), dsn, store.Options{})
		if err == nil {
			s.Close()
			t.Errorf("%q was opened", dsn)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error shows the password: %v", dsn, err)
		}
	}
}

// A file that is something else is left alone.
func TestOpenRefusesAForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letter.txt")
	text := []byte(strings.Repeat("Dear reader, this is no database. ", 100))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := store.Open(t.Context(), "sqlite:"+path, store.Options{}); err == nil {
		s.Close()
		t.Error("it was opened")
	} else if !strings.Contains(err.Error(), path) {
		t.Errorf("the error does not name it: %v", err)
	}
	if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, text) {
		t.Errorf("it was changed (%v)", err)
	}
}
