package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/evidence"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/webhook"
)

// Deliver sends the oldest event of an order that has not arrived, once. There is one row of
// work per order, so its events cannot overtake each other.
func (g *Gateway) Deliver(ctx context.Context, w outbox.Work) error {
	businessID, order, _ := strings.Cut(w.Subject, "/")
	e, err := g.next(ctx, store.Line{BusinessID: businessID, SourceInvoiceID: order})
	if errors.Is(err, store.ErrNotFound) {
		return g.finish(ctx, w)
	}
	if err != nil {
		return err
	}
	if g.now().Before(e.NextAt) { // a newer event of the order woke us; it waits behind this one
		return g.update(ctx, byWorker, func(ctx context.Context, b *book) error { return b.later(ctx, w, e.NextAt, w.LastError) })
	}
	t := try{store.Sent{Event: e, Work: w}, g.send(ctx, e, e.InvoiceID)}
	ctx = context.WithoutCancel(ctx)
	if t.res.Delivered {
		err := g.arrivals.join(t, func(tries []try) []error {
			ctx, cancel := context.WithTimeout(ctx, Lease/3) // until it has a connection: others wait for this one
			defer cancel()
			return g.arrived(ctx, tries)
		})
		if !errors.Is(err, errAlone) {
			return err
		}
	}
	return g.tried(ctx, t)
}

// asked is a worker's question what is to be sent next on a line.
type asked struct {
	store.Line
	next pay.Event
}

// linesMost is how many questions share a statement.
const linesMost = 32

// next is the event of a line that is to be sent next; store.ErrNotFound where there is none. Workers
// who ask at about the same time ask with one statement.
func (g *Gateway) next(ctx context.Context, line store.Line) (pay.Event, error) {
	a := &asked{Line: line}
	err := g.lines.join(a, func(all []*asked) []error { return g.askTogether(ctx, all) })
	if errors.Is(err, errAlone) {
		err = g.store.Look(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			a.next, err = tx.OldestUndelivered(ctx, line.BusinessID, line.SourceInvoiceID)
			return err
		})
	}
	if err == nil {
		err = ctx.Err() // the lease has ended meanwhile: what is sent now would be no try of ours
	}
	return a.next, err
}

// askTogether answers several questions with one statement, and says of each how that went. It is bounded by
// itself, since others wait who have more time than ctx; where it fails, each asks alone.
func (g *Gateway) askTogether(ctx context.Context, all []*asked) []error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Lease/3)
	defer cancel()
	ends := make([]error, len(all))
	lines := make([]store.Line, len(all))
	for i, a := range all {
		lines[i] = a.Line
	}
	err := g.store.Look(ctx, func(ctx context.Context, tx *store.Tx) error {
		found, err := tx.FirstUndelivered(ctx, lines)
		if err != nil {
			return err
		}
		for i, a := range all {
			at := slices.IndexFunc(found, func(e pay.Event) bool {
				return a.Line == store.Line{BusinessID: e.BusinessID, SourceInvoiceID: e.SourceInvoiceID}
			})
			if ends[i] = store.ErrNotFound; at >= 0 {
				a.next, ends[i] = found[at], nil
			}
		}
		return nil
	})
	return endsOf(ctx, ends, err)
}

// try is one try to tell an app of an event, and how it ended.
type try struct {
	store.Sent
	res webhook.Result
}

// arrivalsMost is how many arrivals share a transaction: it locks as many invoices.
const arrivalsMost = 32

// errAlone says that the end of a try is to be written by itself.
var errAlone = errors.New("not with others")

// endsOf says of each of a lot how it ended, where all of it may have ended with err.
func endsOf(ctx context.Context, ends []error, err error) []error {
	for i := range ends {
		switch {
		case err == nil:
		case len(ends) == 1 && ctx.Err() == nil:
			ends[i] = err
		default:
			ends[i] = errAlone // the fault may be another's, or the bound was
		}
	}
	return ends
}

// arrived writes, in one transaction, that events have arrived, and says of each how that went. What
// needs more than that one word is left alone: an event that is sent again, or has others behind it, or
// whose invoice somebody else holds. It waits for no lock, since it holds others' meanwhile.
func (g *Gateway) arrived(ctx context.Context, tries []try) []error {
	ends := make([]error, len(tries))
	sent := make([]store.Sent, len(tries))
	for i, t := range tries {
		sent[i] = t.Sent
	}
	err := g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		was, err := b.LockSent(ctx, sent, false)
		if err != nil {
			return err
		}
		var plain []store.Sent
		var made []store.Delivery
		for i, t := range tries {
			ends[i] = errAlone
			if was[i] == (store.Try{Attempts: t.Event.Attempts, Leased: true}) {
				ends[i] = nil
				plain, made = append(plain, t.Sent), append(made, t.delivery(t.Event.Attempts+1, b.now))
			}
		}
		if len(plain) == 0 {
			return nil
		}
		if err := b.InsertDeliveries(ctx, made...); err != nil {
			return err
		}
		return b.Arrived(ctx, plain, b.now)
	})
	return endsOf(ctx, ends, err)
}

func (t try) delivery(attempt int, now time.Time) store.Delivery {
	return store.Delivery{
		ID: id.New(), BusinessID: t.Event.BusinessID, EventID: t.Event.ID, InvoiceID: t.Event.InvoiceID, Attempt: attempt,
		At: now, Status: t.res.Status, Duration: t.res.Duration, Error: t.res.Error, Answer: evidence.Mask(t.res.Answer),
	}
}

// tried writes how one try has ended, and what comes next of its order.
func (g *Gateway) tried(ctx context.Context, t try) error {
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		e := t.Event // the closure may run again
		// Under the invoice's lock no newer event can come in between: it would count as delivered.
		all, err := b.LockSent(ctx, []store.Sent{t.Sent}, true)
		if err != nil {
			return err
		}
		was := all[0]
		if !was.Leased {
			return errLeaseLost
		}
		e.Attempts++
		if err := b.InsertDeliveries(ctx, t.delivery(e.Attempts, b.now)); err != nil {
			return err
		}
		if was.Attempts != t.Event.Attempts { // a person pressed "send again" while this try was under way
			return b.done(ctx, t.Work)
		}
		e.NextAt = g.afterDelivery(&e, t.res.Delivered, b.now)
		if err := b.SaveEvent(ctx, e); err != nil {
			return err
		}
		if !e.NextAt.IsZero() {
			return b.later(ctx, t.Work, e.NextAt, t.res.Error)
		}
		if t.res.Delivered {
			if err := b.SetNotifyDelivered(ctx, e.InvoiceID, !was.Newer); err != nil {
				return err
			}
		}
		if was.More {
			return b.later(ctx, t.Work, b.now, "")
		}
		return b.done(ctx, t.Work)
	})
}

// send tries once to tell the app. subject is the id of what e is about.
func (g *Gateway) send(ctx context.Context, e pay.Event, subject string) webhook.Result {
	header := webhook.Sign(g.Secrets, e.ID, g.Now(), e.Body)
	header.Set("X-Payment-Event", e.Type)
	header.Set("X-Payment-Id", subject)
	header.Set("X-Payment-Event-Id", e.ID)
	res := g.Sender.Send(ctx, e.NotifyURL, header, e.Body)
	g.Metrics.Delivery(res.Delivered, g.now().Sub(e.CreatedAt))
	return res
}

// afterDelivery says when the event is tried again: at the fast retries' times, then, standing
// under Stuck, at the slow ones'. Zero: it arrived, or is given up.
func (g *Gateway) afterDelivery(e *pay.Event, delivered bool, now time.Time) time.Time {
	if delivered {
		e.DeliveredAt, e.StuckAt = now, time.Time{}
		return time.Time{}
	}
	retry := e.Attempts - 1
	if retry < len(g.FastRetries) {
		return now.Add(g.FastRetries[retry])
	}
	if e.StuckAt.IsZero() {
		e.StuckAt = now
	}
	if retry -= len(g.FastRetries); retry < len(g.SlowRetries) {
		return now.Add(g.SlowRetries[retry])
	}
	e.DeadAt = now
	return time.Time{}
}
