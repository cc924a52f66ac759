package click_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The acceptance scenarios of the protocol's reference, each through the real gateway, on both
// databases. README.md has their table.

const order = 50000_00 // the order of the scenarios: 50 000 soum

// on runs a scenario with an unpaid order.
func on(t *testing.T, f func(t *testing.T, b *providertest.Bench, inv string)) {
	t.Helper()
	t.Parallel()
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) { f(t, b, b.Invoice(order, nil)) })
}

// must checks what holds of every answer, and its code.
func must(t *testing.T, r reply, m message, code int) {
	t.Helper()
	if r.Status != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		t.Fatalf("HTTP %d, %s: %s", r.Status, r.Header.Get("Content-Type"), r.raw)
	}
	if r.code != code {
		t.Fatalf("answered %s, want error %d", r.raw, code)
	}
	if !strings.Contains(r.raw, `"click_trans_id":`+m["click_trans_id"]+",") || r.field("merchant_trans_id") != m["merchant_trans_id"] {
		t.Errorf("the ids are not echoed: %s", r.raw)
	}
}

// prepared sends a Prepare that must be taken, and returns it with our id.
func prepared(t *testing.T, b *providertest.Bench, inv string) (m message, prepareID string) {
	t.Helper()
	m = prepareMessage(newTrans(), inv, "50000")
	r := m.send(b)
	must(t, r, m, 0)
	return m, r.field("merchant_prepare_id")
}

// bought prepares and completes.
func bought(t *testing.T, b *providertest.Bench, inv string) (prepare, complete message) {
	t.Helper()
	m, id := prepared(t, b, inv)
	c := completeMessage(m, id)
	must(t, c.send(b), c, 0)
	return m, c
}

func status(t *testing.T, b *providertest.Bench, inv, want string) {
	t.Helper()
	if got := b.Status(inv); got != want {
		t.Errorf("the invoice is %s, want %s", got, want)
	}
}

// told checks the statuses that the app was told, in order.
func told(t *testing.T, b *providertest.Bench, inv string, want ...string) {
	t.Helper()
	var got []string
	for _, w := range b.Webhooks(inv) {
		got = append(got, fmt.Sprint(w.JSON["status"]))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the app was told %q, want %q", got, want)
	}
}

func alarms(t *testing.T, b *providertest.Bench, inv string, want ...pay.Attention) {
	t.Helper()
	var got []pay.Attention
	for _, a := range b.Alarms(inv) {
		got = append(got, a.Kind)
	}
	if !slices.Equal(got, want) {
		t.Errorf("alarms %q, want %q", got, want)
	}
}

// states are those of the invoice's attempts, sorted.
func states(t *testing.T, b *providertest.Bench, inv string, want ...pay.State) {
	t.Helper()
	var got []pay.State
	for _, p := range b.Payments(inv) {
		got = append(got, p.State)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("attempts are %q, want %q", got, want)
	}
}

func TestScenario01_Prepare(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m := prepareMessage("3647147957", inv, "50000")
		r := m.send(b)
		must(t, r, m, 0)
		if r.field("error_note") != "Success" {
			t.Error(r.raw)
		}
		if id, err := strconv.ParseInt(r.field("merchant_prepare_id"), 10, 32); err != nil || id <= 0 {
			t.Errorf("merchant_prepare_id: %s", r.raw)
		}
		status(t, b, inv, "pending")
		states(t, b, inv, pay.Created)
		told(t, b, inv)
	})
}

func TestScenario02_AmountIsHashedAsReceived(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		for _, amount := range []string{"50000", "50000.00", "50000.0"} {
			m := prepareMessage(newTrans(), inv, amount)
			must(t, m.send(b), m, 0)
		}
	})
}

func TestScenario03_RepeatedPrepare(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m, id := prepared(t, b, inv)
		again := m.send(b)
		must(t, again, m, 0)
		if again.field("merchant_prepare_id") != id {
			t.Errorf("%s, first %s", again.raw, id)
		}
		states(t, b, inv, pay.Created)
	})
}

func TestScenario04_WrongSignature(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m := prepareMessage(newTrans(), inv, "50000").but("sign_string", strings.Repeat("0", 32))
		r := m.send(b)
		must(t, r, m, -1)
		if r.field("error_note") != "SIGN CHECK FAILED!" {
			t.Error(r.raw)
		}
		states(t, b, inv)
	})
}

func TestScenario05_SignedOverAnotherText(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m := prepareMessage(newTrans(), inv, "50000.00").but("amount", "50000")
		must(t, m.send(b), m, -1)
		states(t, b, inv)
	})
}

func TestScenario06_UnknownOrder(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m := prepareMessage(newTrans(), "nope", "50000")
		must(t, m.send(b), m, -5)
		// Nor is another business's invoice ours to show.
		_, callback := b.Register("biz-2", map[string]string{"serviceId": "5", "merchantId": "6", "secretKey": secret}, nil)
		m = prepareMessage(newTrans(), inv, "50000").with("service_id", "5")
		must(t, m.sendTo(b, callback), m, -5)
		states(t, b, inv)
	})
}

func TestScenario07_WrongAmount(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		for amount, code := range map[string]int{"49999.99": -2, "50000.01": -2, "-50000": -8, "5000000": -2, "50000.001": -2} {
			m := prepareMessage(newTrans(), inv, amount)
			must(t, m.send(b), m, code)
		}
		states(t, b, inv)
	})
}

func TestScenario08_UnknownAction(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m := prepareMessage(newTrans(), inv, "50000").with("action", "7")
		must(t, m.send(b), m, -3)
		must(t, m.but("sign_string", "x").send(b), m, -3)
		states(t, b, inv)
	})
}

func TestScenario09_MissingFieldAndForeignService(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m := prepareMessage(newTrans(), inv, "50000")
		must(t, m.without("sign_time").send(b), m, -8)
		must(t, m.with("service_id", "1").send(b), m, -8)
		states(t, b, inv)
	})
}

func TestScenario10_Complete(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m, id := prepared(t, b, inv)
		c := completeMessage(m, id)
		r := c.send(b)
		must(t, r, c, 0)
		if n, err := strconv.ParseInt(r.field("merchant_confirm_id"), 10, 64); err != nil || n <= 0 {
			t.Errorf("merchant_confirm_id: %s", r.raw)
		}
		status(t, b, inv, "paid")
		told(t, b, inv, "paid")
		alarms(t, b, inv)
	})
}

func TestScenario11_RepeatedComplete(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		_, c := bought(t, b, inv)
		b.Advance(time.Minute)
		r := c.send(b)
		must(t, r, c, -4)
		if r.field("error_note") != "Already paid" {
			t.Error(r.raw)
		}
		status(t, b, inv, "paid")
		told(t, b, inv, "paid")
		alarms(t, b, inv)
	})
}

func TestScenario12_ConcurrentCompletes(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m, id := prepared(t, b, inv)
		c := completeMessage(m, id)
		codes := make([]int, 20)
		b.Race(len(codes), func(i int) { codes[i] = c.send(b).code })
		yes, again := 0, 0
		for _, code := range codes {
			switch code {
			case 0:
				yes++
			case -4:
				again++
			}
		}
		if yes != 1 || again != 19 {
			t.Errorf("%v", codes)
		}
		status(t, b, inv, "paid")
		told(t, b, inv, "paid")
		states(t, b, inv, pay.Paid)
	})
}

func TestScenario13_UnknownPrepareID(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m, id := prepared(t, b, inv)
		other := b.Invoice(order, nil)
		_, otherID := prepared(t, b, other)
		for _, wrong := range []message{
			completeMessage(m, "999999999"),
			completeMessage(m, otherID),
			completeMessage(m, id).with("merchant_trans_id", other),
			completeMessage(m, id).with("click_trans_id", newTrans()),
		} {
			must(t, wrong.send(b), wrong, -6)
		}
		status(t, b, inv, "pending")
		status(t, b, other, "pending")
	})
}

func TestScenario14_CompleteWithAnotherAmount(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m, id := prepared(t, b, inv)
		c := completeMessage(m, id)
		wrong := c.with("amount", "300")
		must(t, wrong.send(b), wrong, -2)
		status(t, b, inv, "pending")
		alarms(t, b, inv, pay.AttentionAmount)
		must(t, c.send(b), c, 0)
		status(t, b, inv, "paid")
		told(t, b, inv, "paid")
	})
}

func TestScenario15_FailedPayment(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m, id := prepared(t, b, inv)
		c := completeMessage(m, id)
		failed := c.with("error", "-5017", "error_note", "Недостаточно средств")
		must(t, failed.send(b), failed, -9)
		states(t, b, inv, pay.Cancelled)
		status(t, b, inv, "pending") // the buyer may try again
		must(t, failed.send(b), failed, -9)
		alarms(t, b, inv)

		must(t, c.send(b), c, -9)
		alarms(t, b, inv, pay.AttentionProvider)
		status(t, b, inv, "pending")
		told(t, b, inv)
	})
}

func TestScenario16_FailureAfterPayment(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		_, c := bought(t, b, inv)
		failed := c.with("error", "-5017")
		must(t, failed.send(b), failed, -9)
		status(t, b, inv, "paid")
		alarms(t, b, inv, pay.AttentionProvider)
		told(t, b, inv, "paid")
		if got := b.Payments(inv)[0].Refunded; got != 0 {
			t.Errorf("%d tiyin were returned", got)
		}
	})
}

func TestScenario17_PrepareAfterPayment(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m, _ := bought(t, b, inv)
		must(t, m.send(b), m, -4)
		m = prepareMessage(newTrans(), inv, "50000")
		must(t, m.send(b), m, -4)
		states(t, b, inv, pay.Paid)
	})
}

func TestScenario18_TwoAttempts(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		older, olderID := prepared(t, b, inv)
		newer, newerID := prepared(t, b, inv)
		c := completeMessage(newer, newerID)
		must(t, c.send(b), c, 0)
		// -9 and not -4: the older attempt's money has paid for nothing, and must go back.
		c = completeMessage(older, olderID)
		must(t, c.send(b), c, -9)
		status(t, b, inv, "paid")
		told(t, b, inv, "paid")
		alarms(t, b, inv, pay.AttentionProvider)
		must(t, older.send(b), older, -9)
	})
}

// TestScenario18_TwoAttemptsAtOnce: both are completed at the same moment; one is taken.
func TestScenario18_TwoAttemptsAtOnce(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		var completes [8]message
		for i := range completes {
			m, id := prepared(t, b, inv)
			completes[i] = completeMessage(m, id)
		}
		codes := make([]int, len(completes))
		b.Race(len(codes), func(i int) { codes[i] = completes[i].send(b).code })
		slices.Sort(codes)
		if want := []int{-9, -9, -9, -9, -9, -9, -9, 0}; !slices.Equal(codes, want) {
			t.Errorf("%v", codes)
		}
		told(t, b, inv, "paid")
	})
}

func TestScenario19_PrepareWithError(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m := prepareMessage(newTrans(), inv, "50000").with("error", "-1")
		must(t, m.send(b), m, -9)
		states(t, b, inv)
		// Of an attempt that was begun before.
		m, _ = prepared(t, b, inv)
		failed := m.with("error", "-1")
		must(t, failed.send(b), failed, -9)
		states(t, b, inv, pay.Cancelled)
	})
}

func TestScenario20_DatabaseDown(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m := prepareMessage(newTrans(), inv, "50000")
		b.FailStore(true)
		must(t, m.send(b), m, -7)
		b.FailStore(false)
		r := m.send(b)
		must(t, r, m, 0)

		c := completeMessage(m, r.field("merchant_prepare_id"))
		b.FailStore(true)
		must(t, c.send(b), c, -7)
		failed := c.with("error", "-5017")
		must(t, failed.send(b), failed, -7)
		b.FailStore(false)
		status(t, b, inv, "pending")
		must(t, c.send(b), c, 0)
		told(t, b, inv, "paid")
	})
}

// TestScenario20_CLICKRepeats: the same, with CLICK's own repeats.
func TestScenario20_CLICKRepeats(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		rep, err := b.Sim.Act(t.Context(), simulator.Action{Kind: "prepare", Link: link(b, inv)})
		if err != nil || rep.State != "created" {
			t.Fatalf("%+v %v", rep, err)
		}
		b.FailStore(true)
		rep, err = b.Sim.Act(t.Context(), simulator.Action{Kind: "complete", Ref: rep.Ref})
		if err != nil || rep.State != "suspended" || len(rep.Problems) > 0 {
			t.Fatalf("%+v %v", rep, err)
		}
		b.FailStore(false)
		b.Advance(time.Minute)
		b.Sim.Tick(t.Context())
		if got := b.Sim.Books()[0].State; got != "paid" {
			t.Errorf("CLICK's book says %s", got)
		}
		status(t, b, inv, "paid")
		told(t, b, inv, "paid")
	})
}

func link(b *providertest.Bench, inv string) string {
	return fmt.Sprint(b.InvoiceField(inv, "checkoutUrl"))
}

func TestScenario21_WhatIsNoMessageAtTheGateway(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		for name, a := range map[string]providertest.Answer{
			"GET":       get(t, b.CallbackURL),
			"GET below": get(t, b.CallbackURL+"/prepare"),
			"empty":     b.Do(http.MethodPost, b.CallbackURL, form, nil),
			"JSON":      b.Do(http.MethodPost, b.CallbackURL, http.Header{"Content-Type": {"application/json"}}, []byte(`{"action":0}`)),
			"too large": b.Do(http.MethodPost, b.CallbackURL, form, []byte("a="+strings.Repeat("x", 65<<10))),
		} {
			if r := read(a); r.Status != http.StatusOK || r.code != -8 || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
				t.Errorf("%s: HTTP %d %s", name, r.Status, r.raw)
			}
		}
	})
}

func TestScenario22_LargestID(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m := prepareMessage("9223372036854775806", inv, "50000")
		r := m.send(b)
		must(t, r, m, 0)
		c := completeMessage(m, r.field("merchant_prepare_id"))
		must(t, c.send(b), c, 0)
		if got := b.Payments(inv)[0].Ref; got != "9223372036854775806" {
			t.Error(got)
		}
	})
}

// get opens an address as a browser does. The API's document, which the bench checks answers
// against, knows no such call.
func get(t *testing.T, address string) providertest.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	a := providertest.Answer{Status: res.StatusCode, Header: res.Header}
	if a.Body, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(a.Body, &a.JSON)
	return a
}

// boughtAtClick pays through CLICK's own page.
func boughtAtClick(t *testing.T, b *providertest.Bench, inv string) simulator.Report {
	t.Helper()
	rep, err := b.Sim.Act(t.Context(), simulator.Action{Kind: "pay", Link: link(b, inv)})
	if err != nil || rep.State != "paid" || len(rep.Problems) > 0 {
		t.Fatalf("%+v %v", rep, err)
	}
	return rep
}

// refund asks for one, and returns its status.
func refund(t *testing.T, b *providertest.Bench, body map[string]any) (providertest.Answer, string) {
	t.Helper()
	a := b.API(http.MethodPost, "/api/refunds", body)
	m, _ := a.JSON.(map[string]any)
	data, _ := m["data"].(map[string]any)
	return a, fmt.Sprint(data["status"])
}

func TestScenario23_ReversalAfterPayment(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		boughtAtClick(t, b, inv)
		if a, state := refund(t, b, map[string]any{"invoiceId": inv}); a.Status != http.StatusCreated || state != "succeeded" {
			t.Fatalf("HTTP %d %s", a.Status, a.Body)
		}
		if e := b.Sim.Books()[0]; e.State != "refunded" || e.Refunded != order {
			t.Errorf("%+v", e)
		}
		status(t, b, inv, "refunded")
		told(t, b, inv, "paid", "refunded")
	})
}

func TestScenario23_LostReversal(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		boughtAtClick(t, b, inv)
		b.World.Faults.Set(simulator.Fault{Step: "payment.reversal", Kind: simulator.LostAfter, Times: 1})
		a, state := refund(t, b, map[string]any{"invoiceId": inv})
		if a.Status != http.StatusCreated || state != "pending" {
			t.Fatalf("HTTP %d %s", a.Status, a.Body)
		}
		b.Advance(time.Hour)
		b.Settle()
		status(t, b, inv, "refunded")
		told(t, b, inv, "paid", "refunded")
		if e := b.Sim.Books()[0]; e.Refunded != order {
			t.Errorf("%+v", e)
		}
	})
}

func TestScenario23_RefundOfAPart(t *testing.T) {
	t.Parallel()
	s := setup()
	s.Options = map[string]any{"partialReversal": true}
	providertest.Each(t, s, func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(order, nil)
		boughtAtClick(t, b, inv)
		for _, amount := range []int64{20000_00, 30000_00} {
			if a, state := refund(t, b, map[string]any{"invoiceId": inv, "amount": amount}); state != "succeeded" {
				t.Fatalf("HTTP %d %s", a.Status, a.Body)
			}
		}
		status(t, b, inv, "refunded")
		told(t, b, inv, "paid", "refunded")
		if e := b.Sim.Books()[0]; e.Refunded != order {
			t.Errorf("%+v", e)
		}
	})
}

func TestScenario23_RefundThatCannotBeMade(t *testing.T) {
	t.Parallel()
	s := setup()
	delete(s.Credentials, "merchantUserId")
	providertest.Each(t, s, func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(order, nil)
		boughtAtClick(t, b, inv)
		if a, _ := refund(t, b, map[string]any{"invoiceId": inv}); a.Status != http.StatusUnprocessableEntity || !strings.Contains(string(a.Body), "NOT_SUPPORTED") {
			t.Errorf("HTTP %d %s", a.Status, a.Body)
		}
		status(t, b, inv, "paid")
	})
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(order, nil)
		boughtAtClick(t, b, inv)
		if a, _ := refund(t, b, map[string]any{"invoiceId": inv, "amount": 100}); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("a part: HTTP %d %s", a.Status, a.Body)
		}
	})
}

func TestScenario25_CheckoutLink(t *testing.T) {
	t.Parallel()
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(order, map[string]any{"returnUrl": "https://shop.uz/done?n=1&x=2"})
		u, err := url.Parse(link(b, inv))
		if err != nil {
			t.Fatal(err)
		}
		want := url.Values{
			"service_id": {"73438"}, "merchant_id": {"1001"}, "amount": {"50000.00"},
			"transaction_param": {inv}, "return_url": {"https://shop.uz/done?n=1&x=2"},
		}
		if u.Query().Encode() != want.Encode() || !strings.HasSuffix(u.Path, "/services/pay/") {
			t.Error(u)
		}
		rep := boughtAtClick(t, b, inv)
		if rep.Returned != "https://shop.uz/done?n=1&x=2" {
			t.Error(rep.Returned)
		}
		told(t, b, inv, "paid")
	})
}

// TestScenario29_OldPaymentAtTheGateway: CLICK's refusal ends the refund and nothing else.
func TestScenario29_OldPaymentAtTheGateway(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		boughtAtClick(t, b, inv)
		now := b.Now().In(provider.Tashkent)
		b.Advance(time.Date(now.Year(), now.Month()+1, 2, 0, 0, 0, 0, provider.Tashkent).Sub(now))
		a, state := refund(t, b, map[string]any{"invoiceId": inv})
		if state != "failed" || !strings.Contains(string(a.Body), "month") {
			t.Fatalf("HTTP %d %s", a.Status, a.Body)
		}
		status(t, b, inv, "paid")
		if p := b.Payments(inv)[0]; p.Refunded != 0 || p.Reserved != 0 {
			t.Errorf("%+v", p)
		}
		told(t, b, inv, "paid")
	})
}

func TestScenario31_FifteenCases(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		orders := strings.Join([]string{inv, b.Invoice(order, nil), b.Invoice(order, nil)}, ",")
		rep, err := b.Sim.Act(t.Context(), simulator.Action{Kind: "suite", Amount: order, Params: map[string]string{"orders": orders}})
		if err != nil || rep.State != "15 of 15" {
			t.Errorf("%s %q %v", rep.State, rep.Problems, err)
		}
		for i, want := range []string{"paid", "paid", "pending"} {
			status(t, b, strings.Split(orders, ",")[i], want)
		}
	})
}

// ─── What the reference leaves to us ────────────────────────────────────────────────────────

func TestSuffixesAndPayNumber(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		number := fmt.Sprint(b.InvoiceField(inv, "payNumber"))
		m := prepareMessage(newTrans(), number, "50000")
		r := m.sendTo(b, b.CallbackURL+"/prepare")
		must(t, r, m, 0)
		c := completeMessage(m, r.field("merchant_prepare_id"))
		must(t, c.sendTo(b, b.CallbackURL+"/complete"), c, 0)
		status(t, b, inv, "paid")
	})
}

// TestProtection: an open Prepare keeps its invoice for half an hour; money that comes later is
// still taken while the invoice is pending, and sent back once it is not.
func TestProtection(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		cancel := func(inv string) int { return b.API(http.MethodPost, "/api/invoices/"+inv+"/cancel", nil).Status }
		given := b.Invoice(order, nil)
		m, id := prepared(t, b, inv)
		given1, givenID := prepared(t, b, given)
		b.Advance(30 * time.Minute)
		if got := cancel(inv); got != http.StatusConflict {
			t.Errorf("cancelled within the half hour: HTTP %d", got)
		}
		b.Advance(time.Second)
		b.Settle()
		if got := cancel(given); got != http.StatusOK {
			t.Errorf("not cancelled after the half hour: HTTP %d", got)
		}
		c := completeMessage(m, id)
		must(t, c.send(b), c, 0)
		told(t, b, inv, "paid")

		must(t, given1.send(b), given1, -9)
		c = completeMessage(given1, givenID)
		must(t, c.send(b), c, -9)
		alarms(t, b, given, pay.AttentionProvider)
		told(t, b, given, "cancelled")
	})
}

// TestExpiryWaitsForAnOpenPrepare: an invoice whose time ends while a buyer is being debited.
func TestExpiryWaitsForAnOpenPrepare(t *testing.T) {
	t.Parallel()
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(order, map[string]any{"ttlSeconds": 60})
		m, id := prepared(t, b, inv)
		b.Advance(10 * time.Minute)
		b.Settle()
		status(t, b, inv, "pending")
		c := completeMessage(m, id)
		must(t, c.send(b), c, 0)
		told(t, b, inv, "paid")

		expired := b.Invoice(order, map[string]any{"ttlSeconds": 60})
		b.Advance(2 * time.Minute)
		m = prepareMessage(newTrans(), expired, "50000")
		must(t, m.send(b), m, -9)
	})
}

// TestBuyersPage: the link opens in a browser, and its button pays and leads back to the shop.
func TestBuyersPage(t *testing.T) {
	t.Parallel()
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(order, map[string]any{"returnUrl": "https://shop.uz/done"})
		page := b.Do(http.MethodGet, link(b, inv), nil, nil)
		if page.Status != http.StatusOK || !strings.Contains(string(page.Body), "50000.00 soum") {
			t.Fatalf("HTTP %d %s", page.Status, page.Body)
		}
		pressed := b.Do(http.MethodPost, link(b, inv), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte("do=pay"))
		if pressed.Status != http.StatusSeeOther || pressed.Header.Get("Location") != "https://shop.uz/done" {
			t.Errorf("HTTP %d to %s", pressed.Status, pressed.Header.Get("Location"))
		}
		told(t, b, inv, "paid")
	})
}

func TestRefundedOrderIsClosed(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		boughtAtClick(t, b, inv)
		if _, state := refund(t, b, map[string]any{"invoiceId": inv}); state != "succeeded" {
			t.Fatal(state)
		}
		m := prepareMessage(newTrans(), inv, "50000")
		must(t, m.send(b), m, -9)
	})
}

func TestUnknownMerchantHasTheWrongKey(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m := prepareMessage(newTrans(), inv, "50000")
		must(t, m.sendTo(b, strings.Replace(b.CallbackURL, b.MerchantID, "018f0000-0000-7000-8000-000000000000", 1)), m, -1)
		states(t, b, inv)
	})
}

// TestOneAddressForAll: the message names its service, so the address need not.
func TestOneAddressForAll(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		address := strings.TrimSuffix(b.CallbackURL, "/"+b.MerchantID)
		m := prepareMessage(newTrans(), inv, "50000")
		must(t, m.sendTo(b, address), m, 0)
		stranger := m.with("service_id", "999")
		must(t, stranger.sendTo(b, address), stranger, -1)
	})
}

func TestInactiveMerchantTakesNoNewAttempt(t *testing.T) {
	on(t, func(t *testing.T, b *providertest.Bench, inv string) {
		m, id := prepared(t, b, inv)
		if a := b.API(http.MethodPatch, "/api/merchants/"+b.MerchantID, map[string]any{"isActive": false}); a.Status != http.StatusOK {
			t.Fatalf("HTTP %d %s", a.Status, a.Body)
		}
		other := prepareMessage(newTrans(), inv, "50000")
		must(t, other.send(b), other, -9)
		c := completeMessage(m, id) // what was begun is finished
		must(t, c.send(b), c, 0)
	})
}

// TestCLICKAgainstTheGateway plays every kind of buyer and network, and compares the two books.
func TestCLICKAgainstTheGateway(t *testing.T) {
	faults := []simulator.Fault{
		{}, {Step: "prepare", Kind: simulator.LostBefore}, {Step: "prepare", Kind: simulator.LostAfter},
		{Step: "prepare", Kind: simulator.HalfBody}, {Step: "prepare", Kind: simulator.Twice},
		{Step: "prepare", Kind: simulator.WrongSignature}, {Step: "prepare", Kind: simulator.WrongAmount},
		{Step: "complete", Kind: simulator.LostBefore}, {Step: "complete", Kind: simulator.LostAfter},
		{Step: "complete", Kind: simulator.HalfBody}, {Step: "complete", Kind: simulator.Twice},
		{Step: "complete", Kind: simulator.WrongSignature}, {Step: "complete", Kind: simulator.WrongAmount},
		{Step: "complete", Kind: simulator.Reordered},
	}
	for _, begin := range []string{"complete", "prepare"} {
		t.Run("again_from_"+begin, func(t *testing.T) {
			t.Parallel()
			providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
				if _, err := b.Sim.Act(t.Context(), simulator.Action{Kind: "set", Params: map[string]string{"repeat_from": begin}}); err != nil {
					t.Fatal(err)
				}
				for _, f := range faults {
					if begin == "prepare" && f.Step == "prepare" {
						continue // before a debit there is no difference
					}
					for _, kind := range []string{"pay", "refuse", "pay_twice", "abandon"} {
						inv := b.Invoice(order, nil)
						before := len(b.Sim.Books())
						if f.Step != "" {
							f.Times = 1
							b.World.Faults.Set(f)
						}
						rep, err := b.Sim.Act(t.Context(), simulator.Action{Kind: kind, Link: link(b, inv)})
						for range 7 {
							b.Advance(time.Minute)
							b.Sim.Tick(t.Context())
						}
						b.World.Faults.Clear("")
						if err != nil || len(rep.Problems) > 0 {
							t.Errorf("%s with %s of %s: %q %v", kind, f.Kind, f.Step, rep.Problems, err)
						}
						agree(t, b, inv, kind+" with "+string(f.Kind)+" of "+f.Step, b.Sim.Books()[before:])
					}
				}
			})
		})
	}
}

// agree compares the books: what CLICK keeps is exactly what the invoice was paid with.
func agree(t *testing.T, b *providertest.Bench, inv, what string, theirs []simulator.Entry) {
	t.Helper()
	var kept int64
	for _, e := range theirs {
		switch e.State {
		case "paid":
			kept += e.Amount - e.Refunded
		case "suspended", "created":
			t.Errorf("%s: CLICK is left with %+v", what, e)
		}
	}
	var ours int64
	for _, p := range b.Payments(inv) {
		ours += int64(p.Captured - p.Refunded)
	}
	if kept != ours || kept > order {
		t.Errorf("%s: CLICK keeps %d tiyin, we have %d", what, kept, ours)
	}
	if (kept == order) != (b.Status(inv) == "paid") {
		t.Errorf("%s: CLICK keeps %d tiyin, the invoice is %s", what, kept, b.Status(inv))
	}
}
