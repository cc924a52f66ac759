package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// memory is a queue in memory with the store's rules: leases with tokens, generations, and
// bookkeeping that only the newest token may do.
type memory struct {
	mu    sync.Mutex
	rows  map[string]*Work // by kind and subject
	wakes chan struct{}
	next  int

	mute    bool  // wake-ups are lost
	down    error // what every call fails with
	claims  int   // how often Claim was called
	claimed func(now time.Time, w Work)
	before  func() // runs inside Claim, before it looks
}

func newMemory() *memory {
	return &memory{rows: map[string]*Work{}, wakes: make(chan struct{}, 1)}
}

var errDown = errors.New("database down")

func (m *memory) setDown(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = err
}

func (m *memory) setMute(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mute = on
}

func (m *memory) wake() {
	if m.mute {
		return
	}
	select {
	case m.wakes <- struct{}{}:
	default:
	}
}

// Enqueue is the store's: the same kind and subject is one row.
func (m *memory) Enqueue(kind, subject, lane string, due time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := kind + " " + subject
	if w, ok := m.rows[key]; ok {
		w.Gen++
		if w.Lease == "" && due.Before(w.DueAt) {
			w.DueAt = due
		}
	} else {
		m.next++
		m.rows[key] = &Work{ID: fmt.Sprintf("w%06d", m.next), Kind: kind, Subject: subject, Lane: lane, DueAt: due, Gen: 1}
	}
	m.wake()
}

func (m *memory) Claim(ctx context.Context, now time.Time, lease time.Duration, n, perLane int, free map[string]int) (out []Work, next time.Time, err error) {
	m.mu.Lock()
	before := m.before
	m.mu.Unlock()
	if before != nil {
		before()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claims++
	if m.down != nil {
		return nil, next, m.down
	}
	var due []*Work
	for _, w := range m.rows {
		if !w.DueAt.After(now) {
			due = append(due, w)
		}
	}
	slices.SortFunc(due, func(a, b *Work) int {
		if c := a.DueAt.Compare(b.DueAt); c != 0 {
			return c
		}
		return int(a.ID[6]) - int(b.ID[6])
	})
	taken := map[string]int{}
	for _, w := range due {
		slots, named := free[w.Lane]
		if !named {
			slots = perLane
		}
		if len(out) == n || taken[w.Lane] >= slots {
			continue
		}
		taken[w.Lane]++
		m.next++
		w.Lease, w.LeaseUntil = fmt.Sprintf("lease%d", m.next), now.Add(lease)
		w.DueAt = w.LeaseUntil
		copied := *w
		w.Attempts++
		if m.claimed != nil {
			m.claimed(now, copied)
		}
		out = append(out, copied)
	}
	for _, w := range m.rows {
		if len(out) < n && (next.IsZero() || w.DueAt.Before(next)) {
			next = w.DueAt
		}
	}
	return out, next, nil
}

func (m *memory) HandBack(_ context.Context, now time.Time, work []Work) error {
	for _, w := range work {
		if _, err := m.Retry(w, now); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Wakes() <-chan struct{} { return m.wakes }

// Finish deletes work that is done; false where the lease was lost.
func (m *memory) Finish(w Work, now time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return false, m.down
	}
	row, ok := m.rows[w.Kind+" "+w.Subject]
	if !ok || row.Lease != w.Lease {
		return false, nil
	}
	if row.Gen == w.Gen {
		delete(m.rows, w.Kind+" "+w.Subject)
		return true, nil
	}
	row.Lease, row.LeaseUntil, row.DueAt = "", time.Time{}, now
	m.wake()
	return true, nil
}

// Retry frees the lease and sets the time of the next try.
func (m *memory) Retry(w Work, at time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return false, m.down
	}
	row, ok := m.rows[w.Kind+" "+w.Subject]
	if !ok || row.Lease != w.Lease {
		return false, nil
	}
	row.Lease, row.LeaseUntil, row.DueAt = "", time.Time{}, at
	m.wake()
	return true, nil
}

func (m *memory) left() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.rows)
}

func (m *memory) claimCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.claims
}

func (m *memory) leased() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range m.rows {
		if w.Lease != "" {
			n++
		}
	}
	return n
}
