package process

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/till/terminal"
)

type journal struct{ sent, shown int }

func (j *journal) Sent() error                    { j.sent++; return nil }
func (j *journal) Answered(terminal.Result) error { return nil }
func (j *journal) Show(string)                    { j.shown++ }

// python writes a program and opens a driver on it, which waits so long for each answer.
func python(t *testing.T, text, timeout string) (*Driver, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "driver.py")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), map[string]string{"path": "python3", "args": path, "timeout": timeout}, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Cleanup(func() { d.Close() })
	}
	return d, err
}

// The driver that the documentation shows does all that it says.
func TestDocumentedDriver(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/till-drivers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "```python\n")
	text, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatal("the page shows no driver")
	}
	d, err := python(t, text, "1m")
	if err != nil {
		t.Fatal(err)
	}
	if d.Caps() != (terminal.Caps{Void: true, Return: true, Last: true, Close: true, Shift: true}) {
		t.Errorf("%+v", d.Caps())
	}
	if err := d.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if last, err := d.Last(t.Context()); err != nil || !last.None {
		t.Errorf("%+v %v", last, err)
	}
	j := &journal{}
	r := d.Run(t.Context(), terminal.Operation{ID: "1", Kind: terminal.Sale, Amount: 50000}, j)
	if r.Outcome != terminal.Approved || r.RRN != "408005356147" || r.Receipt != "340" || r.Slip != "ОДОБРЕНО\n" || j.sent != 1 || j.shown != 1 {
		t.Errorf("%+v %+v", r, j)
	}
	last, err := d.Last(t.Context())
	if err != nil || !last.Approved || last.Amount != 50000 || last.Receipt != "340" || last.Kind != terminal.Sale {
		t.Errorf("%+v %v", last, err)
	}
	if r := d.Report(t.Context(), terminal.ReportClose); r.Outcome != terminal.Approved || r.Slip != "Итоги совпали\n" {
		t.Errorf("%+v", r)
	}
}

// What a program does wrong after a money command is unknown, and never an approval.
func TestBadPrograms(t *testing.T) {
	const hello = "import sys, json\nsys.stdin.readline()\nprint('{\"result\":{\"outcome\":\"approved\",\"caps\":[]}}', flush=True)\nsys.stdin.readline()\n"
	for name, end := range map[string]string{
		"ends":            "",
		"writes no JSON":  "print('approved', flush=True)\nsys.stdin.readline()\n",
		"says nothing":    "sys.stdin.readline()\n",
		"another outcome": "print('{\"result\":{\"outcome\":\"APPROVED\"}}', flush=True)\nsys.stdin.readline()\n",
		"another amount":  "print('{\"result\":{\"outcome\":\"approved\",\"code\":\"000\",\"amount\":60000}}', flush=True)\nsys.stdin.readline()\n",
		"a text amount":   "print('{\"result\":{\"outcome\":\"approved\",\"amount\":\"50000\"}}', flush=True)\nsys.stdin.readline()\n",
	} {
		t.Run(name, func(t *testing.T) {
			d, err := python(t, hello+end, map[bool]string{true: "5s", false: "1m"}[name == "says nothing"])
			if err != nil {
				t.Fatal(err)
			}
			j := &journal{}
			if r := d.Run(t.Context(), terminal.Operation{ID: "1", Kind: terminal.Sale, Amount: 50000}, j); r.Outcome != terminal.Unknown || j.sent != 1 {
				t.Errorf("%+v %+v", r, j)
			}
		})
	}
	if _, err := python(t, "raise SystemExit(1)", "1m"); err == nil {
		t.Error("a program that ends at once is a driver")
	}
	if _, err := Open(t.Context(), map[string]string{"path": filepath.Join(t.TempDir(), "nothing")}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no program is a driver")
	}
}

// A result that is told twice is not the next sale's approval: not where it names its request, and
// not where its numbers are those of the sale before.
func TestLateResult(t *testing.T) {
	const program = `import sys, json
for line in sys.stdin:
    q = json.loads(line)
    r = {"outcome": "approved", "caps": []}
    if q["op"] == "sale":
        r = {"outcome": "approved", "code": "000", "rrn": "408005356147", "receipt": "340"}
        if NAMED: r["id"] = "1"
    print(json.dumps({"result": r}), flush=True)
`
	for _, named := range []string{"True", "False"} {
		d, err := python(t, strings.ReplaceAll(program, "NAMED", named), "5s") // the second sale waits all of it
		if err != nil {
			t.Fatal(err)
		}
		if r := d.Run(t.Context(), terminal.Operation{ID: "1", Kind: terminal.Sale, Amount: 50000}, &journal{}); r.Outcome != terminal.Approved {
			t.Errorf("named %s: %+v", named, r)
		}
		if r := d.Run(t.Context(), terminal.Operation{ID: "2", Kind: terminal.Sale, Amount: 60000}, &journal{}); r.Outcome != terminal.Unknown || r.RRN != "" {
			t.Errorf("named %s, the next sale: %+v", named, r)
		}
	}
}

// A wish to stop names the operation under way, also where it comes before the program was told of it.
func TestCancel(t *testing.T) {
	d, err := python(t, `import sys, json
for line in sys.stdin:
    q = json.loads(line)
    r = {"outcome": "approved", "caps": ["cancel"]}
    if q["op"] == "sale":
        print(json.dumps({"event": "card, please"}), flush=True)
        c = json.loads(sys.stdin.readline())
        r = {"outcome": "declined" if c == {"op": "cancel", "id": q["id"]} else "unknown", "code": "992"}
    print(json.dumps({"result": r}), flush=True)
`, "1m")
	if err != nil {
		t.Fatal(err)
	}
	if !d.Caps().Cancel {
		t.Errorf("%+v", d.Caps())
	}
	cancel := func() {
		if err := d.Cancel(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for name, j := range map[string]*moments{"before it was told": {sent: cancel}, "while it waits": {show: cancel}} {
		r := d.Run(t.Context(), terminal.Operation{ID: name, Kind: terminal.Sale, Amount: 50000}, j)
		if r.Outcome != terminal.Declined || r.Code != terminal.CodeAborted {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// moments is a journal that does something when it is told.
type moments struct{ sent, show func() }

func (m *moments) Answered(terminal.Result) error { return nil }

func (m *moments) Sent() error {
	if m.sent != nil {
		m.sent()
	}
	return nil
}

func (m *moments) Show(string) {
	if m.show != nil {
		m.show()
	}
}

// What the program has started ends with it.
func TestEndsWhatItStarted(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	d, err := python(t, fmt.Sprintf(`import subprocess, sys
sys.stdin.readline()
subprocess.Popen([sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', %s)).recv(1)"], stdin=subprocess.DEVNULL)
print('{"result":{"outcome":"approved","caps":[]}}', flush=True)
sys.stdin.readline()
`, port), "1m")
	if err != nil {
		t.Fatal(err)
	}
	started, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer started.Close()
	d.Close()
	started.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := started.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("it lives on: %v", err)
	}
}
