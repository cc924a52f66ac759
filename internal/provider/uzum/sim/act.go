package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// statusTries is how often Uzum asks what became of a confirmation whose answer it did not get.
const statusTries = 10

// Act does what a buyer does in the app (with Action.Link, or Params "serviceId" and
// "account"), or Uzum's staff with a transaction (Action.Ref).
func (b *bank) Act(ctx context.Context, a simulator.Action) (simulator.Report, error) {
	if a.Kind == "code" {
		return b.newCode(a)
	}
	if a.Kind == "set" {
		return b.set(a)
	}
	r := &run{bank: b, ctx: ctx}
	var err error
	switch a.Kind {
	case "check", "pay", "refuse", "abandon", "pay_twice", "probe":
		err = r.buyer(a)
	case "confirm", "cancel", "refund", "status", "repeat":
		err = r.staff(a)
	default:
		err = fmt.Errorf("uzum: there is no action %q", a.Kind)
	}
	if r.payment != nil {
		r.report.Ref, r.report.State = r.payment.transID, b.stateOf(r.payment)
	}
	return r.report, err
}

// run is one action on its way.
type run struct {
	bank    *bank
	ctx     context.Context
	service service
	payment *payment
	report  simulator.Report
}

func (r *run) problem(format string, args ...any) {
	r.report.Problems = append(r.report.Problems, fmt.Sprintf(format, args...))
}

// ─── The buyer ─────────────────────────────────────────────────────────────────────────────

func (r *run) buyer(a simulator.Action) error {
	b, err := r.bank.read(a)
	if err != nil {
		return err
	}
	r.service = b.service
	if a.Kind == "probe" {
		r.probe(b)
		return nil
	}
	amount, ok := r.check(b)
	if !ok {
		r.report.State = refused
	}
	if !ok || a.Kind == "check" {
		return nil
	}
	if !r.create(b, amount) || a.Kind == "abandon" {
		return nil
	}
	if a.Kind == "refuse" {
		r.reverse()
		r.bank.move(r.payment, refused, created, cancelled)
		return nil
	}
	r.confirm(a.Params)
	if r.bank.stateOf(r.payment) == paid {
		r.report.Returned = b.returnURL
		if a.Kind == "pay_twice" {
			r.payAgain(b, amount)
		}
	}
	return nil
}

// basket is what the app knows once a buyer has opened a service.
type basket struct {
	service   service
	account   string
	numeric   bool
	amount    int64 // on the wire; 0: the buyer takes what check shows
	returnURL string
}

// read understands a link, or what a buyer typed without one.
func (b *bank) read(a simulator.Action) (basket, error) {
	var out basket
	id, _ := strconv.ParseInt(a.Params["serviceId"], 10, 64)
	account := a.Params["account"]
	var query url.Values
	if a.Link != "" {
		u, err := url.Parse(a.Link)
		if err != nil {
			return out, fmt.Errorf("uzum: %q is not a link", a.Link)
		}
		query = u.Query()
		if u.Scheme == "uzum" {
			account = query.Get("order")
		} else if id, err = strconv.ParseInt(query.Get("serviceId"), 10, 64); err != nil {
			return out, fmt.Errorf("uzum: the link names no service")
		}
	}
	s, err := b.service(id)
	if err != nil {
		return out, err
	}
	if account == "" {
		account = query.Get(s.attribute)
	}
	if account == "" {
		return out, fmt.Errorf("uzum: the service asks for %s, and nothing says it", s.attribute)
	}
	if text := query.Get("amount"); text != "" {
		if out.amount, err = strconv.ParseInt(text, 10, 64); err != nil || out.amount <= 0 {
			return out, fmt.Errorf("uzum: the link's amount %q is not a whole number", text)
		}
	}
	if a.Amount != 0 {
		out.amount = a.Amount / s.unit
	}
	out.service, out.account, out.returnURL = s, account, query.Get("redirectUrl")
	if out.numeric = a.Params["numeric"] == "true"; out.numeric {
		if n, err := strconv.ParseInt(account, 10, 64); err != nil || strconv.FormatInt(n, 10) != account {
			return out, fmt.Errorf("uzum: %q cannot be sent as a number", account)
		}
	}
	return out, nil
}

// check asks whether the order can be paid, and returns the sum that the buyer agrees to.
func (r *run) check(b basket) (amount int64, ok bool) {
	answer := r.one("check", r.checkMessage(b))
	if !answer.done() {
		return 0, false
	}
	text := answer.shown("amount")
	shown, isSum := soum(text)
	switch {
	case text == "" && b.amount > 0: // the link says the sum; showing it is the shop's choice
	case !isSum:
		r.problem("check: data.amount.value %q is not a sum in soum", text)
	case b.amount == 0:
		b.amount = shown / b.service.unit
	case shown != b.amount*b.service.unit:
		r.problem("check: the app shows %d tiyin, and the link asks for %d", shown, b.amount*b.service.unit)
	}
	return b.amount, b.amount > 0
}

// soum reads a decimal sum of soum as tiyin.
func soum(text string) (int64, bool) {
	whole, frac, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	return n, err == nil && whole != "" && len(frac) <= 2
}

// create agrees on the payment. Only a clear yes lets Uzum debit the buyer; without one the
// transaction is left to lapse at the shop.
func (r *run) create(b basket, amount int64) bool {
	wire := amount
	if _, ok := r.bank.world.Faults.Take("create", simulator.WrongAmount); ok {
		wire++
	}
	p := &payment{
		transID: uuid.NewString(), service: b.service.id, account: b.account, numeric: b.numeric,
		amount: wire, tiyin: wire * b.service.unit, at: r.bank.world.Now(), state: created, sent: map[string]message{},
	}
	r.payment = p
	r.bank.keep(p)
	if r.once("create", r.createMessage(p)).done() {
		return true
	}
	r.bank.move(p, refused, created)
	return false
}

// confirm debits the buyer and tells the shop. Whatever is not a clear answer makes Uzum ask
// for the status, up to ten times; it does not send confirm again.
func (r *run) confirm(params map[string]string) {
	p := r.payment
	if _, ok := r.bank.world.Faults.Take("confirm", simulator.Reordered); ok {
		r.overtaken(params)
	}
	r.bank.move(p, debited, created, cancelled)
	r.settle(r.once("confirm", r.confirmMessage(p, params)))
}

// settle draws the conclusion from an answer to confirm, by asking where there is none in it.
func (r *run) settle(answer answer) {
	p := r.payment
	switch {
	case answer.done(), answer.code == "10016":
		r.bank.move(p, paid, debited)
		return
	case answer.code == "10014", answer.code == "10015":
		r.bank.move(p, refused, debited) // the buyer gets the money back
		return
	}
	for range statusTries {
		answer := r.one("status", r.statusMessage(p))
		if answer.code != "" {
			continue // an error says FAILED of the question, not of the transaction
		}
		switch answer.status {
		case "CONFIRMED":
			r.bank.move(p, paid, debited)
			return
		case "FAILED":
			r.bank.move(p, refused, debited)
			return
		case "REVERSED":
			r.bank.move(p, cancelled, debited)
			return
		}
	}
}

// overtaken sends the confirmation of a transaction that the shop has not heard of: one that
// overtook its create. It must be refused and leave nothing behind.
func (r *run) overtaken(params map[string]string) {
	r.expect("confirm", "confirm before create", r.confirmMessage(r.payment.twin(), params), "10014")
}

// payAgain opens the paid order once more, as a buyer with two telephones does.
func (r *run) payAgain(b basket, amount int64) {
	second := r.payment.twin()
	second.amount = amount
	r.expect("check", "check of a paid order", r.checkMessage(b), "10008")
	r.expect("create", "create for a paid order", r.createMessage(second), "10008")
}

// ─── Uzum's staff ──────────────────────────────────────────────────────────────────────────

func (r *run) staff(a simulator.Action) (err error) {
	if r.payment, r.service, err = r.bank.payment(a.Ref); err != nil {
		return err
	}
	state := r.bank.stateOf(r.payment)
	must := func(states ...string) error {
		if slices.Contains(states, state) {
			return nil
		}
		return fmt.Errorf("uzum: %s of a transaction that is %s", a.Kind, state)
	}
	switch a.Kind {
	case "confirm":
		if err = must(created, cancelled); err == nil {
			r.confirm(a.Params)
		}
	case "cancel":
		if err = must(created, debited, refused, cancelled); err == nil {
			r.reverse()
		}
	case "refund":
		if err = must(paid, refunded); err == nil {
			r.reverse()
		}
	case "status":
		r.status()
	case "repeat":
		err = r.repeat(a.Params["step"])
	}
	return err
}

// reverse takes the payment back, whole. A lost answer leaves Uzum's books as they were; the
// same reverse again is then answered with 10018, which counts.
func (r *run) reverse() {
	r.reversed(r.once("reverse", r.reverseMessage(r.payment)))
}

func (r *run) reversed(answer answer) {
	if answer.done() || answer.code == "10018" {
		r.bank.move(r.payment, refunded, paid)
		r.bank.move(r.payment, cancelled, created, debited)
	}
}

// status asks once, and compares with Uzum's own books.
func (r *run) status() {
	answer := r.one("status", r.statusMessage(r.payment))
	fits := map[string][]string{
		created:   {"CREATED", "FAILED"},
		debited:   {"CREATED", "CONFIRMED", "FAILED"},
		paid:      {"CONFIRMED"},
		refused:   {"CREATED", "FAILED", "REVERSED", "FAILED10014"}, // perhaps it never came to the shop
		cancelled: {"CREATED", "FAILED", "REVERSED"},
		refunded:  {"REVERSED"},
	}
	state := r.bank.stateOf(r.payment)
	if answer.came && answer.code != "99999" && !slices.Contains(fits[state], answer.status+answer.code) {
		r.problem("status: %q %s for a transaction that is %s in Uzum's books", answer.status, answer.code, state)
	}
	if state == debited && answer.status == "CONFIRMED" {
		r.bank.move(r.payment, paid, debited)
	}
}

// repeat sends the last message of a step again, byte for byte. Where the first may not have
// arrived, the answer counts; otherwise it must be the code of a repeat.
func (r *run) repeat(step string) error {
	p := r.payment
	r.bank.mu.Lock()
	m, ok := p.sent[step]
	state, agreed := p.state, p.transTime != 0
	late := r.bank.world.Now().Sub(p.at) > lifetime
	r.bank.mu.Unlock()
	switch {
	case !ok:
		return fmt.Errorf("uzum: no %q was sent for %s", step, p.transID)
	case step == "create" && !agreed:
		if r.one(step, m).done() {
			r.bank.move(p, created, refused)
		}
	case step == "create":
		r.expect(step, "repeated create", m, "10010")
	case step == "confirm" && state == debited:
		r.settle(r.one(step, m))
	case step == "confirm" && state == paid:
		r.expect(step, "repeated confirm", m, "10016")
	case step == "confirm":
		r.expect(step, "confirm of what is over", m, "10015")
	case state == refunded || state == cancelled && !late:
		r.expect(step, "repeated reverse", m, "10018")
	default:
		r.reversed(r.one(step, m))
	}
	return nil
}

// ─── Misuse: what must be refused, and change nothing ──────────────────────────────────────

// probe tries a shop's server with everything that it must refuse. The order stays as it is.
func (r *run) probe(b basket) {
	p := &payment{transID: uuid.NewString(), service: b.service.id, account: b.account, amount: max(b.amount, 1)}
	check, create := r.checkMessage(b), r.createMessage(p)

	r.expect("check", "check without a password", check.without("Authorization"), "10001")
	r.expect("create", "create with a wrong password", create.signedBy(b.service.login, b.service.password+"x"), "10001")
	r.expect("check", "GET in place of POST", check.by("GET"), "10003")
	r.expect("check", "broken JSON", check.saying(`{`), "10002")
	r.expect("check", "a list in place of an object", check.saying(`[]`), "10002")
	r.expect("check", "check for another service", check.with("serviceId", b.service.id+1), "10006")
	r.expect("create", "create for another service", create.with("serviceId", b.service.id+1), "10006")
	r.expect("create", "create without transId", create.lacking("transId"), "10005")
	r.expect("create", "create without amount", create.lacking("amount"), "10005")
	r.expect("check", "check without params", check.lacking("params"), "10005")
	r.expect("check", "check of no order", check.with("params", map[string]any{b.service.attribute: "no-such-order"}), "10007")
	r.expect("check", "check without the attribute", check.with("params", map[string]any{}), "10007")
	if b.amount > 0 && r.one("check", check).done() {
		// 10010: another buyer is at it, which may be told before the sum is looked at.
		r.expect("create", "create of one unit more", create.with("amount", b.amount+1), "10011", "10010")
		r.expect("create", "create of a hundred times as much", create.with("amount", b.amount*100), "10011", "10010")
		if b.amount >= 100 {
			r.expect("create", "create of a hundredth", create.with("amount", b.amount/100), "10011", "10010")
		}
	}
	r.expect("confirm", "confirm without transId", r.confirmMessage(p, nil).lacking("transId"), "10005")
	r.expect("confirm", "confirm of nothing", r.confirmMessage(p, nil), "10014")
	r.expect("reverse", "reverse of nothing", r.reverseMessage(p), "10014")
	r.expect("status", "status of nothing", r.statusMessage(p), "10014")
}

// expect sends a message that must be refused, with one of codes.
func (r *run) expect(step, name string, m message, codes ...string) {
	for _, answer := range r.send(step, m) {
		if answer.came && !slices.Contains(codes, answer.code) {
			r.problem("%s: answered with %q %s instead of %s", name, answer.status, answer.code, codes[0])
		}
	}
}

// once sends a message that may be sent again later, and remembers it.
func (r *run) once(step string, m message) answer {
	r.bank.mu.Lock()
	r.payment.sent[step] = m
	r.bank.mu.Unlock()
	return r.one(step, m)
}

// one sends a message and returns the answer that counts. Where the network made two of it,
// exactly one of the answers may be a yes, and the other must name the repeat.
func (r *run) one(step string, m message) answer {
	answers := r.send(step, m)
	first := answers[0]
	for _, again := range answers[1:] {
		repeat := map[string]string{"create": "10010", "confirm": "10016", "reverse": "10018"}[step]
		switch {
		case repeat == "" || !first.came || !again.came:
		case first.done() && again.done():
			r.problem("%s: the same message twice was done twice", step)
		case first.done() && again.code != repeat, again.done() && first.code != repeat:
			r.problem("%s: the same message twice was answered %s and %s; the repeat's code is %s", step, first, again, repeat)
		}
		if again.done() {
			first = again
		}
	}
	return first
}

// params are the service's attributes as the buyer filled them in.
func (r *run) params(account string, numeric bool) map[string]any {
	if numeric {
		return map[string]any{r.service.attribute: json.Number(account)}
	}
	return map[string]any{r.service.attribute: account}
}
