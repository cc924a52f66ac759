package click

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// client calls Merchant API v2. CLICK takes no idempotency key: a call that moves money is
// never repeated, but asked about.
type client struct {
	http   *http.Client
	base   string
	user   string // merchant_user_id; "" where the merchant gave none, and then nothing is called
	secret string
	now    func() time.Time
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

func newClient(env provider.Env, user, secret string) *client {
	c := &client{base: strings.TrimSuffix(env.BaseURL, "/"), user: user, secret: secret, now: env.Now, http: &http.Client{}}
	if env.HTTP != nil {
		*c.http = *env.HTTP
	}
	// A redirected DELETE would be a second reversal.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// auth is the header Auth: who, the proof, and the second at which it was made.
func (c *client) auth() string {
	at := strconv.FormatInt(c.now().Unix(), 10)
	sum := sha1.Sum([]byte(at + c.secret))
	return c.user + ":" + hex.EncodeToString(sum[:]) + ":" + at
}

// errNoUser says that this merchant is registered for taking payments only.
var errNoUser = &pay.Error{Code: pay.CodeUnsupported, Reason: "merchant_user_id_missing",
	Message: "without merchantUserId CLICK's Merchant API cannot be called: add it to the merchant's credentials, or do it by hand in CLICK's cabinet, merchant.click.uz"}

// do makes one exchange. An answer is what CLICK said with HTTP 200 or 201, also where its
// error_code says no; anything else is an *provider.Error.
func (c *client) do(ctx context.Context, method, path string, in any) (apiAnswer, error) {
	if c.user == "" {
		return apiAnswer{}, errNoUser
	}
	req, err := c.request(ctx, method, path, in)
	if err != nil {
		return apiAnswer{}, &provider.Error{Kind: provider.KindInvalid, NotSent: true, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return apiAnswer{}, &provider.Error{Kind: provider.KindUnavailable, NotSent: true, Err: err}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return apiAnswer{}, &provider.Error{Kind: provider.KindUnavailable, NotSent: neverDialled(err), Err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	if err != nil {
		return apiAnswer{}, &provider.Error{Kind: provider.KindUnavailable, Err: err}
	}
	return readAnswer(res.StatusCode, body)
}

func (c *client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+"/"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header["Auth"] = []string{c.auth()}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// readAnswer sorts an answer by its HTTP status. Only where CLICK documents that a call was
// turned away at the door is it certain that nothing happened; a status that we do not know
// says nothing.
func readAnswer(status int, body []byte) (apiAnswer, error) {
	var a apiAnswer
	errDecode := json.Unmarshal(body, &a)
	if errDecode == nil && a.ErrorCode != nil {
		_, errDecode = strconv.Atoi(a.ErrorCode.String())
	}
	fail := &provider.Error{Code: "HTTP " + strconv.Itoa(status), Err: errDecode}
	if errDecode == nil && a.ErrorCode != nil {
		fail.Code, fail.Message = a.ErrorCode.String(), clip(a.ErrorNote)
	}
	switch status {
	case http.StatusOK, http.StatusCreated:
		if errDecode != nil {
			fail.Kind = provider.KindUnavailable
			return apiAnswer{}, fail
		}
		a.ErrorNote = clip(a.ErrorNote)
		return a, nil
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusNotAcceptable, http.StatusGone:
		fail.Kind = provider.KindInvalid
	case http.StatusUnauthorized:
		fail.Kind = provider.KindAuth
	case http.StatusTooManyRequests:
		fail.Kind = provider.KindRateLimited
	default:
		fail.Kind = provider.KindUnavailable
	}
	return apiAnswer{}, fail
}

// code is CLICK's error_code; ok is false where the answer has none.
func (a apiAnswer) code() (code int, ok bool) {
	if a.ErrorCode == nil {
		return 0, false
	}
	code, err := strconv.Atoi(a.ErrorCode.String())
	return code, err == nil
}

// notUnderstood is an answer that may mean anything.
func (a apiAnswer) notUnderstood(what string) error {
	e := &provider.Error{Kind: provider.KindUnavailable, Message: a.ErrorNote, Err: errors.New(what)}
	if a.ErrorCode != nil {
		e.Code = a.ErrorCode.String()
	}
	return e
}

// neverDialled says whether err is certain to have come before a byte was written: no
// connection was made. The transport does not try a DELETE or POST a second time after it has
// written something.
func neverDialled(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

func clip(s string) string {
	if runes := []rune(strings.ToValidUTF8(s, "")); len(runes) > 300 {
		return string(runes[:300]) + "…"
	}
	return strings.ToValidUTF8(s, "")
}
