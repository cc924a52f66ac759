package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// Handler does one piece of work and keeps the books itself: in its own transaction it finishes
// the work or sets it to a later time, together with what the work changed, under the lease that
// w carries. Its context ends with the lease.
//
// Where it returns an error or panics, the runner logs that and does nothing: unless the handler has
// set the work to a later time, the lease ends by itself, and the work is claimed again. Work may therefore be begun more than once, and a
// handler must bear that.
type Handler func(ctx context.Context, w Work) error

// Sweep is what is done from time to time and is nobody's row: expiry, pruning, flushing.
type Sweep struct {
	Name  string
	Every time.Duration // the longest time between two runs

	// Run does a part that is small enough for one transaction or a few, and returns when it
	// wants to run again; zero, or later than Every from now: after Every. A time that has come
	// already means that more is to be done at once.
	Run func(ctx context.Context) (next time.Time, err error)
}

// Options of a runner; each zero value means its default.
type Options struct {
	Workers int              // how much work runs at a time; default 256: most of it waits for others
	PerLane int              // of it, how much in one lane; default 8
	Batch   int              // how much is claimed at a time; default 128: of sixteen lanes all that they can carry
	Lease   time.Duration    // how long a claim holds; default 30 s: longer than any call's deadline
	Grace   time.Duration    // how long running work may go on after a stop; default 25 s
	Now     func() time.Time // what is due, and which lease has ended; default time.Now
	Logger  *slog.Logger     // default slog.Default()
	Sweeps  []Sweep
}

// How the runner waits. These are real time, whatever Now says.
const (
	idle      = 5 * time.Second        // the longest wait: finds leases of processes that died, and missed wake-ups
	pace      = 5 * time.Millisecond   // between two looks, while more comes at every moment: one look finds it all
	crowded   = time.Second            // while due work stands behind full lanes, and could hide other due work
	contended = 100 * time.Millisecond // while others claim what we see
	firstBack = 100 * time.Millisecond // after the queue failed, doubling
	lastBack  = 10 * time.Second
	farewell  = 2 * time.Second // for work that was cut off after the grace, to notice
	minSweep  = 10 * time.Millisecond
	settleMax = 100_000 // pieces of work in one RunDue
)

// Runner claims work and hands it to the handler of its kind.
type Runner struct {
	queue    Queue
	handlers map[string]Handler
	o        Options
}

// NewRunner returns a runner of the given kinds of work. Work of another kind, which a newer
// version may have written, is claimed, logged and left to its lease.
func NewRunner(q Queue, handlers map[string]Handler, o Options) *Runner {
	if o.Workers == 0 {
		o.Workers = 256
	}
	if o.PerLane == 0 {
		o.PerLane = 8
	}
	if o.Batch == 0 {
		o.Batch = 128
	}
	if o.Lease == 0 {
		o.Lease = 30 * time.Second
	}
	if o.Grace == 0 {
		o.Grace = 25 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Runner{queue: q, handlers: handlers, o: o}
}

// Run claims and runs work until ctx ends. Then it claims nothing more, lets running work go on
// for the grace, cuts off what still runs by ending its context, and returns: nil, or an error
// that counts the work which did not even then return.
//
// A queue that fails is tried again, more and more slowly, for ever; that it fails is logged
// once, and so is that it works again.
func (r *Runner) Run(ctx context.Context) error {
	// Work outlives ctx by the grace, so its context is another.
	working, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()

	d := &dispatcher{
		Runner:  r,
		working: working,
		lanes:   map[string]int{},
		// Room for all, so that work which returns after Run gave up on it does not wait for ever.
		done: make(chan string, r.o.Workers),
	}
	var sweeps sync.WaitGroup
	for _, s := range r.o.Sweeps {
		sweeps.Go(func() { r.sweepUntil(ctx, working, s) })
	}
	d.dispatch(ctx)

	swept := make(chan struct{})
	go func() { sweeps.Wait(); close(swept) }()
	if d.drain(r.o.Grace, swept) {
		return nil
	}
	cut()
	if d.drain(farewell, swept) {
		return nil
	}
	return fmt.Errorf("outbox: %d pieces of work did not stop; their leases will end", d.running)
}

// dispatcher is one Run: only its own goroutine touches the counts.
type dispatcher struct {
	*Runner
	working context.Context
	running int
	lanes   map[string]int // how much runs in each lane; no zeros
	done    chan string    // the lane of work that has ended
}

// dispatch claims until ctx ends.
func (d *dispatcher) dispatch(ctx context.Context) {
	var h health
	deaf := make(chan struct{}) // for who waits and listens to no wake-ups
	for ctx.Err() == nil {
		began := time.Now()
		wait, err := d.look(ctx)
		h.report(d.o.Logger, "the outbox's queue", err)
		if err != nil {
			d.wait(ctx, h.backoff(), nil)
			continue
		}
		if wait > 0 {
			if room := d.wait(ctx, wait, d.queue.Wakes()); !room {
				d.wait(ctx, pace-time.Since(began), deaf)
			}
		}
		d.collect()
	}
}

// look claims what it can, starts it, and says how long nothing more will fall due: 0 when more
// may be there already. Wake-ups shorten that, and so does work that ends where it makes room.
func (d *dispatcher) look(ctx context.Context) (wait time.Duration, err error) {
	n := min(d.o.Batch, d.o.Workers-d.running)
	if n == 0 {
		return idle, nil
	}
	free := make(map[string]int, len(d.lanes))
	for lane, running := range d.lanes {
		free[lane] = max(d.o.PerLane-running, 0)
	}
	// A claim that is broken off may have been committed, and its work would lie until the lease
	// ends. So a stop lets it come back, and hands over what it brings.
	calm, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.o.Lease/3)
	defer cancel()
	now := d.o.Now()
	work, next, err := d.queue.Claim(calm, now, d.o.Lease, n, d.o.PerLane, free)
	if err != nil {
		return 0, fmt.Errorf("claim: %w", err)
	}
	if ctx.Err() != nil {
		if err := d.queue.HandBack(calm, now, work); err != nil {
			d.o.Logger.Warn("claimed work was not handed back; its leases will end", "work", len(work), "error", err)
		}
		return 0, nil
	}
	for _, w := range work {
		d.start(w)
	}
	switch {
	case len(work) == n:
		return 0, nil
	case next.IsZero():
		return idle, nil
	case next.After(now):
		return min(max(next.Sub(d.o.Now()), 0), idle), nil
	case d.crowded():
		return crowded, nil
	}
	return contended, nil
}

// crowded says whether a lane is full: due work may stand there that could not be claimed.
func (d *dispatcher) crowded() bool {
	for _, running := range d.lanes {
		if running >= d.o.PerLane {
			return true
		}
	}
	return false
}

// start runs w in a goroutine of its own, which always reports its end.
func (d *dispatcher) start(w Work) {
	d.running++
	d.lanes[w.Lane]++
	go func() {
		defer func() { d.done <- w.Lane }()
		if err := d.do(d.working, w); err != nil {
			d.o.Logger.Error("work failed; it is tried again",
				"kind", w.Kind, "subject", w.Subject, "lane", w.Lane, "work", w.ID, "attempts", w.Attempts, "error", err)
		}
	}()
}

// do runs w's handler until its lease ends, and turns a panic into an error.
func (r *Runner) do(ctx context.Context, w Work) (err error) {
	handle, ok := r.handlers[w.Kind]
	if !ok {
		return errors.New("this version knows no such kind of work")
	}
	left := r.o.Lease
	if !w.LeaseUntil.IsZero() {
		left = w.LeaseUntil.Sub(r.o.Now())
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	defer recovered(&err)
	return handle(ctx, w)
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// ended counts work that has ended, and says whether others may have waited for its room.
func (d *dispatcher) ended(lane string) (room bool) {
	room = d.running >= d.o.Workers || d.lanes[lane] >= d.o.PerLane
	d.running--
	if d.lanes[lane]--; d.lanes[lane] == 0 {
		delete(d.lanes, lane)
	}
	return room
}

// collect counts all that has ended, without waiting.
func (d *dispatcher) collect() {
	for {
		select {
		case lane := <-d.done:
			d.ended(lane)
		default:
			return
		}
	}
}

// wait returns after so long, or when ctx ends. With wakes it also returns when one comes, or when
// room is made: which of them it was is its result. Without, while the queue is broken, it only counts
// what ends.
func (d *dispatcher) wait(ctx context.Context, long time.Duration, wakes <-chan struct{}) (room bool) {
	if long <= 0 {
		return false
	}
	timer := time.NewTimer(long)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return false
		case <-wakes:
			return false
		case lane := <-d.done:
			if d.ended(lane) && wakes != nil {
				return true
			}
		}
	}
}

// drain waits until nothing runs and the sweeps have stopped; false when it took too long.
func (d *dispatcher) drain(long time.Duration, swept <-chan struct{}) bool {
	timer := time.NewTimer(long)
	defer timer.Stop()
	for d.running > 0 || swept != nil {
		select {
		case <-timer.C:
			return false
		case <-swept:
			swept = nil
		case lane := <-d.done:
			d.ended(lane)
		}
	}
	return true
}

// sweepUntil runs one sweep, from time to time, until ctx ends.
func (r *Runner) sweepUntil(ctx, working context.Context, s Sweep) {
	var h health
	for ctx.Err() == nil {
		next, err := sweepOnce(working, s)
		h.report(r.o.Logger, s.Name, err)
		wait := s.Every
		if err != nil {
			wait = min(wait, h.backoff())
		} else if !next.IsZero() {
			wait = min(wait, max(next.Sub(r.o.Now()), minSweep))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

func sweepOnce(ctx context.Context, s Sweep) (next time.Time, err error) {
	defer recovered(&err)
	return s.Run(ctx)
}

// RunDue claims and runs all work that is due now, one piece after the other, until there is
// none, and returns how much it was. It is for tests and for the bench, where the clock stands
// still. The error is the queue's, or joins those of the handlers.
func (r *Runner) RunDue(ctx context.Context) (n int, err error) {
	var failed []error
	for ; n < settleMax; n++ {
		work, _, err := r.queue.Claim(ctx, r.o.Now(), r.o.Lease, 1, 1, nil)
		if err != nil {
			return n, fmt.Errorf("outbox: claim: %w", err)
		}
		if len(work) == 0 {
			return n, errors.Join(failed...)
		}
		w := work[0]
		if err := r.do(ctx, w); err != nil {
			failed = append(failed, fmt.Errorf("outbox: %s %s: %w", w.Kind, w.Subject, err))
		}
	}
	return n, fmt.Errorf("outbox: still work due after %d pieces: something sets itself due at once", n)
}

// RunSweeps runs each sweep until it has nothing more to do now. Like RunDue it is for tests and
// for the bench.
func (r *Runner) RunSweeps(ctx context.Context) error {
	for _, s := range r.o.Sweeps {
		for again := 0; ; again++ {
			next, err := sweepOnce(ctx, s)
			if err != nil {
				return fmt.Errorf("outbox: %s: %w", s.Name, err)
			}
			if next.IsZero() || next.After(r.o.Now()) {
				break
			}
			if again == settleMax {
				return fmt.Errorf("outbox: %s does not come to an end", s.Name)
			}
		}
	}
	return nil
}

// health says once that something fails and once that it works again, and how long to wait
// before it is tried again.
type health struct {
	failures int
	since    time.Time
}

func (h *health) report(log *slog.Logger, what string, err error) {
	switch {
	case err != nil && h.failures == 0:
		h.since = time.Now()
		log.Error(what+" fails; it is tried again", "error", err)
		fallthrough
	case err != nil:
		h.failures++
	case h.failures > 0:
		log.Info(what+" works again", "failures", h.failures, "after", time.Since(h.since).Round(time.Millisecond).String())
		h.failures = 0
	}
}

func (h *health) backoff() time.Duration {
	return min(firstBack<<min(max(h.failures-1, 0), 10), lastBack)
}
