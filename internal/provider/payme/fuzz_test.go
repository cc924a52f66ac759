package payme

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/pay"
)

var decoder = &account{field: defaultAccountField}

// FuzzRequest holds our reading of a call against an independent one: what was taken must be
// what the bytes say, and nothing must be taken that is out of bounds.
func FuzzRequest(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		q, fault := readRequest(body)
		if q.ID != nil && !json.Valid(q.ID) {
			t.Fatalf("the id %q would break the answer", q.ID)
		}
		if fault != nil {
			return
		}
		var plain struct {
			ID     any
			Method string
			Params map[string]any
		}
		dec := json.NewDecoder(strings.NewReader(string(body)))
		dec.UseNumber()
		if err := dec.Decode(&plain); err != nil || plain.Params == nil {
			t.Fatalf("a call was taken that does not parse: %v", err)
		}
		if !utf8.Valid(body) {
			t.Fatal("bytes were taken that are no text")
		}
		if len(plain.Params) != len(q.Params) {
			t.Fatalf("%d parameters, an independent reading has %d", len(q.Params), len(plain.Params))
		}
		sameCreate(t, q.Params, plain.Params)
		samePeriod(t, q.Params, plain.Params)
		sameFiscal(t, q.Params, plain.Params)
	})
}

func sameCreate(t *testing.T, p params, plain map[string]any) {
	c, f := decoder.readCreate(p)
	if f != nil {
		return
	}
	account, _ := plain["account"].(map[string]any)
	order, ok := account["order_id"].(string)
	if n, isNumber := account["order_id"].(json.Number); isNumber {
		order, ok = n.String(), true
	}
	amount, err := plain["amount"].(json.Number).Int64()
	at, errTime := plain["time"].(json.Number).Int64()
	if !ok || err != nil || errTime != nil {
		t.Fatalf("%v was read as %+v", plain, c)
	}
	if c.Account != strings.TrimSpace(order) || c.Amount != pay.Tiyin(amount) || c.Time.UnixMilli() != at || c.ID != plain["id"] {
		t.Fatalf("%v was read as %+v", plain, c)
	}
	if c.Amount <= 0 || c.Account == "" || len(c.Account) > maxAccount || len(c.ID) > maxID || c.ID == "" ||
		hasControl(c.Account) || hasControl(c.ID) || c.Time.Year() < 2001 || c.Time.After(time.UnixMilli(maxMillis)) {
		t.Fatalf("out of bounds: %+v", c)
	}
}

func samePeriod(t *testing.T, p params, plain map[string]any) {
	from, to, f := p.period()
	if f != nil {
		return
	}
	if from.After(to) || json.Number(plain["from"].(json.Number)).String() == "" || plain["to"] == nil {
		t.Fatalf("%v was read as %v to %v", plain, from, to)
	}
}

func sameFiscal(t *testing.T, p params, plain map[string]any) {
	q, f := readFiscal(p)
	if f != nil {
		return
	}
	data := plain["fiscal_data"].(map[string]any)
	if q.Receipt.Kind == "sale" != (plain["type"] == "PERFORM") {
		t.Fatalf("%v was read as %+v", plain, q)
	}
	if sign, ok := data["fiscal_sign"].(string); ok && q.Receipt.FiscalSign != sign {
		t.Fatalf("%q was read as %q", sign, q.Receipt.FiscalSign)
	}
	if q.Receipt.URL != "" && (q.Receipt.URL != data["qr_code_url"] || !strings.HasPrefix(strings.ToLower(q.Receipt.URL), "https://")) {
		t.Fatalf("%v was kept as the link %q", data["qr_code_url"], q.Receipt.URL)
	}
}
