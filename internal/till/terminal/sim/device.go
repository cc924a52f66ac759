// Package sim is a card terminal that is not there: a device with a bank behind it, driven in
// memory. The simulators of the real wires are built around the same device, so that what it
// holds can be compared whatever the wire.
//
// What a sale comes to is decided by the last two digits of its amount in tiyin: 16 and 17 are
// declined by the bank (116, 117), 92 is given up by the cashier, 84 finds the device busy, 99 the
// pinpad absent, and 98 is performed and its answer lost. All others are approved.
package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// The styles of a device: whose terminal it is.
const (
	HUMO   = "humo"
	UzCard = "uzcard"
)

// Txn is one transaction in the device's own journal. Amounts are tiyin.
type Txn struct {
	Kind     string    `json:"kind"` // sale, void or return
	Amount   int64     `json:"amount"`
	Receipt  int       `json:"receipt"`
	Trace    int       `json:"trace"`
	RRN      string    `json:"rrn"`
	Shift    int       `json:"shift"`
	Code     string    `json:"code"`
	Of       int       `json:"of,omitempty"`       // the receipt that a void or return is of
	Returned int64     `json:"returned,omitempty"` // of a sale: what was given back
	Reversed bool      `json:"reversed,omitempty"` // undone by the device itself
	At       time.Time `json:"at"`
}

// state is what the device remembers when its power is cut.
type state struct {
	Shift   int   `json:"shift"`
	Receipt int   `json:"receipt"` // the next one
	Trace   int   `json:"trace"`
	RRN     int64 `json:"rrn"`
	Txns    []Txn `json:"txns"`
}

// Device is the terminal and the bank behind it.
type Device struct {
	Style      string
	TerminalID string
	now        func() time.Time
	path       string

	mu   sync.Mutex
	s    state
	down bool // the cable is pulled
	runs int  // money commands that reached it
}

// NewDevice makes one. path is the file in which it remembers; "" forgets.
func NewDevice(style, path string, now func() time.Time) (*Device, error) {
	d := &Device{Style: style, TerminalID: "09110004", now: now, path: path}
	if style == UzCard {
		d.TerminalID = "00000166"
	}
	d.Forget()
	if path == "" {
		return d, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &d.s)
	}
	return d, err
}

// Forget makes the device new: a shift has begun, nothing was sold, and the cable is in.
func (d *Device) Forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.s, d.down, d.runs = state{Shift: 4, Receipt: 340, Trace: 123, RRN: 408005356147}, false, 0
	if d.Style == UzCard {
		d.s.RRN, d.s.Receipt = 10965628751, 474
	}
}

// save makes what was done last; the caller holds mu.
func (d *Device) save() error {
	if d.path == "" {
		return nil
	}
	b, err := json.Marshal(d.s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(d.path+".new", d.path)
}

// Pull pulls the cable, or puts it back.
func (d *Device) Pull(out bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = out
}

// Down says whether the cable is out.
func (d *Device) Down() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.down
}

// Runs is how many money commands reached the device.
func (d *Device) Runs() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.runs
}

// Txns is the device's journal: approved transactions, those reversed included.
func (d *Device) Txns() []Txn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.s.Txns)
}

func (d *Device) shift() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.s.Shift
}

// Total is the money that the device holds for the shop: sales less what went back.
func (d *Device) Total() (sum int64) {
	for _, t := range d.Txns() {
		switch {
		case t.Reversed:
		case t.Kind == "sale":
			sum += t.Amount
		default:
			sum -= t.Amount
		}
	}
	return sum
}

// Sale takes money. A Code other than 000 is a refusal, and nothing is kept; fault is 98 or 99
// where the amount asks for a broken link.
func (d *Device) Sale(amount int64) (t Txn, fault int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.runs++
	t = Txn{Kind: "sale", Amount: amount, Shift: d.s.Shift, At: d.now()}
	switch last := amount % 100; last {
	case 16, 17:
		t.Code = strconv.FormatInt(100+last, 10)
	case 92:
		t.Code = "992"
	case 84:
		t.Code = "984"
	case 98:
		fault = 98
		t.Code = "000"
	default:
		t.Code = "000"
	}
	if t.Code != "000" {
		return t, 0, nil
	}
	d.number(&t)
	d.s.Txns = append(d.s.Txns, t)
	return t, fault, d.save()
}

// number gives a transaction its numbers; the caller holds mu.
func (d *Device) number(t *Txn) {
	t.Receipt, t.Trace, t.RRN = d.s.Receipt, d.s.Trace, fmt.Sprintf("%012d", d.s.RRN)
	d.s.Receipt = d.s.Receipt%9999 + 1
	d.s.Trace = d.s.Trace%999999 + 1
	d.s.RRN++
}

// Back gives money back: of the sale with this RRN or, in the open shift, this receipt. whole is
// a void, which undoes all of it.
func (d *Device) Back(rrn string, receipt int, amount int64, whole bool) (Txn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.runs++
	t := Txn{Kind: "return", Amount: amount, Shift: d.s.Shift, At: d.now()}
	if whole {
		t.Kind = "void"
	}
	i := slices.IndexFunc(d.s.Txns, func(o Txn) bool {
		return o.Kind == "sale" && !o.Reversed &&
			(rrn != "" && o.RRN == rrn || rrn == "" && o.Receipt == receipt && o.Shift == d.s.Shift)
	})
	if t.Code = d.refusal(i, amount); t.Code != "" {
		return t, nil
	}
	t.Code = "000"
	if d.Style == HUMO {
		t.Code = "400"
	}
	d.s.Txns[i].Returned += amount
	t.Of = d.s.Txns[i].Receipt
	d.number(&t)
	d.s.Txns = append(d.s.Txns, t)
	return t, d.save()
}

// refusal is why amount cannot go back on sale i, "" if it can; the caller holds mu.
func (d *Device) refusal(i int, amount int64) string {
	if i < 0 {
		return "914"
	}
	switch sale := d.s.Txns[i]; {
	case sale.Shift != d.s.Shift && d.Style == HUMO:
		return "914"
	case sale.Returned == sale.Amount:
		return "218"
	case sale.Returned+amount > sale.Amount:
		return "235"
	}
	return ""
}

// Free gives money back without a sale to name, as a terminal does on which a card is presented.
func (d *Device) Free(amount int64) (Txn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.runs++
	t := Txn{Kind: "return", Amount: amount, Shift: d.s.Shift, At: d.now(), Code: "000"}
	d.number(&t)
	d.s.Txns = append(d.s.Txns, t)
	return t, d.save()
}

// Undo is the device's own reversal of a transaction whose answer nobody acknowledged.
func (d *Device) Undo(receipt int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.s.Txns {
		t := &d.s.Txns[i]
		if t.Receipt != receipt || t.Reversed {
			continue
		}
		t.Reversed = true
		for j := range d.s.Txns {
			if t.Of != 0 && d.s.Txns[j].Receipt == t.Of && d.s.Txns[j].Kind == "sale" {
				d.s.Txns[j].Returned -= t.Amount
			}
		}
	}
	return d.save()
}

// Last is the last transaction that stands.
func (d *Device) Last() (Txn, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := len(d.s.Txns) - 1; i >= 0; i-- {
		if !d.s.Txns[i].Reversed {
			return d.s.Txns[i], true
		}
	}
	return Txn{}, false
}

// CloseShift ends the shift and returns its report.
func (d *Device) CloseShift() (string, error) {
	text := d.Report("Отчет закрытия смены")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.s.Shift++
	return text, d.save()
}
