package click_test

import (
	"crypto/md5"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/click"
	"github.com/chorsu/chorsu/internal/provider/click/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
)

const secret = "click-test-secret"

// setup is the fixture of the reference's scenarios.
func setup() providertest.Setup {
	return providertest.Setup{
		Provider:  click.New(),
		Simulator: sim.New,
		Credentials: map[string]string{
			"serviceId": "73438", "merchantId": "1001", "secretKey": secret, "merchantUserId": "3333",
		},
	}
}

// message is a message as CLICK writes it, made by this test alone: neither the adapter nor the
// simulator has a hand in it.
type message map[string]string

var lastTrans atomic.Int64

// newTrans is a click_trans_id that no other test uses, of the size of the reference's.
func newTrans() string { return strconv.FormatInt(3647147957+lastTrans.Add(1), 10) }

func prepareMessage(trans, account, amount string) message {
	n, _ := strconv.ParseInt(trans, 10, 64)
	return message{
		"click_trans_id": trans, "service_id": "73438", "click_paydoc_id": strconv.FormatInt(max(1, n-1000), 10),
		"merchant_trans_id": account, "amount": amount, "action": "0", "error": "0", "error_note": "Success",
		"sign_time": "2026-01-15 10:20:30",
	}.signed()
}

// completeMessage is the Complete that follows a Prepare.
func completeMessage(prepare message, prepareID string) message {
	return prepare.with("action", "1", "merchant_prepare_id", prepareID, "sign_time", "2026-01-15 10:20:35")
}

// with returns the message with some fields replaced, signed anew.
func (m message) with(pairs ...string) message {
	out := message{}
	for k, v := range m {
		out[k] = v
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out.signed()
}

func (m message) signed() message {
	m["sign_string"] = fmt.Sprintf("%x", md5.Sum([]byte(m["click_trans_id"]+m["service_id"]+secret+
		m["merchant_trans_id"]+m["merchant_prepare_id"]+m["amount"]+m["action"]+m["sign_time"])))
	return m
}

// but returns the message with one field replaced and the signature as it was.
func (m message) but(field, value string) message {
	sign := m["sign_string"]
	if field == "sign_string" {
		sign = value
	}
	out := m.with(field, value)
	out["sign_string"] = sign
	return out
}

func (m message) without(field string) message {
	out := m.with()
	delete(out, field)
	return out
}

// send posts the message to the merchant's address, as CLICK does.
func (m message) send(b *providertest.Bench) reply { return m.sendTo(b, b.CallbackURL) }

func (m message) sendTo(b *providertest.Bench, address string) reply {
	form := url.Values{}
	for k, v := range m {
		form.Set(k, v)
	}
	return read(b.Do(http.MethodPost, address, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode())))
}

// reply is an answer of the gateway. code is 1 where there is none.
type reply struct {
	providertest.Answer
	code int
	raw  string
}

func read(a providertest.Answer) reply {
	r := reply{Answer: a, code: 1, raw: strings.TrimSpace(string(a.Body))}
	if m, ok := a.JSON.(map[string]any); ok {
		if n, err := strconv.Atoi(fmt.Sprint(m["error"])); err == nil {
			r.code = n
		}
	}
	return r
}

func (r reply) field(name string) string {
	m, _ := r.JSON.(map[string]any)
	if m[name] == nil {
		return ""
	}
	return fmt.Sprint(m[name])
}

// dialect speaks to the gateway as CLICK does, for the conformance suite.
type dialect struct{}

func (dialect) Begin(b *providertest.Bench, account string, amount int64) providertest.Attempt {
	m := prepareMessage(newTrans(), account, pay.Tiyin(amount).Soum())
	r := m.send(b)
	return providertest.Attempt{
		Ref: m["click_trans_id"], Account: account, Amount: amount,
		Extra:   map[string]string{"merchant_prepare_id": r.field("merchant_prepare_id")},
		Verdict: verdict(r, 0),
	}
}

func (dialect) complete(a providertest.Attempt) message {
	return completeMessage(prepareMessage(a.Ref, a.Account, pay.Tiyin(a.Amount).Soum()), a.Extra["merchant_prepare_id"])
}

func (d dialect) Settle(b *providertest.Bench, a providertest.Attempt) providertest.Verdict {
	return verdict(d.complete(a).send(b), 0)
}

// Undo is CLICK's word that the payment failed. The answer is -9 whether the attempt was given up
// or is paid and stays so; only our book tells the two apart.
func (d dialect) Undo(b *providertest.Bench, a providertest.Attempt) (providertest.Verdict, bool) {
	v := verdict(d.complete(a).with("error", "-5017").send(b), -9)
	for _, p := range b.Payments(a.Account) {
		if p.Ref == a.Ref && p.State.Live() {
			v.Accepted = false
		}
	}
	return v, true
}

func (d dialect) Forge(b *providertest.Bench, a providertest.Attempt) providertest.Verdict {
	return verdict(d.complete(a).but("sign_string", strings.Repeat("0", 32)).send(b), 0)
}

func (dialect) Foreign(b *providertest.Bench, account string, amount int64) (providertest.Verdict, bool) {
	return verdict(prepareMessage(newTrans(), account, pay.Tiyin(amount).Soum()).with("service_id", "73439").send(b), 0), true
}

// Lapse: CLICK knows no time limit. What it says was paid after ours is still taken.
func (dialect) Lapse() time.Duration { return 0 }

// verdict reads an answer: yes is the code by which CLICK counts the message as done, and -4 its
// word for what was done before.
func verdict(r reply, yes int) providertest.Verdict {
	return providertest.Verdict{
		Accepted: r.Status == http.StatusOK && (r.code == yes || r.code == -4),
		Repeat:   r.code == -4,
		Code:     strconv.Itoa(r.code),
		Answer:   r.Answer,
	}
}

var (
	_ providertest.Dialect = dialect{}
	_ provider.Provider    = click.New()
)
