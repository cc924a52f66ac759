package till

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestReadMove(t *testing.T) {
	for _, c := range []struct {
		body string
		want move
		ok   bool
	}{
		{`{"amount":50000}`, move{Amount: 50000}, true},
		{"{\n  \"amount\": 50000,\n}", move{Amount: 50000}, true},
		{`{"amount":50000,"operation_id":"a"}`, move{Amount: 50000, Operation: "a"}, true},
		{`{"amount":50000,"print":true}`, move{Amount: 50000}, true}, // what a till sends besides
		{`{"request_id":650,"amount":30000,"is_return":"true"}`, move{Back: true, Amount: 30000, Receipt: "650"}, true},
		{`{"request_id":"650","amount":30000,"is_return":true}`, move{Back: true, Amount: 30000, Receipt: "650"}, true},
		{`{"request_id":650,"amount":30000,"is_return":1}`, move{Back: true, Amount: 30000, Receipt: "650"}, true},
		{`{"request_id":650,"amount":30000,"is_return":"1"}`, move{Back: true, Amount: 30000, Receipt: "650"}, true},
		{`{"request_id":010965270742,"amount":30000,"is_return":"true"}`, move{Back: true, Amount: 30000, RRN: "010965270742"}, true},
		{`{"request_id" : 010965270742 ,"amount":30000,"is_return":"true" , }`, move{Back: true, Amount: 30000, RRN: "010965270742"}, true},
		{`{"request_id":10965270742,"amount":30000,"is_return":"true"}`, move{Back: true, Amount: 30000, RRN: "010965270742"}, true},
		{`{"request_id":"408005356147","amount":30000,"is_return":true}`, move{Back: true, Amount: 30000, RRN: "408005356147"}, true},
		{`{"request_id":000650,"amount":30000,"is_return":true}`, move{Back: true, Amount: 30000, Receipt: "000650"}, true},
		{`{"\u0069s_return":true,"request_id":1,"amount":1}`, move{Back: true, Amount: 1, Receipt: "1"}, true},

		// What speaks of a return and is not one is refused, and never a sale.
		{`{"request_id":650,"amount":30000,"is_return":"yes"}`, move{}, false},
		{`{"request_id":650,"amount":30000,"is_return":"True"}`, move{}, false},
		{`{"request_id":650,"amount":30000,"is_return":false}`, move{}, false},
		{`{"request_id":650,"amount":30000,"is_return":null}`, move{}, false},
		{`{"amount":30000,"is_return":false}`, move{}, false},
		{`{"amount":30000,"is_return":"false"}`, move{}, false},
		{`{"amount":30000,"is_return":0}`, move{}, false},
		{`{"amount":30000,"is_return":""}`, move{}, false},
		{`{"amount":30000,"is_return":{}}`, move{}, false},
		{`{"amount":30000,"is_return":true}`, move{}, false}, // of what?
		{`{"request_id":650,"amount":30000}`, move{}, false},
		{`{"request_id":650,"amount":30000,"isReturn":true}`, move{}, false},
		{`{"request_id":650,"amount":30000,"IS_RETURN":true}`, move{}, false},
		{`{"amount":30000,"is-return":true}`, move{}, false},
		{`{"amount":30000,"requestId":650}`, move{}, false},
		{`{"amount":30000,"is_refund":true}`, move{}, false},
		{`{"amount":30000,"Refund":false}`, move{}, false},
		{`{"amount":30000,"void":1}`, move{}, false},
		{`{"amount":30000,"cancelled":true}`, move{}, false},
		{`{"amount":30000,"reversal":"1"}`, move{}, false},
		{`{"amount":30000,"storno":true}`, move{}, false},
		{`{"amount":30000,"rrn":"408005356147"}`, move{}, false},
		{`{"amount":30000,"originalReceipt":340}`, move{}, false},
		{`{"amount":30000,"type":"refund"}`, move{}, false},
		{`{"amount":30000,"operation":3}`, move{}, false},
		{`{"amount":30000,"kind":"Sale"}`, move{Amount: 30000}, true},
		{`{"amount":30000,"is_return":true,"is_return":false,"request_id":1}`, move{}, false},
		{`{"amount":30000,"amount":1}`, move{}, false},

		// References that are none.
		{`{"request_id":1234567,"amount":30000,"is_return":true}`, move{Back: true, Amount: 30000, RRN: "000001234567"}, true},
		{`{"request_id":"1234567","amount":30000,"is_return":true}`, move{}, false},
		{`{"request_id":0109652707,"amount":30000,"is_return":true}`, move{}, false}, // ten digits, as text
		{`{"request_id":1e3,"amount":30000,"is_return":true}`, move{}, false},
		{`{"request_id":650.0,"amount":30000,"is_return":true}`, move{}, false},
		{`{"request_id":-650,"amount":30000,"is_return":true}`, move{}, false},
		{`{"request_id":1234567890123,"amount":30000,"is_return":true}`, move{}, false},
		{`{"request_id":"","amount":30000,"is_return":true}`, move{}, false},
		{`{"request_id":0,"amount":30000,"is_return":true}`, move{}, false},

		// Amounts that are none.
		{`{}`, move{}, false},
		{`{"amount":0}`, move{}, false},
		{`{"amount":-1}`, move{}, false},
		{`{"amount":"50000"}`, move{}, false},
		{`{"amount":50000.0}`, move{}, false},
		{`{"amount":5e4}`, move{}, false},
		{`{"amount":050000}`, move{}, false},
		{`{"amount":99999999999999999999}`, move{}, false},
		{`{"amount":null}`, move{}, false},
		{`[]`, move{}, false},
		{`{"amount":50000}{"is_return":true}`, move{}, false},
		{`{"amount":50000} // "is_return": true`, move{}, false},
		{`{"amount":50000`, move{}, false},
		{``, move{}, false},
	} {
		f, err := readFields([]byte(c.body))
		var m move
		if err == nil {
			m, err = readMove(f)
		}
		if (err == nil) != c.ok || c.ok && m != c.want {
			t.Errorf("%s: %+v, %v", c.body, m, err)
		}
	}
}

// However a body is written: where another reader of JSON finds a word of a return in it, it is
// no sale; and what is repaired on the way never changes what a strict reader sees.
func FuzzMove(f *testing.F) {
	for _, s := range []string{
		`{"amount":50000}`, `{"request_id":010965270742,"amount":30000,"is_return":"true",}`, `{"amount":1,"is_return":false}`, `{"request_id":1,"amount":2}`,
		`{"amount":1,"x":"\"request_id\":01"}`, `{"amount":1,"request_id":"\\","is_return":1}`, `{"amount":1,"IsReturn":true}`, `{"a":[1,],"amount":1}`, "\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		fields, err := readFields([]byte(body))
		if err != nil {
			return
		}
		m, err := readMove(fields)
		if err != nil {
			return
		}
		if m.Amount <= 0 || m.Back && (m.Receipt == "") == (m.RRN == "") || m.RRN != "" && len(m.RRN) != 12 {
			t.Errorf("%q is read as %+v", body, m)
		}
		var strict map[string]any
		if json.Unmarshal([]byte(body), &strict) != nil {
			return
		}
		if string(lenient([]byte(body))) != body {
			t.Errorf("%q is JSON already, and was repaired", body)
		}
		for key := range strict {
			folded := strings.ToLower(strings.ReplaceAll(key, "_", ""))
			if !m.Back && (strings.Contains(folded, "return") || folded == "requestid") {
				t.Errorf("%q was taken for a sale", body)
			}
		}
	})
}
