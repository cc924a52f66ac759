// Package sim plays a program of somebody else's that drives a pinpad: JSON lines on its input and
// output, and the simulated device behind them, which remembers in a file. A test runs it as a
// process of its own.
package sim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	device "github.com/chorsu/chorsu/internal/till/terminal/sim"
)

// request is a line to the program. Amount is tiyin.
type request struct {
	Op, ID, Ref string
	Amount      int64
}

type result map[string]any

// Main is the program; state is the file in which the device remembers. It returns the exit code
// when in ends, or when the device breaks.
func Main(state string, in io.Reader, out io.Writer) int {
	d, err := device.NewDevice(device.HUMO, state, time.Now)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	lines, told := bufio.NewScanner(in), json.NewEncoder(out)
	for lines.Scan() {
		var q request
		if json.Unmarshal(lines.Bytes(), &q) != nil {
			return 1
		}
		if q.Op == "sale" {
			told.Encode(map[string]string{"event": "card, please"})
		}
		if q.Op == "cancel" {
			continue // there is nothing to give up: the card is always there at once
		}
		r, err := answer(d, q)
		if err != nil {
			return 1
		}
		told.Encode(map[string]any{"result": r})
	}
	return 0
}

// answer does what one line asks for. An error is the end of the program, without an answer.
func answer(d *device.Device, q request) (result, error) {
	switch q.Op {
	case "hello":
		return result{"outcome": "approved", "caps": []string{"void", "return", "last", "close", "report"}}, nil
	case "probe":
		return result{"outcome": "approved"}, nil
	case "report":
		return result{"outcome": "approved", "code": "000", "slip": d.Report("Краткий отчет")}, nil
	case "close":
		sales, returns, sold, returned := d.Totals()
		text, err := d.CloseShift()
		return result{"outcome": "approved", "code": "000", "slip": text, "totals": result{
			"sales": sales, "sales_amount": sold, "returns": returns, "returns_amount": returned,
		}}, err
	case "last":
		t, ok := d.Last()
		if !ok {
			return result{"none": true}, nil
		}
		return told(d, t), nil
	case "sale":
		t, fault, err := d.Sale(q.Amount)
		if fault == 98 {
			err = io.ErrUnexpectedEOF
		}
		return told(d, t), err
	case "void", "return":
		n, _ := strconv.Atoi(q.Ref)
		rrn := ""
		if len(q.Ref) == 12 {
			rrn = q.Ref
		}
		t, err := d.Back(rrn, n, q.Amount, q.Op == "void")
		return told(d, t), err
	}
	return result{"outcome": "not_started", "code": "902"}, nil
}

// told is a transaction as the program tells it.
func told(d *device.Device, t device.Txn) result {
	r := result{"outcome": "declined", "code": t.Code, "amount": t.Amount, "kind": t.Kind}
	if t.Receipt != 0 {
		r["outcome"], r["rrn"], r["receipt"], r["trace"], r["slip"] = "approved", t.RRN, fmt.Sprint(t.Receipt), fmt.Sprint(t.Trace), d.Slip(t)
		r["terminal_id"] = d.TerminalID
	}
	return r
}
