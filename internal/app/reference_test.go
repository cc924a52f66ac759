package app_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/httpapi/apitest"
	"github.com/chorsu/chorsu/internal/provider"
)

func (r *running) page(path string) string {
	r.Helper()
	res, err := http.Get(r.url + path)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		r.Fatalf("%s: %s %v", path, res.Status, err)
	}
	return string(body)
}

var (
	operationLine = regexp.MustCompile("(?m)^`(GET|POST|PATCH|DELETE) (/\\S+)`$")
	sampleBody    = regexp.MustCompile(`(?s)-d '(.*?)'\n`)
	sampleAnswer  = regexp.MustCompile("(?s)```json\n(.*?)```")
)

// The reference has every operation and webhook of the document that the program serves, each
// sample is one by the document's own rules, and every link on the page leads somewhere.
func TestTheReferenceIsTheDocument(t *testing.T) {
	r := start(t, map[string]string{"RATE_LIMIT_PER_MINUTE": "0"})
	doc, err := apitest.Load([]byte(r.page("/docs/openapi.json")))
	if err != nil {
		t.Fatal(err)
	}
	source, html := r.page("/docs/api.md"), r.page("/docs/api")
	paths := doc.At("/paths").(map[string]any)
	operations := 0
	for _, item := range paths {
		operations += len(item.(map[string]any))
	}
	found := operationLine.FindAllStringSubmatchIndex(source, -1)
	if len(found) != operations || operations < 25 {
		t.Fatalf("%d operations of %d are on the page", len(found), operations)
	}
	requests, answers := 0, 0
	for i, at := range found {
		method, path := strings.ToLower(source[at[2]:at[3]]), source[at[4]:at[5]]
		rest := source[at[1]:]
		if i+1 < len(found) {
			rest = source[at[1]:found[i+1][0]]
		} else if cut := strings.Index(rest, "\n## "); cut > 0 {
			rest = rest[:cut]
		}
		op := "/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(path) + "/" + method
		if m := sampleBody.FindStringSubmatch(rest); m != nil {
			requests++
			if err := doc.Validate(op+"/requestBody/content/application~1json/schema", []byte(strings.ReplaceAll(m[1], `'\''`, "'"))); err != nil {
				t.Errorf("%s %s: its sample: %v", method, path, err)
			}
		}
		m := sampleAnswer.FindStringSubmatch(rest)
		if m == nil {
			continue
		}
		answers++
		for _, status := range []string{"200", "201"} {
			pointer := op + "/responses/" + status + "/content/application~1json/schema"
			if doc.At(op+"/responses/"+status) == nil {
				continue
			}
			if err := doc.Validate(pointer, []byte(m[1])); err != nil {
				t.Errorf("%s %s: its answer: %v", method, path, err)
			}
			break
		}
	}
	if requests < 8 || answers < 20 {
		t.Errorf("%d requests and %d answers were looked at", requests, answers)
	}
	for name := range doc.At("/webhooks").(map[string]any) {
		_, after, ok := strings.Cut(source, "`"+name+"`\n")
		m := sampleAnswer.FindStringSubmatch(after)
		if !ok || m == nil {
			t.Errorf("the webhook %s is not on the page", name)
			continue
		}
		if err := doc.Validate("/webhooks/"+name+"/post/requestBody/content/application~1json/schema", []byte(m[1])); err != nil {
			t.Errorf("the webhook %s: %v", name, err)
		}
	}
	for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(html, -1) {
		if !strings.Contains(html, `id="`+m[1]+`"`) {
			t.Errorf("#%s leads nowhere", m[1])
		}
	}
}

// The sample bill can be paid with every company that has a page, and takes no company away from
// the business that the documentation has its reader register.
func TestTheSampleBillStandsBesideTheReadersBusiness(t *testing.T) {
	r := start(t, map[string]string{"RATE_LIMIT_PER_MINUTE": "0"})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	sample := func() string {
		res, err := client.Post(r.url+"/sandbox/phone/sample", "application/x-www-form-urlencoded", nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		to, err := res.Location()
		if err != nil || res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s %v", res.Status, err)
		}
		return to.Query().Get("bill")
	}
	first := sample()
	r.pay() // with the documentation's credentials, until the app is told
	second := sample()
	if first == second || first == "" {
		t.Fatalf("the sample bills are %q and %q", first, second)
	}
	page := r.page("/sandbox/?lang=en&link=/pay/" + second)
	for _, p := range app.Plugins() {
		i := p.Provider.Info()
		_, offers := i.Account.(provider.Checkouter)
		offers = offers && !i.InStore
		if offers != strings.Contains(page, `class="name">`+i.Title+"<") {
			t.Errorf("%s is on the phone: %v", i.Name, !offers)
		}
	}
	if !strings.Contains(page, "Namuna choyxonasi") || !strings.Contains(page, "150\u00a0000") {
		t.Error("the bill is not what it should be")
	}
	for _, id := range []string{"nothing", "0190b5a0-7c1e-7000-8000-000000000001"} { // no bill, and no error
		if page := r.page("/sandbox/?lang=en&link=/pay/" + id); !strings.Contains(page, "No app opens this link") {
			t.Errorf("%s is taken for a bill", id)
		}
	}
}
