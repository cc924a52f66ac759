package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// What a buyer does with a code in the hand.
var actions = []string{"pay", "refuse", "pay_twice", "lose", "abandon", "ask"}

var (
	errNoCode = errors.New("scan2pay: there is no such code")
	errPaid   = errors.New("scan2pay: the code is paid already")
)

// Act does what a buyer does with the code in Link, or with that of the order or the id in Ref.
func (b *box) Act(_ context.Context, a simulator.Action) (simulator.Report, error) {
	if !slices.Contains(actions, a.Kind) {
		return simulator.Report{}, fmt.Errorf("scan2pay: there is no action %q; there are %v", a.Kind, actions)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.named(a)
	rep := simulator.Report{Problems: []string{}, State: "created"}
	switch {
	case x == nil:
		return simulator.Report{}, errNoCode
	case a.Kind == "abandon":
		return rep, nil
	case x.paid && a.Kind != "ask":
		return simulator.Report{}, errPaid
	}
	rep.Ref = x.id
	switch a.Kind {
	case "refuse":
		rep.State = "refused" // the buyer's bank says no; the code waits for another
		return rep, nil
	case "pay", "pay_twice", "lose": // a second debit of one code is turned away
		x.paid = true
	}
	switch {
	case a.Kind == "lose":
		rep.State = "suspended"
	case x.paid:
		rep.State = "paid"
	}
	return rep, nil
}

// named is the code that an action is about. Under the lock.
func (b *box) named(a simulator.Action) *bill {
	for _, x := range b.bills {
		if a.Ref != "" && (x.order == a.Ref || x.id == a.Ref) || a.Link != "" && a.Link == x.link() {
			return x
		}
	}
	return nil
}

// Read tells what a code asks for.
func (b *box) Read(link string) (simulator.Bill, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.named(simulator.Action{Link: strings.TrimSpace(link)})
	if x == nil {
		return simulator.Bill{}, errNoCode
	}
	return simulator.Bill{Account: x.order, Amount: x.amount}, nil
}

// Hands are the buttons of the bank's app by which it was scanned. The till asks how its code
// stands: that is the answer which can be lost.
func (b *box) Hands() simulator.Hands {
	return simulator.Hands{Leave: "abandon", Answer: stepStatus, Lose: "lose", Again: "ask"}
}

// Showing are the codes that nobody has paid yet, the newest first.
func (b *box) Showing() []simulator.Shown {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []simulator.Shown
	for _, x := range slices.Backward(b.bills) {
		if !x.paid {
			out = append(out, simulator.Shown{Link: x.link(), Account: x.order, Amount: x.amount})
		}
	}
	return out
}

var (
	_ simulator.Buyer   = (*box)(nil)
	_ simulator.Display = (*box)(nil)
)
