package gateway

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// Redeliver has one event that has not arrived sent again, the same id and bytes, from its first
// try on. What stands before it in the order goes first. One that has arrived is a conflict: an
// app is told again by Notify, of the latest event only.
func (g *Gateway) Redeliver(ctx context.Context, eventID string) error {
	return g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		e, err := found(b.Event(ctx, eventID))("event")
		if err != nil {
			return err
		}
		inv, err := b.LockInvoice(ctx, e.InvoiceID)
		if err != nil {
			return err
		}
		if e, err = b.Event(ctx, eventID); err != nil { // again, under the lock
			return err
		}
		if !e.DeliveredAt.IsZero() {
			return &pay.Error{Code: pay.CodeConflict, Reason: "delivered", Message: "this event has arrived"}
		}
		return b.sendAgain(ctx, &inv, e)
	})
}

// againBatch is how many events one turn of the work sends again, each in a transaction of its
// own.
const againBatch = 100

// RedeliverStuck has every event sent again that is stuck now and was made in [since, to): all, or
// those for one receiver, which is an address up to its query; zero times are no bounds. However many
// there are, the outbox works them off, oldest first; what gets stuck anew meanwhile stays stuck.
func (g *Gateway) RedeliverStuck(ctx context.Context, receiver string, since, to time.Time) error {
	if receiver != "" {
		if u, err := url.Parse(receiver); err != nil || u.Host == "" || len(receiver) > 300 {
			return &pay.Error{Code: pay.CodeInvalid, Field: "receiver", Message: "this is no receiver's address"}
		}
	}
	return g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		made := strconv.FormatInt(max(since.UnixMilli(), 0), 10)
		if !to.IsZero() {
			made += "-" + strconv.FormatInt(max(to.UnixMilli(), 0), 10)
		}
		subject := made + " " + strconv.FormatInt(b.now.UnixMilli(), 10) + " " + receiver
		return b.Enqueue(ctx, outbox.Work{Kind: workAgain, Subject: subject, Lane: workAgain, DueAt: b.now})
	})
}

// againWork sends the next of them again, until there are none.
func (g *Gateway) againWork(ctx context.Context, w outbox.Work) error {
	fields := strings.SplitN(w.Subject, " ", 3)
	if len(fields) != 3 {
		return g.finish(ctx, w)
	}
	first, last, bounded := strings.Cut(fields[0], "-")
	since, err1 := strconv.ParseInt(first, 10, 64)
	until, err2 := strconv.ParseInt(fields[1], 10, 64)
	var to time.Time
	var err3 error
	if bounded {
		var ms int64
		ms, err3 = strconv.ParseInt(last, 10, 64)
		to = time.UnixMilli(ms)
	}
	if err1 != nil || err2 != nil || err3 != nil {
		return g.finish(ctx, w)
	}
	var ids []string
	err := g.store.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		ids, err = tx.StuckEvents(ctx, fields[2], time.UnixMilli(since), to, time.UnixMilli(until), againBatch)
		return err
	})
	if err != nil {
		return err
	}
	for _, eventID := range ids {
		// One that arrived in between needs nothing more.
		if err := g.Redeliver(ctx, eventID); err != nil && pay.CodeOf(err) != pay.CodeConflict {
			return err // the runner comes back to it
		}
	}
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		if len(ids) == againBatch {
			return b.later(ctx, w, b.now, "")
		}
		return b.done(ctx, w)
	})
}
