package sim

import (
	"encoding/json"
	"regexp"
	"strconv"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// Click Pass. No error_code of it is published: those below are this simulator's own.
var (
	badCode     = &fault{200, -9201, "The code is wrong, has run out or was used"}
	noFunds     = &fault{200, -9202, "Insufficient funds"}
	bankSaysNo  = &fault{200, -9203, "Declined by the bank"}
	notWaiting  = &fault{200, -9204, "The payment does not wait for a confirmation"}
	turnedAway  = &fault{429, -9205, "Too many requests"}
	repeatedMTI = &fault{200, -9206, "The transaction_id was used"}
)

// confirmIn is how long a payment in confirmation mode waits.
const confirmIn = 30 * time.Second

// scan is what a payment by a code has besides.
type scan struct {
	until time.Time // confirmation mode: given back then; zero: not in that mode, or confirmed
	ready time.Time // under way until then; zero: not
}

type passOrder struct {
	ServiceID   *int64      `json:"service_id"`
	OTPData     string      `json:"otp_data"`
	Amount      json.Number `json:"amount"`
	CashboxCode string      `json:"cashbox_code"`
	Transaction string      `json:"transaction_id"`
}

type passAnswer struct {
	ErrorCode      int    `json:"error_code"`
	ErrorNote      string `json:"error_note"`
	PaymentID      int64  `json:"payment_id"`
	PaymentStatus  int    `json:"payment_status"`
	ConfirmMode    int    `json:"confirm_mode"`
	CardType       string `json:"card_type"`
	ProcessingType string `json:"processing_type"`
	CardNumber     string `json:"card_number"`
	PhoneNumber    string `json:"phone_number"`
}

var passAmount = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,2})?$`)

// passPayment charges a code. A code pays once, and a transaction_id stands for one payment.
func (s *sim) passPayment(c *call) (any, *fault) {
	var o passOrder
	if decode(c.body, &o) != nil || o.OTPData == "" || !passAmount.MatchString(o.Amount.String()) {
		return nil, malformed
	}
	amount, err := tiyin(o.Amount.String())
	if err != nil || amount <= 0 {
		return nil, malformed
	}
	code := s.codes.Look(o.OTPData, s.world.Now())
	c.scanned = &code
	for _, a := range s.order {
		if o.Transaction != "" && a.svc == c.svc && a.account == o.Transaction {
			return nil, repeatedMTI
		}
	}
	switch code.Plan {
	case simulator.PlanUnreachable:
		return nil, turnedAway
	case simulator.PlanUsed, simulator.PlanExpired:
		return nil, badCode
	case simulator.PlanNoFunds:
		return nil, noFunds
	case simulator.PlanDecline:
		return nil, bankSaysNo
	}
	s.codes.Use(o.OTPData)
	now := s.world.Now()
	a := &attempt{
		svc: c.svc, trans: s.newID(), paydoc: s.newID(), account: o.Transaction, amountText: o.Amount.String(), amount: amount,
		at: now, state: paid, sent: map[string]fields{}, scan: &scan{},
	}
	s.attempts[a.trans] = a
	s.order = append(s.order, a)
	ans := passAnswer{
		ErrorNote: "Success", PaymentID: a.paydoc, PaymentStatus: 2, CardType: "private", ProcessingType: "UZCARD",
		CardNumber: code.Card, PhoneNumber: code.Phone,
	}
	if s.set.ConfirmMode {
		a.state, a.debited, a.scan.until, ans.PaymentStatus, ans.ConfirmMode = created, true, now.Add(confirmIn), 1, 1
	}
	if code.Plan == simulator.PlanProcessing {
		a.state, a.debited, a.scan.ready, ans.PaymentStatus = created, true, now.Add(2*time.Second), 1
	}
	return ans, nil
}

// scanLapses brings a payment by a code to where the clock says it is. Under s.mu.
func (s *sim) scanLapses(a *attempt, now time.Time) {
	if a.state != created {
		return
	}
	switch {
	case !a.scan.until.IsZero():
		if now.After(a.scan.until) {
			a.state, a.debited = cancelled, false
		}
	case !now.Before(a.scan.ready):
		a.state = paid
	}
}

// passConfirm says that the sale stands.
func (s *sim) passConfirm(c *call) (any, *fault) {
	var o struct {
		ServiceID *int64 `json:"service_id"`
		PaymentID *int64 `json:"payment_id"`
	}
	if decode(c.body, &o) != nil || o.PaymentID == nil {
		return nil, malformed
	}
	a, f := s.found(c.svc, strconv.FormatInt(*o.PaymentID, 10))
	if f != nil {
		return nil, f
	}
	if a.scan == nil || a.state != created || a.scan.until.IsZero() {
		return nil, notWaiting
	}
	a.scan.until = time.Time{}
	s.scanLapses(a, s.world.Now())
	return reversalAnswer{ErrorNote: "Платеж подтвержден", PaymentID: a.paydoc}, nil
}

// passMode turns the confirmation mode of the service on and off.
func (s *sim) passMode(c *call) (any, *fault) {
	s.set.ConfirmMode = c.method == "PUT"
	if s.set.ConfirmMode {
		return reversalAnswer{ErrorNote: "Режим подтверждения включен"}, nil
	}
	return reversalAnswer{ErrorNote: "Режим подтверждения выключен"}, nil
}
