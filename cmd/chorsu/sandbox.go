package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/inbox"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/sandbox"
	"github.com/chorsu/chorsu/internal/till/devices"
)

// sandboxCmd is only the simulated companies.
type sandboxCmd struct {
	ZVT string `name:"zvt" placeholder:"HOST:PORT" default:"127.0.0.1:20007" help:"Where the simulated ZVT pinpad listens for tills."`
}

func (sandboxCmd) Examples() string {
	return `  chorsu sandbox
  SANDBOX_ADDR=127.0.0.1:9000 chorsu sandbox
  chorsu sandbox --zvt 127.0.0.1:20008      its ZVT pinpad at another port
  curl http://127.0.0.1:4003/control        what can be done there
`
}

func (c *sandboxCmd) Run(ctx context.Context, con *console) error {
	cfg, from, err := settings()
	if err != nil {
		return err
	}
	at := cfg.SandboxAddr
	if cfg.Host != "" && from["SANDBOX_ADDR"] == config.FromDefault {
		_, port, _ := net.SplitHostPort(at)
		at = net.JoinHostPort(cfg.Host, port)
	}
	ln, err := net.Listen("tcp", at)
	if err != nil {
		return fmt.Errorf("cannot listen: %w (SANDBOX_ADDR says where)", err)
	}
	log := logger(con, cfg)
	clock := sandbox.NewClock(time.Now)
	in := inbox.New(inbox.Options{Secrets: app.Secrets(cfg), Now: clock.Now})
	plugins := app.Plugins()
	zvt := openPinpad(con, c.ZVT, clock)
	if zvt != nil {
		defer zvt.Close()
	}
	box, err := sandbox.New(sandbox.Options{
		BaseURL: localURL(ln), Companies: append(app.Companies(plugins), app.Pinpads(zvt)...), Clock: clock, Inbox: in, Logger: log,
	})
	if err != nil {
		return err
	}
	if err := knowTills(box, plugins); err != nil {
		return err
	}
	printSandbox(con, localURL(ln), plugins, zvt)
	return serveSandbox(ctx, ln, box, in, app.Server(box, log))
}

// openPinpad switches the ZVT pinpad on. Without its port the sandbox has all the rest.
func openPinpad(con *console, address string, clock *sandbox.Clock) *devices.ZVT {
	zvt, err := devices.ListenZVT(address, clock.Now)
	if err != nil {
		fmt.Fprintf(con.err, "There is no ZVT pinpad: %v (--zvt says where)\n", err)
		return nil
	}
	return zvt
}

// knowTills makes the sample tills known, so that chorsu till --example-config works as printed.
func knowTills(box *sandbox.Sandbox, plugins []app.Plugin) error {
	for _, p := range plugins {
		if _, _, played := box.Simulator(p.Played()); !played || !p.Provider.Info().InStore {
			continue
		}
		if err := box.AddAccount(p.Played(), simulator.Account{Credentials: p.Sample}); err != nil {
			return err
		}
	}
	return nil
}

// serveSandbox runs it until ctx ends.
func serveSandbox(ctx context.Context, ln net.Listener, box *sandbox.Sandbox, in *inbox.Inbox, srv *http.Server) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go box.Run(ctx)
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln); stop() }()
	<-ctx.Done()
	in.Close()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	srv.Shutdown(grace) // what a buyer began may be cut off: no money moves here
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// printSandbox tells how a gateway is pointed at it.
func printSandbox(con *console, at string, plugins []app.Plugin, zvt *devices.ZVT) {
	fmt.Fprintf(con.out, "The payment companies, simulated, at %s. Ctrl-C stops them.\nWhat can be done: %s/control\n\nA gateway uses them with:\n\n  ALLOW_SANDBOX=true\n", at, at)
	told := map[string]bool{} // a company has one address for its shops and its tills
	for _, p := range plugins {
		info := p.Provider.Info()
		for _, v := range [][2]string{{info.BaseURLEnv, info.BaseURL}, {info.PayURLEnv, info.PayURL}} {
			if v[0] != "" && !told[v[0]] {
				told[v[0]] = true
				fmt.Fprintf(con.out, "  %s=%s\n", v[0], app.SandboxAddress(at, p.Played(), v[1]))
			}
		}
	}
	fmt.Fprintf(con.out, "\nA till beside it: chorsu till --example-config. Its pinpads, with faults like the companies:\n\n")
	if zvt != nil {
		fmt.Fprintf(con.out, "  HUMO    driver zvt, address %s\n", zvt.Address())
	}
	fmt.Fprintf(con.out, "  UzCard  driver arcus2, path chorsu, args \"arcus2-tool %s/arcus2\"\n", at)
	fmt.Fprintf(con.out, "\nMake each merchant known to its company with POST %s/control/providers/<name>/accounts.\n", at)
}
