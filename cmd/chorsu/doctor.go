package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/store"
)

// doctorCmd shows what is in force and tries whether it works.
type doctorCmd struct {
	JSON    bool `help:"Print JSON."`
	Offline bool `help:"Call no provider."`
}

func (doctorCmd) Examples() string {
	return `  chorsu doctor                    exit code 1 if something is wrong
  chorsu doctor --offline
  chorsu doctor --json
`
}

// check is one thing that was tried.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// doctor collects checks.
type doctor struct {
	cfg    config.Config
	checks []check
	mode   gateway.Mode // of the database; "" where it has none or cannot be read
}

func (d *doctor) say(name string, ok bool, format string, args ...any) {
	d.checks = append(d.checks, check{name, ok, fmt.Sprintf(format, args...)})
}

func (c *doctorCmd) Run(ctx context.Context, con *console) error {
	cfg, from, err := config.Load(os.LookupEnv, envFile)
	d := &doctor{cfg: cfg}
	if err != nil {
		faults := config.Faults{err.Error()}
		errors.As(err, &faults)
		for _, f := range faults {
			d.say("settings", false, "%s", f)
		}
	} else {
		d.say("settings", true, "all values are allowed")
		d.files()
		d.database(ctx)
		d.production()
		if !c.Offline {
			d.providers(ctx)
		}
	}
	if err := d.print(con, cfg.Settings(from), c.JSON); err != nil {
		return err
	}
	for _, x := range d.checks {
		if !x.OK {
			return &coded{exitFailed, errors.New("something is wrong: see above")}
		}
	}
	return nil
}

func (d *doctor) print(con *console, settings []config.Setting, asJSON bool) error {
	warnings := d.cfg.Warnings()
	if asJSON {
		return printJSON(con, map[string]any{"settings": settings, "checks": d.checks, "warnings": orEmpty(warnings)})
	}
	fmt.Fprintln(con.out, "In force:")
	for _, s := range settings {
		value := s.Value
		if value == "" {
			value = "(none)"
		}
		fmt.Fprintf(con.out, "  %-28s %-12s %s\n", s.Name, s.Origin, value)
	}
	fmt.Fprintln(con.out, "\nTried:")
	for _, x := range d.checks {
		mark := "ok   "
		if !x.OK {
			mark = "WRONG"
		}
		fmt.Fprintf(con.out, "  %s %-12s %s\n", mark, x.Name, strings.ReplaceAll(x.Detail, "\n", "\n                     "))
	}
	for _, w := range warnings {
		fmt.Fprintln(con.out, "  note ", w)
	}
	return nil
}

// files: what holds secrets must be readable by its user alone.
func (d *doctor) files() {
	names := []string{envFile}
	if path, ok := strings.CutPrefix(string(d.cfg.DatabaseURL), "sqlite:"); ok {
		names = append(names, path)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			d.say("files", false, "%v", err)
		case info.Mode().Perm()&0o077 != 0:
			d.say("files", false, "%s can be read by others: chmod 600 %s", name, name)
		default:
			d.say("files", true, "%s is readable by its user alone", name)
		}
	}
}

// database: whether it answers, has this program's schema, and can be opened with these keys.
func (d *doctor) database(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	s, err := openStore(ctx, d.cfg)
	if err != nil {
		d.say("database", false, "%v", err)
		return
	}
	defer s.Close()
	have, want, err := s.Schema(ctx)
	switch {
	case err != nil:
		d.say("database", false, "%v", err)
		return
	case have != want:
		d.say("database", have == 0 || have < want && !s.Postgres(), "it has schema %d, this program wants %d: chorsu migrate status", have, want)
		return
	}
	if d.mode, err = gateway.ModeOf(ctx, s); err != nil {
		d.say("database", false, "%v", err)
		return
	}
	d.say("database", true, "%s answers, schema %d, mode %q", d.cfg.DatabaseURL, have, d.mode)
	d.keys(ctx, s)
}

// keys: whether every sealed row opens.
func (d *doctor) keys(ctx context.Context, s *store.Store) {
	if d.cfg.MasterKeys == "" {
		d.say("keys", d.mode == "", "MASTER_KEY is not set: sealed credentials cannot be opened")
		return
	}
	box, err := seal.Parse(string(d.cfg.MasterKeys))
	if err != nil {
		d.say("keys", false, "MASTER_KEY: %v", err)
		return
	}
	n, err := gateway.TrySeals(ctx, s, box)
	if err != nil {
		d.say("keys", false, "a sealed row does not open: %v", err)
		return
	}
	d.say("keys", true, "%d sealed rows open, %d of them under older keys", n.Rows, n.Stale)
}

// production: what would keep serve from starting. On a test database that is as it should be.
func (d *doctor) production() {
	err := d.cfg.ForServe()
	if err == nil {
		d.say("serve", true, "nothing keeps `chorsu serve` from starting")
		return
	}
	d.say("serve", d.mode != gateway.ModeLive, "`chorsu serve` would not start:\n%v", err)
}

// providers: whether their addresses answer, and what their clocks say of ours.
func (d *doctor) providers(ctx context.Context) {
	if d.mode == gateway.ModeTest {
		d.say("providers", true, "test mode: the sandbox answers, nobody is called")
		return
	}
	client := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	clockTold, asked := false, map[string]bool{}
	for _, p := range app.Plugins() {
		info := p.Provider.Info()
		at := d.cfg.Address(info.BaseURLEnv)
		if at == "" || asked[at] {
			continue
		}
		asked[at] = true // a company has one address for its shops and its tills
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, at, nil)
		if err != nil {
			d.say(info.Name, false, "%v", err)
			continue
		}
		res, err := client.Do(req)
		if err != nil {
			d.say(info.Name, false, "%s does not answer: %v", at, err)
			continue
		}
		res.Body.Close()
		d.say(info.Name, true, "%s answers", at)
		if their, err := http.ParseTime(res.Header.Get("Date")); err == nil && !clockTold {
			clockTold = true
			off := time.Since(their).Round(time.Second)
			d.say("clock", off.Abs() < 2*time.Minute, "%s from the clock of %s", off, info.Name)
		}
	}
}
