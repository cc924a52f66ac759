package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// A charge by our own call. The payment says what was asked and not answered (pay.Asked), so that
// one call at a time concerns it and a dead process leaves its trace: the work row beside it asks
// what became of it, and never calls again. Where a company names the payment before it takes the
// money, that name is written down in between: it is what can be asked about afterwards. A card's
// number lives in the request's memory alone.

// resendGap is how soon another code may be asked for.
const resendGap = time.Minute

// Pay charges an invoice by a card. The invoice that comes back is paid, held, or pending: its
// newest payment then waits for the buyer's code, was refused (State failed, Reason), or its
// outcome is unknown.
func (g *Gateway) Pay(ctx context.Context, in PayInput, key Idem) (Saved[Invoice], error) {
	if in.Way == pay.WayWallet {
		return g.payWallet(ctx, in, key)
	}
	out := Saved[Invoice]{Status: http.StatusOK}
	for {
		var s chargeStep
		err := wait(ctx, func() (again bool, err error) {
			s, err = g.beginCharge(ctx, in, key)
			return s.twinRuns, err
		})
		switch {
		case errors.Is(err, errTakeBack):
			if err := g.withdrawPage(ctx, *s.page); err != nil {
				return out, err
			}
			continue
		case err != nil:
			return out, err
		}
		out.Replayed = s.replayed
		if !s.replayed {
			if err := g.sendCharge(ctx, s, in); err != nil {
				return out, err
			}
		}
		out.Value, err = g.taken(ctx, in.InvoiceID)
		return out, err
	}
}

var chargeNotes = map[pay.Way]string{
	pay.WayCard: "charges a card at ", pay.WayToken: "charges a card at ", pay.WayQR: "charges a scanned code at ",
}

// chargeStep is what one look at the book decided.
type chargeStep struct {
	invoice  pay.Invoice
	payment  pay.Payment
	merchant pay.Merchant
	sealed   string // the bound card's token
	work     outbox.Work
	claim    claim
	replayed bool
	twinRuns bool
	page     *pay.Payment // must be taken back first
	refusal  error        // beside the closure, so that what lapsed is written
}

// beginCharge writes the payment, its call about to be made, and its work leased to us.
func (g *Gateway) beginCharge(ctx context.Context, in PayInput, key Idem) (s chargeStep, err error) {
	err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		s = chargeStep{}
		inv, payments, err := b.open(ctx, in.InvoiceID)
		if err != nil {
			return err
		}
		if done, err := s.look(ctx, g, b, "invoice.pay", inv, key); done || err != nil {
			return err
		}
		card, err := g.chargeable(ctx, b, &s, inv, in)
		if err != nil {
			return err
		}
		if in.Way == pay.WayCard {
			card.Card.MaskedPAN = maskNumber(in.Number)
		}
		if in.Hosted {
			if err := tooManyTries(payments, b.now); err != nil {
				return err
			}
		}
		if err := b.codeStands(payments, in, card); err != nil {
			return err
		}
		if err := b.mayCharge(ctx, inv, payments); err != nil {
			return err
		}
		if s.page = g.page(payments); s.page != nil {
			return errTakeBack
		}
		p := pay.Payment{
			ID: id.New(), InvoiceID: inv.ID, BusinessID: inv.BusinessID, MerchantID: s.merchant.ID, Provider: s.merchant.Provider,
			Amount: inv.Amount, State: pay.Created, Way: in.Way, CardID: card.ID, Card: card.Card, Save: in.Save, CreatedAt: b.now,
		}
		if p.HoldUntil, err = g.holdEnds(s.merchant, *inv, b.now); err != nil {
			return err
		}
		if in.Way == pay.WayQR {
			if err := g.keepCode(&p, in.Code); err != nil {
				return err
			}
		}
		if err := p.Ask(pay.AskedCharge, inv.Amount, b.now); err != nil {
			return err
		}
		if _, err := b.InsertPayment(ctx, p); err != nil {
			return err
		}
		b.after = append(b.after, func() { g.Metrics.Payment(p.Provider, pay.Created) })
		if err := b.wrote(ctx, inv, store.Change{What: "payment", PaymentID: p.ID, Now: string(pay.Created), Note: chargeNotes[p.Way] + p.Provider}); err != nil {
			return err
		}
		s.invoice, s.payment, s.sealed = *inv, p, card.Sealed
		return s.start(ctx, b)
	})
	return s, err
}

// look answers from the key where it is known.
func (s *chargeStep) look(ctx context.Context, g *Gateway, b *book, op string, inv *pay.Invoice, key Idem) (done bool, err error) {
	if s.claim, err = g.newClaim(op, inv.Source, key, false); err != nil {
		return false, err
	}
	t, err := s.claim.look(ctx, b.Tx, b.now)
	if t == nil || err != nil {
		return false, err
	}
	s.replayed, s.twinRuns = true, t.running
	return true, nil
}

// start leases the work to us and claims the key.
func (s *chargeStep) start(ctx context.Context, b *book) (err error) {
	s.work, err = b.EnqueueLeased(ctx, outbox.Work{BusinessID: s.payment.BusinessID, Kind: workSettle, Subject: s.payment.ID, Lane: s.payment.Provider}, Lease, b.now)
	if err != nil {
		return err
	}
	_, err = s.claim.take(ctx, b.Tx, s.payment.InvoiceID, http.StatusOK, false, b.now)
	return err
}

// chargeable finds who charges, and by which card.
func (g *Gateway) chargeable(ctx context.Context, b *book, s *chargeStep, inv *pay.Invoice, in PayInput) (card pay.BoundCard, err error) {
	if in.Way == pay.WayQR {
		s.merchant, err = g.scannable(ctx, b, inv, in.Provider)
		return card, err
	}
	name := inv.Provider
	if in.Way == pay.WayToken {
		card, err = found(b.Card(ctx, in.CardID))("card")
		switch {
		case err != nil:
			return card, err
		case card.BusinessID != inv.BusinessID:
			return card, notFound("card")
		case card.State != pay.CardActive:
			return card, &pay.Error{Code: pay.CodeConflict, Reason: "card_" + string(card.State), Message: "this card is " + string(card.State) + " and cannot be charged"}
		case name != "" && name != card.Provider:
			return card, &pay.Error{Code: pay.CodeConflict, Reason: "other_provider", Message: "the card is bound at " + card.Provider + ", the invoice was made for " + name}
		}
		name = card.Provider
	}
	merchants, err := b.MerchantsOf(ctx, inv.BusinessID)
	if err != nil {
		return card, err
	}
	for _, m := range merchants {
		p, known := g.providers[m.Provider]
		if !known || name != "" && m.Provider != name {
			continue
		}
		if !chargesBy(p.Info().Account, in.Way) || in.Provider != "" && in.Provider != m.Provider {
			continue
		}
		if _, ok := p.Info().Account.(provider.Splitter); !ok && len(inv.Split) > 0 {
			continue
		}
		if !m.Active {
			return card, &pay.Error{Code: pay.CodeConflict, Reason: "merchant_inactive", Message: "this business has switched " + m.Provider + " off"}
		}
		if _, ok := p.Info().Account.(provider.Holder); !ok && inv.Capture == "manual" {
			return card, &pay.Error{Code: pay.CodeUnsupported, Reason: "no_hold", Message: m.Provider + " cannot hold money on a card"}
		}
		s.merchant = m
		return card, nil
	}
	return card, &pay.Error{Code: pay.CodeUnsupported, Reason: "no_card_charge", Message: "no provider of this business charges cards by our call; send the buyer to the checkoutUrl"}
}

// chargesBy says whether an account charges cards in that way.
func chargesBy(a provider.Account, way pay.Way) bool {
	if way == pay.WayCard {
		_, ok := a.(provider.NumberCharger)
		return ok
	}
	_, ok := a.(provider.CardCharger)
	return ok
}

// holdEnds is when a hold that is about to be made releases itself at the latest; zero where none
// is made, or where its end takes the money.
func (g *Gateway) holdEnds(m pay.Merchant, inv pay.Invoice, now time.Time) (time.Time, error) {
	if inv.Capture == "manual" {
		if inv.HoldExpiry == "capture" || inv.HoldFor <= 0 {
			return time.Time{}, nil
		}
		return now.Add(inv.HoldFor), nil
	}
	if _, ok := g.providers[m.Provider].Info().Account.(provider.HoldFirst); !ok {
		return time.Time{}, nil
	}
	a, err := g.account(m)
	if err != nil {
		return time.Time{}, err
	}
	if span := a.(provider.HoldFirst).HoldFirst(); span > 0 {
		return now.Add(span), nil
	}
	return time.Time{}, nil
}

// Strangers on the hosted page may try so many cards on one invoice, and any caller so many codes
// on one attempt: nobody is to guess either.
const (
	hostedTries  = 10
	hostedWindow = time.Hour
	codeTries    = 5
)

func tooManyTries(payments []*pay.Payment, now time.Time) error {
	tries, oldest := 0, now
	for _, p := range payments {
		if p.Way == pay.WayCard && now.Sub(p.CreatedAt) < hostedWindow {
			tries++
			if p.CreatedAt.Before(oldest) {
				oldest = p.CreatedAt
			}
		}
	}
	if tries < hostedTries {
		return nil
	}
	return &pay.Error{Code: pay.CodeRateLimited, Reason: "too_many_tries", RetryAfter: hostedWindow - now.Sub(oldest), Message: "too many cards were tried on this invoice; try again in an hour"}
}

// codeStands refuses to begin again with the same card while its company would send no other code:
// the one that was sent still counts, and would be thrown away.
func (b *book) codeStands(payments []*pay.Payment, in PayInput, card pay.BoundCard) error {
	for _, p := range payments {
		same := p.Way == in.Way && p.CardID == card.ID && p.Card.MaskedPAN == card.Card.MaskedPAN
		company, known := b.g.providers[p.Provider]
		if !same || !known || !p.WaitsForCode(b.now) {
			continue
		}
		if sender, ok := company.Info().Account.(provider.CodeSender); ok {
			if err := tooEarly(p.CodeAt, b.now, sender.CodeEvery()); err != nil {
				return err
			}
		}
	}
	return nil
}

// mayCharge refuses what must not be charged now. An attempt that only waits for a code gives way
// to a new one: no money moves by it without us.
func (b *book) mayCharge(ctx context.Context, inv *pay.Invoice, payments []*pay.Payment) error {
	if inv.Status != pay.StatusPending {
		return &pay.Error{Code: pay.CodeConflict, Reason: "already_" + string(inv.Status), Message: "this invoice is " + string(inv.Status)}
	}
	if !b.now.Before(inv.ExpiresAt) {
		return &pay.Error{Code: pay.CodeConflict, Reason: "invoice_expired", Message: "this invoice has run out; make a new one"}
	}
	for _, p := range payments {
		if p.WaitsForCode(b.now) {
			if _, err := b.move(ctx, inv, p, pay.Change{To: pay.Cancelled, At: b.now, Reason: "replaced"}, "the buyer begins again"); err != nil {
				return err
			}
		}
	}
	if anyOpen(payments, b.now) {
		return errPaymentInProgress
	}
	return nil
}

// rival is another payment of the invoice that has its money, or may have it, or get it at any moment.
func rival(payments []*pay.Payment, p *pay.Payment, now time.Time) *pay.Payment {
	return another(payments, p, func(o *pay.Payment) bool { return o.State.Live() || o.Open(now) })
}

// beside is another payment of the invoice that is live: there is no room for a second one.
func beside(payments []*pay.Payment, p *pay.Payment) *pay.Payment {
	return another(payments, p, func(o *pay.Payment) bool { return o.State.Live() })
}

func another(payments []*pay.Payment, p *pay.Payment, such func(*pay.Payment) bool) *pay.Payment {
	i := slices.IndexFunc(payments, func(o *pay.Payment) bool { return o.ID != p.ID && such(o) })
	if i < 0 {
		return nil
	}
	return payments[i]
}

// mayTake refuses the step of an attempt that was begun before and would take the money now: another
// way of paying may have been quicker.
func mayTake(inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, now time.Time) error {
	switch waits := p.WaitsForCode(now) || p.Asked != ""; {
	case inv.Status != pay.StatusPending && (waits || rival(payments, p, now) != nil):
		return &pay.Error{Code: pay.CodeConflict, Reason: "already_" + string(inv.Status), Message: "this invoice is " + string(inv.Status)}
	case rival(payments, p, now) != nil:
		return errPaymentInProgress
	}
	return nil
}

// sendCharge makes the call and writes down what came of it.
func (g *Gateway) sendCharge(ctx context.Context, s chargeStep, in PayInput) error {
	if in.Way == pay.WayQR {
		return g.sendCode(ctx, s, in)
	}
	order := provider.ChargeOrder{
		Payment: s.payment, Invoice: s.invoice, Number: in.Number, Expiry: in.Expiry, Phone: in.Phone,
		Hold: s.invoice.Capture == "manual", HoldFor: s.invoice.HoldFor, CaptureOnExpiry: s.invoice.HoldExpiry == "capture",
		Journal: g.journal(ctx, s),
	}
	if first := s.payment.HoldUntil; s.invoice.Capture != "manual" && !first.IsZero() {
		order.Hold, order.HoldFor, order.CaptureOnExpiry = true, first.Sub(s.payment.CreatedAt), false
	}
	var err error
	if s.sealed != "" {
		if order.Token, err = g.openToken(s.payment.CardID, s.sealed); err != nil {
			return g.answer(ctx, s, provider.Outcome{}, &provider.Error{Kind: provider.KindInvalid, NotSent: true, Err: err})
		}
	}
	return g.ask(ctx, s, "charge", func(ctx context.Context, a provider.Account) (provider.Outcome, error) {
		return a.(provider.CardCharger).Charge(ctx, order)
	})
}

// journal writes down what the company calls the payment, before the call that takes the money.
func (g *Gateway) journal(ctx context.Context, s chargeStep) func(string, []byte) error {
	return func(ref string, meta []byte) error {
		switch {
		case s.payment.Asked != pay.AskedCharge:
			return errOnlyACode
		case g.tooLate(s.payment.AskedAt):
			return errTooLate
		}
		return g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
			inv, payments, err := b.open(ctx, s.payment.InvoiceID)
			if err != nil {
				return err
			}
			p := pick(payments, s.payment.ID)
			if p.State != pay.Created || p.Asked != pay.AskedCharge {
				return errSettled
			}
			if err := mayTake(inv, payments, p, b.now); err != nil {
				return err
			}
			p.Ref = ref
			if meta != nil {
				p.Meta = meta
			}
			if err := b.SavePayment(ctx, *p); err != nil {
				return err
			}
			return b.wrote(ctx, inv, store.Change{What: "payment", PaymentID: p.ID, Was: string(p.State), Now: string(p.State), Note: p.Provider + " calls it " + heardCode(ref)})
		})
	}
}

var (
	errSettled   = errors.New("the payment was settled by somebody else meanwhile")
	errOnlyACode = errors.New("another code was asked for, and this would take the money")
)

// ask makes one call and writes down what came of it.
func (g *Gateway) ask(ctx context.Context, s chargeStep, op string, call func(context.Context, provider.Account) (provider.Outcome, error)) error {
	a, err := g.account(s.merchant)
	if err != nil {
		return g.answer(ctx, s, provider.Outcome{}, &provider.Error{Kind: provider.KindInvalid, NotSent: true, Err: err})
	}
	var o provider.Outcome
	callErr := g.call(ctx, s.merchant, s.payment, op, func(ctx context.Context) error {
		if g.tooLate(s.payment.AskedAt) {
			return errTooLate
		}
		o, err = call(ctx, a)
		return err
	})
	return g.answer(ctx, s, o, callErr)
}

// answer writes down the answer to a call, or that there was none. The error is what the caller is
// told: nil also for a refusal by the bank and for a lost answer, which stand in the payment.
func (g *Gateway) answer(ctx context.Context, s chargeStep, o provider.Outcome, callErr error) error {
	_, ours := errors.AsType[*pay.Error](callErr)
	harmless := callErr != nil && (ours || provider.Harmless(callErr))
	var refusal error
	err := g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		refusal = nil
		inv, payments, err := b.open(ctx, s.payment.InvoiceID)
		if err != nil {
			return err
		}
		p := pick(payments, s.payment.ID)
		if err := b.named(ctx, p, s.payment.Asked, o, callErr); err != nil {
			return err
		}
		switch {
		case harmless:
			refusal = upstream(s.merchant.Provider, callErr)
			err = b.nothingHappened(ctx, inv, p, s.payment.Asked)
		case callErr != nil:
			err = b.lost(ctx, inv, payments, p, s.payment.Asked, callErr)
		case o.State == pay.Failed && p.State == pay.Held:
			// A capture that failed leaves open whether the money is still held: that is asked.
			err = b.lost(ctx, inv, payments, p, s.payment.Asked, errors.New("it failed: "+first(o.Code, o.Note)))
		case o.State == pay.Created && p.Way == pay.WayQR:
			err = g.stillWorks(ctx, b, inv, payments, p, o)
		case o.State == pay.Created:
			refusal, err = g.codeAnswer(ctx, b, inv, payments, p, o)
		default:
			err = g.learned(ctx, b, inv, payments, p, o, p.Provider+" answered")
		}
		if err != nil {
			return err
		}
		if refusal != nil {
			err = s.claim.release(ctx, b.Tx)
		} else {
			err = s.claim.finish(ctx, b.Tx)
		}
		if err != nil {
			return err
		}
		if p.State != pay.Unknown && p.Asked == "" {
			return b.DropWork(ctx, workSettle, p.ID)
		}
		if s.work.Lease != "" {
			_, err = b.Retry(ctx, s.work, b.now.Add(g.askAfter(0)), "the answer was lost") // whoever has it by now goes on
		}
		return err
	})
	if err != nil {
		return err
	}
	return refusal
}

// named keeps what the company calls a payment where its answer will not be booked: one without a
// sense, or over another sum. By that name it is asked again.
func (b *book) named(ctx context.Context, p *pay.Payment, asked pay.Asked, o provider.Outcome, callErr error) error {
	ref := heardRef(o.Ref)
	odd := callErr != nil || o.State != pay.Created && o.Amount != 0 && o.Amount != p.Amount
	if ref == "" || !odd || p.Ref != "" || asked != pay.AskedCharge || p.Asked != asked {
		return nil
	}
	p.Ref = ref
	if o.Meta != nil {
		p.Meta = o.Meta
	}
	return b.SavePayment(ctx, *p)
}

// answered closes a call, whatever its answer. The caller saves the payment.
func (b *book) answered(p *pay.Payment) { p.Answered() }

// nothingHappened takes back a call that certainly moved nothing.
func (b *book) nothingHappened(ctx context.Context, inv *pay.Invoice, p *pay.Payment, asked pay.Asked) error {
	if p.Asked != asked {
		return nil // settled without us: the lease had ended
	}
	b.answered(p)
	if asked == pay.AskedCharge && p.State == pay.Created {
		_, err := b.move(ctx, inv, p, pay.Change{To: pay.Failed, At: b.now, Reason: pay.DeclineUnreached}, "nothing was charged")
		return err
	}
	return b.SavePayment(ctx, *p)
}

// lost writes down that a call may have been done. A charge becomes unknown; a hold stays one, and
// stays asked about.
func (b *book) lost(ctx context.Context, inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, asked pay.Asked, cause error) error {
	if p.Asked != asked {
		return nil
	}
	if p.State == pay.Created && asked != pay.AskedResend {
		return b.toUnknown(ctx, inv, payments, p, "no answer: "+cause.Error())
	}
	if asked == pay.AskedResend {
		b.answered(p)
		return b.SavePayment(ctx, *p)
	}
	return b.alarm(ctx, inv, p.ID, pay.AttentionUnknown, fmt.Sprintf("the answer of %s to a %s was lost: it may have been done", p.Provider, asked))
}

// toUnknown writes down that a payment's money may have moved. Beside one that has its money the
// book has no room for it: then it stays as it is, is still asked about, and a person is told.
func (b *book) toUnknown(ctx context.Context, inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, note string) error {
	if beside(payments, p) != nil {
		return b.alarm(ctx, inv, p.ID, pay.AttentionProvider, doubleDoubt(p))
	}
	_, err := b.move(ctx, inv, p, pay.Change{To: pay.Unknown, At: b.now}, note)
	return err
}

// doubleDoubt is what a person is told of a charge beside a payment that has its money. The alarm is
// closed by its words, once it is known what became of the charge.
func doubleDoubt(p *pay.Payment) string {
	return "the answer of " + p.Provider + " was lost while another payment of the invoice has its money: the buyer may have paid twice"
}

// codeAnswer writes down that the buyer was sent a code, or gave a wrong one.
func (g *Gateway) codeAnswer(ctx context.Context, b *book, inv *pay.Invoice, payments []*pay.Payment, p *pay.Payment, o provider.Outcome) (refusal, err error) {
	if p.State != pay.Created {
		return nil, nil // settled without us
	}
	asked := p.Asked
	switch {
	case o.Needs.Kind == "otp":
		b.answered(p)
		p.Ref = "" // another code is another attempt there
		if err := g.learn(p, provider.Proof{Card: o.Card, Ref: o.Ref, Meta: o.Meta}); err != nil {
			return nil, err
		}
		p.ExpiresAt, p.OnExpiry, p.LapseNote = o.Needs.ExpiresAt.Truncate(time.Millisecond), pay.Failed, pay.DeclineCodeLate
		p.CodePhone, p.CodeAt = o.Needs.PhoneMasked, b.now
		if err := b.SavePayment(ctx, *p); err != nil {
			return nil, err
		}
		return nil, b.wrote(ctx, inv, store.Change{What: "payment", PaymentID: p.ID, Was: string(p.State), Now: string(p.State), Note: "a code was sent to the card's owner"})
	case asked == pay.AskedConfirm && o.Reason != "":
		b.answered(p)
		p.Code = o.Code
		p.CodeTries++
		if note := codeOver(*p, o, b.now); note != "" {
			_, err := b.move(ctx, inv, p, pay.Change{To: pay.Failed, At: b.now, Reason: pay.DeclineCodeLate}, note)
			return errCodeLate, err
		}
		if err := b.SavePayment(ctx, *p); err != nil {
			return nil, err
		}
		return errWrongCode, b.wrote(ctx, inv, store.Change{What: "payment", PaymentID: p.ID, Was: string(p.State), Now: string(p.State), Note: "the code was wrong"})
	}
	return nil, b.lost(ctx, inv, payments, p, asked, errors.New("the company still works on it"))
}

// codeOver says why no further code counts, "" where one does.
func codeOver(p pay.Payment, o provider.Outcome, now time.Time) string {
	switch {
	case p.Lapsed(now):
		return "the code came too late"
	case o.Reason == pay.DeclineCodeLate:
		return first(o.Note, p.Provider+" takes no further code")
	case p.CodeTries >= codeTries:
		return "too many wrong codes"
	}
	return ""
}

// CodeTriesLeft is how many wrong codes an attempt still bears here; the company may bear fewer.
func CodeTriesLeft(p pay.Payment) int { return max(0, codeTries-p.CodeTries) }

var (
	errWrongCode = &pay.Error{Code: pay.CodeConflict, Reason: pay.DeclineWrongCode, Message: "the code is wrong; try again"}
	errCodeLate  = &pay.Error{Code: pay.CodeConflict, Reason: pay.DeclineCodeLate, Message: "the code has run out; start the payment again"}
	errNoCode    = &pay.Error{Code: pay.CodeConflict, Reason: "no_code_expected", Message: "no payment of this invoice waits for a code; start with POST /api/invoices/:id/pay"}
)

// ─── The buyer's code ──────────────────────────────────────────────────────────────────────

// ConfirmPay hands the buyer's code over, once. A wrong code is a conflict, and the attempt still
// stands until its code runs out; the same invoice comes back where a twin was faster.
func (g *Gateway) ConfirmPay(ctx context.Context, invoiceID, code string, key Idem) (Saved[Invoice], error) {
	return g.onCode(ctx, "invoice.confirm", PayInput{InvoiceID: invoiceID}, pay.AskedConfirm, key, func(s chargeStep) error {
		return g.ask(ctx, s, "confirm", func(ctx context.Context, a provider.Account) (provider.Outcome, error) {
			return a.(provider.CardCharger).ConfirmCharge(ctx, s.payment, code)
		})
	})
}

// ResendCode has another code sent. Where the card is charged by its number that is needed again,
// since nobody has kept it.
func (g *Gateway) ResendCode(ctx context.Context, in PayInput, key Idem) (Saved[Invoice], error) {
	return g.onCode(ctx, "invoice.resend", in, pay.AskedResend, key, func(s chargeStep) error { return g.sendCharge(ctx, s, in) })
}

// onCode makes one call on the payment that waits for a code.
func (g *Gateway) onCode(ctx context.Context, op string, in PayInput, asked pay.Asked, key Idem, send func(chargeStep) error) (Saved[Invoice], error) {
	out := Saved[Invoice]{Status: http.StatusOK}
	var s chargeStep
	settled := false
	err := wait(ctx, func() (again bool, err error) {
		s, settled, err = g.beginCode(ctx, op, in, asked, key)
		return s.twinRuns, err
	})
	if err == nil {
		err = s.refusal
	}
	if err != nil {
		return out, err
	}
	out.Replayed = s.replayed
	if !s.replayed && !settled {
		if err := send(s); err != nil {
			return out, err
		}
	}
	out.Value, err = g.taken(ctx, in.InvoiceID)
	return out, err
}

// beginCode writes the call down. settled: a twin's code was taken before.
func (g *Gateway) beginCode(ctx context.Context, op string, in PayInput, asked pay.Asked, key Idem) (s chargeStep, settled bool, err error) {
	err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		s, settled = chargeStep{}, false
		inv, payments, err := b.open(ctx, in.InvoiceID)
		if err != nil {
			return err
		}
		if done, err := s.look(ctx, g, b, op, inv, key); done || err != nil {
			return err
		}
		p := newestCharge(payments)
		if p == nil {
			s.refusal = errNoCode
			return nil
		}
		taken := mayTake(inv, payments, p, b.now)
		switch {
		case p.Asked != "" && b.now.Sub(p.AskedAt) < Lease && (p.State == pay.Created || p.State == pay.Held && inv.Capture != "manual" && inv.Attention == ""): // held first, taken at once
			s.twinRuns = true
			return nil
		case p.State == pay.Unknown || p.Asked != "":
			s.refusal = errPaymentInProgress
			return nil
		case asked == pay.AskedConfirm && (p.State == pay.Paid || p.State == pay.Held):
			settled = true
			return nil
		case taken != nil:
			s.refusal = taken
			return nil
		case p.Reason == pay.DeclineCodeLate:
			s.refusal = errCodeLate
			return nil
		case !p.WaitsForCode(b.now):
			s.refusal = errNoCode
			return nil
		}
		if asked == pay.AskedResend {
			if err := g.resend(ctx, b, &s, *p, in); err != nil || s.refusal != nil {
				return err
			}
		}
		if err := p.Ask(asked, p.Amount, b.now); err != nil {
			return err
		}
		if err := b.SavePayment(ctx, *p); err != nil {
			return err
		}
		if s.merchant, err = b.Merchant(ctx, p.MerchantID); err != nil {
			return err
		}
		s.invoice, s.payment = *inv, *p
		return s.start(ctx, b)
	})
	return s, settled, err
}

// resend says whether another code may be sent, and by which card.
func (g *Gateway) resend(ctx context.Context, b *book, s *chargeStep, p pay.Payment, in PayInput) error {
	switch {
	case p.Way == pay.WayCard && in.Number == "":
		s.refusal = errNumberAgain("POST /api/invoices/:id/pay")
		return nil
	case p.Way == pay.WayCard && maskNumber(in.Number) != p.Card.MaskedPAN:
		s.refusal = &pay.Error{Code: pay.CodeConflict, Reason: "other_card", Message: "this is another card than the one that is being charged; start with POST /api/invoices/:id/pay"}
		return nil
	}
	if s.refusal = tooEarly(p.CodeAt, b.now, g.codeEvery(pay.Merchant{Provider: p.Provider})); s.refusal != nil || p.Way == pay.WayCard {
		return nil
	}
	card, err := b.Card(ctx, p.CardID)
	if err != nil {
		return err
	}
	if card.State != pay.CardActive {
		s.refusal = &pay.Error{Code: pay.CodeConflict, Reason: "card_" + string(card.State), Message: "this card is " + string(card.State)}
	}
	s.sealed = card.Sealed
	return nil
}

// newestCharge is the newest payment that we charge by our own call.
func newestCharge(payments []*pay.Payment) *pay.Payment {
	for _, p := range slices.Backward(payments) {
		if p.Way != "" {
			return p
		}
	}
	return nil
}

// ─── What became of a call without an answer ───────────────────────────────────────────────

var askedOps = map[pay.Asked]provider.Op{
	pay.AskedCharge: provider.OpCharge, pay.AskedConfirm: provider.OpCharge,
	pay.AskedCapture: provider.OpCapture, pay.AskedRelease: provider.OpRelease,
}

// settleAsked asks what became of a call whose sender died, or whose answer was lost.
func (g *Gateway) settleAsked(ctx context.Context, w outbox.Work, p pay.Payment) error {
	if p.Asked == pay.AskedResend { // no money: the code that was sent before still counts
		return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
			inv, payments, err := b.open(ctx, p.InvoiceID)
			if err != nil {
				return err
			}
			if err := b.nothingHappened(ctx, inv, pick(payments, p.ID), pay.AskedResend); err != nil {
				return err
			}
			return b.done(ctx, w)
		})
	}
	asked := g.now()
	report, err := g.inquire(ctx, p, provider.Question{
		Ref: p.Ref, PaymentID: p.ID, InvoiceID: p.InvoiceID, Op: askedOps[p.Asked],
		Amount: p.AskedAmount, SentAt: p.AskedAt, Payment: p, Meta: p.Meta, Code: g.keptCode(ctx, p),
	})
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		inv, payments, openErr := b.open(ctx, p.InvoiceID)
		if openErr != nil {
			return openErr
		}
		row := pick(payments, p.ID)
		if row.State != p.State || row.Asked != p.Asked { // somebody else was told, or has decided, meanwhile
			if err == nil && report.Found && (row.State == pay.Failed || row.State == pay.Cancelled) {
				if err := g.learned(ctx, b, inv, payments, row, report.Outcome, "asked "+row.Provider); err != nil {
					return err
				}
			}
			return b.heardAgain(ctx, w, nil) // look anew
		}
		if err == nil {
			if o, known := g.known(report, *row, asked); known {
				if err := g.learned(ctx, b, inv, payments, row, o, "asked "+row.Provider); err != nil {
					return err
				}
				if report.Look != "" {
					if err := b.alarm(ctx, inv, row.ID, pay.AttentionProvider, heardNote(report.Look)); err != nil {
						return err
					}
				}
			}
		}
		if row.Asked != "" && row.State != pay.Unknown {
			if err := b.lost(ctx, inv, payments, row, row.Asked, errors.New("it was never heard of")); err != nil {
				return err
			}
		}
		if errors.Is(err, provider.ErrPuzzled) {
			if err := b.alarm(ctx, inv, row.ID, pay.AttentionProvider, row.Provider+" gives an answer that is not documented: "+err.Error()); err != nil {
				return err
			}
		}
		if errors.Is(err, errCannotAsk) && row.State == pay.Created && row.Asked != "" { // beside a payment that has its money
			if err := b.paidOtherwise(ctx, inv, row, "nobody can be asked whether "+row.Provider+" took money too"); err != nil {
				return err
			}
			if err := b.alarm(ctx, inv, row.ID, pay.AttentionProvider, doubleDoubt(row)+", and it cannot be asked"); err != nil {
				return err
			}
		}
		if row.Asked == "" && row.State != pay.Unknown || errors.Is(err, errCannotAsk) {
			return b.heardDone(ctx, w) // known, or a person decides
		}
		return b.heardAgain(ctx, w, err)
	})
}

// known says whether a report settles what was asked. That something was not done is final only
// where the company said so ten minutes after it was asked: earlier the call may still land.
func (g *Gateway) known(r provider.Report, p pay.Payment, said time.Time) (o provider.Outcome, known bool) {
	late := said.Sub(p.AskedAt) >= finalAfter
	switch {
	case !r.Found && p.State != pay.Held && late:
		reason := pay.DeclineUnreached
		if p.Way == pay.WayCard {
			reason = pay.DeclineCardAgain // its number is gone with the request
		}
		return provider.Outcome{State: pay.Failed, Reason: reason, Code: "not_found", Note: p.Provider + " does not know this payment"}, true
	case !r.Found, r.Outcome.State == pay.Created:
		return o, false
	case r.Outcome.State == pay.Held && p.State == pay.Held:
		return r.Outcome, late
	}
	return r.Outcome, true
}
