package sim

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// No document says how often or how long a frozen payment is asked about; here it is each
// minute, until somebody answers.
const askEvery = time.Minute

// A webhook that gets no 2xx is sent five times more, a minute apart (the distance is not
// documented).
const (
	webhookRepeats = 5
	webhookEvery   = time.Minute
)

// outcome is what came of calls to the gateway.
type outcome struct {
	exchanges []simulator.Exchange
	problems  []string
}

// ask sends the success callback and applies the answer: 200 with success true keeps the money,
// 500 and silence freeze it, and all else gives it back. For a payment that is decided already
// this is a repeat, and changes nothing.
func (s *Simulator) ask(ctx context.Context, p *payment) outcome {
	s.mu.Lock()
	if p.asking {
		s.mu.Unlock()
		return outcome{}
	}
	p.asking = true
	body, address := s.successBody(p), p.callbackURL
	s.mu.Unlock()

	var out outcome
	out.exchanges = s.w.Call(ctx, "callback", http.MethodPost, address, jsonHeader(), body)

	s.mu.Lock()
	defer s.mu.Unlock()
	p.asking, p.held, p.askAt = false, false, s.w.Now().Add(askEvery)
	for _, x := range out.exchanges {
		out.problems = append(out.problems, s.judge(p, x)...)
	}
	return out
}

// judge applies one answer to the success callback, and says what a strict company would object
// to. Under the lock.
func (s *Simulator) judge(p *payment, x simulator.Exchange) (problems []string) {
	if x.Status == 0 {
		return nil // no answer: frozen
	}
	problem := func(format string, args ...any) {
		problems = append(problems, "callback: "+fmt.Sprintf(format, args...))
	}
	var said struct {
		Success any    `json:"success"`
		Message string `json:"message"`
	}
	readable := json.Unmarshal([]byte(x.Answer), &said) == nil
	keep := x.Status == http.StatusOK && said.Success == true
	gateway := x.Status >= 502 && x.Status <= 504
	freeze := x.Status == http.StatusInternalServerError || gateway && s.rulesOf(p.store).freeze

	switch {
	case x.Status == http.StatusOK && !readable:
		problem("the answer is not JSON: the money goes back")
	case x.Status == http.StatusOK && said.Success != true && said.Success != false:
		problem("success is %v, neither true nor false", said.Success)
	case x.Status == http.StatusOK && !keep && said.Message == "":
		problem("a refusal has no message for the payer")
	case x.Status/100 == 3:
		problem("redirects are not followed: the money goes back")
	case gateway:
		problem("HTTP %d gives the money back: a proxy in front must turn it into 500", x.Status)
	case x.Status > 500:
		problem("HTTP %d gives the money back: only 500 freezes it", x.Status)
	}

	switch {
	case p.status == statusBilling && keep:
		s.move(p, statusSuccess)
	case p.status == statusBilling && freeze:
	case p.status == statusBilling:
		message := said.Message
		if message == "" {
			message = "HTTP " + strconv.Itoa(x.Status)
		}
		s.refuse(p, message)
	case p.status == statusSuccess && !keep && !freeze:
		problem("the repeat for a payment that was taken must be answered with success true")
	case p.status == s.rulesOf(p.store).refusedAs && p.callbackMessage != "" && keep:
		problem("taken after it was refused: the money has gone back already")
	}
	return problems
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

// successBody is the success callback, with the faults that change what is written. Under the
// lock.
func (s *Simulator) successBody(p *payment) []byte {
	rules := s.rulesOf(p.store)
	amount, paid := p.amount, p.paidAt
	if _, ok := s.w.Faults.Take("callback", simulator.WrongAmount); ok {
		amount++
	}
	if f, ok := s.w.Faults.Take("callback", simulator.ClockSkew); ok {
		paid = paid.Add(f.Delay)
	}
	id := p.invoiceID
	if rules.billing {
		id = p.billingID
	}
	sign := signSuccess(p.store.id, id, amount, p.store.app.secret)
	if _, ok := s.w.Faults.Take("callback", simulator.WrongSignature); ok {
		sign = signSuccess(p.store.id, id, amount, "somebody else's secret")
	}
	m := map[string]any{
		"store_id": p.store.id, "amount": money(amount, rules), "invoice_id": p.invoiceID,
		"billing_id": orNull(p.billingID), "payment_time": local(paid), "phone": orNull(p.phone),
		"card_pan": orNull(p.pan), "ps": p.ps, "card_token": orNull(p.token), "uuid": p.uuid,
		"receipt_url": s.w.BaseURL + "/check/" + p.uuid, "sign": sign,
	}
	if rules.invoiceUUID {
		m["invoice_uuid"] = p.invoiceUUID
	}
	b, _ := json.Marshal(m)
	return b
}

// money is an amount as this register's callbacks carry it.
func money(amount int64, r rules) any {
	if r.amountText {
		return strconv.FormatInt(amount, 10)
	}
	return amount
}

// signSuccess is the success callback's signature.
func signSuccess(store int64, id string, amount int64, secret string) string {
	sum := md5.Sum(fmt.Appendf(nil, "%d%s%d%s", store, id, amount, secret))
	return hex.EncodeToString(sum[:])
}

// signWebhook is the webhook's signature. The status is not in it.
func signWebhook(uuid, invoiceID string, amount int64, secret string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "%s%s%d%s", uuid, invoiceID, amount, secret))
	return hex.EncodeToString(sum[:])
}

func signWebhookOld(uuid string, amount int64, secret string) string {
	sum := md5.Sum(fmt.Appendf(nil, "%s%d%s", uuid, amount, secret))
	return hex.EncodeToString(sum[:])
}

// webhook is one message about one status change.
type webhook struct {
	p       *payment
	status  string
	due     time.Time
	sent    int
	sending bool
}

// webhookBody is the message. Under the lock.
func (s *Simulator) webhookBody(p *payment, status string) []byte {
	rules := s.rulesOf(p.store)
	amount, secret := p.amount, p.store.app.secret
	if _, ok := s.w.Faults.Take("webhook", simulator.WrongAmount); ok {
		amount++
	}
	if _, ok := s.w.Faults.Take("webhook", simulator.WrongSignature); ok {
		secret = "somebody else's secret"
	}
	sign := signWebhook(p.uuid, p.invoiceID, amount, secret)
	if rules.oldSignature {
		sign = signWebhookOld(p.uuid, amount, secret)
	}
	var receipt, back any
	if status == statusSuccess || status == statusRevert {
		receipt = s.w.BaseURL + "/check/" + p.uuid
	}
	if status == statusRevert {
		back = local(p.backAt)
	}
	b, _ := json.Marshal(map[string]any{
		"uuid": p.uuid, "amount": money(amount, rules), "invoice_id": p.invoiceID, "status": status,
		"billing_id": orNull(p.billingID), "payment_time": local(p.paidAt), "refund_time": back,
		"phone": orNull(p.phone), "card_pan": orNull(p.pan), "ps": orNull(p.ps),
		"card_token": orNull(p.token), "receipt_url": receipt, "sign": sign,
	})
	return b
}

// flush sends the webhooks that are due, in order, until none is.
func (s *Simulator) flush(ctx context.Context) outcome {
	var out outcome
	for {
		w, body := s.nextWebhook()
		if w == nil {
			return out
		}
		exchanges := s.w.Call(ctx, "webhook", http.MethodPost, w.p.callbackURL, jsonHeader(), body)
		out.exchanges = append(out.exchanges, exchanges...)
		done := slices.ContainsFunc(exchanges, func(x simulator.Exchange) bool { return x.Status/100 == 2 })

		s.mu.Lock()
		w.sending = false
		w.sent++
		w.due = s.w.Now().Add(webhookEvery)
		if done || w.sent > webhookRepeats {
			s.outbox = slices.DeleteFunc(s.outbox, func(x *webhook) bool { return x == w })
		}
		s.mu.Unlock()
	}
}

// nextWebhook takes the first message that is due; with the fault Reordered, the second.
func (s *Simulator) nextWebhook() (*webhook, []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.w.Now()
	var due []*webhook
	for _, w := range s.outbox {
		if !w.sending && !now.Before(w.due) {
			due = append(due, w)
		}
	}
	if len(due) == 0 {
		return nil, nil
	}
	next := due[0]
	if len(due) > 1 {
		if _, ok := s.w.Faults.Take("webhook", simulator.Reordered); ok {
			next = due[1]
		}
	}
	next.sending = true
	return next, s.webhookBody(next.p, next.status)
}

// sendWebhook sends one message about a payment's status as it is, or as somebody forges it,
// outside the queue.
func (s *Simulator) sendWebhook(ctx context.Context, p *payment, status string) outcome {
	s.mu.Lock()
	if status == "" {
		status = p.status
	}
	body, address := s.webhookBody(p, status), p.callbackURL
	s.mu.Unlock()
	return outcome{exchanges: s.w.Call(ctx, "webhook", http.MethodPost, address, jsonHeader(), body)}
}

// masked is a card number as it may be shown.
func masked(pan string) string {
	if len(pan) < 10 {
		return ""
	}
	return pan[:6] + strings.Repeat("*", len(pan)-10) + pan[len(pan)-4:]
}
