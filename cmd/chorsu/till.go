package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/till"
	"github.com/chorsu/chorsu/internal/till/journal"
)

// tillCmd is the agent beside a cash register.
type tillCmd struct {
	ExampleConfig bool `help:"Print a configuration with comments that runs against the sandbox."`
	Check         bool `help:"Read the configuration, try the pinpads, and say what is wrong."`
}

func (tillCmd) Examples() string {
	return `  chorsu till --example-config > till.yaml
  TILL_CONFIG=till.yaml chorsu till                    on 127.0.0.1:8090, for this machine alone
  TILL_CONFIG=till.yaml chorsu till --check
  TILL_ADDR=0.0.0.0:8090 TILL_TOKEN=… chorsu till      for tills on the shop's network
`
}

// tillStop is how long what is under way may take when the agent is stopped. A buyer may stand at
// the pinpad; what does not end in time is unknown, and settled at the next start.
const tillStop = 20 * time.Second

func (c *tillCmd) Run(ctx context.Context, con *console) error {
	if c.ExampleConfig {
		fmt.Fprint(con.out, till.Example())
		return nil
	}
	cfg, _, err := settings()
	if err != nil {
		return err
	}
	shop, err := tillConfig(cfg)
	if err != nil {
		return &coded{exitUsage, err}
	}
	ln, err := net.Listen("tcp", cfg.TillAddr)
	if err != nil {
		return fmt.Errorf("cannot listen: %w (TILL_ADDR says where)", err)
	}
	defer ln.Close()
	j, err := journal.Open(ctx, cfg.TillDB, time.Now)
	if err != nil {
		return fmt.Errorf("TILL_DB: %w", err)
	}
	defer j.Close()
	log := logger(con, cfg)
	agent, err := till.New(ctx, till.Options{
		Config: shop, Journal: j, Providers: tillProviders(), HTTP: app.TillClient(), Now: time.Now, Logger: log,
		Version: programVersion(), Address: ln.Addr().String(), Token: string(cfg.TillToken),
	})
	if err != nil {
		return &coded{exitUsage, fmt.Errorf("TILL_CONFIG: %w", err)}
	}
	defer agent.Close()
	if c.Check {
		return checkTill(ctx, con, agent)
	}
	return serveTill(ctx, ln, agent, log)
}

// tillConfig reads what TILL_CONFIG names, and what must hold beyond the file.
func tillConfig(cfg config.Config) (till.Config, error) {
	if cfg.TillConfig == "" {
		return till.Config{}, errors.New("TILL_CONFIG is not set; it must be the path of a YAML file (`chorsu till --example-config` prints one)")
	}
	if !till.Loopback(cfg.TillAddr) && cfg.TillToken == "" {
		return till.Config{}, errors.New("TILL_TOKEN is not set; beyond this machine (TILL_ADDR) tills must send it as a bearer token")
	}
	if !till.Loopback(cfg.TillAddr) && len(cfg.TillToken) < till.LeastToken {
		return till.Config{}, fmt.Errorf("TILL_TOKEN is too short: beyond this machine (TILL_ADDR) it has at least %d characters, such as %s, which was made just now", till.LeastToken, rand.Text())
	}
	f, err := os.Open(cfg.TillConfig)
	if err != nil {
		return till.Config{}, fmt.Errorf("TILL_CONFIG: %w", err)
	}
	defer f.Close()
	shop, err := till.ReadConfig(f, os.LookupEnv)
	if err != nil {
		return shop, fmt.Errorf("TILL_CONFIG: %s: %w", cfg.TillConfig, err)
	}
	return shop, nil
}

func tillProviders() []provider.Provider {
	var out []provider.Provider
	for _, p := range app.Plugins() {
		out = append(out, p.Provider)
	}
	return out
}

// checkTill says of each pinpad whether it answers. It moves nothing.
func checkTill(ctx context.Context, con *console, agent *till.Agent) error {
	bad := 0
	for _, line := range agent.Check(ctx) {
		word := "ok"
		if line.Err != nil {
			word = line.Err.Error()
			bad++
		}
		fmt.Fprintf(con.out, "%-12s %s\n", line.Name, word)
	}
	if bad > 0 {
		return fmt.Errorf("%d of the above do not answer", bad)
	}
	return nil
}

// serveTill answers tills until ctx ends, and then waits for what is under way.
func serveTill(ctx context.Context, ln net.Listener, agent *till.Agent, log *slog.Logger) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	srv := &http.Server{
		Handler: agent.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 5 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln); stop() }()
	log.InfoContext(ctx, "the till is open", "version", programVersion(), "address", ln.Addr().String())
	agent.Run(ctx)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), tillStop)
	defer cancel()
	srv.Shutdown(grace)
	agent.Drain(grace)
	srv.Close()
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	log.InfoContext(ctx, "stopped")
	return nil
}
