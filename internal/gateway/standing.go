package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// Standing is how far a merchant is on its way to real payments, by what was seen.
type Standing struct {
	Checkable bool // its company has a call that shows whether it takes the credentials
	CalledBy  bool // its company calls us

	Heard     time.Time // when the company last called; zero: never, or too long ago to be kept
	HeardStep string    // the method of its protocol
	HeardHTTP int       // what we answered

	Paid, Returned bool // a payment ever was paid; money ever was returned
	Delivered      bool // an event of the business ever reached its app
}

// Standing reads it.
func (g *Gateway) Standing(ctx context.Context, merchantID string) (s Standing, err error) {
	m, err := g.merchant(ctx, merchantID)
	if err != nil {
		return s, err
	}
	if p, ok := g.providers[m.Provider]; ok {
		_, s.Checkable = p.Info().Account.(provider.CredentialChecker)
		_, s.CalledBy = p.Info().Account.(provider.CallbackServer)
	}
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		heard, err := tx.LastHeard(ctx, merchantID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		s.Heard, s.HeardStep, s.HeardHTTP = heard.At, heard.Step, heard.Status
		if s.Paid, s.Returned, err = tx.PaidAndReturned(ctx, merchantID); err != nil {
			return err
		}
		s.Delivered, err = tx.DeliveredOnce(ctx, m.BusinessID)
		return err
	})
	return s, err
}

// Credit is what a company thinks of a merchant's credentials.
type Credit string

// The answers.
const (
	CreditGood    Credit = "good"
	CreditBad     Credit = "bad"
	CreditUnclear Credit = "unclear" // it could not be asked, or did not answer: try later
	CreditNone    Credit = "none"    // there is no call that would tell: the company calls us
)

// CheckCredentials asks the company, by a call that does nothing else. said is its own word where
// it said no, or could not be understood.
func (g *Gateway) CheckCredentials(ctx context.Context, merchantID string) (c Credit, said string, err error) {
	m, err := g.merchant(ctx, merchantID)
	if err != nil {
		return "", "", err
	}
	account, err := g.account(m)
	if err != nil {
		return "", "", err
	}
	checker, ok := account.(provider.CredentialChecker)
	if !ok {
		return CreditNone, "", nil
	}
	err = g.call(ctx, m, pay.Payment{}, "credentials", checker.CheckCredentials)
	if err == nil {
		return CreditGood, "", nil
	}
	if e, ok := errors.AsType[*pay.Error](err); ok && e.Code == pay.CodeUnsupported {
		return CreditNone, "", nil
	}
	if e, ok := errors.AsType[*provider.Error](err); ok {
		said = e.Code
		if e.Message != "" {
			said += " " + e.Message
		}
		if e.Kind == provider.KindAuth {
			return CreditBad, said, nil
		}
	}
	return CreditUnclear, said, nil
}
