// Package app wires everything: the commands and the end-to-end tests use it alike, so that
// what was tested is what runs.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/chorsu/chorsu/internal/checkout"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/evidence"
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/httpapi"
	"github.com/chorsu/chorsu/internal/inbox"
	"github.com/chorsu/chorsu/internal/news"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/provider/all"
	"github.com/chorsu/chorsu/internal/sandbox"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/webhook"
)

// Plugin is one provider and its simulator.
type Plugin = all.Entry

// Plugins are all providers.
func Plugins() []Plugin { return all.List() }

// Online are those that a buyer on the web can pay by: not those that only tills use.
func Online() []Plugin {
	return slices.DeleteFunc(all.List(), func(p Plugin) bool { return p.Provider.Info().InStore })
}

// Options are what a program is made of besides its settings. All may be left zero.
type Options struct {
	Logger    *slog.Logger
	Version   string
	Providers []Plugin // nil: all of them

	// Now is the time; nil: the real one. In test mode it is what the sandbox's clock moves.
	Now func() time.Time

	// Hashing is what the hash of a staff password costs; zero: what is recommended. Tests make it
	// cheap.
	Hashing staff.Cost

	// Test is test mode: the sandbox is part of the program, below /sandbox, and every provider's
	// address leads there.
	Test *Test
}

// Test is what only test mode needs.
type Test struct {
	// LocalURL is where this process reaches its own listener: http://127.0.0.1:4002.
	LocalURL string
}

// App is the whole program.
type App struct {
	Config  config.Config
	Store   *store.Store
	Gateway *gateway.Gateway
	Office  *staff.Office
	Runner  *outbox.Runner
	Sandbox *sandbox.Sandbox // nil but in test mode
	Inbox   *inbox.Inbox     // nil but in test mode
	Clock   *sandbox.Clock

	o        Options
	log      *slog.Logger
	seal     *seal.Box
	checkout *checkout.Checkout
	news     *news.Board
	evidence *evidence.Recorder
	handler  http.Handler
	closers  []func(context.Context) error
}

// New opens the database, brings it to the present schema where that may be done by itself, and
// wires everything. It serves nothing yet. The database must be of the mode that is asked for.
func New(ctx context.Context, cfg config.Config, o Options) (_ *App, err error) {
	a := &App{Config: cfg, o: o, log: o.Logger}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.o.Providers == nil {
		a.o.Providers = Plugins()
	}
	if a.o.Now == nil {
		a.o.Now = time.Now
	}
	a.Clock = sandbox.NewClock(a.o.Now)
	defer func() {
		if err != nil {
			a.Close(context.WithoutCancel(ctx))
		}
	}()

	a.Store, err = store.Open(ctx, string(cfg.DatabaseURL), store.Options{Logger: a.log, Now: a.Clock.Now})
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, func(context.Context) error { return a.Store.Close() })
	if err := a.prepareStore(ctx); err != nil {
		return nil, err
	}
	if err := a.wire(ctx); err != nil {
		return nil, err
	}
	mode := gateway.ModeLive
	if o.Test != nil {
		mode = gateway.ModeTest
	}
	if err := a.Gateway.Enter(ctx, mode); err != nil {
		return nil, err
	}
	if o.Test != nil {
		if err := a.Gateway.PairAll(ctx); err != nil {
			return nil, fmt.Errorf("tell the sandbox of the merchants: %w", err)
		}
	}
	return a, nil
}

// prepareStore takes the database for this process where it cannot be shared, and brings its
// schema up to date: an empty one, or any in SQLite. PostgreSQL may be in use by an older
// program, so a person decides when it changes.
func (a *App) prepareStore(ctx context.Context) error {
	if err := a.Store.LockExclusively(); err != nil {
		return err
	}
	have, want, err := a.Store.Schema(ctx)
	if err != nil {
		return fmt.Errorf("read the database's schema: %w", err)
	}
	if migrate, err := schemaStep(have, want, a.Store.Postgres()); !migrate || err != nil {
		return err
	}
	steps, err := a.Store.Up(ctx)
	if err != nil {
		return fmt.Errorf("bring the database to schema %d: %w", want, err)
	}
	for _, m := range steps {
		a.log.InfoContext(ctx, "migrated the database", "version", m.Version, "name", m.Name)
	}
	return nil
}

// OtherSchema is why a database with another schema is not used: a person brings one of the two up.
type OtherSchema string

func (e OtherSchema) Error() string { return string(e) }

// schemaStep says whether a database of schema have is brought to want at the start, or why this
// program must not use it. Shared: other processes may be using it.
func schemaStep(have, want int64, shared bool) (migrate bool, err error) {
	switch {
	case have > want:
		return false, OtherSchema(fmt.Sprintf("the database has schema %d and this program knows %d: run a newer chorsu", have, want))
	case have > 0 && have < want && shared:
		return false, OtherSchema(fmt.Sprintf("the database has schema %d and this program wants %d: run `chorsu migrate up` first", have, want))
	}
	return have < want, nil
}

// wire builds the parts from the inside out: seal and secrets, sandbox, gateway, runner, API.
func (a *App) wire(ctx context.Context) error {
	box, err := seal.Parse(string(a.Config.MasterKeys))
	if err != nil {
		return fmt.Errorf("MASTER_KEY: %w", err)
	}
	a.seal = box
	secrets, err := webhook.ParseSecrets(string(a.Config.WebhookSecrets))
	if err != nil {
		return fmt.Errorf("WEBHOOK_SIGNING_SECRET: %w", err)
	}
	trace, err := a.startTracing(ctx)
	if err != nil {
		return err
	}
	a.evidence = evidence.New(a.keepEvidence, a.Clock.Now)
	a.closers = append(a.closers, a.evidence.Flush)
	numbers := newMetrics(a.Store, a.evidence, a.log)

	o := gateway.Options{
		Store: a.Store, Seal: box, Secrets: secrets, Evidence: a.evidence,
		Sender:    webhook.NewSender(webhook.Options{AllowPrivate: a.Config.NotifyAllowPrivate, UserAgent: "Chorsu/" + a.version()}),
		Transport: trace.transport(providerTransport()),
		Now:       a.Clock.Now, Logger: a.log,
		PublicURL: string(a.Config.PublicURL), BaseURLs: map[string]string{}, PayURLs: map[string]string{},
		InvoiceTTL: a.Config.InvoiceTTL, AcceptCardData: a.Config.AcceptCardData,
		KeepMessages: a.Config.KeepMessages, KeepEvents: a.Config.KeepEvents,
		FastRetries: a.Config.WebhookRetries, SlowRetries: a.Config.WebhookSlowRetries, AskIntervals: outbox.Asking,
		Metrics: numbers,
	}
	for _, p := range a.o.Providers {
		o.Providers = append(o.Providers, p.Provider)
	}
	a.addresses(&o)
	if a.o.Test != nil {
		if err := a.addSandbox(&o); err != nil {
			return err
		}
	}
	a.Gateway = gateway.New(o)
	a.Runner = outbox.NewRunner(a.Store.Queue(), a.Gateway.Handlers(), outbox.Options{
		Lease: gateway.Lease, Now: a.Clock.Now, Logger: a.log, Sweeps: a.Gateway.Sweeps(),
	})
	a.checkout = checkout.New(checkout.Options{Gateway: a.Gateway, Titles: a.titles(), Now: a.Clock.Now, Logger: a.log, Test: a.o.Test != nil})
	served := httpapi.Options{
		Gateway: a.Gateway, Keys: a.keys, RateLimit: a.Config.RateLimit, TrustedProxies: a.Config.TrustedProxies,
		AcceptCardData: a.Config.AcceptCardData, NotifyAllowPrivate: a.Config.NotifyAllowPrivate,
		Metrics: numbers.handler(), MetricsToken: string(a.Config.MetricsToken),
		PublicURL: string(a.Config.PublicURL), Version: a.version(), Now: a.Clock.Now, Logger: a.log,
	}
	if served.Beside, err = a.pages(httpapi.Document(served)); err != nil {
		return err
	}
	api := httpapi.New(served)
	a.handler = trace.handler(a.routes(api))
	return nil
}

// addresses tells the gateway where providers are called and where buyers are sent.
func (a *App) addresses(o *gateway.Options) {
	for _, p := range o.Providers {
		info := p.Info()
		if at := a.Config.Address(info.BaseURLEnv); at != "" {
			o.BaseURLs[info.Name] = at
		}
		if at := a.Config.Address(info.PayURLEnv); at != "" {
			o.PayURLs[info.Name] = at
		}
	}
}

// keepEvidence stores what passed between us and the companies.
func (a *App) keepEvidence(ctx context.Context, messages []evidence.Message) error {
	rows := make([]store.Message, len(messages))
	for i, m := range messages {
		rows[i] = store.Message(m)
	}
	return a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.InsertMessages(ctx, rows) })
}

// FlushEvidence writes down what is still in memory of the traffic with the companies.
func (a *App) FlushEvidence(ctx context.Context) error { return a.evidence.Flush(ctx) }

func (a *App) keys() []string {
	out := make([]string, len(a.Config.APIKeys))
	for i, k := range a.Config.APIKeys {
		out[i] = string(k)
	}
	return out
}

func (a *App) version() string {
	if a.o.Version == "" {
		return "unreleased"
	}
	return a.o.Version
}

// Handler serves everything that the program has.
func (a *App) Handler() http.Handler { return a.handler }

// Close writes down what is still in memory and closes the database. Serve must have returned.
func (a *App) Close(ctx context.Context) error {
	var first error
	for i := len(a.closers) - 1; i >= 0; i-- {
		if err := a.closers[i](ctx); err != nil && first == nil {
			first = err
		}
	}
	a.closers = nil
	return first
}
