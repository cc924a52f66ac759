// Package checkout is the hosted page that a buyer sees: GET /pay/:id.
//
// The page is drawn by the server from what the book says at this moment, and from nothing
// else: it keeps no state of its own, so that closing, reloading or coming back from an app
// shows the same truth. Three things only make it quicker or nicer: a cookie with the way of
// paying that was used last, ?by= with the way that was chosen, and a script that waits for
// news instead of reloading. It works without each of them.
package checkout

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/news"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// Gateway is what the page needs of the use cases. *gateway.Gateway is one.
type Gateway interface {
	Invoice(ctx context.Context, invoiceID string) (gateway.Invoice, error)
	Links(ctx context.Context, invoiceID string) (gateway.Invoice, []gateway.Link, error)
	Start(ctx context.Context, invoiceID, provider string) (gateway.Link, error)

	Pay(ctx context.Context, in gateway.PayInput, key gateway.Idem) (gateway.Saved[gateway.Invoice], error)
	ConfirmPay(ctx context.Context, invoiceID, code string, key gateway.Idem) (gateway.Saved[gateway.Invoice], error)
	ResendCode(ctx context.Context, in gateway.PayInput, key gateway.Idem) (gateway.Saved[gateway.Invoice], error)
}

// Options is what the page is made of. All but Test are required.
type Options struct {
	Gateway Gateway
	Now     func() time.Time
	Logger  *slog.Logger
	Titles  map[string]string // the companies' names as people know them, by provider
	Test    bool              // test mode: the page says that no real money moves
}

// Checkout serves /pay/ and what is below it.
type Checkout struct {
	o    Options
	news *news.Board
	mux  *http.ServeMux
}

// New returns the handler. It must be closed when the program stops taking requests.
func New(o Options) *Checkout {
	c := &Checkout{o: o, mux: http.NewServeMux()}
	c.news = news.New(c.state)
	c.mux.HandleFunc("GET /pay/{id}", c.show)
	c.mux.Handle("POST /pay/{id}", http.NewCrossOriginProtection().Handler(http.HandlerFunc(c.start)))
	for path, take := range map[string]http.HandlerFunc{"card": c.charge, "code": c.confirm, "resend": c.resend} {
		c.mux.Handle("POST /pay/{id}/"+path, http.NewCrossOriginProtection().Handler(take))
		c.mux.HandleFunc("GET /pay/{id}/"+path, c.toPage)
	}
	c.mux.HandleFunc("GET /pay/{id}/state", c.tell)
	c.mux.HandleFunc("GET /pay/{id}/events", c.stream)
	c.mux.HandleFunc("/", c.nothing)
	return c
}

func (c *Checkout) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// Close ends the streams, so that they do not hold up a stop.
func (c *Checkout) Close() { c.news.Close() }

// wayCookie remembers the provider that was used last on this device.
const wayCookie = "chorsu_way"

// show draws the page.
func (c *Checkout) show(w http.ResponseWriter, r *http.Request) {
	if !id.Valid(r.PathValue("id")) {
		c.nothing(w, r)
		return
	}
	inv, links, err := c.o.Gateway.Links(r.Context(), r.PathValue("id"))
	if err != nil {
		c.fail(w, r, err)
		return
	}
	by := r.URL.Query().Get("by")
	if by != "" {
		c.remember(w, by, links)
	}
	last := ""
	if cookie, err := r.Cookie(wayCookie); err == nil {
		last = cookie.Value
	}
	v := look(inv, links, request{
		lang: lang(r, inv.Lang), asked: r.URL.Query().Has("lang"), phone: onPhone(r), by: by, last: last,
		trouble: r.URL.Query().Get("trouble"), again: r.URL.Query().Has("new"), now: c.o.Now(), test: c.o.Test, titles: c.o.Titles,
	})
	ui.ShowIn(w, r, http.StatusOK, page(v), ui.Frames{Inside: c.o.Test}) // the sandbox shows it beside the phone
}

// remember sets the cookie, for a provider that the page really offers.
func (c *Checkout) remember(w http.ResponseWriter, provider string, links []gateway.Link) {
	for _, l := range links {
		if l.Provider == provider && !l.Card || l.Card && provider == cardWay {
			http.SetCookie(w, &http.Cookie{Name: wayCookie, Value: provider, Path: "/pay", MaxAge: 365 * 24 * 60 * 60, SameSite: http.SameSiteLaxMode})
		}
	}
}

// start has the provider make its page where it must, and sends the buyer there.
func (c *Checkout) start(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	invoiceID, provider := r.PathValue("id"), r.PostFormValue("provider")
	if !id.Valid(invoiceID) {
		c.nothing(w, r)
		return
	}
	link, err := c.o.Gateway.Start(r.Context(), invoiceID, provider)
	if err == nil {
		c.remember(w, provider, []gateway.Link{link})
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, link.URL, http.StatusSeeOther)
		return
	}
	// Back to the page, which says how things stand, and what was in the way.
	again := url.Values{"by": {provider}}
	if l := r.URL.Query().Get("lang"); l != "" {
		again.Set("lang", string(words.Choose(l)))
	}
	switch e, _ := errors.AsType[*pay.Error](err); {
	case e == nil:
		c.fail(w, r, err)
		return
	case e.Code == pay.CodeUpstream:
		again.Set("trouble", "away")
	case e.Reason == "payment_in_progress":
		again.Set("trouble", "busy")
	case e.Code == pay.CodeNotFound && e.Reason == "invoice_not_found":
		c.nothing(w, r)
		return
	}
	http.Redirect(w, r, "/pay/"+invoiceID+"?"+again.Encode(), http.StatusSeeOther)
}

// tell answers the script's question whether something is new.
func (c *Checkout) tell(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	if !id.Valid(r.PathValue("id")) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	state, err := c.state(r.Context(), r.PathValue("id"))
	if err != nil {
		status := http.StatusServiceUnavailable
		if isNotFound(err) {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"state": state})
}

// stream tells a page by server-sent events what the invoice's state is, after every look.
func (c *Checkout) stream(w http.ResponseWriter, r *http.Request) {
	invoiceID := r.PathValue("id")
	w.Header().Set("Cache-Control", "no-store")
	if !id.Valid(invoiceID) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	first, err := c.state(r.Context(), invoiceID) // also: no stream about what there is not
	if err != nil {
		status := http.StatusServiceUnavailable
		if isNotFound(err) {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		return
	}
	c.news.Serve(w, r, invoiceID, first)
}

// state is the name of what the page would show.
func (c *Checkout) state(ctx context.Context, invoiceID string) (string, error) {
	inv, err := c.o.Gateway.Invoice(ctx, invoiceID)
	if err != nil {
		return "", err
	}
	return stateOf(inv, c.o.Now()), nil
}

// nothing is the page for an address that leads nowhere.
func (c *Checkout) nothing(w http.ResponseWriter, r *http.Request) {
	l := lang(r, "")
	ui.Show(w, r, http.StatusNotFound, message(c.o.Test, l, words.NoBillTitle.In(l), words.NoBillText.In(l)))
}

// fail is the page for when the book cannot be read.
func (c *Checkout) fail(w http.ResponseWriter, r *http.Request, err error) {
	if isNotFound(err) {
		c.nothing(w, r)
		return
	}
	c.o.Logger.ErrorContext(r.Context(), "the hosted page cannot be shown", "error", err)
	l := lang(r, "")
	w.Header().Set("Retry-After", "60")
	ui.Show(w, r, http.StatusServiceUnavailable, message(c.o.Test, l, words.OopsTitle.In(l), words.OopsText.In(l)))
}

func isNotFound(err error) bool {
	e, ok := errors.AsType[*pay.Error](err)
	return ok && e.Code == pay.CodeNotFound
}

// lang is the buyer's own choice, then the shop's for this invoice, then the browser's.
func lang(r *http.Request, invoice string) words.Lang {
	return words.Choose(r.URL.Query().Get("lang"), invoice, r.Header.Get("Accept-Language"))
}

// onPhone says whether the apps are on this very device. A browser that does not tell is taken
// for a desktop, whose page works on a phone too.
func onPhone(r *http.Request) bool {
	switch r.Header.Get("Sec-Ch-Ua-Mobile") {
	case "?1":
		return true
	case "?0":
		return false
	}
	agent := r.UserAgent()
	return strings.Contains(agent, "Mobi") || strings.Contains(agent, "Android") || strings.Contains(agent, "iPhone")
}
