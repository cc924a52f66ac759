package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// book is a sink that keeps what it is given, or fails.
type book struct {
	mu       sync.Mutex
	messages []Message
	parts    []int
	err      error
}

func (b *book) write(_ context.Context, part []Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.parts = append(b.parts, len(part))
	b.messages = append(b.messages, part...)
	return nil
}

// clock moves on by a millisecond each time that it is read.
func clock() func() time.Time {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
}

func newRecorder(t *testing.T) (*Recorder, *book) {
	t.Helper()
	b := &book{}
	return New(b.write, clock()), b
}

// only returns the one message that was recorded.
func (b *book) only(t *testing.T, r *Recorder) Message {
	t.Helper()
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(b.messages) != 1 {
		t.Fatalf("%d messages, want 1: %+v", len(b.messages), b.messages)
	}
	return b.messages[0]
}

var merchant = Tag{BusinessID: "biz", MerchantID: "mer"}

func TestTransport(t *testing.T) {
	var seen string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = r.Header.Get("Authorization") + " " + string(body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "session=secret-cookie")
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"success":true,"data":{"token":"secret-token","uuid":"f6339f31-6a09-11f0-9a1b-00505680eaf6"}}`)
	}))
	defer server.Close()
	r, b := newRecorder(t)
	client := &http.Client{Transport: r.Transport(http.DefaultTransport, merchant)}
	ctx := WithInvoice(t.Context(), "inv", "pay")
	req, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/payment/invoice?secret=abc", strings.NewReader(`{"amount":5,"secret":"Pw18axeBFo8V7NamKHXX"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer secret-bearer")
	req.Header.Set("Auth", "1:secret-auth:2")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || !strings.Contains(string(answer), "secret-token") || seen != `Bearer secret-bearer {"amount":5,"secret":"Pw18axeBFo8V7NamKHXX"}` {
		t.Errorf("the call itself was changed: %q, %q, %v", seen, answer, err)
	}
	m := b.only(t, r)
	want := Message{
		ID: m.ID, BusinessID: "biz", MerchantID: "mer", InvoiceID: "inv", PaymentID: "pay", At: m.At, Direction: Out, Step: "/payment/invoice",
		Request:  "POST " + server.URL + "/payment/invoice?secret=‹3 chars›\n" + `{"amount":5,"secret":"‹20 chars›"}`,
		Status:   202,
		Response: `{"success":true,"data":{"token":"‹12 chars›","uuid":"f6339f31-6a09-11f0-9a1b-00505680eaf6"}}`,
		Duration: time.Millisecond,
	}
	if m != want || m.ID == "" || m.At.IsZero() {
		t.Errorf("\n got %+v\nwant %+v", m, want)
	}
	if all := fmt.Sprintf("%+v", m); strings.Contains(all, "secret-") {
		t.Errorf("headers are kept: %s", all)
	}
}

// A call that brings no answer is evidence too: that it was sent, and why nothing came.
func TestTransportWithoutAnswer(t *testing.T) {
	r, b := newRecorder(t)
	failing := roundTripper(func(*http.Request) (*http.Response, error) {
		return nil, errors.New(`dial "https://x.uz/payment/card/63f1e2d3c4b5a69788776655": refused`)
	})
	client := &http.Client{Transport: r.Transport(failing, merchant)}
	if _, err := client.Get("https://x.uz/payment/application"); err == nil || !strings.Contains(err.Error(), "63f1e2d3c4b5a69788776655") {
		t.Errorf("the caller's error is %v", err)
	}
	m := b.only(t, r)
	if m.Status != 0 || m.Response != `no answer: dial "https://x.uz/payment/card/‹24 chars›": refused` || m.Request != "GET https://x.uz/payment/application" {
		t.Errorf("%+v", m)
	}
}

// Half an answer is what came, and half an answer cannot be redacted by its fields.
func TestTransportHalfAnswer(t *testing.T) {
	r, b := newRecorder(t)
	half := roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"token":"secret`))}, nil
	})
	res, err := (&http.Client{Transport: r.Transport(half, merchant)}).Get("https://x.uz/auth")
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if m := b.only(t, r); m.Response != "‹text, 16 chars›" || m.Status != 200 {
		t.Errorf("%+v", m)
	}
}

// The message is kept once, when the body is read to its end or closed before.
func TestTransportClosedEarly(t *testing.T) {
	r, b := newRecorder(t)
	whole := roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"id":1}`))}, nil
	})
	res, err := (&http.Client{Transport: r.Transport(whole, merchant)}).Get("https://x.uz/auth")
	if err != nil {
		t.Fatal(err)
	}
	if r.Waiting() != 0 {
		t.Error("recorded before the answer was read")
	}
	res.Body.Close()
	res.Body.Close()
	if m := b.only(t, r); m.Response != "" {
		t.Errorf("%+v", m)
	}
}

func TestTooLong(t *testing.T) {
	r, b := newRecorder(t)
	endless := roundTripper(func(req *http.Request) (*http.Response, error) {
		io.Copy(io.Discard, req.Body)
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"token":"` + strings.Repeat("s", maxSeen) + `"}`))}, nil
	})
	long := `{"errors":[` + strings.Repeat(`{"message":"abc","status":"paid"},`, 1500) + `1]}`
	res, err := (&http.Client{Transport: r.Transport(endless, merchant)}).Post("https://x.uz/payment", "application/json", strings.NewReader(long))
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := io.Copy(io.Discard, res.Body); n != maxSeen+12 {
		t.Errorf("%d bytes came through", n)
	}
	res.Body.Close()
	m := b.only(t, r)
	if m.Response != "‹more than 64 KiB›" {
		t.Errorf("an answer that was not seen whole is shown: %.100s", m.Response)
	}
	if len(m.Request) > maxMessage || len(m.Request) < maxMessage-10 || !strings.HasSuffix(m.Request, "…") {
		t.Errorf("%d bytes are kept of a long request, want just 16 KiB", len(m.Request))
	}
}

func TestCallback(t *testing.T) {
	r, b := newRecorder(t)
	const body = `{"method":"PerformTransaction","params":{"id":"6385f0c5d9c5b7a8c3f1a001","parol":"secret"},"id":7}`
	req := httptest.NewRequest("POST", "/api/callbacks/payme/0198c0de-0000-7000-8000-00000000abcd", strings.NewReader("already read"))
	req.Header.Set("Authorization", "Basic c2VjcmV0")
	out := httptest.NewRecorder()
	w, seen, done := r.Callback(out, req, []byte(body), merchant)
	func() {
		defer done()
		got, err := io.ReadAll(seen.Body)
		if err != nil || string(got) != body {
			t.Errorf("the handler reads %q, %v", got, err)
		}
		SetInvoice(seen.Context(), "inv", "") // the desk finds the invoice,
		SetInvoice(seen.Context(), "", "pay") // and then the payment
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"result":{"transaction":"5123",`)
		io.WriteString(w, `"state":2,"kalit":"secret"},"id":7}`)
	}()
	if out.Code != 200 || !strings.Contains(out.Body.String(), `"kalit":"secret"`) {
		t.Errorf("the answer was changed: %d %s", out.Code, out.Body)
	}
	m := b.only(t, r)
	want := Message{
		ID: m.ID, BusinessID: "biz", MerchantID: "mer", InvoiceID: "inv", PaymentID: "pay", At: m.At, Direction: In, Step: "PerformTransaction",
		Request: "POST /api/callbacks/payme/0198c0de-0000-7000-8000-00000000abcd\n" + `{"method":"PerformTransaction","params":{"id":"6385f0c5d9c5b7a8c3f1a001","parol":"‹6 chars›"},"id":7}`,
		Status:  200, Response: `{"result":{"transaction":"5123","state":2,"kalit":"‹6 chars›"},"id":7}`, Duration: time.Millisecond,
	}
	if m != want {
		t.Errorf("\n got %+v\nwant %+v", m, want)
	}
}

func TestCallbackStatuses(t *testing.T) {
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  int
	}{
		"nothing written": {func(http.ResponseWriter, *http.Request) {}, 200},
		"an error":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, 500},
		"first one wins":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400); io.WriteString(w, "{}") }, 400},
		"an early hint":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(201) }, 201},
	} {
		r, b := newRecorder(t)
		w, req, done := r.Callback(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), nil, merchant)
		c.serve(w, req)
		done()
		if m := b.only(t, r); m.Status != c.want {
			t.Errorf("%s: %d, want %d", name, m.Status, c.want)
		}
	}
}

// A handler may flush through the writer, as through the one below.
func TestCallbackFlushes(t *testing.T) {
	r, _ := newRecorder(t)
	out := httptest.NewRecorder()
	w, _, done := r.Callback(out, httptest.NewRequest("POST", "/", nil), nil, merchant)
	defer done()
	if err := http.NewResponseController(w).Flush(); err != nil || !out.Flushed {
		t.Errorf("flushed %v, %v", out.Flushed, err)
	}
}

// Calls out from inside a callback belong to the merchant of the callback, and to the invoice as
// far as it is known when they end.
func TestNested(t *testing.T) {
	r, b := newRecorder(t)
	ok := roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}, nil
	})
	client := &http.Client{Transport: r.Transport(ok, Tag{})}
	_, in, done := r.Callback(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), nil, merchant)
	SetInvoice(in.Context(), "inv", "pay")
	ask, err := http.NewRequestWithContext(in.Context(), "GET", "https://x.uz/payment", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	done()
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var directions []string
	for _, m := range b.messages {
		directions = append(directions, m.Direction)
		if m.MerchantID != "mer" || m.InvoiceID != "inv" || m.PaymentID != "pay" {
			t.Errorf("%+v", m)
		}
	}
	if !slices.Equal(directions, []string{Out, In}) {
		t.Errorf("directions %v", directions)
	}
	SetInvoice(t.Context(), "x", "y") // outside any call: nothing to tell, and no panic
}

func TestFlushInParts(t *testing.T) {
	r, b := newRecorder(t)
	for i := range 600 {
		r.add(Message{Step: fmt.Sprint(i)})
	}
	if err := r.Flush(t.Context()); err != nil || !slices.Equal(b.parts, []int{256, 256, 88}) {
		t.Errorf("%v, %v", b.parts, err)
	}
	for i, m := range b.messages {
		if m.Step != fmt.Sprint(i) {
			t.Fatalf("message %d is %s", i, m.Step)
		}
	}
	if err := r.Flush(t.Context()); err != nil || len(b.parts) != 3 {
		t.Errorf("an empty flush called the sink: %v", b.parts)
	}
}

// What cannot be stored now is stored later, in order; what there is no room for is counted, the
// oldest first.
func TestSinkDown(t *testing.T) {
	r, b := newRecorder(t)
	b.err = errors.New("database down")
	for i := range capacity {
		r.add(Message{Step: fmt.Sprint(i)})
	}
	if err := r.Flush(t.Context()); !errors.Is(err, b.err) || r.Waiting() != capacity || r.Dropped() != 0 {
		t.Errorf("%v, %d waiting, %d dropped", err, r.Waiting(), r.Dropped())
	}
	for i := range 10 {
		r.add(Message{Step: fmt.Sprint(capacity + i)})
	}
	if r.Waiting() != capacity || r.Dropped() != 10 {
		t.Errorf("%d waiting, %d dropped", r.Waiting(), r.Dropped())
	}
	b.err = nil
	if err := r.Flush(t.Context()); err != nil || len(b.messages) != capacity || b.messages[0].Step != "10" || b.messages[capacity-1].Step != fmt.Sprint(capacity+9) {
		t.Errorf("%v, %d messages from %s", err, len(b.messages), b.messages[0].Step)
	}
}

// Messages that came while a part was being stored in vain take the room of the oldest.
func TestPutBack(t *testing.T) {
	r := New(nil, clock())
	for i := range capacity {
		r.add(Message{Step: fmt.Sprint(i)})
	}
	part := r.take()
	for i := range 100 {
		r.add(Message{Step: fmt.Sprint(capacity + i)})
	}
	r.putBack(part)
	if r.Waiting() != capacity || r.Dropped() != 100 {
		t.Errorf("%d waiting, %d dropped", r.Waiting(), r.Dropped())
	}
	if first := r.take()[0].Step; first != "100" {
		t.Errorf("the oldest left is %s, want 100", first)
	}
}

// Recording from many goroutines while the book is written loses nothing and mixes nothing up.
func TestTogether(t *testing.T) {
	r, b := newRecorder(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				w, req, done := r.Callback(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), []byte(`{"id":1}`), merchant)
				SetInvoice(req.Context(), "inv", "pay")
				io.WriteString(w, `{"id":1}`)
				done()
			}
		})
		wg.Go(func() {
			for range 50 {
				if err := r.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(b.messages) != 1600 || r.Dropped() != 0 {
		t.Errorf("%d messages, %d dropped", len(b.messages), r.Dropped())
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
