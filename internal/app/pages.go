package app

import (
	"net/http"

	"github.com/chorsu/chorsu/internal/ui"
)

// pages are what people see, beside the API.
func (a *App) pages() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(ui.AssetsPath, ui.Assets())
	mux.Handle("/pay/", a.checkout)
	return mux
}
