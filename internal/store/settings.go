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
