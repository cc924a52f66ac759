package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// A charge by a code that the buyer's telephone shows. It is a charge like the others (charge.go):
// written down before it is sent, unknown when its answer is lost, never sent twice. One thing is
// its own: the code is kept, sealed, while the payment is open, for the one company that is asked
// by the same order again.

// scanTimeout bounds a charge by a code: a cashier and a queue are waiting. What is not known by
// then is unknown, and asked about.
const scanTimeout = 15 * time.Second

// scannable finds whose code an invoice is to be charged by. No code says reliably whose it is, so
// where there are several the caller must.
func (g *Gateway) scannable(ctx context.Context, b *book, inv *pay.Invoice, asked string) (pay.Merchant, error) {
	name := first(asked, inv.Provider)
	if inv.Provider != "" && name != inv.Provider {
		return pay.Merchant{}, &pay.Error{Code: pay.CodeConflict, Reason: "other_provider", Message: "the code is to be charged at " + asked + ", the invoice was made for " + inv.Provider}
	}
	if inv.Capture == "manual" {
		return pay.Merchant{}, &pay.Error{Code: pay.CodeUnsupported, Reason: "no_hold", Message: "a scanned code is paid at once: nothing is held by it"}
	}
	merchants, err := b.MerchantsOf(ctx, inv.BusinessID)
	if err != nil {
		return pay.Merchant{}, err
	}
	merchants = slices.DeleteFunc(merchants, func(m pay.Merchant) bool {
		p, known := g.providers[m.Provider]
		if !known || name != "" && m.Provider != name {
			return true
		}
		_, ok := p.Info().Account.(provider.QRCharger)
		return !ok
	})
	active := slices.DeleteFunc(slices.Clone(merchants), func(m pay.Merchant) bool { return !m.Active })
	switch {
	case len(active) == 1:
		return active[0], nil
	case len(active) > 1:
		names := make([]string, len(active))
		for i, m := range active {
			names[i] = m.Provider
		}
		return pay.Merchant{}, invalid([]string{fmt.Sprintf(`"provider" is required: this business can charge the codes of [%s], and a code does not say whose it is`, strings.Join(names, ", "))})
	case len(merchants) > 0:
		return pay.Merchant{}, &pay.Error{Code: pay.CodeConflict, Reason: "merchant_inactive", Message: "this business has switched " + merchants[0].Provider + " off"}
	}
	return pay.Merchant{}, &pay.Error{Code: pay.CodeUnsupported, Reason: "no_code_charge", Message: "no provider of this business charges scanned codes; register it with clickpass, paymego, uzumfastpay, anor or multicard"}
}

// keepCode seals the code into its payment.
func (g *Gateway) keepCode(p *pay.Payment, code string) (err error) {
	p.Card.Token, err = g.Seal.Seal("payment/"+p.ID, []byte(code))
	return err
}

// keptCode opens it again, as long as it is there.
func (g *Gateway) keptCode(ctx context.Context, p pay.Payment) string {
	if p.Way != pay.WayQR || p.Card.Token == "" {
		return ""
	}
	code, err := g.Seal.Open("payment/"+p.ID, p.Card.Token)
	if err != nil {
		g.Logger.ErrorContext(ctx, "a scanned code cannot be opened: its payment is asked about without it", "payment", p.ID, "error", err)
	}
	return string(code)
}

// sendCode makes the call and writes down what came of it.
func (g *Gateway) sendCode(ctx context.Context, s chargeStep, in PayInput) error {
	p := s.payment
	p.Card.Token = "" // an adapter is given the code, not its seal
	order := provider.QROrder{Payment: p, Invoice: s.invoice, Code: in.Code, Journal: g.journal(ctx, s)}
	return g.ask(ctx, s, "scan", func(ctx context.Context, a provider.Account) (provider.Outcome, error) {
		ctx, cancel := context.WithTimeout(ctx, scanTimeout)
		defer cancel()
		return a.(provider.QRCharger).ChargeQR(ctx, order)
	})
}

// stillWorks writes down that the company has begun and not finished. What it calls the payment is
// kept: it is asked for by that.
func (g *Gateway) stillWorks(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, o provider.Outcome) error {
	if p.State != pay.Created || p.Asked != pay.AskedCharge {
		return nil // settled without us
	}
	if err := g.learn(p, provider.Proof{Card: o.Card, Ref: o.Ref, Meta: o.Meta}); err != nil {
		return err
	}
	return b.lost(ctx, inv, payments, p, p.Asked, errors.New(p.Provider+" still works on it"))
}
