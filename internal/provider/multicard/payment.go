package multicard

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// The statuses of a payment. Multicard's list has six; hold and canceled are not in it and come
// all the same, the latter in two spellings.
const (
	statusDraft     = "draft"    // not paid yet
	statusProgress  = "progress" // being debited
	statusBilling   = "billing"  // debited, and we are being asked
	statusSuccess   = "success"
	statusError     = "error"  // not successful: for this invoice the end
	statusRevert    = "revert" // returned
	statusHold      = "hold"
	statusCanceled  = "canceled"
	statusCancelled = "cancelled"
)

// read asks for a payment by its uuid. This is the one source that can be believed: it outlives
// the hosted invoice, and its answer is not pushed on us. An answer about another payment than
// ours is an error.
func (a *account) read(ctx context.Context, uuid, paymentID string) (*paymentModel, error) {
	var m paymentModel
	if err := a.about(ctx, http.MethodGet, uuid, "", nil, &m); err != nil {
		return nil, err
	}
	if m.Status == "" {
		return nil, &provider.Error{Kind: provider.KindUnavailable, Err: errors.New("the payment at Multicard has no status")}
	}
	if m.StoreInvoiceID != "" && paymentID != "" && string(m.StoreInvoiceID) != paymentID {
		return nil, &provider.Error{Kind: provider.KindUnavailable, Err: errors.New("the payment at Multicard is for another invoice_id")}
	}
	if m.PaymentAmount == 0 && (m.Status == statusSuccess || m.Status == statusHold) {
		return nil, unclear("the payment at Multicard has no amount")
	}
	return &m, nil
}

// about makes a call about one payment.
func (a *account) about(ctx context.Context, method, uuid, rest string, body, into any) error {
	if !uuidShape.MatchString(uuid) {
		// Without an id the path would name something else.
		return &provider.Error{Kind: provider.KindInvalid, NotSent: true, Message: "the payment has no uuid at Multicard"}
	}
	return a.client.call(ctx, method, "/payment/"+uuid+rest, body, into)
}

// outcome is the payment in our words. was is how we last knew it: what is returned before we
// ever counted it as paid was, for us, given up.
func (m *paymentModel) outcome(was pay.State) provider.Outcome {
	out := provider.Outcome{
		State:  pay.Created, // draft, progress, billing, and any word we do not know: not decided
		At:     localTime(m.PaymentTime),
		Amount: pay.Tiyin(m.PaymentAmount),
		Card:   card(m.CardPAN, m.PS),
		Phone:  payer(string(m.Phone)),
		Code:   clip(string(m.ResponseCode), 64),
		Note:   clip(string(m.ResponseMsg), 300),

		ReceiptURL: m.receiptURL(),
	}
	if uuidShape.MatchString(string(m.UUID)) {
		out.Ref = string(m.UUID)
	}
	switch m.Status {
	case statusSuccess:
		out.State = pay.Paid
	case statusHold:
		out.State = pay.Held
	case statusError:
		out.State = pay.Failed
		if out.Note == "" {
			out.Note = clip(string(m.CallbackMessage), 300)
		}
	case statusCanceled, statusCancelled:
		out.State = pay.Cancelled
	case statusRevert:
		out.At = localTime(m.RefundTime)
		out.State = pay.Refunded
		if was == pay.Created || was == pay.Unknown {
			out.State = pay.Cancelled
		}
	case statusProgress, statusBilling:
		out.Note = "Multicard is taking the money: " + string(m.Status)
	}
	return out
}

// receiptURL is the fiscal receipt where Multicard made one, else its own receipt page.
func (m *paymentModel) receiptURL() string {
	if m.Tax != nil && webURL(string(m.Tax.QRURL)) {
		return string(m.Tax.QRURL)
	}
	if webURL(string(m.ReceiptURL)) {
		return string(m.ReceiptURL)
	}
	return ""
}

// Inquire reads the payment. Of returns it tells only the whole one (revert): a partial one
// leaves no trace that the documentation names, and waits for a person.
func (a *account) Inquire(ctx context.Context, q provider.Question) (provider.Report, error) {
	if q.Op == provider.OpPayout {
		return a.inquirePayout(ctx, q)
	}
	if metaOf(q.Payment).Hold > 0 && (q.Op != provider.OpRefund) && q.Payment.State != pay.Paid {
		o, found, err := a.readHold(ctx, q.Payment)
		return provider.Report{Found: found, Outcome: o}, err
	}
	uuid, paymentID := transaction(q.Payment), q.PaymentID
	if uuid == "" {
		uuid = q.Ref
	}
	if uuid == "" && q.Payment.Way == pay.WayQR {
		return neverScanned, nil
	}
	if uuid == "" {
		found, err := a.search(ctx, paymentID, q.SentAt)
		if err != nil || found == "" {
			return provider.Report{}, err
		}
		uuid = found
	}
	m, err := a.read(ctx, uuid, paymentID)
	if codeOf(err) == codeNotFound {
		return provider.Report{}, nil
	}
	if err != nil {
		return provider.Report{}, err
	}
	if m.Status == statusDraft && q.Payment.Way == pay.WayQR && q.Op == provider.OpCharge {
		return a.giveUp(ctx, q)
	}
	// A page's uuid may be another than that of the payment in it; a card's payment has one only.
	if way := q.Payment.Way; (way == pay.WayCard || way == pay.WayToken) && m.UUID != "" && string(m.UUID) != uuid {
		return provider.Report{}, unclear("Multicard's answer is about another payment")
	}
	r := provider.Report{Found: true, Outcome: m.outcome(q.Payment.State)}
	if r.Outcome.State == pay.Failed {
		r.Outcome.Reason = reasonOf(r.Outcome.Code)
	}
	if m.Status == statusDraft {
		r.Outcome = a.neverConfirmed(q.Payment, r.Outcome)
	}
	switch {
	case m.Status == statusRevert:
		r.Refunded, r.Shows = q.Payment.Captured, true
	case m.Status == statusSuccess && q.Before == 0 && q.Amount == q.Payment.Captured:
		r.Shows = true // a whole return would show as revert
	}
	return r, nil
}

// The register's lists are read in pages, and only around the time in question.
const (
	pageSize = 100
	maxPages = 40
)

// search looks through the register for the payment of one of our ids, and returns its uuid, or
// "" where it is not there. Multicard has no look-up by invoice_id.
func (a *account) search(ctx context.Context, paymentID string, sent time.Time) (string, error) {
	if sent.IsZero() {
		sent = a.env.Now()
	}
	return a.find(ctx, "history", []string{""}, paymentID, sent)
}

// find looks for one of our ids in the lists of a register's rows with each of these statuses.
//
// Rows come and go while the list is read, and move on to another list: one that moves up by as
// many places as a page has left would not be seen. So each page overlaps the one before by half,
// and that a row is nowhere is said after a second look only.
func (a *account) find(ctx context.Context, list string, statuses []string, ours string, sent time.Time) (uuid string, err error) {
	// An hour on both sides: neither clock is to be trusted to the second.
	from, to := sent.Add(-time.Hour), sent.Add(time.Hour)
	for range 2 {
		for _, status := range statuses {
			if uuid, err = a.findIn(ctx, list, status, from, to, ours); uuid != "" || err != nil {
				return uuid, err
			}
		}
	}
	return "", nil
}

func (a *account) findIn(ctx context.Context, list, status string, from, to time.Time, ours string) (string, error) {
	offset := 0
	for range maxPages {
		got, err := a.history(ctx, list, status, from, to, offset, pageSize)
		if err != nil {
			return "", err
		}
		for _, row := range got.List {
			if string(row.StoreInvoiceID) == ours && uuidShape.MatchString(string(row.UUID)) {
				return string(row.UUID), nil
			}
		}
		n := len(got.List)
		// A page may be shorter than was asked for: the greatest limit is not documented.
		if n == 0 || offset+n >= int(got.Pagination.Total) && (got.Pagination.Total > 0 || n < pageSize) {
			return "", nil
		}
		offset += max(1, n/2)
	}
	return "", &provider.Error{Kind: provider.KindUnavailable, Err: errors.New("the register's list is too long to search")}
}
