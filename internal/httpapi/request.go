package httpapi

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
)

// info is what is known of a request from its first byte on. It travels in the context.
type info struct {
	id     string
	client netip.Addr // invalid where the listener has no addresses
	key    int        // which API key was given, counted from 1; 0: none, or a wrong one
	till   pay.Till   // whose token was given, where that is what opens the operation
}

type infoKey struct{}

func infoOf(ctx context.Context) *info {
	if i, ok := ctx.Value(infoKey{}).(*info); ok {
		return i
	}
	return &info{}
}

// RequestID is the id of the request that ctx belongs to, "" where there is none. It stands in
// the X-Request-Id header of the answer and belongs into every line of the log.
func RequestID(ctx context.Context) string { return infoOf(ctx).id }

// Client is the address of the client that the request of ctx came from, past trusted proxies;
// invalid where there is none.
func Client(ctx context.Context) netip.Addr { return infoOf(ctx).client }

// received is what every request passes first: it gets an id, a line in the log when it is
// done, and an answer even where a handler panics.
func (s *server) received(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := &info{id: requestID(r.Header.Values("X-Request-Id")), client: s.clientOf(r)}
		r = r.WithContext(context.WithValue(r.Context(), infoKey{}, in))
		began := s.now()
		out := &answer{ResponseWriter: w}
		head := out.Header()
		head.Set("X-Request-Id", in.id)
		head.Set("Cache-Control", "no-store")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		head.Set("Referrer-Policy", "no-referrer")
		defer func() {
			if cause := recover(); cause != nil {
				s.panicked(out, r, cause)
			}
			s.logAccess(r, out.status, s.now().Sub(began))
		}()
		next.ServeHTTP(out, r)
	})
}

// requestID keeps a caller's id that is fit for a log: 1 to 64 letters, digits and .-_ that are
// not a card number. Any other request gets a new one.
func requestID(header []string) string {
	if len(header) != 1 || header[0] == "" || len(header[0]) > 64 || hasCardNumber(header[0]) {
		return id.New()
	}
	for _, c := range []byte(header[0]) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return id.New()
		}
	}
	return header[0]
}

// panicked answers for a handler that could not. What it had begun to write is broken off, so
// that nobody takes the half of an answer for the whole.
func (s *server) panicked(w *answer, r *http.Request, cause any) {
	if cause == http.ErrAbortHandler {
		panic(cause)
	}
	s.log.LogAttrs(r.Context(), slog.LevelError, "a request panicked",
		slog.String("route", r.Pattern), slog.Any("panic", cause), slog.String("stack", string(debug.Stack())))
	if w.status != 0 {
		s.logAccess(r, w.status, 0)
		panic(http.ErrAbortHandler)
	}
	s.fail(w, r, errPanic)
}

// logAccess writes the request's line. It names the route and not the path, the key's place in
// the list and not the key: nothing that a caller wrote but the request id.
func (s *server) logAccess(r *http.Request, status int, took time.Duration) {
	in := infoOf(r.Context())
	if status == 0 {
		status = http.StatusOK // a handler that wrote nothing
	}
	route := r.Pattern
	if _, path, ok := strings.Cut(route, " "); ok {
		route = path
	}
	attrs := []slog.Attr{
		slog.String("method", methodName(r.Method)), slog.String("route", route),
		slog.Int("status", status), slog.Duration("took", took),
	}
	if in.client.IsValid() {
		attrs = append(attrs, slog.String("client", in.client.String()))
	}
	if in.key > 0 {
		attrs = append(attrs, slog.Int("key", in.key))
	}
	level := slog.LevelInfo
	if status >= 500 {
		level = slog.LevelError
	}
	s.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// methodName is the method as HTTP knows it: a caller may send any word as one.
func methodName(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// answer remembers what was answered.
type answer struct {
	http.ResponseWriter
	status int // 0: nothing yet
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach what is below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// ─── Who asks ──────────────────────────────────────────────────────────────────────────────

// clientOf is the address of the client: the connection's, or, where that is a trusted proxy,
// the rightmost one in X-Forwarded-For that is none. What stands further left was written by
// the client itself and proves nothing.
func (s *server) clientOf(r *http.Request) netip.Addr {
	client, ok := remoteAddr(r)
	if !ok || !s.trusted(client) {
		return client
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break // the nearest that is known to be true
		}
		if client = plain(hop); !s.trusted(client) {
			break
		}
	}
	return client
}

func (s *server) trusted(a netip.Addr) bool {
	for _, p := range s.o.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func remoteAddr(r *http.Request) (netip.Addr, bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(host)
	return plain(a), err == nil
}

// plain is one name for one address: IPv4 as IPv4, without a zone.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
