package click

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Click Pass: the buyer's app shows a code, the till scans it, and we charge it by Merchant API v2.
// Reversals, the status and the receipt's link are that API's too, so they are the same code as
// for a payment on the web.

type pass struct{}

// NewPass returns Click Pass, which only tills use.
func NewPass() provider.Provider { return pass{} }

func (pass) Info() provider.Info {
	return provider.Info{
		Name:  "clickpass",
		Title: "Click Pass",
		Fields: []provider.Field{
			{Key: "serviceId", Required: true},
			{Key: "merchantUserId", Required: true},
			{Key: "secretKey", Required: true, Secret: true},
		},
		Account:    (*passAccount)(nil),
		Options:    []string{"partialReversal"},
		InStore:    true,
		BaseURLEnv: "CLICK_API_URL",
		BaseURL:    "https://api.click.uz/v2/merchant",
	}
}

func (pass) Open(c provider.Credentials, env provider.Env) (provider.Account, error) {
	var faults []string
	check := func(ok bool, field, rule string) {
		if !ok {
			faults = append(faults, fmt.Sprintf("%q must be %s", "credentials."+field, rule))
		}
	}
	service, user, secret := c.Values["serviceId"], c.Values["merchantUserId"], c.Values["secretKey"]
	check(idShape.MatchString(service), "serviceId", "a whole number, as CLICK issued it")
	check(idShape.MatchString(user), "merchantUserId", "a whole number, as CLICK issued it")
	check(secretShape.MatchString(secret), "secretKey", "1 to 255 visible characters without spaces")
	if len(faults) > 0 {
		return nil, &pay.Error{Code: pay.CodeInvalid, Message: "the credentials of Click Pass have the wrong form", Details: faults}
	}
	return &passAccount{web: &account{
		merchant: c.MerchantID, service: service, secret: secret, partial: c.Options.PartialReversal,
		now: env.Now, api: newClient(env, user, secret),
	}}, nil
}

// passAccount is one merchant's service at CLICK, as its tills use it.
type passAccount struct{ web *account }

// codeShape is all that is asked of a code: CLICK publishes neither its length nor its alphabet.
var codeShape = regexp.MustCompile(`^[!-~]{1,512}$`)

// ChargeQR charges the code. In confirmation mode CLICK takes the money back by itself unless it
// is told within 30 seconds that the sale stands, so it is told at once. Only payment_status 2 is
// paid: error_code 0 says no more than that the call was understood.
func (a *passAccount) ChargeQR(ctx context.Context, o provider.QROrder) (provider.Outcome, error) {
	service, err := strconv.ParseInt(a.web.service, 10, 64)
	if err != nil || !codeShape.MatchString(o.Code) {
		return provider.Outcome{State: pay.Failed, Reason: pay.DeclineCode, Note: "this is no code of CLICK's"}, nil
	}
	ans, err := a.web.api.do(ctx, http.MethodPost, "click_pass/payment", passOrder{
		ServiceID: service, OTPData: o.Code, Amount: json.Number(o.Payment.Amount.Soum()),
		CashboxCode: o.Cashbox, Transaction: o.Payment.ID,
	})
	if err != nil {
		return provider.Outcome{}, err
	}
	out, err := a.said(ans)
	if err != nil || out.State != pay.Created {
		return out, err
	}
	known := out
	if ans.ConfirmMode.String() == "1" {
		id, err := strconv.ParseInt(known.Ref, 10, 64)
		if err != nil {
			return known, nil
		}
		// Its answer does not count: the status tells, also where the answer was lost.
		_, _ = a.web.api.do(ctx, http.MethodPost, "click_pass/confirm", passConfirm{ServiceID: service, PaymentID: id})
	}
	rep, err := a.ask(ctx, known.Ref, o.Payment)
	if err != nil || !rep.Found {
		return known, nil // begun, and not known more of: the caller asks later
	}
	rep.Outcome.Card, rep.Outcome.Phone = known.Card, known.Phone
	return rep.Outcome, nil
}

// said reads the answer to a charge.
func (a *passAccount) said(ans apiAnswer) (provider.Outcome, error) {
	code, ok := ans.code()
	if !ok {
		return provider.Outcome{}, ans.notUnderstood("an answer without error_code")
	}
	status := statusCreated - 1
	if ans.PaymentStatus != nil {
		var err error
		if status, err = strconv.Atoi(ans.PaymentStatus.String()); err != nil || status > statusPaid {
			return provider.Outcome{}, ans.notUnderstood("payment_status " + ans.PaymentStatus.String())
		}
	}
	out := provider.Outcome{
		Code: strconv.Itoa(code), Note: ans.ErrorNote, At: a.web.now(), Phone: phone(ans.PhoneNumber),
		Card: pay.Card{MaskedPAN: clip(ans.CardNumber), PaymentSystem: clip(ans.ProcessingType)},
	}
	if id := ans.PaymentID.String(); idDigits.MatchString(id) && id != "0" {
		out.Ref, out.Meta = id, paydocMeta(id)
	}
	switch {
	case code < 0 && status < statusCreated:
		// No table of error_code is published: any no is a no, in CLICK's own words.
		out.State, out.Reason = pay.Failed, pay.DeclineOther
	case code != 0:
		return provider.Outcome{}, ans.notUnderstood("an error_code beside a payment_status that is none")
	case ans.PaymentStatus == nil || out.Ref == "":
		return provider.Outcome{}, ans.notUnderstood("the answer names no payment")
	case status == statusPaid:
		out.State = pay.Paid
	case status < statusCreated:
		out.State, out.Reason, out.Code = pay.Failed, pay.DeclineOther, strconv.Itoa(status)
	default:
		out.State = pay.Created
	}
	return out, nil
}

// ask reads the status of a payment that CLICK has named.
func (a *passAccount) ask(ctx context.Context, ref string, p pay.Payment) (provider.Report, error) {
	p.Ref, p.Meta = ref, paydocMeta(ref)
	return a.Inquire(ctx, provider.Question{Ref: ref, PaymentID: p.ID, Op: provider.OpCharge, Amount: p.Amount, Payment: p, Meta: p.Meta})
}

// Inquire asks by CLICK's id, or, where its answer was lost, by our own.
func (a *passAccount) Inquire(ctx context.Context, q provider.Question) (provider.Report, error) {
	q.Payment = a.named(q.Payment)
	if q.Payment.ID == "" {
		q.Payment.Account = q.PaymentID
	}
	if q.Payment.CreatedAt.IsZero() {
		q.Payment.CreatedAt = q.SentAt
	}
	if q.Payment.Meta == nil && q.Ref != "" {
		q.Payment.Meta = paydocMeta(q.Ref)
	}
	if len(q.Payment.Meta) == 0 {
		id, err := a.find(ctx, q.Payment.Account, q.Payment.CreatedAt)
		if isNotFound(err) {
			return provider.Report{}, nil
		}
		if err != nil {
			return provider.Report{}, err
		}
		q.Payment.Meta = paydocMeta(id)
	}
	rep, err := a.web.Inquire(ctx, q)
	if rep.Found && rep.Outcome.Ref == "" {
		var known meta
		if json.Unmarshal(rep.Outcome.Meta, &known) == nil && known.Paydoc > 0 {
			rep.Outcome.Ref = strconv.FormatInt(known.Paydoc, 10)
		}
	}
	if rep.Outcome.State == pay.Failed {
		rep.Outcome.Reason = pay.DeclineOther
	}
	return rep, err
}

// find asks for our id on the day of the sale by our clock, the day before and the day after: CLICK
// may have booked it after midnight, and a desk's clock may have the wrong zone. Our id is of one
// payment only, so that no other can be found.
func (a *passAccount) find(ctx context.Context, order string, at time.Time) (id string, err error) {
	for _, days := range []int{0, 1, -1} {
		if id, err = a.web.byOrder(ctx, order, at.AddDate(0, 0, days)); !isNotFound(err) {
			return id, err
		}
	}
	return "", err
}

// CanRefund, Refund and SendReceipt are those of a payment on the web.
func (a *passAccount) CanRefund(p pay.Payment, o provider.RefundOrder) error {
	return a.web.CanRefund(p, o)
}

func (a *passAccount) Refund(ctx context.Context, o provider.RefundOrder) (provider.MoveOutcome, error) {
	o.Payment = a.named(o.Payment)
	return a.web.Refund(ctx, o)
}

func (a *passAccount) SendReceipt(ctx context.Context, p pay.Payment, r pay.Receipt) error {
	return a.web.SendReceipt(ctx, a.named(p), r)
}

// named gives p what it is found by: CLICK's id, or else our id, which was its transaction_id.
func (a *passAccount) named(p pay.Payment) pay.Payment {
	p.Account = p.ID
	if p.Meta == nil && p.Ref != "" {
		p.Meta = paydocMeta(p.Ref)
	}
	return p
}

var phoneShape = regexp.MustCompile(`^998[0-9]{9}$`)

func phone(text string) string {
	if !phoneShape.MatchString(text) {
		return ""
	}
	return text
}

var (
	_ provider.QRCharger     = (*passAccount)(nil)
	_ provider.Refunder      = (*passAccount)(nil)
	_ provider.ReceiptSender = (*passAccount)(nil)
)
