package gateway

import (
	"context"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// What an acquirer knows of a card. Nothing is written: neither the question nor the answer.

// CheckCard asks what the acquirer knows of a card by its number.
func (g *Gateway) CheckCard(ctx context.Context, q CardQuery) (report provider.CardReport, err error) {
	err = g.askAcquirer(ctx, q, "check_card", "no_card_check", func(ctx context.Context, a provider.Account) (ok bool, err error) {
		c, ok := a.(provider.CardChecker)
		if ok {
			report, err = c.CheckCard(ctx, q.Number)
		}
		return ok, err
	})
	report.Card, report.Holder, report.Bank = heardCard(report.Card), heardCode(report.Holder), heardCode(report.Bank)
	report.BankNumber, report.Country, report.Code = heardCode(report.BankNumber), heardCode(report.Country), heardCode(report.Code)
	return report, err
}

// CheckOwner asks whether a card is the person's whose PINFL is given: nil where nobody can tell.
func (g *Gateway) CheckOwner(ctx context.Context, q CardQuery) (matches *bool, err error) {
	err = g.askAcquirer(ctx, q, "check_owner", "no_owner_check", func(ctx context.Context, a provider.Account) (ok bool, err error) {
		c, ok := a.(provider.OwnerChecker)
		if ok {
			matches, err = c.CheckOwner(ctx, q.Number, q.PINFL)
		}
		return ok, err
	})
	return matches, err
}

// askAcquirer finds the merchant that a question is for, and asks. ask returns false where the
// account cannot be asked that.
func (g *Gateway) askAcquirer(ctx context.Context, q CardQuery, op, reason string, ask func(context.Context, provider.Account) (bool, error)) error {
	p, ok := g.providers[q.Provider]
	if !ok {
		return g.unknownProvider()
	}
	var m pay.Merchant
	err := g.store.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		m, err = g.seller(ctx, tx, InvoiceInput{Source: q.Source, Business: q.Business, Provider: q.Provider})
		return err
	})
	if err != nil {
		return err
	}
	can := true
	err = g.onCard(ctx, m, op, func(ctx context.Context, a provider.Account) (err error) {
		can, err = ask(ctx, a)
		return err
	})
	switch {
	case !can:
		return &pay.Error{Code: pay.CodeUnsupported, Reason: reason, Message: p.Info().Title + " has no call for that"}
	case err != nil:
		return upstream(m.Provider, err)
	}
	return nil
}
