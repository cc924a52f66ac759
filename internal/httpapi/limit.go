package httpapi

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/go-chi/httprate"

	"github.com/chorsu/chorsu/internal/pay"
)

// limited lets a client address make so many requests a minute on /api/*. Callbacks are not
// counted: a provider's own queue behind one address must never be turned away.
func (s *server) limited(next http.Handler) http.Handler {
	if s.o.RateLimit <= 0 {
		return next
	}
	limiter := httprate.NewRateLimiter(s.o.RateLimit, time.Minute,
		httprate.WithLimitCounter(newCounter()),
		httprate.WithResponseHeaders(httprate.ResponseHeaders{RetryAfter: "Retry-After"}),
		httprate.WithLimitHandler(func(w http.ResponseWriter, r *http.Request) {
			s.fail(w, r, &pay.Error{Code: pay.CodeRateLimited, Message: "more than " + strconv.Itoa(s.o.RateLimit) + " requests a minute came from this address"})
		}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !limiter.RespondOnLimit(w, r, limitKey(infoOf(r.Context()).client)) {
			next.ServeHTTP(w, r)
		}
	})
}

// limitKey is what requests are counted by: an IPv4 address, or the /64 that one IPv6 customer
// has for itself. Listeners without addresses share one.
func limitKey(client netip.Addr) string {
	if client.Is6() {
		if p, err := client.Prefix(64); err == nil {
			return p.String()
		}
	}
	return client.String()
}

// counter counts requests by client in this minute and in the last one. It has a fixed number
// of places, so that a flood from many addresses takes no memory; two clients that fall on one
// place are counted together. With 64 Ki places and a hash that nobody outside can compute,
// that is rare, and it errs towards refusing.
type counter struct {
	mu     sync.Mutex
	seed   maphash.Seed
	window time.Time // of now
	length time.Duration
	now    []uint32
	before []uint32
}

const places = 1 << 16

func newCounter() *counter {
	return &counter{seed: maphash.MakeSeed(), now: make([]uint32, places), before: make([]uint32, places)}
}

// Config takes the limiter's window.
func (c *counter) Config(_ int, window time.Duration) { c.length = window }

// Increment counts one request.
func (c *counter) Increment(key string, window time.Time) error {
	return c.IncrementBy(key, window, 1)
}

// IncrementBy counts several.
func (c *counter) IncrementBy(key string, window time.Time, amount int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(window)
	c.now[c.place(key)] += uint32(amount)
	return nil
}

// Get returns the requests counted in this window and in the one before.
func (c *counter) Get(key string, window, _ time.Time) (now, before int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(window)
	p := c.place(key)
	return int(c.now[p]), int(c.before[p]), nil
}

// turn begins a new window, once its time has come.
func (c *counter) turn(window time.Time) {
	if window.Equal(c.window) {
		return
	}
	if window.Equal(c.window.Add(c.length)) {
		c.now, c.before = c.before, c.now
	} else {
		clear(c.before)
	}
	clear(c.now)
	c.window = window
}

func (c *counter) place(key string) uint64 {
	return maphash.String(c.seed, key) % places
}

var _ httprate.LimitCounter = (*counter)(nil)
