package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// usualHold is how long a hold is taken to last where neither the invoice nor the company says.
const usualHold = 7 * 24 * time.Hour

// Capture takes what is held: amount of it, or all with 0. The rest is released.
func (g *Gateway) Capture(ctx context.Context, invoiceID string, amount pay.Tiyin, key Idem) (Saved[Invoice], error) {
	return g.endHold(ctx, "invoice.capture", invoiceID, pay.AskedCapture, amount, key)
}

// endHold captures or releases a hold, by one call.
func (g *Gateway) endHold(ctx context.Context, op, invoiceID string, asked pay.Asked, amount pay.Tiyin, key Idem) (Saved[Invoice], error) {
	out := Saved[Invoice]{Status: http.StatusOK}
	var s chargeStep
	err := wait(ctx, func() (again bool, err error) {
		s, err = g.beginEnd(ctx, op, invoiceID, asked, amount, key)
		return s.twinRuns, err
	})
	if err != nil {
		return out, err
	}
	out.Replayed = s.replayed
	if !s.replayed {
		err = g.ask(ctx, s, string(asked), func(ctx context.Context, a provider.Account) (provider.Outcome, error) {
			if asked == pay.AskedRelease {
				return a.(provider.Holder).Release(ctx, s.payment)
			}
			return a.(provider.Holder).Capture(ctx, s.payment, s.payment.AskedAmount)
		})
		if err != nil {
			return out, err
		}
	}
	out.Value, err = g.Invoice(ctx, invoiceID)
	return out, err
}

// beginEnd writes the call down, with its work leased to us.
func (g *Gateway) beginEnd(ctx context.Context, op, invoiceID string, asked pay.Asked, amount pay.Tiyin, key Idem) (s chargeStep, err error) {
	err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		s = chargeStep{}
		inv, payments, err := b.open(ctx, invoiceID)
		if err != nil {
			return err
		}
		if done, err := s.look(ctx, g, b, op, inv, key); done || err != nil {
			return err
		}
		p := live(payments)
		if p == nil || p.State != pay.Held {
			return &pay.Error{Code: pay.CodeConflict, Reason: "already_" + string(inv.Status), Message: "this invoice is " + string(inv.Status) + "; only a held one can be captured or released"}
		}
		if p.Asked != "" {
			// A twin that is being sent is waited for; what is unknown is asked about first.
			if s.twinRuns = b.now.Sub(p.AskedAt) < Lease && inv.Attention != pay.AttentionUnknown; s.twinRuns {
				return nil
			}
			return errPaymentInProgress
		}
		if amount == 0 || asked == pay.AskedRelease {
			amount = p.Amount
		}
		if amount < 0 || amount > p.Amount {
			return &pay.Error{Code: pay.CodeConflict, Reason: "more_than_held", Message: amount.Words() + " cannot be captured: " + p.Amount.Words() + " are held"}
		}
		if s.merchant, err = b.Merchant(ctx, p.MerchantID); err != nil {
			return err
		}
		if asked == pay.AskedCapture {
			if err := g.canCapture(s.merchant, *p, amount); err != nil {
				return err
			}
		}
		if err := p.Ask(asked, amount, b.now); err != nil {
			return err
		}
		if err := b.SavePayment(ctx, *p); err != nil {
			return err
		}
		if err := b.wrote(ctx, inv, store.Change{What: "payment", PaymentID: p.ID, Was: string(p.State), Now: string(p.State), Note: "asks for the hold's " + string(asked) + ": " + amount.Words()}); err != nil {
			return err
		}
		s.invoice, s.payment = *inv, *p
		return s.start(ctx, b)
	})
	return s, err
}

// canCapture asks the account, which asks nobody.
func (g *Gateway) canCapture(m pay.Merchant, p pay.Payment, amount pay.Tiyin) error {
	a, err := g.account(m)
	if err != nil {
		return err
	}
	h, ok := a.(provider.Holder)
	if !ok {
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "no_hold", Message: m.Provider + " has no call for a hold"}
	}
	return h.CanCapture(p, amount)
}

// captured writes down that a hold was taken: what was asked for, or all where the company took it
// by itself. Another sum than that is refused, and goes before a person.
func (g *Gateway) captured(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, proof provider.Proof, note string) (refusal, err error) {
	amount := p.Amount
	if p.Asked == pay.AskedCapture && p.AskedAmount > 0 {
		amount = p.AskedAmount
	}
	if proof.Amount != 0 && proof.Amount != amount {
		return provider.WrongAmount, b.alarm(ctx, inv, p.ID, pay.AttentionAmount, p.Provider+" says that it captured "+proof.Amount.Words()+" instead of "+amount.Words())
	}
	if err := g.learn(p, proof); err != nil {
		return nil, err
	}
	if err := g.fiscalise(ctx, b, inv, p); err != nil {
		return nil, err
	}
	if _, err := b.move(ctx, inv, p, pay.Change{To: pay.Paid, At: b.now, Amount: amount}, note); err != nil {
		return nil, err
	}
	if err := g.withdrawOthers(ctx, b, inv, payments, p.ID); err != nil {
		return nil, err
	}
	return nil, b.holdOver(ctx, inv, p)
}

// released ends an invoice whose hold is gone. Where nobody asked for a hold, only the attempt has
// ended, and the buyer may try again.
func (b *book) released(ctx context.Context, inv *pay.Invoice, p *pay.Payment, note string) error {
	if inv.Capture != "manual" {
		return b.holdOver(ctx, inv, p)
	}
	if err := b.end(ctx, inv, p, pay.StatusCancelled, note); err != nil {
		return err
	}
	return b.holdOver(ctx, inv, p)
}

// holdOver closes what stood about a hold that has ended.
func (b *book) holdOver(ctx context.Context, inv *pay.Invoice, p *pay.Payment) error {
	if inv.Attention != "" {
		if err := b.settled(ctx, inv, p.ID, pay.AttentionUnknown); err != nil {
			return err
		}
	}
	return b.DropWork(ctx, workHold, p.ID)
}

// stillHeld writes down that the company did not end a hold: it refused, or the call never landed.
func (b *book) stillHeld(ctx context.Context, inv *pay.Invoice, p *pay.Payment, o provider.Outcome) error {
	b.answered(p)
	p.Reason, p.Code = o.Reason, o.Code
	if err := b.SavePayment(ctx, *p); err != nil {
		return err
	}
	if err := b.wrote(ctx, inv, store.Change{What: "payment", PaymentID: p.ID, Was: string(p.State), Now: string(p.State), Note: first(o.Note, "the money is still held")}); err != nil {
		return err
	}
	if inv.Attention != "" {
		return b.settled(ctx, inv, p.ID, pay.AttentionUnknown)
	}
	return nil
}

// holdsUntil sets when a hold runs out. The caller saves the payment.
func (b *book) holdsUntil(p *pay.Payment, until time.Time, span time.Duration) {
	if span == 0 {
		span = usualHold
	}
	if until.IsZero() {
		until = b.now.Add(span)
	}
	p.HoldUntil = until.Truncate(time.Millisecond)
}

// lookAfter has somebody look after a hold in time.
func (b *book) lookAfter(ctx context.Context, inv *pay.Invoice, p *pay.Payment) error {
	return b.Enqueue(ctx, outbox.Work{BusinessID: p.BusinessID, Kind: workHold, Subject: p.ID, Lane: p.Provider, DueAt: b.holdDue(inv, p)})
}

// holdDue is when somebody looks after a hold: when it has run out, or, where nobody asked for one
// and whoever made it was to take it at once, when their lease has ended.
func (b *book) holdDue(inv *pay.Invoice, p *pay.Payment) time.Time {
	switch {
	case inv.Capture == "manual":
		return p.HoldUntil.Add(time.Second)
	case b.by == byAPI:
		return b.now.Add(Lease)
	}
	return b.now
}

// taken is an invoice after a charge. What was held only so that it could be found again (see
// provider.HoldFirst) is taken first. Where that fails the money stays held, and the work beside
// the payment tries again.
func (g *Gateway) taken(ctx context.Context, invoiceID string) (Invoice, error) {
	inv, err := g.Invoice(ctx, invoiceID)
	p := inv.Payment
	if err != nil || inv.Capture == "manual" || p == nil || p.State != pay.Held || p.Asked != "" {
		return inv, err
	}
	if _, err := g.endHold(ctx, "", invoiceID, pay.AskedCapture, 0, Idem{}); err != nil {
		g.Logger.WarnContext(ctx, "what is held could not be taken yet", "invoice", invoiceID, "payment", p.ID, "error", err)
	}
	return g.Invoice(ctx, invoiceID)
}

// holdWork asks what became of a hold that has run out: the company has released or taken it by
// then, as it was asked to when the hold was made.
func (g *Gateway) holdWork(ctx context.Context, w outbox.Work) error {
	p, err := g.payment(ctx, w.Subject)
	if err != nil {
		return err
	}
	if p.State != pay.Held {
		return g.finish(ctx, w)
	}
	if g.now().Before(p.HoldUntil) { // nobody asked for this hold: take it
		inv, err := g.taken(ctx, p.InvoiceID)
		if err != nil {
			return err
		}
		return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
			if inv.Payment != nil && inv.Payment.ID == p.ID && inv.Payment.State == pay.Held {
				return b.again(ctx, w, nil)
			}
			return b.DropWork(ctx, workHold, p.ID)
		})
	}
	if p.Asked != "" { // whoever asked is told, or asks, first
		return g.update(ctx, byWorker, func(ctx context.Context, b *book) error { return b.again(ctx, w, nil) })
	}
	report, err := g.inquire(ctx, p, provider.Question{
		Ref: p.Ref, PaymentID: p.ID, InvoiceID: p.InvoiceID, Op: provider.OpRelease,
		Amount: p.Amount, SentAt: p.HoldUntil, Payment: p, Meta: p.Meta,
	})
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		inv, payments, openErr := b.open(ctx, p.InvoiceID)
		if openErr != nil {
			return openErr
		}
		row := pick(payments, p.ID)
		switch {
		case row.State != pay.Held || row.Asked != "":
		case errors.Is(err, errCannotAsk):
			if err := b.alarm(ctx, inv, row.ID, pay.AttentionProvider, "the hold has run out, and "+row.Provider+" cannot be asked what became of it"); err != nil {
				return err
			}
			return b.heardDone(ctx, w)
		case err == nil && !report.Found && b.now.Sub(row.HoldUntil) >= finalAfter:
			if err := b.alarm(ctx, inv, row.ID, pay.AttentionProvider, "the hold has run out, and "+row.Provider+" does not know it: see in its cabinet what became of the money"); err != nil {
				return err
			}
		case err == nil && report.Found && report.Outcome.State != pay.Held:
			if err := g.learned(ctx, b, inv, payments, row, report.Outcome, "the hold ran out"); err != nil {
				return err
			}
		}
		if row.State != pay.Held {
			return b.DropWork(ctx, workHold, row.ID)
		}
		return b.heardAgain(ctx, w, err)
	})
}

// decideHold settles by a named person's word a capture or release that nobody can tell of.
func (g *Gateway) decideHold(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, happened bool, note string) error {
	if err := b.DropWork(ctx, workSettle, p.ID); err != nil {
		return err
	}
	switch {
	case !happened:
		return b.stillHeld(ctx, inv, p, provider.Outcome{Note: note})
	case p.Asked == pay.AskedCapture:
		_, err := g.captured(ctx, b, inv, payments, p, provider.Proof{}, note)
		return err
	}
	if _, err := b.move(ctx, inv, p, pay.Change{To: pay.Cancelled, At: b.now, Reason: "decided"}, note); err != nil {
		return err
	}
	return b.released(ctx, inv, p, note)
}
