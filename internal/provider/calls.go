package provider

import (
	"context"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// Every call below is made outside any transaction, with a deadline in its context. It returns
// an outcome (also a refusal: "card blocked" is an answer) or an *Error when there is none.

// Checkouter makes what a buyer is sent to: a page, a link or an app.
type Checkouter interface {
	Checkout(context.Context, pay.Invoice, pay.Payment) (Link, error)
}

// Link is where to send the buyer.
type Link struct {
	URL      string // https; what a QR shows
	Deeplink string // opens the company's app; "" where the URL does
	Ref      string // the provider's id, where it made something ("" for links that call nobody)
	Expires  time.Time
	Meta     []byte
}

// CheckoutCaller marks a Checkouter whose Checkout calls the company, so that a payment row is
// written before the call. Those that only write a link do not implement it.
type CheckoutCaller interface {
	Checkouter
	// CancelCheckout takes back what Checkout made, while it is unpaid. Outcome.State is
	// cancelled when it is gone (also when it was gone already), paid or held when it is too
	// late, created when the company does not say.
	CancelCheckout(ctx context.Context, p pay.Payment) (Outcome, error)
}

// Refunder returns money through the company's API.
type Refunder interface {
	// CanRefund is pure, and asked before anything is written: nil, or a *pay.Error
	// (CodeUnsupported, CodeInvalid) that says what can be done instead.
	CanRefund(p pay.Payment, o RefundOrder) error
	Refund(context.Context, RefundOrder) (MoveOutcome, error)
}

// RefundOrder asks for the return of Amount, or of all that was captured when Whole.
type RefundOrder struct {
	RefundID string // ours; the external id where the company takes one
	Payment  pay.Payment
	Amount   pay.Tiyin
	Whole    bool   // Amount is all that was captured, and nothing was returned before
	Lines    []byte // the caller's ofd as it came
	CardPAN  string // only in memory; "" unless ACCEPT_CARD_DATA
	Reason   string
}

// Inquirer is the way out of "unknown": it asks, and moves no money that was not asked for before.
// For a charge by a buyer's code it may close what was begun there and will not be paid (Payme Go,
// Multicard), or say the same order again under the same ids where that is how a company is asked
// (FastPay).
type Inquirer interface {
	Inquire(ctx context.Context, q Question) (Report, error)
}

// Op is what was asked of the company when the answer was lost.
type Op string

// The operations that can be asked about.
const (
	OpCheckout Op = "checkout"
	OpCharge   Op = "charge"
	OpCapture  Op = "capture"
	OpRelease  Op = "release"
	OpRefund   Op = "refund"
	OpPayout   Op = "payout"
)

// Question names an operation by all that we know; after a lost answer there may be no Ref.
type Question struct {
	Ref, PaymentID, InvoiceID string
	OpID                      string // the refund's or payout's id
	Op                        Op
	Amount                    pay.Tiyin // of the operation
	Before                    pay.Tiyin // refunds: what had been returned before
	SentAt                    time.Time
	Payment                   pay.Payment
	Payout                    pay.Payout // OpPayout
	Meta                      []byte

	// Code is what the buyer's telephone showed, where the question is about a charge by it and
	// the code is still kept: FastPay is asked by repeating the charge under the same ids.
	Code string
}

// Report is the company's view. Found false is final only 10 minutes after SentAt: earlier
// the call may still land.
type Report struct {
	Found    bool
	Outcome  Outcome
	Move     MoveOutcome // OpPayout: instead of Outcome
	Refunded pay.Tiyin   // what was returned so far, where the company shows it
	Shows    bool        // whether Refunded can be believed (the company shows returns at all)
	Underway bool        // a refund that the company has taken on and not finished
	Warning  string      // for the log: what was odd about the answer and did not change its meaning
	Look     string      // for a person: what to look at in the company's cabinet, though the outcome settles it
}

// ReceiptSender passes a fiscal receipt's link to the company.
type ReceiptSender interface {
	SendReceipt(ctx context.Context, p pay.Payment, r pay.Receipt) error
}

// Fiscaliser registers the receipt of a sale with the tax committee in the merchant's stead
// (Click). It is given the lines once the payment is paid, and asked later for the link.
type Fiscaliser interface {
	// SubmitLines hands over the lines of what p paid for; they add up to what was captured.
	SubmitLines(ctx context.Context, p pay.Payment, lines []pay.ReceiptLine) error
	// FiscalReceipt reads the receipt that came of it: URL "" while there is none yet.
	FiscalReceipt(ctx context.Context, p pay.Payment) (pay.Receipt, error)
}

// Outcome is what the provider said of a payment, in our words.
type Outcome struct {
	State  pay.State // created, held, paid, refunded, failed, cancelled
	Ref    string
	At     time.Time
	Amount pay.Tiyin
	Card   pay.Card
	Phone  string // the payer's, 12 digits, where a wallet tells it: for the receipt, not to be kept
	Code   string // the provider's own code and words, for people
	Note   string
	Needs  Next // what the buyer must still do: an SMS code, and until when

	// Reason is one of pay.Declines where the answer is no, or, with State created, where the
	// buyer may try again (a wrong code) or must begin again (a code that counts no more).
	Reason    string
	HoldUntil time.Time // held: when the hold runs out; zero: the company does not say

	ReceiptURL string
	Saved      *Binding // the card that was charged, where it was to be kept: charging it again wants its Token
	Meta       []byte
}

// Next is what the buyer must still do.
type Next struct {
	Kind        string // "otp" or ""
	PhoneMasked string
	ExpiresAt   time.Time
	TriesLeft   int
}

// MoveOutcome is what the provider said of a refund or payout: MoveSent while it still works
// on it, MoveSucceeded or MoveFailed; of a payout also MoveCreated, while it waits for its
// confirmation.
type MoveOutcome struct {
	State           pay.MoveState
	Ref, Code, Note string
	At              time.Time
	Meta            []byte

	// Of payouts. Reason is one of pay.Declines where the answer is no, or, with MoveCreated,
	// where the code was wrong. Amount is what the company says that it sends; 0: it does not say.
	Reason     string
	Amount     pay.Tiyin
	Card       pay.Card
	ReceiptURL string
}

// CredentialChecker has a call that does nothing but show whether the company takes the credentials:
// for the person who has just pasted them. An account whose company only ever calls us has none.
type CredentialChecker interface {
	// CheckCredentials returns nil where the company takes them; an *Error with KindAuth where it
	// does not; a *pay.Error with CodeUnsupported where this merchant gave none that could be
	// checked; any other error where it cannot be told now.
	CheckCredentials(context.Context) error
}

// ─── Cards, holds, payouts and codes shown by the buyer ───────────────────────────────────

// CardBinder turns a card into a token by a code that its owner is sent.
type CardBinder interface {
	BindCard(context.Context, BindOrder) (Binding, error)
	ConfirmCard(ctx context.Context, ref, code string) (Binding, error)
}

// FormBinder binds a card on the company's own form, so that its number does not pass through us.
type FormBinder interface {
	BindForm(context.Context, FormOrder) (Form, error)
	// ReadForm reads what came of a form: a Binding without Token as long as nothing has.
	ReadForm(ctx context.Context, ref string) (Binding, error)
}

// FormOrder asks for a form. Phone and PINFL may be "".
type FormOrder struct{ CardID, ReturnURL, ErrorURL, Phone, PINFL string }

// Form is where the card's owner is sent.
type Form struct {
	Ref, URL string
	Expires  time.Time
}

// CardForgetter binds cards whose company can be told to forget a token. Where it cannot,
// only our own copy is destroyed.
type CardForgetter interface {
	ForgetCard(ctx context.Context, token string) error
}

// BindOrder asks to bind a card. Number lives only in memory.
type BindOrder struct{ CardID, Number, Expiry, Phone string }

// String keeps the number out of logs; GoString out of %#v too.
func (BindOrder) String() string   { return "a card to bind" }
func (BindOrder) GoString() string { return "a card to bind" }

// Binding is a card at the company. With Reason the company said no, and nothing else counts.
type Binding struct {
	Ref         string
	Token       string // what Charge wants, in the adapter's own form; sealed before it is stored
	NeedsCode   bool   // charging it takes a code each time
	Card        pay.Card
	Expiry      string // YYMM
	PhoneMasked string
	Needs       Next

	Reason, Code, Note string // one of pay.Declines, and the company's own code and words
}

// CardCharger takes money from a card. With Hold in the order the outcome is held, not paid;
// created with Needs where the buyer is sent a code first.
type CardCharger interface {
	Charge(context.Context, ChargeOrder) (Outcome, error)
	// ConfirmCharge hands over the buyer's code. Created with a Reason: the code is wrong, and
	// the attempt still stands.
	ConfirmCharge(ctx context.Context, p pay.Payment, code string) (Outcome, error)
}

// NumberCharger charges cards by their numbers as well as by tokens.
type NumberCharger interface {
	CardCharger
	// NumberTerms is pure: what the order must have beside number and expiry.
	NumberTerms() NumberTerms
}

// NumberTerms are what a charge by number takes.
type NumberTerms struct {
	Phone bool // the telephone that the code goes to
}

// CodeSender says how soon its company sends another code for the same card. Where an account
// does not say, a minute is taken, and a buyer who begins again with the same card is not made
// to wait.
type CodeSender interface {
	CodeEvery() time.Duration
}

// HoldFirst charges in two steps where nobody asked for a hold: the money is held, and taken by
// Capture at once. It is for companies at which a hold can be found and ends by itself, and a
// charge at once cannot be found when its answer is lost.
type HoldFirst interface {
	Holder
	// HoldFirst is how long such a hold lasts before it releases itself; 0: charge at once.
	HoldFirst() time.Duration
}

// WalletCharger has the buyer pay in another company's app, by a link that it makes.
type WalletCharger interface {
	// Wallets lists the apps, as the API names them. It is pure.
	Wallets() []string
	// ChargeWallet makes the link. Whoever has it pays there, and the company tells us.
	ChargeWallet(ctx context.Context, inv pay.Invoice, p pay.Payment, wallet string) (Link, error)
}

// Splitter sends parts of a payment to other recipients.
type Splitter interface {
	// CanSplit is pure: nil, or a *pay.Error with CodeInvalid that says what is wrong.
	CanSplit(amount pay.Tiyin, parts []pay.SplitPart) error
}

// CardChecker tells what its company knows of a card by its number, which lives in memory only.
type CardChecker interface {
	CheckCard(ctx context.Context, number string) (CardReport, error)
}

// CardReport is what a company knows of a card. With Reason there is no such card.
type CardReport struct {
	Card             pay.Card
	Holder           string // as the bank writes it; "" where it does not tell
	Bank, BankNumber string
	Country          string // a code of digits, 860

	Reason, Code, Note string // one of pay.Declines, and the company's own code and words
}

// OwnerChecker tells whether a card is a person's, by the person's PINFL of 14 digits.
type OwnerChecker interface {
	// CheckOwner returns nil where the company cannot tell.
	CheckOwner(ctx context.Context, number, pinfl string) (matches *bool, err error)
}

// ChargeOrder asks for Payment.Amount from a card, by token or by number. With Payment.Save the
// card is to be kept, where the company gives what charges it again.
type ChargeOrder struct {
	Payment                      pay.Payment
	Invoice                      pay.Invoice
	Token, Number, Expiry, Phone string // Expiry is YYMM, Phone 12 digits
	Hold                         bool
	HoldFor                      time.Duration // 0: the adapter's own time
	CaptureOnExpiry              bool

	// Journal, where set, is for a company that is called twice: it is given the company's id of
	// what was begun, and what the adapter wants back in Payment.Meta (nil: nothing new), before
	// the call that takes or holds the money. When it fails that call is not made.
	Journal func(ref string, meta []byte) error
}

// Begun hands on to Journal, where there is one.
func (o ChargeOrder) Begun(ref string, meta []byte) error {
	if o.Journal == nil {
		return nil
	}
	return o.Journal(ref, meta)
}

// String keeps the number and the token out of logs; GoString out of %#v too.
func (o ChargeOrder) String() string   { return "a charge for payment " + o.Payment.ID }
func (o ChargeOrder) GoString() string { return o.String() }

// Holder ends a hold.
type Holder interface {
	// CanCapture is pure, and asked before anything is written: nil, or a *pay.Error that says
	// what can be done instead.
	CanCapture(p pay.Payment, amount pay.Tiyin) error
	// Capture takes amount of what is held; the rest is released.
	Capture(ctx context.Context, p pay.Payment, amount pay.Tiyin) (Outcome, error)
	Release(ctx context.Context, p pay.Payment) (Outcome, error)
}

// Payer sends money to cards.
type Payer interface {
	// CanPayout is pure, and asked before anything is written: nil, or a *pay.Error
	// (CodeUnsupported, CodeInvalid) that says what is missing.
	CanPayout(PayoutOrder) error
	// Payout makes a payout. With TwoSteps in the order it moves no money, and its outcome is
	// MoveCreated with the Ref by which ConfirmPayout has it sent.
	Payout(context.Context, PayoutOrder) (MoveOutcome, error)
	// ConfirmPayout has p sent; code may be "". MoveCreated with a Reason: the code is wrong, and
	// p still waits.
	ConfirmPayout(ctx context.Context, p pay.Payout, code string) (MoveOutcome, error)
}

// PayoutResender is a Payer that can be told to send the code of a payout again. It moves no money.
type PayoutResender interface {
	Payer
	ResendPayoutCode(ctx context.Context, p pay.Payout) error
}

// PayoutOrder asks to send Amount to a card, by its number or by a bound card's token. Number and
// Person live only in memory.
type PayoutOrder struct {
	PayoutID      string // ours; the external id where the company takes one
	Amount        pay.Tiyin
	Number, Token string
	Person        *pay.Person // nil: nobody was named
	TwoSteps      bool
}

// String keeps the number and the token out of logs; GoString out of %#v too.
func (o PayoutOrder) String() string   { return "the payout " + o.PayoutID }
func (o PayoutOrder) GoString() string { return o.String() }

// QRCharger takes money by a code that the buyer's telephone shows: Click Pass, Payme Go, FastPay,
// AnorCheck. Paid or failed are final; created means that the company still works on it, and is
// asked about by Inquire, as after a lost answer.
type QRCharger interface {
	Inquirer
	ChargeQR(context.Context, QROrder) (Outcome, error)
}

// QROrder asks for Payment.Amount by a scanned code. Payment.ID is the company's external id of it.
// Code is kept only while the payment is open.
type QROrder struct {
	Payment pay.Payment
	Invoice pay.Invoice
	Code    string // opaque text, exactly as it was scanned
	Cashbox string // the till's own name; may be ""

	// Journal, where set, is given the company's id of what was begun, and what the adapter wants
	// back in Question.Meta, before the call that takes the money. When it fails that call is not
	// made.
	Journal func(ref string, meta []byte) error
}

// Begun hands on to Journal, where there is one.
func (o QROrder) Begun(ref string, meta []byte) error {
	if o.Journal == nil {
		return nil
	}
	return o.Journal(ref, meta)
}

// String keeps the code out of logs; GoString out of %#v too.
func (o QROrder) String() string   { return "a scanned code for payment " + o.Payment.ID }
func (o QROrder) GoString() string { return o.String() }
