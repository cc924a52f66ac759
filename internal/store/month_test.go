package store_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chorsu/chorsu/docs"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// Messages by month, as the documentation says it: what was there stays, what comes goes to its
// month, every query of ours finds both, and a month can be dropped.
func TestMessagesByMonth(t *testing.T) {
	page, err := fs.ReadFile(docs.Files, "operating/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, found := strings.Cut(string(page), "```sql\n")
	script, _, closed := strings.Cut(script, "```")
	if !found || !closed {
		t.Fatal("the page has no SQL")
	}
	dsn := storetest.DSN(t, storetest.Postgres)
	s := storetest.Reopen(t, dsn, store.Options{})
	message := func(id string, at time.Time) store.Message {
		return store.Message{ID: id, BusinessID: "biz", MerchantID: "mer", InvoiceID: "inv", At: at, Direction: "in"}
	}
	insert := func(list ...store.Message) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertMessages(ctx, list) })
	}
	read := func() (n int) {
		t.Helper()
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			list, err := tx.Messages(ctx, "inv")
			for i := range list {
				if i > 0 && list[i].At.Before(list[i-1].At) {
					t.Error("out of order")
				}
			}
			n = len(list)
			return err
		})
		return n
	}
	now := time.Now().UTC()
	next := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	insert(message(id.New(), now))

	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.PgConn().Exec(t.Context(), script).ReadAll(); err != nil {
		t.Fatal("the documentation's SQL:", err)
	}

	insert(message(id.New(), now), message(madeAt(next.Add(-time.Millisecond)), next.Add(-time.Millisecond)),
		message(madeAt(next), next), message(madeAt(next.AddDate(0, 1, 0)), next.AddDate(0, 1, 0)))
	same(t, "all of them", read(), 5)
	in := func(table string) string { return storetest.Value(t, dsn, "SELECT COUNT(*) FROM "+table) }
	same(t, "before", in("messages_before"), "3")
	same(t, "next month", in("messages_"+next.Format("2006_01")), "1")
	same(t, "the month after", in("messages_"+next.AddDate(0, 1, 0).Format("2006_01")), "1")
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.PruneMessages(ctx, now.Add(time.Second), 10)
		same(t, "forgotten", n, 2)
		return err
	})
	if _, err := conn.Exec(t.Context(), "DROP TABLE messages_before"); err != nil {
		t.Fatal(err)
	}
	same(t, "after a month was dropped", read(), 2)
}

// madeAt is an id that was made at a time.
func madeAt(at time.Time) string {
	text := fmt.Sprintf("%012x", at.UnixMilli())
	return text[:8] + "-" + text[8:] + "-7000-8000-000000000000"
}
