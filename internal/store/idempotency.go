package store

import (
	"context"
	"errors"
	"time"
)

// Claim is one idempotency key and the request that used it first.
type Claim struct {
	Scope    string // operation and source
	Key      string
	Hash     string // an HMAC of the decoded request
	Resource string // the id of what the request made
	Status   int    // its HTTP status
	Done     bool   // false while the first request still runs
	Keep     bool   // for ever: refunds and payouts
	At       time.Time
}

// ClaimKey takes a key for a request. ok is false where it is taken already, and had is who
// has it. A twin whose transaction is still open is waited for.
func (tx *Tx) ClaimKey(ctx context.Context, c Claim) (ok bool, had Claim, err error) {
	for range 3 { // a key may be released between the two statements
		ok, err = tx.insert(ctx, `INSERT INTO idempotency (scope, key, hash, resource, status, done, created_at, keep)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			c.Scope, c.Key, c.Hash, c.Resource, int64(c.Status), c.Done, millis(c.At), c.Keep)
		if err != nil || ok {
			return ok, Claim{}, err
		}
		had, err = tx.Key(ctx, c.Scope, c.Key)
		if !errors.Is(err, ErrNotFound) {
			return false, had, err
		}
	}
	return false, Claim{}, tx.fail(errors.New("store: an idempotency key is taken and released without end"))
}

// Key reads who has a key.
func (tx *Tx) Key(ctx context.Context, scope, key string) (Claim, error) {
	return one(ctx, tx, func(r row) (c Claim, err error) {
		var at int64
		err = r.Scan(&c.Scope, &c.Key, &c.Hash, &c.Resource, &c.Status, &c.Done, &at, &c.Keep)
		c.At = instant(at)
		return c, err
	}, `SELECT scope, key, hash, resource, status, done, created_at, keep FROM idempotency WHERE scope = $1 AND key = $2`, scope, key)
}

// FinishKey says that the request that claimed a key has its answer.
func (tx *Tx) FinishKey(ctx context.Context, scope, key string) error {
	return tx.save(ctx, `UPDATE idempotency SET done = TRUE WHERE scope = $1 AND key = $2`, scope, key)
}

// ReleaseKey frees a key whose request came to nothing. One that is done stays.
func (tx *Tx) ReleaseKey(ctx context.Context, scope, key string) error {
	_, err := tx.exec(ctx, `DELETE FROM idempotency WHERE scope = $1 AND key = $2 AND NOT done`, scope, key)
	return err
}

// PruneKeys deletes up to limit keys from before a time, but none that is kept for ever, and
// says how many.
func (tx *Tx) PruneKeys(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := tx.exec(ctx, `DELETE FROM idempotency WHERE (scope, key) IN
		(SELECT scope, key FROM idempotency WHERE NOT keep AND created_at < $1 ORDER BY created_at LIMIT $2 + 0)`,
		millis(before), int64(limit))
	return int(n), err
}
