package gateway_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

var byDilnoza = gateway.Decision{Happened: true, Who: "dilnoza@shop.uz", Why: "seen in the cabinet"}

// lostHold has an invoice's card charged where the answer is lost and nobody can be asked: at once,
// or, with a code, when the company has told its id before.
func (fx *fixture) lostHold(capture string, code bool) gateway.Invoice {
	fx.t.Helper()
	fx.cards.says = func(op string, p pay.Payment) (provider.Outcome, error) {
		switch {
		case op == "inquire":
			return provider.Outcome{}, &pay.Error{Code: pay.CodeUnsupported}
		case op == "charge" && code:
			return provider.Outcome{State: pay.Created, Ref: "ref-" + p.ID, Needs: provider.Next{Kind: "otp", ExpiresAt: fx.Now().Add(3 * time.Minute)}}, nil
		case op == "capture":
			return provider.Outcome{State: pay.Paid, Ref: p.Ref, Amount: p.AskedAmount}, nil
		}
		return provider.Outcome{}, errReset
	}
	in := fx.input("holds", "o1")
	in.Capture = capture
	inv := fx.invoice(in)
	if _, err := fx.Pay(fx.t.Context(), gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}, gateway.Idem{}); err != nil {
		fx.t.Fatal(err)
	}
	if code {
		if _, err := fx.ConfirmPay(fx.t.Context(), inv.ID, "112233", gateway.Idem{}); err != nil {
			fx.t.Fatal(err)
		}
	}
	if got := fx.get(inv.ID); got.Payment == nil || got.Payment.State != pay.Unknown {
		fx.t.Fatalf("%+v", got.Payment)
	}
	return inv
}

// What was to be held only, and may have been, is never taken for paid: not by a person's word
// either.
func TestDecideAHold(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.merchant("b1", "holds")
		inv := fx.lostHold("manual", true)
		d := byDilnoza
		d.InvoiceID = inv.ID
		d.Subject = inv.ID // of something else
		if err := fx.Decide(t.Context(), d); reason(err) != "nothing_unknown" {
			t.Errorf("another subject: %v", err)
		}
		d.Subject = fx.get(inv.ID).Payment.ID
		if err := fx.Decide(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		got := fx.get(inv.ID)
		if got.Status != pay.StatusHeld || got.Payment.Captured != 0 || !got.Payment.HoldUntil.After(fx.Now()) || got.Attention != "" {
			t.Errorf("%s, captured %d, until %s, %q", got.Status, got.Payment.Captured, got.Payment.HoldUntil, got.Attention)
		}
		if s, err := fx.Capture(t.Context(), inv.ID, 0, gateway.Idem{}); err != nil || s.Value.Status != pay.StatusPaid {
			t.Errorf("%s, %v", s.Value.Status, err)
		}
	})
}

// A hold that nobody asked for is taken by whoever looks after it.
func TestDecideAHoldThatComesFirst(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.merchant("b1", "holds")
		inv := fx.lostHold("", true)
		d := byDilnoza
		d.InvoiceID = inv.ID
		if err := fx.Decide(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if got := fx.get(inv.ID); got.Status != pay.StatusPending || got.Payment.State != pay.Held {
			t.Errorf("%s, %s", got.Status, got.Payment.State)
		}
		fx.settle()
		fx.settle()
		if got := fx.get(inv.ID); got.Status != pay.StatusPaid || got.Payment.Captured != got.Amount {
			t.Errorf("%s, %d", got.Status, got.Payment.Captured)
		}
		if got := fx.app.statuses(); !slices.Equal(got, []string{"paid"}) {
			t.Errorf("the app was told %v", got)
		}
	})
}

// A hold without the company's id could be neither taken nor released by us.
func TestDecideAHoldWithoutAnID(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.merchant("b1", "holds")
		inv := fx.lostHold("manual", false)
		d := byDilnoza
		d.InvoiceID = inv.ID
		if err := fx.Decide(t.Context(), d); reason(err) != "hold_has_no_id" {
			t.Fatal(err)
		}
		if got := fx.get(inv.ID).Payment; got.State != pay.Unknown || got.Asked != pay.AskedCharge {
			t.Errorf("a refused decision left %s, asked %q", got.State, got.Asked)
		}
		d.Happened = false
		if err := fx.Decide(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if got := fx.get(inv.ID); got.Status != pay.StatusPending || got.Payment.State != pay.Failed || got.Attention != "" {
			t.Errorf("%s, %s, %q", got.Status, got.Payment.State, got.Attention)
		}
	})
}

// A capture that the company calls failed leaves open whether the money is still held: that is
// asked, and what has failed there is no hold any more.
func TestCaptureThatFails(t *testing.T) {
	for _, c := range []struct {
		then pay.State
		want pay.Status
	}{{pay.Held, pay.StatusHeld}, {pay.Failed, pay.StatusCancelled}, {pay.Paid, pay.StatusPaid}} {
		t.Run(string(c.then), func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				fx.merchant("b1", "holds")
				in := fx.input("holds", "o1")
				in.Capture = "manual"
				inv := fx.invoice(in)
				state := map[string]pay.State{"charge": pay.Held, "capture": pay.Failed, "inquire": c.then}
				fx.cards.says = func(op string, p pay.Payment) (provider.Outcome, error) {
					return provider.Outcome{State: state[op], Ref: "ref-" + p.ID, Amount: p.Amount}, nil
				}
				if _, err := fx.Pay(t.Context(), gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}, gateway.Idem{}); err != nil {
					t.Fatal(err)
				}
				s, err := fx.Capture(t.Context(), inv.ID, 0, gateway.Idem{})
				if err != nil || s.Value.Status != pay.StatusHeld || s.Value.Attention != pay.AttentionUnknown {
					t.Fatalf("%s, %q, %v", s.Value.Status, s.Value.Attention, err)
				}
				fx.advance(11 * time.Minute)
				fx.settle()
				if got := fx.get(inv.ID); got.Status != c.want || got.Payment.Asked != "" || got.Attention != "" {
					t.Errorf("%s, asked %q, %q", got.Status, got.Payment.Asked, got.Attention)
				}
			})
		})
	}
}

// A refund that the company took on is not called failed because it is not shown yet.
func TestRefundThatWasTakenOn(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		fx.host.onRefund = func(provider.RefundOrder) (provider.MoveOutcome, error) {
			return provider.MoveOutcome{State: pay.MoveSent}, nil
		}
		shown := provider.Report{Found: true, Shows: true, Outcome: provider.Outcome{State: pay.Paid}}
		fx.host.onInquire = func(provider.Question) (provider.Report, error) { return shown, nil }
		s, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, gateway.Idem{})
		if err != nil || s.Value.State != pay.MoveSent {
			t.Fatalf("%+v, %v", s.Value, err)
		}
		is := func(want pay.MoveState, attention pay.Attention) {
			t.Helper()
			r, err := fx.Refund(t.Context(), s.Value.ID)
			if got := fx.get(inv.ID); err != nil || r.State != want || got.Attention != attention {
				t.Errorf("%s, %q, %v", r.State, got.Attention, err)
			}
		}
		fx.advance(time.Hour)
		fx.settle()
		is(pay.MoveSent, "")
		fx.advance(24 * time.Hour)
		fx.settle()
		is(pay.MoveUnknown, pay.AttentionRefundUnconfirmed)
		for range 3 {
			fx.advance(24 * time.Hour)
			fx.settle()
		}
		is(pay.MoveUnknown, pay.AttentionRefundUnconfirmed)
		if fx.host.refunds != 1 {
			t.Errorf("%d refunds were sent", fx.host.refunds)
		}
		shown.Refunded, shown.Outcome.State = inv.Amount, pay.Refunded
		fx.advance(24 * time.Hour)
		fx.settle()
		is(pay.MoveSucceeded, "")
	})
}

// A register may be older than a refund: that it does not show it decides nothing about it.
func TestSettleByAnOldRegister(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		fx.host.onRefund = func(provider.RefundOrder) (provider.MoveOutcome, error) {
			return provider.MoveOutcome{}, errReset
		}
		fx.host.onInquire = func(provider.Question) (provider.Report, error) { return provider.Report{Found: true}, nil }
		s, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, gateway.Idem{})
		if err != nil || s.Value.State != pay.MoveUnknown {
			t.Fatalf("%+v, %v", s.Value, err)
		}
		fx.advance(24 * time.Hour)
		r, all := fx.compared("host", line("", inv.ID, 100_000, "failed"))
		if len(all) != 1 {
			t.Fatalf("%+v: %+v", r, all)
		}
		if _, err := fx.settleDifference(all[0], gateway.SettleTheirs); reason(err) != "not_taken_over" {
			t.Error(err)
		}
		if got, err := fx.Refund(t.Context(), s.Value.ID); err != nil || got.State != pay.MoveUnknown {
			t.Errorf("%s, %v", got.State, err)
		}
	})
}

// The first of two steps moves nothing: what is not known of it for a day is over, whoever is away.
func TestPayoutThatIsNeverMade(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.payer.asks = true
		fx.payer.before = func(string) error { return errReset }
		s, err := fx.CreatePayout(t.Context(), fx.payout("p1", true), gateway.Idem{})
		if err != nil || !s.Value.Making() {
			t.Fatalf("%+v, %v", s.Value, err)
		}
		fx.payer.asking = errReset
		fx.advance(23 * time.Hour)
		fx.settle()
		fx.payoutIs(s.Value.ID, pay.MoveCreated)
		fx.advance(2 * time.Hour)
		fx.settle()
		if p := fx.payoutIs(s.Value.ID, pay.MoveFailed); p.Reason == "" || fx.payer.sent != 0 {
			t.Errorf("%+v, %d sent", p, fx.payer.sent)
		}
	})
}

// A process stands still before its call and does not make it. Meanwhile others have asked and
// learned nothing: that nothing was sent is the better knowledge.
func TestPayoutWhoseSenderStoodStill(t *testing.T) {
	for _, twoSteps := range []bool{false, true} {
		each(t, func(t *testing.T, fx *fixture) {
			in := fx.payout("p1", twoSteps)
			stands := func(string) error {
				fx.payer.before = nil
				fx.advance(gateway.Lease + time.Second)
				fx.settle()
				return &provider.Error{Kind: provider.KindUnavailable, NotSent: true, Err: errors.New("stood still")}
			}
			key := gateway.Idem{Key: "k", Request: 1}
			if !twoSteps {
				fx.payer.before = stands
				if _, err := fx.CreatePayout(t.Context(), in, key); pay.CodeOf(err) != pay.CodeUpstream {
					t.Fatal(err)
				}
				if s, err := fx.CreatePayout(t.Context(), in, key); err != nil || s.Value.State != pay.MoveSucceeded || s.Replayed || fx.payer.sent != 1 {
					t.Errorf("the number is not free: %+v, %v", s.Value, err)
				}
				return
			}
			id := fx.create(in, gateway.Idem{}).Value.ID
			fx.payer.before = stands
			if _, err := fx.ConfirmPayout(t.Context(), id, payCode, key); pay.CodeOf(err) != pay.CodeUpstream {
				t.Fatal(err)
			}
			if p := fx.payoutIs(id, pay.MoveCreated); !p.Waits() || fx.openPayoutAlarms(id) != 0 {
				t.Errorf("%+v", p)
			}
			if s, err := fx.ConfirmPayout(t.Context(), id, payCode, key); err != nil || s.Value.State != pay.MoveSucceeded || fx.payer.sent != 1 {
				t.Errorf("%+v, %v", s.Value, err)
			}
		})
	}
}

// What the company tells before its answer ends the call too: the buyer may try again, at once.
func TestCompanyTellsBeforeItAnswers(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "told")
		in := fx.input("told", "o1")
		inv := fx.invoice(in)
		fx.cards.says = func(op string, p pay.Payment) (provider.Outcome, error) {
			fx.on(m, func(d provider.Desk) {
				if _, err := d.Cancel(t.Context(), provider.Key{PaymentID: p.ID}, provider.CancelOrder{Reason: "error 51", UnpaidOnly: true, Failed: true}); err != nil {
					t.Error(err)
				}
			})
			return provider.Outcome{State: pay.Failed, Reason: pay.DeclineFunds, Code: "51"}, nil
		}
		for range 2 {
			s, err := fx.Pay(t.Context(), gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}, gateway.Idem{})
			if err != nil || s.Value.Status != pay.StatusPending {
				t.Fatalf("%s, %v", s.Value.Status, err)
			}
			if p := fx.get(inv.ID).Payment; p.State != pay.Failed || p.Asked != "" || p.Reason != pay.DeclineOther || p.Code != "error 51" {
				t.Errorf("%s, asked %q, %s (%s)", p.State, p.Asked, p.Reason, p.Code)
			}
		}
		if s, err := fx.CancelInvoice(t.Context(), inv.ID, gateway.Idem{}); err != nil || s.Value.Status != pay.StatusCancelled {
			t.Errorf("%s, %v", s.Value.Status, err)
		}
	})
}

// toldProvider is the scripted company of cards that also calls us.
type toldProvider struct{ c *cardCompany }

func (p toldProvider) Info() provider.Info {
	return provider.Info{Name: "told", Title: "Told", Fields: []provider.Field{{Key: "key", Required: true, Secret: true}}, Account: (*toldAccount)(nil)}
}

func (p toldProvider) Open(provider.Credentials, provider.Env) (provider.Account, error) {
	return &toldAccount{cardAccount(p), linkAccount{}}, nil
}

type toldAccount struct {
	cardAccount
	linkAccount
}

// A charge, a hold or a capture that was undone before anybody heard of it is not told as paid.
func TestUndoneBeforeItWasHeardOf(t *testing.T) {
	for _, capture := range []string{"", "manual"} {
		each(t, func(t *testing.T, fx *fixture) {
			fx.merchant("b1", "holds")
			inv := fx.lostHold(capture, true)
			fx.cards.says = func(_ string, p pay.Payment) (provider.Outcome, error) {
				return provider.Outcome{State: pay.Refunded, Ref: "ref-" + p.ID, Amount: p.Amount}, nil
			}
			fx.advance(11 * time.Minute)
			fx.settle()
			if got := fx.get(inv.ID); got.Status != pay.StatusPending || got.Payment.State != pay.Cancelled || got.Attention != "" {
				t.Errorf("%s, %s, %q", got.Status, got.Payment.State, got.Attention)
			}
			if got := fx.app.statuses(); len(got) != 0 {
				t.Errorf("the app was told %v", got)
			}
		})
	}
}

// Nobody guesses the code by which a card is bound, not by asking many times at once either.
func TestCodesOfACard(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.merchant("b1", "cards")
		s, err := fx.BindCard(t.Context(), gateway.BindInput{Source: "app", Business: "b1", Provider: "cards", Number: "8600123412341239", Expiry: "2912", Phone: "998901234567"}, gateway.Idem{})
		if err != nil {
			t.Fatal(err)
		}
		fx.cards.wrong = true
		var got []string
		for range 6 {
			_, err := fx.ConfirmCard(t.Context(), s.Value.ID, "000000", gateway.Idem{})
			got = append(got, reason(err))
		}
		want := []string{"wrong_otp", "wrong_otp", "wrong_otp", "wrong_otp", "otp_expired", "otp_expired"}
		if !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
		fx.cards.wrong = false
		if _, err := fx.ConfirmCard(t.Context(), s.Value.ID, "112233", gateway.Idem{}); reason(err) != "otp_expired" {
			t.Errorf("the right code, too late: %v", err)
		}
	})
}

// The same of a payout's code: after five it has failed, and nothing was sent.
func TestCodesOfAPayout(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		id := fx.create(fx.payout("p1", true), gateway.Idem{}).Value.ID
		var got []string
		for range 6 {
			_, err := fx.ConfirmPayout(t.Context(), id, "000000", gateway.Idem{})
			got = append(got, reason(err))
		}
		if want := []string{"wrong_otp", "wrong_otp", "wrong_otp", "wrong_otp", "otp_expired", "otp_expired"}; !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
		if p := fx.payoutIs(id, pay.MoveFailed); p.Reason != pay.DeclineCodeLate || fx.payer.sent != 0 {
			t.Errorf("%s, %d sent", p.Reason, fx.payer.sent)
		}
	})
}

// Of a number only a mask is kept, and the company has its own: a repeat with another card is told
// from the first, and a company that speaks of another card is not believed.
func TestPayoutToAnotherCard(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		in := fx.payout("p1", false)
		fx.create(in, gateway.Idem{})
		in.Number = "8600993412341239" // the same first four and last four
		if _, err := fx.CreatePayout(t.Context(), in, gateway.Idem{}); reason(err) != "differs" {
			t.Error(err)
		}
		fx.payer.mask = "986012******4444"
		s, err := fx.CreatePayout(t.Context(), fx.payout("p2", false), gateway.Idem{})
		if err != nil || s.Value.State != pay.MoveUnknown || s.Value.Card.MaskedPAN != "860012******1239" || fx.openPayoutAlarms(s.Value.ID) != 2 {
			t.Errorf("%+v, %v", s.Value, err)
		}
	})
}

// A payout that was taken for failed and is in the company's list is put right by a person.
func TestSettleAFailedPayout(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.payer.asks = true
		fx.payer.before = func(string) error { return errReset }
		s, err := fx.CreatePayout(t.Context(), fx.payout("p1", false), gateway.Idem{})
		if err != nil {
			t.Fatal(err)
		}
		fx.later()
		p := fx.payoutIs(s.Value.ID, pay.MoveFailed)
		fx.payer.register = []provider.RegisterRow{{Ref: "ref-" + p.ID, Order: p.ID, State: pay.Paid, Amount: 50_000, PaidAt: fx.Now()}}
		fx.advance(24 * time.Hour)
		_, all := fx.compared("payer", "")
		if len(all) != 1 {
			t.Fatalf("%+v", all)
		}
		if d, err := fx.settleDifference(all[0], gateway.SettleTheirs); err != nil || d.Ours.State != pay.Paid {
			t.Fatalf("%+v, %v", d, err)
		}
		fx.payoutIs(p.ID, pay.MoveSucceeded)
	})
}

// The company's list moves while it is read: nothing is passed over, and nothing counts twice.
func TestRegisterThatMoves(t *testing.T) {
	const many = 130
	for name, moves := range map[string]func(rows []provider.RegisterRow, reads int) []provider.RegisterRow{
		"not":               func(rows []provider.RegisterRow, _ int) []provider.RegisterRow { return rows },
		"rows before leave": func(rows []provider.RegisterRow, reads int) []provider.RegisterRow { return rows[min(reads, 3):] },
		"the last read leaves": func(rows []provider.RegisterRow, reads int) []provider.RegisterRow {
			if reads == 0 {
				return rows
			}
			return slices.Delete(slices.Clone(rows), 48, 50)
		},
		"no offset is heeded": nil,
	} {
		t.Run(name, func(t *testing.T) {
			fx := newFixture(t, storetest.SQLite)
			fx.merchant("b1", "payer")
			var rows []provider.RegisterRow
			for i := range many {
				rows = append(rows, provider.RegisterRow{Ref: fmt.Sprint("foreign-", i), State: pay.Paid, Amount: 100, PaidAt: fx.Now()})
			}
			reads := 0
			fx.payer.list = func(q provider.RegisterQuery) provider.RegisterPage {
				defer func() { reads++ }()
				if moves == nil {
					return provider.RegisterPage{Rows: rows[:q.Limit]}
				}
				left := moves(rows, reads)
				left = left[min(q.Offset, len(left)):]
				return provider.RegisterPage{Rows: left[:min(q.Limit, len(left))]}
			}
			fx.advance(24 * time.Hour)
			r, all := fx.compared("payer", "")
			want := many
			if moves == nil {
				want = 50
			}
			if r.State != pay.ReconcileDone || int(r.OnlyTheirs) != want || len(all) != want {
				t.Errorf("%s, %d only theirs, %d listed, after %d reads", r.State, r.OnlyTheirs, len(all), reads)
			}
		})
	}
}

// A process that dies with an upload in hand: the same request under the same key begins anew, once
// the first can be at it no longer.
func TestUploadThatBrokeOff(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("link", "o1")
		day := fx.Now().In(pay.Tashkent).Format(time.DateOnly)
		fx.advance(24 * time.Hour)
		in := gateway.ReconcileInput{Source: "app", Business: "b1", Provider: "link", Day: day, File: []byte("provider_id,order,amount,time,status\n" + line("", inv.ID, 100_000, "paid"))}
		key := gateway.Idem{Key: "k", Request: day}
		looks, clock := 0, fx.Gateway.Now
		fx.Gateway.Now = func() time.Time {
			if looks++; looks == 3 { // the day, the reconciliation, and now the rows
				panic("killed")
			}
			return clock()
		}
		dies(t, func() { _, _ = fx.CreateReconciliation(t.Context(), in, key) })
		fx.Gateway.Now = clock
		fx.advance(5 * time.Minute)
		s, err := fx.CreateReconciliation(t.Context(), in, key)
		if err != nil || !s.Replayed || s.Value.State != pay.ReconcileLoading {
			t.Fatalf("while the first may be at it: %+v, %v", s, err)
		}
		first := s.Value.ID
		fx.advance(6 * time.Minute)
		if s, err = fx.CreateReconciliation(t.Context(), in, key); err != nil || s.Replayed || s.Value.ID == first {
			t.Fatalf("%+v, %v", s, err)
		}
		fx.work()
		if r, _ := fx.reconciliation(s.Value.ID); r.State != pay.ReconcileDone || r.Matched != 1 {
			t.Errorf("%+v", r)
		}
		if r, err := fx.Reconciliation(t.Context(), first); err != nil || r.State != pay.ReconcileFailed {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// A hold that ran out and that its company does not know of is put before a person.
func TestHoldThatNobodyKnows(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.merchant("b1", "holds")
		in := fx.input("holds", "o1")
		in.Capture, in.HoldFor = "manual", time.Hour
		inv := fx.invoice(in)
		fx.cards.says = func(op string, p pay.Payment) (provider.Outcome, error) {
			if op == "inquire" {
				return provider.Outcome{}, nil
			}
			return provider.Outcome{State: pay.Held, Ref: "ref-" + p.ID, Amount: p.Amount}, nil
		}
		if _, err := fx.Pay(t.Context(), gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		fx.advance(time.Hour + time.Minute)
		fx.settle()
		if got := fx.get(inv.ID); got.Status != pay.StatusHeld || got.Attention != "" {
			t.Errorf("at once: %s, %q", got.Status, got.Attention)
		}
		fx.advance(10 * time.Minute)
		fx.settle()
		if got := fx.get(inv.ID); got.Status != pay.StatusHeld || got.Attention != pay.AttentionProvider {
			t.Errorf("%s, %q", got.Status, got.Attention)
		}
	})
}
