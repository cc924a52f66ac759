package till

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/ui"
)

// Handler is the local API and the cashier's page. The paths are the founding document's and its
// vendor's later ones; a slash at the end is allowed everywhere.
func (a *Agent) Handler() http.Handler {
	mux := http.NewServeMux()
	post := func(path string, h func(*http.Request, fields) envelope) { mux.Handle(path, a.post(h)) }
	get := func(path string, h func(*http.Request) envelope) { mux.Handle(path, a.get(h)) }

	for _, e := range walletEndpoints {
		post("/payment/"+e, a.payByWallet(e))
		post("/payment/"+e+"_confirm", a.confirmWallet(e))
	}
	post("/payment/qr_pay", a.qrPay)
	post("/payment/qr_pay/status", a.qrPayStatus)

	post("/payment/one_qr/create", a.uzqrCreate)
	get("/payment/one_qr/status", a.uzqrStatus)
	post("/payment/one_qr/receipt", a.uzqrReceipt)
	post("/payment/one_qr/cancel", a.uzqrCancel)
	post("/payment/one_qr/refund", a.uzqrRefund)
	get("/payment/one_qr/refund/status", a.uzqrRefundStatus)

	for _, e := range []string{"xumo", "uzcard"} {
		post("/payment/"+e, a.payByCard(e))
		get("/payment/"+e+"_shortreport", a.shortReport(e))
		get("/payment/"+e+"/print_last", a.printLast(e, false))
		// The vendor first published the closing with a Cyrillic letter in it, and tills copied it.
		for _, name := range []string{e + "_close", e + "_сlose"} {
			get("/payment/"+name, a.closeShift(e))
			get("/payment/"+name+"/print_last", a.printLast(e, true))
		}
	}

	get("/payment/operations", a.listOperations)
	get("/payment/operations/{id}", a.getOperation)
	post("/payment/operations/{id}/resolve", a.resolveOperation)
	post("/payment/operations/{id}/cancel", a.cancelOperation)

	get("/till/state", a.pageState)
	get("/till/slip", a.pageSlip)
	get("/till/shift", a.pageShift)
	get("/till/qr", a.pageQR)
	post("/till/print", a.pagePrint)
	mux.Handle(ui.AssetsPath, ui.Assets())
	mux.Handle("/{$}", http.HandlerFunc(a.page))
	mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write(w, http.StatusNotFound, no(&failure{Code: http.StatusNotFound, Message: "NOT_FOUND"}))
	}))
	return a.guard(mux)
}

// guard lets programs on this desk in, and the agent's own page. A web page that the same desk has
// open is a stranger: it can send requests here, and a browser says so in Origin, in
// Sec-Fetch-Site, or, where it was told that some name is this machine, in Host.
func (a *Agent) guard(next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(a.o.Token))
	wrong := guesses{now: a.now}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.ownHost(r.Host) || foreign(r) {
			write(w, http.StatusForbidden, no(&failure{Code: http.StatusForbidden, Message: "FORBIDDEN"}))
			return
		}
		if p := strings.TrimSuffix(r.URL.Path, "/"); p != r.URL.Path && p != "" && !strings.HasPrefix(p, "/assets") {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = p, ""
		}
		if a.o.Token != "" && (strings.HasPrefix(r.URL.Path, "/payment/") || strings.HasPrefix(r.URL.Path, "/till/")) {
			// The right token always passes: a neighbour behind the same address must not keep the till
			// from selling, and so many random characters are not found at the speed of a network.
			who, token := sender(r), bearer(r)
			got := sha256.Sum256([]byte(token))
			if token == "" || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				if wrong.many(who) {
					w.Header().Set("Retry-After", "60")
					write(w, http.StatusTooManyRequests, no(&failure{Code: http.StatusTooManyRequests, Message: "TOO_MANY_REQUESTS"}))
					return
				}
				if token != "" {
					wrong.count(who)
				}
				write(w, http.StatusUnauthorized, no(&failure{Code: http.StatusUnauthorized, Message: "UNAUTHORIZED"}))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

func sender(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// LeastToken is how long a TILL_TOKEN must be beyond this machine, where a neighbour may guess.
const LeastToken = 16

// An address may send wrongTokens in a minute. Then it is turned away for the rest of it.
const (
	wrongTokens = 10
	wrongFor    = time.Minute
	wrongKept   = 1000 // addresses; those beyond share a count
)

// guesses counts wrong tokens by the address that they come from.
type guesses struct {
	now func() time.Time

	mu   sync.Mutex
	from map[string]guessed
}

type guessed struct {
	n     int
	until time.Time
}

// slot is where an address is counted, begun anew where its minute is over. Under the lock.
func (g *guesses) slot(who string) string {
	now := g.now()
	if _, known := g.from[who]; !known && len(g.from) >= wrongKept {
		for other, c := range g.from {
			if !now.Before(c.until) {
				delete(g.from, other)
			}
		}
		if len(g.from) >= wrongKept {
			return ""
		}
	}
	if c, known := g.from[who]; known && !now.Before(c.until) {
		delete(g.from, who)
	}
	return who
}

func (g *guesses) many(who string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.from[g.slot(who)].n >= wrongTokens
}

func (g *guesses) count(who string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.from == nil {
		g.from = map[string]guessed{}
	}
	who = g.slot(who)
	c, known := g.from[who]
	if !known {
		c.until = g.now().Add(wrongFor)
	}
	c.n++
	g.from[who] = c
}

// ownHost says whether a Host header names the listening address or localhost. An agent that
// listens on all addresses has no name but its addresses.
func (a *Agent) ownHost(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), "80"
	}
	own, ownPort, err := net.SplitHostPort(a.o.Address)
	if err != nil || port != ownPort {
		return false
	}
	if strings.EqualFold(name, "localhost") || strings.EqualFold(name, own) {
		return true
	}
	ip, ownIP := net.ParseIP(name), net.ParseIP(own)
	if ip == nil {
		return false
	}
	return ip.Equal(ownIP) || own == "" || ownIP.IsUnspecified() || strings.EqualFold(own, "localhost") && ip.IsLoopback()
}

// foreign says whether a browser sent r for another site.
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return true
	}
	origins, given := r.Header["Origin"]
	if !given {
		return false
	}
	u, err := url.Parse(origins[0])
	return err != nil || len(origins) != 1 || !strings.EqualFold(u.Host, r.Host) || u.Scheme != "http" && u.Scheme != "https"
}

// Loopback says whether an address to listen on is this machine's alone. Beyond it a token is
// required.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func (a *Agent) get(h func(*http.Request) envelope) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			wrongMethod(w, http.MethodGet)
			return
		}
		write(w, http.StatusOK, h(r))
	})
}

func (a *Agent) post(h func(*http.Request, fields) envelope) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			wrongMethod(w, http.MethodPost)
			return
		}
		body, err := readBody(w, r)
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			write(w, http.StatusRequestEntityTooLarge, no(&failure{Code: http.StatusRequestEntityTooLarge, Message: "TOO_LARGE"}))
			return
		}
		if err != nil {
			return // the till has gone, and nothing was begun
		}
		f, err := readFields(body)
		if err != nil {
			write(w, http.StatusOK, no(badArgument(err.Error())))
			return
		}
		write(w, http.StatusOK, h(r, f))
	})
}

func wrongMethod(w http.ResponseWriter, allowed string) {
	w.Header().Set("Allow", allowed)
	write(w, http.StatusMethodNotAllowed, no(&failure{Code: http.StatusMethodNotAllowed, Message: "METHOD_NOT_ALLOWED"}))
}

func write(w http.ResponseWriter, status int, e envelope) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(e)
}
