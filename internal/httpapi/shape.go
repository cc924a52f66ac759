package httpapi

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
)

// shape is what a request's value may look like. It is made from the same schema that the
// OpenAPI document shows, plus the order of the Go struct's fields and the checks that no
// schema can say (the struct tag `check`).
type shape struct {
	schema *huma.Schema
	want   *regexp.Regexp // of schema.Pattern
	words  string         // what is said where it does not match
	fields []field        // of an object with named members
	items  *shape         // of an array's elements, or of a map's values
	check  check
}

type field struct {
	name     string
	required bool
	*shape
}

// check looks at a value of the right kind, and adds the faults that it finds. What is inside a
// list or an object may have faults already.
type check func(f *faults, path string, n *node)

// faults are everything wrong with one request. root is the whole of it, for the checks that
// compare fields.
type faults struct {
	list []fault
	root *node
	card bool // one of them is a card number that may not be sent here
}

func (f *faults) add(path, format string, args ...any) {
	f.list = append(f.list, fault{path, fmt.Sprintf(format, args...)})
}

// under says whether the value at path or something in it has a fault.
func (f *faults) under(path string) bool {
	return slices.ContainsFunc(f.list, func(x fault) bool {
		rest, ok := strings.CutPrefix(x.field, path)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// ─── From Go types ─────────────────────────────────────────────────────────────────────────

// shaper makes shapes of Go types.
type shaper struct {
	reg     huma.Registry
	seen    map[*huma.Schema]bool // of requests
	checks  map[string]check      // by the tag `check`
	choices map[string][]any      // by the tag `choice`: what may stand in a field, known when the program starts
}

// shape makes the shape of a type from its schema. It panics on a rule that it would not keep,
// so that the document cannot promise what the code does not check.
func (m shaper) shape(t reflect.Type, schema *huma.Schema, tag reflect.StructTag) *shape {
	if schema.Ref != "" {
		schema = m.reg.SchemaFromRef(schema.Ref)
	}
	s := &shape{schema: schema}
	m.seen[schema] = true
	if schema.Type == huma.TypeArray {
		schema.Nullable = false // null is not an empty list
	}
	if name := tag.Get("choice"); name != "" {
		if schema.Enum = m.choices[name]; schema.Enum == nil {
			panic("there is no choice named " + name)
		}
	}
	if schema.ExclusiveMinimum != nil || schema.ExclusiveMaximum != nil || schema.MultipleOf != nil || schema.UniqueItems ||
		schema.ContentEncoding != "" || schema.OneOf != nil || schema.AnyOf != nil || schema.AllOf != nil || schema.Not != nil {
		panic(fmt.Sprintf("the schema of %s has a rule that is not kept", t))
	}
	if schema.Format != "" && !slices.Contains([]string{"int32", "int64", "date-time", "uuid", "uri"}, schema.Format) {
		panic(fmt.Sprintf("the schema of %s has the format %s, which is not kept", t, schema.Format))
	}
	if schema.Pattern != "" {
		s.want, s.words = regexp.MustCompile(schema.Pattern), schema.PatternDescription
	}
	if name := tag.Get("check"); name != "" {
		if s.check = m.checks[name]; s.check == nil {
			panic("there is no check named " + name)
		}
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case schema.Type == huma.TypeArray:
		s.items = m.shape(t.Elem(), schema.Items, "")
	case schema.Type == huma.TypeObject && t.Kind() == reflect.Map:
		s.items = m.shape(t.Elem(), schema.AdditionalProperties.(*huma.Schema), "")
	case schema.Type == huma.TypeObject:
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if schema.Properties[name] == nil {
				panic(fmt.Sprintf("%s.%s has no schema", t, f.Name))
			}
			s.fields = append(s.fields, field{
				name: name, required: slices.Contains(schema.Required, name),
				shape: m.shape(f.Type, schema.Properties[name], f.Tag),
			})
		}
	}
	return s
}

// ─── Checking and decoding ─────────────────────────────────────────────────────────────────

// decode checks n and makes a T of it. All faults come back at once, in the order of the
// fields, unknown ones last.
func decode[T any](s *shape, n *node) (value T, err error) {
	f := &faults{root: n}
	s.value(f, "", n)
	if len(f.list) > 0 {
		slices.SortStableFunc(f.list, func(a, b fault) int { return s.place(a) - s.place(b) })
		e := invalid(f.list...)
		if f.card {
			e.Reason = reasonCardData
		}
		return value, e
	}
	// Every text that gets here was read by readJSON, checked above and written by append.
	// Should the two still disagree, nothing is guessed.
	if err := json.Unmarshal(n.append(nil), &value, json.RejectUnknownMembers(true)); err != nil {
		return value, &pay.Error{Code: pay.CodeInternal, Message: "the request was understood in two ways", Err: err}
	}
	return value, nil
}

// place is where in the order of the fields a fault belongs.
func (s *shape) place(x fault) int {
	end := strings.IndexAny(x.field+".", ".[")
	if i := slices.IndexFunc(s.fields, func(f field) bool { return f.name == x.field[:end] }); i >= 0 {
		return i
	}
	return len(s.fields)
}

// value checks one value: at most one fault of its own, and those of what is in it.
func (s *shape) value(f *faults, path string, n *node) {
	before := len(f.list)
	if n.kind == 'n' && s.schema.Nullable {
		return
	}
	sound := true
	switch s.schema.Type {
	case huma.TypeObject:
		sound = s.object(f, path, n)
	case huma.TypeArray:
		sound = s.array(f, path, n)
	case huma.TypeString:
		s.text(f, path, n)
	case huma.TypeInteger:
		s.integer(f, path, n)
	case huma.TypeNumber:
		if n.kind != '0' {
			f.add(path, "must be a number")
		}
	case huma.TypeBoolean:
		if n.kind != 't' && n.kind != 'f' {
			f.add(path, "must be a boolean")
		}
	}
	inside := s.schema.Type == huma.TypeObject || s.schema.Type == huma.TypeArray
	if s.check != nil && sound && (inside || len(f.list) == before) {
		s.check(f, path, n)
	}
}

// object checks what is in an object. It returns false where n is none, or of a wrong size.
func (s *shape) object(f *faults, path string, n *node) bool {
	here := path
	if here == "" {
		here = "body"
	}
	if n.kind != '{' {
		f.add(here, "must be of type object")
		return false
	}
	if most := s.schema.MaxProperties; most != nil && len(n.names) > *most {
		f.add(here, "must have less than or equal to %d keys", *most)
		return false
	}
	if least := s.schema.MinProperties; least != nil && len(n.names) < *least {
		f.add(here, "must have at least %d key", *least)
		return false
	}
	if s.items != nil { // a map: every name is allowed
		for i, name := range n.names {
			if name == "" || utf8.RuneCountInString(name) > maxKey || strings.ContainsFunc(name, isControl) {
				f.add(here, "must have keys of 1 to %d characters without control characters", maxKey)
				continue
			}
			s.items.value(f, join(path, name), n.items[i])
		}
		return true
	}
	for _, x := range s.fields {
		switch m := n.member(x.name); {
		case m != nil:
			x.value(f, join(path, x.name), m)
		case x.required:
			f.add(join(path, x.name), "is required")
		}
	}
	for _, name := range n.names {
		if !slices.ContainsFunc(s.fields, func(x field) bool { return x.name == name }) {
			f.add(join(path, name), "is not allowed")
		}
	}
	return true
}

// maxKey bounds the names in a map: metadata's, and credentials'.
const maxKey = 64

// array checks what is in a list. It returns false where n is none, or of a wrong size.
func (s *shape) array(f *faults, path string, n *node) bool {
	switch {
	case n.kind != '[':
		f.add(path, "must be an array")
	case s.schema.MaxItems != nil && len(n.items) > *s.schema.MaxItems:
		f.add(path, "must contain less than or equal to %d items", *s.schema.MaxItems)
	case s.schema.MinItems != nil && len(n.items) < *s.schema.MinItems:
		f.add(path, "must contain at least %d items", *s.schema.MinItems)
	default:
		for i, item := range n.items {
			s.items.value(f, path+"["+strconv.Itoa(i)+"]", item)
		}
		return true
	}
	return false
}

func (s *shape) text(f *faults, path string, n *node) {
	length := utf8.RuneCountInString(n.text)
	switch {
	case s.schema.Enum != nil:
		if n.kind != '"' || !slices.Contains(s.schema.Enum, any(n.text)) {
			f.add(path, "must be one of %s", choices(s.schema.Enum))
		}
	case n.kind != '"':
		f.add(path, "must be a string")
	case length == 0 && s.schema.MinLength != nil:
		f.add(path, "is not allowed to be empty")
	case s.schema.MinLength != nil && length < *s.schema.MinLength:
		f.add(path, "length must be at least %d characters long", *s.schema.MinLength)
	case s.schema.MaxLength != nil && length > *s.schema.MaxLength:
		f.add(path, "length must be less than or equal to %d characters long", *s.schema.MaxLength)
	case s.want != nil && !s.want.MatchString(n.text):
		f.add(path, "%s", s.words)
	case s.schema.Format == "uuid" && !id.Valid(n.text):
		f.add(path, "must be a valid GUID")
	case s.schema.Format == "date-time" && !isTime(n.text):
		f.add(path, "must be a time as RFC 3339 writes it, 2026-05-12T10:01:23Z")
	}
}

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339Nano, s)
	return err == nil
}

func choices(enum []any) string {
	words := make([]string, len(enum))
	for i, e := range enum {
		words[i] = fmt.Sprint(e)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// integer takes digits and nothing else: 100.0, 1e3 and −0 are whole numbers to a
// mathematician, and a sign of a float to a cashier.
func (s *shape) integer(f *faults, path string, n *node) {
	if n.kind != '0' {
		f.add(path, "must be a number")
		return
	}
	whole, fraction, _ := strings.Cut(n.text, ".")
	switch {
	case strings.ContainsAny(n.text, "eE") || whole == "-0" || fraction != "" && strings.Trim(fraction, "0") == "":
		f.add(path, "must be an integer written in digits only")
		return
	case fraction != "":
		f.add(path, "must be an integer")
		return
	}
	v, err := strconv.ParseInt(n.text, 10, 64) // what does not fit comes back as the nearest that does
	switch {
	case s.schema.Minimum != nil && float64(v) < *s.schema.Minimum:
		f.add(path, "must be greater than or equal to %d", int64(*s.schema.Minimum))
	case s.schema.Maximum != nil && float64(v) > *s.schema.Maximum:
		f.add(path, "must be less than or equal to %d", int64(*s.schema.Maximum))
	case err != nil:
		f.add(path, "must be a safe number")
	}
}
