package sim

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// A question for a code that waits is held until something came of it: the buyer's yes or no, the till's
// cancel, or that the box has held it long enough. What is over is told at once.
func TestStatusIsHeld(t *testing.T) {
	var mu sync.Mutex
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	w := &simulator.World{Faults: &simulator.Faults{}, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}}
	b := newBox(w, holds)
	send := func(ctx context.Context, method, path, body string) string {
		r := httptest.NewRequestWithContext(ctx, method, "/payment/one_qr/"+path, strings.NewReader(body))
		rec := httptest.NewRecorder()
		b.ServeHTTP(rec, r)
		return rec.Body.String()
	}
	for i, c := range []struct {
		name   string
		happen func(id string)
		want   string
	}{
		{"paid", func(id string) { b.act(t, "pay", id) }, `"status":2`},
		{"refused", func(id string) { b.act(t, "refuse", id) }, `"status":3`},
		{"cancelled", func(id string) { send(t.Context(), http.MethodPost, "cancel", `{"invoice_id":"`+id+`"}`) }, `"status":3`},
		{"its time", func(string) {
			b.Tick(t.Context()) // it looks, and waits on
			mu.Lock()
			now = now.Add(holds)
			mu.Unlock()
			b.Tick(t.Context())
		}, `"status":1`},
	} {
		send(t.Context(), http.MethodPost, "create", `{"external_id":"e","amount":"5.00"}`)
		id := b.invoices[i].id
		told := make(chan string, 1)
		go func() { told <- send(t.Context(), http.MethodGet, "status?invoice_id="+id, "") }()
		for b.asked() == 0 { // until it is held
			runtime.Gosched()
			select {
			case early := <-told:
				t.Fatalf("%s: told before anything came of it: %s", c.name, early)
			default:
			}
		}
		c.happen(id)
		if got := <-told; !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if got := send(gone, http.MethodGet, "status?invoice_id="+b.invoices[3].id, ""); !strings.Contains(got, `"status":1`) {
		t.Errorf("the till has gone: %s", got)
	}
}

func (b *box) asked() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

func (b *box) act(t *testing.T, kind, id string) {
	t.Helper()
	if _, err := b.Act(t.Context(), simulator.Action{Kind: kind, Ref: id}); err != nil {
		t.Fatal(err)
	}
}
