package gateway

import (
	"context"
	"slices"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// Timeline is everything that happened to an invoice, in order: its state changes, the redacted
// traffic with its provider, every try to tell the app, and what was put before a person.
func (g *Gateway) Timeline(ctx context.Context, invoiceID string) (out []TimelineEntry, err error) {
	if err := g.Evidence.Flush(ctx); err != nil {
		g.Logger.WarnContext(ctx, "provider messages could not be written", "error", err)
	}
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := found(tx.Invoice(ctx, invoiceID))("invoice"); err != nil {
			return err
		}
		changes, err := tx.Changes(ctx, invoiceID)
		if err != nil {
			return err
		}
		messages, err := tx.Messages(ctx, invoiceID)
		if err != nil {
			return err
		}
		deliveries, err := tx.Deliveries(ctx, invoiceID)
		if err != nil {
			return err
		}
		alarms, err := tx.Alarms(ctx, invoiceID)
		if err != nil {
			return err
		}
		out = timelineOf(invoiceID, changes, messages, deliveries, alarms)
		return nil
	})
	slices.SortStableFunc(out, func(a, b TimelineEntry) int { return a.At.Compare(b.At) })
	return out, err
}

// timelineOf words rows of the book as entries, each kind after the other.
func timelineOf(invoiceID string, changes []store.Change, messages []store.Message, deliveries []store.Delivery, alarms []pay.Alarm) (out []TimelineEntry) {
	for _, c := range changes {
		out = append(out, TimelineEntry{
			row: c.ID, At: c.At, Kind: "change", What: c.What, ID: first(c.RefundID, first(c.PaymentID, invoiceID)),
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
		out = append(out, TimelineEntry{row: a.ID, At: a.CreatedAt, Kind: "alarm", ID: a.PaymentID, What: string(a.Kind), Note: a.Message})
	}
	return out
}
