package admin

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// inbox is the first page: what needs a person, each with its one button, and beside it the day.
func (a *admin) inbox(w http.ResponseWriter, r *http.Request) {
	if err := a.looked(r.Context(), "inbox.seen", "", ""); err != nil {
		a.fail(w, r, err)
		return
	}
	in, err := a.inboxNow(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	v := inboxView{look: a.look(r, words.Inbox.In(lang(r)), Path+"/"), in: in}
	for _, h := range in.Heaps {
		v.heaps = append(v.heaps, a.heap(v.look, in, h))
	}
	v.day(a)
	v.chart = draw(v.lang, in)
	a.show(w, r, inboxPage(v))
}

type inboxView struct {
	look
	in    gateway.Inbox
	heaps []heap
	chart chart

	paid, back        int64
	paidSum, backSum  pay.Tiyin
	shares            []share
	paidCount, backOf string
	anything          bool
	rate              string
}

// heap is one line of the inbox.
type heap struct {
	state  ui.State
	says   string
	sum    string
	oldest time.Time
	url    string
	rows   []heapRow // the first of them, where they have names
	more   int64
}

// heapRow names one thing of a heap, with its one right button: it does what is to be done, where one
// press can, and leads to where it is done, where a reason is asked for. Whoever may do neither has
// the link.
type heapRow struct {
	url, says string
	button    string
	post      string     // what the button sends its form to; "": it is a link
	hidden    url.Values // and what stands in the form
	to        string     // where a button without a form leads
}

// does puts a button that does it at once, for whoever may.
func (r *heapRow) does(l look, least staff.Role, word words.Text, post string, hidden ...string) {
	if !l.me.Role.May(least) {
		return
	}
	r.button, r.post, r.hidden = word.In(l.lang), post, url.Values{}
	for i := 0; i+1 < len(hidden); i += 2 {
		r.hidden.Set(hidden[i], hidden[i+1])
	}
}

// leads puts a button that leads to where it is done, for whoever may.
func (r *heapRow) leads(l look, least staff.Role, word words.Text, to string) {
	if l.me.Role.May(least) {
		r.button, r.to = word.In(l.lang)+"…", to
	}
}

var heapWords = map[string]struct {
	state ui.State
	says  words.Text
	path  string
}{
	string(pay.AttentionUnknown):           {ui.Unknown, words.HeapUnknown, "/invoices?needs=unknown_outcome&order=oldest"},
	string(pay.AttentionRefundUnconfirmed): {ui.Unknown, words.HeapBack, "/invoices?needs=refund_unconfirmed&order=oldest"},
	string(pay.AttentionAmount):            {ui.Failed, words.HeapAmount, "/invoices?needs=amount_mismatch&order=oldest"},
	string(pay.AttentionProvider):          {ui.Failed, words.HeapAlert, "/invoices?needs=provider_alert&order=oldest"},
	"stuck":                                {ui.Failed, words.HeapStuck, "/stuck"},
	"receipt":                              {ui.Failed, words.HeapReceipt, "/invoices?needs=receipt&order=oldest"},
	"inactive":                             {ui.Expired, words.HeapInactive, "/merchants?active=off"},
	"payout":                               {ui.Unknown, words.HeapPayout, "/payouts?needs=any"},
	"untold":                               {ui.Failed, words.HeapUntold, "/payouts?needs=undelivered&order=oldest"},
	"compared":                             {ui.Failed, words.HeapCompared, "/reconciliations"},
	"till":                                 {ui.Unknown, words.HeapTill, ""},
	"approval":                             {ui.Waiting, words.HeapApproval, "/invoices?needs=approval&order=oldest"},
}

func (a *admin) heap(l look, in gateway.Inbox, h gateway.Heap) heap {
	known := heapWords[h.Kind]
	out := heap{state: known.state, says: known.says.With(l.lang, h.Count), oldest: h.Oldest}
	if known.path != "" {
		out.url = Path + known.path
	}
	if h.Sum > 0 {
		out.sum = ui.Money(l.lang, h.Sum)
	}
	add := func(says, url string) *heapRow {
		out.rows = append(out.rows, heapRow{says: says, url: url})
		return &out.rows[len(out.rows)-1]
	}
	switch kind := pay.Attention(h.Kind); kind {
	case pay.AttentionUnknown, pay.AttentionRefundUnconfirmed, pay.AttentionAmount, pay.AttentionProvider:
		for _, inv := range in.Asking[kind] {
			at := Path + "/invoices/" + inv.ID
			row := add(ui.Money(l.lang, inv.Amount)+" · "+inv.SourceInvoiceID, at)
			if kind == pay.AttentionUnknown || kind == pay.AttentionRefundUnconfirmed {
				row.does(l, staff.Support, words.AskNow, at+"/ask")
			} else {
				row.leads(l, staff.Refunds, words.AlarmSee, at+"#alarm")
			}
		}
	}
	switch h.Kind {
	case "stuck":
		for _, x := range together(in.Receivers) {
			row := add(fmt.Sprintf("%s · %d", address(x.NotifyURL), x.Count), Path+"/stuck?"+url.Values{"receiver": {x.NotifyURL}}.Encode())
			row.does(l, staff.Support, words.StuckAll, Path+"/stuck", "all", "yes", "receiver", x.NotifyURL)
		}
	case "approval":
		for _, x := range in.Approvals {
			at := Path + "/invoices/" + x.InvoiceID
			row := add(ui.Money(l.lang, x.Amount)+" · "+x.AskedBy+": "+x.Reason, at)
			switch {
			case x.AskedBy == l.me.Email || l.me.New: // another person confirms
			case x.Decides != "":
				row.leads(l, staff.Refunds, words.ApprovalSee, at)
			default:
				row.does(l, staff.Refunds, words.Text{UZ: words.ApprovalConfirm.With(words.UZ, ui.Money(words.UZ, x.Amount)), RU: words.ApprovalConfirm.With(words.RU, ui.Money(words.RU, x.Amount)), EN: words.ApprovalConfirm.With(words.EN, ui.Money(words.EN, x.Amount))}, Path+"/approvals/"+x.ID+"/confirm")
			}
		}
	case "payout":
		for _, p := range in.Payouts {
			at := payoutsPath + "/" + p.ID
			row := add(ui.Money(l.lang, p.Amount)+" · "+a.title(p.Provider)+" · "+p.SourcePayoutID, at)
			asked, waits := in.Unsent[p.ID]
			switch {
			case waits && (asked.AskedBy == l.me.Email || l.me.New): // another person confirms
			case waits:
				row.leads(l, staff.Refunds, words.ApprovalSee, at)
			case p.State == pay.MoveUnknown:
				row.does(l, staff.Support, words.AskNow, at+"/ask")
			default:
				row.leads(l, staff.Refunds, words.AlarmSee, at+"#alarm")
			}
		}
	case "untold":
		for _, p := range in.Untold {
			at := payoutsPath + "/" + p.ID
			add(ui.Money(l.lang, p.Amount)+" · "+p.SourcePayoutID+" · "+address(p.NotifyURL), at).does(l, staff.Support, words.PayoutTell, at+"/notify")
		}
	case "compared":
		for _, r := range in.Compared {
			at := comparedPath + "/" + r.ID
			row := add(dayName(l.lang, r.Day)+" · "+a.title(r.Provider)+" · "+dayWords(l.lang, r), at)
			if r.State == pay.ReconcileFailed {
				row.does(l, staff.Refunds, words.AlarmEnd, at+"/acknowledge")
			} else {
				row.leads(l, staff.Refunds, words.DaySettle, at)
			}
		}
	case "till":
		for _, t := range in.Adrift {
			add(fmt.Sprintf("%s · %d", t.Name, t.Count), tillsPath+"/"+t.TillID) // only the till itself can tell
		}
	case "receipt":
		for _, p := range in.Receipts {
			at := Path + "/invoices/" + p.InvoiceID
			add(a.title(p.Provider)+" · "+ui.Money(l.lang, p.Captured)+" · "+ui.Time(l.lang, p.PaidAt), at).does(l, staff.Support, words.DoReceipt, at+"/receipt")
		}
	case "inactive":
		for _, m := range in.Inactive {
			at := merchantsPath + "/" + m.ID
			add(cmp.Or(m.DisplayName, m.Source+"/"+m.Business)+" · "+a.title(m.Provider), at).does(l, staff.Owner, words.MerchantTurnOn, at+"/active", "active", "on")
		}
	}
	if h.Kind != "stuck" && h.Kind != "till" { // receivers and tills are counted in another unit
		out.more = max(h.Count-int64(len(out.rows)), 0)
	}
	if len(out.rows) == 0 {
		out.more = 0
	}
	return out
}

// share is one provider's day.
type share struct {
	title       string
	paid, lost  int64
	sum         pay.Tiyin
	rate, width string
}

// day adds up today's hours. Midnight in Tashkent is a full hour everywhere, so that it is exact.
func (v *inboxView) day(a *admin) {
	byProvider := map[string]*share{}
	for _, h := range v.in.Hours {
		if h.Start.Before(v.in.Today) {
			continue
		}
		v.back += h.Returned
		v.backSum += h.Back
		if h.Provider == "" {
			continue
		}
		s := byProvider[h.Provider]
		if s == nil {
			s = &share{title: a.title(h.Provider)}
			byProvider[h.Provider] = s
		}
		s.paid, s.lost, s.sum = s.paid+h.Paid, s.lost+h.Lost, s.sum+h.Sum
		v.paid, v.paidSum = v.paid+h.Paid, v.paidSum+h.Sum
	}
	var most pay.Tiyin
	var paid, ended int64
	for _, s := range byProvider {
		most = max(most, s.sum)
		paid, ended = paid+s.paid, ended+s.paid+s.lost
		v.shares = append(v.shares, *s)
	}
	for i := range v.shares {
		s := &v.shares[i]
		s.rate = percent(v.lang, s.paid, s.paid+s.lost)
		s.width = "0"
		if most > 0 {
			s.width = strconv.FormatInt(int64(s.sum)*100/int64(most), 10)
		}
	}
	slices.SortFunc(v.shares, func(x, y share) int { return cmp.Or(cmp.Compare(y.sum, x.sum), cmp.Compare(x.title, y.title)) })
	v.anything = paid+ended+v.back > 0
	v.rate = percent(v.lang, paid, ended)
	v.paidCount, v.backOf = words.InboxPaidCount.With(v.lang, v.paid), words.InboxBackCount.With(v.lang, v.back)
}

// percent is a part of a whole with one digit behind the comma; "—" of nothing.
func percent(l words.Lang, part, whole int64) string {
	if whole == 0 {
		return "—"
	}
	tenths := (part*2000/whole + 1) / 2
	if part < whole && tenths == 1000 {
		tenths = 999 // not all is never 100 %
	}
	comma := ","
	if l == words.EN {
		comma = "."
	}
	if tenths%10 == 0 {
		return fmt.Sprintf("%d\u00a0%%", tenths/10)
	}
	return fmt.Sprintf("%d%s%d\u00a0%%", tenths/10, comma, tenths%10)
}

// ─── The chart ─────────────────────────────────────────────────────────────────────────────

// chart is the last 24 hours, an hour a bar, in a field of 600 by 120.
type chart struct {
	says string // what it shows, for whoever does not see it
	bars []bar
	top  string // the sum that the tallest bar stands for
}

type bar struct {
	x, y, height int
	hour         string // 14:00
	label        bool   // whether it is written below
	sum          pay.Tiyin
	paid, lost   int64
	full         string // the same in words, for the table and on hover
}

// The chart's field, in the units of its view box.
const (
	chartBars   = 25 // 24 whole hours and the one that runs
	chartStep   = 24
	chartHeight = 96
)

func draw(l words.Lang, in gateway.Inbox) chart {
	var c chart
	start := in.At.Add(-24 * time.Hour).Truncate(time.Hour)
	var most pay.Tiyin
	best := ""
	for i := range chartBars {
		at := start.Add(time.Duration(i) * time.Hour)
		b := bar{x: i * chartStep, hour: at.In(pay.Tashkent).Format("15:04"), label: i%6 == 0}
		for _, h := range in.Hours {
			if h.Start.Equal(at) {
				b.sum, b.paid, b.lost = b.sum+h.Sum, b.paid+h.Paid, b.lost+h.Lost
			}
		}
		if b.sum > most {
			most, best = b.sum, b.hour
		}
		b.full = b.hour + " · " + ui.Money(l, b.sum) + " · " + words.InboxPaidCount.With(l, b.paid)
		c.bars = append(c.bars, b)
	}
	for i := range c.bars {
		b := &c.bars[i]
		if most > 0 && b.sum > 0 {
			b.height = max(int(int64(b.sum)/1000*chartHeight/max(int64(most)/1000, 1)), 2)
			b.height = min(b.height, chartHeight)
		}
		b.y = chartHeight - b.height
	}
	if most > 0 {
		c.top = ui.Money(l, most)
		c.says = words.InboxChartSays.With(l, c.top, best)
	}
	return c
}

// ─── Addresses of receivers ────────────────────────────────────────────────────────────────

// address is a receiver as people name it: host and path.
func address(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Host + u.Path
}

// receiver is an address up to its query, by which its stuck events are found: what an app puts behind
// it may be a secret.
func receiver(raw string) string {
	raw, _, _ = strings.Cut(raw, "#")
	raw, _, _ = strings.Cut(raw, "?")
	return raw
}

// together counts receivers that differ in their query only as one, in the order that they have.
func together(list []gateway.Receiver) (out []gateway.Receiver) {
	for _, x := range list {
		x.NotifyURL = receiver(x.NotifyURL)
		if at := slices.IndexFunc(out, func(y gateway.Receiver) bool { return y.NotifyURL == x.NotifyURL }); at >= 0 {
			out[at].Count += x.Count
			continue
		}
		out = append(out, x)
	}
	return out
}
