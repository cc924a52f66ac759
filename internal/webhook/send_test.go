package webhook

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/dns/dnsmessage"
)

// receiver is an app's server that counts what reaches it.
func receiver(t *testing.T, handle http.HandlerFunc) (url string, hits *atomic.Int32) {
	t.Helper()
	hits = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, hits
}

func newSender(t *testing.T, o Options) *Sender {
	t.Helper()
	s := NewSender(o)
	t.Cleanup(s.Close)
	return s
}

func TestSend(t *testing.T) {
	var got *http.Request
	var gotBody []byte
	url, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		got, gotBody = r, must(io.ReadAll(r.Body))
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, "thanks")
	})
	const secret = "a-secret-for-tests"
	header := Sign(mustSecrets(t, secret), "evt_1", at, body)
	header.Set("X-Payment-Event", "invoice.updated")
	res := newSender(t, Options{AllowPrivate: true}).Send(t.Context(), url+"/hook?x=1", header, body)
	if !res.Delivered || res.Status != 202 || res.Error != "" || res.Answer != "thanks" || res.Duration <= 0 {
		t.Errorf("result: %+v", res)
	}
	if got.Method != "POST" || got.URL.String() != "/hook?x=1" || string(gotBody) != string(body) || got.ContentLength != int64(len(body)) {
		t.Errorf("received %s %s, %d bytes", got.Method, got.URL, len(gotBody))
	}
	if err := Verify(secret, got.Header, gotBody); err != nil {
		t.Errorf("what arrived does not verify: %v", err)
	}
	if got.Header.Get("X-Payment-Event") != "invoice.updated" || got.Header.Get("Content-Type") != "application/json" || got.Header.Get("User-Agent") != "Chorsu" || got.Header.Get("Accept-Encoding") != "" {
		t.Errorf("headers: %v", got.Header)
	}
}

// 2xx and nothing else is delivered; the rest says in words what came.
func TestStatuses(t *testing.T) {
	for status, want := range map[int]string{
		200: "", 201: "", 204: "", 299: "",
		301: "answered 301: redirects are not followed", 304: "answered 304: redirects are not followed", 307: "answered 307: redirects are not followed",
		400: "answered 400", 404: "answered 404", 410: "answered 410", 429: "answered 429", 500: "answered 500", 503: "answered 503",
	} {
		url, hits := receiver(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) })
		res := newSender(t, Options{AllowPrivate: true}).Send(t.Context(), url, nil, body)
		if res.Delivered != (want == "") || res.Error != want || res.Status != status || hits.Load() != 1 {
			t.Errorf("%d: %+v after %d requests", status, res, hits.Load())
		}
	}
}

// A receiver cannot send us elsewhere: neither inside our network nor to another host.
func TestRedirects(t *testing.T) {
	inside, hits := receiver(t, func(w http.ResponseWriter, r *http.Request) {})
	for _, status := range []int{301, 302, 303, 307, 308} {
		url, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside, status) })
		res := newSender(t, Options{AllowPrivate: true}).Send(t.Context(), url, nil, body)
		if res.Delivered || res.Status != status || !strings.Contains(res.Error, "redirects are not followed") {
			t.Errorf("%d: %+v", status, res)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("the redirect was followed %d times", hits.Load())
	}
}

func TestRefusesPrivate(t *testing.T) {
	url, hits := receiver(t, func(w http.ResponseWriter, r *http.Request) {})
	s := newSender(t, Options{})
	_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		res := s.Send(t.Context(), "http://"+host+":"+port, nil, body)
		if res.Delivered || res.Status != 0 || res.Error != "refused: the address is loopback" {
			t.Errorf("%s: %+v", host, res)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests came through", hits.Load())
	}
	if err := refusePrivate(t.Context(), "tcp4", "93.184.216.34:443", nil); err != nil {
		t.Errorf("a public address: %v", err)
	}
	if err := refusePrivate(t.Context(), "unix", "/run/postgresql", nil); err == nil {
		t.Error("an address that is none passes")
	}
}

// The name's address is checked on the connection that is made, not on a look-up before it: a
// name server that answers differently each time (DNS rebinding) gains nothing. In each case the
// receiver does listen there.
func TestRebinding(t *testing.T) {
	url, hits := receiver(t, func(w http.ResponseWriter, r *http.Request) {})
	_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	var answer atomic.Value
	resolver := &net.Resolver{PreferGo: true, Dial: nameServer(t, func() netip.Addr { return answer.Load().(netip.Addr) })}
	guarded := newSender(t, Options{Resolver: resolver})
	open := newSender(t, Options{Resolver: resolver, AllowPrivate: true})
	target := "http://shop.example.uz:" + port

	answer.Store(netip.MustParseAddr("127.0.0.1"))
	if res := open.Send(t.Context(), target, nil, body); !res.Delivered {
		t.Fatalf("the name does not lead to the receiver: %+v", res)
	}
	for _, text := range []string{"127.0.0.1", "::ffff:127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "64:ff9b::7f00:1"} {
		answer.Store(netip.MustParseAddr(text))
		if res := guarded.Send(t.Context(), target, nil, body); !strings.HasPrefix(res.Error, "refused: the address is ") {
			t.Errorf("%s: %+v", text, res)
		}
	}
	if hits.Load() != 1 {
		t.Errorf("%d requests came through, want 1", hits.Load())
	}
}

// One receiver that hangs costs the others nothing, however many messages wait for it.
func TestHungReceiver(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	hung, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) { arrived <- struct{}{}; <-release })
	good, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {})
	s := newSender(t, Options{AllowPrivate: true})
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() { s.Send(t.Context(), hung, nil, body) })
	}
	for range 100 {
		<-arrived // all of them are there at once: none waits for another's connection
	}
	for range 10 {
		if res := s.Send(t.Context(), good, nil, body); !res.Delivered {
			t.Errorf("the good receiver: %+v", res)
		}
	}
	close(release)
	wg.Wait()
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	url, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) { <-release })
	res := newSender(t, Options{AllowPrivate: true, Timeout: 50 * time.Millisecond}).Send(t.Context(), url, nil, body)
	if res.Delivered || res.Status != 0 || res.Error != "timed out after 0.05 s" {
		t.Errorf("%+v", res)
	}
	if s := newSender(t, Options{}); s.timeout != 10*time.Second {
		t.Errorf("the timeout is %v unless set, want 10 s", s.timeout)
	}
}

// The time limit covers a connection that never comes to stand, too.
func TestTimeoutBeforeTLS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	res := newSender(t, Options{AllowPrivate: true, Timeout: 50 * time.Millisecond}).Send(t.Context(), "https://"+l.Addr().String(), nil, body)
	if res.Delivered || res.Error != "timed out after 0.05 s" {
		t.Errorf("%+v", res)
	}
}

// A receiver that has said 2xx has it, even if it never ends its answer.
func TestDeliveredThenHangs(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	url, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "ok so far")
		w.(http.Flusher).Flush()
		<-release
	})
	res := newSender(t, Options{AllowPrivate: true, Timeout: 3 * time.Second}).Send(t.Context(), url, nil, body)
	if !res.Delivered || res.Answer != "ok so far" {
		t.Errorf("%+v", res)
	}
}

// An answer without end is read to 64 KiB, and 1 KiB of it is kept as text that a database takes.
func TestEndlessAnswer(t *testing.T) {
	var wrote atomic.Int64
	url, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(strings.Repeat("ы\x00\xff\r\n", 2000))
		for {
			n, err := w.Write(chunk)
			wrote.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	res := newSender(t, Options{AllowPrivate: true}).Send(t.Context(), url, nil, body)
	if !res.Delivered || len(res.Answer) > 1024 || len(res.Answer) < 1000 {
		t.Errorf("delivered %v, %d bytes kept", res.Delivered, len(res.Answer))
	}
	if !utf8.ValidString(res.Answer) || strings.ContainsAny(res.Answer, "\x00\r") || !strings.HasPrefix(res.Answer, "ы�\nы") {
		t.Errorf("kept: %q", res.Answer)
	}
}

func TestWhatWentWrong(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	untrusted := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of the handshake that is to fail
	untrusted.StartTLS()
	defer untrusted.Close()
	dropping, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	noHTTP, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer noHTTP.Close()
	go func() {
		for {
			c, err := noHTTP.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "220 smtp.example.uz ESMTP\r\n")
			c.Close()
		}
	}()
	nobody := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no name server") }}
	for _, c := range []struct{ url, want string }{
		{"http://" + closed.Addr().String() + "/token-abc", "connection refused"},
		{untrusted.URL + "/token-abc", "the TLS certificate does not hold: "},
		{dropping + "/token-abc", "the connection was closed before an answer came"},
		{"http://" + noHTTP.Addr().String() + "/token-abc", "no answer that can be read as HTTP"},
		{"http://shop.example.uz/token-abc", "the host's name could not be looked up"},
		{"http://\x00/token-abc", "the address cannot be used"},
		{"gopher://127.0.0.1/token-abc", "no answer that can be read as HTTP"},
	} {
		res := newSender(t, Options{AllowPrivate: true, Resolver: nobody}).Send(t.Context(), c.url, nil, body)
		if res.Delivered || !strings.HasPrefix(res.Error, c.want) {
			t.Errorf("%s: %+v, want %q", c.url, res, c.want)
		}
		if strings.Contains(res.Error, "token-abc") {
			t.Errorf("the error tells the receiver's address: %q", res.Error)
		}
	}
}

// A name that does not exist is told from a name server that does not answer.
func TestUnknownName(t *testing.T) {
	resolver := &net.Resolver{PreferGo: true, Dial: nameServer(t, func() netip.Addr { return netip.Addr{} })}
	res := newSender(t, Options{Resolver: resolver}).Send(t.Context(), "http://nowhere.example.uz/", nil, body)
	if res.Error != "the host's name is not known" {
		t.Errorf("%+v", res)
	}
}

// When we stop in the middle of a try, that is not the receiver's fault.
func TestBrokenOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	defer close(release)
	url, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-release })
	if res := newSender(t, Options{AllowPrivate: true}).Send(ctx, url, nil, body); res.Error != "broken off before an answer came" || res.Delivered {
		t.Errorf("%+v", res)
	}
}

// A proxy from the environment would dial for us what we refuse.
func TestNoProxy(t *testing.T) {
	transport := NewSender(Options{}).client.Transport.(*http.Transport)
	if transport.Proxy != nil {
		t.Error("the sender asks for a proxy")
	}
	if transport.MaxConnsPerHost != 0 || transport.DialContext == nil || transport.DialTLSContext != nil {
		t.Error("connections are not made by the guarded dialer, or wait for each other")
	}
}

// https is spoken over the same guarded connections, also as HTTP/2.
func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	roots := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	if res := newSender(t, Options{AllowPrivate: true, RootCAs: roots}).Send(t.Context(), s.URL, nil, body); !res.Delivered || res.Answer != "HTTP/2.0" {
		t.Errorf("%+v", res)
	}
	if res := newSender(t, Options{RootCAs: roots}).Send(t.Context(), s.URL, nil, body); res.Error != "refused: the address is loopback" {
		t.Errorf("%+v", res)
	}
}

// nameServer answers every question for addresses with what answer says; with none, that there
// is no such name. It speaks over a pipe, and listens nowhere.
func nameServer(t *testing.T, answer func() netip.Addr) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			for {
				var size [2]byte
				if _, err := io.ReadFull(theirs, size[:]); err != nil {
					return
				}
				question := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(theirs, question); err != nil {
					return
				}
				reply, err := dnsReply(question, answer())
				if err != nil {
					t.Errorf("name server: %v", err)
					return
				}
				if _, err := theirs.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
					return
				}
			}
		}()
		return ours, nil
	}
}

func dnsReply(question []byte, addr netip.Addr) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	if len(m.Questions) != 1 {
		return nil, fmt.Errorf("%d questions", len(m.Questions))
	}
	q := m.Questions[0]
	m.Response, m.Additionals = true, nil
	head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 0}
	switch {
	case !addr.IsValid():
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA && addr.Is4():
		m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: addr.As4()}}}
	case q.Type == dnsmessage.TypeAAAA && addr.Is6():
		m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}}}
	}
	return m.Pack()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
