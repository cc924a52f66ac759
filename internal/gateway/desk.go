package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/evidence"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// desk is what one merchant's provider may do while it calls us. See provider.Desk for its
// promises; each method is one transaction.
type desk struct {
	g      *Gateway
	m      pay.Merchant
	memory *memory // nil: m was read for this call
}

var _ provider.Desk = desk{}

// Check says whether an amount could be paid now for the invoice that an account names.
func (d desk) Check(ctx context.Context, account string, amount pay.Tiyin) (inv pay.Invoice, err error) {
	err = d.g.store.Look(ctx, d.checked(func(ctx context.Context, tx *store.Tx) (err error) {
		var payments []pay.Payment
		if inv, payments, err = d.find(ctx, tx, account); err != nil {
			return err
		}
		return d.takes(&inv, pointers(payments), amount, false)
	}))
	evidence.SetInvoice(ctx, inv.ID, "")
	return inv, err
}

// Find reads the invoice that an account names and the payment that holds it, if any.
func (d desk) Find(ctx context.Context, account string) (inv pay.Invoice, holder *pay.Payment, err error) {
	err = d.g.store.Look(ctx, d.checked(func(ctx context.Context, tx *store.Tx) (err error) {
		var payments []pay.Payment
		if inv, payments, err = d.find(ctx, tx, account); err != nil {
			return err
		}
		now := d.g.now()
		for _, p := range pointers(payments) {
			if p.State.Live() || p.Open(now) && (holder == nil || !holder.State.Live()) {
				holder = p
			}
		}
		return nil
	}))
	evidence.SetInvoice(ctx, inv.ID, "")
	return inv, holder, err
}

// update is the gateway's, by this merchant's provider.
func (d desk) update(ctx context.Context, fn func(context.Context, *book) error) error {
	return d.g.update(ctx, byProvider, func(ctx context.Context, b *book) error {
		return d.checked(func(ctx context.Context, _ *store.Tx) error { return fn(ctx, b) })(ctx, b.Tx)
	})
}

// find reads an invoice of this merchant's business by its id or its pay number, and its payments.
func (d desk) find(ctx context.Context, tx *store.Tx, account string) (inv pay.Invoice, payments []pay.Payment, err error) {
	if !couldBeAccount(account) {
		return inv, nil, provider.NoAccount
	}
	inv, payments, err = tx.BookByAccount(ctx, d.m.BusinessID, account)
	if errors.Is(err, store.ErrNotFound) {
		err = provider.NoAccount
	}
	return inv, payments, err
}

func couldBeAccount(account string) bool { return account != "" && len(account) <= 255 }

// takes says whether a new attempt of amount may be made on the invoice: payable, busy, amount.
func (d desk) takes(inv *pay.Invoice, payments []*pay.Payment, amount pay.Tiyin, parallel bool) error {
	now := d.g.now()
	switch {
	case !d.m.Active:
		return provider.Unavailable
	case inv.Provider != "" && inv.Provider != d.m.Provider, inv.Capture == "manual", // it would be taken, not held
		!d.g.takesSplit(d.m.Provider, *inv):
		return provider.Closed
	case inv.Status == pay.StatusPaid, inv.Status == pay.StatusHeld, inv.Status == pay.StatusRefunded:
		return provider.AlreadyPaid
	case inv.Status != pay.StatusPending:
		return provider.Closed
	}
	held := false
	for _, p := range payments {
		if p.State.Live() {
			return provider.Busy // unknown: paid and held are above
		}
		open := p.Open(now)
		held = held || open
		if open && !(parallel && p.MerchantID == d.m.ID) {
			return provider.Busy
		}
	}
	switch {
	case !now.Before(inv.ExpiresAt) && !held:
		return provider.Closed // it is cancelled within seconds; Expired is what an attempt does
	case amount != inv.Amount:
		return provider.WrongAmount
	}
	return nil
}

// Open begins an attempt under the provider's own id.
func (d desk) Open(ctx context.Context, o provider.OpenOrder) (res provider.Result, err error) {
	if !couldBeRef(o.Ref) {
		return res, provider.NoPayment
	}
	var refusal error
	err = d.update(ctx, func(ctx context.Context, b *book) error {
		res, refusal = provider.Result{}, nil
		b.ForeseeInvoiceOfRef(d.m.ID, o.Ref)
		inv, payments, err := d.lock(ctx, b, o.Account)
		if err != nil && err != provider.NoAccount {
			return err
		}
		for _, p := range payments {
			if p.MerchantID == d.m.ID && p.Ref == o.Ref {
				res, refusal = again(b, inv, p)
				return nil
			}
		}
		switch _, missing := b.InvoiceOfRef(ctx, d.m.ID, o.Ref); {
		case missing == nil:
			return errOpenElsewhere
		case !errors.Is(missing, store.ErrNotFound):
			return missing
		case err != nil:
			return err
		}
		if refusal = d.takes(inv, payments, o.Amount, o.Parallel); refusal != nil {
			res.Invoice = *inv
			return nil // what lapsed is written all the same
		}
		if !o.ExpiresAt.IsZero() && b.now.After(o.ExpiresAt) {
			refusal = provider.Expired
			return nil
		}
		made := pay.Payment{
			ID: id.New(), InvoiceID: inv.ID, BusinessID: inv.BusinessID, MerchantID: d.m.ID, Provider: d.m.Provider,
			Ref: o.Ref, Account: o.Account, Amount: o.Amount, State: pay.Created,
			TheirTime: o.TheirTime, ExpiresAt: o.ExpiresAt, OnExpiry: o.OnExpiry, LapseNote: o.ExpiryReason,
			CreatedAt: b.now, Meta: o.Meta,
		}
		if err := b.AddPayment(ctx, made); err != nil {
			return err
		}
		res = provider.Result{Payment: made, Invoice: *inv}
		b.after = append(b.after, func() { d.g.Metrics.Payment(d.m.Provider, pay.Created) })
		return b.wrote(ctx, inv, store.Change{What: "payment", PaymentID: made.ID, Now: string(pay.Created), Note: d.m.Provider + " began an attempt"})
	})
	if errors.Is(err, errOpenElsewhere) {
		err = d.update(ctx, func(ctx context.Context, b *book) error {
			inv, _, p, err := d.open(ctx, b, provider.Key{Ref: o.Ref})
			if err == nil {
				res, refusal = again(b, inv, p)
			}
			return err
		})
	}
	evidence.SetInvoice(ctx, res.Invoice.ID, res.Payment.ID)
	if err == nil {
		err = refusal
	}
	return res, err
}

// errOpenElsewhere: the payment of that ref is another invoice's than the one that is locked. A
// transaction locks one, so it is answered by the next.
var errOpenElsewhere = errors.New("the payment is of another invoice")

// lock is book.open of the invoice that find would read.
func (d desk) lock(ctx context.Context, b *book, account string) (*pay.Invoice, []*pay.Payment, error) {
	if !couldBeAccount(account) {
		return nil, nil, provider.NoAccount
	}
	locked, rows, err := b.LockBookByAccount(ctx, d.m.BusinessID, account)
	if errors.Is(err, store.ErrNotFound) {
		err = provider.NoAccount
	}
	return b.opened(ctx)(locked, rows, err)
}

// again answers a repeat of Open with the payment as it stands; one that has lapsed meanwhile is
// written down as such, and refused.
func again(b *book, inv *pay.Invoice, p *pay.Payment) (res provider.Result, refusal error) {
	if slices.Contains(b.lapsed, p.ID) {
		refusal = provider.Expired
	}
	return provider.Result{Payment: *p, Invoice: *inv, Again: true}, refusal
}

// Confirm says that the money was taken.
func (d desk) Confirm(ctx context.Context, k provider.Key, proof provider.Proof) (provider.Result, error) {
	return d.on(ctx, k, func(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, lapsed bool) (again bool, refusal, err error) {
		// A page of an invoice that has run out takes nothing, even where it could not be taken back in
		// time; an attempt that is bounded by itself, or a charge of ours, keeps its invoice open.
		if late := p.State == pay.Created && p.Asked == "" && p.ExpiresAt.IsZero() && !b.now.Before(inv.ExpiresAt); proof.Returns && late && inv.Status == pay.StatusPending {
			const why = "came after the invoice had run out"
			if _, err := b.move(ctx, inv, p, pay.Change{To: pay.Cancelled, At: b.now, Reason: "invoice expired"}, why); err != nil {
				return false, nil, err
			}
			return false, provider.Expired, b.alarm(ctx, inv, p.ID, pay.AttentionProvider, p.Provider+" says that it took the money, but it "+why)
		}
		return d.g.confirm(ctx, b, inv, payments, p, proof, lapsed)
	})
}

// confirm is Confirm under the invoice's lock; an inquiry that finds a payment paid comes here too.
func (g *Gateway) confirm(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, proof provider.Proof, lapsed bool) (again bool, refusal, err error) {
	if p.State == pay.Paid || p.State == pay.Refunded {
		return true, nil, nil
	}
	// Whoever confirms has debited the buyer already: a no goes before a person.
	no := func(r provider.Refusal, kind pay.Attention, why string) (bool, error, error) {
		as := ""
		if proof.Ref != "" && proof.Ref != p.Ref { // another debit than the one that we know, or than the last
			as = " as " + heardCode(proof.Ref)
		}
		return false, r, b.alarm(ctx, inv, p.ID, kind, p.Provider+" says that it took the money"+as+", "+why)
	}
	switch {
	case lapsed:
		return no(provider.Expired, pay.AttentionProvider, "but the attempt had run out")
	case p.State.Final():
		_, _, err := no(provider.Cancelled, pay.AttentionProvider, "but the attempt is "+string(p.State))
		return true, nil, err
	case proof.Amount != 0 && proof.Amount != p.Amount:
		return no(provider.WrongAmount, pay.AttentionAmount, "but "+proof.Amount.Words()+" instead of "+p.Amount.Words())
	}
	if other := beside(payments, p); other != nil {
		if p.Asked != "" { // it was our own call: what became of it is known now
			if err := g.learn(p, proof); err != nil {
				return false, nil, err
			}
			if err := b.paidOtherwise(ctx, inv, p, p.Provider+" took the money too"); err != nil {
				return false, nil, err
			}
		}
		return no(provider.AlreadyPaid, pay.AttentionProvider, "but another payment of the invoice is "+string(other.State))
	}
	if slices.ContainsFunc(payments, func(other *pay.Payment) bool {
		return other.ID != p.ID && (other.Asked == pay.AskedCharge || other.Asked == pay.AskedConfirm)
	}) {
		return no(provider.Busy, pay.AttentionProvider, untilKnown)
	}
	if inv.Status != pay.StatusPending && inv.Status != pay.StatusHeld {
		if _, err := b.move(ctx, inv, p, pay.Change{To: pay.Cancelled, At: b.now, Reason: "invoice " + string(inv.Status)}, "came after the invoice was "+string(inv.Status)); err != nil {
			return false, nil, err
		}
		return no(provider.Closed, pay.AttentionProvider, "but the invoice was "+string(inv.Status)+" before")
	}
	if err := g.learn(p, proof); err != nil {
		return false, nil, err
	}
	if err := g.fiscalise(ctx, b, inv, p); err != nil {
		return false, nil, err
	}
	if _, err := b.move(ctx, inv, p, pay.Change{To: pay.Paid, At: b.now}, p.Provider+" took the money"); err != nil {
		return false, nil, err
	}
	if inv.Attention != "" {
		if err := b.closeAlarms(ctx, inv, func(a pay.Alarm) bool {
			return a.PaymentID == p.ID && (a.Kind == pay.AttentionAmount || strings.HasSuffix(a.Message, untilKnown))
		}); err != nil {
			return false, nil, err
		}
	}
	return false, nil, g.withdrawOthers(ctx, b, inv, payments, p.ID)
}

// untilKnown is why the word of a company that took the money must wait: which of two payments
// counts is known when the other's answer is. The alarm about it ends by itself if it is this one.
const untilKnown = "while it is not known yet whether another charge of the invoice took it"

// paidOtherwise ends an attempt of ours beside a payment that has its money. Whoever calls it tells
// a person where its own money moved.
func (b *book) paidOtherwise(ctx context.Context, inv *pay.Invoice, p *pay.Payment, note string) error {
	_, err := b.move(ctx, inv, p, pay.Change{To: pay.Cancelled, At: b.now, Reason: "paid_otherwise"}, note)
	return err
}

// learn takes from a proof what the payment did not know. A card's token is sealed at once.
func (g *Gateway) learn(p *pay.Payment, proof provider.Proof) error {
	if p.Ref == "" {
		p.Ref = proof.Ref
	}
	if proof.Card != (pay.Card{}) {
		scanned := p.Card.Token
		p.Card = heardCard(proof.Card)
		if p.Way == pay.WayQR {
			p.Card.Token = scanned // the buyer's code, until the payment is no longer open
		} else if p.Card.Token != "" {
			sealed, err := g.Seal.Seal("payment/"+p.ID, []byte(p.Card.Token))
			if err != nil {
				return err
			}
			p.Card.Token = sealed
		}
	}
	if receipt := heardURL(proof.ReceiptURL); receipt != "" {
		p.ReceiptURL = receipt
	}
	if proof.Meta != nil {
		p.Meta = proof.Meta
	}
	return nil
}

// withdrawOthers takes back what else could still be paid of an invoice that is paid now: the hosted
// pages at their companies, and here the attempts that wait for the buyer's code.
func (g *Gateway) withdrawOthers(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment, paidID string) error {
	for _, p := range payments {
		if p.ID != paidID && p.WaitsForCode(b.now) {
			if err := b.paidOtherwise(ctx, inv, p, "the invoice was paid before the buyer's code came"); err != nil {
				return err
			}
		}
		if p.ID == paidID || p.State != pay.Created || !g.hosts(p.Provider) {
			continue
		}
		if err := b.Enqueue(ctx, outbox.Work{BusinessID: p.BusinessID, Kind: workWithdraw, Subject: p.ID, Lane: p.Provider, DueAt: b.now}); err != nil {
			return err
		}
	}
	return nil
}

// hosts says whether a provider makes a page of its own by our call.
func (g *Gateway) hosts(name string) bool {
	p, ok := g.providers[name]
	if !ok {
		return false
	}
	_, ok = p.Info().Account.(provider.CheckoutCaller)
	return ok
}

// Cancel gives up a created attempt, or returns a paid one.
func (d desk) Cancel(ctx context.Context, k provider.Key, c provider.CancelOrder) (provider.Result, error) {
	c.Reason, c.Note = heardCode(c.Reason), heardNote(c.Note)
	return d.on(ctx, k, func(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, lapsed bool) (again bool, refusal, err error) {
		switch p.State {
		case pay.Cancelled, pay.Failed:
			return !lapsed, nil, nil
		case pay.Refunded:
			if c.UnpaidOnly {
				return false, provider.NotReversible, nil
			}
			return true, nil, nil
		case pay.Paid:
			if c.UnpaidOnly {
				return false, provider.NotReversible, nil
			}
			if p.Reserved > 0 { // our own refund is under way, and may be what we are told of
				return false, provider.Busy, nil
			}
			return false, nil, b.giveBack(ctx, inv, p, c.Reason, first(c.Note, p.Provider+" returned the money"))
		}
		held := p.State == pay.Held
		to, note := pay.Cancelled, first(c.Note, p.Provider+" gave the attempt up")
		if c.Failed && !held {
			to, note = pay.Failed, first(c.Note, p.Provider+" closed the attempt")
		}
		reason := declined(p, c.Reason)
		if reason != c.Reason {
			p.Code = c.Reason
		}
		if _, err := b.move(ctx, inv, p, pay.Change{To: to, At: b.now, Reason: reason}, note); err != nil {
			return false, nil, err
		}
		switch {
		case held:
			return false, nil, b.released(ctx, inv, p, "the hold was released")
		case p.Way != "": // the buyer may try another card, or another telephone
		case c.Failed && inv.Provider == p.Provider && inv.Status == pay.StatusPending && !anyLeft(payments):
			return false, nil, b.end(ctx, inv, p, pay.StatusFailed, note)
		}
		return false, nil, nil
	})
}

// anyLeft says whether one of the payments may still come to something, or has.
func anyLeft(payments []*pay.Payment) bool {
	return slices.ContainsFunc(payments, func(p *pay.Payment) bool {
		return p.State != pay.Failed && p.State != pay.Cancelled
	})
}

// Receipt keeps a fiscal receipt that the provider reports.
func (d desk) Receipt(ctx context.Context, k provider.Key, r pay.Receipt) (provider.Result, error) {
	r.URL, r.Message = heardURL(r.URL), heardNote(r.Message)
	return d.on(ctx, k, func(ctx context.Context, b *book, inv *pay.Invoice, _ []*pay.Payment, p *pay.Payment, _ bool) (again bool, refusal, err error) {
		note := r.Kind + " receipt " + r.URL
		if r.StatusCode != 0 {
			note = r.Kind + " receipt failed: " + r.Message
		}
		known, err := b.Changes(ctx, inv.ID)
		if err != nil {
			return false, nil, err
		}
		for _, c := range known {
			if c.What == "receipt" && c.PaymentID == p.ID && c.Note == note {
				return true, nil, nil
			}
		}
		if r.Kind == "sale" {
			p.Fiscal = pay.FiscalDone
			if r.StatusCode != 0 {
				p.Fiscal = pay.FiscalFailed
			} else if r.URL != "" {
				p.ReceiptURL = r.URL
			}
			if err := b.SavePayment(ctx, *p); err != nil {
				return false, nil, err
			}
		}
		if r.StatusCode != 0 {
			if err := b.alarm(ctx, inv, p.ID, pay.AttentionProvider, p.Provider+receiptFailed+r.Message); err != nil {
				return false, nil, err
			}
		}
		return false, nil, b.wrote(ctx, inv, store.Change{What: "receipt", PaymentID: p.ID, Now: r.Kind, Note: note})
	})
}

// Alarm puts something before a person.
func (d desk) Alarm(ctx context.Context, k provider.Key, kind pay.Attention, message string) error {
	message = heardNote(message)
	_, err := d.on(ctx, k, func(ctx context.Context, b *book, inv *pay.Invoice, _ []*pay.Payment, p *pay.Payment, _ bool) (again bool, refusal, err error) {
		return false, nil, b.alarm(ctx, inv, p.ID, kind, message)
	})
	return err
}

// onPayment is a step on one payment under its invoice's lock. lapsed: the attempt ran out
// within this very transaction. A refusal is beside err, so that what was written stays.
type onPayment func(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, lapsed bool) (again bool, refusal, err error)

// on finds the payment that a key names, locks its invoice, and runs one step.
func (d desk) on(ctx context.Context, k provider.Key, step onPayment) (res provider.Result, err error) {
	var refusal error
	err = d.update(ctx, func(ctx context.Context, b *book) error {
		res, refusal = provider.Result{}, nil
		inv, payments, p, err := d.open(ctx, b, k)
		if err != nil {
			return err
		}
		if p.Ref == "" {
			p.Ref = k.Ref
		}
		res.Again, refusal, err = step(ctx, b, inv, payments, p, slices.Contains(b.lapsed, p.ID))
		res.Payment, res.Invoice = *p, *inv
		return err
	})
	evidence.SetInvoice(ctx, res.Invoice.ID, res.Payment.ID)
	if err == nil {
		err = refusal
	}
	return res, err
}

// open is book.open of the invoice of the payment that a key names.
func (d desk) open(ctx context.Context, b *book, k provider.Key) (inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, err error) {
	named := func(p *pay.Payment) bool { return p.MerchantID == d.m.ID && p.Ref == k.Ref }
	if k.PaymentID != "" {
		row, err := d.payment(ctx, b.Tx, k)
		if err != nil {
			return nil, nil, nil, err
		}
		named = func(p *pay.Payment) bool { return p.ID == row.ID }
		inv, payments, err = b.opened(ctx)(b.LockBook(ctx, row.InvoiceID, true))
		if err != nil {
			return nil, nil, nil, err
		}
	} else {
		if !couldBeRef(k.Ref) {
			return nil, nil, nil, provider.NoPayment
		}
		locked, rows, err := b.LockBookOfRef(ctx, d.m.ID, k.Ref, true)
		if errors.Is(err, store.ErrNotFound) {
			err = provider.NoPayment
		}
		if inv, payments, err = b.opened(ctx)(locked, rows, err); err != nil {
			return nil, nil, nil, err
		}
	}
	i := slices.IndexFunc(payments, named)
	if i < 0 {
		return nil, nil, nil, provider.NoPayment
	}
	return inv, payments, payments[i], nil
}

func couldBeRef(ref string) bool { return ref != "" && len(ref) <= 255 }

// payment reads one attempt of this merchant by the provider's id, or by ours.
func (d desk) payment(ctx context.Context, tx *store.Tx, k provider.Key) (p pay.Payment, err error) {
	if k.PaymentID != "" {
		if !id.Valid(k.PaymentID) {
			return p, provider.NoPayment
		}
		p, err = tx.Payment(ctx, k.PaymentID)
		if err == nil && (p.MerchantID != d.m.ID || p.Ref != "" && k.Ref != "" && p.Ref != k.Ref) {
			return p, provider.NoPayment
		}
	} else {
		if !couldBeRef(k.Ref) {
			return p, provider.NoPayment
		}
		p, err = tx.PaymentByRef(ctx, d.m.ID, k.Ref)
	}
	if errors.Is(err, store.ErrNotFound) {
		return p, provider.NoPayment
	}
	return p, err
}

// Payment reads one attempt. It writes nothing and expires nothing.
func (d desk) Payment(ctx context.Context, ref string) (p pay.Payment, err error) {
	err = d.g.store.Look(ctx, d.checked(func(ctx context.Context, tx *store.Tx) error {
		p, err = d.payment(ctx, tx, provider.Key{Ref: ref})
		return err
	}))
	evidence.SetInvoice(ctx, p.InvoiceID, p.ID)
	return p, err
}

// Statement lists attempts by the provider's own time.
func (d desk) Statement(ctx context.Context, from, to time.Time) (out []pay.Payment, err error) {
	err = d.g.store.View(ctx, d.checked(func(ctx context.Context, tx *store.Tx) error {
		out, err = tx.Statement(ctx, d.m.ID, from, to)
		return err
	}))
	return out, err
}

func pointers(rows []pay.Payment) []*pay.Payment {
	out := make([]*pay.Payment, len(rows))
	for i := range rows {
		out[i] = &rows[i]
	}
	return out
}
