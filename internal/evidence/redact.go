package evidence

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/id"
)

// Redaction names what is safe, not what is secret. A company's next version brings fields that
// nobody has looked at, and one of them may be a password. So a value is kept only where the
// name of its field stands in rules.go, and only as far as it looks like what that field holds.
// Of everything else the shape is shown: ‹12 chars›, ‹5 digits›. Headers are not kept at all.
//
// true, false and null are kept everywhere. The names of unknown fields are shown where they
// look like names. A body that cannot be read as what it says it is, is shown as a length.

const (
	maxMessage = 16 << 10 // of a request, and of an answer, what is kept
	maxDepth   = 32
	maxIdent   = 64
	maxNote    = 300
)

// Redact returns a body with only what is safe in it. contentType is the message's; without one
// a JSON object is recognised by its first character.
func Redact(body []byte, contentType string) string {
	shown, _ := redacted(make([]byte, 0, len(body)+len(body)/2), body, contentType)
	return string(shown)
}

// redacted appends what Redact returns, and says which JSON-RPC method the body calls, if any.
func redacted(dst, body []byte, contentType string) (shown []byte, method string) {
	text := bytes.TrimSpace(body)
	if len(text) == 0 {
		return dst, ""
	}
	switch {
	case text[0] == '{' || text[0] == '[':
		if shown, method, ok := redactJSON(dst, text); ok {
			return shown, method
		}
	case strings.Contains(strings.ToLower(contentType), "form-urlencoded"):
		if form, ok := redactForm(string(text)); ok {
			return append(dst, form...), ""
		}
	case plainAnswers[string(text)]:
		return append(dst, text...), ""
	}
	dst = append(dst, "‹text, "...)
	dst = strconv.AppendInt(dst, int64(utf8.RuneCount(text)), 10)
	return append(dst, " chars›"...), ""
}

// ─── JSON ─────────────────────────────────────────────────────────────────────────────────

// jsonRedactor goes over a valid text of JSON once. It copies nothing that it has not looked at.
type jsonRedactor struct {
	in     string
	at     int // the next byte of in
	out    []byte
	method string // what a JSON-RPC call asks for
	rpc    bool   // there is such a method, or none: nothing says otherwise
}

// redactJSON appends what may be seen of body, and says which method it calls, if any; false where it
// is no JSON, or nested too deeply.
func redactJSON(dst, body []byte) (_ []byte, method string, ok bool) {
	if !json.Valid(body) {
		return dst, "", false
	}
	r := jsonRedactor{in: string(body), out: dst, rpc: true}
	if !r.value("", "", masked, 0) {
		return dst, "", false
	}
	if !r.rpc {
		r.method = ""
	}
	return r.out, r.method, true
}

// value copies one value: of the field name in the object parent, with c as its class, which is
// that of the list where it stands in one.
func (r *jsonRedactor) value(parent, name string, c class, depth int) (ok bool) {
	if depth > maxDepth {
		return false
	}
	switch r.next() {
	case '{':
		return r.object(name, c, depth)
	case '[':
		return r.list(parent, name, c, depth)
	case '"':
		r.out = appendText(r.out, show(c, r.text(), false))
	case 't', 'f', 'n':
		r.out = append(r.out, r.bare()...)
	default:
		number := r.bare() // as it came: an id may be too long for a number of ours
		if shown := show(c, number, true); shown != number {
			r.out = appendText(r.out, shown)
		} else {
			r.out = append(r.out, number...)
		}
	}
	return true
}

func (r *jsonRedactor) object(name string, c class, depth int) (ok bool) {
	r.out = append(r.out, '{')
	for r.at++; r.next() != '}'; {
		if r.in[r.at] == ',' {
			r.out = append(r.out, ',')
			r.at++
			r.next()
		}
		key := r.text()
		r.out = append(appendText(r.out, showName(key)), ':')
		r.next()
		r.at++ // the colon
		if depth == 0 && strings.EqualFold(key, "method") {
			r.calls()
		}
		inner := classOf(name, key)
		if c == note && (key == "uz" || key == "ru" || key == "en") {
			inner = note // one text in three languages
		}
		if !r.value(name, key, inner, depth+1) {
			return false
		}
	}
	r.at++
	r.out = append(r.out, '}')
	return true
}

func (r *jsonRedactor) list(parent, name string, c class, depth int) (ok bool) {
	r.out = append(r.out, '[')
	for r.at++; r.next() != ']'; {
		if r.in[r.at] == ',' {
			r.out = append(r.out, ',')
			r.at++
		}
		if !r.value(parent, name, c, depth+1) {
			return false
		}
	}
	r.at++
	r.out = append(r.out, ']')
	return true
}

// calls notes the method that the value before r names. One that is no text makes it no call.
func (r *jsonRedactor) calls() {
	switch r.next() {
	case '"':
		before := r.at
		r.method = r.text()
		r.at = before
	case 'n':
	default:
		r.rpc = false
	}
}

// next passes over spaces and gives the byte behind them: in valid JSON there is one, until the end.
func (r *jsonRedactor) next() byte {
	for r.in[r.at] == ' ' || r.in[r.at] == '\t' || r.in[r.at] == '\n' || r.in[r.at] == '\r' {
		r.at++
	}
	return r.in[r.at]
}

// bare reads a number, true, false or null.
func (r *jsonRedactor) bare() string {
	from := r.at
	for strings.IndexByte(",]} \t\n\r", r.in[r.at]) < 0 {
		r.at++
	}
	return r.in[from:r.at]
}

// text reads a string.
func (r *jsonRedactor) text() string {
	from, escaped := r.at, false
	for r.at++; r.in[r.at] != '"'; r.at++ {
		if r.in[r.at] == '\\' {
			escaped = true
			r.at++ // what is escaped may be a quotation mark
		}
	}
	r.at++
	if s := r.in[from+1 : r.at-1]; !escaped && utf8.ValidString(s) {
		return s
	}
	var s string
	_ = json.Unmarshal([]byte(r.in[from:r.at]), &s) // it is valid
	return s
}

// appendText writes s as a JSON string, with ‹ and › and Cyrillic as they are.
func appendText(dst []byte, s string) []byte {
	if strings.IndexFunc(s, escapes) < 0 {
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"')
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s)
	return append(dst, bytes.TrimRight(b.Bytes(), "\n")...)
}

// escapes says whether a character, or what is none, is not written into JSON as it is.
func escapes(r rune) bool {
	return r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError || r == '\u2028' || r == '\u2029'
}

// ─── Forms, queries, addresses ────────────────────────────────────────────────────────────

// redactForm redacts name=value pairs, in their order; false where they are none.
func redactForm(text string) (string, bool) {
	var b strings.Builder
	for i, pair := range strings.Split(text, "&") {
		rawName, rawValue, isPair := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawValue)
		if !isPair || err1 != nil || err2 != nil || i >= 256 {
			return "", false
		}
		if i > 0 {
			b.WriteByte('&')
		}
		// ac.order_id and ofd[0][name]: the last part names the value, the first the object.
		parts := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
		parent, last := "", name
		if len(parts) > 1 {
			parent, last = parts[0], parts[len(parts)-1]
		}
		b.WriteString(showName(name) + "=" + show(classOf(parent, last), value, false))
	}
	return b.String(), true
}

// maskURL shows where a call went: scheme and host, the words of the path that are known, and
// the ids after them; the query by the rules of forms. A user part is dropped.
func maskURL(u *url.URL) string {
	var b strings.Builder
	if u.Host != "" {
		b.WriteString(u.Scheme + "://" + maskDigits(u.Host))
	}
	b.WriteString(maskPath(u.EscapedPath()))
	if u.RawQuery != "" {
		query, ok := redactForm(u.RawQuery)
		if !ok {
			query = shape(u.RawQuery)
		}
		b.WriteString("?" + query)
	}
	return b.String()
}

func maskPath(escaped string) string {
	if escaped == "" || escaped == "/" {
		return escaped
	}
	var b strings.Builder
	b.Grow(len(escaped) + len("‹ digits›"))
	known, secret := false, false // whether the part before is known; whether a card may follow
	for part := range strings.SplitSeq(strings.TrimPrefix(escaped, "/"), "/") {
		switch {
		case part == "":
		case pathWords[part]:
			known = true
			secret = secret || secretWords[part]
		case known && !secret && plainPart(part):
		default:
			known = false
			part = shape(part)
		}
		b.WriteByte('/')
		b.WriteString(part)
	}
	return b.String()
}

// plainPart says whether a part of a path is an id, a small number, an amount or a date.
func plainPart(part string) bool {
	return id.Valid(part) || isAmount(part) && len(part) <= 15 || len(part) == 10 && isMoment(part)
}

// maskAddress is maskURL for a value; what is no absolute address is masked by its shape.
func maskAddress(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return shape(text)
	}
	return maskURL(u)
}
