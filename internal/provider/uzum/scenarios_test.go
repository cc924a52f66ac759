package uzum_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/provider/uzum"
	"github.com/chorsu/chorsu/internal/provider/uzum/sim"
)

// The acceptance scenarios of the protocol's reference, on the real gateway and both
// databases. Its order O1 is an invoice of 25 000 soum; its words "400/10007" are
// want(t, answer, "10007").

const (
	serviceID = 101202
	price     = 2500000
)

func setup(options map[string]any) providertest.Setup {
	return providertest.Setup{Provider: uzum.New(), Simulator: sim.New, Credentials: credentials, Options: options}
}

// fields is the body of a message.
type fields map[string]any

// message sends one call as Uzum does, with what every call carries.
func message(b *providertest.Bench, operation string, f fields) providertest.Answer {
	b.T.Helper()
	all := fields{"serviceId": serviceID, "timestamp": b.Now().UnixMilli()}
	maps.Copy(all, f)
	for name, value := range f {
		if value == absent {
			delete(all, name)
		}
	}
	body, err := json.Marshal(all)
	if err != nil {
		b.T.Fatal(err)
	}
	return b.Do("POST", b.CallbackURL+"/"+operation, authorization(credentials["password"]), body)
}

// absent leaves a field out.
const absent = "\x00absent"

func authorization(password string) http.Header {
	pair := base64.StdEncoding.EncodeToString([]byte(credentials["login"] + ":" + password))
	return http.Header{"Authorization": {"Basic " + pair}, "Content-Type": {"application/json"}}
}

func check(b *providertest.Bench, order any) providertest.Answer {
	return message(b, "check", fields{"params": fields{"order_id": order}})
}

func create(b *providertest.Bench, transID string, order any, amount int64) providertest.Answer {
	return message(b, "create", fields{"transId": transID, "params": fields{"order_id": order}, "amount": amount})
}

func confirm(b *providertest.Bench, transID string) providertest.Answer {
	return message(b, "confirm", fields{
		"transId": transID, "paymentSource": "UZCARD", "tariff": nil, "processingReferenceNumber": "000",
		"phone": "998901234567", "cardType": 2,
	})
}

func reverse(b *providertest.Bench, transID string) providertest.Answer {
	return message(b, "reverse", fields{"transId": transID})
}

func status(b *providertest.Bench, transID string) providertest.Answer {
	return message(b, "status", fields{"transId": transID})
}

// said is one field of an answer, as text; numbers as they were written.
func said(a providertest.Answer, field string) string {
	m, _ := a.JSON.(map[string]any)
	if m[field] == nil {
		return ""
	}
	return fmt.Sprint(m[field])
}

// want compares an answer with a status word (HTTP 200), or with a code (HTTP 400, FAILED).
func want(t *testing.T, a providertest.Answer, word string) {
	t.Helper()
	if strings.Trim(word, "0123456789") != "" {
		if a.Status != 200 || said(a, "status") != word || said(a, "errorCode") != "" {
			t.Fatalf("answered %d %s, want 200 %s", a.Status, a.Body, word)
		}
		return
	}
	code, isText := a.JSON.(map[string]any)["errorCode"].(string)
	if a.Status != 400 || said(a, "status") != "FAILED" || !isText || code != word {
		t.Fatalf("answered %d %s, want 400/%s", a.Status, a.Body, word)
	}
}

// paidInvoice is an invoice with its payment confirmed.
func paidInvoice(t *testing.T, b *providertest.Bench) (id, transID string) {
	t.Helper()
	id, transID = b.Invoice(price, nil), uuid.NewString()
	want(t, create(b, transID, id, price), "CREATED")
	want(t, confirm(b, transID), "CONFIRMED")
	return id, transID
}

// events are the statuses that the app was told of an invoice, in order.
func events(b *providertest.Bench, id string) string {
	var out []string
	for _, w := range b.Webhooks(id) {
		out = append(out, w.Event+" "+fmt.Sprint(w.JSON["status"]))
	}
	return strings.Join(out, ", ")
}

func TestScenario01_CheckStoresNothing(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id := b.Invoice(price, nil)
		for range 2 {
			a := check(b, id)
			want(t, a, "OK")
			if said(a, "serviceId") != "101202" || said(a, "timestamp") != fmt.Sprint(b.Now().UnixMilli()) {
				t.Errorf("answered %s", a.Body)
			}
			data, _ := a.JSON.(map[string]any)["data"].(map[string]any)
			if fmt.Sprint(data["amount"]) != "map[value:25000]" || fmt.Sprint(data["account"]) != "map[value:"+id+"]" {
				t.Errorf("the app shows %v", data)
			}
			b.Advance(time.Second)
		}
		if n := len(b.Payments(id)); n != 0 {
			t.Errorf("%d payments were stored", n)
		}
	})
}

func TestScenario02_CheckOfWhatCannotBePaid(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		want(t, check(b, "O404"), "10007")
		want(t, check(b, uuid.NewString()), "10007")
		id, _ := paidInvoice(t, b)
		want(t, check(b, id), "10008")
		want(t, create(b, uuid.NewString(), id, price), "10008")
		gone := b.Invoice(price, nil)
		if a := b.API("POST", "/api/invoices/"+gone+"/cancel", nil); a.Status != 200 {
			t.Fatalf("cancel: %s", a.Body)
		}
		want(t, check(b, gone), "10009")
		want(t, create(b, uuid.NewString(), gone, price), "10009")
		late := b.Invoice(price, nil)
		b.Advance(25 * time.Hour)
		want(t, check(b, late), "10009")
		want(t, create(b, uuid.NewString(), late, price), "10009")
	})
}

func TestScenario03_Create(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := b.Invoice(price, nil), uuid.NewString()
		a := create(b, trans, id, price)
		want(t, a, "CREATED")
		if said(a, "transId") != trans || said(a, "transTime") != fmt.Sprint(b.Now().UnixMilli()) || said(a, "amount") != "2500000" {
			t.Errorf("answered %s", a.Body)
		}
		p := b.Payments(id)
		if len(p) != 1 || p[0].Ref != trans || p[0].State != pay.Created || p[0].Amount != price {
			t.Errorf("stored %+v", p)
		}
		if b.Status(id) != "pending" {
			t.Errorf("the invoice is %s", b.Status(id))
		}
	})
}

func TestScenario04_CreateAgain(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := b.Invoice(price, nil), uuid.NewString()
		first := create(b, trans, id, price)
		want(t, first, "CREATED")
		b.Advance(time.Minute)
		want(t, create(b, trans, id, price), "10010")
		if n := len(b.Payments(id)); n != 1 {
			t.Errorf("%d payments", n)
		}
		if a := status(b, trans); said(a, "status") != "CREATED" || said(a, "transTime") != said(first, "transTime") {
			t.Errorf("status is %s, created at %s", a.Body, said(first, "transTime"))
		}
		// Another attempt waits for the first, and does not wait for ever.
		want(t, create(b, uuid.NewString(), id, price), "10010")
	})
}

func TestScenario05_TheUnitMistakeDoesNotPass(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id := b.Invoice(price, nil)
		for _, amount := range []int64{25000, price + 1, price - 1, 250000000, 0, -price} {
			want(t, create(b, uuid.NewString(), id, amount), "10011")
		}
		if n := len(b.Payments(id)); n != 0 {
			t.Errorf("%d payments were stored", n)
		}
	})
}

func TestScenario05_TheSameInSoum(t *testing.T) {
	providertest.Each(t, setup(map[string]any{"amountUnit": "som"}), func(t *testing.T, b *providertest.Bench) {
		id, trans := b.Invoice(price, nil), uuid.NewString()
		want(t, create(b, uuid.NewString(), id, price), "10011")
		a := create(b, trans, id, 25000)
		want(t, a, "CREATED")
		if said(a, "amount") != "25000" {
			t.Errorf("answered %s", a.Body)
		}
		want(t, confirm(b, trans), "CONFIRMED")
		if p := b.Payments(id); len(p) != 1 || p[0].Captured != price {
			t.Errorf("stored %+v", p)
		}
		if link := fmt.Sprint(b.InvoiceField(id, "checkoutUrl")); !strings.Contains(link, "&amount=25000") || strings.Contains(link, "amount=2500000") {
			t.Errorf("link %s", link)
		}
	})
}

func TestScenario06_Confirm(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := b.Invoice(price, nil), uuid.NewString()
		want(t, create(b, trans, id, price), "CREATED")
		b.Advance(time.Minute)
		a := confirm(b, trans)
		want(t, a, "CONFIRMED")
		if said(a, "confirmTime") != fmt.Sprint(b.Now().UnixMilli()) || said(a, "amount") != "2500000" || said(a, "transId") != trans {
			t.Errorf("answered %s", a.Body)
		}
		if b.Status(id) != "paid" {
			t.Errorf("the invoice is %s", b.Status(id))
		}
		hooks := b.Webhooks(id)
		if len(hooks) != 1 || hooks[0].Event != pay.EventInvoiceUpdated || hooks[0].JSON["status"] != "paid" {
			t.Fatalf("the app was told %q", events(b, id))
		}
		card, _ := hooks[0].JSON["card"].(map[string]any)
		if card["paymentSystem"] != "uzcard" || hooks[0].JSON["providerUuid"] != trans {
			t.Errorf("the app was told %s", hooks[0].Raw)
		}
		if strings.Contains(b.Row("SELECT meta FROM payments WHERE ref = $1", trans), "998901234567") {
			t.Error("the buyer's telephone number was kept")
		}
	})
}

func TestScenario07_ConfirmAgain(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := paidInvoice(t, b)
		b.Advance(time.Hour)
		want(t, confirm(b, trans), "10016")
		if got := events(b, id); got != "invoice.updated paid" {
			t.Errorf("the app was told %q", got)
		}
		id, trans = b.Invoice(price, nil), uuid.NewString()
		want(t, create(b, trans, id, price), "CREATED")
		var yes, again atomic.Int32
		b.Race(8, func(int) {
			switch a := confirm(b, trans); {
			case a.Status == 200 && said(a, "status") == "CONFIRMED":
				yes.Add(1)
			case a.Status == 400 && said(a, "errorCode") == "10016":
				again.Add(1)
			}
		})
		if yes.Load() != 1 || again.Load() != 7 {
			t.Errorf("of 8 confirmations at once %d were CONFIRMED and %d 10016", yes.Load(), again.Load())
		}
		if got := events(b, id); got != "invoice.updated paid" {
			t.Errorf("the app was told %q", got)
		}
	})
}

func TestScenario08_Status(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := b.Invoice(price, nil), uuid.NewString()
		made := create(b, trans, id, price)
		b.Advance(time.Second)
		taken := confirm(b, trans)
		b.Advance(time.Second)
		a := status(b, trans)
		want(t, a, "CONFIRMED")
		m := a.JSON.(map[string]any)
		if value, there := m["reverseTime"]; !there || value != nil {
			t.Errorf("reverseTime is %v", value)
		}
		if said(a, "transTime") != said(made, "transTime") || said(a, "confirmTime") != said(taken, "confirmTime") || said(a, "transTime") >= said(a, "confirmTime") {
			t.Errorf("answered %s", a.Body)
		}
	})
}

func TestScenario09_ReverseAfterConfirm(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := paidInvoice(t, b)
		b.Advance(time.Hour)
		a := reverse(b, trans)
		want(t, a, "REVERSED")
		if said(a, "reverseTime") != fmt.Sprint(b.Now().UnixMilli()) || said(a, "amount") != "2500000" {
			t.Errorf("answered %s", a.Body)
		}
		if b.Status(id) != "refunded" {
			t.Errorf("the invoice is %s", b.Status(id))
		}
		b.Advance(time.Hour)
		want(t, reverse(b, trans), "10018")
		want(t, confirm(b, trans), "10015")
		if s := status(b, trans); said(s, "status") != "REVERSED" || said(s, "reverseTime") != said(a, "reverseTime") || said(s, "confirmTime") == "" {
			t.Errorf("status is %s", s.Body)
		}
		if got := events(b, id); got != "invoice.updated paid, invoice.updated refunded" {
			t.Errorf("the app was told %q", got)
		}
		want(t, check(b, id), "10008")
	})
}

func TestScenario10_ReverseBeforeConfirm(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := b.Invoice(price, nil), uuid.NewString()
		want(t, create(b, trans, id, price), "CREATED")
		want(t, reverse(b, trans), "REVERSED")
		want(t, reverse(b, trans), "10018")
		want(t, confirm(b, trans), "10015")
		if got := b.Status(id); got != "pending" {
			t.Errorf("the invoice is %s", got)
		}
		next := uuid.NewString()
		want(t, create(b, next, id, price), "CREATED")
		want(t, confirm(b, next), "CONFIRMED")
		if got := events(b, id); got != "invoice.updated paid" {
			t.Errorf("the app was told %q", got)
		}
	})
}

func TestScenario11_NotConfirmedInThirtyMinutes(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := b.Invoice(price, nil), uuid.NewString()
		want(t, create(b, trans, id, price), "CREATED")
		b.Advance(30*time.Minute + time.Second)
		before := b.Row("SELECT state FROM payments WHERE ref = $1", trans)
		want(t, status(b, trans), "FAILED")
		if after := b.Row("SELECT state FROM payments WHERE ref = $1", trans); after != before {
			t.Errorf("status wrote: %s became %s", before, after)
		}
		want(t, create(b, trans, id, price), "10010")
		want(t, confirm(b, trans), "10015")
		want(t, confirm(b, trans), "10015")
		if len(b.Alarms(id)) == 0 {
			t.Error("a buyer was debited for what had lapsed, and no alarm stands")
		}
		want(t, status(b, trans), "FAILED")
		next := uuid.NewString()
		want(t, create(b, next, id, price), "CREATED")
		want(t, reverse(b, trans), "REVERSED") // harmless
		want(t, status(b, next), "CREATED")
		want(t, confirm(b, next), "CONFIRMED")
		if b.Status(id) != "paid" {
			t.Errorf("the invoice is %s", b.Status(id))
		}
	})
}

func TestScenario11_AtThirtyMinutesItStillStands(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := b.Invoice(price, nil), uuid.NewString()
		want(t, create(b, trans, id, price), "CREATED")
		b.Advance(30 * time.Minute)
		want(t, status(b, trans), "CREATED")
		want(t, confirm(b, trans), "CONFIRMED")
	})
}

func TestScenario12_WhatIsWrongWithAMessage(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := b.Invoice(price, nil), uuid.NewString()
		body, _ := json.Marshal(fields{"serviceId": serviceID, "timestamp": b.Now().UnixMilli(), "params": fields{"order_id": id}})
		do := func(method, operation string, h http.Header, body string) providertest.Answer {
			return b.Do(method, b.CallbackURL+"/"+operation, h, []byte(body))
		}
		good := authorization(credentials["password"])
		want(t, do("POST", "check", nil, string(body)), "10001")
		want(t, do("POST", "check", authorization("wrong"), string(body)), "10001")
		want(t, message(b, "check", fields{"serviceId": 1, "params": fields{"order_id": id}}), "10006")
		for _, operation := range []string{"check", "create", "confirm", "reverse", "status"} {
			want(t, do("GET", operation, good, ""), "10003")
			want(t, do("POST", operation, good, "{"), "10002")
			want(t, message(b, operation, fields{"serviceId": 1, "transId": trans, "amount": price, "params": fields{"order_id": id}}), "10006")
			want(t, message(b, operation, fields{"serviceId": absent, "transId": trans, "amount": price, "params": fields{"order_id": id}}), "10005")
		}
		want(t, do("POST", "refund", good, string(body)), "10003")
		want(t, do("POST", "check", good, strings.Repeat(" ", 70<<10)+string(body)), "10002")
		want(t, message(b, "confirm", nil), "10005")
		for _, a := range []providertest.Answer{confirm(b, trans), reverse(b, trans), status(b, trans)} {
			want(t, a, "10014")
		}
		if n := len(b.Payments(id)); n != 0 || b.Status(id) != "pending" {
			t.Errorf("%d payments, the invoice is %s", n, b.Status(id))
		}
	})
}

func TestScenario13_OrderAsANumber(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := b.Invoice(price, nil), uuid.NewString()
		number := fmt.Sprint(b.InvoiceField(id, "payNumber"))
		want(t, check(b, number), "OK")
		want(t, check(b, json.Number(number)), "OK")
		want(t, create(b, trans, json.Number(number), price), "CREATED")
		want(t, confirm(b, trans), "CONFIRMED")
		if b.Status(id) != "paid" {
			t.Errorf("the invoice is %s", b.Status(id))
		}
	})
}

func TestScenario14_AnswerToConfirmIsLost(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id := b.Invoice(price, nil)
		b.World.Faults.Set(simulator.Fault{Step: "confirm", Kind: simulator.LostAfter, Times: 1})
		r, err := b.Sim.Act(t.Context(), simulator.Action{Kind: "pay", Link: fmt.Sprint(b.InvoiceField(id, "checkoutUrl"))})
		if err != nil || len(r.Problems) > 0 || r.State != "paid" {
			t.Fatalf("%v, %s at Uzum, problems %q", err, r.State, r.Problems)
		}
		first := said(status(b, r.Ref), "confirmTime")
		for range 10 {
			b.Advance(time.Minute)
			if a := status(b, r.Ref); said(a, "status") != "CONFIRMED" || said(a, "confirmTime") != first {
				t.Fatalf("status is %s, the first confirmTime %s", a.Body, first)
			}
		}
		if got := events(b, id); got != "invoice.updated paid" {
			t.Errorf("the app was told %q", got)
		}
	})
}

func TestScenario15_Link(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id := b.Invoice(price, map[string]any{"returnUrl": "https://shop.uz/r?a=1&b=2"})
		link := fmt.Sprint(b.InvoiceField(id, "checkoutUrl"))
		_, query, _ := strings.Cut(link, "?")
		if wanted := "serviceId=101202&order_id=" + id + "&amount=2500000&redirectUrl=https%3A%2F%2Fshop.uz%2Fr%3Fa%3D1%26b%3D2"; query != wanted {
			t.Errorf("link %s, want …?%s", link, wanted)
		}
		if got := b.InvoiceField(id, "deeplink"); got != "uzum://pay?order="+id {
			t.Errorf("deeplink %v", got)
		}
	})
}

func TestScenario15_LinkWithTheServicesOwnAttribute(t *testing.T) {
	providertest.Each(t, setup(map[string]any{"uzumAttribute": "account"}), func(t *testing.T, b *providertest.Bench) {
		id := b.Invoice(price, nil)
		u, err := url.Parse(fmt.Sprint(b.InvoiceField(id, "checkoutUrl")))
		if err != nil || u.Query().Get("account") != id || u.Query().Has("order_id") || u.Query().Has("redirectUrl") {
			t.Errorf("link %v (%v)", u, err)
		}
		want(t, check(b, id), "10007")
		want(t, message(b, "check", fields{"params": fields{"account": id}}), "OK")
	})
}
