// Package click translates CLICK (click.uz): the SHOP API, by which CLICK asks us to take a
// payment (Prepare) and tells us that it was taken (Complete); the link that brings a buyer to
// CLICK; and Merchant API v2, by which we return money and hand over fiscal receipts.
//
// The facts of the protocol, with their sources, stand in README.md.
package click

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/words"
)

type company struct{}

// New returns the provider.
func New() provider.Provider { return company{} }

func (company) Info() provider.Info {
	return provider.Info{
		Name:  "click",
		Title: "Click",
		Fields: []provider.Field{
			{Key: "serviceId", Required: true},
			{Key: "merchantId", Required: true},
			{Key: "secretKey", Required: true, Secret: true},
			{Key: "merchantUserId"},
		},
		Account:    (*account)(nil),
		Options:    []string{"partialReversal", "fiscalise", "ownTin"},
		BaseURLEnv: "CLICK_API_URL",
		BaseURL:    "https://api.click.uz/v2/merchant",
		PayURLEnv:  "CLICK_PAY_URL",
		PayURL:     "https://my.click.uz/services/pay",
		RefundHint: words.Text{
			UZ: "merchantUserId boʻlmasa, toʻlovni CLICK kabinetida, merchant.click.uz da qaytaring.",
			RU: "Без merchantUserId верните платёж в кабинете CLICK, merchant.click.uz.",
			EN: "Without merchantUserId, refund the payment in CLICK's cabinet, merchant.click.uz.",
		},
	}
}

// The shapes of credentials. Ids are kept as CLICK writes them in its messages: whole numbers
// without zeros in front.
var (
	idShape     = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
	secretShape = regexp.MustCompile(`^[!-~]{1,255}$`)
	tinShape    = regexp.MustCompile(`^[0-9]{9}$`)
)

func (company) Open(c provider.Credentials, env provider.Env) (provider.Account, error) {
	var faults []string
	check := func(ok bool, field, rule string) {
		if !ok {
			faults = append(faults, fmt.Sprintf("%q must be %s", field, rule))
		}
	}
	service, merchant, secret, user := c.Values["serviceId"], c.Values["merchantId"], c.Values["secretKey"], c.Values["merchantUserId"]
	check(idShape.MatchString(service), "credentials.serviceId", "a whole number, as CLICK issued it")
	check(idShape.MatchString(merchant), "credentials.merchantId", "a whole number, as CLICK issued it")
	check(secretShape.MatchString(secret), "credentials.secretKey", "1 to 255 visible characters without spaces")
	check(user == "" || idShape.MatchString(user), "credentials.merchantUserId", "a whole number, as CLICK issued it")
	check(c.Options.OwnTIN == "" || tinShape.MatchString(c.Options.OwnTIN), "options.ownTin", "9 digits")
	if c.Options.Fiscalise { // CLICK demands a TIN in every line: better refused now than at a payment
		check(c.Options.OwnTIN != "", "options.ownTin", "given where options.fiscalise is on")
		check(user != "", "credentials.merchantUserId", "given where options.fiscalise is on")
	}
	if len(faults) > 0 {
		return nil, &pay.Error{Code: pay.CodeInvalid, Message: "the credentials of Click have the wrong form", Details: faults}
	}
	return &account{
		merchant:   c.MerchantID,
		service:    service,
		merchantID: merchant,
		secret:     secret,
		partial:    c.Options.PartialReversal || c.Options.PartialRefund,
		ownTIN:     c.Options.OwnTIN,
		payURL:     env.PayURL,
		now:        env.Now,
		api:        newClient(env, user, secret),
	}, nil
}

// account is one merchant's service at CLICK.
type account struct {
	merchant   string // our id of the merchant
	service    string
	merchantID string
	secret     string
	partial    bool   // payment/partial_reversal may be called
	ownTIN     string // the seller's TIN for receipt lines that name no other
	payURL     string
	now        func() time.Time
	api        *client
}

// Checkout writes the link. It calls nobody, and CLICK does not know of it until the buyer
// opens it. It is not signed: anyone can write one with any amount, and only Prepare protects
// us. The same address opens CLICK's app on a phone that has it.
func (a *account) Checkout(_ context.Context, inv pay.Invoice, _ pay.Payment) (provider.Link, error) {
	q := "service_id=" + url.QueryEscape(a.service) +
		"&merchant_id=" + url.QueryEscape(a.merchantID) +
		"&amount=" + inv.Amount.Soum() +
		"&transaction_param=" + url.QueryEscape(inv.ID)
	if inv.ReturnURL != "" {
		q += "&return_url=" + url.QueryEscape(inv.ReturnURL)
	}
	return provider.Link{URL: strings.TrimSuffix(a.payURL, "/") + "/?" + q}, nil
}

// RouteField and Route let one address serve all merchants: every message names its service.
func (company) RouteField() string { return "serviceId" }

func (company) Route(_ *http.Request, body []byte) (string, bool) {
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form["service_id"]) != 1 {
		return "", false
	}
	return form.Get("service_id"), true
}

// ServeStranger answers a message for a merchant that we do not have: no key can be right.
func (company) ServeStranger(w http.ResponseWriter, r *http.Request) {
	m, err := readMessage(r)
	if err != nil {
		answer(w, m, badRequest)
		return
	}
	answer(w, m, wrongSign)
}

var (
	_ provider.Router         = company{}
	_ provider.StrangerServer = company{}
	_ provider.CallbackServer = (*account)(nil)
	_ provider.Checkouter     = (*account)(nil)
	_ provider.Refunder       = (*account)(nil)
	_ provider.Inquirer       = (*account)(nil)
	_ provider.ReceiptSender  = (*account)(nil)
	_ provider.Fiscaliser     = (*account)(nil)

	_ provider.CredentialChecker = (*account)(nil)
)
