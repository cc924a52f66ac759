package click

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// protection is how long a Prepare keeps its invoice from being cancelled, expired or moved.
// CLICK has no time limit of its own and never says that a Prepare has died, so the limit is
// ours, and it ends no attempt: a Complete that comes later is taken while the invoice is
// still pending, since the buyer's money is gone by then.
const protection = 30 * time.Minute

// ServeCallback answers Prepare and Complete. Both may come to one address: what counts is the
// field action. Every answer is HTTP 200 with the error in its body, also to what is no message
// at all. The order of checks is the one that CLICK's own fifteen tests ask for: form, service,
// action, signature, order, attempt, CLICK's own failure, paid, cancelled, amount.
func (a *account) ServeCallback(w http.ResponseWriter, r *http.Request, d provider.Desk) {
	m, err := readMessage(r)
	switch {
	case err != nil || m.serviceID != a.service:
		answer(w, m, badRequest)
	case m.action != actionPrepare && m.action != actionComplete:
		answer(w, m, noAction)
	case !m.signedWith(a.secret):
		answer(w, m, wrongSign)
	case m.failed():
		answer(w, m, a.fail(r.Context(), m, d))
	case m.action == actionPrepare:
		a.answerWithIDs(w, m, a.prepare(r.Context(), m, d))
	default:
		a.answerWithIDs(w, m, a.complete(r.Context(), m, d))
	}
}

// signedWith says whether sign_string is right: the md5 of the fields as they were received,
// never as a number would be printed again.
func (m message) signedWith(secret string) bool {
	sum := md5.Sum([]byte(m.clickTransID + m.serviceID + secret + m.account + m.prepareID + m.amountText + m.action + m.signTime))
	want := hex.EncodeToString(sum[:])
	got, wanted := sha256.Sum256([]byte(m.sign)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(got[:], wanted[:]) == 1
}

// prepare answers "may this buyer pay this order?". After a yes CLICK debits the buyer.
//
// A repeat of the same click_trans_id gets the same merchant_prepare_id. If it was completed
// meanwhile it gets -4, never -5 or -9: CLICK would give the money back.
func (a *account) prepare(ctx context.Context, m message, d provider.Desk) verdict {
	res, err := d.Open(ctx, provider.OpenOrder{
		Account:   m.account,
		Ref:       m.ref(),
		Amount:    m.amount,
		TheirTime: m.signed,
		ExpiresAt: a.now().Add(protection),
		Parallel:  true, // a buyer who tries again has a new click_trans_id
		Meta:      m.meta(),
	})
	if provider.RefusalOf(err) == provider.AlreadyPaid {
		return paidOrReturned(ctx, m, d)
	}
	if err != nil {
		return word(m.action, err)
	}
	p := res.Payment
	switch {
	case p.Account != m.account:
		return badRequest // one click_trans_id for two orders
	case p.State == pay.Paid, p.State == pay.Refunded:
		return alreadyPaid
	case p.State != pay.Created:
		return cancelled
	case p.Amount != m.amount:
		return wrongAmount
	case res.Again && !stillOpen(p, res.Invoice, a.now()):
		return cancelled
	}
	return success
}

// paidOrReturned words a new attempt on an order that was paid. If the money was given back the
// order is closed: "already paid" would have CLICK close the attempt as successful.
func paidOrReturned(ctx context.Context, m message, d provider.Desk) verdict {
	inv, _, err := d.Find(ctx, m.account)
	switch {
	case err != nil:
		return word(m.action, err)
	case inv.Status == pay.StatusRefunded:
		return cancelled
	}
	return alreadyPaid
}

// stillOpen says whether a repeated Prepare may go on: its invoice is pending, and either in
// its own time or protected by this attempt.
func stillOpen(p pay.Payment, inv pay.Invoice, now time.Time) bool {
	return inv.Status == pay.StatusPending && (!p.Lapsed(now) || inv.Payable(now))
}

// complete takes note that the buyer was debited. Only 0, -4 and -9 are final for CLICK: 0 and
// -4 let it keep the money, -9 makes it give the money back.
func (a *account) complete(ctx context.Context, m message, d provider.Desk) verdict {
	p, v := a.attempt(ctx, m, d)
	switch {
	case v != success:
		return v
	case p.State == pay.Paid, p.State == pay.Refunded:
		return alreadyPaid
	case p.State == pay.Created && p.Amount != m.amount:
		return a.alarm(ctx, m, d, pay.AttentionAmount, wrongAmount,
			fmt.Sprintf("CLICK says that %s soum were taken for a payment of %s (click_trans_id %s); the payment stays open", m.amountText, p.Amount.Soum(), m.clickTransID))
	}
	// A cancelled attempt goes this way too, so that the desk can raise its alarm.
	res, err := d.Confirm(ctx, provider.Key{Ref: m.ref()}, provider.Proof{Amount: m.amount, Meta: m.meta()})
	switch {
	case err != nil:
		return word(m.action, err)
	case res.Payment.State != pay.Paid && res.Payment.State != pay.Refunded:
		return cancelled
	case res.Again:
		return alreadyPaid
	}
	return success
}

// fail gives up an attempt that failed at CLICK. It never un-pays: CLICK's tests want -9 also
// for a payment that was completed, but whether CLICK then gives the money back is published
// nowhere, so the payment stays paid and a person is told.
func (a *account) fail(ctx context.Context, m message, d provider.Desk) verdict {
	_, v := a.attempt(ctx, m, d)
	if v == noTransaction && m.action == actionPrepare {
		return cancelled // it failed before it began
	}
	if v != success {
		return v
	}
	_, err := d.Cancel(ctx, provider.Key{Ref: m.ref()}, provider.CancelOrder{
		Reason:     strconv.Itoa(m.failure),
		Note:       m.note,
		UnpaidOnly: true,
	})
	if provider.RefusalOf(err) == provider.NotReversible {
		return a.alarm(ctx, m, d, pay.AttentionProvider, cancelled,
			fmt.Sprintf("CLICK reports error %d for a payment that is paid (click_trans_id %s); ask CLICK whether the buyer got the money back", m.failure, m.clickTransID))
	}
	if err != nil {
		return word(m.action, err)
	}
	return cancelled
}

// attempt finds what a message speaks of. Its three names must agree: an attempt of one order
// does not answer for another, nor one Prepare for another's. The order is looked up only to
// tell an unknown order from an unknown attempt.
func (a *account) attempt(ctx context.Context, m message, d provider.Desk) (pay.Payment, verdict) {
	p, err := d.Payment(ctx, m.ref())
	if err == nil && p.Account == m.account && (m.prepareID == "" || m.prepareID == strconv.FormatInt(a.prepareID(m), 10)) {
		return p, success
	}
	if err != nil && provider.RefusalOf(err) != provider.NoPayment {
		return pay.Payment{}, word(m.action, err)
	}
	if _, _, err := d.Find(ctx, m.account); err != nil {
		return pay.Payment{}, word(m.action, err)
	}
	return pay.Payment{}, noTransaction
}

// alarm puts before a person what does not fit, and answers v; if that cannot be written, CLICK
// must come back.
func (a *account) alarm(ctx context.Context, m message, d provider.Desk, kind pay.Attention, v verdict, text string) verdict {
	if err := d.Alarm(ctx, provider.Key{Ref: m.ref()}, kind, text); err != nil {
		return tryLater
	}
	return v
}

// prepareID is our id of the attempt. CLICK types it as an int, so it has 31 bits; it follows
// from the names of the attempt, so it needs no place to be kept and is the same in a repeat.
func (a *account) prepareID(m message) int64 {
	sum := sha256.Sum256([]byte(a.merchant + "\n" + m.clickTransID + "\n" + m.account))
	return max(1, int64(binary.BigEndian.Uint32(sum[:])&math.MaxInt32))
}

// answerWithIDs answers with our ids where CLICK wants them: merchant_prepare_id after a
// Prepare, and merchant_confirm_id after a Complete, which for us is the same attempt.
func (a *account) answerWithIDs(w http.ResponseWriter, m message, v verdict) {
	r := newReply(m, v)
	if v == success || v == alreadyPaid && m.action == actionComplete {
		r.MerchantPrepareID = a.prepareID(m)
		if m.action == actionComplete {
			r.MerchantConfirmID = r.MerchantPrepareID
		}
	}
	write(w, r)
}

// answer answers without our ids.
func answer(w http.ResponseWriter, m message, v verdict) { write(w, newReply(m, v)) }

func newReply(m message, v verdict) reply {
	return reply{ClickTransID: m.trans, MerchantTransID: m.account, Error: v.code, ErrorNote: v.note}
}

func write(w http.ResponseWriter, r reply) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(r) // if CLICK has gone, it will repeat
}
