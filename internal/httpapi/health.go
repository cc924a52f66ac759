package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/chorsu/chorsu/internal/pay"
)

// health is the list of wired-up providers, without the envelope and without a key.
type health struct {
	Status string       `json:"status" enum:"ok"`
	Items  []healthItem `json:"items"`
}

type healthItem struct {
	Name string `json:"name" example:"multicard"`
}

func (s *server) health(w http.ResponseWriter, _ *http.Request) {
	out := health{Status: "ok"}
	for _, p := range s.providers {
		out.Items = append(out.Items, healthItem{p.Name})
	}
	writeJSON(w, http.StatusOK, out)
}

// live says that the process answers, and nothing more: restarting it mends no database.
func (s *server) live(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, liveness{Status: "ok"})
}

type liveness struct {
	Status string `json:"status" enum:"ok"`
}

// readiness says whether requests should be sent here, and otherwise why not.
type readiness struct {
	Status string            `json:"status" enum:"ok,unready"`
	Checks map[string]string `json:"checks" doc:"ok, or what is wrong" example:"{\"database\":\"ok\"}"`
}

func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	got := s.o.Gateway.Ready(r.Context())
	out, status := readiness{Status: "ok", Checks: got.Checks}, http.StatusOK
	if !got.OK {
		out.Status, status = "unready", http.StatusServiceUnavailable
	}
	writeJSON(w, status, out)
}

// metrics are read with METRICS_TOKEN, or, where none is set, from this machine. A request that
// a proxy passed on does not come from this machine, whatever its connection says.
func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	if !s.mayReadMetrics(r) {
		s.fail(w, r, &pay.Error{Code: pay.CodeForbidden, Message: "metrics are read with the bearer token METRICS_TOKEN, or from this machine where none is set"})
		return
	}
	s.o.Metrics.ServeHTTP(w, r)
}

func (s *server) mayReadMetrics(r *http.Request) bool {
	if s.o.MetricsToken != "" {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.o.MetricsToken))
		return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && ok
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	from, ok := remoteAddr(r)
	return ok && from.IsLoopback()
}
