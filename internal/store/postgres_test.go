package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// turns are two processes on one PostgreSQL, whose transactions are led step by step: begun
// together, each step on its own, so that they meet where a test wants them to.
type turns struct {
	*shop
	t     *testing.T
	other *store.Store
}

func newTurns(t *testing.T) turns {
	t.Helper()
	t.Parallel()
	dsn := storetest.DSN(t, storetest.Postgres)
	return turns{newShop(t, storetest.Reopen(t, dsn, store.Options{})), t, storetest.Reopen(t, dsn, store.Options{})}
}

// led is a transaction that does one step after another, as it is told.
type led struct {
	steps chan func(context.Context, *store.Tx) error
	done  chan error
	runs  int // how often its closure began
	end   error
}

// lead begins a transaction and waits until it has begun.
func (tu turns) lead(s *store.Store) *led {
	l := &led{steps: make(chan func(context.Context, *store.Tx) error), done: make(chan error, 1)}
	begun := make(chan struct{})
	go func() {
		var once sync.Once
		l.end = s.Update(tu.t.Context(), func(ctx context.Context, tx *store.Tx) error {
			l.runs++
			once.Do(func() { close(begun) })
			for step := range l.steps {
				err := step(ctx, tx)
				if err == nil {
					err = tx.Sent(ctx)
				}
				l.done <- err
				if err != nil {
					return err
				}
			}
			return nil
		})
		close(l.done)
	}()
	<-begun
	return l
}

// do runs one step to its end; start only begins it, and l.done says when it ends.
func (l *led) do(step func(context.Context, *store.Tx) error) error {
	l.start(step)
	return <-l.done
}

func (l *led) start(step func(context.Context, *store.Tx) error) { l.steps <- step }

func (l *led) commit() error {
	close(l.steps)
	<-l.done
	return l.end
}

// blocked waits until as many sessions wait for a lock.
func (tu turns) blocked(n int) {
	tu.t.Helper()
	for {
		var waiting []string
		view(tu.t, tu.store, func(ctx context.Context, tx *store.Tx) (err error) {
			waiting, err = tx.Texts(ctx, `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
			return err
		})
		if len(waiting) == n {
			return
		}
		runtime.Gosched()
	}
}

// The second that locks an invoice waits for the first, whether that one read it or not, and then
// sees what it wrote.
func TestLockInvoiceSerialises(t *testing.T) {
	for name, lock := range map[string]func(ctx context.Context, tx *store.Tx, id string) error{
		"LockInvoice": func(ctx context.Context, tx *store.Tx, id string) error {
			_, err := tx.LockInvoice(ctx, id)
			return err
		},
		"LockBook": func(ctx context.Context, tx *store.Tx, id string) error {
			_, _, err := tx.LockBook(ctx, id, true)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			tu := newTurns(t)
			inv, _ := tu.invoice(t, "1", pay.Created)
			first, second := tu.lead(tu.store), tu.lead(tu.other)
			if err := first.do(func(ctx context.Context, tx *store.Tx) error { return lock(ctx, tx, inv.ID) }); err != nil {
				t.Fatal(err)
			}
			var seen pay.Invoice
			second.start(func(ctx context.Context, tx *store.Tx) (err error) {
				if err = lock(ctx, tx, inv.ID); err == nil {
					seen, err = tx.Invoice(ctx, inv.ID)
				}
				return err
			})
			tu.blocked(1)
			inv.Status, inv.PaidAt = pay.StatusPaid, noon
			if err := first.do(func(ctx context.Context, tx *store.Tx) error { return tx.SaveInvoice(ctx, inv) }); err != nil {
				t.Fatal(err)
			}
			if err := first.commit(); err != nil {
				t.Fatal(err)
			}
			if err := <-second.done; err != nil {
				t.Fatal(err)
			}
			if err := second.commit(); err != nil {
				t.Fatal(err)
			}
			same(t, "what the second locked", seen, inv)
		})
	}
}

// Locking an invoice does not lock its business: two invoices of one are locked side by side.
func TestLocksOfTwoInvoicesDoNotMeet(t *testing.T) {
	tu := newTurns(t)
	one, _ := tu.invoice(t, "1", pay.Created)
	two, _ := tu.invoice(t, "2", pay.Created)
	first, second := tu.lead(tu.store), tu.lead(tu.other)
	lock := func(id string) func(context.Context, *store.Tx) error {
		return func(ctx context.Context, tx *store.Tx) error { _, err := tx.LockInvoice(ctx, id); return err }
	}
	if err := errors.Join(first.do(lock(one.ID)), second.do(lock(two.ID)), first.commit(), second.commit()); err != nil {
		t.Fatal(err)
	}
}

// Who changes a merchant waits for whoever changes it too, and no payment waits for them.
func TestAMerchantsLockStopsNoPayment(t *testing.T) {
	tu := newTurns(t)
	inv, p := tu.invoice(t, "1", pay.Created)
	lock := func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.LockMerchant(ctx, tu.merchant.ID)
		return err
	}
	first, second := tu.lead(tu.store), tu.lead(tu.other)
	if err := first.do(lock); err != nil {
		t.Fatal(err)
	}
	p.ID, p.Ref = "while it is locked", "while it is locked"
	update(t, tu.other, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.LockInvoice(ctx, inv.ID); err != nil {
			return err
		}
		ok, err := tx.InsertPayment(ctx, p)
		same(t, "stored", ok, true)
		return err
	})
	var seen pay.Merchant
	second.start(func(ctx context.Context, tx *store.Tx) (err error) {
		seen, err = tx.LockMerchant(ctx, tu.merchant.ID)
		return err
	})
	tu.blocked(1)
	changed := tu.merchant
	changed.DisplayName = "changed"
	if err := first.do(func(ctx context.Context, tx *store.Tx) error { return tx.SaveMerchant(ctx, changed, "") }); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first.commit(), <-second.done, second.commit()); err != nil {
		t.Fatal(err)
	}
	same(t, "what the second locked", seen.DisplayName, "changed")
}

// Who inserts what another is just inserting waits for him. If he commits, it is taken; if he
// gives up, it is free.
func TestInsertsWaitForEachOther(t *testing.T) {
	for _, c := range []struct {
		what   string
		insert func(context.Context, *store.Tx, *turns, string) (bool, error)
	}{
		{"an invoice of an order", func(ctx context.Context, tx *store.Tx, tu *turns, id string) (bool, error) {
			return tx.InsertInvoice(ctx, pay.Invoice{ID: id, BusinessID: "biz", SourceInvoiceID: "order", PayNumber: id, Amount: 100, Status: pay.StatusPending})
		}},
		{"a provider's id", func(ctx context.Context, tx *store.Tx, tu *turns, id string) (bool, error) {
			return tx.InsertPayment(ctx, pay.Payment{ID: id, InvoiceID: "inv-1", BusinessID: "biz", MerchantID: "mer", Ref: "theirs", Amount: 100, State: pay.Created})
		}},
		{"the money of an invoice", func(ctx context.Context, tx *store.Tx, tu *turns, id string) (bool, error) {
			return tx.InsertPayment(ctx, pay.Payment{ID: id, InvoiceID: "inv-1", BusinessID: "biz", MerchantID: "mer", Ref: id, Amount: 100, State: pay.Unknown})
		}},
		{"a refund", func(ctx context.Context, tx *store.Tx, tu *turns, id string) (bool, error) {
			return tx.InsertRefund(ctx, pay.Refund{ID: id, InvoiceID: "inv-2", PaymentID: "pay-2", BusinessID: "biz", Amount: 100, State: pay.MoveSent})
		}},
		{"a key", func(ctx context.Context, tx *store.Tx, tu *turns, id string) (bool, error) {
			ok, had, err := tx.ClaimKey(ctx, store.Claim{Scope: "refund app", Key: "key", Resource: id, At: noon})
			if err == nil && !ok && had.Resource != "first" {
				err = fmt.Errorf("the key is %q's", had.Resource)
			}
			return ok, err
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			tu := newTurns(t)
			tu.invoice(t, "1", pay.Created)
			tu.invoice(t, "2", pay.Paid)
			for _, commits := range []bool{false, true} {
				first, second := tu.lead(tu.store), tu.lead(tu.other)
				var won [2]bool
				if err := first.do(func(ctx context.Context, tx *store.Tx) (err error) {
					won[0], err = c.insert(ctx, tx, &tu, "first")
					return err
				}); err != nil {
					t.Fatal(err)
				}
				second.start(func(ctx context.Context, tx *store.Tx) (err error) {
					if won[1], err = c.insert(ctx, tx, &tu, "second"); err == nil && !commits {
						return errRefused // so that the next round begins like this one
					}
					return err
				})
				tu.blocked(1)
				if commits {
					if err := first.commit(); err != nil {
						t.Fatal(err)
					}
				} else {
					first.do(func(context.Context, *store.Tx) error { return errRefused })
				}
				<-second.done
				second.commit()
				if !won[0] || won[1] == commits {
					t.Errorf("the first commits: %v; the first has it: %v; the second has it: %v", commits, won[0], won[1])
				}
			}
		})
	}
}

var errRefused = errors.New("refused")

// Two transactions that wait for each other: the server ends one, and its closure runs again.
// Ours never do, since each locks one invoice.
func TestADeadlockRunsAgain(t *testing.T) {
	tu := newTurns(t)
	ids := [2]string{"inv-1", "inv-2"}
	tu.invoice(t, "1", pay.Created)
	tu.invoice(t, "2", pay.Created)
	var both sync.WaitGroup
	var meet [2]chan struct{}
	meet[0], meet[1] = make(chan struct{}), make(chan struct{})
	var runs [2]int
	for i, s := range []*store.Store{tu.store, tu.other} {
		both.Go(func() {
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				runs[i]++
				if _, err := tx.LockInvoice(ctx, ids[i]); err != nil {
					return err
				}
				if runs[i] == 1 {
					close(meet[i])
					<-meet[1-i]
				}
				_, err := tx.LockInvoice(ctx, ids[1-i])
				if err != nil {
					// Who wraps the error in his own words does not keep it from running again.
					return fmt.Errorf("the other invoice: %v", err)
				}
				return tx.PutSetting(ctx, ids[i], "both were mine")
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if runs[0]+runs[1] < 3 { // or more: they may meet again
		t.Errorf("the closures ran %v times", runs)
	}
	for _, id := range ids {
		if !has(t, tu.store, id) {
			t.Errorf("%s was not committed", id)
		}
	}
}

// Two invoices of one order take the same place for their events: the later runs again and
// takes the next.
func TestTwoEventsOfAnOrderTakeTwoPlaces(t *testing.T) {
	tu := newTurns(t)
	inv, _ := tu.invoice(t, "1", pay.Created)
	add := func(id string) func(context.Context, *store.Tx) error {
		return func(ctx context.Context, tx *store.Tx) error {
			seq, err := tx.NextSeq(ctx, inv.BusinessID, inv.SourceInvoiceID)
			if err != nil {
				return err
			}
			return tx.InsertEvent(ctx, pay.Event{ID: id, BusinessID: inv.BusinessID, InvoiceID: inv.ID, SourceInvoiceID: inv.SourceInvoiceID, Seq: seq})
		}
	}
	first := tu.lead(tu.store)
	if err := first.do(add("first")); err != nil {
		t.Fatal(err)
	}
	runs, second := 0, make(chan error)
	go func() {
		second <- tu.other.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			runs++
			return add("second")(ctx, tx)
		})
	}()
	tu.blocked(1)
	if err := errors.Join(first.commit(), <-second); err != nil {
		t.Fatal(err)
	}
	if runs != 2 {
		t.Errorf("the second ran %d times", runs)
	}
	view(t, tu.store, func(ctx context.Context, tx *store.Tx) error {
		e, err := tx.LatestEvent(ctx, inv.ID)
		same(t, "the second's place", e.Seq, int64(2))
		same(t, "the latest", e.ID, "second")
		return err
	})
}

// Two that register the same merchant at once: the later finds what the first made.
func TestTwoRegistrationsMakeOneMerchant(t *testing.T) {
	tu := newTurns(t)
	register := func(id string) func(context.Context, *store.Tx) error {
		return func(ctx context.Context, tx *store.Tx) error {
			b, err := tx.EnsureBusiness(ctx, pay.Business{ID: "new-" + id, Source: "app", Key: "new"})
			if err != nil {
				return err
			}
			m, err := tx.MerchantOf(ctx, b.ID, "click")
			if errors.Is(err, store.ErrNotFound) {
				m = pay.Merchant{ID: id, BusinessID: b.ID, Provider: "click"}
			} else if err != nil {
				return err
			}
			m.DisplayName = id
			return tx.SaveMerchant(ctx, m, "")
		}
	}
	first := tu.lead(tu.store)
	if err := first.do(register("first")); err != nil {
		t.Fatal(err)
	}
	second := make(chan error)
	go func() { second <- tu.other.Update(t.Context(), register("second")) }()
	tu.blocked(1)
	if err := errors.Join(first.commit(), <-second); err != nil {
		t.Fatal(err)
	}
	view(t, tu.store, func(ctx context.Context, tx *store.Tx) error {
		m, err := tx.Merchant(ctx, "first")
		same(t, "name", m.DisplayName, "second")
		same(t, "version", m.Version, int64(2))
		return err
	})
}

// A closure that would collide for ever is given up.
func TestCollisionsEnd(t *testing.T) {
	tu := newTurns(t)
	tu.invoice(t, "1", pay.Created)
	runs := 0
	err := tu.store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		runs++
		return tx.SaveMerchant(ctx, pay.Merchant{ID: "again", BusinessID: "biz", Provider: "payme"}, "")
	})
	if !store.Taken(err) || runs < 2 || runs > 10 {
		t.Errorf("after %d runs: %v", runs, err)
	}
}

// Work that is due now wakes the other processes after COMMIT.
func TestOtherProcessesAreWoken(t *testing.T) {
	tu := newTurns(t)
	ours, theirs := tu.store.Queue().Wakes(), tu.other.Queue().Wakes()
	<-ours // both ring once when they begin to listen
	<-theirs
	for i := range 3 {
		subject := fmt.Sprint(i)
		update(t, tu.store, func(ctx context.Context, tx *store.Tx) error {
			return tx.Enqueue(ctx, work("deliver", subject, "a", noon))
		})
		<-theirs
		<-ours
		view(t, tu.other, func(ctx context.Context, tx *store.Tx) error { // it was committed before the bell
			_, err := tx.WorkFor(ctx, "deliver", subject)
			return err
		})
	}
}

// Work for later wakes only its own process, which counts the time to it; nor is anybody woken
// for work that was rolled back.
func TestOthersAreWokenForWorkThatIsDue(t *testing.T) {
	now := noon
	s := storetest.OpenWith(t, storetest.Postgres, store.Options{Now: func() time.Time { return now }})
	told := s.CountWakes()
	enqueue := func(due time.Time) func(context.Context, *store.Tx) error {
		return func(ctx context.Context, tx *store.Tx) error { return tx.Enqueue(ctx, work("deliver", "1", "a", due)) }
	}
	update(t, s, put("no work"))
	update(t, s, enqueue(noon.Add(time.Millisecond)))
	s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return errors.Join(enqueue(noon)(ctx, tx), errRefused) })
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.EnqueueLeased(ctx, work("refund", "1", "payme", noon), time.Minute, noon)
		return err
	})
	same(t, "messages for work that is not due", told.Load(), int64(0))
	update(t, s, enqueue(noon))
	same(t, "messages for work that is", told.Load(), int64(1))
}

// A process does not wake itself by way of the server.
func TestNobodyWakesHimself(t *testing.T) {
	same(t, "rings", store.Rings("me", "me", "another", "me", "a third"), 2)
}

// cutListeners ends every session that listens.
func cutListeners(t *testing.T, s *store.Store) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Texts(ctx, `SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'LISTEN%'`)
		return err
	})
}

// A listener whose connection is cut connects again, and rings for what it may have missed.
func TestACutListenerComesBack(t *testing.T) {
	tu := newTurns(t)
	wakes := tu.store.Queue().Wakes()
	<-wakes
	cutListeners(t, tu.other)
	<-wakes
	update(t, tu.other, func(ctx context.Context, tx *store.Tx) error { return tx.Enqueue(ctx, work("deliver", "1", "a", noon)) })
	<-wakes
}

// Connections that were cut while they lay idle (a restart of the server) cost nobody an error.
func TestCutConnectionsAreReplaced(t *testing.T) {
	tu := newTurns(t)
	for range 3 {
		update(t, tu.store, put("before"))
		update(t, tu.other, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Texts(ctx, `SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid()`)
			return err
		})
		update(t, tu.store, put("after"))
		has(t, tu.store, "after")
	}
}

// A server on the same machine has few connections from each process, and none has more than sixteen.
func TestConnections(t *testing.T) {
	for _, x := range []struct {
		host       string
		processors int
		want       int32
	}{
		{"/run/postgresql", 1, 8}, {"localhost", 2, 8}, {"127.0.0.1", 3, 12}, {"::1", 96, 16}, {"db", 1, 16}, {"10.0.0.7", 96, 16},
	} {
		if got := store.Connections(x.host, x.processors); got != x.want {
			t.Errorf("%s from %d processors: %d, want %d", x.host, x.processors, got, x.want)
		}
	}
}
