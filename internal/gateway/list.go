package gateway

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// The sizes of a page of a list.
const (
	DefaultLimit = 20
	MaxLimit     = 100
)

// decode reads a cursor: when and under which id the last row of the former page was made. It
// is checked, since it comes back from outside.
func (p Page) decode() (store.Page, error) {
	out := store.Page{Limit: p.Limit}
	if out.Limit == 0 {
		out.Limit = DefaultLimit
	}
	if p.Cursor == "" {
		return out, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err == nil {
		at, rowID, ok := strings.Cut(string(raw), ".")
		out.AfterAt, err = strconv.ParseInt(at, 10, 64)
		out.AfterID = rowID
		if ok && err == nil && id.Valid(rowID) {
			return out, nil
		}
	}
	return out, &pay.Error{Code: pay.CodeInvalid, Field: "cursor", Message: `"cursor" is not one that this list gave`, Details: []string{`"cursor" is not one that this list gave`}}
}

// cut makes a page of the rows that the store found: up to Limit+1 of them, the last of which
// only says that there are more.
func cut[T any](rows []T, p store.Page, key func(T) (int64, string)) ([]T, string) {
	if len(rows) <= p.Limit {
		return rows, ""
	}
	rows = rows[:p.Limit]
	at, rowID := key(rows[len(rows)-1])
	return rows, base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at, 10) + "." + rowID))
}
