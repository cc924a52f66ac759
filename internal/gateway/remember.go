package gateway

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"

	"github.com/chorsu/chorsu/internal/store"
)

// A merchant is read at each call of its company, and hardly ever changes: on PostgreSQL that was
// one of two waits of the shortest call. So one that was read before is taken from memory, and
// whether it still stands is asked in the transactions that the call makes anyway. Until it is known
// no answer leaves and nothing is committed: a merchant that was changed meanwhile, here or by
// another process, is read anew, and the call is served again as if it had just come.

// memory is what is known of a merchant that was taken from memory. One call uses it, in turn.
type memory struct {
	stands  bool // a transaction has seen its version
	changed bool // or another one
}

var errMerchantChanged = errors.New("the merchant was changed meanwhile")

// remember keeps whom a call was for, for the next one.
func (g *Gateway) remember(c callee) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.called[c.merchant.ID] = c
}

// forget drops a merchant that was changed here: the next call need not find that out.
func (g *Gateway) forget(merchantID string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.called, merchantID)
}

// remembered is whom a call is for as an earlier one found it, if it may be served by that. One that
// may not is looked into anew.
func (g *Gateway) remembered(ctx context.Context, providerName, merchantID string) (callee, bool) {
	g.mu.Lock()
	c, ok := g.called[merchantID]
	g.mu.Unlock()
	return c, ok && c.merchant.Provider == providerName && comesFrom(ctx, c.merchant.Options.CallbackFrom)
}

// serveRemembered answers a call by what was remembered. With an error, w was given nothing: the
// merchant has changed, then nothing was written down either, or that could not be found out.
func (g *Gateway) serveRemembered(w http.ResponseWriter, r *http.Request, c callee) (err error) {
	d := desk{g: g, m: c.merchant, memory: &memory{}}
	answer := heldAnswer{header: http.Header{}}
	c.server.ServeCallback(&answer, r, d)
	if !d.memory.stands && !d.memory.changed { // the desk was not asked: a wrong key, say
		err = g.store.Look(r.Context(), d.checked(func(context.Context, *store.Tx) error { return nil }))
	}
	if d.memory.changed {
		g.forget(c.merchant.ID)
		return errMerchantChanged
	}
	if err == nil {
		answer.release(w)
	}
	return err
}

// checked is fn in a transaction that finds out whether the merchant still stands as it was
// remembered, and otherwise fails. Asked beside what fn asks, that costs PostgreSQL no wait.
func (d desk) checked(fn func(context.Context, *store.Tx) error) func(context.Context, *store.Tx) error {
	if d.memory == nil {
		return fn
	}
	return func(ctx context.Context, tx *store.Tx) error {
		tx.ForeseeMerchantVersion(d.m.ID)
		err := fn(ctx, tx)
		version, lost := tx.MerchantVersion(ctx, d.m.ID)
		switch {
		case lost != nil && err == nil:
			return lost
		case lost != nil:
		case version != d.m.Version:
			d.memory.changed = true
			return errMerchantChanged
		default:
			d.memory.stands = true
		}
		return err
	}
}

// heldAnswer is an answer that does not leave yet.
type heldAnswer struct {
	header http.Header
	status int // 0: as net/http has it
	body   bytes.Buffer
}

func (a *heldAnswer) Header() http.Header         { return a.header }
func (a *heldAnswer) Write(b []byte) (int, error) { return a.body.Write(b) }

func (a *heldAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// release gives the answer to w.
func (a *heldAnswer) release(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	if a.body.Len() > 0 {
		w.Write(a.body.Bytes())
	}
}
