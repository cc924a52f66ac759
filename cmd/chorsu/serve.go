package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/gateway"
)

// serveCmd is the gateway in production.
type serveCmd struct {
	NoWorker bool `help:"Only HTTP: background work is done by chorsu worker."`
}

func (serveCmd) Examples() string {
	return `  PUBLIC_URL=https://pay.example.uz chorsu serve
  DATABASE_URL=postgres://chorsu@db/chorsu chorsu serve --no-worker
  chorsu doctor                    what is in force, and whether it works
`
}

func (c *serveCmd) Run(ctx context.Context, con *console) error {
	cfg, _, err := settings()
	if err != nil {
		return err
	}
	if err := cfg.ForServe(); err != nil {
		return &coded{exitUsage, err}
	}
	ln, err := listen(cfg.Host, cfg.Port)
	if err != nil {
		return err
	}
	return serve(ctx, con, cfg, ln, !c.NoWorker)
}

// workerCmd is background work without HTTP.
type workerCmd struct{}

func (workerCmd) Examples() string {
	return `  DATABASE_URL=postgres://chorsu@db/chorsu chorsu worker
`
}

func (c *workerCmd) Run(ctx context.Context, con *console) error {
	cfg, _, err := settings()
	if err != nil {
		return err
	}
	if err := cfg.ForWorker(); err != nil {
		return &coded{exitUsage, err}
	}
	return serve(ctx, con, cfg, nil, true)
}

// spare is how much garbage may gather, in hundredths of what is in use, and enough is where the
// collector of garbage grows eager all the same. What is in use is little, some 12 MB: Go's own 100
// collects many times a second under load, which took a fifth of the processor.
const (
	spare  = 1000
	enough = 512 << 20
)

// room is enough, or half of what a container is given, whose limit the kernel tells in a file: SQLite's
// own memory is not the collector's.
func room(limit []byte, err error) int64 {
	given, notANumber := strconv.ParseInt(strings.TrimSpace(string(limit)), 10, 64)
	if err != nil || notANumber != nil { // no container, or one without a limit: "max"
		return enough
	}
	return min(enough, given/2)
}

// serve runs the production program until ctx ends.
func serve(ctx context.Context, con *console, cfg config.Config, ln net.Listener, worker bool) (err error) {
	log := logger(con, cfg)
	if os.Getenv("GOGC") == "" { // an operator's own word counts
		debug.SetGCPercent(spare)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(room(os.ReadFile("/sys/fs/cgroup/memory.max")))
	}
	a, err := app.New(ctx, cfg, app.Options{Logger: log, Version: programVersion()})
	if err != nil {
		if ln != nil {
			ln.Close()
		}
		return forPerson(err)
	}
	defer func() {
		if e := a.Close(context.WithoutCancel(ctx)); e != nil && err == nil {
			err = e
		}
	}()
	for _, w := range cfg.Warnings() {
		log.WarnContext(ctx, w)
	}
	if ln != nil {
		log.InfoContext(ctx, "serving", "version", programVersion(), "address", ln.Addr().String(), "public", string(cfg.PublicURL), "database", cfg.DatabaseURL.String(), "worker", worker)
	} else {
		log.InfoContext(ctx, "working", "version", programVersion(), "database", cfg.DatabaseURL.String())
	}
	err = a.Serve(ctx, ln, worker)
	log.InfoContext(ctx, "stopped")
	return err
}

// listen takes the port at once, so that a taken one stops the start before anything is done.
// forPerson gives the exit code of what only a person can settle.
func forPerson(err error) error {
	_, schema := errors.AsType[app.OtherSchema](err)
	if _, mode := errors.AsType[gateway.OtherMode](err); mode || schema {
		return &coded{exitPerson, err}
	}
	return err
}

func listen(host string, port int) (net.Listener, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w (PORT and HOST say where)", err)
	}
	return ln, nil
}
