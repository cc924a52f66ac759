package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

const auditPath = Path + "/audit"

// auditRows is how many entries one page shows.
const auditRows = 50

// trail is what the page of the audit log says.
type trail struct {
	list                         []staff.Entry
	who, what, subject, from, to string // the filter, as it was typed
	whats                        []string
	next                         string         // the address of the next page, "" at the end
	verdict                      *staff.Verdict // of a verification that was just asked for
}

// auditPage lists the log, newest first.
func (a *admin) auditPage(w http.ResponseWriter, r *http.Request) {
	if err := a.audit(r.Context(), "audit.seen", "", asked(r.URL.Query(), "who", "what", "subject", "from", "to")); err != nil {
		a.fail(w, r, err)
		return
	}
	a.showAudit(w, r, nil)
}

func (a *admin) showAudit(w http.ResponseWriter, r *http.Request, v *staff.Verdict) {
	q := r.URL.Query()
	t := trail{who: q.Get("who"), what: q.Get("what"), subject: q.Get("subject"), from: q.Get("from"), to: q.Get("to"), whats: auditWhats, verdict: v}
	f := staff.Filter{Who: strings.ToLower(strings.TrimSpace(t.who)), What: t.what, Subject: strings.TrimSpace(t.subject), From: day(t.from, 0), To: day(t.to, 1)}
	list, next, err := a.o.Office.Log(r.Context(), f, auditRows, q.Get("after"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	t.list = list
	if next != "" {
		q.Set("after", next)
		t.next = auditPath + "?" + q.Encode()
	}
	ui.ShowInner(w, r, http.StatusOK, auditLog(a.look(r, words.AuditTitle.In(lang(r)), auditPath), t))
}

// asked is what a list was narrowed by, as it is noted: "who=a@x.uz what=staff.added".
func asked(q url.Values, names ...string) string {
	var list []string
	for _, name := range names {
		if v := strings.TrimSpace(q.Get(name)); v != "" {
			list = append(list, name+"="+v)
		}
	}
	return strings.Join(list, " ")
}

// day is a day of Tashkent, or one some days later; zero where it is none.
func day(text string, later int) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, text, pay.Tashkent)
	if err != nil {
		return time.Time{}
	}
	return t.AddDate(0, 0, later)
}

// verifyAudit walks the whole chain and says what it found.
func (a *admin) verifyAudit(w http.ResponseWriter, r *http.Request) {
	if err := a.audit(r.Context(), "audit.verified", "", ""); err != nil {
		a.fail(w, r, err)
		return
	}
	v, err := a.o.Office.Verify(r.Context(), "")
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.showAudit(w, r, &v)
}

// tried are the actions that may come to nothing after they were noted.
var tried = []string{
	"invoice.told", "invoice.cancelled", "invoice.decided", "receipt.retried", "alarm.ended", "refund.made", "refund.asked", "refund.confirmed", "refund.refused",
	"delivery.retried", "payout.decided", "payout.acknowledged", "difference.settled", "reconciliation.acknowledged",
	"merchant.added", "merchant.changed", "merchant.on", "merchant.off", "till.added", "till.revoked",
}

// auditWhats are the words of the log that the filter offers, in order.
var auditWhats = func() (list []string) {
	for what := range words.AuditWhats {
		list = append(list, what)
	}
	for _, what := range tried {
		list = append(list, what+notDone)
	}
	slices.Sort(list)
	return list
}()

// whatWord is an entry's word for people; the word itself where there is none.
func whatWord(l words.Lang, what string) string {
	what, refused := strings.CutSuffix(what, notDone)
	text := what
	if t, ok := words.AuditWhats[what]; ok {
		text = t.In(l)
	}
	if refused {
		return words.AuditNotDone.With(l, text)
	}
	return text
}

// subjectURL is where a subject can be looked at, "" where nowhere.
func subjectURL(e staff.Entry) string {
	kind, _, _ := strings.Cut(e.What, ".")
	folder, ok := map[string]string{"merchant": "merchants", "till": "tills", "payout": "payouts", "reconciliation": "reconciliations", "difference": "reconciliations", "staff": "staff", "session": "staff", "invoice": "invoices", "refund": "invoices", "alarm": "invoices", "decision": "invoices", "receipt": "invoices"}[kind]
	if !ok || !id.Valid(e.Subject) {
		return ""
	}
	return Path + "/" + folder + "/" + url.PathEscape(e.Subject)
}

// short is an id as it stands in a list: its end, where ids differ.
func short(text string) string {
	if id.Valid(text) {
		return "…" + text[len(text)-8:]
	}
	return text
}
