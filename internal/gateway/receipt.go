package gateway

import (
	"context"
	"errors"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// SendReceipt keeps the fiscal receipt's link of a paid invoice and passes it on to the provider,
// from the outbox: a receipt never blocks or undoes a payment. A provider that takes no links is
// told nothing; the link still stands on the invoice and in its webhooks.
func (g *Gateway) SendReceipt(ctx context.Context, invoiceID, url string, key Idem) (Saved[Invoice], error) {
	var out Saved[Invoice]
	receipt, err := pay.ParseReceiptLink(url, g.now())
	if err != nil {
		return out, invalid([]string{`"url" ` + err.Error()})
	}
	err = g.onInvoice(ctx, "invoice.receipt", invoiceID, key, &out, func(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment) error {
		p := live(payments)
		if p == nil || p.State != pay.Paid && p.State != pay.Refunded {
			return &pay.Error{Code: pay.CodeConflict, Reason: "not_paid", Message: "this invoice is " + string(inv.Status) + "; only a paid one has a receipt"}
		}
		p.ReceiptURL = receipt.URL
		if err := b.SavePayment(ctx, *p); err != nil {
			return err
		}
		if err := b.wrote(ctx, inv, store.Change{What: "receipt", PaymentID: p.ID, Now: "sale", Note: "sale receipt " + receipt.URL}); err != nil {
			return err
		}
		if _, ok := g.providers[p.Provider].Info().Account.(provider.ReceiptSender); !ok {
			return nil
		}
		return b.Enqueue(ctx, outbox.Work{BusinessID: p.BusinessID, Kind: workReceipt, Subject: p.ID, Lane: p.Provider, DueAt: b.now})
	})
	if err != nil {
		return out, err
	}
	out.Value, err = g.Invoice(ctx, invoiceID)
	return out, err
}

// receiptWork passes a receipt's link on, again and again until the provider has it or refuses.
func (g *Gateway) receiptWork(ctx context.Context, w outbox.Work) error {
	p, err := g.payment(ctx, w.Subject)
	if err != nil {
		return err
	}
	m, err := g.merchant(ctx, p.MerchantID)
	if err != nil {
		return err
	}
	a, err := g.account(m)
	if err != nil {
		return err
	}
	sender, ok := a.(provider.ReceiptSender)
	receipt, parseErr := pay.ParseReceiptLink(p.ReceiptURL, g.now())
	if !ok || parseErr != nil {
		return g.finish(ctx, w)
	}
	receipt.Kind = "sale"
	sent := g.call(ctx, m, p, "receipt", func(ctx context.Context) error { return sender.SendReceipt(ctx, p, receipt) })
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		inv, _, err := b.open(ctx, p.InvoiceID)
		if err != nil {
			return err
		}
		e, _ := errors.AsType[*provider.Error](sent)
		switch {
		case sent == nil:
			if err := b.wrote(ctx, inv, store.Change{What: "receipt", PaymentID: p.ID, Now: "sent", Note: p.Provider + " has the receipt's link"}); err != nil {
				return err
			}
		case pay.CodeOf(sent) == pay.CodeUnsupported:
		case e != nil && e.Kind == provider.KindInvalid, w.Attempts >= len(g.AskIntervals):
			if err := b.alarm(ctx, inv, p.ID, pay.AttentionProvider, p.Provider+" does not take the fiscal receipt's link: "+sent.Error()); err != nil {
				return err
			}
		default:
			return b.again(ctx, w, sent)
		}
		return b.done(ctx, w)
	})
}
