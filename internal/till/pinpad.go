package till

import (
	"context"
	"net/http"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/till/terminal"
)

// pinpads are the companies behind the endpoints, by the names that the gateway knows them by.
var pinpads = map[string]string{"xumo": "humo", "uzcard": "uzcard"}

// atPinpad is a refusal by one, without an operation.
func atPinpad(endpoint, code string) *failure {
	return refused(&journal.Operation{Endpoint: endpoint, State: journal.Declined, Code: code})
}

// payByCard is POST /payment/{xumo,uzcard}: a sale, or with is_return what undoes one.
func (a *Agent) payByCard(endpoint string) func(*http.Request, fields) envelope {
	return func(r *http.Request, f fields) envelope {
		m, err := readMove(f)
		if err != nil {
			return no(badArgument(err.Error()))
		}
		d := a.devices[endpoint]
		if d == nil {
			return no(atPinpad(endpoint, "not_configured"))
		}
		op := &journal.Operation{
			OperationID: m.Operation, Endpoint: endpoint, Kind: journal.Sale, Provider: pinpads[endpoint], Device: d.key, Amount: m.Amount, Asked: int64(m.Amount),
		}
		if m.Back {
			if fail := a.giveBack(r.Context(), op, m, d.by(endpoint).Caps()); fail != nil {
				return no(fail)
			}
		}
		op.Fingerprint = a.j.Hash(endpoint, string(op.Kind), m.Amount.Soum(), m.Receipt, m.RRN)
		done, fail := a.perform(r.Context(), op, a.within(r.Context(), op, a.free(r.Context(), d, endpoint)), func(ctx context.Context, op *journal.Operation) {
			a.present(ctx, d, op)
		})
		switch {
		case fail != nil:
			return no(fail)
		case done.State != journal.Approved:
			return no(refused(done))
		}
		return ok(a.paidAt(done))
	}
}

// giveBack makes op a return: of a slip's number it is a cancellation within the shift, of an RRN
// a return.
func (a *Agent) giveBack(ctx context.Context, op *journal.Operation, m move, caps terminal.Caps) *failure {
	if fail := a.meant(ctx, op.Device, &m); fail != nil {
		return fail
	}
	op.Kind, op.Reference, op.OriginalRRN = journal.Return, m.RRN, m.RRN
	if m.RRN == "" {
		op.Kind, op.Reference = journal.Void, m.Receipt
	}
	if op.Kind == journal.Void && !caps.Void || op.Kind == journal.Return && !caps.Return {
		return atPinpad(op.Endpoint, "902")
	}
	sale, err := a.j.Sale(ctx, op.Device, m.RRN, m.Receipt)
	if err != nil {
		return a.broken(err)
	}
	if sale != nil {
		op.Original, op.OriginalRRN = sale.ID, sale.RRN
	}
	return nil
}

// meant tells a slip's number from an RRN that is as short: some terminals tell none of the bank's,
// but a number of six digits. What might be either, of two sales, is refused: the slip's number of
// one buyer would give back the sale of another.
func (a *Agent) meant(ctx context.Context, device string, m *move) *failure {
	if m.RRN != "" {
		return nil
	}
	exactly, err := a.j.Sale(ctx, device, m.Receipt, "")
	if err != nil {
		return a.broken(err)
	}
	if exactly != nil {
		m.RRN, m.Receipt = m.Receipt, ""
		return nil
	}
	byRRN, err := a.j.SaleByShortRRN(ctx, device, m.Receipt)
	if err != nil {
		return a.broken(err)
	}
	bySlip, err := a.j.Sale(ctx, device, "", m.Receipt)
	if err != nil {
		return a.broken(err)
	}
	if byRRN != nil && (bySlip == nil || bySlip.ID != byRRN.ID) {
		return badArgument(`"request_id" may be a slip's number, or a ppt_id that has lost its zeros: send the ppt_id as it was given, as a string`)
	}
	return nil
}

// free takes the device for an operation: it must not be in use, and nothing on it may be unknown,
// since a new operation would overwrite what the device remembers of the last one.
func (a *Agent) free(ctx context.Context, d *device, endpoint string) claim {
	return func() (func(), *failure) {
		if !d.mu.TryLock() {
			return nil, atPinpad(endpoint, terminal.CodeBusy)
		}
		for _, e := range d.leads {
			open, err := a.j.Unresolved(ctx, d.key, e)
			if err == nil && open == nil {
				continue
			}
			d.mu.Unlock()
			if err != nil {
				return nil, a.broken(err)
			}
			f := atPinpad(endpoint, "")
			f.Data = unresolved(open)
			return nil, f
		}
		return d.mu.Unlock, nil
	}
}

// within refuses a return that, with what went back of its sale already, is more than the sale. A
// device may not count: not every one is told which sale a return is of.
func (a *Agent) within(ctx context.Context, op *journal.Operation, take claim) claim {
	if op.Original == "" {
		return take // the device has to know it
	}
	return func() (func(), *failure) {
		release, fail := take()
		if fail != nil {
			return nil, fail
		}
		sale, err := a.j.Get(ctx, op.Original)
		var back pay.Tiyin
		if err == nil {
			back, err = a.j.GivenBack(ctx, op.Original)
		}
		switch {
		case err != nil:
			fail = a.broken(err)
		case back >= sale.Amount:
			fail = atPinpad(op.Endpoint, "218")
		case op.Amount > sale.Amount-back:
			fail = atPinpad(op.Endpoint, "235")
		default:
			return release, nil
		}
		release()
		return nil, fail
	}
}

// present does an operation at the device; the caller holds the device. Once it is written as
// unknown a person may decide about it, so that what the device says then is written by decide.
func (a *Agent) present(ctx context.Context, d *device, op *journal.Operation) {
	d.begins(op.ID)
	a.baseline(ctx, d, op)
	defer d.Show("")
	r := d.by(op.Endpoint).Run(ctx, a.order(ctx, op), progress{a, d, op})
	if stopped := d.begins(""); stopped && r.Outcome == terminal.NotStarted {
		r.Code, r.Note = terminal.CodeAborted, errStopped.Error()
	}
	d.left = a.now()
	a.take(op, r)
	a.save(op)
	defer func() { d.remember(op) }()
	caps := d.by(op.Endpoint).Caps()
	if op.State != journal.Unknown || !caps.Last || !pause(ctx, caps.AutoReverses) {
		return
	}
	found := *op
	if a.askDevice(ctx, d, &found) && a.decide(ctx, op.ID, &found) {
		op = &found
	}
}

// baseline asks once what stands last in the device's journal, so that after a lost answer the
// last transaction can be told from an earlier one of the same amount.
func (a *Agent) baseline(ctx context.Context, d *device, op *journal.Operation) {
	if !d.by(op.Endpoint).Caps().Last {
		return
	}
	if !d.base.known {
		last, err := d.last(ctx, op.Endpoint)
		if err != nil {
			a.log.Warn("a pinpad does not tell its last transaction", "operation", op.ID, "endpoint", op.Endpoint, "error", err)
			return
		}
		d.base.known, d.base.receipt, d.base.trace = true, last.Receipt, last.Trace
	}
	op.BaseKnown, op.BaseReceipt, op.BaseTrace = true, d.base.receipt, d.base.trace
}

// remember keeps what stands last after an operation. Where that is not certain it is asked for
// again.
func (d *device) remember(op *journal.Operation) {
	switch {
	case op.State == journal.Approved && op.Receipt != "":
		d.base.known, d.base.receipt, d.base.trace = true, op.Receipt, op.Trace
	case op.State != journal.NotStarted:
		d.base.known = false
	}
}

// order is the operation in the drivers' words.
func (a *Agent) order(ctx context.Context, op *journal.Operation) terminal.Operation {
	o := terminal.Operation{ID: op.ID, Kind: terminal.Kind(op.Kind), Amount: op.Amount}
	switch op.Kind {
	case journal.Void:
		o.Receipt = op.Reference
	case journal.Return:
		o.RRN = op.Reference
	}
	sale, err := a.j.Get(ctx, op.Original)
	if op.Original == "" || err != nil || sale == nil {
		return o
	}
	o.Original = sale.Amount
	if open, err := a.j.InShift(ctx, sale); err == nil && open && o.Receipt == "" {
		o.Receipt = sale.Receipt
	}
	return o
}

// progress is the journal as a driver sees it.
type progress struct {
	a  *Agent
	d  *device
	op *journal.Operation
}

func (p progress) Sent() error {
	if p.d.isStopped() {
		return errStopped
	}
	return p.a.j.MarkSent(p.a.life, p.op)
}

func (p progress) Answered(r terminal.Result) error {
	p.op.Stage = journal.Answered
	tell(p.op, r)
	return p.a.j.Note(p.a.life, p.op)
}

func (p progress) Show(text string) { p.d.Show(terminal.Mask(text)) }

// take puts a driver's result into the operation.
func (a *Agent) take(op *journal.Operation, r terminal.Result) {
	tell(op, r)
	op.Code, op.Message = said(r.Code), clip(terminal.Mask(r.Note), saidWords)
	switch r.Outcome {
	case terminal.Approved:
		op.State = journal.Approved
		if r.Amount != 0 && r.Amount != op.Amount {
			op.State, op.Message = journal.Unknown, "the pinpad names another amount: "+r.Amount.Soum()
		}
	case terminal.Declined:
		op.State = journal.Declined
	case terminal.NotStarted:
		op.State = journal.NotStarted
	default:
		op.State = journal.Unknown
	}
}

// What a device says is kept up to here: of what it calls something by, as much as the gateway's book
// takes; of its words, what a person reads.
const (
	saidName  = 64
	saidWords = 300
)

// said is what a device calls something by, as it may be kept.
func said(name string) string { return clip(terminal.Mask(name), saidName) }

// last is what a device says of its last transaction, by the names that the journal keeps: they are held
// against those.
func (d *device) last(ctx context.Context, endpoint string) (terminal.Record, error) {
	r, err := d.by(endpoint).Last(ctx)
	r.Receipt, r.Trace = said(r.Receipt), said(r.Trace)
	return r, err
}

// tell keeps what a device told of an operation, whatever came of it.
func tell(op *journal.Operation, r terminal.Result) {
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&op.RRN, said(r.RRN)}, {&op.Receipt, said(r.Receipt)}, {&op.Trace, said(r.Trace)}, {&op.Auth, said(r.Auth)},
		{&op.TerminalID, said(r.TerminalID)}, {&op.Card, clip(terminal.Card(r.MaskedPAN), saidName)}, {&op.Slip, terminal.Clean(r.Slip)},
	} {
		if f.from != "" {
			*f.to = f.from
		}
	}
}

// ─── A person's wish to stop ───────────────────────────────────────────────────────────────

const errStopped = plainError("stopped by the cashier before anything was sent")

// begins says which operation the device is at; "": none any more. stopped is about the one before.
func (d *device) begins(id string) (stopped bool) {
	d.under.Lock()
	defer d.under.Unlock()
	stopped = d.under.stopped
	d.under.id, d.under.stopped = id, false
	return stopped
}

func (d *device) isStopped() bool {
	d.under.Lock()
	defer d.under.Unlock()
	return d.under.stopped
}

// stop asks a device to give up an operation, and no other: the next buyer's may have begun. there is
// false where the device is not at it.
func (d *device) stop(ctx context.Context, id, endpoint string) (there bool, err error) {
	d.under.Lock()
	defer d.under.Unlock()
	if d.under.id != id {
		return false, nil
	}
	d.under.stopped = true
	return true, d.by(endpoint).Cancel(ctx)
}

// stopping is the answer to a wish to stop: the operation as it stands, and that its device was asked.
type stopping struct {
	view
	Asked bool `json:"asked"`
}

// cancelOperation is POST /payment/operations/{id}/cancel: it asks the pinpad to give up what it is
// at, which it does before the card and not after. What comes of the operation is what the pinpad
// says of it then, and nothing else: a wish is no outcome.
func (a *Agent) cancelOperation(r *http.Request, _ fields) envelope {
	op, err := a.j.Get(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		return no(a.broken(err))
	case op == nil:
		return no(noOperation())
	case op.State != journal.InProgress:
		return no(badArgument("the operation is " + string(op.State) + "; only one in progress can be asked to stop"))
	case op.Device == "" || op.Kind == journal.Close:
		return no(badArgument("only a payment at a pinpad can be asked to stop; a shown UzQR has one_qr/cancel"))
	}
	d := a.deviceOf(op)
	if d == nil || !d.by(op.Endpoint).Caps().Cancel {
		return no(atPinpad(op.Endpoint, "902"))
	}
	there, err := d.stop(r.Context(), op.ID, op.Endpoint)
	if err != nil {
		a.log.Warn("a pinpad could not be asked to stop", "operation", op.ID, "error", err)
	}
	return ok(stopping{a.view(op), there && err == nil})
}

// ─── Reports ───────────────────────────────────────────────────────────────────────────────

// closeShift is GET /payment/{…}_close: the check of totals. It moves no money, and one whose
// answer was lost may be repeated.
func (a *Agent) closeShift(endpoint string) func(*http.Request) envelope {
	return func(r *http.Request) envelope {
		d := a.devices[endpoint]
		if d == nil {
			return no(atPinpad(endpoint, "not_configured"))
		}
		op := &journal.Operation{Endpoint: endpoint, Kind: journal.Close, Provider: pinpads[endpoint], Device: d.key}
		done, fail := a.perform(r.Context(), op, a.free(r.Context(), d, endpoint), func(ctx context.Context, op *journal.Operation) {
			if err := a.j.MarkSent(ctx, op); err != nil {
				a.log.Error("the journal cannot be written", "operation", op.ID, "error", err)
				return
			}
			res := d.by(endpoint).Report(ctx, terminal.ReportClose)
			a.take(op, res)
			op.RRN = ""
			a.keepTotals(op, res.Totals)
			a.save(op)
			d.base.known = false
		})
		switch {
		case fail != nil:
			return no(fail)
		case done.State == journal.Unknown:
			return no(atPinpad(endpoint, terminal.CodeLinkLost))
		case done.State != journal.Approved:
			return no(refused(done))
		}
		return ok(printed{Message: done.Slip})
	}
}

// shortReport is GET /payment/{…}_shortreport: nothing changes, and nothing is journaled.
func (a *Agent) shortReport(endpoint string) func(*http.Request) envelope {
	return func(r *http.Request) envelope {
		d := a.devices[endpoint]
		if d == nil {
			return no(atPinpad(endpoint, "not_configured"))
		}
		release, fail := a.free(r.Context(), d, endpoint)()
		if fail != nil {
			return no(fail)
		}
		defer release()
		ctx, stop := context.WithTimeout(a.life, maxOperation)
		defer stop()
		res := d.by(endpoint).Report(ctx, terminal.ReportShift)
		if res.Outcome != terminal.Approved {
			return no(atPinpad(endpoint, codeOr(said(res.Code), terminal.CodeLinkLost)))
		}
		return ok(printed{Message: terminal.Clean(res.Slip)})
	}
}

// printLast is GET /payment/{…}/print_last: the last slip, or the last closing's report, again.
func (a *Agent) printLast(endpoint string, closing bool) func(*http.Request) envelope {
	return func(r *http.Request) envelope {
		op, err := a.j.LastPrinted(r.Context(), endpoint, closing)
		switch {
		case err != nil:
			return no(a.broken(err))
		case op == nil:
			return no(atPinpad(endpoint, "202"))
		}
		return ok(printed{Message: op.Slip, RRN: maybe(op.RRN)})
	}
}
