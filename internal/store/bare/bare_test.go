package bare_test

import (
	"context"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/bare"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// The limit writes what the gateway's own store can read: whole payments, for callers that come
// at the same time, and a history whose rows are found by the names that it gives them.
func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			dsn := storetest.DSN(t, e)
			db, err := bare.Open(ctx, dsn, 8)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Prepare(ctx); err != nil {
				t.Fatal(err)
			}
			var callers sync.WaitGroup
			for range 8 {
				callers.Go(func() {
					for range 5 {
						if err := db.Payment(ctx); err != nil {
							t.Error(err)
						}
					}
				})
			}
			callers.Wait()
			before, err := db.Size(ctx)
			if err != nil || before == 0 {
				t.Errorf("size %d, %v", before, err)
			}
			for _, part := range [][2]int{{0, 10}, {10, 1500}} {
				if err := db.Fill(ctx, part[0], part[1]); err != nil {
					t.Fatal(err)
				}
			}
			if after, err := db.Size(ctx); err != nil || after <= before {
				t.Errorf("size %d after %d, %v", after, before, err)
			}
			files, err := db.Files(ctx)
			switch {
			case err == nil:
				if size := sizeOf(t, files); size < before {
					t.Errorf("%d bytes in %q, %d before it was filled", size, files, before)
				}
			case e == storetest.Postgres: // a server in a container, say, or somebody else's
				t.Logf("its files are out of this user's sight: %v", err)
			default:
				t.Error(err)
			}
			db.Close()

			s := storetest.Reopen(t, dsn, store.Options{})
			err = s.View(ctx, func(ctx context.Context, tx *store.Tx) error {
				for _, i := range []int{0, 9, 10, 1499} {
					inv, err := tx.Invoice(ctx, bare.FillInvoice(i))
					if err != nil {
						t.Errorf("invoice %d: %v", i, err)
						continue
					}
					if inv.SourceInvoiceID != bare.FillOrder(i) || inv.PayNumber != bare.FillPayNumber(i) ||
						inv.Source != bare.FillSource || inv.Business != bare.FillBusiness(i%bare.FillBusinesses) {
						t.Errorf("invoice %d: %+v", i, inv)
					}
					if p, err := tx.LivePayment(ctx, inv.ID); err != nil || p.Captured != inv.Amount {
						t.Errorf("payment %d: %+v, %v", i, p, err)
					}
				}
				made, err := tx.Invoices(ctx, store.InvoiceFilter{Source: "bench", Status: "paid"}, store.Page{Limit: 100})
				if err == nil && len(made) != 40 {
					t.Errorf("%d payments by hand, want 40", len(made))
				}
				stats, err := tx.Stats(ctx)
				if err == nil && stats.Work["deliver"] != 40 {
					t.Errorf("work: %v", stats.Work)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// A statement that fails takes down those that share its transaction, and nobody hangs.
func TestAFailedTransaction(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			db, err := bare.Open(t.Context(), storetest.DSN(t, e), 2)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.Payment(t.Context()); err == nil {
				t.Error("a payment for a business that is not there was written")
			}
			if err := db.Prepare(t.Context()); err != nil {
				t.Error(err)
			}
			if err := db.Payment(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// The figures of a server that does not sync would be no limit of anything.
func TestANonDurableServerIsRefused(t *testing.T) {
	u, err := url.Parse(storetest.DSN(t, storetest.Postgres))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("synchronous_commit", "off")
	u.RawQuery = q.Encode()
	if _, drop, err := bare.CreateDatabase(t.Context(), u.String(), "chorsu_bench_refused"); err == nil {
		t.Error("a database was made on a server that does not sync", drop(t.Context()))
	}
}

func sizeOf(t *testing.T, files []string) (size int64) {
	t.Helper()
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	return size
}
