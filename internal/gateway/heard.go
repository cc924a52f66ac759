package gateway

import (
	"errors"
	"strings"
	"unicode"

	"github.com/chorsu/chorsu/internal/evidence"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// What companies say comes in here before it is stored, shown, logged or told to the app. A byte
// that no database takes must not keep us from writing down that money moved, and a card's number
// must not stand in a text because a company wrote it there.

// The lengths of what is kept, in bytes.
const (
	maxHeardCode = 128
	maxHeardNote = 500
	maxHeardURL  = 2048
)

func heardCode(text string) string { return evidence.Words(text, maxHeardCode) }
func heardNote(text string) string { return evidence.Words(text, maxHeardNote) }

// heardRef keeps a company's id as it is, or not at all: by half of one nothing can be asked.
func heardRef(text string) string {
	if len(text) > maxHeardCode || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return text
}

// heardURL keeps an address as it is, or not at all: half of one leads elsewhere.
func heardURL(text string) string {
	if len(text) > maxHeardURL || strings.ToValidUTF8(text, "") != text || strings.ContainsFunc(text, unicode.IsControl) {
		return ""
	}
	return text
}

// heardCard lets no full number through where a masked one belongs.
func heardCard(c pay.Card) pay.Card {
	var digits []byte
	for i := range len(c.MaskedPAN) {
		if d := c.MaskedPAN[i]; d >= '0' && d <= '9' {
			digits = append(digits, d)
		}
	}
	if n := len(digits); n >= 13 {
		c.MaskedPAN = string(digits[:6]) + "******" + string(digits[n-4:])
	}
	c.MaskedPAN, c.PaymentSystem = heardCode(c.MaskedPAN), heardCode(c.PaymentSystem)
	return c
}

func heardOutcome(o provider.Outcome) provider.Outcome {
	o.Code, o.Note = heardCode(o.Code), heardNote(o.Note)
	return o // its card and its receipt are heard by learn
}

func heardMove(c pay.MoveChange) pay.MoveChange {
	c.Ref, c.Code, c.Note = heardCode(c.Ref), heardCode(c.Code), heardNote(c.Note)
	return c
}

// heardError is err with the company's words made fit; what it wraps can still be asked for.
func heardError(err error) error {
	if _, ok := errors.AsType[*pay.Error](err); ok || err == nil {
		return err // our own words
	}
	e, ok := errors.AsType[*provider.Error](err)
	if !ok {
		return quietError{err}
	}
	quiet := *e
	quiet.Code, quiet.Message, quiet.RequestID = heardCode(e.Code), heardNote(e.Message), heardCode(e.RequestID)
	if e.Err != nil {
		quiet.Err = quietError{e.Err}
	}
	return &quiet
}

// quietError is an error whose text may hold an address or a company's words.
type quietError struct{ err error }

func (e quietError) Error() string { return heardNote(e.err.Error()) }
func (e quietError) Unwrap() error { return e.err }
