package gateway

import (
	"context"
	"slices"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// Timeline is everything that happened to an invoice, in order: its state changes, the redacted
// traffic with its provider, every try to tell the app, and what was put before a person.
func (g *Gateway) Timeline(ctx context.Context, invoiceID string) ([]TimelineEntry, error) {
	return g.timeline(ctx, invoiceID, func(ctx context.Context, tx *store.Tx) (deliveries []store.Delivery, alarms []pay.Alarm, err error) {
		if _, err = found(tx.Invoice(ctx, invoiceID))("invoice"); err != nil {
			return nil, nil, err
		}
		if deliveries, err = tx.Deliveries(ctx, invoiceID); err != nil {
			return nil, nil, err
		}
		alarms, err = tx.Alarms(ctx, invoiceID)
		return deliveries, alarms, err
	})
}

// PayoutTimeline is everything that happened to a payout, in order.
func (g *Gateway) PayoutTimeline(ctx context.Context, payoutID string) ([]TimelineEntry, error) {
	return g.timeline(ctx, payoutID, func(ctx context.Context, tx *store.Tx) (deliveries []store.Delivery, alarms []pay.Alarm, err error) {
		if _, err = found(tx.Payout(ctx, payoutID))("payout"); err != nil {
			return nil, nil, err
		}
		if deliveries, err = tx.PayoutDeliveries(ctx, payoutID); err != nil {
			return nil, nil, err
		}
		alarms, err = tx.PayoutAlarms(ctx, payoutID)
		return deliveries, alarms, err
	})
}

// timeline puts together what is kept about an invoice or a payout.
func (g *Gateway) timeline(ctx context.Context, subject string, rest func(context.Context, *store.Tx) ([]store.Delivery, []pay.Alarm, error)) (out []TimelineEntry, err error) {
	if err := g.Evidence.Flush(ctx); err != nil {
		g.Logger.WarnContext(ctx, "provider messages could not be written", "error", err)
	}
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		deliveries, alarms, err := rest(ctx, tx)
		if err != nil {
			return err
		}
		changes, err := tx.Changes(ctx, subject)
		if err != nil {
			return err
		}
		messages, err := tx.Messages(ctx, subject)
		if err != nil {
			return err
		}
		out = timelineOf(subject, changes, messages, deliveries, alarms)
		return nil
	})
	slices.SortStableFunc(out, func(a, b TimelineEntry) int { return a.At.Compare(b.At) })
	return out, err
}

// timelineOf words rows of the book as entries, each kind after the other.
func timelineOf(subject string, changes []store.Change, messages []store.Message, deliveries []store.Delivery, alarms []pay.Alarm) (out []TimelineEntry) {
	for _, c := range changes {
		out = append(out, TimelineEntry{
			row: c.ID, At: c.At, Kind: "change", What: c.What, ID: first(c.RefundID, first(c.PaymentID, subject)),
			Was: c.Was, Now: c.Now, By: c.By, Note: c.Note,
		})
	}
	for _, m := range messages {
		out = append(out, TimelineEntry{
			row: m.ID, At: m.At, Kind: "message", ID: m.PaymentID, Direction: m.Direction, Step: m.Step,
			Request: m.Request, Response: m.Response, Status: m.Status, Duration: m.Duration,
		})
	}
	for _, d := range deliveries {
		out = append(out, TimelineEntry{
			row: d.ID, At: d.At, Kind: "delivery", EventID: d.EventID, Attempt: d.Attempt,
			Status: d.Status, Duration: d.Duration, Note: d.Error, Response: d.Answer,
		})
	}
	for _, a := range alarms {
		out = append(out, TimelineEntry{row: a.ID, At: a.CreatedAt, Kind: "alarm", ID: first(a.PaymentID, a.PayoutID), What: string(a.Kind), Note: a.Message})
	}
	return out
}
