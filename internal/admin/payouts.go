package admin

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

const (
	payoutsPath = Path + "/payouts"
	unsentPath  = Path + "/unsent" // that a payout was not sent, for a second person to confirm
)

type payoutsView struct {
	list
	companies func(string) string
	rows      []pay.Payout
}

// What payouts may need.
const (
	payoutLoose  = "any"
	payoutUntold = "undelivered"
)

// payoutList reads what the address of the list asks for. It is sorted by time only: no index stands by
// the amount, since a payout is looked for by its number or its day.
func (a *admin) payoutList(r *http.Request) (l list, f gateway.PayoutFilter) {
	in := lang(r)
	sorts := orders(in, gateway.Newest, gateway.Oldest)
	states := allOr(in, choice{"pending", words.Waiting.In(in)}, choice{"succeeded", words.PayoutArrived.In(in)}, choice{"failed", words.PayoutFailed.In(in)})
	needs := allOr(in, choice{payoutLoose, words.FilterNeeds.In(in)}, choice{payoutUntold, words.EventStuck.In(in)})
	l = a.list(r, words.MenuPayouts, payoutsPath, append([]filter{
		{name: "state", label: words.FilterState.In(in), options: states},
		{name: "via", label: words.FilterVia.In(in), options: a.providers(in)},
		{name: "needs", label: words.FilterNeeds.In(in), options: needs},
		{name: "number", label: words.PayoutNumber.In(in), kind: "text"},
	}, append(dates(in), filter{name: "order", label: words.FilterOrder.In(in), options: sorts})...)...)
	l.file = true
	q := &l.asked
	need := q.among("needs", needs)
	return l, gateway.PayoutFilter{
		Status: q.among("state", states), Provider: q.among("via", a.providers(in)), SourcePayoutID: q.text("number"),
		Loose: need == payoutLoose, Untold: need == payoutUntold, From: q.day("from"), To: q.until("to"), Order: gateway.Order(q.among("order", sorts)),
	}
}

// payouts lists the payouts of every business.
func (a *admin) payouts(w http.ResponseWriter, r *http.Request) {
	l, f := a.payoutList(r)
	v := payoutsView{list: l, companies: a.title}
	if !l.asked.bad {
		if err := a.looked(r.Context(), "list.seen", "payouts", narrowed(r)); err != nil {
			a.fail(w, r, err)
			return
		}
		found, err := a.o.Gateway.Payouts(r.Context(), f, l.page())
		if err != nil {
			a.fail(w, r, err)
			return
		}
		v.rows, v.next = found.Items, found.Next
	}
	a.show(w, r, payoutsPage(v))
}

// payoutsFile is the same list as a file.
func (a *admin) payoutsFile(w http.ResponseWriter, r *http.Request) {
	l, f := a.payoutList(r)
	if l.asked.bad {
		a.tell(w, r, http.StatusBadRequest, words.MenuPayouts, words.BadFilter)
		return
	}
	head := []words.Text{
		words.PayoutTitle, words.PayoutNumber, words.ColApp, words.ColShop, words.ColVia, words.ColState, words.ColSum, words.CSVTiyin, words.FactCard, words.FactRef,
		words.ColReason, words.ColAnswer, words.FactCreated, words.PayoutDone, words.CSVTold,
	}
	a.file(w, r, "payouts", head, func(ctx context.Context, p gateway.Page) (rows [][]cell, next string, err error) {
		found, err := a.o.Gateway.Payouts(ctx, f, p)
		for _, x := range found.Items {
			_, word := payoutState(l.lang, x)
			told := words.CSVYes
			if !x.NotifyDelivered {
				told = words.CSVNo
			}
			rows = append(rows, []cell{
				idCell(x.ID), idCell(x.SourcePayoutID), idCell(x.Source), idCell(x.Business), textCell(a.title(x.Provider)), cell(word), sumCell(l.machine, x.Amount), tiyinCell(x.Amount),
				textCell(x.Card.MaskedPAN), idCell(x.Ref), textCell(x.Reason), textCell(cmp.Or(x.Note, x.Code)), timeCell(x.CreatedAt), timeCell(x.DoneAt), cell(told.In(l.lang)),
			})
		}
		return rows, found.Next, err
	})
}

// payoutView says what the page of one payout shows.
type payoutView struct {
	look
	d       gateway.PayoutDossier
	company string
	trouble string
	did     string
	limit   pay.Tiyin // above which two decide; 0: none, or it is below
	key     string    // of the form on it: pressed twice, it is one question
	here    string    // where the page can be read, for one that answers an action; else ""
	now     time.Time
}

func (v payoutView) url(rest string) string { return payoutsPath + "/" + v.d.ID + rest }

// unknown says whether it waits for a decision.
func (v payoutView) unknown() bool { return v.d.State == pay.MoveUnknown }

// waiting is the word that waits for a second person; nil: none.
func (v payoutView) waiting() *gateway.PayoutApproval {
	for i := range v.d.Approvals {
		if x := &v.d.Approvals[i]; v.unknown() && x.State == "waiting" && v.now.Before(x.ExpiresAt) {
			return x
		}
	}
	return nil
}

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
	v := payoutView{
		look: a.look(r, words.PayoutTitle.In(lang(r))+" "+d.SourcePayoutID, payoutsPath), d: d, company: a.title(d.Provider), trouble: trouble, did: did(r), key: id.New(), now: a.o.Now(),
	}
	if v.limit, err = a.o.Office.RefundLimit(r.Context()); err != nil {
		a.fail(w, r, err)
		return
	}
	if d.Amount <= v.limit {
		v.limit = 0
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		v.here = v.url("")
	}
	ui.ShowInner(w, r, status, payoutPage(v))
}

// decidePayout settles a payout that nobody can tell of, by a named person's word. That one above
// the limit was not sent, two say.
func (a *admin) decidePayout(w http.ResponseWriter, r *http.Request) {
	happened := r.PostFormValue("happened")
	limit, err := a.o.Office.RefundLimit(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	did := "decided"
	a.onPayout(w, r, "payout.decided", &did, happened+": "+clipped(r.PostFormValue("why")), func(ctx context.Context, payoutID, who string) error {
		if happened != "yes" && happened != "no" {
			return &pay.Error{Code: pay.CodeInvalid, Field: "happened", Message: "say whether it happened"}
		}
		waits, err := a.o.Gateway.DecidePayoutByStaff(ctx, gateway.PayoutDecision{
			PayoutID: payoutID, Happened: happened == "yes", Limit: limit, Who: who, Why: r.PostFormValue("why"), Key: r.PostFormValue("key"), New: me(ctx).New,
		})
		if waits != nil {
			did = "asked"
			a.noteAfter(ctx, "payout.waits", payoutID, "")
		}
		return err
	})
}

// confirmUnsent is the second person's yes; refuseUnsent the no, or the first one's second thought.
func (a *admin) confirmUnsent(w http.ResponseWriter, r *http.Request) {
	a.onUnsent(w, r, "payout.confirmed", "decided", func(ctx context.Context, x gateway.PayoutApproval, who string) error {
		_, err := a.o.Gateway.ConfirmUnsent(ctx, x.ID, gateway.Signer{Who: who, New: me(ctx).New})
		return err
	})
}

func (a *admin) refuseUnsent(w http.ResponseWriter, r *http.Request) {
	a.onUnsent(w, r, "payout.refused", "refused", func(ctx context.Context, x gateway.PayoutApproval, who string) error {
		_, err := a.o.Gateway.RefuseUnsent(ctx, x.ID, who)
		return err
	})
}

// onUnsent does what a button about a question of two persons asks for.
func (a *admin) onUnsent(w http.ResponseWriter, r *http.Request, what, did string, do func(ctx context.Context, x gateway.PayoutApproval, who string) error) {
	if !id.Valid(r.PathValue("id")) {
		a.nothing(w, r)
		return
	}
	x, err := a.o.Gateway.PayoutApproval(r.Context(), r.PathValue("id"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	r.SetPathValue("id", x.PayoutID)
	a.onPayout(w, r, what, &did, "said by "+x.AskedBy, func(ctx context.Context, _, who string) error { return do(ctx, x, who) })
}

// askPayout has the company asked at once.
func (a *admin) askPayout(w http.ResponseWriter, r *http.Request) {
	did := "ask"
	a.onPayout(w, r, "payout.asked", &did, "", a.o.Gateway.AskPayoutNow)
}

// tellPayout has the last webhook about a payout sent again.
func (a *admin) tellPayout(w http.ResponseWriter, r *http.Request) {
	did := "told"
	a.onPayout(w, r, "payout.told", &did, "", func(ctx context.Context, payoutID, _ string) error {
		_, err := a.o.Gateway.NotifyPayout(ctx, payoutID, gateway.Idem{})
		return err
	})
}

// acknowledgePayout ends the alarms about a payout that no asking can end.
func (a *admin) acknowledgePayout(w http.ResponseWriter, r *http.Request) {
	did, why := "alarm", r.PostFormValue("why")
	a.onPayout(w, r, "payout.acknowledged", &did, clipped(why), func(ctx context.Context, payoutID, who string) error {
		return a.o.Gateway.AcknowledgePayout(ctx, payoutID, r.PostForm["seen"], who, why)
	})
}

// onPayout does what a button of a payout's page asks for: noted first, then done. did is what the page
// then says was done.
func (a *admin) onPayout(w http.ResponseWriter, r *http.Request, what string, did *string, detail string, do func(ctx context.Context, payoutID, who string) error) {
	payoutID, who := r.PathValue("id"), me(r.Context()).Email
	if !id.Valid(payoutID) {
		a.nothing(w, r)
		return
	}
	err := a.try(r.Context(), what, payoutID, detail, func() error {
		return do(gateway.WithActor(r.Context(), who), payoutID, who)
	})
	if err != nil {
		a.refused(w, r, err, a.showPayout)
		return
	}
	a.recount()
	http.Redirect(w, r, payoutsPath+"/"+payoutID+"?did="+*did, http.StatusSeeOther)
}
