package payme_test

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/chorsu/chorsu/internal/provider/providertest"
)

// dialect speaks Payme for the conformance suite.
type dialect struct{}

var attempts atomic.Int64

func (dialect) Begin(b *providertest.Bench, account string, amount int64) providertest.Attempt {
	id := fmt.Sprintf("6385f0c5%016x", attempts.Add(1))
	a := callerOf(b).call(b.T, "CreateTransaction", map[string]any{
		"id": id, "time": b.Now().UnixMilli(), "amount": amount, "account": map[string]any{"order_id": account},
	})
	return providertest.Attempt{Ref: id, Account: account, Amount: amount, Verdict: verdict(a)}
}

func (dialect) Settle(b *providertest.Bench, a providertest.Attempt) providertest.Verdict {
	return verdict(callerOf(b).perform(b.T, a.Ref))
}

func (dialect) Undo(b *providertest.Bench, a providertest.Attempt) (providertest.Verdict, bool) {
	return verdict(callerOf(b).cancel(b.T, a.Ref, 5)), true
}

func (dialect) Forge(b *providertest.Bench, a providertest.Attempt) providertest.Verdict {
	return verdict(caller{b, b.CallbackURL, basic("Paycom", "forged")}.perform(b.T, a.Ref))
}

// Foreign: the messages name no kassa; the key alone says whose they are.
func (dialect) Foreign(*providertest.Bench, string, int64) (providertest.Verdict, bool) {
	return providertest.Verdict{}, false
}

func (dialect) Lapse() time.Duration { return 12 * time.Hour }

// verdict reads an answer. A repeat has no word of its own: it is answered like the first.
func verdict(a said) providertest.Verdict {
	v := providertest.Verdict{Accepted: a.Error.Code == 0, Answer: a.Answer}
	if !v.Accepted {
		v.Code = fmt.Sprint(a.Error.Code)
	}
	return v
}

var _ providertest.Dialect = dialect{}
