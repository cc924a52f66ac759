package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/webhook"
)

// ─── Merchants ─────────────────────────────────────────────────────────────────────────────

func TestSupportedListsProvidersAndTheirFields(t *testing.T) {
	b := newBench(t, nil)
	items := b.send("GET", "/api/merchants/supported", nil).want(200, "OK").items()
	if len(items) != 2 || items[0]["name"] != "bank" || items[1]["name"] != "wallet" {
		t.Fatalf("got %v, want bank and wallet, in the order of the one list", items)
	}
	got, _ := json.Marshal(items[0]["fields"])
	if want := `[{"key":"key","required":true},{"key":"shop","required":false}]`; string(got) != want {
		t.Errorf("fields are %s, want exactly %s", got, want)
	}
	if got := fmt.Sprint(items[0]["secret"], items[0]["capabilities"]); got != "[key] [checkout callbacks refund]" {
		t.Errorf("secret and capabilities are %s", got)
	}
}

func TestMerchantIsMadeThenChanged(t *testing.T) {
	b := newBench(t, nil)
	in := map[string]any{
		"source": "shop", "businessId": "biz", "provider": "bank", "displayName": "Doʻkon — Bank",
		"credentials": map[string]any{"key": "very secret"}, "options": map[string]any{"partialRefund": true, "testKey": "secret too"},
	}
	made := b.send("POST", "/api/merchants", in).want(201, "OK")
	if !strings.HasSuffix(made.text("callbackUrl"), "/api/callbacks/bank/"+made.text("id")) {
		t.Errorf("callbackUrl is %s", made.text("callbackUrl"))
	}
	if made.Data["isActive"] != true || made.Data["hasTestKey"] != true || fmt.Sprint(made.Data["options"]) != "map[partialRefund:true]" {
		t.Errorf("made %s", made.Raw)
	}
	again := b.send("POST", "/api/merchants", in).want(200, "OK")
	if again.text("id") != made.text("id") {
		t.Errorf("the same business at the same provider got another id")
	}
	patched := b.send("PATCH", "/api/merchants/"+made.text("id"), map[string]any{"isActive": false, "displayName": ""}).want(200, "OK")
	if patched.Data["isActive"] != false || patched.Data["displayName"] != nil || patched.Data["hasTestKey"] != true {
		t.Errorf("patched %s", patched.Raw)
	}
	read := b.send("GET", "/api/merchants/"+made.text("id"), nil).want(200, "OK")
	for _, r := range []reply{made, again, patched, read} {
		if strings.Contains(r.Raw, "secret") {
			t.Errorf("a credential came back: %s", r.Raw)
		}
	}
	if strings.Contains(b.logs.String(), "secret") {
		t.Error("a credential was logged")
	}
}

func TestProvidersOfABusinessAreTheActiveOnes(t *testing.T) {
	b := newBench(t, nil)
	const path = "/api/merchants/by-business/shop/%D0%B4%D0%BE%D0%BC%201%2F2/providers" // "дом 1/2"
	if items := b.send("GET", path, nil).want(200, "").items(); len(items) != 0 {
		t.Fatalf("an unknown business has %v", items)
	}
	bank := b.register("bank", "дом 1/2")
	b.register("wallet", "дом 1/2")
	if got := fmt.Sprint(b.send("GET", path, nil).want(200, "").Data["items"]); got != "[map[displayName:<nil> provider:bank] map[displayName:<nil> provider:wallet]]" {
		t.Errorf("got %s", got)
	}
	b.send("PATCH", "/api/merchants/"+bank.text("id"), map[string]any{"isActive": false}).want(200, "")
	if items := b.send("GET", path, nil).items(); len(items) != 1 || items[0]["provider"] != "wallet" {
		t.Errorf("got %v", items)
	}
}

// ─── Invoices ──────────────────────────────────────────────────────────────────────────────

func TestInvoiceIsAskedForOncePerOrder(t *testing.T) {
	b := newBench(t, nil)
	b.register("bank", "biz")
	b.register("wallet", "biz")
	in := b.order("biz", "1", map[string]any{"provider": "wallet", "metadata": map[string]any{"till": "3"}, "lang": "uz", "returnUrl": "shopapp://orders/1"})
	made := b.send("POST", "/api/invoices", in).want(201, "OK")
	if made.text("checkoutUrl") == "" || made.text("deeplink") != "wallet://pay?order="+made.text("id") || made.text("status") != "pending" {
		t.Errorf("made %s", made.Raw)
	}
	if again := b.send("POST", "/api/invoices", in).want(200, "OK"); again.text("id") != made.text("id") {
		t.Error("the same order was asked for twice")
	}
	in["amount"], in["lang"] = 100001, "ru"
	r := b.send("POST", "/api/invoices", in).want(409, "CONFLICT")
	if r.reason() != "differs" || !slices.Equal(r.details(), []string{`"amount" differs from the open invoice`, `"lang" differs from the open invoice`}) {
		t.Errorf("got %s", r.Raw)
	}
	in["amount"], in["lang"], in["provider"] = 100000, "uz", "bank"
	if moved := b.send("POST", "/api/invoices", in).want(200, "OK"); moved.text("id") != made.text("id") || moved.text("provider") != "bank" || moved.Data["deeplink"] != nil {
		t.Errorf("moved %s", moved.Raw)
	}
}

// Times are UTC to the millisecond, and null where there is none yet; a buyer's choice and what
// was given come back.
func TestShapesOfAnInvoice(t *testing.T) {
	b := newBench(t, nil)
	b.register("bank", "biz")
	id := b.paid("biz", "1", 100000)
	r := b.send("GET", "/api/invoices/"+id, nil).want(200, "")
	shape := regexp.MustCompile(`^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
	for _, field := range []string{"createdAt", "expiresAt", "paidAt"} {
		if !shape.MatchString(r.text(field)) {
			t.Errorf("%s is %v", field, r.Data[field])
		}
	}
	if r.Data["endedAt"] != nil || r.text("currency") != "UZS" || r.text("capture") != "auto" || fmt.Sprint(r.Data["metadata"]) != "map[]" {
		t.Errorf("got %s", r.Raw)
	}
	if !strings.Contains(r.Raw, `"amount":100000,"capturedAmount":100000,"refundedAmount":0,`) {
		t.Errorf("money is not in whole numbers: %s", r.Raw)
	}
}

func TestInvoiceRefusals(t *testing.T) {
	b := newBench(t, nil)
	b.register("bank", "biz")
	off := b.register("wallet", "biz")
	b.send("PATCH", "/api/merchants/"+off.text("id"), map[string]any{"isActive": false}).want(200, "")
	for _, c := range []struct {
		name, business, provider string
		more                     map[string]any
		status                   int
		word, reason             string
	}{
		{"a business that is not registered", "nobody", "bank", nil, 404, "NOT_FOUND", "merchant_not_found"},
		{"a provider that is switched off", "biz", "wallet", nil, 409, "CONFLICT", "merchant_inactive"},
		{"nobody to choose from", "nobody", "", nil, 409, "CONFLICT", "no_active_provider"},
		{"a hold that cannot be", "biz", "bank", map[string]any{"capture": "manual"}, 422, "NOT_SUPPORTED", "no_hold"},
	} {
		in := b.order(c.business, "1", c.more)
		if c.provider != "" {
			in["provider"] = c.provider
		}
		if r := b.send("POST", "/api/invoices", in).want(c.status, c.word); r.reason() != c.reason || len(r.details()) != 1 {
			t.Errorf("%s: got %s", c.name, r.Raw)
		}
	}
}

func TestProviderThatFailsIs502(t *testing.T) {
	b := newBench(t, nil)
	b.register("bank", "biz")
	b.bank.checkout = &provider.Error{Kind: provider.KindAuth, Code: "ERROR_AUTH", Message: "no such application", RequestID: "t-17"}
	in := b.order("biz", "1", map[string]any{"provider": "bank"})
	r := b.send("POST", "/api/invoices", in, "Idempotency-Key", "k").want(502, "PROVIDER_ERROR")
	if got := fmt.Sprint(r.Data["provider"]); got != "map[code:ERROR_AUTH message:no such application name:bank requestId:t-17]" {
		t.Errorf("data.provider is %s", got)
	}
	b.bank.checkout = nil
	if r := b.send("POST", "/api/invoices", in, "Idempotency-Key", "k"); r.Status >= 300 || r.text("checkoutUrl") == "" {
		t.Errorf("the second try got %s", r.Raw)
	}
}

func TestNothingIsFound(t *testing.T) {
	b := newBench(t, nil)
	const nobody = "01975f2e-6a09-7bf0-9a1b-00505680eaf6"
	for _, id := range []string{nobody, "1", "{" + nobody + "}", strings.ToUpper(nobody), "%00", "..%2f", strings.Repeat("9", 300)} {
		for _, route := range []string{
			"GET /api/merchants/", "GET /api/invoices/", "GET /api/invoices/*/timeline", "POST /api/invoices/*/cancel", "POST /api/invoices/*/notify",
			"GET /api/refunds/", "GET /api/refunds/by-invoice/",
		} {
			method, path, _ := strings.Cut(route, " ")
			if strings.Contains(path, "*") {
				path = strings.Replace(path, "*", id, 1)
			} else {
				path += id
			}
			b.send(method, path, nil).want(404, "NOT_FOUND")
		}
		b.send("PATCH", "/api/merchants/"+id, map[string]any{"isActive": true}).want(404, "NOT_FOUND")
	}
	b.send("POST", "/api/refunds", map[string]any{"invoiceId": nobody}).want(404, "NOT_FOUND")
	b.send("POST", "/api/refunds", map[string]any{"invoiceId": "1"}).want(400, "VALIDATION_ERROR")
}

func TestInvoicesAreListedInPages(t *testing.T) {
	b := newBench(t, nil)
	b.register("wallet", "biz")
	b.register("wallet", "other")
	var ids []string
	for n := range 7 {
		ids = append(ids, b.send("POST", "/api/invoices", b.order("biz", fmt.Sprint(n), nil)).want(201, "").text("id"))
	}
	b.send("POST", "/api/invoices", b.order("other", "1", nil)).want(201, "")
	slices.Reverse(ids) // newest first

	var got []string
	path := "/api/invoices?source=shop&businessId=biz&limit=3"
	for next := path; next != ""; {
		r := b.send("GET", next, nil).want(200, "OK")
		for _, i := range r.items() {
			got = append(got, i["id"].(string))
		}
		next = ""
		if c, ok := r.Data["nextCursor"].(string); ok {
			next = path + "&cursor=" + c
		}
	}
	if !slices.Equal(got, ids) {
		t.Errorf("the pages are %v, want %v", got, ids)
	}

	first := b.send("GET", "/api/invoices/"+ids[6], nil).want(200, "")
	for query, want := range map[string]int{
		"sourceInvoiceId=3&source=shop":         1,
		"status=paid":                           0,
		"status=pending":                        8,
		"provider=wallet":                       0, // the buyer has not chosen
		"payNumber=" + first.text("payNumber"):  1,
		"to=" + first.text("createdAt"):         0,
		"from=" + first.text("createdAt"):       8,
		"limit=100&businessId=other&source=":    -1,
		"from=2026-05-12T15:00:00%2B05:00":      8, // ten o'clock in Tashkent is five in UTC: all of them
		"from=2026-05-12T10:01:00.000Z&limit=1": 0,
	} {
		r := b.send("GET", "/api/invoices?"+query, nil)
		if want < 0 {
			r.want(400, "VALIDATION_ERROR")
		} else if n := len(r.want(200, "").items()); n != want {
			t.Errorf("?%s finds %d, want %d", query, n, want)
		}
	}
	for _, cursor := range []string{"x", "AAAA", "e30", "MTIzNDU2Lm5vdC1hbi1pZA"} {
		if r := b.send("GET", "/api/invoices?cursor="+cursor, nil).want(400, "VALIDATION_ERROR"); r.details()[0] != `"cursor" is not one that this list gave` {
			t.Errorf("cursor %s: %s", cursor, r.Raw)
		}
	}
}

func TestCancelNotifyAndReceipt(t *testing.T) {
	b := newBench(t, nil)
	b.register("bank", "biz")
	open := b.send("POST", "/api/invoices", b.order("biz", "1", nil)).want(201, "").text("id")
	if r := b.send("POST", "/api/invoices/"+open+"/notify", nil).want(409, "CONFLICT"); r.reason() != "no_event" {
		t.Errorf("notify without an event: %s", r.Raw)
	}
	for _, replayed := range []string{"", "true"} { // a body is not needed, and a repeat with its key does no harm
		r := b.send("POST", "/api/invoices/"+open+"/cancel", nil, "Idempotency-Key", "c-1").want(200, "OK")
		if r.text("status") != "cancelled" || r.Header.Get("Idempotent-Replayed") != replayed {
			t.Errorf("cancelled: %s", r.Raw)
		}
	}
	if r := b.send("POST", "/api/invoices/"+open+"/cancel", "{}").want(409, "CONFLICT"); r.reason() != "already_cancelled" {
		t.Errorf("cancelled again: %s", r.Raw)
	}
	b.send("POST", "/api/invoices/"+open+"/cancel", `{"why":"x"}`).want(400, "VALIDATION_ERROR")

	paid := b.paid("biz", "2", 100000)
	b.send("POST", "/api/invoices/"+paid+"/cancel", nil).want(409, "CONFLICT")
	b.settle()
	before := len(b.hooks.all())
	b.send("POST", "/api/invoices/"+paid+"/notify", nil).want(200, "OK")
	b.settle()
	got := b.hooks.all()
	if len(got) != before+1 || string(got[before].body) != string(got[before-1].body) || got[before].header.Get("webhook-id") != got[before-1].header.Get("webhook-id") {
		t.Errorf("notify did not send the same event again")
	}

	const link = "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=514343190161"
	if r := b.send("POST", "/api/invoices/"+paid+"/receipt", map[string]any{"url": link}).want(200, "OK"); r.text("receiptUrl") != link {
		t.Errorf("receiptUrl is %s", r.text("receiptUrl"))
	}
	r := b.send("POST", "/api/invoices/"+paid+"/receipt", map[string]any{"url": "https://example.uz/check"}).want(400, "VALIDATION_ERROR")
	if len(r.details()) != 1 || !strings.HasPrefix(r.details()[0], `"url" `) {
		t.Errorf("a link that is no receipt's: %s", r.Raw)
	}
	kinds := map[string]int{}
	for _, e := range b.send("GET", "/api/invoices/"+paid+"/timeline", nil).want(200, "OK").items() {
		kinds[e["kind"].(string)]++
	}
	if kinds["change"] < 4 || kinds["delivery"] != 2 {
		t.Errorf("the timeline has %v", kinds)
	}
	whole := b.send("GET", "/api/invoices/"+paid+"/timeline", nil).want(200, "OK").items()
	var parts []map[string]any
	for cursor := ""; ; {
		r := b.send("GET", "/api/invoices/"+paid+"/timeline?limit=2"+cursor, nil).want(200, "OK")
		parts = append(parts, r.items()...)
		next, more := r.Data["nextCursor"].(string)
		if !more {
			break
		}
		cursor = "&cursor=" + next
	}
	if len(whole) < 6 || fmt.Sprint(parts) != fmt.Sprint(whole) {
		t.Errorf("the timeline in parts: %v\nwhole: %v", parts, whole)
	}
	b.send("GET", "/api/invoices/"+paid+"/timeline?cursor=x", nil).want(400, "VALIDATION_ERROR")
	b.send("GET", "/api/invoices/01975f2e-6a09-7bf0-9a1b-00505680eaf6/timeline", nil).want(404, "NOT_FOUND")
}

func TestOpenAttemptKeepsAnInvoice(t *testing.T) {
	b := newBench(t, nil)
	m := b.register("wallet", "biz")
	id := b.send("POST", "/api/invoices", b.order("biz", "1", nil)).want(201, "").text("id")
	b.says(m.text("callbackUrl"), "open", id, "w-1", 100000)
	if r := b.send("POST", "/api/invoices/"+id+"/cancel", nil).want(409, "CONFLICT"); r.reason() != "payment_in_progress" {
		t.Errorf("got %s", r.Raw)
	}
	b.says(m.text("callbackUrl"), "confirm", id, "w-1", 100000)
	r := b.send("GET", "/api/invoices/"+id, nil).want(200, "OK")
	if r.text("status") != "paid" || r.text("provider") != "wallet" || r.text("providerUuid") != "w-1" || r.text("paidAt") == "" {
		t.Errorf("paid: %s", r.Raw)
	}
	if got := fmt.Sprint(r.Data["card"]); got != "map[pan:860030******5959 paymentSystem:uzcard]" {
		t.Errorf("card is %s", got)
	}
}

// ─── Refunds ───────────────────────────────────────────────────────────────────────────────

const ofd = `[{"qty":1.250,"price":16000,"total":20000,"mxik":"06401004002000000","package_code":"1506113","name":"Olma kg","vat":12}]`

func TestRefunds(t *testing.T) {
	b := newBench(t, nil)
	b.register("bank", "biz")
	id := b.paid("biz", "1", 100000)

	if r := b.send("POST", "/api/refunds", `{"invoiceId":"`+id+`","amount":20000}`).want(400, "VALIDATION_ERROR"); r.details()[0] != `"ofd" is required` {
		t.Errorf("a part without ofd: %s", r.Raw)
	}
	part := b.send("POST", "/api/refunds", `{"invoiceId":"`+id+`","amount":20000,"reason":"1 kg qaytdi","ofd":`+ofd+`}`).want(201, "OK")
	if part.text("status") != "succeeded" || part.text("reason") != "1 kg qaytdi" || part.text("doneAt") == "" {
		t.Errorf("a part: %s", part.Raw)
	}
	if got := string(b.bank.orders[0].Lines); got != ofd {
		t.Errorf("the ofd was passed on as %s, want every digit as it came", got)
	}
	if r := b.send("POST", "/api/refunds", `{"invoiceId":"`+id+`","amount":80100,"ofd":`+ofd+`}`).want(409, "CONFLICT"); r.reason() != "more_than_left" {
		t.Errorf("too much: %s", r.Raw)
	}
	rest := b.send("POST", "/api/refunds", `{"invoiceId":"`+id+`","ofd":`+ofd+`}`).want(201, "OK")
	if rest.Data["amount"] != float64(80000) {
		t.Errorf("the rest: %s", rest.Raw)
	}
	if r := b.send("GET", "/api/invoices/"+id, nil).want(200, ""); r.text("status") != "refunded" || r.Data["refundedAmount"] != float64(100000) {
		t.Errorf("the invoice: %s", r.Raw)
	}
	if items := b.send("GET", "/api/refunds/by-invoice/"+id, nil).want(200, "").items(); len(items) != 2 || items[0]["id"] != part.text("id") {
		t.Errorf("the refunds: %v", items)
	}
	first := b.send("GET", "/api/refunds/by-invoice/"+id+"?limit=1", nil).want(200, "")
	if items := first.items(); len(items) != 1 || items[0]["id"] != part.text("id") {
		t.Errorf("the first page: %v", items)
	}
	next := b.send("GET", "/api/refunds/by-invoice/"+id+"?limit=1&cursor="+first.text("nextCursor"), nil).want(200, "")
	if items := next.items(); len(items) != 1 || items[0]["id"] != rest.text("id") || next.Data["nextCursor"] != nil {
		t.Errorf("the second page: %s", next.Raw)
	}
	if r := b.send("GET", "/api/refunds/"+rest.text("id"), nil).want(200, ""); r.text("invoiceId") != id {
		t.Errorf("read: %s", r.Raw)
	}
}

func TestRefundThatIsRefusedLostOrNotPossible(t *testing.T) {
	b := newBench(t, nil)
	b.register("bank", "biz")
	m := b.register("wallet", "biz")

	refused := b.paid("biz", "1", 100000)
	b.bank.set(func(provider.RefundOrder) (provider.MoveOutcome, error) {
		return provider.MoveOutcome{State: pay.MoveFailed, Code: "E7", Note: "the card is closed"}, nil
	})
	r := b.send("POST", "/api/refunds", map[string]any{"invoiceId": refused}).want(201, "OK")
	if r.text("status") != "failed" || fmt.Sprint(r.Data["failure"]) != "map[providerCode:E7 providerMessage:the card is closed]" {
		t.Errorf("refused: %s", r.Raw)
	}

	lost := b.paid("biz", "2", 100000)
	b.bank.set(func(provider.RefundOrder) (provider.MoveOutcome, error) {
		return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindUnavailable, Err: errors.New("timeout")}
	})
	r = b.send("POST", "/api/refunds", map[string]any{"invoiceId": lost}, "Idempotency-Key", "lost-1").want(201, "OK")
	if r.text("status") != "pending" || r.text("attention") != "refund_unconfirmed" {
		t.Errorf("lost: %s", r.Raw)
	}
	if again := b.send("POST", "/api/refunds", map[string]any{"invoiceId": lost}, "Idempotency-Key", "lost-1").want(201, "OK"); again.text("id") != r.text("id") || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a repeat of the lost one: %s", again.Raw)
	}
	if r := b.send("POST", "/api/refunds", map[string]any{"invoiceId": lost}, "Idempotency-Key", "lost-2").want(409, "CONFLICT"); r.reason() != "refund_in_progress" {
		t.Errorf("another one meanwhile: %s", r.Raw)
	}

	down := b.paid("biz", "3", 100000)
	b.bank.set(func(provider.RefundOrder) (provider.MoveOutcome, error) {
		return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindUnavailable, NotSent: true, Message: "connection refused"}
	})
	b.send("POST", "/api/refunds", map[string]any{"invoiceId": down}, "Idempotency-Key", "down").want(502, "PROVIDER_ERROR")
	b.bank.set(nil)
	b.send("POST", "/api/refunds", map[string]any{"invoiceId": down}, "Idempotency-Key", "down").want(201, "OK")

	id := b.send("POST", "/api/invoices", b.order("biz", "4", map[string]any{"provider": "wallet"})).want(201, "").text("id")
	if r := b.send("POST", "/api/refunds", map[string]any{"invoiceId": id}).want(409, "CONFLICT"); r.reason() != "not_paid" {
		t.Errorf("not paid yet: %s", r.Raw)
	}
	b.says(m.text("callbackUrl"), "open", id, "w", 100000)
	b.says(m.text("callbackUrl"), "confirm", id, "w", 100000)
	if r := b.send("POST", "/api/refunds", map[string]any{"invoiceId": id}).want(422, "NOT_SUPPORTED"); r.details()[0] != "Refund in the Wallet cabinet" {
		t.Errorf("not by API: %s", r.Raw)
	}
	b.says(m.text("callbackUrl"), "cancel", id, "w", 0)
	if items := b.send("GET", "/api/refunds/by-invoice/"+id, nil).want(200, "").items(); len(items) != 1 || items[0]["by"] != "provider" {
		t.Errorf("the wallet's own refund: %v", items)
	}
}

// ─── Idempotency ───────────────────────────────────────────────────────────────────────────

func TestIdempotencyKey(t *testing.T) {
	b := newBench(t, nil)
	b.register("wallet", "biz")
	in := b.order("biz", "1", nil)
	made := b.send("POST", "/api/invoices", in, "Idempotency-Key", "k-1").want(201, "OK")
	if made.Header.Get("Idempotent-Replayed") != "" {
		t.Error("the first answer says that it is a replay")
	}
	b.send("POST", "/api/invoices/"+made.text("id")+"/cancel", nil).want(200, "")
	again := b.send("POST", "/api/invoices", in, "Idempotency-Key", "k-1").want(201, "OK")
	if again.text("id") != made.text("id") || again.Header.Get("Idempotent-Replayed") != "true" || again.text("status") != "cancelled" {
		t.Errorf("a replay is the resource as it stands now, with the first status: %s", again.Raw)
	}
	in["amount"] = 200000
	if r := b.send("POST", "/api/invoices", in, "Idempotency-Key", "k-1").want(409, "CONFLICT"); r.reason() != "idempotency_key_reused" {
		t.Errorf("another body: %s", r.Raw)
	}
	if r := b.send("POST", "/api/invoices", in, "Idempotency-Key", "k-2").want(201, "OK"); r.text("id") == made.text("id") {
		t.Error("another key did not make another invoice")
	}
	for _, bad := range []string{"two words", "ключ", strings.Repeat("k", 256)} {
		in["amount"] = 1
		r := b.send("POST", "/api/invoices", in, "Idempotency-Key", bad).want(400, "VALIDATION_ERROR")
		if !slices.Equal(r.details(), []string{`"Idempotency-Key" must be 1 to 255 visible ASCII characters`, `"amount" must be greater than or equal to 100`}) {
			t.Errorf("key %.20q: %s", bad, r.Raw)
		}
	}
}

func TestRefundsKeyInTheBodyIsTheHeader(t *testing.T) {
	b := newBench(t, nil)
	b.register("bank", "biz")
	id := b.paid("biz", "1", 100000)
	first := b.send("POST", "/api/refunds", map[string]any{"invoiceId": id, "idempotencyKey": "r-1"}).want(201, "OK")
	for _, r := range []reply{
		b.send("POST", "/api/refunds", map[string]any{"invoiceId": id, "idempotencyKey": "r-1"}),
		b.send("POST", "/api/refunds", map[string]any{"invoiceId": id}, "Idempotency-Key", "r-1"),
		b.send("POST", "/api/refunds", map[string]any{"invoiceId": id, "idempotencyKey": "r-1"}, "Idempotency-Key", "r-1"),
	} {
		if r.want(201, "OK"); r.text("id") != first.text("id") || r.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("not a replay: %s", r.Raw)
		}
	}
	r := b.send("POST", "/api/refunds", map[string]any{"invoiceId": id, "idempotencyKey": "r-1"}, "Idempotency-Key", "r-2").want(400, "VALIDATION_ERROR")
	if r.details()[0] != `"idempotencyKey" must be the same as the header "Idempotency-Key"` {
		t.Errorf("two keys: %s", r.Raw)
	}
	if n := len(b.bank.orders); n != 1 {
		t.Errorf("the bank was asked %d times", n)
	}
}

func TestManyEqualRequestsMakeOneInvoice(t *testing.T) {
	b := newBench(t, nil)
	b.register("bank", "biz")
	in := b.order("biz", "1", map[string]any{"provider": "bank"})
	const many = 32
	got := make([]reply, many)
	var wg sync.WaitGroup
	for n := range got {
		wg.Go(func() { got[n] = b.send("POST", "/api/invoices", in, "Idempotency-Key", "one") })
	}
	wg.Wait()
	replays := 0
	for _, r := range got {
		if r.want(http.StatusCreated, "OK"); r.text("id") != got[0].text("id") || r.text("checkoutUrl") == "" {
			t.Errorf("got %s", r.Raw)
		}
		if r.Header.Get("Idempotent-Replayed") == "true" {
			replays++
		}
	}
	if replays != many-1 {
		t.Errorf("%d of %d were replays, want all but one", replays, many)
	}
}

// ─── Webhooks ──────────────────────────────────────────────────────────────────────────────

func TestWebhooksAreAsTheDocumentSays(t *testing.T) {
	b := newBench(t, nil)
	m := b.register("bank", "biz")
	b.send("PATCH", "/api/merchants/"+m.text("id"), map[string]any{"options": map[string]any{"refundEvents": true}}).want(200, "")
	id := b.paid("biz", "1", 100000)
	b.send("POST", "/api/refunds", `{"invoiceId":"`+id+`","amount":20000,"ofd":`+ofd+`}`).want(201, "")
	b.send("POST", "/api/refunds", `{"invoiceId":"`+id+`","ofd":`+ofd+`}`).want(201, "")
	gone := b.send("POST", "/api/invoices", b.order("biz", "2", nil)).want(201, "").text("id")
	b.send("POST", "/api/invoices/"+gone+"/cancel", nil).want(200, "")
	b.settle()

	var told []string
	for _, d := range b.hooks.all() {
		name := d.header.Get("X-Payment-Event")
		if err := b.doc.Validate("/webhooks/"+name+"/post/requestBody/content/application~1json/schema", d.body); err != nil {
			t.Errorf("%s: %v\n%s", name, err, d.body)
		}
		params := b.doc.At("/webhooks/" + name + "/post/parameters").([]any)
		for i, p := range params {
			header := p.(map[string]any)["name"].(string)
			value, _ := json.Marshal(d.header.Get(header))
			if err := b.doc.Validate(fmt.Sprintf("/webhooks/%s/post/parameters/%d/schema", name, i), value); err != nil || string(value) == `""` {
				t.Errorf("%s is %s: %v", header, value, err)
			}
		}
		if err := webhook.Verify(b.secret, d.header, d.body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var body struct{ Status string }
		must(t, json.Unmarshal(d.body, &body))
		told = append(told, name+" "+body.Status)
	}
	slices.Sort(told)
	want := []string{"invoice.updated cancelled", "invoice.updated paid", "invoice.updated refunded", "refund.updated paid"}
	if !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

// ─── Payouts ───────────────────────────────────────────────────────────────────────────────

// A payout is asked for by exactly one card; who cannot send money says so, and what is not there
// is not found.
func TestPayoutsThatCannotBe(t *testing.T) {
	b := newBench(t, nil)
	b.register("wallet", "biz")
	in := func(more string) string {
		return `{"source":"shop","businessId":"biz","provider":"wallet","sourcePayoutId":"1","amount":1000` + more + `}`
	}
	const card = `,"cardId":"01975f2e-6a09-7bf0-9a1b-00505680eaf6"`
	for _, c := range []struct {
		body, word, detail string
		status             int
	}{
		{in(""), "VALIDATION_ERROR", `"card" is required, or "cardId"`, 400},
		{in(card + `,"kyc":{"lastName":"A"}`), "VALIDATION_ERROR", `"kyc.firstName" is required`, 400},
		{in(card + `,"notifyUrl":"ftp://x"`), "VALIDATION_ERROR", "", 400},
		{in(card), "NOT_SUPPORTED", "Wallet sends no money to cards by our call", 422},
		{strings.Replace(in(card), `"biz"`, `"nobody"`, 1), "NOT_FOUND", "", 404},
	} {
		r := b.send("POST", "/api/payouts", c.body).want(c.status, c.word)
		if c.detail != "" && r.details()[0] != c.detail {
			t.Errorf("%s: got %s", c.body, r.Raw)
		}
	}
	b.send("GET", "/api/payouts/01975f2e-6a09-7bf0-9a1b-00505680eaf6", nil).want(404, "NOT_FOUND")
	b.send("GET", "/api/payouts/01975f2e-6a09-7bf0-9a1b-00505680eaf6/timeline", nil).want(404, "NOT_FOUND")
	b.send("POST", "/api/payouts/01975f2e-6a09-7bf0-9a1b-00505680eaf6/confirm", nil).want(404, "NOT_FOUND")
	b.send("POST", "/api/payouts/x/resend", nil).want(404, "NOT_FOUND")
}

// What a provider cannot be asked is 422, and a time that makes no sense is 400.
func TestWhatAProviderDoesNotTell(t *testing.T) {
	b := newBench(t, nil)
	m := "/api/merchants/" + b.register("wallet", "biz").text("id")
	const day = "?from=2026-05-11T19:00:00Z&to=2026-05-12T19:00:00Z"
	for _, path := range []string{m + "/account", m + "/recipients/01975f2e-6a09-7bf0-9a1b-00505680eaf6", m + "/register" + day, m + "/payout-register" + day} {
		b.send("GET", path, nil).want(422, "NOT_SUPPORTED")
		b.send("GET", strings.Replace(path, m, "/api/merchants/01975f2e-6a09-7bf0-9a1b-00505680eaf6", 1), nil).want(404, "NOT_FOUND")
	}
	b.send("GET", m+"/recipients/x", nil).want(404, "NOT_FOUND")
	for _, query := range []string{"", "?from=2026-05-11T19:00:00Z", "?from=2026-05-12T19:00:00Z&to=2026-05-11T19:00:00Z", "?from=2026-05-12T19:00:00Z&to=2026-08-11T19:00:00Z", day + "&cursor=x", day + "&status=done"} {
		b.send("GET", m+"/register"+query, nil).want(400, "VALIDATION_ERROR")
	}
}
