package click

import (
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// open returns an account of the fixture: service 73438, key click-test-secret.
func open(t testing.TB, o pay.Options, more map[string]string) *account {
	t.Helper()
	values := map[string]string{"serviceId": "73438", "merchantId": "1001", "secretKey": "click-test-secret"}
	for k, v := range more {
		values[k] = v
	}
	info := New().Info()
	acc, err := New().Open(provider.Credentials{MerchantID: "mer_7", Values: values, Options: o},
		provider.Env{Now: func() time.Time { return time.Unix(1712345678, 0) }, PayURL: info.PayURL, BaseURL: info.BaseURL})
	if err != nil {
		t.Fatal(err)
	}
	return acc.(*account)
}

func TestInfoListsTheFoundingFields(t *testing.T) {
	info := New().Info()
	want := []provider.Field{
		{Key: "serviceId", Required: true},
		{Key: "merchantId", Required: true},
		{Key: "secretKey", Required: true, Secret: true},
		{Key: "merchantUserId"},
	}
	if !slices.Equal(info.Fields, want) || info.Name != "click" {
		t.Errorf("%s %v", info.Name, info.Fields)
	}
	if got := provider.Capabilities(info.Account); !slices.Equal(got, []string{"checkout", "callbacks", "refund", "inquire", "receipt", "fiscal"}) {
		t.Errorf("capabilities %v", got)
	}
}

func TestOpenNamesAllFaultsAtOnce(t *testing.T) {
	_, err := New().Open(provider.Credentials{
		Values: map[string]string{"serviceId": "0123", "merchantId": "x", "secretKey": "a b", "merchantUserId": "-1"}, Options: pay.Options{OwnTIN: "12"},
	}, provider.Env{})
	e, ok := err.(*pay.Error)
	if !ok || e.Code != pay.CodeInvalid {
		t.Fatal(err)
	}
	for i, field := range []string{"credentials.serviceId", "credentials.merchantId", "credentials.secretKey", "credentials.merchantUserId", "options.ownTin"} {
		if i >= len(e.Details) || !strings.HasPrefix(e.Details[i], `"`+field+`" must be `) {
			t.Errorf("details %q lack %s", e.Details, field)
		}
	}
	if strings.Contains(err.Error()+strings.Join(e.Details, ""), "a b") {
		t.Error("the error tells the secret")
	}
}

// TestSignatures holds the vectors of the reference, whose texts were signed by another program.
func TestSignatures(t *testing.T) {
	for _, v := range []struct{ trans, service, secret, account, prepare, amount, action, time, sign string }{
		{"3737503", "12345", "SECRET123", "order_9001", "", "1000.00", "0", "2026-08-22 14:03:11", "9f73df6a589039c3afde3e2039720e46"},
		{"3737503", "12345", "SECRET123", "order_9001", "778", "1000.00", "1", "2026-08-22 14:03:19", "a55a9138d88a9f9ee6fa86bece724e0b"},
		{"3647147957", "73438", "click-test-secret", "inv-1001", "", "50000", "0", "2026-01-15 10:20:30", "62d05912ae8830368e487cfae1f5c2ef"},
		{"3647147957", "73438", "click-test-secret", "inv-1001", "", "50000.00", "0", "2026-01-15 10:20:30", "30b79c5c36cac2f13534b59f27e2bf0e"},
		{"3647147957", "73438", "click-test-secret", "inv-1001", "", "50000.0", "0", "2026-01-15 10:20:30", "01815e767e306e1fdc5d43bc4c2cc95f"},
		{"3647147957", "73438", "click-test-secret", "inv-1001", "", "33139.73", "0", "2026-01-15 10:20:30", "995e7973425150cd25b78a90a70c2dd5"},
		{"3647147957", "73438", "click-test-secret", "inv-1001", "42", "50000", "1", "2026-01-15 10:20:35", "08fb9f358dcac4230d52f2848ae979aa"},
		{"3647147957", "73438", "click-test-secret", "inv-1001", "42", "50000.00", "1", "2026-01-15 10:20:35", "a1c5ba169b51f4907ad2a3cc4e327ebb"},
		{"3647147957", "73438", "click-test-secret", "inv-1001", "42", "33139.73", "1", "2026-01-15 10:20:35", "9763d3550a61f17a050d02254f625b68"},
	} {
		m := message{
			clickTransID: v.trans, serviceID: v.service, account: v.account, prepareID: v.prepare,
			amountText: v.amount, action: v.action, signTime: v.time, sign: v.sign,
		}
		if !m.signedWith(v.secret) {
			t.Errorf("%v: refused", v)
		}
		if m.signedWith(v.secret + "x") {
			t.Errorf("%v: taken with another secret", v)
		}
		m.amountText += "0"
		if m.signedWith(v.secret) {
			t.Errorf("%v: taken over another text", v)
		}
	}
}

func TestScenario24_AuthHeader(t *testing.T) {
	c := open(t, pay.Options{}, map[string]string{"merchantUserId": "3333", "secretKey": "SECRET123"}).api
	if got, want := c.auth(), "3333:4d3f62489dbc19114297581bcfa0d906f84df0cd:1712345678"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestScenario25_Link(t *testing.T) {
	a := open(t, pay.Options{}, nil)
	for _, payURL := range []string{"https://my.click.uz/services/pay", "https://my.click.uz/services/pay/"} {
		a.payURL = payURL
		link, err := a.Checkout(t.Context(), pay.Invoice{ID: "inv-1001", Amount: 50000_00, ReturnURL: "https://shop.uz/done?order=1&x=ў"}, pay.Payment{})
		if err != nil {
			t.Fatal(err)
		}
		want := "https://my.click.uz/services/pay/?service_id=73438&merchant_id=1001&amount=50000.00&transaction_param=inv-1001&return_url=https%3A%2F%2Fshop.uz%2Fdone%3Forder%3D1%26x%3D%D1%9E"
		if link.URL != want {
			t.Errorf("%s\nwant\n%s", link.URL, want)
		}
		if u, err := url.Parse(link.URL); err != nil || u.Query().Get("return_url") != "https://shop.uz/done?order=1&x=ў" {
			t.Errorf("the return address does not come back: %v", err)
		}
	}
	link, _ := a.Checkout(t.Context(), pay.Invoice{ID: "i", Amount: 101}, pay.Payment{})
	if strings.Contains(link.URL, "return_url") || !strings.Contains(link.URL, "amount=1.01&") {
		t.Error(link.URL)
	}
}

func TestEveryRefusalHasItsWords(t *testing.T) {
	for _, r := range provider.Refusals {
		v, ok := refusals[r]
		if !ok {
			t.Errorf("%s has no words", r)
			continue
		}
		for _, one := range []verdict{v.prepare, v.complete} {
			if one.code >= 0 || one.code < -9 || one.note == "" {
				t.Errorf("%s: %v", r, one)
			}
		}
		// Money was taken: a wrong "already paid" would let CLICK keep it, and what is not final
		// must be worth a repeat.
		if c := v.complete; c == alreadyPaid || c == success {
			t.Errorf("%s: CLICK would keep money that paid for nothing", r)
		}
	}
	if len(refusals) != len(provider.Refusals) {
		t.Error("there are words for what is no refusal")
	}
	if v := word(actionComplete, url.EscapeError("x")); v != tryLater {
		t.Errorf("what is no refusal is answered %v", v)
	}
}

// TestPrepareIDIsAPositiveInt: CLICK types it as an int; 31 bits, never 0, the same each time,
// and another for another attempt, order or merchant.
func TestPrepareIDIsAPositiveInt(t *testing.T) {
	a, b := open(t, pay.Options{}, nil), open(t, pay.Options{}, nil)
	b.merchant = "mer_8"
	m := message{clickTransID: "3647147957", account: "inv-1001"}
	if got := a.prepareID(m); got != 1148989396 || got != a.prepareID(m) {
		t.Errorf("%d", got)
	}
	if a.prepareID(m) == b.prepareID(m) || a.prepareID(m) == a.prepareID(message{clickTransID: "3647147957", account: "inv-1002"}) {
		t.Error("two attempts share an id")
	}
	for i := range 10_000 {
		m.account = strings.Repeat("i", i%200+1)
		if id := a.prepareID(m); id < 1 || id > 1<<31-1 {
			t.Fatalf("%d", id)
		}
	}
}

func TestRouteNamesTheService(t *testing.T) {
	r := New().(provider.Router)
	if r.RouteField() != "serviceId" {
		t.Error(r.RouteField())
	}
	for body, want := range map[string]string{"service_id=73438&action=0": "73438", "service_id=1&service_id=2": "", "action=0": "", "%zz": ""} {
		if got, ok := r.Route(nil, []byte(body)); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v", body, got, ok)
		}
	}
}

func TestStrangersHaveTheWrongKey(t *testing.T) {
	s := New().(provider.StrangerServer)
	for body, want := range map[string]string{
		"click_trans_id=5&service_id=1&click_paydoc_id=6&merchant_trans_id=a&amount=1&action=0&sign_time=2026-01-15+10%3A20%3A30&error=0&error_note=&sign_string=0": `"error":-1,`,
		"click_trans_id=5": `"error":-8,`,
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.ServeStranger(w, r)
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) || !strings.Contains(w.Body.String(), `"click_trans_id":5,`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

func TestNotesAreCleaned(t *testing.T) {
	for text, want := range map[string]string{
		"Success": "Success", "a\x00b\nc": "a b c", "\xff!": "!", strings.Repeat("ў", 300): strings.Repeat("ў", 200),
	} {
		m, _ := decodeMessage("error_note=" + url.QueryEscape(text))
		if m.note != want {
			t.Errorf("%q became %q", text, m.note)
		}
	}
	if got := clip(strings.Repeat("ў", 301) + "\xff"); got != strings.Repeat("ў", 300)+"…" {
		t.Error(got)
	}
}

// FuzzMessage: what was validated is what was decoded, and what is sent to the desk is sound.
func FuzzMessage(f *testing.F) {
	f.Add("click_trans_id=3647147957&service_id=73438&click_paydoc_id=3736147957&merchant_trans_id=inv-1001&amount=50000&action=0&sign_time=2026-01-15+10%3A20%3A30&error=0&error_note=Success&sign_string=62d05912ae8830368e487cfae1f5c2ef")
	f.Add("click_trans_id=1485296553&service_id=17449&click_paydoc_id=1574969493&merchant_trans_id=7&amount=110000&action=1&sign_time=2021-10-05+20%3A17%3A14&error=0&error_note=Success&merchant_prepare_id=20226190&sign_string=be6b3f7d1e600b37ece603c08f07a566")
	f.Fuzz(func(t *testing.T, body string) {
		m, err := decodeMessage(body)
		if m.trans < 0 || m.paydoc < 0 || m.amount < 0 || m.failure > 0 {
			t.Fatalf("%+v", m)
		}
		if err != nil {
			return
		}
		values, errParse := url.ParseQuery(body)
		if errParse != nil {
			t.Fatalf("taken, though it is no form: %v", errParse)
		}
		for field, text := range map[string]string{
			"click_trans_id": m.clickTransID, "service_id": m.serviceID, "merchant_trans_id": m.account,
			"amount": m.amountText, "action": m.action, "sign_time": m.signTime, "sign_string": m.sign,
		} {
			if text == "" || len(values[field]) != 1 || values[field][0] != text {
				t.Fatalf("%s: %q was decoded from %q", field, text, values[field])
			}
		}
		if m.trans == 0 || m.paydoc == 0 || strings.ContainsAny(m.account, "\x00\n") || len([]rune(m.note)) > 200 {
			t.Fatalf("%+v", m)
		}
		if m.action == actionComplete && m.prepareID == "" && !m.failed() {
			t.Fatal("money taken for an attempt without a name")
		}
		if m.amount > 0 {
			if again, err := pay.ParseSoum(m.amountText); err != nil || again != m.amount {
				t.Fatalf("%d from %q", m.amount, m.amountText)
			}
		}
	})
}

// FuzzAnswer: no answer of the Merchant API may pass for a yes that it is not.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"error_code":0,"error_note":"Success","payment_id":1234567}`))
	f.Add(200, []byte(`{"error_code":"0","payment_id":"1234567","payment_status":1}`))
	f.Add(502, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a, err := readAnswer(status, body)
		if err == nil && status != 200 && status != 201 {
			t.Fatalf("HTTP %d was taken", status)
		}
		if err != nil {
			e, ok := err.(*provider.Error)
			if !ok || e.NotSent || e.Kind == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		if code, ok := a.code(); ok && code == 0 && !strings.Contains(string(body), "0") {
			t.Fatalf("error_code 0 out of %q", body)
		}
	})
}
