package httpapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chorsu/chorsu/internal/pay"
)

// event is the body of a webhook, as the document shows it. The gateway writes it, once, when
// the state changes.
type event struct {
	ID              string            `json:"id" format:"uuid" doc:"Of the invoice. It is the same in every event of an invoice: to tell events apart, use eventId"`
	Source          string            `json:"source" example:"marketplace"`
	BusinessID      string            `json:"businessId" example:"biz_42"`
	SourceInvoiceID string            `json:"sourceInvoiceId" example:"order_123"`
	Amount          pay.Tiyin         `json:"amount" doc:"Of the invoice, in tiyin" example:"5000000"`
	Currency        string            `json:"currency" enum:"UZS"`
	Status          string            `json:"status" enum:"held,paid,refunded,failed,cancelled" example:"paid"`
	ProviderUUID    *string           `json:"providerUuid" doc:"The provider's own id of the payment"`
	PaidAt          moment            `json:"paidAt"`
	Card            maybe[card]       `json:"card"`
	ReceiptURL      *string           `json:"receiptUrl"`
	EventID         string            `json:"eventId" format:"uuid" doc:"Of the event; the same in every try"`
	Event           string            `json:"event" enum:"invoice.updated,refund.updated"`
	Sequence        int64             `json:"sequence" doc:"Grows over all events of one order"`
	OccurredAt      moment            `json:"occurredAt" nullable:"false"`
	Provider        *string           `json:"provider" example:"click"`
	CapturedAmount  pay.Tiyin         `json:"capturedAmount" doc:"What was really taken, in tiyin"`
	RefundedAmount  pay.Tiyin         `json:"refundedAmount" doc:"What was returned so far, in tiyin"`
	Refund          *eventRefund      `json:"refund,omitempty" doc:"In refund.updated: which part was returned"`
	Metadata        map[string]string `json:"metadata,omitempty"`
}

type eventRefund struct {
	ID     string    `json:"id" format:"uuid"`
	Amount pay.Tiyin `json:"amount" doc:"In tiyin"`
	Status string    `json:"status" enum:"pending,succeeded,failed"`
}

// payoutEvent is the body of a webhook about a payout.
type payoutEvent struct {
	ID             string      `json:"id" format:"uuid" doc:"Of the payout"`
	Source         string      `json:"source" example:"marketplace"`
	BusinessID     string      `json:"businessId" example:"biz_42"`
	SourcePayoutID string      `json:"sourcePayoutId" example:"payout_981"`
	Amount         pay.Tiyin   `json:"amount" doc:"In tiyin" example:"5000000"`
	Currency       string      `json:"currency" enum:"UZS"`
	Status         string      `json:"status" enum:"succeeded,failed" example:"succeeded"`
	Reason         *string     `json:"reason" doc:"Why it failed, as in the payout's failure" example:"card_invalid"`
	Provider       string      `json:"provider" example:"multicard"`
	ProviderUUID   *string     `json:"providerUuid" doc:"The provider's own id of the payout"`
	DoneAt         moment      `json:"doneAt"`
	Card           maybe[card] `json:"card"`
	ReceiptURL     *string     `json:"receiptUrl"`
	EventID        string      `json:"eventId" format:"uuid" doc:"Of the event; the same in every try"`
	Event          string      `json:"event" enum:"payout.updated"`
	Sequence       int64       `json:"sequence" doc:"Grows over the events of one payout"`
	OccurredAt     moment      `json:"occurredAt" nullable:"false"`
}

func (s *server) webhooks(reg huma.Registry) map[string]*huma.PathItem {
	return map[string]*huma.PathItem{
		pay.EventInvoiceUpdated: {Post: s.webhook(pay.EventInvoiceUpdated, "An invoice became held, paid, refunded, failed or cancelled", schemaOf[event](reg))},
		pay.EventRefundUpdated:  {Post: s.webhook(pay.EventRefundUpdated, "A part of an invoice's money was returned, where the merchant's option refundEvents is on", schemaOf[event](reg))},
		pay.EventPayoutUpdated:  {Post: s.webhook(pay.EventPayoutUpdated, "A payout succeeded or failed", schemaOf[payoutEvent](reg))},
	}
}

const webhookWords = "Sent to the `notifyUrl` of the invoice or the payout. Answer 2xx within 10 seconds; anything else, a redirect too, is tried again after 1, 2, 4, 8 and 16 seconds, and then more slowly for two days. Every try has the same bytes and the same event id. Events of one order, and those of one payout, arrive in their order.\n\n" +
	"**Verify the raw body**, not the parsed JSON, by either scheme: `X-Payment-Signature` is `sha256=` and the hex HMAC-SHA256 of the body under the whole text of WEBHOOK_SIGNING_SECRET; `webhook-signature` follows Standard Webhooks (standardwebhooks.com). **Be idempotent** by `X-Payment-Event-Id`: the body's `id` is the invoice's, and equal in its `paid` and its `refunded` event."

func (s *server) webhook(name, summary string, body *huma.Schema) *huma.Operation {
	header := func(name, words string, schema *huma.Schema) *huma.Param {
		schema.Type = huma.TypeString
		return &huma.Param{Name: name, In: "header", Required: true, Description: words, Schema: schema}
	}
	return &huma.Operation{
		Method: http.MethodPost, OperationID: "on." + name, Summary: summary, Description: webhookWords,
		Security: []map[string][]string{},
		Parameters: []*huma.Param{
			header("X-Payment-Signature", "sha256=<hex>", &huma.Schema{Pattern: "^sha256=[0-9a-f]{64}$"}),
			header("X-Payment-Event", "What happened", &huma.Schema{Enum: []any{name}}),
			header("X-Payment-Id", "The invoice's id, or the payout's", &huma.Schema{Format: "uuid"}),
			header("X-Payment-Event-Id", "The event's id", &huma.Schema{Format: "uuid"}),
			header("webhook-id", "The event's id again", &huma.Schema{}),
			header("webhook-timestamp", "When this try was sent, in seconds since 1970", &huma.Schema{Pattern: "^[0-9]+$"}),
			header("webhook-signature", "v1,<base64>; several, parted by spaces, while secrets are rotated", &huma.Schema{}),
		},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: body}}},
		Responses:   map[string]*huma.Response{"2XX": {Description: "You have it."}},
	}
}
