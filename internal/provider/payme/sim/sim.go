// Package sim plays Payme Business: the page where a buyer pays, and the caller of the Merchant
// API with its doubled messages, its twelve hours, its refunds and its suspicion.
//
// It was written from the company's documentation and imports neither the adapter that it
// tests nor the gateway. README.md of the folder above says what it does not promise.
package sim

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// lifetime is how long Payme keeps an unpaid transaction, from its own creation of it.
const lifetime = 12 * time.Hour

// patience is how long Payme waits before it repeats a message that nobody answered. The real
// interval is not published.
const patience = time.Minute

// New returns Payme without any kassa.
func New(w *simulator.World) simulator.Simulator {
	c := &company{w: w, kassas: map[string]*kassa{}, transactions: map[string]*transaction{}, desks: map[string]*cashDesk{}, exams: map[string]bool{}}
	rand.Read(c.process[:])
	return c
}

// company is Payme. Nothing is locked while a message is on its way.
type company struct {
	w       *simulator.World
	process [5]byte // the middle of every id that this process makes

	mu           sync.Mutex
	kassas       map[string]*kassa
	transactions map[string]*transaction
	sequence     []string        // the transactions' ids, oldest first
	exams        map[string]bool // ids that exams used: they are in no books
	ids          uint32
	calls        int64 // the last JSON-RPC id
	receipts     int64 // the last fiscal receipt's number

	// Payme Go.
	desks map[string]*cashDesk
	bills []*bill
	codes simulator.Codes
}

// kassa is one merchant's register, as its cabinet shows it.
type kassa struct {
	id       string
	key      string // the one in force: the live key, or in test mode the test key
	test     bool
	endpoint string
	field    string // the account's only field

	opened     time.Time // what is older is not in these books
	reconciled time.Time // when its statement was last asked for by the clock
	drift      []string  // what did not fit then
}

// transaction is one payment in Payme's books.
type transaction struct {
	id      string
	kassa   *kassa
	account string
	amount  int64 // tiyin
	time    int64 // ms; Payme's

	state   string // as in simulator.Report; "" until the merchant has answered Create
	reason  int    // of its cancellation
	debited bool   // whether the buyer's card was charged
	fiscal  bool   // whether the merchant gave lines for the fiscal receipt
	changed time.Time

	// What the merchant said, to be held against what it says later.
	theirs                              string // its own id of the transaction
	createTime, performTime, cancelTime int64
	pending                             string // the method that nobody answered yet, "" when none
	underway                            bool   // a flow works on it now, so Tick does not
}

// The states of Report and Entry.
const (
	created   = "created"
	paid      = "paid"
	refused   = "refused"
	cancelled = "cancelled"
	refunded  = "refunded"
	suspended = "suspended"
)

// Info tells what can be done here.
func (c *company) Info() simulator.Info {
	return simulator.Info{
		Name: "payme", Title: "Payme",
		Actions: []string{
			actLook, actPay, actRefuse, actAbandon, actPayTwice, actFinish, actCancel, actRefund,
			actCheck, actReceipt, actStatement, actResolve, actProbe, actInspect, actCode,
		},
		Steps: slices.Concat(methods, []string{stepPage}, subscribeSteps),
	}
}

var (
	kassaID   = regexp.MustCompile(`^[0-9a-fA-F]{24}$`)
	fieldName = regexp.MustCompile(`^\w{1,64}$`)
)

// AddAccount opens a kassa in the cabinet, or changes the one of the same id.
func (c *company) AddAccount(a simulator.Account) error {
	if id := a.Credentials["cashboxId"]; id != "" {
		return c.addDesk(id, a.Credentials["key"])
	}
	k := &kassa{
		id: a.Credentials["merchantId"], key: a.Credentials["key"],
		test: a.Options["mode"] == "test", endpoint: a.CallbackURL, field: a.Options["accountField"],
	}
	if k.test {
		k.key = a.TestKey
	}
	if k.field == "" {
		k.field = "order_id"
	}
	u, err := url.Parse(k.endpoint)
	switch {
	case !kassaID.MatchString(k.id):
		return fmt.Errorf("payme: %q is not a kassa's id: 24 hexadecimal digits", k.id)
	case k.key == "":
		return fmt.Errorf("payme: kassa %s has no key for its mode", k.id)
	case !fieldName.MatchString(k.field):
		return fmt.Errorf("payme: %q cannot be the name of an account field", k.field)
	case err != nil || u.Host == "":
		return fmt.Errorf("payme: %q is not an address that can be called", k.endpoint)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.kassas[k.id]; old != nil { // transactions point at it
		old.key, old.test, old.endpoint, old.field = k.key, k.test, k.endpoint, k.field
		return nil
	}
	k.opened = c.w.Now()
	k.reconciled = k.opened
	c.kassas[k.id] = k
	return nil
}

// Books are what Payme believes.
func (c *company) Books() []simulator.Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := []simulator.Entry{}
	for _, id := range c.sequence {
		t := c.transactions[id]
		e := simulator.Entry{Ref: t.id, Account: t.account, Amount: t.amount, State: t.state, At: t.changed}
		if t.state == refunded {
			e.Refunded = t.amount
		}
		out = append(out, e)
	}
	for _, b := range c.bills {
		out = append(out, b.entry(c.w.Now()))
	}
	return out
}

// Tick ends what ran out, repeats what nobody answered, and asks each kassa for its statement
// once a day.
func (c *company) Tick(ctx context.Context) {
	now := c.w.Now()
	for _, t := range c.due(now) {
		c.resume(ctx, t, now)
		c.release(t)
	}
	c.mu.Lock()
	var old []*kassa
	for _, k := range c.kassas {
		if now.Sub(k.reconciled) >= 24*time.Hour {
			old = append(old, k)
		}
	}
	c.mu.Unlock()
	for _, k := range old {
		c.daily(ctx, k, now)
	}
}

// due takes the transactions on which something must be done now.
func (c *company) due(now time.Time) []*transaction {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*transaction
	for _, id := range c.sequence {
		t := c.transactions[id]
		lapsed := t.state == created && now.UnixMilli()-t.time > lifetime.Milliseconds()
		silent := t.state == suspended && t.pending != "" && now.Sub(t.changed) >= patience
		if !t.underway && (lapsed || silent) {
			t.underway = true
			out = append(out, t)
		}
	}
	return out
}

// resume goes on with a transaction that lapsed, or whose last message was not answered.
func (c *company) resume(ctx context.Context, t *transaction, now time.Time) {
	talk := c.talk(ctx, t.kassa, &simulator.Report{})
	was := c.view(t)
	switch {
	case was.state == created:
		talk.cancel(t, reasonTimeout)
	case was.pending == methodCreate && now.UnixMilli()-t.time > lifetime.Milliseconds():
		// Nobody was debited: whatever the merchant made of it has run out there too.
		c.learn(t, func() { t.state, t.pending = cancelled, "" })
	case was.pending == methodCreate:
		talk.begin(t)
	case was.pending == methodPerform:
		talk.perform(t)
	case was.pending == methodCancel:
		talk.cancel(t, was.reason)
	}
}

func (c *company) release(t *transaction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.underway = false
}

// view is a transaction as it stands.
func (c *company) view(t *transaction) transaction {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *t
}

// learn changes a transaction.
func (c *company) learn(t *transaction, change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	t.changed = c.w.Now()
}

// newTransaction writes a transaction into the books before the merchant hears of it.
func (c *company) newTransaction(k *kassa, account string, amount int64) *transaction {
	now := c.w.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &transaction{
		id: c.newID(now), kassa: k, account: account, amount: amount, time: now.UnixMilli(),
		changed: now, underway: true,
	}
	c.transactions[t.id] = t
	c.sequence = append(c.sequence, t.id)
	return t
}

// newID makes 24 hexadecimal digits as Payme's own are made: the second, the process, a count.
// c.mu is held.
func (c *company) newID(now time.Time) string {
	c.ids++
	s := uint32(now.Unix())
	id := []byte{byte(s >> 24), byte(s >> 16), byte(s >> 8), byte(s)}
	id = append(id, c.process[:]...)
	id = append(id, byte(c.ids>>16), byte(c.ids>>8), byte(c.ids))
	return hex.EncodeToString(id)
}

func (c *company) find(ref string) (*transaction, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.transactions[ref]
	if t == nil {
		return nil, fmt.Errorf("payme knows no payment %q", ref)
	}
	return t, nil
}

// theKassa is the kassa that an action without a link or a payment means: the one it names, or
// the only one there is.
func (c *company) theKassa(a simulator.Action) (*kassa, error) {
	if a.Link != "" {
		l, err := c.parseLink(a.Link)
		if err != nil {
			return nil, err
		}
		return l.kassa, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.kassas[a.Params["merchantId"]]; k != nil {
		return k, nil
	}
	if a.Params["merchantId"] == "" && len(c.kassas) == 1 {
		for _, k := range c.kassas {
			return k, nil
		}
	}
	return nil, fmt.Errorf("payme: say which kassa is meant, with a link or the parameter merchantId; %d are known", len(c.kassas))
}
