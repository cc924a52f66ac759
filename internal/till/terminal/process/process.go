// Package process drives a terminal through a program of somebody else's: one JSON object a line
// on its standard input and output. It is how a driver is written in another language, and how a
// 32-bit library of a vendor is reached from a 64-bit agent. docs/till-drivers.md has the lines,
// and a driver to copy.
package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/till/terminal"
	"github.com/chorsu/chorsu/internal/till/terminal/tree"
)

// maxLine bounds one line of the program's.
const maxLine = 1 << 20

// Driver runs a program as long as it lives, and anew after that.
type Driver struct {
	path     string
	args     []string
	log      *slog.Logger
	patience time.Duration
	caps     terminal.Caps

	mu       sync.Mutex
	child    *child
	current  string            // the operation that the program is at; "": none
	wished   bool              // to give up the one that is about to be told
	approved map[string]string // the operation that each approval was for, by what names it
}

type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan []byte // closed when the program has nothing more to say
	trace *trace
}

// request is a line to the program.
type request struct {
	Op      string    `json:"op"` // hello, probe, sale, void, return, last, report, close, cancel
	ID      string    `json:"id,omitempty"`
	Amount  pay.Tiyin `json:"amount,omitempty"` // tiyin
	Ref     string    `json:"ref,omitempty"`    // the RRN of what is undone, else the slip's number
	Receipt string    `json:"receipt,omitempty"`
}

// line is one from it: an event, or the result, which ends the exchange.
type line struct {
	Event  string  `json:"event"`
	Result *result `json:"result"`
}

type result struct {
	ID         string    `json:"id"`      // optional: of the request that it answers
	Outcome    string    `json:"outcome"` // approved, declined, not_started, unknown
	Code       string    `json:"code"`
	Note       string    `json:"note"`
	RRN        string    `json:"rrn"`
	Receipt    string    `json:"receipt"`
	Trace      string    `json:"trace"`
	Auth       string    `json:"auth"`
	TerminalID string    `json:"terminal_id"`
	Card       string    `json:"card"`
	Slip       string    `json:"slip"`
	Amount     pay.Tiyin `json:"amount"`
	Caps       []string  `json:"caps"`   // of hello: void, return, last, close, report
	None       bool      `json:"none"`   // of last: there has been none
	Kind       string    `json:"kind"`   // of last
	At         string    `json:"at"`     // of last: RFC 3339
	Totals     *totals   `json:"totals"` // of report and close
}

// totals are what the device holds of its open shift; amounts are tiyin.
type totals struct {
	Sales         int       `json:"sales"`
	SalesAmount   pay.Tiyin `json:"sales_amount"`
	Returns       int       `json:"returns"`
	ReturnsAmount pay.Tiyin `json:"returns_amount"`
}

// Open starts the program and asks what it can do. Options: path (required), args (parted by
// spaces), timeout (180s). What the program writes to its standard error goes into the log.
func Open(ctx context.Context, options map[string]string, log *slog.Logger) (*Driver, error) {
	d := &Driver{path: options["path"], args: strings.Fields(options["args"]), log: log, patience: 180 * time.Second}
	for key, value := range options {
		switch key {
		case "path", "args":
		case "timeout":
			var err error
			if d.patience, err = time.ParseDuration(value); err != nil || d.patience < time.Second {
				return nil, errors.New("timeout must be a duration from 1s")
			}
		default:
			return nil, fmt.Errorf("option %q is not known", key)
		}
	}
	if d.path == "" {
		return nil, errors.New("path is required")
	}
	r, _, err := d.ask(ctx, request{Op: "hello"}, 10*time.Second, nil)
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("the driver %s does not answer: %w", d.path, err)
	}
	for _, c := range r.Caps {
		switch c {
		case "void":
			d.caps.Void = true
		case "return":
			d.caps.Return = true
		case "last":
			d.caps.Last = true
		case "close":
			d.caps.Close = true
		case "report":
			d.caps.Shift = true
		case "cancel":
			d.caps.Cancel = true
		default:
			d.Close()
			return nil, fmt.Errorf("the driver says that it can %q, which is nothing we know", c)
		}
	}
	return d, nil
}

// Caps is what the program said at the start.
func (d *Driver) Caps() terminal.Caps { return d.caps }

// Probe asks whether the device can be reached.
func (d *Driver) Probe(ctx context.Context) error {
	r, _, err := d.ask(ctx, request{Op: "probe"}, 15*time.Second, nil)
	if err == nil && r.Outcome != string(terminal.Approved) {
		err = errors.New(r.Note)
	}
	return err
}

// Run does one operation. Whatever the program does wrong after the line was written is Unknown.
func (d *Driver) Run(ctx context.Context, op terminal.Operation, p terminal.Progress) terminal.Result {
	q := request{Op: string(op.Kind), ID: op.ID, Amount: op.Amount, Ref: op.RRN, Receipt: op.Receipt}
	if q.Ref == "" {
		q.Ref = op.Receipt
	}
	r, left, err := d.ask(ctx, q, d.patience, p)
	d.done()
	switch {
	case err != nil && !left:
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, err.Error())
	case err != nil:
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, err.Error())
	}
	out := r.result()
	if out.Outcome == terminal.Approved && out.Amount != 0 && out.Amount != op.Amount {
		return terminal.Failed(terminal.Unknown, out.Code, fmt.Sprintf("the driver approves %d tiyin, and %d were asked for", out.Amount, op.Amount))
	}
	if d.heardBefore(op, out) {
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, "the driver approves by the numbers of an earlier operation: "+out.RRN+", "+out.Receipt)
	}
	return out
}

// heardBefore says whether an approval is another operation's, told twice: the second time came late,
// and was read as the answer to this one. The program is ended then.
func (d *Driver) heardBefore(op terminal.Operation, r terminal.Result) bool {
	if r.Outcome != terminal.Approved || r.RRN == "" || r.Receipt == "" {
		return false
	}
	name := string(op.Kind) + " " + r.RRN + " " + r.Receipt
	d.mu.Lock()
	defer d.mu.Unlock()
	if first, ok := d.approved[name]; ok && first != op.ID {
		d.end()
		return true
	}
	if d.approved == nil || len(d.approved) > 1000 { // what is late is not that late
		d.approved = map[string]string{}
	}
	d.approved[name] = op.ID
	return false
}

// result reads the program's words; those that are none of ours are Unknown.
func (r result) result() terminal.Result {
	out := terminal.Result{
		Code: r.Code, Note: r.Note, RRN: r.RRN, Receipt: r.Receipt, Trace: r.Trace, Auth: r.Auth, TerminalID: r.TerminalID,
		MaskedPAN: terminal.Card(r.Card), Slip: terminal.Clean(r.Slip), Amount: r.Amount,
	}
	switch o := terminal.Outcome(r.Outcome); o {
	case terminal.Approved, terminal.Declined, terminal.NotStarted:
		out.Outcome = o
	default:
		out.Outcome = terminal.Unknown
	}
	return out
}

// Last asks for the last transaction.
func (d *Driver) Last(ctx context.Context) (terminal.Record, error) {
	r, _, err := d.ask(ctx, request{Op: "last"}, 30*time.Second, nil)
	if err != nil || r.None {
		return terminal.Record{None: err == nil}, err
	}
	out := r.result()
	if out.Outcome != terminal.Approved && out.Outcome != terminal.Declined {
		return terminal.Record{}, fmt.Errorf("the driver cannot tell the last transaction: %s", r.Note)
	}
	at, _ := time.Parse(time.RFC3339, r.At)
	return terminal.Record{
		Kind: terminal.Kind(r.Kind), Approved: out.Outcome == terminal.Approved, Code: out.Code, Amount: out.Amount, Receipt: out.Receipt,
		Trace: out.Trace, RRN: out.RRN, Auth: out.Auth, TerminalID: out.TerminalID, MaskedPAN: out.MaskedPAN, Slip: out.Slip, At: at,
	}, nil
}

// Report asks for one.
func (d *Driver) Report(ctx context.Context, kind terminal.ReportKind) terminal.Result {
	op := "report"
	if kind == terminal.ReportClose {
		op = "close"
	}
	r, left, err := d.ask(ctx, request{Op: op}, d.patience, nil)
	switch {
	case err != nil && !left:
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, err.Error())
	case err != nil:
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, err.Error())
	}
	out := r.result()
	if t := r.Totals; t != nil {
		out.Totals = &terminal.Totals{Sales: t.Sales, SalesAmount: t.SalesAmount, Returns: t.Returns, ReturnsAmount: t.ReturnsAmount}
	}
	return out
}

// Cancel writes the line beside the operation under way, and names it; it has no answer of its own.
func (d *Driver) Cancel(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	wished := d.wished
	if d.wished = true; wished || d.child == nil || d.current == "" {
		return nil // once is enough; and it is written when there is something to give up
	}
	return d.child.write(request{Op: "cancel", ID: d.current})
}

// done forgets the operation that was under way.
func (d *Driver) done() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.current, d.wished = "", false
}

// Close ends the program.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.end()
	return nil
}

// ─── The program ───────────────────────────────────────────────────────────────────────────

// ask writes a line and reads until the result. left: the line may have reached the program. With
// p it is a money command, journaled before it is written.
func (d *Driver) ask(ctx context.Context, q request, patience time.Duration, p terminal.Progress) (r result, left bool, err error) {
	c, err := d.running()
	if err != nil {
		return r, false, err
	}
	if p != nil {
		if err := p.Sent(); err != nil {
			return r, false, err
		}
	}
	if err := d.writeLine(c, q); err != nil {
		d.drop(c)
		return r, true, err
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		select {
		case b, ok := <-c.lines:
			if !ok {
				d.drop(c)
				return r, true, errors.New("the driver ended without a result")
			}
			var l line
			if err := json.Unmarshal(b, &l); err != nil {
				d.drop(c)
				return r, true, fmt.Errorf("the driver wrote a line that is not ours: %w", err)
			}
			if l.Result != nil && l.Result.ID != "" && l.Result.ID != q.ID {
				d.drop(c)
				return r, true, errors.New("the driver answers for another operation")
			}
			if l.Result != nil {
				return *l.Result, true, nil
			}
			if p != nil && l.Event != "" {
				p.Show(l.Event[:min(len(l.Event), 200)])
			}
		case <-limit.C:
			d.drop(c)
			return r, true, errors.New("the driver did not answer in time")
		case <-ctx.Done():
			d.drop(c)
			return r, true, ctx.Err()
		}
	}
}

func (d *Driver) writeLine(c *child, q request) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c.trace.begin()
	err := c.write(q)
	if d.current = q.ID; err == nil && q.ID != "" && d.wished {
		err = c.write(request{Op: "cancel", ID: q.ID})
	}
	return err
}

func (c *child) write(q request) error {
	b, err := json.Marshal(q)
	if err == nil {
		_, err = c.in.Write(append(b, '\n'))
	}
	return err
}

// running is the program, started where it is not.
func (d *Driver) running() (*child, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.child != nil {
		select {
		case _, ok := <-d.child.lines:
			// Nobody asked: the end of an exchange that we gave up, or the program's own.
			_ = ok
			d.end()
		default:
			return d.child, nil
		}
	}
	c := &child{cmd: exec.Command(d.path, d.args...), lines: make(chan []byte, 64), trace: &trace{log: d.log, room: traceLines}}
	tree.Own(c.cmd)
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.in, c.cmd.Stderr = in, c.trace
	c.cmd.WaitDelay = 2 * time.Second // for what it has started itself, and that still holds its standard error
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	tree.Started(c.cmd)
	go c.read(out)
	d.child = c
	return c, nil
}

func (c *child) read(out io.Reader) {
	s := bufio.NewScanner(out)
	s.Buffer(make([]byte, 0, 4096), maxLine)
	for s.Scan() {
		if b := s.Bytes(); len(b) > 0 {
			c.lines <- append([]byte(nil), b...)
		}
	}
	close(c.lines)
	c.cmd.Wait()
	c.trace.end()
}

// drop ends a program that can no longer be believed; the next exchange starts another.
func (d *Driver) drop(c *child) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.child == c {
		d.end()
	}
}

// end kills the program; the caller holds mu. What it still wrote is read away, so that its
// reader ends.
func (d *Driver) end() {
	c := d.child
	if d.child = nil; c == nil {
		return
	}
	c.in.Close()
	tree.Kill(c.cmd)
	go func() {
		for range c.lines {
		}
	}()
}
