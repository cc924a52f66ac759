package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The calls that charge without the hosted page: binding by form and by number, payments and holds
// by token, by number and in other companies' apps.

const (
	sessionLife = 15 * time.Minute
	wrongTries  = 3 // after so many wrong codes the payment takes no further one
)

// Cards of the sandbox beside those of the page.
const (
	QuietCard = "8600000000000056" // no SMS can be sent
	FreeCard  = "8600000000000064" // no code is asked for

	TalkativeCard   = "8600000000000070" // its owner was sent too many codes
	UnsupportedCard = "8600000000000071" // is not taken
	ShortCard       = "8600000000000072" // has half of what is asked for
	SecureCard      = "8600000000000073" // its code is 3-D Secure's: no telephone is told
	UnknownCard     = "8600000000000074"
	VisaCard        = "4278310000000008"

	OwnerPINFL = "31105892514010" // of every Uzcard and Humo card
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
	expiry, callback           string
	codeAt                     time.Time
	tries                      int
}

// sent is a code that was sent and is not used yet.
type sent struct{ at time.Time }

// bindNote is the unsigned word that a card was bound: repeated until it is answered with 200.
type bindNote struct {
	b       *boundCard
	due     time.Time
	sent    int
	sending bool
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
	s.mux.HandleFunc("POST /payment/card", s.serve("card.add", s.addCard))
	s.mux.HandleFunc("PUT /payment/card/{token}", s.serve("card.confirm", s.confirmCard))
	s.mux.HandleFunc("GET /payment/card/{token}", s.serve("card.read", s.readCard))
	s.mux.HandleFunc("GET /payment/card/check/{pan}", s.serve("card.check", s.checkCard))
	s.mux.HandleFunc("POST /payment/card/check-pinfl", s.serve("card.pinfl", s.checkPINFL))
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
	errNoCard   = &failure{status: http.StatusBadRequest, code: "ERROR_CARD_NOT_FOUND", details: "Неверный номер карты или срок действия"}
	errWrongOTP = &failure{status: http.StatusBadRequest, code: "ERROR_WRONG_OTP", details: "Неверный код подтверждения"}
	errLateOTP  = &failure{status: http.StatusLocked, code: "ERROR_WRONG_OTP", details: "Код подтверждения истек, запросите новый"}
	errApplied  = &failure{status: http.StatusForbidden, code: "ERROR_PAYMENT_APPLIED", details: "Холд не активен"}
	errSoon     = &failure{status: http.StatusTooManyRequests, code: "ERROR_SMS_ALREADY_SENT", details: "SMS с кодом уже отправлено: дождитесь его получения, либо попробуйте позже через 2 минуты"}
	errQuota    = &failure{status: http.StatusBadRequest, code: "ERROR_SMS_TO_MANY", details: "Превышен лимит SMS"}
	errNoType   = &failure{status: http.StatusBadRequest, code: "CARD_NOT_SUPPORTED", details: "Карта не поддерживается"}
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
	b := &boundCard{session: fmt.Sprintf("%013x", s.w.Now().UnixMicro()/8+s.serial), app: c.app, phone: c.text("phone"), pinfl: c.text("pinfl"), back: c.text("redirect_url"), decline: c.text("redirect_decline_url"), callback: c.text("callback_url"), madeAt: s.w.Now(), status: statusDraft}
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
		if b.pinfl != "" && b.pinfl != OwnerPINFL || network(pan) == "humo" && b.phone == "" {
			return b.decline, errFlow
		}
		b.pan, b.token, b.status = pan, token24(pan), "active"
		if b.phone == "" {
			b.phone = "998901234567"
		}
		if b.callback != "" {
			s.notes = append(s.notes, &bindNote{b: b, due: s.w.Now()})
		}
		return b.back, nil
	}
	return "", errFlow
}

// The binding callback is sent five times in all, a minute apart.
const (
	noteTimes = 5
	noteEvery = time.Minute
)

// tellBound sends the words about bound cards that are due.
func (s *Simulator) tellBound(ctx context.Context) (all []simulator.Exchange) {
	for {
		var next *bindNote
		s.mu.Lock()
		for _, n := range s.notes {
			if !n.sending && !s.w.Now().Before(n.due) {
				next = n
				break
			}
		}
		if next == nil {
			s.mu.Unlock()
			return all
		}
		next.sending = true
		body, _ := json.Marshal(next.b.model())
		s.mu.Unlock()
		exchanges := s.w.Call(ctx, "card.callback", http.MethodPost, next.b.callback, jsonHeader(), body)
		all = append(all, exchanges...)
		done := slices.ContainsFunc(exchanges, func(x simulator.Exchange) bool { return x.Status == http.StatusOK })
		s.mu.Lock()
		next.sending, next.due = false, s.w.Now().Add(noteEvery)
		if next.sent++; done || next.sent >= noteTimes {
			s.notes = slices.DeleteFunc(s.notes, func(n *bindNote) bool { return n == next })
		}
		s.mu.Unlock()
	}
}

// showForm is the page on which a card's owner enters it; takeForm is the press of its button.
func (s *Simulator) showForm(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`+
		`<title>Multicard (sandbox)</title>`+simulator.PageHead+`<body class="multicard">`+simulator.PageBar+`<main><h1>Multicard: a card</h1><form method="post">`+
		`<label>Card<input name="card" inputmode="numeric" value="`+GoodCard+`"></label><label>Code from the SMS<input name="otp" inputmode="numeric" value="`+GoodCode+`"></label>`+
		`<button value="pay">OK</button></form></main></body></html>`)
}

func (s *Simulator) takeForm(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	back, err := s.enter(r.PathValue("session"), r.PostFormValue("card"), r.PostFormValue("otp"))
	s.mu.Unlock()
	s.tellBound(r.Context())
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
	switch {
	case strings.HasPrefix(pan, "9860"):
		return "humo"
	case strings.HasPrefix(pan, "4"):
		return "visa"
	}
	return "uzcard"
}

// ─── By number ─────────────────────────────────────────────────────────────────────────────

var (
	panShape    = regexp.MustCompile(`^[0-9]{16}$`)
	expiryShape = regexp.MustCompile(`^[0-9]{2}(0[1-9]|1[0-2])$`)
	pinflShape  = regexp.MustCompile(`^[0-9]{14}$`)
)

// exists says whether there is such a card.
func exists(pan, expiry string) bool {
	return panShape.MatchString(pan) && pan != UnknownCard && expiryShape.MatchString(expiry) && (pan != GoodCard || expiry == GoodExpiry)
}

// send sends a code to a card's owner. Under the lock.
func (s *Simulator) send(pan string) error {
	switch was, waits := s.sentTo[pan]; {
	case pan == QuietCard:
		return &failure{status: http.StatusBadRequest, code: "ERROR_CARD_SMS", details: "На карте " + masked(pan) + " не подключено SMS-информирование"}
	case pan == TalkativeCard:
		return errQuota
	case waits && s.w.Now().Sub(was.at) < codeEvery:
		return errSoon
	}
	s.sentTo[pan] = sent{s.w.Now()}
	return nil
}

const (
	codeEvery = 2 * time.Minute
	codeLife  = 3 * time.Minute
)

// tried checks a code that was sent at a time, after so many wrong ones. Under the lock.
func (s *Simulator) tried(otp string, at time.Time, wrong *int) error {
	switch {
	case otp == "":
		return fields("Не передан SMS-код")
	case *wrong >= wrongTries, s.w.Now().Sub(at) > codeLife:
		return errLateOTP
	case otp != GoodCode:
		*wrong++
		return errWrongOTP
	}
	return nil
}

func (s *Simulator) addCard(c call) (any, error) {
	pan, expiry, phone := c.text("pan"), c.text("expiry"), c.text("user_phone")
	switch {
	case pan == "":
		return nil, missing("pan")
	case expiry == "":
		return nil, missing("expiry")
	case phone == "":
		return nil, missing("user_phone")
	case pan == UnsupportedCard:
		return nil, errNoType
	case !exists(pan, expiry):
		return nil, errNoCard
	}
	if err := s.send(pan); err != nil {
		return nil, err
	}
	token := token24(pan)
	s.cards = slices.DeleteFunc(s.cards, func(b *boundCard) bool { return b.token == token && b.app == c.app && b.status == statusDraft })
	b := &boundCard{pan: pan, token: token, phone: phone, expiry: expiry, app: c.app, madeAt: s.w.Now(), codeAt: s.w.Now(), status: statusDraft}
	s.cards = append(s.cards, b)
	m := b.model()
	for _, name := range []string{"payer_id", "phone", "holder_name", "card_status", "sms_inform"} {
		m[name] = nil
	}
	return m, nil
}

func (s *Simulator) confirmCard(c call) (any, error) {
	b := s.cardIn(c, c.PathValue("token"), statusDraft)
	if b == nil {
		return nil, errNoCard
	}
	if err := s.tried(c.text("otp"), b.codeAt, &b.tries); err != nil {
		return nil, err
	}
	delete(s.sentTo, b.pan)
	b.status = "active"
	return b.model(), nil
}

func (s *Simulator) readCard(c call) (any, error) {
	for _, status := range []string{"active", statusDraft} {
		if b := s.cardIn(c, c.PathValue("token"), status); b != nil {
			return b.model(), nil
		}
	}
	return nil, errNoCard
}

func (s *Simulator) checkCard(c call) (any, error) {
	pan := c.PathValue("pan")
	if !panShape.MatchString(pan) || pan == UnknownCard {
		return nil, errNoCard
	}
	return map[string]any{
		"ps": network(pan), "holder_name": "AAAA BBBBB", "masked_pan": masked(pan),
		"bank": map[string]any{"bin": pan[:6], "name": "Orient Finance Bank", "color": "D1AA3B", "logo": "https://cdn.multicard.uz/banks/ofb.png", "ps_bank_id": "27", "country": "860"},
	}, nil
}

func (s *Simulator) checkPINFL(c call) (any, error) {
	switch pan, pinfl := c.text("pan"), c.text("pinfl"); {
	case pinfl == "":
		return nil, missing("pinfl")
	case !pinflShape.MatchString(pinfl):
		return nil, fields("pinfl должен состоять из 14 цифр.")
	case !panShape.MatchString(pan) || pan == UnknownCard:
		return nil, errNoCard
	case network(pan) == "visa":
		return nil, nil
	default:
		return pinfl == OwnerPINFL, nil
	}
}

// card finds the card that a payment is asked of, by its token or by its number.
func (s *Simulator) card(c call, hold bool) (*boundCard, error) {
	in := call{Request: c.Request, app: c.app, body: map[string]json.RawMessage{}}
	bad := c.has("card") && json.Unmarshal(c.body["card"], &in.body) != nil
	token, pan, expiry := in.text("token"), in.text("pan"), in.text("expiry")
	if bad || (token == "") == (pan == "") || pan != "" && (expiry == "" || hold) {
		return nil, fields("Card should be array with (`pan` and `expiry`) or `token` field")
	}
	if token != "" {
		if b := s.cardBy(c, token); b != nil {
			return b, nil
		}
		return nil, errNoCard
	}
	if pan == UnsupportedCard {
		return nil, errNoType
	}
	if !exists(pan, expiry) {
		return nil, errNoCard
	}
	return &boundCard{pan: pan, token: token24(pan), phone: "998901234567", expiry: expiry, app: c.app, status: statusDraft, madeAt: s.w.Now()}, nil
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
	return s.cardIn(c, token, "active")
}

func (s *Simulator) cardIn(c call, token, status string) *boundCard {
	for _, b := range s.cards {
		if token != "" && b.token == token && b.status == status && b.app == c.app {
			return b
		}
	}
	return nil
}

// begin makes the payment that a charge or a hold asks for.
func (s *Simulator) begin(c call, hold bool) (*payment, error) {
	b, noCard := s.card(c, hold)
	st := s.storeOf(c.text("store_id"))
	amount, ok := c.whole("amount")
	switch {
	case st == nil || st.app != c.app:
		return nil, fields("Неверный store_id")
	case !ok || amount <= 0:
		return nil, missing("amount")
	case !c.has("invoice_id"):
		return nil, missing("invoice_id")
	case noCard != nil:
		return nil, noCard
	}
	if err := checkSplit(c.body["split"], amount); err != nil {
		return nil, err
	}
	needsCode := b.pan != FreeCard && (hold || b.status == statusDraft || s.rulesOf(st).otp)
	if needsCode {
		if err := s.send(b.pan); err != nil {
			return nil, err
		}
	}
	s.serial++
	now := s.w.Now()
	p := &payment{
		id: 753966 + s.serial, uuid: s.uuid(), store: st, amount: amount, invoiceID: c.text("invoice_id"), callbackURL: c.text("callback_url"),
		ofd: c.body["ofd"], split: c.body["split"], addedAt: now, changed: now, deadline: now.Add(24 * time.Hour),
		ps: network(b.pan), pan: masked(b.pan), token: b.token, phone: b.phone, full: b.pan, needsCode: needsCode, codeAt: now,
	}
	if b.pan == SecureCard {
		p.phone = ""
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
	if c.has("payment_system") {
		return s.createByApp(c)
	}
	p, err := s.begin(c, false)
	if err != nil {
		return nil, err
	}
	return s.withCode(p), nil
}

// code checks what the owner was sent.
func (s *Simulator) code(c call, p *payment) error {
	if !p.needsCode {
		return nil
	}
	if err := s.tried(c.text("otp"), p.codeAt, &p.tries); err != nil {
		return err
	}
	delete(s.sentTo, p.full)
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
	var short bool
	_ = json.Unmarshal(c.body["debit_available"], &short)
	if p.full == ShortCard && short {
		p.amount /= 2
	}
	s.debit(p, short)
	if p.status == statusProgress {
		return nil, &failure{status: http.StatusBadRequest, code: "ERROR_DEBIT_UNKNOWN", details: "Результат списания неизвестен"}
	}
	return s.model(p), nil
}

// debit takes the money, as the card lets it.
func (s *Simulator) debit(p *payment, short bool) {
	s.move(p, statusProgress)
	switch {
	case p.full == PoorCard, p.full == ShortCard && !short:
		p.responseCode, p.responseMsg = "51", "Недостаточно средств"
		s.move(p, statusError)
	case p.full == BlockedCard:
		p.responseCode, p.responseMsg = "62", "Карта заблокирована"
		s.move(p, statusError)
	case p.full == SlowCard:
		p.settles = statusSuccess
	case p.full == SlowPoorCard:
		p.settles = statusError
	default:
		s.debited(p)
		s.remember(p)
	}
}

// remember makes the token of a card that was paid by its number one that can be charged.
func (s *Simulator) remember(p *payment) {
	for _, b := range s.cards {
		if b.token == p.token && b.app == p.store.app && b.status == "active" {
			return
		}
	}
	s.cards = append(s.cards, &boundCard{pan: p.full, token: p.token, phone: "998901234567", app: p.store.app, madeAt: s.w.Now(), status: "active"})
}

// ─── Another company's app ─────────────────────────────────────────────────────────────────

var apps = []string{"payme", "click", "uzum", "anorbank", "alif", "oson", "xazna", "beepul", "trastpay", "sbp"}

func (s *Simulator) createByApp(c call) (any, error) {
	st := s.storeOf(c.text("store_id"))
	amount, ok := c.whole("amount")
	back := c.text("return_url")
	switch {
	case !slices.Contains(apps, c.text("payment_system")):
		return nil, wrong("payment_system")
	case st == nil || st.app != c.app:
		return nil, fields("Неверный store_id")
	case !ok || amount <= 0:
		return nil, missing("amount")
	case !c.has("invoice_id"):
		return nil, missing("invoice_id")
	case back != "" && !strings.HasPrefix(back, "http"):
		return nil, fields("Значение «Return Url» не является правильным URL")
	}
	if _, err := ofdSum(c.body["ofd"]); err != nil {
		return nil, err
	}
	s.serial++
	now := s.w.Now()
	p := &payment{
		id: 753966 + s.serial, uuid: s.uuid(), store: st, amount: amount, invoiceID: c.text("invoice_id"), callbackURL: c.text("callback_url"),
		ofd: c.body["ofd"], returnURL: orNull(back), addedAt: now, changed: now, deadline: now.Add(24 * time.Hour), app: c.text("payment_system"), ps: c.text("payment_system"),
	}
	p.invoiceUUID = p.uuid
	s.payments = append(s.payments, p)
	s.move(p, statusDraft)
	return s.model(p), nil
}

// appLink is the link into the app, null for any other payment.
func (s *Simulator) appLink(p *payment) any {
	if p.app == "" {
		return nil
	}
	return s.w.BaseURL + "/app/" + p.uuid
}

// ─── Holds ─────────────────────────────────────────────────────────────────────────────────

const statusHold = "hold"

func (s *Simulator) createHold(c call) (any, error) {
	minutes, ok := c.whole("expiry")
	if !ok || minutes < 1 || minutes > 43200 {
		return nil, wrong("expiry")
	}
	p, err := s.begin(c, true)
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

// Splits are for tests: how each payment is to be split.
func (s *Simulator) Splits() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.payments {
		if len(p.split) > 0 && string(p.split) != "null" {
			out = append(out, string(p.split))
		}
	}
	return out
}
