package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// exam is one run of tests against an order that nobody has begun to pay. Each message is sent
// once; what is not as expected becomes a problem that begins with the test's number.
type exam struct {
	*talk
	order order
	name  string // of the test that runs
}

// examine runs one of the two lists of tests.
func (c *company) examine(ctx context.Context, kind string, o order, rep *simulator.Report) {
	e := &exam{talk: c.talk(ctx, o.kassa, rep), order: o}
	if kind == actProbe {
		e.probe()
		return
	}
	e.strangers()
	e.wrongData()
	e.firstScenario()
	e.secondScenario()
	e.rest()
}

// strangers is S1.1: every method without a right key.
func (e *exam) strangers() {
	e.name = "S1.1 wrong authorisation"
	good := header(e.key, e.test)
	headers := map[string]string{
		"no header": "", "no Base64": "Basic !!!", "another key": header(e.key+"x", e.test).Get("Authorization"),
		"another scheme": "Bearer " + e.key, "another login": basic("paycom", e.key), "no key": basic("Paycom", ""),
	}
	for _, method := range methods {
		for what, value := range headers {
			h := good.Clone()
			h.Del("Authorization")
			if value != "" {
				h.Set("Authorization", value)
			}
			id := e.nextCall()
			body := encode(call{Method: method, Params: map[string]any{"id": "000000000000000000000000"}, ID: id})
			if code := e.raw(method, http.MethodPost, h, body, fmt.Sprint(id)); code != -32504 {
				e.object("%s: %s with %s: the answer is %d, not −32504", e.name, method, what, code)
			}
		}
	}
}

// wrongData is S1.2 and S1.3.
func (e *exam) wrongData() {
	create := e.newCreate()
	check := e.whole()
	for _, x := range []struct {
		method string
		params map[string]any
	}{{methodCheckPerform, check}, {methodCreate, create}} {
		e.name = "S1.2 wrong amount"
		e.refused(x.method, with(x.params, "amount", e.order.amount+1), -31001)
		e.name = "S1.3 unknown account"
		e.refused(x.method, with(x.params, "account", e.account("no-such-order")), -31050)
	}
}

// firstScenario creates a transaction and cancels it: S1.4 to S1.6, and S3.1 in between.
func (e *exam) firstScenario() {
	e.name = "S1.4 CheckPerformTransaction"
	e.accepted(methodCheckPerform, e.whole())
	e.name = "S1.5 CreateTransaction"
	create := e.created()
	e.name = "S3.1 an order in process"
	e.refused(methodCheckPerform, e.whole(), -31050)
	e.name = "S1.6 CancelTransaction of state 1"
	e.twice(methodCancel, map[string]any{"id": create["id"], "reason": reasonFailed})
	e.stands(create["id"], -1)
}

// secondScenario pays the same order, which the first one gave back, and returns the money.
func (e *exam) secondScenario() {
	e.name = "S2.1 CheckPerformTransaction on the order that was given back"
	e.accepted(methodCheckPerform, e.whole())
	e.name = "S2.2 CreateTransaction"
	create := e.created()
	e.name = "S2.3 PerformTransaction"
	e.twice(methodPerform, map[string]any{"id": create["id"]})
	e.stands(create["id"], 2)
	e.name = "S3.2 an order that is paid"
	e.refused(methodCheckPerform, e.whole(), -31050)
	e.refused(methodCreate, e.newCreate(), -31008, -31050)
	e.name = "S2.4 CancelTransaction of state 2"
	if a := e.once(methodCancel, map[string]any{"id": create["id"], "reason": reasonRefund}); a.code == -31007 {
		e.stands(create["id"], 2)
		return
	}
	e.twice(methodCancel, map[string]any{"id": create["id"], "reason": reasonFailed})
	e.stands(create["id"], -2)
}

// rest is S3.4 and S3.5.
func (e *exam) rest() {
	e.name = "S3.4 GetStatement"
	now := e.c.w.Now().UnixMilli()
	e.accepted(methodStatement, map[string]any{"from": now, "to": now})
	e.name = "S3.5 ChangePassword"
	if a := e.once("ChangePassword", map[string]any{"password": e.key}); a.code != -32601 && !a.ok() {
		e.object("%s: the answer is %s", e.name, a)
	}
}

// probe sends what only broken or hostile clients send.
func (e *exam) probe() {
	h := header(e.key, e.test)
	id := e.nextCall()
	named := func(method, params string) []byte {
		return fmt.Appendf(nil, `{"id":%d,"method":%q,"params":%s}`, id, method, params)
	}
	account := string(encode(e.account(e.order.account)))
	amount := func(written string) []byte {
		return named(methodCheckPerform, `{"amount":`+written+`,"account":`+account+`}`)
	}
	for _, x := range []struct {
		name   string
		method string
		body   []byte
		id     string
		codes  []int
	}{
		{"a GET", http.MethodGet, nil, "null", []int{-32300}},
		{"broken JSON", http.MethodPost, []byte(`{oops`), "null", []int{-32700}},
		{"a list", http.MethodPost, []byte(`[]`), "null", []int{-32600}},
		{"no params", http.MethodPost, fmt.Appendf(nil, `{"id":%d,"method":%q}`, id, methodCheck), fmt.Sprint(id), []int{-32600}},
		{"an unknown method", http.MethodPost, named("Nope", `{}`), fmt.Sprint(id), []int{-32601}},
		{"an amount in quotes", http.MethodPost, amount(fmt.Sprintf("%q", fmt.Sprint(e.order.amount))), fmt.Sprint(id), []int{-32600, -31001}},
		{"an amount with a fraction", http.MethodPost, amount(fmt.Sprintf("%d.5", e.order.amount)), fmt.Sprint(id), []int{-32600, -31001}},
		{"no amount at all", http.MethodPost, amount("0"), fmt.Sprint(id), []int{-32600, -31001}},
		{"a negative amount", http.MethodPost, amount(fmt.Sprint(-e.order.amount)), fmt.Sprint(id), []int{-32600, -31001}},
		{"an account that is null", http.MethodPost, named(methodCheckPerform, fmt.Sprintf(`{"amount":%d,"account":null}`, e.order.amount)), fmt.Sprint(id), []int{-31050}},
		{"an account that is a number", http.MethodPost, named(methodCheckPerform, fmt.Sprintf(`{"amount":%d,"account":{%q:1}}`, e.order.amount, e.field)), fmt.Sprint(id), []int{-31050}},
		{"an unknown transaction", http.MethodPost, named(methodPerform, `{"id":"000000000000000000000000"}`), fmt.Sprint(id), []int{-31003}},
		{"a backward period", http.MethodPost, named(methodStatement, `{"from":1700000000001,"to":1700000000000}`), fmt.Sprint(id), []int{-32600}},
	} {
		code := e.raw(stepProbe, x.method, h, x.body, x.id)
		ok := false
		for _, want := range x.codes {
			ok = ok || code == want || want == -31050 && inAccountRange(code)
		}
		if !ok {
			e.object("probe: %s is answered with %d, not %v", x.name, code, x.codes)
		}
	}
	e.name = "probe: fields that the manual does not know"
	e.accepted(methodCheckPerform, with(e.whole(), "colour", "green"))
}

// stepProbe carries no faults: what is sent there is broken already.
const stepProbe = "probe"

// ─── The tools of the tests ───────────────────────────────────────────────────────────────

func (e *exam) whole() map[string]any {
	return map[string]any{"amount": e.order.amount, "account": e.account(e.order.account)}
}

// newCreate are the parameters of a CreateTransaction under an id of its own. What an exam
// creates does not enter the books: no buyer stands behind it.
func (e *exam) newCreate() map[string]any {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	now := e.c.w.Now()
	out := maps.Clone(e.whole())
	out["id"], out["time"] = e.c.newID(now), now.UnixMilli()
	e.c.exams[out["id"].(string)] = true
	return out
}

// created is S1.5: create, the same again, ask, and another id for the same order.
func (e *exam) created() map[string]any {
	create := e.newCreate()
	e.twice(methodCreate, create)
	e.stands(create["id"], 1)
	e.refused(methodCreate, e.newCreate(), -31008)
	return create
}

func (e *exam) once(method string, params map[string]any) answer {
	for _, a := range e.send(method, params) {
		if a.heard {
			return a
		}
	}
	return answer{}
}

func (e *exam) accepted(method string, params map[string]any) answer {
	a := e.once(method, params)
	if !a.ok() {
		e.object("%s: %s was not accepted: %s", e.name, method, a)
	}
	return a
}

func (e *exam) twice(method string, params map[string]any) {
	first, second := e.accepted(method, params), e.accepted(method, params)
	if !same(first.result, second.result) {
		e.object("%s: %s was answered with %s and then with %s", e.name, method, first, second)
	}
}

func (e *exam) refused(method string, params map[string]any, codes ...int) {
	a := e.once(method, params)
	for _, want := range codes {
		if a.code == want || want == -31050 && inAccountRange(a.code) {
			return
		}
	}
	e.object("%s: %s was answered with %s, not with %v", e.name, method, a, codes)
}

func (e *exam) stands(id any, state int64) {
	a := e.accepted(methodCheck, map[string]any{"id": id})
	if n, _ := integer(a.result["state"]); n != state {
		e.object("%s: the state is %d, not %d", e.name, n, state)
	}
}

// raw sends bytes as they are, and returns the error's code: 0 for a result or nothing at all.
func (e *exam) raw(step, method string, h http.Header, body []byte, id string) int {
	code := 0
	for _, x := range e.c.w.Call(e.ctx, step, method, e.endpoint, h, body) {
		e.rep.Exchanges = append(e.rep.Exchanges, x)
		var out struct {
			Error struct{ Code int }
			ID    json.RawMessage
		}
		switch err := json.Unmarshal([]byte(x.Answer), &out); {
		case x.Status != 200 || err != nil:
			e.object("%s: HTTP %d, %.80q", step, x.Status, x.Answer)
		case string(out.ID) != id:
			e.object("%s: the answer's id is %s, the call's was %s", step, out.ID, id)
		}
		code = out.Error.Code
	}
	return code
}
