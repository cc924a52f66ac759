package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// claim is one request's hold on its idempotency key. It is taken by the transaction that
// writes the resource, so that an answer given before anything was written is not kept.
type claim struct {
	scope, key, hash string
	keep             bool // for ever, not 30 days
}

// twin is what a claim finds when the key is known.
type twin struct {
	resource string
	status   int
	running  bool // the first request may still be at work
}

func (g *Gateway) newClaim(op, source string, key Idem, keep bool) (claim, error) {
	if key.Key == "" {
		return claim{}, nil
	}
	h, err := g.hash(key.Request)
	return claim{scope: op + ":" + source, key: key.Key, hash: h, keep: keep}, err
}

// look says what the key stands for already; nil when it is free. Another request under the
// same key is a conflict.
func (c claim) look(ctx context.Context, tx *store.Tx, now time.Time) (*twin, error) {
	if c.key == "" {
		return nil, nil
	}
	had, err := tx.Key(ctx, c.scope, c.key)
	if err == store.ErrNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.judge(had, now)
}

func (c claim) judge(had store.Claim, now time.Time) (*twin, error) {
	if had.Hash != c.hash {
		return nil, &pay.Error{Code: pay.CodeConflict, Reason: "idempotency_key_reused", Message: "this Idempotency-Key was used for another request; use a new key"}
	}
	// A first request that died never says that it is done: after its lease it is.
	return &twin{resource: had.Resource, status: had.Status, running: !had.Done && now.Sub(had.At) < Lease}, nil
}

// take claims the key for a resource. done false: the request goes on after this transaction.
// A twin that was faster is returned instead.
func (c claim) take(ctx context.Context, tx *store.Tx, resource string, status int, done bool, now time.Time) (*twin, error) {
	if c.key == "" {
		return nil, nil
	}
	ok, had, err := tx.ClaimKey(ctx, store.Claim{
		Scope: c.scope, Key: c.key, Hash: c.hash, Resource: resource,
		Status: status, Done: done, Keep: c.keep, At: now,
	})
	if err != nil || ok {
		return nil, err
	}
	return c.judge(had, now)
}

// finish says that the request has its answer; release forgets it, since nothing was done.
func (c claim) finish(ctx context.Context, tx *store.Tx) error {
	if c.key == "" {
		return nil
	}
	return tx.FinishKey(ctx, c.scope, c.key)
}

func (c claim) release(ctx context.Context, tx *store.Tx) error {
	if c.key == "" {
		return nil
	}
	return tx.ReleaseKey(ctx, c.scope, c.key)
}

var errInProgress = &pay.Error{Code: pay.CodeConflict, Reason: "in_progress", Message: "the same request is still being worked on; ask again in a few seconds"}

// wait runs try until it no longer asks to wait, for at most 20 seconds, at growing intervals.
// The waiting is outside any transaction.
func wait(ctx context.Context, try func() (again bool, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, twinWait)
	defer cancel()
	for pause := twinPoll; ; pause = min(pause*3/2, twinPollMost) {
		again, err := try()
		if err != nil || !again {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errInProgress
		}
	}
}

// turns lets the requests of this process that want the same thing go one after the other, so
// that they do not all ask the database whether it is their turn. Between processes the database
// decides.
type turns struct {
	mu   sync.Mutex
	held map[string]*turn
}

type turn struct {
	slot  chan struct{}
	wants int // who has it or waits for it
}

// take waits for the turn on key until ctx ends. The caller must leave when it is done.
func (t *turns) take(ctx context.Context, key string) (leave func(), err error) {
	t.mu.Lock()
	if t.held == nil {
		t.held = map[string]*turn{}
	}
	mine := t.held[key]
	if mine == nil {
		mine = &turn{slot: make(chan struct{}, 1)}
		t.held[key] = mine
	}
	mine.wants++
	t.mu.Unlock()

	forget := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.wants--; mine.wants == 0 {
			delete(t.held, key)
		}
	}
	select {
	case mine.slot <- struct{}{}:
		return func() { <-mine.slot; forget() }, nil
	case <-ctx.Done():
		forget()
		return nil, errInProgress
	}
}
