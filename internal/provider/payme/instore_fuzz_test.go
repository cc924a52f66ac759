package payme

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// FuzzGoAnswer holds our reading of an answer to receipts.pay against an independent one: it is
// paid only where the receipt is ours and its state is 4.
func FuzzGoAnswer(f *testing.F) {
	a := &goAccount{now: func() time.Time { return time.Unix(1, 0) }}
	const id = "63b1dc4f49a2bcd2132c39f3"
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		var got receiptAnswer
		if readGo(status, body, &got) != nil {
			return
		}
		out, err := a.said(id, 5_000_000, got.Receipt)
		if err != nil || out.State != pay.Paid {
			return
		}
		var plain struct {
			Error  any
			Result struct {
				Receipt struct {
					ID    string `json:"_id"`
					State *int
				}
			}
		}
		if err := json.Unmarshal(body, &plain); err != nil || plain.Error != nil || plain.Result.Receipt.ID != id || plain.Result.Receipt.State == nil || *plain.Result.Receipt.State != 4 {
			t.Fatalf("paid by %q (%v)", body, err)
		}
		if out.Phone != "" && len(out.Phone) != 12 {
			t.Fatalf("the telephone %q", out.Phone)
		}
	})
}
