package multicard_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// desk is one invoice with one payment, kept as the contract says: what the dialogues are read
// against. The scenarios run on the gateway's own.
type desk struct {
	mu      sync.Mutex
	invoice pay.Invoice
	payment pay.Payment
	broken  bool             // every write fails
	refuse  provider.Refusal // what Confirm refuses with
	alarms  []string
}

var errBroken = errors.New("the database is down")

func newDesk(state pay.State, lang string) *desk {
	d := &desk{
		invoice: pay.Invoice{ID: "0190a1b2-0000-7000-8000-00000000aaaa", Lang: lang, Status: pay.StatusPending},
		payment: pay.Payment{
			ID: paymentID, InvoiceID: "0190a1b2-0000-7000-8000-00000000aaaa", Ref: "e60d8ebc-b9fe-11ef-b159-005056b4367d",
			Amount: 20000, State: state, Meta: []byte(`{"invoice":"e60d8ebc-b9fe-11ef-b159-005056b4367d","store":6}`),
		},
	}
	if state == pay.Paid || state == pay.Refunded {
		d.payment.Captured = 20000
	}
	return d
}

func (d *desk) find(k provider.Key) error {
	if k.PaymentID != "" && k.PaymentID != d.payment.ID || k.Ref != "" && k.Ref != d.payment.Ref {
		return provider.NoPayment
	}
	return nil
}

func (d *desk) Confirm(_ context.Context, k provider.Key, p provider.Proof) (provider.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken {
		return provider.Result{}, errBroken
	}
	if err := d.find(k); err != nil {
		return provider.Result{}, err
	}
	if d.payment.State.Final() || d.payment.State == pay.Paid {
		return provider.Result{Payment: d.payment, Invoice: d.invoice, Again: true}, nil
	}
	if d.refuse != "" {
		return provider.Result{}, d.refuse
	}
	if p.Amount != d.payment.Amount {
		return provider.Result{}, provider.WrongAmount
	}
	if _, err := d.payment.Apply(pay.Change{To: pay.Paid, At: p.At}); err != nil {
		return provider.Result{}, err
	}
	d.payment.Card, d.payment.ReceiptURL = p.Card, p.ReceiptURL
	if d.payment.Ref == "" {
		d.payment.Ref = p.Ref
	}
	if p.Meta != nil {
		d.payment.Meta = p.Meta
	}
	return provider.Result{Payment: d.payment, Invoice: d.invoice}, nil
}

func (d *desk) Cancel(_ context.Context, k provider.Key, c provider.CancelOrder) (provider.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken {
		return provider.Result{}, errBroken
	}
	if err := d.find(k); err != nil {
		return provider.Result{}, err
	}
	to := pay.Cancelled
	switch {
	case d.payment.State.Final():
		return provider.Result{Payment: d.payment, Invoice: d.invoice, Again: true}, nil
	case d.payment.State == pay.Paid && c.UnpaidOnly:
		return provider.Result{}, provider.NotReversible
	case d.payment.State == pay.Paid:
		to = pay.Refunded
	case c.Failed:
		to = pay.Failed
	}
	_, err := d.payment.Apply(pay.Change{To: to, Reason: c.Reason})
	return provider.Result{Payment: d.payment, Invoice: d.invoice}, err
}

func (d *desk) Payment(_ context.Context, ref string) (pay.Payment, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ref != d.payment.Ref {
		return pay.Payment{}, provider.NoPayment
	}
	return d.payment, nil
}

func (d *desk) Find(_ context.Context, account string) (pay.Invoice, *pay.Payment, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if account != d.invoice.ID {
		return pay.Invoice{}, nil, provider.NoAccount
	}
	return d.invoice, &d.payment, nil
}

func (d *desk) Alarm(_ context.Context, _ provider.Key, _ pay.Attention, message string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken {
		return errBroken
	}
	d.alarms = append(d.alarms, message)
	return nil
}

// Multicard's messages use none of these.
func (d *desk) Check(context.Context, string, pay.Tiyin) (pay.Invoice, error) {
	return pay.Invoice{}, errBroken
}
func (d *desk) Open(context.Context, provider.OpenOrder) (provider.Result, error) {
	return provider.Result{}, errBroken
}
func (d *desk) Statement(context.Context, time.Time, time.Time) ([]pay.Payment, error) {
	return nil, errBroken
}
func (d *desk) Receipt(context.Context, provider.Key, pay.Receipt) (provider.Result, error) {
	return provider.Result{}, errBroken
}

var _ provider.Desk = (*desk)(nil)
