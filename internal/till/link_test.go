package till_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/till"
	"github.com/chorsu/chorsu/internal/till/terminal"
)

// book is a gateway as the till sees it.
type book struct {
	mu      sync.Mutex
	paired  map[string]string // code → nonce
	pairs   int
	token   string
	lose    bool   // the next answer is lost
	refuse  string // a provider whose reports are refused
	fails   string // one that the gateway fails over
	over    func(report map[string]any) (status int)
	calls   int
	reports map[string]map[string]any
}

func newBook(t *testing.T) (*book, string) {
	b := &book{paired: map[string]string{}, reports: map[string]map[string]any{}}
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	return b, srv.URL
}

func (b *book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	status, data := b.serve(r)
	if b.lose {
		b.lose = false
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"status": status < 300, "code": status, "message": "M", "data": data})
}

func (b *book) serve(r *http.Request) (int, any) {
	if r.URL.Path == "/api/tills/pair" {
		var q struct{ Code, Nonce, Name, DeviceID, Version string }
		if json.NewDecoder(r.Body).Decode(&q) != nil || q.Code != "one-time" || len(q.Nonce) != 32 {
			return 401, nil
		}
		if used, ok := b.paired[q.Code]; ok && used != q.Nonce {
			return 401, nil
		}
		b.paired[q.Code] = q.Nonce
		b.pairs++
		b.token = fmt.Sprintf("token-%d", b.pairs)
		return 201, map[string]string{"tillId": "t", "token": b.token, "businessId": "b"}
	}
	if r.URL.Path != "/api/tills/reports" || r.Header.Get("Authorization") != "Bearer "+b.token || b.token == "" {
		return 401, nil
	}
	var q struct{ Reports []map[string]any }
	if json.NewDecoder(r.Body).Decode(&q) != nil || len(q.Reports) == 0 || len(q.Reports) > 50 {
		return 400, nil
	}
	for _, report := range q.Reports {
		if report["provider"] == b.refuse {
			return 400, map[string]any{"details": []string{"no"}}
		}
		if report["provider"] == b.fails {
			return 500, nil
		}
		if b.over != nil {
			if status := b.over(report); status != 0 {
				return status, nil
			}
		}
		for key, most := range map[string]int{"rrn": 64, "ref": 128, "originalRrn": 64} {
			if text, _ := report[key].(string); len(text) > most {
				return 400, map[string]any{"details": []string{key + " is too long"}}
			}
		}
	}
	for _, report := range q.Reports {
		id := report["id"].(string)
		if old := b.reports[id]; old == nil || old["revision"].(float64) < report["revision"].(float64) {
			b.reports[id] = report
		}
	}
	return 200, map[string]int{"kept": len(q.Reports)}
}

func (b *book) do(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

func paired(url string) func(*till.Options) {
	return func(o *till.Options) { o.Config.Gateway = &till.Gateway{URL: url, Pairing: "one-time"} }
}

func TestReports(t *testing.T) {
	b, url := newBook(t)
	s := newShop(t, paired(url))
	s.post("/payment/xumo", `{"amount":50000,"operation_id":"sale-1"}`)
	s.post("/payment/xumo", `{"request_id":340,"amount":50000,"is_return":true}`)
	paid := s.post("/payment/click", `{"amount":500,"qr_code":"`+clickCode+`"}`)
	s.post("/payment/qr_pay", `{"amount":500,"order_id":"shown"}`) // in progress: nobody's business yet
	s.get("/payment/xumo_close")

	b.do(func() { b.lose = true }) // the token's answer
	s.agent.Tick(t.Context())
	if b.do(func() {}); len(b.reports) != 0 {
		t.Fatal("reported without a token")
	}
	s.clock.advance(time.Minute)
	b.do(func() {})
	s.agent.Tick(t.Context())
	if len(b.reports) != 4 || b.pairs != 2 {
		t.Fatalf("%d reports, paired %d times: %v", len(b.reports), b.pairs, b.reports)
	}
	sale := b.reports[s.operation("sale-1")["id"].(string)]
	for key, want := range map[string]any{
		"kind": "sale", "provider": "humo", "state": "approved", "amount": 50000., "rrn": "408005356147", "receiptNo": "340", "terminalId": "09110004",
		"card": "986009******7856", "orderId": "sale-1", "totals": nil,
	} {
		if sale[key] != want {
			t.Errorf("%s is %v, want %v", key, sale[key], want)
		}
	}
	for _, r := range b.reports {
		switch r["kind"] {
		case "void":
			if r["original"] != sale["id"] || r["originalRrn"] != "408005356147" || r["code"] != "400" {
				t.Errorf("%v", r)
			}
		case "close":
			totals, _ := r["totals"].(map[string]any)
			if totals["sales"] != 1. || totals["salesAmount"] != 50000. || totals["returns"] != 1. || totals["returnsAmount"] != 50000. {
				t.Errorf("%v", r)
			}
		}
	}

	// Nothing new, nothing sent; a receipt is something new.
	calls := b.calls
	s.agent.Tick(t.Context())
	if b.calls != calls {
		t.Error("what the gateway has is sent again")
	}
	s.post("/payment/click_confirm", `{"payment_id":"`+paid.Data["payment_id"].(string)+`","qr_code":"`+link+`"}`)
	s.agent.Tick(t.Context())
	if got := b.reports[paid.Data["transaction_id"].(string)]; got["receiptUrl"] != link || got["provider"] != "clickpass" || got["ref"] != paid.Data["payment_id"] {
		t.Errorf("%v", got)
	}
}

// The gateway is away for a day, and the shop has its power cut meanwhile: nothing is lost, and
// what became known later overtakes what was sent before.
func TestReportsWait(t *testing.T) {
	b, url := newBook(t)
	s := newShop(t, paired(url))
	s.post("/payment/xumo", `{"amount":50098,"operation_id":"lost"}`)
	s.agent.Tick(t.Context())
	id := s.operation("lost")["id"].(string)
	if b.reports[id]["state"] != "unknown" {
		t.Fatalf("%v", b.reports)
	}
	b.do(func() { b.token = "revoked" })
	s.humo.Pull(false)
	s.agent.Tick(t.Context())
	if b.reports[id]["state"] != "unknown" {
		t.Fatal("a revoked till reports")
	}
	calls := b.calls
	s.agent.Tick(t.Context())
	if b.calls != calls {
		t.Error("a revoked till asks again at once")
	}
	s.restart()
	b.do(func() { b.token = "token-1" })
	s.clock.advance(24 * time.Hour)
	b.do(func() { b.lose = true })
	s.agent.Tick(t.Context()) // kept there, and the answer lost
	s.clock.advance(time.Hour)
	s.agent.Tick(t.Context())
	if got := b.reports[id]; got["state"] != "approved" || got["resolvedBy"] != "device" || len(b.reports) != 1 || b.pairs != 1 {
		t.Errorf("%v, paired %d times", b.reports, b.pairs)
	}
	if op := s.operation("lost"); op["reported"] != true {
		t.Error(op)
	}
}

// A gateway that has moved to another address is reported to by the token that there is: the code is
// spent.
func TestGatewayMoves(t *testing.T) {
	b, url := newBook(t)
	s := newShop(t, paired(url))
	s.agent.Tick(t.Context())
	s.stop()
	moved := httptest.NewServer(b)
	t.Cleanup(moved.Close)
	s.options.Config.Gateway = &till.Gateway{URL: moved.URL, Pairing: "one-time"}
	s.start()
	s.post("/payment/xumo", `{"amount":50000}`)
	s.agent.Tick(t.Context())
	if len(b.reports) != 1 || b.pairs != 1 {
		t.Errorf("%v, paired %d times", b.reports, b.pairs)
	}
}

// A gateway that hangs holds up neither the page nor a pinpad that is locked.
func TestGatewayHangs(t *testing.T) {
	_, url := newBook(t)
	hangs, told := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := newShop(t, paired(url), func(o *till.Options) {
		next := o.HTTP.Transport
		o.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.Path, "/api/tills/") {
				once.Do(func() { close(told) })
				<-hangs
			}
			return next.RoundTrip(r)
		})}
	})
	s.post("/payment/xumo", `{"amount":50098,"operation_id":"lost"}`)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { s.agent.Run(ctx); close(ended) }()
	defer func() { stop(); close(hangs); <-ended }()
	<-told
	s.humo.Pull(false)
	s.clock.advance(time.Minute)
	s.post("/payment/click", `{"amount":500,"qr_code":"`+clickCode+`"}`) // has the background look
	limit, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	for limit.Err() == nil && s.operation("lost")["state"] != "approved" {
		if a := s.send(limit, http.MethodGet, "/till/state", ""); !a.Success {
			t.Fatal(a.raw)
		}
	}
	if op := s.operation("lost"); op["state"] != "approved" {
		t.Error(op)
	}
}

// One report that the gateway will not keep does not hold up the others.
func TestRefusedReport(t *testing.T) {
	b, url := newBook(t)
	b.refuse = "uzcard"
	s := newShop(t, paired(url))
	s.post("/payment/xumo", `{"amount":50000}`)
	s.post("/payment/uzcard", `{"amount":50000}`)
	s.post("/payment/xumo", `{"amount":60000}`)
	s.agent.Tick(t.Context())
	if len(b.reports) != 2 {
		t.Errorf("%v", b.reports)
	}
	if !strings.Contains(s.log.String(), "refuses a report") {
		t.Error("nobody is told")
	}
	calls := b.calls
	s.agent.Tick(t.Context())
	if b.calls != calls {
		t.Error("what was refused is sent again")
	}
	if state := s.get("/till/state"); state.Data["refused"] != 1. {
		t.Errorf("the page is told of %v refused", state.Data["refused"])
	}
	if told, _ := s.get("/payment/operations").list()[1]["report_error"].(string); !strings.Contains(told, "no") {
		t.Errorf("the operation says %q", told)
	}
}

// One report over which the gateway fails lets the others pass, and is kept for when it does not; a
// gateway that fails over all of them is away.
func TestReportThatFails(t *testing.T) {
	b, url := newBook(t)
	b.fails = "uzcard"
	s := newShop(t, paired(url))
	s.post("/payment/uzcard", `{"amount":50000}`)
	s.post("/payment/xumo", `{"amount":50000}`)
	s.agent.Tick(t.Context())
	s.post("/payment/xumo", `{"amount":60000}`)
	s.agent.Tick(t.Context())
	if len(b.reports) != 2 {
		t.Errorf("behind it: %v", b.reports)
	}
	if state := s.get("/till/state"); state.Data["gateway"] != "up" || state.Data["refused"] != 0. {
		t.Error(state.raw)
	}
	b.do(func() { b.fails = "humo" })
	s.clock.advance(11 * time.Minute)
	for range 4 {
		s.post("/payment/xumo", `{"amount":70000}`)
	}
	s.agent.Tick(t.Context())
	if state := s.get("/till/state"); state.Data["gateway"] != "away" || len(b.reports) != 3 {
		t.Errorf("%s, %d reports", state.raw, len(b.reports))
	}
	b.do(func() { b.fails = "" })
	s.clock.advance(11 * time.Minute)
	s.agent.Tick(t.Context())
	if state := s.get("/till/state"); state.Data["gateway"] != "up" || len(b.reports) != 7 {
		t.Errorf("at last: %s, %d reports", state.raw, len(b.reports))
	}
	b.do(func() { b.fails = "humo" })
	s.post("/payment/xumo", `{"amount":80000}`)
	s.post("/payment/xumo", `{"amount":90000}`)
	for range 3 {
		s.clock.advance(time.Minute)
		s.agent.Tick(t.Context())
		if state := s.get("/till/state"); state.Data["gateway"] != "away" {
			t.Errorf("none of two is taken: %s", state.raw)
		}
	}
}

// What goes back of a sale is told after the sale, also where the gateway fails over the sale alone: it
// would otherwise take the return for one of a sale that it was never told of. A proxy before the
// gateway fails over no report.
func TestAReturnWaitsForItsSale(t *testing.T) {
	b, url := newBook(t)
	s := newShop(t, paired(url))
	b.over = func(report map[string]any) int {
		if report["kind"] == "sale" {
			return 500
		}
		return 0
	}
	s.post("/payment/xumo", `{"amount":50000}`)
	rrn := s.last().RRN
	if a := s.post("/payment/xumo", `{"request_id":"`+rrn+`","amount":50000,"is_return":true}`); !a.Success || s.last().Original == "" {
		t.Fatal(a.raw)
	}
	s.agent.Tick(t.Context())
	s.agent.Tick(t.Context())
	b.do(func() {
		if len(b.reports) != 0 {
			t.Errorf("before its sale: %v", b.reports)
		}
		b.over = nil
	})
	s.clock.advance(11 * time.Minute)
	s.agent.Tick(t.Context())
	if len(b.reports) != 2 {
		t.Errorf("%d reports", len(b.reports))
	}
	b.do(func() { b.over = func(map[string]any) int { return 503 } })
	for range 4 {
		s.post("/payment/xumo", `{"amount":70000}`)
	}
	s.agent.Tick(t.Context())
	b.do(func() { b.over = nil })
	s.clock.advance(time.Minute)
	s.agent.Tick(t.Context())
	if len(b.reports) != 6 {
		t.Errorf("%d reports as soon as the gateway is back", len(b.reports))
	}
}

// The clock is set back between a sale and its return, and the gateway hears of both at once: of the sale
// first all the same.
func TestReportsAreNotByTheClock(t *testing.T) {
	b, url := newBook(t)
	var heard []any
	b.over = func(report map[string]any) int { heard = append(heard, report["kind"]); return 0 }
	s := newShop(t, paired(url))
	s.post("/payment/xumo", `{"amount":50000}`)
	s.clock.advance(-time.Hour)
	s.post("/payment/xumo", `{"request_id":"`+s.last().RRN+`","amount":50000,"is_return":true}`)
	s.post("/payment/xumo", `{"amount":70000}`)
	s.clock.advance(2 * time.Hour)
	s.agent.Tick(t.Context())
	if want := []any{"sale", "return", "sale"}; !reflect.DeepEqual(heard, want) {
		t.Errorf("the gateway hears of %v, want %v", heard, want)
	}
}

// What a company or a device calls a payment may be longer than the gateway's book takes.
func TestLongNamesAreReported(t *testing.T) {
	b, url := newBook(t)
	d := &short{results: []terminal.Result{{Outcome: terminal.Approved, Code: "000", RRN: strings.Repeat("4", 70), Receipt: "7"}}}
	s := newShop(t, paired(url), func(o *till.Options) { o.Terminals["xumo"] = d })
	s.post("/payment/xumo", `{"amount":50000}`)
	s.agent.Tick(t.Context())
	if got := b.reports[s.last().ID]; got == nil || got["rrn"] != strings.Repeat("4", 64) {
		t.Errorf("%v", b.reports)
	}
}

// A code that somebody else has used pairs nobody, and the shop goes on selling.
func TestPairingRefused(t *testing.T) {
	b, url := newBook(t)
	b.paired["one-time"] = "somebody else's"
	s := newShop(t, paired(url))
	s.agent.Tick(t.Context())
	if a := s.post("/payment/xumo", `{"amount":50000}`); !a.Success || b.pairs != 0 {
		t.Errorf("%s, paired %d times", a.raw, b.pairs)
	}
	if state := s.get("/till/state"); state.Data["gateway"] != "unpaired" {
		t.Error(state.raw)
	}
}
