package multicard

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Calls that carry a card's number through us, for which Multicard wants a PCI DSS certificate:
// binding by a code, and what it knows of a card. A number stands in one request and nowhere else.

var (
	numberShape = regexp.MustCompile(`^[0-9]{16,19}$`)
	expiryShape = regexp.MustCompile(`^[0-9]{2}(0[1-9]|1[0-2])$`)
)

// addRequest is POST /payment/card.
type addRequest struct {
	PAN    string `json:"pan"`
	Expiry string `json:"expiry"` // YYMM
	Phone  string `json:"user_phone"`
}

// BindCard has the card's owner sent a code. Multicard's token stands from then on and charges
// nothing until it is confirmed; there is no call that sends another code, so that this one is
// made again.
func (a *account) BindCard(ctx context.Context, o provider.BindOrder) (provider.Binding, error) {
	var m cardModel
	err := a.client.call(ctx, http.MethodPost, "/payment/card", addRequest{PAN: o.Number, Expiry: o.Expiry, Phone: o.Phone}, &m)
	if err != nil {
		return unbound(err)
	}
	if !tokenShape.MatchString(string(m.Token)) {
		return provider.Binding{}, unclear("Multicard's card has no token")
	}
	phone := phoneTail(string(m.Phone))
	if phone == "" {
		phone = phoneTail(o.Phone)
	}
	return provider.Binding{
		Ref: string(m.Token), Card: card(m.PAN, m.PS), PhoneMasked: phone,
		Needs: provider.Next{Kind: "otp", PhoneMasked: phone, ExpiresAt: a.env.Now().Add(codeLife)},
	}, nil
}

// ConfirmCard hands over the code.
func (a *account) ConfirmCard(ctx context.Context, ref, code string) (provider.Binding, error) {
	if !tokenShape.MatchString(ref) {
		return provider.Binding{}, &provider.Error{Kind: provider.KindInvalid, NotSent: true, Message: "the card has no token at Multicard"}
	}
	var m cardModel
	if err := a.client.call(ctx, http.MethodPut, "/payment/card/"+url.PathEscape(ref), otpRequest{OTP: code}, &m); err != nil {
		return unbound(err)
	}
	if m.Status != "active" || m.Token != "" && string(m.Token) != ref {
		return provider.Binding{}, unclear("Multicard's answer is about another card, or one that is not active")
	}
	return provider.Binding{Ref: ref, Token: ref, Card: card(m.PAN, m.PS)}, nil
}

// unbound words a failed binding. No money moves by one.
func unbound(err error) (provider.Binding, error) {
	code := codeOf(err)
	reason := declines[code]
	switch code {
	case "ERROR_WRONG_OTP":
		reason = pay.DeclineWrongCode
	case codeLate:
		reason = pay.DeclineCodeLate
	}
	if reason != "" {
		return provider.Binding{Reason: reason, Code: code, Note: messageOf(err)}, nil
	}
	if e, ok := errors.AsType[*provider.Error](err); ok {
		e.NoMoney = true
	}
	return provider.Binding{}, tooSoon(err)
}

// The limits of its codes, as far as they are told: two minutes between two, and a quota for a
// card whose size and time are nowhere said.
const (
	codeEvery  = 2 * time.Minute
	quotaAfter = time.Hour
)

// CodeEvery is how soon Multicard sends another code for the same card.
func (a *account) CodeEvery() time.Duration { return codeEvery }

// tooSoon words a code that was refused because another was just sent, or too many were. Nothing
// happened, and the caller is told when to come again.
func tooSoon(err error) error {
	switch codeOf(err) {
	case "ERROR_SMS_ALREADY_SENT":
		return &pay.Error{Code: pay.CodeRateLimited, Reason: "too_early", RetryAfter: codeEvery, Message: "a code was just sent to this card's owner; use it, or have another sent in two minutes", Err: err}
	case "ERROR_SMS_TO_MANY":
		return &pay.Error{Code: pay.CodeRateLimited, Reason: "too_many_codes", RetryAfter: quotaAfter, Message: "this card's owner was sent too many codes; try again later, or with another card", Err: err}
	}
	return err
}

// bankModel is what GET /payment/card/check/{pan} tells.
type bankModel struct {
	PS     text `json:"ps"`
	Holder text `json:"holder_name"`
	PAN    text `json:"masked_pan"`
	Bank   *struct {
		BIN     text `json:"bin"`
		Name    text `json:"name"`
		Country text `json:"country"`
	} `json:"bank"`
}

// CheckCard tells whose bank's a card is. Its number stands in the address of the call, which is
// why no address of a call is ever logged.
func (a *account) CheckCard(ctx context.Context, number string) (provider.CardReport, error) {
	if !numberShape.MatchString(number) {
		return provider.CardReport{Reason: pay.DeclineCard}, nil
	}
	var m bankModel
	if err := a.client.call(ctx, http.MethodGet, "/payment/card/check/"+number, nil, &m); err != nil {
		if reason := declines[codeOf(err)]; reason != "" {
			return provider.CardReport{Reason: reason, Code: codeOf(err), Note: messageOf(err)}, nil
		}
		return provider.CardReport{}, err
	}
	r := provider.CardReport{Card: card(m.PAN, m.PS), Holder: clip(string(m.Holder), 100)}
	if m.Bank != nil {
		r.Bank, r.BankNumber, r.Country = clip(string(m.Bank.Name), 100), clip(string(m.Bank.BIN), 10), clip(string(m.Bank.Country), 10)
	}
	return r, nil
}

// CheckOwner asks whether a card is a person's. Multicard can tell of Uzcard and Humo only.
func (a *account) CheckOwner(ctx context.Context, number, pinfl string) (*bool, error) {
	var matches *truth
	err := a.client.call(ctx, http.MethodPost, "/payment/card/check-pinfl", map[string]string{"pan": number, "pinfl": pinfl}, &matches)
	if err != nil || matches == nil {
		return nil, err
	}
	yes := bool(*matches)
	return &yes, nil
}

// NumberTerms: a number and its expiry are enough.
func (a *account) NumberTerms() provider.NumberTerms { return provider.NumberTerms{} }

// source is the card in a charge: its token, or its number.
func source(o provider.ChargeOrder) (map[string]string, error) {
	switch {
	case o.Token != "":
		return map[string]string{"token": o.Token}, nil
	case o.Hold:
		return nil, &pay.Error{Code: pay.CodeUnsupported, Reason: "hold_needs_token", Message: "Multicard holds money on a bound card only: POST /api/cards, then pay with card_token"}
	case !numberShape.MatchString(o.Number) || !expiryShape.MatchString(o.Expiry):
		return nil, &provider.Error{Kind: provider.KindInvalid, NotSent: true, Message: "the card's number or its expiry has the wrong form"}
	}
	return map[string]string{"pan": o.Number, "expiry": o.Expiry}, nil
}

// kept is the card that paid, where it was to be kept and Multicard says that it may be charged
// again. What cannot be learned here is no card: the money has moved, and counts.
func (a *account) kept(ctx context.Context, p pay.Payment, token text) *provider.Binding {
	if !p.Save || !tokenShape.MatchString(string(token)) {
		return nil
	}
	var m cardModel
	err := a.client.call(ctx, http.MethodGet, "/payment/card/"+url.PathEscape(string(token)), nil, &m)
	if err != nil || m.Status != "active" || m.Token != token {
		return nil
	}
	return &provider.Binding{Ref: string(token), Token: string(token), Card: card(m.PAN, m.PS), PhoneMasked: phoneTail(string(m.Phone))}
}
