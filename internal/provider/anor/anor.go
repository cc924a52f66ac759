// Package anor charges the codes of Anorbank's app, AnorCheck, at a till.
//
// Anorbank publishes no API for merchants. What is spoken here is an assumption, named
// "anor-assumed-1" and modelled on CLICK Pass, whose answers the known ones resemble: it works
// against the sandbox, and against a bank's address only after somebody has compared the two and
// says so in the credential "contract". Where a shop has Multicard, that charges the same codes by
// a documented call. README.md has the facts.
package anor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Contract names the assumed wire.
const Contract = "anor-assumed-1"

type company struct{}

// New returns the provider.
func New() provider.Provider { return company{} }

func (company) Info() provider.Info {
	return provider.Info{
		Name:  "anor",
		Title: "Anorbank AnorCheck",
		Fields: []provider.Field{
			{Key: "serviceId", Required: true},
			{Key: "merchantUserId", Required: true},
			{Key: "secretKey", Required: true, Secret: true},
			{Key: "contract"},
		},
		Account:    (*account)(nil),
		InStore:    true,
		BaseURLEnv: "ANOR_URL",
	}
}

// The shapes of credentials, and of a code: no real one is public, so any visible text is taken.
var (
	idShape     = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
	secretShape = regexp.MustCompile(`^[!-~]{1,255}$`)
	codeShape   = regexp.MustCompile(`^[!-~]{1,512}$`)
	phoneShape  = regexp.MustCompile(`^998[0-9]{9}$`)
)

// Open checks the credentials, and that somebody answers for the assumed wire unless the address is
// this machine's own (the sandbox).
func (company) Open(c provider.Credentials, env provider.Env) (provider.Account, error) {
	var faults []string
	check := func(ok bool, field, rule string) {
		if !ok {
			faults = append(faults, fmt.Sprintf("%q must be %s", "credentials."+field, rule))
		}
	}
	service, user, secret := c.Values["serviceId"], c.Values["merchantUserId"], c.Values["secretKey"]
	check(idShape.MatchString(service), "serviceId", "a whole number")
	check(idShape.MatchString(user), "merchantUserId", "a whole number")
	check(secretShape.MatchString(secret), "secretKey", "1 to 255 visible characters without spaces")
	check(c.Values["contract"] == "" || c.Values["contract"] == Contract, "contract", Contract+", or left out")
	switch u, err := url.Parse(env.BaseURL); {
	case env.BaseURL == "":
		faults = append(faults, "ANOR_URL is not set: Anorbank publishes no address; ask the bank, or charge its codes through Multicard")
	case err != nil || u.Host == "":
		faults = append(faults, "ANOR_URL is no address")
	case c.Values["contract"] != Contract && !loopback(u.Hostname()):
		faults = append(faults, fmt.Sprintf("%q must be %s: the wire is our assumption, and this says that somebody has compared it with the bank's", "credentials.contract", Contract))
	}
	if len(faults) > 0 {
		return nil, &pay.Error{Code: pay.CodeInvalid, Message: "AnorCheck cannot be used so: " + strings.Join(faults, "; "), Details: faults}
	}
	id, _ := strconv.ParseInt(service, 10, 64)
	return &account{service: id, user: user, secret: secret, now: env.Now, http: env.Client(), base: strings.TrimRight(env.BaseURL, "/")}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// account is one till's service at the bank.
type account struct {
	service      int64
	user, secret string
	now          func() time.Time
	http         *http.Client
	base         string
}

// String keeps the secret out of logs; GoString out of %#v too.
func (a *account) String() string   { return "AnorCheck service " + strconv.FormatInt(a.service, 10) }
func (a *account) GoString() string { return a.String() }

// ChargeQR charges the code. The bank knows the payment by our id, so a lost answer can be asked
// for, and the same order twice is one payment.
func (a *account) ChargeQR(ctx context.Context, o provider.QROrder) (provider.Outcome, error) {
	if !codeShape.MatchString(o.Code) {
		return provider.Outcome{State: pay.Failed, Reason: pay.DeclineCode, Note: "this is no code of Anorbank's"}, nil
	}
	ans, err := a.call(ctx, http.MethodPost, "", order{
		Service: a.service, Code: o.Code, Amount: int64(o.Payment.Amount), Cashbox: o.Cashbox, Transaction: o.Payment.ID,
	})
	if err != nil {
		return provider.Outcome{}, err
	}
	return a.said(ans, o.Payment.ID)
}

// payment_status, as CLICK has it: below 0 failed.
const (
	statusCreated = 0
	statusPaid    = 2
)

// error_code of the assumed wire.
const (
	codeUnknown = -3 // no such transaction_id
	codeReplay  = -4 // the transaction_id stands for another order
	codeCode    = -5 // the code is wrong, has run out or was used
	codeFunds   = -6
	codeTwice   = -8 // the receipt has another link already, or the payment is cancelled already
)

// said reads where a payment stands.
func (a *account) said(ans answer, id string) (provider.Outcome, error) {
	out := provider.Outcome{
		Code: strconv.FormatInt(*ans.Code, 10), Note: ans.Note, At: a.now(),
		Card: pay.Card{MaskedPAN: ans.Card, PaymentSystem: "anorbank"},
	}
	if phoneShape.MatchString(ans.Phone) {
		out.Phone = ans.Phone
	}
	if ans.Transaction != "" && ans.Transaction != id {
		return provider.Outcome{}, lost(ans, "the answer is about another payment")
	}
	if *ans.Code != 0 {
		if *ans.Code == codeReplay {
			return provider.Outcome{}, lost(ans, "our id stands for another order")
		}
		out.State, out.Reason = pay.Failed, reason(*ans.Code)
		return out, nil
	}
	if ans.Payment <= 0 || ans.Status == nil || *ans.Status > statusPaid {
		return provider.Outcome{}, lost(ans, "the answer names no payment")
	}
	out.Ref = strconv.FormatInt(ans.Payment, 10)
	switch {
	case *ans.Status == statusPaid:
		out.State = pay.Paid
	case *ans.Status < statusCreated:
		out.State, out.Reason, out.Code = pay.Failed, pay.DeclineOther, "status "+strconv.FormatInt(*ans.Status, 10)
	default:
		out.State = pay.Created
	}
	return out, nil
}

func reason(code int64) string {
	switch code {
	case codeCode:
		return pay.DeclineCode
	case codeFunds:
		return pay.DeclineFunds
	}
	return pay.DeclineOther
}

func lost(ans answer, what string) error {
	return &provider.Error{Kind: provider.KindUnavailable, Code: strconv.FormatInt(*ans.Code, 10), Message: ans.Note, Err: errors.New(what)}
}

// Inquire asks by our own id. That a payment was returned shows only in one that was paid and is
// no longer.
func (a *account) Inquire(ctx context.Context, q provider.Question) (provider.Report, error) {
	id := q.PaymentID
	ans, err := a.call(ctx, http.MethodGet, "/"+url.PathEscape(id), nil)
	if err != nil {
		return provider.Report{}, err
	}
	if *ans.Code == codeUnknown {
		return provider.Report{}, nil
	}
	if *ans.Code != 0 {
		return provider.Report{}, lost(ans, "a question was refused")
	}
	out, err := a.said(ans, id)
	if err != nil {
		return provider.Report{}, err
	}
	rep := provider.Report{Found: true, Outcome: out, Shows: true}
	if out.State == pay.Failed && q.Op == provider.OpRefund {
		rep.Outcome.State, rep.Refunded = pay.Refunded, q.Payment.Captured
	}
	return rep, nil
}

// CanRefund: whole payments only.
func (a *account) CanRefund(_ pay.Payment, o provider.RefundOrder) error {
	if !o.Whole {
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "partial_refund_not_supported", Message: "AnorCheck returns whole payments only: refund without amount, or return a part by other means"}
	}
	return nil
}

// Refund cancels the payment.
func (a *account) Refund(ctx context.Context, o provider.RefundOrder) (provider.MoveOutcome, error) {
	ans, err := a.call(ctx, http.MethodPost, "/"+url.PathEscape(o.Payment.ID)+"/cancel", map[string]int64{"amount": int64(o.Amount)})
	switch {
	case err != nil:
		return provider.MoveOutcome{}, err
	case *ans.Code != 0:
		return provider.MoveOutcome{State: pay.MoveFailed, Code: strconv.FormatInt(*ans.Code, 10), Note: ans.Note}, nil
	case ans.Status == nil || *ans.Status >= statusCreated:
		return provider.MoveOutcome{}, lost(ans, "a cancelled payment that is not")
	}
	return provider.MoveOutcome{State: pay.MoveSucceeded, Ref: o.Payment.Ref, At: a.now()}, nil
}

// SendReceipt hands the fiscal receipt's link over; the same one twice is one.
func (a *account) SendReceipt(ctx context.Context, p pay.Payment, r pay.Receipt) error {
	ans, err := a.call(ctx, http.MethodPost, "/"+url.PathEscape(p.ID)+"/fiscal", map[string]string{"qr_code": r.URL})
	if err == nil && *ans.Code != 0 {
		err = &provider.Error{Kind: provider.KindInvalid, Code: strconv.FormatInt(*ans.Code, 10), Message: ans.Note}
	}
	return err
}

var (
	_ provider.QRCharger     = (*account)(nil)
	_ provider.Refunder      = (*account)(nil)
	_ provider.ReceiptSender = (*account)(nil)
)
