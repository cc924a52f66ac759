package click

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// CLICK's words about a payment, payment_status: below 0 failed.
const (
	statusCreated    = 0
	statusProcessing = 1
	statusPaid       = 2
)

// codeNotFound is the one error_code that means absence: seen in production by a public
// project ("Payment not found"), published nowhere. Any other, such as -12 for a wrong
// merchant, says nothing about the payment.
const codeNotFound = -16

// CanRefund allows what the merchant's registration allows. CLICK's own rules (this month's
// payments only, last month's on the 1st; UZCARD may refuse) are CLICK's to apply: it is asked,
// and its no is the refund's outcome.
func (a *account) CanRefund(_ pay.Payment, o provider.RefundOrder) error {
	switch {
	case a.api.user == "":
		return errNoUser
	case !o.Whole && !a.partial:
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "partial_refund_not_supported",
			Message: "CLICK returns whole payments only: refund the whole amount, or turn on the option partialReversal once CLICK has allowed it for your service"}
	}
	return nil
}

// Refund reverses the payment, whole or in part. CLICK takes no id of ours, so after a lost
// answer the call must not be repeated.
func (a *account) Refund(ctx context.Context, o provider.RefundOrder) (provider.MoveOutcome, error) {
	if err := a.CanRefund(o.Payment, o); err != nil {
		return provider.MoveOutcome{}, notSent(err)
	}
	id, err := a.paymentID(ctx, o.Payment)
	if err != nil {
		return provider.MoveOutcome{}, notSent(err)
	}
	path := "payment/reversal/" + a.service + "/" + id
	if !o.Whole {
		// Neither N nor N.NN is published for the amount, in soum; clients in use print a
		// number, so whole soum go without a fraction.
		path = "payment/partial_reversal/" + a.service + "/" + id + "/" + strings.TrimSuffix(o.Amount.Soum(), ".00")
	}
	ans, err := a.api.do(ctx, http.MethodDelete, path, nil)
	if err != nil {
		return provider.MoveOutcome{}, err
	}
	code, ok := ans.code()
	switch {
	case !ok, code > 0:
		return provider.MoveOutcome{}, ans.notUnderstood("a reversal's answer without a known error_code")
	case ans.PaymentID != "" && ans.PaymentID.String() != id:
		return provider.MoveOutcome{}, ans.notUnderstood("the answer speaks of another payment")
	case code < 0:
		return provider.MoveOutcome{State: pay.MoveFailed, Ref: id, Code: strconv.Itoa(code), Note: ans.ErrorNote, At: a.now()}, nil
	}
	return provider.MoveOutcome{State: pay.MoveSucceeded, Ref: id, Note: ans.ErrorNote, At: a.now()}, nil
}

// Inquire asks for the payment's status. CLICK shows no sums that were returned: that a whole
// reversal went through shows only in a payment that was paid and is no longer; that it did
// not, and anything about a part, does not show, and a person must look in the cabinet.
func (a *account) Inquire(ctx context.Context, q provider.Question) (provider.Report, error) {
	id, err := a.paymentID(ctx, q.Payment)
	if isNotFound(err) && q.Op != provider.OpRefund {
		return provider.Report{}, nil
	}
	if err != nil {
		return provider.Report{}, err
	}
	ans, err := a.api.do(ctx, http.MethodGet, "payment/status/"+a.service+"/"+id, nil)
	if err != nil {
		return provider.Report{}, err
	}
	code, ok := ans.code()
	if ok && code == codeNotFound && q.Op != provider.OpRefund {
		return provider.Report{}, nil
	}
	if !ok || code != 0 || ans.PaymentStatus == nil {
		return provider.Report{}, ans.notUnderstood("no status")
	}
	status, err := strconv.Atoi(ans.PaymentStatus.String())
	if err != nil || status > statusPaid {
		return provider.Report{}, ans.notUnderstood("payment_status " + ans.PaymentStatus.String())
	}
	rep := provider.Report{Found: true, Outcome: provider.Outcome{
		Ref: q.Payment.Ref, Code: strconv.Itoa(status), Note: ans.ErrorNote, Meta: paydocMeta(id),
	}}
	switch status {
	case statusPaid:
		rep.Outcome.State = pay.Paid
	case statusCreated, statusProcessing:
		rep.Outcome.State = pay.Created
	default:
		rep.Outcome.State = pay.Failed
		if q.Op == provider.OpRefund && q.Before+q.Amount == q.Payment.Captured {
			rep.Outcome.State = pay.Refunded
			rep.Refunded, rep.Shows = q.Payment.Captured, true
		}
	}
	return rep, nil
}

// paymentID is CLICK's id of the payment: what Prepare and Complete named, or else what CLICK
// finds by the order, on the day of the attempt in Tashkent.
func (a *account) paymentID(ctx context.Context, p pay.Payment) (string, error) {
	var known meta
	if json.Unmarshal(p.Meta, &known) == nil && known.Paydoc > 0 {
		return strconv.FormatInt(known.Paydoc, 10), nil
	}
	day, order := p.TheirTime, p.Account
	if day.IsZero() {
		day = p.CreatedAt
	}
	if order == "" {
		order = p.InvoiceID
	}
	return a.byOrder(ctx, order, day)
}

// byOrder is CLICK's id of what it has of an order on a day in Tashkent.
func (a *account) byOrder(ctx context.Context, order string, day time.Time) (string, error) {
	ans, err := a.api.do(ctx, http.MethodGet, "payment/status_by_mti/"+a.service+"/"+url.PathEscape(order)+"/"+day.In(provider.Tashkent).Format(time.DateOnly), nil)
	if err != nil {
		return "", err
	}
	if code, ok := ans.code(); !ok || code != 0 || !idDigits.MatchString(ans.PaymentID.String()) {
		return "", ans.notUnderstood("CLICK names no payment of this order")
	}
	return ans.PaymentID.String(), nil
}

func isNotFound(err error) bool {
	e, ok := err.(*provider.Error)
	return ok && e.Code == strconv.Itoa(codeNotFound)
}

// notSent marks the error of a question that came before the call that was asked for.
func notSent(err error) error {
	e, ok := err.(*provider.Error)
	if !ok {
		return &provider.Error{Kind: provider.KindInvalid, NotSent: true, Err: err}
	}
	marked := *e
	marked.NotSent = true
	return &marked
}

func paydocMeta(id string) []byte {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	return message{paydoc: n}.meta()
}

// Names implements provider.Namer: the number that the Click app shows to a buyer is the paydoc id.
func (company) Names(p pay.Payment) []string {
	var known meta
	if json.Unmarshal(p.Meta, &known) != nil || known.Paydoc <= 0 {
		return nil
	}
	return []string{strconv.FormatInt(known.Paydoc, 10)}
}

var _ provider.Namer = company{}
