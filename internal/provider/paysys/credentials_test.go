package paysys_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/paysys"
)

// What the company's answers say of the credentials; no answer says nothing.
func TestCheckCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		answer string
		want   provider.Kind // "" : they are taken
	}{
		"no such payment":   {200, `{"jsonrpc":"2.0","error":{"code":-32314,"message":"not found"}}`, ""},
		"not enough rights": {200, `{"jsonrpc":"2.0","error":{"code":-32504,"message":"Not enough rights"}}`, provider.KindAuth},
		"another code":      {200, `{"jsonrpc":"2.0","error":{"code":-1,"message":"?"}}`, provider.KindUnavailable},
		"no JSON":           {502, `<html>`, provider.KindUnavailable},
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
			account, err := paysys.New().Open(provider.Credentials{MerchantID: "m", Values: map[string]string{"serviceId": "1", "secretKey": "s", "vendorId": "2"}}, provider.Env{HTTP: srv.Client(), Now: func() time.Time { return time.Unix(1767571200, 0) }, BaseURL: srv.URL + "/gateway"})
			if err != nil {
				t.Fatal(err)
			}
			err = account.(provider.CredentialChecker).CheckCredentials(t.Context())
			e, _ := errors.AsType[*provider.Error](err)
			if c.want == "" && err != nil || c.want != "" && (e == nil || e.Kind != c.want) {
				t.Errorf("%v", err)
			}
			if asked != "POST /gateway" {
				t.Errorf("it asked %s", asked)
			}
		})
	}
}
