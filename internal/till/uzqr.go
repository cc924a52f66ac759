package till

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/till/fbox"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/till/terminal"
	"github.com/chorsu/chorsu/internal/till/uzqr"
)

// UzQR, the national QR, by way of an F-Box, which is the only way up that is known. The box's
// answers are handed on as they are; the journal keeps what they mean. Amounts here are text in
// soums, "100.01".

// boxPatience is a little more than the box's own long poll.
const boxPatience = 150 * time.Second

// noBox is the vendor's own word for it.
func noBox() *failure { return &failure{Code: codeArgument, Message: "UzQR endpoint not configured"} }

// alreadyPaid is the vendor's word for an invoice that is paid.
func alreadyPaid() *failure { return &failure{Code: 3002, Message: "ALREADY_PAID"} }

// lineLost is the answer to the till when the box does not answer a call that moves no money.
func lineLost() *failure { return billingError() }

// created is the box's answer to one_qr/create.
type created struct {
	InvoiceID text   `json:"invoice_id"`
	QRText    string `json:"qr_text"`
}

// text is a string that may come as a number.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	if plainNumber.Match(b) {
		*t = text(b)
		return nil
	}
	if string(b) == "null" {
		return nil
	}
	var s string
	err := json.Unmarshal(b, &s)
	*t = text(s)
	return err
}

// uzqrCreate is POST /payment/one_qr/create. The same external_id and amount is the same QR.
func (a *Agent) uzqrCreate(r *http.Request, f fields) envelope {
	op := &journal.Operation{Endpoint: "one_qr", Kind: journal.Sale, Provider: "uzqr"}
	amount, err := f.name("amount", 20)
	if err == nil {
		op.Amount, err = soums(amount)
	}
	if err == nil {
		err = enough(op.Amount)
	}
	if err == nil {
		op.OrderID, err = f.name("external_id", 20)
	}
	if err == nil && op.OrderID == "" {
		err = plainError(`"external_id" must not be blank`)
	}
	if err == nil {
		op.OperationID, err = f.operationID()
	}
	printIt, err2 := f.flag("print")
	switch {
	case err != nil || err2 != nil:
		return no(badArgument(errors.Join(err, err2).Error()))
	case a.box == nil:
		return no(noBox())
	}
	op.Asked = int64(op.Amount)
	op.NaturalKey, op.Fingerprint = a.j.Hash("order", "one_qr", op.OrderID), a.j.Hash("one_qr", op.OrderID, op.Amount.Soum())
	// A QR that the box has printed and whose making it did not confirm can be paid, and nobody would
	// know. So we print it ourselves, once it is in the journal; only where there is no printer but the
	// box's the box is asked to, and a lost answer is unknown then.
	byBox := printIt && a.o.Config.Printer.Address == ""
	body := map[string]any{"external_id": op.OrderID, "amount": op.Amount.Soum(), "print": byBox}
	if raw, ok := f["banners"]; ok {
		body["banners"] = raw
	}
	shown, fail := a.show(r.Context(), op, func(ctx context.Context, op *journal.Operation) { a.makeUzqr(ctx, op, body, byBox) })
	if fail != nil {
		return no(fail)
	}
	if printIt && !byBox {
		if fail := a.printQR(r.Context(), shown); fail != nil {
			return no(fail)
		}
	}
	return ok(map[string]any{"invoice_id": shown.PaymentID, "qr_text": shown.Shows})
}

func soums(s string) (pay.Tiyin, error) {
	t, err := pay.ParseSoum(s)
	if err != nil || t <= 0 || t > pay.MaxAmount {
		return 0, plainError(`"amount" must be an amount in soums, such as "100.01"`)
	}
	return t, nil
}

// makeUzqr has the box make a QR. Where the box does not print it, one whose answer is lost was seen
// by nobody.
func (a *Agent) makeUzqr(ctx context.Context, op *journal.Operation, body map[string]any, byBox bool) {
	if byBox {
		if err := a.j.MarkSent(ctx, op); err != nil {
			a.log.Error("the journal cannot be written", "operation", op.ID, "error", err)
			return
		}
	}
	answer, err := a.box.Call(ctx, "/payment/one_qr/create", body)
	var c created
	if err == nil && answer.Success {
		err = json.Unmarshal(answer.Data, &c)
	}
	if err != nil || c.InvoiceID == "" || c.QRText == "" {
		a.log.Warn("the box made no QR", "operation", op.ID, "error", err)
		op.State, op.Code, op.Message = journal.NotStarted, "unreachable", "the box made no QR"
		lost, _ := errors.AsType[*fbox.Lost](err)
		if refused := err == nil && !answer.Success; byBox && !refused && (lost == nil || !lost.NotSent) {
			op.State, op.Code, op.Message = journal.Unknown, "no_answer", "the box may have printed a QR that can be paid"
		}
		a.save(op)
		return
	}
	if wrong := wrongPayload(c.QRText, op.Amount); wrong != "" {
		a.withhold(ctx, op, string(c.InvoiceID), byBox, wrong)
		return
	}
	op.Stage, op.Shows, op.PaymentID, op.SentAt = journal.Shown, c.QRText, string(c.InvoiceID), a.now()
	if err := a.j.Note(ctx, op); err != nil {
		a.log.Error("the journal cannot be written", "operation", op.ID, "error", err)
	}
}

// wrongPayload says why a buyer must not scan a code: it is damaged, or takes another sum. "" where it
// is right, or of no form that we read: the box may have a newer one, or a link.
func wrongPayload(text string, amount pay.Tiyin) string {
	code, err := uzqr.Decode(text)
	switch {
	case errors.Is(err, uzqr.ErrChecksum):
		return "the checksum of the box's code does not hold"
	case err == nil && code.Amount != 0 && code.Amount != amount:
		return "the box's code takes another sum: " + code.Amount.Soum()
	}
	return ""
}

// badCode is the code of a QR that was not shown, since it is wrong.
const badCode = "bad_code"

// withhold keeps such a code from the buyer, and has the box cancel it. One that the box has printed
// may be in the buyer's hands.
func (a *Agent) withhold(ctx context.Context, op *journal.Operation, invoice string, printed bool, why string) {
	a.log.Error("the box's code is not shown", "operation", op.ID, "why", why)
	op.State, op.Code, op.Message = journal.NotStarted, badCode, why
	if printed {
		op.State, op.PaymentID = journal.Unknown, invoice // the box is asked what became of it
	}
	a.save(op)
	if _, err := a.box.Call(ctx, "/payment/one_qr/cancel", map[string]any{"invoice_id": invoice}); err != nil {
		a.log.Warn("the box does not cancel it", "operation", op.ID, "error", err)
	}
}

// The states of an invoice and of a refund on the wire.
const (
	boxWaits = 1
	boxPaid  = 2
	boxNo    = 3
)

// boxStatus is the box's answer to one_qr/status.
type boxStatus struct {
	Status int    `json:"status"`
	PayID  text   `json:"pay_id"`
	Phone  string `json:"payer_phone"`
	Card   string `json:"card_no"`
}

// uzqrStatus is GET /payment/one_qr/status?invoice_id=: the box waits up to two minutes for the
// buyer, and so does the till.
func (a *Agent) uzqrStatus(r *http.Request) envelope {
	return a.passOn(r, "invoice_id", func(ctx context.Context, id string) (fbox.Answer, error) {
		answer, err := a.box.Call(ctx, "/payment/one_qr/status?invoice_id="+url.QueryEscape(id), nil)
		if op, e := a.j.ByPayment(ctx, "one_qr", journal.Sale, id); e == nil && op != nil && err == nil {
			a.learnUzqr(ctx, op, answer)
		}
		return answer, err
	})
}

// passOn answers a GET by the box's own words.
func (a *Agent) passOn(r *http.Request, key string, ask func(context.Context, string) (fbox.Answer, error)) envelope {
	id := r.URL.Query().Get(key)
	switch {
	case a.box == nil:
		return no(noBox())
	case id == "" || len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' }):
		return no(badArgument("\"" + key + "\" must not be blank"))
	}
	ctx, stop := context.WithTimeout(r.Context(), boxPatience)
	defer stop()
	answer, err := ask(ctx, id)
	if err != nil {
		a.log.Warn("the box does not answer", "error", err)
		return no(lineLost())
	}
	return handedOn(answer)
}

// handedOn is the box's answer as it came: also is_success false with data and without an error.
func handedOn(answer fbox.Answer) envelope {
	e := envelope{Success: answer.Success}
	if answer.Data != nil {
		e.Data = answer.Data
	}
	if answer.Error != nil {
		e.Error = &failure{Code: answer.Error.Code, Message: answer.Error.Message, Data: maybe(answer.Error.Data)}
	}
	return e
}

// learnUzqr keeps what the box's status means.
func (a *Agent) learnUzqr(ctx context.Context, op *journal.Operation, answer fbox.Answer) {
	var s boxStatus
	if answer.Data == nil || json.Unmarshal(answer.Data, &s) != nil || op.State.Final() && (op.State == journal.Approved || s.Status != boxPaid) {
		return // paid after it was cancelled is a contradiction; what a paid one becomes later is not our question
	}
	found := *op
	switch {
	case s.Status == boxPaid && op.Code == badCode:
		// What the code took is not what we asked for: how much was paid, a person sees at the box.
		if paid := "; and it was paid"; !strings.HasSuffix(op.Message, paid) {
			found.RRN, found.Message = string(s.PayID), op.Message+paid
			a.decide(ctx, op.ID, &found)
		}
		return
	case s.Status == boxPaid:
		found.State, found.RRN, found.Phone, found.Card = journal.Approved, string(s.PayID), strings.TrimPrefix(s.Phone, "+"), terminal.Card(s.Card)
	case s.Status == boxNo:
		found.State, found.Code, found.Message = journal.Declined, "declined", "the buyer has not paid"
	default:
		return
	}
	found.ResolvedBy, found.Recovered = "wallet", op.State == journal.Unknown
	a.decide(ctx, op.ID, &found)
}

// askBox asks for a shown QR, or for a refund whose answer came.
func (a *Agent) askBox(ctx context.Context, op *journal.Operation) {
	if a.box == nil || op.PaymentID == "" {
		return
	}
	if op.Kind == journal.Return {
		if answer, err := a.box.Call(ctx, "/payment/one_qr/refund/status?refund_id="+url.QueryEscape(op.PaymentID), nil); err == nil {
			a.learnRefund(ctx, op, answer)
		}
		return
	}
	// The box's status waits for the buyer; ours does not wait with it.
	ctx, stop := context.WithTimeout(ctx, askEvery)
	defer stop()
	if answer, err := a.box.Call(ctx, "/payment/one_qr/status?invoice_id="+url.QueryEscape(op.PaymentID), nil); err == nil {
		a.learnUzqr(context.WithoutCancel(ctx), op, answer)
	}
}

// uzqrReceipt is POST /payment/one_qr/receipt: the fiscal receipt's link.
func (a *Agent) uzqrReceipt(r *http.Request, f fields) envelope {
	payID, link, fail := confirmation(f, "pay_id", "fiscal_receipt_url")
	switch {
	case fail != nil:
		return no(fail)
	case a.box == nil:
		return no(noBox())
	}
	op, err := a.paidByUzqr(r.Context(), payID)
	if err != nil {
		return no(a.broken(err))
	}
	if _, err := pay.ParseReceiptLink(link, a.now()); err != nil || op == nil {
		return a.toBox(r.Context(), "receipt", map[string]any{"pay_id": payID, "fiscal_receipt_url": link}, nil)
	}
	if err := a.keepReceipt(r.Context(), op, link); err != nil {
		return no(a.broken(err))
	}
	if refusal := a.deliverReceipt(r.Context(), op.ID); refusal != "" {
		return no(&failure{Code: codeDeclined, Message: "PAYMENT_ERROR", Data: detail(refusal)})
	}
	return ok(map[string]any{"pay_id": payID, "fiscal_receipt_url": link})
}

// paidByUzqr finds a payment by the box's pay_id, which stands where a pinpad's RRN does.
func (a *Agent) paidByUzqr(ctx context.Context, payID string) (*journal.Operation, error) {
	return a.j.Sale(ctx, "", payID, "")
}

func (a *Agent) sendUzqrReceipt(ctx context.Context, op *journal.Operation, link string) error {
	if a.box == nil {
		return errNotSetUp
	}
	answer, err := a.box.Call(ctx, "/payment/one_qr/receipt", map[string]any{"pay_id": op.RRN, "fiscal_receipt_url": link})
	switch {
	case err != nil:
		return err
	case answer.Success:
		return nil
	case answer.Error != nil && didNothing(answer.Error):
		return &provider.Error{Kind: provider.KindInvalid, Code: strconv.Itoa(answer.Error.Code), Message: answer.Error.Message}
	}
	return &provider.Error{Kind: provider.KindUnavailable, Message: "the box does not take the receipt"}
}

// toBox hands a POST on and lets learn read the answer.
func (a *Agent) toBox(ctx context.Context, path string, body any, learn func(fbox.Answer)) envelope {
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	answer, err := a.box.Call(ctx, "/payment/one_qr/"+path, body)
	if err != nil {
		a.log.Warn("the box does not answer", "path", path, "error", err)
		return no(lineLost())
	}
	if learn != nil {
		learn(answer)
	}
	return handedOn(answer)
}

// uzqrCancel is POST /payment/one_qr/cancel. It moves no money: one whose answer was lost is
// repeated, and the status tells.
func (a *Agent) uzqrCancel(r *http.Request, f fields) envelope {
	id, err := f.name("invoice_id", 64)
	switch {
	case err != nil || id == "":
		return no(badArgument(`"invoice_id" must not be blank`))
	case a.box == nil:
		return no(noBox())
	}
	return a.toBox(r.Context(), "cancel", map[string]any{"invoice_id": id}, func(answer fbox.Answer) {
		op, err := a.j.ByPayment(r.Context(), "one_qr", journal.Sale, id)
		if err != nil || op == nil || op.State.Final() || !answer.Success {
			return
		}
		found := *op
		found.State, found.Code, found.Message = journal.Declined, "cancelled", "cancelled by the till"
		a.decide(context.WithoutCancel(r.Context()), op.ID, &found)
	})
}

// boxRefund is the box's answer to one_qr/refund and its status.
type boxRefund struct {
	ID     text `json:"refund_id"`
	Status int  `json:"status"`
}

// uzqrRefund is POST /payment/one_qr/refund: money goes back, so that it is journaled before it is
// sent, and a lost answer is unknown until a person has looked.
func (a *Agent) uzqrRefund(r *http.Request, f fields) envelope {
	payID, err := f.name("pay_id", 64)
	op := &journal.Operation{Endpoint: "one_qr", Kind: journal.Return, Provider: "uzqr", Reference: payID, OriginalRRN: payID}
	if err == nil && payID == "" {
		err = plainError(`"pay_id" must not be blank`)
	}
	var amount string
	if err == nil {
		amount, err = f.name("amount", 20)
	}
	if err == nil {
		op.Amount, err = soums(amount)
	}
	if err == nil {
		op.OperationID, err = f.operationID()
	}
	switch {
	case err != nil:
		return no(badArgument(err.Error()))
	case a.box == nil:
		return no(noBox())
	}
	op.Asked, op.Fingerprint = int64(op.Amount), a.j.Hash("one_qr/refund", payID, op.Amount.Soum())
	if sale, err := a.paidByUzqr(r.Context(), payID); err == nil && sale != nil {
		op.Original = sale.ID
	}
	var asked atomic.Pointer[fbox.Answer] // set where this very call asked the box
	done, fail := a.perform(r.Context(), op, a.noRefundUnknown(r.Context(), payID), func(ctx context.Context, op *journal.Operation) {
		answer := a.refundByBox(ctx, op)
		asked.Store(&answer)
	})
	answer := asked.Load()
	switch {
	case fail != nil:
		return no(fail)
	case done.State == journal.Unknown && done.PaymentID == "":
		return no(refused(done))
	case done.State == journal.Declined && answer != nil && answer.Error != nil:
		return handedOn(*answer)
	case done.State == journal.Declined, done.State == journal.NotStarted:
		return no(refused(done))
	}
	status := boxWaits
	if done.State == journal.Approved {
		status = boxPaid
	}
	return ok(map[string]any{"refund_id": done.PaymentID, "status": status})
}

// noRefundUnknown refuses another refund of a payment while it is not known what came of one.
func (a *Agent) noRefundUnknown(ctx context.Context, payID string) claim {
	return func() (func(), *failure) {
		switch open, err := a.j.OpenReturn(ctx, "one_qr", payID); {
		case err != nil:
			return nil, a.broken(err)
		case open != nil:
			return nil, refused(open)
		}
		return nil, nil
	}
}

func (a *Agent) refundByBox(ctx context.Context, op *journal.Operation) fbox.Answer {
	if err := a.j.MarkSent(ctx, op); err != nil {
		a.log.Error("the journal cannot be written", "operation", op.ID, "error", err)
		return fbox.Answer{}
	}
	ctx, stop := context.WithTimeout(ctx, walletPatience)
	defer stop()
	answer, err := a.box.Call(ctx, "/payment/one_qr/refund", map[string]any{"pay_id": op.Reference, "amount": op.Amount.Soum()})
	var back boxRefund
	lost, _ := errors.AsType[*fbox.Lost](err)
	switch {
	case lost != nil && lost.NotSent:
		op.State, op.Code, op.Message = journal.NotStarted, "unreachable", "the box could not be asked"
	case err != nil:
		op.State, op.Code, op.Message = journal.Unknown, "no_answer", "the box's answer was lost"
	case !answer.Success && answer.Error != nil && didNothing(answer.Error):
		op.State, op.Code, op.Message = journal.Declined, "refused", terminal.Mask(answer.Error.Message)
	case !answer.Success && answer.Error != nil:
		op.State, op.Code, op.Message = journal.Unknown, "no_answer", strconv.Itoa(answer.Error.Code)+" "+terminal.Mask(answer.Error.Message)
	case json.Unmarshal(answer.Data, &back) != nil || back.ID == "":
		op.State, op.Code, op.Message = journal.Unknown, "no_answer", "the box's answer names no refund"
	default:
		// Begun: the vendor calls it asynchronous, and its status tells the end.
		op.PaymentID, op.State, op.Code, op.Message = string(back.ID), journal.Unknown, "processing", "the refund is being made"
	}
	a.save(op)
	return answer
}

// didNothing says whether an error of the box's is its own no, given before anything was sent up:
// what is asked for is wrong, or is not there. Any other (103, 105, 6001, 9001, …) is trouble in the
// box or above it, and the refund may have been made; so may be that of a BILLING_ERROR, which some
// boxes number 104.
func didNothing(e *fbox.Error) bool {
	switch e.Code {
	case 104:
		return e.Message != "BILLING_ERROR"
	case 1001, 1002, 2001, 2002, 2003, 2004, 3001, 4001:
		return true
	}
	return false
}

// uzqrRefundStatus is GET /payment/one_qr/refund/status?refund_id=.
func (a *Agent) uzqrRefundStatus(r *http.Request) envelope {
	return a.passOn(r, "refund_id", func(ctx context.Context, id string) (fbox.Answer, error) {
		answer, err := a.box.Call(ctx, "/payment/one_qr/refund/status?refund_id="+url.QueryEscape(id), nil)
		if op, e := a.j.ByPayment(ctx, "one_qr", journal.Return, id); e == nil && op != nil && err == nil {
			a.learnRefund(ctx, op, answer)
		}
		return answer, err
	})
}

// learnRefund keeps what the box says of a refund; of one that was decided, decide looks whether it says
// otherwise.
func (a *Agent) learnRefund(ctx context.Context, op *journal.Operation, answer fbox.Answer) {
	var back boxRefund
	if answer.Data == nil || json.Unmarshal(answer.Data, &back) != nil {
		return
	}
	found := *op
	switch back.Status {
	case boxPaid:
		found.State, found.Code, found.Message = journal.Approved, "", ""
	case boxNo:
		found.State, found.Code, found.Message = journal.Declined, "refused", "the refund was not made"
	default:
		return
	}
	found.ResolvedBy = "wallet"
	a.decide(ctx, op.ID, &found)
}
