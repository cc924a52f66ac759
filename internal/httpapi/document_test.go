package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/httpapi/apitest"
)

func TestDocumentHoldsTogether(t *testing.T) {
	b := newBench(t, nil)
	if got := b.doc.At("/openapi"); got != "3.1.0" {
		t.Errorf("it is OpenAPI %v", got)
	}
	schemas, examples := 0, 0
	b.doc.Each(func(pointer string, _ map[string]any) {
		schemas++
		// Compiling a schema follows every $ref in it; null is no value of most, and that is fine.
		if err := b.doc.Validate(pointer, []byte("null")); err != nil && strings.Contains(err.Error(), "the document's schema") {
			t.Errorf("%s: %v", pointer, err)
		}
	})
	each(b.doc.At("/paths"), "/paths", func(pointer string, v map[string]any) {
		for _, part := range []string{"schema"} {
			if v[part] == nil || v["example"] == nil {
				continue
			}
			examples++
			if err := b.doc.Validate(pointer+"/"+part, apitest.JSON(v["example"])); err != nil {
				t.Errorf("the example at %s: %v", pointer, err)
			}
		}
	})
	each(b.doc.At("/components"), "/components", func(pointer string, v map[string]any) {
		if v["schema"] != nil && v["example"] != nil {
			examples++
			if err := b.doc.Validate(pointer+"/schema", apitest.JSON(v["example"])); err != nil {
				t.Errorf("the example at %s: %v", pointer, err)
			}
		}
		if list, ok := v["examples"].([]any); ok && v["type"] != nil {
			for _, e := range list {
				examples++
				if err := b.doc.Validate(pointer, apitest.JSON(e)); err != nil {
					t.Errorf("the example at %s: %v", pointer, err)
				}
			}
		}
	})
	if schemas < 60 || examples < 40 {
		t.Errorf("only %d schemas and %d examples were looked at", schemas, examples)
	}
}

func each(v any, pointer string, f func(string, map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(pointer, v)
		for name, item := range v {
			if name != "example" && name != "examples" {
				each(item, pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), f)
			}
		}
	case []any:
		for i, item := range v {
			each(item, pointer+"/"+string(rune('0'+i)), f)
		}
	}
}

// The document lists exactly what the contract's table names for now, and each of it is served.
func TestDocumentListsWhatIsServed(t *testing.T) {
	b := newBench(t, nil)
	var got []string
	for path, item := range b.doc.At("/paths").(map[string]any) {
		for method := range item.(map[string]any) {
			got = append(got, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(got)
	want := []string{
		"DELETE /api/cards/{id}",
		"DELETE /api/tills/{id}",
		"GET /api/cards/{id}",
		"GET /api/invoices",
		"GET /api/invoices/{id}",
		"GET /api/invoices/{id}/timeline",
		"GET /api/merchants",
		"GET /api/merchants/by-business/{source}/{businessId}/providers",
		"GET /api/merchants/supported",
		"GET /api/merchants/{id}",
		"GET /api/merchants/{id}/account",
		"GET /api/merchants/{id}/payout-register",
		"GET /api/merchants/{id}/recipients/{uuid}",
		"GET /api/merchants/{id}/register",
		"GET /api/payouts",
		"GET /api/payouts/{id}",
		"GET /api/payouts/{id}/timeline",
		"GET /api/reconciliations/{id}",
		"GET /api/reconciliations/{id}/differences",
		"GET /api/refunds/by-invoice/{invoiceId}",
		"GET /api/refunds/{id}",
		"GET /api/tills",
		"GET /api/tills/self",
		"GET /docs/openapi.json",
		"GET /health",
		"GET /livez",
		"GET /readyz",
		"PATCH /api/merchants/{id}",
		"POST /api/callbacks/{provider}",
		"POST /api/callbacks/{provider}/{merchantId}",
		"POST /api/callbacks/{provider}/{merchantId}/{method}",
		"POST /api/cards",
		"POST /api/cards/check", "POST /api/cards/check-owner", "POST /api/cards/form",
		"POST /api/cards/{id}/confirm", "POST /api/cards/{id}/resend",
		"POST /api/invoices",
		"POST /api/invoices/{id}/cancel",
		"POST /api/invoices/{id}/capture",
		"POST /api/invoices/{id}/confirm",
		"POST /api/invoices/{id}/notify",
		"POST /api/invoices/{id}/pay",
		"POST /api/invoices/{id}/receipt",
		"POST /api/invoices/{id}/resend",
		"POST /api/merchants",
		"POST /api/payouts",
		"POST /api/payouts/{id}/confirm",
		"POST /api/payouts/{id}/notify",
		"POST /api/payouts/{id}/resend",
		"POST /api/reconciliations",
		"POST /api/reconciliations/{id}/settle",
		"POST /api/refunds",
		"POST /api/tills",
		"POST /api/tills/pair",
		"POST /api/tills/reports",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the document lists\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, route := range got {
		method, path, _ := strings.Cut(route, " ")
		path = strings.NewReplacer("{uuid}", "01975f2e-6a09-7bf0-9a1b-00505680eaf6", "{id}", "01975f2e-6a09-7bf0-9a1b-00505680eaf6", "{invoiceId}", "01975f2e-6a09-7bf0-9a1b-00505680eaf6",
			"{merchantId}", "01975f2e-6a09-7bf0-9a1b-00505680eaf6", "{provider}", "wallet", "{source}", "s", "{businessId}", "b", "{method}", "check").Replace(path)
		if r := b.send(method, path, nil); r.Status == 405 || len(r.details()) > 0 && r.details()[0] == "there is nothing at this address" {
			t.Errorf("%s is not served: %s", route, r.Raw)
		}
	}
}

// The checker of answers must see what is wrong with one: otherwise it checks nothing.
func TestCheckerSeesWhatIsWrong(t *testing.T) {
	b := newBench(t, nil)
	const sound = `{"status":true,"code":200,"message":"OK","data":{"items":[],"nextCursor":null}}`
	req := httptest.NewRequest(http.MethodGet, "/api/invoices", nil)
	for _, c := range []struct {
		name, body string
		status     int
		header     http.Header
		fine       bool
	}{
		{"nothing", sound, 200, nil, true},
		{"a field that is not described", strings.Replace(sound, `"items"`, `"more":1,"items"`, 1), 200, nil, false},
		{"a field that is missing", strings.Replace(sound, `,"nextCursor":null`, ``, 1), 200, nil, false},
		{"null for a list", strings.Replace(sound, `[]`, `null`, 1), 200, nil, false},
		{"another code than the status", strings.Replace(sound, `200`, `201`, 1), 200, nil, false},
		{"a status that is not described", sound, 202, nil, false},
		{"no request id", sound, 200, http.Header{"X-Request-Id": nil}, false},
		{"another content type", sound, 200, http.Header{"Content-Type": {"text/html"}}, false},
		{"half of it", sound[:30], 200, nil, false},
		{"a limit without Retry-After", `{"status":false,"code":429,"message":"RATE_LIMITED","data":{"details":["x"],"requestId":"x"}}`, 429, nil, false},
		{"a limit", `{"status":false,"code":429,"message":"RATE_LIMITED","data":{"details":["x"],"requestId":"x"}}`, 429, http.Header{"Retry-After": {"1"}}, true},
	} {
		header := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "X-Request-Id": {"x"}}
		for name, value := range c.header {
			header[name] = value
		}
		err := b.doc.Check(req, nil, &http.Response{StatusCode: c.status, Header: header}, []byte(c.body))
		if (err == nil) != c.fine {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	post := httptest.NewRequest(http.MethodPost, "/api/invoices/01975f2e-6a09-7bf0-9a1b-00505680eaf6/cancel", nil)
	if err := b.doc.Check(post, nil, &http.Response{StatusCode: 204, Header: http.Header{"X-Request-Id": {"x"}}}, nil); err == nil {
		t.Error("204 passed")
	}
}

// Amounts are shown to nobody as floats.
func TestNoSchemaOfMoneyIsAFloat(t *testing.T) {
	b := newBench(t, nil)
	each(b.doc.At("/components/schemas"), "", func(pointer string, v map[string]any) {
		if v["type"] == "number" && !strings.HasSuffix(pointer, "/qty") {
			t.Errorf("%s is a number", pointer)
		}
		if v["format"] == "float" || v["format"] == "double" {
			t.Errorf("%s is a %v", pointer, v["format"])
		}
	})
	data, err := json.Marshal(b.doc.At("/components/schemas/Line"))
	must(t, err)
	if !strings.Contains(string(data), `"mxik"`) {
		t.Error("there is no line of a receipt in the document")
	}
}
