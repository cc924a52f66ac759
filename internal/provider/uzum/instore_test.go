package uzum_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/provider/uzum"
	"github.com/chorsu/chorsu/internal/provider/uzum/sim"
)

var fastSetup = providertest.Setup{
	Provider: uzum.NewFastPay(), Simulator: sim.New,
	Credentials: map[string]string{"serviceId": "101203", "merchantServiceUserId": "8461", "secretKey": "k"},
}

func TestFastPayConforms(t *testing.T) {
	providertest.ConformWallet(t, fastSetup, providertest.Wallet{Step: "fastpay.payment", Repeats: true})
}

// fastCode is the reference's sample of 40 digits.
const fastCode = "6385735999467329369938571759997073400773"

type fastDesk struct {
	t     *testing.T
	url   string
	now   time.Time
	world *simulator.World
	sim   simulator.Simulator
	acc   provider.Account

	mu   sync.Mutex // a call whose answer is lost may still be ending beside the next
	auth []string
}

func newFastDesk(t *testing.T) *fastDesk {
	t.Helper()
	d := &fastDesk{t: t, now: time.UnixMilli(1727122154352)}
	d.world = &simulator.World{Now: func() time.Time { return d.now }, HTTP: &http.Client{}, Faults: &simulator.Faults{}}
	d.sim = sim.New(d.world)
	if err := d.sim.AddAccount(simulator.Account{Credentials: fastSetup.Credentials}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		d.auth = append(d.auth, r.Header.Get("Authorization"))
		d.mu.Unlock()
		d.sim.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	d.url = srv.URL + "/api/apelsin-pay/merchant"
	d.acc = d.open(fastSetup.Credentials, func() time.Time { return d.now })
	return d
}

func (d *fastDesk) open(credentials map[string]string, now func() time.Time) provider.Account {
	d.t.Helper()
	a, err := uzum.NewFastPay().Open(provider.Credentials{Values: credentials}, provider.Env{HTTP: &http.Client{}, Now: now, BaseURL: d.url})
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// headers are the Authorization of each call that reached Uzum.
func (d *fastDesk) headers() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.auth)
}

func fastOrder(id, code string) provider.QROrder {
	return provider.QROrder{Payment: pay.Payment{ID: id, InvoiceID: id, Amount: 100_000, Way: pay.WayQR}, Code: code}
}

const fastPaymentID = "0c0f6f8a-3b0c-4d5e-9a51-2f3e4d5c6b7a"

// 16: the header's vector; 51 s later HTTP 200 with error_code 403; a wrong secret is 401,
// apelsin.pay.authorization.error. Nothing is charged by either.
func TestScenario_16_FastPayHeader(t *testing.T) {
	d := newFastDesk(t)
	if out, err := d.acc.(provider.QRCharger).ChargeQR(t.Context(), fastOrder(fastPaymentID, fastCode)); err != nil || out.State != pay.Paid {
		t.Fatalf("%+v %v", out, err)
	}
	if got := d.headers()[0]; got != "8461:5ecc3f4a7edd4f63391432faac13ed22b5c80fe1:1727122154352" {
		t.Errorf("the header is %q", got)
	}
	for name, c := range map[string]struct {
		credentials map[string]string
		behind      time.Duration
		code        string
	}{
		"51 seconds late": {fastSetup.Credentials, 51 * time.Second, "403"},
		"a wrong secret":  {map[string]string{"serviceId": "101203", "merchantServiceUserId": "8461", "secretKey": "K"}, 0, "401"},
	} {
		a := d.open(c.credentials, func() time.Time { return d.now.Add(-c.behind) })
		_, err := a.(provider.QRCharger).ChargeQR(t.Context(), fastOrder("1c0f6f8a-3b0c-4d5e-9a51-2f3e4d5c6b7a", strings.Replace(fastCode, "6", "7", 1)))
		e, ok := err.(*provider.Error)
		if !ok || e.Kind != provider.KindAuth || e.Code != c.code || e.Message != "apelsin.pay.authorization.error" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(d.sim.Books()); n != 1 {
		t.Errorf("%d payments at Uzum", n)
	}
}

// Where Uzum wants five hours more, the setting adds them; without it such a user is shut out, and
// with it one of the plain time.
func TestFastPayClockOffset(t *testing.T) {
	with := func(offset string) map[string]string {
		c := map[string]string{"clockOffset": offset}
		for k, v := range fastSetup.Credentials {
			c[k] = v
		}
		return c
	}
	for _, c := range []struct {
		uzum, ours string
		paid       bool
	}{{"5h", "5h", true}, {"5h", "0", false}, {"0", "5h", false}, {"0", "", true}} {
		d := newFastDesk(t)
		if err := d.sim.AddAccount(simulator.Account{Credentials: with(c.uzum)}); err != nil {
			t.Fatal(err)
		}
		a := d.open(with(c.ours), func() time.Time { return d.now })
		out, err := a.(provider.QRCharger).ChargeQR(t.Context(), fastOrder(fastPaymentID, fastCode))
		if paid := err == nil && out.State == pay.Paid; paid != c.paid {
			t.Errorf("Uzum wants %s, we add %q: %+v %v", c.uzum, c.ours, out, err)
		}
		if want := map[string]string{"5h": ":1727140154352"}[c.ours]; !strings.HasSuffix(d.headers()[0], want) {
			t.Errorf("%s: the header is %q", c.ours, d.headers()[0])
		}
	}
	for _, bad := range []string{"5", "1h", "-5h", "5h "} {
		if _, err := uzum.NewFastPay().Open(provider.Credentials{Values: with(bad)}, provider.Env{}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// 17: 100000 tiyin by a code of 40 digits → SUCCESS, 0, a payment_id.
func TestScenario_17_FastPayPays(t *testing.T) {
	d := newFastDesk(t)
	out, err := d.acc.(provider.QRCharger).ChargeQR(t.Context(), fastOrder(fastPaymentID, fastCode))
	if err != nil || out.State != pay.Paid || out.Ref == "" || out.Code != "0" || out.Phone != "998946532140" {
		t.Fatalf("%+v %v", out, err)
	}
	if b := d.sim.Books(); len(b) != 1 || b[0].Amount != 100_000 || b[0].Account != fastPaymentID {
		t.Errorf("%+v", b)
	}
	// A code as it is in life, with every character that somebody might trim.
	alive := "7993:5061401:01KFDH7KB4KNBJD8QRVFBVQ39X:3sySIUxrog+hhtBwUXquxn97N5k="
	if out, err := d.acc.(provider.QRCharger).ChargeQR(t.Context(), fastOrder("2c0f6f8a-3b0c-4d5e-9a51-2f3e4d5c6b7a", alive)); err != nil || out.State != pay.Paid {
		t.Errorf("%+v %v", out, err)
	}
}

// 18: a code of 39 digits is refused with 400 by Uzum, and by us before it is asked.
func TestScenario_18_FastPayShortCode(t *testing.T) {
	d := newFastDesk(t)
	out, err := d.acc.(provider.QRCharger).ChargeQR(t.Context(), fastOrder(fastPaymentID, fastCode[:39]))
	if err != nil || out.State != pay.Failed || out.Reason != pay.DeclineCode || len(d.headers()) != 0 {
		t.Errorf("%+v %v, %d calls", out, err, len(d.headers()))
	}
	if _, err := d.acc.(provider.QRCharger).ChargeQR(t.Context(), fastOrder(fastPaymentID, fastCode)); err != nil {
		t.Fatal(err)
	}
	body, _ := json.Marshal(map[string]any{
		"amount": 100000, "cashbox_code": "1", "otp_data": fastCode[:39], "order_id": "o-39",
		"transaction_id": "3c0f6f8a-3b0c-4d5e-9a51-2f3e4d5c6b7a", "service_id": 101203,
	})
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/v2/payment", bytes.NewReader(body))
	req.Header.Set("Authorization", d.headers()[0])
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != 200 || !strings.Contains(string(text), `"error_code":400`) {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

// 19: the answer to the charge is lost; the same order again is DUPLICATED with the same payment:
// paid, once.
func TestScenario_19_FastPayAnswerLost(t *testing.T) {
	d := newFastDesk(t)
	d.world.Faults.Set(simulator.Fault{Step: "fastpay.payment", Kind: simulator.LostAfter, Times: 1})
	o := fastOrder(fastPaymentID, fastCode)
	if out, err := d.acc.(provider.QRCharger).ChargeQR(t.Context(), o); err == nil || provider.Harmless(err) {
		t.Fatalf("%+v %v", out, err)
	}
	q := provider.Question{PaymentID: o.Payment.ID, Op: provider.OpCharge, Amount: o.Payment.Amount, SentAt: d.now, Payment: o.Payment, Code: o.Code}
	rep, err := d.acc.(provider.Inquirer).Inquire(t.Context(), q)
	if err != nil || !rep.Found || rep.Outcome.State != pay.Paid || rep.Outcome.Ref != d.sim.Books()[0].Ref {
		t.Fatalf("%+v %v", rep, err)
	}
	q.Ref = rep.Outcome.Ref
	if rep, err = d.acc.(provider.Inquirer).Inquire(t.Context(), q); err != nil || rep.Outcome.State != pay.Paid {
		t.Errorf("by its id: %+v %v", rep, err)
	}
	if n := len(d.sim.Books()); n != 1 {
		t.Errorf("%d payments at Uzum", n)
	}
	// Without the code nobody can ask: a person looks.
	q.Ref, q.Code = "", ""
	if _, err = d.acc.(provider.Inquirer).Inquire(t.Context(), q); pay.CodeOf(err) != pay.CodeUnsupported {
		t.Errorf("without the code: %v", err)
	}
}

// 20: a link that is not the tax committee's is unsupported.fiscal.url; a good one is taken, twice.
func TestScenario_20_FastPayReceipt(t *testing.T) {
	d := newFastDesk(t)
	o := fastOrder(fastPaymentID, fastCode)
	out, err := d.acc.(provider.QRCharger).ChargeQR(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Payment.Ref = out.Ref
	sender := d.acc.(provider.ReceiptSender)
	bad, ok := sender.SendReceipt(t.Context(), o.Payment, pay.Receipt{URL: "http://example.com/x"}).(*provider.Error)
	if !ok || bad.Kind != provider.KindInvalid || bad.Message != "unsupported.fiscal.url" {
		t.Errorf("%v", bad)
	}
	good := pay.Receipt{URL: "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=514343190161"}
	for range 2 {
		if err := sender.SendReceipt(t.Context(), o.Payment, good); err != nil {
			t.Error(err)
		}
	}
}

func TestFastPayDialogues(t *testing.T) {
	providertest.PlayCalls(t, "testdata/instore", func(env provider.Env) (provider.Account, error) {
		return uzum.NewFastPay().Open(provider.Credentials{Values: fastSetup.Credentials}, env)
	})
}
