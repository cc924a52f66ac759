package multicard

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// ServeCallback answers both of Multicard's callbacks, which come to the one address that the
// invoice named: the success callback, which waits for our yes or no, and the webhook, one per
// status. A register sends the one or the other.
//
// Of a success callback every answer but two gives the money back: 200 with success true keeps
// it, and exactly 500 leaves it frozen until Multicard asks again. So 500 is said only where we
// could not tell.
func (a *account) ServeCallback(w http.ResponseWriter, r *http.Request, d provider.Desk) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		reply(w, http.StatusMethodNotAllowed, false, "POST is expected")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			reply(w, http.StatusRequestEntityTooLarge, false, "the message is too large")
			return
		}
		comeBackLater(w)
		return
	}
	if session := boundSession(body); session != "" {
		a.bound(w, r, d, session)
		return
	}
	m, err := decodeMessage(body)
	switch {
	case errors.Is(err, errCut):
		comeBackLater(w) // a broken line, not a broken message: the next try may be whole
	case err != nil:
		reply(w, http.StatusBadRequest, false, err.Error())
	case m.Status == "":
		a.success(r.Context(), w, m, d)
	default:
		a.webhook(r.Context(), w, m, d)
	}
}

// boundSession is the form's session that a body names, where it is a binding callback: it has the
// session and the card's token, and neither invoice nor signature. "" where it is none.
func boundSession(body []byte) string {
	var m struct {
		Session text `json:"payer_id"`
		Token   text `json:"card_token"`
		Sign    text `json:"sign"`
		Invoice text `json:"invoice_id"`
	}
	if decodeAnswer(body, &m) != nil || m.Sign != "" || m.Invoice != "" || !sessionShape.MatchString(string(m.Session)) {
		return ""
	}
	return string(m.Session)
}

// bound takes the word that a card was bound on the form. Nobody has signed it, so that it says no
// more than "look": the session is read back, and only what Multicard answers then counts. A
// session that is not ours is answered the same, and tells a stranger nothing.
func (a *account) bound(w http.ResponseWriter, r *http.Request, d provider.Desk, session string) {
	desk, ok := d.(provider.CardDesk)
	if !ok {
		reply(w, http.StatusOK, true, "")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readBackTime)
	defer cancel()
	if err := desk.ReadCard(ctx, session); err != nil {
		comeBackLater(w)
		return
	}
	reply(w, http.StatusOK, true, "")
}

// success answers the success callback: "this payer is debited, do you take it?" It is answered
// from our own book, since Multicard waits and holds the payer's page meanwhile.
func (a *account) success(ctx context.Context, w http.ResponseWriter, m message, d provider.Desk) {
	switch a.signedSuccess(m) {
	case unsigned:
		reply(w, http.StatusForbidden, false, "wrong signature")
		return
	case signedBilling:
		// The signature has billing_id where invoice_id should be: it proves that Multicard
		// speaks, and not of which invoice. Only the payment itself can tell.
		ok, err := a.vouched(ctx, m)
		if err != nil {
			comeBackLater(w)
			return
		}
		if !ok {
			reply(w, http.StatusForbidden, false, "wrong signature")
			return
		}
	}

	known, err := a.known(ctx, d, string(m.UUID))
	if err != nil {
		comeBackLater(w)
		return
	}
	if !a.ours(m, known) {
		reply(w, http.StatusOK, false, unknownInvoice.in(a.lang(ctx, d, known)))
		return
	}
	proof := a.proof(m, known)
	proof.Returns = true
	res, err := d.Confirm(ctx, m.key(), proof)
	if refusal := provider.RefusalOf(err); refusal != "" && refusal != provider.Busy {
		reply(w, http.StatusOK, false, refusals[refusal].in(a.lang(ctx, d, known)))
		return
	}
	if err != nil { // busy: which of two payments counts is known in a moment, and the money stays frozen until then
		comeBackLater(w)
		return
	}
	switch p := res.Payment; {
	case taken(p) && sameDebit(p, string(m.UUID)):
		reply(w, http.StatusOK, true, "")
	case taken(p):
		if err := a.secondDebit(ctx, m, d); err != nil {
			comeBackLater(w)
			return
		}
		reply(w, http.StatusOK, false, alreadyPaid.in(res.Invoice.Lang))
	case p.State == pay.Cancelled || p.State == pay.Failed:
		reply(w, http.StatusOK, false, invoiceClosed.in(res.Invoice.Lang))
	default:
		comeBackLater(w)
	}
}

// known is the payment that a uuid names in our book; the zero payment where it names none.
func (a *account) known(ctx context.Context, d provider.Desk, uuid string) (pay.Payment, error) {
	p, err := d.Payment(ctx, uuid)
	if provider.RefusalOf(err) == provider.NoPayment {
		return pay.Payment{}, nil
	}
	return p, err
}

// key names the payment by our own id: the uuid of a callback need not be one that we know.
func (m message) key() provider.Key { return provider.Key{PaymentID: string(m.InvoiceID)} }

// taken says whether p was ever paid.
func taken(p pay.Payment) bool { return p.State == pay.Paid || p.State == pay.Refunded }

// sameDebit says whether p, which was taken, was taken under uuid. A second transaction on one
// invoice has a uuid of its own, and is a second debit.
func sameDebit(p pay.Payment, uuid string) bool {
	kept := metaOf(p)
	return uuid == transaction(p) || kept.Paid == "" && uuid == kept.Invoice
}

// secondDebit calls a person: the buyer was debited again for what is paid.
func (a *account) secondDebit(ctx context.Context, m message, d provider.Desk) error {
	return d.Alarm(ctx, m.key(), pay.AttentionProvider, "Multicard took the money a second time, as transaction "+string(m.UUID)+": see that it goes back")
}

// ours says whether the message speaks of this register, and names by uuid the same payment as
// by invoice_id. known is the payment that uuid names, if any.
func (a *account) ours(m message, known pay.Payment) bool {
	if known.ID != "" && known.ID != string(m.InvoiceID) {
		return false
	}
	number := a.number.Load()
	if kept := metaOf(known).Store; kept != 0 {
		number = kept
	}
	// A register that was given by its UUID, and of which no answer has come yet since the
	// start, has no number here; the signature then stands alone.
	return number == 0 || strconv.FormatInt(number, 10) == string(m.StoreID)
}

// lang is the language of the invoice whose payment is known, "" where none is.
func (a *account) lang(ctx context.Context, d provider.Desk, known pay.Payment) string {
	if known.InvoiceID == "" {
		return ""
	}
	inv, _, err := d.Find(ctx, known.InvoiceID)
	if err != nil {
		return ""
	}
	return inv.Lang
}

// readBackTime bounds the reading back of a payment, so that a slow Multicard does not pile up
// its own messages here.
const readBackTime = 10 * time.Second

// webhook acts on one status change. The signature does not cover the status, so the message is
// only a hint to read the payment, and what is read decides: a message that comes late, twice,
// out of order or with a forged status can do nothing. The answer decides nothing either; any
// 2xx stops the repeats (five, if not).
func (a *account) webhook(ctx context.Context, w http.ResponseWriter, m message, d provider.Desk) {
	if !a.signedWebhook(m) {
		reply(w, http.StatusForbidden, false, "wrong signature")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readBackTime)
	defer cancel()
	read, err := a.read(ctx, string(m.UUID), string(m.InvoiceID))
	if err != nil {
		comeBackLater(w)
		return
	}
	switch err := a.follow(ctx, m, read, d); {
	case provider.RefusalOf(err) == provider.Busy:
		comeBackLater(w)
	case provider.RefusalOf(err) != "":
		// Not ours, or not to be changed. The desk has called a person where money hangs on it.
		reply(w, http.StatusOK, false, string(provider.RefusalOf(err)))
	case err != nil:
		comeBackLater(w)
	default:
		reply(w, http.StatusOK, true, "")
	}
}

// follow brings our payment to where Multicard's stands.
func (a *account) follow(ctx context.Context, m message, read *paymentModel, d provider.Desk) error {
	known, err := a.known(ctx, d, string(m.UUID))
	if err == nil && known.ID == "" && read.UUID != m.UUID {
		known, err = a.known(ctx, d, string(read.UUID)) // the message may name the invoice
	}
	if err != nil {
		return err
	}
	if known.ID != "" && known.ID != string(m.InvoiceID) {
		return provider.NoPayment
	}
	now := read.outcome(pay.Created)
	switch status := string(read.Status); status {
	case statusSuccess:
		proof := a.proof(m, known)
		proof.At, proof.Amount, proof.Card, proof.ReceiptURL = now.At, now.Amount, now.Card, now.ReceiptURL
		res, err := d.Confirm(ctx, m.key(), proof)
		if err == nil && taken(res.Payment) && !sameDebit(res.Payment, string(m.UUID)) {
			return a.secondDebit(ctx, m, d)
		}
		return err
	case statusRevert:
		return a.returned(ctx, m, known, d)
	case statusCanceled, statusCancelled, statusError:
		if known.ID == "" {
			return nil // nothing of ours hangs on it
		}
		reason := strings.TrimSpace(status + " " + now.Code)
		if known.Way != "" {
			reason = reasonOf(now.Code)
		}
		_, err := d.Cancel(ctx, m.key(), provider.CancelOrder{
			Reason: reason, Note: now.Note, UnpaidOnly: true, Failed: status == statusError,
		})
		return err
	}
	return nil // draft, progress, billing: nothing is decided
}

// returned follows a payment whose money went back.
func (a *account) returned(ctx context.Context, m message, known pay.Payment, d provider.Desk) error {
	switch {
	case known.ID == "":
		// Not the transaction that we know: a second debit that was undone, most likely.
		return d.Alarm(ctx, m.key(), pay.AttentionProvider, "Multicard returned the money of a transaction that is not in our book: "+string(m.UUID))
	case known.State == pay.Paid && known.Refunded > 0 && known.Reserved == 0:
		// Whether revert now means the rest as well, no document says.
		return d.Alarm(ctx, m.key(), pay.AttentionProvider, "Multicard shows a payment as returned of which only a part was refunded here")
	}
	// While a refund of ours is under way this is most likely its echo: the desk is busy then, and
	// the refund's own answer, or the inquiry after a lost one, says how much was returned.
	_, err := d.Cancel(ctx, m.key(), provider.CancelOrder{Reason: statusRevert, Note: "returned at Multicard"})
	return err
}

// ─── What is signed ───────────────────────────────────────────────────────────────────────

// signature says by which formula a message is signed.
type signature int

const (
	unsigned      signature = iota
	signed                  // as documented
	signedBilling           // with billing_id in the place of invoice_id
)

// signedSuccess checks md5(store_id + invoice_id + amount + secret). The documentation's own
// sample has billing_id in the second place, and so we try that too.
//
// The parts run together without a mark between them. That is safe here, since invoice_id is
// one of our payments' ids: all of one length, with hyphens in fixed places, so that nothing
// can be shifted from one part into another and still be found.
func (a *account) signedSuccess(m message) signature {
	amount := strconv.FormatInt(int64(m.Amount), 10)
	formula := func(id text) []byte {
		sum := md5.Sum([]byte(string(m.StoreID) + string(id) + amount + a.secret))
		return sum[:]
	}
	if equal(formula(m.InvoiceID), m.Sign) {
		return signed
	}
	if m.BillingID != "" && equal(formula(m.BillingID), m.Sign) {
		return signedBilling
	}
	return unsigned
}

// signedWebhook checks sha1(uuid + invoice_id + amount + secret), and the older
// md5(uuid + amount + secret) and md5 of the success callback, which some stands are said to
// send. That is enough for a hint.
func (a *account) signedWebhook(m message) bool {
	amount := strconv.FormatInt(int64(m.Amount), 10)
	now := sha1.Sum([]byte(string(m.UUID) + string(m.InvoiceID) + amount + a.secret))
	old := md5.Sum([]byte(string(m.UUID) + amount + a.secret))
	if m.StoreID == "" {
		m.StoreID = text(strconv.FormatInt(a.number.Load(), 10))
	}
	return equal(now[:], m.Sign) || equal(old[:], m.Sign) || a.signedSuccess(m) == signed
}

// equal compares a digest with a sign in lower-case hex. Both are hashed first, so that the
// comparison takes the same time whatever the sign's length.
func equal(digest []byte, sign text) bool {
	want := sha256.Sum256([]byte(hex.EncodeToString(digest)))
	got := sha256.Sum256([]byte(sign))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// vouched reads the payment that a message names by uuid, and says whether it bears the
// message out.
func (a *account) vouched(ctx context.Context, m message) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, readBackTime)
	defer cancel()
	read, err := a.read(ctx, string(m.UUID), "")
	if codeOf(err) == codeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	taken := read.Status == statusBilling || read.Status == statusProgress || read.Status == statusSuccess
	return taken && read.StoreInvoiceID == m.InvoiceID && read.PaymentAmount == m.Amount, nil
}

// ─── What we say ──────────────────────────────────────────────────────────────────────────

// proof is what the message says of the money. A time that lies in the future is not believed.
func (a *account) proof(m message, known pay.Payment) provider.Proof {
	p := provider.Proof{
		At: localTime(m.PaymentTime), Amount: pay.Tiyin(m.Amount), Ref: string(m.UUID), Card: card(m.CardPAN, m.PS),
	}
	if p.At.After(a.env.Now().Add(time.Minute)) {
		p.At = time.Time{}
	}
	if webURL(string(m.ReceiptURL)) {
		p.ReceiptURL = string(m.ReceiptURL)
	}
	if known.ID == "" {
		// The payment is not known under this uuid, which a refund will have to name.
		number, _ := strconv.ParseInt(string(m.StoreID), 10, 64)
		p.Meta, _ = json.Marshal(meta{Paid: string(m.UUID), Store: number}) // three plain fields: it cannot fail
	}
	return p
}

// comeBackLater is the answer for "we could not tell": exactly 500, never 502, 503 or 504.
func comeBackLater(w http.ResponseWriter) {
	reply(w, http.StatusInternalServerError, false, "try again later")
}

func reply(w http.ResponseWriter, status int, success bool, message string) {
	b, err := json.Marshal(struct {
		Success bool   `json:"success"`
		Message string `json:"message,omitempty"`
	}{success, message})
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"success":false}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b) // nothing can be done for an answer that does not arrive: Multicard asks again
}
