package sim

import "github.com/chorsu/chorsu/internal/provider/simulator"

// Faults of this company alone, on any step that answers with a payment, a hold or a card. What was
// done stays as it is; only the answer is another's.
const (
	Another     simulator.Kind = "another"      // it is about somebody else's payment, or form
	AnotherHold simulator.Kind = "another_hold" // the hold's number is another's
	NoAmount    simulator.Kind = "no_amount"
)

// twist changes the answer to a step, where a fault says so.
func (s *Simulator) twist(step string, data any) {
	m, ok := data.(map[string]any)
	if !ok {
		return
	}
	f, struck := s.w.Faults.Take(step, simulator.WrongAmount, Another, AnotherHold, NoAmount)
	payment := m
	if inner, ok := m["payment"].(map[string]any); ok {
		payment = inner
	}
	_, card := m["payer_id"]
	switch {
	case !struck:
	case f.Kind == AnotherHold:
		m["id"] = 999
	case f.Kind == NoAmount:
		payment["payment_amount"] = nil
	case f.Kind == simulator.WrongAmount:
		amount, _ := payment["payment_amount"].(int64)
		payment["payment_amount"] = amount + 1
	case card:
		m["payer_id"] = "0000000000000"
	default:
		payment["uuid"], payment["store_invoice_id"] = s.uuid(), "somebody"
	}
}
