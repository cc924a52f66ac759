package bench

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// action is what a caller does over and over; it returns how long that took of it which counts.
type action func(ctx context.Context, caller int) (time.Duration, error)

// timed is an action of which all counts.
func timed(f func(ctx context.Context, caller int) error) action {
	return func(ctx context.Context, caller int) (time.Duration, error) {
		began := time.Now()
		err := f(ctx, caller)
		return time.Since(began), err
	}
}

// sample is what a load measured.
type sample struct {
	count    int
	took     time.Duration
	p50, p99 time.Duration
}

func (s sample) rate() float64 { return float64(s.count) / s.took.Seconds() }

// warm is the part of a load's time that it runs before it counts.
const warm = 5

// closed has so many callers act, each again as soon as it is answered. It runs a fifth of the
// time before it counts, and ends at the first error.
func closed(ctx context.Context, callers int, long time.Duration, do action) (sample, error) {
	if _, err := loop(ctx, callers, long/warm, do); err != nil {
		return sample{}, err
	}
	return loop(ctx, callers, long, do)
}

func loop(ctx context.Context, callers int, long time.Duration, do action) (sample, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	times := make([][]time.Duration, callers)
	var running sync.WaitGroup
	began := time.Now()
	for n := range callers {
		running.Go(func() {
			for time.Since(began) < long && ctx.Err() == nil {
				took, err := do(ctx, n)
				if err != nil {
					cancel(err)
					return
				}
				times[n] = append(times[n], took)
			}
		})
	}
	running.Wait()
	return summary(slices.Concat(times...), time.Since(began)), context.Cause(ctx)
}

// repeat runs do so many times in all, by so many callers.
func repeat(ctx context.Context, callers, count int, do action) (sample, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	all := make([]time.Duration, count)
	var running sync.WaitGroup
	began := time.Now()
	for n := range callers {
		running.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= count {
					return
				}
				var err error
				if all[i], err = do(ctx, n); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	running.Wait()
	return summary(all, time.Since(began)), context.Cause(ctx)
}

// open acts so often a second, whether or not the former have been answered: as buyers do.
func open(ctx context.Context, perSecond int, long time.Duration, do action) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	var running sync.WaitGroup
	for began := time.Now(); time.Since(began) < long && ctx.Err() == nil; {
		select {
		case <-tick.C:
			running.Go(func() {
				if _, err := do(ctx, 0); err != nil {
					cancel(err)
				}
			})
		case <-ctx.Done():
		}
	}
	running.Wait()
	return context.Cause(ctx)
}

func summary(all []time.Duration, took time.Duration) sample {
	slices.Sort(all)
	return sample{count: len(all), took: took, p50: quantile(all, 0.50), p99: quantile(all, 0.99)}
}

// quantile is the smallest of the sorted values that at least the part q of them do not exceed.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(float64(len(sorted))*q+0.999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}
