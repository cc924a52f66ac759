package gateway

import (
	"context"

	"github.com/chorsu/chorsu/internal/store"
)

// How much is forgotten in one transaction: little, since on SQLite payments wait for it.
const (
	pruneMessagesBatch = 200
	pruneEventsBatch   = 100
)

// settingForgotten is the id of the event up to which old ones have been looked at. What was kept
// then (it had not arrived, or was its invoice's newest) is not looked at again: so each event
// costs one look, however many there are, and no index of its own.
const settingForgotten = "events_forgotten_to"

func (g *Gateway) pruneMessages(ctx context.Context) (n int, err error) {
	if g.KeepMessages == 0 {
		return 0, nil
	}
	err = g.store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		n, err = tx.PruneMessages(ctx, g.now().Add(-g.KeepMessages), pruneMessagesBatch)
		return err
	})
	return n, err
}

// pruneEvents forgets the tries of old webhooks that arrived, and those webhooks themselves for
// which the invoice has a newer one: the newest is what a person can send again, and the next
// one's number follows on it. more: there may be further old ones.
func (g *Gateway) pruneEvents(ctx context.Context) (more bool, err error) {
	if g.KeepEvents == 0 {
		return false, nil
	}
	before := g.now().Add(-g.KeepEvents)
	err = g.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		more = false
		from, err := tx.FirstSetting(ctx, settingForgotten, "")
		if err != nil {
			return err
		}
		events, err := tx.EventsAfter(ctx, from, pruneEventsBatch)
		if err != nil {
			return err
		}
		to := from
		for _, e := range events {
			if !e.CreatedAt.Before(before) {
				break
			}
			to = e.ID
			if err := forget(ctx, tx, e); err != nil {
				return err
			}
		}
		if to == from {
			return nil
		}
		more = len(events) == pruneEventsBatch && to == events[len(events)-1].ID
		_, err = tx.ReplaceSetting(ctx, settingForgotten, from, to) // where another process was first, it has done the same
		return err
	})
	return more, err
}

func forget(ctx context.Context, tx *store.Tx, e store.EventMark) error {
	if !e.Delivered {
		return nil
	}
	if err := tx.DropDeliveries(ctx, e.ID); err != nil || e.Newest {
		return err
	}
	return tx.DropEvent(ctx, e.ID)
}
