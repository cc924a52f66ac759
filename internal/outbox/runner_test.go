package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Time in these tests is synctest's: it stands still while anything runs, and jumps to the next
// timer when everything waits. So times are exact, and nothing depends on the machine's speed.

// started is a runner at work.
type started struct {
	stop func()
	err  chan error
}

func start(t *testing.T, q Queue, handlers map[string]Handler, o Options) *started {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &started{stop: cancel, err: make(chan error, 1)}
	r := NewRunner(q, handlers, o)
	go func() { s.err <- r.Run(ctx) }()
	return s
}

// end stops the runner and returns what Run returned.
func (s *started) end() error {
	s.stop()
	return <-s.err
}

// after is how much time has passed since began.
func after(began time.Time) time.Duration { return time.Since(began) }

// Work that is due runs at once; later work at its time, not before and not after.
func TestDueTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, began := newMemory(), time.Now()
		ran := map[string]time.Duration{}
		var mu sync.Mutex
		for subject, wait := range map[string]time.Duration{"now": 0, "soon": 1500 * time.Millisecond, "later": 7 * time.Minute, "past": -time.Hour} {
			m.Enqueue("k", subject, subject, began.Add(wait))
		}
		s := start(t, m, map[string]Handler{"k": func(_ context.Context, w Work) error {
			mu.Lock()
			ran[w.Subject] = after(began)
			mu.Unlock()
			_, err := m.Finish(w, time.Now())
			return err
		}}, Options{})
		time.Sleep(10 * time.Minute)
		if err := s.end(); err != nil {
			t.Error(err)
		}
		want := map[string]time.Duration{"now": 0, "past": 0, "soon": 1500 * time.Millisecond, "later": 7 * time.Minute}
		if !maps.Equal(ran, want) {
			t.Errorf("ran at %v, want %v", ran, want)
		}
	})
}

// Work that is written while the runner sleeps runs at once, by its wake-up.
func TestWakeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var ranAt time.Time
		s := start(t, m, map[string]Handler{"k": func(_ context.Context, w Work) error {
			ranAt = time.Now()
			_, err := m.Finish(w, ranAt)
			return err
		}}, Options{})
		time.Sleep(1234567 * time.Microsecond)
		wrote := time.Now()
		m.Enqueue("k", "s", "l", wrote)
		synctest.Wait()
		if !ranAt.Equal(wrote) {
			t.Errorf("ran %v after it was written", ranAt.Sub(wrote))
		}
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
}

// A wake-up that was lost, or another process that died with work leased, costs seconds and not
// for ever.
func TestMissedWakeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		done := make(chan time.Time, 1)
		s := start(t, m, map[string]Handler{"k": func(_ context.Context, w Work) error {
			done <- time.Now()
			_, err := m.Finish(w, time.Now())
			return err
		}}, Options{})
		time.Sleep(time.Second)
		m.setMute(true)
		wrote := time.Now()
		m.Enqueue("k", "s", "l", wrote)
		if waited := (<-done).Sub(wrote); waited > idle {
			t.Errorf("found after %v, want at most %v", waited, idle)
		}
		s.end()
	})
}

// An idle runner asks for work every few seconds, not all the time.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.Enqueue("k", "tomorrow", "l", time.Now().Add(24*time.Hour))
		s := start(t, m, nil, Options{})
		time.Sleep(time.Hour)
		s.end()
		if n := m.claimCount(); n > int(time.Hour/idle)+5 {
			t.Errorf("%d claims in an idle hour", n)
		}
	})
}

// What comes at every moment is found by a look now and then, which takes it all, and not by one
// for each: nor for each that ends, where nothing waited for its room. What comes alone is found at once.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var mu sync.Mutex
		longest, n := time.Duration(0), 0
		hung := make(chan struct{})
		s := start(t, m, map[string]Handler{"hangs": func(_ context.Context, w Work) error {
			<-hung
			_, err := m.Finish(w, time.Now())
			return err
		}, "k": func(_ context.Context, w Work) error {
			mu.Lock()
			longest, n = max(longest, time.Since(w.DueAt)), n+1
			mu.Unlock()
			time.Sleep(time.Millisecond)
			_, err := m.Finish(w, time.Now())
			return err
		}}, Options{})
		for i := range 20 { // a lane that is full all the time
			m.Enqueue("hangs", fmt.Sprint(i), "hung", time.Now())
		}
		time.Sleep(time.Second)
		began := m.claimCount()
		for i := range 1000 {
			m.Enqueue("k", fmt.Sprint(i), fmt.Sprint("lane", i%10), time.Now())
			time.Sleep(time.Millisecond)
		}
		time.Sleep(pace)
		mu.Lock()
		defer mu.Unlock()
		looks := m.claimCount() - began
		if n != 1000 || longest > pace || looks > int(time.Second/pace)+2 {
			t.Errorf("%d pieces of work in %d looks, the slowest begun after %v", n, looks, longest)
		}
		longest, began = 0, m.claimCount()
		mu.Unlock()
		time.Sleep(time.Second)
		m.Enqueue("k", "alone", "l", time.Now())
		time.Sleep(time.Second)
		mu.Lock()
		if looks := m.claimCount() - began; n != 1001 || longest != 0 || looks > 4 { // one each second is for the full lane
			t.Errorf("alone: begun after %v, in %d looks", longest, looks)
		}
		close(hung)
		s.end()
	})
}

// One receiver that hangs, with 10,000 messages due, takes its share of the workers and no
// more: all others' work runs at once.
func TestHungLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, began := newMemory(), time.Now()
		for i := range 10_000 {
			m.Enqueue("k", fmt.Sprint("hung", i), "hung.example.uz", began.Add(-time.Hour))
		}
		for i := range 50 {
			m.Enqueue("k", fmt.Sprint("good", i), fmt.Sprint("shop", i, ".example.uz"), began)
		}
		var mu sync.Mutex
		now, most, good := map[string]int{}, map[string]int{}, 0
		s := start(t, m, map[string]Handler{"k": func(ctx context.Context, w Work) error {
			mu.Lock()
			now[w.Lane]++
			most[w.Lane] = max(most[w.Lane], now[w.Lane])
			mu.Unlock()
			defer func() { mu.Lock(); now[w.Lane]--; mu.Unlock() }()
			if w.Lane == "hung.example.uz" {
				<-ctx.Done()
				return ctx.Err()
			}
			mu.Lock()
			good++
			mu.Unlock()
			_, err := m.Finish(w, time.Now())
			return err
		}}, Options{Workers: 64, PerLane: 4})
		synctest.Wait()
		mu.Lock()
		if good != 50 || after(began) != 0 {
			t.Errorf("%d of 50 others ran after %v", good, after(began))
		}
		mu.Unlock()
		time.Sleep(10 * time.Second)
		// Work that falls due while the lane is full is not hidden by what is due there.
		m.Enqueue("k", "late", "late.example.uz", time.Now())
		synctest.Wait()
		mu.Lock()
		if good != 51 {
			t.Error("work behind a full lane waits")
		}
		if most["hung.example.uz"] != 4 {
			t.Errorf("the hung lane had %d workers, want 4", most["hung.example.uz"])
		}
		mu.Unlock()
		if n := m.claimCount(); n > 100 {
			t.Errorf("%d claims in ten seconds: the runner spins on a full lane", n)
		}
		s.end()
	})
}

// Never more runs at once than there are workers, and with a backlog never less.
func TestWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, began := newMemory(), time.Now()
		for i := range 100 {
			m.Enqueue("k", fmt.Sprint(i), fmt.Sprint(i), began)
		}
		var mu sync.Mutex
		running, most := 0, 0
		s := start(t, m, map[string]Handler{"k": func(_ context.Context, w Work) error {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			_, err := m.Finish(w, time.Now())
			return err
		}}, Options{Workers: 10, Batch: 3})
		time.Sleep(10*time.Second - time.Millisecond)
		if m.left() == 0 {
			t.Error("ten workers did 100 seconds of work in less than ten")
		}
		time.Sleep(2 * time.Millisecond)
		if m.left() != 0 || most != 10 {
			t.Errorf("%d left after ten seconds; at most %d ran at once, want 10", m.left(), most)
		}
		s.end()
	})
}

// A handler that fails or panics harms nothing else; its work comes again when the lease ends.
func TestFailingHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, began := newMemory(), time.Now()
		var log bytes.Buffer
		tries := map[string][]time.Duration{}
		var mu sync.Mutex
		failing := func(fail func() error) Handler {
			return func(_ context.Context, w Work) error {
				mu.Lock()
				tries[w.Kind] = append(tries[w.Kind], after(began))
				n := len(tries[w.Kind])
				mu.Unlock()
				if w.Attempts != n-1 {
					t.Errorf("%s: try %d says that there were %d before", w.Kind, n, w.Attempts)
				}
				if n < 3 {
					return fail()
				}
				_, err := m.Finish(w, time.Now())
				return err
			}
		}
		for _, kind := range []string{"fails", "panics", "quits"} {
			m.Enqueue(kind, "s", kind, began)
		}
		s := start(t, m, map[string]Handler{
			"fails":  failing(func() error { return errors.New("the reason") }),
			"panics": failing(func() error { panic("the reason") }),
			"quits":  failing(func() error { runtime.Goexit(); return nil }),
		}, Options{Lease: 30 * time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		time.Sleep(2 * time.Minute)
		if err := s.end(); err != nil {
			t.Error(err)
		}
		for kind, at := range tries {
			if !slices.Equal(at, []time.Duration{0, 30 * time.Second, time.Minute}) {
				t.Errorf("%s was tried at %v", kind, at)
			}
		}
		if m.left() != 0 || len(tries) != 3 {
			t.Errorf("%d left, tries %v", m.left(), tries)
		}
		if n := strings.Count(log.String(), "the reason"); n != 4 {
			t.Errorf("the reason is logged %d times, want 4:\n%s", n, log.String())
		}
	})
}

// A handler's context ends with its lease: after that somebody else may have the work.
func TestContextEndsWithLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, began := newMemory(), time.Now()
		m.Enqueue("k", "s", "l", began)
		var cut time.Duration
		var finished bool
		s := start(t, m, map[string]Handler{"k": func(ctx context.Context, w Work) error {
			if w.Attempts == 0 {
				<-ctx.Done()
				cut = after(began)
				time.Sleep(time.Second) // it notices late, and somebody else has begun
				ok, err := m.Finish(w, time.Now())
				if ok {
					t.Error("work was finished under a lease that had ended")
				}
				return err
			}
			time.Sleep(5 * time.Second)
			ok, err := m.Finish(w, time.Now())
			finished = ok
			return err
		}}, Options{Lease: 20 * time.Second})
		time.Sleep(time.Minute)
		s.end()
		if cut != 20*time.Second || !finished {
			t.Errorf("the context ended after %v, want 20 s; finished by the second: %v", cut, finished)
		}
	})
}

// A kind that this version does not know is left alone, loudly, and does not stop the others.
func TestUnknownKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var log bytes.Buffer
		m.Enqueue("from the future", "s", "l", time.Now())
		m.Enqueue("k", "s", "l", time.Now())
		s := start(t, m, map[string]Handler{"k": func(_ context.Context, w Work) error {
			_, err := m.Finish(w, time.Now())
			return err
		}}, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		time.Sleep(45 * time.Second)
		s.end()
		if m.left() != 1 || strings.Count(log.String(), "from the future") != 2 {
			t.Errorf("%d left; log:\n%s", m.left(), log.String())
		}
	})
}

// The database goes away and comes back: it is said once each way, tried again more and more
// slowly, and all work is done in the end.
func TestQueueDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var log bytes.Buffer
		s := start(t, m, map[string]Handler{"k": func(_ context.Context, w Work) error {
			_, err := m.Finish(w, time.Now())
			return err
		}}, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		time.Sleep(time.Second)
		m.setDown(errDown)
		began := m.claimCount()
		for i := range 1000 { // wake-ups must not shorten the wait
			m.Enqueue("k", fmt.Sprint(i), "l", time.Now())
			time.Sleep(600 * time.Millisecond)
		}
		tries := m.claimCount() - began
		if tries < 50 || tries > 80 {
			t.Errorf("%d tries in ten minutes of a broken queue", tries)
		}
		m.setDown(nil)
		time.Sleep(lastBack + time.Second)
		s.end()
		if m.left() != 0 {
			t.Errorf("%d left", m.left())
		}
		text := log.String()
		if strings.Count(text, "database down") != 1 || strings.Count(text, "works again") != 1 {
			t.Errorf("log:\n%s", text)
		}
	})
}

// A stop lets running work end, claims nothing more, and leaves nothing leased.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		for i := range 10 {
			m.Enqueue("k", fmt.Sprint(i), "l", time.Now())
		}
		s := start(t, m, map[string]Handler{"k": func(ctx context.Context, w Work) error {
			select {
			case <-ctx.Done():
				t.Error("running work was cut off")
			case <-time.After(10 * time.Second):
			}
			_, err := m.Finish(w, time.Now())
			return err
		}}, Options{Workers: 4, PerLane: 4})
		time.Sleep(time.Second)
		began := time.Now()
		if err := s.end(); err != nil {
			t.Error(err)
		}
		if took := after(began); took != 9*time.Second {
			t.Errorf("the stop took %v, want the 9 s that running work needed", took)
		}
		if m.left() != 6 || m.leased() != 0 {
			t.Errorf("%d left, %d leased; want 6 and 0", m.left(), m.leased())
		}
	})
}

// Work that hears of the end of its context after the grace stops then, and Run is content; work
// that does not is counted, and its lease ends by itself.
func TestStopCutsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.Enqueue("hears", "s", "a", time.Now())
		s := start(t, m, map[string]Handler{"hears": func(ctx context.Context, w Work) error {
			<-ctx.Done()
			return ctx.Err()
		}}, Options{Lease: time.Hour, Grace: 5 * time.Second})
		time.Sleep(time.Second)
		began := time.Now()
		if err := s.end(); err != nil || after(began) != 5*time.Second {
			t.Errorf("%v after %v", err, after(began))
		}

		m = newMemory()
		m.Enqueue("deaf", "s", "a", time.Now())
		release := make(chan struct{})
		s = start(t, m, map[string]Handler{"deaf": func(ctx context.Context, w Work) error {
			<-release
			return nil
		}}, Options{Lease: time.Hour, Grace: 5 * time.Second})
		time.Sleep(time.Second)
		began = time.Now()
		if err := s.end(); err == nil || !strings.Contains(err.Error(), "1 pieces of work") || after(began) != 5*time.Second+farewell {
			t.Errorf("%v after %v", err, after(began))
		}
		close(release) // its goroutine ends, though nobody waits for it any more
	})
}

// A stop in the middle of a claim hands back what the claim brings, so that others may take it at
// once and not when the lease ends.
func TestStopWhileClaiming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.Enqueue("k", "s", "l", time.Now())
		var s *started
		ready := make(chan struct{})
		m.before = func() { <-ready; s.stop() }
		s = start(t, m, map[string]Handler{"k": func(context.Context, Work) error {
			t.Error("work began after the stop")
			return nil
		}}, Options{})
		close(ready)
		if err := s.end(); err != nil {
			t.Error(err)
		}
		if m.left() != 1 || m.leased() != 0 {
			t.Errorf("%d left, %d leased; want 1 and 0", m.left(), m.leased())
		}
	})
}

func TestSweeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		ran := map[string][]time.Duration{}
		note := func(name string) int {
			mu.Lock()
			defer mu.Unlock()
			ran[name] = append(ran[name], after(began))
			return len(ran[name])
		}
		var log bytes.Buffer
		s := start(t, newMemory(), nil, Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Sweeps: []Sweep{
			{Name: "regular", Every: time.Minute, Run: func(context.Context) (time.Time, error) {
				note("regular")
				return time.Time{}, nil
			}},
			{Name: "sooner", Every: time.Minute, Run: func(context.Context) (time.Time, error) {
				note("sooner")
				return time.Now().Add(25 * time.Second), nil
			}},
			{Name: "later", Every: time.Minute, Run: func(context.Context) (time.Time, error) {
				note("later")
				return time.Now().Add(time.Hour), nil // Every is the longest
			}},
			{Name: "more", Every: time.Hour, Run: func(context.Context) (time.Time, error) {
				if note("more") < 3 {
					return time.Now(), nil
				}
				return time.Time{}, nil
			}},
			{Name: "broken", Every: time.Minute, Run: func(context.Context) (time.Time, error) {
				if note("broken") < 4 {
					panic("the reason")
				}
				return time.Time{}, nil
			}},
		}})
		time.Sleep(2*time.Minute + 10*time.Second)
		if err := s.end(); err != nil {
			t.Error(err)
		}
		s0, ms := time.Second, time.Millisecond
		want := map[string][]time.Duration{
			"regular": {0, 60 * s0, 120 * s0},
			"sooner":  {0, 25 * s0, 50 * s0, 75 * s0, 100 * s0, 125 * s0},
			"later":   {0, 60 * s0, 120 * s0},
			"more":    {0, 10 * ms, 20 * ms},
			"broken":  {0, 100 * ms, 300 * ms, 700 * ms, 700*ms + 60*s0, 700*ms + 120*s0},
		}
		for name, at := range want {
			if !slices.Equal(ran[name], at) {
				t.Errorf("%s ran at %v, want %v", name, ran[name], at)
			}
		}
		if strings.Count(log.String(), "the reason") != 1 || strings.Count(log.String(), "broken works again") != 1 {
			t.Errorf("log:\n%s", log.String())
		}
	})
}

// A sweep that runs when the stop comes may end, as work may.
func TestStopWaitsForSweeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		s := start(t, newMemory(), nil, Options{Sweeps: []Sweep{{Name: "slow", Every: time.Hour, Run: func(ctx context.Context) (time.Time, error) {
			time.Sleep(10 * time.Second)
			ended = ctx.Err() == nil
			return time.Time{}, nil
		}}}})
		time.Sleep(time.Second)
		if err := s.end(); err != nil || !ended {
			t.Errorf("%v; ended in peace: %v", err, ended)
		}
	})
}

// RunDue does all that is due and all that becomes due by it, in order, and nothing else.
func TestRunDue(t *testing.T) {
	m := newMemory()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	m.Enqueue("k", "b", "l", now.Add(-time.Second))
	m.Enqueue("k", "a", "l", now.Add(-time.Minute))
	m.Enqueue("k", "tomorrow", "l", now.Add(time.Nanosecond))
	var order []string
	r := NewRunner(m, map[string]Handler{"k": func(_ context.Context, w Work) error {
		order = append(order, w.Subject)
		if w.Subject == "b" {
			m.Enqueue("k", "c", "l", now)
		}
		_, err := m.Finish(w, now)
		return err
	}, "fails": func(context.Context, Work) error { return errors.New("the reason") }}, Options{Now: func() time.Time { return now }})
	if n, err := r.RunDue(t.Context()); n != 3 || err != nil || !slices.Equal(order, []string{"a", "b", "c"}) {
		t.Errorf("%d, %v, %v", n, err, order)
	}
	m.Enqueue("fails", "s", "l", now)
	m.Enqueue("k", "d", "l", now)
	if n, err := r.RunDue(t.Context()); n != 2 || err == nil || !strings.Contains(err.Error(), "fails s: the reason") || order[len(order)-1] != "d" {
		t.Errorf("%d, %v, %v", n, err, order)
	}
	m.setDown(errDown)
	if _, err := r.RunDue(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("%v, want the queue's error", err)
	}
}

// Work that makes itself due again at once would keep a test for ever.
func TestRunDueEnds(t *testing.T) {
	m := newMemory()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	m.Enqueue("k", "s", "l", now)
	r := NewRunner(m, map[string]Handler{"k": func(_ context.Context, w Work) error {
		_, err := m.Retry(w, now)
		return err
	}}, Options{Now: func() time.Time { return now }, Sweeps: []Sweep{{Name: "endless", Run: func(context.Context) (time.Time, error) { return now, nil }}}})
	if n, err := r.RunDue(t.Context()); n != settleMax || err == nil {
		t.Errorf("%d, %v", n, err)
	}
	if err := r.RunSweeps(t.Context()); err == nil || !strings.Contains(err.Error(), "endless") {
		t.Errorf("%v", err)
	}
}

func TestRunSweeps(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	left := 3
	sweeps := []Sweep{
		{Name: "in parts", Run: func(context.Context) (time.Time, error) {
			if left--; left > 0 {
				return now, nil
			}
			return now.Add(time.Minute), nil
		}},
		{Name: "broken", Run: func(context.Context) (time.Time, error) { return time.Time{}, errDown }},
	}
	r := NewRunner(newMemory(), nil, Options{Now: func() time.Time { return now }, Sweeps: sweeps})
	if err := r.RunSweeps(t.Context()); !errors.Is(err, errDown) || left != 0 {
		t.Errorf("%v, %d left", err, left)
	}
}
