package store

import "context"

// Setting reads one setting of the gateway itself (the mark of a test database, say), or
// ErrNotFound.
func (tx *Tx) Setting(ctx context.Context, name string) (string, error) {
	return one(ctx, tx, scanText, `SELECT value FROM settings WHERE name = $1`, name)
}

// PutSetting writes one setting, new or not.
func (tx *Tx) PutSetting(ctx context.Context, name, value string) error {
	return tx.save(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
}

// FirstSetting writes a setting that is not there yet, and returns the one that is: of several
// processes that begin at once, all get the same.
func (tx *Tx) FirstSetting(ctx context.Context, name, value string) (string, error) {
	if _, err := tx.insert(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2)`, name, value); err != nil {
		return "", err
	}
	return tx.Setting(ctx, name)
}

// ReplaceSetting writes a setting that still is what it was; ok says whether it was.
func (tx *Tx) ReplaceSetting(ctx context.Context, name, was, now string) (ok bool, err error) {
	n, err := tx.exec(ctx, `UPDATE settings SET value = $3 WHERE name = $1 AND value = $2`, name, was, now)
	return n == 1, err
}
