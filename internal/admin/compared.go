package admin

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

const comparedPath = Path + "/reconciliations"

type daysView struct {
	list
	companies func(string) string
	rows      []pay.Reconciliation
}

// dayList reads what the address of the list asks for. The days that agree are not listed: there is
// nothing to see in them.
func (a *admin) dayList(r *http.Request) (list, gateway.Order) {
	in := lang(r)
	sorts := orders(in, gateway.Newest, gateway.Oldest)
	l := a.list(r, words.ComparedTitle, comparedPath, filter{name: "order", label: words.FilterOrder.In(in), options: sorts})
	l.here, l.file = Path+"/", true
	return l, gateway.Order(l.asked.among("order", sorts))
}

// compared lists the days that were compared by night and need a person.
func (a *admin) compared(w http.ResponseWriter, r *http.Request) {
	l, order := a.dayList(r)
	v := daysView{list: l, companies: a.title}
	if !l.asked.bad {
		if err := a.looked(r.Context(), "list.seen", "reconciliations", narrowed(r)); err != nil {
			a.fail(w, r, err)
			return
		}
		found, err := a.o.Gateway.LooseReconciliations(r.Context(), order, l.page())
		if err != nil {
			a.fail(w, r, err)
			return
		}
		v.rows, v.next = found.Items, found.Next
	}
	a.show(w, r, daysPage(v))
}

// comparedFile is the same list as a file.
func (a *admin) comparedFile(w http.ResponseWriter, r *http.Request) {
	l, order := a.dayList(r)
	if l.asked.bad {
		a.tell(w, r, http.StatusBadRequest, words.ComparedTitle, words.BadFilter)
		return
	}
	head := []words.Text{words.DayOf, words.ColVia, words.ColState, words.DayDifferent, words.DayTheirs, words.DayOurs, words.DayAgree, words.Merchant, words.CSVDayID, words.PayoutDone}
	a.file(w, r, "reconciliations", head, func(ctx context.Context, p gateway.Page) (rows [][]cell, next string, err error) {
		found, err := a.o.Gateway.LooseReconciliations(ctx, order, p)
		for _, x := range found.Items {
			rows = append(rows, []cell{
				cell(x.Day), textCell(a.title(x.Provider)), textCell(dayWords(l.lang, x)), countCell(x.Different), countCell(x.OnlyTheirs), countCell(x.OnlyOurs), countCell(x.Matched),
				idCell(x.MerchantID), idCell(x.ID), timeCell(x.DoneAt),
			})
		}
		return rows, found.Next, err
	})
}

// dayView says what the page of one compared day shows: what was found, one kind at a time.
type dayView struct {
	look
	r       pay.Reconciliation
	company string
	verdict pay.Verdict
	rows    []pay.Difference
	next    string
	open    bool // it has an alarm that stands
	trouble string
	did     string
}

func (v dayView) url(rest string) string { return comparedPath + "/" + v.r.ID + rest }

// kinds are the verdicts with how many of each there are.
func (v dayView) kinds() []dayKind {
	return []dayKind{
		{pay.VerdictDifferent, words.DayDifferent, v.r.Different}, {pay.VerdictOnlyTheirs, words.DayTheirs, v.r.OnlyTheirs}, {pay.VerdictOnlyOurs, words.DayOurs, v.r.OnlyOurs},
	}
}

type dayKind struct {
	verdict pay.Verdict
	word    words.Text
	count   int64
}

func (k dayKind) url(v dayView) string { return v.url("?verdict=" + string(k.verdict)) }

func (a *admin) dayPage(w http.ResponseWriter, r *http.Request) {
	a.showDay(w, r, http.StatusOK, "")
}

func (a *admin) showDay(w http.ResponseWriter, r *http.Request, status int, trouble string) {
	dayID := r.PathValue("id")
	if !id.Valid(dayID) {
		a.nothing(w, r)
		return
	}
	if err := a.looked(r.Context(), "reconciliation.seen", dayID, ""); err != nil {
		a.fail(w, r, err)
		return
	}
	found, err := a.o.Gateway.Reconciliation(r.Context(), dayID)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	v := dayView{look: a.look(r, dayName(lang(r), found.Day), Path+"/"), r: found, company: a.title(found.Provider), trouble: trouble, did: did(r)}
	for _, k := range v.kinds() {
		if asked := r.URL.Query().Get("verdict"); asked == string(k.verdict) || asked == "" && v.verdict == "" && k.count > 0 {
			v.verdict = k.verdict
		}
	}
	if v.open, err = a.o.Gateway.LooseReconciliation(r.Context(), dayID); err == nil && v.verdict != "" {
		var list gateway.List[pay.Difference]
		list, err = a.o.Gateway.Differences(r.Context(), dayID, v.verdict, gateway.Page{Limit: pageRows, Cursor: r.URL.Query().Get("cursor")})
		v.rows, v.next = list.Items, list.Next
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	ui.ShowInner(w, r, status, dayPage(v))
}

// settleDifference settles one difference in a person's name: as seen to, or by taking over what
// the company says.
func (a *admin) settleDifference(w http.ResponseWriter, r *http.Request) {
	difference, how, why := r.PostFormValue("difference"), r.PostFormValue("how"), r.PostFormValue("why")
	a.onDay(w, r, "difference.settled", "settled", how+" "+short(difference)+": "+clipped(why), func(ctx context.Context, dayID, who string) error {
		return a.o.Gateway.SettleByStaff(ctx, gateway.SettleInput{ReconciliationID: dayID, DifferenceID: difference, How: how, By: who, Reason: why})
	})
}

// acknowledgeDay ends the alarm of a day that could not be compared.
func (a *admin) acknowledgeDay(w http.ResponseWriter, r *http.Request) {
	a.onDay(w, r, "reconciliation.acknowledged", "alarm", "", a.o.Gateway.AcknowledgeReconciliation)
}

func (a *admin) onDay(w http.ResponseWriter, r *http.Request, what, done, detail string, do func(ctx context.Context, dayID, who string) error) {
	dayID := r.PathValue("id")
	if !id.Valid(dayID) {
		a.nothing(w, r)
		return
	}
	who := me(r.Context()).Email
	err := a.try(r.Context(), what, dayID, detail, func() error { return do(gateway.WithActor(r.Context(), who), dayID, who) })
	if err != nil {
		a.refused(w, r, err, a.showDay)
		return
	}
	a.recount()
	q := url.Values{"did": {done}}
	if verdict := r.PostFormValue("verdict"); verdict != "" {
		q.Set("verdict", verdict)
	}
	http.Redirect(w, r, comparedPath+"/"+dayID+"?"+q.Encode(), http.StatusSeeOther)
}

// dayWords is what came of comparing a day.
func dayWords(l words.Lang, r pay.Reconciliation) string {
	switch r.State {
	case pay.ReconcileFailed:
		return words.DayFailed.In(l)
	case pay.ReconcileDone:
		return words.DayFound.With(l, r.Different+r.OnlyTheirs+r.OnlyOurs, r.Matched)
	}
	return words.DayRunning.In(l)
}

// dayName is a day, "2026-11-20", as people write it.
func dayName(l words.Lang, day string) string {
	t, err := time.ParseInLocation(time.DateOnly, day, pay.Tashkent)
	if err != nil {
		return day
	}
	return date(l, t)
}

// differenceName is what a difference is called: as the company names our side, or by an id.
func differenceName(d pay.Difference) string { return cmp.Or(d.Order, d.Ref, d.OurID) }

// differenceURL leads to what a difference is about on our side, "" where we have none.
func differenceURL(d pay.Difference) string {
	switch {
	case d.Kind == pay.KindPayout && d.OurID != "":
		return payoutsPath + "/" + d.OurID
	case d.InvoiceID != "":
		return Path + "/invoices/" + d.InvoiceID
	}
	return ""
}

// side is a transaction as one side has it, in words.
func side(l words.Lang, d pay.Difference, s *pay.Standing) string {
	if s == nil {
		return words.DayNone.In(l)
	}
	return ui.Money(l, s.Amount) + " · " + standingWord(l, d, s.State)
}

func standingWord(l words.Lang, d pay.Difference, state pay.State) string {
	if d.Kind == pay.KindPayout && state == pay.Paid {
		return words.PayoutArrived.In(l)
	}
	_, word := stateWord(l, "payment", string(state))
	return word
}

// payoutState is how a payout's state is shown.
func payoutState(l words.Lang, p pay.Payout) (ui.State, string) {
	switch p.State {
	case pay.MoveSucceeded:
		return ui.Paid, words.PayoutArrived.In(l)
	case pay.MoveFailed:
		return ui.Failed, words.PayoutFailed.In(l)
	case pay.MoveUnknown:
		return ui.Unknown, words.Unknown.In(l)
	}
	return ui.Waiting, words.Waiting.In(l)
}
