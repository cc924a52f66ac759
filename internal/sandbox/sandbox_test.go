package sandbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/inbox"
	examplesim "github.com/chorsu/chorsu/internal/provider/example/sim"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/sandbox"
)

// bed is a running sandbox with the example company, and a gateway of a few lines that says
// yes to every message and counts them.
type bed struct {
	*testing.T
	url     string
	gateway *httptest.Server
	heard   chan string // the bodies that reached the gateway
}

func start(t *testing.T) *bed {
	b := &bed{T: t, heard: make(chan string, 100)}
	b.gateway = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.heard <- string(body)
		io.WriteString(w, `{"ok":true,"id":"pay-1"}`)
	}))
	t.Cleanup(b.gateway.Close)

	var box http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { box.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	in := inbox.New(inbox.Options{})
	t.Cleanup(in.Close)
	s, err := sandbox.New(sandbox.Options{
		BaseURL:   srv.URL,
		Companies: []sandbox.Company{{Name: "example", New: examplesim.New}},
		Clock:     sandbox.NewClock(func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }),
		Inbox:     in,
	})
	if err != nil {
		t.Fatal(err)
	}
	box, b.url = s, srv.URL
	return b
}

// call sends a request as a program does and decodes the answer.
func (b *bed) call(method, path, body string, want int) map[string]any {
	b.Helper()
	req, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != want {
		b.Fatalf("%s %s: %d %s, want %d", method, path, res.StatusCode, text, want)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		b.Fatalf("%s %s answers no JSON: %s", method, path, text)
	}
	return out
}

func (b *bed) account() {
	b.Helper()
	b.call("POST", "/control/providers/example/accounts", `{"credentials":{"shopId":"s1","secret":"0123456789abcdef"},"callbackUrl":"`+b.gateway.URL+`"}`, 200)
}

func (b *bed) act(kind string) map[string]any {
	b.Helper()
	return b.call("POST", "/control/providers/example/act", `{"kind":"`+kind+`","link":"`+b.url+`/example/checkout?shop=s1&order=inv-1&amount=5000"}`, 200)
}

func TestABuyerPays(t *testing.T) {
	b := start(t)
	b.account()
	rep := b.act("pay")
	if rep["state"] != "paid" || len(rep["exchanges"].([]any)) != 2 {
		t.Fatalf("report: %v", rep)
	}
	books := b.call("GET", "/control/providers/example/books", "", 200)["items"].([]any)
	if len(books) != 1 || books[0].(map[string]any)["amount"] != 5000.0 {
		t.Errorf("books: %v", books)
	}
	b.call("POST", "/control/reset", "", 200)
	if books := b.call("GET", "/control/providers/example/books", "", 200)["items"].([]any); len(books) != 0 {
		t.Errorf("books after reset: %v", books)
	}
	if rep := b.act("pay"); rep["state"] != "paid" {
		t.Errorf("the account did not outlive the reset: %v", rep)
	}
}

func TestFaultsStrikeAsOftenAsSet(t *testing.T) {
	b := start(t)
	b.account()
	b.call("POST", "/control/providers/example/faults", `{"step":"paid","kind":"lost_after","times":1,"delay":"2s"}`, 200)
	faults := b.call("GET", "/control/providers/example/faults", "", 200)["items"].([]any)
	if len(faults) != 1 || faults[0].(map[string]any)["delay"] != "2s" {
		t.Fatalf("faults: %v", faults)
	}
	if rep := b.act("pay"); rep["state"] != "suspended" {
		t.Errorf("an answer that was lost leaves the company in the dark, not %v", rep["state"])
	}
	if rep := b.act("pay"); rep["state"] != "paid" {
		t.Errorf("the fault struck twice: %v", rep)
	}
	b.call("POST", "/control/providers/example/faults", `{"step":"begin","kind":"500"}`, 200)
	b.call("DELETE", "/control/providers/example/faults?step=begin", "", 200)
	if faults := b.call("GET", "/control/providers/example/faults", "", 200)["items"].([]any); len(faults) != 0 {
		t.Errorf("faults after clearing: %v", faults)
	}
}

func TestMovingTheClockDoesWhatFallsDue(t *testing.T) {
	b := start(t)
	b.account()
	b.act("begin")
	got := b.call("POST", "/control/clock", `{"advance":"31m"}`, 200)
	if got["now"] != "2026-11-21T09:31:00Z" || got["moved"] != "31m0s" {
		t.Errorf("the clock says %v", got)
	}
	books := b.call("GET", "/control/providers/example/books", "", 200)["items"].([]any)
	if state := books[0].(map[string]any)["state"]; state != "cancelled" {
		t.Errorf("a payment that nobody finished is %v after 31 minutes", state)
	}
	for _, bad := range []string{`{"advance":"-1h"}`, `{"advance":"soon"}`, `{"advance":"9000h"}`, `{}`} {
		b.call("POST", "/control/clock", bad, 400)
	}
}

func TestTheInboxShowsWhatItVerified(t *testing.T) {
	b := start(t)
	b.call("POST", "/control/inbox/shop/answers", `[{"status":500}]`, 200)
	for _, want := range []int{500, 200} {
		res, err := http.Post(b.url+"/inbox/shop", "application/json", strings.NewReader(`{"status":"paid"}`))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("the inbox answers %d, want %d", res.StatusCode, want)
		}
	}
	items := b.call("GET", "/control/inbox/shop?after=1&wait=10s", "", 200)["items"].([]any)
	if len(items) != 1 || items[0].(map[string]any)["verified"] != false {
		t.Errorf("items: %v", items)
	}
	for _, bad := range []string{`[{"status":99}]`, `[{"delay":"1h"}]`, `[{"times":-1}]`, `{}`} {
		b.call("POST", "/control/inbox/shop/answers", bad, 400)
	}
}

func TestBadControlRequests(t *testing.T) {
	b := start(t)
	b.account()
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/control/providers/nobody/act", `{}`, 404},
		{"GET", "/control/providers/nobody/books", "", 404},
		{"POST", "/control/providers/nobody/accounts", `{}`, 404},
		{"POST", "/control/providers/example/accounts", `{}`, 400},
		{"POST", "/control/providers/example/act", `{"kind":"fly"}`, 400},
		{"POST", "/control/providers/example/act", `{"kind":"pay","wings":2}`, 400},
		{"POST", "/control/providers/example/act", `{"kind":"pay"} {}`, 400},
		{"POST", "/control/providers/example/act", `{"kind":"pay","link":"nonsense"}`, 422},
		{"POST", "/control/providers/example/act", `{"kind":"pay","link":"` + strings.Repeat("x", 70<<10) + `"}`, 400},
		{"POST", "/control/providers/example/faults", `{"step":"x","kind":"500"}`, 400},
		{"POST", "/control/providers/example/faults", `{"step":"begin","kind":"x"}`, 400},
		{"POST", "/control/providers/example/faults", `{"step":"begin","kind":"500","delay":"-1s"}`, 400},
		{"GET", "/control/inbox?after=x", "", 400},
		{"GET", "/control/nothing", "", 404},
		{"GET", "/nobody/pay", "", 404},
	} {
		if got := b.call(c.method, c.path, c.body, c.want); got["error"] == "" {
			t.Errorf("%s %s: no sentence says why", c.method, c.path)
		}
	}
}

// What a web page on another site could have a browser send must not reach the control API,
// nor press a company's buttons; opening a checkout link from a shop is what links are for.
func TestOtherSitesAreRefused(t *testing.T) {
	b := start(t)
	b.account()
	host := strings.TrimPrefix(b.url, "http://")
	for _, c := range []struct {
		name         string
		method, path string
		header       map[string]string
		want         int
	}{
		{"a program", "GET", "/control", nil, 200},
		{"its own page", "GET", "/control", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://" + host}, 200},
		{"another site reads", "GET", "/control", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"another port reads", "GET", "/control/inbox", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		{"a foreign origin", "POST", "/control/reset", map[string]string{"Origin": "https://evil.example"}, 403},
		{"an origin that is hidden", "POST", "/control/reset", map[string]string{"Origin": "null"}, 403},
		{"a name made to point here", "GET", "/control", map[string]string{"Host": "evil.example"}, 403},
		{"a name made to point here, at a company", "GET", "/example/checkout", map[string]string{"Host": "evil.example"}, 403},
		{"localhost", "GET", "/control", map[string]string{"Host": "localhost:4003"}, 200},
		{"a shop sends its buyer", "GET", "/example/checkout?shop=s1&order=o&amount=100", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
		{"a shop presses for its buyer", "POST", "/example/checkout?shop=s1&order=o&amount=100", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, _ := http.NewRequest(c.method, b.url+c.path, nil)
			for k, v := range c.header {
				req.Header.Set(k, v)
			}
			req.Host = req.Header.Get("Host")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != c.want {
				t.Errorf("%d, want %d", res.StatusCode, c.want)
			}
		})
	}
}

func TestControlDescribesItself(t *testing.T) {
	b := start(t)
	routes := b.call("GET", "/control", "", 200)["routes"].([]any)
	for _, r := range routes {
		r := r.(map[string]any)
		if r["method"] == "" || r["path"] == "" || r["does"] == "" {
			t.Errorf("a route that says too little: %v", r)
		}
	}
	providers := b.call("GET", "/control/providers", "", 200)["items"].([]any)
	p := providers[0].(map[string]any)
	if len(providers) != 1 || p["name"] != "example" || len(p["actions"].([]any)) == 0 || len(p["steps"].([]any)) == 0 {
		t.Errorf("providers: %v", providers)
	}
	res, err := http.Get(b.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, _ := io.ReadAll(res.Body)
	if res.StatusCode != 200 || !strings.Contains(string(page), "Namuna Pay") {
		t.Errorf("the page: %d %s", res.StatusCode, page)
	}
}

// A checkout link's base64 may hold "//", which a mux would redirect away.
func TestPathsReachTheCompanyAsTheyAre(t *testing.T) {
	var got string
	echo := func(*simulator.World) simulator.Simulator { return echoSim{&got} }
	s, err := sandbox.New(sandbox.Options{
		BaseURL: "http://127.0.0.1:4003", Companies: []sandbox.Company{{Name: "echo", New: echo}},
		Clock: sandbox.NewClock(time.Now), Inbox: inbox.New(inbox.Options{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/echo/a//b": "/a//b", "/echo": "/", "/echo/": "/", "/echo/../x": "/../x"} {
		req := httptest.NewRequest("GET", "http://127.0.0.1:4003/", nil)
		req.URL.Path = path
		s.ServeHTTP(httptest.NewRecorder(), req)
		if got != want {
			t.Errorf("%s reaches the company as %s, want %s", path, got, want)
		}
	}
}

type echoSim struct{ path *string }

func (echoSim) Info() simulator.Info                               { return simulator.Info{} }
func (e echoSim) ServeHTTP(w http.ResponseWriter, r *http.Request) { *e.path = r.URL.Path }
func (echoSim) AddAccount(simulator.Account) error                 { return nil }
func (echoSim) Act(context.Context, simulator.Action) (simulator.Report, error) {
	return simulator.Report{}, nil
}
func (echoSim) Tick(context.Context)     {}
func (echoSim) Books() []simulator.Entry { return nil }
