package sim

import (
	"html/template"
	"net/http"
	"net/url"
	"strconv"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// pages serves what a buyer sees: the page to pay on, and the receipt.
func (s *Simulator) pages() {
	s.mux.HandleFunc("GET /invoice/{uuid}", s.showInvoice)
	s.mux.HandleFunc("POST /invoice/{uuid}", s.payOnPage)
	s.mux.HandleFunc("GET /check/{uuid}", s.showReceipt)
	s.mux.HandleFunc("GET /app/{uuid}", s.showInvoice) // what stands for another company's app
	s.mux.HandleFunc("POST /app/{uuid}", s.payOnPage)
}

type wording struct {
	Title, Pay, Refuse, Cancel, Wallet, Card, Expiry, Code, Sum, Closed, Paid, Waits, Refused, Returned, Fiscal string
}

var wordings = map[string]wording{
	"ru": {"Оплата", "Оплатить", "Отказ банка", "Отмена", "Через приложение", "Карта", "Срок (ГГММ)", "Код из SMS", "Сумма", "Счёт больше не действует", "Оплачено", "Платёж обрабатывается", "Платёж не прошёл", "Деньги возвращены", "Фискальный чек"},
	"uz": {"Toʻlov", "Toʻlash", "Bank rad etdi", "Bekor qilish", "Ilova orqali", "Karta", "Muddati (YYOO)", "SMS kodi", "Summa", "Hisob amal qilmaydi", "Toʻlandi", "Toʻlov bajarilmoqda", "Toʻlov oʻtmadi", "Pul qaytarildi", "Fiskal chek"},
	"en": {"Payment", "Pay", "Bank refuses", "Cancel", "With an app", "Card", "Expiry (YYMM)", "Code from the SMS", "Amount", "The invoice is no longer valid", "Paid", "The payment is being processed", "The payment failed", "The money was returned", "Fiscal receipt"},
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="{{.Lang}}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Multicard (sandbox): {{.W.Title}}</title>
` + simulator.PageHead + `<body class="multicard">` + simulator.PageBar + `<main>
<h1>Multicard: {{.W.Title}}</h1><p class="muted">{{.W.Sum}}</p><p class="sum">{{.Sum}} UZS</p>
{{if .Open}}<form method="post">
<label>{{.W.Card}}<input name="card" inputmode="numeric" value="{{.Card}}"></label>
<label>{{.W.Expiry}}<input name="expiry" value="{{.Expiry}}"></label>
<label>{{.W.Code}}<input name="otp" value="{{.Code}}"></label>
<button name="do" value="pay">{{.W.Pay}}</button>
<p class="muted">{{.W.Wallet}}</p><div class="wallets">{{range .Wallets}}<button name="wallet" value="{{.}}">{{.}}</button>{{end}}</div>
<button name="do" value="refuse">{{.W.Refuse}}</button><button name="do" value="abandon">{{.W.Cancel}}</button>
</form><p>{{range .Langs}}<a href="?lang={{.}}">{{.}}</a> {{end}}</p>{{else}}<p>{{.Said}}</p><p>{{.Message}}</p>
{{range .Fiscal}}<p>{{$.W.Fiscal}}: <code>{{.}}</code></p>{{end}}{{end}}</main></body></html>`))

func (s *Simulator) showInvoice(w http.ResponseWriter, r *http.Request) { s.show(w, r, true) }

func (s *Simulator) showReceipt(w http.ResponseWriter, r *http.Request) { s.show(w, r, false) }

func (s *Simulator) show(w http.ResponseWriter, r *http.Request, form bool) {
	s.mu.Lock()
	p := s.find(r.PathValue("uuid"))
	if p == nil {
		s.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	lang := r.URL.Query().Get("lang")
	if _, ok := wordings[lang]; !ok {
		lang = p.lang
	}
	words, ok := wordings[lang]
	if !ok {
		lang, words = "ru", wordings["ru"]
	}
	said := words.Closed
	switch p.status {
	case statusSuccess:
		said = words.Paid
	case statusProgress, statusBilling:
		said = words.Waits
	case statusError:
		said = words.Refused
	case statusRevert:
		said = words.Returned
	}
	var fiscal []string
	for _, link := range []string{p.fiscal, p.refundFiscal} {
		if link != "" {
			fiscal = append(fiscal, link)
		}
	}
	data := map[string]any{
		"Lang": lang, "W": words, "Sum": soum(p.amount), "Open": form && p.status == statusDraft, "Said": said,
		"Message": p.callbackMessage, "Fiscal": fiscal, "Card": GoodCard, "Expiry": GoodExpiry, "Code": GoodCode,
		"Wallets": []string{"payme", "click", "uzum", "anorbank", "xazna"}, "Langs": []string{"ru", "uz", "en"},
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, data)
}

// payOnPage is the page's form: the same as Act, and then the browser goes back to the shop.
func (s *Simulator) payOnPage(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<12)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}
	kind := r.PostForm.Get("do")
	if kind != "refuse" && kind != "abandon" {
		kind = "pay"
	}
	params := map[string]string{}
	for _, name := range []string{"card", "expiry", "otp", "wallet"} {
		params[name] = r.PostForm.Get(name)
	}
	report, err := s.Act(r.Context(), simulator.Action{Kind: kind, Ref: r.PathValue("uuid"), Params: params})
	if err != nil {
		http.NotFound(w, r)
		return
	}
	to := report.Returned
	if kind == "abandon" {
		s.mu.Lock()
		if p := s.find(r.PathValue("uuid")); p != nil {
			to, _ = p.returnURL.(string)
			if fault, _ := p.errorURL.(string); fault != "" {
				to = fault
			}
		}
		s.mu.Unlock()
	}
	if u, err := url.Parse(to); err != nil || u.Scheme == "" {
		to = s.w.BaseURL + "/check/" + url.PathEscape(report.Ref)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// soum writes tiyin as soum.
func soum(tiyin int64) string {
	whole, rest := tiyin/100, tiyin%100
	digits := []byte{byte('0' + rest/10), byte('0' + rest%10)}
	return strconv.FormatInt(whole, 10) + "." + string(digits)
}
