package httpapi

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

var discard = slog.New(slog.NewTextHandler(io.Discard, nil))

// asker asks from an address, through a proxy where there is one.
type asker struct {
	h http.Handler
}

func (a asker) ask(path, from string, forwarded ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = from
	r.Header.Set("x-api-key", "k")
	for _, f := range forwarded {
		r.Header.Add("X-Forwarded-For", f)
	}
	w := httptest.NewRecorder()
	a.h.ServeHTTP(w, r)
	return w
}

func limitedTo(n int) asker {
	s := newServer(Options{RateLimit: n, Keys: func() []string { return []string{"k"} }, Logger: discard, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, nil)
	return asker{s.handler()}
}

const anyPath = "/api/merchants/supported"

func TestRateLimitIsPerAddressAndMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := limitedTo(3)
		status := func(from string) int { return a.ask(anyPath, from).Code }
		for n := range 3 {
			if got := status("192.0.2.1:1000"); got != 200 {
				t.Fatalf("request %d: HTTP %d", n+1, got)
			}
		}
		w := a.ask(anyPath, "192.0.2.1:2000") // another port is the same client
		wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if w.Code != 429 || err != nil || wait < 1 || wait > 60 {
			t.Fatalf("the fourth: HTTP %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
		if got := status("192.0.2.2:1000"); got != 200 {
			t.Errorf("another address: HTTP %d", got)
		}
		// Paths without a limit.
		for _, path := range []string{"/health", "/livez", "/docs/openapi.json", "/api/callbacks/nobody/1"} {
			if got := a.ask(path, "192.0.2.1:1000").Code; got == 429 {
				t.Errorf("%s is limited", path)
			}
		}
		// A wrong key counts too.
		if got := a.ask("/api/nothing", "192.0.2.1:1000").Code; got != 429 {
			t.Errorf("another path of the API: HTTP %d", got)
		}
		time.Sleep(time.Duration(wait) * time.Second)
		time.Sleep(time.Minute) // the window slides: in a whole quiet minute more, all are free again
		for n := range 3 {
			if got := status("192.0.2.1:1000"); got != 200 {
				t.Errorf("a minute later, request %d: HTTP %d", n+1, got)
			}
		}
	})
}

func TestRateLimitCanBeOff(t *testing.T) {
	a := limitedTo(0)
	for range 500 {
		if got := a.ask(anyPath, "192.0.2.1:1000").Code; got != 200 {
			t.Fatalf("HTTP %d", got)
		}
	}
}

func TestOneIPv6CustomerIsOneClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := limitedTo(2)
		for n, want := range []int{200, 200, 429} {
			if got := a.ask(anyPath, fmt.Sprintf("[2001:db8:1:2::%x]:1000", n)).Code; got != want {
				t.Errorf("address %d: HTTP %d, want %d", n, got, want)
			}
		}
		if got := a.ask(anyPath, "[2001:db8:1:3::1]:1000").Code; got != 200 {
			t.Errorf("the neighbour: HTTP %d", got)
		}
	})
}

func TestFloodTakesNoMemory(t *testing.T) {
	c := newCounter()
	c.Config(1, time.Minute)
	window := time.Unix(1_700_000_040, 0)
	flood := func() {
		for n := range 1000 {
			if err := c.Increment(strconv.Itoa(n), window); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := testing.AllocsPerRun(3, flood); n > 1000 { // a name for each, and no place
		t.Errorf("1,000 clients take %v allocations", n)
	}
	if len(c.now) != places || len(c.before) != places {
		t.Errorf("the counter has grown to %d places", len(c.now))
	}
}

func TestCounterTurnsItsWindows(t *testing.T) {
	c := newCounter()
	c.Config(1, time.Minute)
	at := time.Unix(1_700_000_040, 0)
	check := func(window time.Time, now, before int) {
		t.Helper()
		gotNow, gotBefore, err := c.Get("a", window, window.Add(-time.Minute))
		if err != nil || gotNow != now || gotBefore != before {
			t.Errorf("got %d and %d (%v), want %d and %d", gotNow, gotBefore, err, now, before)
		}
	}
	check(at, 0, 0)
	for range 3 {
		_ = c.Increment("a", at)
	}
	check(at, 3, 0)
	check(at.Add(time.Minute), 0, 3)
	_ = c.IncrementBy("a", at.Add(time.Minute), 2)
	check(at.Add(time.Minute), 2, 3)
	check(at.Add(5*time.Minute), 0, 0)
}

// The client is the rightmost address that no trusted proxy vouches for: what a client writes
// into the header itself stands further left, and is never believed.
func TestClientBehindProxies(t *testing.T) {
	s := newServer(Options{Logger: discard, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}, nil)
	for _, c := range []struct {
		from      string
		forwarded []string
		want      string
	}{
		{"192.0.2.1:1", nil, "192.0.2.1"},
		{"192.0.2.1:1", []string{"203.0.113.9"}, "192.0.2.1"}, // no proxy of ours
		{"10.0.0.1:1", []string{"203.0.113.9"}, "203.0.113.9"},
		{"10.0.0.1:1", []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9"}, // the left one is the client's own invention
		{"10.0.0.1:1", []string{"198.51.100.1", "203.0.113.9, 10.2.3.4"}, "203.0.113.9"},
		{"10.0.0.1:1", []string{"198.51.100.1, garbage, 10.2.3.4"}, "10.2.3.4"},
		{"10.0.0.1:1", []string{"garbage"}, "10.0.0.1"},
		{"10.0.0.1:1", nil, "10.0.0.1"},
		{"10.0.0.1:1", []string{"10.9.9.9"}, "10.9.9.9"},
		{"[fd00::1]:1", []string{"2001:db8::5"}, "2001:db8::5"},
		{"[::ffff:10.0.0.1]:1", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"@", []string{"203.0.113.9"}, "invalid IP"}, // a listener without addresses
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.from
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if got := s.clientOf(r).String(); got != c.want {
			t.Errorf("from %s, forwarded %q: %s, want %s", c.from, c.forwarded, got, c.want)
		}
	}
}

func TestEveryKeyIsCompared(t *testing.T) {
	keys := []string{"one", "two", "", "three"}
	for given, want := range map[string]int{"one": 1, "two": 2, "three": 4, "": 0, "four": 0, "on": 0, "onee": 0} {
		if got := whichKey(keys, given); got != want {
			t.Errorf("%q is key %d, want %d", given, got, want)
		}
	}
}
