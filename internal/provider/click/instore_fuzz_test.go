package click

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// FuzzPassAnswer holds our reading of an answer to a charge against an independent one: it is paid
// only where CLICK says error_code 0, payment_status 2 and names the payment.
func FuzzPassAnswer(f *testing.F) {
	a := &passAccount{web: &account{now: func() time.Time { return time.Unix(1, 0) }}}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		ans, err := readAnswer(status, body)
		if err != nil {
			return
		}
		out, err := a.said(ans)
		if err != nil || out.State != pay.Paid {
			return
		}
		var plain struct {
			Code   *json.Number `json:"error_code"`
			Status *json.Number `json:"payment_status"`
			ID     json.Number  `json:"payment_id"`
		}
		if json.Unmarshal(body, &plain) != nil || plain.Code == nil || plain.Status == nil {
			t.Fatalf("paid by %q", body)
		}
		code, err1 := plain.Code.Int64()
		state, err2 := plain.Status.Int64()
		id, err3 := plain.ID.Int64()
		if err1 != nil || err2 != nil || err3 != nil || code != 0 || state != 2 || id <= 0 || out.Ref != plain.ID.String() {
			t.Fatalf("paid, as %q, by %q", out.Ref, body)
		}
		if out.Phone != "" && len(out.Phone) != 12 {
			t.Fatalf("the telephone %q", out.Phone)
		}
	})
}
