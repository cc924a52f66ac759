package sandbox_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/inbox"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/sandbox"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// wallet is a company of a few lines with an app: it knows what was done and tells nobody.
type wallet struct {
	world *simulator.World
	done  chan simulator.Action
	codes simulator.Codes
	mu    sync.Mutex // a page's stream may look while the test changes what is shown
	tills []simulator.Shown
	lost  bool // whether a fault stood on the step when the buyer paid
}

func (w *wallet) Info() simulator.Info {
	return simulator.Info{Name: "wallet", Title: "Hamyon", Actions: []string{"pay", "refuse", "pay_twice", "leave", "resume", "ask", "cancel"}, Steps: []string{"confirm", "page"}}
}
func (w *wallet) ServeHTTP(http.ResponseWriter, *http.Request) {}
func (w *wallet) AddAccount(simulator.Account) error           { return nil }
func (w *wallet) Tick(context.Context)                         {}
func (w *wallet) Books() []simulator.Entry                     { return nil }

func (w *wallet) Act(_ context.Context, a simulator.Action) (simulator.Report, error) {
	w.done <- a
	if a.Kind == "code" {
		code, err := w.codes.Make("88"+simulator.Digits(18), a.Params, w.world.Now())
		return simulator.Report{Ref: code.Text, State: "created"}, err
	}
	state := map[string]string{"refuse": "cancelled", "leave": "created", "cancel": "cancelled"}[a.Kind]
	if state == "" {
		state = "paid"
	}
	if a.Kind == "pay" && w.lost {
		if _, ok := w.world.Faults.Take("confirm", simulator.LostAfter); ok {
			state = "suspended"
		}
	}
	return simulator.Report{Ref: "w-1", State: state, Exchanges: []simulator.Exchange{{Step: "confirm", Request: "POST /<x>", Status: 200, Answer: "ok"}}, Problems: []string{}}, nil
}

func (w *wallet) Read(link string) (simulator.Bill, error) {
	if !strings.HasPrefix(link, "wallet:") {
		return simulator.Bill{}, io.EOF
	}
	return simulator.Bill{Account: strings.TrimPrefix(link, "wallet:"), Amount: 15_000_000, Fields: [][2]string{{"card", "8600 1234"}}}, nil
}

func (w *wallet) Shown(text string) simulator.Code { return w.codes.Look(text, w.world.Now()) }
func (w *wallet) Showing() []simulator.Shown {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.tills)
}

func (w *wallet) show(s simulator.Shown) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tills = append(w.tills, s)
}

func (w *wallet) Hands() simulator.Hands {
	return simulator.Hands{Leave: "leave", Resume: "resume", Answer: "confirm", Again: "ask"}
}

// table is a gateway with one bill.
type table struct{ opened, made int }

var theBill = sandbox.Bill{ID: "bill-1", Shop: "Namuna", Order: "10452", Amount: 15_000_000, State: ui.Waiting}

func (t *table) Newest(context.Context) ([]sandbox.Bill, error) { return []sandbox.Bill{theBill}, nil }
func (t *table) Ways(_ context.Context, id string) (sandbox.Bill, []sandbox.Way, bool, error) {
	return theBill, []sandbox.Way{{"wallet", "Hamyon", "wallet:bill-1"}, {"page", "Sahifa", ""}}, id == theBill.ID, nil
}
func (t *table) Open(context.Context, string, string) (string, error) {
	t.opened++
	return "wallet:made", nil
}
func (t *table) Sample(context.Context) (string, error) { t.made++; return theBill.ID, nil }

// room is the page of a sandbox with the wallet and the table.
type room struct {
	*testing.T
	url    string
	wallet *wallet
	table  *table
	inbox  *inbox.Inbox
	box    *sandbox.Sandbox
}

func furnish(t *testing.T) *room {
	r := &room{T: t, wallet: &wallet{done: make(chan simulator.Action, 10)}, table: &table{}, inbox: inbox.New(inbox.Options{})}
	srv := httptest.NewUnstartedServer(nil)
	t.Cleanup(func() { r.inbox.Close(); srv.Close() })
	r.url = "http://" + srv.Listener.Addr().String()
	var err error
	r.box, err = sandbox.New(sandbox.Options{
		BaseURL: r.url, Inbox: r.inbox, Bills: r.table,
		Companies: []sandbox.Company{{Name: "wallet", New: func(w *simulator.World) simulator.Simulator { r.wallet.world = w; return r.wallet }}},
		Clock:     sandbox.NewClock(func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }),
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = r.box
	srv.Start()
	return r
}

func (r *room) get(path string) string {
	r.Helper()
	res, err := http.Get(r.url + path)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		r.Fatalf("%s: %s %s", path, res.Status, body)
	}
	return string(body)
}

// send posts a form as the page does, and returns the page that follows.
func (r *room) send(path string, form url.Values) string {
	r.Helper()
	res, err := http.PostForm(r.url+path, form)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK || res.Request.Method != http.MethodGet {
		r.Fatalf("%s: %s %s", path, res.Status, body)
	}
	return string(body)
}

func (r *room) has(page string, wants ...string) {
	r.Helper()
	for _, want := range wants {
		if !strings.Contains(page, want) {
			r.Errorf("the page lacks %q", want)
		}
	}
}

func TestThePageSaysWhatThereIs(t *testing.T) {
	r := furnish(t)
	for _, l := range words.Langs {
		r.has(r.get("/?lang="+string(l)), words.SandboxTitle.In(l), words.TestBar.In(l), "10452", "Hamyon", `href="/?bill=bill-1&amp;lang=`+string(l))
		r.has(r.get("/?lang="+string(l)+"&link=http://shop/pay/bill-1%3Flang=uz"), words.Waiting.In(l), `value="page"`, `link=wallet%3Abill-1`, `src="/pay/bill-1?lang=`)
		r.has(r.get("/?lang="+string(l)+"&link=wallet:bill-1"), words.PayTwice.In(l), ui.Money(l, 15_000_000), `value="8600 1234"`)
		r.has(r.get("/?lang="+string(l)+"&link=ftp://x"), words.LinkNotRead.In(l))
	}
	r.get(ui.Asset("phone.js")) // also where the sandbox stands alone
	if page := r.send("/phone/sample", nil); r.table.made != 1 || !strings.Contains(page, `name="provider" value="page"`) {
		t.Error("no sample bill lies in the phone")
	}
	if page := r.send("/phone/open", url.Values{"bill": {"bill-1"}, "provider": {"page"}}); r.table.opened != 1 || !strings.Contains(page, "made") {
		t.Error("the company's page is not in the phone")
	}
}

// Each button of the phone is the company's own action, and a fault that was lent to it does not
// stay behind.
func TestThePhonesButtons(t *testing.T) {
	for _, c := range []struct {
		do, kind, says string
		byRef, lost    bool
	}{
		{"pay", "pay", words.PhonePaid.EN, false, false},
		{"refuse", "refuse", words.PhoneRefused.EN, false, false},
		{"twice", "pay_twice", words.PhonePaid.EN, false, false},
		{"network", "pay", words.AskAgain.EN, false, true},
		{"network", "pay", words.PhonePaid.EN, false, false}, // the step never came
		{"leave", "leave", words.FinishPaying.EN, false, false},
		{"resume", "resume", words.PhonePaid.EN, true, false},
		{"give_up", "cancel", words.PhoneCancelled.EN, true, false},
		{"again", "ask", words.PhonePaid.EN, true, false},
	} {
		t.Run(c.do, func(t *testing.T) {
			r := furnish(t)
			r.wallet.lost = c.lost
			page := r.send("/phone", url.Values{"do": {c.do}, "link": {"wallet:bill-1"}, "ref": {"w-1"}, "card": {"8600 1234"}, "at": {"lang=en&bill=bill-1"}})
			r.has(page, c.says, "POST /&lt;x&gt;", `src="/pay/bill-1`)
			got := <-r.wallet.done
			if got.Kind != c.kind || (got.Ref != "") != c.byRef || !c.byRef && (got.Link != "wallet:bill-1" || got.Params["card"] != "86001234") {
				t.Errorf("the company was asked for %+v", got)
			}
			if left := r.wallet.world.Faults.List(); len(left) > 0 {
				t.Errorf("faults stay behind: %v", left)
			}
		})
	}
	r := furnish(t)
	r.has(r.send("/phone", url.Values{"do": {"fly"}, "link": {"wallet:bill-1"}, "at": {"lang=en"}}), "no such button")
	r.has(r.send("/phone", url.Values{"do": {"pay"}, "link": {"nothing"}, "at": {"lang=en"}}), words.LinkNotRead.EN)
	if len(r.wallet.done) != 0 {
		t.Error("the company was asked")
	}
	r.has(r.get("/?act=99&lang=en"), words.OnTheTable.EN) // what is no more remembered is no page of errors
}

func TestSwitches(t *testing.T) {
	r := furnish(t)
	form := func(do, kind, times string) url.Values {
		return url.Values{"provider": {"wallet"}, "step": {"confirm"}, "kind": {kind}, "times": {times}, "do": {do}, "at": {"lang=en"}}
	}
	r.has(r.send("/faults", form("on", "lost_after", "0")), `aria-checked="true"`, words.FaultsOn.With(words.EN, 1))
	r.send("/faults", form("on", "twice", "3"))
	want := []simulator.Fault{{Step: "confirm", Kind: simulator.LostAfter}, {Step: "confirm", Kind: simulator.Twice, Times: 3}}
	if got := r.wallet.world.Faults.List(); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("set: %+v", got)
	}
	r.send("/faults", form("off", "lost_after", "0"))
	for _, bad := range []url.Values{form("on", "none", "1"), {"provider": {"nobody"}, "do": {"on"}}, {"provider": {"wallet"}, "step": {"x"}, "kind": {"late"}, "do": {"on"}}} {
		r.send("/faults", bad)
	}
	if got := r.wallet.world.Faults.List(); len(got) != 1 || got[0].Kind != simulator.Twice {
		t.Errorf("left: %+v", got)
	}
	r.send("/faults", form("clear", "", ""))
	if got := r.wallet.world.Faults.List(); len(got) != 0 {
		t.Errorf("after clearing: %+v", got)
	}
}

func TestThePageMovesTheClock(t *testing.T) {
	r := furnish(t)
	r.has(r.send("/clock", url.Values{"advance": {"12h"}, "at": {"lang=en"}}), words.ClockMoved.With(words.EN, "12h"))
	r.has(r.send("/clock", url.Values{"advance": {"15m"}, "at": {"lang=en"}}), words.ClockMoved.With(words.EN, "12h15m"))
	for _, bad := range []string{"", "-1h", "soon", "90000h"} {
		r.has(r.send("/clock", url.Values{"advance": {bad}, "at": {"lang=en"}}), words.ClockMoved.With(words.EN, "12h15m"))
	}
}

// What the page's address carries is shown and never followed: no form sends a browser away.
func TestFormsLeadBackToThePage(t *testing.T) {
	r := furnish(t)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, at := range []string{"//evil.example", "https://evil.example/?x=1", "lang=uz&next=//evil.example", strings.Repeat("link=x&", 3000), "%zz"} {
		res, err := client.PostForm(r.url+"/clock", url.Values{"advance": {"0s"}, "at": {at}})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if to := res.Header.Get("Location"); !strings.HasPrefix(to, "/?") || strings.Contains(to, "evil") {
			t.Errorf("%.40q leads to %q", at, to)
		}
	}
}

func TestAReplayIsHeard(t *testing.T) {
	r := furnish(t)
	res, err := http.Post(r.url+"/inbox/shop", "application/json", strings.NewReader(`{"status":"paid","note":"<script>"}`))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	r.has(r.get("/?lang=en"), words.NotSigned.EN, "&lt;script&gt;", "paid")
	r.send("/replay", url.Values{"seq": {"1"}, "to": {""}})
	if got := r.inbox.Messages("", 0); len(got) != 2 || got[0].Raw != got[1].Raw {
		t.Errorf("kept: %+v", got)
	}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(app.Close)
	r.has(r.send("/replay", url.Values{"seq": {"1"}, "to": {app.URL}, "at": {"lang=en"}}), words.ReplaySaid.With(words.EN, app.URL, 418))
	r.has(r.send("/replay", url.Values{"seq": {"1"}, "to": {"http://192.0.2.1/"}, "at": {"lang=en"}}), words.ReplayNot.With(words.EN, "http://192.0.2.1/"))
}

// The stream names what the page would show, and another name comes when something happened.
func TestThePageHearsOfWhatHappens(t *testing.T) {
	r := furnish(t)
	res, err := http.Get(r.url + "/live")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		t.Fatal("the stream ended")
		return ""
	}
	seen := map[string]bool{next(): true}
	for _, happens := range []func(){
		func() { r.send("/clock", url.Values{"advance": {"1h"}}) },
		func() { r.wallet.world.Faults.Set(simulator.Fault{Step: "confirm", Kind: simulator.Late}) },
		func() { http.Post(r.url+"/inbox/shop", "", strings.NewReader("x")) },
	} {
		happens()
		name := next()
		if seen[name] {
			t.Errorf("%s was said before", name)
		}
		seen[name] = true
	}
	r.inbox.Close() // the program stops: nobody's browser holds it up
	for lines.Scan() {
	}
}

// The buyer's own code: it stands there until it was used or has run out, and another is one press
// away.
func TestThePhoneShowsItsCode(t *testing.T) {
	for _, l := range words.Langs {
		r := furnish(t)
		at := "lang=" + string(l)
		r.has(r.get("/?"+at), words.MyCodes.In(l), `action="/phone/code"`, `value="wallet"`)
		show := func(plan string) (page, code string) {
			page = r.send("/phone/code", url.Values{"provider": {"wallet"}, "plan": {plan}, "at": {at}})
			a := <-r.wallet.done
			if a.Kind != "code" || a.Params["plan"] != plan {
				t.Fatalf("the company was asked for %+v", a)
			}
			return page, codeIn(page)
		}
		page, code := show("nofunds")
		if len(code) != 20 || r.wallet.Shown(code).Plan != simulator.PlanNoFunds {
			t.Fatalf("%s: the QR reads %q", l, code)
		}
		r.has(page, code+"</p>", words.CodeGood.With(l, "14:05:00"), words.CodeLost.In(l))

		_, code = show("pay")
		r.wallet.codes.Use(code)
		r.has(r.get("/?"+at+"&act=2"), words.CodeUsed.In(l), code)

		_, code = show("pay")
		r.send("/clock", url.Values{"advance": {"6m"}})
		page = r.get("/?" + at + "&act=3")
		r.has(page, words.CodeOver.In(l), code)
		if strings.Contains(page, "data-reads") {
			t.Errorf("%s: a code that has run out can be scanned still", l)
		}
	}
	r := furnish(t)
	for _, bad := range []url.Values{{"provider": {"nobody"}}, {"provider": {"wallet"}, "plan": {"fly"}}, {}} {
		bad.Set("at", "lang=en")
		r.has(r.send("/phone/code", bad), words.OnTheTable.EN)
	}
}

// What tills show can be chosen, and the page hears when a code was scanned or paid.
func TestThePhoneSeesTheTills(t *testing.T) {
	r := furnish(t)
	name := r.fingerprint
	said := map[string]bool{name(): true}
	news := func(what string) {
		t.Helper()
		now := name()
		if said[now] {
			t.Errorf("%s is no news", what)
		}
		said[now] = true
	}
	for range 6 {
		r.wallet.show(simulator.Shown{Link: "wallet:till-1", Account: "kassa-77", Amount: 4_250_000})
	}
	for _, l := range words.Langs {
		page := r.get("/?lang=" + string(l))
		r.has(page, words.AtTills.In(l), ui.Money(l, 4_250_000), "kassa-77", `link=wallet%3Atill-1`)
		if n := strings.Count(page, "kassa-77"); n != 4 {
			t.Errorf("%d codes are listed", n)
		}
	}
	news("a code on a till")
	r.send("/phone/code", url.Values{"provider": {"wallet"}})
	<-r.wallet.done
	name()
	r.wallet.codes.Use(codeIn(r.get("/?act=1")))
	news("a code that was used")
}

// codeIn is what the QR on a page reads.
func codeIn(page string) string {
	_, rest, _ := strings.Cut(page, `data-reads="`)
	code, _, _ := strings.Cut(rest, `"`)
	return code
}

// fingerprint is what the page's stream says first.
func (r *room) fingerprint() string {
	r.Helper()
	res, err := http.Get(r.url + "/live")
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			return data
		}
	}
	r.Fatal("the stream said nothing")
	return ""
}
