package evidence

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A callback's address can be called by anybody, and is not rate limited: what names nothing of
// ours must not fill the database, nor push out what does.
func TestStrangersFillNothing(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	r := New(func(context.Context, []Message) error { return nil }, func() time.Time { return now })
	call := func(invoiceID string) {
		body := `{"method":"CheckTransaction"}`
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		_, req, done := r.Callback(httptest.NewRecorder(), req, []byte(body), Tag{MerchantID: "m"})
		SetInvoice(req.Context(), invoiceID, "")
		done()
	}
	for range 2 {
		for range 10_000 {
			call("")
			now = now.Add(time.Millisecond)
		}
		for range 500 {
			call("inv-1")
		}
		if got := r.Waiting(); got != 500+strangersAMinute {
			t.Fatalf("%d messages are kept", got)
		}
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
	}
}
