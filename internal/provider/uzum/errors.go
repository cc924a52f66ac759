package uzum

import "github.com/chorsu/chorsu/internal/provider"

// Uzum's catalogue. On the wire a code is a string. 10004 is in no version of it.
const (
	accessDenied      = "10001"
	invalidJSON       = "10002"
	invalidOperation  = "10003"
	parameterMissing  = "10005"
	invalidService    = "10006"
	attributeNotFound = "10007" // also: no such order
	alreadyPaid       = "10008"
	orderClosed       = "10009"
	alreadyCreated    = "10010"
	wrongAmount       = "10011"
	amountTooSmall    = "10012"
	amountTooLarge    = "10013"
	noTransaction     = "10014"
	cannotConfirm     = "10015"
	alreadyConfirmed  = "10016"
	cannotReverse     = "10017"
	alreadyReversed   = "10018"
	internalError     = "99999" // also: we cannot tell now
)

// codes is a refusal's code in each call.
type codes struct{ check, create, confirm, reverse, status string }

// refusals is the one table from the desk's refusals to Uzum's codes. internalError stands
// where a refusal cannot come up in a call, or where the catalogue has no word for it.
var refusals = map[provider.Refusal]codes{
	provider.NoAccount:   {attributeNotFound, attributeNotFound, noTransaction, noTransaction, noTransaction},
	provider.NoPayment:   {internalError, internalError, noTransaction, noTransaction, noTransaction},
	provider.WrongAmount: {internalError, wrongAmount, internalError, internalError, internalError},
	provider.TooSmall:    {internalError, amountTooSmall, internalError, internalError, internalError},
	provider.TooLarge:    {internalError, amountTooLarge, internalError, internalError, internalError},

	// In confirm: another payment has the invoice's money, so this one must go back.
	provider.AlreadyPaid: {alreadyPaid, alreadyPaid, cannotConfirm, cannotReverse, internalError},

	provider.Closed:    {orderClosed, orderClosed, cannotConfirm, cannotReverse, internalError},
	provider.Cancelled: {orderClosed, orderClosed, cannotConfirm, alreadyReversed, internalError},
	provider.Expired:   {orderClosed, orderClosed, cannotConfirm, alreadyReversed, internalError},

	// In create: somebody is paying this order at this moment, which Uzum's catalogue has no
	// code for; "already created" is the nearest, and at least one integrator uses it so. In
	// confirm: another attempt's outcome is unknown, so neither yes nor no is true yet.
	provider.Busy: {internalError, alreadyCreated, internalError, cannotReverse, internalError},

	provider.NotReversible: {internalError, internalError, internalError, cannotReverse, internalError},
	provider.Unavailable:   {internalError, internalError, internalError, internalError, internalError},
}

// codeOf words a desk's error. What is not a refusal means that we could not tell.
func codeOf(op operation, err error) string {
	c, ok := refusals[provider.RefusalOf(err)]
	if !ok {
		return internalError
	}
	switch op {
	case opCheck:
		return c.check
	case opCreate:
		return c.create
	case opConfirm:
		return c.confirm
	case opReverse:
		return c.reverse
	default:
		return c.status
	}
}
