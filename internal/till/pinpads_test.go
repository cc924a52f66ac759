package till_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/till"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/till/terminal"
	"github.com/chorsu/chorsu/internal/till/terminal/arcus2"
	arcussim "github.com/chorsu/chorsu/internal/till/terminal/arcus2/sim"
	"github.com/chorsu/chorsu/internal/till/terminal/fbox"
	boxsim "github.com/chorsu/chorsu/internal/till/terminal/fbox/sim"
	"github.com/chorsu/chorsu/internal/till/terminal/process"
	processsim "github.com/chorsu/chorsu/internal/till/terminal/process/sim"
	device "github.com/chorsu/chorsu/internal/till/terminal/sim"
	"github.com/chorsu/chorsu/internal/till/terminal/tree"
	"github.com/chorsu/chorsu/internal/till/terminal/zvt"
	zvtsim "github.com/chorsu/chorsu/internal/till/terminal/zvt/sim"
)

// The test's own binary plays the programs that two of the drivers run.
const roleEnv = "CHORSU_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "arcus":
		os.Exit(arcussim.Main(os.Args[1:]))
	case "driver":
		os.Exit(processsim.Main(os.Getenv(arcussim.StateEnv), os.Stdin, os.Stdout))
	case "leaky":
		leak(os.Stdin, os.Stdout, os.Stderr)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// pinpad is a driver with its simulator behind it.
type pinpad struct {
	driver terminal.Driver
	total  func() int64
	runs   func() int
	pull   func(out bool) // makes the device unreachable, and reachable again
}

func inMemory(d *device.Device) pinpad { return pinpad{total: d.Total, runs: d.Runs, pull: d.Pull} }

// inFile is a device that lives in other processes.
func inFile(t *testing.T, path, program string) pinpad {
	load := func() *device.Device {
		d, err := device.NewDevice(device.HUMO, path, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	return pinpad{
		total: func() int64 { return load().Total() },
		runs:  func() int { return len(load().Txns()) },
		pull: func(out bool) {
			from, to := program, program+".away"
			if !out {
				from, to = to, from
			}
			if _, err := os.Lstat(from); err != nil {
				return
			}
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// programLink is this test's binary under another name, which can be taken away.
func programLink(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "program")
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// pinpads are all drivers, each through its simulator.
var pinpads = map[string]func(*testing.T, *clock) pinpad{
	"sim": func(t *testing.T, c *clock) pinpad {
		d := newDevice(t, c)
		p := inMemory(d)
		p.driver = &device.Driver{Device: d}
		return p
	},
	"zvt": func(t *testing.T, c *clock) pinpad {
		d := newDevice(t, c)
		p := inMemory(d)
		p.driver = zvtTo(t, c, newTerminal(t, d))
		return p
	},
	"arcus2": func(t *testing.T, c *clock) pinpad {
		t.Setenv(roleEnv, "arcus")
		dir := t.TempDir()
		state := filepath.Join(dir, "state.json")
		t.Setenv(arcussim.StateEnv, state)
		program := programLink(t)
		d, err := arcus2.Open(map[string]string{"path": program, "dir": dir, "sale": "1", "refund": "3", "void": "4", "report": "8", "close": "11"})
		if err != nil {
			t.Fatal(err)
		}
		p := inFile(t, state, program)
		p.driver = d
		return p
	},
	"fbox": func(t *testing.T, c *clock) pinpad {
		d := newDevice(t, c)
		srv := httptest.NewServer(&boxsim.Box{Device: d})
		t.Cleanup(srv.Close)
		driver, err := fbox.Open(srv.URL, "xumo", nil, srv.Client())
		if err != nil {
			t.Fatal(err)
		}
		gone, err := fbox.Open("http://127.0.0.1:1", "xumo", nil, srv.Client())
		if err != nil {
			t.Fatal(err)
		}
		p := inMemory(d)
		both := &switched{Driver: driver, here: driver, gone: gone}
		p.driver, p.pull = both, both.pull
		return p
	},
	"process": func(t *testing.T, c *clock) pinpad {
		t.Setenv(roleEnv, "driver")
		state := filepath.Join(t.TempDir(), "state.json")
		t.Setenv(arcussim.StateEnv, state)
		program := programLink(t)
		d, err := process.Open(t.Context(), map[string]string{"path": program}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		p := inFile(t, state, program)
		p.driver = d
		move := p.pull
		p.pull = func(out bool) {
			d.Close() // what runs goes on running without its file
			move(out)
		}
		return p
	},
}

// leak plays a driver that tells a card's number wherever nobody has asked for it, and does not stop.
func leak(in io.Reader, out, trace io.Writer) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var q struct{ Op, ID string }
		json.Unmarshal(lines.Bytes(), &q)
		r := map[string]any{"id": q.ID, "outcome": "approved", "code": "000"}
		if q.Op == "sale" {
			for _, pan := range writtenPANs {
				fmt.Fprintf(trace, "track 2 %s=2512, tag 5711%s\n", pan, fullPAN)
			}
			fmt.Fprintf(trace, "%s\n%s", strings.Repeat("long ", 1<<16), strings.Repeat("tick\n", 1000))
			r["rrn"], r["trace"], r["receipt"], r["auth"], r["terminal_id"], r["card"] = fullPAN, writtenPANs[1], writtenPANs[2], writtenPANs[3], fullPAN, strings.Repeat("long ", 1000)
			r["note"], r["code"] = strings.Repeat("long ", 1000)+fullPAN, fullPAN
		}
		json.NewEncoder(out).Encode(map[string]any{"result": r})
	}
}

// What a program writes beside its answers, and what it calls an operation by, is logged and kept without
// a card's number, and bounded.
func TestProgramThatLeaks(t *testing.T) {
	t.Setenv(roleEnv, "leaky")
	logged := &safe{b: &bytes.Buffer{}}
	s := newShop(t, func(o *till.Options) {
		o.Logger = slog.New(slog.NewJSONHandler(logged, nil))
		o.Terminals, o.Config.Terminals = nil, map[string]till.Terminal{"xumo": {Driver: "process", Options: map[string]string{"path": programLink(t)}}}
	})
	s.post("/payment/xumo", `{"amount":50000}`)
	limit, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	for limit.Err() == nil && !strings.Contains(logged.text(), "left out") {
		s.get("/till/state")
	}
	text, kept, op := logged.text(), s.journalText(), s.last()
	for _, pan := range writtenPANs {
		if strings.Contains(text, pan) || strings.Contains(kept, pan) {
			t.Errorf("%q is in the log: %t, in the journal: %t", pan, strings.Contains(text, pan), strings.Contains(kept, pan))
		}
	}
	if n := strings.Count(text, "track [number], tag [number]"); n != len(writtenPANs) {
		t.Errorf("%d of %d lines are logged:\n%s", n, len(writtenPANs), text[:min(len(text), 2000)])
	}
	if n := strings.Count(text, "tick"); n == 0 || n > 100 || len(text) > 50_000 {
		t.Errorf("%d lines and %d bytes are logged", n, len(text))
	}
	for name, said := range map[string]string{"rrn": op.RRN, "trace": op.Trace, "receipt": op.Receipt, "auth": op.Auth, "terminal": op.TerminalID, "card": op.Card, "code": op.Code, "message": op.Message} {
		if said == "" || len(said) > 300 || name != "message" && len(said) > 64 {
			t.Errorf("%s has %d bytes", name, len(said))
		}
	}
}

// switched is a box that can be taken off the network.
type switched struct {
	terminal.Driver
	here, gone terminal.Driver
}

func (s *switched) pull(out bool) {
	s.Driver = s.here
	if out {
		s.Driver = s.gone
	}
}

func newDevice(t *testing.T, c *clock) *device.Device {
	t.Helper()
	d, err := device.NewDevice(device.HUMO, "", c.now)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func newTerminal(t *testing.T, d *device.Device) *zvtsim.Terminal {
	t.Helper()
	term, err := zvtsim.Listen("127.0.0.1:0", d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(term.Close)
	return term
}

func zvtTo(t *testing.T, c *clock, term *zvtsim.Terminal) terminal.Driver {
	t.Helper()
	d, err := zvt.Open(term.Address(), map[string]string{"reversal": "1ms"}, c.now) // the simulated one takes back at once
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Every driver does what a till relies on: scenarios 9 to 14, 22 and 23.
func TestEveryPinpad(t *testing.T) {
	for name, open := range pinpads {
		t.Run(name, func(t *testing.T) {
			var p pinpad
			var real *clock
			s := newShop(t, func(o *till.Options) {
				real = &clock{t: time.Now()}
				p = open(t, real)
				o.Terminals = map[string]terminal.Driver{"xumo": p.driver}
			})
			caps := p.driver.Caps()

			// A sale, and another of the same amount.
			first, second := s.post("/payment/xumo", `{"amount":50000}`), s.post("/payment/xumo", `{"amount":50000}`)
			if !first.Success || !second.Success || p.total() != 100000 || first.Data["ppt_id"] == second.Data["ppt_id"] {
				t.Fatalf("%s\n%s\nthe device holds %d", first.raw, second.raw, p.total())
			}
			if message, _ := first.Data["message"].(string); !strings.Contains(message, "ОДОБРЕНО") || !strings.Contains(message, "500.00 UZS") {
				t.Errorf("the slip: %s", first.raw)
			}

			// What undoes it, once and not twice; and what only looks so.
			if a := s.post("/payment/xumo", `{"request_id":340,"amount":50000,"is_return":"true"}`); !a.Success || p.total() != 50000 {
				t.Errorf("return: %s, the device holds %d", a.raw, p.total())
			}
			if op := s.last(); op.Kind != journal.Void || op.OriginalRRN != first.Data["ppt_id"] {
				t.Errorf("the sale of the slip's number is not known: %+v", op)
			}
			runs := p.runs()
			if a := s.post("/payment/xumo", fmt.Sprintf(`{"request_id":%q,"amount":50000,"is_return":true}`, first.Data["ppt_id"])); a.code() != "218" || p.runs() != runs {
				t.Errorf("by the slip's number, and then by the RRN: %s, %d runs", a.raw, p.runs()-runs)
			}
			if a := s.post("/payment/xumo", `{"request_id":340,"amount":50000,"is_return":true}`); a.code() != "218" || p.total() != 50000 {
				t.Errorf("twice: %s, the device holds %d", a.raw, p.total())
			}
			third := s.post("/payment/xumo", `{"amount":20000}`)
			byRRN := s.post("/payment/xumo", `{"request_id":"`+fmt.Sprint(third.Data["ppt_id"])+`","amount":20000,"is_return":true}`)
			if caps.Return && (!byRRN.Success || p.total() != 50000 || s.last().OriginalRRN != third.Data["ppt_id"]) || !caps.Return {
				t.Errorf("return by RRN: %s, the device holds %d", byRRN.raw, p.total())
			}
			// In parts, and never more than the sale: the device is not even asked.
			fourth := fmt.Sprint(s.post("/payment/xumo", `{"amount":40000}`).Data["ppt_id"])
			part := func(ref string, amount int) answer {
				return s.post("/payment/xumo", fmt.Sprintf(`{"request_id":%q,"amount":%d,"is_return":true}`, ref, amount))
			}
			runs = p.runs()
			for _, c := range []struct {
				amount, runs int
				code         string
			}{{40100, 0, "235"}, {15000, 1, ""}, {30000, 1, "235"}, {25000, 2, ""}, {100, 2, "218"}} {
				if a := part(fourth, c.amount); a.code() != c.code || a.Success != (c.code == "") || p.runs() != runs+c.runs {
					t.Errorf("%d of 40000: %s, %d runs", c.amount, a.raw, p.runs()-runs)
				}
			}
			if a := part("999999999999", 10000); a.code() != "914" || p.total() != 50000 {
				t.Errorf("of no sale: %s, the device holds %d", a.raw, p.total())
			}

			runs = p.runs()
			if a := s.post("/payment/xumo", `{"request_id":341,"amount":50000,"is_return":"yes"}`); a.Error == nil || a.Error.Code != 104 || p.runs() != runs {
				t.Errorf("yes: %s", a.raw)
			}

			// Refused by the bank.
			if a := s.post("/payment/xumo", `{"amount":50016}`); a.code() != "116" || p.total() != 50000 {
				t.Errorf("funds: %s, the device holds %d", a.raw, p.total())
			}

			// Not there: nothing was sent, and the next one works at once.
			p.pull(true)
			if a := s.post("/payment/xumo", `{"amount":50000}`); a.code() != "999" || s.last().State != journal.NotStarted {
				t.Errorf("absent: %s %s", a.raw, s.last().State)
			}
			p.pull(false)

			// Performed, and the answer lost.
			lost := s.post("/payment/xumo", `{"amount":50098}`)
			id, unknown := strings.CutPrefix(lost.code(), "unresolved:")
			if name == "process" { // it was started anew and asked within the call
				if !lost.Success {
					t.Errorf("lost: %s", lost.raw)
				}
			} else if !unknown {
				t.Fatalf("lost: %s", lost.raw)
			} else {
				runs = p.runs()
				if a := s.post("/payment/xumo", `{"amount":10000}`); a.code() != lost.code() || p.runs() != runs {
					t.Errorf("locked: %s", a.raw)
				}
				if a := s.get("/payment/xumo_close"); a.code() != lost.code() {
					t.Errorf("a closing beside an unknown sale: %s", a.raw)
				}
				p.pull(false)
				s.agent.Tick(t.Context())
				if op := s.operation(id); caps.Last != (op["state"] == "approved") {
					t.Errorf("Last is %v, and the operation %v", caps.Last, op)
				}
			}
			if unknown && !caps.Last {
				s.post("/payment/operations/"+id+"/resolve", `{"decision":"approve","name":"Dilnoza","rrn":"408005356150"}`)
				if op := s.operation(id); op["state"] != "approved" || op["resolved_by"] != "Dilnoza" {
					t.Error(op)
				}
			}
			if a := s.post("/payment/xumo", `{"amount":10000}`); !a.Success || p.total() != 50000+50098+10000 {
				t.Errorf("afterwards: %s, the device holds %d", a.raw, p.total())
			}
			if a := s.get("/payment/xumo_close"); !a.Success || a.Data["ppt_id"] != nil {
				t.Errorf("closing: %s", a.raw)
			}
			held := p.total()
			if a := part(fourth, 40000); a.code() != "218" || p.total() != held {
				t.Errorf("given back, and the shift closed: %s, the device holds %d", a.raw, p.total())
			}
			shift := s.get("/till/shift?endpoint=xumo").Data
			if told := shift["theirs"] != nil; told != (name == "sim" || name == "process") || told && !reflect.DeepEqual(shift["theirs"], shift["sum"]) {
				t.Errorf("the end of the shift: %v", shift)
			}
			if caps.Shift {
				if a := s.get("/payment/xumo_shortreport/"); !a.Success {
					t.Errorf("short report: %s", a.raw)
				}
			}
		})
	}
}

// A closing whose totals differ is a closing: its report is the one thing that it is made for.
func TestTotalsDiffer(t *testing.T) {
	for name, open := range map[string]func(*testing.T, *clock) terminal.Driver{
		"arcus2": func(t *testing.T, c *clock) terminal.Driver {
			d := pinpads["arcus2"](t, c).driver
			t.Setenv(arcussim.FaultEnv, string(arcussim.Differs))
			return d
		},
		"zvt": func(t *testing.T, c *clock) terminal.Driver {
			term := newTerminal(t, newDevice(t, c))
			term.Differs = true
			return zvtTo(t, c, term)
		},
		"fbox": func(t *testing.T, c *clock) terminal.Driver {
			srv := httptest.NewServer(&boxsim.Box{Device: newDevice(t, c), Differs: true})
			t.Cleanup(srv.Close)
			d, err := fbox.Open(srv.URL, "xumo", nil, srv.Client())
			if err != nil {
				t.Fatal(err)
			}
			return d
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, func(o *till.Options) {
				o.Terminals = map[string]terminal.Driver{"xumo": open(t, &clock{t: time.Now()})}
			})
			s.post("/payment/xumo", `{"amount":50000}`)
			a := s.get("/payment/xumo_close")
			if message, _ := a.Data["message"].(string); !a.Success || message == "" || s.last().Code != "095" {
				t.Fatalf("%s %+v", a.raw, s.last())
			}
			shift := s.get("/till/shift?endpoint=xumo&lang=ru").Data
			if said, _ := shift["said"].(string); shift["tone"] != "failed" || !strings.Contains(said, "095") || shift["report"] != a.Data["message"] {
				t.Errorf("%v", shift)
			}
			if again := s.get("/payment/xumo_close/print_last"); again.raw != a.raw {
				t.Errorf("printed again: %s", again.raw)
			}
			totals := s.get("/till/state").Data["totals"].(map[string]any)["xumo"].(map[string]any)
			if totals["sales"] != 0. {
				t.Errorf("the next shift has %v", totals)
			}
		})
	}
}

// zvtShop is a shop whose HUMO pinpad is a simulated terminal over ZVT. What is on a wire takes real time.
func zvtShop(t *testing.T) (s *shop, d *device.Device, term *zvtsim.Terminal) {
	t.Helper()
	s = newShop(t, func(o *till.Options) {
		real := &clock{t: time.Now()}
		d = newDevice(t, real)
		term = newTerminal(t, d)
		o.Terminals = map[string]terminal.Driver{"xumo": zvtTo(t, real, term)}
		o.Now = time.Now
	})
	return s, d, term
}

// The cable is pulled at every point of a sale over ZVT: scenarios 17 and 18 among them.
func TestScenario_InStore_17_18_Cuts(t *testing.T) {
	for _, cut := range zvtsim.Cuts {
		t.Run(string(cut), func(t *testing.T) {
			s, d, term := zvtShop(t)
			term.CutAt(cut)
			a := s.post("/payment/xumo", `{"amount":50000}`)
			op := s.last()
			if cut.Committed() {
				if !a.Success || op.State != journal.Approved || op.ResolvedBy != "device" || d.Total() != 50000 {
					t.Errorf("%s, %+v, the device holds %d", a.raw, op, d.Total())
				}
				if message, _ := a.Data["message"].(string); !strings.HasPrefix(message, "TIKLANGAN") {
					t.Errorf("the slip does not say that it was recovered: %s", a.raw)
				}
			} else if a.code() != "not_performed" || op.State != journal.Declined || d.Total() != 0 {
				t.Errorf("%s, %+v, the device holds %d", a.raw, op, d.Total())
			} else if paper := s.paper(op.ID); !strings.Contains(paper, "НЕ ОПЛАЧЕНО") || strings.Contains(paper, "ВОССТАНОВЛЕНО") {
				t.Errorf("the paper of what was taken back:\n%s", paper)
			}
			sales := 0
			for _, m := range term.Wire() {
				if strings.HasPrefix(m, "> 06 01 ") {
					sales++
				}
			}
			if sales != 1 {
				t.Errorf("%d sales on the wire: %v", sales, term.Wire())
			}
		})
	}
}

// An answer that the tool did not give, or that is from before, is no approval: scenario 21, and
// whatever else a tool leaves behind.
func TestScenario_InStore_21_ArcusFiles(t *testing.T) {
	for _, c := range []struct {
		fault arcussim.Fault
		state journal.State
		code  string
	}{
		{arcussim.Idle, journal.Unknown, ""},
		{arcussim.WriteNothing, journal.Unknown, ""},
		{arcussim.EmptyResult, journal.Unknown, ""},
		{arcussim.Hang, journal.Unknown, ""},
		{arcussim.AutoCancel, journal.Declined, "206"},
		{arcussim.HalfCancel, journal.Unknown, ""},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			t.Setenv(roleEnv, "arcus")
			t.Setenv(arcussim.FaultEnv, string(c.fault))
			dir := t.TempDir()
			t.Setenv(arcussim.StateEnv, filepath.Join(dir, "state.json"))
			for name, text := range map[string]string{"rc.out": "000 OK\n", "cheq.out": "RRN:408005356147\n"} { // another buyer's
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			timeout := "1m"
			if c.fault == arcussim.Hang {
				timeout = "1s" // all of it is waited
			}
			d, err := arcus2.Open(map[string]string{"path": programLink(t), "dir": dir, "sale": "1", "timeout": timeout})
			if err != nil {
				t.Fatal(err)
			}
			s := newShop(t, func(o *till.Options) { o.Terminals = map[string]terminal.Driver{"xumo": d} })
			a := s.post("/payment/xumo", `{"amount":50000}`)
			if op := s.last(); a.Success || op.State != c.state || op.RRN != "" {
				t.Errorf("%s, %+v", a.raw, op)
			}
			if c.code != "" && a.code() != c.code {
				t.Error(a.raw)
			}
		})
	}
}

// A file that cannot be deleted would be believed: nothing is started.
func TestArcusCannotDelete(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "rc.out", "held"), 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := arcus2.Open(map[string]string{"path": programLink(t), "dir": dir, "sale": "1"})
	if err != nil {
		t.Fatal(err)
	}
	s := newShop(t, func(o *till.Options) { o.Terminals = map[string]terminal.Driver{"xumo": d} })
	if a := s.post("/payment/xumo", `{"amount":50000}`); a.code() != "999" || s.last().State != journal.NotStarted {
		t.Errorf("%s %+v", a.raw, s.last())
	}
}

// A tool that an agent which died has started may be at work still: no other is started beside it, and
// nobody decides what will have come of it.
func TestArcusIsAtWork(t *testing.T) {
	t.Setenv(roleEnv, "arcus")
	t.Setenv(arcussim.FaultEnv, string(arcussim.WriteNothing))
	dir := t.TempDir()
	t.Setenv(arcussim.StateEnv, filepath.Join(dir, "state.json"))
	d, err := arcus2.Open(map[string]string{"path": programLink(t), "dir": dir, "sale": "1", "close": "11"})
	if err != nil {
		t.Fatal(err)
	}
	s := newShop(t, func(o *till.Options) { o.Terminals = map[string]terminal.Driver{"xumo": d} })
	id := strings.TrimPrefix(s.post("/payment/xumo", `{"amount":50000}`).code(), "unresolved:")
	other, err := tree.Take(dir)
	if err != nil {
		t.Fatal(err)
	}
	const void = `{"decision":"void","name":"Dilnoza"}`
	if a := s.post("/payment/operations/"+id+"/resolve", void); a.code() != "984" || s.operation(id)["state"] != "unknown" {
		t.Errorf("decided while it is at work: %s", a.raw)
	}
	other.Free()
	if a := s.post("/payment/operations/"+id+"/resolve", void); !a.Success {
		t.Error(a.raw)
	}
	if other, err = tree.Take(dir); err != nil {
		t.Fatal(err)
	}
	defer other.Free()
	if a := s.post("/payment/xumo", `{"amount":60000}`); a.code() != "984" || s.last().State != journal.NotStarted {
		t.Errorf("beside it: %s %s", a.raw, s.last().State)
	}
	if a := s.get("/payment/xumo_close"); a.code() != "984" {
		t.Errorf("a closing beside it: %s", a.raw)
	}
}

// Both endpoints may lead to one pinpad, with operation numbers of their own: each is run by its own,
// and one at a time.
func TestOneArcusForBoth(t *testing.T) {
	t.Setenv(roleEnv, "arcus")
	dir := t.TempDir()
	t.Setenv(arcussim.StateEnv, filepath.Join(dir, "state.json"))
	program := programLink(t)
	s := newShop(t, func(o *till.Options) {
		tool := func(sale string) till.Terminal {
			return till.Terminal{Driver: "arcus2", Options: map[string]string{"path": program, "dir": dir, "sale": sale}}
		}
		o.Terminals, o.Config.Terminals = nil, map[string]till.Terminal{"xumo": tool("1"), "uzcard": tool("7")}
	})
	if a := s.post("/payment/xumo", `{"amount":50000}`); !a.Success {
		t.Error(a.raw)
	}
	if a := s.post("/payment/uzcard", `{"amount":50000}`); a.code() != "902" { // the tool has no operation 7
		t.Error(a.raw)
	}
	t.Setenv(arcussim.FaultEnv, string(arcussim.WriteNothing))
	lost := s.post("/payment/xumo", `{"amount":50000}`)
	if a := s.post("/payment/uzcard", `{"amount":50000}`); !strings.HasPrefix(lost.code(), "unresolved:") || a.code() != lost.code() {
		t.Errorf("%s\n%s", lost.raw, a.raw)
	}
}
