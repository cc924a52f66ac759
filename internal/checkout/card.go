package checkout

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// Our own form for a card, which is there only where card numbers may pass through this gateway. A
// number comes in the body of one request, goes on to the acquirer, and is nowhere else: not in an
// address, not in a page that is drawn again, not in a log.

// cardWay is what ?by= calls the form.
const cardWay = "card"

// entered is a card as somebody typed it.
type entered struct{ number, expiry, phone string }

// String keeps the number out of logs; GoString out of %#v too.
func (entered) String() string   { return "a card" }
func (entered) GoString() string { return "a card" }

// faults are what is wrong with it, by field; "" is nothing.
type cardFaults struct{ number, expiry, phone words.Text }

func (f cardFaults) any() bool { return f != cardFaults{} }

// readCard reads the form. What people put between the digits is taken out.
func readCard(r *http.Request, phone bool, now time.Time) (in entered, f cardFaults) {
	in = entered{number: digits(r.PostFormValue("number")), expiry: digits(r.PostFormValue("expiry")), phone: digits(r.PostFormValue("phone"))}
	if len(in.number) != 16 || !pay.Luhn(in.number) {
		f.number = words.CardNumberBad
	}
	switch at, ok := expiryOf(in.expiry); {
	case !ok:
		f.expiry = words.CardExpiryBad
	case !now.Before(at):
		f.expiry = words.CardExpired
	default:
		in.expiry = in.expiry[2:] + in.expiry[:2] // YYMM, as the acquirers have it
	}
	if len(in.phone) == 9 {
		in.phone = "998" + in.phone
	}
	switch {
	case !phone:
		in.phone = ""
	case len(in.phone) != 12 || !strings.HasPrefix(in.phone, "998"):
		f.phone = words.CardPhoneBad
	}
	return in, f
}

// digits are those of a text that has nothing else but what people put between them; "" for any
// other, and for one that is too long.
func digits(text string) string {
	if len(text) > 40 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}

// expiryOf is the moment at which a card of MMYY counts no more: the end of its month, in Tashkent.
func expiryOf(mmyy string) (time.Time, bool) {
	if len(mmyy) != 4 {
		return time.Time{}, false
	}
	month, _ := strconv.Atoi(mmyy[:2])
	year, _ := strconv.Atoi(mmyy[2:])
	if month < 1 || month > 12 {
		return time.Time{}, false
	}
	return time.Date(2000+year, time.Month(month)+1, 1, 0, 0, 0, 0, provider.Tashkent), true
}

// form is the link of the card form among the ways to pay; nil where there is none.
func form(links []gateway.Link) *gateway.Link {
	for i := range links {
		if links[i].Card {
			return &links[i]
		}
	}
	return nil
}

// offered reads the invoice and its card form. ok is false where it was answered already: no such
// invoice, or no form on it, of whose body nothing is read then.
func (c *Checkout) offered(w http.ResponseWriter, r *http.Request) (inv gateway.Invoice, links []gateway.Link, card *gateway.Link, ok bool) {
	if !id.Valid(r.PathValue("id")) {
		c.nothing(w, r)
		return inv, nil, nil, false
	}
	inv, links, err := c.o.Gateway.Links(r.Context(), r.PathValue("id"))
	if err != nil {
		c.fail(w, r, err)
		return inv, nil, nil, false
	}
	if card = form(links); card == nil {
		c.back(w, r, url.Values{})
		return inv, nil, nil, false
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if err := r.ParseForm(); err != nil {
		c.back(w, r, url.Values{"by": {cardWay}})
		return inv, nil, nil, false
	}
	return inv, links, card, true
}

// back sends the browser to the page, which says how things stand.
func (c *Checkout) back(w http.ResponseWriter, r *http.Request, q url.Values) {
	if l := r.URL.Query().Get("lang"); l != "" {
		q.Set("lang", string(words.Choose(l)))
	}
	to := "/pay/" + r.PathValue("id")
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// charge takes the form: the number goes on to the acquirer.
func (c *Checkout) charge(w http.ResponseWriter, r *http.Request) {
	inv, links, card, ok := c.offered(w, r)
	if !ok {
		return
	}
	in, f := readCard(r, card.Phone, c.o.Now())
	if f.any() {
		v := look(inv, links, request{
			lang: lang(r, inv.Lang), asked: r.URL.Query().Has("lang"), phone: onPhone(r), by: cardWay, again: true, now: c.o.Now(), test: c.o.Test,
		})
		v.faults = f
		ui.Show(w, r, http.StatusUnprocessableEntity, page(v))
		return
	}
	_, err := c.o.Gateway.Pay(r.Context(), gateway.PayInput{
		InvoiceID: inv.ID, Way: pay.WayCard, Provider: card.Provider, Number: in.number, Expiry: in.expiry, Phone: in.phone, Hosted: true,
	}, gateway.Idem{})
	c.after(w, r, err)
}

// confirm takes the code.
func (c *Checkout) confirm(w http.ResponseWriter, r *http.Request) {
	inv, _, _, ok := c.offered(w, r)
	if !ok {
		return
	}
	code := digits(r.PostFormValue("otp"))
	if len(code) < 4 || len(code) > 8 {
		c.back(w, r, url.Values{"trouble": {"wrong"}})
		return
	}
	_, err := c.o.Gateway.ConfirmPay(r.Context(), inv.ID, code, gateway.Idem{})
	c.after(w, r, err)
}

// resend has another code sent. That takes the number again: the script has kept it for as long as
// the page is open, and without the script it is asked for.
func (c *Checkout) resend(w http.ResponseWriter, r *http.Request) {
	inv, _, card, ok := c.offered(w, r)
	if !ok {
		return
	}
	order := gateway.PayInput{InvoiceID: inv.ID}
	if in, f := readCard(r, card.Phone, c.o.Now()); !f.any() {
		order.Number, order.Expiry, order.Phone = in.number, in.expiry, in.phone
	}
	_, err := c.o.Gateway.ResendCode(r.Context(), order, gateway.Idem{})
	c.after(w, r, err)
}

// troubles are the reasons of our errors that the page has words for.
var troubles = map[string]string{
	"too_early": "soon", "too_many_codes": "many", "too_many_tries": "tries", "card_needed_again": "again",
	"payment_in_progress": "busy", pay.DeclineWrongCode: "wrong", pay.DeclineCodeLate: "late",
}

// after goes back to the page, with what was in the way.
func (c *Checkout) after(w http.ResponseWriter, r *http.Request, err error) {
	q := url.Values{"by": {cardWay}}
	e, _ := errors.AsType[*pay.Error](err)
	switch {
	case err == nil:
	case e == nil:
		c.fail(w, r, err)
		return
	case e.Code == pay.CodeUpstream:
		q.Set("trouble", "card_away")
	case troubles[e.Reason] != "":
		q.Set("trouble", troubles[e.Reason])
	}
	if q.Get("trouble") == "again" {
		q.Set("new", "1")
	}
	c.back(w, r, q)
}

// toPage answers whoever reloads the address of a form.
func (c *Checkout) toPage(w http.ResponseWriter, r *http.Request) {
	if !id.Valid(r.PathValue("id")) {
		c.nothing(w, r)
		return
	}
	c.back(w, r, url.Values{"by": {cardWay}})
}
