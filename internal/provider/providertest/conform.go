package providertest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/chorsu/chorsu/internal/pay"
)

// amount is what every invoice of the suite asks for: 50 000,50 soum, so that both units of
// the wires have something to lose.
const amount = 5_000_050

// Conform runs a provider through what every provider must bear, on both engines. It knows the
// company's wire by d alone.
func Conform(t *testing.T, s Setup, d Dialect) {
	for _, c := range []struct {
		name string
		run  func(*suite)
	}{
		{"paid once and told once", (*suite).pays},
		{"a repeat changes nothing", (*suite).repeats},
		{"64 confirmations at once", (*suite).races},
		{"several attempts at once", (*suite).racesAttempts},
		{"confirmations and cancellations at once", (*suite).racesUndo},
		{"a forged message", (*suite).forged},
		{"a wrong amount", (*suite).wrongAmount},
		{"an unknown account", (*suite).unknownAccount},
		{"a foreign service", (*suite).foreignService},
		{"another business's invoice", (*suite).otherBusiness},
		{"a late confirmation", (*suite).late},
		{"an expired invoice", (*suite).expired},
		{"a cancellation before the confirmation", (*suite).undoFirst},
		{"a cancellation after the confirmation", (*suite).undoAfter},
		{"everything again, in order and out of it", (*suite).replays},
		{"a database that fails in the middle", (*suite).storeFails},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			Each(t, s, func(t *testing.T, b *Bench) { c.run(&suite{Bench: b, t: t, d: d}) })
		})
	}
}

// suite is one test of the suite.
type suite struct {
	*Bench
	t *testing.T
	d Dialect
}

// begin makes an invoice and an attempt on it.
func (s *suite) begin() (invoice string, a Attempt) {
	s.t.Helper()
	invoice = s.Invoice(amount, nil)
	a = s.d.Begin(s.Bench, invoice, amount)
	if !done(a.Verdict) {
		s.t.Fatalf("an attempt was not begun: %s", said(a.Verdict))
	}
	return invoice, a
}

// settle confirms an attempt, which must be taken.
func (s *suite) settle(a Attempt) {
	s.t.Helper()
	if v := s.d.Settle(s.Bench, a); !done(v) {
		s.t.Fatalf("a confirmation was not taken: %s", said(v))
	}
}

// done: the company counts it as done, now or before.
func done(v Verdict) bool { return v.Accepted || v.Repeat }

func said(v Verdict) string {
	return fmt.Sprintf("code %q, HTTP %d %s", v.Code, v.Answer.Status, v.Answer.Body)
}

// refused wants a no.
func (s *suite) refused(what string, v Verdict) {
	s.t.Helper()
	if done(v) {
		s.t.Errorf("%s was taken: %s", what, said(v))
	}
}

// unmoved wants the database to be as it was.
func (s *suite) unmoved(what, before string) {
	s.t.Helper()
	if now := s.Footprint(); now != before {
		s.t.Errorf("%s left something behind:\nbefore %s\nafter  %s", what, before, now)
	}
}

// is wants an invoice in a status, and its webhooks to have told these, each once and in order.
func (s *suite) is(invoice, status string, told ...string) {
	s.t.Helper()
	s.Settle()
	if got := s.Status(invoice); got != status {
		s.t.Errorf("the invoice is %s, want %s", got, status)
	}
	var got []string
	for _, w := range s.Webhooks(invoice) {
		got = append(got, fmt.Sprint(w.JSON["status"]))
	}
	if !slices.Equal(got, told) {
		s.t.Errorf("the app was told %q, want %q", got, told)
	}
	s.sound(invoice)
}

// sound checks what must hold of any invoice at any time.
func (s *suite) sound(invoice string) {
	s.t.Helper()
	live := 0
	for _, p := range s.Payments(invoice) {
		if p.State.Live() {
			live++
		}
		if p.Captured > p.Amount || p.Refunded+p.Reserved > p.Captured || p.State == pay.Refunded && p.Refunded != p.Captured {
			s.t.Errorf("a payment whose sums do not hold: %+v", p)
		}
	}
	if live > 1 {
		s.t.Errorf("%d live payments on one invoice", live)
	}
}

// ─── One attempt ───────────────────────────────────────────────────────────────────────────

func (s *suite) pays() {
	invoice, a := s.begin()
	s.is(invoice, "pending")
	s.settle(a)
	s.is(invoice, "paid", "paid")
	p := s.Payments(invoice)
	if len(p) != 1 || p[0].State != pay.Paid || p[0].Captured != amount || p[0].PaidAt.IsZero() {
		s.t.Errorf("the payment: %+v", p)
	}
}

func (s *suite) repeats() {
	invoice, a := s.begin()
	s.settle(a)
	s.is(invoice, "paid", "paid")
	before := s.Footprint()
	for range 3 {
		s.Advance(time.Minute)
		s.settle(a)
	}
	s.unmoved("a repeated confirmation", before)
	s.is(invoice, "paid", "paid")
}

func (s *suite) forged() {
	invoice, a := s.begin()
	before := s.Footprint()
	s.refused("a forged confirmation", s.d.Forge(s.Bench, a))
	s.unmoved("a forged confirmation", before)
	s.is(invoice, "pending")
	s.settle(a)
	s.is(invoice, "paid", "paid")
	before = s.Footprint()
	s.refused("a forged repeat", s.d.Forge(s.Bench, a))
	s.unmoved("a forged repeat", before)
}

// wrongAmount: one tiyin more or less is refused where it is first said: at the beginning, or,
// where our own call began it, at the confirmation. A person may be called; no money counts.
func (s *suite) wrongAmount() {
	for _, wrong := range []int64{amount + 1, amount - 1, amount * 100, amount / 100} {
		invoice := s.Invoice(amount, nil)
		a := s.d.Begin(s.Bench, invoice, wrong)
		if done(a.Verdict) {
			a.Amount = wrong
			s.refused(fmt.Sprintf("a confirmation of %d for %d", wrong, amount), s.d.Settle(s.Bench, a))
		}
		s.is(invoice, "pending")
		for _, p := range s.Payments(invoice) {
			if p.State.Live() || p.Captured != 0 {
				s.t.Errorf("%d tiyin counted for %d: %+v", wrong, amount, p)
			}
		}
	}
}

func (s *suite) unknownAccount() {
	before := s.Footprint()
	for _, account := range []string{uuid.NewString(), "1234567890", "0", "nobody"} {
		a := s.d.Begin(s.Bench, account, amount)
		if done(a.Verdict) {
			s.refused("a confirmation for nobody", s.d.Settle(s.Bench, a))
		}
	}
	s.unmoved("an unknown account", before)
}

func (s *suite) foreignService() {
	invoice := s.Invoice(amount, nil)
	before := s.Footprint()
	v, ok := s.d.Foreign(s.Bench, invoice, amount)
	if ok {
		s.refused("a message for another service", v)
	}
	s.unmoved("a message for another service", before)
	s.is(invoice, "pending")
}

// otherBusiness: what one merchant's address and key may say of another business's invoice.
func (s *suite) otherBusiness() {
	s.Register("biz-2", s.setup.Credentials, s.setup.Options)
	invoice := s.Invoice(amount, map[string]any{"businessId": "biz-2"})
	before := s.Money()
	events := s.Row("SELECT COUNT(*) FROM events")
	a := s.d.Begin(s.Bench, invoice, amount)
	if done(a.Verdict) {
		s.refused("a confirmation of another business's invoice", s.d.Settle(s.Bench, a))
	}
	if s.Money() != before || s.Row("SELECT COUNT(*) FROM events") != events {
		s.t.Error("one business's key moved another's money")
	}
	s.is(invoice, "pending")
}

// ─── Time ──────────────────────────────────────────────────────────────────────────────────

func (s *suite) late() {
	lapse := s.d.Lapse()
	if lapse == 0 {
		invoice, a := s.begin() // no rule of the company's own: it may confirm as long as the invoice stands
		s.Advance(23 * time.Hour)
		s.settle(a)
		s.is(invoice, "paid", "paid")
		return
	}
	inTime, a := s.begin()
	s.Advance(lapse - time.Second)
	s.settle(a)
	s.is(inTime, "paid", "paid")

	tooLate, a := s.begin()
	s.Advance(lapse + time.Second)
	s.refused("a confirmation after the company's own time", s.d.Settle(s.Bench, a))
	for _, p := range s.Payments(tooLate) {
		if p.State.Live() {
			s.t.Errorf("a lapsed payment lives: %+v", p)
		}
	}
	s.refused("its repeat", s.d.Settle(s.Bench, a))
	if got := s.Status(tooLate); got != "pending" && got != "cancelled" {
		s.t.Errorf("the invoice is %s", got)
	}
}

// expired: an invoice that nobody began to pay is cancelled, and cannot be begun afterwards.
func (s *suite) expired() {
	invoice := s.Invoice(amount, map[string]any{"ttlSeconds": 60})
	s.Advance(2 * time.Minute)
	for s.Settle(); s.Status(invoice) == "pending" && s.Now().Sub(start) < 15*time.Minute; s.Settle() {
		s.Advance(time.Minute) // the company may have a page to take back first
	}
	s.is(invoice, "cancelled", "cancelled")
	a := s.d.Begin(s.Bench, invoice, amount)
	if done(a.Verdict) {
		s.refused("a confirmation of a cancelled invoice", s.d.Settle(s.Bench, a))
	}
	s.is(invoice, "cancelled", "cancelled")
}

// ─── Taken back ────────────────────────────────────────────────────────────────────────────

func (s *suite) undoFirst() {
	invoice, a := s.begin()
	v, ok := s.d.Undo(s.Bench, a)
	if !ok {
		return
	}
	if !done(v) {
		s.t.Fatalf("a cancellation was not taken: %s", said(v))
	}
	before := s.Footprint()
	if v, _ := s.d.Undo(s.Bench, a); !done(v) {
		s.t.Errorf("a repeated cancellation was not taken: %s", said(v))
	}
	s.unmoved("a repeated cancellation", before)
	s.refused("a confirmation after the cancellation", s.d.Settle(s.Bench, a))
	for _, p := range s.Payments(invoice) {
		if p.State.Live() {
			s.t.Errorf("a cancelled payment lives: %+v", p)
		}
	}
	if s.Status(invoice) != "pending" {
		return // the company closed the invoice for good
	}
	again := s.d.Begin(s.Bench, invoice, amount)
	if !done(again.Verdict) {
		s.t.Fatalf("after a cancelled attempt the buyer cannot try again: %s", said(again.Verdict))
	}
	s.settle(again)
	s.is(invoice, "paid", "paid")
}

func (s *suite) undoAfter() {
	invoice, a := s.begin()
	s.settle(a)
	s.is(invoice, "paid", "paid")
	v, ok := s.d.Undo(s.Bench, a)
	if !ok {
		return
	}
	if s.Status(invoice) == "paid" {
		// This message never un-pays (Click's). Where its answer reads like a yes, a person is told.
		s.is(invoice, "paid", "paid")
		if done(v) && len(s.Alarms(invoice)) == 0 {
			s.t.Errorf("the company heard yes, the payment stands, and nobody was told: %s", said(v))
		}
		return
	}
	s.is(invoice, "refunded", "paid", "refunded")
	before := s.Footprint()
	if v, _ := s.d.Undo(s.Bench, a); !done(v) {
		s.t.Errorf("a repeated return was not taken: %s", said(v))
	}
	s.unmoved("a repeated return", before)
	s.d.Settle(s.Bench, a) // may be worded either way, and must not bring the money back
	s.is(invoice, "refunded", "paid", "refunded")
}

// ─── At once, again, and with a database that fails ────────────────────────────────────────

func (s *suite) races() {
	invoice, a := s.begin()
	verdicts := make([]Verdict, 64)
	s.Race(len(verdicts), func(i int) { verdicts[i] = s.d.Settle(s.Bench, a) })
	for _, v := range verdicts {
		if !done(v) {
			s.t.Errorf("one of 64 equal confirmations was refused: %s", said(v))
		}
	}
	s.is(invoice, "paid", "paid")
	if n := len(s.Payments(invoice)); n != 1 {
		s.t.Errorf("%d payments", n)
	}
}

// racesAttempts: however many attempts a company lets begin on one invoice, one is paid.
func (s *suite) racesAttempts() {
	invoice := s.Invoice(amount, nil)
	attempts := make([]Attempt, 16)
	s.Race(len(attempts), func(i int) { attempts[i] = s.d.Begin(s.Bench, invoice, amount) })
	began := slices.DeleteFunc(attempts, func(a Attempt) bool { return !done(a.Verdict) })
	if len(began) == 0 {
		s.t.Fatal("none of 16 attempts could begin")
	}
	refs := map[string]bool{}
	taken := make([]bool, len(began))
	s.Race(len(began), func(i int) { taken[i] = done(s.d.Settle(s.Bench, began[i])) })
	for i, a := range began {
		if taken[i] {
			refs[a.Ref] = true
		}
	}
	if len(refs) != 1 {
		s.t.Errorf("%d of %d attempts were paid on one invoice", len(refs), len(began))
	}
	s.is(invoice, "paid", "paid")
}

// racesUndo: whatever comes first, what was answered and what is written agree.
func (s *suite) racesUndo() {
	invoice, a := s.begin()
	if _, ok := s.d.Undo(s.Bench, s.probe()); !ok {
		return
	}
	settled, undone := make([]bool, 32), make([]bool, 32)
	s.Race(64, func(i int) {
		if i%2 == 0 {
			settled[i/2] = done(s.d.Settle(s.Bench, a))
		} else {
			v, _ := s.d.Undo(s.Bench, a)
			undone[i/2] = v.Accepted && !v.Repeat // one of them was the first
		}
	})
	paid, back := slices.Contains(settled, true), slices.Contains(undone, true)
	switch status := s.Status(invoice); {
	case status == "paid" && paid && (!back || len(s.Alarms(invoice)) > 0): // see undoAfter
		s.is(invoice, "paid", "paid")
	case status == "refunded" && paid && back:
		s.is(invoice, "refunded", "paid", "refunded")
	case (status == "pending" || status == "failed" || status == "cancelled") && back && !paid:
		s.sound(invoice)
	default:
		s.t.Errorf("the invoice is %s; a confirmation was taken: %v, a cancellation: %v", status, paid, back)
	}
}

// probe is an attempt that is there to be undone, to see whether the company can.
func (s *suite) probe() Attempt {
	s.t.Helper()
	_, a := s.begin()
	return a
}

// replays says everything that was said again: in order, backwards, and shuffled.
func (s *suite) replays() {
	invoice, a := s.begin()
	s.settle(a)
	s.is(invoice, "paid", "paid")
	heard := s.Heard()
	before := s.Footprint()
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 4 {
		for _, h := range heard {
			s.Replay(h)
		}
		s.unmoved(fmt.Sprintf("round %d of saying everything again", round+1), before)
		if round == 0 {
			slices.Reverse(heard)
		} else {
			r.Shuffle(len(heard), func(i, j int) { heard[i], heard[j] = heard[j], heard[i] })
		}
	}
	s.is(invoice, "paid", "paid")
}

// storeFails: while nothing can be written nothing is promised; then the same message works.
func (s *suite) storeFails() {
	invoice, a := s.begin()
	before := s.Footprint()
	s.FailStore(true)
	s.refused("a confirmation that could not be written", s.d.Settle(s.Bench, a))
	s.FailStore(false)
	s.unmoved("a confirmation that could not be written", before)
	s.settle(a)
	s.is(invoice, "paid", "paid")

	other := s.Invoice(amount, nil)
	before = s.Footprint()
	s.FailStore(true)
	lost := s.d.Begin(s.Bench, other, amount)
	if done(lost.Verdict) {
		s.refused("a confirmation that could not be written", s.d.Settle(s.Bench, lost))
	}
	s.FailStore(false)
	s.unmoved("an attempt that could not be written", before)
	next := s.d.Begin(s.Bench, other, amount)
	if !done(next.Verdict) {
		s.t.Fatalf("after the database came back: %s", said(next.Verdict))
	}
	s.settle(next)
	s.is(other, "paid", "paid")
}
