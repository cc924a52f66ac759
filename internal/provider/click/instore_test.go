package click_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/click"
	"github.com/chorsu/chorsu/internal/provider/click/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

var passSetup = providertest.Setup{
	Provider: click.NewPass(), Simulator: sim.New,
	Credentials: map[string]string{"serviceId": "73438", "merchantUserId": "3333", "secretKey": "click-test-secret"},
}

func TestClickPassConforms(t *testing.T) {
	providertest.ConformWallet(t, passSetup, providertest.Wallet{Step: "click_pass.payment"})
}

func passCode(t *testing.T, b *providertest.Bench, plan simulator.Plan) string {
	t.Helper()
	rep, err := b.Sim.Act(t.Context(), simulator.Action{Kind: "code", Params: map[string]string{"plan": string(plan)}})
	if err != nil {
		t.Fatal(err)
	}
	return rep.Ref
}

func passPay(t *testing.T, b *providertest.Bench, invoice, code string) providertest.Answer {
	t.Helper()
	return b.API(http.MethodPost, "/api/invoices/"+invoice+"/pay", map[string]any{"method": "qr", "code": code})
}

func confirmMode(t *testing.T, b *providertest.Bench) {
	t.Helper()
	if _, err := b.Sim.Act(t.Context(), simulator.Action{Kind: "set", Params: map[string]string{"confirm_mode": "true"}}); err != nil {
		t.Fatal(err)
	}
}

// 27: confirmed inside 30 s → paid; not confirmed, clock +31 s → CLICK takes it back, and our
// payment has failed.
func TestScenario_27_ClickPassConfirmMode(t *testing.T) {
	providertest.Each(t, passSetup, func(t *testing.T, b *providertest.Bench) {
		confirmMode(t, b)
		invoice := b.Invoice(5_000_000, nil)
		if a := passPay(t, b, invoice, passCode(t, b, simulator.PlanPay)); a.Field("status") != "paid" {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		b.Advance(31 * time.Second)
		b.Settle()
		if got := b.Status(invoice); got != "paid" || b.Sim.Books()[0].State != "paid" {
			t.Errorf("a confirmed payment is %s, at CLICK %s", got, b.Sim.Books()[0].State)
		}

		other := b.Invoice(5_000_000, nil)
		b.World.Faults.Set(simulator.Fault{Step: "click_pass.confirm", Kind: simulator.LostBefore, Times: 1})
		if a := passPay(t, b, other, passCode(t, b, simulator.PlanPay)); a.Field("status") != "pending" || a.Field("attention") != "unknown_outcome" {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		b.Advance(31 * time.Second)
		b.Settle()
		if p := b.Payments(other)[0]; p.State != pay.Failed || b.Status(other) != "pending" || b.Sim.Books()[1].State != "cancelled" {
			t.Errorf("unconfirmed: %+v; at CLICK %+v", p, b.Sim.Books()[1])
		}
	})
}

// A confirmation whose answer is lost was heard: the status tells.
func TestClickPassConfirmAnswerLost(t *testing.T) {
	providertest.Each(t, passSetup, func(t *testing.T, b *providertest.Bench) {
		confirmMode(t, b)
		invoice := b.Invoice(5_000_000, nil)
		b.World.Faults.Set(simulator.Fault{Step: "click_pass.confirm", Kind: simulator.LostAfter, Times: 1})
		if a := passPay(t, b, invoice, passCode(t, b, simulator.PlanPay)); a.Field("status") != "paid" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

// 28: an answer with payment_status 1 is never reported paid: the status is asked until it is 2,
// or below 0.
func TestScenario_28_ClickPassProcessing(t *testing.T) {
	providertest.Each(t, passSetup, func(t *testing.T, b *providertest.Bench) {
		invoice := b.Invoice(5_000_000, nil)
		a := passPay(t, b, invoice, passCode(t, b, simulator.PlanProcessing))
		if a.Field("status") != "pending" || a.Field("attention") != "unknown_outcome" {
			t.Fatalf("payment_status 1: %d %s", a.Status, a.Body)
		}
		p := b.Payments(invoice)[0]
		if p.State != pay.Unknown || p.Ref == "" {
			t.Fatalf("%+v", p)
		}
		b.Settle()
		if got := b.Status(invoice); got != "pending" {
			t.Fatalf("before CLICK is done: %s", got)
		}
		for range 3 {
			b.Advance(10 * time.Second)
			b.Settle()
		}
		if got := b.Payments(invoice)[0]; b.Status(invoice) != "paid" || got.State != pay.Paid || got.Ref != p.Ref {
			t.Errorf("%+v", got)
		}
	})
}

func TestClickPassDialogues(t *testing.T) {
	providertest.PlayCalls(t, "testdata/instore", func(env provider.Env) (provider.Account, error) {
		return click.NewPass().Open(provider.Credentials{Values: map[string]string{"serviceId": "73438", "merchantUserId": "3333", "secretKey": "SECRET123"}}, env)
	})
}
