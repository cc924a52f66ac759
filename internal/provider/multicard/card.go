package multicard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Cards that are charged by our call. A card is bound on Multicard's own form, so that no number
// passes through us; the callback about it is not signed, and only has the binding read back.

const (
	formLife  = 15 * time.Minute // of a binding form
	codeLife  = 2 * time.Minute  // assumed: how soon Multicard sends another
	usualHold = 7 * 24 * time.Hour
	maxHold   = 30 * 24 * time.Hour
)

type bindRequest struct {
	StoreID     any    `json:"store_id"`
	RedirectURL string `json:"redirect_url"`
	DeclineURL  string `json:"redirect_decline_url"`
	CallbackURL string `json:"callback_url"`
	Phone       string `json:"phone,omitempty"`
	PINFL       string `json:"pinfl,omitempty"`
}

// cardModel is a card, as far as we read it: not its owner's name.
type cardModel struct {
	Payer  text `json:"payer_id"` // of a card bound on a form: that form's session
	Token  text `json:"card_token"`
	PAN    text `json:"card_pan"`
	PS     text `json:"ps"`
	Status text `json:"status"`
	Phone  text `json:"phone"`
}

var (
	sessionShape = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)
	tokenShape   = regexp.MustCompile(`^[0-9A-Za-z_-]{8,255}$`)
)

// BindForm makes the form on which a card's owner enters it.
func (a *account) BindForm(ctx context.Context, o provider.FormOrder) (provider.Form, error) {
	decline := o.ErrorURL
	if decline == "" {
		decline = o.ReturnURL
	}
	var got struct {
		Session text `json:"session_id"`
		URL     text `json:"form_url"`
	}
	err := a.client.call(ctx, http.MethodPost, "/payment/card/bind", bindRequest{
		StoreID: a.storeID(), RedirectURL: o.ReturnURL, DeclineURL: decline, CallbackURL: a.env.CallbackURL, Phone: o.Phone, PINFL: o.PINFL,
	}, &got)
	if err != nil {
		return provider.Form{}, err
	}
	if !sessionShape.MatchString(string(got.Session)) || !webURL(string(got.URL)) {
		return provider.Form{}, &provider.Error{Kind: provider.KindUnavailable, Err: errors.New("Multicard's form has no session or no address")}
	}
	return provider.Form{Ref: string(got.Session), URL: string(got.URL), Expires: a.env.Now().Add(formLife)}, nil
}

// ReadForm reads what came of a form. Without a token, nothing has yet; a card of another form is
// none of this one's.
func (a *account) ReadForm(ctx context.Context, ref string) (provider.Binding, error) {
	if !sessionShape.MatchString(ref) {
		return provider.Binding{}, &provider.Error{Kind: provider.KindInvalid, NotSent: true, Message: "the form has no session"}
	}
	var m cardModel
	err := a.client.call(ctx, http.MethodGet, "/payment/card/bind/"+ref, nil, &m)
	if e, ok := errors.AsType[*provider.Error](err); ok && e.Kind == provider.KindInvalid {
		return provider.Binding{Ref: ref}, nil // not finished, or over: what it says then is nowhere told
	}
	another := m.Payer != "" && string(m.Payer) != ref
	if err != nil || another || m.Status != "active" || !tokenShape.MatchString(string(m.Token)) {
		return provider.Binding{Ref: ref}, err
	}
	return provider.Binding{Ref: ref, Token: string(m.Token), Card: card(m.PAN, m.PS), PhoneMasked: phoneTail(string(m.Phone))}, nil
}

// phoneTail keeps the last four digits.
func phoneTail(s string) string {
	if len(s) < 9 {
		return ""
	}
	return "+" + s[:3] + "*****" + s[len(s)-4:]
}

// ForgetCard has Multicard forget a token. One that it does not know is forgotten.
func (a *account) ForgetCard(ctx context.Context, token string) error {
	err := a.client.call(ctx, http.MethodDelete, "/payment/card/"+url.PathEscape(token), nil, nil)
	if codeOf(err) == "ERROR_CARD_NOT_FOUND" {
		return nil
	}
	return err
}

// ─── Charging ──────────────────────────────────────────────────────────────────────────────

type chargeRequest struct {
	Card      map[string]string `json:"card"`
	Amount    pay.Tiyin         `json:"amount"`
	StoreID   any               `json:"store_id"`
	InvoiceID string            `json:"invoice_id"`       // our payment's id
	Expiry    int64             `json:"expiry,omitempty"` // of a hold, in minutes
	OFD       []ofdLine         `json:"ofd,omitempty"`
	Split     []splitPart       `json:"split,omitempty"`
}

// charged is a payment, with what its owner must still do.
type charged struct {
	paymentModel
	OTPHash text `json:"otp_hash"`
	Phone   text `json:"phone"`
}

type holdModel struct {
	ID      whole   `json:"id"`
	Status  text    `json:"status"`
	Expiry  text    `json:"expiry"`
	Payment charged `json:"payment"`
}

type otpRequest struct {
	OTP            string `json:"otp,omitempty"`
	DebitAvailable *bool  `json:"debit_available,omitempty"`
}

// Charge makes the payment, or the hold, and confirms it at once where no code is asked for. It
// names no callback address: the answer, or reading the payment back, tells what came of it.
func (a *account) Charge(ctx context.Context, o provider.ChargeOrder) (provider.Outcome, error) {
	from, err := source(o)
	if err != nil {
		return provider.Outcome{}, err
	}
	req := chargeRequest{
		Card: from, Amount: o.Payment.Amount, StoreID: a.storeID(),
		InvoiceID: o.Payment.ID, Split: split(o.Invoice.Split),
	}
	if o.Hold {
		return a.hold(ctx, o, req)
	}
	req.OFD = receipt(o.Invoice.Lines)
	var got charged
	if err := a.client.call(ctx, http.MethodPost, "/payment", req, &got); err != nil {
		return declinedBy(err)
	}
	ref := string(got.UUID)
	if err := got.made(o.Payment); err != nil {
		return provider.Outcome{}, err
	}
	if got.OTPHash != "" {
		return a.awaits(got, ref, nil), nil
	}
	if err := o.Begun(ref, nil); err != nil {
		return provider.Outcome{}, provider.NotSent(err)
	}
	return a.confirm(ctx, pay.Payment{ID: o.Payment.ID, Ref: ref, State: pay.Created, Amount: o.Payment.Amount, Save: o.Payment.Save}, otpRequest{})
}

// made checks a draft before anything is done with it: it has a uuid, and is what p asked for.
func (m *paymentModel) made(p pay.Payment) error {
	switch {
	case !uuidShape.MatchString(string(m.UUID)):
		return unclear("Multicard's payment has no uuid")
	case m.PaymentAmount != 0 && pay.Tiyin(m.PaymentAmount) != p.Amount:
		return unclear("Multicard's payment is over another amount")
	}
	return m.ours(pay.Payment{ID: p.ID})
}

func (a *account) hold(ctx context.Context, o provider.ChargeOrder, req chargeRequest) (provider.Outcome, error) {
	if o.CaptureOnExpiry {
		return provider.Outcome{}, &pay.Error{Code: pay.CodeUnsupported, Reason: "no_capture_on_expiry", Message: `Multicard releases a hold that runs out; make the invoice with "holdExpiry": "release"`}
	}
	span := o.HoldFor
	if span <= 0 {
		span = usualHold
	}
	req.Expiry = int64((min(span, maxHold) + time.Minute - 1) / time.Minute)
	var got holdModel
	if err := a.client.call(ctx, http.MethodPost, "/payment/hold", req, &got); err != nil {
		return declinedBy(err)
	}
	ref := string(got.Payment.UUID)
	if err := got.Payment.made(o.Payment); err != nil {
		return provider.Outcome{}, err
	}
	if got.ID <= 0 {
		return provider.Outcome{}, unclear("Multicard's hold has no id")
	}
	kept, err := json.Marshal(meta{Hold: int64(got.ID)})
	if err != nil {
		return provider.Outcome{}, err
	}
	if got.Payment.OTPHash != "" {
		return a.awaits(got.Payment, ref, kept), nil
	}
	if err := o.Begun(ref, kept); err != nil {
		return provider.Outcome{}, provider.NotSent(err)
	}
	out, err := a.confirm(ctx, pay.Payment{ID: o.Payment.ID, Ref: ref, State: pay.Created, Amount: o.Payment.Amount, Meta: kept}, otpRequest{})
	out.Meta = kept
	return out, err
}

// awaits says that a code was sent.
func (a *account) awaits(got charged, ref string, kept []byte) provider.Outcome {
	return provider.Outcome{
		State: pay.Created, Ref: ref, Card: card(got.CardPAN, got.PS), Meta: kept,
		Needs: provider.Next{Kind: "otp", PhoneMasked: phoneTail(string(got.Phone)), ExpiresAt: a.env.Now().Add(codeLife)},
	}
}

// ConfirmCharge hands over the code.
func (a *account) ConfirmCharge(ctx context.Context, p pay.Payment, code string) (provider.Outcome, error) {
	all := false // never less than was asked for
	return a.confirm(ctx, p, otpRequest{OTP: code, DebitAvailable: &all})
}

// confirm debits or blocks the money. A payment that Multicard says was confirmed before is read.
func (a *account) confirm(ctx context.Context, p pay.Payment, req otpRequest) (provider.Outcome, error) {
	id := metaOf(p).Hold
	if id > 0 {
		var got holdModel
		if err := a.client.call(ctx, http.MethodPut, "/payment/hold/"+strconv.FormatInt(id, 10), req, &got); err != nil {
			return a.unconfirmed(ctx, p, err)
		}
		return got.outcome(p, a.env.Now())
	}
	var got paymentModel
	if err := a.about(ctx, http.MethodPut, p.Ref, "", req, &got); err != nil {
		return a.unconfirmed(ctx, p, err)
	}
	if err := got.ours(p); err != nil {
		return provider.Outcome{}, err
	}
	o, err := final(got.outcome(pay.Created))
	if err == nil && o.State == pay.Paid {
		o.Saved = a.kept(ctx, p, got.CardToken)
	}
	return o, err
}

// ours checks that an answer is about p. Whatever it names must be p's own: somebody else's hold,
// or somebody else's money, tells nothing of ours.
func (m *paymentModel) ours(p pay.Payment) error {
	if m.UUID != "" && p.Ref != "" && string(m.UUID) != p.Ref || m.StoreInvoiceID != "" && p.ID != "" && string(m.StoreInvoiceID) != p.ID {
		return unclear("Multicard's answer is about another payment")
	}
	return nil
}

// final turns "not decided yet" into "not known": the payment is to be read again.
func final(o provider.Outcome) (provider.Outcome, error) {
	if o.State == pay.Created {
		return o, unclear("the debit is not decided: " + o.Note)
	}
	if o.State == pay.Failed {
		o.Reason = reasonOf(o.Code)
	}
	return counted(o)
}

// counted makes a yes without a sum one that is not known: nobody has said that it is all of it.
func counted(o provider.Outcome) (provider.Outcome, error) {
	if (o.State == pay.Paid || o.State == pay.Held) && o.Amount == 0 {
		return o, unclear("Multicard does not say how much it took")
	}
	return o, nil
}

// reasonOf reads the processing network's response codes.
func reasonOf(code string) string {
	switch code {
	case "51":
		return pay.DeclineFunds
	case "62":
		return pay.DeclineBlocked
	}
	return pay.DeclineOther
}

func (a *account) unconfirmed(ctx context.Context, p pay.Payment, err error) (provider.Outcome, error) {
	switch codeOf(err) {
	case "ERROR_WRONG_OTP":
		return provider.Outcome{State: pay.Created, Reason: pay.DeclineWrongCode, Code: codeOf(err), Note: messageOf(err)}, nil
	case codeLate:
		return provider.Outcome{State: pay.Created, Reason: pay.DeclineCodeLate, Code: codeOf(err), Note: messageOf(err)}, nil
	case codeFields, codeNotReady, "ERROR_PAYMENT_APPLIED":
		r, readErr := a.Inquire(ctx, provider.Question{Ref: p.Ref, PaymentID: p.ID, Payment: p, SentAt: p.AskedAt})
		if readErr == nil && r.Found && r.Outcome.State == pay.Created && r.Outcome.Note == "" {
			return provider.Outcome{}, err // it was never confirmed: the refusal is the answer
		}
		if readErr != nil || !r.Found {
			return provider.Outcome{}, unclear("whether it was confirmed before cannot be read: " + messageOf(err))
		}
		return final(r.Outcome)
	}
	return declinedBy(err)
}

// declines are the refusals that concern the card and not the request.
var declines = map[string]string{
	"ERROR_CARD_NOT_FOUND":     pay.DeclineCard,
	"CARD_NOT_SUPPORTED":       pay.DeclineCard,
	"ERROR_CARD_SMS":           pay.DeclineSMS,
	"ERROR_INSUFFICIENT_FUNDS": pay.DeclineFunds,
	"ERROR_CARD_EXPIRED":       pay.DeclineCard,
}

func declinedBy(err error) (provider.Outcome, error) {
	if reason, ok := declines[codeOf(err)]; ok {
		return provider.Outcome{State: pay.Failed, Reason: reason, Code: codeOf(err), Note: messageOf(err)}, nil
	}
	return provider.Outcome{}, tooSoon(err)
}

func unclear(what string) error {
	return &provider.Error{Kind: provider.KindUnavailable, Err: errors.New(what)}
}

// ─── Holds ─────────────────────────────────────────────────────────────────────────────────

// ours checks that an answer is about p's hold.
func (h *holdModel) ours(p pay.Payment) error {
	if id := metaOf(p).Hold; id > 0 && h.ID != 0 && int64(h.ID) != id {
		return unclear("Multicard's answer is about another hold")
	}
	return h.Payment.ours(p)
}

// outcome is p's hold in our words. A hold that is neither is to be read by its payment.
func (h *holdModel) outcome(p pay.Payment, now time.Time) (provider.Outcome, error) {
	if err := h.ours(p); err != nil {
		return provider.Outcome{}, err
	}
	o := provider.Outcome{
		Ref: p.Ref, At: now, Amount: pay.Tiyin(h.Payment.PaymentAmount), Card: card(h.Payment.CardPAN, h.Payment.PS),
		HoldUntil: localTime(h.Expiry), Code: clip(string(h.Status), 64),
	}
	switch h.Status {
	case "active":
		o.State = pay.Held
		return final(o)
	case statusCanceled, statusCancelled, "released", "expired":
		o.State = pay.Cancelled
		if p.State == pay.Held {
			o.Reason = pay.DeclineHoldOver
		}
	case statusError:
		o = h.Payment.outcome(p.State)
		o.State, o.Reason = pay.Failed, reasonOf(o.Code)
	default:
		return final(h.Payment.outcome(p.State))
	}
	return o, nil
}

// CanCapture: all of it or a part.
func (a *account) CanCapture(pay.Payment, pay.Tiyin) error { return nil }

// Capture takes amount of what is held; Multicard releases the rest.
func (a *account) Capture(ctx context.Context, p pay.Payment, amount pay.Tiyin) (provider.Outcome, error) {
	var got paymentModel
	err := a.client.call(ctx, http.MethodPut, a.holdPath(p)+"/charge", map[string]any{"amount": amount}, &got)
	if err != nil {
		return a.unended(ctx, p, err)
	}
	if err := got.ours(p); err != nil {
		return provider.Outcome{}, err
	}
	return final(got.outcome(p.State)) // another sum than amount goes before a person
}

// Release gives it back.
func (a *account) Release(ctx context.Context, p pay.Payment) (provider.Outcome, error) {
	var got holdModel
	if err := a.client.call(ctx, http.MethodDelete, a.holdPath(p), struct{}{}, &got); err != nil {
		return a.unended(ctx, p, err)
	}
	o, err := got.outcome(p, a.env.Now())
	o.Reason = ""
	return o, err
}

func (a *account) holdPath(p pay.Payment) string {
	if id := metaOf(p).Hold; id > 0 {
		return "/payment/hold/" + strconv.FormatInt(id, 10)
	}
	return "/payment/hold/" + url.PathEscape(p.Ref) // the documentation's own reading of the path
}

// unended reads a hold whose end was refused: it may have ended before.
func (a *account) unended(ctx context.Context, p pay.Payment, err error) (provider.Outcome, error) {
	e, ok := errors.AsType[*provider.Error](err)
	if !ok || e.Kind != provider.KindInvalid {
		return provider.Outcome{}, err
	}
	o, found, readErr := a.readHold(ctx, p)
	if readErr != nil || !found {
		return provider.Outcome{}, unclear("the hold's end was refused, and the hold cannot be read: " + e.Message)
	}
	if o.State == pay.Held {
		o.Reason, o.Code, o.Note = pay.DeclineOther, e.Code, e.Message
	}
	return o, nil
}

// readHold reads a hold, and the payment that it became where it was captured.
func (a *account) readHold(ctx context.Context, p pay.Payment) (o provider.Outcome, found bool, err error) {
	var got holdModel
	if err := a.client.call(ctx, http.MethodGet, a.holdPath(p), nil, &got); err != nil {
		if codeOf(err) == codeNotFound {
			return o, false, nil
		}
		return o, false, err
	}
	if err := got.ours(p); err != nil {
		return o, false, err
	}
	if got.Status == statusDraft {
		return a.neverConfirmed(p, provider.Outcome{State: pay.Created}), true, nil
	}
	o, err = got.outcome(p, a.env.Now())
	return o, err == nil, err
}

// landed is how long after it was sent a call may still arrive.
const landed = 10 * time.Minute

// neverConfirmed reads a draft whose charge or confirmation was never answered. As long as the call
// may still land nothing is known. After that it never did, and since nobody but us confirms it,
// no money can move by it any more.
func (a *account) neverConfirmed(p pay.Payment, o provider.Outcome) provider.Outcome {
	asked := p.Asked == pay.AskedCharge || p.Asked == pay.AskedConfirm
	if !asked || p.AskedAt.IsZero() || a.env.Now().Sub(p.AskedAt) < landed {
		return o
	}
	o.State, o.Note = pay.Failed, "it was never confirmed at Multicard"
	switch {
	case p.Asked == pay.AskedConfirm:
		o.Reason = pay.DeclineCodeLate
	case p.Way == pay.WayCard:
		o.Reason = pay.DeclineCardAgain
	default:
		o.Reason = pay.DeclineUnreached
	}
	return o
}
