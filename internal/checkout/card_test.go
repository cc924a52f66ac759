package checkout

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/words"
)

const pan = "8600533364098829"

// withForm is a book whose business takes cards on our own form.
func withForm(phone bool) *book {
	b := newBook()
	b.links = append([]gateway.Link{{Provider: "paysys", Title: "PaySys", DisplayName: "Namuna — paysys", Card: true, Phone: phone}}, b.links...)
	return b
}

// waitsForCode puts a card on the invoice whose owner was sent a code.
func waitsForCode(i *gateway.Invoice) {
	p := &pay.Payment{
		ID: "p1", Provider: "paysys", Way: pay.WayCard, State: pay.Created, Ref: "1", Card: pay.Card{MaskedPAN: "860053******8829"},
		CodePhone: "+99890*****50", CodeAt: now, ExpiresAt: now.Add(2 * time.Minute),
	}
	i.Payment, i.Open = p, p
}

func post(b *book, path string, form url.Values) (status int, to, body string) {
	r := httptest.NewRequest("POST", "/pay/"+invoiceID+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", phoneAgent)
	w := httptest.NewRecorder()
	newCheckout(b).ServeHTTP(w, r)
	return w.Code, w.Header().Get("Location"), w.Body.String()
}

func TestCardFormIsOnlyThereWhereItIsOffered(t *testing.T) {
	b := newBook()
	if _, html := open(t, b, "/pay/"+invoiceID+"?by=card", desktopAgent); strings.Contains(html, "cc-number") {
		t.Error("a card's number is asked for")
	}
	status, to, _ := post(b, "/card?lang=en", url.Values{"number": {pan}, "expiry": {"0928"}})
	if status != 303 || to != "/pay/"+invoiceID+"?lang=en" || len(b.paid) != 0 {
		t.Errorf("%d %s, charged %d times", status, to, len(b.paid))
	}
	for _, path := range []string{"/card", "/code", "/resend"} {
		if got, _ := open(t, withForm(false), "/pay/"+invoiceID+path, phoneAgent); got.StatusCode != 303 {
			t.Errorf("a reload of %s answers %d", path, got.StatusCode)
		}
	}
}

// Where card numbers may not pass through, "card" leads to the acquirer's own page.
func TestCardOnTheAcquirersPage(t *testing.T) {
	for _, form := range []bool{false, true} {
		b := newBook()
		if form {
			b = withForm(true)
		}
		for i := range b.links {
			b.links[i].Acquirer = b.links[i].Provider == "multicard"
		}
		_, html := open(t, b, "/pay/"+invoiceID+"?lang=en", phoneAgent)
		if n := strings.Count(html, `<span class="name">`+words.CardWay.EN+`</span>`); n != 1 || !strings.Contains(html, `value="multicard"`) {
			t.Errorf("form %v: %d ways are called a bank card", form, n)
		}
	}
}

func TestCardForm(t *testing.T) {
	for _, phone := range []bool{false, true} {
		b := withForm(phone)
		_, html := open(t, b, "/pay/"+invoiceID+"?by=card&lang=en", phoneAgent)
		for _, want := range []string{`autocomplete="cc-number"`, `autocomplete="cc-exp"`, "card.js", `action="/pay/` + invoiceID + `/card?lang=en"`, words.CardGo.EN} {
			if !strings.Contains(html, want) {
				t.Errorf("the form lacks %s", want)
			}
		}
		if strings.Contains(html, `autocomplete="tel"`) != phone || strings.Contains(html, "http-equiv") {
			t.Error("it asks for a telephone that is not needed, lacks one that is, or reloads itself under somebody's fingers")
		}
		form := url.Values{"number": {"8600 5333 6409 8829"}, "expiry": {"11/26"}, "phone": {"90 123 45 67"}}
		status, to, _ := post(b, "/card?lang=en", form)
		if status != 303 || to != "/pay/"+invoiceID+"?by=card&lang=en" || len(b.paid) != 1 {
			t.Fatalf("%d %s, charged %d times", status, to, len(b.paid))
		}
		want := gateway.PayInput{InvoiceID: invoiceID, Way: pay.WayCard, Provider: "paysys", Number: pan, Expiry: "2611", Hosted: true}
		if phone {
			want.Phone = "998901234567"
		}
		if b.paid[0] != want {
			t.Errorf("%#v", struct{ Number, Expiry, Phone, Provider string }{b.paid[0].Number, b.paid[0].Expiry, b.paid[0].Phone, b.paid[0].Provider})
		}
	}
}

// A page tells apart by its name what it looks different for; and what may be drawn into it has its
// script.
func TestCardPagesAreNamedApart(t *testing.T) {
	names := map[string]string{}
	for what, p := range map[string]pay.Payment{
		"a code waits":       {CodeAt: now, ExpiresAt: now.Add(time.Minute)},
		"another code waits": {CodeAt: now.Add(time.Second), ExpiresAt: now.Add(time.Minute)},
		"one try less":       {CodeAt: now, ExpiresAt: now.Add(time.Minute), CodeTries: 1},
		"the bank checks it": {CodeAt: now, ExpiresAt: now.Add(time.Minute), Asked: pay.AskedConfirm},
	} {
		b := withForm(false)
		p.ID, p.Provider, p.Way, p.State = "p", "paysys", pay.WayCard, pay.Created
		b.inv.Open = &p
		if other, taken := names[stateOf(b.inv, now)]; taken {
			t.Errorf("%s has the name of: %s", what, other)
		}
		names[stateOf(b.inv, now)] = what
		if _, html := open(t, b, "/pay/"+invoiceID, phoneAgent); !strings.Contains(html, "card.js") {
			t.Errorf("%s: without card.js", what)
		}
	}
}

// What is wrong is said beside its field, in every language, and nothing that was typed comes back.
func TestCardFormFaults(t *testing.T) {
	for name, c := range map[string]struct {
		number, expiry, phone string
		want                  words.Text
	}{
		"a digit off":        {"8600533364098828", "0928", "901234567", words.CardNumberBad},
		"a short number":     {"860053336409", "0928", "901234567", words.CardNumberBad},
		"no number":          {"", "0928", "901234567", words.CardNumberBad},
		"a month of its own": {pan, "1328", "901234567", words.CardExpiryBad},
		"year before month":  {pan, "28/09", "901234567", words.CardExpiryBad},
		"expired last month": {pan, "10/26", "901234567", words.CardExpired},
		"a short telephone":  {pan, "11/26", "12345", words.CardPhoneBad},
	} {
		t.Run(name, func(t *testing.T) {
			for _, l := range words.Langs {
				b := withForm(true)
				status, _, html := post(b, "/card?lang="+string(l), url.Values{"number": {c.number}, "expiry": {c.expiry}, "phone": {c.phone}})
				if status != 422 || len(b.paid) != 0 || !strings.Contains(html, `aria-invalid="true"`) || !strings.Contains(html, c.want.In(l)) {
					t.Errorf("%s: %d, charged %d times: %s", l, status, len(b.paid), html)
				}
				if c.number != "" && strings.Contains(html, c.number) {
					t.Error("the number came back")
				}
			}
		})
	}
}

func TestCodeStep(t *testing.T) {
	b := withForm(true)
	b.set(waitsForCode)
	_, html := open(t, b, "/pay/"+invoiceID+"?lang=ru", phoneAgent)
	for _, want := range []string{`autocomplete="one-time-code"`, "+99890*****50", "Осталось попыток: 5", "/resend?lang=ru", "new=1"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s: %s", want, html)
		}
	}
	if _, html := open(t, b, "/pay/"+invoiceID+"?by=card&new=1", phoneAgent); !strings.Contains(html, "cc-number") {
		t.Error("another card cannot be entered")
	}
	if status, _, _ := post(b, "/code", url.Values{"otp": {"11 22 33"}}); status != 303 || len(b.codes) != 1 || b.codes[0] != "112233" {
		t.Errorf("%d, codes %q", status, b.codes)
	}
	if _, to, _ := post(b, "/code", url.Values{"otp": {"x"}}); len(b.codes) != 1 || !strings.Contains(to, "trouble=wrong") {
		t.Errorf("what is no code was handed over, or nothing was said: %s", to)
	}
	post(b, "/resend", url.Values{"number": {pan}, "expiry": {"0928"}, "phone": {"901234567"}})
	post(b, "/resend", nil)
	if len(b.paid) != 2 || b.paid[0].Number != pan || b.paid[1].Number != "" {
		t.Errorf("asked for %d codes", len(b.paid))
	}
}

// Every refusal comes back to the page, as a sentence of its own.
func TestCardTroubles(t *testing.T) {
	for reason, want := range map[string]string{
		"too_early": "trouble=soon", "too_many_codes": "trouble=many", "too_many_tries": "trouble=tries", "card_needed_again": "new=1",
		"payment_in_progress": "trouble=busy", pay.DeclineWrongCode: "trouble=wrong", pay.DeclineCodeLate: "trouble=late", "already_paid": "by=card",
	} {
		b := withForm(false)
		b.answer = &pay.Error{Code: pay.CodeConflict, Reason: reason}
		status, to, _ := post(b, "/card", url.Values{"number": {pan}, "expiry": {"0928"}})
		if status != 303 || !strings.Contains(to, want) || strings.Contains(to, pan) {
			t.Errorf("%s: %d %s", reason, status, to)
		}
		_, html := open(t, b, to+"&lang=en", phoneAgent)
		if troubles[reason] != "" && reason != pay.DeclineWrongCode && !strings.Contains(html, "notice") {
			t.Errorf("%s: nothing is said", reason)
		}
	}
	b := withForm(false)
	b.answer = &pay.Error{Code: pay.CodeUpstream}
	if _, to, _ := post(b, "/card", url.Values{"number": {pan}, "expiry": {"0928"}}); !strings.Contains(to, "trouble=card_away") {
		t.Error(to)
	}
	b.answer = fmt.Errorf("the database is away")
	if status, _, _ := post(b, "/card", url.Values{"number": {pan}, "expiry": {"0928"}}); status != 503 {
		t.Errorf("%d", status)
	}
}

// A refusal of the bank is said in the buyer's language, and the buyer can try again.
func TestDeclinedCard(t *testing.T) {
	b := withForm(true)
	b.set(func(i *gateway.Invoice) {
		i.Payment = &pay.Payment{ID: "p1", Provider: "paysys", Way: pay.WayCard, State: pay.Failed, Reason: pay.DeclineFunds}
	})
	for _, l := range words.Langs {
		_, html := open(t, b, "/pay/"+invoiceID+"?by=card&lang="+string(l), phoneAgent)
		if !strings.Contains(html, words.Decline(pay.DeclineFunds).In(l)) || !strings.Contains(html, "cc-number") {
			t.Errorf("%s: nothing is said, or nothing can be done", l)
		}
	}
}
