// Package example is Namuna Pay, a company that does not exist: the sample to copy when a
// provider is added, kept small, whole and under the same tests as the real ones. The tests
// register it; no command offers it.
//
// Its protocol stands in README.md, as a company's documentation would.
package example

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Name is what the API calls this provider.
const Name = "example"

// lapse is how long an attempt waits for its money, by the company's rule.
const lapse = 30 * time.Minute

type company struct{}

// New returns the provider.
func New() provider.Provider { return company{} }

// Info describes Namuna Pay.
func (company) Info() provider.Info {
	return provider.Info{
		Name: Name, Title: "Namuna Pay",
		Fields: []provider.Field{
			{Key: "shopId", Required: true},
			{Key: "secret", Required: true, Secret: true},
		},
		Account:    (*account)(nil),
		BaseURLEnv: "EXAMPLE_API_URL", BaseURL: "https://api.namuna.example",
		PayURLEnv: "EXAMPLE_PAY_URL", PayURL: "https://pay.namuna.example/checkout",
	}
}

// Open checks the shape of the credentials.
func (company) Open(c provider.Credentials, env provider.Env) (provider.Account, error) {
	if len(c.Values["secret"]) < 16 {
		return nil, &pay.Error{
			Code: pay.CodeInvalid, Field: "secret", Message: "the secret is too short",
			Details: []string{`"credentials.secret" length must be at least 16 characters long`},
		}
	}
	return &account{shop: c.Values["shopId"], secret: []byte(c.Values["secret"]), env: env}, nil
}

// account is one shop at Namuna Pay.
type account struct {
	shop   string
	secret []byte
	env    provider.Env
}

// Checkout writes the link to the page where the buyer pays. It calls nobody.
func (a *account) Checkout(_ context.Context, inv pay.Invoice, _ pay.Payment) (provider.Link, error) {
	q := url.Values{
		"shop":   {a.shop},
		"order":  {inv.ID},
		"amount": {strconv.FormatInt(int64(inv.Amount), 10)},
	}
	if inv.ReturnURL != "" {
		q.Set("return", inv.ReturnURL)
	}
	return provider.Link{URL: a.env.PayURL + "?" + q.Encode()}, nil
}

var (
	_ provider.StrangerServer = company{}
	_ provider.Checkouter     = (*account)(nil)
	_ provider.CallbackServer = (*account)(nil)
	_ provider.Refunder       = (*account)(nil)
	_ provider.Inquirer       = (*account)(nil)
)
