package till

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/pay"
)

// maxBody bounds a till's request.
const maxBody = 64 << 10

// fields is a request's object: each key once, in the till's own spelling.
type fields map[string]json.RawMessage

// readFields decodes a body: strict JSON, but for two things that tills really send (a bare number
// with leading zeros after "request_id", and a comma before a closing brace).
func readFields(body []byte) (fields, error) {
	body = lenient(body)
	if !utf8.Valid(body) {
		return nil, errors.New("the body is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("the body must be a JSON object")
	}
	out := fields{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, errors.New("the body is not JSON")
		}
		key := t.(string)
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("%q stands twice", key)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errors.New("the body is not JSON")
		}
		out[key] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("the body is not JSON")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON object")
	}
	return out, nil
}

// lenient repairs, outside of strings only, what would make a till's body invalid.
func lenient(body []byte) []byte {
	var out []byte
	lastString := "" // the last string literal, which may be a key
	for i := 0; i < len(body); {
		switch c := body[i]; {
		case c == '"':
			end := i + 1
			for end < len(body) && body[end] != '"' {
				if body[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(body))
			lastString = string(body[i:end])
			out = append(out, body[i:end]...)
			i = end
		case c == ',' && closes(body[i+1:]):
			i++
		case c == '0' && lastString == `"request_id"` && i+1 < len(body) && isDigit(body[i+1]) && endsWith(out, ':'):
			end := i
			for end < len(body) && isDigit(body[end]) {
				end++
			}
			out = append(append(append(out, '"'), body[i:end]...), '"')
			i = end
		default:
			out = append(out, c)
			i++
		}
	}
	return out
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// closes says whether the next thing that counts is a closing brace.
func closes(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && rest[0] == '}'
}

func endsWith(out []byte, c byte) bool {
	out = bytes.TrimRight(out, " \t\r\n")
	return len(out) > 0 && out[len(out)-1] == c
}

// ─── Values ────────────────────────────────────────────────────────────────────────────────

var wholeNumber = regexp.MustCompile(`^[1-9][0-9]{0,14}$`)

// amount reads a whole number above nothing, in the unit that the endpoint has.
func (f fields) amount(unit pay.Tiyin) (asked int64, tiyin pay.Tiyin, err error) {
	text := string(f["amount"])
	if !wholeNumber.MatchString(text) {
		return 0, 0, errors.New(`"amount" must be a whole number above 0`)
	}
	if asked, err = strconv.ParseInt(text, 10, 64); err != nil || pay.Tiyin(asked) > pay.MaxAmount/unit {
		return 0, 0, errors.New(`"amount" is too large`)
	}
	return asked, pay.Tiyin(asked) * unit, nil
}

// text reads a string of at most max bytes, without control characters. Missing and null are "".
func (f fields) text(key string, max int) (string, error) {
	raw, ok := f[key]
	if !ok || string(raw) == "null" {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", fmt.Errorf("%q must be a string", key)
	}
	if len(s) > max || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }) {
		return "", fmt.Errorf("%q must be at most %d characters of plain text", key, max)
	}
	return s, nil
}

var plainNumber = regexp.MustCompile(`^(0|[1-9][0-9]{0,18})$`)

// name reads what may come as a string or as a whole number, as its text.
func (f fields) name(key string, max int) (string, error) {
	if raw := string(f[key]); plainNumber.MatchString(raw) {
		return raw, nil
	}
	return f.text(key, max)
}

// flag reads true or false; missing and null are false.
func (f fields) flag(key string) (bool, error) {
	switch string(f[key]) {
	case "", "null", "false", `"false"`:
		return false, nil
	case "true", `"true"`:
		return true, nil
	}
	return false, fmt.Errorf("%q must be true or false", key)
}

// operationID is the caller's own name for the operation, where it gives one.
func (f fields) operationID() (string, error) {
	id, err := f.text("operation_id", 64)
	if err == nil && len(f["operation_id"]) > 0 && id == "" {
		err = errors.New(`"operation_id" must not be blank`)
	}
	return id, err
}

// move is what a request to a pinpad asks for.
type move struct {
	Back      bool
	Amount    pay.Tiyin
	Receipt   string // of a return, one of the two
	RRN       string
	Operation string
}

// readMove reads a pinpad's request. A return that was misread as a sale would charge the buyer
// once more, so that whatever speaks of a return and is not exactly one is refused.
func readMove(f fields) (m move, err error) {
	if _, m.Amount, err = f.amount(1); err != nil {
		return m, err
	}
	if m.Operation, err = f.operationID(); err != nil {
		return m, err
	}
	for key, value := range f {
		if speaksOfReturn(key, string(value)) {
			return m, fmt.Errorf("%q is not known: is a return meant? It is is_return and request_id", key)
		}
	}
	raw, speaks := f["is_return"]
	if !speaks {
		if _, refers := f["request_id"]; refers {
			return m, errors.New(`"request_id" without "is_return": is a return meant?`)
		}
		return m, enough(m.Amount)
	}
	switch string(raw) {
	case "true", `"true"`, "1", `"1"`:
		m.Back = true
	default:
		return m, errors.New(`"is_return" must be true, or absent`)
	}
	m.Receipt, m.RRN, err = f.reference()
	return m, err
}

// ofReturns are the words by which other APIs, and this one's newer calls, ask for money to go back.
var ofReturns = []string{"return", "refund", "void", "cancel", "revers", "storno", "undo", "original", "rrn"}

// speaksOfReturn says whether a key that we do not know, or its value, may mean a return.
func speaksOfReturn(key, value string) bool {
	folded := strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(key))
	switch {
	case key == "is_return" || key == "request_id":
		return false
	case folded == "requestid":
		return true
	case folded == "type" || folded == "kind" || folded == "operation" || folded == "operationtype" || folded == "transactiontype":
		return strings.ToLower(value) != `"sale"`
	}
	return slices.ContainsFunc(ofReturns, func(word string) bool { return strings.Contains(folded, word) })
}

// reference reads request_id: up to 6 digits are the number on the slip, 12 an RRN. A JSON number
// between them is an RRN that has lost its zeros.
func (f fields) reference() (receipt, rrn string, err error) {
	raw := string(f["request_id"])
	text, quoted := raw, false
	if strings.HasPrefix(raw, `"`) {
		quoted = true
		if err := json.Unmarshal(f["request_id"], &text); err != nil {
			return "", "", errors.New(`"request_id" must be digits`)
		}
	}
	if text == "" || len(text) > 12 || strings.Trim(text, "0123456789") != "" || strings.Trim(text, "0") == "" {
		return "", "", errors.New(`"request_id" must be a slip's number of up to 6 digits, or an RRN of 12`)
	}
	switch {
	case len(text) <= 6:
		return text, "", nil
	case len(text) == 12:
		return "", text, nil
	case !quoted:
		return "", strings.Repeat("0", 12-len(text)) + text, nil
	}
	return "", "", errors.New(`"request_id" must be a slip's number of up to 6 digits, or an RRN of 12`)
}

// readBody reads a request's body up to maxBody.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
}
