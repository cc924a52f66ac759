package evidence

import "strings"

// class says what may be seen of a value. What has no class is masked by its shape.
type class int

const (
	masked  class = iota
	ident         // an id that is no secret: letters, digits and . : / _ -; at most 64
	account       // how a buyer named an invoice: kept when it is an id or a pay number of ours
	amount        // at most 13 digits, and two behind a dot
	moment        // a time, in any of the companies' forms
	word          // a state, a method, a code: at most 64 letters, digits and _ . + -, and no long number
	note          // text for people: its long numbers, phones and tokens are masked
	phone         // the last four digits
	pan           // a card number that the company masked
	address       // a URL: its known path words, and its query by these rules
)

// classes are the names that are safe to show, in all four companies' dialects and PaySys's:
// lower case, without underscores and hyphens. A name that stands here was looked at in the
// protocol; a new one is masked until somebody has done so.
//
// Left out on purpose, though they look harmless: token, card_token, secret, key, password,
// sign, sign_string, otp, code, sms_code, confirmation_code, otp_data, expiry and expire (of a
// card), cvc, pinfl, holder_name, fullName, username, email, ip, user_agent, balance, card_id, session_id
// (it opens a card form), application_id, login, name, description, metadata.
var classes = map[string]class{
	// Ids.
	"id": ident, "uuid": ident, "transaction": ident, "transactionid": ident, "transid": ident,
	"paymentid": ident, "paymentuuid": ident, "invoiceuuid": ident, "operationid": ident, "requestid": ident, "mxid": ident,
	"clicktransid": ident, "clickpaydocid": ident, "attempttransid": ident, "merchantprepareid": ident, "merchantconfirmid": ident,
	"serviceid": ident, "merchantid": ident, "storeid": ident, "vendorid": ident, "terminalid": ident, "cashboxcode": ident,
	"banktransactionid": ident, "referencenumber": ident, "refnum": ident, "rrn": ident, "psuniqid": ident,
	"processingreferencenumber": ident, "clearingid": ident, "taxreceiptid": ident, "billingid": ident,
	"receiptid": ident, "fiscalsign": ident, "mxik": ident, "spic": ident, "packagecode": ident, "tin": ident,

	// What a buyer typed, or we did.
	"orderid": account, "ordernumber": account, "merchantorderid": account, "invoiceid": account, "storeinvoiceid": account,
	"merchanttransid": account, "transactionparam": account, "transactionparameter": account, "product": account, "account": account,

	// Amounts and counts.
	"amount": amount, "paymentamount": amount, "commissionamount": amount, "totalamount": amount, "refundamount": amount,
	"commission": amount, "price": amount, "total": amount, "qty": amount, "count": amount, "units": amount, "discount": amount,
	"vat": amount, "vatpercent": amount, "refunded": amount, "fixedamount": amount, "completedamount": amount,
	"refundedamount": amount, "reversedamount": amount, "goodprice": amount, "receivedecash": amount, "receivedcash": amount, "receivedcard": amount,
	"ttl": amount, "timeout": amount, "wait": amount, "holdingtime": amount, "limit": amount, "offset": amount, "currency": word,

	// Times.
	"time": moment, "timestamp": moment, "createtime": moment, "performtime": moment, "canceltime": moment, "paytime": moment,
	"transtime": moment, "confirmtime": moment, "reversetime": moment, "signtime": moment, "paymenttime": moment, "refundtime": moment,
	"operationtime": moment, "addedon": moment, "updatedon": moment, "date": moment, "from": moment, "to": moment,
	"startdate": moment, "enddate": moment,

	// States, methods, kinds.
	"method": word, "action": word, "state": word, "status": word, "paymentstatus": word, "invoicestatus": word,
	"reason": word, "success": word, "allow": word, "hold": word, "sent": word, "type": word, "lang": word, "jsonrpc": word,
	"ps": word, "paymentsystem": word, "paymentsource": word, "processingtype": word, "cardtype": word, "tariff": word,
	"commissiontype": word, "confirmmode": word, "receipttype": word, "operationtype": word, "operationstate": word,
	"actioncode": word, "afterexpired": word, "isrefund": word, "onlystatus": word, "role": word, "debitavailable": word, "confirmable": word,
	"error": word, "errorcode": word, "statuscode": word, "psresponsecode": word, "field": word,
	// A code by itself may be an SMS code, or what a buyer's telephone shows.
	"error.code": word, "error.data": word, "cardstatus.code": word, "items.code": ident,

	// Text for people.
	"errornote": note, "errormessage": note, "message": note, "details": note, "psresponsemsg": note, "callbackmessage": note,
	"invoicestatusnote": note, "error.description": note,

	// Payers.
	"phone": phone, "phonenumber": phone, "clientphonenumber": phone, "maskedphonenumber": phone, "userphone": phone, "sms": phone,
	"cardpan": pan, "maskedpan": pan, "maskedcardnumber": pan, "cardnumber": pan, "pan": pan, "card.number": pan,

	// Addresses.
	"url": address, "checkouturl": address, "shortlink": address, "deeplink": address, "callbackurl": address,
	"returnurl": address, "returnerrorurl": address, "receipturl": address, "qrcodeurl": address, "qrurl": address,
	"fiscalurl": address, "qrcode": address, "redirecturl": address,
}

// classOf finds the class of a field by its name and the name of the object that it stands in.
// Below an account, or the params of a call, the merchant chose the names.
func classOf(parent, name string) class {
	var room [2 * maxIdent]byte
	full := append(appendPlain(room[:0], parent), '.')
	dot := len(full) - 1
	full = appendPlain(full, name)
	if c, ok := classes[string(full)]; ok {
		return c
	}
	if c, ok := classes[string(full[dot+1:])]; ok {
		return c
	}
	switch string(full[:dot]) {
	case "account", "params":
		return account
	}
	return masked
}

// appendPlain makes click_trans_id, clickTransId and Click-Trans-ID one name.
func appendPlain(dst []byte, name string) []byte {
	for i := range len(name) {
		switch c := name[i]; {
		case c == '_' || c == '-':
		case c >= 'A' && c <= 'Z':
			dst = append(dst, c+('a'-'A'))
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// pathWords are the parts of paths that stand for themselves.
var pathWords = setOf(`
	api v1 v2 gateway auth callbacks payme click uzum multicard paysys anor
	payment payments invoice invoices hold charge credit application merchant-account store history credit-history
	scanpay partial fiscal card bind check check-pinfl create confirm reverse status prepare complete checkout pay services
	merchant status_by_mti reversal partial_reversal card_token request verify payment click_pass confirmation ofd_data
	submit_items submit_qrcode apelsin-pay open-service epi`)

// secretWords are those after which a path may hold a card's number or token.
var secretWords = setOf("card card_token bind check check-pinfl")

// plainAnswers are answers outside any format that the companies are known to give.
var plainAnswers = setOfLines(`
	RBAC: access denied
	Jwt is expired
	OK
	ok`)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

func setOfLines(lines string) map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line != "" {
			set[line] = true
		}
	}
	return set
}
