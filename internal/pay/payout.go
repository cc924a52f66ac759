package pay

import (
	"fmt"
	"slices"
	"time"
)

// Payout is money that a business sends to a card. One that takes two steps is first made at the
// company, where it moves nothing (Created), and moves the money when it is confirmed; one of one
// step moves it at once.
type Payout struct {
	ID, BusinessID, MerchantID string

	Source         string // as in Business
	Business       string // Business.Key
	Provider       string
	SourcePayoutID string // the app's own number: money is sent once for each
	Amount         Tiyin

	State    MoveState
	TwoSteps bool
	Unsent   bool // Failed, and it is certain that nothing reached the company: its number is free again

	Ref     string // the company's id; unique for the merchant; "" until known
	CardID  string // the bound card that is paid to; "" for one by number
	Card    Card   // as far as it may be shown
	KYCHash string // an HMAC of what was told of the person, for comparing repeats; "" where nothing was

	Reason    string // why it failed: one of Declines
	Code      string // the company's own code and words
	Note      string
	CodeTries int // how many wrong codes came

	NotifyURL       string // "": the app asks for itself
	NotifyDelivered bool
	ReceiptURL      string

	CreatedAt time.Time
	SentAt    time.Time // when the last call about it was begun
	DoneAt    time.Time
}

// payoutArrows has two arrows more than a refund's: a code that was wrong, or a confirmation that
// never landed, leaves a payout as it was before, since only a confirmation moves its money.
var payoutArrows = map[MoveState][]MoveState{
	MoveCreated: {MoveSent, MoveFailed},
	MoveSent:    {MoveCreated, MoveUnknown, MoveSucceeded, MoveFailed},
	MoveUnknown: {MoveCreated, MoveSucceeded, MoveFailed},
	MoveFailed:  {MoveSucceeded}, // the company says so late: success beats failure
}

// CanPayoutMove says whether there is an arrow from one state of a payout to another. Only one of
// two steps goes back to Created.
func CanPayoutMove(from, to MoveState, twoSteps bool) bool {
	return (to != MoveCreated || twoSteps) && slices.Contains(payoutArrows[from], to)
}

// PayoutChange is what is learned or decided about a payout. Empty fields change nothing, but for
// Reason, Code and Note, which speak of the state that it comes into.
type PayoutChange struct {
	To                 MoveState
	At                 time.Time
	Ref                string
	Reason, Code, Note string
	Card               Card
	ReceiptURL         string
}

// Apply moves p along one arrow. A repeat changes nothing; an arrow that does not exist is a
// conflict, and p is as it was.
func (p *Payout) Apply(c PayoutChange) (changed bool, err error) {
	if p.State == c.To {
		return false, nil
	}
	if !CanPayoutMove(p.State, c.To, p.TwoSteps) {
		return false, &Error{Code: CodeConflict, Message: fmt.Sprintf("a payout that is %s cannot become %s", p.State, c.To)}
	}
	p.State, p.Reason, p.Code, p.Note = c.To, c.Reason, c.Code, c.Note
	p.Learn(c)
	if c.To == MoveSucceeded || c.To == MoveFailed {
		p.DoneAt = c.At
	}
	return true, nil
}

// Learn keeps what a company said of a payout besides its state.
func (p *Payout) Learn(c PayoutChange) {
	if c.Ref != "" {
		p.Ref = c.Ref
	}
	if c.Card.MaskedPAN != "" {
		p.Card.MaskedPAN = c.Card.MaskedPAN
	}
	if c.Card.PaymentSystem != "" {
		p.Card.PaymentSystem = c.Card.PaymentSystem
	}
	if c.ReceiptURL != "" {
		p.ReceiptURL = c.ReceiptURL
	}
}

// Making says whether the company is being asked to make a payout of two steps: until it has
// answered there is nothing to confirm, and no money can move.
func (p *Payout) Making() bool { return p.State == MoveCreated && p.Ref == "" }

// Waits says whether a payout waits for its confirmation.
func (p *Payout) Waits() bool { return p.State == MoveCreated && p.Ref != "" }

// Attention is what a payout shows besides its status.
func (p *Payout) Attention() Attention {
	if p.State == MoveUnknown {
		return AttentionUnknown
	}
	return ""
}

// Person is what a company may have to be told of who is paid. It lives in memory only.
type Person struct {
	LastName, FirstName, MiddleName string
	Passport, PINFL                 string
	BirthDate, PassportExpiry       string // YYYY-MM-DD
}

// String keeps the person out of logs; GoString out of %#v too.
func (Person) String() string   { return "a person" }
func (Person) GoString() string { return "a person" }
