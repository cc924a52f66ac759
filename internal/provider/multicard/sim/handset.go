package sim

import "github.com/chorsu/chorsu/internal/provider/simulator"

// Read tells what the page asks for. It has fields for a card, filled in with one that pays.
func (s *Simulator) Read(link string) (simulator.Bill, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.named(simulator.Action{Link: link})
	if p == nil {
		return simulator.Bill{}, errNoPayment
	}
	return simulator.Bill{Account: p.invoiceID, Amount: p.amount, Fields: [][2]string{
		{"card", GoodCard}, {"expiry", GoodExpiry}, {"otp", GoodCode},
	}}, nil
}

// Hands are the buttons of the page. Closing it tells nobody anything, and it can be opened
// again; a second debit of one invoice follows the first.
func (s *Simulator) Hands() simulator.Hands {
	return simulator.Hands{Leave: "abandon", Answer: "callback", Again: "resume", PaidOnce: true}
}

var _ simulator.Buyer = (*Simulator)(nil)
