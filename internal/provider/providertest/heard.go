package providertest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Heard is one message that came to the gateway's callback addresses, byte for byte.
type Heard struct {
	Method, URL string
	Header      http.Header
	Body        []byte
	Status      int // what the gateway answered
	Answer      []byte
}

// record stands before the gateway and keeps what the company said, so that it can be said
// again as it was.
type record struct {
	next http.Handler

	mu    sync.Mutex
	base  string
	heard []Heard
}

func (rec *record) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/api/callbacks/") {
		rec.next.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		rec.next.ServeHTTP(w, r)
		return
	}
	h := Heard{Method: r.Method, URL: rec.base + r.URL.RequestURI(), Header: r.Header.Clone(), Body: body}
	r.Body = io.NopCloser(bytes.NewReader(body))
	out := &tee{ResponseWriter: w, status: http.StatusOK}
	rec.next.ServeHTTP(out, r)
	h.Status, h.Answer = out.status, out.body.Bytes()
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.heard = append(rec.heard, h)
}

// tee keeps an answer while it is given.
type tee struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (t *tee) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

func (t *tee) Write(p []byte) (int, error) {
	t.body.Write(p)
	return t.ResponseWriter.Write(p)
}

func (t *tee) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Heard lists every message that the company has sent so far, in the order in which they were
// answered.
func (b *Bench) Heard() []Heard {
	b.record.mu.Lock()
	defer b.record.mu.Unlock()
	return append([]Heard(nil), b.record.heard...)
}

// Replay sends a message again, byte for byte.
func (b *Bench) Replay(h Heard) Answer {
	b.T.Helper()
	header := h.Header.Clone()
	for _, own := range []string{"Content-Length", "Accept-Encoding", "Connection"} { // the connection's, not the message's
		header.Del(own)
	}
	return b.Do(h.Method, h.URL, header, h.Body)
}
