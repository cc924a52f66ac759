package sim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

const tokenLife = 24 * time.Hour

func (s *Simulator) routes() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /auth", func(w http.ResponseWriter, r *http.Request) {
		s.w.Serve("auth", w, r, s.auth)
	})
	s.mux.HandleFunc("POST /payment/invoice", s.serve("invoice.create", s.createInvoice))
	s.mux.HandleFunc("GET /payment/invoice/{uuid}", s.serve("invoice.read", s.readInvoice))
	s.mux.HandleFunc("GET /payment/{uuid}", s.serve("payment.read", s.readPayment))
	s.mux.HandleFunc("DELETE /payment/{uuid}", s.serve("payment.refund", s.refundPayment))
	s.mux.HandleFunc("PATCH /payment/{uuid}/fiscal", s.serve("payment.fiscal", s.takeFiscal))
	s.mux.HandleFunc("GET /payment/store/{store}/history", s.serve("register.read", s.readRegister))

	// DELETE /payment/invoice/{uuid} and DELETE /payment/{uuid}/partial: to the mux they overlap.
	cancel, part := s.serve("invoice.cancel", s.cancelInvoice), s.serve("payment.partial", s.refundPart)
	release, forget := s.serve("hold.cancel", s.cancelHold), s.serve("card.forget", s.forget)
	s.mux.HandleFunc("DELETE /payment/{first}/{second}", func(w http.ResponseWriter, r *http.Request) {
		switch first, second := r.PathValue("first"), r.PathValue("second"); {
		case first == "invoice":
			r.SetPathValue("uuid", second)
			cancel(w, r)
		case first == "hold":
			r.SetPathValue("id", second)
			release(w, r)
		case first == "card":
			r.SetPathValue("token", second)
			forget(w, r)
		case second == "partial":
			r.SetPathValue("uuid", first)
			part(w, r)
		default:
			http.NotFound(w, r)
		}
	})
	s.cardRoutes()
	s.payoutRoutes()
	s.registerRoutes()
	s.pages()
}

// call is one authorised call of a partner.
type call struct {
	*http.Request
	app  *app
	body map[string]json.RawMessage
}

// failure is a refusal of the application itself.
type failure struct {
	step, code, details string
	status              int
	after               bool // the call is carried out all the same
}

func (f *failure) Error() string { return f.code }

func fields(details string) error {
	return &failure{status: http.StatusBadRequest, code: "ERROR_FIELDS", details: details}
}

var (
	errNotFound = &failure{status: http.StatusNotFound, code: "ERROR_NOT_FOUND", details: "Объект не найден"}
	errNotReady = &failure{status: http.StatusBadRequest, code: "ERROR_TRANS_NOT_READY", details: "Транзакция завершена или не готова"}
	errDenied   = &failure{status: http.StatusForbidden, code: "ERROR_ACCESS_DENIED", details: "Доступ запрещен"}
	errFinished = fields("Транзакция по инвойсу завершена. Запросите детали платежа")
)

// serve serves one call: the edge proxy looks at the token, then the application acts under the
// lock.
func (s *Simulator) serve(step string, act func(call) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.w.Serve(step, w, r, func(w http.ResponseWriter, r *http.Request) {
			owner, word := s.bearer(r, step)
			if owner == nil {
				status := http.StatusUnauthorized
				if strings.HasPrefix(word, "RBAC") {
					status = http.StatusForbidden
				}
				http.Error(w, word, status)
				return
			}
			c := call{Request: r, app: owner}
			body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
			if err == nil && len(bytes.TrimSpace(body)) > 0 {
				err = json.Unmarshal(body, &c.body)
			}
			if err != nil {
				answer(w, nil, fields("Неверный формат запроса"))
				return
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if f := s.prepared(step); f != nil {
				if f.after {
					_, _ = act(c) // done, and said to have failed
				}
				answer(w, nil, f)
				return
			}
			data, err := act(c)
			s.twist(step, data)
			answer(w, data, err)
		})
	}
}

// prepared takes the failure that somebody set for this step. Under the lock.
func (s *Simulator) prepared(step string) *failure {
	for i, f := range s.failures {
		if f.step == step {
			s.failures = append(s.failures[:i:i], s.failures[i+1:]...)
			return &f
		}
	}
	return nil
}

// answer writes the envelope.
func answer(w http.ResponseWriter, data any, err error) {
	status, body := http.StatusOK, any(map[string]any{"success": true, "data": data})
	if f, ok := err.(*failure); ok {
		status = f.status
		body = map[string]any{"success": false, "error": map[string]string{"code": f.code, "details": f.details}}
	}
	writeJSON(w, status, body)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// ─── Tokens ───────────────────────────────────────────────────────────────────────────────

// auth answers POST /auth, which alone has no envelope.
func (s *Simulator) auth(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ID     string `json:"application_id"`
		Secret string `json:"secret"`
	}
	_ = json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&in)
	type fault struct {
		Message string `json:"message"`
		Field   string `json:"field,omitempty"`
	}
	refuse := func(faults ...fault) {
		writeJSON(w, http.StatusBadRequest, map[string]any{"errors": []any{map[string]any{"message": faults}}})
	}
	var missing []fault
	if in.ID == "" {
		missing = append(missing, fault{"application_id required", "application_id"})
	}
	if in.Secret == "" {
		missing = append(missing, fault{"You must supply a secret", "secret"})
	}
	if len(missing) > 0 {
		refuse(missing...)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	owner := s.apps[in.ID]
	if owner == nil || owner.secret != in.Secret {
		refuse(fault{Message: "Invalid Credentials"})
		return
	}
	now := s.w.Now()
	if f, ok := s.w.Faults.Take("auth", simulator.ClockSkew); ok {
		now = now.Add(f.Delay)
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"token": s.mint(owner, now), "role": "dev", "expiry": local(now.Add(tokenLife)),
	})
}

type claims struct {
	App        string `json:"app"`
	Role       string `json:"role"`
	Expires    int64  `json:"exp"`
	Generation int    `json:"gen"`
	Serial     int64  `json:"jti"`
}

// mint makes a token. Under the lock.
func (s *Simulator) mint(a *app, now time.Time) string {
	s.serial++
	b, _ := json.Marshal(claims{a.id, "dev", now.Add(tokenLife).Unix(), s.tokens, s.serial})
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(b)
	return head + "." + base64.RawURLEncoding.EncodeToString(s.seal(head))
}

func (s *Simulator) seal(text string) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// bearer returns the application whose token the call bears, or what the edge proxy says.
func (s *Simulator) bearer(r *http.Request, step string) (*app, string) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return nil, "RBAC: access denied" // also with the X-Access-Token of old samples
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
	}
	sign, _ := base64.RawURLEncoding.DecodeString(parts[2])
	if !hmac.Equal(sign, s.seal(parts[0]+"."+parts[1])) {
		return nil, "Jwt verification fails"
	}
	var c claims
	b, _ := base64.RawURLEncoding.DecodeString(parts[1])
	if json.Unmarshal(b, &c) != nil {
		return nil, "Jwt verification fails"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, forgotten := s.w.Faults.Take(step, simulator.ExpiredToken)
	if forgotten || c.Generation != s.tokens || s.w.Now().Unix() >= c.Expires {
		return nil, "Jwt is expired"
	}
	return s.apps[c.App], "Jwt verification fails"
}

// ─── What a call says, with the loose types that the company takes ────────────────────────

// text is a field as text: a string, or a number's digits.
func (c call) text(name string) string {
	raw := c.body[name]
	var t string
	if json.Unmarshal(raw, &t) == nil {
		return t
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

func (c call) has(name string) bool {
	raw := strings.TrimSpace(string(c.body[name]))
	return raw != "" && raw != "null" && raw != `""` && raw != "[]"
}

func (c call) whole(name string) (int64, bool) {
	n, err := strconv.ParseInt(c.text(name), 10, 64)
	return n, err == nil
}

// label is a field's name as the validators print it: invoice_id is «Invoice Id».
func label(name string) string {
	words := strings.Split(name, "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return "«" + strings.Join(words, " ") + "»"
}

func missing(name string) error {
	return fields("Необходимо заполнить " + label(name) + ".")
}
func wrong(name string) error { return fields("Значение " + label(name) + " неверно.") }

// ─── The hosted invoice ───────────────────────────────────────────────────────────────────

func (s *Simulator) createInvoice(c call) (any, error) {
	if !c.has("store_id") {
		return nil, fields("Поле store_id является обязательным")
	}
	st := s.storeOf(c.text("store_id"))
	if st == nil || st.app != c.app {
		return nil, fields("Неверный store_id")
	}
	rules := s.rulesOf(st)
	for _, name := range []string{"amount", "invoice_id"} {
		if !c.has(name) {
			return nil, missing(name)
		}
	}
	amount, ok := c.whole("amount")
	if !ok || amount <= 0 {
		return nil, fields("Значение «Amount» должно быть целым числом.")
	}
	if len(c.text("invoice_id")) > 255 {
		return nil, fields("Значение «Invoice Id» должно содержать максимум 255 символов.")
	}
	// The table calls it required, the words beside it say "if given": without one nobody is asked.
	if c.has("callback_url") && !reachable(c.text("callback_url")) {
		return nil, fields("Значение «Callback Url» не является правильным URL.")
	}
	if lang := c.text("lang"); lang != "" && lang != "ru" && lang != "uz" && lang != "en" {
		return nil, wrong("lang")
	}
	ttl := int64(24 * 60 * 60)
	if c.has("ttl") {
		if ttl, ok = c.whole("ttl"); !ok || ttl <= 0 {
			return nil, wrong("ttl")
		}
	}
	if !c.has("ofd") && rules.requireOFD {
		return nil, missing("ofd")
	}
	if _, err := ofdSum(c.body["ofd"]); err != nil {
		return nil, err
	}
	if err := checkSplit(c.body["split"], amount); err != nil {
		return nil, err
	}

	s.serial++
	now := s.w.Now()
	p := &payment{
		id: 753966 + s.serial, invoiceUUID: s.uuid(), store: st, amount: amount,
		invoiceID: c.text("invoice_id"), callbackURL: c.text("callback_url"),
		returnURL: orNull(c.text("return_url")), errorURL: orNull(c.text("return_error_url")),
		lang: c.text("lang"), sms: c.text("sms"), ofd: c.body["ofd"], split: c.body["split"],
		addedAt: now, changed: now, deadline: now.Add(time.Duration(ttl) * time.Second),
	}
	p.uuid = p.invoiceUUID
	if rules.ownUUID {
		p.uuid = s.uuid()
	}
	if rules.billing {
		p.billingID = now.In(tashkent).Format("20060102150405") + strconv.FormatInt(p.id, 10)
	}
	s.payments = append(s.payments, p)
	s.move(p, statusDraft)
	return s.invoice(p), nil
}

// reachable says whether the company would call an address: https, but for this machine.
func reachable(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && local
}

var mxik = regexp.MustCompile(`^[0-9]{17}$`)

// ofdSum checks the lines of a receipt and adds up their totals.
func ofdSum(raw json.RawMessage) (int64, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return 0, nil
	}
	var lines []struct {
		Qty         *json.Number `json:"qty"`
		Price       *int64       `json:"price"`
		Total       *int64       `json:"total"`
		MXIK        string       `json:"mxik"`
		PackageCode any          `json:"package_code"`
		Name        string       `json:"name"`
	}
	if json.Unmarshal(raw, &lines) != nil {
		return 0, wrong("ofd")
	}
	var sum int64
	for _, l := range lines {
		switch {
		case l.Qty == nil:
			return 0, missing("qty")
		case l.Price == nil:
			return 0, missing("price")
		case l.Total == nil:
			return 0, missing("total")
		case !mxik.MatchString(l.MXIK):
			return 0, wrong("mxik")
		case l.PackageCode == nil || l.PackageCode == "":
			return 0, missing("package_code")
		case l.Name == "":
			return 0, missing("name")
		}
		sum += *l.Total
	}
	return sum, nil
}

// commission is 2 %, kept from the merchant.
func commission(amount int64) int64 { return amount / 50 }

func checkSplit(raw json.RawMessage, amount int64) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var parts []struct {
		Type   string `json:"type"`
		Amount int64  `json:"amount"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return wrong("split")
	}
	var sum int64
	for _, p := range parts {
		if p.Type != "account" && p.Type != "wallet" && p.Type != "card" || p.Amount <= 0 {
			return wrong("split")
		}
		sum += p.Amount
	}
	if sum > amount-commission(amount) {
		return wrong("split")
	}
	return nil
}

// invoice is what creating and reading a hosted invoice answer.
func (s *Simulator) invoice(p *payment) map[string]any {
	params, _ := json.Marshal(map[string]any{
		"fixed_amount": p.amount, "details": map[string]string{"invoice_id": p.invoiceID, "invoice_uuid": p.invoiceUUID},
	})
	var short any
	if s.rulesOf(p.store).shortLink {
		short = "https://l.multicard.uz/" + p.invoiceUUID[:6]
	}
	return map[string]any{
		"uuid": p.invoiceUUID, "store_id": p.store.id, "amount": p.amount, "invoice_id": p.invoiceID,
		"return_url": p.returnURL, "return_error_url": p.errorURL, "callback_url": p.callbackURL,
		"ofd": p.ofd, "products": nil, "split": p.split, "sms": orNull(p.sms), "payment": s.model(p),
		"checkout_url": s.w.BaseURL + "/invoice/" + p.invoiceUUID, "short_link": short,
		"deeplink": fmt.Sprintf("https://multicard.app/payments/checkout/%d?params=%s", p.store.id, url.QueryEscape(string(params))),
		"added_on": local(p.addedAt), "updated_on": local(p.changed),
	}
}

func (s *Simulator) readInvoice(c call) (any, error) {
	p := s.find(c.PathValue("uuid"))
	switch {
	case p == nil || p.store.app != c.app:
		return nil, errNotFound
	case p.status == statusCanceled:
		return nil, errNotReady
	}
	return s.invoice(p), nil
}

func (s *Simulator) cancelInvoice(c call) (any, error) {
	p := s.find(c.PathValue("uuid"))
	switch {
	case p == nil || p.store.app != c.app:
		return nil, errNotFound
	case p.status == statusCanceled:
		return nil, errNotReady
	case p.status != statusDraft:
		return nil, errFinished
	}
	s.move(p, statusCanceled)
	return []any{}, nil
}

// ─── The payment ──────────────────────────────────────────────────────────────────────────

// model is the payment with all its keys, most of which are null.
func (s *Simulator) model(p *payment) map[string]any {
	m := map[string]any{
		"id": p.id, "uuid": p.uuid, "store_id": p.store.id, "payment_amount": p.amount,
		"commission_type": "down", "commission_amount": commission(p.amount), "total_amount": p.amount,
		"store_invoice_id": p.invoiceID, "status": p.status, "callback_url": p.callbackURL,
		"billing_id": orNull(p.billingID), "phone": orNull(p.phone), "ps": orNull(p.ps),
		"receipt_url": nil, "kyc_data": nil, "device_details": nil, "details": nil,
		"card_token": orNull(p.token), "card_pan": orNull(p.pan), "split": p.split, "multicard_user_id": nil,
		"ofd": p.ofd, "terminal_id": "186368T6", "merchant_id": "01200000119700D", "ps_uniq_id": nil,
		"ps_response_code": orNull(p.responseCode), "ps_response_msg": orNull(p.responseMsg),
		"callback_message": orNull(p.callbackMessage), "payment_time": local(p.paidAt), "refund_time": local(p.backAt),
		"otp_hash": nil, "clearing_id": nil, "tax_receipt_id": nil, "push_sent_at": nil,
		"store":       map[string]any{"id": p.store.id, "uuid": p.store.uuid, "title": p.store.title},
		"application": map[string]any{"application_id": p.store.app.id},
		"tax":         nil, "refund_tax": nil, "clearing": s.clearing(p), "checkout_url": s.appLink(p), "added_on": local(p.addedAt),
	}
	if !p.paidAt.IsZero() {
		m["receipt_url"] = s.w.BaseURL + "/check/" + p.uuid
		m["ps_uniq_id"] = strconv.FormatInt(521120000000+p.id, 10)
	}
	if s.rulesOf(p.store).tax && !p.paidAt.IsZero() && p.status != statusProgress && p.taxReads > 1 {
		m["tax"] = receipt(p, p.paidAt, false)
		if p.refunded > 0 {
			m["refund_tax"] = receipt(p, p.backAt, true)
		}
	}
	return m
}

// receipt is a fiscal receipt of the company's own. Its link has the right form and opens
// nowhere: terminals 00 to 99 are the sandbox's.
func receipt(p *payment, at time.Time, refund bool) map[string]any {
	terminal := fmt.Sprintf("EZ%012d", p.store.id%100)
	number := p.id * 2
	if refund {
		number++
	}
	when := at.In(tashkent).Format("20060102150405")
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", terminal, number, when))
	sign := fmt.Sprintf("%012d", binary.BigEndian.Uint64(sum[:8])%1_000_000_000_000)
	return map[string]any{
		"receipt": nil, "f_num": sign, "fm_num": terminal, "is_refund": refund,
		"qr_url": fmt.Sprintf("https://ofd.soliq.uz/epi?t=%s&r=%d&c=%s&s=%s", terminal, number, when, sign),
	}
}

func (s *Simulator) readPayment(c call) (any, error) {
	p := s.find(c.PathValue("uuid"))
	if p == nil || p.store.app != c.app {
		return nil, errNotFound
	}
	if p.status == statusSuccess || p.status == statusRevert {
		p.taxReads++ // the receipt is made a little later than the payment
	}
	return s.model(p), nil
}

func (s *Simulator) refundPayment(c call) (any, error) {
	p := s.find(c.PathValue("uuid"))
	if p == nil || p.store.app != c.app {
		return nil, errNotFound
	}
	switch p.status {
	case statusSuccess:
		s.giveBack(p, p.amount-p.refunded)
	case statusDraft:
		s.move(p, statusCanceled)
	case statusProgress, statusBilling:
		return nil, errNotReady
	default:
		return nil, errNotFound
	}
	return s.model(p), nil
}

func (s *Simulator) refundPart(c call) (any, error) {
	p := s.find(c.PathValue("uuid"))
	if p == nil || p.store.app != c.app || p.status != statusSuccess {
		return nil, errNotFound
	}
	rules := s.rulesOf(p.store)
	for _, name := range []string{"refund_amount", "ofd"} {
		if !c.has(name) {
			return nil, missing(name)
		}
	}
	amount, ok := c.whole("refund_amount")
	sum, err := ofdSum(c.body["ofd"])
	switch {
	case !rules.partial:
		return nil, fields("Частичный возврат не настроен для терминала")
	case !ok || amount <= 0 || amount > p.amount-p.refunded:
		return nil, wrong("refund_amount")
	case err != nil:
		return nil, err
	case rules.strictOFD && sum != p.amount-p.refunded-amount:
		return nil, wrong("ofd")
	case p.pan == "" && len(c.text("card_pan")) != 16:
		return nil, missing("card_pan")
	}
	p.ofd = c.body["ofd"]
	s.giveBack(p, amount)
	return s.model(p), nil
}

func (s *Simulator) takeFiscal(c call) (any, error) {
	p := s.find(c.PathValue("uuid"))
	switch {
	case p == nil || p.store.app != c.app:
		return nil, errNotFound
	case !c.has("url"):
		return nil, missing("url")
	case s.rulesOf(p.store).tax:
		return nil, fields("Касса фискализирует чеки самостоятельно")
	case p.paidAt.IsZero():
		return nil, errNotReady
	}
	var refund bool
	_ = json.Unmarshal(c.body["is_refund"], &refund)
	if refund && p.refunded == 0 {
		return nil, errNotReady
	}
	if refund {
		p.refundFiscal = c.text("url")
	} else {
		p.fiscal = c.text("url")
	}
	return map[string]any{}, nil
}

// ─── The register's list ──────────────────────────────────────────────────────────────────

func (s *Simulator) readRegister(c call) (any, error) {
	st := s.storeOf(c.PathValue("store"))
	if st == nil {
		return nil, fields("Неверный store_id")
	}
	if st.app != c.app {
		return nil, errDenied
	}
	q := c.URL.Query()
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
	sums := map[[2]string]int64{}
	list, total := []any{}, 0
	for _, p := range s.paymentsOf(st) {
		s.age(p)
		added := p.addedAt.Truncate(time.Second)
		if added.Before(bounds[0]) || added.After(bounds[1]) || q.Get("only_status") != "" && q.Get("only_status") != p.status {
			continue
		}
		sums[[2]string{p.status, p.ps}] += p.amount
		if total++; total <= offset || len(list) == limit {
			continue
		}
		list = append(list, map[string]any{
			"id": p.id, "uuid": p.uuid, "status": p.status, "ps": orNull(p.ps), "store_invoice_id": p.invoiceID,
			"billing_id": orNull(p.billingID), "payment_time": local(p.paidAt), "payment_amount": p.amount,
			"commission_amount": commission(p.amount), "card_token": orNull(p.token), "card_pan": orNull(p.pan),
			"ps_uniq_id": nil, "refund_time": local(p.backAt), "added_on": local(p.addedAt),
		})
	}
	stat := []any{}
	for key, sum := range sums {
		stat = append(stat, map[string]any{"status": key[0], "ps": orNull(key[1]), "payment_amount": strconv.FormatInt(sum, 10)})
	}
	return map[string]any{
		"pagination": map[string]int{"total": total, "offset": offset, "limit": limit}, "stat": stat, "list": list,
	}, nil
}

// token24 is a card's token: 24 hex characters.
func token24(pan string) string {
	sum := sha256.Sum256([]byte("token of " + pan))
	return hex.EncodeToString(sum[:12])
}
