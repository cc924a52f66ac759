package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/httpapi/apitest"
)

// TestTheShellSamplesWork types what README and the documentation tell people to type, page by
// page and in order, into a shell, against a program that was started as they say.
func TestTheShellSamplesWork(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("../docs/providers/*.md")
	if err != nil {
		t.Fatal(err)
	}
	ran, flows := 0, map[string]int{ // each way of money has a page, and as many calls on it at least
		"card-form": 3, "card-number": 3, "card-pay": 3, "card-token": 3, "card-holds": 3, "card-splits": 3, "card-wallets": 3, "payouts": 5, "reconciliation": 3, "in-store": 4,
	}
	for _, name := range append(append([]string{"../README.md"}, pages...), more...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		blocks := shellBlocks(string(text))
		if len(blocks) == 0 {
			continue
		}
		ran++
		page := strings.TrimSuffix(filepath.Base(name), ".md")
		if n := strings.Count(strings.Join(blocks, "\n"), "curl "); n >= flows[page] {
			delete(flows, page)
		}
		t.Run(strings.TrimPrefix(name, "../"), func(t *testing.T) {
			r := newReader(t)
			if strings.HasSuffix(name, "/till.md") { // a till of its own, set up as its example says
				at, err := url.Parse(newDesk(t).p.url)
				if err != nil {
					t.Fatal(err)
				}
				r.swaps["127.0.0.1:8090"] = at.Host
			}
			for file, text := range namedFiles(string(text)) {
				if err := os.WriteFile(filepath.Join(r.dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			// The first pages make what they speak of; the others take a business for granted.
			if !strings.HasSuffix(name, "README.md") && !strings.HasSuffix(name, "quickstart.md") {
				r.business()
			}
			for _, b := range blocks {
				r.types(b)
			}
			r.ends(strings.TrimSuffix(filepath.Base(name), ".md"))
		})
	}
	if len(flows) > 0 {
		t.Errorf("too few calls are shown on %v", flows)
	}
	if ran < 10 {
		t.Errorf("only %d pages have samples", ran)
	}
}

// The JSON that pages show is what the program's own document says it may be.
func TestTheJSONSamplesHold(t *testing.T) {
	r := newReader(t)
	res, err := http.Get(r.url + "/docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := apitest.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	samples := 0
	for _, name := range []string{"../docs/*.md", "../docs/providers/*.md", "../README.md"} {
		pages, err := filepath.Glob(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile("(?ms)^ *```json\n(.*?)^ *```").FindAllStringSubmatch(string(text), -1) {
				samples++
				var v map[string]any
				if err := json.Unmarshal([]byte(m[1]), &v); err != nil {
					t.Errorf("%s: %v in %s", page, err, m[1])
					continue
				}
				if err := doc.Validate(shapeOf(t, doc, v), []byte(m[1])); err != nil {
					t.Errorf("%s: %v", page, err)
				}
			}
		}
	}
	if samples < 2 {
		t.Errorf("only %d samples were found", samples)
	}
}

// shapeOf is where the document describes a sample: an event by its name, an error by its word.
func shapeOf(t *testing.T, doc *apitest.Document, v map[string]any) string {
	t.Helper()
	if event, ok := v["event"].(string); ok {
		return "/webhooks/" + event + "/post/requestBody/content/application~1json/schema"
	}
	for name, r := range doc.At("/components/responses").(map[string]any) {
		at := "/components/responses/" + name + "/content/application~1json"
		if example, ok := doc.At(at + "/example").(map[string]any); ok && r != nil && example["message"] == v["message"] {
			return at + "/schema"
		}
	}
	t.Fatalf("nobody knows what this sample is: %v", v)
	return ""
}

// reader is somebody who types what a page says.
type reader struct {
	*testing.T
	url, key string
	assigned string            // what the page's own assignments left in the shell
	names    map[string]string // what INVOICE, CARD and the like stand for now
	swaps    map[string]string // addresses that a page names, and where they are now
	dir      string            // the folder they sit in
}

func newReader(t *testing.T) *reader {
	url, key := up(t, "ACCEPT_CARD_DATA=true", "RATE_LIMIT_PER_MINUTE=0")
	return &reader{T: t, url: url, key: key, names: map[string]string{}, dir: t.TempDir(), swaps: map[string]string{
		"localhost:4002": strings.TrimPrefix(url, "http://"),
	}}
}

// namedFiles are the files that a page shows and its commands upload.
func namedFiles(page string) map[string]string {
	files := map[string]string{}
	for _, m := range regexp.MustCompile("(?ms)^```csv\n(.*?)^```").FindAllStringSubmatch(page, -1) {
		files["register.csv"] = m[1]
	}
	return files
}

// shellBlocks are the samples with something to type that needs no more than a running program.
func shellBlocks(page string) (out []string) {
	for _, m := range regexp.MustCompile("(?ms)^( *)```sh\n(.*?)^ *```").FindAllStringSubmatch(page, -1) {
		if strings.Contains(m[2], "curl ") || regexp.MustCompile(`(?m)^[A-Z]+=`).MatchString(m[2]) && !strings.Contains(m[2], "serve") {
			out = append(out, strings.TrimSpace(regexp.MustCompile("(?m)^"+m[1]).ReplaceAllString(m[2], "")))
		}
	}
	return out
}

// types runs one sample. Each command that asks the gateway must be answered well.
func (r *reader) types(block string) {
	r.Helper()
	for _, command := range commands(block) {
		if strings.HasPrefix(command, "set -a") { // .env: its key is in the shell already
			continue
		}
		if strings.Contains(command, "127.0.0.1:4003") { // `chorsu sandbox` alone, with values of its own
			continue
		}
		if !strings.Contains(command, "curl ") {
			r.assigned += command + "\n"
			continue
		}
		r.prepare(command)
		for name, value := range r.names {
			if regexp.MustCompile(`^[A-Z_]+$`).MatchString(name) {
				command = regexp.MustCompile(`\b`+name+`\b`).ReplaceAllLiteralString(command, value)
			} else {
				command = strings.ReplaceAll(command, name, value)
			}
		}
		r.learn(command, r.shell(r.assigned+command))
	}
}

// ends looks where the last thing of a page stands: what its samples promise.
func (r *reader) ends(page string) {
	r.Helper()
	want, ok := map[string][2]string{
		"card-form": {"cards/" + r.names["CARD"], "active"}, "card-number": {"cards/" + r.names["CARD"], "active"},
		"card-pay": {"invoices/" + r.names["INVOICE"], "paid"}, "card-token": {"invoices/" + r.names["INVOICE"], "paid"},
		"card-holds": {"invoices/" + r.names["INVOICE"], "paid"}, "card-splits": {"invoices/" + r.names["INVOICE"], "paid"},
		"card-wallets": {"invoices/" + r.names["INVOICE"], "paid"}, "in-store": {"invoices/" + r.names["INVOICE"], "paid"},
		"payouts": {"payouts/" + r.names["PAYOUT"], "succeeded"},
	}[page]
	if !ok {
		return
	}
	var got struct{ Data struct{ Status string } }
	json.Unmarshal(r.shell(`curl -s http://localhost:4002/api/`+want[0]+` -H "x-api-key: $SERVICE_API_KEY"`), &got)
	if got.Data.Status != want[1] {
		r.Errorf("after the samples %s is %q, want %q", want[0], got.Data.Status, want[1])
	}
}

// learn keeps what the words in capitals stand for on the rest of the page.
func (r *reader) learn(command string, answer []byte) {
	var got struct {
		Data struct{ ID, CheckoutURL, CallbackURL, FormURL, URL string }
	}
	json.Unmarshal(answer, &got)
	keep := func(name, value string) {
		if value != "" {
			r.names[name] = value
		}
	}
	switch {
	case strings.Contains(command, "sourceInvoiceId"):
		keep("INVOICE", got.Data.ID)
		keep(theLink, got.Data.CheckoutURL)
	case strings.Contains(command, `"kind":"code"`): // what a telephone shows
		var shown struct{ Ref string }
		json.Unmarshal(answer, &shown)
		keep("CODE", shown.Ref)
	case strings.Contains(command, "/reconciliations -H"):
		keep("RECONCILIATION", got.Data.ID)
	case strings.Contains(command, "sourcePayoutId"):
		keep("PAYOUT", got.Data.ID)
	case strings.Contains(command, "/cards"):
		keep("CARD", got.Data.ID)
	case strings.Contains(command, "/merchants") && got.Data.CallbackURL != "":
		keep("MERCHANT", got.Data.ID)
	}
	keep("FORM_URL", got.Data.FormURL)
	keep("URL", got.Data.URL)
}

// theLink is what a page writes where a reader puts the link that an earlier page gave them.
const theLink = `<the invoice'\''s checkoutUrl>`

// commands are a block's commands: a line, with those that go on with it.
func commands(block string) (out []string) {
	quoted := false
	var now strings.Builder
	for line := range strings.Lines(block + "\n") {
		now.WriteString(line)
		if strings.Count(strings.ReplaceAll(line, `'\''`, ""), "'")%2 == 1 {
			quoted = !quoted
		}
		if quoted || strings.HasSuffix(strings.TrimSpace(line), "\\") {
			continue
		}
		if text := strings.TrimSpace(now.String()); text != "" {
			out = append(out, text)
		}
		now.Reset()
	}
	return out
}

// shell runs a command as a person's shell does. The program listens on a port of its own.
func (r *reader) shell(command string) []byte {
	r.Helper()
	for named, now := range r.swaps {
		command = strings.ReplaceAll(command, named, now)
	}
	cmd := exec.CommandContext(r.Context(), "sh", "-c", "set -eu\ncurl() { command curl --fail-with-body -sS \"$@\"; }\n"+command)
	cmd.Dir = r.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SERVICE_API_KEY=" + r.key}
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		r.Errorf("%s\n%v: %s %s", command, err, out, &said)
	}
	return out
}

// business registers everything for the business that the pages speak of.
func (r *reader) business() {
	r.Helper()
	for _, p := range app.Plugins() {
		if len(p.Sample) > 0 {
			made := r.call("/api/merchants", map[string]any{"source": "marketplace", "businessId": "biz_42", "provider": p.Provider.Info().Name, "credentials": p.Sample})
			if p.Provider.Info().Name == "multicard" {
				r.names["MERCHANT"], _ = made["id"].(string)
			}
		}
	}
}

// prepare makes what a command takes for granted and its page has not made.
func (r *reader) prepare(command string) {
	r.Helper()
	invoice := func(provider string) {
		made := r.call("/api/invoices", map[string]any{
			"source": "marketplace", "businessId": "biz_42", "provider": provider, "sourceInvoiceId": "before_this_page",
			"amount": 5000000, "notifyUrl": r.url + "/sandbox/inbox/shop",
		})
		r.names["INVOICE"], _ = made["id"].(string)
		r.names[theLink], _ = made["checkoutUrl"].(string)
	}
	switch {
	case strings.Contains(command, "INVOICE") && r.names["INVOICE"] == "": // one that was paid
		invoice("click")
		r.call("/sandbox/control/providers/click/act", map[string]any{"kind": "pay", "link": r.names[theLink]})
	case strings.Contains(command, theLink) && r.names[theLink] == "":
		invoice("payme")
	case strings.Contains(command, "DIFFERENCE"):
		r.names["DIFFERENCE"] = r.difference()
	}
}

// difference reads the reconciliation until it is done, and takes one that only the company has.
func (r *reader) difference() string {
	r.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		var got struct {
			Data struct {
				Status     string
				OnlyTheirs []struct{ ID string }
			}
		}
		json.Unmarshal(r.shell(r.assigned+"curl -s $API/reconciliations/"+r.names["RECONCILIATION"]+` -H "$KEY"`), &got)
		if got.Data.Status == "done" && len(got.Data.OnlyTheirs) > 0 {
			return got.Data.OnlyTheirs[0].ID
		}
	}
	r.Fatal("the reconciliation shows no difference within a minute")
	return ""
}

// call asks as an app does, and wants a good answer.
func (r *reader) call(path string, body map[string]any) map[string]any {
	r.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		r.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, r.url+path, bytes.NewReader(text))
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("x-api-key", r.key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	if res.StatusCode >= 300 {
		r.Fatalf("%s: %s %s", path, res.Status, answer)
	}
	var got struct{ Data map[string]any }
	json.Unmarshal(answer, &got)
	return got.Data
}

// up starts `chorsu up` in an empty folder and returns its address and the key that it made.
func up(t *testing.T, env ...string) (url, key string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "up")
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"PORT=0"}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if m := regexp.MustCompile(`API +(http://\S+)/api`).FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
	}()
	select {
	case url = <-found:
	case <-time.After(time.Minute):
		t.Fatal("`chorsu up` does not say where it serves")
	}
	text, err := os.ReadFile(cmd.Dir + "/.env")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(regexp.MustCompile(`SERVICE_API_KEY=\S+`).FindString(string(text)), "SERVICE_API_KEY=%s", &key); err != nil {
		t.Fatal(err)
	}
	return url, strings.Trim(key, `"`)
}
