package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/chorsu/chorsu/internal/admin"
	"github.com/chorsu/chorsu/internal/httpapi"
	"github.com/chorsu/chorsu/internal/news"
	"github.com/chorsu/chorsu/internal/site"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/webhook"
)

// pages are what people see, beside the API.
func (a *App) pages(document func() []byte) (http.Handler, error) {
	open := site.New(site.Options{Providers: a.Gateway.Supported(), Ready: a.Gateway.Ready, Reference: document, Admin: admin.Path + "/", Test: a.o.Test != nil})
	// Authenticators on people's phones do not follow the sandbox's clock: the office has the real one.
	a.Office = staff.New(staff.Options{Store: a.Store, Seal: a.seal, Now: a.o.Now, Hashing: a.o.Hashing})
	a.news = news.New(func(ctx context.Context, subject string) (string, error) {
		return a.Gateway.Pulse(ctx, admin.Watched(subject))
	})
	desk, err := admin.New(admin.Options{
		Gateway: a.Gateway, Office: a.Office, News: a.news,
		Client: httpapi.Client, HTTPS: strings.HasPrefix(string(a.Config.PublicURL), "https:"), PublicURL: string(a.Config.PublicURL),
		Receiver: func(address string) error { return webhook.CheckURL(address, a.Config.NotifyAllowPrivate) },
		Now:      a.Clock.Now, Logger: a.log, Test: a.o.Test != nil,
	})
	if err != nil {
		return nil, fmt.Errorf("the staff's pages: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle(admin.Path, desk)
	mux.Handle(admin.Path+"/", desk)
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
