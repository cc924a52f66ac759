package click

import "github.com/chorsu/chorsu/internal/provider"

// verdict is an answer's error and error_note, word for word as CLICK publishes them.
type verdict struct {
	code int
	note string
}

// CLICK's whole table. To a Complete for money that was taken only success, alreadyPaid and
// cancelled are final; after any other CLICK repeats, and gives the payment to its staff when
// it tires.
var (
	success       = verdict{0, "Success"}
	wrongSign     = verdict{-1, "SIGN CHECK FAILED!"}
	wrongAmount   = verdict{-2, "Incorrect parameter amount"}
	noAction      = verdict{-3, "Action not found"}
	alreadyPaid   = verdict{-4, "Already paid"} // CLICK closes the payment as successful
	noOrder       = verdict{-5, "User does not exist"}
	noTransaction = verdict{-6, "Transaction does not exist"}
	tryLater      = verdict{-7, "Failed to update user"} // the only "come back later"
	badRequest    = verdict{-8, "Error in request from click"}
	cancelled     = verdict{-9, "Transaction cancelled"} // CLICK gives back what it took
)

// refusals words the desk's refusals. Prepare and Complete differ where the buyer was not yet
// debited in the one and is in the other:
//
//   - AlreadyPaid in a Prepare is the order's word, as CLICK's tests want it; in a Complete it
//     is about another attempt, and -4 would make CLICK keep money that paid for nothing.
//   - Busy in a Prepare ends an attempt that has not begun; in a Complete it is not known yet
//     who paid, so CLICK must come back.
var refusals = map[provider.Refusal]struct{ prepare, complete verdict }{
	provider.NoAccount:     {noOrder, noOrder},
	provider.NoPayment:     {noTransaction, noTransaction},
	provider.WrongAmount:   {wrongAmount, wrongAmount},
	provider.TooSmall:      {wrongAmount, wrongAmount},
	provider.TooLarge:      {wrongAmount, wrongAmount},
	provider.AlreadyPaid:   {alreadyPaid, cancelled},
	provider.Closed:        {cancelled, cancelled},
	provider.Cancelled:     {cancelled, cancelled},
	provider.Expired:       {cancelled, cancelled},
	provider.Busy:          {cancelled, tryLater},
	provider.NotReversible: {cancelled, cancelled},
	provider.Unavailable:   {cancelled, cancelled},
}

// word turns an error of the desk into a verdict. What is no refusal means that we could not
// tell.
func word(action string, err error) verdict {
	v, ok := refusals[provider.RefusalOf(err)]
	switch {
	case !ok:
		return tryLater
	case action == actionComplete:
		return v.complete
	}
	return v.prepare
}
