package till

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/till/terminal"
)

// How often what is not known is asked about: soon at first, then less and less.
const (
	askEvery  = 5 * time.Second
	askSlowly = 30 * time.Second
	soon      = 2 * time.Minute
)

// notFoundIsFinal is how long a call may still land at a wallet's company after it was sent.
const notFoundIsFinal = 10 * time.Minute

// skew is how far a pinpad's clock may be behind ours.
const skew = 5 * time.Minute

// atWork is how long a pinpad may be at work on an operation after it was sent: a buyer may look
// for the card while we have given up. Only a device that takes back by itself what nobody
// acknowledges is believed sooner that it has not performed one.
const atWork = maxOperation + time.Minute

// Run asks about what is unknown, hands on receipts and reports to the gateway until ctx ends.
func (a *Agent) Run(ctx context.Context) {
	asked := map[string]time.Time{}
	t := time.NewTicker(askEvery)
	defer t.Stop()
	for {
		a.Tick(ctx, asked)
		select {
		case <-t.C:
		case <-a.wake:
		case <-ctx.Done():
			return
		}
	}
}

// Tick does once what Run does again and again. asked says when each operation was asked about
// last; it may be nil, and then all are.
func (a *Agent) Tick(ctx context.Context, asked map[string]time.Time) {
	for _, op := range a.unsettled(ctx) {
		now := a.now()
		every := askEvery
		if now.Sub(op.CreatedAt) > soon {
			every = askSlowly
		}
		if last, ok := asked[op.ID]; ok && now.Sub(last) < every {
			continue
		}
		if asked != nil {
			asked[op.ID] = now
		}
		a.settle(ctx, &op)
	}
	due, err := a.j.DueConfirmations(ctx, 20)
	if err != nil {
		a.log.Error("the journal cannot be read", "error", err)
	}
	for _, c := range due {
		a.deliverReceipt(ctx, c.Operation)
	}
	if a.link != nil {
		a.link.report(ctx)
	}
}

// shownFor is how long a QR that nobody asks about any more is asked about by us.
const shownFor = time.Hour

// unsettled lists what there is to ask about: the unknown, and QRs that are shown.
func (a *Agent) unsettled(ctx context.Context) []journal.Operation {
	ops, err := a.j.Unknown(ctx)
	if err != nil {
		a.log.Error("the journal cannot be read", "error", err)
		return nil
	}
	shown, err := a.j.ShownSince(ctx, a.now().Add(-shownFor))
	if err != nil {
		a.log.Error("the journal cannot be read", "error", err)
	}
	return append(ops, shown...)
}

// settle asks whoever can tell what came of an operation. It changes nothing where the answer is
// not clear. One that is under way is left alone: a company that has not heard of it yet would say
// that there is none.
func (a *Agent) settle(ctx context.Context, op *journal.Operation) {
	if op.State != journal.Unknown && (op.State != journal.InProgress || op.Stage != journal.Shown) {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), receiptPatience)
	defer stop()
	d := a.deviceOf(op)
	switch {
	case op.Kind == journal.Close:
		return // a closing is repeated by a person, and hides nothing
	case op.Device != "" && (d == nil || !d.by(op.Endpoint).Caps().Last):
		return // only a person can tell
	case op.Device != "":
		if !d.mu.TryLock() {
			return
		}
		defer d.mu.Unlock()
		found := *op
		if a.askDevice(ctx, d, &found) {
			if a.decide(ctx, op.ID, &found) {
				d.remember(&found)
			}
		}
	case op.Endpoint == "one_qr":
		a.askBox(ctx, op)
	default:
		a.askCompany(ctx, op)
	}
}

func (a *Agent) deviceOf(op *journal.Operation) *device {
	for _, d := range a.devices {
		if d.key == op.Device && op.Device != "" {
			return d
		}
	}
	return nil
}

// decide writes what was found out, unless somebody else did meanwhile: a person's word stands.
func (a *Agent) decide(ctx context.Context, id string, found *journal.Operation) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, err := a.j.Get(ctx, id)
	if err != nil || now == nil || now.State.Final() {
		if now != nil && now.State != found.State {
			a.log.Warn("it was decided already, and otherwise", "operation", id, "state", now.State, "by", now.ResolvedBy, "found", found.State)
		}
		return false
	}
	found.Revision, found.Reported, found.ReceiptURL = now.Revision, now.Reported, now.ReceiptURL
	a.save(found)
	return true
}

// ─── Pinpads ───────────────────────────────────────────────────────────────────────────────

// askDevice asks a pinpad for its last transaction and puts what that means into op. The caller
// holds the device. false: it does not say enough, and op is as it was.
func (a *Agent) askDevice(ctx context.Context, d *device, op *journal.Operation) bool {
	last, err := d.by(op.Endpoint).Last(ctx)
	if err != nil {
		a.log.Info("a pinpad does not tell its last transaction", "operation", op.ID, "error", err)
		return false
	}
	switch a.judge(d, op, last) {
	case ours:
		a.take(op, last.Result())
	case early:
		a.log.Info("a pinpad may be at work still", "operation", op.ID, "receipt", last.Receipt)
		return false
	case notPerformed:
		op.State, op.Code, op.Message = journal.Declined, terminal.CodeNotPerformed, "the pinpad has not performed it"
		op.RRN, op.Receipt, op.Trace = "", "", ""
	default:
		a.log.Warn("a pinpad's last transaction is neither this one nor the one before", "operation", op.ID, "receipt", last.Receipt, "amount", int64(last.Amount))
		return false
	}
	op.Recovered, op.ResolvedBy = true, "device"
	return true
}

type verdict int

const (
	unclear verdict = iota
	early           // what it says now may be otherwise in a moment
	ours
	notPerformed
)

// judge says what the last transaction of a device means for an operation whose answer was lost,
// and when it may be believed.
//
// What the device has not performed it may be performing, unless it takes back what nobody
// acknowledges. Such a device is not believed that a sale stands before it has had the time to take
// it back, and never of one whose result has not reached us: nobody can have acknowledged that.
func (a *Agent) judge(d *device, op *journal.Operation, last terminal.Record) verdict {
	reverses, now := d.by(op.Endpoint).Caps().AutoReverses, a.now()
	switch v := compare(op, last); {
	case v == notPerformed && reverses == 0 && (now.Sub(op.SentAt) < atWork || now.Sub(d.left) < atWork):
		return early // SentAt out of the journal is by a clock that may have been set since; left is not
	case v == ours && reverses > 0 && last.Approved && !last.Reversed:
		if op.Stage != journal.Answered {
			return unclear
		}
		if now.Sub(d.left) < reverses {
			return early
		}
		return ours
	default:
		return v
	}
}

// compare holds the last transaction of a device against an operation. Ours is one of this amount,
// made since, that is later than what stood last before; one that still is what stood last before
// means that nothing was performed. Anything else is unclear, and goes before a person.
func compare(op *journal.Operation, last terminal.Record) verdict {
	switch {
	case !op.BaseKnown:
		return unclear
	case last.None:
		if op.BaseReceipt == "" && op.BaseTrace == "" {
			return notPerformed
		}
		return unclear
	case op.BaseReceipt != "" && last.Receipt == op.BaseReceipt && last.Trace == op.BaseTrace:
		return notPerformed
	}
	later := op.BaseReceipt == "" && op.BaseTrace == "" && last.Receipt != "" || terminal.After(last.Receipt, op.BaseReceipt)
	told := op.Stage != journal.Answered || op.Receipt == "" || op.Receipt == last.Receipt
	if !later || !told || last.Amount != op.Amount || last.Kind != "" && last.Kind != terminal.Kind(op.Kind) {
		return unclear
	}
	if !last.At.IsZero() && last.At.Before(op.SentAt.Add(-skew)) {
		return unclear
	}
	return ours
}

// ─── Wallets and shown QRs ─────────────────────────────────────────────────────────────────

// askCompany asks a wallet's company, or Scan2pay, by our id.
func (a *Agent) askCompany(ctx context.Context, op *journal.Operation) {
	account := provider.Account(a.scan)
	if op.Endpoint != "qr_pay" {
		account = a.wallets[op.Endpoint].account
	}
	asker, ok := account.(provider.Inquirer)
	if !ok {
		return
	}
	q := question(op)
	if op.Endpoint == "qr_pay" {
		q.Op = provider.OpCheckout
	}
	rep, err := asker.Inquire(ctx, q)
	if err != nil {
		a.log.Info("a company cannot be asked", "operation", op.ID, "provider", op.Provider, "error", err)
		return
	}
	found := *op
	switch {
	case rep.Found:
		a.learn(&found, rep.Outcome, nil)
	case op.State == journal.Unknown && a.now().Sub(op.SentAt) > notFoundIsFinal:
		found.State, found.Code, found.Message = journal.Declined, terminal.CodeNotPerformed, "the company has no such payment"
	default:
		return
	}
	if !found.State.Final() {
		return
	}
	if found.State == journal.NotStarted {
		found.State = journal.Declined // it was sent, and did nothing
	}
	found.Recovered, found.ResolvedBy = op.State == journal.Unknown, "wallet"
	a.decide(ctx, op.ID, &found)
}

// ─── Operations, for tills and people ──────────────────────────────────────────────────────

// getOperation is GET /payment/operations/{id}, by our id or the caller's.
func (a *Agent) getOperation(r *http.Request) envelope {
	op, err := a.j.Get(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		return no(a.broken(err))
	case op == nil:
		return no(noOperation())
	}
	return ok(a.view(op))
}

func noOperation() *failure {
	return &failure{Code: codeNotFound, Message: "NOT_FOUND", Data: detail("no such operation")}
}

// listOperations is GET /payment/operations?state=unknown; without a state the last 100.
func (a *Agent) listOperations(r *http.Request) envelope {
	var ops []journal.Operation
	var err error
	switch s := journal.State(r.URL.Query().Get("state")); s {
	case "":
		ops, err = a.j.Recent(r.Context(), 100)
	case journal.Unknown, journal.InProgress, journal.Approved, journal.Declined, journal.NotStarted:
		ops, err = a.j.InState(r.Context(), s)
	default:
		return no(badArgument(`"state" must be in_progress, approved, declined, not_started or unknown`))
	}
	if err != nil {
		return no(a.broken(err))
	}
	out := make([]view, len(ops))
	for i := range ops {
		out[i] = a.view(&ops[i])
	}
	return ok(out)
}

// resolveOperation is POST /payment/operations/{id}/resolve: a named person decides what nobody
// else can tell, or has us ask once more.
func (a *Agent) resolveOperation(r *http.Request, f fields) envelope {
	decision, err := f.text("decision", 16)
	name, err2 := f.text("name", 128)
	rrn, err3 := f.name("rrn", 20)
	for _, e := range []error{err, err2, err3} {
		if e != nil {
			return no(badArgument(e.Error()))
		}
	}
	name = strings.TrimSpace(name)
	switch {
	case decision != "approve" && decision != "void" && decision != "check":
		return no(badArgument(`"decision" must be approve, void or check`))
	case decision != "check" && name == "":
		return no(badArgument(`"name" must be who decides`))
	case rrn != "" && strings.Trim(rrn, "0123456789") != "":
		return no(badArgument(`"rrn" must be digits`))
	}
	op, err := a.j.Get(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		return no(a.broken(err))
	case op == nil:
		return no(noOperation())
	case decision == "check":
		a.settle(r.Context(), op)
	default:
		if fail := a.decideByPerson(r.Context(), op.ID, decision, name, rrn); fail != nil {
			return no(fail)
		}
	}
	if op, err = a.j.Get(r.Context(), op.ID); err != nil {
		return no(a.broken(err))
	}
	return ok(a.view(op))
}

func (a *Agent) decideByPerson(ctx context.Context, id, decision, name, rrn string) *failure {
	a.mu.Lock()
	defer a.mu.Unlock()
	op, err := a.j.Get(ctx, id)
	if err != nil {
		return a.broken(err)
	}
	if op.State != journal.Unknown {
		return badArgument("the operation is " + string(op.State) + "; only one that is unknown is decided about")
	}
	op.State, op.Recovered, op.ResolvedBy = journal.Approved, true, name
	if decision == "void" {
		op.State, op.Code, op.Message = journal.Declined, "void", "decided by "+name
	}
	if rrn != "" {
		op.RRN = rrn
	}
	a.save(op)
	if d := a.deviceOf(op); d != nil && d.mu.TryLock() {
		d.base.known = false // somebody was at the device
		d.mu.Unlock()
	}
	return nil
}
