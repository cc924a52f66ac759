package payme_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/payme/sim"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// meeting is the adapter and the simulator face to face.
type meeting struct {
	*stand
	company simulator.Simulator
	world   *simulator.World
	link    string
}

func meet(t *testing.T, change func(*provider.Credentials)) *meeting {
	t.Helper()
	m := &meeting{stand: newStand(t, change)}
	m.world = &simulator.World{BaseURL: "http://sandbox/payme", Now: m.clock, HTTP: http.DefaultClient, Faults: &simulator.Faults{}}
	m.company = sim.New(m.world)
	err := m.company.AddAccount(simulator.Account{Credentials: credentials().Values, CallbackURL: m.url})
	if err != nil {
		t.Fatal(err)
	}
	m.link = m.order(t, "inv-1001", 5000000)
	return m
}

// order makes an invoice and its link.
func (m *meeting) order(t *testing.T, id string, amount pay.Tiyin) string {
	t.Helper()
	m.invoice(id, amount, pay.ReceiptLine{Name: "Non", Qty: 1000, Price: amount, Total: amount, MXIK: "06401004002000000", PackageCode: "1506113"})
	link, err := m.account.(provider.Checkouter).Checkout(t.Context(), pay.Invoice{ID: id, Amount: amount, ReturnURL: "https://shop.uz/done?t=:transaction&o=:account.order_id"}, pay.Payment{})
	if err != nil {
		t.Fatal(err)
	}
	return link.URL
}

// act does something and wants nobody to object.
func (m *meeting) act(t *testing.T, a simulator.Action) simulator.Report {
	t.Helper()
	rep, err := m.company.Act(t.Context(), a)
	if err != nil {
		t.Fatalf("%s: %v", a.Kind, err)
	}
	for _, p := range rep.Problems {
		t.Errorf("%s: %s", a.Kind, p)
	}
	return rep
}

// agree wants both books to hold the same of every payment that Payme is sure of.
func (m *meeting) agree(t *testing.T) {
	t.Helper()
	words := map[pay.State]string{pay.Created: "created", pay.Paid: "paid", pay.Cancelled: "cancelled", pay.Refunded: "refunded"}
	paid := 0
	for _, e := range m.company.Books() {
		p := m.payments[e.Ref]
		switch {
		case p == nil && (e.State == "refused" || e.State == "cancelled"):
		case p == nil:
			t.Errorf("Payme has %+v, we have nothing", e)
		case words[p.State] != e.State || int64(p.Amount) != e.Amount || int64(p.Refunded) != e.Refunded || p.Account != e.Account:
			t.Errorf("Payme has %+v, we have %+v", e, p)
		}
	}
	for _, p := range m.payments {
		if p.State == pay.Paid {
			paid++
		}
	}
	if paid > len(m.invoices) {
		t.Errorf("%d payments for %d orders", paid, len(m.invoices))
	}
}

func TestBuyersAndStaffAtPayme(t *testing.T) {
	m := meet(t, nil)
	if rep := m.act(t, simulator.Action{Kind: "look", Link: m.link}); rep.State != "" || rep.Returned != "https://shop.uz/done?t=null&o=inv-1001" {
		t.Errorf("%+v", rep)
	}
	refused := m.act(t, simulator.Action{Kind: "refuse", Link: m.link})
	if refused.State != "cancelled" {
		t.Errorf("%+v", refused)
	}
	left := m.act(t, simulator.Action{Kind: "abandon", Link: m.link})
	m.act(t, simulator.Action{Kind: "check", Ref: left.Ref})
	m.act(t, simulator.Action{Kind: "cancel", Ref: left.Ref, Params: map[string]string{"reason": "1"}})
	paid := m.act(t, simulator.Action{Kind: "pay_twice", Link: m.link})
	if paid.State != "paid" || paid.Returned != "https://shop.uz/done?t="+paid.Ref+"&o=inv-1001" {
		t.Errorf("%+v", paid)
	}
	m.act(t, simulator.Action{Kind: "check", Ref: paid.Ref})
	if again := m.act(t, simulator.Action{Kind: "pay", Link: m.link}); again.State != "refused" || again.Ref != "" {
		t.Errorf("%+v", again)
	}
	m.act(t, simulator.Action{Kind: "receipt", Ref: paid.Ref, Params: map[string]string{"status_code": "5"}})
	back := m.act(t, simulator.Action{Kind: "refund", Ref: paid.Ref})
	if back.State != "refunded" {
		t.Errorf("%+v", back)
	}
	m.act(t, simulator.Action{Kind: "check", Ref: paid.Ref})
	m.act(t, simulator.Action{Kind: "statement"})
	var kinds []string
	for _, r := range m.receipts {
		kinds = append(kinds, r.Kind)
	}
	if diff := cmp.Diff([]string{"sale", "sale", "refund"}, kinds); diff != "" {
		t.Error(diff)
	}
	m.agree(t)
}

func TestTamperedLinksAndTypedOrders(t *testing.T) {
	m := meet(t, nil)
	if rep := m.act(t, simulator.Action{Kind: "pay", Link: m.link, Amount: 1}); rep.State != "refused" {
		t.Errorf("%+v", rep)
	}
	if rep := m.act(t, simulator.Action{Kind: "pay", Amount: 5000000, Params: map[string]string{"account": "nope"}}); rep.State != "refused" {
		t.Errorf("%+v", rep)
	}
	if rep := m.act(t, simulator.Action{Kind: "pay", Amount: 5000000, Params: map[string]string{"account": "inv-1001"}}); rep.State != "paid" {
		t.Errorf("%+v", rep)
	}
	m.agree(t)
}

func TestPaymesOwnTestsPass(t *testing.T) {
	for name, change := range map[string]func(*provider.Credentials){
		"money may go back":   nil,
		"delivered for good":  func(c *provider.Credentials) { c.Options.RefuseLateCancel = true },
		"the test key is out": func(c *provider.Credentials) { c.TestKey = testKey },
	} {
		t.Run(name, func(t *testing.T) {
			m := meet(t, change)
			m.act(t, simulator.Action{Kind: "probe", Link: m.link})
			if len(m.payments) != 0 {
				t.Errorf("probing made %d payments", len(m.payments))
			}
			m.act(t, simulator.Action{Kind: "inspect", Link: m.link})
			m.act(t, simulator.Action{Kind: "statement"})
		})
	}
}

func TestAbandonedPaymentsLapse(t *testing.T) {
	m := meet(t, nil)
	rep := m.act(t, simulator.Action{Kind: "abandon", Link: m.link})
	m.advance(12 * time.Hour)
	m.company.Tick(t.Context())
	if p := m.payments[rep.Ref]; p.State != pay.Created {
		t.Errorf("at the end of the twelve hours it is %s", p.State)
	}
	m.advance(time.Millisecond)
	m.company.Tick(t.Context())
	if p := m.payments[rep.Ref]; p.State != pay.Cancelled || p.Reason != "4" {
		t.Errorf("after them it is %s, reason %s", p.State, p.Reason)
	}
	m.act(t, simulator.Action{Kind: "check", Ref: rep.Ref})
	m.agree(t)
}

// Whatever goes wrong on the way, and however often, both books must agree once the way is
// free again: nothing lost, nothing doubled.
func TestFaultsLoseNothing(t *testing.T) {
	for _, step := range methods {
		for _, kind := range simulator.Kinds {
			for _, times := range []int{1, 3} {
				name := strings.Join([]string{step, string(kind), strings.Repeat("x", times)}, "/")
				t.Run(name, func(t *testing.T) {
					m := meet(t, nil)
					m.world.Faults.Set(simulator.Fault{Step: step, Kind: kind, Times: times})
					m.throughALife(t)
					m.world.Faults.Clear("")
					m.recover(t)
					m.agree(t)
					m.act(t, simulator.Action{Kind: "statement"})
				})
			}
		}
	}
}

// throughALife pays and returns, as far as the faults let it.
func (m *meeting) throughALife(t *testing.T) {
	rep := m.act(t, simulator.Action{Kind: "pay", Link: m.link})
	if rep.State == "paid" {
		m.act(t, simulator.Action{Kind: "check", Ref: rep.Ref})
		m.act(t, simulator.Action{Kind: "refund", Ref: rep.Ref})
	}
	m.act(t, simulator.Action{Kind: "statement"})
}

// recover lets Payme repeat what was not answered, and its staff settle what was refused.
func (m *meeting) recover(t *testing.T) {
	for range 3 {
		m.advance(time.Minute)
		m.company.Tick(t.Context())
	}
	for _, e := range m.company.Books() {
		if e.State == "suspended" {
			m.act(t, simulator.Action{Kind: "cancel", Ref: e.Ref})
		}
	}
	m.advance(12*time.Hour + time.Millisecond)
	m.company.Tick(t.Context())
}

func TestTheDailyStatementFindsWhatStaffDidByHand(t *testing.T) {
	m := meet(t, nil)
	paid := m.act(t, simulator.Action{Kind: "pay", Link: m.link})
	m.act(t, simulator.Action{Kind: "resolve", Ref: paid.Ref, Params: map[string]string{"state": "cancelled"}})
	m.advance(24 * time.Hour)
	m.company.Tick(t.Context())
	m.advance(24 * time.Hour)
	rep, err := m.company.Act(t.Context(), simulator.Action{Kind: "statement"})
	if err != nil || len(rep.Problems) != 1 || !strings.Contains(rep.Problems[0], paid.Ref+" has state 2, Payme has -1") {
		t.Errorf("%v %q", err, rep.Problems)
	}
}

func TestThePageTakesABuyerThere(t *testing.T) {
	m := meet(t, nil)
	page := httptest.NewServer(m.company)
	defer page.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(page.URL + strings.TrimPrefix(m.link, "https://checkout.paycom.uz"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("the page is %s", res.Status)
	}
	res, err = client.PostForm(page.URL+"/", map[string][]string{
		"merchant": {kassa}, "amount": {"5000000"}, "account[order_id]": {"inv-1001"}, "callback": {"https://shop.uz/:transaction"}, "do": {"pay"},
	})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	books := m.company.Books()
	if len(books) != 1 || books[0].State != "paid" || res.StatusCode != 303 || res.Header.Get("Location") != "https://shop.uz/"+books[0].Ref {
		t.Errorf("%s %s %+v", res.Status, res.Header.Get("Location"), books)
	}
	m.agree(t)
}
