// Package outbox runs the work that a transaction left for later: deliveries, refunds under
// way, questions about unknown outcomes. It knows no kind of work by name.
//
// A row of work is claimed with a lease and a token. Whoever claims a row after the lease has
// ended gets another token, and only the newest token can finish it (fencing): a process that
// was slow, stopped or cut off cannot undo what another did meanwhile.
package outbox

import (
	"context"
	"time"
)

// Work is one row of the outbox.
type Work struct {
	ID         string
	BusinessID string
	Kind       string // deliver, refund, settle, ...
	Subject    string // what it is about; unique within the kind
	Lane       string // the receiver's host, or the provider: what may hang together
	DueAt      time.Time
	Attempts   int    // how often it was claimed before
	Gen        int64  // grows with every Enqueue of the same work: something new came meanwhile
	Lease      string // the token of this claim
	LeaseUntil time.Time
	LastError  string
	Failures   int // how often in a row its handler failed
}

// Queue is what the runner needs of the store. Each method is one transaction.
type Queue interface {
	// Claim leases up to n rows that are due at now, taking from each lane at most what free
	// says it can still carry (a lane not named there: perLane), and skipping lanes that are
	// full without looking at their rows.
	//
	// Where that are fewer than n, next is when the earliest row falls due that is left; zero when there
	// is none. A leased row falls due when its lease ends: then somebody must take it over.
	Claim(ctx context.Context, now time.Time, lease time.Duration, n, perLane int, free map[string]int) (work []Work, next time.Time, err error)

	// HandBack gives up the leases of work that was not begun, so that others may take it at once.
	HandBack(ctx context.Context, now time.Time, work []Work) error

	// Wakes signals that work may have fallen due, here or in another process.
	Wakes() <-chan struct{}
}
