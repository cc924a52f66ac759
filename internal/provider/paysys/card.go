package paysys

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// saved is what we keep, sealed, to charge a card again: pam.payment wants all three. Without a
// token (PaySys gives none where the telephone is not the card's own) a code is needed each time.
type saved struct {
	ID    string `json:"id"`
	Token string `json:"token,omitempty"`
	Phone string `json:"phone,omitempty"`
}

// BindCard registers a card; its owner is sent a code.
func (a *account) BindCard(ctx context.Context, o provider.BindOrder) (provider.Binding, error) {
	var got registered
	err := a.rpc.call(ctx, a.prefix+".card_registration", registration{Phone: o.Phone, Number: o.Number, Expire: o.Expiry}, "", &got)
	if err != nil {
		return unbound(err)
	}
	if !cardShape.MatchString(string(got.ID)) {
		return provider.Binding{}, senseless("the card was registered without an id", false)
	}
	return provider.Binding{
		Ref: string(got.ID), PhoneMasked: maskedPhone(got.Phone),
		Needs: a.code(got.Phone, got.TimeOut),
	}, nil
}

// ConfirmCard hands over the code.
func (a *account) ConfirmCard(ctx context.Context, ref, code string) (provider.Binding, error) {
	var got bound
	if err := a.rpc.call(ctx, a.prefix+".card_confirm", cardConfirmation{CardID: ref, Code: code}, "", &got); err != nil {
		return unbound(err)
	}
	if got.Card.ID != "" && string(got.Card.ID) != ref {
		return provider.Binding{}, senseless("the answer is about another card", false)
	}
	keep := saved{ID: ref, Phone: string(got.Card.Phone)}
	if got.Token != nil {
		keep.Token = string(*got.Token)
	}
	if len(keep.Token) > 512 || len(keep.Phone) > 20 {
		return provider.Binding{}, senseless("the card's token is too long", false)
	}
	sealed, err := json.Marshal(keep)
	if err != nil {
		return provider.Binding{}, err
	}
	return provider.Binding{
		Ref: ref, Token: string(sealed), NeedsCode: keep.Token == "",
		Card: cardOf(got.Card.PAN), Expiry: clip(string(got.Card.Expiry), 4),
	}, nil
}

// unbound words a failed binding. No money moves by one.
func unbound(err error) (provider.Binding, error) {
	reason, no, err := verdict(err, false)
	if err != nil {
		return provider.Binding{}, err
	}
	if reason == "" {
		reason = pay.DeclineOther
	}
	return provider.Binding{Reason: reason, Code: no.text(), Note: no.message}, nil
}

// code says what the buyer must do now.
func (a *account) code(phone string, timeOut whole) provider.Next {
	// A code without a lifetime, or with an absurd one, is taken for one of two minutes.
	if timeOut <= 0 || timeOut > 3600 {
		timeOut = 120
	}
	return provider.Next{Kind: "otp", PhoneMasked: maskedPhone(phone), ExpiresAt: a.now().Add(time.Duration(timeOut) * time.Second)}
}

// unasked is a call that was not made, since what it needs is not there.
func unasked(what string) error {
	return &provider.Error{Kind: provider.KindInvalid, NotSent: true, Message: what}
}

// senseless is an answer that cannot be acted on.
func senseless(what string, moves bool) error {
	return &provider.Error{Kind: provider.KindUnavailable, NoMoney: !moves, Err: errors.New(what)}
}
