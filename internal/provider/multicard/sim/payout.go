package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// Payouts: money out of an application's deposit to a card.

const (
	firstDeposit   = 34_643_176_00 // as in the documentation's sample, in tiyin
	firstOverdraft = 10_000_000_00
	unnamedMost    = 1_000_000_000 // more is only sent to somebody who is named
)

// credit is one payout.
type credit struct {
	id        int64
	uuid      string
	store     *store
	amount    int64
	invoiceID string
	card      string // the number
	token     string
	kyc       json.RawMessage

	status       string
	tries        int    // wrong codes
	settles      string // what an open outcome will become
	addedAt      time.Time
	paidAt       time.Time
	responseCode string
	responseMsg  string
}

func (s *Simulator) payoutRoutes() {
	s.mux.HandleFunc("POST /payment/credit", s.serve("payout.create", s.createCredit))
	s.mux.HandleFunc("PUT /payment/credit/{uuid}", s.serve("payout.confirm", s.confirmCredit))
	s.mux.HandleFunc("GET /payment/credit/{uuid}", s.serve("payout.read", s.readCredit))
}

var (
	errNoSuchCard    = &failure{status: http.StatusBadRequest, code: "ERROR_CARD_NOT_FOUND", details: "Неверный номер карты или срок действия"}
	errCreditUnknown = &failure{status: http.StatusBadRequest, code: "ERROR_UNKNOWN", details: "Результат операции неизвестен"}
)

func (s *Simulator) createCredit(c call) (any, error) {
	in := call{Request: c.Request, app: c.app, body: map[string]json.RawMessage{}}
	if json.Unmarshal(c.body["card"], &in.body) != nil || in.has("pan") == in.has("token") {
		return nil, fields("Card should be array with (`pan` and `expiry`) or `token` field")
	}
	st := s.storeOf(c.text("store_id"))
	amount, ok := c.whole("amount")
	var confirmable bool
	_ = json.Unmarshal(c.body["confirmable"], &confirmable)
	switch {
	case !c.has("store_id"):
		return nil, fields("Поле store_id является обязательным")
	case st == nil || st.app != c.app:
		return nil, fields("Неверный store_id")
	case !c.has("amount"):
		return nil, missing("amount")
	case !ok || amount <= 0:
		return nil, wrong("amount")
	case !c.has("invoice_id"):
		return nil, missing("invoice_id")
	case amount > unnamedMost && !named(c.body["kyc_data"]):
		return nil, fields("Для пополнения на эту сумму необходимо пройти идентификацию")
	}
	pan := in.text("pan")
	if token := in.text("token"); token != "" {
		b := s.cardBy(c, token)
		if b == nil {
			return nil, errNoSuchCard
		}
		pan = b.pan
	}
	if len(pan) != 16 || pan[:4] != "8600" && pan[:4] != "9860" {
		return nil, errNoSuchCard
	}
	s.serial++
	p := &credit{
		id: 11351394 + s.serial, uuid: s.uuid(), store: st, amount: amount, invoiceID: c.text("invoice_id"),
		card: pan, token: in.text("token"), kyc: c.body["kyc_data"], status: statusDraft, addedAt: s.w.Now(),
	}
	s.credits = append(s.credits, p)
	if confirmable {
		return s.creditModel(p), nil
	}
	return s.sendCredit(p)
}

// named says whether a person is told of as the documentation asks.
func named(raw json.RawMessage) bool {
	var who map[string]string
	if json.Unmarshal(raw, &who) != nil {
		return false
	}
	for _, name := range []string{"last_name", "first_name", "passport", "pinfl", "dob", "passport_expiry_date"} {
		if who[name] == "" {
			return false
		}
	}
	return len(who["pinfl"]) == 14
}

// sendCredit moves the money, as the card and the deposit let it. Under the lock.
func (s *Simulator) sendCredit(p *credit) (any, error) {
	owner := p.store.app
	switch {
	case owner.deposit+owner.overdraft < p.amount:
		return nil, fields("Недостаточно средств на депозите")
	case p.card == SlowCard:
		p.status, p.settles = statusProgress, statusSuccess
		return nil, errCreditUnknown
	case p.card == SlowPoorCard:
		p.status, p.settles = statusProgress, statusError
		return nil, errCreditUnknown
	case p.card == BlockedCard:
		s.endCredit(p, statusError, "62", "Карта заблокирована")
	default:
		s.endCredit(p, statusSuccess, "", "")
	}
	return s.creditModel(p), nil
}

// endCredit is the payout's end: only one that succeeds takes money from the deposit.
func (s *Simulator) endCredit(p *credit, status, code, message string) {
	p.status, p.settles, p.responseCode, p.responseMsg = status, "", code, message
	if status == statusSuccess {
		p.paidAt = s.w.Now()
		p.store.app.deposit -= p.amount
	}
}

// settleCredits ends the payouts whose outcome was open. Under the lock.
func (s *Simulator) settleCredits() {
	for _, p := range s.credits {
		if p.settles == statusSuccess {
			s.endCredit(p, statusSuccess, "", "")
		} else if p.settles != "" {
			s.endCredit(p, p.settles, "91", "Эмитент недоступен")
		}
	}
}

func (s *Simulator) creditOf(c call) *credit {
	for _, p := range s.credits {
		if p.uuid == c.PathValue("uuid") && p.store.app == c.app {
			return p
		}
	}
	return nil
}

func (s *Simulator) confirmCredit(c call) (any, error) {
	p := s.creditOf(c)
	switch {
	case p == nil:
		return nil, errNotFound
	case p.status != statusDraft:
		return nil, fields("Платеж подтвержден ранее")
	case p.card == FreeCard: // no code is asked for
	case !c.has("otp"):
		return nil, fields("Не передан SMS-код")
	case p.tries >= wrongTries:
		return nil, &failure{status: http.StatusLocked, code: "ERROR_WRONG_OTP", details: "Код подтверждения истек, запросите новый"}
	case c.text("otp") != GoodCode:
		p.tries++
		return nil, &failure{status: http.StatusBadRequest, code: "ERROR_WRONG_OTP", details: "Неверный код подтверждения"}
	}
	return s.sendCredit(p)
}

func (s *Simulator) readCredit(c call) (any, error) {
	p := s.creditOf(c)
	if p == nil {
		return nil, errNotFound
	}
	return s.creditModel(p), nil
}

// creditModel is the payout with all its keys. What was told of the person comes back as a text
// that is JSON.
func (s *Simulator) creditModel(p *credit) map[string]any {
	var kyc any
	if len(p.kyc) > 0 && string(p.kyc) != "null" {
		kyc = string(p.kyc)
	}
	m := map[string]any{
		"ps": network(p.card), "store_id": p.store.id, "store_invoice_id": p.invoiceID, "card_token": orNull(p.token), "card_pan": masked(p.card),
		"status": p.status, "callback_url": nil, "phone": nil, "kyc_data": kyc, "terminal_id": "186368T6", "merchant_id": "01200000119700D",
		"commission_type": "up", "total_amount": p.amount, "payment_amount": p.amount, "commission_amount": 0,
		"id": p.id, "uuid": p.uuid, "multicard_user_id": nil, "ps_id": nil, "ps_uniq_id": nil,
		"ps_response_code": orNull(p.responseCode), "ps_response_msg": orNull(p.responseMsg), "payment_time": local(p.paidAt), "added_on": local(p.addedAt),
		"store": map[string]any{"id": p.store.id, "uuid": p.store.uuid, "title": p.store.title}, "receipt_url": nil,
	}
	if !p.paidAt.IsZero() {
		m["ps_uniq_id"] = strconv.FormatInt(621120000000+p.id, 10)
		m["receipt_url"] = s.w.BaseURL + "/credit/check/" + p.uuid
	}
	return m
}

// Payouts are all payouts, oldest first: created, paid, refused or suspended.
func (s *Simulator) Payouts() []simulator.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []simulator.Entry
	for _, p := range s.credits {
		state := (&payment{status: p.status}).state()
		out = append(out, simulator.Entry{Ref: p.uuid, Account: p.invoiceID, Amount: p.amount, State: state, At: p.addedAt})
	}
	return out
}

// Deposit is what an application has left for payouts.
func (s *Simulator) Deposit(application string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.app(application, "").deposit
}

// setDeposit is the company's cabinet: how much an application has left for payouts.
func (s *Simulator) setDeposit(application string, amount int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if application == "" {
		application = publicApp
	}
	if s.apps[application] == nil {
		return fmt.Errorf("no application %q", application)
	}
	s.apps[application].deposit = amount
	return nil
}
