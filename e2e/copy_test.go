package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chorsu/chorsu/internal/store/storetest"
)

// TestMovedToPostgreSQL: a shop outgrows its file. Its process is killed at the busiest, so that
// webhooks wait, refunds are under way and leases stand; everything is copied; and the gateway
// goes on with PostgreSQL as if nothing had happened.
func TestMovedToPostgreSQL(t *testing.T) {
	file, server := storetest.DSN(t, storetest.SQLite), storetest.EmptyDSN(t, storetest.Postgres)
	s := newStreet(t, file)
	p := serve(t, s.env)
	at := s.front.serve(p.url)[0]
	s.register()
	s.slowDown()
	ticking, stopTicking := context.WithCancel(t.Context())
	defer stopTicking()
	go s.box.Run(ticking)

	order := map[string]any{"source": "app", "businessId": "biz", "provider": "payme", "sourceInvoiceId": "before", "amount": 500_000, "notifyUrl": s.notifyURL[0]}
	var first, again struct{ ID string }
	if status, err := s.call("POST", "/api/invoices", "the-same-key", order, &first); err != nil || status != http.StatusCreated {
		t.Fatal(status, err)
	}
	if code, out := runProgram(t, nil, "migrate", "copy", "--from", file, "--to", server); code != 3 || !oneLine(out) {
		t.Errorf("a copy of a file that is served ends with %d and says %q", code, out)
	}

	a := newAcks()
	closeShops := s.open(tills, 1, a)
	if s.front.strike(at, cutDeliveries, cutDeliveries, 500*time.Millisecond, p.kill) < 0 {
		closeShops()
		t.Fatalf("the street is not busy enough:\n%s", p.log)
	}
	closeShops()
	if n := storetest.Value(t, file, "SELECT COUNT(*) FROM events WHERE delivered_at = 0"); n == "0" {
		t.Error("no webhook waits")
	}

	code, out := runProgram(t, nil, "migrate", "copy", "--from", file, "--to", server, "--json")
	var report struct {
		Tables []struct {
			Name string
			Rows int64
		}
	}
	// Progress goes to the same place here; the report is what begins with a brace.
	for i := range out {
		if out[i] == '{' {
			if err := json.Unmarshal([]byte(out[i:]), &report); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if code != 0 || len(report.Tables) == 0 {
		t.Fatalf("the copy ends with %d:\n%s", code, out)
	}
	for _, table := range report.Tables {
		if n := storetest.Value(t, file, "SELECT COUNT(*) FROM "+table.Name); n != fmt.Sprint(table.Rows) {
			t.Errorf("%s has %s rows, and the report says %d", table.Name, n, table.Rows)
		}
	}

	s.dsn, s.env["DATABASE_URL"] = server, server
	p = serve(t, s.env)
	s.front.serve(p.url)
	if status, err := s.call("POST", "/api/invoices", "the-same-key", order, &again); err != nil || status != http.StatusCreated || again != first {
		t.Errorf("the repeat of a request from before: %d %v %s, want %s", status, err, again.ID, first.ID)
	}
	order["amount"] = 600_000
	if status, _ := s.call("POST", "/api/invoices", "the-same-key", order, &again); status != http.StatusConflict {
		t.Errorf("its key with another body: %d", status)
	}
	before := len(s.in.Messages("", 0))
	closeShops = s.open(8, 2, a)
	await(t, "the shop goes on", func() bool { return len(s.in.Messages("", 0)) > before+100 })
	closeShops()
	stopTicking()
	if code := p.stop(t); code != 0 {
		t.Errorf("a stop that was asked for ends with exit code %d:\n%s", code, p.log)
	}
	s.front.serve()
	s.finish()
	s.audit(a)
	for _, r := range storetest.Rows(t, server, "SELECT event_id FROM deliveries WHERE status BETWEEN 200 AND 299 GROUP BY event_id HAVING COUNT(*) > 1") {
		t.Errorf("event %s was sent again though its receiver had taken it", r[0])
	}
}

// TestACopyKilled: a copy that dies in the middle leaves the file as it was, and a target that
// nobody takes for a gateway's; begun again, it goes through.
func TestACopyKilled(t *testing.T) {
	file, server := storetest.DSN(t, storetest.SQLite), storetest.DSN(t, storetest.Postgres)
	s := newStreet(t, file)
	p := serve(t, s.env)
	s.front.serve(p.url)
	s.register()
	p.stop(t)
	s.front.serve()

	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	do := func(statement string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	asleep := func() bool {
		var n int
		if err := conn.QueryRow(t.Context(), "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n > 0
	}
	do("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NULL; END $$")
	do("CREATE TRIGGER wait BEFORE INSERT ON invoices FOR EACH STATEMENT EXECUTE FUNCTION wait()")
	copying := launch(t, nil, "migrate", "copy", "--from", file, "--to", server)
	await(t, "the copy is in the middle", asleep)
	copying.kill()

	s.env["DATABASE_URL"], s.env["LOG_LEVEL"] = server, "error" // the tests' server does not sync, and is said so
	if code, out := runProgram(t, s.env, "serve"); code != 1 || !oneLine(out) {
		t.Errorf("serve on a half-made copy ends with %d and says %q", code, out)
	}
	do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()")
	await(t, "the server notices", func() bool { return !asleep() })
	do("DROP TRIGGER wait ON invoices")
	if code, out := runProgram(t, s.env, "serve"); code != 1 || !oneLine(out) {
		t.Errorf("serve on what a copy left ends with %d and says %q", code, out)
	}
	if n := storetest.Value(t, server, "SELECT COUNT(*) FROM merchants"); n != "0" {
		t.Errorf("the dead copy left %s merchants", n)
	}
	if code, out := runProgram(t, nil, "migrate", "copy", "--from", file, "--to", server); code != 0 {
		t.Fatalf("a copy that is begun again ends with %d: %s", code, out)
	}
	s.env["LOG_LEVEL"] = "info"
	p = serve(t, s.env)
	if n := storetest.Value(t, server, "SELECT COUNT(*) FROM merchants"); n != storetest.Value(t, file, "SELECT COUNT(*) FROM merchants") {
		t.Errorf("%s merchants", n)
	}
	p.stop(t)
}
