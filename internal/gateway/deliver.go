package gateway

import (
	"context"
	"errors"
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
	var e pay.Event
	err := g.store.Look(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		e, err = tx.OldestUndelivered(ctx, businessID, order)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return g.finish(ctx, w)
	}
	if err != nil {
		return err
	}
	if g.now().Before(e.NextAt) { // a newer event of the order woke us; it waits behind this one
		return g.update(ctx, byWorker, func(ctx context.Context, b *book) error { return b.later(ctx, w, e.NextAt, w.LastError) })
	}
	res := g.send(ctx, e, e.InvoiceID)

	sent := e
	return g.update(context.WithoutCancel(ctx), byWorker, func(ctx context.Context, b *book) error {
		e := sent // the closure may run again
		// Under the invoice's lock no newer event can come in between: it would count as delivered.
		was, err := b.LockTry(ctx, w, e)
		if err != nil {
			return err
		}
		if !was.Leased {
			return errLeaseLost
		}
		e.Attempts++
		if err := b.InsertDelivery(ctx, store.Delivery{
			ID: id.New(), BusinessID: e.BusinessID, EventID: e.ID, InvoiceID: e.InvoiceID, Attempt: e.Attempts,
			At: b.now, Status: res.Status, Duration: res.Duration, Error: res.Error, Answer: evidence.Mask(res.Answer),
		}); err != nil {
			return err
		}
		if was.Attempts != sent.Attempts { // a person pressed "send again" while this try was under way
			return b.done(ctx, w)
		}
		e.NextAt = g.afterDelivery(&e, res.Delivered, b.now)
		if err := b.SaveEvent(ctx, e); err != nil {
			return err
		}
		if !e.NextAt.IsZero() {
			return b.later(ctx, w, e.NextAt, res.Error)
		}
		if res.Delivered {
			if err := b.SetNotifyDelivered(ctx, e.InvoiceID, !was.Newer); err != nil {
				return err
			}
		}
		switch {
		case was.More:
			return b.later(ctx, w, b.now, "")
		case was.Grew:
			return b.done(ctx, w)
		}
		return b.Drop(ctx, w)
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
