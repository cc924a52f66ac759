package admin

import (
	"errors"
	"hash/maphash"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

func roleWord(l words.Lang, r staff.Role) string { return roleWords[r][0].In(l) }

// roleWords are a role's name, and what it may do.
var roleWords = map[staff.Role][2]words.Text{
	staff.Viewer: {words.RoleViewer, words.RoleViewerMay}, staff.Support: {words.RoleSupport, words.RoleSupportMay},
	staff.Refunds: {words.RoleRefunds, words.RoleRefundsMay}, staff.Owner: {words.RoleOwner, words.RoleOwnerMay},
}

// loginPage asks who it is.
func (a *admin) loginPage(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, signIn(a.look(r, words.SignIn.In(lang(r)), ""), loginForm{did: did(r)}))
}

// loginForm is what the page shows again after a try that failed.
type loginForm struct{ email, trouble, did string }

// login lets somebody in.
func (a *admin) login(w http.ResponseWriter, r *http.Request) {
	token, _, err := a.o.Office.SignIn(r.Context(), staff.Attempt{
		Email: r.PostFormValue("email"), Password: r.PostFormValue("password"), Code: r.PostFormValue("code"),
		Address: a.address(r), Network: a.network(r),
	})
	if err != nil {
		a.notIn(w, r, err)
		return
	}
	a.keep(w, token)
	http.Redirect(w, r, next(r), http.StatusSeeOther)
}

// notIn says why somebody is not let in.
func (a *admin) notIn(w http.ResponseWriter, r *http.Request, err error) {
	status, trouble, known := trouble(lang(r), err)
	if !known {
		a.fail(w, r, err)
		return
	}
	retryIn(w.Header(), err)
	form := loginForm{email: r.PostFormValue("email"), trouble: trouble}
	ui.ShowInner(w, r, status, signIn(a.look(r, words.SignIn.In(lang(r)), ""), form))
}

// logout signs this browser out.
func (a *admin) logout(w http.ResponseWriter, r *http.Request) {
	if err := a.o.Office.SignOut(r.Context(), actor(r.Context()), a.token(r)); err != nil {
		a.fail(w, r, err)
		return
	}
	a.forget(w)
	http.Redirect(w, r, Path+"/login", http.StatusSeeOther)
}

// doorsPerMinute bounds what one network may ask of the pages that need nobody signed in.
const doorsPerMinute = 60

// doors counts who knocked in this minute. It has a fixed number of places, so that a flood from
// many addresses takes no memory; two that fall on one place are counted together, which is rare,
// and errs towards refusing.
type doors struct {
	mu     sync.Mutex
	seed   maphash.Seed
	minute int64
	counts [1 << 14]uint16
}

// knock counts a request, and says whether it is one too many.
func (d *doors) knock(network string, now time.Time) (tooOften bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if minute := now.Unix() / 60; minute != d.minute {
		d.minute, d.counts = minute, [len(d.counts)]uint16{}
	}
	n := &d.counts[maphash.String(d.seed, network)%uint64(len(d.counts))]
	if *n < doorsPerMinute {
		*n++
		return false
	}
	return true
}

// limited bounds how often the doors are knocked at, whatever is typed there: a password's hash is
// dear, and so is a lock in the database.
func (a *admin) limited(next http.Handler) http.Handler {
	d := &doors{seed: maphash.MakeSeed()}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		door := strings.HasPrefix(r.URL.Path, Path+"/enrol/") || r.URL.Path == Path+"/login" && r.Method == http.MethodPost
		if door && d.knock(a.network(r), time.Now()) {
			w.Header().Set("Retry-After", "60")
			a.tell(w, r, http.StatusTooManyRequests, words.TooOftenTitle, words.TooOftenText)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ─── Enrolling ─────────────────────────────────────────────────────────────────────────────

// enrolPage shows what a link is for. Looking uses nothing up: mail programs look too. What they see
// is worth nothing: each look shows an authenticator of its own.
func (a *admin) enrolPage(w http.ResponseWriter, r *http.Request) {
	in, err := a.o.Office.Invitation(r.Context(), r.PathValue("token"))
	if err != nil {
		a.noLink(w, r, err)
		return
	}
	a.show(w, r, invitation(a.look(r, words.EnrolTitle.In(lang(r)), ""), in, ""))
}

// enrol uses the link, and signs the person in.
func (a *admin) enrol(w http.ResponseWriter, r *http.Request) {
	link, sealed := r.PathValue("token"), r.PostFormValue("form")
	codes, token, err := a.o.Office.Enrol(r.Context(), link, staff.Attempt{
		Password: r.PostFormValue("password"), Code: r.PostFormValue("code"), Sealed: sealed, Address: a.address(r), Network: a.network(r),
	})
	if err != nil {
		a.notEnrolled(w, r, link, sealed, err)
		return
	}
	a.keep(w, token)
	a.show(w, r, recovery(a.look(r, words.RecoveryTitle.In(lang(r)), ""), codes, Path+"/"))
}

// notEnrolled says why a link was not used, on the page that was scanned; on a new one where that
// is none of ours.
func (a *admin) notEnrolled(w http.ResponseWriter, r *http.Request, link, sealed string, why error) {
	status, said, known := trouble(lang(r), why)
	if !known {
		a.noLink(w, r, why)
		return
	}
	in, err := a.o.Office.SameInvitation(r.Context(), link, sealed)
	if err != nil {
		in, err = a.o.Office.Invitation(r.Context(), link)
	}
	if err != nil {
		a.noLink(w, r, err)
		return
	}
	retryIn(w.Header(), why)
	ui.ShowInner(w, r, status, invitation(a.look(r, words.EnrolTitle.In(lang(r)), ""), in, said))
}

// noLink answers for a link that is none, or none any more.
func (a *admin) noLink(w http.ResponseWriter, r *http.Request, err error) {
	if e, ok := errors.AsType[*pay.Error](err); ok && e.Code == pay.CodeNotFound {
		a.tell(w, r, http.StatusNotFound, words.NoLinkTitle, words.NoLinkText)
		return
	}
	a.fail(w, r, err)
}

// grouped is a key in groups of four, as people type it.
func grouped(secret string) string {
	var b strings.Builder
	for i, c := range secret {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}
