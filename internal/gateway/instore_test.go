package gateway_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// scanCompany is a scripted company that names a payment, and then takes the money by a code.
type scanCompany struct {
	now func() time.Time

	mu        sync.Mutex
	made      map[string]bool // by its own name of the payment
	taken     map[string]bool
	charges   int
	questions []provider.Question

	first, between, after func() // before it is named; before the money is taken; before the answer
}

type scanProvider struct {
	c    *scanCompany
	name string
}

func (p scanProvider) Info() provider.Info {
	return provider.Info{Name: p.name, Title: "Scan", Fields: []provider.Field{{Key: "key", Required: true, Secret: true}}, Account: (*scanAccount)(nil), InStore: true}
}

func (p scanProvider) Open(provider.Credentials, provider.Env) (provider.Account, error) {
	return &scanAccount{p.c}, nil
}

type scanAccount struct{ c *scanCompany }

func run(f func()) {
	if f != nil {
		f()
	}
}

func (a *scanAccount) ChargeQR(_ context.Context, o provider.QROrder) (provider.Outcome, error) {
	run(a.c.first)
	ref := "scan-" + o.Payment.ID
	a.c.mu.Lock()
	a.c.made[ref] = true
	a.c.mu.Unlock()
	if err := o.Begun(ref, []byte(`{"n":1}`)); err != nil {
		return provider.Outcome{}, provider.NotSent(err)
	}
	run(a.c.between)
	a.c.mu.Lock()
	a.c.taken[ref] = true
	a.c.charges++
	a.c.mu.Unlock()
	run(a.c.after)
	return provider.Outcome{State: pay.Paid, Ref: ref, Amount: o.Payment.Amount, Phone: "998901234567"}, nil
}

func (a *scanAccount) Inquire(_ context.Context, q provider.Question) (provider.Report, error) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	a.c.questions = append(a.c.questions, q)
	rep := provider.Report{Found: true, Outcome: provider.Outcome{State: pay.Created, Ref: q.Ref}}
	switch {
	case q.Ref == "":
		rep.Outcome = provider.Outcome{State: pay.Failed, Reason: pay.DeclineUnreached}
	case a.c.taken[q.Ref]:
		rep.Outcome.State = pay.Paid
	case a.c.now().Sub(q.SentAt) >= time.Minute:
		rep.Outcome.State = pay.Failed // nobody paid it in time
	}
	return rep, nil
}

const scanned = "880101698207133392"

// Wherever a charge's process dies, the end is what the company's own book says; its name of the
// payment is known before the money moves; and the code, which is sealed, is asked with and then gone.
func TestScanDiesAfterEachStep(t *testing.T) {
	for _, c := range []struct {
		name     string
		set      func(*scanCompany, func())
		named    bool
		want     pay.State
		rotation bool // the master key is rotated before it is asked about
	}{
		{"before it is named", func(s *scanCompany, die func()) { s.first = die }, false, pay.Failed, false},
		{"before the money", func(s *scanCompany, die func()) { s.between = die }, true, pay.Failed, false},
		{"after the money", func(s *scanCompany, die func()) { s.after = die }, true, pay.Paid, false},
		{"after the money, and the master key is another", func(s *scanCompany, die func()) { s.after = die }, true, pay.Paid, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				c.set(fx.scan, func() { panic("killed") })
				fx.merchant("b1", "scan")
				inv := fx.invoice(fx.input("scan", "o1"))
				in := gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayQR, Code: scanned}
				key := gateway.Idem{Key: "k", Request: inv.ID}
				dies(t, func() { _, _ = fx.Pay(t.Context(), in, key) })
				fx.settle() // under the lease nobody touches it
				p := fx.get(inv.ID).Payment
				if p.State != pay.Created || p.Asked != pay.AskedCharge || (p.Ref != "") != c.named || p.Card.Token == "" || p.Card.Token == scanned {
					t.Fatalf("under the lease: %+v", p)
				}
				if _, err := fx.Pay(t.Context(), in, gateway.Idem{}); reason(err) != "payment_in_progress" {
					t.Errorf("another charge: %v", err)
				}
				if c.rotation {
					fx.restart("k2:" + keyText + ",k1:" + keyText)
				}
				for range 4 {
					fx.advance(gateway.Lease + time.Second)
					fx.settle()
				}
				s, err := fx.Pay(t.Context(), in, key)
				if err != nil || !s.Replayed || s.Value.Payment.State != c.want {
					t.Fatalf("%s, replayed %v: %v", s.Value.Payment.State, s.Replayed, err)
				}
				if p := s.Value.Payment; p.Card.Token != "" || p.Asked != "" {
					t.Errorf("the code is kept: %+v", p)
				}
				if q := fx.scan.questions[0]; q.Code != scanned || (q.Ref != "") != c.named || q.Amount != inv.Amount {
					t.Errorf("it was asked by %+v", q)
				}
				if want := map[pay.State]int{pay.Paid: 1, pay.Failed: 0}[c.want]; fx.scan.charges != want {
					t.Errorf("charged %d times, want %d", fx.scan.charges, want)
				}
			})
		})
	}
}

// A process that stood still between the two calls does not take the money any more: others have
// begun to ask.
func TestAScanIsNotPaidAfterAStandstill(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.scan.first = func() { fx.advance(gateway.Lease) }
		fx.merchant("b1", "scan")
		inv := fx.invoice(fx.input("scan", "o1"))
		_, err := fx.Pay(t.Context(), gateway.PayInput{InvoiceID: inv.ID, Way: pay.WayQR, Code: scanned}, gateway.Idem{})
		if pay.CodeOf(err) != pay.CodeUpstream || fx.scan.charges != 0 {
			t.Errorf("%v; charged %d times", err, fx.scan.charges)
		}
		if p := fx.get(inv.ID).Payment; p.State != pay.Failed || p.Reason != pay.DeclineUnreached {
			t.Errorf("%+v", p)
		}
	})
}

// Whose code it is: the invoice says it, the caller does, or there is one who can charge it.
func TestWhoseCodeItIs(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		pays := func(invoice, name string) (pay.Status, error) {
			s, err := fx.Pay(t.Context(), gateway.PayInput{InvoiceID: invoice, Way: pay.WayQR, Code: scanned, Provider: name}, gateway.Idem{})
			return s.Value.Status, err
		}
		fx.merchant("b1", "link")
		open := func(order string) string { return fx.invoice(fx.input("", order)).ID }
		if _, err := pays(open("o1"), ""); reason(err) != "no_code_charge" || pay.CodeOf(err) != pay.CodeUnsupported {
			t.Errorf("nobody can: %v", err)
		}
		fx.merchant("b1", "scan")
		if got, err := pays(open("o2"), ""); got != pay.StatusPaid || err != nil {
			t.Errorf("the only one: %s %v", got, err)
		}
		other := fx.merchant("b1", "other")
		if _, err := pays(open("o3"), ""); pay.CodeOf(err) != pay.CodeInvalid {
			t.Errorf("two can: %v", err)
		}
		id := open("o4")
		if got, err := pays(id, "other"); got != pay.StatusPaid || err != nil || fx.get(id).Payment.Provider != "other" {
			t.Errorf("the caller says: %s %v", got, err)
		}
		if got, err := pays(fx.invoice(fx.input("scan", "o5")).ID, ""); got != pay.StatusPaid || err != nil {
			t.Errorf("the invoice says: %s %v", got, err)
		}
		if _, err := pays(fx.invoice(fx.input("scan", "o6")).ID, "other"); reason(err) != "other_provider" {
			t.Errorf("they differ: %v", err)
		}
		if _, err := pays(fx.invoice(fx.input("link", "o7")).ID, ""); pay.CodeOf(err) != pay.CodeUnsupported {
			t.Errorf("an invoice for a company on the web: %v", err)
		}
		off := false
		if _, err := fx.PatchMerchant(t.Context(), other.ID, gateway.MerchantPatch{Active: &off}); err != nil {
			t.Fatal(err)
		}
		if _, err := pays(open("o8"), "other"); reason(err) != "merchant_inactive" {
			t.Errorf("switched off: %v", err)
		}
		held := fx.input("", "o9")
		held.Capture = "manual"
		if s, err := fx.CreateInvoice(t.Context(), held, gateway.Idem{}); err == nil {
			if _, err := pays(s.Value.ID, "scan"); reason(err) != "no_hold" {
				t.Errorf("a hold: %v", err)
			}
		}
		fx.settle()
		if got := fx.app.statuses(); !slices.Equal(got, []string{"paid", "paid", "paid"}) {
			t.Errorf("the app was told %v", got)
		}
	})
}
