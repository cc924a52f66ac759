// Package sim plays CLICK: the buyer's page, the SHOP API calls that CLICK makes to a merchant
// (Prepare, Complete), and Merchant API v2 with payment status, reversals and fiscal data. It
// keeps books of its own, has its own wire types and signing, and is strict about what it is
// answered.
//
// It holds what CLICK documents and what was seen on its wire. What is published nowhere is a
// setting with a name, see Settings. README.md, in the folder above, says what it does not
// promise.
package sim

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// Settings are what CLICK publishes nowhere, or lets a service choose. The action "set" changes
// them by these names.
type Settings struct {
	AmountFormat   string        // amount_format: how a Prepare prints the amount: raw (as the link has it), N or N.NN
	Repeats        int           // repeats: how often a message is repeated whose answer was not final
	RepeatEvery    time.Duration // repeat_every
	RepeatFrom     string        // repeat_from: complete or prepare: where CLICK begins again after a debit
	CancelRefused  bool          // cancel_refused: a refused Prepare is followed by a Complete with error < 0
	AuthSkew       time.Duration // auth_skew: how old or new the timestamp of Auth may be
	Partial        bool          // partial_reversal: whether the service may return parts
	UzcardRefuses  bool          // uzcard_refuses: every reversal is refused by the card network
	ReversedStatus int           // reversed_status: payment_status of a payment that was reversed
	ConfirmMode    bool          // confirm_mode: a Click Pass payment that is not confirmed in 30 s is given back
	ReceiptAfter   int           // receipt_after: how often the receipt's link is not there yet; -1: it never comes
}

var defaults = Settings{
	AmountFormat:   "raw",
	Repeats:        5,
	RepeatEvery:    time.Minute,
	RepeatFrom:     "complete",
	CancelRefused:  true,
	AuthSkew:       5 * time.Minute,
	Partial:        true,
	ReversedStatus: -1,
}

// The steps at which faults can be set: our calls to the merchant, and its calls to us.
const (
	stepPrepare         = "prepare"
	stepComplete        = "complete"
	stepPage            = "page"
	stepStatus          = "payment.status"
	stepStatusByOrder   = "payment.status_by_mti"
	stepReversal        = "payment.reversal"
	stepPartialReversal = "payment.partial_reversal"
	stepItems           = "ofd_data.submit_items"
	stepQRCode          = "ofd_data.submit_qrcode"
	stepReceipt         = "ofd_data.get"
	stepPass            = "click_pass.payment"
	stepPassConfirm     = "click_pass.confirm"
	stepPassMode        = "click_pass.confirmation"
)

var steps = []string{stepPrepare, stepComplete, stepPage, stepStatus, stepStatusByOrder, stepReversal, stepPartialReversal, stepItems, stepQRCode, stepReceipt,
	stepPass, stepPassConfirm, stepPassMode}

// The states of a payment in the books, as simulator.Report names them.
const (
	created   = "created"   // a Prepare is under way, or was answered 0
	paid      = "paid"      // debited and taken by the merchant
	refused   = "refused"   // never debited
	cancelled = "cancelled" // debited, and given back because the merchant would not have it
	refunded  = "refunded"  // given back by a reversal
	suspended = "suspended" // debited, and the merchant has given no final answer
)

// tashkent is where CLICK's clock hangs.
var tashkent = time.FixedZone("UTC+5", 5*60*60)

// service is one merchant's service in the cabinet.
type service struct {
	id, merchant, user, secret string

	callback string // Prepare URL and Complete URL
}

// attempt is one payment by a buyer. Its fields are guarded by sim.mu; turn is held by the flow
// that speaks with the merchant about it.
type attempt struct {
	turn sync.Mutex

	svc        *service
	trans      int64 // click_trans_id
	paydoc     int64 // click_paydoc_id, payment_id
	account    string
	amountText string // soum, as every message prints it
	amount     int64  // tiyin
	returnURL  string
	at         time.Time

	state     string
	plan      string // pay, refuse or hold: what the buyer does once Prepare is answered 0
	next      string // the message that comes next: prepare, complete, fail, or "" for none
	failure   int    // the error of a fail
	due       time.Time
	tries     int
	prepareID string // what Prepare was answered
	debited   bool
	asked     int  // how many Completes with error 0 have left
	taken     bool // whether one of them was answered 0
	sent      map[string]fields

	refunded int64
	items    []byte
	qrcode   string
	polls    int

	scan *scan // Click Pass; nil for a payment on the web
}

type sim struct {
	world *simulator.World

	codes simulator.Codes // what buyers' telephones show, for Click Pass

	mu       sync.Mutex
	set      Settings
	services map[string]*service
	attempts map[int64]*attempt // by click_trans_id
	order    []*attempt
	lastID   int64
	receipts int
}

// New returns a CLICK that knows no merchant yet.
func New(w *simulator.World) simulator.Simulator {
	return &sim{world: w, set: defaults, services: map[string]*service{}, attempts: map[int64]*attempt{}}
}

func (s *sim) Info() simulator.Info {
	return simulator.Info{
		Name:    "click",
		Title:   "Click",
		Actions: []string{"pay", "refuse", "abandon", "pay_twice", "prepare", "complete", "cancel", "repeat", "retry", "refund", "code", "send", "suite", "set"},
		Steps:   slices.Clone(steps),
	}
}

// The shapes of ids: as the cabinet shows them, and as messages carry them.
var (
	number     = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
	int64Shape = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
)

func (s *sim) AddAccount(a simulator.Account) error {
	c := a.Credentials
	if c["merchantId"] == "" && number.MatchString(c["serviceId"]) && number.MatchString(c["merchantUserId"]) && c["secretKey"] != "" {
		return s.addTill(c)
	}
	if !number.MatchString(c["serviceId"]) || !number.MatchString(c["merchantId"]) || c["secretKey"] == "" {
		return fmt.Errorf("a service needs serviceId, merchantId and secretKey")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.services[c["serviceId"]] = &service{
		id: c["serviceId"], merchant: c["merchantId"], user: c["merchantUserId"], secret: c["secretKey"], callback: a.CallbackURL,
	}
	return nil
}

// addTill registers a service that only tills use: nobody is called for it. One that is on the web
// too stays there.
func (s *sim) addTill(c map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	svc := s.services[c["serviceId"]]
	if svc == nil {
		svc = &service{id: c["serviceId"]}
		s.services[svc.id] = svc
	}
	svc.user, svc.secret = c["merchantUserId"], c["secretKey"]
	return nil
}

// newID mints an id. Ids grow with the clock, so that a simulator that was started anew does not
// give one out twice.
func (s *sim) newID() int64 {
	s.lastID = max(s.lastID+1, s.world.Now().UnixMilli()*1000)
	return s.lastID
}

func (s *sim) newAttempt(svc *service, account, amountText string, amount int64) *attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &attempt{
		svc: svc, trans: s.newID(), paydoc: s.newID(), account: account, amountText: amountText, amount: amount,
		at: s.world.Now(), state: created, next: stepPrepare, sent: map[string]fields{},
	}
	s.attempts[a.trans] = a
	s.order = append(s.order, a)
	return a
}

func (s *sim) Books() []simulator.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]simulator.Entry, 0, len(s.order))
	for _, a := range s.order {
		out = append(out, simulator.Entry{
			Ref: strconv.FormatInt(a.trans, 10), Account: a.account, Amount: a.amount, Refunded: a.refunded, State: a.state, At: a.at,
		})
	}
	return out
}

// Tick repeats the messages that have fallen due.
func (s *sim) Tick(ctx context.Context) {
	now := s.world.Now()
	s.mu.Lock()
	var due []*attempt
	for _, a := range s.order {
		if a.scan != nil {
			s.scanLapses(a, now)
			continue
		}
		if a.next != "" && !a.due.IsZero() && !now.Before(a.due) {
			due = append(due, a)
		}
	}
	s.mu.Unlock()
	for _, a := range due {
		s.run(ctx, a, &simulator.Report{})
	}
}

func (s *sim) settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set
}

// change sets one setting by its name.
func (s *sim) change(name, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	set, err := s.set, error(nil) // what is wrong changes nothing
	switch name {
	case "amount_format":
		set.AmountFormat, err = oneOf(value, "raw", "N", "N.NN")
	case "repeats":
		set.Repeats, err = strconv.Atoi(value)
	case "repeat_every":
		set.RepeatEvery, err = time.ParseDuration(value)
	case "repeat_from":
		set.RepeatFrom, err = oneOf(value, stepComplete, stepPrepare)
	case "cancel_refused":
		set.CancelRefused, err = strconv.ParseBool(value)
	case "auth_skew":
		set.AuthSkew, err = time.ParseDuration(value)
	case "partial_reversal":
		set.Partial, err = strconv.ParseBool(value)
	case "uzcard_refuses":
		set.UzcardRefuses, err = strconv.ParseBool(value)
	case "reversed_status":
		set.ReversedStatus, err = strconv.Atoi(value)
	case "confirm_mode":
		set.ConfirmMode, err = strconv.ParseBool(value)
	case "receipt_after":
		set.ReceiptAfter, err = strconv.Atoi(value)
	default:
		err = fmt.Errorf("there is no setting %q", name)
	}
	if err == nil && (set.Repeats < 0 || set.RepeatEvery <= 0 || set.AuthSkew < 0 || set.ReversedStatus > 2) {
		err = fmt.Errorf("%s cannot be %s", name, value)
	}
	if err == nil {
		s.set = set
	}
	return err
}

func oneOf(value string, allowed ...string) (string, error) {
	if !slices.Contains(allowed, value) {
		return "", fmt.Errorf("%q is none of %q", value, allowed)
	}
	return value, nil
}
