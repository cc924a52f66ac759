package gateway_test

import (
	"context"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Work that no repeat mends is tried ever more rarely, a person is told once, and it goes on as soon
// as it can.
func TestWorkThatAlwaysFails(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		failing := func() (n int64) {
			err := fx.store.View(t.Context(), func(ctx context.Context, tx *storeTx) error {
				s, err := tx.Stats(ctx)
				n = s.Failing
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		inv := fx.paid("host", "o1")
		r := fx.lostRefund(inv.ID, 40_000)
		tries := 0
		fx.host.onInquire = func(provider.Question) (provider.Report, error) {
			tries++
			panic("a fault of ours")
		}
		for range 36 { // six hours
			fx.advance(10 * time.Minute)
			_, _ = fx.runner.RunDue(t.Context())
		}
		if tries < 7 || tries > 14 || failing() != 1 {
			t.Errorf("%d tries, %d failing", tries, failing())
		}
		if open := fx.open(inv.ID); !speaks(open, "the answer of host to a refund was lost", `"refund" fails again and again, and is tried ever more rarely: panic: a fault of ours`) {
			t.Errorf("%q", open)
		}
		fx.host.onInquire = nil
		fx.advance(time.Hour)
		fx.settle()
		if got, err := fx.Refund(t.Context(), r.ID); err != nil || got.State != pay.MoveSucceeded || failing() != 0 {
			t.Errorf("%s, %v, %d failing", got.State, err, failing())
		}
	})
}

// The same of a payout.
func TestPayoutWorkThatAlwaysFails(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.payer.asks = true
		fx.payer.after = func(string) error { return errReset }
		id := fx.create(fx.payout("p1", false), gateway.Idem{}).Value.ID
		for range 12 {
			fx.payer.during = func() { panic("a fault of ours") }
			fx.advance(10 * time.Minute)
			_, _ = fx.runner.RunDue(t.Context())
		}
		if n := fx.openPayoutAlarms(id); n != 2 { // its answer was lost, and its work fails
			t.Errorf("%d alarms", n)
		}
	})
}
