package till

import (
	"context"
	"net/http"
	"strings"
	"sync"
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

// codeContradicted is the code of an operation that was decided, and of which the device or the
// company said otherwise afterwards. The decision stands until a named person decides again.
const codeContradicted = "contradicted"

// skew is how far a pinpad's clock may be behind ours.
const skew = 5 * time.Minute

// atWork is how long a pinpad may be at work on an operation after it was sent: a buyer may look
// for the card while we have given up. Only a device that takes back by itself what nobody
// acknowledges is believed sooner that it has not performed one.
const atWork = maxOperation + time.Minute

// asked says when each operation was asked about last, by our id. Each chore has its own.
type asked map[string]time.Time

// due says whether it is time to ask again, and that it is done now.
func (m asked) due(id string, now time.Time, every time.Duration) bool {
	if last, ok := m[id]; ok && now.Sub(last) < every {
		return false
	}
	m[id] = now
	return true
}

// chores are what the background does, each by itself: a company that hangs must not hold up a
// pinpad that is locked.
func (a *Agent) chores() []func(context.Context, asked) {
	return []func(context.Context, asked){
		a.settleDevices, a.settleCompanies, a.settleShown,
		func(ctx context.Context, _ asked) { a.deliverReceipts(ctx) },
		func(ctx context.Context, _ asked) {
			if a.link != nil {
				a.link.report(ctx)
			}
		},
	}
}

// Run asks about what is unknown, hands on receipts and reports to the gateway until ctx ends.
func (a *Agent) Run(ctx context.Context) {
	var all sync.WaitGroup
	for i, chore := range a.chores() {
		all.Go(func() {
			seen := asked{}
			t := time.NewTicker(askEvery)
			defer t.Stop()
			for {
				chore(ctx, seen)
				select {
				case <-t.C:
				case <-a.wakes[i]:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	all.Wait()
}

// Tick does once, one chore after the other, what Run does again and again.
func (a *Agent) Tick(ctx context.Context) {
	for _, chore := range a.chores() {
		chore(ctx, asked{})
	}
}

// settleDevices writes what could not be written, and asks the pinpads.
func (a *Agent) settleDevices(ctx context.Context, seen asked) {
	a.mend(ctx)
	a.settleUnknown(ctx, seen, func(op *journal.Operation) bool { return op.Device != "" })
}

func (a *Agent) settleCompanies(ctx context.Context, seen asked) {
	a.settleUnknown(ctx, seen, func(op *journal.Operation) bool { return op.Device == "" })
}

func (a *Agent) settleUnknown(ctx context.Context, seen asked, which func(*journal.Operation) bool) {
	ops, err := a.j.Unknown(ctx)
	if err != nil {
		a.log.Error("the journal cannot be read", "error", err)
		return
	}
	for i := range ops {
		op, now, every := &ops[i], a.now(), askEvery
		if now.Sub(op.CreatedAt) > soon {
			every = askSlowly
		}
		if which(op) && seen.due(op.ID, now, every) {
			a.settle(ctx, op)
		}
	}
}

// A QR that is shown may be paid long after the till has turned to the next buyer. It is asked about
// ever more rarely, for three days; one of the last month once more when the till is started, and any
// when somebody looks at it.
const (
	shownFor   = 3 * 24 * time.Hour
	shownMonth = 31 * 24 * time.Hour

	// lateAtOnce bounds how many that nobody waits for are asked about in one go: a box may take its
	// time over each, and a buyer may stand before the newest.
	lateAtOnce = 6
	lateListed = "late" // among what was asked: when those were listed
)

func (a *Agent) settleShown(ctx context.Context, seen asked) {
	now := a.now()
	since := now.Add(-time.Hour)
	if seen.due(lateListed, now, time.Minute) {
		since = now.Add(-shownMonth)
	}
	ops, err := a.j.ShownSince(ctx, since)
	if err != nil {
		a.log.Error("the journal cannot be read", "error", err)
		return
	}
	n := 0
	for i := range ops {
		op := &ops[i]
		age := a.now().Sub(op.CreatedAt)
		if age > time.Hour && n == lateAtOnce {
			return
		}
		if !seen.due(op.ID, a.now(), shownEvery(age)) {
			continue
		}
		if age > time.Hour {
			n++
		}
		a.settle(ctx, op)
	}
}

// shownEvery is how often a QR of an age is asked about.
func shownEvery(age time.Duration) time.Duration {
	switch {
	case age <= soon:
		return askEvery
	case age <= time.Hour:
		return askSlowly
	case age <= 24*time.Hour:
		return 10 * time.Minute
	case age <= shownFor:
		return time.Hour
	}
	return shownMonth // once
}

// lookAt asks about a shown QR that somebody looks at, and that the background asks about rarely.
func (a *Agent) lookAt(ctx context.Context, op *journal.Operation) bool {
	if op.State != journal.InProgress || op.Stage != journal.Shown || a.now().Sub(op.CreatedAt) <= time.Hour {
		return false
	}
	a.mu.Lock()
	due := a.asked.due(op.ID, a.now(), askSlowly)
	a.mu.Unlock()
	if due {
		a.settle(ctx, op)
	}
	return due
}

func (a *Agent) deliverReceipts(ctx context.Context) {
	due, err := a.j.DueConfirmations(ctx, 20)
	if err != nil {
		a.log.Error("the journal cannot be read", "error", err)
	}
	for _, c := range due {
		a.deliverReceipt(ctx, c.Operation)
	}
}

// settle asks whoever can tell what came of an operation. It changes nothing where the answer is
// not clear. One that is under way is left alone: a company that has not heard of it yet would say
// that there is none.
func (a *Agent) settle(ctx context.Context, op *journal.Operation) {
	if !open(op) {
		return
	}
	patience := receiptPatience
	if op.Endpoint == "uzum" {
		patience = walletPatience // to ask FastPay is to charge, if it was not done: the question is out as long
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
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
		// The device may have gone on to another sale since the operation was read: with the device
		// held it is read again.
		now, err := a.j.Get(ctx, op.ID)
		if err != nil || now == nil || !open(now) {
			return
		}
		found := *now
		if a.askDevice(ctx, d, &found) && a.decide(ctx, op.ID, &found) {
			d.remember(&found)
		}
	case op.Endpoint == "one_qr":
		a.askAlone(ctx, op.ID, a.askBox)
	default:
		a.askAlone(ctx, op.ID, a.askCompany)
	}
}

// open says whether an operation can be asked about.
func open(op *journal.Operation) bool {
	return op.State == journal.Unknown || op.State == journal.InProgress && op.Stage == journal.Shown
}

// askAlone asks a company about an operation as it stands at this moment. Asking may charge the
// buyer (FastPay) or close what was begun (Payme Go, Multicard), so that what a person has decided is
// not asked about any more, nobody decides while the question is out, and it is out once. Whoever
// comes while one is out waits for it, and for one more: the first may be older than what they
// want to know.
func (a *Agent) askAlone(ctx context.Context, id string, ask func(context.Context, *journal.Operation)) {
	a.mu.Lock()
	for waited := false; a.asking[id] != nil; waited = true {
		out := a.asking[id]
		a.mu.Unlock()
		select {
		case <-out:
		case <-ctx.Done():
			return
		}
		if waited {
			return // it was begun after we came: its answer is ours
		}
		a.mu.Lock()
	}
	op, err := a.j.Get(ctx, id)
	if err != nil || op == nil || !open(op) {
		a.mu.Unlock()
		return
	}
	out := make(chan struct{})
	a.asking[id] = out
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.asking, id)
		a.mu.Unlock()
		close(out)
	}()
	ask(ctx, op)
}

func (a *Agent) deviceOf(op *journal.Operation) *device {
	for _, d := range a.devices {
		if d.key == op.Device && op.Device != "" {
			return d
		}
	}
	return nil
}

// decide writes what was found out, unless somebody else did meanwhile: a person's word stands, and
// what speaks against it is written beside it.
func (a *Agent) decide(ctx context.Context, id string, found *journal.Operation) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, err := a.j.Get(ctx, id)
	delete(a.missing, id)
	switch {
	case err != nil || now == nil:
		return false
	case !now.State.Final():
		found.Revision, found.Reported, found.ReceiptURL = now.Revision, now.Reported, now.ReceiptURL
		return a.write(found) == nil // else it is asked for again
	case contradicts(now, found) && a.contradict(now, found) != nil:
		a.unsaved.Lock()
		a.unsaved.ops[id] = *found
		a.unsaved.Unlock()
	}
	return false
}

// contradicts says whether money has moved by one of two final states of an operation, and not by the
// other.
func contradicts(now, found *journal.Operation) bool {
	return now.State.Final() && found.State.Final() && now.State != found.State && (now.State == journal.Approved || found.State == journal.Approved)
}

// contradict keeps a decision, and writes that the device or the company says otherwise, with what
// they call the payment: money has moved that the book does not have, or the reverse. The page shows
// it until a person has decided again, and the gateway calls one.
func (a *Agent) contradict(now, found *journal.Operation) error {
	a.log.Error("it was decided already, and otherwise", "operation", now.ID, "state", now.State, "by", now.ResolvedBy, "found", found.State)
	if now.Code == codeContradicted {
		return nil
	}
	now.Message = "decided as " + string(now.State) + " by " + codeOr(now.ResolvedBy, "the till") + "; then the " + codeOr(found.ResolvedBy, "company") + " said " + string(found.State)
	now.Code = codeContradicted
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&now.RRN, found.RRN}, {&now.Receipt, found.Receipt}, {&now.Trace, found.Trace}, {&now.Auth, found.Auth}, {&now.TerminalID, found.TerminalID},
		{&now.Card, found.Card}, {&now.Phone, found.Phone}, {&now.PaymentID, found.PaymentID}, {&now.Slip, found.Slip},
	} {
		if *f.to == "" {
			*f.to = f.from
		}
	}
	return a.write(now)
}

// ─── Pinpads ───────────────────────────────────────────────────────────────────────────────

// askDevice asks a pinpad for its last transaction and puts what that means into op. The caller
// holds the device. false: it does not say enough, and op is as it was.
func (a *Agent) askDevice(ctx context.Context, d *device, op *journal.Operation) bool {
	last, err := d.last(ctx, op.Endpoint)
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
	asker, ok := a.companyOf(op).(provider.Inquirer)
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
		a.mu.Lock()
		delete(a.missing, op.ID) // it knows of it: what it said before was too early
		a.mu.Unlock()
		a.learn(&found, rep.Outcome, nil)
	case op.State == journal.Unknown && a.gone(op):
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

// companyOf is the company that was asked for an operation's money; nil where another one stands behind
// its endpoint since, or none. Another one has never heard of it, and "no such payment" would be true
// of it only: nobody is asked then, and a person decides.
func (a *Agent) companyOf(op *journal.Operation) provider.Account {
	if op.Endpoint == "qr_pay" {
		return a.scan
	}
	if w := a.wallets[op.Endpoint]; w.provider == op.Provider {
		return w.account
	}
	return nil
}

// gone says whether a company may be believed that it has no such payment: a call may land at it for
// a while after it was sent. That while is counted from the first such answer to this run as well as
// by the journal, whose time is by a clock that may have been set since.
func (a *Agent) gone(op *journal.Operation) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	first, told := a.missing[op.ID]
	if !told {
		a.missing[op.ID] = now
		return false
	}
	return now.Sub(first) > notFoundIsFinal && now.Sub(op.SentAt) > notFoundIsFinal
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
	if a.lookAt(r.Context(), op) {
		if op, err = a.j.Get(r.Context(), op.ID); err != nil {
			return no(a.broken(err))
		}
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

// decideByPerson writes what a person has decided: of an operation that is unknown, or of one that
// was decided and then contradicted.
func (a *Agent) decideByPerson(ctx context.Context, id, decision, name, rrn string) *failure {
	a.mu.Lock()
	for a.asking[id] != nil { // the answer that is on its way may be that the buyer was charged just now
		out := a.asking[id]
		a.mu.Unlock()
		select {
		case <-out:
		case <-ctx.Done():
			return badArgument("the company is being asked: try again")
		}
		a.mu.Lock()
	}
	defer a.mu.Unlock()
	op, err := a.j.Get(ctx, id)
	if err != nil {
		return a.broken(err)
	}
	switch {
	case op.Code == codeContradicted:
		op.Code, op.Message = "", ""
	case op.State != journal.Unknown:
		return badArgument("the operation is " + string(op.State) + "; only one that is unknown is decided about")
	}
	if d := a.deviceOf(op); d != nil && d.atWork(op.Endpoint) {
		return atPinpad(op.Endpoint, terminal.CodeBusy) // what is decided now may be otherwise in a moment
	}
	op.State, op.Recovered, op.ResolvedBy = journal.Approved, true, name
	if decision == "void" {
		op.State, op.Code, op.Message = journal.Declined, "void", "decided by "+name
	}
	if rrn != "" {
		op.RRN = rrn
	}
	if err := a.write(op); err != nil {
		return a.broken(err)
	}
	delete(a.missing, id)
	if d := a.deviceOf(op); d != nil && d.mu.TryLock() {
		d.base.known = false // somebody was at the device
		d.mu.Unlock()
	}
	return nil
}
