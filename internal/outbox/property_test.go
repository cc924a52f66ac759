package outbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// ledger checks what two runners on one queue do with each claim.
type ledger struct {
	*memory
	mu       sync.Mutex
	claims   map[string]int // lease and row → claimed, begun or handed back
	running  map[string]int // by runner, and by runner and lane
	problems []string
}

func newLedger() *ledger {
	l := &ledger{memory: newMemory(), claims: map[string]int{}, running: map[string]int{}}
	l.claimed = func(_ time.Time, w Work) { l.settle(w, "claimed", 0) }
	return l
}

func (l *ledger) problem(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

// settle moves a claim on: 0 → claimed; then it is begun or handed back, once.
func (l *ledger) settle(w Work, what string, from int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := w.Lease + " " + w.ID
	if l.claims[key] != from {
		l.problems = append(l.problems, fmt.Sprintf("%s %s: %s, which was settled before", w.Kind, w.Subject, what))
	}
	l.claims[key] = from + 1
}

func (l *ledger) HandBack(ctx context.Context, now time.Time, work []Work) error {
	for _, w := range work {
		l.settle(w, "handed back", 1)
	}
	return l.memory.HandBack(ctx, now, work)
}

// enter and leave count what runs, by name of the runner and of the lane.
func (l *ledger) enter(runner string, w Work, workers, perLane int) {
	l.settle(w, "begun", 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running[runner]++
	l.running[runner+w.Lane]++
	if l.running[runner] > workers || l.running[runner+w.Lane] > perLane {
		l.problems = append(l.problems, fmt.Sprintf("%s runs %d, %d of them in %s", runner, l.running[runner], l.running[runner+w.Lane], w.Lane))
	}
}

func (l *ledger) leave(runner string, w Work) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running[runner]--
	l.running[runner+w.Lane]--
}

// deed is what happens at a moment of the script, or what a handler does with its work.
type deed struct {
	kind    string
	subject int
	wait    time.Duration
}

// Whatever handlers do, however the queue fails, whenever a runner stops and another starts: each
// claim is begun once or handed back, limits hold, and all work is done
// soon after the trouble ends.
func TestProperties(t *testing.T) {
	const workers, perLane, lease = 5, 2, 20 * time.Second
	waits := rapid.SampledFrom([]time.Duration{0, time.Millisecond, time.Second, 7 * time.Second, 45 * time.Second})
	deeds := func(kinds ...string) *rapid.Generator[deed] {
		return rapid.Custom(func(t *rapid.T) deed {
			return deed{
				kind:    rapid.SampledFrom(kinds).Draw(t, "kind"),
				subject: rapid.IntRange(0, 9).Draw(t, "subject"),
				wait:    waits.Draw(t, "wait"),
			}
		})
	}
	rapid.Check(t, func(rt *rapid.T) {
		script := rapid.SliceOfN(deeds("enqueue", "enqueue", "enqueue", "sleep", "down", "up", "restart", "lose wake-ups"), 1, 40).Draw(rt, "script")
		handling := rapid.SliceOfN(deeds("finish", "retry", "fail", "panic", "hang", "late"), 1, 30).Draw(rt, "handling")
		var problems []string
		synctest.Test(t, func(t *testing.T) { problems = play(t, script, handling, workers, perLane, lease) })
		for _, p := range problems {
			rt.Error(p)
		}
	})
}

func play(t *testing.T, script, handling []deed, workers, perLane int, lease time.Duration) []string {
	l := newLedger()
	var mu sync.Mutex
	trouble := true
	nextDeed := func() deed {
		mu.Lock()
		defer mu.Unlock()
		if !trouble {
			return deed{kind: "finish"}
		}
		d := handling[0]
		handling = append(handling[1:], d)
		return d
	}
	handler := func(runner string) Handler {
		return func(ctx context.Context, w Work) error {
			l.enter(runner, w, workers, perLane)
			defer l.leave(runner, w)
			if now := time.Now(); now.After(w.LeaseUntil) {
				l.problem("work begun %v after its lease ended", now.Sub(w.LeaseUntil))
			}
			d := nextDeed()
			switch d.kind {
			case "finish", "retry":
				select {
				case <-time.After(d.wait):
				case <-ctx.Done():
					return ctx.Err()
				}
			case "fail":
				return errors.New("no")
			case "panic":
				panic("no")
			case "hang":
				<-ctx.Done()
				return ctx.Err()
			case "late": // deaf to its context: it writes after its lease has ended
				time.Sleep(time.Until(w.LeaseUntil) + time.Millisecond)
			}
			now := time.Now()
			var err error
			if d.kind == "retry" {
				_, err = l.Retry(w, now.Add(max(d.wait, time.Millisecond))) // at once, for ever, would stop the clock
			} else {
				_, err = l.Finish(w, now)
			}
			return err
		}
	}
	run := func(name string) *started {
		return start(t, l, map[string]Handler{"k": handler(name)}, Options{Workers: workers, PerLane: perLane, Batch: 3, Lease: lease, Grace: lease + time.Second})
	}
	a, b := run("a"), run("b")
	generation := 0
	for _, d := range script {
		switch d.kind {
		case "enqueue":
			l.Enqueue("k", fmt.Sprint(d.subject), fmt.Sprint("lane", d.subject%3), time.Now().Add(d.wait))
		case "sleep":
			time.Sleep(d.wait)
		case "down":
			l.setDown(errDown)
		case "up":
			l.setDown(nil)
		case "lose wake-ups":
			l.setMute(true)
		case "restart":
			if err := a.end(); err != nil {
				l.problem("stop: %v", err)
			}
			generation++
			a = run(fmt.Sprint("a", generation))
		}
	}
	mu.Lock()
	trouble = false
	mu.Unlock()
	l.setDown(nil)
	// The longest that work may wait now: a retry or a due time, a lease, the runner's own waits.
	time.Sleep(45*time.Second + 2*lease + lastBack + idle)
	if n := l.left(); n != 0 {
		l.problem("%d pieces of work are left", n)
	}
	for _, s := range []*started{a, b} {
		if err := s.end(); err != nil {
			l.problem("stop: %v", err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for claim, state := range l.claims {
		if state != 2 {
			l.problems = append(l.problems, "a claim was neither begun nor handed back: "+claim)
		}
	}
	return l.problems
}

func TestSchedule(t *testing.T) {
	for text, want := range map[string]Schedule{
		"":                     nil,
		"  ":                   nil,
		"1s,2s,4s,8s,16s":      Fast,
		" 1s , 2s,4s,8s,16s":   Fast,
		"5m,30m,2h,5h,10h,24h": Slow,
		"1h30m":                {90 * time.Minute},
		"720h":                 {720 * time.Hour},
	} {
		got, err := ParseSchedule(text)
		if err != nil || got.String() != want.String() || len(got) != len(want) {
			t.Errorf("ParseSchedule(%q) = %v, %v", text, got, err)
		}
		again, err := ParseSchedule(got.String())
		if err != nil || again.String() != got.String() {
			t.Errorf("%q is read back as %v, %v", got, again, err)
		}
	}
	for _, text := range []string{"1", "1s,,2s", "1s,", "0s", "-1s", "721h", "1s;2s", "soon", "1s,2", fmt.Sprint("1s", string(make([]byte, 300)))} {
		if s, err := ParseSchedule(text); err == nil {
			t.Errorf("ParseSchedule(%q) = %v", text, s)
		}
	}
	if got := Slow.String(); got != "5m,30m,2h,5h,10h,24h" {
		t.Errorf("Slow is written %q", got)
	}
	var s Schedule
	if err := s.UnmarshalText([]byte("3s")); err != nil || len(s) != 1 {
		t.Errorf("%v, %v", s, err)
	}
}

func TestScheduleAfter(t *testing.T) {
	s := Schedule{time.Second, time.Minute}
	for failed, want := range map[int]time.Duration{1: time.Second, 2: time.Minute} {
		if got, ok := s.After(failed); !ok || got != want {
			t.Errorf("After(%d) = %v, %v", failed, got, ok)
		}
	}
	for _, failed := range []int{-1, 0, 3} {
		if got, ok := s.After(failed); ok {
			t.Errorf("After(%d) = %v", failed, got)
		}
	}
}

// Asking about an unknown outcome never gets more frequent, and lasts three days.
func TestAsking(t *testing.T) {
	var whole time.Duration
	for i, d := range Asking {
		whole += d
		if i > 0 && d < Asking[i-1] {
			t.Errorf("step %d is shorter than the one before", i)
		}
	}
	if whole < 71*time.Hour || whole > 73*time.Hour {
		t.Errorf("asking lasts %v", whole)
	}
}
