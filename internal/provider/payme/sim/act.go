package sim

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// What somebody can do at Payme. A link, or the parameter "account" with an amount, names the
// order; Ref names an earlier payment.
const (
	actLook      = "look"      // the buyer opens the page and closes it: nothing began
	actPay       = "pay"       // the buyer pays
	actRefuse    = "refuse"    // the debit fails; "reason": 2 (default) or 3
	actAbandon   = "abandon"   // the buyer stops before the debit; 12 hours later Payme gives up
	actPayTwice  = "pay_twice" // the buyer has the page open twice, and pays in both
	actFinish    = "finish"    // Ref: an abandoned or suspended payment goes on to its end
	actCancel    = "cancel"    // Ref: Payme gives the payment up; "reason": 3 by default
	actRefund    = "refund"    // Ref: the shop's staff return the money in the cabinet (reason 5)
	actCheck     = "check"     // Ref: Payme asks where the payment stands
	actReceipt   = "receipt"   // Ref: a fiscal receipt; "type": PERFORM (default) or CANCEL, "status_code"
	actStatement = "statement" // Payme asks for the statement, "from" to "to" in ms, and compares
	actResolve   = "resolve"   // Ref: Payme's staff decide by hand, and tell nobody; "state": paid or cancelled
	actProbe     = "probe"     // malformed and forged messages, none of which may change anything
	actCode      = "code"      // Payme Go: what a buyer's telephone shows, as Report.Ref; "phone", "card", "plan"
	actInspect   = "inspect"   // the list of tests of Payme's own sandbox, on one fresh order
)

// Act does what a buyer or Payme's staff does.
func (c *company) Act(ctx context.Context, a simulator.Action) (rep simulator.Report, err error) {
	rep.Problems = []string{}
	switch a.Kind {
	case actLook, actPay, actRefuse, actAbandon, actPayTwice:
		var o order
		if o, err = c.order(a); err == nil {
			_, err = c.buyer(ctx, a, o, &rep)
		}
	case actCode:
		return c.newCode(a)
	case actFinish, actCancel, actRefund, actCheck, actReceipt, actResolve:
		err = c.staff(ctx, a, &rep)
	case actStatement:
		err = c.compare(ctx, a, &rep)
	case actProbe, actInspect:
		var o order
		if o, err = c.order(a); err == nil {
			c.examine(ctx, a.Kind, o, &rep)
		}
	default:
		err = fmt.Errorf("payme: there is no action %q; there are %v", a.Kind, c.Info().Actions)
	}
	return rep, err
}

// buyer does what a buyer does before a page, and returns what the page then says.
func (c *company) buyer(ctx context.Context, a simulator.Action, o order, rep *simulator.Report) (said map[string]string, err error) {
	tx := c.newTransaction(o.kassa, o.account, o.amount)
	defer c.release(tx)
	rep.Ref = tx.id
	t := c.talk(ctx, o.kassa, rep)

	if look := t.look(tx); !look.ok() || a.Kind == actLook {
		c.forget(tx)
		rep.Ref = ""
		if !look.ok() {
			rep.State = refused
		}
		rep.Returned = o.back("null")
		return t.say, nil
	}
	// What is asked first is what counts: the clock of a message is the clock of its repeats.
	if f, ok := c.w.Faults.Take(methodCreate, simulator.ClockSkew); ok {
		c.learn(tx, func() { tx.time += f.Delay.Milliseconds() })
	}
	t.stray(methodPerform, map[string]any{"id": tx.id})
	t.begin(tx)
	if a.Kind == actPayTwice {
		c.second(ctx, o, rep)
	}
	if c.view(tx).state == created {
		switch a.Kind {
		case actPay, actPayTwice:
			c.debit(t, tx)
		case actRefuse:
			reason, err := number(a, "reason", reasonDebit)
			if err != nil {
				return nil, err
			}
			t.cancel(tx, reason)
		}
	}
	rep.State = c.view(tx).state
	rep.Returned = o.back(tx.id)
	return t.say, nil
}

// second is the other page of the same order, opened while the first holds it.
func (c *company) second(ctx context.Context, o order, rep *simulator.Report) {
	tx := c.newTransaction(o.kassa, o.account, o.amount)
	defer c.release(tx)
	t := c.talk(ctx, o.kassa, rep)
	t.begin(tx)
	if c.view(tx).state == created {
		t.object("%s: a second transaction was taken for an order that another one holds", methodCreate)
		c.debit(t, tx)
	}
}

// debit charges the buyer and tells the merchant.
func (c *company) debit(t *talk, tx *transaction) {
	t.stray(methodCancel, map[string]any{"id": tx.id, "reason": reasonFailed})
	t.stray(methodFiscal, t.fiscalParams(tx, "PERFORM", 0))
	t.perform(tx)
	if now := c.view(tx); now.state == paid && now.fiscal {
		t.fiscalise(tx, "PERFORM", 0)
	}
}

// forget takes a transaction that never began out of the books.
func (c *company) forget(tx *transaction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.transactions, tx.id)
	c.sequence = slices.DeleteFunc(c.sequence, func(id string) bool { return id == tx.id })
}

// staff does what Payme or the shop's staff does to an earlier payment.
func (c *company) staff(ctx context.Context, a simulator.Action, rep *simulator.Report) error {
	tx, err := c.find(a.Ref)
	if err != nil {
		return err
	}
	rep.Ref = tx.id
	was := c.view(tx)
	t := c.talk(ctx, tx.kassa, rep)
	switch a.Kind {
	case actFinish:
		if was.state == suspended && was.pending == methodCreate {
			t.begin(tx)
			was = c.view(tx)
		}
		if was.state != created && was.state != suspended {
			return fmt.Errorf("payme: payment %s is %s, there is nothing to finish", tx.id, was.state)
		}
		c.debit(t, tx)
	case actCancel:
		reason, err := number(a, "reason", reasonFailed)
		if err != nil {
			return err
		}
		t.cancel(tx, reason)
	case actRefund:
		if was.state != paid && was.state != refunded && was.state != suspended {
			return fmt.Errorf("payme: payment %s is %s, there is nothing to return", tx.id, was.state)
		}
		t.cancel(tx, reasonRefund)
		if now := c.view(tx); now.state == refunded && now.fiscal {
			t.fiscalise(tx, "CANCEL", 0)
		}
	case actCheck:
		t.check(tx)
	case actReceipt:
		status, err := number(a, "status_code", 0)
		if err != nil {
			return err
		}
		t.fiscalise(tx, cmp.Or(a.Params["type"], "PERFORM"), status)
	case actResolve:
		if s := a.Params["state"]; s != paid && s != cancelled {
			return fmt.Errorf(`payme: the parameter state must be %q or %q`, paid, cancelled)
		}
		c.learn(tx, func() { tx.state, tx.pending = a.Params["state"], "" })
	}
	rep.State = c.view(tx).state
	return nil
}

// compare asks a kassa for its statement and holds it against the books.
func (c *company) compare(ctx context.Context, a simulator.Action, rep *simulator.Report) error {
	k, err := c.theKassa(a)
	if err != nil {
		return err
	}
	now := c.w.Now()
	from, err := number(a, "from", int(now.Add(-24*time.Hour).UnixMilli()))
	if err != nil {
		return err
	}
	to, err := number(a, "to", int(now.UnixMilli()))
	if err != nil {
		return err
	}
	c.mu.Lock()
	rep.Problems = append(rep.Problems, k.drift...)
	k.drift = nil
	c.mu.Unlock()
	c.reconcile(c.talk(ctx, k, rep), int64(from), int64(to))
	return nil
}

// daily compares what happened since the last time, and keeps what does not fit until somebody
// asks for the statement.
func (c *company) daily(ctx context.Context, k *kassa, now time.Time) {
	rep := &simulator.Report{}
	c.mu.Lock()
	from := k.reconciled
	c.mu.Unlock()
	heard := c.reconcile(c.talk(ctx, k, rep), from.UnixMilli(), now.UnixMilli())
	c.mu.Lock()
	defer c.mu.Unlock()
	if heard {
		k.reconciled = now
		k.drift = append(k.drift, rep.Problems...)
	}
}

// reconcile compares a period both ways.
func (c *company) reconcile(t *talk, from, to int64) (heard bool) {
	a := t.ask(methodStatement, map[string]any{"from": from, "to": to})
	if !a.ok() {
		return false
	}
	list, _ := a.result["transactions"].([]any)
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := map[string]bool{}
	last := int64(0)
	for _, v := range list {
		x, _ := v.(map[string]any)
		id, _ := x["id"].(string)
		at, _ := integer(x["time"])
		if at < from || at > to || at < last {
			t.object("%s: %s of %d is out of the period or of order", methodStatement, id, at)
		}
		last, seen[id] = at, true
		tx := c.transactions[id]
		if tx == nil || tx.kassa != t.k {
			if at >= t.k.opened.UnixMilli() && !c.exams[id] {
				t.object("%s: the merchant has %s, Payme has not", methodStatement, id)
			}
			continue
		}
		t.compareEntry(tx, x)
	}
	for _, id := range c.sequence {
		tx := c.transactions[id]
		if tx.kassa == t.k && tx.theirs != "" && tx.time >= from && tx.time <= to && !seen[id] {
			t.object("%s: Payme has %s (%s), the merchant has not", methodStatement, id, tx.state)
		}
	}
	return true
}

// compareEntry holds one line of a statement against the books. c.mu is held.
func (t *talk) compareEntry(tx *transaction, x map[string]any) {
	t.rep.Problems = append(t.rep.Problems, prefix(methodStatement+" "+tx.id, judgeResult(methodCheck, x))...)
	account, _ := x["account"].(map[string]any)
	if account[t.field] != tx.account {
		t.object("%s: %s has the account %v, Payme has %q", methodStatement, tx.id, account, tx.account)
	}
	for _, f := range []struct {
		name string
		mine int64
	}{{"time", tx.time}, {"amount", tx.amount}, {"state", stateNumber(tx.state)}} {
		if n, _ := integer(x[f.name]); f.mine != 0 && n != f.mine {
			t.object("%s: %s has %s %d, Payme has %d", methodStatement, tx.id, f.name, n, f.mine)
		}
	}
	if _, there := x["receivers"]; !there {
		t.object("warning: %s: %s has no receivers", methodStatement, tx.id)
	}
}

// number reads a whole number among an action's parameters.
func number(a simulator.Action, name string, otherwise int) (int, error) {
	text, there := a.Params[name]
	if !there {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("payme: the parameter %s must be a whole number, not %q", name, text)
	}
	return n, nil
}

// with returns params with one more, or another.
func with(params map[string]any, name string, value any) map[string]any {
	out := maps.Clone(params)
	out[name] = value
	return out
}
