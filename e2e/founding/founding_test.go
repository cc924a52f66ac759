// Package founding_test runs the app of the founding document, its code as it stands there,
// under Node against the whole program in test mode: the document's promise is that such an app
// works without a changed line.
package founding_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/httpapi/apitest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// The document's code, by the first words of its hash: it is not ours to change.
var asInTheDocument = map[string]string{
	"lib/payment-client.ts":             "a94b623cd385ad32",
	"app/api/checkout/start/route.ts":   "d7c6eec0269704a9",
	"app/api/payments/onboard/route.ts": "8435d807a3c8d83a",
	"app/api/payments/webhook/route.ts": "79a608683d2fd74d",
}

func TestDocumentsCodeIsUnchanged(t *testing.T) {
	for name, want := range asInTheDocument {
		data, err := os.ReadFile(filepath.FromSlash(name))
		must(t, err)
		if sum := sha256.Sum256(data); !strings.HasPrefix(hex.EncodeToString(sum[:]), want) {
			t.Errorf("%s is not as the founding document has it", name)
		}
	}
}

// The credentials with which the founding four are registered.
var businesses = []struct {
	provider    string
	credentials map[string]string
}{
	{"multicard", map[string]string{"applicationId": "rhmt_test", "secret": "Pw18axeBFo8V7NamKHXX", "storeId": "a1df872e-d5aa-11ee-8de8-005056b4367d"}},
	{"click", map[string]string{"serviceId": "73438", "merchantId": "1001", "secretKey": "click-test-secret"}},
	{"payme", map[string]string{"merchantId": "5e730e8e0b852a417aa49ceb", "key": "test-key-0001"}},
	{"uzum", map[string]string{"serviceId": "498624684", "login": "uzum", "password": "uzum-test-password"}},
}

// The founding four and their fields, letter for letter, before any further provider.
func TestSupportedIsAsInTheDocument(t *testing.T) {
	g := startGateway(t)
	var got struct {
		Data struct {
			Items []struct {
				Name   string          `json:"name"`
				Fields json.RawMessage `json:"fields"`
			} `json:"items"`
		} `json:"data"`
	}
	must(t, json.Unmarshal(g.api("GET", "/api/merchants/supported"), &got))
	want := [][2]string{
		{"multicard", `[{"key":"applicationId","required":true},{"key":"secret","required":true},{"key":"storeId","required":true}]`},
		{"click", `[{"key":"serviceId","required":true},{"key":"merchantId","required":true},{"key":"secretKey","required":true},{"key":"merchantUserId","required":false}]`},
		{"payme", `[{"key":"merchantId","required":true},{"key":"key","required":true}]`},
		{"uzum", `[{"key":"serviceId","required":true},{"key":"login","required":true},{"key":"password","required":true}]`},
	}
	for i, w := range want {
		if i >= len(got.Data.Items) || got.Data.Items[i].Name != w[0] || string(got.Data.Items[i].Fields) != w[1] {
			t.Errorf("item %d is not %s %s: %+v", i, w[0], w[1], got.Data.Items)
		}
	}
}

// The document's quickstart, its requests as they stand there.
func TestQuickstart(t *testing.T) {
	g := startGateway(t)
	g.post("/api/merchants", `{
    "source": "marketplace",
    "businessId": "sandbox",
    "provider": "multicard",
    "credentials": {
      "applicationId": "rhmt_test",
      "secret": "Pw18axeBFo8V7NamKHXX",
      "storeId": "a1df872e-d5aa-11ee-8de8-005056b4367d"
    },
    "displayName": "Sandbox merchant"
  }`, http.StatusCreated)
	body := g.post("/api/invoices", `{
    "source": "marketplace",
    "businessId": "sandbox",
    "provider": "multicard",
    "sourceInvoiceId": "sandbox_test_1",
    "amount": 100000,
    "notifyUrl": "https://webhook.site/<your-id>",
    "ofd": [{"qty":1,"price":100000,"total":100000,
             "mxik":"06401004002000000","package_code":"1506113",
             "name":"Test","vat":0}]
  }`, http.StatusCreated)
	var got struct {
		Data struct{ CheckoutURL string }
	}
	must(t, json.Unmarshal(body, &got))
	page, err := http.Get(got.Data.CheckoutURL)
	must(t, err)
	defer page.Body.Close()
	if page.StatusCode != http.StatusOK {
		t.Errorf("the buyer's page answers HTTP %d", page.StatusCode)
	}
}

// The document, from the first step to the last: register, ask who can be paid, send the buyer
// off, receive the webhook, poll, refund.
func TestDropInClientAndReceiver(t *testing.T) {
	g := startGateway(t)
	shop := startShop(t, g)

	for _, b := range businesses {
		made := shop.post("/api/payments/onboard", map[string]any{"provider": b.provider, "credentials": b.credentials})
		if made["id"] == nil || made["error"] != nil {
			t.Fatalf("%s is not registered: %v", b.provider, made)
		}
	}
	offered := shop.client("listProvidersFor", "biz_42").(map[string]any)["items"].([]any)
	var names []string
	for i, item := range offered {
		p := item.(map[string]any)
		names = append(names, p["provider"].(string))
		if want := "Restoran A — " + businesses[i].provider; p["displayName"] != want {
			t.Errorf("the button reads %v, want %s", p["displayName"], want)
		}
	}
	if !slices.Equal(names, []string{"multicard", "click", "payme", "uzum"}) {
		t.Fatalf("the buyer can choose %v", names)
	}

	invoices := map[string]string{}
	for _, b := range businesses {
		order := "order_" + b.provider
		shop.post("/orders", map[string]any{
			"id": order, "businessId": "biz_42", "totalTiyin": 5000000, "locale": "uz", "paymentStatus": "new",
			"lines": []any{map[string]any{"qty": 2, "price": 2500000, "total": 5000000, "mxik": "06401004002000000", "package_code": "1506113", "name": "Test", "vat": 0}},
		})
		start := shop.post("/api/checkout/start", map[string]any{"orderId": order, "provider": b.provider})
		link, _ := start["checkoutUrl"].(string)
		if !strings.HasPrefix(link, "http") {
			t.Fatalf("%s: the buyer is sent to %v", b.provider, start)
		}
		id := shop.order(order)["paymentInvoiceId"].(string)
		if got := shop.client("getInvoice", id).(map[string]any); got["status"] != "pending" || got["paidAt"] != nil {
			t.Errorf("%s: before the payment the invoice is %v", b.provider, got)
		}
		g.buyerPays(b.provider, link)
		g.settle()
		got := shop.order(order)
		if got["paymentStatus"] != "paid" || got["paidAt"] == nil {
			t.Errorf("%s: the order is %v", b.provider, got)
		}
		if got := shop.client("getInvoice", id).(map[string]any); got["status"] != "paid" || got["paidAt"] == nil {
			t.Errorf("%s: after it the invoice is %v", b.provider, got)
		}
		invoices[b.provider] = id
	}
	if pan, _ := shop.order("order_multicard")["cardPan"].(string); !strings.Contains(pan, "***") {
		t.Errorf("the card that paid Multicard is %q", pan)
	}

	ofd := []any{map[string]any{"qty": 1, "price": 3000000, "total": 3000000, "mxik": "06401004002000000", "package_code": "1506113", "name": "Test", "vat": 0}}
	for _, refund := range []map[string]any{
		{"amount": 2000000, "reason": "Buyer returned 1 item", "idempotencyKey": "refund_order_multicard_1", "ofd": ofd},
		{"reason": "and the rest", "ofd": ofd},
	} {
		refund["invoiceId"] = invoices["multicard"]
		if got := shop.client("refund", refund).(map[string]any); got["status"] != "succeeded" {
			t.Errorf("the refund %v is %v", refund["reason"], got)
		}
	}
	g.settle()
	if got := shop.order("order_multicard"); got["paymentStatus"] != "refunded" {
		t.Errorf("after the refund the order is %v", got)
	}
}

// What goes wrong reaches the app as the client's own error, with the envelope's word.
func TestDropInClientsErrors(t *testing.T) {
	g := startGateway(t)
	shop := startShop(t, g)
	shop.post("/api/payments/onboard", map[string]any{"provider": "payme", "credentials": businesses[2].credentials})
	order := map[string]any{"businessId": "biz_42", "provider": "payme", "sourceInvoiceId": "1", "amount": 5000000, "notifyUrl": shop.url + "/api/payments/webhook"}
	with := func(field string, value any) map[string]any {
		out := map[string]any{field: value}
		for k, v := range order {
			if _, ok := out[k]; !ok {
				out[k] = v
			}
		}
		return out
	}
	for _, c := range []struct {
		method string
		arg    any
		want   string
	}{
		{"createInvoice", with("amount", 99), "VALIDATION_ERROR"},
		{"createInvoice", with("amount", 100.5), "VALIDATION_ERROR"},
		{"createInvoice", with("provider", "click"), "NOT_FOUND"},
		{"createInvoice", with("businessId", "nobody"), "NOT_FOUND"},
		{"getInvoice", "f6339f31-6a09-11f0-9a1b-00505680eaf6", "NOT_FOUND"},
		{"registerMerchant", map[string]any{"businessId": "b", "provider": "payme", "credentials": map[string]any{}}, "VALIDATION_ERROR"},
	} {
		if got := shop.clientError(c.method, c.arg); got != c.want {
			t.Errorf("%s(%v) throws %q, want %q", c.method, c.arg, got, c.want)
		}
	}
	made := shop.client("createInvoice", order).(map[string]any)
	if got := shop.clientError("refund", map[string]any{"invoiceId": made["id"]}); got != "CONFLICT" {
		t.Errorf("a refund of what is unpaid throws %q", got)
	}
	g.buyerPays("payme", made["checkoutUrl"].(string))
	if got := shop.clientError("refund", map[string]any{"invoiceId": made["id"]}); got != "NOT_SUPPORTED" {
		t.Errorf("a refund that Payme has no call for throws %q", got)
	}

	// A forged webhook is refused by the receiver, and one that comes twice changes nothing.
	shop.post("/orders", map[string]any{"id": "1", "paymentStatus": "pending"})
	res, err := http.Post(shop.url+"/api/payments/webhook", "application/json", strings.NewReader(`{"sourceInvoiceId":"1","status":"paid"}`))
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a forged webhook got HTTP %d", res.StatusCode)
	}
	g.settle()
	g.api("POST", "/api/invoices/"+made["id"].(string)+"/notify")
	g.settle()
	if got := shop.order("1"); got["paymentStatus"] != "paid" || got["changes"] != float64(1) {
		t.Errorf("after two equal webhooks the order is %v", got)
	}
}

// ─── The gateway ───────────────────────────────────────────────────────────────────────────

const (
	apiKey        = "founding-key"
	webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

type running struct {
	t      *testing.T
	url    string
	app    *app.App
	client *http.Client
}

// startGateway starts the program as `chorsu up` does, with every answer of its API checked
// against its document.
func startGateway(t *testing.T) *running {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	given := map[string]string{
		"DATABASE_URL": storetest.DSN(t, storetest.SQLite), "PUBLIC_URL": server.URL, "SERVICE_API_KEY": apiKey,
		"WEBHOOK_SIGNING_SECRET": webhookSecret, "MASTER_KEY": seal.NewKey(), "NOTIFY_ALLOW_PRIVATE": "true",
	}
	cfg, _, err := config.Load(func(name string) (string, bool) { v, ok := given[name]; return v, ok }, "")
	must(t, err)
	a, err := app.New(t.Context(), cfg, app.Options{Test: &app.Test{LocalURL: server.URL}})
	must(t, err)
	g := &running{t: t, url: server.URL, app: a}
	doc := apitest.Fetch(t, a.Handler())
	g.client = &http.Client{Transport: &apitest.Transport{TB: t, Document: doc}}
	handler = checked(t, doc, a.Handler())
	t.Cleanup(func() {
		a.Inbox.Close()
		server.Close()
		must(t, a.Close(context.Background()))
	})
	return g
}

// checked holds each answer against the document: here the client is the app under Node.
func checked(t *testing.T, doc *apitest.Document, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !doc.Covers(r.URL.EscapedPath()) {
			next.ServeHTTP(w, r)
			return
		}
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
		seen := httptest.NewRecorder()
		next.ServeHTTP(seen, r)
		res := seen.Result()
		if err := doc.Check(r, sent, res, seen.Body.Bytes()); err != nil {
			t.Errorf("%s %s: HTTP %d is not as the document says: %v", r.Method, r.URL.Path, res.StatusCode, err)
		}
		for name, value := range res.Header {
			w.Header()[name] = value
		}
		w.WriteHeader(res.StatusCode)
		w.Write(seen.Body.Bytes())
	})
}

// buyerPays has the sandbox's buyer open the link and pay.
func (g *running) buyerPays(providerName, link string) {
	g.t.Helper()
	company, _, ok := g.app.Sandbox.Simulator(providerName)
	if !ok {
		g.t.Fatalf("the sandbox has no %s", providerName)
	}
	report, err := company.Act(g.t.Context(), simulator.Action{Kind: "pay", Link: link})
	must(g.t, err)
	if report.State != "paid" || len(report.Problems) > 0 {
		g.t.Fatalf("%s: the buyer's payment is %s; the company objects: %v", providerName, report.State, report.Problems)
	}
}

// settle does all work that is due: webhooks, above all.
func (g *running) settle() {
	g.t.Helper()
	_, err := g.app.Runner.RunDue(g.t.Context())
	must(g.t, err)
}

func (g *running) api(method, path string) []byte {
	g.t.Helper()
	return g.send(method, path, "", http.StatusOK)
}

func (g *running) post(path, body string, want int) []byte {
	g.t.Helper()
	return g.send(http.MethodPost, path, body, want)
}

func (g *running) send(method, path, body string, want int) []byte {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.url+path, strings.NewReader(body))
	must(g.t, err)
	req.Header.Set("x-api-key", apiKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := g.client.Do(req)
	must(g.t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	must(g.t, err)
	if res.StatusCode != want {
		g.t.Fatalf("%s %s: HTTP %d %s", method, path, res.StatusCode, data)
	}
	return data
}

// ─── The app ───────────────────────────────────────────────────────────────────────────────

type shop struct {
	t   *testing.T
	url string
}

// startShop transpiles the document's app and starts it under Node.
func startShop(t *testing.T, g *running) shop {
	t.Helper()
	script := filepath.Join(t.TempDir(), "shop.mjs")
	node := tool(t, "node")
	bundle := exec.Command(node, esbuild(t), "shop.mjs", "--bundle", "--platform=node", "--format=esm", "--log-level=warning", "--outfile="+script)
	if out, err := bundle.CombinedOutput(); err != nil {
		t.Fatalf("the document's code does not transpile: %v\n%s", err, out)
	}
	cmd := exec.Command(node, script)
	cmd.Env = append(os.Environ(), "PAYMENT_SERVICE_URL="+g.url, "PAYMENT_SERVICE_KEY="+apiKey, "WEBHOOK_SIGNING_SECRET="+webhookSecret)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		stdin.Close() // the app ends with its input
		if err := cmd.Wait(); err != nil {
			t.Errorf("the app ended badly: %v\n%s", err, complaints.String())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the app does not start: %v", err)
	}
	return shop{t: t, url: strings.TrimSpace(line)}
}

// esbuild is the path of the transpiler, which npm installs into this folder at first.
func esbuild(t *testing.T) string {
	t.Helper()
	const path = "node_modules/esbuild/bin/esbuild"
	if _, err := os.Stat(path); err == nil {
		return path
	}
	cmd := exec.Command(tool(t, "npm"), "ci")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci in e2e/founding: %v\n%s", err, out)
	}
	return path
}

func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: the document's app runs under Node 20 or newer, with npm (on Debian: apt-get install nodejs npm)", name)
	}
	return path
}

func (s shop) post(path string, body any) map[string]any {
	s.t.Helper()
	data, err := json.Marshal(body)
	must(s.t, err)
	res, err := http.Post(s.url+path, "application/json", bytes.NewReader(data))
	must(s.t, err)
	defer res.Body.Close()
	var out map[string]any
	must(s.t, json.NewDecoder(res.Body).Decode(&out))
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: HTTP %d %v", path, res.StatusCode, out)
	}
	return out
}

func (s shop) order(id string) map[string]any {
	s.t.Helper()
	return s.post("/order", map[string]any{"id": id})
}

// client calls a method of the document's client.
func (s shop) client(method string, args ...any) any {
	s.t.Helper()
	out := s.post("/client", map[string]any{"method": method, "args": args})
	if out["error"] != nil {
		s.t.Fatalf("%s%v throws %v", method, args, out["error"])
	}
	return out["value"]
}

// clientError is what a method of the document's client throws.
func (s shop) clientError(method string, args ...any) string {
	s.t.Helper()
	out := s.post("/client", map[string]any{"method": method, "args": args})
	return fmt.Sprint(out["error"])
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
