// Package sim plays the vendor's CommandLineTool: a program that does one operation on the
// simulated device and leaves its files. A test runs it as a process of its own.
package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"

	device "github.com/chorsu/chorsu/internal/till/terminal/sim"
)

// The environment of the tool: the file in which the device remembers, and what goes wrong.
const (
	StateEnv = "ARCUS_SIM_STATE"
	FaultEnv = "ARCUS_SIM_FAULT"
)

// Fault is what goes wrong.
type Fault string

// The faults.
const (
	WriteNothing Fault = "nothing"    // performs, and leaves no file
	Idle         Fault = "idle"       // does nothing at all
	Hang         Fault = "hang"       // performs, and never ends
	EmptyResult  Fault = "empty"      // performs, and rc.out is empty
	AutoCancel   Fault = "autocancel" // performs, takes it back, and says so
	HalfCancel   Fault = "halfcancel" // performs, tries to take it back, and does not know
)

// The operation numbers that it knows.
const (
	Sale, Refund, Void, Report, Close = "1", "3", "4", "8", "11"
)

// Main is the program. It returns the exit code.
func Main(args []string) int {
	d, err := device.NewDevice(device.HUMO, os.Getenv(StateEnv), time.Now)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fault := Fault(os.Getenv(FaultEnv))
	if fault == Idle {
		return 0
	}
	code, slip, receipt, err := operate(d, flags(args))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch fault {
	case WriteNothing:
		return 0
	case Hang:
		select {}
	case EmptyResult:
		code = ""
	case AutoCancel, HalfCancel:
		if err := d.Undo(receipt); err != nil {
			return 1
		}
		undo := "000"
		if fault == HalfCancel {
			undo = "998"
		}
		write("can_rc.out", undo+" auto\n")
		write("auto_can.out", "ОТМЕНА\n")
	}
	write("cheq.out", slip)
	write("rc.out", code)
	return 0
}

func flags(args []string) map[byte]string {
	out := map[byte]string{}
	for _, a := range args {
		if len(a) > 2 && a[0] == '/' {
			out[a[1]] = a[2:]
		}
	}
	return out
}

// operate does one operation and returns what goes into the files.
func operate(d *device.Device, f map[byte]string) (code, slip string, receipt int, err error) {
	amount, _ := strconv.ParseInt(f['a'], 10, 64)
	var t device.Txn
	var fault int
	switch f['o'] {
	case Sale:
		t, fault, err = d.Sale(amount)
	case Refund:
		t, err = d.Back(f['r'], 0, amount, false)
	case Void:
		n, _ := strconv.Atoi(f['n'])
		t, err = d.Back("", n, amount, true)
	case Report:
		return "000", d.Report("Краткий отчет"), 0, nil
	case Close:
		slip, err = d.CloseShift()
		return "000 ОК", slip, 0, err
	default:
		return "902", "", 0, nil
	}
	if t.Receipt != 0 {
		slip = d.Slip(t)
	}
	if fault == 98 {
		return "998", "", t.Receipt, err
	}
	return t.Code + " " + strings.ToUpper("ok") + "\n", slip, t.Receipt, err
}

func write(name, text string) {
	b, err := charmap.Windows1251.NewEncoder().String(text)
	if err == nil {
		err = os.WriteFile(filepath.Join(".", name), []byte(b), 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
