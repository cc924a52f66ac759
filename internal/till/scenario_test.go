package till_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/till"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/till/terminal"
	device "github.com/chorsu/chorsu/internal/till/terminal/sim"
	zvtsim "github.com/chorsu/chorsu/internal/till/terminal/zvt/sim"
)

const (
	clickCode = "880101698207133392"
	link      = "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=514343190161"
)

// fastCode is a code of FastPay's own form.
func fastCode(last string) string { return strings.Repeat("7", 39) + last }

func TestScenario_InStore_01_ClickPays(t *testing.T) {
	s := newShop(t)
	a := s.post("/payment/click", `{"amount":500,"qr_code":"`+clickCode+`"}`)
	if !a.Success || a.Error != nil || a.Data["status"] != "successfully" || a.Data["amount"] != 500. || a.Data["status_code"] != 0. ||
		a.Data["qr_code"] != clickCode || a.Data["payment_id"] == "" || a.Data["transaction_id"] == "" {
		t.Error(a.raw)
	}
	if n, sum := s.charged("click"); n != 1 || sum != 500 {
		t.Errorf("Click has %d payments of %d tiyin", n, sum)
	}
}

func TestScenario_InStore_02_ProviderUnreachable(t *testing.T) {
	s := newShop(t)
	const want = `{"data":null,"error":{"code":104,"message":"BILLING_ERROR","data":null},"is_success":false}`
	s.want(s.post("/payment/click", `{"amount":500,"qr_code":"880101698207133398"}`), want)
	if op := s.last(); op.State != journal.NotStarted || op.WalletCode != "" {
		t.Errorf("%+v", op)
	}
	s.want(s.post("/payment/click", `{"amount":500,"qr_code":"880101698207133398"}`), want) // and may be asked again
}

func TestScenario_InStore_03_BlankPaymentID(t *testing.T) {
	s := newShop(t)
	s.want(s.post("/payment/click_confirm", `{"payment_id":"","qr_code":"https://ofd.soliq.uz/check?t=UZ1"}`),
		`{"data":null,"error":{"code":7,"message":"{\"payment_id\":[\"This field may not be blank.\"]}","data":null},"is_success":false}`)
	if a := s.post("/payment/click_confirm", `{"payment_id":"1","qr_code":"`+link+`"}`); a.Error == nil || a.Error.Code != 105 {
		t.Errorf("an unknown payment: %s", a.raw)
	}
}

func TestScenario_InStore_04_Uzum(t *testing.T) {
	s := newShop(t)
	a := s.post("/payment/uzum", `{"amount":500,"qr_code":"`+fastCode("1")+`"}`)
	if !a.Success || a.Data["payment_status"] != "SUCCESS" || a.Data["error_code"] != "0" || a.Data["error_message"] != nil || a.Data["payment_id"] == "" {
		t.Error(a.raw)
	}
	// The founding document's 18 digits are no code of FastPay's.
	if a := s.post("/payment/uzum", `{"amount":500,"qr_code":"`+clickCode+`"}`); a.Success || a.Data != nil || a.Error == nil {
		t.Error(a.raw)
	}
}

func TestScenario_InStore_07_PerformedAndLost(t *testing.T) {
	for endpoint, c := range map[string]struct{ code, company string }{
		"click": {"880101698207133396", "click"}, "uzum": {fastCode("6"), "uzum"},
	} {
		t.Run(endpoint, func(t *testing.T) {
			s := newShop(t)
			body := `{"amount":500,"qr_code":"` + c.code + `"}`
			first := s.post("/payment/"+endpoint, body)
			if first.Success || first.Error.Code != 106 || !strings.HasPrefix(first.code(), "unresolved:") {
				t.Fatal(first.raw)
			}
			id := strings.TrimPrefix(first.code(), "unresolved:")
			if s.operation(id)["state"] != "unknown" {
				t.Error(s.operation(id))
			}
			s.clock.advance(time.Minute)
			second := s.post("/payment/"+endpoint, body)
			third := s.post("/payment/"+endpoint, body)
			if !second.Success || second.raw != third.raw {
				t.Errorf("%s\n%s", second.raw, third.raw)
			}
			if op := s.operation(id); op["state"] != "approved" || op["payment_id"] != second.Data["payment_id"] || op["resolved_by"] != "wallet" {
				t.Error(op)
			}
			if n, sum := s.charged(c.company); n != 1 || sum != 500 {
				t.Errorf("%d charges, %d tiyin", n, sum)
			}
		})
	}
}

// Payme Go's receipt has an id before it is paid, so that the lost answer is asked for at once.
func TestPaymeAsksWithinTheCall(t *testing.T) {
	s := newShop(t)
	a := s.post("/payment/payme", `{"amount":500,"qr_code":"505010107934104696"}`)
	if n, sum := s.charged("payme"); !a.Success || n != 1 || sum != 500 {
		t.Errorf("%s: %d charges, %d tiyin", a.raw, n, sum)
	}
}

func TestScenario_InStore_08_TwentyAtOnce(t *testing.T) {
	s := newShop(t)
	answers := make([]string, 20)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = s.post("/payment/payme", `{"amount":500,"qr_code":"505010107934104691"}`).raw })
	}
	wg.Wait()
	for _, a := range answers {
		if a != answers[0] || !strings.Contains(a, `"is_success":true`) {
			t.Errorf("%s\n%s", a, answers[0])
		}
	}
	if n, sum := s.charged("payme"); n != 1 || sum != 500 {
		t.Errorf("%d charges, %d tiyin", n, sum)
	}
}

func TestScenario_InStore_09_HumoSale(t *testing.T) {
	s := newShop(t)
	a := s.post("/payment/xumo", `{"amount":50000}`)
	message, _ := a.Data["message"].(string)
	if !a.Success || a.Data["ppt_id"] != "408005356147" || !strings.Contains(message, "СУММА(AMOUNT):            500.00 UZS") || !strings.Contains(message, "ОДОБРЕНО") {
		t.Error(a.raw)
	}
	if op := s.last(); op.Receipt != "340" || op.TerminalID != "09110004" {
		t.Errorf("%+v", op)
	}
}

func TestScenario_InStore_10_HumoReturn(t *testing.T) {
	s := newShop(t)
	s.post("/payment/xumo", `{"amount":50000}`)
	a := s.post("/payment/xumo", `{"request_id":340,"amount":50000,"is_return":"true"}`)
	if message, _ := a.Data["message"].(string); !a.Success || !strings.Contains(message, "400") {
		t.Error(a.raw)
	}
	if op := s.last(); op.Kind != journal.Void || op.Code != "400" || op.Original == "" {
		t.Errorf("%+v", op)
	}
	if got := s.humo.Total(); got != 0 {
		t.Errorf("the device holds %d", got)
	}
	runs := s.humo.Runs()
	if a := s.post("/payment/xumo", `{"request_id":340,"amount":50000,"is_return":"yes"}`); a.Success || a.Error.Code != 104 || s.humo.Runs() != runs {
		t.Errorf("%s after %d commands", a.raw, s.humo.Runs()-runs)
	}
	for _, c := range []struct{ body, code string }{
		{`{"request_id":340,"amount":50000,"is_return":true}`, "218"}, // twice
		{`{"request_id":999,"amount":50000,"is_return":1}`, "914"},    // no such receipt
	} {
		if a := s.post("/payment/xumo", c.body); a.code() != c.code {
			t.Errorf("%s: %s", c.body, a.raw)
		}
	}
	s.post("/payment/xumo", `{"amount":10000}`)
	if a := s.post("/payment/xumo", `{"request_id":"342","amount":10100,"is_return":"1"}`); a.code() != "235" {
		t.Errorf("more than the original: %s", a.raw)
	}
	s.get("/payment/xumo_close")
	if a := s.post("/payment/xumo", `{"request_id":"342","amount":10000,"is_return":true}`); a.code() != "914" {
		t.Errorf("of another shift: %s", a.raw)
	}
}

// heard is a driver that keeps what it was asked.
type heard struct {
	*device.Driver
	mu  sync.Mutex
	ops []terminal.Operation
}

func (h *heard) Run(ctx context.Context, op terminal.Operation, p terminal.Progress) terminal.Result {
	h.mu.Lock()
	h.ops = append(h.ops, op)
	h.mu.Unlock()
	return h.Driver.Run(ctx, op, p)
}

func TestScenario_InStore_11_LeadingZero(t *testing.T) {
	h := &heard{}
	s := newShop(t, func(o *till.Options) {
		h.Driver = o.Terminals["uzcard"].(*device.Driver)
		o.Terminals["uzcard"] = h
	})
	s.post("/payment/uzcard", `{"amount":30000}`)
	for _, raw := range []string{`010965270742`, `10965270742`, `"010965270742"`} {
		s.post("/payment/uzcard", `{"request_id":`+raw+`,"amount":30000,"is_return":"true"}`)
		if got := h.ops[len(h.ops)-1]; got.RRN != "010965270742" || got.Kind != terminal.Return {
			t.Errorf("%s reaches the driver as %+v", raw, got)
		}
	}
	rrn := s.uzcard.Txns()[0].RRN
	a := s.post("/payment/uzcard", `{"request_id":`+rrn+`,"amount":30000,"is_return":"true",}`)
	if !a.Success || s.uzcard.Total() != 0 {
		t.Errorf("%s, and the device holds %d", a.raw, s.uzcard.Total())
	}
}

func TestScenario_InStore_12_Declined(t *testing.T) {
	s := newShop(t)
	s.want(s.post("/payment/xumo", `{"amount":50016}`), `{"data":null,"error":{"code":108,"message":"XUMO_ERROR","data":"116"},"is_success":false}`)
	s.want(s.post("/payment/uzcard", `{"amount":50016}`), `{"data":null,"error":{"code":109,"message":"UZKARD_ERROR","data":"116"},"is_success":false}`)
}

func TestScenario_InStore_13_PinpadAbsent(t *testing.T) {
	s := newShop(t)
	s.want(s.post("/payment/xumo", `{"amount":50099}`), `{"data":null,"error":{"code":108,"message":"XUMO_ERROR","data":"999"},"is_success":false}`)
	if op := s.last(); op.State != journal.NotStarted {
		t.Errorf("%+v", op)
	}
	if a := s.post("/payment/xumo", `{"amount":10000}`); !a.Success {
		t.Error(a.raw)
	}
}

func TestScenario_InStore_14_PerformedAndLinkLost(t *testing.T) {
	s := newShop(t)
	first := s.post("/payment/xumo", `{"amount":50098}`)
	if first.Error == nil || first.Error.Code != 108 || !strings.HasPrefix(first.code(), "unresolved:") {
		t.Fatal(first.raw)
	}
	id := strings.TrimPrefix(first.code(), "unresolved:")
	runs := s.humo.Runs()
	if a := s.post("/payment/xumo", `{"amount":10000}`); a.code() != first.code() || s.humo.Runs() != runs {
		t.Errorf("%s after %d commands", a.raw, s.humo.Runs()-runs)
	}
	s.humo.Pull(false)
	s.agent.Tick(t.Context())
	if op := s.operation(id); op["state"] != "approved" || op["rrn"] != "408005356147" || op["resolved_by"] != "device" {
		t.Error(op)
	}
	if a := s.post("/payment/xumo", `{"amount":10000}`); !a.Success {
		t.Error(a.raw)
	}
	if txns := s.humo.Txns(); len(txns) != 2 || txns[0].Amount != 50098 || txns[1].Amount != 10000 {
		t.Errorf("%+v", txns)
	}
}

func TestScenario_InStore_20_OlderSaleOfTheSameAmount(t *testing.T) {
	s, _, term := zvtShop(t)
	if a := s.post("/payment/xumo", `{"amount":50000}`); !a.Success {
		t.Fatal(a.raw)
	}
	term.CutAt(zvtsim.Before80)
	a := s.post("/payment/xumo", `{"amount":50000}`)
	if a.code() != "not_performed" {
		t.Errorf("%s: the earlier sale was taken for this one", a.raw)
	}
	if term.Device.Total() != 50000 {
		t.Errorf("the device holds %d", term.Device.Total())
	}
}

func TestScenario_InStore_22_TwoEqualSales(t *testing.T) {
	s := newShop(t)
	a, b := s.post("/payment/xumo", `{"amount":50000}`), s.post("/payment/xumo", `{"amount":50000}`)
	if !a.Success || !b.Success || a.Data["ppt_id"] == b.Data["ppt_id"] {
		t.Errorf("%s\n%s", a.raw, b.raw)
	}
	c, d := s.post("/payment/xumo", `{"amount":50000,"operation_id":"sale-3"}`), s.post("/payment/xumo", `{"operation_id":"sale-3","amount":50000}`)
	if !c.Success || c.raw != d.raw || s.humo.Total() != 150000 {
		t.Errorf("%s\n%s\nthe device holds %d", c.raw, d.raw, s.humo.Total())
	}
	if e := s.post("/payment/xumo", `{"amount":60000,"operation_id":"sale-3"}`); e.Success || e.Error.Code != 104 || s.humo.Total() != 150000 {
		t.Errorf("another body under the same operation_id: %s", e.raw)
	}
}

func TestScenario_InStore_23_CloseWhileUnknown(t *testing.T) {
	s := newShop(t)
	first := s.post("/payment/xumo", `{"amount":50098}`)
	for _, path := range []string{"/payment/xumo_close", "/payment/xumo_%D1%81lose", "/payment/xumo_shortreport/"} {
		if a := s.get(path); a.Error == nil || a.Error.Code != 108 || a.code() != first.code() {
			t.Errorf("%s: %s", path, a.raw)
		}
	}
	s.humo.Pull(false)
	s.agent.Tick(t.Context())
	a := s.get("/payment/xumo_close")
	if message, _ := a.Data["message"].(string); !a.Success || !strings.Contains(message, "Итоги совпали") || a.Data["ppt_id"] != nil {
		t.Error(a.raw)
	}
	if again := s.get("/payment/xumo_close/print_last"); again.raw != a.raw {
		t.Errorf("%s\n%s", again.raw, a.raw)
	}
}

func TestScenario_InStore_24_ClientHangsUp(t *testing.T) {
	at, goOn := make(chan struct{}), make(chan struct{})
	s := newShop(t, func(o *till.Options) {
		o.Terminals["xumo"].(*device.Driver).Card = func(ctx context.Context) error {
			close(at)
			<-goOn
			return nil
		}
	})
	ctx, hangUp := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.server.URL+"/payment/xumo", strings.NewReader(`{"amount":50000,"operation_id":"op-24"}`))
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		_, err := http.DefaultClient.Do(req)
		gone <- err
	}()
	<-at
	hangUp()
	if err := <-gone; err == nil {
		t.Fatal("the till did not hang up")
	}
	if op := s.operation("op-24"); op["state"] != "in_progress" {
		t.Error(op)
	}
	close(goOn)
	a := s.post("/payment/xumo", `{"amount":50000,"operation_id":"op-24"}`) // waits for the end of the first
	if !a.Success || a.Data["ppt_id"] != "408005356147" || s.humo.Total() != 50000 {
		t.Errorf("%s, and the device holds %d", a.raw, s.humo.Total())
	}
	if op := s.operation("op-24"); op["state"] != "approved" {
		t.Error(op)
	}
}

func TestScenario_InStore_25_NoCardNumberAndNoCode(t *testing.T) {
	s := newShop(t, func(o *till.Options) {
		o.Terminals["xumo"] = &talkative{Driver: o.Terminals["xumo"].(*device.Driver)}
		o.HTTP = &http.Client{Transport: gossip{http.DefaultTransport}}
	})
	for range writtenPANs {
		s.post("/payment/xumo", `{"amount":50000}`)
	}
	made := s.post("/payment/one_qr/create", `{"external_id":"order-1","amount":"5"}`)
	s.act("fbox", simulator.Action{Kind: "pay", Ref: made.Data["invoice_id"].(string)})
	if told := s.get("/payment/one_qr/status?invoice_id=" + made.Data["invoice_id"].(string)); told.Data["card_no"] != writtenPANs[1] {
		t.Errorf("the box does not tell the number: %s", told.raw)
	}
	s.post("/payment/anor", `{"amount":500,"qr_code":"`+clickCode+`"}`)
	s.post("/payment/click", `{"amount":500,"qr_code":"`+clickCode+`"}`)
	lost := s.post("/payment/click", `{"amount":500,"qr_code":"880101698207133396"}`)
	if open := s.journalText(); !strings.Contains(open, "880101698207133396") {
		t.Error("the code of an open payment is not kept; FastPay could not be asked")
	}
	s.clock.advance(time.Minute)
	s.agent.Tick(t.Context())
	if op := s.operation(strings.TrimPrefix(lost.code(), "unresolved:")); op["state"] != "approved" {
		t.Fatal(op)
	}
	logs := s.log.String()
	s.stop()
	text := s.journalText()
	for _, secret := range append([]string{clickCode, "880101698207133396"}, writtenPANs...) {
		if strings.Contains(text, secret) {
			t.Errorf("the journal holds %s", secret)
		}
		if strings.Contains(logs, secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	if n := strings.Count(text, "860014******3145"); n < 3*len(writtenPANs)+2 {
		t.Errorf("the card is there %d times, masked", n)
	}
}

// fullPAN passes the checksum of card numbers. Devices and companies write it in more than one way.
const fullPAN = "8600140000013145"

var writtenPANs = []string{fullPAN, "8600 1400 0001 3145", "8600-1400-0001-3145", "8600\u00a01400\u00a00001\u00a03145"}

// talkative is a device that tells the whole card number wherever it can.
type talkative struct {
	*device.Driver
	times int
}

func (d *talkative) Run(ctx context.Context, op terminal.Operation, p terminal.Progress) terminal.Result {
	pan := writtenPANs[d.times%len(writtenPANs)]
	d.times++
	p.Show("card " + pan)
	r := d.Driver.Run(ctx, op, p)
	r.MaskedPAN, r.Note = pan, "approved for "+pan
	r.Slip += "Карта: " + pan + "\n"
	return r
}

// gossip is a line on which companies and boxes tell the whole card number.
type gossip struct{ next http.RoundTripper }

func (g gossip) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	text := maskedCard.ReplaceAllString(string(body), writtenPANs[1])
	res.Body, res.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	return res, err
}

var maskedCard = regexp.MustCompile(`[0-9]{6}\*{6}[0-9]{4}`)

func (s *shop) journalText() string {
	s.t.Helper()
	path := strings.TrimPrefix(s.db, "sqlite:")
	var all strings.Builder
	for _, end := range []string{"", "-journal", "-wal"} {
		b, err := os.ReadFile(path + end)
		if err == nil {
			all.Write(b)
		}
	}
	return all.String()
}
