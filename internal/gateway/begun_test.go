package gateway_test

import (
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// A company that is called twice names the payment before it takes the money. Wherever the process
// dies after that, the name is known, and a charge that has ended is what the company's book says.
func TestChargeDiesAfterItIsNamed(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*cardCompany, func())
		want pay.State
	}{
		{"before the money", func(c *cardCompany, die func()) { c.between = die }, pay.Failed},
		{"after the money", func(c *cardCompany, die func()) { c.between, c.after = func() {}, die }, pay.Paid},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				fx.cards.askable = true
				c.set(fx.cards, func() { panic("killed") })
				fx.merchant("b1", "cards")
				inv := fx.invoice(fx.input("cards", "o1"))
				in := gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}
				dies(t, func() { _, _ = fx.Pay(t.Context(), in, gateway.Idem{}) })
				p := fx.get(inv.ID).Payment
				if p.State != pay.Created || p.Asked != pay.AskedCharge || p.Ref != "ref-"+p.ID || string(p.Meta) != `{"n":1}` {
					t.Fatalf("before anybody asks: %+v", p)
				}
				var asked []string
				fx.cards.says = func(_ string, p pay.Payment) (provider.Outcome, error) {
					asked = append(asked, p.Ref)
					o := provider.Outcome{State: pay.Failed, Reason: pay.DeclineUnreached}
					if fx.cards.taken[p.ID] {
						o = provider.Outcome{State: pay.Paid, Amount: p.Amount}
					}
					return o, nil
				}
				fx.advance(gateway.Lease + time.Second)
				fx.settle()
				if got := fx.get(inv.ID).Payment; got.State != c.want || len(asked) != 1 || asked[0] != p.Ref || fx.cards.charges != 1 {
					t.Errorf("%s after %d charges; it was asked by %q", got.State, fx.cards.charges, asked)
				}
			})
		})
	}
}

// Where the name cannot be written down, or others have begun to ask meanwhile, no money is taken.
func TestNoChargeWithoutItsNameWrittenDown(t *testing.T) {
	for name, meanwhile := range map[string]func(*fixture){
		"the database is away": func(fx *fixture) { fx.store.FailWrites(true) },
		"it stood still":       func(fx *fixture) { fx.advance(gateway.Lease) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				fx.cards.askable = true
				fx.cards.before, fx.cards.between = func() { meanwhile(fx) }, func() {}
				fx.merchant("b1", "cards")
				inv := fx.invoice(fx.input("cards", "o1"))
				_, err := fx.Pay(t.Context(), gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}, gateway.Idem{})
				fx.store.FailWrites(false)
				if err == nil || len(fx.cards.taken) != 0 {
					t.Errorf("%v; taken %v", err, fx.cards.taken)
				}
			})
		})
	}
}

// Another code moves no money, also where the company would now do without one.
func TestAnotherCodeTakesNoMoney(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		sent := fx.Now()
		fx.cards.says = func(string, pay.Payment) (provider.Outcome, error) {
			return provider.Outcome{State: pay.Created, Ref: "first", Needs: provider.Next{Kind: "otp", ExpiresAt: sent.Add(time.Hour)}}, nil
		}
		fx.merchant("b1", "cards")
		inv := fx.invoice(fx.input("cards", "o1"))
		in := gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}
		if _, err := fx.Pay(t.Context(), in, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		fx.cards.says, fx.cards.between = nil, func() {}
		fx.advance(5 * time.Minute)
		if _, err := fx.ResendCode(t.Context(), in, gateway.Idem{}); pay.CodeOf(err) != pay.CodeUpstream || len(fx.cards.taken) != 0 {
			t.Errorf("%v; taken %v", err, fx.cards.taken)
		}
		if p := fx.get(inv.ID).Payment; p.State != pay.Created || p.Asked != "" || p.Ref != "first" {
			t.Errorf("the first code no longer counts: %+v", p)
		}
	})
}
