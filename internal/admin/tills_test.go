package admin_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
)

var pairingCode = regexp.MustCompile(`id="code">([A-Z2-9]{4}(?:-[A-Z2-9]{4}){3})<`)

// A till is paired by the code that the page shows once, stands in the list with what it reported
// today, and opens nothing once it is revoked.
func TestATillsLife(t *testing.T) {
	p := start(t)
	owner := p.as(staff.Owner)
	owner.want(owner.get("/admin/tills"), 200, "nothing of the kind", "/admin/tills/new")
	owner.want(owner.get("/admin/tills/new"), 200, `value="till"`)

	made := owner.post("/admin/tills", owner.proved(url.Values{"name": {"Till 1, Chilonzor"}, "source": {"till"}, "business": {"shop_7"}, "notify": {p.url + "/sandbox/inbox/shop?token=secret"}}))
	owner.want(made, 200, "good once", "TILL_CONFIG=till.yaml chorsu till", `gateway: {url: &#34;`+p.url+`&#34;, pairing: &#34;`, "22 Nov 2026")
	m := pairingCode.FindStringSubmatch(made.body)
	if m == nil {
		t.Fatalf("no code: %s", made.text())
	}
	p.audited("list.seen", "till.added")
	list, err := p.Gateway.Tills(t.Context(), gateway.TillFilter{Source: "till", Business: "shop_7"}, gateway.Page{})
	must(t, err)
	at := "/admin/tills/" + list.Items[0].ID
	waits := owner.get(at)
	owner.want(waits, 200, "Waits for its code", "not yet", "nothing today", "/sandbox/inbox/shop<")
	if strings.Contains(waits.body, m[1]) || strings.Contains(waits.body, "token=secret") {
		t.Error("the code is shown again, or what is in the address")
	}

	paired, err := p.Gateway.PairTill(t.Context(), gateway.PairInput{Code: m[1], Device: "00000001", Version: "1.2.3"})
	must(t, err)
	report := func(id, kind, state string, amount pay.Tiyin, more ...func(*pay.TillReport)) {
		t.Helper()
		r := pay.TillReport{ID: id, Revision: 1, Kind: kind, Provider: "humo", State: state, Amount: amount, CreatedAt: p.now(), FinishedAt: p.now()}
		for _, f := range more {
			f(&r)
		}
		_, err := p.Gateway.TakeReports(t.Context(), paired.Till, []pay.TillReport{r})
		must(t, err)
	}
	yesterday, sale, unsure := "01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000002", "01900000-0000-7000-8000-000000000003"
	report(yesterday, "sale", "approved", 5_000_000)
	p.wait(24 * time.Hour)
	owner = p.as(staff.Owner) // nobody is signed in as long as that
	viewer := p.as(staff.Viewer)
	report(sale, "sale", "approved", 15_000_000)
	report(unsure, "sale", "unknown", 100_000)
	report("01900000-0000-7000-8000-000000000004", "sale", "declined", 100_000)
	report("01900000-0000-7000-8000-000000000005", "return", "approved", 4_000_000, func(r *pay.TillReport) { r.Original = sale })
	for _, page := range []string{"/admin/tills", "/admin/tills?source=till&business=shop_7", at} {
		got := viewer.get(page)
		viewer.want(got, 200, "Paired", "sales: 1, 150\u00a0000\u00a0soum", "returns: 1, 40\u00a0000\u00a0soum", "outcomes not known: 1", "needs=unknown_outcome")
		if strings.Contains(got.body, "Revoke") || strings.Contains(got.body, "/tills/new") {
			t.Errorf("%s offers a viewer what only an owner may", page)
		}
	}
	viewer.want(viewer.get("/admin/tills?source=till&business=other"), 200, "nothing of the kind")
	viewer.want(viewer.get(at), 200, "00000001", "1.2.3")
	p.audited("till.seen", "list.seen", "till.seen")

	owner.want(owner.post(at+"/revoke", url.Values{}), 422, "Tick the box")
	if _, err := p.Gateway.TillOf(t.Context(), paired.Token); err != nil {
		t.Errorf("without the tick: %v", err)
	}
	got := owner.post(at+"/revoke", url.Values{"sure": {"yes"}})
	if got.status != 303 || got.to != at+"?did=revoked" {
		t.Fatalf("%d %s", got.status, got.to)
	}
	p.audited("till.revoked")
	after := owner.get(got.to)
	owner.want(after, 200, "Revoked", "opens nothing any more")
	if strings.Contains(after.body, "/revoke") {
		t.Error("a revoked till can be revoked")
	}
	if _, err := p.Gateway.TillOf(t.Context(), paired.Token); pay.CodeOf(err) != pay.CodeUnauthorized {
		t.Errorf("its token still opens: %v", err)
	}
}

// What is wrong is said in the form, and nothing is made; a card's number in a name is masked.
func TestTheFormOfATill(t *testing.T) {
	p := start(t)
	b := p.as(staff.Owner)
	good := url.Values{"name": {"Till"}, "source": {"till"}, "business": {"shop"}}
	for name, c := range map[string]struct{ key, value, says string }{
		"no name":       {"name", " ", "1 to 100"},
		"a long name":   {"name", strings.Repeat("o", 101), "1 to 100"},
		"no shop":       {"business", "", "App and shop"},
		"no app":        {"source", "", "App and shop"},
		"a bad address": {"notify", "ftp://x.uz", "Where webhooks"},
	} {
		form := url.Values{}
		for key, value := range good {
			form[key] = value
		}
		form.Set(c.key, c.value)
		got := b.post("/admin/tills", form)
		if got.status != 422 || !strings.Contains(got.body, c.says) {
			t.Errorf("%s: %d %s", name, got.status, got.text())
		}
	}
	list, err := p.Gateway.Tills(t.Context(), gateway.TillFilter{}, gateway.Page{})
	must(t, err)
	if len(list.Items) > 0 {
		t.Fatalf("%d tills were made", len(list.Items))
	}
	b.want(b.post("/admin/tills", good), 422, "password or the code is wrong", `value="shop"`)
	p.audited("staff.enrolled", "staff.not_proved")
	good.Set("name", "Till 8600069195406311")
	got := b.post("/admin/tills", b.proved(good))
	b.want(got, 200, "860006******6311")
	if strings.Contains(got.body, "8600069195406311") {
		t.Error("the card's number is kept")
	}
	for _, bad := range []string{"/admin/tills/x", "/admin/tills/01900000-0000-7000-8000-000000000009"} {
		b.want(b.get(bad), 404)
	}
	b.want(b.get("/admin/tills?cursor=x"), 400)
	b.want(b.post("/admin/tills/01900000-0000-7000-8000-000000000009/revoke", url.Values{"sure": {"yes"}}), 404)
	p.audited("till.revoked", "till.revoked.not_done")
}
