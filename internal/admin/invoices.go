package admin

import (
	"context"
	"net/http"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// invoiceList reads what the address of the list asks for.
func (a *admin) invoiceList(r *http.Request) (l list, f gateway.InvoiceFilter) {
	in := lang(r)
	var states, needs []choice
	for _, s := range pay.Statuses {
		states = append(states, choice{string(s), ui.StateOf(s, "").Word(in)})
	}
	states = allOr(in, states...)
	needed := func(a pay.Attention) choice { return choice{string(a), attentionWord(in, a)} }
	needs = allOr(in,
		choice{"any", words.FilterNeeds.In(in)}, choice{"undelivered", words.EventStuck.In(in)},
		needed(pay.AttentionUnknown), needed(pay.AttentionRefundUnconfirmed), needed(pay.AttentionAmount), needed(pay.AttentionProvider),
		choice{"receipt", words.NeedsReceipt.In(in)}, choice{"approval", words.NeedsApproval.In(in)})
	sorts := orders(in, gateway.Newest, gateway.Oldest, gateway.Largest, gateway.Smallest)
	l = a.list(r, words.MenuInvoices, Path+"/invoices", append([]filter{
		{name: "state", label: words.FilterState.In(in), options: states},
		{name: "via", label: words.FilterVia.In(in), options: a.providers(in)},
		{name: "needs", label: words.FilterNeeds.In(in), options: needs},
		{name: "sum", label: words.FilterSum.In(in), kind: "text"},
	}, append(dates(in), filter{name: "order", label: words.FilterOrder.In(in), options: sorts})...)...)
	l.kept, l.file = []string{"source", "business"}, true
	q := &l.asked
	f = gateway.InvoiceFilter{
		Status: q.among("state", states), Via: q.among("via", a.providers(in)), Amount: q.sum("sum"),
		From: q.day("from"), To: q.until("to"), Order: gateway.Order(q.among("order", sorts)),
	}
	switch need := q.among("needs", needs); need {
	case "":
	case "any":
		f.Attention = true
	case "undelivered":
		f.Undelivered = true
	case "receipt":
		f.Unreceipted = true
	case "approval":
		f.WaitsAt = a.o.Now()
	default:
		f.Kind = pay.Attention(need)
	}
	if q.Get("source") != "" && q.Get("business") != "" {
		f.Source, f.Business = q.Get("source"), q.Get("business")
	}
	return l, f
}

// attentionWord is why an invoice asks for a person.
func attentionWord(l words.Lang, a pay.Attention) string {
	switch a {
	case pay.AttentionUnknown:
		return words.Unknown.In(l)
	case pay.AttentionRefundUnconfirmed:
		return words.WhatRefund.In(l) + ": " + words.Unknown.In(l)
	case pay.AttentionAmount:
		return words.AttentionAmount.In(l)
	case pay.AttentionProvider:
		return words.AttentionProvider.In(l)
	}
	return string(a)
}

// invoices is the list of them.
func (a *admin) invoices(w http.ResponseWriter, r *http.Request) {
	l, f := a.invoiceList(r)
	v := invoicesView{list: l, companies: a.title}
	if !l.asked.bad {
		if err := a.looked(r.Context(), "list.seen", "invoices", narrowed(r)); err != nil {
			a.fail(w, r, err)
			return
		}
		found, err := a.o.Gateway.Invoices(r.Context(), f, l.page())
		if err != nil {
			a.fail(w, r, err)
			return
		}
		v.rows, v.next = found.Items, found.Next
	}
	a.show(w, r, invoicesPage(v))
}

type invoicesView struct {
	list
	companies func(string) string
	rows      []gateway.Invoice
}

// via is the provider of the payment that counts, or that the invoice was made for.
func via(companies func(string) string, inv gateway.Invoice) string {
	switch {
	case inv.Payment != nil:
		return companies(inv.Payment.Provider)
	case inv.Provider != "":
		return companies(inv.Provider)
	}
	return "—"
}

// invoicesFile is the same list as a file.
func (a *admin) invoicesFile(w http.ResponseWriter, r *http.Request) {
	l, f := a.invoiceList(r)
	if l.asked.bad {
		a.tell(w, r, http.StatusBadRequest, words.MenuInvoices, words.BadFilter)
		return
	}
	head := []words.Text{
		words.FactInvoice, words.FactPayNo, words.FactOrder, words.ColApp, words.ColShop, words.ColState, words.FilterNeeds, words.ColVia, words.FactRef,
		words.ColSum, words.CSVTiyin, words.FactTaken, words.FactBack, words.FactCard, words.FactCreated, words.FactPaid, words.CSVTold,
	}
	a.file(w, r, "invoices", head, func(ctx context.Context, p gateway.Page) (rows [][]cell, next string, err error) {
		found, err := a.o.Gateway.Invoices(ctx, f, p)
		for _, inv := range found.Items {
			var one pay.Payment
			if inv.Payment != nil {
				one = *inv.Payment
			}
			told := words.CSVYes
			if !inv.NotifyDelivered {
				told = words.CSVNo
			}
			rows = append(rows, []cell{
				idCell(inv.ID), idCell(inv.PayNumber), idCell(inv.SourceInvoiceID), idCell(inv.Source), idCell(inv.Business),
				cell(stateOf(inv.Invoice).Word(l.lang)), cell(attentionWord(l.lang, inv.Attention)), textCell(via(a.title, inv)), idCell(one.Ref),
				sumCell(l.machine, inv.Amount), tiyinCell(inv.Amount), sumCell(l.machine, one.Captured), sumCell(l.machine, one.Refunded), textCell(one.Card.MaskedPAN),
				timeCell(inv.CreatedAt), timeCell(inv.PaidAt), cell(told.In(l.lang)),
			})
		}
		return rows, found.Next, err
	})
}
