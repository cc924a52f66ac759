package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/store"
)

// envFile is where settings stand that are not in the environment, in the working folder.
const envFile = ".env"

// settings reads them. What is wrong with them is a usage error, one line each.
func settings() (config.Config, config.Origins, error) {
	cfg, from, err := config.Load(os.LookupEnv, envFile)
	if err != nil {
		return cfg, from, &coded{exitUsage, err}
	}
	return cfg, from, nil
}

// logger writes to the console's error side, so that what a command prints can be piped.
func logger(con *console, cfg config.Config) *slog.Logger {
	return app.NewLogger(con.err, cfg, con.terminal)
}

// openStore opens the database for a command that is not the gateway. A SQLite file that is
// not there is not made: such a command would only find it empty.
func openStore(ctx context.Context, cfg config.Config) (*store.Store, error) {
	if path, ok := strings.CutPrefix(string(cfg.DatabaseURL), "sqlite:"); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no database at %s yet: `chorsu up` or `chorsu serve` makes it", path)
		}
	}
	return newStore(ctx, cfg)
}

// newStore opens the database, and makes a SQLite file that is not there.
func newStore(ctx context.Context, cfg config.Config) (*store.Store, error) {
	return store.Open(ctx, string(cfg.DatabaseURL), store.Options{Logger: slog.New(slog.DiscardHandler)})
}
