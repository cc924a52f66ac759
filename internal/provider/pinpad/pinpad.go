// Package pinpad names what a shop takes by a device of its own: cards on a HUMO or an UzCard
// terminal, and the national QR. The till drives the devices (internal/till); here is only what
// the gateway calls them in its book. There is nothing to call and nothing to register.
package pinpad

import "github.com/chorsu/chorsu/internal/provider"

// Humo is the HUMO terminal.
func Humo() provider.Provider {
	return device{"humo", "HUMO terminal", "Return it at the terminal, with the card; the till reports it here."}
}

// UzCard is the UzCard terminal.
func UzCard() provider.Provider {
	return device{"uzcard", "UzCard terminal", "Return it at the terminal, with the card; the till reports it here."}
}

// UzQR is the national QR, which a box on the shop's network makes.
func UzQR() provider.Provider {
	return device{"uzqr", "UzQR", "Return it at the till; it reports it here."}
}

type device struct{ name, title, refund string }

// account can do nothing from here.
type account struct{}

func (d device) Info() provider.Info {
	return provider.Info{Name: d.name, Title: d.title, Fields: []provider.Field{}, Account: (*account)(nil), InStore: true, RefundHint: d.refund}
}

func (device) Open(provider.Credentials, provider.Env) (provider.Account, error) {
	return &account{}, nil
}
