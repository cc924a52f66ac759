package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chorsu/chorsu/internal/store/bare"
)

// processes is several gateways, each with its worker, on one PostgreSQL: how many payments they
// take together, and what it costs when one of two is killed.
func (r *run) processes(ctx context.Context, dsn string) error {
	s, err := newStreet()
	if err != nil {
		return err
	}
	defer s.close()
	alone := 0.0
	for _, n := range r.o.Processes {
		err := r.several(ctx, dsn, s, n, func(gs []*gateway, m merchant) error {
			var turn atomic.Int64
			f, err := r.paymentsBy(ctx, s, fmt.Sprintf("processes-%d", n), fmt.Sprintf("Payme, %s on one database", counted(n, "process", "processes")),
				func(ctx context.Context) (time.Duration, error) {
					return s.payment(ctx, gs[turn.Add(1)%int64(n)], m)
				})
			if err != nil {
				return err
			}
			if n == 1 {
				alone = f.Value
			} else if alone > 0 {
				f.Note = fmt.Sprintf("%.2f of one alone; %s", f.Value/alone, f.Note)
			}
			r.add(f)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return r.killed(ctx, dsn, s)
}

// several runs f on n gateways, and stops those that still run.
func (r *run) several(ctx context.Context, dsn string, s *street, n int, f func([]*gateway, merchant) error) (err error) {
	var gs []*gateway
	defer func() {
		for _, g := range gs {
			err = errors.Join(err, g.stop())
		}
	}()
	for range n {
		g, err := r.start(ctx, dsn, s, true)
		if err != nil {
			return err
		}
		gs = append(gs, g)
	}
	m, err := s.register(ctx, gs[0], "payme", "one")
	if err != nil {
		return err
	}
	return f(gs, m)
}

// killed kills one of two processes under load, as a power cut would. Its buyers' next requests go
// to the other. What was answered must be there afterwards, once, and told: otherwise there is no
// figure but an error.
func (r *run) killed(ctx context.Context, dsn string, s *street) error {
	return r.several(ctx, dsn, s, 2, func(gs []*gateway, m merchant) error {
		before, err := booksOn(ctx, dsn)
		if err != nil {
			return err
		}
		s.reset()
		s.follow()
		acknowledged := s.paid.Load()
		var turn, failed atomic.Int64
		var dead atomic.Bool
		victim, survivor := gs[0], gs[1]
		pay := func(ctx context.Context, _ int) (time.Duration, error) {
			g := survivor
			if turn.Add(1)%2 == 0 && !dead.Load() {
				g = victim
			}
			took, err := s.payment(ctx, g, m)
			if err != nil && g == victim {
				failed.Add(1)
				return 0, nil
			}
			return took, err
		}
		var striking sync.WaitGroup
		striking.Go(func() {
			select {
			case <-time.After(r.o.Each / 2):
			case <-ctx.Done():
			}
			dead.Store(true) // its buyers notice at once
			victim.kill()
		})
		if _, err := loop(ctx, busy, r.o.Each, pay); err != nil {
			return err
		}
		striking.Wait()
		after, err := r.allDelivered(ctx, dsn, before)
		if err != nil {
			return err
		}
		acknowledged = s.paid.Load() - acknowledged
		events, again, slowest := s.followed()
		const what = "one of 2 processes is killed under load"
		r.add(Figure{What: what + ": requests that were cut off", Connections: busy, Value: float64(failed.Load()), Unit: "requests"})
		r.add(Figure{What: what + ": until the other took over its last webhook", Value: slowest.Seconds(), Unit: "s", Note: "a lease holds for 30 s"})
		r.add(Figure{
			What: what + ": payments that were answered", Value: float64(acknowledged), Unit: "payments",
			Note: fmt.Sprintf("%d are in the database, %d invoices paid twice; %d webhooks for %d events, %d sent once more", after.Paid, after.Twice, events, after.Events, again),
		})
		if after.Paid < acknowledged || after.Paid > acknowledged+failed.Load() || after.Twice != 0 || int64(events) != after.Events {
			return fmt.Errorf("a killed process lost or doubled something: %d payments were answered and %d cut off, %+v, %d webhooks", acknowledged, failed.Load(), after, events)
		}
		return nil
	})
}

// allDelivered waits until no webhook waits, and gives the books since before.
func (r *run) allDelivered(ctx context.Context, dsn string, before bare.Books) (bare.Books, error) {
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		b, err := booksOn(ctx, dsn)
		if err != nil {
			return b, err
		}
		if b.Undelivered == 0 {
			b.Paid, b.Events = b.Paid-before.Paid, b.Events-before.Events
			return b, ctx.Err()
		}
		if time.Since(began) > 2*startTime {
			return b, fmt.Errorf("%d webhooks still wait %s after the load", b.Undelivered, 2*startTime)
		}
	}
}

func booksOn(ctx context.Context, dsn string) (bare.Books, error) {
	db, err := bare.Open(ctx, dsn, 1)
	if err != nil {
		return bare.Books{}, err
	}
	defer db.Close()
	return db.Books(ctx)
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
