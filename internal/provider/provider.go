// Package provider is the contract between the gateway and the payment companies.
//
// A provider is a folder below this one that translates: its company's dialect into the words
// of package pay, and back. It never sees the database. What it can do is said by the small
// interfaces that its account implements, and by nothing else: CallbackServer where the
// company calls us, and those of calls.go where we call the company.
package provider

import (
	"fmt"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/words"
)

// Provider is one payment company.
type Provider interface {
	Info() Info
	// Open returns one merchant's account. It checks the shape of the credentials and makes
	// no network call; what is wrong with them is a *pay.Error with CodeInvalid and Details.
	Open(Credentials, Env) (Account, error)
}

// StrangerServer is implemented by a Provider that companies call. It answers a call for a
// merchant that we do not have, as the dialect words a wrong key.
type StrangerServer interface {
	ServeStranger(w http.ResponseWriter, r *http.Request)
}

// LaterServer is implemented by a Provider whose companies read "come back later" from the body
// and not from HTTP 500. It answers a call for which not even the merchant could be looked up.
type LaterServer interface {
	ServeLater(w http.ResponseWriter, r *http.Request)
}

// Namer is implemented by a Provider whose payments are called by more names than their Ref: what
// the company's own pages show to a buyer, or what the bank prints on a slip (an RRN). Names is
// pure; staff find a payment by each of them.
type Namer interface {
	Names(p pay.Payment) []string
}

// Info describes a provider to people and programs. Fields drive GET /api/merchants/supported
// and the form in the admin page.
type Info struct {
	Name, Title string
	Fields      []Field
	Account     Account  // a typed nil, asserted to list the capabilities
	Options     []string // the JSON names of the merchant options it reads
	InStore     bool     // till-only: no buyer can be sent to it
	BaseURLEnv  string   // the setting that holds BaseURL's default (PAYME_API_URL), "" where we never call it
	BaseURL     string   // the company's production API address
	PayURLEnv   string   // the setting of the address that buyers are sent to
	PayURL      string

	// RefundHint says where a refund is made when the API cannot: one sentence for people. The API
	// gives its English.
	RefundHint words.Text
}

// Field is one credential that a business pastes into a form.
type Field struct {
	Key      string
	Required bool
	Secret   bool // shown only as dots, and never again
}

// Account is one merchant at one provider. What it can do is what it implements.
type Account any

// Credentials are what the business registered, opened from their seal, together with the
// merchant's options.
type Credentials struct {
	MerchantID string            // ours
	Values     map[string]string // by Field.Key; only known keys, required ones not empty
	TestKey    string            // the secret option of the same name
	Options    pay.Options
}

// String keeps the secrets out of logs.
func (c Credentials) String() string { return fmt.Sprintf("credentials of merchant %s", c.MerchantID) }

// GoString keeps them out of %#v too.
func (c Credentials) GoString() string { return c.String() }

// Env is what an account needs from outside. In tests and the sandbox it points elsewhere.
type Env struct {
	HTTP        *http.Client     // metrics, tracing and message recording sit in its transport
	Now         func() time.Time // never time.Now in an adapter
	BaseURL     string           // where the company's API is
	PayURL      string           // where its buyers are sent
	CallbackURL string           // this merchant's own callback address
}

// Tashkent is the zone in which the companies write local times: UTC+5, no summer time.
var Tashkent = pay.Tashkent

// Capabilities of an account, by the interfaces it implements, for /supported and the docs.
func Capabilities(a Account) []string {
	var out []string
	add := func(ok bool, name string) {
		if ok {
			out = append(out, name)
		}
	}
	_, ok := a.(Checkouter)
	add(ok, "checkout")
	_, ok = a.(CallbackServer)
	add(ok, "callbacks")
	_, ok = a.(Refunder)
	add(ok, "refund")
	_, ok = a.(Inquirer)
	add(ok, "inquire")
	_, ok = a.(ReceiptSender)
	add(ok, "receipt")
	_, ok = a.(Fiscaliser)
	add(ok, "fiscal")
	_, ok = a.(CardBinder)
	add(ok, "cards")
	_, ok = a.(FormBinder)
	add(ok, "card_form")
	_, ok = a.(CardCharger)
	add(ok, "charge")
	_, ok = a.(NumberCharger)
	add(ok, "charge_number")
	_, ok = a.(WalletCharger)
	add(ok, "wallets")
	_, ok = a.(Splitter)
	add(ok, "split")
	_, ok = a.(CardChecker)
	add(ok, "card_check")
	_, ok = a.(OwnerChecker)
	add(ok, "owner_check")
	_, ok = a.(Holder)
	add(ok, "hold")
	_, ok = a.(Payer)
	add(ok, "payout")
	_, ok = a.(AccountViewer)
	add(ok, "account")
	_, ok = a.(RecipientViewer)
	add(ok, "recipients")
	_, ok = a.(Registrar)
	add(ok, "register")
	_, ok = a.(QRCharger)
	add(ok, "qr")
	return out
}
