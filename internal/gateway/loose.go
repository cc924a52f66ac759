package gateway

import (
	"context"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// What needs a person and is about no invoice: a payout, or a day that was compared by night.

// AdriftTill is a till with returns of which nobody knows how they ended, nor of which sale.
type AdriftTill = store.AdriftTill

// LooseReconciliations lists the nightly reconciliations with an open alarm, Newest or Oldest first.
func (g *Gateway) LooseReconciliations(ctx context.Context, o Order, p Page) (out List[pay.Reconciliation], err error) {
	page, err := p.decode()
	if err != nil {
		return out, err
	}
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		rows, err := tx.LooseReconciliations(ctx, o, page)
		out.Items, out.Next = cut(rows, page, func(r pay.Reconciliation) (int64, string) { return r.CreatedAt.UnixMilli(), r.ID })
		return err
	})
	return out, err
}

// PayoutDossier is what the book holds of one payout.
type PayoutDossier struct {
	pay.Payout
	Alarms  []pay.Alarm // the open ones
	Entries []TimelineEntry
}

// PayoutDossier reads a payout for its page. One whose outcome is not known is asked about soon.
func (g *Gateway) PayoutDossier(ctx context.Context, payoutID string) (d PayoutDossier, err error) {
	if d.Payout, err = g.Payout(ctx, payoutID); err != nil {
		return d, err
	}
	if d.Entries, err = g.PayoutTimeline(ctx, payoutID); err != nil {
		return d, err
	}
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		d.Alarms = nil
		all, err := tx.PayoutAlarms(ctx, payoutID)
		for _, a := range all {
			if a.ClosedAt.IsZero() {
				d.Alarms = append(d.Alarms, a)
			}
		}
		return err
	})
	return d, err
}

// DecidePayoutByStaff is DecidePayout with the reason that a person typed. That a payout above the
// limit did not arrive is refused (needs_owner): the app would pay once more. 0 is no limit.
func (g *Gateway) DecidePayoutByStaff(ctx context.Context, payoutID string, happened bool, limit pay.Tiyin, who, why string) error {
	why, err := reasonOf(why)
	if err != nil {
		return err
	}
	return g.decidePayout(ctx, payoutID, happened, limit, who, why)
}

// SettleByStaff is Settle with what a person chose and typed on a page.
func (g *Gateway) SettleByStaff(ctx context.Context, in SettleInput) (err error) {
	if in.Reason, err = reasonOf(in.Reason); err != nil {
		return err
	}
	if !id.Valid(in.DifferenceID) || in.How != SettleNoted && in.How != SettleTheirs {
		return errForeignForm
	}
	_, err = g.Settle(ctx, in, Idem{})
	return err
}

// AcknowledgePayout ends, in the name of a person, the alarms about a payout that no asking can
// end. It moves no money.
func (g *Gateway) AcknowledgePayout(ctx context.Context, payoutID, who, why string) error {
	why, err := reasonOf(why)
	if err != nil {
		return err
	}
	return g.update(ctx, who, func(ctx context.Context, b *book) error {
		p, err := found(b.LockPayout(ctx, payoutID))("payout")
		if err != nil {
			return err
		}
		alarms, err := b.PayoutAlarms(ctx, payoutID)
		if err != nil {
			return err
		}
		ended := false
		for _, a := range alarms {
			if !a.ClosedAt.IsZero() || a.Kind == pay.AttentionUnknown {
				continue
			}
			if err := b.CloseAlarm(ctx, a.ID, who, b.now); err != nil {
				return err
			}
			ended = true
		}
		if !ended {
			return errNothingOpen
		}
		return b.wrotePayout(ctx, p, p.State, "seen by "+who+": "+why)
	})
}

var errNothingOpen = &pay.Error{Code: pay.CodeConflict, Reason: "nothing_open", Message: "nothing about this waits for a person's word"}

// LooseReconciliation says whether a nightly reconciliation has an open alarm.
func (g *Gateway) LooseReconciliation(ctx context.Context, reconciliationID string) (open bool, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		open, err = tx.AlarmOpen(ctx, reconciliationID)
		return err
	})
	return open, err
}

// AcknowledgeReconciliation ends, in the name of a person, the alarm of a nightly reconciliation
// that could not be made. Differences are settled one by one, and the last ends theirs.
func (g *Gateway) AcknowledgeReconciliation(ctx context.Context, reconciliationID, who string) error {
	return g.update(ctx, who, func(ctx context.Context, b *book) error {
		r, err := found(b.LockReconciliation(ctx, reconciliationID))("reconciliation")
		if err != nil {
			return err
		}
		open, err := b.AlarmOpen(ctx, r.ID)
		if err != nil {
			return err
		}
		left, err := b.Unsettled(ctx, r.ID)
		if err != nil {
			return err
		}
		if !open || left && r.State == pay.ReconcileDone {
			return errNothingOpen
		}
		return b.CloseAlarm(ctx, r.ID, who, b.now)
	})
}
