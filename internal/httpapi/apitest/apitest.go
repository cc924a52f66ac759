// Package apitest holds answers of the API against its own OpenAPI document, for every test
// that speaks HTTP. An answer passes only if the document describes its path, method, status,
// headers and content type, and nothing in its body that the document does not name. A request
// that succeeded must also be one that the document allows.
package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Document is an OpenAPI document, ready to check answers with.
type Document struct {
	root   map[string]any
	routes []route

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

// route is one path of the document, cut at its slashes.
type route struct {
	path     string
	segments []string
}

// base is where the document is said to be: schemas are named by pointers below it.
const base = "https://api.invalid/openapi.json"

// Fetch reads the document from a handler that serves it.
func Fetch(t testing.TB, h http.Handler) *Document {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/docs/openapi.json", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("the document: HTTP %d %s", w.Code, w.Body)
	}
	d, err := Load(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Load reads a document.
func Load(data []byte) (*Document, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("the document is not JSON: %w", err)
	}
	root, ok := doc.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the document is not an object")
	}
	d := &Document{root: root, compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	for path := range object(root, "paths") {
		d.routes = append(d.routes, route{path, strings.Split(path, "/")})
	}
	// The more a route says by itself, the earlier it is tried: /supported before /{id}.
	slices.SortFunc(d.routes, func(a, b route) int {
		if n := strings.Count(a.path, "{") - strings.Count(b.path, "{"); n != 0 {
			return n
		}
		return strings.Compare(a.path, b.path)
	})
	closeObjects(root)
	return d, d.compiler.AddResource(base, doc)
}

// closeObjects forbids in every schema of an object what it does not name. The document leaves
// that open for readers, so that fields can be added; our own tests must see every field.
func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"].(map[string]any); ok && v["type"] == "object" && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for name, item := range v {
			if name != "example" && name != "examples" {
				closeObjects(item)
			}
		}
	case []any:
		for _, item := range v {
			closeObjects(item)
		}
	}
}

// Check fails t unless res is an answer to req that the document describes. It reads the body
// and puts it back.
func Check(t testing.TB, d *Document, req *http.Request, res *http.Response) {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		t.Errorf("%s %s: the answer broke off: %v", req.Method, req.URL.Path, err)
		return
	}
	var sent []byte
	if req.GetBody != nil {
		if r, err := req.GetBody(); err == nil {
			sent, _ = io.ReadAll(r)
		}
	}
	if err := d.Check(req, sent, res, body); err != nil {
		t.Errorf("%s %s: HTTP %d is not as the document says: %v\n%s", req.Method, req.URL.Path, res.StatusCode, err, body)
	}
}

// Transport checks every answer that a test's client gets from the API. What the document does
// not speak of (pages, the sandbox) passes unchecked.
type Transport struct {
	TB       testing.TB
	Document *Document
	Base     http.RoundTripper // nil: http.DefaultTransport
}

// RoundTrip sends req and checks what comes back.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	next := t.Base
	if next == nil {
		next = http.DefaultTransport
	}
	res, err := next.RoundTrip(req)
	if err == nil && t.Document.Covers(req.URL.EscapedPath()) {
		Check(t.TB, t.Document, req, res)
	}
	return res, err
}

// Covers says whether the document speaks of a path: those it lists, and all of /api/.
func (d *Document) Covers(path string) bool {
	_, found := d.route(path)
	return found || strings.HasPrefix(path, "/api/")
}

// ─── The rules ─────────────────────────────────────────────────────────────────────────────

// Check says what in an answer the document does not describe, nil if nothing.
func (d *Document) Check(req *http.Request, sent []byte, res *http.Response, body []byte) error {
	if res.Header.Get("X-Request-Id") == "" {
		return fmt.Errorf("it has no X-Request-Id")
	}
	pointer, response, err := d.response(req, res.StatusCode)
	if err != nil {
		return err
	}
	for name, h := range object(response, "headers") {
		if required, _ := d.follow(h)["required"].(bool); required && res.Header.Get(name) == "" {
			return fmt.Errorf("it has no %s", name)
		}
	}
	content := object(response, "content")
	if len(content) == 0 || req.Method == http.MethodHead {
		return nil
	}
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	if content[kind] == nil {
		return fmt.Errorf("it is %q", kind)
	}
	if strings.HasSuffix(kind, "json") {
		if err := d.Validate(pointer+"/content/"+escape(kind)+"/schema", body); err != nil {
			return fmt.Errorf("its body: %w", err)
		}
	}
	if res.StatusCode < 300 && len(sent) > 0 {
		return d.checkRequest(req, sent)
	}
	return nil
}

// response finds what the document says of an answer. Where a path or a method is not in the
// document, only the envelope's own 404 and 405 (and 401, 429 before them) are right.
func (d *Document) response(req *http.Request, status int) (string, map[string]any, error) {
	code := strconv.Itoa(status)
	pointer, op := d.operation(req)
	if op == nil {
		for name, word := range map[string]int{"NotFound": 404, "MethodNotAllowed": 405, "Unauthorized": 401, "RateLimited": 429, "InternalError": 500} {
			if word == status {
				p := "/components/responses/" + name
				return p, object(object(object(d.root, "components"), "responses"), name), nil
			}
		}
		return "", nil, fmt.Errorf("the document has no such operation")
	}
	responses := object(op, "responses")
	for _, name := range []string{code, "default"} {
		r, ok := responses[name].(map[string]any)
		if !ok {
			continue
		}
		if ref, ok := r["$ref"].(string); ok {
			return strings.TrimPrefix(ref, "#"), d.follow(r), nil
		}
		return pointer + "/responses/" + name, r, nil
	}
	return "", nil, fmt.Errorf("the document has no answer %s there", code)
}

func (d *Document) operation(req *http.Request) (string, map[string]any) {
	r, found := d.route(req.URL.EscapedPath())
	if !found {
		return "", nil
	}
	method := strings.ToLower(req.Method)
	if method == "head" {
		method = "get"
	}
	if strings.HasPrefix(r.path, "/api/callbacks/") {
		method = "post" // any method is taken there; what companies use stands for all of them
	}
	op := object(object(object(d.root, "paths"), r.path), method)
	return "/paths/" + escape(r.path) + "/" + method, op
}

func (d *Document) route(path string) (route, bool) {
	segments := strings.Split(path, "/")
	for _, r := range d.routes {
		if len(r.segments) == len(segments) && fits(r.segments, segments) {
			return r, true
		}
	}
	return route{}, false
}

func fits(pattern, segments []string) bool {
	for i, p := range pattern {
		if p != segments[i] && (!strings.HasPrefix(p, "{") || segments[i] == "") {
			return false
		}
	}
	return true
}

func (d *Document) checkRequest(req *http.Request, sent []byte) error {
	pointer, op := d.operation(req)
	kind, _, _ := strings.Cut(req.Header.Get("Content-Type"), ";")
	if object(object(object(op, "requestBody"), "content"), kind) == nil || !strings.HasSuffix(kind, "json") {
		return nil
	}
	if err := d.Validate(pointer+"/requestBody/content/"+escape(kind)+"/schema", sent); err != nil {
		return fmt.Errorf("it succeeded, though the document does not allow the request: %w", err)
	}
	return nil
}

// ─── Reading the document ──────────────────────────────────────────────────────────────────

// Validate checks a JSON value against the schema at a pointer of the document.
func (d *Document) Validate(pointer string, value []byte) error {
	d.mu.Lock()
	schema := d.compiled[pointer]
	if schema == nil {
		var err error
		if schema, err = d.compiler.Compile(base + "#" + pointer); err != nil {
			d.mu.Unlock()
			return fmt.Errorf("the document's schema: %w", err)
		}
		d.compiled[pointer] = schema
	}
	d.mu.Unlock()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return schema.Validate(v)
}

// Each calls f with every schema that stands by itself in the document, and its pointer: those
// of components, bodies, answers and parameters.
func (d *Document) Each(f func(pointer string, schema map[string]any)) { each("", d.root, f) }

func each(pointer string, v any, f func(string, map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		for name, item := range v {
			at := pointer + "/" + escape(name)
			switch schemas, ok := item.(map[string]any); {
			case name == "schema" && ok:
				f(at, schemas)
			case name == "schemas" && ok:
				for s, schema := range schemas {
					f(at+"/"+escape(s), schema.(map[string]any))
				}
			case name != "example" && name != "examples":
				each(at, item, f)
			}
		}
	case []any:
		for i, item := range v {
			each(pointer+"/"+strconv.Itoa(i), item, f)
		}
	}
}

// At returns the JSON at a pointer.
func (d *Document) At(pointer string) any {
	var v any = d.root
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch at := v.(type) {
		case map[string]any:
			v = at[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

// JSON writes a value of the document as it is.
func JSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func (d *Document) follow(v any) map[string]any {
	m, _ := v.(map[string]any)
	if ref, ok := m["$ref"].(string); ok {
		m, _ = d.At(strings.TrimPrefix(ref, "#")).(map[string]any)
	}
	return m
}

func object(m map[string]any, name string) map[string]any {
	o, _ := m[name].(map[string]any)
	return o
}

func escape(token string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}
