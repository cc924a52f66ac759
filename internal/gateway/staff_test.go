package gateway_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// A button that is pressed ten times at once returns the money once, in the name of who pressed.
func TestAStaffRefundPressedTwiceIsOne(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "1")
		in := gateway.StaffRefund{InvoiceID: inv.ID, Amount: 40_000, Reason: "broken", Key: id.New(), Who: "dilnoza@namuna.uz"}
		var wg sync.WaitGroup
		ids := make([]string, 10)
		for i := range ids {
			wg.Go(func() {
				r, waits, err := fx.RefundByStaff(t.Context(), in)
				if err != nil || waits != nil {
					t.Errorf("%v %v", waits, err)
					return
				}
				ids[i] = r.ID
			})
		}
		wg.Wait()
		for _, each := range ids {
			if each != ids[0] {
				t.Errorf("refunds %v", ids)
			}
		}
		if fx.host.returned != 40_000 || fx.host.refunds != 1 {
			t.Errorf("%d was returned in %d refunds", fx.host.returned, fx.host.refunds)
		}
		line := ""
		entries, err := fx.Timeline(t.Context(), inv.ID)
		for _, e := range entries {
			if e.What == "refund" {
				line += e.By + " "
			}
		}
		if err != nil || !strings.Contains(line, "dilnoza@namuna.uz") || strings.Contains(line, "api") {
			t.Errorf("the timeline says %q %v", line, err)
		}
	})
}

// Two forms that are sent at once are no way around the limit.
func TestTwoFormsAtOnceAreNoWayAroundTheLimit(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "1")
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				_, _, err := fx.RefundByStaff(t.Context(), gateway.StaffRefund{InvoiceID: inv.ID, Amount: 30_000, Reason: "x", Key: id.New(), Limit: 50_000, Who: "a@namuna.uz"})
				if err != nil && !conflict(err, "refund_waits") {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if fx.host.returned != 30_000 {
			t.Errorf("%d was returned", fx.host.returned)
		}
	})
}

// Above the limit nothing moves until another person confirms, once; in pieces it is no smaller.
func TestARefundAboveTheLimitTakesTwo(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "1")
		small := "" // the key of the first
		ask := func(amount pay.Tiyin) (*pay.Refund, *gateway.Approval, error) {
			key := id.New()
			small = cmp.Or(small, key)
			return fx.RefundByStaff(t.Context(), gateway.StaffRefund{InvoiceID: inv.ID, Amount: amount, Reason: "broken", Key: key, Limit: 50_000, Who: "a@namuna.uz"})
		}
		if r, waits, err := ask(30_000); err != nil || waits != nil || r.State != pay.MoveSucceeded {
			t.Fatalf("below the limit: %+v %v", waits, err)
		}
		// Who was given their power lately is not one of the two: neither to ask nor to confirm.
		lately := gateway.StaffRefund{InvoiceID: inv.ID, Amount: 30_000, Reason: "broken", Key: id.New(), Limit: 50_000, Who: "new@namuna.uz", New: true}
		if _, _, err := fx.RefundByStaff(t.Context(), lately); !conflict(err, "too_new") {
			t.Errorf("a new one asks: %v", err)
		}
		r, waits, err := ask(30_000)
		if err != nil || r != nil || waits == nil || waits.Amount != 30_000 {
			t.Fatalf("the second piece: %+v %v", r, err)
		}
		// Pressed again, the small one is still the small one, and no request.
		again := gateway.StaffRefund{InvoiceID: inv.ID, Amount: 30_000, Reason: "broken", Key: small, Limit: 50_000, Who: "a@namuna.uz"}
		if r, waits, err := fx.RefundByStaff(t.Context(), again); err != nil || waits != nil || r.Amount != 30_000 {
			t.Errorf("pressed again: %+v %v", waits, err)
		}
		if _, _, err := ask(0); !conflict(err, "refund_waits") {
			t.Errorf("a second request: %v", err)
		}
		if _, err := fx.ConfirmRefund(t.Context(), waits.ID, gateway.Signer{Who: "A@namuna.uz"}); pay.CodeOf(err) != pay.CodeForbidden {
			t.Errorf("who asked confirms: %v", err)
		}
		if _, err := fx.ConfirmRefund(t.Context(), waits.ID, gateway.Signer{Who: "new@namuna.uz", New: true}); !conflict(err, "too_new") {
			t.Errorf("a new one confirms: %v", err)
		}
		if fx.host.returned != 30_000 {
			t.Fatalf("%d was returned before anybody confirmed", fx.host.returned)
		}
		// Not reached at first: nothing has happened, and the same approval tries again.
		fx.host.onRefund = func(provider.RefundOrder) (provider.MoveOutcome, error) {
			fx.host.mu.Lock()
			defer fx.host.mu.Unlock()
			fx.host.returned -= 30_000
			return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindUnavailable, NotSent: true, Message: "no network"}
		}
		if _, err := fx.ConfirmRefund(t.Context(), waits.ID, gateway.Signer{Who: "b@namuna.uz"}); pay.CodeOf(err) != pay.CodeUpstream {
			t.Errorf("not reached: %v", err)
		}
		fx.host.onRefund = nil
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if r, err := fx.ConfirmRefund(t.Context(), waits.ID, gateway.Signer{Who: "c@namuna.uz"}); err != nil || r.State != pay.MoveSucceeded || !strings.Contains(r.Reason, "asked by a@namuna.uz, confirmed by b@namuna.uz") {
					t.Errorf("%+v %v", r, err)
				}
			})
		}
		wg.Wait()
		if fx.host.returned != 60_000 {
			t.Errorf("%d was returned", fx.host.returned)
		}
		if err := fx.RefuseRefund(t.Context(), waits.ID, "b@namuna.uz"); !conflict(err, "decided") {
			t.Errorf("refused after it was made: %v", err)
		}
	})
}

func TestAnApprovalRunsOutAndIsRefused(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "1")
		ask := func() *gateway.Approval {
			_, waits, err := fx.RefundByStaff(t.Context(), gateway.StaffRefund{InvoiceID: inv.ID, Reason: "broken", Key: id.New(), Limit: 1, Who: "a@namuna.uz"})
			if err != nil || waits.Amount != 100_000 {
				t.Fatalf("%+v %v", waits, err)
			}
			return waits
		}
		late := ask()
		fx.advance(24 * time.Hour)
		if _, err := fx.ConfirmRefund(t.Context(), late.ID, gateway.Signer{Who: "b@namuna.uz"}); !conflict(err, "expired") {
			t.Errorf("late: %v", err)
		}
		second := ask() // what ran out is in nobody's way
		if err := fx.RefuseRefund(t.Context(), second.ID, "b@namuna.uz"); err != nil {
			t.Error(err)
		}
		if _, err := fx.ConfirmRefund(t.Context(), second.ID, gateway.Signer{Who: "c@namuna.uz"}); !conflict(err, "refused") {
			t.Errorf("refused: %v", err)
		}
		in, err := fx.Inbox(t.Context())
		if err != nil || len(in.Approvals) != 0 || fx.host.returned != 0 {
			t.Errorf("%+v %v", in.Approvals, err)
		}
		if _, _, err := fx.RefundByStaff(t.Context(), gateway.StaffRefund{InvoiceID: inv.ID, Key: id.New(), Who: "a"}); pay.CodeOf(err) != pay.CodeInvalid {
			t.Errorf("without a reason: %v", err)
		}
	})
}

// A refund that two agreed on and that was not made is taken back like one that waits: after that
// nobody sends it, however late it comes to be sent.
func TestAConfirmedRefundIsTakenBack(t *testing.T) {
	confirmed := func(t *testing.T, fx *fixture) (inv gateway.Invoice, approvalID string) {
		inv = fx.paid("host", "1")
		_, waits, err := fx.RefundByStaff(t.Context(), gateway.StaffRefund{InvoiceID: inv.ID, Amount: 30_000, Reason: "broken", Key: id.New(), Limit: 1, Who: "a@namuna.uz"})
		if err != nil {
			t.Fatal(err)
		}
		return inv, waits.ID
	}
	refused := func(t *testing.T, fx *fixture, approvalID string) {
		t.Helper()
		for _, who := range []string{"a@namuna.uz", "b@namuna.uz", "c@namuna.uz"} {
			if _, err := fx.ConfirmRefund(t.Context(), approvalID, gateway.Signer{Who: who}); !conflict(err, "refused") {
				t.Errorf("%s confirms what was taken back: %v", who, err)
			}
		}
	}
	t.Run("the company was not reached", func(t *testing.T) {
		each(t, func(t *testing.T, fx *fixture) {
			_, approvalID := confirmed(t, fx)
			fx.host.onRefund = func(provider.RefundOrder) (provider.MoveOutcome, error) {
				return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindUnavailable, NotSent: true, Message: "no network"}
			}
			if _, err := fx.ConfirmRefund(t.Context(), approvalID, gateway.Signer{Who: "b@namuna.uz"}); pay.CodeOf(err) != pay.CodeUpstream {
				t.Fatal(err)
			}
			fx.host.onRefund = nil
			if err := fx.RefuseRefund(t.Context(), approvalID, "b@namuna.uz"); err != nil {
				t.Fatal(err)
			}
			refused(t, fx, approvalID)
			if fx.host.refunds != 1 {
				t.Errorf("the company was asked %d times", fx.host.refunds)
			}
		})
	})
	t.Run("it has its turn after it was taken back", func(t *testing.T) {
		each(t, func(t *testing.T, fx *fixture) {
			inv, approvalID := confirmed(t, fx)
			small := fx.lostRefund(inv.ID, 100)
			fx.host.onInquire = func(provider.Question) (provider.Report, error) { // what is unknown is asked about first
				if err := fx.RefuseRefund(t.Context(), approvalID, "c@namuna.uz"); err != nil {
					t.Error(err)
				}
				return provider.Report{Found: true, Shows: true, Refunded: 100, Outcome: provider.Outcome{State: pay.Paid}}, nil
			}
			if _, err := fx.ConfirmRefund(t.Context(), approvalID, gateway.Signer{Who: "b@namuna.uz"}); !conflict(err, "refused") {
				t.Errorf("%v", err)
			}
			refused(t, fx, approvalID)
			if got := fx.get(inv.ID).Payment; got.Refunded != small.Amount || got.Reserved != 0 {
				t.Errorf("%d returned, %d reserved", got.Refunded, got.Reserved)
			}
		})
	})
	t.Run("it is being made", func(t *testing.T) {
		each(t, func(t *testing.T, fx *fixture) {
			_, approvalID := confirmed(t, fx)
			fx.host.onRefund = func(o provider.RefundOrder) (provider.MoveOutcome, error) {
				if err := fx.RefuseRefund(t.Context(), approvalID, "a@namuna.uz"); !conflict(err, "decided") {
					t.Errorf("taken back while the company is asked: %v", err)
				}
				return provider.MoveOutcome{State: pay.MoveSucceeded, Ref: "back"}, nil
			}
			if r, err := fx.ConfirmRefund(t.Context(), approvalID, gateway.Signer{Who: "b@namuna.uz"}); err != nil || r.State != pay.MoveSucceeded {
				t.Errorf("%s, %v", r.State, err)
			}
		})
	})
	t.Run("that one was not made", func(t *testing.T) {
		each(t, func(t *testing.T, fx *fixture) {
			inv := fx.paid("host", "1")
			lost, key := fx.lostRefund(inv.ID, 30_000), id.New()
			if _, err := fx.DecideByStaff(t.Context(), gateway.StaffDecision{Key: key, Decision: gateway.Decision{
				InvoiceID: inv.ID, Subject: lost.ID, Who: "a@namuna.uz", Why: "none there", Limit: 1,
			}}); err != nil {
				t.Fatal(err)
			}
			if _, err := fx.ConfirmRefund(t.Context(), key, gateway.Signer{Who: "b@namuna.uz"}); err != nil {
				t.Fatal(err)
			}
			if err := fx.RefuseRefund(t.Context(), key, "a@namuna.uz"); !conflict(err, "decided") {
				t.Errorf("taken back after it was decided: %v", err)
			}
		})
	})
}

// Stuck events are sent again one by one, or all at once through the outbox; what gets stuck anew
// is not tried for ever.
func TestStuckEventsAreSentAgain(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.app.say(500)
		for i := range 3 {
			fx.paid("link", fmt.Sprint(i))
		}
		for range 5 {
			fx.settle()
			fx.advance(3 * time.Second)
		}
		list := func() []gateway.EventRow {
			found, err := fx.Events(t.Context(), gateway.EventFilter{State: gateway.EventStuck, Receiver: fx.app.URL + "/hook"}, gateway.Page{})
			if err != nil {
				t.Fatal(err)
			}
			return found.Items
		}
		stuck := list()
		if len(stuck) != 3 || stuck[0].Last.Status != 500 || stuck[0].Attempts != 3 {
			t.Fatalf("%+v", stuck)
		}
		if found, _ := fx.Events(t.Context(), gateway.EventFilter{State: gateway.EventStuck, Receiver: fx.app.URL + "/"}, gateway.Page{}); len(found.Items) != 0 {
			t.Error("another receiver's list has them too")
		}
		fx.app.say(200)
		if err := fx.Redeliver(t.Context(), stuck[0].ID); err != nil {
			t.Fatal(err)
		}
		fx.settle()
		if got := list(); len(got) != 2 {
			t.Fatalf("%d are stuck", len(got))
		}
		if err := fx.Redeliver(t.Context(), stuck[0].ID); !conflict(err, "delivered") {
			t.Errorf("sent again after it arrived: %v", err)
		}
		if err := fx.RedeliverStuck(t.Context(), "", fx.Now().Add(time.Hour), time.Time{}); err != nil {
			t.Error(err)
		}
		fx.settle()
		if got := list(); len(got) != 2 {
			t.Fatalf("since the future: %d are stuck", len(got))
		}
		if err := fx.RedeliverStuck(t.Context(), "", time.Time{}, fx.Now().Add(-time.Hour)); err != nil {
			t.Error(err)
		}
		fx.settle()
		if got := list(); len(got) != 2 {
			t.Fatalf("of before they were made: %d are stuck", len(got))
		}
		fx.app.say(500)
		if err := fx.RedeliverStuck(t.Context(), fx.app.URL+"/hook", time.Time{}, time.Time{}); err != nil {
			t.Fatal(err)
		}
		for range 6 { // they fail again, and are stuck anew: the work is over all the same
			fx.settle()
			fx.advance(3 * time.Second)
		}
		if got := list(); len(got) != 2 {
			t.Errorf("%d are stuck", len(got))
		}
		fx.app.say(200)
		if err := fx.RedeliverStuck(t.Context(), "", time.Time{}, time.Time{}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			fx.settle()
			fx.advance(time.Second)
		}
		if got := list(); len(got) != 0 {
			t.Errorf("%d are stuck", len(got))
		}
		if err := fx.RedeliverStuck(t.Context(), "shop", time.Time{}, time.Time{}); pay.CodeOf(err) != pay.CodeInvalid {
			t.Errorf("no address: %v", err)
		}
	})
}

// The timeline by pages is the timeline.
func TestTimelineByPages(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("link", "1")
		fx.app.say(500)
		for range 6 {
			if _, err := fx.Notify(t.Context(), inv.ID, gateway.Idem{}); err != nil {
				t.Fatal(err)
			}
			fx.settle()
			fx.advance(2 * time.Second)
		}
		whole, err := fx.Timeline(t.Context(), inv.ID)
		if err != nil {
			t.Fatal(err)
		}
		var got []gateway.TimelineEntry
		for cursor := ""; ; {
			page, next, err := fx.TimelinePage(t.Context(), inv.ID, cursor, 2)
			if err != nil || len(page) > 2 {
				t.Fatalf("%d entries, %v", len(page), err)
			}
			got = append(got, page...)
			if cursor = next; cursor == "" {
				break
			}
		}
		if len(got) != len(whole) || len(got) < 8 {
			t.Errorf("%d entries by pages, %d in all", len(got), len(whole))
		}
		for i := 1; i < len(got); i++ {
			if got[i].At.Before(got[i-1].At) {
				t.Errorf("entry %d is out of order", i)
			}
		}
		if _, _, err := fx.TimelinePage(t.Context(), inv.ID, "nonsense", 2); pay.CodeOf(err) != pay.CodeInvalid {
			t.Errorf("a cursor of somebody else: %v", err)
		}
	})
}

// The inbox counts what needs a person, and the day begins at midnight in Tashkent.
func TestInbox(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.clock = time.Date(2026, 3, 1, 18, 30, 0, 0, time.UTC) // 23:30 in Tashkent
		fx.paid("link", "yesterday")
		fx.advance(time.Hour)
		fx.paid("link", "today")
		inv := fx.paid("host", "unclear")
		fx.host.onRefund = func(provider.RefundOrder) (provider.MoveOutcome, error) {
			return provider.MoveOutcome{}, errors.New("lost")
		}
		fx.host.onInquire = func(provider.Question) (provider.Report, error) { return provider.Report{}, errors.New("lost") }
		if _, _, err := fx.RefundByStaff(t.Context(), gateway.StaffRefund{InvoiceID: inv.ID, Amount: 100, Reason: "x", Key: id.New(), Who: "a@namuna.uz"}); err != nil {
			t.Fatal(err)
		}
		in, err := fx.Inbox(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := time.Date(2026, 3, 1, 19, 0, 0, 0, time.UTC); !in.Today.Equal(want) {
			t.Errorf("the day began at %s", in.Today.UTC())
		}
		paid, before := int64(0), int64(0)
		for _, h := range in.Hours {
			if h.Start.Before(in.Today) {
				before += h.Paid
			} else {
				paid += h.Paid
			}
		}
		if paid != 2 || before != 1 {
			t.Errorf("%d today, %d before", paid, before)
		}
		if len(in.Heaps) != 1 || in.Heaps[0].Kind != string(pay.AttentionRefundUnconfirmed) || in.Heaps[0].Count != 1 {
			t.Errorf("%+v", in.Heaps)
		}
		pulse, err := fx.Pulse(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := fx.Decide(gateway.WithActor(context.WithoutCancel(t.Context()), "a@namuna.uz"), gateway.Decision{InvoiceID: inv.ID, Who: "a@namuna.uz", Why: "seen in the cabinet"}); err != nil {
			t.Fatal(err)
		}
		if after, err := fx.Pulse(t.Context(), ""); err != nil || after == pulse {
			t.Errorf("a decision is no news: %v", err)
		}
		if in, err = fx.Inbox(t.Context()); err != nil || len(in.Heaps) != 0 {
			t.Errorf("%+v %v", in.Heaps, err)
		}
	})
}

func conflict(err error, reason string) bool {
	e, ok := errors.AsType[*pay.Error](err)
	return ok && e.Reason == reason
}

const wholeCard = "8600 0691 9540 6311"

// A card's number that somebody types into a reason is kept nowhere.
func TestAReasonHidesACard(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		why := "card " + wholeCard + ", and 8600069195406311"
		hidden := func(what, text string) {
			t.Helper()
			if strings.Contains(text, "9540") || strings.Contains(text, "06919540") || !strings.Contains(text, "860006******6311") {
				t.Errorf("%s: %q", what, text)
			}
		}
		inv := fx.paid("host", "1")
		r, _, err := fx.RefundByStaff(t.Context(), gateway.StaffRefund{InvoiceID: inv.ID, Amount: 100, Reason: why, Key: id.New(), Who: "a@namuna.uz"})
		if err != nil {
			t.Fatal(err)
		}
		hidden("refund", r.Reason)
		_, waits, err := fx.RefundByStaff(t.Context(), gateway.StaffRefund{InvoiceID: inv.ID, Amount: 200, Reason: why, Key: id.New(), Limit: 1, Who: "a@namuna.uz"})
		if err != nil {
			t.Fatal(err)
		}
		hidden("approval", waits.Reason)
		if err := fx.RefuseRefund(t.Context(), waits.ID, "b@namuna.uz"); err != nil {
			t.Fatal(err)
		}
		lost := fx.lostRefund(inv.ID, 300)
		if _, err := fx.DecideByStaff(t.Context(), gateway.StaffDecision{Decision: gateway.Decision{InvoiceID: inv.ID, Subject: lost.ID, Happened: true, Who: "a@namuna.uz", Why: why}, Key: id.New()}); err != nil {
			t.Fatal(err)
		}
		fx.alarmed(inv)
		if err := fx.Acknowledge(t.Context(), inv.ID, fx.alarms(inv.ID), "a@namuna.uz", why); err != nil {
			t.Fatal(err)
		}
		entries, err := fx.Timeline(t.Context(), inv.ID)
		told := 0
		for _, e := range entries {
			if strings.Contains(e.Note, "8600") {
				hidden("timeline", e.Note)
				told++
			}
		}
		if err != nil || told < 4 {
			t.Errorf("%d entries tell a reason, %v", told, err)
		}
		for what, why := range map[string]string{"none": " \n", "too long": strings.Repeat("ў", 501)} {
			if err := fx.Acknowledge(t.Context(), inv.ID, nil, "a", why); pay.CodeOf(err) != pay.CodeInvalid {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// lostRefund is a refund whose answer was lost, at a company that cannot be asked.
func (fx *fixture) lostRefund(invoiceID string, amount pay.Tiyin) pay.Refund {
	fx.t.Helper()
	fx.host.onRefund = func(provider.RefundOrder) (provider.MoveOutcome, error) {
		return provider.MoveOutcome{}, errors.New("lost")
	}
	fx.host.onInquire = func(provider.Question) (provider.Report, error) { return provider.Report{}, errors.New("lost") }
	r, _, err := fx.RefundByStaff(fx.t.Context(), gateway.StaffRefund{InvoiceID: invoiceID, Amount: amount, Reason: "x", Key: id.New(), Who: "a@namuna.uz"})
	fx.host.onRefund, fx.host.onInquire = nil, nil
	if err != nil || r.State != pay.MoveUnknown {
		fx.t.Fatalf("%+v %v", r, err)
	}
	return *r
}

// alarms are the ids of an invoice's open alarms.
func (fx *fixture) alarms(invoiceID string) (ids []string) {
	fx.t.Helper()
	d, err := fx.Dossier(fx.t.Context(), invoiceID)
	if err != nil {
		fx.t.Fatal(err)
	}
	for _, a := range d.Alarms {
		ids = append(ids, a.ID)
	}
	return ids
}

// alarmed is an invoice whose company spoke of another sum.
func (fx *fixture) alarmed(inv gateway.Invoice) {
	fx.t.Helper()
	err := fx.store.Update(fx.t.Context(), func(ctx context.Context, tx *storeTx) error {
		return tx.InsertAlarm(ctx, pay.Alarm{ID: id.New(), BusinessID: inv.BusinessID, InvoiceID: inv.ID, Kind: pay.AttentionAmount, Message: "another sum", CreatedAt: fx.Now()})
	})
	if err != nil {
		fx.t.Fatal(err)
	}
}

// That a refund above the limit was not made is for two to say: it could then be made once more.
// That it was made, or that a small one was not, one person says.
func TestARefundThatWasNotMadeTakesTwo(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "1")
		decide := func(subject string, happened bool, limit pay.Tiyin, key string) (*gateway.Approval, error) {
			return fx.DecideByStaff(t.Context(), gateway.StaffDecision{Key: key, Decision: gateway.Decision{
				InvoiceID: inv.ID, Subject: subject, Happened: happened, Who: "a@namuna.uz", Why: "the cabinet shows none", Limit: limit,
			}})
		}
		small := fx.lostRefund(inv.ID, 100)
		if waits, err := decide(small.ID, false, 100, id.New()); err != nil || waits != nil {
			t.Fatalf("a small one: %+v %v", waits, err)
		}
		made := fx.lostRefund(inv.ID, 20_000)
		if waits, err := decide(made.ID, true, 100, id.New()); err != nil || waits != nil {
			t.Fatalf("one that was made: %+v %v", waits, err)
		}

		lost := fx.lostRefund(inv.ID, 30_000)
		for what, c := range map[string]struct{ subject, key, reason string }{
			"no subject": {"", id.New(), "form_old"}, "no key": {lost.ID, "x", "form_old"}, "a stale page": {small.ID, id.New(), "nothing_unknown"},
		} {
			if _, err := decide(c.subject, false, 100, c.key); !conflict(err, c.reason) {
				t.Errorf("%s: %v", what, err)
			}
		}
		newcomer := gateway.StaffDecision{Decision: gateway.Decision{InvoiceID: inv.ID, Subject: lost.ID, Who: "new@namuna.uz", Why: "none there", Limit: 40_000}, Key: id.New(), New: true}
		if _, err := fx.DecideByStaff(t.Context(), newcomer); !conflict(err, "too_new") {
			t.Errorf("a new one says that it was not made: %v", err)
		}
		key := id.New()
		for range 2 {
			waits, err := decide(lost.ID, false, 40_000, key)
			if err != nil || waits == nil || waits.ID != key || waits.Decides != lost.ID || waits.Amount != 30_000 {
				t.Fatalf("%+v %v", waits, err)
			}
		}
		state := func() pay.MoveState {
			r, err := fx.Refund(t.Context(), lost.ID)
			if err != nil {
				t.Fatal(err)
			}
			return r.State
		}
		if _, err := fx.ConfirmRefund(t.Context(), key, gateway.Signer{Who: "a@namuna.uz"}); !conflict(err, "same_person") || state() != pay.MoveUnknown {
			t.Errorf("who asked confirms: %v, %s", err, state())
		}
		for range 2 {
			if r, err := fx.ConfirmRefund(t.Context(), key, gateway.Signer{Who: "b@namuna.uz"}); err != nil || r.ID != lost.ID || r.State != pay.MoveFailed || !strings.Contains(r.Note, "asked by a@namuna.uz, confirmed by b@namuna.uz") {
				t.Errorf("%+v %v", r, err)
			}
		}
		if got := fx.get(inv.ID); got.Payment.Reserved != 0 || got.Payment.Refunded != 20_000 {
			t.Errorf("%+v", got.Payment)
		}

		// Where the company tells meanwhile, its word stands.
		lost = fx.lostRefund(inv.ID, 30_000)
		key = id.New()
		if _, err := decide(lost.ID, false, 100, key); err != nil {
			t.Fatal(err)
		}
		if err := fx.Decide(t.Context(), gateway.Decision{InvoiceID: inv.ID, Subject: lost.ID, Happened: true, Who: "c@namuna.uz", Why: "it came"}); err != nil {
			t.Fatal(err)
		}
		if r, err := fx.ConfirmRefund(t.Context(), key, gateway.Signer{Who: "b@namuna.uz"}); err != nil || r.State != pay.MoveSucceeded {
			t.Errorf("%+v %v", r, err)
		}
		if in, err := fx.Inbox(t.Context()); err != nil || len(in.Approvals) != 0 {
			t.Errorf("%+v %v", in.Approvals, err)
		}
	})
}

// A form is for the invoice that it was drawn for.
func TestAFormIsForOneInvoice(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		one, two := fx.paid("host", "1"), fx.paid("host", "2")
		in := gateway.StaffRefund{InvoiceID: one.ID, Amount: 100, Reason: "x", Key: id.New(), Who: "a@namuna.uz"}
		if _, _, err := fx.RefundByStaff(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		in.InvoiceID = two.ID
		if _, _, err := fx.RefundByStaff(t.Context(), in); !conflict(err, "idempotency_key_reused") {
			t.Errorf("of another invoice: %v", err)
		}
		in.Key, in.Limit = id.New(), 1
		if _, waits, err := fx.RefundByStaff(t.Context(), in); err != nil || waits == nil {
			t.Fatalf("%+v %v", waits, err)
		}
		in.Amount = 200
		if _, _, err := fx.RefundByStaff(t.Context(), in); !conflict(err, "idempotency_key_reused") {
			t.Errorf("of another amount: %v", err)
		}
		if fx.host.returned != 100 {
			t.Errorf("%d was returned", fx.host.returned)
		}
	})
}
