package sim

import (
	"encoding/json"
	"time"
)

// The documentation gives no times for the way of a split's parts to their recipients.
const (
	clearedAfter = time.Hour      // new, then sent to the bank
	arrivesAfter = 12 * time.Hour // sent, then done
)

// clearing is how the parts of a split payment go to their recipients: nothing before it is paid,
// and then an entry for each part. One for an account that is inactive is blocked, and one of a
// payment that went back is reverted.
func (s *Simulator) clearing(p *payment) any {
	var parts []struct {
		Amount    int64  `json:"amount"`
		Details   string `json:"details"`
		Recipient string `json:"recipient"`
	}
	if p.paidAt.IsZero() || json.Unmarshal(p.split, &parts) != nil || len(parts) == 0 {
		return nil
	}
	list := []any{}
	for i, part := range parts {
		status, updated := "new", p.paidAt
		age := s.w.Now().Sub(p.paidAt)
		switch {
		case p.status == statusRevert:
			status, updated = "revert", p.backAt
		case inactive(part.Recipient):
			status = "blocked"
		case age >= arrivesAfter:
			status, updated = "done", p.paidAt.Add(arrivesAfter)
		case age >= clearedAfter:
			status, updated = "sent", p.paidAt.Add(clearedAfter)
		}
		list = append(list, map[string]any{
			"id": p.id*100 + int64(i), "merchant": nil, "recipient_info": orNull(part.Recipient), "sender_info": nil, "purpose_code": "00668",
			"amount": part.Amount, "details": part.Details, "status": status, "payment_time": local(p.paidAt),
			"added_on": local(p.paidAt), "updated_on": local(updated), "receipt_url": nil,
		})
	}
	return list
}

func inactive(uuid string) bool {
	for _, r := range recipients {
		if r.uuid == uuid {
			return !r.active
		}
	}
	return false
}
