// Package payme takes online payments through Payme Business (Paycom).
//
// The buyer follows a link that calls nobody; Payme then calls us by its Merchant API, a
// JSON-RPC dialogue that callback.go holds method by method. We never call Payme here: there
// is no refund call, so a refund begins in Payme's cabinet and reaches us as
// CancelTransaction. README.md holds the facts of the protocol and where they come from.
package payme

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/words"
)

const (
	livePayURL    = "https://checkout.paycom.uz"     // where a buyer pays
	sandboxPayURL = "https://test.paycom.uz"         // the same path there opens Payme's own tests
	liveAPIURL    = "https://checkout.paycom.uz/api" // the Subscribe API, which the online part never calls

	login               = "Paycom" // of the Basic header, for every merchant
	defaultAccountField = "order_id"

	modeLive = "live"
	modeTest = "test"
)

// New returns the provider.
func New() provider.Provider { return payme{} }

type payme struct{}

// Info describes Payme to people and programs.
func (payme) Info() provider.Info {
	return provider.Info{
		Name:  "payme",
		Title: "Payme",
		Fields: []provider.Field{
			{Key: "merchantId", Required: true},
			{Key: "key", Required: true, Secret: true},
		},
		Account:    (*account)(nil),
		Options:    []string{"mode", "testKey", "accountField", "refuseLateCancel"},
		BaseURLEnv: "PAYME_API_URL",
		BaseURL:    liveAPIURL,
		PayURLEnv:  "PAYME_PAY_URL",
		PayURL:     livePayURL,
		RefundHint: words.Text{
			UZ: "Paymeda pul qaytarish chaqiruvi yoʻq: toʻlovni Payme Business kabinetida qaytaring, Payme xabar bergach, hisob oʻzi qaytarilgan boʻladi.",
			RU: "У Payme нет вызова для возврата: верните платёж в кабинете Payme Business, и счёт сам станет возвращённым, когда Payme сообщит об этом.",
			EN: "Payme has no refund call: refund the payment in the Payme Business cabinet, and the invoice becomes refunded by itself when Payme tells us.",
		},
	}
}

// account is one merchant's web kassa at Payme.
type account struct {
	kassa            string            // Payme's id of the kassa: 24 hexadecimal digits
	proof            [sha256.Size]byte // of "login:key"; the key itself is not kept
	field            string            // the name of the account field that holds the invoice's id
	refuseLateCancel bool              // a paid order cannot be cancelled: −31007
	payURL           string
	now              func() time.Time
}

// A kassa's id and the name of an account field, which both stand unescaped in a link.
var (
	kassaID   = regexp.MustCompile(`^[0-9a-fA-F]{24}$`)
	fieldName = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
)

// Open returns the account of one kassa. Of its two keys exactly one is good: the sandbox's
// test key is handed about freely, so it must open nothing while the kassa is live.
func (payme) Open(c provider.Credentials, env provider.Env) (provider.Account, error) {
	a := &account{
		kassa:            c.Values["merchantId"],
		field:            c.Options.AccountField,
		refuseLateCancel: c.Options.RefuseLateCancel,
		payURL:           strings.TrimRight(env.PayURL, "/"),
		now:              env.Now,
	}
	if a.field == "" {
		a.field = defaultAccountField
	}
	if a.payURL == "" {
		a.payURL = livePayURL
	}
	key := c.Values["key"]

	var faults []string
	wrong := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, fault)
		}
	}
	wrong(kassaID.MatchString(a.kassa), `"credentials.merchantId" must be 24 hexadecimal digits`)
	wrong(keyShape(key), `"credentials.key" must be 1 to 255 visible ASCII characters`)
	switch c.Options.Mode {
	case "", modeLive:
	case modeTest:
		wrong(c.TestKey != "", `"options.testKey" is required in mode test`)
		key = c.TestKey
		if a.payURL == livePayURL {
			a.payURL = sandboxPayURL // a live page would take real money and then be refused here
		}
	default:
		wrong(false, `"options.mode" must be one of [live, test]`)
	}
	wrong(c.TestKey == "" || keyShape(c.TestKey), `"options.testKey" must be 1 to 255 visible ASCII characters`)
	wrong(c.TestKey == "" || c.TestKey != c.Values["key"], `"options.testKey" must not be the live key`)
	wrong(fieldName.MatchString(a.field), `"options.accountField" must be 1 to 64 letters, digits or underscores`)
	if faults != nil {
		return nil, &pay.Error{Code: pay.CodeInvalid, Message: "these credentials cannot be those of a Payme kassa", Details: faults}
	}
	a.proof = sha256.Sum256([]byte(login + ":" + key))
	return a, nil
}

func keyShape(key string) bool {
	if len(key) < 1 || len(key) > 255 {
		return false
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return true
}

// Checkout writes the link of Payme's payment page. It is not signed: a buyer may change the
// amount in it, and CheckPerformTransaction refuses what is not the invoice's.
func (a *account) Checkout(_ context.Context, inv pay.Invoice, _ pay.Payment) (provider.Link, error) {
	if strings.ContainsAny(inv.ID, ";=") {
		return provider.Link{}, &provider.Error{Kind: provider.KindInvalid, NotSent: true,
			Err: fmt.Errorf("an invoice's id with ; or = cannot stand in a Payme link")}
	}
	parts := []string{
		"m=" + a.kassa,
		"ac." + a.field + "=" + inv.ID,
		"a=" + strconv.FormatInt(int64(inv.Amount), 10),
	}
	if inv.Lang != "" {
		parts = append(parts, "l="+inv.Lang)
	}
	if inv.ReturnURL != "" {
		// A semicolon would end the value; in an address its escape means the same.
		parts = append(parts, "c="+strings.ReplaceAll(inv.ReturnURL, ";", "%3B"))
	}
	// The standard alphabet, raw in the path as Payme's own samples have it. "//" cannot occur:
	// it would need a byte that UTF-8 has not.
	path := base64.StdEncoding.EncodeToString([]byte(strings.Join(parts, ";")))
	return provider.Link{URL: a.payURL + "/" + path}, nil
}

var (
	_ provider.Provider       = payme{}
	_ provider.StrangerServer = payme{}
	_ provider.LaterServer    = payme{}
	_ provider.Checkouter     = (*account)(nil)
	_ provider.CallbackServer = (*account)(nil)
)
