package multicard

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Quick pay: the buyer's app (Payme, Click, Uzum, Anorbank or Xazna) shows a code, the till scans
// it, and we pay a hosted invoice with it. Multicard tells by the code whose it is. The invoice is
// made first, and its uuid journalled: that is what can be asked about when an answer is lost.

// scanLife is how long the invoice behind a code can be paid. Nobody but us knows its page.
const scanLife = 10 * time.Minute

// scanIn is after which time no call of ours that was to pay it is on its way any more.
const scanIn = time.Minute

var (
	scanShape  = regexp.MustCompile(`^[!-~]{1,512}$`)
	payerShape = regexp.MustCompile(`^998[0-9]{9}$`)
)

// payer is the payer's telephone, where the answer has one in full.
func payer(text string) string {
	if text = strings.TrimPrefix(text, "+"); !payerShape.MatchString(text) {
		return ""
	}
	return text
}

// ChargeQR makes an invoice and pays it by the code. Where Multicard's answer decides nothing, the
// payment is read before anything is said.
func (a *account) ChargeQR(ctx context.Context, o provider.QROrder) (provider.Outcome, error) {
	if !scanShape.MatchString(o.Code) {
		return provider.Outcome{State: pay.Failed, Reason: pay.DeclineCode, Note: "this is no code of a wallet's"}, nil
	}
	inv := o.Invoice
	inv.ReturnURL, inv.ErrorURL, inv.ExpiresAt = "", "", a.env.Now().Add(scanLife)
	link, err := a.Checkout(ctx, inv, o.Payment)
	if err != nil {
		return provider.Outcome{}, noMoney(err)
	}
	if err := o.Begun(link.Ref, link.Meta); err != nil {
		return provider.Outcome{}, provider.NotSent(err)
	}
	p := o.Payment
	p.Ref, p.Meta, p.State = link.Ref, link.Meta, pay.Created
	var got paymentModel
	err = a.about(ctx, http.MethodPut, metaOf(p).Invoice, "/scanpay", map[string]string{"code": o.Code}, &got)
	e, failed := errors.AsType[*provider.Error](err)
	switch {
	case err == nil:
		if err := got.ours(p); err != nil {
			return provider.Outcome{}, err
		}
		return counted(scanned(got.outcome(pay.Created), p))
	case failed && e.Kind == provider.KindInvalid:
		return a.unpaid(ctx, p, e)
	case failed && (e.NotSent || e.Kind == provider.KindAuth || e.Kind == provider.KindRateLimited):
		return provider.Outcome{}, err
	}
	m, readErr := a.read(ctx, p.Ref, p.ID)
	if readErr != nil || m.Status == statusDraft {
		return provider.Outcome{}, err // not known: it is asked about later
	}
	return scanned(m.outcome(pay.Created), p), nil
}

// noMoney marks an invoice that was not made, or not as it should be: nobody has its page.
func noMoney(err error) error {
	e, ok := errors.AsType[*provider.Error](err)
	if !ok {
		return err
	}
	harmless := *e
	harmless.NoMoney = true
	return &harmless
}

// scanned is the outcome of a charge by a code: created means that Multicard still works on it.
func scanned(o provider.Outcome, p pay.Payment) provider.Outcome {
	o.Ref = p.Ref
	switch o.State {
	case pay.Failed:
		o.Reason = reasonOf(o.Code)
	case pay.Cancelled:
		o.State, o.Reason = pay.Failed, pay.DeclineOther
	}
	return o
}

// unpaid follows a code that Multicard refused: the invoice is taken back, and if that shows that
// it is paid after all, it is paid.
func (a *account) unpaid(ctx context.Context, p pay.Payment, no *provider.Error) (provider.Outcome, error) {
	o, err := a.CancelCheckout(ctx, p)
	if err != nil {
		o = provider.Outcome{State: pay.Created}
	}
	switch o.State {
	case pay.Cancelled, pay.Failed:
		reason := pay.DeclineOther
		switch no.Code {
		case codeFields:
			reason = pay.DeclineCode
		case "ERROR_INSUFFICIENT_FUNDS":
			reason = pay.DeclineFunds
		}
		return provider.Outcome{State: pay.Failed, Ref: p.Ref, Reason: reason, Code: no.Code, Note: no.Message}, nil
	}
	o.Code, o.Note = no.Code, no.Message
	return scanned(o, p), nil
}

// neverScanned: the uuid is journalled before the code is handed over, so without it nothing was.
var neverScanned = provider.Report{Found: true, Outcome: provider.Outcome{
	State: pay.Failed, Reason: pay.DeclineUnreached, Note: "the code was never handed over",
}}

// giveUp takes an invoice back that no code has paid in time, so that none can.
func (a *account) giveUp(ctx context.Context, q provider.Question) (provider.Report, error) {
	rep := provider.Report{Found: true, Outcome: provider.Outcome{State: pay.Created}}
	if a.env.Now().Sub(q.SentAt) < scanIn {
		return rep, nil
	}
	p := q.Payment
	if p.Ref == "" {
		p.Ref = q.Ref
	}
	o, err := a.CancelCheckout(ctx, p)
	if err != nil {
		return provider.Report{}, err
	}
	if rep.Outcome = scanned(o, p); rep.Outcome.State == pay.Failed {
		rep.Outcome.Reason = pay.DeclineUnreached
	}
	return rep, nil
}
