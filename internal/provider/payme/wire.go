package payme

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/pay"
)

// The methods of the Merchant API.
const (
	methodCheckPerform = "CheckPerformTransaction"
	methodCreate       = "CreateTransaction"
	methodPerform      = "PerformTransaction"
	methodCancel       = "CancelTransaction"
	methodCheck        = "CheckTransaction"
	methodStatement    = "GetStatement"
	methodFiscal       = "SetFiscalData"
)

// The states of a transaction.
const (
	stateCreated   = 1
	statePerformed = 2
	stateCancelled = -1 // from created
	stateReturned  = -2 // from performed
)

// ─── What we answer ───────────────────────────────────────────────────────────────────────

// response is the envelope: a result or an error, and the id of the call that it answers.
type response struct {
	Result any             `json:"result,omitempty"`
	Error  *wireError      `json:"error,omitempty"`
	ID     json.RawMessage `json:"id"` // null where the call has none
}

type wireError struct {
	Code    int      `json:"code"`
	Message sentence `json:"message"`
	Data    string   `json:"data,omitempty"` // the field at fault; for an unknown method its name
}

type allowed struct {
	Allow  bool    `json:"allow"`
	Detail *detail `json:"detail,omitempty"`
}

type created struct {
	CreateTime  int64  `json:"create_time"`
	Transaction string `json:"transaction"` // our payment's id
	State       int    `json:"state"`
}

type performed struct {
	Transaction string `json:"transaction"`
	PerformTime int64  `json:"perform_time"`
	State       int    `json:"state"`
}

type cancelled struct {
	Transaction string `json:"transaction"`
	CancelTime  int64  `json:"cancel_time"`
	State       int    `json:"state"`
}

// checked is where a transaction stands. A time that has not come is 0; without a
// cancellation the reason is null.
type checked struct {
	CreateTime  int64  `json:"create_time"`
	PerformTime int64  `json:"perform_time"`
	CancelTime  int64  `json:"cancel_time"`
	Transaction string `json:"transaction"`
	State       int    `json:"state"`
	Reason      *int64 `json:"reason"`
}

type statement struct {
	Transactions []entry `json:"transactions"`
}

type entry struct {
	ID      string            `json:"id"`   // Payme's
	Time    int64             `json:"time"` // Payme's
	Amount  pay.Tiyin         `json:"amount"`
	Account map[string]string `json:"account"`
	checked
	Receivers *struct{} `json:"receivers"` // null: the kassa itself receives the money
}

type success struct {
	Success bool `json:"success"`
}

// ─── What we are asked ────────────────────────────────────────────────────────────────────

// request is one call.
type request struct {
	ID     json.RawMessage // as it came, to be given back; nil where it has none
	Method string
	Params params
}

// params are the parameters of a call, each still as it came. Those that a method does not
// know are ignored, as the manual wants. They are parts of one text, which is valid JSON and UTF-8.
type params map[string]string

type checkPerformParams struct {
	Account string
	Amount  pay.Tiyin
}

type createParams struct {
	checkPerformParams
	ID   string
	Time time.Time
}

// The limits of what is read. Payme's ids have 24 characters, and its times 13 digits: a time
// in seconds is refused here, and not taken for one in 1970.
const (
	maxID      = 64
	maxAccount = 255
	minMillis  = 1_000_000_000_000
	maxMillis  = 9_999_999_999_999
)

// readRequest reads the envelope. With a fault, the id is still given where it could be read.
func readRequest(body []byte) (request, *fault) {
	var q request
	if !utf8.Valid(body) || !json.Valid(body) {
		return q, faultNotJSON
	}
	top, ok := object(strings.TrimLeft(string(body), jsonSpace))
	if !ok {
		return q, faultRequest
	}
	if q.ID, ok = requestID(top["id"]); !ok {
		return q, faultRequest.about("id")
	}
	if q.Method, ok = top.text("method"); !ok || q.Method == "" {
		return q, faultRequest.about("method")
	}
	if q.Params, ok = object(top["params"]); !ok {
		return q, faultRequest.about("params")
	}
	return q, nil
}

// requestID takes a number or a short text, and nothing: Payme always sends a number, but a
// call that lacks one is not worth losing a payment for.
func requestID(raw string) (json.RawMessage, bool) {
	if raw == "" || raw == "null" {
		return nil, true
	}
	if len(raw) > maxID || raw[0] == '{' || raw[0] == '[' || raw[0] == 't' || raw[0] == 'f' {
		return nil, false
	}
	return json.RawMessage(raw), true
}

func (a *account) readCheckPerform(p params) (q checkPerformParams, f *fault) {
	// The types of all parameters come before the meaning of any.
	amount, f := p.amount()
	if f != nil {
		return q, f
	}
	if q.Account, f = a.readAccount(p); f != nil {
		return q, f
	}
	if amount <= 0 {
		return q, faultAmount.about("amount")
	}
	q.Amount = amount
	return q, nil
}

func (a *account) readCreate(p params) (q createParams, f *fault) {
	if q.ID, f = p.transactionID(); f != nil {
		return q, f
	}
	at, ok := p.integer("time")
	if !ok || at < minMillis || at > maxMillis {
		return q, faultRequest.about("time")
	}
	q.Time = time.UnixMilli(at)
	q.checkPerformParams, f = a.readCheckPerform(p)
	return q, f
}

// readAccount reads the one account field that names the invoice. Its value is a text that
// people type in Payme's sandbox, so spaces around it do not count, and a number is its text.
func (a *account) readAccount(p params) (string, *fault) {
	raw, there := p["account"]
	if !there || raw == "null" {
		return "", faultAccount.about(a.field)
	}
	fields, ok := object(raw)
	if !ok {
		return "", faultRequest.about("account")
	}
	text, ok := fields.text(a.field)
	if n := fields[a.field]; !ok && isNumber(n) {
		text, ok = n, true
	}
	text = strings.TrimSpace(text)
	if !ok || text == "" || len(text) > maxAccount || hasControl(text) {
		return "", faultAccount.about(a.field)
	}
	return text, nil
}

// amount reads a whole number of tiyin. One beyond 64 bits is a wrong amount, not a wrong
// type; it comes back as 0, which is one too.
func (p params) amount() (pay.Tiyin, *fault) {
	raw := p["amount"]
	if !isInteger(raw) {
		return 0, faultRequest.about("amount")
	}
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil {
		return 0, nil
	}
	return pay.Tiyin(n), nil
}

// transactionID reads Payme's own id of a transaction.
func (p params) transactionID() (string, *fault) {
	id, ok := p.text("id")
	if !ok || id == "" || len(id) > maxID || hasControl(id) {
		return "", faultRequest.about("id")
	}
	return id, nil
}

// period reads the closed interval of a statement.
func (p params) period() (from, to time.Time, f *fault) {
	first, ok := p.integer("from")
	if !ok || first < 0 || first > maxMillis {
		return from, to, faultRequest.about("from")
	}
	last, ok := p.integer("to")
	if !ok || last < first || last > maxMillis {
		return from, to, faultRequest.about("to")
	}
	return time.UnixMilli(first), time.UnixMilli(last), nil
}

func (p params) text(name string) (string, bool) {
	raw := p[name]
	if raw == "" || raw[0] != '"' {
		return "", false
	}
	return unquote(raw)
}

func (p params) integer(name string) (int64, bool) {
	raw := p[name]
	if !isInteger(raw) {
		return 0, false
	}
	n, err := strconv.ParseInt(raw, 10, 64)
	return n, err == nil
}

// object reads the JSON object that text is, name for name: the standard decoder would fold upper
// and lower case into one and silently take the last of two equal names. text is valid JSON.
func object(text string) (params, bool) {
	if text == "" || text[0] != '{' {
		return nil, false
	}
	out := params{}
	for rest := strings.TrimLeft(text[1:], jsonSpace); rest[0] != '}'; rest = strings.TrimLeft(rest, jsonSpace+",") {
		quoted := rest[:valueLength(rest)]
		name, ok := unquote(quoted)
		if _, twice := out[name]; !ok || twice {
			return nil, false
		}
		rest = strings.TrimLeft(rest[len(quoted):], jsonSpace+":")
		value := rest[:valueLength(rest)]
		out[name], rest = value, rest[len(value):]
	}
	return out, true
}

const jsonSpace = " \t\r\n"

// valueLength is how much of text its first value takes.
func valueLength(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++ // what is escaped may be a quotation mark
				}
			}
		case '}', ']':
			depth--
		default:
			if depth > 0 || strings.IndexByte(jsonSpace+",}]", text[i+1]) < 0 {
				continue // within a number, true, false or null, or between values
			}
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(text)
}

// unquote reads a JSON string.
func unquote(quoted string) (string, bool) {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], true
	}
	var s string
	err := json.Unmarshal([]byte(quoted), &s)
	return s, err == nil
}

// isInteger says whether a JSON value is written as a whole number: 5000000.0 and 5e6 are not.
func isInteger(raw string) bool {
	digits := strings.TrimPrefix(raw, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}

func isNumber(raw string) bool {
	return raw != "" && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9')
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
