package till_test

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/till"
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
