package pay

import (
	"fmt"
	"time"
)

// MoveState is where a refund or a payout stands.
type MoveState string

// The states of a refund or payout.
const (
	MoveCreated   MoveState = "created"   // written; waits (for a code, say) before anything is sent
	MoveSent      MoveState = "sent"      // handed to the provider, or about to be
	MoveUnknown   MoveState = "unknown"   // asked, and the answer was lost
	MoveSucceeded MoveState = "succeeded" // the provider says that the money moved
	MoveFailed    MoveState = "failed"    // the provider refused, or it was never sent
)

// MoveStates lists every state, in the order of a move's life.
var MoveStates = []MoveState{MoveCreated, MoveSent, MoveUnknown, MoveSucceeded, MoveFailed}

// Underway says whether the move still holds its amount reserved.
func (s MoveState) Underway() bool {
	return s == MoveCreated || s == MoveSent || s == MoveUnknown
}

// Public is the state as the API shows it: pending, succeeded or failed.
func (s MoveState) Public() string {
	if s.Underway() {
		return "pending"
	}
	return string(s)
}

var moveArrows = map[MoveState][]MoveState{
	MoveCreated: {MoveSent, MoveFailed},
	MoveSent:    {MoveUnknown, MoveSucceeded, MoveFailed},
	MoveUnknown: {MoveSucceeded, MoveFailed},
	MoveFailed:  {MoveSucceeded}, // the provider says so late: success beats failure
}

// CanMoveOn says whether there is an arrow from one move state to another.
func CanMoveOn(from, to MoveState) bool {
	for _, s := range moveArrows[from] {
		if s == to {
			return true
		}
	}
	return false
}

// Refund is the return of a paid payment, whole or in part.
type Refund struct {
	ID, InvoiceID, PaymentID, BusinessID string

	Amount Tiyin
	State  MoveState
	Reason string // why, in the caller's words

	Ref  string // the provider's id of the refund, where it has one
	Code string // the provider's code and words when it refused
	Note string

	Theirs bool   // begun on the provider's side (Payme's cancel after payment, Uzum's reverse)
	Lines  []byte // the caller's ofd, passed on unchanged
	Whole  bool   // all that was captured, in one piece
	Before Tiyin  // what the payment had returned when this was sent: what an inquiry compares with

	CreatedAt, SentAt, DoneAt time.Time
	AcceptedAt                time.Time // when the company said that it works on it; zero: it has not
}

// StartRefund reserves part of a paid payment for return; amount 0 means all that is left.
func (p *Payment) StartRefund(amount Tiyin) (Refund, error) {
	if p.State != Paid {
		return Refund{}, &Error{Code: CodeConflict, Reason: "not_paid", Message: fmt.Sprintf("only a paid payment can be refunded; this one is %s", p.State)}
	}
	left := p.Left()
	if amount == 0 {
		amount = left
	}
	if left <= 0 {
		return Refund{}, &Error{Code: CodeConflict, Reason: "nothing_left", Message: "nothing is left to refund"}
	}
	if amount < 0 || amount > left {
		return Refund{}, &Error{Code: CodeConflict, Reason: "more_than_left", Message: fmt.Sprintf("%d tiyin cannot be refunded: %d are left", amount, left)}
	}
	p.Reserved += amount
	return Refund{
		InvoiceID: p.InvoiceID, PaymentID: p.ID, BusinessID: p.BusinessID,
		Amount: amount, State: MoveSent, Before: p.Refunded, Whole: amount == p.Captured,
	}, nil
}

// MoveChange is what is learned about a refund or payout.
type MoveChange struct {
	To              MoveState
	At              time.Time
	Ref, Code, Note string
}

// Apply moves r along one arrow. A repeat changes nothing; an arrow that does not exist is a
// conflict.
func (r *Refund) Apply(c MoveChange) (changed bool, err error) {
	if r.State == c.To {
		return false, nil
	}
	if !CanMoveOn(r.State, c.To) {
		return false, &Error{Code: CodeConflict, Message: fmt.Sprintf("a refund that is %s cannot become %s", r.State, c.To)}
	}
	r.State = c.To
	r.Code, r.Note = c.Code, c.Note
	if c.Ref != "" {
		r.Ref = c.Ref
	}
	if c.To == MoveSucceeded || c.To == MoveFailed {
		r.DoneAt = c.At
	}
	return true, nil
}

// LateRefund counts a refund as returned that was taken for failed, and so reserves nothing any
// more. Where its amount is not left (another one was made instead), it is a conflict.
func (p *Payment) LateRefund(r Refund, at time.Time) error {
	if p.Left() < r.Amount {
		return &Error{Code: CodeConflict, Message: "more was returned than was taken"}
	}
	return p.AddRefund(r.Amount, at)
}

// EndRefund frees what r reserved of p and, where it succeeded, counts it as returned.
func (p *Payment) EndRefund(r Refund, succeeded bool, at time.Time) error {
	if p.Reserved < r.Amount {
		return &Error{Code: CodeConflict, Message: "a refund ends that is not under way"}
	}
	p.Reserved -= r.Amount
	if !succeeded {
		return nil
	}
	if err := p.AddRefund(r.Amount, at); err != nil {
		p.Reserved += r.Amount
		return err
	}
	return nil
}
