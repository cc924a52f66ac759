package admin_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
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
		"Days that do not agree with the company: 1", "2026-11-20 · Multicard · 1 differences, 41 agree", "/admin/reconciliations/"+day,
		"Returns at tills of which nothing is known: 1", "Till 1 · 1", "/admin/tills/"+till.ID)
	viewer.want(viewer.get("/admin/payouts"), 200, "salary-7", "/admin/payouts/"+payout)
	viewer.want(viewer.get("/admin/reconciliations"), 200, "2026-11-20", "/admin/reconciliations/"+day)
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
	why := url.Values{"happened": {"yes"}, "why": {"the cabinet shows it on 8600069195406311"}}
	money.want(money.post(at+"/decide", url.Values{"happened": {"yes"}, "why": {" "}}), 422, "Say why")
	money.want(money.post(at+"/decide", url.Values{"happened": {"perhaps"}, "why": {"x"}}), 422, "say whether")
	money.want(money.post(at+"/acknowledge", why), 409, "unknown any more")
	got := money.post(at+"/decide", why)
	if got.status != 303 || got.to != at+"?did=decided" {
		t.Fatalf("%d %s", got.status, got.to)
	}
	page = money.get(got.to)
	if money.want(page, 200, "The decision was written down", "Arrived", "860006******6311"); strings.Contains(page.body, "9540") || strings.Contains(page.body, "/decide") {
		t.Error("the number is shown, or it can be decided again")
	}
	money.want(money.post(at+"/decide", why), 409, "unknown any more")
	money.want(money.get("/admin/payouts?needs=any"), 200, "nothing of the kind")

	p.book(func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertAlarm(ctx, pay.Alarm{ID: id.New(), BusinessID: "b", PayoutID: payout, Kind: pay.AttentionProvider, Message: "it calls the payout by another id", CreatedAt: p.now()})
	})
	money.want(money.get(at), 200, "it calls the payout by another id", "/acknowledge")
	if got := money.post(at+"/acknowledge", url.Values{"why": {"asked them"}}); got.status != 303 || got.to != at+"?did=alarm" {
		t.Fatalf("%d %s", got.status, got.to)
	}
	money.want(money.get("/admin/payouts?needs=any"), 200, "nothing of the kind")
	money.want(money.get(at), 200, "asked them")
}

// That a payout above the limit did not arrive is for an owner to say: the app would pay once more.
func TestALargePayoutIsDecidedByAnOwner(t *testing.T) {
	p := start(t)
	merchant := p.register("multicard")
	lost, arrived := p.lostPayout(merchant, "salary-7"), p.lostPayout(merchant, "salary-8")
	must(t, p.Office.SetRefundLimit(t.Context(), staff.CommandLine, 149_999_00))
	money, owner := p.as(staff.Refunds), p.as(staff.Owner)
	no := url.Values{"happened": {"no"}, "why": {"the cabinet does not know it"}}
	money.want(money.post("/admin/payouts/"+lost+"/decide", no), 403, "for an owner to say")
	p.audited("payout.decided", "payout.decided.not_done", "payout.seen")
	if got := money.post("/admin/payouts/"+arrived+"/decide", url.Values{"happened": {"yes"}, "why": {"it shows it"}}); got.status != 303 {
		t.Errorf("it arrived: %d %s", got.status, got.text())
	}
	if got := owner.post("/admin/payouts/"+lost+"/decide", no); got.status != 303 {
		t.Errorf("an owner: %d %s", got.status, got.text())
	}
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
	if money.want(list, 200, "2026-11-19"); strings.Contains(list.body, "2026-11-20") {
		t.Error("the settled day still waits")
	}
	at = "/admin/reconciliations/" + failed
	money.want(money.get(at), 200, "It could not be compared", "the register could not be read", "/acknowledge")
	if got := money.post(at+"/acknowledge", nil); got.status != 303 {
		t.Fatalf("%d %s", got.status, got.text())
	}
	money.want(money.post(at+"/acknowledge", nil), 409)
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
