package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/chorsu/chorsu/internal/admin"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/inbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/sandbox"
	"github.com/chorsu/chorsu/internal/site"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// sandboxPath is where the sandbox is mounted in test mode.
const sandboxPath = "/sandbox"

// addSandbox makes the sandbox a part of the program: every provider's address leads there,
// and every merchant that is registered is made known there, so that nobody has to paste it.
func (a *App) addSandbox(o *gateway.Options) error {
	public := string(a.Config.PublicURL) + sandboxPath
	a.Inbox = inbox.New(inbox.Options{Secrets: Secrets(a.Config), Now: a.Clock.Now})
	a.closers = append(a.closers, func(context.Context) error { a.Inbox.Close(); return nil })
	var err error
	companies := Companies(a.o.Providers)
	played := map[string]Plugin{}
	a.Sandbox, err = sandbox.New(sandbox.Options{
		BaseURL: public, Companies: companies, Clock: a.Clock, Inbox: a.Inbox, Logger: a.log,
		Bills: bills{a}, Nav: func(l words.Lang) []ui.Nav {
			return site.Nav(l, site.Options{Test: true, Admin: admin.Path + "/"}, sandboxPath+"/")
		},
	})
	if err != nil {
		return err
	}
	for _, p := range a.o.Providers {
		info := p.Provider.Info()
		o.BaseURLs[info.Name] = SandboxAddress(a.o.Test.LocalURL+sandboxPath, p.Played(), info.BaseURL)
		o.PayURLs[info.Name] = SandboxAddress(public, p.Played(), info.PayURL)
		played[info.Name] = p
	}
	o.OnMerchantSaved = func(name string, credentials map[string]string, testKey string, options pay.Options, callbackURL string) {
		company := played[name].Played()
		if !slices.ContainsFunc(companies, func(c sandbox.Company) bool { return c.Name == company }) {
			return // nobody plays it: a till's own device
		}
		err := a.Sandbox.AddAccount(company, simulator.Account{
			Credentials: credentials, TestKey: testKey, Options: texts(options), CallbackURL: callbackURL,
		})
		if err != nil {
			a.log.Error("the sandbox does not take a merchant", "provider", name, "error", err)
		}
	}
	return nil
}

// Companies are the simulators of the providers that have one, and the boxes of shops.
func Companies(plugins []Plugin) []sandbox.Company {
	var out []sandbox.Company
	for _, p := range plugins {
		if p.Simulator != nil {
			name := p.Provider.Info().Name
			out = append(out, sandbox.Company{Name: name, New: p.Simulator, Till: till(plugins, name)})
		}
	}
	return append(out, Boxes()...)
}

// till is the provider that charges the codes of a company's app, "" where there is none.
func till(plugins []Plugin, company string) string {
	for _, p := range plugins {
		info := p.Provider.Info()
		if _, ok := info.Account.(provider.QRCharger); ok && info.InStore && p.Played() == company {
			return info.Name
		}
	}
	return ""
}

// SandboxAddress is a company's address in the sandbox: below the company's folder the paths
// are as in life, so that https://my.click.uz/services/pay is <sandbox>/click/services/pay.
func SandboxAddress(sandboxURL, name, real string) string {
	path := ""
	if u, err := url.Parse(real); err == nil {
		path = strings.TrimRight(u.Path, "/")
	}
	return sandboxURL + "/" + name + path
}

// texts are the options as a company's cabinet would show them: names and words.
func texts(o pay.Options) map[string]string {
	out := map[string]string{}
	raw, err := json.Marshal(o)
	var fields map[string]any
	if err != nil || json.Unmarshal(raw, &fields) != nil {
		return out
	}
	for k, v := range fields {
		switch v := v.(type) {
		case string:
			out[k] = v
		case bool:
			out[k] = fmt.Sprint(v)
		}
	}
	return out
}

// Secrets are the webhook secrets, one by one, as a receiver holds them.
func Secrets(cfg config.Config) (out []string) {
	for s := range strings.SplitSeq(string(cfg.WebhookSecrets), ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// routes puts the API and, in test mode, the sandbox beside each other. The prefix is cut off
// by hand, since a ServeMux would clean the companies' paths by redirecting.
func (a *App) routes(api http.Handler) http.Handler {
	if a.Sandbox == nil {
		return api
	}
	box := http.StripPrefix(sandboxPath, a.Sandbox)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == sandboxPath:
			http.Redirect(w, r, sandboxPath+"/", http.StatusMovedPermanently)
		case strings.HasPrefix(r.URL.Path, sandboxPath+"/"):
			box.ServeHTTP(w, r)
		default:
			api.ServeHTTP(w, r)
		}
	})
}
