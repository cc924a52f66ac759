package sim

import (
	"encoding/json"
	"time"
)

// The statuses.
const (
	statusDraft    = "draft"
	statusProgress = "progress"
	statusBilling  = "billing"
	statusSuccess  = "success"
	statusError    = "error"
	statusRevert   = "revert"
	statusCanceled = "canceled"
)

// payment is one hosted invoice with the payment in it.
type payment struct {
	id          int64
	uuid        string // the payment's
	invoiceUUID string
	store       *store
	amount      int64
	refunded    int64
	invoiceID   string
	callbackURL string
	returnURL   any
	errorURL    any
	lang        string
	ofd, split  json.RawMessage
	sms         string
	app         string // the wallet that it is paid in, by a link of its own

	status   string
	addedAt  time.Time
	changed  time.Time
	deadline time.Time // unpaid, it is cancelled at this time
	paidAt   time.Time
	backAt   time.Time // when money went back

	ps, pan, token, phone string
	responseCode          string
	responseMsg           string
	callbackMessage       string
	billingID             string
	fiscal, refundFiscal  string // links that the partner passed on
	taxReads              int    // how often the fiscal receipt was looked for

	full      string // the number of a card that is charged by call
	needsCode bool
	tries     int       // wrong codes
	codeAt    time.Time // when the code was sent

	held    bool      // the buyer's action stopped before the partner was asked
	asking  bool      // the partner is being asked at this moment
	askAt   time.Time // when the partner is asked again
	settles string    // what an open debit will become
}

// state is the payment's in the words of the sandbox.
func (p *payment) state() string {
	switch p.status {
	case statusProgress, statusBilling:
		return "suspended"
	case statusSuccess:
		return "paid"
	case statusError:
		return "refused"
	case statusRevert:
		return "refunded"
	case statusCanceled:
		return "cancelled"
	}
	return "created"
}

// move changes the status; where the register has webhooks, one is written. Under the lock.
func (s *Simulator) move(p *payment, status string) {
	p.status, p.changed = status, s.w.Now()
	if s.rulesOf(p.store).webhooks && status != statusBilling && status != statusCanceled {
		s.outbox = append(s.outbox, &webhook{p: p, status: status, due: s.w.Now()})
	}
}

// age cancels an invoice that was not paid in time. Under the lock.
func (s *Simulator) age(p *payment) {
	if p.status == statusDraft && !s.w.Now().Before(p.deadline) {
		s.move(p, statusCanceled)
	}
}

// debited is what follows when the money is taken: where the partner has webhooks or no
// callback the payment is done, else the partner is to be asked. Under the lock.
func (s *Simulator) debited(p *payment) {
	p.paidAt, p.askAt = s.w.Now(), s.w.Now()
	if s.rulesOf(p.store).webhooks || p.callbackURL == "" {
		s.move(p, statusSuccess)
		return
	}
	s.move(p, statusBilling)
}

// settle ends a debit whose outcome was open. Under the lock.
func (s *Simulator) settle(p *payment) {
	to := p.settles
	p.settles = ""
	if to == statusSuccess {
		s.debited(p)
		return
	}
	p.responseCode, p.responseMsg = "91", "Эмитент недоступен"
	s.move(p, statusError)
}

// giveBack returns the money of a payment, or a part of it. Under the lock.
func (s *Simulator) giveBack(p *payment, amount int64) {
	p.refunded += amount
	p.backAt = s.w.Now()
	if p.refunded == p.amount {
		s.move(p, statusRevert)
	}
}

// refuse gives the money back because the partner did not take the payment. Under the lock.
func (s *Simulator) refuse(p *payment, message string) {
	p.callbackMessage, p.refunded, p.backAt = message, p.amount, s.w.Now()
	s.move(p, s.rulesOf(p.store).refusedAs)
}
