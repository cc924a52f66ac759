package gateway

import (
	"context"
	"errors"
	"strings"

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
	Alarms    []pay.Alarm // the open ones
	Entries   []TimelineEntry
	Approvals []PayoutApproval // newest first
	Event     *pay.Event       // the newest; nil: nothing has happened that could be told
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
		d.Alarms, d.Event = nil, nil
		if d.Approvals, err = tx.PayoutApprovalsOf(ctx, payoutID); err != nil {
			return err
		}
		e, err := tx.LatestPayoutEvent(ctx, payoutID)
		if err == nil {
			d.Event = &e.Event
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
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

// PayoutApproval is one person's word that a payout above the limit was not sent, which waits, or
// waited, for another's.
type PayoutApproval = store.PayoutApproval

// PayoutDecision is what a person says of a payout that nobody can tell of. Key is the form's own. That
// one above the owner's limit was not sent is for two to say, since the app would send it once more.
type PayoutDecision struct {
	PayoutID string
	Happened bool
	Limit    pay.Tiyin // 0: none
	Who, Why string
	Key      string
	New      bool // as in Signer
}

// DecidePayoutByStaff is DecidePayout with the reason that a person typed. Where it takes a second one,
// it writes down that it waits for them: then the approval is set.
func (g *Gateway) DecidePayoutByStaff(ctx context.Context, in PayoutDecision) (waits *PayoutApproval, err error) {
	if in.Why, err = reasonOf(in.Why); err != nil {
		return nil, err
	}
	if !id.Valid(in.Key) || in.Who == "" {
		return nil, errForeignForm
	}
	err = g.update(ctx, in.Who, func(ctx context.Context, b *book) error {
		waits = nil
		p, err := found(b.LockPayout(ctx, in.PayoutID))("payout")
		switch {
		case err != nil:
			return err
		case in.Happened || in.Limit == 0 || p.Amount <= in.Limit:
			return b.payoutDecided(ctx, &p, in.Happened, in.Who, in.Why)
		case in.New:
			return errTooNew
		}
		waits, err = b.payoutWaits(ctx, p, in)
		return err
	})
	return waits, err
}

// payoutWaits writes down that a second person is asked. One question about a payout waits at a time;
// the same form again is the same question.
func (b *book) payoutWaits(ctx context.Context, p pay.Payout, in PayoutDecision) (*PayoutApproval, error) {
	standing, err := b.PayoutApprovalsOf(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	for _, x := range standing {
		if x.ID == in.Key {
			return &x, nil
		}
		if x.State == store.ApprovalWaiting && b.now.Before(x.ExpiresAt) {
			return nil, &pay.Error{Code: pay.CodeConflict, Reason: "payout_waits", Message: "this payout waits for a second person already"}
		}
	}
	if p.State != pay.MoveUnknown {
		return nil, errPayoutKnown
	}
	a := PayoutApproval{
		ID: in.Key, BusinessID: p.BusinessID, PayoutID: p.ID, Reason: in.Why, State: store.ApprovalWaiting, AskedBy: in.Who,
		CreatedAt: b.now, ExpiresAt: b.now.Add(approvalLife),
	}
	ok, err := b.InsertPayoutApproval(ctx, a)
	if err != nil {
		return nil, err
	}
	if !ok { // a key of another payout
		return nil, errForeignForm
	}
	return &a, b.wrotePayout(ctx, p, p.State, "was not sent, says "+in.Who+"; a second person is asked: "+in.Why)
}

// ConfirmUnsent is the second person's word: the payout was not sent. Whoever asked cannot confirm, and
// a repeat changes nothing. Where the company has told meanwhile what became of it, that stands.
func (g *Gateway) ConfirmUnsent(ctx context.Context, approvalID string, by Signer) (payoutID string, err error) {
	who := by.Who
	err = g.update(ctx, who, func(ctx context.Context, b *book) error {
		a, p, err := b.payoutAsked(ctx, approvalID)
		if err != nil {
			return err
		}
		payoutID = p.ID
		switch {
		case a.State == store.ApprovalConfirmed:
			return nil
		case a.State == store.ApprovalRefused:
			return &pay.Error{Code: pay.CodeConflict, Reason: "refused", Message: "this was refused by " + a.DecidedBy}
		case strings.EqualFold(a.AskedBy, who):
			return &pay.Error{Code: pay.CodeForbidden, Reason: "same_person", Message: "whoever says it cannot confirm it"}
		case by.New:
			return errTooNew
		}
		if err := b.decidePayoutApproval(ctx, a, store.ApprovalConfirmed, who); err != nil {
			return err
		}
		return b.payoutDecided(ctx, &p, false, who, a.Reason+" (asked by "+a.AskedBy+", confirmed by "+who+")")
	})
	return payoutID, err
}

// RefuseUnsent ends a question: the second person says no, or the first takes it back.
func (g *Gateway) RefuseUnsent(ctx context.Context, approvalID, who string) (payoutID string, err error) {
	err = g.update(ctx, who, func(ctx context.Context, b *book) error {
		a, p, err := b.payoutAsked(ctx, approvalID)
		if err != nil {
			return err
		}
		payoutID = p.ID
		if a.State == store.ApprovalRefused {
			return nil
		}
		if err := b.decidePayoutApproval(ctx, a, store.ApprovalRefused, who); err != nil {
			return err
		}
		return b.wrotePayout(ctx, p, p.State, "that it was not sent was not confirmed")
	})
	return payoutID, err
}

// payoutAsked reads a question under its payout's lock.
func (b *book) payoutAsked(ctx context.Context, approvalID string) (a PayoutApproval, p pay.Payout, err error) {
	if a, err = found(b.PayoutApproval(ctx, approvalID))("approval"); err != nil {
		return a, p, err
	}
	if p, err = b.LockPayout(ctx, a.PayoutID); err != nil {
		return a, p, err
	}
	a, err = b.PayoutApproval(ctx, approvalID)
	return a, p, err
}

func (b *book) decidePayoutApproval(ctx context.Context, a PayoutApproval, state, who string) error {
	a.State, a.DecidedBy, a.DecidedAt = state, who, b.now
	ok, err := b.DecidePayoutApproval(ctx, a)
	if err == nil && !ok {
		err = &pay.Error{Code: pay.CodeConflict, Reason: "decided", Message: "this was decided already, or ran out"}
	}
	return err
}

// PayoutApproval reads one.
func (g *Gateway) PayoutApproval(ctx context.Context, approvalID string) (a PayoutApproval, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err = found(tx.PayoutApproval(ctx, approvalID))("approval")
		return err
	})
	return a, err
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

// AskPayoutNow is AskNow of a payout.
func (g *Gateway) AskPayoutNow(ctx context.Context, payoutID, who string) error {
	return g.update(WithActor(ctx, who), byAPI, func(ctx context.Context, b *book) error {
		p, err := found(b.LockPayout(ctx, payoutID))("payout")
		if err != nil {
			return err
		}
		if p.State != pay.MoveUnknown {
			return errPayoutKnown
		}
		ok, err := b.askedNow(ctx, workPayout, p.ID)
		if err == nil && !ok {
			err = errNobodyAsked
		}
		return err
	})
}

// AcknowledgePayout is Acknowledge of the alarms about a payout.
func (g *Gateway) AcknowledgePayout(ctx context.Context, payoutID string, seen []string, who, why string) error {
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
		open, err := shown(alarms, seen, func(a pay.Alarm) bool { return a.Kind != pay.AttentionUnknown })
		if err != nil {
			return err
		}
		for _, a := range open {
			if err := b.CloseAlarm(ctx, a.ID, who, b.now); err != nil {
				return err
			}
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
