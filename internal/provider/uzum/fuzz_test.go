package uzum_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// FuzzCallback: whatever comes, the answer is a JSON object with HTTP 200 or 400; a sum that
// was taken is the order's; and without the password nothing happens.
func FuzzCallback(f *testing.F) {
	f.Add("POST", "/check", `{"serviceId":101202,"timestamp":1698361456728,"params":{"order_id":"O1"}}`, true)
	f.Add("POST", "/create", `{"serviceId":101202,"timestamp":1698361456728,"transId":"T","params":{"order_id":"O1"},"amount":2500000}`, true)
	f.Add("POST", "/confirm", `{"serviceId":101202,"transId":"T0"}`, true)
	f.Add("POST", "/reverse/", `{"serviceId":101202,"timestamp":1,"transId":"T0"}`, false)
	f.Add("DELETE", "/x/status", `{`, true)
	f.Fuzz(func(t *testing.T, method, path, body string, known bool) {
		c := &clock{at: start}
		d := newDesk(c)
		d.invoice("O1", 2500000, pay.StatusPending)
		d.invoice("O2", 100, pay.StatusPending)
		if _, err := d.Open(t.Context(), provider.OpenOrder{Account: "O2", Ref: "T0", Amount: 100}); err != nil {
			t.Fatal(err)
		}
		a := open(t, pay.Options{}, c).(provider.CallbackServer)
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Method, r.URL.Path = method, path
		if known {
			r.SetBasicAuth(credentials["login"], credentials["password"])
		}
		rec := httptest.NewRecorder()
		a.ServeCallback(rec, r, d)
		var answer map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%q is not JSON: %v", rec.Body, err)
		}
		_, refused := answer["errorCode"].(string)
		if rec.Code == 200 && refused || rec.Code == 400 && !refused || rec.Code != 200 && rec.Code != 400 {
			t.Fatalf("HTTP %d with %s", rec.Code, rec.Body)
		}
		if !known && (rec.Code != 400 || len(d.payments) != 1 || d.payments["T0"].State != pay.Created) {
			t.Fatalf("without the password: %d %s", rec.Code, rec.Body)
		}
		for _, p := range d.payments {
			if p.Amount != d.invoices[p.InvoiceID].Amount {
				t.Fatalf("%d tiyin were taken for %d", p.Amount, d.invoices[p.InvoiceID].Amount)
			}
		}
	})
}
