// Package sim plays an F-Box's pinpad endpoints, with the simulated device behind them. It shares
// nothing with the agent, whose API it speaks.
package sim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	device "github.com/chorsu/chorsu/internal/till/terminal/sim"
)

// Box is the box.
type Box struct {
	Device  *device.Device
	Differs bool // at a closing the totals are not the bank's
	hangUp  atomic.Bool
}

// HangUp has the box perform the next operation and drop the call without an answer.
func (b *Box) HangUp() { b.hangUp.Store(true) }

type envelope struct {
	Data    any  `json:"data"`
	Error   any  `json:"error"`
	Success bool `json:"is_success"`
}

func (b *Box) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.Device.Down() {
		panic(http.ErrAbortHandler)
	}
	path := strings.TrimSuffix(r.URL.Path, "/")
	switch {
	case strings.HasSuffix(path, "_close"):
		text, err := b.Device.CloseShift()
		code := "000"
		if b.Differs {
			code = "095"
		}
		b.answer(w, path, device.Txn{Code: code}, text, err, nil)
	case strings.HasSuffix(path, "_shortreport"):
		b.answer(w, path, device.Txn{Code: "000"}, b.Device.Report("Краткий отчет"), nil, nil)
	case r.Method == http.MethodPost && (path == "/payment/xumo" || path == "/payment/uzcard"):
		b.money(w, r, path)
	default:
		http.NotFound(w, r)
	}
}

func (b *Box) money(w http.ResponseWriter, r *http.Request, path string) {
	var q struct {
		Amount  int64  `json:"amount"`
		Request string `json:"request_id"`
		Return  bool   `json:"is_return"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.Amount <= 0 {
		json.NewEncoder(w).Encode(envelope{Error: map[string]any{"code": 104, "message": "INVALID_ARGUMENT", "data": nil}})
		return
	}
	var t device.Txn
	var fault int
	var err error
	switch {
	case !q.Return:
		t, fault, err = b.Device.Sale(q.Amount)
	case len(q.Request) == 12:
		t, err = b.Device.Back(q.Request, 0, q.Amount, false)
	default:
		n, _ := strconv.Atoi(q.Request)
		t, err = b.Device.Back("", n, q.Amount, true)
	}
	if fault == 98 || b.hangUp.Swap(false) {
		panic(http.ErrAbortHandler)
	}
	text := ""
	if t.Receipt != 0 {
		text = b.Device.Slip(t)
	}
	b.answer(w, path, t, text, err, t.RRN)
}

func (b *Box) answer(w http.ResponseWriter, path string, t device.Txn, text string, err error, rrn any) {
	w.Header().Set("Content-Type", "application/json")
	e := envelope{Data: map[string]any{"message": text, "ppt_id": rrn}, Success: true}
	if t.Code != "000" && t.Code != "400" || err != nil {
		code, word := 108, "XUMO_ERROR"
		if strings.HasPrefix(path, "/payment/uzcard") {
			code, word = 109, "UZKARD_ERROR"
		}
		e = envelope{Error: map[string]any{"code": code, "message": word, "data": t.Code}}
	}
	json.NewEncoder(w).Encode(e)
}
