package httpapi

import (
	"net/http"
	"slices"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/provider"
)

// callback hands a provider's own call to its adapter. No API key is asked and no request is
// counted: the dialect has its own proof, and its own words for every refusal.
func (s *server) callback(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("provider")
	if !slices.ContainsFunc(s.providers, func(p provider.Info) bool { return p.Name == name && calls(p) }) {
		s.notFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	merchant := r.PathValue("merchantId")
	if r.PathValue("rest") == "" && !id.Valid(merchant) {
		// The address that serves all merchants, with the method's name behind it
		// (…/uzum/check): the message itself says who is meant.
		merchant = ""
	}
	ctx := gateway.WithClient(r.Context(), infoOf(r.Context()).client)
	s.o.Gateway.Callback(w, r.WithContext(ctx), name, merchant)
}

// calls says whether a provider calls us at all: the others are only called.
func calls(p provider.Info) bool {
	_, ok := p.Account.(provider.CallbackServer)
	return ok
}

// callbackPaths are the addresses that providers call. Some append their method's name.
var callbackPaths = []string{
	"/api/callbacks/{provider}",
	"/api/callbacks/{provider}/{$}",
	"/api/callbacks/{provider}/{merchantId}",
	"/api/callbacks/{provider}/{merchantId}/{rest...}",
}
