package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// CreateRefund returns a paid invoice's money, whole or in part, through its provider's API. One
// refund of a payment runs at a time, so that what the provider shows as returned can be told
// apart; a second one waits for the first, for at most 20 seconds.
//
// The answer is 201 with the refund succeeded, failed (the provider's refusal), or pending with
// attention when the answer was lost. An error of the configuration, or a provider that was
// certainly not reached, is CodeUpstream: nothing happened, and the key is free again.
func (g *Gateway) CreateRefund(ctx context.Context, in RefundInput, key Idem) (Saved[pay.Refund], error) {
	out := Saved[pay.Refund]{Status: http.StatusCreated}
	patience, cancel := context.WithTimeout(ctx, twinWait) // for the turn and for other processes together
	defer cancel()
	leave, err := g.refunding.take(patience, in.InvoiceID)
	if err != nil {
		return out, err
	}
	defer leave()
	var s refundStep
	err = wait(patience, func() (again bool, err error) {
		if s, err = g.beginRefund(ctx, in, key); err != nil || s.askFirst == "" {
			return s.twinRuns, err
		}
		// The answer of an earlier refund was lost: ask before anything new is tried.
		if err := g.askRefund(ctx, s.askFirst); err != nil {
			return false, err
		}
		r, err := g.Refund(ctx, s.askFirst)
		if err == nil && r.State.Underway() {
			err = &pay.Error{Code: pay.CodeConflict, Reason: "refund_in_progress", Message: "the outcome of refund " + r.ID + " of this invoice is not known yet; no other can be made meanwhile"}
		}
		return true, err
	})
	if err != nil {
		return out, err
	}
	if s.replayed {
		out.Status, out.Replayed = s.status, true
		out.Value, err = g.Refund(ctx, s.refund.ID)
		return out, err
	}
	if err := g.sendRefund(ctx, s, in); err != nil {
		return out, err
	}
	out.Value, err = g.Refund(ctx, s.refund.ID)
	return out, err
}

// refundStep is what one look at the book decided.
type refundStep struct {
	refund   pay.Refund
	payment  pay.Payment
	merchant pay.Merchant
	work     outbox.Work
	claim    claim
	status   int
	replayed bool
	twinRuns bool   // another refund of this payment, or the same request, is being sent
	askFirst string // an earlier refund whose outcome is unknown
}

// beginRefund writes the refund as sent, with its amount reserved and its work leased to us.
func (g *Gateway) beginRefund(ctx context.Context, in RefundInput, key Idem) (s refundStep, err error) {
	err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		s = refundStep{status: http.StatusCreated}
		inv, payments, err := b.open(ctx, in.InvoiceID)
		if err != nil {
			return err
		}
		if s.claim, err = g.newClaim("refund.create", inv.Source, key, true); err != nil {
			return err
		}
		t, err := s.claim.look(ctx, b.Tx, b.now)
		if err != nil {
			return err
		}
		if t != nil {
			s.refund.ID, s.status, s.replayed, s.twinRuns = t.resource, t.status, true, t.running
			return nil
		}
		if err := b.agreed(ctx, in.Approval); err != nil {
			return err
		}
		p := live(payments)
		if p == nil {
			return &pay.Error{Code: pay.CodeConflict, Reason: "not_paid", Message: "this invoice is " + string(inv.Status) + "; only a paid one can be refunded"}
		}
		standing, err := b.RefundUnderway(ctx, p.ID)
		switch {
		case err == nil && (standing.State == pay.MoveUnknown || b.now.Sub(standing.SentAt) >= Lease):
			s.askFirst = standing.ID
			return nil
		case err == nil:
			s.twinRuns = true
			return nil
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		if s.merchant, err = b.Merchant(ctx, p.MerchantID); err != nil {
			return err
		}
		r, err := p.StartRefund(in.Amount)
		if err != nil {
			return err
		}
		if in.Limit > 0 && p.Refunded+p.Reserved > in.Limit {
			return errAboveLimit
		}
		r.ID, r.Reason, r.Lines, r.CreatedAt, r.SentAt = id.New(), in.Reason, in.Lines, b.now, b.now
		if err := g.canRefund(s.merchant, *p, order(*p, r, in)); err != nil {
			return err
		}
		if _, err := b.InsertRefund(ctx, r); err != nil {
			return err
		}
		if err := b.SavePayment(ctx, *p); err != nil {
			return err
		}
		if err := b.wrote(ctx, inv, store.Change{What: "refund", PaymentID: p.ID, RefundID: r.ID, Now: string(r.State), Note: r.Amount.Words() + " " + r.Reason}); err != nil {
			return err
		}
		if s.work, err = b.EnqueueLeased(ctx, outbox.Work{BusinessID: p.BusinessID, Kind: workRefund, Subject: r.ID, Lane: p.Provider}, Lease, b.now); err != nil {
			return err
		}
		s.refund, s.payment = r, *p
		_, err = s.claim.take(ctx, b.Tx, r.ID, s.status, false, b.now)
		return err
	})
	return s, err
}

func live(payments []*pay.Payment) *pay.Payment {
	for _, p := range payments {
		if p.State.Live() {
			return p
		}
	}
	return nil
}

func order(p pay.Payment, r pay.Refund, in RefundInput) provider.RefundOrder {
	return provider.RefundOrder{
		RefundID: r.ID, Payment: p, Amount: r.Amount, Whole: r.Whole,
		Lines: in.Lines, CardPAN: in.CardPAN, Reason: in.Reason,
	}
}

// canRefund asks the account, which asks nobody.
func (g *Gateway) canRefund(m pay.Merchant, p pay.Payment, o provider.RefundOrder) error {
	a, err := g.account(m)
	if err != nil {
		return err
	}
	r, ok := a.(provider.Refunder)
	if !ok {
		info := g.providers[m.Provider].Info()
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "refund_not_supported", Message: first(info.RefundHint.EN, info.Title+" has no refund by API; refund in its cabinet")}
	}
	return r.CanRefund(p, o)
}

// sendRefund makes the call and writes down what came of it.
func (g *Gateway) sendRefund(ctx context.Context, s refundStep, in RefundInput) error {
	a, err := g.account(s.merchant)
	if err != nil {
		return err
	}
	var o provider.MoveOutcome
	callErr := g.call(ctx, s.merchant, s.payment, "refund", func(ctx context.Context) error {
		if g.tooLate(s.refund.SentAt) {
			return errTooLate
		}
		o, err = a.(provider.Refunder).Refund(ctx, order(s.payment, s.refund, in))
		return err
	})
	harmless := callErr != nil && provider.Harmless(callErr)
	change := pay.MoveChange{To: o.State, Ref: o.Ref, Code: o.Code, Note: o.Note}
	if callErr != nil {
		change = pay.MoveChange{To: pay.MoveUnknown, Note: callErr.Error()}
		if harmless {
			change.To = pay.MoveFailed
		}
	}
	err = g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		if harmless {
			if err := s.claim.release(ctx, b.Tx); err != nil {
				return err
			}
		} else if err := s.claim.finish(ctx, b.Tx); err != nil {
			return err
		}
		underway, err := b.endRefund(ctx, s.refund.ID, change)
		if err != nil {
			return err
		}
		if underway {
			_, err = b.Retry(ctx, s.work, b.now.Add(g.askAfter(0)), change.Note) // whoever has it by now goes on
			return err
		}
		return b.DropWork(ctx, workRefund, s.refund.ID)
	})
	if err != nil {
		return err
	}
	if harmless {
		return upstream(s.merchant.Provider, callErr)
	}
	return nil
}

// tooLate says whether a call that was written down at sentAt might end after its lease. A process
// that stood still (a machine that was suspended, say) must not make it any more: others have begun
// to ask what became of it, and would be told that it never came.
func (g *Gateway) tooLate(sentAt time.Time) bool { return g.now().Sub(sentAt) > Lease-CallTimeout }

var errTooLate = &provider.Error{Kind: provider.KindUnavailable, NotSent: true, Message: "the call was not made: this process stood still for too long"}

// endRefund writes down what became of a refund. What is learned is true whoever learned it, so
// no lease is asked for; success beats failure, and a person is told.
func (b *book) endRefund(ctx context.Context, refundID string, c pay.MoveChange) (underway bool, err error) {
	r, err := b.Refund(ctx, refundID)
	if err != nil {
		return false, err
	}
	inv, payments, err := b.open(ctx, r.InvoiceID)
	if err != nil {
		return false, err
	}
	if r, err = b.Refund(ctx, refundID); err != nil { // again, under the lock
		return false, err
	}
	p := pick(payments, r.PaymentID)
	c = heardMove(c)
	c.At = b.now
	switch {
	case r.State.Underway() && c.To == pay.MoveSent: // the company has taken it on
		if r.AcceptedAt.IsZero() {
			r.AcceptedAt = b.now
			return true, b.SaveRefund(ctx, r)
		}
	case r.State.Underway():
		if err := b.refundEnds(ctx, inv, p, &r, c); err != nil {
			return false, err
		}
	case r.State == pay.MoveFailed && c.To == pay.MoveSucceeded:
		return false, b.succeedsLate(ctx, inv, p, &r, c)
	}
	return r.State.Underway(), nil
}

// succeedsLate writes down that a refund which was taken for failed was made after all. Where
// another one has returned its amount meanwhile, too much went back, and a person is told.
func (b *book) succeedsLate(ctx context.Context, inv *pay.Invoice, p *pay.Payment, r *pay.Refund, c pay.MoveChange) error {
	stood, was := p.State, r.State
	if p.LateRefund(*r, b.now) != nil {
		// Not the kind of a lost answer: that one ends with the next refund whose outcome is known.
		return b.alarm(ctx, inv, p.ID, pay.AttentionProvider, "refund "+r.ID+" of "+r.Amount.Words()+" succeeded at "+p.Provider+" after it was taken for failed, and its amount was returned or reserved meanwhile: too much may have gone back")
	}
	if _, err := r.Apply(c); err != nil {
		return err
	}
	if err := b.SaveRefund(ctx, *r); err != nil {
		return err
	}
	if err := b.wrote(ctx, inv, store.Change{What: "refund", PaymentID: p.ID, RefundID: r.ID, Was: string(was), Now: string(r.State), Note: first(c.Note, p.Provider+" says so late")}); err != nil {
		return err
	}
	b.after = append(b.after, func() { b.g.Metrics.Refund(p.Provider, r.State) })
	if err := b.returned(ctx, inv, p, *r, stood, c.Note); err != nil {
		return err
	}
	return b.alarm(ctx, inv, p.ID, pay.AttentionProvider, "refund "+r.ID+" of "+r.Amount.Words()+" succeeded at "+p.Provider+" after it was taken for failed: see that it was not made in another way too")
}

// refundWork asks what became of a refund whose sender died, or whose answer was lost.
func (g *Gateway) refundWork(ctx context.Context, w outbox.Work) error {
	r, err := g.Refund(ctx, w.Subject)
	if err != nil {
		return err
	}
	if !r.State.Underway() {
		return g.finish(ctx, w)
	}
	f := g.fate(ctx, r)
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		underway, err := b.fated(ctx, r, f)
		if err != nil {
			return err
		}
		if underway && f.askable {
			return b.heardAgain(ctx, w, errors.New(f.change.Note))
		}
		return b.heardDone(ctx, w) // where nobody can be asked, a person decides
	})
}

// fated writes down what asking about a refund brought. Where the company shows more as returned than
// the book knows of, underway included, a person is told: somebody returned it there.
func (b *book) fated(ctx context.Context, r pay.Refund, f refundFate) (underway bool, err error) {
	if underway, err = b.endRefund(ctx, r.ID, f.change); err != nil || f.shown <= r.Before+r.Amount {
		return underway, err
	}
	inv, payments, err := b.open(ctx, r.InvoiceID)
	if err != nil {
		return false, err
	}
	p := pick(payments, r.PaymentID)
	if f.shown <= p.Refunded+p.Reserved {
		return underway, nil
	}
	return underway, b.alarm(ctx, inv, p.ID, pay.AttentionProvider, p.Provider+" shows "+f.shown.Words()+" as returned, and our book "+p.Refunded.Words()+": see in its cabinet what went back")
}

// askRefund asks at once, outside the outbox.
func (g *Gateway) askRefund(ctx context.Context, refundID string) error {
	r, err := g.Refund(ctx, refundID)
	if err != nil || !r.State.Underway() {
		return err
	}
	f := g.fate(ctx, r)
	return g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		underway, err := b.fated(ctx, r, f)
		if err != nil || underway {
			return err
		}
		return b.DropWork(ctx, workRefund, r.ID)
	})
}

// acceptedMost is how long a company may work on a refund that it took on before a person is told.
const acceptedMost = 24 * time.Hour

// refundFate is what asking about a refund brought.
type refundFate struct {
	change  pay.MoveChange
	askable bool      // whether the company can be asked
	shown   pay.Tiyin // what it shows as returned of the payment, where it does
}

// fate asks the provider what became of a refund.
func (g *Gateway) fate(ctx context.Context, r pay.Refund) refundFate {
	unknown := pay.MoveChange{To: pay.MoveUnknown, Note: "not known yet"}
	p, err := g.payment(ctx, r.PaymentID)
	if err != nil {
		unknown.Note = err.Error()
		return refundFate{change: unknown, askable: true}
	}
	asked := g.now()
	report, err := g.inquire(ctx, p, provider.Question{
		Ref: p.Ref, PaymentID: p.ID, InvoiceID: p.InvoiceID, OpID: r.ID, Op: provider.OpRefund,
		Amount: r.Amount, Before: r.Before, SentAt: r.SentAt, Payment: p, Meta: p.Meta,
	})
	switch {
	case errors.Is(err, errCannotAsk):
		unknown.Note = p.Provider + " cannot be asked"
		return refundFate{change: unknown}
	case err != nil:
		unknown.Note = err.Error()
		return refundFate{change: unknown, askable: true}
	}
	f := refundFate{change: unknown, askable: true}
	all := report.Outcome.State == pay.Refunded
	switch {
	case report.Found && report.Underway && r.State == pay.MoveSent:
		f.change = pay.MoveChange{To: pay.MoveSent, Note: first(report.Outcome.Note, p.Provider+" is returning the money")}
	case report.Found && report.Shows && report.Refunded >= r.Before+r.Amount, report.Found && all:
		f.change = pay.MoveChange{To: pay.MoveSucceeded, Ref: report.Outcome.Ref, Code: report.Outcome.Code, Note: first(report.Outcome.Note, "seen at "+p.Provider)}
		if f.shown = p.Captured; !all {
			f.shown = report.Refunded
		}
	case report.Found && report.Shows && report.Refunded <= r.Before && !r.AcceptedAt.IsZero():
		// It said yes: that it does not show the return yet is no refusal, however long it takes.
		f.change.Note = p.Provider + " took the refund on and does not show it yet"
		if r.State == pay.MoveSent && g.now().Sub(r.AcceptedAt) < acceptedMost {
			f.change.To = pay.MoveSent
		}
	case report.Found && report.Shows && report.Refunded <= r.Before && asked.Sub(r.SentAt) >= finalAfter:
		f.change = pay.MoveChange{To: pay.MoveFailed, Code: "not_found", Note: p.Provider + " does not show this refund"}
	}
	return f
}

// Refund reads one refund. Reading one whose outcome is unknown has the provider asked soon.
func (g *Gateway) Refund(ctx context.Context, refundID string) (r pay.Refund, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err = found(tx.Refund(ctx, refundID))("refund")
		return err
	})
	return r, err
}

// RefundsOf lists the refunds of an invoice, oldest first.
func (g *Gateway) RefundsOf(ctx context.Context, invoiceID string, p Page) (out List[pay.Refund], err error) {
	page, err := p.decode()
	if err != nil {
		return out, err
	}
	var inv Invoice
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		row, err := found(tx.Invoice(ctx, invoiceID))("invoice")
		if err != nil {
			return err
		}
		if inv, err = g.withPayment(ctx, tx, row); err != nil {
			return err
		}
		rows, err := tx.RefundsPage(ctx, invoiceID, page)
		out.Items, out.Next = cut(rows, page, func(r pay.Refund) (int64, string) { return r.CreatedAt.UnixMilli(), r.ID })
		return err
	})
	if err == nil && inv.Attention != "" {
		g.askSoon(ctx, inv)
	}
	return out, err
}
