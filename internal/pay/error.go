package pay

import (
	"errors"
	"time"
)

// Code says what kind of error it is; httpapi has the one table from codes to HTTP statuses.
type Code string

// The codes.
const (
	CodeInvalid      Code = "invalid"
	CodeUnauthorized Code = "unauthorized"
	CodeForbidden    Code = "forbidden"
	CodeNotFound     Code = "not_found"
	CodeConflict     Code = "conflict"
	CodeTooLarge     Code = "too_large"
	CodeUnsupported  Code = "unsupported" // the provider cannot do this
	CodeRateLimited  Code = "rate_limited"
	CodeUpstream     Code = "upstream" // the provider failed or could not be reached
	CodeInternal     Code = "internal"
)

// Error is the only error type that reaches a caller. Everything else is internal to the
// outside, and logged whole on the inside.
type Error struct {
	Code     Code
	Reason   string   // a finer machine word, "" where there is none
	Message  string   // one sentence, safe to show, that says what to do
	Field    string   // the field at fault, "" where there is none
	Details  []string // all faults of a request, in the order of its fields
	Upstream *Upstream

	RetryAfter time.Duration // with CodeRateLimited: when to try again
	Err        error         // logged, never shown
}

// Upstream is what the provider said, for errors with CodeUpstream.
type Upstream struct {
	Name, Code, Message, RequestID string
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of err: CodeInternal for anything that is not an *Error.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
