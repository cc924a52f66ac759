package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

const staffPath = Path + "/staff"

// team is what the page of the staff says.
type team struct {
	people  []staff.Person
	limit   staff.Limit
	did     string // what was just done, in words
	trouble string
	email   string     // what was typed
	role    staff.Role // and chosen
}

// staffPage lists everybody.
func (a *admin) staffPage(w http.ResponseWriter, r *http.Request) {
	if err := a.looked(r.Context(), "list.seen", "staff", ""); err != nil {
		a.fail(w, r, err)
		return
	}
	a.showStaff(w, r, http.StatusOK, team{role: staff.Viewer, did: did(r)})
}

func (a *admin) showStaff(w http.ResponseWriter, r *http.Request, status int, t team) {
	var err error
	if t.people, err = a.o.Office.People(r.Context()); err == nil {
		t.limit, err = a.o.Office.RefundLimits(r.Context())
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	ui.ShowInner(w, r, status, staffList(a.look(r, words.StaffTitle.In(lang(r)), staffPath), t))
}

// staffFile is the list as a file. The accounts of a shop are a few dozen: they stand on one page, in
// the order of their addresses, and change by an owner's hand only, so that there is nothing to sort,
// to filter or to draw anew.
func (a *admin) staffFile(w http.ResponseWriter, r *http.Request) {
	people, err := a.o.Office.People(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	l := lang(r)
	head := []words.Text{words.Email, words.Role, words.State, words.AddedAt, words.SignedInAt, words.CSVStaffID}
	a.file(w, r, "staff", head, func(context.Context, gateway.Page) (rows [][]cell, next string, err error) {
		for _, p := range people {
			_, word := standingOf(l, p)
			rows = append(rows, []cell{textCell(p.Email), cell(roleWord(l, p.Role)), cell(word), timeCell(p.CreatedAt), timeCell(p.SignedInAt), idCell(p.ID)})
		}
		return rows, "", nil
	})
}

// standingOf is how an account stands, with its sign.
func standingOf(l words.Lang, p staff.Person) (ui.State, string) {
	switch {
	case !p.Active:
		return ui.Cancelled, words.StaffDisabled.In(l)
	case !p.Enrolled:
		return ui.Waiting, words.StaffInvited.In(l)
	}
	return ui.Paid, words.StaffActive.In(l)
}

// nextLimit says what was decided of the limit and does not count yet.
func (t team) nextLimit(l words.Lang) string {
	if t.limit.Next == 0 {
		return words.RefundLimitEnds.With(l, ui.Time(l, t.limit.From))
	}
	return words.RefundLimitNext.With(l, ui.Time(l, t.limit.From), ui.Money(l, t.limit.Next))
}

// addStaff makes an account and shows its link, this once.
func (a *admin) addStaff(w http.ResponseWriter, r *http.Request) {
	t := team{email: r.PostFormValue("email"), role: staff.Role(r.PostFormValue("role"))}
	by, err := a.o.Office.Confirm(r.Context(), actor(r.Context()), a.proof(r))
	var p staff.Person
	var link string
	if err == nil {
		p, link, err = a.o.Office.Add(r.Context(), by, t.email, t.role)
	}
	if err != nil {
		var status int
		var known bool
		if status, t.trouble, known = trouble(lang(r), err); known {
			retryIn(w.Header(), err)
			a.showStaff(w, r, status, t)
			return
		}
		a.fail(w, r, err)
		return
	}
	a.showLink(w, r, p, link)
}

func (a *admin) showLink(w http.ResponseWriter, r *http.Request, p staff.Person, link string) {
	a.show(w, r, enrolLink(a.look(r, words.LinkTitle.In(lang(r)), staffPath), p.Email, EnrolURL(a.o.PublicURL, link)))
}

// EnrolURL is the address of an enrolment link.
func EnrolURL(publicURL, token string) string { return publicURL + Path + "/enrol/" + token }

// personPage is one account, and what an owner may do to it.
func (a *admin) personPage(w http.ResponseWriter, r *http.Request) {
	a.showPerson(w, r, http.StatusOK, "")
}

func (a *admin) showPerson(w http.ResponseWriter, r *http.Request, status int, said string) {
	p, err := a.colleague(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	ui.ShowInner(w, r, status, personCard(a.look(r, p.Email, staffPath), p, did(r), said))
}

// colleague is the account that the address names.
func (a *admin) colleague(r *http.Request) (staff.Person, error) {
	people, err := a.o.Office.People(r.Context())
	if err != nil {
		return staff.Person{}, err
	}
	at := slices.IndexFunc(people, func(p staff.Person) bool { return p.ID == r.PathValue("id") })
	if at < 0 {
		return staff.Person{}, &pay.Error{Code: pay.CodeNotFound, Reason: "account_not_found", Message: "there is no such account"}
	}
	return people[at], nil
}

func (a *admin) setRole(w http.ResponseWriter, r *http.Request) {
	by, err := a.o.Office.Confirm(r.Context(), actor(r.Context()), a.proof(r))
	if err == nil {
		err = a.o.Office.SetRole(r.Context(), by, r.PathValue("id"), staff.Role(r.PostFormValue("role")))
	}
	a.toPerson(w, r, "role", err)
}

func (a *admin) disableStaff(w http.ResponseWriter, r *http.Request) {
	a.toPerson(w, r, "disabled", a.o.Office.Disable(r.Context(), actor(r.Context()), r.PathValue("id")))
}

func (a *admin) enableStaff(w http.ResponseWriter, r *http.Request) {
	by, err := a.o.Office.Confirm(r.Context(), actor(r.Context()), a.proof(r))
	if err == nil {
		err = a.o.Office.Enable(r.Context(), by, r.PathValue("id"))
	}
	a.toPerson(w, r, "enabled", err)
}

// toPerson ends an action on an account: back to its page, which says what was done.
func (a *admin) toPerson(w http.ResponseWriter, r *http.Request, done string, err error) {
	if err == nil {
		http.Redirect(w, r, staffPath+"/"+r.PathValue("id")+"?did="+done, http.StatusSeeOther)
		return
	}
	if status, said, known := trouble(lang(r), err); known {
		retryIn(w.Header(), err)
		a.showPerson(w, r, status, said)
		return
	}
	a.fail(w, r, err)
}

// resetTOTP takes an authenticator away and shows the link to the next one, this once.
func (a *admin) resetTOTP(w http.ResponseWriter, r *http.Request) {
	p, err := a.colleague(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	by, err := a.o.Office.Confirm(r.Context(), actor(r.Context()), a.proof(r))
	var link string
	if err == nil {
		link, err = a.o.Office.ResetTOTP(r.Context(), by, p.ID, r.PostFormValue("forgotten") != "")
	}
	if err != nil {
		a.toPerson(w, r, "", err)
		return
	}
	a.showLink(w, r, p, link)
}

// setLimit sets the amount above which a second person confirms a refund.
func (a *admin) setLimit(w http.ResponseWriter, r *http.Request) {
	limit, err := readSoum(r.PostFormValue("limit"))
	var by staff.Actor
	if err == nil {
		by, err = a.o.Office.Confirm(r.Context(), actor(r.Context()), a.proof(r))
	}
	if err == nil {
		err = a.o.Office.SetRefundLimit(r.Context(), by, limit)
	}
	if err == nil {
		http.Redirect(w, r, staffPath+"?did=limit", http.StatusSeeOther)
		return
	}
	if status, said, known := trouble(lang(r), err); known {
		a.showStaff(w, r, status, team{role: staff.Viewer, trouble: said})
		return
	}
	a.fail(w, r, err)
}

// readSoum reads an amount as people type it: "500 000", "500000,50"; "" is none.
func readSoum(text string) (pay.Tiyin, error) {
	text = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", ",", ".").Replace(strings.TrimSpace(text))
	if text == "" {
		return 0, nil
	}
	t, err := pay.ParseSoum(text)
	if err != nil || t < 0 {
		return 0, &pay.Error{Code: pay.CodeInvalid, Reason: "limit_invalid", Message: "this is no amount", Err: err}
	}
	return t, nil
}

// did is what an action that led here has done, in words.
func did(r *http.Request) string { return dids[r.URL.Query().Get("did")].In(lang(r)) }

var dids = map[string]words.Text{
	"role": words.DidRole, "disabled": words.DidDisable, "enabled": words.DidEnable, "limit": words.DidLimit,
	"password": words.DidPassword, "saved": words.DidSave, "on": words.DidTurnOn, "off": words.DidTurnOff, "revoked": words.DidTillRevoke,
	"decided": words.DoneDecide, "alarm": words.DoneAlarm, "settled": words.DidSettle,
	"ask": words.DoneAsk, "told": words.DoneNotify, "asked": words.DidAskPayout, "refused": words.DidRefusePayout,
}

// limitText is the limit as the form shows it, "" where there is none.
func limitText(l look, t pay.Tiyin) string {
	if t == 0 {
		return ""
	}
	text, _, _ := strings.Cut(ui.Money(l.lang, t), "\u00a0"+words.Soum.In(l.lang))
	return text
}
