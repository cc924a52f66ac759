package admin

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// find takes what was pasted and leads to the page that shows what was found. It is a form and not
// an address, so that a card's number that somebody pastes by mistake ends here: in the address
// stands no more of it than a masked one shows.
func (a *admin) find(w http.ResponseWriter, r *http.Request) {
	to := Path + "/search"
	if q := gateway.Presentable(r.PostFormValue("q")); q != "" {
		to += "?" + url.Values{"q": {q}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// search shows what a pasted text was understood as, and what was found.
func (a *admin) search(w http.ResponseWriter, r *http.Request) {
	v := searchView{look: a.look(r, words.SearchTitle.In(lang(r)), ""), companies: a.title, query: strings.TrimSpace(r.URL.Query().Get("q"))}
	if safe := gateway.Presentable(v.query); safe != v.query {
		http.Redirect(w, r, Path+"/search?"+url.Values{"q": {safe}}.Encode(), http.StatusSeeOther)
		return
	}
	if v.query != "" {
		if err := a.looked(r.Context(), "invoice.searched", "", v.query); err != nil {
			a.fail(w, r, err)
			return
		}
		var err error
		if v.readings, v.found, err = a.o.Gateway.Search(r.Context(), v.query); err != nil {
			a.fail(w, r, err)
			return
		}
	}
	a.show(w, r, searchPage(v))
}

type searchView struct {
	look
	companies func(string) string
	query     string
	readings  []gateway.Reading
	found     []gateway.Finding
}

var readWords = map[gateway.ReadAs]words.Text{
	gateway.ReadID: words.ReadIDWord, gateway.ReadPayNumber: words.ReadPayWord, gateway.ReadRef: words.ReadRefWord, gateway.ReadRRN: words.ReadRRNWord,
	gateway.ReadOrder: words.ReadOrderWord, gateway.ReadPhone: words.ReadPhoneWord, gateway.ReadCard: words.ReadCardWord, gateway.ReadAmount: words.ReadSumWord,
}

// all leads to the list of everything that one reading finds, where there is such a list.
func all(f gateway.Finding) string {
	if f.As != gateway.ReadAmount {
		return ""
	}
	return Path + "/invoices?" + url.Values{"sum": {f.Amount.Soum()}}.Encode()
}

// spoken is a reading's text as people write it.
func spoken(l words.Lang, r gateway.Reading) string {
	switch {
	case r.As == gateway.ReadPhone && len(r.Text) == 9:
		t := r.Text
		return "+998 " + t[:2] + " " + t[2:5] + "-" + t[5:7] + "-" + t[7:]
	case r.As == gateway.ReadAmount:
		return ui.Money(l, r.Amount)
	}
	return r.Text
}
