package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// CancelInvoice gives up a pending invoice. A page that a company made for it is taken back
// there first: as long as it stands, a buyer could still pay.
func (g *Gateway) CancelInvoice(ctx context.Context, invoiceID string, key Idem) (Saved[Invoice], error) {
	return g.cancel(ctx, invoiceID, "", key)
}

// CancelAs is CancelInvoice for a person who has seen the invoice in a state: in another one it is
// refused. Who gives up what nobody paid does not mean to release a hold.
func (g *Gateway) CancelAs(ctx context.Context, invoiceID string, seen pay.Status) (Saved[Invoice], error) {
	if seen == "" {
		return Saved[Invoice]{}, errForeignForm
	}
	return g.cancel(ctx, invoiceID, seen, Idem{})
}

// cancel gives up an invoice; seen is the state in which it must be, "" is any.
func (g *Gateway) cancel(ctx context.Context, invoiceID string, seen pay.Status, key Idem) (Saved[Invoice], error) {
	var out Saved[Invoice]
	for {
		var page *pay.Payment
		err := g.onInvoice(ctx, "invoice.cancel", invoiceID, key, &out, func(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment) error {
			page = nil
			switch {
			case seen != "" && inv.Status != seen:
				return &pay.Error{Code: pay.CodeConflict, Reason: "changed_meanwhile", Message: "the invoice is " + string(inv.Status) + " by now"}
			case inv.Status == pay.StatusHeld:
				return errRelease
			case inv.Status != pay.StatusPending:
				return &pay.Error{Code: pay.CodeConflict, Reason: "already_" + string(inv.Status), Message: "an invoice that is " + string(inv.Status) + " cannot be cancelled"}
			case anyOpen(payments, b.now):
				return errPaymentInProgress
			}
			if page = g.page(payments); page != nil {
				return errTakeBack
			}
			return b.giveUp(ctx, inv, payments, "cancelled by "+first(actor(ctx), inv.Source))
		})
		if errors.Is(err, errTakeBack) {
			if err := g.takeBack(ctx, *page); err != nil {
				return out, err
			}
			continue
		}
		if errors.Is(err, errRelease) {
			return g.endHold(ctx, "invoice.cancel", invoiceID, pay.AskedRelease, 0, key)
		}
		if err != nil {
			return out, err
		}
		out.Value, err = g.Invoice(ctx, invoiceID)
		return out, err
	}
}

// errRelease rolls a cancellation back that must ask the company to release a hold.
var errRelease = errors.New("the hold must be released")

// errTakeBack rolls a step back that must first take a page back at its company.
var errTakeBack = errors.New("a page must be taken back first")

// giveUp cancels an invoice and the attempts on it that never came to anything.
func (b *book) giveUp(ctx context.Context, inv *pay.Invoice, payments []*pay.Payment, note string) error {
	for _, p := range payments {
		if p.State == pay.Created {
			if _, err := b.move(ctx, inv, p, pay.Change{To: pay.Cancelled, At: b.now, Reason: reasonGivenUp}, note); err != nil {
				return err
			}
		}
	}
	return b.end(ctx, inv, nil, pay.StatusCancelled, note)
}

// reasonGivenUp is that of an attempt that ended with its invoice: its company was not heard.
const reasonGivenUp = "invoice cancelled"

// onInvoice is a POST that changes one invoice in one transaction: the key is claimed with what
// it changes. A repeat leaves out as it is, with Replayed set.
func (g *Gateway) onInvoice(ctx context.Context, op, invoiceID string, key Idem, out *Saved[Invoice], do func(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment) error) error {
	return g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		*out = Saved[Invoice]{Status: http.StatusOK}
		inv, payments, err := b.open(ctx, invoiceID)
		if err != nil {
			return err
		}
		c, err := g.newClaim(op, inv.Source, key, false)
		if err != nil {
			return err
		}
		t, err := c.look(ctx, b.Tx, b.now)
		if err != nil {
			return err
		}
		if t != nil {
			out.Status, out.Replayed = t.status, true
			return nil
		}
		if err := do(ctx, b, inv, payments); err != nil {
			return err
		}
		_, err = c.take(ctx, b.Tx, inv.ID, http.StatusOK, true, b.now)
		return err
	})
}

// Notify sends the latest event of an invoice again, the same id and bytes. What stands before
// it in the order goes first.
func (g *Gateway) Notify(ctx context.Context, invoiceID string, key Idem) (Saved[Invoice], error) {
	var out Saved[Invoice]
	err := g.onInvoice(ctx, "invoice.notify", invoiceID, key, &out, func(ctx context.Context, b *book, inv *pay.Invoice, _ []*pay.Payment) error {
		e, err := b.LatestEvent(ctx, inv.ID)
		if errors.Is(err, store.ErrNotFound) {
			return &pay.Error{Code: pay.CodeConflict, Reason: "no_event", Message: "nothing has happened to this invoice that could be told"}
		}
		if err != nil {
			return err
		}
		return b.sendAgain(ctx, inv, e)
	})
	if err != nil {
		return out, err
	}
	out.Value, err = g.Invoice(ctx, invoiceID)
	return out, err
}

// sendAgain has an event tried anew from its first try on, and what stands before it in the order
// tried at once.
func (b *book) sendAgain(ctx context.Context, inv *pay.Invoice, e pay.Event) error {
	e.DeliveredAt, e.StuckAt, e.DeadAt, e.NextAt, e.Attempts = time.Time{}, time.Time{}, time.Time{}, time.Time{}, 0
	if err := b.SaveEvent(ctx, e); err != nil {
		return err
	}
	before, err := b.OldestUndelivered(ctx, inv.BusinessID, inv.SourceInvoiceID)
	if err != nil {
		return err
	}
	inv.NotifyDelivered = false
	if err := b.SaveInvoice(ctx, *inv); err != nil {
		return err
	}
	// The work before the event of what may be another invoice, as a try that ends takes them.
	if err := b.Enqueue(ctx, deliveryOf(inv.BusinessID, inv.SourceInvoiceID, e.NotifyURL, b.now)); err != nil {
		return err
	}
	return b.SendSooner(ctx, before.ID)
}

// The bounds of one sweep for invoices that ran out.
const (
	expiryBatch = 200
	expiryEvery = 5 * time.Second
	unknownWait = time.Minute // before an invoice is looked at again whose outcome is unknown
)

// ExpireInvoices ends the pending invoices that are past their time, each in a transaction of
// its own. An open attempt makes its invoice wait; a company's page is taken back first.
func (g *Gateway) ExpireInvoices(ctx context.Context) (n int, err error) {
	var ids []string
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		ids, err = tx.ExpiredInvoices(ctx, g.now(), expiryBatch)
		return err
	})
	var failed []error
	for _, each := range ids {
		if err := g.expire(ctx, each); err != nil {
			failed = append(failed, fmt.Errorf("expire invoice %s: %w", each, err))
			// The next one is not to wait behind it, nor are the next sweep's.
			if err := g.putOff(ctx, each); err != nil {
				return n, errors.Join(append(failed, err)...)
			}
			continue
		}
		n++
	}
	return n, errors.Join(append(failed, err)...)
}

func (g *Gateway) putOff(ctx context.Context, invoiceID string) error {
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		return b.PushExpiry(ctx, invoiceID, b.now.Add(unknownWait))
	})
}

func (g *Gateway) expire(ctx context.Context, invoiceID string) error {
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		inv, payments, err := b.open(ctx, invoiceID)
		if err != nil || inv.Status != pay.StatusPending || b.now.Before(inv.ExpiresAt) {
			return err
		}
		if wrong, err := b.anotherSum(ctx, inv); err != nil {
			return err
		} else if wrong { // a company took another sum: a person ends it
			return b.PushExpiry(ctx, inv.ID, b.now.Add(unknownWait))
		}
		var waits time.Time
		for _, p := range payments {
			if !p.Open(b.now) {
				continue
			}
			until := b.now.Add(unknownWait)
			if p.State == pay.Created && p.Asked == "" {
				until = p.ExpiresAt
			}
			if waits.IsZero() || until.Before(waits) {
				waits = until
			}
		}
		if !waits.IsZero() {
			return b.PushExpiry(ctx, inv.ID, waits)
		}
		stands, graced := false, b.now.Sub(inv.ExpiresAt) < pageGrace
		for _, p := range payments {
			if p.State != pay.Created || p.Ref == "" || !g.hosts(p.Provider) {
				continue
			}
			stands = true
			if err := b.Enqueue(ctx, outbox.Work{BusinessID: p.BusinessID, Kind: workWithdraw, Subject: p.ID, Lane: p.Provider, DueAt: b.now}); err != nil {
				return err
			}
			if graced {
				continue
			}
			if err := b.alarm(ctx, inv, p.ID, pay.AttentionProvider, notTakenBack(p)); err != nil {
				return err
			}
		}
		if stands && graced {
			return b.PushExpiry(ctx, inv.ID, b.now.Add(unknownWait))
		}
		return b.giveUp(ctx, inv, payments, "ran out unpaid")
	})
}

// notTakenBack is what a person is told of a page of which the company does not say whether it was paid.
// The alarm is closed by its words, once the company has said.
func notTakenBack(p *pay.Payment) string {
	return p.Provider + " did not let its page be taken back after the invoice had run out: see there whether it was paid"
}

// anotherSum says whether an open alarm is about another sum than the invoice's: it may not be the one
// that the invoice shows, which is the newest.
func (b *book) anotherSum(ctx context.Context, inv *pay.Invoice) (bool, error) {
	if inv.Attention == "" {
		return false, nil
	}
	alarms, err := b.Alarms(ctx, inv.ID)
	return slices.ContainsFunc(alarms, func(a pay.Alarm) bool { return a.ClosedAt.IsZero() && a.Kind == pay.AttentionAmount }), err
}

// pageGrace is how long an invoice that ran out waits for its company to take the page back.
// After it the invoice ends all the same: a payment that comes then is refused, and returned. Whether one
// came before, the company is asked on, and a person is told.
const pageGrace = time.Hour
