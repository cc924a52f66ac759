package store_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// An empty database is at version 0; asking for its version writes nothing. Up brings it to
// the newest, and is nothing the second time.
func TestMigrate(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			s := storetest.Reopen(t, storetest.EmptyDSN(t, e), store.Options{})
			schema := func() (have, want int64) {
				t.Helper()
				have, want, err := s.Schema(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return have, want
			}
			for range 2 {
				if have, want := schema(); have != 0 || want == 0 {
					t.Errorf("an empty database is at %d of %d", have, want)
				}
			}
			plan, err := s.Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			files, err := os.ReadDir("migrations")
			if err != nil {
				t.Fatal(err)
			}
			if len(plan) != len(files) {
				t.Errorf("%d steps are planned of %d", len(plan), len(files))
			}
			if !strings.Contains(plan[0].SQL, "CREATE TABLE payments") || plan[0].Version != 1 {
				t.Errorf("the first step is %d %s", plan[0].Version, plan[0].Name)
			}

			done, err := s.Up(t.Context())
			if err != nil || len(done) != len(plan) {
				t.Fatalf("%d steps were taken of %d: %v", len(done), len(plan), err)
			}
			if have, want := schema(); have != want || want != done[len(done)-1].Version {
				t.Errorf("after Up the schema is at %d of %d", have, want)
			}
			if done, err = s.Up(t.Context()); err != nil || len(done) != 0 {
				t.Errorf("the second Up took %d steps: %v", len(done), err)
			}
			if plan, err = s.Plan(t.Context()); err != nil || len(plan) != 0 {
				t.Errorf("%d steps are left: %v", len(plan), err)
			}
			status, err := s.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range status {
				if step.AppliedAt.IsZero() {
					t.Errorf("step %d is not applied", step.Version)
				}
			}
			update(t, s, put("it works"))
		})
	}
}

// Processes that start together bring one PostgreSQL to the present schema once.
func TestMigratingTogether(t *testing.T) {
	dsn := storetest.EmptyDSN(t, storetest.Postgres)
	var processes sync.WaitGroup
	for range 3 {
		s := storetest.Reopen(t, dsn, store.Options{MaxConns: 4})
		processes.Go(func() {
			if _, err := s.Up(t.Context()); err != nil {
				t.Error(err)
			}
			if have, want, err := s.Schema(t.Context()); err != nil || have != want {
				t.Errorf("schema %d of %d: %v", have, want, err)
			}
		})
	}
	processes.Wait()
}

// Whoever asks at which version the schema is, as each probe does, costs no connection; one that brings
// it further has them made anew, since they know the old one.
func TestAskingForTheSchemaKeepsTheConnections(t *testing.T) {
	s := storetest.Reopen(t, storetest.EmptyDSN(t, storetest.Postgres), store.Options{MaxConns: 1})
	connection := func() (pid string) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			pids, err := tx.Texts(ctx, "SELECT pg_backend_pid()::text")
			pid = strings.Join(pids, "")
			return err
		})
		return pid
	}
	first := connection()
	if _, err := s.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := connection()
	if second == first {
		t.Error("the connection still knows the schema of before")
	}
	for range 10 {
		if _, _, err := s.Schema(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Up(t.Context()); err != nil { // nothing is left to do
		t.Fatal(err)
	}
	if got := connection(); got != second {
		t.Errorf("asking has replaced connection %s by %s", second, got)
	}
}
