package multicard_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/multicard"
	"github.com/chorsu/chorsu/internal/provider/multicard/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The scenarios of cards, by the reference's sections: MC-4 error codes, MC-8 the form, MC-9 binding
// by number, MC-10 payments, MC-11 holds, MC-17 splits, MC-24 what the sandbox must do. All through
// the gateway, on both databases.

// cards is each with ACCEPT_CARD_DATA.
func cards(t *testing.T, switches map[string]string, f func(*testing.T, *scene)) {
	t.Helper()
	s := setup()
	s.CardData = true
	providertest.Each(t, s, func(t *testing.T, b *providertest.Bench) {
		s := &scene{t, b}
		if switches != nil {
			s.act(simulator.Action{Kind: "switch", Params: switches})
		}
		f(t, s)
	})
}

func number(pan string) map[string]any {
	expiry := "2912"
	if pan == sim.GoodCard {
		expiry = sim.GoodExpiry
	}
	return map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "number": pan, "expiry": expiry, "phone": "998901234567"}
}

func (s *scene) bind(pan string) providertest.Answer {
	s.t.Helper()
	return s.api(http.MethodPost, "/api/cards", number(pan))
}

func (s *scene) payBy(invoice, pan string, more ...string) providertest.Answer {
	s.t.Helper()
	n := number(pan)
	body := map[string]any{"method": "card", "card": map[string]any{"number": pan, "expiry": n["expiry"]}}
	if slices.Contains(more, "save") {
		body["save"] = true
	}
	return s.api(http.MethodPost, "/api/invoices/"+invoice+"/pay", body)
}

func (s *scene) wallet(invoice, app string) providertest.Answer {
	s.t.Helper()
	return s.api(http.MethodPost, "/api/invoices/"+invoice+"/pay", map[string]any{"method": "wallet", "wallet": app})
}

func (s *scene) want(a providertest.Answer, status int, field string, value any) {
	s.t.Helper()
	got := a.Field(field)
	if a.Status != status || fmt.Sprint(got) != fmt.Sprint(value) {
		s.t.Errorf("%d %s is %v, want %d %v: %s", a.Status, field, got, status, value, a.Body)
	}
}

// refusedWith wants an answer with a reason, of an error or of a bank.
func (s *scene) refusedWith(a providertest.Answer, status int, reason string) {
	s.t.Helper()
	if a.Status != status || why(a) != reason {
		s.t.Errorf("%d %q, want %d %q: %s", a.Status, why(a), status, reason, a.Body)
	}
}

func id(a providertest.Answer) string { return fmt.Sprint(a.Field("id")) }

// took counts what Multicard has taken, and the sum.
func (s *scene) took() (n int, sum int64) {
	for _, e := range s.b.Sim.Books() {
		if e.State == "paid" {
			n++
			sum += e.Amount
		}
	}
	return n, sum
}

func (s *scene) later(d time.Duration) {
	s.t.Helper()
	s.b.Advance(d)
	s.b.Settle()
}

// ─── MC-8: the form ────────────────────────────────────────────────────────────────────────

func TestScenario_MC_8_01_TheUnsignedWordOnlyHasTheFormRead(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		a := s.api(http.MethodPost, "/api/cards/form", map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "returnUrl": "https://shop.example.uz/cards"})
		form := fmt.Sprint(a.Field("formUrl"))
		_, session, _ := strings.Cut(form, "/card/")
		json := http.Header{"Content-Type": {"application/json"}}
		forged := fmt.Sprintf(`{"id":1,"payer_id":%q,"card_pan":"860053******8829","card_token":"6225f3c93f7a880142782fa4","status":"active","ps":"humo"}`, session)
		if a := s.b.Do(http.MethodPost, s.b.CallbackURL, json, []byte(forged)); a.Status != 200 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if got := s.b.Row("SELECT state FROM cards WHERE id = $1", id(a)); got != "pending" {
			t.Errorf("a word that nobody signed made the card %s", got)
		}
		s.b.Advance(6 * time.Second)
		s.act(simulator.Action{Kind: "bind", Link: form})
		// Without anybody having read it: the company's word had it read back.
		if got := s.b.Row("SELECT state || ' ' || system FROM cards WHERE id = $1", id(a)); got != "active uzcard" {
			t.Errorf("the card is %s", got)
		}
		unknown := strings.Replace(forged, session, "0000000000000", 1)
		if a := s.b.Do(http.MethodPost, s.b.CallbackURL, json, []byte(unknown)); a.Status != 200 {
			t.Errorf("a session that is not ours: %d %s", a.Status, a.Body)
		}
	})
}

func TestScenario_MC_8_02_TheWordIsRepeatedUntilItIsTaken(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		a := s.api(http.MethodPost, "/api/cards/form", map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "returnUrl": "https://shop.example.uz/cards"})
		s.fault("card.session", simulator.Error500, 1)
		s.fault("card.callback", simulator.LostBefore, 2)
		s.act(simulator.Action{Kind: "bind", Link: fmt.Sprint(a.Field("formUrl"))})
		for range 4 {
			s.b.Advance(61 * time.Second)
			s.b.Sim.Tick(t.Context())
		}
		if got := s.b.Row("SELECT state FROM cards WHERE id = $1", id(a)); got != "active" && s.api(http.MethodGet, "/api/cards/"+id(a), nil).Field("status") != "active" {
			t.Errorf("the card is %s", got)
		}
	})
}

func TestScenario_MC_8_03_SomebodyElsesCard(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		for pinfl, want := range map[string]string{sim.OwnerPINFL: "active", "30101900000000": "pending"} {
			a := s.api(http.MethodPost, "/api/cards/form", map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "returnUrl": "https://shop.example.uz/cards", "phone": "998901234567", "pinfl": pinfl})
			_, _ = s.b.Sim.Act(t.Context(), simulator.Action{Kind: "bind", Link: fmt.Sprint(a.Field("formUrl"))})
			s.b.Advance(6 * time.Second)
			s.want(s.api(http.MethodGet, "/api/cards/"+id(a), nil), 200, "status", want)
		}
	})
}

func TestScenario_MC_8_04_FormUnderAKey(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		body := map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "returnUrl": "https://shop.example.uz/cards"}
		one, two := s.b.Keyed("/api/cards/form", "k", body), s.b.Keyed("/api/cards/form", "k", body)
		if one.Status != 201 || two.Status != 201 || id(one) != id(two) || one.Field("formUrl") != two.Field("formUrl") || two.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s and %s", one.Body, two.Body)
		}
		body["returnUrl"] = "https://shop.example.uz/other"
		s.refusedWith(s.b.Keyed("/api/cards/form", "k", body), 409, "idempotency_key_reused")
		s.fault("card.bind", simulator.LostAfter, 1)
		s.want(s.b.Keyed("/api/cards/form", "k2", body), 502, "provider.name", nil)
		s.want(s.b.Keyed("/api/cards/form", "k2", body), 201, "status", "pending") // nothing was kept of the first
	})
}

// ─── MC-9: by number ───────────────────────────────────────────────────────────────────────

func TestScenario_MC_9_01_BindByNumber(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		a := s.bind(sim.GoodCard)
		s.want(a, 201, "next", "otp")
		path := "/api/cards/" + id(a)
		s.refusedWith(s.api(http.MethodPost, path+"/confirm", map[string]any{"otp": "000000"}), 409, "wrong_otp")
		s.want(s.b.Keyed(path+"/confirm", "k", map[string]any{"otp": sim.GoodCode}), 200, "status", "active")
		again := s.b.Keyed(path+"/confirm", "k", map[string]any{"otp": sim.GoodCode})
		if again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%d %v", again.Status, again.Header)
		}
		s.want(again, 200, "status", "active")
		s.want(s.api(http.MethodGet, path, nil), 200, "maskedPan", "860053******8829")
		invoice := s.invoice(nil)
		s.want(s.charge(invoice, id(a)), 200, "next", "otp")
		s.want(s.code(invoice, sim.GoodCode), 200, "status", "paid")
		s.want(s.api(http.MethodDelete, path, nil), 200, "status", "revoked")
		if s.b.Row("SELECT sealed || ref FROM cards WHERE id = $1", id(a)) != "" {
			t.Error("something that charges the card is kept")
		}
	})
}

func TestScenario_MC_9_02_ConfirmedAtOnceByMany(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		path := "/api/cards/" + id(s.bind(sim.GoodCard)) + "/confirm"
		s.b.Race(8, func(int) {
			if a := s.api(http.MethodPost, path, map[string]any{"otp": sim.GoodCode}); a.Field("status") != "active" {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	})
}

func TestScenario_MC_9_03_LostAnswers(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		s.fault("card.add", simulator.LostAfter, 1)
		s.want(s.bind(sim.GoodCard), 502, "reason", nil)
		s.later(3 * time.Minute)
		a := s.bind(sim.GoodCard)
		s.fault("card.confirm", simulator.LostBefore, 1)
		s.want(s.api(http.MethodPost, "/api/cards/"+id(a)+"/confirm", map[string]any{"otp": sim.GoodCode}), 502, "reason", nil)
		s.want(s.api(http.MethodPost, "/api/cards/"+id(a)+"/confirm", map[string]any{"otp": sim.GoodCode}), 200, "status", "active")
	})
}

func TestScenario_MC_9_04_CheckByNumber(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		ask := func(pan string) providertest.Answer {
			return s.api(http.MethodPost, "/api/cards/check", map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "number": pan})
		}
		a := ask(sim.HumoCard)
		s.want(a, 200, "paymentSystem", "humo")
		s.want(a, 200, "maskedPan", "986027******1519")
		s.want(a, 200, "holderName", "AAAA BBBBB")
		s.refusedWith(ask(sim.UnknownCard), 200, pay.DeclineCard)
	})
}

func TestScenario_MC_8_05_OwnerByPINFL(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		ask := func(pan, pinfl string) providertest.Answer {
			return s.api(http.MethodPost, "/api/cards/check-owner", map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "number": pan, "pinfl": pinfl})
		}
		s.want(ask(sim.GoodCard, sim.OwnerPINFL), 200, "matches", true)
		s.want(ask(sim.GoodCard, "30101900000000"), 200, "matches", false)
		s.want(ask(sim.VisaCard, sim.OwnerPINFL), 200, "matches", nil)
		if a := ask(sim.GoodCard, "123"); a.Status != 400 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

// ─── MC-4: what can be refused ─────────────────────────────────────────────────────────────

func TestScenario_MC_4_11_WrongCodesUntilItIsLocked(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		card := "/api/cards/" + id(s.bind(sim.GoodCard)) + "/confirm"
		for range 3 {
			s.refusedWith(s.api(http.MethodPost, card, map[string]any{"otp": "000000"}), 409, "wrong_otp")
		}
		s.refusedWith(s.api(http.MethodPost, card, map[string]any{"otp": sim.GoodCode}), 409, "otp_expired")
		s.refusedWith(s.api(http.MethodPost, card, map[string]any{"otp": sim.GoodCode}), 409, "otp_expired")

		s.later(3 * time.Minute)
		invoice := s.invoice(nil)
		s.payBy(invoice, sim.GoodCard)
		for range 3 {
			s.refusedWith(s.code(invoice, "000000"), 409, "wrong_otp")
		}
		s.refusedWith(s.code(invoice, sim.GoodCode), 409, "otp_expired")
		if n, _ := s.took(); n != 0 {
			t.Errorf("%d payments were taken", n)
		}
		s.later(3 * time.Minute)
		s.want(s.payBy(invoice, sim.GoodCard), 200, "next", "otp")
		s.want(s.code(invoice, sim.GoodCode), 200, "status", "paid")
	})
}

func TestScenario_MC_4_12_CardsThatAreNotTaken(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		for pan, want := range map[string]string{sim.QuietCard: pay.DeclineSMS, sim.UnknownCard: pay.DeclineCard, sim.UnsupportedCard: pay.DeclineCard} {
			s.refusedWith(s.bind(pan), 201, want)
			s.refusedWith(s.payBy(s.invoice(nil), pan), 200, want)
		}
	})
}

func TestScenario_MC_4_13_AnotherCodeTooSoon(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		a := s.bind(sim.GoodCard)
		early := s.bind(sim.GoodCard)
		s.refusedWith(early, 429, "too_early")
		if early.Header.Get("Retry-After") == "" {
			t.Error("nobody says when")
		}
		resend, body := "/api/cards/"+id(a)+"/resend", map[string]any{"number": sim.GoodCard, "expiry": sim.GoodExpiry, "phone": "998901234567"}
		s.refusedWith(s.api(http.MethodPost, resend, body), 429, "too_early")
		s.later(121 * time.Second)
		s.refusedWith(s.api(http.MethodPost, resend, nil), 422, "card_needed_again")
		s.refusedWith(s.api(http.MethodPost, resend, map[string]any{"number": sim.PoorCard, "expiry": "2912", "phone": "998901234567"}), 409, "other_card")
		s.want(s.b.Keyed(resend, "k", body), 200, "next", "otp")
		s.want(s.b.Keyed(resend, "k", body), 200, "next", "otp")
		s.want(s.api(http.MethodPost, "/api/cards/"+id(a)+"/confirm", map[string]any{"otp": sim.GoodCode}), 200, "status", "active")

		invoice := s.invoice(nil)
		s.payBy(invoice, sim.GoodCard)
		s.refusedWith(s.payBy(invoice, sim.GoodCard), 429, "too_early") // the code that was sent still counts
		again := "/api/invoices/" + invoice + "/resend"
		s.refusedWith(s.api(http.MethodPost, again, nil), 422, "card_needed_again")
		full := map[string]any{"card": map[string]any{"number": sim.GoodCard, "expiry": sim.GoodExpiry}}
		early = s.api(http.MethodPost, again, full)
		s.refusedWith(early, 429, "too_early")
		if early.Header.Get("Retry-After") != "120" {
			t.Errorf("Retry-After %q", early.Header.Get("Retry-After"))
		}
		s.b.Advance(120 * time.Second)
		s.want(s.b.Keyed(again, "k", full), 200, "next", "otp")
		s.want(s.code(invoice, sim.GoodCode), 200, "status", "paid")
		if n, _ := s.took(); n != 1 {
			t.Errorf("%d payments were taken", n)
		}
	})
}

func TestScenario_MC_4_14_TheQuotaOfCodes(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		s.refusedWith(s.bind(sim.TalkativeCard), 429, "too_many_codes")
		invoice := s.invoice(nil)
		s.refusedWith(s.payBy(invoice, sim.TalkativeCard), 429, "too_many_codes")
		s.is(invoice, "pending")
		s.want(s.payBy(invoice, sim.GoodCard), 200, "next", "otp")
	})
}

func TestScenario_MC_4_15_AHoldThatIsNotActive(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		invoice := s.invoice(map[string]any{"capture": "manual"})
		s.charge(invoice, s.bound(sim.GoodCard))
		s.code(invoice, sim.GoodCode)
		s.failNext("hold.cancel", "ERROR_PAYMENT_APPLIED", "status", "403")
		s.want(s.cancel(invoice), 200, "status", "held")
		s.want(s.cancel(invoice), 200, "status", "cancelled")
	})
}

// ─── MC-10: payments ───────────────────────────────────────────────────────────────────────

func TestScenario_MC_10_01_ByNumber(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		invoice := s.invoice(nil)
		a := s.payBy(invoice, sim.GoodCard)
		s.want(a, 200, "next", "otp")
		s.want(a, 200, "cardId", nil)
		s.refusedWith(s.code(invoice, "000000"), 409, "wrong_otp")
		s.want(s.code(invoice, sim.GoodCode), 200, "status", "paid")
		s.stands(invoice, "paid", "paid")
		if c := s.payment(invoice).Card; c.MaskedPAN != "860053******8829" || c.PaymentSystem != "uzcard" {
			t.Errorf("%+v", c)
		}
		atOnce := s.invoice(nil)
		s.want(s.payBy(atOnce, sim.FreeCard), 200, "status", "paid")
		for pan, want := range map[string]string{sim.PoorCard: pay.DeclineFunds, sim.BlockedCard: pay.DeclineBlocked, sim.ShortCard: pay.DeclineFunds} {
			refused := s.invoice(nil)
			s.payBy(refused, pan)
			s.refusedWith(s.code(refused, sim.GoodCode), 200, want)
		}
		wrong := s.api(http.MethodPost, "/api/invoices/"+s.invoice(nil)+"/pay", map[string]any{"method": "card", "card": map[string]any{"number": sim.GoodCard, "expiry": "2912"}})
		s.refusedWith(wrong, 200, pay.DeclineCard)
		late := s.invoice(nil)
		s.payBy(late, sim.GoodCard)
		s.b.Advance(3 * time.Minute)
		s.refusedWith(s.code(late, sim.GoodCode), 409, "otp_expired")
		if n, sum := s.took(); n != 2 || sum != 2*price {
			t.Errorf("Multicard took %d tiyin in %d payments", sum, n)
		}
	})
}

func TestScenario_MC_10_02_KeepTheCard(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		invoice := s.invoice(nil)
		s.payBy(invoice, sim.GoodCard, "save")
		s.code(invoice, sim.GoodCode)
		card := s.payment(invoice).CardID
		s.want(s.api(http.MethodGet, "/api/cards/"+card, nil), 200, "status", "active")
		next := s.invoice(nil)
		s.want(s.charge(next, card), 200, "next", "otp")
		s.want(s.code(next, sim.GoodCode), 200, "status", "paid")

		atOnce := s.invoice(nil)
		if a := s.payBy(atOnce, sim.FreeCard, "save"); a.Field("status") != "paid" || a.Field("cardId") == nil {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		// That the card cannot be read changes nothing about the money.
		lost := s.invoice(nil)
		s.payBy(lost, sim.HumoCard, "save")
		s.fault("card.read", simulator.Error500, 3)
		s.want(s.code(lost, sim.GoodCode), 200, "status", "paid")
		if got := s.payment(lost).CardID; got != "" {
			t.Errorf("card %s", got)
		}
	})
}

func TestScenario_MC_10_03_LostAnswersByNumber(t *testing.T) {
	for _, c := range []struct {
		step   string
		kind   simulator.Kind
		status string
		reason string
	}{
		{"payment.create", simulator.LostAfter, "pending", pay.DeclineCardAgain},
		{"payment.create", simulator.LostBefore, "pending", pay.DeclineCardAgain},
		{"payment.confirm", simulator.LostBefore, "pending", pay.DeclineCodeLate},
		{"payment.confirm", simulator.LostAfter, "paid", ""},
		{"payment.confirm", simulator.Error500After, "paid", ""},
		{"payment.confirm", simulator.HalfBody, "paid", ""},
	} {
		t.Run(c.step+" "+string(c.kind), func(t *testing.T) {
			cards(t, nil, func(t *testing.T, s *scene) {
				invoice := s.invoice(nil)
				s.fault(c.step, c.kind, 1)
				a := s.payBy(invoice, sim.GoodCard)
				if c.step == "payment.confirm" {
					a = s.code(invoice, sim.GoodCode)
				}
				s.want(a, 200, "attention", "unknown_outcome")
				s.refusedWith(s.payBy(invoice, sim.HumoCard), 409, "payment_in_progress")
				for range 8 {
					s.later(2 * time.Minute)
				}
				s.is(invoice, c.status)
				if got := s.b.InvoiceField(invoice, "attention"); got != nil {
					t.Errorf("attention %v", got)
				}
				if c.status == "paid" {
					s.stands(invoice, "paid", "paid")
				} else {
					if p := s.payment(invoice); p.State != pay.Failed || p.Reason != c.reason {
						t.Errorf("%s, %q", p.State, p.Reason)
					}
					s.want(s.payBy(invoice, sim.FreeCard), 200, "status", "paid")
				}
				if n, _ := s.took(); n != 1 {
					t.Errorf("Multicard took the money %d times", n)
				}
			})
		})
	}
}

func TestScenario_MC_10_04_ThroughAnApp(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		invoice := s.invoice(nil)
		page := s.link(invoice)
		a := s.wallet(invoice, "payme")
		s.want(a, 200, "next", "redirect")
		link := fmt.Sprint(a.Field("url"))
		if s.wallet(invoice, "payme").Field("url") != link {
			t.Error("a second press made another link")
		}
		if s.link(invoice) != "" {
			t.Error("the invoice still leads to a page that was taken back")
		}
		s.act(simulator.Action{Kind: "pay", Link: page}) // nobody can pay there any more
		s.is(invoice, "pending")
		other := s.wallet(invoice, "click")
		s.act(simulator.Action{Kind: "pay", Link: link})
		s.is(invoice, "pending")
		s.act(simulator.Action{Kind: "pay", Link: fmt.Sprint(other.Field("url"))})
		s.stands(invoice, "paid", "paid")
		if c := s.payment(invoice).Card; c.PaymentSystem != "click" {
			t.Errorf("%+v", c)
		}
		s.refusedWith(s.wallet(invoice, "uzum"), 409, "already_paid")
		if n, _ := s.took(); n != 1 {
			t.Errorf("Multicard took the money %d times", n)
		}
	})
}

func TestScenario_MC_10_05_AppWithoutItsWord(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		invoice := s.invoice(nil)
		a := s.wallet(invoice, "uzum")
		s.fault("callback", simulator.LostBefore, 1000)
		s.act(simulator.Action{Kind: "switch", Params: map[string]string{"webhooks": "on"}})
		s.fault("webhook", simulator.LostBefore, 1000)
		s.act(simulator.Action{Kind: "pay", Link: fmt.Sprint(a.Field("url"))})
		s.later(time.Minute)
		s.stands(invoice, "paid", "paid") // asked
	})
}

func TestScenario_MC_10_06_AppThatIsNotPaid(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		invoice := s.invoice(map[string]any{"ttlSeconds": 600})
		s.fault("payment.create", simulator.LostAfter, 1)
		if a := s.wallet(invoice, "payme"); a.Status != 502 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		a := s.wallet(invoice, "payme")
		s.act(simulator.Action{Kind: "pay", Link: fmt.Sprint(a.Field("url")), Params: map[string]string{"card": sim.PoorCard}})
		s.later(time.Minute)
		s.is(invoice, "pending")
		again := s.wallet(invoice, "payme")
		if again.Field("url") == a.Field("url") || again.Field("next") != "redirect" {
			t.Errorf("%d %s", again.Status, again.Body)
		}
		for range 12 {
			s.later(time.Minute)
		}
		s.stands(invoice, "cancelled", "cancelled")
		s.act(simulator.Action{Kind: "pay", Link: fmt.Sprint(again.Field("url"))})
		if n, _ := s.took(); n != 0 {
			t.Errorf("Multicard took the money %d times", n)
		}
		s.refusedWith(s.wallet(s.invoice(map[string]any{"capture": "manual"}), "payme"), 422, "no_hold")
	})
}

func TestScenario_MC_10_07_ConfirmedAtOnceByMany(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		invoice := s.invoice(nil)
		s.payBy(invoice, sim.GoodCard)
		s.b.Race(8, func(int) {
			if a := s.code(invoice, sim.GoodCode); a.Status != 200 && a.Status != 409 {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
		s.stands(invoice, "paid", "paid")
		if n, sum := s.took(); n != 1 || sum != price {
			t.Errorf("Multicard took %d tiyin in %d payments", sum, n)
		}
		s.want(s.code(invoice, sim.GoodCode), 200, "status", "paid")
	})
}

func TestScenario_MC_10_08_FiscalLinkOfACardPayment(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		invoice := s.invoice(nil)
		s.payBy(invoice, sim.FreeCard)
		link := "https://ofd.soliq.uz/epi?t=EZ000000000001&r=1&c=20261121140000&s=123456789012"
		if a := s.api(http.MethodPost, "/api/invoices/"+invoice+"/receipt", map[string]any{"url": link}); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		s.b.Settle()
		if got := s.b.InvoiceField(invoice, "receiptUrl"); got != link {
			t.Errorf("the receipt is %v", got)
		}
		s.attends(invoice)
	})
}

// ─── MC-11: holds ──────────────────────────────────────────────────────────────────────────

func TestScenario_MC_11_01_EndsOfAHold(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		card := s.bound(sim.GoodCard)
		held := func() string {
			invoice := s.invoice(map[string]any{"capture": "manual", "holdSeconds": 3600})
			s.charge(invoice, card)
			s.want(s.code(invoice, sim.GoodCode), 200, "status", "held")
			return invoice
		}
		capture := func(invoice string, body any) providertest.Answer {
			return s.api(http.MethodPost, "/api/invoices/"+invoice+"/capture", body)
		}
		one := held()
		s.refusedWith(capture(one, map[string]any{"amount": price + 1}), 409, "more_than_held")
		s.b.Race(8, func(int) { capture(one, nil) })
		s.stands(one, "paid", "held", "paid")

		keyed := held()
		s.want(s.b.Keyed("/api/invoices/"+keyed+"/capture", "k", map[string]any{"amount": 100000}), 200, "capturedAmount", 100000)
		s.want(s.b.Keyed("/api/invoices/"+keyed+"/capture", "k", map[string]any{"amount": 100000}), 200, "capturedAmount", 100000)
		s.refusedWith(s.b.Keyed("/api/invoices/"+keyed+"/capture", "k", map[string]any{"amount": 200000}), 409, "idempotency_key_reused")

		over := held()
		s.b.Advance(61 * time.Minute)
		s.want(capture(over, nil), 200, "status", "cancelled") // it was gone before it was asked for
		s.stands(over, "cancelled", "held", "cancelled")

		s.refusedWith(s.payBy(s.invoice(map[string]any{"capture": "manual"}), sim.GoodCard), 422, "hold_needs_token")
		if n, sum := s.took(); n != 2 || sum != price+100000 {
			t.Errorf("Multicard took %d tiyin in %d payments", sum, n)
		}
	})
}

func TestScenario_MC_11_02_LostAnswersOfAHold(t *testing.T) {
	for _, c := range []struct {
		step   string
		kind   simulator.Kind
		status string
	}{
		{"hold.create", simulator.LostAfter, "pending"},
		{"hold.confirm", simulator.LostBefore, "pending"},
		{"hold.confirm", simulator.LostAfter, "held"},
	} {
		t.Run(c.step+" "+string(c.kind), func(t *testing.T) {
			each(t, nil, func(t *testing.T, s *scene) {
				card := s.bound(sim.GoodCard)
				invoice := s.invoice(map[string]any{"capture": "manual", "holdSeconds": 86400})
				s.fault(c.step, c.kind, 1)
				a := s.charge(invoice, card)
				if c.step == "hold.confirm" {
					a = s.code(invoice, sim.GoodCode)
				}
				s.want(a, 200, "attention", "unknown_outcome")
				for range 8 {
					s.later(2 * time.Minute)
				}
				s.is(invoice, c.status)
				if c.status == "held" {
					s.want(s.api(http.MethodPost, "/api/invoices/"+invoice+"/capture", nil), 200, "status", "paid")
				} else {
					s.want(s.charge(invoice, card), 200, "next", "otp")
				}
			})
		})
	}
}

// ─── MC-17: splits ─────────────────────────────────────────────────────────────────────────

func TestScenario_MC_17_01_Splits(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		part := func(kind string, amount int, recipient string) map[string]any {
			p := map[string]any{"type": kind, "amount": amount, "details": "uchun"}
			if recipient != "" {
				p["recipient"] = recipient
			}
			return p
		}
		recipient := "a1df872e-d5aa-11ee-8de8-005056b4367d"
		good := map[string]any{"split": []any{part("account", 380000, recipient), part("wallet", 100000, "")}}
		ask := func(more map[string]any) providertest.Answer {
			return s.api(http.MethodPost, "/api/invoices", s.b.InvoiceRequest(price, more))
		}
		for _, bad := range [][]any{
			{part("account", price, ""), part("wallet", 1, "")}, {part("purse", 1000, "")}, {part("account", 1000, "nobody")},
		} {
			if a := ask(map[string]any{"split": bad}); a.Status != 400 {
				t.Errorf("%v: %d %s", bad, a.Status, a.Body)
			}
		}
		// More than what the commission leaves: Multicard alone knows, and says so.
		if a := ask(map[string]any{"split": []any{part("account", price, "")}}); a.Status != 502 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		page := s.invoice(good)
		s.buyer("pay", page)
		s.is(page, "paid")
		byToken := s.invoice(good)
		s.charge(byToken, s.bound(sim.GoodCard))
		s.want(s.code(byToken, sim.GoodCode), 200, "status", "paid")
		byNumber := s.invoice(good)
		s.want(s.payBy(byNumber, sim.FreeCard), 200, "status", "paid")
		s.refusedWith(s.wallet(s.invoice(good), "payme"), 422, "split_not_supported")
		for _, e := range s.splits() {
			if e != `[{"type":"account","amount":380000,"details":"uchun","recipient":"`+recipient+`"},{"type":"wallet","amount":100000,"details":"uchun"}]` {
				t.Errorf("Multicard was asked to split %s", e)
			}
		}
		if n := len(s.splits()); n < 3 {
			t.Errorf("%d payments were split", n)
		}
	})
}

// splits are the splits that Multicard was given.
func (s *scene) splits() []string {
	return s.b.Sim.(interface{ Splits() []string }).Splits()
}

// ─── MC-24: what the sandbox must do ───────────────────────────────────────────────────────

func TestScenario_MC_24_06_CodesBySwitch(t *testing.T) {
	cards(t, map[string]string{"otp": "off"}, func(t *testing.T, s *scene) {
		s.want(s.charge(s.invoice(nil), s.bound(sim.GoodCard)), 200, "status", "paid")
		s.act(simulator.Action{Kind: "switch", Params: map[string]string{"otp": "on"}})
		secure := s.invoice(nil)
		a := s.payBy(secure, sim.SecureCard) // 3-D Secure's code: no telephone is told
		s.want(a, 200, "next", "otp")
		if otp, _ := a.Field("otp").(map[string]any); otp["phoneMasked"] != nil {
			t.Errorf("%v", otp)
		}
		s.want(s.code(secure, sim.GoodCode), 200, "status", "paid")
	})
}

func TestScenario_MC_24_05_NeverLessThanWasAskedFor(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		invoice := s.invoice(nil)
		s.payBy(invoice, sim.ShortCard)
		s.refusedWith(s.code(invoice, sim.GoodCode), 200, pay.DeclineFunds)
		if n, _ := s.took(); n != 0 {
			t.Errorf("%d payments were taken", n)
		}
	})
}

func TestScenario_MC_24_05_HumoAndItsTelephone(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		s.want(s.bind(sim.HumoCard), 201, "next", "otp")
		a := s.api(http.MethodPost, "/api/cards/form", map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "returnUrl": "https://shop.example.uz/cards"})
		if _, err := s.b.Sim.Act(t.Context(), simulator.Action{Kind: "bind", Link: fmt.Sprint(a.Field("formUrl")), Params: map[string]string{"card": sim.HumoCard}}); err == nil {
			t.Error("the form took a Humo card without its telephone")
		}
		s.want(s.api(http.MethodGet, "/api/cards/"+id(a), nil), 200, "status", "pending")
	})
}

// A card whose code nobody handed over ends by itself, and tells why.
func TestBindingThatNobodyFinished(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		late := s.bind(sim.GoodCard)
		s.later(11 * time.Minute)
		s.want(s.api(http.MethodGet, "/api/cards/"+id(late), nil), 200, "status", "pending") // another code could still be sent
		s.later(2 * time.Minute)
		s.refusedWith(s.api(http.MethodGet, "/api/cards/"+id(late), nil), 200, pay.DeclineCodeLate)
	})
}

// On the hosted page ten cards an hour can be tried on one invoice: nobody is to test stolen ones here.
func TestCardsAreNotTriedOutOnThePage(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		try := func(invoice string) string {
			form := "number=" + sim.QuietCard + "&expiry=1228"
			a := s.b.Do(http.MethodPost, s.b.URL+"/pay/"+invoice+"/card", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form))
			return a.Header.Get("Location")
		}
		one, two := s.invoice(nil), s.invoice(nil)
		for i := range 10 {
			if to := try(one); strings.Contains(to, "trouble=tries") {
				t.Fatalf("try %d is refused", i+1)
			}
		}
		if to := try(one); !strings.Contains(to, "trouble=tries") {
			t.Errorf("the eleventh is not: %s", to)
		}
		if n := len(s.b.Payments(one)); n != 11 { // ten, and the page that was taken back first
			t.Errorf("%d attempts", n)
		}
		if to := try(two); strings.Contains(to, "trouble=tries") {
			t.Error("another invoice suffers")
		}
		s.b.Advance(61 * time.Minute)
		if to := try(one); strings.Contains(to, "trouble=tries") {
			t.Error("an hour later it still is")
		}
	})
}

// One way in at a time: the page takes the link into an app back, and no second page is made beside it.
func TestOnePageOrOneLink(t *testing.T) {
	cards(t, nil, func(t *testing.T, s *scene) {
		body := s.b.InvoiceRequest(price, nil)
		delete(body, "provider")
		a := s.api(http.MethodPost, "/api/invoices", body)
		invoice := id(a)
		link := fmt.Sprint(s.wallet(invoice, "payme").Field("url"))
		if again := s.api(http.MethodPost, "/api/invoices", body); again.Status != 200 || id(again) != invoice {
			t.Errorf("%d %s", again.Status, again.Body)
		}
		s.b.Do(http.MethodPost, s.b.URL+"/pay/"+invoice, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte("provider=multicard"))
		s.act(simulator.Action{Kind: "pay", Link: link})
		s.is(invoice, "pending")
		page := s.payment(invoice)
		if page.Way != "" || page.PageURL == "" {
			t.Fatalf("%+v", page)
		}
		s.act(simulator.Action{Kind: "pay", Link: page.PageURL})
		s.stands(invoice, "paid", "paid")
		if n, _ := s.took(); n != 1 {
			t.Errorf("Multicard took the money %d times", n)
		}
	})
}

// Nothing that a stranger writes as a binding callback gets further than a session's name.
func FuzzBindingCallback(f *testing.F) {
	f.Add([]byte(`{"payer_id":"67f8dd24e9800","card_token":"6225f3c93f7a880142782fa4","status":"active"}`))
	f.Add([]byte(`{"payer_id":67,"sign":null}`))
	f.Add([]byte(`{"payer_id":"../67","payer_id":"x"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if got := multicard.BoundSession(body); len(got) > 64 || strings.ContainsAny(got, "/?#% \n") {
			t.Errorf("%q", got)
		}
	})
}
