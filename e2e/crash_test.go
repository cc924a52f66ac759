package e2e

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/store/storetest"
)

// What every kill must meet, and how often the process is killed.
const (
	kills          = 50
	cutRequests    = 16
	cutDeliveries  = 8
	tills          = 40
	wantedInFlight = 24 // more than must be cut: some are answered in the instant of the kill
)

// TestKilledAgainAndAgain kills the real program at random moments of a busy street. However
// often that happens: what was acknowledged is there, nobody is paid or refunded twice, and
// every app is told.
func TestKilledAgainAndAgain(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			if given := os.Getenv("E2E_SEED"); given != "" {
				var err error
				if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("E2E_SEED=%d", seed)
			r := rand.New(rand.NewPCG(seed, 0))

			s := newStreet(t, storetest.DSN(t, e))
			p := serve(t, s.env)
			s.front.serve(p.url)
			s.register()
			s.slowDown()
			ticking, stopTicking := context.WithCancel(t.Context())
			defer stopTicking()
			go s.box.Run(ticking)
			a := newAcks()
			closeShops := s.open(tills, seed, a)

			fewest, fewestDeliveries, began := 1<<30, 1<<30, time.Now()
			for counted, tried := 0, 0; counted < kills; tried++ {
				if tried == 2*kills {
					closeShops()
					t.Fatalf("only %d of %d kills met %d requests and %d deliveries", counted, tried, cutRequests, cutDeliveries)
				}
				at := s.front.serve(p.url)[0]
				wait := time.Duration(r.IntN(300)) * time.Millisecond
				deliveries := s.front.strike(at, wantedInFlight, cutDeliveries, wait, p.kill)
				if deliveries < 0 {
					closeShops()
					t.Fatalf("the street is not busy enough for a kill:\n%s", p.log)
				}
				if cut := s.front.cut(at); cut >= cutRequests && deliveries >= cutDeliveries {
					counted++
					fewest, fewestDeliveries = min(fewest, cut), min(fewestDeliveries, deliveries)
				}
				p = serve(t, s.env)
			}
			t.Logf("%d kills in %s; each cut off at least %d requests and %d deliveries", kills, time.Since(began).Round(time.Second), fewest, fewestDeliveries)
			s.front.serve(p.url)
			closeShops()
			stopTicking()
			if code := p.stop(t); code != 0 {
				t.Errorf("a stop that was asked for ends with exit code %d:\n%s", code, p.log)
			}
			s.front.serve()
			s.finish()
			s.audit(a)
		})
	}
}
