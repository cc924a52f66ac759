package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

const (
	testKassa = "5e730e8e0b852a417aa49ceb"
	testLink  = "https://checkout.paycom.uz/bT01ZTczMGU4ZTBiODUyYTQxN2FhNDljZWI7YWMub3JkZXJfaWQ9aW52LTEwMDE7YT01MDAwMDAw"
)

// merchant is a server that answers one payment rightly, until bend changes an answer.
type merchant struct {
	state  int
	order  map[string]any // of the transaction that was created
	seen   []*http.Request
	bodies []string
	bend   func(method string, answer map[string]any) (status int)
}

var errorWords = map[string]any{"ru": "нет", "uz": "yoʻq", "en": "no"}

func (m *merchant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m.seen, m.bodies = append(m.seen, r), append(m.bodies, string(body))
	var q struct {
		Method string
		Params map[string]any
		ID     json.Number
	}
	json.Unmarshal(body, &q)
	answer := map[string]any{"id": q.ID}
	if result := m.result(q.Method, q.Params); result != nil {
		answer["result"] = result
	} else {
		answer["error"] = map[string]any{"code": -31003, "message": errorWords}
	}
	status := http.StatusOK
	if m.bend != nil {
		if s := m.bend(q.Method, answer); s != 0 {
			status = s
		}
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer)
}

const moment = 1700000000000

func (m *merchant) result(method string, params map[string]any) map[string]any {
	switch method {
	case methodCheckPerform:
		return map[string]any{"allow": true}
	case methodCreate:
		m.state, m.order = 1, params
		return map[string]any{"create_time": moment, "transaction": "t-1", "state": 1}
	case methodPerform:
		m.state = 2
		return map[string]any{"perform_time": moment, "transaction": "t-1", "state": 2}
	case methodCancel:
		if m.state > 0 {
			m.state = -m.state
		}
		return map[string]any{"cancel_time": moment, "transaction": "t-1", "state": m.state}
	case methodCheck:
		return m.standing()
	case methodStatement:
		if m.order == nil {
			return map[string]any{"transactions": []any{}}
		}
		entry := m.standing()
		for _, name := range []string{"id", "time", "amount", "account"} {
			entry[name] = m.order[name]
		}
		entry["receivers"] = nil
		return map[string]any{"transactions": []any{entry}}
	case methodFiscal:
		return map[string]any{"success": true}
	}
	return nil
}

func (m *merchant) standing() map[string]any {
	out := map[string]any{"create_time": moment, "perform_time": 0, "cancel_time": 0, "transaction": "t-1", "state": m.state, "reason": nil}
	if m.state == 2 || m.state == -2 {
		out["perform_time"] = moment
	}
	if m.state < 0 {
		out["cancel_time"], out["reason"] = moment, 5
	}
	return out
}

func open(t *testing.T, m *merchant, change func(*simulator.Account)) (*company, *simulator.World) {
	t.Helper()
	srv := httptest.NewServer(m)
	t.Cleanup(srv.Close)
	now := time.UnixMilli(moment)
	w := &simulator.World{BaseURL: "http://sandbox", Now: func() time.Time { return now }, HTTP: srv.Client(), Faults: &simulator.Faults{}}
	c := New(w).(*company)
	a := simulator.Account{Credentials: map[string]string{"merchantId": testKassa, "key": "test-key-0001"}, CallbackURL: srv.URL}
	if change != nil {
		change(&a)
	}
	if err := c.AddAccount(a); err != nil {
		t.Fatal(err)
	}
	return c, w
}

// whole pays, asks, lists and returns, and gives back every objection.
func whole(t *testing.T, c *company) (problems []string) {
	t.Helper()
	pay, err := c.Act(t.Context(), simulator.Action{Kind: actPay, Link: testLink})
	if err != nil {
		t.Fatal(err)
	}
	problems = append(problems, pay.Problems...)
	for _, kind := range []string{actCheck, actStatement, actReceipt, actRefund} {
		if pay.State != paid && kind != actStatement {
			continue
		}
		rep, err := c.Act(t.Context(), simulator.Action{Kind: kind, Ref: pay.Ref})
		if err != nil {
			t.Fatal(err)
		}
		problems = append(problems, rep.Problems...)
	}
	return problems
}

func TestARightMerchantMeetsNoObjection(t *testing.T) {
	m := &merchant{}
	c, _ := open(t, m, nil)
	if problems := whole(t, c); len(problems) != 0 {
		t.Errorf("%q", problems)
	}
	if b := c.Books(); len(b) != 1 || b[0].State != refunded || b[0].Refunded != 5000000 || b[0].Account != "inv-1001" {
		t.Errorf("%+v", b)
	}
}

func TestWhatAStrictCompanyObjectsTo(t *testing.T) {
	set := func(method, name string, value any) func(string, map[string]any) int {
		return func(m string, answer map[string]any) int {
			if r, ok := answer["result"].(map[string]any); ok && m == method {
				r[name] = value
			}
			return 0
		}
	}
	drop := func(method, name string) func(string, map[string]any) int {
		return func(m string, answer map[string]any) int {
			if r, ok := answer["result"].(map[string]any); ok && m == method {
				delete(r, name)
			}
			return 0
		}
	}
	fail := func(method string, failure any) func(string, map[string]any) int {
		return func(m string, answer map[string]any) int {
			if m == method {
				delete(answer, "result")
				answer["error"] = failure
			}
			return 0
		}
	}
	count := 0
	for _, c := range []struct {
		name string
		bend func(string, map[string]any) int
		want string
	}{
		{"HTTP 500", func(m string, _ map[string]any) int { return 500 }, "HTTP 500; any status but 200 counts as the error −32400"},
		{"another id", func(_ string, a map[string]any) int { a["id"] = 0; return 0 }, "the answer's id is 0"},
		{"both result and error", func(_ string, a map[string]any) int { a["error"] = map[string]any{"code": 1}; return 0 }, "either a result or an error"},
		{"neither", func(_ string, a map[string]any) int { delete(a, "result"); return 0 }, "either a result or an error"},
		{"a result that is a list", func(_ string, a map[string]any) int { a["result"] = []int{}; return 0 }, "the result is not an object"},
		{"allow false", set(methodCheckPerform, "allow", false), "allow is false"},
		{"a detail without items", set(methodCheckPerform, "detail", map[string]any{"receipt_type": 0}), "there are no items"},
		{"a detail of another sum", set(methodCheckPerform, "detail", map[string]any{"receipt_type": 0, "items": []any{
			map[string]any{"title": "x", "price": 100, "count": 1.5, "code": "00702001001000001", "vat_percent": 12, "package_code": "1"}}}),
			"the items sum up to 150.000 tiyin, the amount is 5000000"},
		{"a detail without code", set(methodCheckPerform, "detail", map[string]any{"receipt_type": 0, "items": []any{
			map[string]any{"title": "x", "price": 5000000, "count": 1, "vat_percent": 12, "package_code": "1"}}}), "item 0 lacks a required field"},
		{"time in seconds", set(methodCreate, "create_time", 1700000000), "create_time is 1700000000, not a time of 13 digits"},
		{"a numeric transaction", set(methodCreate, "transaction", 7), "warning: transaction is a number"},
		{"no transaction", drop(methodCreate, "transaction"), "transaction is missing"},
		{"state 2 at once", set(methodCreate, "state", 2), "CreateTransaction: state is 2"},
		{"another create_time each time", func(m string, a map[string]any) int {
			if r, ok := a["result"].(map[string]any); ok && m == methodCreate {
				count++
				r["create_time"] = moment + count
			}
			return 0
		}, "CreateTransaction: a repeat was answered with"},
		{"another transaction", set(methodPerform, "transaction", "t-2"), `the transaction is "t-2", it was "t-1"`},
		{"performed, not 2", set(methodPerform, "state", 1), "PerformTransaction: state is 1"},
		{"unset time null", set(methodCheck, "cancel_time", nil), "warning: cancel_time is null where 0 is documented"},
		{"unset time missing", drop(methodCheck, "cancel_time"), "cancel_time is missing"},
		{"performed without time", set(methodCheck, "perform_time", 0), "perform_time is 0 in state 2"},
		{"a reason without cancel", set(methodCheck, "reason", 5), "reason is 5 in state 2"},
		{"no reason", drop(methodCheck, "reason"), "reason is <nil> in state 2"},
		{"another state than ours", set(methodCheck, "state", 1), "state is 1, Payme's books say 2"},
		{"returned as never paid", set(methodCancel, "state", -1), "a transaction that was paid has now state -1"},
		{"an empty statement", set(methodStatement, "transactions", []any{}), "(paid), the merchant has not"},
		{"a statement that is no list", set(methodStatement, "transactions", nil), "transactions is not a list"},
		{"singular", func(m string, a map[string]any) int {
			if r, ok := a["result"].(map[string]any); ok && m == methodStatement {
				r["transaction"] = r["transactions"]
				delete(r, "transactions")
			}
			return 0
		}, "transactions is not a list"},
		{"a stranger in the statement", set(methodStatement, "transactions", []any{map[string]any{"id": "x", "time": moment}}), "the merchant has x, Payme has not"},
		{"out of the period", set(methodStatement, "transactions", []any{map[string]any{"id": "x", "time": 1}}), "out of the period or of order"},
		{"receipt not taken", set(methodFiscal, "success", false), "success is false"},
		{"our own key refused", fail(methodCheckPerform, map[string]any{"code": -32504, "message": errorWords}), "the kassa's own key was refused"},
		{"an error of another method", fail(methodPerform, map[string]any{"code": -31001, "message": errorWords}), "the error -31001 is not one of this method's"},
		{"no code", fail(methodPerform, map[string]any{"code": "x"}), "the error has no integer code"},
		{"a plain message", fail(methodCheckPerform, map[string]any{"code": -31050, "message": "no", "data": "order_id"}), "is not {ru, uz, en}"},
		{"no Uzbek", fail(methodCheckPerform, map[string]any{"code": -31050, "message": map[string]any{"ru": "нет", "en": "no"}, "data": "order_id"}), "has no message in uz"},
		{"data of another field", fail(methodCheckPerform, map[string]any{"code": -31050, "message": errorWords, "data": "account"}), `must name the account field "order_id"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			co, _ := open(t, &merchant{bend: c.bend}, nil)
			problems := whole(t, co)
			for _, p := range problems {
				if strings.Contains(p, c.want) {
					return
				}
			}
			t.Errorf("nobody objected with %q, but with %q", c.want, problems)
		})
	}
}

// A merchant that takes what it must refuse fails the company's own tests.
func TestExamsFindAMerchantThatTakesAnything(t *testing.T) {
	c, w := open(t, &merchant{}, nil)
	for kind, want := range map[string]string{actProbe: "probe: broken JSON", actInspect: "S1.1 wrong authorisation"} {
		rep, err := c.Act(t.Context(), simulator.Action{Kind: kind, Link: testLink})
		if err != nil || !strings.Contains(strings.Join(rep.Problems, "\n"), want) {
			t.Errorf("%s: %v %q", kind, err, rep.Problems)
		}
	}
	for _, kind := range []simulator.Kind{simulator.WrongSignature, simulator.WrongAmount, simulator.HalfBody} {
		w.Faults.Clear("")
		w.Faults.Set(simulator.Fault{Step: methodCheckPerform, Kind: kind, Times: 1})
		rep, err := c.Act(t.Context(), simulator.Action{Kind: actLook, Link: testLink})
		if err != nil || kind != simulator.HalfBody && len(rep.Problems) != 1 {
			t.Errorf("%s: %v %q", kind, err, rep.Problems)
		}
	}
}

func TestMessagesAreAsPaymeSendsThem(t *testing.T) {
	m := &merchant{}
	c, _ := open(t, m, nil)
	rep, err := c.Act(t.Context(), simulator.Action{Kind: actPay, Link: testLink})
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Ref) != 24 || strings.Trim(rep.Ref, "0123456789abcdef") != "" {
		t.Errorf("the id is %q", rep.Ref)
	}
	want := []string{
		`{"method":"CheckPerformTransaction","params":{"account":{"order_id":"inv-1001"},"amount":5000000},"id":1}`,
		fmt.Sprintf(`{"method":"CreateTransaction","params":{"account":{"order_id":"inv-1001"},"amount":5000000,"id":%q,"time":1700000000000},"id":2}`, rep.Ref),
		fmt.Sprintf(`{"method":"CreateTransaction","params":{"account":{"order_id":"inv-1001"},"amount":5000000,"id":%q,"time":1700000000000},"id":3}`, rep.Ref),
		fmt.Sprintf(`{"method":"PerformTransaction","params":{"id":%q},"id":4}`, rep.Ref),
		fmt.Sprintf(`{"method":"PerformTransaction","params":{"id":%q},"id":5}`, rep.Ref),
	}
	if strings.Join(m.bodies, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(m.bodies, "\n"))
	}
	for _, r := range m.seen {
		if r.Header.Get("Authorization") != "Basic UGF5Y29tOnRlc3Qta2V5LTAwMDE=" || r.Header.Get("Content-Type") != "text/json; charset=UTF-8" || r.Method != "POST" {
			t.Errorf("%s %v", r.Method, r.Header)
		}
	}
}

func TestTheCabinetRefusesWhatCannotBeAKassa(t *testing.T) {
	c, _ := open(t, &merchant{}, nil)
	good := simulator.Account{Credentials: map[string]string{"merchantId": testKassa, "key": "k"}, CallbackURL: "http://127.0.0.1/cb"}
	for name, change := range map[string]func(*simulator.Account){
		"no id":                   func(a *simulator.Account) { a.Credentials = map[string]string{"key": "k"} },
		"no key":                  func(a *simulator.Account) { a.Credentials = map[string]string{"merchantId": testKassa} },
		"test mode, no test key":  func(a *simulator.Account) { a.Options = map[string]string{"mode": "test"} },
		"a field with an equals":  func(a *simulator.Account) { a.Options = map[string]string{"accountField": "a=b"} },
		"an address without host": func(a *simulator.Account) { a.CallbackURL = "/cb" },
	} {
		a := good
		change(&a)
		if c.AddAccount(a) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := c.AddAccount(good); err != nil {
		t.Error(err)
	}
}

func TestLinksThatMakeNoSense(t *testing.T) {
	c, _ := open(t, &merchant{}, nil)
	for _, a := range []simulator.Action{
		{Kind: "dance", Link: testLink},
		{Kind: actPay},
		{Kind: actPay, Link: "https://example.uz/x"},
		{Kind: actPay, Link: "https://checkout.paycom.uz/%%%"},
		{Kind: actPay, Link: "https://checkout.paycom.uz/bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJfaWQ9MTk3O2E9NTAw"}, // Payme's vector: not our kassa
		{Kind: actPay, Params: map[string]string{"account": "inv-1001"}},
		{Kind: actPay, Params: map[string]string{"account": "inv-1001", "merchantId": "no"}, Amount: 1},
		{Kind: actFinish, Ref: "nobody"},
		{Kind: actStatement, Params: map[string]string{"from": "yesterday"}},
	} {
		if rep, err := c.Act(t.Context(), a); err == nil {
			t.Errorf("%+v: %+v", a, rep)
		}
	}
	if len(c.Books()) != 0 {
		t.Errorf("%+v", c.Books())
	}
}

func TestThePage(t *testing.T) {
	m := &merchant{}
	c, _ := open(t, m, nil)
	srv := httptest.NewServer(c)
	defer srv.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	form := func(more ...string) map[string][]string {
		out := map[string][]string{"merchant": {testKassa}, "amount": {"5000000"}, "account[order_id]": {"<b>1</b>"}, "lang": {"en"}}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = []string{more[i+1]}
		}
		return out
	}
	for _, x := range []struct {
		name, get string
		post      map[string][]string
		status    int
		says      string
	}{
		{"a link", "/" + strings.TrimPrefix(testLink, "https://checkout.paycom.uz/"), nil, 200, "50000.00"},
		{"no link", "/", nil, 400, "-31601"},
		{"the form", "", form(), 200, "&lt;b&gt;1&lt;/b&gt;"},
		{"a detail that is none", "", form("detail", "e30x"), 400, "-31610"},
		{"a detail", "", form("detail", "e30="), 200, "Amount, soum"},
		{"no amount", "", form("amount", "0"), 400, "-31610"},
		{"no account", "", form("account[order_id]", ""), 400, "-31610"},
		{"another shop", "", form("merchant", "x"), 400, "-31601"},
		{"a button that is none", "", form("do", "steal"), 404, ""},
		{"a refused card", "", form("do", "refuse"), 200, "31630"},
		{"closed", "", form("do", "look"), 200, ""},
		{"paid without a way back", "", form("do", "pay"), 200, "<p>Paid</p>"},
		{"paid with a way back", "", form("do", "pay", "callback", "https://shop.uz/"), 303, ""},
		{"a way back that is a script", "", form("do", "refuse", "callback", "javascript:alert(1)"), 200, "#ZgotmplZ"},
	} {
		t.Run(x.name, func(t *testing.T) {
			var res *http.Response
			var err error
			if x.post != nil {
				res, err = client.PostForm(srv.URL+"/", x.post)
			} else {
				res, err = client.Get(srv.URL + x.get)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != x.status || !strings.Contains(string(body), x.says) {
				t.Errorf("%s: %s", res.Status, body)
			}
		})
	}
}

func TestThePageSaysWhenNobodyAnswers(t *testing.T) {
	c, w := open(t, &merchant{}, nil)
	w.Faults.Set(simulator.Fault{Step: methodPerform, Kind: simulator.LostAfter})
	srv := httptest.NewServer(c)
	defer srv.Close()
	res, err := srv.Client().PostForm(srv.URL+"/", map[string][]string{"merchant": {testKassa}, "amount": {"5000000"}, "account[order_id]": {"1"}, "do": {"pay"}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if !strings.Contains(string(body), "31622") || c.Books()[0].State != suspended {
		t.Errorf("%s %+v", body, c.Books())
	}
}

func TestTestModeUsesTheTestKeyAndTheMarks(t *testing.T) {
	m := &merchant{}
	c, _ := open(t, m, func(a *simulator.Account) {
		a.TestKey, a.Options = "sandbox-key", map[string]string{"mode": "test", "accountField": "payment_id"}
	})
	rep, err := c.Act(t.Context(), simulator.Action{Kind: actPay, Amount: 100, Params: map[string]string{"account": "7"}})
	if err != nil || len(rep.Problems) != 0 {
		t.Fatal(err, rep.Problems)
	}
	r := m.seen[0]
	if login, key, _ := r.BasicAuth(); login != "Paycom" || key != "sandbox-key" || r.Header.Get("Test-Operation") != "Paycom" {
		t.Errorf("%v", r.Header)
	}
	if !strings.Contains(m.bodies[0], `"account":{"payment_id":"7"}`) {
		t.Error(m.bodies[0])
	}
}
