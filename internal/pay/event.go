package pay

import "time"

// The events that an app is told of.
const (
	EventInvoiceUpdated = "invoice.updated"
	EventRefundUpdated  = "refund.updated"
	EventPayoutUpdated  = "payout.updated"
)

// Event is one message to the app. Its body is written once, by the transaction that changed
// the state, so that each try sends the same bytes. Seq orders the events of one order
// (business and SourceInvoiceID), over all its invoices.
type Event struct {
	ID, BusinessID, InvoiceID, SourceInvoiceID string

	Type      string
	Seq       int64
	Body      []byte
	NotifyURL string

	CreatedAt   time.Time
	DeliveredAt time.Time // zero: not yet
	StuckAt     time.Time // when the last fast retry failed; zero: never
	DeadAt      time.Time // when it was given up; zero: never
	Attempts    int
	NextAt      time.Time // not tried again before
}

// Alarm is what needs a person, written by the transaction that found it. It is about an invoice
// (and one of its payments), or about a payout.
type Alarm struct {
	ID, BusinessID, InvoiceID, PaymentID, PayoutID string

	Kind      Attention
	Message   string
	CreatedAt time.Time
	ClosedAt  time.Time
	ClosedBy  string
}
