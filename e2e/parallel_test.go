package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// bench is a gateway in this process with Multicard, whose API can refund whole and in part.
func bench(t *testing.T, f func(t *testing.T, b *providertest.Bench)) {
	for _, p := range app.Plugins() {
		if p.Provider.Info().Name == "multicard" {
			providertest.Each(t, providertest.Setup{Provider: p.Provider, Simulator: p.Simulator, Credentials: p.Sample}, f)
			return
		}
	}
	t.Fatal("there is no Multicard")
}

// paid is an invoice that the buyer has paid.
func paid(t *testing.T, b *providertest.Bench, amount int64) string {
	t.Helper()
	id := b.Invoice(amount, nil)
	link, _ := b.InvoiceField(id, "checkoutUrl").(string)
	if rep, err := b.Sim.Act(t.Context(), simulator.Action{Kind: "pay", Link: link}); err != nil || rep.State != "paid" {
		t.Fatalf("the buyer could not pay: %+v %v", rep, err)
	}
	return id
}

func part(amount int64) map[string]any {
	return map[string]any{"amount": amount, "ofd": []map[string]any{{
		"qty": 1, "price": amount, "total": amount, "mxik": "06401004002000000", "package_code": "1506113", "name": "Non", "vat": 0,
	}}}
}

// TestRefundsInParallel: 64 refunds of one payment at once, whose sum is more than twice what was
// captured, return no more than that. How many of them wait long enough for their turn is the
// machine's speed; what is left afterwards can still be returned, and not a tiyin more.
func TestRefundsInParallel(t *testing.T) {
	bench(t, func(t *testing.T, b *providertest.Bench) {
		const captured, each = 1_000_000, 40_000
		inv := paid(t, b, captured)
		answers := make([]providertest.Answer, 64)
		b.Race(len(answers), func(i int) {
			body := part(each)
			body["invoiceId"], body["idempotencyKey"] = inv, fmt.Sprintf("r-%d", i)
			answers[i] = b.API(http.MethodPost, "/api/refunds", body)
		})
		succeeded := 0
		for i, a := range answers {
			if strings.Contains(string(a.Body), "in_progress") { // it waited 20 s for the others: its repeat does not
				body := part(each)
				body["invoiceId"], body["idempotencyKey"] = inv, fmt.Sprintf("r-%d", i)
				a = b.API(http.MethodPost, "/api/refunds", body)
			}
			switch {
			case a.Status == http.StatusCreated && a.Field("status") == "succeeded":
				succeeded++
			case a.Status != http.StatusConflict:
				t.Errorf("a refund is answered %d %s", a.Status, a.Body)
			}
		}
		b.Settle()
		p := b.Payments(inv)[0]
		if want := pay.Tiyin(succeeded * each); p.Refunded != want || p.Refunded > p.Captured || p.Reserved != 0 {
			t.Errorf("%d refunds succeeded; the payment says %d returned of %d, %d reserved", succeeded, p.Refunded, p.Captured, p.Reserved)
		}
		books := b.Sim.Books()
		if len(books) != 1 || books[0].Refunded != int64(p.Refunded) {
			t.Errorf("the company's book says %+v, ours %d", books, p.Refunded)
		}
		if succeeded == 0 || succeeded > captured/each {
			t.Errorf("%d refunds of %d succeeded", succeeded, captured/each)
		}
		for i := succeeded; i < captured/each; i++ {
			body := part(each)
			body["invoiceId"] = inv
			if a := b.API(http.MethodPost, "/api/refunds", body); a.Status != http.StatusCreated || a.Field("status") != "succeeded" {
				t.Fatalf("what is left cannot be returned: %d %s", a.Status, a.Body)
			}
		}
		body := part(each)
		body["invoiceId"] = inv
		if a := b.API(http.MethodPost, "/api/refunds", body); a.Status != http.StatusConflict {
			t.Errorf("more than was captured: %d %s", a.Status, a.Body)
		}
		if books := b.Sim.Books(); books[0].Refunded != captured || b.Status(inv) != "refunded" {
			t.Errorf("in the end the company returned %d of %d, and the invoice is %s", books[0].Refunded, captured, b.Status(inv))
		}
	})
}

// TestOneKeyOneRefund: 64 equal requests with one Idempotency-Key make one refund, and all get
// it for an answer.
func TestOneKeyOneRefund(t *testing.T) {
	bench(t, func(t *testing.T, b *providertest.Bench) {
		inv := paid(t, b, 1_000_000)
		body := part(250_000)
		body["invoiceId"], body["idempotencyKey"] = inv, "one"
		answers := make([]providertest.Answer, 64)
		b.Race(len(answers), func(i int) { answers[i] = b.API(http.MethodPost, "/api/refunds", body) })
		first := answers[0].Field("id")
		replayed := 0
		for _, a := range answers {
			if a.Status != http.StatusCreated || a.Field("id") != first || first == nil {
				t.Errorf("answered %d %s", a.Status, a.Body)
			}
			if a.Header.Get("Idempotent-Replayed") == "true" {
				replayed++
			}
		}
		if replayed != len(answers)-1 {
			t.Errorf("%d answers say that they are repeats, want %d", replayed, len(answers)-1)
		}
		if n := b.Row("SELECT COUNT(*) FROM refunds"); n != "1" {
			t.Errorf("%s refunds were made", n)
		}
		if books := b.Sim.Books(); len(books) != 1 || books[0].Refunded != 250_000 {
			t.Errorf("the company's book says %+v", books)
		}
	})
}
