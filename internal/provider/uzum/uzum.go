// Package uzum takes payments made in the Uzum Bank app, by Uzum's Merchant API: five calls
// (check, create, confirm, reverse, status) that Uzum makes to us. Uzum offers no call in the
// other direction, so a refund is begun on Uzum's side and reaches us as a reverse.
//
// The README in this folder has the facts of the protocol, with their sources.
package uzum

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/words"
)

// defaultAttribute is the name under which most services are registered to ask for the order.
const defaultAttribute = "order_id"

type uzum struct{}

// New returns the provider.
func New() provider.Provider { return uzum{} }

func (uzum) Info() provider.Info {
	return provider.Info{
		Name:  "uzum",
		Title: "Uzum Bank",
		Fields: []provider.Field{
			{Key: "serviceId", Required: true},
			{Key: "login", Required: true},
			{Key: "password", Required: true, Secret: true},
		},
		Account:   (*account)(nil),
		Options:   []string{"uzumAttribute", "amountUnit"},
		PayURLEnv: "UZUM_PAY_URL",
		PayURL:    "https://www.uzumbank.uz/open-service",
		RefundHint: words.Text{
			UZ: "Uzum Bankda doʻkon pul qaytara oladigan chaqiruv yoʻq: Uzum savdogarlar yordamidan toʻlovni toʻliq qaytarishni soʻrang. Qaytarish xabari kelgach, hisob qaytarilgan boʻladi.",
			RU: "У Uzum Bank нет вызова, которым магазин мог бы вернуть деньги: попросите поддержку Uzum отменить платёж целиком. Когда придёт её отмена, счёт станет возвращённым.",
			EN: "Uzum Bank has no call by which a shop can refund: ask Uzum's merchant support to reverse the payment, whole. When its reverse arrives the invoice becomes refunded.",
		},
	}
}

// account is one service registered with Uzum.
type account struct {
	serviceID       int64
	login, password [sha256.Size]byte // hashed, so that comparing takes the same time whatever is sent
	attribute       string            // the key in params that names the order
	unit            pay.Tiyin         // how many tiyin are 1 on the wire
	now             func() time.Time
	payURL          string
}

// Open checks that the service is a number, that login and password can stand in a Basic
// header, and that the options are ones that a link can carry.
func (uzum) Open(c provider.Credentials, env provider.Env) (provider.Account, error) {
	var details []string
	fault := func(field, words string) { details = append(details, fmt.Sprintf("%q %s", field, words)) }

	id, err := strconv.ParseInt(c.Values["serviceId"], 10, 64)
	if err != nil || id <= 0 || strconv.FormatInt(id, 10) != c.Values["serviceId"] {
		fault("credentials.serviceId", "must be the number of the service, digits only")
	}
	login, password := c.Values["login"], c.Values["password"]
	if !plain(login) || strings.Contains(login, ":") {
		fault("credentials.login", "must be 1 to 255 characters without a colon or control characters")
	}
	if !plain(password) {
		fault("credentials.password", "must be 1 to 255 characters without control characters")
	}
	a := &account{
		serviceID: id, login: sha256.Sum256([]byte(login)), password: sha256.Sum256([]byte(password)),
		attribute: defaultAttribute, unit: 1, now: env.Now, payURL: env.PayURL,
	}
	if name := c.Options.UzumAttribute; name != "" {
		if a.attribute = name; !attributeName.MatchString(name) || taken[name] {
			fault("options.uzumAttribute", "must be the name of the service's attribute: a letter, then up to 63 letters, digits, dots, dashes or underscores, and none of serviceId, amount and redirectUrl")
		}
	}
	switch c.Options.AmountUnit {
	case "", "tiyin":
	case "som":
		a.unit = 100
	default:
		fault("options.amountUnit", "must be one of [tiyin, som]")
	}
	if details != nil {
		return nil, &pay.Error{Code: pay.CodeInvalid, Message: "the credentials of Uzum Bank are not complete", Details: details}
	}
	return a, nil
}

var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,63}$`)

// taken are the link's own parameters.
var taken = map[string]bool{"serviceId": true, "amount": true, "redirectUrl": true}

func plain(s string) bool {
	return s != "" && len(s) <= 255 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Checkout writes the link that opens the service in the buyer's app. It asks nobody. The
// deeplink is the founding document's: it is kept for apps that were built on it, but the
// uzum: scheme belongs to Uzum Market on many phones, so show the https link. The one error is
// a *pay.Error: an amount that the service's unit cannot say is refused, never rounded.
func (a *account) Checkout(_ context.Context, inv pay.Invoice, _ pay.Payment) (provider.Link, error) {
	amount, ok := a.onWire(inv.Amount)
	if !ok {
		const words = `"amount" must be a multiple of 100: this Uzum service counts in whole soum`
		return provider.Link{}, &pay.Error{Code: pay.CodeInvalid, Field: "amount", Message: words, Details: []string{words}}
	}
	link := fmt.Sprintf("%s?serviceId=%d&%s=%s&amount=%d", a.payURL, a.serviceID, a.attribute, escape(inv.ID), amount)
	if inv.ReturnURL != "" {
		link += "&redirectUrl=" + escape(inv.ReturnURL)
	}
	return provider.Link{URL: link, Deeplink: "uzum://pay?order=" + escape(inv.ID)}, nil
}

// escape is percent form throughout, a space too: apps read links otherwise than web forms.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// onWire is an amount in the service's unit; ok is false where the unit cannot say it.
func (a *account) onWire(t pay.Tiyin) (n int64, ok bool) { return int64(t / a.unit), t%a.unit == 0 }

// offWire is an amount that came in the service's unit; ok is false where it fits no amount.
func (a *account) offWire(n int64) (t pay.Tiyin, ok bool) {
	if n > math.MaxInt64/int64(a.unit) || n < math.MinInt64/int64(a.unit) {
		return 0, false
	}
	return pay.Tiyin(n) * a.unit, true
}

var (
	_ provider.Provider       = uzum{}
	_ provider.Router         = uzum{}
	_ provider.StrangerServer = uzum{}
	_ provider.Checkouter     = (*account)(nil)
	_ provider.CallbackServer = (*account)(nil)
)
