package sandbox

import (
	"sync"
	"time"
)

// Clock is a time that can be moved forward: real time plus what it was moved by. It never
// goes back, since neither do the companies' clocks nor ours.
type Clock struct {
	real func() time.Time

	mu     sync.Mutex
	offset time.Duration
	moved  []func()
}

// NewClock makes a clock over real, usually time.Now.
func NewClock(real func() time.Time) *Clock { return &Clock{real: real} }

// Now is the clock's time, without a monotonic reading: it is compared with stored times only.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.real().Add(c.offset).Round(0)
}

// Offset is how far the clock was moved.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Advance moves the clock forward and then tells all who asked to know. A negative d does
// nothing.
func (c *Clock) Advance(d time.Duration) {
	if d < 0 {
		return
	}
	c.mu.Lock()
	c.offset += d
	moved := c.moved
	c.mu.Unlock()
	for _, f := range moved {
		f()
	}
}

// OnMove has f called after every move.
func (c *Clock) OnMove(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved = append(c.moved, f)
}
