package payme_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/payme"
	"github.com/chorsu/chorsu/internal/provider/providertest"
)

const (
	kassa   = "5e730e8e0b852a417aa49ceb"
	liveKey = "test-key-0001" // the fixture's live key, for all its name
	testKey = "sandbox-key-0002"
)

func credentials() provider.Credentials {
	return provider.Credentials{MerchantID: "mer-1", Values: map[string]string{"merchantId": kassa, "key": liveKey}}
}

// stand is an account before the desk in memory, served over HTTP.
type stand struct {
	*book
	account provider.Account
	url     string
}

func newStand(t testing.TB, change func(*provider.Credentials)) *stand {
	t.Helper()
	s := &stand{book: newBook()}
	c := credentials()
	if change != nil {
		change(&c)
	}
	a, err := payme.New().Open(c, provider.Env{Now: s.clock, PayURL: "https://checkout.paycom.uz"})
	if err != nil {
		t.Fatal(err)
	}
	s.account = a
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.(provider.CallbackServer).ServeCallback(w, r, s.book)
	}))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

// said is an answer of ours; Answer is the HTTP around it, where a bench brought it.
type said struct {
	Answer providertest.Answer `json:"-"`

	ID     json.RawMessage
	Result map[string]any
	Error  struct {
		Code    int
		Message map[string]string
		Data    string
	}
}

// send sends bytes with a header, as anybody could, and wants what Payme always wants of an
// answer: status 200, JSON, either a result or an error, and an error in three languages.
func send(t testing.TB, method, url string, header http.Header, body string) said {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, res.StatusCode, res.Header, raw)
}

func read(t testing.TB, status int, header http.Header, raw []byte) (out said) {
	t.Helper()
	if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		t.Errorf("HTTP %d %s: %s", status, header.Get("Content-Type"), raw)
		return out
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Errorf("%v: %s", err, raw)
		return out
	}
	if (out.Result == nil) == (out.Error.Code == 0) || out.ID == nil {
		t.Errorf("not one of result and error, or no id: %s", raw)
	}
	for _, lang := range []string{"ru", "uz", "en"} {
		if out.Error.Code != 0 && out.Error.Message[lang] == "" {
			t.Errorf("no message in %s: %s", lang, raw)
		}
	}
	return out
}

func basic(login, key string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(login+":"+key))}}
}

func paymeHeader() http.Header { return basic("Paycom", liveKey) }

func TestInfo(t *testing.T) {
	info := payme.New().Info()
	want := []provider.Field{{Key: "merchantId", Required: true}, {Key: "key", Required: true, Secret: true}}
	if diff := cmp.Diff(want, info.Fields); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"checkout", "callbacks"}, provider.Capabilities(info.Account)); diff != "" {
		t.Error(diff)
	}
	if info.Name != "payme" || info.PayURL != "https://checkout.paycom.uz" || info.RefundHint.EN == "" {
		t.Errorf("%+v", info)
	}
}

func TestOpenSaysAllFaultsAtOnce(t *testing.T) {
	id := `"credentials.merchantId" must be 24 hexadecimal digits`
	key := `"credentials.key" must be 1 to 255 visible ASCII characters`
	field := `"options.accountField" must be 1 to 64 letters, digits or underscores`
	for _, c := range []struct {
		name   string
		change func(*provider.Credentials)
		want   []string
	}{
		{"as it should be", func(*provider.Credentials) {}, nil},
		{"a key with signs", func(c *provider.Credentials) { c.Values["key"] = "Q@f?#&:%'x~" }, nil},
		{"an upper-case id", func(c *provider.Credentials) { c.Values["merchantId"] = strings.ToUpper(kassa) }, nil},
		{"everything", func(c *provider.Credentials) {
			c.Values = map[string]string{"merchantId": "42", "key": "a b"}
			c.Options = pay.Options{Mode: "sandbox", AccountField: "order;id"}
			c.TestKey = "\n"
		}, []string{id, key, `"options.mode" must be one of [live, test]`, `"options.testKey" must be 1 to 255 visible ASCII characters`, field}},
		{"no values", func(c *provider.Credentials) { c.Values = nil }, []string{id, key}},
		{"an id that is longer", func(c *provider.Credentials) { c.Values["merchantId"] = kassa + "0" }, []string{id}},
		{"an id with a line's end", func(c *provider.Credentials) { c.Values["merchantId"] = kassa + "\n" }, []string{id}},
		{"a key that is too long", func(c *provider.Credentials) { c.Values["key"] = strings.Repeat("k", 256) }, []string{key}},
		{"test mode without its key", func(c *provider.Credentials) { c.Options.Mode = "test" }, []string{`"options.testKey" is required in mode test`}},
		{"one key for both", func(c *provider.Credentials) { c.TestKey = liveKey }, []string{`"options.testKey" must not be the live key`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cr := credentials()
			c.change(&cr)
			_, err := payme.New().Open(cr, provider.Env{})
			var got []string
			if e, ok := errors.AsType[*pay.Error](err); ok {
				if e.Code != pay.CodeInvalid {
					t.Errorf("code %s", e.Code)
				}
				got = e.Details
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The first vector is Payme's own, the second one the fixture's.
func TestCheckoutLink(t *testing.T) {
	for _, c := range []struct {
		name        string
		change      func(*provider.Credentials)
		payURL      string
		inv         pay.Invoice
		base, plain string
		want        string
	}{
		{
			name:   "Payme's vector",
			change: func(c *provider.Credentials) { c.Values["merchantId"] = "587f72c72cac0d162c722ae2" },
			inv:    pay.Invoice{ID: "197", Amount: 500},
			want:   "https://checkout.paycom.uz/bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJfaWQ9MTk3O2E9NTAw",
		},
		{
			name: "the fixture", inv: pay.Invoice{ID: "inv-1001", Amount: 5000000},
			want: "https://checkout.paycom.uz/bT01ZTczMGU4ZTBiODUyYTQxN2FhNDljZWI7YWMub3JkZXJfaWQ9aW52LTEwMDE7YT01MDAwMDAw",
		},
		{
			name: "a language and a way back", payURL: "http://127.0.0.1:4003/payme/",
			inv:  pay.Invoice{ID: "inv-1", Amount: 100, Lang: "uz", ReturnURL: "https://shop.uz/?a=1;b=2&c=:transaction"},
			base: "http://127.0.0.1:4003/payme/", plain: "m=" + kassa + ";ac.order_id=inv-1;a=100;l=uz;c=https://shop.uz/?a=1%3Bb=2&c=:transaction",
		},
		{
			name: "another field", change: func(c *provider.Credentials) { c.Options.AccountField = "payment_id" },
			inv:  pay.Invoice{ID: "inv-1", Amount: 100},
			base: "https://checkout.paycom.uz/", plain: "m=" + kassa + ";ac.payment_id=inv-1;a=100",
		},
		{
			name: "test mode", change: func(c *provider.Credentials) { c.Options.Mode, c.TestKey = "test", testKey },
			inv:  pay.Invoice{ID: "inv-1", Amount: 100},
			base: "https://test.paycom.uz/", plain: "m=" + kassa + ";ac.order_id=inv-1;a=100",
		},
		{
			name: "test mode before a simulator", change: func(c *provider.Credentials) { c.Options.Mode, c.TestKey = "test", testKey },
			payURL: "http://127.0.0.1:4003/payme", inv: pay.Invoice{ID: "inv-1", Amount: 100},
			base: "http://127.0.0.1:4003/payme/", plain: "m=" + kassa + ";ac.order_id=inv-1;a=100",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			cr := credentials()
			if c.change != nil {
				c.change(&cr)
			}
			a, err := payme.New().Open(cr, provider.Env{PayURL: c.payURL})
			if err != nil {
				t.Fatal(err)
			}
			link, err := a.(provider.Checkouter).Checkout(t.Context(), c.inv, pay.Payment{})
			if err != nil {
				t.Fatal(err)
			}
			if c.want != "" && link.URL != c.want {
				t.Errorf("%s\nwant %s", link.URL, c.want)
			}
			if c.plain == "" {
				return
			}
			coded, ok := strings.CutPrefix(link.URL, c.base)
			plain, err := base64.StdEncoding.DecodeString(coded)
			if !ok || err != nil || string(plain) != c.plain {
				t.Errorf("%s: %s\nwant %s%s", link.URL, plain, c.base, c.plain)
			}
		})
	}
	a, err := payme.New().Open(credentials(), provider.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.(provider.Checkouter).Checkout(t.Context(), pay.Invoice{ID: "1;a=1", Amount: 100}, pay.Payment{}); err == nil {
		t.Error("an id that would change the link's meaning was written into it")
	}
}

func TestNobodyIsHeardWithoutTheKey(t *testing.T) {
	live := func(c *provider.Credentials) { c.TestKey = testKey }
	test := func(c *provider.Credentials) { c.TestKey, c.Options.Mode = testKey, "test" }
	spoofed := basic("Paycom", testKey)
	spoofed["Test-Operation"] = []string{"Paycom"}
	spoofed["Referer"] = []string{"http://test.paycom.uz"}
	vector := http.Header{"Authorization": {"Basic UGF5Y29tOnRlc3Qta2V5LTAwMDE="}}
	for _, c := range []struct {
		name   string
		change func(*provider.Credentials)
		header http.Header
		ok     bool
	}{
		{"the right key", live, paymeHeader(), true},
		{"the reference's vector", live, vector, true},
		{"a scheme in lower case", live, http.Header{"Authorization": {"basic UGF5Y29tOnRlc3Qta2V5LTAwMDE="}}, true},
		{"the test key in test mode", test, basic("Paycom", testKey), true},
		{"no header", live, http.Header{}, false},
		{"no Base64", live, http.Header{"Authorization": {"Basic !!!"}}, false},
		{"a wrong key", live, basic("Paycom", "test-key-0002"), false},
		{"a longer key", live, basic("Paycom", liveKey+"x"), false},
		{"a shorter key", live, basic("Paycom", liveKey[:5]), false},
		{"an empty key", live, basic("Paycom", ""), false},
		{"another login", live, basic("paycom", liveKey), false},
		{"no login", live, basic("", liveKey), false},
		{"the colon elsewhere", live, basic("Paycom:test", liveKey[5:]), false},
		{"another scheme", live, http.Header{"Authorization": {"Bearer " + liveKey}}, false},
		{"the test key in live mode", live, basic("Paycom", testKey), false},
		{"the test key with the sandbox's marks", live, spoofed, false},
		{"the live key in test mode", test, paymeHeader(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStand(t, c.change)
			for _, method := range methods {
				got := send(t, "POST", s.url, c.header, `{"id":77,"method":"`+method+`","params":{}}`)
				if string(got.ID) != "77" {
					t.Errorf("%s: id %s", method, got.ID)
				}
				if (got.Error.Code != -32504) != c.ok {
					t.Errorf("%s: code %d", method, got.Error.Code)
				}
			}
			if !c.ok && s.calls != 0 {
				t.Errorf("the desk was asked %d times", s.calls)
			}
		})
	}
}

var methods = []string{
	"CheckPerformTransaction", "CreateTransaction", "PerformTransaction", "CancelTransaction",
	"CheckTransaction", "GetStatement", "SetFiscalData",
}

func TestStrangersHearTheSameAsAWrongKey(t *testing.T) {
	s := newStand(t, nil)
	stranger := httptest.NewServer(http.HandlerFunc(payme.New().(provider.StrangerServer).ServeStranger))
	defer stranger.Close()
	const body = `{"id":5,"method":"PerformTransaction","params":{"id":"6385f0c5d9c5b7a8c3f1a001"}}`
	got := send(t, "POST", stranger.URL, paymeHeader(), body)
	if want := send(t, "POST", s.url, basic("Paycom", "no"), body); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}

func TestWithoutTheMerchantItIsComeBackLater(t *testing.T) {
	later := httptest.NewServer(http.HandlerFunc(payme.New().(provider.LaterServer).ServeLater))
	defer later.Close()
	got := send(t, "POST", later.URL, http.Header{}, `{"id":5,"method":"PerformTransaction","params":{"id":"a"}}`)
	if got.Error.Code != -32400 || string(got.ID) != "5" {
		t.Errorf("%+v", got)
	}
	if got := send(t, "GET", later.URL, http.Header{}, ""); got.Error.Code != -32300 {
		t.Errorf("%+v", got)
	}
}

func TestTheProtocolComesFirst(t *testing.T) {
	s := newStand(t, nil)
	s.invoice("inv-1001", 5000000)
	for _, c := range []struct {
		name, method, body string
		code               int
		id, data           string
	}{
		{"a GET", "GET", "", -32300, "null", ""},
		{"a PUT", "PUT", "{}", -32300, "null", ""},
		{"broken JSON", "POST", `{oops`, -32700, "null", ""},
		{"no body", "POST", ``, -32700, "null", ""},
		{"two bodies", "POST", `{"id":1,"method":"Nope","params":{}} {}`, -32700, "null", ""},
		{"half a body", "POST", `{"id":1,"method":"CheckTransaction","params":{"id":"6385`, -32700, "null", ""},
		{"bad UTF-8", "POST", "{\"id\":1,\"method\":\"\xff\",\"params\":{}}", -32700, "null", ""},
		{"too large", "POST", `{"id":1,"method":"CheckTransaction","params":{"id":"` + strings.Repeat("x", 64<<10) + `"}}`, -32700, "null", ""},
		{"a list", "POST", `[]`, -32600, "null", ""},
		{"a text", "POST", `"hello"`, -32600, "null", ""},
		{"null", "POST", `null`, -32600, "null", ""},
		{"an id that is an object", "POST", `{"id":{},"method":"CheckTransaction","params":{}}`, -32600, "null", "id"},
		{"no params", "POST", `{"id":3,"method":"CheckTransaction"}`, -32600, "3", "params"},
		{"params in a list", "POST", `{"id":3,"method":"CheckTransaction","params":[]}`, -32600, "3", "params"},
		{"no method", "POST", `{"id":3,"params":{}}`, -32600, "3", "method"},
		{"a method that is a number", "POST", `{"id":3,"method":7,"params":{}}`, -32600, "3", "method"},
		{"a name twice", "POST", `{"id":3,"id":4,"method":"CheckTransaction","params":{}}`, -32600, "null", ""},
		{"a parameter twice", "POST", `{"id":3,"method":"CheckTransaction","params":{"id":"a","id":"b"}}`, -32600, "3", "params"},
		{"names in another case", "POST", `{"id":3,"Method":"CheckTransaction","Params":{}}`, -32600, "3", "method"},
		{"an unknown method", "POST", `{"id":3,"method":"Nope","params":{}}`, -32601, "3", "Nope"},
		{"a change of key", "POST", `{"id":3,"method":"ChangePassword","params":{"password":"x"}}`, -32601, "3", "ChangePassword"},
		{"a long name", "POST", `{"id":3,"method":"` + strings.Repeat("ў", 500) + `","params":{}}`, -32601, "3", strings.Repeat("ў", 32)},
		{"an id that is a text", "POST", `{"id":"x-1","method":"Nope","params":{}}`, -32601, `"x-1"`, "Nope"},
		{"no id", "POST", `{"method":"Nope","params":{}}`, -32601, "null", "Nope"},
		{"fields that nobody knows", "POST", `{"jsonrpc":"2.0","x":[1],"id":3,"method":"CheckTransaction","params":{"id":"a","y":{}}}`, -31003, "3", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := send(t, c.method, s.url, paymeHeader(), c.body)
			if got.Error.Code != c.code || string(got.ID) != c.id || got.Error.Data != c.data {
				t.Errorf("got %d %q, id %s; want %d %q, id %s", got.Error.Code, got.Error.Data, got.ID, c.code, c.data, c.id)
			}
		})
	}
}

func TestParametersOfTheWrongKindAreNeverTaken(t *testing.T) {
	s := newStand(t, nil)
	s.invoice("inv-1001", 5000000)
	s.invoice("42", 5000000)
	const (
		id      = `"id":"6385f0c5d9c5b7a8c3f1a001"`
		at      = `"time":1700000000000`
		account = `"account":{"order_id":"inv-1001"}`
	)
	for _, c := range []struct {
		name, method, params string
		code                 int // 0: taken
		data                 string
	}{
		{"the right amount", methods[0], `"amount":5000000,` + account, 0, ""},
		{"a number that names an order", methods[0], `"amount":5000000,"account":{"order_id":42}`, 0, ""},
		{"spaces around the order", methods[0], `"amount":5000000,"account":{"order_id":" inv-1001 "}`, 0, ""},
		{"another field of the account beside it", methods[0], `"amount":5000000,"account":{"order_id":"42","phone":"1"}`, 0, ""},
		{"a hundredth", methods[0], `"amount":50000,` + account, -31001, "amount"},
		{"one tiyin", methods[0], `"amount":1,` + account, -31001, "amount"},
		{"nothing", methods[0], `"amount":0,` + account, -31001, "amount"},
		{"less than nothing", methods[0], `"amount":-5000000,` + account, -31001, "amount"},
		{"beyond 64 bits", methods[0], `"amount":100000000000005000000,` + account, -31001, "amount"},
		{"a text", methods[0], `"amount":"5000000",` + account, -32600, "amount"},
		{"a fraction", methods[0], `"amount":5000000.5,` + account, -32600, "amount"},
		{"a fraction of nothing", methods[0], `"amount":5000000.0,` + account, -32600, "amount"},
		{"an exponent", methods[0], `"amount":5e6,` + account, -32600, "amount"},
		{"no amount", methods[0], account, -32600, "amount"},
		{"null", methods[0], `"amount":null,` + account, -32600, "amount"},
		{"no account", methods[0], `"amount":5000000`, -31050, "order_id"},
		{"account null", methods[0], `"amount":5000000,"account":null`, -31050, "order_id"},
		{"account empty", methods[0], `"amount":5000000,"account":{}`, -31050, "order_id"},
		{"account of another field", methods[0], `"amount":5000000,"account":{"Order_Id":"inv-1001"}`, -31050, "order_id"},
		{"account a text", methods[0], `"amount":5000000,"account":"inv-1001"`, -32600, "account"},
		{"order null", methods[0], `"amount":5000000,"account":{"order_id":null}`, -31050, "order_id"},
		{"order true", methods[0], `"amount":5000000,"account":{"order_id":true}`, -31050, "order_id"},
		{"order empty", methods[0], `"amount":5000000,"account":{"order_id":"  "}`, -31050, "order_id"},
		{"order with NUL", methods[0], `"amount":5000000,"account":{"order_id":"inv\u0000"}`, -31050, "order_id"},
		{"order too long", methods[0], `"amount":5000000,"account":{"order_id":"` + strings.Repeat("9", 256) + `"}`, -31050, "order_id"},
		{"unknown order", methods[0], `"amount":5000000,"account":{"order_id":"nope"}`, -31050, "order_id"},

		{"no id", methods[1], at + `,"amount":5000000,` + account, -32600, "id"},
		{"an id that is a number", methods[1], `"id":6,` + at + `,"amount":5000000,` + account, -32600, "id"},
		{"an id too long", methods[1], `"id":"` + strings.Repeat("a", 65) + `",` + at + `,"amount":5000000,` + account, -32600, "id"},
		{"no time", methods[1], id + `,"amount":5000000,` + account, -32600, "time"},
		{"time in seconds", methods[1], id + `,"time":1700000000,"amount":5000000,` + account, -32600, "time"},
		{"time in microseconds", methods[1], id + `,"time":1700000000000000,"amount":5000000,` + account, -32600, "time"},
		{"time a text", methods[1], id + `,"time":"1700000000000","amount":5000000,` + account, -32600, "time"},
		{"a wrong amount", methods[1], id + `,` + at + `,"amount":4999999,` + account, -31001, "amount"},

		{"perform without id", methods[2], ``, -32600, "id"},
		{"cancel without reason", methods[3], id, -32600, "reason"},
		{"cancel with a text", methods[3], id + `,"reason":"5"`, -32600, "reason"},
		{"check without id", methods[4], `"id":""`, -32600, "id"},

		{"statement without from", methods[5], `"to":1`, -32600, "from"},
		{"statement without to", methods[5], `"from":1`, -32600, "to"},
		{"statement backwards", methods[5], `"from":2,"to":1`, -32600, "to"},
		{"statement before 1970", methods[5], `"from":-1,"to":1`, -32600, "from"},
		{"statement of a moment", methods[5], `"from":1,"to":1`, 0, ""},

		{"receipt without id", methods[6], `"type":"PERFORM","fiscal_data":{}`, -32602, "id"},
		{"receipt of no kind", methods[6], id + `,"type":"REFUND","fiscal_data":{}`, -32602, "type"},
		{"receipt without data", methods[6], id + `,"type":"PERFORM"`, -32602, "fiscal_data"},
		{"receipt with a list", methods[6], id + `,"type":"PERFORM","fiscal_data":[]`, -32602, "fiscal_data"},
		{"receipt with a number that is none", methods[6], id + `,"type":"PERFORM","fiscal_data":{"receipt_id":[]}`, -32602, "receipt_id"},
		{"receipt with a status that is none", methods[6], id + `,"type":"PERFORM","fiscal_data":{"status_code":"ok"}`, -32602, "status_code"},
		{"receipt of nobody", methods[6], id + `,"type":"PERFORM","fiscal_data":{"receipt_id":1,"status_code":0}`, -32001, ""},
	} {
		t.Run(c.method+"/"+c.name, func(t *testing.T) {
			before := s.calls
			got := send(t, "POST", s.url, paymeHeader(), `{"id":1,"method":"`+c.method+`","params":{`+c.params+`}}`)
			if got.Error.Code != c.code || got.Error.Data != c.data {
				t.Errorf("got %d %q, want %d %q", got.Error.Code, got.Error.Data, c.code, c.data)
			}
			if asked := s.calls > before; asked != deskAnswers(c.name, c.code) {
				t.Errorf("was the desk asked: %v", asked)
			}
		})
	}
	if len(s.payments) != 0 {
		t.Errorf("%d payments were made", len(s.payments))
	}
}

// deskAnswers says whether a case of the test above is answered by the desk: what is taken, and
// what looks sound but is not the order's. Nothing malformed may come so far.
func deskAnswers(name string, code int) bool {
	return code == 0 || slices.Contains([]string{"a hundredth", "one tiyin", "unknown order", "a wrong amount", "receipt of nobody"}, name)
}

// The merchant began to refuse late cancels after this one was made.
func TestAReturnThatWasMadeIsStillAnswered(t *testing.T) {
	s := newStand(t, nil)
	s.invoice("inv-1001", 5000000)
	for _, call := range []string{
		`{"id":1,"method":"CreateTransaction","params":{"id":"a","time":1700000000000,"amount":5000000,"account":{"order_id":"inv-1001"}}}`,
		`{"id":2,"method":"PerformTransaction","params":{"id":"a"}}`,
	} {
		send(t, "POST", s.url, paymeHeader(), call)
	}
	const cancel = `{"id":3,"method":"CancelTransaction","params":{"id":"a","reason":5}}`
	first := send(t, "POST", s.url, paymeHeader(), cancel)
	strict := newStand(t, func(c *provider.Credentials) { c.Options.RefuseLateCancel = true })
	strict.book.payments, strict.book.invoices = s.payments, s.invoices
	strict.advance(time.Hour)
	if again := send(t, "POST", strict.url, paymeHeader(), cancel); first.Result["state"] != -2. || !cmp.Equal(again, first) {
		t.Errorf("first %v, then %v", first.Result, again)
	}
}

func TestWhatCannotBeToldIsComeBackLater(t *testing.T) {
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	defer slog.SetDefault(before)

	bodies := map[string]string{
		methods[0]: `"amount":5000000,"account":{"order_id":"inv-1001"}`,
		methods[1]: `"id":"a","time":1700000000000,"amount":5000000,"account":{"order_id":"inv-1001"}`,
		methods[2]: `"id":"a"`,
		methods[3]: `"id":"a","reason":3`,
		methods[4]: `"id":"a"`,
		methods[5]: `"from":1,"to":2`,
		methods[6]: `"id":"a","type":"PERFORM","fiscal_data":{}`,
	}
	for _, method := range methods {
		s := newStand(t, nil)
		s.down = errDown
		body := `{"id":9,"method":"` + method + `","params":{` + bodies[method] + `}}`
		if got := send(t, "POST", s.url, paymeHeader(), body); got.Error.Code != -32400 || string(got.ID) != "9" {
			t.Errorf("%s with the database down: %d, id %s", method, got.Error.Code, got.ID)
		}
		// A desk that is not there makes every method panic.
		rec := httptest.NewRecorder()
		req := httptest.NewRequest("POST", "/", strings.NewReader(body))
		req.Header = paymeHeader()
		s.account.(provider.CallbackServer).ServeCallback(rec, req, nil)
		if got := read(t, rec.Code, rec.Header(), rec.Body.Bytes()); got.Error.Code != -32400 || string(got.ID) != "9" {
			t.Errorf("%s with a panic: %d, id %s", method, got.Error.Code, got.ID)
		}
		if !strings.Contains(logged.String(), "method="+method) || strings.Contains(logged.String(), liveKey) {
			t.Errorf("%s: the log says %s", method, logged.String())
		}
		logged.Reset()
	}
}

func TestReceiptsAreKeptAsTheyCame(t *testing.T) {
	s := newStand(t, nil)
	s.invoice("inv-1001", 5000000)
	call := func(method, params string) said {
		return send(t, "POST", s.url, paymeHeader(), `{"id":1,"method":"`+method+`","params":{"id":"a",`+params+`}}`)
	}
	call(methods[1], `"time":1700000000000,"amount":5000000,"account":{"order_id":"inv-1001"}`)
	for _, c := range []struct {
		name, params string
		want         pay.Receipt
	}{
		{
			"all texts", `"type":"PERFORM","fiscal_data":{"receipt_id":"2421","status_code":"0","message":"accepted","terminal_id":"EP000000000025","fiscal_sign":"025561534771","qr_code_url":"https://ofd.soliq.uz/epi?t=EP000000000025&r=2421","date":"20230104121801"}`,
			pay.Receipt{Kind: "sale", URL: "https://ofd.soliq.uz/epi?t=EP000000000025&r=2421", Terminal: "EP000000000025", Number: "2421", FiscalSign: "025561534771", Time: "20230104121801", Message: "accepted"},
		},
		{
			"numbers, and words for a link", `"type":"CANCEL","fiscal_data":{"receipt_id":121,"status_code":5,"message":null,"terminal_id":"EP000000000025","fiscal_sign":800031554082,"qr_code_url":"fiscal receipt url","date":"20220706221021"}`,
			pay.Receipt{Kind: "refund", Terminal: "EP000000000025", Number: "121", FiscalSign: "800031554082", Time: "20220706221021", StatusCode: 5},
		},
		{
			"a link that is a script", `"type":"PERFORM","fiscal_data":{"qr_code_url":"javascript:alert(1)"}`,
			pay.Receipt{Kind: "sale"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.receipts = nil
			for range 2 {
				if got := call(methods[6], c.params); got.Result["success"] != true {
					t.Errorf("%+v", got)
				}
			}
			if diff := cmp.Diff([]pay.Receipt{c.want}, s.receipts); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheFiscalLinesSumUp(t *testing.T) {
	vat := 12
	s := newStand(t, nil)
	s.invoice("inv-1001", 1400333,
		pay.ReceiptLine{Name: "Choy", Qty: 2000, Price: 250000, Total: 500000, Discount: 100000, MXIK: "00702001001000001", PackageCode: "123456", VAT: &vat, Units: 241092},
		pay.ReceiptLine{Name: "Goʻsht, kg", Qty: 250, Price: 4000000, Total: 1000000, MXIK: "06401004002000000", PackageCode: "1506113"},
		pay.ReceiptLine{Name: "Ip", Qty: 333, Price: 1000, Total: 333, MXIK: "06401004002000000", PackageCode: "1"},
		pay.ReceiptLine{Name: "Mato", Qty: 1001, Price: 10, Total: 10, Discount: 10, MXIK: "06401004002000000", PackageCode: "1"},
	)
	got := send(t, "POST", s.url, paymeHeader(), `{"id":1,"method":"CheckPerformTransaction","params":{"amount":1400333,"account":{"order_id":"inv-1001"}}}`)
	want := map[string]any{"allow": true, "detail": map[string]any{"receipt_type": 0., "items": []any{
		map[string]any{"title": "Choy", "price": 250000., "count": 2., "code": "00702001001000001", "units": 241092., "vat_percent": 12., "package_code": "123456", "discount": 100000.},
		map[string]any{"title": "Goʻsht, kg", "price": 4000000., "count": 0.25, "code": "06401004002000000", "vat_percent": 0., "package_code": "1506113", "discount": 0.},
		map[string]any{"title": "Ip", "price": 1000., "count": 0.333, "code": "06401004002000000", "vat_percent": 0., "package_code": "1", "discount": 0.},
		map[string]any{"title": "Mato 1.001", "price": 10., "count": 1., "code": "06401004002000000", "vat_percent": 0., "package_code": "1", "discount": 10.},
	}}}
	if diff := cmp.Diff(want, got.Result); diff != "" {
		t.Error(diff)
	}
}

// whatEachMethodMayAnswer is the manual's table: an error beyond it is misbehaviour.
var whatEachMethodMayAnswer = map[string][]int{
	methods[0]: {-31001, -31050, -31051, -31052},
	methods[1]: {-31001, -31008, -31050, -31051, -31052},
	methods[2]: {-31003, -31008},
	methods[3]: {-31003, -31007},
	methods[4]: {-31003},
	methods[5]: {},
	methods[6]: {-32001, -32602},
}

func TestEveryRefusalHasItsAnswerInEveryMethod(t *testing.T) {
	bodies := []string{
		`"amount":5000000,"account":{"order_id":"inv-1001"}`,
		`"id":"a","time":1700000000000,"amount":5000000,"account":{"order_id":"inv-1001"}`,
		`"id":"a"`, `"id":"a","reason":3`, `"id":"a"`, `"from":1,"to":2`, `"id":"a","type":"PERFORM","fiscal_data":{}`,
	}
	// What the contract fixes, or the company's own flowcharts.
	fixed := map[provider.Refusal][7]int{
		provider.NoAccount:     {-31050, -31050},
		provider.NoPayment:     {0, 0, -31003, -31003, -31003, 0, -32001},
		provider.WrongAmount:   {-31001, -31001},
		provider.TooSmall:      {-31001, -31001},
		provider.TooLarge:      {-31001, -31001},
		provider.AlreadyPaid:   {-31051, -31051, -31008},
		provider.Closed:        {-31051, -31051, -31008},
		provider.Cancelled:     {-31051, -31008, -31008},
		provider.Expired:       {-31051, -31008, -31008},
		provider.Busy:          {-31052, -31008, -31008, -32400},
		provider.NotReversible: {0, 0, 0, -31007},
		provider.Unavailable:   {-31051, -31051, -31008, -32400},
	}
	for _, why := range provider.Refusals {
		if _, ok := fixed[why]; !ok {
			t.Errorf("%s is not in this test", why)
		}
		s := newStand(t, nil)
		s.down = why
		for i, method := range methods {
			got := send(t, "POST", s.url, paymeHeader(), `{"id":1,"method":"`+method+`","params":{`+bodies[i]+`}}`)
			code := got.Error.Code
			if code != -32400 && !slices.Contains(whatEachMethodMayAnswer[method], code) {
				t.Errorf("%s: %s answers %d, which is not the method's", why, method, code)
			}
			if want := fixed[why][i]; want != 0 && code != want {
				t.Errorf("%s: %s answers %d, want %d", why, method, code, want)
			}
			if inRange := code <= -31050 && code >= -31099; inRange && got.Error.Data != "order_id" {
				t.Errorf("%s: %s: data is %q", why, method, got.Error.Data)
			}
		}
	}
}
