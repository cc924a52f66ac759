package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chorsu/chorsu/internal/pay"
)

// EnsureBusiness gives the business of (Source, Key) as it is stored, and stores b where
// there is none.
func (tx *Tx) EnsureBusiness(ctx context.Context, b pay.Business) (pay.Business, error) {
	stored, err := tx.Business(ctx, b.Source, b.Key)
	if !errors.Is(err, ErrNotFound) {
		return stored, err
	}
	ok, err := tx.insert(ctx, `INSERT INTO businesses (id, source, key, created_at) VALUES ($1, $2, $3, $4)`,
		b.ID, b.Source, b.Key, millis(b.CreatedAt))
	if err != nil || ok {
		return b, err
	}
	return tx.Business(ctx, b.Source, b.Key)
}

// Business reads the business that an app calls key.
func (tx *Tx) Business(ctx context.Context, source, key string) (pay.Business, error) {
	return one(ctx, tx, scanBusiness, `SELECT id, source, key, created_at FROM businesses
		WHERE source = $1 AND key = $2`, source, key)
}

func scanBusiness(r row) (b pay.Business, err error) {
	var created int64
	err = r.Scan(&b.ID, &b.Source, &b.Key, &created)
	b.CreatedAt = instant(created)
	return b, err
}

const merchantQuery = `SELECT m.id, m.business_id, b.source, b.key, m.provider, m.display_name, m.active,
	m.sealed, m.options, m.version, m.created_at, m.updated_at
	FROM merchants m JOIN businesses b ON b.id = m.business_id`

func scanMerchant(r row) (m pay.Merchant, err error) {
	var sealed, options string
	var created, updated int64
	if err := r.Scan(&m.ID, &m.BusinessID, &m.Source, &m.Business, &m.Provider, &m.DisplayName, &m.Active,
		&sealed, &options, &m.Version, &created, &updated); err != nil {
		return m, err
	}
	if m.Sealed, err = base64.StdEncoding.DecodeString(sealed); err != nil {
		return m, fmt.Errorf("merchant %s: credentials: %w", m.ID, err)
	}
	if err := json.Unmarshal([]byte(options), &m.Options); err != nil {
		return m, fmt.Errorf("merchant %s: options: %w", m.ID, err)
	}
	m.CreatedAt, m.UpdatedAt = instant(created), instant(updated)
	return m, nil
}

// Merchant reads one merchant, with the source and key of its business.
func (tx *Tx) Merchant(ctx context.Context, id string) (pay.Merchant, error) {
	return one(ctx, tx, scanMerchant, merchantQuery+` WHERE m.id = $1`, id)
}

// MerchantVersion reads which version of a merchant stands: it grows with each change of it.
func (tx *Tx) MerchantVersion(ctx context.Context, id string) (int64, error) {
	return one(ctx, tx, scanNumber, merchantVersionQuery, id)
}

const merchantVersionQuery = `SELECT version FROM merchants WHERE id = $1`

// ForeseeMerchantVersion says that MerchantVersion will be asked.
func (tx *Tx) ForeseeMerchantVersion(id string) { foresee(tx, scanNumber, merchantVersionQuery, id) }

// LockMerchant reads one merchant that is about to be changed: whoever changes it too waits. No
// payment takes this lock, or waits for it.
func (tx *Tx) LockMerchant(ctx context.Context, id string) (pay.Merchant, error) {
	return one(ctx, tx, scanMerchant, merchantQuery+` WHERE m.id = $1`+tx.dialect.forChange("m"), id)
}

// MerchantNamed reads the merchant at one provider of the business that an app calls key.
func (tx *Tx) MerchantNamed(ctx context.Context, source, key, provider string) (pay.Merchant, error) {
	return one(ctx, tx, scanMerchant, merchantQuery+` WHERE b.source = $1 AND b.key = $2 AND m.provider = $3`, source, key, provider)
}

// MerchantOf reads the merchant of a business at one provider.
func (tx *Tx) MerchantOf(ctx context.Context, businessID, provider string) (pay.Merchant, error) {
	return one(ctx, tx, scanMerchant, merchantQuery+` WHERE m.business_id = $1 AND m.provider = $2`, businessID, provider)
}

// MerchantsOf reads all merchants of a business, in order of creation.
func (tx *Tx) MerchantsOf(ctx context.Context, businessID string) ([]pay.Merchant, error) {
	return many(ctx, tx, scanMerchant, merchantQuery+` WHERE m.business_id = $1 ORDER BY m.created_at, m.id`, businessID)
}

// MerchantsByRoute reads the merchants that a provider's messages call route.
func (tx *Tx) MerchantsByRoute(ctx context.Context, provider, route string) ([]pay.Merchant, error) {
	return many(ctx, tx, scanMerchant, merchantQuery+` WHERE m.provider = $1 AND m.route = $2 AND m.route <> ''
		ORDER BY m.created_at, m.id`, provider, route)
}

// SaveMerchant inserts m, or updates the merchant of its id: display name, activity,
// credentials, options and route. The stored version grows by one with each update, whatever
// m.Version says, so that no opened account outlives its credentials.
func (tx *Tx) SaveMerchant(ctx context.Context, m pay.Merchant, route string) error {
	options, err := json.Marshal(m.Options)
	if err != nil {
		return tx.fail(fmt.Errorf("store: options of merchant %s: %w", m.ID, err))
	}
	return tx.save(ctx, `INSERT INTO merchants (id, business_id, provider, display_name, active, sealed, options, route,
			version, created_at, updated_at, nightly)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, active = excluded.active,
			sealed = excluded.sealed, options = excluded.options, route = excluded.route, nightly = excluded.nightly,
			version = merchants.version + 1, updated_at = excluded.updated_at`,
		m.ID, m.BusinessID, m.Provider, m.DisplayName, m.Active, base64.StdEncoding.EncodeToString(m.Sealed),
		string(options), route, max(m.Version, 1), millis(m.CreatedAt), millis(m.UpdatedAt), m.Options.ReconcileNightly)
}

// MerchantFilter picks merchants for a list; what is zero does not count.
type MerchantFilter struct {
	Source, Business, Provider string
	Active                     *bool
	Order                      Order // not by amount
}

// Merchants lists merchants.
func (tx *Tx) Merchants(ctx context.Context, f MerchantFilter, p Page) ([]pay.Merchant, error) {
	var s selection
	s.business("m", "b.source", f.Source, f.Business)
	if f.Provider != "" {
		s.and("m.provider = ?", f.Provider)
	}
	if f.Active != nil {
		s.and("m.active = ?", *f.Active)
	}
	return many(ctx, tx, scanMerchant, merchantQuery+s.sorted("merchants", "m", f.Order, p), s.args...)
}

// business narrows a list to a source, to the businesses of one key, or to the one of both.
func (s *selection) business(alias, sourceColumn, source, key string) {
	switch {
	case source != "" && key != "":
		s.and(alias+".business_id = (SELECT id FROM businesses WHERE source = ? AND key = ?)", source, key)
	case source != "":
		s.and(sourceColumn+" = ?", source)
	case key != "":
		s.and("b.key = ?", key)
	}
}

// ─── What was seen of a merchant ───────────────────────────────────────────────────────────

// lookAt is how many rows are looked at for whether something ever happened: a shop that works
// finds it among the first, and one that does not has not many.
const lookAt = 1000

// LastHeard is the newest exchange in which the company called the merchant's address, without its
// text; ErrNotFound where there is none (or none that is still kept).
func (tx *Tx) LastHeard(ctx context.Context, merchantID string) (Message, error) {
	return one(ctx, tx, func(r row) (m Message, err error) {
		var at int64
		err = r.Scan(&at, &m.Step, &m.Status)
		m.At = instant(at)
		return m, err
	}, `SELECT at, step, status FROM messages WHERE merchant_id = $1 AND direction = 'in' ORDER BY -at LIMIT 1`, merchantID)
}

// PaidAndReturned says whether a merchant's payments ever were paid, and ever returned.
func (tx *Tx) PaidAndReturned(ctx context.Context, merchantID string) (paid, returned bool, err error) {
	found, err := one(ctx, tx, func(r row) (n [2]int64, err error) {
		err = r.Scan(&n[0], &n[1])
		return n, err
	}, `SELECT COALESCE(MAX(few.captured), 0), COALESCE(MAX(few.refunded), 0)
		FROM (SELECT captured, refunded FROM payments WHERE merchant_id = $1 LIMIT $2 + 0) few`, merchantID, int64(lookAt))
	return found[0] > 0, found[1] > 0, err
}

// DeliveredOnce says whether an event of a business ever reached its app.
func (tx *Tx) DeliveredOnce(ctx context.Context, businessID string) (bool, error) {
	newest, err := one(ctx, tx, scanNumber, `SELECT COALESCE(MAX(few.delivered_at), 0)
		FROM (SELECT delivered_at FROM events WHERE business_id = $1 LIMIT $2 + 0) few`, businessID, int64(lookAt))
	return newest > 0, err
}
