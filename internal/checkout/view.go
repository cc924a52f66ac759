package checkout

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// scene is which page it is.
type scene string

const (
	choose    scene = "choose"    // nothing has begun: how do you want to pay?
	waiting   scene = "waiting"   // an attempt is open at a provider
	coding    scene = "coding"    // a code was sent, and our own form takes it
	working   scene = "working"   // a card is being charged
	unknown   scene = "unknown"   // money may have moved: do not pay again
	held      scene = "held"      // on the card
	paid      scene = "paid"      // taken
	refunded  scene = "refunded"  // all of it returned
	failed    scene = "failed"    // the provider closed it; no money
	cancelled scene = "cancelled" // by the shop; no money
	released  scene = "released"  // cancelled after the money was held
	expired   scene = "expired"   // ran out; no money
)

// sceneOf decides which page an invoice shows at now. What may have cost the buyer money comes
// first: whoever is not sure says so.
func sceneOf(inv gateway.Invoice, now time.Time) scene {
	if inv.Attention.Doubts(inv.Status) {
		return unknown
	}
	switch inv.Status {
	case pay.StatusHeld:
		return held
	case pay.StatusPaid:
		return paid
	case pay.StatusRefunded:
		return refunded
	case pay.StatusFailed:
		return failed
	case pay.StatusCancelled:
		switch {
		case inv.Payment != nil && !inv.Payment.HeldAt.IsZero():
			return released
		case !inv.EndedAt.Before(inv.ExpiresAt):
			return expired
		}
		return cancelled
	}
	switch {
	case inv.Open != nil && inv.Open.State == pay.Unknown:
		return unknown
	case inv.Open != nil:
		return waiting
	case !inv.Payable(now):
		return expired
	}
	return choose
}

// justPaid is how long after its payment a page speaks to the one who has just paid, and waits for
// the fiscal receipt, which always comes after the money.
const justPaid = 15 * time.Minute

// moves says whether the page that an invoice shows at now may still change, so that it is worth
// waiting for.
func moves(inv gateway.Invoice, now time.Time) bool {
	switch sceneOf(inv, now) {
	case paid:
		p := inv.Payment
		return p != nil && receipt(p) == "" && p.Fiscal != pay.FiscalFailed && now.Sub(inv.PaidAt) < justPaid
	case refunded, failed, cancelled, released, expired:
		return false
	}
	return true
}

// stateOf names all that the page shows of an invoice that may change: a page whose name is
// another one is drawn anew.
func stateOf(inv gateway.Invoice, now time.Time) string {
	h := sha256.New()
	fmt.Fprint(h, sceneOf(inv, now), inv.Attention, moves(inv, now))
	for _, p := range []*pay.Payment{inv.Payment, inv.Open} {
		if p != nil {
			fmt.Fprint(h, "|", p.ID, p.State, p.Refunded, p.ReceiptURL, p.ExpiresAt.UnixMilli(), p.WaitsForCode(now), p.CodeAt.UnixMilli(), p.CodeTries)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// request is what the page wants to know of the one who asks.
type request struct {
	lang     words.Lang
	asked    bool // whether the language was chosen by hand, and goes along
	phone    bool
	by, last string // the provider chosen now, and the one used last
	trouble  string // what was in the way of the choice: away, busy, and those of the card form
	again    bool   // another card is wanted, though a code was sent for one
	now      time.Time
	test     bool
	titles   map[string]string
}

// way is one row: a provider that the invoice can be paid with.
type way struct {
	gateway.Link
	key  string // what ?by= calls it
	how  string // under its name
	last bool   // used last on this device
	here bool   // chosen: its panel is open
}

// view is all that the page shows.
type view struct {
	request
	inv      gateway.Invoice
	scene    scene
	shop     string
	ways     []way
	chosen   *way          // whose panel is open
	form     *gateway.Link // our own form for cards, nil where there is none
	faults   cardFaults
	declined string // why the newest card was refused
	tried    string // the provider whose attempt ended without money, the newest one
	title    string // the provider's, of the payment that counts
	link     string // back into the open attempt, "" where there is none
}

// look makes the page from the book and the request.
func look(inv gateway.Invoice, links []gateway.Link, r request) view {
	v := view{request: r, inv: inv, scene: sceneOf(inv, r.now), shop: shopName(inv, links), form: form(links)}
	if p := inv.Open; v.scene == waiting && p.Way != "" {
		v.scene = working
		if v.form != nil && p.WaitsForCode(r.now) {
			v.scene = coding
		}
	}
	if v.scene == coding && r.again {
		v.scene = choose
	}
	for _, l := range links {
		w := way{Link: l, key: l.Provider, how: words.Ways[l.Provider].In(r.lang)}
		switch {
		case l.Card:
			w.key, w.Title, w.how = cardWay, words.CardWay.In(r.lang), words.CardHow.In(r.lang)
		case l.Acquirer && v.form == nil: // on the acquirer's own page
			w.Title, w.how = words.CardWay.In(r.lang), l.Title
		}
		w.last = w.key == r.last
		v.ways = append(v.ways, w)
	}
	slices.SortStableFunc(v.ways, func(a, b way) int {
		switch {
		case a.last == b.last:
			return 0
		case a.last:
			return -1
		}
		return 1
	})
	title := func(p *pay.Payment) string {
		name := cmp.Or(r.titles[p.Provider], p.Provider) // of one that is no longer offered, too
		for _, l := range links {
			if l.Provider == p.Provider {
				name = l.Title
				v.link = first(v.link, l.URL)
			}
		}
		return name
	}
	for i := range v.ways {
		if v.ways[i].key == r.by {
			v.chosen = &v.ways[i]
		}
	}
	if v.chosen == nil && !r.phone && len(v.ways) > 0 { // a big screen has room to show a QR at once
		v.chosen = &v.ways[0]
		if i := slices.IndexFunc(v.ways, func(w way) bool { return w.URL != "" }); i > 0 && !v.ways[0].last {
			v.chosen = &v.ways[i]
		}
	}
	if v.chosen != nil {
		v.chosen.here = true
	}
	p := inv.Payment
	if v.scene == waiting || v.scene == coding || v.scene == working {
		p = inv.Open
	}
	if p != nil {
		v.title = title(p)
		switch {
		case v.scene != choose:
		case p.Way == pay.WayCard && p.State == pay.Failed && p.Reason != "":
			v.declined = words.Decline(p.Reason).In(v.lang)
		case ended(p):
			v.tried = v.title
		}
	}
	return v
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// ended says whether the buyer saw this attempt end: it had begun at the provider, and was not
// merely a page that was never made or was taken back.
func ended(p *pay.Payment) bool {
	return p.Ref != "" && (p.State == pay.Failed || p.State == pay.Cancelled && p.PageURL == "")
}

// shopName is the name that the business gave itself. Where it named its accounts one by one
// ("Restoran A — payme"), it is what they begin with.
func shopName(inv gateway.Invoice, links []gateway.Link) string {
	name := ""
	for _, l := range links {
		switch {
		case l.DisplayName == "":
		case name == "":
			name = l.DisplayName
		default:
			name = common(name, l.DisplayName)
		}
	}
	if name == "" {
		return inv.Business
	}
	return name
}

// common is what two names begin with, without the dash between name and provider; the first of
// them where that is hardly anything.
func common(a, b string) string {
	x, y := []rune(a), []rune(b)
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	if s := strings.TrimRight(string(x[:n]), " -–—·|/(:,"); len([]rune(s)) >= 3 {
		return s
	}
	return a
}

// state is the sign that the page stands under.
func (v view) state() ui.State {
	switch v.scene {
	case choose, waiting, coding, working:
		return ui.Waiting
	case released:
		return ui.Cancelled
	}
	return ui.State(v.scene)
}

// words are the page's heading and its first sentence.
func (v view) words() (title, text string) {
	pair := map[scene][2]words.Text{
		choose:    {words.ChooseWay, words.WatchHere},
		waiting:   {words.WaitTitle, words.WaitText},
		coding:    {words.CodeTitle, words.CodeSent},
		working:   {words.WaitTitle, words.CardWorking},
		unknown:   {words.UnknownTitle, words.UnknownText},
		held:      {words.HeldTitle, words.HeldText},
		paid:      {words.PaidTitle, words.PaidText},
		refunded:  {words.RefundedTitle, words.RefundedText},
		failed:    {words.FailedTitle, words.FailedText},
		cancelled: {words.CancelledTitle, words.CancelledText},
		released:  {words.CancelledTitle, words.ReleasedText},
		expired:   {words.ExpiredTitle, words.ExpiredText},
	}[v.scene]
	if v.scene == paid && v.now.Sub(v.inv.PaidAt) >= justPaid {
		pair[1] = words.PaidAlready // whoever opens the link again asks whether to pay again
	}
	if v.scene == waiting {
		return pair[0].In(v.lang), pair[1].With(v.lang, v.title)
	}
	return pair[0].In(v.lang), pair[1].In(v.lang)
}

// frame is the page's own head.
func (v view) frame() ui.Page {
	title, _ := v.words()
	if v.scene == choose {
		title = words.PayTitle.With(v.lang, ui.Money(v.lang, v.inv.Amount))
	}
	p := ui.Page{Title: title + " · " + v.shop, Lang: v.lang, Test: v.test, Robots: "noindex"}
	if v.moves() {
		p.Scripts = []string{"pay.js"}
		p.Refresh = 5
		switch {
		case v.scene == choose && v.chosen == nil:
			p.Refresh = 20 // do not pull the list from under somebody's finger
		case v.scene == paid:
			p.Refresh = 15 // nothing more is to be done: only the receipt is awaited
		}
		if v.typing() {
			p.Refresh = 0
		}
		if v.form != nil { // also where it is not yet on the page: it may be drawn into it
			p.Scripts = append(p.Scripts, "card.js")
		}
	}
	return p
}

func (v view) moves() bool { return moves(v.inv, v.now) }

// said is what a screen reader is told when the page changes by itself.
func (v view) said() string {
	title, text := v.words()
	switch {
	case v.scene == paid && v.receipt() != "":
		return words.FiscalReceipt.In(v.lang) + ". " + title
	case v.scene == paid && !v.moves():
		return "" // the page has stopped waiting, and nothing has happened
	}
	if v.scene == choose {
		switch {
		case v.declined != "":
			return v.declined
		case v.tried == "":
			return ""
		}
		return words.TriedFailed.With(v.lang, v.tried)
	}
	return title + ". " + text
}

// path is the page's own address in a language, with the way that was chosen.
func (v view) path(l words.Lang) string {
	q := url.Values{"lang": {string(l)}}
	if v.by != "" {
		q.Set("by", v.by)
	}
	return "/pay/" + v.inv.ID + "?" + q.Encode()
}

// with is the page's address with a way chosen.
func (v view) with(provider string) string {
	q := url.Values{"by": {provider}}
	if v.asked {
		q.Set("lang", string(v.lang))
	}
	return "/pay/" + v.inv.ID + "?" + q.Encode()
}

// action is where a form that starts a payment goes.
func (v view) action() string { return "/pay/" + v.inv.ID + "?lang=" + string(v.lang) }

// back is the shop's own page for how the invoice ended, "" where it gave none.
func (v view) back() string {
	to := v.inv.ReturnURL
	switch v.scene {
	case failed, cancelled, released, expired:
		if v.inv.ErrorURL != "" {
			to = v.inv.ErrorURL
		}
	}
	return safeReturn(to)
}

// safeReturn lets through what a link may lead to: the web, and an app's own scheme. The API
// checks it when the invoice is made; a link is checked again where it is drawn.
func safeReturn(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return ""
	}
	switch strings.ToLower(u.Scheme) {
	case "javascript", "data", "vbscript", "file", "blob":
		return ""
	}
	return u.String()
}

func (v view) receipt() string { return receipt(v.inv.Payment) }

// receipt is the fiscal receipt's address, "" where there is none that a buyer can open.
func receipt(p *pay.Payment) string {
	if p == nil {
		return ""
	}
	u, err := url.Parse(p.ReceiptURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}

// later is when an open attempt lapses, zero where nobody knows.
func (v view) later() time.Time {
	if v.inv.Open == nil || v.inv.Open.State != pay.Created {
		return time.Time{}
	}
	return v.inv.Open.ExpiresAt
}

// wide says whether the page has two columns where there is room.
func (v view) wide() bool {
	return v.scene == choose || v.scene == waiting || v.scene == coding || v.scene == working
}

// typing says whether somebody may be typing into the page.
func (v view) typing() bool {
	return v.scene == coding || v.scene == choose && v.chosen != nil && v.chosen.Card
}

// post is where one of the card's forms goes.
func (v view) post(path string) string {
	return "/pay/" + v.inv.ID + "/" + path + "?lang=" + string(v.lang)
}

// sentTo says where the code went.
func (v view) sentTo() string {
	if p := v.inv.Open; p != nil && p.CodePhone != "" {
		return words.CodeSentTo.With(v.lang, p.CodePhone)
	}
	return words.CodeSent.In(v.lang)
}

// cardTrouble is the sentence about what was in the way of a card, "" where nothing was.
func (v view) cardTrouble() string {
	text, ok := map[string]words.Text{
		"card_away": words.CardAway, "soon": words.CodeSoon, "many": words.CodeMany, "tries": words.CardTries, "again": words.CardAgain,
		"wrong": words.Text(words.Decline(pay.DeclineWrongCode)), "late": words.Text(words.Decline(pay.DeclineCodeLate)),
	}[v.trouble]
	if !ok {
		return ""
	}
	return text.In(v.lang)
}

// deeplink is where the script tries the company's own scheme before its page on the web.
func deeplink(w way) templ.Attributes {
	if w.Deeplink == "" {
		return nil
	}
	return templ.Attributes{"data-deeplink": w.Deeplink}
}

// initial is the letter on a company's tile.
func initial(title string) string {
	for _, r := range title {
		return string(r)
	}
	return ""
}
