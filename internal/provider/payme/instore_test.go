package payme_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/payme"
	"github.com/chorsu/chorsu/internal/provider/payme/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

var goSetup = providertest.Setup{
	Provider: payme.NewGo(), Simulator: sim.New,
	Credentials: map[string]string{"cashboxId": "5e730e8e0b852a417aa49ceb", "key": "test-key-0001"},
}

func TestPaymeGoConforms(t *testing.T) {
	providertest.ConformWallet(t, goSetup, providertest.Wallet{Step: "receipts.pay"})
}

// goDesk is a cash desk whose calls to Payme are on record.
type goDesk struct {
	provider.QRCharger
	provider.ReceiptSender
	t     *testing.T
	world *simulator.World
	sim   simulator.Simulator
	now   time.Time
	said  func() []string // the body of each call
}

func newGoDesk(t *testing.T) *goDesk {
	t.Helper()
	d := &goDesk{t: t, now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	d.world = &simulator.World{Now: func() time.Time { return d.now }, HTTP: &http.Client{}, Faults: &simulator.Faults{}}
	d.sim = sim.New(d.world)
	if err := d.sim.AddAccount(simulator.Account{Credentials: goSetup.Credentials}); err != nil {
		t.Fatal(err)
	}
	url, said := recorded(t, d.sim)
	d.said = said
	a, err := payme.NewGo().Open(provider.Credentials{Values: goSetup.Credentials}, provider.Env{
		HTTP: &http.Client{}, Now: d.world.Now, BaseURL: url + "/api",
	})
	if err != nil {
		t.Fatal(err)
	}
	d.QRCharger, d.ReceiptSender = a.(provider.QRCharger), a.(provider.ReceiptSender)
	return d
}

func (d *goDesk) heard(method string) (bodies []string) {
	for _, body := range d.said() {
		if strings.Contains(body, `"method":"`+method+`"`) {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

const goCode = "880101698207133392"

func goPayment(id string) pay.Payment {
	return pay.Payment{ID: id, InvoiceID: id, Amount: 5_000_000, Way: pay.WayQR}
}

// 31: a code of 18 digits, 50 000 soum → a receipt of 5000000, paid with that text, state 4, an id
// of 24 hexadecimal digits and a telephone in the answer; a used code → an error, and the receipt
// is cancelled; the fiscal data after the receipt.
func TestScenario_31_PaymeGo(t *testing.T) {
	d := newGoDesk(t)
	journal := ""
	p := goPayment("pay-31")
	out, err := d.ChargeQR(t.Context(), provider.QROrder{Payment: p, Code: goCode, Journal: func(ref string, _ []byte) error {
		if journal = ref; len(d.heard("receipts.pay")) != 0 {
			t.Error("it was paid before its id was written down")
		}
		return nil
	}})
	if err != nil || out.State != pay.Paid || out.Phone != "998946532140" || out.Amount != 5_000_000 {
		t.Fatalf("%+v %v", out, err)
	}
	if !regexp.MustCompile(`^[0-9a-f]{24}$`).MatchString(out.Ref) || out.Ref != journal {
		t.Errorf("the id is %q, journalled %q", out.Ref, journal)
	}
	if made := d.heard("receipts.create"); len(made) != 1 || !strings.Contains(made[0], `"amount":5000000`) || !strings.Contains(made[0], `"account":{"order_id":"pay-31"}`) {
		t.Errorf("created by %q", made)
	}
	if paid := d.heard("receipts.pay"); len(paid) != 1 || !strings.Contains(paid[0], `"token":"`+goCode+`"`) {
		t.Errorf("paid by %q", paid)
	}

	used, err := d.ChargeQR(t.Context(), provider.QROrder{Payment: goPayment("pay-32"), Code: goCode})
	if err != nil || used.State != pay.Failed {
		t.Errorf("a used code: %+v %v", used, err)
	}
	if n := len(d.heard("receipts.cancel")); n != 1 {
		t.Errorf("%d receipts were cancelled after the no, want 1", n)
	}

	p.Ref = out.Ref
	receipt, err := pay.ParseReceiptLink("https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20261121140000&s=514343190161", d.now)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SendReceipt(t.Context(), p, receipt); err != nil {
		t.Error(err)
	}
	if told := d.heard("receipts.set_fiscal_data"); len(told) != 1 || !strings.Contains(told[0], `"receipt_id":2421`) || !strings.Contains(told[0], out.Ref) {
		t.Errorf("the receipt: %q", told)
	}
}

// A journal that cannot be written stops the charge before it is made.
func TestPaymeGoIsNotPaidUnlessJournalled(t *testing.T) {
	d := newGoDesk(t)
	_, err := d.ChargeQR(t.Context(), provider.QROrder{Payment: goPayment("pay-1"), Code: goCode, Journal: func(string, []byte) error { return http.ErrAbortHandler }})
	if !provider.Harmless(err) || len(d.heard("receipts.pay")) != 0 {
		t.Errorf("%v; paid by %q", err, d.heard("receipts.pay"))
	}
}

// 32: receipts.cancel answers 21: the refund is pending, without alarm, until the receipt is 50.
func TestScenario_32_PaymeGoRefundIsQueued(t *testing.T) {
	providertest.Each(t, goSetup, func(t *testing.T, b *providertest.Bench) {
		invoice := b.Invoice(5_000_000, nil)
		if a := b.API(http.MethodPost, "/api/invoices/"+invoice+"/pay", map[string]any{"method": "qr", "code": goCode}); a.Field("status") != "paid" {
			t.Fatalf("%s", a.Body)
		}
		a := b.API(http.MethodPost, "/api/refunds", map[string]any{"invoiceId": invoice})
		if a.Status != http.StatusCreated || a.Field("status") != "pending" || a.Field("attention") != nil {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		b.Advance(6 * time.Second)
		b.Settle()
		if got := b.InvoiceField(invoice, "attention"); b.Status(invoice) != "paid" || got != nil {
			t.Errorf("while it is queued: %s, %v", b.Status(invoice), got)
		}
		for range 4 {
			b.Advance(20 * time.Second)
			b.Settle()
		}
		if got := b.Status(invoice); got != "refunded" {
			t.Errorf("after state 50: %s", got)
		}
	})
}

func TestPaymeGoDialogues(t *testing.T) {
	providertest.PlayCalls(t, "testdata/instore", func(env provider.Env) (provider.Account, error) {
		return payme.NewGo().Open(provider.Credentials{Values: goSetup.Credentials}, env)
	})
}
