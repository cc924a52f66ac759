package admin_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
	"github.com/chorsu/chorsu/internal/webhook"
)

const (
	apiKey   = "staff-tests-key-0123456789"
	password = "choyxona oldidagi chinor"
)

// program is the whole program in test mode, with a clock that only the tests move.
type program struct {
	*testing.T
	*app.App
	url string

	mu   sync.Mutex
	time time.Time
}

func (p *program) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.time
}

// wait moves the clock.
func (p *program) wait(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.time = p.time.Add(d)
}

// start serves it on a SQLite database of its own.
func start(t *testing.T) *program { return startWith(t, nil) }

// startWith serves it with other settings than usual.
func startWith(t *testing.T, more map[string]string) *program {
	t.Helper()
	server := httptest.NewUnstartedServer(nil) // its address is known before there is anything to serve
	p := &program{T: t, url: "http://" + server.Listener.Addr().String(), time: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	given := map[string]string{
		"DATABASE_URL": storetest.DSN(t, storetest.SQLite), "PUBLIC_URL": p.url, "SERVICE_API_KEY": apiKey,
		"WEBHOOK_SIGNING_SECRET": webhook.NewSecret(), "MASTER_KEY": seal.NewKey(), "NOTIFY_ALLOW_PRIVATE": "true", "RATE_LIMIT_PER_MINUTE": "0",
	}
	maps.Copy(given, more)
	cfg, _, err := config.Load(func(name string) (string, bool) { v, ok := given[name]; return v, ok }, "")
	must(t, err)
	p.App, err = app.New(t.Context(), cfg, app.Options{
		Test: &app.Test{LocalURL: p.url}, Now: p.now, Hashing: staff.Cost{Memory: 64, Passes: 1},
	})
	must(t, err)
	server.Config.Handler = p.App.Handler()
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		must(t, p.App.Close(context.Background()))
	})
	return p
}

// browser is one person's browser. It follows no redirect, so that tests see where one leads.
type browser struct {
	*program
	http   *http.Client
	person staff.Person
	secret string // of the authenticator
}

// browser is one in which nobody is signed in.
func (p *program) browser() *browser {
	jar, err := cookiejar.New(nil)
	must(p.T, err)
	return &browser{program: p, http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as is the browser of a person with a role, signed in, who has had it for long.
func (p *program) as(role staff.Role) *browser {
	p.Helper()
	b := p.newcomer(role)
	p.book(func(ctx context.Context, tx *store.Tx) error {
		s, err := tx.LockStaff(ctx, b.person.ID)
		if err != nil {
			return err
		}
		s.PowerSince = s.PowerSince.Add(-staff.LimitDelay)
		return tx.SaveStaff(ctx, s)
	})
	return b
}

// newcomer is the browser of one who has just got it.
func (p *program) newcomer(role staff.Role) *browser {
	p.Helper()
	ctx := p.Context()
	people, err := p.Office.People(ctx)
	must(p.T, err)
	b := p.browser()
	var link string
	b.person, link, err = p.Office.Add(ctx, staff.CommandLine, fmt.Sprintf("%s-%d@namuna.uz", role, len(people)), role)
	must(p.T, err)
	in, err := p.Office.Invitation(ctx, link)
	must(p.T, err)
	b.secret = in.Secret
	_, token, err := p.Office.Enrol(ctx, link, staff.Attempt{Password: password, Code: b.code(), Sealed: in.Sealed, Address: "192.0.2.1", Network: "192.0.2.1"})
	must(p.T, err)
	at, err := url.Parse(p.url)
	must(p.T, err)
	b.http.Jar.SetCookies(at, []*http.Cookie{{Name: "chorsu_staff", Value: token, Path: "/"}})
	return b
}

// code is what the authenticator shows now.
func (b *browser) code() string {
	code, err := totp.GenerateCode(b.secret, b.now())
	must(b.T, err)
	return code
}

// proved is a form with the password and a code that is fresh: half a minute later.
func (b *browser) proved(form url.Values) url.Values {
	b.Helper()
	b.wait(30 * time.Second)
	out := url.Values{"password": {password}, "code": {b.code()}}
	maps.Copy(out, form)
	return out
}

// page is an answer.
type page struct {
	status int
	body   string
	head   http.Header
	to     string // where it leads
}

func (b *browser) get(path string) page {
	b.Helper()
	return b.do("GET", path, nil)
}

// post sends a form, as the page itself does.
func (b *browser) post(path string, form url.Values, head ...string) page {
	b.Helper()
	return b.do("POST", path, strings.NewReader(form.Encode()), append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, head...)...)
}

func (b *browser) do(method, path string, body io.Reader, head ...string) page {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.url+path, body)
	must(b.T, err)
	for i := 0; i+1 < len(head); i += 2 {
		req.Header.Set(head[i], head[i+1])
	}
	if req.Header.Get("Accept-Language") == "" {
		req.Header.Set("Accept-Language", "en")
	}
	res, err := b.http.Do(req)
	must(b.T, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(b.T, err)
	return page{status: res.StatusCode, body: string(text), head: res.Header, to: res.Header.Get("Location")}
}

// text is what stands inside <main>, for a test's complaint.
func (p page) text() string {
	_, text, _ := strings.Cut(p.body, "<main")
	return text
}

// want fails the test unless the answer has a status and says some things.
func (b *browser) want(got page, status int, says ...string) {
	b.Helper()
	if got.status != status {
		b.Fatalf("the answer is %d, not %d: %s", got.status, status, got.text())
	}
	for _, s := range says {
		if !strings.Contains(got.body, s) {
			b.Errorf("the page does not say %q: %s", s, got.text())
		}
	}
}

// audited fails the test unless the newest entries of the audit log, the newest last, are these.
func (p *program) audited(want ...string) {
	p.Helper()
	list, _, err := p.Office.Log(p.Context(), staff.Filter{}, 50, "")
	must(p.T, err)
	var got []string
	for _, e := range list[:min(len(list), len(want))] {
		got = append([]string{e.What}, got...)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		p.Errorf("the audit log ends with %v, not %v", got, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
