package admin

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// What apps were told: all of it (deliveries), and what did not arrive (stuck), where it can be
// sent again.

type eventsView struct {
	list
	rows []gateway.EventRow
	said string // what an action has done
	ok   bool
}

// eventState is how an event's state is shown.
func eventState(l words.Lang, e gateway.EventRow) (ui.State, string) {
	switch {
	case !e.DeliveredAt.IsZero():
		return ui.Paid, words.EventArrived.In(l)
	case !e.DeadAt.IsZero():
		return ui.Cancelled, words.EventDead.In(l)
	case !e.StuckAt.IsZero():
		return ui.Failed, words.EventStuck.In(l)
	}
	return ui.Waiting, words.EventWaiting.In(l)
}

// told is what an event says, in the invoice's words.
func told(l words.Lang, e gateway.EventRow) string {
	if e.Type == pay.EventRefundUpdated {
		return words.WhatRefund.In(l)
	}
	return ui.StateOf(e.Status(), "").Word(l)
}

func (a *admin) eventList(r *http.Request, title words.Text, path string) (l list, f gateway.EventFilter) {
	in := lang(r)
	sorts := orders(in, gateway.Newest, gateway.Oldest)
	fields := append(dates(in), filter{name: "order", label: words.FilterOrder.In(in), options: sorts})
	states := allOr(in, choice{gateway.EventDelivered, words.EventArrived.In(in)}, choice{gateway.EventWaiting, words.EventWaiting.In(in)},
		choice{gateway.EventStuck, words.EventStuck.In(in)}, choice{gateway.EventDead, words.EventDead.In(in)})
	if path != Path+"/stuck" {
		fields = append([]filter{{name: "state", label: words.FilterState.In(in), options: states}}, fields...)
	}
	l = a.list(r, title, path, fields...)
	q := &l.asked
	f = gateway.EventFilter{State: q.among("state", states), From: q.day("from"), To: q.until("to"), Order: gateway.Order(q.among("order", sorts))}
	return l, f
}

// deliveries lists every event with its last try.
func (a *admin) deliveries(w http.ResponseWriter, r *http.Request) {
	l, f := a.eventList(r, words.MenuDeliveries, Path+"/deliveries")
	l.file = true
	a.events(w, r, l, f, "deliveries", deliveriesPage)
}

func (a *admin) deliveriesFile(w http.ResponseWriter, r *http.Request) {
	l, f := a.eventList(r, words.MenuDeliveries, Path+"/deliveries")
	a.eventFile(w, r, l, f, "deliveries")
}

func (a *admin) eventFile(w http.ResponseWriter, r *http.Request, l list, f gateway.EventFilter, name string) {
	if l.asked.bad {
		a.tell(w, r, http.StatusBadRequest, words.MenuDeliveries, words.BadFilter)
		return
	}
	head := []words.Text{
		words.ColEvent, words.FactInvoice, words.FactOrder, words.ColApp, words.ColShop, words.ColState, words.WhatInvoice, words.ColReceiver,
		words.ColTries, words.ColAnswer, words.ColTime, words.EventArrived, words.ColNext,
	}
	a.file(w, r, name, head, func(ctx context.Context, p gateway.Page) (rows [][]cell, next string, err error) {
		found, err := a.o.Gateway.Events(ctx, f, p)
		for _, e := range found.Items {
			_, word := eventState(l.lang, e)
			rows = append(rows, []cell{
				idCell(e.ID), idCell(e.InvoiceID), idCell(e.SourceInvoiceID), idCell(e.Source), idCell(e.Business), cell(word), cell(told(l.lang, e)), textCell(address(e.NotifyURL)),
				cell(strconv.Itoa(e.Attempts)), textCell(answer(l.lang, e.Last)), timeCell(e.CreatedAt), timeCell(e.DeliveredAt), timeCell(e.NextAt),
			})
		}
		return rows, found.Next, err
	})
}

// stuck lists what did not arrive.
func (a *admin) stuck(w http.ResponseWriter, r *http.Request) {
	l, f := a.stuckList(r)
	a.events(w, r, l, f, "stuck", stuckPage)
}

func (a *admin) stuckList(r *http.Request) (l list, f gateway.EventFilter) {
	l, f = a.eventList(r, words.StuckTitle, Path+"/stuck")
	f.State, l.file, l.kept = gateway.EventStuck, true, []string{"receiver"}
	f.Receiver = l.asked.Get("receiver") // of few events: for one of all, each would be looked at
	l.asked.bad = l.asked.bad || len(f.Receiver) > 300
	return l, f
}

func (a *admin) stuckFile(w http.ResponseWriter, r *http.Request) {
	l, f := a.stuckList(r)
	a.eventFile(w, r, l, f, "stuck")
}

func (a *admin) events(w http.ResponseWriter, r *http.Request, l list, f gateway.EventFilter, seen string, page func(eventsView) templ.Component) {
	v := eventsView{list: l}
	if !l.asked.bad {
		if err := a.looked(r.Context(), "list.seen", seen, narrowed(r)); err != nil {
			a.fail(w, r, err)
			return
		}
		found, err := a.o.Gateway.Events(r.Context(), f, l.page())
		if err != nil {
			a.fail(w, r, err)
			return
		}
		v.rows, v.next = found.Items, found.Next
	}
	switch done := l.asked.Get("done"); done {
	case "":
	case "all":
		v.ok, v.said = true, words.DoneRetryAll.In(l.lang)
	default:
		if n, err := strconv.Atoi(done); err == nil && n > 0 && n <= pageRows {
			v.ok, v.said = true, words.DoneRetry.With(l.lang, n)
		} else {
			v.said = words.NothingPicked.In(l.lang)
		}
	}
	a.show(w, r, page(v))
}

// stuckKept are the names of what the list is narrowed by, as they travel with its buttons.
var stuckKept = []string{"receiver", "from", "to", "order"}

// retry sends stuck events again: one, those that were selected, or all since a time.
func (a *admin) retry(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		a.fail(w, r, &pay.Error{Code: pay.CodeInvalid, Err: err})
		return
	}
	back := url.Values{} // the list as it was narrowed
	for _, name := range stuckKept {
		if v := r.PostForm.Get(name); v != "" {
			back.Set(name, v)
		}
	}
	receiver, q := back.Get("receiver"), question{Values: back}
	from, to := q.day("from"), q.until("to")
	if q.bad {
		a.fail(w, r, &pay.Error{Code: pay.CodeInvalid, Message: "this is no day"})
		return
	}
	if r.PostForm.Get("all") == "yes" {
		since := sinceWhen(r.PostForm.Get("since"), a.o.Now())
		if since.Before(from) { // what the page does not show is not sent
			since = from
		}
		back.Set("done", "all")
		detail := "all"
		if !since.IsZero() {
			detail = "all since " + since.UTC().Format(time.RFC3339)
		}
		if !to.IsZero() {
			detail += " before " + to.UTC().Format(time.RFC3339)
		}
		a.act(w, r, "delivery.retried", receiver, detail, Path+"/stuck", func(ctx context.Context, _ string) error {
			return a.o.Gateway.RedeliverStuck(ctx, receiver, since, to)
		}, back)
		return
	}
	picked := r.PostForm["event"]
	if one := r.PostForm.Get("one"); one != "" {
		picked = []string{one}
	}
	n := 0
	for _, eventID := range picked[:min(len(picked), pageRows)] {
		if !id.Valid(eventID) {
			continue
		}
		err := a.try(r.Context(), "delivery.retried", eventID, "", func() error {
			return a.o.Gateway.Redeliver(gateway.WithActor(r.Context(), me(r.Context()).Email), eventID)
		})
		// One that arrived meanwhile, or is not there, is nobody's loss.
		switch {
		case err == nil:
			n++
		case pay.CodeOf(err) == pay.CodeConflict || pay.CodeOf(err) == pay.CodeNotFound:
		default:
			a.fail(w, r, err)
			return
		}
	}
	a.tally.mu.Lock()
	a.tally.read = time.Time{}
	a.tally.mu.Unlock()
	back.Set("done", strconv.Itoa(n))
	http.Redirect(w, r, Path+"/stuck?"+back.Encode(), http.StatusSeeOther)
}

// sinceWhen reads from when on all is sent again; zero is from the beginning.
func sinceWhen(word string, now time.Time) time.Time {
	switch word {
	case "hour":
		return now.Add(-time.Hour)
	case "day":
		return now.Add(-24 * time.Hour)
	case "week":
		return now.Add(-7 * 24 * time.Hour)
	}
	return time.Time{}
}
