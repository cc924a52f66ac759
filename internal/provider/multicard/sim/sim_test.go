package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The documentation's formulas on its published values.
func TestSignatureVectors(t *testing.T) {
	cases := map[string][2]string{
		"success":            {signSuccess(6, "ORDER-1", 500000, publicSecret), "18bb488f5a93b03dcbce5d27ee2f6ac5"},
		"success, sample":    {signSuccess(6, "2024864028760", 20000, publicSecret), "05563af3e88c9eac0d127220968c9e66"},
		"success, billing":   {signSuccess(6, "20241214242009869794410864028760", 20000, publicSecret), "553b4292b0f1d8e0e18e6daeb3af3761"},
		"webhook":            {signWebhook("11111111-2222-11ef-8000-005056b4367d", "ORDER-1", 500000, publicSecret), "5757ab9f56d78c8c3e2d783b379a8fff175a04b3"},
		"webhook, by sample": {signWebhook("e60d8ebc-b9fe-11ef-b159-005056b4367d", "test", 200000, publicSecret), "6a16ee89cf5f27a094846cd974963ff5de832e03"},
	}
	for name, c := range cases {
		if c[0] != c[1] {
			t.Errorf("%s: got %s, want %s", name, c[0], c[1])
		}
	}
}

// rig is the company with a partner who answers as he is told.
type rig struct {
	*Simulator
	t      *testing.T
	url    string
	token  string
	now    atomic.Int64
	answer atomic.Value // func() (int, string): the partner's answer to a callback
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t}
	r.now.Store(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC).UnixMilli())
	w := &simulator.World{
		Now:  func() time.Time { return time.UnixMilli(r.now.Load()).UTC() },
		HTTP: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, Faults: &simulator.Faults{},
	}
	r.Simulator = New(w).(*Simulator)
	server := httptest.NewServer(r.Simulator)
	t.Cleanup(server.Close)
	w.BaseURL, r.url = server.URL, server.URL
	r.answer.Store(func() (int, string) { return 200, `{"success":true}` })
	_, auth := r.post("POST", "/auth", `{"application_id":"rhmt_test","secret":"Pw18axeBFo8V7NamKHXX"}`)
	r.token, _ = auth["token"].(string)
	return r
}

func (r *rig) advance(d time.Duration) {
	r.now.Add(d.Milliseconds())
	r.Tick(context.Background())
}

// partner is where the company's callbacks go.
func (r *rig) partner() string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		status, text := r.answer.Load().(func() (int, string))()
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		if status/100 == 3 {
			w.Header().Set("Location", "https://elsewhere.uz/")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	r.t.Cleanup(server.Close)
	return server.URL
}

func (r *rig) post(method, path, body string) (int, map[string]any) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var m map[string]any
	if json.Unmarshal(b, &m) != nil {
		m = map[string]any{"text": strings.TrimSpace(string(b))}
	}
	return res.StatusCode, m
}

func (r *rig) invoice(more string) map[string]any {
	r.t.Helper()
	status, m := r.post("POST", "/payment/invoice", fmt.Sprintf(`{"store_id":6,"amount":500000,"invoice_id":"ORDER-1","callback_url":%q%s}`, r.partner(), more))
	data, ok := m["data"].(map[string]any)
	if status != 200 || !ok {
		r.t.Fatalf("no invoice: %d %v", status, m)
	}
	return data
}

func (r *rig) do(a simulator.Action) simulator.Report {
	r.t.Helper()
	rep, err := r.Act(context.Background(), a)
	if err != nil {
		r.t.Fatalf("%s: %v", a.Kind, err)
	}
	return rep
}

func (r *rig) on(names ...string) {
	r.t.Helper()
	p := map[string]string{}
	for _, n := range names {
		p[n] = "on"
	}
	r.do(simulator.Action{Kind: "switch", Params: p})
}

// refused checks one refusal: HTTP status, code and words.
func (r *rig) refused(method, path, body string, status int, code, details string) {
	r.t.Helper()
	got, m := r.post(method, path, body)
	e, _ := m["error"].(map[string]any)
	if got != status || m["success"] != false || e["code"] != code || e["details"] != details {
		r.t.Errorf("%s %s %s: %d %v, want %d %s %s", method, path, body, got, m, status, code, details)
	}
}

func TestScenario_MC_24_02_TheToken(t *testing.T) {
	r := newRig(t)
	status, m := r.post("POST", "/auth", `{"application_id":"rhmt_test","secret":"Pw18axeBFo8V7NamKHXX"}`)
	if status != 200 || m["role"] != "dev" || m["expiry"] != "2026-11-22 14:00:00" || len(m) != 3 || strings.Count(fmt.Sprint(m["token"]), ".") != 2 {
		t.Errorf("got %d %v", status, m)
	}
	for body, want := range map[string]string{
		`{}`: `[{"message":[{"message":"application_id required","field":"application_id"},{"message":"You must supply a secret","field":"secret"}]}]`,
		`{"application_id":"rhmt_test","secret":"x"}`: `[{"message":[{"message":"Invalid Credentials"}]}]`,
		`{"application_id":"nobody","secret":"x"}`:    `[{"message":[{"message":"Invalid Credentials"}]}]`,
	} {
		status, m := r.post("POST", "/auth", body)
		got, _ := json.Marshal(m["errors"])
		var a, b any
		_, _ = json.Unmarshal(got, &a), json.Unmarshal([]byte(want), &b)
		if status != 400 || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%s: %d %s", body, status, got)
		}
	}
}

func TestScenario_MC_24_02_TheEdgeProxySpeaksPlainText(t *testing.T) {
	r := newRig(t)
	good := r.token
	for token, want := range map[string]struct {
		status int
		text   string
	}{
		"":         {403, "RBAC: access denied"},
		"no.jwt":   {401, "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"},
		good + "x": {401, "Jwt verification fails"},
		"a.b.c":    {401, "Jwt verification fails"},
		strings.Repeat("a", 9) + "." + strings.SplitN(good, ".", 2)[1]: {401, "Jwt verification fails"},
	} {
		r.token = token
		if status, m := r.post("GET", "/payment/x", ""); status != want.status || m["text"] != want.text {
			t.Errorf("%q: %d %v", token, status, m)
		}
	}
	r.token = good
	r.advance(24*time.Hour - time.Second)
	r.refused("GET", "/payment/x", "", 404, "ERROR_NOT_FOUND", "Объект не найден")
	r.advance(time.Second)
	if status, m := r.post("GET", "/payment/x", ""); status != 401 || m["text"] != "Jwt is expired" {
		t.Errorf("after a day: %d %v", status, m)
	}
}

func TestScenario_MC_24_04_CreateRefuses(t *testing.T) {
	r := newRig(t)
	full := map[string]string{"store_id": `6`, "amount": `500000`, "invoice_id": `"O"`, "callback_url": `"https://shop.uz/cb"`}
	cases := []struct{ field, value, details string }{
		{"store_id", ``, "Поле store_id является обязательным"},
		{"store_id", `7`, "Неверный store_id"},
		{"store_id", `900`, "Неверный store_id"}, // somebody else's
		{"amount", ``, "Необходимо заполнить «Amount»."},
		{"amount", `1.5`, "Значение «Amount» должно быть целым числом."},
		{"amount", `-1`, "Значение «Amount» должно быть целым числом."},
		{"invoice_id", `""`, "Необходимо заполнить «Invoice Id»."},
		{"invoice_id", `"` + strings.Repeat("x", 256) + `"`, "Значение «Invoice Id» должно содержать максимум 255 символов."},
		{"callback_url", `"http://shop.uz/cb"`, "Значение «Callback Url» не является правильным URL."},
		{"lang", `"de"`, "Значение «Lang» неверно."},
		{"ttl", `0`, "Значение «Ttl» неверно."},
		{"ofd", `{}`, "Значение «Ofd» неверно."},
		{"ofd", `[{"qty":1,"price":1,"total":1,"mxik":"6401004002000000","package_code":"1","name":"x"}]`, "Значение «Mxik» неверно."},
		{"ofd", `[{"price":1,"total":1,"mxik":"06401004002000000","package_code":"1","name":"x"}]`, "Необходимо заполнить «Qty»."},
		{"ofd", `[{"qty":1,"price":1,"total":1,"mxik":"06401004002000000","name":"x"}]`, "Необходимо заполнить «Package Code»."},
		{"split", `[{"type":"account","amount":490001}]`, "Значение «Split» неверно."}, // the commission of 2 % is over
	}
	for _, c := range cases {
		var parts []string
		for k, v := range full {
			if k != c.field {
				parts = append(parts, fmt.Sprintf("%q:%s", k, v))
			}
		}
		if c.value != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", c.field, c.value))
		}
		r.refused("POST", "/payment/invoice", "{"+strings.Join(parts, ",")+"}", 400, "ERROR_FIELDS", c.details)
	}
	if len(r.Books()) != 0 {
		t.Error("a refused invoice is in the books")
	}
	for _, store := range []string{`6`, `"6"`, `"a1df872e-d5aa-11ee-8de8-005056b4367d"`} {
		_, m := r.post("POST", "/payment/invoice", `{"store_id":`+store+`,"amount":"500000","invoice_id":1,"callback_url":"https://shop.uz/cb"}`)
		data, _ := m["data"].(map[string]any)
		if data["store_id"] != 6.0 || data["invoice_id"] != "1" {
			t.Errorf("register %s: %v", store, m)
		}
	}
}

var v1 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-005056b4367d$`)

func TestScenario_MC_24_07_TheInvoiceAndItsPayment(t *testing.T) {
	r := newRig(t)
	inv := r.invoice(`,"return_url":"app://back","sms":"998901234567"`)
	for _, key := range []string{"uuid", "store_id", "amount", "invoice_id", "return_url", "return_error_url", "callback_url", "ofd", "products", "split", "sms", "payment", "checkout_url", "short_link", "deeplink", "added_on", "updated_on"} {
		if _, ok := inv[key]; !ok {
			t.Errorf("the invoice has no %s", key)
		}
	}
	p, _ := inv["payment"].(map[string]any)
	if !v1.MatchString(fmt.Sprint(inv["uuid"])) || p["uuid"] != inv["uuid"] || p["status"] != "draft" || inv["short_link"] != nil {
		t.Errorf("got %v", inv)
	}
	for _, key := range strings.Fields(paymentKeys) {
		if _, ok := p[key]; !ok {
			t.Errorf("the payment has no %s", key)
		}
	}
	if n := len(strings.Fields(paymentKeys)); len(p) != n {
		t.Errorf("the payment has %d keys, not %d", len(p), n)
	}
	if other := r.invoice(""); other["uuid"] == inv["uuid"] {
		t.Error("the same invoice_id twice is one invoice")
	}
	r.on("short_link", "own_uuid")
	if inv = r.invoice(""); !strings.HasPrefix(fmt.Sprint(inv["short_link"]), "https://l.multicard.uz/") || inv["payment"].(map[string]any)["uuid"] == inv["uuid"] {
		t.Errorf("got %v", inv)
	}
}

// paymentKeys are those of paymentModel: all are always there.
const paymentKeys = `id uuid store_id payment_amount commission_type commission_amount total_amount store_invoice_id
	status callback_url billing_id phone ps receipt_url kyc_data device_details details card_token card_pan split
	multicard_user_id ofd terminal_id merchant_id ps_uniq_id ps_response_code ps_response_msg callback_message
	payment_time refund_time otp_hash clearing_id tax_receipt_id push_sent_at store application tax refund_tax
	clearing checkout_url added_on`

// The answer table of the success callback, row by row.
func TestScenario_MC_24_09_AnswersDecideOverTheMoney(t *testing.T) {
	cases := map[string]struct {
		status   int
		text     string
		freeze   bool // the switch for 502, 503, 504
		state    string
		problems bool
	}{
		"yes":                  {200, `{"success":true}`, false, "paid", false},
		"no":                   {200, `{"success":false,"message":"Не найден инвойс"}`, false, "refused", false},
		"no, without words":    {200, `{"success":false}`, false, "refused", true},
		"neither":              {200, `{}`, false, "refused", true},
		"yes as text":          {200, `{"success":"true"}`, false, "refused", true},
		"not JSON":             {200, `ok`, false, "refused", true},
		"201 with success":     {201, `{"success":true}`, false, "refused", false},
		"a wrong signature":    {403, `{"success":false}`, false, "refused", false},
		"a redirect":           {302, ``, false, "refused", true},
		"exactly 500":          {500, ``, false, "suspended", false},
		"silence":              {0, ``, false, "suspended", false},
		"501":                  {501, ``, false, "refused", true},
		"a proxy's 502":        {502, ``, false, "refused", true},
		"a proxy's 504":        {504, ``, false, "refused", true},
		"502 where it freezes": {502, ``, true, "suspended", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if c.freeze {
				r.on("freeze_gateway_errors")
			}
			r.answer.Store(func() (int, string) { return c.status, c.text })
			rep := r.do(simulator.Action{Kind: "pay", Link: fmt.Sprint(r.invoice("")["checkout_url"])})
			if rep.State != c.state || (len(rep.Problems) > 0) != c.problems {
				t.Errorf("got %s, problems %v", rep.State, rep.Problems)
			}
			e := r.Books()[0]
			if want := map[string]int64{"refused": 500000}[c.state]; e.Refunded != want {
				t.Errorf("%d tiyin went back, want %d", e.Refunded, want)
			}
			if c.state != "suspended" {
				return
			}
			r.answer.Store(func() (int, string) { return 200, `{"success":true}` })
			r.advance(askEvery)
			if e := r.Books()[0]; e.State != "paid" {
				t.Errorf("asked again, it is %s", e.State)
			}
		})
	}
}

func TestARepeatThatIsAnsweredOtherwiseIsAProblem(t *testing.T) {
	r := newRig(t)
	rep := r.do(simulator.Action{Kind: "pay", Link: fmt.Sprint(r.invoice("")["checkout_url"])})
	r.answer.Store(func() (int, string) { return 200, `{"success":false,"message":"twice"}` })
	rep = r.do(simulator.Action{Kind: "repeat", Ref: rep.Ref})
	if rep.State != "paid" || len(rep.Problems) != 1 {
		t.Errorf("got %s, %v", rep.State, rep.Problems)
	}
}

func TestScenario_MC_24_11_WebhooksComeSixTimesAtMost(t *testing.T) {
	r := newRig(t)
	r.on("webhooks")
	var got atomic.Int32
	r.answer.Store(func() (int, string) { got.Add(1); return 503, "" })
	rep := r.do(simulator.Action{Kind: "pay", Link: fmt.Sprint(r.invoice("")["checkout_url"])})
	if rep.State != "paid" || got.Load() != 3 {
		t.Errorf("%s after %d messages", rep.State, got.Load())
	}
	for range 10 {
		r.advance(webhookEvery)
	}
	if got.Load() != 3*(1+webhookRepeats) {
		t.Errorf("%d messages in all", got.Load())
	}
	r.answer.Store(func() (int, string) { got.Add(1); return 204, "" })
	got.Store(0)
	r.do(simulator.Action{Kind: "refund", Ref: rep.Ref})
	r.advance(time.Hour)
	if got.Load() != 1 {
		t.Errorf("a message that was taken came %d times", got.Load())
	}
}

func TestUnpaidCancelAndItsRefusals(t *testing.T) {
	r := newRig(t)
	uuid := fmt.Sprint(r.invoice("")["uuid"])
	if status, m := r.post("DELETE", "/payment/invoice/"+uuid, `{}`); status != 200 || fmt.Sprint(m["data"]) != "[]" {
		t.Errorf("got %d %v", status, m)
	}
	r.refused("DELETE", "/payment/invoice/"+uuid, `{}`, 400, "ERROR_TRANS_NOT_READY", "Транзакция завершена или не готова")
	r.refused("GET", "/payment/invoice/"+uuid, "", 400, "ERROR_TRANS_NOT_READY", "Транзакция завершена или не готова")
	r.refused("DELETE", "/payment/invoice/x", `{}`, 404, "ERROR_NOT_FOUND", "Объект не найден")
	if _, m := r.post("GET", "/payment/"+uuid, ""); m["data"].(map[string]any)["status"] != "canceled" {
		t.Errorf("the payment: %v", m)
	}
	paid := fmt.Sprint(r.invoice("")["uuid"])
	r.do(simulator.Action{Kind: "pay", Ref: paid})
	r.refused("DELETE", "/payment/invoice/"+paid, `{}`, 400, "ERROR_FIELDS", "Транзакция по инвойсу завершена. Запросите детали платежа")
	late := fmt.Sprint(r.invoice(`,"ttl":60`)["uuid"])
	r.advance(time.Minute)
	if rep := r.do(simulator.Action{Kind: "pay", Ref: late}); rep.State != "cancelled" || len(rep.Exchanges) != 0 {
		t.Errorf("paid after its time: %+v", rep)
	}
}

const line = `[{"qty":1,"price":300000,"total":300000,"mxik":"06401004002000000","package_code":"1506113","name":"x"}]`

func TestScenario_MC_24_12_Refunds(t *testing.T) {
	r := newRig(t)
	uuid := fmt.Sprint(r.invoice("")["uuid"])
	r.do(simulator.Action{Kind: "pay", Ref: uuid})
	path := "/payment/" + uuid
	r.refused("DELETE", path+"/partial", `{"ofd":`+line+`}`, 400, "ERROR_FIELDS", "Необходимо заполнить «Refund Amount».")
	r.refused("DELETE", path+"/partial", `{"refund_amount":200000}`, 400, "ERROR_FIELDS", "Необходимо заполнить «Ofd».")
	r.refused("DELETE", path+"/partial", `{"refund_amount":500001,"ofd":`+line+`}`, 400, "ERROR_FIELDS", "Значение «Refund Amount» неверно.")
	_, m := r.post("DELETE", path+"/partial", `{"refund_amount":200000,"ofd":`+line+`}`)
	if data := m["data"].(map[string]any); data["status"] != "success" || data["refund_time"] != "2026-11-21 14:00:00" {
		t.Errorf("a part: %v", data)
	}
	if _, m = r.post("DELETE", path, `{}`); m["data"].(map[string]any)["status"] != "revert" {
		t.Errorf("the whole: %v", m)
	}
	r.refused("DELETE", path, `{}`, 404, "ERROR_NOT_FOUND", "Объект не найден")
	r.refused("DELETE", path+"/partial", `{"refund_amount":1,"ofd":`+line+`}`, 404, "ERROR_NOT_FOUND", "Объект не найден")
	if e := r.Books()[0]; e.Refunded != 500000 || e.State != "refunded" {
		t.Errorf("the books say %+v", e)
	}

	wallet := fmt.Sprint(r.invoice("")["uuid"])
	r.do(simulator.Action{Kind: "pay", Ref: wallet, Params: map[string]string{"wallet": "click"}})
	r.refused("DELETE", "/payment/"+wallet+"/partial", `{"refund_amount":1,"ofd":`+line+`}`, 400, "ERROR_FIELDS", "Необходимо заполнить «Card Pan».")

	waiting := fmt.Sprint(r.invoice("")["uuid"])
	r.do(simulator.Action{Kind: "debit", Ref: waiting})
	r.refused("DELETE", "/payment/"+waiting, `{}`, 400, "ERROR_TRANS_NOT_READY", "Транзакция завершена или не готова")
}

func TestScenario_MC_24_17_FiscalReceipts(t *testing.T) {
	r := newRig(t)
	uuid := fmt.Sprint(r.invoice("")["uuid"])
	r.refused("PATCH", "/payment/"+uuid+"/fiscal", `{"url":"https://ofd.soliq.uz/check?t=1"}`, 400, "ERROR_TRANS_NOT_READY", "Транзакция завершена или не готова")
	r.do(simulator.Action{Kind: "pay", Ref: uuid})
	r.refused("PATCH", "/payment/"+uuid+"/fiscal", `{}`, 400, "ERROR_FIELDS", "Необходимо заполнить «Url».")
	r.on("tax")
	r.refused("PATCH", "/payment/"+uuid+"/fiscal", `{"url":"https://ofd.soliq.uz/check?t=1"}`, 400, "ERROR_FIELDS", "Касса фискализирует чеки самостоятельно")
	link := regexp.MustCompile(`^https://ofd\.soliq\.uz/epi\?t=EZ0000000000[0-9]{2}&r=[0-9]+&c=20261121140000&s=[0-9]{12}$`)
	for i := range 2 {
		_, m := r.post("GET", "/payment/"+uuid, "")
		tax, made := m["data"].(map[string]any)["tax"].(map[string]any)
		if made != (i == 1) || made && !link.MatchString(fmt.Sprint(tax["qr_url"])) {
			t.Errorf("read %d: %v", i, tax)
		}
	}
}

func TestScenario_MC_24_16_TheRegistersList(t *testing.T) {
	r := newRig(t)
	for range 3 {
		r.invoice("")
	}
	r.do(simulator.Action{Kind: "pay", Ref: r.Books()[1].Ref})
	const day = "start_date=2026-11-21+00:00:00&end_date=2026-11-21+23:59:59"
	_, m := r.post("GET", "/payment/store/6/history?offset=1&limit=1&"+day, "")
	data := m["data"].(map[string]any)
	list := data["list"].([]any)
	if data["pagination"].(map[string]any)["total"] != 3.0 || len(list) != 1 || list[0].(map[string]any)["status"] != "success" {
		t.Errorf("got %v", data)
	}
	_, m = r.post("GET", "/payment/store/6/history?only_status=draft&"+day, "")
	stat := m["data"].(map[string]any)["stat"].([]any)
	if len(stat) != 1 || stat[0].(map[string]any)["payment_amount"] != "1000000" {
		t.Errorf("the sums: %v", stat)
	}
	r.refused("GET", "/payment/store/900/history?"+day, "", 403, "ERROR_ACCESS_DENIED", "Доступ запрещен")
	r.refused("GET", "/payment/store/6/history?end_date=2026-11-21+23:59:59", "", 400, "ERROR_FIELDS", "Необходимо заполнить «Start Date».")
}

func TestAccounts(t *testing.T) {
	r := newRig(t)
	add := func(app, secret, store string) error {
		return r.AddAccount(simulator.Account{Credentials: map[string]string{"applicationId": app, "secret": secret, "storeId": store}})
	}
	for _, store := range []string{"6", "4242", "0fd12c64-0000-11ef-8000-005056b4367d"} {
		if err := add("mine", "s3cret", store); err != nil {
			t.Error(err)
		}
	}
	if add("mine", "s3cret", "six") == nil || add("mine", "", "6") == nil {
		t.Error("taken without a register or a secret")
	}
	r.do(simulator.Action{Kind: "switch", Params: map[string]string{"store": "4242", "webhooks": "on"}})
	if r.rulesOf(r.stores[6]).webhooks || !r.rulesOf(r.stores[4242]).webhooks {
		t.Error("a register's own rules are everybody's")
	}
	for _, a := range []simulator.Action{
		{Kind: "switch", Params: map[string]string{"nonsense": "on"}},
		{Kind: "switch", Params: map[string]string{"webhooks": "perhaps"}},
		{Kind: "switch", Params: map[string]string{"store": "77"}},
		{Kind: "fail_next"}, {Kind: "pay"}, {Kind: "dance", Ref: "x"}, {Kind: "pay", Link: "https://elsewhere.uz/"},
	} {
		if _, err := r.Act(context.Background(), a); err == nil {
			t.Errorf("%+v made sense", a)
		}
	}
}

// Every action and step that Info names is there, and every fault can be set on every step
// without the company falling over.
func TestFaultsOnEveryStep(t *testing.T) {
	for _, step := range newRig(t).Info().Steps {
		for _, k := range simulator.Kinds {
			r := newRig(t)
			uuid := fmt.Sprint(r.invoice("")["uuid"])
			r.w.Faults.Set(simulator.Fault{Step: step, Kind: k, Times: 1, Delay: time.Millisecond})
			r.do(simulator.Action{Kind: "pay", Ref: uuid})
			r.do(simulator.Action{Kind: "webhook", Ref: uuid})
			r.w.Faults.Clear("")
			r.advance(time.Minute)
			if e := r.Books()[0]; e.State == "created" {
				t.Errorf("%s on %s: the payment never moved", k, step)
			}
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	r := newRig(t)
	r.on("webhooks")
	address := r.partner()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			body := fmt.Sprintf(`{"store_id":6,"amount":100,"invoice_id":"%d","callback_url":%q}`, i, address)
			req, _ := http.NewRequest("POST", r.url+"/payment/invoice", strings.NewReader(body))
			req.Header.Set("Authorization", "Bearer "+r.token)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			var m struct{ Data struct{ UUID string } }
			if err := json.NewDecoder(res.Body).Decode(&m); err != nil {
				t.Error(err)
				return
			}
			for _, kind := range []string{"pay", "pay", "repeat"} {
				_, _ = r.Act(context.Background(), simulator.Action{Kind: kind, Ref: m.Data.UUID})
			}
			r.Tick(context.Background())
			r.Books()
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, e := range r.Books() {
		if e.State != "paid" || seen[e.Ref] {
			t.Errorf("%+v", e)
		}
		seen[e.Ref] = true
	}
}

// The parts of a split payment go to their recipients: new, sent, done; blocked where the account is
// inactive; reverted with the payment.
func TestScenario_MC_24_15_TheWayOfASplit(t *testing.T) {
	r := newRig(t)
	split := `,"split":[{"type":"account","amount":380000,"details":"a","recipient":"` + recipients[0].uuid + `"},
		{"type":"account","amount":50000,"details":"b","recipient":"` + recipients[1].uuid + `"},{"type":"wallet","amount":50000,"details":"c"}]`
	uuid := fmt.Sprint(r.invoice(split)["uuid"])
	is := func(want string) {
		t.Helper()
		_, m := r.post("GET", "/payment/"+uuid, "")
		data, _ := m["data"].(map[string]any)
		list, _ := data["clearing"].([]any)
		var got []string
		for _, e := range list {
			part, _ := e.(map[string]any)
			got = append(got, fmt.Sprint(part["amount"], " ", part["status"]))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("clearing is %q, want %q", strings.Join(got, ", "), want)
		}
	}
	is("")
	r.do(simulator.Action{Kind: "pay", Ref: uuid})
	is("380000 new, 50000 blocked, 50000 new")
	r.advance(clearedAfter)
	is("380000 sent, 50000 blocked, 50000 sent")
	r.advance(arrivesAfter)
	is("380000 done, 50000 blocked, 50000 done")
	r.do(simulator.Action{Kind: "refund", Ref: uuid})
	is("380000 revert, 50000 revert, 50000 revert")
}
