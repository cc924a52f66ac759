package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The Subscribe API, as far as a Payme Go cash desk uses it: receipts are made, paid with what a
// buyer's telephone shows, asked for, cancelled, and told of their fiscal receipts.

const (
	stepReceiptCreate = "receipts.create"
	stepReceiptPay    = "receipts.pay"
	stepReceiptCheck  = "receipts.check"
	stepReceiptGet    = "receipts.get"
	stepReceiptCancel = "receipts.cancel"
	stepReceiptFiscal = "receipts.set_fiscal_data"
)

var subscribeSteps = []string{stepReceiptCreate, stepReceiptPay, stepReceiptCheck, stepReceiptGet, stepReceiptCancel, stepReceiptFiscal}

// The states of a receipt.
const (
	madeState      = 0
	debitingState  = 2
	paidState      = 4
	returningState = 21
	cancelledState = 50
)

// returnIn is how long Payme takes to return a receipt's money; debitIn how long a debit takes
// that is under way when it is answered.
const (
	returnIn = 10 * time.Second
	debitIn  = 2 * time.Second
)

// cashDesk is a Payme Go cash desk in the cabinet.
type cashDesk struct{ id, key string }

// bill is a receipt in Payme's books. Its fields are guarded by company.mu.
type bill struct {
	id      string
	desk    *cashDesk
	account map[string]any
	amount  int64
	state   int
	code    simulator.Code
	fiscal  string

	created, paid, cancelled time.Time
	due                      time.Time // of a debit or a return that is under way
}

// addDesk opens a Payme Go cash desk, or changes its key.
func (c *company) addDesk(id, key string) error {
	if !kassaID.MatchString(id) || key == "" {
		return fmt.Errorf("payme: a Payme Go cash desk needs cashboxId, 24 hexadecimal digits, and key")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.desks[id]; old != nil {
		old.key = key
		return nil
	}
	c.desks[id] = &cashDesk{id: id, key: key}
	return nil
}

// rpcFault is an error of the Subscribe API. Its codes are published nowhere: these are seen at
// integrators.
type rpcFault struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
}

var (
	rpcAuth      = &rpcFault{-32504, "Недостаточно привилегий для выполнения метода", nil}
	rpcParse     = &rpcFault{-32700, "Ошибка парсинга JSON", nil}
	rpcRequest   = &rpcFault{-32600, "Неверный запрос", nil}
	rpcMethod    = &rpcFault{-32601, "Метод не найден", nil}
	rpcParams    = &rpcFault{-32602, "Неверные параметры", nil}
	rpcToken     = &rpcFault{-32500, "Неверный формат токена", nil}
	rpcFunds     = &rpcFault{-31630, "Недостаточно средств", nil}
	rpcDeclined  = &rpcFault{-31400, "Операция отклонена банком", nil}
	rpcNoReceipt = &rpcFault{-31401, "Чек не найден", nil}
	rpcState     = &rpcFault{-31402, "Чек уже оплачен или отменён", nil}
	rpcFiscal    = &rpcFault{-32602, "Неверные фискальные данные", nil}
)

type rpcCall struct {
	ID     json.RawMessage            `json:"id"`
	Method string                     `json:"method"`
	Params map[string]json.RawMessage `json:"params"`
}

// subscribe serves POST /api. The faults of a step strike by the call's method.
func (c *company) subscribe(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	var call rpcCall
	if err != nil || json.Unmarshal(body, &call) != nil {
		answerRPC(w, nil, nil, rpcParse)
		return
	}
	if len(call.ID) == 0 || call.Params == nil || call.Method == "" {
		answerRPC(w, call.ID, nil, rpcRequest)
		return
	}
	do, ok := map[string]func(*cashDesk, rpcCall, *simulator.Code) (any, *rpcFault){
		stepReceiptCreate: c.createReceipt, stepReceiptPay: c.payReceipt, stepReceiptCheck: c.checkReceipt,
		stepReceiptGet: c.getReceipt, stepReceiptCancel: c.cancelReceipt, stepReceiptFiscal: c.fiscalReceipt,
	}[call.Method]
	if !ok {
		answerRPC(w, call.ID, nil, rpcMethod)
		return
	}
	c.w.Serve(call.Method, w, r, func(w http.ResponseWriter, r *http.Request) {
		var code simulator.Code
		c.mu.Lock()
		desk := c.deskOf(r.Header.Get("X-Auth"))
		var result any
		fault := rpcAuth
		if desk != nil {
			result, fault = do(desk, call, &code)
		}
		c.mu.Unlock()
		if code.Plan == simulator.PlanUnreachable {
			http.Error(w, "Too Many Requests", http.StatusTooManyRequests)
			return
		}
		code.Answer(r, func() { answerRPC(w, call.ID, result, fault) })
	})
}

func answerRPC(w http.ResponseWriter, id json.RawMessage, result any, fault *rpcFault) {
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	ans := map[string]any{"jsonrpc": "2.0", "id": id}
	if fault != nil {
		ans["error"] = fault
	} else {
		ans["result"] = result
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(ans)
}

// deskOf is whose key the X-Auth header holds. An id alone opens no server's method.
func (c *company) deskOf(auth string) *cashDesk {
	id, key, _ := strings.Cut(auth, ":")
	if d := c.desks[id]; d != nil && key == d.key {
		return d
	}
	return nil
}

func (c *company) createReceipt(d *cashDesk, call rpcCall, _ *simulator.Code) (any, *rpcFault) {
	var amount int64
	var account map[string]any
	if json.Unmarshal(call.Params["amount"], &amount) != nil || amount < 100 ||
		json.Unmarshal(call.Params["account"], &account) != nil || len(account) == 0 {
		return nil, rpcParams
	}
	b := &bill{id: c.newID(c.w.Now()), desk: d, account: account, amount: amount, created: c.w.Now()}
	c.bills = append(c.bills, b)
	return b.show(), nil
}

// billOf is the receipt that a call names, brought to where the clock says it is.
func (c *company) billOf(d *cashDesk, call rpcCall) (*bill, *rpcFault) {
	var id string
	if json.Unmarshal(call.Params["id"], &id) != nil {
		return nil, rpcParams
	}
	for _, b := range c.bills {
		if b.id == id && b.desk == d {
			b.age(c.w.Now())
			return b, nil
		}
	}
	return nil, rpcNoReceipt
}

func (b *bill) age(now time.Time) {
	if b.due.IsZero() || now.Before(b.due) {
		return
	}
	switch b.state {
	case debitingState:
		b.state, b.paid = paidState, now
	case returningState:
		b.state, b.cancelled = cancelledState, now
	}
	b.due = time.Time{}
}

var tokenShape = regexp.MustCompile(`^[!-~]{4,512}$`)

// payReceipt pays with what a buyer's telephone shows. A code pays once.
func (c *company) payReceipt(d *cashDesk, call rpcCall, scanned *simulator.Code) (any, *rpcFault) {
	b, fault := c.billOf(d, call)
	var token string
	if fault != nil {
		return nil, fault
	}
	if json.Unmarshal(call.Params["token"], &token) != nil || !tokenShape.MatchString(token) {
		return nil, rpcToken
	}
	if b.state != madeState {
		return nil, rpcState
	}
	now := c.w.Now()
	code := c.codes.Look(token, now)
	*scanned = code
	switch code.Plan {
	case simulator.PlanUnreachable, simulator.PlanDecline:
		return nil, rpcDeclined
	case simulator.PlanUsed, simulator.PlanExpired:
		return nil, rpcToken
	case simulator.PlanNoFunds:
		return nil, rpcFunds
	}
	c.codes.Use(token)
	b.code = code
	b.state, b.paid = paidState, now
	if code.Plan == simulator.PlanProcessing {
		b.state, b.paid, b.due = debitingState, time.Time{}, now.Add(debitIn)
	}
	return b.show(), nil
}

func (c *company) checkReceipt(d *cashDesk, call rpcCall, _ *simulator.Code) (any, *rpcFault) {
	b, fault := c.billOf(d, call)
	if fault != nil {
		return nil, fault
	}
	return map[string]int{"state": b.state}, nil
}

func (c *company) getReceipt(d *cashDesk, call rpcCall, _ *simulator.Code) (any, *rpcFault) {
	b, fault := c.billOf(d, call)
	if fault != nil {
		return nil, fault
	}
	return b.show(), nil
}

// cancelReceipt closes an unpaid receipt at once, and queues the return of a paid one.
func (c *company) cancelReceipt(d *cashDesk, call rpcCall, _ *simulator.Code) (any, *rpcFault) {
	b, fault := c.billOf(d, call)
	if fault != nil {
		return nil, fault
	}
	switch b.state {
	case madeState:
		b.state, b.cancelled = cancelledState, c.w.Now()
	case paidState:
		b.state, b.due = returningState, c.w.Now().Add(returnIn)
	default:
		return nil, rpcState
	}
	return b.show(), nil
}

var fiscalLink = regexp.MustCompile(`^https://ofd\.soliq\.uz/(check|epi)/?\?`)

func (c *company) fiscalReceipt(d *cashDesk, call rpcCall, _ *simulator.Code) (any, *rpcFault) {
	b, fault := c.billOf(d, call)
	if fault != nil {
		return nil, fault
	}
	var data struct {
		ReceiptID *int64 `json:"receipt_id"`
		URL       string `json:"qr_code_url"`
	}
	if json.Unmarshal(call.Params["fiscal_data"], &data) != nil || data.ReceiptID == nil || !fiscalLink.MatchString(data.URL) || b.state != paidState {
		return nil, rpcFiscal
	}
	b.fiscal = data.URL
	return map[string]bool{"success": true}, nil
}

// show is a receipt as Payme shows it. payer stands at the receipt, as in its real answers.
func (b *bill) show() map[string]any {
	ms := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return t.UnixMilli()
	}
	account := []map[string]any{}
	for name, value := range b.account {
		account = append(account, map[string]any{"name": name, "title": name, "value": value, "main": true})
	}
	r := map[string]any{
		"_id": b.id, "create_time": ms(b.created), "pay_time": ms(b.paid), "cancel_time": ms(b.cancelled), "state": b.state,
		"type": 1, "external": false, "operation": -1, "category": nil, "error": nil, "description": "", "detail": nil,
		"amount": b.amount, "currency": 860, "commission": 0, "account": account, "card": nil,
		"merchant": map[string]any{"_id": b.desk.id, "name": "Sandbox", "organization": "Sandbox"},
		"meta":     map[string]any{"source": "subscribe", "owner": b.desk.id}, "processing_id": nil,
	}
	if !b.paid.IsZero() {
		r["card"] = map[string]any{"number": b.code.Card, "expire": "9903"}
		r["payer"] = map[string]any{"phone": b.code.Phone}
	}
	return map[string]any{"receipt": r}
}

// entry is a receipt in the books, as simulator.Entry names its state.
func (b *bill) entry(now time.Time) simulator.Entry {
	b.age(now)
	e := simulator.Entry{Ref: b.id, Amount: b.amount, State: created, At: b.created}
	for _, value := range b.account {
		e.Account, _ = value.(string)
	}
	switch {
	case b.state == paidState || b.state == returningState:
		e.State = paid
	case b.state == cancelledState && !b.paid.IsZero():
		e.State, e.Refunded = refunded, b.amount
	case b.state == cancelledState:
		e.State = cancelled
	}
	return e
}

// newCode makes what a buyer's telephone shows: twenty digits, as Payme's samples begin.
func (c *company) newCode(a simulator.Action) (simulator.Report, error) {
	code, err := c.codes.Make("5050"+simulator.Digits(16), a.Params, c.w.Now())
	return simulator.Report{Ref: code.Text, State: created, Problems: []string{}}, err
}

// isSubscribe says whether a request is one of this API.
func (c *company) isSubscribe(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/api")
}
