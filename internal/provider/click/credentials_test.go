package click_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/click"
)

// What the company's answers say of the credentials; no answer says nothing.
func TestCheckCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		answer string
		want   provider.Kind // "" : they are taken
	}{
		"no such payment":      {404, `{"error_code":-16,"error_note":"not found"}`, ""},
		"no such payment, 200": {200, `{"error_code":-16,"error_note":"not found"}`, ""},
		"somebody's":           {200, `{"error_code":0,"payment_id":1,"payment_status":2}`, ""},
		"turned away":          {401, `{"error_code":-9101,"error_note":"Authorization failed"}`, provider.KindAuth},
		"another code":         {200, `{"error_code":-5,"error_note":"?"}`, provider.KindUnavailable},
		"no JSON":              {200, `<html>`, provider.KindUnavailable},
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
			account, err := click.New().Open(provider.Credentials{MerchantID: "m", Values: map[string]string{"serviceId": "1", "merchantId": "2", "secretKey": "s", "merchantUserId": "3"}}, provider.Env{HTTP: srv.Client(), Now: func() time.Time { return time.Unix(1767571200, 0) }, BaseURL: srv.URL})
			if err != nil {
				t.Fatal(err)
			}
			err = account.(provider.CredentialChecker).CheckCredentials(t.Context())
			e, _ := errors.AsType[*provider.Error](err)
			if c.want == "" && err != nil || c.want != "" && (e == nil || e.Kind != c.want) {
				t.Errorf("%v", err)
			}
			if asked != "GET /payment/status/1/1" {
				t.Errorf("it asked %s", asked)
			}
		})
	}
	account, err := click.New().Open(provider.Credentials{MerchantID: "m", Values: map[string]string{"serviceId": "1", "merchantId": "2", "secretKey": "s"}}, provider.Env{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	err = account.(provider.CredentialChecker).CheckCredentials(t.Context())
	if e, ok := errors.AsType[*pay.Error](err); !ok || e.Code != pay.CodeUnsupported {
		t.Errorf("without merchantUserId: %v", err)
	}
}
