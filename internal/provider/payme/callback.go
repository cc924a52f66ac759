package payme

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

const (
	// lifetime is how long a created transaction lives, counted from Payme's own time of it.
	// Exactly at its end it still lives.
	lifetime = 12 * time.Hour

	reasonTimeout = "4" // what Payme calls a transaction that ran out
	reasonRefund  = 5   // a return to the payer
	reasonUnknown = 10  // anything that Payme has no number for
	maxBody       = 64 << 10
)

// ServeCallback answers one call of the Merchant API. Whatever happens, the HTTP status is
// 200: Payme reads any other as its error −32400, and a page as misbehaviour.
func (a *account) ServeCallback(w http.ResponseWriter, r *http.Request, d provider.Desk) {
	respond(w, a.answer(r, d))
}

// ServeStranger answers a call for a kassa that we do not have, as if its key were wrong: no
// key hashes to the zeros of an empty account, so its desk is never asked for.
func (payme) ServeStranger(w http.ResponseWriter, r *http.Request) {
	(&account{}).ServeCallback(w, r, nil)
}

// ServeLater answers a call when nobody could look up whose it is: that is not the key's fault,
// and Payme must come again.
func (payme) ServeLater(w http.ResponseWriter, r *http.Request) {
	q, f := readCall(r)
	if f == nil {
		f = faultSystem
	}
	respond(w, response{ID: q.ID, Error: f.wire()})
}

// answer checks a call in the order of Payme's manual: the HTTP method, the JSON, the fields
// of the call, the key. Nothing is read from the desk before the key has held.
func (a *account) answer(r *http.Request, d provider.Desk) response {
	q, f := readCall(r)
	if f == nil && !a.authorised(r) {
		f = faultAuth
	}
	var result any
	if f == nil {
		result, f = a.call(r.Context(), d, q)
	}
	if f != nil {
		return response{ID: q.ID, Error: f.wire()}
	}
	return response{ID: q.ID, Result: result}
}

// readCall reads a call. With a fault, its id is still given where it could be read.
func readCall(r *http.Request) (request, *fault) {
	if r.Method != http.MethodPost {
		return request{}, faultNotPost
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return request{}, faultNotJSON
	}
	return readRequest(body)
}

func respond(w http.ResponseWriter, out response) {
	body, err := json.Marshal(out)
	if err != nil { // an amount, a time and texts: it cannot
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	w.Write(body)
}

// authorised says whether the Basic header carries Payme's login and this kassa's key. Both
// sides are hashed, so that the comparison takes the same time for every wrong key.
func (a *account) authorised(r *http.Request) bool {
	user, key, ok := r.BasicAuth()
	proof := sha256.Sum256([]byte(user + ":" + key))
	return subtle.ConstantTimeCompare(proof[:], a.proof[:]) == 1 && ok
}

// call runs one method. A panic is answered like a database that is down, so that Payme comes
// again; the alternative is a broken connection, which it books against us.
func (a *account) call(ctx context.Context, d provider.Desk, q request) (result any, f *fault) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			slog.ErrorContext(ctx, "payme: a callback panicked", "method", q.Method, "panic", p, "stack", string(debug.Stack()))
			result, f = nil, faultSystem
		}
	}()
	switch q.Method {
	case methodCheckPerform:
		return a.checkPerform(ctx, d, q.Params)
	case methodCreate:
		return a.create(ctx, d, q.Params)
	case methodPerform:
		return a.perform(ctx, d, q.Params)
	case methodCancel:
		return a.cancel(ctx, d, q.Params)
	case methodCheck:
		return a.check(ctx, d, q.Params)
	case methodStatement:
		return a.statement(ctx, d, q.Params)
	case methodFiscal:
		return a.setFiscalData(ctx, d, q.Params)
	}
	// ChangePassword among them: a key is changed in the cabinet and pasted here, never by a
	// message that the old key can sign.
	return nil, faultMethod.about(q.Method)
}

// checkPerform says whether an order could be paid now, and what its fiscal receipt shows.
// "No" is always an error: the manual knows no allow:false.
func (a *account) checkPerform(ctx context.Context, d provider.Desk, p params) (any, *fault) {
	q, f := a.readCheckPerform(p)
	if f != nil {
		return nil, f
	}
	inv, err := d.Check(ctx, q.Account, q.Amount)
	if err != nil {
		return nil, a.refused(methodCheckPerform, err)
	}
	return allowed{Allow: true, Detail: fiscalDetail(inv.Lines)}, nil
}

// create begins a transaction and reserves its order: no second one may begin while it lives.
func (a *account) create(ctx context.Context, d provider.Desk, p params) (any, *fault) {
	q, f := a.readCreate(p)
	if f != nil {
		return nil, f
	}
	if f := a.inTime(ctx, d, q); f != nil {
		return nil, f
	}
	res, err := d.Open(ctx, provider.OpenOrder{
		Account:      q.Account,
		Ref:          q.ID,
		Amount:       q.Amount,
		TheirTime:    q.Time,
		ExpiresAt:    q.Time.Add(lifetime),
		OnExpiry:     pay.Cancelled,
		ExpiryReason: reasonTimeout,
	})
	if err != nil {
		return nil, a.refused(methodCreate, err)
	}
	t := res.Payment
	if t.State != pay.Created {
		return nil, faultState
	}
	// A repeat says what was said before. The same id with other words is none, and neither
	// of the two can be taken for what the buyer agreed to.
	if t.Account != q.Account || t.Amount != q.Amount || !t.TheirTime.Equal(q.Time) {
		return nil, faultOther
	}
	return created{CreateTime: millis(t.CreatedAt), Transaction: t.ID, State: stateCreated}, nil
}

// inTime refuses to begin a transaction that has run out already, or whose time is as far
// ahead. Nothing is stored for it. One that is known goes on to the desk, which lets it lapse.
func (a *account) inTime(ctx context.Context, d provider.Desk, q createParams) *fault {
	age := a.now().UnixMilli() - q.Time.UnixMilli()
	if age <= lifetime.Milliseconds() && age >= -lifetime.Milliseconds() {
		return nil
	}
	_, err := d.Payment(ctx, q.ID)
	if err == nil {
		return nil
	}
	if provider.RefusalOf(err) != provider.NoPayment {
		return faultSystem
	}
	if _, err := d.Check(ctx, q.Account, q.Amount); err != nil {
		return a.refused(methodCreate, err)
	}
	return faultLapsed
}

// perform says that the buyer was debited.
func (a *account) perform(ctx context.Context, d provider.Desk, p params) (any, *fault) {
	id, f := p.transactionID()
	if f != nil {
		return nil, f
	}
	res, err := d.Confirm(ctx, provider.Key{Ref: id}, provider.Proof{})
	if err != nil {
		return nil, a.refused(methodPerform, err)
	}
	t := res.Payment
	if t.State != pay.Paid {
		return nil, faultState
	}
	return performed{Transaction: t.ID, PerformTime: millis(t.PaidAt), State: statePerformed}, nil
}

// cancel gives a transaction up before the debit, or returns the money after it: this is how
// a refund made in the cabinet reaches us. Payme returns all or nothing.
func (a *account) cancel(ctx context.Context, d provider.Desk, p params) (any, *fault) {
	id, f := p.transactionID()
	if f != nil {
		return nil, f
	}
	reason, ok := p.integer("reason")
	if !ok {
		return nil, faultRequest.about("reason")
	}
	res, err := d.Cancel(ctx, provider.Key{Ref: id}, provider.CancelOrder{
		Reason:     strconv.FormatInt(reason, 10),
		UnpaidOnly: a.refuseLateCancel,
		Note:       reasonWords(reason),
	})
	t := res.Payment
	if provider.RefusalOf(err) == provider.NotReversible {
		// What was returned before the merchant chose to refuse is still answered as it was.
		if was, lost := d.Payment(ctx, id); lost == nil && was.State == pay.Refunded {
			t, err = was, nil
		}
	}
	if err != nil {
		return nil, a.refused(methodCancel, err)
	}
	state, f := stateOf(t)
	if f != nil || state > 0 {
		return nil, faultSystem
	}
	return cancelled{Transaction: t.ID, CancelTime: millis(t.EndedAt), State: state}, nil
}

// check tells where a transaction stands. It only reads: one that has run out is still
// created until somebody acts on it.
func (a *account) check(ctx context.Context, d provider.Desk, p params) (any, *fault) {
	id, f := p.transactionID()
	if f != nil {
		return nil, f
	}
	t, err := d.Payment(ctx, id)
	if err != nil {
		return nil, a.refused(methodCheck, err)
	}
	return standing(t)
}

// statement lists the transactions that began in a period by Payme's own time, both ends
// included, the oldest first.
func (a *account) statement(ctx context.Context, d provider.Desk, p params) (any, *fault) {
	from, to, f := p.period()
	if f != nil {
		return nil, f
	}
	list, err := d.Statement(ctx, from, to)
	if err != nil {
		return nil, faultSystem // a list cannot be refused: we could not tell
	}
	out := statement{Transactions: make([]entry, 0, len(list))}
	for _, t := range list {
		s, f := standing(t)
		if f != nil {
			return nil, f
		}
		out.Transactions = append(out.Transactions, entry{
			ID: t.Ref, Time: millis(t.TheirTime), Amount: t.Amount, Account: map[string]string{a.field: t.Account},
			checked: *s,
		})
	}
	return out, nil
}

// setFiscalData keeps a fiscal receipt: one for the sale, another for its return.
func (a *account) setFiscalData(ctx context.Context, d provider.Desk, p params) (any, *fault) {
	q, f := readFiscal(p)
	if f != nil {
		return nil, f
	}
	if _, err := d.Receipt(ctx, provider.Key{Ref: q.ID}, q.Receipt); err != nil {
		return nil, a.refused(methodFiscal, err)
	}
	return success{Success: true}, nil
}

// standing is a payment in Payme's words.
func standing(t pay.Payment) (*checked, *fault) {
	state, f := stateOf(t)
	if f != nil {
		return nil, f
	}
	out := &checked{CreateTime: millis(t.CreatedAt), PerformTime: millis(t.PaidAt), Transaction: t.ID, State: state}
	if state < 0 {
		out.CancelTime = millis(t.EndedAt)
		out.Reason = reasonOf(t)
	}
	return out, nil
}

// stateOf is a payment's state in Payme's numbers. Payme knows neither holds nor unknown
// outcomes, and no payment made by its calls can come into one; should one be met, then
// "come back later" is the only answer that is not a guess.
func stateOf(t pay.Payment) (int, *fault) {
	switch t.State {
	case pay.Created:
		return stateCreated, nil
	case pay.Paid:
		return statePerformed, nil
	case pay.Cancelled, pay.Failed:
		return stateCancelled, nil
	case pay.Refunded:
		return stateReturned, nil
	}
	return 0, faultSystem
}

// reasonOf is why a payment ended in Payme's numbers: what Payme said, where it was Payme.
func reasonOf(t pay.Payment) *int64 {
	n, err := strconv.ParseInt(t.Reason, 10, 64)
	if err != nil {
		n = reasonUnknown
		if t.State == pay.Refunded {
			n = reasonRefund
		}
	}
	return &n
}

// millis is a time as Payme writes it: milliseconds since 1970, and 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
