package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
		"Payme: invoice, Check, Create, Perform", "disk for a payment",
		"Click: invoice, Prepare, Complete", "Uzum: invoice, check, create, confirm", "Multicard: invoice, success callback",
		"Payme, 3 merchants", "Payme, one hot merchant",
		"webhooks that waited, to 10 receivers",
		"from commit to receiver, 100 payments/s", "from commit to receiver, 100 payments/s, one of 10 receivers hangs",
		"GET invoice, 100 invoices", "list by business, 100 invoices", "search by pay number, 100 invoices", "search by order, 100 invoices",
		"GET invoice, 200 invoices", "list by business, 200 invoices", "search by pay number, 200 invoices", "search by order, 200 invoices",
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
