// Package all is the one list of providers. A provider is added by adding its line here.
package all

import (
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/anor"
	anorsim "github.com/chorsu/chorsu/internal/provider/anor/sim"
	"github.com/chorsu/chorsu/internal/provider/click"
	clicksim "github.com/chorsu/chorsu/internal/provider/click/sim"
	"github.com/chorsu/chorsu/internal/provider/multicard"
	multicardsim "github.com/chorsu/chorsu/internal/provider/multicard/sim"
	"github.com/chorsu/chorsu/internal/provider/payme"
	paymesim "github.com/chorsu/chorsu/internal/provider/payme/sim"
	"github.com/chorsu/chorsu/internal/provider/paysys"
	paysyssim "github.com/chorsu/chorsu/internal/provider/paysys/sim"
	"github.com/chorsu/chorsu/internal/provider/pinpad"
	"github.com/chorsu/chorsu/internal/provider/scan2pay"
	scan2paysim "github.com/chorsu/chorsu/internal/provider/scan2pay/sim"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/provider/uzum"
	uzumsim "github.com/chorsu/chorsu/internal/provider/uzum/sim"
)

// Entry is one provider: our side, and the company's own for the sandbox.
type Entry struct {
	Provider  provider.Provider
	Simulator func(*simulator.World) simulator.Simulator

	// Company names the entry whose simulator plays this provider too; "": its own. A company has
	// one address for its shops and its tills.
	Company string

	// Sample are credentials in the form that the company gives them. They are good in the
	// sandbox only: `chorsu demo` and the documentation use them.
	Sample map[string]string
}

// List is every provider, in the order in which people meet them.
func List() []Entry {
	return []Entry{
		{multicard.New(), multicardsim.New, "", map[string]string{"applicationId": "rhmt_test", "secret": "Pw18axeBFo8V7NamKHXX", "storeId": "a1df872e-d5aa-11ee-8de8-005056b4367d"}},
		{click.New(), clicksim.New, "", map[string]string{"serviceId": "12345", "merchantId": "6789", "secretKey": "demo-click-secret", "merchantUserId": "3333"}},
		{payme.New(), paymesim.New, "", map[string]string{"merchantId": "5e730e8e0b852a417aa49ceb", "key": "demo-payme-key-0123456789"}},
		{uzum.New(), uzumsim.New, "", map[string]string{"serviceId": "101202", "login": "demo", "password": "demo-uzum-password"}},
		{paysys.New(), paysyssim.New, "", map[string]string{"serviceId": "svc1", "secretKey": "test_secret", "vendorId": "100381"}},
		{click.NewPass(), nil, "click", map[string]string{"serviceId": "12346", "merchantUserId": "3334", "secretKey": "demo-pass-secret"}},
		{payme.NewGo(), nil, "payme", map[string]string{"cashboxId": "5e730e8e0b852a417aa49cec", "key": "demo-payme-go-key-0123456789"}},
		{uzum.NewFastPay(), nil, "uzum", map[string]string{"serviceId": "101203", "merchantServiceUserId": "8461", "secretKey": "demo-fastpay-secret"}},
		{anor.New(), anorsim.New, "", map[string]string{"serviceId": "700", "merchantUserId": "701", "secretKey": "demo-anor-secret"}},
		{scan2pay.New(), scan2paysim.New, "", map[string]string{}},
		{pinpad.Humo(), nil, "", map[string]string{}},
		{pinpad.UzCard(), nil, "", map[string]string{}},
		{pinpad.UzQR(), nil, "", map[string]string{}},
	}
}

// Played is the name of the entry whose simulator plays this provider.
func (e Entry) Played() string {
	if e.Company != "" {
		return e.Company
	}
	return e.Provider.Info().Name
}
