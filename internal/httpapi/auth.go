package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/chorsu/chorsu/internal/pay"
)

// authorized asks for the API key.
func (s *server) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch s.keyless[r.URL.Path] {
		case keyTill:
			t, err := s.tillOf(r)
			if err != nil {
				s.fail(w, r, err)
				return
			}
			infoOf(r.Context()).till = t
			next.ServeHTTP(w, r)
			return
		case keyNone:
			next.ServeHTTP(w, r)
			return
		}
		given := r.Header.Values("x-api-key")
		if len(given) == 1 {
			infoOf(r.Context()).key = whichKey(s.o.Keys(), given[0])
		}
		if infoOf(r.Context()).key == 0 {
			s.fail(w, r, &pay.Error{Code: pay.CodeUnauthorized, Message: `"x-api-key" is missing or wrong`})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tillOf is whose token a request bears.
func (s *server) tillOf(r *http.Request) (pay.Till, error) {
	given := r.Header.Values("Authorization")
	token := ""
	if len(given) == 1 && len(given[0]) <= 512 {
		token, _ = strings.CutPrefix(given[0], "Bearer ")
	}
	return s.o.Gateway.TillOf(r.Context(), token)
}

// whichKey returns the place of given in keys, counted from 1, or 0. It takes the same time
// whatever was given: hashes of equal length are compared, with all keys, to the end.
func whichKey(keys []string, given string) (place int) {
	hash := sha256.Sum256([]byte(given))
	for i, key := range keys {
		if key == "" {
			continue // no key is ever nothing
		}
		want := sha256.Sum256([]byte(key))
		same := subtle.ConstantTimeCompare(hash[:], want[:])
		place = subtle.ConstantTimeSelect(same, i+1, place)
	}
	return place
}
