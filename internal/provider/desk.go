package provider

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// CallbackServer answers the provider's own calls in the provider's own dialect. The body is
// at most 64 KiB: reading more fails. No API key is asked: the dialect's own proof is checked
// here, in constant time, before the desk is used.
type CallbackServer interface {
	ServeCallback(w http.ResponseWriter, r *http.Request, d Desk)
}

// Router is implemented by the Provider (not the account) of a company whose messages name the
// merchant, so that one address may serve all of them. It trusts nothing: the account that is
// found checks the proof.
type Router interface {
	RouteField() string                                         // the credential that names the merchant: serviceId, storeId
	Route(r *http.Request, body []byte) (value string, ok bool) // its value in this message
}

// Desk is what a callback may do. It belongs to one merchant, and sees the invoices of that
// merchant's business whose Provider is empty or its own; nobody else's.
//
// Each method is one transaction. A repeat is never an error: Result.Again is set, Payment is
// in whatever state it now has, nothing is written, and the adapter words it in its dialect.
// A refusal is a Refusal; any other error means that we could not tell (database down, say)
// and must be worded as "come back later".
//
// Checks run in the order found, payable, busy, amount; an adapter that must answer otherwise
// reorders by looking first.
type Desk interface {
	// Check finds the invoice that an account names (its id or pay number) and says whether
	// that amount could be paid now. It writes nothing.
	Check(ctx context.Context, account string, amount pay.Tiyin) (pay.Invoice, error)

	// Find is Check without the amount and without the question whether it can be paid: the
	// invoice as it stands, and its live or newest open payment, if any. It writes nothing.
	Find(ctx context.Context, account string) (pay.Invoice, *pay.Payment, error)

	// Open begins an attempt under the provider's own id o.Ref.
	Open(ctx context.Context, o OpenOrder) (Result, error)

	// Confirm says that the money was taken. For a Cancelled or Failed payment the result is
	// Again with that state; an alarm stands if the buyer was debited.
	Confirm(ctx context.Context, k Key, p Proof) (Result, error)

	// Cancel gives up a created attempt (cancelled), or returns a paid one (refunded).
	Cancel(ctx context.Context, k Key, c CancelOrder) (Result, error)

	// Payment reads one attempt by the provider's id. It writes nothing and expires nothing.
	Payment(ctx context.Context, ref string) (pay.Payment, error)

	// Statement lists attempts by TheirTime, ascending, both ends included: 50,000 at most. More of
	// them are an error, and no part of the list is given.
	Statement(ctx context.Context, from, to time.Time) ([]pay.Payment, error)

	// Receipt keeps a fiscal receipt that the provider reports.
	Receipt(ctx context.Context, k Key, r pay.Receipt) (Result, error)

	// Alarm puts before a person what does not fit our book (Click's error for a payment that
	// is paid, say). It changes no state.
	Alarm(ctx context.Context, k Key, kind pay.Attention, message string) error
}

// Key names an attempt by the provider's id, or by ours where the message carries it; then the
// provider's id is learned.
type Key struct{ Ref, PaymentID string }

// OpenOrder is what a provider says when an attempt begins.
//
// Until ExpiresAt the attempt protects its invoice from being cancelled, expired or moved.
// Then it becomes OnExpiry by the provider's rule; with OnExpiry "" it only stops protecting,
// and is still taken while its invoice can be paid.
type OpenOrder struct {
	Account, Ref string
	Amount       pay.Tiyin
	TheirTime    time.Time
	ExpiresAt    time.Time // Payme: TheirTime + 12 h; Click, Uzum: now + 30 min
	OnExpiry     pay.State // Payme: cancelled; Uzum: failed; Click: ""
	ExpiryReason string    // kept as the payment's Reason when it lapses (Payme: "4")
	Parallel     bool      // whether another open attempt of the same merchant is no obstacle (Click)
	Meta         []byte
}

// CancelOrder says why an attempt ends.
type CancelOrder struct {
	Reason     string // kept as the payment's Reason
	UnpaidOnly bool   // refuse with NotReversible instead of un-paying (Click: an error never un-pays)
	Note       string // for the timeline

	// Failed: the company closed a created attempt for good without taking money (Multicard's
	// payment in error). It becomes failed instead of cancelled, and so does its invoice where
	// that was made for this provider alone.
	Failed bool
}

// Proof is what a provider says when money was taken.
type Proof struct {
	At         time.Time // when, by the provider; zero: now
	Amount     pay.Tiyin // what it says was taken; 0 where the message does not tell
	Card       pay.Card
	Ref        string // the provider's id, where Key named the attempt by ours
	ReceiptURL string
	Meta       []byte
	Returns    bool // a refusal of this very message has the provider give the money back
}

// Result is a payment after a call of the desk. Again: the call repeated what was done before
// and nothing was written.
type Result struct {
	Payment pay.Payment
	Invoice pay.Invoice
	Again   bool
}

// Refusal is why a desk would not do what was asked: one of a closed list, which each
// provider's errors.go maps to its own codes.
type Refusal string

// The refusals.
const (
	NoAccount     Refusal = "no_account"     // no such invoice, or not this merchant's
	NoPayment     Refusal = "no_payment"     // no attempt under that id
	WrongAmount   Refusal = "wrong_amount"   // not the invoice's amount
	TooSmall      Refusal = "too_small"      // below what the provider or we allow
	TooLarge      Refusal = "too_large"      // above it
	AlreadyPaid   Refusal = "paid"           // the invoice is paid, held or refunded
	Closed        Refusal = "closed"         // the invoice is cancelled, failed, or made for another provider
	Cancelled     Refusal = "cancelled"      // the attempt is cancelled or failed
	Expired       Refusal = "expired"        // the attempt, or the invoice, is past its time
	Busy          Refusal = "busy"           // another attempt holds the invoice, or its outcome is unknown
	NotReversible Refusal = "not_reversible" // what is paid may not be un-paid this way
	Unavailable   Refusal = "unavailable"    // the merchant takes no new attempt (inactive)
)

// Refusals lists them all, for the exhaustive tests.
var Refusals = []Refusal{
	NoAccount, NoPayment, WrongAmount, TooSmall, TooLarge, AlreadyPaid,
	Closed, Cancelled, Expired, Busy, NotReversible, Unavailable,
}

func (r Refusal) Error() string { return string(r) }

// RefusalOf returns the refusal in err, or "" where err is none.
func RefusalOf(err error) Refusal {
	r, _ := errors.AsType[Refusal](err)
	return r
}

// CardDesk is what a Desk may do beside, for companies that tell us of a card bound on their
// form. Such a word is not believed: it has the form read back.
type CardDesk interface {
	// ReadCard reads back the card whose form the company names by ref. Where there is no such
	// card that waits, nothing is done and nothing is said.
	ReadCard(ctx context.Context, ref string) error
}
