package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// supportRows is how many messages the text for a provider's support has, the newest.
const supportRows = 100

// timelineRows is how many lines of a timeline stand on one page.
const timelineRows = 60

// invoice is the page of one invoice: what happened in a sentence, what can be done, and every
// message in its lane.
func (a *admin) invoice(w http.ResponseWriter, r *http.Request) {
	if !id.Valid(r.PathValue("id")) {
		a.nothing(w, r)
		return
	}
	a.invoiceWith(w, r, r.PathValue("id"), http.StatusOK, "")
}

// invoiceWith is the page with what stood in the way of an action.
func (a *admin) invoiceWith(w http.ResponseWriter, r *http.Request, invoiceID string, status int, trouble string) {
	if err := a.looked(r.Context(), "invoice.seen", invoiceID, ""); err != nil {
		a.fail(w, r, err)
		return
	}
	d, err := a.o.Gateway.Dossier(r.Context(), invoiceID)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	v := invoiceView{look: a.look(r, words.FactInvoice.In(lang(r))+" "+d.SourceInvoiceID, Path+"/invoices"), d: d, companies: a.title, trouble: trouble, asked: r.URL.Query()}
	if v.entries, v.next, err = a.o.Gateway.TimelinePage(r.Context(), invoiceID, r.URL.Query().Get("after"), timelineRows); err != nil {
		a.fail(w, r, err)
		return
	}
	if v.messages, err = a.o.Gateway.LastMessages(r.Context(), invoiceID, supportRows+1); err != nil {
		a.fail(w, r, err)
		return
	}
	v.now, v.key = a.o.Now(), id.New()
	if x := v.waiting(); x != nil && x.AskedBy == v.me.Email {
		if v.second, err = a.second(r.Context(), v.lang, x.ExpiresAt); err != nil {
			a.fail(w, r, err)
			return
		}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		v.here = v.url("")
	}
	ui.ShowInner(w, r, status, invoicePage(v))
}

type invoiceView struct {
	look
	d         gateway.Dossier
	companies func(string) string
	entries   []gateway.TimelineEntry
	messages  []gateway.TimelineEntry // the newest, for the provider's support
	next      string
	trouble   string
	second    string // who could confirm what this person asked for, where nobody can yet
	here      string // where the page can be read, for one that answers an action; else ""
	asked     url.Values
	now       time.Time
	key       string // of the forms on it: pressed twice, it is one question
}

func (v invoiceView) url(rest string) string { return Path + "/invoices/" + v.d.ID + rest }

// done says what an action that led here has done; "" where none did.
func (v invoiceView) done() (ui.State, string) {
	switch v.asked.Get("done") {
	case "notify":
		return ui.Paid, words.DoneNotify.In(v.lang)
	case "cancel":
		return ui.Paid, words.DoneCancel.In(v.lang)
	case "receipt":
		return ui.Paid, words.DoneReceipt.In(v.lang)
	case "ask":
		return ui.Waiting, words.DoneAsk.In(v.lang)
	case "decide":
		return ui.Paid, words.DoneDecide.In(v.lang)
	case "alarm":
		return ui.Paid, words.DoneAlarm.In(v.lang)
	case "refused":
		return ui.Cancelled, words.DoneRefused.In(v.lang)
	case "asked":
		for _, x := range v.d.Terms.Approvals {
			if x.ID == v.asked.Get("of") && x.Decides != "" {
				return ui.Waiting, words.ApprovalTitle.In(v.lang) + "."
			}
			if x.ID == v.asked.Get("of") {
				return ui.Waiting, words.DoneAsked.With(v.lang, ui.Money(v.lang, x.Amount))
			}
		}
	case "refund":
		for _, x := range v.d.Terms.Refunds {
			if x.ID != v.asked.Get("of") {
				continue
			}
			switch x.State {
			case pay.MoveSucceeded:
				return ui.Refunded, words.DoneRefund.With(v.lang, ui.Money(v.lang, x.Amount))
			case pay.MoveFailed:
				return ui.Failed, words.DoneNot.With(v.lang, cmp.Or(words.Note(v.lang, x.Note), x.Code))
			}
			return ui.Waiting, words.DonePending.With(v.lang, ui.Money(v.lang, x.Amount))
		}
	}
	return "", ""
}

// ─── What happened, in words ───────────────────────────────────────────────────────────────

// story is what happened in sentences that can be read to a buyer on the phone.
func (v invoiceView) story() []string {
	l, d, p := v.lang, v.d, v.d.Payment
	sum := ui.Money(l, d.Amount)
	by := via(v.companies, d.Invoice)
	var out []string
	switch doubt := d.Attention.Doubts(d.Status); { // first: beside it nothing is said of where the money is
	case p != nil && (p.State == pay.Unknown || doubt && d.Attention == pay.AttentionUnknown):
		since := p.CreatedAt
		if !p.AskedAt.IsZero() {
			since = p.AskedAt
		}
		out = append(out, words.SayUnknown.With(l, by, ui.Time(l, since)))
	case doubt:
		out = append(out, words.SayDoubt.In(l))
	case d.Status == pay.StatusPending:
		out = append(out, words.SayPending.With(l, sum, ui.Time(l, d.ExpiresAt)))
		if d.Open != nil {
			out = append(out, words.SayBegun.With(l, v.companies(d.Open.Provider), ui.Time(l, d.Open.CreatedAt)))
		}
	case d.Status == pay.StatusHeld && p != nil:
		out = append(out, words.SayHeld.With(l, by, sum, ui.Time(l, p.HeldAt)))
	case d.Status == pay.StatusPaid && p != nil:
		out = append(out, words.SayPaid.With(l, by, ui.Money(l, p.Captured), ui.Time(l, p.PaidAt)))
		if p.Refunded > 0 {
			out = append(out, words.SayPart.With(l, ui.Money(l, p.Refunded)))
		}
	case d.Status == pay.StatusRefunded && p != nil:
		out = append(out, words.SayRefunded.With(l, by, ui.Money(l, p.Refunded), ui.Time(l, p.EndedAt)))
	case d.Status == pay.StatusFailed:
		reason := ""
		if p != nil && p.Reason != "" {
			reason = p.Reason
			if s := words.Decline(p.Reason); slices.Contains(pay.Declines, p.Reason) {
				reason = words.Text{UZ: s.UZ, RU: s.RU, EN: s.EN}.In(l)
			}
		}
		out = append(out, strings.TrimSpace(words.SayFailed.With(l, reason)))
	case stateOf(d.Invoice.Invoice) == ui.Expired:
		out = append(out, words.SayExpired.With(l, ui.Time(l, d.ExpiresAt)))
	case d.Status == pay.StatusCancelled:
		out = append(out, words.SayCancelled.With(l, ui.Time(l, d.EndedAt)))
	}
	switch {
	case d.Attention == "" || d.Attention.Doubts(d.Status):
	case d.Attention == pay.AttentionRefundUnconfirmed:
		out = append(out, words.SayBackLost.In(l))
	default:
		out = append(out, words.SayBeside.In(l))
	}
	if e := d.Event; e != nil {
		switch {
		case !e.DeliveredAt.IsZero() && d.Last != nil:
			out = append(out, words.SayTold.With(l, ui.Time(l, e.DeliveredAt), d.Last.Status))
		case !e.DeadAt.IsZero() && d.Last != nil:
			out = append(out, words.SayGivenUp.With(l, e.Attempts, answer(l, *d.Last)))
		case d.Last != nil && e.DeliveredAt.IsZero():
			out = append(out, words.SayNotTold.With(l, e.Attempts, answer(l, *d.Last)))
		}
	}
	if p != nil {
		switch {
		case p.Fiscal == pay.FiscalFailed:
			out = append(out, words.SayNoReceipt.In(l))
		case p.ReceiptURL != "" || p.Fiscal == pay.FiscalDone:
			out = append(out, words.SayReceipt.In(l))
		}
	}
	return out
}

// answer is what a receiver of webhooks did, in words: by its status, else by what package webhook
// says of why there was none.
func answer(l words.Lang, d gateway.Delivery) string {
	failure := strings.ToLower(d.Error)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(failure, part) })
	}
	switch s := d.Status; {
	case d.ID == "":
		return words.SentNever.In(l)
	case s >= 200 && s < 300:
		return words.SentOK.With(l, s)
	case s >= 300 && s < 400:
		return words.SentElsewhere.With(l, s)
	case s == 401 || s == 403:
		return words.SentRefused.With(l, s)
	case s == 404 || s == 410:
		return words.SentUnknown.With(l, s)
	case s > 0:
		return words.SentError.With(l, s)
	case has("tls certificate"):
		return words.SentTLS.In(l)
	case has("host's name"):
		return words.SentDNS.In(l)
	case has("connection refused"):
		return words.SentClosed.In(l)
	case has("timed out"):
		return words.SentSlow.In(l)
	case has("refused: the address"):
		return words.SentPrivate.In(l)
	}
	return words.SentLost.In(l)
}

// ─── What can be done ──────────────────────────────────────────────────────────────────────

// may says whether the person may do what needs a role.
func (v invoiceView) mayDo(r staff.Role) bool { return v.me.Role.May(r) }

// cancels says whether the invoice can be given up.
func (v invoiceView) cancels() bool {
	return v.mayDo(mayCancel(v.d.Status)) && (v.d.Status == pay.StatusHeld || v.d.Status == pay.StatusPending && v.d.Open == nil)
}

// mayCancel is the least role that gives up an invoice which is seen in a state. To release a hold is to
// give money back: it cannot be held again.
func mayCancel(was pay.Status) staff.Role {
	if was == pay.StatusHeld {
		return staff.Refunds
	}
	return staff.Support
}

// refundable says whether anything can be returned.
func (v invoiceView) refundable() bool {
	return v.mayDo(staff.Refunds) && v.d.Terms.Payment != nil && v.d.Terms.Payment.State == pay.Paid && v.d.Terms.Left > 0
}

// undecided is what waits for a person's decision, "payment" or "refund", and its id; "" is nothing.
func (v invoiceView) undecided() (what, id string) {
	for _, p := range v.d.Payments {
		if p.State == pay.Unknown || p.State == pay.Held && p.Asked != "" {
			return "payment", p.ID
		}
	}
	for _, r := range v.d.Terms.Refunds {
		if r.State == pay.MoveUnknown {
			return "refund", r.ID
		}
	}
	return "", ""
}

// loose are the open alarms that only a person's word ends.
func (v invoiceView) loose() (out []pay.Alarm) {
	for _, x := range v.d.Alarms {
		if x.Kind == pay.AttentionAmount || x.Kind == pay.AttentionProvider {
			out = append(out, x)
		}
	}
	return out
}

// waiting is the refund that waits for a second person, or was confirmed and not made; nil: none.
func (v invoiceView) waiting() *gateway.Approval {
	for i := range v.d.Terms.Approvals {
		x := &v.d.Terms.Approvals[i]
		if v.now.Before(x.ExpiresAt) && (x.State == "waiting" || x.State == "confirmed" && x.RefundID == "") {
			return x
		}
	}
	return nil
}

func (a *admin) notify(w http.ResponseWriter, r *http.Request) {
	invoiceID := r.PathValue("id")
	a.act(w, r, "invoice.told", invoiceID, "", Path+"/invoices/"+invoiceID+"?done=notify", func(ctx context.Context, _ string) error {
		_, err := a.o.Gateway.Notify(ctx, invoiceID, gateway.Idem{})
		return err
	})
}

// cancel gives an invoice up, or a hold. The form says which it was drawn for: a buyer may have paid
// meanwhile, and then it is not what the person has seen.
func (a *admin) cancel(w http.ResponseWriter, r *http.Request) {
	invoiceID, was := r.PathValue("id"), pay.Status(r.PostFormValue("was"))
	if !me(r.Context()).Role.May(mayCancel(was)) {
		a.forbid(w, r, "release of "+invoiceID)
		return
	}
	a.act(w, r, "invoice.cancelled", invoiceID, "", Path+"/invoices/"+invoiceID+"?done=cancel", func(ctx context.Context, _ string) error {
		_, err := a.o.Gateway.CancelAs(ctx, invoiceID, was)
		return err
	})
}

func (a *admin) receipt(w http.ResponseWriter, r *http.Request) {
	invoiceID := r.PathValue("id")
	a.act(w, r, "receipt.retried", invoiceID, "", Path+"/invoices/"+invoiceID+"?done=receipt", func(ctx context.Context, who string) error {
		return a.o.Gateway.RetryReceipt(ctx, invoiceID, who)
	})
}

// ask has the company asked at once about what is unknown.
func (a *admin) ask(w http.ResponseWriter, r *http.Request) {
	invoiceID := r.PathValue("id")
	a.act(w, r, "invoice.asked", invoiceID, "", Path+"/invoices/"+invoiceID+"?done=ask", func(ctx context.Context, who string) error {
		return a.o.Gateway.AskNow(ctx, invoiceID, who)
	})
}

func (a *admin) acknowledge(w http.ResponseWriter, r *http.Request) {
	invoiceID, why := r.PathValue("id"), r.PostFormValue("why")
	a.act(w, r, "alarm.ended", invoiceID, clipped(why), Path+"/invoices/"+invoiceID+"?done=alarm", func(ctx context.Context, who string) error {
		return a.o.Gateway.Acknowledge(ctx, invoiceID, r.PostForm["seen"], who, why)
	})
}

// decide settles an unknown outcome by a named person's word, with what they saw and where. The
// form says what it was drawn for: one that is stale decides nothing else.
func (a *admin) decide(w http.ResponseWriter, r *http.Request) {
	invoiceID, why, happened := r.PathValue("id"), r.PostFormValue("why"), r.PostFormValue("happened")
	subject := r.PostFormValue("subject")
	limit, err := a.o.Office.RefundLimit(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	made := url.Values{}
	a.act(w, r, "invoice.decided", invoiceID, happened+" "+short(subject)+": "+clipped(why), Path+"/invoices/"+invoiceID, func(ctx context.Context, who string) error {
		if happened != "yes" && happened != "no" {
			return &pay.Error{Code: pay.CodeInvalid, Field: "happened", Message: "say whether it happened"}
		}
		waits, err := a.o.Gateway.DecideByStaff(ctx, gateway.StaffDecision{
			Decision: gateway.Decision{InvoiceID: invoiceID, Subject: subject, Happened: happened == "yes", Who: who, Why: why, Limit: limit},
			Key:      r.PostFormValue("key"), New: me(ctx).New,
		})
		if made.Set("done", "decide"); waits != nil {
			made.Set("done", "asked")
			made.Set("of", waits.ID)
			a.noteAfter(ctx, "decision.asked", invoiceID, short(subject)+" waits for a second person")
		}
		return err
	}, made)
}

// clipped is what a person typed as the audit log keeps it: bounded, and without the middle of a
// card's number.
func clipped(s string) string {
	s = gateway.Presentable(s)
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}

// ─── The timeline ──────────────────────────────────────────────────────────────────────────

// byWhom names who made a change.
func byWhom(l words.Lang, by string) string {
	switch by {
	case "provider":
		return words.ByProvider.In(l)
	case "api":
		return words.ByAPI.In(l)
	case "worker":
		return words.ByWorker.In(l)
	}
	return by
}

// subjectWord names what a change is about.
func subjectWord(l words.Lang, what string) string {
	switch what {
	case "invoice":
		return words.WhatInvoice.In(l)
	case "payment":
		return words.WhatPayment.In(l)
	case "refund":
		return words.WhatRefund.In(l)
	case "receipt":
		return words.WhatReceipt.In(l)
	}
	return what
}

// stateWord is a state of the book in words, with its sign.
func stateWord(l words.Lang, what, state string) (ui.State, string) {
	if what == "refund" {
		switch state {
		case "waiting":
			return ui.Waiting, words.Waiting.In(l)
		case "refused":
			return ui.Cancelled, words.Cancelled.In(l)
		}
		return moveState(l, pay.MoveState(state))
	}
	switch state {
	case "created":
		return ui.Waiting, words.StateCreated.In(l)
	case "pending":
		return ui.Waiting, words.Waiting.In(l)
	case "done", "sale":
		return ui.Paid, words.FactReceipt.In(l)
	}
	for _, s := range ui.States {
		if string(s) == state {
			return s, s.Word(l)
		}
	}
	return ui.Waiting, state
}

// clock is the time of day with thousandths, as messages are told apart by them.
func clock(t time.Time) string { return t.In(pay.Tashkent).Format("15:04:05.000") }

// newDay says whether the entry begins another day than the one before it.
func newDay(entries []gateway.TimelineEntry, i int) bool {
	day := func(t time.Time) string { return t.In(pay.Tashkent).Format(time.DateOnly) }
	return i == 0 || day(entries[i].At) != day(entries[i-1].At)
}

// date is a day in words.
func date(l words.Lang, t time.Time) string {
	day, _, _ := strings.Cut(ui.Time(l, t), ",")
	return day
}

// wellAnswered says whether an exchange ended as it should.
func wellAnswered(e gateway.TimelineEntry) bool { return e.Status >= 200 && e.Status < 300 }

// support is a text for the provider's support: ids and times, and no secret. What passed is
// redacted before it is stored.
func (v invoiceView) support() string {
	var b strings.Builder
	line := func(name words.Text, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name.In(v.lang), value)
		}
	}
	d, p := v.d, v.d.Payment
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(pay.Tashkent).Format("2006-01-02 15:04:05") + " (UTC+5), " + t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	line(words.FactVia, via(v.companies, d.Invoice))
	if p != nil {
		line(words.FactRef, p.Ref)
		line(words.FactPayment, p.ID)
	}
	line(words.FactInvoice, d.ID)
	line(words.FactPayNo, d.PayNumber)
	line(words.ColSum, ui.Money(v.lang, d.Amount))
	line(words.ColState, stateOf(d.Invoice.Invoice).Word(v.lang))
	line(words.FactCreated, stamp(d.CreatedAt))
	if p != nil {
		line(words.FactPaid, stamp(p.PaidAt))
		line(words.FactCard, p.Card.MaskedPAN)
	}
	messages := v.messages
	if len(messages) > supportRows {
		messages = messages[len(messages)-supportRows:]
		fmt.Fprintf(&b, "\n%s\n", words.SupportCut.With(v.lang, supportRows))
	}
	for _, e := range messages {
		way := "→"
		if e.Direction == "in" {
			way = "←"
		}
		fmt.Fprintf(&b, "\n%s %s %s HTTP %d, %d ms\n", e.At.UTC().Format("2006-01-02T15:04:05.000Z"), way, e.Step, e.Status, e.Duration.Milliseconds())
		for _, body := range []string{e.Request, e.Response} {
			if body = strings.TrimSpace(body); body != "" {
				fmt.Fprintf(&b, "  %s\n", shortened(body))
			}
		}
	}
	return b.String()
}

// shortened bounds one body in the text for support.
func shortened(s string) string {
	if r := []rune(s); len(r) > 1500 {
		return string(r[:1500]) + "…"
	}
	return s
}

// ─── Small pieces of the page ──────────────────────────────────────────────────────────────

func shopURL(source, business string) string {
	return Path + "/invoices?" + url.Values{"source": {source}, "business": {business}}.Encode()
}

// cardText is a card as it may be shown.
func cardText(p pay.Payment) string {
	return strings.TrimSpace(p.Card.PaymentSystem + " " + p.Card.MaskedPAN)
}

// metadata is what the app wrote down for itself, in order; a telephone number is masked.
func metadata(m map[string]string) (out [][2]string) {
	for name, value := range m {
		if nine, ok := pay.Phone(value); ok {
			value = "+998 " + nine[:2] + " ***-**-" + nine[7:]
		}
		out = append(out, [2]string{name, gateway.Presentable(value)})
	}
	slices.SortFunc(out, func(a, b [2]string) int { return cmp.Compare(a[0], b[0]) })
	return out
}

// stepName is a message's method; what has none is a plain request.
func stepName(e gateway.TimelineEntry) string { return cmp.Or(e.Step, "HTTP") }
