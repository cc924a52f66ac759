package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// One receiver that hangs costs the others nothing, be 20,000 deliveries due to it or 100,000: a
// claim that passes over its lane, or takes five of it, reads as many pages. Pages are counted,
// not time.
func TestAHungLaneCostsTheOthersNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fill := func(from, to int) {
			t.Helper()
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, `WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $2)
					INSERT INTO work (id, business_id, kind, subject, lane, due_at, created_at)
					SELECT 'hung ' || i, 'biz', 'deliver', 'hung ' || i, 'm hung', i, 0 FROM n`, int64(from), int64(to))
				return err
			})
		}
		for i := range 15 { // lanes before and behind the hung one
			enqueue(t, s, work("deliver", fmt.Sprint(i), fmt.Sprintf("%c", 'b'+i), noon))
		}
		var list []outbox.Work
		pages := func(free int) (read int64) {
			t.Helper()
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				before, err := tx.PagesRead(ctx)
				if err != nil {
					return err
				}
				if list, err = tx.Claim(ctx, noon, time.Minute, 100, 1, map[string]int{"m hung": free}); err != nil {
					return err
				}
				after, err := tx.PagesRead(ctx)
				read = after - before
				if err != nil {
					return err
				}
				return errRefused // for the next to find it as it was
			})
			if err != errRefused {
				t.Fatal(err)
			}
			return read
		}
		fill(1, 20_000)
		pages(0) // finds its catalogue
		short, shortTaken := pages(0), pages(5)
		fill(20_001, 100_000)
		pages(0)
		long, longTaken := pages(0), pages(5)
		same(t, "claimed", len(list), 20)
		t.Logf("pages read with 20,000 rows: %d, with 100,000: %d; taking five of them: %d, and %d", short, long, shortTaken, longTaken)
		// Where the index has become a level deeper, each step into it reads one page more. To walk
		// over the 80,000 new rows would read 300 more at least.
		if long > short+200 || longTaken > shortTaken+200 {
			t.Errorf("a hung lane makes a claim dearer, by its length")
		}
	})
}
