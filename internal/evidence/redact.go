package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
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

// ─── Values ───────────────────────────────────────────────────────────────────────────────

// show returns what may be seen of a value of class c.
func show(c class, value string, number bool) string {
	if value == "" {
		return ""
	}
	ok := false
	switch c {
	case ident:
		ok = isIdent(value) && !isCardNumber(value)
	case account:
		ok = id.Valid(value) || id.ValidPayNumber(value)
	case amount:
		ok = isAmount(value)
	case moment:
		ok = isMoment(value)
	case word:
		ok = isWord(value)
	case pan:
		ok = isMaskedPAN(value)
	case note:
		return clip(Mask(value), maxNote)
	case phone:
		return maskPhone(value)
	case address:
		return maskAddress(value)
	}
	if ok {
		return value
	}
	if number {
		return fmt.Sprintf("‹%d digits›", countDigits(value))
	}
	return shape(value)
}

// shape tells how long a value is, and nothing else.
func shape(value string) string {
	if n := countDigits(value); n == len(value) && n > 0 {
		return fmt.Sprintf("‹%d digits›", n)
	}
	return fmt.Sprintf("‹%d chars›", utf8.RuneCountInString(value))
}

// showName shows a field's name if it looks like one; a password can stand before the equals
// sign by mistake.
func showName(name string) string {
	plain := strings.NewReplacer("[", "", "]", "", "_id", "id").Replace(name)
	if _, known := classes[plainName(plain)]; known {
		return name
	}
	if len(name) <= 32 && countDigits(name) <= 2 && only(name, "_-.[]") {
		return name
	}
	return shape(name)
}

func isIdent(s string) bool { return len(s) <= maxIdent && only(s, ".:/_-") }

func isWord(s string) bool { return len(s) <= maxIdent && only(s, "_.+-") && countDigits(s) <= 6 }

func isAmount(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, frac, dotted := strings.Cut(s, ".")
	return whole != "" && len(whole) <= 13 && len(frac) <= 3 && countDigits(whole) == len(whole) &&
		countDigits(frac) == len(frac) && dotted == (frac != "")
}

// isMoment takes YYYYMMDDhhmmss, seconds or milliseconds since 1970, a date, and a date and time.
func isMoment(s string) bool {
	if n := countDigits(s); n == len(s) {
		return n <= 14
	}
	if len(s) < len(time.DateOnly) || len(s) > 35 {
		return false
	}
	day, clock := s[:len(time.DateOnly)], s[len(time.DateOnly):]
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return false
	}
	if clock == "" {
		return true
	}
	if len(clock) < 6 || clock[0] != ' ' && clock[0] != 'T' || clock[3] != ':' {
		return false
	}
	for _, r := range clock[1:] {
		if (r < '0' || r > '9') && !strings.ContainsRune("-:.+Z", r) {
			return false
		}
	}
	return true
}

// isMaskedPAN: at most six digits in front and four behind, and something that hides the rest.
func isMaskedPAN(s string) bool {
	if len(s) > 48 {
		return false
	}
	front, hidden, behind := 0, 0, 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9' && hidden == 0:
			front++
		case r >= '0' && r <= '9':
			behind++
		case r == '*' || r == 'x' || r == 'X' || r == '•':
			if behind > 0 {
				front, behind = front+behind, 0
			}
			hidden++
		case r != ' ' && r != '-':
			return false
		}
	}
	return hidden >= 4 && front <= 8 && behind <= 4
}

// isCardNumber says whether a value is nothing but a card number: 16 digits of the local schemes,
// or 13 to 19 that satisfy Luhn's sum and begin as the foreign ones do.
func isCardNumber(s string) bool {
	s = strings.NewReplacer("-", "", ".", "", ":", "", "/", "", "_", "").Replace(s)
	if countDigits(s) != len(s) || len(s) < 13 || len(s) > 19 {
		return false
	}
	for _, bin := range []string{"8600", "9860", "5614", "6262"} { // UzCard, HUMO
		if len(s) == 16 && strings.HasPrefix(s, bin) {
			return true
		}
	}
	return strings.IndexByte("23456", s[0]) >= 0 && len(s) != 17 && luhn(s) // 17: an MXIK
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// maskPhone leaves four digits of a telephone number, and one that the company masked as it is.
func maskPhone(s string) string {
	digits := make([]byte, 0, 15)
	stars := 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9' && len(digits) < 15:
			digits = append(digits, byte(r))
		case r == '*':
			stars++
		case !strings.ContainsRune("+() -", r):
			return shape(s)
		}
	}
	switch {
	case len(s) > 24:
		return shape(s)
	case stars >= 3 && len(digits) <= 8:
		return s
	case len(digits) < 7:
		return shape(s)
	}
	return "‹phone …" + string(digits[len(digits)-4:]) + "›"
}

// ─── Text ─────────────────────────────────────────────────────────────────────────────────

// Mask makes text fit for a log or a person's eyes. Addresses in it are masked as by Redact;
// words of 20 and more letters and digits, which may be keys or tokens, by their shape; runs of
// 13 and more digits, which may be a card's with spaces or hyphens between, by their length; and
// telephone numbers but for four digits. UUIDs and hosts' names stay. A short secret cannot be
// told from a word: it must not stand in free text.
func Mask(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		n := strings.IndexFunc(text, betweenWords)
		if n < 0 {
			n = len(text)
		}
		if address := addressLength(text); address > n {
			n = address
		}
		b.WriteString(maskWord(text[:n]))
		text = text[n:]
		gap := strings.IndexFunc(text, func(r rune) bool { return !betweenWords(r) })
		if gap < 0 {
			gap = len(text)
		}
		b.WriteString(text[:gap])
		text = text[gap:]
	}
	return maskDigits(b.String())
}

func betweenWords(r rune) bool {
	return r <= ' ' || r == 0xa0 || strings.ContainsRune(`"'<>(){}[],;:=‹›«»|&?!`, r)
}

// addressLength is the length of the web address that text begins with, or 0.
func addressLength(text string) int {
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") {
		return 0
	}
	if n := strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`"'<>‹›«»`, r) }); n >= 0 {
		return n
	}
	return len(text)
}

func maskWord(w string) string {
	switch {
	case addressLength(w) > 0:
		trimmed := strings.TrimRight(w, ".,;:!?)")
		return maskAddress(trimmed) + w[len(trimmed):]
	case strings.HasPrefix(w, "/"):
		return maskPath(w)
	case len(w) >= 20 && only(w, "+/_.-") && countDigits(w) > 0 && countDigits(w) < len(w) && !id.Valid(strings.ToLower(w)) && !isHost(w):
		return shape(w)
	}
	return w
}

// isHost: lower-case labels of less than 20 characters with dots between.
func isHost(w string) bool {
	labels := strings.Split(w, ".")
	for _, label := range labels {
		if label == "" || len(label) >= 20 || strings.ToLower(label) != label || !only(label, "-") {
			return false
		}
	}
	return len(labels) > 1
}

// maskDigits masks long runs of digits, also with single spaces or hyphens between.
func maskDigits(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		if (i == 0 || !wordByte(text[i-1])) && len(text)-i >= 36 && id.Valid(strings.ToLower(text[i:i+36])) {
			b.WriteString(text[i : i+36])
			i += 36
			continue
		}
		end, count := digitRun(text[i:])
		switch {
		case count == 0:
			b.WriteByte(text[i])
			i++
			continue
		case count >= 13:
			fmt.Fprintf(&b, "‹%d digits›", count)
		case count == 12 && strings.HasPrefix(text[i:], "998"):
			b.WriteString(maskPhone(text[i : i+end]))
		default:
			b.WriteString(text[i : i+end])
		}
		i += end
	}
	return b.String()
}

// digitRun returns where the run of digits at the start of text ends, and how many there are.
func digitRun(text string) (end, count int) {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] >= '0' && text[i] <= '9':
			count++
			end = i + 1
		case count > 0 && (text[i] == ' ' || text[i] == '-') && end == i:
			// one separator, if a digit follows
		case count > 0 && strings.HasPrefix(text[i:], "\u00a0") && end == i:
			i++ // its second byte
		default:
			return end, count
		}
	}
	return end, count
}

// ─── Characters ───────────────────────────────────────────────────────────────────────────

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-'
}

// only says whether s is ASCII letters, digits and the given characters.
func only(s, also string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && strings.IndexByte(also, s[i]) < 0 {
			return false
		}
	}
	return true
}

func countDigits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n
}

// clip cuts text to at most n bytes, between characters.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}

// bound clips a message to what is kept of one.
func bound(text string) string { return clip(strings.ToValidUTF8(text, "�"), maxMessage-len("…")) }

// ─── Steps ────────────────────────────────────────────────────────────────────────────────

// step names what a message asked for: its JSON-RPC method, or its path without our own part
// and without ids.
func step(u *url.URL, body []byte) string {
	var rpc struct {
		Method string `json:"method"`
	}
	if json.Unmarshal(body, &rpc) == nil && rpc.Method != "" && isWord(rpc.Method) {
		return rpc.Method
	}
	var words []string
	for part := range strings.SplitSeq(u.EscapedPath(), "/") {
		if pathWords[part] {
			words = append(words, part)
		}
	}
	if len(words) > 2 && words[0] == "api" && words[1] == "callbacks" {
		words = words[2:] // the company's name, and its own suffix where it has one
	}
	return "/" + strings.Join(words, "/")
}
