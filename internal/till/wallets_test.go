package till_test

import (
	"strings"
	"testing"
)

// refusedAt sends requests to the till that are refused at its own door, and looks that the company
// has heard of none.
func (s *shop) refusedAt(path, company string, bodies map[string]struct {
	code int
	says string
}) {
	s.t.Helper()
	before := len(s.tap.all())
	for body, want := range bodies {
		a := s.post(path, body)
		if a.Success || a.Data != nil || a.Error == nil || a.Error.Code != want.code || !strings.Contains(a.raw, want.says) {
			s.t.Errorf("%s %s: %s, want %d %q", path, body, a.raw, want.code, want.says)
		}
	}
	if sent := s.tap.all()[before:]; len(sent) > 0 {
		s.t.Errorf("%s: sent to %s: %q", path, company, sent)
	}
}

// all is what left the agent.
func (p *tap) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.seen...)
}

type door = map[string]struct {
	code int
	says string
}

// The wallets' own scenarios, where they are about the till's endpoints. What is wrong in a payment's
// body is 104, in a confirmation's 7.

func TestScenario_Anor_02_03_AtTheTill(t *testing.T) {
	newShop(t).refusedAt("/payment/anor", "Anor", door{
		`{"amount":50000,"qr_code":""}`:      {104, "qr_code"},
		`{"amount":50000}`:                   {104, "qr_code"},
		`{"amount":0,"qr_code":"OK-1"}`:      {104, "amount"},
		`{"amount":-1,"qr_code":"OK-1"}`:     {104, "amount"},
		`{"amount":"500","qr_code":"OK-1"}`:  {104, "amount"},
		`{"amount":1.5,"qr_code":"OK-1"}`:    {104, "amount"},
		`{"amount":50000,"qr_code":["OK-1"]`: {104, "JSON"},
	})
}

func TestScenario_Anor_04_AtTheTill(t *testing.T) {
	s := newShop(t)
	a := s.post("/payment/anor", `{"amount":50000,"qr_code":"NOFUNDS"}`)
	if n, _ := s.charged("anor"); a.Success || a.Error.Code != 106 || !strings.Contains(a.code(), "funds") || n != 0 || s.last().State != "declined" {
		t.Errorf("%s, %d charges, %s", a.raw, n, s.last().State)
	}
}

func TestScenario_Anor_06_07_08_AtTheTill(t *testing.T) {
	s := newShop(t)
	paid := s.post("/payment/anor", `{"amount":50000,"qr_code":"OK-1"}`)
	id, _ := paid.Data["transaction_id"].(string)
	if !paid.Success || id == "" {
		t.Fatal(paid.raw)
	}
	s.refusedAt("/payment/anor_confirm", "Anor", door{
		`{"payment_id":"` + id + `","qr_code":"` + link + `"}`:                                                                  {7, `transaction_id`},
		`{"transaction_id":"` + id + `","qr_code":"http://evil.uz/check?t=UZ170703100597&r=1&c=20231201160732&s=025561534771"}`: {7, `qr_code`},
		`{"transaction_id":"` + id + `","qr_code":"https://ofd.soliq.uz/check?t=UZ170703100597&r=1&c=20231201160732"}`:          {7, `qr_code`},
	})
	body := `{"transaction_id":"` + id + `","qr_code":"` + link + `"}`
	first, second := s.post("/payment/anor_confirm", body), s.post("/payment/anor_confirm", body)
	if value, there := first.Data["payment_id"]; !first.Success || first.raw != second.raw || first.Data["transaction_id"] != id || !there || value != nil {
		t.Errorf("%s\n%s", first.raw, second.raw)
	}
}

func TestScenario_Uzum_18_AtTheTill(t *testing.T) {
	s := newShop(t)
	a := s.post("/payment/uzum", `{"amount":100000,"qr_code":"`+strings.Repeat("7", 39)+`"}`)
	if n, _ := s.charged("uzum"); a.Success || a.Data != nil || a.Error.Code != 106 || n != 0 {
		t.Errorf("%s, %d charges", a.raw, n)
	}
}

func TestScenario_Uzum_20_AtTheTill(t *testing.T) {
	s := newShop(t)
	paid := s.post("/payment/uzum", `{"amount":100000,"qr_code":"`+fastCode("1")+`"}`)
	id, _ := paid.Data["payment_id"].(string)
	s.refusedAt("/payment/uzum_confirm", "Uzum", door{`{"payment_id":"` + id + `","qr_code":"http://example.com/x"}`: {7, `qr_code`}})
	body := `{"payment_id":"` + id + `","qr_code":"` + link + `"}`
	first, second := s.post("/payment/uzum_confirm", body), s.post("/payment/uzum_confirm", body)
	if !first.Success || first.Data["payment_status"] != "SUCCESS" || first.raw != second.raw {
		t.Errorf("%s\n%s", first.raw, second.raw)
	}
}
