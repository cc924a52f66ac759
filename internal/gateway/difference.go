package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// How a difference is settled.
const (
	SettleNoted  = "noted"  // somebody has seen to it: nothing changes here
	SettleTheirs = "theirs" // the company's word is taken over
)

// SettleInput settles one difference in a person's name.
type SettleInput struct {
	ReconciliationID, DifferenceID string
	How, By, Reason                string
}

// Settle settles one difference. Taking over the company's word goes the ways that asking it
// goes; what those do not allow (a payment that is paid here and unknown there, say) is a
// conflict, and stays for a person to refund or to note.
func (g *Gateway) Settle(ctx context.Context, in SettleInput, key Idem) (Saved[pay.Difference], error) {
	out := Saved[pay.Difference]{Status: http.StatusOK}
	in.Reason = withoutCards(in.Reason)
	d, r, err := g.difference(ctx, in)
	if err != nil {
		return out, err
	}
	c, err := g.newClaim("reconciliation.settle", r.BusinessID, key, false)
	if err != nil {
		return out, err
	}
	same := d.SettledHow == in.How && d.SettledBy == in.By && d.SettledReason == in.Reason
	switch {
	case !d.SettledAt.IsZero() && same:
		out.Value = d
		return out, nil
	case !d.SettledAt.IsZero():
		return out, errDifferenceSettled
	case r.State != pay.ReconcileDone:
		return out, &pay.Error{Code: pay.CodeConflict, Reason: "reconciliation_running", Message: "this reconciliation is " + string(r.State) + "; settle its differences when it is done"}
	case in.How == SettleTheirs:
		if err := g.takeOver(ctx, r, &d, in); err != nil {
			return out, err
		}
	}
	err = g.update(context.WithoutCancel(ctx), in.By, func(ctx context.Context, b *book) error {
		t, err := c.look(ctx, b.Tx, b.now)
		if err != nil {
			return err
		}
		if t != nil {
			out.Replayed = true
			out.Value, err = b.Difference(ctx, t.resource)
			return err
		}
		// First the invoice's lock, then the reconciliation's, as everywhere.
		if err := b.wroteSettled(ctx, d, r, in); err != nil {
			return err
		}
		if _, err := b.LockReconciliation(ctx, r.ID); err != nil {
			return err
		}
		row, err := b.Difference(ctx, d.ID)
		if err != nil {
			return err
		}
		if !row.SettledAt.IsZero() {
			return errDifferenceSettled
		}
		row.Ours, row.SettledAt, row.SettledBy, row.SettledHow, row.SettledReason = d.Ours, b.now, in.By, in.How, in.Reason
		if err := b.SaveDifference(ctx, row); err != nil {
			return err
		}
		out.Value = row
		left, err := b.Unsettled(ctx, r.ID)
		if err != nil {
			return err
		}
		if !left && r.Nightly {
			if err := b.CloseAlarm(ctx, r.ID, in.By, b.now); err != nil {
				return err
			}
		}
		_, err = c.take(ctx, b.Tx, d.ID, http.StatusOK, true, b.now)
		return err
	})
	return out, err
}

var errDifferenceSettled = &pay.Error{Code: pay.CodeConflict, Reason: "already_settled", Message: "somebody has settled this difference; read it"}

func (g *Gateway) difference(ctx context.Context, in SettleInput) (d pay.Difference, r pay.Reconciliation, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		if r, err = found(tx.Reconciliation(ctx, in.ReconciliationID))("reconciliation"); err != nil {
			return err
		}
		if d, err = found(tx.Difference(ctx, in.DifferenceID))("difference"); err == nil && (d.ReconciliationID != r.ID || d.Verdict == "" || d.Verdict == pay.VerdictMatched) {
			err = notFound("difference")
		}
		return err
	})
	return d, r, err
}

// takeOver has our book learn the company's word, as if it had been asked just now.
func (g *Gateway) takeOver(ctx context.Context, rec pay.Reconciliation, d *pay.Difference, in SettleInput) error {
	if d.Theirs == nil || d.OurID == "" {
		return &pay.Error{Code: pay.CodeConflict, Reason: "nothing_to_take_over", Message: "only one side has this transaction: refund it, or return it at the company, and settle it as noted"}
	}
	note := "reconciled by " + in.By + ": " + in.Reason
	if d.Kind == pay.KindPayout {
		p, err := g.readPayout(ctx, d.OurID)
		paid := d.Theirs.State == pay.Paid
		final := paid || d.Theirs.State == pay.Failed && rec.CreatedAt.Sub(p.SentAt) >= finalAfter
		switch same := d.Theirs.Amount == p.Amount; {
		case err == nil && p.State == pay.MoveUnknown && final && same:
			err = g.DecidePayout(ctx, p.ID, paid, in.By, in.Reason)
		case err == nil && p.State == pay.MoveFailed && paid && same && !p.Unsent:
			err = g.arrivedAfterAll(ctx, p.ID, in.By, note)
		}
		if err != nil {
			return err
		}
		if p, err = g.readPayout(ctx, d.OurID); err != nil {
			return err
		}
		d.Ours = payoutStanding(p)
		return agreed(*d)
	}
	p, err := g.payment(ctx, d.OurID)
	if err != nil {
		return err
	}
	if d.Theirs.Amount == standingOf(p).Amount {
		err := g.apply(context.WithoutCancel(ctx), p.ID, provider.Outcome{State: d.Theirs.State, At: d.Theirs.At, Amount: d.Theirs.Amount, Note: note}, in.By, note)
		if err != nil {
			return err
		}
		r, lost, err := g.lostRefund(ctx, p.ID)
		if err != nil {
			return err
		}
		// A register that does not show the return may be older than it, so it settles it one way only.
		if lost && d.Theirs.State == pay.Refunded {
			if err := g.Decide(ctx, Decision{InvoiceID: p.InvoiceID, Subject: r.ID, Happened: true, Who: in.By, Why: in.Reason}); err != nil {
				return err
			}
		}
	}
	if p, err = g.payment(ctx, d.OurID); err != nil {
		return err
	}
	d.Ours = standingOf(p)
	return agreed(*d)
}

// lostRefund is a whole refund of ours whose answer was lost.
func (g *Gateway) lostRefund(ctx context.Context, paymentID string) (r pay.Refund, lost bool, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		r, err = tx.RefundUnderway(ctx, paymentID)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return r, false, nil
	}
	return r, err == nil && r.State == pay.MoveUnknown && r.Whole, err
}

// agreed says whether both sides agree by now.
func agreed(d pay.Difference) error {
	if compare(&d); d.Verdict == pay.VerdictMatched {
		return nil
	}
	return &pay.Error{Code: pay.CodeConflict, Reason: "not_taken_over", Message: "our book cannot take that over (" + d.Note + "); see to it by hand, and settle it as noted"}
}

// wroteSettled puts the settlement into the timeline of what it is about.
func (b *book) wroteSettled(ctx context.Context, d pay.Difference, r pay.Reconciliation, in SettleInput) error {
	note := fmt.Sprintf("a difference of %s at %s is settled (%s) by %s: %s", r.Day, r.Provider, in.How, in.By, in.Reason)
	c := store.Change{What: "reconciliation", Was: string(d.Verdict), Now: in.How, Note: note}
	switch {
	case d.Kind == pay.KindPayout && d.OurID != "":
		p, err := b.LockPayout(ctx, d.OurID)
		if err != nil {
			return err
		}
		c.ID, c.BusinessID, c.InvoiceID, c.At, c.By = id.New(), p.BusinessID, p.ID, b.now, b.by
		return b.InsertChange(ctx, c)
	case d.InvoiceID != "":
		inv, err := b.LockInvoice(ctx, d.InvoiceID)
		if err != nil {
			return err
		}
		c.PaymentID = d.OurID
		return b.wrote(ctx, &inv, c)
	}
	return nil
}
