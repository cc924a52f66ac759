package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// CreateInvoice asks a buyer for money: 201 for a new invoice, 200 for the one that the order
// has already. See the contract's section 4 for what a second request for the same order does.
func (g *Gateway) CreateInvoice(ctx context.Context, in InvoiceInput, key Idem) (Saved[Invoice], error) {
	var out Saved[Invoice]
	if in.Provider != "" {
		if err := g.checkoutable(in); err != nil {
			return out, err
		}
	} else if err := g.someSplits(in); err != nil {
		return out, err
	}
	c, err := g.newClaim("invoice.create", in.Source, key, false)
	if err != nil {
		return out, err
	}
	for {
		var s invoiceStep
		err := wait(ctx, func() (again bool, err error) {
			s, err = g.decideInvoice(ctx, in, c)
			if errors.Is(err, errTwin) {
				return true, nil
			}
			return s.twinRuns, err
		})
		if err != nil {
			return out, err
		}
		out.Status, out.Replayed = s.status, s.replayed
		switch {
		case s.withdraw != nil: // first take back what was made at the old provider, then decide anew
			if err := g.takeBack(ctx, *s.withdraw); err != nil {
				return out, err
			}
			continue
		case s.makePage != nil:
			if err := g.makePage(ctx, s.merchant, s.inv, *s.makePage, c); err != nil {
				return out, err
			}
		}
		if s.fresh {
			out.Value.Invoice = s.inv // as it was written: nothing to read back
			return out, nil
		}
		out.Value, err = g.Invoice(ctx, s.inv.ID)
		return out, err
	}
}

// checkoutable says whether a buyer can be sent to the provider for such an invoice at all.
func (g *Gateway) checkoutable(in InvoiceInput) error {
	p, ok := g.providers[in.Provider]
	if !ok {
		return g.unknownProvider()
	}
	info := p.Info()
	_, checkout := info.Account.(provider.Checkouter)
	_, charge := info.Account.(provider.CardCharger)
	_, scan := info.Account.(provider.QRCharger)
	if !scan && (info.InStore || !checkout && !charge) {
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "no_checkout", Message: info.Title + " has no page to send a buyer to; use it in the shop"}
	}
	if _, ok := info.Account.(provider.Holder); !ok && in.Capture == "manual" {
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "no_hold", Message: info.Title + ` cannot hold money on a card; leave "capture" out`}
	}
	if len(in.Split) == 0 {
		return nil
	}
	s, ok := info.Account.(provider.Splitter)
	if !ok {
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "split_not_supported", Message: info.Title + ` cannot send parts to other recipients; leave "split" out`}
	}
	return s.CanSplit(in.Amount, in.Split)
}

// someSplits checks a split where the buyer chooses the provider: only those that split are
// offered (see takesSplit).
func (g *Gateway) someSplits(in InvoiceInput) error {
	if len(in.Split) == 0 {
		return nil
	}
	for _, p := range g.Providers {
		if s, ok := p.Info().Account.(provider.Splitter); ok {
			return s.CanSplit(in.Amount, in.Split)
		}
	}
	return &pay.Error{Code: pay.CodeUnsupported, Reason: "split_not_supported", Message: "no provider here sends parts to other recipients"}
}

// takesSplit says whether a provider may take the money of an invoice, as far as its split goes:
// one that does not split would keep all of it for one recipient.
func (g *Gateway) takesSplit(name string, inv pay.Invoice) bool {
	if len(inv.Split) == 0 {
		return true
	}
	p, ok := g.providers[name]
	if !ok {
		return false
	}
	_, ok = p.Info().Account.(provider.Splitter)
	return ok
}

// invoiceStep is what one look at the book decided.
type invoiceStep struct {
	inv      pay.Invoice
	status   int
	replayed bool
	twinRuns bool // the first request under this key is still running
	fresh    bool // inv was made in this look and is complete: it has no payment, and waits for no page

	merchant pay.Merchant
	makePage *pay.Payment // call the provider for a page, under this payment
	withdraw *pay.Payment // first take this page back, and decide again
}

// decideInvoice finds or makes the invoice, in one transaction.
func (g *Gateway) decideInvoice(ctx context.Context, in InvoiceInput, c claim) (s invoiceStep, err error) {
	err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		s = invoiceStep{}
		t, err := c.look(ctx, b.Tx, b.now)
		if err != nil {
			return err
		}
		if t != nil {
			s.status, s.replayed, s.twinRuns = t.status, true, t.running
			if s.inv, err = b.Invoice(ctx, t.resource); err == nil && t.died {
				err = g.revive(ctx, b, &s, in)
			}
			return err
		}
		b.ForeseeOpenInvoiceID(in.Source, in.Business, in.SourceInvoiceID)
		merchant, err := g.seller(ctx, b.Tx, in)
		if err != nil {
			return err
		}
		s.merchant = merchant
		open, err := b.OpenInvoiceID(ctx, in.Source, in.Business, in.SourceInvoiceID)
		if err == nil {
			done, err := g.reuse(ctx, b, &s, open, in, c)
			if err != nil || done {
				return err
			}
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return g.newInvoice(ctx, b, &s, in, c)
	})
	return s, err
}

// seller finds the merchant that the invoice is for; without a provider, the business's first
// one, which stands for all.
func (g *Gateway) seller(ctx context.Context, tx *store.Tx, in InvoiceInput) (pay.Merchant, error) {
	if in.Provider == "" {
		business, err := tx.Business(ctx, in.Source, in.Business)
		if errors.Is(err, store.ErrNotFound) {
			return pay.Merchant{}, noActiveProvider(in)
		}
		if err != nil {
			return pay.Merchant{}, err
		}
		active, err := g.checkoutMerchants(ctx, tx, business.ID)
		if err == nil && len(active) == 0 {
			err = noActiveProvider(in)
		}
		if err != nil {
			return pay.Merchant{}, err
		}
		return active[0], nil
	}
	m, err := tx.MerchantNamed(ctx, in.Source, in.Business, in.Provider)
	if errors.Is(err, store.ErrNotFound) {
		return m, &pay.Error{Code: pay.CodeNotFound, Reason: "merchant_not_found", Message: fmt.Sprintf("the business %q of %q is not registered with %s; POST /api/merchants first", in.Business, in.Source, in.Provider)}
	}
	if err == nil && !m.Active {
		err = &pay.Error{Code: pay.CodeConflict, Reason: "merchant_inactive", Message: "this business has switched " + in.Provider + " off"}
	}
	return m, err
}

func noActiveProvider(in InvoiceInput) error {
	return &pay.Error{Code: pay.CodeConflict, Reason: "no_active_provider", Message: fmt.Sprintf("the business %q of %q has no active provider; POST /api/merchants first", in.Business, in.Source)}
}

// reuse answers from the invoice that the order has already. done false: it has run out, and
// was ended, so that a new one may be made. As long as its page stands, or a company says that it
// took another sum, a buyer may have paid it: it is not ended then.
func (g *Gateway) reuse(ctx context.Context, b *book, s *invoiceStep, invoiceID string, in InvoiceInput, c claim) (done bool, err error) {
	inv, payments, err := b.open(ctx, invoiceID)
	if err != nil {
		return false, err
	}
	if inv.Status != pay.StatusPending {
		if inv.Status == pay.StatusCancelled || inv.Status == pay.StatusFailed {
			return false, nil // ended while we waited for the lock
		}
		return false, &pay.Error{Code: pay.CodeConflict, Reason: "already_" + string(inv.Status), Message: "the order " + in.SourceInvoiceID + " is " + string(inv.Status) + " already; see invoice " + inv.ID}
	}
	busy := anyOpen(payments, b.now)
	if !b.now.Before(inv.ExpiresAt) && !busy {
		if wrong, err := b.anotherSum(ctx, inv); err != nil {
			return false, err
		} else if wrong {
			return false, errAnotherSum
		}
		if s.withdraw = g.page(payments); s.withdraw != nil {
			return true, nil
		}
		return false, b.giveUp(ctx, inv, payments, "ran out unpaid")
	}
	differs := differences(*inv, in, g.InvoiceTTL)
	if len(differs) > 0 && !(len(differs) == 1 && differs[0] == "provider") {
		return false, &pay.Error{
			Code: pay.CodeConflict, Reason: "differs",
			Message: "the order " + in.SourceInvoiceID + " has an open invoice that differs; cancel it first, or send the same",
			Details: quoteAll(differs),
		}
	}
	s.status = http.StatusOK
	if len(differs) == 1 {
		if busy {
			return false, errPaymentInProgress
		}
		if p := g.page(payments); p != nil {
			s.withdraw = p
			return true, nil
		}
		inv.Provider, inv.CheckoutURL, inv.Deeplink = in.Provider, "", ""
		if err := b.wrote(ctx, inv, store.Change{What: "invoice", Was: string(inv.Status), Now: string(inv.Status), Note: "moved to " + first(in.Provider, "any provider")}); err != nil {
			return false, err
		}
	}
	if !busy { // no page beside a charge that may take the money: who pays there would have to be paid back
		if s.twinRuns, err = g.linkAgain(ctx, b, s, inv, payments); err != nil || s.twinRuns {
			return true, err
		}
	}
	s.inv = *inv
	t, err := c.take(ctx, b.Tx, inv.ID, s.status, s.makePage == nil, b.now)
	if err == nil && t != nil { // a twin claimed the key since we looked: undo ours, and answer as it does
		err = errTwin
	}
	return true, err
}

// linkAgain makes what the buyer is sent to for an invoice that has nothing: it moved, or the
// request that was to make it died. waits: another request is asking for the page.
func (g *Gateway) linkAgain(ctx context.Context, b *book, s *invoiceStep, inv *pay.Invoice, payments []*pay.Payment) (waits bool, err error) {
	if inv.CheckoutURL != "" {
		return false, nil
	}
	p := g.page(payments)
	if p != nil && p.Way == pay.WayWallet && p.Ref != "" {
		return false, nil // the buyer has a link into an app, which the app asked for
	}
	if p != nil && p.Ref == "" {
		if b.now.Sub(p.CreatedAt) < Lease {
			return true, nil
		}
		if _, err := b.move(ctx, inv, p, pay.Change{To: pay.Failed, At: b.now, Reason: "no page"}, "the answer was lost; nobody has the page"); err != nil {
			return false, err
		}
	}
	if err := g.prepareLink(ctx, b, s, inv); err != nil {
		return false, err
	}
	return false, b.SaveInvoice(ctx, *inv)
}

// revive answers a repeat whose first request died. Where that was about to make a page, the
// repeat makes it, under the same key; everything else stands in the book already.
func (g *Gateway) revive(ctx context.Context, b *book, s *invoiceStep, in InvoiceInput) error {
	inv, payments, err := b.open(ctx, s.inv.ID)
	if err != nil {
		return err
	}
	s.inv = *inv
	if !inv.Payable(b.now) || inv.CheckoutURL != "" || inv.Provider != in.Provider || anyOpen(payments, b.now) {
		return nil
	}
	if s.merchant, err = b.MerchantOf(ctx, inv.BusinessID, inv.Provider); err != nil || !s.merchant.Active {
		return err
	}
	s.twinRuns, err = g.linkAgain(ctx, b, s, inv, payments)
	s.inv = *inv
	return err
}

// newInvoice makes the invoice.
func (g *Gateway) newInvoice(ctx context.Context, b *book, s *invoiceStep, in InvoiceInput, c claim) error {
	ttl := in.TTL
	if ttl == 0 {
		ttl = g.InvoiceTTL
	}
	inv := pay.Invoice{
		ID: id.New(), BusinessID: s.merchant.BusinessID, Source: in.Source, Business: in.Business,
		Provider: in.Provider, SourceInvoiceID: in.SourceInvoiceID, Amount: in.Amount, Status: pay.StatusPending,
		TTL: in.TTL, Capture: in.Capture, HoldFor: in.HoldFor, HoldExpiry: in.HoldExpiry,
		NotifyURL: in.NotifyURL, ReturnURL: in.ReturnURL, ErrorURL: in.ErrorURL, Lang: in.Lang,
		Lines: in.Lines, Split: in.Split, Metadata: in.Metadata,
		CreatedAt: b.now, ExpiresAt: b.now.Add(ttl).Truncate(time.Millisecond), NotifyDelivered: true,
	}
	inv.PayNumber = id.NewPayNumber() // where it is taken, all of this runs again with another
	if err := g.writeLink(ctx, s, &inv); err != nil {
		return err
	}
	if err := b.AddInvoice(ctx, inv); err != nil {
		return err
	}
	s.inv, s.status = inv, http.StatusCreated
	if err := b.wrote(ctx, &inv, store.Change{What: "invoice", Now: string(inv.Status), Note: "made by " + in.Source}); err != nil {
		return err
	}
	if err := g.writePage(ctx, b, s, &inv); err != nil {
		return err
	}
	t, err := c.take(ctx, b.Tx, inv.ID, s.status, s.makePage == nil, b.now)
	if err == nil && t != nil { // a twin claimed the key meanwhile: undo ours, and answer as it does
		return errTwin
	}
	s.fresh = s.makePage == nil
	return err
}

var errTwin = &pay.Error{Code: pay.CodeConflict, Reason: "in_progress", Message: errInProgress.Message}

var errPaymentInProgress = &pay.Error{Code: pay.CodeConflict, Reason: "payment_in_progress", Message: "a buyer is paying this invoice, or its outcome is not known yet; ask again later"}

var errAnotherSum = &pay.Error{Code: pay.CodeConflict, Reason: "payment_in_progress", Message: "the order's invoice has run out, but a company says that it took another sum for it; a person ends that, or cancel the invoice"}

// differences names the fields in which a second request for an order differs from its invoice.
func differences(inv pay.Invoice, in InvoiceInput, defaultTTL time.Duration) []string {
	var out []string
	add := func(same bool, field string) {
		if !same {
			out = append(out, field)
		}
	}
	or := func(d time.Duration) time.Duration {
		if d == 0 {
			return defaultTTL
		}
		return d
	}
	add(inv.Provider == in.Provider, "provider")
	add(inv.Amount == in.Amount, "amount")
	add(inv.NotifyURL == in.NotifyURL, "notifyUrl")
	add(inv.ReturnURL == in.ReturnURL, "returnUrl")
	add(inv.ErrorURL == in.ErrorURL, "returnErrorUrl")
	add(inv.Lang == in.Lang, "lang")
	add(slices.EqualFunc(inv.Lines, in.Lines, sameLine), "ofd")
	add(or(inv.TTL) == or(in.TTL), "ttlSeconds")
	add(first(inv.Capture, "auto") == first(in.Capture, "auto"), "capture")
	add(inv.HoldFor == in.HoldFor, "holdSeconds")
	add(inv.HoldExpiry == in.HoldExpiry, "holdExpiry")
	add(slices.Equal(inv.Split, in.Split), "split")
	add(maps.Equal(inv.Metadata, in.Metadata), "metadata")
	return out
}

func sameLine(a, b pay.ReceiptLine) bool {
	vatA, vatB := -1, -1
	if a.VAT != nil {
		vatA = *a.VAT
	}
	if b.VAT != nil {
		vatB = *b.VAT
	}
	return a.Qty == b.Qty && a.Price == b.Price && a.Total == b.Total && a.MXIK == b.MXIK && a.PackageCode == b.PackageCode &&
		a.Name == b.Name && vatA == vatB && a.Discount == b.Discount && a.Units == b.Units && slices.Equal(a.Mark, b.Mark) &&
		a.TIN == b.TIN && a.PINFL == b.PINFL
}

func quoteAll(fields []string) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = fmt.Sprintf("%q differs from the open invoice", f)
	}
	return out
}

func anyOpen(payments []*pay.Payment, now time.Time) bool {
	return slices.ContainsFunc(payments, func(p *pay.Payment) bool { return p.Open(now) })
}

// Invoice reads one invoice. Reading one whose outcome is unknown has the provider asked soon.
func (g *Gateway) Invoice(ctx context.Context, invoiceID string) (out Invoice, err error) {
	err = g.store.Look(ctx, func(ctx context.Context, tx *store.Tx) error {
		inv, payments, err := tx.Book(ctx, invoiceID)
		out = g.paidBy(inv, payments)
		_, err = found(inv, err)("invoice")
		return err
	})
	if err == nil && out.Attention != "" {
		g.askSoon(ctx, out)
	}
	return out, err
}

// withPayment adds the payment that counts.
func (g *Gateway) withPayment(ctx context.Context, tx *store.Tx, inv pay.Invoice) (Invoice, error) {
	payments, err := tx.Payments(ctx, inv.ID)
	return g.paidBy(inv, payments), err
}

// paidBy is an invoice with that of its payments that counts: the live one, else the newest.
func (g *Gateway) paidBy(inv pay.Invoice, payments []pay.Payment) Invoice {
	out := Invoice{Invoice: inv}
	for i := range payments {
		p := &payments[i]
		if out.Payment == nil || !out.Payment.State.Live() {
			out.Payment = p
		}
		if p.Open(g.now()) {
			out.Open = p
		}
	}
	return out
}

// Invoices lists invoices, newest first unless f has another order. A cursor is good for the order
// that gave it.
func (g *Gateway) Invoices(ctx context.Context, f InvoiceFilter, p Page) (List[Invoice], error) {
	var out List[Invoice]
	page, err := p.decode()
	if err != nil {
		return out, err
	}
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		rows, err := tx.Invoices(ctx, store.InvoiceFilter(f), page)
		if err != nil {
			return err
		}
		rows, out.Next = cut(rows, page, func(i pay.Invoice) (int64, string) {
			if f.Order.ByAmount() {
				return int64(i.Amount), i.ID
			}
			return i.CreatedAt.UnixMilli(), i.ID
		})
		out.Items, err = g.withPayments(ctx, tx, rows)
		return err
	})
	return out, err
}

// withPayments adds to each invoice of a page the payment that counts.
func (g *Gateway) withPayments(ctx context.Context, tx *store.Tx, rows []pay.Invoice) ([]Invoice, error) {
	ids := make([]string, len(rows))
	for i, inv := range rows {
		ids[i] = inv.ID
	}
	payments, err := tx.PaymentsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Invoice, len(rows))
	for i, inv := range rows {
		out[i] = g.paidBy(inv, payments[inv.ID])
	}
	return out, nil
}

// hostedURL is the invoice's page on this gateway.
func (g *Gateway) hostedURL(inv pay.Invoice) string {
	return strings.TrimRight(g.PublicURL, "/") + "/pay/" + inv.ID
}
