package till

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/chorsu/chorsu/internal/till/journal"
)

// envelope is every answer, also the failures: HTTP 200 whatever came of it.
type envelope struct {
	Data    any      `json:"data"`
	Error   *failure `json:"error"`
	Success bool     `json:"is_success"`
}

// failure is the error of an envelope. Tills judge by is_success, and may show the rest.
type failure struct {
	Code    int     `json:"code"`
	Message string  `json:"message"`
	Data    *string `json:"data"`
}

// The codes.
const (
	codeField    = 7   // a confirmation's fields, in the founding document's form
	codePrinter  = 101 // the printer does not work
	codeInternal = 103
	codeArgument = 104 // also: the company cannot be reached or is not set up
	codeNotFound = 105
	codeDeclined = 106
	codeXumo     = 108
	codeUzcard   = 109
)

func ok(data any) envelope    { return envelope{Data: data, Success: true} }
func no(f *failure) envelope  { return envelope{Error: f} }
func detail(s string) *string { return &s }
func billingError() *failure  { return &failure{Code: codeArgument, Message: "BILLING_ERROR"} }
func badArgument(s string) *failure {
	return &failure{Code: codeArgument, Message: "INVALID_ARGUMENT", Data: detail(s)}
}

// broken is a fault of ours: it is logged, and nothing of it is told.
func (a *Agent) broken(err error) *failure {
	a.log.Error("the journal cannot be used", "error", err)
	return &failure{Code: codeInternal, Message: "INTERNAL_ERROR"}
}

// blank is the refusal of a confirmation's fields, as the founding document words it: a JSON
// object, as a string.
func blank(fields ...[2]string) *failure {
	var b strings.Builder
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(f[0]) + `:["` + f[1] + `"]`)
	}
	b.WriteByte('}')
	return &failure{Code: codeField, Message: b.String()}
}

// unresolved is what stands in error.data while it is not known what came of an operation.
func unresolved(op *journal.Operation) *string { return detail("unresolved:" + op.ID) }

// refused is the failure of an operation that is not approved: by a wallet, or at a pinpad.
func refused(op *journal.Operation) *failure {
	f := &failure{Code: codeDeclined, Message: "PAYMENT_ERROR", Data: detail(op.Code)}
	switch op.Endpoint {
	case "xumo":
		f.Code, f.Message = codeXumo, "XUMO_ERROR"
	case "uzcard":
		f.Code, f.Message = codeUzcard, "UZKARD_ERROR"
	default:
		if op.State == journal.NotStarted {
			return billingError()
		}
		if op.Message != "" {
			f.Data = detail(strings.TrimSpace(op.Code + " " + op.Message))
		}
	}
	switch op.State {
	case journal.Unknown:
		f.Data = unresolved(op)
	case journal.InProgress:
		f.Data = detail("in_progress:" + op.ID)
	}
	return f
}

// maybe is nil for "": the wire says null where there is nothing.
func maybe(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// ─── Wallets, each with its own literals ───────────────────────────────────────────────────

// paidBy is the success of a wallet's payment. code is what the buyer showed, which the journal
// no longer has.
func (a *Agent) paidBy(op *journal.Operation, code string) any {
	shop := a.o.Config.Shop
	switch op.Endpoint {
	case "uzum":
		return uzumPaid{PaymentID: paymentID(op), Status: "SUCCESS", ErrorCode: "0", Phone: maybe(op.Phone)}
	case "anor":
		return anorPaid{TransactionID: op.ID, Status: "successfully", PaymentID: wholeID(op), PaymentStatus: 2, Phone: maybe(op.Phone), Card: maybe(op.Card)}
	}
	p := walletPaid{
		Amount: op.Asked, TransactionID: op.ID, PaymentID: paymentID(op), INN: shop.INN, QR: code, KKM: shop.KKM,
		Device: shop.Device, Status: "successfully", Message: "successfully payment", Phone: maybe(op.Phone),
	}
	if op.Endpoint == "click" {
		p.StatusCode = new(int)
	}
	return p
}

// walletPaid is Click's and Payme's.
type walletPaid struct {
	Amount        int64   `json:"amount"`
	TransactionID string  `json:"transaction_id"`
	PaymentID     string  `json:"payment_id"`
	INN           string  `json:"inn"`
	QR            string  `json:"qr_code"`
	KKM           string  `json:"kkm_id"`
	Device        string  `json:"device_id"`
	StatusCode    *int    `json:"status_code,omitempty"`
	Status        string  `json:"status"`
	Message       string  `json:"message"`
	Phone         *string `json:"client_phone_number"`
}

type uzumPaid struct {
	PaymentID    string  `json:"payment_id"`
	Status       string  `json:"payment_status"`
	ErrorCode    string  `json:"error_code"`
	ErrorMessage *string `json:"error_message"`
	Phone        *string `json:"client_phone_number"`
}

type anorPaid struct {
	TransactionID string  `json:"transaction_id"`
	Status        string  `json:"status"`
	Message       *string `json:"message"`
	ErrorCode     *int    `json:"error_code"`
	PaymentID     int64   `json:"payment_id"`
	ErrorNote     *string `json:"error_note"`
	PaymentStatus int     `json:"payment_status"`
	Phone         *string `json:"phone_number"`
	Card          *string `json:"card_number"`
}

// paymentID is the company's id, or ours where it gave none.
func paymentID(op *journal.Operation) string {
	if op.PaymentID == "" {
		return op.ID
	}
	return op.PaymentID
}

// wholeID is a payment's id where the wire wants a number and the company (Multicard, say) may
// name it otherwise: then a number made of ours.
func wholeID(op *journal.Operation) int64 {
	if n, err := strconv.ParseInt(op.PaymentID, 10, 64); err == nil && n > 0 && n < 1<<53 {
		return n
	}
	sum := sha256.Sum256([]byte(op.ID))
	return int64(binary.BigEndian.Uint32(sum[:]) >> 1)
}

// confirmed is the success of a confirmation.
func (a *Agent) confirmed(op *journal.Operation, link string) any {
	switch op.Endpoint {
	case "payme":
		return map[string]any{"id": wholeID(op), "result": map[string]any{"receipt": map[string]any{
			"_id": paymentID(op), "create_time": op.CreatedAt.UnixMilli(), "pay_time": op.FinishedAt.UnixMilli(),
		}}, "error": nil}
	case "uzum":
		return uzumPaid{PaymentID: paymentID(op), Status: "SUCCESS", ErrorCode: "0"}
	case "anor":
		return map[string]any{"message": nil, "error_code": nil, "payment_id": nil, "transaction_id": op.ID}
	}
	return map[string]any{"inn": a.o.Config.Shop.INN, "payment_id": paymentID(op), "qr_code": link, "status": "successfully", "error": nil}
}

// ─── Pinpads ───────────────────────────────────────────────────────────────────────────────

// printed is the success of all of a pinpad's calls.
type printed struct {
	Message string  `json:"message"`
	RRN     *string `json:"ppt_id"`
}

func (a *Agent) paidAt(op *journal.Operation) any {
	return printed{Message: a.slipOf(op), RRN: maybe(op.RRN)}
}

// ─── Operations ────────────────────────────────────────────────────────────────────────────

// view is an operation as the operations' endpoints tell it. amount is tiyin.
type view struct {
	ID          string  `json:"id"`
	OperationID *string `json:"operation_id"`
	Endpoint    string  `json:"endpoint"`
	Kind        string  `json:"kind"`
	Amount      int64   `json:"amount"`
	State       string  `json:"state"`
	RRN         *string `json:"rrn"`
	PaymentID   *string `json:"payment_id"`
	Code        *string `json:"code"`
	Message     *string `json:"message"`
	CreatedAt   string  `json:"created_at"`
	ResolvedBy  *string `json:"resolved_by"`

	FinishedAt *string `json:"finished_at"`
	Receipt    *string `json:"receipt"`
	ReceiptURL *string `json:"receipt_url"`
	QRProvider *int    `json:"qr_payment_provider"` // the tax committee's number of the wallet that paid; null where it is not known whose it was

	ReceiptState *string `json:"receipt_state"` // of the link at the wallet's company: queued, delivered or refused
	ReceiptError *string `json:"receipt_error"` // what the last try brought
	ReportError  *string `json:"report_error"`  // why the gateway will not keep the report

	OrderID     *string `json:"order_id"`
	QRText      *string `json:"qr_text"`
	Recovered   bool    `json:"recovered"`
	Shows       *string `json:"shows"` // what the pinpad shows, while it is in progress
	ReportedAll bool    `json:"reported"`
}

// qrProviders are the numbers that a fiscal receipt names the wallets by.
var qrProviders = map[string]int{"click": 64, "payme": 141, "uzum": 161, "anor": 187}

const wireTime = "2006-01-02T15:04:05.000Z"

func (a *Agent) view(op *journal.Operation) view {
	v := view{
		ID: op.ID, OperationID: maybe(op.OperationID), Endpoint: op.Endpoint, Kind: string(op.Kind), Amount: int64(op.Amount), State: string(op.State),
		RRN: maybe(op.RRN), PaymentID: maybe(op.PaymentID), Code: maybe(op.Code), Message: maybe(op.Message), CreatedAt: op.CreatedAt.UTC().Format(wireTime),
		ResolvedBy: maybe(op.ResolvedBy), Receipt: maybe(op.Receipt), ReceiptURL: maybe(op.ReceiptURL), OrderID: maybe(op.OrderID), QRText: maybe(op.Shows),
		Recovered: op.Recovered, ReportedAll: op.Reported >= op.Revision,
		ReportError: maybe(op.Refused),
	}
	if !op.FinishedAt.IsZero() {
		v.FinishedAt = detail(op.FinishedAt.UTC().Format(wireTime))
	}
	if n, ok := qrProviders[walletOf(op)]; ok {
		v.QRProvider = &n
	}
	if op.ReceiptURL != "" {
		a.viewReceipt(&v, op.ID)
	}
	if d := a.devices[op.Endpoint]; d != nil && op.State == journal.InProgress {
		v.Shows = maybe(d.shows())
	}
	return v
}

// viewReceipt tells how a receipt's link stands at the wallet's company.
func (a *Agent) viewReceipt(v *view, id string) {
	c, err := a.j.Queued(context.WithoutCancel(a.life), id)
	if err != nil || c == nil {
		return
	}
	state := "queued"
	switch {
	case c.Done && c.LastError != "":
		state = "refused"
	case c.Done:
		state = "delivered"
	}
	v.ReceiptState, v.ReceiptError = &state, maybe(c.LastError)
}

// codeOr is a code of the pinpads' list, whatever a driver said.
func codeOr(code, other string) string {
	if code == "" {
		return other
	}
	return code
}
