// Package devices puts a shop's pinpads into the sandbox: one that listens for a till over ZVT, and
// one behind the program of ARCUS 2. They are the simulated terminals that the drivers are tested
// with; here a person sets their faults, and pulls their cable.
package devices

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
	device "github.com/chorsu/chorsu/internal/till/terminal/sim"
)

// pinpad is what both have in common: a device, and hands on it.
type pinpad struct {
	info   simulator.Info
	device *device.Device
	now    func() time.Time

	mu     sync.Mutex
	byHand bool      // somebody holds the cable
	since  time.Time // when the device was first seen without it
}

// What a person can do at a pinpad.
const (
	actSale = "sale" // takes money by hand, past the till
	actPull = "pull" // the cable
	actPlug = "plug"
)

var hands = []string{actSale, actPull, actPlug}

func (p *pinpad) Info() simulator.Info               { return p.info }
func (p *pinpad) AddAccount(simulator.Account) error { return errors.New("a pinpad has no accounts") }

// linkBack is after how long a link that an amount has broken (98) comes back by itself.
const linkBack = 10 * time.Second

// Tick puts a cable back that nobody holds.
func (p *pinpad) Tick(context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.device.Down() || p.byHand:
		p.since = time.Time{}
	case p.since.IsZero():
		p.since = p.now()
	case p.now().Sub(p.since) >= linkBack:
		p.device.Pull(false)
	}
}

// Act does what a person does at the device itself.
func (p *pinpad) Act(_ context.Context, a simulator.Action) (simulator.Report, error) {
	switch a.Kind {
	case actPull, actPlug:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.byHand = a.Kind == actPull
		p.device.Pull(p.byHand)
		return simulator.Report{}, nil
	case actSale:
		if a.Amount <= 0 {
			return simulator.Report{}, errors.New("amount must be tiyin above 0")
		}
		t, _, err := p.device.Sale(a.Amount)
		if err != nil || t.Receipt == 0 {
			return simulator.Report{State: "refused"}, err
		}
		return simulator.Report{Ref: t.RRN, State: "paid"}, nil
	}
	return simulator.Report{}, fmt.Errorf("there is no action %q", a.Kind)
}

// Books are the device's own journal.
func (p *pinpad) Books() (out []simulator.Entry) {
	for _, t := range p.device.Txns() {
		e := simulator.Entry{Ref: t.RRN, Account: fmt.Sprintf("receipt %d", t.Receipt), Amount: t.Amount, Refunded: t.Returned, State: "paid", At: t.At}
		switch {
		case t.Reversed:
			e.State = "cancelled"
		case t.Kind != "sale":
			e.Account, e.State = fmt.Sprintf("receipt %d, %s of receipt %d", t.Receipt, t.Kind, t.Of), "refunded"
		}
		out = append(out, e)
	}
	return out
}

// nothingHere answers a browser.
func nothingHere(w http.ResponseWriter, says string) { http.Error(w, says, http.StatusNotFound) }
