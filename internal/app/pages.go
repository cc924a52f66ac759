package app

import (
	"fmt"
	"net/http"

	"github.com/chorsu/chorsu/internal/site"
	"github.com/chorsu/chorsu/internal/ui"
)

// pages are what people see, beside the API.
func (a *App) pages(document []byte) (http.Handler, error) {
	open, err := site.New(site.Options{Providers: a.Gateway.Supported(), Ready: a.Gateway.Ready, Reference: document, Test: a.o.Test != nil})
	if err != nil {
		return nil, fmt.Errorf("the site: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle(ui.AssetsPath, ui.Assets())
	mux.Handle("/pay/", a.checkout)
	mux.Handle("/", open)
	return mux, nil
}

// titles are the companies' names, by provider.
func (a *App) titles() map[string]string {
	out := map[string]string{}
	for _, p := range a.Gateway.Supported() {
		out[p.Name] = p.Title
	}
	return out
}
