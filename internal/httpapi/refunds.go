package httpapi

import (
	"encoding/json"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
)

// ─── Returning money ───────────────────────────────────────────────────────────────────────

type refundInput struct {
	InvoiceID      string  `json:"invoiceId" format:"uuid"`
	Amount         money   `json:"amount,omitempty" doc:"In tiyin; without it, all that is left" example:"2000000"`
	Ofd            []line  `json:"ofd,omitempty" maxItems:"300" check:"refundOfd" doc:"Passed on as it is. Multicard needs it for a part: its documentation wants the lines that remain sold"`
	CardPAN        *string `json:"cardPan,omitempty" minLength:"12" maxLength:"19" check:"card" pattern:"^[0-9]+$" patternDescription:"must consist of digits" doc:"Only with ACCEPT_CARD_DATA; it is passed on and never kept"`
	Reason         string  `json:"reason,omitempty" maxLength:"500" check:"text" doc:"For people" example:"Buyer returned 1 item"`
	IdempotencyKey *string `json:"idempotencyKey,omitempty" minLength:"1" maxLength:"255" pattern:"^[!-~]+$" patternDescription:"must consist of visible ASCII characters" doc:"The same thing as the Idempotency-Key header" example:"refund_order_123_1"`
}

func (s *server) createRefund(c *call, in refundInput) (refund, error) {
	if in.IdempotencyKey != nil {
		if c.key != "" && c.key != *in.IdempotencyKey {
			return refund{}, invalid(fault{"idempotencyKey", `must be the same as the header "Idempotency-Key"`})
		}
		c.key = *in.IdempotencyKey
	}
	order := gateway.RefundInput{InvoiceID: in.InvoiceID, Amount: pay.Tiyin(in.Amount), Reason: in.Reason}
	if in.CardPAN != nil {
		order.CardPAN = *in.CardPAN
	}
	if ofd := c.body.member("ofd"); ofd != nil {
		order.Lines = json.RawMessage(ofd.append(nil)) // as it came: every digit, every order
	}
	got, err := s.o.Gateway.CreateRefund(c.Context(), order, c.idem(order))
	if err != nil {
		return refund{}, err
	}
	return showRefund(saved(c, got)), nil
}

// ─── What is shown ─────────────────────────────────────────────────────────────────────────

type refund struct {
	ID        string         `json:"id" format:"uuid"`
	InvoiceID string         `json:"invoiceId" format:"uuid"`
	Amount    pay.Tiyin      `json:"amount" doc:"In tiyin" example:"2000000"`
	Currency  string         `json:"currency" enum:"UZS"`
	Status    string         `json:"status" enum:"pending,succeeded,failed" example:"succeeded"`
	Attention *string        `json:"attention" doc:"refund_unconfirmed: the provider's answer was lost, and is being asked for; null: nothing"`
	Failure   maybe[failure] `json:"failure" doc:"Why it failed; null where it has not"`
	Reason    *string        `json:"reason" example:"Buyer returned 1 item"`
	By        string         `json:"by" enum:"api,provider" doc:"Who began it: you, or the provider's side"`
	CreatedAt moment         `json:"createdAt" nullable:"false"`
	DoneAt    moment         `json:"doneAt"`
}

// failure is a provider's refusal in its own words.
type failure struct {
	ProviderCode    *string `json:"providerCode"`
	ProviderMessage *string `json:"providerMessage"`
}

func showRefund(r pay.Refund) refund {
	out := refund{
		ID: r.ID, InvoiceID: r.InvoiceID, Amount: r.Amount, Currency: pay.CurrencyUZS, Status: r.State.Public(),
		Reason: orNull(r.Reason), By: "api", CreatedAt: moment(r.CreatedAt), DoneAt: moment(r.DoneAt),
	}
	if r.Theirs {
		out.By = "provider"
	}
	switch r.State {
	case pay.MoveUnknown:
		out.Attention = orNull(string(pay.AttentionRefundUnconfirmed))
	case pay.MoveFailed:
		out.Failure.value = &failure{orNull(r.Code), orNull(r.Note)}
	}
	return out
}

// ─── Reading ───────────────────────────────────────────────────────────────────────────────

func (s *server) refund(c *call, _ none) (refund, error) {
	id, err := c.path("id", "refund")
	if err != nil {
		return refund{}, err
	}
	r, err := s.o.Gateway.Refund(c.Context(), id)
	return showRefund(r), err
}

type refundsQuery struct {
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"20"`
	Cursor cursor `json:"cursor,omitempty"`
}

func (s *server) refundsOf(c *call, q refundsQuery) (list[refund], error) {
	id, err := c.path("invoiceId", "invoice")
	if err != nil {
		return list[refund]{}, err
	}
	got, err := s.o.Gateway.RefundsOf(c.Context(), id, pageOf(q.Limit, q.Cursor))
	return listOf(got, showRefund), err
}
