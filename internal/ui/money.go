package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/words"
)

// Money writes a sum in the reader's language: "150 000 soʻm", "150 000 сум", "150 000 soum".
func Money(l words.Lang, t pay.Tiyin) string {
	number, _ := strings.CutSuffix(t.Words(), words.Soum.UZ)
	return number + words.Soum.In(l)
}

// Time writes a moment as the clocks of Tashkent show it: "21 noy 2026, 14:02".
func Time(l words.Lang, t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	t = t.In(pay.Tashkent)
	return fmt.Sprintf("%d %s %d, %s", t.Day(), words.Months[t.Month()-1].In(l), t.Year(), t.Format("15:04"))
}

// Stamp is Time with seconds, for tables.
func Stamp(l words.Lang, t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	return Time(l, t) + t.In(pay.Tashkent).Format(":05")
}

// Machine is t for the datetime attribute, in UTC.
func Machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// PayNumber parts the digits in fours, as a person types them.
func PayNumber(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && i%4 == 0 {
			b.WriteRune('\u00a0')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// State is how a page shows where something stands: its sign and its colour. The word beside it
// is the page's.
type State string

// The states.
const (
	Paid      State = "paid"
	Waiting   State = "waiting"
	Held      State = "held"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	Expired   State = "expired"
	Refunded  State = "refunded"
	Unknown   State = "unknown"
)

// States are all of them.
var States = []State{Paid, Waiting, Held, Failed, Cancelled, Expired, Refunded, Unknown}

// StateOf is the state of an invoice. Attention makes one Unknown, unless the book has its money:
// it may have moved.
func StateOf(status pay.Status, attention pay.Attention) State {
	if attention.Doubts(status) {
		return Unknown
	}
	switch status {
	case pay.StatusPending:
		return Waiting
	case pay.StatusHeld:
		return Held
	case pay.StatusPaid:
		return Paid
	case pay.StatusRefunded:
		return Refunded
	case pay.StatusFailed:
		return Failed
	}
	return Cancelled
}

// Word is the state in the reader's language.
func (s State) Word(l words.Lang) string {
	return map[State]words.Text{
		Paid: words.Paid, Waiting: words.Waiting, Held: words.Held, Failed: words.Failed,
		Cancelled: words.Cancelled, Expired: words.Expired, Refunded: words.Refunded, Unknown: words.Unknown,
	}[s].In(l)
}
