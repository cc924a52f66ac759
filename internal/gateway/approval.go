package gateway

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// A refund that staff make goes through CreateRefund like any other. What is added here: a form
// carries its key, so that a second press of the button is the same refund; and above the owner's
// limit the first person only asks, and a second one confirms, once and within a day.

// approvalLife is how long a refund waits for its second person.
const approvalLife = 24 * time.Hour

// Approval is a refund that waits, or waited, for a second person.
type Approval = store.Approval

// RefundTerms is what can be returned of an invoice now.
type RefundTerms struct {
	Payment   *pay.Payment // nil: nothing was paid
	Left      pay.Tiyin
	Underway  bool         // the outcome of another refund is awaited
	Whole     error        // why not all that is left can be returned; nil: it can
	Part      error        // why not a part
	Approvals []Approval   // newest first
	Refunds   []pay.Refund // oldest first
}

// RefundTerms says what can be returned of an invoice, and asks no company.
func (g *Gateway) RefundTerms(ctx context.Context, invoiceID string) (t RefundTerms, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		t = RefundTerms{}
		payments, err := tx.Payments(ctx, invoiceID)
		if err != nil {
			return err
		}
		if t.Approvals, err = tx.ApprovalsOf(ctx, invoiceID); err != nil {
			return err
		}
		if t.Refunds, err = tx.Refunds(ctx, invoiceID); err != nil {
			return err
		}
		for i := range payments {
			if payments[i].State.Live() {
				t.Payment = &payments[i]
			}
		}
		if t.Payment == nil || t.Payment.State != pay.Paid {
			return nil
		}
		t.Left, t.Underway = t.Payment.Left(), t.Payment.Reserved > 0
		m, err := tx.Merchant(ctx, t.Payment.MerchantID)
		if err != nil {
			return err
		}
		may := func(amount pay.Tiyin) error {
			p := *t.Payment
			r, err := p.StartRefund(amount)
			if err != nil {
				return err
			}
			return g.canRefund(m, p, order(p, r, RefundInput{}))
		}
		t.Whole = may(t.Left)
		if t.Part = may(1); t.Left <= 1 {
			t.Part = t.Whole
		}
		return nil
	})
	return t, err
}

// StaffRefund is a refund that a person asks for. Limit is the owner's: what is returned of an
// invoice beyond it takes a second person; 0 is no limit. Key is the form's own: a repeat of it is
// the same refund.
type StaffRefund struct {
	InvoiceID string
	Amount    pay.Tiyin // 0: all that is left
	Reason    string
	Key       string
	Limit     pay.Tiyin
	Who       string
}

// reasonMost bounds what a person types.
const reasonMost = 500

// RefundByStaff makes a refund, or writes down that it waits for a second person: exactly one of
// the results is set.
func (g *Gateway) RefundByStaff(ctx context.Context, in StaffRefund) (*pay.Refund, *Approval, error) {
	in.Reason = strings.TrimSpace(in.Reason)
	if in.Reason == "" || len(in.Reason) > reasonMost {
		return nil, nil, &pay.Error{Code: pay.CodeInvalid, Field: "reason", Message: "say why, in at most 500 characters"}
	}
	if !id.Valid(in.Key) || in.Who == "" {
		return nil, nil, &pay.Error{Code: pay.CodeInvalid, Field: "key", Message: "this form is not one of ours; load the page again"}
	}
	if waits, err := g.Approval(ctx, in.Key); err == nil {
		if waits.InvoiceID != in.InvoiceID {
			return nil, nil, &pay.Error{Code: pay.CodeConflict, Message: "this form was used for another invoice"}
		}
		return nil, &waits, nil // the button was pressed twice
	} else if pay.CodeOf(err) != pay.CodeNotFound {
		return nil, nil, err
	}
	made, err := g.CreateRefund(WithActor(ctx, in.Who), RefundInput{
		InvoiceID: in.InvoiceID, Amount: in.Amount, Reason: in.Reason, Limit: in.Limit,
	}, Idem{Key: "staff." + in.Key, Request: in.Amount})
	if e, ok := errors.AsType[*pay.Error](err); ok && e.Reason == errAboveLimit.Reason {
		waits, err := g.askApproval(ctx, in)
		return nil, waits, err
	}
	if err != nil {
		return nil, nil, err
	}
	return &made.Value, nil, nil
}

// errAboveLimit is looked for under the invoice's lock, after the key: what was returned before
// counts, so that a large refund in small pieces, or by two forms at once, is a large one.
var errAboveLimit = &pay.Error{Code: pay.CodeConflict, Reason: "above_limit", Message: "this refund takes a second person"}

// askApproval writes down that a refund waits for its second person.
func (g *Gateway) askApproval(ctx context.Context, in StaffRefund) (waits *Approval, err error) {
	err = g.update(WithActor(ctx, in.Who), byAPI, func(ctx context.Context, b *book) error {
		waits = nil
		inv, payments, err := b.open(ctx, in.InvoiceID)
		if err != nil {
			return err
		}
		p := live(payments)
		if p == nil {
			return &pay.Error{Code: pay.CodeConflict, Reason: "not_paid", Message: "this invoice is " + string(inv.Status) + "; only a paid one can be refunded"}
		}
		probe := *p
		r, err := probe.StartRefund(in.Amount)
		if err != nil {
			return err
		}
		m, err := b.Merchant(ctx, p.MerchantID)
		if err != nil {
			return err
		}
		if err := g.canRefund(m, *p, order(*p, r, RefundInput{})); err != nil {
			return err
		}
		standing, err := b.ApprovalsOf(ctx, inv.ID)
		if err != nil {
			return err
		}
		for _, a := range standing {
			if a.State == store.ApprovalWaiting && b.now.Before(a.ExpiresAt) && a.ID != in.Key {
				return &pay.Error{Code: pay.CodeConflict, Reason: "refund_waits", Message: "a refund of this invoice waits for a second person already"}
			}
		}
		a := Approval{
			ID: in.Key, BusinessID: inv.BusinessID, InvoiceID: inv.ID, Amount: r.Amount, Reason: in.Reason, State: store.ApprovalWaiting,
			AskedBy: in.Who, CreatedAt: b.now, ExpiresAt: b.now.Add(approvalLife),
		}
		ok, err := b.InsertApproval(ctx, a)
		if err != nil {
			return err
		}
		if !ok {
			if a, err = b.Approval(ctx, in.Key); err != nil {
				return err
			}
		} else if err := b.wrote(ctx, inv, store.Change{What: "refund", PaymentID: p.ID, Now: "waiting", Note: a.Amount.Words() + " waits for a second person: " + a.Reason}); err != nil {
			return err
		}
		waits = &a
		return nil
	})
	return waits, err
}

// Approval reads one.
func (g *Gateway) Approval(ctx context.Context, approvalID string) (a Approval, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err = found(tx.Approval(ctx, approvalID))("approval")
		return err
	})
	return a, err
}

// ConfirmRefund is the second person's word: the refund is made. Whoever asked cannot confirm. An
// approval is used once; where the company could not be reached, pressing again within its day
// tries the same refund again.
func (g *Gateway) ConfirmRefund(ctx context.Context, approvalID, who string) (pay.Refund, error) {
	ctx = WithActor(ctx, who)
	var a Approval
	err := g.update(ctx, byAPI, func(ctx context.Context, b *book) (err error) {
		if a, err = found(b.Approval(ctx, approvalID))("approval"); err != nil {
			return err
		}
		switch {
		case a.State == store.ApprovalRefused:
			return &pay.Error{Code: pay.CodeConflict, Reason: "refused", Message: "this refund was refused by " + a.DecidedBy}
		case a.RefundID != "":
			return nil
		case !b.now.Before(a.ExpiresAt):
			return &pay.Error{Code: pay.CodeConflict, Reason: "expired", Message: "this refund waited too long; ask for it anew"}
		case a.State == store.ApprovalConfirmed:
			return nil // the company was not reached then
		case strings.EqualFold(a.AskedBy, who):
			return &pay.Error{Code: pay.CodeForbidden, Reason: "same_person", Message: "whoever asked for a refund cannot confirm it"}
		}
		a.State, a.DecidedBy, a.DecidedAt = store.ApprovalConfirmed, who, b.now
		ok, err := b.DecideApproval(ctx, a)
		if err == nil && !ok {
			err = &pay.Error{Code: pay.CodeConflict, Reason: "decided", Message: "somebody was faster"}
		}
		return err
	})
	if err != nil {
		return pay.Refund{}, err
	}
	if a.RefundID != "" {
		return g.Refund(ctx, a.RefundID)
	}
	reason := a.Reason + " (asked by " + a.AskedBy + ", confirmed by " + a.DecidedBy + ")"
	made, err := g.CreateRefund(ctx, RefundInput{InvoiceID: a.InvoiceID, Amount: a.Amount, Reason: reason}, Idem{Key: "staff." + a.ID, Request: a.Amount})
	if err != nil {
		return pay.Refund{}, err
	}
	err = g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		return b.ApprovalMade(ctx, a.ID, made.Value.ID)
	})
	return made.Value, err
}

// RefuseRefund ends a waiting refund: the second person says no, or the first takes it back.
func (g *Gateway) RefuseRefund(ctx context.Context, approvalID, who string) error {
	return g.update(WithActor(ctx, who), byAPI, func(ctx context.Context, b *book) error {
		a, err := found(b.Approval(ctx, approvalID))("approval")
		if err != nil {
			return err
		}
		if a.State == store.ApprovalRefused {
			return nil
		}
		a.State, a.DecidedBy, a.DecidedAt = store.ApprovalRefused, who, b.now
		ok, err := b.DecideApproval(ctx, a)
		if err != nil {
			return err
		}
		if !ok {
			return &pay.Error{Code: pay.CodeConflict, Reason: "decided", Message: "this refund was decided already, or ran out"}
		}
		inv, err := b.LockInvoice(ctx, a.InvoiceID)
		if err != nil {
			return err
		}
		return b.wrote(ctx, &inv, store.Change{What: "refund", Was: "waiting", Now: "refused", Note: a.Amount.Words() + " was not confirmed"})
	})
}

// Acknowledge ends, in the name of a person, the alarms that no asking can end: a company that
// spoke of another sum, or did what does not fit our book. It moves no money.
func (g *Gateway) Acknowledge(ctx context.Context, invoiceID, who, why string) error {
	why = strings.TrimSpace(why)
	if why == "" || len(why) > reasonMost {
		return &pay.Error{Code: pay.CodeInvalid, Field: "reason", Message: "say why, in at most 500 characters"}
	}
	return g.update(WithActor(ctx, who), byAPI, func(ctx context.Context, b *book) error {
		inv, _, err := b.open(ctx, invoiceID)
		if err != nil {
			return err
		}
		alarms, err := b.Alarms(ctx, invoiceID)
		if err != nil {
			return err
		}
		ended := false
		for _, a := range alarms {
			if !a.ClosedAt.IsZero() || a.Kind != pay.AttentionAmount && a.Kind != pay.AttentionProvider {
				continue
			}
			if err := b.settled(ctx, inv, a.PaymentID, a.Kind); err != nil {
				return err
			}
			ended = true
		}
		if !ended {
			return &pay.Error{Code: pay.CodeConflict, Reason: "nothing_open", Message: "nothing about this invoice waits for a person's word"}
		}
		return b.wrote(ctx, inv, store.Change{What: "invoice", Was: string(inv.Status), Now: string(inv.Status), Note: "seen by " + who + ": " + why})
	})
}

// RetryReceipt has a fiscal receipt tried again that was refused for good: its link is passed on
// once more, or its lines are handed over anew.
func (g *Gateway) RetryReceipt(ctx context.Context, invoiceID, who string) error {
	return g.update(WithActor(ctx, who), byAPI, func(ctx context.Context, b *book) error {
		inv, payments, err := b.open(ctx, invoiceID)
		if err != nil {
			return err
		}
		p := live(payments)
		if p == nil || p.Fiscal != pay.FiscalFailed {
			return &pay.Error{Code: pay.CodeConflict, Reason: "no_failed_receipt", Message: "no fiscal receipt of this invoice has failed"}
		}
		kind := workFiscal
		if p.ReceiptURL != "" {
			kind = workReceipt
		}
		p.Fiscal = pay.FiscalPending
		if err := b.SavePayment(ctx, *p); err != nil {
			return err
		}
		if err := b.wrote(ctx, inv, store.Change{What: "receipt", PaymentID: p.ID, Was: string(pay.FiscalFailed), Now: string(pay.FiscalPending), Note: "tried again by " + who}); err != nil {
			return err
		}
		alarms, err := b.Alarms(ctx, invoiceID)
		if err != nil {
			return err
		}
		for _, a := range alarms {
			if a.ClosedAt.IsZero() && a.PaymentID == p.ID && a.Kind == pay.AttentionProvider && strings.Contains(a.Message, "receipt") {
				if err := b.settled(ctx, inv, p.ID, a.Kind); err != nil {
					return err
				}
			}
		}
		w, err := b.WorkFor(ctx, kind, p.ID)
		if err == nil && w.Lease != "" {
			return nil // it is being tried
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return b.Enqueue(ctx, outboxWork(p, kind, b.now))
	})
}
