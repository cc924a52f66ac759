package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The methods of the Merchant API; each is a step where faults can be set.
const (
	methodCheckPerform = "CheckPerformTransaction"
	methodCreate       = "CreateTransaction"
	methodPerform      = "PerformTransaction"
	methodCancel       = "CancelTransaction"
	methodCheck        = "CheckTransaction"
	methodStatement    = "GetStatement"
	methodFiscal       = "SetFiscalData"

	stepPage = "page" // the pages that a buyer sees
)

var methods = []string{
	methodCheckPerform, methodCreate, methodPerform, methodCancel, methodCheck, methodStatement, methodFiscal,
}

// The reasons of a cancellation.
const (
	reasonDebit   = 2
	reasonFailed  = 3
	reasonTimeout = 4
	reasonRefund  = 5
)

// call is a message to the merchant. Payme's own carry no "jsonrpc".
type call struct {
	Method string         `json:"method"`
	Params map[string]any `json:"params"`
	ID     int64          `json:"id"`
}

// answer is what the merchant said, in so far as it can be used.
type answer struct {
	heard  bool              // an answer came that settles something
	code   int               // of an error; 0: there is a result
	words  map[string]string // the error's sentence for the buyer, by language
	result map[string]any    // numbers are json.Number
}

func (a answer) ok() bool { return a.heard && a.code == 0 }

// own are the errors that each method may answer besides those of the protocol itself. From
// −31050 to −31099 is the account's range.
var own = map[string][]int{
	methodCheckPerform: {-31001, -31050},
	methodCreate:       {-31001, -31008, -31050},
	methodPerform:      {-31003, -31008, -31050},
	methodCancel:       {-31003, -31007},
	methodCheck:        {-31003},
	methodStatement:    {},
	methodFiscal:       {-32001, -32602},
}

// protocol are the errors that any method may answer. All but −32504 and −32601 say nothing of
// the payment, so that Payme comes again.
var protocol = []int{-32300, -32400, -32504, -32600, -32601, -32700}

func inAccountRange(code int) bool { return code <= -31050 && code >= -31099 }

// judge reads one answer as strictly as Payme's documentation allows, and says what it objects
// to. The fault of an exchange is not the merchant's.
func judge(method string, id int64, field string, x simulator.Exchange) (answer, []string) {
	var problems []string
	object := func(format string, args ...any) {
		problems = append(problems, method+": "+fmt.Sprintf(format, args...))
	}
	if x.Status == 0 {
		return answer{}, nil
	}
	if x.Status != 200 {
		object("HTTP %d; any status but 200 counts as the error −32400", x.Status)
		return answer{}, problems
	}
	body, ok := decode(x.Answer)
	if !ok {
		object("the answer is not a JSON object: %.80q", x.Answer)
		return answer{}, problems
	}
	if got, want := fmt.Sprint(body["id"]), strconv.FormatInt(id, 10); got != want && x.Fault != simulator.HalfBody {
		object("the answer's id is %s, the call's was %s", got, want)
	}
	result, isResult := body["result"]
	failure, isError := body["error"]
	if isError && failure == nil { // JSON-RPC 1 writes both
		isError = false
	}
	if isResult && result == nil {
		isResult = false
	}
	switch {
	case isResult == isError:
		object("the answer must hold either a result or an error")
		return answer{}, problems
	case isError:
		a, p := judgeError(method, field, failure)
		return a, append(problems, prefix(method, p)...)
	}
	r, ok := result.(map[string]any)
	if !ok {
		object("the result is not an object")
		return answer{}, problems
	}
	return answer{heard: true, result: r}, append(problems, prefix(method, judgeResult(method, r))...)
}

func prefix(method string, problems []string) []string {
	for i := range problems {
		problems[i] = method + ": " + problems[i]
	}
	return problems
}

func judgeError(method, field string, failure any) (a answer, problems []string) {
	e, _ := failure.(map[string]any)
	code, ok := integer(e["code"])
	if !ok {
		return a, []string{"the error has no integer code"}
	}
	a.code = int(code)
	a.heard = !slices.Contains(protocol, a.code) || a.code == -32601
	known := slices.ContainsFunc(own[method], func(c int) bool {
		return c == a.code || c == -31050 && inAccountRange(a.code)
	})
	if !known && !slices.Contains(protocol, a.code) {
		problems = append(problems, fmt.Sprintf("the error %d is not one of this method's", a.code))
	}
	a.words = map[string]string{}
	message, localised := e["message"].(map[string]any)
	for _, lang := range []string{"ru", "uz", "en"} {
		s, _ := message[lang].(string)
		a.words[lang] = s
		if localised && s == "" {
			problems = append(problems, fmt.Sprintf("the error %d has no message in %s", a.code, lang))
		}
	}
	plain, _ := e["message"].(string)
	if !localised && (plain == "" || inAccountRange(a.code)) {
		problems = append(problems, fmt.Sprintf("the message of error %d is not {ru, uz, en}", a.code))
	}
	if data, _ := e["data"].(string); inAccountRange(a.code) && data != field {
		problems = append(problems, fmt.Sprintf("the data of error %d must name the account field %q", a.code, field))
	}
	return a, problems
}

// judgeResult holds a result against its method's table.
func judgeResult(method string, r map[string]any) (problems []string) {
	object := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	moment := func(name string, unset bool) {
		n, ok := integer(r[name])
		switch {
		case unset && r[name] == nil:
			if _, there := r[name]; !there {
				object("%s is missing", name)
			} else {
				object("warning: %s is null where 0 is documented", name)
			}
		case unset && ok && n == 0:
		case !ok || n < 1e12 || n >= 1e13:
			object("%s is %v, not a time of 13 digits", name, r[name])
		}
	}
	text := func(name string) {
		switch v := r[name].(type) {
		case string:
			if v == "" {
				object("%s is empty", name)
			}
		case json.Number:
			object("warning: %s is a number where a string is documented", name)
		default:
			object("%s is missing", name)
		}
	}
	state := func(allowed ...int64) {
		if n, ok := integer(r["state"]); !ok || !slices.Contains(allowed, n) {
			object("state is %v, not one of %v", r["state"], allowed)
		}
	}
	switch method {
	case methodCheckPerform:
		if r["allow"] != true {
			object("allow is %v; a refusal must be an error", r["allow"])
		}
	case methodCreate:
		moment("create_time", false)
		text("transaction")
		state(1)
	case methodPerform:
		moment("perform_time", false)
		text("transaction")
		state(2)
	case methodCancel:
		moment("cancel_time", false)
		text("transaction")
		state(-1, -2)
	case methodCheck:
		moment("create_time", false)
		moment("perform_time", true)
		moment("cancel_time", true)
		text("transaction")
		state(1, 2, -1, -2)
		n, _ := integer(r["state"])
		if _, there := r["reason"]; !there || (r["reason"] != nil) != (n < 0) {
			object("reason is %v in state %d", r["reason"], n)
		}
		problems = append(problems, judgeTimes(r, n)...)
	case methodStatement:
		if _, ok := r["transactions"].([]any); !ok {
			object("transactions is not a list")
		}
	case methodFiscal:
		if r["success"] != true {
			object("success is %v", r["success"])
		}
	}
	return problems
}

// judgeTimes wants each time set exactly when it has come.
func judgeTimes(r map[string]any, state int64) (problems []string) {
	performed, _ := integer(r["perform_time"])
	ended, _ := integer(r["cancel_time"])
	if (performed != 0) != (state == 2 || state == -2) {
		problems = append(problems, fmt.Sprintf("perform_time is %d in state %d", performed, state))
	}
	if (ended != 0) != (state < 0) {
		problems = append(problems, fmt.Sprintf("cancel_time is %d in state %d", ended, state))
	}
	return problems
}

// judgeDetail checks the lines of a fiscal receipt and that they sum up to the amount.
func judgeDetail(d map[string]any, amount int64) (problems []string) {
	object := func(format string, args ...any) {
		problems = append(problems, methodCheckPerform+": detail: "+fmt.Sprintf(format, args...))
	}
	if n, ok := integer(d["receipt_type"]); !ok || n != 0 {
		object("receipt_type is %v, not 0", d["receipt_type"])
	}
	items, _ := d["items"].([]any)
	if len(items) == 0 {
		object("there are no items")
	}
	sum := int64(0) // thousandths of a tiyin
	if s, ok := d["shipping"].(map[string]any); ok {
		price, _ := integer(s["price"])
		sum += price * 1000
	}
	for i, v := range items {
		x, _ := v.(map[string]any)
		title, _ := x["title"].(string)
		code, _ := x["code"].(string)
		pack, _ := x["package_code"].(string)
		price, okPrice := integer(x["price"])
		count, okCount := thousandths(x["count"])
		_, okVAT := integer(x["vat_percent"])
		discount, _ := integer(x["discount"])
		if title == "" || len(code) != 17 || pack == "" || !okPrice || !okCount || count <= 0 || !okVAT {
			object("item %d lacks a required field: title, price, count, code, vat_percent, package_code", i)
		}
		sum += price*count - discount*1000
	}
	if sum != amount*1000 {
		object("the items sum up to %d.%03d tiyin, the amount is %d", sum/1000, sum%1000, amount)
	}
	return problems
}

func decode(body string) (map[string]any, bool) {
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	var out map[string]any
	if err := dec.Decode(&out); err != nil || out == nil || dec.More() {
		return nil, false
	}
	return out, true
}

func integer(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.ParseInt(string(n), 10, 64)
	return i, err == nil
}

// thousandths reads a decimal number with at most three places.
func thousandths(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	whole, frac, _ := strings.Cut(string(n), ".")
	if len(frac) > 3 {
		return 0, false
	}
	i, err := strconv.ParseInt(whole+(frac + "000")[:3], 10, 64)
	return i, err == nil
}

func same(a, b map[string]any) bool { return reflect.DeepEqual(a, b) }

func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // strings and numbers
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
