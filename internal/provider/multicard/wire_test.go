package multicard

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider"
)

const sample = `{"store_id":6,"amount":20000,"invoice_id":"2024864028760","billing_id":null,"payment_time":"2024-12-14 14:36:31",
"phone":"998930601725","card_pan":"860030******5959","ps":"uzcard","card_token":"6225f3c93f7a880142782fa4",
"uuid":"e60d8ebc-b9fe-11ef-b159-005056b4367d","receipt_url":"https://dev-checkout.multicard.uz/check/e60d8ebc-b9fe-11ef-b159-005056b4367d",
"sign":"05563af3e88c9eac0d127220968c9e66"}`

func TestDecodeMessageTakesTheWireAsItComes(t *testing.T) {
	cases := map[string]struct {
		old, new string // a change of the documentation's sample
		check    func(message) bool
	}{
		"as documented":         {"", "", func(m message) bool { return m.Amount == 20000 && m.StoreID == "6" }},
		"amount as text":        {`"amount":20000`, `"amount":"20000"`, func(m message) bool { return m.Amount == 20000 }},
		"amount with zeros":     {`"amount":20000`, `"amount":20000.00`, func(m message) bool { return m.Amount == 20000 }},
		"amount as zeros' text": {`"amount":20000`, `"amount":"20000.0"`, func(m message) bool { return m.Amount == 20000 }},
		"store as text":         {`"store_id":6`, `"store_id":"6"`, func(m message) bool { return m.StoreID == "6" }},
		"invoice as number":     {`"invoice_id":"2024864028760"`, `"invoice_id":2024864028760`, func(m message) bool { return m.InvoiceID == "2024864028760" }},
		"further fields":        {`"ps":`, `"invoice_uuid":"x","more":{"a":[1]},"ps":`, func(m message) bool { return m.PS == "uzcard" }},
		"nulls":                 {`"ps":"uzcard","card_token":"6225f3c93f7a880142782fa4"`, `"ps":null,"card_token":null`, func(m message) bool { return m.PS == "" }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			body := change(t, c.old, c.new)
			m, err := decodeMessage([]byte(body))
			if err != nil || !c.check(m) {
				t.Fatalf("got %+v, %v", m, err)
			}
		})
	}
}

func TestDecodeMessageRefuses(t *testing.T) {
	cases := map[string]struct{ old, new, want string }{
		"no uuid":               {`"uuid":"e60d8ebc-b9fe-11ef-b159-005056b4367d"`, `"uuid":null`, `"uuid"`},
		"uuid with a path":      {`e60d8ebc-b9fe-11ef-b159-005056b4367d","receipt`, `../payment/invoice/e60d8ebc","receipt`, `"uuid"`},
		"no invoice_id":         {`"2024864028760"`, `""`, `"invoice_id"`},
		"long invoice_id":       {`2024864028760`, strings.Repeat("1", 256), `"invoice_id"`},
		"no amount":             {`"amount":20000,`, ``, `"amount"`},
		"negative amount":       {`20000`, `-20000`, `"amount"`},
		"parts of a tiyin":      {`20000`, `20000.5`, "whole"},
		"an exponent":           {`20000`, `2e4`, "whole"},
		"beyond 64 bits":        {`20000`, `99999999999999999999`, "whole"},
		"amount as object":      {`20000`, `{}`, "neither"},
		"amount as truth":       {`20000`, `true`, "neither"},
		"no sign":               {`"05563af3e88c9eac0d127220968c9e66"`, `null`, `"sign"`},
		"no store, no status":   {`"store_id":6,`, ``, `"store_id"`},
		"store with zeros":      {`"store_id":6`, `"store_id":"06"`, `"store_id"`},
		"store as a UUID":       {`"store_id":6`, `"store_id":"a1df872e-d5aa-11ee-8de8-005056b4367d"`, `"store_id"`},
		"a name twice":          {`"amount":20000`, `"amount":1,"amount":20000`, "duplicate"},
		"not UTF-8":             {`uzcard`, "uz\xffcard", "UTF-8"},
		"an array":              {sample, `[]`, ""},
		"something behind":      {sample, sample + `{}`, ""},
		"not JSON":              {sample, `store_id=6&amount=20000`, ""},
		"another way to write":  {`"amount":20000`, `"Amount":20000`, `"amount"`},
		"a status without text": {`"store_id":6`, `"status":{}`, "neither"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m, err := decodeMessage([]byte(change(t, c.old, c.new)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %+v, %v; want an error with %q", m, err, c.want)
			}
			if errors.Is(err, errCut) {
				t.Fatal("a whole message was taken for a broken one")
			}
		})
	}
}

// A message that breaks off anywhere is told from one that is wrong: the one is asked for again,
// the other gives the money back.
func TestDecodeMessageKnowsABrokenLine(t *testing.T) {
	for n := range len(sample) {
		if _, err := decodeMessage([]byte(sample[:n])); !errors.Is(err, errCut) {
			t.Fatalf("%q…: %v", sample[:n], err)
		}
	}
}

func change(t *testing.T, old, new string) string {
	t.Helper()
	if old == "" {
		return sample
	}
	out := strings.Replace(sample, old, new, 1)
	if out == sample {
		t.Fatalf("the sample has no %q", old)
	}
	return out
}

func TestWholeIsNeverRounded(t *testing.T) {
	for in, want := range map[string]int64{`1`: 1, `"1"`: 1, `1.0`: 1, `"1.000"`: 1, `null`: 0, `""`: 0, `-3`: -3, `9223372036854775807`: 1<<63 - 1} {
		var n whole
		if err := n.UnmarshalJSON([]byte(in)); err != nil || int64(n) != want {
			t.Errorf("%s: got %d, %v; want %d", in, n, err, want)
		}
	}
	for _, in := range []string{`1.5`, `"1."`, `1e2`, `"0x10"`, `" 1"`, `"1,0"`, `9223372036854775808`, `true`, `[]`, `"—"`} {
		var n whole
		if err := n.UnmarshalJSON([]byte(in)); err == nil {
			t.Errorf("%s: taken as %d", in, n)
		}
	}
}

func TestLocalTimeIsTashkents(t *testing.T) {
	want := time.Date(2024, 12, 14, 9, 36, 31, 0, time.UTC)
	if got := localTime("2024-12-14 14:36:31"); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, in := range []text{"", "2024-12-14T14:36:31Z", "2024-13-14 14:36:31", "yesterday"} {
		if got := localTime(in); !got.IsZero() {
			t.Errorf("%q was read as %v", in, got)
		}
	}
}

func TestCardNeverKeepsAFullNumber(t *testing.T) {
	for in, want := range map[text]string{
		"860030******5959": "860030******5959", "4097********3066": "4097********3066",
		"8600303655375959": "", "860030365537*959": "", "": "", "860030******5959 exp 2603": "",
	} {
		if got := card(in, "uzcard"); got.MaskedPAN != want || got.Token != "" {
			t.Errorf("%q: kept %+v, want %q", in, got, want)
		}
	}
}

// What decodeMessage accepts says the same to an independent reader: no name twice, the amount
// exactly the number on the wire, every id as it was written.
func FuzzMessage(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(strings.Replace(sample, `"store_id":6`, `"status":"success"`, 1)))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := decodeMessage(body)
		if err != nil {
			return
		}
		var plain map[string]json.RawMessage
		if err := json.Unmarshal(body, &plain); err != nil {
			t.Fatalf("accepted, and no JSON object: %v", err)
		}
		for name, got := range map[string]text{"uuid": m.UUID, "invoice_id": m.InvoiceID, "sign": m.Sign, "status": m.Status, "store_id": m.StoreID} {
			if want := asText(plain[name]); want != string(got) {
				t.Errorf("%s: read as %q, is %q", name, got, want)
			}
		}
		amount, ok := new(big.Rat).SetString(asText(plain["amount"]))
		if !ok || !amount.IsInt() || amount.Num().Cmp(big.NewInt(int64(m.Amount))) != 0 || m.Amount <= 0 {
			t.Errorf("amount: read as %d, is %s", m.Amount, plain["amount"])
		}
	})
}

func asText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// Whatever comes as an answer, it is read without a panic, and never as a success that it does
// not say.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"success":true,"data":{"uuid":"e60d8ebc-b9fe-11ef-b159-005056b4367d","status":"revert","payment_amount":500000}}`))
	f.Add(400, []byte(`{"success":false,"error":{"code":"ERROR_FIELDS","details":"Неверный store_id"}}`))
	f.Add(403, []byte(`RBAC: access denied`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := answer{status: status, body: body}
		var m paymentModel
		err := a.read(&m)
		if err == nil {
			if status/100 != 2 || !strings.Contains(string(body), "success") {
				t.Errorf("HTTP %d %q was read as success", status, body)
			}
			m.outcome("")
			return
		}
		e, ok := errors.AsType[*provider.Error](err)
		if !ok || e.NotSent {
			t.Errorf("%v: an answer came, so the call was sent", err)
		}
	})
}
