package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// ─── Making one ────────────────────────────────────────────────────────────────────────────

// refundView is the form of a refund, and the page that asks whether it is meant.
type refundView struct {
	look
	d         gateway.Dossier
	company   string
	hint      words.Text // where the company's refunds are made when its API cannot
	limit     pay.Tiyin
	key       string // the form's own: pressed twice, it is one refund
	amount    string // as it was typed
	reason    string
	trouble   string
	returning pay.Tiyin // what the second page asks about
	asks      bool      // it takes a second person
	second    string    // who that could be, where it is nobody yet
	receipt   bool
}

// may is why nothing can be returned from here; nil: something can.
func (v refundView) may() error { return v.d.Terms.Whole }

// cannot says what to do instead.
func (v refundView) cannot() string {
	if e, ok := errors.AsType[*pay.Error](v.may()); ok && e.Reason == "refund_not_supported" && v.hint != (words.Text{}) {
		return v.hint.In(v.lang)
	}
	return refusal(v.lang, v.may())
}

// partly says whether a part can be returned.
func (v refundView) partly() bool { return v.d.Terms.Part == nil }

// wholeOnly says why a part cannot be returned here. Lines of the new receipt are the app's to give:
// only it knows which goods came back.
func (v refundView) wholeOnly() string {
	if e, ok := errors.AsType[*pay.Error](v.d.Terms.Part); ok && e.Field == "ofd" {
		return words.RefundNeedsLines.With(v.lang, v.company)
	}
	return words.RefundWholeOnly.In(v.lang)
}

// refundLook reads what both pages show. again: the refund may have been made already.
func (a *admin) refundLook(w http.ResponseWriter, r *http.Request, again bool) (v refundView, ok bool) {
	invoiceID := r.PathValue("id")
	if !id.Valid(invoiceID) {
		a.nothing(w, r)
		return v, false
	}
	if err := a.looked(r.Context(), "invoice.seen", invoiceID, ""); err != nil {
		a.fail(w, r, err)
		return v, false
	}
	d, err := a.o.Gateway.Dossier(r.Context(), invoiceID)
	if err == nil && (d.Terms.Payment == nil || d.Terms.Payment.State != pay.Paid && !again) {
		a.invoiceWith(w, r, invoiceID, http.StatusConflict, words.CannotState.In(lang(r)))
		return v, false
	}
	if err == nil {
		v.limit, err = a.o.Office.RefundLimit(r.Context())
	}
	if err != nil {
		a.fail(w, r, err)
		return v, false
	}
	v.look = a.look(r, words.RefundTitle.In(lang(r)), Path+"/invoices")
	company, _ := a.company(d.Terms.Payment.Provider)
	v.d, v.company, v.hint = d, company.Title, company.RefundHint
	v.receipt = d.Terms.Payment.ReceiptURL != "" || d.Terms.Payment.Fiscal == pay.FiscalDone
	return v, true
}

// refundForm asks how much, and why.
func (a *admin) refundForm(w http.ResponseWriter, r *http.Request) {
	v, ok := a.refundLook(w, r, false)
	if !ok {
		return
	}
	v.key = id.New()
	v.amount = strings.ReplaceAll(strings.TrimSuffix(v.d.Terms.Left.Words(), "\u00a0"+words.Soum.UZ), "\u00a0", " ")
	a.show(w, r, refundPage(v))
}

// refund takes the form, asks once more, and then makes the refund. The key goes along: however
// often the last button is pressed, the money goes back once.
func (a *admin) refund(w http.ResponseWriter, r *http.Request) {
	repeat := r.PostFormValue("sure") == "yes" // the book decides what it still may be: it may be made already
	v, ok := a.refundLook(w, r, repeat)
	if !ok {
		return
	}
	v.key, v.amount, v.reason = r.PostFormValue("key"), strings.TrimSpace(r.PostFormValue("amount")), strings.TrimSpace(r.PostFormValue("why"))
	amount, understood := gateway.ParseAmount(v.amount)
	switch {
	case !id.Valid(v.key): // none of ours: a key is made when the form is drawn, and at no other time
		v.trouble, v.key = words.RefundOldForm.In(v.lang), id.New()
	case !understood || !repeat && amount > v.d.Terms.Left:
		v.trouble = words.RefundBadSum.In(v.lang)
	case v.reason == "" || utf8.RuneCountInString(v.reason) > 500:
		v.trouble = words.RefundBadWhy.In(v.lang)
	case !repeat && v.may() != nil:
		v.trouble = words.RefundCannot.In(v.lang)
	case !repeat && amount < v.d.Terms.Left && !v.partly():
		v.trouble = v.wholeOnly()
	}
	if v.trouble != "" {
		ui.ShowInner(w, r, http.StatusUnprocessableEntity, refundPage(v))
		return
	}
	p := v.d.Terms.Payment
	v.returning, v.asks = amount, v.limit > 0 && amount+p.Refunded+p.Reserved > v.limit
	if !repeat {
		if v.asks && v.me.New {
			v.trouble = words.RefundNew.With(v.lang, ui.Time(v.lang, v.me.CountsFrom))
			ui.ShowInner(w, r, http.StatusConflict, refundPage(v))
			return
		}
		if v.asks {
			var err error
			if v.second, err = a.second(r.Context(), v.lang, time.Time{}); err != nil {
				a.fail(w, r, err)
				return
			}
		}
		a.show(w, r, refundSure(v))
		return
	}
	to := Path + "/invoices/" + v.d.ID
	made := url.Values{}
	says := ui.Money(words.EN, amount) + ": " + clipped(v.reason)
	a.act(w, r, "refund.asked", v.d.ID, says, to, func(ctx context.Context, who string) error {
		refund, waits, err := a.o.Gateway.RefundByStaff(ctx, gateway.StaffRefund{
			InvoiceID: v.d.ID, Amount: amount, Reason: v.reason, Key: v.key, Limit: v.limit, Who: who, New: me(ctx).New,
		})
		if err != nil {
			return err
		}
		if waits != nil {
			made.Set("done", "asked")
			made.Set("of", waits.ID)
			a.noteAfter(ctx, "refund.waits", v.d.ID, says)
			return nil
		}
		made.Set("done", "refund")
		made.Set("of", refund.ID)
		a.became(ctx, *refund, says)
		return nil
	}, made)
}

// became notes what came of a refund that was asked for.
func (a *admin) became(ctx context.Context, r pay.Refund, says string) {
	switch r.State {
	case pay.MoveSucceeded:
		a.noteAfter(ctx, "refund.made", r.InvoiceID, says)
	case pay.MoveFailed:
		a.noteAfter(ctx, "refund.asked"+notDone, r.InvoiceID, r.Code)
	default:
		a.noteAfter(ctx, "refund.pending", r.InvoiceID, says)
	}
}

// second says who could confirm what the one who is signed in asks for, where nobody can yet: it is not
// to be found out by waiting. ends is when the request runs out, zero where it is none yet.
func (a *admin) second(ctx context.Context, l words.Lang, ends time.Time) (string, error) {
	people, err := a.o.Office.People(ctx)
	if err != nil {
		return "", err
	}
	var first *staff.Person
	for i, p := range people {
		if p.ID == me(ctx).ID || !p.Active || !p.Enrolled || !p.Role.May(staff.Refunds) {
			continue
		}
		if !p.New {
			return "", nil
		}
		if first == nil || p.CountsFrom.Before(first.CountsFrom) {
			first = &people[i]
		}
	}
	if first == nil {
		return words.SecondNobody.In(l), nil
	}
	says := words.SecondFrom.With(l, first.Email, ui.Time(l, first.CountsFrom))
	if !ends.IsZero() && !first.CountsFrom.Before(ends) {
		says += " " + words.SecondTooLate.In(l)
	}
	return says, nil
}

// confirmRefund is the second person's yes; refuseRefund the no, or the first one's second thought.
func (a *admin) confirmRefund(w http.ResponseWriter, r *http.Request) {
	a.approval(w, r, "refund.confirmed", func(ctx context.Context, x gateway.Approval, who string, made url.Values) error {
		refund, err := a.o.Gateway.ConfirmRefund(ctx, x.ID, gateway.Signer{Who: who, New: me(ctx).New})
		if err != nil {
			return err
		}
		made.Set("done", "refund")
		made.Set("of", refund.ID)
		if x.Decides == "" {
			a.became(ctx, refund, ui.Money(words.EN, x.Amount)+", asked by "+x.AskedBy)
		}
		return nil
	})
}

func (a *admin) refuseRefund(w http.ResponseWriter, r *http.Request) {
	a.approval(w, r, "refund.refused", func(ctx context.Context, x gateway.Approval, who string, made url.Values) error {
		made.Set("done", "refused")
		return a.o.Gateway.RefuseRefund(ctx, x.ID, who)
	})
}

func (a *admin) approval(w http.ResponseWriter, r *http.Request, what string, do func(ctx context.Context, x gateway.Approval, who string, made url.Values) error) {
	if !id.Valid(r.PathValue("id")) {
		a.nothing(w, r)
		return
	}
	x, err := a.o.Gateway.Approval(r.Context(), r.PathValue("id"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	detail := ui.Money(words.EN, x.Amount) + " asked by " + x.AskedBy
	if x.Decides != "" {
		detail = ui.Money(words.EN, x.Amount) + " was not returned, says " + x.AskedBy
	}
	made := url.Values{}
	a.act(w, r, what, x.InvoiceID, detail, Path+"/invoices/"+x.InvoiceID, func(ctx context.Context, who string) error {
		return do(ctx, x, who, made)
	}, made)
}

// ─── The list ──────────────────────────────────────────────────────────────────────────────

type refundsView struct {
	list
	companies func(string) string
	rows      []gateway.RefundRow
}

func (a *admin) refundList(r *http.Request) (l list, f gateway.RefundFilter) {
	in := lang(r)
	states := allOr(in)
	for _, s := range []pay.MoveState{pay.MoveSent, pay.MoveUnknown, pay.MoveSucceeded, pay.MoveFailed} {
		_, word := moveState(in, s)
		states = append(states, choice{string(s), word})
	}
	sorts := orders(in, gateway.Newest, gateway.Oldest, gateway.Largest, gateway.Smallest)
	l = a.list(r, words.MenuRefunds, Path+"/refunds", append([]filter{{name: "state", label: words.FilterState.In(in), options: states}},
		append(dates(in), filter{name: "order", label: words.FilterOrder.In(in), options: sorts})...)...)
	l.file = true
	q := &l.asked
	return l, gateway.RefundFilter{State: q.among("state", states), From: q.day("from"), To: q.until("to"), Order: gateway.Order(q.among("order", sorts))}
}

func (a *admin) refunds(w http.ResponseWriter, r *http.Request) {
	l, f := a.refundList(r)
	v := refundsView{list: l, companies: a.title}
	if !l.asked.bad {
		if err := a.looked(r.Context(), "list.seen", "refunds", narrowed(r)); err != nil {
			a.fail(w, r, err)
			return
		}
		found, err := a.o.Gateway.Refunds(r.Context(), f, l.page())
		if err != nil {
			a.fail(w, r, err)
			return
		}
		v.rows, v.next = found.Items, found.Next
	}
	a.show(w, r, refundsPage(v))
}

func (a *admin) refundsFile(w http.ResponseWriter, r *http.Request) {
	l, f := a.refundList(r)
	if l.asked.bad {
		a.tell(w, r, http.StatusBadRequest, words.MenuRefunds, words.BadFilter)
		return
	}
	head := []words.Text{
		words.WhatRefund, words.FactInvoice, words.FactOrder, words.ColApp, words.ColShop, words.ColVia, words.ColState,
		words.ColSum, words.CSVTiyin, words.ColReason, words.CSVBegan, words.FactRef, words.ColAnswer, words.ColTime, words.MoveSucceeded,
	}
	a.file(w, r, "refunds", head, func(ctx context.Context, p gateway.Page) (rows [][]cell, next string, err error) {
		found, err := a.o.Gateway.Refunds(ctx, f, p)
		for _, x := range found.Items {
			_, word := moveState(l.lang, x.State)
			began := words.RefundOurs
			if x.Theirs {
				began = words.RefundTheirs
			}
			rows = append(rows, []cell{
				idCell(x.ID), idCell(x.InvoiceID), idCell(x.SourceInvoiceID), idCell(x.Source), idCell(x.Business), textCell(a.title(x.Provider)), cell(word),
				sumCell(l.machine, x.Amount), tiyinCell(x.Amount), textCell(x.Reason), cell(began.In(l.lang)), idCell(x.Ref), textCell(cmp.Or(x.Note, x.Code)), timeCell(x.CreatedAt), timeCell(x.DoneAt),
			})
		}
		return rows, found.Next, err
	})
}
