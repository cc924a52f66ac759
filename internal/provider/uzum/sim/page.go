package sim

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// ServeHTTP is the page that a buyer's link opens where the app is not installed. Here it is
// the app: it shows what the shop's check answers, and pays or refuses.
func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, fastPath) {
		b.fastpay(w, r)
		return
	}
	b.world.Serve("page", w, r, b.page)
}

func (b *bank) page(w http.ResponseWriter, r *http.Request) {
	link := r.URL.String()
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		basket, err := b.read(simulator.Action{Link: link})
		if err != nil {
			b.show(w, http.StatusNotFound, view{Title: "There is nothing to pay here", Text: err.Error()})
			return
		}
		report, _ := b.Act(r.Context(), simulator.Action{Kind: "check", Link: link})
		if report.State == refused {
			b.show(w, http.StatusOK, view{Title: "This order cannot be paid", Text: lastAnswer(report)})
			return
		}
		b.show(w, http.StatusOK, view{Title: "Uzum Bank (sandbox)", Account: basket.account, Text: lastAnswer(report), Form: true})
	case http.MethodPost:
		kind := r.PostFormValue("do")
		if kind != "pay" && kind != "refuse" {
			b.show(w, http.StatusBadRequest, view{Title: "Pay or refuse"})
			return
		}
		report, err := b.Act(r.Context(), simulator.Action{Kind: kind, Link: link})
		switch {
		case err != nil:
			b.show(w, http.StatusNotFound, view{Title: "There is nothing to pay here", Text: err.Error()})
		case opensInBrowser(report.Returned):
			http.Redirect(w, r, report.Returned, http.StatusSeeOther)
		default:
			b.show(w, http.StatusOK, view{Title: "The payment is " + report.State, Text: strings.Join(report.Problems, "\n")})
		}
	default:
		w.Header().Set("Allow", "GET, POST")
		b.show(w, http.StatusMethodNotAllowed, view{Title: "GET or POST"})
	}
}

// opensInBrowser keeps a page from being sent to an address that would run as a script.
func opensInBrowser(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func lastAnswer(r simulator.Report) string {
	if len(r.Exchanges) == 0 {
		return ""
	}
	return r.Exchanges[len(r.Exchanges)-1].Answer
}

type view struct {
	Title, Account, Text string
	Form                 bool
}

var form = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>` + simulator.PageHead + `<body class="uzum">` + simulator.PageBar + `<main>
<h1>{{.Title}}</h1>
{{if .Account}}<p class="muted">Order {{.Account}}</p>{{end}}
{{if .Text}}<pre tabindex="0">{{.Text}}</pre>{{end}}
{{if .Form}}<form method="post">
<button name="do" value="pay">Pay</button>
<button name="do" value="refuse">Refuse</button>
</form>{{end}}
</main></body></html>
`))

func (b *bank) show(w http.ResponseWriter, status int, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = form.Execute(w, v)
}
