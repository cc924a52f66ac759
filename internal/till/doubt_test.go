package till_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/till"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/till/terminal"
	boxsim "github.com/chorsu/chorsu/internal/till/terminal/fbox/sim"
)

// When an answer was lost: what may be believed, when, and of whom.

// doubted is a device whose every answer is lost, and which says of its last transaction what a
// test has it say.
type doubted struct {
	reverses time.Duration
	answers  bool // the result reaches us, and not the end
	slip     string

	mu   sync.Mutex
	last func() (terminal.Record, error)
}

func (d *doubted) Caps() terminal.Caps                                             { return terminal.Caps{Last: true, AutoReverses: d.reverses} }
func (d *doubted) Probe(context.Context) error                                     { return nil }
func (d *doubted) Cancel(context.Context) error                                    { return nil }
func (d *doubted) Report(context.Context, terminal.ReportKind) (r terminal.Result) { return r }

func (d *doubted) Run(_ context.Context, op terminal.Operation, p terminal.Progress) terminal.Result {
	if err := p.Sent(); err != nil {
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, err.Error())
	}
	if d.answers {
		p.Answered(terminal.Result{Outcome: terminal.Approved, Code: "000", Receipt: "341", RRN: "408005356148", Amount: op.Amount})
	}
	r := terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, "lost")
	r.Slip = d.slip
	return r
}

func (d *doubted) Last(context.Context) (terminal.Record, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last()
}

func (d *doubted) says(r terminal.Record, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = func() (terminal.Record, error) { return r, err }
}

var (
	earlier = terminal.Record{Kind: terminal.Sale, Approved: true, Code: "000", Amount: 50000, Receipt: "340", RRN: "408005356147"}
	theSale = terminal.Record{Kind: terminal.Sale, Approved: true, Code: "000", Amount: 50000, Receipt: "341", RRN: "408005356148"}
)

func doubtedShop(t *testing.T, d *doubted) *shop {
	t.Helper()
	d.says(earlier, nil)
	return newShop(t, func(o *till.Options) { o.Terminals["xumo"] = d })
}

func (s *shop) state(want journal.State, when string) {
	s.t.Helper()
	s.agent.Tick(s.t.Context())
	if op := s.last(); op.State != want {
		s.t.Errorf("%s it is %s (%s), want %s", when, op.State, op.Message, want)
	}
}

// A device that may be at work on the sale still has not performed it yet, and may.
func TestNotPerformedYet(t *testing.T) {
	d := &doubted{}
	s := doubtedShop(t, d)
	if a := s.post("/payment/xumo", `{"amount":50000}`); !strings.HasPrefix(a.code(), "unresolved:") {
		t.Fatalf("the buyer has the card in hand, and the till was told %s", a.raw)
	}
	s.clock.advance(4 * time.Minute)
	s.state(journal.Unknown, "after 4 minutes")
	s.clock.advance(time.Minute)
	s.state(journal.Declined, "after 5 minutes")

	s.post("/payment/xumo", `{"amount":50000}`)
	s.clock.advance(2 * time.Minute)
	d.says(theSale, nil) // the buyer was slow
	s.state(journal.Approved, "once the device has performed it")
}

// A device that takes back what was not acknowledged is not believed that a sale stands whose
// result never reached us; that it has none is believed at once.
func TestNeverAcknowledged(t *testing.T) {
	d := &doubted{reverses: time.Millisecond}
	s := doubtedShop(t, d)
	if a := s.post("/payment/xumo", `{"amount":50000}`); a.code() != "not_performed" {
		t.Fatal(a.raw)
	}
	first := true
	d.mu.Lock()
	d.last = func() (terminal.Record, error) {
		if first { // the baseline
			first = false
			return earlier, nil
		}
		return theSale, nil
	}
	d.mu.Unlock()
	if a := s.post("/payment/xumo", `{"amount":50000}`); a.Success || !strings.HasPrefix(a.code(), "unresolved:") {
		t.Fatalf("a sale that is about to be taken back: %s", a.raw)
	}
	s.clock.advance(time.Hour)
	s.state(journal.Unknown, "while the device says that it stands")
	taken := theSale
	taken.Reversed = true
	d.says(taken, nil)
	s.state(journal.Declined, "once it was taken back")
}

// One whose result has reached us stands if it stands once the device has had its time.
func TestAcknowledgedOrNot(t *testing.T) {
	d := &doubted{reverses: time.Millisecond, answers: true}
	s := doubtedShop(t, d)
	calls := 0
	d.mu.Lock()
	d.last = func() (terminal.Record, error) {
		if calls++; calls == 1 {
			return earlier, nil
		}
		return terminal.Record{}, errors.New("away")
	}
	d.mu.Unlock()
	s.post("/payment/xumo", `{"amount":50000}`)
	d.reverses = 7 * time.Second
	d.says(theSale, nil)
	s.state(journal.Unknown, "at once")
	s.clock.advance(8 * time.Second)
	s.state(journal.Approved, "after 8 seconds")
}

// A clock that jumps forward while the till is off does not make the device ready.
func TestClockThatJumped(t *testing.T) {
	d := &doubted{}
	s := doubtedShop(t, d)
	s.post("/payment/xumo", `{"amount":50000}`)
	s.stop()
	s.clock.advance(24 * time.Hour)
	s.start()
	s.state(journal.Unknown, "as soon as the till is back")
	s.clock.advance(5 * time.Minute)
	s.state(journal.Declined, "5 minutes later")
}

// What a person has decided while the device was being asked stays decided.
func TestPersonsWordStands(t *testing.T) {
	d := &doubted{}
	s := doubtedShop(t, d)
	calls := 0
	d.mu.Lock()
	d.last = func() (terminal.Record, error) {
		if calls++; calls == 1 {
			return earlier, nil
		}
		open := s.last()
		if a := s.post("/payment/operations/"+open.ID+"/resolve", `{"decision":"void","name":"Dilnoza"}`); !a.Success {
			t.Error(a.raw)
		}
		return theSale, nil
	}
	d.mu.Unlock()
	a := s.post("/payment/xumo", `{"amount":50000}`)
	op := s.last()
	if a.code() != "contradicted" || op.State != journal.Declined || op.ResolvedBy != "Dilnoza" || op.RRN != theSale.RRN {
		t.Errorf("%s, %s by %q, RRN %q", a.raw, op.State, op.ResolvedBy, op.RRN)
	}
	if open, _ := s.get("/till/state").Data["contradicted"].([]any); len(open) != 1 {
		t.Errorf("the page shows %v", open)
	}

	// A named person decides again, and it is over.
	if again := s.post("/payment/operations/"+op.ID+"/resolve", `{"decision":"approve","name":"Rustam"}`); again.Data["state"] != "approved" || again.Data["code"] != nil {
		t.Error(again.raw)
	}
	if open, _ := s.get("/till/state").Data["contradicted"].([]any); len(open) != 0 {
		t.Errorf("the page shows %v still", open)
	}
	if again := s.post("/payment/operations/"+op.ID+"/resolve", `{"decision":"void","name":"Rustam"}`); again.Success {
		t.Errorf("a third word: %s", again.raw)
	}
}

// refunding is a doubted device whose sales are approved: only what goes back is lost.
type refunding struct {
	doubted
	runs int
}

func (d *refunding) Caps() terminal.Caps { return terminal.Caps{Return: true, Last: true} }
func (d *refunding) Run(ctx context.Context, op terminal.Operation, p terminal.Progress) terminal.Result {
	d.runs++
	if op.Kind != terminal.Sale {
		return d.doubted.Run(ctx, op, p)
	}
	if err := p.Sent(); err != nil {
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, err.Error())
	}
	return earlier.Result()
}

// A return that a person has voided, and of which the pinpad says afterwards that it was paid, may be
// paid: it is not paid out again before a person has decided again.
func TestContradictedReturnCounts(t *testing.T) {
	d := &refunding{}
	s := newShop(t, func(o *till.Options) { o.Terminals["xumo"] = d })
	d.says(terminal.Record{None: true}, nil)
	s.post("/payment/xumo", `{"amount":50000}`)
	asked := false
	d.mu.Lock()
	d.last = func() (terminal.Record, error) {
		if !asked {
			asked = true
			if a := s.post("/payment/operations/"+s.last().ID+"/resolve", `{"decision":"void","name":"Dilnoza"}`); !a.Success {
				t.Error(a.raw)
			}
		}
		return terminal.Record{Kind: terminal.Return, Approved: true, Code: "000", Amount: 50000, Receipt: "341", RRN: "408005356148"}, nil
	}
	d.mu.Unlock()
	back := `{"request_id":"` + earlier.RRN + `","amount":50000,"is_return":true}`
	if a := s.post("/payment/xumo", back); a.code() != "contradicted" || d.runs != 2 {
		t.Fatalf("%s after %d runs", a.raw, d.runs)
	}
	op := s.last()
	if a := s.post("/payment/xumo", back); a.code() != "218" || d.runs != 2 {
		t.Errorf("paid out again: %s after %d runs", a.raw, d.runs)
	}
	s.post("/payment/operations/"+op.ID+"/resolve", `{"decision":"void","name":"Rustam"}`)
	if s.post("/payment/xumo", back); d.runs != 3 {
		t.Errorf("a named person says that it was not paid, and the device had %d runs", d.runs)
	}
}

// What a device puts into its error is logged without a card's number.
func TestErrorsAreLoggedDiscreetly(t *testing.T) {
	d := &doubted{}
	s := doubtedShop(t, d)
	for _, pan := range writtenPANs {
		d.says(terminal.Record{}, errors.New("no answer about "+pan))
		s.agent.Tick(t.Context())
		s.post("/payment/xumo", `{"amount":50000}`)
	}
	logs := s.log.String()
	for _, pan := range writtenPANs {
		if strings.Contains(logs, pan) || !strings.Contains(logs, "no answer about 860014******3145") {
			t.Errorf("%s: %s", pan, logs)
		}
	}
}

// Other options, or another device behind the endpoint, do not unlock it.
func TestLockOutlivesTheConfiguration(t *testing.T) {
	box := &boxsim.Box{}
	srv := httptest.NewServer(box)
	t.Cleanup(srv.Close)
	s := newShop(t, func(o *till.Options) {
		box.Device = newDevice(t, &clock{t: time.Now()})
		o.Terminals = nil
		o.Config.Terminals = map[string]till.Terminal{"xumo": {Driver: "fbox", Address: srv.URL}}
	})
	box.HangUp()
	lost := s.post("/payment/xumo", `{"amount":50000}`)
	if !strings.HasPrefix(lost.code(), "unresolved:") {
		t.Fatal(lost.raw)
	}
	for name, changed := range map[string]map[string]till.Terminal{
		"other options":       {"xumo": {Driver: "fbox", Address: srv.URL, Options: map[string]string{"endpoint": "xumo"}}},
		"another device":      {"xumo": {Driver: "sim"}},
		"the other endpoint":  {"uzcard": {Driver: "fbox", Address: srv.URL, Options: map[string]string{"endpoint": "xumo"}}},
		"both of one and one": {"xumo": {Driver: "sim"}, "uzcard": {Driver: "fbox", Address: srv.URL, Options: map[string]string{"endpoint": "xumo"}}},
	} {
		s.stop()
		s.options.Config.Terminals = changed
		s.start()
		for endpoint := range changed {
			if a := s.post("/payment/"+endpoint, `{"amount":10000}`); a.code() != lost.code() {
				t.Errorf("%s: %s", name, a.raw)
			}
		}
	}
	s.post("/payment/operations/"+strings.TrimPrefix(lost.code(), "unresolved:")+"/resolve", `{"decision":"approve","name":"Dilnoza"}`)
	s.stop()
	s.options.Config.Terminals = map[string]till.Terminal{"uzcard": {Driver: "fbox", Address: srv.URL, Options: map[string]string{"endpoint": "xumo"}}}
	s.start()
	if a := s.post("/payment/uzcard", `{"amount":10000}`); !a.Success {
		t.Errorf("decided, and still locked: %s", a.raw)
	}
}

// A thousand QRs that nobody paid, and closings that nobody repeated, hide no sale.
func TestNothingHidesASale(t *testing.T) {
	s := newShop(t)
	s.post("/payment/qr_pay", `{"amount":500,"order_id":"1","operation_id":"shown"}`)
	s.post("/payment/click", `{"amount":500,"qr_code":"880101698207133396","operation_id":"lost"}`)
	s.post("/payment/xumo", `{"amount":50000,"operation_id":"sale"}`)
	s.stop()
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(s.db, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		"CREATE TEMP TABLE many AS SELECT * FROM operations WHERE operation_id = 'shown'",
		"UPDATE many SET operation_id = '', created_at = created_at - 60000",
		"CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n",
		"CREATE TEMP TABLE shown AS SELECT many.* FROM many, n",
		"UPDATE shown SET id = 'shown ' || rowid",
		"INSERT INTO operations SELECT * FROM shown",
		"UPDATE shown SET id = 'close ' || rowid, kind = 'close', state = 'unknown', stage = 'sent', endpoint = 'xumo', device = 'xumo|given'",
		"INSERT INTO operations SELECT * FROM shown",
		"UPDATE operations SET state = 'in_progress', stage = 'sent' WHERE operation_id = 'sale'",
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s.start()
	if got := s.operation("sale")["state"]; got != "unknown" {
		t.Errorf("after the restart the sale is %v", got)
	}
	first := s.get("/payment/operations?state=unknown").list()
	if len(first) != 500 || first[0]["operation_id"] != "lost" || first[1]["operation_id"] != "sale" {
		t.Errorf("the list begins with %v", first[:2])
	}
	s.clock.advance(10 * time.Minute)
	s.agent.Tick(t.Context())
	for _, id := range []string{"sale", "lost"} {
		if got := s.operation(id)["state"]; got != "approved" {
			t.Errorf("%s is %v", id, got)
		}
	}
}

// short is a terminal whose RRN is as short as a slip's number.
type short struct {
	doubted
	results []terminal.Result
	asked   []terminal.Operation
}

func (d *short) Caps() terminal.Caps { return terminal.Caps{Void: true, Return: true} }
func (d *short) Run(_ context.Context, op terminal.Operation, p terminal.Progress) terminal.Result {
	d.asked = append(d.asked, op)
	if err := p.Sent(); err != nil || len(d.results) == 0 {
		return terminal.Failed(terminal.Declined, "116", "no")
	}
	r := d.results[0]
	d.results = d.results[1:]
	return r
}

// A short ppt_id is the sale that it was given for, and never the slip's number of another buyer.
func TestShortRRN(t *testing.T) {
	d := &short{results: []terminal.Result{
		{Outcome: terminal.Approved, Code: "000", RRN: "000341", Receipt: "7"},
		{Outcome: terminal.Approved, Code: "000", RRN: "000008", Receipt: "341"},
	}}
	s := newShop(t, func(o *till.Options) { o.Terminals["xumo"] = d })
	s.post("/payment/xumo", `{"amount":50000}`)
	s.post("/payment/xumo", `{"amount":50000}`)
	if a := s.post("/payment/xumo", `{"request_id":341,"amount":50000,"is_return":true}`); a.Error == nil || a.Error.Code != 104 || len(d.asked) != 2 {
		t.Errorf("either of two sales: %s", a.raw)
	}
	if a := s.post("/payment/xumo", `{"request_id":8,"amount":50000,"is_return":true}`); a.Error == nil || a.Error.Code != 104 || len(d.asked) != 2 {
		t.Errorf("perhaps a slip of another shift: %s", a.raw)
	}
	s.post("/payment/xumo", `{"request_id":"000341","amount":50000,"is_return":true}`)
	if got := d.asked[len(d.asked)-1]; got.Kind != terminal.Return || got.RRN != "000341" || got.Receipt != "7" {
		t.Errorf("the ppt_id reaches the driver as %+v", got)
	}
	s.post("/payment/xumo", `{"request_id":7,"amount":50000,"is_return":true}`)
	if got := d.asked[len(d.asked)-1]; got.Kind != terminal.Void || got.Receipt != "7" {
		t.Errorf("a slip's number reaches the driver as %+v", got)
	}
}

// A number that a slip prints with zeros before it, and a cashier types without them, is that sale: what
// went back by it is counted.
func TestZerosOnASlip(t *testing.T) {
	d := &short{results: []terminal.Result{
		{Outcome: terminal.Approved, Code: "000", RRN: "408005356147", Receipt: "0012"},
		{Outcome: terminal.Approved, Code: "400", RRN: "408005356148", Receipt: "0013"},
	}}
	s := newShop(t, func(o *till.Options) { o.Terminals["xumo"] = d })
	s.post("/payment/xumo", `{"amount":50000}`)
	sale := s.last()
	if a := s.post("/payment/xumo", `{"request_id":12,"amount":50000,"is_return":true}`); !a.Success || s.last().Original != sale.ID {
		t.Errorf("%s, of %q", a.raw, s.last().Original)
	}
	if a := s.post("/payment/xumo", `{"request_id":"408005356147","amount":50000,"is_return":true}`); a.code() != "218" || len(d.asked) != 2 {
		t.Errorf("given back twice: %s", a.raw)
	}
}

// ─── Wallets ───────────────────────────────────────────────────────────────────────────────

// One payment asked for under several operation_ids is found under each: a page that was answered
// "paid" must not find nothing, and say that no money was taken.
func TestEveryNameOfAPayment(t *testing.T) {
	s := newShop(t)
	body := func(id string) string {
		return `{"amount":500,"qr_code":"880101698207133396","operation_id":"` + id + `"}`
	}
	s.post("/payment/click", body("first"))
	id := s.operation("first")["id"]
	if a := s.post("/payment/click", body("second")); !a.Success || a.Data["transaction_id"] != id {
		t.Fatal(a.raw)
	}
	s.clock.advance(24 * time.Hour)
	if a := s.post("/payment/click", body("second")); !a.Success || a.Data["transaction_id"] != id {
		t.Errorf("the second name a day later: %s", a.raw)
	}
	for _, name := range []string{"first", "second"} {
		if op := s.operation(name); op["id"] != id || op["state"] != "approved" {
			t.Errorf("%s: %v", name, op)
		}
	}
	if n, _ := s.charged("click"); n != 1 {
		t.Errorf("%d charges", n)
	}

	made := s.post("/payment/qr_pay", `{"amount":500,"order_id":"1","operation_id":"shown"}`)
	if again := s.post("/payment/qr_pay", `{"amount":500,"order_id":"1","operation_id":"shown again"}`); again.raw != made.raw {
		t.Errorf("%s\n%s", made.raw, again.raw)
	}
	if s.operation("shown again")["id"] != s.operation("shown")["id"] {
		t.Error("the second name of a shown QR names another")
	}
}

// A payment that is under way at its company is not asked about: nothing there yet is no word.
func TestCheckedWhileUnderWay(t *testing.T) {
	var s *shop
	var asked answer
	during := -1
	s = newShop(t, func(o *till.Options) {
		next := o.HTTP.Transport
		o.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if during++; during == 0 {
				asked = s.post("/payment/operations/"+s.last().ID+"/resolve", `{"decision":"check"}`)
				if during != 0 {
					t.Errorf("the company was asked %d times about what is under way", during)
				}
			}
			return next.RoundTrip(r)
		})}
	})
	if a := s.post("/payment/click", `{"amount":500,"qr_code":"880101698207133396"}`); asked.Data["state"] != "in_progress" || a.Success {
		t.Errorf("%s\n%s", asked.raw, a.raw)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// ─── Shown QRs ─────────────────────────────────────────────────────────────────────────────

// A QR that is paid hours later is found paid in the background; and one that is older than anybody
// thinks, when somebody looks at it.
func TestShownQRIsPaidLate(t *testing.T) {
	s := newShop(t)
	s.post("/payment/qr_pay", `{"amount":500,"order_id":"1","operation_id":"late"}`)
	s.post("/payment/qr_pay", `{"amount":500,"order_id":"2","operation_id":"very late"}`)
	s.clock.advance(5 * time.Hour)
	s.paysQR("1")
	s.agent.Tick(t.Context())
	if got := s.operation("late")["state"]; got != "approved" {
		t.Errorf("after five hours: %v", got)
	}
	s.paysQR("2")
	s.clock.advance(40 * 24 * time.Hour)
	s.agent.Tick(t.Context())
	if got := s.operation("very late")["state"]; got != "approved" {
		t.Errorf("after forty days, looked at: %v", got)
	}
}

// ─── A full disk ───────────────────────────────────────────────────────────────────────────

// What became known while the journal could not be written is written as soon as it can be, without
// a start; until then nobody is told that nothing was done.
func TestFullDisk(t *testing.T) {
	s := newShop(t)
	s.diskIsFull("NEW.state <> OLD.state AND (SELECT value FROM settings WHERE name = 'disk') = 'full'")
	disk := func(says string) {
		t.Helper()
		if err := s.journal.Set(t.Context(), "disk", says); err != nil {
			t.Fatal(err)
		}
	}
	for path, body := range map[string]string{
		"/payment/xumo": `{"amount":50000,"operation_id":"card"}`, "/payment/click": `{"amount":500,"qr_code":"` + clickCode + `","operation_id":"wallet"}`,
	} {
		disk("full")
		a := s.post(path, body)
		if !strings.HasPrefix(a.code(), "unresolved:") {
			t.Errorf("%s is answered %s", path, a.raw)
		}
		s.agent.Tick(t.Context())
		disk("fine")
		s.agent.Tick(t.Context())
		if op := s.operation(strings.TrimPrefix(a.code(), "unresolved:")); op["state"] != "approved" || op["recovered"] != false {
			t.Errorf("%s: %v", path, op)
		}
		if again := s.post(path, body); !again.Success {
			t.Errorf("%s again: %s", path, again.raw)
		}
	}
	if n := s.humo.Total(); n != 50000 {
		t.Errorf("the device holds %d", n)
	}
}

// diskIsFull has the journal refuse the writes of an operation's state that a condition is true of.
func (s *shop) diskIsFull(when string) {
	s.t.Helper()
	s.stop()
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(s.db, "sqlite:"))
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TRIGGER full BEFORE UPDATE OF state ON operations WHEN " + when + " BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"); err != nil {
		s.t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

// That an outcome is not known is no word against one that is, also where the first could not be written
// and the second could: nobody is called to a good sale.
func TestUnknownContradictsNothing(t *testing.T) {
	d := &doubted{}
	s := doubtedShop(t, d)
	s.diskIsFull("NEW.state = 'unknown'")
	calls := 0
	d.mu.Lock()
	d.last = func() (terminal.Record, error) {
		if calls++; calls == 1 {
			return earlier, nil
		}
		return theSale, nil
	}
	d.mu.Unlock()
	if a := s.post("/payment/xumo", `{"amount":50000}`); !a.Success {
		t.Fatal(a.raw)
	}
	s.agent.Tick(t.Context())
	if op := s.last(); op.State != journal.Approved || op.Code != "000" {
		t.Errorf("%s %s: %s", op.State, op.Code, op.Message)
	}
	s.restart()
	if a := s.post("/payment/xumo", `{"amount":70000}`); a.Error == nil || strings.Contains(a.raw, "contradicted") {
		t.Error(a.raw)
	}
}

// A journal that breaks in the middle of a sale leaves it unknown, never refused.
func TestJournalBreaks(t *testing.T) {
	d := &doubted{}
	s := doubtedShop(t, d)
	calls := 0
	d.mu.Lock()
	d.last = func() (terminal.Record, error) {
		if calls++; calls > 1 {
			s.journal.Close()
		}
		return earlier, nil
	}
	d.mu.Unlock()
	if a := s.post("/payment/xumo", `{"amount":50000}`); !strings.HasPrefix(a.code(), "unresolved:") {
		t.Error(a.raw)
	}
}

// The QR of an order that is paid, or given up, is not shown again; but under the operation_id that
// it was made under the answer is what it was.
func TestSpentOrder(t *testing.T) {
	s := newShop(t)
	for _, c := range []struct {
		path, body, paid string
		company          string
	}{
		{"/payment/qr_pay", `{"amount":500,"order_id":"1"`, `{"data":null,"error":{"code":104,"message":"INVALID_ARGUMENT","data":"this order is paid already"},"is_success":false}`, "scan2pay"},
		{"/payment/one_qr/create", `{"amount":"5","external_id":"1"`, `{"data":null,"error":{"code":3002,"message":"ALREADY_PAID","data":null},"is_success":false}`, "fbox"},
	} {
		named, plain := c.body+`,"operation_id":"`+c.company+`"}`, c.body+"}"
		made := s.post(c.path, named)
		if again := s.post(c.path, plain); !made.Success || again.raw != made.raw {
			t.Errorf("while it is shown: %s\n%s", made.raw, again.raw)
		}
		s.paysQR("1")
		s.agent.Tick(t.Context())
		s.want(s.post(c.path, plain), c.paid)
		if again := s.post(c.path, named); again.raw != made.raw {
			t.Errorf("the same operation_id: %s", again.raw)
		}
	}
	made := s.post("/payment/one_qr/create", `{"amount":"5","external_id":"2"}`)
	s.post("/payment/one_qr/cancel", `{"invoice_id":"`+made.Data["invoice_id"].(string)+`"}`)
	s.want(s.post("/payment/one_qr/create", `{"amount":"5","external_id":"2"}`), `{"data":null,"error":{"code":104,"message":"INVALID_ARGUMENT","data":"this order's QR was cancelled, or not paid: name another order"},"is_success":false}`)
}

// A QR that the box may have printed can be paid: what came of it is not known. Where the till
// prints, the box is not asked to, and a QR that nobody has seen was not made.
func TestBoxPrints(t *testing.T) {
	s := newShop(t)
	_, world, _ := s.box.Simulator("fbox")
	lose := func() { world.Faults.Set(simulator.Fault{Step: "one_qr.create", Kind: simulator.LostAfter, Times: 1}) }
	lose()
	a := s.post("/payment/one_qr/create", `{"amount":"5","external_id":"1","print":true}`)
	b := s.post("/payment/one_qr/create", `{"amount":"5","external_id":"1","print":true}`)
	if !strings.HasPrefix(a.code(), "unresolved:") || b.raw != a.raw || s.tap.count("one_qr/create") != 1 {
		t.Errorf("%s\n%s\n%d calls", a.raw, b.raw, s.tap.count("one_qr/create"))
	}
	lose()
	if a := s.post("/payment/one_qr/create", `{"amount":"5","external_id":"2","print":false}`); a.Success || s.last().State != journal.NotStarted {
		t.Errorf("%s, %s", a.raw, s.last().State)
	}

	papers, printer, _ := openPrinter(t)
	var asked []string
	s = newShop(t, func(o *till.Options) {
		o.Config.Printer.Address = printer
		o.HTTP = &http.Client{Transport: bodies{http.DefaultTransport, &asked}}
	})
	_, world, _ = s.box.Simulator("fbox")
	lose()
	if a := s.post("/payment/one_qr/create", `{"amount":"5","external_id":"1","print":true}`); a.Success || s.last().State != journal.NotStarted {
		t.Errorf("%s, %s", a.raw, s.last().State)
	}
	made := s.post("/payment/one_qr/create", `{"amount":"5","external_id":"1","print":true}`)
	if paper := <-papers; !made.Success || !strings.Contains(paper, made.Data["qr_text"].(string)) {
		t.Errorf("%s: %q", made.raw, paper)
	}
	for _, body := range asked {
		if !strings.Contains(body, `"print":false`) {
			t.Errorf("the box is asked %s", body)
		}
	}
	if len(asked) != 2 {
		t.Errorf("the box is asked %d times", len(asked))
	}
}
