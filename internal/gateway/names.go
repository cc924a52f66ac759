package gateway

import (
	"context"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// InsertPayment, AddPayment and SavePayment also note by which other names a payment is known, so that it is
// found by whatever a buyer or a bank calls it.

// InsertPayment is the store's.
func (b *book) InsertPayment(ctx context.Context, p pay.Payment) (ok bool, err error) {
	if ok, err = b.Tx.InsertPayment(ctx, p); err != nil || !ok {
		return ok, err
	}
	return true, b.noteNames(ctx, p)
}

// AddPayment is the store's.
func (b *book) AddPayment(ctx context.Context, p pay.Payment) error {
	if err := b.Tx.AddPayment(ctx, p); err != nil {
		return err
	}
	return b.noteNames(ctx, p)
}

// SavePayment is the store's.
func (b *book) SavePayment(ctx context.Context, p pay.Payment) error {
	if err := b.Tx.SavePayment(ctx, p); err != nil {
		return err
	}
	return b.noteNames(ctx, p)
}

// maxNames and maxName bound what one payment may be called.
const (
	maxNames = 4
	maxName  = 100
)

func (b *book) noteNames(ctx context.Context, p pay.Payment) error {
	if len(p.Meta) == 0 {
		return nil // what a company calls it else stands nowhere but there
	}
	n, ok := b.g.providers[p.Provider].(provider.Namer)
	if !ok {
		return nil
	}
	return b.alsoCalled(ctx, p, n.Names(p)...)
}

// alsoCalled notes by which other names a payment is found.
func (b *book) alsoCalled(ctx context.Context, p pay.Payment, names ...string) error {
	for i, name := range names {
		if name == "" || len(name) > maxName || i >= maxNames || name == p.Ref {
			continue
		}
		if err := b.InsertClue(ctx, store.ClueName, name, p.InvoiceID); err != nil {
			return err
		}
	}
	return nil
}
