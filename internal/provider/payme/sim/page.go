package sim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// order is what a link or a form asks a buyer to pay.
type order struct {
	kassa    *kassa
	field    string
	account  string
	amount   int64 // tiyin
	lang     string
	callback string // where the buyer goes afterwards, with its placeholders
}

// back is where the buyer is sent afterwards.
func (o order) back(transaction string) string {
	return strings.NewReplacer(":transaction", transaction, ":account."+o.field, o.account).Replace(o.callback)
}

// order reads what an action is about: a link, or an order number that the buyer typed in the
// app ("account"). Amount overrides the link's: the link is not signed.
func (c *company) order(a simulator.Action) (o order, err error) {
	if a.Link != "" {
		o, err = c.parseLink(a.Link)
	} else if o.account = a.Params["account"]; o.account == "" {
		return o, fmt.Errorf(`payme: this needs a link, or the parameter "account" with an amount`)
	} else if o.kassa, err = c.theKassa(a); err == nil {
		o.field = c.fieldOf(o.kassa)
	}
	if err != nil {
		return o, err
	}
	if account := a.Params["account"]; account != "" {
		o.account = account
	}
	if a.Amount != 0 {
		o.amount = a.Amount
	}
	if o.amount <= 0 {
		return o, fmt.Errorf("payme: there is no amount to pay")
	}
	return o, nil
}

func (c *company) fieldOf(k *kassa) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return k.field
}

// pageError is what the page says instead of an order, by Payme's own numbers.
type pageError struct {
	code  int
	words string
}

func (e pageError) Error() string { return fmt.Sprintf("payme: %d %s", e.code, e.words) }

// parseLink reads a checkout link, wherever it points: to this simulator, or to Payme.
func (c *company) parseLink(link string) (order, error) {
	path := ""
	for _, base := range []string{c.w.BaseURL, "https://checkout.paycom.uz", "https://test.paycom.uz"} {
		if rest, ok := strings.CutPrefix(link, base+"/"); ok && base != "" {
			path = rest
			break
		}
	}
	if path == "" {
		return order{}, fmt.Errorf("payme: %q is not a link of Payme's", link)
	}
	return c.parsePath(path)
}

// parsePath reads the Base64 of key=value pairs, which stands raw in the path.
func (c *company) parsePath(path string) (order, error) {
	plain, err := base64.StdEncoding.DecodeString(path)
	if err != nil {
		return order{}, fmt.Errorf("payme: the link is not Base64: %w", err)
	}
	values := url.Values{}
	for pair := range strings.SplitSeq(string(plain), ";") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			values.Add(name, value)
		}
	}
	return c.newOrder(values.Get("m"), values.Get("a"), values.Get("l"), values.Get("c"),
		func(field string) string { return values.Get("ac." + field) })
}

func (c *company) newOrder(merchant, amount, lang, callback string, account func(field string) string) (order, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kassas[merchant]
	if k == nil {
		return order{}, pageError{-31601, "the merchant was not found or is blocked"}
	}
	o := order{kassa: k, field: k.field, account: account(k.field), lang: lang, callback: callback}
	if o.account == "" {
		return o, pageError{-31610, "the field " + k.field + " is not filled in"}
	}
	var err error
	if o.amount, err = strconv.ParseInt(amount, 10, 64); err != nil || o.amount <= 0 {
		return o, pageError{-31610, "the amount is not a whole number of tiyin"}
	}
	return o, nil
}

// ServeHTTP shows the page of an order (the link, or the documented form posted to the root)
// and takes the buyer's decision.
func (c *company) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.isSubscribe(r) {
		c.subscribe(w, r)
		return
	}
	c.w.Serve(stepPage, w, r, c.page)
}

func (c *company) page(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	path := r.URL.Path
	if base, err := url.Parse(c.w.BaseURL); err == nil {
		path = strings.TrimPrefix(path, base.Path)
	}
	path = strings.TrimPrefix(path, "/")
	var o order
	var err error
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		o, err = c.parsePath(path)
	case r.Method == http.MethodPost && path == "":
		if err = r.ParseForm(); err != nil {
			break
		}
		o, err = c.newOrder(r.PostForm.Get("merchant"), r.PostForm.Get("amount"), r.PostForm.Get("lang"), r.PostForm.Get("callback"),
			func(field string) string { return r.PostForm.Get("account[" + field + "]") })
		if err == nil {
			err = checkForm(r.PostForm)
		}
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		show(w, http.StatusBadRequest, sheet{Lang: "en", Fault: err.Error()})
		return
	}
	if do := r.PostForm.Get("do"); do != "" {
		c.decide(w, r, o, do)
		return
	}
	show(w, http.StatusOK, sheetOf(c, o))
}

// checkForm wants the optional detail of a posted form to be Base64 of JSON.
func checkForm(form url.Values) error {
	detail := form.Get("detail")
	if detail == "" {
		return nil
	}
	plain, err := base64.StdEncoding.DecodeString(detail)
	if err != nil || !json.Valid(plain) {
		return pageError{-31610, "the detail is not Base64 of JSON"}
	}
	return nil
}

// decide does what a button of the page says, and sends the buyer back.
func (c *company) decide(w http.ResponseWriter, r *http.Request, o order, do string) {
	if do != actPay && do != actRefuse && do != actLook {
		http.NotFound(w, r)
		return
	}
	rep := simulator.Report{}
	said, err := c.buyer(r.Context(), simulator.Action{Kind: do}, o, &rep)
	v := sheetOf(c, o)
	v.Done = true
	v.Fault = said[v.Lang]
	switch {
	case err != nil:
		v.Fault = err.Error()
	case do == actPay && rep.State == suspended:
		v.Fault = "−31622: the merchant's service did not answer"
	case do == actRefuse && v.Fault == "":
		v.Fault = "−31630: the card was refused"
	case v.Fault == "" && rep.Returned != "":
		http.Redirect(w, r, rep.Returned, http.StatusSeeOther)
		return
	}
	v.Returned = rep.Returned
	show(w, http.StatusOK, v)
}

// sheet is what the page shows.
type sheet struct {
	Lang, Action, Kassa, Field, Account, Callback string
	Amount                                        int64
	Soum                                          string
	Done                                          bool
	Fault, Returned                               string
	Words                                         map[string]string
}

func sheetOf(c *company, o order) sheet {
	v := sheet{
		Lang: o.lang, Action: c.w.BaseURL + "/", Kassa: o.kassa.id, Field: o.field, Account: o.account, Callback: o.callback,
		Amount: o.amount, Soum: fmt.Sprintf("%d.%02d", o.amount/100, o.amount%100),
	}
	if pageWords[v.Lang] == nil {
		v.Lang = "ru" // Payme's own default
	}
	return v
}

func show(w http.ResponseWriter, status int, v sheet) {
	v.Words = pageWords[v.Lang]
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	pageTemplate.Execute(w, v)
}

var pageWords = map[string]map[string]string{
	"ru": {"title": "Оплата Payme (песочница)", "order": "Заказ", "sum": "Сумма, сум", "pay": "Оплатить", "refuse": "Карта отклонена", "look": "Закрыть", "back": "Вернуться в магазин", "done": "Оплачено"},
	"uz": {"title": "Payme toʻlovi (sinov)", "order": "Buyurtma", "sum": "Summa, soʻm", "pay": "Toʻlash", "refuse": "Karta rad etildi", "look": "Yopish", "back": "Doʻkonga qaytish", "done": "Toʻlandi"},
	"en": {"title": "Payme payment (sandbox)", "order": "Order", "sum": "Amount, soum", "pay": "Pay", "refuse": "Card refused", "look": "Close", "back": "Back to the shop", "done": "Paid"},
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="{{.Lang}}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Words.title}}</title>` + simulator.PageHead + `<body class="payme">` + simulator.PageBar + `<main>
<h1>{{.Words.title}}</h1>
{{if .Account}}<p class="muted">{{.Words.sum}}</p><p class="sum">{{.Soum}}</p><p class="muted">{{.Words.order}} {{.Account}}</p>{{end}}
{{if .Fault}}<p role="alert">{{.Fault}}</p>{{else if .Done}}<p>{{.Words.done}}</p>{{end}}
{{if .Done}}{{if .Returned}}<p><a href="{{.Returned}}">{{.Words.back}}</a></p>{{end}}
{{else if .Account}}<form method="post" action="{{.Action}}">
<input type="hidden" name="merchant" value="{{.Kassa}}"><input type="hidden" name="account[{{.Field}}]" value="{{.Account}}">
<input type="hidden" name="amount" value="{{.Amount}}"><input type="hidden" name="lang" value="{{.Lang}}"><input type="hidden" name="callback" value="{{.Callback}}">
<button name="do" value="pay">{{.Words.pay}}</button><button name="do" value="refuse">{{.Words.refuse}}</button> <button name="do" value="look">{{.Words.look}}</button>
</form>{{end}}
</main></body></html>
`))
