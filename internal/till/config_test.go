package till_test

import (
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/till"
)

func lookup(name string) (string, bool) {
	v, ok := map[string]string{"CLICK_SECRET": "a: \"b\" #c", "NUMBER": "0012"}[name]
	return v, ok
}

func TestExampleConfig(t *testing.T) {
	c, err := till.ReadConfig(strings.NewReader(till.Example()), lookup)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Wallets) != 4 || c.Terminals["xumo"].Driver != "zvt" || c.UzQR == nil || c.Scan2pay == nil || c.Gateway != nil || c.Shop.INN != "123456789" {
		t.Errorf("%+v", c)
	}
}

func TestConfigValues(t *testing.T) {
	c, err := till.ReadConfig(strings.NewReader(`
shop: {name: "${NUMBER}", kkm_id: "a${NUMBER}"}
wallets: {click: {url: "https://api.click.uz/v2/merchant", secretKey: "${CLICK_SECRET}"}}
terminals: {uzcard: {driver: arcus2, options: {path: /opt/tool, sale: 1, timeout: 90s}}}
gateway: {url: "https://pay.example.uz", pairing: "x"}
`), lookup)
	if err != nil {
		t.Fatal(err)
	}
	if c.Shop.Name != "0012" || c.Shop.KKM != "a0012" || c.Wallets["click"]["secretKey"] != `a: "b" #c` || c.Terminals["uzcard"].Options["sale"] != "1" || c.Shop.WalletAmount != "tiyin" {
		t.Errorf("%+v", c)
	}
}

func TestConfigRefused(t *testing.T) {
	for text, says := range map[string]string{
		"shops: {}":                          "shops",
		"shop: {title: x}":                   "title",
		"shop: {name: \"${MISSING}\"}":       "MISSING is not set",
		"shop: {wallet_amount: dollar}":      "wallet_amount",
		"printer: {charset: utf-8}":          "charset",
		"wallets: {paypal: {url: http://x}}": "wallets.paypal",
		"wallets: {click: {serviceId: 1}}":   "wallets.click.url",
		"wallets: {click: {url: http://x}, via_multicard: {url: http://x}}": "instead of the others",
		"terminals: {visa: {driver: sim}}":                                  "terminals.visa",
		"terminals: {xumo: {driver: usb}}":                                  "driver must be one of",
		"terminals: {xumo: {driver: sim, port: 1}}":                         "port",
		"uzqr: {url: ftp://x}":                                              "uzqr.url",
		"gateway: {url: x}":                                                 "gateway.url",
		"a: [":                                                              "yaml",
	} {
		if _, err := till.ReadConfig(strings.NewReader(text), lookup); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, which does not say %q", text, err, says)
		}
	}
}
