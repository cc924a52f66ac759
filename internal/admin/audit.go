package admin

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/words"
)

const auditPath = Path + "/audit"

// trail is what the page of the audit log says.
type trail struct {
	list
	rows    []staff.Entry
	verdict *staff.Verdict // of a verification that was just asked for
}

// auditList reads what the address of the log asks for. It is not drawn anew by itself: whoever reads
// it wants it to stand still, and its newest entries would be their own look at it.
func (a *admin) auditList(r *http.Request) (l list, f staff.Filter) {
	in := lang(r)
	sorts := orders(in, gateway.Newest, gateway.Oldest)
	whats := allOr(in)
	for _, what := range auditWhats {
		whats = append(whats, choice{what, whatWord(in, what)})
	}
	l = a.list(r, words.AuditTitle, auditPath, append([]filter{
		{name: "who", label: words.Who.In(in), kind: "text"},
		{name: "what", label: words.What.In(in), options: whats},
		{name: "subject", label: words.Subject.In(in), kind: "text"},
	}, append(dates(in), filter{name: "order", label: words.FilterOrder.In(in), options: sorts})...)...)
	l.file = true
	q := &l.asked
	return l, staff.Filter{
		Who: strings.ToLower(q.text("who")), What: q.Get("what"), Subject: q.text("subject"), From: q.day("from"), To: q.until("to"), Order: gateway.Order(q.among("order", sorts)),
	}
}

// auditPage lists the log. Each look at it is noted, also a second one.
func (a *admin) auditPage(w http.ResponseWriter, r *http.Request) {
	if err := a.audit(r.Context(), "audit.seen", "", narrowed(r)); err != nil {
		a.fail(w, r, err)
		return
	}
	a.showAudit(w, r, nil)
}

func (a *admin) showAudit(w http.ResponseWriter, r *http.Request, v *staff.Verdict) {
	l, f := a.auditList(r)
	t := trail{list: l, verdict: v}
	if !l.asked.bad {
		var err error
		if t.rows, t.next, err = a.o.Office.Log(r.Context(), f, pageRows, l.asked.Get("cursor")); err != nil {
			a.fail(w, r, err)
			return
		}
	}
	a.show(w, r, auditLog(t))
}

// auditFile is the same list as a file, with what the chain is made of: the number of each entry, its
// moment in milliseconds, its digest, and the words as they were digested. What Excel would take for
// a formula has an apostrophe in front, here too.
func (a *admin) auditFile(w http.ResponseWriter, r *http.Request) {
	l, f := a.auditList(r)
	if l.asked.bad {
		a.tell(w, r, http.StatusBadRequest, words.AuditTitle, words.BadFilter)
		return
	}
	head := []words.Text{
		words.CSVNumber, words.At, words.Who, words.CSVAddress, words.What, words.Subject, words.CSVDetail,
		words.CSVWord, words.CSVEntryID, words.CSVStaffID, words.CSVMillis, words.CSVDigest,
	}
	a.file(w, r, "audit", head, func(ctx context.Context, p gateway.Page) (rows [][]cell, next string, err error) {
		found, next, err := a.o.Office.Log(ctx, f, p.Limit, p.Cursor)
		for _, e := range found {
			rows = append(rows, []cell{
				countCell(e.Seq), timeCell(e.At), textCell(e.Who), textCell(e.Address), textCell(whatWord(l.lang, e.What)), idCell(e.Subject), textCell(e.Detail),
				textCell(e.What), idCell(e.ID), idCell(e.StaffID), idCell(strconv.FormatInt(e.At.UnixMilli(), 10)), idCell(e.MAC),
			})
		}
		return rows, next, err
	})
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
	"invoice.told", "invoice.cancelled", "invoice.decided", "receipt.retried", "alarm.ended", "invoice.asked", "refund.asked", "refund.confirmed", "refund.refused",
	"delivery.retried", "payout.decided", "payout.acknowledged", "payout.asked", "payout.told", "payout.confirmed", "payout.refused", "difference.settled", "reconciliation.acknowledged",
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
