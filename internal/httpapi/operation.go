package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
)

// about is what the document says of an operation besides its types.
type about struct {
	id, tag, summary, description string

	success []int      // the HTTP statuses of a success; nil: 200
	fails   []pay.Code // which errors it has, beside those that every operation has
	example any        // of the request's body
	noBody  bool       // a POST that needs none: an empty object is the same
	upload  bool       // a POST that also takes a form with a file
	also    check      // a check of the whole request
	key     keyKind    // what opens it; "": the API key
}

// keyKind is what opens an operation.
type keyKind string

// Besides the API key, which the app has.
const (
	keyTill keyKind = "till" // a till's own token, in Authorization
	keyNone keyKind = "none" // what is in the body
)

// call is one request to an operation.
type call struct {
	r    *http.Request
	body *node  // nil where there is none
	key  string // the Idempotency-Key header, "" where there is none
	file []byte // of a form; nil where there is none
	over func() // what is to be done when the request is over; nil: nothing

	status   int // of the answer
	replayed bool
}

// Context is the request's. The use cases finish what they have begun even when the caller
// leaves.
func (c *call) Context() context.Context { return c.r.Context() }

// path returns a part of the path that names one of our own things. One that cannot be an id
// names nothing.
func (c *call) path(name, what string) (string, error) {
	text := c.r.PathValue(name)
	if !id.Valid(text) {
		return "", &pay.Error{Code: pay.CodeNotFound, Reason: what + "_not_found", Message: "there is no such " + what}
	}
	return text, nil
}

// idem is the caller's idempotency key together with what it was used for.
func (c *call) idem(request any) gateway.Idem {
	return gateway.Idem{Key: c.key, Request: request}
}

// saved takes the status of a use case's answer, and whether it is a replay.
func saved[T any](c *call, s gateway.Saved[T]) T {
	c.status, c.replayed = s.Status, s.Replayed
	return s.Value
}

// none is the request of an operation that takes nothing but its path.
type none struct{}

// add makes an operation of a handler: its route, its entry in the document, and the checks
// between the two. In is the query of a GET and the body of everything else; Out is what
// stands in the envelope's data.
func add[In, Out any](s *server, route string, a about, handle func(*call, In) (Out, error)) {
	method, path, _ := strings.Cut(route, " ")
	op := &huma.Operation{
		Method: method, Path: path, OperationID: a.id, Tags: []string{a.tag},
		Summary: a.summary, Description: a.description,
	}
	switch a.key {
	case keyTill:
		op.Security, s.keyless[path] = []map[string][]string{{"tillToken": {}}}, a.key
	case keyNone:
		op.Security, s.keyless[path] = []map[string][]string{{}}, a.key
	}
	shape := s.describe(op, a, reflect.TypeFor[In](), reflect.TypeFor[Out]())
	shape.check = a.also
	s.api.Adapter().Handle(op, func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		c := &call{r: r, status: http.StatusOK}
		defer func() {
			if c.over != nil {
				c.over()
			}
		}()
		in, err := read[In](s, shape, c, w, a)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		out, err := handle(c, in)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if c.replayed {
			w.Header().Set("Idempotent-Replayed", "true")
		}
		write(w, envelope[Out]{Status: true, Code: c.status, Message: "OK", Data: out})
	})
}

// read makes an operation's In of a request.
func read[In any](s *server, shape *shape, c *call, w http.ResponseWriter, a about) (in In, err error) {
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodHead {
		n, f := readQuery(c.r.URL.RawQuery, shape)
		if f != nil {
			return in, invalid(*f)
		}
		return decode[In](shape, n)
	}
	var outside []fault // of the body
	if c.r.Method == http.MethodPost {
		if c.key, err = idempotencyKey(c.r.Header.Values("Idempotency-Key")); err != nil {
			outside = append(outside, fault{"Idempotency-Key", err.Error()})
		}
	}
	if c.r.URL.RawQuery != "" {
		outside = append(outside, fault{"query", "is not allowed"})
	}
	if a.upload && isForm(c.r.Header.Values("Content-Type")) {
		c.body, c.file, err = s.readUpload(w, c)
	} else {
		c.body, err = readBody(w, c.r)
	}
	if err != nil {
		return in, err
	}
	switch {
	case c.body == nil && a.noBody:
		c.body = &node{kind: '{'}
	case c.body == nil:
		return in, invalid(append(outside, fault{"body", "is required"})...)
	}
	in, err = decode[In](shape, c.body)
	return in, withFaults(outside, err)
}

// withFaults puts the faults of the headers before those of the body.
func withFaults(list []fault, err error) error {
	if len(list) == 0 {
		return err
	}
	e := invalid(list...)
	if of, ok := err.(*pay.Error); ok {
		e.Details = append(e.Details, of.Details...)
		e.Reason = of.Reason
	}
	return e
}

// ─── Query and headers ─────────────────────────────────────────────────────────────────────

// readQuery makes an object of a query, so that it is checked like a body: what the shape
// says is a number or a boolean becomes one, where it looks like it.
func readQuery(raw string, s *shape) (*node, *fault) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, &fault{"query", "is not a valid query"}
	}
	n := &node{kind: '{'}
	for name, list := range values {
		if len(list) > 1 {
			return nil, &fault{join("", name), "must not be given twice"}
		}
		if strings.IndexByte(name+list[0], 0) >= 0 {
			return nil, &fault{join("", strings.ReplaceAll(name, "\x00", "")), "must not contain the NUL character"}
		}
		n.names = append(n.names, name)
	}
	slices.Sort(n.names) // the order of a map would change from one answer to the next
	for _, name := range n.names {
		item := &node{kind: '"', text: strings.ToValidUTF8(values.Get(name), "�")}
		if i := slices.IndexFunc(s.fields, func(f field) bool { return f.name == name }); i >= 0 {
			item.retype(s.fields[i].schema.Type)
		}
		n.items = append(n.items, item)
	}
	return n, nil
}

var aNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

func (n *node) retype(to string) {
	switch {
	case to == huma.TypeInteger && aNumber.MatchString(n.text):
		n.kind = '0'
	case to == huma.TypeBoolean && n.text == "true":
		n.kind = 't'
	case to == huma.TypeBoolean && n.text == "false":
		n.kind = 'f'
	}
}

type keyError string

func (e keyError) Error() string { return string(e) }

// idempotencyKey takes the header's value: one, of 1 to 255 visible ASCII characters.
func idempotencyKey(header []string) (string, error) {
	if len(header) == 0 {
		return "", nil
	}
	if len(header) > 1 {
		return "", keyError("must not be given twice")
	}
	if !isKey(header[0]) {
		return "", keyError("must be 1 to 255 visible ASCII characters")
	}
	return header[0], nil
}

func isKey(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 255
}

// ─── The document's entry ──────────────────────────────────────────────────────────────────

var inPath = regexp.MustCompile(`\{([a-zA-Z]+)\}`)

// describe writes the operation into the document and returns the shape of its In, made from
// the same schema.
func (s *server) describe(op *huma.Operation, a about, in, out reflect.Type) *shape {
	reg := s.api.OpenAPI().Components.Schemas
	for _, m := range inPath.FindAllStringSubmatch(op.Path, -1) {
		op.Parameters = append(op.Parameters, s.pathParam(m[1]))
	}
	schema := reg.Schema(in, true, "")
	shape := s.shaper.shape(in, schema, "")
	switch {
	case op.Method == http.MethodGet:
		for _, f := range shape.fields {
			op.Parameters = append(op.Parameters, &huma.Param{Name: f.name, In: "query", Description: f.schema.Description, Schema: f.schema})
		}
		delete(reg.Map(), strings.TrimPrefix(schema.Ref, schemaPrefix)) // a query is no schema of its own
	case in == reflect.TypeFor[none]():
		delete(reg.Map(), strings.TrimPrefix(schema.Ref, schemaPrefix))
	default:
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schema, Example: a.example}}}
	}
	if a.upload {
		op.RequestBody.Content["multipart/form-data"] = &huma.MediaType{Schema: uploadSchema(reg.SchemaFromRef(schema.Ref))}
	}
	if op.Method == http.MethodPost {
		op.Parameters = append(op.Parameters, &huma.Param{Ref: "#/components/parameters/IdempotencyKey"})
	}
	s.responses(op, a, reg.Schema(out, true, ""))
	s.api.OpenAPI().AddOperation(op)
	return shape
}

// responses describes everything that the operation may answer.
func (s *server) responses(op *huma.Operation, a about, data *huma.Schema) {
	op.Responses = map[string]*huma.Response{}
	if a.success == nil {
		a.success = []int{http.StatusOK}
	}
	for _, status := range a.success {
		res := &huma.Response{
			Description: successWords[status], Headers: map[string]*huma.Header{"X-Request-Id": {Ref: "#/components/headers/X-Request-Id"}},
			Content: map[string]*huma.MediaType{"application/json": {Schema: successSchema(status, data)}},
		}
		if op.Method == http.MethodPost {
			res.Headers["Idempotent-Replayed"] = &huma.Header{Ref: "#/components/headers/Idempotent-Replayed"}
		}
		op.Responses[strconv.Itoa(status)] = res
	}
	codes := append([]pay.Code{pay.CodeInvalid, pay.CodeUnauthorized, pay.CodeRateLimited, pay.CodeInternal}, a.fails...)
	if op.Method != http.MethodGet {
		codes = append(codes, pay.CodeTooLarge, codeMediaType)
	}
	if strings.Contains(op.Path, "{") {
		codes = append(codes, pay.CodeNotFound)
	}
	for _, code := range codes {
		kind := kindOf(code)
		op.Responses[strconv.Itoa(kind.status)] = &huma.Response{Ref: "#/components/responses/" + responseName(kind)}
	}
}

var successWords = map[int]string{
	http.StatusOK:      "Done, or already so.",
	http.StatusCreated: "Made anew.",
}
