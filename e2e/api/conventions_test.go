// Package api_test holds the promises of the HTTP conventions that a database could break, on
// both engines and against the whole program. What no database can break is tested beside the
// code, in internal/httpapi.
package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/provider/example"
	"github.com/chorsu/chorsu/internal/provider/example/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
)

var setup = providertest.Setup{
	Provider:    example.New(),
	Simulator:   sim.New,
	Credentials: map[string]string{"shopId": "shop-1", "secret": "0123456789abcdef"},
}

// apiKey is the bench's.
const apiKey = "bench-key-0123456789abcdef"

// post sends a body with an idempotency key ("": none).
func post(b *providertest.Bench, path, key string, body any) providertest.Answer {
	b.T.Helper()
	text, ok := body.(string)
	if !ok {
		data, err := json.Marshal(body)
		if err != nil {
			b.T.Fatal(err)
		}
		text = string(data)
	}
	header := http.Header{"X-Api-Key": {apiKey}, "Content-Type": {"application/json"}}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	return b.Do(http.MethodPost, b.URL+path, header, []byte(text))
}

func TestSixtyFourEqualRequestsMakeOneInvoice(t *testing.T) {
	providertest.Each(t, setup, func(t *testing.T, b *providertest.Bench) {
		in := b.InvoiceRequest(100000, nil)
		got := make([]providertest.Answer, 64)
		b.Race(len(got), func(i int) { got[i] = post(b, "/api/invoices", "one-key", in) })
		fresh := 0
		for _, a := range got {
			if a.Status != http.StatusCreated || a.Field("id") != got[0].Field("id") {
				t.Errorf("HTTP %d %s", a.Status, a.Body)
			}
			if a.Header.Get("Idempotent-Replayed") == "" {
				fresh++
			}
		}
		if n := b.Row("SELECT count(*) FROM invoices"); n != "1" || fresh != 1 {
			t.Errorf("%s invoices were made, %d answers were no replays", n, fresh)
		}
	})
}

func TestOneKeyForTwoRequestsServesOne(t *testing.T) {
	providertest.Each(t, setup, func(t *testing.T, b *providertest.Bench) {
		first, second := b.InvoiceRequest(100000, nil), b.InvoiceRequest(100000, nil)
		got := make([]providertest.Answer, 16)
		b.Race(len(got), func(i int) {
			in := first
			if i%2 == 1 {
				in = second
			}
			got[i] = post(b, "/api/invoices", "shared-key", in)
		})
		made, refused := 0, 0
		for _, a := range got {
			switch {
			case a.Status == http.StatusCreated:
				made++
			case a.Status == http.StatusConflict && a.Field("reason") == "idempotency_key_reused":
				refused++
			default:
				t.Errorf("HTTP %d %s", a.Status, a.Body)
			}
		}
		if n := b.Row("SELECT count(*) FROM invoices"); n != "1" || made != 8 || refused != 8 {
			t.Errorf("%s invoices; %d answers made one, %d were refused", n, made, refused)
		}
	})
}

func TestEqualRegistrationsMakeOneMerchant(t *testing.T) {
	providertest.Each(t, setup, func(t *testing.T, b *providertest.Bench) {
		in := map[string]any{"source": "app", "businessId": "biz-2", "provider": "example", "credentials": setup.Credentials}
		for _, key := range []string{"registration", ""} {
			got := make([]providertest.Answer, 16)
			b.Race(len(got), func(i int) { got[i] = post(b, "/api/merchants", key, in) })
			fresh := 0
			for _, a := range got {
				if a.Field("id") != got[0].Field("id") || key != "" && a.Status != http.StatusCreated || key == "" && a.Status != http.StatusOK {
					t.Errorf("key %q: HTTP %d %s", key, a.Status, a.Body)
				}
				if a.Header.Get("Idempotent-Replayed") == "" {
					fresh++
				}
			}
			if key != "" && fresh != 1 {
				t.Errorf("%d answers were no replays", fresh)
			}
		}
		if n := b.Row("SELECT count(*) FROM merchants"); n != "2" { // the bench's own, and this one
			t.Errorf("there are %s merchants", n)
		}
	})
}

// A request that failed before anything was written leaves its key free; one that the database
// could not write is told so, and changes nothing.
func TestFailedRequestLeavesItsKeyFree(t *testing.T) {
	providertest.Each(t, setup, func(t *testing.T, b *providertest.Bench) {
		in := b.InvoiceRequest(100000, nil)
		wrong := b.InvoiceRequest(100000, map[string]any{"businessId": "nobody"})
		if a := post(b, "/api/invoices", "k", wrong); a.Status != http.StatusNotFound {
			t.Fatalf("HTTP %d %s", a.Status, a.Body)
		}
		before := b.Footprint()
		b.FailStore(true)
		a := post(b, "/api/invoices", "k", in)
		b.FailStore(false)
		if a.Status != http.StatusInternalServerError || a.Field("requestId") == "" {
			t.Errorf("with the database down: HTTP %d %s", a.Status, a.Body)
		}
		if after := b.Footprint(); after != before {
			t.Errorf("something was written:\n%s", after)
		}
		if a := post(b, "/api/invoices", "k", in); a.Status != http.StatusCreated || a.Header.Get("Idempotent-Replayed") != "" {
			t.Errorf("afterwards: HTTP %d %s", a.Status, a.Body)
		}
	})
}

// Whatever text a caller gives, it comes back as it was, or is refused at the door.
func TestTextsComeBackAsTheyWere(t *testing.T) {
	providertest.Each(t, setup, func(t *testing.T, b *providertest.Bench) {
		for i, text := range []string{
			"oddiy", "Ўзбекча", "emoji 🧿👨‍👩‍👧", "سلام", "a'b\"c\\d`e", "'; DROP TABLE invoices; --", "%_%", "line\u2028sep", "\ufffd", "\ufeffbom",
			strings.Repeat("🧿", 255), "{\"json\":1}", "$1 $2", "NULL", " padded ",
		} {
			in := b.InvoiceRequest(100000, map[string]any{"sourceInvoiceId": text, "metadata": map[string]any{"note": text + "\n\t" + text[:1]}})
			a := post(b, "/api/invoices", "", in)
			if a.Status != http.StatusCreated {
				t.Errorf("text %d: HTTP %d %s", i, a.Status, a.Body)
				continue
			}
			read := b.API(http.MethodGet, "/api/invoices?source=app&sourceInvoiceId="+url.QueryEscape(text), nil)
			items, _ := read.Field("items").([]any)
			if len(items) != 1 {
				t.Errorf("text %d: %d invoices are found by it", i, len(items))
				continue
			}
			inv := items[0].(map[string]any)
			if note := inv["metadata"].(map[string]any)["note"]; inv["sourceInvoiceId"] != text || note != text+"\n\t"+text[:1] && !strings.ContainsRune(fmt.Sprint(note), '\ufffd') {
				t.Errorf("text %d came back as %q and %q", i, inv["sourceInvoiceId"], note)
			}
		}
		made := b.Row("SELECT count(*) FROM invoices")
		for _, raw := range []string{`"\u0000"`, "\"\xff\"", `"\ud800"`, "\"a\x00b\"", `"` + strings.Repeat("🧿", 256) + `"`, `"a\u001fb"`} {
			body := `{"source":"app","businessId":"biz-1","sourceInvoiceId":` + raw + `,"amount":100000,"notifyUrl":"https://a.uz"}`
			if a := post(b, "/api/invoices", "", body); a.Status != http.StatusBadRequest {
				t.Errorf("%.20q: HTTP %d %s", raw, a.Status, a.Body)
			}
		}
		for _, path := range []string{"/api/invoices?sourceInvoiceId=%00", "/api/invoices/%00", "/api/merchants/by-business/%00/%ff/providers", "/api/refunds/by-invoice/%ff"} {
			if a := b.API(http.MethodGet, path, nil); a.Status != http.StatusBadRequest && a.Status != http.StatusNotFound {
				t.Errorf("%s: HTTP %d %s", path, a.Status, a.Body)
			}
		}
		if n := b.Row("SELECT count(*) FROM invoices"); n != made {
			t.Errorf("what was refused made invoices: %s, were %s", n, made)
		}
	})
}

// Pages are whole and without repeats also where many invoices were made in the same
// millisecond: the bench's clock stands still.
func TestPagesMissNothing(t *testing.T) {
	providertest.Each(t, setup, func(t *testing.T, b *providertest.Bench) {
		want := map[string]bool{}
		for range 23 {
			want[b.Invoice(100000, nil)] = true
		}
		seen := map[string]bool{}
		path := "/api/invoices?limit=5&businessId=biz-1"
		for next, pages := path, 0; next != "" && pages < 10; pages++ {
			a := b.API(http.MethodGet, next, nil)
			for _, item := range a.Field("items").([]any) {
				id := item.(map[string]any)["id"].(string)
				if seen[id] || !want[id] {
					t.Errorf("page %d has %s again", pages, id)
				}
				seen[id] = true
			}
			next = ""
			if c, ok := a.Field("nextCursor").(string); ok {
				next = path + "&cursor=" + url.QueryEscape(c)
			}
		}
		if len(seen) != len(want) {
			t.Errorf("the pages have %d of %d invoices", len(seen), len(want))
		}
	})
}
