// Package site is what anybody may read: the landing page, and the documentation, rendered from
// the Markdown in docs/. Every page has its Markdown beside it at the same address with .md, and
// /docs/llms.txt lists them for programs that read.
package site

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/chorsu/chorsu/docs"
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// Options is what the site is made of.
type Options struct {
	Providers []provider.Info // those of /health
	Ready     func(context.Context) gateway.Readiness
	Test      bool // test mode: the pages say so, and lead to the sandbox
}

type site struct {
	o     Options
	pages map[string]document // by the path below /docs/
}

// New returns the handler of / and /docs; any other address is a page that says that there is
// nothing. It renders every page once: one that cannot be rendered stops the program here.
func New(o Options) (http.Handler, error) {
	s := &site{o: o, pages: map[string]document{}}
	for _, p := range docs.Contents {
		source, err := fs.ReadFile(docs.Files, p.Path+".md")
		if err != nil {
			return nil, fmt.Errorf("the documentation's page %s: %w", p.Path, err)
		}
		d, err := render(p, source)
		if err != nil {
			return nil, fmt.Errorf("the documentation's page %s: %w", p.Path, err)
		}
		s.pages[p.Path] = d
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.landing)
	mux.HandleFunc("GET /docs", s.document)
	mux.HandleFunc("GET /docs/{path...}", s.document)
	mux.HandleFunc("GET /docs/llms.txt", s.llms)
	mux.HandleFunc("/", s.nothing)
	return mux, nil
}

func (s *site) landing(w http.ResponseWriter, r *http.Request) {
	l := lang(r)
	ui.Show(w, r, http.StatusOK, landing(s.o, l, s.o.Ready(r.Context()).OK))
}

// document answers with a page, or with its Markdown.
func (s *site) document(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.PathValue("path"), "/")
	if path == "" {
		path = docs.Contents[0].Path
	}
	path, plain := strings.CutSuffix(path, ".md")
	d, ok := s.pages[path]
	if !ok {
		s.nothing(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	if plain {
		w.Header().Set("Content-Type", "text/markdown; charset=utf-8")
		w.Write(d.source)
		return
	}
	ui.Show(w, r, http.StatusOK, article(s.o, d))
}

// llms is the table of contents for programs that read.
func (s *site) llms(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	fmt.Fprint(w, "# Chorsu\n\n> A self-hosted payment gateway for the payment companies of Uzbekistan. Amounts are whole tiyin.\n\n## Documentation\n\n")
	for _, p := range docs.Contents {
		fmt.Fprintf(w, "- [%s](/docs/%s.md)\n", p.Title, p.Path)
	}
	fmt.Fprint(w, "\n## API\n\n- [OpenAPI 3.1 document](/docs/openapi.json)\n")
}

func (s *site) nothing(w http.ResponseWriter, r *http.Request) {
	ui.Show(w, r, http.StatusNotFound, nothing(s.o, lang(r)))
}

func lang(r *http.Request) words.Lang {
	return words.Choose(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
}
