package gateway

import (
	"context"
	"errors"
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

// cardStep is what one look at the book decided about a card that is to be bound.
type cardStep struct {
	card     pay.BoundCard
	merchant pay.Merchant
	claim    claim
	replayed bool
}

// beginCard writes the card that is about to be bound, and claims the key for it.
func (g *Gateway) beginCard(ctx context.Context, op string, byForm bool, in InvoiceInput, key Idem) (s cardStep, err error) {
	err = wait(ctx, func() (again bool, err error) {
		err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
			s, again = cardStep{}, false
			if s.claim, err = g.newClaim(op, in.Source, key, false); err != nil {
				return err
			}
			t, err := s.claim.look(ctx, b.Tx, b.now)
			if err != nil {
				return err
			}
			if t != nil {
				again, s.replayed = t.running, true
				if s.card, err = b.LockCard(ctx, t.resource); err != nil || !t.died {
					return err
				}
				return b.abandoned(ctx, &s.card)
			}
			if s.merchant, err = g.seller(ctx, b.Tx, in); err != nil {
				return err
			}
			s.card = pay.BoundCard{ID: id.New(), BusinessID: s.merchant.BusinessID, MerchantID: s.merchant.ID, Provider: s.merchant.Provider, State: pay.CardPending, ByForm: byForm, CreatedAt: b.now}
			if err := b.InsertCard(ctx, s.card); err != nil {
				return err
			}
			t, err = s.claim.take(ctx, b.Tx, s.card.ID, http.StatusCreated, false, b.now)
			if err == nil && t != nil { // a twin claimed the key since we looked: undo ours, and answer as it does
				err = errTwin
			}
			return err
		})
		if errors.Is(err, errTwin) {
			return true, nil
		}
		return again, err
	})
	return s, err
}

// sent writes down what came of asking the company. The error is what the caller is told.
func (g *Gateway) sent(ctx context.Context, s *cardStep, callErr error, learn func(*pay.BoundCard) error) error {
	err := g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) (err error) {
		if s.card, err = b.LockCard(ctx, s.card.ID); err != nil {
			return err
		}
		if callErr != nil {
			if err := s.claim.release(ctx, b.Tx); err != nil || s.card.State != pay.CardPending {
				return err
			}
			return b.cardFails(ctx, &s.card, provider.Binding{Reason: pay.DeclineUnreached})
		}
		if err := s.claim.finish(ctx, b.Tx); err != nil || s.card.State != pay.CardPending {
			return err // revoked, or given up, while we asked
		}
		if err := learn(&s.card); err != nil {
			return err
		}
		return b.SaveCard(ctx, s.card)
	})
	if err == nil && callErr != nil {
		err = upstream(s.merchant.Provider, callErr)
	}
	return err
}

// BindCard has a code sent to a card's owner: 201 with the card pending, or failed where the bank
// said no.
func (g *Gateway) BindCard(ctx context.Context, in BindInput, key Idem) (Saved[pay.BoundCard], error) {
	out := Saved[pay.BoundCard]{Status: http.StatusCreated}
	if err := g.canBind(in.Provider); err != nil {
		return out, err
	}
	s, err := g.beginCard(ctx, "card.bind", false, InvoiceInput{Source: in.Source, Business: in.Business, Provider: in.Provider}, key)
	out.Value, out.Replayed = s.card, s.replayed
	if err != nil || s.replayed {
		return out, err
	}
	got, callErr := g.askForCode(ctx, s.merchant, s.card.ID, in)
	err = g.sent(ctx, &s, callErr, func(card *pay.BoundCard) error { return g.codeSent(card, in, got) })
	out.Value = s.card
	return out, err
}

// askForCode has the company send a code to a card's owner.
func (g *Gateway) askForCode(ctx context.Context, m pay.Merchant, cardID string, in BindInput) (got provider.Binding, err error) {
	err = g.onCard(ctx, m, "bind", func(ctx context.Context, a provider.Account) (err error) {
		got, err = a.(provider.CardBinder).BindCard(ctx, provider.BindOrder{CardID: cardID, Number: in.Number, Expiry: in.Expiry, Phone: in.Phone})
		return err
	})
	return got, err
}

// codeSent keeps what is needed to confirm a card, or the bank's no. What names the card at the
// company may be the very token that will charge it, and is sealed.
func (g *Gateway) codeSent(card *pay.BoundCard, in BindInput, got provider.Binding) error {
	now := g.now()
	if got.Reason != "" {
		card.Reason, card.Code = got.Reason, got.Code
		_, err := card.Move(pay.CardFailed, now)
		return err
	}
	ref, err := g.Seal.Seal("card/"+card.ID+"/ref", []byte(got.Ref))
	if err != nil {
		return err
	}
	card.Ref, card.PhoneMasked, card.CodeAt, card.CodeUntil = ref, got.PhoneMasked, now, got.Needs.ExpiresAt.Truncate(time.Millisecond)
	card.Card, card.Expiry = pay.Card{MaskedPAN: maskNumber(in.Number), PaymentSystem: got.Card.PaymentSystem}, in.Expiry
	return nil
}

// ResendCardCode has the owner of a card that is being bound sent another code. That takes the
// card's number again, which is not kept.
func (g *Gateway) ResendCardCode(ctx context.Context, cardID string, in BindInput, key Idem) (Saved[pay.BoundCard], error) {
	out := Saved[pay.BoundCard]{Status: http.StatusOK}
	leave, err := g.binding.take(ctx, cardID)
	if err != nil {
		return out, err
	}
	defer leave()
	s := cardStep{}
	if s.card, s.merchant, err = g.cardAndMerchant(ctx, cardID); err != nil {
		return out, err
	}
	out.Value = s.card
	if s.claim, err = g.newClaim("card.resend", s.merchant.Source, key, false); err != nil {
		return out, err
	}
	if out.Replayed, err = g.usedBefore(ctx, s.claim); err != nil || out.Replayed {
		return out, err
	}
	if err := g.mayResendCard(s.merchant, s.card, in); err != nil {
		return out, err
	}
	if in.Number == "" {
		return out, errNumberAgain("POST /api/cards")
	}
	got, callErr := g.askForCode(ctx, s.merchant, s.card.ID, in)
	if callErr != nil {
		return out, upstream(s.merchant.Provider, callErr) // the code that was sent before still counts
	}
	err = g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) (err error) {
		if s.card, err = b.LockCard(ctx, cardID); err != nil || s.card.State != pay.CardPending {
			return err
		}
		if err := g.codeSent(&s.card, in, got); err != nil {
			return err
		}
		if _, err := s.claim.take(ctx, b.Tx, cardID, http.StatusOK, true, b.now); err != nil {
			return err
		}
		return b.SaveCard(ctx, s.card)
	})
	out.Value = s.card
	return out, err
}

func (g *Gateway) mayResendCard(m pay.Merchant, card pay.BoundCard, in BindInput) error {
	switch {
	case card.State != pay.CardPending:
		return &pay.Error{Code: pay.CodeConflict, Reason: "card_" + string(card.State), Message: "this card is " + string(card.State) + "; no code is awaited"}
	case card.ByForm || card.Ref == "":
		return errNoCardCode
	case in.Number != "" && maskNumber(in.Number) != card.Card.MaskedPAN:
		return &pay.Error{Code: pay.CodeConflict, Reason: "other_card", Message: "this is another card than the one that is being bound; bind it with POST /api/cards"}
	}
	return tooEarly(card.CodeAt, g.now(), g.codeEvery(m))
}

var errNoCardCode = &pay.Error{Code: pay.CodeConflict, Reason: "no_code_expected", Message: "no code was sent for this card; bind it anew"}

// errNumberAgain says that another code takes the card's number, which nobody has kept.
func errNumberAgain(start string) error {
	return &pay.Error{Code: pay.CodeUnsupported, Reason: "card_needed_again", Message: "another code takes the card's number, which is not kept: send it along, or start with " + start}
}

// codeEvery is how soon a merchant's company sends another code.
func (g *Gateway) codeEvery(m pay.Merchant) time.Duration {
	if p, ok := g.providers[m.Provider]; ok {
		if s, ok := p.Info().Account.(provider.CodeSender); ok {
			return s.CodeEvery()
		}
	}
	return resendGap
}

// tooEarly is the refusal of another code, nil where it may be sent.
func tooEarly(sent, now time.Time, gap time.Duration) error {
	left := gap - now.Sub(sent)
	if left <= 0 {
		return nil
	}
	return &pay.Error{Code: pay.CodeRateLimited, Reason: "too_early", RetryAfter: left, Message: fmt.Sprintf("a code was just sent; another can be sent in %d seconds", int((left+time.Second-1)/time.Second))}
}

// usedBefore says whether a key was used before for the same request.
func (g *Gateway) usedBefore(ctx context.Context, c claim) (replayed bool, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := c.look(ctx, tx, g.now())
		replayed = t != nil
		return err
	})
	return replayed, err
}

// BindForm makes the company's own form, on which the card's owner enters it.
func (g *Gateway) BindForm(ctx context.Context, in FormInput, key Idem) (Saved[pay.BoundCard], error) {
	out := Saved[pay.BoundCard]{Status: http.StatusCreated}
	p, ok := g.providers[in.Provider]
	if !ok {
		return out, g.unknownProvider()
	}
	if _, ok := p.Info().Account.(provider.FormBinder); !ok {
		return out, &pay.Error{Code: pay.CodeUnsupported, Reason: "no_card_form", Message: p.Info().Title + " has no form for cards"}
	}
	s, err := g.beginCard(ctx, "card.form", true, InvoiceInput{Source: in.Source, Business: in.Business, Provider: in.Provider}, key)
	out.Value, out.Replayed = s.card, s.replayed
	if err != nil || s.replayed {
		return out, err
	}
	var form provider.Form
	callErr := g.onCard(ctx, s.merchant, "bind_form", func(ctx context.Context, a provider.Account) (err error) {
		form, err = a.(provider.FormBinder).BindForm(ctx, provider.FormOrder{CardID: s.card.ID, ReturnURL: in.ReturnURL, ErrorURL: in.ErrorURL, Phone: in.Phone, PINFL: in.PINFL})
		return err
	})
	err = g.sent(ctx, &s, callErr, func(card *pay.BoundCard) error {
		card.Ref, card.FormURL, card.CodeUntil = form.Ref, form.URL, form.Expires.Truncate(time.Millisecond)
		return nil
	})
	out.Value = s.card
	return out, err
}

// ReadCard has the form read back that a company speaks of. Its word alone changes nothing.
func (d desk) ReadCard(ctx context.Context, ref string) error {
	var card pay.BoundCard
	err := d.g.store.View(ctx, d.checked(func(ctx context.Context, tx *store.Tx) (err error) {
		card, err = tx.PendingCard(ctx, d.m.ID, ref)
		return err
	}))
	if errors.Is(err, store.ErrNotFound) || err == nil && !card.ByForm {
		return nil
	}
	if err != nil || !d.g.mayAsk("card/"+card.ID) {
		return err
	}
	_, err = d.g.readForm(ctx, card, d.m)
	return err
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
		card.Ref = ""
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

// canBind says whether cards are bound at a provider by our call.
func (g *Gateway) canBind(name string) error {
	p, ok := g.providers[name]
	if !ok {
		return g.unknownProvider()
	}
	if _, ok := p.Info().Account.(provider.CardBinder); !ok {
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "no_cards", Message: p.Info().Title + " binds no cards by our call"}
	}
	return nil
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
	card.Reason, card.Code, card.Ref = got.Reason, got.Code, ""
	if _, err := card.Move(pay.CardFailed, b.now); err != nil {
		return err
	}
	return b.SaveCard(ctx, *card)
}

// abandoned ends a card whose request died before its answer was written, or whose code nobody
// handed over: neither can come to anything any more.
func (b *book) abandoned(ctx context.Context, card *pay.BoundCard) error {
	reason := ""
	switch {
	case card.State != pay.CardPending:
	case card.Ref == "" && b.now.Sub(card.CreatedAt) >= Lease && card.ByForm:
		reason = pay.DeclineUnreached
	case card.Ref == "" && b.now.Sub(card.CreatedAt) >= Lease:
		reason = pay.DeclineCardAgain
	case card.Ref != "" && !card.ByForm && b.now.After(card.CodeUntil.Add(codeGrace)):
		reason = pay.DeclineCodeLate
	}
	if reason == "" {
		return nil
	}
	return b.cardFails(ctx, card, provider.Binding{Reason: reason})
}

// codeGrace is how long after its code ran out a card may still be sent another.
const codeGrace = 10 * time.Minute

// ConfirmCard hands over the owner's code. A wrong one is a conflict, and the card stays pending
// until its code runs out. In one process one code at a time is tried on a card.
func (g *Gateway) ConfirmCard(ctx context.Context, cardID, code string, key Idem) (Saved[pay.BoundCard], error) {
	out := Saved[pay.BoundCard]{Status: http.StatusOK}
	leave, err := g.binding.take(ctx, cardID)
	if err != nil {
		return out, err
	}
	defer leave()
	card, m, err := g.cardAndMerchant(ctx, cardID)
	if err != nil {
		return out, err
	}
	c, err := g.newClaim("card.confirm", m.Source, key, false)
	if err != nil {
		return out, err
	}
	if out.Replayed, err = g.usedBefore(ctx, c); err == nil && !out.Replayed {
		card, err = g.confirmCard(ctx, card, m, code, c)
	}
	out.Value = card
	return out, err
}

func (g *Gateway) confirmCard(ctx context.Context, card pay.BoundCard, m pay.Merchant, code string, c claim) (pay.BoundCard, error) {
	cardID := card.ID
	switch {
	case card.State == pay.CardActive:
		return card, nil
	case card.State != pay.CardPending:
		if card.Reason == pay.DeclineCodeLate {
			return card, errCodeLate
		}
		return card, &pay.Error{Code: pay.CodeConflict, Reason: "card_" + string(card.State), Message: "this card is " + string(card.State) + "; bind it anew"}
	case card.Ref == "" || card.ByForm:
		return card, errNoCardCode
	}
	ref, err := g.Seal.Open("card/"+card.ID+"/ref", card.Ref)
	if err != nil {
		return card, fmt.Errorf("open what names card %s at %s: %w", card.ID, m.Provider, err)
	}
	if card, err = g.countTry(ctx, card); err != nil {
		return card, err
	}
	var got provider.Binding
	callErr := g.onCard(ctx, m, "confirm_card", func(ctx context.Context, a provider.Account) (err error) {
		got, err = a.(provider.CardBinder).ConfirmCard(ctx, string(ref), code)
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
		case got.Reason == pay.DeclineWrongCode && !b.now.After(card.CodeUntil) && card.CodeTries < codeTries:
			refusal = errWrongCode
			return nil
		case got.Reason == pay.DeclineWrongCode, got.Reason == pay.DeclineCodeLate:
			refusal, got.Reason = errCodeLate, pay.DeclineCodeLate
			return b.cardFails(ctx, &card, got)
		}
		if _, err := c.take(ctx, b.Tx, cardID, http.StatusOK, true, b.now); err != nil {
			return err
		}
		if got.Reason != "" {
			return b.cardFails(ctx, &card, got)
		}
		if _, err := card.Move(pay.CardActive, b.now); err != nil {
			return err
		}
		card.Sealed, card.Ref, card.NeedsCode = sealed, "", got.NeedsCode
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

// countTry counts a code before it is handed over, so that many at once are not more than many in a
// row; the last one that may come ends the card if it is wrong.
func (g *Gateway) countTry(ctx context.Context, card pay.BoundCard) (pay.BoundCard, error) {
	var refusal error
	err := g.update(ctx, byAPI, func(ctx context.Context, b *book) (err error) {
		refusal = nil
		if card, err = b.LockCard(ctx, card.ID); err != nil || card.State != pay.CardPending {
			return err // a twin was faster: the company will say so
		}
		if card.CodeTries >= codeTries {
			refusal = errCodeLate
			return nil
		}
		card.CodeTries++
		return b.SaveCard(ctx, card)
	})
	if err == nil {
		err = refusal
	}
	return card, err
}

// Card reads one card. One that is being bound on the company's form is asked about, at most every
// five seconds; one that can come to nothing any more is ended.
func (g *Gateway) Card(ctx context.Context, cardID string) (pay.BoundCard, error) {
	card, m, err := g.cardAndMerchant(ctx, cardID)
	switch {
	case err != nil || card.State != pay.CardPending:
		return card, err
	case card.ByForm && card.Ref != "":
		if g.mayAsk("card/" + card.ID) {
			return g.readForm(ctx, card, m)
		}
		return card, nil
	}
	err = g.update(ctx, byAPI, func(ctx context.Context, b *book) (err error) {
		if card, err = b.LockCard(ctx, cardID); err != nil {
			return err
		}
		return b.abandoned(ctx, &card)
	})
	return card, err
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
