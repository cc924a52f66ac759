package httpapi

import (
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/chorsu/chorsu/internal/pay"
)

// envelope is what every answer of the API is wrapped in, successes and errors alike. Code is
// the HTTP status again.
type envelope[T any] struct {
	Status  bool   `json:"status"`
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    T      `json:"data"`
}

// list is a part of a list. NextCursor is null at the end.
type list[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"nextCursor"`
}

// all is a list that always comes whole.
type all[T any] struct {
	Items []T `json:"items"`
}

// write answers with e.
func write[T any](w http.ResponseWriter, e envelope[T]) { writeJSON(w, e.Code, e) }

// writeJSON answers with v. Empty lists are [], not null. Bytes that are no UTF-8 (a provider's
// message may hold some) become the replacement character.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v, jsontext.AllowInvalidUTF8(true), json.Deterministic(true))
	if err != nil {
		panic(err) // a type of this package that has no JSON: the recovery above answers 500
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// moment is a time as the API shows it: RFC 3339 in UTC with milliseconds, null where it is
// not known.
type moment time.Time

const momentFormat = "2006-01-02T15:04:05.000Z"

// MarshalJSON writes m as text, or null.
func (m moment) MarshalJSON() ([]byte, error) {
	t := time.Time(m)
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.UTC().Format(momentFormat) + `"`), nil
}

// Schema is how the document shows a moment.
func (moment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Format: "date-time", Nullable: true,
		Examples: []any{"2026-05-12T10:01:23.000Z"},
	}
}

// orNull is nil for an empty text, which the API shows as null.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// quantity stands for pay.Quantity in the document: a decimal number, never a float in here.
type quantity struct{}

// Schema is how the document shows a quantity.
func (quantity) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Examples: []any{1}}
}

var (
	quantityType = reflect.TypeFor[pay.Quantity]()
	shownAs      = reflect.TypeFor[quantity]()
)
