package till

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/till/terminal"
)

// walletPatience is how long a wallet's company may take over a payment.
const walletPatience = 60 * time.Second

// questions is how often a company that is still working on a payment is asked within the call.
const questions = 10

// payByWallet is POST /payment/{click,payme,uzum,anor}: the buyer's telephone shows a code.
func (a *Agent) payByWallet(endpoint string) func(*http.Request, fields) envelope {
	return func(r *http.Request, f fields) envelope {
		op, err := a.walletSale(endpoint, f)
		if err != nil {
			return no(badArgument(err.Error()))
		}
		w, there := a.wallets[endpoint]
		if !there {
			return no(billingError())
		}
		code := op.WalletCode
		op.Provider = w.provider
		done, fail := a.perform(r.Context(), op, nil, func(ctx context.Context, op *journal.Operation) { a.charge(ctx, op, w.account.(provider.QRCharger)) })
		switch {
		case fail != nil:
			return no(fail)
		case done.State != journal.Approved:
			return no(refused(done))
		}
		return ok(a.paidBy(done, code))
	}
}

func (a *Agent) walletSale(endpoint string, f fields) (*journal.Operation, error) {
	unit := pay.Tiyin(1)
	if a.o.Config.Shop.WalletAmount == "som" {
		unit = 100
	}
	op := &journal.Operation{Endpoint: endpoint, Kind: journal.Sale}
	var err error
	if op.Asked, op.Amount, err = f.amount(unit); err != nil {
		return nil, err
	}
	if err := enough(op.Amount); err != nil {
		return nil, err
	}
	if op.WalletCode, err = f.text("qr_code", 512); err != nil {
		return nil, err
	}
	if op.WalletCode == "" {
		return nil, errBlankCode
	}
	if op.OperationID, err = f.operationID(); err != nil {
		return nil, err
	}
	amount := op.Amount.Soum()
	op.NaturalKey = a.j.Hash("wallet", endpoint, op.WalletCode, amount)
	op.Fingerprint = a.j.Hash(endpoint, op.WalletCode, amount)
	return op, nil
}

// enough refuses a sale of less than a soum: neither the companies nor the gateway's book take one.
func enough(t pay.Tiyin) error {
	if t < pay.MinAmount {
		return plainError(`"amount" must be at least 100 tiyin`)
	}
	return nil
}

type plainError string

func (e plainError) Error() string { return string(e) }

const errBlankCode = plainError(`"qr_code" must not be blank`)

// charge asks the company for the money, once.
func (a *Agent) charge(ctx context.Context, op *journal.Operation, w provider.QRCharger) {
	if err := a.j.MarkSent(ctx, op); err != nil {
		a.log.Error("the journal cannot be written", "operation", op.ID, "error", err)
		return // nothing was sent, and the next start reads it so
	}
	ctx, stop := context.WithTimeout(ctx, walletPatience)
	defer stop()
	out, err := w.ChargeQR(ctx, provider.QROrder{
		Payment: paymentOf(op), Invoice: invoiceOf(op), Code: op.WalletCode, Cashbox: a.o.Config.Shop.Device,
		Journal: func(ref string, meta []byte) error {
			op.PaymentID, op.Meta = ref, meta
			return a.j.Note(ctx, op)
		},
	})
	a.learn(op, out, err)
	for i := 0; err == nil && out.State == pay.Created && i < questions && op.State == journal.Unknown; i++ {
		if !pause(ctx, a.o.Pause) {
			break
		}
		rep, err := w.Inquire(ctx, question(op))
		if err == nil && rep.Found {
			a.learn(op, rep.Outcome, nil)
		}
	}
	a.save(op)
}

// pause waits; false: ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// learn puts the company's word into the operation. What is no clear word is Unknown.
func (a *Agent) learn(op *journal.Operation, out provider.Outcome, err error) {
	if err != nil {
		op.State, op.Code, op.Message = journal.Unknown, "no_answer", "the company's answer was lost"
		if provider.Harmless(err) {
			op.State, op.Code, op.Message = journal.NotStarted, "unreachable", "the company could not be asked"
		}
		a.log.Warn("a wallet's company gave no outcome", "operation", op.ID, "provider", op.Provider, "error", err)
		return
	}
	if out.Ref != "" {
		op.PaymentID = out.Ref
	}
	if out.Meta != nil {
		op.Meta = out.Meta
	}
	if out.Phone != "" {
		op.Phone = out.Phone
	}
	if ps := out.Card.PaymentSystem; ps != "" && op.Provider == viaMulticardProvider {
		op.Wallet = codeOr(multicardWallets[ps], ps)
	}
	if out.Card.MaskedPAN != "" {
		op.Card = terminal.Card(out.Card.MaskedPAN)
	}
	switch out.State {
	case pay.Paid:
		if out.Amount != 0 && out.Amount != op.Amount {
			op.State, op.Code, op.Message = journal.Unknown, "amount_mismatch", "the company names another amount: "+out.Amount.Soum()
			return
		}
		op.State, op.Code, op.Message = journal.Approved, "", ""
	case pay.Failed, pay.Cancelled, pay.Refunded:
		op.State, op.Code, op.Message = journal.Declined, codeOr(out.Reason, "declined"), terminal.Mask(out.Note)
		if out.Reason == pay.DeclineUnreached {
			op.State = journal.NotStarted
		}
	default:
		op.State, op.Code, op.Message = journal.Unknown, "processing", "the company is still working on it"
	}
}

// multicardWallets are Multicard's names for the wallets behind the endpoints. It tells by the code
// whose it is, whatever key the cashier has pressed; another wallet of its keeps its name.
var multicardWallets = map[string]string{"click": "click", "payme": "payme", "uzum": "uzum", "anorbank": "anor"}

// walletOf is whose code was charged; "" where nobody has told.
func walletOf(op *journal.Operation) string {
	if op.Provider == viaMulticardProvider {
		return op.Wallet
	}
	return op.Endpoint
}

// paymentOf and invoiceOf are the operation in the adapters' words.
func paymentOf(op *journal.Operation) pay.Payment {
	p := pay.Payment{
		ID: op.ID, InvoiceID: op.ID, Provider: op.Provider, Ref: op.PaymentID, Amount: op.Amount, State: pay.Created, Way: pay.WayQR,
		CreatedAt: op.CreatedAt, Meta: op.Meta,
	}
	if op.State == journal.Approved {
		p.State, p.Captured, p.PaidAt = pay.Paid, op.Amount, op.FinishedAt
	}
	return p
}

func invoiceOf(op *journal.Operation) pay.Invoice {
	source := op.OrderID
	if source == "" {
		source = op.ID
	}
	return pay.Invoice{ID: op.ID, SourceInvoiceID: source, Amount: op.Amount, CreatedAt: op.CreatedAt}
}

func question(op *journal.Operation) provider.Question {
	return provider.Question{
		Ref: op.PaymentID, PaymentID: op.ID, InvoiceID: op.ID, Op: provider.OpCharge, Amount: op.Amount, SentAt: op.SentAt,
		Payment: paymentOf(op), Meta: op.Meta, Code: op.WalletCode,
	}
}

// ─── The fiscal receipt's link ─────────────────────────────────────────────────────────────

// What is wrong with a confirmation's field, in the founding document's words.
const (
	fieldBlank    = "This field may not be blank."
	fieldNull     = "This field may not be null."
	fieldRequired = "This field is required."
	fieldURL      = "Enter a valid URL."
)

// field reads a field of a confirmation, and says what is wrong with it.
func (f fields) field(key string) (value, wrong string) {
	raw, there := f[key]
	switch {
	case !there:
		return "", fieldRequired
	case string(raw) == "null":
		return "", fieldNull
	}
	value, err := f.name(key, 512)
	switch {
	case err != nil:
		return "", "Not a valid string."
	case value == "":
		return "", fieldBlank
	}
	return value, ""
}

// confirmWallet is POST /payment/{…}_confirm: the receipt that the till registered for a payment.
// It is kept and handed on; a company that is away gets it later.
func (a *Agent) confirmWallet(endpoint string) func(*http.Request, fields) envelope {
	key := "payment_id"
	if endpoint == "anor" {
		key = "transaction_id"
	}
	return func(r *http.Request, f fields) envelope {
		id, link, fail := confirmation(f, key, "qr_code")
		if fail != nil {
			return no(fail)
		}
		op, err := a.paymentNamed(r.Context(), endpoint, id)
		switch {
		case err != nil:
			return no(a.broken(err))
		case op == nil || op.State != journal.Approved:
			return no(&failure{Code: codeNotFound, Message: "BILLING_ERROR", Data: detail("no such payment")})
		}
		if _, err := pay.ParseReceiptLink(link, a.now()); err != nil {
			return no(blank([2]string{"qr_code", "The link of a fiscal receipt " + err.Error() + "."}))
		}
		if err := a.keepReceipt(r.Context(), op, link); err != nil {
			return no(a.broken(err))
		}
		if refusal := a.deliverReceipt(r.Context(), op.ID); refusal != "" {
			return no(&failure{Code: codeDeclined, Message: "PAYMENT_ERROR", Data: detail(refusal)})
		}
		return ok(a.confirmed(op, link))
	}
}

// paymentNamed finds what a confirmation names: the company's payment id, or Anor's
// transaction_id, which is ours.
func (a *Agent) paymentNamed(ctx context.Context, endpoint, id string) (*journal.Operation, error) {
	if endpoint != "anor" {
		if op, err := a.j.ByPayment(ctx, endpoint, journal.Sale, id); op != nil || err != nil {
			return op, err
		}
	}
	op, err := a.j.Get(ctx, id)
	if op == nil || op.ID != id || op.Endpoint != endpoint || endpoint != "anor" && op.PaymentID != "" {
		return nil, err
	}
	return op, nil
}

// confirmation reads what names the payment, and the link.
func confirmation(f fields, key, linkKey string) (id, link string, fail *failure) {
	var wrong [][2]string
	id, w := f.field(key)
	if w != "" {
		wrong = append(wrong, [2]string{key, w})
	}
	if link, w = f.field(linkKey); w == "" && !isLink(link) {
		w = fieldURL
	}
	if w != "" {
		wrong = append(wrong, [2]string{linkKey, w})
	}
	if len(wrong) > 0 {
		return "", "", blank(wrong...)
	}
	return id, link, nil
}

func isLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// keepReceipt writes the link beside the operation, which is told to the gateway again, and into
// the queue.
func (a *Agent) keepReceipt(ctx context.Context, op *journal.Operation, link string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.j.Queue(ctx, op.ID, link)
}

// receiptPatience is how long a company may take over a receipt's link.
const receiptPatience = 15 * time.Second

// deliverReceipt tries to hand a link on. "" means that it is handed over, or will be tried again;
// anything else is the company's refusal, which is tried again all the same: companies publish no
// table of such errors, and "not yet" may be among them.
func (a *Agent) deliverReceipt(ctx context.Context, id string) (refusal string) {
	queued, err := a.j.Queued(ctx, id)
	if err != nil || queued == nil || queued.Done {
		return ""
	}
	c := delivery{*queued}
	op, err := a.j.Get(ctx, id)
	if err != nil || op == nil {
		return ""
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), receiptPatience)
	defer stop()
	err = a.sendReceipt(ctx, op, c.URL)
	next := a.now().Add(backoff(c.Attempts))
	refusal = c.tried(err)
	if err != nil {
		a.log.Warn("a fiscal receipt's link was not handed over", "operation", id, "attempt", c.Attempts, "error", err)
	}
	if err := a.j.Tried(ctx, c.Confirmation, next); err != nil {
		a.log.Error("the journal cannot be written", "operation", id, "error", err)
	}
	if c.Done {
		a.receiptEnds(ctx, id, c.LastError)
	}
	return refusal
}

// backoff is 30 s, 1 min, … up to an hour.
func backoff(attempts int) time.Duration {
	return min(time.Hour, 30*time.Second<<min(attempts, 10))
}

// hourly is the try from which on a link is handed on once an hour; refusals how many hours long a
// company may refuse it.
const (
	hourly   = 7
	refusals = 24
)

// delivery is a link on its way. Its tries set the pace up to hourly, and count the refusals in a
// row beyond: a company that is away is waited for, for ever, and one that refuses, for a day.
type delivery struct{ journal.Confirmation }

// tried counts a try and returns the company's refusal, if it was one.
func (d *delivery) tried(err error) (refusal string) {
	if err == nil {
		d.Attempts, d.Done, d.LastError = d.Attempts+1, true, ""
		return ""
	}
	e, is := errors.AsType[*provider.Error](err)
	if !is || e.Kind != provider.KindInvalid {
		d.Attempts, d.LastError = min(d.Attempts+1, hourly), "the company could not be told yet"
		if errors.Is(err, errNotSetUp) {
			d.LastError = errNotSetUp.Error()
		}
		return ""
	}
	refusal = strings.TrimSpace("refused " + e.Code)
	d.Attempts, d.LastError = d.Attempts+1, refusal
	d.Done = d.Attempts >= hourly+refusals
	return refusal
}

// codeReceiptRefused is the code of an approved operation whose company refuses the receipt's link.
const codeReceiptRefused = "receipt_refused"

// receiptEnds writes beside the operation that its link is refused for good, or is not any more. The
// gateway is told by it, and calls a person.
func (a *Agent) receiptEnds(ctx context.Context, id, refusal string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	op, err := a.j.Get(ctx, id)
	if err != nil || op == nil || (op.Code == codeReceiptRefused) == (refusal != "") || op.Code == codeContradicted {
		return
	}
	op.Code, op.Message = "", ""
	if refusal != "" {
		op.Code, op.Message = codeReceiptRefused, "the company refuses the fiscal receipt's link: "+refusal
	}
	a.write(op) // where that fails, the queue has it
}

// errNotSetUp is why a link waits whose company is not in the file any more: it may come back.
const errNotSetUp = plainError("the company that took the money is not set up")

// sendReceipt hands a link to whoever took the money, and to nobody else.
func (a *Agent) sendReceipt(ctx context.Context, op *journal.Operation, link string) error {
	if op.Endpoint == "one_qr" {
		return a.sendUzqrReceipt(ctx, op, link)
	}
	company := a.companyOf(op)
	if company == nil {
		return errNotSetUp
	}
	sender, ok := company.(provider.ReceiptSender)
	if !ok {
		return nil // this company does not want it; the gateway has it
	}
	r, err := pay.ParseReceiptLink(link, a.now())
	if err != nil {
		return err
	}
	r.Kind = "sale"
	return sender.SendReceipt(ctx, paymentOf(op), r)
}
