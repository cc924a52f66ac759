// Package sim plays a box that sells Scan2pay's codes: /payment/qr_pay and its status, in the
// founding in-store document's envelope.
package sim

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

const (
	stepMake   = "qr_pay"
	stepStatus = "qr_pay.status"
)

type bill struct {
	id, order string
	amount    int64
	paid      bool
	at        time.Time
}

// link is what the QR reads.
func (x *bill) link() string { return "http://scan2pay.uz/" + x.id }

type box struct {
	world *simulator.World

	mu    sync.Mutex
	bills []*bill
}

// New returns a box that has shown no code yet.
func New(w *simulator.World) simulator.Simulator { return &box{world: w} }

// Info lists what can be done here.
func (b *box) Info() simulator.Info {
	return simulator.Info{Name: "scan2pay", Title: "Scan2pay", Actions: actions, Steps: []string{stepMake, stepStatus}}
}

// AddAccount does nothing: a box asks for no credentials.
func (b *box) AddAccount(simulator.Account) error { return nil }

// Tick does nothing: no expiry is known.
func (b *box) Tick(context.Context) {}

// Books lists every code, oldest first.
func (b *box) Books() []simulator.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]simulator.Entry, 0, len(b.bills))
	for _, x := range b.bills {
		e := simulator.Entry{Ref: x.id, Account: x.order, Amount: x.amount, State: "created", At: x.at}
		if x.paid {
			e.State = "paid"
		}
		out = append(out, e)
	}
	return out
}

// ServeHTTP is the box's API: HTTP 200 whatever it says.
func (b *box) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Trim(r.URL.Path, "/")
	step, do := stepMake, b.make
	switch {
	case r.Method == http.MethodPost && path == "payment/qr_pay":
	case r.Method == http.MethodPost && path == "payment/qr_pay/status":
		step, do = stepStatus, b.status
	default:
		http.NotFound(w, r)
		return
	}
	b.world.Serve(step, w, r, func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Amount int64           `json:"amount"`
			Order  json.RawMessage `json:"order_id"`
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
		order := ""
		if err == nil && json.Unmarshal(body, &in) == nil {
			order = strings.Trim(string(in.Order), `"`) // a text in one table and a number in another
		}
		if order == "" {
			write(w, nil, 104, "INVALID_ARGUMENT")
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		do(w, order, in.Amount)
	})
}

func write(w http.ResponseWriter, data any, code int, message string) {
	ans := map[string]any{"data": data, "error": nil, "is_success": code == 0}
	if code != 0 {
		ans["error"] = map[string]any{"code": code, "message": message, "data": nil}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(ans)
}

// make shows a code; the same order again has the same one.
func (b *box) make(w http.ResponseWriter, order string, amount int64) {
	if amount < 100 {
		write(w, nil, 104, "INVALID_ARGUMENT")
		return
	}
	var mine *bill
	for _, x := range b.bills {
		if x.order == order && x.amount == amount {
			mine = x
		}
	}
	if mine == nil {
		mine = &bill{id: uuid.NewString(), order: order, amount: amount, at: b.world.Now()}
		b.bills = append(b.bills, mine)
	}
	write(w, map[string]any{"status": "successfully", "message": mine.link()}, 0, "")
}

func (b *box) status(w http.ResponseWriter, order string, _ int64) {
	for _, x := range b.bills {
		if x.order == order && x.paid {
			write(w, map[string]any{
				"status": "successfully", "message": nil,
				"data": map[string]any{"uuid": x.id, "order_id": order, "device": "00000001", "status": "success"},
			}, 0, "")
			return
		}
	}
	write(w, nil, 105, `{"status":"error","message":"Transaction not found"}HTTP Exception 404 Not Found`)
}
