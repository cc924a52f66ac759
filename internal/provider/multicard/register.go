package multicard

import (
	"context"
	"errors"
	"net/http"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// What Multicard tells of the application, of recipients, and of a register's day.

// ViewAccount reads the application, with its deposit.
func (a *account) ViewAccount(ctx context.Context) (provider.AccountView, error) {
	var got struct {
		ID        text  `json:"application_id"`
		Name      text  `json:"official_name"`
		Sum       whole `json:"wallet_sum"`
		Overdraft whole `json:"wallet_overdraft"`
		Stores    []struct {
			ID    text `json:"id"`
			Title text `json:"title"`
		} `json:"stores"`
	}
	if err := a.client.call(ctx, http.MethodGet, "/payment/application", nil, &got); err != nil {
		return provider.AccountView{}, err
	}
	out := provider.AccountView{ID: clip(string(got.ID), 255), Name: clip(string(got.Name), 255), Balance: pay.Tiyin(got.Sum), Overdraft: pay.Tiyin(got.Overdraft)}
	for _, st := range got.Stores {
		out.Registers = append(out.Registers, provider.RegisterName{ID: clip(string(st.ID), 64), Title: clip(string(st.Title), 255)})
	}
	return out, nil
}

// ViewRecipient reads the requisites of a split's recipient: not the director's number.
func (a *account) ViewRecipient(ctx context.Context, id string) (provider.RecipientView, error) {
	if !uuidShape.MatchString(id) {
		return provider.RecipientView{}, noRecipient
	}
	var got struct {
		UUID         text  `json:"uuid"`
		TIN          text  `json:"tin"`
		Name         text  `json:"official_name"`
		MFO          text  `json:"mfo"`
		Account      text  `json:"account_no"`
		Address      text  `json:"address"`
		Director     text  `json:"director"`
		VAT          truth `json:"vat_payer"`
		Active       truth `json:"active"`
		Contract     text  `json:"contract_no"`
		ContractDate text  `json:"contract_date"`
	}
	err := a.client.call(ctx, http.MethodGet, "/payment/merchant-account/"+id, nil, &got)
	if codeOf(err) == codeNotFound {
		return provider.RecipientView{}, noRecipient
	}
	if err != nil {
		return provider.RecipientView{}, err
	}
	return provider.RecipientView{
		ID: id, TIN: clip(string(got.TIN), 32), Name: clip(string(got.Name), 255), BankCode: clip(string(got.MFO), 32), Account: clip(string(got.Account), 64),
		Address: clip(string(got.Address), 255), Director: clip(string(got.Director), 255), VATPayer: bool(got.VAT), Active: bool(got.Active),
		ContractNumber: clip(string(got.Contract), 64), ContractDate: clip(string(got.ContractDate), 32),
	}, nil
}

var noRecipient = &pay.Error{Code: pay.CodeNotFound, Reason: "recipient_not_found", Message: "Multicard has no such recipient"}

// statusOf is the status by which a list is asked for a state of ours.
var statusOf = map[pay.State]string{
	pay.Created: statusDraft, pay.Paid: statusSuccess, pay.Refunded: statusRevert, pay.Failed: statusError,
}

// Register reads the register's payments. Multicard filters by a time that its documentation does
// not name: here it is taken for the time when a payment was made.
func (a *account) Register(ctx context.Context, q provider.RegisterQuery) (provider.RegisterPage, error) {
	return a.list(ctx, "history", statusOf[q.Status], q)
}

// PayoutRegister reads its payouts: those that arrived, where no state is asked for.
func (a *account) PayoutRegister(ctx context.Context, q provider.RegisterQuery) (provider.RegisterPage, error) {
	status := statusOf[q.Status]
	if status == "" {
		status = statusSuccess
	}
	return a.list(ctx, "credit-history", status, q)
}

// Names: the uuid of the payment or of its hosted invoice.
func (a *account) Names(p pay.Payment, ref string) bool {
	m := metaOf(p)
	return ref != "" && (ref == p.Ref || ref == m.Paid || ref == m.Invoice)
}

func (a *account) list(ctx context.Context, name, status string, q provider.RegisterQuery) (provider.RegisterPage, error) {
	limit := min(q.Limit, pageSize)
	got, err := a.history(ctx, name, status, q.From, q.To, q.Offset, limit)
	if err != nil {
		return provider.RegisterPage{}, err
	}
	if len(got.List) > limit {
		return provider.RegisterPage{}, &provider.Error{Kind: provider.KindUnavailable, Err: errors.New("the list is longer than what was asked for")}
	}
	page := provider.RegisterPage{Total: int(got.Pagination.Total)}
	for _, row := range got.List {
		page.Rows = append(page.Rows, row.words())
	}
	return page, nil
}

// words is a row in our words. A payment's partial returns leave no trace in it.
func (r registerRow) words() provider.RegisterRow {
	m := paymentModel{Status: r.Status, PaymentTime: r.PaymentTime, RefundTime: r.RefundTime}
	return provider.RegisterRow{
		Ref: clip(string(r.UUID), 64), Order: clip(string(r.StoreInvoiceID), 255), State: m.outcome(pay.Paid).State, TheirState: clip(string(r.Status), 64),
		Amount: pay.Tiyin(r.Amount), Commission: pay.Tiyin(r.Commission), Card: card(r.CardPAN, r.PS), RRN: clip(string(r.RRN), 64),
		CreatedAt: localTime(r.AddedOn), PaidAt: localTime(r.PaymentTime), RefundedAt: localTime(r.RefundTime),
	}
}

var (
	_ provider.AccountViewer   = (*account)(nil)
	_ provider.RecipientViewer = (*account)(nil)
	_ provider.Registrar       = (*account)(nil)
)
