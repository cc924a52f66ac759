package sim

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// FastPay, on the Apelsin Pay host: charges by scanned codes. It answers HTTP 200 whatever it
// says and keeps an order's id unique. Whether it looks at that before it looks at the code is
// published nowhere: it does here, until the action "set" says "code_first".

const fastPath = "/api/apelsin-pay/merchant/"

const (
	stepFastPay     = "fastpay.payment"
	stepFastStatus  = "fastpay.status"
	stepFastReverse = "fastpay.reversal"
	stepFastFiscal  = "fastpay.fiscal"
)

// fastWindow is how old a header's time may be.
const fastWindow = 50 * time.Second

// fastDebit is how long a debit takes that is under way when it is answered.
const fastDebit = 2 * time.Second

// fastUser is a till's user of a service.
type fastUser struct {
	service int64
	secret  string
	ahead   time.Duration // how far its headers' time is expected to be ahead
}

// fast is one payment by a code. Its fields are guarded by bank.mu.
type fast struct {
	id, order, transaction string
	service                int64
	amount                 int64
	code                   simulator.Code
	state                  string // paid, created (the debit is under way), refunded
	at, ready              time.Time
	fiscal                 string
}

func (b *bank) addTill(c map[string]string) error {
	service, err := strconv.ParseInt(c["serviceId"], 10, 64)
	user, errUser := strconv.ParseInt(c["merchantServiceUserId"], 10, 64)
	if err != nil || errUser != nil || service <= 0 || user <= 0 || c["secretKey"] == "" {
		return fmt.Errorf("uzum: a till needs serviceId, merchantServiceUserId and secretKey")
	}
	var ahead time.Duration
	if c["clockOffset"] == "5h" {
		ahead = 5 * time.Hour
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tills[strconv.FormatInt(user, 10)] = fastUser{service, c["secretKey"], ahead}
	return nil
}

type fastReply struct {
	PaymentID *string `json:"payment_id"`
	Status    string  `json:"payment_status,omitempty"`
	Code      int     `json:"error_code"`
	Message   *string `json:"error_message"`
	Phone     *string `json:"client_phone_number,omitempty"`
	CardType  int     `json:"card_type,omitempty"`
	RRN       string  `json:"processing_reference_number,omitempty"`
	At        string  `json:"operation_time,omitempty"`
}

func fastNo(code int, message string) fastReply {
	return fastReply{Code: code, Message: &message, Status: "FAILED"}
}

// fastpay serves one call of a till.
func (b *bank) fastpay(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, fastPath)
	order, isReversal := strings.CutPrefix(path, "v2/payment/reversal/")
	var step string
	var do func(fastUser, map[string]json.RawMessage, *simulator.Code) fastReply
	switch {
	case r.Method == http.MethodPost && path == "v2/payment":
		step, do = stepFastPay, b.fastCharge
	case r.Method == http.MethodPost && path == "payment/status":
		step, do = stepFastStatus, b.fastStatus
	case r.Method == http.MethodPost && path == "payment/fiscal":
		step, do = stepFastFiscal, b.fastFiscal
	case r.Method == http.MethodPut && isReversal:
		step, do = stepFastReverse, func(u fastUser, in map[string]json.RawMessage, _ *simulator.Code) fastReply {
			return b.fastReverse(u, in, order)
		}
	default:
		http.NotFound(w, r)
		return
	}
	b.world.Serve(step, w, r, func(w http.ResponseWriter, r *http.Request) {
		var in map[string]json.RawMessage
		body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
		if err != nil || json.Unmarshal(body, &in) != nil {
			fastAnswer(w, fastNo(400, "operation.failed"))
			return
		}
		var code simulator.Code
		b.mu.Lock()
		user, no := b.fastUser(r.Header.Get("Authorization"))
		ans := no
		if no.Code == 0 {
			ans = do(user, in, &code)
		}
		b.mu.Unlock()
		if code.Plan == simulator.PlanUnreachable {
			http.Error(w, "Too Many Requests", http.StatusTooManyRequests)
			return
		}
		code.Answer(r, func() { fastAnswer(w, ans) })
	})
}

func fastAnswer(w http.ResponseWriter, ans fastReply) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(ans)
}

var fastHeader = regexp.MustCompile(`^([0-9]+):([0-9a-f]{40}):([0-9]+)$`)

// fastUser is whose header it is. Under the lock.
func (b *bank) fastUser(header string) (fastUser, fastReply) {
	const wrong = "apelsin.pay.authorization.error"
	m := fastHeader.FindStringSubmatch(header)
	if m == nil {
		return fastUser{}, fastNo(401, wrong)
	}
	user, ok := b.tills[m[1]]
	sum := sha1.Sum([]byte(m[3] + user.secret))
	if !ok || m[2] != hex.EncodeToString(sum[:]) {
		return fastUser{}, fastNo(401, wrong)
	}
	at, err := strconv.ParseInt(m[3], 10, 64)
	if err != nil || b.world.Now().Add(user.ahead).Sub(time.UnixMilli(at)).Abs() > fastWindow {
		return fastUser{}, fastNo(403, wrong)
	}
	return user, fastReply{}
}

func fastText(in map[string]json.RawMessage, name string) (text string) {
	_ = json.Unmarshal(in[name], &text)
	return text
}

func fastInt(in map[string]json.RawMessage, name string) (n int64) {
	_ = json.Unmarshal(in[name], &n)
	return n
}

// fastCharge charges a code.
func (b *bank) fastCharge(u fastUser, in map[string]json.RawMessage, scanned *simulator.Code) fastReply {
	now := b.world.Now()
	order, transaction, otp := fastText(in, "order_id"), fastText(in, "transaction_id"), fastText(in, "otp_data")
	amount := fastInt(in, "amount")
	switch {
	case fastInt(in, "service_id") != u.service:
		return fastNo(401, "apelsin.pay.authorization.error")
	case amount <= 0 || order == "" || fastText(in, "cashbox_code") == "" || uuid.Validate(transaction) != nil:
		return fastNo(400, "operation.failed")
	}
	if b.codeFirst {
		if no, refused := b.fastCode(otp, now, scanned); refused {
			return no
		}
	}
	for _, p := range b.fasts {
		if p.order == order && p.transaction == transaction && p.service == u.service {
			return fastReply{PaymentID: &p.id, Status: "DUPLICATED", At: p.at.In(fastZone).Format("2006-01-02 15:04:05.000"), Phone: &p.code.Phone}
		}
		if p.order == order {
			return fastNo(400, "order.id.duplicated")
		}
		if p.transaction == transaction {
			return fastNo(400, "transaction.duplicated")
		}
	}
	if no, refused := b.fastCode(otp, now, scanned); refused {
		return no
	}
	code := *scanned
	b.codes.Use(otp)
	p := &fast{id: uuid.NewString(), order: order, transaction: transaction, service: u.service, amount: amount, code: code, state: paid, at: now}
	b.fasts = append(b.fasts, p)
	if code.Plan == simulator.PlanProcessing {
		p.state, p.ready = created, now.Add(fastDebit)
		no := fastNo(400, "operation.is.inProcess")
		no.PaymentID = &p.id
		return no
	}
	return fastReply{
		PaymentID: &p.id, Status: "SUCCESS", Phone: &code.Phone, CardType: 2,
		RRN: strconv.Itoa(408005356147 + len(b.fasts)), At: now.In(fastZone).Format("2006-01-02 15:04:05.000"),
	}
}

// fastCode looks at a code. Under the lock.
func (b *bank) fastCode(otp string, now time.Time, scanned *simulator.Code) (no fastReply, refused bool) {
	if len(otp) < 40 {
		return fastNo(400, "apelsin.pay.wrong.prefix.otp.data"), true
	}
	*scanned = b.codes.Look(otp, now)
	switch scanned.Plan {
	case simulator.PlanUnreachable:
		return fastReply{}, true
	case simulator.PlanDecline:
		return fastNo(416, "apelsin.pay.safe.mode.on"), true
	case simulator.PlanNoFunds:
		return fastNo(400, "insufficient.funds"), true
	case simulator.PlanUsed:
		return fastNo(400, "qr.duplicated"), true
	case simulator.PlanExpired:
		return fastNo(400, "apelsin.pay.user.otp.data.expired"), true
	}
	return fastReply{}, false
}

// set changes what is published nowhere: "code_first", whether a code is looked at before its order.
func (b *bank) set(a simulator.Action) (simulator.Report, error) {
	first, err := strconv.ParseBool(a.Params["code_first"])
	if err != nil {
		return simulator.Report{}, fmt.Errorf("uzum: code_first is true or false")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.codeFirst = first
	return simulator.Report{}, nil
}

var fastZone = time.FixedZone("UTC+5", 5*60*60)

// fastOf is the payment that a call names, brought to where the clock says it is.
func (b *bank) fastOf(u fastUser, in map[string]json.RawMessage) (*fast, fastReply) {
	id := fastText(in, "payment_id")
	if id == "" || fastInt(in, "service_id") != u.service {
		return nil, fastNo(400, "operation.failed")
	}
	for _, p := range b.fasts {
		if p.id == id && p.service == u.service {
			if p.state == created && !b.world.Now().Before(p.ready) {
				p.state = paid
			}
			return p, fastReply{}
		}
	}
	return nil, fastNo(404, "operation.not.found")
}

func (p *fast) word() string {
	return map[string]string{paid: "SUCCESS", created: "HOLD", refunded: "REVERSED"}[p.state]
}

func (b *bank) fastStatus(u fastUser, in map[string]json.RawMessage, _ *simulator.Code) fastReply {
	p, no := b.fastOf(u, in)
	if p == nil {
		return no
	}
	return fastReply{PaymentID: &p.id, Status: p.word()}
}

var fastLink = regexp.MustCompile(`^https://ofd\.soliq\.uz/(check|epi)/?\?[^ ]*t=`)

func (b *bank) fastFiscal(u fastUser, in map[string]json.RawMessage, _ *simulator.Code) fastReply {
	p, no := b.fastOf(u, in)
	if p == nil {
		return no
	}
	link := fastText(in, "fiscal_url")
	if !fastLink.MatchString(link) {
		return fastNo(400, "unsupported.fiscal.url")
	}
	p.fiscal = link
	return fastReply{PaymentID: &p.id, Status: p.word()}
}

// fastReverse returns the whole of a payment; the order in the path and the payment must agree.
func (b *bank) fastReverse(u fastUser, in map[string]json.RawMessage, order string) fastReply {
	p, no := b.fastOf(u, in)
	switch {
	case p == nil:
		return no
	case p.order != order:
		return fastNo(404, "operation.not.found")
	case p.state != paid:
		return fastNo(400, "operation.forbidden")
	}
	p.state = refunded
	return fastReply{PaymentID: &p.id, Status: "REVERSED"}
}

// newCode makes what a buyer's telephone shows: 43 digits.
func (b *bank) newCode(a simulator.Action) (simulator.Report, error) {
	code, err := b.codes.Make(simulator.Digits(43), a.Params, b.world.Now())
	return simulator.Report{Ref: code.Text, State: created}, err
}

func (p *fast) entry() simulator.Entry {
	e := simulator.Entry{Ref: p.id, Account: p.order, Amount: p.amount, State: p.state, At: p.at}
	if p.state == refunded {
		e.Refunded = p.amount
	}
	return e
}
