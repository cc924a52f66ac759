package click_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

func fiscalSetup() providertest.Setup {
	s := setup()
	s.Options = maps.Clone(s.Options)
	if s.Options == nil {
		s.Options = map[string]any{}
	}
	s.Options["fiscalise"], s.Options["ownTin"] = true, "123456789"
	return s
}

var twoUnits = []any{map[string]any{
	"qty": 2, "price": 250000, "total": 500000, "discount": 100000, "vat": 12,
	"mxik": "06401004002000000", "package_code": "1506113", "name": "Choy, dona",
}}

// A merchant that wants CLICK to make its receipts must say under whose TIN.
func TestFiscalScenario13_NoTINNoFiscalisation(t *testing.T) {
	s := fiscalSetup()
	providertest.Each(t, s, func(t *testing.T, b *providertest.Bench) {
		a := b.API("POST", "/api/merchants", map[string]any{
			"source": "app", "businessId": "without", "provider": "click", "credentials": s.Credentials,
			"options": map[string]any{"fiscalise": true},
		})
		if a.Status != 400 || !strings.Contains(string(a.Body), "options.ownTin") {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	})
}

// buy has the simulated buyer pay at CLICK, so that CLICK knows the payment.
func buy(t *testing.T, b *providertest.Bench, id string) {
	t.Helper()
	link, _ := b.InvoiceField(id, "checkoutUrl").(string)
	r, err := b.Sim.Act(t.Context(), simulator.Action{Kind: "pay", Link: link})
	if err != nil || r.State != "paid" || len(r.Problems) > 0 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// The lines go to CLICK once the payment is paid; its link is asked for until it is there.
func TestFiscalLinesGoToClick(t *testing.T) {
	providertest.Each(t, fiscalSetup(), func(t *testing.T, b *providertest.Bench) {
		id := b.Invoice(400000, map[string]any{"ofd": twoUnits})
		buy(t, b, id)
		if got := b.InvoiceField(id, "fiscalStatus"); got != "pending" {
			t.Fatalf("fiscalStatus is %v", got)
		}
		for range 12 {
			b.Settle()
			b.Advance(time.Hour)
		}
		if got := b.InvoiceField(id, "fiscalStatus"); got != "done" {
			t.Fatalf("fiscalStatus is %v; alarms %+v", got, b.Alarms(id))
		}
		if url, _ := b.InvoiceField(id, "receiptUrl").(string); !strings.HasPrefix(url, "https://ofd.soliq.uz/epi?") {
			t.Fatalf("receiptUrl is %q", url)
		}
	})
}

// A receipt that CLICK refuses for good (it takes marks of 21 characters at most) never touches the payment: it stays paid, and stands
// before a person with CLICK's words.
func TestFiscalScenario17_RefusedForGood(t *testing.T) {
	providertest.Each(t, fiscalSetup(), func(t *testing.T, b *providertest.Bench) {
		id := b.Invoice(400000, map[string]any{"ofd": []any{map[string]any{
			"qty": 1, "price": 400000, "total": 400000, "vat": 12, "mark": []string{strings.Repeat("0", 30)},
			"mxik": "06401004002000000", "package_code": "1506113", "name": "Suv, dona",
		}}})
		buy(t, b, id)
		b.Settle()
		if got := b.InvoiceField(id, "fiscalStatus"); got != "failed" {
			t.Fatalf("fiscalStatus is %v", got)
		}
		if got := b.Status(id); got != "paid" {
			t.Fatalf("the invoice is %s", got)
		}
		if alarms := b.Alarms(id); len(alarms) != 1 || !strings.Contains(alarms[0].Message, "Labels") {
			t.Fatalf("%+v", alarms)
		}
	})
}
