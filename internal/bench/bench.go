// Package bench measures the gateway beside the limits of the machine it runs on: how often the
// disk syncs, how often the database writes the rows of one payment without any gateway, and how
// often net/http answers without any work. All in one run, with durable commits and with the
// load made on the same machine, so that a figure means something elsewhere too: its ratio to
// its limit does, the figure itself does not.
//
// The gateway that is measured is the program itself, as its own process, under the settings of
// production; only the rate limit is off, and the receivers of webhooks are on this machine.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/bare"
)

// Options say what is measured and how long.
type Options struct {
	Dir      string // where the SQLite files go; the disk under it is what is measured
	Program  string // the chorsu to run; "" runs the gateway inside this process, which measures no memory and no processor time
	Version  string // of the program, for the report
	Postgres string // a server where databases may be made and dropped; "" leaves PostgreSQL out
	SQLite   bool

	Each        time.Duration // how long one figure is measured
	Connections []int         // for POST invoice
	Backlog     int           // webhooks that wait when the deliveries are measured
	Businesses  int           // against the one hot merchant
	History     []int         // how many invoices are in the database when it is read
	Hold        bool          // keep the files of the history in memory while it is read; Linux, and files on this machine
	Processes   []int         // how many gateways share one PostgreSQL; only with Program
	Reading     bool          // measure reading from a history alone

	Profiles string       // where to write processor profiles of the main flows; only without Program
	Progress func(Figure) // told each figure as it comes; may be nil
}

// Quick is a run of a few minutes, which stops at 100 thousand invoices. Its figures are noisier.
func Quick() Options {
	return Options{
		SQLite: true, Each: 3 * time.Second, Connections: []int{1, 8, 32, 128},
		Backlog: 3000, Businesses: 1000, History: []int{10_000, 100_000}, Processes: []int{1, 2, 4},
	}
}

// Full is the whole run. It wants some 25 GB of disk and some forty minutes, half of them to fill
// the databases.
func Full() Options {
	return Options{
		SQLite: true, Each: 10 * time.Second, Connections: []int{1, 8, 32, 128},
		Backlog: 10_000, Businesses: 1000, History: []int{10_000, 1_000_000, 5_000_000}, Processes: []int{1, 2, 4},
	}
}

// LeastHistory is how few invoices a history may have: each of its businesses has some.
const LeastHistory = 1000

// busy is how many connections a figure has that does not name its own.
const busy = 32

// Run measures everything and returns the report. A request that fails ends the run: a figure
// with failures in it is none. What was measured before is in the report all the same.
func Run(ctx context.Context, o Options) (Report, error) {
	r := &run{o: o, report: Report{Machine: thisMachine(o), Each: o.Each}}
	err := r.all(ctx)
	r.report.Machine.LoadAfter = loadAverage()
	judge(r.report.Figures)
	return r.report, err
}

type run struct {
	o      Options
	report Report

	engine string          // under measurement
	http   map[int]float64 // net/http's limit, by connections
	bare   map[int]float64 // the database's limit, by connections
}

// add takes a figure into the report.
func (r *run) add(f Figure) {
	f.Engine = r.engine
	r.report.Figures = append(r.report.Figures, f)
	if r.o.Progress != nil {
		r.o.Progress(f)
	}
}

func (r *run) all(ctx context.Context) error {
	if r.o.Hold {
		if _, err := hold(nil); err != nil { // before half an hour has passed
			return err
		}
	}
	dir, err := os.MkdirTemp(r.o.Dir, "chorsu-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := r.machineLimits(ctx, dir); err != nil {
		return err
	}
	if r.o.SQLite {
		err = r.onEngine(ctx, "SQLite", func(_ context.Context, name string) (string, func(context.Context) error, error) {
			path := filepath.Join(dir, name+".db")
			return "sqlite:" + path, func(context.Context) error {
				return errors.Join(os.RemoveAll(path), os.RemoveAll(path+"-wal"), os.RemoveAll(path+"-shm"))
			}, nil
		})
	}
	if r.o.Postgres != "" && err == nil {
		err = r.onEngine(ctx, "PostgreSQL", func(ctx context.Context, name string) (string, func(context.Context) error, error) {
			return bare.CreateDatabase(ctx, r.o.Postgres, fmt.Sprintf("chorsu_bench_%d_%s", os.Getpid(), name))
		})
	}
	return err
}

// makeDatabase makes an empty database of that name, and gives what removes it.
type makeDatabase func(ctx context.Context, name string) (dsn string, remove func(context.Context) error, err error)

// onEngine measures everything on one engine, each part on a database of its own.
func (r *run) onEngine(ctx context.Context, engine string, newDB makeDatabase) error {
	r.engine = engine
	for _, part := range []struct {
		name    string
		measure func(context.Context, string) error
		left    bool // out
	}{
		{"limit", r.databaseLimits, r.o.Reading},
		{"flows", r.flows, r.o.Reading},
		{"processes", r.processes, r.o.Reading || engine == "SQLite" || r.o.Program == "" || len(r.o.Processes) == 0},
		{"history", r.history, false},
	} {
		if part.left {
			continue
		}
		err := func() (err error) {
			dsn, remove, err := newDB(ctx, part.name)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, remove(context.WithoutCancel(ctx))) }()
			if err := migrate(ctx, dsn); err != nil {
				return err
			}
			return part.measure(ctx, dsn)
		}()
		if err != nil {
			return fmt.Errorf("%s, %s: %w", engine, part.name, err)
		}
	}
	return nil
}

func migrate(ctx context.Context, dsn string) error {
	s, err := store.Open(ctx, dsn, store.Options{})
	if err != nil {
		return err
	}
	_, err = s.Up(ctx)
	return errors.Join(err, s.Close())
}

// flows measures what writes, in the order of a payment's life.
func (r *run) flows(ctx context.Context, dsn string) error {
	s, err := newStreet()
	if err != nil {
		return err
	}
	defer s.close()
	for _, measure := range []func(context.Context, string, *street) error{
		r.invoices, r.footprint, r.providers, r.merchants, r.deliveries, r.latency,
	} {
		if err := measure(ctx, dsn, s); err != nil {
			return err
		}
	}
	return nil
}
