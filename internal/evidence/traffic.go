package evidence

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Tag names whose traffic it is. Invoice and payment are often known only later, while a
// callback is being answered: SetInvoice adds them.
type Tag struct {
	BusinessID, MerchantID, InvoiceID, PaymentID string
}

type scopeKey struct{}

// scope is the tag of what a context is about. It is shared by all contexts made from it, so
// that what a desk learns deep inside a call is known when the call's answer is recorded.
type scope struct {
	mu  sync.Mutex
	tag Tag
}

// WithTag returns a context whose messages belong to tag.
func WithTag(ctx context.Context, tag Tag) context.Context {
	return context.WithValue(ctx, scopeKey{}, &scope{tag: tag})
}

// WithInvoice returns a context whose messages are about an invoice and a payment, "" where
// there is none, of the business and merchant that ctx already has.
func WithInvoice(ctx context.Context, invoiceID, paymentID string) context.Context {
	tag := tagOf(ctx)
	tag.InvoiceID, tag.PaymentID = invoiceID, paymentID
	return WithTag(ctx, tag)
}

// SetInvoice says what the running call turned out to be about: the message that is recorded
// when it ends carries it. "" leaves what is known. Without a tag in ctx it does nothing.
func SetInvoice(ctx context.Context, invoiceID, paymentID string) {
	s, ok := ctx.Value(scopeKey{}).(*scope)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tag = s.tag.and(Tag{InvoiceID: invoiceID, PaymentID: paymentID})
}

func tagOf(ctx context.Context) Tag {
	s, ok := ctx.Value(scopeKey{}).(*scope)
	if !ok {
		return Tag{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tag
}

// and is t with what more says.
func (t Tag) and(more Tag) Tag {
	pick := func(a, b string) string {
		if b != "" {
			return b
		}
		return a
	}
	return Tag{
		BusinessID: pick(t.BusinessID, more.BusinessID),
		MerchantID: pick(t.MerchantID, more.MerchantID),
		InvoiceID:  pick(t.InvoiceID, more.InvoiceID),
		PaymentID:  pick(t.PaymentID, more.PaymentID),
	}
}

// maxSeen is how much of a body is looked at. A provider's whole message is far below it; of a
// longer one nothing is kept, since half a message cannot be redacted by its fields.
const maxSeen = 64 << 10

// Transport records the calls that go out through next: of the merchant that tag names, about
// the invoice that a call's context names.
func (r *Recorder) Transport(next http.RoundTripper, tag Tag) http.RoundTripper {
	return &transport{next: next, tag: tag, recorder: r}
}

type transport struct {
	next     http.RoundTripper
	tag      Tag
	recorder *Recorder
}

// RoundTrip sends req and gives back what came, unchanged. The message is recorded when the
// answer's body has been read to its end or closed.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	began := t.recorder.now()
	x := &exchange{recorder: t.recorder, direction: Out, began: began, request: req, tag: func() Tag { return t.tag.and(tagOf(req.Context())) }}
	if req.Body != nil && req.Body != http.NoBody {
		// RoundTrip must not change the caller's request.
		clone := req.Clone(req.Context())
		clone.Body = &tee{body: req.Body, seen: &x.asked}
		req = clone
	}
	res, err := t.next.RoundTrip(req)
	if err != nil {
		x.end(0, "no answer: "+Mask(err.Error()))
		return nil, err
	}
	x.status = res.StatusCode
	x.answerType = res.Header.Get("Content-Type")
	res.Body = &tee{body: res.Body, seen: &x.answered, closed: func() { x.finish() }}
	return res, nil
}

// Callback records a provider's call to us: body is the request's, which has been read; serve
// with the writer and request that it returns, and defer done, which keeps the message.
func (r *Recorder) Callback(w http.ResponseWriter, req *http.Request, body []byte, tag Tag) (_ http.ResponseWriter, _ *http.Request, done func()) {
	ctx := WithTag(req.Context(), tagOf(req.Context()).and(tag))
	req = req.WithContext(ctx)
	req.Body = io.NopCloser(bytes.NewReader(body))
	x := &exchange{recorder: r, direction: In, began: r.now(), request: req, tag: func() Tag { return tagOf(ctx) }}
	x.asked.has(body)
	out := &answer{ResponseWriter: w, x: x}
	return out, req, func() {
		if x.status == 0 {
			x.status = http.StatusOK // what net/http sends when a handler writes nothing
		}
		x.answerType = w.Header().Get("Content-Type")
		x.finish()
	}
}

// exchange is one call while it runs.
type exchange struct {
	recorder   *Recorder
	direction  string
	began      time.Time
	request    *http.Request
	tag        func() Tag
	asked      glimpse
	answered   glimpse
	status     int
	answerType string
	once       sync.Once
}

// finish records x with the answer that was seen.
func (x *exchange) finish() {
	shown, _ := x.answered.redacted(make([]byte, 0, 512), x.answerType) // most answers whole
	x.end(x.status, string(shown))
}

func (x *exchange) end(status int, response string) {
	x.once.Do(func() {
		tag := x.tag()
		address := maskURL(x.request.URL)
		request := make([]byte, 0, 512) // most calls whole
		request = append(request, x.request.Method...)
		request = append(request, ' ')
		request = append(request, address...)
		request = append(request, '\n')
		request, method := x.asked.redacted(request, x.request.Header.Get("Content-Type"))
		x.recorder.add(Message{
			BusinessID: tag.BusinessID, MerchantID: tag.MerchantID, InvoiceID: tag.InvoiceID, PaymentID: tag.PaymentID,
			At: x.began, Direction: x.direction,
			Step:     step(x.request.URL, method),
			Request:  bound(string(bytes.TrimSuffix(request, []byte("\n")))),
			Status:   status,
			Response: bound(response),
			Duration: x.recorder.now().Sub(x.began),
		})
	})
}

// glimpse keeps the first maxSeen bytes of a body. The transport's goroutine may still write a
// request's body while the answer is read.
type glimpse struct {
	mu   sync.Mutex
	kept []byte
	more bool
}

func (g *glimpse) write(b []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if room := maxSeen - len(g.kept); len(b) > room {
		b, g.more = b[:room], true
	}
	g.kept = append(g.kept, b...)
}

// has is write for a whole body that nobody changes any more.
func (g *glimpse) has(body []byte) {
	if len(body) > maxSeen {
		g.more = true
		return
	}
	g.kept = slices.Clip(body)
}

// bytes returns the body, or nil where it was too long to be seen whole.
func (g *glimpse) bytes() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.more {
		return nil
	}
	return g.kept
}

func (g *glimpse) redacted(dst []byte, contentType string) (shown []byte, method string) {
	b := g.bytes()
	if b == nil && g.more {
		return append(dst, "‹more than 64 KiB›"...), ""
	}
	return redacted(dst, b, contentType)
}

// tee passes a body on and keeps a glimpse of it.
type tee struct {
	body   io.ReadCloser
	seen   *glimpse
	closed func()
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.body.Read(p)
	t.seen.write(p[:n])
	if err != nil && t.closed != nil {
		t.closed()
	}
	return n, err
}

func (t *tee) Close() error {
	err := t.body.Close()
	if t.closed != nil {
		t.closed()
	}
	return err
}

// answer is a ResponseWriter that keeps a glimpse of what is written.
type answer struct {
	http.ResponseWriter
	x *exchange
}

func (a *answer) WriteHeader(status int) {
	if a.x.status == 0 && status >= 200 {
		a.x.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.x.status == 0 {
		a.x.status = http.StatusOK
	}
	a.x.answered.write(b)
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the writer below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// step names what a message asked for: its JSON-RPC method, or its path without our own part
// and without ids.
func step(u *url.URL, method string) string {
	if method != "" && isWord(method) {
		return strings.Clone(method) // and not a part of the body, which would be kept with it
	}
	var words []string
	for part := range strings.SplitSeq(u.EscapedPath(), "/") {
		if pathWords[part] {
			words = append(words, part)
		}
	}
	if len(words) > 2 && words[0] == "api" && words[1] == "callbacks" {
		words = words[2:] // the company's name, and its own suffix where it has one
	}
	return "/" + strings.Join(words, "/")
}
