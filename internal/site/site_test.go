package site

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/docs"
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/words"
)

// sites are made once, so that no page is rendered twice.
var sites = map[bool]http.Handler{}

func get(t *testing.T, ready bool, target string) (int, http.Header, string) {
	t.Helper()
	if sites[ready] == nil {
		sites[ready] = made(ready)
	}
	w := httptest.NewRecorder()
	sites[ready].ServeHTTP(w, httptest.NewRequest("GET", target, nil))
	body, _ := io.ReadAll(w.Result().Body)
	return w.Code, w.Header(), string(body)
}

func made(ready bool) http.Handler {
	return New(Options{
		Providers: []provider.Info{{Name: "payme", Title: "Payme"}, {Name: "uzum", Title: "Uzum Bank"}}, Test: true,
		Ready: func(context.Context) gateway.Readiness {
			if ready {
				return gateway.Readiness{OK: true, Checks: map[string]string{"database": "ok"}}
			}
			return gateway.Readiness{Checks: map[string]string{"database": "failed", "schema": "ok"}}
		},
		Reference: func() []byte { return []byte(sampleAPI) },
	})
}

// sampleAPI has one of each thing that the reference draws.
const sampleAPI = `{"openapi":"3.1.0","info":{"title":"T","version":"1","description":"Money is **tiyin**."},
 "tags":[{"name":"Bills","description":"What is owed"}],
 "paths":{
  "/api/bills":{"post":{"operationId":"make","tags":["Bills"],"summary":"Make a bill","description":"Once.",
   "parameters":[{"$ref":"#/components/parameters/Key"},{"name":"dry","in":"query","required":true,"schema":{"type":"boolean"},"description":"A | B"}],
   "requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/BillInput"},"example":{"amount":100,"name":"It's"}}}},
   "responses":{"201":{"description":"Made.","content":{"application/json":{"schema":{"type":"object","properties":{"code":{"type":"integer","enum":[201]},"data":{"$ref":"#/components/schemas/Bill"},"message":{"type":"string","enum":["OK"]},"status":{"type":"boolean","enum":[true]}}}}}},
    "409":{"$ref":"#/components/responses/Conflict"}}}},
  "/api/bills/{id}":{"get":{"operationId":"read","tags":["Bills"],"summary":"Read a bill","security":[],"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string","format":"uuid"}}],
   "responses":{"200":{"description":"It.","content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Bill"}}}}},"default":{"description":"Else."}}}}},
 "webhooks":{"bill.paid":{"post":{"summary":"A bill was paid","requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Bill"}}}},"responses":{}}}},
 "components":{"parameters":{"Key":{"name":"Idempotency-Key","in":"header","schema":{"type":"string","minLength":1,"maxLength":255}}},
  "responses":{"Conflict":{"description":"Not now","content":{"application/json":{"example":{"status":false,"code":409,"message":"CONFLICT","data":{}}}}}},
  "schemas":{"BillInput":{"type":"object","required":["amount"],"properties":{"amount":{"type":"integer","minimum":100,"maximum":1000000,"description":"Tiyin"},"lines":{"type":"array","items":{"type":"object","properties":{"qty":{"type":"number"}}}}}},
   "Bill":{"type":"object","description":"One debt","properties":{"id":{"type":"string","format":"uuid"},"paidAt":{"type":["string","null"],"format":"date-time"},"state":{"enum":["open","paid"]},"next":{"oneOf":[{"$ref":"#/components/schemas/Bill"},{"type":"null"}]}}}}}}`

// The reference says of every operation, shape and error what the document says.
func TestReference(t *testing.T) {
	source, err := reference([]byte(sampleAPI))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"## Bills\n\nWhat is owed.", "### Make a bill\n\n`POST /api/bills`\n\nOnce.",
		"| `dry` | query | true or false | required | A \\| B |", "| `Idempotency-Key` | header | text, 1–255 characters |",
		"| `amount` | whole number, 100–1\u00a0000\u00a0000 | required | Tiyin |", "| `lines[].qty` | number |",
		"curl -s http://localhost:4002/api/bills \\", `"name": "It'\''s"`, "In `data`: [Bill](#shape-bill)",
		"{\n  \"status\": true,\n  \"code\": 201,\n  \"message\": \"OK\",\n  \"data\": {", `"paidAt": null`, `"state": "open"`,
		"Errors: [409](#errors).", "No key is asked for.", "http://localhost:4002/api/bills/<id>", "The answer is list of [Bill](#shape-bill)",
		"### A bill was paid\n\n`bill.paid`", "| `409` | `CONFLICT` | Not now |", "### Shape Bill\n\nOne debt", "[Bill](#shape-bill) or null",
	} {
		if !strings.Contains(string(source), want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", source)
	}
	for _, bad := range []string{"", "[]", `{"paths":3}`} {
		if _, err := reference([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a document", bad)
		}
	}
	status, _, html := get(t, true, "/docs/api")
	if status != 200 || !strings.Contains(html, `<h3 id="shape-bill">`) || !strings.Contains(html, `href="#make-a-bill"`) {
		t.Errorf("%d, or the page lacks its places", status)
	}
}

func TestLanding(t *testing.T) {
	for _, l := range words.Langs {
		status, head, html := get(t, true, "/?lang="+string(l))
		if status != 200 || !strings.Contains(head.Get("Content-Security-Policy"), "script-src 'self'") {
			t.Errorf("%d %v", status, head)
		}
		for _, want := range []string{words.LandingTitle.In(l), words.AllWell.In(l), "Uzum Bank", "<code>payme</code>", `href="/docs/quickstart"`, "/sandbox/"} {
			if !strings.Contains(html, want) {
				t.Errorf("%s: the page lacks %q", l, want)
			}
		}
		if _, _, html := get(t, false, "/?lang="+string(l)); !strings.Contains(html, words.NotWell.In(l)) || !strings.Contains(html, words.CheckFails.With(l, "database")) || strings.Contains(html, words.AllWell.In(l)) {
			t.Errorf("%s: it does not say that it is not ready, and why", l)
		}
	}
}

// Every page is there, with its twin, and every link on it leads to a page that is there too.
func TestDocuments(t *testing.T) {
	link := regexp.MustCompile(`href="(/docs[^"#]*)`)
	for _, p := range docs.Contents {
		status, _, html := get(t, true, "/docs/"+p.Path)
		if status != 200 || !strings.Contains(html, "<h1") || !strings.Contains(html, `aria-current="page"`) {
			t.Errorf("%s: %d", p.Path, status)
		}
		if strings.Contains(html, "<table>") && !strings.Contains(html, `<div class="scroll" tabindex="0"`) {
			t.Errorf("%s: a table cannot be scrolled", p.Path)
		}
		for _, m := range link.FindAllStringSubmatch(html, -1) {
			if m[1] == "/docs/openapi.json" { // the API's
				continue
			}
			if status, _, _ := get(t, true, m[1]); status != 200 {
				t.Errorf("%s leads to %s, which answers %d", p.Path, m[1], status)
			}
		}
		status, head, twin := get(t, true, "/docs/"+p.Path+".md")
		if status != 200 || !strings.HasPrefix(head.Get("Content-Type"), "text/markdown") || !strings.HasPrefix(twin, "# ") {
			t.Errorf("%s.md: %d %s", p.Path, status, head.Get("Content-Type"))
		}
		if _, _, list := get(t, true, "/docs/llms.txt"); !strings.Contains(list, "(/docs/"+p.Path+".md)") {
			t.Errorf("llms.txt lacks %s", p.Path)
		}
	}
	if status, _, html := get(t, true, "/docs"); status != 200 || !strings.Contains(html, docs.Contents[0].Title) {
		t.Errorf("/docs: %d", status)
	}
	for _, bad := range []string{"/docs/none", "/docs/../site.go", "/x", "/docs/docs.go", "/docs/decisions/README"} {
		if status, _, _ := get(t, true, bad); status != 404 && status/100 != 3 {
			t.Errorf("%s: %d", bad, status)
		}
	}
}

func TestRender(t *testing.T) {
	d, err := render(docs.Page{Path: "providers/payme"}, []byte("# T\n\n[a](../webhooks.md#node) [b](../../ARCHITECTURE.md) [c](https://x.uz) <b onclick=x>raw</b>\n\n```sh\necho \"<&>\"\n```\n\n    https://x.uz\n\n|a|b|\n|-|-|\n|1|2|\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<a href="/docs/webhooks#node">a</a> b <a href="https://x.uz">c</a>`, `<code id="sample-1">echo &quot;&lt;&amp;&gt;&quot;`, `data-copy="sample-1"`, `<pre tabindex="0"><code id="sample-2">https://x.uz`, "<table>", "<h1 id=\"t\">"} {
		if !strings.Contains(d.html, want) {
			t.Errorf("%s lacks %s", d.html, want)
		}
	}
	if strings.Contains(d.html, "onclick") {
		t.Error("raw HTML gets through")
	}
}
