package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/webhook"
)

// receivers is how many apps' machines there are; the gateway sends at most eight webhooks at a
// time to one.
const receivers = 10

// street is what is around the gateway: the apps that receive, and the one company that it calls.
// The companies that call it are in dialogues.go.
type street struct {
	secrets  map[string]string
	notify   []string // the receivers' addresses
	company  string   // Multicard's
	servers  []*http.Server
	orders   atomic.Int64 // made
	paid     atomic.Int64 // each of them must be told
	mute     atomic.Int64 // of those, whose receiver hung when they were paid
	told     atomic.Int64 // webhooks that were taken
	hanging  atomic.Int64 // the number of the receiver that takes none; -1: none
	released chan struct{}

	mu          sync.Mutex
	first, last time.Time       // when webhooks were taken since reset
	delays      []time.Duration // from the event to its receiver
	events      map[string]int  // how often each was taken; nil: nobody counts
}

func newStreet() (*street, error) {
	s := &street{
		released: make(chan struct{}),
		secrets: map[string]string{
			"SERVICE_API_KEY": "bench-" + uuid.NewString(), "WEBHOOK_SIGNING_SECRET": webhook.NewSecret(), "MASTER_KEY": seal.NewKey(),
		},
	}
	s.hanging.Store(-1)
	serve := func(h http.Handler) (string, error) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		srv := &http.Server{Handler: h}
		s.servers = append(s.servers, srv)
		go srv.Serve(ln)
		return "http://" + ln.Addr().String(), nil
	}
	for n := range receivers {
		at, err := serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { s.receive(n, r) }))
		if err != nil {
			s.close()
			return nil, err
		}
		s.notify = append(s.notify, at+"/hook")
	}
	at, err := serve(http.HandlerFunc(multicardAPI))
	if err != nil {
		s.close()
		return nil, err
	}
	s.company = at
	return s, nil
}

func (s *street) close() {
	for _, srv := range s.servers {
		srv.Close()
	}
}

// settings are those of production, on any free port.
func (s *street) settings(dsn string) map[string]string {
	out := map[string]string{
		"HOST": "127.0.0.1", "PORT": "0", "DATABASE_URL": dsn, "PUBLIC_URL": "http://127.0.0.1", "LOG_FORMAT": "json",
		"RATE_LIMIT_PER_MINUTE": "0", "NOTIFY_ALLOW_PRIVATE": "true", "ALLOW_SANDBOX": "true", "MULTICARD_URL": s.company,
	}
	for name, value := range s.secrets {
		out[name] = value
	}
	return out
}

// receive takes a webhook as an app does, or hangs.
func (s *street) receive(n int, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	now := time.Now()
	if int64(n) == s.hanging.Load() {
		select {
		case <-r.Context().Done():
		case <-s.released:
		}
		return
	}
	var event struct {
		OccurredAt time.Time
		EventID    string
	}
	if json.Unmarshal(body, &event) != nil {
		return
	}
	s.mu.Lock()
	if s.first.IsZero() {
		s.first = now
	}
	s.last = now
	s.delays = append(s.delays, now.Sub(event.OccurredAt))
	if s.events != nil {
		s.events[event.EventID]++
	}
	s.mu.Unlock()
	s.told.Add(1)
}

// reset begins a new count of webhooks.
func (s *street) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first, s.last, s.delays = time.Time{}, time.Time{}, nil
}

// follow counts each event by itself from now on.
func (s *street) follow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = map[string]int{}
}

// followed says how many events came since follow, how many came again, and how long the slowest
// since reset took.
func (s *street) followed() (events, again int, slowest time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.events {
		again += n - 1
	}
	return len(s.events), again, slices.Max(append(s.delays, 0))
}

// taken are the webhooks since reset.
func (s *street) taken() (count int, took, p50, p99 time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sorted := slices.Sorted(slices.Values(s.delays))
	return len(sorted), s.last.Sub(s.first), quantile(sorted, 0.5), quantile(sorted, 0.99)
}

// allTold waits until every payment that was made has been told of, but for those whose receiver hangs.
func (s *street) allTold(ctx context.Context) error {
	for began := time.Now(); s.told.Load() < s.paid.Load()-s.mute.Load(); time.Sleep(time.Millisecond) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Since(began) > startTime {
			return fmt.Errorf("%d payments, and %d webhooks within %s", s.paid.Load(), s.told.Load(), startTime)
		}
	}
	return nil
}

// ─── Apps ──────────────────────────────────────────────────────────────────────────────────

// merchant is a business at one provider.
type merchant struct {
	provider, business string
	callback           string // the path that the provider calls
}

// register makes a business known to the gateway at one provider.
func (s *street) register(ctx context.Context, g *gateway, provider, business string) (merchant, error) {
	var made struct{ CallbackURL string }
	err := g.post(ctx, "/api/merchants", map[string]any{
		"source": "bench", "businessId": business, "provider": provider, "credentials": credentials[provider],
	}, &made)
	_, path, ok := strings.Cut(made.CallbackURL, "/api/callbacks/")
	if err == nil && !ok {
		err = errors.New("no callback address in the answer")
	}
	return merchant{provider, business, "/api/callbacks/" + path}, err
}

// invoice is what an app gets for its order.
type invoice struct {
	ID, CheckoutURL string
	receiver        int64
}

// amount is what everything costs, in tiyin.
const amount = 15_000_000

// order makes an invoice, to be told at the next of the receivers.
func (s *street) order(ctx context.Context, g *gateway, m merchant) (inv invoice, err error) {
	n := s.orders.Add(1)
	inv.receiver = n % receivers
	err = g.post(ctx, "/api/invoices", map[string]any{
		"source": "bench", "businessId": m.business, "provider": m.provider, "sourceInvoiceId": fmt.Sprintf("order-%d", n),
		"amount": amount, "notifyUrl": s.notify[inv.receiver],
	}, &inv)
	return inv, err
}

// payment is the whole of it: the order, and what the company says of it. The time is that of
// the message that decides, for which a buyer waits.
func (s *street) payment(ctx context.Context, g *gateway, m merchant) (time.Duration, error) {
	inv, err := s.order(ctx, g, m)
	if err != nil {
		return 0, err
	}
	return s.pay(ctx, g, m, inv)
}

// pay is what the company says of an invoice that stands.
func (s *street) pay(ctx context.Context, g *gateway, m merchant, inv invoice) (time.Duration, error) {
	took, err := dialogues[m.provider](ctx, g.client, m.callback, inv)
	if err == nil {
		if inv.receiver == s.hanging.Load() {
			s.mute.Add(1)
		}
		s.paid.Add(1)
	}
	return took, err
}
