// Package scan2pay shows a buyer the code of Scan2pay and asks whether it was paid.
//
// Scan2pay's own wire is public nowhere. The only known way up is the box that tills have for it,
// an F-Box with its calls /payment/qr_pay and /payment/qr_pay/status, and that is what is spoken
// here: SCAN2PAY_URL, or the till's scan2pay.url, is such a box's address.
package scan2pay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/words"
)

type company struct{}

// New returns the provider.
func New() provider.Provider { return company{} }

func (company) Info() provider.Info {
	return provider.Info{
		Name: "scan2pay", Title: "Scan2pay", Fields: []provider.Field{}, Account: (*account)(nil), InStore: true,
		BaseURLEnv: "SCAN2PAY_URL", BaseURL: "https://scan2pay.uz",
		RefundHint: words.Text{
			UZ: "Scan2payda pul qaytarish chaqiruvi yoʻq: uning kabinetida qaytaring.",
			RU: "У Scan2pay нет вызова для возврата: верните деньги в его кабинете.",
			EN: "Scan2pay has no call for returning money: return it in its cabinet.",
		},
	}
}

func (company) Open(_ provider.Credentials, env provider.Env) (provider.Account, error) {
	return &account{http: env.Client(), base: strings.TrimRight(env.BaseURL, "/"), now: env.Now}, nil
}

// account is one box.
type account struct {
	http *http.Client
	base string
	now  func() time.Time
}

// orderOf is how the box knows a payment: a number of 15 digits made of our id, which any machine keeps whole. It is never the
// till's own number of the order: two desks on one box may both count from 1, and a box tells of an
// order no more than that it was paid, so that one desk would take the other's payment for its own.
// Digits alone, since tills have sent text and numbers.
func orderOf(paymentID string) string {
	sum := sha256.Sum256([]byte("scan2pay " + paymentID))
	return strconv.FormatUint(1e14+binary.BigEndian.Uint64(sum[:8])%9e14, 10)
}

// Checkout has the box make a code for the buyer to scan: Link.URL is its text, Link.Ref its id.
// Link.Meta holds the order's number, by which the box is asked.
func (a *account) Checkout(ctx context.Context, inv pay.Invoice, p pay.Payment) (provider.Link, error) {
	amount, order := p.Amount, orderOf(p.ID)
	if amount == 0 {
		amount = inv.Amount
	}
	var got struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}
	no, err := a.call(ctx, "/payment/qr_pay", map[string]any{"amount": int64(amount), "order_id": order, "print": false}, &got)
	if err != nil {
		return provider.Link{}, err
	}
	if no != nil {
		return provider.Link{}, &provider.Error{Kind: provider.KindInvalid, Code: no.text(), Message: no.Message}
	}
	u, err := url.Parse(got.Message)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(got.Message) > 512 || !refShape.MatchString(path.Base(u.Path)) {
		return provider.Link{}, &provider.Error{Kind: provider.KindUnavailable, NoMoney: true, Message: "the box made no code"}
	}
	meta, err := json.Marshal(map[string]string{"order": order})
	return provider.Link{URL: got.Message, Ref: path.Base(u.Path), Meta: meta}, err
}

var refShape = regexp.MustCompile(`^[0-9a-fA-F-]{36}$`)

// Inquire asks whether the code was paid. The box has one word for "not yet" and "never heard of
// it", so nothing but a yes is final.
func (a *account) Inquire(ctx context.Context, q provider.Question) (provider.Report, error) {
	var kept struct {
		Order string `json:"order"`
	}
	if json.Unmarshal(q.Meta, &kept) != nil || kept.Order == "" {
		kept.Order = orderOf(q.PaymentID)
	}
	var got struct {
		Data struct {
			UUID   string          `json:"uuid"`
			Order  json.RawMessage `json:"order_id"`
			Status string          `json:"status"`
		} `json:"data"`
	}
	no, err := a.call(ctx, "/payment/qr_pay/status", map[string]any{"order_id": kept.Order}, &got)
	if err != nil {
		return provider.Report{}, err
	}
	rep := provider.Report{Found: true, Outcome: provider.Outcome{State: pay.Created, Ref: q.Ref}}
	if no != nil {
		rep.Outcome.Code, rep.Outcome.Note = no.text(), no.Message
		return rep, nil
	}
	if got.Data.Status != "success" || strings.Trim(string(got.Data.Order), `"`) != kept.Order || !refShape.MatchString(got.Data.UUID) {
		return provider.Report{}, &provider.Error{Kind: provider.KindUnavailable, Message: "the answer says nothing about this order", Err: provider.ErrPuzzled}
	}
	rep.Outcome.State, rep.Outcome.Ref, rep.Outcome.At = pay.Paid, got.Data.UUID, a.now()
	return rep, nil
}

// ─── The wire ──────────────────────────────────────────────────────────────────────────────

const maxAnswer = 64 << 10

// refusal is the error in a box's envelope.
type refusal struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (r *refusal) text() string { return strconv.Itoa(r.Code) }

func (a *account) call(ctx context.Context, path string, in, into any) (*refusal, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, provider.NotSent(err)
	}
	req, err := http.NewRequest(http.MethodPost, a.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, provider.NotSent(err)
	}
	req.Header.Set("Content-Type", "application/json")
	status, text, err := provider.Exchange(ctx, a.http, req, maxAnswer)
	if err != nil {
		return nil, err
	}
	return readAnswer(status, text, into)
}

func readAnswer(status int, text []byte, into any) (*refusal, error) {
	var ans struct {
		Data    json.RawMessage `json:"data"`
		Error   *refusal        `json:"error"`
		Success *bool           `json:"is_success"`
	}
	fail := &provider.Error{Kind: provider.KindUnavailable, Code: "HTTP " + strconv.Itoa(status), NoMoney: true}
	if status != http.StatusOK || json.Unmarshal(text, &ans) != nil || ans.Success == nil {
		fail.Err = errors.New("the answer is no box's envelope")
		return nil, fail
	}
	if !*ans.Success {
		if ans.Error == nil {
			ans.Error = &refusal{}
		}
		ans.Error.Message = clip(ans.Error.Message)
		return ans.Error, nil
	}
	if json.Unmarshal(ans.Data, into) != nil {
		fail.Err = errors.New("the answer's data cannot be understood")
		return nil, fail
	}
	return nil, nil
}

func clip(text string) string {
	text = strings.ToValidUTF8(text, "")
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:300]) + "…"
	}
	return text
}

var (
	_ provider.Checkouter = (*account)(nil)
	_ provider.Inquirer   = (*account)(nil)
)
