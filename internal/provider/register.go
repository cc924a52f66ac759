package provider

import (
	"context"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// What a company tells of itself and of a merchant's day. All of it is read, and nothing changes.

// AccountViewer shows the merchant's account at the company.
type AccountViewer interface {
	ViewAccount(context.Context) (AccountView, error)
}

// AccountView is an account at a company.
type AccountView struct {
	ID, Name  string
	Balance   pay.Tiyin // what payouts are made from; it may be below nothing
	Overdraft pay.Tiyin // how far below
	Registers []RegisterName
}

// RegisterName is one register of an account.
type RegisterName struct{ ID, Title string }

// RecipientViewer shows somebody to whom parts of a payment can be sent.
type RecipientViewer interface {
	ViewRecipient(ctx context.Context, id string) (RecipientView, error)
}

// RecipientView is a recipient as the company knows it. One that is not active gets no money.
type RecipientView struct {
	ID, TIN, Name                string
	BankCode, Account            string
	Address, Director            string
	VATPayer, Active             bool
	ContractNumber, ContractDate string
}

// Registrar reads the company's own lists of a merchant's transactions.
type Registrar interface {
	Register(context.Context, RegisterQuery) (RegisterPage, error)
	PayoutRegister(context.Context, RegisterQuery) (RegisterPage, error)
	// Names says whether ref, in a register, is p: a company may know one payment by two ids.
	Names(p pay.Payment, ref string) bool
}

// RegisterQuery asks for a part of a list: what was made in [From, To], from the Offset-th on.
type RegisterQuery struct {
	From, To      time.Time
	Status        pay.State // "": all, or, of payouts, those that arrived
	Offset, Limit int
}

// RegisterPage is a part of a list, in the company's order.
type RegisterPage struct {
	Rows  []RegisterRow
	Total int
}

// RegisterRow is one transaction in a company's list. State is pay.Paid for a payout that arrived.
type RegisterRow struct {
	Ref        string // the company's id
	Order      string // the id that we gave it, or that the buyer typed
	State      pay.State
	TheirState string // in the company's own word
	Amount     pay.Tiyin
	Commission pay.Tiyin
	Card       pay.Card
	RRN        string
	CreatedAt  time.Time
	PaidAt     time.Time
	RefundedAt time.Time
}

// DayAsker is an Inquirer whose company has no list that can be read, but tells of each payment:
// a day is compared by asking of each of ours.
type DayAsker interface {
	Inquirer
	AsksEachOfADay()
}
