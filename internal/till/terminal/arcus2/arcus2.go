// Package arcus2 drives the pinpads that Uzbek desks have (Ingenico, HUMO and UzCard alike)
// through the vendor's own CommandLineTool: one run of the program an operation, its result in
// files.
//
// The files of an earlier run are the danger here: another buyer's approval, taken for this one's.
// So they are deleted before each run, one run at a time is made in the folder, whoever starts it, and
// afterwards only those files are believed that are newer than its start. The tool tells nothing about the last transaction in a form that may be believed, so
// what is unknown stays so until a person has looked at the terminal.
//
// Operation numbers come from each bank's ops.ini and differ; they are options. It is not proved
// on hardware.
package arcus2

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/chorsu/chorsu/internal/till/terminal"
	"github.com/chorsu/chorsu/internal/till/terminal/tree"
)

// The files of a run, in the tool's folder.
const (
	resultFile = "rc.out"
	slipFile   = "cheq.out"
	undoSlip   = "auto_can.out"
	undoResult = "can_rc.out" // there when the tool has cancelled by itself
)

// maxFile bounds what is read of one of them.
const maxFile = 256 << 10

// Driver runs the tool.
type Driver struct {
	path, dir string
	args      []string          // before the tool's own: path may be what runs it
	ops       map[string]string // by option: sale, refund, …; "" or none: the bank has no such operation
	currency  string
	rrnFlag   string
	slipFlag  string
	charset   *charmap.Charmap
	patience  time.Duration
}

// Open makes a driver. Options: path and dir (required); args (parted by spaces, put before the
// tool's own, where path is a program that runs it); the operation numbers sale (required),
// refund, void, close and report; currency (860); charset (cp1251, cp866); rrn_flag (/r) and
// receipt_flag (/n), how the tool is told what is undone; timeout (180s). The option last is
// accepted and not used.
func Open(options map[string]string) (*Driver, error) {
	d := &Driver{ops: map[string]string{}, currency: "860", rrnFlag: "/r", slipFlag: "/n", charset: charmap.Windows1251, patience: 180 * time.Second}
	for key, value := range options {
		if err := d.set(key, value); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if d.path == "" || d.dir == "" || d.ops["sale"] == "" {
		return nil, errors.New("path, dir and sale are required")
	}
	return d, nil
}

func (d *Driver) set(key, value string) error {
	switch key {
	case "path":
		d.path = value
	case "args":
		d.args = strings.Fields(value)
	case "dir":
		d.dir = value
	case "sale", "refund", "void", "close", "report", "last":
		if n, err := strconv.Atoi(value); err != nil || n < 0 {
			return errors.New("must be an operation's number of ops.ini")
		}
		d.ops[key] = value
	case "currency":
		d.currency = value
	case "rrn_flag":
		d.rrnFlag = value
	case "receipt_flag":
		d.slipFlag = value
	case "charset":
		set, ok := map[string]*charmap.Charmap{"cp1251": charmap.Windows1251, "cp866": charmap.CodePage866}[strings.ToLower(value)]
		if !ok {
			return errors.New("must be cp1251 or cp866")
		}
		d.charset = set
	case "timeout":
		var err error
		if d.patience, err = time.ParseDuration(value); err != nil || d.patience < time.Second {
			return errors.New("must be a duration from 1s")
		}
	default:
		return errors.New("no such option")
	}
	return nil
}

// Caps: what the bank's operations allow. Never Last.
func (d *Driver) Caps() terminal.Caps {
	return terminal.Caps{Void: d.ops["void"] != "", Return: d.ops["refund"] != "", Close: d.ops["close"] != "", Shift: d.ops["report"] != ""}
}

// Probe looks whether the tool is there.
func (d *Driver) Probe(context.Context) error {
	if filepath.Base(d.path) == d.path {
		_, err := exec.LookPath(d.path)
		return err
	}
	info, err := os.Stat(d.path)
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder", d.path)
	}
	return err
}

// Run does one operation.
func (d *Driver) Run(ctx context.Context, op terminal.Operation, p terminal.Progress) terminal.Result {
	args, err := d.arguments(op)
	if err != nil {
		return terminal.Failed(terminal.NotStarted, "902", err.Error())
	}
	r := d.tool(ctx, args, func() error {
		if err := p.Sent(); err != nil {
			return err
		}
		p.Show("Insert, tap or swipe the card")
		return nil
	})
	if r.Outcome != "" {
		return r
	}
	r.Outcome, r.Amount = terminal.Classify(op.Kind, r.Code), op.Amount
	if r.Outcome != terminal.Approved {
		r.RRN, r.Receipt = "", ""
	}
	if r.Outcome == terminal.NotStarted && r.Slip != "" {
		r.Outcome = terminal.Unknown // busy, and yet it printed
	}
	return d.undone(r)
}

func (d *Driver) arguments(op terminal.Operation) ([]string, error) {
	number, extra := d.ops["sale"], ""
	switch {
	case op.Kind == terminal.Void || op.Kind == terminal.Return && op.RRN == "":
		number, extra = d.ops["void"], d.slipFlag+op.Receipt
	case op.Kind == terminal.Return:
		number, extra = d.ops["refund"], d.rrnFlag+op.RRN
	}
	if number == "" {
		return nil, fmt.Errorf("ops.ini has no operation for a %s; set its number", op.Kind)
	}
	args := []string{"/o" + number, "/a" + strconv.FormatInt(int64(op.Amount), 10), "/c" + d.currency}
	if extra != "" {
		args = append(args, extra)
	}
	return args, nil
}

// AtWork says whether a run of the tool goes on, that of an agent which died or of another one: what
// it was asked for may be performed still.
func (d *Driver) AtWork() bool { return tree.Busy(d.dir) }

// tool runs the program and reads its files. A tool that has outlived the agent which started it is at
// the pinpad still, and would leave its buyer's result for this one's: it is waited for, by a person. A result with an Outcome is final, one without has
// a code to be read.
func (d *Driver) tool(ctx context.Context, args []string, sent func() error) terminal.Result {
	lock, err := tree.Take(d.dir)
	if err != nil {
		code := terminal.CodeAbsent
		if errors.Is(err, tree.ErrBusy) {
			code = terminal.CodeBusy
		}
		return terminal.Failed(terminal.NotStarted, code, err.Error())
	}
	defer lock.Free()
	for _, name := range []string{resultFile, slipFile, undoSlip, undoResult} {
		if err := os.Remove(filepath.Join(d.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, "an earlier run's "+name+" cannot be deleted: "+err.Error())
		}
	}
	started, err := d.mark()
	if err != nil {
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, err.Error())
	}
	if err := sent(); err != nil {
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, err.Error())
	}
	ctx, stop := context.WithTimeout(ctx, d.patience)
	defer stop()
	cmd := exec.CommandContext(ctx, d.path, append(slices.Clone(d.args), args...)...)
	cmd.Dir = d.dir
	tree.Own(cmd)
	lock.Give(cmd)
	cmd.Cancel = func() error { return tree.Kill(cmd) }
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Start(); err != nil {
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, err.Error())
	}
	tree.Started(cmd)
	ended := cmd.Wait() // its exit code says nothing that the files do not
	code, err := d.read(resultFile, started)
	if len(code) < 3 || err != nil {
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, fmt.Sprintf("the tool left no result (%v, %v)", ended, err))
	}
	r := terminal.Result{Code: code[:3], Note: strings.TrimSpace(firstLine(code[3:]))}
	slip, err := d.read(slipFile, started)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.Note += " (slip: " + err.Error() + ")"
	}
	r.Slip = terminal.Clean(slip)
	r.RRN, r.Receipt, r.TerminalID = terminal.RRNOn(r.Slip), terminal.ReceiptOn(r.Slip), terminal.TerminalOn(r.Slip)
	return r
}

// mark is the time of the folder's own file system at the start: files are compared with it and
// not with this machine's clock, which may differ on a network drive.
func (d *Driver) mark() (time.Time, error) {
	f, err := os.CreateTemp(d.dir, "chorsu-*.start")
	if err != nil {
		return time.Time{}, err
	}
	name := f.Name()
	f.Close()
	defer os.Remove(name)
	info, err := os.Stat(name)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// read reads one of the run's files. One from before the start is none.
func (d *Driver) read(name string, started time.Time) (string, error) {
	path := filepath.Join(d.dir, name)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case info.ModTime().Before(started):
		return "", fmt.Errorf("%s is from before this run: %w", name, fs.ErrNotExist)
	case info.Size() > maxFile:
		return "", fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	plain, err := d.charset.NewDecoder().Bytes(raw)
	return string(plain), err
}

// undone looks whether the tool has cancelled the operation by itself, which it does where it
// could not finish it.
func (d *Driver) undone(r terminal.Result) terminal.Result {
	code, err := d.read(undoResult, time.Time{}) // it was deleted before the run
	if errors.Is(err, fs.ErrNotExist) {
		return r
	}
	slip, _ := d.read(undoSlip, time.Time{})
	r.Slip += terminal.Clean(slip)
	r.RRN, r.Receipt = "", ""
	if err == nil && len(code) >= 3 && terminal.Classify(terminal.Void, code[:3]) == terminal.Approved {
		r.Outcome, r.Note = terminal.Declined, "the terminal took the operation back by itself: "+code[:3]
		if r.Code == terminal.CodeOK {
			r.Code = "206"
		}
		return r
	}
	r.Outcome, r.Note = terminal.Unknown, "the terminal tried to take the operation back and did not say that it has"
	return r
}

// Last is not to be had: see Caps.
func (d *Driver) Last(context.Context) (terminal.Record, error) {
	return terminal.Record{}, errors.New("arcus2: the tool does not tell the last transaction in a form that may be believed")
}

// Report runs the closing or the short report.
func (d *Driver) Report(ctx context.Context, kind terminal.ReportKind) terminal.Result {
	number := d.ops["report"]
	if kind == terminal.ReportClose {
		number = d.ops["close"]
	}
	if number == "" {
		return terminal.Failed(terminal.NotStarted, "902", "ops.ini's number for this report is not set")
	}
	r := d.tool(ctx, []string{"/o" + number, "/a0", "/c" + d.currency}, func() error { return nil })
	if r.Outcome == "" {
		r.Outcome, r.RRN = terminal.ClassifyReport(r.Code), ""
	}
	return r
}

// Cancel does nothing: the tool has no such operation while it runs; the pinpad's red key has.
func (d *Driver) Cancel(context.Context) error { return nil }

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
