package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// Tills. A till is made by the staff of a business, paired once by a code that a person types in,
// and from then on reports what was sold in the shop, from the shop outward: nobody calls it.

// PairingTime is how long a code can be used.
const PairingTime = 24 * time.Hour

// TillInput makes a till. NotifyURL may be "": its sales then send no webhook.
type TillInput struct {
	Source, Business, Name, NotifyURL string

	Idem Idem // "": a repeat makes another till
}

// NewTill is a till with the code that pairs it, which is shown once.
type NewTill struct {
	pay.Till
	Code     string // "" on a replay, where the till is paired or revoked
	Replayed bool   // the till had been made by an earlier request with the same key
}

// TillFilter picks tills for a list; what is empty does not count.
type TillFilter struct {
	Source, Business string
	Order            Order // "": newest first
}

// CreateTill makes a till of a business, which need not have been heard of before. A repeat under its
// key finds the same till; as long as nobody has paired it, with a new code, since whoever repeats
// has not seen the first: that one opens nothing any more.
func (g *Gateway) CreateTill(ctx context.Context, in TillInput) (out NewTill, err error) {
	c, err := g.newClaim("till.create", in.Source, in.Idem, false)
	if err != nil {
		return out, err
	}
	code := newPairingCode()
	create := func(ctx context.Context, b *book) error {
		out = NewTill{}
		t, err := c.look(ctx, b.Tx, b.now)
		if err != nil {
			return err
		}
		if t != nil {
			out.Replayed = true
			if out.Till, err = b.LockTill(ctx, t.resource); err != nil || out.TokenHash != "" || !out.RevokedAt.IsZero() {
				return err
			}
			out.Code, out.CodeHash, out.CodeUntil = code, hashed(plainCode(code)), b.now.Add(PairingTime)
			return b.SaveTill(ctx, out.Till)
		}
		business, err := b.EnsureBusiness(ctx, pay.Business{ID: id.New(), Source: in.Source, Key: in.Business, CreatedAt: b.now})
		if err != nil {
			return err
		}
		out = NewTill{Code: code, Till: pay.Till{
			ID: id.New(), BusinessID: business.ID, Source: business.Source, Business: business.Key,
			Name: in.Name, NotifyURL: in.NotifyURL, CodeHash: hashed(plainCode(code)), CodeUntil: b.now.Add(PairingTime), CreatedAt: b.now,
		}}
		if err := b.SaveTill(ctx, out.Till); err != nil {
			return err
		}
		t, err = c.take(ctx, b.Tx, out.ID, 201, true, b.now)
		if err == nil && t != nil { // a twin claimed the key since we looked: undo ours, and answer as it does
			err = errTwin
		}
		return err
	}
	err = wait(ctx, func() (again bool, err error) {
		err = g.update(ctx, byAPI, create)
		if errors.Is(err, errTwin) {
			return true, nil
		}
		return false, err
	})
	return out, err
}

// Tills lists tills.
func (g *Gateway) Tills(ctx context.Context, f TillFilter, p Page) (out List[pay.Till], err error) {
	page, err := p.decode()
	if err != nil {
		return out, err
	}
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		out.Items, err = tx.Tills(ctx, store.TillFilter(f), page)
		return err
	})
	out.Items, out.Next = cut(out.Items, page, func(t pay.Till) (int64, string) { return t.CreatedAt.UnixMilli(), t.ID })
	return out, err
}

// Till reads one.
func (g *Gateway) Till(ctx context.Context, tillID string) (t pay.Till, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err = found(tx.Till(ctx, tillID))("till")
		return err
	})
	return t, err
}

// TillDay is what a till has reported today.
type TillDay = store.TillDay

// TillDays is what each of up to 1,000 tills has reported since midnight in Tashkent, by its id.
func (g *Gateway) TillDays(ctx context.Context, tillIDs []string) (days map[string]TillDay, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		days = map[string]TillDay{}
		rows, err := tx.TillDays(ctx, tillIDs, midnight(g.now()))
		for _, d := range rows {
			days[d.TillID] = d
		}
		return err
	})
	return days, err
}

// RevokeTill ends a till: neither its code nor its token opens anything from now on. What it has
// reported stays. A repeat changes nothing.
func (g *Gateway) RevokeTill(ctx context.Context, tillID string) (t pay.Till, err error) {
	err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		if t, err = found(b.LockTill(ctx, tillID))("till"); err != nil || !t.RevokedAt.IsZero() {
			return err
		}
		t.CodeHash, t.NonceHash, t.TokenHash, t.RevokedAt = "", "", "", b.now
		return b.SaveTill(ctx, t)
	})
	return t, err
}

// ─── Pairing ───────────────────────────────────────────────────────────────────────────────

// PairInput is what a till says of itself. Nonce may be "": then an answer that is lost cannot be
// asked for again.
type PairInput struct{ Code, Nonce, Device, Version string }

// PairedTill is a till with its token, which is shown once.
type PairedTill struct {
	pay.Till
	Token string
}

var errPairing = &pay.Error{Code: pay.CodeUnauthorized, Reason: "pairing_code", Message: "the pairing code is wrong, was used, or has run out; make a new till"}

// PairTill gives a till its token for the one-time code. The same till that asks again, since the
// answer was lost, is given another token, and the one before it opens nothing.
func (g *Gateway) PairTill(ctx context.Context, in PairInput) (out PairedTill, err error) {
	token := newToken()
	err = g.update(ctx, byTill, func(ctx context.Context, b *book) error {
		t, err := b.TillByCode(ctx, hashed(plainCode(in.Code)))
		if errors.Is(err, store.ErrNotFound) {
			return errPairing
		}
		if err != nil {
			return err
		}
		again := t.TokenHash != ""
		if b.now.After(t.CodeUntil) || again && (in.Nonce == "" || hashed(in.Nonce) != t.NonceHash) {
			return errPairing
		}
		t.TokenHash, t.Device, t.Version, t.SeenAt = hashed(token), in.Device, in.Version, b.now
		if !again {
			t.PairedAt = b.now
		}
		if t.NonceHash = ""; in.Nonce != "" {
			t.NonceHash = hashed(in.Nonce)
		} else {
			t.CodeHash = ""
		}
		out = PairedTill{Till: t, Token: token}
		return b.SaveTill(ctx, t)
	})
	return out, err
}

// TillOf is whose token it is.
func (g *Gateway) TillOf(ctx context.Context, token string) (t pay.Till, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err = tx.TillByToken(ctx, hashed(token))
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && !t.RevokedAt.IsZero() {
		return pay.Till{}, errTillToken
	}
	return t, err
}

var errTillToken = &pay.Error{Code: pay.CodeUnauthorized, Reason: "till_token", Message: "the till's token is missing, wrong or revoked; pair the till anew"}

// Codes are read aloud and typed in: no letters that look like digits, in groups of four.
var codeAlphabet = base32.NewEncoding("ABCDEFGHJKLMNPQRSTUVWXYZ23456789").WithPadding(base32.NoPadding)

// newPairingCode makes a code of 80 random bits: XXXX-XXXX-XXXX-XXXX.
func newPairingCode() string {
	var raw [10]byte
	rand.Read(raw[:]) // never fails: it stops the program instead
	text := codeAlphabet.EncodeToString(raw[:])
	return text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
}

// plainCode is a code as a person may have typed it.
func plainCode(code string) string {
	return strings.NewReplacer("-", "", " ", "").Replace(strings.ToUpper(code))
}

func newToken() string {
	var raw [32]byte
	rand.Read(raw[:])
	return "till_" + base64.RawURLEncoding.EncodeToString(raw[:])
}

// hashed is what is stored of a code or a token. Both are long and random, so the hash needs no
// salt, and finding a row by it tells nothing of them.
func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// credentialsMissing says whether a merchant is one that a till's report made: the shop's till has
// the credentials, and this gateway has none to call the company with.
func (g *Gateway) credentialsMissing(m pay.Merchant, s secrets) bool {
	p, ok := g.providers[m.Provider]
	if !ok || len(s.Values) > 0 {
		return false
	}
	for _, f := range p.Info().Fields {
		if f.Required {
			return true
		}
	}
	return false
}

// tillMerchant is the business's merchant at the provider of a report. One that is not registered
// is made, switched off and without credentials: a payment belongs to a merchant.
func (g *Gateway) tillMerchant(ctx context.Context, b *book, t pay.Till, provider string) (pay.Merchant, error) {
	m, err := b.MerchantOf(ctx, t.BusinessID, provider)
	if !errors.Is(err, store.ErrNotFound) {
		return m, err
	}
	p, ok := g.providers[provider]
	if !ok {
		return m, g.unknownProvider()
	}
	m = pay.Merchant{
		ID: id.New(), BusinessID: t.BusinessID, Source: t.Source, Business: t.Business, Provider: provider,
		DisplayName: p.Info().Title + " (in the shop)", Version: 1, CreatedAt: g.now(), UpdatedAt: g.now(),
	}
	plain, err := json.Marshal(secrets{})
	if err != nil {
		return m, err
	}
	sealed, err := g.Seal.Seal(m.ID, plain)
	if err != nil {
		return m, err
	}
	m.Sealed = []byte(sealed)
	return m, b.SaveMerchant(ctx, m, "")
}
