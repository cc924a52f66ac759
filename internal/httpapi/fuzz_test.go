package httpapi

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// seeds are requests, sound and spoilt, for the fuzz tests of both packages.
var seeds = []string{
	`{"source":"shop","businessId":"biz","sourceInvoiceId":"1","amount":100000,"notifyUrl":"https://shop.example.uz/hook"}`,
	`{"source":"shop","businessId":"biz","sourceInvoiceId":"1","amount":100,"AMOUNT":-5,"notifyUrl":"https://shop.example.uz/hook"}`,
	`{"source":"shop","businessId":"biz","sourceInvoiceId":"1","amount":100,"\u0061mount":200,"notifyUrl":"https://shop.example.uz/hook"}`,
	`{"source":"s","businessId":"b","provider":"click","sourceInvoiceId":"\ud83d\ude00","amount":1e3,"currency":"UZS","notifyUrl":"http://a.uz","returnUrl":"app://x","lang":"ru","ttlSeconds":60,"capture":"manual","holdSeconds":60,"holdExpiry":"capture","split":[{"type":"t","amount":1,"details":"d"}],"metadata":{"a":"b","":"c"}}`,
	`{"source":"s","businessId":"b","sourceInvoiceId":"1","amount":100000,"notifyUrl":"http://a.uz","ofd":[{"qty":1,"price":100000,"total":100000,"mxik":"06401004002000000","package_code":"1506113","name":"Test","vat":0}]}`,
	`{"source":"s","businessId":"b","sourceInvoiceId":"1","amount":20000,"notifyUrl":"http://a.uz","ofd":[{"qty":1.250,"price":16000,"total":20000,"mxik":"06401004002000000","package_code":"1506113","name":"Olma kg","vat":null,"discount":0,"units":1,"mark":[],"tin":"123456789"}]}`,
	`{"invoiceId":"01975f2e-6a09-7bf0-9a1b-00505680eaf6","amount":100.0,"ofd":[],"reason":"\u0000","idempotencyKey":"k"}`,
	`{"source":"s","businessId":"b","provider":"payme","credentials":{"merchantId":"1","key":"2"},"options":{"mode":"test","testKey":"3","callbackFrom":["10.0.0.0/8"]},"isActive":false}`,
	"{\"source\":\"\xff\"}", `{"amount":-0}`, `[[[[`, `{"a":{"a":{"a":`, `nul`, ` `, `{"amount":99999999999999999999}`,
}

// What was checked is what is decoded: for every body that is taken, each field of the Go value
// is what an independent parser reads in the bytes, digit for digit; and nothing is lost.
func FuzzWhatIsCheckedIsWhatIsDecoded(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	s := newServer(Options{Logger: discard, NotifyAllowPrivate: true}, []provider.Info{{Name: "click"}, {Name: "payme"}})
	requests := []func(*testing.T, *node, []byte){
		agreeing[invoiceInput](s), agreeing[refundInput](s), agreeing[merchantInput](s), agreeing[merchantPatch](s), agreeing[receiptInput](s),
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, fault := readJSON(body)
		if fault != nil {
			if !utf8.ValidString(fault.String()) {
				t.Errorf("the fault is no text: %q", fault)
			}
			return
		}
		for _, agree := range requests {
			agree(t, n, body)
		}
	})
}

func agreeing[T any](s *server) func(*testing.T, *node, []byte) {
	typ := reflect.TypeFor[T]()
	shape := s.shaper.shape(typ, s.shaper.reg.Schema(typ, true, ""), "")
	return func(t *testing.T, n *node, body []byte) {
		in, err := decode[T](shape, n)
		if err != nil {
			if kind := kindOf(pay.CodeOf(err)); kind.status != 400 {
				t.Fatalf("%s of %q: %v", typ, body, err)
			}
			return
		}
		out, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		same(t, typ.Name(), generic(t, body), generic(t, out))
	}
}

// The same for requests that are made to be nearly right: a fuzzer seldom gets past the first
// brace of one.
func TestWhatIsCheckedIsWhatIsDecoded(t *testing.T) {
	s := newServer(Options{Logger: discard, NotifyAllowPrivate: true}, []provider.Info{{Name: "click"}, {Name: "payme"}})
	agree := agreeing[invoiceInput](s)
	numbers := []string{`100`, `100000`, `99`, `-0`, `0`, `1e3`, `100.0`, `100.5`, `1000000000000`, `1000000000001`, `9223372036854775808`, `"100"`, `null`}
	texts := []string{`"a"`, `""`, `"\u0061"`, `"\ud83d\ude00"`, `"\u0000"`, `" "`, `"a\tb"`, `null`, `1`, `["a"]`, `"https://a.uz/b"`, `"uz"`, `"UZS"`, `"click"`, `"manual"`, `"auto"`}
	lines := []string{`[]`, `null`, `[{}]`,
		`[{"qty":1,"price":100000,"total":100000,"mxik":"06401004002000000","package_code":"1506113","name":"Test","vat":0}]`,
		`[{"qty":1.0,"price":100,"total":100,"mxik":"06401004002000000","package_code":"1506113","name":"\u0054est","vat":null,"mark":[]}]`,
		`[{"qty":2.50,"price":400,"total":1000,"mxik":"06401004002000000","package_code":"1","name":"T","vat":12,"discount":0,"tin":"123456789"}]`}
	pool := map[string][]string{
		"source": texts, "businessId": texts, "sourceInvoiceId": texts, "provider": texts, "currency": texts, "lang": texts, "notifyUrl": texts,
		"returnUrl": texts, "capture": texts, "amount": numbers, "Amount": numbers, "AMOUNT": numbers, "ttlSeconds": numbers, "holdSeconds": numbers,
		"ofd": lines, "metadata": {`{}`, `{"a":"b"}`, `{"a":"b","\u0061":"c"}`, `{"":"x"}`, `null`, `[]`}, "foo": texts,
		"split": {`[]`, `[{"type":"t","amount":1,"details":"d"}]`, `[{"type":"t","amount":1e0,"details":"d"}]`},
	}
	sound := [][2]string{{"source", `"s"`}, {"businessId", `"b"`}, {"sourceInvoiceId", `"1"`}, {"amount", `100000`}, {"notifyUrl", `"https://a.uz"`}}
	names := slices.Sorted(maps.Keys(pool))
	taken := 0
	rapid.Check(t, func(r *rapid.T) {
		members := slices.Clone(sound)
		for range rapid.IntRange(0, 3).Draw(r, "changes") {
			name := rapid.SampledFrom(names).Draw(r, "name")
			member := [2]string{name, rapid.SampledFrom(pool[name]).Draw(r, "value")}
			i := slices.IndexFunc(members, func(m [2]string) bool { return m[0] == name })
			if i < 0 || rapid.IntRange(0, 9).Draw(r, "twice") == 0 {
				members = append(members, member)
			} else {
				members[i] = member
			}
		}
		body := "{"
		for i, m := range rapid.Permutation(members).Draw(r, "order") {
			if i > 0 {
				body += rapid.SampledFrom([]string{",", " , ", ",\n"}).Draw(r, "space")
			}
			body += strconv.Quote(m[0]) + ":" + m[1]
		}
		body += "}"
		if n, fault := readJSON([]byte(body)); fault == nil {
			agree(t, n, []byte(body))
			taken++
		}
	})
	if taken < 50 {
		t.Errorf("only %d requests were readable: the test tests nothing", taken)
	}
}

// generic reads JSON with the standard library, which shares no code with what is tested.
func generic(t *testing.T, data []byte) any {
	d := stdjson.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("the standard library does not read %q: %v", data, err)
	}
	return v
}

// same compares what was sent with what was understood. What was sent empty may be left out.
func same(t *testing.T, path string, sent, got any) {
	switch sent := sent.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			if len(sent) > 0 || got != nil {
				t.Errorf("%s: sent %v, got %v", path, sent, got)
			}
			return
		}
		for name, v := range sent {
			same(t, path+"."+name, v, g[name])
		}
		for name := range g {
			if _, ok := sent[name]; !ok && !empty(g[name]) {
				t.Errorf("%s.%s came from nowhere: %v", path, name, g[name])
			}
		}
	case []any:
		g, _ := got.([]any)
		if len(g) != len(sent) {
			t.Errorf("%s: sent %v, got %v", path, sent, got)
			return
		}
		for i := range sent {
			same(t, fmt.Sprintf("%s[%d]", path, i), sent[i], g[i])
		}
	case stdjson.Number:
		a, okA := new(big.Rat).SetString(sent.String())
		b, okB := new(big.Rat).SetString(fmt.Sprint(got))
		if !(okA && okB && a.Cmp(b) == 0) && !(okA && a.Sign() == 0 && got == nil) {
			t.Errorf("%s: sent %v, got %v", path, sent, got)
		}
	default:
		if got != sent && !(got == nil && empty(sent)) {
			t.Errorf("%s: sent %v, got %v", path, sent, got)
		}
	}
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case stdjson.Number:
		return v == "0"
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
