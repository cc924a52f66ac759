package admin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/admin"
	"github.com/chorsu/chorsu/internal/staff"
)

// Every route is walked by every role: those below the least are refused, and that is noted; the
// others are not; who is not signed in is led to the sign-in.
func TestEveryRouteAsksForItsRole(t *testing.T) {
	p := start(t)
	everybody := map[staff.Role]func() *browser{}
	for _, role := range staff.Roles {
		everybody[role] = func() *browser { return p.as(role) } // anew: some routes sign out
	}
	for _, r := range admin.Routes() {
		method, path, _ := strings.Cut(r.Pattern, " ")
		path = strings.NewReplacer("{$}", "", "{id}", "01975f2e-6a09-7bf0-9a1b-00505680eaf6", "{token}", "none").Replace(path)
		if strings.Contains(path, "{") {
			t.Errorf("%s: what stands in its path is not known here", r.Pattern)
		}
		ask := func(b *browser) page {
			if method == http.MethodPost {
				return b.post(path, url.Values{})
			}
			return b.do(method, path, nil)
		}
		if r.Least == "" {
			if got := ask(p.browser()); got.status == http.StatusForbidden || strings.Contains(got.to, "/login") {
				t.Errorf("%s is not open to anybody: %d", r.Pattern, got.status)
			}
			continue
		}
		if !r.Least.Valid() {
			t.Errorf("%s: %q is no role", r.Pattern, r.Least)
		}
		if got := ask(p.browser()); got.status != http.StatusSeeOther || !strings.HasPrefix(got.to, "/admin/login") {
			t.Errorf("%s: who is not signed in gets %d %s", r.Pattern, got.status, got.to)
		}
		for _, role := range staff.Roles {
			got := ask(everybody[role]())
			switch may := role.May(r.Least); {
			case !may && got.status != http.StatusForbidden:
				t.Errorf("%s answers %d to a %s", r.Pattern, got.status, role)
			case !may:
				p.audited("access.refused")
			case may && (got.status == http.StatusForbidden || got.status >= 500):
				t.Errorf("%s answers %d to a %s", r.Pattern, got.status, role)
			}
		}
	}
}

// What is remembered of looking is bounded, however many different things are asked for.
func TestLooksAreBounded(t *testing.T) {
	for many, want := range map[int]int{10: 10, admin.LooksMost: admin.LooksMost, admin.LooksMost + 3: 3} {
		if got := admin.LooksKept(many); got != want {
			t.Errorf("after %d: %d", many, got)
		}
	}
}
