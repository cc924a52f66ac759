package admin

import (
	"net/http"

	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// accountPage is one's own account.
func (a *admin) accountPage(w http.ResponseWriter, r *http.Request) {
	a.showAccount(w, r, http.StatusOK, "")
}

func (a *admin) showAccount(w http.ResponseWriter, r *http.Request, status int, trouble string) {
	browsers, err := a.o.Office.Browsers(r.Context(), me(r.Context()).ID, a.token(r))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	ui.ShowInner(w, r, status, account(a.look(r, words.MyAccount.In(lang(r)), Path+"/account"), browsers, trouble))
}

// proof is what a form of one's own account asks for again.
func (a *admin) proof(r *http.Request) staff.Proof {
	return staff.Proof{Password: r.PostFormValue("password"), Code: r.PostFormValue("code"), Network: a.network(r)}
}

// changePassword sets one's own password. One is signed out everywhere, here too.
func (a *admin) changePassword(w http.ResponseWriter, r *http.Request) {
	err := a.o.Office.ChangePassword(r.Context(), actor(r.Context()), a.proof(r), r.PostFormValue("new"))
	if err != nil {
		a.accountTrouble(w, r, err)
		return
	}
	a.forget(w)
	http.Redirect(w, r, Path+"/login?did=password", http.StatusSeeOther)
}

// newRecovery makes new recovery codes and shows them, this once.
func (a *admin) newRecovery(w http.ResponseWriter, r *http.Request) {
	codes, err := a.o.Office.NewRecovery(r.Context(), actor(r.Context()), a.proof(r))
	if err != nil {
		a.accountTrouble(w, r, err)
		return
	}
	a.forget(w)
	a.show(w, r, recovery(a.look(r, words.RecoveryTitle.In(lang(r)), ""), codes, Path+"/login"))
}

func (a *admin) accountTrouble(w http.ResponseWriter, r *http.Request, err error) {
	status, said, known := trouble(lang(r), err)
	if !known {
		a.fail(w, r, err)
		return
	}
	retryIn(w.Header(), err)
	a.showAccount(w, r, status, said)
}

const keysCookie = "chorsu_keys"

// keys is "off" where this browser is to take no single letters as commands.
func keys(r *http.Request) string {
	if c, err := r.Cookie(keysCookie); err == nil && c.Value == "off" {
		return "off"
	}
	return ""
}

// setKeys turns the single letters on or off in this browser. It says nothing of anybody and changes
// no account, so that nothing is noted.
func (a *admin) setKeys(w http.ResponseWriter, r *http.Request) {
	c := &http.Cookie{Name: keysCookie, Value: "off", Path: Path, MaxAge: 365 * 24 * 60 * 60, HttpOnly: true, Secure: a.o.HTTPS, SameSite: http.SameSiteStrictMode}
	if r.PostFormValue("keys") == "on" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
	http.Redirect(w, r, Path+"/account", http.StatusSeeOther)
}

// signOutEverywhere ends all of one's own sessions.
func (a *admin) signOutEverywhere(w http.ResponseWriter, r *http.Request) {
	if err := a.o.Office.SignOutEverywhere(r.Context(), actor(r.Context())); err != nil {
		a.fail(w, r, err)
		return
	}
	a.forget(w)
	http.Redirect(w, r, Path+"/login", http.StatusSeeOther)
}
