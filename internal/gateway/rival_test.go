package gateway_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Two ways of paying one invoice: a company that takes the money and tells us late, and a card that
// we charge by our own call.

// prepared has an invoice that any company may take, with an attempt at "link" that has softly lapsed:
// it no longer stands in the way, and is still taken.
func (fx *fixture) prepared() (link gateway.Merchant, inv gateway.Invoice) {
	fx.t.Helper()
	link = fx.merchant("b1", "link")
	inv = fx.invoice(fx.input("", "o1"))
	fx.on(link, func(d provider.Desk) {
		o := provider.OpenOrder{Account: inv.ID, Ref: "late", Amount: inv.Amount, ExpiresAt: fx.Now().Add(30 * time.Minute), Parallel: true}
		if _, err := d.Open(fx.t.Context(), o); err != nil {
			fx.t.Fatal(err)
		}
	})
	fx.advance(31 * time.Minute)
	return link, inv
}

// confirmed has "link" say that it took the money.
func (fx *fixture) confirmed(link gateway.Merchant) (refusal error) {
	fx.on(link, func(d provider.Desk) {
		_, refusal = d.Confirm(fx.t.Context(), provider.Key{Ref: "late"}, provider.Proof{})
	})
	return refusal
}

// open are the messages of an invoice's open alarms.
func (fx *fixture) open(invoiceID string) (out []string) {
	fx.t.Helper()
	err := fx.store.View(fx.t.Context(), func(ctx context.Context, tx *storeTx) error {
		out = nil
		all, err := tx.Alarms(ctx, invoiceID)
		for _, a := range all {
			if a.ClosedAt.IsZero() {
				out = append(out, a.Message)
			}
		}
		return err
	})
	if err != nil {
		fx.t.Fatal(err)
	}
	return out
}

// speaks says whether exactly these alarms are open, by a part of each.
func speaks(open []string, parts ...string) bool {
	if len(open) != len(parts) {
		return false
	}
	for i, part := range parts {
		if !strings.Contains(open[i], part) {
			return false
		}
	}
	return true
}

var byCard = gateway.PayInput{Way: pay.WayCard, Number: "8600123412341239", Expiry: "2912"}

func cardFor(inv gateway.Invoice) gateway.PayInput {
	in := byCard
	in.InvoiceID = inv.ID
	return in
}

// The buyer's code is not handed over on an invoice that another company has made paid meanwhile, and
// no other code is sent.
func TestNoCodeAfterTheInvoiceWasPaid(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.merchant("b1", "cards")
		link, inv := fx.prepared()
		confirms := 0
		fx.cards.says = func(op string, p pay.Payment) (provider.Outcome, error) {
			if op == "confirm" {
				confirms++
				return provider.Outcome{State: pay.Paid, Ref: p.Ref, Amount: p.Amount}, nil
			}
			return provider.Outcome{State: pay.Created, Ref: "sms", Needs: provider.Next{Kind: "otp", ExpiresAt: fx.Now().Add(10 * time.Minute)}}, nil
		}
		if _, err := fx.Pay(t.Context(), cardFor(inv), gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		code := fx.get(inv.ID).Payment.ID
		if err := fx.confirmed(link); err != nil {
			t.Fatal(err)
		}
		if _, err := fx.ConfirmPay(t.Context(), inv.ID, "112233", gateway.Idem{}); reason(err) != "already_paid" {
			t.Errorf("the code: %v", err)
		}
		fx.advance(2 * time.Minute)
		if _, err := fx.ResendCode(t.Context(), cardFor(inv), gateway.Idem{}); reason(err) != "already_paid" {
			t.Errorf("another code: %v", err)
		}
		if p := fx.stored(code); p.State != pay.Cancelled || p.Reason != "paid_otherwise" || confirms != 0 {
			t.Errorf("%s (%s) after %d codes", p.State, p.Reason, confirms)
		}
		if got := fx.get(inv.ID); got.Status != pay.StatusPaid || got.Payment.Provider != "link" || got.Attention != "" {
			t.Errorf("%s by %s, %q", got.Status, got.Payment.Provider, got.Attention)
		}
	})
}

func (fx *fixture) stored(paymentID string) (p pay.Payment) {
	fx.t.Helper()
	err := fx.store.View(fx.t.Context(), func(ctx context.Context, tx *storeTx) (err error) {
		p, err = tx.Payment(ctx, paymentID)
		return err
	})
	if err != nil {
		fx.t.Fatal(err)
	}
	return p
}

// While a card is being charged, a company that took the money too is told to come back: which of the
// two counts is known then. Nothing that either says is lost.
func TestConfirmWhileACardIsCharged(t *testing.T) {
	for name, c := range map[string]struct {
		answer  provider.Outcome
		lost    error
		refusal error // of the company's second try
		by      string
		open    []string
	}{
		"it is charged": {answer: provider.Outcome{State: pay.Paid, Amount: 100_000}, refusal: provider.AlreadyPaid, by: "cards",
			open: []string{"while it is not known yet", "but another payment of the invoice is paid"}},
		"it is refused": {answer: provider.Outcome{State: pay.Failed, Reason: pay.DeclineOther}, by: "link"},
		"nobody knows": {lost: errReset, refusal: provider.AlreadyPaid, by: "cards",
			open: []string{"while it is not known yet", "the answer of cards was lost", "but another payment of the invoice is unknown"}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				fx.merchant("b1", "cards")
				link, inv := fx.prepared()
				fx.cards.says = func(op string, _ pay.Payment) (provider.Outcome, error) {
					if op == "charge" {
						if err := fx.confirmed(link); provider.RefusalOf(err) != provider.Busy {
							t.Errorf("meanwhile: %v", err)
						}
						return c.answer, c.lost
					}
					return provider.Outcome{}, errReset
				}
				if _, err := fx.Pay(t.Context(), cardFor(inv), gateway.Idem{}); err != nil {
					t.Fatal(err)
				}
				if err := fx.confirmed(link); provider.RefusalOf(err) != provider.RefusalOf(c.refusal) {
					t.Errorf("again: %v", err)
				}
				if got, open := fx.get(inv.ID), fx.open(inv.ID); got.Payment.Provider != c.by || !speaks(open, c.open...) {
					t.Errorf("%s by %s: %q", got.Status, got.Payment.Provider, open)
				}
			})
		})
	}
}

// A charge beside a payment that has its money, in a book that an earlier program left: whatever is
// heard of it is written down, a person is told what is true, and the work comes to an end.
func TestChargeBesideAPaidOne(t *testing.T) {
	asked := func(o provider.Outcome, err error) func(string, pay.Payment) (provider.Outcome, error) {
		return func(string, pay.Payment) (provider.Outcome, error) { return o, err }
	}
	paid, held := provider.Outcome{State: pay.Paid, Ref: "card-1", Amount: 100_000}, provider.Outcome{State: pay.Held, Ref: "card-1", Amount: 100_000}
	for name, c := range map[string]struct {
		answer, later func(string, pay.Payment) (provider.Outcome, error)
		first, last   []string // what a person is told at once, and in the end
		want          pay.State
	}{
		"paid":           {asked(paid, nil), nil, []string{"cards says that it took the money"}, []string{"cards says that it took the money"}, pay.Cancelled},
		"held":           {asked(held, nil), nil, []string{"cards holds the money too"}, []string{"cards holds the money too"}, pay.Cancelled},
		"lost, and paid": {asked(provider.Outcome{}, errReset), asked(paid, nil), []string{"paid twice"}, []string{"cards says that it took the money"}, pay.Cancelled},
		"lost, and held": {asked(provider.Outcome{}, errReset), asked(held, nil), []string{"paid twice"}, []string{"cards holds the money too"}, pay.Cancelled},
		"lost, and not":  {asked(provider.Outcome{}, errReset), asked(provider.Outcome{}, nil), []string{"paid twice"}, nil, pay.Failed},
		"lost, and nobody can be asked": {asked(provider.Outcome{}, errReset), asked(provider.Outcome{}, &pay.Error{Code: pay.CodeUnsupported}),
			[]string{"paid twice"}, []string{"paid twice"}, pay.Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				fx.merchant("b1", "cards")
				link, inv := fx.prepared()
				charged := ""
				fx.cards.says = func(op string, p pay.Payment) (provider.Outcome, error) {
					charged = p.ID
					fx.paidBehindOurBack(link)
					fx.cards.says = c.later
					return c.answer(op, p)
				}
				if s, err := fx.Pay(t.Context(), cardFor(inv), gateway.Idem{}); err != nil || s.Value.Status != pay.StatusPaid {
					t.Fatalf("%s, %v", s.Value.Status, err)
				}
				if open := fx.open(inv.ID); !speaks(open, c.first...) {
					t.Errorf("at once: %q", open)
				}
				for range 4 {
					fx.advance(6 * time.Minute)
					fx.settle()
				}
				if p, open := fx.stored(charged), fx.open(inv.ID); p.State != c.want || p.Asked != "" || !speaks(open, c.last...) {
					t.Errorf("%s (%s), asked %q: %q", p.State, p.Reason, p.Asked, open)
				}
				if got := fx.get(inv.ID); got.Status != pay.StatusPaid || got.Payment.Provider != "link" {
					t.Errorf("%s by %s", got.Status, got.Payment.Provider)
				}
				if got := fx.app.statuses(); len(slices.Compact(got)) > 1 {
					t.Errorf("the app was told %v", got)
				}
				var left int64
				if err := fx.store.View(t.Context(), func(ctx context.Context, tx *storeTx) error {
					s, err := tx.Stats(ctx)
					left = s.Work["settle"]
					return err
				}); err != nil || left != 0 {
					t.Errorf("%d left to settle, %v", left, err)
				}
			})
		})
	}
}

// paidBehindOurBack makes the attempt at "link" paid, as a program could that did not look at what is
// being charged.
func (fx *fixture) paidBehindOurBack(link gateway.Merchant) {
	var p pay.Payment
	err := fx.store.View(fx.t.Context(), func(ctx context.Context, tx *storeTx) (err error) {
		p, err = tx.PaymentByRef(ctx, link.ID, "late")
		return err
	})
	if err != nil {
		fx.t.Fatal(err)
	}
	fx.change(p, func(p *pay.Payment) error {
		_, err := p.Apply(pay.Change{To: pay.Paid, At: fx.Now()})
		return err
	})
}

// change writes a payment, its invoice, and the work that settles it, past the gateway.
func (fx *fixture) change(p pay.Payment, how func(p *pay.Payment) error) {
	fx.t.Helper()
	err := fx.store.Update(fx.t.Context(), func(ctx context.Context, tx *storeTx) error {
		inv, err := tx.LockInvoice(ctx, p.InvoiceID)
		if err != nil {
			return err
		}
		changed := p
		if err := how(&changed); err != nil {
			return err
		}
		inv.Follow(&changed)
		if err := tx.SavePayment(ctx, changed); err != nil {
			return err
		}
		if err := tx.SaveInvoice(ctx, inv); err != nil {
			return err
		}
		return tx.Enqueue(ctx, outbox.Work{BusinessID: p.BusinessID, Kind: "settle", Subject: p.ID, Lane: p.Provider, DueAt: fx.Now()})
	})
	if err != nil {
		fx.t.Error(err)
	}
}

// A company that is called twice is not told to take the money once the invoice is paid otherwise.
func TestNoSecondStepAfterTheInvoiceWasPaid(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.merchant("b1", "cards")
		link, inv := fx.prepared()
		fx.cards.before, fx.cards.between = func() { fx.paidBehindOurBack(link) }, func() {}
		_, err := fx.Pay(t.Context(), cardFor(inv), gateway.Idem{})
		if reason(err) != "already_paid" || len(fx.cards.taken) != 0 {
			t.Errorf("%v; taken %v", err, fx.cards.taken)
		}
	})
}
