package sim

import "github.com/chorsu/chorsu/internal/provider/simulator"

// Read tells what a checkout link asks for. A uzum: link names no sum: the shop says it in check.
func (b *bank) Read(link string) (simulator.Bill, error) {
	basket, err := b.read(simulator.Action{Link: link})
	return simulator.Bill{Account: basket.account, Amount: basket.amount * basket.service.unit}, err
}

// Hands are the buttons of the app. After a lost answer the bank asks for the status by itself.
func (b *bank) Hands() simulator.Hands {
	return simulator.Hands{Leave: "abandon", Resume: "confirm", Answer: "confirm"}
}

// Shown tells how a code stands.
func (b *bank) Shown(text string) simulator.Code { return b.codes.Look(text, b.world.Now()) }

var (
	_ simulator.Buyer  = (*bank)(nil)
	_ simulator.Wallet = (*bank)(nil)
)
