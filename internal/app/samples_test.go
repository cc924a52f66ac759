package app_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/docs"
)

// The samples on the pages about cards work, in their order, as somebody who reads them would type
// them: words in capitals are what the answer before told.
func TestTheSamplesAboutCardsWork(t *testing.T) {
	curl := regexp.MustCompile(`curl -s (\$API|\$SANDBOX)(\S*)(?:[^'\n]*-d '([^']*)')?`)
	ends := map[string]string{
		"card-form": "active", "card-number": "active", "card-token": "paid", "card-pay": "paid", "card-holds": "paid", "card-wallets": "paid", "card-splits": "paid",
	}
	for page, end := range ends {
		t.Run(page, func(t *testing.T) {
			text, err := fs.ReadFile(docs.Files, page+".md")
			if err != nil {
				t.Fatal(err)
			}
			r := start(t, map[string]string{"ACCEPT_CARD_DATA": "true", "RATE_LIMIT_PER_MINUTE": "0"})
			known := map[string]string{}
			last := ""
			samples := curl.FindAllStringSubmatch(string(text), -1)
			if len(samples) < 4 {
				t.Fatalf("%d samples", len(samples))
			}
			for _, s := range samples {
				method, path := "POST", map[string]string{"$API": "/api", "$SANDBOX": "/sandbox/control"}[s[1]]+s[2]
				var body any
				if s[3] == "" {
					method = "GET"
					r.app.Clock.Advance(6 * time.Second) // a form is asked about every five seconds
				} else {
					body = rawBody(fill(s[3], known))
				}
				status, got := r.call(method, fill(path, known), body)
				if status >= 300 {
					t.Fatalf("%s %s: %d %v", method, path, status, got)
				}
				learnt := "CARD"
				if strings.HasPrefix(path, "/api/invoices") {
					learnt = "INVOICE"
				}
				for field, word := range map[string]string{"id": learnt, "formUrl": "FORM_URL", "url": "URL"} {
					if v, ok := got[field].(string); ok && !strings.HasPrefix(path, "/api/merchants") {
						known[word] = v
					}
				}
				if v, ok := got["status"].(string); ok {
					last = v
				}
			}
			if last != end {
				t.Errorf("it ends %q, want %q", last, end)
			}
		})
	}
}

// rawBody is JSON as it stands on a page.
type rawBody string

// MarshalJSON leaves it as it is.
func (b rawBody) MarshalJSON() ([]byte, error) { return []byte(b), nil }

// fill puts what is known in the place of the words in capitals.
func fill(text string, known map[string]string) string {
	for _, word := range []string{"FORM_URL", "INVOICE", "CARD", "URL"} {
		if v := known[word]; v != "" {
			text = regexp.MustCompile(`\b`+word+`\b`).ReplaceAllLiteralString(text, v)
		}
	}
	return text
}
