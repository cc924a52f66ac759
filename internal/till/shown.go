package till

import (
	"context"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/till/journal"
)

// Scan2pay: the shop shows a QR, and asks whether it was paid. No money can move before the buyer
// has seen it, so that a lost answer at its making costs nothing.

// notPaidYet is what the founding document answers as long as nobody has paid, glue and all.
const notPaidYet = `{"status":"error","message":"Transaction not found"}HTTP Exception 404 Not Found`

// qrPay is POST /payment/qr_pay. The same order and amount is the same QR.
func (a *Agent) qrPay(r *http.Request, f fields) envelope {
	op := &journal.Operation{Endpoint: "qr_pay", Kind: journal.Sale, Provider: "scan2pay"}
	var err error
	var printIt bool
	for _, read := range []func() error{
		func() (err error) { op.Asked, op.Amount, err = f.amount(1); return },
		func() error { return enough(op.Amount) },
		func() (err error) { op.OrderID, err = f.name("order_id", 64); return },
		func() (err error) { op.OperationID, err = f.operationID(); return },
		func() (err error) { printIt, err = f.flag("print"); return },
	} {
		if err = read(); err != nil {
			return no(badArgument(err.Error()))
		}
	}
	maker, set := a.scan.(provider.Checkouter)
	switch {
	case op.OrderID == "":
		return no(badArgument(`"order_id" must not be blank`))
	case !set:
		return no(billingError())
	}
	op.NaturalKey, op.Fingerprint = a.j.Hash("order", "qr_pay", op.OrderID), a.j.Hash("qr_pay", op.OrderID, op.Amount.Soum())
	shown, fail := a.show(r.Context(), op, func(ctx context.Context, op *journal.Operation) {
		link, err := maker.Checkout(ctx, invoiceOf(op), paymentOf(op))
		if err != nil || link.URL == "" {
			a.log.Warn("Scan2pay made no QR", "operation", op.ID, "error", err)
			op.State, op.Code, op.Message = journal.NotStarted, "unreachable", "Scan2pay could not be asked"
			a.save(op)
			return
		}
		op.Stage, op.Shows, op.PaymentID, op.Meta, op.SentAt = journal.Shown, link.URL, link.Ref, link.Meta, a.now()
		if err := a.j.Note(ctx, op); err != nil {
			a.log.Error("the journal cannot be written", "operation", op.ID, "error", err)
		}
	})
	if fail != nil {
		return no(fail)
	}
	if printIt {
		if fail := a.printQR(r.Context(), shown); fail != nil {
			return no(fail)
		}
	}
	return ok(map[string]any{"status": "successfully", "message": shown.Shows})
}

// show begins an operation that shows a QR, or finds the one of the same order.
func (a *Agent) show(ctx context.Context, op *journal.Operation, make func(context.Context, *journal.Operation)) (*journal.Operation, *failure) {
	old, err := a.j.ByOrder(ctx, op.NaturalKey)
	switch {
	case err != nil:
		return nil, a.broken(err)
	case old != nil && (old.Shows != "" || old.Amount != op.Amount):
		return a.showsAgain(ctx, old, op)
	}
	now, fail := a.perform(ctx, op, nil, func(ctx context.Context, op *journal.Operation) {
		ctx, stop := context.WithTimeout(ctx, 30*time.Second)
		defer stop()
		make(ctx, op)
	})
	if fail != nil {
		return nil, fail
	}
	return a.shows(now, op)
}

// showsAgain answers by an order's own QR, which from now on has the caller's operation_id for
// another name: its caller will ask by it.
func (a *Agent) showsAgain(ctx context.Context, old, asked *journal.Operation) (*journal.Operation, *failure) {
	if asked.OperationID != "" && asked.OperationID != old.OperationID {
		known, err := a.j.Get(ctx, asked.OperationID)
		switch {
		case err != nil:
			return nil, a.broken(err)
		case known != nil && known.Fingerprint != asked.Fingerprint:
			return nil, badArgument("operation_id names another operation already")
		case known != nil: // asked again under that name
			again := *asked
			again.OperationID, asked = old.OperationID, &again
		}
	}
	shown, fail := a.shows(old, asked)
	if fail == nil && asked.OperationID != "" && asked.OperationID != old.OperationID {
		if err := a.j.Absorb(ctx, asked.OperationID, old.ID); err != nil {
			return nil, a.broken(err)
		}
	}
	return shown, fail
}

// shows is the operation of an order whose QR may be shown, again or for the first time. One that
// was paid or given up must not be: a buyer would pay for what is paid, or for nothing. The same
// operation_id has its own answer for ever.
func (a *Agent) shows(op, asked *journal.Operation) (*journal.Operation, *failure) {
	again := asked.OperationID != "" && op.OperationID == asked.OperationID && op.Fingerprint == asked.Fingerprint
	switch {
	case op.Amount != asked.Amount:
		return nil, badArgument("this order has a QR of another amount already: " + op.Amount.Soum())
	case op.State == journal.InProgress && op.Shows != "", again && op.Shows != "":
		return op, nil
	case op.State == journal.Approved && op.Endpoint == "one_qr":
		return nil, alreadyPaid()
	case op.State == journal.Approved:
		return nil, badArgument("this order is paid already")
	case op.State == journal.Declined:
		return nil, badArgument("this order's QR was cancelled, or not paid: name another order")
	}
	return nil, refused(op)
}

// qrPayStatus is POST /payment/qr_pay/status.
func (a *Agent) qrPayStatus(r *http.Request, f fields) envelope {
	order, err := f.name("order_id", 64)
	if err != nil || order == "" {
		return no(badArgument(`"order_id" must not be blank`))
	}
	key := a.j.Hash("order", "qr_pay", order)
	op, err := a.j.ByOrder(r.Context(), key)
	if err == nil && op != nil && !op.State.Final() {
		a.settle(r.Context(), op)
		op, err = a.j.ByOrder(r.Context(), key)
	}
	switch {
	case err != nil:
		return no(a.broken(err))
	case op == nil || op.State == journal.InProgress || op.State == journal.Declined:
		return no(&failure{Code: codeNotFound, Message: notPaidYet})
	case op.State != journal.Approved:
		return no(refused(op))
	}
	return ok(map[string]any{"status": "successfully", "message": nil, "data": map[string]any{
		"uuid": paymentID(op), "order_id": op.OrderID, "device": a.o.Config.Shop.Device, "status": "success",
	}})
}
