package sim

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/till/terminal"
)

// Driver drives a Device in memory.
type Driver struct {
	Device *Device

	// LinkBack is after how long a lost link comes back by itself; 0: when somebody calls Pull.
	LinkBack time.Duration

	// Card, where set, is called while the buyer is asked for the card; a test's hand on the
	// device. An error is the context's.
	Card func(ctx context.Context) error

	mu   sync.Mutex
	stop context.CancelFunc // of the operation under way
}

var errDown = errors.New("the pinpad does not answer")

// Caps: all of them.
func (d *Driver) Caps() terminal.Caps {
	return terminal.Caps{Void: true, Return: true, Last: true, Close: true, Shift: true, Cancel: true}
}

// Probe says whether the cable is in.
func (d *Driver) Probe(context.Context) error {
	if d.Device.Down() {
		return errDown
	}
	return nil
}

// Run does an operation.
func (d *Driver) Run(ctx context.Context, op terminal.Operation, p terminal.Progress) terminal.Result {
	if d.Device.Down() || op.Amount%100 == 99 {
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, "no link to the pinpad")
	}
	if err := p.Sent(); err != nil {
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, err.Error())
	}
	p.Show("Insert, tap or swipe the card")
	if r := d.card(ctx); r.Outcome != "" {
		return r
	}
	t, fault, err := d.act(op)
	if err != nil {
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, err.Error())
	}
	if fault == 98 {
		d.lose()
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, "the link to the pinpad was lost")
	}
	res := d.record(t).Result()
	res.Outcome = terminal.Classify(op.Kind, t.Code)
	return res
}

// card waits for the buyer's card. A result with an Outcome is that there was none.
func (d *Driver) card(ctx context.Context) (r terminal.Result) {
	if d.Card == nil {
		return r
	}
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	d.hold(stop)
	defer d.hold(nil)
	switch err := d.Card(waiting); {
	case err == nil:
		return r
	case waiting.Err() != nil && ctx.Err() == nil:
		return terminal.Failed(terminal.Declined, terminal.CodeAborted, "given up before the card")
	default:
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, err.Error())
	}
}

func (d *Driver) hold(stop context.CancelFunc) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stop = stop
}

func (d *Driver) act(op terminal.Operation) (Txn, int, error) {
	if op.Kind == terminal.Sale {
		return d.Device.Sale(int64(op.Amount))
	}
	receipt, _ := strconv.Atoi(op.Receipt)
	t, err := d.Device.Back(op.RRN, receipt, int64(op.Amount), op.Kind == terminal.Void)
	return t, 0, err
}

func (d *Driver) lose() {
	d.Device.Pull(true)
	if d.LinkBack > 0 {
		time.AfterFunc(d.LinkBack, func() { d.Device.Pull(false) })
	}
}

// record is a transaction as the device tells it.
func (d *Driver) record(t Txn) terminal.Record {
	r := terminal.Record{
		Kind: terminal.Kind(t.Kind), Approved: t.Receipt != 0, Code: t.Code, Amount: pay.Tiyin(t.Amount), RRN: t.RRN,
		TerminalID: d.Device.TerminalID, At: t.At,
	}
	if t.Receipt != 0 {
		r.Receipt, r.Trace, r.Auth = fmt.Sprint(t.Receipt), fmt.Sprintf("%06d", t.Trace), "635842"
		r.Slip = d.Device.Slip(t)
		r.MaskedPAN = "986009******7856"
		if d.Device.Style == UzCard {
			r.MaskedPAN, r.Auth = "626291******5674", ""
		}
	}
	return r
}

// Last is the device's last transaction.
func (d *Driver) Last(context.Context) (terminal.Record, error) {
	if d.Device.Down() {
		return terminal.Record{}, errDown
	}
	t, ok := d.Device.Last()
	if !ok {
		return terminal.Record{None: true}, nil
	}
	return d.record(t), nil
}

// Report prints the shift's totals.
func (d *Driver) Report(_ context.Context, kind terminal.ReportKind) terminal.Result {
	if d.Device.Down() {
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, errDown.Error())
	}
	sales, returns, sold, returned := d.Device.Totals()
	res := terminal.Result{
		Outcome: terminal.Approved, Code: terminal.CodeOK, TerminalID: d.Device.TerminalID,
		Totals: &terminal.Totals{Sales: sales, SalesAmount: pay.Tiyin(sold), Returns: returns, ReturnsAmount: pay.Tiyin(returned)},
	}
	if kind == terminal.ReportShift {
		res.Slip = d.Device.Report("Краткий отчет")
		return res
	}
	var err error
	if res.Slip, err = d.Device.CloseShift(); err != nil {
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, err.Error())
	}
	return res
}

// Cancel gives up while the buyer looks for the card; without Card it is always there at once.
func (d *Driver) Cancel(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stop != nil {
		d.stop()
	}
	return nil
}

// Open makes a driver as the configuration describes it. Options: style (humo or uzcard), state
// (the file in which the device remembers), link_back (a duration, 10s), card (how long the buyer
// looks for the card, 0s).
func Open(options map[string]string, now func() time.Time) (*Driver, error) {
	style, link, card := HUMO, 10*time.Second, time.Duration(0)
	for key, value := range options {
		switch key {
		case "style":
			if style = strings.ToLower(value); style != HUMO && style != UzCard {
				return nil, fmt.Errorf("style must be %s or %s", HUMO, UzCard)
			}
		case "state":
		case "link_back":
			var err error
			if link, err = time.ParseDuration(value); err != nil {
				return nil, fmt.Errorf("link_back: %w", err)
			}
		case "card":
			var err error
			if card, err = time.ParseDuration(value); err != nil || card < 0 || card > time.Minute {
				return nil, errors.New("card must be a duration of up to 1m")
			}
		default:
			return nil, fmt.Errorf("option %q is not known", key)
		}
	}
	d, err := NewDevice(style, options["state"], now)
	if err != nil {
		return nil, err
	}
	driver := &Driver{Device: d, LinkBack: link}
	if card > 0 {
		driver.Card = func(ctx context.Context) error { return after(ctx, card) }
	}
	return driver, nil
}

func after(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
