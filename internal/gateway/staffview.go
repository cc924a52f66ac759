package gateway

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// What staff look at: what needs a person, the day in numbers, and the lists. The rows are the
// store's own.
type (
	Order        = store.Order
	Heap         = store.Heap
	Hour         = store.Hour
	Receiver     = store.Receiver
	EventRow     = store.EventRow
	EventFilter  = store.EventFilter
	RefundRow    = store.RefundRow
	RefundFilter = store.RefundFilter
)

// The ways to sort a list. Those by amount count for invoices and refunds only.
const (
	Newest   = store.Newest
	Oldest   = store.Oldest
	Largest  = store.Largest
	Smallest = store.Smallest
)

// The states of an event by which a list is narrowed.
const (
	EventStuck     = store.EventStuck
	EventWaiting   = store.EventWaiting
	EventDead      = store.EventDead
	EventDelivered = store.EventDelivered
)

// Inbox is the first page of a working day.
type Inbox struct {
	At        time.Time
	Heaps     []Heap     // what needs a person, by kind
	Receivers []Receiver // whose events are stuck, the most first
	Approvals []Approval // refunds that wait for a second person
	Receipts  []pay.Payment
	Inactive  []pay.Merchant
	Asking    map[pay.Attention][]pay.Invoice // the oldest that ask for each kind of attention
	Payouts   []pay.Payout                    // with an open alarm
	Unsent    map[string]PayoutApproval       // by payout, of those: what waits for a second person about it
	Untold    []pay.Payout                    // with a webhook that is stuck
	Compared  []pay.Reconciliation            // of a night, with an open alarm
	Adrift    []AdriftTill
	Hours     []Hour    // of the last 24, and of today
	Today     time.Time // when the day began in Tashkent
}

// attentions are what an invoice may ask a person for.
var attentions = []pay.Attention{pay.AttentionUnknown, pay.AttentionRefundUnconfirmed, pay.AttentionAmount, pay.AttentionProvider}

// inboxRows is how many of a kind the inbox names one by one.
const inboxRows = 5

// Inbox counts and sums. It reads indexes only, whatever the size of the book.
func (g *Gateway) Inbox(ctx context.Context) (in Inbox, err error) {
	now := g.now()
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		in = Inbox{At: now, Today: midnight(now)}
		if in.Heaps, err = tx.Heaps(ctx, now); err != nil {
			return err
		}
		if in.Receivers, err = tx.StuckReceivers(ctx, inboxRows); err != nil {
			return err
		}
		if in.Approvals, err = tx.WaitingApprovals(ctx, now, inboxRows); err != nil {
			return err
		}
		if in.Receipts, err = tx.FailedReceipts(ctx, inboxRows); err != nil {
			return err
		}
		if in.Inactive, err = tx.InactiveMerchants(ctx, inboxRows); err != nil {
			return err
		}
		few := store.Page{Limit: inboxRows}
		if in.Payouts, err = tx.Payouts(ctx, store.PayoutFilter{Loose: true}, few); err != nil {
			return err
		}
		if in.Compared, err = tx.LooseReconciliations(ctx, Newest, few); err != nil {
			return err
		}
		if in.Untold, err = tx.Payouts(ctx, store.PayoutFilter{Untold: true}, few); err != nil {
			return err
		}
		in.Untold = in.Untold[:min(len(in.Untold), inboxRows)]
		in.Payouts, in.Compared = in.Payouts[:min(len(in.Payouts), inboxRows)], in.Compared[:min(len(in.Compared), inboxRows)]
		if in.Adrift, err = tx.AdriftTills(ctx, inboxRows); err != nil {
			return err
		}
		in.Unsent = map[string]PayoutApproval{}
		for _, p := range in.Payouts {
			asked, err := tx.PayoutApprovalsOf(ctx, p.ID)
			if err != nil {
				return err
			}
			if at := slices.IndexFunc(asked, func(a PayoutApproval) bool { return a.State == store.ApprovalWaiting && now.Before(a.ExpiresAt) }); at >= 0 && p.State == pay.MoveUnknown {
				in.Unsent[p.ID] = asked[at]
			}
		}
		in.Asking = map[pay.Attention][]pay.Invoice{}
		for _, h := range in.Heaps {
			kind := pay.Attention(h.Kind)
			if !slices.Contains(attentions, kind) {
				continue
			}
			rows, err := tx.Invoices(ctx, store.InvoiceFilter{Kind: kind, Order: Oldest}, few)
			if err != nil {
				return err
			}
			in.Asking[kind] = rows[:min(len(rows), inboxRows)]
		}
		// From the full hour on, so that the chart's first hour is whole.
		in.Hours, err = tx.Hours(ctx, now.Add(-24*time.Hour).Truncate(time.Hour))
		return err
	})
	return in, err
}

// midnight is when the day of a time began in Tashkent.
func midnight(t time.Time) time.Time {
	y, m, d := t.In(pay.Tashkent).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, pay.Tashkent)
}

// Events lists what apps were told, or were to be.
func (g *Gateway) Events(ctx context.Context, f EventFilter, p Page) (out List[EventRow], err error) {
	page, err := p.decode()
	if err != nil {
		return out, err
	}
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		rows, err := tx.Events(ctx, f, page)
		out.Items, out.Next = cut(rows, page, func(e EventRow) (int64, string) { return e.CreatedAt.UnixMilli(), e.ID })
		return err
	})
	return out, err
}

// Refunds lists refunds.
func (g *Gateway) Refunds(ctx context.Context, f RefundFilter, p Page) (out List[RefundRow], err error) {
	page, err := p.decode()
	if err != nil {
		return out, err
	}
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		rows, err := tx.RefundList(ctx, f, page)
		out.Items, out.Next = cut(rows, page, func(r RefundRow) (int64, string) {
			if f.Order.ByAmount() {
				return int64(r.Amount), r.ID
			}
			return r.CreatedAt.UnixMilli(), r.ID
		})
		return err
	})
	return out, err
}

// Dossier is what the book holds of one invoice, but for its timeline.
type Dossier struct {
	Invoice
	Payments []pay.Payment // in the order in which they began
	Merchant *pay.Merchant // of the payment that counts
	Event    *pay.Event    // the newest; nil: nothing has happened that could be told
	Last     *Delivery     // its last try
	Terms    RefundTerms
	Alarms   []pay.Alarm // the open ones
}

// Delivery is one try to tell an app of an event.
type Delivery = store.Delivery

// Dossier reads an invoice for its page. As with Invoice, an unknown outcome is asked about soon,
// since somebody is looking.
func (g *Gateway) Dossier(ctx context.Context, invoiceID string) (d Dossier, err error) {
	inv, err := g.Invoice(ctx, invoiceID)
	if err != nil {
		return d, err
	}
	terms, err := g.RefundTerms(ctx, invoiceID)
	if err != nil {
		return d, err
	}
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		d = Dossier{Invoice: inv, Terms: terms}
		if d.Payments, err = tx.Payments(ctx, invoiceID); err != nil {
			return err
		}
		if inv.Payment != nil {
			m, err := tx.Merchant(ctx, inv.Payment.MerchantID)
			if err != nil {
				return err
			}
			d.Merchant = &m
		}
		alarms, err := tx.Alarms(ctx, invoiceID)
		if err != nil {
			return err
		}
		for _, a := range alarms {
			if a.ClosedAt.IsZero() {
				d.Alarms = append(d.Alarms, a)
			}
		}
		e, err := tx.LatestEvent(ctx, invoiceID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		d.Event = &e
		last, err := tx.LastDelivery(ctx, e.ID)
		if err == nil {
			d.Last = &last
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return nil
	})
	return d, err
}

// TimelinePage is a part of an invoice's timeline, up to limit entries after a cursor that a
// former page gave. next is "" at the end.
func (g *Gateway) TimelinePage(ctx context.Context, invoiceID, cursor string, limit int) (out []TimelineEntry, next string, err error) {
	after, err := readMark(cursor)
	if err != nil {
		return nil, "", err
	}
	if err := g.Evidence.Flush(ctx); err != nil {
		g.Logger.WarnContext(ctx, "provider messages could not be written", "error", err)
	}
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		out = nil
		if _, err := found(tx.Invoice(ctx, invoiceID))("invoice"); err != nil {
			return err
		}
		changes, messages, deliveries, alarms, err := tx.TimelinePage(ctx, invoiceID, after, limit+1)
		out = timelineOf(invoiceID, changes, messages, deliveries, alarms)
		return err
	})
	slices.SortStableFunc(out, func(a, b TimelineEntry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.row, b.row))
	})
	if len(out) > limit {
		out = out[:limit]
		last := out[limit-1]
		next = base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(last.At.UnixMilli(), 10) + "." + last.row))
	}
	return out, next, err
}

// LastMessages are the newest messages between a company and us about an invoice, up to limit, oldest
// first.
func (g *Gateway) LastMessages(ctx context.Context, invoiceID string, limit int) (out []TimelineEntry, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		messages, err := tx.LastMessages(ctx, invoiceID, limit)
		out = timelineOf(invoiceID, nil, messages, nil, nil)
		return err
	})
	slices.Reverse(out)
	return out, err
}

func readMark(cursor string) (m store.Mark, err error) {
	if cursor == "" {
		return m, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		at, rowID, ok := strings.Cut(string(raw), ".")
		ms, perr := strconv.ParseInt(at, 10, 64)
		if ok && perr == nil && id.Valid(rowID) {
			return store.Mark{At: time.UnixMilli(ms), ID: rowID}, nil
		}
	}
	return m, &pay.Error{Code: pay.CodeInvalid, Field: "cursor", Message: `"cursor" is not one that this timeline gave`, Details: []string{`"cursor" is not one that this timeline gave`}}
}

// Pulse differs whenever something has happened that a list shows; with an invoice's id, that its
// own page shows.
func (g *Gateway) Pulse(ctx context.Context, invoiceID string) (pulse string, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		if invoiceID != "" {
			pulse, err = tx.PulseOf(ctx, invoiceID)
		} else {
			pulse, err = tx.Pulse(ctx)
		}
		return err
	})
	return pulse, err
}

// outboxWork is work about a payment that is due now.
func outboxWork(p *pay.Payment, kind string, now time.Time) outbox.Work {
	return outbox.Work{BusinessID: p.BusinessID, Kind: kind, Subject: p.ID, Lane: p.Provider, DueAt: now}
}
