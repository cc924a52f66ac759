package admin_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
)

var linkShown = regexp.MustCompile(`id="link">(http[^<]+/admin/enrol/[A-Za-z0-9_-]{43})<`)

func TestStaffPage(t *testing.T) {
	p := start(t)
	b := p.as(staff.Owner)
	b.want(b.get("/admin/staff"), 200, b.person.Email, "Active")
	b.want(b.post("/admin/staff", b.proved(url.Values{"email": {"bobur"}, "role": {"viewer"}})), 422, "not an e-mail", `value="bobur"`)
	b.want(b.post("/admin/staff", url.Values{"email": {"bobur@x.uz"}, "role": {"viewer"}}), 422, "password or the code is wrong", `value="bobur@x.uz"`)
	got := b.post("/admin/staff", b.proved(url.Values{"email": {"Bobur@x.uz"}, "role": {"refunds"}}))
	b.want(got, 200, "bobur@x.uz")
	shown := linkShown.FindStringSubmatch(got.body)
	if shown == nil || !strings.HasPrefix(shown[1], p.url) {
		t.Fatalf("the link: %v", shown)
	}
	b.want(p.browser().get(strings.TrimPrefix(shown[1], p.url)), 200, "bobur@x.uz")
	if again := b.get("/admin/staff"); strings.Contains(again.body, shown[1]) {
		t.Error("the link is shown again")
	}
	p.audited("staff.added")

	bobur, err := p.Office.Find(t.Context(), "bobur@x.uz")
	must(t, err)
	at := "/admin/staff/" + bobur.ID
	b.want(b.get(at), 200, "Invited", "refunds")
	if got := b.post(at+"/role", b.proved(url.Values{"role": {"viewer"}})); got.status != 303 || got.to != at+"?did=role" {
		t.Errorf("%+v", got)
	}
	b.want(b.get(at+"?did=role"), 200, "role is changed")
	b.want(b.post(at+"/role", b.proved(url.Values{"role": {"god"}})), 400)
	for _, path := range []string{"/role", "/reset-totp"} { // without the proof
		b.want(b.post(at+path, url.Values{"role": {"owner"}, "password": {password}, "code": {"000000"}}), 422, "password or the code is wrong")
	}
	b.want(b.post(at+"/reset-totp", b.proved(nil)), 200, "One-time link")
	if got := b.post(at+"/disable", nil); got.status != 303 {
		t.Errorf("%+v", got)
	}
	b.want(b.get(at), 200, "Disabled", "Enable again")
	b.want(b.post(at+"/reset-totp", b.proved(nil)), 409, "is disabled")
	b.want(b.post(at+"/enable", url.Values{"password": {password}, "code": {"000000"}}), 422, "password or the code is wrong")
	if got := b.post(at+"/enable", b.proved(nil)); got.status != 303 {
		t.Errorf("%+v", got)
	}
	p.audited("staff.seen", "staff.role", "staff.seen", "staff.not_proved", "staff.not_proved", "staff.totp_reset", "staff.disabled", "staff.seen", "staff.not_proved", "staff.enabled")
	b.want(b.post("/admin/staff/"+b.person.ID+"/disable", nil), 409, "last owner")
	b.want(b.get("/admin/staff/nobody"), 404)
	own := "/admin/staff/" + b.person.ID
	if got := b.get(own); strings.Contains(got.body, "reset-totp") {
		t.Error("one's own authenticator can be reset")
	}
	b.want(b.post(own+"/reset-totp", b.proved(nil)), 409, "reset by another owner")
}

func TestRefundLimitForm(t *testing.T) {
	p := start(t)
	b := p.as(staff.Owner)
	b.want(b.post("/admin/staff/limit", url.Values{"limit": {"1"}}), 422, "password or the code is wrong")
	for _, c := range []struct {
		text string
		want pay.Tiyin
	}{{"1\u00a0500\u00a0000,50", 150_000_050}, {"500 000", 50_000_000}, {"", 50_000_000}, {"900 000", 50_000_000}} {
		if got := b.post("/admin/staff/limit", b.proved(url.Values{"limit": {c.text}})); got.status != 303 {
			t.Errorf("%q: %d", c.text, got.status)
		}
		if got, err := p.Office.RefundLimit(t.Context()); err != nil || got != c.want {
			t.Errorf("%q: %d %v", c.text, got, err)
		}
	}
	b.want(b.get("/admin/staff"), 200, "value=\"500\u00a0000\"", "From 22 Nov 2026", "900\u00a0000\u00a0soum. Until then")
	for _, bad := range []string{"x", "-5", "1e9", "99999999999999"} {
		b.want(b.post("/admin/staff/limit", b.proved(url.Values{"limit": {bad}})), 422, "An amount in soum")
	}
}

func TestAuditPage(t *testing.T) {
	p := start(t)
	b := p.as(staff.Owner)
	viewer := p.as(staff.Viewer)
	viewer.want(viewer.get("/admin/staff"), 403)
	id := p.register("click")
	viewer.want(viewer.get("/admin/merchants/"+id), 200)
	got := b.get("/admin/audit?who=" + url.QueryEscape(" "+strings.ToUpper(viewer.person.Email)))
	b.want(got, 200, "Access refused", "GET /admin/staff", "Merchant looked at", "/admin/merchants/"+id, "127.0.0.1")
	if strings.Contains(got.body, ">"+b.person.Email+"</td>") {
		t.Error("the filter shows somebody else")
	}
	b.want(b.get("/admin/audit?what=merchant.seen&subject="+id+"&from=2026-11-21&to=2026-11-21"), 200, "Merchant looked at")
	b.want(b.get("/admin/audit?what=merchant.seen&to=2026-11-20"), 200, "nothing of the kind")
	b.want(b.get("/admin/audit?cursor=x"), 400)
	for range 60 {
		must(t, p.Office.Note(t.Context(), staff.CommandLine, "x.y", "", `<script>`))
	}
	got = b.get("/admin/audit?what=x.y")
	b.want(got, 200, "Next page", "x.y", "&lt;script&gt;")
	older := regexp.MustCompile(`href="(/admin/audit\?cursor=[^"]+)"`).FindStringSubmatch(got.body)
	if older == nil {
		t.Fatal("no way to the older entries")
	}
	got = b.get(strings.ReplaceAll(older[1], "&amp;", "&"))
	if n := strings.Count(got.body, "&lt;script&gt;"); n != 10 {
		t.Errorf("%d entries on the second page", n)
	}
	b.want(b.post("/admin/audit/verify", nil), 200, "The log is whole")
	p.audited("audit.verified")
}
