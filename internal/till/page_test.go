package till_test

import (
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/till"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/till/terminal"
	boxsim "github.com/chorsu/chorsu/internal/till/terminal/fbox/sim"
)

func TestCashiersPage(t *testing.T) {
	s := newShop(t, func(o *till.Options) { o.Token = "s3cret" })
	for lang, want := range map[string][]string{
		"uz": {"Mijozning QR kodini skanerlang", "Smena yakuni", `lang="uz"`, `data-key="F2"`, "Click Pass", "till.js", "till.css"},
		"ru": {"Отсканируйте QR-код покупателя", "Конец смены", `lang="ru"`},
	} {
		res, err := http.Get(s.server.URL + "/?lang=" + lang)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 200 || !strings.Contains(res.Header.Get("Content-Security-Policy"), "script-src 'self'") {
			t.Errorf("%s: HTTP %d %v", lang, res.StatusCode, err)
		}
		for _, w := range want {
			if !strings.Contains(string(body), w) {
				t.Errorf("%s: the page lacks %s", lang, w)
			}
		}
		for _, secret := range []string{"s3cret", "demo-pass-secret"} {
			if strings.Contains(string(body), secret) {
				t.Errorf("%s: the page holds %s", lang, secret)
			}
		}
	}
}

func TestPageState(t *testing.T) {
	s := newShop(t)
	s.post("/payment/xumo", `{"amount":50000,"operation_id":"a"}`)
	s.post("/payment/xumo", `{"amount":50098,"operation_id":"b"}`)
	a := s.get("/till/state")
	unknown, _ := a.Data["unknown"].([]any)
	totals, _ := a.Data["totals"].(map[string]any)
	humo, _ := totals["xumo"].(map[string]any)
	if !a.Success || len(unknown) != 1 || humo["sales"] != 1. || humo["salesAmount"] != 50000. || humo["can_ask"] != true || a.Data["gateway"] != "none" {
		t.Error(a.raw)
	}
}

// The end of the shift: what each company took at a pinpad by our journal, and what the pinpad says;
// a sale that somebody made on the pinpad by hand stands out.
func TestEndOfShift(t *testing.T) {
	one := func(sales, amount, returns, back float64) map[string]any {
		return map[string]any{"sales": sales, "salesAmount": amount, "returns": returns, "returnsAmount": back}
	}
	t.Run("a pinpad each", func(t *testing.T) {
		s := newShop(t)
		if a := s.get("/till/shift?endpoint=xumo"); a.Error == nil || a.Error.Code != 105 {
			t.Errorf("before the first closing: %s", a.raw)
		}
		s.post("/payment/xumo", `{"amount":50000}`)
		s.post("/payment/xumo", `{"amount":30000}`)
		s.post("/payment/xumo", `{"request_id":341,"amount":30000,"is_return":true}`)
		s.post("/payment/uzcard", `{"amount":70000}`)
		if _, _, err := s.uzcard.Sale(12345); err != nil { // by hand
			t.Fatal(err)
		}
		s.get("/payment/xumo_close")
		s.get("/payment/uzcard_close")
		s.post("/payment/xumo", `{"amount":99900}`) // of the next shift
		humo, uzcard := s.get("/till/shift?endpoint=xumo").Data, s.get("/till/shift?endpoint=uzcard").Data
		for _, c := range []struct {
			what      string
			got, want any
		}{
			{"HUMO, ours", humo["sum"], one(2, 80000, 1, 30000)}, {"HUMO, the pinpad's", humo["theirs"], one(2, 80000, 1, 30000)},
			{"UzCard, ours", uzcard["ours"], map[string]any{"uzcard": one(1, 70000, 0, 0)}}, {"UzCard, the pinpad's", uzcard["theirs"], one(2, 82345, 0, 0)},
		} {
			if !reflect.DeepEqual(c.got, c.want) {
				t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
			}
		}
		for path, want := range map[string]string{
			"xumo&lang=ru": "Итоги сходятся.", "xumo&lang=uz": "Hisoblar mos keldi.",
			"uzcard&lang=ru": "Разница. Продажи: у терминала больше на 123,45 сум. Сверьте последние операции с журналом терминала.",
			"uzcard&lang=uz": "Farq. Sotuvlar: terminalda 123,45 soʻm koʻp. Oxirgi amallarni terminal jurnali bilan solishtiring.",
		} {
			if got := strings.ReplaceAll(s.get("/till/shift?endpoint=" + path).Data["said"].(string), "\u00a0", " "); got != want {
				t.Errorf("%s: %s", path, got)
			}
		}
		if report, _ := humo["report"].(string); !strings.Contains(report, "Итоги совпали") {
			t.Error(humo)
		}
		if a := s.get("/till/shift?endpoint=click"); a.Error == nil || a.Error.Code != 104 {
			t.Error(a.raw)
		}
	})
	t.Run("one pinpad for both, which tells no numbers", func(t *testing.T) {
		box := &boxsim.Box{}
		srv := httptest.NewServer(box)
		t.Cleanup(srv.Close)
		s := newShop(t, func(o *till.Options) {
			box.Device = newDevice(t, &clock{t: time.Now()})
			pinpad := till.Terminal{Driver: "fbox", Address: srv.URL, Options: map[string]string{"endpoint": "xumo"}}
			o.Terminals, o.Config.Terminals = nil, map[string]till.Terminal{"xumo": pinpad, "uzcard": pinpad}
		})
		s.post("/payment/xumo", `{"amount":50000}`)
		s.post("/payment/uzcard", `{"amount":70000}`)
		if a := s.get("/till/state"); !reflect.DeepEqual(a.Data["shifts"], []any{[]any{"xumo", "uzcard"}}) {
			t.Error(a.raw)
		}
		s.get("/payment/xumo_close")
		got := s.get("/till/shift?endpoint=uzcard").Data
		if !reflect.DeepEqual(got["ours"], map[string]any{"xumo": one(1, 50000, 0, 0), "uzcard": one(1, 70000, 0, 0)}) || !reflect.DeepEqual(got["sum"], one(2, 120000, 0, 0)) || got["theirs"] != nil || got["tone"] != "unknown" {
			t.Error(got)
		}
	})
}

// A closing whose answer was lost is told apart from a buyer's money, and is gone once it is repeated.
func TestClosingLost(t *testing.T) {
	d := &lostClosing{lose: true}
	s := newShop(t, func(o *till.Options) {
		d.Driver = o.Terminals["xumo"]
		o.Terminals["xumo"] = d
	})
	s.get("/payment/xumo_close")
	told := s.get("/till/state").Data
	if closings, _ := told["closings"].([]any); len(closings) != 1 || len(told["unknown"].([]any)) != 0 {
		t.Errorf("%v", told)
	}
	if a := s.post("/payment/xumo", `{"amount":50000}`); !a.Success {
		t.Errorf("a sale after it: %s", a.raw)
	}
	pinpads := s.options.Terminals
	s.options.Terminals = nil
	s.restart()
	if closings, _ := s.get("/till/state").Data["closings"].([]any); len(closings) != 0 {
		t.Errorf("a pinpad that is gone: %v", closings)
	}
	s.options.Terminals = pinpads
	s.restart()
	d.lose = false
	s.get("/payment/xumo_close")
	if closings, _ := s.get("/till/state").Data["closings"].([]any); len(closings) != 0 {
		t.Errorf("%v", closings)
	}
}

type lostClosing struct {
	terminal.Driver
	lose bool
}

func (l *lostClosing) Report(ctx context.Context, kind terminal.ReportKind) terminal.Result {
	if l.lose {
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, "lost")
	}
	return l.Driver.Report(ctx, kind)
}

func TestSlips(t *testing.T) {
	s := newShop(t)
	s.post("/payment/click", `{"amount":50000,"qr_code":"`+clickCode+`","operation_id":"paid"}`)
	a := s.get("/till/slip?id=paid")
	copies, _ := a.Data["copies"].([]any)
	bytes, _ := a.Data["escpos"].([]any)
	if len(copies) != 2 || len(bytes) != 2 {
		t.Fatal(a.raw)
	}
	buyer, shop := copies[0].(string), copies[1].(string)
	for _, want := range []string{"Namuna", "INN 123456789", "500.00 UZS", "Click Pass", "Nusxa 1"} {
		if !strings.Contains(buyer, want) {
			t.Errorf("the buyer's copy lacks %s:\n%s", want, buyer)
		}
	}
	if !strings.Contains(shop, "Nusxa 2") || strings.Contains(buyer, clickCode) {
		t.Errorf("%s\n%s", buyer, shop)
	}
	raw, err := base64.StdEncoding.DecodeString(bytes[0].(string))
	if err != nil || !strings.HasPrefix(string(raw), "\x1b@\x1bt\x11") {
		t.Errorf("%q %v", raw, err)
	}
	lost := s.post("/payment/click", `{"amount":500,"qr_code":"880101698207133396"}`)
	a = s.get("/till/slip?id=" + strings.TrimPrefix(lost.code(), "unresolved:"))
	if copies, _ := a.Data["copies"].([]any); len(copies) != 2 || !strings.Contains(copies[0].(string), "РЕЗУЛЬТАТ НЕИЗВЕСТЕН") {
		t.Error(a.raw)
	}
}

// paper is the buyer's copy of an operation's slip.
func (s *shop) paper(id string) string {
	s.t.Helper()
	a := s.get("/till/slip?id=" + id)
	copies, _ := a.Data["copies"].([]any)
	if len(copies) != 2 || !strings.Contains(copies[1].(string), strings.TrimSpace(strings.SplitN(copies[0].(string), "Nusxa", 2)[0])) {
		s.t.Fatal(a.raw)
	}
	return copies[0].(string)
}

// A paper on which a pinpad had printed that it was approved, before it did not tell the end or took it
// back, is no paper to give goods for: what stands above it says so. The same for a wallet's payment.
func TestSlipOfWhatIsNotPaid(t *testing.T) {
	const unknown, unpaid, recovered = "РЕЗУЛЬТАТ НЕИЗВЕСТЕН", "НЕ ОПЛАЧЕНО", "ВОССТАНОВЛЕНО"
	d := &doubted{slip: "ОДОБРЕНО\nСУММА 500.00 UZS\n"}
	s := doubtedShop(t, d)
	says := func(when, id, loud string) {
		t.Helper()
		text := s.paper(id)
		for _, word := range []string{unknown, unpaid, recovered} {
			at, slip := strings.Index(text, word), strings.Index(text, "500.00 UZS")
			if is := at >= 0; is != (word == loud) || is && at > slip {
				t.Errorf("%s:\n%s", when, text)
			}
		}
	}
	id := strings.TrimPrefix(s.post("/payment/xumo", `{"amount":50000}`).code(), "unresolved:")
	if !strings.Contains(s.paper(id), "ОДОБРЕНО") {
		t.Fatal("the pinpad's own paper is lost")
	}
	says("unknown at a pinpad", id, unknown)
	s.clock.advance(5 * time.Minute)
	s.state(journal.Declined, "after 5 minutes")
	says("not performed", id, unpaid)

	id = strings.TrimPrefix(s.post("/payment/xumo", `{"amount":50000}`).code(), "unresolved:")
	d.says(theSale, nil)
	s.state(journal.Approved, "once the device has performed it")
	says("found approved", id, recovered)

	lost := `{"amount":50000,"qr_code":"880101698207133396"}`
	id = strings.TrimPrefix(s.post("/payment/click", lost).code(), "unresolved:")
	says("a wallet's", id, unknown)
	s.post("/payment/operations/"+id+"/resolve", `{"decision":"void","name":"Dilnoza"}`)
	says("voided by a person", id, unpaid)
	refused := s.post("/payment/click", `{"amount":50000,"qr_code":"880101698207133399","operation_id":"refused"}`)
	if says("refused by the wallet", "refused", unpaid); refused.Success {
		t.Error(refused.raw)
	}
}

// A printer on the network gets the QR and both papers; one that is off is told of, and the QR is
// the same when the call comes again.
func TestPrinter(t *testing.T) {
	papers, address, unplug := openPrinter(t)
	s := newShop(t, func(o *till.Options) { o.Config.Printer.Address = address })
	a := s.post("/payment/qr_pay", `{"amount":500,"order_id":"1","print":true}`)
	message, _ := a.Data["message"].(string)
	if paper := <-papers; message == "" || !strings.Contains(paper, message) {
		t.Errorf("%s: %q", a.raw, paper)
	}
	s.post("/payment/xumo", `{"amount":50000,"operation_id":"sale"}`)
	if a := s.post("/till/print?id=sale", `{}`); !a.Success {
		t.Error(a.raw)
	}
	if one, two := <-papers, <-papers; !strings.Contains(one, "Nusxa 1") || !strings.Contains(two, "Nusxa 2") {
		t.Errorf("%q\n%q", one, two)
	}
	unplug()
	s.want(s.post("/payment/qr_pay", `{"amount":500,"order_id":"1","print":true}`), `{"data":null,"error":{"code":101,"message":"PRINTER_ERROR","data":null},"is_success":false}`)
	if again := s.post("/payment/qr_pay", `{"amount":500,"order_id":"1"}`); again.raw != a.raw {
		t.Errorf("%s, and then %s", a.raw, again.raw)
	}
}

// openPrinter is a printer on the network: what it prints, where it is, and its plug.
func openPrinter(t *testing.T) (papers chan string, address string, unplug func() error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	papers = make(chan string, 8)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			b, _ := io.ReadAll(c)
			c.Close()
			papers <- string(b)
		}
	}()
	return papers, ln.Addr().String(), ln.Close
}
