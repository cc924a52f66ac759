package admin_test

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/store"
)

// What is about no invoice stands in the inbox too, and each line leads to its own page.
func TestTheInboxLeadsToPayoutsDaysAndTills(t *testing.T) {
	p := start(t)
	merchant, err := p.Gateway.Merchant(t.Context(), p.register("multicard"))
	must(t, err)
	payout := p.lostPayout(merchant.ID, "salary-7")
	day := p.badDay(merchant.ID, pay.ReconcileDone)
	till := pay.Till{ID: id.New(), BusinessID: merchant.BusinessID, Name: "Till 1", CreatedAt: p.now()}
	p.book(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.SaveTill(ctx, till); err != nil {
			return err
		}
		for _, r := range []pay.KeptReport{
			{Report: pay.TillReport{ID: id.New(), Kind: "return", State: "unknown"}}, {Report: pay.TillReport{ID: id.New(), Kind: "close"}},
			{Report: pay.TillReport{ID: id.New(), Kind: "sale", State: "unknown"}, InvoiceID: "stands in its own heap"},
		} {
			r.TillID, r.BusinessID, r.CreatedAt = till.ID, merchant.BusinessID, p.now()
			if _, err := tx.InsertReport(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
	viewer := p.as(staff.Viewer)
	viewer.want(viewer.get("/admin/"), 200,
		"Payouts that need somebody: 1", "150\u00a0000\u00a0soum · Multicard · salary-7", "/admin/payouts/"+payout,
		"Days that do not agree with the provider: 1", "20 Nov 2026 · Multicard · differences: 1, agree: 41", "/admin/reconciliations/"+day,
		"Returns at tills of which nothing is known: 1", "Till 1 · 1", "/admin/tills/"+till.ID)
	viewer.want(viewer.get("/admin/payouts"), 200, "salary-7", "/admin/payouts/"+payout)
	viewer.want(viewer.get("/admin/reconciliations"), 200, "20 Nov 2026", "/admin/reconciliations/"+day)
	for _, path := range []string{"/admin/payouts/x", "/admin/payouts/" + till.ID, "/admin/reconciliations/x", "/admin/reconciliations/" + till.ID} {
		viewer.want(viewer.get(path), 404)
	}
	for _, path := range []string{"/admin/payouts?cursor=x", "/admin/reconciliations?cursor=x"} {
		viewer.want(viewer.get(path), 400)
	}
}

// lostPayout is a payout whose answer was lost.
func (p *program) lostPayout(merchantID, number string) string {
	p.Helper()
	m, err := p.Gateway.Merchant(p.Context(), merchantID)
	must(p.T, err)
	out := pay.Payout{
		ID: id.New(), BusinessID: m.BusinessID, MerchantID: m.ID, Source: m.Source, Business: m.Business, Provider: m.Provider, SourcePayoutID: number,
		Amount: 150_000_00, State: pay.MoveUnknown, Card: pay.Card{MaskedPAN: "860030******7085"}, NotifyDelivered: true, CreatedAt: p.now(), SentAt: p.now(),
	}
	p.book(func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.InsertPayout(ctx, out); err != nil {
			return err
		}
		return tx.InsertAlarm(ctx, pay.Alarm{ID: id.New(), BusinessID: m.BusinessID, PayoutID: out.ID, Kind: pay.AttentionUnknown, Message: "the answer was lost", CreatedAt: p.now()})
	})
	return out.ID
}

// badDay is a nightly reconciliation that needs somebody: with one difference, or one that failed.
func (p *program) badDay(merchantID string, state pay.ReconcileState) string {
	p.Helper()
	m, err := p.Gateway.Merchant(p.Context(), merchantID)
	must(p.T, err)
	r := pay.Reconciliation{
		ID: id.New(), BusinessID: m.BusinessID, MerchantID: m.ID, Provider: m.Provider, Day: "2026-11-20", Way: pay.ByRegister, Nightly: true, State: state,
		Matched: 41, CreatedAt: p.now(), DoneAt: p.now(),
	}
	if state == pay.ReconcileFailed {
		r.Day, r.Note = "2026-11-19", "the register could not be read"
	} else {
		r.OnlyTheirs = 1
	}
	p.book(func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.InsertReconciliation(ctx, r); err != nil {
			return err
		}
		if state == pay.ReconcileDone {
			if _, err := tx.InsertDifference(ctx, pay.Difference{
				ID: id.New(), BusinessID: m.BusinessID, ReconciliationID: r.ID, Kind: pay.KindPayment, Verdict: pay.VerdictOnlyTheirs, Ref: "ref-77", Order: "order 77",
				Theirs: &pay.Standing{Amount: 5_000_00, State: pay.Paid, At: p.now()}, Note: "only the company has it",
			}); err != nil {
				return err
			}
		}
		return tx.InsertAlarm(ctx, pay.Alarm{ID: r.ID, BusinessID: m.BusinessID, Kind: pay.AttentionProvider, Message: "a day does not agree", CreatedAt: p.now()})
	})
	return r.ID
}

// A payout that nobody can tell of is decided once, with a reason, by whoever may; what its company
// says otherwise is acknowledged.
func TestAPayoutIsDecided(t *testing.T) {
	p := start(t)
	merchant := p.register("multicard")
	payout := p.lostPayout(merchant, "salary-7")
	at := "/admin/payouts/" + payout
	money, support := p.as(staff.Refunds), p.as(staff.Support)
	page := support.get(at)
	if support.want(page, 200, "salary-7", "860030******7085", "The money may have gone"); strings.Contains(page.body, "/decide") {
		t.Error("support is offered to decide")
	}
	support.want(support.post(at+"/decide", url.Values{"happened": {"no"}, "why": {"x"}}), 403)
	support.want(page, 200, `action="`+at+`/ask"`)
	key := hiddenKey.FindStringSubmatch(money.get(at).body)[1]
	why := url.Values{"key": {key}, "happened": {"yes"}, "why": {"the cabinet shows it on 8600069195406311"}}
	money.want(money.post(at+"/decide", url.Values{"key": {key}, "happened": {"yes"}, "why": {" "}}), 422, "Say why")
	money.want(money.post(at+"/decide", url.Values{"key": {key}, "happened": {"perhaps"}, "why": {"x"}}), 422, "Say whether")
	money.want(money.post(at+"/decide", url.Values{"happened": {"yes"}, "why": {"x"}}), 422, "form is stale")
	money.want(money.post(at+"/acknowledge", why), 409, "unknown any more")
	got := money.post(at+"/decide", why)
	if got.status != 303 || got.to != at+"?did=decided" {
		t.Fatalf("%d %s", got.status, got.to)
	}
	page = money.get(got.to)
	if money.want(page, 200, "The decision was written down", "Arrived", "860006******6311"); strings.Contains(page.body, "9540") || strings.Contains(page.body, "/decide") {
		t.Error("the number is shown, or it can be decided again")
	}
	if again := money.post(at+"/decide", why); again.status != 303 || again.to != got.to {
		t.Errorf("pressed twice: %d %s", again.status, again.to)
	}
	other := p.as(staff.Refunds)
	other.want(other.post(at+"/decide", why), 409, "unknown any more")
	money.want(money.get("/admin/payouts?needs=any"), 200, "nothing of the kind")

	p.book(func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertAlarm(ctx, pay.Alarm{ID: id.New(), BusinessID: "b", PayoutID: payout, Kind: pay.AttentionProvider, Message: "it calls the payout by another id", CreatedAt: p.now()})
	})
	shown := money.get(at)
	money.want(shown, 200, "it calls the payout by another id", "/acknowledge")
	if got := money.post(at+"/acknowledge", url.Values{"why": {"asked them"}, "seen": seen(shown)}); got.status != 303 || got.to != at+"?did=alarm" {
		t.Fatalf("%d %s", got.status, got.to)
	}
	money.want(money.get("/admin/payouts?needs=any"), 200, "nothing of the kind")
	money.want(money.get(at), 200, "asked them")
}

// That a payout above the limit was not sent is for two to say: the app would pay once more. An owner
// alone cannot, and whoever said it is not the second.
func TestALargePayoutIsDecidedByTwo(t *testing.T) {
	p := start(t)
	merchant := p.register("multicard")
	lost, arrived, told := p.lostPayout(merchant, "salary-7"), p.lostPayout(merchant, "salary-8"), p.lostPayout(merchant, "salary-9")
	must(t, p.Office.SetRefundLimit(t.Context(), staff.CommandLine, 149_999_00))
	first, owner, fresh := p.as(staff.Refunds), p.as(staff.Owner), p.newcomer(staff.Owner)
	state := func(payoutID string) pay.MoveState {
		x, err := p.Gateway.Payout(t.Context(), payoutID)
		must(t, err)
		return x.State
	}
	no := func(b *browser, payoutID string) (form url.Values) {
		page := b.get("/admin/payouts/" + payoutID)
		b.want(page, 200, "above it was not sent, a second person confirms")
		return url.Values{"key": {hiddenKey.FindStringSubmatch(page.body)[1]}, "happened": {"no"}, "why": {"the cabinet does not know it"}}
	}
	at := "/admin/payouts/" + lost
	fresh.want(fresh.post(at+"/decide", no(fresh, lost)), 409, "each with a right that is a day old")
	form := no(first, lost)
	for range 2 { // pressed twice it is one question
		if got := first.post(at+"/decide", form); got.status != 303 || got.to != at+"?did=asked" {
			t.Fatalf("%d %s", got.status, got.text())
		}
	}
	if state(lost) != pay.MoveUnknown {
		t.Fatal("one person has decided it")
	}
	owner.want(owner.post(at+"/decide", no(owner, lost)), 409, "waits for a second person already")
	asked := owner.get(at)
	owner.want(asked, 200, first.person.Email, "the cabinet does not know it", "Confirm that no money was sent", "was not sent, says "+first.person.Email)
	own := first.get(at)
	if first.want(own, 200, "Take it back", "another person confirms"); strings.Contains(own.body, "/confirm") {
		t.Error("whoever asked is offered to confirm")
	}
	owner.want(owner.get("/admin/"), 200, `class="button quiet small" href="`+at+`"`)
	confirm := regexp.MustCompile(`/admin/unsent/[^/]+/confirm`).FindString(asked.body)
	first.want(first.post(confirm, nil), 403, "Whoever asked cannot confirm")
	fresh.want(fresh.get(at), 200, "You may confirm from")
	fresh.want(fresh.post(confirm, nil), 409, "each with a right that is a day old")
	support := p.as(staff.Support)
	support.want(support.post(confirm, nil), 403)
	for range 2 {
		if got := owner.post(confirm, nil); got.status != 303 || got.to != at+"?did=decided" {
			t.Fatalf("%d %s", got.status, got.text())
		}
	}
	owner.want(owner.get(at), 200, "asked by "+first.person.Email+", confirmed by "+owner.person.Email)
	if state(lost) != pay.MoveFailed {
		t.Errorf("it is %s", state(lost))
	}
	p.audited("payout.confirmed", "payout.confirmed")
	owner.want(owner.post(strings.Replace(confirm, "/confirm", "/refuse", 1), nil), 409)

	// That it arrived is for one to say; and where the company told meanwhile, that stands.
	yes := url.Values{"key": {id.New()}, "happened": {"yes"}, "why": {"it shows it"}}
	if got := first.post("/admin/payouts/"+arrived+"/decide", yes); got.status != 303 || state(arrived) != pay.MoveSucceeded {
		t.Errorf("it arrived: %d %s", got.status, got.text())
	}
	first.post("/admin/payouts/"+told+"/decide", no(first, told))
	confirm = regexp.MustCompile(`/admin/unsent/[^/]+/confirm`).FindString(owner.get("/admin/payouts/" + told).body)
	must(t, p.Gateway.DecidePayout(t.Context(), told, true, "multicard", "it says so"))
	owner.want(owner.post(confirm, nil), 409, "unknown any more")
	if state(told) != pay.MoveSucceeded {
		t.Errorf("it is %s", state(told))
	}
}

// A question may be taken back, or refused, and is then asked anew.
func TestAPayoutsQuestionIsRefused(t *testing.T) {
	p := start(t)
	lost := p.lostPayout(p.register("multicard"), "salary-7")
	must(t, p.Office.SetRefundLimit(t.Context(), staff.CommandLine, 1_00))
	first, second := p.as(staff.Refunds), p.as(staff.Refunds)
	at := "/admin/payouts/" + lost
	for _, who := range []*browser{first, second} {
		form := url.Values{"key": {id.New()}, "happened": {"no"}, "why": {"not there"}}
		if got := first.post(at+"/decide", form); got.to != at+"?did=asked" {
			t.Fatalf("%d %s", got.status, got.text())
		}
		refuse := regexp.MustCompile(`/admin/unsent/[^/]+/refuse`).FindString(who.get(at).body)
		for range 2 {
			if got := who.post(refuse, nil); got.status != 303 || got.to != at+"?did=refused" {
				t.Fatalf("%d %s", got.status, got.text())
			}
		}
		second.want(second.post(strings.Replace(refuse, "/refuse", "/confirm", 1), nil), 409)
	}
	// It runs out in a day.
	form := url.Values{"key": {id.New()}, "happened": {"no"}, "why": {"not there"}}
	first.post(at+"/decide", form)
	confirm := regexp.MustCompile(`/admin/unsent/[^/]+/confirm`).FindString(second.get(at).body)
	p.wait(25 * time.Hour)
	p.Clock.Advance(25 * time.Hour)
	third := p.as(staff.Refunds)
	third.want(third.post(confirm, nil), 409)
	if x, err := p.Gateway.Payout(t.Context(), lost); err != nil || x.State != pay.MoveUnknown {
		t.Errorf("%+v %v", x, err)
	}
	if strings.Contains(third.get(at).body, "/confirm") {
		t.Error("what ran out is offered")
	}
}

// A press asks the company at once about what is unknown; where nobody can be asked it says so.
func TestAskingNow(t *testing.T) {
	p := start(t)
	payout := p.lostPayout(p.register("multicard"), "salary-7")
	p.shop("click")
	invoice := p.paidByClick("1", 150_000)
	refund := p.lostRefund(invoice, 100_00)
	support, viewer := p.as(staff.Support), p.as(staff.Viewer)
	inbox := support.get("/admin/")
	support.want(inbox, 200, `action="/admin/payouts/`+payout+`/ask"`)
	support.want(support.post("/admin/payouts/"+payout+"/ask", nil), 409, "This provider cannot be asked")
	support.want(support.post("/admin/invoices/"+invoice+"/ask", nil), 409, "This provider cannot be asked")
	viewer.want(viewer.post("/admin/invoices/"+invoice+"/ask", nil), 403)
	p.book(func(ctx context.Context, tx *store.Tx) error {
		for kind, subject := range map[string]string{"payout": payout, "refund": refund.ID} {
			if err := tx.Enqueue(ctx, outbox.Work{BusinessID: refund.BusinessID, Kind: kind, Subject: subject, Lane: "x", DueAt: p.now().Add(time.Hour)}); err != nil {
				return err
			}
		}
		return nil
	})
	for path, kind := range map[string][2]string{"/admin/payouts/" + payout: {"payout", payout}, "/admin/invoices/" + invoice: {"refund", refund.ID}} {
		got := support.post(path+"/ask", nil)
		if got.status != 303 {
			t.Fatalf("%d %s", got.status, got.text())
		}
		support.want(support.get(got.to), 200, "is being asked")
		p.book(func(ctx context.Context, tx *store.Tx) error {
			w, err := tx.WorkFor(ctx, kind[0], kind[1])
			if err == nil && w.DueAt.After(p.now()) {
				t.Errorf("%s is due at %s only", kind[0], w.DueAt)
			}
			return err
		})
	}
	known := p.paidByClick("2", 150_000)
	support.want(support.post("/admin/invoices/"+known+"/ask", nil), 409, "unknown any more")
}

// A payout's webhook that is stuck stands in the inbox, and is sent again from there.
func TestAPayoutsWebhookIsSentAgain(t *testing.T) {
	p := start(t)
	payout := p.lostPayout(p.register("multicard"), "salary-7")
	must(t, p.Gateway.DecidePayout(t.Context(), payout, true, "a@namuna.uz", "seen there"))
	support, viewer := p.as(staff.Support), p.as(staff.Viewer)
	support.want(support.post("/admin/payouts/"+payout+"/notify", nil), 409, "Nothing has happened yet")
	p.book(func(ctx context.Context, tx *store.Tx) error {
		x, err := tx.Payout(ctx, payout)
		if err != nil {
			return err
		}
		return tx.InsertPayoutEvent(ctx, store.PayoutEvent{PayoutID: payout, Event: pay.Event{
			ID: id.New(), BusinessID: x.BusinessID, Type: pay.EventPayoutUpdated, Seq: 1, Body: []byte("{}"), NotifyURL: p.url + "/sandbox/inbox/shop", Attempts: 9, CreatedAt: p.now(), StuckAt: p.now(),
		}})
	})
	at := "/admin/payouts/" + payout
	support.want(support.get("/admin/payouts?needs=undelivered"), 200, "salary-7")
	support.want(support.get("/admin/"), 200, "Payouts that the app was not told of: 1", `action="`+at+`/notify"`)
	viewer.want(viewer.post(at+"/notify", nil), 403)
	if got := support.post(at+"/notify", nil); got.status != 303 || got.to != at+"?did=told" {
		t.Fatalf("%d %s", got.status, got.text())
	}
	_, err := p.Runner.RunDue(t.Context())
	must(t, err)
	support.want(support.get("/admin/payouts?needs=undelivered"), 200, "nothing of the kind")
	support.want(support.get(at), 200, "accepted (200)")
}

// A difference is settled once, with a reason; the last one ends the day's alarm. A day that could
// not be compared is acknowledged.
func TestADayIsSettled(t *testing.T) {
	p := start(t)
	merchant := p.register("multicard")
	day := p.badDay(merchant, pay.ReconcileDone)
	p.wait(time.Second)
	failed := p.badDay(merchant, pay.ReconcileFailed)
	at := "/admin/reconciliations/" + day
	money, viewer := p.as(staff.Refunds), p.as(staff.Viewer)
	page := viewer.get(at)
	if viewer.want(page, 200, "order 77", "5\u00a0000\u00a0soum · Paid", "none"); strings.Contains(page.body, "/settle") {
		t.Error("a viewer is offered to settle")
	}
	page = money.get(at + "?verdict=only_theirs")
	difference := strings.Split(strings.Split(page.body, `name="difference" value="`)[1], `"`)[0]
	if strings.Contains(page.body, `value="theirs"`) {
		t.Error("what only they have can be taken over")
	}
	form := url.Values{"difference": {difference}, "how": {"noted"}, "why": {"refunded at the company"}, "verdict": {"only_theirs"}}
	viewer.want(viewer.post(at+"/settle", form), 403)
	for what, change := range map[string][3]string{"no reason": {"why", "", "Say why"}, "no such way": {"how", "x", "stale"}, "no difference": {"difference", "x", "stale"}} {
		bad := url.Values{"difference": {difference}, "how": {"noted"}, "why": {"x"}}
		bad.Set(change[0], change[1])
		if got := money.post(at+"/settle", bad); got.status != 422 || !strings.Contains(got.body, change[2]) {
			t.Errorf("%s: %d %s", what, got.status, got.text())
		}
	}
	money.want(money.post(at+"/settle", url.Values{"difference": {difference}, "how": {"theirs"}, "why": {"x"}}), 409, "see to it by hand")
	money.want(money.post(at+"/acknowledge", nil), 409)
	got := money.post(at+"/settle", form)
	if got.status != 303 || got.to != at+"?did=settled&verdict=only_theirs" {
		t.Fatalf("%d %s", got.status, got.to)
	}
	money.want(money.get(got.to), 200, "The difference is settled", money.person.Email, "refunded at the company")

	list := money.get("/admin/reconciliations")
	if money.want(list, 200, "19 Nov 2026"); strings.Contains(list.body, "20 Nov 2026") {
		t.Error("the settled day still waits")
	}
	at = "/admin/reconciliations/" + failed
	money.want(money.get(at), 200, "It could not be compared", "the register could not be read", "/acknowledge")
	if got := money.post(at+"/acknowledge", nil); got.status != 303 {
		t.Fatalf("%d %s", got.status, got.text())
	}
	if again := money.post(at+"/acknowledge", nil); again.status != 303 {
		t.Errorf("pressed twice: %d", again.status)
	}
	money.want(money.get("/admin/reconciliations"), 200, "Nothing waits for you")
	p.audited("list.seen", "reconciliation.seen", "reconciliation.acknowledged", "reconciliation.acknowledged", "reconciliation.acknowledged.not_done")
}

// The inbox's button beside a receiver sends again what its row counts, and nothing of a neighbour on
// the same host; what stands behind the question mark of an address is nobody's to read.
func TestSendingAllOfOneReceiver(t *testing.T) {
	p := start(t)
	p.shop("click")
	for order, path := range map[string]string{"a": "/sandbox/nowhere/hook?token=secret", "b": "/sandbox/nowhere/hook?token=other", "c": "/sandbox/nowhere/hook2"} {
		made := p.invoice(order, 1_000, "provider", "click", "notifyUrl", p.url+path)
		p.api("POST", "/api/invoices/"+made+"/cancel", map[string]any{})
	}
	p.workOff()
	support := p.as(staff.Support)
	inbox := support.get("/admin/")
	host := strings.TrimPrefix(p.url, "http://")
	if support.want(inbox, 200, host+"/sandbox/nowhere/hook · 2", host+"/sandbox/nowhere/hook2 · 1"); strings.Contains(inbox.body, "token=") {
		t.Error("the inbox shows what is in an address")
	}
	got := support.post("/admin/stuck", url.Values{"all": {"yes"}, "receiver": {p.url + "/sandbox/nowhere/hook"}})
	if got.status != 303 {
		t.Fatalf("%d %s", got.status, got.text())
	}
	support.want(support.get("/admin/stuck?"+url.Values{"receiver": {p.url + "/sandbox/nowhere/hook2"}}.Encode()), 200, ">c</a>")
	_, err := p.Runner.RunDue(t.Context())
	must(t, err)
	left, err := p.Gateway.Events(t.Context(), gateway.EventFilter{State: gateway.EventStuck}, gateway.Page{})
	must(t, err)
	if len(left.Items) != 1 || left.Items[0].SourceInvoiceID != "c" {
		t.Errorf("stuck are still %+v", left.Items)
	}
	support.want(support.get("/admin/invoices?needs=receipt&order=oldest"), 200, "nothing of the kind")
	support.want(support.get("/admin/invoices?needs=approval"), 200, "nothing of the kind")
}

// Whoever is troubled by single letters turns them off in their browser.
func TestLettersAreTurnedOff(t *testing.T) {
	p := start(t)
	b := p.as(staff.Viewer)
	for _, c := range []struct{ turn, shows, offers string }{{"off", `data-keys="off"`, "Turn single letters on"}, {"on", `data-keys=""`, "Turn single letters off"}} {
		if got := b.post("/admin/account/keys", url.Values{"keys": {c.turn}}); got.status != 303 || got.to != "/admin/account" {
			t.Fatalf("%d %s", got.status, got.to)
		}
		b.want(b.get("/admin/account"), 200, c.shows, c.offers)
	}
}
