package sim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// Act does what a buyer or CLICK's staff does. The buyer names a payment by the link, or, paying
// in the app without one, by Params "account" and an amount (and "service_id" where there are
// several). The staff name one by Ref, its click_trans_id.
//
//	pay        Prepare, debit, Complete, with repeats as they fall due (Tick)
//	refuse     Prepare, the debit fails, Complete with error -5017
//	abandon    the buyer opens the link and goes away: CLICK says nothing
//	pay_twice  two attempts, both prepared before either is completed; Params "first": "newer" (default) or "older"
//	prepare    Prepare only: the buyer waits
//	complete   the buyer who waits is debited
//	cancel     Complete with an error (Params "error", default -5017), also for what is paid
//	repeat     the last message again, byte for byte: Params "message" (complete or prepare), "copies" sent at once
//	retry      the staff ask again for a payment without a final answer
//	refund     the merchant's staff reverse a payment in the cabinet (Amount: a part): nobody is told
//	send       one message of the caller's making, see probe
//	suite      CLICK's fifteen published cases: Params "orders", three unpaid orders by commas, all of Amount
//	code       Click Pass: what a buyer's telephone shows, as Report.Ref; Params "phone", "card", "plan"
//	set        Params are settings by name
func (s *sim) Act(ctx context.Context, act simulator.Action) (simulator.Report, error) {
	switch act.Kind {
	case "code":
		code, err := s.codes.Make("88"+simulator.Digits(18), act.Params, s.world.Now())
		return simulator.Report{Ref: code.Text, State: created}, err
	case "pay", "refuse", "prepare":
		return s.buy(ctx, act, map[string]string{"pay": "pay", "refuse": "refuse", "prepare": "hold"}[act.Kind])
	case "abandon":
		_, o, err := s.opened(act)
		return simulator.Report{State: created, Returned: o.returnURL}, err
	case "pay_twice":
		return s.payTwice(ctx, act)
	case "complete", "cancel", "retry":
		return s.carryOn(ctx, act)
	case "repeat":
		return s.repeat(ctx, act)
	case "refund":
		return s.refundInCabinet(act)
	case "send":
		return s.sendProbe(ctx, act)
	case "suite":
		return s.suite(ctx, act)
	case "set":
		var errs []error
		for name, value := range act.Params {
			errs = append(errs, s.change(name, value))
		}
		return simulator.Report{}, errors.Join(errs...)
	}
	return simulator.Report{}, fmt.Errorf("CLICK has no action %q", act.Kind)
}

// opening is what a buyer has before paying.
type opening struct {
	account, amountText, returnURL string
	amount                         int64
}

// buy makes an attempt and carries it as far as the buyer goes.
func (s *sim) buy(ctx context.Context, act simulator.Action, plan string) (simulator.Report, error) {
	var rep simulator.Report
	a, err := s.begin(act, plan)
	if err != nil {
		return rep, err
	}
	s.run(ctx, a, &rep)
	return rep, nil
}

func (s *sim) begin(act simulator.Action, plan string) (*attempt, error) {
	svc, o, err := s.opened(act)
	if err != nil {
		return nil, err
	}
	a := s.newAttempt(svc, o.account, o.amountText, o.amount)
	s.mu.Lock()
	defer s.mu.Unlock()
	a.plan, a.returnURL = plan, o.returnURL
	return a, nil
}

// opened reads the link, or what the buyer typed into the app.
func (s *sim) opened(act simulator.Action) (*service, opening, error) {
	if act.Link == "" {
		svc, err := s.serviceOf(act.Params["service_id"])
		o := opening{account: act.Params["account"], amount: act.Amount, amountText: soum(act.Amount, s.settings().AmountFormat)}
		if err == nil && (o.account == "" || o.amount <= 0) {
			err = errors.New("without a link a buyer needs an account and an amount")
		}
		return svc, o, err
	}
	u, err := url.Parse(act.Link)
	if err != nil {
		return nil, opening{}, err
	}
	svc, o, err := s.readLink(u.Query())
	if err == nil && act.Amount > 0 { // the link is not signed
		o.amount, o.amountText = act.Amount, soum(act.Amount, s.settings().AmountFormat)
	}
	return svc, o, err
}

var linkAmount = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,2})?$`)

func (s *sim) readLink(q url.Values) (*service, opening, error) {
	for _, name := range []string{"service_id", "merchant_id", "amount", "transaction_param"} {
		if q.Get(name) == "" {
			return nil, opening{}, fmt.Errorf("the link has no %s", name)
		}
	}
	svc, err := s.serviceOf(q.Get("service_id"))
	if err != nil {
		return nil, opening{}, err
	}
	if q.Get("merchant_id") != svc.merchant {
		return nil, opening{}, errors.New("the link's merchant_id is not the service's")
	}
	if !linkAmount.MatchString(q.Get("amount")) {
		return nil, opening{}, fmt.Errorf("the link's amount %q is not N.NN", q.Get("amount"))
	}
	o := opening{account: q.Get("transaction_param"), amountText: q.Get("amount"), returnURL: q.Get("return_url")}
	if o.amount, err = tiyin(o.amountText); err != nil || o.amount == 0 {
		return nil, opening{}, fmt.Errorf("the link's amount %q cannot be paid", o.amountText)
	}
	if format := s.settings().AmountFormat; format != "raw" {
		o.amountText = soum(o.amount, format)
	}
	return svc, o, nil
}

// serviceOf finds a service; "" means the only one.
func (s *sim) serviceOf(id string) (*service, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if svc, ok := s.services[id]; ok {
		return svc, nil
	}
	if id == "" && len(s.services) == 1 {
		for _, svc := range s.services {
			return svc, nil
		}
	}
	return nil, fmt.Errorf("CLICK has no service %q", id)
}

// payTwice is a buyer who begins anew before the first attempt is through.
func (s *sim) payTwice(ctx context.Context, act simulator.Action) (simulator.Report, error) {
	var rep simulator.Report
	older, err := s.begin(act, "hold")
	if err != nil {
		return rep, err
	}
	newer, err := s.begin(act, "hold")
	if err != nil {
		return rep, err
	}
	s.run(ctx, older, &rep)
	s.run(ctx, newer, &rep)
	first, second := newer, older
	if act.Params["first"] == "older" {
		first, second = older, newer
	}
	s.debit(first)
	s.run(ctx, first, &rep)
	winner := rep
	s.debit(second)
	s.run(ctx, second, &rep)
	rep.Ref, rep.State, rep.Returned = winner.Ref, winner.State, winner.Returned

	s.mu.Lock()
	defer s.mu.Unlock()
	if older.taken && newer.taken {
		rep.Problems = append(rep.Problems, "complete: two attempts were taken for one order")
	}
	return rep, nil
}

// debit takes the money of a buyer who waits after a Prepare that was answered 0, so that the
// Complete comes next; one whose Prepare is still to be answered pays when it is. It says whether
// there is such a buyer.
func (s *sim) debit(a *attempt) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.state != created || a.plan != "hold" {
		return false
	}
	a.plan = "pay"
	if a.next == "" {
		a.next, a.debited = stepComplete, true
	}
	return true
}

func (s *sim) carryOn(ctx context.Context, act simulator.Action) (simulator.Report, error) {
	var rep simulator.Report
	a, err := s.attemptOf(act.Ref)
	if err != nil {
		return rep, err
	}
	switch act.Kind {
	case "complete":
		if !s.debit(a) {
			return rep, errors.New("no buyer of this payment waits")
		}
	case "cancel":
		failure := -5017
		if text := act.Params["error"]; text != "" {
			if failure, err = strconv.Atoi(text); err != nil || failure >= 0 {
				return rep, fmt.Errorf("error %q is no negative number", text)
			}
		}
		s.mu.Lock()
		a.next, a.failure, a.tries = "fail", failure, 0
		s.mu.Unlock()
	case "retry":
		s.mu.Lock()
		a.tries = 0
		open := a.next != ""
		s.mu.Unlock()
		if !open {
			return rep, errors.New("this payment is decided")
		}
	}
	s.run(ctx, a, &rep)
	return rep, nil
}

func (s *sim) attemptOf(ref string) (*attempt, error) {
	n, err := strconv.ParseInt(ref, 10, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.attempts[n]; ok && err == nil {
		return a, nil
	}
	return nil, fmt.Errorf("CLICK has no payment %q", ref)
}

// repeat sends the last message of a kind again, as its network may.
func (s *sim) repeat(ctx context.Context, act simulator.Action) (simulator.Report, error) {
	var rep simulator.Report
	a, err := s.attemptOf(act.Ref)
	if err != nil {
		return rep, err
	}
	step := act.Params["message"]
	if step == "" {
		step = stepComplete
	}
	copies, err := strconv.Atoi(act.Params["copies"])
	if act.Params["copies"] == "" {
		copies, err = 1, nil
	}
	a.turn.Lock()
	defer a.turn.Unlock()
	s.mu.Lock()
	msg, ok := a.sent[step]
	s.mu.Unlock()
	if !ok || err != nil || copies < 1 || copies > 1000 {
		return rep, fmt.Errorf("there is no message %q to repeat %q times", step, act.Params["copies"])
	}
	all := make([][]simulator.Exchange, copies)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i] = s.send(ctx, a.svc, step, msg) })
	}
	wg.Wait()
	s.judge(a, &rep, msg, "", slices.Concat(all...))
	s.mu.Lock()
	defer s.mu.Unlock()
	rep.Ref, rep.State = act.Ref, a.state
	return rep, nil
}

// refundInCabinet is the merchant's staff at merchant.click.uz. CLICK tells the merchant's
// server nothing of it.
func (s *sim) refundInCabinet(act simulator.Action) (simulator.Report, error) {
	a, err := s.attemptOf(act.Ref)
	if err != nil {
		return simulator.Report{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.reverse(a, act.Amount); f != nil {
		return simulator.Report{}, errors.New(f.note)
	}
	return simulator.Report{Ref: act.Ref, State: a.state}, nil
}

// sendProbe sends one message of the caller's making: a Prepare, or with Params "action" "1" a
// Complete, for Params "account" and Amount, in which every field may be replaced by Params of
// its name. Params "omit" leaves fields out, by commas; "sign" may be "wrong"; "as" may be json,
// get or empty instead of a form; "expect" is the code that must be answered.
func (s *sim) sendProbe(ctx context.Context, act simulator.Action) (simulator.Report, error) {
	var rep simulator.Report
	svc, err := s.serviceOf("")
	if id := act.Params["service"]; id != "" {
		svc, err = s.serviceOf(id)
	}
	if err != nil {
		return rep, err
	}
	s.mu.Lock()
	a := &attempt{svc: svc, trans: s.newID(), paydoc: s.newID(), account: act.Params["account"], amount: act.Amount, amountText: soum(act.Amount, "N"), sent: map[string]fields{}}
	s.mu.Unlock()
	want := noCode
	if text := act.Params["expect"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return rep, err
		}
		want = code(n)
	}
	ans := s.probe(ctx, a, &rep, act.Params, want)
	rep.Ref = strconv.FormatInt(a.trans, 10)
	if ans.Error != nil {
		rep.State = string(*ans.Error)
	}
	return rep, nil
}

var messageFields = []string{
	"click_trans_id", "service_id", "click_paydoc_id", "merchant_trans_id", "amount", "action",
	"sign_time", "error", "error_note", "merchant_prepare_id", "sign_string",
}

func (s *sim) probe(ctx context.Context, a *attempt, rep *simulator.Report, params map[string]string, want code) answer {
	action, step := "0", stepPrepare
	if params["action"] == "1" {
		action, step = "1", stepComplete
	}
	s.mu.Lock()
	msg := s.compose(a, action, 0, s.world.Now())
	s.mu.Unlock()
	for _, name := range messageFields {
		if value, ok := params[name]; ok && name != "sign_string" {
			msg = msg.with(name, value)
		}
	}
	msg = msg.signed(a.svc.secret)
	if value, ok := params["sign_string"]; ok {
		msg = msg.with("sign_string", value)
	}
	if params["sign"] == "wrong" {
		msg = msg.with("sign_string", strings.Repeat("0", 32))
	}
	for name := range strings.SplitSeq(params["omit"], ",") {
		msg = msg.without(name)
	}
	var all []simulator.Exchange
	switch params["as"] {
	case "json":
		all = s.world.Call(ctx, step, http.MethodPost, a.svc.callback, http.Header{"Content-Type": {"application/json"}}, []byte(`{"action":0}`))
	case "get":
		all = s.world.Call(ctx, step, http.MethodGet, a.svc.callback+"?"+string(msg.encode()), nil, nil)
	case "empty":
		all = s.send(ctx, a.svc, step, nil)
	default:
		all = s.send(ctx, a.svc, step, msg)
	}
	var last answer
	for _, x := range all {
		rep.Exchanges = append(rep.Exchanges, x)
		if x.Status == 0 {
			continue
		}
		object := func(format string, args ...any) {
			rep.Problems = append(rep.Problems, x.Step+": "+fmt.Sprintf(format, args...))
		}
		c, ans, ok := readAnswer(x, object)
		if ok && want != noCode && c != want {
			object("answered %d, and must be answered %d", c, want)
		}
		last = ans
	}
	return last
}

// tiyin reads an amount in soum with at most two digits behind the dot.
func tiyin(text string) (int64, error) {
	whole, frac, _ := strings.Cut(text, ".")
	return strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
}
