package uzum

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

type silent struct{}

func (silent) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("nobody") }

// FuzzFastAnswer holds our reading of an answer to a charge against an independent one: it is paid
// only where Uzum says SUCCESS, 0, and names the payment; and no answer to a repeat alone refuses it.
func FuzzFastAnswer(f *testing.F) {
	a := &fastAccount{now: func() time.Time { return time.Unix(1, 0) }, http: &http.Client{Transport: silent{}}, base: "http://127.0.0.1:1"}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		ans, err := readFast(status, body)
		if err != nil {
			return
		}
		first, err := a.said(t.Context(), ans, false, nil)
		if err != nil {
			return
		}
		again, err := a.said(t.Context(), ans, true, nil)
		if err != nil || again.State == pay.Failed || again.State == pay.Paid && first.State != pay.Paid {
			t.Fatalf("%q is %s at first and %s again: %v", body, first.State, again.State, err)
		}
		if first.State != pay.Paid {
			return
		}
		var plain map[string]any
		if json.Unmarshal(body, &plain) != nil {
			t.Fatalf("paid by %q", body)
		}
		code := -1.0
		for name, value := range plain {
			if !strings.EqualFold(name, "error_code") {
				continue
			}
			switch v := value.(type) {
			case float64:
				code = v
			case string:
				code, _ = strconv.ParseFloat(v, 64)
			}
		}
		if code != 0 || first.Ref == "" || ans.Status != "SUCCESS" {
			t.Fatalf("paid by %q", body)
		}
	})
}
