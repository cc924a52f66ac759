package httpapi

import (
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chorsu/chorsu/internal/gateway"
)

// cursor is where a list goes on: a former answer's nextCursor. Only the gateway can read it.
type cursor string

// Schema is how the document shows it, and how it is checked.
func (cursor) Schema(huma.Registry) *huma.Schema {
	least, most := 1, 512
	return &huma.Schema{
		Type: huma.TypeString, MinLength: &least, MaxLength: &most, Description: "nextCursor of the answer before",
		Pattern: `^[A-Za-z0-9_=.-]+$`, PatternDescription: "is not one that this list gave",
	}
}

// defaultLimit is how much of a list is shown where the query does not say.
const defaultLimit = 20

func pageOf(limit int, c cursor) gateway.Page {
	if limit == 0 {
		limit = defaultLimit
	}
	return gateway.Page{Limit: limit, Cursor: string(c)}
}

func listOf[T, U any](l gateway.List[T], show func(T) U) list[U] {
	out := list[U]{NextCursor: orNull(l.Next), Items: make([]U, 0, len(l.Items))}
	for _, item := range l.Items {
		out.Items = append(out.Items, show(item))
	}
	return out
}

// isCallersID is the rule of callersID, for ids in a path.
func isCallersID(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= 255 && !strings.ContainsFunc(s, isControl)
}
