// Package sandbox serves every payment company's own side on one address: their APIs and
// pages below /<name>/, a control API below /control by which a person or a test plays the
// buyer and turns on faults, and an inbox for webhooks below /inbox/.
//
// The companies' books live in memory and end with the process. It promises to speak the
// companies' protocols as their documents do; it does not promise their speed, their limits
// or their fraud checks.
package sandbox

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/inbox"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// Company is one simulated company and its folder below the sandbox's address.
type Company struct {
	Name string
	New  func(*simulator.World) simulator.Simulator
	Till string // the gateway's name for what charges the codes of its app; "": its app has none
}

// Options say what a sandbox serves.
type Options struct {
	BaseURL   string // where the sandbox is reached, without a slash at the end
	Companies []Company
	Clock     *Clock
	Inbox     *inbox.Inbox
	Logger    *slog.Logger

	Bills Bills                     // what the buyer's phone can see of the gateway beside it; nil: nothing
	Nav   func(words.Lang) []ui.Nav // where else the pages lead; nil: nowhere
}

// Sandbox is all companies, their faults and the clock they share.
type Sandbox struct {
	o    Options
	path string // of BaseURL
	http *http.Client

	mu        sync.RWMutex
	companies []*company // in the order of Options.Companies
	acts      []act      // what was done with the phone, the newest last
	lastAct   int

	handler http.Handler
}

// company is one simulator in its world.
type company struct {
	name     string
	till     string
	world    *simulator.World
	sim      simulator.Simulator
	served   http.Handler
	accounts []simulator.Account // kept over a reset
}

// New builds all simulators.
func New(o Options) (*Sandbox, error) {
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("the sandbox's address: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Sandbox{o: o, path: base.Path, http: outgoing()}
	for _, c := range o.Companies {
		s.companies = append(s.companies, &company{name: c.Name, till: c.Till})
	}
	s.build()
	o.Clock.OnMove(func() { s.Tick(context.Background()) })
	s.handler = s.guard(s.routes())
	return s, nil
}

// outgoing makes the client by which the companies call the gateway: as servers do, without
// following redirects or asking a proxy.
func outgoing() *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			MaxIdleConnsPerHost: 64,
			IdleConnTimeout:     30 * time.Second,
		},
	}
}

// build makes every company anew and tells it of the accounts it had.
func (s *Sandbox) build() {
	for i, c := range s.companies {
		base := s.o.BaseURL + "/" + c.name
		c.world = &simulator.World{BaseURL: base, Now: s.o.Clock.Now, HTTP: s.http, Faults: &simulator.Faults{}}
		c.sim = s.o.Companies[i].New(c.world)
		c.served = http.StripPrefix("/"+c.name, rooted(c.sim))
		for _, a := range c.accounts {
			if err := c.sim.AddAccount(a); err != nil {
				s.o.Logger.Error("a simulator refuses an account it had", "provider", c.name, "error", err)
			}
		}
	}
}

// rooted gives a handler behind StripPrefix "/" where nothing is left of the path.
func rooted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "" {
			r.URL.Path = "/"
		}
		h.ServeHTTP(w, r)
	})
}

// ServeHTTP serves the companies, the control API and the inbox.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// guard refuses what a web page elsewhere could make a browser send. The companies' pages may
// be opened from anywhere, as in life; their forms, and all of the control API, only be used
// from the sandbox's own pages or by programs.
func (s *Sandbox) guard(next http.Handler) http.Handler {
	own := ""
	if u, err := url.Parse(s.o.BaseURL); err == nil {
		own = u.Hostname()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		safe := r.Method == http.MethodGet || r.Method == http.MethodHead
		private := r.URL.Path == "/control" || strings.HasPrefix(r.URL.Path, "/control/")
		if !ownHost(r.Host, own) || (private || !safe) && foreign(r) {
			fail(w, http.StatusForbidden, "the sandbox answers programs and its own pages only")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownHost says whether a Host header names this machine: an address, localhost, or the name
// in the sandbox's own address. Any other name was made to point here by somebody else.
func ownHost(host, own string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	return net.ParseIP(host) != nil || strings.EqualFold(host, "localhost") || own != "" && strings.EqualFold(host, own)
}

// foreign says whether a browser sent r on behalf of another site.
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return true
	case "same-origin":
		return false // a page that tells no referrer sends its forms with Origin: null
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || !strings.EqualFold(u.Host, r.Host)
}

// find returns a company by name, nil where there is none. The caller holds mu.
func (s *Sandbox) find(name string) *company {
	for _, c := range s.companies {
		if c.name == name {
			return c
		}
	}
	return nil
}

// company returns a snapshot that a reset does not change.
func (s *Sandbox) company(name string) (company, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if c := s.find(name); c != nil {
		return *c, true
	}
	return company{}, false
}

// Simulator returns a company's simulator and its world: what tests look into. After Reset
// they are others.
func (s *Sandbox) Simulator(name string) (simulator.Simulator, *simulator.World, bool) {
	c, ok := s.company(name)
	return c.sim, c.world, ok
}

// AddAccount does what a company's cabinet does: it knows this merchant from now on.
func (s *Sandbox) AddAccount(name string, a simulator.Account) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.find(name)
	if c == nil {
		return fmt.Errorf("the sandbox has no %q", name)
	}
	if err := c.sim.AddAccount(a); err != nil {
		return err
	}
	c.accounts = slices.DeleteFunc(c.accounts, func(b simulator.Account) bool { return sameCredentials(a, b) })
	c.accounts = append(c.accounts, a)
	return nil
}

func sameCredentials(a, b simulator.Account) bool {
	if len(a.Credentials) != len(b.Credentials) {
		return false
	}
	for k, v := range a.Credentials {
		if w, ok := b.Credentials[k]; !ok || v != w {
			return false
		}
	}
	return true
}

// Tick has every company do what is due by the clock: attempts that lapse, repeats.
func (s *Sandbox) Tick(ctx context.Context) {
	s.mu.RLock()
	sims := make([]simulator.Simulator, 0, len(s.companies))
	for _, c := range s.companies {
		sims = append(sims, c.sim)
	}
	s.mu.RUnlock()
	for _, sim := range sims {
		sim.Tick(ctx)
	}
}

// Run ticks once a second of real time until ctx ends.
func (s *Sandbox) Run(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.Tick(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// Reset forgets payments, faults and webhooks. The accounts stay, and so does the clock, which
// cannot go back.
func (s *Sandbox) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.build()
	s.acts = nil
	s.o.Inbox.Reset()
}
