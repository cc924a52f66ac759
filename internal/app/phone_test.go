package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/words"
)

// send posts a form of the sandbox's page, and returns the page that follows.
func (r *running) send(path string, form url.Values) string {
	r.Helper()
	form.Set("at", "lang=en")
	res, err := http.PostForm(r.url+"/sandbox"+path, form)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		r.Fatalf("%s: %s %v", path, res.Status, err)
	}
	return string(page)
}

var reads = regexp.MustCompile(`data-reads="([^"]+)"`)

// Each wallet's code is of its own form, pays one invoice through the API, and no second one, and
// none after its time.
func TestThePhonesCodePaysOnce(t *testing.T) {
	r := start(t, nil)
	till := map[string]struct {
		provider string
		form     *regexp.Regexp
	}{
		"click": {"clickpass", regexp.MustCompile(`^88[0-9]{18}$`)}, "payme": {"paymego", regexp.MustCompile(`^5050[0-9]{16}$`)},
		"uzum": {"uzumfastpay", regexp.MustCompile(`^[0-9]{43}$`)}, "anor": {"anor", regexp.MustCompile(`^ANOR-[0-9]{15}$`)},
	}
	for _, p := range app.Plugins() {
		want, ok := till[p.Played()]
		if !ok || p.Provider.Info().Name != want.provider {
			continue
		}
		if status, _ := r.call("POST", "/api/merchants", map[string]any{"source": "s", "businessId": "b", "provider": want.provider, "credentials": p.Sample}); status != 201 {
			t.Fatalf("register %s: %d", want.provider, status)
		}
	}
	for company, want := range till {
		t.Run(company, func(t *testing.T) {
			show := func(plan string) string {
				page := r.send("/phone/code", url.Values{"provider": {company}, "plan": {plan}})
				code := reads.FindStringSubmatch(page)
				if code == nil || !want.form.MatchString(code[1]) || !strings.Contains(page, "&#34;"+want.provider+"&#34;") {
					t.Fatalf("the QR reads %q", code)
				}
				return code[1]
			}
			pay := func(order, code string) (string, map[string]any) {
				_, inv := r.call("POST", "/api/invoices", map[string]any{
					"source": "s", "businessId": "b", "provider": want.provider, "sourceInvoiceId": company + order, "amount": 500_000, "notifyUrl": r.url + "/sandbox/inbox/shop",
				})
				id, _ := inv["id"].(string)
				status, got := r.call("POST", "/api/invoices/"+id+"/pay", map[string]any{"method": "qr", "code": code})
				if status != 200 {
					t.Fatalf("%s: %d %v", order, status, got)
				}
				failure, _ := got["failure"].(map[string]any)
				state, _ := got["status"].(string)
				return state, failure
			}
			code := show("pay")
			if status, _ := pay("1", code); status != "paid" {
				t.Errorf("the code leaves the invoice %s", status)
			}
			if status, failure := pay("2", code); status != "pending" || failure == nil {
				t.Errorf("a used code: %s %v", status, failure)
			}
			if status, failure := pay("3", show("nofunds")); status != "pending" || failure == nil {
				t.Errorf("a code without money: %s %v", status, failure)
			}
			late := show("pay")
			r.send("/clock", url.Values{"advance": {"6m"}})
			if status, failure := pay("4", late); status != "pending" || failure == nil {
				t.Errorf("a code that has run out: %s %v", status, failure)
			}
		})
	}
}

// What a till shows is in the phone's sight, and pays once, is refused, or is paid with nobody
// hearing of it; the till's own questions say the same each time.
func TestThePhoneScansTheTill(t *testing.T) {
	r := start(t, nil)
	box := func(method, path string, body any) map[string]any {
		t.Helper()
		text, _ := json.Marshal(body)
		req, _ := http.NewRequest(method, r.url+"/sandbox"+path, bytes.NewReader(text))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var out map[string]any
		json.NewDecoder(res.Body).Decode(&out)
		return out
	}
	data := func(m map[string]any) map[string]any { d, _ := m["data"].(map[string]any); return d }
	type shown struct {
		link string
		says func() string // how the till finds it
	}
	tills := map[string]func(order string) shown{
		"scan2pay": func(order string) shown {
			made := box("POST", "/scan2pay/payment/qr_pay", map[string]any{"amount": 500_000, "order_id": order})
			return shown{data(made)["message"].(string), func() string {
				if box("POST", "/scan2pay/payment/qr_pay/status", map[string]any{"order_id": order})["is_success"] == true {
					return "paid"
				}
				return "waits"
			}}
		},
		"uzqr": func(order string) shown {
			made := data(box("POST", "/fbox/payment/one_qr/create", map[string]any{"amount": "5000.00", "external_id": order}))
			return shown{made["qr_text"].(string), func() string {
				sim, _, _ := r.app.Sandbox.Simulator("fbox")
				for _, x := range sim.Books() {
					if x.Ref == made["invoice_id"] && x.State == "created" {
						return "waits" // the box would hold the question
					}
				}
				got := data(box("GET", "/fbox/payment/one_qr/status?invoice_id="+made["invoice_id"].(string), nil))
				return map[float64]string{1: "waits", 2: "paid", 3: "refused"}[got["status"].(float64)]
			}}
		},
	}
	for name, show := range tills {
		t.Run(name, func(t *testing.T) {
			ref := regexp.MustCompile(`name="ref" value="([^"]+)"`)
			refused := map[string]string{"scan2pay": "waits", "uzqr": "refused"}[name]
			for _, c := range []struct{ do, says, finds string }{
				{"leave", words.PhoneNoneBegan.EN, "waits"}, {"refuse", words.PhoneRefused.EN, refused}, {"pay", words.PhonePaid.EN, "paid"},
				{"twice", words.PhonePaid.EN, "paid"}, {"network", words.PhoneUntold.EN, "paid"},
			} {
				order := "k-" + c.do
				x := show(order)
				res, err := http.Get(r.url + "/sandbox/?lang=en")
				if err != nil {
					t.Fatal(err)
				}
				home, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if !strings.Contains(string(home), "· "+order) || x.says() != "waits" {
					t.Errorf("%s: the phone does not see it", c.do)
				}
				page := r.send("/phone", url.Values{"do": {c.do}, "link": {x.link}})
				if !strings.Contains(page, c.says) || x.says() != c.finds {
					t.Errorf("%s: the till finds it %s; the phone lacks %q", c.do, x.says(), c.says)
				}
				if c.do == "network" {
					page = r.send("/phone", url.Values{"do": {"again"}, "link": {x.link}, "ref": {ref.FindStringSubmatch(page)[1]}})
					if !strings.Contains(page, words.PhonePaid.EN) {
						t.Error("the phone looks again and finds nothing")
					}
				}
				if c.finds == "paid" {
					if page = r.send("/phone", url.Values{"do": {"pay"}, "link": {x.link}}); strings.Contains(page, words.PhonePaid.EN) {
						t.Errorf("%s: it is paid a second time", c.do)
					}
				}
			}
		})
	}
}
