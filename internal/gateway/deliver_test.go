package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// The first try is at once, then come the fast retries, then the invoice stands under Stuck while
// the slow ones go on; the same id and bytes each time; a dead event no longer blocks its order.
func TestDeliverySchedule(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.app.say(500)
		inv := fx.paid("host", "o1")
		tries := func(want int) {
			t.Helper()
			fx.settle()
			if got := len(fx.app.statuses()); got != want {
				t.Fatalf("%d tries, want %d", got, want)
			}
		}
		tries(1)
		fx.advance(time.Second - time.Millisecond)
		tries(1)
		fx.advance(time.Millisecond)
		tries(2)
		fx.advance(2 * time.Second)
		tries(3)
		if fx.get(inv.ID).NotifyDelivered {
			t.Fatal("it counts as delivered")
		}
		if _, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		tries(3) // the refund's event waits behind the first
		fx.advance(time.Minute)
		tries(5) // the last slow retry of the first, then the second's first try
		fx.app.say(200)
		fx.advance(time.Second)
		tries(6)
		if got := fx.app.statuses(); !slices.Equal(got, []string{"paid", "paid", "paid", "paid", "refunded", "refunded"}) {
			t.Fatalf("the app was told %v", got)
		}
		for i, m := range fx.app.received {
			if same := fx.app.received[0]; i < 4 && (m.Raw != same.Raw || m.EventID != same.EventID) {
				t.Fatalf("try %d differs:\n%s\n%s", i, same.Raw, m.Raw)
			}
		}
		if !fx.get(inv.ID).NotifyDelivered {
			t.Fatal("the newest event has arrived")
		}
		if _, err := fx.Notify(t.Context(), inv.ID, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		tries(7)
		if last := fx.app.received[6]; last.Raw != fx.app.received[5].Raw || last.EventID != fx.app.received[5].EventID {
			t.Fatal("notify sends the latest event again, with its id and bytes")
		}
	})
}

// Nothing has happened, so there is nothing to tell.
func TestNotifyWithoutAnEvent(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.merchant("b1", "link")
		inv := fx.invoice(fx.input("link", "o1"))
		if _, err := fx.Notify(t.Context(), inv.ID, gateway.Idem{}); reason(err) != "no_event" {
			t.Fatal(err)
		}
	})
}

// Whoever presses "send again" while a try is under way gets another one, whatever becomes of it.
func TestNotifyDuringATry(t *testing.T) {
	for _, answer := range []int{200, 500} {
		each(t, func(t *testing.T, fx *fixture) {
			fx.app.say(500)
			inv := fx.paid("host", "o1")
			fx.settle()
			fx.advance(time.Second)
			fx.app.say(answer)
			fx.app.during = func() {
				fx.app.during = nil
				if _, err := fx.Notify(t.Context(), inv.ID, gateway.Idem{}); err != nil {
					t.Error(err)
				}
			}
			fx.settle() // the second try, and at once the one that was asked for
			if got := len(fx.app.statuses()); got != 3 {
				t.Fatalf("%d tries, want 3", got)
			}
			if got := fx.get(inv.ID).NotifyDelivered; got != (answer == 200) {
				t.Fatalf("answered %d, delivered %v", answer, got)
			}
		})
	}
}

// Webhooks that arrive at the same time are written in one transaction, each by what it is: one whose
// lease somebody else has by now, and one that is asked for again meanwhile, spoil nobody's.
func TestArrivalsTogether(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		var invoices []gateway.Invoice
		for _, order := range []string{"o1", "o2", "o3", "o4"} {
			invoices = append(invoices, fx.paid("host", order))
		}
		work, _, err := fx.store.Queue().Claim(t.Context(), fx.Now(), 30*time.Second, 10, 10, nil)
		if err != nil || len(work) != 4 {
			t.Fatalf("%d pieces of work: %v", len(work), err)
		}
		slices.SortFunc(work, func(a, b outbox.Work) int { return strings.Compare(a.Subject, b.Subject) })
		work[2].Lease = "another's"

		waiting, release := gateway.HoldArrivals(fx.Gateway)
		ends := make([]error, len(work))
		var all sync.WaitGroup
		for i, w := range work {
			all.Go(func() { ends[i] = fx.Deliver(t.Context(), w) })
		}
		for waiting() < len(work) {
			runtime.Gosched()
		}
		if _, err := fx.Notify(t.Context(), invoices[3].ID, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		_, before := fx.store.Counts()
		release()
		all.Wait()
		if _, after := fx.store.Counts(); after-before != 2 {
			t.Errorf("%d commits: want one for all, and one for what was asked for again", after-before)
		}
		for i, err := range ends {
			if (err != nil) != (i == 2) {
				t.Errorf("%s: %v", work[i].Subject, err)
			}
		}
		for i, inv := range invoices {
			if got := fx.get(inv.ID).NotifyDelivered; got != (i != 2) {
				t.Errorf("%s: delivered %v", work[i].Subject, got)
			}
		}
		fx.advance(time.Minute) // the lease that was really held ends
		fx.settle()
		if got := len(fx.app.statuses()); got != 5 || !fx.get(invoices[2].ID).NotifyDelivered {
			t.Errorf("%d tries; want one more, of the order whose lease was lost", got)
		}
		if left, next, err := fx.store.Queue().Claim(t.Context(), fx.Now(), time.Second, 10, 10, nil); err != nil || len(left) > 0 || !next.IsZero() {
			t.Errorf("work is left: %v, %v, %v", left, next, err)
		}
	})
}

// Workers who ask at about the same time what is to be sent ask with one statement; one who has nothing
// to send any more ends his work, and each of the others sends his own line's.
func TestWorkersAskTogether(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		var invoices []gateway.Invoice
		for i := range 4 {
			invoices = append(invoices, fx.paid("host", fmt.Sprint("o", i)))
		}
		work, _, err := fx.store.Queue().Claim(t.Context(), fx.Now(), gateway.Lease, 10, 10, nil)
		if err != nil || len(work) != len(invoices) {
			t.Fatalf("%d pieces of work: %v", len(work), err)
		}
		slices.SortFunc(work, func(a, b outbox.Work) int { return strings.Compare(a.Subject, b.Subject) })
		work[3].Subject += " that never was"

		waiting, release := gateway.HoldLines(fx.Gateway)
		ends := make([]error, len(work))
		var all sync.WaitGroup
		for i, w := range work {
			all.Go(func() { ends[i] = fx.Deliver(t.Context(), w) })
		}
		for waiting() < len(work) {
			runtime.Gosched()
		}
		var mu sync.Mutex
		reads := 0
		fx.store.Observe(func(_ *store.Tx, query string, _ []any) {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(query, "SELECT") && strings.Contains(query, "notify_url") {
				reads++
			}
		})
		release()
		all.Wait()
		if reads != 1 {
			t.Errorf("%d statements read what is to be sent, want 1", reads)
		}
		for i, err := range ends {
			if err != nil {
				t.Errorf("%s: %v", work[i].Subject, err)
			}
		}
		for i, inv := range invoices {
			if got := fx.get(inv.ID).NotifyDelivered; got != (i != 3) {
				t.Errorf("%s: delivered %v", work[i].Subject, got)
			}
		}
	})
}

// A worker whose lease ends while he waits for what is to be sent sends nothing, and has not tried.
func TestALeaseEndsBeforeTheAnswer(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		work, _, err := fx.store.Queue().Claim(t.Context(), fx.Now(), gateway.Lease, 10, 10, nil)
		if err != nil || len(work) != 1 {
			t.Fatalf("%d pieces of work: %v", len(work), err)
		}
		waiting, release := gateway.HoldLines(fx.Gateway)
		lease, ends := context.WithCancel(t.Context())
		end := make(chan error, 1)
		go func() { end <- fx.Deliver(lease, work[0]) }()
		for waiting() < 1 {
			runtime.Gosched()
		}
		ends()
		release()
		if err := <-end; !errors.Is(err, context.Canceled) {
			t.Errorf("it ends with %v", err)
		}
		var tries []store.Delivery
		err = fx.store.View(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			tries, err = tx.Deliveries(ctx, inv.ID)
			return err
		})
		if err != nil || len(tries) > 0 || len(fx.app.statuses()) > 0 {
			t.Errorf("%d tries are written, %d arrived; %v", len(tries), len(fx.app.statuses()), err)
		}
		fx.advance(gateway.Lease + time.Second)
		fx.settle()
		if !fx.get(inv.ID).NotifyDelivered {
			t.Error("it is not sent by the next who has the lease")
		}
	})
}

// Who writes others' arrivals waits for nobody's invoice: one that is held, by a process that stands still
// in the midst of a transaction, say, keeps its own webhook waiting and no other.
func TestArrivalsWaitForNobody(t *testing.T) {
	fx := newFixture(t, storetest.Postgres) // SQLite has one writer
	held, other := fx.paid("host", "o1"), fx.paid("host", "o2")
	work, _, err := fx.store.Queue().Claim(t.Context(), fx.Now(), 30*time.Second, 10, 10, nil)
	if err != nil || len(work) != 2 {
		t.Fatalf("%d pieces of work: %v", len(work), err)
	}
	slices.SortFunc(work, func(a, b outbox.Work) int { return strings.Compare(a.Subject, b.Subject) })
	waiting, release := gateway.HoldArrivals(fx.Gateway)
	var ends [2]chan error
	for i, w := range work {
		ends[i] = make(chan error, 1)
		go func() { ends[i] <- fx.Deliver(t.Context(), w) }()
	}
	for waiting() < len(work) {
		runtime.Gosched()
	}
	holds, let := make(chan struct{}), make(chan struct{})
	holder := make(chan error, 1)
	go func() {
		holder <- fx.store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LockInvoice(ctx, held.ID)
			close(holds)
			<-let
			return err
		})
	}()
	<-holds
	release()
	if err := <-ends[1]; err != nil || !fx.get(other.ID).NotifyDelivered {
		t.Errorf("the other's webhook: %v", err)
	}
	if fx.get(held.ID).NotifyDelivered {
		t.Error("the invoice was not held")
	}
	close(let)
	if err := <-ends[0]; err != nil || !fx.get(held.ID).NotifyDelivered {
		t.Errorf("the webhook of the held invoice: %v", err)
	}
	if err := <-holder; err != nil {
		t.Fatal(err)
	}
}

// A lot whose leader panics ends for those whom he led, and the next lot has its turn.
func TestGatherAfterAPanic(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		gateway.PanicOfArrivals(fx.Gateway)
		fx.settle()
		if !fx.get(inv.ID).NotifyDelivered {
			t.Error("the next arrival was not written")
		}
	})
}
