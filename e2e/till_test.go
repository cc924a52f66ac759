package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/inbox"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/sandbox"
	arcussim "github.com/chorsu/chorsu/internal/till/terminal/arcus2/sim"
	processsim "github.com/chorsu/chorsu/internal/till/terminal/process/sim"
	device "github.com/chorsu/chorsu/internal/till/terminal/sim"
	zvtsim "github.com/chorsu/chorsu/internal/till/terminal/zvt/sim"
)

// What this test's own binary plays, as a child of the agent: the programs that two of the pinpads'
// drivers run.
const (
	playArcus  = "play-arcus2"
	playDriver = "play-driver"
)

// play does so, where it is asked to.
func play(args []string) (code int, played bool) {
	switch {
	case len(args) > 0 && args[0] == playArcus:
		return arcussim.Main(args[1:]), true
	case len(args) == 2 && args[0] == playDriver:
		return processsim.Main(args[1], os.Stdin, os.Stdout), true
	}
	return 0, false
}

// desk is the real agent with the companies and a terminal around it, which outlive it.
type desk struct {
	t      *testing.T
	env    map[string]string
	p      *program
	box    *sandbox.Sandbox
	clock  *sandbox.Clock
	device *device.Device
	term   *zvtsim.Terminal

	mu    sync.Mutex
	steps []string // what passed between the agent and the others
	at    int      // kill the agent at this step, counted from 1; 0: at none
	upon  func(step string) bool
	dead  bool
}

// step is called before each message is acted on, and again before its answer is given. It kills
// the agent where the test says so.
func (d *desk) step(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.steps = append(d.steps, what)
	if !d.dead && (len(d.steps) == d.at || d.upon != nil && d.upon(what)) {
		d.dead = true
		d.p.kill()
	}
}

// met are the steps so far.
func (d *desk) met() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.steps)
}

// killAt has the agent killed at its at-th step.
func (d *desk) killAt(at int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = at
}

// killUpon has it killed at the first step that is one of those.
func (d *desk) killUpon(these func(step string) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.upon = these
}

// newDesk opens one. with changes it before its agent is started.
func newDesk(t *testing.T, with ...func(*desk)) *desk {
	t.Helper()
	d := &desk{t: t}
	var box http.Handler
	companies := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { box.ServeHTTP(w, r) }))
	t.Cleanup(func() { companies.CloseClientConnections(); companies.Close() })
	d.clock = sandbox.NewClock(time.Now)
	var err error
	if d.box, err = sandbox.New(sandbox.Options{BaseURL: companies.URL, Companies: app.Companies(app.Plugins()), Clock: d.clock, Inbox: inbox.New(inbox.Options{Now: d.clock.Now})}); err != nil {
		t.Fatal(err)
	}
	box = d.box
	for _, p := range app.Plugins() {
		if _, _, played := d.box.Simulator(p.Played()); played && p.Provider.Info().InStore {
			if err := d.box.AddAccount(p.Played(), simulator.Account{Credentials: p.Sample}); err != nil {
				t.Fatal(err)
			}
		}
	}
	front := httptest.NewServer(d.between(companies.URL))
	t.Cleanup(func() { front.CloseClientConnections(); front.Close() })
	if d.device, err = device.NewDevice(device.HUMO, "", time.Now); err != nil {
		t.Fatal(err)
	}
	if d.term, err = zvtsim.Listen("127.0.0.1:0", d.device); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.term.Close)
	d.term.Watch = d.step
	d.configure(front.URL)
	for _, change := range with {
		change(d)
	}
	d.p = start(t, d.env, "till")
	return d
}

// between stands between the agent and the companies: a step when a request has come, and another
// when its answer is about to go.
func (d *desk) between(companies string) http.Handler {
	to, err := url.Parse(companies)
	if err != nil {
		d.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) }
	proxy.ModifyResponse = func(res *http.Response) error {
		body, err := io.ReadAll(res.Body) // the company is done
		res.Body = io.NopCloser(bytes.NewReader(body))
		d.step("answer " + res.Request.URL.Path)
		return err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.step("request " + r.URL.Path)
		if d.isDead() { // its request died with it
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r.WithContext(d.t.Context())) // what has arrived is done, whoever asked
	})
}

func (d *desk) isDead() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

func (d *desk) configure(companies string) {
	d.t.Helper()
	example, code := "", 0
	if code, example = runProgram(d.t, nil, "till", "--example-config"); code != 0 {
		d.t.Fatal(example)
	}
	text := strings.ReplaceAll(example, "http://127.0.0.1:4003", companies)
	dir := d.t.TempDir()
	path := filepath.Join(dir, "till.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	d.env = map[string]string{
		"TILL_ADDR": "127.0.0.1:0", "TILL_DB": "sqlite:" + filepath.Join(dir, "till.db"), "TILL_CONFIG": path, "LOG_FORMAT": "json", "HOME": dir,
	}
	d.terminal(d.zvt())
}

// zvt is the line of the pinpad that speaks it. The simulated one takes back at once what nobody can
// acknowledge any more.
func (d *desk) zvt() string {
	return fmt.Sprintf("{driver: zvt, address: %q, options: {reversal: 1ms}}", d.term.Address())
}

var xumoLine = regexp.MustCompile(`(?m)^  xumo: .*$`)

// terminal puts another pinpad behind /payment/xumo from the agent's next start on.
func (d *desk) terminal(line string) {
	d.t.Helper()
	text, err := os.ReadFile(d.env["TILL_CONFIG"])
	if err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(d.env["TILL_CONFIG"], xumoLine.ReplaceAllLiteral(text, []byte("  xumo: "+line)), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// again starts the agent after its death, on the same journal.
func (d *desk) again() {
	d.t.Helper()
	d.p.kill()
	d.mu.Lock()
	d.dead, d.at, d.upon = false, 0, nil // what it sends at once is heard
	d.mu.Unlock()
	p := start(d.t, d.env, "till")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.p = p
}

type tillAnswer struct {
	Data    map[string]any `json:"data"`
	Error   map[string]any `json:"error"`
	Success bool           `json:"is_success"`
}

// call sends a till's request. ok is false where no answer came.
func (d *desk) call(method, path, body string) (a tillAnswer, ok bool) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.p.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, false
	}
	defer res.Body.Close()
	return a, json.NewDecoder(res.Body).Decode(&a) == nil
}

// ends waits until an operation is neither in progress nor, where it can be settled, unknown, and
// returns its state; "" where there is none.
func (d *desk) ends(id string, settles bool) (state string) {
	d.t.Helper()
	await(d.t, "the end of "+id, func() bool {
		a, ok := d.call("GET", "/payment/operations/"+id, "")
		if !ok {
			return false
		}
		state, _ = a.Data["state"].(string)
		return state != "in_progress" && (state != "unknown" || !settles)
	})
	return state
}

func (d *desk) sold() (n int) {
	for _, m := range d.term.Wire() {
		if strings.HasPrefix(m, "> 06 01 ") {
			n++
		}
	}
	return n
}

func TestScenario_InStore_15_KilledAfterSent(t *testing.T) {
	d := newDesk(t)
	d.killUpon(func(step string) bool { return strings.HasPrefix(step, "> 06 01 ") })
	d.call("POST", "/payment/xumo", `{"amount":50000,"operation_id":"op"}`)
	d.again()
	state := d.ends("op", true)
	if want := map[int64]string{50000: "approved", 0: "declined"}[d.device.Total()]; state != want {
		t.Errorf("%s, and the device holds %d", state, d.device.Total())
	}
	if a, ok := d.call("POST", "/payment/xumo", `{"amount":10000}`); !ok || !a.Success || d.sold() != 2 {
		t.Errorf("the next sale: %+v, %d sales on the wire", a, d.sold())
	}
}

func TestScenario_InStore_16_KilledBeforeSent(t *testing.T) {
	d := newDesk(t)
	d.killUpon(func(step string) bool { return strings.HasPrefix(step, "> 06 20 ") }) // journaled, and not sent yet
	d.call("POST", "/payment/xumo", `{"amount":50000,"operation_id":"op"}`)
	d.again()
	if state := d.ends("op", true); state != "not_started" || d.sold() != 0 {
		t.Errorf("%s, %d sales on the wire", state, d.sold())
	}
	if a, ok := d.call("POST", "/payment/xumo", `{"amount":10000}`); !ok || !a.Success || d.device.Total() != 10000 {
		t.Errorf("the next sale: %+v, the device holds %d", a, d.device.Total())
	}
}

// The agent is killed at every message of a sale at a pinpad, and asked afterwards.
func TestTillKilledAtEveryStepOfACardSale(t *testing.T) {
	whole := newDesk(t)
	if a, ok := whole.call("POST", "/payment/xumo", `{"amount":50000}`); !ok || !a.Success {
		t.Fatalf("%+v", a)
	}
	steps := whole.met()
	for _, at := range telling(steps) {
		t.Run(fmt.Sprintf("%d %s", at, steps[at-1][:min(7, len(steps[at-1]))]), func(t *testing.T) {
			d := newDesk(t)
			d.killAt(at)
			d.call("POST", "/payment/xumo", `{"amount":50000,"operation_id":"op"}`)
			d.again()
			state := d.ends("op", true)
			total := d.device.Total()
			if (state == "approved") != (total == 50000) || total != 50000 && total != 0 || d.sold() > 1 {
				t.Errorf("%q, the device holds %d after %d sales:\n%s", state, total, d.sold(), strings.Join(d.term.Wire(), "\n"))
			}
			if a, ok := d.call("POST", "/payment/xumo", `{"amount":10000}`); !ok || !a.Success || d.device.Total() != total+10000 {
				t.Errorf("the next sale: %+v, the device holds %d", a, d.device.Total())
			}
		})
	}
}

// telling picks the steps at which it is worth to kill: of the many lines of the slip only some.
func telling(steps []string) (out []int) {
	lines := 0
	for i, s := range steps {
		if strings.HasPrefix(s, "< 06 D1") {
			if lines++; lines%6 == 0 {
				out = append(out, i+1, i+2)
			}
			continue
		}
		if i > 0 && strings.HasPrefix(steps[i-1], "< 06 D1") {
			continue
		}
		out = append(out, i+1)
	}
	return out
}

// The agent is killed when a company has got its request, and again when it has acted, at each
// request of each wallet.
func TestTillKilledAtEveryStepOfAWallet(t *testing.T) {
	for endpoint, w := range map[string]struct{ code, company string }{
		"click": {"880101698207133391", "click"}, "payme": {"505010107934104691", "payme"},
		"uzum": {strings.Repeat("7", 39) + "1", "uzum"}, "anor": {"880101698207133391", "anor"},
	} {
		body := `{"amount":500,"qr_code":"` + w.code + `","operation_id":"op"}`
		whole := newDesk(t)
		if a, ok := whole.call("POST", "/payment/"+endpoint, body); !ok || !a.Success {
			t.Fatalf("%s: %+v", endpoint, a)
		}
		steps := whole.met()
		for at := range steps {
			t.Run(fmt.Sprintf("%s %d", endpoint, at+1), func(t *testing.T) {
				d := newDesk(t)
				d.killAt(at + 1)
				if _, ok := d.call("POST", "/payment/"+endpoint, body); ok {
					t.Fatal("the agent answered after its death")
				}
				d.again()
				// What a company never heard of stays open until it cannot land any more.
				state := d.ends("op", d.charged(w.company) > 0)
				if state == "unknown" && d.charged(w.company) > 0 { // it has landed meanwhile
					state = d.ends("op", true)
				}
				switch charged := d.charged(w.company); {
				case charged > 1, charged == 1 && state != "approved", charged == 0 && state == "approved", state == "":
					t.Errorf("%q, and %d charges, after %q", state, charged, steps[at])
				}
				a, _ := d.call("POST", "/payment/"+endpoint, body)
				if d.charged(w.company) > 1 || a.Success != (d.charged(w.company) == 1) {
					t.Errorf("repeated: %+v, %d charges", a, d.charged(w.company))
				}
			})
		}
	}
}

func (d *desk) charged(company string) (n int) {
	sim, _, _ := d.box.Simulator(company)
	for _, e := range sim.Books() {
		if e.State == "paid" {
			n++
		}
	}
	return n
}

// A stop that was asked for waits for the sale at the pinpad.
func TestTillStops(t *testing.T) {
	d := newDesk(t)
	began, once := make(chan struct{}), sync.Once{}
	d.killUpon(func(step string) bool {
		if strings.HasPrefix(step, "> 06 01 ") {
			once.Do(func() { close(began) })
		}
		return false
	})
	done := make(chan tillAnswer, 1)
	go func() {
		a, _ := d.call("POST", "/payment/xumo", `{"amount":50000}`)
		done <- a
	}()
	<-began
	if code := d.p.stop(t); code != 0 {
		t.Errorf("exit code %d:\n%s", code, d.p.log)
	}
	if a := <-done; !a.Success || d.device.Total() != 50000 {
		t.Errorf("%+v, the device holds %d", a, d.device.Total())
	}
}

// Two agents on one journal would be two tills on one pinpad.
func TestTillRefusesToStart(t *testing.T) {
	d := newDesk(t)
	for name, c := range map[string]struct {
		change map[string]string
		code   int
		says   string
	}{
		"the journal is in use":     {map[string]string{"TILL_DB": d.env["TILL_DB"]}, 1, "another till is using this journal"},
		"no configuration":          {map[string]string{"TILL_CONFIG": ""}, 2, "TILL_CONFIG is not set"},
		"beyond loopback, no token": {map[string]string{"TILL_ADDR": "0.0.0.0:0"}, 2, "TILL_TOKEN is not set"},
		"a token that is guessed":   {map[string]string{"TILL_ADDR": "0.0.0.0:0", "TILL_TOKEN": "fifteen-letters"}, 2, "at least 16 characters, such as "},
	} {
		env := map[string]string{"TILL_DB": "sqlite:" + filepath.Join(t.TempDir(), "till.db")}
		for k, v := range d.env {
			if _, set := env[k]; !set {
				env[k] = v
			}
		}
		for k, v := range c.change {
			env[k] = v
		}
		code, out := runProgram(t, env, "till")
		if code != c.code || !strings.Contains(out, c.says) || !oneLine(out) {
			t.Errorf("%s: exit code %d, %s", name, code, out)
		}
	}
}

// What the shop takes stands in the gateway's book, whichever of the two was away meanwhile.
func TestTillReportsToTheGateway(t *testing.T) {
	gate := map[string]string{
		"PORT": "0", "HOST": "127.0.0.1", "DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "chorsu.db"), "PUBLIC_URL": "http://127.0.0.1",
		"SERVICE_API_KEY": apiKey, "WEBHOOK_SIGNING_SECRET": webhookSecret, "MASTER_KEY": masterKey, "RATE_LIMIT_PER_MINUTE": "0", "LOG_FORMAT": "json",
	}
	g := start(t, gate, "serve")
	door := newFront() // its address stays when the process behind it is another; while there is none it hangs up
	door.hurry()
	door.serve(g.url)
	public := httptest.NewServer(door)
	t.Cleanup(public.Close)
	ask := func(method, path, body string, into any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, public.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("x-api-key", apiKey)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode >= 300 {
			t.Fatalf("%s %s: HTTP %d", method, path, res.StatusCode)
		}
		if err := answer(res, into); err != nil {
			t.Fatal(err)
		}
	}
	var made struct{ ID, PairingCode string }
	ask("POST", "/api/tills", `{"businessId":"shop_7","name":"Till 1"}`, &made)

	d := newDesk(t)
	d.p.kill()
	text, err := os.ReadFile(d.env["TILL_CONFIG"])
	if err != nil {
		t.Fatal(err)
	}
	text = fmt.Appendf(text, "\ngateway: {url: %q, pairing: %q}\n", public.URL, made.PairingCode)
	if err := os.WriteFile(d.env["TILL_CONFIG"], text, 0o600); err != nil {
		t.Fatal(err)
	}
	d.again()
	for _, sale := range []string{
		`{"amount":50000,"operation_id":"a"}`, `{"request_id":340,"amount":50000,"is_return":true,"operation_id":"b"}`, `{"amount":60000,"operation_id":"c"}`, `{"amount":50016}`,
	} {
		d.call("POST", "/payment/xumo", sale)
	}
	if a, ok := d.call("POST", "/payment/payme", `{"amount":70000,"qr_code":"505010107934104691"}`); !ok || !a.Success {
		t.Fatalf("%+v", a)
	}
	d.call("GET", "/payment/xumo_close", "")
	reported := func(id string) {
		await(t, id+" is reported", func() bool {
			a, _ := d.call("GET", "/payment/operations/"+id, "")
			return a.Data["reported"] == true
		})
	}
	for _, id := range []string{"a", "b", "c"} {
		reported(id)
	}
	type invoice struct {
		Status, Provider, Source, ProviderUUID string
		Amount                                 int64
	}
	var page struct{ Items []invoice }
	count := func() map[string]int {
		page.Items = nil
		ask("GET", "/api/invoices?businessId=shop_7", "", &page)
		n := map[string]int{}
		for _, i := range page.Items {
			n[fmt.Sprintf("%s %s %d", i.Provider, i.Status, i.Amount)]++
		}
		return n
	}
	await(t, "the book has all of it", func() bool { return len(count()) >= 4 })
	for what, n := range map[string]int{"humo refunded 50000": 1, "humo paid 60000": 1, "humo failed 50016": 1, "paymego paid 70000": 1} {
		if got := count(); got[what] != n {
			t.Errorf("%s: %d, in %v", what, got[what], got)
		}
	}

	// The gateway is away, the shop sells, both come back.
	door.serve()
	g.kill()
	d.call("POST", "/payment/xumo", `{"amount":80000,"operation_id":"away"}`)
	d.again()
	g = start(t, gate, "serve")
	door.serve(g.url)
	reported("away")
	if got := count(); got["humo paid 80000"] != 1 {
		t.Errorf("%v", got)
	}

	// A till that was lost is revoked: it goes on selling, and opens nothing here.
	ask("DELETE", "/api/tills/"+made.ID, "", &struct{}{})
	d.call("POST", "/payment/xumo", `{"amount":90000,"operation_id":"revoked"}`)
	await(t, "the till says that it is revoked", func() bool {
		a, _ := d.call("GET", "/till/state", "")
		return a.Data["gateway"] == "revoked"
	})
	if got := count(); got["humo paid 90000"] != 0 || d.device.Total() != 60000+80000+90000 {
		t.Errorf("%v, and the device holds %d", got, d.device.Total())
	}
}

// The example configuration works against `chorsu sandbox` as printed, but for the ports: a wallet, the
// HUMO pinpad over ZVT and the UzCard pinpad behind the program of ARCUS 2; and their faults are set
// where the companies' are.
func TestTillRunsAsPrinted(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	box := exec.Command(path, "sandbox", "--zvt", "127.0.0.1:0")
	box.Dir, box.Env = t.TempDir(), []string{"SANDBOX_ADDR=127.0.0.1:0"}
	out, err := box.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Process.Kill(); box.Wait() })
	var printed strings.Builder
	said := regexp.MustCompile(`What can be done: (http://\S+)/control[\s\S]*driver zvt, address (\S+)\s[\s\S]*args "(arcus2-tool \S+)"`)
	for lines := bufio.NewScanner(out); !said.MatchString(printed.String()); {
		if !lines.Scan() {
			t.Fatalf("the sandbox did not start: %s", printed.String())
		}
		printed.WriteString(lines.Text() + "\n")
	}
	at := said.FindStringSubmatch(printed.String())
	go io.Copy(io.Discard, out)

	_, text := runProgram(t, nil, "till", "--example-config")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "http://127.0.0.1:4003", at[1]), `"127.0.0.1:20007"`, `"`+at[2]+`", options: {reversal: 50ms}`)
	arcus := regexp.MustCompile(`(?m)^  # (uzcard:)\n  # (  driver: arcus2)\n  # (  options: .*arcus2-tool.*)$`)
	if m := arcus.FindString(text); !strings.Contains(m, at[3]) {
		t.Fatalf("the example names another program than the sandbox, which prints %q: %q", at[3], m)
	}
	text = strings.Replace(arcus.ReplaceAllString(text, "  $1\n  $2\n  $3"), "  uzcard: {driver: sim}\n", "", 1)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "till.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"TILL_ADDR": "127.0.0.1:0", "TILL_DB": "sqlite:" + filepath.Join(dir, "till.db"), "TILL_CONFIG": filepath.Join(dir, "till.yaml"),
		"LOG_FORMAT": "json", "HOME": dir, "PATH": filepath.Dir(path),
	}
	if code, out := runProgram(t, env, "till", "--check"); code != 0 || strings.Count(out, " ok\n") != 2 {
		t.Errorf("the check: %d %s", code, out)
	}
	d := &desk{t: t, env: env, p: start(t, env, "till")}
	control := func(path, body string) {
		t.Helper()
		res, err := http.Post(at[1]+"/control/providers/"+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if b, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
			t.Fatalf("%s: HTTP %d %s", path, res.StatusCode, b)
		}
	}
	for _, path := range []string{"/payment/click", "/payment/xumo", "/payment/uzcard"} {
		if a, ok := d.call("POST", path, `{"amount":50000,"qr_code":"880101698207133391"}`); !ok || !a.Success {
			t.Errorf("%s: %+v\n%s", path, a, d.p.log)
		}
	}
	for _, c := range []struct{ endpoint, step, kind, company, want string }{
		{"xumo", "zvt.command", "lost_before", "zvt", "not_performed"},
		{"xumo", "zvt.result", "lost_after", "zvt", "not_performed"},
		{"xumo", "zvt.slip", "half_body", "zvt", "not_performed"},
		{"xumo", "zvt.end", "lost_after", "zvt", ""},
		{"uzcard", "arcus2.undo", "lost_before", "arcus2", "206"},
		{"uzcard", "arcus2.run", "lost_after", "arcus2", "unresolved:"},
	} {
		control(c.company+"/faults", `{"step":"`+c.step+`","kind":"`+c.kind+`","times":1}`)
		a, ok := d.call("POST", "/payment/"+c.endpoint, `{"amount":30000}`)
		if code, _ := a.Error["data"].(string); !ok || a.Success != (c.want == "") || !strings.HasPrefix(code, c.want) {
			t.Errorf("%s %s: %+v", c.step, c.kind, a)
		}
	}
	control("zvt/act", `{"kind":"sale","amount":12345}`) // by hand
	if a, ok := d.call("GET", "/payment/xumo_close", ""); !ok || !a.Success {
		t.Errorf("closing: %+v", a)
	}
	control("zvt/act", `{"kind":"pull"}`)
	if a, _ := d.call("POST", "/payment/xumo", `{"amount":30000}`); a.Error["data"] != "999" {
		t.Errorf("with the cable out: %+v", a)
	}
	books := map[string]int64{}
	for _, company := range []string{"zvt", "arcus2"} {
		res, err := http.Get(at[1] + "/control/providers/" + company + "/books")
		if err != nil {
			t.Fatal(err)
		}
		var list struct{ Items []simulator.Entry }
		err = json.NewDecoder(res.Body).Decode(&list)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list.Items {
			if e.State == "paid" {
				books[company] += e.Amount
			}
		}
	}
	if books["zvt"] != 50000+30000+12345 || books["arcus2"] != 50000+30000 {
		t.Errorf("%v", books)
	}
}
