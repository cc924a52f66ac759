package example

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// maxAnswer bounds what is read of the company's answer.
const maxAnswer = 64 << 10

// CanRefund: all of a payment and any part of it.
func (a *account) CanRefund(pay.Payment, provider.RefundOrder) error { return nil }

// Refund returns money. Our refund id makes a repeat harmless at the company.
func (a *account) Refund(ctx context.Context, o provider.RefundOrder) (provider.MoveOutcome, error) {
	var out refundReply
	in := refundRequest{Shop: a.shop, Payment: o.Payment.Ref, Refund: o.RefundID, Amount: int64(o.Amount)}
	if err := a.call(ctx, http.MethodPost, "/v1/refunds", in, &out); err != nil {
		return provider.MoveOutcome{}, err
	}
	switch out.State {
	case "done":
		return provider.MoveOutcome{State: pay.MoveSucceeded, Ref: out.ID, At: a.env.Now()}, nil
	case "refused":
		return provider.MoveOutcome{State: pay.MoveFailed, Ref: out.ID, Code: "refused", Note: out.Reason, At: a.env.Now()}, nil
	}
	return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindUnavailable, Message: "an answer without a known state"}
}

// Inquire reads a payment, and with it what was returned of it.
func (a *account) Inquire(ctx context.Context, q provider.Question) (provider.Report, error) {
	var out paymentReply
	err := a.call(ctx, http.MethodGet, "/v1/payments/"+url.PathEscape(q.Ref), nil, &out)
	if e, ok := errors.AsType[*provider.Error](err); ok && e.Code == "no_payment" {
		return provider.Report{}, nil
	}
	if err != nil {
		return provider.Report{}, err
	}
	states := map[string]pay.State{"created": pay.Created, "paid": pay.Paid, "undone": pay.Cancelled}
	state, ok := states[out.State]
	if !ok {
		return provider.Report{}, &provider.Error{Kind: provider.KindUnavailable, Message: "an answer without a known state"}
	}
	return provider.Report{
		Found: true, Shows: true, Refunded: pay.Tiyin(out.Refunded),
		Outcome: provider.Outcome{State: state, Ref: out.Payment, At: time.UnixMilli(out.Time), Amount: pay.Tiyin(out.Amount)},
	}, nil
}

// call makes one exchange. Whatever is not a whole, well-formed answer is KindUnavailable, and
// may have happened; only a connection that was never made is NotSent.
func (a *account) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return &provider.Error{Kind: provider.KindInvalid, NotSent: true, Err: err}
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.env.BaseURL+path, body)
	if err != nil {
		return &provider.Error{Kind: provider.KindInvalid, NotSent: true, Err: err}
	}
	req.Header.Set("Authorization", "Bearer "+string(a.secret))
	req.Header.Set("X-Namuna-Shop", a.shop)
	req.Header.Set("Content-Type", "application/json")
	res, err := a.env.HTTP.Do(req)
	if err != nil {
		op, dialled := errors.AsType[*net.OpError](err)
		return &provider.Error{Kind: provider.KindUnavailable, NotSent: dialled && op.Op == "dial", Err: err}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return &provider.Error{Kind: provider.KindUnavailable, Err: err}
	}
	if res.StatusCode != http.StatusOK {
		return refused(res.StatusCode, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return &provider.Error{Kind: provider.KindUnavailable, Message: "half an answer", Err: err}
	}
	return nil
}

// refused words an answer that is not 200. Only a 4xx in the company's own form says for
// certain that nothing happened.
func refused(status int, text []byte) error {
	var e errorReply
	err := json.Unmarshal(text, &e)
	out := &provider.Error{Kind: provider.KindUnavailable, Code: e.Code, Message: e.Message}
	switch {
	case err != nil || e.Code == "" || status >= 500:
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		out.Kind = provider.KindAuth
	case status == http.StatusTooManyRequests:
		out.Kind = provider.KindRateLimited
	case status >= 400:
		out.Kind = provider.KindInvalid
	}
	return out
}
