package admin

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

const tillsPath = Path + "/tills"

// shopSource is the app under which a shop stands that belongs to none, as in the API.
const shopSource = "till"

type tillsView struct {
	list
	rows []pay.Till
	days map[string]gateway.TillDay
	now  time.Time
}

// tillList reads what the address of the list asks for.
func (a *admin) tillList(r *http.Request) (l list, f gateway.TillFilter) {
	in := lang(r)
	sorts := orders(in, gateway.Newest, gateway.Oldest)
	l = a.list(r, words.TillsTitle, tillsPath, append(business(in), filter{name: "order", label: words.FilterOrder.In(in), options: sorts})...)
	l.file = true
	q := &l.asked
	return l, gateway.TillFilter{Source: q.text("source"), Business: q.text("business"), Order: gateway.Order(q.among("order", sorts))}
}

// tills lists the tills of every business, with what each has reported today.
func (a *admin) tills(w http.ResponseWriter, r *http.Request) {
	l, f := a.tillList(r)
	v := tillsView{list: l, now: a.o.Now()}
	if !l.asked.bad {
		if err := a.looked(r.Context(), "list.seen", "tills", narrowed(r)); err != nil {
			a.fail(w, r, err)
			return
		}
		found, err := a.o.Gateway.Tills(r.Context(), f, l.page())
		if err == nil {
			v.days, err = a.o.Gateway.TillDays(r.Context(), tillIDs(found.Items))
		}
		if err != nil {
			a.fail(w, r, err)
			return
		}
		v.rows, v.next = found.Items, found.Next
	}
	a.show(w, r, tillsPage(v))
}

// tillsFile is the same list as a file.
func (a *admin) tillsFile(w http.ResponseWriter, r *http.Request) {
	l, f := a.tillList(r)
	if l.asked.bad {
		a.tell(w, r, http.StatusBadRequest, words.TillsTitle, words.BadFilter)
		return
	}
	head := []words.Text{
		words.TillTitle, words.CSVTillID, words.ColApp, words.TillShop, words.ColState, words.TillSeen, words.CSVSales, words.CSVSold, words.CSVReturns, words.CSVBack,
		words.CSVUnsure, words.TillDevice, words.TillVersion, words.TillMadeAt, words.TillPairedAt, words.TillRevokedAt,
	}
	a.file(w, r, "tills", head, func(ctx context.Context, p gateway.Page) (rows [][]cell, next string, err error) {
		found, err := a.o.Gateway.Tills(ctx, f, p)
		if err != nil {
			return nil, "", err
		}
		days, err := a.o.Gateway.TillDays(ctx, tillIDs(found.Items))
		for _, t := range found.Items {
			_, word := tillState(l.lang, t, a.o.Now())
			d := days[t.ID]
			rows = append(rows, []cell{
				textCell(t.Name), idCell(t.ID), idCell(t.Source), idCell(t.Business), cell(word), timeCell(t.SeenAt), countCell(d.Sales), sumCell(l.machine, d.Sum), countCell(d.Returns), sumCell(l.machine, d.Back),
				countCell(d.Unknown), textCell(t.Device), idCell(t.Version), timeCell(t.CreatedAt), timeCell(t.PairedAt), timeCell(t.RevokedAt),
			})
		}
		return rows, found.Next, err
	})
}

func tillIDs(list []pay.Till) (ids []string) {
	for _, t := range list {
		ids = append(ids, t.ID)
	}
	return ids
}

// tillCard is what the page of one till says.
type tillCard struct {
	pay.Till
	day     gateway.TillDay
	now     time.Time
	did     string
	trouble string
}

func (a *admin) tillPage(w http.ResponseWriter, r *http.Request) {
	a.showTill(w, r, http.StatusOK, tillCard{did: did(r)})
}

func (a *admin) showTill(w http.ResponseWriter, r *http.Request, status int, t tillCard) {
	if !id.Valid(r.PathValue("id")) {
		a.nothing(w, r)
		return
	}
	var err error
	var days map[string]gateway.TillDay
	if t.Till, err = a.o.Gateway.Till(r.Context(), r.PathValue("id")); err == nil {
		days, err = a.o.Gateway.TillDays(r.Context(), []string{t.ID})
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	t.day, t.now = days[t.ID], a.o.Now()
	ui.ShowInner(w, r, status, tillFacts(a.look(r, t.Name, tillsPath), t))
}

// ─── Pairing a new one ─────────────────────────────────────────────────────────────────────

// tillForm is the form of a new till, as it was typed.
type tillForm struct {
	name, source, business, notify string
	faults                         []string
	trouble                        string // what is in the way besides
}

func (a *admin) newTill(w http.ResponseWriter, r *http.Request) {
	a.showTillForm(w, r, http.StatusOK, tillForm{source: shopSource})
}

func (a *admin) showTillForm(w http.ResponseWriter, r *http.Request, status int, f tillForm) {
	ui.ShowInner(w, r, status, tillFields(a.look(r, words.TillAdd.In(lang(r)), tillsPath), f))
}

// maxTillName bounds a till's name, in characters, as the API does.
const maxTillName = 100

// addTill makes a till and shows its code, this once. Pressed twice it makes two, of which one is
// never paired: no harm is in that.
func (a *admin) addTill(w http.ResponseWriter, r *http.Request) {
	l := lang(r)
	text := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	f := tillForm{name: gateway.Presentable(text("name")), source: text("source"), business: text("business"), notify: text("notify")}
	if !fitID(f.name) || utf8.RuneCountInString(f.name) > maxTillName {
		f.faults = append(f.faults, words.TillFaultName.In(l))
	}
	if !fitID(f.source) || !fitID(f.business) {
		f.faults = append(f.faults, words.TillFaultShop.In(l))
	}
	if f.notify != "" {
		if err := a.o.Receiver(f.notify); err != nil {
			f.faults = append(f.faults, words.TillNotify.In(l)+": "+err.Error())
		}
	}
	if len(f.faults) > 0 {
		a.showTillForm(w, r, http.StatusUnprocessableEntity, f)
		return
	}
	// A till's token says what was paid in a shop: whoever makes one proves who they are.
	if _, err := a.o.Office.Confirm(r.Context(), actor(r.Context()), a.proof(r)); err != nil {
		status, said, known := trouble(l, err)
		if !known {
			a.fail(w, r, err)
			return
		}
		retryIn(w.Header(), err)
		f.trouble = said
		a.showTillForm(w, r, status, f)
		return
	}
	// The till has no id before it is made: the note says whose it will be.
	var t gateway.NewTill
	err := a.try(r.Context(), "till.added", "", gateway.Presentable(f.source+"/"+f.business)+" "+f.name, func() (err error) {
		t, err = a.o.Gateway.CreateTill(r.Context(), gateway.TillInput{Source: f.source, Business: f.business, Name: f.name, NotifyURL: f.notify})
		return err
	})
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.show(w, r, pairingCode(a.look(r, words.TillCodeTitle.In(l), tillsPath), t, a.o.PublicURL))
}

// pairingLine is what stands in the till's settings.
func pairingLine(publicURL, code string) string {
	return `gateway: {url: "` + publicURL + `", pairing: "` + code + `"}`
}

// ─── Revoking ──────────────────────────────────────────────────────────────────────────────

// revokeTill ends a till, where the box was ticked.
func (a *admin) revokeTill(w http.ResponseWriter, r *http.Request) {
	tillID := r.PathValue("id")
	if !id.Valid(tillID) {
		a.nothing(w, r)
		return
	}
	if r.PostFormValue("sure") != "yes" {
		a.showTill(w, r, http.StatusUnprocessableEntity, tillCard{trouble: words.TillRevokeTo.In(lang(r))})
		return
	}
	err := a.try(r.Context(), "till.revoked", tillID, "", func() error {
		_, err := a.o.Gateway.RevokeTill(r.Context(), tillID)
		return err
	})
	if err != nil {
		a.fail(w, r, err)
		return
	}
	http.Redirect(w, r, tillsPath+"/"+tillID+"?did=revoked", http.StatusSeeOther)
}

// ─── Small pieces ──────────────────────────────────────────────────────────────────────────

// tillState is where a till stands, with its sign.
func tillState(l words.Lang, t pay.Till, now time.Time) (ui.State, string) {
	switch t.Status(now) {
	case pay.TillNew:
		return ui.Waiting, words.TillIsNew.In(l)
	case pay.TillExpired:
		return ui.Expired, words.TillIsOver.In(l)
	case pay.TillRevoked:
		return ui.Cancelled, words.TillIsRevoked.In(l)
	}
	return ui.Paid, words.TillIsPaired.In(l)
}

// daySays is what a till has reported today, in words.
func daySays(l words.Lang, d gateway.TillDay) (says []string) {
	if d.Sales > 0 {
		says = append(says, words.TillSold.With(l, d.Sales, ui.Money(l, d.Sum)))
	}
	if d.Returns > 0 {
		says = append(says, words.TillBack.With(l, d.Returns, ui.Money(l, d.Back)))
	}
	return says
}

// unsureURL leads to the shop's payments whose outcome nobody knows.
func unsureURL(t pay.Till) string {
	return Path + "/invoices?" + url.Values{"needs": {string(pay.AttentionUnknown)}, "source": {t.Source}, "business": {t.Business}}.Encode()
}
