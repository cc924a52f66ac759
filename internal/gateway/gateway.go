// Package gateway holds the use cases. It is the only place where a transaction begins and
// ends, and the only one that changes state; one file per flow, in the order of a payment's
// life: merchant, invoice, checkout, callback, desk, cancel, expiry, refund, settle, deliver.
//
// Every use case has one of two shapes. Either it answers from the database, in one Update; or
// it asks a provider: Update (the intention, and its work leased to us), the call outside any
// transaction, Update (the outcome). See docs/walks.
package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/evidence"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/webhook"
)

// The limits of one use case.
const (
	CallTimeout  = 20 * time.Second      // one call to a provider; shorter than Lease
	Lease        = 30 * time.Second      // how long work is ours before another process takes it over
	twinWait     = 20 * time.Second      // how long a repeat waits for its running twin
	twinPoll     = 20 * time.Millisecond // how soon it looks again, at first
	twinPollMost = 500 * time.Millisecond
	finalAfter   = 10 * time.Minute // when "the provider does not know it" is believed
)

// Options is what a gateway is built from. All but Hooks and Metrics are required.
type Options struct {
	Store     *store.Store
	Providers []provider.Provider
	Seal      *seal.Box
	Sender    *webhook.Sender
	Secrets   webhook.Secrets
	Evidence  *evidence.Recorder
	Transport http.RoundTripper // for calls to providers
	Now       func() time.Time
	Logger    *slog.Logger

	PublicURL  string
	BaseURLs   map[string]string // provider name → its API's address; missing: Info.BaseURL
	PayURLs    map[string]string // provider name → where its buyers are sent; missing: Info.PayURL
	InvoiceTTL time.Duration

	AcceptCardData bool          // whether card numbers pass through us: then a business that only charges cards has a page too
	KeepMessages   time.Duration // how long the companies' messages are kept; 0: for ever
	KeepEvents     time.Duration // and webhooks that arrived

	FastRetries  []time.Duration
	SlowRetries  []time.Duration
	AskIntervals []time.Duration // between questions about an unknown outcome; the last repeats

	Metrics Metrics

	// OnMerchantSaved is told the credentials of each merchant that is registered or changed.
	// Only test mode sets it: it pairs the merchant with the sandbox.
	OnMerchantSaved func(provider string, credentials map[string]string, testKey string, o pay.Options, callbackURL string)
}

// Metrics counts what the use cases do. Its methods must be quick and safe for concurrent use.
type Metrics interface {
	Payment(provider string, to pay.State)
	Refund(provider string, to pay.MoveState)
	Payout(provider string, to pay.MoveState)
	ProviderCall(provider, op, outcome string, took time.Duration)
	Callback(provider string, status int, took time.Duration)
	Delivery(delivered bool, sinceEvent time.Duration)
}

// Gateway is the use cases over one store. It is safe for concurrent use.
type Gateway struct {
	Options

	store     *store.Store
	providers map[string]provider.Provider
	hashKey   []byte // of requests, for idempotency; read by Enter

	mu       sync.Mutex
	accounts map[string]openAccount
	called   map[string]callee    // by merchant: see remember
	asked    map[string]time.Time // when a read last had something asked

	refunding turns // by invoice
	binding   turns // by card
	arrivals  gather[try]
	lines     gather[*asked]
	stating   turns // by merchant

	ready         readiness
	statementMost int
}

// openAccount keeps an account as long as its merchant's row does not change, so that what it
// caches (a token, say) lives.
type openAccount struct {
	version int64
	account provider.Account
}

// New returns a gateway. It reads nothing and starts nothing.
func New(o Options) *Gateway {
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	g := &Gateway{
		Options:   o,
		store:     o.Store,
		arrivals:  gather[try]{most: arrivalsMost},
		lines:     gather[*asked]{most: linesMost},
		providers: make(map[string]provider.Provider, len(o.Providers)),
		accounts:  map[string]openAccount{},
		called:    map[string]callee{},
		asked:     map[string]time.Time{},

		statementMost: statementMost,
	}
	for _, p := range o.Providers {
		g.providers[p.Info().Name] = p
	}
	return g
}

// Handlers are the kinds of work, for the outbox's runner.
func (g *Gateway) Handlers() map[string]outbox.Handler {
	handlers := map[string]outbox.Handler{
		workDeliver:  g.Deliver,
		workRefund:   g.refundWork,
		workSettle:   g.settleWork,
		workWithdraw: g.withdrawWork,
		workReceipt:  g.receiptWork,
		workHold:     g.holdWork,
		workFiscal:   g.fiscalWork,
		workPayout:   g.payoutWork,
		workTell:     g.deliverPayout,
		workAgain:    g.againWork,

		workReconcile: g.reconcileWork,
	}
	for kind, handle := range handlers {
		handlers[kind] = g.persevering(handle)
	}
	return handlers
}

// The kinds of work.
const (
	workDeliver  = "deliver"     // tell the app; subject: business and order
	workRefund   = "refund"      // what became of a refund; subject: its id
	workSettle   = "settle"      // what became of a payment; subject: its id
	workWithdraw = "withdraw"    // take back a hosted page that nobody needs; subject: the payment's id
	workHold     = "hold_expiry" // what became of a hold that ran out; subject: the payment's id
	workReceipt  = "receipt"     // pass a fiscal link on; subject: the payment's id
	workFiscal   = "fiscal"      // have the provider make the fiscal receipt; subject: the payment's id
	workPayout   = "payout"      // what became of a payout, or that nobody confirmed it; subject: its id
	workTell     = "tell_payout" // tell the app of a payout; subject: its id
	workAgain    = "redeliver"   // send the stuck events of a time again; subject: which

	workReconcile = "reconcile" // the next step of comparing a day; subject: the reconciliation's id
)

// account returns the merchant's opened account.
func (g *Gateway) account(m pay.Merchant) (provider.Account, error) {
	g.mu.Lock()
	kept, ok := g.accounts[m.ID]
	g.mu.Unlock()
	if ok && kept.version == m.Version {
		return kept.account, nil
	}
	secrets, err := g.unseal(m)
	if err != nil {
		return nil, err
	}
	if g.credentialsMissing(m, secrets) {
		return nil, &pay.Error{Code: pay.CodeUnsupported, Reason: "credentials_missing", Message: "this business uses " + m.Provider + " in its shop only, and the till has its credentials; POST /api/merchants to use it from here"}
	}
	a, err := g.openAccount(m, secrets)
	if err != nil {
		return nil, fmt.Errorf("open merchant %s at %s: %w", m.ID, m.Provider, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if kept, ok := g.accounts[m.ID]; ok && kept.version == m.Version {
		return kept.account, nil // another goroutine was first: one token cache
	}
	g.accounts[m.ID] = openAccount{version: m.Version, account: a}
	return a, nil
}

func (g *Gateway) openAccount(m pay.Merchant, s secrets) (provider.Account, error) {
	p, ok := g.providers[m.Provider]
	if !ok {
		return nil, &pay.Error{Code: pay.CodeNotFound, Reason: "provider_unknown", Message: "this gateway does not know the provider " + m.Provider}
	}
	info := p.Info()
	creds := provider.Credentials{MerchantID: m.ID, Values: s.Values, TestKey: s.TestKey, Options: m.Options}
	return p.Open(creds, provider.Env{
		HTTP:        g.client(m),
		Now:         g.Now,
		BaseURL:     strings.TrimRight(first(g.BaseURLs[info.Name], info.BaseURL), "/"),
		PayURL:      first(g.PayURLs[info.Name], info.PayURL),
		CallbackURL: g.callbackURL(m),
	})
}

// client calls one merchant's provider: bounded, without redirects, and on record.
func (g *Gateway) client(m pay.Merchant) *http.Client {
	return &http.Client{
		Transport:     g.Evidence.Transport(g.Transport, evidence.Tag{BusinessID: m.BusinessID, MerchantID: m.ID}),
		Timeout:       CallTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (g *Gateway) callbackURL(m pay.Merchant) string {
	return g.PublicURL + "/api/callbacks/" + m.Provider + "/" + m.ID
}

// call runs one call to a provider under the deadline, and counts it.
func (g *Gateway) call(ctx context.Context, m pay.Merchant, p pay.Payment, op string, f func(context.Context) error) error {
	// The caller may hang up: what was begun is still finished and written down.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), CallTimeout)
	defer cancel()
	start := time.Now()
	err := heardError(f(evidence.WithInvoice(ctx, p.InvoiceID, p.ID)))
	outcome := "ok"
	if err != nil {
		outcome = "error"
		if e, ok := errors.AsType[*provider.Error](err); ok {
			outcome = string(e.Kind)
		}
		g.Logger.WarnContext(ctx, "provider call failed", "provider", m.Provider, "op", op, "merchant", m.ID, "invoice", p.InvoiceID, "payment", p.ID, "error", err)
	}
	g.Metrics.ProviderCall(m.Provider, op, outcome, time.Since(start))
	return err
}

// upstream words a provider's error for the caller.
func upstream(providerName string, err error) error {
	if e, ok := errors.AsType[*pay.Error](err); ok {
		return e
	}
	up := &pay.Upstream{Name: providerName}
	msg := providerName + " could not be reached; try again later"
	if e, ok := errors.AsType[*provider.Error](err); ok {
		up.Code, up.Message, up.RequestID = e.Code, e.Message, e.RequestID
		switch e.Kind {
		case provider.KindAuth:
			msg = providerName + " does not accept the merchant's credentials; check them in its cabinet"
		case provider.KindInvalid:
			msg = providerName + " refused the request"
		case provider.KindRateLimited:
			msg = providerName + " asks to slow down; try again in a minute"
		}
	}
	return &pay.Error{Code: pay.CodeUpstream, Message: msg, Upstream: up, Err: err}
}

// hash is what a repeat of a request must equal: an HMAC under a key of its own, so that the
// table tells nothing of what was asked.
func (g *Gateway) hash(request any) (string, error) {
	b, err := json.Marshal(request)
	if err != nil {
		return "", fmt.Errorf("hash the request: %w", err)
	}
	if g.hashKey == nil {
		return "", errors.New("the gateway was not entered")
	}
	mac := hmac.New(sha256.New, g.hashKey)
	mac.Write(b)
	return hex.EncodeToString(mac.Sum(nil)), nil
}

func notFound(what string) error {
	return &pay.Error{Code: pay.CodeNotFound, Reason: what + "_not_found", Message: "there is no such " + what}
}

// found turns the store's "no such row" into the API's "no such <what>".
func found[T any](v T, err error) func(what string) (T, error) {
	return func(what string) (T, error) {
		if errors.Is(err, store.ErrNotFound) {
			return v, notFound(what)
		}
		return v, err
	}
}

func lane(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return "invalid"
	}
	return strings.ToLower(u.Host)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

type noMetrics struct{}

func (noMetrics) Payment(string, pay.State)                          {}
func (noMetrics) Refund(string, pay.MoveState)                       {}
func (noMetrics) Payout(string, pay.MoveState)                       {}
func (noMetrics) ProviderCall(string, string, string, time.Duration) {}
func (noMetrics) Callback(string, int, time.Duration)                {}
func (noMetrics) Delivery(bool, time.Duration)                       {}
