package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/chorsu/chorsu/internal/store"
)

// Mode is what a database is for: it is written when the database is first used, and a gateway
// of the other mode refuses it from then on.
type Mode string

// The modes.
const (
	ModeTest Mode = "test" // up, demo: money is simulated
	ModeLive Mode = "live" // serve, worker
)

const settingMode = "mode"

// Enter must be called once, before anything is served. It checks that the database is of this
// mode (one that holds no merchant takes it), and reads the key under which requests are hashed
// for idempotency.
func (g *Gateway) Enter(ctx context.Context, m Mode) error {
	if err := g.takeMode(ctx, m); err != nil {
		return err
	}
	return g.readHashKey(ctx)
}

// The key of requests' hashes is made once and sealed like a credential. It cannot be derived
// from MASTER_KEY: refunds' keys are kept for ever, and must be known again after a rotation.
const (
	settingHashKey = "idempotency_key"
	hashKeyRow     = "setting/" + settingHashKey
)

func (g *Gateway) readHashKey(ctx context.Context) error {
	fresh := make([]byte, sha256.Size)
	_, _ = rand.Read(fresh) // it never fails
	sealed, err := g.Seal.Seal(hashKeyRow, fresh)
	if err != nil {
		return err
	}
	if err := g.store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		sealed, err = tx.FirstSetting(ctx, settingHashKey, sealed)
		return err
	}); err != nil {
		return err
	}
	g.hashKey, err = g.Seal.Open(hashKeyRow, sealed)
	if err != nil {
		return fmt.Errorf("open the key of the requests' hashes: %w", err)
	}
	return nil
}

// OtherMode is why a database of the other mode is not used: a person decides which is meant.
type OtherMode string

func (e OtherMode) Error() string { return string(e) }

func (g *Gateway) takeMode(ctx context.Context, m Mode) error {
	return g.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		had, err := tx.Setting(ctx, settingMode)
		if errors.Is(err, store.ErrNotFound) {
			used, err := tx.Merchants(ctx, store.MerchantFilter{}, store.Page{Limit: 1})
			if err != nil {
				return err
			}
			if len(used) == 0 {
				return tx.PutSetting(ctx, settingMode, string(m))
			}
			had = string(ModeLive)
		} else if err != nil {
			return err
		}
		if had == string(m) {
			return nil
		}
		if m == ModeTest {
			return OtherMode("this database holds real payments: `chorsu up` wants one of its own (set DATABASE_URL)")
		}
		return OtherMode("this database was made in test mode and holds simulated payments: `chorsu serve` wants one of its own (set DATABASE_URL)")
	})
}

// ModeOf is what a database is for, "" where nothing has used it yet. It writes nothing.
func ModeOf(ctx context.Context, s *store.Store) (m Mode, err error) {
	err = s.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		had, err := tx.Setting(ctx, settingMode)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		m = Mode(had)
		return err
	})
	return m, err
}
