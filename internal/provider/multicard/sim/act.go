package sim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The test card of the documentation, and cards of our own for what can go wrong.
const (
	GoodCard     = "8600533364098829" // pays; the code is 112233
	GoodExpiry   = "2806"
	GoodCode     = "112233"
	PoorCard     = "8600000000000051" // has not enough money
	BlockedCard  = "8600000000000062"
	SlowCard     = "8600000000000068" // the debit's outcome is open, then it is done
	SlowPoorCard = "8600000000000069" // the same, then refused
	HumoCard     = "9860270000001519"
)

var (
	errNoPayment = errors.New("no such invoice or payment")
	errFlow      = errors.New("the payment is not in a status for that")
)

// Act does what a buyer or Multicard's staff does.
func (s *Simulator) Act(ctx context.Context, a simulator.Action) (simulator.Report, error) {
	switch a.Kind {
	case "switch":
		return simulator.Report{}, s.switchRules(a.Params)
	case "fail_next":
		return simulator.Report{}, s.failNext(a.Params)
	case "expire_tokens":
		s.mu.Lock()
		s.tokens++
		s.mu.Unlock()
		return simulator.Report{}, nil
	case "code":
		return s.newCode(a)
	case "deposit":
		return simulator.Report{}, s.setDeposit(a.Params["application"], a.Amount)
	case "flush":
		return s.report(nil, s.flush(ctx)), nil
	}

	if a.Kind == "bind" {
		_, session, _ := strings.Cut(a.Link, "/card/")
		s.mu.Lock()
		back, err := s.enter(session, a.Params["card"], a.Params["otp"])
		s.mu.Unlock()
		return simulator.Report{Ref: session, State: "created", Returned: back, Exchanges: s.tellBound(ctx)}, err
	}

	s.mu.Lock()
	p := s.named(a)
	s.mu.Unlock()
	if p == nil {
		return simulator.Report{}, errNoPayment
	}
	var out outcome
	var err error
	switch a.Kind {
	case "pay":
		out = s.pay(ctx, p, a.Params, false)
	case "debit":
		out = s.pay(ctx, p, a.Params, true)
	case "refuse":
		out = s.pay(ctx, p, map[string]string{"card": PoorCard}, false)
	case "abandon":
	case "resume", "repeat":
		s.mu.Lock()
		ok := !p.paidAt.IsZero() && (p.status == statusBilling || a.Kind == "repeat")
		s.mu.Unlock()
		if !ok {
			return simulator.Report{}, errFlow
		}
		out = s.ask(ctx, p)
	case "pay_twice":
		p, out, err = s.payTwice(ctx, p)
	case "refund", "refund_part":
		out, err = s.refundByStaff(ctx, p, a)
	case "webhook":
		out = s.sendWebhook(ctx, p, a.Params["status"])
	default:
		err = fmt.Errorf("multicard has no action %q", a.Kind)
	}
	if err != nil {
		return simulator.Report{}, err
	}
	return s.report(p, out), nil
}

// named finds the payment that an action means, by the page's address or by uuid. Under the lock.
func (s *Simulator) named(a simulator.Action) *payment {
	if a.Ref != "" {
		return s.find(a.Ref)
	}
	_, uuid, ok := strings.Cut(a.Link, "/invoice/")
	if !ok {
		if _, uuid, ok = strings.Cut(a.Link, "/app/"); !ok {
			return nil
		}
	}
	uuid, _, _ = strings.Cut(uuid, "?")
	return s.find(uuid)
}

// report tells what came of an action.
func (s *Simulator) report(p *payment, out outcome) simulator.Report {
	r := simulator.Report{Exchanges: out.exchanges, Problems: out.problems}
	if p == nil {
		return r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Ref, r.State = p.uuid, p.state()
	r.Returned = p.returned()
	return r
}

// returned is where the buyer's browser goes after the page.
func (p *payment) returned() string {
	home, _ := p.returnURL.(string)
	fault, _ := p.errorURL.(string)
	if fault == "" {
		fault = home
	}
	switch p.status {
	case statusSuccess:
		return home
	case statusError, statusRevert:
		return fault
	}
	return ""
}

// pay is the buyer on the page: a card and its code, or a wallet. With stop, nobody asks the
// partner yet.
func (s *Simulator) pay(ctx context.Context, p *payment, how map[string]string, stop bool) outcome {
	s.mu.Lock()
	s.age(p)
	if p.status != statusDraft {
		s.mu.Unlock()
		return outcome{} // the page says that there is nothing to pay
	}
	pan := how["card"]
	if pan == "" {
		pan = GoodCard
	}
	p.phone = "998901234567"
	if p.app != "" {
		how = map[string]string{"wallet": p.app, "card": how["card"]}
	}
	switch {
	case p.app != "" && how["card"] == PoorCard:
		p.phone = ""
		p.responseCode, p.responseMsg = "51", "Недостаточно средств"
		s.move(p, statusError)
		s.mu.Unlock()
		return s.flush(ctx)
	case how["wallet"] != "":
		p.ps, p.phone = how["wallet"], ""
	case how["otp"] != "" && how["otp"] != GoodCode, how["expiry"] != "" && how["expiry"] != GoodExpiry:
		s.mu.Unlock()
		return outcome{} // the page says so, and the invoice stays open
	case strings.HasPrefix(pan, "9860"):
		p.ps, p.pan, p.token = "humo", masked(pan), token24(pan)
	default:
		p.ps, p.pan, p.token = "uzcard", masked(pan), token24(pan)
	}
	s.move(p, statusProgress)
	switch {
	case how["wallet"] == "" && pan == PoorCard:
		p.responseCode, p.responseMsg = "51", "Недостаточно средств"
		s.move(p, statusError)
	case how["wallet"] == "" && pan == BlockedCard:
		p.responseCode, p.responseMsg = "62", "Карта заблокирована"
		s.move(p, statusError)
	case how["wallet"] == "" && pan == SlowCard:
		p.settles = statusSuccess
	case how["wallet"] == "" && pan == SlowPoorCard:
		p.settles = statusError
	default:
		s.debited(p)
		p.held = stop
	}
	asks := p.status == statusBilling && !stop
	s.mu.Unlock()

	var out outcome
	if asks {
		out = s.ask(ctx, p)
	}
	if !stop {
		sent := s.flush(ctx)
		out.exchanges = append(out.exchanges, sent.exchanges...)
	}
	return out
}

// payTwice debits the buyer once more for the same invoice_id, as another transaction.
func (s *Simulator) payTwice(ctx context.Context, first *payment) (*payment, outcome, error) {
	s.mu.Lock()
	if first.paidAt.IsZero() {
		s.mu.Unlock()
		return nil, outcome{}, errFlow
	}
	again := *first
	s.serial++
	again.id, again.uuid = 753966+s.serial, s.uuid()
	again.invoiceUUID = again.uuid
	again.status, again.refunded, again.addedAt = statusProgress, 0, s.w.Now()
	again.backAt, again.asking, again.callbackMessage = again.paidAt, false, ""
	p := &again
	s.payments = append(s.payments, p)
	s.debited(p)
	asks := p.status == statusBilling
	s.mu.Unlock()
	var out outcome
	if asks {
		out = s.ask(ctx, p)
	}
	sent := s.flush(ctx)
	out.exchanges = append(out.exchanges, sent.exchanges...)
	return p, out, nil
}

// refundByStaff is a return made in the company's cabinet, whole or in part.
func (s *Simulator) refundByStaff(ctx context.Context, p *payment, a simulator.Action) (outcome, error) {
	s.mu.Lock()
	amount := p.amount - p.refunded
	if a.Kind == "refund_part" {
		amount = a.Amount
	}
	if p.status != statusSuccess || amount <= 0 || amount > p.amount-p.refunded {
		s.mu.Unlock()
		return outcome{}, errFlow
	}
	s.giveBack(p, amount)
	s.mu.Unlock()
	return s.flush(ctx), nil
}

// switchRules changes what is switched on, for the register in store or for all without rules
// of their own.
func (s *Simulator) switchRules(params map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	target := &s.rules
	if name := params["store"]; name != "" {
		st := s.storeOf(name)
		if st == nil {
			return fmt.Errorf("no register %q", name)
		}
		if st.rules == nil {
			own := s.rules
			st.rules = &own
		}
		target = st.rules
	}
	next := *target
	flags := map[string]*bool{
		"otp": &next.otp, "webhooks": &next.webhooks, "partial": &next.partial, "tax": &next.tax, "require_ofd": &next.requireOFD,
		"strict_ofd": &next.strictOFD, "invoice_uuid": &next.invoiceUUID, "amount_text": &next.amountText,
		"sign_billing": &next.billing, "own_uuid": &next.ownUUID, "freeze_gateway_errors": &next.freeze,
		"short_link": &next.shortLink, "old_signature": &next.oldSignature,
	}
	for name, value := range params {
		switch {
		case name == "store":
		case name == "refused_as" && (value == statusError || value == statusRevert):
			next.refusedAs = value
		case flags[name] != nil && (value == "on" || value == "off"):
			*flags[name] = value == "on"
		default:
			return fmt.Errorf("no switch %s=%q", name, value)
		}
	}
	*target = next
	return nil
}

// failNext makes the next call of a step end in an error, before or after it was carried out.
func (s *Simulator) failNext(params map[string]string) error {
	status := http.StatusBadRequest
	if params["status"] != "" {
		n, err := strconv.Atoi(params["status"])
		if err != nil || n < 200 || n > 599 {
			return fmt.Errorf("status %q is no HTTP status", params["status"])
		}
		status = n
	}
	if params["step"] == "" || params["code"] == "" {
		return errors.New("step and code are needed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, failure{
		step: params["step"], code: params["code"], details: params["details"], status: status, after: params["after"] == "true",
	})
	return nil
}
