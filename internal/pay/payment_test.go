package pay_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chorsu/chorsu/internal/pay"
)

var t0 = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// in returns a payment that came to a state by the shortest way.
func in(t *testing.T, s pay.State) pay.Payment {
	t.Helper()
	p := pay.Payment{ID: "p", Amount: 1000, State: pay.Created, CreatedAt: t0}
	ways := map[pay.State][]pay.State{
		pay.Created: {}, pay.Unknown: {pay.Unknown}, pay.Held: {pay.Held}, pay.Paid: {pay.Paid},
		pay.Refunded: {pay.Paid, pay.Refunded}, pay.Failed: {pay.Failed}, pay.Cancelled: {pay.Cancelled},
	}
	for _, to := range ways[s] {
		if _, err := p.Apply(pay.Change{To: to, At: t0}); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// Every state meets every change, and the answers are the table in docs/payment-states.md.
func TestPaymentStatesAgainstTheDocumentedTable(t *testing.T) {
	doc, err := os.ReadFile("../../docs/payment-states.md")
	if err != nil {
		t.Fatal(err)
	}
	want := readTable(t, string(doc))
	for _, from := range pay.States {
		for _, to := range pay.States {
			t.Run(fmt.Sprintf("%s to %s", from, to), func(t *testing.T) {
				p := in(t, from)
				before := p
				changed, err := p.Apply(pay.Change{To: to, At: t0.Add(time.Hour)})
				got := "–"
				switch {
				case err != nil:
					if pay.CodeOf(err) != pay.CodeConflict {
						t.Errorf("the error is %v, want a conflict", err)
					}
				case changed:
					got = "→"
				default:
					got = "="
				}
				if got != want[from][to] {
					t.Fatalf("got %q, the table says %q", got, want[from][to])
				}
				if got == "→" && p.State != to {
					t.Errorf("it became %s", p.State)
				}
				if got != "→" && fmt.Sprint(p) != fmt.Sprint(before) {
					t.Errorf("nothing may change, but %v became %v", before, p)
				}
			})
		}
	}
}

// readTable reads the first table of the document: a row a state, a column a change.
func readTable(t *testing.T, doc string) map[pay.State]map[pay.State]string {
	t.Helper()
	out := map[pay.State]map[pay.State]string{}
	var head []string
	for line := range strings.Lines(doc) {
		if !strings.HasPrefix(line, "|") || strings.Contains(line, "---") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "*`")
		}
		if head == nil {
			head = cells
			continue
		}
		row := map[pay.State]string{}
		for i, c := range cells[1:] {
			row[pay.State(head[i+1])] = c
		}
		out[pay.State(cells[0])] = row
		if len(out) == len(pay.States) {
			break
		}
	}
	if len(out) != len(pay.States) {
		t.Fatalf("the document's table has %d of %d states", len(out), len(pay.States))
	}
	return out
}

// Whatever is tried, in whatever order: 0 ≤ refunded + reserved ≤ captured ≤ amount, final
// states stay, and a repeat of the last change changes nothing.
func TestPaymentProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pay.Payment{Amount: pay.Tiyin(rapid.Int64Range(1, 1_000_000).Draw(t, "amount")), State: pay.Created}
		var underway []pay.Refund
		now := t0
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Second)
			before := p
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0, 1:
				c := pay.Change{To: rapid.SampledFrom(pay.States).Draw(t, "to"), At: now}
				if rapid.Bool().Draw(t, "part") {
					c.Amount = pay.Tiyin(rapid.Int64Range(-5, int64(p.Amount)+5).Draw(t, "captured"))
				}
				if p.Reserved > 0 && c.To == pay.Refunded {
					continue // the gateway refuses it: a refund is under way
				}
				if _, err := p.Apply(c); err == nil {
					again := p
					changed, err := p.Apply(c)
					if changed || err != nil || fmt.Sprint(again) != fmt.Sprint(p) {
						t.Fatalf("the repeat of %v changed %v", c, p)
					}
				}
			case 2:
				if r, err := p.StartRefund(pay.Tiyin(rapid.Int64Range(-1, int64(p.Amount)+1).Draw(t, "refund"))); err == nil {
					underway = append(underway, r)
				}
			case 3:
				if len(underway) == 0 {
					continue
				}
				r := underway[0]
				underway = underway[1:]
				if err := p.EndRefund(r, rapid.Bool().Draw(t, "succeeded"), now); err != nil {
					t.Fatalf("a refund that was reserved could not end: %v", err)
				}
			}
			if p.Refunded < 0 || p.Reserved < 0 || p.Refunded+p.Reserved > p.Captured || p.Captured > p.Amount {
				t.Fatalf("more returned than captured, or more captured than asked for: %+v", p)
			}
			if before.State.Final() && p.State != before.State {
				t.Fatalf("%s is final, and became %s", before.State, p.State)
			}
			if (p.State == pay.Refunded) != (p.Captured > 0 && p.Refunded == p.Captured) {
				t.Fatalf("refunded is when all that was captured is returned: %+v", p)
			}
		}
	})
}

// A refund is one small machine too: every state × every change.
func TestRefundStates(t *testing.T) {
	allowed := map[pay.MoveState]string{
		pay.MoveCreated:   "sent failed",
		pay.MoveSent:      "unknown succeeded failed",
		pay.MoveUnknown:   "succeeded failed",
		pay.MoveSucceeded: "",
		pay.MoveFailed:    "succeeded",
	}
	for _, from := range pay.MoveStates {
		for _, to := range pay.MoveStates {
			r := pay.Refund{State: from}
			changed, err := r.Apply(pay.MoveChange{To: to, At: t0})
			want := strings.Contains(" "+allowed[from]+" ", " "+string(to)+" ")
			if changed != want || (err == nil) != (want || from == to) {
				t.Errorf("%s to %s: changed %v, error %v", from, to, changed, err)
			}
			if ended := to == pay.MoveSucceeded || to == pay.MoveFailed; changed && ended == r.DoneAt.IsZero() {
				t.Errorf("%s to %s: ended at %v", from, to, r.DoneAt)
			}
		}
	}
}

// An invoice follows its live payment, and only End closes one that nothing was taken for.
func TestInvoiceFollowsItsPayment(t *testing.T) {
	want := map[pay.State]pay.Status{
		pay.Created: pay.StatusPending, pay.Unknown: pay.StatusPending, pay.Held: pay.StatusHeld, pay.Paid: pay.StatusPaid,
		pay.Refunded: pay.StatusRefunded, pay.Failed: pay.StatusPending, pay.Cancelled: pay.StatusPending,
	}
	auto := pay.Invoice{Status: pay.StatusPending}
	if p := in(t, pay.Held); auto.Follow(&p) || auto.Status != pay.StatusPending || !p.Open(t0) {
		t.Errorf("a hold that nobody asked for: the invoice is %s", auto.Status)
	}
	for _, s := range pay.States {
		inv := pay.Invoice{Status: pay.StatusPending, Capture: "manual"}
		p := in(t, s)
		changed := inv.Follow(&p)
		if inv.Status != want[s] || changed != (want[s] != pay.StatusPending) {
			t.Errorf("with a payment that is %s the invoice is %s (changed %v)", s, inv.Status, changed)
		}
		if inv.Follow(&p) {
			t.Errorf("following a payment that is %s twice changed the invoice again", s)
		}
	}
	for _, from := range pay.Statuses {
		for _, to := range pay.Statuses {
			inv := pay.Invoice{Status: from}
			changed, err := inv.End(to, t0)
			open := from == pay.StatusPending || from == pay.StatusHeld
			ends := to == pay.StatusCancelled || to == pay.StatusFailed
			if want := open && ends; changed != want || (err == nil) != (want || from == to) {
				t.Errorf("end %s as %s: changed %v, error %v", from, to, changed, err)
			}
		}
	}
}

// An attempt protects its invoice to the very end of its time, and not a millisecond longer.
func TestOpenAttempt(t *testing.T) {
	p := pay.Payment{State: pay.Created, ExpiresAt: t0}
	for _, c := range []struct {
		at           time.Time
		open, lapsed bool
	}{
		{t0.Add(-time.Hour), true, false},
		{t0, true, false},
		{t0.Add(time.Millisecond), false, true},
	} {
		if p.Open(c.at) != c.open || p.Lapsed(c.at) != c.lapsed {
			t.Errorf("at %v: open %v, lapsed %v", c.at.Sub(t0), p.Open(c.at), p.Lapsed(c.at))
		}
	}
	p = pay.Payment{State: pay.Created}
	if p.Open(t0) || p.Lapsed(t0) {
		t.Error("a page that we prepared is no obstacle and does not lapse")
	}
	p.State = pay.Unknown
	if !p.Open(t0) {
		t.Error("an unknown outcome is an obstacle for as long as it is unknown")
	}
}
