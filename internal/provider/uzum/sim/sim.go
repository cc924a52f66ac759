// Package sim plays Uzum Bank: the app in which a buyer opens a shop's service and pays, and
// the Merchant API client behind it that calls the gateway. It is written from the protocol's
// reference alone, and judges every answer as a strict Uzum would.
package sim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// lifetime is how long a transaction waits for its confirmation.
const lifetime = 30 * time.Minute

// A payment in Uzum's books is in one of these states.
const (
	created   = "created"   // agreed to; nothing debited
	debited   = "suspended" // the buyer's money is taken, and the shop has not said yes or no
	paid      = "paid"
	refused   = "refused"   // not paid, or debited and given back
	cancelled = "cancelled" // reversed before it was paid, or lapsed
	refunded  = "refunded"
)

type bank struct {
	world *simulator.World

	mu       sync.Mutex
	services map[int64]service
	payments map[string]*payment // by transId
	order    []string            // transIds, oldest first

	// FastPay.
	tills map[string]fastUser // by the user's number
	fasts []*fast

	codeFirst bool // FastPay looks at a code before the order that it is for
	codes     simulator.Codes
}

// service is a shop's service as it was registered.
type service struct {
	id              int64
	login, password string
	attribute       string
	unit            int64 // how many tiyin are 1 on the wire
	address         string
}

// payment is one transaction. The upper part never changes; the lower is guarded by bank.mu.
type payment struct {
	transID string
	service int64
	account string
	amount  int64 // on the wire
	tiyin   int64
	numeric bool // the order is sent as a JSON number
	at      time.Time

	state       string
	refunded    int64              // tiyin
	sent        map[string]message // the last message of each step, to be sent again
	transTime   int64              // as the gateway told them first; 0: not yet
	confirmTime int64
	reverseTime int64
}

// twin is another transaction for the same order, of which nothing has been sent.
func (p *payment) twin() *payment {
	return &payment{
		transID: uuid.NewString(), service: p.service, account: p.account,
		amount: p.amount, tiyin: p.tiyin, numeric: p.numeric, at: p.at,
	}
}

// New opens the bank.
func New(w *simulator.World) simulator.Simulator {
	return &bank{world: w, services: map[int64]service{}, payments: map[string]*payment{}, tills: map[string]fastUser{}}
}

// Info lists the actions in the order of a payment's life. The steps are the five calls, and
// the page on which a buyer pays.
func (b *bank) Info() simulator.Info {
	return simulator.Info{
		Name: "uzum", Title: "Uzum Bank",
		Actions: []string{"check", "pay", "refuse", "abandon", "confirm", "pay_twice", "cancel", "refund", "status", "repeat", "code", "set", "probe"},
		Steps:   []string{"check", "create", "confirm", "reverse", "status", "page", stepFastPay, stepFastStatus, stepFastReverse, stepFastFiscal},
	}
}

// AddAccount registers a service, or changes what is known of it.
func (b *bank) AddAccount(a simulator.Account) error {
	if a.Credentials["merchantServiceUserId"] != "" {
		return b.addTill(a.Credentials)
	}
	id, err := strconv.ParseInt(a.Credentials["serviceId"], 10, 64)
	if err != nil || id <= 0 {
		return fmt.Errorf("uzum: %q is not a service's number", a.Credentials["serviceId"])
	}
	s := service{
		id: id, login: a.Credentials["login"], password: a.Credentials["password"],
		attribute: a.Options["uzumAttribute"], unit: 1, address: strings.TrimSuffix(a.CallbackURL, "/"),
	}
	if s.attribute == "" {
		s.attribute = "order_id"
	}
	if a.Options["amountUnit"] == "som" {
		s.unit = 100
	}
	if s.login == "" || s.password == "" || s.address == "" {
		return fmt.Errorf("uzum: service %d lacks a login, a password or an address", id)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.services[id] = s
	return nil
}

// Tick lets lapse what nobody confirmed in time. What was debited does not lapse: where that
// money goes is for people to find out.
func (b *bank) Tick(context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.payments {
		if p.state == created && b.world.Now().Sub(p.at) > lifetime {
			p.state = cancelled
		}
	}
}

// Books lists every transaction, oldest first.
func (b *bank) Books() []simulator.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []simulator.Entry
	for _, id := range b.order {
		p := b.payments[id]
		out = append(out, simulator.Entry{
			Ref: p.transID, Account: p.account, Amount: p.tiyin, Refunded: p.refunded, State: p.state, At: p.at,
		})
	}
	for _, p := range b.fasts {
		out = append(out, p.entry())
	}
	return out
}

// service finds a service by its number; with 0, the only one there is.
func (b *bank) service(id int64) (service, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s, ok := b.services[id]; ok {
		return s, nil
	}
	if id == 0 && len(b.services) == 1 {
		for _, s := range b.services {
			return s, nil
		}
	}
	return service{}, fmt.Errorf("uzum: no service %d is registered", id)
}

func (b *bank) payment(ref string) (*payment, service, error) {
	b.mu.Lock()
	p, ok := b.payments[ref]
	b.mu.Unlock()
	if !ok {
		return nil, service{}, fmt.Errorf("uzum: no transaction %q", ref)
	}
	s, err := b.service(p.service)
	return p, s, err
}

func (b *bank) keep(p *payment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.payments[p.transID] = p
	b.order = append(b.order, p.transID)
}

// stateOf reads where a payment stands.
func (b *bank) stateOf(p *payment) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return p.state
}

// move sets where a payment stands, if it stands in one of from.
func (b *bank) move(p *payment, to string, from ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(from, p.state) {
		return
	}
	p.state = to
	if to == refunded {
		p.refunded = p.tiyin
	}
}

var _ http.Handler = (*bank)(nil)
