package gateway

import (
	"encoding/json"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// What the use cases take and give. The HTTP API, the hosted page and the staff's pages are
// three ways of calling them.

// Idem is a caller's idempotency key. Request is the decoded request, which a repeat must equal.
// The zero value claims no key.
type Idem struct {
	Key     string
	Request any
}

// Saved is the answer of a use case that writes: the resource as it stands now, and how the
// HTTP API words it. Replayed: the key was known, and nothing was done.
type Saved[T any] struct {
	Value    T
	Status   int // 200 or 201: the first answer's
	Replayed bool
}

// Page asks for a part of a list. Limit is 1 to 100; Cursor is a former List's Next.
type Page struct {
	Limit  int
	Cursor string
}

// List is a part of a list, newest first. Next is "" at its end.
type List[T any] struct {
	Items []T
	Next  string
}

// MerchantInput registers a business at a provider, or changes it there.
type MerchantInput struct {
	Source, Business, Provider string

	Credentials map[string]string
	DisplayName *string
	Active      *bool
	Options     *pay.Options // nil: as they are; else they replace the present ones
	TestKey     *string      // the secret option; nil: as it is

	New bool // only where the business is not at the provider yet: else a conflict, merchant_exists
}

// MerchantPatch changes what is not nil.
type MerchantPatch struct {
	Credentials map[string]string
	DisplayName *string
	Active      *bool
	Options     *pay.Options
	TestKey     *string

	KeepSecrets bool  // secret credentials that are missing or "" stay as they are
	Seen        int64 // the version that the change was thought of at; another one now is a conflict, changed_meanwhile; 0: any
}

// Merchant is a merchant with the address that its provider must call. Its credentials are
// sealed and never shown.
type Merchant struct {
	pay.Merchant
	CallbackURL string
	HasTestKey  bool
}

// InvoiceInput asks a business's buyer for money.
type InvoiceInput struct {
	Source, Business, Provider string // Provider "": the buyer chooses on the hosted page

	SourceInvoiceID string
	Amount          pay.Tiyin
	NotifyURL       string
	ReturnURL       string
	ErrorURL        string
	Lang            string // "", uz, ru, en
	Lines           []pay.ReceiptLine
	TTL             time.Duration // 0: the gateway's INVOICE_TTL
	Capture         string        // "", auto, manual
	HoldFor         time.Duration
	HoldExpiry      string // "", capture, release
	Split           []pay.SplitPart
	Metadata        map[string]string
}

// Invoice is an invoice with the payment that counts: the live one, else the newest, else nil.
type Invoice struct {
	pay.Invoice
	Payment *pay.Payment

	// Open is the attempt that stands in the way of choosing another provider: one that the
	// buyer has begun, or whose outcome is unknown. nil: none.
	Open *pay.Payment
}

// RefundInput asks for the return of a paid invoice's money. Amount 0: all that is left.
type RefundInput struct {
	InvoiceID string
	Amount    pay.Tiyin
	Lines     json.RawMessage // ofd as it came, checked line by line; nil where absent
	CardPAN   string          // only with ACCEPT_CARD_DATA; lives in memory only
	Reason    string

	// Limit is how much may be returned of the payment in all without a second person; 0: any sum.
	// Beyond it the refund is a conflict, above_limit.
	Limit pay.Tiyin

	// Approval is what two persons agreed on, "" where it takes none. It must still stand when the
	// refund is written down.
	Approval string
}

// PayInput charges an invoice by our own call: by a bound card, by a card's number, which lives in
// memory only, through another company's app, or by a code that the buyer's telephone shows.
type PayInput struct {
	InvoiceID             string
	Way                   pay.Way
	Provider              string // who charges, where the invoice leaves it open; "": the first that can
	CardID                string // WayToken
	Number, Expiry, Phone string // WayCard; Expiry is YYMM
	Save                  bool   // WayCard: keep the card
	Wallet                string // WayWallet: the app
	Code                  string // WayQR: what was scanned
	Hosted                bool   // a stranger asks, on the hosted page: tries are counted
}

// String keeps number and code out of logs; GoString out of %#v too.
func (in PayInput) String() string   { return "a payment of invoice " + in.InvoiceID }
func (in PayInput) GoString() string { return in.String() }

// BindInput binds a card by its number, which lives in memory only.
type BindInput struct {
	Source, Business, Provider string
	Number, Expiry, Phone      string
}

// String keeps the number out of logs; GoString out of %#v too.
func (in BindInput) String() string   { return "a card of business " + in.Business }
func (in BindInput) GoString() string { return in.String() }

// FormInput binds a card on the company's own form.
type FormInput struct {
	Source, Business, Provider        string
	ReturnURL, ErrorURL, Phone, PINFL string
}

// CardQuery asks what an acquirer knows of a card. Number lives in memory only. PINFL "": not whose.
type CardQuery struct {
	Source, Business, Provider string
	Number, PINFL              string
}

// String keeps the number out of logs; GoString out of %#v too.
func (q CardQuery) String() string   { return "a card of business " + q.Business }
func (q CardQuery) GoString() string { return q.String() }

// PayoutInput sends money to a card: to a bound one, or to one by its number, which lives in
// memory only, like the person.
type PayoutInput struct {
	Source, Business, Provider string

	SourcePayoutID string
	Amount         pay.Tiyin
	Number, CardID string // one of the two
	Person         *pay.Person
	TwoSteps       bool // made first, and sent when it is confirmed
	NotifyURL      string
}

// String keeps the number out of logs; GoString out of %#v too.
func (in PayoutInput) String() string {
	return "the payout " + in.SourcePayoutID + " of business " + in.Business
}
func (in PayoutInput) GoString() string { return in.String() }

// TimelineEntry is one thing that happened to an invoice, or to a payout.
type TimelineEntry struct {
	At   time.Time
	Kind string // change, message, delivery, alarm

	// change: of an invoice, a payment, a refund or a payout
	What, ID, Was, Now, By, Note string

	// message: redacted traffic with the provider; delivery: one try to tell the app
	Direction, Step, Request, Response string
	Status                             int
	Duration                           time.Duration
	EventID, EventType                 string
	Attempt                            int

	row string // its own id, by which a page of a timeline goes on
}

// Readiness is what /readyz tells.
type Readiness struct {
	OK     bool
	Checks map[string]string // name → "ok" or what is wrong, in words safe to show
}

// MerchantFilter narrows a list of merchants; empty fields do not.
type MerchantFilter struct {
	Source, Business, Provider string
	Active                     *bool
	Order                      Order // "": newest first
}

// PayoutFilter narrows a list of payouts; empty fields do not.
type PayoutFilter struct {
	Source, Business, Provider, SourcePayoutID string

	Status   string    // pending, succeeded or failed
	From, To time.Time // created in [From, To)

	// What staff ask for beside it.
	Loose  bool  // only those with an open alarm
	Untold bool  // only those with a webhook that is stuck
	Order  Order // "": newest first
}

// InvoiceFilter narrows a list of invoices; empty fields do not.
type InvoiceFilter struct {
	Source, Business, Status, Provider, SourceInvoiceID, PayNumber string

	From, To    time.Time // created in [From, To)
	Attention   bool      // only those that need somebody
	Undelivered bool      // only those whose newest event has not reached the app

	// What staff ask for beside it.
	Via    string        // the provider of the payment that counts, or that it was made for
	Kind   pay.Attention // only those that ask for this attention
	Amount pay.Tiyin

	Unreceipted bool      // only those with a fiscal receipt that was refused for good, the newest thousand
	WaitsAt     time.Time // only those of which something waits for a second person then; beside it Unreceipted comes first

	Order Order // "": newest first
}
