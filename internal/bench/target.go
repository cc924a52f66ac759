package bench

import (
	"fmt"
	"strings"
	"time"
)

// Targets are what a gateway of this kind should reach on a machine of two cores. Those in parts of
// a limit hold on any machine; a figure by itself is what such a machine gave when it was measured.
type target struct {
	engine      string // "": both
	what        string // a figure's, or its beginning where it ends in "…"
	connections int    // 0: any
	wants       string
	met         func(f Figure, all []Figure) bool
}

func atLeast(v float64) func(Figure, []Figure) bool {
	return func(f Figure, _ []Figure) bool { return f.Value >= v }
}

func atMost(v float64) func(Figure, []Figure) bool {
	return func(f Figure, _ []Figure) bool { return f.Value <= v }
}

func within(p50, p99 time.Duration) func(Figure, []Figure) bool {
	return func(f Figure, _ []Figure) bool { return (p50 == 0 || f.P50 <= p50) && f.P99 <= p99 }
}

const ms = time.Millisecond

var targets = []target{
	{"PostgreSQL", whatInvoice, busy, "≥ 45 % of the limit, p99 ≤ 25 ms", func(f Figure, _ []Figure) bool { return f.Ratio() >= 0.45 && f.P99 <= 25*ms }},
	{"SQLite", whatInvoice, busy, "≥ PostgreSQL's, p99 ≤ 25 ms", func(f Figure, all []Figure) bool {
		other, ok := find(all, "PostgreSQL", whatInvoice, busy)
		return f.P99 <= 25*ms && (!ok || f.Value >= other.Value)
	}},
	{"PostgreSQL", whatPayme, 0, "≥ 1200/s", atLeast(1200)},
	{"SQLite", whatPayme, 0, "≥ 1500/s", atLeast(1500)},
	{"PostgreSQL", whatWaited + "…", 0, "≥ 4000/s", atLeast(4000)},
	{"SQLite", whatWaited + "…", 0, "≥ 3000/s", atLeast(3000)},
	{"", whatLatency, 0, "p50 ≤ 20 ms, p99 ≤ 150 ms", within(20*ms, 150*ms)},
	{"", whatLatency + ", one of…", 0, "p99 within 100 ms of the same without", func(f Figure, all []Figure) bool {
		calm, ok := find(all, f.Engine, whatLatency, 0)
		return ok && f.P99-calm.P99 < 100*ms
	}},
	{"", whatHot, 0, "≥ 80 % of the spread figure", func(f Figure, _ []Figure) bool { return f.Ratio() >= 0.8 }},
	{"", whatReady, 0, "≤ 100 ms", atMost(100)},
	{"", whatIdle, 0, "≤ 60 MB", atMost(60)},
	{"", whatFile, 0, "≤ 45 MB", atMost(45)},
}

// grownLeast is what a figure keeps at least of what it was with the smallest history.
const grownLeast = 1 / 1.2

// judge writes to each figure that has a target what that is, and whether it was met.
func judge(all []Figure) {
	for i := range all {
		f := &all[i]
		if f.OfFirst > 0 {
			f.Target, f.Met = "within 1.2 × of the smallest history", f.OfFirst >= grownLeast
		}
		for _, t := range targets {
			if t.of(*f) {
				f.Target, f.Met = t.wants, t.met(*f, all)
			}
		}
	}
}

func (t target) of(f Figure) bool {
	begins, open := strings.CutSuffix(t.what, "…")
	return (t.engine == "" || t.engine == f.Engine) && (t.connections == 0 || t.connections == f.Connections) &&
		(f.What == t.what || open && strings.HasPrefix(f.What, begins))
}

func find(all []Figure, engine, what string, connections int) (Figure, bool) {
	for _, f := range all {
		if f.Engine == engine && f.What == what && (connections == 0 || f.Connections == connections) {
			return f, true
		}
	}
	return Figure{}, false
}

// verdict is the target as the table shows it.
func (f Figure) verdict() string {
	switch {
	case f.Target == "":
		return ""
	case f.Met:
		return fmt.Sprintf("%s: met", f.Target)
	}
	return fmt.Sprintf("%s: **missed**", f.Target)
}
