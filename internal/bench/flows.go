package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/bare"
)

// The limits' names, as the table tells them.
const (
	limitBare = "plain SQL"
	limitHTTP = "net/http"
)

// What the figures are called that others are measured by.
const (
	whatInvoice = "POST invoice"
	whatPayme   = "Payme: Check, Create, Perform"
	whatHot     = "Payme, one hot merchant"
	whatWaited  = "webhooks that waited, to"
	whatReady   = "start on this database until ready"
	whatIdle    = "memory after the start"
	whatFile    = "the program's file"
)

var whatLatency = fmt.Sprintf("from commit to receiver, %d payments/s", calm)

// measure runs a load, under a profile where one is wanted.
func (r *run) measure(ctx context.Context, name string, callers int, do action) (s sample, err error) {
	err = r.profiled(name, func() (err error) {
		s, err = closed(ctx, callers, r.o.Each, do)
		return err
	})
	return s, err
}

// profiled runs f, under a profile where one is wanted.
func (r *run) profiled(name string, f func() error) (err error) {
	if r.o.Profiles == "" {
		return f()
	}
	file, err := os.Create(filepath.Join(r.o.Profiles, strings.ToLower(r.engine)+"-"+name+".pprof"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}

// invoices is POST invoice, by one business that pays with Payme, whose link asks nobody.
func (r *run) invoices(ctx context.Context, dsn string, s *street) error {
	return r.with(ctx, dsn, s, true, func(g *gateway) error {
		m, err := s.register(ctx, g, "payme", "one")
		if err != nil {
			return err
		}
		for _, n := range r.o.Connections {
			got, err := r.measure(ctx, fmt.Sprintf("invoice-%d", n), n, timed(func(ctx context.Context, _ int) error {
				_, err := s.order(ctx, g, m)
				return err
			}))
			if err != nil {
				return err
			}
			r.add(Figure{What: whatInvoice, Connections: n, Value: got.rate(), Unit: "invoices/s", P50: got.p50, P99: got.p99, Limit: r.bare[n], LimitIs: limitBare})
		}
		return nil
	})
}

// providers is whole payments through the companies that are not measured elsewhere.
func (r *run) providers(ctx context.Context, dsn string, s *street) error {
	return r.with(ctx, dsn, s, true, func(g *gateway) error {
		for _, p := range []struct{ name, messages string }{
			{"click", "Click: Prepare, Complete"},
			{"uzum", "Uzum: check, create, confirm"},
			{"multicard", "Multicard: invoice, success callback"},
		} {
			m, err := s.register(ctx, g, p.name, "one")
			if err != nil {
				return err
			}
			var f Figure
			if p.name == "multicard" { // its invoice is made there too, while the buyer waits
				f, err = r.paymentsBy(ctx, s, p.name, p.messages, func(ctx context.Context) (time.Duration, error) { return s.payment(ctx, g, m) })
			} else {
				f, err = r.payments(ctx, g, s, p.name, p.messages, func() merchant { return m })
			}
			if err != nil {
				return err
			}
			r.add(f)
		}
		return nil
	})
}

// eachSecond is how many payments are measured for each second that a figure is to take.
const eachSecond = 500

// payments measures whole payments of invoices that stand, each of which is told to its app.
func (r *run) payments(ctx context.Context, g *gateway, s *street, name, what string, next func() merchant) (Figure, error) {
	count := max(busy, int(r.o.Each.Seconds()*eachSecond))
	type bill struct {
		merchant
		invoice
	}
	bills := make(chan bill, count+count/warm)
	if _, err := repeat(ctx, busy, cap(bills), timed(func(ctx context.Context, _ int) error {
		m := next()
		inv, err := s.order(ctx, g, m)
		bills <- bill{m, inv}
		return err
	})); err != nil {
		return Figure{}, err
	}
	pay := func(ctx context.Context, _ int) (time.Duration, error) {
		b := <-bills
		return s.pay(ctx, g, b.merchant, b.invoice)
	}
	if _, err := repeat(ctx, busy, count/warm, pay); err != nil {
		return Figure{}, err
	}
	var got sample
	err := r.profiled(name, func() (err error) {
		got, err = repeat(ctx, busy, count, pay)
		return err
	})
	if err != nil {
		return Figure{}, err
	}
	return r.told(ctx, s, what, got)
}

// paymentsBy is payments by whatever makes one, as many as there is time for.
func (r *run) paymentsBy(ctx context.Context, s *street, name, what string, payment func(context.Context) (time.Duration, error)) (Figure, error) {
	got, err := r.measure(ctx, name, busy, func(ctx context.Context, _ int) (time.Duration, error) { return payment(ctx) })
	if err != nil {
		return Figure{}, err
	}
	return r.told(ctx, s, what, got)
}

// told is the figure of payments that were made, once their apps have heard of them.
func (r *run) told(ctx context.Context, s *street, what string, got sample) (Figure, error) {
	behind := s.paid.Load() - s.told.Load()
	began := time.Now()
	if err := s.allTold(ctx); err != nil {
		return Figure{}, err
	}
	return Figure{
		What: what, Connections: busy, Value: got.rate(), Unit: "payments/s", P50: got.p50, P99: got.p99, Limit: r.bare[busy], LimitIs: limitBare,
		Note: fmt.Sprintf("%d webhooks under way at the end, told in %s", behind, time.Since(began).Round(time.Millisecond)),
	}, nil
}

// footprint is Payme's payments, with what they and the program take: start, memory, processor,
// disk. The times are those of the message that decides.
func (r *run) footprint(ctx context.Context, dsn string, s *street) error {
	before, err := sizeOn(ctx, dsn)
	if err != nil {
		return err
	}
	paid := s.paid.Load()
	err = r.with(ctx, dsn, s, true, func(g *gateway) error {
		m, err := s.register(ctx, g, "payme", "one")
		if err != nil {
			return err
		}
		idle := g.memory()
		took := g.processor()
		f, err := r.payments(ctx, g, s, "payme", whatPayme, func() merchant { return m })
		if err != nil {
			return err
		}
		r.add(f)
		took = g.processor() - took
		if g.pid == 0 {
			return nil
		}
		r.add(Figure{What: whatReady, Value: millis(g.ready), Unit: "ms"})
		r.add(Figure{What: whatIdle, Value: float64(idle) / (1 << 20), Unit: "MB"})
		r.add(Figure{What: "memory after those payments", Value: float64(g.memory()) / (1 << 20), Unit: "MB"})
		r.add(Figure{What: "the gateway's processor time for a payment", Value: millis(took) / float64(s.paid.Load()-paid), Unit: "ms", Note: "its invoice and webhook with it, the database's server not"})
		return nil
	})
	if err != nil {
		return err
	}
	if info, err := os.Stat(r.o.Program); err == nil {
		r.add(Figure{What: whatFile, Value: float64(info.Size()) / (1 << 20), Unit: "MB"})
	}
	after, err := sizeOn(ctx, dsn)
	if err != nil {
		return err
	}
	r.add(Figure{What: "disk for a payment", Value: float64(after-before) / 1024 / float64(s.paid.Load()-paid), Unit: "kB", Note: "all its rows and indexes, and the companies' messages"})
	return nil
}

func sizeOn(ctx context.Context, dsn string) (int64, error) {
	db, err := bare.Open(ctx, dsn, 1)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	return db.Size(ctx)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// merchants is one hot merchant that takes all payments, beside many that share them.
func (r *run) merchants(ctx context.Context, dsn string, s *street) error {
	return r.with(ctx, dsn, s, true, func(g *gateway) error {
		all := make([]merchant, r.o.Businesses)
		n := 0
		if _, err := repeat(ctx, 1, len(all), timed(func(ctx context.Context, _ int) (err error) {
			all[n], err = s.register(ctx, g, "payme", fmt.Sprintf("business-%d", n))
			n++
			return err
		})); err != nil {
			return err
		}
		spread := func() merchant { return all[rand.IntN(len(all))] }
		many, err := r.payments(ctx, g, s, "spread", fmt.Sprintf("Payme, %d merchants", len(all)), spread)
		if err != nil {
			return err
		}
		r.add(many)
		hot, err := r.payments(ctx, g, s, "hot", whatHot, func() merchant { return all[0] })
		if err != nil {
			return err
		}
		hot.Limit, hot.LimitIs = many.Value, fmt.Sprintf("%d merchants", len(all))
		r.add(hot)
		return nil
	})
}

// deliveries lets webhooks gather while no worker runs, and then sends them.
func (r *run) deliveries(ctx context.Context, dsn string, s *street) error {
	err := r.with(ctx, dsn, s, false, func(g *gateway) error {
		m, err := s.register(ctx, g, "payme", "one")
		if err != nil {
			return err
		}
		_, err = repeat(ctx, busy, r.o.Backlog, func(ctx context.Context, _ int) (time.Duration, error) { return s.payment(ctx, g, m) })
		return err
	})
	if err != nil {
		return err
	}
	s.reset()
	all := func(*gateway) error { return s.allTold(ctx) }
	if err := r.profiled("deliveries", func() error { return r.with(ctx, dsn, s, true, all) }); err != nil {
		return err
	}
	count, took, _, _ := s.taken()
	if count < 2 || took == 0 {
		return errors.New("the webhooks did not wait for the worker")
	}
	r.add(Figure{What: fmt.Sprintf("%s %d receivers", whatWaited, receivers), Value: float64(count-1) / took.Seconds(), Unit: "deliveries/s", Limit: r.bare[busy], LimitIs: limitBare})
	return nil
}

// calm is how many payments a second the latency of webhooks is measured at.
const calm = 100

// latency is how long a webhook takes, and whether a receiver that hangs holds up the others'.
func (r *run) latency(ctx context.Context, dsn string, s *street) error {
	return r.with(ctx, dsn, s, true, func(g *gateway) error {
		m, err := s.register(ctx, g, "payme", "one")
		if err != nil {
			return err
		}
		pay := func(ctx context.Context, _ int) (time.Duration, error) { return s.payment(ctx, g, m) }
		for _, hanging := range []int64{-1, receivers - 1} {
			s.hanging.Store(hanging)
			s.reset()
			if err := open(ctx, calm, 2*r.o.Each, pay); err != nil {
				return err
			}
			what := whatLatency
			if hanging >= 0 {
				what += fmt.Sprintf(", one of %d receivers hangs", receivers)
			}
			if err := s.allTold(ctx); err != nil {
				return err
			}
			count, took, p50, p99 := s.taken()
			if count == 0 {
				return errors.New("no webhook came")
			}
			r.add(Figure{What: what, Value: float64(count) / took.Seconds(), Unit: "deliveries/s", P50: p50, P99: p99})
		}
		s.hanging.Store(-1)
		close(s.released) // what hangs is answered, so that the gateway can stop
		return nil
	})
}

// history reads from a database in which more and more payments are.
func (r *run) history(ctx context.Context, dsn string) error {
	s, err := newStreet()
	if err != nil {
		return err
	}
	defer s.close()
	first := map[string]float64{}
	filled := 0
	for _, size := range r.o.History {
		release, err := r.fill(ctx, dsn, filled, size)
		if err != nil {
			return err
		}
		filled = size
		err = r.with(ctx, dsn, s, true, func(g *gateway) error { return r.reads(ctx, g, size, first) })
		if err == nil {
			err = r.searches(ctx, dsn, size, first)
		}
		if err = errors.Join(err, release()); err != nil {
			return err
		}
	}
	return nil
}

// fill writes the payments from (included) to to (not), and holds the database's files if asked to.
func (r *run) fill(ctx context.Context, dsn string, from, to int) (release func() error, err error) {
	db, err := bare.Open(ctx, dsn, 1)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := db.Fill(ctx, from, to); err != nil {
		return nil, err
	}
	if !r.o.Hold {
		return func() error { return nil }, nil
	}
	files, err := db.Files(ctx)
	if err != nil {
		return nil, err
	}
	return hold(files)
}

// reads measures each way to read. first are the figures on the smallest history.
func (r *run) reads(ctx context.Context, g *gateway, size int, first map[string]float64) error {
	list := "/api/invoices?source=" + bare.FillSource + "&"
	for _, way := range []struct {
		name string
		path func(i int) string
	}{
		{"GET invoice", func(i int) string { return "/api/invoices/" + bare.FillInvoice(i) }},
		{"list by business", func(i int) string { return list + "businessId=" + bare.FillBusiness(i%bare.FillBusinesses) }},
		{"search by pay number", func(i int) string { return "/api/invoices?payNumber=" + bare.FillPayNumber(i) }},
		{"search by order", func(i int) string { return list + "sourceInvoiceId=" + bare.FillOrder(i) }},
	} {
		got, err := r.measure(ctx, fmt.Sprintf("%s-%d", strings.ReplaceAll(way.name, " ", "-"), size), busy, timed(func(ctx context.Context, _ int) error {
			return g.get(ctx, way.path(rand.IntN(size)), nil)
		}))
		if err != nil {
			return err
		}
		f := r.grown(way.name, size, got, first)
		f.Unit, f.Limit, f.LimitIs = "requests/s", r.http[busy], limitHTTP
		r.add(f)
	}
	return nil
}

// grown is a figure with so many invoices in the database, beside that with the fewest.
func (r *run) grown(name string, size int, got sample, first map[string]float64) Figure {
	f := Figure{What: fmt.Sprintf("%s, %s invoices", name, thousands(size)), Connections: busy, Value: got.rate(), P50: got.p50, P99: got.p99}
	if rate, ok := first[name]; ok {
		f.OfFirst = got.rate() / rate
		f.Note = fmt.Sprintf("%.2f of the figure with %s", f.OfFirst, thousands(r.o.History[0]))
	} else {
		first[name] = got.rate()
	}
	if r.o.Hold {
		f.Note = strings.TrimPrefix(f.Note+"; files held in memory", "; ")
	}
	return f
}

// searches are two of the staff's, asked of the store by itself: their pages are behind a sign-in.
func (r *run) searches(ctx context.Context, dsn string, size int, first map[string]float64) error {
	s, err := store.Open(ctx, dsn, store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer s.Close()
	const shown = 20
	for _, way := range []struct {
		name string
		find func(ctx context.Context, tx *store.Tx, i int) (found int, err error)
	}{
		{"search by provider id", func(ctx context.Context, tx *store.Tx, i int) (int, error) {
			list, err := tx.InvoicesByRef(ctx, bare.FillRef(i), shown)
			return len(list), err
		}},
		{"search by phone tail", func(ctx context.Context, tx *store.Tx, i int) (int, error) {
			list, err := tx.InvoicesByPhoneTail(ctx, bare.FillPhoneTail(i), shown)
			return len(list), err
		}},
	} {
		got, err := r.measure(ctx, fmt.Sprintf("%s-%d", strings.ReplaceAll(way.name, " ", "-"), size), busy, timed(func(ctx context.Context, _ int) error {
			return s.View(ctx, func(ctx context.Context, tx *store.Tx) error {
				found, err := way.find(ctx, tx, rand.IntN(size))
				if err == nil && found == 0 {
					err = errors.New("nothing was found")
				}
				return err
			})
		}))
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		f := r.grown(way.name, size, got, first)
		f.Unit = "searches/s"
		r.add(f)
	}
	return nil
}

// thousands writes a count with spaces between thousands.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s %03d", thousands(n/1000), n%1000)
}
