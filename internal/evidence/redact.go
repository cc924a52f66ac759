package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
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
	text := bytes.TrimSpace(body)
	if len(text) == 0 {
		return ""
	}
	switch {
	case text[0] == '{' || text[0] == '[':
		if out, err := redactJSON(text); err == nil {
			return out
		}
	case strings.Contains(strings.ToLower(contentType), "form-urlencoded"):
		if out, ok := redactForm(string(text)); ok {
			return out
		}
	case plainAnswers[string(text)]:
		return string(text)
	}
	return "‹text, " + fmt.Sprint(utf8.RuneCount(text)) + " chars›"
}

// ─── JSON ─────────────────────────────────────────────────────────────────────────────────

type jsonRedactor struct {
	in  *json.Decoder
	out strings.Builder
}

var errTooDeep = errors.New("nested too deeply")

func redactJSON(body []byte) (string, error) {
	r := &jsonRedactor{in: json.NewDecoder(bytes.NewReader(body))}
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
func (r *jsonRedactor) value(parent, name string, c class, depth int) error {
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
		r.text(show(c, v, false))
	case json.Number:
		shown := show(c, v.String(), true)
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

func (r *jsonRedactor) object(name string, c class, depth int) error {
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
		r.text(showName(key))
		r.out.WriteByte(':')
		inner := classOf(name, key)
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

func (r *jsonRedactor) list(parent, name string, c class, depth int) error {
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
func (r *jsonRedactor) text(s string) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s)
	r.out.Write(bytes.TrimRight(b.Bytes(), "\n"))
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
	parts := strings.Split(strings.TrimPrefix(escaped, "/"), "/")
	known, secret := false, false // whether the part before is known; whether a card may follow
	for i, part := range parts {
		switch {
		case part == "":
		case pathWords[part]:
			known = true
			secret = secret || secretWords[part]
		case known && !secret && plainPart(part):
		default:
			known = false
			parts[i] = shape(part)
		}
	}
	return "/" + strings.Join(parts, "/")
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
