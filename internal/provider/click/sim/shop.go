package sim

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// fields are a message's fields in the order in which CLICK sends them.
type fields [][2]string

func (f fields) get(name string) string {
	for _, x := range f {
		if x[0] == name {
			return x[1]
		}
	}
	return ""
}

// with sets a field, at its place or at the end.
func (f fields) with(name, value string) fields {
	f = slices.Clone(f)
	for i := range f {
		if f[i][0] == name {
			f[i][1] = value
			return f
		}
	}
	return append(f, [2]string{name, value})
}

func (f fields) without(name string) fields {
	return slices.DeleteFunc(slices.Clone(f), func(x [2]string) bool { return x[0] == name })
}

func (f fields) encode() []byte {
	var b strings.Builder
	for i, x := range f {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(x[0] + "=" + url.QueryEscape(x[1]))
	}
	return []byte(b.String())
}

// signed signs the message as it stands: md5 over the values, joined without anything between
// them, with the secret after the service and merchant_prepare_id only where there is one.
func (f fields) signed(secret string) fields {
	h := md5.New()
	for _, part := range []string{
		f.get("click_trans_id"), f.get("service_id"), secret, f.get("merchant_trans_id"),
		f.get("merchant_prepare_id"), f.get("amount"), f.get("action"), f.get("sign_time"),
	} {
		h.Write([]byte(part))
	}
	return f.with("sign_string", hex.EncodeToString(h.Sum(nil)))
}

// compose writes a message of an attempt: action 0 or 1, and CLICK's own error. It is called
// with sim.mu held.
func (s *sim) compose(a *attempt, action string, failure int, at time.Time) fields {
	note := "Success"
	if failure < 0 {
		note = "The payment failed"
	}
	f := fields{
		{"click_trans_id", strconv.FormatInt(a.trans, 10)},
		{"service_id", a.svc.id},
		{"click_paydoc_id", strconv.FormatInt(a.paydoc, 10)},
		{"merchant_trans_id", a.account},
		{"amount", a.amountText},
		{"action", action},
		{"sign_time", at.In(tashkent).Format(time.DateTime)},
		{"error", strconv.Itoa(failure)},
		{"error_note", note},
	}
	if action == "1" {
		f = append(f, [2]string{"merchant_prepare_id", a.prepareID})
	}
	return f.signed(a.svc.secret)
}

// run carries an attempt on, message by message, until it is decided, its buyer holds, or an
// answer is missing; then the message is due again later.
func (s *sim) run(ctx context.Context, a *attempt, rep *simulator.Report) {
	a.turn.Lock()
	defer a.turn.Unlock()
	for s.step(ctx, a, rep) {
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rep.Ref, rep.State, rep.Returned = strconv.FormatInt(a.trans, 10), a.state, a.returnURL
}

// step sends the next message and takes in its answer. It says whether to go on at once.
func (s *sim) step(ctx context.Context, a *attempt, rep *simulator.Report) bool {
	s.mu.Lock()
	next, failure := a.next, a.failure
	s.mu.Unlock()
	switch next {
	case stepPrepare:
		if _, early := s.world.Faults.Take(stepComplete, simulator.Reordered); early {
			s.overtake(ctx, a, rep)
		}
		return s.afterPrepare(a, s.say(ctx, a, rep, stepPrepare, "0", 0))
	case stepComplete:
		return s.afterComplete(a, s.say(ctx, a, rep, stepComplete, "1", 0))
	case "fail":
		return s.afterFail(a, s.say(ctx, a, rep, stepComplete, "1", failure))
	}
	return false
}

// code is an answer's error; noCode means that there was no answer that could be read.
type code int

const noCode code = 1

// afterPrepare: 0 lets CLICK debit the buyer. -4 closes the payment as successful, if it was
// debited before (a repeat after a lost answer). Any other no ends it, unless it was debited:
// then the merchant must still say in a Complete what it makes of the money.
func (s *sim) afterPrepare(a *attempt, c code) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case c == noCode:
		if !s.again(a) && !a.debited {
			a.next, a.failure, a.tries = "fail", -9, 0
			return true
		}
		return false
	case a.debited && c == -4:
		s.settle(a, paid)
		return false
	case a.debited:
		a.next = stepComplete
		return true
	case c == 0 && a.plan == "hold":
		a.next, a.due, a.tries = "", time.Time{}, 0
		return false
	case c == 0 && a.plan == "refuse":
		a.next, a.failure, a.tries = "fail", -5017, 0
		return true
	case c == 0:
		a.next, a.debited, a.tries = stepComplete, true, 0
		return true
	case c != -4 && s.set.CancelRefused:
		a.next, a.failure, a.tries = "fail", int(c), 0
		return true
	}
	s.settle(a, refused)
	return false
}

// afterComplete: 0 and -4 are final yeses, -9 is the final no, after which CLICK gives the money
// back. After anything else CLICK asks again, and in the end its staff must.
func (s *sim) afterComplete(a *attempt, c code) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch c {
	case 0, -4:
		s.settle(a, paid)
	case -9:
		a.refunded = a.amount
		s.settle(a, cancelled)
	default:
		a.state = suspended
		if s.set.RepeatFrom == stepPrepare {
			a.next = stepPrepare
		}
		s.again(a)
	}
	return false
}

func (s *sim) afterFail(a *attempt, c code) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c == noCode || c == -7 {
		if s.again(a) {
			return false
		}
	}
	if a.state == paid || a.state == refunded {
		s.settle(a, a.state) // what CLICK does with the money of a payment that fails late is not published
	} else {
		s.settle(a, refused)
	}
	return false
}

func (s *sim) settle(a *attempt, state string) {
	a.state, a.next, a.due, a.tries = state, "", time.Time{}, 0
}

// again puts the message on the list of repeats; false when the list is at its end.
func (s *sim) again(a *attempt) bool {
	if a.tries >= s.set.Repeats {
		a.due = time.Time{}
		return false
	}
	a.tries++
	a.due = s.world.Now().Add(s.set.RepeatEvery)
	return true
}

// say sends one message with the faults of its step and judges the answers.
func (s *sim) say(ctx context.Context, a *attempt, rep *simulator.Report, step, action string, failure int) code {
	at, wrongSign, wrongAmount := s.world.Now(), false, false
	if f, ok := s.world.Faults.Take(step, simulator.ClockSkew); ok {
		at = at.Add(f.Delay)
	}
	s.mu.Lock()
	msg := s.compose(a, action, failure, at)
	if _, wrongAmount = s.world.Faults.Take(step, simulator.WrongAmount); wrongAmount {
		msg = msg.with("amount", soum(a.amount+1, "N.NN")).signed(a.svc.secret)
	}
	if _, wrongSign = s.world.Faults.Take(step, simulator.WrongSignature); wrongSign {
		msg = msg.with("sign_string", strings.Repeat("0", 32))
	}
	a.sent[step] = msg
	s.mu.Unlock()

	forged := ""
	switch {
	case wrongSign:
		forged = "-1"
	case wrongAmount:
		forged = "a refusal"
	}
	return s.judge(a, rep, msg, forged, s.send(ctx, a.svc, step, msg))
}

// overtake sends the Complete before its Prepare: it can name no id of the merchant's.
func (s *sim) overtake(ctx context.Context, a *attempt, rep *simulator.Report) {
	s.mu.Lock()
	msg := s.compose(a, "1", 0, s.world.Now()).with("merchant_prepare_id", "1").signed(a.svc.secret)
	s.mu.Unlock()
	s.judge(a, rep, msg, "a refusal", s.send(ctx, a.svc, stepComplete, msg))
}

func (s *sim) send(ctx context.Context, svc *service, step string, msg fields) []simulator.Exchange {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	return s.world.Call(ctx, step, http.MethodPost, svc.callback, header, msg.encode())
}

// notes is the published table.
var notes = map[code]string{
	0: "Success", -1: "SIGN CHECK FAILED!", -2: "Incorrect parameter amount", -3: "Action not found",
	-4: "Already paid", -5: "User does not exist", -6: "Transaction does not exist",
	-7: "Failed to update user", -8: "Error in request from click", -9: "Transaction cancelled",
}

// answer is what a merchant answers, strictly typed.
type answer struct {
	ClickTransID      json.RawMessage  `json:"click_trans_id"`
	MerchantTransID   *string          `json:"merchant_trans_id"`
	MerchantPrepareID *json.RawMessage `json:"merchant_prepare_id"`
	MerchantConfirmID *json.RawMessage `json:"merchant_confirm_id"`
	Error             *json.RawMessage `json:"error"`
	ErrorNote         *string          `json:"error_note"`
}

// judge reads the answers to one message (two, where it was sent twice), notes what a strict
// CLICK would object to, and returns the code that counts: a final one before any other.
// forged says what a message must be answered that is not as CLICK would send it.
func (s *sim) judge(a *attempt, rep *simulator.Report, msg fields, forged string, all []simulator.Exchange) code {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := noCode
	if msg.get("action") == "1" && msg.get("error") == "0" && forged == "" {
		a.asked += len(all)
	}
	for _, x := range all {
		rep.Exchanges = append(rep.Exchanges, x)
		object := func(format string, args ...any) {
			rep.Problems = append(rep.Problems, x.Step+": "+fmt.Sprintf(format, args...))
		}
		if x.Status == 0 || x.Fault == simulator.HalfBody {
			continue // no answer, or one to half a message
		}
		c, ans, ok := readAnswer(x, object)
		if !ok {
			continue
		}
		echoed(ans, msg, object)
		switch {
		case forged == "-1" && c != -1:
			object("a wrong signature was answered %d, and must be answered -1", c)
		case forged != "" && c == 0:
			object("a wrong message was taken")
		case forged != "":
		case msg.get("action") == "0":
			s.judgePrepare(a, c, ans, object)
		case strings.HasPrefix(msg.get("error"), "-"):
			if c != -9 && c != -7 && a.prepareID != "" {
				object("a failed payment was answered %d, and must be answered -9", c)
			}
		default:
			s.judgeComplete(a, c, ans, object)
		}
		if c.rank() < counts.rank() {
			counts = c
		}
	}
	return counts
}

// rank orders codes by how final they are.
func (c code) rank() int {
	switch c {
	case 0:
		return 0
	case -4:
		return 1
	case -9:
		return 2
	case noCode:
		return 4
	}
	return 3
}

func (s *sim) judgePrepare(a *attempt, c code, ans answer, object func(string, ...any)) {
	switch c {
	case 0:
		id := ""
		if ans.MerchantPrepareID != nil {
			id = string(*ans.MerchantPrepareID)
		}
		n, err := strconv.ParseInt(id, 10, 32)
		switch {
		case err != nil || n <= 0:
			object("merchant_prepare_id %s is no positive int", id)
		case a.prepareID != "" && a.prepareID != id:
			object("merchant_prepare_id was %s, and is %s in the repeat", a.prepareID, id)
		}
		a.prepareID = id
	case -1, -3, -6, -8:
		object("a right Prepare was answered %d", c)
	}
	if a.taken && c != -4 {
		object("a Prepare repeated after its Complete was answered %d, and must be answered -4: CLICK gives the money back", c)
	}
}

func (s *sim) judgeComplete(a *attempt, c code, ans answer, object func(string, ...any)) {
	switch c {
	case 0:
		if a.taken {
			object("a Complete was taken twice: a repeat must be answered -4")
		}
		a.taken = true
		if ans.MerchantConfirmID == nil {
			object("merchant_confirm_id is missing")
		} else if id := string(*ans.MerchantConfirmID); id != "null" {
			if _, err := strconv.ParseInt(id, 10, 64); err != nil {
				object("merchant_confirm_id %s is no int", id)
			}
		}
	case -4:
		if a.asked == 1 && !a.taken {
			object("the first Complete was answered -4: CLICK keeps the buyer's money, and nothing was paid with it")
		}
	case -9, -7:
	default:
		object("a Complete for money that was taken was answered %d: only 0, -4 and -9 are final", c)
	}
}

// readAnswer reads an answer's body: one JSON object with an error of the table.
func readAnswer(x simulator.Exchange, object func(string, ...any)) (code, answer, bool) {
	var ans answer
	if x.Status != http.StatusOK {
		object("HTTP status %d, and must be 200", x.Status)
		return noCode, ans, false
	}
	if err := json.Unmarshal([]byte(x.Answer), &ans); err != nil || ans.Error == nil {
		object("the answer is no JSON object with an error: %.100q", x.Answer)
		return noCode, ans, false
	}
	n, err := strconv.Atoi(string(*ans.Error))
	c := code(n)
	if _, known := notes[c]; err != nil || !known {
		object("error %s is none of CLICK's", *ans.Error)
		return noCode, ans, false
	}
	if ans.ErrorNote == nil || *ans.ErrorNote != notes[c] {
		object("error_note of %d must read %q", c, notes[c])
	}
	return c, ans, true
}

// echoed checks the echo, of what could be echoed.
func echoed(ans answer, msg fields, object func(string, ...any)) {
	if want := msg.get("click_trans_id"); int64Shape.MatchString(want) && string(ans.ClickTransID) != want {
		object("click_trans_id %s is answered for the number %s", ans.ClickTransID, want)
	}
	if want := msg.get("merchant_trans_id"); want != "" && (ans.MerchantTransID == nil || *ans.MerchantTransID != want) {
		object("merchant_trans_id %q is not echoed", want)
	}
}

// soum prints tiyin as CLICK prints amounts: N without a fraction where there is none, or N.NN.
func soum(tiyin int64, format string) string {
	if format == "N.NN" || tiyin%100 != 0 {
		return fmt.Sprintf("%d.%02d", tiyin/100, tiyin%100)
	}
	return strconv.FormatInt(tiyin/100, 10)
}
