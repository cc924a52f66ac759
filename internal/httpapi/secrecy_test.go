package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/httpapi"
)

const pan = "8600123412341239"

func TestCardDataIsRefusedAndNeverLogged(t *testing.T) {
	b := newBench(t, nil)
	b.register("bank", "biz")
	id := b.paid("biz", "1", 100000)
	line := `"ofd":[{"qty":1,"price":100000,"total":100000,"mxik":"06401004002000000","package_code":"1506113","name":"` + pan + `","vat":0}]`
	const text = " must not contain a card number: this gateway does not accept card data (ACCEPT_CARD_DATA)"
	for _, c := range []struct{ path, body, want string }{
		{"/api/invoices", with(`"metadata":{"note":"` + pan + `"}`), `"metadata.note"` + text},
		{"/api/invoices", with(`"metadata":{"` + pan + `":"note"}`), `"metadata.…"` + text},
		{"/api/invoices", with(line), `"ofd[0].name"` + text},
		{"/api/refunds", `{"invoiceId":"` + id + `","reason":"karta 8600 1234 1234 1239"}`, `"reason"` + text},
		{"/api/refunds", `{"invoiceId":"` + id + `","cardPan":"` + pan + `"}`, `"cardPan" is not allowed: this gateway does not accept card data (ACCEPT_CARD_DATA)`},
		{"/api/invoices/" + id + "/pay", `{"method":"card","card":{"number":"` + pan + `","expiry":"2912"}}`, `"card.number" is not allowed: this gateway does not accept card data (ACCEPT_CARD_DATA)`},
		{"/api/cards", `{"source":"s","businessId":"b","provider":"bank","number":"` + pan + `","expiry":"2912","phone":"998901234567"}`, `"number" is not allowed: this gateway does not accept card data (ACCEPT_CARD_DATA)`},
		{"/api/payouts", `{"source":"s","businessId":"b","provider":"bank","sourcePayoutId":"1","amount":1000,"card":{"number":"` + pan + `"}}`, `"card.number" is not allowed: this gateway does not accept card data (ACCEPT_CARD_DATA)`},
		{"/api/merchants", `{"source":"s","businessId":"b","provider":"bank","credentials":{"key":"k"},"displayName":"` + pan + `"}`, `"displayName"` + text},
	} {
		r := b.send("POST", c.path, c.body).want(400, "VALIDATION_ERROR")
		if len(r.details()) != 1 || r.details()[0] != c.want || r.reason() != "card_data_not_accepted" {
			t.Errorf("%s: got %s, want %s", c.path, r.Raw, c.want)
		}
		if strings.Contains(r.Raw, pan) {
			t.Errorf("the number was repeated: %s", r.Raw)
		}
	}
	// What is no free text is not searched: an order may be called as it likes.
	b.send("POST", "/api/invoices", b.order("biz", pan, map[string]any{"metadata": map[string]any{"n": "86001234123412391"}})).want(201, "OK")
	// Wherever else a number may stand, it is not logged.
	b.send("GET", "/api/invoices/"+pan, nil).want(404, "")
	b.send("GET", "/api/invoices?sourceInvoiceId="+pan+"&x"+pan+"=1", nil).want(400, "")
	b.send("POST", "/api/"+pan, `{"x":"`+pan+`"}`, "X-Request-Id", pan, "User-Agent", pan).want(404, "")
	b.send("POST", "/api/invoices", `{"number":"`+pan).want(400, "")
	if strings.Contains(b.logs.String(), pan) {
		t.Error("a card number was logged")
	}
}

func TestCardDataWhereItIsAccepted(t *testing.T) {
	b := newBench(t, func(o *httpapi.Options) { o.AcceptCardData = true })
	b.register("bank", "biz")
	id := b.paid("biz", "1", 100000)
	b.send("POST", "/api/refunds", `{"invoiceId":"`+id+`","cardPan":"8600 1234"}`).want(400, "VALIDATION_ERROR")
	r := b.send("POST", "/api/refunds", `{"invoiceId":"`+id+`","cardPan":"`+pan+`","reason":"`+pan+`"}`).want(201, "OK")
	if got := b.bank.orders[0].CardPAN; got != pan {
		t.Errorf("the bank got the number %q", got)
	}
	if strings.Contains(b.logs.String(), pan) {
		t.Error("a card number was logged")
	}
	if got := fmt.Sprint(r.Data); strings.Contains(strings.Replace(got, "reason:"+pan, "", 1), pan) {
		t.Errorf("the number came back: %s", got)
	}
}
