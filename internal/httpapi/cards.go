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
	case c.State == pay.CardPending && !c.ByForm && c.Ref != "" && !c.CodeUntil.IsZero() && !s.now().After(c.CodeUntil):
		next := "otp"
		out.Next, out.Otp.value = &next, &otp{PhoneMasked: orNull(c.PhoneMasked), ExpiresAt: moment(c.CodeUntil)}
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
	ID        string  `json:"id" format:"uuid"`
	Status    string  `json:"status" enum:"pending,active,revoked,failed"`
	FormURL   *string `json:"formUrl" doc:"Send the card's owner here; null once the card waits no longer" example:"https://checkout.multicard.uz/card/67f8dd24e9800"`
	ExpiresAt moment  `json:"expiresAt" doc:"The form is open until then"`
}

func (s *server) bindForm(c *call, in formInput) (cardForm, error) {
	order := gateway.FormInput{
		Source: string(in.Source), Business: string(in.BusinessID), Provider: in.Provider,
		ReturnURL: in.ReturnURL, ErrorURL: in.ReturnErrorURL, Phone: in.Phone, PINFL: in.Pinfl,
	}
	got, err := s.o.Gateway.BindForm(c.Context(), order, c.idem(order))
	if err != nil {
		return cardForm{}, err
	}
	card := saved(c, got)
	return cardForm{ID: card.ID, Status: string(card.State), FormURL: orNull(card.FormURL), ExpiresAt: moment(card.CodeUntil)}, nil
}

func (s *server) confirmCard(c *call, in otpInput) (boundCard, error) {
	return s.onCard(c, func(id string) (pay.BoundCard, error) {
		got, err := s.o.Gateway.ConfirmCard(c.Context(), id, in.Otp, c.idem([]string{id, in.Otp}))
		return saved(c, got), err
	})
}

const againWords = "Where the card came by its number, that is not kept, and another code takes it again: without it 422 with the reason `card_needed_again`."

type cardAgainInput struct {
	Number string `json:"number,omitempty" minLength:"16" maxLength:"19" check:"card" pattern:"^[0-9]+$" patternDescription:"must consist of digits" doc:"The same card's; passed on and never kept"`
	Expiry string `json:"expiry,omitempty" pattern:"^[0-9]{2}(0[1-9]|1[0-2])$" patternDescription:"must be YYMM" doc:"YYMM" example:"2912"`
	Phone  string `json:"phone,omitempty" pattern:"^998[0-9]{9}$" patternDescription:"must be 12 digits that begin with 998" doc:"The card's own number" example:"998901234567"`
}

func (s *server) resendCardCode(c *call, in cardAgainInput) (boundCard, error) {
	return s.onCard(c, func(id string) (pay.BoundCard, error) {
		same := []string{id, in.Expiry, in.Phone}
		if in.Number != "" {
			same = append(same, maskedNumber(in.Number))
		}
		order := gateway.BindInput{Number: in.Number, Expiry: in.Expiry, Phone: in.Phone}
		got, err := s.o.Gateway.ResendCardCode(c.Context(), id, order, c.idem(same))
		return saved(c, got), err
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

// ─── What an acquirer knows of a card ──────────────────────────────────────────────────────

// checker is the provider that the examples ask about cards.
func (s *server) checker() string {
	for _, p := range s.providers {
		if _, ok := p.Account.(provider.CardChecker); ok {
			return p.Name
		}
	}
	return s.exampleProvider().Name
}

type checkInput struct {
	Source     callersID `json:"source" doc:"Your app's stable name" example:"marketplace"`
	BusinessID callersID `json:"businessId" doc:"Your id of the business" example:"biz_42"`
	Provider   string    `json:"provider" choice:"provider"`
	Number     string    `json:"number" minLength:"16" maxLength:"19" check:"card" pattern:"^[0-9]+$" patternDescription:"must consist of digits" doc:"Passed on and never kept"`
}

// checkedCard is what an acquirer tells of a card.
type checkedCard struct {
	MaskedPan     *string         `json:"maskedPan" example:"986027******1519"`
	PaymentSystem *string         `json:"paymentSystem" example:"humo"`
	HolderName    *string         `json:"holderName" doc:"As the bank writes it; null where it does not tell. Personal: do not keep it"`
	Bank          maybe[cardBank] `json:"bank"`
	Failure       maybe[declined] `json:"failure" doc:"The acquirer does not know the card; null where it does"`
}

type cardBank struct {
	Name    *string `json:"name" example:"Orient Finance Bank"`
	Bin     *string `json:"bin" example:"986027"`
	Country *string `json:"country" doc:"A code of digits" example:"860"`
}

func (s *server) checkCard(c *call, in checkInput) (checkedCard, error) {
	got, err := s.o.Gateway.CheckCard(c.Context(), gateway.CardQuery{
		Source: string(in.Source), Business: string(in.BusinessID), Provider: in.Provider, Number: in.Number,
	})
	if err != nil {
		return checkedCard{}, err
	}
	out := checkedCard{MaskedPan: orNull(got.Card.MaskedPAN), PaymentSystem: orNull(got.Card.PaymentSystem), HolderName: orNull(got.Holder)}
	if got.Bank != "" || got.BankNumber != "" {
		out.Bank.value = &cardBank{orNull(got.Bank), orNull(got.BankNumber), orNull(got.Country)}
	}
	if got.Reason != "" {
		out.Failure.value = &declined{Reason: got.Reason, Message: words.Decline(got.Reason), ProviderCode: orNull(got.Code)}
	}
	return out, nil
}

type ownerInput struct {
	Source     callersID `json:"source" doc:"Your app's stable name" example:"marketplace"`
	BusinessID callersID `json:"businessId" doc:"Your id of the business" example:"biz_42"`
	Provider   string    `json:"provider" choice:"provider"`
	Number     string    `json:"number" minLength:"16" maxLength:"19" check:"card" pattern:"^[0-9]+$" patternDescription:"must consist of digits" doc:"Passed on and never kept"`
	Pinfl      string    `json:"pinfl" pattern:"^[0-9]{14}$" patternDescription:"must be 14 digits" doc:"Passed on and never kept"`
}

// ownership is whether a card is a person's.
type ownership struct {
	Matches *bool `json:"matches" doc:"null: the acquirer cannot tell"`
}

func (s *server) checkOwner(c *call, in ownerInput) (ownership, error) {
	got, err := s.o.Gateway.CheckOwner(c.Context(), gateway.CardQuery{
		Source: string(in.Source), Business: string(in.BusinessID), Provider: in.Provider, Number: in.Number, PINFL: in.Pinfl,
	})
	return ownership{got}, err
}
