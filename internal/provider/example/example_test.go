package example_test

import (
	"testing"

	"github.com/chorsu/chorsu/internal/provider/example"
	"github.com/chorsu/chorsu/internal/provider/example/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

var setup = providertest.Setup{
	Provider:    example.New(),
	Simulator:   sim.New,
	Credentials: map[string]string{"shopId": "shop-1", "secret": "0123456789abcdef"},
}

// act does something at the company, and wants it to end in a state.
func act(t *testing.T, b *providertest.Bench, a simulator.Action, want string) simulator.Report {
	t.Helper()
	rep, err := b.Sim.Act(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if rep.State != want || len(rep.Problems) > 0 {
		t.Fatalf("%s: the company says %s, want %s; problems %q; exchanges %+v", a.Kind, rep.State, want, rep.Problems, rep.Exchanges)
	}
	return rep
}

func link(b *providertest.Bench, invoiceID string) string {
	s, _ := b.InvoiceField(invoiceID, "checkoutUrl").(string)
	return s
}

func TestABuyerPaysAndTheAppIsTold(t *testing.T) {
	providertest.Each(t, setup, func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(150_000_00, nil)
		act(t, b, simulator.Action{Kind: "pay", Link: link(b, inv)}, "paid")
		if got := b.Status(inv); got != "paid" {
			t.Errorf("the invoice is %s", got)
		}
		hooks := b.Webhooks(inv)
		if len(hooks) != 1 || hooks[0].JSON["status"] != "paid" {
			t.Errorf("webhooks: %+v", hooks)
		}
	})
}
