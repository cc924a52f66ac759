package sim

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// fault is a no of the Merchant API: an HTTP status, and error_code with its words.
type fault struct {
	status, code int
	note         string
}

// CLICK publishes no table of error_code. -16 and -12 were seen in production by a public
// project; the others are this simulator's own, from -9001 down, so that nobody takes them for
// CLICK's.
var (
	noPayment      = &fault{200, -16, "Payment not found"}
	wrongSupplier  = &fault{200, -12, "Неверные данные поставщика"}
	notPaid        = &fault{200, -9001, "Only a successful payment can be reversed"}
	monthIsOver    = &fault{200, -9002, "The reporting month of the payment is closed"}
	uzcardRefuses  = &fault{200, -9003, "UZCARD refused the reversal"}
	alreadyGone    = &fault{200, -9004, "The payment is reversed already"}
	noParts        = &fault{200, -9005, "Partial reversal is not allowed for this service"}
	tooMuch        = &fault{200, -9006, "More than is left of the payment"}
	badItems       = &fault{200, -9007, "The fiscal data are wrong"}
	unauthorised   = &fault{401, -9101, "Authorization failed"}
	malformed      = &fault{400, -9102, "Malformed request"}
	noSuchMethod   = &fault{404, -9103, "No such method"}
	wrongHTTP      = &fault{403, -9104, "Method not allowed"}
	wrongDataTypes = &fault{406, -9105, "Only application/json"}
)

func (f *fault) because(format string, args ...any) *fault {
	return &fault{f.status, f.code, f.note + ": " + fmt.Sprintf(format, args...)}
}

// call is one request to the Merchant API, its path taken apart.
type call struct {
	step, method string
	args         []string // the path's segments behind the call's name, unescaped
	body         []byte
	svc          *service
	scanned      *simulator.Code // whose plan the answer follows; nil but where a code was charged
}

// calls is the Merchant API: each call's path, its HTTP method, and how many segments follow.
var calls = []struct {
	path, method string
	least, most  int
	step         string
	do           func(*sim, *call) (any, *fault)
}{
	{"payment/status_by_mti", "GET", 2, 3, stepStatusByOrder, (*sim).statusByOrder},
	{"payment/status", "GET", 2, 2, stepStatus, (*sim).status},
	{"payment/reversal", "DELETE", 2, 2, stepReversal, (*sim).reversal},
	{"payment/partial_reversal", "DELETE", 3, 3, stepPartialReversal, (*sim).reversal},
	{"payment/ofd_data/submit_items", "POST", 0, 0, stepItems, (*sim).submitItems},
	{"payment/ofd_data/submit_qrcode", "POST", 0, 0, stepQRCode, (*sim).submitQRCode},
	{"payment/ofd_data", "GET", 2, 2, stepReceipt, (*sim).receipt},
	{"click_pass/payment", "POST", 0, 0, stepPass, (*sim).passPayment},
	{"click_pass/confirmation", "PUT DELETE", 1, 1, stepPassMode, (*sim).passMode},
	{"click_pass/confirm", "POST", 0, 0, stepPassConfirm, (*sim).passConfirm},
}

// ServeHTTP serves the buyer's page at /services/pay and the Merchant API at /v2/merchant, where
// CLICK has them on two hosts.
func (s *sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Trim(r.URL.EscapedPath(), "/")
	if path == "services/pay" {
		s.world.Serve(stepPage, w, r, s.page)
		return
	}
	path, ok := strings.CutPrefix(path, "v2/merchant/")
	for _, c := range calls {
		rest, found := strings.CutPrefix(path+"/", c.path+"/")
		if !ok || !found {
			continue
		}
		var args []string
		if rest = strings.TrimSuffix(rest, "/"); rest != "" {
			args = strings.Split(rest, "/")
		}
		if len(args) < c.least || len(args) > c.most {
			continue
		}
		s.world.Serve(c.step, w, r, func(w http.ResponseWriter, r *http.Request) {
			one := call{step: c.step, method: r.Method, args: args}
			var result any
			f := s.admit(r, &one, c.method)
			if f == nil {
				s.mu.Lock()
				result, f = c.do(s, &one)
				s.mu.Unlock()
			}
			if one.scanned != nil {
				one.scanned.Answer(r, func() { respond(w, result, f) })
				return
			}
			respond(w, result, f)
		})
		return
	}
	respond(w, nil, noSuchMethod)
}

func respond(w http.ResponseWriter, result any, f *fault) {
	w.Header().Set("Content-Type", "application/json")
	if f != nil {
		w.WriteHeader(f.status)
		result = map[string]any{"error_code": f.code, "error_note": f.note}
	}
	_ = json.NewEncoder(w).Encode(result)
}

// admit checks what every call has in common, and whose call it is.
func (s *sim) admit(r *http.Request, c *call, method string) *fault {
	if !slices.Contains(strings.Fields(method), r.Method) {
		return wrongHTTP
	}
	if r.Header.Get("Accept") != "application/json" || r.Header.Get("Content-Type") != "application/json" {
		return wrongDataTypes
	}
	c.method = r.Method
	for i := range c.args {
		arg, err := url.PathUnescape(c.args[i])
		if err != nil {
			return malformed
		}
		c.args[i] = arg
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return malformed
	}
	c.body = body

	id := ""
	if len(c.args) > 0 {
		id = c.args[0]
	} else {
		var named struct {
			ServiceID json.Number `json:"service_id"`
		}
		if json.Unmarshal(body, &named) != nil {
			return malformed
		}
		id = named.ServiceID.String()
	}
	now := s.world.Now()
	if f, ok := s.world.Faults.Take(c.step, simulator.ClockSkew); ok {
		now = now.Add(f.Delay)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	svc := s.services[id]
	if svc == nil {
		// CLICK knows the user first. Which service a stranger names makes no difference to it.
		return s.stranger(r.Header.Get("Auth"), now)
	}
	if !authorised(r.Header.Get("Auth"), svc, now, s.set.AuthSkew) {
		return unauthorised
	}
	c.svc = svc
	return nil
}

// stranger is the answer to a service that nobody has: -12 to somebody whom CLICK knows.
func (s *sim) stranger(auth string, now time.Time) *fault {
	for _, svc := range s.services {
		if authorised(auth, svc, now, s.set.AuthSkew) {
			return wrongSupplier
		}
	}
	return unauthorised
}

var authShape = regexp.MustCompile(`^([0-9]+):([0-9a-f]{40}):([0-9]{10})$`)

// authorised checks the header Auth: merchant_user_id:sha1(timestamp + secret):timestamp.
func authorised(auth string, svc *service, now time.Time, skew time.Duration) bool {
	parts := authShape.FindStringSubmatch(auth)
	if parts == nil || svc.user == "" || parts[1] != svc.user {
		return false
	}
	sum := sha1.Sum([]byte(parts[3] + svc.secret))
	at, err := strconv.ParseInt(parts[3], 10, 64)
	return err == nil && parts[2] == hex.EncodeToString(sum[:]) && now.Sub(time.Unix(at, 0)).Abs() <= skew
}

// found is the payment that a path names by payment_id.
func (s *sim) found(svc *service, id string) (*attempt, *fault) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil, malformed
	}
	for _, a := range s.order {
		if a.svc.id == svc.id && a.paydoc == n {
			if a.scan != nil {
				s.scanLapses(a, s.world.Now())
			}
			return a, nil
		}
	}
	return nil, noPayment
}

// paymentStatus is below 0 for what failed, 0 for what was begun, 1 for what is under way and 2
// for what is paid.
func (s *sim) paymentStatus(a *attempt) int {
	switch a.state {
	case paid:
		return 2
	case suspended:
		return 1
	case refunded:
		return s.set.ReversedStatus
	case created:
		if a.debited {
			return 1
		}
		return 0
	}
	return -1
}

type statusAnswer struct {
	ErrorCode       int    `json:"error_code"`
	ErrorNote       string `json:"error_note"`
	PaymentID       int64  `json:"payment_id"`
	PaymentStatus   *int   `json:"payment_status,omitempty"`
	MerchantTransID string `json:"merchant_trans_id,omitempty"`
}

func (s *sim) status(c *call) (any, *fault) {
	a, f := s.found(c.svc, c.args[1])
	if f != nil {
		return nil, f
	}
	status := s.paymentStatus(a)
	return statusAnswer{ErrorNote: "Success", PaymentID: a.paydoc, PaymentStatus: &status}, nil
}

// statusByOrder finds the payment of an order that was begun on a day: a paid one before any
// other, else the newest. Its answer has no status, as in CLICK's example.
func (s *sim) statusByOrder(c *call) (any, *fault) {
	var best *attempt
	for _, a := range s.order {
		day := len(c.args) < 3 || a.at.In(tashkent).Format(time.DateOnly) == c.args[2]
		if a.svc.id != c.svc.id || a.account != c.args[1] || !day {
			continue
		}
		if best == nil || best.state != paid {
			best = a
		}
	}
	if best == nil {
		return nil, noPayment
	}
	return statusAnswer{ErrorNote: "Success", PaymentID: best.paydoc, MerchantTransID: best.account}, nil
}

type reversalAnswer struct {
	ErrorCode int    `json:"error_code"`
	ErrorNote string `json:"error_note"`
	PaymentID int64  `json:"payment_id,omitempty"`
}

// reversal gives money back: all of it, or with a third argument a part, in soum.
func (s *sim) reversal(c *call) (any, *fault) {
	a, f := s.found(c.svc, c.args[1])
	if f != nil {
		return nil, f
	}
	part := int64(0)
	if len(c.args) == 3 {
		if !s.set.Partial {
			return nil, noParts
		}
		var err error
		if part, err = tiyin(c.args[2]); err != nil || part <= 0 || !linkAmount.MatchString(c.args[2]) {
			return nil, malformed
		}
	}
	if f := s.reverse(a, part); f != nil {
		return nil, f
	}
	if part > 0 {
		return reversalAnswer{ErrorNote: "Success"}, nil
	}
	return reversalAnswer{ErrorNote: "Success", PaymentID: a.paydoc}, nil
}

// reverse returns part of a payment, or with 0 all of it. Only this month's payments can be
// reversed, and last month's on the first day of this one.
func (s *sim) reverse(a *attempt, part int64) *fault {
	now, at := s.world.Now().In(tashkent), a.at.In(tashkent)
	thisMonth := now.Year() == at.Year() && now.Month() == at.Month()
	before := now.AddDate(0, 0, -1)
	lastMonth := now.Day() == 1 && before.Year() == at.Year() && before.Month() == at.Month()
	switch {
	case a.state == refunded:
		return alreadyGone
	case a.state != paid:
		return notPaid
	case !thisMonth && !lastMonth:
		return monthIsOver
	case s.set.UzcardRefuses:
		return uzcardRefuses
	case part == 0 && a.refunded > 0:
		return alreadyGone.because("in part")
	case part > a.amount-a.refunded:
		return tooMuch
	case part == 0:
		part = a.amount
	}
	a.refunded += part
	if a.refunded == a.amount {
		a.state = refunded
	}
	return nil
}

// The fiscal calls. Their sums are tiyin.
type (
	itemsOrder struct {
		ServiceID     *int64 `json:"service_id"`
		PaymentID     *int64 `json:"payment_id"`
		Items         []item `json:"items"`
		ReceivedEcash *int64 `json:"received_ecash"`
		ReceivedCash  *int64 `json:"received_cash"`
		ReceivedCard  *int64 `json:"received_card"`
	}
	item struct {
		Name           string   `json:"Name"`
		Barcode        string   `json:"Barcode"`
		Labels         []string `json:"Labels"`
		SPIC           string   `json:"SPIC"`
		Units          *uint64  `json:"Units"`
		PackageCode    string   `json:"PackageCode"`
		GoodPrice      *uint64  `json:"GoodPrice"`
		Price          *int64   `json:"Price"`
		Amount         *uint64  `json:"Amount"`
		VAT            *int64   `json:"VAT"`
		VATPercent     *uint8   `json:"VATPercent"`
		Discount       int64    `json:"Discount"`
		Other          int64    `json:"Other"`
		CommissionInfo *struct {
			TIN   string `json:"TIN"`
			PINFL string `json:"PINFL"`
		} `json:"CommissionInfo"`
	}
	qrCodeOrder struct {
		ServiceID *int64 `json:"service_id"`
		PaymentID *int64 `json:"payment_id"`
		QRCode    string `json:"qrcode"`
	}
	receiptAnswer struct {
		PaymentID int64  `json:"paymentId"`
		QRCodeURL string `json:"qrCodeURL"`
	}
)

var (
	spicShape    = regexp.MustCompile(`^[0-9]{17}$`)
	packageShape = regexp.MustCompile(`^[0-9]{1,20}$`)
	tinShape     = regexp.MustCompile(`^[0-9]{9}$`)
	pinflShape   = regexp.MustCompile(`^[0-9]{14}$`)
)

func (s *sim) submitItems(c *call) (any, *fault) {
	var o itemsOrder
	if decode(c.body, &o) != nil || o.PaymentID == nil || o.ReceivedEcash == nil || o.ReceivedCash == nil || o.ReceivedCard == nil {
		return nil, malformed
	}
	a, f := s.found(c.svc, strconv.FormatInt(*o.PaymentID, 10))
	if f != nil {
		return nil, f
	}
	if a.state != paid {
		return nil, badItems.because("the payment is not paid")
	}
	if len(o.Items) == 0 {
		return nil, badItems.because("there are no items")
	}
	sum := int64(0)
	for i, it := range o.Items {
		if what := it.wrong(); what != "" {
			return nil, badItems.because("items[%d]: %s", i, what)
		}
		sum += *it.Price - it.Discount - it.Other
	}
	if received := *o.ReceivedCard + *o.ReceivedCash + *o.ReceivedEcash; received != sum || sum != a.amount {
		return nil, badItems.because("the items are %d tiyin, received are %d, paid were %d", sum, received, a.amount)
	}
	a.items, a.polls = c.body, 0
	a.qrcode = s.makeReceipt()
	return reversalAnswer{ErrorNote: "Success"}, nil
}

// wrong names what is wrong with an item, or "".
func (it item) wrong() string {
	switch n := utf8.RuneCountInString(it.Name); {
	case n < 1 || n > 63:
		return "Name"
	case len(it.Labels) > 300:
		return "Labels"
	case !spicShape.MatchString(it.SPIC):
		return "SPIC"
	case !packageShape.MatchString(it.PackageCode):
		return "PackageCode"
	case it.Price == nil || *it.Price < 0:
		return "Price"
	case it.Amount == nil || *it.Amount == 0:
		return "Amount"
	case it.VAT == nil || *it.VAT < 0 || *it.VAT > *it.Price:
		return "VAT"
	case it.VATPercent == nil || *it.VATPercent > 100:
		return "VATPercent"
	case it.CommissionInfo == nil || tinShape.MatchString(it.CommissionInfo.TIN) == pinflShape.MatchString(it.CommissionInfo.PINFL):
		return "CommissionInfo"
	}
	for _, label := range it.Labels {
		if len(label) > 21 {
			return "Labels"
		}
	}
	return ""
}

// makeReceipt issues a link of the tax committee's form. Terminals from EZ000000000000 to
// EZ000000000099 are nobody's: the link does not open.
func (s *sim) makeReceipt() string {
	s.receipts++
	at := s.world.Now().In(tashkent).Format("20060102150405")
	sum := sha1.Sum([]byte(strconv.Itoa(s.receipts) + at))
	sign := 0
	for _, b := range sum[:8] {
		sign = (sign*256 + int(b)) % 1_000_000_000_000
	}
	return fmt.Sprintf("https://ofd.soliq.uz/epi?t=EZ000000000030&r=%d&c=%s&s=%012d", s.receipts, at, sign)
}

var receiptLink = regexp.MustCompile(`^https://ofd\.soliq\.uz/(check|epi)/?\?`)

func (s *sim) submitQRCode(c *call) (any, *fault) {
	var o qrCodeOrder
	if decode(c.body, &o) != nil || o.PaymentID == nil {
		return nil, malformed
	}
	a, f := s.found(c.svc, strconv.FormatInt(*o.PaymentID, 10))
	if f != nil {
		return nil, f
	}
	if a.state != paid || !receiptLink.MatchString(o.QRCode) {
		return nil, badItems.because("qrcode")
	}
	a.qrcode, a.polls = o.QRCode, 0
	return reversalAnswer{ErrorNote: "Success"}, nil
}

// receipt answers without error_code, as CLICK does; the link may take a while.
func (s *sim) receipt(c *call) (any, *fault) {
	a, f := s.found(c.svc, c.args[1])
	if f != nil {
		return nil, f
	}
	a.polls++
	link := a.qrcode
	if a.items != nil && (s.set.ReceiptAfter < 0 || a.polls <= s.set.ReceiptAfter) {
		link = ""
	}
	return receiptAnswer{PaymentID: a.paydoc, QRCodeURL: link}, nil
}

// decode reads a body strictly: one JSON object without unknown fields.
func decode(body []byte, to any) error {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("more than one value")
	}
	return nil
}
