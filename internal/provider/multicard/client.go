package multicard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/provider"
)

// maxAnswer bounds what is read of one answer; a payment is a few KiB.
const maxAnswer = 1 << 20

// client speaks HTTP with Multicard. It repeats nothing, but for one case: a call that the edge
// proxy turned away for its token never reached the application, and goes out once more under a
// new one.
type client struct {
	http        *http.Client
	now         func() time.Time
	base        string
	application string
	secret      string
	token       string
	tokenUntil  time.Time
	renewing    chan struct{} // held by who reads or renews the token: one renewal at a time
}

func newClient(env provider.Env, application, secret string) *client {
	h := *env.HTTP
	// A redirect would carry the order, and the token, to an address nobody configured.
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{
		http: &h, now: env.Now, base: strings.TrimRight(env.BaseURL, "/"),
		application: application, secret: secret, renewing: make(chan struct{}, 1),
	}
}

// call makes one call and reads the data of its answer into into, which may be nil. It returns
// nil only if Multicard says success, else an *provider.Error.
func (c *client) call(ctx context.Context, method, path string, body, into any) error {
	token, err := c.bearer(ctx, "")
	if err != nil {
		return err
	}
	ans, err := c.exchange(ctx, method, path, token, body)
	if err == nil && ans.turnedAway() {
		if token, err = c.bearer(ctx, token); err != nil {
			return err
		}
		ans, err = c.exchange(ctx, method, path, token, body)
	}
	if err != nil {
		return err
	}
	return ans.read(into)
}

// bearer returns a token that is good for another minute and is not stale, the one that was
// just refused. Whatever goes wrong here, the call itself was not sent.
func (c *client) bearer(ctx context.Context, stale string) (string, error) {
	select {
	case c.renewing <- struct{}{}:
		defer func() { <-c.renewing }()
	case <-ctx.Done():
		return "", &provider.Error{Kind: provider.KindUnavailable, NotSent: true, Err: ctx.Err()}
	}
	if c.token != "" && c.token != stale && c.now().Before(c.tokenUntil) {
		return c.token, nil
	}
	c.token = ""
	ans, err := c.exchange(ctx, http.MethodPost, "/auth", "", authRequest{c.application, c.secret})
	if e, failed := errors.AsType[*provider.Error](err); failed {
		e.NotSent = true
		return "", e
	}
	var got authAnswer
	if e := decodeAnswer(ans.body, &got); e != nil || got.Token == "" {
		return "", ans.refusedAuth(got)
	}
	// Without a readable expiry the token serves this one call.
	c.token, c.tokenUntil = string(got.Token), localTime(got.Expiry).Add(-time.Minute)
	return c.token, nil
}

// answer is one HTTP answer, read to its end.
type answer struct {
	status  int
	body    []byte
	tracker string
}

// exchange sends one request and reads its answer; what fails is an *provider.Error. NotSent is set only where no connection was
// ever made: after that the request may have arrived, whatever the error says.
func (c *client) exchange(ctx context.Context, method, path, token string, body any) (*answer, error) {
	unsent := func(err error) error {
		return &provider.Error{Kind: provider.KindUnavailable, NotSent: true, Err: err}
	}
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, unsent(err)
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, payload)
	if err != nil {
		return nil, unsent(withoutAddress(err))
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if err := ctx.Err(); err != nil {
		return nil, unsent(err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, &provider.Error{Kind: provider.KindUnavailable, NotSent: notDialled(err), Err: withoutAddress(err)}
	}
	defer res.Body.Close()
	ans := &answer{status: res.StatusCode, tracker: clip(res.Header.Get("X-Request-Id"), 100)}
	ans.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(ans.body) > maxAnswer {
		err = errors.New("the answer is longer than 1 MiB")
	}
	if err != nil {
		return nil, &provider.Error{Kind: provider.KindUnavailable, RequestID: ans.tracker, Err: err}
	}
	return ans, nil
}

// withoutAddress takes the call's address out of an error that will be logged: a card's number or
// its token may stand in it.
func withoutAddress(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// notDialled says whether err is certain to have come before any connection was made.
func notDialled(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}

// turnedAway says whether the edge proxy refused the token: any 401, and a 403 in plain text
// ("RBAC: access denied"). A 403 in JSON is the application's own word.
func (a *answer) turnedAway() bool {
	return a.status == http.StatusUnauthorized || a.status == http.StatusForbidden && !json.Valid(a.body)
}

// errNoWord is an answer that neither says success nor denies it.
var errNoWord = errors.New("the answer does not say whether it is a success")

// read takes the data out of an answer. The envelope decides, not the HTTP status, which the
// documentation itself mixes up; only a success under an error's status is believed to neither.
func (a *answer) read(into any) error {
	if a.turnedAway() {
		return &provider.Error{Kind: provider.KindAuth, Code: http.StatusText(a.status), Message: clip(string(a.body), 200), RequestID: a.tracker}
	}
	var e envelope
	if err := decodeAnswer(a.body, &e); err != nil {
		return a.unreadable(err)
	}
	switch done := a.status/100 == 2; {
	case e.Success == nil && e.Error.Code == "" && done:
		return a.unreadable(errNoWord)
	case e.Success == nil || !bool(*e.Success):
		return a.refused(e)
	case !done:
		return a.unreadable(errors.New("success under an error's HTTP status"))
	}
	if into == nil {
		return nil
	}
	if err := decodeAnswer(e.Data, into); err != nil {
		return a.unreadable(err)
	}
	return nil
}
