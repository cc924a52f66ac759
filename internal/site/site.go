// Package site is what anybody may read: the landing page, and the documentation, rendered from
// the Markdown in docs/. Every page has its Markdown beside it at the same address with .md, and
// /docs/llms.txt lists them for programs that read.
package site

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"

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
	Reference func() []byte // the API's OpenAPI document; called once, when the reference is first asked for
	Admin     string        // where the staff's pages are, "" where there are none
	Test      bool          // test mode: the pages say so, and lead to the sandbox
}

// Nav is the head's list of places, as every page outside the shops' own has it. here is the
// address of the part that one is in.
func Nav(l words.Lang, o Options, here string) []ui.Nav {
	nav := []ui.Nav{{Title: words.ReadDocs.In(l), URL: "/docs"}, {Title: words.APIReference.In(l), URL: "/docs/api"}}
	if o.Test {
		nav = append(nav, ui.Nav{Title: words.OpenSandbox.In(l), URL: "/sandbox/"})
	}
	if o.Admin != "" {
		nav = append(nav, ui.Nav{Title: words.OpenAdmin.In(l), URL: o.Admin})
	}
	for i := range nav {
		nav[i].Here = nav[i].URL == here
	}
	return nav
}

type site struct {
	o        Options
	contents []docs.Page
	pages    map[string]func() (document, error) // by the path below /docs/
}

// New returns the handler of / and /docs; any other address is a page that says that there is
// nothing. A page is rendered when it is first asked for, and kept: most processes never show one,
// and a program that is restarted should not wait for sixty of them.
func New(o Options) http.Handler {
	s := &site{o: o, contents: append(slices.Clone(docs.Contents), referencePage), pages: map[string]func() (document, error){}}
	for _, p := range s.contents {
		s.pages[p.Path] = sync.OnceValues(func() (document, error) {
			source, err := s.source(p)
			if err != nil {
				return document{}, err
			}
			return render(p, source)
		})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.landing)
	mux.HandleFunc("GET /docs", s.document)
	mux.HandleFunc("GET /docs/{path...}", s.document)
	mux.HandleFunc("GET /docs/llms.txt", s.llms)
	mux.HandleFunc("/", s.nothing)
	return mux
}

// source is a page's Markdown: a file's, or the reference, which is written from the document.
func (s *site) source(p docs.Page) ([]byte, error) {
	if p == referencePage {
		return reference(s.o.Reference())
	}
	return fs.ReadFile(docs.Files, p.Path+".md")
}

func (s *site) landing(w http.ResponseWriter, r *http.Request) {
	l := lang(r)
	ui.Show(w, r, http.StatusOK, landing(s.o, l, s.o.Ready(r.Context())))
}

// document answers with a page, or with its Markdown.
func (s *site) document(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.PathValue("path"), "/")
	if path == "" {
		path = docs.Contents[0].Path
	}
	path, plain := strings.CutSuffix(path, ".md")
	page, ok := s.pages[path]
	if !ok {
		s.nothing(w, r)
		return
	}
	d, err := page()
	if err != nil {
		// The tests draw every page, so that this is a fault of the build and nobody's to retry.
		http.Error(w, "this page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	if plain {
		w.Header().Set("Content-Type", "text/markdown; charset=utf-8")
		w.Write(d.source)
		return
	}
	ui.Show(w, r, http.StatusOK, article(s.o, s.contents, d))
}

// llms is the table of contents for programs that read.
func (s *site) llms(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	fmt.Fprint(w, "# Chorsu\n\n> A self-hosted payment gateway for the payment companies of Uzbekistan. Amounts are whole tiyin.\n\n## Documentation\n\n")
	for _, p := range s.contents {
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

// part is the head's entry that a page of the documentation belongs to.
func part(d document) string {
	if d.Page == referencePage {
		return "/docs/api"
	}
	return "/docs"
}

// isShape says whether a heading of the reference is a shape's: the list of places has them all
// under one name.
func isShape(h heading) bool { return strings.HasPrefix(h.Title, shape("")) }

// failing are the names of the checks that did not hold.
func failing(r gateway.Readiness) (names []string) {
	for name, said := range r.Checks {
		if said != "ok" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// hasPage says whether the documentation has a page of a provider.
func hasPage(provider string) bool {
	return slices.ContainsFunc(docs.Contents, func(p docs.Page) bool { return p.Path == "providers/"+provider })
}
