package anor

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// FuzzAnswer: paid only where the bank says error_code 0, payment_status 2, names the payment, and
// speaks of ours.
func FuzzAnswer(f *testing.F) {
	a := &account{now: func() time.Time { return time.Unix(1, 0) }}
	const id = "05a447d7-ad64-4b95-931e-951b624b6534"
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		ans, err := readAnswer(status, body)
		if err != nil {
			return
		}
		out, err := a.said(ans, id)
		if err != nil || out.State != pay.Paid {
			return
		}
		var plain struct {
			Code        *int64 `json:"error_code"`
			Status      *int64 `json:"payment_status"`
			Payment     int64  `json:"payment_id"`
			Transaction string `json:"transaction_id"`
		}
		if json.Unmarshal(body, &plain) != nil || *plain.Code != 0 || *plain.Status != 2 || plain.Payment <= 0 || plain.Transaction != "" && plain.Transaction != id {
			t.Fatalf("paid by %q", body)
		}
	})
}
