package pay

import (
	"fmt"
	"time"
)

// State is where a payment stands. It is stored as this text; the API shows the invoice's
// Status.
type State string

// The states of a payment.
const (
	Created   State = "created"   // known to both sides; no money has moved
	Unknown   State = "unknown"   // asked, and the answer was lost; money may have moved
	Held      State = "held"      // blocked on the card
	Paid      State = "paid"      // taken
	Refunded  State = "refunded"  // all of it returned
	Failed    State = "failed"    // refused by the provider
	Cancelled State = "cancelled" // given up before money was taken
)

// States lists every state, in the order of a payment's life.
var States = []State{Created, Unknown, Held, Paid, Refunded, Failed, Cancelled}

// Live says whether money has, or may have, moved: at most one payment of an invoice is live.
func (s State) Live() bool {
	return s == Unknown || s == Held || s == Paid || s == Refunded
}

// Final says whether nothing can follow s.
func (s State) Final() bool {
	return s == Refunded || s == Failed || s == Cancelled
}

// arrows is the one machine for all ways of paying. The table in docs/payment-states.md
// is made from it.
var arrows = map[State][]State{
	Created: {Unknown, Held, Paid, Failed, Cancelled},
	Unknown: {Held, Paid, Failed, Cancelled},
	Held:    {Paid, Cancelled},
	Paid:    {Refunded},
}

// CanMove says whether there is an arrow from one state to another.
func CanMove(from, to State) bool {
	for _, s := range arrows[from] {
		if s == to {
			return true
		}
	}
	return false
}

// Payment is one attempt to pay an invoice through one provider.
type Payment struct {
	ID, InvoiceID, BusinessID, MerchantID string

	Provider string
	Ref      string // the provider's own id; unique for the merchant; "" until known
	Account  string // how the provider named the invoice: its id or its pay number; "" where we named it

	Amount   Tiyin // what was asked for
	Captured Tiyin // what was taken: less than Amount after a partial capture, 0 until paid
	Refunded Tiyin // what was returned of Captured
	Reserved Tiyin // what refunds under way hold of the rest

	State  State
	Reason string // why it failed or was cancelled: the provider's word or ours

	TheirTime time.Time // the provider's own time of the attempt, where it has one
	ExpiresAt time.Time // when the attempt lapses by the provider's rule; zero: never
	OnExpiry  State     // what a lapsed attempt becomes: Cancelled or Failed; "": it stays, see Lapsed
	LapseNote string    // its Reason then

	// What our own call asks for, where we charge by one.
	Way         Way       // how the buyer pays; "" on a page, a link or in the company's app
	CardID      string    // the bound card, with WayToken; with Save, the one that came of it
	Save        bool      // the buyer wants the card kept
	Asked       Asked     // what was sent to the company and has no answer yet; "": nothing
	AskedAt     time.Time // when
	AskedAmount Tiyin     // of a capture
	Code        string    // the company's own code of a refusal
	CodePhone   string    // where the buyer's code went, masked; the code lives until ExpiresAt
	CodeAt      time.Time // when it was sent
	CodeTries   int       // how many wrong ones came
	HoldUntil   time.Time // when the hold runs out; before it is one: when it would at the latest, where that releases it

	CreatedAt, HeldAt, PaidAt, EndedAt time.Time // told to the provider again, unchanged, when it repeats

	Card       Card
	PageURL    string // the page that the provider made for the buyer, where it made one
	ReceiptURL string
	Fiscal     Fiscal // where the fiscal receipt stands
	Meta       []byte // what only the provider's own folder reads (Click's paydoc id, say)
}

// Way is how a buyer pays by our own call.
type Way string

// The ways.
const (
	WayCard   Way = "card"       // by the card's number, which lives only in the request
	WayToken  Way = "card_token" // by a bound card
	WayWallet Way = "wallet"     // in another company's app, by a link of the acquirer's
	WayQR     Way = "qr"         // by a code that the buyer's telephone shows; Card.Token is the code, sealed, while it is open
)

// Asked is a call of ours that moves money. One at a time: nothing else may be tried on a payment
// until it is known what became of it.
type Asked string

// The calls.
const (
	AskedCharge  Asked = "charge"
	AskedConfirm Asked = "confirm"
	AskedCapture Asked = "capture"
	AskedRelease Asked = "release"
	AskedResend  Asked = "resend" // another code: moves no money
)

// Ask writes down that a call is about to be made.
func (p *Payment) Ask(what Asked, amount Tiyin, at time.Time) error {
	if p.Asked != "" {
		return &Error{Code: CodeConflict, Reason: "payment_in_progress", Message: "the outcome of an earlier call (" + string(p.Asked) + ") is not known yet; ask again later"}
	}
	p.Asked, p.AskedAmount, p.AskedAt = what, amount, at
	return nil
}

// Answered writes down that it was answered, or that somebody has decided.
func (p *Payment) Answered() {
	p.Asked, p.AskedAmount, p.AskedAt = "", 0, time.Time{}
	if p.Way == WayQR {
		p.Card.Token = "" // a buyer's code is not kept beyond its payment
	}
}

// WaitsForCode says whether the buyer has been sent a code that still counts at now.
func (p *Payment) WaitsForCode(now time.Time) bool {
	return p.State == Created && p.Way != "" && p.Asked == "" && !p.ExpiresAt.IsZero() && !p.Lapsed(now)
}

// Card is what may be known of the card or wallet that paid. It never holds a full number.
type Card struct {
	MaskedPAN     string // 860030******5959
	PaymentSystem string // uzcard, humo, visa, …, as the provider says
	Token         string // sealed before it is stored; never returned
}

// Fiscal is where a payment's fiscal receipt stands. A receipt that fails never touches the
// payment.
type Fiscal string

// The states of a fiscal receipt. "" is: nobody here has to do with it.
const (
	FiscalPending Fiscal = "pending" // to be handed to the provider
	FiscalSent    Fiscal = "sent"    // handed over; its link is awaited
	FiscalDone    Fiscal = "done"
	FiscalFailed  Fiscal = "failed" // refused for good: a person must see to it
)

// Change is what is learned or decided about a payment.
type Change struct {
	To     State
	At     time.Time
	Amount Tiyin // what was captured, on Paid; 0 means all of it
	Reason string
}

// Apply moves p along one arrow of the machine. Repeating an arrow that was already taken,
// also one taken on the way to the present state, changes nothing and is not an error. An
// arrow that does not exist is an *Error with CodeConflict, and p is as it was.
func (p *Payment) Apply(c Change) (changed bool, err error) {
	if p.took(c.To) {
		return false, nil
	}
	if !CanMove(p.State, c.To) {
		return false, &Error{Code: CodeConflict, Message: fmt.Sprintf("a payment that is %s cannot become %s", p.State, c.To)}
	}
	switch c.To {
	case Held:
		p.HeldAt = c.At
	case Paid:
		captured := c.Amount
		if captured == 0 {
			captured = p.Amount
		}
		if captured < 0 || captured > p.Amount {
			return false, &Error{Code: CodeInvalid, Field: "amount", Message: fmt.Sprintf("%d tiyin cannot be captured of %d", captured, p.Amount)}
		}
		p.Captured, p.PaidAt = captured, c.At
	case Refunded:
		p.Refunded, p.Reserved, p.EndedAt = p.Captured, 0, c.At
	case Failed, Cancelled:
		p.EndedAt = c.At
	}
	p.State = c.To
	if c.To == Paid || c.To.Final() {
		p.Answered() // whoever told of it, it is known what became of the call
	}
	if c.Reason != "" {
		p.Reason = c.Reason
	}
	return true, nil
}

// took says whether the arrow into s has been taken.
func (p *Payment) took(s State) bool {
	switch {
	case p.State == s:
		return true
	case s == Paid:
		return p.State == Refunded
	case s == Held:
		return !p.HeldAt.IsZero() && (p.State == Paid || p.State == Refunded)
	}
	return false
}

// Lapsed says whether a created attempt is past its provider's time limit at now. Exactly at
// the limit it still stands.
//
// An attempt without OnExpiry has no limit by the company's rule, only by ours: when it has
// lapsed it no longer stands in the way of its invoice, which may be cancelled, expire or move;
// but as long as the invoice is pending it is still confirmed, since the company tells us when
// the buyer's money is taken already (Click).
func (p *Payment) Lapsed(now time.Time) bool {
	return p.State == Created && p.Asked == "" && !p.ExpiresAt.IsZero() && now.After(p.ExpiresAt)
}

// Open says whether the attempt stands in the way of cancelling, expiring or moving its
// invoice at now: the buyer may be debited for it already, or at any moment.
// A created attempt without ExpiresAt was only prepared by us (a hosted page, say) and is no
// obstacle: what was made at the provider is cancelled there. What is held on the way to being
// taken (see Invoice.Follow) is open too.
func (p *Payment) Open(now time.Time) bool {
	return p.State == Unknown || p.State == Held || p.Asked != "" || p.State == Created && !p.ExpiresAt.IsZero() && !p.Lapsed(now)
}

// Left is what can still be returned, beside what is under way.
func (p *Payment) Left() Tiyin {
	return p.Captured - p.Refunded - p.Reserved
}

// AddRefund counts a return that succeeded and was not reserved, or no longer is. When all that
// was captured is returned, p becomes Refunded. More than was captured is a conflict, and p is
// as it was.
func (p *Payment) AddRefund(amount Tiyin, at time.Time) error {
	if p.State != Paid || amount <= 0 || amount > p.Left() {
		return &Error{Code: CodeConflict, Message: fmt.Sprintf("%d tiyin cannot be returned of %d captured and %d returned", amount, p.Captured, p.Refunded)}
	}
	p.Refunded += amount
	if p.Refunded == p.Captured {
		p.State, p.EndedAt = Refunded, at
	}
	return nil
}
