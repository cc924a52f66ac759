package pay_test

import (
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// Every state and every change, by the table: what is not in it is a conflict and changes nothing.
func TestPayoutArrows(t *testing.T) {
	type pair struct{ from, to pay.MoveState }
	always := map[pair]bool{
		{pay.MoveCreated, pay.MoveSent}: true, {pay.MoveCreated, pay.MoveFailed}: true,
		{pay.MoveSent, pay.MoveUnknown}: true, {pay.MoveSent, pay.MoveSucceeded}: true, {pay.MoveSent, pay.MoveFailed}: true,
		{pay.MoveUnknown, pay.MoveSucceeded}: true, {pay.MoveUnknown, pay.MoveFailed}: true,
		{pay.MoveFailed, pay.MoveSucceeded}: true,
	}
	back := map[pair]bool{{pay.MoveSent, pay.MoveCreated}: true, {pay.MoveUnknown, pay.MoveCreated}: true}
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for _, twoSteps := range []bool{false, true} {
		for _, from := range pay.MoveStates {
			for _, to := range pay.MoveStates {
				p := pay.Payout{State: from, TwoSteps: twoSteps, Reason: "was", Ref: "r"}
				before := p
				changed, err := p.Apply(pay.PayoutChange{To: to, At: at, Reason: "now", Ref: "r2", Card: pay.Card{MaskedPAN: "m"}})
				want := always[pair{from, to}] || twoSteps && back[pair{from, to}]
				switch {
				case from == to:
					if changed || err != nil || p != before {
						t.Errorf("%s again: %v, %v", from, changed, err)
					}
				case !want:
					if pay.CodeOf(err) != pay.CodeConflict || p != before {
						t.Errorf("%s → %s, two steps %v: %v, %+v", from, to, twoSteps, err, p)
					}
				default:
					done := to == pay.MoveSucceeded || to == pay.MoveFailed
					if !changed || err != nil || p.State != to || p.Reason != "now" || p.Ref != "r2" || p.Card.MaskedPAN != "m" || p.DoneAt.IsZero() == done {
						t.Errorf("%s → %s: %v, %+v", from, to, err, p)
					}
				}
			}
		}
	}
}

func TestPayoutStandsFor(t *testing.T) {
	for _, c := range []struct {
		p             pay.Payout
		making, waits bool
		attention     pay.Attention
	}{
		{pay.Payout{State: pay.MoveCreated, TwoSteps: true}, true, false, ""},
		{pay.Payout{State: pay.MoveCreated, TwoSteps: true, Ref: "r"}, false, true, ""},
		{pay.Payout{State: pay.MoveSent, Ref: "r"}, false, false, ""},
		{pay.Payout{State: pay.MoveUnknown}, false, false, pay.AttentionUnknown},
		{pay.Payout{State: pay.MoveFailed}, false, false, ""},
	} {
		if c.p.Making() != c.making || c.p.Waits() != c.waits || c.p.Attention() != c.attention {
			t.Errorf("%+v: making %v, waits %v, attention %q", c.p, c.p.Making(), c.p.Waits(), c.p.Attention())
		}
	}
}
