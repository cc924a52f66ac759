package store_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

const lease = 30 * time.Second

// claim takes all that is due, in the order of its subjects.
func claim(t testing.TB, s *store.Store, now time.Time) []outbox.Work {
	t.Helper()
	list, _, err := s.Queue().Claim(t.Context(), now, lease, 1000, 1000, nil)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b outbox.Work) int { return strings.Compare(a.Subject, b.Subject) })
	return list
}

func subjects(list []outbox.Work) string {
	var names []string
	for _, w := range list {
		names = append(names, w.Subject)
	}
	return strings.Join(names, " ")
}

// end runs Finish or Retry in an Update of its own.
func end(t testing.TB, s *store.Store, f func(context.Context, *store.Tx) (bool, error)) (ok bool) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		ok, err = f(ctx, tx)
		return err
	})
	return ok
}

func finish(t testing.TB, s *store.Store, w outbox.Work, now time.Time) bool {
	t.Helper()
	return end(t, s, func(ctx context.Context, tx *store.Tx) (bool, error) { return tx.Finish(ctx, w, now) })
}

func enqueue(t testing.TB, s *store.Store, list ...outbox.Work) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, w := range list {
			if err := tx.Enqueue(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

func nextDue(t testing.TB, s *store.Store) time.Time {
	t.Helper()
	_, at, err := s.Queue().Claim(t.Context(), time.UnixMilli(1), lease, 1, 1, nil) // when nothing is due
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The life of one piece of work.
func TestWork(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		same(t, "next due of nothing", nextDue(t, s), time.Time{})
		enqueue(t, s, work("deliver", "1", "host", noon.Add(time.Second)))
		same(t, "next due", nextDue(t, s), noon.Add(time.Second))
		same(t, "claimed before it is due", len(claim(t, s, noon)), 0)

		now := noon.Add(time.Second)
		first := claim(t, s, now)[0]
		want := outbox.Work{
			ID: first.ID, BusinessID: "biz", Kind: "deliver", Subject: "1", Lane: "host",
			DueAt: now.Add(lease), Gen: 1, Lease: first.Lease, LeaseUntil: now.Add(lease),
		}
		same(t, "claimed", first, want)
		same(t, "next due: the end of the lease", nextDue(t, s), now.Add(lease))
		same(t, "claimed twice", len(claim(t, s, now)), 0)

		same(t, "set to a later time", end(t, s, func(ctx context.Context, tx *store.Tx) (bool, error) {
			return tx.Retry(ctx, first, now.Add(time.Minute), "no\x00 answer")
		}), true)
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.WorkFor(ctx, "deliver", "1")
			want.DueAt, want.Lease, want.LeaseUntil, want.LastError, want.Attempts = now.Add(time.Minute), "", time.Time{}, "no\uFFFD answer", 1
			same(t, "waiting", got, want)
			return err
		})

		now = now.Add(time.Minute)
		second := claim(t, s, now)[0]
		same(t, "attempts before", second.Attempts, 1)
		if finish(t, s, first, now) {
			t.Error("the first lease still finishes it")
		}
		if !finish(t, s, second, now) {
			t.Error("its lease does not finish it")
		}
		if finish(t, s, second, now) {
			t.Error("it was finished twice")
		}
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.WorkFor(ctx, "deliver", "1"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("finished work: %v", err)
			}
			return nil
		})
	})
}

// A lease that has ended is taken over, and from then on the first holder can do nothing.
func TestALostLeaseIsFenced(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		enqueue(t, s, work("refund", "1", "payme", noon))
		slow := claim(t, s, noon)[0]
		same(t, "claimed before the lease ends", len(claim(t, s, noon.Add(lease-time.Millisecond))), 0)
		now := noon.Add(lease)
		taken := claim(t, s, now)[0]
		if taken.ID != slow.ID || taken.Lease == slow.Lease || taken.Attempts != 1 {
			t.Errorf("taken over: %+v, was %+v", taken, slow)
		}
		if finish(t, s, slow, now) {
			t.Error("the slow one finished it")
		}
		if end(t, s, func(ctx context.Context, tx *store.Tx) (bool, error) { return tx.Retry(ctx, slow, now, "") }) {
			t.Error("the slow one freed it")
		}
		if err := s.Queue().HandBack(t.Context(), now, []outbox.Work{slow}); err != nil {
			t.Error(err)
		}
		same(t, "claimed a third time", len(claim(t, s, now)), 0)
		if !finish(t, s, taken, now) {
			t.Error("the new holder cannot finish it")
		}
	})
}

// A lease that has ended and was taken by nobody still finishes the work: it is done.
func TestALateFinishCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		enqueue(t, s, work("refund", "1", "payme", noon))
		w := claim(t, s, noon)[0]
		if !finish(t, s, w, noon.Add(10*lease)) {
			t.Error("it did not")
		}
	})
}

// Work that is enqueued again while it is being done is done once more.
func TestEnqueueWhileLeased(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, c := range []struct {
			what string
			end  func(context.Context, *store.Tx, outbox.Work, time.Time) (bool, error)
		}{
			{"finish", func(ctx context.Context, tx *store.Tx, w outbox.Work, now time.Time) (bool, error) {
				return tx.Finish(ctx, w, now)
			}},
			{"retry", func(ctx context.Context, tx *store.Tx, w outbox.Work, now time.Time) (bool, error) {
				return tx.Retry(ctx, w, now.Add(time.Hour), "")
			}},
			{"fail", func(ctx context.Context, tx *store.Tx, w outbox.Work, now time.Time) (bool, error) {
				return tx.Fail(ctx, w, now.Add(time.Hour), now, "")
			}},
		} {
			w := work("deliver", c.what, "host", noon)
			enqueue(t, s, w)
			claimed := claim(t, s, noon)[0]
			enqueue(t, s, w)
			same(t, "claimed while leased", len(claim(t, s, noon)), 0)
			now := time.Now() // what Retry takes for now
			if !end(t, s, func(ctx context.Context, tx *store.Tx) (bool, error) { return c.end(ctx, tx, claimed, now) }) {
				t.Errorf("%s: the lease was lost", c.what)
			}
			again := claim(t, s, now.Add(time.Minute))
			if len(again) != 1 || again[0].Gen != 2 {
				t.Fatalf("%s: claimed again: %+v", c.what, again)
			}
			if !finish(t, s, again[0], now) {
				t.Errorf("%s: it cannot be finished", c.what)
			}
		}
	})
}

// Enqueue brings work forward, and never puts it off.
func TestEnqueueTakesTheEarlierTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, step := range []struct{ due, want time.Time }{
			{noon, noon}, {noon.Add(time.Hour), noon}, {noon.Add(-time.Hour), noon.Add(-time.Hour)},
		} {
			enqueue(t, s, work("settle", "1", "payme", step.due))
			same(t, "next due", nextDue(t, s), step.want)
		}
	})
}

// Work can be leased to the caller from the start, so that his own process does it at once and
// another takes over when he dies.
func TestEnqueueLeased(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		lead := func(subject string, now time.Time) (w outbox.Work) {
			t.Helper()
			update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
				w, err = tx.EnqueueLeased(ctx, work("refund", subject, "payme", noon), lease, now)
				return err
			})
			return w
		}
		mine := lead("1", noon)
		same(t, "leased", mine, outbox.Work{
			ID: mine.ID, BusinessID: "biz", Kind: "refund", Subject: "1", Lane: "payme",
			DueAt: noon.Add(lease), Gen: 1, Lease: mine.Lease, LeaseUntil: noon.Add(lease),
		})
		same(t, "claimed by others", len(claim(t, s, noon)), 0)
		same(t, "in somebody's hands", lead("1", noon).Lease, "")
		if !finish(t, s, mine, noon) {
			t.Error("the lease was lost")
		}
		same(t, "due once more, since it was asked for twice", subjects(claim(t, s, noon)), "1")

		mine = lead("2", noon)
		if !finish(t, s, mine, noon) {
			t.Error("the lease was lost")
		}
		same(t, "finished", len(claim(t, s, noon)), 0)

		lead("3", noon) // and its process dies
		now := noon.Add(lease)
		taken := claim(t, s, now)
		same(t, "taken over", subjects(taken), "1 3")
		same(t, "attempts before", taken[1].Attempts, 1)

		now = now.Add(lease)
		mine = lead("3", now) // a lease that has ended is free
		if mine.Lease == "" || mine.Attempts != 2 || finish(t, s, taken[1], now) {
			t.Errorf("a lease that had ended was not taken: %+v", mine)
		}

		enqueue(t, s, work("refund", "4", "payme", now.Add(time.Hour)))
		if mine = lead("4", now); mine.Lease == "" || mine.Gen != 2 {
			t.Errorf("work that nobody has was not leased: %+v", mine)
		}
	})
}

func TestHandBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		enqueue(t, s, work("deliver", "1", "a", noon), work("deliver", "2", "a", noon))
		claimed := claim(t, s, noon)
		if err := s.Queue().HandBack(t.Context(), noon, claimed[:1]); err != nil {
			t.Fatal(err)
		}
		again := claim(t, s, noon)
		same(t, "claimed again", subjects(again), "1")
		same(t, "attempts before: it was not begun", again[0].Attempts, 0)
		if finish(t, s, claimed[0], noon) || !finish(t, s, again[0], noon) || !finish(t, s, claimed[1], noon) {
			t.Error("the wrong lease counts")
		}
		if err := s.Queue().HandBack(t.Context(), noon, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestDropWork(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		enqueue(t, s, work("settle", "1", "a", noon), work("settle", "2", "a", noon), work("deliver", "1", "a", noon))
		for range 2 {
			update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DropWork(ctx, "settle", "1") })
		}
		same(t, "left", subjects(claim(t, s, noon)), "1 2")
	})
}

// Work without a lease (read with WorkFor, say) cannot be ended: its empty token would be
// everybody's.
func TestNoLeaseEndsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		enqueue(t, s, work("deliver", "1", "a", noon))
		var w outbox.Work
		view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			w, err = tx.WorkFor(ctx, "deliver", "1")
			return err
		})
		for _, f := range []func(context.Context, *store.Tx) error{
			func(ctx context.Context, tx *store.Tx) error { _, err := tx.Finish(ctx, w, noon); return err },
			func(ctx context.Context, tx *store.Tx) error { _, err := tx.Retry(ctx, w, noon, ""); return err },
		} {
			if err := s.Update(t.Context(), f); err == nil {
				t.Error("it was ended")
			}
		}
		if err := s.Queue().HandBack(t.Context(), noon.Add(time.Hour), []outbox.Work{w}); err != nil {
			t.Error(err)
		}
		same(t, "still due", nextDue(t, s), noon)
	})
}

// Claim takes from each lane what it can still carry, from the one first whose work has waited
// longest, and of each the work that has waited longest.
func TestClaimByLanes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var all []outbox.Work
		for i, lane := range []string{"b", "a", "c", "a", "b", "a", "c", "d"} {
			all = append(all, work("deliver", fmt.Sprint(i), lane, noon.Add(time.Duration(i)*time.Second)))
		}
		at := func(second int) time.Time { return noon.Add(time.Duration(second) * time.Second) }
		for _, c := range []struct {
			what       string
			now        time.Time
			n, perLane int
			free       map[string]int
			want       string
		}{
			{"all", at(7), 100, 100, nil, "0 1 2 3 4 5 6 7"},
			{"what is due", at(3), 100, 100, nil, "0 1 2 3"},
			{"one a lane", at(7), 100, 1, nil, "0 1 2 7"},
			{"two a lane", at(7), 100, 2, nil, "0 1 2 3 4 6 7"},
			{"the lanes that waited longest", at(7), 2, 1, nil, "0 1"},
			{"up to n", at(7), 4, 2, nil, "0 1 3 4"},
			{"nothing of a full lane", at(7), 100, 100, map[string]int{"a": 0}, "0 2 4 6 7"},
			{"what a lane can carry", at(7), 100, 1, map[string]int{"a": 2, "b": 0, "unknown": 5}, "1 2 3 7"},
			{"nothing", at(7), 0, 100, nil, ""},
			{"before anything is due", at(-1), 100, 100, nil, ""},
		} {
			update(t, s, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, `DELETE FROM work`); return err })
			enqueue(t, s, all...)
			list, _, err := s.Queue().Claim(t.Context(), c.now, lease, c.n, c.perLane, c.free)
			if err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(list, func(a, b outbox.Work) int { return strings.Compare(a.Subject, b.Subject) })
			same(t, c.what, subjects(list), c.want)
		}
	})
}

// A look at the queue costs one statement, and where something is taken one more for each lane that it is
// taken of, and one for when the rest falls due, however many lanes have work for later.
func TestWhatALookCosts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for i := range 20 {
			enqueue(t, s, work("deliver", fmt.Sprint(i), fmt.Sprint("lane ", i), noon.Add(time.Duration(i)*time.Second)))
		}
		for _, c := range []struct {
			now  time.Time
			want int64
		}{{noon.Add(-time.Second), 1}, {noon.Add(2 * time.Second), 1 + 3 + 1}} {
			before, _ := s.Counts()
			claim(t, s, c.now)
			after, _ := s.Counts()
			same(t, "statements", after-before, c.want)
		}
	})
}

// A claim waits twice for a PostgreSQL, of however many lanes it takes something: what it has taken is
// told with COMMIT, and so is when the rest falls due.
func TestAClaimWaitsTwice(t *testing.T) {
	dsn, trips := storetest.CountTrips(t, storetest.DSN(t, storetest.Postgres))
	s := storetest.Reopen(t, dsn, store.Options{MaxConns: 1, Now: func() time.Time { return noon }})
	for i, want := range []int64{-1, 2, 2} { // the first prepares its statements
		for lane := range 5 {
			enqueue(t, s, work("deliver", fmt.Sprint(i, lane), fmt.Sprint("lane ", lane), noon))
		}
		<-trips.Notified()
		before := trips.Count()
		list, next, err := s.Queue().Claim(t.Context(), noon, lease, 100, 8, nil)
		if waits := trips.Count() - before; err != nil || len(list) != 5 || !next.Equal(noon.Add(lease)) || want >= 0 && waits != want {
			t.Errorf("%d waits for %d, the rest due at %v: %v", waits, len(list), next, err)
		}
	}
}

// Two processes on one PostgreSQL that claim at the same time share the work: nothing is
// claimed twice and nothing is left over.
func TestTwoProcessesShareTheWork(t *testing.T) {
	dsn := storetest.DSN(t, storetest.Postgres)
	processes := []*store.Store{storetest.Reopen(t, dsn, store.Options{}), storetest.Reopen(t, dsn, store.Options{})}
	const n = 300
	var all []outbox.Work
	for i := range n {
		all = append(all, work("deliver", fmt.Sprint(i), fmt.Sprint("lane ", i%7), noon))
	}
	enqueue(t, processes[0], all...)

	var mu sync.Mutex
	claims := map[string]int{}
	var claimers sync.WaitGroup
	for i := range 6 {
		s := processes[i%2]
		claimers.Go(func() {
			for {
				list, _, err := s.Queue().Claim(t.Context(), noon, lease, 10, 4, nil)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, w := range list {
					claims[w.Subject]++
				}
				left := n - len(claims)
				mu.Unlock()
				if left == 0 {
					return
				}
			}
		})
	}
	claimers.Wait()
	for subject, times := range claims {
		if times != 1 {
			t.Errorf("%s was claimed %d times", subject, times)
		}
	}
}

// A row that an open transaction holds is passed over, not waited for.
func TestClaimWaitsForNobody(t *testing.T) {
	tu := newTurns(t)
	enqueue(t, tu.store, work("deliver", "held", "a", noon), work("deliver", "free", "a", noon))
	holder := tu.lead(tu.other)
	if err := holder.do(func(ctx context.Context, tx *store.Tx) error {
		return tx.Enqueue(ctx, work("deliver", "held", "a", noon))
	}); err != nil {
		t.Fatal(err)
	}
	same(t, "claimed", subjects(claim(t, tu.store, noon)), "free")
	if err := holder.commit(); err != nil {
		t.Fatal(err)
	}
	same(t, "claimed when it is free", subjects(claim(t, tu.store, noon)), "held")
}

// The queue behaves like a small model of it in memory, whatever is done to it in whatever
// order: also by holders of leases that were lost long ago.
func TestTheQueueIsLikeItsModel(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		rapid.Check(t, func(rt *rapid.T) {
			m := newQueueModel(t, rt, s)
			rt.Repeat(map[string]func(*rapid.T){
				"":              m.compare,
				"enqueue":       m.enqueue,
				"enqueueLeased": m.enqueueLeased,
				"claim":         m.claim,
				"finish":        m.finish,
				"retry":         m.retry,
				"handBack":      m.handBack,
				"pass": func(rt *rapid.T) {
					m.now = m.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(rt, "seconds")) * time.Second)
				},
			})
		})
	})
}

// queueModel is the queue as it is meant: a row for each kind and subject, and the tokens of
// all claims there ever were.
type queueModel struct {
	t      *testing.T
	store  *store.Store
	now    time.Time
	rows   map[string]*outbox.Work // by subject; all of one kind
	claims []outbox.Work           // all that were ever handed out, newest last
}

func newQueueModel(t *testing.T, rt *rapid.T, s *store.Store) *queueModel {
	m := &queueModel{t: t, store: s, now: time.Now().Truncate(time.Millisecond), rows: map[string]*outbox.Work{}}
	m.update(rt, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, `DELETE FROM work`); return err })
	return m
}

func (m *queueModel) update(rt *rapid.T, f func(context.Context, *store.Tx) error) {
	rt.Helper()
	if err := m.store.Update(m.t.Context(), f); err != nil {
		rt.Fatal(err)
	}
}

func (m *queueModel) draw(rt *rapid.T) outbox.Work {
	subject := rapid.SampledFrom([]string{"1", "2", "3", "4", "5"}).Draw(rt, "subject")
	due := m.now.Add(time.Duration(rapid.IntRange(-40, 40).Draw(rt, "due")) * time.Second)
	return work("deliver", subject, "lane "+subject[:1], due)
}

func (m *queueModel) enqueue(rt *rapid.T) {
	w := m.draw(rt)
	m.update(rt, func(ctx context.Context, tx *store.Tx) error { return tx.Enqueue(ctx, w) })
	row := m.rows[w.Subject]
	if row == nil {
		w.Gen = 1
		m.rows[w.Subject] = &w
		return
	}
	row.Gen++
	if row.Lease == "" && w.DueAt.Before(row.DueAt) {
		row.DueAt = w.DueAt
	}
}

func (m *queueModel) enqueueLeased(rt *rapid.T) {
	w := m.draw(rt)
	var got outbox.Work
	m.update(rt, func(ctx context.Context, tx *store.Tx) (err error) {
		got, err = tx.EnqueueLeased(ctx, w, lease, m.now)
		return err
	})
	row := m.rows[w.Subject]
	if row == nil {
		row = &w
		m.rows[w.Subject] = row
	}
	row.Gen++
	if row.Lease != "" && row.LeaseUntil.After(m.now) {
		if got.Lease != "" {
			rt.Fatalf("a lease was taken that is another's: %+v", got)
		}
		return
	}
	m.lease(rt, row, got)
}

// lease says that got is a claim of row.
func (m *queueModel) lease(rt *rapid.T, row *outbox.Work, got outbox.Work) {
	if got.Lease == "" || got.Attempts != row.Attempts {
		rt.Fatalf("leased: %+v, of %+v", got, *row)
	}
	for _, earlier := range m.claims {
		if earlier.Lease == got.Lease && earlier.Subject == got.Subject {
			rt.Fatalf("a token was used again: %+v", got)
		}
	}
	row.Attempts++
	row.Lease, row.LeaseUntil, row.DueAt = got.Lease, m.now.Add(lease), m.now.Add(lease)
	m.claims = append(m.claims, got)
}

func (m *queueModel) claim(rt *rapid.T) {
	n, perLane := rapid.IntRange(1, 6).Draw(rt, "n"), rapid.IntRange(0, 2).Draw(rt, "perLane")
	free := map[string]int{"lane 1": rapid.IntRange(0, 2).Draw(rt, "free")}
	got, next, err := m.store.Queue().Claim(m.t.Context(), m.now, lease, n, perLane, free)
	if err != nil {
		rt.Fatal(err)
	}
	// What is due, the longest first; a lane for each subject, so one of each at most.
	var due []*outbox.Work
	for _, row := range m.rows {
		slots, named := free[row.Lane]
		if !named {
			slots = perLane
		}
		if slots > 0 && !row.DueAt.After(m.now) {
			due = append(due, row)
		}
	}
	slices.SortFunc(due, func(a, b *outbox.Work) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), strings.Compare(a.Lane, b.Lane))
	})
	due = due[:min(n, len(due))]
	if len(got) != len(due) {
		rt.Fatalf("claimed %q; %d are due", subjects(got), len(due))
	}
	for i, row := range due {
		if got[i].Subject != row.Subject {
			rt.Fatalf("claimed %q; the longest due is %q", subjects(got), row.Subject)
		}
		m.lease(rt, row, got[i])
	}
	if want := m.nextDue(); len(got) < n && !next.Equal(want) {
		rt.Fatalf("what is left falls due at %v, want %v", next, want)
	}
}

func (m *queueModel) nextDue() (next time.Time) {
	for _, row := range m.rows {
		if next.IsZero() || row.DueAt.Before(next) {
			next = row.DueAt
		}
	}
	return next
}

// holder draws a claim, often one whose lease was lost.
func (m *queueModel) holder(rt *rapid.T) (w outbox.Work, row *outbox.Work, holds bool) {
	if len(m.claims) == 0 {
		rt.Skip("nothing was claimed")
	}
	w = m.claims[len(m.claims)-1-rapid.IntRange(0, min(7, len(m.claims)-1)).Draw(rt, "claim")]
	row = m.rows[w.Subject]
	return w, row, row != nil && row.Lease == w.Lease
}

func (m *queueModel) finish(rt *rapid.T) {
	w, row, holds := m.holder(rt)
	var ok bool
	m.update(rt, func(ctx context.Context, tx *store.Tx) (err error) { ok, err = tx.Finish(ctx, w, m.now); return err })
	if ok != holds {
		rt.Fatalf("finish said %v of %+v", ok, row)
	}
	switch {
	case holds && row.Gen == w.Gen:
		delete(m.rows, w.Subject)
	case holds:
		row.Lease, row.LeaseUntil, row.DueAt, row.LastError = "", time.Time{}, m.now, ""
	}
}

func (m *queueModel) retry(rt *rapid.T) {
	w, row, holds := m.holder(rt)
	// Before the store's own clock, so that it does not matter what that says.
	at := noon.Add(time.Duration(rapid.IntRange(0, 40).Draw(rt, "at")) * time.Second)
	var ok bool
	m.update(rt, func(ctx context.Context, tx *store.Tx) (err error) { ok, err = tx.Retry(ctx, w, at, "why"); return err })
	if ok != holds {
		rt.Fatalf("retry said %v of %+v", ok, row)
	}
	if holds {
		row.Lease, row.LeaseUntil, row.DueAt, row.LastError = "", time.Time{}, at, "why"
	}
}

func (m *queueModel) handBack(rt *rapid.T) {
	w, row, holds := m.holder(rt)
	if err := m.store.Queue().HandBack(m.t.Context(), m.now, []outbox.Work{w}); err != nil {
		rt.Fatal(err)
	}
	if holds {
		row.Lease, row.LeaseUntil, row.DueAt = "", time.Time{}, m.now
		row.Attempts--
	}
}

// compare reads every row.
func (m *queueModel) compare(rt *rapid.T) {
	want := map[string]outbox.Work{}
	for subject, row := range m.rows {
		want[subject] = *row
	}
	got := map[string]outbox.Work{}
	m.update(rt, func(ctx context.Context, tx *store.Tx) error {
		names, err := tx.Texts(ctx, `SELECT subject FROM work`)
		if err != nil {
			return err
		}
		for _, subject := range names {
			w, err := tx.WorkFor(ctx, "deliver", subject)
			if err != nil {
				return err
			}
			w.ID = ""
			got[subject] = w
		}
		return nil
	})
	if !maps.EqualFunc(want, got, sameWork) {
		rt.Fatalf("the queue is\n%+v, want\n%+v", got, want)
	}
	_, at, err := m.store.Queue().Claim(m.t.Context(), time.UnixMilli(1), lease, 1, 1, nil) // when nothing is due
	if next := m.nextDue(); err != nil || !at.Equal(next) {
		rt.Fatalf("next due is %v (%v), want %v", at, err, next)
	}
}

func sameWork(a, b outbox.Work) bool {
	return a.BusinessID == b.BusinessID && a.Kind == b.Kind && a.Subject == b.Subject && a.Lane == b.Lane && a.DueAt.Equal(b.DueAt) &&
		a.Attempts == b.Attempts && a.Gen == b.Gen && a.Lease == b.Lease && a.LeaseUntil.Equal(b.LeaseUntil) && a.LastError == b.LastError
}
