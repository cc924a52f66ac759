package sandbox

import (
	_ "embed"
	"html/template"
	"net/http"
	"slices"

	"github.com/chorsu/chorsu/internal/inbox"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page shows a person what the sandbox has: the companies, the time, the newest webhooks.
func (s *Sandbox) page(w http.ResponseWriter, r *http.Request) {
	const newest = 20
	messages := s.o.Inbox.Messages("", 0)
	messages = messages[max(0, len(messages)-newest):]
	slices.Reverse(messages)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	pageTemplate.Execute(w, struct {
		BaseURL, Now, Moved string
		Providers           []providerView
		Messages            []inbox.Message
	}{
		s.o.BaseURL, s.o.Clock.Now().UTC().Format("2006-01-02 15:04:05 UTC"), s.o.Clock.Offset().String(),
		s.providers(), messages,
	})
}
