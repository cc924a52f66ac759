package gateway_test

import (
	"context"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/store"
)

// Whether the gateway is ready anybody may ask, as often as they like: the database is asked once a
// second, and whoever goes away while it is asked makes nobody unready.
func TestReadyIsAskedOnceASecond(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		statements := 0
		fx.store.Observe(func(*store.Tx, string, []any) { statements++ })
		gone, leave := context.WithCancel(t.Context())
		leave()
		if r := fx.Ready(gone); !r.OK || statements == 0 {
			t.Fatalf("%+v after %d statements", r, statements)
		}
		once := statements
		for range 10 {
			if r := fx.Ready(t.Context()); !r.OK || len(r.Checks) != 2 {
				t.Fatalf("%+v", r)
			}
		}
		if statements != once {
			t.Errorf("%d statements within a second, %d at first", statements, once)
		}
		fx.advance(time.Second)
		if r := fx.Ready(t.Context()); !r.OK || statements != 2*once {
			t.Errorf("%+v after %d statements", r, statements)
		}
	})
}
