package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// Work can fail in a way that no repeat mends: a row that this program cannot read, credentials that
// cannot be opened, a fault of ours. Such work is tried ever more rarely, for ever, and after some
// times a person is told.
const (
	failingMost = time.Hour // between two tries
	failingTold = 5         // how often in a row, before a person is told; store.Stats counts from there on
)

// persevering is a handler whose failures are counted. One whose lease was lost, or that was cut off,
// has not failed. Where the count cannot be written either, the work comes back when its lease ends.
func (g *Gateway) persevering(handle outbox.Handler) outbox.Handler {
	return func(ctx context.Context, w outbox.Work) (err error) {
		defer func() {
			p := recover()
			if p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
			if err != nil && ctx.Err() == nil && !errors.Is(err, errLeaseLost) {
				g.failed(ctx, w, err)
			}
			if p != nil {
				panic(p)
			}
		}()
		return handle(ctx, w)
	}
}

// failed sets work that failed to a later time.
func (g *Gateway) failed(ctx context.Context, w outbox.Work, cause error) {
	why := heardNote(cause.Error())
	wait := min(Lease<<min(w.Failures, 10), failingMost)
	ours := false
	err := g.store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		now := g.now()
		ours, err = tx.Fail(ctx, w, now.Add(wait), now.Add(min(wait, Lease)), why)
		return err
	})
	if err == nil && ours && (w.Failures+1)%failingTold == 0 { // should one telling be lost, another comes
		err = g.tellOfFailing(ctx, w, why)
	}
	if err != nil {
		g.Logger.ErrorContext(ctx, "that work fails could not be written down", "kind", w.Kind, "subject", w.Subject, "error", err)
	}
}

// tellOfFailing puts work that fails again and again before a person, beside what it is about.
func (g *Gateway) tellOfFailing(ctx context.Context, w outbox.Work, why string) error {
	message := fmt.Sprintf("the work %q fails again and again, and is tried ever more rarely: %s", w.Kind, why)
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		if w.Kind == workPayout || w.Kind == workTell {
			p, err := b.LockPayout(ctx, w.Subject)
			if err != nil {
				return err
			}
			return b.payoutAlarm(ctx, p, pay.AttentionProvider, message)
		}
		invoiceID, paymentID, err := b.workOn(ctx, w)
		if err != nil || invoiceID == "" {
			return err // what is about no invoice is counted, and in the log
		}
		inv, err := b.LockInvoice(ctx, invoiceID)
		if err != nil {
			return err
		}
		return b.alarm(ctx, &inv, paymentID, pay.AttentionProvider, message)
	})
}

// workOn is the invoice, and the payment, that work is about; "" where it is about none.
func (b *book) workOn(ctx context.Context, w outbox.Work) (invoiceID, paymentID string, err error) {
	switch w.Kind {
	case workRefund:
		r, err := b.Refund(ctx, w.Subject)
		return r.InvoiceID, r.PaymentID, err
	case workSettle, workWithdraw, workHold, workReceipt, workFiscal:
		p, err := b.Payment(ctx, w.Subject)
		return p.InvoiceID, p.ID, err
	case workDeliver:
		e, err := b.OldestUndelivered(ctx, w.BusinessID, strings.TrimPrefix(w.Subject, w.BusinessID+"/"))
		return e.InvoiceID, "", err
	}
	return "", "", nil
}
