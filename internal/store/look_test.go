package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// look runs f in a Look, which must succeed.
func look(t testing.TB, s *store.Store, f func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := s.Look(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// A Look answers as a View does, be it of one query or of one that foresaw another.
func TestALookAnswers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		inv, p := newShop(t, s).invoice(t, "1", pay.Paid)
		for range 3 { // the same connection again
			look(t, s, func(ctx context.Context, tx *store.Tx) error {
				got, err := tx.Invoice(ctx, inv.ID)
				same(t, "the invoice", got, inv)
				return err
			})
			look(t, s, func(ctx context.Context, tx *store.Tx) error {
				got, payments, err := tx.BookByAccount(ctx, inv.BusinessID, inv.PayNumber)
				same(t, "the invoice", got, inv)
				same(t, "its payments", payments, []pay.Payment{p})
				return err
			})
			err := s.Look(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, _, err := tx.Book(ctx, "nobody's")
				return err
			})
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a book that is not there: %v", err)
			}
		}
	})
}

// What would be another snapshot fails, and so does what would write; the connection is good
// afterwards.
func TestALookIsOneAnswer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		inv, _ := newShop(t, s).invoice(t, "1", pay.Paid)
		for what, then := range map[string]func(context.Context, *store.Tx) error{
			"another query": func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Payments(ctx, inv.ID)
				return err
			},
			"the same query": func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Invoice(ctx, inv.ID)
				return err
			},
			"a write": func(ctx context.Context, tx *store.Tx) error { return tx.SaveInvoice(ctx, inv) },
		} {
			err := s.Look(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if _, err := tx.Invoice(ctx, inv.ID); err != nil {
					t.Errorf("%s: the first: %v", what, err)
				}
				_ = then(ctx, tx) // an error of the database counts, whatever the closure makes of it
				return nil
			})
			if err == nil {
				t.Errorf("%s after the answer was allowed", what)
			}
			if has(t, s, "nothing") {
				t.Error("there is something")
			}
		}
	})
}

// A place for an event that was foreseen is taken once: the next event has the next.
func TestAForeseenPlaceIsTakenOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		inv, _ := shop.invoice(t, "1", pay.Paid)
		other, _ := shop.invoice(t, "2", pay.Paid)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if _, _, err := tx.LockBookOfRef(ctx, "mer", "ref-1", true); err != nil {
				return err
			}
			for want := range int64(3) {
				seq, err := tx.NextSeq(ctx, inv.BusinessID, inv.SourceInvoiceID)
				if err != nil {
					return err
				}
				same(t, "place", seq, want+1)
				e := pay.Event{ID: string(rune('a' + want)), BusinessID: inv.BusinessID, InvoiceID: inv.ID, SourceInvoiceID: inv.SourceInvoiceID, Seq: seq}
				if err := tx.InsertEvent(ctx, e); err != nil {
					return err
				}
			}
			return nil
		})
		update(t, s, func(ctx context.Context, tx *store.Tx) error { // what was foreseen is another order's
			if _, _, err := tx.LockBook(ctx, inv.ID, true); err != nil {
				return err
			}
			seq, err := tx.NextSeq(ctx, other.BusinessID, other.SourceInvoiceID)
			same(t, "the other order's place", seq, int64(1))
			return err
		})
	})
}

// Who waits for an invoice's lock sees all that was written under it, though he asked for all of
// it at once.
func TestWhatIsAskedBehindALockIsSeenBehindIt(t *testing.T) {
	tu := newTurns(t)
	inv, p := tu.invoice(t, "1", pay.Created)
	first, second := tu.lead(tu.store), tu.lead(tu.other)
	if err := first.do(func(ctx context.Context, tx *store.Tx) error {
		_, _, err := tx.LockBook(ctx, inv.ID, false)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var seen pay.Invoice
	var payments []pay.Payment
	var seq int64
	second.start(func(ctx context.Context, tx *store.Tx) (err error) {
		if seen, payments, err = tx.LockBookOfRef(ctx, p.MerchantID, p.Ref, true); err != nil {
			return err
		}
		seq, err = tx.NextSeq(ctx, inv.BusinessID, inv.SourceInvoiceID)
		return err
	})
	tu.blocked(1)
	inv.Status, inv.PaidAt, inv.NotifyDelivered = pay.StatusPaid, noon, false
	p.State, p.Captured, p.PaidAt = pay.Paid, p.Amount, noon
	if err := first.do(func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.SavePayment(ctx, p), tx.SaveInvoice(ctx, inv),
			tx.InsertEvent(ctx, pay.Event{ID: "first", BusinessID: inv.BusinessID, InvoiceID: inv.ID, SourceInvoiceID: inv.SourceInvoiceID, Seq: 1}))
	}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first.commit(), <-second.done, second.commit()); err != nil {
		t.Fatal(err)
	}
	same(t, "the invoice", seen, inv)
	same(t, "its payments", payments, []pay.Payment{p})
	same(t, "the next event's place", seq, int64(2))
}

// Two that add the same payment at once: the later runs again, and finds the first's.
func TestTwoThatAddOnePayment(t *testing.T) {
	tu := newTurns(t)
	inv, p := tu.invoice(t, "1", pay.Created)
	p.Ref = "theirs"
	add := func(id string) func(context.Context, *store.Tx) error {
		return func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InvoiceOfRef(ctx, p.MerchantID, p.Ref)
			if !errors.Is(err, store.ErrNotFound) {
				return err
			}
			p := p
			p.ID = id
			return tx.AddPayment(ctx, p)
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
	same(t, "runs of the second", runs, 2)
	view(t, tu.store, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.PaymentByRef(ctx, p.MerchantID, p.Ref)
		same(t, "whose it is", got.ID, "first")
		same(t, "of which invoice", got.InvoiceID, inv.ID)
		return err
	})
}

// More exchanges than one statement takes are all kept, each by itself.
func TestManyMessages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		newShop(t, s)
		var all []store.Message
		for i := range 37 {
			all = append(all, store.Message{ID: string(rune('A'+i/10)) + string(rune('0'+i%10)), BusinessID: "biz", MerchantID: "mer", InvoiceID: "inv-1",
				At: noon, Direction: "in", Step: "step", Request: "nul\x00in it", Status: 200 + i})
		}
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertMessages(ctx, all) })
		for i := range all {
			all[i].Request = "nul\uFFFDin it"
		}
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.Messages(ctx, "inv-1")
			same(t, "messages", got, all)
			return err
		})
	})
}
