package admin_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/store/bare"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// history is how many invoices the database holds below. How long a page takes is told and not
// judged: what keeps it short, however many there are, is judged by TestEveryQueryUsesItsIndex.
//
//	go test ./internal/admin -run TestPagesOverAHistory -invoices 1000000 -v
var history = flag.Int("invoices", 2000, "how many invoices TestPagesOverAHistory looks for its own among")

// Every list's first page, and a search of each kind, over a history of payments.
func TestPagesOverAHistory(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			p := startWith(t, map[string]string{"DATABASE_URL": storetest.DSN(t, e)})
			n := *history
			fill(t, string(p.Config.DatabaseURL), n)
			// The last of the history has just been paid.
			p.mu.Lock()
			p.time = time.UnixMilli(1_700_000_000_000 + int64(n)*1000)
			p.mu.Unlock()
			owner := p.as(staff.Owner)
			some := n/2 + 7
			for _, c := range []struct{ name, path, says string }{
				{"inbox", "/", "payments"},
				{"invoices", "/invoices", "order-" + fmt.Sprint(n-1)},
				{"invoices, oldest first", "/invoices?order=oldest", "order-0"},
				{"invoices, largest first", "/invoices?order=largest", "order-"},
				{"invoices, smallest first, paid", "/invoices?order=smallest&state=paid", "order-"},
				{"invoices, failed", "/invoices?state=failed", "order-"},
				{"invoices, of a provider", "/invoices?via=click", "order-"},
				{"invoices, of a provider and a state", "/invoices?via=payme&state=paid", "order-"},
				{"invoices, of an amount", "/invoices?sum=150007", "order-"},
				{"invoices, of a day", "/invoices?from=2023-11-15&to=2023-11-15", "order-"},
				{"invoices, undelivered", "/invoices?needs=undelivered", "order-"},
				{"invoices, of a business", "/invoices?source=past&business=past-7", "order-"},
				{"deliveries", "/deliveries", "order-"},
				{"deliveries, stuck", "/deliveries?state=stuck", "order-"},
				{"stuck", "/stuck", "order-"},
				{"refunds", "/refunds", "Refunds"},
				{"payouts", "/payouts", "Payouts"},
				{"payouts that need a person", "/payouts?needs=any&order=oldest", "Payouts"},
				{"compared days", "/reconciliations", "Days that do not agree"},
				{"tills", "/tills", "Tills"},
				{"audit log, oldest first", "/audit?order=oldest", "Audit log"},
				{"staff", "/staff", "Staff"},
				{"invoice", "/invoices/" + bare.FillInvoice(some), "order-" + fmt.Sprint(some)},
				{"search: our id", "/search?q=" + bare.FillInvoice(some), "order-" + fmt.Sprint(some)},
				{"search: pay number", "/search?q=" + bare.FillPayNumber(some), "1"},
				{"search: order", "/search?q=" + bare.FillOrder(some), "order-" + fmt.Sprint(some)},
				{"search: provider's id", "/search?q=ref-" + fmt.Sprint(some), "order-" + fmt.Sprint(some)},
				{"search: RRN", "/search?q=" + fmt.Sprintf("5%011d", some), "order-" + fmt.Sprint(some)},
				{"search: phone", "/search?q=" + fmt.Sprintf("90%07d", some), "order-" + fmt.Sprint(some)},
				{"search: last four digits", "/search?q=" + fmt.Sprintf("%04d", some%10_000), "order-"},
				{"search: amount", "/search?q=150+007", "order-"},
				{"search: nothing", "/search?q=no-such-order", "Nothing was found"},
			} {
				var took []time.Duration
				for range 5 {
					began := time.Now()
					got := owner.get("/admin" + c.path)
					took = append(took, time.Since(began))
					owner.want(got, 200, c.says)
				}
				t.Logf("%-38s first %8s, then %8s", c.name, took[0].Round(100*time.Microsecond), took[4].Round(100*time.Microsecond))
			}
		})
	}
}

// fill writes n payments of the past, and makes them differ: in state, sum, provider, card, phone.
func fill(t *testing.T, dsn string, n int) {
	t.Helper()
	driver, address := "pgx", dsn
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, address = "sqlite", path
	}
	raw, err := sql.Open(driver, address)
	must(t, err)
	defer raw.Close()
	// The indexes are built at the end, in one go each, as they would be by a migration.
	text, err := os.ReadFile("../store/migrations/0006_desk.sql")
	must(t, err)
	var drop, create []string
	for _, m := range regexp.MustCompile(`(?s)CREATE INDEX (\w+) ON .*?;`).FindAllStringSubmatch(string(text), -1) {
		drop, create = append(drop, "DROP INDEX "+m[1]), append(create, m[0])
	}
	run := func(statements ...string) {
		for _, statement := range statements {
			_, err := raw.ExecContext(t.Context(), statement)
			must(t, err)
		}
	}
	run(drop...)
	db, err := bare.Open(t.Context(), dsn, 1)
	must(t, err)
	must(t, db.Fill(t.Context(), 0, n))
	db.Close()
	run(

		// The order's number is the payment's: order-17.
		`UPDATE payments SET card_pan = '860030******' || SUBSTR('000' || SUBSTR(ref, 5), LENGTH(ref) - 4, 4),
			provider = CASE WHEN ref LIKE '%3' THEN 'click' WHEN ref LIKE '%4' THEN 'uzum' ELSE provider END`,
		`UPDATE invoices SET amount = 15000000 + CAST(SUBSTR(source_invoice_id, 7) AS BIGINT) % 1000 * 100,
			via = CASE WHEN source_invoice_id LIKE '%3' THEN 'click' WHEN source_invoice_id LIKE '%4' THEN 'uzum' ELSE 'payme' END,
			status = CASE WHEN source_invoice_id LIKE '%05' THEN 'failed' WHEN source_invoice_id LIKE '%6' THEN 'cancelled' ELSE status END,
			notify_delivered = CASE WHEN source_invoice_id LIKE '%777' THEN FALSE ELSE TRUE END`,
		`UPDATE events SET delivered_at = 0, stuck_at = created_at WHERE source_invoice_id LIKE '%777'`,
		`INSERT INTO clues (kind, value, business_id, invoice_id, created_at)
			SELECT 'phone', '90' || SUBSTR('0000000' || SUBSTR(source_invoice_id, 7), LENGTH(source_invoice_id) - 5, 7), business_id, id, created_at FROM invoices WHERE source_invoice_id LIKE '%7'`,
		`INSERT INTO clues (kind, value, business_id, invoice_id, created_at)
			SELECT 'name', '5' || SUBSTR('00000000000' || SUBSTR(source_invoice_id, 7), LENGTH(source_invoice_id) - 5, 11), business_id, id, created_at FROM invoices WHERE source_invoice_id LIKE '%7'`,
	)
	run(create...)
	if driver == "pgx" {
		run("VACUUM ANALYZE")
	}
}
