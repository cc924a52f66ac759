package httpapi

import (
	"net/http"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/words"
)

const cardWords = "Only with `ACCEPT_CARD_DATA`, since the number passes through this gateway: it goes straight to the provider and is never kept or logged. What charges the card later is sealed and never shown. A bank's refusal is no HTTP error: the card is `failed` with `failure`."

// cardProvider is the one that the examples bind cards at.
func (s *server) cardProvider() string {
	for _, p := range s.providers {
		if _, ok := p.Account.(provider.CardBinder); ok {
			return p.Name
		}
	}
	return s.exampleProvider().Name
}

type bindInput struct {
	Source     callersID `json:"source" doc:"Your app's stable name" example:"marketplace"`
	BusinessID callersID `json:"businessId" doc:"Your id of the business" example:"biz_42"`
	Provider   string    `json:"provider" choice:"provider"`
	Number     string    `json:"number" minLength:"16" maxLength:"19" check:"card" pattern:"^[0-9]+$" patternDescription:"must consist of digits" doc:"Passed on and never kept"`
	Expiry     string    `json:"expiry" pattern:"^[0-9]{2}(0[1-9]|1[0-2])$" patternDescription:"must be YYMM" doc:"YYMM" example:"2912"`
	Phone      string    `json:"phone" pattern:"^998[0-9]{9}$" patternDescription:"must be 12 digits that begin with 998" doc:"The card's own number" example:"998901234567"`
}

// boundCard is a card as it may be shown.
type boundCard struct {
	ID            string          `json:"id" format:"uuid"`
	Provider      string          `json:"provider"`
	Status        string          `json:"status" enum:"pending,active,revoked,failed"`
	MaskedPan     *string         `json:"maskedPan" example:"860030******5959"`
	PaymentSystem *string         `json:"paymentSystem" example:"uzcard"`
	Expiry        *string         `json:"expiry" doc:"YYMM" example:"2912"`
	PhoneMasked   *string         `json:"phoneMasked" doc:"Of the card's owner" example:"+99890*****67"`
	NeedsCode     bool            `json:"needsCode" doc:"true: every charge of it takes an SMS code"`
	Next          *string         `json:"next" doc:"otp: its owner was sent a code; null: nothing is to be done"`
	Otp           maybe[otp]      `json:"otp"`
	Failure       maybe[declined] `json:"failure" doc:"Why it could not be bound; null where it could"`
	CreatedAt     moment          `json:"createdAt" nullable:"false"`
}

func (s *server) showCard(c pay.BoundCard) boundCard {
	out := boundCard{
		ID: c.ID, Provider: c.Provider, Status: string(c.State), MaskedPan: orNull(c.Card.MaskedPAN),
		PaymentSystem: orNull(c.Card.PaymentSystem), Expiry: orNull(c.Expiry), PhoneMasked: orNull(c.PhoneMasked),
		NeedsCode: c.NeedsCode, CreatedAt: moment(c.CreatedAt),
	}
	switch {
	case c.State == pay.CardPending && c.PhoneMasked != "" && !c.CodeUntil.IsZero() && !s.now().After(c.CodeUntil):
		next := "otp"
		out.Next, out.Otp.value = &next, &otp{orNull(c.PhoneMasked), moment(c.CodeUntil)}
	case c.State == pay.CardFailed && c.Reason != "":
		out.Failure.value = &declined{Reason: c.Reason, Message: words.Decline(c.Reason), ProviderCode: orNull(c.Code)}
	}
	return out
}

func (s *server) bindCard(c *call, in bindInput) (boundCard, error) {
	order := gateway.BindInput{
		Source: string(in.Source), Business: string(in.BusinessID), Provider: in.Provider,
		Number: in.Number, Expiry: in.Expiry, Phone: in.Phone,
	}
	same := []string{order.Source, order.Business, order.Provider, maskedNumber(in.Number), in.Expiry, in.Phone}
	got, err := s.o.Gateway.BindCard(c.Context(), order, c.idem(same))
	if err != nil {
		return boundCard{}, err
	}
	return s.showCard(saved(c, got)), nil
}

type formInput struct {
	Source         callersID `json:"source" doc:"Your app's stable name" example:"marketplace"`
	BusinessID     callersID `json:"businessId" doc:"Your id of the business" example:"biz_42"`
	Provider       string    `json:"provider" choice:"provider"`
	ReturnURL      string    `json:"returnUrl" format:"uri" minLength:"1" maxLength:"2048" check:"returnUrl" doc:"Where the card's owner comes back to"`
	ReturnErrorURL string    `json:"returnErrorUrl,omitempty" format:"uri" minLength:"1" maxLength:"2048" check:"returnUrl" doc:"The same after a failure; default returnUrl"`
	Phone          string    `json:"phone,omitempty" pattern:"^998[0-9]{9}$" patternDescription:"must be 12 digits that begin with 998" doc:"The card's own number, where the provider must compare it"`
	Pinfl          string    `json:"pinfl,omitempty" pattern:"^[0-9]{14}$" patternDescription:"must be 14 digits" doc:"The card must belong to this person"`
}

// cardForm is a card that is being bound on the provider's form.
type cardForm struct {
	ID        string `json:"id" format:"uuid"`
	Status    string `json:"status" enum:"pending,active,revoked,failed"`
	FormURL   string `json:"formUrl" doc:"Send the card's owner here"`
	ExpiresAt moment `json:"expiresAt" nullable:"false" doc:"The form is open until then"`
}

func (s *server) bindForm(c *call, in formInput) (cardForm, error) {
	got, url, err := s.o.Gateway.BindForm(c.Context(), gateway.FormInput{
		Source: string(in.Source), Business: string(in.BusinessID), Provider: in.Provider,
		ReturnURL: in.ReturnURL, ErrorURL: in.ReturnErrorURL, Phone: in.Phone, PINFL: in.Pinfl,
	})
	if err != nil {
		return cardForm{}, err
	}
	card := saved(c, got)
	return cardForm{ID: card.ID, Status: string(card.State), FormURL: url, ExpiresAt: moment(card.CodeUntil)}, nil
}

func (s *server) confirmCard(c *call, in otpInput) (boundCard, error) {
	return s.onCard(c, func(id string) (pay.BoundCard, error) {
		return s.o.Gateway.ConfirmCard(c.Context(), id, in.Otp)
	})
}

func (s *server) card(c *call, _ none) (boundCard, error) {
	return s.onCard(c, func(id string) (pay.BoundCard, error) { return s.o.Gateway.Card(c.Context(), id) })
}

func (s *server) revokeCard(c *call, _ none) (boundCard, error) {
	return s.onCard(c, func(id string) (pay.BoundCard, error) { return s.o.Gateway.ForgetCard(c.Context(), id) })
}

func (s *server) onCard(c *call, do func(id string) (pay.BoundCard, error)) (boundCard, error) {
	id, err := c.path("id", "card")
	if err != nil {
		return boundCard{}, err
	}
	got, err := do(id)
	if err != nil {
		return boundCard{}, err
	}
	c.status = http.StatusOK
	return s.showCard(got), nil
}
