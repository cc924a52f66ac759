package multicard_test

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/multicard"
	"github.com/chorsu/chorsu/internal/provider/multicard/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The acceptance scenarios, through the real gateway on both databases. Their numbers are those
// of README.md: MC-4 the error codes, MC-7.1 the success callback, MC-7.2 the webhooks, MC-15 the
// states, MC-24 what the sandbox must do.

const price = 500000

func setup() providertest.Setup {
	return providertest.Setup{Provider: multicard.New(), Simulator: sim.New, Credentials: public}
}

// each runs f with a fresh gateway on each database, and a Multicard whose rules are switched.
func each(t *testing.T, switches map[string]string, f func(*testing.T, *scene)) {
	t.Helper()
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		s := &scene{t, b}
		if switches != nil {
			s.act(simulator.Action{Kind: "switch", Params: switches})
		}
		f(t, s)
	})
}

// scene is a bench with the words that these scenarios are told in.
type scene struct {
	t *testing.T
	b *providertest.Bench
}

func (s *scene) act(a simulator.Action) simulator.Report {
	s.t.Helper()
	r, err := s.b.Sim.Act(context.Background(), a)
	if err != nil {
		s.t.Fatalf("%s: %v", a.Kind, err)
	}
	if len(r.Problems) > 0 {
		s.t.Errorf("%s: a strict company objects: %s", a.Kind, strings.Join(r.Problems, "; "))
	}
	return r
}

func (s *scene) invoice(more map[string]any) string { s.t.Helper(); return s.b.Invoice(price, more) }

func (s *scene) link(id string) string {
	s.t.Helper()
	link, _ := s.b.InvoiceField(id, "checkoutUrl").(string)
	return link
}

// buyer does something on the invoice's page.
func (s *scene) buyer(kind, id string) simulator.Report {
	s.t.Helper()
	return s.act(simulator.Action{Kind: kind, Link: s.link(id)})
}

// company does something with a payment.
func (s *scene) company(kind, ref string) simulator.Report {
	s.t.Helper()
	return s.act(simulator.Action{Kind: kind, Ref: ref})
}

func (s *scene) paid() (id, ref string) {
	s.t.Helper()
	id = s.invoice(nil)
	r := s.buyer("pay", id)
	s.is(id, "paid")
	if r.State != "paid" {
		s.t.Fatalf("Multicard has it as %s", r.State)
	}
	return id, r.Ref
}

func (s *scene) is(id, status string) {
	s.t.Helper()
	if got := s.b.Status(id); got != status {
		s.t.Errorf("the invoice is %s, want %s", got, status)
	}
}

// told checks which statuses the app was told of, in order.
func (s *scene) told(id string, want ...string) {
	s.t.Helper()
	var got []string
	for _, w := range s.b.Webhooks(id) {
		status, _ := w.JSON["status"].(string)
		got = append(got, status)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		s.t.Errorf("the app was told %v, want %v", got, want)
	}
}

// attends checks which alarms stand open.
func (s *scene) attends(id string, want ...pay.Attention) {
	s.t.Helper()
	var got []pay.Attention
	for _, a := range s.b.Alarms(id) {
		if a.ClosedAt.IsZero() {
			got = append(got, a.Kind)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Errorf("alarms %v, want %v", got, want)
	}
}

// books finds a payment in Multicard's own books.
func (s *scene) books(ref string) simulator.Entry {
	s.t.Helper()
	for _, e := range s.b.Sim.Books() {
		if e.Ref == ref {
			return e
		}
	}
	s.t.Fatalf("Multicard has no payment %s", ref)
	return simulator.Entry{}
}

func (s *scene) holds(ref, state string, refunded int64) {
	s.t.Helper()
	if e := s.books(ref); e.State != state || e.Refunded != refunded {
		s.t.Errorf("Multicard has it as %s with %d tiyin returned, want %s with %d", e.State, e.Refunded, state, refunded)
	}
}

func (s *scene) fault(step string, k simulator.Kind, times int) {
	s.b.World.Faults.Set(simulator.Fault{Step: step, Kind: k, Times: times})
}

func (s *scene) failNext(step, code string, more ...string) {
	s.t.Helper()
	p := map[string]string{"step": step, "code": code, "details": "слова"}
	for i := 0; i+1 < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	s.act(simulator.Action{Kind: "fail_next", Params: p})
}

func (s *scene) refund(id string, more map[string]any) providertest.Answer {
	s.t.Helper()
	body := map[string]any{"invoiceId": id}
	for k, v := range more {
		body[k] = v
	}
	return s.b.API(http.MethodPost, "/api/refunds", body)
}

func (s *scene) refundStatus(a providertest.Answer) (status string, attention any) {
	s.t.Helper()
	refund, _ := a.Field("id").(string)
	got := s.b.API(http.MethodGet, "/api/refunds/"+refund, nil)
	status, _ = got.Field("status").(string)
	return status, got.Field("attention")
}

func (s *scene) cancel(id string) providertest.Answer {
	s.t.Helper()
	return s.b.API(http.MethodPost, "/api/invoices/"+id+"/cancel", nil)
}

// payment is the newest attempt on the invoice.
func (s *scene) payment(id string) pay.Payment {
	s.t.Helper()
	all := s.b.Payments(id)
	if len(all) == 0 {
		s.t.Fatal("the invoice has no payment")
	}
	return all[len(all)-1]
}

// post sends a callback as Multicard does.
func (s *scene) post(body map[string]any) providertest.Answer {
	s.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.b.Do(http.MethodPost, s.b.CallbackURL, http.Header{"Content-Type": {"application/json"}}, b)
}

// successOf is the success callback for a payment, signed by hand.
func successOf(p pay.Payment, amount int64) map[string]any {
	sum := md5.Sum([]byte("6" + p.ID + strconv.FormatInt(amount, 10) + public["secret"]))
	return map[string]any{
		"store_id": 6, "amount": amount, "invoice_id": p.ID, "billing_id": nil, "payment_time": "2026-11-21 14:00:01",
		"phone": "998930601725", "card_pan": "860030******5959", "ps": "uzcard", "card_token": "6225f3c93f7a880142782fa4",
		"uuid": p.Ref, "receipt_url": "https://dev-checkout.multicard.uz/check/" + p.Ref, "sign": hex.EncodeToString(sum[:]),
	}
}

// webhookOf is a webhook for a payment, signed by hand. The signature holds for any status.
func webhookOf(p pay.Payment, status string) map[string]any {
	sum := sha1.Sum([]byte(p.Ref + p.ID + strconv.FormatInt(int64(p.Amount), 10) + public["secret"]))
	return map[string]any{
		"uuid": p.Ref, "amount": int64(p.Amount), "invoice_id": p.ID, "status": status, "billing_id": nil,
		"payment_time": "2026-11-21 14:00:01", "refund_time": nil, "phone": nil, "card_pan": "860030******5959",
		"ps": "uzcard", "card_token": nil, "receipt_url": nil, "sign": hex.EncodeToString(sum[:]),
	}
}

func says(a providertest.Answer, success bool) bool {
	m, _ := a.JSON.(map[string]any)
	return a.Status == http.StatusOK && m["success"] == success
}

var remaining = []map[string]any{{
	"qty": 1, "price": 300000, "total": 300000, "mxik": "06401004002000000", "package_code": "1506113", "name": "Test", "vat": 0,
}}

// ─── MC-4: error codes ────────────────────────────────────────────────────────────────────

func TestScenario_MC_4_01_FieldsOnCreate(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		s.failNext("invoice.create", "ERROR_FIELDS", "details", "Неверный store_id")
		request := s.b.InvoiceRequest(price, nil)
		a := s.b.API(http.MethodPost, "/api/invoices", request)
		words, _ := a.Field("provider").(map[string]any)
		if a.Status != http.StatusBadGateway || words["code"] != "ERROR_FIELDS" || words["message"] != "Неверный store_id" {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
		// The same order is asked for again, and gets its page.
		if a = s.b.API(http.MethodPost, "/api/invoices", request); a.Status/100 != 2 || a.Field("checkoutUrl") == nil {
			t.Fatalf("the second try: %d %s", a.Status, a.Body)
		}
		id, _ := a.Field("id").(string)
		s.buyer("pay", id)
		s.is(id, "paid")
		s.told(id, "paid")
	})
}

func TestScenario_MC_4_02_FieldsWhereTheRegisterNeedsLines(t *testing.T) {
	each(t, map[string]string{"require_ofd": "on"}, func(t *testing.T, s *scene) {
		a := s.b.API(http.MethodPost, "/api/invoices", s.b.InvoiceRequest(price, nil))
		words, _ := a.Field("provider").(map[string]any)
		if a.Status != http.StatusBadGateway || words["message"] != "Необходимо заполнить «Ofd»." {
			t.Errorf("without lines: %d %s", a.Status, a.Body)
		}
		s.invoice(map[string]any{"ofd": []map[string]any{{
			"qty": 2, "price": 250000, "total": price, "mxik": "06401004002000000", "package_code": "1506113", "name": "Test", "vat": 0,
		}}})
	})
}

func TestScenario_MC_4_03_FieldsOnCancelOfAFinishedInvoice(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		s.fault("callback", simulator.LostBefore, 1)
		s.buyer("pay", id) // debited, and we do not know yet
		if a := s.cancel(id); a.Status != http.StatusBadGateway {
			t.Errorf("while Multicard waits for us: %d %s", a.Status, a.Body)
		}
		s.is(id, "pending")
		s.b.Advance(2 * time.Minute) // Multicard asks again
		s.is(id, "paid")
		if a := s.cancel(id); a.Status != http.StatusConflict {
			t.Errorf("a paid invoice was cancelled: %d %s", a.Status, a.Body)
		}
		s.told(id, "paid")
	})
}

func TestScenario_MC_4_04_FieldsOnTheFiscalLinkOfASelfFiscalisingRegister(t *testing.T) {
	each(t, map[string]string{"tax": "on"}, func(t *testing.T, s *scene) {
		id, _ := s.paid()
		a := s.b.API(http.MethodPost, "/api/invoices/"+id+"/receipt", map[string]any{"url": fiscalLink})
		if a.Status != http.StatusOK {
			t.Fatalf("got %d %s", a.Status, a.Body)
		}
		s.b.Settle()
		s.is(id, "paid")
		s.attends(id, pay.AttentionProvider)
	})
}

const fiscalLink = "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=514343190161"

func TestScenario_MC_4_05_NotFoundOnRefund(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		s.failNext("payment.refund", "ERROR_NOT_FOUND", "status", "404", "details", "Объект не найден")
		a := s.refund(id, nil)
		if status, _ := s.refundStatus(a); a.Status != http.StatusCreated || status != "failed" {
			t.Errorf("still paid at Multicard: %s", a.Body)
		}
		s.is(id, "paid")

		// Returned by staff in the cabinet, which this register does not tell us of.
		s.company("refund", ref)
		a = s.refund(id, nil)
		if status, _ := s.refundStatus(a); status != "succeeded" {
			t.Errorf("returned already: %s", a.Body)
		}
		s.is(id, "refunded")
		s.holds(ref, "refunded", price)
		s.told(id, "paid", "refunded")
	})
}

func TestScenario_MC_4_06_NotReadyOnRefundIsUnknown(t *testing.T) {
	for after, want := range map[string]string{"true": "succeeded", "false": "failed"} {
		t.Run("acted "+after, func(t *testing.T) {
			unknownRefund(t, "ERROR_TRANS_NOT_READY", after, want)
		})
	}
}

func TestScenario_MC_4_07_UnknownCodesOnRefundAreAsked(t *testing.T) {
	for _, code := range []string{"ERROR_DEBIT_UNKNOWN", "ERROR_CALLBACK_TIMEOUT", "ERROR_UNKNOWN"} {
		t.Run(code, func(t *testing.T) { unknownRefund(t, code, "true", "succeeded") })
	}
}

// unknownRefund refunds with an answer that leaves open what was done: the refund is pending
// with attention, holds its amount, and is settled by reading the payment.
func unknownRefund(t *testing.T, code, after, want string) {
	each(t, nil, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		s.failNext("payment.refund", code, "after", after)
		s.fault("payment.read", simulator.Error500, 1)
		a := s.refund(id, nil)
		if a.Status != http.StatusCreated || a.Field("status") != "pending" || a.Field("attention") != "refund_unconfirmed" {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
		s.attends(id, pay.AttentionRefundUnconfirmed)
		for range 12 {
			s.b.Advance(5 * time.Minute)
			s.b.Settle()
		}
		if status, attention := s.refundStatus(a); status != want || attention != nil {
			t.Errorf("it ends as %s with %v, want %s", status, attention, want)
		}
		s.attends(id)
		if want == "succeeded" {
			s.is(id, "refunded")
			s.holds(ref, "refunded", price)
		} else {
			s.is(id, "paid")
			s.holds(ref, "paid", 0)
		}
	})
}

func TestScenario_MC_4_08_AccessDenied(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		s.failNext("payment.refund", "ERROR_ACCESS_DENIED", "status", "403")
		if a := s.refund(id, nil); a.Status != http.StatusBadGateway {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
		s.is(id, "paid")
		s.holds(ref, "paid", 0)
		if a := s.refund(id, nil); a.Field("status") != "succeeded" {
			t.Errorf("afterwards: %s", a.Body)
		}
	})
}

func TestScenario_MC_4_09_TheBanksOwnRefusal(t *testing.T) {
	each(t, map[string]string{"webhooks": "on"}, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		r := s.buyer("refuse", id)
		if r.State != "refused" {
			t.Fatalf("Multicard has it as %s", r.State)
		}
		s.is(id, "failed")
		if p := s.payment(id); p.State != pay.Failed || p.Reason != "error 51" {
			t.Errorf("the payment is %s: %q", p.State, p.Reason)
		}
		s.told(id, "failed")
	})
}

func TestScenario_MC_4_10_WrongCredentials(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		s.b.Register("biz-1", map[string]string{"applicationId": "rhmt_test", "secret": "wrong", "storeId": "6"}, nil)
		s.restore()
		a := s.b.API(http.MethodPost, "/api/invoices", s.b.InvoiceRequest(price, nil))
		words, _ := a.Field("provider").(map[string]any)
		if a.Status != http.StatusBadGateway || words["message"] != "Invalid Credentials" {
			t.Errorf("with a wrong secret: %d %s", a.Status, a.Body)
		}
		s.b.Register("biz-1", public, nil)
		s.fault("auth", simulator.Error500, 0)
		if a := s.b.API(http.MethodPost, "/api/invoices", s.b.InvoiceRequest(price, nil)); a.Status != http.StatusBadGateway {
			t.Errorf("without a token: %d %s", a.Status, a.Body)
		}
		if n := len(s.b.Sim.Books()); n != 0 {
			t.Errorf("%d invoices were made", n)
		}
	})
}

// restore tells the sandbox the right secret again, which registering a wrong one has replaced.
func (s *scene) restore() {
	s.t.Helper()
	if err := s.b.Sim.AddAccount(simulator.Account{Credentials: public, CallbackURL: s.b.CallbackURL}); err != nil {
		s.t.Fatal(err)
	}
}

// ─── MC-7.1: the success callback ─────────────────────────────────────────────────────────

func TestScenario_MC_7_1_01_YesKeepsTheMoney(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(map[string]any{"returnUrl": "https://shop.uz/ok"})
		r := s.buyer("pay", id)
		if len(r.Exchanges) != 1 || r.Exchanges[0].Status != 200 || r.Exchanges[0].Answer != `{"success":true}` || r.Returned != "https://shop.uz/ok" {
			t.Errorf("got %+v", r)
		}
		s.is(id, "paid")
		s.holds(r.Ref, "paid", 0)
		w := s.b.Webhooks(id)
		if len(w) != 1 {
			t.Fatalf("%d webhooks", len(w))
		}
		card, _ := w[0].JSON["card"].(map[string]any)
		if card["pan"] != "860053******8829" || card["paymentSystem"] != "uzcard" || w[0].JSON["providerUuid"] != r.Ref ||
			w[0].JSON["receiptUrl"] != s.b.World.BaseURL+"/check/"+r.Ref {
			t.Errorf("the app was told %s", w[0].Raw)
		}
		s.attends(id)
	})
}

func TestScenario_MC_7_1_02_NoGivesTheMoneyBack(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(map[string]any{"lang": "uz"})
		link := s.link(id)
		s.fault("invoice.cancel", simulator.LostAfter, 0) // the page is gone, and we cannot know
		s.fault("payment.read", simulator.Error500, 0)
		if a := s.cancel(id); a.Status/100 == 2 {
			t.Fatalf("cancelled without an answer: %s", a.Body)
		}
		s.b.World.Faults.Clear("")
		if a := s.cancel(id); a.Status != http.StatusOK {
			t.Fatalf("got %d %s", a.Status, a.Body)
		}
		// A callback for what is cancelled here: signed by hand, since the page is closed.
		a := s.post(successOf(s.payment(id), price))
		m, _ := a.JSON.(map[string]any)
		if !says(a, false) || m["message"] != "Hisob bekor qilingan. Pul kartangizga qaytariladi." {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
		s.is(id, "cancelled")
		s.told(id, "cancelled")
		if r := s.act(simulator.Action{Kind: "pay", Link: link}); r.State != "cancelled" || len(r.Exchanges) != 0 {
			t.Errorf("the page is %s", r.State)
		}
	})
}

func TestScenario_MC_7_1_03_AnyOtherStatusGivesTheMoneyBack(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		before := s.b.Footprint()
		s.fault("callback", simulator.WrongSignature, 1)
		r := s.buyer("pay", id)
		if len(r.Exchanges) != 1 || r.Exchanges[0].Status != http.StatusForbidden || r.State != "refused" {
			t.Errorf("got %+v", r)
		}
		s.is(id, "pending")
		s.holds(r.Ref, "refused", price)
		if after := s.b.Footprint(); after != before {
			t.Errorf("a forged message wrote: %s, before %s", after, before)
		}
	})
}

func TestScenario_MC_7_1_04_Exactly500FreezesUntilTheNextTry(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		s.b.FailStore(true)
		r := s.buyer("pay", id)
		if len(r.Exchanges) != 1 || r.Exchanges[0].Status != 500 || r.State != "suspended" {
			t.Errorf("got %+v", r)
		}
		s.b.Advance(time.Minute)
		s.holds(r.Ref, "suspended", 0)
		s.b.FailStore(false)
		s.b.Advance(time.Minute)
		s.holds(r.Ref, "paid", 0)
		s.is(id, "paid")
		s.told(id, "paid")
	})
}

func TestScenario_MC_7_1_05_SilenceFreezesUntilTheNextTry(t *testing.T) {
	for _, k := range []simulator.Kind{simulator.LostBefore, simulator.LostAfter, simulator.HalfBody} {
		t.Run(string(k), func(t *testing.T) {
			each(t, nil, func(t *testing.T, s *scene) {
				id := s.invoice(nil)
				s.fault("callback", k, 1)
				if r := s.buyer("pay", id); r.State != "suspended" {
					t.Errorf("Multicard has it as %s", r.State)
				}
				s.b.Advance(time.Minute)
				s.is(id, "paid")
				s.told(id, "paid")
				if e := s.b.Sim.Books()[0]; e.State != "paid" || e.Refunded != 0 {
					t.Errorf("Multicard has %+v", e)
				}
			})
		})
	}
}

func TestScenario_MC_7_1_06_ARepeatChangesNothing(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		s.fault("callback", simulator.Twice, 1)
		r := s.buyer("pay", id)
		if len(r.Exchanges) != 2 || r.State != "paid" {
			t.Fatalf("got %+v", r)
		}
		s.told(id, "paid")
		before := s.b.Footprint()
		s.b.Race(16, func(int) {
			if a := s.post(successOf(s.payment(id), price)); !says(a, true) {
				t.Errorf("a repeat: %d %s", a.Status, a.Body)
			}
		})
		s.b.Advance(time.Hour)
		s.company("repeat", r.Ref)
		if after := s.b.Footprint(); after != before {
			t.Errorf("repeats wrote: %s, before %s", after, before)
		}
		// Also after the money was returned: it had been taken.
		s.refund(id, nil)
		s.company("repeat", r.Ref)
		s.is(id, "refunded")
		s.told(id, "paid", "refunded")
	})
}

func TestScenario_MC_7_1_07_OneTiyinMore(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		s.fault("callback", simulator.WrongAmount, 1)
		r := s.buyer("pay", id)
		if r.State != "refused" || r.Exchanges[0].Status != 200 || !strings.Contains(r.Exchanges[0].Answer, `"success":false`) {
			t.Errorf("got %+v", r)
		}
		s.is(id, "pending")
		s.attends(id, pay.AttentionAmount)
		s.told(id)
	})
}

func TestScenario_MC_7_1_08_LateForAnExpiredInvoice(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(map[string]any{"ttlSeconds": 60, "lang": "en", "returnUrl": "https://shop.uz/ok", "returnErrorUrl": "https://shop.uz/failed"})
		s.fault("callback", simulator.LostBefore, 0)
		r := s.buyer("pay", id) // debited in time; nobody told us
		// The page cannot be taken back: Multicard is waiting for us. The invoice waits an hour for it.
		s.b.Advance(2 * time.Minute)
		s.b.Settle()
		s.is(id, "pending")
		for range 15 {
			s.b.Advance(5 * time.Minute)
			s.b.Settle()
		}
		s.is(id, "cancelled")
		s.b.World.Faults.Clear("")
		r = s.company("resume", r.Ref)
		if r.State != "refused" || !strings.Contains(r.Exchanges[0].Answer, "The invoice is cancelled") || r.Returned != "https://shop.uz/failed" {
			t.Errorf("got %+v", r)
		}
		s.is(id, "cancelled")
		s.holds(r.Ref, "refused", price)
		s.told(id, "cancelled")
	})
}

// The page could not be taken back, so the invoice still stands as pending: its time is over all the same.
func TestScenario_MC_7_1_08_LateBeforeTheInvoiceIsPutAway(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(map[string]any{"ttlSeconds": 60, "lang": "en"})
		s.fault("callback", simulator.LostBefore, 0)
		r := s.buyer("pay", id)
		s.b.Advance(2 * time.Minute)
		s.b.Settle()
		s.is(id, "pending")
		s.b.World.Faults.Clear("")
		r = s.company("resume", r.Ref)
		if r.State != "refused" || r.Exchanges[0].Status != 200 || !strings.Contains(r.Exchanges[0].Answer, `"success":false`) {
			t.Errorf("got %+v", r)
		}
		s.holds(r.Ref, "refused", price)
		s.attends(id, pay.AttentionProvider)
		s.b.Advance(time.Minute)
		s.b.Settle()
		s.is(id, "cancelled")
		s.told(id, "cancelled")
	})
}

func TestScenario_MC_7_1_09_TheNumericRegisterIsSigned(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		// The bench's register is given by its UUID; the callback carries and signs its number.
		id := s.invoice(nil)
		p := s.payment(id)
		wrong := successOf(p, price)
		sum := md5.Sum([]byte("7" + p.ID + strconv.Itoa(price) + public["secret"]))
		wrong["store_id"], wrong["sign"] = 7, hex.EncodeToString(sum[:])
		if a := s.post(wrong); !says(a, false) {
			t.Errorf("another register: %d %s", a.Status, a.Body)
		}
		uuid := successOf(p, price)
		sum = md5.Sum([]byte(public["storeId"] + p.ID + strconv.Itoa(price) + public["secret"]))
		uuid["store_id"], uuid["sign"] = public["storeId"], hex.EncodeToString(sum[:])
		if a := s.post(uuid); a.Status != http.StatusBadRequest {
			t.Errorf("signed with the UUID: %d %s", a.Status, a.Body)
		}
		s.is(id, "pending")
		if a := s.post(successOf(p, price)); !says(a, true) {
			t.Errorf("the right one: %d %s", a.Status, a.Body)
		}
		s.is(id, "paid")
	})
}

func TestScenario_MC_7_1_10_SignedWithTheBillingID(t *testing.T) {
	each(t, map[string]string{"sign_billing": "on"}, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		if r := s.buyer("pay", id); r.State != "paid" {
			t.Errorf("got %+v", r)
		}
		s.is(id, "paid")
	})
	// That signature does not cover the invoice: a captured message must not pay another one.
	each(t, nil, func(t *testing.T, s *scene) {
		first, _ := s.paid()
		second := s.invoice(nil)
		captured := successOf(s.payment(first), price)
		captured["billing_id"], captured["invoice_id"], captured["uuid"] = captured["invoice_id"], s.payment(second).ID, s.payment(second).Ref
		if a := s.post(captured); a.Status != http.StatusForbidden {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
		captured["uuid"] = s.payment(first).Ref
		if a := s.post(captured); a.Status != http.StatusForbidden {
			t.Errorf("with the first one's uuid: %d %s", a.Status, a.Body)
		}
		s.is(second, "pending")
		s.fault("payment.read", simulator.Error500, 0)
		if a := s.post(captured); a.Status != http.StatusInternalServerError {
			t.Errorf("when the payment cannot be read: %d %s", a.Status, a.Body)
		}
	})
}

func TestScenario_MC_7_1_11_LooseTypes(t *testing.T) {
	each(t, map[string]string{"amount_text": "on", "invoice_uuid": "on"}, func(t *testing.T, s *scene) {
		id, _ := s.paid()
		s.told(id, "paid")
	})
}

func TestScenario_MC_7_1_12_ThePaymentsOwnUUID(t *testing.T) {
	each(t, map[string]string{"own_uuid": "on"}, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		s.company("repeat", ref)
		if a := s.refund(id, nil); a.Field("status") != "succeeded" {
			t.Errorf("got %s", a.Body)
		}
		s.holds(ref, "refunded", price)

		// The callback may also carry a uuid that no answer of theirs has told us.
		other := s.invoice(nil)
		p := s.payment(other)
		p.Ref = "e60d8ebc-b9fe-11ef-b159-005056b4367d"
		for range 2 {
			if a := s.post(successOf(p, price)); !says(a, true) {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
		}
		s.told(other, "paid")
	})
}

func TestScenario_MC_7_1_13_ASecondDebitGoesBack(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		second := s.company("pay_twice", ref)
		if second.State != "refused" || second.Ref == ref {
			t.Errorf("got %+v", second)
		}
		s.holds(ref, "paid", 0)
		s.holds(second.Ref, "refused", price)
		s.is(id, "paid")
		s.attends(id, pay.AttentionProvider)
		s.told(id, "paid")
	})
}

func TestScenario_MC_7_1_14_UnknownInvoiceAndUnknownMerchant(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		p := s.payment(id)
		for _, unknown := range []string{"0190a1b2-0000-7000-8000-000000000001", "2024864028760", p.InvoiceID} {
			p := p
			p.ID, p.Ref = unknown, "e60d8ebc-b9fe-11ef-b159-005056b4367d"
			a := s.post(successOf(p, price))
			m, _ := a.JSON.(map[string]any)
			if !says(a, false) || m["message"] != "Счёт не найден. Деньги вернутся на вашу карту." {
				t.Errorf("%s: %d %s", unknown, a.Status, a.Body)
			}
		}
		body, err := json.Marshal(successOf(p, price))
		if err != nil {
			t.Fatal(err)
		}
		stranger := s.b.Do(http.MethodPost, s.b.URL+"/api/callbacks/multicard/0190a1b2-0000-7000-8000-000000000001", nil, body)
		if stranger.Status != http.StatusForbidden {
			t.Errorf("an unknown merchant: %d %s", stranger.Status, stranger.Body)
		}
		// Signed for this payment, and under the uuid of another one of ours.
		crossed := p
		crossed.Ref = s.payment(s.invoice(nil)).Ref
		if a := s.post(successOf(crossed, price)); !says(a, false) {
			t.Errorf("another payment's uuid: %d %s", a.Status, a.Body)
		}
		// Another business with the same application does not reach this one's invoices.
		_, address := s.b.Register("biz-2", public, nil)
		if a := s.b.Do(http.MethodPost, address, nil, body); !says(a, false) {
			t.Errorf("another business: %d %s", a.Status, a.Body)
		}
		s.is(id, "pending")
	})
}

func TestScenario_MC_7_1_15_WhatCannotBeReadIsNever502To504(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		header := http.Header{"Content-Type": {"application/json"}}
		for body, want := range map[string]int{
			``: 500, `{"store_id":6,`: 500, `[]`: 400, `{}`: 400, `{"a":1}{"b":2}`: 400, "\xff": 400,
			`{"uuid":"` + strings.Repeat("a", 70000) + `"}`: 413,
		} {
			if a := s.b.Do(http.MethodPost, s.b.CallbackURL, header, []byte(body)); a.Status != want {
				t.Errorf("%.20q: %d, want %d", body, a.Status, want)
			}
		}
	})
}

// ─── MC-7.2: webhooks ─────────────────────────────────────────────────────────────────────

var webhooks = map[string]string{"webhooks": "on"}

func TestScenario_MC_7_2_01_EachStatus(t *testing.T) {
	each(t, webhooks, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		r := s.buyer("pay", id)
		var statuses []string
		for _, x := range r.Exchanges {
			var m struct{ Status string }
			_, body, _ := strings.Cut(x.Request, "\n")
			if err := json.Unmarshal([]byte(body), &m); err != nil {
				t.Fatal(err)
			}
			statuses = append(statuses, m.Status)
			if x.Status != 200 {
				t.Errorf("%s was answered %d %s", m.Status, x.Status, x.Answer)
			}
		}
		if strings.Join(statuses, " ") != "draft progress success" {
			t.Errorf("Multicard sent %v", statuses)
		}
		s.is(id, "paid")
		s.company("refund", r.Ref)
		s.is(id, "refunded")
		s.holds(r.Ref, "refunded", price)
		s.told(id, "paid", "refunded")
	})
}

func TestScenario_MC_7_2_02_ErrorEndsTheInvoice(t *testing.T) {
	each(t, webhooks, func(t *testing.T, s *scene) {
		order := map[string]any{"sourceInvoiceId": "again"}
		id := s.invoice(order)
		s.buyer("refuse", id)
		s.is(id, "failed")
		s.told(id, "failed")
		// The order may be paid by a new invoice.
		next := s.invoice(order)
		s.buyer("pay", next)
		s.is(next, "paid")
	})
}

func TestScenario_MC_7_2_03_AForgedStatusDoesNothing(t *testing.T) {
	each(t, webhooks, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		p := s.payment(id)
		before := s.b.Footprint()
		for _, status := range []string{"success", "revert", "error", "canceled", "hold", "anything"} {
			if a := s.post(webhookOf(p, status)); a.Status != 200 {
				t.Errorf("%s: %d %s", status, a.Status, a.Body)
			}
		}
		if after := s.b.Footprint(); after != before {
			t.Errorf("forged statuses wrote: %s, before %s", after, before)
		}
		s.is(id, "pending")
		r := s.buyer("pay", id)
		s.act(simulator.Action{Kind: "webhook", Ref: r.Ref, Params: map[string]string{"status": "revert"}})
		s.act(simulator.Action{Kind: "webhook", Ref: r.Ref, Params: map[string]string{"status": "error"}})
		s.is(id, "paid")
		s.told(id, "paid")
		s.attends(id)
	})
}

func TestScenario_MC_7_2_04_AWrongSignatureIsRefusedAndComesFiveTimesMore(t *testing.T) {
	each(t, webhooks, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		before := s.b.Footprint()
		s.fault("webhook", simulator.WrongSignature, 0)
		r := s.buyer("pay", id)
		for _, x := range r.Exchanges {
			if x.Status != http.StatusForbidden {
				t.Errorf("answered %d %s", x.Status, x.Answer)
			}
		}
		sent := len(r.Exchanges)
		for range 5 {
			s.b.Advance(time.Minute)
		}
		s.b.World.Faults.Clear("")
		s.b.Advance(time.Hour)
		if s.is(id, "pending"); sent != 3 {
			t.Errorf("%d messages at first", sent)
		}
		if after := s.b.Footprint(); after != before {
			t.Errorf("forged messages wrote: %s, before %s", after, before)
		}
	})
}

func TestScenario_MC_7_2_05_OutOfOrder(t *testing.T) {
	each(t, webhooks, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		s.fault("webhook", simulator.Reordered, 2)
		s.buyer("pay", id)
		s.is(id, "paid")
		s.told(id, "paid")
	})
}

func TestScenario_MC_7_2_06_ThePaymentCannotBeRead(t *testing.T) {
	each(t, webhooks, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		s.fault("payment.read", simulator.Error500, 0)
		r := s.buyer("pay", id)
		for _, x := range r.Exchanges {
			if x.Status != 500 {
				t.Errorf("answered %d %s", x.Status, x.Answer)
			}
		}
		s.is(id, "pending")
		s.b.World.Faults.Clear("")
		s.b.Advance(time.Minute)
		s.is(id, "paid")
		s.told(id, "paid")
	})
}

func TestScenario_MC_7_2_07_TheDatabaseIsDown(t *testing.T) {
	each(t, webhooks, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		s.b.FailStore(true)
		s.buyer("pay", id)
		s.b.FailStore(false)
		s.is(id, "pending")
		s.b.Advance(time.Minute)
		s.is(id, "paid")
		s.told(id, "paid")
	})
}

func TestScenario_MC_7_2_08_TheEchoOfOurOwnRefund(t *testing.T) {
	each(t, webhooks, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		// The answer to the refund is lost; its webhook comes before we have asked.
		s.fault("payment.refund", simulator.LostAfter, 1)
		a := s.refund(id, nil)
		if a.Field("status") != "pending" {
			t.Errorf("got %s", a.Body)
		}
		s.act(simulator.Action{Kind: "flush"})
		s.is(id, "paid")
		for range 4 {
			s.b.Advance(time.Minute)
			s.b.Settle()
		}
		if status, _ := s.refundStatus(a); status != "succeeded" {
			t.Errorf("the refund is %s", status)
		}
		s.is(id, "refunded")
		s.holds(ref, "refunded", price)
		s.told(id, "paid", "refunded")
		if n := s.b.Row("SELECT COUNT(*) FROM refunds"); n != "1" {
			t.Errorf("%s refunds are in the book", n)
		}
	})
}

func TestScenario_MC_7_2_09_RevertAfterAPart(t *testing.T) {
	each(t, webhooks, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		if a := s.refund(id, map[string]any{"amount": 200000, "ofd": remaining}); a.Field("status") != "succeeded" {
			t.Fatalf("got %s", a.Body)
		}
		s.company("refund", ref) // staff returns the rest
		s.is(id, "paid")
		s.attends(id, pay.AttentionProvider)
	})
}

func TestScenario_MC_7_2_13_TheEchoOfTheRestsRefund(t *testing.T) {
	each(t, webhooks, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		s.refund(id, map[string]any{"amount": 200000, "ofd": remaining})
		s.fault("payment.partial", simulator.LostAfter, 1)
		a := s.refund(id, map[string]any{"ofd": remaining})
		s.act(simulator.Action{Kind: "flush"})
		s.is(id, "paid")
		s.attends(id, pay.AttentionRefundUnconfirmed)
		s.b.Advance(time.Hour)
		s.b.Settle()
		if status, _ := s.refundStatus(a); status != "succeeded" {
			t.Errorf("the rest is %s", status)
		}
		s.is(id, "refunded")
		s.holds(ref, "refunded", price)
		s.attends(id)
	})
}

func TestScenario_MC_7_2_10_TheOlderSignature(t *testing.T) {
	each(t, map[string]string{"webhooks": "on", "old_signature": "on"}, func(t *testing.T, s *scene) {
		id, _ := s.paid()
		s.told(id, "paid")
	})
}

func TestScenario_MC_7_2_11_PaidAfterItWasCancelledHere(t *testing.T) {
	each(t, webhooks, func(t *testing.T, s *scene) {
		id := s.invoice(map[string]any{"ttlSeconds": 60})
		s.fault("webhook", simulator.LostBefore, 0)
		r := s.buyer("pay", id)
		s.b.World.Faults.Clear("")
		// Before it ends the invoice, the gateway asks for the page, and learns that it was paid.
		s.b.Advance(61 * time.Second)
		s.b.Settle()
		s.is(id, "paid")
		s.holds(r.Ref, "paid", 0)
		s.told(id, "paid")
	})
}

func TestScenario_MC_7_2_12_ASecondDebitCallsAPerson(t *testing.T) {
	each(t, webhooks, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		second := s.company("pay_twice", ref)
		s.is(id, "paid")
		s.attends(id, pay.AttentionProvider)
		// It is returned: the first payment stays as it is.
		s.company("refund", second.Ref)
		s.is(id, "paid")
		s.holds(ref, "paid", 0)
		s.told(id, "paid")
	})
}

// ─── MC-15: states ────────────────────────────────────────────────────────────────────────

func TestScenario_MC_15_01_DraftIsCancelledByUs(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		ref := s.payment(id).Ref
		if a := s.cancel(id); a.Status != http.StatusOK {
			t.Fatalf("got %d %s", a.Status, a.Body)
		}
		s.is(id, "cancelled")
		s.holds(ref, "cancelled", 0)
		s.told(id, "cancelled")
	})
}

func TestScenario_MC_15_02_DraftEndsWithItsTime(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(map[string]any{"ttlSeconds": 600})
		ref := s.payment(id).Ref
		s.b.Advance(599 * time.Second)
		s.b.Settle()
		s.is(id, "pending")
		s.holds(ref, "created", 0)
		s.b.Advance(time.Second)
		s.holds(ref, "cancelled", 0) // their page closes no later than our invoice
		for range 3 {
			s.b.Advance(time.Minute)
			s.b.Settle()
		}
		s.is(id, "cancelled")
		s.told(id, "cancelled")
	})
}

func TestScenario_MC_15_03_ADebitWhoseOutcomeIsOpen(t *testing.T) {
	for card, want := range map[string]string{sim.SlowCard: "paid", sim.SlowPoorCard: "failed"} {
		t.Run(want, func(t *testing.T) {
			each(t, webhooks, func(t *testing.T, s *scene) {
				id := s.invoice(nil)
				r := s.act(simulator.Action{Kind: "pay", Link: s.link(id), Params: map[string]string{"card": card}})
				if r.State != "suspended" {
					t.Errorf("Multicard has it as %s", r.State)
				}
				s.is(id, "pending")
				if a := s.cancel(id); a.Status/100 == 2 {
					t.Errorf("cancelled while the money is being taken: %s", a.Body)
				}
				s.b.Advance(time.Second)
				s.is(id, want)
				s.told(id, want)
			})
		})
	}
}

func TestScenario_MC_15_04_WeRefuseAndTheStatusIsErrorOrRevert(t *testing.T) {
	for _, status := range []string{"error", "revert"} {
		t.Run(status, func(t *testing.T) {
			each(t, map[string]string{"refused_as": status}, func(t *testing.T, s *scene) {
				id := s.invoice(nil)
				s.fault("callback", simulator.WrongAmount, 1)
				s.buyer("pay", id)
				s.is(id, "pending")
				// The page is finished: taking it back finds what became of it.
				if a := s.cancel(id); a.Status != http.StatusOK {
					t.Errorf("got %d %s", a.Status, a.Body)
				}
				s.is(id, "cancelled")
				s.told(id, "cancelled")
			})
		})
	}
}

func TestScenario_MC_15_05_FullRefund(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		a := s.refund(id, map[string]any{"idempotencyKey": "r-1", "reason": "returned"})
		if a.Status != http.StatusCreated || a.Field("status") != "succeeded" {
			t.Fatalf("got %d %s", a.Status, a.Body)
		}
		again := s.refund(id, map[string]any{"idempotencyKey": "r-1", "reason": "returned"})
		if again.Field("id") != a.Field("id") || again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("the repeat: %d %s", again.Status, again.Body)
		}
		if b := s.refund(id, nil); b.Status != http.StatusConflict {
			t.Errorf("another one: %d %s", b.Status, b.Body)
		}
		s.is(id, "refunded")
		s.holds(ref, "refunded", price)
		s.told(id, "paid", "refunded")
	})
}

func TestScenario_MC_15_06_PartialRefunds(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		if a := s.refund(id, map[string]any{"amount": 200000}); a.Status != http.StatusBadRequest || !strings.Contains(string(a.Body), `\"ofd\"`) {
			t.Errorf("without ofd: %d %s", a.Status, a.Body)
		}
		if a := s.refund(id, map[string]any{"amount": 200000, "ofd": remaining}); a.Field("status") != "succeeded" {
			t.Fatalf("got %s", a.Body)
		}
		s.is(id, "paid")
		s.holds(ref, "paid", 200000)
		s.told(id, "paid")
		if a := s.refund(id, map[string]any{"amount": 300001, "ofd": remaining}); a.Status != http.StatusConflict {
			t.Errorf("more than is left: %d %s", a.Status, a.Body)
		}
		if a := s.refund(id, map[string]any{"ofd": remaining}); a.Field("status") != "succeeded" {
			t.Errorf("the rest: %s", a.Body)
		}
		s.is(id, "refunded")
		s.holds(ref, "refunded", price)
		s.told(id, "paid", "refunded")
	})
}

func TestScenario_MC_15_07_ALostPartialRefundWaitsForAPerson(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		s.fault("payment.partial", simulator.LostAfter, 1)
		a := s.refund(id, map[string]any{"amount": 200000, "ofd": remaining})
		if a.Field("status") != "pending" || a.Field("attention") != "refund_unconfirmed" {
			t.Fatalf("got %s", a.Body)
		}
		for range 12 {
			s.b.Advance(time.Hour)
			s.b.Settle()
		}
		if status, _ := s.refundStatus(a); status != "pending" {
			t.Errorf("it became %s by itself", status)
		}
		if b := s.refund(id, map[string]any{"amount": 100000, "ofd": remaining}); b.Status != http.StatusConflict {
			t.Errorf("another one meanwhile: %d %s", b.Status, b.Body)
		}
		s.holds(ref, "paid", 200000) // sent once
		s.is(id, "paid")
	})
}

func TestScenario_MC_15_08_PartialRefundOfAWallet(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		r := s.act(simulator.Action{Kind: "pay", Link: s.link(id), Params: map[string]string{"wallet": "payme"}})
		s.is(id, "paid")
		a := s.refund(id, map[string]any{"amount": 200000, "ofd": remaining})
		if a.Status != http.StatusBadRequest || !strings.Contains(string(a.Body), "cardPan") {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
		if a = s.refund(id, nil); a.Field("status") != "succeeded" {
			t.Errorf("the whole: %s", a.Body)
		}
		s.holds(r.Ref, "refunded", price)
	})
}

func TestScenario_MC_15_09_ALostRefundIsAskedNotRepeated(t *testing.T) {
	for k, want := range map[simulator.Kind]string{
		simulator.LostBefore: "failed", simulator.LostAfter: "succeeded", simulator.HalfBody: "succeeded",
		simulator.Error500: "failed", simulator.Error500After: "succeeded",
	} {
		t.Run(string(k), func(t *testing.T) {
			each(t, nil, func(t *testing.T, s *scene) {
				id, ref := s.paid()
				s.fault("payment.refund", k, 1)
				a := s.refund(id, nil)
				if a.Field("status") != "pending" {
					t.Errorf("got %d %s", a.Status, a.Body)
				}
				for range 12 {
					s.b.Advance(5 * time.Minute)
					s.b.Settle()
				}
				if status, _ := s.refundStatus(a); status != want {
					t.Errorf("it ends as %s, want %s", status, want)
				}
				if e := s.books(ref); (e.Refunded == price) != (want == "succeeded") {
					t.Errorf("Multicard returned %d", e.Refunded)
				}
			})
		})
	}
}

func TestScenario_MC_15_10_MovedToAnotherTry(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		// The answer with the page is lost: nobody can pay there, and the order gets another page.
		s.fault("invoice.create", simulator.LostAfter, 1)
		request := s.b.InvoiceRequest(price, nil)
		if a := s.b.API(http.MethodPost, "/api/invoices", request); a.Status != http.StatusBadGateway {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
		a := s.b.API(http.MethodPost, "/api/invoices", request)
		id, _ := a.Field("id").(string)
		if a.Status/100 != 2 || id == "" {
			t.Fatalf("got %d %s", a.Status, a.Body)
		}
		books := s.b.Sim.Books()
		if len(books) != 2 || books[0].Account == books[1].Account {
			t.Fatalf("Multicard has %+v", books)
		}
		s.buyer("pay", id)
		s.is(id, "paid")
		// Were the lost page paid after all, its money would go back.
		if r := s.company("pay", books[0].Ref); r.State != "refused" {
			t.Errorf("the lost page: %+v", r)
		}
		s.is(id, "paid")
		s.told(id, "paid")
	})
}

// ─── MC-24: what the sandbox must do ──────────────────────────────────────────────────────

func TestScenario_MC_24_02_TokensEndAndAreRenewed(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		s.invoice(nil)
		s.act(simulator.Action{Kind: "expire_tokens"})
		id := s.invoice(nil)
		s.b.Advance(time.Hour)
		s.fault("payment.refund", simulator.ExpiredToken, 1)
		s.buyer("pay", id)
		if a := s.refund(id, nil); a.Field("status") != "succeeded" {
			t.Errorf("got %s", a.Body)
		}
	})
}

func TestScenario_MC_24_07_TheHostedPage(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(map[string]any{"lang": "uz", "returnUrl": "https://shop.uz/ok", "returnErrorUrl": "https://shop.uz/failed"})
		page := s.b.Do(http.MethodGet, s.link(id), nil, nil)
		if page.Status != 200 || !strings.Contains(string(page.Body), "5000.00 UZS") || !strings.Contains(string(page.Body), "Toʻlash") {
			t.Errorf("got %d %s", page.Status, page.Body)
		}
		for lang, word := range map[string]string{"ru": "Оплатить", "en": "Pay", "uz": "Toʻlash"} {
			if p := s.b.Do(http.MethodGet, s.link(id)+"?lang="+lang, nil, nil); !strings.Contains(string(p.Body), word) {
				t.Errorf("in %s: %s", lang, p.Body)
			}
		}
		form := func(v url.Values) providertest.Answer {
			return s.b.Do(http.MethodPost, s.link(id), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(v.Encode()))
		}
		if a := form(url.Values{"do": {"abandon"}}); a.Header.Get("Location") != "https://shop.uz/failed" {
			t.Errorf("given up: %d %v", a.Status, a.Header)
		}
		if form(url.Values{"do": {"pay"}, "otp": {"000000"}}); s.b.Status(id) != "pending" {
			t.Error("a wrong code paid")
		}
		if a := form(url.Values{"do": {"pay"}, "otp": {"112233"}}); a.Header.Get("Location") != "https://shop.uz/ok" {
			t.Errorf("paid: %d %v", a.Status, a.Header)
		}
		s.is(id, "paid")
		if a := form(url.Values{"do": {"pay"}}); a.Status/100 == 5 {
			t.Errorf("paid again: %d", a.Status)
		}
		s.told(id, "paid")
	})
}

func TestScenario_MC_24_07_WhatTheInvoiceCarries(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(map[string]any{
			"ofd": []map[string]any{
				{"qty": 2, "price": 150000, "total": 300000, "mxik": "06401004002000000", "package_code": "1506113", "name": "A", "vat": 12},
				{"qty": 0.25, "price": 800000, "total": 200000, "mxik": "06401002004000000", "package_code": "1519041", "name": "B kg", "vat": 0},
			},
			"split": []map[string]any{{"type": "account", "amount": 400000, "details": "Ulush"}},
		})
		got := s.ask("/payment/invoice/" + s.payment(id).Ref)
		want := `[{"qty":2,"price":150000,"total":300000,"mxik":"06401004002000000","package_code":"1506113","name":"A","vat":12},` +
			`{"qty":1,"price":200000,"total":200000,"mxik":"06401002004000000","package_code":"1519041","name":"B kg × 0.25","vat":0}]`
		if ofd := string(got["ofd"]); sameJSON(ofd, want) != "" {
			t.Errorf("Multicard has the lines %s", ofd)
		}
		if split := string(got["split"]); sameJSON(split, `[{"type":"account","amount":400000,"details":"Ulush"}]`) != "" {
			t.Errorf("Multicard has the split %s", split)
		}
		if string(got["callback_url"]) != strconv.Quote(s.b.CallbackURL) || string(got["invoice_id"]) != strconv.Quote(s.payment(id).ID) {
			t.Errorf("Multicard has %s for %s", got["callback_url"], got["invoice_id"])
		}
		if deeplink, _ := s.b.InvoiceField(id, "deeplink").(string); !strings.HasPrefix(deeplink, "https://multicard.app/payments/checkout/6?params=") {
			t.Errorf("the deeplink is %q", deeplink)
		}
	})
}

// ask reads something from Multicard's API as anybody with the credentials can.
func (s *scene) ask(path string) map[string]json.RawMessage {
	s.t.Helper()
	header := http.Header{"Content-Type": {"application/json"}}
	body, err := json.Marshal(map[string]string{"application_id": public["applicationId"], "secret": public["secret"]})
	if err != nil {
		s.t.Fatal(err)
	}
	auth := s.b.Do(http.MethodPost, s.b.World.BaseURL+"/auth", header, body)
	token, _ := auth.JSON.(map[string]any)
	header.Set("Authorization", fmt.Sprint("Bearer ", token["token"]))
	a := s.b.Do(http.MethodGet, s.b.World.BaseURL+path, header, nil)
	var got struct {
		Data map[string]json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(a.Body, &got); err != nil || a.Status != 200 {
		s.t.Fatalf("%s: %d %s", path, a.Status, a.Body)
	}
	return got.Data
}

func TestScenario_MC_24_12_PartialRefundPassesTheLinesOnUnchanged(t *testing.T) {
	each(t, map[string]string{"strict_ofd": "on"}, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		// Strict: the lines must be what remains sold. Those of what goes back are refused.
		wrong := []map[string]any{{"qty": 1, "price": 200000, "total": 200000, "mxik": "06401004002000000", "package_code": "1506113", "name": "Back", "vat": 0}}
		if a := s.refund(id, map[string]any{"amount": 200000, "ofd": wrong}); a.Field("status") != "failed" {
			t.Errorf("the returned lines: %s", a.Body)
		}
		s.holds(ref, "paid", 0)
		if a := s.refund(id, map[string]any{"amount": 200000, "ofd": remaining}); a.Field("status") != "succeeded" {
			t.Errorf("the remaining lines: %s", a.Body)
		}
		want, err := json.Marshal(remaining)
		if err != nil {
			t.Fatal(err)
		}
		if ofd := string(s.ask("/payment/" + ref)["ofd"]); sameJSON(ofd, string(want)) != "" {
			t.Errorf("Multicard has the lines %s", ofd)
		}
	})
	each(t, map[string]string{"partial": "off"}, func(t *testing.T, s *scene) {
		id, _ := s.paid()
		if a := s.refund(id, map[string]any{"amount": 200000, "ofd": remaining}); a.Field("status") != "failed" {
			t.Errorf("a terminal without partial refunds: %s", a.Body)
		}
		s.is(id, "paid")
		if a := s.refund(id, nil); a.Field("status") != "succeeded" {
			t.Errorf("the whole: %s", a.Body)
		}
	})
}

func TestScenario_MC_24_17_FiscalLink(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id, ref := s.paid()
		if a := s.b.API(http.MethodPost, "/api/invoices/"+id+"/receipt", map[string]any{"url": fiscalLink}); a.Status != 200 || a.Field("receiptUrl") != fiscalLink {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
		s.fault("payment.fiscal", simulator.LostAfter, 1)
		for range 3 {
			s.b.Settle()
			s.b.Advance(time.Minute)
		}
		receipt := s.b.Do(http.MethodGet, s.b.World.BaseURL+"/check/"+ref, nil, nil)
		if !strings.Contains(string(receipt.Body), "t=UZ170703100597&amp;r=2421&amp;c=20230104121801&amp;s=514343190161") {
			t.Errorf("Multicard's receipt shows %s", receipt.Body)
		}
		s.attends(id)
	})
}

func TestScenario_MC_24_04_RegisterByNumberAndByUUID(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		for i, store := range []string{"6", "105", "a1df872e-d5aa-11ee-8de8-005056b4367d", "4242", "0fd12c64-0000-11ef-8000-005056b4367d"} {
			business := fmt.Sprint("biz-", i+10)
			s.b.Register(business, map[string]string{"applicationId": public["applicationId"], "secret": public["secret"], "storeId": store}, nil)
			id := s.invoice(map[string]any{"businessId": business})
			if r := s.buyer("pay", id); r.State != "paid" {
				t.Errorf("register %s: %+v", store, r)
			}
			s.is(id, "paid")
		}
	})
}

func TestScenario_MC_24_10_CallbacksOnlyFromWhereTheyMayCome(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		s.b.Register("biz-1", public, map[string]any{"callbackFrom": []string{"195.158.26.90/32"}})
		id := s.invoice(nil)
		r := s.buyer("pay", id) // from 127.0.0.1
		if r.State != "refused" || r.Exchanges[0].Status != http.StatusForbidden {
			t.Errorf("got %+v", r)
		}
		s.is(id, "pending")
	})
}

func TestScenario_MC_24_09_PaysOnceAmongManyAtOnce(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		id := s.invoice(nil)
		p := s.payment(id)
		var yes [32]bool
		s.b.Race(len(yes), func(i int) {
			p := p
			if i%2 == 1 {
				p.Ref = "e60d8ebc-b9fe-11ef-b159-005056b4367d" // another transaction on the same invoice
			}
			yes[i] = says(s.post(successOf(p, price)), true)
		})
		for i, y := range yes {
			if y != yes[i%2] {
				t.Fatalf("answers to one transaction differ: %v", yes)
			}
		}
		if yes[0] == yes[1] {
			t.Errorf("both transactions were answered %v", yes[0])
		}
		s.is(id, "paid")
		s.told(id, "paid")
	})
}
