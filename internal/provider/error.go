package provider

import (
	"errors"
	"fmt"
)

// Kind says why there is no outcome.
type Kind string

// The kinds.
const (
	KindInvalid     Kind = "invalid"      // the company refuses the request's form: our fault or the credentials'
	KindAuth        Kind = "auth"         // the credentials do not hold
	KindRateLimited Kind = "rate_limited" // asked to slow down; nothing happened
	KindUnavailable Kind = "unavailable"  // no answer, half an answer, or one that says "try later"
)

// Error is returned when there is no outcome. NotSent is set only when it is certain that
// nothing reached the company; then a repeat is safe. Its zero value is the cautious one.
// Kinds Invalid, Auth and RateLimited are answers of the company: nothing happened there.
type Error struct {
	Kind      Kind
	NotSent   bool
	NoMoney   bool   // the call may have arrived, but it is one that moves no money (sending a code)
	Code      string // the company's
	Message   string // the company's
	RequestID string // the company's tracker, where it has one
	Err       error
}

func (e *Error) Error() string {
	s := string(e.Kind)
	if e.Code != "" || e.Message != "" {
		s += fmt.Sprintf(" (%s %s)", e.Code, e.Message)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Harmless says whether it is certain that err moved no money at the company: the call was not
// sent, it is one that moves none, or the company answered that it did nothing. Anything else may
// have happened.
func Harmless(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.NotSent || e.NoMoney || e.Kind == KindInvalid || e.Kind == KindAuth || e.Kind == KindRateLimited)
}

// ErrPuzzled is in an error where the company's answer is well-formed and means nothing that is
// documented. It is asked for again, and a person is told.
var ErrPuzzled = errors.New("the answer means nothing that is documented")
