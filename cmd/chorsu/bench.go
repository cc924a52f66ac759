package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/chorsu/chorsu/internal/bench"
)

// benchCmd measures this program on this machine, beside the machine's own limits.
type benchCmd struct {
	Quick     bool   `help:"A few minutes instead of some forty, and at most 100,000 invoices in the database."`
	Postgres  string `placeholder:"URL" help:"Measure PostgreSQL too: a server where databases may be made. They are dropped afterwards."`
	SQLite    bool   `name:"sqlite" default:"true" negatable:"" help:"Measure SQLite."`
	Dir       string `placeholder:"DIR" help:"Where the SQLite files go, and so which disk is measured. Default: the system's folder for temporary files."`
	History   []int  `placeholder:"N,…" help:"With how many invoices in the database reading is measured, from few to many. Default: 10000,1000000,5000000."`
	Reading   bool   `help:"Measure only reading from a history."`
	Hold      bool   `help:"Hold the files of the history in memory while it is read, for a machine that takes back file cache. Linux; PostgreSQL's files must be on this machine."`
	Processes []int  `default:"1,2,4" placeholder:"N,…" help:"How many gateways share the PostgreSQL database, one measurement each; then one of two is killed."`
	Profiles  string `placeholder:"DIR" help:"Run the gateway inside this process and write processor profiles of the main flows there."`
	Out       string `placeholder:"FILE" help:"Write the table there too, also that of a run that was stopped."`
	JSON      bool   `help:"Print JSON at the end instead of the table."`
}

func (benchCmd) Examples() string {
	return `  chorsu bench --quick
  chorsu bench --dir /srv/data --postgres postgres://postgres@localhost/postgres
  chorsu bench --quick --profiles .    then: go tool pprof -top sqlite-payme.pprof
`
}

// options are what the flags ask for.
func (c *benchCmd) options() (bench.Options, error) {
	o := bench.Full()
	if c.Quick {
		o = bench.Quick()
	}
	o.Dir, o.Version, o.Postgres, o.SQLite, o.Profiles = c.Dir, programVersion(), c.Postgres, c.SQLite, c.Profiles
	o.Reading, o.Hold = c.Reading, c.Hold
	if o.Processes = c.Processes; len(c.History) > 0 {
		if !slices.IsSorted(c.History) || c.History[0] < bench.LeastHistory {
			return o, fmt.Errorf("--history: numbers from few to many, at least %d", bench.LeastHistory)
		}
		o.History = c.History
	}
	if c.Profiles == "" {
		program, err := os.Executable()
		if err != nil {
			return o, fmt.Errorf("find this program, to start it once more: %w", err)
		}
		o.Program = program
	}
	return o, nil
}

func (c *benchCmd) Run(ctx context.Context, con *console) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	o.Progress = func(f bench.Figure) { fmt.Fprintln(con.err, f.Line()) }
	report, err := bench.Run(ctx, o)
	if c.Out != "" {
		err = errors.Join(err, c.keep(report, err))
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(con, report)
	}
	fmt.Fprintln(con.err)
	report.Print(con.out)
	return nil
}

// keep writes the table into the file that was asked for, and beneath it why it is not whole.
func (c *benchCmd) keep(report bench.Report, stopped error) error {
	var page bytes.Buffer
	report.Print(&page)
	if stopped != nil {
		fmt.Fprintf(&page, "\nThe run did not come to its end: %v\n", stopped)
	}
	return os.WriteFile(c.Out, page.Bytes(), 0o644)
}
