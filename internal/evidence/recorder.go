// Package evidence keeps what passed between the gateway and the providers, redacted, so that a
// dispute can be looked into afterwards. It is evidence and not truth: nothing is decided by it,
// it is kept in memory for a moment before it is stored, and when too much comes it forgets the
// oldest.
//
// Redaction names what is safe, not what is secret: see redact.go.
package evidence

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/id"
)

// The directions of a message: a provider's call to us, and ours to it.
const (
	In  = "in"
	Out = "out"
)

// Message is one call and its answer, redacted.
type Message struct {
	ID         string
	BusinessID string
	MerchantID string
	InvoiceID  string // "" where the message named none that we know
	PaymentID  string

	At        time.Time // when the call began
	Direction string    // In or Out
	Step      string    // the method or path of the company's protocol: "PerformTransaction", "/payment/refund"
	Request   string    // method, address and body; at most 16 KiB
	Status    int       // HTTP; 0: no answer
	Response  string    // the body, or why there was none; at most 16 KiB
	Duration  time.Duration
}

// capacity is how many messages wait for the next Flush: some seconds of a busy gateway.
const capacity = 4096

// strangersAMinute is how many calls to us are kept that name nothing of ours. Anybody may call a
// callback's address, as often as he likes; our own companies do it when a buyer mistypes.
const strangersAMinute = 60

// flushSize is how many messages one call of the sink is given.
const flushSize = 256

// Recorder collects messages in memory. It may be used by many goroutines.
type Recorder struct {
	sink func(context.Context, []Message) error
	now  func() time.Time

	flushing sync.Mutex // one Flush at a time keeps the messages in order

	mu      sync.Mutex
	ring    []Message // the oldest first
	dropped int64

	strangers int // kept since minute
	minute    time.Time
}

// New returns a recorder that hands messages to sink when Flush is called, oldest first, and
// reads the time from now.
func New(sink func(context.Context, []Message) error, now func() time.Time) *Recorder {
	return &Recorder{sink: sink, now: now}
}

// add keeps m until the next Flush. It never waits: with no room left the oldest goes.
func (r *Recorder) add(m Message) {
	m.ID = id.New()
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.Direction == In && m.InvoiceID == "" && !r.takesStranger(m.At) {
		r.dropped++
		return
	}
	if len(r.ring) >= capacity {
		r.ring = r.ring[1:]
		r.dropped++
	}
	r.ring = append(r.ring, m)
}

// takesStranger counts a call that names nothing of ours. r.mu is held.
func (r *Recorder) takesStranger(at time.Time) bool {
	if since := at.Sub(r.minute); since < 0 || since >= time.Minute {
		r.minute, r.strangers = at, 0
	}
	r.strangers++
	return r.strangers <= strangersAMinute
}

// Flush hands what has been collected to the sink, in parts. When the sink fails, that part and
// what follows stay for the next Flush, as far as there is room.
func (r *Recorder) Flush(ctx context.Context) error {
	r.flushing.Lock()
	defer r.flushing.Unlock()
	for {
		part := r.take()
		if len(part) == 0 {
			return nil
		}
		if err := r.sink(ctx, part); err != nil {
			r.putBack(part)
			return fmt.Errorf("evidence: %w", err)
		}
	}
}

func (r *Recorder) take() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.ring), flushSize)
	part := make([]Message, n)
	copy(part, r.ring)
	if r.ring = r.ring[n:]; len(r.ring) == 0 {
		r.ring = nil // the array behind it, grown in a burst, can go
	}
	return part
}

func (r *Recorder) putBack(part []Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if over := len(part) + len(r.ring) - capacity; over > 0 {
		r.dropped += int64(over)
		part = part[min(over, len(part)):]
	}
	r.ring = append(part, r.ring...)
}

// Dropped counts the messages that were forgotten for want of room since the start.
func (r *Recorder) Dropped() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}

// Waiting counts the messages that the next Flush will hand over.
func (r *Recorder) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ring)
}
