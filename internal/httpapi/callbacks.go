package httpapi

import (
	"net/http"

	"github.com/chorsu/chorsu/internal/id"
)

// callback hands a provider's own call to its adapter. No API key is asked and no request is
// counted: the dialect has its own proof, and its own words for every refusal.
func (s *server) callback(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	merchant := r.PathValue("merchantId")
	if r.PathValue("rest") == "" && !id.Valid(merchant) {
		// The address that serves all merchants, with the method's name behind it
		// (…/uzum/check): the message itself says who is meant.
		merchant = ""
	}
	s.o.Gateway.Callback(w, r, r.PathValue("provider"), merchant)
}

// callbackPaths are the addresses that providers call. Some append their method's name.
var callbackPaths = []string{
	"/api/callbacks/{provider}",
	"/api/callbacks/{provider}/{$}",
	"/api/callbacks/{provider}/{merchantId}",
	"/api/callbacks/{provider}/{merchantId}/{rest...}",
}
