package e2e

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/store/storetest"
)

// TestTwoProcessesOnOnePostgreSQL: two processes share the work of one database. One is killed
// and the other goes on; nothing is lost, and nothing is done twice but a delivery, under its
// own event's id.
func TestTwoProcessesOnOnePostgreSQL(t *testing.T) {
	s := newStreet(t, storetest.DSN(t, storetest.Postgres))
	one, two := serve(t, s.env), serve(t, s.env)
	both := s.front.serve(one.url, two.url)
	s.register()
	s.slowDown()
	ticking, stopTicking := context.WithCancel(t.Context())
	defer stopTicking()
	go s.box.Run(ticking)
	a := newAcks()
	closeShops := s.open(tills, 1, a)

	// Both are at work: each has requests, and one machine of an app hears more than the eight
	// webhooks at a time that one process sends it.
	deliveries := s.front.strike(both[0], cutRequests/2, receivers*8+1, 500*time.Millisecond, one.kill)
	if deliveries < 0 {
		closeShops()
		t.Fatal("the two processes never worked at the same time")
	}
	t.Logf("the kill cut off %d requests, with %d deliveries under way in both", s.front.cut(both[0]), deliveries)
	if s.front.cut(both[0]) == 0 {
		t.Error("the kill met no request")
	}

	before := len(s.in.Messages("", 0))
	await(t, "the other process goes on", func() bool { return len(s.in.Messages("", 0)) > before+200 })
	closeShops()
	stopTicking()
	if code := two.stop(t); code != 0 {
		t.Errorf("a stop that was asked for ends with exit code %d:\n%s", code, two.log)
	}
	s.front.serve()
	s.finish()
	s.audit(a)
}

// TestOneFileOneProcess: a SQLite file is served by one process; another says so and ends.
func TestOneFileOneProcess(t *testing.T) {
	s := newStreet(t, storetest.DSN(t, storetest.SQLite))
	serve(t, s.env)
	quiet := maps.Clone(s.env)
	quiet["LOG_LEVEL"] = "error" // a slow machine may have a warning to give beside it
	code, out := runProgram(t, quiet, "serve")
	if code != 1 || !oneLine(out) {
		t.Errorf("a second process on the file ends with %d and says %q", code, out)
	}
}
