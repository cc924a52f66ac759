package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/inbox"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/ui"
)

// route is one call of the control API. The list below is both its table of contents and what
// GET /control answers.
type route struct {
	Method  string          `json:"method"`
	Path    string          `json:"path"`
	Does    string          `json:"does"`
	Example json.RawMessage `json:"example,omitempty"`
	serve   func(*Sandbox, http.ResponseWriter, *http.Request)
}

func controlRoutes() []route {
	example := func(s string) json.RawMessage { return json.RawMessage(s) }
	return []route{
		{"GET", "/control/providers", "the companies: their actions, the steps where faults can be set, their addresses", nil, (*Sandbox).listProviders},
		{"POST", "/control/providers/{provider}/accounts", "make a merchant known to a company, as its cabinet does", example(`{"credentials":{"merchantId":"…","key":"…"},"testKey":"","options":{},"callbackUrl":"http://localhost:4002/api/callbacks/payme/…"}`), (*Sandbox).addAccount},
		{"POST", "/control/providers/{provider}/act", "do what a buyer or the company's staff does; answers when all that follows is done", example(`{"kind":"pay","link":"the invoice's checkoutUrl"}`), (*Sandbox).act},
		{"GET", "/control/providers/{provider}/books", "what the company believes was paid and returned", nil, (*Sandbox).books},
		{"GET", "/control/providers/{provider}/faults", "the faults that are set", nil, (*Sandbox).listFaults},
		{"POST", "/control/providers/{provider}/faults", "set a fault on a step; times 0: until it is cleared", example(`{"step":"…","kind":"lost_after","times":1,"delay":"2s"}`), (*Sandbox).setFault},
		{"DELETE", "/control/providers/{provider}/faults", "clear the faults of ?step=, or all of them", nil, (*Sandbox).clearFaults},
		{"GET", "/control/clock", "the companies' time, and how far it was moved", nil, (*Sandbox).readClock},
		{"POST", "/control/clock", "move the time forward, and have the companies do what falls due", example(`{"advance":"12h"}`), (*Sandbox).moveClock},
		{"GET", "/control/inbox", "webhooks of all inboxes; ?after=<seq> for those after one, ?wait=10s to wait for one", nil, (*Sandbox).listInbox},
		{"GET", "/control/inbox/{name}", "webhooks that were POSTed to /inbox/{name}, verified", nil, (*Sandbox).listInbox},
		{"POST", "/control/inbox/{name}/answers", "how the next webhooks are answered", example(`[{"status":500,"times":2},{"delay":"3s"},{"hang":true}]`), (*Sandbox).scriptInbox},
		{"POST", "/control/reset", "forget payments, faults and webhooks; accounts stay", nil, (*Sandbox).reset},
	}
}

// routes splits off the companies by hand: a ServeMux would clean their paths by redirecting,
// and the base64 in a checkout link may hold "//".
func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range controlRoutes() {
		mux.HandleFunc(r.Method+" "+r.Path, func(w http.ResponseWriter, req *http.Request) { r.serve(s, w, req) })
	}
	mux.HandleFunc("GET /control", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"routes": controlRoutes(), "faultKinds": simulator.Kinds})
	})
	mux.HandleFunc("/control/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "no such call: GET /control lists them")
	})
	mux.Handle("/inbox/", s.o.Inbox)
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /live", s.live)
	for path, do := range map[string]http.HandlerFunc{
		"POST /phone": s.press, "POST /phone/open": s.openPage, "POST /phone/sample": s.makeSample, "POST /phone/code": s.showCode,
		"POST /faults": s.setSwitch, "POST /clock": s.pushClock, "POST /replay": s.replay,
	} {
		mux.Handle(path, small(do))
	}
	mux.Handle("GET "+ui.AssetsPath, ui.Assets())
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "the sandbox has no such company")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if c, ok := s.company(name); ok {
			c.served.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// small bounds what a form of the page may carry.
func small(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		h.ServeHTTP(w, r)
	})
}

type providerView struct {
	Name     string   `json:"name"`
	Title    string   `json:"title"`
	BaseURL  string   `json:"baseUrl"`
	Actions  []string `json:"actions"`
	Steps    []string `json:"steps"`
	Accounts int      `json:"accounts"`
}

func (s *Sandbox) providers() []providerView {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []providerView{}
	for _, c := range s.companies {
		i := c.sim.Info()
		out = append(out, providerView{c.name, i.Title, c.world.BaseURL, i.Actions, i.Steps, len(c.accounts)})
	}
	return out
}

func (s *Sandbox) listProviders(w http.ResponseWriter, r *http.Request) {
	answer(w, map[string]any{"items": s.providers()})
}

func (s *Sandbox) addAccount(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Credentials map[string]string `json:"credentials"`
		TestKey     string            `json:"testKey"`
		Options     map[string]string `json:"options"`
		CallbackURL string            `json:"callbackUrl"`
	}
	if !read(w, r, &in) {
		return
	}
	name := r.PathValue("provider")
	if _, ok := s.company(name); !ok {
		fail(w, http.StatusNotFound, "the sandbox has no such company")
		return
	}
	err := s.AddAccount(name, simulator.Account{Credentials: in.Credentials, TestKey: in.TestKey, Options: in.Options, CallbackURL: in.CallbackURL})
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	answer(w, map[string]any{"ok": true})
}

func (s *Sandbox) act(w http.ResponseWriter, r *http.Request) {
	c, ok := s.named(w, r)
	var in simulator.Action
	if !ok || !read(w, r, &in) {
		return
	}
	if !slices.Contains(c.sim.Info().Actions, in.Kind) {
		fail(w, http.StatusBadRequest, fmt.Sprintf("kind is one of %q", c.sim.Info().Actions))
		return
	}
	// The company finishes what a buyer began, also when the buyer goes away.
	report, err := c.sim.Act(context.WithoutCancel(r.Context()), in)
	if err != nil {
		fail(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	answer(w, report)
}

func (s *Sandbox) books(w http.ResponseWriter, r *http.Request) {
	if c, ok := s.named(w, r); ok {
		entries := c.sim.Books()
		if entries == nil {
			entries = []simulator.Entry{}
		}
		answer(w, map[string]any{"items": entries})
	}
}

// faultView is a simulator.Fault with its delay in words: "2s".
type faultView struct {
	Step  string         `json:"step"`
	Kind  simulator.Kind `json:"kind"`
	Times int            `json:"times"`
	Delay string         `json:"delay,omitempty"`
}

func (s *Sandbox) listFaults(w http.ResponseWriter, r *http.Request) {
	c, ok := s.named(w, r)
	if !ok {
		return
	}
	items := []faultView{}
	for _, f := range c.world.Faults.List() {
		v := faultView{Step: f.Step, Kind: f.Kind, Times: f.Times}
		if f.Delay != 0 {
			v.Delay = f.Delay.String()
		}
		items = append(items, v)
	}
	answer(w, map[string]any{"items": items})
}

func (s *Sandbox) setFault(w http.ResponseWriter, r *http.Request) {
	c, ok := s.named(w, r)
	var in faultView
	if !ok || !read(w, r, &in) {
		return
	}
	delay, err := duration(in.Delay)
	switch {
	case !slices.Contains(c.sim.Info().Steps, in.Step):
		fail(w, http.StatusBadRequest, fmt.Sprintf("step is one of %q", c.sim.Info().Steps))
	case !slices.Contains(simulator.Kinds, in.Kind):
		fail(w, http.StatusBadRequest, fmt.Sprintf("kind is one of %q", simulator.Kinds))
	case err != nil || in.Times < 0:
		fail(w, http.StatusBadRequest, `delay is a time such as "2s", times a number from 0`)
	case len(c.world.Faults.List()) >= 1000:
		fail(w, http.StatusBadRequest, "1000 faults are set: clear some first")
	default:
		c.world.Faults.Set(simulator.Fault{Step: in.Step, Kind: in.Kind, Times: in.Times, Delay: delay})
		answer(w, map[string]any{"ok": true})
	}
}

func (s *Sandbox) clearFaults(w http.ResponseWriter, r *http.Request) {
	if c, ok := s.named(w, r); ok {
		c.world.Faults.Clear(r.URL.Query().Get("step"))
		answer(w, map[string]any{"ok": true})
	}
}

func (s *Sandbox) readClock(w http.ResponseWriter, r *http.Request) {
	answer(w, map[string]any{"now": s.o.Clock.Now().UTC(), "moved": s.o.Clock.Offset().String()})
}

func (s *Sandbox) moveClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Advance string `json:"advance"`
	}
	if !read(w, r, &in) {
		return
	}
	d, err := time.ParseDuration(in.Advance)
	if err != nil || d <= 0 || d > 366*24*time.Hour {
		fail(w, http.StatusBadRequest, `advance is a time such as "12h", at most a year: the clock only goes forward`)
		return
	}
	s.o.Clock.Advance(d)
	s.readClock(w, r)
}

func (s *Sandbox) listInbox(w http.ResponseWriter, r *http.Request) {
	after, err := 0, error(nil)
	if text := r.URL.Query().Get("after"); text != "" {
		after, err = strconv.Atoi(text)
	}
	wait, err2 := duration(r.URL.Query().Get("wait"))
	if err != nil || err2 != nil || wait > time.Minute {
		fail(w, http.StatusBadRequest, `after is a message's seq; wait a time such as "10s", at most a minute`)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	items := s.o.Inbox.Wait(ctx, r.PathValue("name"), after, func(m []inbox.Message) bool { return len(m) > 0 })
	answer(w, map[string]any{"items": items})
}

func (s *Sandbox) scriptInbox(w http.ResponseWriter, r *http.Request) {
	var in []struct {
		Status int    `json:"status"`
		Delay  string `json:"delay"`
		Hang   bool   `json:"hang"`
		Times  int    `json:"times"`
	}
	if !read(w, r, &in) {
		return
	}
	var answers []inbox.Answer
	for _, a := range in {
		delay, err := duration(a.Delay)
		if err != nil || delay > 10*time.Minute || a.Times < 0 || a.Status != 0 && (a.Status < 200 || a.Status > 599) {
			fail(w, http.StatusBadRequest, `an answer has a status from 200 to 599, or a delay such as "2s", or hang; times from 0`)
			return
		}
		answers = append(answers, inbox.Answer{Status: a.Status, Delay: delay, Hang: a.Hang, Times: a.Times})
	}
	if !s.o.Inbox.Script(r.PathValue("name"), answers...) {
		fail(w, http.StatusBadRequest, "no such inbox can be, or too many answers wait already")
		return
	}
	answer(w, map[string]any{"ok": true})
}

func (s *Sandbox) reset(w http.ResponseWriter, r *http.Request) {
	s.Reset()
	answer(w, map[string]any{"ok": true})
}

// named finds the company of a request; where there is none it has answered 404.
func (s *Sandbox) named(w http.ResponseWriter, r *http.Request) (company, bool) {
	c, ok := s.company(r.PathValue("provider"))
	if !ok {
		fail(w, http.StatusNotFound, "the sandbox has no such company: GET /control/providers lists them")
	}
	return c, ok
}

// read decodes a body strictly; where it cannot it has answered.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil && dec.Decode(&struct{}{}) != io.EOF {
		err = errors.New("there is more than one JSON value")
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "the body must be JSON: "+err.Error())
		return false
	}
	return true
}

// duration reads "2s"; "" is 0.
func duration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = errors.New("a time cannot be negative")
	}
	return d, err
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": message})
}
