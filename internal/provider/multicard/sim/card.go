package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// The calls that charge a card without the hosted page: binding by form, payments and holds by
// token.

const (
	sessionLife = 15 * time.Minute
	wrongTries  = 3 // after so many wrong codes the payment takes no further one
)

// Cards of the sandbox beside those of the page.
const (
	QuietCard = "8600000000000056" // no SMS can be sent
	FreeCard  = "8600000000000064" // no code is asked for
)

// TokenOf is the token of a card, for tests that search for it.
func TokenOf(pan string) string { return token24(pan) }

// boundCard is a card's token, from its form on.
type boundCard struct {
	session, pan, token, phone string
	pinfl, back, decline       string
	app                        *app
	madeAt                     time.Time
	status                     string // draft, active, deleted
}

// hold is a payment whose money is only blocked.
type hold struct {
	p      *payment
	status string // draft, active, canceled, charged
	expiry time.Time
}

func (s *Simulator) cardRoutes() {
	s.mux.HandleFunc("POST /payment/card/bind", s.serve("card.bind", s.bindCard))
	s.mux.HandleFunc("GET /payment/card/bind/{session}", s.serve("card.session", s.readSession))
	s.mux.HandleFunc("GET /card/{session}", s.showForm)
	s.mux.HandleFunc("POST /card/{session}", s.takeForm)
	s.mux.HandleFunc("POST /payment", s.serve("payment.create", s.createPayment))
	s.mux.HandleFunc("PUT /payment/{uuid}", s.serve("payment.confirm", s.confirmPayment))
	s.mux.HandleFunc("POST /payment/hold", s.serve("hold.create", s.createHold))
	s.mux.HandleFunc("GET /payment/hold/{id}", s.serve("hold.read", s.readHold))
	confirm := s.serve("hold.confirm", s.confirmHold)
	s.mux.HandleFunc("PUT /payment/{first}/{second}", func(w http.ResponseWriter, r *http.Request) { // to the mux they overlap
		switch first, second := r.PathValue("first"), r.PathValue("second"); {
		case first == "hold":
			r.SetPathValue("id", second)
			confirm(w, r)
		case second == "scanpay":
			r.SetPathValue("uuid", first)
			s.scanpay(w, r)
		default:
			http.NotFound(w, r)
		}
	})
	s.mux.HandleFunc("PUT /payment/hold/{id}/charge", s.serve("hold.charge", s.chargeHold))
}

var (
	errNoCard   = &failure{status: http.StatusBadRequest, code: "ERROR_CARD_NOT_FOUND", details: "Карта не найдена"}
	errNoSMS    = &failure{status: http.StatusBadRequest, code: "ERROR_CARD_SMS", details: "Не удалось отправить SMS"}
	errWrongOTP = &failure{status: http.StatusBadRequest, code: "ERROR_WRONG_OTP", details: "Неверный SMS-код"}
	errApplied  = &failure{status: http.StatusForbidden, code: "ERROR_PAYMENT_APPLIED", details: "Платеж уже проведен"}
)

func (s *Simulator) bindCard(c call) (any, error) {
	for _, name := range []string{"store_id", "redirect_url", "redirect_decline_url", "callback_url"} {
		if !c.has(name) {
			return nil, fields("Не переданы обязательные поля: " + name)
		}
	}
	if st := s.storeOf(c.text("store_id")); st == nil || st.app != c.app {
		return nil, fields("Неверный store_id")
	}
	s.serial++
	b := &boundCard{session: fmt.Sprintf("%013x", s.w.Now().UnixMicro()/8+s.serial), app: c.app, phone: c.text("phone"), pinfl: c.text("pinfl"), back: c.text("redirect_url"), decline: c.text("redirect_decline_url"), madeAt: s.w.Now(), status: statusDraft}
	s.cards = append(s.cards, b)
	return map[string]any{"session_id": b.session, "form_url": s.w.BaseURL + "/card/" + b.session}, nil
}

// enter is the card's owner on the form. Under the lock.
func (s *Simulator) enter(session, pan, otp string) (back string, err error) {
	for _, b := range s.cards {
		if b.session != session {
			continue
		}
		if s.w.Now().Sub(b.madeAt) > sessionLife || b.status != statusDraft || otp != "" && otp != GoodCode {
			return b.decline, errFlow
		}
		if pan == "" {
			pan = GoodCard
		}
		b.pan, b.token, b.status = pan, token24(pan), "active"
		if b.phone == "" {
			b.phone = "998901234567"
		}
		return b.back, nil
	}
	return "", errFlow
}

// showForm is the page on which a card's owner enters it; takeForm is the press of its button.
func (s *Simulator) showForm(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><meta charset="utf-8"><title>Multicard (sandbox)</title><h1>Multicard · sandbox</h1><form method="post">`+
		`<p><input name="card" value="%s"> <input name="otp" value="%s"></p><button>OK</button></form>`, GoodCard, GoodCode)
}

func (s *Simulator) takeForm(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	back, err := s.enter(r.PathValue("session"), r.PostFormValue("card"), r.PostFormValue("otp"))
	s.mu.Unlock()
	if back == "" {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (s *Simulator) readSession(c call) (any, error) {
	for _, b := range s.cards {
		if b.session == c.PathValue("session") && b.app == c.app && b.status == "active" {
			return b.model(), nil
		}
	}
	return nil, errNoCard
}

func (b *boundCard) model() map[string]any {
	return map[string]any{
		"id": 55, "application_id": 1, "payer_id": b.session, "card_pan": masked(b.pan), "card_token": b.token, "phone": b.phone,
		"holder_name": "AAAA BBBBB", "pinfl": orNull(b.pinfl), "ps": network(b.pan), "status": b.status, "added_on": local(b.madeAt),
		"card_status": map[string]any{"code": 0, "description": "Active"}, "sms_inform": true,
	}
}

func network(pan string) string {
	if len(pan) > 4 && pan[:4] == "9860" {
		return "humo"
	}
	return "uzcard"
}

// forget serves DELETE /payment/card/{token}.
func (s *Simulator) forget(c call) (any, error) {
	b := s.cardBy(c, c.PathValue("token"))
	if b == nil {
		return nil, errNoCard
	}
	b.status = "deleted"
	return []any{}, nil
}

func (s *Simulator) cardBy(c call, token string) *boundCard {
	for _, b := range s.cards {
		if token != "" && b.token == token && b.status == "active" && b.app == c.app {
			return b
		}
	}
	return nil
}

// begin makes the payment that a charge or a hold asks for.
func (s *Simulator) begin(c call) (*payment, error) {
	in := call{Request: c.Request, app: c.app, body: map[string]json.RawMessage{}}
	if c.has("card") && json.Unmarshal(c.body["card"], &in.body) != nil {
		return nil, fields("Card should be array with token")
	}
	b := s.cardBy(c, in.text("token"))
	st := s.storeOf(c.text("store_id"))
	amount, ok := c.whole("amount")
	switch {
	case st == nil || st.app != c.app:
		return nil, fields("Неверный store_id")
	case !ok || amount <= 0:
		return nil, missing("amount")
	case !c.has("invoice_id"):
		return nil, missing("invoice_id")
	case b == nil:
		return nil, errNoCard
	case b.pan == QuietCard:
		return nil, errNoSMS
	}
	if err := checkSplit(c.body["split"], amount); err != nil {
		return nil, err
	}
	s.serial++
	now := s.w.Now()
	p := &payment{
		id: 753966 + s.serial, uuid: s.uuid(), store: st, amount: amount, invoiceID: c.text("invoice_id"), callbackURL: c.text("callback_url"),
		ofd: c.body["ofd"], split: c.body["split"], addedAt: now, changed: now, deadline: now.Add(24 * time.Hour),
		ps: network(b.pan), pan: masked(b.pan), token: b.token, phone: b.phone, full: b.pan, needsCode: b.pan != FreeCard,
	}
	p.invoiceUUID = p.uuid
	s.payments = append(s.payments, p)
	s.move(p, statusDraft)
	return p, nil
}

// withCode is the payment with otp_hash where a code was sent.
func (s *Simulator) withCode(p *payment) map[string]any {
	m := s.model(p)
	if p.needsCode && p.status == statusDraft {
		m["otp_hash"] = "a1b2c3"
	}
	return m
}

func (s *Simulator) createPayment(c call) (any, error) {
	p, err := s.begin(c)
	if err != nil {
		return nil, err
	}
	return s.withCode(p), nil
}

// code checks what the owner was sent.
func (s *Simulator) code(c call, p *payment) error {
	switch {
	case !p.needsCode:
		return nil
	case !c.has("otp"):
		return fields("Не передан SMS-код")
	case p.tries >= wrongTries:
		return &failure{status: http.StatusLocked, code: "ERROR_WRONG_OTP", details: "Срок действия SMS-кода истек"}
	case c.text("otp") != GoodCode:
		p.tries++
		return errWrongOTP
	}
	return nil
}

func (s *Simulator) confirmPayment(c call) (any, error) {
	p := s.find(c.PathValue("uuid"))
	switch {
	case p == nil || p.store.app != c.app:
		return nil, errNotFound
	case p.status != statusDraft:
		return nil, fields("Платеж подтвержден ранее")
	}
	if err := s.code(c, p); err != nil {
		return nil, err
	}
	s.debit(p)
	if p.status == statusProgress {
		return nil, &failure{status: http.StatusBadRequest, code: "ERROR_DEBIT_UNKNOWN", details: "Результат списания неизвестен"}
	}
	return s.model(p), nil
}

// debit takes the money, as the card lets it.
func (s *Simulator) debit(p *payment) {
	s.move(p, statusProgress)
	switch p.full {
	case PoorCard:
		p.responseCode, p.responseMsg = "51", "Недостаточно средств"
		s.move(p, statusError)
	case BlockedCard:
		p.responseCode, p.responseMsg = "62", "Карта заблокирована"
		s.move(p, statusError)
	case SlowCard:
		p.settles = statusSuccess
	case SlowPoorCard:
		p.settles = statusError
	default:
		s.debited(p)
	}
}

// ─── Holds ─────────────────────────────────────────────────────────────────────────────────

const statusHold = "hold"

func (s *Simulator) createHold(c call) (any, error) {
	minutes, ok := c.whole("expiry")
	if !ok || minutes < 1 || minutes > 43200 {
		return nil, wrong("expiry")
	}
	p, err := s.begin(c)
	if err != nil {
		return nil, err
	}
	h := &hold{p: p, status: statusDraft, expiry: s.w.Now().Add(time.Duration(minutes) * time.Minute)}
	s.holds = append(s.holds, h)
	return s.holdModel(h), nil
}

func (s *Simulator) holdModel(h *hold) map[string]any {
	return map[string]any{
		"id": h.p.id, "status": h.status, "expiry": local(h.expiry), "added_on": local(h.p.addedAt), "updated_on": local(h.p.changed), "payment": s.withCode(h.p),
	}
}

// holdOf finds a hold by its number or by its payment's uuid, and lets it run out.
func (s *Simulator) holdOf(c call) *hold {
	for _, h := range s.holds {
		if id := c.PathValue("id"); (strconv.FormatInt(h.p.id, 10) == id || h.p.uuid == id) && h.p.store.app == c.app {
			if h.status == "active" && !s.w.Now().Before(h.expiry) {
				h.status = statusCanceled
				s.move(h.p, statusCanceled)
			}
			return h
		}
	}
	return nil
}

func (s *Simulator) readHold(c call) (any, error) {
	h := s.holdOf(c)
	if h == nil {
		return nil, errNotFound
	}
	return s.holdModel(h), nil
}

func (s *Simulator) confirmHold(c call) (any, error) {
	h := s.holdOf(c)
	switch {
	case h == nil:
		return nil, errNotFound
	case h.status != statusDraft:
		return nil, fields("Платеж подтвержден ранее")
	}
	if err := s.code(c, h.p); err != nil {
		return nil, err
	}
	if h.p.full == PoorCard {
		h.p.responseCode, h.p.responseMsg = "51", "Недостаточно средств"
		h.status = statusError
		s.move(h.p, statusError)
		return s.holdModel(h), nil
	}
	h.status = "active"
	s.move(h.p, statusHold)
	return s.holdModel(h), nil
}

func (s *Simulator) chargeHold(c call) (any, error) {
	h := s.holdOf(c)
	if h == nil {
		return nil, errNotFound
	}
	if h.status != "active" {
		return nil, errApplied
	}
	amount := h.p.amount
	if c.has("amount") {
		var ok bool
		if amount, ok = c.whole("amount"); !ok || amount <= 0 || amount > h.p.amount {
			return nil, wrong("amount")
		}
	}
	h.status, h.p.amount = "charged", amount
	s.debited(h.p)
	return s.model(h.p), nil
}

func (s *Simulator) cancelHold(c call) (any, error) {
	h := s.holdOf(c)
	if h == nil {
		return nil, errNotFound
	}
	if h.status != "active" {
		return nil, errApplied
	}
	h.status = statusCanceled
	s.move(h.p, statusCanceled)
	return s.holdModel(h), nil
}
