package multicard

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

const publicSecret = "Pw18axeBFo8V7NamKHXX"

// The vectors are computed from the published values; the documentation's own samples do not
// follow its formula, but for one that has billing_id in the place of invoice_id.
func TestSignatureOfTheSuccessCallback(t *testing.T) {
	a := &account{secret: publicSecret}
	cases := map[string]struct {
		m    message
		want signature
	}{
		"by the formula":              {message{StoreID: "6", InvoiceID: "ORDER-1", Amount: 500000, Sign: "18bb488f5a93b03dcbce5d27ee2f6ac5"}, signed},
		"the sample by the formula":   {message{StoreID: "6", InvoiceID: "2024864028760", Amount: 20000, Sign: "05563af3e88c9eac0d127220968c9e66"}, signed},
		"the sample as it is printed": {message{StoreID: "6", InvoiceID: "2024864028760", BillingID: "20241214242009869794410864028760", Amount: 20000, Sign: "553b4292b0f1d8e0e18e6daeb3af3761"}, signedBilling},
		"printed, without billing_id": {message{StoreID: "6", InvoiceID: "2024864028760", Amount: 20000, Sign: "553b4292b0f1d8e0e18e6daeb3af3761"}, unsigned},
		"one tiyin more":              {message{StoreID: "6", InvoiceID: "ORDER-1", Amount: 500001, Sign: "18bb488f5a93b03dcbce5d27ee2f6ac5"}, unsigned},
		"another store":               {message{StoreID: "7", InvoiceID: "ORDER-1", Amount: 500000, Sign: "18bb488f5a93b03dcbce5d27ee2f6ac5"}, unsigned},
		"upper case":                  {message{StoreID: "6", InvoiceID: "ORDER-1", Amount: 500000, Sign: "18BB488F5A93B03DCBCE5D27EE2F6AC5"}, unsigned},
		"cut short":                   {message{StoreID: "6", InvoiceID: "ORDER-1", Amount: 500000, Sign: "18bb488f"}, unsigned},
	}
	for name, c := range cases {
		if got := a.signedSuccess(c.m); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestSignatureOfTheWebhook(t *testing.T) {
	a := &account{secret: publicSecret}
	a.number.Store(6)
	uuid := text("11111111-2222-11ef-8000-005056b4367d")
	old := md5.Sum([]byte(string(uuid) + "500000" + publicSecret))
	cases := map[string]struct {
		m    message
		want bool
	}{
		"by the formula":               {message{UUID: uuid, InvoiceID: "ORDER-1", Amount: 500000, Sign: "5757ab9f56d78c8c3e2d783b379a8fff175a04b3"}, true},
		"the sample by the formula":    {message{UUID: "e60d8ebc-b9fe-11ef-b159-005056b4367d", InvoiceID: "test", Amount: 200000, Sign: "6a16ee89cf5f27a094846cd974963ff5de832e03"}, true},
		"the sample as it is printed":  {message{UUID: "e60d8ebc-b9fe-11ef-b159-005056b4367d", InvoiceID: "test", Amount: 200000, Sign: "5fe1289fbe9cf1834de72789f6629e5f23184974"}, false},
		"the older md5":                {message{UUID: uuid, InvoiceID: "ORDER-1", Amount: 500000, Sign: text(hex.EncodeToString(old[:]))}, true},
		"the success callback's md5":   {message{UUID: uuid, InvoiceID: "ORDER-1", Amount: 500000, Sign: "18bb488f5a93b03dcbce5d27ee2f6ac5"}, true},
		"another amount":               {message{UUID: uuid, InvoiceID: "ORDER-1", Amount: 500001, Sign: "5757ab9f56d78c8c3e2d783b379a8fff175a04b3"}, false},
		"another invoice":              {message{UUID: uuid, InvoiceID: "ORDER-2", Amount: 500000, Sign: "5757ab9f56d78c8c3e2d783b379a8fff175a04b3"}, false},
		"another payment's valid sign": {message{UUID: "11111111-2222-11ef-8000-005056b4367e", InvoiceID: "ORDER-1", Amount: 500000, Sign: "5757ab9f56d78c8c3e2d783b379a8fff175a04b3"}, false},
	}
	for name, c := range cases {
		if got := a.signedWebhook(c.m); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestEveryRefusalHasWords(t *testing.T) {
	for _, r := range provider.Refusals {
		s, ok := refusals[r]
		if !ok {
			t.Errorf("%s: no words", r)
			continue
		}
		for _, lang := range []string{"uz", "ru", "en", ""} {
			if s.in(lang) == "" {
				t.Errorf("%s: no words in %q", r, lang)
			}
		}
		if s.in("") != s.ru || s.uz == s.ru || s.ru == s.en {
			t.Errorf("%s: the languages are mixed up", r)
		}
	}
	if len(refusals) != len(provider.Refusals) {
		t.Errorf("%d refusals are worded, %d exist", len(refusals), len(provider.Refusals))
	}
}

// Each code of the documentation, and what it must mean for a call of ours: whether it is
// certain that nothing happened.
func TestErrorCodes(t *testing.T) {
	nothing := []string{
		"ERROR_FIELDS", "ERROR_CARD_NOT_FOUND", "ERROR_NOT_FOUND", "ERROR_TRANS_NOT_READY", "ERROR_WRONG_OTP",
		"ERROR_PAYMENT_APPLIED", "ERROR_ACCESS_DENIED", "ERROR_CARD_SMS", "ERROR_SMS_ALREADY_SENT", "ERROR_SMS_TO_MANY",
		"CARD_NOT_SUPPORTED", "ERROR_INSUFFICIENT_FUNDS", "ERROR_CARD_EXPIRED",
	}
	unknown := []string{"ERROR_DEBIT_UNKNOWN", "ERROR_CALLBACK_TIMEOUT", "ERROR_UNKNOWN", "ERROR_CALLBACK", "ERROR_NEVER_SEEN", ""}
	body := func(code string) answer {
		return answer{status: 400, body: []byte(`{"success":false,"error":{"code":"` + code + `","details":"слова"}}`)}
	}
	for _, code := range nothing {
		a := body(code)
		if err := a.read(nil); !provider.Harmless(err) || codeOf(err) != code || messageOf(err) != "слова" {
			t.Errorf("%s: %v", code, err)
		}
	}
	for _, code := range unknown {
		a := body(code)
		if err := a.read(nil); err == nil || provider.Harmless(err) {
			t.Errorf("%q: %v counts as harmless", code, err)
		}
	}
	late := body("ERROR_WRONG_OTP")
	late.status = 423
	if err := late.read(nil); !provider.Harmless(err) || codeOf(err) != codeLate {
		t.Errorf("a code that counts no more: %v", err)
	}
	if len(kinds) != len(nothing)+5 {
		t.Errorf("the table has %d codes, the tests %d", len(kinds), len(nothing)+5)
	}
}

// The envelope decides, not the HTTP status.
func TestAnswersAreDecidedByTheEnvelope(t *testing.T) {
	cases := map[string]struct {
		a    answer
		kind provider.Kind // "" for success
	}{
		"success":                      {answer{status: 200, body: []byte(`{"success":true,"data":{}}`)}, ""},
		"success as text":              {answer{status: 200, body: []byte(`{"success":"true","data":{}}`)}, ""},
		"success under 201":            {answer{status: 201, body: []byte(`{"success":true,"data":[]}`)}, ""},
		"success under 500":            {answer{status: 500, body: []byte(`{"success":true,"data":{}}`)}, provider.KindUnavailable},
		"a refusal under 200":          {answer{status: 200, body: []byte(`{"success":false,"error":{"code":"ERROR_FIELDS"}}`)}, provider.KindInvalid},
		"a refusal without words":      {answer{status: 400, body: []byte(`{"success":false}`)}, provider.KindUnavailable},
		"no word of success":           {answer{status: 200, body: []byte(`{}`)}, provider.KindUnavailable},
		"success null":                 {answer{status: 200, body: []byte(`{"success":null}`)}, provider.KindUnavailable},
		"a page":                       {answer{status: 502, body: []byte(`<html>bad gateway</html>`)}, provider.KindUnavailable},
		"nothing":                      {answer{status: 200}, provider.KindUnavailable},
		"too many":                     {answer{status: 429, body: []byte(`slow down`)}, provider.KindRateLimited},
		"too many, in JSON":            {answer{status: 429, body: []byte(`{"success":false,"error":{"code":"ERROR_NEW"}}`)}, provider.KindRateLimited},
		"the proxy: no token":          {answer{status: 403, body: []byte(`RBAC: access denied`)}, provider.KindAuth},
		"the proxy: an old token":      {answer{status: 401, body: []byte(`Jwt is expired`)}, provider.KindAuth},
		"the application: not allowed": {answer{status: 403, body: []byte(`{"success":false,"error":{"code":"ERROR_ACCESS_DENIED"}}`)}, provider.KindAuth},
	}
	for name, c := range cases {
		err := c.a.read(nil)
		if c.kind == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if e, ok := err.(*provider.Error); !ok || e.Kind != c.kind {
			t.Errorf("%s: got %v, want %s", name, err, c.kind)
		}
	}
}

// Every status, of the list and beside it, from every state that we may have been in.
func TestStatuses(t *testing.T) {
	want := map[text]pay.State{
		"draft": pay.Created, "progress": pay.Created, "billing": pay.Created, "success": pay.Paid, "error": pay.Failed,
		"revert": pay.Refunded, "hold": pay.Held, "canceled": pay.Cancelled, "cancelled": pay.Cancelled, "something": pay.Created,
	}
	for status, state := range want {
		m := paymentModel{Status: status}
		if got := m.outcome(pay.Paid); got.State != state {
			t.Errorf("%s: got %s, want %s", status, got.State, state)
		}
	}
	back := paymentModel{Status: "revert"}
	for _, was := range []pay.State{pay.Created, pay.Unknown} {
		if got := back.outcome(was); got.State != pay.Cancelled {
			t.Errorf("returned before it was ever paid here (%s): got %s, want cancelled", was, got.State)
		}
	}
}

func TestReceiptLines(t *testing.T) {
	vat := 12
	cases := map[string]struct {
		in   pay.ReceiptLine
		want ofdLine
	}{
		"the founding document's": {
			pay.ReceiptLine{Qty: 1000, Price: 100000, Total: 100000, MXIK: "06401004002000000", PackageCode: "1506113", Name: "Test", VAT: &vat},
			ofdLine{Qty: 1, Price: 100000, Total: 100000, MXIK: "06401004002000000", PackageCode: "1506113", Name: "Test", VAT: &vat},
		},
		"three": {
			pay.ReceiptLine{Qty: 3000, Price: 5, Total: 15, Name: "A", Mark: []string{"a", "b", "c"}},
			ofdLine{Qty: 3, Price: 5, Total: 15, Name: "A", Mark: []string{"a", "b", "c"}},
		},
		"weighed": {
			pay.ReceiptLine{Qty: 250, Price: 4000000, Total: 1000000, Name: "Guruch kg"},
			ofdLine{Qty: 1, Price: 1000000, Total: 1000000, Name: "Guruch kg × 0.25"},
		},
		"with a discount": {
			pay.ReceiptLine{Qty: 2000, Price: 250000, Total: 400000, Discount: 100000, Name: "B"},
			ofdLine{Qty: 1, Price: 400000, Total: 400000, Name: "B × 2"},
		},
		"one with a discount": {
			pay.ReceiptLine{Qty: 1000, Price: 250000, Total: 150000, Discount: 100000, Name: "B", PINFL: "31105892514010"},
			ofdLine{Qty: 1, Price: 150000, Total: 150000, Name: "B", TIN: "31105892514010"},
		},
		"half a tiyin": {
			pay.ReceiptLine{Qty: 1500, Price: 3, Total: 5, Name: "C", TIN: "123456789"},
			ofdLine{Qty: 1, Price: 5, Total: 5, Name: "C × 1.5", TIN: "123456789"},
		},
	}
	for name, c := range cases {
		got := receipt([]pay.ReceiptLine{c.in})[0]
		if got.Qty != c.want.Qty || got.Price != c.want.Price || got.Total != c.want.Total || got.Name != c.want.Name ||
			got.MXIK != c.want.MXIK || got.PackageCode != c.want.PackageCode || got.TIN != c.want.TIN ||
			got.VAT != c.want.VAT || strings.Join(got.Mark, ",") != strings.Join(c.want.Mark, ",") {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

// The founding document's line goes to Multicard with the leading zero of its code, and with VAT 0
// said, not left out.
func TestFiscalScenario04_WhatMulticardIsSent(t *testing.T) {
	vat := 0
	sent, err := json.Marshal(receipt([]pay.ReceiptLine{{
		Qty: 1000, Price: 100000, Total: 100000, MXIK: "06401004002000000", PackageCode: "1506113", Name: "Test", VAT: &vat,
	}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"qty":1`, `"price":100000`, `"total":100000`, `"mxik":"06401004002000000"`, `"package_code":"1506113"`, `"name":"Test"`, `"vat":0`} {
		if !strings.Contains(string(sent), part) {
			t.Errorf("%s is not in %s", part, sent)
		}
	}
}
