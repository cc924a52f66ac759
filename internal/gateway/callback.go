package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/chorsu/chorsu/internal/evidence"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// maxCallback bounds the body of a provider's call.
const maxCallback = 64 << 10

type clientKey struct{}

// WithClient tells the use cases the address of the calling machine, as far as proxies are
// trusted.
func WithClient(ctx context.Context, a netip.Addr) context.Context {
	return context.WithValue(ctx, clientKey{}, a)
}

// Callback serves a provider's call: merchantID is "" where the address names none. The answer
// is always in the provider's dialect, also to a stranger.
func (g *Gateway) Callback(w http.ResponseWriter, r *http.Request, providerName, merchantID string) {
	p, ok := g.providers[providerName]
	if !ok {
		http.NotFound(w, r)
		return
	}
	start := time.Now()
	out := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	defer func() { g.Metrics.Callback(providerName, out.status, time.Since(start)) }()

	body, readErr := io.ReadAll(http.MaxBytesReader(out, r.Body, maxCallback))
	rewind := func(r *http.Request) { r.Body = io.NopCloser(&brokenOff{bytes.NewReader(body), readErr}) }
	rewind(r)
	c, remembered := g.remembered(r.Context(), providerName, merchantID)
	var err error
	if !remembered {
		c, err = g.callee(r, p, merchantID, body)
		rewind(r)
		if err != nil {
			g.answerNobody(out, r, p, err)
			return
		}
	}
	seen, r, done := g.Evidence.Callback(out, r, body, evidence.Tag{BusinessID: c.merchant.BusinessID, MerchantID: c.merchant.ID})
	defer done()
	rewind(r)
	if remembered {
		err = g.serveRemembered(seen, r, c)
		rewind(r)
		if err == nil {
			return
		}
		if errors.Is(err, errMerchantChanged) {
			c, err = g.callee(r, p, merchantID, body)
			rewind(r)
		}
		if err != nil {
			g.answerNobody(seen, r, p, err)
			return
		}
	}
	c.server.ServeCallback(seen, r, desk{g: g, m: c.merchant})
}

// brokenOff is a body that is read again: what came of it, and then the error that it broke off
// with. A dialect may have to tell a message that was cut off from one that is wrong.
type brokenOff struct {
	came *bytes.Reader
	err  error // nil: it came whole
}

func (b *brokenOff) Read(p []byte) (int, error) {
	n, err := b.came.Read(p)
	if err == io.EOF && b.err != nil {
		err = b.err
	}
	return n, err
}

// answerNobody answers a call that no merchant of ours can be found for, or not now.
func (g *Gateway) answerNobody(w http.ResponseWriter, r *http.Request, p provider.Provider, err error) {
	if pay.CodeOf(err) == pay.CodeNotFound {
		if stranger, ok := p.(provider.StrangerServer); ok {
			stranger.ServeStranger(w, r)
			return
		}
		http.NotFound(w, r)
		return
	}
	g.Logger.ErrorContext(r.Context(), "callback could not be served", "provider", p.Info().Name, "error", err)
	if later, ok := p.(provider.LaterServer); ok {
		later.ServeLater(w, r)
		return
	}
	http.Error(w, "try again later", http.StatusInternalServerError) // the other dialects read it as that
}

// statusWriter remembers the status that was answered with.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// callee is the merchant that a call is for, and its account.
type callee struct {
	merchant pay.Merchant
	server   provider.CallbackServer
}

// callee finds whom a call is for. Not found: nobody of ours, or not called from where the
// merchant's option says.
func (g *Gateway) callee(r *http.Request, p provider.Provider, merchantID string, body []byte) (c callee, err error) {
	info, m := p.Info(), &c.merchant
	err = g.store.Look(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if merchantID != "" {
			if !id.Valid(merchantID) {
				return notFound("merchant")
			}
			*m, err = found(tx.Merchant(ctx, merchantID))("merchant")
			return err
		}
		router, ok := p.(provider.Router)
		if !ok {
			return notFound("merchant")
		}
		value, ok := router.Route(r, body)
		if !ok || value == "" {
			return notFound("merchant")
		}
		all, err := tx.MerchantsByRoute(ctx, info.Name, value)
		if err != nil {
			return err
		}
		if len(all) != 1 { // none, or two businesses with one service: only an address of its own can tell them apart
			return notFound("merchant")
		}
		*m = all[0]
		return nil
	})
	if err != nil {
		return c, err
	}
	if m.Provider != info.Name || !comesFrom(r.Context(), m.Options.CallbackFrom) {
		return c, notFound("merchant")
	}
	a, err := g.account(*m)
	if err != nil {
		return c, err
	}
	var ok bool
	if c.server, ok = a.(provider.CallbackServer); !ok {
		return c, notFound("merchant")
	}
	if merchantID != "" {
		g.remember(c)
	}
	return c, nil
}

// comesFrom says whether the caller's address is in one of the networks; none means any.
func comesFrom(ctx context.Context, networks []string) bool {
	if len(networks) == 0 {
		return true
	}
	a, ok := ctx.Value(clientKey{}).(netip.Addr)
	if !ok {
		return false
	}
	for _, n := range networks {
		if prefix, err := netip.ParsePrefix(n); err == nil && prefix.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

var errNoCheckout = errors.New("the provider has no checkout")
