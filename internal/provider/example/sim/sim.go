// Package sim is Namuna Pay's own side: its API, its checkout page, and the messages it posts
// to shops.
package sim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// lapse is how long a payment that was begun waits for the buyer.
const lapse = 30 * time.Minute

// Sim is the company.
type Sim struct {
	w   *simulator.World
	mux *http.ServeMux

	mu       sync.Mutex
	shops    map[string]simulator.Account
	payments map[string]*payment
	order    []string // refs, as they were made
	refunds  map[string]refund
}

type payment struct {
	Ref, Shop, Order string
	Amount, Refunded int64
	State            string // created, paid, refused, cancelled, refunded, suspended
	At               time.Time
	waiting          string // the event whose answer never came: repeated by Tick
}

type refund struct {
	ID, Payment string
	Amount      int64
	State       string
	Reason      string
}

// New starts the company with empty books.
func New(w *simulator.World) simulator.Simulator {
	s := &Sim{
		w: w, mux: http.NewServeMux(),
		shops: map[string]simulator.Account{}, payments: map[string]*payment{}, refunds: map[string]refund{},
	}
	s.mux.HandleFunc("POST /v1/refunds", func(rw http.ResponseWriter, r *http.Request) { w.Serve("refunds", rw, r, s.serveRefund) })
	s.mux.HandleFunc("GET /v1/payments/{ref}", func(rw http.ResponseWriter, r *http.Request) { w.Serve("payments", rw, r, s.servePayment) })
	s.mux.HandleFunc("GET /checkout", s.servePage)
	s.mux.HandleFunc("POST /checkout", s.servePress)
	return s
}

// Info tells what can be done.
func (s *Sim) Info() simulator.Info {
	return simulator.Info{
		Name: "example", Title: "Namuna Pay",
		Actions: []string{"begin", "pay", "pay_twice", "refuse", "repeat", "undo"},
		Steps:   []string{"begin", "paid", "undone", "refunds", "payments"},
	}
}

func (s *Sim) ServeHTTP(rw http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(rw, r) }

// AddAccount opens a shop.
func (s *Sim) AddAccount(a simulator.Account) error {
	if a.Credentials["shopId"] == "" || a.Credentials["secret"] == "" || a.CallbackURL == "" {
		return errors.New("a shop has a shopId, a secret and a callback address")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shops[a.Credentials["shopId"]] = a
	return nil
}

// Books lists every payment.
func (s *Sim) Books() []simulator.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []simulator.Entry
	for _, ref := range s.order {
		p := s.payments[ref]
		out = append(out, simulator.Entry{Ref: p.Ref, Account: p.Order, Amount: p.Amount, Refunded: p.Refunded, State: p.State, At: p.At})
	}
	return out
}

// ─── What a buyer does ─────────────────────────────────────────────────────────────────────

// Act does what a buyer or the company's staff does.
func (s *Sim) Act(ctx context.Context, a simulator.Action) (simulator.Report, error) {
	var p *payment
	var err error
	back := ""
	if a.Ref != "" {
		s.mu.Lock()
		p = s.payments[a.Ref]
		s.mu.Unlock()
		if p == nil {
			return simulator.Report{}, fmt.Errorf("there is no payment %q", a.Ref)
		}
	} else if p, back, err = s.start(a); err != nil {
		return simulator.Report{}, err
	}
	rep := simulator.Report{Ref: p.Ref, Returned: back}
	switch a.Kind {
	case "begin":
		s.tell(ctx, &rep, p, "begin")
	case "pay":
		s.pay(ctx, &rep, p, a.Ref == "")
	case "pay_twice":
		s.pay(ctx, &rep, p, a.Ref == "")
		second, _, err := s.start(a)
		if err != nil {
			return rep, err
		}
		s.pay(ctx, &rep, second, true)
	case "refuse":
		if s.tell(ctx, &rep, p, "begin") {
			s.tell(ctx, &rep, p, "undone")
		}
	case "repeat":
		s.tell(ctx, &rep, p, s.lastEvent(p))
	case "undo":
		s.tell(ctx, &rep, p, "undone")
	default:
		return rep, fmt.Errorf("the company knows no action %q", a.Kind)
	}
	s.mu.Lock()
	rep.State = p.State
	s.mu.Unlock()
	return rep, nil
}

// start reads a checkout link and begins a payment in the books.
func (s *Sim) start(a simulator.Action) (*payment, string, error) {
	u, err := url.Parse(a.Link)
	if err != nil || a.Link == "" {
		return nil, "", errors.New("that is no checkout link")
	}
	q := u.Query()
	amount, err := strconv.ParseInt(q.Get("amount"), 10, 64)
	if err != nil || amount <= 0 {
		return nil, "", errors.New("the link names no amount")
	}
	if a.Amount > 0 {
		amount = a.Amount
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.shops[q.Get("shop")]; !ok {
		return nil, "", fmt.Errorf("the company knows no shop %q", q.Get("shop"))
	}
	p := &payment{
		Ref: fmt.Sprintf("np-%06d", len(s.payments)+1), Shop: q.Get("shop"), Order: q.Get("order"),
		Amount: amount, State: "created", At: s.w.Now(),
	}
	s.payments[p.Ref] = p
	s.order = append(s.order, p.Ref)
	return p, q.Get("return"), nil
}

func (s *Sim) pay(ctx context.Context, rep *simulator.Report, p *payment, begin bool) {
	if !begin || s.tell(ctx, rep, p, "begin") {
		s.tell(ctx, rep, p, "paid")
	}
}

func (s *Sim) lastEvent(p *payment) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch p.State {
	case "created":
		return "begin"
	case "refused", "cancelled":
		return "undone"
	}
	return "paid"
}

// ─── What the company posts to the shop ────────────────────────────────────────────────────

type wireMessage struct {
	Event   string `json:"event"`
	Shop    string `json:"shop"`
	Payment string `json:"payment"`
	Order   string `json:"order,omitempty"`
	Amount  int64  `json:"amount"`
	Time    int64  `json:"time"`
	Reason  string `json:"reason,omitempty"`
}

type wireReply struct {
	OK    *bool  `json:"ok"`
	ID    string `json:"id"`
	State string `json:"state"`
	Error string `json:"error"`
}

// tell posts one event, moves the books by the answer, and reports whether it was a yes.
func (s *Sim) tell(ctx context.Context, rep *simulator.Report, p *payment, event string) bool {
	s.mu.Lock()
	shop := s.shops[p.Shop]
	m := wireMessage{Event: event, Shop: p.Shop, Payment: p.Ref, Order: p.Order, Amount: p.Amount, Time: p.At.UnixMilli()}
	s.mu.Unlock()
	if event == "undone" {
		m.Reason = "buyer"
	}
	if _, ok := s.w.Faults.Take(event, simulator.WrongAmount); ok {
		m.Amount++
	}
	if f, ok := s.w.Faults.Take(event, simulator.ClockSkew); ok {
		m.Time += f.Delay.Milliseconds()
	}
	key := shop.Credentials["secret"]
	if _, ok := s.w.Faults.Take(event, simulator.WrongSignature); ok {
		key += "x"
	}
	body, _ := json.Marshal(m)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	header := http.Header{
		"Content-Type":       {"application/json"},
		"X-Namuna-Signature": {hex.EncodeToString(mac.Sum(nil))},
	}
	var said wireReply
	heard := false
	for _, x := range s.w.Call(ctx, event, http.MethodPost, shop.CallbackURL, header, body) {
		rep.Exchanges = append(rep.Exchanges, x)
		if x.Status != http.StatusOK {
			continue
		}
		var r wireReply
		dec := json.NewDecoder(bytes.NewReader([]byte(x.Answer)))
		if err := dec.Decode(&r); err != nil || r.OK == nil {
			rep.Problems = append(rep.Problems, event+": the answer is not the company's form")
			continue
		}
		if *r.OK && r.ID == "" {
			rep.Problems = append(rep.Problems, event+": a yes without an id")
		}
		said, heard = r, true
	}
	return s.book(p, event, heard, said)
}

// book writes what an answer means. Without one the company does not know, and asks again.
func (s *Sim) book(p *payment, event string, heard bool, said wireReply) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !heard {
		p.waiting = event
		if event == "paid" {
			p.State = "suspended"
		}
		return false
	}
	p.waiting = ""
	switch {
	case event == "begin" && !*said.OK:
		p.State = "refused"
	case event == "paid" && *said.OK:
		p.State = "paid"
	case event == "paid":
		p.State = "refused" // the buyer's money goes back
	case event == "undone" && *said.OK && (p.State == "paid" || p.State == "refunded"):
		p.State, p.Refunded = "refunded", p.Amount
	case event == "undone" && *said.OK:
		p.State = "cancelled"
	}
	return *said.OK
}

// Tick repeats what was not answered, and gives up payments that lapsed.
func (s *Sim) Tick(ctx context.Context) {
	s.mu.Lock()
	type due struct {
		p     *payment
		event string
	}
	var todo []due
	for _, ref := range s.order {
		p := s.payments[ref]
		switch {
		case p.waiting != "":
			todo = append(todo, due{p, p.waiting})
		case p.State == "created" && s.w.Now().Sub(p.At) > lapse:
			todo = append(todo, due{p, "undone"})
		}
	}
	s.mu.Unlock()
	for _, d := range todo {
		var rep simulator.Report
		s.tell(ctx, &rep, d.p, d.event)
	}
}

// ─── The API that shops call ───────────────────────────────────────────────────────────────

// shop finds who calls; "" where the secret does not hold, and then it has answered.
func (s *Sim) shop(rw http.ResponseWriter, r *http.Request) string {
	name := r.Header.Get("X-Namuna-Shop")
	a, ok := s.shops[name]
	if !ok || r.Header.Get("Authorization") != "Bearer "+a.Credentials["secret"] {
		refuse(rw, http.StatusUnauthorized, "unauthorized", "the secret does not hold")
		return ""
	}
	if _, ok := s.w.Faults.Take("refunds", simulator.ExpiredToken); ok {
		refuse(rw, http.StatusUnauthorized, "unauthorized", "the secret was changed")
		return ""
	}
	return name
}

func (s *Sim) serveRefund(rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Shop, Payment, Refund string
		Amount                int64
	}
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 64<<10)).Decode(&in); err != nil {
		refuse(rw, http.StatusBadRequest, "bad_request", "not JSON")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	shop := s.shop(rw, r)
	if shop == "" {
		return
	}
	if had, ok := s.refunds[in.Refund]; ok && had.Payment == in.Payment && had.Amount == in.Amount {
		answer(rw, map[string]any{"id": had.ID, "state": had.State, "reason": had.Reason})
		return
	}
	p := s.payments[in.Payment]
	if p == nil || p.Shop != shop || in.Refund == "" {
		refuse(rw, http.StatusNotFound, "no_payment", "no such payment")
		return
	}
	made := refund{ID: fmt.Sprintf("nr-%06d", len(s.refunds)+1), Payment: p.Ref, Amount: in.Amount, State: "done"}
	if in.Amount <= 0 || p.State != "paid" || in.Amount > p.Amount-p.Refunded {
		made.State, made.Reason = "refused", "more than is left"
	} else if p.Refunded += in.Amount; p.Refunded == p.Amount {
		p.State = "refunded"
	}
	s.refunds[in.Refund] = made
	answer(rw, map[string]any{"id": made.ID, "state": made.State, "reason": made.Reason})
}

func (s *Sim) servePayment(rw http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shop := s.shop(rw, r)
	if shop == "" {
		return
	}
	p := s.payments[r.PathValue("ref")]
	if p == nil || p.Shop != shop {
		refuse(rw, http.StatusNotFound, "no_payment", "no such payment")
		return
	}
	state := "created"
	switch p.State {
	case "paid", "refunded", "suspended":
		state = "paid"
	case "cancelled", "refused":
		state = "undone"
	}
	answer(rw, map[string]any{"payment": p.Ref, "state": state, "amount": p.Amount, "refunded": p.Refunded, "time": p.At.UnixMilli()})
}

// ─── The buyer's page ──────────────────────────────────────────────────────────────────────

func (s *Sim) servePage(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(rw, `<!doctype html><meta charset="utf-8"><title>Namuna Pay</title><h1>Namuna Pay (simulated)</h1>`+
		`<form method="post"><button name="kind" value="pay">Pay</button> <button name="kind" value="refuse">Refuse</button></form>`)
}

func (s *Sim) servePress(rw http.ResponseWriter, r *http.Request) {
	kind := r.PostFormValue("kind")
	if !slices.Contains([]string{"pay", "refuse"}, kind) {
		http.Error(rw, "press pay or refuse", http.StatusBadRequest)
		return
	}
	rep, err := s.Act(r.Context(), simulator.Action{Kind: kind, Link: r.URL.String()})
	if err != nil {
		http.Error(rw, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	if rep.Returned != "" {
		http.Redirect(rw, r, rep.Returned, http.StatusSeeOther)
		return
	}
	fmt.Fprintf(rw, "The payment is %s.\n", rep.State)
}

func answer(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json")
	json.NewEncoder(rw).Encode(v)
}

func refuse(rw http.ResponseWriter, status int, code, message string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	json.NewEncoder(rw).Encode(map[string]string{"code": code, "message": message})
}
