package admin

import (
	"context"
	"net/http"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

const payoutsPath = Path + "/payouts"

// loosePayouts says what the page of the payouts that need a person shows.
type loosePayouts struct {
	look
	companies func(string) string
	rows      []pay.Payout
	next      string
}

// payoutsPage lists the payouts that need a person, newest first.
func (a *admin) payoutsPage(w http.ResponseWriter, r *http.Request) {
	if err := a.looked(r.Context(), "list.seen", "payouts", narrowed(r)); err != nil {
		a.fail(w, r, err)
		return
	}
	got, err := a.o.Gateway.LoosePayouts(r.Context(), gateway.Page{Limit: pageRows, Cursor: r.URL.Query().Get("cursor")})
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.show(w, r, payoutList(loosePayouts{look: a.look(r, words.PayoutsTitle.In(lang(r)), Path+"/"), companies: a.title, rows: got.Items, next: got.Next}))
}

// payoutView says what the page of one payout shows.
type payoutView struct {
	look
	d       gateway.PayoutDossier
	company string
	trouble string
	did     string
}

func (v payoutView) url(rest string) string { return payoutsPath + "/" + v.d.ID + rest }

// unknown says whether it waits for a decision.
func (v payoutView) unknown() bool { return v.d.State == pay.MoveUnknown }

// loose are the open alarms that only a person's word ends.
func (v payoutView) loose() (out []pay.Alarm) {
	for _, x := range v.d.Alarms {
		if x.Kind != pay.AttentionUnknown {
			out = append(out, x)
		}
	}
	return out
}

func (a *admin) payoutPage(w http.ResponseWriter, r *http.Request) {
	a.showPayout(w, r, http.StatusOK, "")
}

func (a *admin) showPayout(w http.ResponseWriter, r *http.Request, status int, trouble string) {
	if !id.Valid(r.PathValue("id")) {
		a.nothing(w, r)
		return
	}
	if err := a.looked(r.Context(), "payout.seen", r.PathValue("id"), ""); err != nil {
		a.fail(w, r, err)
		return
	}
	d, err := a.o.Gateway.PayoutDossier(r.Context(), r.PathValue("id"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	ui.ShowInner(w, r, status, payoutPage(payoutView{
		look: a.look(r, words.PayoutTitle.In(lang(r))+" "+d.SourcePayoutID, Path+"/"), d: d, company: a.title(d.Provider), trouble: trouble, did: did(r),
	}))
}

// decidePayout settles a payout that nobody can tell of, by a named person's word.
func (a *admin) decidePayout(w http.ResponseWriter, r *http.Request) {
	happened := r.PostFormValue("happened")
	a.onPayout(w, r, "payout.decided", "decided", happened+": ", func(ctx context.Context, payoutID, who, why string) error {
		if happened != "yes" && happened != "no" {
			return &pay.Error{Code: pay.CodeInvalid, Field: "happened", Message: "say whether it happened"}
		}
		return a.o.Gateway.DecidePayoutByStaff(ctx, payoutID, happened == "yes", who, why)
	})
}

// acknowledgePayout ends the alarms about a payout that no asking can end.
func (a *admin) acknowledgePayout(w http.ResponseWriter, r *http.Request) {
	a.onPayout(w, r, "payout.acknowledged", "alarm", "", a.o.Gateway.AcknowledgePayout)
}

// onPayout does what a button of a payout's page asks for: noted first, then done.
func (a *admin) onPayout(w http.ResponseWriter, r *http.Request, what, done, detail string, do func(ctx context.Context, payoutID, who, why string) error) {
	payoutID, why := r.PathValue("id"), r.PostFormValue("why")
	if !id.Valid(payoutID) {
		a.nothing(w, r)
		return
	}
	who := me(r.Context()).Email
	err := a.try(r.Context(), what, payoutID, detail+clipped(why), func() error {
		return do(gateway.WithActor(r.Context(), who), payoutID, who, why)
	})
	if err != nil {
		a.refused(w, r, err, a.showPayout)
		return
	}
	a.recount()
	http.Redirect(w, r, payoutsPath+"/"+payoutID+"?did="+done, http.StatusSeeOther)
}
