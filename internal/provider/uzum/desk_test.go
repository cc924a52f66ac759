package uzum_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// clock is a time that only the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// desk is the gateway's desk in memory: it keeps the promises of provider.Desk for one
// merchant, so that the dialect can be tested by itself. The scenarios run on the real one.
type desk struct {
	provider.Desk // what the dialect must not need

	clock    *clock
	mu       sync.Mutex
	down     bool
	invoices map[string]*pay.Invoice
	payments map[string]*pay.Payment
	alarms   int
}

func newDesk(c *clock) *desk {
	return &desk{clock: c, invoices: map[string]*pay.Invoice{}, payments: map[string]*pay.Payment{}}
}

func (d *desk) invoice(id string, amount pay.Tiyin, status pay.Status) {
	d.invoices[id] = &pay.Invoice{ID: id, Amount: amount, Status: status, ExpiresAt: d.clock.Now().Add(24 * time.Hour)}
}

var errDown = errors.New("the database is down")

func (d *desk) find(account string) (*pay.Invoice, error) {
	if d.down {
		return nil, errDown
	}
	inv, ok := d.invoices[account]
	if !ok {
		return nil, provider.NoAccount
	}
	return inv, nil
}

func (d *desk) payable(inv *pay.Invoice) error {
	switch {
	case inv.Status == pay.StatusPaid || inv.Status == pay.StatusHeld || inv.Status == pay.StatusRefunded:
		return provider.AlreadyPaid
	case inv.Status != pay.StatusPending:
		return provider.Closed
	case !inv.Payable(d.clock.Now()):
		return provider.Expired
	}
	for _, p := range d.payments {
		if p.InvoiceID == inv.ID && p.Open(d.clock.Now()) {
			return provider.Busy
		}
	}
	return nil
}

func (d *desk) Find(_ context.Context, account string) (pay.Invoice, *pay.Payment, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	inv, err := d.find(account)
	if err != nil {
		return pay.Invoice{}, nil, err
	}
	return *inv, nil, nil
}

func (d *desk) Check(_ context.Context, account string, amount pay.Tiyin) (pay.Invoice, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	inv, err := d.find(account)
	if err != nil {
		return pay.Invoice{}, err
	}
	if err := d.payable(inv); err != nil {
		return pay.Invoice{}, err
	}
	if amount != inv.Amount {
		return pay.Invoice{}, provider.WrongAmount
	}
	return *inv, nil
}

func (d *desk) Open(_ context.Context, o provider.OpenOrder) (provider.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	inv, err := d.find(o.Account)
	if errors.Is(err, errDown) {
		return provider.Result{}, err
	}
	if p, ok := d.payments[o.Ref]; ok {
		if d.lapse(p) {
			return provider.Result{}, provider.Expired
		}
		return provider.Result{Payment: *p, Again: true}, nil
	}
	if err != nil {
		return provider.Result{}, err
	}
	if err := d.payable(inv); err != nil {
		return provider.Result{}, err
	}
	if o.Amount != inv.Amount {
		return provider.Result{}, provider.WrongAmount
	}
	p := &pay.Payment{
		ID: "pay-" + o.Ref, InvoiceID: inv.ID, Ref: o.Ref, Account: o.Account, Amount: o.Amount, State: pay.Created,
		TheirTime: o.TheirTime, ExpiresAt: o.ExpiresAt, OnExpiry: o.OnExpiry, CreatedAt: d.clock.Now(),
	}
	d.payments[o.Ref] = p
	return provider.Result{Payment: *p}, nil
}

// lapse writes what an attempt's end of time makes of it.
func (d *desk) lapse(p *pay.Payment) bool {
	if !p.Lapsed(d.clock.Now()) {
		return false
	}
	_, _ = p.Apply(pay.Change{To: p.OnExpiry, At: p.ExpiresAt})
	return true
}

func (d *desk) Confirm(_ context.Context, k provider.Key, proof provider.Proof) (provider.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return provider.Result{}, errDown
	}
	p, ok := d.payments[k.Ref]
	if !ok {
		return provider.Result{}, provider.NoPayment
	}
	if d.lapse(p) {
		d.alarms++
		return provider.Result{}, provider.Expired
	}
	if p.State != pay.Created {
		return provider.Result{Payment: *p, Again: true}, nil
	}
	inv := d.invoices[p.InvoiceID]
	if inv.Status != pay.StatusPending {
		d.alarms++
		return provider.Result{}, provider.AlreadyPaid
	}
	_, _ = p.Apply(pay.Change{To: pay.Paid, At: d.clock.Now()})
	p.Card, p.Meta = proof.Card, proof.Meta
	inv.Follow(p)
	return provider.Result{Payment: *p}, nil
}

func (d *desk) Cancel(_ context.Context, k provider.Key, c provider.CancelOrder) (provider.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return provider.Result{}, errDown
	}
	p, ok := d.payments[k.Ref]
	if !ok {
		return provider.Result{}, provider.NoPayment
	}
	to := pay.Cancelled
	if p.State == pay.Paid {
		to = pay.Refunded
	}
	if p.State.Final() {
		return provider.Result{Payment: *p, Again: true}, nil
	}
	_, _ = p.Apply(pay.Change{To: to, At: d.clock.Now(), Reason: c.Reason})
	d.invoices[p.InvoiceID].Follow(p)
	return provider.Result{Payment: *p}, nil
}

func (d *desk) Payment(_ context.Context, ref string) (pay.Payment, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return pay.Payment{}, errDown
	}
	p, ok := d.payments[ref]
	if !ok {
		return pay.Payment{}, provider.NoPayment
	}
	return *p, nil
}
