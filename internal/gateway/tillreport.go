package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// What tills report. A report is taken once for each revision, however often it comes, in any
// order, a minute or a month late; it moves the same book as everything else, at the time at which
// it happened in the shop. Nothing is ever refused for what it says: what does not fit goes before
// a person, since the money in the shop has moved already.

// byTill is who writes in the book then.
const byTill = "till"

// The words of a report.
const (
	reportSale  = "sale"
	reportClose = "close"

	reportApproved = "approved"
	reportUnknown  = "unknown"

	// reportContradicted is the code of an operation that was decided at the till, and of which the
	// device or the company said otherwise afterwards. The till's note says what.
	reportContradicted = "contradicted"

	// reportReceiptRefused is that of a sale whose fiscal receipt's link the company refuses for good.
	reportReceiptRefused = "receipt_refused"
)

// oldestReport is how far back a till's clock is believed.
const oldestReport = 400 * 24 * time.Hour

// errReportID: the id is somebody else's. Ids are random, so this is no accident.
func errReportID(i int) error {
	return invalid([]string{fmt.Sprintf(`"reports[%d].id" is the id of another payment`, i)})
}

// TakeReports keeps what a till reports, each in a transaction of its own, and says how many it
// has kept: all, or the error of the first that could not be written.
func (g *Gateway) TakeReports(ctx context.Context, t pay.Till, reports []pay.TillReport) (kept int, err error) {
	for i, r := range reports {
		// The till's row is locked first, so that two deliveries of one report come one after the
		// other, and a till that is revoked meanwhile reports no more.
		err := g.update(ctx, byTill, func(ctx context.Context, b *book) error {
			row, err := b.LockTill(ctx, t.ID)
			if err != nil {
				return err
			}
			if row.TokenHash != t.TokenHash {
				return errTillToken
			}
			if row.SeenAt = b.now; i == len(reports)-1 {
				if err := b.SaveTill(ctx, row); err != nil {
					return err
				}
			}
			return g.takeReport(ctx, b, row, r, i)
		})
		if err != nil {
			return kept, err
		}
		kept++
	}
	return kept, nil
}

func (g *Gateway) takeReport(ctx context.Context, b *book, t pay.Till, r pay.TillReport, i int) error {
	kept, err := b.reported(ctx, t, r.ID)
	fresh := errors.Is(err, store.ErrNotFound)
	if err != nil && !fresh {
		return err
	}
	if !fresh && r.Revision <= kept.Report.Revision {
		return nil
	}
	taken := g.now()
	if fresh {
		if _, err := b.Payment(ctx, r.ID); !errors.Is(err, store.ErrNotFound) {
			return cmp.Or(err, errReportID(i))
		}
		kept = pay.KeptReport{TillID: t.ID, BusinessID: t.BusinessID, CreatedAt: taken}
	}
	b.now = happened(r, taken)
	b.by = byTill + " " + t.Name
	before := kept.Report
	kept.Report, kept.UpdatedAt = r, taken
	switch r.Kind {
	case reportSale:
		err = g.takeSale(ctx, b, t, &kept)
	case reportClose:
		err = nil // its totals are kept, and move nothing
	default:
		err = g.takeReturn(ctx, b, t, &kept, before)
	}
	if err != nil {
		return err
	}
	if !fresh {
		return b.SaveReport(ctx, kept)
	}
	_, err = b.InsertReport(ctx, kept) // nobody else can have, since the till is locked
	return err
}

// reported is what is kept of an operation. A till that is revoked and paired anew has the same
// journal, and goes on with what it has begun to report under its former name.
func (b *book) reported(ctx context.Context, t pay.Till, opID string) (pay.KeptReport, error) {
	kept, err := b.LockReport(ctx, t.ID, opID)
	if errors.Is(err, store.ErrNotFound) {
		kept, err = b.LockFormerReport(ctx, t.BusinessID, opID)
	}
	return kept, err
}

// happened is when a report's operation ended, by the till's clock where that can be believed.
func happened(r pay.TillReport, now time.Time) time.Time {
	at := r.FinishedAt
	if at.IsZero() {
		at = r.CreatedAt
	}
	if at = at.UTC().Truncate(time.Millisecond); at.After(now) || now.Sub(at) > oldestReport {
		return now
	}
	return at
}

// ─── Sales ─────────────────────────────────────────────────────────────────────────────────

func (g *Gateway) takeSale(ctx context.Context, b *book, t pay.Till, k *pay.KeptReport) error {
	if k.InvoiceID == "" {
		invoice, err := g.shopInvoice(ctx, b, t, k.Report, t.NotifyURL)
		if err != nil {
			return err
		}
		k.InvoiceID = invoice
	}
	inv, payments, err := b.open(ctx, k.InvoiceID)
	if err != nil {
		return err
	}
	p := pick(payments, k.Report.ID)
	if err := g.soldBy(ctx, b, inv, payments, p, k.Report); err != nil {
		return err
	}
	if err := contradicted(ctx, b, inv, p.ID, k.Report); err != nil {
		return err
	}
	return g.shopReceipt(ctx, b, inv, p, k.Report.ReceiptURL)
}

// shopInvoice writes an invoice for what was sold in the shop, with its one payment, of which
// nothing is known yet.
func (g *Gateway) shopInvoice(ctx context.Context, b *book, t pay.Till, r pay.TillReport, notifyURL string) (string, error) {
	m, err := g.tillMerchant(ctx, b, t, r.Provider)
	if err != nil {
		return "", err
	}
	inv := pay.Invoice{
		ID: id.New(), BusinessID: t.BusinessID, Source: t.Source, Business: t.Business, Provider: r.Provider,
		SourceInvoiceID: r.ID, Amount: r.Amount, Status: pay.StatusPending, NotifyURL: notifyURL, NotifyDelivered: true,
		Metadata: shopNotes(t, r), CreatedAt: b.now, ExpiresAt: b.now.Add(g.InvoiceTTL),
	}
	inv.PayNumber = id.NewPayNumber() // where it is taken, all of this runs again with another
	if err := b.AddInvoice(ctx, inv); err != nil {
		return "", err
	}
	if err := b.wrote(ctx, &inv, store.Change{What: "invoice", Now: string(inv.Status), Note: "sold at " + t.Name}); err != nil {
		return "", err
	}
	p := pay.Payment{
		ID: r.ID, InvoiceID: inv.ID, BusinessID: inv.BusinessID, MerchantID: m.ID, Provider: r.Provider,
		Amount: r.Amount, State: pay.Created, TheirTime: r.CreatedAt.UTC().Truncate(time.Millisecond), CreatedAt: b.now,
	}
	if _, err := b.InsertPayment(ctx, p); err != nil {
		return "", err
	}
	b.after = append(b.after, func() { g.Metrics.Payment(p.Provider, pay.Created) })
	return inv.ID, b.wrote(ctx, &inv, store.Change{What: "payment", PaymentID: p.ID, Now: string(pay.Created), Note: "paid through " + r.Provider})
}

// tillNote names the till among an invoice's notes.
const tillNote = "tillId"

// shopNotes is what people look for afterwards: the bank's number, the slip's, the register's.
func shopNotes(t pay.Till, r pay.TillReport) map[string]string {
	out := map[string]string{tillNote: t.ID, "till": t.Name}
	for name, value := range map[string]string{
		"rrn": r.RRN, "terminalId": r.TerminalID, "receiptNo": r.ReceiptNo, "orderId": r.OrderID, "transactionId": r.TransactionID,
	} {
		if value != "" {
			out[name] = heardCode(value)
		}
	}
	return out
}

// soldBy moves the payment to where the till says that it is.
func (g *Gateway) soldBy(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, r pay.TillReport) error {
	switch r.State {
	case reportUnknown:
		if p.State != pay.Created {
			return nil
		}
		return b.toUnknown(ctx, inv, payments, p, "the till does not know whether it was paid")
	case reportApproved:
		ref, err := b.shopRef(ctx, *p, r)
		if err != nil {
			return err
		}
		if err := b.alsoCalled(ctx, *p, heardCode(r.Ref), heardCode(r.RRN)); err != nil { // an RRN on a slip finds it
			return err
		}
		note := "approved"
		if r.ResolvedBy != "" {
			note = "resolved by " + heardNote(r.ResolvedBy)
		}
		if p.State == pay.Created || p.State == pay.Unknown {
			if err := b.wrote(ctx, inv, store.Change{What: "payment", PaymentID: p.ID, Was: string(p.State), Now: string(p.State), Note: note + slip(r)}); err != nil {
				return err
			}
		}
		_, _, err = g.confirm(ctx, b, inv, payments, p, provider.Proof{
			Ref: ref, Amount: p.Amount, Card: pay.Card{MaskedPAN: r.Card, PaymentSystem: r.Provider},
		}, false)
		return err
	}
	switch p.State {
	case pay.Created, pay.Unknown:
	case pay.Paid, pay.Refunded, pay.Held:
		return b.alarm(ctx, inv, p.ID, pay.AttentionProvider, "the till says that the sale was not made, and it is "+string(p.State)+" in our book")
	default:
		return nil
	}
	p.Code = heardCode(r.Code)
	note := cmp.Or(heardNote(r.Note), "the till says: "+r.State)
	if _, err := b.move(ctx, inv, p, pay.Change{To: pay.Failed, At: b.now, Reason: cmp.Or(heardCode(r.Code), r.State)}, note); err != nil {
		return err
	}
	return b.end(ctx, inv, p, pay.StatusFailed, note)
}

// which names the operation of a till, so that two of them are two alarms.
func which(r pay.TillReport) string { return slip(r) + " (" + r.ID + ")" }

// slip is the bank's numbers as the timeline shows them.
func slip(r pay.TillReport) (text string) {
	for _, part := range [][2]string{{"RRN", r.RRN}, {"terminal", r.TerminalID}, {"slip", r.ReceiptNo}} {
		if part[1] != "" {
			text += ", " + part[0] + " " + heardCode(part[1])
		}
	}
	return text
}

// shopRef is what a payment is found by: the company's id of it, or the bank's RRN. The schema has
// one of each at a merchant; banks use an RRN again.
func (b *book) shopRef(ctx context.Context, p pay.Payment, r pay.TillReport) (string, error) {
	ref := heardCode(cmp.Or(r.Ref, r.RRN))
	if p.Ref != "" || ref == "" {
		return p.Ref, nil
	}
	_, err := b.PaymentByRef(ctx, p.MerchantID, ref)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return ref, nil
	case err != nil:
		return "", err
	}
	return ref + "/" + p.ID, nil
}

// shopReceipt keeps the fiscal receipt's link that the till has passed on itself.
func (g *Gateway) shopReceipt(ctx context.Context, b *book, inv *pay.Invoice, p *pay.Payment, url string) error {
	if url == "" || p.ReceiptURL == url || p.State != pay.Paid && p.State != pay.Refunded {
		return nil
	}
	receipt, err := pay.ParseReceiptLink(url, g.now())
	if err != nil {
		return nil // the till was told already, by its own rule; here it is not worth a person's time
	}
	p.ReceiptURL, p.Fiscal = receipt.URL, pay.FiscalDone
	if err := b.SavePayment(ctx, *p); err != nil {
		return err
	}
	return b.wrote(ctx, inv, store.Change{What: "receipt", PaymentID: p.ID, Now: "sale", Note: "sale receipt " + receipt.URL})
}

// ─── Returns ───────────────────────────────────────────────────────────────────────────────

// takeReturn moves the return of a sale. A return that is declined leaves nothing behind.
func (g *Gateway) takeReturn(ctx context.Context, b *book, t pay.Till, k *pay.KeptReport, before pay.TillReport) error {
	r := k.Report
	if r.Code == reportContradicted {
		if err := g.returnContradicted(ctx, b, t, k); err != nil {
			return err
		}
	}
	if k.RefundID != "" {
		return g.returnEnds(ctx, b, *k)
	}
	if r.State != reportApproved && r.State != reportUnknown || before.State == reportApproved {
		return nil
	}
	if k.InvoiceID == "" {
		invoice, err := g.saleOf(ctx, b, t, r)
		if err != nil {
			return err
		}
		k.InvoiceID = invoice
	}
	if k.InvoiceID == "" {
		if r.State == reportUnknown {
			return nil // nothing is known of either: the till goes on asking, and reports again
		}
		return g.orphan(ctx, b, t, k)
	}
	inv, payments, err := b.open(ctx, k.InvoiceID)
	if err != nil {
		return err
	}
	p := live(payments)
	if p == nil {
		return b.alarm(ctx, inv, "", pay.AttentionProvider, "the till returned "+r.Amount.Words()+" of a sale that was not paid"+which(r))
	}
	return g.startReturn(ctx, b, inv, p, k)
}

// contradicted calls a person where a till's decision turned out to be wrong: money has moved that
// the book does not have, or the reverse; and where a wallet's company does not take the receipt.
func contradicted(ctx context.Context, b *book, inv *pay.Invoice, paymentID string, r pay.TillReport) error {
	if r.Code != reportContradicted && r.Code != reportReceiptRefused {
		return nil
	}
	return b.alarm(ctx, inv, paymentID, pay.AttentionProvider, "the till: "+cmp.Or(heardNote(r.Note), "what was decided there turned out to be otherwise")+slip(r))
}

// returnContradicted calls a person to the sale of a return. A return of a sale that nobody knows here
// is shown at the till alone.
func (g *Gateway) returnContradicted(ctx context.Context, b *book, t pay.Till, k *pay.KeptReport) error {
	if k.InvoiceID == "" {
		invoice, err := g.saleOf(ctx, b, t, k.Report)
		if err != nil || invoice == "" {
			return err
		}
		k.InvoiceID = invoice
	}
	inv, payments, err := b.open(ctx, k.InvoiceID)
	if err != nil {
		return err
	}
	paymentID := ""
	if p := live(payments); p != nil {
		paymentID = p.ID
	}
	return contradicted(ctx, b, inv, paymentID, k.Report)
}

// saleOf finds the invoice that a return is of: by the till's own id of the sale, or by the RRN. Only
// what tills of this business have sold is found: an online payment is not theirs to return, and its
// number at the company may be known in the shop.
func (g *Gateway) saleOf(ctx context.Context, b *book, t pay.Till, r pay.TillReport) (string, error) {
	if r.Original != "" {
		sale, err := b.reported(ctx, t, r.Original)
		if err == nil && sale.InvoiceID != "" {
			return sale.InvoiceID, nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", err
		}
	}
	if r.OriginalRRN == "" {
		return "", nil
	}
	m, err := g.tillMerchant(ctx, b, t, r.Provider)
	if err != nil {
		return "", err
	}
	p, err := b.PaymentByRef(ctx, m.ID, r.OriginalRRN)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	inv, err := b.Invoice(ctx, p.InvoiceID)
	if err != nil {
		return "", err
	}
	// An app can write a till's id into its invoice, but no till has reported the app's payment.
	sold, err := b.LockReport(ctx, inv.Metadata[tillNote], p.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && sold.BusinessID != t.BusinessID {
		return "", nil
	}
	return p.InvoiceID, err
}

// startReturn writes the return beside its sale. More than is left goes before a person, and so
// does one beside another that is under way.
func (g *Gateway) startReturn(ctx context.Context, b *book, inv *pay.Invoice, p *pay.Payment, k *pay.KeptReport) error {
	r := k.Report
	what := "the till returned " + r.Amount.Words()
	if _, err := b.RefundUnderway(ctx, p.ID); !errors.Is(err, store.ErrNotFound) {
		if err != nil {
			return err
		}
		return b.alarm(ctx, inv, p.ID, pay.AttentionProvider, what+" while another return of the payment was under way"+which(r))
	}
	refund, err := p.StartRefund(r.Amount)
	if err != nil {
		return b.alarm(ctx, inv, p.ID, pay.AttentionProvider, what+", and "+err.Error()+which(r))
	}
	refund.ID, refund.Theirs, refund.Reason, refund.CreatedAt, refund.SentAt = id.New(), true, "returned in the shop", b.now, b.now
	if _, err := b.InsertRefund(ctx, refund); err != nil {
		return err
	}
	if err := b.SavePayment(ctx, *p); err != nil {
		return err
	}
	if err := b.wrote(ctx, inv, store.Change{What: "refund", PaymentID: p.ID, RefundID: refund.ID, Now: string(refund.State), Note: what + slip(r)}); err != nil {
		return err
	}
	k.RefundID = refund.ID
	return b.refundEnds(ctx, inv, p, &refund, returnChange(r, b.now))
}

// returnEnds settles a return whose outcome was unknown. What is decided stays so; that the till
// says otherwise then goes before a person.
func (g *Gateway) returnEnds(ctx context.Context, b *book, k pay.KeptReport) error {
	inv, payments, err := b.open(ctx, k.InvoiceID)
	if err != nil {
		return err
	}
	refund, err := b.Refund(ctx, k.RefundID)
	if err != nil {
		return err
	}
	p, c := pick(payments, refund.PaymentID), returnChange(k.Report, b.now)
	switch {
	case refund.State == c.To, c.To == pay.MoveUnknown:
		return nil
	case !refund.State.Underway():
		// Not the kind of a lost answer: that one ends with the next refund whose outcome is known.
		return b.alarm(ctx, inv, p.ID, pay.AttentionProvider, "the till says that the return of "+refund.Amount.Words()+" "+string(c.To)+", and it is "+string(refund.State)+" in our book"+which(k.Report))
	}
	return b.refundEnds(ctx, inv, p, &refund, c)
}

func returnChange(r pay.TillReport, at time.Time) pay.MoveChange {
	c := pay.MoveChange{To: pay.MoveFailed, At: at, Ref: heardCode(cmp.Or(r.RRN, r.Ref)), Code: heardCode(r.Code), Note: heardNote(r.Note)}
	switch r.State {
	case reportApproved:
		c.To = pay.MoveSucceeded
	case reportUnknown:
		c.To = pay.MoveUnknown
	}
	return c
}

// orphan writes down the return of a sale that this gateway was never told of, so that it stands in
// the lists, and has a person look. The app is not told: it knows of no such sale either.
func (g *Gateway) orphan(ctx context.Context, b *book, t pay.Till, k *pay.KeptReport) error {
	sale := k.Report
	invoice, err := g.shopInvoice(ctx, b, t, sale, "")
	if err != nil {
		return err
	}
	k.InvoiceID = invoice
	inv, payments, err := b.open(ctx, invoice)
	if err != nil {
		return err
	}
	p := pick(payments, sale.ID)
	if _, err := b.move(ctx, inv, p, pay.Change{To: pay.Paid, At: b.now}, "sold before this gateway was told of sales"); err != nil {
		return err
	}
	if err := g.startReturn(ctx, b, inv, p, k); err != nil {
		return err
	}
	return b.alarm(ctx, inv, p.ID, pay.AttentionProvider, "the till returned "+sale.Amount.Words()+" of a sale that it has not reported")
}
