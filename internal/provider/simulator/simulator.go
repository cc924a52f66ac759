// Package simulator is the contract and the shared tools of the companies' own side: each
// provider's folder has a package sim that plays its company faithfully, with state, its own
// wire types and its own signing. A simulator imports neither the adapter that it tests nor
// the gateway, so that one misreading cannot pass on both sides.
//
// Simulators run in `chorsu sandbox`, `up`, `demo` and the tests; `serve` never mounts one.
package simulator

import (
	"context"
	"net/http"
	"time"
)

// Simulator plays one company. All methods may be called from several goroutines.
type Simulator interface {
	Info() Info

	// The company's API and the pages that its buyers see, below World.BaseURL.
	http.Handler

	// AddAccount does what the company's cabinet does: it knows this merchant from now on. The
	// same credentials again replace the callback address.
	AddAccount(Account) error

	// Act does what a buyer or the company's staff does, and the calls to the gateway that
	// follow from it, to their end. An error means that the action made no sense (no such
	// link); what the gateway answered wrongly stands in Report.Problems.
	Act(context.Context, Action) (Report, error)

	// Tick does what falls due at the company by World.Now: attempts that lapse, repeats.
	Tick(context.Context)

	// Books are the company's own books: what it believes was paid and returned.
	Books() []Entry
}

// Info tells what a simulator offers.
type Info struct {
	Name, Title string
	Actions     []string // the kinds of Action, in the order of a payment's life
	Steps       []string // where faults can be set
}

// Account is one merchant as the company knows it.
type Account struct {
	Credentials map[string]string // as the merchant registers them with the gateway
	TestKey     string
	Options     map[string]string // accountField, uzumAttribute, amountUnit, ... as the merchant's options
	CallbackURL string            // the gateway's address for this merchant
}

// Action is what somebody does at the company.
type Action struct {
	Kind   string            `json:"kind"`             // pay, refuse, abandon, pay_twice, cancel, refund, ...: see Info.Actions
	Link   string            `json:"link,omitempty"`   // the checkout link, as the buyer has it
	Ref    string            `json:"ref,omitempty"`    // the company's id of an earlier payment
	Amount int64             `json:"amount,omitempty"` // tiyin; 0: what the link or the payment says
	Params map[string]string `json:"params,omitempty"` // what only this company knows (card, phone, reason, ...)
}

// Report is what came of an action.
type Report struct {
	Ref       string     `json:"ref"`       // the company's id of the payment
	State     string     `json:"state"`     // created, paid, refused, cancelled, refunded, suspended (the company does not know)
	Returned  string     `json:"returnUrl"` // where the buyer's browser was sent
	Exchanges []Exchange `json:"exchanges"` // what passed between the company and the gateway, in order
	Problems  []string   `json:"problems"`  // what a strict company would object to in the gateway's answers
}

// Exchange is one call of the gateway by the company and its answer.
type Exchange struct {
	Step    string `json:"step"`
	Request string `json:"request"` // method, address and body
	Status  int    `json:"status"`  // HTTP; 0: no answer reached the company
	Answer  string `json:"answer"`
	Fault   Kind   `json:"fault,omitempty"`
}

// Entry is one payment in the company's books. Amounts are tiyin.
type Entry struct {
	Ref      string    `json:"ref"`
	Account  string    `json:"account"` // how the buyer named the invoice
	Amount   int64     `json:"amount"`
	Refunded int64     `json:"refunded"`
	State    string    `json:"state"` // as in Report
	At       time.Time `json:"at"`
}

// World is what a simulator is given.
type World struct {
	BaseURL string           // where this simulator is reached, without a slash at the end
	Now     func() time.Time // the sandbox's clock, which can be moved
	HTTP    *http.Client     // for calls to the gateway; does not follow redirects
	Faults  *Faults
}
