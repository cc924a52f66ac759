package gateway

import (
	"context"
	"errors"
	"strings"

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
		p.Fiscal = pay.FiscalPending
		if err := b.SavePayment(ctx, *p); err != nil {
			return err
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
		inv, payments, err := b.open(ctx, p.InvoiceID)
		if err != nil {
			return err
		}
		row := pick(payments, p.ID)
		switch {
		case sent == nil:
			return b.fiscalEnds(ctx, inv, row, w, pay.FiscalDone, p.Provider+" has the receipt's link")
		case pay.CodeOf(sent) == pay.CodeUnsupported: // this merchant lacks the credentials for it
			return b.fiscalEnds(ctx, inv, row, w, "", sent.Error())
		case forGood(sent), w.Attempts >= maxFiscalTries:
			return b.fiscalEnds(ctx, inv, row, w, pay.FiscalFailed, p.Provider+receiptUntaken+sent.Error())
		}
		return b.again(ctx, w, sent)
	})
}

// maxFiscalTries is how often a receipt is tried before it is left to a person: with the usual
// intervals, for three days.
const maxFiscalTries = 80

// forGood says whether the provider refused the receipt itself: a repeat would be refused too.
func forGood(err error) bool {
	e, ok := errors.AsType[*provider.Error](err)
	return ok && e.Kind == provider.KindInvalid
}

// fiscalEnds writes down where the fiscal receipt stands now, and ends its work. A failed one
// goes before a person; the payment is as it was.
func (b *book) fiscalEnds(ctx context.Context, inv *pay.Invoice, p *pay.Payment, w outbox.Work, to pay.Fiscal, note string) error {
	p.Fiscal = to
	if err := b.SavePayment(ctx, *p); err != nil {
		return err
	}
	if err := b.wrote(ctx, inv, store.Change{What: "receipt", PaymentID: p.ID, Now: string(to), Note: note}); err != nil {
		return err
	}
	if to == pay.FiscalFailed {
		if err := b.alarm(ctx, inv, p.ID, pay.AttentionProvider, note); err != nil {
			return err
		}
	}
	return b.done(ctx, w)
}

// How the alarms about a fiscal receipt go on after the company's name.
const (
	receiptFailed   = " could not make the fiscal receipt: "
	receiptUnmade   = " does not make the fiscal receipt: "
	receiptUntaken  = " does not take the fiscal receipt's link: "
	receiptNotShown = " took the lines, and never showed a receipt"
)

// ofReceipt says whether an alarm is about p's fiscal receipt.
func ofReceipt(a pay.Alarm, p *pay.Payment) bool {
	for _, words := range []string{receiptFailed, receiptUnmade, receiptUntaken, receiptNotShown} {
		if strings.HasPrefix(a.Message, p.Provider+words) {
			return a.PaymentID == p.ID && a.Kind == pay.AttentionProvider
		}
	}
	return false
}

// fiscalise leaves to the outbox that the provider makes the fiscal receipt of what was just
// paid, where the merchant wants that of it.
func (g *Gateway) fiscalise(ctx context.Context, b *book, inv *pay.Invoice, p *pay.Payment) error {
	known, ok := g.providers[p.Provider]
	if !ok || len(inv.Lines) == 0 {
		return nil
	}
	if _, ok := known.Info().Account.(provider.Fiscaliser); !ok {
		return nil
	}
	m, err := b.Merchant(ctx, p.MerchantID)
	if err != nil || !m.Options.Fiscalise {
		return err
	}
	p.Fiscal = pay.FiscalPending
	return b.Enqueue(ctx, outbox.Work{BusinessID: p.BusinessID, Kind: workFiscal, Subject: p.ID, Lane: p.Provider, DueAt: b.now})
}

// fiscalWork hands the lines over, then asks for the link until it is there. Neither moves money,
// so both may be repeated.
func (g *Gateway) fiscalWork(ctx context.Context, w outbox.Work) error {
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
	f, ok := a.(provider.Fiscaliser)
	if !ok || p.Fiscal != pay.FiscalPending && p.Fiscal != pay.FiscalSent {
		return g.finish(ctx, w)
	}
	inv, err := g.Invoice(ctx, p.InvoiceID)
	if err != nil {
		return err
	}
	var receipt pay.Receipt
	failed := g.call(ctx, m, p, "fiscal", func(ctx context.Context) error {
		if p.Fiscal == pay.FiscalPending {
			return f.SubmitLines(ctx, p, inv.Lines)
		}
		receipt, err = f.FiscalReceipt(ctx, p)
		return err
	})
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		inv, payments, err := b.open(ctx, p.InvoiceID)
		if err != nil {
			return err
		}
		row := pick(payments, p.ID)
		switch {
		case failed != nil && (forGood(failed) && p.Fiscal == pay.FiscalPending || w.Attempts >= maxFiscalTries):
			return b.fiscalEnds(ctx, inv, row, w, pay.FiscalFailed, p.Provider+receiptUnmade+failed.Error())
		case failed != nil:
			return b.again(ctx, w, failed)
		case p.Fiscal == pay.FiscalPending:
			row.Fiscal = pay.FiscalSent
			if err := b.SavePayment(ctx, *row); err != nil {
				return err
			}
			return b.later(ctx, w, b.now, "")
		case receipt.URL != "":
			row.ReceiptURL = receipt.URL
			return b.fiscalEnds(ctx, inv, row, w, pay.FiscalDone, "sale receipt "+receipt.URL)
		case w.Attempts >= maxFiscalTries:
			return b.fiscalEnds(ctx, inv, row, w, pay.FiscalFailed, p.Provider+receiptNotShown)
		}
		return b.again(ctx, w, errors.New("no receipt yet"))
	})
}
