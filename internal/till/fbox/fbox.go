// Package fbox calls an F-Box: the box on the shop's network whose local API this agent speaks
// itself. It is the only known way up to UzQR, and a shop that has one may leave its pinpad there.
package fbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// maxAnswer bounds what is read of one answer.
const maxAnswer = 1 << 20

// Client calls one box.
type Client struct {
	URL  string // without a slash at the end
	HTTP *http.Client
}

// Answer is the box's envelope.
type Answer struct {
	Data    json.RawMessage `json:"data"`
	Error   *Error          `json:"error"`
	Success bool            `json:"is_success"`
}

// Error is the box's word for no.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    string `json:"data"`
}

// Lost is an error of the line. NotSent: it is certain that nothing reached the box.
type Lost struct {
	NotSent bool
	Err     error
}

func (l *Lost) Error() string { return "the box: " + l.Err.Error() }
func (l *Lost) Unwrap() error { return l.Err }

// Call sends a request; body nil is a GET. Whatever is not the box's envelope is *Lost.
func (c *Client) Call(ctx context.Context, path string, body any) (Answer, error) {
	method, reader := http.MethodGet, io.Reader(nil)
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return Answer{}, &Lost{NotSent: true, Err: err}
		}
		method, reader = http.MethodPost, bytes.NewReader(b)
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, reader)
	if err != nil {
		return Answer{}, &Lost{NotSent: true, Err: err}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.GetBody = nil // never sent twice by the transport
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return Answer{}, &Lost{NotSent: !connected.Load(), Err: err}
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil || len(raw) > maxAnswer {
		return Answer{}, &Lost{Err: fmt.Errorf("half an answer: %w", errors.Join(err, io.ErrUnexpectedEOF))}
	}
	return decode(res.StatusCode, raw)
}

func decode(status int, raw []byte) (Answer, error) {
	var a Answer
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		return a, &Lost{Err: fmt.Errorf("HTTP %d, and not its envelope: %w", status, err)}
	}
	if _, ok := keys["is_success"]; !ok {
		return a, &Lost{Err: fmt.Errorf("HTTP %d, and not its envelope", status)}
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return a, &Lost{Err: err}
	}
	if string(a.Data) == "null" {
		a.Data = nil
	}
	return a, nil
}
