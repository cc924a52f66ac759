package gateway

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// What a company says of a merchant: asked now, shown, and kept nowhere.

// RegisterInput asks for a part of a company's list.
type RegisterInput struct {
	MerchantID string
	Payouts    bool // of payouts, not of payments
	From, To   time.Time
	Status     pay.State // "": all, or, of payouts, those that arrived
	Page       Page
}

// longestRegister is how long a time may be asked for at once.
const longestRegister = 31 * 24 * time.Hour

// ViewAccount shows a merchant's account at its company.
func (g *Gateway) ViewAccount(ctx context.Context, merchantID string) (out provider.AccountView, err error) {
	err = view(ctx, g, merchantID, "account", "no_account_view", "shows no account by its API", func(ctx context.Context, a provider.AccountViewer) error {
		out, err = a.ViewAccount(ctx)
		return err
	})
	return out, err
}

// ViewRecipient shows somebody to whom parts of a payment can be sent.
func (g *Gateway) ViewRecipient(ctx context.Context, merchantID, recipient string) (out provider.RecipientView, err error) {
	err = view(ctx, g, merchantID, "recipient", "no_recipients", "has no recipients of parts", func(ctx context.Context, a provider.RecipientViewer) error {
		out, err = a.ViewRecipient(ctx, recipient)
		return err
	})
	return out, err
}

// Register reads a part of a company's own list, in its order.
func (g *Gateway) Register(ctx context.Context, in RegisterInput) (List[provider.RegisterRow], error) {
	var out List[provider.RegisterRow]
	q := provider.RegisterQuery{From: in.From, To: in.To, Status: in.Status, Limit: in.Page.Limit}
	if q.Limit == 0 {
		q.Limit = DefaultLimit
	}
	if in.Page.Cursor != "" {
		offset, err := strconv.Atoi(in.Page.Cursor)
		if err != nil || offset < 0 {
			_, err = Page{Cursor: "."}.decode()
			return out, err
		}
		q.Offset = offset
	}
	switch {
	case !in.From.Before(in.To):
		return out, invalid([]string{`"to" must be after "from"`})
	case in.To.Sub(in.From) > longestRegister:
		return out, invalid([]string{`"to" must be at most 31 days after "from"`})
	}
	err := view(ctx, g, in.MerchantID, "register", "no_register", "has no register that can be read by its API; download it from the cabinet", func(ctx context.Context, a provider.Registrar) error {
		read := a.Register
		if in.Payouts {
			read = a.PayoutRegister
		}
		page, err := read(ctx, q)
		out.Items = page.Rows
		if next := q.Offset + len(page.Rows); len(page.Rows) == q.Limit && next != page.Total {
			out.Next = strconv.Itoa(next)
		}
		return err
	})
	for i := range out.Items {
		out.Items[i] = heardRow(out.Items[i])
	}
	return out, err
}

func heardRow(r provider.RegisterRow) provider.RegisterRow {
	r.Ref, r.Order, r.TheirState, r.RRN, r.Card = heardRef(r.Ref), heardNote(r.Order), heardCode(r.TheirState), heardRef(r.RRN), heardCard(r.Card)
	return r
}

// view asks one thing of a merchant's account, where it has that capability.
func view[A any](ctx context.Context, g *Gateway, merchantID, op, reason, cannot string, ask func(context.Context, A) error) error {
	m, err := g.merchant(ctx, merchantID)
	if err != nil {
		return err
	}
	known, ok := g.providers[m.Provider]
	if !ok {
		return g.unknownProvider()
	}
	if _, ok := known.Info().Account.(A); !ok {
		return &pay.Error{Code: pay.CodeUnsupported, Reason: reason, Message: known.Info().Title + " " + cannot}
	}
	a, err := g.account(m)
	if err != nil {
		return err
	}
	err = g.call(ctx, m, pay.Payment{}, op, func(ctx context.Context) error { return ask(ctx, a.(A)) })
	if e, ok := errors.AsType[*pay.Error](err); ok || err == nil {
		if e != nil {
			return e
		}
		return nil
	}
	return upstream(m.Provider, err)
}
