package multicard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// ─── What we send ─────────────────────────────────────────────────────────────────────────

// authRequest is POST /auth.
type authRequest struct {
	ApplicationID string `json:"application_id"`
	Secret        string `json:"secret"`
}

// invoiceRequest is POST /payment/invoice.
type invoiceRequest struct {
	StoreID        any         `json:"store_id"` // a number, or a register's UUID as text
	Amount         pay.Tiyin   `json:"amount"`
	InvoiceID      string      `json:"invoice_id"`             // our payment's id
	CallbackURL    string      `json:"callback_url,omitempty"` // a till that nobody can call has none
	ReturnURL      string      `json:"return_url,omitempty"`
	ReturnErrorURL string      `json:"return_error_url,omitempty"`
	Lang           string      `json:"lang,omitempty"`
	TTL            int64       `json:"ttl,omitempty"` // seconds
	OFD            []ofdLine   `json:"ofd,omitempty"`
	Split          []splitPart `json:"split,omitempty"`
}

// ofdLine is one line of the fiscal receipt. Qty is whole, and there is no discount.
type ofdLine struct {
	Qty         int64     `json:"qty"`
	Price       pay.Tiyin `json:"price"`
	Total       pay.Tiyin `json:"total"`
	MXIK        string    `json:"mxik"`
	PackageCode string    `json:"package_code"`
	Name        string    `json:"name"`
	VAT         *int      `json:"vat,omitempty"` // percent
	TIN         string    `json:"tin,omitempty"` // 9 digits, or a PINFL's 14
	Mark        []string  `json:"mark,omitempty"`
}

type splitPart struct {
	Type      string    `json:"type"`
	Amount    pay.Tiyin `json:"amount"`
	Details   string    `json:"details,omitempty"`
	Recipient string    `json:"recipient,omitempty"`
}

// partialRequest is DELETE /payment/{uuid}/partial.
type partialRequest struct {
	RefundAmount pay.Tiyin       `json:"refund_amount"`
	OFD          json.RawMessage `json:"ofd"`
	CardPAN      string          `json:"card_pan,omitempty"`
}

// fiscalRequest is PATCH /payment/{uuid}/fiscal.
type fiscalRequest struct {
	URL      string `json:"url"`
	IsRefund bool   `json:"is_refund"`
}

// ─── What we get ──────────────────────────────────────────────────────────────────────────

// envelope is every answer but that of /auth.
type envelope struct {
	Success *truth         `json:"success"`
	Data    jsontext.Value `json:"data"`
	Error   struct {
		Code    text `json:"code"`
		Details text `json:"details"`
	} `json:"error"`
}

// authAnswer is the answer of /auth, which has no envelope.
type authAnswer struct {
	Token  text `json:"token"`
	Expiry text `json:"expiry"` // local to Tashkent, no zone

	Errors []struct {
		Message []struct {
			Message text `json:"message"`
		} `json:"message"`
	} `json:"errors"`
}

// invoiceAnswer is what POST /payment/invoice made.
type invoiceAnswer struct {
	UUID        text          `json:"uuid"`
	StoreID     whole         `json:"store_id"`
	Amount      whole         `json:"amount"`
	InvoiceID   text          `json:"invoice_id"`
	CheckoutURL text          `json:"checkout_url"`
	Deeplink    text          `json:"deeplink"`
	Payment     *paymentModel `json:"payment"`
}

// paymentModel is a payment, as far as we read it. Any of it may be null.
type paymentModel struct {
	UUID            text        `json:"uuid"`
	StoreID         whole       `json:"store_id"`
	PaymentAmount   whole       `json:"payment_amount"`
	StoreInvoiceID  text        `json:"store_invoice_id"`
	Status          text        `json:"status"`
	PS              text        `json:"ps"`
	Phone           text        `json:"phone"`
	ReceiptURL      text        `json:"receipt_url"`
	CardPAN         text        `json:"card_pan"`
	CardToken       text        `json:"card_token"` // only where a buyer asked to keep the card
	CheckoutURL     text        `json:"checkout_url"`
	ResponseCode    text        `json:"ps_response_code"`
	ResponseMsg     text        `json:"ps_response_msg"`
	CallbackMessage text        `json:"callback_message"`
	PaymentTime     text        `json:"payment_time"`
	RefundTime      text        `json:"refund_time"`
	Tax             *taxReceipt `json:"tax"`
}

type taxReceipt struct {
	QRURL text `json:"qr_url"`
}

// registerAnswer is a page of GET /payment/store/{store_id}/history, or of its credit-history.
type registerAnswer struct {
	Pagination struct {
		Total whole `json:"total"`
	} `json:"pagination"`
	List []registerRow `json:"list"`
}

// registerRow is one payment or payout in a register's list.
type registerRow struct {
	UUID           text  `json:"uuid"`
	StoreInvoiceID text  `json:"store_invoice_id"`
	Status         text  `json:"status"`
	PS             text  `json:"ps"`
	Amount         whole `json:"payment_amount"`
	Commission     whole `json:"commission_amount"`
	CardPAN        text  `json:"card_pan"`
	RRN            text  `json:"ps_uniq_id"`
	PaymentTime    text  `json:"payment_time"`
	RefundTime     text  `json:"refund_time"`
	AddedOn        text  `json:"added_on"`
}

// message is both kinds of callback: a success callback has store_id and no status, a webhook
// the other way round.
type message struct {
	StoreID     text  `json:"store_id"`
	Amount      whole `json:"amount"`
	InvoiceID   text  `json:"invoice_id"`
	BillingID   text  `json:"billing_id"`
	Status      text  `json:"status"`
	PaymentTime text  `json:"payment_time"`
	CardPAN     text  `json:"card_pan"`
	PS          text  `json:"ps"`
	UUID        text  `json:"uuid"`
	ReceiptURL  text  `json:"receipt_url"`
	Sign        text  `json:"sign"`
}

// errCut says that a message broke off in the middle: what it would have said cannot be known.
var errCut = errors.New("the message is cut short")

// decodeMessage reads a callback's body. Names count as they are spelt, a name that comes twice
// is refused, and so is text that is not UTF-8: what is checked here is what is acted on.
// It returns errCut for nothing at all, and for JSON that ends too early.
func decodeMessage(body []byte) (message, error) {
	var m message
	if err := jsonv2.Unmarshal(body, &m); err != nil {
		if len(bytes.TrimSpace(body)) == 0 || cut(body) {
			return message{}, errCut
		}
		return message{}, err
	}
	switch {
	case !uuidShape.MatchString(string(m.UUID)):
		return message{}, errors.New(`"uuid" must be a UUID`)
	case m.InvoiceID == "" || len(m.InvoiceID) > 255:
		return message{}, errors.New(`"invoice_id" must be 1 to 255 characters`)
	case m.Amount <= 0:
		return message{}, errors.New(`"amount" must be a positive number of tiyin`)
	case m.Sign == "":
		return message{}, errors.New(`"sign" is missing`)
	case m.Status == "" && !numeric(string(m.StoreID)):
		return message{}, errors.New(`"store_id" must be a number`)
	}
	return m, nil
}

// cut says whether body is the beginning of a JSON value and no more.
func cut(body []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		_, err := d.ReadToken()
		if err != nil {
			return d.StackDepth() > 0 && strings.Contains(err.Error(), "unexpected EOF")
		}
		if d.StackDepth() == 0 {
			return false
		}
	}
}

// decodeAnswer reads an answer of Multicard. It is lenient where an answer's meaning does not
// hang on it: better to understand that a refund was done than to ask for ever.
func decodeAnswer(body []byte, into any) error {
	return jsonv2.Unmarshal(body, into, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
}

// ─── Loose types of their wire ────────────────────────────────────────────────────────────

// text takes a string, a number or null.
type text string

// UnmarshalJSON reads it; a number keeps its spelling.
func (t *text) UnmarshalJSON(b []byte) error {
	switch {
	case string(b) == "null":
		*t = ""
		return nil
	case b[0] == '"':
		// The decoder has passed b already; where it lets bad UTF-8 through, so does this.
		s, _ := jsontext.AppendUnquote(nil, b)
		*t = text(s)
		return nil
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		*t = text(b)
		return nil
	}
	return fmt.Errorf("%.20q is neither text nor a number", b)
}

// whole takes a whole number, also in quotes and also with zeros behind a point; null is 0.
type whole int64

// UnmarshalJSON reads it; what is not a whole number is an error, never rounded.
func (n *whole) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	if t == "" {
		*n = 0
		return nil
	}
	head, zeros, dotted := strings.Cut(string(t), ".")
	v, err := strconv.ParseInt(head, 10, 64)
	if err != nil || dotted && (zeros == "" || strings.Trim(zeros, "0") != "") {
		return fmt.Errorf("%.20q is not a whole number", string(t))
	}
	*n = whole(v)
	return nil
}

// truth takes true, and "true" or 1 in whatever quotes; anything else is false.
type truth bool

// UnmarshalJSON reads it.
func (t *truth) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	*t = s == "true" || s == "1"
	return nil
}

// localTime reads their time, which is local to Tashkent; zero where it is none.
func localTime(t text) time.Time {
	at, err := time.ParseInLocation(time.DateTime, string(t), provider.Tashkent)
	if err != nil {
		return time.Time{}
	}
	return at
}

var maskedPAN = regexp.MustCompile(`^[0-9]{4,6}\*+[0-9]{4}$`)

// card is what may be kept of the card: never a number in full, whatever was sent, and no token,
// which is kept only sealed, as a bound card.
func card(pan, ps text) pay.Card {
	c := pay.Card{PaymentSystem: clip(string(ps), 32)}
	if len(pan) <= 19 && maskedPAN.MatchString(string(pan)) {
		c.MaskedPAN = string(pan)
	}
	return c
}

// clip shortens their words to n characters and takes out what does not print.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
