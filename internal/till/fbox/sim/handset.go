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
	errNoCode = errors.New("fbox: there is no such code")
	errUsed   = errors.New("fbox: the code was used, or taken back")
)

// Act does what a buyer does with the code in Link, which is its payload, or with that of the
// invoice in Ref.
func (b *box) Act(_ context.Context, a simulator.Action) (simulator.Report, error) {
	if !slices.Contains(actions, a.Kind) {
		return simulator.Report{}, fmt.Errorf("fbox: there is no action %q; there are %v", a.Kind, actions)
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
	case x.status != waits && a.Kind != "ask":
		return simulator.Report{}, errUsed
	}
	switch a.Kind {
	case "pay", "pay_twice", "lose": // a second debit of one code is turned away
		x.status, x.payID = done, "9"+x.id
	case "refuse":
		x.status = failed
	}
	b.wake()
	rep.Ref, rep.State = x.id, word(x)
	if a.Kind == "lose" {
		rep.State = "suspended"
	}
	return rep, nil
}

// named is the code that an action is about. Under the lock.
func (b *box) named(a simulator.Action) *invoice {
	for _, x := range b.invoices {
		if a.Ref != "" && a.Ref == x.id || a.Link != "" && a.Link == x.qr {
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
	return simulator.Bill{Account: x.external, Amount: x.amount}, nil
}

// Hands are the buttons of the bank's app by which it was scanned. The till asks how its code
// stands: that is the answer which can be lost.
func (b *box) Hands() simulator.Hands {
	return simulator.Hands{Leave: "abandon", Answer: stepStatus, Lose: "lose", Again: "ask"}
}

// Showing are the codes that wait to be paid, the newest first.
func (b *box) Showing() []simulator.Shown {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []simulator.Shown
	for _, x := range slices.Backward(b.invoices) {
		if x.status == waits {
			out = append(out, simulator.Shown{Link: x.qr, Account: x.external, Amount: x.amount})
		}
	}
	return out
}

var (
	_ simulator.Buyer   = (*box)(nil)
	_ simulator.Display = (*box)(nil)
)
