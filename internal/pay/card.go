package pay

import (
	"fmt"
	"slices"
	"time"
)

// CardState is where a bound card stands.
type CardState string

// The states of a bound card.
const (
	CardPending CardState = "pending" // its owner has not confirmed it yet
	CardActive  CardState = "active"  // it can be charged
	CardRevoked CardState = "revoked" // forgotten on somebody's wish; its token is destroyed
	CardFailed  CardState = "failed"  // it was never confirmed
)

// CardStates lists every state, in the order of a card's life.
var CardStates = []CardState{CardPending, CardActive, CardRevoked, CardFailed}

// BoundCard is a card that may be charged again. What charges it is sealed, kept only while it is
// active, and never shown; its number is not kept at all.
type BoundCard struct {
	ID, BusinessID, MerchantID string

	Provider string
	State    CardState
	Ref      string // the company's id of the card, or of its binding
	Sealed   string // the token; "" unless active

	NeedsCode   bool   // charging it takes an SMS code each time
	ByForm      bool   // it is bound on the company's own form, and no code comes to us
	FormURL     string // pending: where that form is
	Card        Card
	Expiry      string // YYMM
	PhoneMasked string
	CodeUntil   time.Time // pending: until when the owner's code counts, or the form is open
	CodeAt      time.Time // when the code was sent
	CodeTries   int       // how many codes were handed over
	Reason      string    // failed: why, one of Declines
	Code        string    // and the company's own code

	CreatedAt, EndedAt time.Time
}

var cardArrows = map[CardState][]CardState{
	CardPending: {CardActive, CardRevoked, CardFailed},
	CardActive:  {CardRevoked},
}

// Move takes c along one arrow. A repeat changes nothing; an arrow that does not exist is a
// conflict. What charges a card does not outlive its being active.
func (c *BoundCard) Move(to CardState, at time.Time) (changed bool, err error) {
	if c.State == to {
		return false, nil
	}
	if !slices.Contains(cardArrows[c.State], to) {
		return false, &Error{Code: CodeConflict, Reason: "card_" + string(c.State), Message: fmt.Sprintf("a card that is %s cannot become %s", c.State, to)}
	}
	c.State, c.CodeUntil, c.FormURL = to, time.Time{}, ""
	if to != CardActive {
		c.Sealed, c.EndedAt = "", at
	}
	return true, nil
}
