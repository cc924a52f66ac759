package uzum

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/chorsu/chorsu/internal/pay"
)

// request is what we read of Uzum's five messages; each has a part of it.
type request struct {
	ServiceID int64
	HasID     bool // whether ServiceID was understood
	Timestamp int64
	TransID   string                    // Uzum's id: a UUID, but taken as any short text
	Amount    int64                     // in the service's unit
	Params    map[string]jsontext.Value // what the buyer typed, by the service's attributes
	Paid      paid
}

// paid is what confirm tells of the debit. None of it decides anything, so none of it is
// required: the buyer's money has moved.
type paid struct {
	Source    string `json:"paymentSource,omitempty"` // UZCARD, HUMO, INSTALLMENT, …
	Tariff    string `json:"tariff,omitempty"`
	Reference string `json:"processingReferenceNumber,omitempty"` // of the processing centre
	CardType  int64  `json:"cardType,omitempty"`                  // 1 corporate, 2 personal
}

// meta is kept with the payment, for whoever compares registers. The buyer's telephone number
// is not: nothing here needs it.
func (p paid) meta() []byte {
	if p == (paid{}) {
		return nil
	}
	b, _ := json.Marshal(p)
	return b
}

// The bounds of what is taken from the wire.
const (
	maxText    = 255
	maxTransID = 64
	maxMillis  = 253_402_300_800_000 // the year 10000
)

// decode reads one message. Where code is not "", it is Uzum's code for what is wrong, and the
// request holds what was understood before it.
func decode(op operation, body []byte) (q request, code string) {
	fields, err := object(body)
	if err != nil {
		return q, invalidJSON
	}
	var hasTime, hasTrans, hasParams, hasAmount, sound bool
	q.ServiceID, q.HasID = integer(fields["serviceId"])
	q.Timestamp, hasTime = moment(fields["timestamp"])
	q.Params, hasParams = params(fields["params"])
	q.TransID, hasTrans = transID(fields["transId"])
	q.Amount, hasAmount = integer(fields["amount"])
	q.Paid = debit(fields)
	switch op {
	case opCheck:
		sound = hasTime && hasParams
	case opCreate:
		sound = hasTime && hasParams && hasTrans && hasAmount
	case opConfirm:
		sound = hasTrans // a debit that was made is not refused for want of a time that decides nothing
	case opReverse, opStatus:
		sound = hasTime && hasTrans
	}
	if !q.HasID || !sound {
		return q, parameterMissing
	}
	return q, ""
}

var errNotObject = errors.New("not one JSON object with each key once")

// object takes apart a JSON object, strictly: keys are compared letter for letter, none comes
// twice at any depth, text is UTF-8. What two readers could read in two ways is refused.
func object(data []byte) (map[string]jsontext.Value, error) {
	var fields map[string]jsontext.Value
	if err := json.Unmarshal(data, &fields); err != nil || fields == nil {
		return nil, errNotObject
	}
	return fields, nil
}

// integer takes a JSON number without fraction or exponent that fits 64 bits.
func integer(raw jsontext.Value) (int64, bool) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	return n, err == nil
}

// moment takes epoch milliseconds of a year that can be written.
func moment(raw jsontext.Value) (int64, bool) {
	n, ok := integer(raw)
	return n, ok && n > 0 && n < maxMillis
}

func params(raw jsontext.Value) (map[string]jsontext.Value, bool) {
	fields, err := object(raw)
	return fields, err == nil
}

// text takes a JSON string of at most 255 bytes without control characters.
func text(raw jsontext.Value) (string, bool) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, len(s) <= maxText && !strings.ContainsFunc(s, unicode.IsControl)
}

func transID(raw jsontext.Value) (string, bool) {
	s, ok := text(raw)
	visible := func(r rune) bool { return r > ' ' && r < 0x7f }
	if !ok || s == "" || len(s) > maxTransID || strings.ContainsFunc(s, func(r rune) bool { return !visible(r) }) {
		return "", false
	}
	return s, true
}

// orderName takes what the buyer typed, which some services are registered to send as a number.
func orderName(raw jsontext.Value) (string, bool) {
	if n, ok := integer(raw); ok {
		return strconv.FormatInt(n, 10), n >= 0
	}
	s, ok := text(raw)
	s = strings.TrimSpace(s)
	return s, ok && s != ""
}

// debit keeps what is sound and drops the rest.
func debit(fields map[string]jsontext.Value) (p paid) {
	optional := func(name string) string {
		s, ok := text(fields[name])
		if !ok || len(s) > maxTransID {
			return ""
		}
		return s
	}
	p.Source, p.Tariff, p.Reference = optional("paymentSource"), optional("tariff"), optional("processingReferenceNumber")
	p.CardType, _ = integer(fields["cardType"])
	return p
}

// ─── Answers, field for field ──────────────────────────────────────────────────────────────

type checkAnswer struct {
	ServiceID int64            `json:"serviceId"`
	Timestamp int64            `json:"timestamp"` // of the answer, not an echo
	Status    string           `json:"status"`
	Data      map[string]field `json:"data"`
}

type createAnswer struct {
	ServiceID int64            `json:"serviceId"`
	TransID   string           `json:"transId"`
	Status    string           `json:"status"`
	TransTime int64            `json:"transTime"`
	Data      map[string]field `json:"data"`
	Amount    int64            `json:"amount"`
}

type confirmAnswer struct {
	ServiceID   int64            `json:"serviceId"`
	TransID     string           `json:"transId"`
	Status      string           `json:"status"`
	ConfirmTime int64            `json:"confirmTime"`
	Data        map[string]field `json:"data"`
	Amount      int64            `json:"amount"`
}

type reverseAnswer struct {
	ServiceID   int64            `json:"serviceId"`
	TransID     string           `json:"transId"`
	Status      string           `json:"status"`
	ReverseTime int64            `json:"reverseTime"`
	Data        map[string]field `json:"data"`
	Amount      int64            `json:"amount"`
}

type statusAnswer struct {
	ServiceID   int64            `json:"serviceId"`
	TransID     string           `json:"transId"`
	Status      string           `json:"status"`
	TransTime   int64            `json:"transTime"`
	ConfirmTime *int64           `json:"confirmTime"`
	ReverseTime *int64           `json:"reverseTime"`
	Data        map[string]field `json:"data"`
	Amount      int64            `json:"amount"`
}

// field is one line of what the app shows to the buyer.
type field struct {
	Value string `json:"value"`
}

// shown is what the app shows: the order as the buyer named it, and its sum. The sum is in
// soum whatever the unit of the wire, and without decimals where it has none.
func shown(account string, amount pay.Tiyin) map[string]field {
	return map[string]field{
		"account": {account},
		"amount":  {strings.TrimSuffix(amount.Soum(), ".00")},
	}
}

// failure is an error: the question's ids where they were understood, and the times that a
// success of the same call would have (none where now is zero).
func failure(op operation, q request, code string, now time.Time) map[string]any {
	f := map[string]any{"status": "FAILED", "errorCode": code}
	if q.HasID {
		f["serviceId"] = q.ServiceID
	}
	if q.TransID != "" {
		f["transId"] = q.TransID
	}
	if now.IsZero() {
		return f
	}
	ms := now.UnixMilli()
	switch op {
	case opCheck:
		f["timestamp"] = ms
	case opCreate:
		f["transTime"] = ms
	case opConfirm:
		f["confirmTime"] = ms
	case opReverse:
		f["reverseTime"] = ms
	case opStatus:
		f["transTime"], f["confirmTime"], f["reverseTime"] = ms, nil, nil
	}
	return f
}
