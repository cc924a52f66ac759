package gateway

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/store"
)

// How long keys are kept, and how often what is older is cleared away.
const (
	keepKeys   = 30 * 24 * time.Hour
	pruneEvery = time.Hour
	pruneBatch = 1000
	flushEvery = 2 * time.Second
)

// Sweeps are the gateway's regular work beside the outbox.
func (g *Gateway) Sweeps() []outbox.Sweep {
	return []outbox.Sweep{
		{Name: "expire invoices", Every: expiryEvery, Run: func(ctx context.Context) (time.Time, error) {
			n, err := g.ExpireInvoices(ctx)
			return g.atOnce(n == expiryBatch), err
		}},
		{Name: "write provider messages", Every: flushEvery, Run: func(ctx context.Context) (time.Time, error) {
			return time.Time{}, g.Evidence.Flush(ctx)
		}},
		{Name: "begin nightly reconciliations", Every: nightlyEvery, Run: func(ctx context.Context) (time.Time, error) {
			n, err := g.ReconcileNightly(ctx)
			return g.atOnce(n >= nightlyBatch), err
		}},
		{Name: "forget old idempotency keys", Every: pruneEvery, Run: func(ctx context.Context) (time.Time, error) {
			n, err := g.pruneKeys(ctx)
			return g.atOnce(n == pruneBatch), err
		}},
		{Name: "forget old provider messages", Every: pruneEvery, Run: func(ctx context.Context) (time.Time, error) {
			n, err := g.pruneMessages(ctx)
			return g.atOnce(n == pruneMessagesBatch), err
		}},
		{Name: "forget old webhooks", Every: pruneEvery, Run: func(ctx context.Context) (time.Time, error) {
			more, err := g.pruneEvents(ctx)
			return g.atOnce(more), err
		}},
	}
}

// atOnce is when a sweep that has more to do runs again.
func (g *Gateway) atOnce(more bool) time.Time {
	if more {
		return g.now()
	}
	return time.Time{}
}

func (g *Gateway) pruneKeys(ctx context.Context) (n int, err error) {
	err = g.store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		n, err = tx.PruneKeys(ctx, g.now().Add(-keepKeys), pruneBatch)
		return err
	})
	return n, err
}

// readiness is what the database said when it was asked last.
type readiness struct {
	mu   sync.Mutex
	said Readiness
	at   time.Time // when; zero: never
}

// How long it counts, and how long the database has to answer.
const (
	readyFor     = time.Second
	readyWithout = 5 * time.Second
)

// Ready says whether the gateway can serve: whether its database answers, and holds the schema
// that this program knows. Another process may bring that further at any time. Anybody may ask, so
// that the database is asked once a second at most, in nobody's name: who goes away says nothing of it.
func (g *Gateway) Ready(ctx context.Context) Readiness {
	g.ready.mu.Lock()
	defer g.ready.mu.Unlock()
	if age := g.now().Sub(g.ready.at); g.ready.at.IsZero() || age < 0 || age >= readyFor {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyWithout)
		defer cancel()
		g.ready.said = g.isReady(ctx)
		g.ready.at = g.now()
	}
	return g.ready.said
}

func (g *Gateway) isReady(ctx context.Context) Readiness {
	r := Readiness{OK: true, Checks: map[string]string{}}
	check := func(name string, err error) {
		r.Checks[name] = "ok"
		if err != nil {
			r.OK, r.Checks[name] = false, "failed"
			g.Logger.ErrorContext(ctx, "not ready", "check", name, "error", err)
		}
	}
	check("database", g.store.Ping(ctx))
	have, want, err := g.store.Schema(ctx)
	if err == nil && have != want {
		err = fmt.Errorf("the schema is at %d, this program wants %d", have, want)
	}
	check("schema", err)
	return r
}
