package gateway

import (
	"context"
	"encoding/json"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// Who writes in the book.
const (
	byAPI      = "api"
	byProvider = "provider"
	byWorker   = "worker"
)

// book is one write transaction with the moves that keep payment, invoice, timeline and outbox
// in step. Every state of money changes through move, end, giveBack or refundEnds, and nowhere
// else.
type book struct {
	*store.Tx
	g      *Gateway
	now    time.Time
	by     string
	lapsed []string // the payments that this transaction ended because their time was over
	after  []func() // once it is committed: what must not be counted twice when the closure runs again
}

// update runs fn in one write transaction.
func (g *Gateway) update(ctx context.Context, by string, fn func(ctx context.Context, b *book) error) error {
	if who := actor(ctx); who != "" && by == byAPI {
		by = who
	}
	var b *book
	err := g.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		b = &book{Tx: tx, g: g, now: g.now(), by: by}
		return fn(ctx, b)
	})
	if err == nil {
		for _, f := range b.after {
			f()
		}
	}
	return err
}

// now is the gateway's clock in the precision that the store keeps.
func (g *Gateway) now() time.Time { return g.Now().UTC().Truncate(time.Millisecond) }

// open reads an invoice under its lock, with its payments, and writes down which of them have
// lapsed by their providers' rule.
func (b *book) open(ctx context.Context, invoiceID string) (*pay.Invoice, []*pay.Payment, error) {
	return b.opened(ctx)(b.LockBook(ctx, invoiceID, false))
}

// opened is open, once the invoice is locked and its payments are read.
func (b *book) opened(ctx context.Context) func(pay.Invoice, []pay.Payment, error) (*pay.Invoice, []*pay.Payment, error) {
	return func(inv pay.Invoice, rows []pay.Payment, err error) (*pay.Invoice, []*pay.Payment, error) {
		if _, err := found(inv, err)("invoice"); err != nil {
			return nil, nil, err
		}
		payments := pointers(rows)
		for _, p := range payments {
			if err := b.lapse(ctx, &inv, p); err != nil {
				return nil, nil, err
			}
		}
		return &inv, payments, nil
	}
}

// lapse ends an attempt that is past its time, where its provider's rule ends it.
func (b *book) lapse(ctx context.Context, inv *pay.Invoice, p *pay.Payment) error {
	if !p.Lapsed(b.now) || p.OnExpiry == "" {
		return nil
	}
	b.lapsed = append(b.lapsed, p.ID)
	_, err := b.move(ctx, inv, p, pay.Change{To: p.OnExpiry, At: b.now, Reason: p.LapseNote}, "the attempt ran out")
	return err
}

// move takes a payment along one arrow, and its invoice with it. A repeat writes nothing.
func (b *book) move(ctx context.Context, inv *pay.Invoice, p *pay.Payment, c pay.Change, note string) (changed bool, err error) {
	was := p.State
	if changed, err = p.Apply(c); err != nil || !changed {
		return false, err
	}
	if err := b.SavePayment(ctx, *p); err != nil {
		return false, err
	}
	if err := b.wrote(ctx, inv, store.Change{What: "payment", PaymentID: p.ID, Was: string(was), Now: string(p.State), Note: note}); err != nil {
		return false, err
	}
	b.after = append(b.after, func() { b.g.Metrics.Payment(p.Provider, p.State) })
	if was == pay.Unknown {
		if err := b.settled(ctx, inv, p.ID, pay.AttentionUnknown); err != nil {
			return false, err
		}
	}
	if was == pay.Created && p.Way != "" && p.State.Final() && inv.Attention != "" {
		if err := b.closeAlarms(ctx, inv, func(a pay.Alarm) bool { return a.PaymentID == p.ID && a.Message == doubleDoubt(p) }); err != nil {
			return false, err
		}
	}
	if p.State == pay.Unknown {
		if err := b.alarm(ctx, inv, p.ID, pay.AttentionUnknown, "the answer of "+p.Provider+" was lost: money may have moved"); err != nil {
			return false, err
		}
	}
	before := inv.Status
	if !inv.Follow(p) {
		return true, nil
	}
	return true, b.tell(ctx, inv, p, before, note)
}

// end closes an invoice that no money was taken for. p is the payment that ended with it, if any.
func (b *book) end(ctx context.Context, inv *pay.Invoice, p *pay.Payment, to pay.Status, note string) error {
	before := inv.Status
	changed, err := inv.End(to, b.now)
	if err != nil || !changed {
		return err
	}
	return b.tell(ctx, inv, p, before, note)
}

// giveBack writes down a return that the provider made by itself: all that was left.
func (b *book) giveBack(ctx context.Context, inv *pay.Invoice, p *pay.Payment, reason, note string) error {
	amount := p.Left()
	r := pay.Refund{
		ID: id.New(), BusinessID: p.BusinessID, InvoiceID: p.InvoiceID, PaymentID: p.ID, Amount: amount,
		State: pay.MoveSucceeded, Reason: reason, Note: note, Theirs: true, Whole: amount == p.Captured,
		CreatedAt: b.now, SentAt: b.now, DoneAt: b.now,
	}
	if _, err := b.InsertRefund(ctx, r); err != nil {
		return err
	}
	b.after = append(b.after, func() { b.g.Metrics.Refund(p.Provider, pay.MoveSucceeded) })
	was := p.State
	if err := p.AddRefund(amount, b.now); err != nil {
		return err
	}
	p.Reason = reason
	return b.returned(ctx, inv, p, r, was, note)
}

// refundEnds writes down what became of a refund of ours.
func (b *book) refundEnds(ctx context.Context, inv *pay.Invoice, p *pay.Payment, r *pay.Refund, c pay.MoveChange) error {
	was := r.State
	changed, err := r.Apply(c)
	if err != nil || !changed {
		return err
	}
	if err := b.SaveRefund(ctx, *r); err != nil {
		return err
	}
	if err := b.wrote(ctx, inv, store.Change{What: "refund", PaymentID: p.ID, RefundID: r.ID, Was: string(was), Now: string(r.State), Note: c.Note}); err != nil {
		return err
	}
	b.after = append(b.after, func() { b.g.Metrics.Refund(p.Provider, r.State) })
	if r.State == pay.MoveUnknown {
		return b.alarm(ctx, inv, p.ID, pay.AttentionRefundUnconfirmed, "the answer of "+p.Provider+" to a refund was lost: it may have been made")
	}
	if was == pay.MoveUnknown {
		if err := b.settled(ctx, inv, p.ID, pay.AttentionRefundUnconfirmed); err != nil {
			return err
		}
	}
	stood := p.State
	if err := p.EndRefund(*r, r.State == pay.MoveSucceeded, b.now); err != nil {
		return err
	}
	if r.State == pay.MoveFailed {
		return b.SavePayment(ctx, *p)
	}
	return b.returned(ctx, inv, p, *r, stood, c.Note)
}

// returned saves a payment of which something was returned, and tells the app: of the whole
// always, of a part where the merchant asked for it.
func (b *book) returned(ctx context.Context, inv *pay.Invoice, p *pay.Payment, r pay.Refund, was pay.State, note string) error {
	if err := b.SavePayment(ctx, *p); err != nil {
		return err
	}
	if p.State == was {
		m, err := b.Merchant(ctx, p.MerchantID)
		if err != nil || !m.Options.RefundEvents {
			return err
		}
		if err := b.event(ctx, inv, p, pay.EventRefundUpdated, &r); err != nil {
			return err
		}
		return b.SaveInvoice(ctx, *inv)
	}
	if err := b.wrote(ctx, inv, store.Change{What: "payment", PaymentID: p.ID, RefundID: r.ID, Was: string(was), Now: string(p.State), Note: note}); err != nil {
		return err
	}
	b.after = append(b.after, func() { b.g.Metrics.Payment(p.Provider, p.State) })
	before := inv.Status
	if !inv.Follow(p) {
		return nil
	}
	return b.tell(ctx, inv, p, before, note)
}

// tell writes an invoice's new status, its line in the timeline and its webhook.
func (b *book) tell(ctx context.Context, inv *pay.Invoice, p *pay.Payment, before pay.Status, note string) error {
	if err := b.wrote(ctx, inv, store.Change{What: "invoice", Was: string(before), Now: string(inv.Status), Note: note}); err != nil {
		return err
	}
	if err := b.event(ctx, inv, p, pay.EventInvoiceUpdated, nil); err != nil {
		return err
	}
	return b.SaveInvoice(ctx, *inv)
}

// wrote puts one line into the timeline.
func (b *book) wrote(ctx context.Context, inv *pay.Invoice, c store.Change) error {
	c.ID, c.BusinessID, c.InvoiceID, c.At, c.By = id.New(), inv.BusinessID, inv.ID, b.now, b.by
	return b.InsertChange(ctx, c)
}

// alarm puts something before a person: once per payment (or invoice), kind and words, as long as it
// stands. Two facts are two alarms: an alarm may be all that is left of money that moved. What
// happens twice must therefore be told in words that name which.
func (b *book) alarm(ctx context.Context, inv *pay.Invoice, paymentID string, kind pay.Attention, message string) error {
	standing, err := b.Alarms(ctx, inv.ID)
	if err != nil {
		return err
	}
	for _, a := range standing {
		if a.ClosedAt.IsZero() && a.PaymentID == paymentID && a.Kind == kind && a.Message == message {
			return nil
		}
	}
	if err := b.InsertAlarm(ctx, pay.Alarm{
		ID: id.New(), BusinessID: inv.BusinessID, InvoiceID: inv.ID, PaymentID: paymentID,
		Kind: kind, Message: message, CreatedAt: b.now,
	}); err != nil {
		return err
	}
	inv.Attention = kind
	return b.SaveInvoice(ctx, *inv)
}

// settled closes the alarms of one kind about a payment: what they warned of is known now.
func (b *book) settled(ctx context.Context, inv *pay.Invoice, paymentID string, kind pay.Attention) error {
	return b.closeAlarms(ctx, inv, func(a pay.Alarm) bool { return a.PaymentID == paymentID && a.Kind == kind })
}

// closeAlarms closes the open alarms of an invoice of which exactly what they say is settled.
func (b *book) closeAlarms(ctx context.Context, inv *pay.Invoice, settled func(pay.Alarm) bool) error {
	standing, err := b.Alarms(ctx, inv.ID)
	if err != nil {
		return err
	}
	inv.Attention = ""
	for _, a := range standing {
		switch {
		case !a.ClosedAt.IsZero():
		case settled(a):
			if err := b.CloseAlarm(ctx, a.ID, b.by, b.now); err != nil {
				return err
			}
		default:
			inv.Attention = a.Kind
		}
	}
	return b.SaveInvoice(ctx, *inv)
}

// event freezes the webhook's bytes and leaves its delivery to the outbox. The caller saves the
// invoice.
func (b *book) event(ctx context.Context, inv *pay.Invoice, p *pay.Payment, kind string, r *pay.Refund) error {
	if inv.NotifyURL == "" {
		return nil // sold in a shop whose app wants no webhooks
	}
	seq, err := b.NextSeq(ctx, inv.BusinessID, inv.SourceInvoiceID)
	if err != nil {
		return err
	}
	e := pay.Event{
		ID: id.New(), BusinessID: inv.BusinessID, InvoiceID: inv.ID, SourceInvoiceID: inv.SourceInvoiceID,
		Type: kind, Seq: seq, NotifyURL: inv.NotifyURL, CreatedAt: b.now,
	}
	if e.Body, err = json.Marshal(webhookBody(inv, p, e, r)); err != nil {
		return err
	}
	if err := b.InsertEvent(ctx, e); err != nil {
		return err
	}
	inv.NotifyDelivered = false
	return b.Enqueue(ctx, deliveryOf(inv.BusinessID, inv.SourceInvoiceID, inv.NotifyURL, b.now))
}

// deliveryOf is the one row of work that tells an app of an order's events, in their order.
func deliveryOf(businessID, sourceInvoiceID, notifyURL string, due time.Time) outbox.Work {
	return outbox.Work{
		BusinessID: businessID, Kind: workDeliver, Subject: businessID + "/" + sourceInvoiceID,
		Lane: lane(notifyURL), DueAt: due,
	}
}

// webhookMessage is the body of a webhook: the founding document's fields in their order, then
// ours. Amounts are tiyin, times RFC 3339 UTC with milliseconds.
type webhookMessage struct {
	ID              string       `json:"id"`
	Source          string       `json:"source"`
	BusinessID      string       `json:"businessId"`
	SourceInvoiceID string       `json:"sourceInvoiceId"`
	Amount          pay.Tiyin    `json:"amount"`
	Currency        string       `json:"currency"`
	Status          pay.Status   `json:"status"`
	ProviderUUID    *string      `json:"providerUuid"`
	PaidAt          *string      `json:"paidAt"`
	Card            *webhookCard `json:"card"`
	ReceiptURL      *string      `json:"receiptUrl"`

	EventID        string            `json:"eventId"`
	Event          string            `json:"event"`
	Sequence       int64             `json:"sequence"`
	OccurredAt     string            `json:"occurredAt"`
	Provider       *string           `json:"provider"`
	CapturedAmount pay.Tiyin         `json:"capturedAmount"`
	RefundedAmount pay.Tiyin         `json:"refundedAmount"`
	Refund         *webhookRefund    `json:"refund,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"`
}

type webhookCard struct {
	PAN           string `json:"pan"`
	PaymentSystem string `json:"paymentSystem"`
}

type webhookRefund struct {
	ID     string    `json:"id"`
	Amount pay.Tiyin `json:"amount"`
	Status string    `json:"status"`
}

func webhookBody(inv *pay.Invoice, p *pay.Payment, e pay.Event, r *pay.Refund) webhookMessage {
	m := webhookMessage{
		ID: inv.ID, Source: inv.Source, BusinessID: inv.Business, SourceInvoiceID: inv.SourceInvoiceID,
		Amount: inv.Amount, Currency: pay.CurrencyUZS, Status: inv.Status, PaidAt: stamp(inv.PaidAt),
		EventID: e.ID, Event: e.Type, Sequence: e.Seq, OccurredAt: *stamp(e.CreatedAt),
		Provider: text(inv.Provider), Metadata: inv.Metadata,
	}
	if p != nil {
		m.ProviderUUID, m.Provider, m.ReceiptURL = text(p.Ref), text(p.Provider), text(p.ReceiptURL)
		m.CapturedAmount, m.RefundedAmount = p.Captured, p.Refunded
		if p.Card.MaskedPAN != "" || p.Card.PaymentSystem != "" {
			m.Card = &webhookCard{PAN: p.Card.MaskedPAN, PaymentSystem: p.Card.PaymentSystem}
		}
	}
	if r != nil {
		m.Refund = &webhookRefund{ID: r.ID, Amount: r.Amount, Status: r.State.Public()}
	}
	return m
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// stamp writes a time as the API does; nil where it is zero.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05.000Z")
	return &s
}
