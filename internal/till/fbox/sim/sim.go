// Package sim plays an F-Box that sells UzQR: the national QR's codes are made, shown, paid,
// cancelled and given back. Its payloads are real-looking ones of qr-online.uz.
package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The steps at which faults can be set.
const (
	stepCreate = "one_qr.create"
	stepStatus = "one_qr.status"
	stepRefund = "one_qr.refund"
	stepOther  = "one_qr.other"
)

// The wire's own numbers for an invoice and for a refund.
const (
	waits  = 1
	done   = 2
	failed = 3
)

// invoice is one code. amount is tiyin.
type invoice struct {
	id, external, qr, payID, receipt string
	amount, returned                 int64
	status                           int
	at                               time.Time
}

// refund goes through after refundIn.
type refund struct {
	id      string
	of      *invoice
	amount  int64
	settled bool
	at      time.Time
}

const refundIn = 5 * time.Second

// box is the box. It holds a question for the status of a code that waits to be paid, and answers when
// something came of it.
type box struct {
	world *simulator.World
	hold  time.Duration

	mu       sync.Mutex
	invoices []*invoice
	refunds  []*refund
	held     int           // questions
	changed  chan struct{} // closed, and made anew, whenever something may have come of a code
}

// holds is how long the box holds a question: a real one for up to two minutes, this one for less than
// the program that it is part of gives a request when it stops.
const holds = 20 * time.Second

// New returns a box that has shown nothing yet.
func New(w *simulator.World) simulator.Simulator { return newBox(w, holds) }

// AtOnce is a box that holds no question: the status of a code that waits is told at once.
func AtOnce(w *simulator.World) simulator.Simulator { return newBox(w, 0) }

func newBox(w *simulator.World, hold time.Duration) *box {
	return &box{world: w, hold: hold, changed: make(chan struct{})}
}

// wait returns when there is something to say about a code, at the latest when its time is over or
// the till has gone.
func (b *box) wait(ctx context.Context, id string) {
	until := b.world.Now().Add(b.hold)
	b.mu.Lock()
	defer b.mu.Unlock()
	for ctx.Err() == nil {
		if x := b.find(id); x == nil || x.status != waits || !b.world.Now().Before(until) {
			return
		}
		b.held++
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		b.mu.Lock()
		b.held--
	}
}

// wake has all who wait look again. Under the lock.
func (b *box) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *box) Info() simulator.Info {
	return simulator.Info{Name: "fbox", Title: "F-Box (UzQR)", Actions: actions, Steps: []string{stepCreate, stepStatus, stepRefund, stepOther}}
}

func (b *box) AddAccount(simulator.Account) error { return nil }

// Tick settles refunds that are due, and lets those look at the clock who wait.
func (b *box) Tick(context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	b.wake()
}

func (b *box) settle() {
	for _, r := range b.refunds {
		if !r.settled && b.world.Now().Sub(r.at) >= refundIn {
			r.settled = true
		}
	}
}

func word(x *invoice) string {
	switch {
	case x.status == waits:
		return "created"
	case x.status == failed:
		return "refused"
	case x.returned == x.amount:
		return "refunded"
	}
	return "paid"
}

// Books lists every code, oldest first.
func (b *box) Books() []simulator.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]simulator.Entry, 0, len(b.invoices))
	for _, x := range b.invoices {
		out = append(out, simulator.Entry{Ref: x.id, Account: x.external, Amount: x.amount, Refunded: x.returned, State: word(x), At: x.at})
	}
	return out
}

// no is an error of the box.
type no struct {
	code    int
	message string
}

var (
	badParameter = &no{2001, "INVALID_PARAMETER"}
	notFound     = &no{3001, "INVOICE_NOT_FOUND"}
	alreadyPaid  = &no{3002, "ALREADY_PAID"}
	noPayment    = &no{4001, "PAYMENT_NOT_FOUND"}
)

// ServeHTTP is the box's API: HTTP 200 whatever it says.
func (b *box) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Trim(strings.TrimPrefix(r.URL.Path, "/payment/one_qr/"), "/")
	call, known := map[string]struct {
		method, step string
		do           func(map[string]string) (any, *no, bool)
	}{
		"create":        {http.MethodPost, stepCreate, b.create},
		"status":        {http.MethodGet, stepStatus, b.status},
		"receipt":       {http.MethodPost, stepOther, b.receipt},
		"cancel":        {http.MethodPost, stepOther, b.cancel},
		"refund":        {http.MethodPost, stepRefund, b.giveBack},
		"refund/status": {http.MethodGet, stepOther, b.refundStatus},
	}[path]
	if !known || r.Method != call.method {
		http.NotFound(w, r)
		return
	}
	b.world.Serve(call.step, w, r, func(w http.ResponseWriter, r *http.Request) {
		in := map[string]string{}
		for k, v := range r.URL.Query() {
			in[k] = v[0]
		}
		if body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10)); err == nil && len(body) > 0 {
			var raw map[string]json.RawMessage
			if json.Unmarshal(body, &raw) == nil {
				for k, v := range raw {
					in[k] = strings.Trim(string(v), `"`)
				}
			}
		}
		if path == "status" {
			b.wait(r.Context(), in["invoice_id"])
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.settle()
		data, refused, yes := call.do(in)
		ans := map[string]any{"data": data, "error": nil, "is_success": yes}
		if refused != nil {
			ans["error"] = map[string]any{"code": refused.code, "message": refused.message, "data": nil}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(ans)
	})
}

var soums = regexp.MustCompile(`^([0-9]{1,12})(?:\.([0-9]{2}))?$`)

func tiyin(text string) int64 {
	m := soums.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	whole, _ := strconv.ParseInt(m[1], 10, 64)
	part, _ := strconv.ParseInt("0"+m[2], 10, 64)
	return whole*100 + part
}

func (b *box) create(in map[string]string) (any, *no, bool) {
	amount := tiyin(in["amount"])
	if amount <= 0 || in["external_id"] == "" || len(in["external_id"]) > 20 {
		return nil, badParameter, false
	}
	id := strconv.Itoa(700_000 + len(b.invoices))
	x := &invoice{id: id, external: in["external_id"], amount: amount, status: waits, at: b.world.Now(), qr: payload(id, amount)}
	b.invoices = append(b.invoices, x)
	return map[string]any{"invoice_id": x.id, "qr_text": x.qr}, nil, true
}

// payload is a dynamic code of the scheme, with its checksum.
func payload(id string, amount int64) string {
	f := func(tag, value string) string { return fmt.Sprintf("%s%02d%s", tag, len(value), value) }
	sum := fmt.Sprintf("%d.%02d", amount/100, amount%100)
	text := f("00", "01") + f("01", "12") + f("40", f("00", "qr-online.uz")+f("01", id)) + f("52", "5411") + f("53", "860") + f("54", sum) +
		f("58", "UZ") + f("59", "NAMUNA") + f("60", "TASHKENT") + "6304"
	crc := uint16(0xffff)
	for _, c := range []byte(text) {
		for bit := 7; bit >= 0; bit-- {
			top := crc>>15 ^ uint16(c>>bit)&1
			crc <<= 1
			if top == 1 {
				crc ^= 0x1021
			}
		}
	}
	return text + fmt.Sprintf("%04X", crc)
}

func (b *box) find(id string) *invoice {
	for _, x := range b.invoices {
		if x.id == id || x.payID != "" && x.payID == id {
			return x
		}
	}
	return nil
}

// status of a declined code is the one answer that is no success and has no error.
func (b *box) status(in map[string]string) (any, *no, bool) {
	x := b.find(in["invoice_id"])
	if x == nil {
		return nil, notFound, false
	}
	data := map[string]any{"status": x.status, "pay_id": nil, "payer_phone": nil, "card_type": nil, "card_no": nil, "fiscal_module": "UZ170703100597"}
	if x.status == done {
		data["pay_id"], data["payer_phone"], data["card_type"], data["card_no"] = x.payID, "+998946532140", "2", "860014******3145"
	}
	return data, nil, x.status != failed
}

func (b *box) receipt(in map[string]string) (any, *no, bool) {
	x := b.find(in["pay_id"])
	if x == nil || x.status != done {
		return nil, noPayment, false
	}
	x.receipt = in["fiscal_receipt_url"]
	return map[string]any{"pay_id": x.payID, "fiscal_receipt_url": x.receipt}, nil, true
}

func (b *box) cancel(in map[string]string) (any, *no, bool) {
	switch x := b.find(in["invoice_id"]); {
	case x == nil:
		return nil, notFound, false
	case x.status == done:
		return nil, alreadyPaid, false
	default:
		x.status = failed
		b.wake()
		return map[string]any{"invoice_id": x.id}, nil, true
	}
}

func (b *box) giveBack(in map[string]string) (any, *no, bool) {
	x, amount := b.find(in["pay_id"]), tiyin(in["amount"])
	switch {
	case x == nil || x.status != done:
		return nil, noPayment, false
	case amount <= 0 || x.returned+amount > x.amount:
		return nil, badParameter, false
	}
	x.returned += amount
	if amount%100 == 98 { // as at the pinpads: done, and the answer says otherwise
		return nil, &no{9001, "UPSTREAM_ERROR"}, false
	}
	r := &refund{id: strconv.Itoa(800_000 + len(b.refunds)), of: x, amount: amount, at: b.world.Now()}
	b.refunds = append(b.refunds, r)
	return map[string]any{"refund_id": r.id, "status": waits}, nil, true
}

func (b *box) refundStatus(in map[string]string) (any, *no, bool) {
	for _, r := range b.refunds {
		if r.id != in["refund_id"] {
			continue
		}
		status := waits
		if r.settled {
			status = done
		}
		return map[string]any{"refund_id": r.id, "status": status}, nil, true
	}
	return nil, noPayment, false
}
