package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"strings"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/webhook"
)

// upCmd is everything on this machine, in test mode.
type upCmd struct{}

func (upCmd) Examples() string {
	return `  chorsu up                        keys and database are made at the first start
  PORT=5000 chorsu up
  DATABASE_URL=sqlite:/tmp/try.db chorsu up
`
}

func (c *upCmd) Run(ctx context.Context, con *console) (err error) {
	cfg, from, err := settings()
	if err != nil {
		return err
	}
	made, err := makeKeys(cfg)
	if err != nil {
		return err
	}
	if len(made) > 0 {
		if cfg, from, err = settings(); err != nil {
			return err
		}
	}
	if cfg.Host == "" {
		cfg.Host = "127.0.0.1"
	}
	ln, err := listen(cfg.Host, cfg.Port)
	if err != nil {
		return err
	}
	log := logger(con, cfg)
	a, err := startTest(ctx, cfg, from, ln, app.Options{Logger: log, Version: programVersion()})
	if err != nil {
		return err
	}
	defer func() {
		if e := a.Close(context.WithoutCancel(ctx)); e != nil && err == nil {
			err = e
		}
	}()
	printLinks(con, a.Config, made)
	return a.Serve(ctx, ln, true)
}

// startTest wires the program in test mode behind a listener that has its address already.
func startTest(ctx context.Context, cfg config.Config, from config.Origins, ln net.Listener, o app.Options) (*app.App, error) {
	port := ln.Addr().(*net.TCPAddr).Port
	if cfg.PublicURL == "" {
		cfg.PublicURL = config.Address(fmt.Sprintf("http://localhost:%d", port))
	}
	if from["NOTIFY_ALLOW_PRIVATE"] == config.FromDefault {
		cfg.NotifyAllowPrivate = true // the app is on this machine too
	}
	o.Test = &app.Test{LocalURL: localURL(ln)}
	a, err := app.New(ctx, cfg, o)
	if err != nil {
		ln.Close()
	}
	return a, err
}

// localURL is where this machine reaches a listener.
func localURL(ln net.Listener) string {
	at := ln.Addr().(*net.TCPAddr)
	host := at.IP.String()
	if at.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(at.Port))
}

// makeKeys writes into .env what stands nowhere yet, and returns the names.
func makeKeys(cfg config.Config) (made []string, err error) {
	fresh := map[string]string{}
	add := func(missing bool, name, value string) {
		if missing {
			fresh[name] = value
			made = append(made, name)
		}
	}
	add(len(cfg.APIKeys) == 0, "SERVICE_API_KEY", newAPIKey())
	add(cfg.WebhookSecrets == "", "WEBHOOK_SIGNING_SECRET", webhook.NewSecret())
	add(cfg.MasterKeys == "", "MASTER_KEY", seal.NewKey())
	if len(made) == 0 {
		return nil, nil
	}
	if err := config.WriteEnv(envFile, fresh); err != nil {
		return nil, fmt.Errorf("keep the new keys: %w", err)
	}
	return made, nil
}

// newAPIKey is a fresh key for apps. It begins with its kind, so that a scanner of repositories
// finds one that was committed.
func newAPIKey() string { return "chorsu_" + strings.ToLower(rand.Text()) }

func printLinks(con *console, cfg config.Config, made []string) {
	public := string(cfg.PublicURL)
	fmt.Fprintf(con.out, `Chorsu runs in test mode: no money moves. Ctrl-C stops it.

  API      %s/api            x-api-key: SERVICE_API_KEY in %s
  Docs     %s/docs           the API reference: /docs/api
  Health   %s/health
  Admin    %s/admin          first account: chorsu admin add EMAIL
  Sandbox  %s/sandbox/       be the buyer, break things, read the webhooks
  Control  %s/sandbox/control    play the buyer, set faults, move the clock
  Inbox    %s/sandbox/inbox/shop a notifyUrl that verifies and shows what an app would get
  Database %s

`, public, envFile, public, public, public, public, public, public, cfg.DatabaseURL)
	if len(made) > 0 {
		fmt.Fprintf(con.out, "Made at this first start, in %s: %s.\n", envFile, strings.Join(made, ", "))
	}
}
