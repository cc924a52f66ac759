package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/inbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// newest is how many webhooks and how many bills the page shows.
const newest = 20

// view is all that the page shows.
type view struct {
	lang   words.Lang
	path   string // of the sandbox: "" or "/sandbox"
	base   string // its whole address
	nav    []ui.Nav
	query  url.Values // what stands in the page's address
	phone  phone
	own    []app      // the apps that can show a code
	tills  []screenOf // what tills show
	bills  []Bill
	table  bool // whether there is a gateway whose bills can be shown
	bill   Bill // what lies on the table; its page stands on the shop's screen
	now    time.Time
	moved  time.Duration
	faulty []faulty
	inbox  []inbox.Message
}

// faulty is a company and its faults.
type faulty struct {
	Name, Title string
	Steps       []string
	on          []simulator.Fault
	switches    []simulator.Fault // those that a person tries first
}

// has says whether the fault of a switch is on.
func (f faulty) has(x simulator.Fault) bool { return slices.Contains(f.on, x) }

// others are the faults that are on and have no switch.
func (f faulty) others() (out []simulator.Fault) {
	for _, x := range f.on {
		if !slices.Contains(f.switches, x) {
			out = append(out, x)
		}
	}
	return out
}

// page is the sandbox as a person sees it.
func (s *Sandbox) page(w http.ResponseWriter, r *http.Request) {
	v, err := s.look(r)
	if err != nil {
		s.o.Logger.ErrorContext(r.Context(), "the sandbox cannot show the bills", "error", err)
		fail(w, http.StatusServiceUnavailable, "the gateway's bills cannot be read right now")
		return
	}
	ui.ShowIn(w, r, http.StatusOK, sheet(v), ui.Frames{Around: true})
}

// look gathers what the page shows.
func (s *Sandbox) look(r *http.Request) (v view, err error) {
	q := r.URL.Query()
	v = view{
		lang: words.Choose(q.Get("lang"), r.Header.Get("Accept-Language")), path: s.path, base: s.o.BaseURL, query: q,
		table: s.o.Bills != nil, now: s.o.Clock.Now(), moved: s.o.Clock.Offset(), faulty: s.faulty(), inbox: s.heard(), own: s.wallets(), tills: s.screens(),
	}
	if s.o.Nav != nil {
		v.nav = s.o.Nav(v.lang)
	}
	if v.phone, err = s.shown(r.Context(), q); err != nil || s.o.Bills == nil {
		return v, err
	}
	if v.bills, err = s.o.Bills.Newest(r.Context()); err != nil {
		return v, err
	}
	id := q.Get("bill")
	if v.phone.screen == atBill {
		id = v.phone.bill.ID
	}
	if id == "" {
		return v, nil
	}
	v.bill, _, _, err = s.o.Bills.Ways(r.Context(), id)
	return v, err
}

// heard are the newest webhooks, the newest first.
func (s *Sandbox) heard() []inbox.Message {
	messages := s.o.Inbox.Messages("", 0)
	messages = messages[max(0, len(messages)-newest):]
	slices.Reverse(messages)
	return messages
}

// faulty lists the companies that have steps.
func (s *Sandbox) faulty() (out []faulty) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, c := range s.companies {
		info := c.sim.Info()
		f := faulty{Name: c.name, Title: info.Title, Steps: info.Steps, on: c.world.Faults.List()}
		if b, ok := c.sim.(simulator.Buyer); ok {
			step := b.Hands().Answer
			if _, ok := c.sim.(simulator.Display); ok { // it is asked: nothing that it sends can be wrong
				f.switches = []simulator.Fault{
					{Step: step, Kind: simulator.LostAfter}, {Step: step, Kind: simulator.LostBefore},
					{Step: step, Kind: simulator.Late, Delay: 5 * time.Second}, {Step: step, Kind: simulator.Error500},
				}
				out = append(out, f)
				continue
			}
			f.switches = []simulator.Fault{
				{Step: step, Kind: simulator.LostAfter}, {Step: step, Kind: simulator.LostBefore},
				{Step: step, Kind: simulator.Twice}, {Step: step, Kind: simulator.Late, Delay: 5 * time.Second},
				{Step: step, Kind: simulator.WrongSignature}, {Step: step, Kind: simulator.WrongAmount},
			}
		}
		out = append(out, f)
	}
	return out
}

// ─── What the page's forms do ──────────────────────────────────────────────────────────────

// setSwitch turns one fault on, or off again.
func (s *Sandbox) setSwitch(w http.ResponseWriter, r *http.Request) {
	c, ok := s.company(r.PostFormValue("provider"))
	if !ok {
		s.back(w, r, nil)
		return
	}
	times, _ := strconv.Atoi(r.PostFormValue("times"))
	delay, _ := duration(r.PostFormValue("delay"))
	x := simulator.Fault{Step: r.PostFormValue("step"), Kind: simulator.Kind(r.PostFormValue("kind")), Times: max(times, 0), Delay: delay}
	switch do := r.PostFormValue("do"); {
	case do == "clear":
		c.world.Faults.Clear("")
	case do == "off":
		kept := slices.DeleteFunc(c.world.Faults.List(), func(y simulator.Fault) bool { return x == y })
		c.world.Faults.Clear("")
		for _, y := range kept {
			c.world.Faults.Set(y)
		}
	case slices.Contains(c.sim.Info().Steps, x.Step) && slices.Contains(simulator.Kinds, x.Kind) && len(c.world.Faults.List()) < 1000:
		c.world.Faults.Set(x)
	}
	s.back(w, r, nil)
}

// pushClock moves the time forward.
func (s *Sandbox) pushClock(w http.ResponseWriter, r *http.Request) {
	if d, err := duration(r.PostFormValue("advance")); err == nil && d <= 366*24*time.Hour {
		s.o.Clock.Advance(d)
	}
	s.back(w, r, nil)
}

// replay sends a webhook once more.
func (s *Sandbox) replay(w http.ResponseWriter, r *http.Request) {
	seq, _ := strconv.Atoi(r.PostFormValue("seq"))
	to := strings.TrimSpace(r.PostFormValue("to"))
	status, err := s.o.Inbox.Replay(r.Context(), seq, to)
	said := url.Values{}
	if to != "" {
		said.Set("to", to)
		said.Set("said", strconv.Itoa(status))
	}
	if err != nil {
		s.o.Logger.InfoContext(r.Context(), "a replay came to nothing", "error", err)
	}
	s.back(w, r, said)
}

// back sends the browser to the page again, with what its address said and what is new in it.
// The form carries that address in "at"; anything but a query of the page is not heard.
func (s *Sandbox) back(w http.ResponseWriter, r *http.Request, more url.Values) {
	at, _ := url.ParseQuery(r.PostFormValue("at"))
	q := url.Values{}
	for _, name := range []string{"lang", "bill", "link", "act"} {
		if v := at.Get(name); v != "" && len(v) < 4096 {
			q.Set(name, v)
		}
	}
	if more.Has("link") || more.Has("act") { // the phone shows something else now
		q.Del("link")
		q.Del("act")
	}
	for name, v := range more {
		q.Set(name, v[0])
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, s.path+"/?"+q.Encode(), http.StatusSeeOther)
}

// ─── What the page hears of by itself ──────────────────────────────────────────────────────

// liveTime ends a stream, so that the browser comes back by itself; below the server's write
// timeout.
const liveTime = 50 * time.Second

// live tells the page, by server-sent events, the name of what it would show: when it is another
// one, the page draws itself anew.
func (s *Sandbox) live(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	tick, end := time.NewTicker(time.Second), time.NewTimer(liveTime)
	defer tick.Stop()
	defer end.Stop()
	for said := ""; ; {
		if now := s.fingerprint(r.Context()); now != said {
			said = now
			if _, err := fmt.Fprintf(w, "retry: 1500\ndata: %s\n\n", now); err != nil || out.Flush() != nil {
				return
			}
		}
		select {
		case <-tick.C:
		case <-end.C:
			return
		case <-r.Context().Done():
			return
		case <-s.o.Inbox.Closed():
			return
		}
	}
}

// fingerprint names all that may change on the page without its reader.
func (s *Sandbox) fingerprint(ctx context.Context) string {
	h := sha256.New()
	for _, m := range s.heard() {
		fmt.Fprint(h, m.Seq, " ")
	}
	fmt.Fprint(h, s.o.Clock.Offset())
	for _, f := range s.faulty() {
		fmt.Fprint(h, f.Name, f.on)
	}
	for _, x := range s.screens() {
		fmt.Fprint(h, x.shown.Link, " ")
	}
	for _, a := range s.codesShown() {
		code, _ := s.code(a)
		fmt.Fprint(h, code.Plan, " ")
	}
	if s.o.Bills != nil {
		bills, _ := s.o.Bills.Newest(ctx)
		fmt.Fprint(h, bills)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// here is the page's address with some of it changed; "" takes a part out.
func (v view) here(change map[string]string) string {
	q := url.Values{}
	for _, name := range []string{"lang", "bill", "link", "act"} {
		if x := v.query.Get(name); x != "" {
			q.Set(name, x)
		}
	}
	for name, x := range change {
		if q.Set(name, x); x == "" {
			q.Del(name)
		}
	}
	return v.path + "/?" + q.Encode()
}

// at is the page's address for a form to carry.
func (v view) at() string {
	_, q, _ := strings.Cut(v.here(nil), "?")
	return q
}

// charge is the call by which an app charges the code that the phone shows.
func (v view) charge() string {
	id := v.bill.ID
	if id == "" {
		id = ":id"
	}
	body, _ := json.Marshal(struct {
		Method   string `json:"method"`
		Provider string `json:"provider"`
		Code     string `json:"code"`
	}{"qr", v.phone.app.till, v.phone.code.Text})
	return "POST /api/invoices/" + id + "/pay\n" + string(body)
}

// span writes how far the clock was moved: "12h15m".
func span(d time.Duration) string {
	text := d.Round(time.Second).String()
	text = strings.TrimSuffix(text, "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// replayed says what came of the last replay to an app, "" where there was none.
func (v view) replayed() string {
	to, said := v.query.Get("to"), v.query.Get("said")
	status, err := strconv.Atoi(said)
	switch {
	case to == "" || err != nil:
		return ""
	case status == 0:
		return words.ReplayNot.With(v.lang, to)
	}
	return words.ReplaySaid.With(v.lang, to, status)
}

var tashkent = pay.Tashkent

// statusOf is what a webhook says of its invoice, in one word.
func statusOf(m inbox.Message) string {
	var body struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(m.Body, &body) != nil || body.Status == "" {
		return "—"
	}
	return body.Status
}

// shownHeaders are the headers by which a receiver judges.
func shownHeaders(m inbox.Message) string {
	var b strings.Builder
	for _, name := range []string{"X-Payment-Event", "X-Payment-Id", "X-Payment-Event-Id", "X-Payment-Signature", "webhook-id", "webhook-timestamp", "webhook-signature"} {
		if x := m.Header.Get(name); x != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, x)
		}
	}
	return b.String()
}

// indented is the body for reading; the bytes that were signed have no such spaces.
func indented(m inbox.Message) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(m.Raw), "", "  ") != nil {
		return m.Raw
	}
	return b.String()
}

// home is where the mark leads: the site around the sandbox, or the sandbox itself.
func home(v view) string {
	if len(v.nav) == 0 {
		return v.path + "/"
	}
	return "/"
}
