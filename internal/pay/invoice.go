package pay

import "time"

// Status is where an invoice stands: the six words of the API.
type Status string

// The statuses of an invoice.
const (
	StatusPending   Status = "pending"
	StatusHeld      Status = "held"
	StatusPaid      Status = "paid"
	StatusRefunded  Status = "refunded"
	StatusFailed    Status = "failed"
	StatusCancelled Status = "cancelled"
)

// Statuses lists every status, in the order of an invoice's life.
var Statuses = []Status{StatusPending, StatusHeld, StatusPaid, StatusRefunded, StatusFailed, StatusCancelled}

// Attention says that a person, or a later inquiry, must look at something. "" is nothing.
type Attention string

// The kinds of attention.
const (
	AttentionUnknown           Attention = "unknown_outcome"    // an answer was lost; money may have moved
	AttentionAmount            Attention = "amount_mismatch"    // the provider speaks of another sum than we
	AttentionProvider          Attention = "provider_alert"     // the provider did or said what does not fit our book
	AttentionRefundUnconfirmed Attention = "refund_unconfirmed" // a refund's answer was lost
)

// Doubts says whether, with this attention, it is not decided what became of the buyer's money for
// an invoice that stands at s. Where the book has the money, or has returned it, the attention is
// about something beside that.
func (a Attention) Doubts(s Status) bool {
	return a != "" && s != StatusPaid && s != StatusRefunded
}

// Business is who sells: one account of one app. Every table that grows with payments carries
// its ID, and no transaction spans two of them.
type Business struct {
	ID        string
	Source    string // the app
	Key       string // the app's own id of the business: businessId in the API
	CreatedAt time.Time
}

// Invoice is what a buyer owes a business. Its status follows from its payments.
type Invoice struct {
	ID         string
	BusinessID string
	Source     string // as in Business
	Business   string // Business.Key, kept here because every webhook tells it

	Provider        string // "" = any active one of the business
	SourceInvoiceID string // the app's own number
	PayNumber       string // digits with a check digit, for typing
	Amount          Tiyin
	Status          Status
	Attention       Attention

	TTL        time.Duration // as the caller gave it; 0: the gateway's own
	Capture    string        // "auto", or "manual": a hold
	HoldFor    time.Duration // how long a hold is asked for; 0: the provider's own time
	HoldExpiry string        // what an expired hold becomes: "release" or "capture"

	NotifyURL string
	ReturnURL string
	ErrorURL  string
	Lang      string // uz, ru, en or ""
	Lines     []ReceiptLine
	Split     []SplitPart
	Metadata  map[string]string

	// What the provider made for the buyer, once it is made.
	CheckoutURL string
	Deeplink    string

	CreatedAt, PaidAt, EndedAt, ExpiresAt time.Time
	NotifyDelivered                       bool // whether the newest event has reached the app
}

// SplitPart sends a part of the money to another recipient of the same acquirer.
type SplitPart struct {
	Type      string `json:"type"`
	Amount    Tiyin  `json:"amount"`
	Recipient string `json:"recipient,omitempty"`
	Details   string `json:"details,omitempty"`
}

// Follow sets the invoice's status from its live payment: held, paid and refunded come from
// it; without one, or with an unknown one, the invoice stays pending. An attempt that is
// cancelled or fails does not end its invoice: only End does. Where nobody asked for a hold, one
// is only a step on the way to paid, and the invoice stays pending meanwhile.
func (inv *Invoice) Follow(live *Payment) (changed bool) {
	if live == nil {
		return false
	}
	to := inv.Status
	switch live.State {
	case Held:
		if inv.Capture == "manual" {
			to = StatusHeld
		}
	case Paid:
		to = StatusPaid
		inv.PaidAt = live.PaidAt
	case Refunded:
		to = StatusRefunded
		inv.PaidAt, inv.EndedAt = live.PaidAt, live.EndedAt
	}
	changed = to != inv.Status
	inv.Status = to
	return changed
}

// End closes an invoice that no money was taken for: our own cancel, its expiry, the release
// of a hold, or a provider that closed it for good. It is a conflict for one that is paid or
// refunded; a repeat changes nothing.
func (inv *Invoice) End(to Status, at time.Time) (changed bool, err error) {
	if inv.Status == to {
		return false, nil
	}
	if to != StatusCancelled && to != StatusFailed || inv.Status != StatusPending && inv.Status != StatusHeld {
		return false, &Error{Code: CodeConflict, Message: "an invoice that is " + string(inv.Status) + " cannot become " + string(to)}
	}
	inv.Status, inv.EndedAt = to, at
	return true, nil
}

// Payable says whether a new attempt may be made at now.
func (inv *Invoice) Payable(now time.Time) bool {
	return inv.Status == StatusPending && now.Before(inv.ExpiresAt)
}
