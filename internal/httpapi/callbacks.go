package httpapi

import "net/http"

// callback hands a provider's own call to its adapter. No API key is asked and no request is
// counted: the dialect has its own proof, and its own words for every refusal.
func (s *server) callback(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	s.o.Gateway.Callback(w, r, r.PathValue("provider"), r.PathValue("merchantId"))
}

// callbackPaths are the addresses that providers call. Some append their method's name.
var callbackPaths = []string{
	"/api/callbacks/{provider}",
	"/api/callbacks/{provider}/{$}",
	"/api/callbacks/{provider}/{merchantId}",
	"/api/callbacks/{provider}/{merchantId}/{rest...}",
}
