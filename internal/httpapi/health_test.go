package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/httpapi"
)

func TestHealth(t *testing.T) {
	b := newBench(t, nil)
	if got := b.send("GET", "/health", nil, "x-api-key", "").want(200, "").Raw; got != `{"status":"ok","items":[{"name":"bank"},{"name":"wallet"}]}` {
		t.Errorf("/health is %s", got)
	}
	if got := b.send("GET", "/readyz", nil).want(200, "").Raw; got != `{"status":"ok","checks":{"database":"ok","schema":"ok"}}` {
		t.Errorf("/readyz is %s", got)
	}
	if got := b.send("HEAD", "/health", nil).want(200, "").Raw; got != "" {
		t.Errorf("HEAD has a body: %s", got)
	}
}

func TestMetricsAreNotForEverybody(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		w.Write([]byte("chorsu_up 1\n"))
	})
	local := newBench(t, func(o *httpapi.Options) { o.Metrics = metrics })
	local.send("GET", "/metrics", nil).want(200, "")
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} { // a proxy on this machine passes strangers on
		local.send("GET", "/metrics", nil, header, "203.0.113.9").want(403, "FORBIDDEN")
	}
	token := newBench(t, func(o *httpapi.Options) { o.Metrics, o.MetricsToken = metrics, "m-token" })
	token.send("GET", "/metrics", nil).want(403, "FORBIDDEN")
	token.send("GET", "/metrics", nil, "Authorization", "Bearer m-toke").want(403, "FORBIDDEN")
	token.send("GET", "/metrics", nil, "Authorization", "m-token").want(403, "FORBIDDEN")
	token.send("GET", "/metrics", nil, "Authorization", "Bearer m-token", "X-Forwarded-For", "203.0.113.9").want(200, "")
	newBench(t, nil).send("GET", "/metrics", nil).want(404, "NOT_FOUND")
	if strings.Contains(token.logs.String(), "m-token") {
		t.Error("the token was logged")
	}
}

func TestPagesStandBeside(t *testing.T) {
	b := newBench(t, func(o *httpapi.Options) {
		o.Beside = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'self'")
			w.Write([]byte("page " + r.URL.Path))
		})
	})
	r := b.send("GET", "/pay/1", nil).want(200, "")
	if r.Raw != "page /pay/1" || r.Header.Get("X-Request-Id") == "" || r.Header.Get("Content-Security-Policy") != "default-src 'self'" {
		t.Errorf("got %q %v", r.Raw, r.Header)
	}
	b.send("GET", "/api/nothing", nil).want(404, "NOT_FOUND")
	b.send("POST", "/health", nil).want(405, "METHOD_NOT_ALLOWED")
}

func TestPanicIsAnAnswerToo(t *testing.T) {
	b := newBench(t, func(o *httpapi.Options) {
		o.Beside = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/half" {
				w.Write([]byte("half of an ans"))
			}
			panic("secret detail")
		})
	})
	r := b.send("GET", "/api-like", nil).want(500, "INTERNAL_ERROR")
	if strings.Contains(r.Raw, "secret detail") || r.text("requestId") == "" {
		t.Errorf("got %s", r.Raw)
	}
	if logs := b.logs.String(); !strings.Contains(logs, "secret detail") || !strings.Contains(logs, r.text("requestId")) {
		t.Errorf("the log does not tell: %s", logs)
	}
	req, err := http.NewRequest("GET", b.url+"/half", nil)
	must(t, err)
	if res, err := http.DefaultClient.Do(req); err == nil {
		defer res.Body.Close()
		if body, err := io.ReadAll(res.Body); err == nil {
			t.Errorf("half of an answer ended as if it were whole: %q", body)
		}
	}
}

func TestEveryAnswerHasItsHeaders(t *testing.T) {
	b := newBench(t, nil)
	for _, path := range []string{"/health", "/api/merchants/supported", "/api/nothing", "/docs/openapi.json", "/nothing"} {
		h := b.send("GET", path, nil).Header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		if h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s lets browsers of other sites read it", path)
		}
	}
}
