package paysys

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// statuses is the one table for both methods that tell a status.
var statuses = map[whole]pay.State{
	0: pay.Created, 1: pay.Created, 2: pay.Paid, 3: pay.Cancelled, 6: pay.Refunded, 7: pay.Held, -1: pay.Failed,
}

// ─── Asking ────────────────────────────────────────────────────────────────────────────────

// Inquire asks how a payment stands. Before PaySys gave it a number there is nothing to ask: by
// number, only a code was sent and no money moved; by token, nobody can tell but a person.
func (a *account) Inquire(ctx context.Context, q provider.Question) (provider.Report, error) {
	if q.Ref == "" {
		if q.Payment.Way == pay.WayCard {
			return provider.Report{Found: true, Outcome: provider.Outcome{State: pay.Failed, Reason: pay.DeclineCardAgain}}, nil
		}
		if until := q.Payment.HoldUntil; !until.IsZero() {
			return a.unseenHold(until), nil
		}
		return provider.Report{}, &pay.Error{Code: pay.CodeUnsupported, Message: "a token payment whose answer was lost cannot be found at PaySys by its API; look in its cabinet"}
	}
	o, warning, found, err := a.check(ctx, q.Payment)
	if err != nil {
		return provider.Report{}, err
	}
	r := provider.Report{Found: found, Outcome: o, Shows: true, Warning: warning}
	if o.State == pay.Refunded {
		r.Refunded = q.Payment.Captured
	}
	return r, nil
}

// AsksEachOfADay: PaySys has no register that can be read, and tells of each payment.
func (a *account) AsksEachOfADay() {}

// unseenHold is a hold by token whose answer was lost: nothing names it, and until it has ended
// nobody but a person can tell whether it was made. It was to release itself, and nobody has taken
// it, so that after its time no money is kept. That rests on the clock and on nobody's answer, so
// a person is asked to look all the same.
func (a *account) unseenHold(until time.Time) provider.Report {
	if a.now().Before(until.Add(holdGrace)) {
		return provider.Report{Found: true, Outcome: provider.Outcome{State: pay.Created}}
	}
	return provider.Report{Found: true, Outcome: provider.Outcome{
		State: pay.Failed, Reason: pay.DeclineHoldOver, Note: "if it was held at all, PaySys has released it by now",
	}, Look: "the answer to a payment by token was lost; if it was held, PaySys was to release it by now: look in its cabinet before charging again"}
}

// holdGrace is how long after a hold's end it is believed to have ended, at whatever moment its
// time began to run.
const holdGrace = 10 * time.Minute

// standing is check as the outcome of a call that was not answered with one.
func (a *account) standing(ctx context.Context, p pay.Payment) (provider.Outcome, error) {
	o, _, found, err := a.check(ctx, p)
	if err == nil && !found {
		err = senseless("PaySys does not know the payment that it named itself", true)
	}
	return o, err
}

// check is pam.check_payment.
func (a *account) check(ctx context.Context, p pay.Payment) (o provider.Outcome, warning string, found bool, err error) {
	var got standing
	if err := a.rpc.call(ctx, "pam.check_payment", holdEnd{Transaction: p.Ref}, "", &got); err != nil {
		_, no, err := verdict(err, true)
		if err == nil && codes[no.code].class == missing {
			return o, "", false, nil
		}
		if err == nil {
			err = &provider.Error{Kind: provider.KindUnavailable, Code: no.text(), Message: no.message, RequestID: no.tracker}
		}
		return o, "", false, err
	}
	if got.Transaction != "" && string(got.Transaction) != p.Ref {
		return o, "", false, senseless("the answer is about another payment", true)
	}
	o = provider.Outcome{Ref: p.Ref, Amount: pay.Tiyin(got.Amount), Code: "status " + strconv.FormatInt(int64(got.Status), 10)}
	state, known := statuses[got.Status]
	if !known {
		return o, fmt.Sprintf("pam.check_payment knows a status %d", got.Status), false,
			&provider.Error{Kind: provider.KindUnavailable, Code: o.Code, Message: "a status that is not documented", Err: provider.ErrPuzzled}
	}
	o.State = state
	if o.Amount == 0 && (state == pay.Paid || state == pay.Held) {
		return o, "", false, senseless("the standing does not say how much was taken", true)
	}
	switch { // the documentation says soum and its samples say tiyin
	case o.Amount == p.Amount:
	case p.Amount%100 == 0 && o.Amount == p.Amount/100:
		warning = "pam.check_payment tells the amount in soum"
		o.Amount = p.Amount
	}
	if o.State == pay.Cancelled && p.State == pay.Held {
		o.Reason = pay.DeclineHoldOver
	}
	return o, warning, true, nil
}

// ─── Holds ─────────────────────────────────────────────────────────────────────────────────

// CanCapture says no to parts: the documentation knows none.
func (a *account) CanCapture(p pay.Payment, amount pay.Tiyin) error {
	if amount != p.Amount {
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "partial_capture_not_supported", Message: "PaySys takes the whole of a hold or nothing: capture without amount, or cancel and charge anew"}
	}
	return nil
}

// Capture takes what is held.
func (a *account) Capture(ctx context.Context, p pay.Payment, _ pay.Tiyin) (provider.Outcome, error) {
	return a.endHold(ctx, p, "accept")
}

// Release gives it back.
func (a *account) Release(ctx context.Context, p pay.Payment) (provider.Outcome, error) {
	return a.endHold(ctx, p, "cancel")
}

func (a *account) endHold(ctx context.Context, p pay.Payment, how string) (provider.Outcome, error) {
	var got struct {
		Status *whole `json:"status"`
	}
	if err := a.rpc.call(ctx, "hold.confirm", holdEnd{Transaction: p.Ref, Status: how}, "", &got); err != nil {
		reason, no, err := verdict(err, true)
		switch {
		case err != nil:
			return provider.Outcome{}, err
		case reason == "":
			return a.standing(ctx, p)
		}
		return provider.Outcome{State: pay.Held, Reason: reason, Code: no.text(), Note: no.message}, nil
	}
	if got.Status == nil {
		return provider.Outcome{}, senseless("the hold's end has no status", true)
	}
	state, known := statuses[*got.Status]
	if !known || state == pay.Created {
		return provider.Outcome{}, senseless("the hold's end is not final", true) // it is asked for
	}
	return provider.Outcome{State: state, Ref: p.Ref, At: a.now(), Amount: p.Amount}, nil
}

// ─── Returning ─────────────────────────────────────────────────────────────────────────────

// CanRefund: the whole, by the number that only the answer to the charge has told.
func (a *account) CanRefund(p pay.Payment, o provider.RefundOrder) error {
	switch {
	case !o.Whole:
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "partial_refund_not_supported", Message: "PaySys returns the whole payment or nothing: refund without amount, or return a part by other means"}
	case metaOf(p).Transaction == "":
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "transaction_id_missing", Message: "the answer with this payment's transaction_id was lost, and PaySys tells it only once: refund it in PaySys's cabinet"}
	}
	return nil
}

// Refund reverses the payment. One that was reversed before is a success.
func (a *account) Refund(ctx context.Context, o provider.RefundOrder) (provider.MoveOutcome, error) {
	id, ok := number(metaOf(o.Payment).Transaction)
	if !ok {
		return provider.MoveOutcome{}, unasked("the payment has no transaction_id")
	}
	var got reversed
	if err := a.rpc.call(ctx, "transaction.reverse", reversal{Transaction: id}, "", &got); err != nil {
		_, no, err := verdict(err, true)
		switch {
		case err != nil:
			return provider.MoveOutcome{}, err
		case no.code == codeCancelled:
			return provider.MoveOutcome{State: pay.MoveSucceeded, Code: no.text(), Note: "reversed before", At: a.now()}, nil
		}
		return provider.MoveOutcome{State: pay.MoveFailed, Code: no.text(), Note: no.message}, nil
	}
	if got.Transaction != text(id) {
		return provider.MoveOutcome{}, senseless("the answer is about another payment", true)
	}
	return provider.MoveOutcome{State: pay.MoveSucceeded, Ref: clip(string(got.RRN), 64), At: a.now()}, nil
}
