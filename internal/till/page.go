package till

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/till/slip"
	"github.com/chorsu/chorsu/internal/till/terminal"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// pageView is what the cashier's page is made of.
type pageView struct {
	Lang         words.Lang
	Shop, Device string
	Wallets      []way
	Others       []way
	Terminals    bool
	Words        string // JSON: what the script says
}

// way is a way to pay, and the key that chooses it.
type way struct{ Endpoint, Title, Key string }

// page is GET /: it has nothing in it that is not public, so that it is served without a token and
// asks for one.
func (a *Agent) page(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		wrongMethod(w, http.MethodGet)
		return
	}
	lang := words.Choose(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	v := pageView{Lang: lang, Shop: a.o.Config.Shop.Name, Device: a.o.Config.Shop.Device, Terminals: len(a.devices) > 0, Words: pageWords(lang)}
	for i, e := range walletEndpoints {
		if _, ok := a.wallets[e]; ok {
			v.Wallets = append(v.Wallets, way{e, methods[e], "Alt+" + string(rune('1'+i))})
		}
	}
	add := func(there bool, endpoint, key string) {
		if there {
			v.Others = append(v.Others, way{endpoint, methods[endpoint], key})
		}
	}
	add(a.devices["xumo"] != nil, "xumo", "F2")
	add(a.devices["uzcard"] != nil, "uzcard", "F3")
	add(a.box != nil, "one_qr", "F4")
	add(a.scan != nil, "qr_pay", "F6")
	ui.Secure(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err := cashier(v).Render(r.Context(), w); err != nil {
		a.log.Debug("the page was not sent", "error", err)
	}
}

func pageWords(l words.Lang) string {
	said := map[string]string{}
	for endpoint, title := range methods {
		said["title_"+endpoint] = title
	}
	for key, t := range map[string]words.Text{
		"waiting": words.TillWaiting, "paid": words.TillPaid, "declined": words.TillDeclined, "unknown": words.TillUnknown, "doNot": words.TillDoNot, "against": words.TillAgainst, "refused": words.TillRefused,
		"alone": words.TillAlone, "who": words.TillWho, "approve": words.TillApprove, "void": words.TillVoid, "rrn": words.TillRRN, "check": words.TillCheck,
		"ours": words.TillOurs, "terminal": words.TillTerminals, "sales": words.TillSales, "returns": words.TillReturns, "token": words.TillToken,
		"sum": words.TillShiftSum, "noSum": words.TillNoSum, "noLink": words.TillNoLink, "gateway": words.TillGateway, "qrWaits": words.TillQRWaits, "left": words.TillQRLeft, "stopping": words.TillStopping, "noStop": words.TillNoStop, "soum": words.Soum,
	} {
		said[key] = t.In(l)
	}
	b, err := json.Marshal(said)
	if err != nil {
		return "{}"
	}
	return string(b)
}

// pageTold is what the page shows, once a second.
type pageTold struct {
	Gateway    string                `json:"gateway"`
	WalletUnit int64                 `json:"wallet_unit"` // tiyin in one unit of the wallet calls
	Printer    bool                  `json:"printer"`
	Unknown    []view                `json:"unknown"`
	Against    []view                `json:"contradicted"` // decided, and the device or the company said otherwise
	Receipts   []view                `json:"receipts"`     // whose link the company refuses, of the last days
	Refused    int                   `json:"refused"`      // reports that the gateway will not keep
	Closings   []view                `json:"closings"`     // whose answer was lost: to be repeated
	Last       []view                `json:"last"`
	Shows      map[string]string     `json:"shows"`  // what each pinpad shows
	Totals     map[string]pageTotals `json:"totals"` // by endpoint, since its last closing
	Shifts     [][]string            `json:"shifts"` // the endpoints of each pinpad, which is closed once
}

// receiptsShown is how long the page shows that a receipt's link was refused. The operation has it
// for ever.
const receiptsShown = 7 * 24 * time.Hour

type pageTotals struct {
	totals
	CanAsk bool `json:"can_ask"` // whether the pinpad tells its last transaction
}

// pageState is GET /till/state.
func (a *Agent) pageState(r *http.Request) envelope {
	told := pageTold{Gateway: string(a.link.now()), WalletUnit: 1, Printer: a.o.Config.Printer.Address != "", Unknown: []view{}, Against: []view{}, Receipts: []view{}, Closings: []view{}, Last: []view{}, Shifts: a.shifts(), Shows: map[string]string{}, Totals: map[string]pageTotals{}}
	if a.o.Config.Shop.WalletAmount == "som" {
		told.WalletUnit = 100
	}
	open, err := a.j.Unknown(r.Context())
	if err != nil {
		return no(a.broken(err))
	}
	against, err := a.j.Contradicted(r.Context())
	if err != nil {
		return no(a.broken(err))
	}
	receipts, err := a.j.ReceiptsRefused(r.Context(), a.now().Add(-receiptsShown))
	if err != nil {
		return no(a.broken(err))
	}
	if told.Refused, err = a.j.ReportsRefused(r.Context()); err != nil {
		return no(a.broken(err))
	}
	closings, err := a.j.UnknownClosings(r.Context())
	if err != nil {
		return no(a.broken(err))
	}
	last, err := a.j.Recent(r.Context(), 12)
	if err != nil {
		return no(a.broken(err))
	}
	for i := range open {
		told.Unknown = append(told.Unknown, a.view(&open[i]))
	}
	for i := range against {
		told.Against = append(told.Against, a.view(&against[i]))
	}
	for i := range receipts {
		told.Receipts = append(told.Receipts, a.view(&receipts[i]))
	}
	for i := range closings {
		if a.deviceOf(&closings[i]) != nil { // a pinpad that is gone cannot be closed again
			told.Closings = append(told.Closings, a.view(&closings[i]))
		}
	}
	for i := range last {
		told.Last = append(told.Last, a.view(&last[i]))
	}
	for endpoint, d := range a.devices {
		told.Shows[endpoint] = d.shows()
		t, err := a.j.Totals(r.Context(), d.key, "")
		if err != nil {
			return no(a.broken(err))
		}
		told.Totals[endpoint] = pageTotals{*totalsOf(t[endpoint]), d.by(endpoint).Caps().Last}
	}
	return ok(told)
}

// shifts are the endpoints of each pinpad, in their order.
func (a *Agent) shifts() [][]string {
	out := [][]string{}
	for _, e := range []string{"xumo", "uzcard"} {
		if d := a.devices[e]; d != nil && d.leads[0] == e {
			out = append(out, d.leads)
		}
	}
	return out
}

// shiftTold is a pinpad's last closing: its totals beside ours.
type shiftTold struct {
	ClosedAt string             `json:"closed_at"`
	Report   string             `json:"report"` // the pinpad's own, as text
	Ours     map[string]*totals `json:"ours"`   // by endpoint
	Sum      *totals            `json:"sum"`    // of ours
	Theirs   *totals            `json:"theirs"` // null where the pinpad tells none in numbers
	Said     string             `json:"said"`   // how the two compare, in words
	Tone     string             `json:"tone"`   // paid, failed or unknown: the page's colours
}

// pageShift is GET /till/shift?endpoint=: the last closing of the pinpad behind it.
func (a *Agent) pageShift(r *http.Request) envelope {
	d := a.devices[r.URL.Query().Get("endpoint")]
	if d == nil {
		return no(badArgument(`"endpoint" must be one that has a pinpad`))
	}
	op, err := a.j.LastClosing(r.Context(), d.key)
	switch {
	case err != nil:
		return no(a.broken(err))
	case op == nil:
		return no(noOperation())
	}
	ours, err := a.j.Totals(r.Context(), d.key, op.ID)
	if err != nil {
		return no(a.broken(err))
	}
	told := shiftTold{ClosedAt: op.CreatedAt.UTC().Format(wireTime), Report: op.Slip, Ours: map[string]*totals{}}
	var sum journal.Totals
	for _, e := range d.leads {
		told.Ours[e], sum = totalsOf(ours[e]), sum.And(ours[e])
	}
	told.Sum = totalsOf(sum)
	if len(op.Meta) > 0 {
		if err := json.Unmarshal(op.Meta, &told.Theirs); err != nil {
			return no(a.broken(err))
		}
	}
	lang := words.Choose(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	told.Said, told.Tone = told.compare(lang)
	if op.Code == terminal.CodeDiffers {
		told.Said, told.Tone = words.TillDiffers.In(lang)+" "+told.Said, "failed"
	}
	return ok(told)
}

// compare says the difference between the pinpad's totals and ours.
func (s shiftTold) compare(l words.Lang) (said, tone string) {
	if s.Theirs == nil {
		return words.TillCompare.In(l), "unknown"
	}
	var parts []string
	for _, k := range []struct {
		name          words.Text
		theirs, ours  int64
		count, ourOwn int
	}{
		{words.TillSales, s.Theirs.SalesAmount, s.Sum.SalesAmount, s.Theirs.Sales, s.Sum.Sales},
		{words.TillReturns, s.Theirs.ReturnsAmount, s.Sum.ReturnsAmount, s.Theirs.Returns, s.Sum.Returns},
	} {
		what, more := words.TillCounts, k.theirs-k.ours
		switch {
		case more > 0:
			what = words.TillMore
		case more < 0:
			what, more = words.TillLess, -more
		case k.count == k.ourOwn:
			continue
		}
		parts = append(parts, k.name.In(l)+": "+strings.ReplaceAll(what.In(l), "{sum}", ui.Money(l, pay.Tiyin(more))))
	}
	if parts == nil {
		return words.TillAgree.In(l), "paid"
	}
	return words.TillDifference.In(l) + ". " + strings.Join(parts, "; ") + ". " + words.TillLook.In(l), "failed"
}

// keepTotals puts what a pinpad told at its closing beside the operation.
func (a *Agent) keepTotals(op *journal.Operation, t *terminal.Totals) {
	if t == nil {
		return
	}
	b, err := json.Marshal(totals{t.Sales, int64(t.SalesAmount), t.Returns, int64(t.ReturnsAmount)})
	if err == nil {
		op.Meta = b
	}
}

// pageSlip is GET /till/slip?id=: both papers of an operation as text, and the bytes for a printer
// in base64, for a till that prints by itself.
func (a *Agent) pageSlip(r *http.Request) envelope {
	op, fail := a.slipFor(r)
	if fail != nil {
		return no(fail)
	}
	papers := a.copies(op)
	printed := make([][]byte, len(papers))
	for i, text := range papers {
		var err error
		if printed[i], err = slip.Escape(text, op.ReceiptURL, slip.Charsets[a.o.Config.Printer.Charset]); err != nil {
			return no(a.broken(err))
		}
	}
	return ok(map[string]any{"copies": papers, "escpos": printed})
}

func (a *Agent) slipFor(r *http.Request) (*journal.Operation, *failure) {
	op, err := a.j.Get(r.Context(), r.URL.Query().Get("id"))
	switch {
	case err != nil:
		return nil, a.broken(err)
	case op == nil:
		return nil, noOperation()
	}
	return op, nil
}

// pagePrint is POST /till/print?id=: both papers, where a printer is set.
func (a *Agent) pagePrint(r *http.Request, _ fields) envelope {
	op, fail := a.slipFor(r)
	if fail != nil {
		return no(fail)
	}
	for _, text := range a.copies(op) {
		if err := a.printText(r.Context(), text, op.ReceiptURL); err != nil {
			a.log.Warn("the printer does not work", "error", err)
			return no(&failure{Code: codePrinter, Message: "PRINTER_ERROR", Data: detail(err.Error())})
		}
	}
	return ok(nil)
}

// pageQR is GET /till/qr?id=: an operation's QR, drawn.
func (a *Agent) pageQR(r *http.Request) envelope {
	op, fail := a.slipFor(r)
	if fail != nil {
		return no(fail)
	}
	var b strings.Builder
	if err := ui.QR(op.Shows, op.Shows).Render(r.Context(), &b); err != nil || op.Shows == "" {
		return no(noOperation())
	}
	return ok(map[string]string{"svg": b.String()})
}
