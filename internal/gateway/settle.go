package gateway

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// The way out of "unknown" is asking, or a named person. Asking happens first after the lease of
// whoever sent the call, then at growing intervals, when somebody reads the resource, and before
// any new operation on the payment.

// apply writes down what a provider says of a payment when it is asked.
func (g *Gateway) apply(ctx context.Context, paymentID string, o provider.Outcome, by, note string) error {
	p, err := g.payment(ctx, paymentID)
	if err != nil {
		return err
	}
	return g.update(ctx, by, func(ctx context.Context, b *book) error {
		inv, payments, err := b.open(ctx, p.InvoiceID)
		if err != nil {
			return err
		}
		return g.learned(ctx, b, inv, payments, pick(payments, paymentID), o, note)
	})
}

// learned is apply under the invoice's lock.
func (g *Gateway) learned(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, o provider.Outcome, note string) error {
	o = heardOutcome(o)
	proof := provider.Proof{At: o.At, Amount: o.Amount, Card: o.Card, Ref: o.Ref, ReceiptURL: o.ReceiptURL, Meta: o.Meta}
	note = first(o.Note, note)
	if err := g.keepCard(ctx, b, p, o); err != nil {
		return err
	}
	switch {
	case p.State == pay.Held && o.State == pay.Failed: // whatever it calls it there: nothing is held any more
		o.State = pay.Cancelled
	case o.State == pay.Refunded && p.PaidAt.IsZero() && p.Way != "": // our call came to nothing in the end
		o.State = pay.Cancelled
	}
	switch o.State {
	case pay.Paid:
		if p.State == pay.Held {
			_, err := g.captured(ctx, b, inv, payments, p, proof, note)
			return err
		}
		_, _, err := g.confirm(ctx, b, inv, payments, p, proof, false)
		return err
	case pay.Refunded:
		// A page was paid while nobody told us: the app hears of both.
		if _, refusal, err := g.confirm(ctx, b, inv, payments, p, proof, false); err != nil || refusal != nil {
			return err
		}
		if p.State != pay.Paid || p.Reserved > 0 {
			return nil
		}
		return b.giveBack(ctx, inv, p, first(o.Code, "returned"), note)
	case pay.Held, pay.Failed, pay.Cancelled:
		if p.State == pay.Held && o.State == pay.Held {
			return b.stillHeld(ctx, inv, p, o)
		}
		switch {
		case p.State == pay.Paid:
			return b.alarm(ctx, inv, p.ID, pay.AttentionProvider, p.Provider+" calls a payment "+string(o.State)+" that is paid in our book")
		case p.State.Final() && o.State == pay.Held && p.HeldAt.IsZero() && p.PaidAt.IsZero():
			return b.alarm(ctx, inv, p.ID, pay.AttentionProvider, p.Provider+" says that it holds the money, but the attempt is "+string(p.State))
		case p.State.Final():
			return nil
		}
		if o.State == pay.Held && o.Amount != 0 && o.Amount != p.Amount {
			return b.alarm(ctx, inv, p.ID, pay.AttentionAmount, p.Provider+" says that it holds "+o.Amount.Words()+" instead of "+p.Amount.Words())
		}
		if err := g.learn(p, proof); err != nil {
			return err
		}
		if other := beside(payments, p); o.State == pay.Held && other != nil {
			if err := b.paidOtherwise(ctx, inv, p, p.Provider+" holds money too"); err != nil {
				return err
			}
			return b.alarm(ctx, inv, p.ID, pay.AttentionProvider, p.Provider+" holds the money too, and another payment of the invoice is "+string(other.State)+": release it there")
		}
		held, captured := p.State == pay.Held, p.Asked == pay.AskedCapture
		p.Code = o.Code
		b.answered(p)
		if o.State == pay.Held {
			b.holdsUntil(p, o.HoldUntil, inv.HoldFor)
		}
		if _, err := b.move(ctx, inv, p, pay.Change{To: o.State, At: b.now, Reason: declined(p, first(o.Reason, first(o.Code, o.Note)))}, note); err != nil {
			return err
		}
		switch {
		case o.State == pay.Held:
			return b.lookAfter(ctx, inv, p)
		case held && o.State == pay.Cancelled:
			if captured {
				note = "the hold was gone before it was captured"
			}
			return b.released(ctx, inv, p, note)
		}
		return nil
	}
	return nil // created, or still being worked on: nothing is known yet
}

// declined is why a payment failed, as the API tells it: of our own calls one of pay.Declines, beside
// which the company's own code stands.
func declined(p *pay.Payment, reason string) string {
	if p.Way == "" || slices.Contains(pay.Declines, reason) {
		return reason
	}
	return pay.DeclineOther
}

// settleWork asks what became of a payment.
func (g *Gateway) settleWork(ctx context.Context, w outbox.Work) error {
	p, err := g.payment(ctx, w.Subject)
	if err != nil {
		return err
	}
	switch {
	case p.State.Final() || p.State == pay.Paid, p.State == pay.Held && p.Asked == "", p.State == pay.Created && p.Way != "" && p.Way != pay.WayWallet && p.Asked == "":
		return g.finish(ctx, w)
	case p.Way != "" && p.Way != pay.WayWallet:
		return g.settleAsked(ctx, w, p)
	}
	if p.State == pay.Created && p.Ref == "" {
		// The answer with the page was lost. Nobody has its address, so nobody can pay there.
		return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
			inv, payments, err := b.open(ctx, p.InvoiceID)
			if err != nil {
				return err
			}
			row := pick(payments, p.ID)
			if row.State == pay.Created && row.Ref == "" {
				if _, err := b.move(ctx, inv, row, pay.Change{To: pay.Failed, At: b.now, Reason: "no page"}, "the answer was lost; nobody has the page"); err != nil {
					return err
				}
			}
			return b.done(ctx, w)
		})
	}
	asked := g.now()
	report, err := g.inquire(ctx, p, provider.Question{
		Ref: p.Ref, PaymentID: p.ID, InvoiceID: p.InvoiceID, Op: provider.OpCharge,
		Amount: p.Amount, SentAt: p.CreatedAt, Payment: p, Meta: p.Meta,
	})
	if errors.Is(err, errCannotAsk) {
		return g.finish(ctx, w) // a person decides
	}
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		inv, payments, openErr := b.open(ctx, p.InvoiceID)
		if openErr != nil {
			return openErr
		}
		row := pick(payments, p.ID)
		o, found := report.Outcome, report.Found // the closure may run again
		if err == nil && !found && row.State == pay.Unknown && asked.Sub(row.CreatedAt) >= finalAfter {
			o = provider.Outcome{State: pay.Failed, Code: "not_found", Note: row.Provider + " does not know this payment"}
			found = true
		}
		if err == nil && found {
			if err := g.learned(ctx, b, inv, payments, row, o, "asked "+row.Provider); err != nil {
				return err
			}
		}
		if row.State == pay.Created && row.Way == pay.WayWallet && inv.Payable(b.now) {
			return b.heardAgain(ctx, w, err) // nobody but Multicard tells of an app, and its word may be lost
		}
		// An attempt that is only created, and past its time, is asked about once more at most.
		if row.State != pay.Unknown && (row.State != pay.Created || err == nil) {
			return b.heardDone(ctx, w)
		}
		return b.heardAgain(ctx, w, err)
	})
}

// errLeaseLost rolls back what was done under a lease that somebody else has by now.
var errLeaseLost = errors.New("the lease was lost; another process does this work")

// done ends work that is leased to us.
func (b *book) done(ctx context.Context, w outbox.Work) error {
	ok, err := b.Finish(ctx, w, b.now)
	if err == nil && !ok {
		err = errLeaseLost
	}
	return err
}

// later gives work back that is leased to us, due at that time, and keeps why.
func (b *book) later(ctx context.Context, w outbox.Work, at time.Time, cause string) error {
	ok, err := b.Retry(ctx, w, at, cause)
	if err == nil && !ok {
		err = errLeaseLost
	}
	return err
}

// again has a question asked later, and keeps why.
func (b *book) again(ctx context.Context, w outbox.Work, cause error) error {
	last := ""
	if cause != nil {
		last = cause.Error()
	}
	return b.later(ctx, w, b.now.Add(b.g.askAfter(w.Attempts)), last)
}

// heardDone, heardLater and heardAgain are done, later and again after a company was asked. What it
// said is true whoever has the work by now, and also where a person has decided meanwhile and there
// is none: it is never rolled back with a lease.
func (b *book) heardDone(ctx context.Context, w outbox.Work) error {
	_, err := b.Finish(ctx, w, b.now)
	return err
}

func (b *book) heardLater(ctx context.Context, w outbox.Work, at time.Time, cause string) error {
	_, err := b.Retry(ctx, w, at, cause)
	return err
}

func (b *book) heardAgain(ctx context.Context, w outbox.Work, cause error) error {
	last := ""
	if cause != nil {
		last = cause.Error()
	}
	return b.heardLater(ctx, w, b.now.Add(b.g.askAfter(w.Attempts)), last)
}

func (g *Gateway) finish(ctx context.Context, w outbox.Work) error {
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error { return b.done(ctx, w) })
}

// askAfter is the interval before the next question, after so many.
func (g *Gateway) askAfter(attempts int) time.Duration {
	if len(g.AskIntervals) == 0 {
		return time.Minute
	}
	return g.AskIntervals[min(attempts, len(g.AskIntervals)-1)]
}

var errCannotAsk = errors.New("this provider cannot be asked")

// inquire asks the provider of a payment.
func (g *Gateway) inquire(ctx context.Context, p pay.Payment, q provider.Question) (report provider.Report, err error) {
	m, err := g.merchant(ctx, p.MerchantID)
	if err != nil {
		return report, err
	}
	a, err := g.account(m)
	if err != nil {
		return report, err
	}
	asker, ok := a.(provider.Inquirer)
	if !ok {
		return report, errCannotAsk
	}
	err = g.call(ctx, m, p, "inquire", func(ctx context.Context) error {
		report, err = asker.Inquire(ctx, q)
		return err
	})
	if report.Warning != "" {
		g.Logger.WarnContext(ctx, "a provider's answer is odd", "provider", p.Provider, "payment", p.ID, "odd", report.Warning)
	}
	if e, ok := errors.AsType[*pay.Error](err); ok && e.Code == pay.CodeUnsupported {
		return report, errCannotAsk // this merchant lacks the credentials for asking
	}
	return report, err
}

// askSoonGap is how often at most a read has the same thing asked.
const askSoonGap = 5 * time.Second

// askSoon brings the question about an unknown outcome forward, because somebody is looking.
func (g *Gateway) askSoon(ctx context.Context, inv Invoice) {
	if inv.Payment == nil || !g.mayAsk(inv.Payment.ID) {
		return
	}
	err := g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		r, err := b.RefundUnderway(ctx, inv.Payment.ID)
		if err == nil {
			return b.hasten(ctx, workRefund, r.ID)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return b.hasten(ctx, workSettle, inv.Payment.ID)
	})
	if err != nil {
		g.Logger.WarnContext(ctx, "a question could not be brought forward", "invoice", inv.ID, "error", err)
	}
}

// AskNow has the company asked at once, in a person's name, about whatever is unknown of an invoice.
// cannot_ask: nobody is being asked about it, so that a person decides.
func (g *Gateway) AskNow(ctx context.Context, invoiceID, who string) error {
	return g.update(WithActor(ctx, who), byAPI, func(ctx context.Context, b *book) error {
		_, payments, err := b.open(ctx, invoiceID)
		if err != nil {
			return err
		}
		unknown, asked := false, false
		ask := func(kind, subject string) error {
			unknown = true
			ok, err := b.askedNow(ctx, kind, subject)
			asked = asked || ok
			return err
		}
		for _, p := range payments {
			if p.State == pay.Unknown || p.State == pay.Held && p.Asked != "" {
				if err := ask(workSettle, p.ID); err != nil {
					return err
				}
			}
			r, err := b.RefundUnderway(ctx, p.ID)
			if err == nil {
				err = ask(workRefund, r.ID)
			} else if errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			if err != nil {
				return err
			}
		}
		switch {
		case !unknown:
			return errNothingUnknown
		case !asked:
			return errNobodyAsked
		}
		return nil
	})
}

var errNobodyAsked = &pay.Error{Code: pay.CodeConflict, Reason: "cannot_ask", Message: "this company cannot be asked; look in its cabinet, and decide"}

// askedNow brings a question forward; ok is false where none stands.
func (b *book) askedNow(ctx context.Context, kind, subject string) (ok bool, err error) {
	if _, err := b.WorkFor(ctx, kind, subject); errors.Is(err, store.ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return true, b.hasten(ctx, kind, subject)
}

// hasten makes work due now that stands and that nobody is doing.
func (b *book) hasten(ctx context.Context, kind, subject string) error {
	w, err := b.WorkFor(ctx, kind, subject)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil || w.Lease != "" && b.now.Before(w.LeaseUntil) || !w.DueAt.After(b.now) {
		return err
	}
	w.DueAt = b.now
	return b.Enqueue(ctx, w)
}

// mayAsk limits how often reads bring one question forward.
func (g *Gateway) mayAsk(subject string) bool {
	now := g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.asked[subject]) < askSoonGap {
		return false
	}
	if len(g.asked) > 10_000 {
		clear(g.asked)
	}
	g.asked[subject] = now
	return true
}

// Decision is a named person's word on what no provider can be asked about. Subject is the payment
// or refund that it is about, as the person saw it; "" is whatever is unknown about the invoice.
type Decision struct {
	InvoiceID, Subject string
	Happened           bool
	Who, Why           string
	Limit              pay.Tiyin // the owner's: a refund above it that did not happen is above one person; 0: none
	Approval           string    // what two persons agreed on, as in RefundInput
}

func (d Decision) about(id string) bool { return d.Subject == "" || d.Subject == id }

// Decide settles an unknown payment (taken, or held, or not), a hold's capture or release, or an
// unknown refund of it (succeeded or not).
func (g *Gateway) Decide(ctx context.Context, d Decision) error {
	note := "decided by " + d.Who + ": " + withoutCards(d.Why)
	return g.update(ctx, d.Who, func(ctx context.Context, b *book) error {
		inv, payments, err := b.open(ctx, d.InvoiceID)
		if err != nil {
			return err
		}
		if err := b.agreed(ctx, d.Approval); err != nil {
			return err
		}
		for _, p := range payments {
			switch {
			case p.State == pay.Unknown && d.about(p.ID):
				return g.decidePayment(ctx, b, inv, payments, p, d.Happened, note)
			case p.State == pay.Held && p.Asked != "" && d.about(p.ID):
				return g.decideHold(ctx, b, inv, payments, p, d.Happened, note)
			}
			r, err := b.RefundUnderway(ctx, p.ID)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if r.State != pay.MoveUnknown || !d.about(r.ID) {
				continue
			}
			to := pay.MoveFailed
			if d.Happened {
				to = pay.MoveSucceeded
			} else if d.Limit > 0 && p.Refunded+p.Reserved > d.Limit {
				return errAboveLimit
			}
			if err := b.refundEnds(ctx, inv, p, &r, pay.MoveChange{To: to, At: b.now, Code: "decided", Note: note}); err != nil {
				return err
			}
			return b.DropWork(ctx, workRefund, r.ID)
		}
		return errNothingUnknown
	})
}

var errNothingUnknown = &pay.Error{Code: pay.CodeConflict, Reason: "nothing_unknown", Message: "nothing about this invoice is unknown"}

// decidePayment settles a charge. Where the card was to be held only, that is what happened.
func (g *Gateway) decidePayment(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, happened bool, note string) error {
	holds := p.Way != "" && (inv.Capture == "manual" || !p.HoldUntil.IsZero())
	b.answered(p)
	c := pay.Change{To: pay.Failed, At: b.now, Reason: "decided"}
	switch {
	case happened && holds && p.Ref == "":
		return &pay.Error{Code: pay.CodeConflict, Reason: "hold_has_no_id", Message: "this would be a hold whose id at " + p.Provider + " is not known here, so that it could be neither captured nor released by us: release it in the company's cabinet, or let it run out, and decide that it did not happen"}
	case happened && holds:
		c.To = pay.Held
		if p.HoldUntil.IsZero() {
			b.holdsUntil(p, time.Time{}, inv.HoldFor)
		}
	case happened:
		c.To = pay.Paid
		if err := g.fiscalise(ctx, b, inv, p); err != nil {
			return err
		}
	}
	if _, err := b.move(ctx, inv, p, c, note); err != nil {
		return err
	}
	if err := b.DropWork(ctx, workSettle, p.ID); err != nil {
		return err
	}
	switch c.To {
	case pay.Held:
		return b.lookAfter(ctx, inv, p)
	case pay.Paid:
		return g.withdrawOthers(ctx, b, inv, payments, p.ID)
	}
	return nil
}
