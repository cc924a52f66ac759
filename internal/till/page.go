package till

import (
	"net/http"
)

func (a *Agent) page(w http.ResponseWriter, r *http.Request) {}
func (a *Agent) pageState(r *http.Request) envelope          { return envelope{} }
