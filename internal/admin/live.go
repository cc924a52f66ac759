package admin

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
)

// everything is what the lists watch, where an invoice's page watches the invoice.
const everything = "all"

// Watched is the invoice that a subject of News is, "" where it is everything.
func Watched(subject string) string {
	if subject == everything {
		return ""
	}
	return subject
}

// live tells a page that something is new, and the page draws itself anew.
func (a *admin) live(w http.ResponseWriter, r *http.Request) {
	subject := r.PathValue("id")
	now, err := a.pulse(r.Context(), subject)
	switch {
	case pay.CodeOf(err) == pay.CodeNotFound:
		w.WriteHeader(http.StatusNotFound)
	case err != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		a.o.News.Serve(w, r, subject, now)
	}
}

// pulse says how a subject stands, and that there is one.
func (a *admin) pulse(ctx context.Context, subject string) (string, error) {
	if subject == everything {
		return a.o.Gateway.Pulse(ctx, Watched(subject))
	}
	if !id.Valid(subject) {
		return "", &pay.Error{Code: pay.CodeNotFound, Message: "there is no such page"}
	}
	if _, err := a.o.Gateway.Invoice(ctx, subject); err != nil {
		return "", err
	}
	return a.o.Gateway.Pulse(ctx, subject)
}

// looks remembers who has looked at what, so that a page that draws itself anew every few seconds
// is one entry of the audit log and not hundreds.
type looks struct {
	mu   sync.Mutex
	seen map[[sha256.Size]byte]time.Time // by a digest: what was asked for is as long as an address may be
}

// looksMost bounds it. Beyond that everything is noted anew, which is too much and not too little.
const looksMost = 10_000

// lookGap is how long looking at the same thing is the same look.
const lookGap = 5 * time.Minute

// looked notes that the one who is signed in looks at something, from where they are.
func (a *admin) looked(ctx context.Context, what, subject, detail string) error {
	now := time.Now()
	who := actor(ctx)
	key := sha256.Sum256([]byte(who.ID + "\x00" + who.Address + "\x00" + what + "\x00" + subject + "\x00" + detail))
	a.looks.mu.Lock()
	at, ok := a.looks.seen[key]
	a.looks.mu.Unlock()
	if ok && now.Sub(at) < lookGap {
		return nil
	}
	if err := a.audit(ctx, what, subject, detail); err != nil {
		return err
	}
	a.looks.note(key, now)
	return nil
}

// note remembers a look.
func (l *looks) note(key [sha256.Size]byte, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil || len(l.seen) >= looksMost {
		l.seen = map[[sha256.Size]byte]time.Time{}
	}
	l.seen[key] = now
}

// narrowed is what a list was narrowed by, as it is noted: without the middle of a card's number.
func narrowed(r *http.Request) string {
	q := r.URL.Query()
	q.Del("lang") // it narrows nothing
	text := q.Encode()
	if plain, err := url.QueryUnescape(text); err == nil {
		text = plain
	}
	return gateway.Presentable(text)
}

// tally keeps the inbox for a few seconds: however many people have it open, it is counted once.
type tally struct {
	mu    sync.Mutex
	inbox gateway.Inbox
	read  time.Time
}

const tallyLife = 5 * time.Second

// inboxNow is the inbox, counted anew where it is old.
func (a *admin) inboxNow(ctx context.Context) (gateway.Inbox, error) {
	a.tally.mu.Lock()
	defer a.tally.mu.Unlock()
	if !a.tally.read.IsZero() && time.Since(a.tally.read) < tallyLife {
		return a.tally.inbox, nil
	}
	in, err := a.o.Gateway.Inbox(ctx)
	if err == nil {
		a.tally.inbox, a.tally.read = in, time.Now()
	}
	return in, err
}

// notDone ends the words of the audit log for what was noted, tried and refused.
const notDone = ".not_done"

// try does what is noted first. Where it comes to nothing, that is noted behind it: the log says
// what happened, and not what was meant to.
func (a *admin) try(ctx context.Context, what, subject, detail string, do func() error) error {
	if err := a.audit(ctx, what, subject, detail); err != nil {
		return err
	}
	err := do()
	if err == nil {
		return nil
	}
	a.noteAfter(ctx, what+notDone, subject, code(err))
	if slices.Contains(alreadySo, code(err)) && a.pressedBefore(ctx, what, subject, detail) {
		return nil
	}
	return err
}

// noteAfter notes what came of something that was noted before: what happened has happened, and
// whoever did it is told so, whether this can be noted or not.
func (a *admin) noteAfter(ctx context.Context, what, subject, detail string) {
	if err := a.audit(context.WithoutCancel(ctx), what, subject, detail); err != nil {
		a.o.Logger.ErrorContext(ctx, "what came of an action is not noted", "what", what, "subject", subject, "error", err)
	}
}

// alreadySo are the refusals of what stands already as it was asked for.
var alreadySo = []string{"already_cancelled", "changed_meanwhile", "nothing_unknown", "nothing_open", "no_failed_receipt", "already_settled"}

// secondPress is how soon the same press is taken for a second one of the same wish.
const secondPress = time.Minute

// pressedBefore says whether the one who is signed in has done the very same a moment ago: a button that
// is pressed twice is not shown as a refusal, but what it has done. The log knows, whichever process
// took the first press. What was just noted of this one is at its end.
func (a *admin) pressedBefore(ctx context.Context, what, subject, detail string) bool {
	if subject == "" {
		return false
	}
	log, _, err := a.o.Office.Log(ctx, staff.Filter{Who: me(ctx).Email, Subject: subject}, 20, "")
	if err != nil {
		return false
	}
	undone := 0 // of the tries that come next, newest first
	for _, e := range log {
		switch {
		case log[0].At.Sub(e.At) > secondPress:
			return false
		case e.What == what+notDone:
			undone++
		case e.What == what && undone > 0:
			undone--
		case e.What == what && e.Detail == detail:
			return true
		}
	}
	return false
}

// code is why something was not done, in one word: a person's sentence may hold what the log must
// not.
func code(err error) string {
	e, ok := errors.AsType[*pay.Error](err)
	switch {
	case !ok:
		return "error"
	case e.Reason != "":
		return e.Reason
	}
	return string(e.Code)
}

// act does what a button asks for, in the name of the one who pressed it: noted first, then done.
// Where it is done, the browser is led to the page that shows it; do may have put into made what
// that page is to say.
func (a *admin) act(w http.ResponseWriter, r *http.Request, what, subject, detail, to string, do func(ctx context.Context, who string) error, made ...url.Values) {
	who := me(r.Context()).Email
	err := a.try(r.Context(), what, subject, detail, func() error { return do(gateway.WithActor(r.Context(), who), who) })
	if err != nil {
		a.cannot(w, r, subject, err)
		return
	}
	a.recount()
	for _, more := range made {
		to += "?" + more.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// recount has the inbox counted anew: whoever did something wants to see it.
func (a *admin) recount() {
	a.tally.mu.Lock()
	defer a.tally.mu.Unlock()
	a.tally.read = time.Time{}
}

// refused answers for an action that was not done, on the page that it was asked for on.
func (a *admin) refused(w http.ResponseWriter, r *http.Request, err error, show func(w http.ResponseWriter, r *http.Request, status int, trouble string)) {
	e, ok := errors.AsType[*pay.Error](err)
	if !ok || e.Code == pay.CodeNotFound {
		a.fail(w, r, err)
		return
	}
	show(w, r, statusOf(e), sentence(lang(r), e))
}

// cannot answers for an action that was not done: on the invoice's own page, where there is one,
// in words.
func (a *admin) cannot(w http.ResponseWriter, r *http.Request, invoiceID string, err error) {
	e, ok := errors.AsType[*pay.Error](err)
	if !ok || e.Code == pay.CodeNotFound || !id.Valid(invoiceID) {
		a.fail(w, r, err)
		return
	}
	a.invoiceWith(w, r, invoiceID, statusOf(e), sentence(lang(r), e))
}
