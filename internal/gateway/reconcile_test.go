package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// firstDay is the day on which every fixture begins, at 14:00 in Tashkent.
const firstDay = "2026-03-01"

func (fx *fixture) reconcile(providerName, file string) (pay.Reconciliation, error) {
	fx.t.Helper()
	in := gateway.ReconcileInput{Source: "app", Business: "b1", Provider: providerName, Day: firstDay}
	if file != "" {
		in.File = []byte("provider_id,order,amount,time,status\n" + file)
	}
	s, err := fx.CreateReconciliation(fx.t.Context(), in, gateway.Idem{})
	return s.Value, err
}

// compared runs a reconciliation to its end, and says what it found: a line for each difference.
func (fx *fixture) compared(providerName, file string) (pay.Reconciliation, []pay.Difference) {
	fx.t.Helper()
	r, err := fx.reconcile(providerName, file)
	if err != nil {
		fx.t.Fatal(err)
	}
	if r.State != pay.ReconcileRunning {
		fx.t.Fatalf("%+v", r)
	}
	fx.work()
	return fx.reconciliation(r.ID)
}

// work runs what is due until nothing is.
func (fx *fixture) work() {
	fx.t.Helper()
	for {
		n, err := fx.runner.RunDue(fx.t.Context())
		if err != nil {
			fx.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func (fx *fixture) reconciliation(id string) (pay.Reconciliation, []pay.Difference) {
	fx.t.Helper()
	r, err := fx.Reconciliation(fx.t.Context(), id)
	if err != nil {
		fx.t.Fatal(err)
	}
	var all []pay.Difference
	for _, v := range pay.Verdicts {
		p := gateway.Page{Limit: 2}
		for {
			got, err := fx.Differences(fx.t.Context(), id, v, p)
			if err != nil {
				fx.t.Fatal(err)
			}
			all = append(all, got.Items...)
			if p.Cursor = got.Next; p.Cursor == "" {
				break
			}
		}
	}
	return r, all
}

func (fx *fixture) finds(r pay.Reconciliation, all []pay.Difference, matched int64, want ...string) {
	fx.t.Helper()
	var got []string
	for _, d := range all {
		got = append(got, string(d.Verdict)+" "+d.Ref+": "+strings.ReplaceAll(d.Note, "\u00a0", " "))
	}
	if r.State != pay.ReconcileDone || r.Matched != matched || !slices.Equal(got, want) || r.OnlyTheirs+r.OnlyOurs+r.Different != int64(len(want)) {
		fx.t.Errorf("%s, %d matched, counts %d %d %d:\n%s\nwant %d matched:\n%s", r.State, r.Matched, r.OnlyTheirs, r.OnlyOurs, r.Different,
			strings.Join(got, "\n"), matched, strings.Join(want, "\n"))
	}
}

func line(ref, order string, amount int, status string) string {
	return fmt.Sprintf("%s,%s,%d,2026-03-01 14:00:00,%s\n", ref, order, amount, status)
}

func (fx *fixture) settleDifference(d pay.Difference, how string) (pay.Difference, error) {
	fx.t.Helper()
	s, err := fx.Settle(fx.t.Context(), gateway.SettleInput{ReconciliationID: d.ReconciliationID, DifferenceID: d.ID, How: how, By: "dilnoza@shop.uz", Reason: "seen in the cabinet"}, gateway.Idem{})
	return s.Value, err
}

// A file is compared by the company's id, and by how it names our side: every kind of difference
// is found once, and what is of another day is nobody's.
func TestReconcileByFile(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		var invoices []gateway.Invoice
		for i := range 6 {
			invoices = append(invoices, fx.paid("link", fmt.Sprint("o", i)))
		}
		fx.merchant("b2", "link") // another business's book is not looked at
		fx.advance(24 * time.Hour)
		late := fx.paid("link", "late")
		r, all := fx.compared("link", line("ref-o0", invoices[0].ID, 100_000, "paid")+
			line("", invoices[1].PayNumber, 100_000, "paid")+
			line("ref-o2", "", 99_999, "paid")+
			line("ref-o3", "", 100_000, "refunded")+
			line("other", invoices[4].ID, 100_000, "paid")+
			line("nobody", "", 5_000, "paid")+
			line("refused", "", 5_000, "failed")+
			strings.Replace(line("yesterday", "", 5_000, "paid"), "03-01 14", "02-28 14", 1)+
			line("", invoices[1].ID, 100_000, "paid"))
		fx.finds(r, all, 2,
			"only_theirs other: another transaction of the same order; ours is ref-o4",
			"only_theirs nobody: our book has no such payment",
			"only_theirs : another row of the file names the same payment",
			"only_ours : the file does not name it",
			"only_ours : the file does not name it",
			"different ref-o2: the amount: 999,99 soʻm there, 1 000 soʻm here",
			"different ref-o3: the status: refunded there, paid here",
		)
		if late.Status != pay.StatusPaid {
			t.Error(late.Status)
		}
		if _, more := fx.reconciliation(r.ID); len(more) != len(all) {
			t.Error("it changed by being read")
		}
	})
}

// Taking over the company's word goes the ways that asking goes; what those do not allow stays.
func TestSettleDifferences(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		// Unknown here, paid there.
		fx.merchant("b1", "cards")
		lost := fx.invoice(fx.input("cards", "lost"))
		fx.cards.after = func() { panic("killed") }
		dies(t, func() {
			_, _ = fx.Pay(t.Context(), gateway.PayInput{InvoiceID: lost.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}, gateway.Idem{})
		})
		fx.advance(gateway.Lease + time.Second)
		fx.settle()
		// Paid here, returned there; a return of ours whose answer was lost; failed there.
		returned, failed := fx.paid("link", "returned"), fx.paid("link", "failed")
		half := fx.paid("host", "half")
		fx.host.onRefund = func(provider.RefundOrder) (provider.MoveOutcome, error) { return provider.MoveOutcome{}, errReset }
		fx.host.onInquire = func(provider.Question) (provider.Report, error) { return provider.Report{Found: true}, nil }
		if s, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: half.ID}, gateway.Idem{}); err != nil || s.Value.State != pay.MoveUnknown {
			t.Fatalf("%+v, %v", s, err)
		}
		fx.advance(24 * time.Hour)

		r, all := fx.compared("cards", line("", lost.ID, 100_000, "paid"))
		fx.finds(r, all, 0, "different : the status: paid there, unknown here")
		for range 2 {
			if d, err := fx.settleDifference(all[0], gateway.SettleTheirs); err != nil || d.Ours.State != pay.Paid || d.SettledBy != "dilnoza@shop.uz" {
				t.Fatalf("%+v, %v", d, err)
			}
		}
		if got := fx.get(lost.ID); got.Status != pay.StatusPaid || got.Attention != "" {
			t.Errorf("%s, %q", got.Status, got.Attention)
		}
		if _, err := fx.settleDifference(all[0], gateway.SettleNoted); reason(err) != "already_settled" {
			t.Error(err)
		}
		fx.audited(lost.ID, "theirs")

		_, all = fx.compared("host", line("", half.ID, 100_000, "refunded"))
		if _, err := fx.settleDifference(all[0], gateway.SettleTheirs); err != nil {
			t.Fatal(err)
		}
		if got := fx.get(half.ID); got.Status != pay.StatusRefunded || fx.host.refunds != 1 || got.Attention != "" {
			t.Errorf("%s after %d refunds, %q", got.Status, fx.host.refunds, got.Attention)
		}

		r, all = fx.compared("link", line("ref-returned", "", 100_000, "refunded")+line("ref-failed", "", 100_000, "failed")+line("nobody", "", 100, "paid"))
		fx.finds(r, all, 0, "only_theirs nobody: our book has no such payment",
			"different ref-returned: the status: refunded there, paid here", "different ref-failed: the status: failed there, paid here")
		if _, err := fx.settleDifference(all[0], gateway.SettleTheirs); reason(err) != "nothing_to_take_over" {
			t.Error(err)
		}
		if _, err := fx.settleDifference(all[1], gateway.SettleTheirs); err != nil {
			t.Error(err)
		}
		if _, err := fx.settleDifference(all[2], gateway.SettleTheirs); reason(err) != "not_taken_over" {
			t.Error(err)
		}
		if a, b := fx.get(returned.ID), fx.get(failed.ID); a.Status != pay.StatusRefunded || b.Status != pay.StatusPaid {
			t.Errorf("%s, %s", a.Status, b.Status)
		}
		for _, d := range []pay.Difference{all[0], all[2]} {
			if d, err := fx.settleDifference(d, gateway.SettleNoted); err != nil || d.SettledHow != gateway.SettleNoted {
				t.Errorf("%+v, %v", d, err)
			}
		}
		fx.audited(failed.ID, "noted")
		if _, err := fx.Settle(t.Context(), gateway.SettleInput{ReconciliationID: r.ID, DifferenceID: lost.ID}, gateway.Idem{}); pay.CodeOf(err) != pay.CodeNotFound {
			t.Error(err)
		}
	})
}

// audited checks that the settlement stands in the invoice's timeline in the person's name.
func (fx *fixture) audited(invoiceID, how string) {
	fx.t.Helper()
	list, err := fx.Timeline(fx.t.Context(), invoiceID)
	if err != nil {
		fx.t.Fatal(err)
	}
	n := 0
	for _, e := range list {
		if e.What == "reconciliation" && e.By == "dilnoza@shop.uz" && e.Now == how && strings.Contains(e.Note, "seen in the cabinet") {
			n++
		}
	}
	if n != 1 {
		fx.t.Errorf("%d settlements stand in the timeline", n)
	}
}

// Payouts are settled too: here with the company's own word, by way of the person's decision.
func TestSettleAPayout(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.payer.after = func(string) error { return errReset }
		p := fx.create(fx.payout("p1", false), gateway.Idem{}).Value
		fx.payer.after = nil
		sent := fx.create(fx.payout("p2", false), gateway.Idem{}).Value
		forgotten := fx.create(fx.payout("p3", false), gateway.Idem{}).Value
		fx.payer.register = []provider.RegisterRow{
			{Ref: "ref-" + p.ID, Order: p.ID, State: pay.Paid, Amount: 50_000, PaidAt: fx.Now()},
			{Ref: "ref-" + sent.ID, Order: sent.ID, State: pay.Paid, Amount: 50_000, PaidAt: fx.Now()},
			{Ref: "foreign", Order: "x", State: pay.Paid, Amount: 7_000, PaidAt: fx.Now()},
		}
		fx.advance(24 * time.Hour)
		fx.settle()
		fx.payoutIs(p.ID, pay.MoveUnknown)
		r, all := fx.compared("payer", "")
		fx.finds(r, all, 1, "only_theirs foreign: our book has no such payout", "only_ours : payer cannot be asked of it",
			"different ref-"+p.ID+": the status: paid there, unknown here")
		if d := all[1]; d.OurID != forgotten.ID || d.Kind != pay.KindPayout {
			t.Errorf("%+v", d)
		}
		if _, err := fx.settleDifference(all[2], gateway.SettleTheirs); err != nil {
			t.Fatal(err)
		}
		fx.payoutIs(p.ID, pay.MoveSucceeded)
		list, err := fx.PayoutTimeline(t.Context(), p.ID)
		if err != nil || !slices.ContainsFunc(list, func(e gateway.TimelineEntry) bool { return e.What == "reconciliation" }) {
			t.Errorf("%+v, %v", list, err)
		}
		if fx.payer.sent != 3 {
			t.Errorf("%d were sent", fx.payer.sent)
		}
	})
}

// A company without a list is asked of each payment of the day. While it is away nothing is
// concluded; when it stays away, the reconciliation has failed.
func TestReconcileByAsking(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.cards.askable = true
		fx.merchant("b1", "cards")
		var ids []string
		for i := range 3 {
			inv := fx.invoice(fx.input("cards", fmt.Sprint("o", i)))
			s, err := fx.Pay(t.Context(), gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}, gateway.Idem{})
			if err != nil || s.Value.Status != pay.StatusPaid {
				t.Fatalf("%+v, %v", s, err)
			}
			ids = append(ids, s.Value.Payment.ID)
		}
		delete(fx.cards.taken, ids[1]) // the company forgets one
		// One it took after all, though it said no, and one it did not take.
		for _, taken := range []bool{true, false} {
			inv := fx.invoice(fx.input("cards", fmt.Sprint("refused", taken)))
			fx.cards.says = func(op string, p pay.Payment) (provider.Outcome, error) {
				if taken {
					fx.cards.taken[p.ID] = true
				}
				return provider.Outcome{State: pay.Failed, Ref: "ref-" + p.ID, Reason: pay.DeclineFunds}, nil
			}
			if s, err := fx.Pay(t.Context(), gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}, gateway.Idem{}); err != nil || s.Value.Payment.State != pay.Failed {
				t.Fatalf("%+v, %v", s, err)
			}
		}
		fx.cards.says = nil
		fx.advance(24 * time.Hour)
		fx.cards.down = true
		r, err := fx.reconcile("cards", "")
		if err != nil {
			t.Fatal(err)
		}
		fx.work()
		if r, _ := fx.reconciliation(r.ID); r.State != pay.ReconcileRunning || r.Matched != 0 {
			t.Errorf("while it is away: %+v", r)
		}
		fx.cards.down = false
		fx.advance(2 * time.Minute)
		fx.work()
		r, all := fx.reconciliation(r.ID)
		fx.finds(r, all, 2, "only_ours : cards does not know it", "different : the status: paid there, failed here")
		if len(all) == 2 && all[0].OurID != ids[1] {
			t.Errorf("%+v", all[0])
		}

		fx.cards.down = true
		if r, err = fx.reconcile("cards", ""); err != nil {
			t.Fatal(err)
		}
		fx.work()
		fx.advance(7 * time.Hour)
		fx.work()
		if r, _ = fx.reconciliation(r.ID); r.State != pay.ReconcileFailed || r.Note == "" {
			t.Errorf("when it stays away: %+v", r)
		}
	})
}

// However often a step is broken off, each transaction is counted once.
func TestReconcileInSteps(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		var file strings.Builder
		const many = 120
		for i := range many {
			fx.paid("link", fmt.Sprint("o", i))
			if i%10 != 0 {
				file.WriteString(line(fmt.Sprint("ref-o", i), "", 100_000, "paid"))
			}
		}
		for i := range 7 {
			file.WriteString(line(fmt.Sprint("foreign", i), "", 100, "paid"))
		}
		fx.advance(24 * time.Hour)
		r, err := fx.reconcile("link", file.String())
		if err != nil {
			t.Fatal(err)
		}
		steps := 0
		for {
			fx.store.FailWrites(true)
			_, _ = fx.runner.RunDue(t.Context()) // the step is not written
			fx.store.FailWrites(false)
			fx.advance(gateway.Lease + time.Second)
			n, err := fx.runner.RunDue(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			if steps++; steps > 50 {
				t.Fatal("it does not come to an end")
			}
		}
		r, all := fx.reconciliation(r.ID)
		if r.State != pay.ReconcileDone || r.Matched != 108 || r.OnlyOurs != 12 || r.OnlyTheirs != 7 || r.Different != 0 || len(all) != 19 {
			t.Errorf("%+v, %d differences", r, len(all))
		}
	})
}

// The nightly run begins two hours after midnight in Tashkent, once for each merchant that wants
// it and each day, whoever begins it; it puts what it finds before a person until all is settled.
func TestReconcileNightly(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.cards.askable = true
		save := func(business string, on bool) {
			t.Helper()
			_, err := fx.SaveMerchant(t.Context(), gateway.MerchantInput{
				Source: "app", Business: business, Provider: "cards", Credentials: map[string]string{"key": "x"}, Options: &pay.Options{ReconcileNightly: on},
			}, gateway.Idem{})
			if err != nil {
				t.Fatal(err)
			}
		}
		save("b1", true)
		save("b2", false)
		inv := fx.invoice(fx.input("cards", "o1"))
		s, err := fx.Pay(t.Context(), gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}, gateway.Idem{})
		if err != nil {
			t.Fatal(err)
		}
		delete(fx.cards.taken, s.Value.Payment.ID)

		begun := func(at time.Duration, want int) {
			t.Helper()
			fx.advance(at)
			n, err := fx.ReconcileNightly(t.Context())
			if err != nil || n != want {
				t.Fatalf("%d were begun at %s, want %d: %v", n, fx.Now(), want, err)
			}
		}
		begun(11*time.Hour, 0) // 01:00 in Tashkent: not yet
		fx.advance(time.Hour)
		var race sync.WaitGroup
		for range 8 {
			race.Go(func() {
				if _, err := fx.ReconcileNightly(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		race.Wait()
		begun(0, 0)
		fx.work()
		var ids []string
		if err := fx.store.View(t.Context(), func(ctx context.Context, tx *storeTx) error {
			alarms, err := tx.OpenAlarms(ctx, storePage{Limit: 100})
			for _, a := range alarms {
				ids = append(ids, a.ID)
			}
			return err
		}); err != nil || len(ids) != 1 {
			t.Fatalf("%v, %v", ids, err)
		}
		r, all := fx.reconciliation(ids[0]) // the alarm has the reconciliation's id
		fx.finds(r, all, 0, "only_ours : cards does not know it")
		if !r.Nightly || r.Day != firstDay {
			t.Errorf("%+v", r)
		}
		if _, err := fx.settleDifference(all[0], gateway.SettleNoted); err != nil {
			t.Fatal(err)
		}
		if err := fx.store.View(t.Context(), func(ctx context.Context, tx *storeTx) error {
			alarms, err := tx.OpenAlarms(ctx, storePage{Limit: 100})
			if len(alarms) != 0 {
				t.Errorf("%+v", alarms)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		begun(48*time.Hour, 2) // after a standstill the days between are made up for
	})
}

// What cannot be compared is refused before anything is written; a repeat gives the first one.
func TestReconciliationsThatCannotBe(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.paid("link", "o1")
		in := gateway.ReconcileInput{Source: "app", Business: "b1", Provider: "link", Day: firstDay, File: []byte("provider_id,order,amount,time,status\n" + line("ref-o1", "", 100_000, "paid"))}
		try := func(change func(*gateway.ReconcileInput)) error {
			other := in
			change(&other)
			_, err := fx.CreateReconciliation(t.Context(), other, gateway.Idem{})
			return err
		}
		if err := try(func(*gateway.ReconcileInput) {}); pay.CodeOf(err) != pay.CodeInvalid {
			t.Errorf("a day that is not over: %v", err)
		}
		fx.advance(24 * time.Hour)
		for name, c := range map[string]struct {
			change func(*gateway.ReconcileInput)
			want   pay.Code
		}{
			"no day":        {func(in *gateway.ReconcileInput) { in.Day = "2026-02-30" }, pay.CodeInvalid},
			"no file":       {func(in *gateway.ReconcileInput) { in.File = nil }, pay.CodeUnsupported},
			"an empty file": {func(in *gateway.ReconcileInput) { in.File = []byte{} }, pay.CodeInvalid},
			"a wrong file":  {func(in *gateway.ReconcileInput) { in.File = []byte("hello") }, pay.CodeInvalid},
			"no business":   {func(in *gateway.ReconcileInput) { in.Business = "nobody" }, pay.CodeNotFound},
		} {
			if err := try(c.change); pay.CodeOf(err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		key := gateway.Idem{Key: "k", Request: "same"}
		first, err := fx.CreateReconciliation(t.Context(), in, key)
		if err != nil || first.Status != 201 {
			t.Fatalf("%+v, %v", first, err)
		}
		again, err := fx.CreateReconciliation(t.Context(), in, key)
		if err != nil || !again.Replayed || again.Value.ID != first.Value.ID {
			t.Errorf("%+v, %v", again, err)
		}
		other := in
		other.File = append(slices.Clone(in.File), line("x", "", 1, "paid")...)
		if _, err := fx.CreateReconciliation(t.Context(), other, key); reason(err) != "idempotency_key_reused" {
			t.Errorf("another file under the key: %v", err)
		}
		fx.store.FailWrites(true)
		if _, err := fx.CreateReconciliation(t.Context(), in, gateway.Idem{}); err == nil {
			t.Error("nothing was written, and it was answered")
		}
		fx.store.FailWrites(false)
		if _, err := fx.Reconciliation(t.Context(), "01975f2e-6a09-7bf0-9a1b-00505680eaf6"); pay.CodeOf(err) != pay.CodeNotFound {
			t.Error(err)
		}
		if _, err := fx.settleDifference(pay.Difference{ReconciliationID: first.Value.ID, ID: first.Value.ID}, gateway.SettleNoted); pay.CodeOf(err) != pay.CodeNotFound {
			t.Error(err)
		}
	})
}

var errAway = &provider.Error{Kind: provider.KindUnavailable, Err: errors.New("no route")}
