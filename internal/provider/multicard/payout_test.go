package multicard_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/multicard/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// Payouts, by the reference's section 12 and the boxes of its section 24.

// withNumbers is each where card numbers may be sent.
func withNumbers(t *testing.T, f func(*testing.T, *scene)) {
	t.Helper()
	o := setup()
	o.CardData = true
	providertest.Each(t, o, func(t *testing.T, b *providertest.Bench) { f(t, &scene{t, b}) })
}

// payout asks for one; more adds to the request, or takes a field out of it.
func (s *scene) payout(number string, more map[string]any) providertest.Answer {
	s.t.Helper()
	body := map[string]any{
		"source": "app", "businessId": "biz-1", "provider": "multicard", "sourcePayoutId": number, "amount": 50000,
		"card": map[string]any{"number": sim.GoodCard}, "notifyUrl": s.b.NotifyURL(),
	}
	for k, v := range more {
		if body[k] = v; v == nil {
			delete(body, k)
		}
	}
	return s.api(http.MethodPost, "/api/payouts", body)
}

func (s *scene) confirmPayout(id any, otp string) providertest.Answer {
	s.t.Helper()
	return s.api(http.MethodPost, fmt.Sprintf("/api/payouts/%s/confirm", id), map[string]any{"otp": otp})
}

// payoutIs reads a payout; status is "pending", or what came of it.
func (s *scene) payoutIs(id any, status string) providertest.Answer {
	s.t.Helper()
	a := s.api(http.MethodGet, fmt.Sprintf("/api/payouts/%s", id), nil)
	if a.Field("status") != status {
		s.t.Errorf("the payout is %s, want %s", a.Body, status)
	}
	return a
}

// left is Multicard's own word: what is left of the deposit, and how many payouts arrived.
func (s *scene) left() (deposit int64, arrived int) {
	m := s.b.Sim.(*sim.Simulator)
	for _, p := range m.Payouts() {
		if p.State == "paid" {
			arrived++
		}
	}
	return m.Deposit(public["applicationId"]), arrived
}

func (s *scene) paidOut(want int) {
	s.t.Helper()
	const first = 34_643_176_00
	if deposit, arrived := s.left(); arrived != want || deposit != first-int64(want)*50000 {
		s.t.Errorf("%d payouts arrived, want %d; the deposit is %d", arrived, want, deposit)
	}
}

// inAnHour lets everything be asked that is due.
func (s *scene) inAnHour() {
	s.t.Helper()
	s.b.Advance(35 * time.Second)
	s.b.Settle()
	for range 6 {
		s.b.Advance(11 * time.Minute)
		s.b.Settle()
	}
}

// In two steps nothing moves before the confirmation; a wrong code leaves it waiting.
func TestScenario_MC_12_01_PayoutInTwoSteps(t *testing.T) {
	withNumbers(t, func(t *testing.T, s *scene) {
		a := s.payout("p1", nil)
		id := a.Field("id")
		if a.Status != 201 || a.Field("status") != "pending" || a.Field("next") != "confirm" {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		s.paidOut(0)
		if a := s.confirmPayout(id, "000000"); a.Status != 409 || why(a) != "wrong_otp" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if a := s.api(http.MethodPost, fmt.Sprintf("/api/payouts/%s/confirm", id), nil); a.Status != 502 {
			t.Errorf("without a code that is asked for: %d %s", a.Status, a.Body)
		}
		if a := s.payoutIs(id, "pending"); a.Field("next") != "confirm" {
			t.Errorf("%s", a.Body)
		}
		for range 2 {
			a = s.confirmPayout(id, sim.GoodCode)
			card, _ := a.Field("card").(map[string]any)
			receipt, _ := a.Field("receiptUrl").(string)
			if a.Status != 200 || a.Field("status") != "succeeded" || card["pan"] != "860053******8829" || !strings.Contains(receipt, "/credit/check/") {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
		}
		s.paidOut(1)
		told := s.b.Webhooks(fmt.Sprint(id))
		if len(told) != 1 || told[0].Event != "payout.updated" || told[0].JSON["status"] != "succeeded" || told[0].JSON["sourcePayoutId"] != "p1" {
			t.Errorf("the app was told %+v", told)
		}
		timeline := s.api(http.MethodGet, fmt.Sprintf("/api/payouts/%s/timeline", id), nil)
		if !strings.Contains(string(timeline.Body), "/payment/credit") || strings.Contains(string(timeline.Body), sim.GoodCard) || strings.Contains(string(timeline.Body), sim.GoodCode) {
			t.Errorf("the timeline: %s", timeline.Body)
		}
	})
}

// In one step it is sent at once. Its number stands for it, and it is never sent again.
func TestScenario_MC_12_02_PayoutInOneStep(t *testing.T) {
	withNumbers(t, func(t *testing.T, s *scene) {
		a := s.payout("p1", map[string]any{"confirm": false})
		if a.Status != 201 || a.Field("status") != "succeeded" || a.Field("next") != nil {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if b := s.payout("p1", map[string]any{"confirm": false}); b.Status != 200 || b.Field("id") != a.Field("id") {
			t.Errorf("%d %s", b.Status, b.Body)
		}
		if b := s.payout("p1", map[string]any{"confirm": false, "amount": 50001}); b.Status != 409 || why(b) != "differs" {
			t.Errorf("%d %s", b.Status, b.Body)
		}
		s.b.Race(16, func(int) { s.payout("p2", map[string]any{"confirm": false}) })
		s.paidOut(2)
		if a := s.api(http.MethodPost, fmt.Sprintf("/api/payouts/%s/resend", a.Field("id")), nil); a.Status != 409 || why(a) != "no_code_expected" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

// To a bound card no number is needed, and none is taken.
func TestScenario_MC_12_03_PayoutToABoundCard(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		if a := s.payout("p1", nil); a.Status != 400 || why(a) != "card_data_not_accepted" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		card := s.bound(sim.FreeCard)
		a := s.payout("p1", map[string]any{"card": nil, "cardId": card})
		if a.Field("next") != "confirm" {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if a := s.api(http.MethodPost, fmt.Sprintf("/api/payouts/%s/confirm", a.Field("id")), nil); a.Field("status") != "succeeded" {
			t.Errorf("where no code is asked for: %d %s", a.Status, a.Body)
		}
		s.paidOut(1)
		s.api(http.MethodDelete, "/api/cards/"+card, nil)
		if a := s.payout("p2", map[string]any{"card": nil, "cardId": card}); a.Status != 409 || why(a) != "card_revoked" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

var passport = map[string]any{
	"lastName": "Karimova", "firstName": "Dilnoza", "passport": "AD2123456", "pinfl": "31105892514010", "birthDate": "1989-05-11", "passportExpiry": "2029-11-17",
}

// Above 10 million soum Multicard wants a person. What it is told is kept nowhere.
func TestScenario_MC_12_04_PayoutToANamedPerson(t *testing.T) {
	withNumbers(t, func(t *testing.T, s *scene) {
		big := map[string]any{"amount": 1_000_000_001, "confirm": false}
		if a := s.payout("p1", big); a.Status != 400 || !strings.Contains(string(a.Body), `\"kyc\"`) {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		big["kyc"] = passport
		if a := s.payout("p1", big); a.Status != 201 || a.Field("status") != "succeeded" {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		other := map[string]any{}
		for k, v := range passport {
			other[k] = v
		}
		other["pinfl"] = "31105892514011"
		big["kyc"] = other
		if a := s.payout("p1", big); a.Status != 409 || !strings.Contains(string(a.Body), `\"kyc\"`) {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		s.failNext("payout.create", "ERROR_FIELDS", "details", "Для пополнения на эту сумму необходимо пройти идентификацию")
		if a := s.payout("p2", nil); a.Field("status") != "failed" || why(a) != pay.DeclinePerson {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		s.b.Settle()
		for table, columns := range map[string]string{"messages": "request || response", "payouts": "kyc_hash || note", "payout_events": "body", "changes": "note", "idempotency": "hash || key"} {
			for _, secret := range []string{"Karimova", "AD2123456", "31105892514010", "1989-05-11", sim.GoodCard} {
				if n := s.b.Row("SELECT COUNT(*) FROM "+table+" WHERE "+columns+" LIKE $1", "%"+secret+"%"); n != "0" {
					t.Errorf("%s shows %s", table, secret)
				}
			}
		}
	})
}

// Refusals are answers, and use the number up; a fault of the set-up is none, and leaves it free.
func TestScenario_MC_12_05_RefusedPayouts(t *testing.T) {
	withNumbers(t, func(t *testing.T, s *scene) {
		card := func(number string) map[string]any {
			return map[string]any{"card": map[string]any{"number": number}, "confirm": false}
		}
		if a := s.payout("p1", card("4097840000003066")); a.Status != 201 || a.Field("status") != "failed" || why(a) != pay.DeclineCard {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if a := s.payout("p1", card("4097840000003066")); a.Status != 200 || a.Field("status") != "failed" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if a := s.payout("p2", card(sim.BlockedCard)); a.Field("status") != "failed" || why(a) != pay.DeclineBlocked {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		waits := s.payout("p3", card(sim.GoodCard+"")).Field("status")
		if waits != "succeeded" {
			t.Error(waits)
		}
		s.failNext("payout.create", "ERROR_ACCESS_DENIED", "status", "403")
		if a := s.payout("p4", card(sim.GoodCard)); a.Status != 502 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		s.failNext("payout.create", "ERROR_FIELDS", "details", "Неверный store_id")
		if a := s.payout("p4", card(sim.GoodCard)); a.Status != 502 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if a := s.payout("p4", card(sim.GoodCard)); a.Status != 201 || a.Field("status") != "succeeded" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		s.paidOut(2)
	})
}

// ERROR_UNKNOWN is asked about until it is known.
func TestScenario_MC_12_06_OutcomeThatIsOpen(t *testing.T) {
	withNumbers(t, func(t *testing.T, s *scene) {
		arrived := 0
		for number, want := range map[string]string{sim.SlowCard: "succeeded", sim.SlowPoorCard: "failed"} {
			for _, confirm := range []bool{false, true} {
				a := s.payout(fmt.Sprint(number, confirm), map[string]any{"card": map[string]any{"number": number}, "confirm": confirm})
				if confirm {
					a = s.confirmPayout(a.Field("id"), sim.GoodCode)
				}
				if a.Field("status") != "pending" || a.Field("attention") != "unknown_outcome" || a.Field("next") != nil {
					t.Fatalf("%d %s", a.Status, a.Body)
				}
				s.b.Advance(time.Minute)
				s.b.Settle()
				s.b.Advance(time.Minute)
				s.b.Settle()
				if a := s.payoutIs(a.Field("id"), want); a.Field("attention") != nil {
					t.Errorf("%s", a.Body)
				}
				if want == "succeeded" {
					arrived++
				}
			}
		}
		s.paidOut(arrived)
	})
}

// After three wrong codes Multicard takes no further one: nothing was sent, and nothing can be.
func TestScenario_MC_12_07_TheCodeIsLocked(t *testing.T) {
	withNumbers(t, func(t *testing.T, s *scene) {
		id := s.payout("p1", nil).Field("id")
		for range 3 {
			if a := s.confirmPayout(id, "000000"); why(a) != "wrong_otp" {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
		if a := s.confirmPayout(id, sim.GoodCode); a.Status != 200 || a.Field("status") != "failed" || why(a) != "otp_expired" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if a := s.confirmPayout(id, sim.GoodCode); a.Status != 409 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		s.paidOut(0)
	})
}

// Whatever is lost, before or after it was carried out, it is sent at most once, and in the end our
// book says what Multicard's says.
func TestScenario_MC_12_08_LostAnswers(t *testing.T) {
	for _, c := range []struct {
		step     string
		confirm  bool // two steps
		arrives  []simulator.Kind
		not      []simulator.Kind
		ifNot    string // how it stands when the call never landed
		nextIfNo any
	}{
		{"payout.create", false, []simulator.Kind{simulator.LostAfter, simulator.Error500After, simulator.HalfBody}, []simulator.Kind{simulator.LostBefore, simulator.Error500}, "failed", nil},
		{"payout.confirm", true, []simulator.Kind{simulator.LostAfter, simulator.Error500After, simulator.HalfBody}, []simulator.Kind{simulator.LostBefore, simulator.Error500}, "pending", "confirm"},
		{"payout.create", true, nil, []simulator.Kind{simulator.LostBefore}, "failed", nil},
		{"payout.create", true, nil, []simulator.Kind{simulator.LostAfter}, "pending", "confirm"},
	} {
		for _, kind := range append(c.arrives, c.not...) {
			t.Run(fmt.Sprintf("%s %s, two steps %v", c.step, kind, c.confirm), func(t *testing.T) {
				withNumbers(t, func(t *testing.T, s *scene) {
					s.fault(c.step, kind, 1)
					a := s.payout("p1", map[string]any{"confirm": c.confirm})
					if c.step == "payout.confirm" {
						a = s.confirmPayout(a.Field("id"), sim.GoodCode)
					}
					id := a.Field("id")
					if a.Status/100 != 2 || a.Field("status") != "pending" || (a.Field("attention") == nil) != (c.confirm && c.step == "payout.create") {
						t.Fatalf("%d %s", a.Status, a.Body)
					}
					s.inAnHour()
					want, next, arrived := c.ifNot, c.nextIfNo, 0
					for _, k := range c.arrives {
						if k == kind {
							want, next, arrived = "succeeded", nil, 1
						}
					}
					if a := s.payoutIs(id, want); a.Field("next") != next || a.Field("attention") != nil {
						t.Errorf("%s", a.Body)
					}
					s.paidOut(arrived)
					if next == nil {
						return
					}
					if a := s.confirmPayout(id, sim.GoodCode); a.Field("status") != "succeeded" {
						t.Errorf("%d %s", a.Status, a.Body)
					}
					s.paidOut(1)
				})
			})
		}
	}
}

// The database is down when Multicard answers: the payout is found, not sent again.
func TestScenario_MC_12_09_NothingCanBeWritten(t *testing.T) {
	withNumbers(t, func(t *testing.T, s *scene) {
		id := s.payout("p1", nil).Field("id")
		s.b.Race(8, func(int) {
			if a := s.confirmPayout(id, sim.GoodCode); a.Field("status") != "succeeded" {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
		s.paidOut(1)
		s.b.FailStore(true)
		if a := s.payout("p2", map[string]any{"confirm": false}); a.Status != 500 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		s.b.FailStore(false)
		s.paidOut(1)
		if a := s.payout("p2", map[string]any{"confirm": false}); a.Status != 201 || a.Field("status") != "succeeded" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		s.paidOut(2)
	})
}

// The sandbox: a deposit with an overdraft, and what was told of a person comes back as a text.
func TestScenario_MC_24_14_PayoutsOfTheSandbox(t *testing.T) {
	withNumbers(t, func(t *testing.T, s *scene) {
		s.act(simulator.Action{Kind: "deposit", Amount: 0})
		now := map[string]any{"confirm": false, "amount": 10_000_000_00, "kyc": passport}
		if a := s.payout("p1", now); a.Field("status") != "succeeded" {
			t.Fatalf("within the overdraft: %d %s", a.Status, a.Body)
		}
		if a := s.payout("p2", map[string]any{"confirm": false}); a.Field("status") != "failed" {
			t.Errorf("beyond it: %d %s", a.Status, a.Body)
		}
		if deposit, arrived := s.left(); deposit != -10_000_000_00 || arrived != 1 {
			t.Errorf("%d payouts arrived, the deposit is %d", arrived, deposit)
		}
		ref := s.b.Sim.(*sim.Simulator).Payouts()[0].Ref
		var made struct {
			Data struct {
				KYC    any    `json:"kyc_data"`
				Status string `json:"status"`
			} `json:"data"`
		}
		body := s.multicard(http.MethodGet, "/payment/credit/"+ref)
		if err := json.Unmarshal(body, &made); err != nil {
			t.Fatal(err)
		}
		if text, ok := made.Data.KYC.(string); !ok || !strings.Contains(text, `"last_name":"Karimova"`) || made.Data.Status != "success" {
			t.Errorf("%s", body)
		}
	})
}

// multicard calls the sandbox as a partner does.
func (s *scene) multicard(method, path string) []byte {
	s.t.Helper()
	call := func(method, path, token, body string) []byte {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		s.b.Sim.ServeHTTP(w, r)
		return w.Body.Bytes()
	}
	var auth struct{ Token string }
	if err := json.Unmarshal(call(http.MethodPost, "/auth", "", fmt.Sprintf(`{"application_id":%q,"secret":%q}`, public["applicationId"], public["secret"])), &auth); err != nil {
		s.t.Fatal(err)
	}
	return call(method, path, auth.Token, "")
}

// ─── What Multicard answers, and what we make of it ────────────────────────────────────────

// Statuses that the documentation lists for payouts or for payments, and some that it does not.
func TestPayoutStatuses(t *testing.T) {
	const ref = "a81b7b62-6d86-11f0-9a1b-00505680eaf6"
	for _, c := range []struct {
		answer   string
		twoSteps bool
		want     pay.MoveState
		reason   string
	}{
		{`{"uuid":"` + ref + `","status":"success","payment_amount":"50000"}`, false, pay.MoveSucceeded, ""},
		{`{"uuid":"` + ref + `","status":"draft"}`, true, pay.MoveCreated, ""},
		{`{"uuid":"` + ref + `","status":"draft"}`, false, pay.MoveSent, ""},
		{`{"uuid":"` + ref + `","status":"progress"}`, true, pay.MoveSent, ""},
		{`{"uuid":"` + ref + `","status":"what nobody knows"}`, false, pay.MoveSent, ""},
		{`{"uuid":"` + ref + `","status":"error","ps_response_code":62}`, false, pay.MoveFailed, pay.DeclineBlocked},
		{`{"uuid":"` + ref + `","status":"revert"}`, false, pay.MoveFailed, pay.DeclineOther},
		{`{"status":"success"}`, false, "", ""},
		{`{"uuid":"` + ref + `","status":"success","store_invoice_id":"another"}`, false, "", ""},
		{`[]`, false, "", ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/auth" {
				fmt.Fprint(w, `{"token":"t0","expiry":"2024-12-15 14:35:02"}`)
				return
			}
			fmt.Fprintf(w, `{"success":true,"data":%s}`, c.answer)
		}))
		account, err := openAt(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		o, err := account.(provider.Payer).Payout(t.Context(), provider.PayoutOrder{PayoutID: "p", Amount: 50000, Number: sim.GoodCard, TwoSteps: c.twoSteps})
		server.Close()
		if c.want == "" {
			if err == nil || provider.Harmless(err) {
				t.Errorf("%s: %+v, %v", c.answer, o, err)
			}
			continue
		}
		if err != nil || o.State != c.want || o.Reason != c.reason || o.Ref != ref {
			t.Errorf("%s: %+v, %v", c.answer, o, err)
		}
	}
}

// An app finds its payouts again, page by page, and is told of one once more, in the same bytes.
func TestPayoutsAreListedAndToldAgain(t *testing.T) {
	withNumbers(t, func(t *testing.T, s *scene) {
		waits := s.payout("w", nil).Field("id")
		refused := s.payout("r", map[string]any{"confirm": false, "card": map[string]any{"number": sim.BlockedCard}}).Field("id")
		done := s.payout("d", map[string]any{"confirm": false}).Field("id")
		quiet := s.payout("q", map[string]any{"confirm": false, "notifyUrl": nil}).Field("id")
		s.b.Settle()

		list := func(query string) (ids []any, next string) {
			t.Helper()
			a := s.api(http.MethodGet, "/api/payouts?"+query, nil)
			if a.Status != 200 {
				t.Fatalf("?%s: %d %s", query, a.Status, a.Body)
			}
			items, _ := a.Field("items").([]any)
			for _, i := range items {
				ids = append(ids, i.(map[string]any)["id"])
			}
			next, _ = a.Field("nextCursor").(string)
			return ids, next
		}
		var all []any
		for cursor, more := "", true; more; {
			ids, next := list("businessId=biz-1&source=app&limit=3" + cursor)
			all = append(all, ids...)
			cursor, more = "&cursor="+next, next != ""
		}
		if want := []any{quiet, done, refused, waits}; !slices.Equal(all, want) {
			t.Errorf("the pages say %v, want %v", all, want)
		}
		for query, want := range map[string][]any{
			"businessId=biz-1&status=pending": {waits}, "status=succeeded": {quiet, done}, "status=failed": {refused}, "sourcePayoutId=d": {done},
			"businessId=nobody": nil, "provider=multicard&source=app&sourcePayoutId=w": {waits},
		} {
			if got, _ := list(query); !slices.Equal(got, want) {
				t.Errorf("?%s finds %v, want %v", query, got, want)
			}
		}
		for _, bad := range []string{"status=sent", "limit=0", "limit=101", "cursor=x", "state=pending", "provider=nobody"} {
			if a := s.api(http.MethodGet, "/api/payouts?"+bad, nil); a.Status != 400 {
				t.Errorf("?%s: %d %s", bad, a.Status, a.Body)
			}
		}

		notify := func(id any) providertest.Answer {
			return s.api(http.MethodPost, fmt.Sprintf("/api/payouts/%s/notify", id), nil)
		}
		if a := notify(done); a.Status != 200 || a.Field("notifyDelivered") != false {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		s.b.Settle()
		if a := s.payoutIs(done, "succeeded"); a.Field("notifyDelivered") != true {
			t.Errorf("%s", a.Body)
		}
		if told := s.b.Webhooks(fmt.Sprint(done)); len(told) != 1 { // which fails for a repeat in other bytes
			t.Errorf("the app was told %d different things", len(told))
		}
		for name, id := range map[string]any{"one that waits": waits, "one without an address": quiet} {
			if a := notify(id); a.Status != 409 || why(a) != "no_event" {
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
		}
		if a := notify("01975f2e-6a09-7bf0-9a1b-00505680eaf6"); a.Status != 404 {
			t.Errorf("one that does not exist: %d %s", a.Status, a.Body)
		}
		s.paidOut(2)
	})
}
