package payme_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// book is a desk in memory, on which the dialect is tried without a gateway: what the contract
// says of a desk, in the fewest lines. The scenarios run on the real one.
type book struct {
	mu       sync.Mutex
	now      time.Time
	invoices map[string]*pay.Invoice
	payments map[string]*pay.Payment // by Payme's id
	receipts []pay.Receipt
	down     error // what every call fails with, while it is set
	calls    int
}

var errDown = errors.New("the database is down")

func newBook() *book {
	return &book{now: time.UnixMilli(1_700_000_000_000), invoices: map[string]*pay.Invoice{}, payments: map[string]*pay.Payment{}}
}

func (b *book) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *book) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *book) invoice(id string, amount pay.Tiyin, lines ...pay.ReceiptLine) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.invoices[id] = &pay.Invoice{ID: id, Amount: amount, Status: pay.StatusPending, Lines: lines, ExpiresAt: b.now.Add(48 * time.Hour)}
}

// enter begins every call.
func (b *book) enter() func() {
	b.mu.Lock()
	b.calls++
	return b.mu.Unlock
}

func (b *book) find(account string) (*pay.Invoice, *pay.Payment, error) {
	inv := b.invoices[account]
	if inv == nil {
		return nil, nil, provider.NoAccount
	}
	var open *pay.Payment
	for _, p := range b.payments {
		if p.InvoiceID == inv.ID && (p.State.Live() || p.Open(b.now)) {
			open = p
		}
	}
	return inv, open, nil
}

func (b *book) payable(account string, amount pay.Tiyin) (*pay.Invoice, error) {
	inv, open, err := b.find(account)
	switch {
	case err != nil:
		return nil, err
	case inv.Status == pay.StatusPaid || inv.Status == pay.StatusRefunded:
		return nil, provider.AlreadyPaid
	case !inv.Payable(b.now):
		return nil, provider.Closed
	case open != nil:
		return nil, provider.Busy
	case amount != inv.Amount:
		return nil, provider.WrongAmount
	}
	return inv, nil
}

func (b *book) Check(_ context.Context, account string, amount pay.Tiyin) (pay.Invoice, error) {
	defer b.enter()()
	if b.down != nil {
		return pay.Invoice{}, b.down
	}
	inv, err := b.payable(account, amount)
	if err != nil {
		return pay.Invoice{}, err
	}
	return *inv, nil
}

func (b *book) Find(_ context.Context, account string) (pay.Invoice, *pay.Payment, error) {
	panic("Payme has no use for it")
}

func (b *book) Open(_ context.Context, o provider.OpenOrder) (provider.Result, error) {
	defer b.enter()()
	if b.down != nil {
		return provider.Result{}, b.down
	}
	if p := b.payments[o.Ref]; p != nil {
		if b.lapse(p) {
			return provider.Result{}, provider.Expired
		}
		return provider.Result{Payment: *p, Again: true}, nil
	}
	inv, err := b.payable(o.Account, o.Amount)
	if err != nil {
		return provider.Result{}, err
	}
	p := &pay.Payment{
		ID: fmt.Sprintf("pay-%d", len(b.payments)+1), InvoiceID: inv.ID, Ref: o.Ref, Account: o.Account, Amount: o.Amount,
		State: pay.Created, TheirTime: o.TheirTime, ExpiresAt: o.ExpiresAt, OnExpiry: o.OnExpiry, LapseNote: o.ExpiryReason, CreatedAt: b.now,
	}
	b.payments[o.Ref] = p
	return provider.Result{Payment: *p}, nil
}

func (b *book) lapse(p *pay.Payment) bool {
	if !p.Lapsed(b.now) {
		return false
	}
	p.Apply(pay.Change{To: p.OnExpiry, At: b.now, Reason: p.LapseNote})
	return true
}

func (b *book) payment(k provider.Key) (*pay.Payment, error) {
	if b.down != nil {
		return nil, b.down
	}
	if p := b.payments[k.Ref]; p != nil {
		return p, nil
	}
	return nil, provider.NoPayment
}

func (b *book) Confirm(_ context.Context, k provider.Key, proof provider.Proof) (provider.Result, error) {
	defer b.enter()()
	p, err := b.payment(k)
	if err != nil {
		return provider.Result{}, err
	}
	if b.lapse(p) {
		return provider.Result{}, provider.Expired
	}
	if p.State != pay.Created {
		return provider.Result{Payment: *p, Again: true}, nil
	}
	if b.invoices[p.InvoiceID].Status != pay.StatusPending {
		return provider.Result{}, provider.AlreadyPaid
	}
	p.Apply(pay.Change{To: pay.Paid, At: b.now})
	b.invoices[p.InvoiceID].Follow(p)
	return provider.Result{Payment: *p}, nil
}

func (b *book) Cancel(_ context.Context, k provider.Key, c provider.CancelOrder) (provider.Result, error) {
	defer b.enter()()
	p, err := b.payment(k)
	if err != nil {
		return provider.Result{}, err
	}
	switch p.State {
	case pay.Created:
		p.Apply(pay.Change{To: pay.Cancelled, At: b.now, Reason: c.Reason})
	case pay.Paid, pay.Refunded:
		if c.UnpaidOnly {
			return provider.Result{}, provider.NotReversible
		}
		if p.State == pay.Refunded {
			return provider.Result{Payment: *p, Again: true}, nil
		}
		p.Apply(pay.Change{To: pay.Refunded, At: b.now, Reason: c.Reason})
		b.invoices[p.InvoiceID].Follow(p)
	default:
		return provider.Result{Payment: *p, Again: true}, nil
	}
	return provider.Result{Payment: *p}, nil
}

func (b *book) Payment(_ context.Context, ref string) (pay.Payment, error) {
	defer b.enter()()
	p, err := b.payment(provider.Key{Ref: ref})
	if err != nil {
		return pay.Payment{}, err
	}
	return *p, nil
}

func (b *book) Statement(_ context.Context, from, to time.Time) ([]pay.Payment, error) {
	defer b.enter()()
	if b.down != nil {
		return nil, b.down
	}
	var out []pay.Payment
	for _, p := range b.payments {
		if !p.TheirTime.Before(from) && !p.TheirTime.After(to) {
			out = append(out, *p)
		}
	}
	slices.SortFunc(out, func(x, y pay.Payment) int {
		if n := x.TheirTime.Compare(y.TheirTime); n != 0 {
			return n
		}
		return strings.Compare(x.Ref, y.Ref)
	})
	return out, nil
}

func (b *book) Receipt(_ context.Context, k provider.Key, r pay.Receipt) (provider.Result, error) {
	defer b.enter()()
	p, err := b.payment(k)
	if err != nil {
		return provider.Result{}, err
	}
	if slices.Contains(b.receipts, r) {
		return provider.Result{Payment: *p, Again: true}, nil
	}
	b.receipts = append(b.receipts, r)
	return provider.Result{Payment: *p}, nil
}

func (b *book) Alarm(context.Context, provider.Key, pay.Attention, string) error {
	panic("Payme has no use for it")
}

var _ provider.Desk = (*book)(nil)
