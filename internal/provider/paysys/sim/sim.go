// Package sim plays PaySys: one address for JSON-RPC, with cards, SMS codes, payments and holds
// that keep their state by the sandbox's clock. It is written from the protocol's reference
// alone, and mixes numbers and texts in its answers as the documentation's samples do.
//
// It does not promise the texts of PaySys's messages, nor its true answer to a wrong signature:
// the documentation names none.
package sim

import (
	"context"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

const (
	code     = "253890" // every SMS code
	lifetime = 120 * time.Second
	window   = 5 * time.Minute // of the Auth header's time
)

// The cards that do not simply pay.
const (
	cardPoor    = "8600000000000007" // no money, told at the confirmation
	cardBlocked = "8600000000000015"
	cardNoSMS   = "8600000000000023"
	cardCut     = "8600000000000031" // the payment is performed, and the answer is cut
	cardBroken  = "8600000000000049" // it is performed, and the answer is a system error
)

// The statuses of a transaction.
const (
	stCreated  = 0
	stPaid     = 2
	stCancel   = 3
	stReturned = 6
	stHeld     = 7
	stFailed   = -1
)

type paysys struct {
	w *simulator.World

	mu       sync.Mutex
	services map[string]service // by service id
	vendors  map[string]bool
	cards    map[string]*card // by id
	list     []*transaction
	received map[string]int // how often each method came
}

type service struct{ id, secret string }

type card struct {
	id, number, expiry, phone, token string
	sent                             time.Time
	active                           bool
}

type transaction struct {
	bank, id    int64 // bank_transaction_id, transaction_id (0: not performed)
	rrn         string
	number      string
	cardID      string
	amount      int64
	product     string
	vendor      string
	status      int
	hold        bool
	holdFor     time.Duration
	after       string
	save        bool
	made, moved time.Time
}

// New opens the company.
func New(w *simulator.World) simulator.Simulator {
	return &paysys{w: w, services: map[string]service{}, vendors: map[string]bool{}, cards: map[string]*card{}, received: map[string]int{}}
}

// methods are the steps at which faults can be set. The card methods' prefix is another brand's
// where the merchant was registered with it; their steps keep these names.
var methods = []string{
	"paysys.card_registration", "paysys.card_confirm", "pam.prepare_payment", "pam.confirm_payment",
	"pam.payment", "hold.confirm", "pam.check_payment", "transaction.reverse",
}

func (s *paysys) Info() simulator.Info {
	return simulator.Info{Name: "paysys", Title: "PaySys", Actions: []string{"return"}, Steps: methods}
}

// AddAccount registers a service and its vendor.
func (s *paysys) AddAccount(a simulator.Account) error {
	id, secret, vendor := a.Credentials["serviceId"], a.Credentials["secretKey"], a.Credentials["vendorId"]
	if id == "" || secret == "" || vendor == "" {
		return errors.New("a merchant has a serviceId, a secretKey and a vendorId")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.services[id] = service{id, secret}
	s.vendors[vendor] = true
	return nil
}

// Act: nobody pays at PaySys but through us; its staff can return a payment.
func (s *paysys) Act(_ context.Context, a simulator.Action) (simulator.Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.Kind != "return" {
		return simulator.Report{}, fmt.Errorf("PaySys knows no action %q", a.Kind)
	}
	t := s.find(a.Ref)
	if t == nil || t.status != stPaid {
		return simulator.Report{}, fmt.Errorf("there is no paid transaction %q", a.Ref)
	}
	t.status = stReturned
	return simulator.Report{Ref: a.Ref, State: "refunded"}, nil
}

// Tick lets holds run out.
func (s *paysys) Tick(context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
}

func (s *paysys) expire() {
	for _, t := range s.list {
		if t.status == stHeld && s.w.Now().Sub(t.moved) > t.holdFor {
			t.status = stCancel
			if t.after == "accept" {
				t.status = stPaid
			}
		}
	}
}

// Books lists every transaction.
func (s *paysys) Books() []simulator.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	states := map[int]string{stCreated: "created", stPaid: "paid", stCancel: "cancelled", stReturned: "refunded", stHeld: "held"}
	var out []simulator.Entry
	for _, t := range s.list {
		e := simulator.Entry{Ref: strconv.FormatInt(t.bank, 10), Account: t.product, Amount: t.amount, State: states[t.status], At: t.made}
		if t.status == stReturned {
			e.Refunded = t.amount
		}
		out = append(out, e)
	}
	return out
}

// Received is for tests: how often a method has come.
func (s *paysys) Received(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.received[method]
}

func (s *paysys) find(bank string) *transaction {
	for _, t := range s.list {
		if strconv.FormatInt(t.bank, 10) == bank {
			return t
		}
	}
	return nil
}

// ─── The wire ─────────────────────────────────────────────────────────────────────────────

// rpcError is an error of theirs.
type rpcError struct {
	code int
	text string
}

func (e *rpcError) Error() string { return e.text }

func no(code int, text string) error { return &rpcError{code, text} }

var errCut = errors.New("the connection breaks")

func (s *paysys) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || strings.Trim(r.URL.Path, "/") != "gateway" {
		http.NotFound(rw, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 64<<10))
	var in struct {
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
		ID     json.RawMessage `json:"id"`
	}
	if err != nil || json.Unmarshal(body, &in) != nil {
		s.write(rw, json.RawMessage("null"), nil, no(-32700, "Parse error"))
		return
	}
	step := stepOf(in.Method)
	s.w.Serve(step, rw, r, func(rw http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		s.received[step]++
		s.expire()
		result, err := s.call(r, step, in.Params)
		s.mu.Unlock()
		if errors.Is(err, errCut) {
			panic(http.ErrAbortHandler)
		}
		s.write(rw, in.ID, result, err)
	})
}

// stepOf names a method; the card methods of every brand are one.
func stepOf(method string) string {
	if prefix, name, ok := strings.Cut(method, "."); ok && (name == "card_registration" || name == "card_confirm") && prefix != "" {
		return "paysys." + name
	}
	return method
}

func (s *paysys) write(rw http.ResponseWriter, id json.RawMessage, result any, err error) {
	answer := map[string]any{"id": id, "error": nil, "result": result, "mx_id": tracker(s.w.Now())}
	if id == nil {
		answer["id"] = nil
	}
	if e := (*rpcError)(nil); errors.As(err, &e) {
		answer["result"] = nil
		answer["error"] = map[string]any{"code": e.code, "message": e.text, "data": nil}
	}
	rw.Header().Set("Content-Type", "application/json")
	json.NewEncoder(rw).Encode(answer)
}

func tracker(at time.Time) string {
	sum := sha1.Sum([]byte(at.String()))
	return hex.EncodeToString(sum[:16])
}

// authorised checks the Auth header, read from the right: a service id may hold hyphens.
func (s *paysys) authorised(header string) error {
	rest, stamp, ok := cutLast(header)
	name, sum, ok2 := cutLast(rest)
	ms, err := strconv.ParseInt(stamp, 10, 64)
	svc, known := s.services[name]
	if !ok || !ok2 || err != nil || !known {
		return no(-32504, "Not enough rights")
	}
	want := sha1.Sum([]byte(svc.secret + stamp))
	if subtle.ConstantTimeCompare([]byte(sum), []byte(hex.EncodeToString(want[:]))) != 1 {
		return no(-32504, "Not enough rights")
	}
	if d := s.w.Now().Sub(time.UnixMilli(ms)); d > window || d < -window {
		return no(-32320, "The timestamp is stale")
	}
	return nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// params are all that a method may be given. Ids come as numbers or texts.
type params struct {
	CardID  string `json:"card_id"`
	Number  string `json:"card_number"`
	Expire  string `json:"card_expire"`
	Phone   string `json:"phone_number"`
	Code    string `json:"confirmation_code"`
	Amount  int64  `json:"amount"`
	Vendor  loose  `json:"vendor_id"`
	Product string `json:"product"`
	Save    bool   `json:"save"`
	Hold    bool   `json:"hold"`
	HoldFor int64  `json:"holding_time"`
	After   string `json:"after_expired"`
	Bank    loose  `json:"bank_transaction_id"`
	ID      loose  `json:"transaction_id"`
	Status  string `json:"status"`
}

type loose string

func (l *loose) UnmarshalJSON(b []byte) error {
	*l = loose(strings.Trim(string(b), `"`))
	return nil
}

func (s *paysys) call(r *http.Request, method string, raw json.RawMessage) (any, error) {
	var p params
	if len(raw) > 0 && string(raw) != "null" {
		if raw[0] != '{' || json.Unmarshal(raw, &p) != nil {
			return nil, no(-32600, "Invalid request")
		}
	}
	handle := map[string]func(params, string) (any, error){
		"paysys.card_registration": s.registerCard, "paysys.card_confirm": s.confirmCard,
		"pam.prepare_payment": s.prepare, "pam.confirm_payment": s.confirm, "pam.payment": s.payByToken,
		"hold.confirm": s.endHold, "pam.check_payment": s.check, "transaction.reverse": s.reverse,
	}[method]
	if handle == nil {
		return nil, no(-32601, "Method not found")
	}
	if err := s.authorised(r.Header.Get("Auth")); err != nil {
		return nil, err
	}
	return handle(p, r.Header.Get("Card-Token"))
}

// ─── Cards ─────────────────────────────────────────────────────────────────────────────────

var (
	phoneForm  = regexp.MustCompile(`^998[0-9]{9}$`)
	numberForm = regexp.MustCompile(`^[0-9]{16}$`)
	expiryForm = regexp.MustCompile(`^[0-9]{2}(0[1-9]|1[0-2])$`)
)

func checkCard(p params) error {
	switch {
	case p.Number == "" || p.Expire == "":
		return no(-32300, "Parameters are missing")
	case !numberForm.MatchString(p.Number):
		return no(-32304, "Wrong card number")
	case !expiryForm.MatchString(p.Expire):
		return no(-32305, "Wrong expiry")
	case p.Phone != "" && !phoneForm.MatchString(p.Phone):
		return no(-32303, "Wrong phone")
	}
	return willing(p.Number)
}

func willing(number string) error {
	switch number {
	case cardBlocked:
		return no(-32310, "The card is blocked")
	case cardNoSMS:
		return no(-32311, "SMS informing is not enabled")
	}
	return nil
}

func maskPhone(phone string) string {
	if phone == "" {
		return "+99890*****50"
	}
	return "+" + phone[:5] + "*****" + phone[10:]
}

func (s *paysys) registerCard(p params, _ string) (any, error) {
	if err := checkCard(p); err != nil {
		return nil, err
	}
	sum := sha1.Sum([]byte("card" + p.Number + strconv.Itoa(len(s.cards))))
	c := &card{id: strings.ToUpper(hex.EncodeToString(sum[:17])), number: p.Number, expiry: p.Expire, phone: p.Phone, sent: s.w.Now()}
	s.cards[c.id] = c
	return map[string]any{"id": c.id, "masked_phone_number": maskPhone(p.Phone), "time_out": int(lifetime / time.Second)}, nil
}

func (s *paysys) confirmCard(p params, _ string) (any, error) {
	c := s.cards[p.CardID]
	if c == nil {
		return nil, no(-32301, "The card is not registered")
	}
	if p.Code != code || s.w.Now().Sub(c.sent) > lifetime {
		return nil, no(-32308, "Wrong or expired code")
	}
	c.active = true
	var token any
	if _, ok := s.w.Faults.Take("paysys.card_confirm", NoToken); c.phone != "" && !ok {
		c.token = s.token(c.id)
		token = c.token
	}
	id := c.id
	if _, ok := s.w.Faults.Take("paysys.card_confirm", Another); ok {
		id = strings.Repeat("0", 34)
	}
	return map[string]any{"card_token": token, "card_data": map[string]any{
		"id": id, "username": "bank", "pan": c.number[:6] + "******" + c.number[12:], "expiry": c.expiry, "status": 0,
		"phone": c.phone, "fullName": "TEST TEST", "balance": 200000, "sms": true,
	}}, nil
}

func (s *paysys) token(id string) string {
	sum := sha1.Sum([]byte("token" + id))
	return "tk" + hex.EncodeToString(sum[:16])
}

// ─── Payments ──────────────────────────────────────────────────────────────────────────────

func (s *paysys) begin(p params) (*transaction, error) {
	t := &transaction{
		bank: 1485295 + int64(len(s.list)), number: p.Number, cardID: p.CardID, amount: p.Amount, product: p.Product,
		vendor: string(p.Vendor), hold: p.Hold, holdFor: time.Duration(p.HoldFor) * time.Second, after: p.After, save: p.Save, made: s.w.Now(),
	}
	if p.CardID != "" {
		c := s.cards[p.CardID]
		if c == nil || !c.active {
			return nil, no(-32301, "The card is not registered")
		}
		t.number = c.number
		if err := willing(c.number); err != nil {
			return nil, err
		}
	} else if err := checkCard(p); err != nil {
		return nil, err
	}
	switch {
	case p.Amount <= 0 || p.Product == "" || p.Vendor == "" || p.CardID == "" && p.Phone == "",
		p.Hold && (p.HoldFor <= 0 || p.After != "accept" && p.After != "cancel"):
		return nil, no(-32300, "Parameters are missing")
	case !s.vendors[string(p.Vendor)]:
		return nil, no(-32316, "The vendor is not known")
	}
	s.list = append(s.list, t)
	return t, nil
}

func (s *paysys) prepare(p params, _ string) (any, error) {
	t, err := s.begin(p)
	if err != nil {
		return nil, err
	}
	return map[string]any{"bank_transaction_id": t.bank, "masked_phone_number": maskPhone(p.Phone), "time_out": int(lifetime / time.Second)}, nil
}

// perform moves or holds the money.
func (s *paysys) perform(t *transaction) error {
	if t.number == cardPoor {
		return no(-32309, "Insufficient funds")
	}
	performed := int64(0)
	for _, x := range s.list {
		if x.id != 0 {
			performed++
		}
	}
	t.id, t.rrn, t.moved = 167075+performed, fmt.Sprintf("%012d", 3136441185+performed), s.w.Now()
	t.status = stPaid
	if t.hold {
		t.status = stHeld
	}
	switch t.number {
	case cardCut:
		return errCut
	case cardBroken:
		return no(-32400, "System error")
	}
	return nil
}

// details tells of a payment. The faults of the step change what is told, not what was done.
func (s *paysys) details(step string, t *transaction) map[string]any {
	id := t.cardID
	if id == "" {
		sum := sha1.Sum([]byte(t.number))
		id = strings.ToUpper(hex.EncodeToString(sum[:17]))
	}
	amount, bank := t.amount, t.bank
	f, _ := s.w.Faults.Take(step, simulator.WrongAmount, NoAmount, Another)
	switch f.Kind {
	case simulator.WrongAmount:
		amount++
	case NoAmount:
		amount = 0
	case Another:
		bank++
	}
	return map[string]any{
		"id": id, "masked_card_number": t.number[:6] + "******" + t.number[12:], "transaction_id": strconv.FormatInt(t.id, 10),
		"bank_transaction_id": strconv.FormatInt(bank, 10), "reference_number": t.rrn, "amount": amount,
		"merchantId": "900000000", "terminalId": "97000000", "date": t.moved.Unix(),
	}
}

func (s *paysys) confirm(p params, _ string) (any, error) {
	t := s.find(string(p.Bank))
	switch {
	case t == nil:
		return nil, no(-32314, "The transaction is not found")
	case t.status == stCancel || t.status == stReturned:
		return nil, no(-32313, "The transaction is cancelled")
	case t.status != stCreated:
		return nil, no(-32312, "The transaction is performed")
	case p.Code != code || s.w.Now().Sub(t.made) > lifetime:
		return nil, no(-32308, "Wrong or expired code")
	}
	if err := s.perform(t); err != nil {
		return nil, err
	}
	details := s.details("pam.confirm_payment", t)
	out := map[string]any{"details": details}
	if t.save {
		c := &card{id: details["id"].(string), number: t.number, active: true}
		c.token = s.token(c.id)
		s.cards[c.id] = c
		out["card"] = map[string]any{"id": c.id, "token": c.token}
	}
	return out, nil
}

func (s *paysys) payByToken(p params, token string) (any, error) {
	c := s.cards[p.CardID]
	if c == nil || c.token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(c.token)) != 1 {
		return nil, no(-32504, "Not enough rights")
	}
	t, err := s.begin(p)
	if err != nil {
		return nil, err
	}
	if err := s.perform(t); err != nil {
		return nil, err
	}
	return map[string]any{"details": s.details("pam.payment", t)}, nil
}

func (s *paysys) endHold(p params, _ string) (any, error) {
	t := s.find(string(p.Bank))
	switch {
	case t == nil:
		return nil, no(-32314, "The transaction is not found")
	case p.Status != "accept" && p.Status != "cancel":
		return nil, no(-32300, "Parameters are missing")
	case t.status == stCancel || t.status == stReturned:
		return nil, no(-32313, "The transaction is cancelled")
	case t.status != stHeld:
		return nil, no(-32312, "The transaction is performed")
	}
	t.status = stPaid
	if p.Status == "cancel" {
		t.status = stCancel
	}
	status := t.status
	if _, ok := s.w.Faults.Take("hold.confirm", FailedStatus); ok {
		status = stFailed
	}
	return map[string]any{"status": status}, nil
}

// check tells a status as a text. Its own faults: the amount in soum, one tiyin less, or none, another
// payment, and statuses that this one has not.
func (s *paysys) check(p params, _ string) (any, error) {
	t := s.find(string(p.Bank))
	if t == nil {
		return nil, no(-32314, "The transaction is not found")
	}
	amount, status := t.amount, strconv.Itoa(t.status)
	if _, ok := s.w.Faults.Take("pam.check_payment", simulator.WrongAmount); ok {
		amount--
	}
	if _, ok := s.w.Faults.Take("pam.check_payment", WrongUnit); ok {
		amount /= 100
	}
	if _, ok := s.w.Faults.Take("pam.check_payment", StrangeStatus); ok {
		status = "9"
	}
	if _, ok := s.w.Faults.Take("pam.check_payment", FailedStatus); ok {
		status = strconv.Itoa(stFailed)
	}
	if _, ok := s.w.Faults.Take("pam.check_payment", NoAmount); ok {
		amount = 0
	}
	bank := t.bank
	if _, ok := s.w.Faults.Take("pam.check_payment", Another); ok {
		bank++
	}
	return map[string]any{"bank_transaction_id": strconv.FormatInt(bank, 10), "status": status, "amount": amount}, nil
}

// Faults of this company alone: on paysys.card_confirm, on pam.check_payment, and on the calls that
// move money.
const (
	Another       simulator.Kind = "another"        // the answer is about another payment, or card
	NoAmount      simulator.Kind = "no_amount"      // it tells no sum
	FailedStatus  simulator.Kind = "failed_status"  // -1, whatever was done
	NoToken       simulator.Kind = "no_token"       // the telephone is not the card's own
	WrongUnit     simulator.Kind = "soum"           // the amount is told in soum
	StrangeStatus simulator.Kind = "unknown_status" // a status that is not documented
)

func (s *paysys) reverse(p params, _ string) (any, error) {
	for _, t := range s.list {
		if t.id == 0 || strconv.FormatInt(t.id, 10) != string(p.ID) {
			continue
		}
		switch t.status {
		case stReturned, stCancel:
			return nil, no(-32313, "The transaction is cancelled")
		case stPaid:
			t.status = stReturned
			return map[string]any{"transaction_id": t.id, "ref_num": t.rrn}, nil
		}
	}
	return nil, no(-32314, "The transaction is not found")
}
