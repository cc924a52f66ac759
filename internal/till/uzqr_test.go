package till_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/till"
	"github.com/chorsu/chorsu/internal/till/uzqr"
)

// oneCode is a box that makes the same code for everybody.
type oneCode struct {
	text string

	mu        sync.Mutex
	cancelled int
}

// makes sets the code that it makes from now on.
func (b *oneCode) makes(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text, b.cancelled = text, 0
}

func (b *oneCode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data := map[string]any{"invoice_id": "7", "qr_text": b.text, "status": 1}
	switch {
	case strings.HasSuffix(r.URL.Path, "/cancel"):
		b.cancelled++
	case b.cancelled > 0:
		data["status"] = 3
	}
	json.NewEncoder(w).Encode(map[string]any{"data": data, "error": nil, "is_success": true})
}

// A buyer is not shown a code that is damaged or takes another sum: the box cancels it. What is of no
// form that we read is shown as it came.
func TestBoxMakesAnotherCode(t *testing.T) {
	code := func(amount pay.Tiyin) string {
		text, err := uzqr.Code{Dynamic: true, ID: "7", Amount: amount, Category: "5411", Name: "NAMUNA", City: "TASHKENT"}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	right := code(10001)
	box := &oneCode{}
	srv := httptest.NewServer(box)
	t.Cleanup(srv.Close)
	s := newShop(t, func(o *till.Options) { o.Config.UzQR = &till.Service{URL: srv.URL} })
	for name, c := range map[string]struct {
		text  string
		shown bool
	}{
		"the right one": {right, true}, "one without a sum": {code(0), true}, "a link": {"https://qr-online.uz/7", true}, "of another scheme": {"000201010212630443D8", true},
		"another sum": {code(10000), false}, "a damaged one": {strings.Replace(right, "NAMUNA", "NAMUNO", 1), false},
	} {
		for _, print := range []string{"false", "true"} { // true: by the box, which the buyer may have seen
			box.makes(c.text)
			order := strings.ReplaceAll(name[:min(len(name), 14)]+print, " ", "-")
			a := s.post("/payment/one_qr/create", `{"external_id":"`+order+`","amount":"100.01","print":`+print+`,"operation_id":"`+order+`"}`)
			state := s.operation(order)["state"]
			if c.shown {
				if a.Data["qr_text"] != c.text || state != "in_progress" || box.cancelled != 0 {
					t.Errorf("%s, print %s: %s, %v", name, print, a.raw, state)
				}
				continue
			}
			want := map[string]string{"false": "not_started", "true": "unknown"}[print]
			if a.Success || state != want || box.cancelled != 1 || strings.Contains(a.raw, c.text) {
				t.Errorf("%s, print %s: %s, %v, cancelled %d times", name, print, a.raw, state, box.cancelled)
			}
			s.agent.Tick(t.Context())
			if state := s.operation(order)["state"]; print == "true" && state != "declined" {
				t.Errorf("%s: printed and cancelled, and %v", name, state)
			}
		}
	}
}

// The sandbox's box makes codes by a reading of its own, and ours reads them.
func TestSandboxCodesAreRead(t *testing.T) {
	s := newShop(t)
	made := s.post("/payment/one_qr/create", `{"external_id":"1","amount":"100.01"}`)
	text, _ := made.Data["qr_text"].(string)
	code, err := uzqr.Decode(text)
	if err != nil || code.Amount != 10001 || !code.Dynamic || code.ID != made.Data["invoice_id"] || code.Name == "" {
		t.Errorf("%+v %v", code, err)
	}
	if again, err := code.Encode(); err != nil || !strings.HasPrefix(again, "000201010212") {
		t.Errorf("%s %v", again, err)
	}
}

// A box that is out of the file while a receipt waits for it costs the receipt its time, and no sale.
func TestReceiptOfABoxThatIsGone(t *testing.T) {
	s := newShop(t)
	s.post("/payment/one_qr/create", `{"external_id":"1","amount":"200.00","operation_id":"paid"}`)
	s.paysQR("1")
	s.agent.Tick(t.Context())
	s.fault("fbox", "one_qr.other", simulator.LostBefore)
	s.post("/payment/one_qr/receipt", `{"pay_id":"`+s.last().RRN+`","fiscal_receipt_url":"`+link+`"}`)
	box := s.options.Config.UzQR
	for _, c := range []struct {
		box   *till.Service
		state string
	}{{nil, "queued"}, {box, "delivered"}} {
		s.options.Config.UzQR = c.box
		s.restart()
		s.clock.advance(time.Hour)
		s.agent.Tick(t.Context())
		if op := s.operation("paid"); op["receipt_state"] != c.state {
			t.Errorf("the link is %v (%v), want %s", op["receipt_state"], op["receipt_error"], c.state)
		}
	}
}

// boxRefunds is a shop whose box begins each refund under a given number, and says of it what a test
// has it say.
func boxRefunds(t *testing.T, number *string, status *int) *shop {
	return newShop(t, between(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if !strings.Contains(r.URL.Path, "/one_qr/refund") {
			return next.RoundTrip(r)
		}
		said := fmt.Sprintf(`{"data":{"refund_id":%q,"status":%d},"error":null,"is_success":true}`, *number, *status)
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(said)), Request: r}, nil
	}))
}

// What the box says of a refund that a person has decided about is written beside the decision, and
// nothing more is given back before a person has decided again.
func TestRefundContradicted(t *testing.T) {
	for decision, says := range map[string]int{"void": 2, "approve": 3} {
		t.Run(decision, func(t *testing.T) {
			number, status := "r-1", 1
			s := boxRefunds(t, &number, &status)
			s.post("/payment/one_qr/create", `{"external_id":"1","amount":"200.00"}`)
			s.paysQR("1")
			s.agent.Tick(t.Context())
			body := `{"pay_id":"` + s.last().RRN + `","amount":"50.00"}`
			s.post("/payment/one_qr/refund", body)
			id := s.last().ID
			decided := s.post("/payment/operations/"+id+"/resolve", `{"decision":"`+decision+`","name":"Dilnoza"}`).Data["state"]
			status = says
			s.get("/payment/one_qr/refund/status?refund_id=r-1")
			if op := s.operation(id); op["code"] != "contradicted" || op["state"] != decided || op["resolved_by"] != "Dilnoza" {
				t.Errorf("the box says %d: %v", says, op)
			}
			if a := s.post("/payment/one_qr/refund", body); a.Success || s.last().ID != id {
				t.Errorf("made again: %s", a.raw)
			}
			s.post("/payment/operations/"+id+"/resolve", `{"decision":"`+decision+`","name":"Rustam"}`)
			number = "r-2"
			if a := s.post("/payment/one_qr/refund", body); !a.Success || s.last().ID == id {
				t.Errorf("decided again, and still refused: %s", a.raw)
			}
		})
	}
}

// A box may number its invoices and its refunds alike: what is asked of the one is not answered for the
// other.
func TestInvoiceAndRefundOfOneNumber(t *testing.T) {
	number, status := "", 1
	s := boxRefunds(t, &number, &status)
	made := s.post("/payment/one_qr/create", `{"external_id":"1","amount":"200.00"}`)
	s.paysQR("1")
	s.agent.Tick(t.Context())
	payID := s.last().RRN
	open := s.post("/payment/one_qr/create", `{"external_id":"2","amount":"100.00","operation_id":"open"}`)
	number = open.Data["invoice_id"].(string)
	s.post("/payment/one_qr/refund", `{"pay_id":"`+payID+`","amount":"50.00","operation_id":"back"}`)
	if a := s.post("/payment/one_qr/cancel", `{"invoice_id":"`+number+`"}`); !a.Success || made.Data["invoice_id"] == number {
		t.Fatal(a.raw)
	}
	if back, sale := s.operation("back"), s.operation("open"); back["state"] != "unknown" || sale["state"] != "declined" {
		t.Errorf("the refund is %v, the cancelled invoice %v", back["state"], sale["state"])
	}
}
