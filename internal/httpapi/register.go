package httpapi

import (
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// What a provider tells of a merchant. It is asked at each request, and kept nowhere.

const asksWords = "422 where the provider has no such call."

type accountView struct {
	ID        string         `json:"id" doc:"The provider's" example:"rhmt_test"`
	Name      *string        `json:"name"`
	Balance   pay.Tiyin      `json:"balance" doc:"What payouts are made from, in tiyin; below zero where the overdraft is used" example:"3464317600"`
	Overdraft pay.Tiyin      `json:"overdraft" doc:"How far below zero it may go, in tiyin"`
	Registers []registerName `json:"registers"`
}

type registerName struct {
	ID    string  `json:"id" example:"6"`
	Title *string `json:"title"`
}

func (s *server) accountView(c *call, _ none) (accountView, error) {
	id, err := c.path("id", "merchant")
	if err != nil {
		return accountView{}, err
	}
	got, err := s.o.Gateway.ViewAccount(c.Context(), id)
	out := accountView{ID: got.ID, Name: orNull(got.Name), Balance: got.Balance, Overdraft: got.Overdraft}
	for _, r := range got.Registers {
		out.Registers = append(out.Registers, registerName{r.ID, orNull(r.Title)})
	}
	return out, err
}

type recipientView struct {
	ID             string  `json:"id" doc:"What a split names it by"`
	TIN            *string `json:"tin"`
	Name           *string `json:"name"`
	BankCode       *string `json:"bankCode" doc:"MFO"`
	Account        *string `json:"account"`
	Address        *string `json:"address"`
	Director       *string `json:"director"`
	VATPayer       bool    `json:"vatPayer"`
	Active         bool    `json:"active" doc:"false: it gets no money"`
	ContractNumber *string `json:"contractNumber"`
	ContractDate   *string `json:"contractDate"`
}

func (s *server) recipientView(c *call, _ none) (recipientView, error) {
	id, err := c.path("id", "merchant")
	if err != nil {
		return recipientView{}, err
	}
	recipient, err := c.path("uuid", "recipient")
	if err != nil {
		return recipientView{}, err
	}
	r, err := s.o.Gateway.ViewRecipient(c.Context(), id, recipient)
	return recipientView{
		ID: r.ID, TIN: orNull(r.TIN), Name: orNull(r.Name), BankCode: orNull(r.BankCode), Account: orNull(r.Account), Address: orNull(r.Address),
		Director: orNull(r.Director), VATPayer: r.VATPayer, Active: r.Active, ContractNumber: orNull(r.ContractNumber), ContractDate: orNull(r.ContractDate),
	}, err
}

type registerQuery struct {
	From   string `json:"from" format:"date-time" doc:"Made at this time or later"`
	To     string `json:"to" format:"date-time" doc:"Made at this time or earlier; at most 31 days after from"`
	Status string `json:"status,omitempty" enum:"pending,paid,refunded,failed" doc:"Only these"`
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"20"`
	Cursor cursor `json:"cursor,omitempty"`
}

type payoutRegisterQuery struct {
	From   string `json:"from" format:"date-time" doc:"Made at this time or later"`
	To     string `json:"to" format:"date-time" doc:"Made at this time or earlier; at most 31 days after from"`
	Status string `json:"status,omitempty" enum:"pending,succeeded,failed" doc:"Only these; default succeeded"`
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"20"`
	Cursor cursor `json:"cursor,omitempty"`
}

type registerRow struct {
	ProviderUUID   string      `json:"providerUuid"`
	Order          *string     `json:"order" doc:"What the provider was given as the order: our payment's or payout's id"`
	Status         string      `json:"status" enum:"pending,held,paid,refunded,failed,cancelled,succeeded" doc:"In our words"`
	ProviderStatus string      `json:"providerStatus" doc:"In the provider's" example:"success"`
	Amount         pay.Tiyin   `json:"amount" doc:"In tiyin"`
	Commission     pay.Tiyin   `json:"commission" doc:"In tiyin"`
	Card           maybe[card] `json:"card"`
	RRN            *string     `json:"rrn"`
	CreatedAt      moment      `json:"createdAt"`
	PaidAt         moment      `json:"paidAt"`
	RefundedAt     moment      `json:"refundedAt"`
}

// standing is a state in the API's words.
func standing(s pay.State, payout bool) string {
	switch {
	case s == pay.Created || s == pay.Unknown:
		return string(pay.StatusPending)
	case s == pay.Paid && payout:
		return pay.MoveSucceeded.Public()
	}
	return string(s)
}

func (s *server) register(c *call, q registerQuery) (list[registerRow], error) {
	return s.registerOf(c, false, gateway.RegisterInput{From: timeOf(q.From), To: timeOf(q.To), Status: stateNamed(q.Status), Page: pageOf(q.Limit, q.Cursor)})
}

func (s *server) payoutRegister(c *call, q payoutRegisterQuery) (list[registerRow], error) {
	return s.registerOf(c, true, gateway.RegisterInput{From: timeOf(q.From), To: timeOf(q.To), Status: stateNamed(q.Status), Page: pageOf(q.Limit, q.Cursor)})
}

func stateNamed(status string) pay.State {
	switch status {
	case "pending":
		return pay.Created
	case "succeeded":
		return pay.Paid
	}
	return pay.State(status)
}

func (s *server) registerOf(c *call, payouts bool, in gateway.RegisterInput) (list[registerRow], error) {
	id, err := c.path("id", "merchant")
	if err != nil {
		return list[registerRow]{}, err
	}
	in.MerchantID, in.Payouts = id, payouts
	got, err := s.o.Gateway.Register(c.Context(), in)
	return listOf(got, func(r provider.RegisterRow) registerRow {
		out := registerRow{
			ProviderUUID: r.Ref, Order: orNull(r.Order), Status: standing(r.State, payouts), ProviderStatus: r.TheirState, Amount: r.Amount, Commission: r.Commission,
			RRN: orNull(r.RRN), CreatedAt: moment(r.CreatedAt), PaidAt: moment(r.PaidAt), RefundedAt: moment(r.RefundedAt),
		}
		if r.Card.MaskedPAN != "" || r.Card.PaymentSystem != "" {
			out.Card.value = &card{PAN: orNull(r.Card.MaskedPAN), PaymentSystem: orNull(r.Card.PaymentSystem)}
		}
		return out
	}), err
}
