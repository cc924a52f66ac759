package bare

import "context"

// Books are what a database says of its payments: to compare with what was answered.
type Books struct {
	Paid        int64
	Twice       int64 // invoices for which money was taken more than once
	Events      int64
	Undelivered int64
}

// Books counts.
func (d *DB) Books(ctx context.Context) (b Books, err error) {
	for _, c := range []struct {
		to    *int64
		query string
	}{
		{&b.Paid, `SELECT COUNT(*) FROM payments WHERE state = 'paid'`},
		{&b.Twice, `SELECT COUNT(*) FROM (SELECT invoice_id FROM payments WHERE state IN ('held', 'paid', 'refunded') GROUP BY invoice_id HAVING COUNT(*) > 1) AS twice`},
		{&b.Events, `SELECT COUNT(*) FROM events`},
		{&b.Undelivered, `SELECT COUNT(*) FROM events WHERE delivered_at = 0`},
	} {
		if *c.to, err = d.engine.count(ctx, c.query); err != nil {
			return b, err
		}
	}
	return b, nil
}
