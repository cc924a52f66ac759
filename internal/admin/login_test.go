package admin_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/admin"
	"github.com/chorsu/chorsu/internal/staff"
)

func (b *browser) signIn(email, pass, code string, head ...string) page {
	b.Helper()
	return b.post("/admin/login", url.Values{"email": {email}, "password": {pass}, "code": {code}}, head...)
}

var formShown = regexp.MustCompile(`name="form" value="([^"]+)"`)

// grouped is a key as the page shows it.
func grouped(secret string) string {
	return strings.TrimSpace(regexp.MustCompile(`....`).ReplaceAllString(secret, "$0 "))
}

// From the link to the first page and out again, as a browser does it.
func TestEnrolSignInSignOut(t *testing.T) {
	p := start(t)
	_, link, err := p.Office.Add(t.Context(), staff.CommandLine, "dilnoza@namuna.uz", staff.Owner)
	must(t, err)
	b := p.browser()
	got := b.get("/admin/enrol/" + link)
	b.want(got, 200, "dilnoza@namuna.uz", `class="qr"`, `autocomplete="new-password"`)
	b.secret = strings.ReplaceAll(regexp.MustCompile(`id="secret">([A-Z2-7 ]+)<`).FindStringSubmatch(got.body)[1], " ", "")
	form := formShown.FindStringSubmatch(got.body)[1]
	if again := b.get("/admin/enrol/" + link); strings.Contains(again.body, form) || strings.Contains(again.body, grouped(b.secret)) {
		t.Error("two openings of the link show the same authenticator")
	}
	for says, form := range map[string]url.Values{
		"12 to 200 characters": {"form": {form}, "password": {"short"}, "code": {b.code()}}, "not the code": {"form": {form}, "password": {password}, "code": {"000000"}},
	} {
		// What was scanned stays.
		b.want(b.post("/admin/enrol/"+link, form), 422, says, grouped(b.secret))
	}
	old := b.post("/admin/enrol/"+link, url.Values{"form": {"x"}, "password": {password}, "code": {b.code()}})
	if b.want(old, 422, "too old"); strings.Contains(old.body, grouped(b.secret)) {
		t.Error("a form that is none of ours is shown a secret that was")
	}
	got = b.post("/admin/enrol/"+link, url.Values{"form": {form}, "password": {password}, "code": {b.code()}})
	b.want(got, 200, "Recovery codes")
	if n := len(regexp.MustCompile(`[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}`).FindAllString(got.body, -1)); n != 10 {
		t.Errorf("%d recovery codes", n)
	}
	cookie := got.head.Get("Set-Cookie")
	for _, want := range []string{"chorsu_staff=", "HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie is %s", cookie)
		}
	}
	b.want(b.get("/admin/enrol/"+link), 404, "works no more")
	b.want(b.get("/admin/"), 200, "dilnoza@namuna.uz", "owner")

	got = b.post("/admin/logout", nil)
	if got.status != 303 || got.to != "/admin/login" || !strings.Contains(got.head.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("%+v", got)
	}
	got = b.get("/admin/merchants?provider=payme")
	if got.status != 303 || got.to != "/admin/login?next=%2Fadmin%2Fmerchants%3Fprovider%3Dpayme" {
		t.Errorf("%d %s", got.status, got.to)
	}
	p.wait(30 * time.Second)
	b.want(b.signIn("dilnoza@namuna.uz", "wrong", b.code()), 401, "is wrong", `value="dilnoza@namuna.uz"`)
	got = b.post(got.to, url.Values{"email": {"Dilnoza@namuna.uz"}, "password": {password}, "code": {b.code()}})
	if got.status != 303 || got.to != "/admin/merchants?provider=payme" {
		t.Errorf("%d %s", got.status, got.to)
	}
	b.want(b.get(got.to), 200, "Merchants")
	p.audited("staff.added", "staff.not_enrolled", "staff.enrolled", "inbox.seen", "session.ended", "session.refused", "session.begun", "list.seen")
}

// A sign-in leads to a page of ours and nowhere else.
func TestNextIsOurs(t *testing.T) {
	p := start(t)
	b := p.as(staff.Viewer)
	for next, want := range map[string]string{
		"": "/admin/", "/admin/merchants": "/admin/merchants", "https://evil.example/admin/": "/admin/", "//evil.example/admin/": "/admin/",
		"/\\evil.example/admin/": "/admin/", "/pay/1": "/admin/", "javascript:alert(1)": "/admin/", "/admin/login": "/admin/", "/admin/../docs": "/admin/",
	} {
		p.wait(time.Minute)
		other := p.browser()
		got := other.post("/admin/login?"+url.Values{"next": {next}}.Encode(), url.Values{"email": {b.person.Email}, "password": {password}, "code": {b.code()}})
		if got.status != 303 || got.to != want {
			t.Errorf("next %q leads to %d %s", next, got.status, got.to)
		}
	}
}

// Locked out, the page says for how long, in words and in the header.
func TestLockedPage(t *testing.T) {
	p := start(t)
	b := p.browser()
	for range 5 {
		b.want(b.signIn("nobody@x.uz", "x", "1"), 401)
	}
	got := b.signIn("nobody@x.uz", "x", "1")
	b.want(got, 429, "Too many tries", "0:30")
	if got.head.Get("Retry-After") != "30" {
		t.Errorf("Retry-After: %s", got.head.Get("Retry-After"))
	}
}

// A form that another site's page sends is refused before anything is looked at; so is a page in
// a frame; and nothing is kept by a cache.
func TestForeignFormsAndFrames(t *testing.T) {
	p := start(t)
	b := p.as(staff.Owner)
	for _, head := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, {"Sec-Fetch-Site", "", "Origin", "null"},
	} {
		for _, path := range []string{"/admin/login", "/admin/staff", "/admin/logout"} {
			b.want(b.post(path, url.Values{"email": {"evil@x.uz"}, "role": {"owner"}}, head...), 403, "came from another site")
		}
	}
	people, err := p.Office.People(t.Context())
	must(t, err)
	if len(people) != 1 {
		t.Errorf("%d accounts", len(people))
	}
	for _, path := range []string{"/admin/", "/admin/login", "/admin/staff", "/admin/nowhere", "/admin/account"} {
		got := b.get(path)
		csp := got.head.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self';", "script-src 'self'", "style-src 'self'", "base-uri 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy is %s", path, csp)
			}
		}
		for name, want := range map[string]string{"X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
			if got.head.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.head.Get(name))
			}
		}
		if inline := regexp.MustCompile(`<script>|<style|\sstyle=|\son[a-z]+=`).FindString(got.body); inline != "" {
			t.Errorf("%s: the policy forbids %q", path, inline)
		}
	}
}

// A link in a chat comes without the strict cookie: the page asks for itself once more, and only
// then is somebody who is not signed in led away.
func TestALinkFromElsewhere(t *testing.T) {
	p := start(t)
	stranger := p.browser()
	got := stranger.do("GET", "/admin/merchants", nil, "Sec-Fetch-Site", "cross-site")
	stranger.want(got, 200, "Opening")
	if got.head.Get("Refresh") != "0" {
		t.Errorf("Refresh: %q", got.head.Get("Refresh"))
	}
	for _, site := range []string{"same-origin", "none", ""} {
		if got := stranger.do("GET", "/admin/merchants", nil, "Sec-Fetch-Site", site); got.status != 303 {
			t.Errorf("%q: %d", site, got.status)
		}
	}
	if got := stranger.do("HEAD", "/admin/merchants", nil, "Sec-Fetch-Site", "cross-site"); got.status != 303 {
		t.Errorf("HEAD: %d", got.status)
	}
}

// By https the cookie is bound to the host and never travels in the clear.
func TestCookieByHTTPS(t *testing.T) {
	p := startWith(t, map[string]string{"PUBLIC_URL": "https://pay.example.uz"})
	_, link, err := p.Office.Add(t.Context(), staff.CommandLine, "a@x.uz", staff.Owner)
	must(t, err)
	in, err := p.Office.Invitation(t.Context(), link)
	must(t, err)
	b := p.browser()
	b.secret = in.Secret
	got := b.post("/admin/enrol/"+link, url.Values{"form": {in.Sealed}, "password": {password}, "code": {b.code()}})
	cookie := got.head.Get("Set-Cookie")
	for _, want := range []string{"__Host-chorsu_staff=", "Secure", "HttpOnly", "SameSite=Strict", "Path=/;"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie is %s", cookie)
		}
	}
	if strings.Contains(cookie, "Domain") {
		t.Errorf("the cookie is %s", cookie)
	}
}

// The language is the chosen one, and stays.
func TestLanguageStays(t *testing.T) {
	p := start(t)
	b := p.as(staff.Viewer)
	b.want(b.get("/admin/merchants?lang=uz"), 200, `lang="uz"`, "Savdogarlar")
	b.want(b.get("/admin/"), 200, `lang="uz"`)
	b.want(b.get("/admin/merchants?lang=ru&provider=click"), 200, "Мерчанты", "?lang=en&amp;provider=click")
	b.want(b.get("/admin/?lang=xx"), 200, `lang="ru"`)
	b.want(b.do("GET", "/admin/login?lang=en", nil), 200, "Sign in")
}

// The switch of a page that answers a form leads to a page.
func TestLanguagesOfAnAnswer(t *testing.T) {
	p := start(t)
	b := p.as(staff.Owner)
	for _, path := range []string{"/admin/audit/verify", "/admin/account/password", "/admin/staff", "/admin/staff/" + b.person.ID + "/disable", "/admin/merchants"} {
		got := b.post(path, url.Values{"provider": {"payme"}})
		to := regexp.MustCompile(`href="([^"]+lang=ru)"`).FindStringSubmatch(got.body)
		if to == nil {
			t.Errorf("%s: no switch: %s", path, got.body)
			continue
		}
		if got := b.get(to[1]); got.status != 200 {
			t.Errorf("%s: the switch leads to %s, which answers %d", path, to[1], got.status)
		}
	}
}

func TestOwnAccount(t *testing.T) {
	p := start(t)
	b := p.as(staff.Viewer)
	b.want(b.get("/admin/account"), 200, "this browser", "192.0.2.1", b.person.Email)
	p.wait(30 * time.Second)
	b.want(b.post("/admin/account/password", url.Values{"password": {"wrong"}, "code": {b.code()}, "new": {"another long phrase"}}), 422, "is wrong")
	b.want(b.post("/admin/account/password", url.Values{"password": {password}, "code": {b.code()}, "new": {"short"}}), 422, "12 to 200")
	got := b.post("/admin/account/password", url.Values{"password": {password}, "code": {b.code()}, "new": {"another long phrase"}})
	if got.status != 303 || got.to != "/admin/login?did=password" {
		t.Fatalf("%+v", got)
	}
	b.want(b.get(got.to), 200, "password is changed")
	if got := b.get("/admin/"); got.status != 303 {
		t.Errorf("still signed in: %d", got.status)
	}
	p.wait(30 * time.Second)
	if got := b.signIn(b.person.Email, "another long phrase", b.code()); got.status != 303 {
		t.Fatalf("%+v", got)
	}
	p.wait(30 * time.Second)
	b.want(b.post("/admin/account/recovery", url.Values{"password": {"another long phrase"}, "code": {b.code()}}), 200, "Recovery codes")
	p.wait(30 * time.Second)
	if got := b.signIn(b.person.Email, "another long phrase", b.code()); got.status != 303 {
		t.Fatalf("%+v", got)
	}
	if got := b.post("/admin/account/sign-out", nil); got.status != 303 || got.to != "/admin/login" {
		t.Errorf("%+v", got)
	}
	p.audited("staff.not_proved", "staff.password", "session.begun", "staff.recovery", "session.begun", "session.all_ended")
}

// The session ends with the hour, not with the sandbox's clock: that one moves the payments only.
func TestTheSandboxClockDoesNotSignOut(t *testing.T) {
	p := start(t)
	b := p.as(staff.Viewer)
	p.Clock.Advance(48 * time.Hour)
	b.want(b.get("/admin/"), 200)
	p.wait(staff.SessionIdle)
	if got := b.get("/admin/"); got.status != 303 {
		t.Errorf("after the idle time: %d", got.status)
	}
}

// A page that draws itself anew, as one that waits for news, keeps nobody signed in: the browser that
// everybody left ends its session.
func TestADrawingKeepsNobodySignedIn(t *testing.T) {
	p := start(t)
	b := p.as(staff.Viewer)
	for range 3 {
		p.wait(staff.SessionIdle / 4)
		b.want(b.do("GET", "/admin/", nil, "Accept", "text/html", "X-Live", "1"), 200)
	}
	p.wait(staff.SessionIdle / 4)
	if got := b.do("GET", "/admin/", nil, "Accept", "text/html", "X-Live", "1"); got.status != 401 {
		t.Errorf("after the idle time: %d", got.status)
	}
	if got := b.get("/admin/"); got.status != 303 {
		t.Errorf("the person is still signed in: %d", got.status)
	}
}

// A button whose answer shows a secret this once is pressed once: a second press would take it away.
func TestButtonsThatArePressedOnce(t *testing.T) {
	p := start(t)
	p.shop("payme")
	invoice := p.invoice("1", 1000)
	b := p.as(staff.Owner)
	colleague := p.as(staff.Viewer)
	_, link, err := p.Office.Add(t.Context(), staff.CommandLine, "new@namuna.uz", staff.Viewer)
	must(t, err)
	for _, path := range []string{
		"/admin/enrol/" + link, "/admin/account", "/admin/staff", "/admin/staff/" + colleague.person.ID, "/admin/tills/new", "/admin/invoices/" + invoice,
	} {
		b.want(b.get(path), 200, "data-once", "chorsu.js")
	}
}

// What cannot be noted is neither shown nor done.
func TestNothingIsShownUnnoted(t *testing.T) {
	p := start(t)
	b := p.as(staff.Owner)
	id := p.register("payme")
	p.Store.FailWrites(true)
	for _, path := range []string{"/admin/", "/admin/merchants", "/admin/staff", "/admin/tills"} {
		b.want(b.get(path), 503, "cannot be shown")
	}
	b.want(b.post("/admin/merchants/"+id+"/check", nil), 503)
	got := b.get("/admin/merchants/" + id)
	turned := b.post("/admin/merchants/"+id+"/active", url.Values{"active": {"off"}})
	p.Store.FailWrites(false)
	b.want(got, 503, "cannot be shown")
	b.want(turned, 503)
	b.want(b.get("/admin/merchants/"+id), 200)
	p.audited("merchant.seen")
	for _, path := range []string{"/admin/", "/admin/merchants?source=8600069195406311", "/admin/staff"} {
		for range 2 { // looking again is the same look
			b.want(b.get(path), 200)
		}
	}
	b.want(b.post("/admin/merchants/"+id+"/check", nil), 200)
	p.audited("merchant.seen", "inbox.seen", "list.seen", "list.seen", "merchant.checked")
	list, _, err := p.Office.Log(t.Context(), staff.Filter{}, 10, "")
	must(t, err)
	if list[0].Detail != "" {
		t.Errorf("trying the credentials was noted afterwards, with what came of it: %q", list[0].Detail)
	}
	if got := list[2].Detail; got != "source=860006******6311" {
		t.Errorf("the log holds %q", got)
	}
}

// The doors take so many knocks a minute from one network, whatever is typed there; other pages
// are not counted.
func TestTheDoorsAreLimited(t *testing.T) {
	p := start(t)
	b := p.browser()
	refused := 0
	for range 2*admin.DoorsPerMinute + 1 { // a minute may end meanwhile, once
		if got := b.get("/admin/enrol/nothing"); got.status == 429 {
			b.want(got, 429, "Too often")
			if got.head.Get("Retry-After") == "" {
				t.Error("it does not say until when")
			}
			refused++
		} else {
			b.want(got, 404)
		}
	}
	if refused == 0 {
		t.Fatal("nothing was refused")
	}
	b.want(b.get("/admin/login"), 200)
}
