// Package pinpad names what a shop takes by a device of its own: cards on a HUMO or an UzCard
// terminal, and the national QR. The till drives the devices (internal/till); here is only what
// the gateway calls them in its book. There is nothing to call and nothing to register.
package pinpad

import (
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/words"
)

// Humo is the HUMO terminal.
func Humo() provider.Provider {
	return device{"humo", "HUMO terminal", atTerminal}
}

// UzCard is the UzCard terminal.
func UzCard() provider.Provider {
	return device{"uzcard", "UzCard terminal", atTerminal}
}

// UzQR is the national QR, which a box on the shop's network makes.
func UzQR() provider.Provider {
	return device{"uzqr", "UzQR", atTill}
}

var (
	atTerminal = words.Text{
		UZ: "Pulni terminalda, karta bilan qaytaring: kassa buni shu yerga xabar qiladi.",
		RU: "Верните деньги на терминале, с картой: касса сообщит об этом сюда.",
		EN: "Return it at the terminal, with the card; the till reports it here.",
	}
	atTill = words.Text{
		UZ: "Pulni kassada qaytaring: u buni shu yerga xabar qiladi.",
		RU: "Верните деньги на кассе: она сообщит об этом сюда.",
		EN: "Return it at the till; it reports it here.",
	}
)

type device struct {
	name, title string
	refund      words.Text
}

// account can do nothing from here.
type account struct{}

func (d device) Info() provider.Info {
	return provider.Info{Name: d.name, Title: d.title, Fields: []provider.Field{}, Account: (*account)(nil), InStore: true, RefundHint: d.refund}
}

func (device) Open(provider.Credentials, provider.Env) (provider.Account, error) {
	return &account{}, nil
}
