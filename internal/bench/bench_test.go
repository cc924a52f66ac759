package bench

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/store/storetest"
)

// A run in miniature: every flow on SQLite, with real payments through every company's messages.
// It says nothing of speed; it shows that each line of the table is measured and is told.
func TestARun(t *testing.T) {
	o := Options{
		Dir: t.TempDir(), SQLite: true, Each: 50 * time.Millisecond, Connections: []int{1, 4},
		Backlog: 30, Businesses: 3, History: []int{100, 200}, Profiles: t.TempDir(),
	}
	var told int
	o.Progress = func(f Figure) {
		told++
		if !strings.Contains(f.Line(), f.What) {
			t.Errorf("progress: %q", f.Line())
		}
	}
	report, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var whats []string
	for _, f := range report.Figures {
		whats = append(whats, f.What)
		if f.Value <= 0 {
			t.Errorf("%s: %v %s", f.What, f.Value, f.Unit)
		}
	}
	want := []string{
		"4 kB appended to a file and synced",
		"net/http with an empty handler", "net/http with an empty handler", "net/http with an empty handler",
		"a payment's rows in plain SQL, no gateway", "a payment's rows in plain SQL, no gateway", "a payment's rows in plain SQL, no gateway",
		"POST invoice", "POST invoice",
		"Payme: Check, Create, Perform", "disk for a payment",
		"Click: Prepare, Complete", "Uzum: check, create, confirm", "Multicard: invoice, success callback",
		"Payme, 3 merchants", "Payme, one hot merchant",
		"webhooks that waited, to 10 receivers",
		"from commit to receiver, 100 payments/s", "from commit to receiver, 100 payments/s, one of 10 receivers hangs",
		"GET invoice, 100 invoices", "list by business, 100 invoices", "search by pay number, 100 invoices", "search by order, 100 invoices",
		"search by provider id, 100 invoices", "search by phone tail, 100 invoices",
		"GET invoice, 200 invoices", "list by business, 200 invoices", "search by pay number, 200 invoices", "search by order, 200 invoices",
		"search by provider id, 200 invoices", "search by phone tail, 200 invoices",
	}
	if diff := cmp.Diff(want, whats); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
	if told != len(want) {
		t.Errorf("%d lines of progress for %d figures", told, len(want))
	}
	var page strings.Builder
	report.Print(&page)
	for _, f := range report.Figures {
		if !strings.Contains(page.String(), "| "+f.What) {
			t.Errorf("%q is not in the table", f.What)
		}
	}
}

// Several processes share a database; one is killed under load, and the books are what was
// answered: else there would be no figure.
func TestSeveralProcesses(t *testing.T) {
	program := filepath.Join(t.TempDir(), "chorsu")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/chorsu").CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	r := &run{engine: "PostgreSQL", o: Options{Program: program, Dir: t.TempDir(), Each: time.Second, Processes: []int{1, 2}}, bare: map[int]float64{busy: 1000}}
	if err := r.processes(t.Context(), storetest.DSN(t, storetest.Postgres)); err != nil {
		t.Fatal(err)
	}
	var whats []string
	for _, f := range r.report.Figures {
		whats = append(whats, f.What)
		t.Log(f.Line())
	}
	const killed = "one of 2 processes is killed under load"
	want := []string{
		"Payme, 1 process on one database", "Payme, 2 processes on one database",
		killed + ": requests that were cut off", killed + ": until the other took over its last webhook", killed + ": payments that were answered",
	}
	if diff := cmp.Diff(want, whats); diff != "" {
		t.Errorf("the figures (-want +got):\n%s", diff)
	}
}

// Each target is somebody's: a figure that is renamed takes its target along.
func TestTargets(t *testing.T) {
	all := []Figure{
		{Engine: "SQLite", What: whatInvoice, Connections: busy, Value: 2000, P99: 20 * ms},
		{Engine: "SQLite", What: whatInvoice, Connections: 8, Value: 1},
		{Engine: "SQLite", What: whatPayme, Connections: busy, Value: 1499},
		{Engine: "SQLite", What: whatWaited + " 10 receivers", Value: 3000},
		{Engine: "SQLite", What: whatLatency, P50: 5 * ms, P99: 50 * ms},
		{Engine: "SQLite", What: whatLatency + ", one of 10 receivers hangs", P50: 5 * ms, P99: 149 * ms},
		{Engine: "SQLite", What: whatHot, Value: 79, Limit: 100},
		{Engine: "SQLite", What: whatReady, Value: 99},
		{Engine: "SQLite", What: whatIdle, Value: 61},
		{Engine: "SQLite", What: whatFile, Value: 45},
		{Engine: "SQLite", What: "GET invoice, 100 invoices", OfFirst: 0.84},
		{Engine: "PostgreSQL", What: whatInvoice, Connections: busy, Value: 1999, Limit: 4000, P99: 26 * ms},
		{Engine: "PostgreSQL", What: whatPayme, Connections: busy, Value: 1200},
		{Engine: "PostgreSQL", What: whatWaited + " 10 receivers", Value: 3999},
		{Engine: "PostgreSQL", What: whatLatency, P50: 21 * ms, P99: 50 * ms},
		{Engine: "PostgreSQL", What: whatLatency + ", one of 10 receivers hangs", P99: 150 * ms},
		{Engine: "PostgreSQL", What: "GET invoice, 100 invoices", OfFirst: 0.83},
	}
	judge(all)
	var got []string
	for _, f := range all {
		switch {
		case f.Target == "":
			got = append(got, "none")
		case f.Met:
			got = append(got, "met")
		default:
			got = append(got, "missed")
		}
		if shown := f.verdict(); (shown == "") != (f.Target == "") || f.Target != "" && f.Met == strings.Contains(shown, "missed") {
			t.Errorf("%s: %q is shown for %v", f.What, shown, f.Met)
		}
	}
	want := []string{
		"met", "none", "missed", "met", "met", "met", "missed", "met", "missed", "met", "met",
		"missed", "met", "missed", "missed", "missed", "missed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, target := range targets {
		used := false
		for _, f := range all {
			used = used || target.of(f)
		}
		if !used {
			t.Errorf("no figure has the target %q of %s", target.wants, target.what)
		}
	}
}

func TestQuantile(t *testing.T) {
	all := make([]time.Duration, 100)
	for i := range all {
		all[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		of   []time.Duration
		q    float64
		want time.Duration
	}{{all, 0.5, 50}, {all, 0.99, 99}, {all[:1], 0.99, 1}, {all[:2], 0.5, 1}, {nil, 0.5, 0}} {
		if got := quantile(c.of, c.q); got != c.want {
			t.Errorf("quantile %v of %d values is %d, want %d", c.q, len(c.of), got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{7: "7", 10_000: "10 000", 5_000_000: "5 000 000"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %q", n, got)
		}
	}
	f := Figure{Engine: "SQLite", What: "POST invoice", Connections: 32, Value: 1234.5, Unit: "invoices/s", P50: 1500 * time.Microsecond, P99: 20 * time.Millisecond, Limit: 2469, LimitIs: "plain SQL"}
	want := []string{"SQLite", "POST invoice", "32", "1234 invoices/s", "1.50 ms", "20.0 ms", "50 % of 2469 (plain SQL)", "", ""}
	if diff := cmp.Diff(want, f.cells()); diff != "" {
		t.Error(diff)
	}
}
