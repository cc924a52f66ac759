// Package ui is what every page shares: the frame, the type, the colours, the signs of the
// states, and the few components. Pages are templ files; their generated Go is committed, so
// that a build needs no generator. There is one style sheet (static/chorsu.css, tokens first)
// and nothing is loaded from anywhere else.
//
// A page is ui.Document with the page inside. Classes a page may use without a component:
// wide, stack, row, spread, muted, num, mono, sum; button (+ quiet, danger, small, full), link,
// field, facts, scroll around a table (+ dense), notice and badge with the name of a state.
package ui

//go:generate go run github.com/a-h/templ/cmd/templ@v0.3.977 generate -path ..

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/chorsu/chorsu/internal/words"
)

//go:embed static/*.css static/*.js static/*.woff2 static/icon.svg static/onest-LICENSE.txt
var static embed.FS

// AssetsPath is where Assets is mounted.
const AssetsPath = "/assets/"

// bundle names the present content of all files, so that a browser may keep them for ever.
var bundle = func() string {
	h := sha256.New()
	names, err := fs.Glob(static, "static/*")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		b, err := static.ReadFile(name)
		if err != nil {
			panic(err)
		}
		h.Write([]byte(name))
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}()

// Asset is the address of one of the static files: Asset("chorsu.css").
func Asset(name string) string { return AssetsPath + bundle + "/" + name }

// kinds are the files that a browser may have.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".woff2": "font/woff2", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
}

// Assets serves the static files below AssetsPath. A former version's address answers with the
// present file, uncached: a page that was loaded before an upgrade keeps its clothes.
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		version, name, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, AssetsPath), "/")
		kind := kinds[path.Ext(name)]
		b, err := static.ReadFile("static/" + name)
		if !ok || kind == "" || err != nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "there is no such file", http.StatusNotFound)
			return
		}
		head := w.Header()
		head.Set("Content-Type", kind)
		head.Set("Cache-Control", "no-cache")
		if version == bundle {
			head.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		if kind != "font/woff2" {
			var done func()
			if w, done = compress(w, r); done != nil {
				defer done()
			}
		}
		if head.Get("Content-Encoding") == "" {
			head.Set("Content-Length", strconv.Itoa(len(b)))
		}
		if r.Method == http.MethodGet {
			w.Write(b)
		}
	})
}

// policy lets a page load what is ours and nothing else, run no script but ours, and be framed
// by nobody. Forms may lead to a company's page, which they reach by our redirect.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self' https:; base-uri 'none'; frame-ancestors 'none'"

// innerPolicy is policy without the companies' pages.
var innerPolicy = strings.Replace(policy, "form-action 'self' https:", "form-action 'self'", 1)

// Secure sets the headers that every page has.
func Secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// Page is what a page's frame says.
type Page struct {
	Title       string
	Lang        words.Lang
	Description string
	Test        bool     // the striped bar: no real money moves
	Scripts     []string // names of static files
	Refresh     int      // seconds after which the page loads itself anew where no script runs; 0: never
	Robots      string   // "noindex" for what is nobody else's business
}

// Nav is one entry of a page's head.
type Nav struct {
	Title, URL string
	Here       bool
}
