package payme_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/click"
	clicksim "github.com/chorsu/chorsu/internal/provider/click/sim"
	"github.com/chorsu/chorsu/internal/provider/payme"
	"github.com/chorsu/chorsu/internal/provider/payme/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The acceptance scenarios of the protocol reference, by its numbers, through the real gateway
// on both databases. 21 (accumulating accounts) has no test: an invoice is paid once.

const orderAmount = 5000000

func setup() providertest.Setup {
	return providertest.Setup{
		Provider:    payme.New(),
		Simulator:   sim.New,
		Credentials: map[string]string{"merchantId": kassa, "key": liveKey},
	}
}

func with(options map[string]any) providertest.Setup {
	s := setup()
	s.Options = options
	return s
}

// caller is Payme at one merchant's address, with its key.
type caller struct {
	b      *providertest.Bench
	url    string
	header http.Header
}

func callerOf(b *providertest.Bench) caller { return caller{b, b.CallbackURL, paymeHeader()} }

var rpcIDs atomic.Int64

// call sends one call, under a JSON-RPC id of its own, which the answer must carry.
func (c caller) call(t testing.TB, method string, params map[string]any) said {
	t.Helper()
	id := rpcIDs.Add(1)
	body, err := json.Marshal(map[string]any{"method": method, "params": params, "id": id})
	if err != nil {
		t.Fatal(err)
	}
	out := c.raw(t, "POST", string(body))
	if string(out.ID) != fmt.Sprint(id) {
		t.Errorf("%s: id %s, the call's was %d", method, out.ID, id)
	}
	return out
}

func (c caller) raw(t testing.TB, method, body string) said {
	t.Helper()
	a := c.b.Do(method, c.url, c.header, []byte(body))
	out := read(t, a.Status, a.Header, a.Body)
	out.Answer = a
	return out
}

func (c caller) check(t testing.TB, order any, amount any) said {
	t.Helper()
	return c.call(t, "CheckPerformTransaction", map[string]any{"amount": amount, "account": map[string]any{"order_id": order}})
}

func (c caller) create(t testing.TB, id, order string, at time.Time) said {
	t.Helper()
	return c.call(t, "CreateTransaction", map[string]any{
		"id": id, "time": at.UnixMilli(), "amount": orderAmount, "account": map[string]any{"order_id": order},
	})
}

func (c caller) perform(t testing.TB, id string) said {
	t.Helper()
	return c.call(t, "PerformTransaction", map[string]any{"id": id})
}

func (c caller) cancel(t testing.TB, id string, reason int) said {
	t.Helper()
	return c.call(t, "CancelTransaction", map[string]any{"id": id, "reason": reason})
}

func (c caller) status(t testing.TB, id string) said {
	t.Helper()
	return c.call(t, "CheckTransaction", map[string]any{"id": id})
}

// tx is Payme's id of the n-th transaction of a scenario.
func tx(n int) string { return fmt.Sprintf("6385f0c5d9c5b7a8c3f1a%03d", n) }

func (s said) wants(t testing.TB, code int, data string) {
	t.Helper()
	if s.Error.Code != code || s.Error.Data != data {
		t.Errorf("error %d %q, want %d %q", s.Error.Code, s.Error.Data, code, data)
	}
}

func (s said) state(t testing.TB, want int) said {
	t.Helper()
	if s.Result["state"] != float64(want) {
		t.Errorf("state %v (error %d), want %d", s.Result["state"], s.Error.Code, want)
	}
	return s
}

// same wants a repeat to be answered as the first.
func (s said) same(t testing.TB, first said) {
	t.Helper()
	if s.Result == nil || !cmp.Equal(s.Result, first.Result) {
		t.Errorf("a repeat was answered otherwise: %s", cmp.Diff(first.Result, s.Result))
	}
}

// millis is a time of an answer; it must have the 13 digits of one.
func (s said) millis(t testing.TB, name string) int64 {
	t.Helper()
	v, _ := s.Result[name].(float64)
	if v < 1e12 || v >= 1e13 {
		t.Errorf("%s is %v", name, s.Result[name])
	}
	return int64(v)
}

// told wants the app to have been told of exactly these statuses of an invoice, in order.
func told(t testing.TB, b *providertest.Bench, invoice string, statuses ...string) {
	t.Helper()
	got := []string{}
	for _, w := range b.Webhooks(invoice) {
		s, _ := w.JSON["status"].(string)
		got = append(got, s)
	}
	if diff := cmp.Diff(append([]string{}, statuses...), got); diff != "" {
		t.Errorf("the app was told: %s", diff)
	}
}

func wantStatus(t testing.TB, b *providertest.Bench, invoice, want string) {
	t.Helper()
	if got := b.Status(invoice); got != want {
		t.Errorf("the invoice is %s, want %s", got, want)
	}
}

func TestScenario01_OnlyTheKeyOpens(t *testing.T) {
	providertest.Each(t, with(map[string]any{"testKey": testKey}), func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(orderAmount, nil)
		good := callerOf(b)
		good.create(t, tx(1), inv, b.Now()).state(t, 1)
		for name, header := range map[string]http.Header{
			"no header":    {},
			"no Base64":    {"Authorization": {"Basic !!!"}},
			"wrong key":    basic("Paycom", "no"),
			"login":        basic("paycom", liveKey),
			"bearer":       {"Authorization": {"Bearer " + liveKey}},
			"the test key": basic("Paycom", testKey),
		} {
			bad := caller{b, b.CallbackURL, header}
			for _, method := range methods {
				got := bad.call(t, method, map[string]any{
					"id": tx(1), "time": b.Now().UnixMilli(), "amount": orderAmount, "account": map[string]any{"order_id": inv},
					"reason": 3, "from": 1, "to": 2, "type": "PERFORM", "fiscal_data": map[string]any{},
				})
				if got.Error.Code != -32504 {
					t.Errorf("%s: %s: %d", name, method, got.Error.Code)
				}
			}
		}
		lower := caller{b, b.CallbackURL, http.Header{"Authorization": {"basic UGF5Y29tOnRlc3Qta2V5LTAwMDE="}}}
		lower.status(t, tx(1)).state(t, 1)

		// The other way round, in test mode.
		_, url := b.Register("biz-2", setup().Credentials, map[string]any{"mode": "test", "testKey": testKey})
		caller{b, url, paymeHeader()}.status(t, tx(9)).wants(t, -32504, "")
		caller{b, url, basic("Paycom", testKey)}.status(t, tx(9)).wants(t, -31003, "")

		// A merchant that does not exist cannot be told from a wrong key.
		nobody := strings.Replace(b.CallbackURL, b.MerchantID, "00000000-0000-7000-8000-000000000000", 1)
		caller{b, nobody, paymeHeader()}.status(t, tx(1)).wants(t, -32504, "")
	})
}

func TestScenario02_TheProtocolComesFirst(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		// Not through the bench: the API's document knows no such call, and need not.
		send(t, "GET", b.CallbackURL, paymeHeader(), "").wants(t, -32300, "")
		for _, c := range []struct {
			method, body string
			code         int
			id, data     string
		}{
			{"POST", `{oops`, -32700, "null", ""},
			{"POST", `[]`, -32600, "null", ""},
			{"POST", `{"id":3,"method":"CheckTransaction"}`, -32600, "3", "params"},
			{"POST", `{"id":4,"method":"Nope","params":{}}`, -32601, "4", "Nope"},
		} {
			got := p.raw(t, c.method, c.body)
			got.wants(t, c.code, c.data)
			if string(got.ID) != c.id {
				t.Errorf("%s %s: id %s", c.method, c.body, got.ID)
			}
		}
	})
}

func TestScenario03_CheckPerformAllowsTheRightAmountOnly(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv := b.Invoice(orderAmount, nil)
		if got := p.check(t, inv, orderAmount); !cmp.Equal(got.Result, map[string]any{"allow": true}) {
			t.Errorf("%+v", got)
		}
		p.check(t, inv, 50000).wants(t, -31001, "amount")
		p.check(t, inv, 1).wants(t, -31001, "amount")
		p.check(t, inv, orderAmount+1).wants(t, -31001, "amount")

		lines := b.Invoice(orderAmount, map[string]any{"ofd": []any{map[string]any{
			"qty": 2, "price": 2600000, "total": 5200000, "discount": 200000, "mxik": "00702001001000001",
			"package_code": "123456", "name": "Choy", "vat": 12, "units": 241092,
		}}})
		want := map[string]any{"allow": true, "detail": map[string]any{"receipt_type": 0., "items": []any{map[string]any{
			"title": "Choy", "price": 2600000., "count": 2., "code": "00702001001000001", "units": 241092.,
			"vat_percent": 12., "package_code": "123456", "discount": 200000.,
		}}}}
		if diff := cmp.Diff(want, p.check(t, lines, orderAmount).Result); diff != "" {
			t.Error(diff)
		}
	})
}

func TestScenario04_UnknownAccounts(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		p.check(t, "nope", orderAmount).wants(t, -31050, "order_id")
		p.call(t, "CheckPerformTransaction", map[string]any{"amount": orderAmount}).wants(t, -31050, "order_id")
		p.call(t, "CheckPerformTransaction", map[string]any{"amount": orderAmount, "account": nil}).wants(t, -31050, "order_id")
		inv := b.Invoice(orderAmount, nil)
		number, _ := b.InvoiceField(inv, "payNumber").(string)
		for _, order := range []any{inv, number, json.Number(number)} {
			if got := p.check(t, order, orderAmount); got.Result["allow"] != true {
				t.Errorf("%v: %+v", order, got)
			}
		}
	})
}

func TestScenario05_AmountsThatAreNone(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv := b.Invoice(orderAmount, nil)
		p.check(t, inv, "5000000").wants(t, -32600, "amount")
		p.check(t, inv, 5000000.5).wants(t, -32600, "amount")
		p.check(t, inv, 0).wants(t, -31001, "amount")
		p.check(t, inv, -1).wants(t, -31001, "amount")
	})
}

func TestScenario06_CreateIsOneHoweverOftenItIsSent(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv, at := b.Invoice(orderAmount, nil), b.Now()
		first := p.create(t, tx(1), inv, at).state(t, 1)
		first.millis(t, "create_time")
		if id, ok := first.Result["transaction"].(string); !ok || id == "" {
			t.Errorf("transaction %v", first.Result["transaction"])
		}
		b.Advance(3 * time.Second)
		p.create(t, tx(1), inv, at).same(t, first)

		raced, answers := b.Invoice(orderAmount, nil), make([]said, 20)
		b.Race(20, func(i int) { answers[i] = p.create(t, tx(2), raced, at) })
		for _, a := range answers {
			a.state(t, 1).same(t, answers[0])
		}
		if n := len(b.Payments(raced)); n != 1 {
			t.Errorf("%d payments", n)
		}
	})
}

func TestScenario07_CheckTransactionOfACreatedOne(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		first := p.create(t, tx(1), b.Invoice(orderAmount, nil), b.Now())
		want := map[string]any{
			"create_time": first.Result["create_time"], "perform_time": 0., "cancel_time": 0.,
			"transaction": first.Result["transaction"], "state": 1., "reason": nil,
		}
		if diff := cmp.Diff(want, p.status(t, tx(1)).Result); diff != "" {
			t.Error(diff)
		}
	})
}

func TestScenario08_ASecondTransactionFindsTheOrderBusy(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv, at := b.Invoice(orderAmount, nil), b.Now()
		first := p.create(t, tx(1), inv, at)
		p.create(t, tx(2), inv, at).wants(t, -31008, "")
		p.check(t, inv, orderAmount).wants(t, -31052, "order_id")
		p.create(t, tx(1), inv, at).same(t, first)
		p.status(t, tx(2)).wants(t, -31003, "")
	})
}

func TestScenario09_PerformPaysOnce(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv := b.Invoice(orderAmount, nil)
		created := p.create(t, tx(1), inv, b.Now())
		b.Advance(time.Minute)
		first := p.perform(t, tx(1)).state(t, 2)
		if first.millis(t, "perform_time") < created.millis(t, "create_time") {
			t.Error("performed before it was created")
		}
		b.Advance(time.Minute)
		answers := make([]said, 4)
		b.Race(4, func(i int) { answers[i] = p.perform(t, tx(1)) })
		for _, a := range answers {
			a.same(t, first)
		}
		wantStatus(t, b, inv, "paid")
		told(t, b, inv, "paid")
	})
}

func TestScenario10_NothingBeginsOnAPaidOrder(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv, at := b.Invoice(orderAmount, nil), b.Now()
		p.create(t, tx(1), inv, at)
		p.perform(t, tx(1)).state(t, 2)
		p.create(t, tx(3), inv, at).wants(t, -31051, "order_id")
		p.check(t, inv, orderAmount).wants(t, -31051, "order_id")
		p.create(t, tx(1), inv, at).wants(t, -31008, "")
		wantStatus(t, b, inv, "paid")
		told(t, b, inv, "paid")
	})
}

func TestScenario11_CancelBeforeTheDebitGivesTheOrderBack(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv, at := b.Invoice(orderAmount, nil), b.Now()
		p.create(t, tx(1), inv, at)
		b.Advance(time.Second)
		first := p.cancel(t, tx(1), 3).state(t, -1)
		first.millis(t, "cancel_time")
		b.Advance(time.Second)
		p.cancel(t, tx(1), 1).same(t, first)
		status := p.status(t, tx(1)).state(t, -1)
		if status.Result["reason"] != 3. || status.Result["perform_time"] != 0. || status.Result["cancel_time"] != first.Result["cancel_time"] {
			t.Errorf("%v", status.Result)
		}
		p.perform(t, tx(1)).wants(t, -31008, "")
		wantStatus(t, b, inv, "pending")
		p.create(t, tx(4), inv, b.Now()).state(t, 1)
		told(t, b, inv)
	})
}

func TestScenario12_CancelAfterTheDebitIsARefund(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv := b.Invoice(orderAmount, nil)
		p.create(t, tx(1), inv, b.Now())
		b.Advance(time.Second)
		performed := p.perform(t, tx(1)).state(t, 2)
		b.Advance(time.Hour)
		first := p.cancel(t, tx(1), 5).state(t, -2)
		b.Advance(time.Hour)
		p.cancel(t, tx(1), 5).same(t, first)
		answers := make([]said, 8)
		b.Race(8, func(i int) { answers[i] = p.cancel(t, tx(1), 5) })
		for _, a := range answers {
			a.same(t, first)
		}
		status := p.status(t, tx(1)).state(t, -2)
		if status.Result["reason"] != 5. || status.Result["perform_time"] != performed.Result["perform_time"] || status.Result["cancel_time"] != first.Result["cancel_time"] {
			t.Errorf("%v", status.Result)
		}
		p.perform(t, tx(1)).wants(t, -31008, "")
		wantStatus(t, b, inv, "refunded")
		told(t, b, inv, "paid", "refunded")

		// Our own API cannot do it, and says where it is done.
		refund := b.API("POST", "/api/refunds", map[string]any{"invoiceId": inv})
		if refund.Status == http.StatusCreated || refund.Status == http.StatusOK {
			t.Errorf("a refund was made: %s", refund.Body)
		}
	})
}

func TestScenario13_DeliveredOrdersAreNotCancelled(t *testing.T) {
	providertest.Each(t, with(map[string]any{"refuseLateCancel": true}), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv := b.Invoice(orderAmount, nil)
		p.create(t, tx(1), inv, b.Now())
		p.perform(t, tx(1)).state(t, 2)
		p.cancel(t, tx(1), 5).wants(t, -31007, "")
		p.status(t, tx(1)).state(t, 2)
		wantStatus(t, b, inv, "paid")
		told(t, b, inv, "paid")

		other := b.Invoice(orderAmount, nil)
		p.create(t, tx(2), other, b.Now())
		p.cancel(t, tx(2), 3).state(t, -1)
	})
}

func TestScenario14_UnknownTransactions(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		p.perform(t, tx(1)).wants(t, -31003, "")
		p.cancel(t, tx(1), 3).wants(t, -31003, "")
		p.status(t, tx(1)).wants(t, -31003, "")
	})
}

func TestScenario15_TwelveHoursByPaymesTime(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		// An invoice that outlives the attempt: afterwards the order is free.
		inv, at := b.Invoice(orderAmount, map[string]any{"ttlSeconds": 7 * 24 * 3600}), b.Now()
		p.create(t, tx(1), inv, at)
		b.Advance(12*time.Hour + time.Millisecond)
		p.perform(t, tx(1)).wants(t, -31008, "")
		status := p.status(t, tx(1)).state(t, -1)
		if status.Result["reason"] != 4. {
			t.Errorf("reason %v", status.Result["reason"])
		}
		status.millis(t, "cancel_time")
		p.create(t, tx(1), inv, at).wants(t, -31008, "")
		p.cancel(t, tx(1), 4).state(t, -1)
		p.create(t, tx(2), inv, b.Now()).state(t, 1)
		told(t, b, inv)

		// Exactly at the end it can still be performed.
		last := b.Invoice(orderAmount, nil)
		p.create(t, tx(3), last, b.Now())
		b.Advance(12 * time.Hour)
		p.perform(t, tx(3)).state(t, 2)
	})
}

func TestScenario16_ATransactionThatRanOutBeforeWeHeardOfIt(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv := b.Invoice(orderAmount, nil)
		p.create(t, tx(1), inv, b.Now().Add(-12*time.Hour-time.Millisecond)).wants(t, -31008, "")
		p.status(t, tx(1)).wants(t, -31003, "")
		p.create(t, tx(2), inv, b.Now().Add(12*time.Hour+time.Millisecond)).wants(t, -31008, "")
		p.status(t, tx(2)).wants(t, -31003, "")
		p.create(t, tx(3), inv, b.Now().Add(-12*time.Hour)).state(t, 1)
	})
}

func TestScenario17_AskingExpiresNothing(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv := b.Invoice(orderAmount, map[string]any{"ttlSeconds": 7 * 24 * 3600})
		p.create(t, tx(1), inv, b.Now())
		b.Advance(13 * time.Hour)
		before := p.status(t, tx(1)).state(t, 1)
		p.status(t, tx(1)).same(t, before)
	})
}

func TestScenario18_Statement(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		b.Advance(time.Hour)
		t0 := b.Now().Add(-time.Minute)
		at := func(i int) time.Time { return t0.Add(time.Duration(i) * time.Second) }
		var orders [4]string
		for _, i := range []int{2, 0, 3, 1} { // in another order than by Payme's time
			orders[i] = b.Invoice(orderAmount, nil)
			p.create(t, tx(i), orders[i], at(i)).state(t, 1)
		}
		p.cancel(t, tx(0), 3).state(t, -1)
		p.perform(t, tx(1)).state(t, 2)
		p.create(t, tx(7), orders[2], at(2)).wants(t, -31008, "") // refused: not in the list

		list := func(from, to time.Time) []any {
			got := p.call(t, "GetStatement", map[string]any{"from": from.UnixMilli(), "to": to.UnixMilli()})
			out, ok := got.Result["transactions"].([]any)
			if !ok {
				t.Fatalf("%+v", got)
			}
			return out
		}
		var want []any
		for i := range 3 {
			entry := p.status(t, tx(i)).Result
			entry["id"], entry["time"], entry["amount"] = tx(i), float64(at(i).UnixMilli()), float64(orderAmount)
			entry["account"], entry["receivers"] = map[string]any{"order_id": orders[i]}, nil
			want = append(want, entry)
		}
		if diff := cmp.Diff(want, list(at(0), at(2))); diff != "" {
			t.Error(diff)
		}
		if got := list(at(3), at(3)); len(got) != 1 || got[0].(map[string]any)["id"] != tx(3) {
			t.Errorf("%v", got)
		}
		if got := list(at(3).Add(time.Millisecond), at(4)); len(got) != 0 {
			t.Errorf("%v", got)
		}
		p.call(t, "GetStatement", map[string]any{"from": 2, "to": 1}).wants(t, -32600, "to")
	})
}

func TestScenario19_FiscalReceipts(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv := b.Invoice(orderAmount, nil)
		p.create(t, tx(1), inv, b.Now())
		p.perform(t, tx(1))
		const link = "https://ofd.soliq.uz/epi?t=EP000000000025&r=121&c=20220706221021&s=800031554082"
		fiscal := func(id, kind string, data any) said {
			params := map[string]any{"id": id, "type": kind, "fiscal_data": data}
			if data == nil {
				delete(params, "fiscal_data")
			}
			return p.call(t, "SetFiscalData", params)
		}
		sale := map[string]any{
			"receipt_id": 121, "status_code": 0, "message": "accepted", "terminal_id": "EP000000000025",
			"fiscal_sign": "800031554082", "qr_code_url": link, "date": "20220706221021",
		}
		for range 2 {
			if got := fiscal(tx(1), "PERFORM", sale); got.Result["success"] != true {
				t.Errorf("%+v", got)
			}
		}
		if got := b.InvoiceField(inv, "receiptUrl"); got != link {
			t.Errorf("receiptUrl %v", got)
		}
		p.cancel(t, tx(1), 5).state(t, -2)
		back := map[string]any{"receipt_id": "122", "status_code": 0, "qr_code_url": strings.Replace(link, "r=121", "r=122", 1)}
		if got := fiscal(tx(1), "CANCEL", back); got.Result["success"] != true {
			t.Errorf("%+v", got)
		}
		if got := b.InvoiceField(inv, "receiptUrl"); got != link {
			t.Errorf("the receipt of the return took the sale's place: %v", got)
		}
		fiscal(tx(2), "PERFORM", sale).wants(t, -32001, "")
		fiscal(tx(1), "REFUND", sale).wants(t, -32602, "type")
		fiscal(tx(1), "PERFORM", nil).wants(t, -32602, "fiscal_data")
		if alarms := b.Alarms(inv); len(alarms) != 0 {
			t.Errorf("%+v", alarms)
		}
		if got := fiscal(tx(1), "CANCEL", map[string]any{"receipt_id": 123, "status_code": 5, "message": "refused"}); got.Result["success"] != true {
			t.Errorf("%+v", got)
		}
		if alarms := b.Alarms(inv); len(alarms) != 1 || !strings.Contains(alarms[0].Message, "refused") {
			t.Errorf("%+v", alarms)
		}
	})
}

func TestScenario20_TheKeyIsNotChangedByAMessage(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		p.call(t, "ChangePassword", map[string]any{"password": "another"}).wants(t, -32601, "ChangePassword")
		p.status(t, tx(1)).wants(t, -31003, "")
	})
}

func TestScenario22_WithoutTheDatabaseItIsComeBackLater(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		p := callerOf(b)
		inv, at := b.Invoice(orderAmount, nil), b.Now()
		b.FailStore(true)
		p.create(t, tx(1), inv, at).wants(t, -32400, "")
		b.FailStore(false)
		p.create(t, tx(1), inv, at).state(t, 1)
		b.FailStore(true)
		p.perform(t, tx(1)).wants(t, -32400, "")
		p.cancel(t, tx(1), 3).wants(t, -32400, "")
		b.FailStore(false)
		p.perform(t, tx(1)).state(t, 2)
		told(t, b, inv, "paid")
	})
}

func TestScenario23_AnyContentType(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(orderAmount, nil)
		for _, contentType := range []string{"text/json; charset=UTF-8", "application/json", "text/plain", ""} {
			h := paymeHeader()
			if contentType != "" {
				h.Set("Content-Type", contentType)
			}
			if got := (caller{b, b.CallbackURL, h}).check(t, inv, orderAmount); got.Result["allow"] != true {
				t.Errorf("%q: %+v", contentType, got)
			}
		}
	})
}

// The two printed links are unit vectors of TestCheckoutLink.
func TestScenario24_TheLinkOfAnInvoice(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(orderAmount, map[string]any{"lang": "uz", "returnUrl": "https://shop.uz/done?a=1;b=2"})
		link, _ := b.InvoiceField(inv, "checkoutUrl").(string)
		coded, ok := strings.CutPrefix(link, b.World.BaseURL+"/")
		plain, err := base64.StdEncoding.DecodeString(coded)
		want := "m=" + kassa + ";ac.order_id=" + inv + ";a=5000000;l=uz;c=https://shop.uz/done?a=1%3Bb=2"
		if !ok || err != nil || string(plain) != want {
			t.Errorf("%s\n%s\nwant %s", link, plain, want)
		}
	})
}

func TestScenario25_ATamperedLink(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(orderAmount, nil)
		link, _ := b.InvoiceField(inv, "checkoutUrl").(string)
		rep := act(t, b, simulator.Action{Kind: "pay", Link: link, Amount: 1})
		if rep.State != "refused" || len(rep.Exchanges) != 1 || !strings.Contains(rep.Exchanges[0].Answer, "-31001") {
			t.Errorf("%+v", rep)
		}
		wantStatus(t, b, inv, "pending")
	})
}

func act(t *testing.T, b *providertest.Bench, a simulator.Action) simulator.Report {
	t.Helper()
	rep, err := b.Sim.Act(t.Context(), a)
	if err != nil {
		t.Fatalf("%s: %v", a.Kind, err)
	}
	for _, p := range rep.Problems {
		t.Errorf("%s: %s", a.Kind, p)
	}
	return rep
}

func TestScenario26_AnAnswerIsLostAfterTheCommit(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(orderAmount, nil)
		link, _ := b.InvoiceField(inv, "checkoutUrl").(string)
		b.World.Faults.Set(simulator.Fault{Step: "PerformTransaction", Kind: simulator.LostAfter, Times: 1})
		if rep := act(t, b, simulator.Action{Kind: "pay", Link: link}); rep.State != "paid" {
			t.Errorf("%+v", rep)
		}
		wantStatus(t, b, inv, "paid")
		told(t, b, inv, "paid")

		// Every answer is lost, and Payme comes again a minute later.
		other := b.Invoice(orderAmount, nil)
		link, _ = b.InvoiceField(other, "checkoutUrl").(string)
		b.World.Faults.Set(simulator.Fault{Step: "PerformTransaction", Kind: simulator.LostAfter})
		if rep := act(t, b, simulator.Action{Kind: "pay", Link: link}); rep.State != "suspended" {
			t.Errorf("%+v", rep)
		}
		b.World.Faults.Clear("")
		b.Advance(time.Minute)
		b.Sim.Tick(t.Context())
		for _, e := range b.Sim.Books() {
			if e.State != "paid" {
				t.Errorf("%+v", e)
			}
		}
		told(t, b, other, "paid")
		act(t, b, simulator.Action{Kind: "statement"})
	})
}

// Click's attempt protects its order for half an hour, and can still be completed afterwards,
// when Payme has begun its own.
func TestScenario27_TwoCompaniesTakeTheMoneyAtOnce(t *testing.T) {
	s := setup()
	s.Others = []providertest.Setup{{
		Provider: click.New(), Simulator: clicksim.New,
		Credentials: map[string]string{"serviceId": "73438", "merchantId": "1001", "secretKey": "click-test-secret"},
	}}
	providertest.Each(t, s, func(t *testing.T, b *providertest.Bench) {
		other := b.Other("click")
		for n := range 6 {
			inv := b.Invoice(orderAmount, map[string]any{"provider": nil})
			order := map[string]string{"account": inv}
			prepared, err := other.Act(t.Context(), simulator.Action{Kind: "prepare", Amount: orderAmount, Params: order})
			if err != nil {
				t.Fatal(err)
			}
			b.Advance(31 * time.Minute)
			begun := act(t, b, simulator.Action{Kind: "abandon", Amount: orderAmount, Params: order})
			if begun.State != "created" {
				t.Fatalf("%+v", begun)
			}
			var byPayme, byClick simulator.Report
			pays := []func(){
				func() { byPayme, _ = b.Sim.Act(t.Context(), simulator.Action{Kind: "finish", Ref: begun.Ref}) },
				func() {
					byClick, _ = other.Act(t.Context(), simulator.Action{Kind: "complete", Ref: prepared.Ref})
				},
			}
			switch n {
			case 0: // one after the other, each first once
				pays[0]()
				pays[1]()
			case 1:
				pays[1]()
				pays[0]()
			default:
				b.Race(2, func(i int) { pays[i]() })
			}
			if (byPayme.State == "paid") == (byClick.State == "paid") {
				t.Errorf("Payme: %+v\nClick: %+v", byPayme, byClick)
			}
			if loser := byPayme.Exchanges[0].Answer; byPayme.State != "paid" && !strings.Contains(loser, "-31008") {
				t.Errorf("Payme lost, and heard %s", loser)
			}
			// Which of its refusals Click hears is its own folder's business; 0 it must not be.
			if loser := byClick.Exchanges[0].Answer; byClick.State != "paid" && !strings.Contains(loser, `"error":-`) {
				t.Errorf("Click lost, and heard %s", loser)
			}
			wantStatus(t, b, inv, "paid")
			told(t, b, inv, "paid")
			if len(b.Alarms(inv)) == 0 {
				t.Error("both buyers were debited, and no person was told")
			}
		}
	})
}

func TestScenario28_AnotherMerchantsOrderIsInvisible(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(orderAmount, nil)
		_, url := b.Register("biz-2", map[string]string{"merchantId": "587f72c72cac0d162c722ae2", "key": "the-other-key"}, nil)
		other := caller{b, url, basic("Paycom", "the-other-key")}
		other.check(t, inv, orderAmount).wants(t, -31050, "order_id")
		other.create(t, tx(1), inv, b.Now()).wants(t, -31050, "order_id")

		p := callerOf(b)
		p.create(t, tx(1), inv, b.Now()).state(t, 1)
		other.status(t, tx(1)).wants(t, -31003, "")
		other.perform(t, tx(1)).wants(t, -31003, "")
		other.cancel(t, tx(1), 3).wants(t, -31003, "")
		if got := other.call(t, "GetStatement", map[string]any{"from": 0, "to": b.Now().UnixMilli()}); len(got.Result["transactions"].([]any)) != 0 {
			t.Errorf("%+v", got)
		}
		// One kassa's key is nothing at another's address.
		caller{b, url, paymeHeader()}.status(t, tx(1)).wants(t, -32504, "")
		p.perform(t, tx(1)).state(t, 2)
	})
}

// The company's own list of tests, and a whole life with every fault, through the gateway.
func TestPaymesSandboxAgainstTheGateway(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(orderAmount, nil)
		link, _ := b.InvoiceField(inv, "checkoutUrl").(string)
		act(t, b, simulator.Action{Kind: "probe", Link: link})
		act(t, b, simulator.Action{Kind: "inspect", Link: link})
		act(t, b, simulator.Action{Kind: "statement"})
		wantStatus(t, b, inv, "refunded")
		told(t, b, inv, "paid", "refunded")
	})
}

func TestEveryFaultThroughTheGateway(t *testing.T) {
	providertest.Each(t, setup(), func(t *testing.T, b *providertest.Bench) {
		for _, step := range methods {
			for _, kind := range simulator.Kinds {
				inv := b.Invoice(orderAmount, nil)
				link, _ := b.InvoiceField(inv, "checkoutUrl").(string)
				b.World.Faults.Set(simulator.Fault{Step: step, Kind: kind, Times: 3})
				rep := act(t, b, simulator.Action{Kind: "pay", Link: link})
				if rep.State == "paid" {
					act(t, b, simulator.Action{Kind: "refund", Ref: rep.Ref})
				}
				b.World.Faults.Clear("")
				b.Advance(time.Minute)
				b.Sim.Tick(t.Context())
				agree(t, b, step+"/"+string(kind), inv)
			}
		}
		act(t, b, simulator.Action{Kind: "statement"})
	})
}

// agree wants what Payme believes of an order to be what we believe.
func agree(t *testing.T, b *providertest.Bench, name, inv string) {
	t.Helper()
	words := map[pay.State]string{pay.Created: "created", pay.Paid: "paid", pay.Cancelled: "cancelled", pay.Refunded: "refunded"}
	ours := map[string]string{}
	for _, p := range b.Payments(inv) {
		ours[p.Ref] = words[p.State]
	}
	for _, e := range b.Sim.Books() {
		if e.Account != inv || e.State == "suspended" || e.State == "refused" && ours[e.Ref] == "" {
			continue
		}
		if ours[e.Ref] != e.State {
			t.Errorf("%s: Payme has %+v, we have %q", name, e, ours[e.Ref])
		}
	}
}
