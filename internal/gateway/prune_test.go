package gateway_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/store"
)

const day = 24 * time.Hour

// What arrived is forgotten when it is old, and nothing else: not what never arrived, and not an
// invoice's newest webhook, which can be sent again and from which the numbers go on.
func TestOldWebhooksAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.KeepEvents = 30 * day
		twice, once := fx.paid("host", "twice"), fx.paid("host", "once")
		if _, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: twice.ID}, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		fx.settle()
		fx.app.say(500)
		never := fx.paid("host", "never")
		kept := func() (out string) {
			t.Helper()
			if err := fx.store.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				events, err := tx.EventsAfter(ctx, "", 1000)
				if err != nil {
					return err
				}
				out = fmt.Sprintf("%d events; tries", len(events))
				for _, inv := range []gateway.Invoice{twice, once, never} {
					tries, err := tx.Deliveries(ctx, inv.ID)
					if err != nil {
						return err
					}
					out += fmt.Sprintf(" %d", len(tries))
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return out
		}
		for range 10 { // until the last is given up
			fx.settle()
			fx.advance(time.Minute)
		}
		if got, want := kept(), "4 events; tries 2 1 4"; got != want {
			t.Fatalf("before: %s, want %s", got, want)
		}
		fx.advance(29 * day)
		fx.settle()
		if got, want := kept(), "4 events; tries 2 1 4"; got != want {
			t.Fatalf("after 29 days: %s, want %s", got, want)
		}
		fx.advance(day)
		fx.settle()
		if got, want := kept(), "3 events; tries 0 0 4"; got != want {
			t.Fatalf("after 30 days: %s, want %s", got, want)
		}

		fx.app.say(200)
		before := len(fx.app.received)
		if _, err := fx.Notify(t.Context(), twice.ID, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		if _, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: once.ID}, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		fx.settle()
		told := map[string]int64{}
		for _, m := range fx.app.received[before:] {
			told[m.Invoice+" "+m.Status] = m.Sequence
		}
		if told[twice.ID+" refunded"] != 2 || told[once.ID+" refunded"] != 2 {
			t.Errorf("told afterwards, by number: %v", told)
		}
	})
}

// Nothing is forgotten unless it was asked for, and then all that is old, in however many parts.
func TestOldMessagesAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "link")
		list := make([]store.Message, 450)
		for i := range list {
			list[i] = store.Message{ID: id.New(), MerchantID: m.ID, InvoiceID: "inv", Direction: "in", At: fx.Now().Add(time.Duration(i) * time.Second)}
		}
		if err := fx.store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.InsertMessages(ctx, list) }); err != nil {
			t.Fatal(err)
		}
		left := func() (n int) {
			t.Helper()
			fx.settle()
			if err := fx.store.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				messages, err := tx.Messages(ctx, "inv")
				n = len(messages)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return n
		}
		fx.advance(365 * day)
		if n := left(); n != 450 {
			t.Fatalf("%d messages left, and nobody asked to forget any", n)
		}
		fx.KeepMessages = 365*day - 440*time.Second
		if n := left(); n != 10 {
			t.Fatalf("%d messages left, want 10", n)
		}
	})
}
