package click_test

import (
	"context"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// book is a desk over two maps, so that the dialect can be tested by itself. It keeps the
// contract's order of checks; what the gateway makes of it is tested on the bench.
type book struct {
	mu       sync.Mutex
	now      time.Time
	broken   error // what every call answers, where set
	invoices map[string]*pay.Invoice
	payments map[string]*pay.Payment
	alarms   []pay.Attention
	writes   int
}

func newBook(now time.Time) *book {
	return &book{now: now, invoices: map[string]*pay.Invoice{}, payments: map[string]*pay.Payment{}}
}

func (b *book) invoice(id string, amount pay.Tiyin) {
	b.invoices[id] = &pay.Invoice{ID: id, Amount: amount, Status: pay.StatusPending, ExpiresAt: b.now.Add(24 * time.Hour)}
}

func (b *book) Find(_ context.Context, account string) (pay.Invoice, *pay.Payment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return pay.Invoice{}, nil, b.broken
	}
	inv, ok := b.invoices[account]
	if !ok {
		return pay.Invoice{}, nil, provider.NoAccount
	}
	return *inv, nil, nil
}

func (b *book) Check(context.Context, string, pay.Tiyin) (pay.Invoice, error) {
	panic("Click has no check")
}

func (b *book) Open(_ context.Context, o provider.OpenOrder) (provider.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return provider.Result{}, b.broken
	}
	if p, ok := b.payments[o.Ref]; ok {
		return provider.Result{Payment: *p, Invoice: *b.invoices[p.InvoiceID], Again: true}, nil
	}
	inv, ok := b.invoices[o.Account]
	switch {
	case !ok:
		return provider.Result{}, provider.NoAccount
	case inv.Status == pay.StatusPaid || inv.Status == pay.StatusRefunded:
		return provider.Result{}, provider.AlreadyPaid
	case inv.Status != pay.StatusPending:
		return provider.Result{}, provider.Closed
	case !inv.Payable(b.now):
		return provider.Result{}, provider.Expired
	case o.Amount != inv.Amount:
		return provider.Result{}, provider.WrongAmount
	}
	b.writes++
	p := &pay.Payment{
		ID: "pay-" + o.Ref, InvoiceID: inv.ID, Ref: o.Ref, Account: o.Account, Amount: o.Amount, State: pay.Created,
		TheirTime: o.TheirTime, ExpiresAt: o.ExpiresAt, OnExpiry: o.OnExpiry, CreatedAt: b.now, Meta: o.Meta,
	}
	b.payments[o.Ref] = p
	return provider.Result{Payment: *p, Invoice: *inv}, nil
}

func (b *book) Confirm(_ context.Context, k provider.Key, proof provider.Proof) (provider.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return provider.Result{}, b.broken
	}
	p, ok := b.payments[k.Ref]
	if !ok {
		return provider.Result{}, provider.NoPayment
	}
	inv := b.invoices[p.InvoiceID]
	switch {
	case p.State == pay.Paid || p.State == pay.Refunded:
		return provider.Result{Payment: *p, Invoice: *inv, Again: true}, nil
	case p.State == pay.Cancelled || p.State == pay.Failed:
		b.alarms = append(b.alarms, pay.AttentionProvider)
		return provider.Result{Payment: *p, Invoice: *inv, Again: true}, nil
	case inv.Status == pay.StatusPaid:
		b.alarms = append(b.alarms, pay.AttentionProvider)
		return provider.Result{}, provider.AlreadyPaid
	case inv.Status != pay.StatusPending:
		b.alarms = append(b.alarms, pay.AttentionProvider)
		return provider.Result{}, provider.Closed
	}
	b.writes++
	if _, err := p.Apply(pay.Change{To: pay.Paid, At: b.now, Amount: proof.Amount}); err != nil {
		return provider.Result{}, err
	}
	inv.Follow(p)
	return provider.Result{Payment: *p, Invoice: *inv}, nil
}

func (b *book) Cancel(_ context.Context, k provider.Key, c provider.CancelOrder) (provider.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return provider.Result{}, b.broken
	}
	p, ok := b.payments[k.Ref]
	switch {
	case !ok:
		return provider.Result{}, provider.NoPayment
	case p.State == pay.Paid && c.UnpaidOnly:
		return provider.Result{}, provider.NotReversible
	}
	changed, err := p.Apply(pay.Change{To: pay.Cancelled, At: b.now, Reason: c.Reason})
	if changed {
		b.writes++
	}
	return provider.Result{Payment: *p, Again: !changed}, err
}

func (b *book) Payment(_ context.Context, ref string) (pay.Payment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return pay.Payment{}, b.broken
	}
	if p, ok := b.payments[ref]; ok {
		return *p, nil
	}
	return pay.Payment{}, provider.NoPayment
}

func (b *book) Statement(context.Context, time.Time, time.Time) ([]pay.Payment, error) {
	panic("Click asks for no statement")
}

func (b *book) Receipt(context.Context, provider.Key, pay.Receipt) (provider.Result, error) {
	panic("Click reports no receipts")
}

func (b *book) Alarm(_ context.Context, _ provider.Key, kind pay.Attention, _ string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	b.alarms = append(b.alarms, kind)
	return nil
}

var _ provider.Desk = (*book)(nil)
