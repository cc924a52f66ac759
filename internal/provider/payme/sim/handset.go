package sim

import "github.com/chorsu/chorsu/internal/provider/simulator"

// Read tells what a checkout link asks for.
func (c *company) Read(link string) (simulator.Bill, error) {
	o, err := c.parseLink(link)
	return simulator.Bill{Account: o.account, Amount: o.amount}, err
}

// Hands are the buttons of the app.
func (c *company) Hands() simulator.Hands {
	return simulator.Hands{Leave: actAbandon, Resume: actFinish, Answer: methodPerform, Again: actFinish}
}

// Shown tells how a code stands.
func (c *company) Shown(text string) simulator.Code { return c.codes.Look(text, c.w.Now()) }

var (
	_ simulator.Buyer  = (*company)(nil)
	_ simulator.Wallet = (*company)(nil)
)
