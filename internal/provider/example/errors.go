package example

import "github.com/chorsu/chorsu/internal/provider"

// refusals are a desk's words in the company's.
var refusals = map[provider.Refusal]string{
	provider.NoAccount:     "no_order",
	provider.NoPayment:     "no_payment",
	provider.WrongAmount:   "wrong_amount",
	provider.TooSmall:      "wrong_amount",
	provider.TooLarge:      "wrong_amount",
	provider.AlreadyPaid:   "paid",
	provider.Closed:        "closed",
	provider.Cancelled:     "cancelled",
	provider.Expired:       "expired",
	provider.Busy:          "busy",
	provider.NotReversible: "not_reversible",
	provider.Unavailable:   "closed",
}

// What the adapter refuses by itself.
const (
	errSignature = "bad_signature"
	errForm      = "bad_message"
	errShop      = "wrong_shop"
)
