package gateway

import (
	"context"
	"fmt"
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
		{Name: "expire invoices", Every: expiryEvery, Run: func(ctx context.Context) error {
			for {
				n, err := g.ExpireInvoices(ctx)
				if err != nil || n < expiryBatch {
					return err
				}
			}
		}},
		{Name: "write provider messages", Every: flushEvery, Run: g.Evidence.Flush},
		{Name: "forget old idempotency keys", Every: pruneEvery, Run: g.pruneKeys},
	}
}

func (g *Gateway) pruneKeys(ctx context.Context) error {
	for {
		var n int
		err := g.store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = tx.PruneKeys(ctx, g.now().Add(-keepKeys), pruneBatch)
			return err
		})
		if err != nil || n < pruneBatch {
			return err
		}
	}
}

// Ready says whether the gateway can serve: whether its database answers, and holds the schema
// that this program knows.
func (g *Gateway) Ready(ctx context.Context) Readiness {
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
