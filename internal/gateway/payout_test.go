package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// payCompany is a scripted company that sends money to cards, and its own book.
type payCompany struct {
	mu     sync.Mutex
	made   map[string]pay.MoveState // by our payout's id
	calls  int                      // how often it was asked to make one
	sent   int                      // how often money left
	resent int
	before func(step string) error // a fault before a step is carried out; it may panic
	after  func(step string) error // and after it
	asks   bool                    // whether it can be asked
	amount pay.Tiyin               // what it says when asked; 0: the truth
	refuse bool
	mask   string // what it calls the card
	asking error  // what asking it fails with
	during func() // once, while it is asked

	register []provider.RegisterRow                               // of payouts
	list     func(q provider.RegisterQuery) provider.RegisterPage // instead of it
}

type payProvider struct{ c *payCompany }

func (p payProvider) Info() provider.Info {
	return provider.Info{Name: "payer", Title: "Payer", Fields: []provider.Field{{Key: "key", Required: true, Secret: true}}, Account: (*payAccount)(nil)}
}

func (p payProvider) Open(provider.Credentials, provider.Env) (provider.Account, error) {
	return &payAccount{p.c}, nil
}

type payAccount struct{ c *payCompany }

const payCode = "112233"

func (a *payAccount) CanPayout(o provider.PayoutOrder) error {
	if o.Amount > 1_000_000 && o.Person == nil {
		return &pay.Error{Code: pay.CodeInvalid, Field: "kyc", Message: "who is it?"}
	}
	return nil
}

func (a *payAccount) step(name string, do func() (provider.MoveOutcome, error)) (provider.MoveOutcome, error) {
	a.c.mu.Lock()
	before, after := a.c.before, a.c.after
	a.c.mu.Unlock()
	if before != nil {
		if err := before(name); err != nil {
			return provider.MoveOutcome{}, err
		}
	}
	a.c.mu.Lock()
	o, err := do()
	a.c.mu.Unlock()
	if after != nil {
		if err := after(name); err != nil {
			return provider.MoveOutcome{}, err
		}
	}
	return o, err
}

// pays moves the money. Under the lock.
func (a *payAccount) pays(id string) provider.MoveOutcome {
	a.c.sent++
	a.c.made[id] = pay.MoveSucceeded
	return provider.MoveOutcome{State: pay.MoveSucceeded, Ref: "ref-" + id, Card: pay.Card{MaskedPAN: a.c.mask, PaymentSystem: "humo"}, ReceiptURL: "https://payer.example/" + id}
}

func (a *payAccount) Payout(_ context.Context, o provider.PayoutOrder) (provider.MoveOutcome, error) {
	return a.step("make", func() (provider.MoveOutcome, error) {
		a.c.calls++
		switch {
		case a.c.refuse:
			return provider.MoveOutcome{State: pay.MoveFailed, Reason: pay.DeclineCard, Code: "NO", Note: "no such card"}, nil
		case o.TwoSteps:
			a.c.made[o.PayoutID] = pay.MoveCreated
			return provider.MoveOutcome{State: pay.MoveCreated, Ref: "ref-" + o.PayoutID}, nil
		}
		return a.pays(o.PayoutID), nil
	})
}

func (a *payAccount) ConfirmPayout(_ context.Context, p pay.Payout, code string) (provider.MoveOutcome, error) {
	return a.step("confirm", func() (provider.MoveOutcome, error) {
		switch {
		case a.c.made[p.ID] != pay.MoveCreated:
			return provider.MoveOutcome{}, errors.New("it was confirmed before")
		case code != payCode:
			return provider.MoveOutcome{State: pay.MoveCreated, Reason: pay.DeclineWrongCode, Code: "WRONG"}, nil
		}
		return a.pays(p.ID), nil
	})
}

func (a *payAccount) ResendPayoutCode(context.Context, pay.Payout) error {
	_, err := a.step("resend", func() (provider.MoveOutcome, error) {
		a.c.resent++
		return provider.MoveOutcome{}, nil
	})
	return err
}

func (a *payAccount) Register(context.Context, provider.RegisterQuery) (provider.RegisterPage, error) {
	return provider.RegisterPage{}, nil
}

func (a *payAccount) PayoutRegister(_ context.Context, q provider.RegisterQuery) (provider.RegisterPage, error) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if a.c.list != nil {
		return a.c.list(q), nil
	}
	rows := a.c.register[min(q.Offset, len(a.c.register)):]
	return provider.RegisterPage{Rows: rows[:min(q.Limit, len(rows))], Total: len(a.c.register)}, nil
}

func (a *payAccount) Names(p pay.Payment, ref string) bool { return p.Ref == ref }

func (a *payAccount) Inquire(_ context.Context, q provider.Question) (provider.Report, error) {
	during := a.c.during
	a.c.during = nil
	run(during)
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if !a.c.asks {
		return provider.Report{}, &pay.Error{Code: pay.CodeUnsupported}
	}
	if a.c.asking != nil {
		return provider.Report{}, a.c.asking
	}
	state, found := a.c.made[q.OpID]
	return provider.Report{Found: found, Move: provider.MoveOutcome{State: state, Ref: "ref-" + q.OpID, Amount: a.c.amount}}, nil
}

func (fx *fixture) payout(number string, twoSteps bool) gateway.PayoutInput {
	fx.t.Helper()
	fx.merchant("b1", "payer")
	return gateway.PayoutInput{
		Source: "app", Business: "b1", Provider: "payer", SourcePayoutID: number, Amount: 50_000,
		Number: "8600123412341239", TwoSteps: twoSteps, NotifyURL: fx.app.URL + "/hook",
	}
}

func (fx *fixture) create(in gateway.PayoutInput, key gateway.Idem) gateway.Saved[pay.Payout] {
	fx.t.Helper()
	s, err := fx.CreatePayout(fx.t.Context(), in, key)
	if err != nil {
		fx.t.Fatal(err)
	}
	return s
}

func (fx *fixture) payoutIs(id string, want pay.MoveState) pay.Payout {
	fx.t.Helper()
	p, err := fx.Payout(fx.t.Context(), id)
	if err != nil || p.State != want {
		fx.t.Fatalf("the payout is %s (%s, %s), want %s: %v", p.State, p.Reason, p.Note, want, err)
	}
	return p
}

// later lets the lease end and everything be asked that is due for an hour.
func (fx *fixture) later() {
	fx.t.Helper()
	fx.advance(gateway.Lease + time.Second)
	fx.settle()
	for range 6 {
		fx.advance(11 * time.Minute)
		fx.settle()
	}
}

// In one step it is sent at once; in two when it is confirmed, once, also when a wrong code came
// before. The app is told once, and its number stands for this payout whatever key comes with it.
func TestPayout(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		once := fx.create(fx.payout("p1", false), gateway.Idem{Key: "k", Request: 1})
		if once.Status != 201 || once.Value.State != pay.MoveSucceeded || once.Value.Card.MaskedPAN != "860012******1239" || once.Value.Card.PaymentSystem != "humo" {
			t.Fatalf("%+v", once)
		}
		for _, key := range []gateway.Idem{{}, {Key: "other", Request: 1}} {
			if again := fx.create(fx.payout("p1", false), key); again.Status != 200 || again.Value.ID != once.Value.ID || again.Replayed {
				t.Errorf("the same number again: %+v", again)
			}
		}
		if again := fx.create(fx.payout("p1", false), gateway.Idem{Key: "k", Request: 1}); again.Status != 201 || !again.Replayed {
			t.Errorf("the same key again: %+v", again)
		}
		if _, err := fx.CreatePayout(t.Context(), fx.payout("p1", false), gateway.Idem{Key: "k", Request: 2}); reason(err) != "idempotency_key_reused" {
			t.Error(err)
		}
		for _, change := range []func(*gateway.PayoutInput){
			func(in *gateway.PayoutInput) { in.Amount++ },
			func(in *gateway.PayoutInput) { in.Number = "8600123412340000" },
			func(in *gateway.PayoutInput) { in.TwoSteps = true },
			func(in *gateway.PayoutInput) { in.NotifyURL += "x" },
			func(in *gateway.PayoutInput) { in.Person = &pay.Person{LastName: "Karimov"} },
		} {
			other := fx.payout("p1", false)
			change(&other)
			if _, err := fx.CreatePayout(t.Context(), other, gateway.Idem{}); reason(err) != "differs" {
				t.Errorf("another request under its number: %v", err)
			}
		}

		two := fx.create(fx.payout("p2", true), gateway.Idem{}).Value
		if !two.Waits() || fx.payer.sent != 1 {
			t.Fatalf("%+v, %d were sent", two, fx.payer.sent)
		}
		if _, err := fx.ConfirmPayout(t.Context(), two.ID, "000000", gateway.Idem{Key: "c", Request: 0}); reason(err) != pay.DeclineWrongCode {
			t.Fatal(err)
		}
		if p := fx.payoutIs(two.ID, pay.MoveCreated); !p.Waits() || p.CodeTries != 1 {
			t.Fatalf("%+v", p)
		}
		for i := range 2 {
			s, err := fx.ConfirmPayout(t.Context(), two.ID, payCode, gateway.Idem{Key: "c", Request: payCode})
			if err != nil || s.Status != 200 || s.Value.State != pay.MoveSucceeded || s.Replayed != (i > 0) {
				t.Fatalf("%+v, %v", s, err)
			}
		}
		if s, err := fx.ConfirmPayout(t.Context(), two.ID, payCode, gateway.Idem{}); err != nil || s.Value.State != pay.MoveSucceeded {
			t.Fatalf("%+v, %v", s, err)
		}
		fx.settle()
		if got := fx.app.statuses(); !slices.Equal(got, []string{"succeeded", "succeeded"}) || fx.payer.sent != 2 || fx.payer.calls != 2 {
			t.Errorf("the app was told %v, %d were sent in %d calls", got, fx.payer.sent, fx.payer.calls)
		}
		if p := fx.payoutIs(two.ID, pay.MoveSucceeded); !p.NotifyDelivered {
			t.Error("the app was told, and the payout does not say so")
		}
		list, err := fx.PayoutTimeline(t.Context(), two.ID)
		var steps []string
		for _, e := range list {
			if e.Kind == "change" {
				steps = append(steps, e.Was+"→"+e.Now)
			}
		}
		want := []string{"→created", "created→created", "created→sent", "sent→created", "created→sent", "sent→succeeded"}
		if err != nil || !slices.Equal(steps, want) || list[len(list)-1].Kind != "delivery" {
			t.Errorf("the timeline says %v: %v", steps, err)
		}
	})
}

// Many equal requests send once, with a key and without; so do many confirmations.
func TestPayoutsRace(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		race := func(n int, f func(i int)) {
			var wg sync.WaitGroup
			for i := range n {
				wg.Go(func() { f(i) })
			}
			wg.Wait()
		}
		in := fx.payout("p1", false)
		race(24, func(i int) {
			key := gateway.Idem{}
			if i%2 == 0 {
				key = gateway.Idem{Key: "k", Request: 1}
			}
			if s, err := fx.CreatePayout(t.Context(), in, key); err != nil || s.Value.State != pay.MoveSucceeded {
				t.Errorf("%+v, %v", s.Value, err)
			}
		})
		two := fx.create(fx.payout("p2", true), gateway.Idem{}).Value
		race(24, func(int) {
			if s, err := fx.ConfirmPayout(t.Context(), two.ID, payCode, gateway.Idem{}); err != nil || s.Value.State != pay.MoveSucceeded {
				t.Errorf("%+v, %v", s.Value, err)
			}
		})
		if fx.payer.sent != 2 || fx.payer.calls != 2 {
			t.Errorf("%d were sent in %d calls", fx.payer.sent, fx.payer.calls)
		}
	})
}

var errReset = &provider.Error{Kind: provider.KindUnavailable, Err: errors.New("connection reset")}

// Wherever the answer is lost, or the process dies, the end is what the company's book says,
// nothing is sent twice, and the repeat gives that payout.
func TestPayoutWhoseAnswerIsLost(t *testing.T) {
	for _, c := range []struct {
		name     string
		twoSteps bool
		step     string // where it happens
		landed   bool   // whether the company carried it out
		asks     bool
		want     pay.MoveState // after an hour
		reason   string
		waits    bool
	}{
		{"one step, landed", false, "make", true, true, pay.MoveSucceeded, "", false},
		{"one step, lost on the way", false, "make", false, true, pay.MoveFailed, pay.DeclineCardAgain, false},
		{"one step, nobody can be asked", false, "make", true, false, pay.MoveUnknown, "", false},
		{"two steps, made", true, "make", true, true, pay.MoveCreated, "", true},
		{"two steps, never made", true, "make", false, true, pay.MoveFailed, pay.DeclineCardAgain, false},
		{"two steps, nobody can be asked", true, "make", true, false, pay.MoveFailed, pay.DeclineCardAgain, false},
		{"confirmed", true, "confirm", true, true, pay.MoveSucceeded, "", false},
		{"confirmation lost on the way", true, "confirm", false, true, pay.MoveCreated, "", true},
		{"confirmation, nobody can be asked", true, "confirm", true, false, pay.MoveUnknown, "", false},
	} {
		for _, dies := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the process dies %v", c.name, dies), func(t *testing.T) {
				each(t, func(t *testing.T, fx *fixture) {
					fx.payer.asks = c.asks
					fault := func(step string) error {
						switch {
						case step != c.step:
							return nil
						case dies:
							panic("killed")
						}
						return errReset
					}
					if c.landed {
						fx.payer.after = fault
					} else {
						fx.payer.before = fault
					}
					in, key := fx.payout("p1", c.twoSteps), gateway.Idem{Key: "k", Request: 1}
					var id string
					run := func() {
						s, err := fx.CreatePayout(t.Context(), in, key)
						if id = s.Value.ID; err == nil && c.step == "confirm" {
							_, err = fx.ConfirmPayout(t.Context(), id, payCode, gateway.Idem{})
						}
						if err != nil {
							t.Errorf("a lost answer is no error: %v", err)
						}
					}
					func() {
						defer func() {
							if (recover() != nil) != dies {
								t.Error("it was to die, or not to")
							}
						}()
						run()
					}()
					if id == "" {
						fx.advance(gateway.Lease + time.Second)
						id = fx.create(in, gateway.Idem{}).Value.ID
					}
					fx.later()
					p := fx.payoutIs(id, c.want)
					if p.Reason != c.reason || p.Waits() != c.waits {
						t.Errorf("%+v", p)
					}
					if c.want == pay.MoveUnknown {
						if p.Attention() != pay.AttentionUnknown {
							t.Error("nothing shows that it is unknown")
						}
						if _, err := fx.ConfirmPayout(t.Context(), id, payCode, gateway.Idem{}); reason(err) != "payout_in_progress" {
							t.Errorf("another confirmation: %v", err)
						}
						if err := fx.DecidePayout(t.Context(), id, true, "dilnoza@shop.uz", "seen in the cabinet"); err != nil {
							t.Fatal(err)
						}
						if err := fx.DecidePayout(t.Context(), id, true, "x", "y"); reason(err) != "nothing_unknown" {
							t.Error(err)
						}
						fx.payoutIs(id, pay.MoveSucceeded)
					}
					fx.payer.before, fx.payer.after = nil, nil
					if c.waits {
						if s, err := fx.ConfirmPayout(t.Context(), id, payCode, gateway.Idem{}); err != nil || s.Value.State != pay.MoveSucceeded {
							t.Errorf("confirmed after all: %+v, %v", s.Value, err)
						}
					}
					again := fx.create(in, key)
					if again.Value.ID != id || fx.payer.calls > 1 || fx.payer.sent > 1 {
						t.Errorf("%+v; %d calls, %d sent", again, fx.payer.calls, fx.payer.sent)
					}
					if n := fx.openPayoutAlarms(id); n != 0 {
						t.Errorf("%d alarms still stand", n)
					}
				})
			})
		}
	}
}

// That a payout above the limit was not sent is decided once, by two, however many confirm at once; who
// asked, who is new, and an old question decide nothing.
func TestThatAPayoutWasNotSentTakesTwo(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.payer.after = func(string) error { return errReset }
		lost := fx.create(fx.payout("p1", false), gateway.Idem{}).Value
		fx.later()
		fx.payoutIs(lost.ID, pay.MoveUnknown)
		if err := fx.AskPayoutNow(t.Context(), lost.ID, "a@namuna.uz"); reason(err) != "cannot_ask" {
			t.Errorf("nobody can be asked: %v", err)
		}
		in := gateway.PayoutDecision{PayoutID: lost.ID, Limit: lost.Amount - 1, Who: "a@namuna.uz", Why: "the cabinet does not know it", Key: id.New()}
		ask := func(change func(*gateway.PayoutDecision)) (*gateway.PayoutApproval, error) {
			other := in
			change(&other)
			return fx.DecidePayoutByStaff(t.Context(), other)
		}
		for want, change := range map[string]func(*gateway.PayoutDecision){
			"too_new": func(d *gateway.PayoutDecision) { d.New = true }, "form_old": func(d *gateway.PayoutDecision) { d.Key = "x" },
		} {
			if _, err := ask(change); reason(err) != want {
				t.Errorf("%s: %v", want, err)
			}
		}
		waits, err := ask(func(*gateway.PayoutDecision) {})
		if err != nil || waits == nil {
			t.Fatal(waits, err)
		}
		if again, err := ask(func(*gateway.PayoutDecision) {}); err != nil || again == nil || again.ID != waits.ID {
			t.Errorf("the same form again: %+v %v", again, err)
		}
		if _, err := ask(func(d *gateway.PayoutDecision) { d.Key = id.New() }); reason(err) != "payout_waits" {
			t.Errorf("another form: %v", err)
		}
		for want, by := range map[string]gateway.Signer{"same_person": {Who: "A@namuna.uz"}, "too_new": {Who: "b@namuna.uz", New: true}} {
			if _, err := fx.ConfirmUnsent(t.Context(), waits.ID, by); reason(err) != want {
				t.Errorf("%s: %v", want, err)
			}
		}
		fx.payoutIs(lost.ID, pay.MoveUnknown)
		var racers sync.WaitGroup
		for i := range 6 {
			racers.Go(func() {
				if _, err := fx.ConfirmUnsent(t.Context(), waits.ID, gateway.Signer{Who: fmt.Sprintf("%d@namuna.uz", i)}); err != nil && reason(err) != "decided" {
					t.Error(err)
				}
			})
		}
		racers.Wait()
		p := fx.payoutIs(lost.ID, pay.MoveFailed)
		if !strings.Contains(p.Note, "asked by a@namuna.uz, confirmed by ") || fx.openPayoutAlarms(lost.ID) != 0 {
			t.Errorf("%+v", p)
		}
		entries, err := fx.PayoutTimeline(t.Context(), lost.ID)
		ended := 0
		for _, e := range entries {
			if e.Now == string(pay.MoveFailed) {
				ended++
			}
		}
		if err != nil || ended != 1 {
			t.Errorf("it ended %d times, %v", ended, err)
		}

		// One that runs out decides nothing, nor does one whose payout has arrived meanwhile.
		second := fx.create(fx.payout("p2", false), gateway.Idem{}).Value
		fx.later()
		in.PayoutID, in.Key = second.ID, id.New()
		if waits, err = ask(func(*gateway.PayoutDecision) {}); err != nil {
			t.Fatal(err)
		}
		fx.advance(25 * time.Hour)
		if _, err := fx.ConfirmUnsent(t.Context(), waits.ID, gateway.Signer{Who: "b@namuna.uz"}); reason(err) != "decided" {
			t.Errorf("a day later: %v", err)
		}
		if waits, err = ask(func(d *gateway.PayoutDecision) { d.Key = id.New() }); err != nil {
			t.Fatal(err)
		}
		if err := fx.DecidePayout(t.Context(), second.ID, true, "c@namuna.uz", "it arrived"); err != nil {
			t.Fatal(err)
		}
		if _, err := fx.ConfirmUnsent(t.Context(), waits.ID, gateway.Signer{Who: "b@namuna.uz"}); reason(err) != "nothing_unknown" {
			t.Errorf("it has arrived: %v", err)
		}
		fx.payoutIs(second.ID, pay.MoveSucceeded)
	})
}

func (fx *fixture) openPayoutAlarms(id string) (n int) {
	fx.t.Helper()
	err := fx.store.View(fx.t.Context(), func(ctx context.Context, tx *storeTx) error {
		list, err := tx.PayoutAlarms(ctx, id)
		for _, a := range list {
			if a.ClosedAt.IsZero() {
				n++
			}
		}
		return err
	})
	if err != nil {
		fx.t.Fatal(err)
	}
	return n
}

// The database goes away between the company's answer and our writing it down.
func TestPayoutWhoseOutcomeCannotBeWritten(t *testing.T) {
	for _, step := range []string{"make", "confirm"} {
		t.Run(step, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				fx.payer.asks = true
				fx.payer.after = func(at string) error {
					fx.store.FailWrites(at == step)
					return nil
				}
				in := fx.payout("p1", step == "confirm")
				s, err := fx.CreatePayout(t.Context(), in, gateway.Idem{})
				if step == "confirm" {
					_, err = fx.ConfirmPayout(t.Context(), s.Value.ID, payCode, gateway.Idem{})
				}
				if pay.CodeOf(err) != pay.CodeInternal {
					t.Fatal(err)
				}
				fx.store.FailWrites(false)
				fx.later()
				if got := fx.create(in, gateway.Idem{}); got.Value.State != pay.MoveSucceeded || fx.payer.sent != 1 {
					t.Fatalf("%+v, %d sent", got, fx.payer.sent)
				}
			})
		})
	}
}

// What certainly did not reach the company is an error, tells nobody, and leaves number and key
// free; a confirmation like that leaves the payout waiting. A refusal is an answer, and uses the
// number up.
func TestPayoutThatWasNotSent(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		away := func(string) error { return &provider.Error{Kind: provider.KindUnavailable, NotSent: true} }
		in, key := fx.payout("p1", true), gateway.Idem{Key: "k", Request: 1}
		fx.payer.before = away
		for range 2 {
			if _, err := fx.CreatePayout(t.Context(), in, key); pay.CodeOf(err) != pay.CodeUpstream {
				t.Fatal(err)
			}
		}
		fx.payer.before = nil
		s := fx.create(in, key)
		if s.Status != 201 || s.Replayed || !s.Value.Waits() {
			t.Fatalf("%+v", s)
		}
		fx.payer.before = away
		if _, err := fx.ConfirmPayout(t.Context(), s.Value.ID, payCode, gateway.Idem{Key: "c"}); pay.CodeOf(err) != pay.CodeUpstream {
			t.Fatal(err)
		}
		if p := fx.payoutIs(s.Value.ID, pay.MoveCreated); !p.Waits() {
			t.Fatalf("%+v", p)
		}
		fx.payer.before = nil
		if s, err := fx.ConfirmPayout(t.Context(), s.Value.ID, payCode, gateway.Idem{Key: "c"}); err != nil || s.Value.State != pay.MoveSucceeded {
			t.Fatalf("%+v, %v", s, err)
		}

		fx.payer.refuse = true
		for _, status := range []int{201, 200} {
			s := fx.create(fx.payout("p2", false), gateway.Idem{})
			if s.Status != status || s.Value.State != pay.MoveFailed || s.Value.Reason != pay.DeclineCard || s.Value.Code != "NO" {
				t.Fatalf("%+v", s)
			}
		}
		if fx.payer.calls != 2 {
			t.Errorf("a refused payout was asked for again: %d calls", fx.payer.calls)
		}
		fx.settle()
		if got := fx.app.statuses(); !slices.Equal(got, []string{"succeeded", "failed"}) {
			t.Errorf("the app was told %v", got)
		}
		big := fx.payout("p3", false)
		if big.Amount = 2_000_000; true {
			if _, err := fx.CreatePayout(t.Context(), big, gateway.Idem{}); pay.CodeOf(err) != pay.CodeInvalid {
				t.Errorf("without a person: %v", err)
			}
		}
	})
}

// Nobody's confirmation within a day is a failure: nothing can be sent any more.
func TestPayoutThatNobodyConfirms(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.payer.asks = true
		p := fx.create(fx.payout("p1", true), gateway.Idem{}).Value
		fx.advance(23 * time.Hour)
		fx.settle()
		fx.payoutIs(p.ID, pay.MoveCreated)
		fx.advance(2 * time.Hour)
		fx.settle()
		if got := fx.payoutIs(p.ID, pay.MoveFailed); got.Reason != pay.DeclineUnconfirmed {
			t.Errorf("%+v", got)
		}
		if _, err := fx.ConfirmPayout(t.Context(), p.ID, payCode, gateway.Idem{}); pay.CodeOf(err) != pay.CodeConflict || fx.payer.sent != 0 {
			t.Errorf("%v, %d sent", err, fx.payer.sent)
		}
		fx.settle()
		if got := fx.app.statuses(); !slices.Equal(got, []string{"failed"}) {
			t.Errorf("the app was told %v", got)
		}
	})
}

// A company that speaks of another amount is not believed; a person is told.
func TestPayoutOfAnotherAmount(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.payer.asks, fx.payer.amount = true, 49_999
		fx.payer.after = func(string) error { return errReset }
		p := fx.create(fx.payout("p1", false), gateway.Idem{}).Value
		fx.later()
		fx.payoutIs(p.ID, pay.MoveUnknown)
		if n := fx.openPayoutAlarms(p.ID); n != 2 {
			t.Errorf("%d alarms stand", n)
		}
		fx.payer.amount = 0
		fx.later()
		fx.payoutIs(p.ID, pay.MoveSucceeded)
		if n := fx.openPayoutAlarms(p.ID); n != 0 {
			t.Errorf("%d alarms still stand", n)
		}
	})
}

// Another code is sent at most once a minute, and moves nothing.
func TestResendPayoutCode(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		p := fx.create(fx.payout("p1", true), gateway.Idem{}).Value
		if _, err := fx.ResendPayoutCode(t.Context(), p.ID, gateway.Idem{}); pay.CodeOf(err) != pay.CodeRateLimited {
			t.Fatal(err)
		}
		fx.advance(time.Minute)
		if s, err := fx.ResendPayoutCode(t.Context(), p.ID, gateway.Idem{}); err != nil || !s.Value.Waits() || fx.payer.resent != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
		if _, err := fx.ConfirmPayout(t.Context(), p.ID, payCode, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		fx.advance(time.Minute)
		if _, err := fx.ResendPayoutCode(t.Context(), p.ID, gateway.Idem{}); pay.CodeOf(err) != pay.CodeConflict {
			t.Fatal(err)
		}
	})
}

// A code that was not sent again spends no key: the same request is made again. At once, where nothing
// has left; where the answer was lost, the code may have been sent, and the next waits its minute.
func TestFailedResendSpendsNoKey(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		p := fx.create(fx.payout("p1", true), gateway.Idem{}).Value
		for i, c := range []struct {
			fault *provider.Error
			again pay.Code
		}{
			{&provider.Error{Kind: provider.KindUnavailable, NotSent: true}, ""},
			{&provider.Error{Kind: provider.KindUnavailable}, pay.CodeRateLimited},
		} {
			fx.advance(time.Minute)
			key := gateway.Idem{Key: fmt.Sprint("resend-", i), Request: i}
			fx.payer.before = func(string) error { return c.fault }
			if _, err := fx.ResendPayoutCode(t.Context(), p.ID, key); pay.CodeOf(err) != pay.CodeUpstream {
				t.Fatal(err)
			}
			fx.payer.before = nil
			if c.again != "" {
				if _, err := fx.ResendPayoutCode(t.Context(), p.ID, key); pay.CodeOf(err) != c.again {
					t.Errorf("at once after a lost answer: %v", err)
				}
				fx.advance(time.Minute)
			}
			if s, err := fx.ResendPayoutCode(t.Context(), p.ID, key); err != nil || s.Replayed || fx.payer.resent != i+1 {
				t.Errorf("the same request again: replayed %t, %d codes, %v", s.Replayed, fx.payer.resent, err)
			}
			if s, err := fx.ResendPayoutCode(t.Context(), p.ID, key); err != nil || !s.Replayed || fx.payer.resent != i+1 {
				t.Errorf("and once more: replayed %t, %d codes, %v", s.Replayed, fx.payer.resent, err)
			}
		}
	})
}

// The webhook of a payout is repeated with the same bytes until it arrives.
func TestPayoutWebhookIsRepeated(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.app.say(500)
		p := fx.create(fx.payout("p1", false), gateway.Idem{}).Value
		fx.settle()
		fx.advance(time.Second)
		fx.settle()
		fx.app.say(200)
		fx.advance(2 * time.Second)
		fx.settle()
		if got := fx.app.received; len(got) != 3 || got[0].Raw != got[2].Raw || got[0].EventID != got[2].EventID || got[0].Invoice != p.ID {
			t.Fatalf("%+v", got)
		}
		if p := fx.payoutIs(p.ID, pay.MoveSucceeded); !p.NotifyDelivered {
			t.Error("the payout does not say that it arrived")
		}
	})
}

// Asking twice with one key sends once more, not twice; and one that comes while a try is under way
// is not undone by that try's end.
func TestNotifyPayout(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		p := fx.create(fx.payout("p1", false), gateway.Idem{}).Value
		fx.settle()
		for i := range 2 {
			s, err := fx.NotifyPayout(t.Context(), p.ID, gateway.Idem{Key: "n", Request: p.ID})
			if err != nil || s.Status != 200 || s.Replayed != (i > 0) || s.Value.NotifyDelivered != (i > 0) {
				t.Fatalf("%d: %+v %v", i, s, err)
			}
			fx.settle()
		}
		if got := fx.app.received; len(got) != 2 || got[0].Raw != got[1].Raw || got[0].EventID != got[1].EventID {
			t.Fatalf("%+v", got)
		}
		if _, err := fx.NotifyPayout(t.Context(), p.ID, gateway.Idem{Key: "n", Request: "other"}); reason(err) != "idempotency_key_reused" {
			t.Error(err)
		}

		fx.app.say(500)
		if _, err := fx.NotifyPayout(t.Context(), p.ID, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		fx.settle() // refused once: the next try is in a second
		fx.app.say(200)
		if _, err := fx.NotifyPayout(t.Context(), p.ID, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		fx.settle()
		if p := fx.payoutIs(p.ID, pay.MoveSucceeded); !p.NotifyDelivered || len(fx.app.received) != 4 {
			t.Errorf("%+v after %d", p, len(fx.app.received))
		}

		waits := fx.create(fx.payout("p2", true), gateway.Idem{}).Value
		if _, err := fx.NotifyPayout(t.Context(), waits.ID, gateway.Idem{}); reason(err) != "no_event" {
			t.Error(err)
		}
	})
}
