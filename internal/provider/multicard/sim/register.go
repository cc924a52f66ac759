package sim

import (
	"strconv"
	"time"
)

// What the company tells of itself: the application, recipients of splits, the history of payouts.

// recipient is somebody's bank account, as the company has issued it.
type recipient struct {
	id             int64
	uuid, tin      string
	name, director string
	active         bool
}

// The recipients that everybody may look up.
var recipients = []recipient{
	{901, "7a1df872-d5aa-11ee-8de8-005056b4367d", "301234567", "OOO NAMUNA SAVDO", "Karimov K.", true},
	{902, "7a1df873-d5aa-11ee-8de8-005056b4367d", "301234568", "OOO YOPIQ", "Salimov S.", false},
}

func (s *Simulator) registerRoutes() {
	s.mux.HandleFunc("GET /payment/application", s.serve("application.read", s.readApplication))
	s.mux.HandleFunc("GET /payment/merchant-account/{uuid}", s.serve("recipient.read", s.readRecipient))
	s.mux.HandleFunc("GET /payment/store/{store}/credit-history", s.serve("payouts.read", s.readCredits))
}

func (s *Simulator) readApplication(c call) (any, error) {
	stores := []any{}
	for _, st := range s.stores {
		if st.app == c.app {
			stores = append(stores, map[string]any{"id": st.id, "uuid": st.uuid, "title": st.title})
		}
	}
	return map[string]any{
		"id": 9, "application_id": c.app.id, "wallet_sum": c.app.deposit, "wallet_sender_account": nil, "wallet_overdraft": c.app.overdraft,
		"wallet_contract_num": nil, "otp_required": 1, "otp_gateway": nil, "sms_nickname": nil, "allow_bank_transaction": 1, "otp_length": 6,
		"official_name": "Multicard", "offer_url": nil, "phone": nil, "added_on": "2021-08-12 00:58:02", "updated_on": local(s.w.Now()), "stores": stores,
	}, nil
}

func (s *Simulator) readRecipient(c call) (any, error) {
	for _, r := range recipients {
		if r.uuid != c.PathValue("uuid") {
			continue
		}
		active := 0 // a number, where the documentation's schema says a truth
		if r.active {
			active = 1
		}
		return map[string]any{
			"id": r.id, "uuid": r.uuid, "merchant_id": 77, "tin": r.tin, "official_name": r.name, "mfo": "00873", "account_no": "20208000300912345001",
			"address": "Toshkent", "director": r.director, "director_pinfl": "31105892514010", "vat_payer": 1, "is_commitent": 0,
			"contract_no": "12-A", "contract_date": "2024-01-15", "active": active, "tax_contract_begin": nil, "tax_contract_end": nil,
		}, nil
	}
	return nil, errNotFound
}

// readCredits serves the history of payouts. Its only_status is required.
func (s *Simulator) readCredits(c call) (any, error) {
	st := s.storeOf(c.PathValue("store"))
	q := c.URL.Query()
	switch {
	case st == nil:
		return nil, fields("Неверный store_id")
	case st.app != c.app:
		return nil, errDenied
	case q.Get("only_status") == "":
		return nil, missing("only_status")
	}
	var bounds [2]time.Time
	for i, name := range []string{"start_date", "end_date"} {
		if q.Get(name) == "" {
			return nil, missing(name)
		}
		at, err := time.ParseInLocation(time.DateTime, q.Get(name), tashkent)
		if err != nil {
			return nil, wrong(name)
		}
		bounds[i] = at
	}
	offset, _ := strconv.Atoi(q.Get("offset"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	if limit < 1 || limit > 100 {
		limit = 20
	}
	sums := map[string]int64{}
	list, total := []any{}, 0
	for _, p := range s.credits {
		added := p.addedAt.Truncate(time.Second)
		if p.store != st || p.status != q.Get("only_status") || added.Before(bounds[0]) || added.After(bounds[1]) {
			continue
		}
		sums[network(p.card)] += p.amount
		if total++; total <= offset || len(list) == limit {
			continue
		}
		list = append(list, map[string]any{
			"id": p.id, "uuid": p.uuid, "status": p.status, "ps": network(p.card), "store_invoice_id": p.invoiceID, "billing_id": nil,
			"payment_time": local(p.paidAt), "payment_amount": p.amount, "commission_amount": 0, "total_amount": p.amount,
			"card_token": orNull(p.token), "card_pan": masked(p.card), "added_on": local(p.addedAt),
		})
	}
	stat := []any{}
	for ps, sum := range sums {
		stat = append(stat, map[string]any{"status": q.Get("only_status"), "ps": ps, "payment_amount": strconv.FormatInt(sum, 10)})
	}
	return map[string]any{"pagination": map[string]int{"total": total, "offset": offset, "limit": limit}, "stat": stat, "list": list}, nil
}
