package payme_test

import (
	"testing"

	"github.com/chorsu/chorsu/internal/provider/providertest"
)

// Payme reports a receipt twice: both times it is thanked, one link is kept and shown, and an
// unknown id is an error. (Payme's own scenario 19 has the rest.)
func TestFiscalScenario14_ReportedTwice(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv := b.Invoice(orderAmount, nil)
		p.create(t, tx(1), inv, b.Now())
		p.perform(t, tx(1))
		const link = "https://ofd.soliq.uz/epi?t=EP000000000025&r=121&c=20220706221021&s=800031554082"
		receipt := map[string]any{"id": tx(1), "type": "PERFORM", "fiscal_data": map[string]any{"receipt_id": 121, "status_code": 0, "qr_code_url": link}}
		for range 2 {
			if got := p.call(t, "SetFiscalData", receipt); got.Result["success"] != true {
				t.Fatalf("%+v", got)
			}
		}
		if got := b.InvoiceField(inv, "receiptUrl"); got != link {
			t.Errorf("receiptUrl is %v", got)
		}
		if got := b.InvoiceField(inv, "fiscalStatus"); got != "done" {
			t.Errorf("fiscalStatus is %v", got)
		}
		if got := b.Row(`SELECT COUNT(*) FROM changes WHERE what = 'receipt'`); got != "1" {
			t.Errorf("%s receipts are kept", got)
		}
		receipt["id"] = tx(2)
		p.call(t, "SetFiscalData", receipt).wants(t, -32001, "")
	})
}
