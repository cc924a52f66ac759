package gateway

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// Binding a card moves no money, so a lost answer is no drama: the card fails, and is bound anew.
// Its number lives in the request's memory alone; its token is sealed before it is stored, and
// destroyed when the card is revoked.

// BindCard has a code sent to a card's owner: 201 with the card pending, or failed where the bank
// said no.
func (g *Gateway) BindCard(ctx context.Context, in BindInput, key Idem) (Saved[pay.BoundCard], error) {
	out := Saved[pay.BoundCard]{Status: http.StatusCreated}
	var card pay.BoundCard
	var m pay.Merchant
	var c claim
	err := wait(ctx, func() (again bool, err error) {
		err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
			again, out.Replayed = false, false
			if c, err = g.newClaim("card.bind", in.Source, key, false); err != nil {
				return err
			}
			t, err := c.look(ctx, b.Tx, b.now)
			if err != nil {
				return err
			}
			if t != nil {
				again, out.Replayed = t.running, true
				card, err = b.Card(ctx, t.resource)
				return err
			}
			if m, err = g.binder(ctx, b.Tx, in); err != nil {
				return err
			}
			card = pay.BoundCard{ID: id.New(), BusinessID: m.BusinessID, MerchantID: m.ID, Provider: m.Provider, State: pay.CardPending, CreatedAt: b.now}
			if err := b.InsertCard(ctx, card); err != nil {
				return err
			}
			_, err = c.take(ctx, b.Tx, card.ID, http.StatusCreated, false, b.now)
			return err
		})
		return again, err
	})
	if err != nil || out.Replayed {
		out.Value = card
		return out, err
	}
	var got provider.Binding
	callErr := g.onCard(ctx, m, "bind", func(ctx context.Context, a provider.Account) (err error) {
		got, err = a.(provider.CardBinder).BindCard(ctx, provider.BindOrder{CardID: card.ID, Number: in.Number, Expiry: in.Expiry, Phone: in.Phone})
		return err
	})
	err = g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		if card, err = b.LockCard(ctx, card.ID); err != nil {
			return err
		}
		if callErr != nil {
			got.Reason = pay.DeclineUnreached
			err = c.release(ctx, b.Tx)
		} else {
			err = c.finish(ctx, b.Tx)
		}
		if err != nil {
			return err
		}
		if got.Reason != "" {
			return b.cardFails(ctx, &card, got)
		}
		card.Ref, card.PhoneMasked, card.CodeUntil = got.Ref, got.PhoneMasked, got.Needs.ExpiresAt.Truncate(time.Millisecond)
		card.Card, card.Expiry = pay.Card{MaskedPAN: maskNumber(in.Number)}, in.Expiry
		return b.SaveCard(ctx, card)
	})
	if err == nil && callErr != nil {
		err = upstream(m.Provider, callErr)
	}
	out.Value = card
	return out, err
}

// BindForm makes the company's own form, on which the card's owner enters it.
func (g *Gateway) BindForm(ctx context.Context, in FormInput) (Saved[pay.BoundCard], string, error) {
	out := Saved[pay.BoundCard]{Status: http.StatusCreated}
	p, ok := g.providers[in.Provider]
	if !ok {
		return out, "", g.unknownProvider()
	}
	if _, ok := p.Info().Account.(provider.FormBinder); !ok {
		return out, "", &pay.Error{Code: pay.CodeUnsupported, Reason: "no_card_form", Message: p.Info().Title + " has no form for cards"}
	}
	var m pay.Merchant
	err := g.store.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		m, err = g.seller(ctx, tx, InvoiceInput{Source: in.Source, Business: in.Business, Provider: in.Provider})
		return err
	})
	if err != nil {
		return out, "", err
	}
	card := pay.BoundCard{ID: id.New(), BusinessID: m.BusinessID, MerchantID: m.ID, Provider: m.Provider, State: pay.CardPending}
	var form provider.Form
	callErr := g.onCard(ctx, m, "bind_form", func(ctx context.Context, a provider.Account) (err error) {
		form, err = a.(provider.FormBinder).BindForm(ctx, provider.FormOrder{CardID: card.ID, ReturnURL: in.ReturnURL, ErrorURL: in.ErrorURL, Phone: in.Phone, PINFL: in.PINFL})
		return err
	})
	if callErr != nil {
		return out, "", upstream(m.Provider, callErr)
	}
	err = g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		card.Ref, card.CodeUntil, card.CreatedAt = form.Ref, form.Expires.Truncate(time.Millisecond), b.now
		return b.InsertCard(ctx, card)
	})
	out.Value = card
	return out, form.URL, err
}

// formGrace is how long after its end a form is still asked about.
const formGrace = 5 * time.Minute

// readForm reads back what came of a form: nobody's word is taken for it but the company's own
// answer.
func (g *Gateway) readForm(ctx context.Context, card pay.BoundCard, m pay.Merchant) (pay.BoundCard, error) {
	var got provider.Binding
	callErr := g.onCard(ctx, m, "read_form", func(ctx context.Context, a provider.Account) (err error) {
		got, err = a.(provider.FormBinder).ReadForm(ctx, card.Ref)
		return err
	})
	if callErr != nil {
		return card, nil // it is read again the next time
	}
	sealed, err := "", error(nil)
	if got.Token != "" {
		if sealed, err = g.Seal.Seal("card/"+card.ID, []byte(got.Token)); err != nil {
			return card, err
		}
	}
	err = g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		if card, err = b.LockCard(ctx, card.ID); err != nil || card.State != pay.CardPending {
			return err
		}
		if sealed == "" {
			if b.now.Before(card.CodeUntil.Add(formGrace)) {
				return nil
			}
			return b.cardFails(ctx, &card, provider.Binding{Reason: pay.DeclineCodeLate})
		}
		if _, err := card.Move(pay.CardActive, b.now); err != nil {
			return err
		}
		card.Sealed, card.Card, card.Expiry, card.PhoneMasked, card.NeedsCode = sealed, got.Card, got.Expiry, got.PhoneMasked, got.NeedsCode
		return b.SaveCard(ctx, card)
	})
	return card, err
}

// maskNumber shows what may be shown of a card's number.
func maskNumber(n string) string {
	if len(n) < 16 {
		return ""
	}
	return n[:6] + "******" + n[len(n)-4:]
}

// binder finds the merchant at which a business's cards are bound.
func (g *Gateway) binder(ctx context.Context, tx *store.Tx, in BindInput) (pay.Merchant, error) {
	p, ok := g.providers[in.Provider]
	if !ok {
		return pay.Merchant{}, g.unknownProvider()
	}
	if _, ok := p.Info().Account.(provider.CardBinder); !ok {
		return pay.Merchant{}, &pay.Error{Code: pay.CodeUnsupported, Reason: "no_cards", Message: p.Info().Title + " binds no cards by our call"}
	}
	return g.seller(ctx, tx, InvoiceInput{Source: in.Source, Business: in.Business, Provider: in.Provider})
}

// onCard makes one call that concerns no invoice.
func (g *Gateway) onCard(ctx context.Context, m pay.Merchant, op string, f func(context.Context, provider.Account) error) error {
	a, err := g.account(m)
	if err != nil {
		return err
	}
	return g.call(ctx, m, pay.Payment{}, op, func(ctx context.Context) error { return f(ctx, a) })
}

func (b *book) cardFails(ctx context.Context, card *pay.BoundCard, got provider.Binding) error {
	card.Reason, card.Code = got.Reason, got.Code
	if _, err := card.Move(pay.CardFailed, b.now); err != nil {
		return err
	}
	return b.SaveCard(ctx, *card)
}

// ConfirmCard hands over the owner's code. A wrong one is a conflict, and the card stays pending
// until its code runs out.
func (g *Gateway) ConfirmCard(ctx context.Context, cardID, code string) (pay.BoundCard, error) {
	card, m, err := g.cardAndMerchant(ctx, cardID)
	switch {
	case err != nil, card.State == pay.CardActive:
		return card, err
	case card.State != pay.CardPending:
		if card.Reason == pay.DeclineCodeLate {
			return card, errCodeLate
		}
		return card, &pay.Error{Code: pay.CodeConflict, Reason: "card_" + string(card.State), Message: "this card is " + string(card.State) + "; bind it anew"}
	case card.Ref == "" || !g.bindsByCode(card.Provider):
		return card, &pay.Error{Code: pay.CodeConflict, Reason: "no_code_expected", Message: "no code was sent for this card; bind it anew"}
	}
	var got provider.Binding
	callErr := g.onCard(ctx, m, "confirm_card", func(ctx context.Context, a provider.Account) (err error) {
		got, err = a.(provider.CardBinder).ConfirmCard(ctx, card.Ref, code)
		return err
	})
	if callErr != nil {
		return card, upstream(m.Provider, callErr)
	}
	sealed := ""
	if got.Reason == "" {
		if sealed, err = g.Seal.Seal("card/"+card.ID, []byte(got.Token)); err != nil {
			return card, err
		}
	}
	var refusal error
	err = g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		refusal = nil
		if card, err = b.LockCard(ctx, cardID); err != nil || card.State != pay.CardPending {
			return err // a twin was faster, or it was revoked meanwhile
		}
		switch {
		case got.Reason == pay.DeclineWrongCode && !b.now.After(card.CodeUntil):
			refusal = errWrongCode
			return nil
		case got.Reason == pay.DeclineWrongCode:
			refusal, got.Reason = errCodeLate, pay.DeclineCodeLate
			return b.cardFails(ctx, &card, got)
		case got.Reason != "":
			return b.cardFails(ctx, &card, got)
		}
		if _, err := card.Move(pay.CardActive, b.now); err != nil {
			return err
		}
		card.Sealed, card.NeedsCode = sealed, got.NeedsCode
		if got.Card.MaskedPAN != "" {
			card.Card = got.Card
		}
		card.Expiry = first(got.Expiry, card.Expiry)
		return b.SaveCard(ctx, card)
	})
	if err == nil {
		err = refusal
	}
	return card, err
}

// bindsByCode says whether a provider's cards are confirmed by a code that we hand over.
func (g *Gateway) bindsByCode(name string) bool {
	p, ok := g.providers[name]
	if !ok {
		return false
	}
	_, ok = p.Info().Account.(provider.CardBinder)
	return ok
}

// Card reads one card. One that is being bound on the company's form is asked about, at most every
// five seconds.
func (g *Gateway) Card(ctx context.Context, cardID string) (pay.BoundCard, error) {
	card, m, err := g.cardAndMerchant(ctx, cardID)
	if err != nil || card.State != pay.CardPending {
		return card, err
	}
	if p, ok := g.providers[card.Provider]; ok {
		if _, ok := p.Info().Account.(provider.FormBinder); ok && g.mayAsk("card/"+card.ID) {
			return g.readForm(ctx, card, m)
		}
	}
	return card, nil
}

func (g *Gateway) cardAndMerchant(ctx context.Context, cardID string) (card pay.BoundCard, m pay.Merchant, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		if card, err = found(tx.Card(ctx, cardID))("card"); err != nil {
			return err
		}
		m, err = tx.Merchant(ctx, card.MerchantID)
		return err
	})
	return card, m, err
}

// ForgetCard revokes a card: its token is destroyed here, and at the company where that has such a
// call. A repeat changes nothing.
func (g *Gateway) ForgetCard(ctx context.Context, cardID string) (pay.BoundCard, error) {
	card, m, err := g.cardAndMerchant(ctx, cardID)
	if err != nil {
		return card, err
	}
	if card.State == pay.CardActive {
		token, err := g.openToken(card.ID, card.Sealed)
		if err != nil {
			return card, err
		}
		err = g.onCard(ctx, m, "forget_card", func(ctx context.Context, a provider.Account) error {
			if f, ok := a.(provider.CardForgetter); ok {
				return f.ForgetCard(ctx, token)
			}
			return nil
		})
		if err != nil {
			return card, upstream(m.Provider, err)
		}
	}
	err = g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		if card, err = b.LockCard(ctx, cardID); err != nil || card.State == pay.CardFailed {
			return err
		}
		if changed, err := card.Move(pay.CardRevoked, b.now); err != nil || !changed {
			return err
		}
		return b.SaveCard(ctx, card)
	})
	return card, err
}

// openToken opens a bound card's seal. The error never shows what was inside.
func (g *Gateway) openToken(cardID, sealed string) (string, error) {
	plain, err := g.Seal.Open("card/"+cardID, sealed)
	if err != nil {
		return "", fmt.Errorf("open the seal of card %s: %w", cardID, err)
	}
	return string(plain), nil
}
