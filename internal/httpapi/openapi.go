package httpapi

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/chorsu/chorsu/internal/provider"
)

const schemaPrefix = "#/components/schemas/"

// The document's groups.
const (
	tagMerchants = "Merchants"
	tagInvoices  = "Invoices"
	tagRefunds   = "Refunds"
	tagCards     = "Cards"
	tagPayouts   = "Payouts"
	tagTills     = "Tills"

	tagReconciliations = "Reconciliations"
	tagCallbacks       = "Callbacks"
	tagHealth          = "Health"
)

// newServer registers every operation, and with it writes the document.
func newServer(o Options, providers []provider.Info) *server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	s := &server{o: o, log: o.Logger, now: o.Now, providers: providers, mux: http.NewServeMux(), keyless: map[string]keyKind{}, uploads: make(chan struct{}, manyUpload)}
	reg := huma.NewMapRegistry(schemaPrefix, huma.DefaultSchemaNamer)
	reg.RegisterTypeAlias(quantityType, shownAs)
	names := make([]any, len(providers))
	for i, p := range providers {
		names[i] = p.Name
	}
	s.shaper = shaper{reg: reg, seen: map[*huma.Schema]bool{}, checks: s.fieldChecks(), choices: map[string][]any{"provider": names}}
	s.api = humago.New(s.mux, huma.Config{OpenAPI: s.outline(reg)})
	s.routes()
	s.describePlain()
	s.finish()
	return s
}

func (s *server) openapi(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/openapi+json")
	document := s.document()
	w.Header().Set("Content-Length", strconv.Itoa(len(document)))
	w.Write(document)
}

// ─── The whole ─────────────────────────────────────────────────────────────────────────────

const introduction = `One API for the payment providers of Uzbekistan.

**Money** is a whole number of tiyin (100 tiyin are 1 soum), never a float, never a text: 5000000 is 50 000 soʻm.

**Every answer** of ` + "`/api/*`" + ` stands in an envelope: ` + "`{status, code, message, data}`" + `. ` + "`code`" + ` is the HTTP status again; ` + "`message`" + ` is ` + "`OK`" + ` or one of the words listed with the errors; programs read ` + "`message`" + ` and ` + "`data.reason`" + `.

**Requests** are JSON objects of at most 64 KiB. They are read strictly: unknown fields, repeated fields, wrong capitals, numbers written as 100.0 or 1e2 are refused, and all faults are told at once.

**Repeating a POST** is safe with an ` + "`Idempotency-Key`" + `: the answer is the resource that the first request made, as it stands now, with ` + "`Idempotent-Replayed: true`" + `. The same key with another body is 409. Keys are kept for 30 days, those of refunds and payouts for ever. A request that was refused (4xx) before anything was written leaves no key behind.

**Lost answers.** Where a provider's answer was lost, nothing is guessed: a resource stays ` + "`pending`" + ` with ` + "`attention`" + ` until the provider, or a named person, says what happened.

**Lists** are read with ` + "`limit`" + ` and ` + "`cursor`" + `; ` + "`nextCursor`" + ` is null at the end. **Times** are RFC 3339 in UTC with milliseconds; null where there is none yet.

**Limits.** By default 120 requests a minute from one address; 429 with ` + "`Retry-After`" + ` beyond that.

Never send the API key from a browser.`

const invoiceWords = `Returns the ` + "`checkoutUrl`" + ` to send the buyer to. Money is asked for once for each (source, businessId, sourceInvoiceId):

- the same request again returns the open invoice (200);
- another ` + "`provider`" + ` with everything else equal moves the invoice there (200), or is 409 ` + "`payment_in_progress`" + ` while an attempt is open;
- any other difference is 409 ` + "`differs`" + `, with the fields that differ;
- after a cancelled or failed invoice a new one is made (201), and after one that has run out: a page that a provider made for it is taken back first, which is 409 if it was paid, and 502 while the provider does not say;
- after a paid one the answer is 409.`

const refundWords = `Without ` + "`amount`" + `, all that is left. Where the provider's API cannot return money, 422 says where it is done, and the webhook comes when it was. A provider's refusal is no HTTP error: the refund is ` + "`failed`" + ` with ` + "`failure`" + `. While one refund of an invoice is pending, another is 409.`

// outline is what the document says beside the operations.
func (s *server) outline(reg huma.Registry) *huma.OpenAPI {
	server := s.o.PublicURL
	if server == "" {
		server = "/"
	}
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "Chorsu", Version: s.o.Version, Description: introduction, License: &huma.License{Name: "Apache 2.0", Identifier: "Apache-2.0"}},
		Servers: []*huma.Server{{URL: server}},
		Tags: []*huma.Tag{
			{Name: tagMerchants, Description: "Businesses and their accounts at the providers"},
			{Name: tagInvoices, Description: "What buyers owe"},
			{Name: tagRefunds, Description: "Money that goes back"},
			{Name: tagCards, Description: "Cards that are charged by your call. Numbers may only be sent with `ACCEPT_CARD_DATA`; they are passed on and never kept"},
			{Name: tagPayouts, Description: "Money to cards"},
			{Name: tagTills, Description: "Programs beside cash registers. They report what is sold in the shop, and it stands in the same lists as what is sold on the web"},
			{Name: tagReconciliations, Description: "Comparing our book with what the providers say"},
			{Name: tagCallbacks, Description: "What the providers call. Enter the merchant's `callbackUrl` in the provider's cabinet; your app never calls these"},
			{Name: tagHealth, Description: "For monitoring"},
		},
		Security: []map[string][]string{{"apiKey": {}}},
		Components: &huma.Components{
			Schemas:    reg,
			Responses:  errorResponses(reg),
			Parameters: map[string]*huma.Param{"IdempotencyKey": idempotencyParam()},
			Headers: map[string]*huma.Header{
				"X-Request-Id":        {Description: "Also in our log: quote it when you report a problem. A sane one of yours is kept", Schema: &huma.Schema{Type: huma.TypeString}},
				"Idempotent-Replayed": {Description: "true: the key was known, and nothing was done", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"true"}}},
				"Retry-After":         {Description: "Seconds", Required: true, Schema: &huma.Schema{Type: huma.TypeInteger}},
				"Allow":               {Required: true, Schema: &huma.Schema{Type: huma.TypeString}},
			},
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"apiKey":       {Type: "apiKey", In: "header", Name: "x-api-key", Description: "SERVICE_API_KEY. Several count while keys are rotated"},
				"tillToken":    {Type: "http", Scheme: "bearer", Description: "What a till was given when it was paired"},
				"metricsToken": {Type: "http", Scheme: "bearer", Description: "METRICS_TOKEN. Without one, only the gateway's own machine may read the metrics"},
			},
		},
		Webhooks: s.webhooks(reg),
	}
}

func idempotencyParam() *huma.Param {
	least, most := 1, 255
	return &huma.Param{
		Name: "Idempotency-Key", In: "header", Description: "Makes a repeat of the request harmless",
		Schema:  &huma.Schema{Type: huma.TypeString, MinLength: &least, MaxLength: &most, Pattern: "^[!-~]+$"},
		Example: "order_123_try_1",
	}
}

// finish makes the document ready to be written, once everything is in it.
func (s *server) finish() {
	for _, schema := range s.shaper.reg.Map() {
		polish(schema, s.shaper.seen[schema])
	}
	for _, item := range s.api.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				polish(p.Schema, true)
			}
		}
	}
	s.document = sync.OnceValue(func() []byte {
		doc, err := json.Marshal(s.api.OpenAPI())
		if err != nil {
			panic(err)
		}
		return doc
	})
}

// polish takes from a schema what is no OpenAPI, says of arrays that they are never null (they
// are written as []), and lets an answer have fields that are not described yet.
func polish(schema *huma.Schema, isRequest bool) {
	if schema == nil {
		return
	}
	schema.PatternDescription = ""
	if schema.Type == huma.TypeArray {
		schema.Nullable = false
		polish(schema.Items, isRequest)
	}
	if closed, ok := schema.AdditionalProperties.(bool); ok && !closed && !isRequest {
		schema.AdditionalProperties = nil
	}
	for _, p := range schema.Properties {
		polish(p, isRequest)
	}
}

func schemaOf[T any](reg huma.Registry) *huma.Schema {
	return reg.Schema(reflect.TypeFor[T](), true, "")
}

// ─── Envelopes ─────────────────────────────────────────────────────────────────────────────

func envelopeSchema(ok bool, status int, word string, data *huma.Schema) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Required: []string{"status", "code", "message", "data"},
		Properties: map[string]*huma.Schema{
			"status":  {Type: huma.TypeBoolean, Enum: []any{ok}},
			"code":    {Type: huma.TypeInteger, Enum: []any{status}},
			"message": {Type: huma.TypeString, Enum: []any{word}},
			"data":    data,
		},
	}
}

func successSchema(status int, data *huma.Schema) *huma.Schema {
	return envelopeSchema(true, status, "OK", data)
}

// responseName is the name of an error's response in the document: ValidationError, …
func responseName(k errorKind) string {
	name := ""
	for part := range strings.SplitSeq(strings.ToLower(k.word), "_") {
		name += strings.ToUpper(part[:1]) + part[1:]
	}
	return name
}

func errorResponses(reg huma.Registry) map[string]*huma.Response {
	data := schemaOf[errorData](reg)
	out := map[string]*huma.Response{}
	for _, k := range errorKinds {
		res := &huma.Response{
			Description: k.when, Headers: map[string]*huma.Header{"X-Request-Id": {Ref: "#/components/headers/X-Request-Id"}},
			Content: map[string]*huma.MediaType{"application/json": {
				Schema:  envelopeSchema(false, k.status, k.word, data),
				Example: errorExample(k),
			}},
		}
		switch k.status {
		case http.StatusTooManyRequests:
			res.Headers["Retry-After"] = &huma.Header{Ref: "#/components/headers/Retry-After"}
		case http.StatusMethodNotAllowed:
			res.Headers["Allow"] = &huma.Header{Ref: "#/components/headers/Allow"}
		}
		out[responseName(k)] = res
	}
	return out
}

func errorExample(k errorKind) map[string]any {
	data := map[string]any{"details": []string{errorSentences[k.status]}, "requestId": "01975f2e-7c10-7d3e-8a55-3f0c2f6a9b11"}
	switch k.status {
	case http.StatusConflict:
		data["reason"] = "payment_in_progress"
	case http.StatusBadGateway:
		data["provider"] = map[string]any{"name": "multicard", "code": "ERROR_AUTH", "message": "Invalid credentials"}
	}
	return map[string]any{"status": false, "code": k.status, "message": k.word, "data": data}
}

var errorSentences = map[int]string{
	http.StatusBadRequest:            `"amount" must be greater than or equal to 100`,
	http.StatusUnauthorized:          `"x-api-key" is missing or wrong`,
	http.StatusForbidden:             "not allowed from here",
	http.StatusNotFound:              "there is no such invoice",
	http.StatusMethodNotAllowed:      "this address takes GET, HEAD",
	http.StatusConflict:              "an attempt to pay this invoice is under way",
	http.StatusRequestEntityTooLarge: `"body" must not be larger than 64 KiB`,
	http.StatusUnsupportedMediaType:  `"Content-Type" must be application/json, in UTF-8`,
	http.StatusUnprocessableEntity:   "Payme has no refund call: cancel the payment in Payme Business",
	http.StatusTooManyRequests:       "more than 120 requests a minute came from this address",
	http.StatusBadGateway:            "the provider refused our credentials",
	http.StatusInternalServerError:   "something went wrong on our side: the request id finds it in the log",
}

// ─── Examples ──────────────────────────────────────────────────────────────────────────────

// exampleProvider is the one that the examples speak of.
func (s *server) exampleProvider() provider.Info {
	for _, p := range s.providers {
		if !p.InStore {
			return p
		}
	}
	return provider.Info{Name: "click"}
}

func (s *server) exampleMerchant() map[string]any {
	p, credentials := s.exampleProvider(), map[string]any{}
	for _, f := range p.Fields {
		credentials[f.Key] = "from the provider's cabinet"
	}
	return map[string]any{
		"source": "marketplace", "businessId": "biz_42", "provider": p.Name,
		"displayName": "Restoran A — " + p.Title, "credentials": credentials,
	}
}

func (s *server) exampleInvoice() map[string]any {
	return map[string]any{
		"source": "marketplace", "businessId": "biz_42", "provider": s.exampleProvider().Name, "sourceInvoiceId": "order_123", "amount": 5000000,
		"notifyUrl": "https://shop.example.uz/api/payments/webhook", "returnUrl": "https://shop.example.uz/orders/123", "lang": "uz",
		"ofd": []any{map[string]any{
			"qty": 1, "price": 5000000, "total": 5000000, "mxik": "06401004002000000", "package_code": "1506113", "name": "Kitob dona", "vat": 12,
		}},
	}
}

func exampleRefund() map[string]any {
	return map[string]any{
		"invoiceId": "01975f2e-6a09-7bf0-9a1b-00505680eaf6", "amount": 2000000,
		"reason": "Buyer returned 1 item", "idempotencyKey": "refund_order_123_1",
	}
}

// ─── What is served beside the operations ──────────────────────────────────────────────────

// describePlain describes the addresses that have no envelope: callbacks, health, metrics and
// the document itself.
func (s *server) describePlain() {
	for i, path := range []string{"/api/callbacks/{provider}", "/api/callbacks/{provider}/{merchantId}", "/api/callbacks/{provider}/{merchantId}/{method}"} {
		s.describeCallback(path, []string{"callbackByProvider", "callback", "callbackMethod"}[i])
	}
	reg := s.shaper.reg
	s.plain("/health", "getHealth", "List the providers that are wired up", map[int]plainAnswer{
		200: {"The gateway answers.", "application/json", schemaOf[health](reg)},
	}, nil)
	s.plain("/livez", "getLiveness", "Whether the process answers", map[int]plainAnswer{
		200: {"It does.", "application/json", schemaOf[liveness](reg)},
	}, nil)
	s.plain("/readyz", "getReadiness", "Whether requests can be served", map[int]plainAnswer{
		200: {"They can.", "application/json", schemaOf[readiness](reg)},
		503: {"They cannot; `checks` says why.", "application/json", schemaOf[readiness](reg)},
	}, nil)
	if s.o.Metrics != nil {
		s.describeMetrics()
	}
	s.plain("/docs/openapi.json", "getDocument", "This document", map[int]plainAnswer{
		200: {"OpenAPI 3.1.", "application/openapi+json", &huma.Schema{Type: huma.TypeObject}},
	}, nil)
}

func (s *server) describeMetrics() {
	s.plain("/metrics", "getMetrics", "Metrics for Prometheus", map[int]plainAnswer{
		200: {"The metrics.", "text/plain", &huma.Schema{Type: huma.TypeString}},
		403: {"Not with this token, or not from here.", "", nil},
	}, []map[string][]string{{"metricsToken": {}}, {}})
}

type plainAnswer struct {
	words, kind string
	schema      *huma.Schema
}

func (s *server) plain(path, id, summary string, answers map[int]plainAnswer, security []map[string][]string) {
	if security == nil {
		security = []map[string][]string{}
	}
	op := &huma.Operation{
		Method: http.MethodGet, Path: path, OperationID: id, Tags: []string{tagHealth}, Summary: summary,
		Security: security, Responses: map[string]*huma.Response{},
	}
	for status, a := range answers {
		res := &huma.Response{Ref: "#/components/responses/Forbidden"}
		if a.schema != nil {
			res = &huma.Response{Description: a.words, Content: map[string]*huma.MediaType{a.kind: {Schema: a.schema}}}
		}
		op.Responses[strconv.Itoa(status)] = res
	}
	s.api.OpenAPI().AddOperation(op)
}

func (s *server) describeCallback(path, id string) {
	op := &huma.Operation{
		Method: http.MethodPost, Path: path, OperationID: id, Tags: []string{tagCallbacks},
		Summary:     "A provider calls",
		Description: "In the provider's own dialect, with the provider's own proof: Click posts Prepare and Complete as a form, Payme posts JSON-RPC, Uzum appends `/check`, `/create`, `/confirm`, `/reverse` or `/status`, Multicard gets the address as `callback_url`. Any method is taken. An address without a merchant works where the message itself names one. Without a valid proof nothing is changed.",
		Security:    []map[string][]string{},
		RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{
			"application/json":                  {Schema: &huma.Schema{}},
			"application/x-www-form-urlencoded": {Schema: &huma.Schema{}},
		}},
		Responses: map[string]*huma.Response{"default": {Description: "In the provider's dialect. HTTP 500 always means: could not be told now, come again."}},
	}
	for _, m := range inPath.FindAllStringSubmatch(path, -1) {
		op.Parameters = append(op.Parameters, s.pathParam(m[1]))
	}
	s.api.OpenAPI().AddOperation(op)
}

// pathParam describes a part of a path.
func (s *server) pathParam(name string) *huma.Param {
	p := &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}
	switch name {
	case "id", "invoiceId", "merchantId", "uuid":
		p.Schema.Format = "uuid"
	case "source", "businessId":
		p.Schema = callersID("").Schema(nil)
	case "provider":
		p.Schema.Enum = s.shaper.choices["provider"]
	case "method":
		p.Description = "What the provider appends to the address"
	}
	return p
}
