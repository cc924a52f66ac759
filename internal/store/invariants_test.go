package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// What the schema forbids cannot be written, whatever the code above believes: each write
// below is refused by both engines, and takes with it what its transaction wrote before.
func TestTheSchemaRefuses(t *testing.T) {
	type write = func(context.Context, *store.Tx, pay.Invoice, pay.Payment) error
	invoice := func(change func(*pay.Invoice)) write {
		return func(ctx context.Context, tx *store.Tx, inv pay.Invoice, _ pay.Payment) error {
			inv.ID, inv.SourceInvoiceID, inv.PayNumber = "new", "new", "new"
			change(&inv)
			_, err := tx.InsertInvoice(ctx, inv)
			return err
		}
	}
	newPayment := func(change func(*pay.Payment)) write {
		return func(ctx context.Context, tx *store.Tx, _ pay.Invoice, p pay.Payment) error {
			p.ID, p.Ref, p.State, p.Captured = "new", "new", pay.Created, 0
			change(&p)
			_, err := tx.InsertPayment(ctx, p)
			return err
		}
	}
	payment := func(change func(*pay.Payment)) write {
		return func(ctx context.Context, tx *store.Tx, _ pay.Invoice, p pay.Payment) error {
			change(&p)
			return tx.SavePayment(ctx, p)
		}
	}
	refund := func(change func(*pay.Refund)) write {
		return func(ctx context.Context, tx *store.Tx, _ pay.Invoice, p pay.Payment) error {
			r := pay.Refund{ID: "new", BusinessID: p.BusinessID, InvoiceID: p.InvoiceID, PaymentID: p.ID, Amount: 1, State: pay.MoveSent}
			change(&r)
			_, err := tx.InsertRefund(ctx, r)
			return err
		}
	}
	event := func(change func(*pay.Event)) write {
		return func(ctx context.Context, tx *store.Tx, inv pay.Invoice, _ pay.Payment) error {
			e := pay.Event{ID: "new", BusinessID: inv.BusinessID, InvoiceID: inv.ID, SourceInvoiceID: inv.SourceInvoiceID, Seq: 2}
			change(&e)
			return tx.InsertEvent(ctx, e)
		}
	}
	payout := func(change func(*pay.Payout)) write {
		return func(ctx context.Context, tx *store.Tx, _ pay.Invoice, _ pay.Payment) error {
			out := pay.Payout{ID: "out", BusinessID: "biz", MerchantID: "mer", SourcePayoutID: "1", Amount: 1000, State: pay.MoveSent, CreatedAt: noon, SentAt: noon}
			change(&out)
			_, err := tx.InsertPayout(ctx, out)
			return err
		}
	}
	secondPayout := func(change func(first, second *pay.Payout)) write {
		return func(ctx context.Context, tx *store.Tx, _ pay.Invoice, _ pay.Payment) error {
			first := pay.Payout{ID: "1", Ref: "ref", BusinessID: "biz", MerchantID: "mer", SourcePayoutID: "1", Amount: 1000, State: pay.MoveFailed, Unsent: true, CreatedAt: noon, SentAt: noon, DoneAt: noon}
			second := pay.Payout{ID: "2", BusinessID: "biz", MerchantID: "mer", SourcePayoutID: "1", Amount: 1000, State: pay.MoveSent, CreatedAt: noon, SentAt: noon}
			for _, out := range []pay.Payout{first, second} {
				if ok, err := tx.InsertPayout(ctx, out); err != nil || !ok {
					return fmt.Errorf("a payout beside one that was never sent: %v %v", ok, err)
				}
			}
			change(&first, &second)
			return errors.Join(tx.SavePayout(ctx, first), tx.SavePayout(ctx, second))
		}
	}
	cases := []struct {
		name  string
		taken bool // refused because there is one already
		write write
	}{
		{"an invoice of less than a soum", false, invoice(func(inv *pay.Invoice) { inv.Amount = pay.MinAmount - 1 })},
		{"an invoice of too much", false, invoice(func(inv *pay.Invoice) { inv.Amount = pay.MaxAmount + 1 })},
		{"an invoice with a status that nobody knows", false, invoice(func(inv *pay.Invoice) { inv.Status = "done" })},
		{"an invoice of no business", false, invoice(func(inv *pay.Invoice) { inv.BusinessID = "nobody" })},
		{"a second open invoice of an order, by reopening", true, func(ctx context.Context, tx *store.Tx, inv pay.Invoice, _ pay.Payment) error {
			second := inv
			second.ID, second.PayNumber, second.Status = "second", "second", pay.StatusCancelled
			if ok, err := tx.InsertInvoice(ctx, second); err != nil || !ok {
				return fmt.Errorf("a cancelled invoice beside an open one: %v %v", ok, err)
			}
			second.Status = pay.StatusPending
			return tx.SaveInvoice(ctx, second)
		}},
		{"an invoice that is not there", false, func(ctx context.Context, tx *store.Tx, inv pay.Invoice, _ pay.Payment) error {
			inv.ID = "nothing"
			return tx.SaveInvoice(ctx, inv)
		}},

		{"a payment of nothing", false, newPayment(func(p *pay.Payment) { p.Amount = 0 })},
		{"a payment with a state that nobody knows", false, newPayment(func(p *pay.Payment) { p.State = "done" })},
		{"a payment of no invoice", false, newPayment(func(p *pay.Payment) { p.InvoiceID = "nothing" })},
		{"a payment of no merchant", false, newPayment(func(p *pay.Payment) { p.MerchantID = "nobody" })},
		{"a second live payment, by its confirmation", true, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, p pay.Payment) error {
			p.ID, p.Ref, p.State, p.Captured = "second", "second", pay.Created, 0
			if ok, err := tx.InsertPayment(ctx, p); err != nil || !ok {
				return fmt.Errorf("a created payment beside a paid one: %v %v", ok, err)
			}
			p.State, p.Captured = pay.Paid, p.Amount
			return tx.SavePayment(ctx, p)
		}},
		{"a provider's id twice, by learning it", true, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, p pay.Payment) error {
			known := p.Ref
			p.ID, p.Ref, p.State, p.Captured = "second", "", pay.Created, 0
			if ok, err := tx.InsertPayment(ctx, p); err != nil || !ok {
				return fmt.Errorf("a payment whose id is not known: %v %v", ok, err)
			}
			p.Ref = known
			return tx.SavePayment(ctx, p)
		}},
		{"more captured than was asked for", false, payment(func(p *pay.Payment) { p.Captured = p.Amount + 1 })},
		{"less than nothing captured", false, payment(func(p *pay.Payment) { p.State, p.Captured = pay.Created, -1 })},
		{"paid, and nothing captured", false, payment(func(p *pay.Payment) { p.Captured = 0 })},
		{"more returned than captured", false, payment(func(p *pay.Payment) { p.Refunded = p.Captured + 1 })},
		{"less than nothing returned", false, payment(func(p *pay.Payment) { p.Refunded = -1 })},
		{"more reserved than is left", false, payment(func(p *pay.Payment) { p.Refunded, p.Reserved = 1, p.Captured })},
		{"less than nothing reserved", false, payment(func(p *pay.Payment) { p.Reserved = -1 })},
		{"refunded, and not all returned", false, payment(func(p *pay.Payment) { p.State, p.Refunded = pay.Refunded, p.Captured-1 })},
		{"a payment that is not there", false, payment(func(p *pay.Payment) { p.ID = "nothing" })},

		{"a refund of nothing", false, refund(func(r *pay.Refund) { r.Amount = 0 })},
		{"a refund with a state that nobody knows", false, refund(func(r *pay.Refund) { r.State = "done" })},
		{"a refund of no payment", false, refund(func(r *pay.Refund) { r.PaymentID = "nothing" })},
		{"a refund of no invoice", false, refund(func(r *pay.Refund) { r.InvoiceID = "nothing" })},
		{"a second refund under way, by waking one that has ended", true, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, p pay.Payment) error {
			first := pay.Refund{ID: "1", BusinessID: p.BusinessID, InvoiceID: p.InvoiceID, PaymentID: p.ID, Amount: 1, State: pay.MoveFailed}
			second := first
			second.ID, second.State = "2", pay.MoveUnknown
			for _, r := range []pay.Refund{first, second} {
				if ok, err := tx.InsertRefund(ctx, r); err != nil || !ok {
					return fmt.Errorf("a refund that has ended beside one under way: %v %v", ok, err)
				}
			}
			first.State = pay.MoveSent
			return tx.SaveRefund(ctx, first)
		}},
		{"a refund that is not there", false, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, _ pay.Payment) error {
			return tx.SaveRefund(ctx, pay.Refund{ID: "nothing", State: pay.MoveFailed})
		}},

		{"a payout of less than a soum", false, payout(func(p *pay.Payout) { p.Amount = pay.MinAmount - 1 })},
		{"a payout of too much", false, payout(func(p *pay.Payout) { p.Amount = pay.MaxAmount + 1 })},
		{"a payout with a state that nobody knows", false, payout(func(p *pay.Payout) { p.State = "done" })},
		{"a payout of no business", false, payout(func(p *pay.Payout) { p.BusinessID = "nobody" })},
		{"a payout of no merchant", false, payout(func(p *pay.Payout) { p.MerchantID = "nobody" })},
		{"a payout of one step that waits", false, payout(func(p *pay.Payout) { p.State = pay.MoveCreated })},
		{"a payout that ended and has no end", false, payout(func(p *pay.Payout) { p.State = pay.MoveSucceeded })},
		{"a payout that has an end and goes on", false, payout(func(p *pay.Payout) { p.DoneAt = noon })},
		{"a payout that was never sent and goes on", false, payout(func(p *pay.Payout) { p.Unsent = true })},
		{"a second payout of a number, by finding that the first was sent", true, secondPayout(func(first, _ *pay.Payout) { first.Unsent = false })},
		{"a provider's id of two payouts", true, secondPayout(func(_, second *pay.Payout) { second.Ref = "ref" })},
		{"a payout that is not there", false, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, _ pay.Payment) error {
			return tx.SavePayout(ctx, pay.Payout{ID: "nothing", State: pay.MoveSent})
		}},
		{"an event of no payout", false, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, _ pay.Payment) error {
			return tx.InsertPayoutEvent(ctx, store.PayoutEvent{PayoutID: "nothing", Event: pay.Event{ID: "new"}})
		}},
		{"a difference of no reconciliation", false, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, _ pay.Payment) error {
			_, err := tx.InsertDifference(ctx, pay.Difference{ID: "new", ReconciliationID: "nothing", Kind: pay.KindPayment, Verdict: pay.VerdictMatched})
			return err
		}},
		{"a reconciliation that is done and has no end", false, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, _ pay.Payment) error {
			_, err := tx.InsertReconciliation(ctx, pay.Reconciliation{ID: "new", BusinessID: "biz", MerchantID: "mer", Day: "2026-03-13", Way: pay.ByFile, State: pay.ReconcileDone, CreatedAt: noon})
			return err
		}},
		{"a difference that nobody settled", false, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, _ pay.Payment) error {
			r := pay.Reconciliation{ID: "new", BusinessID: "biz", MerchantID: "mer", Day: "2026-03-13", Way: pay.ByFile, State: pay.ReconcileRunning, CreatedAt: noon}
			if ok, err := tx.InsertReconciliation(ctx, r); err != nil || !ok {
				return fmt.Errorf("a reconciliation: %v %v", ok, err)
			}
			_, err := tx.InsertDifference(ctx, pay.Difference{ID: "new", ReconciliationID: "new", Kind: pay.KindPayment, Verdict: pay.VerdictDifferent, SettledAt: noon, SettledHow: "noted"})
			return err
		}},
		{"two events in one place of an order", true, event(func(e *pay.Event) { e.Seq = 1 })},
		{"an event of no invoice", false, event(func(e *pay.Event) { e.InvoiceID = "nothing" })},
		{"an event that is not there", false, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, _ pay.Payment) error {
			return tx.SaveEvent(ctx, pay.Event{ID: "nothing"})
		}},
		{"a delivery of no event", false, func(ctx context.Context, tx *store.Tx, inv pay.Invoice, _ pay.Payment) error {
			return tx.InsertDeliveries(ctx, store.Delivery{ID: "new", EventID: "nothing", InvoiceID: inv.ID})
		}},
		{"a second merchant of a business at a provider", true, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, p pay.Payment) error {
			return tx.SaveMerchant(ctx, pay.Merchant{ID: "new", BusinessID: p.BusinessID, Provider: p.Provider}, "")
		}},
		{"a merchant of no business", false, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, _ pay.Payment) error {
			return tx.SaveMerchant(ctx, pay.Merchant{ID: "new", BusinessID: "nobody", Provider: "click"}, "")
		}},
		{"a message that goes nowhere", false, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, _ pay.Payment) error {
			return tx.InsertMessages(ctx, []store.Message{{ID: "new", Direction: "up"}})
		}},
		{"text with a NUL", false, payment(func(p *pay.Payment) { p.Reason = "a\x00b" })},
		{"text in broken UTF-8", false, payment(func(p *pay.Payment) { p.Reason = "\xff" })},
		{"a key that nobody claimed", false, func(ctx context.Context, tx *store.Tx, _ pay.Invoice, _ pay.Payment) error {
			return tx.FinishKey(ctx, "scope", "key")
		}},
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		inv, p := shop.invoice(t, "1", pay.Paid)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertEvent(ctx, pay.Event{ID: "e", BusinessID: inv.BusinessID, InvoiceID: inv.ID, SourceInvoiceID: inv.SourceInvoiceID, Seq: 1})
		})
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					if err := tx.PutSetting(ctx, "written", "before"); err != nil {
						return err
					}
					if c.write(ctx, tx, inv, p) == nil && tx.Sent(ctx) == nil {
						t.Error("it was written")
					}
					return nil // the refusal counts, even where the closure overlooks it
				})
				if err == nil {
					t.Fatal("the transaction was committed")
				}
				if store.Taken(err) != c.taken {
					t.Errorf("Taken(%v) is not %v", err, c.taken)
				}
				view(t, s, func(ctx context.Context, tx *store.Tx) error {
					if _, err := tx.Setting(ctx, "written"); !errors.Is(err, store.ErrNotFound) {
						t.Error("what was written before the refusal stands")
					}
					got, err := tx.Payment(ctx, p.ID)
					same(t, "payment", got, p)
					return err
				})
			})
		}
	})
}

// What is expected to be there already is no error: the transaction goes on.
func TestSecondsAreNoError(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		inv, p := shop.invoice(t, "1", pay.Paid)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			r := pay.Refund{ID: "1", BusinessID: inv.BusinessID, InvoiceID: inv.ID, PaymentID: p.ID, Amount: 1, State: pay.MoveSent}
			if ok, err := tx.InsertRefund(ctx, r); err != nil || !ok {
				return fmt.Errorf("%v %w", ok, err)
			}
			second, other := inv, inv
			second.ID, second.PayNumber = "second", "second"
			other.ID, other.SourceInvoiceID = "other", "other"
			live, again := p, p
			live.ID, live.Ref, live.State = "live", "live", pay.Unknown
			again.ID, again.State = "again", pay.Cancelled
			r.ID = "2"
			for what, insert := range map[string]func() (bool, error){
				"a second open invoice of an order": func() (bool, error) { return tx.InsertInvoice(ctx, second) },
				"a pay number twice":                func() (bool, error) { return tx.InsertInvoice(ctx, other) },
				"a second live payment":             func() (bool, error) { return tx.InsertPayment(ctx, live) },
				"a provider's id twice":             func() (bool, error) { return tx.InsertPayment(ctx, again) },
				"a second refund under way":         func() (bool, error) { return tx.InsertRefund(ctx, r) },
			} {
				if ok, err := insert(); err != nil || ok {
					t.Errorf("%s: %v %v", what, ok, err)
				}
			}
			return tx.PutSetting(ctx, "went", "on")
		})
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Setting(ctx, "went")
			return err
		})
	})
}

// Many payments may wait for their provider's id at the same time.
func TestUnknownIDsAreEqualToNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		_, p := shop.invoice(t, "1", pay.Created)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for i := range 3 {
				p.ID, p.Ref = fmt.Sprint(i), ""
				if ok, err := tx.InsertPayment(ctx, p); err != nil || !ok {
					t.Errorf("payment %d: %v %v", i, ok, err)
				}
			}
			return nil
		})
	})
}

// Of 64 that try at once to take the money of one invoice, one does. No lock is taken here:
// this is the last line, the schema's own.
func TestOneOfManyTakesTheMoney(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		inv, p := shop.invoice(t, "1", pay.Cancelled)
		p.State, p.Captured, p.PaidAt = pay.Paid, p.Amount, noon
		var won atomic.Int64
		var racers sync.WaitGroup
		for i := range 64 {
			racers.Go(func() {
				p := p
				p.ID, p.Ref = fmt.Sprint(i), fmt.Sprint(i)
				err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					ok, err := tx.InsertPayment(ctx, p)
					if err == nil && ok {
						won.Add(1)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		racers.Wait()
		if won.Load() != 1 {
			t.Errorf("%d took the money", won.Load())
		}
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			all, err := tx.Payments(ctx, inv.ID)
			same(t, "payments", len(all), 2)
			return err
		})
	})
}

// Of 64 that refund at once, each under the invoice's lock, as many succeed as there is money.
func TestConcurrentRefundsReturnNoMoreThanWasTaken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		inv, p := shop.invoice(t, "1", pay.Paid)
		part := p.Amount / 5
		var racers sync.WaitGroup
		for range 64 {
			racers.Go(func() {
				err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					inv, err := tx.LockInvoice(ctx, inv.ID)
					if err != nil {
						return err
					}
					p, err := tx.LivePayment(ctx, inv.ID)
					if err != nil {
						return err
					}
					if p.AddRefund(part, noon) != nil {
						return nil // nothing is left
					}
					return tx.SavePayment(ctx, p)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		racers.Wait()
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.Payment(ctx, p.ID)
			p.Refunded, p.State, p.EndedAt = p.Amount, pay.Refunded, noon
			same(t, "payment", got, p)
			return err
		})
	})
}

// What stands in the database and is not of this program is not acted on.
func TestWhatCannotBeUnderstoodIsAnError(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		inv, p := shop.invoice(t, "1", pay.Created)
		for _, c := range []struct {
			spoil string
			read  func(context.Context, *store.Tx) error
		}{
			{`UPDATE invoices SET details = '{'`, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Invoice(ctx, inv.ID); return err }},
			{`UPDATE payments SET on_expiry = 'soon'`, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Payment(ctx, p.ID); return err }},
			{`UPDATE merchants SET options = '['`, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Merchant(ctx, "mer"); return err }},
			{`UPDATE merchants SET sealed = '!'`, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Merchant(ctx, "mer"); return err }},
		} {
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if _, err := tx.Exec(ctx, c.spoil); err != nil {
					return err
				}
				if err := c.read(ctx, tx); err == nil || errors.Is(err, store.ErrNotFound) {
					t.Errorf("after %s: %v", c.spoil, err)
				}
				return nil
			})
			if err == nil {
				t.Errorf("%s: the transaction was committed", c.spoil)
			}
		}
	})
}

// A time before 1970 and one far away come back as they were, to the millisecond.
func TestTimes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		_, p := shop.invoice(t, "1", pay.Created)
		for _, at := range []time.Time{{}, time.Unix(-1, 0).UTC(), time.UnixMilli(1).UTC(), time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)} {
			p.TheirTime = at
			update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SavePayment(ctx, p) })
			view(t, s, func(ctx context.Context, tx *store.Tx) error {
				got, err := tx.Payment(ctx, p.ID)
				same(t, at.String(), got.TheirTime, at)
				return err
			})
		}
	})
}
