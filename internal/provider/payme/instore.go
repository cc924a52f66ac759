package payme

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Payme Go: the buyer's app shows a code, the till scans it, and we pay a receipt with it by the
// Subscribe API. A receipt is made first, which moves no money, and what Payme calls it is
// journalled before it is paid: that is what can be asked about when an answer is lost.

type payGo struct{}

// NewGo returns Payme Go, which only tills use.
func NewGo() provider.Provider { return payGo{} }

func (payGo) Info() provider.Info {
	return provider.Info{
		Name:  "paymego",
		Title: "Payme Go",
		Fields: []provider.Field{
			{Key: "cashboxId", Required: true},
			{Key: "key", Required: true, Secret: true},
		},
		Account:    (*goAccount)(nil),
		Options:    []string{"accountField"},
		InStore:    true,
		BaseURLEnv: "PAYME_API_URL",
		BaseURL:    liveAPIURL,
	}
}

func (payGo) Open(c provider.Credentials, env provider.Env) (provider.Account, error) {
	a := &goAccount{field: c.Options.AccountField, now: env.Now, http: env.Client(), url: env.BaseURL}
	if a.field == "" {
		a.field = defaultAccountField
	}
	id, key := c.Values["cashboxId"], c.Values["key"]
	var faults []string
	if !kassaID.MatchString(id) {
		faults = append(faults, `"credentials.cashboxId" must be 24 hexadecimal digits`)
	}
	if !keyShape(key) {
		faults = append(faults, `"credentials.key" must be 1 to 255 visible ASCII characters`)
	}
	if !fieldName.MatchString(a.field) {
		faults = append(faults, `"options.accountField" must be 1 to 64 letters, digits or underscores`)
	}
	if faults != nil {
		return nil, &pay.Error{Code: pay.CodeInvalid, Message: "these credentials cannot be those of a Payme Go cash desk", Details: faults}
	}
	a.auth = id + ":" + key
	return a, nil
}

// goAccount is one cash desk at Payme.
type goAccount struct {
	auth  string // of the X-Auth header
	field string // the account field that holds our payment's id
	now   func() time.Time
	http  *http.Client
	url   string
}

// String keeps the key out of logs; GoString out of %#v too.
func (a *goAccount) String() string   { return "a Payme Go cash desk" }
func (a *goAccount) GoString() string { return a.String() }

// The states of a receipt. Only paid is paid.
const (
	receiptMade      = 0
	receiptPaid      = 4
	receiptReturning = 21 // queued for cancellation
	receiptCancelled = 50
	receiptStateMost = 50
)

// giveUp is how long a receipt may stand unpaid before it is closed: no call of ours that was to
// pay it is on its way any more.
const giveUp = time.Minute

var (
	receiptID = regexp.MustCompile(`^[0-9a-fA-F]{24}$`)
	scanShape = regexp.MustCompile(`^[!-~]{1,512}$`)
)

// ─── Paying ────────────────────────────────────────────────────────────────────────────────

// ChargeQR makes a receipt and pays it with the code. When Payme says no, the receipt is asked for
// and, unless it was paid after all, cancelled.
func (a *goAccount) ChargeQR(ctx context.Context, o provider.QROrder) (provider.Outcome, error) {
	if !scanShape.MatchString(o.Code) {
		return provider.Outcome{State: pay.Failed, Reason: pay.DeclineCode, Note: "this is no code of Payme's"}, nil
	}
	made, err := a.make(ctx, o.Payment)
	if err != nil {
		return refusedReceipt(err)
	}
	if err := o.Begun(made.ID, nil); err != nil {
		return provider.Outcome{}, provider.NotSent(err)
	}
	var paid receiptAnswer
	err = a.call(ctx, "receipts.pay", map[string]any{"id": made.ID, "token": o.Code}, &paid)
	if err == nil {
		return a.said(made.ID, o.Payment.Amount, paid.Receipt)
	}
	no, refused := errors.AsType[*goRefusal](err)
	state, askErr := a.state(ctx, made.ID)
	switch {
	case askErr == nil && state == receiptPaid:
		return a.paid(ctx, made.ID), nil
	case !refused:
		return provider.Outcome{}, err
	case askErr != nil || state != receiptMade:
		return provider.Outcome{State: pay.Created, Ref: made.ID, Code: no.text(), Note: no.message}, nil
	}
	if state, err = a.cancel(ctx, made.ID); err != nil || state != receiptCancelled {
		return provider.Outcome{State: pay.Created, Ref: made.ID, Code: no.text(), Note: no.message}, nil
	}
	return provider.Outcome{State: pay.Failed, Ref: made.ID, Reason: no.reason(), Code: no.text(), Note: no.message}, nil
}

// make makes the receipt. No money moves: whatever becomes of it, nothing is lost.
func (a *goAccount) make(ctx context.Context, p pay.Payment) (receipt, error) {
	var got receiptAnswer
	err := a.call(ctx, "receipts.create", map[string]any{
		"amount": int64(p.Amount), "account": map[string]string{a.field: p.ID},
	}, &got)
	if err != nil {
		return receipt{}, err
	}
	r := got.Receipt
	if !receiptID.MatchString(r.ID) || pay.Tiyin(r.Amount) != p.Amount || r.State == nil || *r.State != receiptMade {
		return receipt{}, &provider.Error{Kind: provider.KindUnavailable, NoMoney: true, Message: "Payme made another receipt than was asked for"}
	}
	return r, nil
}

// refusedReceipt words a receipt that was not made.
func refusedReceipt(err error) (provider.Outcome, error) {
	if no, ok := errors.AsType[*goRefusal](err); ok {
		return provider.Outcome{State: pay.Failed, Reason: no.reason(), Code: no.text(), Note: no.message}, nil
	}
	if e, ok := errors.AsType[*provider.Error](err); ok {
		harmless := *e
		harmless.NoMoney = true
		return provider.Outcome{}, &harmless
	}
	return provider.Outcome{}, err
}

// said reads the receipt in an answer to receipts.pay.
func (a *goAccount) said(id string, amount pay.Tiyin, r receipt) (provider.Outcome, error) {
	switch {
	case r.ID != id:
		return provider.Outcome{}, &provider.Error{Kind: provider.KindUnavailable, Message: "the answer is about another receipt"}
	case r.State == nil || *r.State != receiptPaid:
		return provider.Outcome{State: pay.Created, Ref: id}, nil
	}
	out := r.outcome()
	if out.Amount == 0 {
		out.Amount = amount
	}
	out.State = pay.Paid
	if out.At.IsZero() {
		out.At = a.now()
	}
	return out, nil
}

// paid is a receipt that is known to be paid, with the card and the telephone where Payme tells.
func (a *goAccount) paid(ctx context.Context, id string) provider.Outcome {
	out := provider.Outcome{State: pay.Paid, Ref: id, At: a.now()}
	var got receiptAnswer
	if a.call(ctx, "receipts.get", map[string]any{"id": id}, &got) == nil && got.Receipt.ID == id {
		out = got.Receipt.outcome()
		out.State = pay.Paid
	}
	return out
}

func (a *goAccount) state(ctx context.Context, id string) (int, error) {
	var got struct {
		State *int `json:"state"`
	}
	if err := a.call(ctx, "receipts.check", map[string]any{"id": id}, &got); err != nil {
		return 0, err
	}
	if got.State == nil || *got.State < 0 || *got.State > receiptStateMost {
		return 0, &provider.Error{Kind: provider.KindUnavailable, Message: "a receipt without a known state", Err: provider.ErrPuzzled}
	}
	return *got.State, nil
}

func (a *goAccount) cancel(ctx context.Context, id string) (int, error) {
	var got receiptAnswer
	if err := a.call(ctx, "receipts.cancel", map[string]any{"id": id}, &got); err != nil {
		return 0, err
	}
	if got.Receipt.ID != id || got.Receipt.State == nil {
		return 0, &provider.Error{Kind: provider.KindUnavailable, Message: "the answer is about another receipt"}
	}
	return *got.Receipt.State, nil
}

// ─── Asking ────────────────────────────────────────────────────────────────────────────────

// Inquire asks how the receipt stands. Without its id the call that pays was never made, since the
// id is journalled first. A receipt that nobody paid in a minute is cancelled, so that nobody can.
func (a *goAccount) Inquire(ctx context.Context, q provider.Question) (provider.Report, error) {
	id := q.Ref
	if id == "" {
		id = q.Payment.Ref
	}
	if id == "" {
		return provider.Report{Found: true, Outcome: provider.Outcome{State: pay.Failed, Reason: pay.DeclineUnreached, Note: "the receipt was never paid"}}, nil
	}
	if !receiptID.MatchString(id) {
		return provider.Report{}, errors.New("this is no receipt's id")
	}
	state, err := a.state(ctx, id)
	if no, ok := errors.AsType[*goRefusal](err); ok {
		if no.code == codeNoReceipt || no.code == codeNoReceipts {
			return provider.Report{}, nil
		}
		return provider.Report{}, &provider.Error{Kind: provider.KindUnavailable, Code: no.text(), Message: no.message}
	}
	if err != nil {
		return provider.Report{}, err
	}
	if state == receiptMade && q.Op == provider.OpCharge && a.now().Sub(q.SentAt) >= giveUp {
		if state, err = a.cancel(ctx, id); err != nil {
			return provider.Report{}, asLost(err)
		}
	}
	rep := provider.Report{Found: true, Outcome: provider.Outcome{State: pay.Created, Ref: id, Code: "state " + strconv.Itoa(state)}}
	switch {
	case state == receiptPaid:
		rep.Outcome, rep.Shows = a.paid(ctx, id), true
	case state == receiptReturning:
		rep.Underway = true
		rep.Outcome.Note = "Payme is returning the money"
	case state == receiptCancelled && q.Op == provider.OpRefund:
		rep.Outcome.State, rep.Refunded, rep.Shows = pay.Refunded, q.Payment.Captured, true
	case state == receiptCancelled:
		rep.Outcome.State, rep.Outcome.Reason = pay.Failed, pay.DeclineUnreached
	}
	return rep, nil
}

// asLost is err where any no means only that nothing is known.
func asLost(err error) error {
	if no, ok := errors.AsType[*goRefusal](err); ok {
		return &provider.Error{Kind: provider.KindUnavailable, Code: no.text(), Message: no.message}
	}
	return err
}

// ─── Returning, and the receipt's link ─────────────────────────────────────────────────────

// CanRefund: whole receipts only, by receipts.cancel.
func (a *goAccount) CanRefund(p pay.Payment, o provider.RefundOrder) error {
	switch {
	case !o.Whole:
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "partial_refund_not_supported", Message: "Payme returns the whole receipt or nothing: refund without amount, or return a part by other means"}
	case !receiptID.MatchString(p.Ref):
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "receipt_id_missing", Message: "Payme's id of this receipt is not known; return the money in its cabinet"}
	}
	return nil
}

// Refund has the receipt cancelled. Payme queues it: the money is on its way until the state is 50.
func (a *goAccount) Refund(ctx context.Context, o provider.RefundOrder) (provider.MoveOutcome, error) {
	state, err := a.cancel(ctx, o.Payment.Ref)
	if no, ok := errors.AsType[*goRefusal](err); ok {
		return provider.MoveOutcome{State: pay.MoveFailed, Code: no.text(), Note: no.message}, nil
	}
	if err != nil {
		return provider.MoveOutcome{}, err
	}
	out := provider.MoveOutcome{State: pay.MoveSent, Ref: o.Payment.Ref, Code: "state " + strconv.Itoa(state), At: a.now()}
	switch state {
	case receiptCancelled:
		out.State = pay.MoveSucceeded
	case receiptReturning:
	default:
		return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindUnavailable, Code: out.Code, Message: "a cancelled receipt is in another state"}
	}
	return out, nil
}

// SendReceipt hands the fiscal receipt's link over.
func (a *goAccount) SendReceipt(ctx context.Context, p pay.Payment, r pay.Receipt) error {
	number, err := strconv.ParseInt(r.Number, 10, 64)
	if err != nil || !receiptID.MatchString(p.Ref) {
		return &provider.Error{Kind: provider.KindInvalid, NotSent: true, Message: "Payme wants the receipt's number, and its own id of the payment"}
	}
	// It answers {"success":true} by its documentation and a receipt by a till's: both are a yes.
	err = a.call(ctx, "receipts.set_fiscal_data", map[string]any{"id": p.Ref, "fiscal_data": map[string]any{
		"receipt_id": number, "qr_code_url": r.URL, "terminal_id": r.Terminal, "fiscal_sign": r.FiscalSign, "date": r.Time, "status_code": 0,
	}}, &struct{}{})
	if no, ok := errors.AsType[*goRefusal](err); ok {
		return &provider.Error{Kind: provider.KindInvalid, Code: no.text(), Message: no.message}
	}
	return err
}

// ─── The wire ──────────────────────────────────────────────────────────────────────────────

// maxAnswer bounds what is read of one answer; a receipt is some two KiB.
const maxAnswer = 256 << 10

// goCallID is the id of every call. Calls do not share a connection's answers, so it need not
// differ; an answer with another is not for us.
const goCallID = 1

// call makes one call. What Payme answers no to is a *goRefusal; where there is no such answer, a
// *provider.Error.
func (a *goAccount) call(ctx context.Context, method string, params, into any) error {
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": goCallID, "method": method, "params": params})
	if err != nil {
		return provider.NotSent(err)
	}
	req, err := http.NewRequest(http.MethodPost, a.url, bytes.NewReader(body))
	if err != nil {
		return provider.NotSent(err)
	}
	req.Header.Set("X-Auth", a.auth)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Cache-Control", "no-cache")
	status, text, err := provider.Exchange(ctx, a.http, req, maxAnswer)
	if err != nil {
		return err
	}
	return readGo(status, text, into)
}

// readGo judges an answer. HTTP tells little: everything that Payme has to say is in the body.
func readGo(status int, text []byte, into any) error {
	fail := &provider.Error{Kind: provider.KindUnavailable, Code: "HTTP " + strconv.Itoa(status)}
	switch {
	case status == http.StatusTooManyRequests:
		fail.Kind = provider.KindRateLimited
		return fail
	case status >= 500:
		return fail
	}
	var ans struct {
		ID     json.RawMessage `json:"id"`
		Error  *goRefusal      `json:"error"`
		Result json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(text, &ans); err != nil {
		fail.Err = errors.New("the answer is no JSON-RPC")
		return fail
	}
	if id := string(ans.ID); id != "" && id != "null" && id != strconv.Itoa(goCallID) {
		fail.Err = errors.New("the answer is for another call")
		return fail
	}
	if no := ans.Error; no != nil {
		switch no.code {
		case codeAuth:
			return &provider.Error{Kind: provider.KindAuth, Code: no.text(), Message: no.message}
		case codeNotPost, codeRequest, codeMethod, codeNotJSON:
			return &provider.Error{Kind: provider.KindInvalid, Code: no.text(), Message: no.message}
		case codeSystem, codeSystemPay, codeProcessing:
			return &provider.Error{Kind: provider.KindUnavailable, Code: no.text(), Message: no.message}
		}
		return no
	}
	if status != http.StatusOK || len(ans.Result) == 0 || json.Unmarshal(ans.Result, into) != nil {
		fail.Err = errors.New("the answer has no result")
		return fail
	}
	return nil
}

// The codes of the Subscribe API are not published. These are from two tables of integrators that
// agree on them; where they differ (−31001: wrong amount, or Payme unavailable), the answer says
// nothing.
const (
	codeSystemPay  = -31001
	codeProcessing = -31002
	codeNoFunds    = -31630
	codeFunds      = -31303
	codeBlocked    = -31301
	codeCard       = -31300
	codeNoReceipt  = -31401
	codeNoReceipts = -31602
)

// goRefusal is a no of the Subscribe API.
type goRefusal struct {
	code    int
	message string
}

func (r *goRefusal) Error() string { return fmt.Sprintf("%d %s", r.code, r.message) }
func (r *goRefusal) text() string  { return strconv.Itoa(r.code) }

// UnmarshalJSON takes the message as a text, or as one in three languages.
func (r *goRefusal) UnmarshalJSON(b []byte) error {
	var wire struct {
		Code    int             `json:"code"`
		Message json.RawMessage `json:"message"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	r.code = wire.Code
	var text string
	if json.Unmarshal(wire.Message, &text) != nil {
		var said map[string]any
		_ = json.Unmarshal(wire.Message, &said)
		for _, lang := range []string{"ru", "uz", "en"} {
			if t, ok := said[lang].(string); ok && text == "" {
				text = t
			}
		}
	}
	r.message = clip(text, 300)
	return nil
}

func clip(text string, most int) string {
	text = strings.ToValidUTF8(text, "")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// reason words a no for the buyer.
func (r *goRefusal) reason() string {
	switch r.code {
	case codeNoFunds, codeFunds:
		return pay.DeclineFunds
	case codeBlocked:
		return pay.DeclineBlocked
	case codeCard:
		return pay.DeclineCard
	}
	return pay.DeclineOther
}

// receiptAnswer is what most methods answer.
type receiptAnswer struct {
	Receipt receipt `json:"receipt"`
}

type receipt struct {
	ID      string `json:"_id"`
	State   *int   `json:"state"`
	Amount  int64  `json:"amount"`
	PayTime int64  `json:"pay_time"` // ms
	Card    *struct {
		Number string `json:"number"`
	} `json:"card"`
	Payer    *payer `json:"payer"`
	Merchant *struct {
		Payer *payer `json:"payer"` // where Payme's own sample has it
	} `json:"merchant"`
}

type payer struct {
	Phone string `json:"phone"`
}

var phoneShape = regexp.MustCompile(`^998[0-9]{9}$`)

func (r receipt) outcome() provider.Outcome {
	out := provider.Outcome{Ref: r.ID, Amount: pay.Tiyin(r.Amount)}
	if r.PayTime > 0 && r.PayTime < 1<<42 {
		out.At = time.UnixMilli(r.PayTime).UTC()
	}
	if r.Card != nil {
		out.Card.MaskedPAN = clip(r.Card.Number, 64)
	}
	who := r.Payer
	if who == nil && r.Merchant != nil {
		who = r.Merchant.Payer
	}
	if who != nil && phoneShape.MatchString(strings.TrimPrefix(who.Phone, "+")) {
		out.Phone = strings.TrimPrefix(who.Phone, "+")
	}
	return out
}

var (
	_ provider.QRCharger     = (*goAccount)(nil)
	_ provider.Refunder      = (*goAccount)(nil)
	_ provider.ReceiptSender = (*goAccount)(nil)
)
