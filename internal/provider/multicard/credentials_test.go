package multicard_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/multicard"
)

// What the company's answers say of the credentials; no answer says nothing.
func TestCheckCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		answer string
		want   provider.Kind // "" : they are taken
	}{
		"a token":          {200, `{"token":"t","role":"x","expiry":"2030-01-01 00:00:00"}`, ""},
		"not accepted":     {400, `{"errors":[{"message":[{"message":"Invalid Credentials"}]}]}`, provider.KindAuth},
		"the edge is down": {502, `<html>`, provider.KindUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			asked := ""
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				asked = r.Method + " " + r.URL.Path
				w.WriteHeader(c.status)
				io.WriteString(w, c.answer)
			}))
			defer srv.Close()
			account, err := multicard.New().Open(provider.Credentials{MerchantID: "m", Values: map[string]string{"applicationId": "a", "secret": "s", "storeId": "6"}}, provider.Env{HTTP: srv.Client(), Now: func() time.Time { return time.Unix(1767571200, 0) }, BaseURL: srv.URL})
			if err != nil {
				t.Fatal(err)
			}
			err = account.(provider.CredentialChecker).CheckCredentials(t.Context())
			e, _ := errors.AsType[*provider.Error](err)
			if c.want == "" && err != nil || c.want != "" && (e == nil || e.Kind != c.want) {
				t.Errorf("%v", err)
			}
			if asked != "POST /auth" {
				t.Errorf("it asked %s", asked)
			}
		})
	}
}
