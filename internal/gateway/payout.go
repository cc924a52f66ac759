package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/evidence"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// Money out goes like a refund: it is written down before it is sent, asked about when the answer
// is lost, and never sent twice. Two things are its own. A payout in two steps moves nothing until
// it is confirmed, so a lost answer to the first step is harmless; and what must not happen twice
// is the app's own number, with or without an Idempotency-Key.

// confirmWithin is how long a payout waits for its confirmation. After it this gateway never
// confirms it, and nobody else can: it has failed.
const confirmWithin = 24 * time.Hour

// CreatePayout sends money to a card, or makes a payout that is sent when it is confirmed: 201,
// with the payout succeeded, failed (the company's refusal), waiting for its confirmation, or
// pending with attention when the answer was lost; 200 with the payout that the business has under
// this number already. An error of the configuration, or a company that was certainly not reached,
// is CodeUpstream: nothing happened, and number and key are free again.
func (g *Gateway) CreatePayout(ctx context.Context, in PayoutInput, key Idem) (Saved[pay.Payout], error) {
	out := Saved[pay.Payout]{Status: http.StatusCreated}
	var s payoutStep
	err := wait(ctx, func() (again bool, err error) {
		s, err = g.beginPayout(ctx, in, key)
		if errors.Is(err, errTwin) {
			return true, nil
		}
		return s.twinRuns, err
	})
	if err != nil {
		return out, err
	}
	out.Status, out.Replayed = s.status, s.replayed
	if s.send {
		order := s.order(in)
		if s.sealed != "" {
			if order.Token, err = g.openToken(in.CardID, s.sealed); err != nil {
				return out, g.payoutAnswer(ctx, s, provider.MoveOutcome{}, &provider.Error{Kind: provider.KindInvalid, NotSent: true, Err: err})
			}
		}
		err := g.askPayer(ctx, s, "payout", func(ctx context.Context, a provider.Payer) (provider.MoveOutcome, error) { return a.Payout(ctx, order) })
		if err != nil {
			return out, err
		}
	}
	out.Value, err = g.readPayout(ctx, s.payout.ID)
	return out, err
}

// payoutStep is what one look at the book decided.
type payoutStep struct {
	payout   pay.Payout
	merchant pay.Merchant
	sealed   string // the bound card's token
	work     outbox.Work
	claim    claim
	status   int
	replayed bool // the key was known
	twinRuns bool
	send     bool  // the call is ours to make
	confirms bool  // it is the second step
	refusal  error // beside the closure
}

func (s payoutStep) order(in PayoutInput) provider.PayoutOrder {
	return provider.PayoutOrder{PayoutID: s.payout.ID, Amount: in.Amount, Number: in.Number, Person: in.Person, TwoSteps: in.TwoSteps}
}

// look answers from the key where it is known.
func (s *payoutStep) look(ctx context.Context, g *Gateway, b *book, op, source string, key Idem) (done bool, err error) {
	if s.claim, err = g.newClaim(op, source, key, true); err != nil {
		return false, err
	}
	t, err := s.claim.look(ctx, b.Tx, b.now)
	if t == nil || err != nil {
		return false, err
	}
	s.payout.ID, s.status, s.replayed, s.twinRuns = t.resource, t.status, true, t.running
	return true, nil
}

// lease has the work be ours, and claims the key.
func (s *payoutStep) lease(ctx context.Context, b *book) (err error) {
	s.work, err = b.EnqueueLeased(ctx, outbox.Work{BusinessID: s.payout.BusinessID, Kind: workPayout, Subject: s.payout.ID, Lane: s.payout.Provider}, Lease, b.now)
	if err != nil {
		return err
	}
	s.send = true
	return s.take(ctx, b, false)
}

func (s *payoutStep) take(ctx context.Context, b *book, done bool) error {
	t, err := s.claim.take(ctx, b.Tx, s.payout.ID, s.status, done, b.now)
	if err == nil && t != nil { // a twin claimed the key since we looked: undo ours, and answer as it does
		err = errTwin
	}
	return err
}

// beginPayout writes the payout, its call about to be made, and its work leased to us.
func (g *Gateway) beginPayout(ctx context.Context, in PayoutInput, key Idem) (s payoutStep, err error) {
	kyc, err := g.personHash(in.Person)
	if err != nil {
		return s, err
	}
	err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		s = payoutStep{status: http.StatusCreated}
		if done, err := s.look(ctx, g, b, "payout.create", in.Source, key); done || err != nil {
			return err
		}
		if _, ok := g.providers[in.Provider]; !ok {
			return g.unknownProvider()
		}
		s.merchant, err = g.seller(ctx, b.Tx, InvoiceInput{Source: in.Source, Business: in.Business, Provider: in.Provider})
		inactive := err // a payout that was made before is still told of
		if err != nil && s.merchant.ID == "" {
			return err
		}
		m := s.merchant
		had, findErr := b.PayoutNumbered(ctx, m.BusinessID, in.SourcePayoutID)
		switch {
		case findErr == nil:
			return g.samePayout(ctx, b, &s, had, in, kyc)
		case !errors.Is(findErr, store.ErrNotFound):
			return findErr
		case inactive != nil:
			return inactive
		}
		p := pay.Payout{
			ID: id.New(), BusinessID: m.BusinessID, MerchantID: m.ID, Source: m.Source, Business: m.Business, Provider: m.Provider,
			SourcePayoutID: in.SourcePayoutID, Amount: in.Amount, State: pay.MoveSent, TwoSteps: in.TwoSteps,
			CardID: in.CardID, Card: pay.Card{MaskedPAN: maskNumber(in.Number)}, KYCHash: kyc,
			NotifyURL: in.NotifyURL, NotifyDelivered: true, CreatedAt: b.now, SentAt: b.now,
		}
		if in.TwoSteps {
			p.State = pay.MoveCreated
		}
		s.payout = p
		if err := g.canPayout(ctx, b, &s, in); err != nil {
			return err
		}
		ok, err := b.InsertPayout(ctx, s.payout)
		if err != nil {
			return err
		}
		if !ok {
			s.twinRuns = true // another request made it at this moment: look again
			return nil
		}
		if err := b.wrotePayout(ctx, s.payout, "", p.Amount.Words()+" to a card, at "+p.Provider); err != nil {
			return err
		}
		b.after = append(b.after, func() { g.Metrics.Payout(p.Provider, p.State) })
		return s.lease(ctx, b)
	})
	return s, err
}

// personHash is what of a person a repeat is compared by: it tells nothing of them.
func (g *Gateway) personHash(p *pay.Person) (string, error) {
	if p == nil {
		return "", nil
	}
	return g.hash([]string{p.LastName, p.FirstName, p.MiddleName, p.Passport, p.PINFL, p.BirthDate, p.PassportExpiry})
}

// canPayout finds the bound card, and asks the account, which asks nobody.
func (g *Gateway) canPayout(ctx context.Context, b *book, s *payoutStep, in PayoutInput) error {
	a, err := g.account(s.merchant)
	if err != nil {
		return err
	}
	payer, ok := a.(provider.Payer)
	if !ok {
		return &pay.Error{Code: pay.CodeUnsupported, Reason: "no_payouts", Message: g.providers[in.Provider].Info().Title + " sends no money to cards by our call"}
	}
	if in.CardID != "" {
		card, err := found(b.Card(ctx, in.CardID))("card")
		switch {
		case err != nil:
			return err
		case card.MerchantID != s.merchant.ID:
			return notFound("card")
		case card.State != pay.CardActive:
			return &pay.Error{Code: pay.CodeConflict, Reason: "card_" + string(card.State), Message: "this card is " + string(card.State) + " and cannot be paid to"}
		}
		s.sealed, s.payout.Card = card.Sealed, pay.Card{MaskedPAN: card.Card.MaskedPAN, PaymentSystem: card.Card.PaymentSystem}
	}
	return payer.CanPayout(s.order(in))
}

// samePayout answers from the payout that the business has under this number.
func (g *Gateway) samePayout(ctx context.Context, b *book, s *payoutStep, had pay.Payout, in PayoutInput, kyc string) error {
	if differs := payoutDiffers(had, in, kyc); len(differs) > 0 {
		return &pay.Error{Code: pay.CodeConflict, Reason: "differs", Message: "the payout " + in.SourcePayoutID + " was asked for before, and differs", Details: differs}
	}
	s.payout, s.status = had, http.StatusOK
	calling := had.State == pay.MoveSent || had.Making()
	if s.twinRuns = calling && b.now.Sub(had.SentAt) < Lease; s.twinRuns {
		return nil
	}
	return s.take(ctx, b, true)
}

// payoutDiffers names the fields in which a second request for a payout differs from it.
func payoutDiffers(had pay.Payout, in PayoutInput, kyc string) (out []string) {
	add := func(same bool, field string) {
		if !same {
			out = append(out, `"`+field+`" differs from the first request`)
		}
	}
	add(had.Provider == in.Provider, "provider")
	add(had.Amount == in.Amount, "amount")
	// Of a number only the mask is kept. A company may mask it in its own way.
	add(had.CardID == in.CardID && (in.Number == "" || sameMask(had.Card.MaskedPAN, in.Number)), "card")
	add(had.KYCHash == kyc, "kyc")
	add(had.TwoSteps == in.TwoSteps, "confirm")
	add(had.NotifyURL == in.NotifyURL, "notifyUrl")
	return out
}

// sameMask says whether a masked number may be that of a card, by its last four digits and as many
// of its first six as the mask shows.
func sameMask(masked, number string) bool {
	if len(masked) < 8 || len(number) < 8 || masked[len(masked)-4:] != number[len(number)-4:] {
		return false
	}
	for i := range 6 {
		if digit := masked[i] >= '0' && masked[i] <= '9'; digit && masked[i] != number[i] || !digit && i < 4 {
			return false
		}
	}
	return true
}

// ─── The call and its answer ───────────────────────────────────────────────────────────────

// askPayer makes one call and writes down what came of it.
func (g *Gateway) askPayer(ctx context.Context, s payoutStep, op string, call func(context.Context, provider.Payer) (provider.MoveOutcome, error)) error {
	a, err := g.account(s.merchant)
	if err != nil {
		return g.payoutAnswer(ctx, s, provider.MoveOutcome{}, &provider.Error{Kind: provider.KindInvalid, NotSent: true, Err: err})
	}
	var o provider.MoveOutcome
	callErr := g.aboutPayout(ctx, s.merchant, s.payout, op, func(ctx context.Context) error {
		if g.tooLate(s.payout.SentAt) {
			return errTooLate
		}
		o, err = call(ctx, a.(provider.Payer))
		return err
	})
	return g.payoutAnswer(ctx, s, o, callErr)
}

// aboutPayout is call for a payout: its messages stand in its timeline.
func (g *Gateway) aboutPayout(ctx context.Context, m pay.Merchant, p pay.Payout, op string, f func(context.Context) error) error {
	return g.call(ctx, m, pay.Payment{InvoiceID: p.ID, Provider: p.Provider}, op, f)
}

// payoutAnswer writes down the answer to a call, or that there was none. The error is what the
// caller is told: nil also for a refusal and for a lost answer, which stand in the payout.
func (g *Gateway) payoutAnswer(ctx context.Context, s payoutStep, o provider.MoveOutcome, callErr error) error {
	_, ours := errors.AsType[*pay.Error](callErr) // the adapter's own no
	harmless := callErr != nil && (ours || provider.Harmless(callErr))
	var refusal error
	err := g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		refusal = nil
		p, err := b.LockPayout(ctx, s.payout.ID)
		if err != nil {
			return err
		}
		switch {
		case harmless:
			var stands bool
			if stands, err = b.payoutUnsent(ctx, &p, s, callErr); !stands {
				refusal = upstream(s.merchant.Provider, callErr)
			}
		case callErr != nil:
			err = b.payoutLost(ctx, &p, callErr)
		default:
			refusal, err = b.payoutSays(ctx, &p, o, s.confirms, "")
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
		return b.payoutRests(ctx, p, s.work)
	})
	if err != nil {
		return err
	}
	return refusal
}

// payoutUnsent takes back a call that certainly moved nothing. It stands where somebody has settled
// it meanwhile, or made another call.
func (b *book) payoutUnsent(ctx context.Context, p *pay.Payout, s payoutStep, cause error) (stands bool, err error) {
	called := p.State == pay.MoveSent || p.State == pay.MoveUnknown || p.Making() && !s.confirms
	if !called || !p.SentAt.Equal(s.payout.SentAt) {
		return true, nil
	}
	if s.confirms {
		return false, b.movePayout(ctx, p, pay.PayoutChange{To: pay.MoveCreated, Note: "nothing was sent: " + cause.Error()})
	}
	p.Unsent, p.NotifyURL = true, "" // the caller is told now; there is nothing to tell later
	return false, b.movePayout(ctx, p, pay.PayoutChange{To: pay.MoveFailed, Reason: pay.DeclineUnreached, Note: "nothing was sent: " + cause.Error()})
}

// payoutLost writes down that a call may have been carried out. The first of two steps moves
// nothing: there is only to find out whether it was done.
func (b *book) payoutLost(ctx context.Context, p *pay.Payout, cause error) error {
	if p.State != pay.MoveSent {
		return nil
	}
	return b.movePayout(ctx, p, pay.PayoutChange{To: pay.MoveUnknown, Note: "no answer: " + cause.Error()})
}

// payoutSays writes down what the company says of a payout. refusal: its code was wrong.
func (b *book) payoutSays(ctx context.Context, p *pay.Payout, o provider.MoveOutcome, confirms bool, note string) (refusal, err error) {
	c := pay.PayoutChange{
		To: o.State, Ref: heardRef(o.Ref), Reason: o.Reason, Code: heardCode(o.Code), Note: heardNote(first(o.Note, note)),
		Card: heardCard(o.Card), ReceiptURL: heardURL(o.ReceiptURL),
	}
	if c.Ref != "" && p.Ref == "" {
		other, err := b.PayoutByRef(ctx, p.MerchantID, c.Ref)
		if err == nil {
			return nil, b.payoutAlarm(ctx, *p, pay.AttentionProvider, p.Provider+" gives the payout the id of another: "+other.ID)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	switch {
	case p.Ref != "" && c.Ref != "" && c.Ref != p.Ref:
		return nil, b.payoutAlarm(ctx, *p, pay.AttentionProvider, p.Provider+" calls the payout by another id than before: "+c.Ref)
	case o.Amount != 0 && o.Amount != p.Amount:
		if err := b.payoutLost(ctx, p, errors.New("another amount")); err != nil {
			return nil, err
		}
		return nil, b.payoutAlarm(ctx, *p, pay.AttentionAmount, p.Provider+" speaks of "+o.Amount.Words()+" instead of "+p.Amount.Words())
	case p.Card.MaskedPAN != "" && c.Card.MaskedPAN != "" && !sameMask(c.Card.MaskedPAN, p.Card.MaskedPAN):
		if err := b.payoutLost(ctx, p, errors.New("another card")); err != nil {
			return nil, err
		}
		return nil, b.payoutAlarm(ctx, *p, pay.AttentionProvider, p.Provider+" speaks of another card: "+c.Card.MaskedPAN)
	case p.State == pay.MoveFailed && o.State == pay.MoveSucceeded && !p.Unsent:
		if err := b.movePayout(ctx, p, c); err != nil {
			return nil, err
		}
		return nil, b.payoutAlarm(ctx, *p, pay.AttentionProvider, p.Provider+" says that the payout arrived after it was taken for failed")
	case !p.State.Underway(), p.State == c.To && c.To != pay.MoveCreated:
		return nil, nil
	case o.State == pay.MoveSent && p.State != pay.MoveCreated: // it still works on it
		p.Learn(c)
		return nil, b.SavePayout(ctx, *p)
	case o.State == pay.MoveCreated && p.Making():
		if c.Ref == "" {
			return nil, nil // it is asked for
		}
		p.Learn(c)
		if err := b.SavePayout(ctx, *p); err != nil {
			return nil, err
		}
		return nil, b.wrotePayout(ctx, *p, p.State, "waits for its confirmation")
	case o.State == pay.MoveCreated && confirms && o.Reason != "":
		if p.CodeTries++; p.CodeTries >= codeTries {
			c.To, c.Reason, c.Note = pay.MoveFailed, pay.DeclineCodeLate, "too many wrong codes"
			return errCodeLate, b.movePayout(ctx, p, c)
		}
		return errWrongCode, b.movePayout(ctx, p, c)
	case o.State == pay.MoveCreated:
		return nil, b.payoutLost(ctx, p, errors.New("it is not confirmed there yet"))
	case p.State == pay.MoveCreated && o.State == pay.MoveSucceeded: // sent without our confirmation
		if err := b.movePayout(ctx, p, pay.PayoutChange{To: pay.MoveSent}); err != nil {
			return nil, err
		}
	}
	return nil, b.movePayout(ctx, p, c)
}

// payoutRests says when a payout is looked at again, now that its call is over.
func (b *book) payoutRests(ctx context.Context, p pay.Payout, w outbox.Work) error {
	if !p.State.Underway() {
		return b.DropWork(ctx, workPayout, p.ID)
	}
	if w.Lease == "" {
		return nil // whoever has it goes on
	}
	at, why := b.now.Add(b.g.askAfter(0)), "the answer was lost"
	if p.Waits() {
		at, why = p.CreatedAt.Add(confirmWithin), ""
	}
	_, err := b.Retry(ctx, w, at, why)
	return err
}

// ─── The second step ───────────────────────────────────────────────────────────────────────

// ConfirmPayout has a payout sent, once. A wrong code is a conflict, and the payout still waits;
// one that was sent before comes back as it stands.
func (g *Gateway) ConfirmPayout(ctx context.Context, payoutID, code string, key Idem) (Saved[pay.Payout], error) {
	return g.onPayout(ctx, payoutID, "payout.confirm", key, func(ctx context.Context, b *book, s *payoutStep, p *pay.Payout) error {
		switch {
		case p.State == pay.MoveSucceeded:
			return s.take(ctx, b, true)
		case p.State == pay.MoveFailed:
			return &pay.Error{Code: pay.CodeConflict, Reason: first(p.Reason, "payout_failed"), Message: "this payout has failed; make a new one"}
		case !p.Waits():
			return errPayoutInProgress
		case !b.now.Before(p.CreatedAt.Add(confirmWithin)):
			s.refusal = errCodeLate
			return b.movePayout(ctx, p, pay.PayoutChange{To: pay.MoveFailed, Reason: pay.DeclineUnconfirmed})
		}
		p.SentAt, s.confirms = b.now, true
		if err := b.movePayout(ctx, p, pay.PayoutChange{To: pay.MoveSent}); err != nil {
			return err
		}
		s.payout = *p
		return s.lease(ctx, b)
	}, func(s payoutStep) error {
		return g.askPayer(ctx, s, "confirm_payout", func(ctx context.Context, a provider.Payer) (provider.MoveOutcome, error) {
			return a.ConfirmPayout(ctx, s.payout, code)
		})
	})
}

var errPayoutInProgress = &pay.Error{Code: pay.CodeConflict, Reason: "payout_in_progress", Message: "the outcome of this payout is not known yet; read it until it is"}

// ResendPayoutCode has the code of a payout sent again, where the company has such a call.
func (g *Gateway) ResendPayoutCode(ctx context.Context, payoutID string, key Idem) (Saved[pay.Payout], error) {
	var before time.Time // when the code was sent that counts if this one is not
	return g.onPayout(ctx, payoutID, "payout.resend", key, func(ctx context.Context, b *book, s *payoutStep, p *pay.Payout) error {
		if !p.Waits() {
			return errNoCode
		}
		if left := resendGap - b.now.Sub(p.SentAt); left > 0 {
			return &pay.Error{Code: pay.CodeRateLimited, Reason: "too_early", RetryAfter: left, Message: "a code was just sent"}
		}
		if _, ok := g.providers[p.Provider].Info().Account.(provider.PayoutResender); !ok {
			return &pay.Error{Code: pay.CodeUnsupported, Reason: "no_resend", Message: p.Provider + " sends a payout's code once; make a new payout"}
		}
		before, p.SentAt, s.send = p.SentAt, b.now, true
		s.payout = *p
		if err := b.SavePayout(ctx, *p); err != nil {
			return err
		}
		return s.take(ctx, b, false)
	}, func(s payoutStep) error {
		a, err := g.account(s.merchant)
		if err == nil {
			err = g.aboutPayout(ctx, s.merchant, s.payout, "resend_payout", func(ctx context.Context) error {
				return a.(provider.PayoutResender).ResendPayoutCode(ctx, s.payout)
			})
		}
		return g.payoutResent(ctx, s, before, err)
	})
}

// payoutResent writes down how a resend ended. One that failed gives its key back, so that the same
// request may be made again; and where nothing was sent, it need not wait its minute.
func (g *Gateway) payoutResent(ctx context.Context, s payoutStep, before time.Time, callErr error) error {
	err := g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error {
		p, err := b.LockPayout(ctx, s.payout.ID)
		switch {
		case err != nil:
			return err
		case callErr == nil:
			if err := b.wrotePayout(ctx, p, p.State, "another code is sent"); err != nil {
				return err
			}
			return s.claim.finish(ctx, b.Tx)
		case unsent(callErr) && p.Waits() && p.SentAt.Equal(s.payout.SentAt):
			p.SentAt = before
			if err := b.SavePayout(ctx, p); err != nil {
				return err
			}
		}
		return s.claim.release(ctx, b.Tx)
	})
	if err == nil && callErr != nil {
		err = upstream(s.merchant.Provider, callErr)
	}
	return err
}

// unsent says whether it is certain that a call never left.
func unsent(err error) bool {
	_, ours := errors.AsType[*pay.Error](err)
	e, theirs := errors.AsType[*provider.Error](err)
	return ours || theirs && e.NotSent
}

// onPayout decides about one payout under its lock, and then makes the call that was decided on.
func (g *Gateway) onPayout(ctx context.Context, payoutID, op string, key Idem, decide func(context.Context, *book, *payoutStep, *pay.Payout) error, send func(payoutStep) error) (Saved[pay.Payout], error) {
	out := Saved[pay.Payout]{Status: http.StatusOK}
	var s payoutStep
	err := wait(ctx, func() (again bool, err error) {
		err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
			s = payoutStep{status: http.StatusOK}
			p, err := found(b.LockPayout(ctx, payoutID))("payout")
			if err != nil {
				return err
			}
			if done, err := s.look(ctx, g, b, op, p.Source, key); done || err != nil {
				return err
			}
			calling := p.State == pay.MoveSent || p.Making()
			if s.twinRuns = calling && b.now.Sub(p.SentAt) < Lease; s.twinRuns {
				return nil
			}
			if s.merchant, err = b.Merchant(ctx, p.MerchantID); err != nil {
				return err
			}
			s.payout = p
			return decide(ctx, b, &s, &p)
		})
		if errors.Is(err, errTwin) {
			return true, nil
		}
		return s.twinRuns, err
	})
	if err == nil {
		err = s.refusal
	}
	if err != nil {
		return out, err
	}
	if out.Replayed = s.replayed; s.send {
		if err := send(s); err != nil {
			return out, err
		}
	}
	out.Value, err = g.readPayout(ctx, payoutID)
	return out, err
}

// ─── What became of it ─────────────────────────────────────────────────────────────────────

// payoutWork asks what became of a payout whose sender died, or whose answer was lost, and ends
// one that nobody confirmed.
func (g *Gateway) payoutWork(ctx context.Context, w outbox.Work) error {
	p, err := g.readPayout(ctx, w.Subject)
	if err != nil {
		return err
	}
	if !p.State.Underway() {
		return g.finish(ctx, w)
	}
	if p.Waits() {
		return g.endWaiting(ctx, w)
	}
	asked := g.now()
	report, askErr := g.inquirePayout(ctx, p)
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		row, err := b.LockPayout(ctx, p.ID)
		if err != nil {
			return err
		}
		if row.State != p.State || row.Ref != p.Ref || !row.SentAt.Equal(p.SentAt) {
			if askErr == nil && report.Found && row.State == pay.MoveFailed && report.Move.State == pay.MoveSucceeded {
				if _, err := b.payoutSays(ctx, &row, report.Move, false, "asked "+row.Provider); err != nil {
					return err
				}
			}
			return b.heardAgain(ctx, w, nil) // somebody else was told, or calls, meanwhile: look anew
		}
		if err := b.payoutFate(ctx, &row, report, askErr, asked); err != nil {
			return err
		}
		switch {
		case !row.State.Underway(), errors.Is(askErr, errCannotAsk):
			return b.heardDone(ctx, w) // known, or a person decides
		case row.Waits():
			return b.heardLater(ctx, w, row.CreatedAt.Add(confirmWithin), "")
		}
		return b.heardAgain(ctx, w, askErr)
	})
}

// endWaiting fails a payout that was not confirmed in time.
func (g *Gateway) endWaiting(ctx context.Context, w outbox.Work) error {
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		p, err := b.LockPayout(ctx, w.Subject)
		if err != nil {
			return err
		}
		ends := p.CreatedAt.Add(confirmWithin)
		switch {
		case p.Waits() && b.now.Before(ends):
			return b.later(ctx, w, ends, "")
		case p.Waits():
			if err := b.movePayout(ctx, &p, pay.PayoutChange{To: pay.MoveFailed, Reason: pay.DeclineUnconfirmed, Note: "nobody confirmed it within a day"}); err != nil {
				return err
			}
		case p.State.Underway():
			return b.again(ctx, w, nil)
		}
		return b.done(ctx, w)
	})
}

// inquirePayout asks the company.
func (g *Gateway) inquirePayout(ctx context.Context, p pay.Payout) (report provider.Report, err error) {
	m, err := g.merchant(ctx, p.MerchantID)
	if err != nil {
		return report, err
	}
	a, err := g.account(m)
	if err != nil {
		return report, err
	}
	asker, ok := a.(provider.Inquirer)
	if !ok {
		return report, errCannotAsk
	}
	err = g.aboutPayout(ctx, m, p, "inquire", func(ctx context.Context) error {
		report, err = asker.Inquire(ctx, provider.Question{Ref: p.Ref, OpID: p.ID, Op: provider.OpPayout, Amount: p.Amount, SentAt: p.SentAt, Payout: p})
		return err
	})
	if report.Warning != "" {
		g.Logger.WarnContext(ctx, "a provider's answer is odd", "provider", p.Provider, "payout", p.ID, "odd", report.Warning)
	}
	if e, ok := errors.AsType[*pay.Error](err); ok && e.Code == pay.CodeUnsupported {
		return report, errCannotAsk
	}
	return report, err
}

// payoutFate writes down what asking brought. That a call never landed is believed where it was asked
// about ten minutes after it was sent, not earlier.
func (b *book) payoutFate(ctx context.Context, p *pay.Payout, r provider.Report, askErr error, asked time.Time) error {
	late := asked.Sub(p.SentAt) >= finalAfter
	switch {
	case p.Making() && (errors.Is(askErr, errCannotAsk) || b.now.Sub(p.CreatedAt) >= confirmWithin && (askErr != nil || !r.Found || r.Move.State == pay.MoveCreated)):
		// Whether it was made there does not matter: only our confirmation could move its money.
		return b.movePayout(ctx, p, pay.PayoutChange{To: pay.MoveFailed, Reason: neverMade(*p), Note: "the answer was lost, and nothing was confirmed"})
	case askErr != nil:
		return b.payoutLost(ctx, p, askErr)
	case !r.Found && late:
		return b.movePayout(ctx, p, pay.PayoutChange{To: pay.MoveFailed, Reason: neverMade(*p), Code: "not_found", Note: p.Provider + " does not know this payout"})
	case !r.Found:
		return b.payoutLost(ctx, p, errors.New("it was not heard of yet"))
	case r.Move.State == pay.MoveCreated && !p.Making() && p.TwoSteps && late:
		return b.movePayout(ctx, p, pay.PayoutChange{To: pay.MoveCreated, Note: "its confirmation never arrived: it still waits"})
	}
	_, err := b.payoutSays(ctx, p, r.Move, false, "asked "+p.Provider)
	return err
}

// neverMade is why a payout fails that never reached the company.
func neverMade(p pay.Payout) string {
	if p.CardID == "" {
		return pay.DeclineCardAgain // its number is gone with the request
	}
	return pay.DeclineUnreached
}

// DecidePayout settles by a named person's word a payout that nobody can tell of.
func (g *Gateway) DecidePayout(ctx context.Context, payoutID string, happened bool, who, why string) error {
	return g.update(ctx, who, func(ctx context.Context, b *book) error {
		p, err := found(b.LockPayout(ctx, payoutID))("payout")
		if err != nil {
			return err
		}
		return b.payoutDecided(ctx, &p, happened, who, withoutCards(why))
	})
}

// payoutDecided settles a payout of unknown outcome by what somebody says.
func (b *book) payoutDecided(ctx context.Context, p *pay.Payout, happened bool, who, why string) error {
	if p.State != pay.MoveUnknown {
		return errPayoutKnown
	}
	c := pay.PayoutChange{To: pay.MoveFailed, Reason: pay.DeclineOther, Code: "decided", Note: "decided by " + who + ": " + why}
	if happened {
		c.To, c.Reason = pay.MoveSucceeded, ""
	}
	if err := b.movePayout(ctx, p, c); err != nil {
		return err
	}
	return b.DropWork(ctx, workPayout, p.ID)
}

var errPayoutKnown = &pay.Error{Code: pay.CodeConflict, Reason: "nothing_unknown", Message: "nothing about this payout is unknown"}

// arrivedAfterAll books, in a person's name, a payout that was taken for failed and stands in the
// company's list as one that arrived.
func (g *Gateway) arrivedAfterAll(ctx context.Context, payoutID, who, note string) error {
	return g.update(context.WithoutCancel(ctx), who, func(ctx context.Context, b *book) error {
		p, err := b.LockPayout(ctx, payoutID)
		if err != nil || p.State != pay.MoveFailed || p.Unsent {
			return err
		}
		return b.movePayout(ctx, &p, pay.PayoutChange{To: pay.MoveSucceeded, Code: "decided", Note: note})
	})
}

// ─── Writing it down ───────────────────────────────────────────────────────────────────────

// movePayout takes a payout along one arrow; every state of one changes here and nowhere else. A
// repeat writes nothing.
func (b *book) movePayout(ctx context.Context, p *pay.Payout, c pay.PayoutChange) error {
	was := p.State
	c.At = b.now
	changed, err := p.Apply(c)
	if err != nil || !changed {
		return err
	}
	if !p.State.Underway() && p.NotifyURL != "" {
		if err := b.payoutEvent(ctx, p); err != nil {
			return err
		}
	}
	if err := b.SavePayout(ctx, *p); err != nil {
		return err
	}
	if err := b.wrotePayout(ctx, *p, was, c.Note); err != nil {
		return err
	}
	state := p.State
	b.after = append(b.after, func() { b.g.Metrics.Payout(p.Provider, state) })
	if was == pay.MoveUnknown {
		if err := b.payoutSettled(ctx, *p); err != nil {
			return err
		}
	}
	if p.State == pay.MoveUnknown {
		return b.payoutAlarm(ctx, *p, pay.AttentionUnknown, "the answer of "+p.Provider+" was lost: the money may have been sent")
	}
	return nil
}

// wrotePayout puts one line into the timeline of a payout.
func (b *book) wrotePayout(ctx context.Context, p pay.Payout, was pay.MoveState, note string) error {
	return b.InsertChange(ctx, store.Change{
		ID: id.New(), BusinessID: p.BusinessID, InvoiceID: p.ID, At: b.now, What: "payout",
		Was: string(was), Now: string(p.State), By: b.by, Note: note,
	})
}

// payoutAlarm puts something before a person: once per kind and words, as long as it stands.
func (b *book) payoutAlarm(ctx context.Context, p pay.Payout, kind pay.Attention, message string) error {
	standing, err := b.PayoutAlarms(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, a := range standing {
		if a.ClosedAt.IsZero() && a.Kind == kind && a.Message == message {
			return nil
		}
	}
	return b.InsertAlarm(ctx, pay.Alarm{ID: id.New(), BusinessID: p.BusinessID, PayoutID: p.ID, Kind: kind, Message: message, CreatedAt: b.now})
}

// payoutSettled closes the alarms about a payout whose outcome is known now, but those that say
// that the company does not agree with our book.
func (b *book) payoutSettled(ctx context.Context, p pay.Payout) error {
	standing, err := b.PayoutAlarms(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, a := range standing {
		if a.ClosedAt.IsZero() && a.Kind != pay.AttentionProvider {
			if err := b.CloseAlarm(ctx, a.ID, b.by, b.now); err != nil {
				return err
			}
		}
	}
	return nil
}

// payoutEvent freezes the webhook's bytes and leaves its delivery to the outbox. The caller saves
// the payout.
func (b *book) payoutEvent(ctx context.Context, p *pay.Payout) error {
	seq, err := b.NextPayoutSeq(ctx, p.ID)
	if err != nil {
		return err
	}
	e := store.PayoutEvent{PayoutID: p.ID, Event: pay.Event{
		ID: id.New(), BusinessID: p.BusinessID, Type: pay.EventPayoutUpdated, Seq: seq, NotifyURL: p.NotifyURL, CreatedAt: b.now,
	}}
	if e.Body, err = json.Marshal(payoutBody(*p, e)); err != nil {
		return err
	}
	if err := b.InsertPayoutEvent(ctx, e); err != nil {
		return err
	}
	p.NotifyDelivered = false
	return b.Enqueue(ctx, outbox.Work{BusinessID: p.BusinessID, Kind: workTell, Subject: p.ID, Lane: lane(p.NotifyURL), DueAt: b.now})
}

// payoutMessage is the body of a webhook about a payout.
type payoutMessage struct {
	ID             string       `json:"id"`
	Source         string       `json:"source"`
	BusinessID     string       `json:"businessId"`
	SourcePayoutID string       `json:"sourcePayoutId"`
	Amount         pay.Tiyin    `json:"amount"`
	Currency       string       `json:"currency"`
	Status         string       `json:"status"`
	Reason         *string      `json:"reason"`
	Provider       string       `json:"provider"`
	ProviderUUID   *string      `json:"providerUuid"`
	DoneAt         *string      `json:"doneAt"`
	Card           *webhookCard `json:"card"`
	ReceiptURL     *string      `json:"receiptUrl"`
	EventID        string       `json:"eventId"`
	Event          string       `json:"event"`
	Sequence       int64        `json:"sequence"`
	OccurredAt     string       `json:"occurredAt"`
}

func payoutBody(p pay.Payout, e store.PayoutEvent) payoutMessage {
	m := payoutMessage{
		ID: p.ID, Source: p.Source, BusinessID: p.Business, SourcePayoutID: p.SourcePayoutID, Amount: p.Amount,
		Currency: pay.CurrencyUZS, Status: p.State.Public(), Provider: p.Provider, ProviderUUID: text(p.Ref),
		DoneAt: stamp(p.DoneAt), ReceiptURL: text(p.ReceiptURL),
		EventID: e.ID, Event: e.Type, Sequence: e.Seq, OccurredAt: *stamp(e.CreatedAt),
	}
	if p.State == pay.MoveFailed {
		m.Reason = text(first(p.Reason, pay.DeclineOther))
	}
	if p.Card.MaskedPAN != "" || p.Card.PaymentSystem != "" {
		m.Card = &webhookCard{PAN: p.Card.MaskedPAN, PaymentSystem: p.Card.PaymentSystem}
	}
	return m
}

// deliverPayout sends the oldest event of a payout that has not arrived, once.
func (g *Gateway) deliverPayout(ctx context.Context, w outbox.Work) error {
	var waiting []store.PayoutEvent
	err := g.store.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		waiting, err = tx.UndeliveredPayoutEvents(ctx, w.Subject)
		return err
	})
	if err != nil {
		return err
	}
	if len(waiting) == 0 {
		return g.finish(ctx, w)
	}
	sent := waiting[0]
	if g.now().Before(sent.NextAt) {
		return g.update(ctx, byWorker, func(ctx context.Context, b *book) error { return b.later(ctx, w, sent.NextAt, w.LastError) })
	}
	res := g.send(ctx, sent.Event, sent.PayoutID)
	return g.update(context.WithoutCancel(ctx), byWorker, func(ctx context.Context, b *book) error {
		e := sent // the closure may run again
		p, err := b.LockPayout(ctx, e.PayoutID)
		if err != nil {
			return err
		}
		e.Attempts++
		if err := b.InsertPayoutDelivery(ctx, store.Delivery{
			ID: id.New(), BusinessID: e.BusinessID, EventID: e.ID, InvoiceID: e.PayoutID, Attempt: e.Attempts,
			At: b.now, Status: res.Status, Duration: res.Duration, Error: res.Error, Answer: evidence.Mask(res.Answer),
		}); err != nil {
			return err
		}
		e.NextAt = g.afterDelivery(&e.Event, res.Delivered, b.now)
		switch ok, err := b.SavePayoutTry(ctx, e, sent.Attempts); {
		case err != nil:
			return err
		case !ok: // NotifyPayout came while this try was under way
			return b.done(ctx, w)
		}
		switch {
		case !e.NextAt.IsZero():
			return b.later(ctx, w, e.NextAt, res.Error)
		case len(waiting) > 1:
			return b.later(ctx, w, b.now, "")
		case res.Delivered:
			p.NotifyDelivered = true
			if err := b.SavePayout(ctx, p); err != nil {
				return err
			}
		}
		return b.done(ctx, w)
	})
}

// NotifyPayout sends the latest event of a payout again, the same id and bytes, from its first try
// on. A payout that has not ended, or has no address, has none.
func (g *Gateway) NotifyPayout(ctx context.Context, payoutID string, key Idem) (Saved[pay.Payout], error) {
	out := Saved[pay.Payout]{Status: http.StatusOK}
	err := wait(ctx, func() (again bool, err error) {
		var s payoutStep
		err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
			s = payoutStep{status: http.StatusOK}
			p, err := found(b.LockPayout(ctx, payoutID))("payout")
			if err != nil {
				return err
			}
			if done, err := s.look(ctx, g, b, "payout.notify", p.Source, key); done || err != nil {
				return err
			}
			if err := b.tellAgain(ctx, p); err != nil {
				return err
			}
			s.payout = p
			return s.take(ctx, b, true)
		})
		out.Replayed = s.replayed
		if errors.Is(err, errTwin) {
			return true, nil
		}
		return s.twinRuns, err
	})
	if err != nil {
		return out, err
	}
	out.Value, err = g.readPayout(ctx, payoutID)
	return out, err
}

// tellAgain has the latest event of a payout tried anew.
func (b *book) tellAgain(ctx context.Context, p pay.Payout) error {
	e, err := b.LatestPayoutEvent(ctx, p.ID)
	if errors.Is(err, store.ErrNotFound) {
		return &pay.Error{Code: pay.CodeConflict, Reason: "no_event", Message: "there is no webhook of this payout: it has not ended, or has no notifyUrl"}
	}
	if err != nil {
		return err
	}
	e.DeliveredAt, e.StuckAt, e.DeadAt, e.NextAt, e.Attempts = time.Time{}, time.Time{}, time.Time{}, time.Time{}, 0
	if err := b.SavePayoutEvent(ctx, e); err != nil {
		return err
	}
	p.NotifyDelivered = false
	if err := b.SavePayout(ctx, p); err != nil {
		return err
	}
	return b.Enqueue(ctx, outbox.Work{BusinessID: p.BusinessID, Kind: workTell, Subject: p.ID, Lane: lane(e.NotifyURL), DueAt: b.now})
}

// ─── Reading ───────────────────────────────────────────────────────────────────────────────

// Payout reads one payout. Reading one whose outcome is not known has the company asked soon.
func (g *Gateway) Payout(ctx context.Context, payoutID string) (pay.Payout, error) {
	p, err := g.readPayout(ctx, payoutID)
	if err != nil || !p.State.Underway() || p.Waits() || g.now().Sub(p.SentAt) < Lease || !g.mayAsk(p.ID) {
		return p, err
	}
	soon := g.update(context.WithoutCancel(ctx), byAPI, func(ctx context.Context, b *book) error { return b.hasten(ctx, workPayout, p.ID) })
	if soon != nil {
		g.Logger.WarnContext(ctx, "a question could not be brought forward", "payout", p.ID, "error", soon)
	}
	return p, nil
}

func (g *Gateway) readPayout(ctx context.Context, payoutID string) (p pay.Payout, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err = found(tx.Payout(ctx, payoutID))("payout")
		return err
	})
	return p, err
}

// Payouts lists payouts. Unlike Payout it has nobody asked.
func (g *Gateway) Payouts(ctx context.Context, f PayoutFilter, p Page) (List[pay.Payout], error) {
	var out List[pay.Payout]
	page, err := p.decode()
	if err != nil {
		return out, err
	}
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		rows, err := tx.Payouts(ctx, store.PayoutFilter(f), page)
		out.Items, out.Next = cut(rows, page, func(p pay.Payout) (int64, string) { return p.CreatedAt.UnixMilli(), p.ID })
		return err
	})
	return out, err
}
