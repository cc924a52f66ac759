package httpapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/httpapi"
)

// sound is an invoice that the API takes; each case below spoils it in one way.
const sound = `{"source":"shop","businessId":"biz","sourceInvoiceId":"1","amount":100000,"notifyUrl":"https://shop.example.uz/hook"}`

// spoil puts text in the place of a part of the sound request.
func spoil(part, text string) string {
	if !strings.Contains(sound, part) {
		panic("the sound request has no " + part)
	}
	return strings.Replace(sound, part, text, 1)
}

// with adds members to the sound request.
func with(members string) string { return strings.TrimSuffix(sound, "}") + "," + members + "}" }

func TestOneClearErrorForEachBadBody(t *testing.T) {
	b := newBench(t, nil)
	b.register("wallet", "biz")
	line := func(change string) string {
		return `"ofd":[{"qty":1,"price":100000,"total":100000,"mxik":"06401004002000000","package_code":"1506113","name":"Test","vat":0` + change + `}]`
	}
	for _, c := range []struct{ body, want string }{
		// What is no JSON object.
		{``, `"body" is required`},
		{` `, `"body" is not valid JSON: it ends too early`},
		{`[]`, `"body" must be of type object`},
		{`null`, `"body" must be of type object`},
		{`"text"`, `"body" must be of type object`},
		{`12`, `"body" must be of type object`},
		{sound + ` `, ``},
		{sound + sound, `"body" must be one JSON value: something follows it`},
		{sound + ` x`, `"body" must be one JSON value: something follows it`},
		{sound[:40], `"body" is not valid JSON: it ends too early`},
		{`{"source":"shop",}`, `"body" is not valid JSON: see byte 17`},
		{`{source:"shop"}`, `"body" is not valid JSON: see byte 2`},
		{"\xef\xbb\xbf" + sound, `"body" is not valid JSON: see byte 1`},
		{spoil(`"shop"`, "\"sh\xffop\""), `"body" must be valid UTF-8`},
		{spoil(`"shop"`, `"\ud800"`), `"body" is not valid JSON: see byte 12`},
		{spoil(`"shop"`, `"sh\u0000op"`), `"source" must not contain the NUL character`},
		{spoil(`"shop"`, "\"sh\x00op\""), `"body" is not valid JSON: see byte 14`},
		{with(`"metadata":{"a\u0000":"b"}`), `"metadata.a` + "\x00" + `" must not contain the NUL character`},
		{strings.Repeat("[", 60000), `"body" must not be nested deeper than 16 levels`},
		{`{"source":` + strings.Repeat(`{"a":`, 20) + `1` + strings.Repeat(`}`, 21), `"body" must not be nested deeper than 16 levels`},

		// Names.
		{with(`"amount":100`), `"amount" must not be given twice`},
		{with(line(`,"vat":12`)), `"ofd[0].vat" must not be given twice`},
		{with(`"foo":1`), `"foo" is not allowed`},
		{with(`"AMOUNT":-5`), `"AMOUNT" is not allowed`},
		{with(`"Amount":-5`), `"Amount" is not allowed`},
		{with(`"":1`), `"" is not allowed`},
		{spoil(`"amount"`, `"Amount"`), `"amount" is required|"Amount" is not allowed`},
		{with(`"\u0061mount":100`), `"amount" must not be given twice`},
		{with(line(`,"Vat":12`)), `"ofd[0].Vat" is not allowed`},

		// Money.
		{spoil(`100000`, `99`), `"amount" must be greater than or equal to 100`},
		{spoil(`100000`, `0`), `"amount" must be greater than or equal to 100`},
		{spoil(`100000`, `-100000`), `"amount" must be greater than or equal to 100`},
		{spoil(`100000`, `1000000000001`), `"amount" must be less than or equal to 1000000000000`},
		{spoil(`100000`, `99999999999999999999999999`), `"amount" must be less than or equal to 1000000000000`},
		{spoil(`100000`, `-99999999999999999999999999`), `"amount" must be greater than or equal to 100`},
		{spoil(`100000`, `100000.5`), `"amount" must be an integer`},
		{spoil(`100000`, `100000.0`), `"amount" must be an integer written in digits only`},
		{spoil(`100000`, `1e5`), `"amount" must be an integer written in digits only`},
		{spoil(`100000`, `1E999999999`), `"amount" must be an integer written in digits only`},
		{spoil(`100000`, `1e-2`), `"amount" must be an integer written in digits only`},
		{spoil(`100000`, `-0`), `"amount" must be an integer written in digits only`},
		{spoil(`100000`, `"100000"`), `"amount" must be a number`},
		{spoil(`100000`, `null`), `"amount" must be a number`},
		{spoil(`100000`, `true`), `"amount" must be a number`},
		{spoil(`100000`, `[100000]`), `"amount" must be a number`},
		{spoil(`100000`, `0100000`), `"body" is not valid JSON: see byte 69`},
		{spoil(`100000`, `+100000`), `"body" is not valid JSON: see byte 68`},
		{spoil(`100000`, `NaN`), `"body" is not valid JSON: see byte 68`},
		{with(`"currency":"USD"`), `"currency" must be one of [UZS]`},
		{with(`"currency":860`), `"currency" must be one of [UZS]`},

		// Ids and texts.
		{spoil(`"1"`, `""`), `"sourceInvoiceId" is not allowed to be empty`},
		{spoil(`"1"`, `1`), `"sourceInvoiceId" must be a string`},
		{spoil(`"1"`, `"`+strings.Repeat("й", 256)+`"`), `"sourceInvoiceId" length must be less than or equal to 255 characters long`},
		{spoil(`"1"`, `"a\nb"`), `"sourceInvoiceId" must not contain control characters`},
		{spoil(`"1"`, `"a\u0085b"`), `"sourceInvoiceId" must not contain control characters`},
		{with(`"lang":"de"`), `"lang" must be one of [uz, ru, en]`},
		{with(`"lang":null`), `"lang" must be one of [uz, ru, en]`},
		{with(`"provider":"nobody"`), `"provider" must be one of [bank, wallet]`},
		{with(`"provider":""`), `"provider" must be one of [bank, wallet]`},
		{with(`"ttlSeconds":59`), `"ttlSeconds" must be greater than or equal to 60`},
		{with(`"ttlSeconds":2592001`), `"ttlSeconds" must be less than or equal to 2592000`},
		{with(`"metadata":[]`), `"metadata" must be of type object`},
		{with(`"metadata":{"a":1}`), `"metadata.a" must be a string`},
		{with(`"metadata":{"a":"` + strings.Repeat("x", 501) + `"}`), `"metadata.a" length must be less than or equal to 500 characters long`},
		{with(`"metadata":{` + manyKeys(21) + `}`), `"metadata" must have less than or equal to 20 keys`},
		{with(`"metadata":{"":"x"}`), `"metadata" must have keys of 1 to 64 characters without control characters`},
		{with(`"holdSeconds":60`), `"holdSeconds" is not allowed without "capture": "manual"`},
		{with(`"holdExpiry":"capture","capture":"auto"`), `"holdExpiry" is not allowed without "capture": "manual"`},

		// Addresses.
		{spoil(`"https://shop.example.uz/hook"`, `""`), `"notifyUrl" is not allowed to be empty`},
		{spoil(`"https://shop.example.uz/hook"`, `"shop.example.uz/hook"`), `"notifyUrl" must be an http or https address`},
		{spoil(`"https://shop.example.uz/hook"`, `"https://user:pass@shop.example.uz/"`), `"notifyUrl" must not contain a user name or password`},
		{spoil(`"https://shop.example.uz/hook"`, `"https://shop.example.uz/`+strings.Repeat("x", 2048)+`"`), `"notifyUrl" length must be less than or equal to 2048 characters long`},
		{with(`"returnUrl":"javascript:alert(1)"`), `"returnUrl" must not have the scheme javascript`},
		{with(`"returnErrorUrl":"data:text/html,x"`), `"returnErrorUrl" must not have the scheme data`},

		// The fiscal receipt: the founding example, and what fiscal.md's fifth scenario spoils in it.
		{with(line(``)), ``},
		{spoil(`100000`, `90000`)[:len(spoil(`100000`, `90000`))-1] + "," + line(``) + "}", `"ofd" must add up to "amount" (100000 ≠ 90000)`},
		{with(strings.Replace(line(``), `"06401004002000000"`, `6401004002000000`, 1)), `"ofd[0].mxik" must be a string`},
		{with(strings.Replace(line(``), `"06401004002000000"`, `"6401004002000000"`, 1)), `"ofd[0].mxik" must be 17 digits`},
		{with(strings.Replace(line(``), `"vat":0`, `"vat":15`, 1)), `"ofd[0].vat" must be one of [0, 12, null]`},
		{with(strings.Replace(line(``), `"vat":0`, `"vat":null`, 1)), ``},
		{with(strings.Replace(line(``), `"qty":1`, `"qty":1.0001`, 1)), `"ofd[0].qty" must have no more than 3 decimal places`},
		{with(strings.Replace(line(``), `"qty":1`, `"qty":"1"`, 1)), `"ofd[0].qty" must be a number`},
		{with(strings.Replace(line(``), `"total":100000`, `"total":90000`, 1)), `"ofd[0].total" must be 100000 (qty × price)`},
		{with(strings.Replace(line(``), `"total":100000`, `"total":1e5`, 1)), `"ofd[0].total" must be an integer written in digits only`},
		{with(line(`,"mark":["a","b"]`)), `"ofd[0].mark" must contain as many codes as units (2 ≠ 1)`},
		{with(`"ofd":{}`), `"ofd" must be an array`},
		{with(`"ofd":null`), `"ofd" must be an array`},
		{with(`"ofd":[` + strings.TrimSuffix(strings.Repeat("{},", 301), ",") + `]`), `"ofd" must contain less than or equal to 300 items`},
	} {
		body := c.body
		if c.want == "" { // a sound one of its own
			body = strings.Replace(body, `"sourceInvoiceId":"1"`, fmt.Sprintf(`"sourceInvoiceId":"s-%d"`, len(body)), 1)
			b.send("POST", "/api/invoices", body).want(201, "OK")
			continue
		}
		r := b.send("POST", "/api/invoices", body, "Content-Type", "application/json")
		if r.Status != 400 || r.Message != "VALIDATION_ERROR" || strings.Join(r.details(), "|") != c.want {
			t.Errorf("%.120s\n got HTTP %d %q\nwant %q", c.body, r.Status, r.details(), c.want)
		}
	}
	if items := b.send("GET", "/api/invoices?sourceInvoiceId=1", nil).want(200, "").items(); len(items) != 0 {
		t.Errorf("a refused request made %v", items)
	}
}

func manyKeys(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"k%d":""`, i)
	}
	return strings.Join(keys, ",")
}

func TestAllFaultsAtOnceInTheOrderOfTheFields(t *testing.T) {
	b := newBench(t, nil)
	r := b.send("POST", "/api/invoices", `{"zoo":1,"holdSeconds":60,"foo":2,"lang":"de","amount":99.5,"ofd":[{"qty":-1,"vat":"x"},{}],"sourceInvoiceId":"","metadata":{"a":[]},"notifyUrl":"ftp://x"}`)
	want := []string{
		`"source" is required`,
		`"businessId" is required`,
		`"sourceInvoiceId" is not allowed to be empty`,
		`"amount" must be an integer`,
		`"notifyUrl" must be an http or https address`,
		`"lang" must be one of [uz, ru, en]`,
		`"ofd[0].qty" must be a decimal number without sign or exponent`,
		`"ofd[0].price" is required`, `"ofd[0].total" is required`, `"ofd[0].mxik" is required`, `"ofd[0].package_code" is required`, `"ofd[0].name" is required`,
		`"ofd[0].vat" must be a number`,
		`"ofd[1].qty" is required`, `"ofd[1].price" is required`, `"ofd[1].total" is required`, `"ofd[1].mxik" is required`, `"ofd[1].package_code" is required`, `"ofd[1].name" is required`, `"ofd[1].vat" is required`,
		`"holdSeconds" is not allowed without "capture": "manual"`,
		`"metadata.a" must be a string`,
		`"zoo" is not allowed`,
		`"foo" is not allowed`,
	}
	if r.want(400, "VALIDATION_ERROR"); !slices.Equal(r.details(), want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(r.details(), "\n"), strings.Join(want, "\n"))
	}
}

func TestMerchantsAreCheckedToo(t *testing.T) {
	b := newBench(t, nil)
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/api/merchants", `{"provider":"bank","credentials":{"shop":"1","kye":"x"}}`, `"source" is required|"businessId" is required|"credentials.key" is required|"credentials.kye" is not allowed`},
		{"POST", "/api/merchants", `{"source":"s","businessId":"b","provider":"bank","credentials":{"key":" "}}`, `"credentials.key" is not allowed to be empty`},
		{"POST", "/api/merchants", `{"source":"s","businessId":"b","provider":"bank","credentials":{"key":1}}`, `"credentials.key" must be a string`},
		{"POST", "/api/merchants", `{"source":"s","businessId":"b","provider":"bank","credentials":{"shop":1}}`, `"credentials.shop" must be a string|"credentials.key" is required`},
		{"POST", "/api/merchants", `{"source":"s","businessId":"b","provider":"bank","credentials":"key"}`, `"credentials" must be of type object`},
		{"POST", "/api/merchants", `{"source":"s","businessId":"b","provider":"bank","credentials":{"key":"k"},"options":{"mode":"prod","callbackFrom":["1.2.3.4","10.0.0.0/8"],"ownTin":"1","foo":1}}`,
			`"options.mode" must be one of [live, test]|"options.ownTin" must be 9 or 14 digits|"options.callbackFrom[0]" must be a CIDR, as 195.158.26.90/32|"options.foo" is not allowed`},
		{"POST", "/api/merchants", `{"source":"s","businessId":"b","provider":"bank","credentials":{"key":"k"},"isActive":"true"}`, `"isActive" must be a boolean`},
		{"PATCH", "/api/merchants/01975f2e-6a09-7bf0-9a1b-00505680eaf6", `{}`, `"body" must have at least 1 key`},
		{"PATCH", "/api/merchants/01975f2e-6a09-7bf0-9a1b-00505680eaf6", `{"provider":"bank"}`, `"provider" is not allowed`},
		{"GET", "/api/merchants?limit=101&isActive=yes&x=1", ``, `"isActive" must be a boolean|"limit" must be less than or equal to 100|"x" is not allowed`},
		{"GET", "/api/merchants?limit=ten", ``, `"limit" must be a number`},
		{"GET", "/api/merchants?limit=1&limit=2", ``, `"limit" must not be given twice`},
		{"GET", "/api/merchants?source=%00", ``, `"source" must not contain the NUL character`},
		{"GET", "/api/merchants?source=%zz", ``, `"query" is not a valid query`},
		{"POST", "/api/merchants?x=1", `{}`, `"query" is not allowed|"source" is required|"businessId" is required|"provider" is required|"credentials" is required`},
	} {
		var body any
		if c.body != "" {
			body = c.body
		}
		if r := b.send(c.method, c.path, body); r.Status != 400 || strings.Join(r.details(), "|") != c.want {
			t.Errorf("%s %s %s\n got HTTP %d %q\nwant %q", c.method, c.path, c.body, r.Status, r.details(), c.want)
		}
	}
}

// ─── Around the body ───────────────────────────────────────────────────────────────────────

func TestBodiesAreBounded(t *testing.T) {
	b := newBench(t, nil)
	b.register("wallet", "biz")
	const most = 64 << 10
	exact := sound + strings.Repeat(" ", most-len(sound))
	b.send("POST", "/api/invoices", exact).want(201, "OK")
	b.send("POST", "/api/invoices", exact+" ").want(413, "TOO_LARGE")

	req, err := http.NewRequest("POST", b.url+"/api/invoices", struct{ *strings.Reader }{strings.NewReader(exact + " ")}) // of unknown length
	must(t, err)
	req.Header.Set("x-api-key", apiKey)
	req.Header.Set("Content-Type", "application/json")
	b.do(req).want(413, "TOO_LARGE")
}

func TestOnlyJSONIsTaken(t *testing.T) {
	b := newBench(t, nil)
	b.register("wallet", "biz")
	for kind, status := range map[string]int{
		"application/json":                        200,
		"application/json; charset=utf-8":         200,
		"Application/JSON;charset=\"UTF-8\"":      200,
		"":                                        415,
		"text/plain":                              415,
		"application/x-www-form-urlencoded":       415,
		"multipart/form-data; boundary=x":         415,
		"application/json; charset=windows-1251":  415,
		"application/json; charset=utf-8; q=1":    415,
		"application/merge-patch+json":            415,
		"application/cbor":                        415,
		"application/json, application/json":      415,
		strings.Repeat("x", 4000) + "/json":       415,
		"application/json; charset=utf-8; charse": 415,
	} {
		r := b.send("POST", "/api/invoices", sound, "Content-Type", kind)
		if r.Status == 201 {
			r.Status = 200
		}
		if r.Status != status || status == 415 && r.Message != "UNSUPPORTED_MEDIA_TYPE" {
			t.Errorf("%.60q: HTTP %d %s, want %d", kind, r.Status, r.Message, status)
		}
	}
}

func TestUnknownPathsAndMethodsStayInTheEnvelope(t *testing.T) {
	b := newBench(t, nil)
	for _, c := range []struct {
		method, path  string
		status        int
		word, allowed string
	}{
		{"GET", "/api", 404, "NOT_FOUND", ""},
		{"GET", "/api/", 404, "NOT_FOUND", ""},
		{"GET", "/api/nothing", 404, "NOT_FOUND", ""},
		{"GET", "/api/invoices/", 404, "NOT_FOUND", ""},
		{"POST", "/api//invoices", 404, "NOT_FOUND", ""},
		{"POST", "/api/./invoices", 404, "NOT_FOUND", ""},
		{"POST", "/api/x/../invoices", 404, "NOT_FOUND", ""},
		{"GET", "/API/invoices", 404, "NOT_FOUND", ""},
		{"GET", "/nothing", 404, "NOT_FOUND", ""},
		{"GET", "/", 404, "NOT_FOUND", ""},
		{"POST", "/api/callbacks", 404, "NOT_FOUND", ""},
		{"POST", "/api/callbacks/nobody/1", 404, "NOT_FOUND", ""},
		{"DELETE", "/api/invoices", 405, "METHOD_NOT_ALLOWED", "GET, HEAD, POST"},
		{"OPTIONS", "/api/invoices", 405, "METHOD_NOT_ALLOWED", "GET, HEAD, POST"},
		{"BREW", "/api/invoices", 405, "METHOD_NOT_ALLOWED", "GET, HEAD, POST"},
		{"POST", "/api/merchants/supported", 405, "METHOD_NOT_ALLOWED", "GET, HEAD, PATCH"},
		{"PUT", "/api/refunds/01975f2e-6a09-7bf0-9a1b-00505680eaf6", 405, "METHOD_NOT_ALLOWED", "GET, HEAD"},
		{"POST", "/health", 405, "METHOD_NOT_ALLOWED", "GET, HEAD"},
	} {
		r := b.send(c.method, c.path, nil)
		if r.Status != c.status || r.Message != c.word || r.Header.Get("Allow") != c.allowed {
			t.Errorf("%s %s: HTTP %d %s, Allow %q; want %d %s, %q", c.method, c.path, r.Status, r.Raw, r.Header.Get("Allow"), c.status, c.word, c.allowed)
		}
	}
}

func TestKeyIsAskedForFirst(t *testing.T) {
	b := newBench(t, nil)
	for _, c := range []struct {
		key    string
		status int
	}{{apiKey, 200}, {"key-two", 200}, {"", 401}, {"key", 401}, {apiKey + "x", 401}, {apiKey + "," + apiKey, 401}, {strings.Repeat("k", 1<<16), 401}} {
		if r := b.send("GET", "/api/merchants/supported", nil, "x-api-key", c.key); r.Status != c.status {
			t.Errorf("%.20q: HTTP %d, want %d", c.key, r.Status, c.status)
		}
	}
	b.send("POST", "/api/invoices", "not json", "x-api-key", "").want(401, "UNAUTHORIZED")
	b.send("GET", "/api/nothing", nil, "x-api-key", "wrong").want(401, "UNAUTHORIZED")
	for _, path := range []string{"/health", "/livez", "/readyz", "/docs/openapi.json"} {
		b.send("GET", path, nil, "x-api-key", "").want(200, "")
	}
	if strings.Contains(b.logs.String(), apiKey) || strings.Contains(b.logs.String(), "key-two") {
		t.Error("a key was logged")
	}
}

func TestNoKeyMeansNobody(t *testing.T) {
	b := newBench(t, func(o *httpapi.Options) { o.Keys = func() []string { return []string{"", ""} } })
	b.send("GET", "/api/merchants", nil, "x-api-key", "").want(401, "UNAUTHORIZED")
	req, err := http.NewRequest("GET", b.url+"/api/merchants", nil)
	must(t, err)
	req.Header["X-Api-Key"] = []string{""}
	b.do(req).want(401, "UNAUTHORIZED")
}

func TestRequestIDs(t *testing.T) {
	b := newBench(t, nil)
	for given, kept := range map[string]bool{
		"order-17_x.y":            true,
		"A":                       true,
		strings.Repeat("a", 64):   true,
		strings.Repeat("a", 65):   false,
		"":                        false,
		"two words":               false,
		"a\"b":                    false,
		"8600123412341239":        false, // a card number would go into the log
		"8600-1234-1234-1239":     false,
		"8600123412341238":        true, // not one
		"ünïcode":                 false,
		"a\tb":                    false,
		"01975f2e-6a09-7bf0-9a1b": true,
	} {
		got := b.send("GET", "/api/merchants/supported", nil, "X-Request-Id", given).Header.Get("X-Request-Id")
		if (got == given) != kept || got == "" {
			t.Errorf("%q: the answer has %q", given, got)
		}
		if !strings.Contains(b.logs.String(), `"request":"`+got+`"`) {
			t.Errorf("the log does not have %q", got)
		}
	}
}

func TestPrivateAddressesAreNotNotified(t *testing.T) {
	b := newBench(t, func(o *httpapi.Options) { o.NotifyAllowPrivate = false })
	b.register("wallet", "biz")
	for address, fine := range map[string]bool{
		"https://shop.example.uz/hook": true,
		"http://8.8.8.8/hook":          true,
		"http://localhost.evil.uz/":    true, // a name is looked up when it is dialled, each time
		"http://127.0.0.1/hook":        false,
		"http://10.1.2.3:8080/hook":    false,
		"http://[::1]/hook":            false,
		"http://169.254.169.254/meta":  false,
		"http://2130706433/":           false,
		"http://0x7f.1/":               false,
	} {
		r := b.send("POST", "/api/invoices", b.order("biz", address, map[string]any{"notifyUrl": address}))
		if (r.Status == 201) != fine || !fine && (r.Status != 400 || !strings.HasPrefix(r.details()[0], `"notifyUrl" must not lead into a private network`)) {
			t.Errorf("%s: %s", address, r.Raw)
		}
	}
}
