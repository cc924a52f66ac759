package multicard

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/chorsu/chorsu/internal/provider"
)

// kinds is what Multicard's error codes mean for the call that got one. Invalid, Auth and
// RateLimited: nothing happened. Unavailable: the outcome is not known and must be read back.
// A code that is not listed may mean anything, and counts as Unavailable.
var kinds = map[string]provider.Kind{
	codeFields:                 provider.KindInvalid,
	codeNotFound:               provider.KindInvalid,
	codeNotReady:               provider.KindInvalid, // of invoices; see Refund for what it means there
	"ERROR_CARD_NOT_FOUND":     provider.KindInvalid,
	"ERROR_WRONG_OTP":          provider.KindInvalid,
	codeLate:                   provider.KindInvalid,
	"ERROR_PAYMENT_APPLIED":    provider.KindInvalid,
	"ERROR_CARD_SMS":           provider.KindInvalid,
	"CARD_NOT_SUPPORTED":       provider.KindInvalid,
	"ERROR_INSUFFICIENT_FUNDS": provider.KindInvalid,
	"ERROR_CARD_EXPIRED":       provider.KindInvalid,
	"ERROR_ACCESS_DENIED":      provider.KindAuth,
	"ERROR_SMS_ALREADY_SENT":   provider.KindRateLimited,
	"ERROR_SMS_TO_MANY":        provider.KindRateLimited,
	"ERROR_DEBIT_UNKNOWN":      provider.KindUnavailable,
	"ERROR_CALLBACK_TIMEOUT":   provider.KindUnavailable,
	"ERROR_CALLBACK":           provider.KindUnavailable,
	"ERROR_UNKNOWN":            provider.KindUnavailable,
}

// The codes that our own calls must tell apart.
const (
	codeFields   = "ERROR_FIELDS"          // validation, and most refusals of business
	codeNotFound = "ERROR_NOT_FOUND"       // unknown uuid; also a payment that is returned already
	codeNotReady = "ERROR_TRANS_NOT_READY" // finished, expired, or not ready yet

	// codeLate is our name for ERROR_WRONG_OTP under HTTP 423: the code counts no more. It is the
	// one place where their HTTP status alone tells two answers apart.
	codeLate = "ERROR_WRONG_OTP 423"
)

// refused turns a failure of the application into an error.
func (a *answer) refused(e envelope) *provider.Error {
	code := string(e.Error.Code)
	if code == "ERROR_WRONG_OTP" && a.status == http.StatusLocked {
		code = codeLate
	}
	kind, known := kinds[code]
	switch {
	case known:
	case a.status == http.StatusTooManyRequests:
		kind = provider.KindRateLimited
	default:
		kind = provider.KindUnavailable
	}
	if code == "" {
		code = "HTTP " + strconv.Itoa(a.status)
	}
	return &provider.Error{Kind: kind, Code: clip(code, 64), Message: clip(string(e.Error.Details), 300), RequestID: a.tracker}
}

// unreadable is an answer that says nothing we can rely on: the call may have been done.
func (a *answer) unreadable(err error) *provider.Error {
	kind := provider.KindUnavailable
	if a.status == http.StatusTooManyRequests {
		kind = provider.KindRateLimited
	}
	return &provider.Error{
		Kind: kind, Code: "HTTP " + strconv.Itoa(a.status), Message: clip(string(a.body), 200),
		RequestID: a.tracker, Err: err,
	}
}

// refusedAuth is an answer of /auth without a token. Nothing but /auth was called.
func (a *answer) refusedAuth(got authAnswer) *provider.Error {
	e := &provider.Error{Kind: provider.KindAuth, NotSent: true, Code: "HTTP " + strconv.Itoa(a.status), RequestID: a.tracker}
	if a.status >= 500 || a.status/100 == 2 {
		e.Kind = provider.KindUnavailable
	}
	if a.status == http.StatusTooManyRequests {
		e.Kind = provider.KindRateLimited
	}
	for _, group := range got.Errors {
		for _, m := range group.Message {
			if e.Message != "" {
				e.Message += "; "
			}
			e.Message += clip(string(m.Message), 200)
		}
	}
	return e
}

// codeOf returns Multicard's code in err, "" where err is no answer of Multicard.
func codeOf(err error) string {
	e, ok := errors.AsType[*provider.Error](err)
	if !ok {
		return ""
	}
	return e.Code
}

// messageOf returns Multicard's words in err.
func messageOf(err error) string {
	e, ok := errors.AsType[*provider.Error](err)
	if !ok {
		return ""
	}
	return e.Message
}

// refusals says how the refusal of a success callback is worded. On the wire they are all one
// thing, HTTP 200 with success false, and the money goes back; the sentence is what the payer
// reads on the failed receipt.
var refusals = map[provider.Refusal]sentence{
	provider.NoAccount:     unknownInvoice,
	provider.NoPayment:     unknownInvoice,
	provider.WrongAmount:   wrongAmount,
	provider.TooSmall:      wrongAmount,
	provider.TooLarge:      wrongAmount,
	provider.AlreadyPaid:   alreadyPaid,
	provider.Closed:        invoiceClosed,
	provider.Cancelled:     invoiceClosed,
	provider.Expired:       invoiceExpired,
	provider.Busy:          paidElsewhere,
	provider.NotReversible: notAccepted,
	provider.Unavailable:   notAccepted,
}
