// Package sim plays the vendor's CommandLineTool: a program that does one operation on the
// simulated device and leaves its files. A test runs it as a process of its own.
package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	Differs      Fault = "differs"    // closes, and the totals are not the bank's
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
	files, hang, err := Do(d, args, Fault(os.Getenv(FaultEnv)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if hang {
		time.Sleep(24 * time.Hour)
	}
	if err := Write(".", files); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Files are what the program leaves, by name.
type Files map[string][]byte

// Do does what args ask for and returns the files; hang: the program never ends.
func Do(d *device.Device, args []string, fault Fault) (files Files, hang bool, err error) {
	files = Files{}
	if fault == Idle {
		return files, false, nil
	}
	code, slip, receipt, err := operate(d, flags(args))
	if err != nil {
		return nil, false, err
	}
	switch fault {
	case WriteNothing:
		return files, false, nil
	case Hang:
		return nil, true, nil
	case Differs:
		if flags(args)['o'] == Close {
			code = "095"
		}
	case EmptyResult:
		code = ""
	case AutoCancel, HalfCancel:
		if err := d.Undo(receipt); err != nil {
			return nil, false, err
		}
		undo := "000"
		if fault == HalfCancel {
			undo = "998"
		}
		files["can_rc.out"], files["auto_can.out"] = encode(undo+" auto\n"), encode("ОТМЕНА\n")
	}
	files["cheq.out"], files["rc.out"] = encode(slip), encode(code)
	return files, false, nil
}

func encode(text string) []byte {
	b, err := charmap.Windows1251.NewEncoder().Bytes([]byte(text))
	if err != nil {
		return []byte("?")
	}
	return b
}

// Write leaves the files in a folder, the result last. Other names than the program's are refused.
func Write(dir string, files Files) error {
	for name := range files {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%q is no file of the program's", name)
		}
	}
	for _, name := range names {
		if b, there := files[name]; there {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

var names = []string{"can_rc.out", "auto_can.out", "cheq.out", "rc.out"}

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
	if d.Down() {
		return "999 no pinpad", "", 0, nil
	}
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
