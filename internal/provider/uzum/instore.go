package uzum

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// FastPay: the buyer's app shows a code, the till scans it, and we charge it at Uzum Bank. Its
// status call wants Uzum's own id of the payment, which only the answer to the charge tells. When
// that answer is lost the same order is sent again, under the same order_id and transaction_id: it
// is paid once, and Uzum tells the first payment's id.

type fastPay struct{}

// NewFastPay returns FastPay, which only tills use.
func NewFastPay() provider.Provider { return fastPay{} }

func (fastPay) Info() provider.Info {
	return provider.Info{
		Name:  "uzumfastpay",
		Title: "Uzum FastPay",
		Fields: []provider.Field{
			{Key: "serviceId", Required: true},
			{Key: "merchantServiceUserId", Required: true},
			{Key: "secretKey", Required: true, Secret: true},
			{Key: "clockOffset"},
		},
		Account:    (*fastAccount)(nil),
		InStore:    true,
		BaseURLEnv: "UZUM_FASTPAY_URL",
		BaseURL:    "https://mobile.apelsin.uz/api/apelsin-pay/merchant",
	}
}

var fastID = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)

func (fastPay) Open(c provider.Credentials, env provider.Env) (provider.Account, error) {
	var details []string
	service, user, secret := c.Values["serviceId"], c.Values["merchantServiceUserId"], c.Values["secretKey"]
	if !fastID.MatchString(service) {
		details = append(details, `"credentials.serviceId" must be the number of the service, digits only`)
	}
	if !fastID.MatchString(user) {
		details = append(details, `"credentials.merchantServiceUserId" must be the number of the till's user, digits only`)
	}
	if !plain(secret) {
		details = append(details, `"credentials.secretKey" must be 1 to 255 characters without control characters`)
	}
	offset, known := clockOffsets[c.Values["clockOffset"]]
	if !known {
		details = append(details, `"credentials.clockOffset" must be 0 or 5h, or be left out`)
	}
	if details != nil {
		return nil, &pay.Error{Code: pay.CodeInvalid, Message: "the credentials of Uzum FastPay are not complete", Details: details}
	}
	id, _ := strconv.ParseInt(service, 10, 64)
	return &fastAccount{service: id, user: user, secret: secret, offset: offset, now: env.Now, http: env.Client(), base: strings.TrimRight(env.BaseURL, "/")}, nil
}

// fastAccount is one till's user at Uzum Bank.
type fastAccount struct {
	service      int64
	user, secret string
	offset       time.Duration // added to the time that a call is signed with
	now          func() time.Time
	http         *http.Client
	base         string
}

// clockOffsets are what may be added to the time. Uzum's document asks for a Unix time "in UTC+5",
// which does not exist: a program that shops run sends the plain one, another adds five hours.
var clockOffsets = map[string]time.Duration{"": 0, "0": 0, "5h": 5 * time.Hour}

// String keeps the secret out of logs; GoString out of %#v too.
func (a *fastAccount) String() string   { return "FastPay service " + strconv.FormatInt(a.service, 10) }
func (a *fastAccount) GoString() string { return a.String() }

// codeShape is all that is asked of a code. It is opaque text of at least 40 characters, digits in
// one document and colons, slashes and equals signs in life; nothing of it may be trimmed.
var codeShape = regexp.MustCompile(`^[!-~]{40,512}$`)

// ─── Paying ────────────────────────────────────────────────────────────────────────────────

// ChargeQR charges the code.
func (a *fastAccount) ChargeQR(ctx context.Context, o provider.QROrder) (provider.Outcome, error) {
	if !codeShape.MatchString(o.Code) {
		return provider.Outcome{State: pay.Failed, Reason: pay.DeclineCode, Note: "a FastPay code has at least 40 characters"}, nil
	}
	var kept []byte
	if o.Cashbox != "" { // to be asked again it must be the same order, to the letter
		kept = fastMeta{Cashbox: o.Cashbox}.json()
		if err := o.Begun("", kept); err != nil {
			return provider.Outcome{}, provider.NotSent(err)
		}
	}
	ans, err := a.order(ctx, o.Payment, o.Code, o.Cashbox)
	if err != nil {
		return provider.Outcome{}, err
	}
	return a.said(ctx, ans, false, kept)
}

// fastMeta is what is kept of a payment: the till's name that its order was sent with, and the bank's
// number of the debit.
type fastMeta struct {
	Cashbox string `json:"cashbox,omitempty"`
	RRN     string `json:"rrn,omitempty"`
}

func fastMetaOf(raw []byte) (m fastMeta) {
	if json.Unmarshal(raw, &m) != nil {
		return fastMeta{}
	}
	return m
}

func (m fastMeta) json() []byte {
	if m == (fastMeta{}) {
		return nil
	}
	raw, _ := json.Marshal(m) // two texts
	return raw
}

// order sends the order. The same order, sent again, is the same payment.
func (a *fastAccount) order(ctx context.Context, p pay.Payment, code, cashbox string) (fastAnswer, error) {
	if cashbox == "" {
		cashbox = "1" // it is required, and named by nobody
	}
	return a.call(ctx, http.MethodPost, "/v2/payment", map[string]any{
		"amount": int64(p.Amount), "cashbox_code": cashbox, "otp_data": code,
		"order_id": p.ID, "transaction_id": p.ID, "service_id": a.service,
	})
}

// said reads the answer to an order. again: it is one that was sent before. Uzum does not publish
// whether it looks at the order's number before it looks at the code, the money and the limits. So a
// no to a repeated order says nothing about the first one, which may be what has used the code or the
// money, and whatever such a no names is not taken for our payment: only "paid" and "it went through
// before" count, and a person looks at the rest. kept is what is known of the payment.
func (a *fastAccount) said(ctx context.Context, ans fastAnswer, again bool, kept []byte) (provider.Outcome, error) {
	out := ans.outcome(a.now(), kept)
	no, known := fastNos[ans.Message]
	switch {
	case ans.code() == 0 && ans.Status == "SUCCESS" && out.Ref != "":
		out.State = pay.Paid
		return out, nil
	case ans.Status == "DUPLICATED" && out.Ref != "":
		// It went through before, whichever way: its own status says how.
		rep, err := a.status(ctx, out.Ref)
		if err != nil {
			return provider.Outcome{State: pay.Created, Ref: out.Ref, Code: out.Code, Note: out.Note}, nil
		}
		rep.Card, rep.Phone = out.Card, out.Phone
		return rep, nil
	case again:
		return provider.Outcome{State: pay.Created, Code: out.Code, Note: out.Note}, nil
	case ans.code() == 0, no.open:
		out.State = pay.Created
		return out, nil
	}
	out.State, out.Reason = pay.Failed, no.reason
	if !known {
		out.Reason = pay.DeclineOther
	}
	return out, nil
}

// fastNo is what a message of Uzum's means for a charge.
type fastNo struct {
	reason string
	open   bool // it says nothing about whether the payment stands
}

// fastNos are the keys that Uzum publishes. Which error_code goes with which is not published.
var fastNos = map[string]fastNo{
	"apelsin.pay.user.otp.data.expired": {reason: pay.DeclineCode},
	"apelsin.pay.wrong.prefix.otp.data": {reason: pay.DeclineCode},
	"qr.duplicated":                     {reason: pay.DeclineCode},
	"receipt.qr.only.yours":             {reason: pay.DeclineCode},
	"device.not.registered":             {reason: pay.DeclineCode},
	"apelsin.pay.safe.mode.on":          {reason: pay.DeclineOther},
	"limit.was.set":                     {reason: pay.DeclineOther},
	"user.card.not.found":               {reason: pay.DeclineCard},
	"user.does.not.exist":               {reason: pay.DeclineCode},
	"insufficient.funds":                {reason: pay.DeclineFunds},
	"operation.failed":                  {reason: pay.DeclineOther},
	"operation.forbidden":               {reason: pay.DeclineOther},
	"operation.is.inProcess":            {open: true},
	"external.service.unavailable":      {open: true},
	"order.id.duplicated":               {open: true}, // it went through, and the answer does not say how
	"transaction.duplicated":            {open: true},
}

// ─── Asking ────────────────────────────────────────────────────────────────────────────────

// Inquire asks by Uzum's id; before that is known, by the same order again.
func (a *fastAccount) Inquire(ctx context.Context, q provider.Question) (provider.Report, error) {
	ref := q.Ref
	if ref == "" {
		ref = q.Payment.Ref
	}
	if ref == "" {
		return a.askAgain(ctx, q)
	}
	out, err := a.status(ctx, ref)
	if err != nil {
		if e, ok := errors.AsType[*provider.Error](err); ok && e.Code == "404" {
			return provider.Report{}, nil
		}
		return provider.Report{}, err
	}
	rep := provider.Report{Found: true, Outcome: out, Shows: true}
	if out.State == pay.Refunded {
		rep.Refunded = q.Payment.Captured
		if q.Op == provider.OpCharge {
			rep.Outcome.State = pay.Cancelled // returned before we ever counted it as paid
		}
	}
	return rep, nil
}

func (a *fastAccount) askAgain(ctx context.Context, q provider.Question) (provider.Report, error) {
	if q.Op != provider.OpCharge || !codeShape.MatchString(q.Code) {
		return provider.Report{}, &pay.Error{Code: pay.CodeUnsupported, Message: "Uzum is asked by its own id of a payment, which was in the lost answer; look in its cabinet"}
	}
	p := q.Payment
	p.ID, p.Amount = q.PaymentID, q.Amount
	ans, err := a.order(ctx, p, q.Code, fastMetaOf(q.Meta).Cashbox)
	if err != nil {
		return provider.Report{}, err
	}
	out, err := a.said(ctx, ans, true, q.Meta)
	return provider.Report{Found: true, Outcome: out}, err
}

// statuses are Uzum's words for where a payment stands.
var statuses = map[string]pay.State{
	"SUCCESS": pay.Paid, "FAILED": pay.Failed, "HOLD": pay.Created, "REVERSED": pay.Refunded, "PARTIAL_CANCELLED": pay.Paid,
}

func (a *fastAccount) status(ctx context.Context, ref string) (provider.Outcome, error) {
	ans, err := a.call(ctx, http.MethodPost, "/payment/status", map[string]any{"payment_id": ref, "service_id": a.service})
	if err != nil {
		return provider.Outcome{}, err
	}
	if ans.code() != 0 {
		return provider.Outcome{}, ans.fail(provider.KindUnavailable)
	}
	state, ok := statuses[ans.Status]
	if !ok || ans.PaymentID != "" && ans.PaymentID != ref {
		return provider.Outcome{}, &provider.Error{Kind: provider.KindUnavailable, Code: ans.Status, Message: "the answer means nothing about this payment", Err: provider.ErrPuzzled}
	}
	out := ans.outcome(a.now(), nil)
	out.State, out.Ref, out.Code = state, ref, ans.Status
	if state == pay.Failed {
		out.Reason = pay.DeclineOther
	}
	return out, nil
}

// ─── Returning, and the receipt's link ─────────────────────────────────────────────────────

// CanRefund: whole payments only.
func (a *fastAccount) CanRefund(p pay.Payment, o provider.RefundOrder) error {
	switch {
	case !o.Whole:
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "partial_refund_not_supported", Message: "FastPay reverses whole payments only: refund without amount, or return a part by other means"}
	case p.Ref == "":
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "payment_id_missing", Message: "Uzum's id of this payment is not known; ask its merchant support"}
	}
	return nil
}

// Refund reverses the payment.
func (a *fastAccount) Refund(ctx context.Context, o provider.RefundOrder) (provider.MoveOutcome, error) {
	ans, err := a.call(ctx, http.MethodPut, "/v2/payment/reversal/"+url.PathEscape(o.Payment.ID), map[string]any{
		"service_id": a.service, "payment_id": o.Payment.Ref,
	})
	switch {
	case err != nil:
		return provider.MoveOutcome{}, err
	case fastNos[ans.Message].open:
		return provider.MoveOutcome{}, ans.fail(provider.KindUnavailable)
	case ans.code() != 0:
		return provider.MoveOutcome{State: pay.MoveFailed, Ref: o.Payment.Ref, Code: ans.words(), Note: ans.Message}, nil
	case ans.Status != "REVERSED" || ans.PaymentID != o.Payment.Ref:
		return provider.MoveOutcome{}, ans.fail(provider.KindUnavailable)
	}
	return provider.MoveOutcome{State: pay.MoveSucceeded, Ref: o.Payment.Ref, At: a.now()}, nil
}

// SendReceipt hands the fiscal receipt's link over; the same one twice is one.
func (a *fastAccount) SendReceipt(ctx context.Context, p pay.Payment, r pay.Receipt) error {
	if p.Ref == "" {
		return &provider.Error{Kind: provider.KindInvalid, NotSent: true, Message: "Uzum's id of this payment is not known"}
	}
	ans, err := a.call(ctx, http.MethodPost, "/payment/fiscal", map[string]any{"payment_id": p.Ref, "service_id": a.service, "fiscal_url": r.URL})
	switch {
	case err != nil:
		return err
	case fastNos[ans.Message].open || ans.Message == "apelsin.pay.fiscalization.service.not.working":
		return ans.fail(provider.KindUnavailable)
	case ans.code() != 0:
		return ans.fail(provider.KindInvalid)
	}
	return nil
}

// ─── The wire ──────────────────────────────────────────────────────────────────────────────

// maxFastAnswer bounds what is read of one answer, which is some hundred bytes long.
const maxFastAnswer = 64 << 10

// authorization is who, the proof, and the millisecond at which it was made: Uzum takes it for 50
// seconds.
func (a *fastAccount) authorization() string {
	at := strconv.FormatInt(a.now().Add(a.offset).UnixMilli(), 10)
	sum := sha1.Sum([]byte(at + a.secret))
	return a.user + ":" + hex.EncodeToString(sum[:]) + ":" + at
}

// call makes one call. Uzum answers HTTP 200 whatever it says, but for what its edge says.
func (a *fastAccount) call(ctx context.Context, method, path string, in any) (fastAnswer, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return fastAnswer{}, provider.NotSent(err)
	}
	req, err := http.NewRequest(method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return fastAnswer{}, provider.NotSent(err)
	}
	req.Header.Set("Authorization", a.authorization())
	req.Header.Set("Content-Type", "application/json")
	status, text, err := provider.Exchange(ctx, a.http, req, maxFastAnswer)
	if err != nil {
		return fastAnswer{}, err
	}
	return readFast(status, text)
}

// readFast judges an answer. 401 and 403 in its body are its door's: nothing was done.
func readFast(status int, text []byte) (fastAnswer, error) {
	fail := &provider.Error{Kind: provider.KindUnavailable, Code: "HTTP " + strconv.Itoa(status)}
	switch status {
	case http.StatusOK:
	case http.StatusUnauthorized:
		fail.Kind = provider.KindAuth
		return fastAnswer{}, fail
	case http.StatusTooManyRequests:
		fail.Kind = provider.KindRateLimited
		return fastAnswer{}, fail
	default:
		return fastAnswer{}, fail
	}
	var ans fastAnswer
	if err := json.Unmarshal(text, &ans); err != nil || ans.ErrorCode == nil || ans.code() < 0 {
		fail.Err = errors.New("the answer cannot be understood")
		return fastAnswer{}, fail
	}
	ans.PaymentID, ans.Status, ans.Message = clip(ans.PaymentID), clip(ans.Status), clip(ans.Message)
	switch ans.code() {
	case 401, 403:
		return fastAnswer{}, ans.fail(provider.KindAuth)
	case 404:
		return fastAnswer{}, ans.fail(provider.KindInvalid)
	case 503:
		return fastAnswer{}, ans.fail(provider.KindInvalid) // the service is not found, or is switched off
	}
	return ans, nil
}

// fastAnswer is what every call answers.
type fastAnswer struct {
	PaymentID string      `json:"payment_id"`
	Status    string      `json:"payment_status"`
	ErrorCode *fastNumber `json:"error_code"`
	Message   string      `json:"error_message"`
	Phone     string      `json:"client_phone_number"`
	CardType  json.Number `json:"card_type"`
	RRN       string      `json:"processing_reference_number"`
	At        string      `json:"operation_time"`
}

// fastNumber is a number, or one in a text: tills have seen both.
type fastNumber int64

func (n *fastNumber) UnmarshalJSON(b []byte) error {
	got, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 32)
	*n = fastNumber(got)
	return err
}

// code is the error_code; −1 where there is none.
func (ans fastAnswer) code() int64 {
	if ans.ErrorCode == nil {
		return -1
	}
	return int64(*ans.ErrorCode)
}

func (ans fastAnswer) words() string { return strconv.FormatInt(ans.code(), 10) }

func (ans fastAnswer) fail(kind provider.Kind) error {
	return &provider.Error{Kind: kind, Code: ans.words(), Message: ans.Message}
}

var fastPhone = regexp.MustCompile(`^998[0-9]{9}$`)

func (ans fastAnswer) outcome(now time.Time, kept []byte) provider.Outcome {
	out := provider.Outcome{Ref: ans.PaymentID, At: now, Code: ans.words(), Note: ans.Message}
	if at, err := time.ParseInLocation("2006-01-02 15:04:05.000", ans.At, provider.Tashkent); err == nil {
		out.At = at
	}
	if fastPhone.MatchString(ans.Phone) {
		out.Phone = ans.Phone
	}
	if ans.RRN != "" {
		m := fastMetaOf(kept)
		m.RRN = clip(ans.RRN)
		out.Meta = m.json()
	}
	return out
}

func clip(text string) string {
	text = strings.ToValidUTF8(text, "")
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:300]) + "…"
	}
	return text
}

var (
	_ provider.QRCharger     = (*fastAccount)(nil)
	_ provider.Refunder      = (*fastAccount)(nil)
	_ provider.ReceiptSender = (*fastAccount)(nil)
)
