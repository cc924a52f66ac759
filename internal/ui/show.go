package ui

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// Show answers with a page. It is drawn whole before anything is sent, so that a page that
// cannot be drawn is an error and not half a page.
func Show(w http.ResponseWriter, r *http.Request, status int, page templ.Component) {
	show(w, r, status, page, Frames{}.allow)
}

// ShowInner is Show for a page whose forms lead nowhere else.
func ShowInner(w http.ResponseWriter, r *http.Request, status int, page templ.Component) {
	show(w, r, status, page, func(head http.Header) { head.Set("Content-Security-Policy", innerPolicy) })
}

// Frames is how a page stands to others of ours. No page of anybody else may frame one, ever.
type Frames struct {
	Inside bool // it may be framed by a page of this very address
	Around bool // it may frame one
}

// ShowIn is Show for a page that has to do with frames.
func ShowIn(w http.ResponseWriter, r *http.Request, status int, page templ.Component, f Frames) {
	show(w, r, status, page, f.allow)
}

func show(w http.ResponseWriter, r *http.Request, status int, page templ.Component, allow func(http.Header)) {
	var b bytes.Buffer
	if err := page.Render(context.WithoutCancel(r.Context()), &b); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	head := w.Header()
	Secure(head)
	allow(head)
	head.Set("Content-Type", "text/html; charset=utf-8")
	if head.Get("Cache-Control") == "" {
		head.Set("Cache-Control", "no-store")
	}
	w, done := compress(w, r)
	if done != nil {
		defer done()
	} else {
		head.Set("Content-Length", strconv.Itoa(b.Len()))
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(b.Bytes())
	}
}

func (f Frames) allow(head http.Header) {
	allowed := policy
	if f.Inside {
		allowed = strings.Replace(allowed, "frame-ancestors 'none'", "frame-ancestors 'self'", 1)
		head.Set("X-Frame-Options", "SAMEORIGIN")
	}
	if f.Around {
		allowed += "; frame-src 'self'"
	}
	head.Set("Content-Security-Policy", allowed)
}

// compress wraps w where the browser takes gzip. No page mixes a secret with what a stranger
// can choose, so that its length tells nothing (BREACH). done is nil where nothing was wrapped.
func compress(w http.ResponseWriter, r *http.Request) (_ http.ResponseWriter, done func()) {
	w.Header().Add("Vary", "Accept-Encoding")
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || r.Method == http.MethodHead {
		return w, nil
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	return zipped{w, z}, func() { z.Close() }
}

type zipped struct {
	http.ResponseWriter
	z *gzip.Writer
}

func (z zipped) Write(b []byte) (int, error) { return z.z.Write(b) }
