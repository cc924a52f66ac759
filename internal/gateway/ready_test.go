package gateway_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
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

// A statement is as long as a day's may be; one that is longer is refused whole, since half of it would
// be read as all of it.
func TestALongStatementIsRefused(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.BoundStatements(2)
		m := fx.merchant("b1", "link")
		list := func() (out []pay.Payment, err error) {
			fx.on(m, func(d provider.Desk) { out, err = d.Statement(t.Context(), time.Unix(1, 0), fx.Now().Add(time.Hour)) })
			return out, err
		}
		for i := range 3 {
			inv := fx.invoice(fx.input("link", fmt.Sprint("o", i)))
			fx.on(m, func(d provider.Desk) {
				if _, err := d.Open(t.Context(), provider.OpenOrder{Account: inv.ID, Ref: inv.ID, Amount: inv.Amount, TheirTime: fx.Now()}); err != nil {
					t.Error(err)
				}
			})
			got, err := list()
			if want := i + 1; want <= 2 && (err != nil || len(got) != want) || want > 2 && (err == nil || len(got) > 0) {
				t.Errorf("of %d attempts: %d, %v", want, len(got), err)
			}
		}
	})
}
