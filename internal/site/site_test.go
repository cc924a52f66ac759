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

func get(t *testing.T, ready bool, target string) (int, http.Header, string) {
	t.Helper()
	h, err := New(Options{
		Providers: []provider.Info{{Name: "payme", Title: "Payme"}, {Name: "uzum", Title: "Uzum Bank"}}, Test: true,
		Ready: func(context.Context) gateway.Readiness { return gateway.Readiness{OK: ready} },
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
	body, _ := io.ReadAll(w.Result().Body)
	return w.Code, w.Header(), string(body)
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
		if _, _, html := get(t, false, "/?lang="+string(l)); !strings.Contains(html, words.NotWell.In(l)) {
			t.Errorf("%s: it does not say that it is not ready", l)
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
	d, err := render(docs.Page{Path: "providers/payme"}, []byte("# T\n\n[a](../webhooks.md#node) [b](../../ARCHITECTURE.md) [c](https://x.uz) <b onclick=x>raw</b>\n\n```sh\necho \"<&>\"\n```\n\n|a|b|\n|-|-|\n|1|2|\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<a href="/docs/webhooks#node">a</a> b <a href="https://x.uz">c</a>`, `<code id="sample-1">echo &quot;&lt;&amp;&gt;&quot;`, `data-copy="sample-1"`, "<table>", "<h1 id=\"t\">"} {
		if !strings.Contains(d.html, want) {
			t.Errorf("%s lacks %s", d.html, want)
		}
	}
	if strings.Contains(d.html, "onclick") {
		t.Error("raw HTML gets through")
	}
}
