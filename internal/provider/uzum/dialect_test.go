package uzum_test

import (
	"time"

	"github.com/google/uuid"

	"github.com/chorsu/chorsu/internal/provider/providertest"
)

// dialect is Uzum's way of speaking, for the suite that every provider passes.
type dialect struct{}

func (dialect) Begin(b *providertest.Bench, account string, amount int64) providertest.Attempt {
	a := providertest.Attempt{Ref: uuid.NewString(), Account: account, Amount: amount}
	a.Verdict = verdict(create(b, a.Ref, account, amount), "10010")
	return a
}

func (dialect) Settle(b *providertest.Bench, a providertest.Attempt) providertest.Verdict {
	return verdict(confirm(b, a.Ref), "10016")
}

func (dialect) Undo(b *providertest.Bench, a providertest.Attempt) (providertest.Verdict, bool) {
	return verdict(reverse(b, a.Ref), "10018"), true
}

func (dialect) Forge(b *providertest.Bench, a providertest.Attempt) providertest.Verdict {
	body := []byte(`{"serviceId":101202,"timestamp":1698361456728,"transId":"` + a.Ref + `","paymentSource":"UZCARD"}`)
	return verdict(b.Do("POST", b.CallbackURL+"/confirm", authorization(credentials["password"]+"x"), body), "")
}

func (dialect) Foreign(b *providertest.Bench, account string, amount int64) (providertest.Verdict, bool) {
	return verdict(message(b, "create", fields{
		"serviceId": serviceID + 1, "transId": uuid.NewString(), "params": fields{"order_id": account}, "amount": amount,
	}), ""), true
}

func (dialect) Lapse() time.Duration { return 30 * time.Minute }

// verdict reads an answer: accepted is a yes; the catalogue's own code for a repeat is one too.
func verdict(a providertest.Answer, repeat string) providertest.Verdict {
	code := said(a, "errorCode")
	return providertest.Verdict{
		Accepted: a.Status == 200 && code == "",
		Repeat:   a.Status == 400 && code == repeat && repeat != "",
		Code:     code, Answer: a,
	}
}

var _ providertest.Dialect = dialect{}
