package example_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/providertest"
)

func TestConformance(t *testing.T) {
	providertest.Conform(t, setup, dialect{})
}

// dialect speaks as Namuna Pay, for the suite that every provider passes.
type dialect struct{}

var attempts atomic.Int64

// tell posts one message, signed with a key.
func tell(b *providertest.Bench, key string, m map[string]any) providertest.Verdict {
	m["time"] = b.Now().UnixMilli()
	if m["shop"] == nil {
		m["shop"] = "shop-1"
	}
	body, err := json.Marshal(m)
	if err != nil {
		b.T.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	a := b.Do(http.MethodPost, b.CallbackURL, http.Header{"X-Namuna-Signature": {hex.EncodeToString(mac.Sum(nil))}}, body)
	var said struct {
		OK, Again bool
		Error     string
	}
	json.Unmarshal(a.Body, &said)
	return providertest.Verdict{Accepted: a.Status == http.StatusOK && said.OK, Repeat: said.Again, Code: said.Error, Answer: a}
}

func secret() string { return setup.Credentials["secret"] }

func (dialect) Begin(b *providertest.Bench, account string, amount int64) providertest.Attempt {
	ref := fmt.Sprintf("t-%d", attempts.Add(1))
	v := tell(b, secret(), map[string]any{"event": "begin", "payment": ref, "order": account, "amount": amount})
	return providertest.Attempt{Ref: ref, Account: account, Amount: amount, Verdict: v}
}

func (dialect) Settle(b *providertest.Bench, a providertest.Attempt) providertest.Verdict {
	return tell(b, secret(), map[string]any{"event": "paid", "payment": a.Ref, "amount": a.Amount})
}

func (dialect) Undo(b *providertest.Bench, a providertest.Attempt) (providertest.Verdict, bool) {
	return tell(b, secret(), map[string]any{"event": "undone", "payment": a.Ref, "amount": a.Amount, "reason": "buyer"}), true
}

func (dialect) Forge(b *providertest.Bench, a providertest.Attempt) providertest.Verdict {
	return tell(b, secret()+"x", map[string]any{"event": "paid", "payment": a.Ref, "amount": a.Amount})
}

func (dialect) Foreign(b *providertest.Bench, account string, amount int64) (providertest.Verdict, bool) {
	return tell(b, secret(), map[string]any{"event": "begin", "shop": "shop-2", "payment": "t-foreign", "order": account, "amount": amount}), true
}

func (dialect) Lapse() time.Duration { return 30 * time.Minute }

var _ providertest.Dialect = dialect{}
