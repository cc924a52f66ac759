package simulator

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Plan is what becomes of a payment by a buyer's code.
type Plan string

// The plans. A code that was not made here follows its last digit.
const (
	PlanPay         Plan = "pay"
	PlanDecline     Plan = "decline"     // 9: the company says no
	PlanUnreachable Plan = "unreachable" // 8: turned away at the door; nothing is done
	PlanLate        Plan = "late"        // 7: answered after LateBy
	PlanLost        Plan = "lost"        // 6: done, and the answer is lost
	PlanProcessing  Plan = "processing"  // done a while after the answer, which says "under way"
	PlanNoFunds     Plan = "nofunds"
	PlanUsed        Plan = "used"
	PlanExpired     Plan = "expired"
)

// Plans lists them.
var Plans = []Plan{PlanPay, PlanDecline, PlanUnreachable, PlanLate, PlanLost, PlanProcessing, PlanNoFunds, PlanUsed, PlanExpired}

// LateBy is how long an answer under PlanLate is held back. It is real time: no till waits by a
// simulated clock.
const LateBy = 30 * time.Second

// codeLife is how long a code that was made here can be scanned. No company publishes its own.
const codeLife = 5 * time.Minute

// Code is what a buyer's telephone shows.
type Code struct {
	Text  string
	Phone string // 12 digits
	Card  string // masked
	Plan  Plan
	Made  time.Time // zero: not made here
	Used  bool
}

// Until is when a code that was made here runs out.
func (c Code) Until() time.Time { return c.Made.Add(codeLife) }

// Codes is a wallet's book of codes. The zero value is empty. A code pays once.
type Codes struct {
	mu    sync.Mutex
	codes map[string]*Code
}

// Make makes a code from an action's Params: "phone", "card" and "plan", each of which may be
// missing. text is the wallet's own form of it.
func (c *Codes) Make(text string, params map[string]string, now time.Time) (Code, error) {
	code := Code{Text: text, Phone: "998901234567", Card: "860002******8331", Plan: PlanPay, Made: now}
	if p := params["phone"]; p != "" {
		code.Phone = p
	}
	if p := params["card"]; p != "" {
		code.Card = p
	}
	if p := params["plan"]; p != "" {
		code.Plan = Plan(p)
	}
	if !slices.Contains(Plans, code.Plan) {
		return Code{}, fmt.Errorf("plan is one of %q", Plans)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.codes == nil {
		c.codes = map[string]*Code{}
	}
	c.codes[text] = &code
	return code, nil
}

// Look is what a scanned code stands for at this moment: one that was used or has run out has the
// plan that says so.
func (c *Codes) Look(text string, now time.Time) Code {
	c.mu.Lock()
	defer c.mu.Unlock()
	code, ok := c.codes[text]
	if !ok {
		return Code{Text: text, Phone: "998946532140", Card: "860014******3145", Plan: planOf(text)}
	}
	seen := *code
	switch {
	case seen.Used:
		seen.Plan = PlanUsed
	case !seen.Made.IsZero() && now.Sub(seen.Made) > codeLife:
		seen.Plan = PlanExpired
	}
	return seen
}

// Use takes a code for a payment: a second one by it is refused.
func (c *Codes) Use(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.codes == nil {
		c.codes = map[string]*Code{}
	}
	if c.codes[text] == nil {
		c.codes[text] = &Code{Text: text, Phone: "998946532140", Card: "860014******3145", Plan: planOf(text)}
	}
	c.codes[text].Used = true
}

// planOf reads the plan of a code that was not made here. Letters count by their own names, as the
// references' sample codes have them.
func planOf(text string) Plan {
	switch {
	case strings.HasPrefix(text, "NOFUNDS"):
		return PlanNoFunds
	case strings.HasPrefix(text, "USED"):
		return PlanUsed
	case strings.HasPrefix(text, "EXPIRED"):
		return PlanExpired
	case text == "":
		return PlanDecline
	}
	switch text[len(text)-1] {
	case '9':
		return PlanDecline
	case '8':
		return PlanUnreachable
	case '7':
		return PlanLate
	case '6':
		return PlanLost
	}
	return PlanPay
}

// Digits makes n random digits, of which the last plans nothing but a payment.
func Digits(n int) string {
	var b strings.Builder
	for range n - 1 {
		d, err := rand.Int(rand.Reader, big.NewInt(10))
		if err != nil {
			panic(err) // the runtime itself stops when it has no randomness
		}
		b.WriteByte('0' + byte(d.Int64()))
	}
	b.WriteByte('3')
	return b.String()
}

// Answer writes the answer to a charge by this code, once the charge is done or refused: at once,
// late, or never.
func (c Code) Answer(r *http.Request, write func()) {
	switch c.Plan {
	case PlanLost:
		panic(http.ErrAbortHandler)
	case PlanLate:
		timer := time.NewTimer(LateBy)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	}
	write()
}

// Pays says whether money moves by the code.
func (c Code) Pays() bool {
	switch c.Plan {
	case PlanPay, PlanLate, PlanLost, PlanProcessing:
		return true
	}
	return false
}
