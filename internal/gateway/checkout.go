package gateway

import (
	"context"
	"errors"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// There are two kinds of checkout. Most companies are sent a link that we only write: no call,
// no payment row, the attempt begins with the company's own message. Multicard makes a page of
// its own when we ask: a payment is written first, then the call is made.

// writeLink puts into the invoice what the buyer is sent to, where that takes no call. Where it
// does, s.makePage is set instead.
func (g *Gateway) writeLink(ctx context.Context, s *invoiceStep, inv *pay.Invoice) error {
	if inv.Capture == "manual" {
		return nil // no page or app holds money: it is charged by POST /api/invoices/:id/pay
	}
	if inv.Provider == "" {
		inv.CheckoutURL = g.hostedURL(*inv)
		return nil
	}
	info := g.providers[inv.Provider].Info()
	if _, ok := info.Account.(provider.Checkouter); !ok && g.cardForm(info) {
		inv.CheckoutURL = g.hostedURL(*inv)
		return nil
	} else if !ok {
		return nil // paid by POST /api/invoices/:id/pay alone: there is nowhere to send the buyer
	}
	if g.hosts(inv.Provider) {
		s.makePage = &pay.Payment{
			ID: id.New(), InvoiceID: inv.ID, BusinessID: inv.BusinessID, MerchantID: s.merchant.ID,
			Provider: inv.Provider, Amount: inv.Amount, State: pay.Created,
		}
		return nil
	}
	link, err := g.link(ctx, s.merchant, *inv)
	if err != nil {
		return err
	}
	inv.CheckoutURL, inv.Deeplink = link.URL, link.Deeplink
	return nil
}

// link is a provider's checkout link that takes no call.
func (g *Gateway) link(ctx context.Context, m pay.Merchant, inv pay.Invoice) (provider.Link, error) {
	a, err := g.account(m)
	if err != nil {
		return provider.Link{}, err
	}
	c, ok := a.(provider.Checkouter)
	if !ok {
		return provider.Link{}, errNoCheckout
	}
	return c.Checkout(ctx, inv, pay.Payment{})
}

// writePage writes the payment under which a page will be made, with its work leased to us.
func (g *Gateway) writePage(ctx context.Context, b *book, s *invoiceStep, inv *pay.Invoice) error {
	if s.makePage == nil {
		return nil
	}
	s.makePage.CreatedAt = b.now
	if _, err := b.InsertPayment(ctx, *s.makePage); err != nil {
		return err
	}
	if err := b.wrote(ctx, inv, store.Change{What: "payment", PaymentID: s.makePage.ID, Now: string(pay.Created), Note: "asks " + s.makePage.Provider + " for a page"}); err != nil {
		return err
	}
	_, err := b.EnqueueLeased(ctx, outbox.Work{BusinessID: inv.BusinessID, Kind: workSettle, Subject: s.makePage.ID, Lane: s.makePage.Provider}, Lease, b.now)
	return err
}

// prepareLink is writeLink and writePage for an invoice that stands already.
func (g *Gateway) prepareLink(ctx context.Context, b *book, s *invoiceStep, inv *pay.Invoice) error {
	if err := g.writeLink(ctx, s, inv); err != nil {
		return err
	}
	return g.writePage(ctx, b, s, inv)
}

// makePage asks the provider for the page, and writes down what came of it. A page whose answer
// was lost is nobody's: no buyer has its address. The next request makes another, under another
// payment.
func (g *Gateway) makePage(ctx context.Context, m pay.Merchant, inv pay.Invoice, p pay.Payment, c claim) error {
	a, err := g.account(m)
	if err != nil {
		return err
	}
	var link provider.Link
	callErr := g.call(ctx, m, p, "checkout", func(ctx context.Context) error {
		if p.Way == pay.WayWallet {
			link, err = a.(provider.WalletCharger).ChargeWallet(ctx, inv, p, p.Card.PaymentSystem)
		} else {
			link, err = a.(provider.Checkouter).Checkout(ctx, inv, p)
		}
		return err
	})
	ctx = context.WithoutCancel(ctx)
	err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		inv, payments, err := b.open(ctx, inv.ID)
		if err != nil {
			return err
		}
		row := pick(payments, p.ID)
		if row == nil || row.State != pay.Created {
			return nil // settled without us: the lease had ended
		}
		if callErr != nil {
			if _, err := b.move(ctx, inv, row, pay.Change{To: pay.Failed, At: b.now, Reason: "no page"}, "no page was made: "+callErr.Error()); err != nil {
				return err
			}
			if err := c.release(ctx, b.Tx); err != nil {
				return err
			}
			return b.DropWork(ctx, workSettle, p.ID)
		}
		row.Ref, row.Meta, row.PageURL = link.Ref, link.Meta, link.URL
		if err := b.SavePayment(ctx, *row); err != nil {
			return err
		}
		if row.Way == pay.WayWallet {
			if err := c.finish(ctx, b.Tx); err != nil {
				return err
			}
			return b.Enqueue(ctx, outbox.Work{BusinessID: row.BusinessID, Kind: workSettle, Subject: row.ID, Lane: row.Provider, DueAt: b.now.Add(g.askAfter(0))})
		}
		if inv.Status == pay.StatusPending && inv.Provider == row.Provider {
			inv.CheckoutURL, inv.Deeplink = link.URL, link.Deeplink
			if err := b.SaveInvoice(ctx, *inv); err != nil {
				return err
			}
		}
		if err := c.finish(ctx, b.Tx); err != nil {
			return err
		}
		return b.DropWork(ctx, workSettle, p.ID)
	})
	if err != nil {
		return err
	}
	if callErr != nil {
		return upstream(m.Provider, callErr)
	}
	return nil
}

func pick(payments []*pay.Payment, id string) *pay.Payment {
	for _, p := range payments {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// page is the hosted page that stands for an invoice, if any.
func (g *Gateway) page(payments []*pay.Payment) *pay.Payment {
	for _, p := range payments {
		if p.State == pay.Created && g.hosts(p.Provider) {
			return p
		}
	}
	return nil
}

// takeBack has the provider take back a page, and writes down the truth that it answers with: a
// page that was paid meanwhile makes the invoice paid, and the caller finds it so.
func (g *Gateway) takeBack(ctx context.Context, p pay.Payment) error {
	m, err := g.merchant(ctx, p.MerchantID)
	if err != nil {
		return err
	}
	a, err := g.account(m)
	if err != nil {
		return err
	}
	host, ok := a.(provider.CheckoutCaller)
	if !ok {
		return errNoCheckout
	}
	var o provider.Outcome
	if p.Ref == "" { // its answer was lost or is still awaited: nobody has the page
		o = provider.Outcome{State: pay.Cancelled, Note: "no page was known"}
		if g.now().Sub(p.CreatedAt) < Lease {
			return errPaymentInProgress
		}
	} else if err := g.call(ctx, m, p, "withdraw", func(ctx context.Context) error {
		o, err = host.CancelCheckout(ctx, p)
		return err
	}); err != nil {
		return upstream(m.Provider, err)
	}
	if o.State == pay.Created {
		return &pay.Error{Code: pay.CodeUpstream, Reason: "not_withdrawn", Message: m.Provider + " does not say whether its page is closed; try again later", Upstream: &pay.Upstream{Name: m.Provider, Code: o.Code, Message: o.Note}}
	}
	if err := g.apply(context.WithoutCancel(ctx), p.ID, o, byAPI, "the page was taken back"); err != nil {
		return err
	}
	after, err := g.payment(context.WithoutCancel(ctx), p.ID)
	if err == nil && after.State == pay.Created {
		err = errPageStands // or the caller would find the page again, and ask for ever
	}
	return err
}

// errPageStands: what the company says of its page does not fit our book (it took another sum,
// say). A person has been told; until then the invoice may have been paid for.
var errPageStands = &pay.Error{Code: pay.CodeConflict, Reason: "payment_in_progress", Message: "the provider's page was not closed, and what the provider says of it does not fit this invoice; see its timeline"}

// withdrawWork takes back a page that nobody needs any more. One that was given up before its company
// had said whether it was paid is asked about all the same: see pageGrace.
func (g *Gateway) withdrawWork(ctx context.Context, w outbox.Work) error {
	p, err := g.payment(ctx, w.Subject)
	if err != nil {
		return err
	}
	last := ""
	givenUp := p.State == pay.Cancelled && p.Reason == reasonGivenUp
	if p.State == pay.Created || givenUp {
		// What a person has been told of is not asked again.
		if err := g.takeBack(ctx, p); err != nil && !errors.Is(err, errPageStands) {
			last = err.Error()
		}
	}
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		if givenUp && last == "" {
			inv, _, err := b.open(ctx, p.InvoiceID)
			if err == nil && inv.Attention != "" {
				err = b.closeAlarms(ctx, inv, func(a pay.Alarm) bool { return a.PaymentID == p.ID && a.Message == notTakenBack(&p) })
			}
			if err != nil {
				return err
			}
		}
		if last == "" || w.Attempts >= len(g.AskIntervals) {
			return b.done(ctx, w)
		}
		return b.again(ctx, w, errors.New(last))
	})
}

func (g *Gateway) payment(ctx context.Context, paymentID string) (p pay.Payment, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err = found(tx.Payment(ctx, paymentID))("payment")
		return err
	})
	return p, err
}

// Link is one way to pay, as the hosted page shows it. URL is "" where the company makes its
// page only when it is asked: then Start makes it.
type Link struct {
	Provider, Title, DisplayName string
	URL, Deeplink                string

	// Card: it is our own form for a card's number, and Provider charges the card. Phone: the form
	// asks for the telephone that the code goes to.
	Card, Phone bool

	Acquirer bool // it takes cards: on its own page, where Card is false
}

// Links are the ways to pay an invoice, one per active provider that may take it.
func (g *Gateway) Links(ctx context.Context, invoiceID string) (inv Invoice, out []Link, err error) {
	if inv, err = g.Invoice(ctx, invoiceID); err != nil {
		return inv, nil, err
	}
	var merchants []pay.Merchant
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		merchants, err = g.checkoutMerchants(ctx, tx, inv.BusinessID)
		return err
	})
	if err != nil {
		return inv, nil, err
	}
	formed := false
	for _, m := range merchants {
		if inv.Provider != "" && inv.Provider != m.Provider || inv.Capture == "manual" || !g.takesSplit(m.Provider, inv.Invoice) {
			continue
		}
		info := g.providers[m.Provider].Info()
		l := Link{Provider: m.Provider, Title: info.Title, DisplayName: m.DisplayName}
		_, l.Acquirer = info.Account.(provider.CardCharger)
		if g.cardForm(info) && !formed {
			form := l
			form.Card, form.Phone = true, info.Account.(provider.NumberCharger).NumberTerms().Phone
			out, formed = append(out, form), true
		}
		if _, ok := info.Account.(provider.Checkouter); !ok {
			continue
		}
		if !g.hosts(m.Provider) {
			made, err := g.link(ctx, m, inv.Invoice)
			if err != nil {
				g.Logger.WarnContext(ctx, "a link could not be made", "provider", m.Provider, "merchant", m.ID, "invoice", inv.ID, "error", err)
				continue
			}
			l.URL, l.Deeplink = made.URL, made.Deeplink
		}
		out = append(out, l)
	}
	return inv, out, nil
}

// Start gives the address at which a buyer pays an invoice with one provider, and has the
// provider make its page where it must.
func (g *Gateway) Start(ctx context.Context, invoiceID, providerName string) (Link, error) {
	inv, links, err := g.Links(ctx, invoiceID)
	if err != nil {
		return Link{}, err
	}
	var l Link
	for _, each := range links {
		if each.Provider == providerName && !each.Card {
			l = each
		}
	}
	switch {
	case l.Provider == "":
		return l, notFound("provider")
	case l.URL != "":
		return l, nil
	case inv.Status != pay.StatusPending:
		return l, &pay.Error{Code: pay.CodeConflict, Reason: "not_payable", Message: "this invoice is " + string(inv.Status)}
	case inv.Provider == providerName && inv.CheckoutURL != "":
		l.URL, l.Deeplink = inv.CheckoutURL, inv.Deeplink
		return l, nil
	}
	return g.startPage(ctx, inv.Invoice, l)
}

// startPage makes a company's page for an invoice that any provider may take. Its address is
// kept in the payment, so that a second press of the button opens the same page.
func (g *Gateway) startPage(ctx context.Context, inv pay.Invoice, l Link) (Link, error) {
	var s invoiceStep
	var standing, link *pay.Payment // a page, or a link into an app, that the company has made before
	err := g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		s, standing, link = invoiceStep{}, nil, nil
		inv, payments, err := b.open(ctx, inv.ID)
		if err != nil {
			return err
		}
		switch {
		case anyOpen(payments, b.now):
			return errPaymentInProgress
		case inv.Status == pay.StatusPending && !inv.Payable(b.now):
			return &pay.Error{Code: pay.CodeConflict, Reason: "not_payable", Message: "this invoice has run out"}
		case inv.Status != pay.StatusPending:
			return errPaymentInProgress
		}
		if s.merchant, err = b.MerchantOf(ctx, inv.BusinessID, l.Provider); err != nil {
			return err
		}
		for _, p := range payments {
			switch {
			case p.State != pay.Created || p.Provider != l.Provider:
			case p.Way == pay.WayWallet:
				link = p
				return nil
			default:
				standing = p
				return nil
			}
		}
		s.inv = *inv
		s.makePage = &pay.Payment{
			ID: id.New(), InvoiceID: inv.ID, BusinessID: inv.BusinessID, MerchantID: s.merchant.ID,
			Provider: l.Provider, Amount: inv.Amount, State: pay.Created,
		}
		return g.writePage(ctx, b, &s, inv)
	})
	if err != nil {
		return l, err
	}
	if link != nil { // one way in at a time
		if err := g.withdrawPage(ctx, *link); err != nil {
			return l, err
		}
		return g.startPage(ctx, inv, l)
	}
	if standing == nil {
		if err := g.makePage(ctx, s.merchant, s.inv, *s.makePage, claim{}); err != nil {
			return l, err
		}
		p, err := g.payment(ctx, s.makePage.ID)
		if err != nil {
			return l, err
		}
		standing = &p
	}
	if standing.PageURL == "" {
		return l, errPaymentInProgress
	}
	l.URL = standing.PageURL
	return l, nil
}
