// Package paysys speaks with PaySys (paysys.uz), an acquirer for UzCard and HUMO, and with the
// brands that sell the same gateway under other names for the card methods: cards are bound and
// charged from our side by JSON-RPC, with an SMS code or by token, at once or through a hold.
//
// PaySys calls nobody back: what became of a call whose answer was lost is asked for
// (payment.go), and where nothing can be asked, a person looks.
//
// Amounts are whole tiyin on this wire, as everywhere here. The facts of the protocol, with what
// is confirmed and what is assumed, stand in README.md.
package paysys

import (
	"regexp"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// New returns the provider.
func New() provider.Provider { return company{} }

type company struct{}

// Info describes PaySys.
func (company) Info() provider.Info {
	return provider.Info{
		Name:  "paysys",
		Title: "PaySys",
		Fields: []provider.Field{
			{Key: "serviceId", Required: true},
			{Key: "secretKey", Required: true, Secret: true},
			{Key: "vendorId", Required: true},
			{Key: "cardMethodPrefix"},
		},
		Account:    (*account)(nil),
		BaseURLEnv: "PAYSYS_URL",
		BaseURL:    "https://paysys.uz/gateway",
		Options:    []string{"directCharge", "reconcileNightly"},
	}
}

// The shapes of credentials. A pasted space would make every signature wrong, which is better
// said at registration.
var (
	textShape   = regexp.MustCompile(`^[!-~]{1,255}$`)
	vendorShape = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
	prefixShape = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
)

// Open checks the shape of the credentials and returns the account. All faults are named at once.
func (company) Open(c provider.Credentials, env provider.Env) (provider.Account, error) {
	service, secret, vendor := c.Values["serviceId"], c.Values["secretKey"], c.Values["vendorId"]
	prefix := c.Values["cardMethodPrefix"]
	if prefix == "" {
		prefix = "paysys"
	}
	var faults []string
	check := func(ok bool, field, rule string) {
		if !ok {
			faults = append(faults, `"credentials.`+field+`" must be `+rule)
		}
	}
	check(textShape.MatchString(service), "serviceId", "1 to 255 visible characters without spaces")
	check(textShape.MatchString(secret), "secretKey", "1 to 255 visible characters without spaces")
	check(vendorShape.MatchString(vendor), "vendorId", "a whole number, as PaySys issued it")
	check(prefixShape.MatchString(prefix), "cardMethodPrefix", "small letters, digits and _: paysys, or the brand's own")
	if len(faults) > 0 {
		return nil, &pay.Error{Code: pay.CodeInvalid, Field: "credentials", Message: "the credentials of PaySys have the wrong form", Details: faults}
	}
	return &account{vendor: vendor, prefix: prefix, direct: c.Options.DirectCharge, now: env.Now, rpc: newClient(env, service, secret)}, nil
}

// account is one vendor at PaySys.
type account struct {
	vendor string
	prefix string // of the card methods: paysys, ipay, …
	direct bool   // charge at once, and not through a hold
	now    func() time.Time
	rpc    *client
}

// String keeps the secret out of logs; GoString out of %#v too.
func (a *account) String() string   { return "PaySys vendor " + a.vendor }
func (a *account) GoString() string { return a.String() }

// What PaySys can do.
var (
	_ provider.CardBinder    = (*account)(nil)
	_ provider.NumberCharger = (*account)(nil)
	_ provider.HoldFirst     = (*account)(nil)
	_ provider.Refunder      = (*account)(nil)
	_ provider.DayAsker      = (*account)(nil)

	_ provider.CredentialChecker = (*account)(nil)
)
