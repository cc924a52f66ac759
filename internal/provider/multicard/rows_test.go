package multicard_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/multicard/sim"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// Rows of the reference that none of the flows meets by itself.

// The three words for an outcome that Multicard does not know: whether the money was taken or not,
// nothing is sent again, and asking ends it.
func TestScenario_MC_4_16_OpenOutcomesOfAConfirmation(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		for _, code := range []string{"ERROR_DEBIT_UNKNOWN", "ERROR_CALLBACK_TIMEOUT", "ERROR_CALLBACK"} {
			for after, want := range map[string]string{"true": "paid", "": "pending"} {
				before, _ := s.took()
				invoice := s.invoice(nil)
				s.payBy(invoice, sim.GoodCard)
				s.failNext("payment.confirm", code, "after", after)
				s.want(s.code(invoice, sim.GoodCode), 200, "attention", "unknown_outcome")
				s.refusedWith(s.payBy(invoice, sim.HumoCard), 409, "payment_in_progress")
				s.anHour()
				s.want(s.api(http.MethodGet, "/api/invoices/"+invoice, nil), 200, "attention", nil)
				s.is(invoice, want)
				if n, _ := s.took(); n-before != map[string]int{"paid": 1}[want] {
					t.Errorf("%s: Multicard took the money %d times, want it %s", code, n-before, want)
				}
			}
		}
	})
}

// anHour lets everything be asked that is due.
func (s *scene) anHour() {
	s.t.Helper()
	for range 8 {
		s.later(2 * time.Minute)
	}
}

// The same of a hold that is being taken.
func TestScenario_MC_4_17_OpenOutcomesOfACapture(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		card, taken := s.bound(sim.GoodCard), 0
		for _, code := range []string{"ERROR_DEBIT_UNKNOWN", "ERROR_CALLBACK_TIMEOUT"} {
			for after, want := range map[string]string{"true": "paid", "": "held"} {
				invoice := s.invoice(map[string]any{"capture": "manual", "holdSeconds": 86400})
				s.charge(invoice, card)
				s.want(s.code(invoice, sim.GoodCode), 200, "status", "held")
				s.failNext("hold.charge", code, "after", after)
				capture := "/api/invoices/" + invoice + "/capture"
				s.want(s.api(http.MethodPost, capture, nil), 200, "attention", "unknown_outcome")
				s.anHour()
				s.is(invoice, want)
				s.want(s.api(http.MethodGet, "/api/invoices/"+invoice, nil), 200, "attention", nil)
				if want == "held" {
					s.want(s.api(http.MethodPost, capture, nil), 200, "status", "paid")
				}
				taken++
				if n, sum := s.took(); n != taken || sum != int64(taken)*price {
					t.Errorf("%s, %s: Multicard took %d tiyin in %d payments", code, want, sum, n)
				}
			}
		}
	})
}

// Codes that only another client's source names are refusals of this payment, and another card may
// be tried.
func TestScenario_MC_4_18_RefusalsThatNoPageShows(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		taken := 0
		for _, code := range []string{"ERROR_INSUFFICIENT_FUNDS", "ERROR_CARD_EXPIRED"} {
			for _, step := range []string{"payment.create", "payment.confirm"} {
				invoice := s.invoice(nil)
				s.failNext(step, code)
				a := s.payBy(invoice, sim.GoodCard)
				if step == "payment.confirm" {
					a = s.code(invoice, sim.GoodCode)
				}
				failure, _ := a.Field("failure").(map[string]any)
				if a.Status != 200 || a.Field("status") != "pending" || a.Field("attention") != nil || failure["providerCode"] != code {
					t.Errorf("%s at %s: %d %s", code, step, a.Status, a.Body)
				}
				s.want(s.payBy(invoice, sim.FreeCard), 200, "status", "paid")
				s.later(3 * time.Minute)
				taken++
				if n, _ := s.took(); n != taken {
					t.Errorf("Multicard took the money %d times of %d", n, taken)
				}
			}
		}
	})
}

// Multicard refuses a return address with an app's own scheme: such an invoice is paid in an app
// without one.
func TestScenario_MC_4_19_AReturnAddressOfAnApp(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		invoice := s.invoice(map[string]any{"returnUrl": "namuna://paid"})
		a := s.wallet(invoice, "payme")
		s.want(a, 200, "next", "redirect")
		s.act(simulator.Action{Kind: "pay", Link: fmt.Sprint(a.Field("url"))})
		s.stands(invoice, "paid", "paid")
	})
}

// A fault of the set-up makes no card and no form; a session that Multicard does not know any more
// ends as one that nobody finished.
func TestScenario_MC_8_06_AFormThatIsNotMade(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		form := map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "returnUrl": "https://shop.example.uz/cards"}
		s.failNext("card.bind", "ERROR_FIELDS", "details", "Не переданы обязательные поля: store_id")
		a := s.api(http.MethodPost, "/api/cards/form", form)
		if a.Status != 502 || !strings.Contains(string(a.Body), "Не переданы обязательные поля: store_id") {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if n := s.b.Row("SELECT COUNT(*) FROM cards WHERE state = $1", "active"); n != "0" {
			t.Errorf("%s cards are bound", n)
		}
		made := s.api(http.MethodPost, "/api/cards/form", form)
		s.want(made, 201, "status", "pending")
		s.b.Advance(21 * time.Minute)
		if r, err := s.b.Sim.Act(t.Context(), simulator.Action{Kind: "bind", Link: fmt.Sprint(made.Field("formUrl"))}); err == nil {
			t.Errorf("a form is filled in after its quarter of an hour: %+v", r)
		}
		s.want(s.api(http.MethodGet, "/api/cards/"+id(made), nil), 200, "status", "failed")
	})
}

// Revoking is told to Multicard; that it knows the card no more is as good, and a lost answer leaves
// a card that can be revoked again and charges nothing.
func TestScenario_MC_8_07_RevokingACard(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		unknown := s.bound(sim.GoodCard)
		s.failNext("card.forget", "ERROR_CARD_NOT_FOUND")
		s.want(s.api(http.MethodDelete, "/api/cards/"+unknown, nil), 200, "status", "revoked")
		s.act(simulator.Action{Kind: "switch", Params: map[string]string{"otp": "off"}})

		lost := s.bound(sim.PoorCard)
		s.fault("card.forget", simulator.LostAfter, 1)
		s.api(http.MethodDelete, "/api/cards/"+lost, nil)
		s.want(s.api(http.MethodDelete, "/api/cards/"+lost, nil), 200, "status", "revoked")
		s.refusedWith(s.charge(s.invoice(nil), lost), 409, "card_revoked")
		if n, _ := s.took(); n != 0 {
			t.Errorf("Multicard took the money %d times", n)
		}
	})
}

// Lost answers at each call that makes or ends a hold, before Multicard did it and after: one debit
// or none, and never both ends.
func TestScenario_MC_11_04_LostBeforeAndAfter(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		card := s.bound(sim.GoodCard)
		for _, c := range []struct {
			step, end string
			kind      simulator.Kind
			status    string
			took      int
		}{
			{"hold.create", "", simulator.LostBefore, "pending", 0},
			{"hold.charge", "capture", simulator.LostBefore, "held", 1}, // taken by the second try, below
			{"hold.charge", "capture", simulator.LostAfter, "paid", 1},
			{"hold.charge", "capture", simulator.HalfBody, "paid", 1},
			{"hold.cancel", "cancel", simulator.LostBefore, "held", 1},
			{"hold.cancel", "cancel", simulator.LostAfter, "cancelled", 0},
		} {
			before, _ := s.took()
			invoice := s.invoice(map[string]any{"capture": "manual", "holdSeconds": 86400})
			if c.end == "" {
				s.fault(c.step, c.kind, 1)
			}
			a := s.charge(invoice, card)
			if c.end != "" {
				s.want(s.code(invoice, sim.GoodCode), 200, "status", "held")
				s.fault(c.step, c.kind, 1)
				a = s.api(http.MethodPost, "/api/invoices/"+invoice+"/"+c.end, nil)
			}
			s.want(a, 200, "attention", "unknown_outcome")
			for _, end := range []string{"capture", "cancel"} {
				if b := s.api(http.MethodPost, "/api/invoices/"+invoice+"/"+end, nil); b.Status != 409 {
					t.Errorf("%s %s, %s meanwhile: %d %s", c.step, c.kind, end, b.Status, b.Body)
				}
			}
			s.anHour()
			s.is(invoice, c.status)
			s.want(s.api(http.MethodGet, "/api/invoices/"+invoice, nil), 200, "attention", nil)
			if c.status == "held" {
				s.want(s.api(http.MethodPost, "/api/invoices/"+invoice+"/capture", nil), 200, "status", "paid")
			}
			if n, _ := s.took(); n-before != c.took {
				t.Errorf("%s %s: Multicard took the money %d times", c.step, c.kind, n-before)
			}
		}
	})
}
