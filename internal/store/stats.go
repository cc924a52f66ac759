package store

import (
	"context"
	"time"
)

// Stats are the counts that tell how the gateway is. Each is served by an index.
type Stats struct {
	Work              map[string]int64 // open work by kind
	OldestUndelivered time.Time        // when the oldest event was made that is neither delivered nor given up; zero: none
	UnknownPayments   int64
	UnknownRefunds    int64
	UnknownPayouts    int64
	StuckEvents       int64
	OpenAlarms        int64
	Failing           int64 // work that has failed five times or more in a row
}

// Stats counts.
func (tx *Tx) Stats(ctx context.Context) (Stats, error) {
	stats := Stats{Work: map[string]int64{}}
	type kindCount struct {
		kind string
		n    int64
	}
	kinds, err := many(ctx, tx, func(r row) (k kindCount, err error) {
		err = r.Scan(&k.kind, &k.n)
		return k, err
	}, `SELECT kind, COUNT(*) FROM work GROUP BY kind ORDER BY kind`)
	if err != nil {
		return stats, err
	}
	for _, k := range kinds {
		stats.Work[k.kind] = k.n
	}
	oldest, err := one(ctx, tx, scanNumber, `SELECT COALESCE(MIN(oldest), 0) FROM (
		SELECT MIN(created_at) AS oldest FROM events WHERE delivered_at = 0 AND dead_at = 0
		UNION ALL SELECT MIN(created_at) FROM payout_events WHERE delivered_at = 0 AND dead_at = 0) AS both_kinds`)
	if err != nil {
		return stats, err
	}
	stats.OldestUndelivered = instant(oldest)
	for _, c := range []struct {
		to    *int64
		query string
	}{
		{&stats.UnknownPayments, `SELECT COUNT(*) FROM payments WHERE state = 'unknown'`},
		{&stats.UnknownRefunds, `SELECT COUNT(*) FROM refunds WHERE state = 'unknown'`},
		{&stats.UnknownPayouts, `SELECT COUNT(*) FROM payouts WHERE state = 'unknown'`},
		{&stats.StuckEvents, `SELECT (SELECT COUNT(*) FROM events WHERE stuck_at > 0 AND delivered_at = 0)
			+ (SELECT COUNT(*) FROM payout_events WHERE stuck_at > 0 AND delivered_at = 0)`},
		{&stats.OpenAlarms, `SELECT COUNT(*) FROM alarms WHERE closed_at = 0`},
		{&stats.Failing, `SELECT COUNT(*) FROM work WHERE failures >= 5`},
	} {
		if *c.to, err = one(ctx, tx, scanNumber, c.query); err != nil {
			return stats, err
		}
	}
	return stats, nil
}
