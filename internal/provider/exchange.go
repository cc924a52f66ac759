package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// Exchange makes one HTTP exchange with a company and reads its answer, up to limit bytes. The
// error is an *Error of KindUnavailable; it is NotSent where the request cannot have left us.
// Nothing is repeated, and client must not follow redirects: see Client.
func Exchange(ctx context.Context, client *http.Client, req *http.Request, limit int64) (status int, body []byte, err error) {
	if err := ctx.Err(); err != nil {
		return 0, nil, &Error{Kind: KindUnavailable, NotSent: true, Err: err}
	}
	res, err := client.Do(req.WithContext(ctx))
	if err != nil {
		return 0, nil, &Error{Kind: KindUnavailable, NotSent: neverDialled(err), Err: err}
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("the answer has more than %d bytes", limit)
	}
	if err != nil {
		return res.StatusCode, nil, &Error{Kind: KindUnavailable, Err: err}
	}
	return res.StatusCode, body, nil
}

// Client is a copy of the environment's client that follows no redirect: a redirected POST would
// be a second charge, or a buyer's code sent elsewhere.
func (e Env) Client() *http.Client {
	c := &http.Client{}
	if e.HTTP != nil {
		*c = *e.HTTP
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// neverDialled says whether err is certain to have come before a byte was written: no connection
// was made. The transport tries a POST, PUT or DELETE once only when it has written something.
func neverDialled(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}

// NotSent marks err as one that came before the call that moves money.
func NotSent(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return &Error{Kind: KindUnavailable, NotSent: true, Err: err}
	}
	marked := *e
	marked.NotSent = true
	return &marked
}
