package pay

// The reasons for which a bank, or its acquirer, says no to a card. They stand in a payment's
// Reason and in the API's failure.reason; package words has a sentence for each.
const (
	DeclineFunds     = "insufficient_funds"
	DeclineBlocked   = "card_blocked"         // blocked, or not served at present
	DeclineCard      = "card_invalid"         // no such card, or its number or expiry is wrong
	DeclinePhone     = "phone_invalid"        // not the card's telephone, or none at all
	DeclineSMS       = "sms_not_enabled"      // no code can be sent: SMS informing is off
	DeclineWrongCode = "wrong_otp"            // the buyer may try again
	DeclineCodeLate  = "otp_expired"          // a new attempt is needed
	DeclineHoldOver  = "hold_expired"         // the hold ran out before it was captured
	DeclineCardAgain = "card_needed_again"    // the process died with the card's number in memory
	DeclineUnreached = "provider_unavailable" // nothing moved: the acquirer could not be asked
	DeclineCode      = "code_invalid"         // what the telephone showed has run out, was used, or is another wallet's
	DeclineOther     = "declined"             // the acquirer's own code says more

	DeclinePerson      = "identification_needed" // payouts: so much is only sent to a person who is named
	DeclineUnconfirmed = "not_confirmed"         // payouts: nobody confirmed it in time
)

// Declines lists them all.
var Declines = []string{
	DeclineFunds, DeclineBlocked, DeclineCard, DeclinePhone, DeclineSMS, DeclineWrongCode,
	DeclineCodeLate, DeclineHoldOver, DeclineCardAgain, DeclineUnreached, DeclineCode, DeclineOther,
	DeclinePerson, DeclineUnconfirmed,
}
