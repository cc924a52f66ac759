package paysys

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// ─── What we send ─────────────────────────────────────────────────────────────────────────

type request struct {
	Method string `json:"method"`
	Params any    `json:"params"`
	ID     string `json:"id"`
}

// registration is <prefix>.card_registration.
type registration struct {
	Phone  string `json:"phone_number,omitempty"`
	Number string `json:"card_number"`
	Expire string `json:"card_expire"` // YYMM
}

// cardConfirmation is <prefix>.card_confirm.
type cardConfirmation struct {
	CardID string `json:"card_id"`
	Code   string `json:"confirmation_code"`
}

// prepare is pam.prepare_payment, by number or by card id; with Number empty and a Card-Token in
// the header it is pam.payment.
type prepare struct {
	CardID  string      `json:"card_id,omitempty"`
	Number  string      `json:"card_number,omitempty"`
	Expire  string      `json:"card_expire,omitempty"`
	Phone   string      `json:"phone_number"`
	Amount  pay.Tiyin   `json:"amount"`
	Vendor  json.Number `json:"vendor_id"`
	Product string      `json:"product"` // our payment's id
	Save    bool        `json:"save,omitempty"`
	hold
}

// hold is given whole or not at all.
type hold struct {
	Hold         bool   `json:"hold,omitempty"`
	HoldingTime  int64  `json:"holding_time,omitempty"` // seconds
	AfterExpired string `json:"after_expired,omitempty"`
}

// confirmation is pam.confirm_payment. The id is a number here, as in the documentation's sample.
type confirmation struct {
	Transaction json.Number `json:"bank_transaction_id"`
	Code        string      `json:"confirmation_code"`
}

// holdEnd is hold.confirm, and without Status pam.check_payment. The id is a text here.
type holdEnd struct {
	Transaction string `json:"bank_transaction_id"`
	Status      string `json:"status,omitempty"`
}

// reversal is transaction.reverse, which wants the other id, as a number.
type reversal struct {
	Transaction json.Number `json:"transaction_id"`
}

// ─── What we get ──────────────────────────────────────────────────────────────────────────

type answer struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    whole  `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
	Tracker string `json:"mx_id"`
}

type registered struct {
	ID      text   `json:"id"`
	Phone   string `json:"masked_phone_number"`
	TimeOut whole  `json:"time_out"`
}

// bound is what card_confirm gives. The owner's name and balance, which nobody asked for, are
// not read.
type bound struct {
	Token *text `json:"card_token"`
	Card  struct {
		ID     text   `json:"id"`
		PAN    string `json:"pan"`
		Expiry text   `json:"expiry"`
		Phone  text   `json:"phone"`
	} `json:"card_data"`
}

type prepared struct {
	Transaction text   `json:"bank_transaction_id"`
	Phone       string `json:"masked_phone_number"`
	TimeOut     whole  `json:"time_out"`
}

type performed struct {
	Details struct {
		PAN         string `json:"masked_card_number"`
		Transaction text   `json:"transaction_id"`
		Bank        text   `json:"bank_transaction_id"`
		Amount      whole  `json:"amount"`
		Date        whole  `json:"date"`
	} `json:"details"`
	Card *struct {
		ID    text `json:"id"`
		Token text `json:"token"`
	} `json:"card"`
}

type standing struct {
	Transaction text  `json:"bank_transaction_id"`
	Status      whole `json:"status"`
	Amount      whole `json:"amount"`
}

type reversed struct {
	Transaction text `json:"transaction_id"`
	RRN         text `json:"ref_num"`
}

func decode(b []byte, into any) error {
	if len(b) == 0 || string(b) == "null" {
		return errors.New("there is nothing")
	}
	return json.Unmarshal(b, into)
}

// ─── Loose types of their wire ────────────────────────────────────────────────────────────

// text takes a string or a number: ids come as either.
type text string

// UnmarshalJSON reads it; a number keeps its spelling.
func (t *text) UnmarshalJSON(b []byte) error {
	switch {
	case string(b) == "null":
		*t = ""
		return nil
	case b[0] == '"':
		return json.Unmarshal(b, (*string)(t))
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		*t = text(b)
		return nil
	}
	return fmt.Errorf("%.20q is neither text nor a number", b)
}

// whole takes a whole number, also in quotes; null is 0.
type whole int64

// UnmarshalJSON reads it; what is not a whole number is an error, never rounded.
func (n *whole) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil || t == "" {
		*n = 0
		return err
	}
	v, err := strconv.ParseInt(string(t), 10, 64)
	*n = whole(v)
	return err
}

// number is an id that we send as a JSON number; false where it is none.
func number(id string) (json.Number, bool) {
	return json.Number(id), idShape.MatchString(id)
}

var (
	idShape   = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	cardShape = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)
	panShape  = regexp.MustCompile(`^[0-9]{4,6}\*+[0-9]{4}$`)
	phoneTail = regexp.MustCompile(`^\+?[0-9]{0,6}\*+[0-9]{2,4}$`)
)

// when reads a date: Unix seconds, or milliseconds where it is too large for them.
func when(n whole) time.Time {
	switch {
	case n <= 0:
		return time.Time{}
	case n > 1e11:
		return time.UnixMilli(int64(n)).UTC()
	}
	return time.Unix(int64(n), 0).UTC()
}

// cardOf is what may be kept of a card: never a number in full, whatever was sent.
func cardOf(pan string) pay.Card {
	var c pay.Card
	if len(pan) <= 19 && panShape.MatchString(pan) {
		c.MaskedPAN = pan
		c.PaymentSystem = system(pan)
	}
	return c
}

// system tells the network by the number's beginning.
func system(pan string) string {
	switch {
	case strings.HasPrefix(pan, "9860"):
		return "humo"
	case strings.HasPrefix(pan, "8600"), strings.HasPrefix(pan, "8601"), strings.HasPrefix(pan, "5614"):
		return "uzcard"
	}
	return ""
}

// maskedPhone keeps a masked telephone number and nothing else.
func maskedPhone(s string) string {
	if len(s) <= 20 && phoneTail.MatchString(s) {
		return s
	}
	return ""
}

// clip shortens their words to n characters and takes out what does not print.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
