package sim

import (
	"html/template"
	"net/http"
	"net/url"
	"regexp"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

var pageHTML = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Click (sandbox)</title>` + simulator.PageHead + `</head><body class="click">` + simulator.PageBar + `<main>
<h1>Click (sandbox)</h1>
{{if .Problem}}<p role="alert">{{.Problem}}</p>{{end}}
{{if .Result}}<p id="result">{{.Result}}</p>
{{else if .Account}}
<p class="sum">{{.Amount}} soum</p><p class="muted">Service {{.Service}}, order {{.Account}}</p>
<form method="post">
<button name="do" value="pay">Pay</button>
<button name="do" value="refuse">Not enough money</button>
<button name="do" value="abandon">Close</button>
</form>{{end}}
</main></body></html>
`))

type pageData struct {
	Service, Account, Amount, Problem, Result string
}

// page is what the link opens. Pressing a button does what the action of its name does, and
// sends the browser back to the shop.
func (s *sim) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	svc, o, err := s.readLink(r.URL.Query())
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_ = pageHTML.Execute(w, pageData{Problem: err.Error()})
		return
	}
	if r.Method != http.MethodPost {
		_ = pageHTML.Execute(w, pageData{Service: svc.id, Account: o.account, Amount: o.amountText})
		return
	}
	do := r.PostFormValue("do")
	if do != "pay" && do != "refuse" && do != "abandon" {
		http.Error(w, "no such button", http.StatusBadRequest)
		return
	}
	rep, err := s.Act(r.Context(), simulator.Action{Kind: do, Link: r.URL.String()})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if back := safeReturn(o.returnURL); back != "" {
		http.Redirect(w, r, back, http.StatusSeeOther)
		return
	}
	_ = pageHTML.Execute(w, pageData{Result: rep.State})
}

var appScheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)

// safeReturn lets through addresses that a browser may be sent to: the web's, and an app's own.
func safeReturn(text string) string {
	u, err := url.Parse(text)
	if err != nil || !appScheme.MatchString(u.Scheme) {
		return ""
	}
	switch u.Scheme {
	case "javascript", "data", "vbscript", "file", "blob":
		return ""
	}
	return u.String()
}
