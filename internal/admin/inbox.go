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

// heapRow names one thing of a heap, with its own button where there is one.
type heapRow struct {
	url, says string
	post      string // where the button leads; "": only a link
	button    string
	hidden    url.Values
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
	switch h.Kind {
	case "stuck":
		for _, x := range together(in.Receivers) {
			row := heapRow{says: fmt.Sprintf("%s · %d", address(x.NotifyURL), x.Count), url: Path + "/stuck?" + url.Values{"receiver": {x.NotifyURL}}.Encode()}
			if l.me.Role.May(staff.Support) {
				row.post, row.button, row.hidden = Path+"/stuck", words.StuckAll.In(l.lang), url.Values{"all": {"yes"}, "receiver": {x.NotifyURL}}
			}
			out.rows = append(out.rows, row)
		}
	case "approval":
		for _, x := range in.Approvals {
			out.rows = append(out.rows, heapRow{says: ui.Money(l.lang, x.Amount) + " · " + x.AskedBy, url: Path + "/invoices/" + x.InvoiceID})
		}
	case "payout":
		for _, p := range in.Payouts {
			out.rows = append(out.rows, heapRow{says: ui.Money(l.lang, p.Amount) + " · " + a.title(p.Provider) + " · " + p.SourcePayoutID, url: payoutsPath + "/" + p.ID})
		}
	case "compared":
		for _, r := range in.Compared {
			out.rows = append(out.rows, heapRow{says: r.Day + " · " + a.title(r.Provider) + " · " + dayWords(l.lang, r), url: comparedPath + "/" + r.ID})
		}
	case "till":
		for _, t := range in.Adrift {
			out.rows = append(out.rows, heapRow{says: fmt.Sprintf("%s · %d", t.Name, t.Count), url: tillsPath + "/" + t.TillID})
		}
	case "receipt":
		for _, p := range in.Receipts {
			row := heapRow{says: a.title(p.Provider) + " · " + ui.Money(l.lang, p.Captured) + " · " + ui.Time(l.lang, p.PaidAt), url: Path + "/invoices/" + p.InvoiceID}
			if l.me.Role.May(staff.Support) {
				row.post, row.button = Path+"/invoices/"+p.InvoiceID+"/receipt", words.DoReceipt.In(l.lang)
			}
			out.rows = append(out.rows, row)
		}
	case "inactive":
		for _, m := range in.Inactive {
			out.rows = append(out.rows, heapRow{says: cmp.Or(m.DisplayName, m.Source+"/"+m.Business) + " · " + a.title(m.Provider), url: Path + "/merchants/" + m.ID})
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
