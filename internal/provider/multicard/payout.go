package multicard

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Payouts to cards. The money comes from the application's deposit. Multicard knows ours by our
// payout's id, takes no key against repeats, and has no look-up by that id but its history.

// unnamed is how much Multicard sends to somebody it was not told of: 10 million soum.
const unnamed pay.Tiyin = 1_000_000_000

type creditRequest struct {
	Card        map[string]string `json:"card"` // pan or token
	Amount      pay.Tiyin         `json:"amount"`
	StoreID     any               `json:"store_id"`
	InvoiceID   string            `json:"invoice_id"` // our payout's id
	Confirmable bool              `json:"confirmable"`
	KYC         *kycData          `json:"kyc_data,omitempty"`
}

type kycData struct {
	LastName       string `json:"last_name"`
	FirstName      string `json:"first_name"`
	MiddleName     string `json:"middle_name,omitempty"`
	Passport       string `json:"passport"`
	PINFL          string `json:"pinfl"`
	BirthDate      string `json:"dob"`
	PassportExpiry string `json:"passport_expiry_date"`
}

// creditModel is a payout, as far as we read it: not what was told of the person.
type creditModel struct {
	UUID           text  `json:"uuid"`
	StoreInvoiceID text  `json:"store_invoice_id"`
	Status         text  `json:"status"`
	Amount         whole `json:"payment_amount"`
	CardPAN        text  `json:"card_pan"`
	PS             text  `json:"ps"`
	ReceiptURL     text  `json:"receipt_url"`
	ResponseCode   text  `json:"ps_response_code"`
	ResponseMsg    text  `json:"ps_response_msg"`
	PaymentTime    text  `json:"payment_time"`
}

// CanPayout asks for the person where Multicard does.
func (a *account) CanPayout(o provider.PayoutOrder) error {
	if o.Amount > unnamed && o.Person == nil {
		return invalid("kyc", `"kyc" is required for more than 10 000 000 soʻm through Multicard`)
	}
	return nil
}

// Payout makes a payout: one that waits for ConfirmPayout, or, in one step, one that is sent.
func (a *account) Payout(ctx context.Context, o provider.PayoutOrder) (provider.MoveOutcome, error) {
	req := creditRequest{
		Card: map[string]string{"pan": o.Number}, Amount: o.Amount, StoreID: a.storeID(), InvoiceID: o.PayoutID, Confirmable: o.TwoSteps,
	}
	if o.Token != "" {
		req.Card = map[string]string{"token": o.Token}
	}
	if p := o.Person; p != nil {
		req.KYC = &kycData{p.LastName, p.FirstName, p.MiddleName, p.Passport, p.PINFL, p.BirthDate, p.PassportExpiry}
	}
	var got creditModel
	if err := a.client.call(ctx, http.MethodPost, "/payment/credit", req, &got); err != nil {
		return refusedPayout(err)
	}
	if !uuidShape.MatchString(string(got.UUID)) {
		return provider.MoveOutcome{}, unclear("Multicard's payout has no uuid")
	}
	return got.move(pay.Payout{ID: o.PayoutID, TwoSteps: o.TwoSteps})
}

// payoutRefusals are those that concern this payout and not the merchant's set-up.
var payoutRefusals = map[string]string{
	"ERROR_CARD_NOT_FOUND":     pay.DeclineCard,
	"CARD_NOT_SUPPORTED":       pay.DeclineCard,
	"ERROR_CARD_EXPIRED":       pay.DeclineCard,
	"ERROR_INSUFFICIENT_FUNDS": pay.DeclineOther, // of the deposit: not the card's owner's matter
	codeFields:                 pay.DeclineOther,
}

// refusedPayout tells a refusal of the payout from a fault of the call.
func refusedPayout(err error) (provider.MoveOutcome, error) {
	reason, ok := payoutRefusals[codeOf(err)]
	words := messageOf(err)
	if !ok || codeOf(err) == codeFields && strings.Contains(words, "store_id") {
		return provider.MoveOutcome{}, err
	}
	if codeOf(err) == codeFields && strings.Contains(words, "идентификаци") {
		reason = pay.DeclinePerson
	}
	return provider.MoveOutcome{State: pay.MoveFailed, Reason: reason, Code: codeOf(err), Note: words}, nil
}

// move is the payout in our words; an answer about another one is an error.
func (m *creditModel) move(p pay.Payout) (provider.MoveOutcome, error) {
	ref := string(m.UUID)
	if m.StoreInvoiceID != "" && string(m.StoreInvoiceID) != p.ID || p.Ref != "" && ref != "" && ref != p.Ref {
		return provider.MoveOutcome{}, unclear("Multicard's answer is about another payout")
	}
	o := provider.MoveOutcome{
		State: pay.MoveSent, At: localTime(m.PaymentTime), Amount: pay.Tiyin(m.Amount), Card: card(m.CardPAN, m.PS),
		Code: clip(string(m.ResponseCode), 64), Note: clip(string(m.ResponseMsg), 300),
	}
	if uuidShape.MatchString(ref) {
		o.Ref = ref
	}
	if webURL(string(m.ReceiptURL)) {
		o.ReceiptURL = string(m.ReceiptURL)
	}
	switch m.Status {
	case statusSuccess:
		o.State = pay.MoveSucceeded
	case statusDraft:
		if p.TwoSteps {
			o.State = pay.MoveCreated
		}
	case statusError, statusRevert, statusCanceled, statusCancelled:
		o.State, o.Reason = pay.MoveFailed, pay.DeclineOther
		if m.ResponseCode == "62" {
			o.Reason = pay.DeclineBlocked
		}
		if o.Code == "" {
			o.Code = clip(string(m.Status), 64)
		}
	}
	return o, nil
}

// ConfirmPayout has the payout sent. One that Multicard says was confirmed before is read.
func (a *account) ConfirmPayout(ctx context.Context, p pay.Payout, code string) (provider.MoveOutcome, error) {
	if !uuidShape.MatchString(p.Ref) {
		return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindInvalid, NotSent: true, Message: "the payout has no uuid at Multicard"}
	}
	var got creditModel
	err := a.client.call(ctx, http.MethodPut, "/payment/credit/"+p.Ref, otpRequest{OTP: code}, &got)
	switch codeOf(err) {
	case codeLate:
		return provider.MoveOutcome{State: pay.MoveFailed, Reason: pay.DeclineCodeLate, Code: codeOf(err), Note: messageOf(err)}, nil
	case "ERROR_WRONG_OTP":
		return provider.MoveOutcome{State: pay.MoveCreated, Reason: pay.DeclineWrongCode, Code: codeOf(err), Note: messageOf(err)}, nil
	case codeFields, codeNotReady, codeNotFound, "ERROR_PAYMENT_APPLIED":
		o, found, readErr := a.readPayout(ctx, p)
		switch {
		case readErr != nil || !found:
			return provider.MoveOutcome{}, unclear("whether the payout was confirmed before cannot be read: " + messageOf(err))
		case o.State == pay.MoveCreated: // it was never confirmed: the refusal is the answer
			return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindInvalid, Code: codeOf(err), Message: messageOf(err)}
		}
		return o, nil
	}
	if err != nil {
		return provider.MoveOutcome{}, err
	}
	o, err := got.move(p)
	if err == nil && o.State == pay.MoveCreated {
		return o, unclear("the payout is still a draft after its confirmation")
	}
	return o, err
}

// readPayout asks for a payout by its uuid.
func (a *account) readPayout(ctx context.Context, p pay.Payout) (o provider.MoveOutcome, found bool, err error) {
	var got creditModel
	err = a.client.call(ctx, http.MethodGet, "/payment/credit/"+url.PathEscape(p.Ref), nil, &got)
	switch {
	case codeOf(err) == codeNotFound:
		return o, false, nil
	case err != nil:
		return o, false, err
	case got.Status == "":
		return o, false, unclear("the payout at Multicard has no status")
	}
	o, err = got.move(p)
	return o, err == nil, err
}

// inquirePayout reads a payout, by its uuid or out of the history around the time it was sent.
func (a *account) inquirePayout(ctx context.Context, q provider.Question) (provider.Report, error) {
	p := q.Payout
	if p.Ref == "" {
		ref, err := a.find(ctx, "credit-history", payoutStatuses, p.ID, q.SentAt)
		if err != nil || ref == "" {
			return provider.Report{}, err
		}
		p.Ref = ref
	}
	o, found, err := a.readPayout(ctx, p)
	return provider.Report{Found: found, Move: o}, err
}

// payoutStatuses are in the order of a payout's life: one that moves on while the lists are read is
// in a list that is still to be read.
var payoutStatuses = []string{statusDraft, statusProgress, statusBilling, statusSuccess, statusError, statusRevert}

// history reads a page of the register's payments ("history") or payouts ("credit-history", which
// wants a status).
func (a *account) history(ctx context.Context, list, status string, from, to time.Time, offset, limit int) (registerAnswer, error) {
	q := url.Values{
		"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)},
		"start_date": {from.In(provider.Tashkent).Format(time.DateTime)},
		"end_date":   {to.In(provider.Tashkent).Format(time.DateTime)},
	}
	if status != "" {
		q.Set("only_status", status)
	}
	var got registerAnswer
	err := a.client.call(ctx, http.MethodGet, "/payment/store/"+a.store+"/"+list+"?"+q.Encode(), nil, &got)
	return got, err
}

var _ provider.Payer = (*account)(nil)
