// Package terminal is the contract between the till's agent and a card terminal (pinpad).
//
// A driver is a folder below this one that speaks one wire. It keeps nothing: what was asked and
// what came of it stands in the agent's journal, which the driver tells at the two moments that
// decide about money, by Progress. Unknown is an outcome and not an error: the only ways out of it
// are the device's own word (Last) and a person's.
package terminal

import (
	"context"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// Driver is one device. The agent calls it from one goroutine at a time, except Cancel.
type Driver interface {
	// Caps says what the device can do; it does not change.
	Caps() Caps

	// Probe says whether the device can be reached. It moves nothing.
	Probe(ctx context.Context) error

	// Run does one operation with money and blocks until its outcome is final, or Unknown.
	Run(ctx context.Context, op Operation, p Progress) Result

	// Last is what the device says of its last transaction. Only devices with Caps.Last are asked.
	Last(ctx context.Context) (Record, error)

	// Report does a report; its text is Result.Slip. ReportClose ends the shift. It moves no
	// money, and may be repeated.
	Report(ctx context.Context, kind ReportKind) Result

	// Cancel asks to give up the operation under way, before the card. Best effort: the outcome
	// is Run's. It is called while Run runs, at any moment of it, and does not wait; only devices
	// with Caps.Cancel are asked.
	Cancel(ctx context.Context) error
}

// Caps is what a device can do beside a sale.
type Caps struct {
	// AutoReverses is set where an operation whose result was not acknowledged does not stand: within
	// this time after the line broke the device has taken it back by itself. So that what its journal
	// does not have then will not come any more; of any other device that may be at work still.
	AutoReverses time.Duration

	Void   bool // undo a whole sale of the open shift, by its receipt number
	Return bool // give back by RRN
	Last   bool // tell its last transaction in a form that may be believed
	Close  bool // end the shift with a check of totals
	Shift  bool // a short report within the shift
	Cancel bool // give up the operation under way, before the card
}

// Lasting is a Driver whose work goes on when the agent dies. While it does, nobody can tell what will
// come of an operation of before, also no person.
type Lasting interface{ AtWork() bool }

// Kind is what an operation does.
type Kind string

// The kinds.
const (
	Sale   Kind = "sale"
	Void   Kind = "void"
	Return Kind = "return"
)

// Operation is one movement of money.
type Operation struct {
	ID       string // the agent's own id
	Kind     Kind
	Amount   pay.Tiyin
	RRN      string    // of the sale that is undone, 12 digits; "" where only its receipt is known
	Receipt  string    // its number on the slip, up to 6 digits
	Original pay.Tiyin // its amount, where the journal has it; 0: unknown
}

// Progress is the agent's journal. An error of either means that it could not be written: then
// the driver stops, as if the power had gone.
type Progress interface {
	// Sent is called immediately before the first byte of the money command.
	Sent() error
	// Answered is called with the device's result before that is acknowledged, on wires where the
	// acknowledgement is what commits it.
	Answered(Result) error
	// Show tells what the device shows or waits for.
	Show(text string)
}

// Outcome is how an operation ended.
type Outcome string

// The outcomes.
const (
	Approved   Outcome = "approved"
	Declined   Outcome = "declined"    // the device or the bank said no; no money moved
	NotStarted Outcome = "not_started" // it is certain that no byte of the money command left
	Unknown    Outcome = "unknown"     // anything else
)

// Result is what came of an operation or a report.
type Result struct {
	Outcome    Outcome
	Code       string // three digits, of the list in codes.go
	Note       string // the device's own words, for people
	RRN        string
	Receipt    string // the slip's number
	Trace      string
	Auth       string // may be empty on an approved one
	TerminalID string
	MaskedPAN  string
	Slip       string // text, lines ended by \n
	Amount     pay.Tiyin
	Totals     *Totals // of a report, where the device tells them in numbers; its text is not read for them
}

// Totals is what a device holds of its open shift.
type Totals struct {
	Sales, Returns             int
	SalesAmount, ReturnsAmount pay.Tiyin
}

// Record is the device's last transaction. The zero Record, with None set, is a device that has
// had none.
type Record struct {
	None       bool
	Kind       Kind
	Approved   bool
	Reversed   bool // it was undone since: by the device itself or by a person
	Code       string
	Amount     pay.Tiyin
	Receipt    string
	Trace      string
	RRN        string
	Auth       string
	TerminalID string
	MaskedPAN  string
	Slip       string
	At         time.Time // zero where the device does not tell
}

// Result is the record as the result of the operation that it was found to be.
func (r Record) Result() Result {
	out := Declined
	if r.Approved && !r.Reversed {
		out = Approved
	}
	return Result{
		Outcome: out, Code: r.Code, RRN: r.RRN, Receipt: r.Receipt, Trace: r.Trace, Auth: r.Auth,
		TerminalID: r.TerminalID, MaskedPAN: r.MaskedPAN, Slip: r.Slip, Amount: r.Amount,
	}
}

// ReportKind is which report is asked for.
type ReportKind string

// The reports.
const (
	ReportShift ReportKind = "shift" // X: nothing changes
	ReportClose ReportKind = "close" // the check of totals, which ends the shift
)

// Failed is a result without slip.
func Failed(o Outcome, code, note string) Result { return Result{Outcome: o, Code: code, Note: note} }

// Codes that the agent and the drivers themselves use.
const (
	CodeOK           = "000"
	CodeDiffers      = "095" // a closing: done, and the bank's totals are others than the device's
	CodeReversed     = "400" // how HUMO's terminals approve a cancellation
	CodeNotPerformed = "not_performed"
	CodeBusy         = "984"
	CodeAborted      = "992"
	CodeLinkLost     = "998"
	CodeAbsent       = "999"
)

// Classify says what a code of the list that HUMO's and UzCard's terminals share means for an
// operation. A code that is not in the list is Unknown: it is not for us to guess.
func Classify(kind Kind, code string) Outcome {
	switch {
	case strings.Contains(" 000 001 003 020 ", " "+code+" "):
		return Approved
	case code == CodeReversed && kind != Sale:
		return Approved
	case code == CodeBusy:
		return NotStarted
	case len(code) == 3 && strings.Contains(declines, " "+code+" "):
		return Declined
	}
	return Unknown
}

// ClassifyReport says what a code means for a report. One whose totals differ was made, and is what a
// closing is for.
func ClassifyReport(code string) Outcome {
	if code == CodeDiffers {
		return Approved
	}
	return Classify(Sale, code)
}

// declines are the codes after which no money has moved. Missing on purpose: 005, 402, 403, 404,
// 911, 912, 923, 998 and 999, after which it may have; 095, which speaks of closings only.
const declines = " 100 101 104 106 116 117 118 121 123 202 206 212 217 218 235 301 302 303 411" +
	" 902 903 904 905 906 907 908 909 910 913 914 915 987 990 992 996 "

// After says whether receipt is later than before, both being counters that go from 9999 to 1.
// It is false where either is not such a number.
func After(receipt, before string) bool {
	a, okA := number(receipt)
	b, okB := number(before)
	if !okA || !okB {
		return false
	}
	ahead := ((a-b)%9999 + 9999) % 9999
	return ahead > 0 && ahead < 5000
}

func number(s string) (int, bool) {
	if s == "" || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}
