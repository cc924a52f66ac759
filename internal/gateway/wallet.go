package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// An acquirer can have the buyer pay in another company's app. What it makes for that is a link, and
// like its own page nobody has it but the buyer: a lost answer is a link that nobody will open.

// payWallet makes the link into an app. A second press of the same button gives the same link; any
// other page or link that stands is taken back first.
func (g *Gateway) payWallet(ctx context.Context, in PayInput, key Idem) (Saved[Invoice], error) {
	out := Saved[Invoice]{Status: http.StatusOK}
	for {
		var s chargeStep
		err := wait(ctx, func() (again bool, err error) {
			s, err = g.beginWallet(ctx, in, key)
			return s.twinRuns, err
		})
		if errors.Is(err, errTakeBack) {
			if err := g.withdrawPage(ctx, *s.page); err != nil {
				return out, err
			}
			continue
		}
		if err != nil {
			return out, err
		}
		out.Replayed = s.replayed
		if s.payment.ID != "" {
			if err := g.makePage(ctx, s.merchant, s.invoice, s.payment, s.claim); err != nil {
				return out, err
			}
		}
		out.Value, err = g.Invoice(ctx, in.InvoiceID)
		return out, err
	}
}

// beginWallet writes the payment under which the link is made, its work leased to us. No payment in
// the step: there is such a link already.
func (g *Gateway) beginWallet(ctx context.Context, in PayInput, key Idem) (s chargeStep, err error) {
	err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		s = chargeStep{}
		inv, payments, err := b.open(ctx, in.InvoiceID)
		if err != nil {
			return err
		}
		if done, err := s.look(ctx, g, b, "invoice.pay", inv, key); done || err != nil {
			return err
		}
		if s.merchant, err = g.walletMerchant(ctx, b, *inv, in); err != nil {
			return err
		}
		if err := b.mayCharge(ctx, inv, payments); err != nil {
			return err
		}
		if s.page = g.page(payments); s.page != nil {
			same := s.page.Way == pay.WayWallet && s.page.Card.PaymentSystem == in.Wallet && s.page.MerchantID == s.merchant.ID
			if !same || s.page.PageURL == "" {
				return errTakeBack
			}
			_, err = s.claim.take(ctx, b.Tx, inv.ID, http.StatusOK, true, b.now)
			return err
		}
		s.invoice, s.payment = *inv, pay.Payment{
			ID: id.New(), InvoiceID: inv.ID, BusinessID: inv.BusinessID, MerchantID: s.merchant.ID, Provider: s.merchant.Provider,
			Amount: inv.Amount, State: pay.Created, Way: pay.WayWallet, Card: pay.Card{PaymentSystem: in.Wallet}, CreatedAt: b.now,
		}
		if _, err := b.InsertPayment(ctx, s.payment); err != nil {
			return err
		}
		note := "asks " + s.merchant.Provider + " for a link into " + in.Wallet
		if err := b.wrote(ctx, inv, store.Change{What: "payment", PaymentID: s.payment.ID, Now: string(pay.Created), Note: note}); err != nil {
			return err
		}
		if _, err = b.EnqueueLeased(ctx, outbox.Work{BusinessID: inv.BusinessID, Kind: workSettle, Subject: s.payment.ID, Lane: s.payment.Provider}, Lease, b.now); err != nil {
			return err
		}
		_, err = s.claim.take(ctx, b.Tx, inv.ID, http.StatusOK, false, b.now)
		return err
	})
	return s, err
}

// walletMerchant finds who makes links into the app.
func (g *Gateway) walletMerchant(ctx context.Context, b *book, inv pay.Invoice, in PayInput) (pay.Merchant, error) {
	if inv.Capture == "manual" {
		return pay.Merchant{}, &pay.Error{Code: pay.CodeUnsupported, Reason: "no_hold", Message: "no app holds money: charge a card"}
	}
	if len(inv.Split) > 0 {
		return pay.Merchant{}, errSplitByApp
	}
	merchants, err := b.MerchantsOf(ctx, inv.BusinessID)
	if err != nil {
		return pay.Merchant{}, err
	}
	var offered []string
	for _, m := range merchants {
		p, known := g.providers[m.Provider]
		if !known || inv.Provider != "" && m.Provider != inv.Provider {
			continue
		}
		w, ok := p.Info().Account.(provider.WalletCharger)
		switch {
		case !ok:
			continue
		case !slices.Contains(w.Wallets(), in.Wallet):
			offered = append(offered, w.Wallets()...)
			continue
		case !m.Active:
			return m, &pay.Error{Code: pay.CodeConflict, Reason: "merchant_inactive", Message: "this business has switched " + m.Provider + " off"}
		}
		return m, nil
	}
	what := "no provider of this business makes links into other companies' apps; send the buyer to the checkoutUrl"
	if len(offered) > 0 {
		what = fmt.Sprintf("%s is not offered; choose one of %s", in.Wallet, strings.Join(offered, ", "))
	}
	return pay.Merchant{}, &pay.Error{Code: pay.CodeUnsupported, Reason: "no_wallet", Message: what}
}

var errSplitByApp = &pay.Error{Code: pay.CodeUnsupported, Reason: "split_not_supported", Message: "a payment through an app cannot be split; charge a card, or send the buyer to the checkoutUrl"}

// withdrawPage takes back a page that is in the way. The invoice does not lead there any longer.
func (g *Gateway) withdrawPage(ctx context.Context, page pay.Payment) error {
	if err := g.takeBack(ctx, page); err != nil {
		return err
	}
	return g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		inv, _, err := b.open(ctx, page.InvoiceID)
		if err != nil || inv.Status != pay.StatusPending || page.PageURL == "" || inv.CheckoutURL != page.PageURL {
			return err
		}
		inv.CheckoutURL, inv.Deeplink = "", ""
		return b.SaveInvoice(ctx, *inv)
	})
}

// ─── A card that is kept ───────────────────────────────────────────────────────────────────

// keepCard makes a bound card of the one that was charged, where the buyer wanted that and the
// company gave what charges it. The caller saves the payment.
func (g *Gateway) keepCard(ctx context.Context, b *book, p *pay.Payment, o provider.Outcome) error {
	fresh := p.State == pay.Created || p.State == pay.Unknown
	if !p.Save || o.Saved == nil || o.Saved.Token == "" || p.CardID != "" || !fresh || o.State != pay.Paid && o.State != pay.Held {
		return nil
	}
	card := pay.BoundCard{
		ID: id.New(), BusinessID: p.BusinessID, MerchantID: p.MerchantID, Provider: p.Provider, State: pay.CardActive,
		NeedsCode: o.Saved.NeedsCode, Card: heardCard(o.Saved.Card), Expiry: o.Saved.Expiry, PhoneMasked: o.Saved.PhoneMasked, CreatedAt: b.now,
	}
	if card.Card.MaskedPAN == "" {
		card.Card = p.Card
	}
	card.PhoneMasked = first(card.PhoneMasked, p.CodePhone)
	var err error
	if card.Sealed, err = g.Seal.Seal("card/"+card.ID, []byte(o.Saved.Token)); err != nil {
		return err
	}
	p.CardID = card.ID
	return b.InsertCard(ctx, card)
}
