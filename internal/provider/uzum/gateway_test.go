package uzum_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// What the reference's scenarios leave open, on the real gateway.

func act(t *testing.T, b *providertest.Bench, a simulator.Action) simulator.Report {
	t.Helper()
	r, err := b.Sim.Act(t.Context(), a)
	if err != nil {
		t.Fatal(a.Kind, err)
	}
	for _, p := range r.Problems {
		t.Errorf("%s: Uzum objects: %s", a.Kind, p)
	}
	return r
}

// TestEveryMisuseIsRefused lets the simulator try everything that must be refused.
func TestEveryMisuseIsRefused(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id := b.Invoice(price, nil)
		link := fmt.Sprint(b.InvoiceField(id, "checkoutUrl"))
		act(t, b, simulator.Action{Kind: "probe", Link: link})
		if n := len(b.Payments(id)); n != 0 || b.Status(id) != "pending" {
			t.Errorf("%d payments, the invoice is %s", n, b.Status(id))
		}
		act(t, b, simulator.Action{Kind: "pay_twice", Link: link})
		act(t, b, simulator.Action{Kind: "probe", Link: link})
		if got := events(b, id); got != "invoice.updated paid" {
			t.Errorf("the app was told %q", got)
		}
	})
}

// TestBothBooksAgree: whatever the network did to a payment, afterwards Uzum's books and ours
// say the same, or Uzum knows that it does not know and is told when it asks.
func TestBothBooksAgree(t *testing.T) {
	faults := []simulator.Fault{
		{Step: "create", Kind: simulator.LostBefore}, {Step: "create", Kind: simulator.LostAfter},
		{Step: "create", Kind: simulator.HalfBody}, {Step: "create", Kind: simulator.Twice},
		{Step: "create", Kind: simulator.WrongAmount}, {Step: "create", Kind: simulator.WrongSignature},
		{Step: "create", Kind: simulator.ClockSkew, Delay: -48 * time.Hour},
		{Step: "confirm", Kind: simulator.LostBefore}, {Step: "confirm", Kind: simulator.LostAfter},
		{Step: "confirm", Kind: simulator.HalfBody}, {Step: "confirm", Kind: simulator.Twice},
		{Step: "confirm", Kind: simulator.Reordered}, {Step: "confirm", Kind: simulator.WrongSignature},
	}
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		for _, f := range faults {
			id := b.Invoice(price, nil)
			f.Times = 1
			b.World.Faults.Set(f)
			r := act(t, b, simulator.Action{Kind: "pay", Link: fmt.Sprint(b.InvoiceField(id, "checkoutUrl"))})
			if r.State == "suspended" {
				r = act(t, b, simulator.Action{Kind: "repeat", Ref: r.Ref, Params: map[string]string{"step": "confirm"}})
			}
			if paid := r.State == "paid"; paid != (b.Status(id) == "paid") {
				t.Errorf("%s %s: %s at Uzum, %s with us", f.Step, f.Kind, r.State, b.Status(id))
			}
			want := ""
			if r.State == "paid" {
				want = "invoice.updated paid"
			}
			if got := events(b, id); got != want {
				t.Errorf("%s %s: the app was told %q", f.Step, f.Kind, got)
			}
		}
	})
}

// TestDatabaseDown: what cannot be written is neither yes nor no.
func TestDatabaseDown(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := b.Invoice(price, nil), uuid.NewString()
		b.FailStore(true)
		want(t, create(b, trans, id, price), "99999")
		b.FailStore(false)
		want(t, create(b, trans, id, price), "CREATED")
		b.FailStore(true)
		want(t, confirm(b, trans), "99999")
		want(t, reverse(b, trans), "99999")
		want(t, status(b, trans), "CREATED")
		b.FailStore(false)
		want(t, confirm(b, trans), "CONFIRMED")
		if got := events(b, id); got != "invoice.updated paid" {
			t.Errorf("the app was told %q", got)
		}
	})
}

// TestStrangersAndNeighbours: another business's order, nobody's address, one address for all.
func TestStrangersAndNeighbours(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id := b.Invoice(price, nil)
		neighbour := map[string]string{"serviceId": "7", "login": "neighbour", "password": "pw"}
		_, theirs := b.Register("biz-2", neighbour, nil)
		body, _ := json.Marshal(fields{"serviceId": 7, "timestamp": b.Now().UnixMilli(), "params": fields{"order_id": id}})
		h := authorization("")
		h.Set("Authorization", "Basic bmVpZ2hib3VyOnB3")
		want(t, b.Do("POST", theirs+"/check", h, body), "10007")
		want(t, b.Do("POST", b.CallbackURL+"/check", h, body), "10001")

		base, _, _ := strings.Cut(b.CallbackURL, "/api/callbacks/")
		good := authorization(credentials["password"])
		want(t, b.Do("POST", base+"/api/callbacks/uzum/"+uuid.NewString()+"/check", good, body), "10001")

		// One address for all: the message says whose it is, and the password proves it.
		common := base + "/api/callbacks/uzum/check"
		want(t, b.Do("POST", common, h, body), "10007")
		want(t, b.Do("POST", common, good, body), "10001")
		ours, _ := json.Marshal(fields{"serviceId": serviceID, "timestamp": b.Now().UnixMilli(), "params": fields{"order_id": id}})
		want(t, b.Do("POST", common, good, ours), "OK")
		want(t, b.Do("POST", common, good, []byte("{")), "10001")
	})
}

// TestInactiveMerchant takes nothing new, and ends what was begun.
func TestInactiveMerchant(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := b.Invoice(price, nil), uuid.NewString()
		other := b.Invoice(price, nil)
		want(t, create(b, trans, id, price), "CREATED")
		if a := b.API("PATCH", "/api/merchants/"+b.MerchantID, map[string]any{"isActive": false}); a.Status != 200 {
			t.Fatalf("deactivate: %s", a.Body)
		}
		want(t, check(b, other), "99999")
		want(t, create(b, uuid.NewString(), other, price), "99999")
		want(t, confirm(b, trans), "CONFIRMED")
		want(t, reverse(b, trans), "REVERSED")
		if b.Status(id) != "refunded" {
			t.Errorf("the invoice is %s", b.Status(id))
		}
	})
}

// TestOpenAttemptProtectsItsInvoice: a buyer who may be debited at any moment is not cancelled
// under his hands.
func TestOpenAttemptProtectsItsInvoice(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := b.Invoice(price, nil), uuid.NewString()
		want(t, create(b, trans, id, price), "CREATED")
		if a := b.API("POST", "/api/invoices/"+id+"/cancel", nil); a.Status != 409 || !strings.Contains(string(a.Body), "payment_in_progress") {
			t.Errorf("cancel is answered %d %s", a.Status, a.Body)
		}
		b.Advance(31 * time.Minute)
		if a := b.API("POST", "/api/invoices/"+id+"/cancel", nil); a.Status != 200 {
			t.Errorf("cancel of what has lapsed is answered %d %s", a.Status, a.Body)
		}
		want(t, confirm(b, trans), "10015")
		if b.Status(id) != "cancelled" || len(b.Alarms(id)) == 0 {
			t.Errorf("the invoice is %s with %d alarms", b.Status(id), len(b.Alarms(id)))
		}
	})
}

// TestRefundIsMadeAtUzum: our API says where.
func TestRefundIsMadeAtUzum(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id, trans := paidInvoice(t, b)
		a := b.API("POST", "/api/refunds", map[string]any{"invoiceId": id})
		if a.Status != 422 || !strings.Contains(string(a.Body), "Uzum's merchant support") {
			t.Errorf("a refund is answered %d %s", a.Status, a.Body)
		}
		want(t, reverse(b, trans), "REVERSED")
		if got := events(b, id); got != "invoice.updated paid, invoice.updated refunded" {
			t.Errorf("the app was told %q", got)
		}
	})
}

// TestHalfASoum: a service that counts in soum is not asked for less, and nothing is rounded.
func TestHalfASoum(t *testing.T) {
	providertest.Each(t, setup(map[string]any{"amountUnit": "som"}), func(t *testing.T, b *providertest.Bench) {
		a := b.API("POST", "/api/invoices", map[string]any{
			"source": "app", "businessId": "biz-1", "provider": "uzum", "sourceInvoiceId": "half",
			"amount": 2500050, "notifyUrl": "https://shop.example/hook",
		})
		if a.Status != 400 || !strings.Contains(string(a.Body), "multiple of 100") {
			t.Errorf("answered %d %s", a.Status, a.Body)
		}
	})
}

// TestBadRegistrations: every fault of the credentials at once, as a 400.
func TestBadRegistrations(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		a := b.API("POST", "/api/merchants", map[string]any{
			"source": "app", "businessId": "biz-3", "provider": "uzum",
			"credentials": map[string]string{"serviceId": "x1", "login": "a:b", "password": "p\n"},
			"options":     map[string]any{"uzumAttribute": "amount"},
		})
		for _, field := range []string{"credentials.serviceId", "credentials.login", "credentials.password", "options.uzumAttribute"} {
			if a.Status != 400 || !strings.Contains(string(a.Body), field) {
				t.Errorf("%s is not named: %d %s", field, a.Status, a.Body)
			}
		}
	})
}

// TestFiscalScenario04and05_ThroughTheAPI: the founding document's line is taken, and what is
// wrong with one is named. (The rules themselves are tested with package pay.)
func TestFiscalScenario04and05_ThroughTheAPI(t *testing.T) {
	line := func(change func(map[string]any)) []any {
		l := map[string]any{
			"qty": 1, "price": 100000, "total": 100000, "mxik": "06401004002000000",
			"package_code": "1506113", "name": "Test", "vat": 0,
		}
		if change != nil {
			change(l)
		}
		return []any{l}
	}
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		if id := b.Invoice(100000, map[string]any{"ofd": line(nil)}); b.Status(id) != "pending" {
			t.Errorf("the founding document's invoice is %s", b.Status(id))
		}
		for _, c := range []struct {
			name   string
			amount int
			ofd    []any
			detail string
		}{
			{"another sum", 90000, line(nil), "100000 ≠ 90000"},
			{"MXIK as a number", 100000, line(func(l map[string]any) { l["mxik"] = json.Number("6401004002000000") }), "mxik"},
			{"16 digits", 100000, line(func(l map[string]any) { l["mxik"] = "6401004002000000" }), "mxik"},
			{"VAT of 2022", 100000, line(func(l map[string]any) { l["vat"] = 15 }), "vat"},
		} {
			a := b.API("POST", "/api/invoices", map[string]any{
				"source": "app", "businessId": "biz-1", "provider": "uzum", "sourceInvoiceId": c.name,
				"amount": c.amount, "notifyUrl": "https://shop.example/hook", "ofd": c.ofd,
			})
			m, _ := a.JSON.(map[string]any)
			data, _ := m["data"].(map[string]any)
			details, _ := data["details"].([]any)
			named := slices.ContainsFunc(details, func(d any) bool { return strings.Contains(fmt.Sprint(d), c.detail) })
			if a.Status != 400 || m["message"] != "VALIDATION_ERROR" || !named {
				t.Errorf("%s: answered %d %s", c.name, a.Status, a.Body)
			}
		}
	})
}

// TestManyBuyersOfOneOrder: 64 at once; one pays, and nobody else is debited.
func TestManyBuyersOfOneOrder(t *testing.T) {
	providertest.Each(t, setup(nil), func(t *testing.T, b *providertest.Bench) {
		id := b.Invoice(price, nil)
		link := fmt.Sprint(b.InvoiceField(id, "checkoutUrl"))
		b.Race(64, func(int) {
			if _, err := b.Sim.Act(t.Context(), simulator.Action{Kind: "pay", Link: link}); err != nil {
				t.Error(err)
			}
		})
		paid := 0
		for _, e := range b.Sim.Books() {
			switch e.State {
			case "paid":
				paid++
			case "refused":
			default:
				t.Errorf("one is %s at Uzum", e.State)
			}
		}
		live := 0
		for _, p := range b.Payments(id) {
			if p.State == pay.Paid {
				live++
			}
		}
		if paid != 1 || live != 1 || b.Status(id) != "paid" {
			t.Errorf("%d paid at Uzum, %d with us, the invoice is %s", paid, live, b.Status(id))
		}
		if got := events(b, id); got != "invoice.updated paid" {
			t.Errorf("the app was told %q", got)
		}
	})
}
