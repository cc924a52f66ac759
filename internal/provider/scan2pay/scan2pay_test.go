package scan2pay_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/scan2pay"
	"github.com/chorsu/chorsu/internal/provider/scan2pay/sim"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

type account interface {
	provider.Checkouter
	provider.Inquirer
}

func box(t *testing.T) (account, simulator.Simulator, *simulator.World) {
	t.Helper()
	w := &simulator.World{Now: time.Now, Faults: &simulator.Faults{}}
	s := sim.New(w)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	a, err := scan2pay.New().Open(provider.Credentials{}, provider.Env{HTTP: &http.Client{}, Now: time.Now, BaseURL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	return a.(account), s, w
}

// The founding document's order: a code is shown, is not paid, is paid.
func TestShownThenPaid(t *testing.T) {
	a, s, w := box(t)
	inv, p := pay.Invoice{Amount: 500, SourceInvoiceID: "77777"}, pay.Payment{ID: "op-1", Amount: 500}
	link, err := a.Checkout(t.Context(), inv, p)
	if err != nil || !strings.HasPrefix(link.URL, "http://scan2pay.uz/") || !strings.HasSuffix(link.URL, link.Ref) {
		t.Fatalf("%+v %v", link, err)
	}
	again, err := a.Checkout(t.Context(), inv, p)
	if err != nil || again.URL != link.URL {
		t.Errorf("the same order has another code: %+v %v", again, err)
	}
	q := provider.Question{Ref: link.Ref, PaymentID: p.ID, Op: provider.OpCheckout, Meta: link.Meta}
	rep, err := a.Inquire(t.Context(), q)
	if err != nil || !rep.Found || rep.Outcome.State != pay.Created || rep.Outcome.Code != "105" {
		t.Errorf("before it is paid: %+v %v", rep, err)
	}
	if _, err := s.Act(t.Context(), simulator.Action{Kind: "pay", Link: link.URL}); err != nil {
		t.Fatal(err)
	}
	w.Faults.Set(simulator.Fault{Step: "qr_pay.status", Kind: simulator.LostAfter, Times: 1})
	if _, err := a.Inquire(t.Context(), q); err == nil {
		t.Error("a lost answer is none")
	}
	rep, err = a.Inquire(t.Context(), q)
	if err != nil || rep.Outcome.State != pay.Paid || rep.Outcome.Ref != link.Ref {
		t.Errorf("after: %+v %v", rep, err)
	}
}

// Nobody can be paid by what a box did not make.
func TestNoCodeIsNoCode(t *testing.T) {
	for name, said := range map[string]string{
		"another scheme": `{"data":{"status":"successfully","message":"javascript:1"},"error":null,"is_success":true}`,
		"no address":     `{"data":{"status":"successfully","message":""},"error":null,"is_success":true}`,
		"no envelope":    `hello`,
		"refused":        `{"data":null,"error":{"code":104,"message":"BILLING_ERROR","data":null},"is_success":false}`,
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(said)) }))
		a, _ := scan2pay.New().Open(provider.Credentials{}, provider.Env{HTTP: &http.Client{}, Now: time.Now, BaseURL: srv.URL})
		if link, err := a.(account).Checkout(t.Context(), pay.Invoice{Amount: 500}, pay.Payment{ID: "op"}); err == nil || !provider.Harmless(err) {
			t.Errorf("%s: %+v %v", name, link, err)
		}
		srv.Close()
	}
}
