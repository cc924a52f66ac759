package storetest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// Two databases of one test are two: what is written in one is not in the other.
func TestEachDatabaseIsItsOwn(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			a, b := storetest.Open(t, e), storetest.Open(t, e)
			if a.Postgres() != (e == storetest.Postgres) {
				t.Fatal("opened another engine")
			}
			err := a.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return tx.PutSetting(ctx, "mode", "test")
			})
			if err != nil {
				t.Fatal(err)
			}
			err = b.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Setting(ctx, "mode")
				return err
			})
			if !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("the other database: %v, want ErrNotFound", err)
			}
		})
	}
}

// Every database that is handed out has the schema of this program.
func TestTheSchemaIsThere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		have, want, err := s.Schema(t.Context())
		if err != nil || have != want || want == 0 {
			t.Fatalf("schema %d of %d: %v", have, want, err)
		}
	})
}
