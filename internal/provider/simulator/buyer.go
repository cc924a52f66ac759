package simulator

// Buyer is a simulator whose company a buyer has in the hand: an app, or a page for cards. The
// buyer's phone in the sandbox draws itself by it.
type Buyer interface {
	// Read tells what a link asks for, without opening it: no message is sent.
	Read(link string) (Bill, error)

	// Hands says which of the company's actions each thing is that a buyer does.
	Hands() Hands
}

// Bill is what a link asks a buyer to pay.
type Bill struct {
	Account string      // the invoice, as the link names it
	Amount  int64       // tiyin; 0: the shop says it when it is asked
	Fields  [][2]string // what the buyer types, name and value, as Action.Params takes them
}

// Hands are the actions, and the step, behind a phone's buttons. To pay, to be refused and to
// pay twice are "pay", "refuse" and "pay_twice" everywhere.
type Hands struct {
	Leave    string // the app is closed before the debit
	Resume   string // it is opened again, and the payment goes on, by Ref; "": by paying anew
	Answer   string // the step whose answer is lost where the network goes away after the debit
	Lose     string // in place of Answer, where nobody is told by a call: the debit, of which the phone hears nothing
	Again    string // the company asks again after a lost answer, by Ref; "": it has asked by itself
	PaidOnce bool   // only what is paid can be paid twice
}

// Wallet is a simulator whose company's app shows the buyer's own code, for a till to scan. Its
// action "code" makes one; Report.Ref is what the telephone shows.
type Wallet interface {
	// Shown tells how a code stands at this moment.
	Shown(text string) Code
}

// Display is a simulator whose codes stand on a till's screen, for a buyer's phone to scan.
type Display interface {
	// Showing are the codes that wait to be paid, the newest first.
	Showing() []Shown
}

// Shown is one code on a till's screen.
type Shown struct {
	Link    string // what the QR reads
	Account string // the till's own name for the sale
	Amount  int64  // tiyin
}
