package sandbox

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// The buyer's phone. What it shows stands in the page's address, so that a reload, a second tab
// and a browser without scripts see the same: ?bill= is what lies on the table, ?link= what the
// phone has open, ?act= what came of the last thing that was done. Only what came of it is kept
// here, the newest few.

// maxActs is how many results the phone remembers.
const maxActs = 100

// screen is which picture the phone shows.
type screen string

const (
	atHome   screen = "home"   // nothing is open
	atBill   screen = "bill"   // a hosted page: whose app?
	atApp    screen = "app"    // a company's app, or its page for cards
	atResult screen = "result" // what came of it
	atCode   screen = "code"   // the buyer's own code, for a till
	atNoApp  screen = "none"   // a link that nobody reads
)

// phone is what the page shows of it.
type phone struct {
	screen screen
	link   string
	bill   Bill
	ways   []Way
	app    app
	asks   simulator.Bill
	act    act
	code   simulator.Code // as it stands, where the act was to show one
}

// app is a company in the buyer's hand.
type app struct {
	Name, Title string
	hands       simulator.Hands
	till        string // the gateway's name for what charges its codes
}

// act is one thing that was done with an app.
type act struct {
	id                  int
	app                 app
	do, link, ref, said string // said: an error in words
	report              simulator.Report
}

// state is the sign under which the result stands, and its words.
func (a act) state() (ui.State, words.Text) {
	if a.do == "refuse" && a.report.State == "cancelled" {
		return ui.Failed, words.PhoneRefused // some companies call it so
	}
	switch a.report.State {
	case "paid":
		return ui.Paid, words.PhonePaid
	case "refused":
		return ui.Failed, words.PhoneRefused
	case "cancelled":
		return ui.Cancelled, words.PhoneCancelled
	case "refunded":
		return ui.Refunded, words.PhoneRefunded
	case "suspended":
		if a.app.hands.Lose != "" {
			return ui.Unknown, words.PhoneUntold
		}
		return ui.Unknown, words.PhoneUnsure
	case "created":
		if a.report.Ref == "" || a.do == a.app.hands.Leave && len(a.report.Exchanges) == 0 {
			return ui.Cancelled, words.PhoneNoneBegan
		}
		return ui.Waiting, words.PhoneOpen
	}
	return ui.Failed, words.PhoneRefused
}

// open says whether the attempt can go on, and unsure whether the company may ask again.
func (a act) open() bool   { return a.report.State == "created" }
func (a act) unsure() bool { return a.report.State == "suspended" && a.app.hands.Again != "" }

// again are the words for asking once more: the company does, or the phone where the company has
// nobody to ask.
func (a act) again() words.Text {
	if a.app.hands.Lose != "" {
		return words.LookAgain
	}
	return words.AskAgain
}

// shown is what the phone shows for an address.
func (s *Sandbox) shown(ctx context.Context, q url.Values) (p phone, err error) {
	p = phone{screen: atHome, link: strings.TrimSpace(q.Get("link"))}
	if id, err := strconv.Atoi(q.Get("act")); err == nil {
		if a, ok := s.acted(id); ok {
			p.screen, p.act, p.app, p.link = atResult, a, a.app, a.link
			if p.code, ok = s.code(a); ok {
				p.screen = atCode
			}
			return p, nil
		}
	}
	if p.link == "" {
		return p, nil
	}
	if id := hosted(p.link); id != "" && s.o.Bills != nil {
		bill, ways, ok, err := s.o.Bills.Ways(ctx, id)
		if err != nil {
			return p, err
		}
		if ok {
			p.screen, p.bill, p.ways = atBill, bill, ways
			return p, nil
		}
	}
	if c, asks, ok := s.reads(p.link); ok {
		p.screen, p.app, p.asks = atApp, c, asks
		return p, nil
	}
	p.screen = atNoApp
	return p, nil
}

// reads finds the company whose link it is.
func (s *Sandbox) reads(link string) (app, simulator.Bill, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, c := range s.companies {
		b, ok := c.sim.(simulator.Buyer)
		if !ok {
			continue
		}
		if asks, err := b.Read(link); err == nil {
			return app{c.name, c.sim.Info().Title, b.Hands(), c.till}, asks, true
		}
	}
	return app{}, simulator.Bill{}, false
}

// ─── What is done ──────────────────────────────────────────────────────────────────────────

// press does what a button of the phone says.
func (s *Sandbox) press(w http.ResponseWriter, r *http.Request) {
	link, do := r.PostFormValue("link"), r.PostFormValue("do")
	a := act{do: do, link: link, ref: r.PostFormValue("ref")}
	var found bool
	if a.app, _, found = s.reads(link); !found {
		s.back(w, r, url.Values{"link": {link}})
		return
	}
	params := map[string]string{}
	for _, name := range []string{"card", "expiry", "otp"} {
		if v := r.PostFormValue(name); v != "" {
			params[name] = strings.ReplaceAll(v, " ", "")
		}
	}
	// The company finishes what a buyer began, also when the buyer goes away.
	rep, err := s.does(context.WithoutCancel(r.Context()), a, params)
	a.report = rep
	if err != nil {
		a.said = err.Error()
	}
	s.back(w, r, url.Values{"act": {strconv.Itoa(s.remember(a))}})
}

var errNoButton = errors.New("the phone has no such button")

// does is one button in the company's own actions.
func (s *Sandbox) does(ctx context.Context, a act, params map[string]string) (simulator.Report, error) {
	c, ok := s.company(a.app.Name)
	if !ok {
		return simulator.Report{}, errNoButton
	}
	hands := a.app.hands
	byLink := func(kind string) (simulator.Report, error) {
		return c.sim.Act(ctx, simulator.Action{Kind: kind, Link: a.link, Params: params})
	}
	byRef := func(kind string) (simulator.Report, error) {
		return c.sim.Act(ctx, simulator.Action{Kind: kind, Ref: a.ref})
	}
	switch {
	case a.do == "pay", a.do == "refuse":
		return byLink(a.do)
	case a.do == "twice" && hands.PaidOnce:
		first, err := byLink("pay")
		if err != nil || first.State != "paid" {
			return first, err
		}
		a.ref = first.Ref
		second, err := byRef("pay_twice")
		second.Exchanges = append(first.Exchanges, second.Exchanges...)
		return second, err
	case a.do == "twice":
		return byLink("pay_twice")
	case a.do == "network" && hands.Lose != "":
		return byLink(hands.Lose)
	case a.do == "network":
		return lose(c, hands.Answer, func() (simulator.Report, error) { return byLink("pay") })
	case a.do == "leave":
		return byLink(hands.Leave)
	case a.do == "resume" && hands.Resume != "":
		return byRef(hands.Resume)
	case a.do == "give_up" && slices.Contains(c.sim.Info().Actions, "cancel"):
		return byRef("cancel")
	case a.do == "again" && hands.Again != "":
		return byRef(hands.Again)
	}
	return simulator.Report{}, errNoButton
}

// lose has the answer to one step lost, once, while f runs. A fault that found nothing to strike
// does not stay behind for the next buyer.
func lose(c company, step string, f func() (simulator.Report, error)) (simulator.Report, error) {
	before := len(c.world.Faults.List())
	c.world.Faults.Set(simulator.Fault{Step: step, Kind: simulator.LostAfter, Times: 1})
	rep, err := f()
	if len(c.world.Faults.List()) > before {
		c.world.Faults.Take(step, simulator.LostAfter)
	}
	return rep, err
}

// remember keeps what came of an act, and names it.
func (s *Sandbox) remember(a act) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastAct++
	a.id = s.lastAct
	s.acts = append(s.acts, a)
	if over := len(s.acts) - maxActs; over > 0 {
		s.acts = slices.Delete(s.acts, 0, over)
	}
	return a.id
}

func (s *Sandbox) acted(id int) (act, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, a := range s.acts {
		if a.id == id {
			return a, true
		}
	}
	return act{}, false
}

// ─── What is shown and scanned in a shop ───────────────────────────────────────────────────

// showing is what a person did to have a code.
const showing = "code"

// showCode has a wallet's app show the buyer's code. The till that scans it, or the gateway, finds
// out for itself what it is worth.
func (s *Sandbox) showCode(w http.ResponseWriter, r *http.Request) {
	c, ok := s.company(r.PostFormValue("provider"))
	if _, is := c.sim.(simulator.Wallet); !ok || !is {
		s.back(w, r, nil)
		return
	}
	a := act{do: showing, app: app{Name: c.name, Title: short(c.sim.Info().Title), till: c.till}}
	var err error
	if a.report, err = c.sim.Act(r.Context(), simulator.Action{Kind: "code", Params: map[string]string{"plan": r.PostFormValue("plan")}}); err != nil {
		s.back(w, r, nil)
		return
	}
	s.back(w, r, url.Values{"act": {strconv.Itoa(s.remember(a))}})
}

// code is the code that an act has shown, as it stands now.
func (s *Sandbox) code(a act) (simulator.Code, bool) {
	c, ok := s.company(a.app.Name)
	wallet, is := c.sim.(simulator.Wallet)
	if a.do != showing || !ok || !is {
		return simulator.Code{}, false
	}
	return wallet.Shown(a.report.Ref), true
}

// codesShown are the acts that showed one.
func (s *Sandbox) codesShown() []act {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.DeleteFunc(slices.Clone(s.acts), func(a act) bool { return a.do != showing })
}

// standing is a code's sign and words; waiting while it can be scanned.
func standing(c simulator.Code) (ui.State, words.Text) {
	switch c.Plan {
	case simulator.PlanUsed:
		return ui.Paid, words.CodeUsed
	case simulator.PlanExpired:
		return ui.Expired, words.CodeOver
	}
	return ui.Waiting, words.Text{}
}

// wallets are the apps that can show a code.
func (s *Sandbox) wallets() (out []app) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, c := range s.companies {
		if _, ok := c.sim.(simulator.Wallet); ok {
			out = append(out, app{Name: c.name, Title: short(c.sim.Info().Title), till: c.till})
		}
	}
	return out
}

// short is a title without what stands behind it in brackets.
func short(title string) string {
	title, _, _ = strings.Cut(title, " (")
	return title
}

// screenOf is one code on a till's screen.
type screenOf struct {
	app   string
	shown simulator.Shown
}

// onScreens is how many codes the phone sees of each kind of till.
const onScreens = 4

// screens are the codes that tills show at this moment.
func (s *Sandbox) screens() (out []screenOf) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, c := range s.companies {
		if d, ok := c.sim.(simulator.Display); ok {
			for i, x := range d.Showing() {
				if i < onScreens {
					out = append(out, screenOf{c.sim.Info().Title, x})
				}
			}
		}
	}
	return out
}

// openPage has a company make its page, and puts it on the phone.
func (s *Sandbox) openPage(w http.ResponseWriter, r *http.Request) {
	if s.o.Bills == nil {
		s.back(w, r, nil)
		return
	}
	link, err := s.o.Bills.Open(r.Context(), r.PostFormValue("bill"), r.PostFormValue("provider"))
	if err != nil { // the hosted page says why
		s.back(w, r, url.Values{"link": {"/pay/" + r.PostFormValue("bill")}})
		return
	}
	s.back(w, r, url.Values{"link": {link}})
}

// makeSample puts a bill on the table, and into the phone.
func (s *Sandbox) makeSample(w http.ResponseWriter, r *http.Request) {
	if s.o.Bills == nil {
		s.back(w, r, nil)
		return
	}
	id, err := s.o.Bills.Sample(r.Context())
	if err != nil {
		s.o.Logger.ErrorContext(r.Context(), "the sample bill was not made", "error", err)
		s.back(w, r, nil)
		return
	}
	s.back(w, r, url.Values{"bill": {id}, "link": {"/pay/" + id}})
}

// tiyin is a company's sum as ours.
func tiyin(n int64) pay.Tiyin { return pay.Tiyin(n) }
