package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// What the lists share: a filter that is a plain form, a page that is a cursor in the address, and
// the same rows as a file.

// pageRows is how many rows a page of a list has.
const pageRows = 50

// question is what a list's address asks for.
type question struct {
	url.Values
	bad bool // something in it is not understood
}

// day reads a date as the midnight in Tashkent with which it begins; zero where there is none.
func (q *question) day(name string) time.Time {
	text := q.Get(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.ParseInLocation(time.DateOnly, text, pay.Tashkent)
	q.bad = q.bad || err != nil
	return t
}

// until reads a date as the midnight with which it ends.
func (q *question) until(name string) time.Time {
	t := q.day(name)
	if t.IsZero() {
		return t
	}
	return t.AddDate(0, 0, 1)
}

// text reads a text.
func (q *question) text(name string) string { return strings.TrimSpace(q.Get(name)) }

// sum reads an amount in soum.
func (q *question) sum(name string) pay.Tiyin {
	text := q.text(name)
	if text == "" {
		return 0
	}
	amount, ok := gateway.ParseAmount(text)
	q.bad = q.bad || !ok
	return amount
}

// among reads a value that is one of those that are known.
func (q *question) among(name string, known []choice) string {
	text := q.Get(name)
	if text != "" && !slices.ContainsFunc(known, func(o choice) bool { return o.value == text }) {
		q.bad = true
		return ""
	}
	return text
}

func orders(l words.Lang, known ...gateway.Order) (out []choice) {
	for _, o := range known {
		out = append(out, choice{string(o), orderWords[o].In(l)})
	}
	return out
}

var orderWords = map[gateway.Order]words.Text{
	gateway.Newest: words.OrderNewest, gateway.Oldest: words.OrderOldest, gateway.Largest: words.OrderLargest, gateway.Smallest: words.OrderSmallest,
}

// choice is one choice of a filter.
type choice struct{ value, label string }

// filter is one field above a list.
type filter struct {
	name, label, value string
	kind               string   // date or text; "" where there are options
	options            []choice // the first is the default
}

// list is what stands around the rows of a list.
type list struct {
	look
	path    string
	asked   question
	filters []filter
	kept    []string   // names of what the address narrows by beside the fields
	next    string     // the cursor of the next page
	file    bool       // the list can be had as a file
	machine words.Lang // whose custom the file's numbers follow: see machine
}

// active says whether anything is filtered.
func (l list) active() bool {
	return slices.ContainsFunc(l.filters, func(f filter) bool { return f.value != "" }) ||
		slices.ContainsFunc(l.kept, func(name string) bool { return l.asked.Get(name) != "" })
}

// with is the list's address with another cursor; "" is its beginning.
func (l list) with(path, cursor string) string {
	q := url.Values{}
	for _, f := range l.filters {
		if f.value != "" {
			q.Set(f.name, f.value)
		}
	}
	for _, name := range l.kept {
		if v := l.asked.Get(name); v != "" {
			q.Set(name, v)
		}
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// list begins a list's page.
func (a *admin) list(r *http.Request, title words.Text, path string, filters ...filter) list {
	l := list{look: a.look(r, title.In(lang(r)), path), path: path, asked: question{Values: r.URL.Query()}, machine: machine(r)}
	for _, f := range filters {
		f.value = strings.TrimSpace(l.asked.Get(f.name))
		l.filters = append(l.filters, f)
	}
	return l
}

// page is which part of the list is asked for.
func (l list) page() gateway.Page {
	return gateway.Page{Limit: pageRows, Cursor: l.asked.Get("cursor")}
}

// allOr is the first choice of a filter: all.
func allOr(l words.Lang, more ...choice) []choice {
	return append([]choice{{"", words.FilterAny.In(l)}}, more...)
}

// providers are the companies as a filter's choices.
func (a *admin) providers(l words.Lang) []choice {
	out := allOr(l)
	for _, info := range a.o.Gateway.Supported() {
		out = append(out, choice{info.Name, info.Title})
	}
	return out
}

// title is how people call a provider.
func (a *admin) title(name string) string {
	for _, info := range a.o.Gateway.Supported() {
		if info.Name == name {
			return info.Title
		}
	}
	return name
}

// dates are the two fields that narrow a list to a time.
func dates(l words.Lang) []filter {
	return []filter{{name: "from", label: words.FilterFrom.In(l), kind: "date"}, {name: "to", label: words.FilterTo.In(l), kind: "date"}}
}

// business are the two fields that narrow a list to a business.
func business(l words.Lang) []filter {
	return []filter{{name: "source", label: words.Source.In(l), kind: "text"}, {name: "business", label: words.Business.In(l), kind: "text"}}
}

// stateOf is how an invoice's state is shown.
func stateOf(inv pay.Invoice) ui.State {
	s := ui.StateOf(inv.Status, inv.Attention)
	if s == ui.Cancelled && !inv.EndedAt.Before(inv.ExpiresAt) {
		return ui.Expired
	}
	return s
}

// moveState is how a refund's state is shown.
func moveState(l words.Lang, s pay.MoveState) (ui.State, string) {
	switch s {
	case pay.MoveSucceeded:
		return ui.Refunded, words.MoveSucceeded.In(l)
	case pay.MoveFailed:
		return ui.Failed, words.MoveFailed.In(l)
	case pay.MoveUnknown:
		return ui.Unknown, words.MoveUnknown.In(l)
	}
	return ui.Waiting, words.MovePending.In(l)
}
