package gateway_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// One invoice, two companies, and everything that goes wrong between them and us, drawn by a seed:
// answers that are lost, a database that is away, codes that come late or wrong, a company that tells
// us late and again, and persons who decide. In the end our book is what the companies' books say, or
// an open alarm or an unknown outcome says that it is not; and no card is ever charged beside money
// that we know of.
func TestTwoCompaniesAndFaults(t *testing.T) {
	fx := newFixture(t, storetest.SQLite)
	link := fx.merchant("b1", "link")
	fx.merchant("b1", "cards")
	for seed := range uint64(60) {
		s := &simulation{fixture: fx, link: link, rand: rand.New(rand.NewPCG(seed, 6)), debited: map[string]bool{}}
		fx.cards.says = s.says
		s.inv = fx.invoice(fx.input("", fmt.Sprint("order-", seed)))
		if seed%2 == 0 { // the buyer began at the one company, and goes to the other
			s.say("opens: %v", s.opens())
			s.advance(31 * time.Minute)
		}
		for range 12 {
			s.step()
		}
		s.rest()
		if faults := s.faults(); len(faults) > 0 {
			t.Fatalf("seed %d: %s\n%s", seed, strings.Join(faults, "; "), strings.Join(s.log, "\n"))
		}
	}
}

// simulation is one invoice and the two companies' own books of it.
type simulation struct {
	*fixture
	rand *rand.Rand
	link gateway.Merchant
	inv  gateway.Invoice
	log  []string
	calm bool // nothing fails any more
	away bool // the database
	deep int  // within a call to a company

	opened, taken, told bool            // at "link": the attempt, its debit, and that we took it over
	debited             map[string]bool // at "cards", by our payment's id
	wrong               []string        // what must never be
}

func (s *simulation) chance(percent int) bool { return !s.calm && s.rand.IntN(100) < percent }

func (s *simulation) say(format string, args ...any) {
	s.log = append(s.log, strings.Repeat("  ", s.deep)+fmt.Sprintf(format, args...))
}

// step does one thing that a buyer, an app, a company, a person or the time may do.
func (s *simulation) step() {
	ctx := s.t.Context()
	var what string
	var err error
	switch s.rand.IntN(13) {
	case 0, 1:
		what, err = "opens", s.opens()
	case 2, 3:
		what, err = "takes", s.takes()
	case 4, 5, 6:
		what = "pay"
		_, err = s.Pay(ctx, cardFor(s.inv), gateway.Idem{})
	case 7, 8:
		what = "code"
		_, err = s.ConfirmPay(ctx, s.inv.ID, "112233", gateway.Idem{})
	case 9:
		what = "resend"
		_, err = s.ResendCode(ctx, cardFor(s.inv), gateway.Idem{})
	case 10:
		what = "decide"
		err = s.decide()
	case 11:
		what = "a while"
		s.advance([]time.Duration{gateway.Lease + time.Second, 2 * time.Minute, 31 * time.Minute}[s.rand.IntN(3)])
	default:
		what = "work"
		_, err = s.runner.RunDue(ctx)
	}
	s.say("%s: %v", what, err)
	if s.away { // nobody comes before the lease of the dead call has ended: he would be made to wait for it
		s.store.FailWrites(false)
		s.advance(gateway.Lease + time.Second)
		s.away = false
	}
}

// opens has the buyer begin at "link".
func (s *simulation) opens() (err error) {
	if s.opened {
		return nil
	}
	s.on(s.link, func(d provider.Desk) {
		_, err = d.Open(s.t.Context(), provider.OpenOrder{Account: s.inv.ID, Ref: "link-" + s.inv.ID, Amount: s.inv.Amount, ExpiresAt: s.Now().Add(30 * time.Minute), Parallel: true})
	})
	s.opened = err == nil
	return err
}

// takes has "link" take the buyer's money, once, and tell us; it gives it back where we say no for good.
func (s *simulation) takes() (err error) {
	if !s.opened || s.told {
		return nil
	}
	s.taken = true
	var res provider.Result
	s.on(s.link, func(d provider.Desk) {
		res, err = d.Confirm(s.t.Context(), provider.Key{Ref: "link-" + s.inv.ID}, provider.Proof{Amount: s.inv.Amount})
	})
	switch refusal := provider.RefusalOf(err); {
	case err == nil && res.Payment.State == pay.Paid:
		s.told = true
	case err == nil || refusal != "" && refusal != provider.Busy:
		s.taken, s.told = false, true
	}
	return err
}

// decide is a person who has looked into the cabinet of "cards".
func (s *simulation) decide() error {
	p := s.get(s.inv.ID).Payment
	if p == nil || p.State != pay.Unknown {
		return nil
	}
	return s.Decide(s.t.Context(), gateway.Decision{InvoiceID: s.inv.ID, Happened: s.debited[p.ID], Who: "dilnoza@shop.uz", Why: "seen in the cabinet"})
}

// says is what "cards" answers, and what happens meanwhile.
func (s *simulation) says(op string, p pay.Payment) (provider.Outcome, error) {
	s.deep++
	defer func() { s.deep-- }()
	if s.chance(15) {
		s.say("%s: never arrives", op)
		return provider.Outcome{}, errReset
	}
	if s.deep == 1 && s.chance(40) {
		s.say("meanwhile takes: %v", s.takes())
	}
	if op == "inquire" {
		if s.deep == 1 && s.chance(10) { // a person does not wait for the answer, and is wrong perhaps
			s.say("meanwhile a person says no: %v", s.Decide(s.t.Context(), gateway.Decision{InvoiceID: s.inv.ID, Subject: p.ID, Who: "dilnoza@shop.uz", Why: "not seen"}))
		}
		s.say("inquire: debited %v", s.debited[p.ID])
		if s.debited[p.ID] {
			return provider.Outcome{State: pay.Paid, Ref: "card-" + p.ID, Amount: p.Amount}, nil
		}
		return provider.Outcome{}, nil
	}
	switch roll := s.rand.IntN(10); {
	case op == "charge" && (p.Asked == pay.AskedResend || roll < 4):
		s.say("%s: sends a code", op)
		return provider.Outcome{State: pay.Created, Ref: "card-" + p.ID, Needs: provider.Next{Kind: "otp", ExpiresAt: s.Now().Add(40 * time.Minute)}}, nil
	case op == "confirm" && roll < 3:
		s.say("confirm: wrong code")
		return provider.Outcome{State: pay.Created, Reason: pay.DeclineWrongCode}, nil
	case roll < 5:
		s.say("%s: declined", op)
		return provider.Outcome{State: pay.Failed, Reason: pay.DeclineOther}, nil
	}
	if s.told && s.taken {
		s.wrong = append(s.wrong, "a card is charged beside money that we know of")
	}
	s.debited[p.ID] = true
	switch {
	case s.chance(25):
		s.say("%s: debited, and the answer is lost", op)
		return provider.Outcome{}, errReset
	case s.chance(15):
		s.say("%s: debited, and the database is away", op)
		s.store.FailWrites(true)
		s.away = true
	default:
		s.say("%s: debited", op)
	}
	return provider.Outcome{State: pay.Paid, Ref: "card-" + p.ID, Amount: p.Amount}, nil
}

// rest lets everything be heard that is still to be heard.
func (s *simulation) rest() {
	s.calm = true
	for range 4 {
		s.advance(11 * time.Minute)
		_, err := s.runner.RunDue(s.t.Context())
		s.say("in the end: work %v", err)
		if s.taken && !s.told {
			s.say("in the end: takes %v", s.takes())
		}
	}
}

// faults compares the three books.
func (s *simulation) faults() []string {
	out := s.wrong
	ours, theirs := map[string]pay.Tiyin{}, map[string]pay.Tiyin{}
	unknown := false
	err := s.store.View(s.t.Context(), func(ctx context.Context, tx *storeTx) error {
		payments, err := tx.Payments(ctx, s.inv.ID)
		for _, p := range payments {
			s.say("%s at %s: %s (%s), asked %q", p.ID, p.Provider, p.State, p.Reason, p.Asked)
			ours[p.ID] += p.Captured
			unknown = unknown || p.State == pay.Unknown
			if p.Asked != "" && p.State != pay.Unknown {
				out = append(out, "nobody knows what became of a call, and nobody asks")
			}
			if p.Provider == "link" && s.taken || s.debited[p.ID] {
				theirs[p.ID] += p.Amount
			}
		}
		return err
	})
	if err != nil {
		return append(out, err.Error())
	}
	open := s.open(s.inv.ID)
	s.say("open: %q", open)
	for id := range ours {
		if ours[id] != theirs[id] && len(open) == 0 && !unknown {
			out = append(out, fmt.Sprintf("%s: %d in our book, %d in theirs, and nobody is told", id, ours[id], theirs[id]))
		}
	}
	return out
}
