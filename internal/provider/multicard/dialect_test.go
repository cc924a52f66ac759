package multicard_test

import (
	"fmt"
	"time"

	"github.com/chorsu/chorsu/internal/provider/providertest"
)

// dialect speaks Multicard for the conformance suite: the success callback.
type dialect struct{}

// Begin reads what our own call made: the page is there before Multicard ever speaks.
func (dialect) Begin(b *providertest.Bench, account string, amount int64) providertest.Attempt {
	a := providertest.Attempt{Account: account, Amount: amount}
	for _, p := range b.Payments(account) {
		a.Ref, a.Extra = p.Ref, map[string]string{"payment": p.ID}
	}
	a.Verdict.Accepted = a.Ref != ""
	return a
}

func (dialect) Settle(b *providertest.Bench, a providertest.Attempt) providertest.Verdict {
	return send(b, a, "")
}

// Undo: Multicard has no call that takes a payment back. Its webhooks tell of what was done in
// its cabinet, and what counts then is what is read from its API.
func (dialect) Undo(*providertest.Bench, providertest.Attempt) (providertest.Verdict, bool) {
	return providertest.Verdict{}, false
}

func (dialect) Forge(b *providertest.Bench, a providertest.Attempt) providertest.Verdict {
	return send(b, a, "00000000000000000000000000000000")
}

// Foreign: no message of Multicard's begins an attempt.
func (dialect) Foreign(*providertest.Bench, string, int64) (providertest.Verdict, bool) {
	return providertest.Verdict{}, false
}

// Lapse: a page lives as long as its invoice.
func (dialect) Lapse() time.Duration { return 0 }

func send(b *providertest.Bench, a providertest.Attempt, sign string) providertest.Verdict {
	s := &scene{b.T, b}
	p := s.payment(a.Account)
	p.Ref, p.ID = a.Ref, a.Extra["payment"]
	body := successOf(p, a.Amount)
	if sign != "" {
		body["sign"] = sign
	}
	answer := s.post(body)
	v := providertest.Verdict{Accepted: says(answer, true), Answer: answer}
	if !v.Accepted {
		v.Code = fmt.Sprint(answer.Status)
	}
	return v
}

var _ providertest.Dialect = dialect{}
