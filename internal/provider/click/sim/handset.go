package sim

import "github.com/chorsu/chorsu/internal/provider/simulator"

// Read tells what a checkout link asks for.
func (s *sim) Read(link string) (simulator.Bill, error) {
	_, o, err := s.opened(simulator.Action{Link: link})
	return simulator.Bill{Account: o.account, Amount: o.amount}, err
}

// Hands are the buttons of the app. CLICK says nothing of a link that was only opened, so the app
// is left after its Prepare.
func (s *sim) Hands() simulator.Hands {
	return simulator.Hands{Leave: "prepare", Resume: "complete", Answer: stepComplete, Again: "retry"}
}

// Shown tells how a code stands.
func (s *sim) Shown(text string) simulator.Code { return s.codes.Look(text, s.world.Now()) }

var (
	_ simulator.Buyer  = (*sim)(nil)
	_ simulator.Wallet = (*sim)(nil)
)
