package e2e

import (
	native "encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
	arcussim "github.com/chorsu/chorsu/internal/till/terminal/arcus2/sim"
	boxsim "github.com/chorsu/chorsu/internal/till/terminal/fbox/sim"
	device "github.com/chorsu/chorsu/internal/till/terminal/sim"
)

// Every flow of the till, killed as soon as its first write is in the journal, its second, and so on
// until it gets through alive: after "begun", "sent", whatever was noted on the way, and "ended",
// before the till has its answer. Flows that are one exchange with a company are killed at the
// request and at its answer, too. Each time the agent is started again, and what
// GET /payment/operations/{id} then says is held against the books of the other side.
//
// What each case covers stands in docs/till.md, "Killed at any step".

// writes sees from outside each transaction that an agent has put on the disk: the journal's file
// was written, and its rollback journal emptied after that.
type writes struct {
	d      *desk
	dir    string
	events *os.File

	mu     sync.Mutex
	n, at  int // transactions since it was armed; the one to kill at, 0: none
	marks  int
	marked map[string]chan struct{}
}

func watchWrites(d *desk) *writes {
	d.t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		d.t.Fatal(err)
	}
	w := &writes{d: d, dir: filepath.Dir(d.env["TILL_CONFIG"]), events: os.NewFile(uintptr(fd), "inotify"), marked: map[string]chan struct{}{}}
	if _, err := syscall.InotifyAddWatch(fd, w.dir, syscall.IN_MODIFY|syscall.IN_CREATE); err != nil {
		d.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.follow()
	}()
	d.t.Cleanup(func() { w.events.Close(); <-ended })
	return w
}

// follow reads the events until the file is closed.
func (w *writes) follow() {
	buf, written := make([]byte, 64<<10), false
	for {
		n, err := w.events.Read(buf)
		if err != nil {
			return
		}
		for b := buf[:n]; len(b) >= syscall.SizeofInotifyEvent; {
			end := syscall.SizeofInotifyEvent + int(native.NativeEndian.Uint32(b[12:]))
			name := strings.TrimRight(string(b[syscall.SizeofInotifyEvent:end]), "\x00")
			b = b[end:]
			switch {
			case name == "till.db":
				written = true
			case name == "till.db-journal" && written:
				written = false
				w.committed()
			default:
				w.reached(name)
			}
		}
	}
}

func (w *writes) committed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n++; w.n == w.at {
		w.d.die()
	}
}

func (w *writes) reached(mark string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ch, ok := w.marked[mark]; ok {
		close(ch)
		delete(w.marked, mark)
	}
}

// catchUp returns when all that was written until now is counted.
func (w *writes) catchUp() {
	w.mu.Lock()
	w.marks++
	name, ch := fmt.Sprintf("mark-%d", w.marks), make(chan struct{})
	w.marked[name] = ch
	w.mu.Unlock()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		w.d.t.Error(err)
		return
	}
	<-ch
	os.Remove(path)
}

// arm has the agent killed at the at-th write from now on.
func (w *writes) arm(at int) {
	w.catchUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n, w.at = 0, at
}

// disarm says whether the agent was killed since.
func (w *writes) disarm() bool {
	w.catchUp()
	w.mu.Lock()
	w.at = 0
	w.mu.Unlock()
	return w.d.isDead()
}

// die ends the agent as a power cut would.
func (d *desk) die() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.dead {
		d.dead = true
		d.p.kill()
	}
}

// request is what a till asks for in a flow.
type request struct {
	method, path, body string
	id                 string // its operation_id
	first              func() // nil, or what happens just before, when the agent's death is arranged already
}

// killed does a flow again and again, and has the agent die in it each time: at each of the wire's
// points ("request", "answer", of the same path or " of any"; none for a pinpad), then at each write. right looks at what came of it
// once the agent runs again. It returns when the flow gets through alive, after at least so many
// writes as are named.
func (w *writes) killed(t *testing.T, flow string, wire []string, least int, setup func(id string) request, right func(request)) {
	t.Helper()
	for _, point := range wire {
		var q request
		// A question that the agent asked by itself, just before its death was arranged, may have brought
		// the answer: then there is nothing to ask any more, and the flow is begun anew.
		for tries := 1; !w.d.isDead(); tries++ {
			if tries > 3 {
				t.Fatalf("%s: nobody was killed at the %s", flow, point)
			}
			q = setup(fmt.Sprintf("%s-%s-%d", flow, strings.Fields(point)[0], tries))
			path, _, _ := strings.Cut(q.path, "?")
			at, all := strings.CutSuffix(point, " of any")
			if all {
				path = ""
			}
			w.d.killUpon(func(step string) bool { return strings.HasPrefix(step, at) && strings.HasSuffix(step, path) })
			w.send(q)
		}
		w.d.again()
		right(q)
	}
	for at := 1; ; at++ {
		q := setup(fmt.Sprintf("%s-%d", flow, at))
		w.arm(at)
		a, ok := w.send(q)
		if w.disarm() {
			w.d.again()
			right(q)
			continue
		}
		if !ok || !a.Success || at-1 < least {
			t.Errorf("%s: got through after %d writes, want %d at least: %+v", flow, at-1, least, a)
		}
		return
	}
}

func (w *writes) send(q request) (tillAnswer, bool) {
	if q.first != nil {
		q.first()
	}
	return w.d.call(q.method, q.path, q.body)
}

// operation is what GET /payment/operations/{id} says.
func (d *desk) operation(id string) map[string]any {
	d.t.Helper()
	var a tillAnswer
	await(d.t, id, func() (ok bool) {
		a, ok = d.call("GET", "/payment/operations/"+id, "")
		return ok
	})
	return a.Data
}

// How much the other side of an operation can tell, after the agent has died in the middle of it.
type told int

const (
	nothing  told = iota // a person has to look
	whatWas              // what it has done; what it has not may be under way still
	whatIsNt             // that, too
)

// settles waits until an operation says no less than can be known, and returns its state. done is how
// often the other side has done it.
func (d *desk) settles(id string, tells told, done func() int) (state string) {
	d.t.Helper()
	await(d.t, id+" is settled", func() bool {
		op := d.operation(id)
		state, _ = op["state"].(string)
		switch {
		case state == "in_progress":
			return false
		case state != "unknown" || tells == nothing || tells == whatWas && done() == 0:
			return true
		}
		d.call("POST", fmt.Sprintf("/payment/operations/%v/resolve", op["id"]), `{"decision":"check"}`)
		return false
	})
	if n := done(); n > 1 || state != "unknown" && (state == "approved") != (n == 1) {
		d.t.Errorf("%s is %q, and was done %d times", id, state, n)
	}
	return state
}

// paid looks at a movement of money: it settles, its repeat moves nothing, and what nobody can tell a
// person decides.
func (d *desk) paid(q request, tells told, done func() int) {
	d.t.Helper()
	d.settles(q.id, tells, done)
	a, _ := d.call(q.method, q.path, q.body)
	state := d.settles(q.id, tells, done)
	if a.Success && state != "approved" {
		d.t.Errorf("%s is %q, and its repeat is told %+v", q.id, state, a)
	}
	if state != "unknown" {
		return
	}
	decision := map[int]string{0: "void", 1: "approve"}[done()]
	ours, _ := d.operation(q.id)["id"].(string)
	if a, ok := d.call("POST", "/payment/operations/"+ours+"/resolve", `{"decision":"`+decision+`","name":"Dilnoza"}`); !ok || !a.Success {
		d.t.Errorf("%s: %+v", q.id, a)
	}
	d.settles(q.id, tells, done)
}

// ─── Pinpads ───────────────────────────────────────────────────────────────────────────────

// drivers are all of them: the terminal's line in the configuration, the device behind it, and what
// it can tell.
var drivers = map[string]struct {
	tells told
	open  func(d *desk) (line string, txns func() []device.Txn)
}{
	"sim": {whatWas, func(d *desk) (string, func() []device.Txn) {
		state := filepath.Join(d.t.TempDir(), "device.json")
		return fmt.Sprintf("{driver: sim, options: {state: %q}}", state), inFile(d.t, state)
	}},
	"zvt": {whatIsNt, func(d *desk) (string, func() []device.Txn) { return d.zvt(), d.device.Txns }},
	"arcus2": {nothing, func(d *desk) (string, func() []device.Txn) {
		dir := d.t.TempDir()
		state := filepath.Join(dir, "device.json")
		d.env[arcussim.StateEnv] = state
		return fmt.Sprintf("{driver: arcus2, options: {path: %q, args: %s, dir: %q, sale: 1, refund: 3, void: 4, report: 8, close: 11}}", os.Args[0], playArcus, dir), inFile(d.t, state)
	}},
	"fbox": {nothing, func(d *desk) (string, func() []device.Txn) {
		srv := httptest.NewServer(&boxsim.Box{Device: d.device})
		d.t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
		return fmt.Sprintf("{driver: fbox, address: %q}", srv.URL), d.device.Txns
	}},
	"process": {whatWas, func(d *desk) (string, func() []device.Txn) {
		state := filepath.Join(d.t.TempDir(), "device.json")
		return fmt.Sprintf("{driver: process, options: {path: %q, args: %q}}", os.Args[0], playDriver+" "+state), inFile(d.t, state)
	}},
}

// inFile is the journal of a device that lives in other processes.
func inFile(t *testing.T, path string) func() []device.Txn {
	return func() []device.Txn {
		t.Helper()
		d, err := device.NewDevice(device.HUMO, path, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return d.Txns()
	}
}

func TestTillKilledInEveryPinpadFlow(t *testing.T) {
	for name, driver := range drivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var txns func() []device.Txn
			d := newDesk(t, func(d *desk) {
				var line string
				line, txns = driver.open(d)
				d.terminal(line)
			})
			w := watchWrites(d)
			done := func(kind string, amount int64) func() int {
				return func() (n int) {
					d.orphansEnd()
					for _, x := range txns() {
						if x.Kind == kind && x.Amount == amount && !x.Reversed {
							n++
						}
					}
					return n
				}
			}
			amount := int64(10000) // each operation's is its own
			sell := func() device.Txn {
				t.Helper()
				amount += 100
				if a, ok := d.call("POST", "/payment/xumo", fmt.Sprintf(`{"amount":%d}`, amount)); !ok || !a.Success {
					t.Fatalf("a sale between: %+v\n%s", a, d.p.log)
				}
				all := txns()
				return all[len(all)-1]
			}
			w.killed(t, "sale", nil, 3, func(id string) request {
				amount += 100
				return request{"POST", "/payment/xumo", fmt.Sprintf(`{"amount":%d,"operation_id":%q}`, amount, id), id, nil}
			}, func(q request) { d.paid(q, driver.tells, done("sale", amount)) })
			w.killed(t, "void", nil, 3, func(id string) request {
				x := sell()
				return request{"POST", "/payment/xumo", fmt.Sprintf(`{"amount":%d,"request_id":%d,"is_return":true,"operation_id":%q}`, x.Amount, x.Receipt, id), id, nil}
			}, func(q request) { d.paid(q, driver.tells, done("void", amount)) })
			w.killed(t, "return", nil, 3, func(id string) request {
				x := sell()
				a, ok := d.call("GET", "/payment/xumo/print_last", "")
				if !ok || !a.Success {
					t.Fatalf("%+v", a)
				}
				return request{"POST", "/payment/xumo", fmt.Sprintf(`{"amount":%d,"request_id":%q,"is_return":true,"operation_id":%q}`, x.Amount, a.Data["ppt_id"], id), id, nil}
			}, func(q request) {
				undone := done("return", amount)
				if name == "zvt" { // of the open shift, by its slip's number: the wire calls it so
					undone = done("void", amount)
				}
				d.paid(q, driver.tells, undone)
			})
			var before device.Txn
			w.killed(t, "closing", nil, 3, func(string) request {
				before = sell()
				return request{method: "GET", path: "/payment/xumo_close"}
			}, func(q request) {
				d.orphansEnd()
				state := d.lastClosing()
				after := sell()
				if state != "unknown" && (state == "approved") != (after.Shift > before.Shift) || state == "in_progress" || state == "" {
					t.Errorf("a closing is %q, shift %d, then %d", state, before.Shift, after.Shift)
				}
				if a, ok := d.call(q.method, q.path, ""); !ok || !a.Success {
					t.Errorf("once more: %+v", a)
				}
				if a, _ := d.call("GET", "/till/state", ""); len(a.Data["closings"].([]any)) != 0 {
					t.Errorf("still asked for: %v", a.Data["closings"])
				}
			})
		})
	}
}

// lastClosing is the state of the last closing in the journal.
func (d *desk) lastClosing() string {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), "GET", d.p.url+"/payment/operations", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	var list []struct{ Kind, State string }
	if err := answer(res, &list); err != nil {
		d.t.Fatal(err)
	}
	for _, op := range list {
		if op.Kind == "close" {
			return op.State
		}
	}
	return ""
}

// orphans are the programs that are left of a dead agent. They are known by the environment that they
// have from it.
func (d *desk) orphans() (pids []int) {
	d.t.Helper()
	state := d.env[arcussim.StateEnv]
	if state == "" {
		return nil
	}
	mark := arcussim.StateEnv + "=" + state + "\x00"
	found, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, path := range found {
		pid, err := strconv.Atoi(strings.Split(path, "/")[2])
		if b, err2 := os.ReadFile(path); err == nil && err2 == nil && pid != d.p.cmd.Process.Pid && strings.Contains(string(b), mark) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// orphansEnd waits until none is left, so that the books of a device are final.
func (d *desk) orphansEnd() {
	d.t.Helper()
	await(d.t, "the tool has ended", func() bool { return len(d.orphans()) == 0 })
}

func (d *desk) killOrphans() {
	for _, pid := range d.orphans() {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	d.orphansEnd()
}

// The vendor's program outlives the agent that has started it, and waits for a card still: the agent
// that is started then takes no other sale there, and nobody decides before it has ended.
func TestTillKilledWhileTheToolIsAtWork(t *testing.T) {
	driver := drivers["arcus2"]
	var txns func() []device.Txn
	d := newDesk(t, func(d *desk) {
		var line string
		line, txns = driver.open(d)
		d.terminal(line)
		d.env[arcussim.FaultEnv] = string(arcussim.Hang)
	})
	t.Cleanup(d.killOrphans)
	sale := d.p.url + "/payment/xumo"
	go func() {
		if res, err := http.Post(sale, "application/json", strings.NewReader(`{"amount":50000,"operation_id":"op"}`)); err == nil {
			res.Body.Close()
		}
	}()
	await(t, "the tool is at work", func() bool { return len(txns()) == 1 })
	d.die()
	delete(d.env, arcussim.FaultEnv)
	d.again()
	if state := d.operation("op")["state"]; state != "unknown" {
		t.Fatalf("%v", state)
	}
	ours, _ := d.operation("op")["id"].(string)
	decide := func() tillAnswer {
		a, _ := d.call("POST", "/payment/operations/"+ours+"/resolve", `{"decision":"approve","name":"Dilnoza"}`)
		return a
	}
	if a := decide(); a.Success || a.Error["data"] != "984" {
		t.Errorf("decided: %+v", a)
	}
	if a, ok := d.call("POST", "/payment/xumo", `{"amount":60000}`); !ok || a.Success || len(txns()) != 1 {
		t.Errorf("the next sale: %+v", a)
	}
	d.killOrphans()
	await(t, "the tool's end is seen", func() bool { return decide().Success })
	if state := d.operation("op")["state"]; state != "approved" {
		t.Errorf("%v", state)
	}
	if a, ok := d.call("POST", "/payment/xumo", `{"amount":60000}`); !ok || !a.Success || len(txns()) != 2 {
		t.Errorf("the next sale: %+v", a)
	}
}

// ─── Wallets, shown QRs, UzQR ──────────────────────────────────────────────────────────────

const receiptLink = "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=514343190161"

// onWire are the two points of a flow that is one exchange with a company.
var onWire = []string{"request", "answer"}

// entry is what a company's books have of one amount.
func (d *desk) entry(company string, amount int64) (found simulator.Entry) {
	sim, _, _ := d.box.Simulator(company)
	for _, e := range sim.Books() {
		if e.Amount == amount && (e.State != "created" || found.State == "") {
			found = e
		}
	}
	return found
}

func (d *desk) act(company string, a simulator.Action) {
	d.t.Helper()
	sim, _, _ := d.box.Simulator(company)
	if _, err := sim.Act(d.t.Context(), a); err != nil {
		d.t.Fatal(err)
	}
}

func TestTillKilledInEveryWalletFlow(t *testing.T) {
	for endpoint, code := range map[string]string{
		"click": "8801016982071%04d1", "payme": "5050101079341%04d1", "uzum": strings.Repeat("7", 36) + "%04d1", "anor": "8801016982072%04d1",
	} {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			w := watchWrites(d)
			n := 0
			next := func() (amount int64, body string) {
				n++
				amount = int64(50000 + 100*n)
				return amount, fmt.Sprintf(`"amount":%d,"qr_code":"`+code+`"`, amount, n)
			}
			d.killedReceipts(w, endpoint+"_confirm", map[bool]string{true: "transaction_id", false: "payment_id"}[endpoint == "anor"], "qr_code", func(id string) any {
				_, body := next()
				a, ok := d.call("POST", "/payment/"+endpoint, `{`+body+`,"operation_id":"`+id+`"}`)
				if !ok || !a.Success {
					t.Fatalf("%+v", a)
				}
				if endpoint == "anor" {
					return a.Data["transaction_id"]
				}
				return a.Data["payment_id"]
			})
			var amount int64
			w.killed(t, "sale", nil, 3, func(id string) request {
				var body string
				amount, body = next()
				return request{"POST", "/payment/" + endpoint, `{` + body + `,"operation_id":"` + id + `"}`, id, nil}
			}, func(q request) {
				d.paid(q, whatWas, func() int {
					sim, _, _ := d.box.Simulator(endpoint)
					paid := 0
					for _, e := range sim.Books() {
						if e.Amount == amount && e.State == "paid" {
							paid++
						}
					}
					return paid
				})
			})
		})
	}
}

// killedReceipts hands over the link of a fiscal receipt. What was kept of it reaches the company
// without being asked for again; what was not is not told as kept.
func (d *desk) killedReceipts(w *writes, path, key, linkKey string, pay func(id string) any) {
	d.t.Helper()
	var before int
	hand := func(id string) request {
		paid := pay(id)
		before = len(d.met())
		return request{"POST", "/payment/" + path, fmt.Sprintf(`{%q:"%v",%q:%q}`, key, paid, linkKey, receiptLink), id, nil}
	}
	handed := func() bool {
		return slices.ContainsFunc(d.met()[before:], func(s string) bool { return strings.HasPrefix(s, "answer") })
	}
	first := hand("receipt")
	if a, ok := d.call(first.method, first.path, first.body); !ok || !a.Success {
		d.t.Fatalf("%+v", a)
	}
	sends := handed() // not every company wants it
	var wire []string
	if sends {
		wire = []string{"request of any", "answer of any"}
	}
	w.killed(d.t, key+"-receipt", wire, 1, hand, func(q request) {
		if kept := d.operation(q.id)["receipt_url"]; kept == receiptLink {
			if sends {
				await(d.t, "the link is handed over", handed)
			}
		} else if kept != nil {
			d.t.Errorf("%s: %v", q.id, kept)
		}
		if a, ok := d.call(q.method, q.path, q.body); !ok || !a.Success || d.operation(q.id)["receipt_url"] != receiptLink {
			d.t.Errorf("once more: %+v", a)
		}
	})
}

func TestTillKilledInEveryShownQRFlow(t *testing.T) {
	d := newDesk(t)
	w := watchWrites(d)
	n := 0
	ask := func(id string) request {
		n++
		return request{"POST", "/payment/qr_pay", fmt.Sprintf(`{"amount":%d00,"order_id":"o-%d","operation_id":%q}`, n, n, id), id, nil}
	}
	// Made: it is shown, and found paid; or nobody has seen it, and it is made anew.
	w.killed(t, "qr_pay", onWire, 2, ask, func(q request) {
		op := d.operation(q.id)
		again, ok := d.call(q.method, q.path, q.body)
		if shown := op["state"] == "in_progress" && op["qr_text"] != nil; !shown && op["state"] != "not_started" || shown != again.Success {
			t.Errorf("%v; once more: %+v", op, again)
		}
		anew, ok2 := d.call(q.method, q.path, fmt.Sprintf(`{"amount":%d00,"order_id":"o-%d"}`, n, n))
		if !ok || !ok2 || !anew.Success {
			t.Fatalf("made anew: %+v", anew)
		}
		d.act("scan2pay", simulator.Action{Kind: "pay", Link: fmt.Sprint(anew.Data["message"])})
		if a, ok := d.call("POST", "/payment/qr_pay/status", fmt.Sprintf(`{"order_id":"o-%d"}`, n)); !ok || !a.Success {
			t.Errorf("%+v", a)
		}
		if state := d.operation(q.id)["state"]; op["state"] == "in_progress" && state != "approved" {
			t.Errorf("paid, and %v", state)
		}
	})
	w.killed(t, "qr_pay-status", onWire, 1, func(id string) request {
		q := ask(id)
		a, ok := d.call(q.method, q.path, q.body)
		if !ok || !a.Success {
			t.Fatalf("%+v", a)
		}
		pay := func() { d.act("scan2pay", simulator.Action{Kind: "pay", Link: fmt.Sprint(a.Data["message"])}) }
		return request{"POST", "/payment/qr_pay/status", fmt.Sprintf(`{"order_id":"o-%d"}`, n), id, pay}
	}, func(q request) {
		if state := d.ends(q.id, true); state != "approved" {
			t.Error(state)
		}
	})
}

func TestTillKilledInEveryUzqrFlow(t *testing.T) {
	d := newDesk(t)
	w := watchWrites(d)
	n := 0
	create := func(id, print string) request {
		n++
		return request{"POST", "/payment/one_qr/create", fmt.Sprintf(`{"amount":"%d.00","external_id":"e-%d","operation_id":%q,"print":%s}`, n, n, id, print), id, nil}
	}
	amount := func() int64 { return int64(n) * 100 }
	made := func(id string) (invoice string) {
		t.Helper()
		q := create(id, "false")
		a, ok := d.call(q.method, q.path, q.body)
		if !ok || !a.Success {
			t.Fatalf("%+v", a)
		}
		return a.Data["invoice_id"].(string)
	}
	payID := func(id string) string {
		t.Helper()
		invoice := made(id)
		d.act("fbox", simulator.Action{Kind: "pay", Ref: invoice})
		a, ok := d.call("GET", "/payment/one_qr/status?invoice_id="+invoice, "")
		if !ok || !a.Success {
			t.Fatalf("%+v", a)
		}
		return a.Data["pay_id"].(string)
	}

	for _, print := range []string{"false", "true"} { // true: printed by the box, where the till has no printer
		w.killed(t, "create-print-"+print, onWire, 2, func(id string) request { return create(id, print) }, func(q request) {
			op := d.operation(q.id)
			again, ok := d.call(q.method, q.path, q.body)
			switch op["state"] {
			case "in_progress":
				if !ok || !again.Success || again.Data["qr_text"] != op["qr_text"] {
					t.Errorf("%v; once more: %+v", op, again)
				}
				d.act("fbox", simulator.Action{Kind: "pay", Link: op["qr_text"].(string)})
				d.call("GET", fmt.Sprintf("/payment/one_qr/status?invoice_id=%v", op["payment_id"]), "")
				if state := d.operation(q.id)["state"]; state != "approved" {
					t.Errorf("paid, and %v", state)
				}
			case "not_started":
			case "unknown":
				if print == "false" {
					t.Error("unknown, though nobody can have seen it")
				}
			default:
				t.Errorf("%v", op)
			}
		})
	}
	w.killed(t, "status", onWire, 1, func(id string) request {
		invoice := made(id)
		pay := func() { d.act("fbox", simulator.Action{Kind: "pay", Ref: invoice}) }
		return request{"GET", "/payment/one_qr/status?invoice_id=" + invoice, "", id, pay}
	}, func(q request) {
		if state := d.ends(q.id, true); state != "approved" {
			t.Error(state)
		}
	})
	w.killed(t, "cancel", onWire, 1, func(id string) request {
		return request{"POST", "/payment/one_qr/cancel", `{"invoice_id":"` + made(id) + `"}`, id, nil}
	}, func(q request) {
		if d.entry("fbox", amount()).State == "created" { // it had not heard of it: once more
			d.call(q.method, q.path, q.body)
		}
		if state := d.ends(q.id, true); state != "declined" || d.entry("fbox", amount()).State != "refused" {
			t.Errorf("%s, and at the box %+v", state, d.entry("fbox", amount()))
		}
	})
	d.killedReceipts(w, "one_qr/receipt", "pay_id", "fiscal_receipt_url", func(id string) any { return payID(id) })
	w.killed(t, "refund", onWire, 3, func(id string) request {
		return request{"POST", "/payment/one_qr/refund", fmt.Sprintf(`{"pay_id":"%s","amount":"%d.00","operation_id":%q}`, payID("of-"+id), n, id), id, nil}
	}, func(q request) {
		back := func() int { return int(d.entry("fbox", amount()).Refunded / amount()) }
		if id := d.operation(q.id)["payment_id"]; id != nil { // it has begun, and takes its time
			d.clock.Advance(10 * time.Second)
			d.call("GET", fmt.Sprintf("/payment/one_qr/refund/status?refund_id=%v", id), "")
			if state := d.operation(q.id)["state"]; state != "approved" || back() != 1 {
				t.Errorf("%v, given back %d times", state, back())
			}
		}
		d.paid(q, nothing, back)
	})
}

// A short report and a reprint move nothing and are not journaled: killed in one, the agent takes the
// next sale. A person's decision stands once it is written.
func TestTillKilledInWhatMovesNoMoney(t *testing.T) {
	d := newDesk(t, func(d *desk) {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			d.step("box " + r.URL.Path)
			(&boxsim.Box{Device: d.device}).ServeHTTP(w, r)
		}))
		d.t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
		d.terminal(fmt.Sprintf("{driver: fbox, address: %q}", srv.URL))
	})
	w := watchWrites(d)
	d.killUpon(func(step string) bool { return strings.Contains(step, "_shortreport") })
	d.call("GET", "/payment/xumo_shortreport/", "")
	if !d.isDead() {
		t.Fatal("nobody was killed")
	}
	d.again()
	if a, ok := d.call("GET", "/payment/xumo_shortreport/", ""); !ok || !a.Success || d.lastClosing() != "" {
		t.Errorf("%+v", a)
	}
	w.killed(t, "resolve", nil, 1, func(id string) request {
		d.call("POST", "/payment/xumo", fmt.Sprintf(`{"amount":50098,"operation_id":%q}`, id))
		ours, _ := d.operation(id)["id"].(string)
		return request{"POST", "/payment/operations/" + ours + "/resolve", `{"decision":"approve","name":"Dilnoza","rrn":"408005356147"}`, id, nil}
	}, func(q request) {
		if op := d.operation(q.id); op["state"] != "approved" || op["resolved_by"] != "Dilnoza" || op["rrn"] != "408005356147" {
			t.Errorf("%v", op)
		}
	})
	if a, ok := d.call("POST", "/payment/xumo", `{"amount":10000}`); !ok || !a.Success {
		t.Errorf("the next sale: %+v", a)
	}
}
