package admin

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/words"
)

// visit is who makes a request, and from where. It travels in the context.
type visit struct {
	person  staff.Person
	address string
}

type visitKey struct{}

// me is the person who is signed in; the zero Person on the pages that need nobody.
func me(ctx context.Context) staff.Person {
	v, _ := ctx.Value(visitKey{}).(visit)
	return v.person
}

// actor is the same for a use case.
func actor(ctx context.Context) staff.Actor {
	v, _ := ctx.Value(visitKey{}).(visit)
	return v.person.By(v.address)
}

// address is where a request came from, as it is noted.
func (a *admin) address(r *http.Request) string {
	if at := a.o.Client(r.Context()); at.IsValid() {
		return at.String()
	}
	return "unknown"
}

// network is where a request came from, as tries are counted: whoever has one IPv6 address has
// all of its /64.
func (a *admin) network(r *http.Request) string {
	at := a.o.Client(r.Context())
	if at.Is6() {
		return netip.PrefixFrom(at, 64).Masked().String()
	}
	return a.address(r)
}

// ─── The cookie ────────────────────────────────────────────────────────────────────────────

// cookie is the session's. By https its name makes browsers refuse one that another host set.
func (a *admin) cookie() *http.Cookie {
	c := &http.Cookie{Name: "chorsu_staff", Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if a.o.HTTPS {
		c.Name, c.Secure = "__Host-chorsu_staff", true
	}
	return c
}

// keep gives the browser its session. It ends with the browser, or earlier: see staff.Session.
func (a *admin) keep(w http.ResponseWriter, token string) {
	c := a.cookie()
	c.Value = token
	http.SetCookie(w, c)
}

func (a *admin) forget(w http.ResponseWriter) {
	c := a.cookie()
	c.MaxAge = -1
	http.SetCookie(w, c)
}

// token is what the browser holds, "" where it holds none.
func (a *admin) token(r *http.Request) string {
	c, err := r.Cookie(a.cookie().Name)
	if err != nil {
		return ""
	}
	return c.Value
}

// identified gives the request with the person who is signed in. Where nobody is, it has answered:
// a page leads to the sign-in and back.
func (a *admin) identified(w http.ResponseWriter, r *http.Request) (*http.Request, bool) {
	if me(r.Context()).ID != "" {
		return r, true
	}
	// A page that waits for news, or draws itself anew, keeps nobody signed in.
	watching := r.Header.Get("Accept") == "text/event-stream" || r.Header.Get("X-Live") != ""
	p, err := a.o.Office.Session(r.Context(), a.token(r), watching)
	if err == nil {
		return r.WithContext(context.WithValue(r.Context(), visitKey{}, visit{person: p, address: a.address(r)})), true
	}
	switch e, ok := errors.AsType[*pay.Error](err); {
	case !ok || e.Code != pay.CodeUnauthorized:
		a.fail(w, r, err)
	case watching:
		w.WriteHeader(http.StatusUnauthorized)
	case r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Site") == "cross-site":
		// A link in a chat, say: a strict cookie does not come along. It does when our own page asks.
		w.Header().Set("Refresh", "0")
		a.tell(w, r, http.StatusOK, words.Opening, words.OpeningText)
	default:
		to := Path + "/login"
		if r.Method == http.MethodGet && r.URL.Path != Path+"/" {
			to += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
	return r, false
}

// next is where a sign-in leads: a page of ours that was asked for, and nothing else.
func next(r *http.Request) string {
	to := r.URL.Query().Get("next")
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path.Clean(u.Path)+"/", Path+"/") || !strings.HasPrefix(u.Path, Path+"/") || strings.ContainsAny(to, "\\\r\n") || strings.HasPrefix(u.Path, Path+"/login") {
		return Path + "/"
	}
	return to
}

// ─── The language ──────────────────────────────────────────────────────────────────────────

const langCookie = "chorsu_lang"

// lang is what was chosen now, or here before, then the browser's.
func lang(r *http.Request) words.Lang {
	kept := ""
	if c, err := r.Cookie(langCookie); err == nil {
		kept = c.Value
	}
	return words.Choose(r.URL.Query().Get("lang"), kept, r.Header.Get("Accept-Language"))
}

// keepLang remembers a choice.
func (a *admin) keepLang(w http.ResponseWriter, r *http.Request) {
	if l := r.URL.Query().Get("lang"); l != "" && string(words.Choose(l)) == l {
		http.SetCookie(w, &http.Cookie{Name: langCookie, Value: l, Path: Path, MaxAge: 365 * 24 * 60 * 60, HttpOnly: true, Secure: a.o.HTTPS, SameSite: http.SameSiteStrictMode})
	}
}

// inLang is the address of the present page in a language. What a form was sent to may be no page:
// then it is the one that its entry of the menu leads to.
func (a *admin) inLang(r *http.Request, here string) func(words.Lang) string {
	u := *r.URL
	if r.Method != http.MethodGet {
		if _, pattern := a.pages.Handler(&http.Request{Method: http.MethodGet, URL: r.URL, Host: r.Host}); pattern == "/" {
			u = url.URL{Path: here}
		}
	}
	return func(l words.Lang) string {
		q := u.Query()
		q.Set("lang", string(l))
		return u.Path + "?" + q.Encode()
	}
}
