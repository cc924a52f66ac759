package paysys

import (
	"context"
	"encoding/json"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// usualHold is how long a hold is asked for where the invoice does not say: the documentation's
// own week.
const usualHold = 7 * 24 * time.Hour

// firstHold is how long a hold lasts that is taken at once. It bounds for how long a charge whose
// answer was lost can keep the buyer's money blocked, and must leave us the time to take it after
// a fall.
const firstHold = time.Hour

// HoldFirst: a hold can be found by its number and ends by itself; a charge at once can be found
// only while its answer arrives.
func (a *account) HoldFirst() time.Duration {
	if a.direct {
		return 0
	}
	return firstHold
}

// NumberTerms: PaySys sends the code to the telephone that we name.
func (a *account) NumberTerms() provider.NumberTerms { return provider.NumberTerms{Phone: true} }

// meta is what we keep of PaySys's side of a payment, beside its Ref, the bank_transaction_id.
type meta struct {
	Transaction string `json:"transaction,omitempty"` // transaction_id: what a reversal wants
	Hold        int64  `json:"hold,omitempty"`        // seconds that the hold lasts; 0: no hold
	Phone       string `json:"phone,omitempty"`       // where the card is to be kept: until the code comes
}

func metaOf(p pay.Payment) meta {
	var m meta
	_ = json.Unmarshal(p.Meta, &m) // what was never written reads as nothing known
	return m
}

func (m meta) bytes() []byte {
	b, _ := json.Marshal(m)
	return b
}

// Charge takes the money by a card's token at once, or, by a number or a card without a token,
// has a code sent to its owner.
func (a *account) Charge(ctx context.Context, o provider.ChargeOrder) (provider.Outcome, error) {
	p := prepare{
		Number: o.Number, Expire: o.Expiry, Phone: o.Phone, Amount: o.Payment.Amount,
		Vendor: json.Number(a.vendor), Product: o.Payment.ID, Save: o.Payment.Save && o.Token == "",
	}
	m := meta{}
	if o.Hold {
		span := o.HoldFor
		if span <= 0 {
			span = usualHold
		}
		m.Hold = int64(span / time.Second)
		p.hold = hold{Hold: true, HoldingTime: m.Hold, AfterExpired: "cancel"}
		if o.CaptureOnExpiry {
			p.AfterExpired = "accept"
		}
	}
	if p.Save {
		m.Phone = o.Phone
	}
	if o.Token == "" {
		if o.Phone == "" {
			return provider.Outcome{}, &pay.Error{Code: pay.CodeInvalid, Field: "phone", Message: "is required: PaySys sends the code to it"}
		}
		return a.prepare(ctx, p, m)
	}
	var card saved
	if err := json.Unmarshal([]byte(o.Token), &card); err != nil || card.ID == "" {
		return provider.Outcome{}, unasked("what was kept of the card is not readable") // not %w: it could show the token
	}
	p.CardID, p.Phone = card.ID, card.Phone
	if card.Token == "" {
		return a.prepare(ctx, p, m)
	}
	return a.pay(ctx, p, m, card.Token)
}

// prepare has the code sent. No money moves: a lost answer is simply asked for again.
func (a *account) prepare(ctx context.Context, p prepare, m meta) (provider.Outcome, error) {
	var got prepared
	if err := a.rpc.call(ctx, "pam.prepare_payment", p, "", &got); err != nil {
		return refused(err, false)
	}
	if !idShape.MatchString(string(got.Transaction)) {
		return provider.Outcome{}, senseless("the payment was prepared without a number", false)
	}
	return provider.Outcome{
		State: pay.Created, Ref: string(got.Transaction), At: a.now(), Card: cardOf(masked(p.Number)),
		Needs: a.code(got.Phone, got.TimeOut), Meta: m.bytes(),
	}, nil
}

// masked is a number as it may be shown, before the acquirer has shown its own.
func masked(n string) string {
	if len(n) != 16 {
		return ""
	}
	return n[:6] + "******" + n[12:]
}

// pay is pam.payment: the money moves without the buyer. When its answer is lost, nothing names
// the payment there, and only a person can find it.
func (a *account) pay(ctx context.Context, p prepare, m meta, token string) (provider.Outcome, error) {
	var got performed
	if err := a.rpc.call(ctx, "pam.payment", p, token, &got); err != nil {
		return refused(err, true)
	}
	return a.taken(got, "", p.Amount, m)
}

// ConfirmCharge hands over the buyer's code: the money moves, or is held. It is sent once;
// whatever its answer, the standing can be asked for.
func (a *account) ConfirmCharge(ctx context.Context, p pay.Payment, code string) (provider.Outcome, error) {
	id, ok := number(p.Ref)
	if !ok {
		return provider.Outcome{}, unasked("the payment has no number at PaySys")
	}
	var got performed
	if err := a.rpc.call(ctx, "pam.confirm_payment", confirmation{Transaction: id, Code: code}, "", &got); err != nil {
		reason, no, err := verdict(err, true)
		switch {
		case err != nil:
			return provider.Outcome{}, err
		case no.code == codeWrongCode:
			return provider.Outcome{State: pay.Created, Reason: reason, Code: no.text(), Note: no.message}, nil
		case reason == "": // it was performed or cancelled before: the standing tells
			return a.standing(ctx, p)
		}
		return provider.Outcome{State: pay.Failed, Reason: reason, Code: no.text(), Note: no.message}, nil
	}
	m := metaOf(p)
	phone := m.Phone
	m.Phone = ""
	out, err := a.taken(got, p.Ref, p.Amount, m)
	if err == nil {
		out.Saved = keep(got, phone)
	}
	return out, err
}

// keep is the card that was charged, where PaySys was asked to save it and says what charges it.
func keep(got performed, phone string) *provider.Binding {
	c := got.Card
	if c == nil || !cardShape.MatchString(string(c.ID)) || c.Token == "" || len(c.Token) > 512 {
		return nil
	}
	token, err := json.Marshal(saved{ID: string(c.ID), Token: string(c.Token), Phone: phone})
	if err != nil {
		return nil
	}
	return &provider.Binding{Ref: string(c.ID), Token: string(token), Card: cardOf(got.Details.PAN)}
}

// taken reads what was performed. An answer for another payment or without a sum is not believed:
// the standing will tell, also of a payment by token, whose number this answer alone has told.
func (a *account) taken(got performed, ref string, amount pay.Tiyin, m meta) (provider.Outcome, error) {
	d := got.Details
	if !idShape.MatchString(string(d.Bank)) || ref != "" && string(d.Bank) != ref {
		return provider.Outcome{}, senseless("the answer is about another payment", true)
	}
	if !idShape.MatchString(string(d.Transaction)) {
		d.Transaction = ""
	}
	m.Transaction = string(d.Transaction)
	at := when(d.Date)
	if at.IsZero() {
		at = a.now()
	}
	out := provider.Outcome{
		State: pay.Paid, Ref: string(d.Bank), At: at, Amount: pay.Tiyin(d.Amount), Card: cardOf(d.PAN), Meta: m.bytes(),
	}
	if d.Amount == 0 {
		return provider.Outcome{Ref: out.Ref, Meta: out.Meta}, senseless("the answer does not say how much was taken", true)
	}
	if m.Hold > 0 {
		out.State, out.HoldUntil = pay.Held, at.Add(time.Duration(m.Hold)*time.Second)
	}
	return out, nil
}

// refused words a charge that did not happen.
func refused(err error, moves bool) (provider.Outcome, error) {
	reason, no, err := verdict(err, moves)
	if err != nil {
		return provider.Outcome{}, err
	}
	if reason == "" {
		if moves { // "done before" of a payment that we have just made up: nobody knows what that means
			return provider.Outcome{}, &provider.Error{Kind: provider.KindUnavailable, Code: no.text(), Message: no.message, RequestID: no.tracker}
		}
		reason = pay.DeclineOther
	}
	return provider.Outcome{State: pay.Failed, Reason: reason, Code: no.text(), Note: no.message}, nil
}
