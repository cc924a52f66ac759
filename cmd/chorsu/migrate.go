package main

import (
	"context"
	"fmt"

	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/store"
)

// migrateCmd is the database's schema. serve does by itself what is safe to do by itself: an
// empty database, or any in SQLite. A PostgreSQL that older programs may be using waits for
// this command.
type migrateCmd struct {
	Plan   migratePlanCmd   `cmd:"" help:"What up would do, in SQL."`
	Up     migrateUpCmd     `cmd:"" help:"Bring the schema to this program's version."`
	Status migrateStatusCmd `cmd:"" help:"Each step, and when it was taken."`
	Copy   migrateCopyCmd   `cmd:"" help:"Move a SQLite database into an empty PostgreSQL, and check that nothing differs."`
}

func (migrateCmd) Examples() string {
	return `  chorsu migrate status
  chorsu migrate plan
  chorsu migrate up
  chorsu migrate copy --from sqlite:data/chorsu.db --to postgres://chorsu@db/chorsu
`
}

type migratePlanCmd struct {
	JSON bool `help:"Print JSON."`
}

func (migratePlanCmd) Examples() string {
	return "  chorsu migrate plan\n  chorsu migrate plan --json\n"
}

func (c *migratePlanCmd) Run(ctx context.Context, con *console) error {
	return withStore(ctx, func(s *store.Store) error {
		steps, err := s.Plan(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(con, map[string]any{"steps": orEmpty(steps)})
		}
		if len(steps) == 0 {
			fmt.Fprintln(con.out, "The schema is up to date.")
		}
		for _, m := range steps {
			fmt.Fprintf(con.out, "-- %d %s\n%s\n", m.Version, m.Name, m.SQL)
		}
		return nil
	})
}

type migrateUpCmd struct {
	JSON bool `help:"Print JSON."`
}

func (migrateUpCmd) Examples() string { return "  chorsu migrate up\n" }

// Run makes a SQLite file that is not there, as serve would: a deployment may migrate first.
func (c *migrateUpCmd) Run(ctx context.Context, con *console) error {
	return withStoreOf(ctx, newStore, func(s *store.Store) error {
		if err := s.LockExclusively(); err != nil {
			return err
		}
		have, want, err := s.Schema(ctx)
		if err != nil {
			return err
		}
		if have > want {
			return &coded{exitPerson, fmt.Errorf("the database has schema %d and this program knows %d: run a newer chorsu", have, want)}
		}
		steps, err := s.Up(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(con, map[string]any{"steps": orEmpty(steps)})
		}
		if len(steps) == 0 {
			fmt.Fprintln(con.out, "The schema was up to date.")
		}
		for _, m := range steps {
			fmt.Fprintf(con.out, "done: %d %s\n", m.Version, m.Name)
		}
		return nil
	})
}

type migrateStatusCmd struct {
	JSON bool `help:"Print JSON."`
}

func (migrateStatusCmd) Examples() string { return "  chorsu migrate status --json\n" }

func (c *migrateStatusCmd) Run(ctx context.Context, con *console) error {
	return withStore(ctx, func(s *store.Store) error {
		have, want, err := s.Schema(ctx)
		if err != nil {
			return err
		}
		steps, err := s.Status(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(con, map[string]any{"have": have, "want": want, "steps": orEmpty(steps)})
		}
		fmt.Fprintf(con.out, "The database has schema %d; this program wants %d.\n", have, want)
		for _, m := range steps {
			taken := "not yet"
			if !m.AppliedAt.IsZero() {
				taken = m.AppliedAt.UTC().Format("2006-01-02 15:04:05 UTC")
			}
			fmt.Fprintf(con.out, "  %d %-24s %s\n", m.Version, m.Name, taken)
		}
		return nil
	})
}

// withStore lends the database that the settings name.
func withStore(ctx context.Context, f func(*store.Store) error) error {
	return withStoreOf(ctx, openStore, f)
}

func withStoreOf(ctx context.Context, open func(context.Context, config.Config) (*store.Store, error), f func(*store.Store) error) error {
	cfg, _, err := settings()
	if err != nil {
		return err
	}
	s, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	return f(s)
}

// orEmpty makes JSON's [] of a list that is not there.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
