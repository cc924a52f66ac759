package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/httpapi"
	"github.com/chorsu/chorsu/internal/httpapi/apitest"
)

// No input makes a 5xx, a panic, or an answer that the document does not describe.
func FuzzNoInputBreaksTheAPI(f *testing.F) {
	base := newBench(f, func(o *httpapi.Options) { o.AcceptCardData = true })
	base.register("bank", "biz")
	base.register("wallet", "biz")
	invoice := base.send("POST", "/api/invoices", base.order("biz", "1", nil)).want(201, "").text("id")
	for _, s := range []struct{ route, body, key string }{
		{"POST /api/invoices", sound, ""},
		{"POST /api/invoices", with(`"provider":"bank","metadata":{"ы":"\ud83d\ude00"}`), "k"},
		{"POST /api/invoices", with(`"amount":1e2`), "two words"},
		{"POST /api/invoices/" + invoice + "/cancel", ``, "k"},
		{"POST /api/invoices/" + invoice + "/receipt", `{"url":"https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=514343190161"}`, ""},
		{"POST /api/refunds", `{"invoiceId":"` + invoice + `","amount":100,"cardPan":"8600123412341239","ofd":` + ofd + `}`, "r"},
		{"POST /api/merchants", `{"source":"s","businessId":"b","provider":"wallet","credentials":{"key":"k"},"options":{"callbackFrom":["::/0"]}}`, ""},
		{"POST /api/payouts", `{"source":"shop","businessId":"biz","provider":"bank","sourcePayoutId":"1","amount":100,"card":{"number":"8600123412341239"},"confirm":false}`, "p"},
		{"POST /api/payouts/" + invoice + "/confirm", ``, ""},
		{"PATCH /api/merchants/x", `{"isActive":true}`, ""},
		{"GET /api/invoices?limit=1&from=2026-05-12T10:00:00Z&cursor=e30", ``, ""},
		{"GET /api/merchants/by-business/%ff/%00/providers", ``, ""},
		{"GET /api/merchants?source=%ff&isActive=true", ``, ""},
		{"POST /api/callbacks/wallet/" + invoice, `{"op":"open"}`, ""},
		{"BREW /api/../api//x?%zz=;&&", "\xff", "\x7f"},
	} {
		f.Add(s.route, s.body, s.key)
	}
	f.Fuzz(func(t *testing.T, route, body, key string) {
		method, path, _ := strings.Cut(route, " ")
		req, err := http.NewRequest(method, base.url+"/"+strings.TrimPrefix(path, "/"), strings.NewReader(body))
		if err != nil || req.URL.Host != strings.TrimPrefix(base.url, "http://") || method == http.MethodConnect {
			return // no request to the API
		}
		req.Header.Set("x-api-key", apiKey)
		req.Header.Set("Content-Type", "application/json")
		if key != "" {
			req.Header.Set("Idempotency-Key", key)
		}
		res, err := (&http.Client{Transport: &apitest.Transport{TB: t, Document: base.doc}}).Do(req)
		if err != nil {
			return // a header or a method that the client itself refuses to send
		}
		defer res.Body.Close()
		if res.StatusCode >= 500 && !strings.HasPrefix(req.URL.Path, "/api/callbacks/") {
			t.Errorf("%s %s: HTTP %d", method, path, res.StatusCode)
		}
	})
}
