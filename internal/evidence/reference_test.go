package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/pay"
)

// The redaction of JSON as it was first written, token by token with the standard decoder: slow, and
// plainly right. The one that serves must say the same of every body.

func referenceRedact(body []byte) string {
	text := bytes.TrimSpace(body)
	if len(text) == 0 {
		return ""
	}
	if out, err := referenceJSON(text); err == nil {
		return out
	}
	return "‹text, " + fmt.Sprint(utf8.RuneCount(text)) + " chars›"
}

type reference struct {
	in  *json.Decoder
	out strings.Builder
}

var errTooDeep = errors.New("nested too deeply")

func referenceJSON(body []byte) (string, error) {
	r := &reference{in: json.NewDecoder(bytes.NewReader(body))}
	r.in.UseNumber() // 64-bit ids as they came
	if err := r.value("", "", masked, 0); err != nil {
		return "", err
	}
	if _, err := r.in.Token(); err != io.EOF {
		return "", errors.New("more than one value")
	}
	return r.out.String(), nil
}

// value copies one value: of the field name in the object parent, with inherited as its class
// where it stands in a list, or among the languages of a text.
func (r *reference) value(parent, name string, c class, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	token, err := r.in.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return r.object(name, c, depth)
		}
		return r.list(parent, name, c, depth)
	case string:
		r.text(referenceShow(c, v, false))
	case json.Number:
		shown := referenceShow(c, v.String(), true)
		if shown == v.String() {
			r.out.WriteString(shown)
		} else {
			r.text(shown)
		}
	case bool:
		fmt.Fprint(&r.out, v)
	case nil:
		r.out.WriteString("null")
	}
	return nil
}

func (r *reference) object(name string, c class, depth int) error {
	r.out.WriteByte('{')
	for i := 0; r.in.More(); i++ {
		if i > 0 {
			r.out.WriteByte(',')
		}
		token, err := r.in.Token()
		if err != nil {
			return err
		}
		key, ok := token.(string)
		if !ok {
			return errors.New("a key that is no text")
		}
		r.text(referenceName(key))
		r.out.WriteByte(':')
		inner := referenceClass(name, key)
		if c == note && (key == "uz" || key == "ru" || key == "en") {
			inner = note // one text in three languages
		}
		if err := r.value(name, key, inner, depth+1); err != nil {
			return err
		}
	}
	_, err := r.in.Token()
	r.out.WriteByte('}')
	return err
}

func (r *reference) list(parent, name string, c class, depth int) error {
	r.out.WriteByte('[')
	for i := 0; r.in.More(); i++ {
		if i > 0 {
			r.out.WriteByte(',')
		}
		if err := r.value(parent, name, c, depth+1); err != nil {
			return err
		}
	}
	_, err := r.in.Token()
	r.out.WriteByte(']')
	return err
}

// text writes s as a JSON string, with ‹ and › and Cyrillic as they are.
func (r *reference) text(s string) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s)
	r.out.Write(bytes.TrimRight(b.Bytes(), "\n"))
}

func referenceShow(c class, value string, number bool) string {
	if c == ident && value != "" {
		if len(value) <= maxIdent && only(value, ".:/_-") && !referenceCard(value) {
			return value
		}
		c = masked
	}
	if c == masked && value != "" {
		switch n := countDigits(value); {
		case number, n == len(value):
			return fmt.Sprintf("‹%d digits›", n)
		default:
			return fmt.Sprintf("‹%d chars›", utf8.RuneCountInString(value))
		}
	}
	return show(c, value, number)
}

func referenceName(name string) string {
	plain := strings.NewReplacer("[", "", "]", "", "_id", "id").Replace(name)
	if _, known := classes[referencePlain(plain)]; known {
		return name
	}
	if len(name) <= 32 && countDigits(name) <= 2 && only(name, "_-.[]") {
		return name
	}
	return referenceShow(masked, name, false)
}

func referenceClass(parent, name string) class {
	parent, name = referencePlain(parent), referencePlain(name)
	if c, ok := classes[parent+"."+name]; ok {
		return c
	}
	if c, ok := classes[name]; ok {
		return c
	}
	if parent == "account" || parent == "params" {
		return account
	}
	return masked
}

func referencePlain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '_' || r == '-':
			return -1
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		}
		return r
	}, name)
}

func referenceCard(s string) bool {
	s = strings.NewReplacer("-", "", ".", "", ":", "", "/", "", "_", "").Replace(s)
	if countDigits(s) != len(s) || len(s) < 13 || len(s) > 19 {
		return false
	}
	for _, bin := range []string{"8600", "9860", "5614", "6262"} {
		if len(s) == 16 && strings.HasPrefix(s, bin) {
			return true
		}
	}
	return strings.IndexByte("23456", s[0]) >= 0 && len(s) != 17 && pay.Luhn(s)
}

// referenceMethod is what an independent reading takes for a call's JSON-RPC method.
func referenceMethod(body []byte) string {
	var rpc struct {
		Method string `json:"method"`
	}
	if json.Unmarshal(body, &rpc) != nil {
		return ""
	}
	return rpc.Method
}

// FuzzSameAsReference: not a byte more may be shown than by the reference, and not one less.
func FuzzSameAsReference(f *testing.F) {
	for _, body := range []string{
		`{"method":"PerformTransaction","params":{"id":"6385f0c5d9c5b7a8c3f1a001","parol":"secret"},"id":7}`,
		`{"id":1,"id":"8600 5333 6409 8829","ID":"8600-5333-6409-8829","i_d":[{"x":1},"y",null,true,1.50e3]}`,
		`{"a":{"error":{"code":"1","data":"x"}},"account":{"order_id":"1234567897","tel":"998901234567"},"pa-rams":{"Any":1}}`,
		`{"message":{"ru":"Карта 8600 1234 5678 9012","uz":"x","en":"\u2028\u0000\ud800\/","de":"x"},"details":["\"","\\",""]}`,
		"{\"message\":\"\xff\u2029\x7f\",\"\xff\":\"\xff\",\"error_note\":\"<a&b>\"}",
		`[1,2 , {"clickTransId" :  12 ,"Amount": "1.5","phone":"+998 90 123-45-67"} ] `,
		`{"MeTHoD":"Check","method":null}`, `{"method":1}`, `{"method":"a","Method":["b"]}`,
		strings.Repeat("[", 32) + strings.Repeat("]", 32), strings.Repeat("[", 33) + strings.Repeat("]", 33), strings.Repeat("[", 34) + strings.Repeat("]", 34),
		strings.Repeat(`{"id":`, 33) + "1" + strings.Repeat("}", 33),
		`{}{}`, `{} x`, `{"a":1,}`, `[1,]`, `[1 2]`, `{"a" 1}`, `{1:2}`, `[,1]`, `{"a":1 "b":2}`, `[1}`, `{]`, `[01]`, `[1.]`, `[-]`, `[+1]`, `[.5]`, `[1e]`, `[tru]`, `[nul]`, "[\"\x01\"]", `["\x"]`, `["\u12"]`, `["`, `{"`, `[`, `{"a":`,
		`{"id":"11111111-1111-1111-1111-111111111111","transaction":"4111.1111:1111/1111","mxik":"06401004002000000","rrn":"1234567890123456789012"}`,
		"\u00a0{\"method\":\"x\"}\u00a0", "\t\r\n {\n} ",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] != '{' && trimmed[0] != '[' {
			return // no JSON that is redacted as such
		}
		shown, method := redacted(nil, body, "")
		if want := referenceRedact(body); string(shown) != want {
			t.Fatalf("%q\n shows %q\nshould be %q", body, shown, want)
		}
		if method != "" && method != referenceMethod(bytes.TrimSpace(body)) {
			t.Fatalf("%q asks for %q, not for %q", body, referenceMethod(body), method)
		}
	})
}

// A message is redacted in one copy of it, where the reference took 272 pieces of memory. The bound
// leaves room for the race detector.
func TestRedactionIsCheap(t *testing.T) {
	asked := []byte(`{"jsonrpc":"2.0","id":1234,"method":"CreateTransaction","params":{"id":"6385f0c5d9c5b7a8c3f1a001","time":1763812345678,"amount":500000,"account":{"order_id":"0198c0de-0000-7000-8000-00000000abcd"}}}`)
	room := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { redacted(room, asked, "application/json") }); n > 3 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRedact(b *testing.B) {
	asked := []byte(`{"jsonrpc":"2.0","id":1234,"method":"CreateTransaction","params":{"id":"6385f0c5d9c5b7a8c3f1a001","time":1763812345678,"amount":500000,"account":{"order_id":"0198c0de-0000-7000-8000-00000000abcd"}}}`)
	b.Run("reference", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			referenceRedact(asked)
		}
	})
	b.Run("as served", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Redact(asked, "application/json")
		}
	})
}
