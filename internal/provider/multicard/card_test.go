package multicard_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/multicard/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// Cards, by the reference's sections: MC-8 binding by form, MC-10 payments by token, MC-11 holds.

func (s *scene) api(method, path string, body any) providertest.Answer {
	s.t.Helper()
	return s.b.API(method, path, body)
}

// bound binds a card on Multicard's form.
func (s *scene) bound(pan string) string {
	s.t.Helper()
	a := s.api(http.MethodPost, "/api/cards/form", map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "returnUrl": "https://shop.example.uz/cards"})
	id, _ := a.Field("id").(string)
	form, _ := a.Field("formUrl").(string)
	if a.Status != 201 || a.Field("status") != "pending" {
		s.t.Fatalf("%d %s", a.Status, a.Body)
	}
	if r := s.act(simulator.Action{Kind: "bind", Link: form, Params: map[string]string{"card": pan}}); r.Returned != "https://shop.example.uz/cards" {
		s.t.Errorf("the owner was sent to %q", r.Returned)
	}
	s.b.Advance(6 * time.Second)
	a = s.api(http.MethodGet, "/api/cards/"+id, nil)
	if a.Field("status") != "active" || a.Field("maskedPan") != pan[:6]+"******"+pan[12:] {
		s.t.Fatalf("%d %s", a.Status, a.Body)
	}
	return id
}

func (s *scene) charge(invoice, card string) providertest.Answer {
	s.t.Helper()
	return s.api(http.MethodPost, "/api/invoices/"+invoice+"/pay", map[string]any{"method": "card_token", "cardId": card})
}

func (s *scene) code(invoice, otp string) providertest.Answer {
	s.t.Helper()
	return s.api(http.MethodPost, "/api/invoices/"+invoice+"/confirm", map[string]any{"otp": otp})
}

func (s *scene) stands(invoice, status string, words ...string) {
	s.t.Helper()
	s.b.Settle()
	var got []string
	for _, w := range s.b.Webhooks(invoice) {
		got = append(got, fmt.Sprint(w.JSON["status"]))
	}
	if now := s.b.Status(invoice); now != status || !slices.Equal(got, words) {
		s.t.Errorf("the invoice is %s, want %s; the app was told %q, want %q", now, status, got, words)
	}
}

func why(a providertest.Answer) string {
	f, _ := a.Field("failure").(map[string]any)
	if f == nil {
		r, _ := a.Field("reason").(string)
		return r
	}
	r, _ := f["reason"].(string)
	return r
}

// MC-8: nothing but what Multicard answers binds a card; a form that runs out binds none; a revoked
// card is forgotten there too.
func TestScenario_MC_8_08_BindingByForm(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		a := s.api(http.MethodPost, "/api/cards/form", map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "returnUrl": "https://shop.example.uz/cards", "phone": "998901234567", "pinfl": "31105892514010"})
		path := "/api/cards/" + fmt.Sprint(a.Field("id"))
		forged := []byte(`{"id":1,"payer_id":"x","card_pan":"860053******8829","card_token":"6225f3c93f7a880142782fa4","status":"active"}`)
		s.b.Do(http.MethodPost, s.b.CallbackURL, http.Header{"Content-Type": {"application/json"}}, forged)
		if a := s.api(http.MethodGet, path, nil); a.Field("status") != "pending" {
			t.Errorf("a word that nobody signed bound a card: %s", a.Body)
		}
		s.b.Advance(21 * time.Minute)
		if a := s.api(http.MethodGet, path, nil); a.Field("status") != "failed" {
			t.Errorf("a form that ran out: %s", a.Body)
		}
		card := s.bound(sim.GoodCard)
		if a := s.api(http.MethodPost, "/api/cards/"+card+"/confirm", map[string]any{"otp": "112233"}); a.Field("status") != "active" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if a := s.api(http.MethodDelete, "/api/cards/"+card, nil); a.Field("status") != "revoked" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if a := s.charge(s.invoice(nil), card); a.Status != 409 || why(a) != "card_revoked" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

// MC-10: with a code and without, wrong codes, the bank's refusals, and debits that are not decided.
func TestScenario_MC_10_09_PaymentByToken(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		invoice := s.invoice(nil)
		if a := s.charge(invoice, s.bound(sim.GoodCard)); a.Field("next") != "otp" {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if a := s.code(invoice, "000000"); a.Status != 409 || why(a) != "wrong_otp" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if a := s.code(invoice, sim.GoodCode); a.Field("status") != "paid" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		s.stands(invoice, "paid", "paid")
		if a := s.api(http.MethodPost, "/api/refunds", map[string]any{"invoiceId": invoice}); a.Field("status") != "succeeded" {
			t.Errorf("%d %s", a.Status, a.Body)
		}

		atOnce := s.invoice(nil)
		if a := s.charge(atOnce, s.bound(sim.FreeCard)); a.Field("status") != "paid" {
			t.Errorf("%d %s", a.Status, a.Body)
		}

		for pan, want := range map[string]string{sim.PoorCard: pay.DeclineFunds, sim.BlockedCard: pay.DeclineBlocked, sim.QuietCard: pay.DeclineSMS} {
			refused := s.invoice(nil)
			a := s.charge(refused, s.bound(pan))
			if pan != sim.QuietCard {
				a = s.code(refused, sim.GoodCode)
			}
			if a.Status != 200 || why(a) != want || a.Field("status") != "pending" {
				t.Errorf("%s: %d %s", want, a.Status, a.Body)
			}
		}

		for pan, want := range map[string]string{sim.SlowCard: "paid", sim.SlowPoorCard: "pending"} {
			slow := s.invoice(nil)
			s.charge(slow, s.bound(pan))
			if a := s.code(slow, sim.GoodCode); a.Field("attention") != "unknown_outcome" {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			s.b.Advance(10 * time.Second)
			s.b.Settle()
			s.b.Advance(time.Minute)
			s.b.Settle()
			if a := s.api(http.MethodGet, "/api/invoices/"+slow, nil); a.Field("status") != want || a.Field("attention") != nil {
				t.Errorf("%s: %s", pan, a.Body)
			}
		}
	})
}

// Lost answers at each call of a payment by token: never a second debit.
func TestScenario_MC_10_10_LostAnswersByToken(t *testing.T) {
	for _, step := range []string{"payment.create", "payment.confirm"} {
		for _, kind := range []simulator.Kind{simulator.LostAfter, simulator.Error500After} {
			t.Run(step+" "+string(kind), func(t *testing.T) {
				each(t, nil, func(t *testing.T, s *scene) {
					card := s.bound(sim.GoodCard)
					invoice := s.invoice(nil)
					s.b.World.Faults.Set(simulator.Fault{Step: step, Kind: kind, Times: 1})
					a := s.charge(invoice, card)
					if step == "payment.confirm" {
						a = s.code(invoice, sim.GoodCode)
					}
					if a.Status != 200 || a.Field("attention") != "unknown_outcome" {
						t.Fatalf("%d %s", a.Status, a.Body)
					}
					if a := s.charge(invoice, card); a.Status != 409 {
						t.Errorf("another charge: %d %s", a.Status, a.Body)
					}
					// Nor a page beside it, where the buyer would pay once more.
					order := map[string]any{"sourceInvoiceId": s.b.InvoiceField(invoice, "sourceInvoiceId")}
					again := s.api(http.MethodPost, "/api/invoices", s.b.InvoiceRequest(price, order))
					if again.Status != 200 || again.Field("id") != invoice || again.Field("checkoutUrl") != nil {
						t.Errorf("the order once more: %d %s", again.Status, again.Body)
					}
					s.b.Advance(15 * time.Second)
					s.b.Settle()
					want := "pending" // a draft: it was never confirmed, and a person sees it
					if step == "payment.confirm" {
						want = "paid"
					}
					if got := s.b.Status(invoice); got != want {
						t.Errorf("the invoice is %s, want %s", got, want)
					}
					paid := 0
					for _, e := range s.b.Sim.Books() {
						if e.State == "paid" {
							paid++
						}
					}
					if paid > 1 || want == "paid" && paid != 1 {
						t.Errorf("Multicard took the money %d times", paid)
					}
				})
			})
		}
	}
}

// MC-11: held, captured whole or in part, released, run out, and lost on the way.
func TestScenario_MC_11_03_Holds(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		card := s.bound(sim.GoodCard)
		held := func() string {
			t.Helper()
			invoice := s.invoice(map[string]any{"capture": "manual", "holdSeconds": 86400})
			if s.b.InvoiceField(invoice, "checkoutUrl") != nil {
				t.Error("a page was offered that would take the money and not hold it")
			}
			s.charge(invoice, card)
			if a := s.code(invoice, sim.GoodCode); a.Field("status") != "held" {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			return invoice
		}
		end := func(invoice, how string, body any) providertest.Answer {
			return s.api(http.MethodPost, "/api/invoices/"+invoice+"/"+how, body)
		}

		whole := held()
		if a := end(whole, "capture", nil); a.Field("status") != "paid" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		s.stands(whole, "paid", "held", "paid")

		part := held()
		if a := end(part, "capture", map[string]any{"amount": 200000}); fmt.Sprint(a.Field("capturedAmount")) != "200000" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if a := end(part, "capture", nil); a.Status != 409 {
			t.Errorf("a second capture: %d %s", a.Status, a.Body)
		}
		s.stands(part, "paid", "held", "paid")

		released := held()
		if a := end(released, "cancel", nil); a.Field("status") != "cancelled" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		s.stands(released, "cancelled", "held", "cancelled")

		lost := held()
		s.b.World.Faults.Set(simulator.Fault{Step: "hold.charge", Kind: simulator.LostAfter, Times: 1})
		if a := end(lost, "capture", map[string]any{"amount": 300000}); a.Field("attention") != "unknown_outcome" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		s.b.Advance(10 * time.Second)
		s.stands(lost, "paid", "held", "paid")
		if got := fmt.Sprint(s.b.InvoiceField(lost, "capturedAmount")); got != "300000" {
			t.Errorf("captured %s", got)
		}

		over := held()
		s.b.Advance(25 * time.Hour)
		s.stands(over, "cancelled", "held", "cancelled")
		if a := end(over, "capture", nil); a.Status != 409 {
			t.Errorf("a capture after the end: %d %s", a.Status, a.Body)
		}
	})
}

// No token is readable anywhere in the database.
func TestCardTokensAreSealed(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		card := s.bound(sim.GoodCard)
		invoice := s.invoice(nil)
		s.charge(invoice, card)
		s.code(invoice, sim.GoodCode)
		s.api(http.MethodGet, "/api/invoices/"+invoice+"/timeline", nil)
		for table, columns := range map[string]string{"messages": "request || response", "cards": "sealed || ref || pan", "payments": "meta || card_token", "events": "body"} {
			rows := s.b.Row("SELECT COUNT(*) FROM "+table+" WHERE "+columns+" LIKE $1", "%"+sim.TokenOf(sim.GoodCard)+"%")
			if rows != "0" {
				t.Errorf("%s shows a card's token", table)
			}
		}
		if strings.Contains(string(s.api(http.MethodGet, "/api/cards/"+card, nil).Body), sim.TokenOf(sim.GoodCard)) {
			t.Error("the API shows a card's token")
		}
	})
}
