package gateway_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Two facts of one kind about one payment are two alarms; the same fact told twice is one. That a
// receipt is tried again ends the alarm about the receipt, and no other.
func TestNoAlarmHidesAnother(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("link", "o1")
		m := fx.merchant("b1", "link")
		key := provider.Key{PaymentID: inv.Payment.ID}
		fx.on(m, func(d provider.Desk) {
			_, err := d.Receipt(t.Context(), key, pay.Receipt{Kind: "sale", StatusCode: 3, Message: "no such goods"})
			for _, debit := range []string{"X", "Y", "X"} {
				err = errors.Join(err, d.Alarm(t.Context(), key, pay.AttentionProvider, "the money was taken a second time, as "+debit+": no receipt was seen"))
			}
			if err != nil {
				t.Error(err)
			}
		})
		if open := fx.open(inv.ID); !speaks(open, "could not make the fiscal receipt", "as X", "as Y") {
			t.Fatalf("%q", open)
		}
		if err := fx.RetryReceipt(t.Context(), inv.ID, "dilnoza@shop.uz"); err != nil {
			t.Fatal(err)
		}
		if got, open := fx.get(inv.ID), fx.open(inv.ID); !speaks(open, "as X", "as Y") || got.Attention != pay.AttentionProvider {
			t.Errorf("%q: %q", got.Attention, open)
		}
	})
}

// Every debit that a company tells of beside a closed attempt is named.
func TestEachDebitOfAClosedAttemptIsNamed(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "host")
		inv := fx.invoice(fx.input("host", "o1"))
		if _, err := fx.CancelInvoice(t.Context(), inv.ID, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		for _, debit := range []string{"tx-1", "tx-2", "tx-2"} {
			fx.on(m, func(d provider.Desk) {
				if _, err := d.Confirm(t.Context(), provider.Key{PaymentID: inv.Payment.ID}, provider.Proof{Ref: debit}); err != nil {
					t.Error(err)
				}
			})
		}
		if open := fx.open(inv.ID); !speaks(open, "as tx-1, but the attempt is cancelled", "as tx-2, but") {
			t.Errorf("%q", open)
		}
	})
}

// decideNot is a person's word that it did not happen, spoken while the company is being asked.
func (fx *fixture) decideNot(invoiceID string) {
	if err := fx.Decide(fx.t.Context(), gateway.Decision{InvoiceID: invoiceID, Who: "dilnoza@shop.uz", Why: "not in the cabinet"}); err != nil {
		fx.t.Error(err)
	}
}

// What a company says in the end is written down, also where a person has decided otherwise while it
// was being asked, and somebody is told.
func TestDecidedWhileTheCompanyIsAsked(t *testing.T) {
	t.Run("a charge", func(t *testing.T) {
		for _, says := range []pay.State{pay.Paid, pay.Held} {
			each(t, func(t *testing.T, fx *fixture) {
				fx.merchant("b1", "cards")
				inv := fx.invoice(fx.input("cards", "o1"))
				fx.cards.says = func(op string, p pay.Payment) (provider.Outcome, error) {
					if op == "charge" {
						return provider.Outcome{}, errReset
					}
					fx.decideNot(inv.ID)
					return provider.Outcome{State: says, Ref: "ref", Amount: p.Amount}, nil
				}
				if _, err := fx.Pay(t.Context(), cardFor(inv), gateway.Idem{}); err != nil {
					t.Fatal(err)
				}
				fx.advance(time.Minute)
				fx.settle()
				if got, open := fx.get(inv.ID), fx.open(inv.ID); got.Payment.State != pay.Failed || !speaks(open, "but the attempt is failed") {
					t.Errorf("%s, %q", got.Payment.State, open)
				}
			})
		}
	})
	t.Run("a page", func(t *testing.T) {
		each(t, func(t *testing.T, fx *fixture) {
			fx.merchant("b1", "host")
			inv := fx.invoice(fx.input("host", "o1"))
			fx.unknown(inv.ID)
			fx.host.onInquire = func(provider.Question) (provider.Report, error) {
				fx.decideNot(inv.ID)
				return provider.Report{Found: true, Outcome: provider.Outcome{State: pay.Paid}}, nil
			}
			fx.advance(time.Minute)
			fx.settle()
			if got, open := fx.get(inv.ID), fx.open(inv.ID); got.Payment.State != pay.Failed || !speaks(open, "but the attempt is failed") {
				t.Errorf("%s, %q", got.Payment.State, open)
			}
		})
	})
	t.Run("a payout", func(t *testing.T) {
		each(t, func(t *testing.T, fx *fixture) {
			fx.payer.asks = true
			fx.payer.after = func(string) error { return errReset }
			id := fx.create(fx.payout("p1", false), gateway.Idem{}).Value.ID
			fx.payoutIs(id, pay.MoveUnknown)
			fx.payer.during = func() {
				if err := fx.DecidePayout(t.Context(), id, false, "dilnoza@shop.uz", "not in the cabinet"); err != nil {
					t.Error(err)
				}
			}
			fx.advance(time.Minute)
			fx.settle()
			fx.payoutIs(id, pay.MoveSucceeded)
			if n := fx.openPayoutAlarms(id); n != 1 {
				t.Errorf("%d alarms", n)
			}
		})
	})
	t.Run("a refund", func(t *testing.T) {
		each(t, func(t *testing.T, fx *fixture) {
			inv := fx.paid("host", "o1")
			r := fx.lostRefund(inv.ID, 40_000)
			fx.host.onInquire = func(provider.Question) (provider.Report, error) {
				fx.host.onInquire = nil
				fx.decideNot(inv.ID)
				return provider.Report{Found: true, Shows: true, Refunded: 40_000, Outcome: provider.Outcome{State: pay.Paid}}, nil
			}
			fx.advance(time.Minute)
			fx.settle()
			got, _ := fx.Refund(t.Context(), r.ID)
			if p, open := fx.get(inv.ID).Payment, fx.open(inv.ID); got.State != pay.MoveSucceeded || p.Refunded != 40_000 || p.Reserved != 0 || !speaks(open, "after it was taken for failed") {
				t.Errorf("%s, %d returned: %q", got.State, p.Refunded, open)
			}
		})
	})
}

// unknown loses the answer to the making of a page that has a name.
func (fx *fixture) unknown(invoiceID string) {
	fx.t.Helper()
	p := *fx.get(invoiceID).Payment
	fx.change(p, func(p *pay.Payment) error {
		_, err := p.Apply(pay.Change{To: pay.Unknown, At: fx.Now()})
		return err
	})
}

// That too much may have gone back is not closed by the next refund whose outcome is known.
func TestTooMuchWentBackOutlivesTheNextRefund(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		inv := fx.paid("host", "o1")
		first := fx.lostRefund(inv.ID, 40_000)
		var second pay.Refund
		fx.host.onInquire = func(provider.Question) (provider.Report, error) {
			fx.host.onInquire = nil
			fx.decideNot(inv.ID)
			second = fx.lostRefund(inv.ID, 100_000)
			return provider.Report{Found: true, Shows: true, Refunded: 40_000, Outcome: provider.Outcome{State: pay.Paid}}, nil
		}
		fx.advance(time.Minute)
		fx.settle()
		if open := fx.open(inv.ID); !speaks(open, "the answer of host to a refund was lost", "refund "+first.ID+" of 400") {
			t.Fatalf("%q", open)
		}
		fx.advance(time.Hour)
		fx.settle()
		if r, _ := fx.Refund(t.Context(), second.ID); r.State != pay.MoveSucceeded {
			t.Fatalf("%s", r.State)
		}
		if open := fx.open(inv.ID); !slices.ContainsFunc(open, func(s string) bool { return speaks([]string{s}, "too much may have gone back") }) {
			t.Errorf("%q", open)
		}
	})
}

// A company that shows more as returned than was asked for has somebody look: the rest was returned
// there.
func TestMoreWasReturnedThanWasAskedFor(t *testing.T) {
	for name, says := range map[string]provider.Report{
		"all of it":     {Found: true, Outcome: provider.Outcome{State: pay.Refunded}},
		"all, in a sum": {Found: true, Shows: true, Refunded: 100_000, Outcome: provider.Outcome{State: pay.Refunded}},
		"more":          {Found: true, Shows: true, Refunded: 70_000, Outcome: provider.Outcome{State: pay.Paid}},
		"no more":       {Found: true, Shows: true, Refunded: 30_000, Outcome: provider.Outcome{State: pay.Paid}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				inv := fx.paid("host", "o1")
				r := fx.lostRefund(inv.ID, 30_000)
				fx.host.onInquire = func(provider.Question) (provider.Report, error) { return says, nil }
				fx.advance(time.Minute)
				fx.settle()
				want := []string{"as returned, and our book 300"}
				if name == "no more" {
					want = nil
				}
				got, _ := fx.Refund(t.Context(), r.ID)
				if open := fx.open(inv.ID); got.State != pay.MoveSucceeded || !speaks(open, want...) {
					t.Errorf("%s: %q", got.State, open)
				}
			})
		})
	}
}
