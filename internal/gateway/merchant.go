package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// maxCredential bounds one credential, in bytes.
const maxCredential = 4096

// secrets is what is sealed of a merchant.
type secrets struct {
	Values  map[string]string `json:"values"`
	TestKey string            `json:"testKey,omitempty"`
}

func (g *Gateway) unseal(m pay.Merchant) (secrets, error) {
	var s secrets
	plain, err := g.Seal.Open(m.ID, string(m.Sealed))
	if err != nil {
		return s, fmt.Errorf("open the seal of merchant %s: %w", m.ID, err)
	}
	if err := json.Unmarshal(plain, &s); err != nil {
		return s, fmt.Errorf("what merchant %s sealed is not readable", m.ID) // not %w: it could show a secret
	}
	return s, nil
}

// Supported lists the providers in the order of the one list.
func (g *Gateway) Supported() []provider.Info {
	out := make([]provider.Info, len(g.Providers))
	for i, p := range g.Providers {
		out[i] = p.Info()
	}
	return out
}

// SaveMerchant registers a business at a provider (201), or changes it there (200).
func (g *Gateway) SaveMerchant(ctx context.Context, in MerchantInput, key Idem) (Saved[Merchant], error) {
	var out Saved[Merchant]
	p, ok := g.providers[in.Provider]
	if !ok {
		return out, g.unknownProvider()
	}
	if err := checkCredentials(p.Info(), in.Credentials, in.Options, in.TestKey); err != nil {
		return out, err
	}
	c, err := g.newClaim("merchant.save", in.Source, key, false)
	if err != nil {
		return out, err
	}
	var m pay.Merchant
	var s secrets
	save := func(ctx context.Context, tx *book) error {
		now := tx.now
		t, err := c.look(ctx, tx.Tx, now)
		if err != nil {
			return err
		}
		if t != nil {
			m, err = tx.Merchant(ctx, t.resource)
			out.Status, out.Replayed = t.status, true
			return err
		}
		b, err := tx.EnsureBusiness(ctx, pay.Business{ID: id.New(), Source: in.Source, Key: in.Business, CreatedAt: now})
		if err != nil {
			return err
		}
		out.Status = http.StatusOK
		m, err = tx.MerchantOf(ctx, b.ID, in.Provider)
		if err == nil {
			m, err = tx.LockMerchant(ctx, m.ID)
		}
		if errors.Is(err, store.ErrNotFound) {
			out.Status = http.StatusCreated
			m = pay.Merchant{ID: id.New(), BusinessID: b.ID, Source: b.Source, Business: b.Key, Provider: in.Provider, Active: true, CreatedAt: now}
		} else if err != nil {
			return err
		} else if in.New {
			return &pay.Error{Code: pay.CodeConflict, Reason: "merchant_exists", Message: "this business is registered at this provider already"}
		}
		s, err = g.applyPatch(&m, out.Status == http.StatusCreated, MerchantPatch{
			Credentials: in.Credentials, DisplayName: in.DisplayName, Active: in.Active, Options: in.Options, TestKey: in.TestKey,
		})
		if err != nil {
			return err
		}
		if err := tx.SaveMerchant(ctx, m, g.route(p, s)); err != nil {
			return err
		}
		t, err = c.take(ctx, tx.Tx, m.ID, out.Status, true, now)
		if err == nil && t != nil { // a twin claimed the key since we looked: undo ours, and answer as it does
			err = errTwin
		}
		return err
	}
	err = wait(ctx, func() (again bool, err error) {
		err = g.update(ctx, byAPI, save)
		if errors.Is(err, errTwin) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		return out, err
	}
	if out.Value, err = g.present(m); err != nil {
		return out, err
	}
	if !out.Replayed {
		g.saved(m, s)
	}
	return out, nil
}

// PatchMerchant changes what the patch names.
func (g *Gateway) PatchMerchant(ctx context.Context, merchantID string, in MerchantPatch) (Merchant, error) {
	var m pay.Merchant
	var s secrets
	err := g.update(ctx, byAPI, func(ctx context.Context, tx *book) error {
		var err error
		if m, err = found(tx.LockMerchant(ctx, merchantID))("merchant"); err != nil {
			return err
		}
		if in.Seen != 0 && m.Version != in.Seen {
			return &pay.Error{Code: pay.CodeConflict, Reason: "changed_meanwhile", Message: "the merchant was changed meanwhile"}
		}
		p, ok := g.providers[m.Provider]
		if !ok {
			return g.unknownProvider()
		}
		change := in
		if in.KeepSecrets {
			if change.Credentials, err = g.withSecrets(m, p.Info(), in.Credentials); err != nil {
				return err
			}
		}
		if err := checkPatch(p.Info(), change); err != nil {
			return err
		}
		if s, err = g.applyPatch(&m, false, change); err != nil {
			return err
		}
		return tx.SaveMerchant(ctx, m, g.route(p, s))
	})
	if err != nil {
		return Merchant{}, err
	}
	g.saved(m, s)
	return g.present(m)
}

// TryPatch says what SaveMerchant (merchantID "") or PatchMerchant would refuse about a patch, and
// writes nothing: for a page that must note what it does before it does it.
func (g *Gateway) TryPatch(ctx context.Context, providerName, merchantID string, in MerchantPatch) error {
	m := pay.Merchant{ID: id.New(), Provider: providerName}
	if merchantID != "" {
		var err error
		if m, err = g.merchant(ctx, merchantID); err != nil {
			return err
		}
	}
	p, ok := g.providers[m.Provider]
	if !ok {
		return g.unknownProvider()
	}
	if in.KeepSecrets {
		var err error
		if in.Credentials, err = g.withSecrets(m, p.Info(), in.Credentials); err != nil {
			return err
		}
	}
	if err := checkPatch(p.Info(), in); err != nil {
		return err
	}
	_, err := g.applyPatch(&m, merchantID == "", in)
	return err
}

// withSecrets are credentials with the present secrets where none are given.
func (g *Gateway) withSecrets(m pay.Merchant, info provider.Info, given map[string]string) (map[string]string, error) {
	if given == nil {
		return nil, nil
	}
	s, err := g.unseal(m)
	if err != nil {
		return nil, err
	}
	out := maps.Clone(given)
	for _, f := range info.Fields {
		if f.Secret && out[f.Key] == "" && s.Values[f.Key] != "" {
			out[f.Key] = s.Values[f.Key]
		}
	}
	return out, nil
}

// PlainCredentials are the credentials of a merchant that are no secrets, for the form that changes
// them.
func (g *Gateway) PlainCredentials(ctx context.Context, merchantID string) (map[string]string, error) {
	m, err := g.merchant(ctx, merchantID)
	if err != nil {
		return nil, err
	}
	p, ok := g.providers[m.Provider]
	if !ok {
		return nil, g.unknownProvider()
	}
	s, err := g.unseal(m)
	if err != nil {
		return nil, err
	}
	plain := map[string]string{}
	for _, f := range p.Info().Fields {
		if !f.Secret {
			plain[f.Key] = s.Values[f.Key]
		}
	}
	return plain, nil
}

// applyPatch changes m, seals its secrets anew and checks that the provider can open it.
func (g *Gateway) applyPatch(m *pay.Merchant, fresh bool, in MerchantPatch) (secrets, error) {
	var s secrets
	var err error
	if !fresh {
		if s, err = g.unseal(*m); err != nil {
			return s, err
		}
	}
	if in.Credentials != nil {
		s.Values = in.Credentials
	}
	if in.TestKey != nil {
		s.TestKey = *in.TestKey
	}
	if in.DisplayName != nil {
		m.DisplayName = *in.DisplayName
	}
	if in.Active != nil {
		m.Active = *in.Active
	}
	if in.Options != nil {
		m.Options = *in.Options
	}
	m.Version++
	m.UpdatedAt = g.Now()
	if _, err := g.openAccount(*m, s); err != nil {
		return s, err
	}
	plain, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	sealed, err := g.Seal.Seal(m.ID, plain)
	m.Sealed = []byte(sealed)
	return s, err
}

// route is what the company's messages name the merchant by, where they do.
func (g *Gateway) route(p provider.Provider, s secrets) string {
	if r, ok := p.(provider.Router); ok {
		return s.Values[r.RouteField()]
	}
	return ""
}

func (g *Gateway) saved(m pay.Merchant, s secrets) {
	g.forget(m.ID)
	if g.OnMerchantSaved != nil && !g.credentialsMissing(m, s) {
		g.OnMerchantSaved(m.Provider, s.Values, s.TestKey, m.Options, g.callbackURL(m))
	}
}

func (g *Gateway) present(m pay.Merchant) (Merchant, error) {
	s, err := g.unseal(m)
	return Merchant{Merchant: m, CallbackURL: g.callbackURL(m), HasTestKey: s.TestKey != ""}, err
}

// checkCredentials says everything that is wrong with the form: unknown keys, missing ones,
// options that this provider does not read.
func checkCredentials(info provider.Info, values map[string]string, o *pay.Options, testKey *string) error {
	faults := credentialFaults(info, values)
	faults = append(faults, optionFaults(info, o, testKey)...)
	return invalid(faults)
}

func checkPatch(info provider.Info, in MerchantPatch) error {
	var faults []string
	if in.Credentials != nil {
		faults = credentialFaults(info, in.Credentials)
	}
	faults = append(faults, optionFaults(info, in.Options, in.TestKey)...)
	return invalid(faults)
}

func credentialFaults(info provider.Info, values map[string]string) []string {
	var faults []string
	known := map[string]bool{}
	for _, f := range info.Fields {
		known[f.Key] = true
		v, given := values[f.Key]
		switch {
		case f.Required && !given:
			faults = append(faults, fmt.Sprintf("%q is required", "credentials."+f.Key))
		case f.Required && strings.TrimSpace(v) == "":
			faults = append(faults, fmt.Sprintf("%q is not allowed to be empty", "credentials."+f.Key))
		case len(v) > maxCredential:
			faults = append(faults, fmt.Sprintf("%q length must be less than or equal to %d characters long", "credentials."+f.Key, maxCredential))
		}
	}
	var foreign []string
	for k := range values {
		if !known[k] {
			foreign = append(foreign, k)
		}
	}
	slices.Sort(foreign)
	for _, k := range foreign {
		faults = append(faults, fmt.Sprintf("%q is not allowed", "credentials."+k))
	}
	return faults
}

func optionFaults(info provider.Info, o *pay.Options, testKey *string) []string {
	if o == nil && testKey == nil {
		return nil
	}
	given := map[string]json.RawMessage{}
	if o != nil {
		b, _ := json.Marshal(o)
		_ = json.Unmarshal(b, &given)
	}
	if testKey != nil {
		given["testKey"] = nil
	}
	// Four options are the gateway's own, at every provider.
	allowed := append([]string{"refundEvents", "callbackFrom", "ownTin", "partialRefund"}, info.Options...)
	var faults []string
	for k := range given {
		if !slices.Contains(allowed, k) {
			faults = append(faults, fmt.Sprintf("%q is not allowed", "options."+k))
		}
	}
	slices.Sort(faults)
	return faults
}

func invalid(faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	return &pay.Error{Code: pay.CodeInvalid, Message: strings.Join(faults, "; "), Details: faults}
}

func (g *Gateway) unknownProvider() error {
	names := make([]string, len(g.Providers))
	for i, p := range g.Providers {
		names[i] = p.Info().Name
	}
	return invalid([]string{fmt.Sprintf("%q must be one of [%s]", "provider", strings.Join(names, ", "))})
}

// Merchant reads one merchant.
func (g *Gateway) Merchant(ctx context.Context, merchantID string) (Merchant, error) {
	m, err := g.merchant(ctx, merchantID)
	if err != nil {
		return Merchant{}, err
	}
	return g.present(m)
}

func (g *Gateway) merchant(ctx context.Context, merchantID string) (m pay.Merchant, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		m, err = found(tx.Merchant(ctx, merchantID))("merchant")
		return err
	})
	return m, err
}

// Merchants lists merchants, newest first.
func (g *Gateway) Merchants(ctx context.Context, f MerchantFilter, p Page) (List[Merchant], error) {
	var out List[Merchant]
	page, err := p.decode()
	if err != nil {
		return out, err
	}
	var rows []pay.Merchant
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		rows, err = tx.Merchants(ctx, store.MerchantFilter(f), page)
		return err
	})
	if err != nil {
		return out, err
	}
	rows, out.Next = cut(rows, page, func(m pay.Merchant) (int64, string) { return m.CreatedAt.UnixMilli(), m.ID })
	for _, m := range rows {
		shown, err := g.present(m)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, shown)
	}
	return out, nil
}

// ProvidersOf lists the active merchants of a business that a buyer can be sent to, in the order
// in which they were registered. An unknown business has none.
func (g *Gateway) ProvidersOf(ctx context.Context, source, business string) ([]pay.Merchant, error) {
	var out []pay.Merchant
	err := g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		b, err := tx.Business(ctx, source, business)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		out, err = g.checkoutMerchants(ctx, tx, b.ID)
		return err
	})
	return out, err
}

// checkoutMerchants are the active merchants of a business that a buyer can be sent to: those with
// a checkout of their own and, where card numbers may pass through us, those that charge cards on
// our own form.
func (g *Gateway) checkoutMerchants(ctx context.Context, tx *store.Tx, businessID string) ([]pay.Merchant, error) {
	all, err := tx.MerchantsOf(ctx, businessID)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(m pay.Merchant) bool {
		p, ok := g.providers[m.Provider]
		if !ok || !m.Active {
			return true
		}
		info := p.Info()
		_, checkout := info.Account.(provider.Checkouter)
		return info.InStore || !checkout && !g.cardForm(info)
	}), nil
}

// cardForm says whether a provider's cards can be charged on our own form.
func (g *Gateway) cardForm(info provider.Info) bool {
	_, ok := info.Account.(provider.NumberCharger)
	return ok && g.AcceptCardData && !info.InStore
}
