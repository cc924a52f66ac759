package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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
	New       bool // as in Signer
}

// Signer is one of the two persons that something above the limit takes. New: they were given their
// power so lately that they are not one of the two yet, neither to ask nor to confirm.
type Signer struct {
	Who string
	New bool
}

var errTooNew = &pay.Error{Code: pay.CodeConflict, Reason: "too_new", Message: "above the limit it takes two persons who have had their role and their authenticator for a day"}

// reasonMost bounds what a person types, in characters.
const reasonMost = 500

// reasonOf is what a person typed as their reason, on one line and without the middle of a card's
// number: it is kept, and shown to others.
func reasonOf(text string) (string, error) {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
	text = strings.Join(strings.Fields(text), " ")
	if text == "" || utf8.RuneCountInString(text) > reasonMost {
		return "", &pay.Error{Code: pay.CodeInvalid, Field: "reason", Message: "say why, in at most 500 characters"}
	}
	return withoutCards(text), nil
}

var errForeignForm = &pay.Error{Code: pay.CodeInvalid, Field: "key", Reason: "form_old", Message: "this form is not one of ours; load the page again"}

// staffIdem is the key of a refund that a person makes: that of the form, or of the approval.
func staffIdem(key, invoiceID string, amount pay.Tiyin) Idem {
	return Idem{Key: "staff." + key, Request: struct {
		Invoice string
		Amount  pay.Tiyin
	}{invoiceID, amount}}
}

// RefundByStaff makes a refund, or writes down that it waits for a second person: exactly one of
// the results is set.
func (g *Gateway) RefundByStaff(ctx context.Context, in StaffRefund) (*pay.Refund, *Approval, error) {
	var err error
	if in.Reason, err = reasonOf(in.Reason); err != nil {
		return nil, nil, err
	}
	if !id.Valid(in.Key) || in.Who == "" {
		return nil, nil, errForeignForm
	}
	if waits, err := g.Approval(ctx, in.Key); err == nil {
		if waits.InvoiceID != in.InvoiceID || waits.Decides != "" || in.Amount != 0 && waits.Amount != in.Amount {
			return nil, nil, &pay.Error{Code: pay.CodeConflict, Reason: "idempotency_key_reused", Message: "this form was used for something else"}
		}
		return nil, &waits, nil // the button was pressed twice
	} else if pay.CodeOf(err) != pay.CodeNotFound {
		return nil, nil, err
	}
	made, err := g.CreateRefund(WithActor(ctx, in.Who), RefundInput{
		InvoiceID: in.InvoiceID, Amount: in.Amount, Reason: in.Reason, Limit: in.Limit,
	}, staffIdem(in.Key, in.InvoiceID, in.Amount))
	if e, ok := errors.AsType[*pay.Error](err); ok && e.Reason == errAboveLimit.Reason {
		if in.New {
			return nil, nil, errTooNew
		}
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
		waits, err = b.waits(ctx, inv, p.ID, Approval{ID: in.Key, Amount: r.Amount, Reason: in.Reason, AskedBy: in.Who}, "waits for a second person")
		return err
	})
	return waits, err
}

// waits writes down what a second person is asked about. One thing of an invoice waits at a time;
// the same form again is the same question.
func (b *book) waits(ctx context.Context, inv *pay.Invoice, paymentID string, a Approval, says string) (*Approval, error) {
	standing, err := b.ApprovalsOf(ctx, inv.ID)
	if err != nil {
		return nil, err
	}
	for _, x := range standing {
		if x.State == store.ApprovalWaiting && b.now.Before(x.ExpiresAt) && x.ID != a.ID {
			return nil, &pay.Error{Code: pay.CodeConflict, Reason: "refund_waits", Message: "a refund of this invoice waits for a second person already"}
		}
	}
	a.BusinessID, a.InvoiceID, a.State, a.CreatedAt, a.ExpiresAt = inv.BusinessID, inv.ID, store.ApprovalWaiting, b.now, b.now.Add(approvalLife)
	ok, err := b.InsertApproval(ctx, a)
	if err != nil {
		return nil, err
	}
	if !ok {
		had, err := b.Approval(ctx, a.ID)
		return &had, err
	}
	return &a, b.wrote(ctx, inv, store.Change{What: "refund", PaymentID: paymentID, RefundID: a.Decides, Now: "waiting", Note: a.Amount.Words() + " " + says + ": " + a.Reason})
}

// StaffDecision is a Decision that a person makes on a page. Key is the form's own. That a refund
// above the owner's limit was not made is for two persons to say: the money could then be returned
// once more.
type StaffDecision struct {
	Decision
	Key string
	New bool // as in Signer
}

// DecideByStaff settles what is unknown, or writes down that it waits for a second person: then
// the approval is set.
func (g *Gateway) DecideByStaff(ctx context.Context, in StaffDecision) (*Approval, error) {
	var err error
	if in.Why, err = reasonOf(in.Why); err != nil {
		return nil, err
	}
	if !id.Valid(in.Subject) || !id.Valid(in.Key) || in.Who == "" {
		return nil, errForeignForm
	}
	err = g.Decide(ctx, in.Decision)
	if e, ok := errors.AsType[*pay.Error](err); !ok || e.Reason != errAboveLimit.Reason {
		return nil, err
	}
	if in.New {
		return nil, errTooNew
	}
	var waits *Approval
	err = g.update(WithActor(ctx, in.Who), byAPI, func(ctx context.Context, b *book) error {
		waits = nil
		inv, _, err := b.open(ctx, in.InvoiceID)
		if err != nil {
			return err
		}
		r, err := found(b.Refund(ctx, in.Subject))("refund")
		if err != nil {
			return err
		}
		if r.State != pay.MoveUnknown || r.InvoiceID != inv.ID {
			return errNothingUnknown
		}
		waits, err = b.waits(ctx, inv, r.PaymentID, Approval{ID: in.Key, Amount: r.Amount, Reason: in.Why, AskedBy: in.Who, Decides: r.ID}, "was not returned, says "+in.Who+"; a second person is asked")
		return err
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

// ConfirmRefund is the second person's word: the refund is made. Whoever asked cannot confirm, nor
// can who is new. An approval is used once; where the company could not be reached, pressing again
// within its day tries the same refund again.
func (g *Gateway) ConfirmRefund(ctx context.Context, approvalID string, by Signer) (pay.Refund, error) {
	who := by.Who
	ctx = WithActor(ctx, who)
	var a Approval
	err := g.update(ctx, byAPI, func(ctx context.Context, b *book) (err error) {
		if a, err = found(b.Approval(ctx, approvalID))("approval"); err != nil {
			return err
		}
		switch {
		case a.State == store.ApprovalRefused:
			return refusedBy(a)
		case a.RefundID != "":
			return nil
		case !b.now.Before(a.ExpiresAt):
			return &pay.Error{Code: pay.CodeConflict, Reason: "expired", Message: "this refund waited too long; ask for it anew"}
		case a.State == store.ApprovalConfirmed:
			return nil // the company was not reached then
		case strings.EqualFold(a.AskedBy, who):
			return &pay.Error{Code: pay.CodeForbidden, Reason: "same_person", Message: "whoever asked for a refund cannot confirm it"}
		case by.New:
			return errTooNew
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
	if a.Decides != "" {
		return g.decideConfirmed(ctx, a, reason)
	}
	made, err := g.CreateRefund(ctx, RefundInput{InvoiceID: a.InvoiceID, Amount: a.Amount, Reason: reason, Approval: a.ID}, staffIdem(a.ID, a.InvoiceID, a.Amount))
	if err != nil {
		return pay.Refund{}, err
	}
	err = g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		return b.ApprovalMade(ctx, a.ID, made.Value.ID)
	})
	return made.Value, err
}

// decideConfirmed settles, in the name of two, that a refund was not made. Where the company has
// told meanwhile what became of it, that stands.
func (g *Gateway) decideConfirmed(ctx context.Context, a Approval, reason string) (pay.Refund, error) {
	err := g.Decide(ctx, Decision{InvoiceID: a.InvoiceID, Subject: a.Decides, Who: a.DecidedBy, Why: reason, Approval: a.ID})
	if e, ok := errors.AsType[*pay.Error](err); err != nil && (!ok || e.Reason != errNothingUnknown.Reason) {
		return pay.Refund{}, err
	}
	if err := g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		return b.ApprovalMade(ctx, a.ID, a.Decides)
	}); err != nil {
		return pay.Refund{}, err
	}
	return g.Refund(ctx, a.Decides)
}

func refusedBy(a Approval) error {
	return &pay.Error{Code: pay.CodeConflict, Reason: "refused", Message: "this refund was refused by " + a.DecidedBy}
}

// agreed says, under the invoice's lock, whether what two persons agreed on stands: one of them may have
// taken their word back since.
func (b *book) agreed(ctx context.Context, approvalID string) error {
	if approvalID == "" {
		return nil
	}
	a, err := b.Approval(ctx, approvalID)
	if err == nil && a.State != store.ApprovalConfirmed {
		err = refusedBy(a)
	}
	return err
}

// RefuseRefund ends a waiting refund: the second person says no, or the first takes it back. So may
// anybody with their role where it was confirmed and could not be made, as long as it is not made.
func (g *Gateway) RefuseRefund(ctx context.Context, approvalID, who string) error {
	return g.update(WithActor(ctx, who), byAPI, func(ctx context.Context, b *book) error {
		a, err := found(b.Approval(ctx, approvalID))("approval")
		if err != nil {
			return err
		}
		inv, err := b.LockInvoice(ctx, a.InvoiceID) // a refund is written down under it: see agreed
		if err != nil {
			return err
		}
		if a, err = b.Approval(ctx, approvalID); err != nil || a.State == store.ApprovalRefused {
			return err
		}
		if made, err := b.cameToSomething(ctx, inv, a); err != nil {
			return err
		} else if made {
			return errDecided
		}
		was := a.State
		a.State, a.DecidedBy, a.DecidedAt = store.ApprovalRefused, who, b.now
		if ok, err := b.RefuseApproval(ctx, a); err != nil {
			return err
		} else if !ok {
			return errDecided
		}
		return b.wrote(ctx, &inv, store.Change{What: "refund", Was: was, Now: "refused", Note: a.Amount.Words() + " was not confirmed"})
	})
}

var errDecided = &pay.Error{Code: pay.CodeConflict, Reason: "decided", Message: "this refund was decided already, or ran out"}

// cameToSomething says whether a confirmed refund is being made, or what was confirmed is decided,
// though the approval does not say so yet.
func (b *book) cameToSomething(ctx context.Context, inv pay.Invoice, a Approval) (bool, error) {
	if a.State != store.ApprovalConfirmed {
		return false, nil
	}
	if a.Decides != "" {
		r, err := b.Refund(ctx, a.Decides)
		return r.State != pay.MoveUnknown, err
	}
	c, err := b.g.newClaim("refund.create", inv.Source, staffIdem(a.ID, a.InvoiceID, a.Amount), true)
	if err != nil {
		return false, err
	}
	t, err := c.look(ctx, b.Tx, b.now)
	return t != nil, err
}

// Acknowledge ends, in the name of a person, the alarms that no asking can end: a company that
// spoke of another sum, or did what does not fit our book. Seen are the ids of those that the person
// was shown: where another one has come since, nothing is ended. It moves no money.
func (g *Gateway) Acknowledge(ctx context.Context, invoiceID string, seen []string, who, why string) error {
	why, err := reasonOf(why)
	if err != nil {
		return err
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
		ends := func(a pay.Alarm) bool { return a.Kind == pay.AttentionAmount || a.Kind == pay.AttentionProvider }
		if _, err := shown(alarms, seen, ends); err != nil {
			return err
		}
		if err := b.closeAlarms(ctx, inv, ends); err != nil {
			return err
		}
		return b.wrote(ctx, inv, store.Change{What: "invoice", Was: string(inv.Status), Now: string(inv.Status), Note: "seen by " + who + ": " + why})
	})
}

// shown are the open ones of the alarms that a person's word ends, where the person has seen all of them.
func shown(alarms []pay.Alarm, seen []string, ends func(pay.Alarm) bool) (open []pay.Alarm, err error) {
	for _, a := range alarms {
		if !a.ClosedAt.IsZero() || !ends(a) {
			continue
		}
		if !slices.Contains(seen, a.ID) {
			return nil, &pay.Error{Code: pay.CodeConflict, Reason: "changed_meanwhile", Message: "there is an alarm that you have not seen: " + a.Message}
		}
		open = append(open, a)
	}
	if len(open) == 0 {
		return nil, errNothingOpen
	}
	return open, nil
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
		if err := b.closeAlarms(ctx, inv, func(a pay.Alarm) bool { return ofReceipt(a, p) }); err != nil {
			return err
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
