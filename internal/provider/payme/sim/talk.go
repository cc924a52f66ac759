package sim

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// talk is what passes between Payme and one kassa's endpoint in the course of one action.
type talk struct {
	ctx context.Context
	c   *company
	k   *kassa // for what it is; how it stands now is below
	rep *simulator.Report
	say map[string]string // the sentence of the last refusal, by language

	key, endpoint, field string
	test                 bool
}

func (c *company) talk(ctx context.Context, k *kassa, rep *simulator.Report) *talk {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &talk{ctx: ctx, c: c, k: k, rep: rep, key: k.key, endpoint: k.endpoint, field: k.field, test: k.test}
}

func (t *talk) object(format string, args ...any) {
	t.rep.Problems = append(t.rep.Problems, fmt.Sprintf(format, args...))
}

// doubled are the methods whose repeat must change nothing: Payme's sandbox sends each of them
// twice, and wants the same answer twice.
var doubled = []string{methodCreate, methodPerform, methodCancel, methodFiscal}

// ask sends a message as often as Payme does: once more while nobody answers, and once more
// where a repeat must change nothing. A refusal is not repeated.
func (t *talk) ask(method string, params map[string]any) answer {
	want := 1
	if slices.Contains(doubled, method) {
		want = 2
	}
	var first answer
	heard := 0
	for range want + 1 {
		for _, a := range t.send(method, params) {
			if !a.heard {
				continue
			}
			if heard++; heard == 1 {
				first = a
			} else if a.code != first.code || !same(a.result, first.result) {
				t.object("%s: a repeat was answered with %s, the first with %s", method, a, first)
			}
		}
		if heard >= want || first.code != 0 {
			break
		}
	}
	t.say = first.words
	return first
}

func (a answer) String() string {
	if a.code != 0 {
		return fmt.Sprint("error ", a.code)
	}
	return string(encode(a.result))
}

// send sends a message once, under a JSON-RPC id of its own, and returns the answers: none,
// one, or two where a fault doubles the message on its way.
func (t *talk) send(method string, params map[string]any) []answer {
	id, key := t.nextCall(), t.key
	_, forged := t.c.w.Faults.Take(method, simulator.WrongSignature)
	if forged {
		key += "-forged"
	}
	wrong := false
	if amount, ok := params["amount"].(int64); ok {
		if _, wrong = t.c.w.Faults.Take(method, simulator.WrongAmount); wrong {
			params = maps.Clone(params)
			params["amount"] = amount + 1
		}
	}
	body := encode(call{Method: method, Params: params, ID: id})
	exchanges := t.c.w.Call(t.ctx, method, http.MethodPost, t.endpoint, header(key, t.test), body)
	t.rep.Exchanges = append(t.rep.Exchanges, exchanges...)

	var out []answer
	for _, x := range exchanges {
		a, problems := judge(method, id, t.field, x)
		if forged || x.Fault == simulator.HalfBody {
			if a.ok() {
				t.object("%s: a message was taken that had a wrong key, or was cut in half", method)
			}
			continue
		}
		t.rep.Problems = append(t.rep.Problems, problems...)
		if a.code == -32504 {
			t.object("%s: the kassa's own key was refused", method)
		}
		if wrong && a.ok() {
			t.object("%s: a wrong amount was taken", method)
		}
		out = append(out, a)
	}
	return out
}

func (t *talk) nextCall() int64 {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	t.c.calls++
	return t.c.calls
}

// account is the account object of a message.
func (t *talk) account(value any) map[string]any { return map[string]any{t.field: value} }

// header is what Payme's messages carry. The marks of its sandbox are no proof of anything.
func header(key string, test bool) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "text/json; charset=UTF-8")
	h.Set("Authorization", basic("Paycom", key))
	if test {
		h.Set("Test-Operation", "Paycom")
		h.Set("Referer", "http://test.paycom.uz")
	}
	return h
}

func basic(login, key string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(login+":"+key))
}

// stray sends an early copy of a message where its step is set to be reordered. Its answer
// settles nothing.
func (t *talk) stray(method string, params map[string]any) {
	if _, ok := t.c.w.Faults.Take(method, simulator.Reordered); ok {
		t.send(method, params)
	}
}

// ─── The methods, in the order of a transaction's life ────────────────────────────────────

// look asks whether an order could be paid.
func (t *talk) look(tx *transaction) answer {
	a := t.ask(methodCheckPerform, map[string]any{"amount": tx.amount, "account": t.account(tx.account)})
	if a.ok() {
		if d, there := a.result["detail"].(map[string]any); there {
			t.rep.Problems = append(t.rep.Problems, judgeDetail(d, tx.amount)...)
			t.c.learn(tx, func() { tx.fiscal = true })
		}
	}
	return a
}

func (t *talk) createParams(tx *transaction) map[string]any {
	return map[string]any{"id": tx.id, "time": tx.time, "amount": tx.amount, "account": t.account(tx.account)}
}

// begin creates the transaction at the merchant.
func (t *talk) begin(tx *transaction) {
	a := t.ask(methodCreate, t.createParams(tx))
	t.c.learn(tx, func() {
		switch {
		case !a.heard:
			tx.state, tx.pending = suspended, methodCreate
		case a.code != 0:
			tx.state, tx.pending = refused, ""
		case tx.state == "" || tx.state == suspended && tx.pending == methodCreate:
			tx.state, tx.pending = created, ""
			tx.theirs, _ = a.result["transaction"].(string)
			tx.createTime, _ = integer(a.result["create_time"])
		}
	})
}

// perform tells the merchant that the buyer was debited. A refusal now leaves the buyer
// charged: Payme's staff must decide.
func (t *talk) perform(tx *transaction) {
	a := t.ask(methodPerform, map[string]any{"id": tx.id})
	t.c.learn(tx, func() {
		tx.debited = true
		if tx.state != created && tx.state != suspended {
			return // somebody has cancelled it meanwhile
		}
		switch {
		case !a.heard:
			tx.state, tx.pending = suspended, methodPerform
		case a.code != 0:
			tx.state, tx.pending = suspended, ""
		default:
			t.sameTransaction(tx, methodPerform, a)
			tx.state, tx.pending = paid, ""
			tx.performTime, _ = integer(a.result["perform_time"])
		}
	})
}

// cancel gives a transaction up, or returns its money.
func (t *talk) cancel(tx *transaction, reason int) {
	before := t.c.view(tx).state
	a := t.ask(methodCancel, map[string]any{"id": tx.id, "reason": reason})
	t.c.learn(tx, func() {
		switch {
		case !a.heard:
			tx.state, tx.pending, tx.reason = suspended, methodCancel, reason
		case a.code == -31007:
			tx.pending = ""
		case a.code != 0:
			if tx.theirs != "" {
				t.object("%s: the merchant no longer knows a transaction that it created", methodCancel)
			}
			tx.state, tx.pending, tx.reason = cancelled, "", reason
		default:
			t.sameTransaction(tx, methodCancel, a)
			tx.cancelTime, _ = integer(a.result["cancel_time"])
			state, _ := integer(a.result["state"])
			if before == paid && state != -2 || before == created && state != -1 && tx.state == created {
				t.object("%s: a transaction that was %s has now state %d", methodCancel, before, state)
			}
			tx.state, tx.pending, tx.debited = cancelled, "", false
			if state == -2 {
				tx.state = refunded
			}
			if tx.reason == 0 {
				tx.reason = reason
			}
		}
	})
}

// sameTransaction wants the merchant's own id to be what it was. c.mu is held.
func (t *talk) sameTransaction(tx *transaction, method string, a answer) {
	now, _ := a.result["transaction"].(string)
	if tx.theirs != "" && now != tx.theirs {
		t.object("%s: the transaction is %q, it was %q", method, now, tx.theirs)
	}
	tx.theirs = now
}

// check asks where a transaction stands and holds the answer against the books.
func (t *talk) check(tx *transaction) answer {
	a := t.ask(methodCheck, map[string]any{"id": tx.id})
	if !a.heard {
		return a
	}
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if a.code != 0 {
		if tx.theirs != "" {
			t.object("%s: the merchant does not know a transaction that it created", methodCheck)
		}
		return a
	}
	for _, x := range []struct {
		name string
		mine int64
	}{
		{"create_time", tx.createTime}, {"perform_time", tx.performTime}, {"cancel_time", tx.cancelTime},
		{"state", stateNumber(tx.state)}, {"reason", int64(tx.reason)},
	} {
		if n, _ := integer(a.result[x.name]); n != x.mine && x.mine != 0 {
			t.object("%s: %s is %d, Payme's books say %d", methodCheck, x.name, n, x.mine)
		}
	}
	return a
}

// stateNumber is a state as the merchant must name it; 0 where Payme itself is not sure.
func stateNumber(state string) int64 {
	switch state {
	case created:
		return 1
	case paid:
		return 2
	case cancelled:
		return -1
	case refunded:
		return -2
	}
	return 0
}

// fiscalise makes a fiscal receipt and tells the merchant of it. The terminal's number is one
// that no real terminal has, and the link only looks like one.
func (t *talk) fiscalise(tx *transaction, kind string, status int) {
	t.ask(methodFiscal, t.fiscalParams(tx, kind, status))
}

func (t *talk) fiscalParams(tx *transaction, kind string, status int) map[string]any {
	t.c.mu.Lock()
	t.c.receipts++
	number := t.c.receipts
	t.c.mu.Unlock()
	date := t.c.w.Now().In(time.FixedZone("Tashkent", 5*60*60)).Format("20060102150405")
	sum := sha256.Sum256([]byte(tx.id + kind))
	sign := fmt.Sprintf("%012d", binary.BigEndian.Uint64(sum[:])%1_000_000_000_000)
	data := map[string]any{
		"receipt_id": number, "status_code": status, "message": "accepted",
		"terminal_id": sandboxTerminal, "fiscal_sign": sign, "date": date,
		"qr_code_url": fmt.Sprintf("https://ofd.soliq.uz/epi?t=%s&r=%d&c=%s&s=%s", sandboxTerminal, number, date, sign),
	}
	if status != 0 {
		data["message"] = "refused"
	}
	return map[string]any{"id": tx.id, "type": kind, "fiscal_data": data}
}

const sandboxTerminal = "EP000000000000"
