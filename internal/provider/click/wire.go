package click

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// message is one call of the SHOP API. The texts are kept as they were received: the signature
// is over them, and CLICK writes the same amount as 50000, 50000.0 or 50000.00.
type message struct {
	clickTransID string // CLICK's id of the attempt
	serviceID    string
	account      string // merchant_trans_id: how the buyer named the invoice
	prepareID    string // merchant_prepare_id: what we answered to Prepare; "" where not sent
	amountText   string // soum
	action       string
	signTime     string
	sign         string

	trans   int64     // clickTransID
	paydoc  int64     // click_paydoc_id: the payment's id in the Merchant API
	amount  pay.Tiyin // 0 where amountText is no sum that could be owed
	failure int       // CLICK's own result: 0, or negative where the payment failed
	note    string    // and its words for that
	signed  time.Time // signTime, which CLICK writes in Tashkent's time
}

const (
	actionPrepare  = "0"
	actionComplete = "1"
)

// ref is how the gateway knows the attempt.
func (m message) ref() string { return m.clickTransID }

// failed says whether CLICK tells us that the payment failed on its side.
func (m message) failed() bool { return m.failure < 0 }

// meta is what later calls need and only this package reads.
type meta struct {
	Paydoc int64 `json:"paydoc"`
}

func (m message) meta() []byte {
	b, _ := json.Marshal(meta{Paydoc: m.paydoc})
	return b
}

// readMessage reads a request: a form, posted. On an error the message holds what could be
// read, for the echo.
func readMessage(r *http.Request) (message, error) {
	if r.Method != http.MethodPost {
		return message{}, errors.New("not a POST")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return message{}, errors.New("not a form")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return message{}, err
	}
	return decodeMessage(string(body))
}

// decodeMessage decodes and validates a form. Fields that we do not know are let pass, since
// CLICK may send further ones; a known field twice is refused, since a reader that takes the
// first and one that takes the last would disagree on what was signed.
func decodeMessage(body string) (message, error) {
	values, err := url.ParseQuery(body)
	if err != nil {
		return message{}, err
	}
	f := form{values: values}
	m := message{note: f.note("error_note")}
	m.clickTransID, m.trans = f.id("click_trans_id")
	m.serviceID, _ = f.id("service_id")
	_, m.paydoc = f.id("click_paydoc_id")
	m.account = f.text("merchant_trans_id", accountShape)
	m.amountText = f.text("amount", amountShape)
	m.action = f.text("action", intShape)
	m.failure, _ = strconv.Atoi(f.text("error", resultShape))
	m.signTime, m.signed = f.time("sign_time")
	m.sign = f.text("sign_string", signShape)
	// CLICK cannot name an id whose Prepare answer it never got, so a Complete that reports a
	// failure may lack ours: what must be given up is named by click_trans_id anyway.
	if m.action == actionComplete && !(m.failed() && values.Get("merchant_prepare_id") == "") {
		m.prepareID, _ = f.id("merchant_prepare_id")
	}
	if m.amount, err = pay.ParseSoum(m.amountText); err != nil {
		m.amount = 0
	}
	return m, errors.Join(f.faults...)
}

// The shapes of a message's fields.
var (
	idDigits     = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	intShape     = regexp.MustCompile(`^-?[0-9]{1,9}$`)
	resultShape  = regexp.MustCompile(`^(0|-[0-9]{1,9})$`)
	amountShape  = regexp.MustCompile(`^[0-9]{1,18}(\.[0-9]{1,18})?$`)
	accountShape = regexp.MustCompile(`^[^\p{Cc}]{1,255}$`)
	timeShape    = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$`)
	signShape    = regexp.MustCompile(`^[!-~]{1,128}$`)
)

// form reads fields and gathers what is wrong with them.
type form struct {
	values url.Values
	faults []error
}

// text returns a field, or "" and a fault where it is not there once and in its shape.
func (f *form) text(field string, shape *regexp.Regexp) string {
	all := f.values[field]
	if len(all) != 1 || !utf8.ValidString(all[0]) || !shape.MatchString(all[0]) {
		f.faults = append(f.faults, fmt.Errorf("%s is missing or has the wrong form", field))
		return ""
	}
	return all[0]
}

// id returns a field that holds a positive 64-bit number, as text and as number.
func (f *form) id(field string) (string, int64) {
	text := f.text(field, idDigits)
	n, err := strconv.ParseInt(text, 10, 64)
	if text != "" && err != nil {
		f.faults = append(f.faults, fmt.Errorf("%s has more than 64 bits", field))
	}
	if err != nil {
		return "", 0
	}
	return text, n
}

// time returns a field that holds a local time, as text and as time. Its form is fixed, and it is
// the last that is signed: the signature has no separators, and a text of any length here could
// take the action's digit into itself.
func (f *form) time(field string) (string, time.Time) {
	text := f.text(field, timeShape)
	t, err := time.ParseInLocation(time.DateTime, text, provider.Tashkent)
	if text != "" && err != nil {
		f.faults = append(f.faults, fmt.Errorf("%s is no time", field))
	}
	if err != nil {
		return "", time.Time{}
	}
	return text, t
}

// note returns a text for people, bounded and cleaned. It is not signed and nothing hangs on it.
func (f *form) note(field string) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(f.values.Get(field), ""))
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200])
	}
	return text
}

// reply is our answer. CLICK requires only error and error_note of a refusal; its own samples
// echo the ids in every answer, and so do we, where they could be read.
type reply struct {
	ClickTransID      int64  `json:"click_trans_id,omitempty"`
	MerchantTransID   string `json:"merchant_trans_id,omitempty"`
	MerchantPrepareID int64  `json:"merchant_prepare_id,omitempty"`
	MerchantConfirmID int64  `json:"merchant_confirm_id,omitempty"`
	Error             int    `json:"error"`
	ErrorNote         string `json:"error_note"`
}

// apiAnswer is what Merchant API v2 answers, all calls together. CLICK types payment_id as a
// number in one place and as a string in another: json.Number reads both.
type apiAnswer struct {
	ErrorCode     *json.Number `json:"error_code"` // absent only in the answer about a receipt
	ErrorNote     string       `json:"error_note"`
	PaymentID     json.Number  `json:"payment_id"`
	PaymentStatus *json.Number `json:"payment_status"`
	QRCodeURL     string       `json:"qrCodeURL"`

	// Click Pass alone.
	ConfirmMode    json.Number `json:"confirm_mode"`
	ProcessingType string      `json:"processing_type"`
	CardNumber     string      `json:"card_number"`
	PhoneNumber    string      `json:"phone_number"`
}

// The bodies of Click Pass. The amount is in soum here.
type (
	passOrder struct {
		ServiceID   int64       `json:"service_id"`
		OTPData     string      `json:"otp_data"`
		Amount      json.Number `json:"amount"`
		CashboxCode string      `json:"cashbox_code,omitempty"`
		Transaction string      `json:"transaction_id"`
	}
	passConfirm struct {
		ServiceID int64 `json:"service_id"`
		PaymentID int64 `json:"payment_id"`
	}
)

// The bodies of the fiscal calls. All sums are tiyin here, though payments are in soum.
type (
	qrCodeOrder struct {
		ServiceID int64  `json:"service_id"`
		PaymentID int64  `json:"payment_id"`
		QRCode    string `json:"qrcode"`
	}
	itemsOrder struct {
		ServiceID     int64  `json:"service_id"`
		PaymentID     int64  `json:"payment_id"`
		Items         []item `json:"items"`
		ReceivedEcash int64  `json:"received_ecash"`
		ReceivedCash  int64  `json:"received_cash"`
		ReceivedCard  int64  `json:"received_card"`
	}
	item struct {
		Name           string         `json:"Name"`
		Labels         []string       `json:"Labels,omitempty"`
		SPIC           string         `json:"SPIC"`
		Units          int64          `json:"Units,omitempty"`
		PackageCode    string         `json:"PackageCode"`
		GoodPrice      int64          `json:"GoodPrice"`
		Price          int64          `json:"Price"` // of the line, before the discount
		Amount         int64          `json:"Amount"`
		VAT            int64          `json:"VAT"` // a sum
		VATPercent     int            `json:"VATPercent"`
		Discount       int64          `json:"Discount,omitempty"`
		CommissionInfo commissionInfo `json:"CommissionInfo"`
	}
	commissionInfo struct {
		TIN   string `json:"TIN,omitempty"`
		PINFL string `json:"PINFL,omitempty"`
	}
)
