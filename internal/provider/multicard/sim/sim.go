// Package sim plays Multicard's own side for the sandbox and the tests: its API, the page where
// the buyer pays, its callbacks and webhooks, and its books. It is written from the protocol's
// description alone, and shares no line with the adapter that it tests.
package sim

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The public sandbox application and registers of the documentation.
const (
	publicApp    = "rhmt_test"
	publicSecret = "Pw18axeBFo8V7NamKHXX"
	publicStore  = "a1df872e-d5aa-11ee-8de8-005056b4367d" // the UUID of register 6
)

// Simulator is Multicard. All its methods may be called from several goroutines; the lock is
// never held while the gateway is called.
type Simulator struct {
	w   *simulator.World
	mux *http.ServeMux
	key []byte // signs the tokens

	mu       sync.Mutex
	apps     map[string]*app
	stores   map[int64]*store
	payments []*payment
	cards    []*boundCard
	holds    []*hold
	sentTo   map[string]sent // by card: the code that its owner was sent and has not used
	notes    []*bindNote
	credits  []*credit
	outbox   []*webhook
	failures []failure
	tokens   int   // tokens of an earlier generation are expired
	serial   int64 // makes ids differ within one moment
	rules    rules // of every store without its own
	codes    simulator.Codes
}

type app struct {
	id, secret string
	deposit    int64 // what payouts are made from
	overdraft  int64 // how far below nothing it may go
}

type store struct {
	id    int64
	uuid  string
	title string
	app   *app
	rules *rules // nil: Simulator.rules
}

// rules are what Multicard has switched on for a register, and what no document settles.
type rules struct {
	otp          bool   // payments by token take a code
	webhooks     bool   // webhooks instead of the success callback
	partial      bool   // partial refunds are configured
	tax          bool   // Multicard makes the fiscal receipts
	requireOFD   bool   // an invoice without ofd is refused
	strictOFD    bool   // a partial refund's ofd must add up to what remains sold
	invoiceUUID  bool   // callbacks carry invoice_uuid too
	amountText   bool   // callbacks carry the amount as text
	billing      bool   // callbacks carry a billing_id, and it is signed in the place of invoice_id
	ownUUID      bool   // the payment's uuid differs from its invoice's
	freeze       bool   // 502, 503 and 504 freeze like 500, instead of giving the money back
	shortLink    bool   // invoices carry short_link, as in production
	refusedAs    string // the status after our no: error or revert
	oldSignature bool   // webhooks are signed by the older md5
}

// New returns Multicard with the public sandbox application: register 6, register 105, which
// makes fiscal receipts itself, and register 900, which belongs to somebody else.
func New(w *simulator.World) simulator.Simulator {
	s := &Simulator{
		w: w, key: make([]byte, 32),
		apps: map[string]*app{}, stores: map[int64]*store{},
		sentTo: map[string]sent{}, rules: rules{partial: true, otp: true, refusedAs: statusError},
	}
	_, _ = rand.Read(s.key) // never fails: the runtime stops instead
	public := s.app(publicApp, publicSecret)
	s.stores[6] = &store{id: 6, uuid: publicStore, title: "Sandbox", app: public}
	self := s.rules
	self.tax = true
	s.stores[105] = &store{id: 105, uuid: s.uuid(), title: "Jett.uz", app: public, rules: &self}
	s.stores[900] = &store{id: 900, uuid: s.uuid(), title: "Foreign", app: s.app("foreign", "foreign-secret")}
	s.routes()
	return s
}

// ServeHTTP serves the company's API and its pages.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Info lists what can be done here.
func (s *Simulator) Info() simulator.Info {
	return simulator.Info{
		Name: "multicard", Title: "Multicard",
		Actions: []string{
			"pay", "refuse", "abandon", "debit", "resume", "repeat", "pay_twice", "refund", "refund_part",
			"webhook", "flush", "bind", "deposit", "switch", "code", "fail_next", "expire_tokens",
		},
		Steps: []string{
			"auth", "invoice.create", "invoice.read", "invoice.cancel", "payment.read", "payment.refund",
			"payment.partial", "payment.fiscal", "register.read", "card.bind", "card.session", "card.forget",
			"card.add", "card.confirm", "card.read", "card.check", "card.pinfl", "card.callback", "payment.create",
			"payment.confirm", "payment.scanpay", "hold.create", "hold.read", "hold.confirm", "hold.charge", "hold.cancel",
			"payout.create", "payout.confirm", "payout.read", "payouts.read", "application.read", "recipient.read", "callback", "webhook",
		},
	}
}

var (
	storeUUID   = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	errNoSecret = errors.New("applicationId, secret and storeId are needed")
)

// AddAccount makes the application and the register known. A register that is named by an
// unknown UUID gets a number of its own.
func (s *Simulator) AddAccount(a simulator.Account) error {
	id, secret, name := a.Credentials["applicationId"], a.Credentials["secret"], a.Credentials["storeId"]
	if id == "" || secret == "" || name == "" {
		return errNoSecret
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	owner := s.app(id, secret)
	owner.secret = secret
	if st := s.storeOf(name); st != nil {
		if st.app != owner && len(s.paymentsOf(st)) > 0 {
			return fmt.Errorf("register %s belongs to another application", name)
		}
		st.app = owner
		return nil
	}
	st := &store{title: name, app: owner}
	if n, err := strconv.ParseInt(name, 10, 64); err == nil && n > 0 {
		st.id, st.uuid = n, s.uuid()
	} else if storeUUID.MatchString(name) {
		st.uuid = strings.ToLower(name)
		for st.id = 1000; s.stores[st.id] != nil; st.id++ {
		}
	} else {
		return fmt.Errorf("storeId %q is neither a number nor a UUID", name)
	}
	s.stores[st.id] = st
	return nil
}

// Books are all payments, oldest first.
func (s *Simulator) Books() []simulator.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]simulator.Entry, 0, len(s.payments))
	for _, p := range s.payments {
		out = append(out, simulator.Entry{
			Ref: p.uuid, Account: p.invoiceID, Amount: p.amount, Refunded: p.refunded, State: p.state(), At: p.addedAt,
		})
	}
	return out
}

// Tick cancels invoices that nobody paid in time, finishes debits whose outcome was open, asks
// again about frozen payments, and sends the webhooks that are due.
func (s *Simulator) Tick(ctx context.Context) {
	s.mu.Lock()
	now := s.w.Now()
	var again []*payment
	for _, p := range s.payments {
		s.age(p)
		if p.status == statusProgress && p.settles != "" {
			s.settle(p)
		}
		if p.status == statusBilling && !p.asking && !p.held && !now.Before(p.askAt) {
			again = append(again, p)
		}
	}
	s.settleCredits()
	s.mu.Unlock()
	for _, p := range again {
		s.ask(ctx, p)
	}
	s.tellBound(ctx)
	s.flush(ctx)
}

// ─── Names and numbers; all under the lock ────────────────────────────────────────────────

func (s *Simulator) app(id, secret string) *app {
	if s.apps[id] == nil {
		s.apps[id] = &app{id: id, secret: secret, deposit: firstDeposit, overdraft: firstOverdraft}
	}
	return s.apps[id]
}

// storeOf finds a register by its number or its UUID.
func (s *Simulator) storeOf(name string) *store {
	if n, err := strconv.ParseInt(name, 10, 64); err == nil {
		return s.stores[n]
	}
	for _, st := range s.stores {
		if strings.EqualFold(st.uuid, name) {
			return st
		}
	}
	return nil
}

func (s *Simulator) rulesOf(st *store) rules {
	if st.rules != nil {
		return *st.rules
	}
	return s.rules
}

func (s *Simulator) paymentsOf(st *store) []*payment {
	var out []*payment
	for _, p := range s.payments {
		if p.store == st {
			out = append(out, p)
		}
	}
	return out
}

// find looks a payment up by its own uuid or by its invoice's: the API takes the one for the
// other.
func (s *Simulator) find(uuid string) *payment {
	for _, p := range s.payments {
		if p.uuid == uuid || p.invoiceUUID == uuid {
			s.age(p)
			return p
		}
	}
	return nil
}

// uuid makes a time-based UUID with the node that the sandbox's samples end in.
func (s *Simulator) uuid() string {
	s.serial++
	const sinceGregory = 0x01b21dd213814000 // 100 ns steps from 1582-10-15 to 1970-01-01
	t := uint64(s.w.Now().UnixNano()/100) + sinceGregory + uint64(s.serial)
	return fmt.Sprintf("%08x-%04x-%04x-%04x-005056b4367d", uint32(t), uint16(t>>32), uint16(t>>48)&0x0fff|0x1000, 0x8000|uint16(s.serial>>24)&0x3fff)
}

var tashkent = time.FixedZone("Asia/Tashkent", 5*60*60)

// local writes a time as the company does: GMT+5, no zone. Zero is null.
func local(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.In(tashkent).Format(time.DateTime)
}

// orNull is s, or null where it is empty.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
