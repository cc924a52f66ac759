package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// What tills report, against a gateway in this process, on both databases.

// shopBench knows Click Pass, at which the business of the tills is not registered, and the
// terminals.
func shopBench(t *testing.T, f func(t *testing.T, b *till)) {
	var setup providertest.Setup
	var known []provider.Provider
	for _, p := range app.Plugins() {
		switch p.Provider.Info().Name {
		case "multicard":
			setup = providertest.Setup{Provider: p.Provider, Simulator: p.Simulator, Credentials: p.Sample}
		case "clickpass", "humo", "uzcard", "uzumfastpay":
			known = append(known, p.Provider)
		}
	}
	setup.Known = known
	providertest.Each(t, setup, func(t *testing.T, b *providertest.Bench) {
		f(t, newTill(t, b, map[string]any{"notifyUrl": b.NotifyURL()}))
	})
}

// till is a paired till.
type till struct {
	*providertest.Bench
	t     *testing.T
	id    string
	token string
}

func newTill(t *testing.T, b *providertest.Bench, more map[string]any) *till {
	t.Helper()
	body := map[string]any{"businessId": "shop-1", "name": "Till 1"}
	for k, v := range more {
		body[k] = v
	}
	made := b.API(http.MethodPost, "/api/tills", body)
	code, _ := made.Field("pairingCode").(string)
	if made.Status != http.StatusCreated || len(code) != 19 || made.Field("status") != "new" {
		t.Fatalf("a till was not made: %d %s", made.Status, made.Body)
	}
	id, _ := made.Field("id").(string)
	l := &till{Bench: b, t: t, id: id}
	a := l.pair(map[string]any{"code": code})
	if l.token, _ = a.Field("token").(string); a.Status != http.StatusCreated || a.Field("tillId") != id || l.token == "" {
		t.Fatalf("it was not paired: %d %s", a.Status, a.Body)
	}
	return l
}

func (l *till) call(method, path, token string, body any) providertest.Answer {
	l.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		l.t.Fatal(err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	if body == nil {
		text = nil
	}
	return l.Do(method, l.URL+path, header, text)
}

func (l *till) pair(body map[string]any) providertest.Answer {
	l.t.Helper()
	return l.call(http.MethodPost, "/api/tills/pair", "", body)
}

func (l *till) report(reports ...map[string]any) providertest.Answer {
	l.t.Helper()
	return l.call(http.MethodPost, "/api/tills/reports", l.token, map[string]any{"reports": reports})
}

func (l *till) kept(reports ...map[string]any) {
	l.t.Helper()
	if a := l.report(reports...); a.Status != http.StatusOK || fmt.Sprint(a.Field("kept")) != fmt.Sprint(len(reports)) {
		l.t.Fatalf("not kept: %d %s", a.Status, a.Body)
	}
	l.Settle()
}

// op is a report, with what differs from an approved sale of 50 000 soum by a HUMO card.
func (l *till) op(more map[string]any) map[string]any {
	at := l.Now().Add(-time.Minute).UTC().Format("2006-01-02T15:04:05.000Z")
	r := map[string]any{
		"id": uuid.NewString(), "revision": 1, "kind": "sale", "provider": "humo", "state": "approved", "amount": 5_000_000,
		"createdAt": at, "finishedAt": at, "rrn": "408005356147", "card": "986009******7856", "terminalId": "09110004",
		"receiptNo": "340", "ref": "", "phone": "998901234567", "orderId": "77777", "receiptUrl": "", "totals": nil,
	}
	for k, v := range more {
		r[k] = v
	}
	return r
}

// with is a later revision of a report.
func with(r map[string]any, more map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range r {
		out[k] = v
	}
	out["revision"] = r["revision"].(int) + 1
	for k, v := range more {
		out[k] = v
	}
	return out
}

// sale is the invoice of an operation, as an app sees it.
func (l *till) sale(r map[string]any) map[string]any {
	l.t.Helper()
	a := l.API(http.MethodGet, "/api/invoices?source=till&businessId=shop-1&sourceInvoiceId="+r["id"].(string), nil)
	items, _ := a.Field("items").([]any)
	if len(items) != 1 {
		l.t.Fatalf("%d invoices for one operation: %s", len(items), a.Body)
	}
	return items[0].(map[string]any)
}

func (l *till) told(r map[string]any) string {
	l.t.Helper()
	var words []string
	for _, w := range l.Webhooks(l.sale(r)["id"].(string)) {
		words = append(words, fmt.Sprint(w.JSON["status"]))
	}
	return strings.Join(words, " ")
}

// A code pairs once; a lost answer can be asked for again by the same till only; a revoked till is
// shut out, and what it has reported stays.
func TestTillPairingAndRevoking(t *testing.T) {
	shopBench(t, func(t *testing.T, l *till) {
		made := l.API(http.MethodPost, "/api/tills", map[string]any{"businessId": "shop-1", "name": "Till 2"})
		code, _ := made.Field("pairingCode").(string)
		nonce := strings.Repeat("0a", 16)
		if a := l.pair(map[string]any{"code": "AAAA-BBBB-CCCC-DDDD", "nonce": nonce}); a.Status != http.StatusUnauthorized {
			t.Errorf("a wrong code: %d %s", a.Status, a.Body)
		}
		typed := map[string]any{"code": strings.ToLower(strings.ReplaceAll(code, "-", " ")), "nonce": nonce, "deviceId": "00000001", "version": "1.2.3"}
		first := l.pair(typed)
		again := l.pair(typed)
		if first.Status != http.StatusCreated || again.Status != http.StatusCreated || first.Field("token") == again.Field("token") || first.Field("tillId") != again.Field("tillId") {
			t.Fatalf("the same till again: %s, %s", first.Body, again.Body)
		}
		other := map[string]any{"code": code, "nonce": strings.Repeat("0b", 16)}
		if a := l.pair(other); a.Status != http.StatusUnauthorized {
			t.Errorf("another till by a used code: %d", a.Status)
		}
		delete(other, "nonce")
		if a := l.pair(other); a.Status != http.StatusUnauthorized {
			t.Errorf("by a used code, without nonce: %d", a.Status)
		}
		old, token := first.Field("token").(string), again.Field("token").(string)
		if a := l.call(http.MethodGet, "/api/tills/self", old, nil); a.Status != http.StatusUnauthorized {
			t.Errorf("the former token still opens: %d", a.Status)
		}
		if a := l.call(http.MethodGet, "/api/tills/self", token, nil); a.Status != http.StatusOK || a.Field("name") != "Till 2" || a.Field("businessId") != "shop-1" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		for _, wrong := range []string{"", "till_x", "x-api-key"} {
			if a := l.call(http.MethodPost, "/api/tills/reports", wrong, map[string]any{"reports": []any{l.op(nil)}}); a.Status != http.StatusUnauthorized {
				t.Errorf("the token %q reports: %d", wrong, a.Status)
			}
		}
		if n := l.Row("SELECT COUNT(*) FROM tills WHERE token_hash LIKE 'till%' OR code_hash LIKE '%-%'"); n != "0" {
			t.Error("a token or a code is stored as it is")
		}

		sale := l.op(nil)
		l.kept(sale)
		list := l.API(http.MethodGet, "/api/tills?source=till&businessId=shop-1", nil)
		if items, _ := list.Field("items").([]any); len(items) != 2 {
			t.Errorf("%s", list.Body)
		}
		for range 2 {
			if a := l.API(http.MethodDelete, "/api/tills/"+l.id, nil); a.Status != http.StatusOK || a.Field("status") != "revoked" {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
		if a := l.report(l.op(nil)); a.Status != http.StatusUnauthorized {
			t.Errorf("a revoked till reports: %d", a.Status)
		}
		if got := l.sale(sale)["status"]; got != "paid" {
			t.Errorf("what it reported before is %v", got)
		}

		late := l.API(http.MethodPost, "/api/tills", map[string]any{"businessId": "shop-1", "name": "Till 3"})
		l.Advance(24*time.Hour + time.Second)
		if a := l.pair(map[string]any{"code": late.Field("pairingCode")}); a.Status != http.StatusUnauthorized {
			t.Errorf("a code that has run out: %d", a.Status)
		}
	})
}

// A till that is revoked and paired anew goes on with what it has begun to report: a sale and a return
// that were unknown end, once; what a till of another business, or one that still reports, has
// reported is not its own.
func TestTillPairedAnew(t *testing.T) {
	shopBench(t, func(t *testing.T, l *till) {
		unknown := map[string]any{"state": "unknown", "finishedAt": nil, "rrn": ""}
		open, sold := l.op(unknown), l.op(map[string]any{"rrn": "408005356149"})
		l.kept(open, sold)
		back := l.op(unknown)
		back["kind"], back["original"], back["amount"] = "return", sold["id"], 1_000_000
		l.kept(back)

		for name, stranger := range map[string]*till{
			"beside it": newTill(t, l.Bench, nil), "of another business": newTill(t, l.Bench, map[string]any{"businessId": "shop-2"}),
		} {
			if a := stranger.report(with(open, map[string]any{"state": "approved"})); a.Status != http.StatusBadRequest {
				t.Errorf("a till %s: %d %s", name, a.Status, a.Body)
			}
		}
		if a := l.API(http.MethodDelete, "/api/tills/"+l.id, nil); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if a := newTill(t, l.Bench, map[string]any{"businessId": "shop-2"}).report(with(open, map[string]any{"state": "approved"})); a.Status != http.StatusBadRequest {
			t.Errorf("a till of another business, once it is revoked: %d %s", a.Status, a.Body)
		}

		anew := newTill(t, l.Bench, nil)
		anew.kept(open) // the same revision changes nothing
		if got := l.sale(open)["status"]; got != "pending" {
			t.Errorf("the same revision: %v", got)
		}
		for range 2 {
			anew.kept(with(open, map[string]any{"state": "approved", "rrn": "408005356150"}), with(back, map[string]any{"state": "approved", "rrn": "408005356151"}))
		}
		if inv := l.sale(open); inv["status"] != "paid" || inv["attention"] != nil {
			t.Errorf("the sale: %v %v", inv["status"], inv["attention"])
		}
		if inv := l.sale(sold); fmt.Sprint(inv["refundedAmount"]) != "1000000" || inv["attention"] != nil {
			t.Errorf("the return: %v %v", inv["refundedAmount"], inv["attention"])
		}
		rest := l.op(map[string]any{"kind": "return", "original": sold["id"], "amount": 4_000_000, "rrn": "408005356152"})
		anew.kept(rest)
		if inv := l.sale(sold); fmt.Sprint(inv["refundedAmount"]) != "5000000" || inv["attention"] != nil {
			t.Errorf("the rest: %v %v", inv["refundedAmount"], inv["attention"])
		}
	})
}

// A sale stands in the book as one on the web does: once, however often it is reported.
func TestTillSale(t *testing.T) {
	shopBench(t, func(t *testing.T, l *till) {
		r := l.op(nil)
		for range 3 {
			l.kept(r)
		}
		inv := l.sale(r)
		meta, _ := inv["metadata"].(map[string]any)
		card, _ := inv["card"].(map[string]any)
		if inv["status"] != "paid" || inv["provider"] != "humo" || inv["source"] != "till" || inv["providerUuid"] != "408005356147" ||
			meta["rrn"] != "408005356147" || meta["orderId"] != "77777" || card["pan"] != "986009******7856" || inv["paidAt"] != r["finishedAt"] {
			t.Errorf("%+v", inv)
		}
		if got := l.told(r); got != "paid" {
			t.Errorf("the app was told %q", got)
		}
		if p := l.Payments(inv["id"].(string)); len(p) != 1 || p[0].ID != r["id"] || p[0].Captured != 5_000_000 {
			t.Errorf("%+v", p)
		}
		timeline := l.API(http.MethodGet, "/api/invoices/"+inv["id"].(string)+"/timeline", nil)
		if !strings.Contains(string(timeline.Body), "RRN 408005356147") || !strings.Contains(string(timeline.Body), "till Till 1") {
			t.Errorf("the timeline: %s", timeline.Body)
		}
		// The same RRN once more, from another day: banks use them again.
		second := l.op(nil)
		l.kept(second)
		if got := l.sale(second); got["status"] != "paid" || got["providerUuid"] == "408005356147" {
			t.Errorf("%+v", got)
		}
		if n := l.Row("SELECT COUNT(*) FROM clues WHERE kind = 'name' AND value = '408005356147'"); n != "2" {
			t.Errorf("by the RRN of a slip %s sales are found", n)
		}
		// A receipt's link comes with a later revision.
		link := "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20261121140000&s=514343190161"
		l.kept(with(r, map[string]any{"receiptUrl": link}))
		if inv = l.sale(r); inv["receiptUrl"] != link || inv["fiscalStatus"] != "done" {
			t.Errorf("%v %v", inv["receiptUrl"], inv["fiscalStatus"])
		}
		if n := l.Row("SELECT COUNT(*) FROM till_reports WHERE body LIKE '%998901234567%'"); n != "0" {
			t.Error("a buyer's telephone is kept")
		}
	})
}

// 32 deliveries of the same reports at once are one sale each.
func TestTillReportsTwins(t *testing.T) {
	shopBench(t, func(t *testing.T, l *till) {
		a, b := l.op(nil), l.op(map[string]any{"rrn": "408005356148"})
		statuses := make([]int, 32)
		var mu sync.Mutex
		l.Race(len(statuses), func(i int) {
			status := l.report(a, b).Status
			mu.Lock()
			defer mu.Unlock()
			statuses[i] = status
		})
		for _, status := range statuses {
			if status != http.StatusOK {
				t.Errorf("HTTP %d", status)
			}
		}
		l.kept(a, b)
		for _, r := range []map[string]any{a, b} {
			if l.sale(r)["status"] != "paid" || l.told(r) != "paid" {
				t.Errorf("%v, told %q", l.sale(r)["status"], l.told(r))
			}
		}
	})
}

// Unknown, then known: by the device, by a person at the till, or not at all.
func TestTillUnknownOutcome(t *testing.T) {
	shopBench(t, func(t *testing.T, l *till) {
		unknown := map[string]any{"state": "unknown", "finishedAt": nil, "rrn": ""}
		for name, c := range map[string]struct {
			then         map[string]any
			status, told string
		}{
			"approved": {map[string]any{"state": "approved", "rrn": "408005356200", "resolvedBy": "device"}, "paid", "paid"},
			"by hand":  {map[string]any{"state": "approved", "resolvedBy": "Dilnoza (manager)"}, "paid", "paid"},
			"declined": {map[string]any{"state": "declined", "code": "116", "note": "no money"}, "failed", "failed"},
			"not done": {map[string]any{"state": "not_started", "resolvedBy": "device"}, "failed", "failed"},
		} {
			r := l.op(unknown)
			l.kept(r)
			inv := l.sale(r)
			if inv["status"] != "pending" || inv["attention"] != "unknown_outcome" {
				t.Errorf("%s: before: %v %v", name, inv["status"], inv["attention"])
			}
			l.Advance(25 * time.Hour) // it does not expire meanwhile
			l.Settle()
			r = with(r, c.then)
			l.kept(r, r)
			inv = l.sale(r)
			if inv["status"] != c.status || inv["attention"] != nil || l.told(r) != c.told {
				t.Errorf("%s: %v %v, told %q", name, inv["status"], inv["attention"], l.told(r))
			}
		}
		// A late, older revision changes nothing.
		r := l.op(nil)
		r["revision"] = 5 // its older revisions come late
		l.kept(r)
		l.kept(with(map[string]any{"revision": 3, "id": r["id"], "kind": "sale", "provider": "humo", "amount": 5_000_000, "createdAt": r["createdAt"]}, map[string]any{"state": "unknown"}))
		if got := l.sale(r)["status"]; got != "paid" {
			t.Errorf("an older revision made it %v", got)
		}
	})
}

// What a person decided at the till and what turned out to be otherwise goes before a person here.
func TestTillContradicted(t *testing.T) {
	shopBench(t, func(t *testing.T, l *till) {
		voided := l.op(map[string]any{"state": "declined", "code": "void", "resolvedBy": "Dilnoza", "rrn": ""})
		l.kept(voided)
		if inv := l.sale(voided); inv["status"] != "failed" || inv["attention"] != nil {
			t.Fatalf("voided: %v %v", inv["status"], inv["attention"])
		}
		words := map[string]any{"code": "contradicted", "note": "decided as declined by Dilnoza; then the device said approved", "rrn": "408005356199"}
		voided = with(voided, words)
		l.kept(voided, voided)
		if inv := l.sale(voided); inv["status"] != "failed" || inv["attention"] != "provider_alert" {
			t.Errorf("and charged after all: %v %v", inv["status"], inv["attention"])
		}
		voided = with(voided, map[string]any{"state": "approved", "code": "", "note": "", "resolvedBy": "Rustam"})
		l.kept(voided)
		if inv := l.sale(voided); inv["status"] != "failed" || inv["attention"] != "provider_alert" {
			t.Errorf("and decided again, when the app was told long since: %v %v", inv["status"], inv["attention"])
		}
		sale := l.op(nil)
		back := l.op(map[string]any{"kind": "return", "original": sale["id"], "state": "declined", "rrn": ""})
		l.kept(sale, back, with(back, words))
		if inv := l.sale(sale); inv["status"] != "paid" || inv["attention"] != "provider_alert" {
			t.Errorf("returned after all: %v %v", inv["status"], inv["attention"])
		}
	})
}

// Returns: part, rest, more than there is, by RRN, of a sale that was never reported, and one whose
// outcome is unknown at first.
func TestTillReturns(t *testing.T) {
	shopBench(t, func(t *testing.T, l *till) {
		sale := l.op(nil)
		back := func(amount int, more map[string]any) map[string]any {
			r := l.op(map[string]any{"kind": "return", "amount": amount, "original": sale["id"], "rrn": ""})
			for k, v := range more {
				r[k] = v
			}
			return r
		}
		part := back(2_000_000, nil)
		l.kept(sale, part, part)
		if inv := l.sale(sale); inv["status"] != "paid" || fmt.Sprint(inv["refundedAmount"]) != "2000000" {
			t.Fatalf("%v %v", inv["status"], inv["refundedAmount"])
		}
		l.kept(back(4_000_000, nil))
		if inv := l.sale(sale); inv["attention"] != "provider_alert" || fmt.Sprint(inv["refundedAmount"]) != "2000000" {
			t.Errorf("more than is left: %v %v", inv["attention"], inv["refundedAmount"])
		}
		l.kept(back(1_000_000, map[string]any{"state": "declined"}))
		rest := back(3_000_000, map[string]any{"state": "unknown", "original": "", "originalRrn": "408005356147"})
		l.kept(rest)
		if inv := l.sale(sale); inv["status"] != "paid" || fmt.Sprint(inv["refundedAmount"]) != "2000000" {
			t.Errorf("an unknown return counted: %v %v", inv["status"], inv["refundedAmount"])
		}
		l.kept(with(rest, map[string]any{"state": "approved", "rrn": "416311639412"}))
		if inv := l.sale(sale); inv["status"] != "refunded" || l.told(sale) != "paid refunded" {
			t.Errorf("%v, told %q", inv["status"], l.told(sale))
		}

		orphan := l.op(map[string]any{"kind": "return", "original": uuid.NewString(), "rrn": "416311639999"})
		l.kept(orphan, orphan)
		inv := l.sale(orphan)
		if inv["status"] != "refunded" || inv["attention"] != "provider_alert" || l.told(orphan) != "" {
			t.Errorf("a return without its sale: %v %v, told %q", inv["status"], inv["attention"], l.told(orphan))
		}
		l.kept(l.op(map[string]any{"kind": "close", "amount": 0, "rrn": "", "totals": map[string]any{"sales": 1, "salesAmount": 5000000, "returns": 2, "returnsAmount": 5000000}}))
	})
}

// A till that names the number of an online payment returns nothing of it: its own return stands
// apart, before a person. Its own business's sales are found by their number, whichever till sold.
func TestTillReturnsNoOnlinePayment(t *testing.T) {
	shopBench(t, func(t *testing.T, l *till) {
		online := l.Invoice(5_000_000, nil)
		link, _ := l.InvoiceField(online, "checkoutUrl").(string)
		if rep, err := l.Sim.Act(t.Context(), simulator.Action{Kind: "pay", Link: link}); err != nil || rep.State != "paid" {
			t.Fatal(rep, err)
		}
		l.Settle()
		ref := l.Payments(online)[0].Ref
		one := newTill(t, l.Bench, map[string]any{"name": "Till 5", "source": "app", "businessId": "biz-1"})
		other := newTill(t, l.Bench, map[string]any{"name": "Till 6", "source": "app", "businessId": "biz-1"})
		theft := one.op(map[string]any{"kind": "return", "provider": "multicard", "rrn": "", "originalRrn": ref})
		one.kept(theft)
		if got := l.Status(online); got != "paid" || fmt.Sprint(l.InvoiceField(online, "refundedAmount")) != "0" {
			t.Errorf("the online payment is %s, refunded %v", got, l.InvoiceField(online, "refundedAmount"))
		}
		if n := len(l.Alarms(online)); n != 0 {
			t.Errorf("%d alarms on the online payment", n)
		}
		sale := one.op(map[string]any{"provider": "multicard", "rrn": "", "ref": "sold-1"})
		one.kept(sale)
		other.kept(other.op(map[string]any{"kind": "return", "provider": "multicard", "rrn": "", "originalRrn": "sold-1"}))
		if got := l.Payments(l.Row("SELECT invoice_id FROM payments WHERE id = $1", sale["id"])); len(got) != 1 || got[0].State != pay.Refunded {
			t.Errorf("what another till sold: %+v", got)
		}
	})
}

// What cannot be a report is refused whole, and nothing of it is kept; another till's payment, or an
// online one, cannot be claimed.
func TestTillReportsAreChecked(t *testing.T) {
	shopBench(t, func(t *testing.T, l *till) {
		mine := l.op(nil)
		l.kept(mine)
		online := l.Invoice(5_000_000, nil)
		before := l.Footprint()
		stranger := newTill(t, l.Bench, map[string]any{"name": "Till 9", "businessId": "shop-9"})
		for name, r := range map[string]map[string]any{
			"another till's id":   mine,
			"an online payment's": l.op(map[string]any{"id": l.Payments(online)[0].ID}),
		} {
			if a := stranger.report(r); a.Status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
		}
		for name, more := range map[string]map[string]any{
			"no kind": {"kind": "theft"}, "no provider": {"provider": "nobody"}, "no state": {"state": "in_progress"}, "a full card": {"card": "9860090000007856"},
			"below zero": {"amount": -1}, "nothing": {"amount": 0}, "no id": {"id": "7"}, "no revision": {"revision": 0}, "no time": {"createdAt": "today"}, "more": {"foo": 1},
		} {
			if a := l.report(l.op(nil), l.op(more)); a.Status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
		}
		if a := l.report(); a.Status != http.StatusBadRequest {
			t.Errorf("no reports: %d", a.Status)
		}
		if now := l.Footprint(); now != before {
			t.Errorf("something was kept:\n%s\n%s", before, now)
		}
		l.FailStore(true)
		a := l.report(l.op(nil))
		l.FailStore(false)
		if a.Status != http.StatusInternalServerError {
			t.Errorf("what could not be written was answered %d", a.Status)
		}
	})
}

// A till without notifyUrl sends no webhook; a refund from here needs the credentials that its
// shop has; a wallet's payment is returned through the company once they are registered.
func TestTillSaleIsRefundedFromHere(t *testing.T) {
	shopBench(t, func(t *testing.T, l *till) {
		quiet := newTill(t, l.Bench, map[string]any{"name": "Till 4"})
		r := quiet.op(map[string]any{"provider": "clickpass", "ref": "2354512461", "rrn": ""})
		quiet.kept(r)
		inv := quiet.sale(r)
		if inv["status"] != "paid" || inv["providerUuid"] != "2354512461" || quiet.told(r) != "" {
			t.Fatalf("%+v", inv)
		}
		a := l.API(http.MethodPost, "/api/refunds", map[string]any{"invoiceId": inv["id"]})
		if data, _ := json.Marshal(a.JSON); a.Status != http.StatusUnprocessableEntity || !strings.Contains(string(data), "credentials_missing") {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		humo := quiet.op(nil)
		quiet.kept(humo)
		if a := l.API(http.MethodPost, "/api/refunds", map[string]any{"invoiceId": quiet.sale(humo)["id"]}); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("a card at a terminal: %d %s", a.Status, a.Body)
		}
		list := l.API(http.MethodGet, "/api/merchants/by-business/till/shop-1/providers", nil)
		if items, _ := list.Field("items").([]any); len(items) != 0 {
			t.Errorf("the shop can be paid on the web: %s", list.Body)
		}
	})
}

// A day at the till is compared as any other: the bank's register names each sale by its RRN. What
// was sold, returned, and never heard of there is told apart.
func TestTillsDayIsCompared(t *testing.T) {
	shopBench(t, func(t *testing.T, l *till) {
		sold := l.op(map[string]any{"rrn": "408005356141"})
		other := l.op(map[string]any{"rrn": "408005356142", "amount": 3_000_000})
		back := l.op(map[string]any{"rrn": "408005356143"})
		unheard := l.op(map[string]any{"rrn": "408005356144"})
		l.kept(sold, other, back, unheard)
		l.kept(l.op(map[string]any{"kind": "return", "original": back["id"], "rrn": "408005356145"}))
		day := l.Now().In(pay.Tashkent).Format(time.DateOnly)
		row := func(rrn string, tiyin int, status string) string {
			return fmt.Sprintf("%s,,%d,%s 12:00:00,%s\n", rrn, tiyin, day, status)
		}
		file := "provider_id,order,amount,time,status\n" + row("408005356141", 5_000_000, "paid") + row("408005356142", 3_100_000, "paid") +
			row("408005356143", 5_000_000, "refunded") + row("408005356149", 700_000, "paid")
		l.Advance(24 * time.Hour)
		a := l.Upload("/api/reconciliations", map[string]string{"source": "till", "businessId": "shop-1", "provider": "humo", "date": day}, file)
		if a.Status != http.StatusCreated {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		l.Settle()
		got := l.API(http.MethodGet, "/api/reconciliations/"+fmt.Sprint(a.Field("id")), nil)
		if all := fmt.Sprintln(got.Field("status"), got.Field("matched"), got.Field("counts")); all != "done 2 map[different:1 onlyOurs:1 onlyTheirs:1]\n" {
			t.Errorf("%s\n%s", all, got.Body)
		}
	})
}
