package site

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/chorsu/chorsu/docs"
)

// The API reference: the OpenAPI document, written as a page of Markdown like any other, so that
// it has a twin, copy buttons, and no script of its own. What the document says is all it says.

// referencePage is where it stands in the table of contents.
var referencePage = docs.Page{Path: "api", Title: "API reference"}

// openAPI is as much of a document as the reference shows.
type openAPI struct {
	Info  struct{ Description string }
	Tags  []struct{ Name, Description string }
	Paths map[string]pathItem

	Webhooks   map[string]pathItem
	Components struct {
		Schemas    map[string]*schema
		Responses  map[string]*response
		Parameters map[string]*parameter
	}
}

type pathItem struct{ Get, Post, Patch, Put, Delete *operation }

// each is every operation of the address, with its method.
func (p pathItem) each(f func(method string, op *operation)) {
	for _, m := range []struct {
		name string
		op   *operation
	}{{"GET", p.Get}, {"POST", p.Post}, {"PUT", p.Put}, {"PATCH", p.Patch}, {"DELETE", p.Delete}} {
		if m.op != nil {
			f(m.name, m.op)
		}
	}
}

type operation struct {
	OperationID, Summary, Description string
	Tags                              []string
	Parameters                        []*parameter
	RequestBody                       *struct{ Content map[string]media }
	Responses                         map[string]*response
	Security                          []map[string][]string
}

type parameter struct {
	Ref               string `json:"$ref"`
	Name, In          string
	Description       string
	Required          bool
	Schema            *schema
	Example           any
	Examples, Explode any
}

type media struct {
	Schema  *schema
	Example json.RawMessage
}

type response struct {
	Ref         string `json:"$ref"`
	Description string
	Content     map[string]media
}

type schema struct {
	Ref                         string `json:"$ref"`
	Type                        anyOf
	Format, Description         string
	Enum, Examples              []any
	Default                     any
	Minimum, Maximum            *json.Number
	MinLength, MaxLength        *int
	MinItems, MaxItems          *int
	Required                    []string
	Properties                  fields
	Items                       *schema
	OneOf, AnyOf, AllOf         []*schema
	AdditionalProperties        json.RawMessage
	WriteOnly, ReadOnly, Deprec bool
}

// anyOf is a schema's type: one word, or several.
type anyOf []string

func (a *anyOf) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = anyOf{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// fields are an object's, in the order in which the document has them.
type fields []field

type field struct {
	Name   string
	Schema *schema
}

func (f *fields) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil { // {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		one := field{Name: fmt.Sprint(name), Schema: &schema{}}
		if err := dec.Decode(one.Schema); err != nil {
			return err
		}
		*f = append(*f, one)
	}
	return nil
}

// writer writes the page.
type writer struct {
	doc openAPI
	b   bytes.Buffer
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

// reference is the page's Markdown.
func reference(document []byte) ([]byte, error) {
	w := &writer{}
	if err := json.Unmarshal(document, &w.doc); err != nil {
		return nil, fmt.Errorf("the API's document: %w", err)
	}
	w.line("# API reference\n")
	w.line("%s\n", w.doc.Info.Description)
	w.line("For programs: the [OpenAPI 3.1 document](/docs/openapi.json).\n")
	for _, t := range w.doc.Tags {
		w.line("## %s\n\n%s.\n", t.Name, strings.TrimSuffix(t.Description, "."))
		for _, path := range slices.SortedFunc(maps.Keys(w.doc.Paths), inOrder) {
			w.doc.Paths[path].each(func(method string, op *operation) {
				if slices.Contains(op.Tags, t.Name) {
					w.operation(method, path, op)
				}
			})
		}
	}
	w.webhooks()
	w.errors()
	w.shapes()
	return w.b.Bytes(), nil
}

// inOrder puts an address before those below it, and parameters after plain words.
func inOrder(a, b string) int {
	plain := func(s string) string { return strings.ReplaceAll(s, "{", "~") }
	return cmp.Compare(plain(a), plain(b))
}

func (w *writer) operation(method, path string, op *operation) {
	w.line("### %s\n\n`%s %s`\n", op.Summary, method, path)
	if op.Description != "" {
		w.line("%s\n", op.Description)
	}
	if op.Security != nil && len(op.Security) == 0 {
		w.line("No key is asked for.\n")
	}
	w.parameters(op)
	var example []byte
	if op.RequestBody != nil {
		if m, ok := op.RequestBody.Content["application/json"]; ok && m.Schema != nil && len(op.RequestBody.Content) == 1 {
			w.line("**Body**\n")
			w.table(w.resolve(m.Schema))
			example = m.Example
		}
	}
	if strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/api/callbacks/") {
		w.sample(method, path, op, example)
	}
	w.answers(op)
}

func (w *writer) parameters(op *operation) {
	var rows [][]string
	for _, p := range op.Parameters {
		if p.Ref != "" {
			p = w.doc.Components.Parameters[lastPart(p.Ref)]
		}
		if p == nil {
			continue
		}
		must := ""
		if p.Required && p.In != "path" {
			must = "required"
		}
		rows = append(rows, []string{code(p.Name), p.In, w.kind(p.Schema), must, p.Description})
	}
	if len(rows) > 0 {
		w.rows([]string{"parameter", "in", "type", "", "meaning"}, rows)
	}
}

// sample is a request that can be typed. What stands in the address is to be replaced.
func (w *writer) sample(method, path string, op *operation, body []byte) {
	w.line("```sh")
	command := "curl -s"
	if method != "GET" && !(method == "POST" && body != nil) {
		command += " -X " + method
	}
	w.line("%s http://localhost:4002%s \\", command, strings.NewReplacer("{", "<", "}", ">").Replace(path))
	if body == nil {
		w.line("  -H \"x-api-key: $SERVICE_API_KEY\"")
	} else {
		var b bytes.Buffer
		if json.Indent(&b, body, "  ", "  ") != nil {
			b.Write(body)
		}
		w.line("  -H \"x-api-key: $SERVICE_API_KEY\" -H 'Content-Type: application/json' \\")
		w.line("  -d '%s'", strings.ReplaceAll(b.String(), "'", `'\''`))
	}
	w.line("```\n")
}

// answers are what comes back: the good ones with their shape and a sample, the errors by name.
func (w *writer) answers(op *operation) {
	var bad []string
	said := false
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		if r.Ref != "" {
			bad = append(bad, fmt.Sprintf("[%s](#errors)", status))
			continue
		}
		w.line("**%s** %s\n", map[bool]string{true: "Any answer:", false: status}[status == "default"], strings.TrimSpace(r.Description))
		m, ok := r.Content["application/json"]
		if !ok || m.Schema == nil || said {
			continue
		}
		said = true
		data, wrapped := w.resolve(m.Schema), false
		for _, f := range data.Properties {
			if f.Name == "data" && w.isEnvelope(data) {
				data, wrapped = f.Schema, true
			}
		}
		where := "The answer is"
		if wrapped {
			where = "In `data`:"
		}
		w.line("%s %s\n", where, w.kind(data))
		sample, err := json.MarshalIndent(w.example(m.Schema, 0), "", "  ")
		if err == nil {
			w.line("```json\n%s\n```\n", sample)
		}
	}
	if len(bad) > 0 {
		w.line("Errors: %s.\n", strings.Join(bad, ", "))
	}
}

func (w *writer) isEnvelope(s *schema) bool {
	return len(s.Properties) == 4 && slices.ContainsFunc(s.Properties, func(f field) bool { return f.Name == "message" })
}

func (w *writer) webhooks() {
	if len(w.doc.Webhooks) == 0 {
		return
	}
	w.line("## Webhooks\n\nWhat is posted to an invoice's `notifyUrl`. How to receive it stands in [Receiving webhooks](/docs/webhooks).\n")
	for _, name := range slices.Sorted(maps.Keys(w.doc.Webhooks)) {
		w.doc.Webhooks[name].each(func(_ string, op *operation) {
			w.line("### %s\n\n`%s`\n", op.Summary, name)
			if op.Description != "" {
				w.line("%s\n", op.Description)
			}
			w.parameters(op)
			if op.RequestBody == nil {
				return
			}
			m := op.RequestBody.Content["application/json"]
			if m.Schema == nil {
				return
			}
			w.line("The body is %s\n", w.kind(m.Schema))
			if sample, err := json.MarshalIndent(w.example(m.Schema, 0), "", "  "); err == nil {
				w.line("```json\n%s\n```\n", sample)
			}
		})
	}
}

func (w *writer) errors() {
	w.line("## Errors\n\nEvery error has the same envelope. What to do about each stands in [Errors](/docs/errors).\n")
	type row struct{ status, word, when string }
	var rows []row
	var shown []byte
	for _, name := range slices.Sorted(maps.Keys(w.doc.Components.Responses)) {
		r := w.doc.Components.Responses[name]
		m := r.Content["application/json"]
		var e struct {
			Code    int
			Message string
		}
		if json.Unmarshal(m.Example, &e) != nil {
			continue
		}
		rows = append(rows, row{strconv.Itoa(e.Code), e.Message, r.Description})
		if e.Code == 409 {
			shown = m.Example
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.status, b.status) })
	var cells [][]string
	for _, r := range rows {
		cells = append(cells, []string{code(r.status), code(r.word), r.when})
	}
	w.rows([]string{"code", "message", "when"}, cells)
	var b bytes.Buffer
	if json.Indent(&b, shown, "", "  ") == nil {
		w.line("```json\n%s\n```\n", b.String())
	}
}

// shapes are the objects that the answers are made of.
func (w *writer) shapes() {
	w.line("## Shapes\n\nAn answer may have more fields than these: read what you know, and pass over the rest.\n")
	for _, name := range slices.Sorted(maps.Keys(w.doc.Components.Schemas)) {
		s := w.doc.Components.Schemas[name]
		w.line("### %s\n", shape(name))
		if s.Description != "" {
			w.line("%s\n", s.Description)
		}
		if len(s.Properties) > 0 {
			w.table(s)
		} else {
			w.line("%s\n", w.kind(s))
		}
	}
}

// shape is the heading of a schema, which no other heading reads like.
func shape(name string) string { return "Shape " + name }

// table is an object's fields, those of inner objects with their path.
func (w *writer) table(s *schema) {
	var rows [][]string
	w.fields(&rows, "", s, 0)
	if len(rows) == 0 {
		w.line("%s\n", w.kind(s))
		return
	}
	w.rows([]string{"field", "type", "", "meaning"}, rows)
}

func (w *writer) fields(rows *[][]string, prefix string, s *schema, depth int) {
	for _, f := range s.Properties {
		must := ""
		if slices.Contains(s.Required, f.Name) {
			must = "required"
		}
		*rows = append(*rows, []string{code(prefix + f.Name), w.kind(f.Schema), must, f.Schema.Description})
		inner, mark := f.Schema, "."
		if inner.Items != nil {
			inner, mark = inner.Items, "[]."
		}
		if inner.Ref == "" && len(inner.Properties) > 0 && depth < 3 {
			w.fields(rows, prefix+f.Name+mark, inner, depth+1)
		}
	}
}

// kind is a schema in a few words.
func (w *writer) kind(s *schema) string {
	if s == nil {
		return "anything"
	}
	if s.Ref != "" {
		name := lastPart(s.Ref)
		return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(strings.ReplaceAll(shape(name), " ", "-")))
	}
	for _, some := range [][]*schema{s.OneOf, s.AnyOf, s.AllOf} {
		if len(some) > 0 {
			var kinds []string
			for _, one := range some {
				if k := w.kind(one); !slices.Contains(kinds, k) {
					kinds = append(kinds, k)
				}
			}
			return strings.Join(kinds, " or ")
		}
	}
	if len(s.Enum) > 0 {
		var words []string
		for _, e := range s.Enum {
			b, _ := json.Marshal(e)
			words = append(words, code(strings.Trim(string(b), `"`)))
		}
		return strings.Join(words, " ")
	}
	var words []string
	for _, t := range s.Type {
		words = append(words, w.word(t, s))
	}
	if len(words) == 0 {
		return "anything"
	}
	return strings.Join(words, " or ") + bounds(s)
}

func (w *writer) word(t string, s *schema) string {
	switch {
	case t == "array":
		return "list of " + w.kind(s.Items)
	case t == "string" && s.Format == "date-time":
		return "time"
	case t == "string" && s.Format != "":
		return s.Format
	case t == "string":
		return "text"
	case t == "integer":
		return "whole number"
	case t == "boolean":
		return "true or false"
	}
	return t
}

func bounds(s *schema) string {
	span := func(least, most string) string {
		switch {
		case least != "" && most != "":
			return ", " + least + "–" + most
		case least != "":
			return ", from " + least
		case most != "":
			return ", up to " + most
		}
		return ""
	}
	number := func(n *json.Number) string {
		if n == nil {
			return ""
		}
		return grouped(n.String())
	}
	length := func(n *int) string {
		if n == nil || *n == 0 {
			return ""
		}
		return strconv.Itoa(*n)
	}
	out := span(number(s.Minimum), number(s.Maximum))
	if x := span(length(s.MinLength), length(s.MaxLength)); x != "" {
		out += x + " characters"
	}
	if x := span(length(s.MinItems), length(s.MaxItems)); x != "" {
		out += x + " of them"
	}
	return out
}

// grouped parts a long number in threes, as a person reads it.
func grouped(digits string) string {
	if len(digits) < 5 || strings.ContainsAny(digits, "-.eE") {
		return digits
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteRune('\u00a0')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// example makes a sample of a schema from the examples of its parts.
func (w *writer) example(s *schema, depth int) any {
	s = w.resolve(s)
	switch {
	case s == nil || depth > 8:
		return nil
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.OneOf) > 0:
		return w.example(s.OneOf[0], depth+1)
	case len(s.AnyOf) > 0:
		return w.example(s.AnyOf[0], depth+1)
	case len(s.AllOf) > 0:
		return w.example(s.AllOf[0], depth+1)
	case slices.Contains(s.Type, "null"):
		return nil
	case slices.Contains(s.Type, "object"):
		out := object{}
		for _, f := range s.Properties {
			out = append(out, member{f.Name, w.example(f.Schema, depth+1)})
		}
		if w.isEnvelope(s) { // as it comes on the wire
			order := []string{"status", "code", "message", "data"}
			slices.SortFunc(out, func(a, b member) int { return slices.Index(order, a.name) - slices.Index(order, b.name) })
		}
		return out
	case slices.Contains(s.Type, "array"):
		if one := w.example(s.Items, depth+1); one != nil {
			return []any{one}
		}
		return []any{}
	}
	return plainExample(s)
}

func plainExample(s *schema) any {
	switch {
	case slices.Contains(s.Type, "boolean"):
		return true
	case slices.Contains(s.Type, "integer"), slices.Contains(s.Type, "number"):
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 0
	}
	switch s.Format {
	case "date-time":
		return "2026-11-21T09:02:00.000Z"
	case "date":
		return "2026-11-21"
	case "uuid":
		return "01975f2e-6a09-7bf0-9a1b-00505680eaf6"
	case "uri":
		return "https://shop.example.uz/orders/123"
	}
	return "text"
}

// object is JSON whose fields keep their order.
type object []member

type member struct {
	name  string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s:%s", name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// resolve follows a reference.
func (w *writer) resolve(s *schema) *schema {
	for range 8 {
		if s == nil || s.Ref == "" {
			return s
		}
		s = w.doc.Components.Schemas[lastPart(s.Ref)]
	}
	return s
}

// rows writes a table.
func (w *writer) rows(head []string, rows [][]string) {
	clean := strings.NewReplacer("|", `\|`, "\n", " ")
	w.line("| %s |", strings.Join(head, " | "))
	w.line("|%s", strings.Repeat(" --- |", len(head)))
	for _, cells := range rows {
		for i := range cells {
			cells[i] = clean.Replace(cells[i])
		}
		w.line("| %s |", strings.Join(cells, " | "))
	}
	w.line("")
}

func code(text string) string {
	if text == "" {
		return "``` ```"
	}
	return "`" + text + "`"
}

func lastPart(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
