// Package multicard speaks with Multicard (multicard.uz, brand "Rahmat"): a hosted page that
// takes cards and wallets, and cards and wallets by calls of ours.
//
// We make an invoice there by a call of ours (invoice.go) and send the buyer to its page.
// Multicard takes the money and asks us, while it waits, whether we accept it (callback.go):
// "yes" keeps the money, "no" gives it back, and exactly HTTP 500 freezes it until Multicard
// asks again. Registers with webhooks tell us of every status instead; those are believed only
// after the payment was read back. Returns and fiscal links are calls of ours (refund.go).
//
// Amounts are whole tiyin on this wire, as everywhere here. Times are local to Tashkent and
// carry no zone.
package multicard

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// New returns the provider.
func New() provider.Provider { return multicard{} }

type multicard struct{}

// Info describes Multicard; the fields are the founding document's.
func (multicard) Info() provider.Info {
	return provider.Info{
		Name:  "multicard",
		Title: "Multicard",
		Fields: []provider.Field{
			{Key: "applicationId", Required: true},
			{Key: "secret", Required: true, Secret: true},
			{Key: "storeId", Required: true},
		},
		Account:    (*account)(nil),
		BaseURLEnv: "MULTICARD_URL",
		BaseURL:    "https://mesh.multicard.uz",
		Options:    []string{"reconcileNightly"},
	}
}

// Open checks the shape of the credentials and returns the account. All faults are named at once.
func (multicard) Open(c provider.Credentials, env provider.Env) (provider.Account, error) {
	app, secret, store := c.Values["applicationId"], c.Values["secret"], c.Values["storeId"]
	var faults []string
	if !visible(app) {
		faults = append(faults, `"credentials.applicationId" must be 1 to 255 visible ASCII characters`)
	}
	if !visible(secret) {
		faults = append(faults, `"credentials.secret" must be 1 to 255 visible ASCII characters`)
	}
	if !numeric(store) && !uuidShape.MatchString(store) {
		faults = append(faults, `"credentials.storeId" must be the number or the UUID of the register`)
	}
	if len(faults) > 0 {
		return nil, &pay.Error{
			Code: pay.CodeInvalid, Field: "credentials",
			Message: "the credentials for Multicard do not have the right form: " + strings.Join(faults, "; "),
			Details: faults,
		}
	}
	a := &account{env: env, secret: secret, store: store, client: newClient(env, app, secret)}
	if n, err := strconv.ParseInt(store, 10, 64); err == nil {
		a.number.Store(n)
	}
	return a, nil
}

// ServeStranger answers a callback for a merchant that we do not have, as a wrong signature is
// answered: were it real, the money goes back.
func (multicard) ServeStranger(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusForbidden, false, "unknown merchant")
}

// account is one register ("касса") of one application at Multicard.
type account struct {
	env    provider.Env
	client *client
	secret string
	store  string // as registered: a number or a UUID

	// number is the register's number, which callbacks carry and sign also where the register
	// was given by its UUID; 0 until an answer of Multicard has told it.
	number atomic.Int64
}

// String keeps the secret out of logs.
func (a *account) String() string { return fmt.Sprintf("Multicard register %s", a.store) }

// GoString keeps it out of %#v too.
func (a *account) GoString() string { return a.String() }

// uuidShape is how Multicard writes its ids: time-based UUIDs, always in lower case.
var uuidShape = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// visible says whether s is 1 to 255 characters of visible ASCII: a pasted space or line end
// would make every signature wrong, which is better said at registration.
func visible(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// numeric says whether s is a register's number, written as Multicard writes it: the text
// is part of what is signed.
func numeric(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && n > 0 && strconv.FormatInt(n, 10) == s
}

// What Multicard can do.
var (
	_ provider.StrangerServer = multicard{}
	_ provider.CheckoutCaller = (*account)(nil)
	_ provider.CallbackServer = (*account)(nil)
	_ provider.Refunder       = (*account)(nil)
	_ provider.Inquirer       = (*account)(nil)
	_ provider.ReceiptSender  = (*account)(nil)
	_ provider.FormBinder     = (*account)(nil)
	_ provider.CardForgetter  = (*account)(nil)
	_ provider.CardBinder     = (*account)(nil)
	_ provider.NumberCharger  = (*account)(nil)
	_ provider.CodeSender     = (*account)(nil)
	_ provider.Holder         = (*account)(nil)
	_ provider.QRCharger      = (*account)(nil)
	_ provider.WalletCharger  = (*account)(nil)
	_ provider.Splitter       = (*account)(nil)
	_ provider.CardChecker    = (*account)(nil)
	_ provider.OwnerChecker   = (*account)(nil)

	_ provider.CredentialChecker = (*account)(nil)
)
