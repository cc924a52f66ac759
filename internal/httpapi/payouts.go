package httpapi

import (
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/words"
)

const payoutWords = "Money is sent once for each (source, businessId, sourcePayoutId), also without an Idempotency-Key: the same request again answers 200 with the payout as it stands, another one 409 `differs`. " +
	"By default a payout is made first and sent when you confirm it: `next` is `confirm`. With `confirm` false it is sent at once.\n\n" +
	"`card` takes a number, only with `ACCEPT_CARD_DATA`: it is passed on and never kept. `cardId` is a card that was bound before. " +
	"A refusal is no HTTP error: the payout is `failed` with `failure`, and its number is used up. After 502 nothing was sent, and the same request may be repeated. Where the provider's answer was lost, `attention` is `unknown_outcome` and nothing is sent again."

// payoutProvider is the one that the examples send money by.
func (s *server) payoutProvider() string {
	for _, p := range s.providers {
		if _, ok := p.Account.(provider.Payer); ok {
			return p.Name
		}
	}
	return s.exampleProvider().Name
}

// ─── Sending money ─────────────────────────────────────────────────────────────────────────

type payoutInput struct {
	Source         callersID   `json:"source" doc:"Your app's stable name" example:"marketplace"`
	BusinessID     callersID   `json:"businessId" doc:"Your id of the business" example:"biz_42"`
	Provider       string      `json:"provider" choice:"provider"`
	SourcePayoutID callersID   `json:"sourcePayoutId" doc:"Your number of the payout: money is sent once for each" example:"payout_981"`
	Amount         money       `json:"amount" doc:"In tiyin: 100 tiyin are 1 soum" example:"5000000"`
	Card           *payoutCard `json:"card,omitempty" nullable:"false" doc:"Only where this gateway accepts card data"`
	CardID         string      `json:"cardId,omitempty" format:"uuid" doc:"Instead of card: a bound card of the same business at the same provider"`
	KYC            *person     `json:"kyc,omitempty" nullable:"false" doc:"Who is paid. Multicard wants it above 10 000 000 soʻm. It is passed on and never kept"`
	Confirm        *bool       `json:"confirm,omitempty" doc:"true (the default): it is sent when you confirm it; false: at once"`
	NotifyURL      string      `json:"notifyUrl,omitempty" format:"uri" minLength:"1" maxLength:"2048" check:"notifyUrl" doc:"Where the webhook payout.updated goes; without it, read the payout"`
}

type payoutCard struct {
	Number string `json:"number" minLength:"16" maxLength:"19" check:"card" pattern:"^[0-9]+$" patternDescription:"must consist of digits" doc:"Passed on and never kept"`
}

// person is pay.Person with the document's words.
type person struct {
	LastName       string `json:"lastName" minLength:"1" maxLength:"100" check:"text"`
	FirstName      string `json:"firstName" minLength:"1" maxLength:"100" check:"text"`
	MiddleName     string `json:"middleName,omitempty" maxLength:"100" check:"text"`
	Passport       string `json:"passport" pattern:"^[A-Z]{2}[0-9]{7,8}$" patternDescription:"must be two letters and seven digits" example:"AD2123456"`
	PINFL          string `json:"pinfl" pattern:"^[0-9]{14}$" patternDescription:"must be 14 digits" example:"31105892514010"`
	BirthDate      string `json:"birthDate" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" patternDescription:"must be YYYY-MM-DD" example:"1989-05-11"`
	PassportExpiry string `json:"passportExpiry" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" patternDescription:"must be YYYY-MM-DD" example:"2029-11-17"`
}

// payoutNeeds asks for exactly one card.
func payoutNeeds(f *faults, _ string, n *node) {
	switch byNumber, byID := n.member("card") != nil, n.member("cardId") != nil; {
	case byNumber && byID:
		f.add("cardId", `is not allowed beside "card"`)
	case !byNumber && !byID:
		f.add("card", `is required, or "cardId"`)
	}
}

func (s *server) createPayout(c *call, in payoutInput) (payout, error) {
	order := gateway.PayoutInput{
		Source: string(in.Source), Business: string(in.BusinessID), Provider: in.Provider, SourcePayoutID: string(in.SourcePayoutID),
		Amount: pay.Tiyin(in.Amount), CardID: in.CardID, TwoSteps: in.Confirm == nil || *in.Confirm, NotifyURL: in.NotifyURL,
	}
	same := []any{order.Source, order.Business, order.Provider, order.SourcePayoutID, order.Amount, order.CardID, order.TwoSteps, order.NotifyURL}
	if in.Card != nil {
		order.Number = in.Card.Number
		same = append(same, maskedNumber(in.Card.Number))
	}
	if in.KYC != nil {
		p := pay.Person(*in.KYC)
		order.Person = &p
		same = append(same, *in.KYC)
	}
	got, err := s.o.Gateway.CreatePayout(c.Context(), order, c.idem(same))
	if err != nil {
		return payout{}, err
	}
	return showPayout(saved(c, got)), nil
}

type payoutCode struct {
	Otp string `json:"otp,omitempty" pattern:"^[0-9]{4,8}$" patternDescription:"must be 4 to 8 digits" doc:"Where the provider sent one" example:"112233"`
}

func (s *server) confirmPayout(c *call, in payoutCode) (payout, error) {
	id, err := c.path("id", "payout")
	if err != nil {
		return payout{}, err
	}
	got, err := s.o.Gateway.ConfirmPayout(c.Context(), id, in.Otp, c.idem([]string{id, in.Otp}))
	if err != nil {
		return payout{}, err
	}
	return showPayout(saved(c, got)), nil
}

func (s *server) resendPayout(c *call, _ none) (payout, error) {
	id, err := c.path("id", "payout")
	if err != nil {
		return payout{}, err
	}
	got, err := s.o.Gateway.ResendPayoutCode(c.Context(), id, c.idem(id))
	if err != nil {
		return payout{}, err
	}
	return showPayout(saved(c, got)), nil
}

func (s *server) notifyPayout(c *call, _ none) (payout, error) {
	id, err := c.path("id", "payout")
	if err != nil {
		return payout{}, err
	}
	got, err := s.o.Gateway.NotifyPayout(c.Context(), id, c.idem(id))
	if err != nil {
		return payout{}, err
	}
	return showPayout(saved(c, got)), nil
}

// ─── What is shown ─────────────────────────────────────────────────────────────────────────

type payout struct {
	ID              string               `json:"id" format:"uuid"`
	Source          string               `json:"source" example:"marketplace"`
	BusinessID      string               `json:"businessId" example:"biz_42"`
	Provider        string               `json:"provider" example:"multicard"`
	SourcePayoutID  string               `json:"sourcePayoutId" example:"payout_981"`
	Amount          pay.Tiyin            `json:"amount" doc:"In tiyin" example:"5000000"`
	Currency        string               `json:"currency" enum:"UZS"`
	Status          string               `json:"status" enum:"pending,succeeded,failed" example:"pending"`
	Next            *string              `json:"next" doc:"confirm: nothing is sent until you confirm it, within a day; null: nothing is to be done"`
	Attention       *string              `json:"attention" doc:"unknown_outcome: the provider's answer was lost, and is being asked for; null: nothing"`
	Failure         maybe[payoutFailure] `json:"failure" doc:"Why it failed, or what was wrong with the last code; null where nothing was"`
	CardID          *string              `json:"cardId"`
	Card            maybe[card]          `json:"card" doc:"As far as it may be shown"`
	ProviderUUID    *string              `json:"providerUuid" doc:"The provider's own id of the payout"`
	ReceiptURL      *string              `json:"receiptUrl"`
	NotifyDelivered bool                 `json:"notifyDelivered" doc:"false: the webhook has not reached you yet"`
	CreatedAt       moment               `json:"createdAt" nullable:"false"`
	DoneAt          moment               `json:"doneAt"`
}

// payoutFailure is a refusal, in our words and in the provider's.
type payoutFailure struct {
	Reason          string     `json:"reason" doc:"For programs: card_invalid, card_blocked, identification_needed, otp_expired, wrong_otp, not_confirmed, card_needed_again, provider_unavailable, declined" example:"card_invalid"`
	Message         words.Text `json:"message" doc:"For people, in three languages"`
	ProviderCode    *string    `json:"providerCode" doc:"The provider's own"`
	ProviderMessage *string    `json:"providerMessage"`
}

func showPayout(p pay.Payout) payout {
	out := payout{
		ID: p.ID, Source: p.Source, BusinessID: p.Business, Provider: p.Provider, SourcePayoutID: p.SourcePayoutID,
		Amount: p.Amount, Currency: pay.CurrencyUZS, Status: p.State.Public(), Attention: orNull(string(p.Attention())),
		CardID: orNull(p.CardID), ProviderUUID: orNull(p.Ref), ReceiptURL: orNull(p.ReceiptURL), NotifyDelivered: p.NotifyDelivered,
		CreatedAt: moment(p.CreatedAt), DoneAt: moment(p.DoneAt),
	}
	if p.Waits() {
		next := "confirm"
		out.Next = &next
	}
	if p.Card.MaskedPAN != "" || p.Card.PaymentSystem != "" {
		out.Card.value = &card{PAN: orNull(p.Card.MaskedPAN), PaymentSystem: orNull(p.Card.PaymentSystem)}
	}
	if reason := p.Reason; p.State == pay.MoveFailed || reason != "" {
		if reason == "" {
			reason = pay.DeclineOther
		}
		out.Failure.value = &payoutFailure{Reason: reason, Message: words.Decline(reason), ProviderCode: orNull(p.Code), ProviderMessage: orNull(p.Note)}
	}
	return out
}

// ─── Reading ───────────────────────────────────────────────────────────────────────────────

func (s *server) payout(c *call, _ none) (payout, error) {
	id, err := c.path("id", "payout")
	if err != nil {
		return payout{}, err
	}
	p, err := s.o.Gateway.Payout(c.Context(), id)
	return showPayout(p), err
}

type payoutQuery struct {
	Source         callersID `json:"source,omitempty"`
	BusinessID     callersID `json:"businessId,omitempty"`
	Status         string    `json:"status,omitempty" enum:"pending,succeeded,failed"`
	Provider       string    `json:"provider,omitempty" choice:"provider"`
	SourcePayoutID callersID `json:"sourcePayoutId,omitempty"`
	From           string    `json:"from,omitempty" format:"date-time" doc:"Made at this time or later"`
	To             string    `json:"to,omitempty" format:"date-time" doc:"Made before this time"`
	Limit          int       `json:"limit,omitempty" minimum:"1" maximum:"100" default:"20"`
	Cursor         cursor    `json:"cursor,omitempty"`
}

func (s *server) payouts(c *call, q payoutQuery) (list[payout], error) {
	f := gateway.PayoutFilter{
		Source: string(q.Source), Business: string(q.BusinessID), Status: q.Status, Provider: q.Provider,
		SourcePayoutID: string(q.SourcePayoutID), From: timeOf(q.From), To: timeOf(q.To),
	}
	got, err := s.o.Gateway.Payouts(c.Context(), f, pageOf(q.Limit, q.Cursor))
	return listOf(got, showPayout), err
}

func (s *server) payoutTimeline(c *call, _ none) (all[timelineEntry], error) {
	var out all[timelineEntry]
	id, err := c.path("id", "payout")
	if err != nil {
		return out, err
	}
	list, err := s.o.Gateway.PayoutTimeline(c.Context(), id)
	for _, e := range list {
		out.Items = append(out.Items, showEntry(e))
	}
	return out, err
}
