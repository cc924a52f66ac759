package sim

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// message is one call as it will be sent.
type message struct {
	method string
	header http.Header
	fields map[string]any // the body; nil: raw is sent as it is
	raw    string
}

func (r *run) message(fields map[string]any) message {
	m := message{method: http.MethodPost, header: http.Header{"Content-Type": {"application/json"}}, fields: fields}
	fields["serviceId"] = r.service.id
	fields["timestamp"] = r.bank.world.Now().UnixMilli()
	return m.signedBy(r.service.login, r.service.password)
}

func (r *run) checkMessage(b basket) message {
	return r.message(map[string]any{"params": r.params(b.account, b.numeric)})
}

func (r *run) createMessage(p *payment) message {
	return r.message(map[string]any{"transId": p.transID, "params": r.params(p.account, p.numeric), "amount": p.amount})
}

// confirmMessage tells of the debit. Params "source", "phone" and "cardType" say another than
// the usual one.
func (r *run) confirmMessage(p *payment, params map[string]string) message {
	source, phone, cardType := "UZCARD", "998901234567", 2
	if s := params["source"]; s != "" {
		source = s
	}
	if s := params["phone"]; s != "" {
		phone = s
	}
	if s := params["cardType"]; s == "1" {
		cardType = 1
	}
	return r.message(map[string]any{
		"transId": p.transID, "paymentSource": source, "tariff": nil, "processingReferenceNumber": "000",
		"phone": phone, "cardType": cardType,
	})
}

func (r *run) reverseMessage(p *payment) message {
	return r.message(map[string]any{"transId": p.transID})
}

func (r *run) statusMessage(p *payment) message {
	return r.message(map[string]any{"transId": p.transID})
}

// ─── Changes to a message, each a copy ─────────────────────────────────────────────────────

func (m message) signedBy(login, password string) message {
	m.header = m.header.Clone()
	m.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(login+":"+password)))
	return m
}

func (m message) without(header string) message {
	m.header = m.header.Clone()
	m.header.Del(header)
	return m
}

func (m message) by(method string) message { m.method = method; return m }

func (m message) saying(raw string) message { m.fields, m.raw = nil, raw; return m }

func (m message) with(field string, value any) message {
	m.fields = maps.Clone(m.fields)
	m.fields[field] = value
	return m
}

func (m message) lacking(field string) message {
	m.fields = maps.Clone(m.fields)
	delete(m.fields, field)
	return m
}

func (m message) body() []byte {
	if m.fields == nil {
		return []byte(m.raw)
	}
	b, _ := json.Marshal(m.fields) // texts and numbers only
	return b
}

// ─── Sending, and judging what comes back ──────────────────────────────────────────────────

// send sends a message with the faults of its step, and judges each answer.
func (r *run) send(step string, m message) []answer {
	faults := r.bank.world.Faults
	if f, ok := faults.Take(step, simulator.ClockSkew); ok && m.fields != nil {
		m = m.with("timestamp", r.bank.world.Now().Add(f.Delay).UnixMilli())
	}
	if _, ok := faults.Take(step, simulator.WrongSignature); ok {
		m = m.signedBy(r.service.login, r.service.password+"x")
	}
	var out []answer
	for _, x := range r.bank.world.Call(r.ctx, step, m.method, r.service.address+"/"+step, m.header, m.body()) {
		r.report.Exchanges = append(r.report.Exchanges, x)
		out = append(out, r.judge(step, m, x))
	}
	return out
}

// answer is what Uzum makes of one answer.
type answer struct {
	came   bool // anything at all
	status string
	code   string // of an error
	fields map[string]any
}

// done says whether it is a yes. The five calls' words for yes are each their own.
func (a answer) done() bool {
	return a.code == "" && slices.Contains([]string{"OK", "CREATED", "CONFIRMED", "REVERSED"}, a.status)
}

func (a answer) String() string {
	if !a.came {
		return "no answer"
	}
	return a.status + a.code
}

// shown is one of the lines that the app shows.
func (a answer) shown(name string) string {
	data, _ := a.fields["data"].(map[string]any)
	line, _ := data[name].(map[string]any)
	value, _ := line["value"].(string)
	return value
}

// words are the statuses that each call may answer with.
var words = map[string][]string{
	"check": {"OK"}, "create": {"CREATED"}, "confirm": {"CONFIRMED"}, "reverse": {"REVERSED"},
	"status": {"CREATED", "CONFIRMED", "REVERSED", "FAILED"},
}

// catalogue are the codes that each call may refuse with, beside those that all have.
var (
	common    = []string{"10001", "10002", "10003", "10005", "10006", "99999"}
	catalogue = map[string][]string{
		"check":   {"10007", "10008", "10009"},
		"create":  {"10007", "10008", "10009", "10010", "10011", "10012", "10013"},
		"confirm": {"10014", "10015", "10016"},
		"reverse": {"10014", "10017", "10018"},
		"status":  {"10014"},
	}
)

// judge reads one answer, and reports what a strict Uzum would object to.
func (r *run) judge(step string, m message, x simulator.Exchange) answer {
	if x.Status == 0 {
		return answer{}
	}
	a := answer{came: true}
	dec := json.NewDecoder(bytes.NewReader([]byte(x.Answer)))
	dec.UseNumber()
	if err := dec.Decode(&a.fields); err != nil || a.fields == nil || dec.More() {
		r.problem("%s: the answer is not a JSON object (HTTP %d)", step, x.Status)
		return a
	}
	a.status, _ = a.fields["status"].(string)
	if _, refused := a.fields["errorCode"]; refused {
		r.judgeRefusal(step, x, &a)
	} else {
		r.judgeYes(step, m, x, a)
	}
	return a
}

func (r *run) judgeRefusal(step string, x simulator.Exchange, a *answer) {
	switch code := a.fields["errorCode"].(type) {
	case string:
		a.code = code
	case json.Number:
		a.code = code.String()
	}
	if !slices.Contains(common, a.code) && !slices.Contains(catalogue[step], a.code) {
		r.problem("%s: errorCode %q is not in this call's catalogue", step, a.code)
	}
	if a.status != "FAILED" {
		r.problem("%s: an error says status %q instead of FAILED", step, a.status)
	}
	if x.Status == http.StatusOK {
		r.problem("warning: %s: an error came with HTTP 200 instead of 400", step)
	} else if x.Status != http.StatusBadRequest {
		r.problem("%s: an error came with HTTP %d instead of 400", step, x.Status)
	}
}

func (r *run) judgeYes(step string, m message, x simulator.Exchange, a answer) {
	if x.Status != http.StatusOK {
		r.problem("%s: HTTP %d without an errorCode", step, x.Status)
	}
	if !slices.Contains(words[step], a.status) {
		r.problem("%s: status %q is not one of %v", step, a.status, words[step])
	}
	if id := number(a.fields["serviceId"]); id != r.service.id {
		r.problem("%s: serviceId %d is not echoed", step, r.service.id)
	}
	if step == "check" {
		r.millis(step, a, "timestamp")
		r.lines(step, a, true)
		return
	}
	if sent, got := m.fields["transId"], a.fields["transId"]; sent != got {
		r.problem("%s: transId %v is answered with %v", step, sent, got)
	}
	if p := r.payment; p != nil && p.transID == m.fields["transId"] {
		if amount := number(a.fields["amount"]); amount != p.amount {
			r.problem("%s: amount %d is answered with %v", step, p.amount, a.fields["amount"])
		}
		r.times(step, a, p)
	}
	r.lines(step, a, step == "status")
}

// times compares the moments that are told with those told before: they must never change.
func (r *run) times(step string, a answer, p *payment) {
	r.bank.mu.Lock()
	defer r.bank.mu.Unlock()
	same := func(kept *int64, field string) {
		t := r.millis(step, a, field)
		if *kept != 0 && t != *kept {
			r.problem("%s: %s was %d and is now %d", step, field, *kept, t)
		}
		*kept = t
	}
	null := func(field string) {
		if value, there := a.fields[field]; !there || value != nil {
			r.problem("%s: %s must be null", step, field)
		}
	}
	switch step {
	case "create":
		same(&p.transTime, "transTime")
	case "confirm":
		same(&p.confirmTime, "confirmTime")
	case "reverse":
		same(&p.reverseTime, "reverseTime")
	case "status":
		same(&p.transTime, "transTime")
		switch {
		case a.status == "CONFIRMED" || a.status == "REVERSED" && a.fields["confirmTime"] != nil:
			same(&p.confirmTime, "confirmTime")
			if p.confirmTime < p.transTime {
				r.problem("status: confirmTime %d is before transTime %d", p.confirmTime, p.transTime)
			}
		default:
			null("confirmTime")
		}
		if a.status == "REVERSED" {
			same(&p.reverseTime, "reverseTime")
		} else {
			null("reverseTime")
		}
	}
}

// millis reads a moment, which must be in milliseconds: one in seconds lies in 1970.
func (r *run) millis(step string, a answer, field string) int64 {
	t := number(a.fields[field])
	if t < 1_000_000_000_000 || t >= 100_000_000_000_000 {
		r.problem("%s: %s %v is not a time in milliseconds", step, field, a.fields[field])
	}
	return t
}

// lines checks the form of what the app shows: {"name": {"value": "text"}}.
func (r *run) lines(step string, a answer, required bool) {
	raw, there := a.fields["data"]
	data, ok := raw.(map[string]any)
	if !there && !required {
		return
	}
	if !ok {
		r.problem("%s: data is not an object", step)
		return
	}
	for name, line := range data {
		entry, _ := line.(map[string]any)
		if _, ok := entry["value"].(string); !ok {
			r.problem("%s: data.%s has no text as its value", step, name)
		}
	}
}

// number reads a JSON integer; -1 is none.
func number(v any) int64 {
	n, ok := v.(json.Number)
	if !ok {
		return -1
	}
	i, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil {
		return -1
	}
	return i
}

var _ fmt.Stringer = answer{}
