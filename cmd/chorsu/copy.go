package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/store"
)

// migrateCopyCmd moves a gateway that has outgrown one file.
type migrateCopyCmd struct {
	From config.DSN `required:"" placeholder:"sqlite:PATH" help:"The database to move. Nobody may serve it meanwhile; it is only read."`
	To   config.DSN `required:"" placeholder:"postgres://…" help:"An empty PostgreSQL database. A password may stand in PGPASSWORD instead, where other users of this machine do not see it."`
	JSON bool       `help:"Print JSON."`
}

func (migrateCopyCmd) Examples() string {
	return `  chorsu migrate copy --from sqlite:data/chorsu.db --to postgres://chorsu@db/chorsu
  PGPASSWORD=… chorsu migrate copy --from sqlite:data/chorsu.db --to postgres://chorsu@db/chorsu --json
`
}

func (c *migrateCopyCmd) Run(ctx context.Context, con *console) error {
	path, isSQLite := strings.CutPrefix(string(c.From), "sqlite:")
	if !isSQLite || strings.HasPrefix(string(c.To), "sqlite:") {
		return &coded{exitUsage, errors.New("a copy goes --from sqlite:PATH --to postgres://…")}
	}
	if _, err := os.Stat(path); err != nil { // opening would make one
		return fmt.Errorf("the source: %w", err)
	}
	from, err := openQuietly(ctx, c.From)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := openQuietly(ctx, c.To)
	if err != nil {
		return err
	}
	defer to.Close()
	copied, err := store.Copy(ctx, from, to, progressOn(con))
	switch _, refused := errors.AsType[store.CopyRefusal](err); {
	case refused:
		return &coded{exitPerson, err}
	case errors.Is(err, store.ErrCopyUnknown):
		return &coded{exitUnknown, fmt.Errorf("%w\nRun `DATABASE_URL=… chorsu migrate status` on the target: it says so where the copy has to be made again, and otherwise all is there", err)}
	case err != nil:
		return fmt.Errorf("%w\nThe source is as it was. The target has none of it, and is marked until a copy into it succeeds", err)
	}
	if c.JSON {
		return printJSON(con, map[string]any{"tables": copied})
	}
	printCopied(con, copied)
	return nil
}

func printCopied(con *console, copied []store.CopiedTable) {
	fmt.Fprintf(con.out, "  %-20s %10s  %-16s  %s\n", "table", "rows", "hash", "sums in tiyin")
	var rows int64
	for _, t := range copied {
		rows += t.Rows
		var sums []string
		for _, column := range []string{"amount", "captured", "refunded", "reserved"} {
			if s := t.Sums[column]; s != nil {
				sums = append(sums, fmt.Sprintf("%s %s", column, s))
			}
		}
		fmt.Fprintf(con.out, "  %-20s %10d  %-16s  %s\n", t.Name, t.Rows, t.Hash[:16], strings.Join(sums, ", "))
	}
	fmt.Fprintf(con.out, "%d rows in %d tables were copied, read back and found equal.\n", rows, len(copied))
	fmt.Fprintln(con.out, "Now set DATABASE_URL to the target, keep the keys, and start `chorsu serve`. Do not serve the old file again: keep it as a backup.")
}

// progressOn rewrites one line on a terminal, and elsewhere prints a line for each table that is done.
func progressOn(con *console) func(store.CopyProgress) {
	return func(p store.CopyProgress) {
		doing := "copied "
		if p.Checking {
			doing = "checked"
		}
		line := fmt.Sprintf("%s %-20s %d of %d rows", doing, p.Table, p.Rows, p.Of)
		switch {
		case con.terminal && !p.Done:
			fmt.Fprintf(con.err, "\r\x1b[K%s", line)
		case con.terminal:
			fmt.Fprintf(con.err, "\r\x1b[K%s\n", line)
		case p.Done:
			fmt.Fprintln(con.err, line)
		}
	}
}

func openQuietly(ctx context.Context, dsn config.DSN) (*store.Store, error) {
	s, err := store.Open(ctx, string(dsn), store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dsn, err)
	}
	return s, nil
}
