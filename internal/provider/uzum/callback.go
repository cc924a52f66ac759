package uzum

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// lapse is how long Uzum leaves between create and confirm.
const lapse = 30 * time.Minute

// operation is the last part of the address that Uzum posts to.
type operation string

const (
	opCheck   operation = "check"
	opCreate  operation = "create"
	opConfirm operation = "confirm"
	opReverse operation = "reverse"
	opStatus  operation = "status"
)

var operations = []operation{opCheck, opCreate, opConfirm, opReverse, opStatus}

// operationOf reads what is asked, or says that it is nothing that Uzum could ask.
func operationOf(r *http.Request) (op operation, ok bool) {
	op = operation(path.Base(r.URL.Path))
	for _, known := range operations {
		if op == known {
			return op, r.Method == http.MethodPost
		}
	}
	return opCheck, false
}

// ServeCallback answers one of Uzum's five calls. What is wrong is told in the order of
// Uzum's catalogue, except that nothing is read of a body before its sender has proved itself.
func (a *account) ServeCallback(w http.ResponseWriter, r *http.Request, d provider.Desk) {
	op, ok := operationOf(r)
	if !ok {
		refuse(w, op, request{}, invalidOperation, a.now())
		return
	}
	if !a.authentic(r) {
		refuse(w, op, request{}, accessDenied, a.now())
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, op, request{}, invalidJSON, a.now())
		return
	}
	q, code := decode(op, body)
	var answer any
	switch {
	case code != "":
	case q.ServiceID != a.serviceID:
		code = invalidService
	default:
		answer, code = a.answer(r.Context(), op, q, d)
	}
	if code != "" {
		refuse(w, op, q, code, a.now())
		return
	}
	write(w, http.StatusOK, answer)
}

// authentic checks the Basic header: the one proof there is, since Uzum signs nothing.
func (a *account) authentic(r *http.Request) bool {
	login, password, ok := r.BasicAuth()
	l, p := sha256.Sum256([]byte(login)), sha256.Sum256([]byte(password))
	same := subtle.ConstantTimeCompare(l[:], a.login[:]) & subtle.ConstantTimeCompare(p[:], a.password[:])
	return ok && same == 1
}

func (a *account) answer(ctx context.Context, op operation, q request, d provider.Desk) (answer any, code string) {
	switch op {
	case opCheck:
		return a.check(ctx, q, d)
	case opCreate:
		return a.create(ctx, q, d)
	case opConfirm:
		return a.confirm(ctx, q, d)
	case opReverse:
		return a.reverse(ctx, q, d)
	default:
		return a.status(ctx, q, d)
	}
}

// check: can this order be paid? It carries no amount, may come any number of times and writes
// nothing. An attempt that somebody has begun does not make it false: most often it is the same
// buyer, come back; create will tell.
func (a *account) check(ctx context.Context, q request, d provider.Desk) (any, string) {
	order, ok := orderName(q.Params[a.attribute])
	if !ok {
		return nil, attributeNotFound
	}
	inv, _, err := d.Find(ctx, order)
	if err == nil {
		_, err = d.Check(ctx, order, inv.Amount)
	}
	if err != nil && provider.RefusalOf(err) != provider.Busy {
		return nil, codeOf(opCheck, err)
	}
	return checkAnswer{
		ServiceID: a.serviceID, Timestamp: a.now().UnixMilli(), Status: "OK",
		Data: shown(order, inv.Amount),
	}, ""
}

// create: the buyer has agreed and is about to be debited. The same transId again is an error
// of its own, whatever has become of the transaction since; its state is told by status.
func (a *account) create(ctx context.Context, q request, d provider.Desk) (any, string) {
	order, ok := orderName(q.Params[a.attribute])
	if !ok {
		return nil, attributeNotFound
	}
	amount, ok := a.offWire(q.Amount)
	if !ok {
		return nil, amountTooLarge
	}
	res, err := d.Open(ctx, provider.OpenOrder{
		Account: order, Ref: q.TransID, Amount: amount,
		TheirTime: time.UnixMilli(q.Timestamp),
		ExpiresAt: a.now().Add(lapse), OnExpiry: pay.Failed, ExpiryReason: "not confirmed within 30 minutes",
	})
	if provider.RefusalOf(err) != "" {
		// The order may have been refused for what this very transaction did to it.
		if _, seen := d.Payment(ctx, q.TransID); seen == nil {
			return nil, alreadyCreated
		}
	}
	if err != nil {
		return nil, codeOf(opCreate, err)
	}
	if res.Again {
		return nil, alreadyCreated
	}
	p := res.Payment
	return createAnswer{
		ServiceID: a.serviceID, TransID: q.TransID, Status: "CREATED", TransTime: p.CreatedAt.UnixMilli(),
		Data: shown(p.Account, p.Amount), Amount: a.told(p),
	}, ""
}

// confirm: the buyer has been debited. A refusal leaves a buyer who paid for nothing, so only
// what has ended already is refused; the desk raises an alarm for it.
func (a *account) confirm(ctx context.Context, q request, d provider.Desk) (any, string) {
	res, err := d.Confirm(ctx, provider.Key{Ref: q.TransID}, provider.Proof{
		Card: pay.Card{PaymentSystem: strings.ToLower(q.Paid.Source)},
		Meta: q.Paid.meta(),
	})
	if err != nil {
		return nil, codeOf(opConfirm, err)
	}
	p := res.Payment
	switch {
	case p.State == pay.Paid && res.Again:
		return nil, alreadyConfirmed
	case p.State == pay.Paid:
		return confirmAnswer{
			ServiceID: a.serviceID, TransID: q.TransID, Status: "CONFIRMED", ConfirmTime: p.PaidAt.UnixMilli(),
			Data: shown(p.Account, p.Amount), Amount: a.told(p),
		}, ""
	case p.State.Final():
		return nil, cannotConfirm
	}
	return nil, internalError
}

// reverse: before confirm it gives the attempt up, after it the money goes back, whole. A
// transaction that failed by its time limit may be reversed too: no money is with us, and Uzum
// must not be kept from returning what it took. That changes nothing here, so it may be said
// again.
func (a *account) reverse(ctx context.Context, q request, d provider.Desk) (any, string) {
	res, err := d.Cancel(ctx, provider.Key{Ref: q.TransID}, provider.CancelOrder{
		Reason: "reversed", Note: "reversed by Uzum Bank",
	})
	p := res.Payment
	if r := provider.RefusalOf(err); r == provider.Expired || r == provider.Cancelled {
		var unseen error
		if p, unseen = d.Payment(ctx, q.TransID); unseen != nil || p.State != pay.Failed {
			return nil, codeOf(opReverse, err)
		}
	} else if err != nil {
		return nil, codeOf(opReverse, err)
	} else if res.Again && p.State != pay.Failed {
		if p.State == pay.Cancelled || p.State == pay.Refunded {
			return nil, alreadyReversed
		}
		return nil, internalError
	}
	return reverseAnswer{
		ServiceID: a.serviceID, TransID: q.TransID, Status: "REVERSED", ReverseTime: p.EndedAt.UnixMilli(),
		Data: shown(p.Account, p.Amount), Amount: a.told(p),
	}, ""
}

// status: what became of the transaction? Uzum asks, up to ten times, when the answer to
// confirm did not reach it. It writes nothing: an attempt past its time is told as FAILED
// whether or not that has been written yet.
func (a *account) status(ctx context.Context, q request, d provider.Desk) (any, string) {
	p, err := d.Payment(ctx, q.TransID)
	if err != nil {
		return nil, codeOf(opStatus, err)
	}
	s := statusAnswer{
		ServiceID: a.serviceID, TransID: q.TransID, TransTime: p.CreatedAt.UnixMilli(),
		Data: shown(p.Account, p.Amount), Amount: a.told(p),
	}
	if !p.PaidAt.IsZero() {
		s.ConfirmTime = millis(p.PaidAt)
	}
	switch p.State {
	case pay.Paid:
		s.Status = "CONFIRMED"
	case pay.Cancelled, pay.Refunded:
		s.Status, s.ReverseTime = "REVERSED", millis(p.EndedAt)
	case pay.Failed:
		s.Status = "FAILED"
	default:
		if s.Status = "CREATED"; p.Lapsed(a.now()) {
			s.Status = "FAILED"
		}
	}
	return s, ""
}

// told is a payment's amount as Uzum said it.
func (a *account) told(p pay.Payment) int64 {
	n, _ := a.onWire(p.Amount)
	return n
}

func millis(t time.Time) *int64 {
	ms := t.UnixMilli()
	return &ms
}

// ServeStranger answers Uzum for a merchant that we do not have. There is no account whose clock
// could tell the answer's time, so it has none.
func (uzum) ServeStranger(w http.ResponseWriter, r *http.Request) {
	op, _ := operationOf(r)
	refuse(w, op, request{}, accessDenied, time.Time{})
}

// RouteField: every message carries the service's number, so one address may serve all.
func (uzum) RouteField() string { return "serviceId" }

// Route reads the number, and nothing else, from a body that nobody has vouched for yet.
func (uzum) Route(_ *http.Request, body []byte) (value string, ok bool) {
	fields, err := object(body)
	if err != nil {
		return "", false
	}
	id, ok := integer(fields["serviceId"])
	return strconv.FormatInt(id, 10), ok
}

// refuse answers with an error of Uzum's catalogue: always HTTP 400, and as much of the
// question as was understood.
func refuse(w http.ResponseWriter, op operation, q request, code string, now time.Time) {
	write(w, http.StatusBadRequest, failure(op, q, code, now))
}

func write(w http.ResponseWriter, status int, answer any) {
	body, _ := json.Marshal(answer) // plain texts and numbers: it cannot fail
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
