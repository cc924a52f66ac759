package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// The limits of one try.
const (
	DefaultTimeout = 10 * time.Second // from the first look-up to the last byte
	maxRead        = 64 << 10         // of an answer's body
	maxAnswer      = 1 << 10          // of it, what is kept for people
)

// Options are what a Sender needs.
type Options struct {
	AllowPrivate bool          // NOTIFY_ALLOW_PRIVATE: loopback and private addresses may be dialled
	Timeout      time.Duration // of one try, whole; 0: DefaultTimeout
	UserAgent    string        // "" = Chorsu
	Resolver     *net.Resolver // nil: the system's
	RootCAs      *x509.CertPool
}

// Sender sends messages, each once. It may be used by many goroutines.
type Sender struct {
	client  *http.Client
	timeout time.Duration
	agent   string
}

// NewSender returns a sender with connections of its own. It takes no proxy from the
// environment: a proxy would dial what the sender refuses.
func NewSender(o Options) *Sender {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.UserAgent == "" {
		o.UserAgent = "Chorsu"
	}
	dialer := &net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second, Resolver: o.Resolver}
	if !o.AllowPrivate {
		dialer.ControlContext = refusePrivate
	}
	transport := &http.Transport{
		DialContext:         dialer.DialContext,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
		TLSHandshakeTimeout: o.Timeout,
		ForceAttemptHTTP2:   true,
		// Many receivers, each with few messages at a time: one that hangs holds connections of
		// its own and no slot that another waits for. MaxConnsPerHost stays 0 for that reason;
		// how many run at once is the outbox's matter: eight to one receiver, which all find their
		// connection again.
		MaxIdleConns:           512,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        60 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // so that 64 KiB read are 64 KiB in memory
	}
	return &Sender{
		timeout: o.Timeout,
		agent:   o.UserAgent,
		client: &http.Client{
			Transport: transport,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse // where it leads was not asked for, and not checked
			},
		},
	}
}

// Close drops idle connections.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// Result is what came of one try.
type Result struct {
	Status    int // HTTP; 0: no answer
	Duration  time.Duration
	Error     string // why it is not delivered, in words for people; "" when it is
	Answer    string // the start of the receiver's answer, at most 1 KiB of valid text
	Delivered bool   // a 2xx came in time
}

// Send posts body to url once, with the given headers. It does not follow redirects. A 2xx
// whose status line came in time is delivered, whatever becomes of the answer's body.
func (s *Sender) Send(ctx context.Context, url string, header http.Header, body []byte) Result {
	began := time.Now()
	r := s.send(ctx, url, header, body)
	r.Duration = time.Since(began)
	return r
}

func (s *Sender) send(parent context.Context, url string, header http.Header, body []byte) Result {
	ctx, cancel := context.WithTimeout(parent, s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return Result{Error: "the address cannot be used"}
	}
	req.Header.Set("User-Agent", s.agent)
	for key, values := range header {
		req.Header[http.CanonicalHeaderKey(key)] = values
	}
	res, err := s.client.Do(req)
	if err != nil {
		return Result{Error: s.inWords(parent, err)}
	}
	defer res.Body.Close()
	var read []byte
	if res.ContentLength != 0 {
		read, _ = io.ReadAll(io.LimitReader(res.Body, maxRead)) // an answer cut short changes nothing
	}
	out := Result{Status: res.StatusCode, Answer: excerpt(read)}
	switch {
	case res.StatusCode/100 == 2:
		out.Delivered = true
	case res.StatusCode/100 == 3:
		out.Error = fmt.Sprintf("answered %d: redirects are not followed", res.StatusCode)
	default:
		out.Error = fmt.Sprintf("answered %d", res.StatusCode)
	}
	return out
}

// privateError is why an address was not dialled.
type privateError struct{ why string }

func (e *privateError) Error() string { return "refused: the address is " + e.why }

// refusePrivate runs after the look-up and before each connection, on the very address that is
// dialled: a name that leads elsewhere the second time gains nothing.
func refusePrivate(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return &privateError{"not a plain one"}
	}
	if why := refusal(to.Addr()); why != "" {
		return &privateError{why}
	}
	return nil
}

// inWords says for people why there was no answer. The address, which may hold a token of the
// receiver's, is left out.
func (s *Sender) inWords(parent context.Context, err error) string {
	if private, ok := errors.AsType[*privateError](err); ok {
		return private.Error()
	}
	if parent.Err() != nil {
		return "broken off before an answer came"
	}
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("timed out after %g s", s.timeout.Seconds())
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return "the host's name is not known"
		}
		return "the host's name could not be looked up"
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the TLS certificate does not hold: " + clip(cert.Err.Error(), 200)
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "the host cannot be reached"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before an answer came"
	}
	return "no answer that can be read as HTTP"
}

// excerpt is the start of an answer as text that any database takes.
func excerpt(b []byte) string {
	text := strings.ToValidUTF8(string(b), "�")
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return clip(text, maxAnswer)
}

// clip cuts text to at most n bytes, between characters.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}
