package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/chorsu/chorsu/internal/outbox"
)

// Enqueue writes work that must happen at w.DueAt, in the transaction that decided it. Work
// of the same kind and subject is one row: where it exists, its generation grows, so that
// whoever has it leased does not finish it, and it falls due at the earlier of both times.
// The runner is woken after COMMIT.
func (tx *Tx) Enqueue(ctx context.Context, w outbox.Work) error {
	tx.willWake(w.DueAt)
	return tx.save(ctx, `INSERT INTO work (id, business_id, kind, subject, lane, due_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (kind, subject) DO UPDATE SET gen = work.gen + 1,
			due_at = CASE WHEN work.lease_token = '' AND excluded.due_at < work.due_at THEN excluded.due_at ELSE work.due_at END`,
		newID(), w.BusinessID, w.Kind, w.Subject, w.Lane, millis(w.DueAt), millis(tx.store.now()))
}

// EnqueueLeased writes work that the caller does itself as soon as the transaction is
// committed; a runner takes it over only when the lease has ended. The result is what Finish
// and Retry want. Where the same work is leased to somebody else, its generation grows and
// the result carries no lease: it is being done.
func (tx *Tx) EnqueueLeased(ctx context.Context, w outbox.Work, lease time.Duration, now time.Time) (outbox.Work, error) {
	token, until := newID(), millis(now.Add(lease))
	list, err := written(ctx, tx, scanWork, `INSERT INTO work (id, business_id, kind, subject, lane, due_at, attempts,
			lease_token, lease_until, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $6, $8)
		ON CONFLICT (kind, subject) DO UPDATE SET gen = work.gen + 1,
			attempts = CASE WHEN work.lease_until <= $9 THEN work.attempts + 1 ELSE work.attempts END,
			due_at = CASE WHEN work.lease_until <= $9 THEN excluded.due_at ELSE work.due_at END,
			lease_token = CASE WHEN work.lease_until <= $9 THEN excluded.lease_token ELSE work.lease_token END,
			lease_until = CASE WHEN work.lease_until <= $9 THEN excluded.lease_until ELSE work.lease_until END
		RETURNING `+workColumns,
		newID(), w.BusinessID, w.Kind, w.Subject, w.Lane, until, token, millis(tx.store.now()), millis(now))
	if err != nil {
		return outbox.Work{}, err
	}
	leased := list[0]
	if leased.Lease != token {
		leased.Lease = ""
		return leased, nil
	}
	leased.Attempts-- // how often before this time
	return leased, nil
}

// Finish deletes work that is done. Where Enqueue has added to it meanwhile, it stays and is
// due now. ok is false where the lease was lost to somebody else: then nothing that was done
// under it may be written, and the closure should return an error.
func (tx *Tx) Finish(ctx context.Context, w outbox.Work, now time.Time) (ok bool, err error) {
	if w.Lease == "" {
		return false, tx.fail(errNoSuchToken)
	}
	n, err := tx.exec(ctx, `DELETE FROM work WHERE id = $1 AND lease_token = $2 AND gen = $3`, w.ID, w.Lease, w.Gen)
	if err != nil || n == 1 {
		return n == 1, err
	}
	return tx.free(ctx, w, now, now, "")
}

// Retry frees the lease of work that is not done and makes it due at that time, or now where
// Enqueue has added to it meanwhile. ok is as in Finish.
func (tx *Tx) Retry(ctx context.Context, w outbox.Work, at time.Time, lastError string) (ok bool, err error) {
	if w.Lease == "" {
		return false, tx.fail(errNoSuchToken)
	}
	sooner := tx.store.now()
	if at.Before(sooner) {
		sooner = at
	}
	return tx.free(ctx, w, at, sooner, lastError)
}

// free gives up a lease: due at that time, or sooner where the generation has grown.
func (tx *Tx) free(ctx context.Context, w outbox.Work, at, sooner time.Time, lastError string) (ok bool, err error) {
	tx.willWake(sooner)
	n, err := tx.exec(ctx, `UPDATE work SET lease_token = '', lease_until = 0, last_error = $3, failures = 0,
			due_at = CASE WHEN gen = $4 THEN CAST($5 AS BIGINT) ELSE CAST($6 AS BIGINT) END
		WHERE id = $1 AND lease_token = $2`,
		w.ID, w.Lease, printable(lastError, 1000), w.Gen, millis(at), millis(sooner))
	return n == 1, err
}

// Fail frees the lease of work whose handler failed, and counts that: due at that time, or sooner where
// Enqueue has added to it meanwhile, and why. ok is as in Finish.
func (tx *Tx) Fail(ctx context.Context, w outbox.Work, at, sooner time.Time, cause string) (ok bool, err error) {
	if w.Lease == "" {
		return false, tx.fail(errNoSuchToken)
	}
	tx.willWake(sooner)
	n, err := tx.exec(ctx, `UPDATE work SET lease_token = '', lease_until = 0, last_error = $3, failures = failures + 1,
			due_at = CASE WHEN gen = $4 THEN CAST($5 AS BIGINT) ELSE CAST($6 AS BIGINT) END
		WHERE id = $1 AND lease_token = $2`, w.ID, w.Lease, printable(cause, 1000), w.Gen, millis(at), millis(sooner))
	return n == 1, err
}

// DropWork deletes the work of one kind about one subject, whoever has it leased: what it was
// for is settled. Where there is none, nothing happens.
func (tx *Tx) DropWork(ctx context.Context, kind, subject string) error {
	_, err := tx.exec(ctx, `DELETE FROM work WHERE kind = $1 AND subject = $2`, kind, subject)
	return err
}

// WorkFor reads the work of one kind about one subject.
func (tx *Tx) WorkFor(ctx context.Context, kind, subject string) (outbox.Work, error) {
	return one(ctx, tx, scanWork, `SELECT `+workColumns+` FROM work WHERE kind = $1 AND subject = $2`, kind, subject)
}

const workColumns = `id, business_id, kind, subject, lane, due_at, attempts, gen, lease_token, lease_until, last_error, failures`

func scanWork(r row) (w outbox.Work, err error) {
	var due, until int64
	err = r.Scan(&w.ID, &w.BusinessID, &w.Kind, &w.Subject, &w.Lane, &due, &w.Attempts, &w.Gen, &w.Lease, &until, &w.LastError, &w.Failures)
	w.DueAt, w.LeaseUntil = instant(due), instant(until)
	return w, err
}

// willWake notes that the runner is to be woken after COMMIT for work that is due then.
func (tx *Tx) willWake(due time.Time) {
	tx.enqueued = true
	tx.dueNow = tx.dueNow || !due.After(tx.store.now())
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// Queue is the outbox's side of the store.
func (s *Store) Queue() outbox.Queue { return queue{s} }

type queue struct{ s *Store }

// lanesQuery steps through the lanes that have work, one look into the index each, however
// many rows they have, and says when the first row of each falls due.
const lanesQuery = `WITH RECURSIVE lanes (lane) AS (
		SELECT MIN(lane) FROM work
		UNION ALL
		SELECT (SELECT MIN(w.lane) FROM work w WHERE w.lane > lanes.lane) FROM lanes WHERE lanes.lane IS NOT NULL
	)
	SELECT lanes.lane, (SELECT MIN(w.due_at) FROM work w WHERE w.lane = lanes.lane) FROM lanes WHERE lanes.lane IS NOT NULL`

type laneDue struct {
	name string
	due  int64
}

func scanLane(r row) (l laneDue, err error) {
	err = r.Scan(&l.name, &l.due)
	return l, err
}

// Claim implements outbox.Queue. The lane whose first row has waited longest comes first. A
// row that another process is just claiming, or whose transaction is not committed, is left
// out: it is found at the next look.
func (q queue) Claim(ctx context.Context, now time.Time, lease time.Duration, n, perLane int, free map[string]int) ([]outbox.Work, time.Time, error) {
	var c claim
	err := q.s.Update(ctx, func(ctx context.Context, tx *Tx) (err error) {
		c, err = tx.claim(ctx, now, lease, n, perLane, free)
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return c.made()
}

// claim is what a transaction has leased, lane by lane, and what the lanes are left with: on
// PostgreSQL all of it is known when that is committed.
type claim struct {
	work []later[outbox.Work]
	left later[laneDue]
}

func (tx *Tx) claim(ctx context.Context, now time.Time, lease time.Duration, n, perLane int, free map[string]int) (c claim, err error) {
	lanes, err := many(ctx, tx, scanLane, lanesQuery)
	if err != nil {
		return c, err
	}
	slices.SortStableFunc(lanes, func(a, b laneDue) int { return cmp.Compare(a.due, b.due) })
	c.left.list = lanes
	for n > 0 {
		var round []laneClaim
		left := n
		for ; left > 0 && len(lanes) > 0 && lanes[0].due <= millis(now); lanes = lanes[1:] {
			slots, named := free[lanes[0].name]
			if !named {
				slots = perLane
			}
			if slots = min(slots, left); slots > 0 {
				round = append(round, laneClaim{lanes[0].name, millis(now), int64(slots), newID(), millis(now.Add(lease))})
				left -= slots
			}
		}
		if left > 0 { // no lane is left out for want of n: it is the last round
			for _, l := range round {
				work, err := atLast(ctx, tx, scanWork, tx.claimQuery(), l.args()...)
				if err != nil {
					return c, err
				}
				c.work = append(c.work, work)
			}
			break
		}
		work, err := tx.claimLanes(ctx, round)
		if err != nil {
			return c, err
		}
		c.work = append(c.work, later[outbox.Work]{list: work})
		n -= len(work) // less than was asked for, perhaps: then further lanes have their turn
	}
	if n > 0 && len(c.work) > 0 {
		c.left, err = atLast(ctx, tx, scanLane, lanesQuery)
	}
	return c, err
}

// laneClaim leases up to slots rows of one lane that have been due longest. All carry the same
// token: it tells this claim of a row from any other of that row.
type laneClaim struct {
	lane  string
	due   int64
	slots int64
	token string
	until int64
}

func (l laneClaim) args() []any { return []any{l.lane, l.due, l.slots, l.token, l.until} }

func (tx *Tx) claimQuery() string {
	return `WITH picked AS MATERIALIZED (
			SELECT id FROM work WHERE lane = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3 + 0` + tx.dialect.skipLocked() + `
		)
		UPDATE work SET lease_token = $4, lease_until = $5, due_at = $5, attempts = attempts + 1
		WHERE id IN (SELECT id FROM picked)
		RETURNING ` + workColumns
}

// claimLanes makes several claims, for all of which it waits once. They come in their order.
func (tx *Tx) claimLanes(ctx context.Context, round []laneClaim) ([]outbox.Work, error) {
	query, last := tx.claimQuery(), len(round)-1
	for _, l := range round[:last] {
		foresee(tx, scanWork, query, l.args()...)
	}
	lists := make([][]outbox.Work, len(round))
	for i := range round {
		i = (i + last) % len(round) // the last first: it brings the others with it
		var err error
		if lists[i], err = written(ctx, tx, scanWork, query, round[i].args()...); err != nil {
			return nil, err
		}
	}
	return slices.Concat(lists...), nil
}

// made is what came of a claim, once its transaction is over; and, if it is told, when the first of
// what is left falls due.
func (c claim) made() (all []outbox.Work, next time.Time, err error) {
	for _, l := range c.work {
		work, err := l.found()
		if err != nil {
			return nil, next, err // it lies until its lease ends
		}
		all = append(all, work...)
	}
	for i := range all {
		all[i].Attempts-- // how often before this time
	}
	lanes, err := c.left.found()
	if len(lanes) > 0 {
		next = instant(slices.MinFunc(lanes, func(a, b laneDue) int { return cmp.Compare(a.due, b.due) }).due)
	}
	return all, next, err
}

// HandBack implements outbox.Queue. A lease that was lost meanwhile is left alone.
func (q queue) HandBack(ctx context.Context, now time.Time, work []outbox.Work) error {
	if len(work) == 0 {
		return nil
	}
	return q.s.Update(ctx, func(ctx context.Context, tx *Tx) error {
		tx.willWake(now)
		for _, w := range work {
			if w.Lease == "" {
				continue
			}
			if _, err := tx.exec(ctx, `UPDATE work SET lease_token = '', lease_until = 0, due_at = $3, attempts = attempts - 1
				WHERE id = $1 AND lease_token = $2`, w.ID, w.Lease, millis(now)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Wakes implements outbox.Queue. From the first call on, other processes' wake-ups ring too.
func (q queue) Wakes() <-chan struct{} {
	q.s.engine.hearOthers(&q.s.bell)
	return q.s.bell.c
}
