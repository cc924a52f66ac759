package paysys

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
	"time"

	"github.com/google/uuid"

	"github.com/chorsu/chorsu/internal/provider"
)

// maxAnswer bounds what is read of one answer, which is some hundred bytes long.
const maxAnswer = 256 << 10

// client speaks JSON-RPC with PaySys: one address for all methods. It repeats nothing: the id of
// a request is no idempotency key there.
type client struct {
	http    *http.Client
	url     string
	service string
	secret  string
	now     func() time.Time
}

func newClient(env provider.Env, service, secret string) *client {
	c := &client{http: &http.Client{}, url: env.BaseURL, service: service, secret: secret, now: env.Now}
	if env.HTTP != nil {
		*c.http = *env.HTTP
	}
	// A redirected POST would be a second charge, or a card number sent elsewhere.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// auth is the Auth header: who, the proof, and the millisecond at which it was made. The body is
// not signed: TLS alone protects it.
func (c *client) auth() string {
	at := strconv.FormatInt(c.now().UnixMilli(), 10)
	sum := sha1.Sum([]byte(c.secret + at))
	return c.service + "-" + hex.EncodeToString(sum[:]) + "-" + at
}

// call makes one call and reads its result into into. What PaySys answers no to is a *refusal;
// where there is no such answer, an *provider.Error.
func (c *client) call(ctx context.Context, method string, params any, cardToken string, into any) error {
	id := uuid.NewString()
	body, err := json.Marshal(request{Method: method, Params: params, ID: id})
	if err != nil {
		return unsent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return unsent(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header["Auth"] = []string{c.auth()}
	if cardToken != "" {
		req.Header.Set("Card-Token", cardToken)
	}
	if err := ctx.Err(); err != nil {
		return unsent(err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return &provider.Error{Kind: provider.KindUnavailable, NotSent: notDialled(err), Err: err}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(text) > maxAnswer {
		err = fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	if err != nil {
		return &provider.Error{Kind: provider.KindUnavailable, Err: err}
	}
	return readAnswer(res.StatusCode, text, id, into)
}

// readAnswer judges an answer by its body: the documentation says nothing of HTTP statuses. An
// answer that is not JSON, not for this request, or comes with a server's error says nothing:
// what was asked may have been done.
func readAnswer(status int, text []byte, id string, into any) error {
	var a answer
	lost := func(err error) error {
		return &provider.Error{Kind: provider.KindUnavailable, Code: "HTTP " + strconv.Itoa(status), RequestID: clip(a.Tracker, 64), Err: err}
	}
	if err := decode(text, &a); err != nil {
		return lost(errors.New("the answer is no JSON-RPC"))
	}
	switch {
	case status >= 500:
		return lost(errors.New("a server's error"))
	case a.ID != nil && !sameID(a.ID, id):
		return lost(errors.New("the answer is for another request"))
	case a.Error != nil:
		return &refusal{code: int64(a.Error.Code), message: clip(a.Error.Message, 300), tracker: clip(a.Tracker, 64)}
	case status/100 != 2:
		return lost(errors.New("an HTTP error without words"))
	}
	if err := decode(a.Result, into); err != nil {
		return lost(errors.New("the result cannot be understood"))
	}
	return nil
}

func sameID(raw json.RawMessage, id string) bool {
	var got string
	return json.Unmarshal(raw, &got) == nil && got == id
}

func unsent(err error) error {
	return &provider.Error{Kind: provider.KindUnavailable, NotSent: true, Err: err}
}

// notDialled says whether err is certain to have come before any connection was made.
func notDialled(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}
