package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// What each step of a payment takes of memory, and how often it waits for a PostgreSQL: neither
// depends on the machine. TestWhatTheWalksCost counts statements and commits. A change that makes
// a step dearer must say so here; the bounds on allocations are those of PostgreSQL, and some more.
func TestWhatAPaymentTakes(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) { // not beside others: allocations are the whole process's
			dsn, trips := storetest.DSN(t, e), (*storetest.Trips)(nil)
			if e == storetest.Postgres {
				dsn, trips = storetest.CountTrips(t, dsn)
			}
			fx := fixtureOn(t, dsn, store.Options{MaxConns: 1}) // one connection, whose statements are soon prepared
			m, _ := fx.merchant("b1", "link"), fx.merchant("b1", "host")
			if trips != nil { // the connection that tells of work begins with the first payment
				fx.paid("link", "first")
				<-trips.Notified()
				fx.settle()
			}
			const runs = 10
			measure := func(step string, allocs, waits float64, f func(i int)) {
				t.Helper()
				i := 0
				next := func() { f(i); i++ }
				next() // prepares its statements
				var before, after int64
				if trips != nil {
					before = trips.Count()
				}
				took := testing.AllocsPerRun(runs, next)
				if trips != nil {
					after = trips.Count()
				}
				waited := float64(after-before) / (runs + 1) // AllocsPerRun begins with one that it does not count
				t.Logf("%s: %.0f allocations, %.1f waits", step, took, waited)
				if took > allocs || trips != nil && waited > waits {
					t.Errorf("%s: %.0f allocations and %.1f waits for the server; want at most %.0f and %.0f", step, took, waited, allocs, waits)
				}
			}
			desk := func(f func(d provider.Desk) error) {
				t.Helper()
				fx.on(m, func(d provider.Desk) {
					if err := f(d); err != nil {
						t.Error(err)
					}
				})
			}
			const all = runs + 2
			var made, pages [all]gateway.Invoice
			measure("create an invoice", 230, 2, func(i int) { made[i] = fx.invoice(fx.input("link", fmt.Sprint("o", i))) })
			measure("check", 250, 1, func(i int) {
				desk(func(d provider.Desk) error { _, err := d.Check(t.Context(), made[i].ID, made[i].Amount); return err })
			})
			measure("open", 360, 2, func(i int) {
				desk(func(d provider.Desk) error {
					_, err := d.Open(t.Context(), provider.OpenOrder{Account: made[i].ID, Ref: made[i].ID, Amount: made[i].Amount})
					return err
				})
			})
			confirm := func(i int) {
				desk(func(d provider.Desk) error {
					_, err := d.Confirm(t.Context(), provider.Key{Ref: made[i].ID}, provider.Proof{})
					return err
				})
			}
			measure("confirm", 520, 2, confirm)
			measure("confirm again", 340, 2, confirm)
			fx.settle()
			measure("read the invoice", 170, 1, func(i int) { fx.get(made[i].ID) })
			for i := range all {
				pages[i] = fx.paid("host", fmt.Sprint("page", i))
			}
			fx.settle()
			measure("refund it", 1200, 14, func(i int) {
				if _, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: pages[i].ID}, gateway.Idem{}); err != nil {
					t.Error(err)
				}
			})
			fx.settle()
			measure("a whole payment, and its webhook delivered", 2500, 20, func(i int) {
				fx.paid("link", fmt.Sprint("whole", i))
				if n, err := fx.runner.RunDue(t.Context()); n != 1 || err != nil {
					t.Errorf("%d deliveries: %v", n, err)
				}
			})
		})
	}
}

// fixtureOn is a fixture over a database that is there already.
func fixtureOn(t *testing.T, dsn string, o store.Options) *fixture {
	t.Helper()
	fx := &fixture{t: t, clock: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), app: newApp(t)}
	o.Now = fx.Now
	fx.store = storetest.Reopen(t, dsn, o)
	fx.link, fx.host, fx.cards = &company{name: "link"}, &company{name: "host"}, &cardCompany{taken: map[string]bool{}}
	fx.restart("k1:" + keyText)
	return fx
}
