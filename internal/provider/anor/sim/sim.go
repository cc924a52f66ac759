// Package sim plays the bank's side of AnorCheck by the assumed wire, anor-assumed-1. Nobody
// outside Anorbank knows the real one, and its answers say so in the header Server.
package sim

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
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
	stepPay    = "payment"
	stepStatus = "status"
	stepFiscal = "fiscal"
	stepCancel = "cancel"
)

// debitIn is how long a debit takes that is under way when it is answered.
const debitIn = 2 * time.Second

// skew is how old or new a header's time may be.
const skew = time.Minute

type user struct {
	service int64
	secret  string
}

type payment struct {
	id          int64
	transaction string
	order       order
	code        simulator.Code
	state       string // paid, created, refunded
	at, ready   time.Time
	fiscal      string
}

type bank struct {
	world *simulator.World
	codes simulator.Codes

	mu       sync.Mutex
	users    map[string]user
	payments []*payment
}

// New opens the bank.
func New(w *simulator.World) simulator.Simulator { return &bank{world: w, users: map[string]user{}} }

// Info lists what can be done here.
func (b *bank) Info() simulator.Info {
	return simulator.Info{
		Name: "anor", Title: "Anorbank AnorCheck (assumed wire)",
		Actions: []string{"code", "refund"}, Steps: []string{stepPay, stepStatus, stepFiscal, stepCancel},
	}
}

// AddAccount makes a till's user known.
func (b *bank) AddAccount(a simulator.Account) error {
	c := a.Credentials
	service, err := strconv.ParseInt(c["serviceId"], 10, 64)
	if err != nil || service <= 0 || c["merchantUserId"] == "" || c["secretKey"] == "" {
		return fmt.Errorf("anor: a till needs serviceId, merchantUserId and secretKey")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.users[c["merchantUserId"]] = user{service, c["secretKey"]}
	return nil
}

// Act makes a code ("code"; Params "phone", "card", "plan"), or returns a payment in the bank's
// own cabinet ("refund", Ref).
func (b *bank) Act(_ context.Context, a simulator.Action) (simulator.Report, error) {
	switch a.Kind {
	case "code":
		code, err := b.codes.Make("ANOR-"+simulator.Digits(15), a.Params, b.world.Now())
		return simulator.Report{Ref: code.Text, State: "created"}, err
	case "refund":
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, p := range b.payments {
			if strconv.FormatInt(p.id, 10) == a.Ref && p.state == "paid" {
				p.state = "refunded"
				return simulator.Report{Ref: a.Ref, State: p.state}, nil
			}
		}
		return simulator.Report{}, fmt.Errorf("anor: no paid payment %q", a.Ref)
	}
	return simulator.Report{}, fmt.Errorf("anor: there is no action %q", a.Kind)
}

// Tick finishes the debits that are due.
func (b *bank) Tick(context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.age()
}

func (b *bank) age() {
	for _, p := range b.payments {
		if p.state == "created" && !b.world.Now().Before(p.ready) {
			p.state = "paid"
		}
	}
}

// Books lists every payment, oldest first.
func (b *bank) Books() []simulator.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.age()
	out := make([]simulator.Entry, 0, len(b.payments))
	for _, p := range b.payments {
		e := simulator.Entry{Ref: strconv.FormatInt(p.id, 10), Account: p.transaction, Amount: p.order.Amount, State: p.state, At: p.at}
		if p.state == "refunded" {
			e.Refunded = p.order.Amount
		}
		out = append(out, e)
	}
	return out
}

// ─── The wire ──────────────────────────────────────────────────────────────────────────────

type order struct {
	Service     int64  `json:"service_id"`
	Code        string `json:"otp_data"`
	Amount      int64  `json:"amount"`
	Cashbox     string `json:"cashbox_code"`
	Transaction string `json:"transaction_id"`
}

type reply struct {
	Code        int     `json:"error_code"`
	Note        *string `json:"error_note"`
	Payment     int64   `json:"payment_id,omitempty"`
	Status      *int    `json:"payment_status,omitempty"`
	Transaction string  `json:"transaction_id,omitempty"`
	Phone       string  `json:"phone_number,omitempty"`
	Card        string  `json:"card_number,omitempty"`
}

func no(code int, note string) reply { return reply{Code: code, Note: &note} }

var path = regexp.MustCompile(`^/?merchant/payment(?:/([0-9a-fA-F-]{1,64}))?(?:/(fiscal|cancel))?$`)

// ServeHTTP is the bank's API for tills.
func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "anor-assumed-1 (assumption)")
	m := path.FindStringSubmatch(r.URL.Path)
	if m == nil {
		http.NotFound(w, r)
		return
	}
	step := stepPay
	switch {
	case m[1] == "" && m[2] == "" && r.Method == http.MethodPost:
	case m[1] != "" && m[2] == "" && r.Method == http.MethodGet:
		step = stepStatus
	case m[1] != "" && m[2] != "" && r.Method == http.MethodPost:
		step = m[2]
	default:
		http.NotFound(w, r)
		return
	}
	b.world.Serve(step, w, r, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
		if err != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		b.mu.Lock()
		u, ok := b.user(r.Header.Get("Auth"))
		if !ok {
			b.mu.Unlock()
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		b.age()
		ans, code := b.do(u, step, m[1], body)
		b.mu.Unlock()
		if code.Plan == simulator.PlanUnreachable {
			http.Error(w, "too many requests", http.StatusTooManyRequests)
			return
		}
		code.Answer(r, func() {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(ans)
		})
	})
}

var header = regexp.MustCompile(`^([0-9]+):([0-9a-f]{40}):([0-9]{10})$`)

func (b *bank) user(auth string) (user, bool) {
	m := header.FindStringSubmatch(auth)
	if m == nil {
		return user{}, false
	}
	u, ok := b.users[m[1]]
	sum := sha1.Sum([]byte(m[3] + u.secret))
	at, err := strconv.ParseInt(m[3], 10, 64)
	return u, ok && err == nil && m[2] == hex.EncodeToString(sum[:]) && b.world.Now().Sub(time.Unix(at, 0)).Abs() <= skew
}

func (b *bank) do(u user, step, id string, body []byte) (reply, simulator.Code) {
	if step == stepPay {
		return b.charge(u, body)
	}
	for _, p := range b.payments {
		if p.transaction == id && p.order.Service == u.service {
			return b.about(p, step, body), simulator.Code{}
		}
	}
	return no(-3, "transaction not found"), simulator.Code{}
}

// charge charges a code; the same order again is the same payment.
func (b *bank) charge(u user, body []byte) (reply, simulator.Code) {
	var o order
	if json.Unmarshal(body, &o) != nil || o.Code == "" || o.Amount < 100 || o.Transaction == "" || o.Service != u.service {
		return no(-2, "bad request"), simulator.Code{}
	}
	for _, p := range b.payments {
		if p.transaction == o.Transaction {
			if p.order != o {
				return no(-4, "transaction_id stands for another order"), simulator.Code{}
			}
			return p.show(), simulator.Code{}
		}
	}
	now := b.world.Now()
	code := b.codes.Look(o.Code, now)
	switch code.Plan {
	case simulator.PlanUnreachable:
		return reply{}, code
	case simulator.PlanUsed, simulator.PlanExpired:
		return no(-5, "the code is wrong, has run out or was used"), code
	case simulator.PlanNoFunds:
		return no(-6, "insufficient funds"), code
	case simulator.PlanDecline:
		return no(-7, "declined"), code
	}
	b.codes.Use(o.Code)
	p := &payment{id: int64(658 + len(b.payments)), transaction: o.Transaction, order: o, code: code, state: "paid", at: now}
	if code.Plan == simulator.PlanProcessing {
		p.state, p.ready = "created", now.Add(debitIn)
	}
	b.payments = append(b.payments, p)
	return p.show(), code
}

func (p *payment) show() reply {
	status := map[string]int{"paid": 2, "created": 1, "refunded": -1}[p.state]
	return reply{Payment: p.id, Status: &status, Transaction: p.transaction, Phone: p.code.Phone, Card: p.code.Card}
}

var link = regexp.MustCompile(`^https://ofd\.soliq\.uz/(check|epi)/?\?`)

func (b *bank) about(p *payment, step string, body []byte) reply {
	switch step {
	case stepFiscal:
		var in struct {
			URL string `json:"qr_code"`
		}
		switch {
		case json.Unmarshal(body, &in) != nil || !link.MatchString(in.URL):
			return no(-2, "qr_code is no link of the tax committee's")
		case p.state != "paid":
			return no(-3, "the payment is not paid")
		case p.fiscal != "" && !strings.EqualFold(p.fiscal, in.URL):
			return no(-8, "the payment has another receipt already")
		}
		p.fiscal = in.URL
		return reply{Transaction: p.transaction}
	case stepCancel:
		var in struct {
			Amount int64 `json:"amount"`
		}
		switch {
		case json.Unmarshal(body, &in) != nil || in.Amount != p.order.Amount:
			return no(-2, "amount is the whole sum")
		case p.state != "paid":
			return no(-8, "the payment is cancelled already")
		}
		p.state = "refunded"
	}
	return p.show()
}
