package multicard_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

func TestQuickPayConforms(t *testing.T) {
	providertest.ConformWallet(t, setup(), providertest.Wallet{Step: "payment.scanpay"})
}

func scanned(t *testing.T, b *providertest.Bench, invoice, code string) providertest.Answer {
	t.Helper()
	return b.API(http.MethodPost, "/api/invoices/"+invoice+"/pay", map[string]any{"method": "qr", "code": code})
}

func newest(b *providertest.Bench, invoice string) pay.Payment {
	all := b.Payments(invoice)
	return all[len(all)-1]
}

// Every app whose codes Multicard takes, told by the code alone; and codes that it does not know.
func TestQuickPayByEachWallet(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		for _, wallet := range []string{"click", "payme", "uzum", "anorbank", "xazna"} {
			rep, err := b.Sim.Act(t.Context(), simulator.Action{Kind: "code", Params: map[string]string{"wallet": wallet}})
			if err != nil {
				t.Fatal(err)
			}
			invoice := b.Invoice(5_000_000, nil)
			if a := scanned(t, b, invoice, rep.Ref); a.Field("status") != "paid" {
				t.Errorf("%s: %d %s", wallet, a.Status, a.Body)
			}
			if p := newest(b, invoice); p.Card.PaymentSystem != wallet {
				t.Errorf("%s is kept as %q", wallet, p.Card.PaymentSystem)
			}
		}
		for _, code := range []string{"12345", "FOO-1"} {
			invoice := b.Invoice(5_000_000, nil)
			a := scanned(t, b, invoice, code)
			if f, _ := a.Field("failure").(map[string]any); f["reason"] != pay.DeclineCode || a.Field("status") != "pending" {
				t.Errorf("%s: %d %s", code, a.Status, a.Body)
			}
		}
	})
}

// AnorCheck's scenario 9: an invoice is made for the amount, then the code is handed over; the
// answer is HTTP 500, and the payment is read before anything is answered.
func TestScenario_Anor_09_QuickPay500(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		invoice := b.Invoice(50_000, nil)
		b.World.Faults.Set(simulator.Fault{Step: "payment.scanpay", Kind: simulator.Error500After, Times: 1})
		b.World.Faults.Set(simulator.Fault{Step: "payment.read", Kind: simulator.Late, Times: 1}) // struck: it was read
		if a := scanned(t, b, invoice, "OK-1"); a.Field("status") != "paid" {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if left := b.World.Faults.List(); len(left) != 0 {
			t.Errorf("the payment was not read: %v", left)
		}
		var paid []simulator.Entry
		for _, e := range b.Sim.Books() {
			if e.State == "paid" {
				paid = append(paid, e)
			}
		}
		if len(paid) != 1 || paid[0].Amount != 50_000 {
			t.Errorf("Multicard has %+v", paid)
		}
	})
}

// ERROR_DEBIT_UNKNOWN decides nothing: the payment is asked for until it is decided.
func TestQuickPayDebitUnknown(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		rep, err := b.Sim.Act(t.Context(), simulator.Action{Kind: "code", Params: map[string]string{"plan": "processing"}})
		if err != nil {
			t.Fatal(err)
		}
		invoice := b.Invoice(5_000_000, nil)
		if a := scanned(t, b, invoice, rep.Ref); a.Field("attention") != "unknown_outcome" {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		b.Advance(40 * time.Second)
		b.Settle()
		if got := b.Status(invoice); got != "paid" {
			t.Errorf("%s: %+v", got, newest(b, invoice))
		}
	})
}
