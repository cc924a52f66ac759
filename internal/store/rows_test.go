package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// fill gives every field of a struct a value of its own, so that a field which the store
// forgets is found by reading the row back: also one that is added to the domain later.
func fill(ptr any, seed int) {
	n := seed * 1000
	fillValue(reflect.ValueOf(ptr).Elem(), &n)
}

func fillValue(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(noon.Add(time.Duration(*n) * time.Millisecond)))
		return
	case []byte:
		v.SetBytes(fmt.Appendf(nil, `{"n":%d}`, *n))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(v.Field(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d ‘ʻ’ \"\\", *n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
		if v.Type() == reflect.TypeFor[time.Duration]() {
			v.SetInt(int64(time.Duration(*n) * time.Millisecond))
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fillValue(v.Index(i), n)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fillValue(key, n)
		fillValue(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	default:
		panic("fill: " + v.Type().String())
	}
}

// same fails the test where two values differ, and says how.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (- want, + got):\n%s", what, diff)
	}
}

func TestSettings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.Setting(ctx, "mode"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("before it is put: %v", err)
			}
			for _, value := range []string{"test", "live"} {
				if err := tx.PutSetting(ctx, "mode", value); err != nil {
					return err
				}
				got, err := tx.Setting(ctx, "mode")
				if err != nil {
					return err
				}
				same(t, "setting", got, value)
			}
			return nil
		})
	})
}

// Of several processes that begin at once, all take the setting of the first.
func TestFirstAndReplacedSettings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for _, value := range []string{"mine", "another's"} {
				got, err := tx.FirstSetting(ctx, "key", value)
				if err != nil {
					return err
				}
				same(t, "the first", got, "mine")
			}
			for _, c := range []struct {
				was, now string
				ok       bool
			}{{"another's", "new", false}, {"mine", "new", true}, {"mine", "newer", false}} {
				ok, err := tx.ReplaceSetting(ctx, "key", c.was, c.now)
				if err != nil {
					return err
				}
				same(t, fmt.Sprintf("%+v", c), ok, c.ok)
			}
			got, err := tx.Setting(ctx, "key")
			same(t, "in the end", got, "new")
			return err
		})
	})
}

func TestBusinessesAndMerchants(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var b, other pay.Business
		fill(&b, 1)
		other = b
		other.ID = "another id for the same source and key"
		var m pay.Merchant
		fill(&m, 2)
		m.BusinessID, m.Source, m.Business = b.ID, b.Source, b.Key

		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for _, given := range []pay.Business{b, b, other} {
				got, err := tx.EnsureBusiness(ctx, given)
				if err != nil {
					return err
				}
				same(t, "business", got, b)
			}
			got, err := tx.Business(ctx, b.Source, b.Key)
			if err != nil {
				return err
			}
			same(t, "business", got, b)
			return tx.SaveMerchant(ctx, m, "route 1")
		})

		check := func(what string, m pay.Merchant, route, formerRoute string) {
			t.Helper()
			view(t, s, func(ctx context.Context, tx *store.Tx) error {
				byID, err := tx.Merchant(ctx, m.ID)
				if err != nil {
					return err
				}
				same(t, what+", by id", byID, m)
				of, err := tx.MerchantOf(ctx, b.ID, m.Provider)
				if err != nil {
					return err
				}
				same(t, what+", of its business", of, m)
				all, err := tx.MerchantsOf(ctx, b.ID)
				if err != nil {
					return err
				}
				same(t, what+", among all", all, []pay.Merchant{m})
				routed, err := tx.MerchantsByRoute(ctx, m.Provider, route)
				if err != nil {
					return err
				}
				same(t, what+", by route", routed, []pay.Merchant{m})
				none, err := tx.MerchantsByRoute(ctx, m.Provider, formerRoute)
				if err != nil {
					return err
				}
				same(t, what+", by a route that it does not have", len(none), 0)
				return nil
			})
		}
		check("new", m, "route 1", "")

		changed := m
		fill(&changed, 3)
		changed.ID, changed.BusinessID, changed.Source, changed.Business = m.ID, m.BusinessID, m.Source, m.Business
		changed.Provider, changed.CreatedAt, changed.Active = m.Provider, m.CreatedAt, false
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveMerchant(ctx, changed, "route 2") })
		changed.Version = m.Version + 1
		check("changed", changed, "route 2", "route 1")
	})
}

func TestMerchantsAreListed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for i, m := range []struct {
				source, key, provider string
				active                bool
			}{
				{"app", "1", "payme", true}, {"app", "1", "click", false}, {"app", "2", "payme", true}, {"web", "1", "payme", true},
			} {
				b, err := tx.EnsureBusiness(ctx, pay.Business{ID: m.source + m.key, Source: m.source, Key: m.key})
				if err != nil {
					return err
				}
				err = tx.SaveMerchant(ctx, pay.Merchant{
					ID: fmt.Sprint(i + 1), BusinessID: b.ID, Provider: m.provider, Active: m.active, CreatedAt: noon,
				}, "")
				if err != nil {
					return err
				}
			}
			return nil
		})
		yes, no := true, false
		for _, c := range []struct {
			filter store.MerchantFilter
			page   store.Page
			want   string
		}{
			{store.MerchantFilter{}, store.Page{}, "4 3 2 1"},
			{store.MerchantFilter{Source: "app"}, store.Page{}, "3 2 1"},
			{store.MerchantFilter{Business: "1"}, store.Page{}, "4 2 1"},
			{store.MerchantFilter{Source: "app", Business: "1"}, store.Page{}, "2 1"},
			{store.MerchantFilter{Provider: "payme"}, store.Page{}, "4 3 1"},
			{store.MerchantFilter{Active: &yes}, store.Page{}, "4 3 1"},
			{store.MerchantFilter{Active: &no}, store.Page{}, "2"},
			{store.MerchantFilter{Source: "app", Business: "3"}, store.Page{}, ""},
			{store.MerchantFilter{}, store.Page{Limit: 2}, "4 3 2"}, // one more than asked for
			{store.MerchantFilter{}, store.Page{Limit: 2, AfterAt: noon.UnixMilli(), AfterID: "3"}, "2 1"},
		} {
			view(t, s, func(ctx context.Context, tx *store.Tx) error {
				list, err := tx.Merchants(ctx, c.filter, c.page)
				if err != nil {
					return err
				}
				var ids []string
				for _, m := range list {
					ids = append(ids, m.ID)
				}
				same(t, fmt.Sprintf("%+v %+v", c.filter, c.page), strings.Join(ids, " "), c.want)
				return nil
			})
		}
	})
}

func TestInvoices(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		var inv pay.Invoice
		fill(&inv, 1)
		inv.BusinessID, inv.Source, inv.Business = shop.business.ID, shop.business.Source, shop.business.Key
		inv.Status = pay.StatusPending

		check := func(what string, inv pay.Invoice) {
			t.Helper()
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				for _, read := range []func() (pay.Invoice, error){
					func() (pay.Invoice, error) { return tx.Invoice(ctx, inv.ID) },
					func() (pay.Invoice, error) { return tx.LockInvoice(ctx, inv.ID) },
					func() (pay.Invoice, error) { return tx.InvoiceByAccount(ctx, inv.BusinessID, inv.ID) },
					func() (pay.Invoice, error) { return tx.InvoiceByAccount(ctx, inv.BusinessID, inv.PayNumber) },
					func() (got pay.Invoice, err error) { got, _, err = tx.Book(ctx, inv.ID); return got, err },
					func() (got pay.Invoice, err error) { got, _, err = tx.LockBook(ctx, inv.ID, true); return got, err },
					func() (got pay.Invoice, err error) {
						got, _, err = tx.BookByAccount(ctx, inv.BusinessID, inv.PayNumber)
						return got, err
					},
					func() (pay.Invoice, error) {
						id, err := tx.OpenInvoiceID(ctx, inv.Source, inv.Business, inv.SourceInvoiceID)
						if err != nil {
							return pay.Invoice{}, err
						}
						return tx.Invoice(ctx, id)
					},
				} {
					got, err := read()
					if err != nil {
						return err
					}
					same(t, what, got, inv)
				}
				return nil
			})
		}
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			ok, err := tx.InsertInvoice(ctx, inv)
			same(t, "inserted", ok, true)
			return err
		})
		check("new", inv)

		var changed pay.Invoice
		fill(&changed, 2)
		inv.Provider, inv.Attention, inv.CheckoutURL, inv.Deeplink = changed.Provider, changed.Attention, changed.CheckoutURL, changed.Deeplink
		inv.PaidAt, inv.EndedAt, inv.ExpiresAt = changed.PaidAt, changed.EndedAt, changed.ExpiresAt
		inv.Status, inv.NotifyDelivered = pay.StatusRefunded, false
		changed = inv
		changed.Amount, changed.PayNumber, changed.SourceInvoiceID = 1, "another", "another" // never change
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveInvoice(ctx, changed) })
		check("changed", inv)

		inv.NotifyDelivered = true
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetNotifyDelivered(ctx, inv.ID, true) })
		check("delivered", inv)

		for _, status := range []pay.Status{pay.StatusCancelled, pay.StatusFailed} {
			inv.Status = status
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				if err := tx.SaveInvoice(ctx, inv); err != nil {
					return err
				}
				if _, err := tx.OpenInvoiceID(ctx, inv.Source, inv.Business, inv.SourceInvoiceID); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s is still open: %v", status, err)
				}
				return nil
			})
		}
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			for _, account := range []string{"", "nobody's", "nul\x00in it", "\xff"} {
				if _, err := tx.InvoiceByAccount(ctx, inv.BusinessID, account); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("account %q: %v", account, err)
				}
			}
			if _, err := tx.InvoiceByAccount(ctx, "another business", inv.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("an invoice is found by another business: %v", err)
			}
			return nil
		})
	})
}

func TestInvoicesAreListed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		newShop(t, s)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.EnsureBusiness(ctx, pay.Business{ID: "web", Source: "web", Key: "7"}); err != nil {
				return err
			}
			for i, inv := range []pay.Invoice{
				{BusinessID: "biz", SourceInvoiceID: "a", Provider: "payme", Status: pay.StatusPaid},
				{BusinessID: "biz", SourceInvoiceID: "b", Status: pay.StatusPending, Attention: pay.AttentionUnknown},
				{BusinessID: "biz", SourceInvoiceID: "c", Provider: "click", Status: pay.StatusCancelled},
				{BusinessID: "web", SourceInvoiceID: "a", Provider: "payme", Status: pay.StatusPaid},
			} {
				inv.ID, inv.PayNumber, inv.Amount = fmt.Sprint(i+1), fmt.Sprint(100+i), 100
				inv.CreatedAt = noon.Add(time.Duration(i/2) * time.Minute) // two in a millisecond
				inv.NotifyDelivered = i != 2
				if ok, err := tx.InsertInvoice(ctx, inv); err != nil || !ok {
					return fmt.Errorf("%v %w", ok, err)
				}
				if inv.NotifyDelivered {
					continue
				}
				e := pay.Event{ID: inv.ID, BusinessID: inv.BusinessID, InvoiceID: inv.ID, SourceInvoiceID: inv.SourceInvoiceID, Seq: 1}
				if err := tx.InsertEvent(ctx, e); err != nil {
					return err
				}
			}
			return nil
		})
		minute := noon.Add(time.Minute)
		for _, c := range []struct {
			filter store.InvoiceFilter
			page   store.Page
			want   string
		}{
			{store.InvoiceFilter{}, store.Page{}, "4 3 2 1"},
			{store.InvoiceFilter{Source: "app"}, store.Page{}, "3 2 1"},
			{store.InvoiceFilter{Business: "7"}, store.Page{}, "4 3 2 1"},
			{store.InvoiceFilter{Source: "app", Business: "7"}, store.Page{}, "3 2 1"},
			{store.InvoiceFilter{Source: "app", Business: "8"}, store.Page{}, ""},
			{store.InvoiceFilter{Status: "paid"}, store.Page{}, "4 1"},
			{store.InvoiceFilter{Provider: "click"}, store.Page{}, "3"},
			{store.InvoiceFilter{SourceInvoiceID: "a"}, store.Page{}, "4 1"},
			{store.InvoiceFilter{Source: "web", SourceInvoiceID: "a"}, store.Page{}, "4"},
			{store.InvoiceFilter{PayNumber: "101"}, store.Page{}, "2"},
			{store.InvoiceFilter{From: minute}, store.Page{}, "4 3"},
			{store.InvoiceFilter{To: minute}, store.Page{}, "2 1"},
			{store.InvoiceFilter{Attention: true}, store.Page{}, "2"},
			{store.InvoiceFilter{Undelivered: true}, store.Page{}, "3"},
			{store.InvoiceFilter{}, store.Page{Limit: 1}, "4 3"},
			{store.InvoiceFilter{}, store.Page{Limit: 1, AfterAt: minute.UnixMilli(), AfterID: "4"}, "3 2"},
			{store.InvoiceFilter{}, store.Page{Limit: 1, AfterAt: minute.UnixMilli(), AfterID: "3"}, "2 1"},
			{store.InvoiceFilter{Status: "paid"}, store.Page{Limit: 1, AfterAt: minute.UnixMilli(), AfterID: "4"}, "1"},
			{store.InvoiceFilter{SourceInvoiceID: "a\x00"}, store.Page{}, ""},
		} {
			view(t, s, func(ctx context.Context, tx *store.Tx) error {
				list, err := tx.Invoices(ctx, c.filter, c.page)
				if err != nil {
					return err
				}
				var ids []string
				for _, inv := range list {
					ids = append(ids, inv.ID)
				}
				same(t, fmt.Sprintf("%+v %+v", c.filter, c.page), strings.Join(ids, " "), c.want)
				return nil
			})
		}
	})
}

func TestExpiredInvoicesAreFoundOnceAndPutOff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		late, _ := shop.invoice(t, "late", pay.Created)
		early, _ := shop.invoice(t, "early", pay.Created)
		shop.invoice(t, "paid", pay.Paid)
		early.ExpiresAt = noon.Add(time.Hour)
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveInvoice(ctx, early) })

		expired := func(at time.Time, limit int, want ...string) {
			t.Helper()
			view(t, s, func(ctx context.Context, tx *store.Tx) error {
				got, err := tx.ExpiredInvoices(ctx, at, limit)
				same(t, "expired at "+at.String(), got, want)
				return err
			})
		}
		expired(early.ExpiresAt.Add(-time.Millisecond), 10)
		expired(early.ExpiresAt, 10, early.ID)
		expired(late.ExpiresAt, 10, early.ID, late.ID)
		expired(late.ExpiresAt, 1, early.ID)

		until := noon.Add(48 * time.Hour)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.PushExpiry(ctx, early.ID, until); err != nil {
				return err
			}
			return tx.SaveInvoice(ctx, early) // does not find it again
		})
		expired(late.ExpiresAt, 10, late.ID)
		expired(until, 10, late.ID, early.ID)
	})
}

func TestPayments(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		inv, first := shop.invoice(t, "1", pay.Cancelled)
		sound := func(p *pay.Payment) {
			p.InvoiceID, p.BusinessID, p.MerchantID, p.Provider = inv.ID, inv.BusinessID, shop.merchant.ID, shop.merchant.Provider
			p.Amount, p.Captured, p.Refunded, p.Reserved = 1000, 900, 300, 200
			p.State, p.OnExpiry, p.Fiscal = pay.Paid, pay.Failed, pay.FiscalPending
		}
		var p pay.Payment
		fill(&p, 1)
		sound(&p)
		check := func(what string, p pay.Payment) {
			t.Helper()
			view(t, s, func(ctx context.Context, tx *store.Tx) error {
				for _, read := range []func() (pay.Payment, error){
					func() (pay.Payment, error) { return tx.Payment(ctx, p.ID) },
					func() (pay.Payment, error) { return tx.PaymentByRef(ctx, p.MerchantID, p.Ref) },
					func() (pay.Payment, error) { return tx.LivePayment(ctx, p.InvoiceID) },
				} {
					got, err := read()
					if err != nil {
						return err
					}
					same(t, what, got, p)
				}
				all, err := tx.Payments(ctx, inv.ID)
				if err != nil {
					return err
				}
				same(t, what+", among all", all, []pay.Payment{first, p})
				return nil
			})
		}
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.LivePayment(ctx, inv.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a cancelled payment is live: %v", err)
			}
			ok, err := tx.InsertPayment(ctx, p)
			same(t, "inserted", ok, true)
			return err
		})
		check("new", p)

		var changed pay.Payment
		fill(&changed, 2)
		sound(&changed)
		changed.ID, changed.CreatedAt, changed.Account, changed.Way, changed.Save = p.ID, p.CreatedAt, p.Account, p.Way, p.Save
		changed.Refunded, changed.Reserved, changed.State, changed.Fiscal = 900, 0, pay.Refunded, pay.FiscalDone
		saved := changed
		saved.Amount, saved.Account, saved.CreatedAt, saved.Way, saved.Save = 1, "another", noon, "another", !p.Save // never change
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SavePayment(ctx, saved) })
		check("changed", changed)

		// What was read under the lock is saved whole, whichever field of it changed, and twice as well.
		var other pay.Payment
		fill(&other, 3)
		sound(&other)
		other.State, other.Captured, other.OnExpiry, other.Fiscal = pay.Paid, 950, pay.Cancelled, pay.FiscalFailed
		changed.State = pay.Held // of a returned one the schema knows how much was captured
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SavePayment(ctx, changed) })
		for i := range reflect.TypeFor[pay.Payment]().NumField() {
			field := reflect.TypeFor[pay.Payment]().Field(i).Name
			switch field {
			case "ID", "InvoiceID", "BusinessID", "MerchantID", "Provider", "Account", "Amount", "Way", "Save", "CreatedAt":
				continue // never change
			}
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				_, payments, err := tx.LockBook(ctx, inv.ID, false)
				if err != nil {
					return err
				}
				one := payments[1]
				reflect.ValueOf(&one).Elem().Field(i).Set(reflect.ValueOf(other).Field(i))
				reflect.ValueOf(&changed).Elem().Field(i).Set(reflect.ValueOf(other).Field(i))
				if err := tx.SavePayment(ctx, one); err != nil {
					return err
				}
				one.Reason, changed.Reason = "and then "+field, "and then "+field
				return tx.SavePayment(ctx, one)
			})
			check("changed in "+field, changed)
		}

		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			for _, ref := range []string{"", "nobody's", p.Ref, "nul\x00"} {
				if _, err := tx.PaymentByRef(ctx, p.MerchantID, ref); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("ref %q: %v", ref, err)
				}
			}
			if _, err := tx.PaymentByRef(ctx, "another merchant", changed.Ref); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a payment is found by another merchant: %v", err)
			}
			return nil
		})
	})
}

// A card keeps every field; what charges it does not outlive its being active, by the schema's own
// word; and the rotation of the master key finds it.
func TestCards(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		var c pay.BoundCard
		fill(&c, 1)
		c.BusinessID, c.MerchantID, c.State, c.Card.Token = shop.merchant.BusinessID, shop.merchant.ID, pay.CardActive, ""
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertCard(ctx, c) })
		changed := c
		fill(&changed, 2)
		changed.ID, changed.BusinessID, changed.MerchantID, changed.Provider, changed.CreatedAt = c.ID, c.BusinessID, c.MerchantID, c.Provider, c.CreatedAt
		changed.State, changed.Card.Token = pay.CardActive, ""
		check := func(what string, want pay.BoundCard) {
			t.Helper()
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				got, err := tx.Card(ctx, c.ID)
				if err != nil {
					return err
				}
				same(t, what, got, want)
				got, err = tx.LockCard(ctx, c.ID)
				same(t, what+", locked", got, want)
				return err
			})
		}
		check("new", c)
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveCard(ctx, changed) })
		check("changed", changed)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			list, err := tx.SealedCards(ctx, "", 10)
			same(t, "sealed", list, []store.SealedCard{{ID: c.ID, Sealed: changed.Sealed}})
			if err != nil {
				return err
			}
			for _, was := range []string{"stale", changed.Sealed} {
				ok, err := tx.ReplaceSealedCard(ctx, c.ID, was, "anew")
				same(t, "replaced "+was, ok, was == changed.Sealed)
				if err != nil {
					return err
				}
			}
			return nil
		})
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			revoked := changed
			revoked.State = pay.CardRevoked
			return tx.SaveCard(ctx, revoked)
		})
		if err == nil {
			t.Error("a revoked card kept what charges it")
		}
	})
}

// Every state can be stored and read back.
func TestStatesOfPayments(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		for _, state := range pay.States {
			_, want := shop.invoice(t, string(state), state)
			view(t, s, func(ctx context.Context, tx *store.Tx) error {
				got, err := tx.Payment(ctx, want.ID)
				same(t, string(state), got, want)
				if live, err := tx.LivePayment(ctx, want.InvoiceID); state.Live() {
					same(t, "live "+string(state), live, want)
				} else if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s is live: %v", state, err)
				}
				return err
			})
		}
	})
}

func TestStatementHasBothEnds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		for i, at := range []time.Time{{}, noon.Add(2), noon, noon.Add(time.Millisecond), noon.Add(time.Hour)} {
			_, p := shop.invoice(t, fmt.Sprint(i), pay.Created)
			p.TheirTime = at
			update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SavePayment(ctx, p) })
		}
		for _, c := range []struct {
			from, to time.Time
			limit    int
			want     string
		}{
			{noon, noon.Add(time.Hour), 4, "pay-1 pay-2 pay-3 pay-4"},
			{noon, noon.Add(time.Hour), 3, "pay-1 pay-2 pay-3"},
			{noon.Add(time.Millisecond), noon.Add(time.Hour - time.Millisecond), 9, "pay-3"},
			{noon, noon, 9, "pay-1 pay-2"},
			{time.Time{}, noon.Add(-time.Millisecond), 9, ""},
			{noon.Add(time.Hour), noon, 9, ""},
		} {
			view(t, s, func(ctx context.Context, tx *store.Tx) error {
				list, err := tx.Statement(ctx, shop.merchant.ID, c.from, c.to, c.limit)
				var ids []string
				for _, p := range list {
					ids = append(ids, p.ID)
				}
				same(t, fmt.Sprint(c.from, c.to), strings.Join(ids, " "), c.want)
				return err
			})
		}
	})
}

func TestRefunds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		inv, p := shop.invoice(t, "1", pay.Paid)
		var r pay.Refund
		fill(&r, 1)
		r.InvoiceID, r.PaymentID, r.BusinessID, r.State = inv.ID, p.ID, inv.BusinessID, pay.MoveSent
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			ok, err := tx.InsertRefund(ctx, r)
			same(t, "inserted", ok, true)
			return err
		})
		check := func(what string, r pay.Refund) {
			t.Helper()
			view(t, s, func(ctx context.Context, tx *store.Tx) error {
				got, err := tx.Refund(ctx, r.ID)
				if err != nil {
					return err
				}
				same(t, what, got, r)
				all, err := tx.Refunds(ctx, inv.ID)
				if err != nil {
					return err
				}
				same(t, what+", among all", all, []pay.Refund{r})
				underway, err := tx.RefundUnderway(ctx, p.ID)
				if r.State.Underway() {
					same(t, what+", under way", underway, r)
					return err
				}
				if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s is under way: %v", r.State, err)
				}
				return nil
			})
		}
		check("new", r)
		for i, state := range pay.MoveStates {
			changed := r
			fill(&changed, 2+i)
			changed.ID, changed.InvoiceID, changed.PaymentID, changed.BusinessID = r.ID, r.InvoiceID, r.PaymentID, r.BusinessID
			changed.Amount, changed.Reason, changed.Theirs, changed.Whole = r.Amount, r.Reason, r.Theirs, r.Whole
			changed.Lines, changed.CreatedAt, changed.State = r.Lines, r.CreatedAt, state
			update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveRefund(ctx, changed) })
			check(string(state), changed)
		}
	})
}

// Sooner is for what waits: what has arrived meanwhile, or was given up, stays so.
func TestSendSooner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		inv, _ := newShop(t, s).invoice(t, "1", pay.Paid)
		for i, e := range []pay.Event{{ID: "waits"}, {ID: "arrived", DeliveredAt: noon}, {ID: "given up", DeadAt: noon}} {
			e.BusinessID, e.InvoiceID, e.SourceInvoiceID, e.Seq = inv.BusinessID, inv.ID, inv.SourceInvoiceID, int64(i+1)
			e.NextAt = noon.Add(time.Hour)
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				if err := errors.Join(tx.InsertEvent(ctx, e), tx.SaveEvent(ctx, e), tx.SendSooner(ctx, e.ID)); err != nil {
					return err
				}
				got, err := tx.Event(ctx, e.ID)
				same(t, e.ID+": it waits", !got.NextAt.IsZero(), e.ID != "waits")
				same(t, e.ID+": delivered", got.DeliveredAt, e.DeliveredAt)
				same(t, e.ID+": dead", got.DeadAt, e.DeadAt)
				return err
			})
		}
	})
}

func TestEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		inv, _ := shop.invoice(t, "1", pay.Paid)
		event := func(seed int, seq int64) pay.Event {
			var e pay.Event
			fill(&e, seed)
			e.BusinessID, e.InvoiceID, e.SourceInvoiceID, e.Seq = inv.BusinessID, inv.ID, inv.SourceInvoiceID, seq
			e.DeliveredAt, e.StuckAt, e.DeadAt = time.Time{}, time.Time{}, time.Time{}
			return e
		}
		one, two := event(1, 1), event(2, 2)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.LatestEvent(ctx, inv.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("latest of none: %v", err)
			}
			if _, err := tx.OldestUndelivered(ctx, inv.BusinessID, inv.SourceInvoiceID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("oldest of none: %v", err)
			}
			for _, e := range []pay.Event{one, two} {
				seq, err := tx.NextSeq(ctx, inv.BusinessID, inv.SourceInvoiceID)
				if err != nil {
					return err
				}
				same(t, "seq", seq, e.Seq)
				if err := tx.InsertEvent(ctx, e); err != nil {
					return err
				}
				got, err := tx.Event(ctx, e.ID)
				if err != nil {
					return err
				}
				same(t, "event", got, e)
				if got, err = tx.LatestEvent(ctx, inv.ID); err != nil {
					return err
				}
				same(t, "latest", got, e)
			}
			return nil
		})

		// next is what is to be sent, and whether there is more after it.
		next := func(what string, want *pay.Event, more bool) {
			t.Helper()
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				line := store.Line{BusinessID: inv.BusinessID, SourceInvoiceID: inv.SourceInvoiceID}
				first, err := tx.FirstUndelivered(ctx, []store.Line{{BusinessID: inv.BusinessID, SourceInvoiceID: "none"}, line, {BusinessID: "none", SourceInvoiceID: inv.SourceInvoiceID}})
				if err != nil {
					return err
				}
				if want == nil && len(first) > 0 || want != nil && len(first) != 1 {
					t.Fatalf("%s: of three lines %+v", what, first)
				}
				got, err := tx.OldestUndelivered(ctx, inv.BusinessID, inv.SourceInvoiceID)
				if want == nil {
					if !errors.Is(err, store.ErrNotFound) {
						t.Errorf("%s: %+v, %v", what, got, err)
					}
					return nil
				}
				if err != nil {
					return err
				}
				same(t, what, got, *want)
				same(t, what+", of several lines", first[0], *want)
				tries, err := tx.LockSent(ctx, []store.Sent{{Event: got, Work: outbox.Work{ID: "nobody's", Lease: "lost"}}}, true)
				same(t, what+": more", tries, []store.Try{{Attempts: got.Attempts, Newer: got.Seq < two.Seq, More: more}})
				return err
			})
		}
		save := func(e pay.Event) {
			t.Helper()
			update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveEvent(ctx, e) })
		}
		next("both are new", &one, true)
		one.Attempts, one.StuckAt, one.NextAt = 6, noon, noon.Add(time.Minute)
		save(one)
		next("a stuck one still blocks", &one, true)
		one.DeadAt = noon
		save(one)
		next("one that was given up does not", &two, false)
		one.DeadAt, one.DeliveredAt = time.Time{}, noon
		save(one)
		next("nor does one that arrived", &two, false)
		two.DeliveredAt = noon
		save(two)
		next("nothing is left", nil, false)
	})
}

// Whatever an app calls its orders, each line's own event is found among several.
func TestFirstUndeliveredOfOddOrders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		var lines []store.Line
		want := map[store.Line]string{}
		for i, order := range []string{"1", "1.0", `"1"`, `\u0031`, "№ 5 <Oʻzbekiston & Co>", "a\u2028b", "null", "😀", "{}", " 1"} {
			inv, _ := shop.invoice(t, order, pay.Paid)
			var e pay.Event
			fill(&e, 100+i)
			e.BusinessID, e.InvoiceID, e.SourceInvoiceID, e.Seq = inv.BusinessID, inv.ID, order, 1
			e.DeliveredAt, e.DeadAt = time.Time{}, time.Time{}
			update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertEvent(ctx, e) })
			line := store.Line{BusinessID: inv.BusinessID, SourceInvoiceID: order}
			lines, want[line] = append(lines, line), e.ID
		}
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			found, err := tx.FirstUndelivered(ctx, lines)
			if err != nil {
				return err
			}
			got := map[store.Line]string{}
			for _, e := range found {
				got[store.Line{BusinessID: e.BusinessID, SourceInvoiceID: e.SourceInvoiceID}] = e.ID
			}
			same(t, "events", got, want)
			return nil
		})
	})
}

func TestTimeline(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		inv, _ := shop.invoice(t, "1", pay.Paid)
		var change store.Change
		var message store.Message
		var delivery store.Delivery
		var event pay.Event
		var open, closed pay.Alarm
		for i, row := range []any{&change, &message, &delivery, &event, &open, &closed} {
			fill(row, i+1)
		}
		change.InvoiceID, message.InvoiceID, delivery.InvoiceID = inv.ID, inv.ID, inv.ID
		event.InvoiceID, open.InvoiceID, closed.InvoiceID = inv.ID, inv.ID, inv.ID
		delivery.EventID, message.Direction = event.ID, "in"
		open.ClosedAt, open.ClosedBy = time.Time{}, ""
		secondMessage := message
		secondMessage.ID, secondMessage.Direction, secondMessage.At = "second", "out", message.At.Add(time.Millisecond)

		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.InsertEvent(ctx, event); err != nil {
				return err
			}
			return errors.Join(
				tx.InsertChange(ctx, change), tx.InsertMessages(ctx, []store.Message{secondMessage, message}),
				tx.InsertDeliveries(ctx, delivery), tx.InsertAlarm(ctx, open), tx.InsertAlarm(ctx, closed),
			)
		})
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			changes, err1 := tx.Changes(ctx, inv.ID)
			same(t, "changes", changes, []store.Change{change})
			messages, err2 := tx.Messages(ctx, inv.ID)
			same(t, "messages", messages, []store.Message{message, secondMessage})
			deliveries, err3 := tx.Deliveries(ctx, inv.ID)
			same(t, "deliveries", deliveries, []store.Delivery{delivery})
			alarms, err4 := tx.Alarms(ctx, inv.ID)
			same(t, "alarms", alarms, []pay.Alarm{open, closed})
			opens, err5 := tx.OpenAlarms(ctx, store.Page{})
			same(t, "open alarms", opens, []pay.Alarm{open})
			return errors.Join(err1, err2, err3, err4, err5)
		})

		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.CloseAlarms(ctx, inv.ID, "a person", noon) })
		open.ClosedAt, open.ClosedBy = noon, "a person"
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			alarms, err := tx.Alarms(ctx, inv.ID)
			same(t, "closed alarms", alarms, []pay.Alarm{open, closed})
			opens, err2 := tx.OpenAlarms(ctx, store.Page{})
			same(t, "open alarms", len(opens), 0)
			return errors.Join(err, err2)
		})

		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.PruneMessages(ctx, secondMessage.At, 10)
			same(t, "pruned", n, 1)
			left, err2 := tx.Messages(ctx, inv.ID)
			same(t, "left", left, []store.Message{secondMessage})
			return errors.Join(err, err2)
		})
	})
}

// Evidence from outside may be any bytes and any length; it is made storable, not refused.
func TestEvidenceMayBeAnyBytes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		inv, _ := shop.invoice(t, "1", pay.Paid)
		const raw = "a\x00b\xffc"
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.InsertEvent(ctx, pay.Event{ID: "e", BusinessID: "biz", InvoiceID: inv.ID, Seq: 1}); err != nil {
				return err
			}
			return errors.Join(
				tx.InsertMessages(ctx, []store.Message{{ID: "m", InvoiceID: inv.ID, Direction: "in", Step: raw, Request: raw, Response: strings.Repeat("é", 1<<20)}}),
				tx.InsertDeliveries(ctx, store.Delivery{ID: "d", EventID: "e", InvoiceID: inv.ID, Error: raw, Answer: raw}),
				tx.InsertAlarm(ctx, pay.Alarm{ID: "a", InvoiceID: inv.ID, Message: raw}),
				tx.InsertChange(ctx, store.Change{ID: "c", InvoiceID: inv.ID, Note: raw}),
				tx.Enqueue(ctx, work("k", "s", "l", noon)),
			)
		})
		const kept = "a\uFFFDb\uFFFDc"
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			messages, err1 := tx.Messages(ctx, inv.ID)
			deliveries, err2 := tx.Deliveries(ctx, inv.ID)
			alarms, err3 := tx.Alarms(ctx, inv.ID)
			changes, err4 := tx.Changes(ctx, inv.ID)
			if err := errors.Join(err1, err2, err3, err4); err != nil {
				return err
			}
			same(t, "texts", []string{messages[0].Step, messages[0].Request, deliveries[0].Error, deliveries[0].Answer, alarms[0].Message, changes[0].Note},
				[]string{kept, kept, kept, kept, kept, kept})
			if n := len(messages[0].Response); n != 64<<10 {
				t.Errorf("%d bytes of a long response are kept", n)
			}
			return nil
		})
	})
}

func TestIdempotencyKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var first, twin store.Claim
		fill(&first, 1)
		fill(&twin, 2)
		first.Done, first.Keep = false, false
		twin.Scope, twin.Key = first.Scope, first.Key
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			ok, _, err := tx.ClaimKey(ctx, first)
			if err != nil {
				return err
			}
			same(t, "the first has it", ok, true)
			ok, had, err := tx.ClaimKey(ctx, twin)
			if err != nil {
				return err
			}
			same(t, "the twin has it", ok, false)
			same(t, "who has it", had, first)

			if err := tx.ReleaseKey(ctx, first.Scope, first.Key); err != nil {
				return err
			}
			if _, err := tx.Key(ctx, first.Scope, first.Key); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("released: %v", err)
			}
			if ok, _, err = tx.ClaimKey(ctx, first); err != nil {
				return err
			}
			same(t, "claimed again", ok, true)
			if err := tx.FinishKey(ctx, first.Scope, first.Key); err != nil {
				return err
			}
			if err := tx.ReleaseKey(ctx, first.Scope, first.Key); err != nil { // too late
				return err
			}
			got, err := tx.Key(ctx, first.Scope, first.Key)
			first.Done = true
			same(t, "finished", got, first)
			return err
		})
	})
}

func TestPruneKeepsWhatIsForEver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for i, c := range []store.Claim{
				{At: noon}, {At: noon.Add(1 * time.Hour)}, {At: noon.Add(2 * time.Hour)}, {At: noon, Keep: true},
			} {
				c.Scope, c.Key = "invoice app", fmt.Sprint(i)
				if _, _, err := tx.ClaimKey(ctx, c); err != nil {
					return err
				}
			}
			var pruned []int
			for range 3 {
				n, err := tx.PruneKeys(ctx, noon.Add(2*time.Hour), 1)
				if err != nil {
					return err
				}
				pruned = append(pruned, n)
			}
			same(t, "pruned", pruned, []int{1, 1, 0})
			left, err := tx.Texts(ctx, `SELECT key FROM idempotency ORDER BY key`)
			same(t, "left", left, []string{"2", "3"})
			return err
		})
	})
}

func TestStats(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		stats := func() (got store.Stats) {
			t.Helper()
			view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
				got, err = tx.Stats(ctx)
				return err
			})
			return got
		}
		same(t, "of nothing", stats(), store.Stats{Work: map[string]int64{}})

		shop := newShop(t, s)
		inv, _ := shop.invoice(t, "1", pay.Unknown)
		paid, p := shop.invoice(t, "2", pay.Paid)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for i, e := range []pay.Event{
				{CreatedAt: noon, DeliveredAt: noon, StuckAt: noon},
				{CreatedAt: noon.Add(1), DeadAt: noon, StuckAt: noon},
				{CreatedAt: noon.Add(time.Second), StuckAt: noon},
				{CreatedAt: noon.Add(time.Minute)},
			} {
				e.ID, e.BusinessID, e.InvoiceID, e.Seq = fmt.Sprint(i), "biz", inv.ID, int64(i)
				if err := tx.InsertEvent(ctx, e); err != nil {
					return err
				}
			}
			return errors.Join(
				tx.Enqueue(ctx, work("deliver", "1", "a", noon)), tx.Enqueue(ctx, work("deliver", "2", "a", noon)),
				tx.Enqueue(ctx, work("settle", "1", "b", noon)),
				func() error {
					_, err := tx.InsertRefund(ctx, pay.Refund{ID: "r", BusinessID: "biz", InvoiceID: paid.ID, PaymentID: p.ID, Amount: 1, State: pay.MoveUnknown, CreatedAt: noon, SentAt: noon})
					return err
				}(),
				tx.InsertAlarm(ctx, pay.Alarm{ID: "1"}), tx.InsertAlarm(ctx, pay.Alarm{ID: "2", ClosedAt: noon}),
				func() error {
					_, err := tx.InsertPayout(ctx, pay.Payout{ID: "p", BusinessID: "biz", MerchantID: "mer", Amount: 1000, State: pay.MoveUnknown, CreatedAt: noon, SentAt: noon})
					return err
				}(),
				tx.InsertPayoutEvent(ctx, store.PayoutEvent{PayoutID: "p", Event: pay.Event{ID: "p", BusinessID: "biz", Seq: 1, CreatedAt: noon.Add(time.Minute), StuckAt: noon}}),
			)
		})
		same(t, "of a shop", stats(), store.Stats{
			Work:              map[string]int64{"deliver": 2, "settle": 1},
			OldestUndelivered: noon.Add(time.Second), UnknownPayments: 1, UnknownRefunds: 1, UnknownPayouts: 1, StuckEvents: 3, OpenAlarms: 1,
		})
	})
}

// What an invoice carries beside its columns is JSON whose names must not change: a database
// of today is read by the program of next year.
func TestTheNamesInDetailsStay(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite)
	shop := newShop(t, s)
	var inv pay.Invoice
	fill(&inv, 1)
	inv.BusinessID, inv.Status = shop.business.ID, pay.StatusPending
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.InsertInvoice(ctx, inv); err != nil {
			return err
		}
		text, err := tx.Texts(ctx, `SELECT details FROM invoices`)
		if err != nil {
			return err
		}
		var names map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text[0]), &names); err != nil {
			return err
		}
		for _, name := range []string{"ttl", "capture", "holdFor", "holdExpiry", "notifyUrl", "returnUrl", "errorUrl", "lang", "lines", "split", "metadata"} {
			if _, ok := names[name]; !ok {
				t.Errorf("%q is not in %s", name, text[0])
			}
			delete(names, name)
		}
		if len(names) > 0 {
			t.Errorf("new names: %v; add them here, they stay for ever", names)
		}
		return nil
	})
}

func TestPayouts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		newShop(t, s)
		var p pay.Payout
		fill(&p, 1)
		p.BusinessID, p.MerchantID, p.State, p.Unsent, p.DoneAt = "biz", "mer", pay.MoveCreated, false, time.Time{}
		p.Card.Token = "" // a payout keeps none
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			ok, err := tx.InsertPayout(ctx, p)
			same(t, "inserted", ok, true)
			if err != nil {
				return err
			}
			second := p
			second.ID, second.Ref = "another", "another"
			ok, err = tx.InsertPayout(ctx, second)
			same(t, "inserted another of its number", ok, false)
			return err
		})
		check := func(what string, p pay.Payout) {
			t.Helper()
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				for name, read := range map[string]func() (pay.Payout, error){
					"read":      func() (pay.Payout, error) { return tx.Payout(ctx, p.ID) },
					"locked":    func() (pay.Payout, error) { return tx.LockPayout(ctx, p.ID) },
					"by ref":    func() (pay.Payout, error) { return tx.PayoutByRef(ctx, "mer", p.Ref) },
					"by number": func() (pay.Payout, error) { return tx.PayoutNumbered(ctx, "biz", p.SourcePayoutID) },
				} {
					got, err := read()
					if name == "by number" && p.Unsent {
						if !errors.Is(err, store.ErrNotFound) {
							t.Errorf("%s is found by its number: %v", what, err)
						}
						continue
					}
					if err != nil {
						return err
					}
					same(t, what+" "+name, got, p)
				}
				return nil
			})
		}
		check("new", p)
		for i, state := range []pay.MoveState{pay.MoveSent, pay.MoveUnknown, pay.MoveSucceeded, pay.MoveFailed} {
			changed := p
			fill(&changed, 2+i)
			changed.ID, changed.BusinessID, changed.MerchantID, changed.Source, changed.Business = p.ID, "biz", "mer", p.Source, p.Business
			changed.Provider, changed.SourcePayoutID, changed.Amount, changed.TwoSteps = p.Provider, p.SourcePayoutID, p.Amount, p.TwoSteps
			changed.CardID, changed.KYCHash, changed.NotifyURL, changed.CreatedAt, changed.State = p.CardID, p.KYCHash, p.NotifyURL, p.CreatedAt, state
			if changed.Unsent = state == pay.MoveFailed; state == pay.MoveSent || state == pay.MoveUnknown {
				changed.DoneAt = time.Time{}
			}
			changed.Card.Token = ""
			update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SavePayout(ctx, changed) })
			check(string(state), changed)
		}
	})
}

// Each filter narrows the list, alone and together, and one page follows the other.
func TestPayoutsAreListed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		newShop(t, s)
		states := []pay.MoveState{pay.MoveSucceeded, pay.MoveFailed, pay.MoveCreated, pay.MoveSent, pay.MoveUnknown}
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for i := range 10 { // two in each second
				p := pay.Payout{
					ID: fmt.Sprint(i), BusinessID: "biz", MerchantID: "mer", Source: "app", Business: "shop", Provider: "multicard",
					SourcePayoutID: fmt.Sprint("n", i), Amount: 1000, State: states[i%5], TwoSteps: true, CreatedAt: noon.Add(time.Duration(i/2) * time.Second), SentAt: noon,
				}
				if !p.State.Underway() {
					p.DoneAt = noon
				}
				if i == 9 {
					p.Source, p.Business, p.Provider = "till", "kiosk", "other"
				}
				if _, err := tx.InsertPayout(ctx, p); err != nil {
					return err
				}
			}
			return nil
		})
		for _, c := range []struct {
			f    store.PayoutFilter
			want string
		}{
			{store.PayoutFilter{}, "9876543210"},
			{store.PayoutFilter{Source: "app"}, "876543210"},
			{store.PayoutFilter{Business: "kiosk"}, "9"},
			{store.PayoutFilter{Source: "app", Business: "kiosk"}, ""},
			{store.PayoutFilter{Source: "app", Business: "shop", Provider: "multicard"}, "876543210"},
			{store.PayoutFilter{Business: "shop", Provider: "other"}, ""},
			{store.PayoutFilter{Status: "pending"}, "987432"},
			{store.PayoutFilter{Status: "failed"}, "61"},
			{store.PayoutFilter{Status: "succeeded", Source: "app"}, "50"},
			{store.PayoutFilter{SourcePayoutID: "n3", Source: "app", Business: "shop"}, "3"},
			{store.PayoutFilter{From: noon.Add(time.Second), To: noon.Add(3 * time.Second)}, "5432"},
		} {
			var got string
			for p, more := (store.Page{Limit: 3}), true; more; {
				var rows []pay.Payout
				view(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
					rows, err = tx.Payouts(ctx, c.f, p)
					return err
				})
				if more = len(rows) > 3; more {
					rows = rows[:3]
				}
				for _, r := range rows {
					got += r.ID
					p.AfterAt, p.AfterID = r.CreatedAt.UnixMilli(), r.ID
				}
			}
			same(t, fmt.Sprintf("%+v", c.f), got, c.want)
		}
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.Payouts(ctx, store.PayoutFilter{Status: "lost"}, store.Page{}); err == nil {
				t.Error("a status that does not exist finds something")
			}
			return nil
		})
	})
}

func TestPayoutEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		newShop(t, s)
		p := pay.Payout{ID: "p", BusinessID: "biz", MerchantID: "mer", Amount: 1000, State: pay.MoveSent, CreatedAt: noon, SentAt: noon}
		e := store.PayoutEvent{PayoutID: "p"}
		fill(&e.Event, 1)
		e.ID, e.BusinessID, e.InvoiceID, e.SourceInvoiceID, e.Seq = "e", "biz", "", "", 1
		e.DeliveredAt, e.DeadAt = time.Time{}, time.Time{}
		d := store.Delivery{ID: "d", BusinessID: "biz", EventID: "e", InvoiceID: "p", Attempt: 1, At: noon, Status: 200, Duration: time.Second, Error: "no", Answer: "yes"}
		a := pay.Alarm{ID: "a", BusinessID: "biz", PayoutID: "p", Kind: pay.AttentionUnknown, Message: "lost", CreatedAt: noon}
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.InsertPayout(ctx, p); err != nil {
				return err
			}
			if n, err := tx.NextPayoutSeq(ctx, "p"); n != 1 || err != nil {
				t.Errorf("the first event is %d: %v", n, err)
			}
			return errors.Join(tx.InsertPayoutEvent(ctx, e), tx.InsertPayoutDelivery(ctx, d), tx.InsertAlarm(ctx, a))
		})
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.NextPayoutSeq(ctx, "p")
			same(t, "the next event", n, int64(2))
			if err != nil {
				return err
			}
			left, err := tx.UndeliveredPayoutEvents(ctx, "p")
			same(t, "undelivered", left, []store.PayoutEvent{e})
			if err != nil {
				return err
			}
			tries, err := tx.PayoutDeliveries(ctx, "p")
			same(t, "tries", tries, []store.Delivery{d})
			if err != nil {
				return err
			}
			alarms, err := tx.PayoutAlarms(ctx, "p")
			same(t, "alarms", alarms, []pay.Alarm{a})
			if err != nil {
				return err
			}
			e.DeliveredAt = noon
			return tx.SavePayoutEvent(ctx, e)
		})
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			left, err := tx.UndeliveredPayoutEvents(ctx, "p")
			same(t, "undelivered after it arrived", len(left), 0)
			return err
		})
	})
}

func TestReconciliations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		var r pay.Reconciliation
		fill(&r, 1)
		r.BusinessID, r.MerchantID, r.State, r.Way, r.Day, r.Nightly, r.DoneAt = "biz", "mer", pay.ReconcileRunning, pay.ByRegister, "2026-03-13", true, time.Time{}
		shop.merchant.Options.ReconcileNightly = true
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.SaveMerchant(ctx, shop.merchant, ""); err != nil {
				return err
			}
			for _, c := range []struct {
				ends time.Time
				want []string
			}{{noon, nil}, {noon.Add(time.Hour), []string{"mer"}}} {
				left, err := tx.NightlyLeft(ctx, r.Day, c.ends, "", 10)
				same(t, "left to do", left, c.want)
				if err != nil {
					return err
				}
			}
			for _, id := range []string{r.ID, "second"} {
				again := r
				again.ID = id
				ok, err := tx.InsertReconciliation(ctx, again)
				same(t, "inserted "+id, ok, id == r.ID)
				if err != nil {
					return err
				}
			}
			left, err := tx.NightlyLeft(ctx, r.Day, noon.Add(time.Hour), "", 10)
			same(t, "left to do after it", len(left), 0)
			return err
		})
		done := r
		fill(&done, 2)
		done.ID, done.BusinessID, done.MerchantID, done.Provider, done.Day, done.Way, done.Nightly = r.ID, "biz", "mer", r.Provider, r.Day, r.Way, true
		done.State, done.CreatedAt = pay.ReconcileDone, r.CreatedAt
		for _, want := range []pay.Reconciliation{r, done} {
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				if err := tx.SaveReconciliation(ctx, want); err != nil {
					return err
				}
				got, err := tx.LockReconciliation(ctx, r.ID)
				same(t, string(want.State), got, want)
				return err
			})
		}

		var all []pay.Difference
		for i, v := range []pay.Verdict{pay.VerdictMatched, pay.VerdictDifferent, pay.VerdictDifferent, pay.VerdictOnlyOurs} {
			var d pay.Difference
			fill(&d, 3+i)
			d.BusinessID, d.ReconciliationID, d.Kind, d.Verdict, d.Seq = "biz", r.ID, pay.KindPayment, v, int64(i)
			if v == pay.VerdictOnlyOurs {
				d.Theirs, d.Ref = nil, ""
			}
			all = append(all, d)
		}
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for _, d := range all {
				if ok, err := tx.InsertDifference(ctx, d); err != nil || !ok {
					t.Errorf("%v, %v", ok, err)
				}
				got, err := tx.Difference(ctx, d.ID)
				same(t, "a difference", got, d)
				if err != nil {
					return err
				}
			}
			twice := all[0]
			twice.ID, twice.Ref = "other", "other"
			ok, err := tx.InsertDifference(ctx, twice)
			same(t, "the same payment of ours again", ok, false)
			if err != nil {
				return err
			}
			settled := all[1]
			fill(&settled, 9)
			settled.ID, settled.BusinessID, settled.ReconciliationID, settled.Kind, settled.Verdict = all[1].ID, "biz", r.ID, pay.KindPayment, pay.VerdictDifferent
			settled.Seq, settled.Ref, settled.Order, settled.Theirs = all[1].Seq, all[1].Ref, all[1].Order, all[1].Theirs
			if err := tx.SaveDifference(ctx, settled); err != nil {
				return err
			}
			list, err := tx.Differences(ctx, r.ID, pay.VerdictDifferent, -1, "", 10)
			same(t, "those that differ", list, []pay.Difference{settled, all[2]})
			if err != nil {
				return err
			}
			list, err = tx.Differences(ctx, r.ID, pay.VerdictDifferent, settled.Seq, settled.ID, 10)
			same(t, "those after the first", list, []pay.Difference{all[2]})
			if err != nil {
				return err
			}
			for id, want := range map[string]bool{all[3].OurID: true, "nobody": false} {
				ok, err := tx.DifferenceOf(ctx, r.ID, id)
				same(t, "it stands there", ok, want)
				if err != nil {
					return err
				}
			}
			open, err := tx.Unsettled(ctx, r.ID)
			same(t, "unsettled", open, false) // fill settles what it fills
			if err != nil {
				return err
			}
			n, err := tx.ForgetMatches(ctx, r.ID, 10)
			same(t, "forgotten", n, 1)
			return err
		})
	})
}

func TestWhatADayBrought(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		shop := newShop(t, s)
		shop.invoice(t, "1", pay.Paid)
		shop.invoice(t, "2", pay.Refunded)
		shop.invoice(t, "3", pay.Created)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for _, id := range []string{"a", "b"} {
				p := pay.Payout{ID: id, SourcePayoutID: id, BusinessID: "biz", MerchantID: "mer", Amount: 1000, State: pay.MoveSucceeded, CreatedAt: noon, SentAt: noon, DoneAt: noon}
				if _, err := tx.InsertPayout(ctx, p); err != nil {
					return err
				}
			}
			return nil
		})
		before := noon.UnixMilli() - 1
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			for _, c := range []struct {
				to      time.Time
				afterMs int64
				afterID string
				want    string
			}{
				{noon.Add(time.Hour), before, "~", "pay-1 pay-2 a b"}, {noon, before, "~", ""},
				{noon.Add(time.Hour), noon.UnixMilli(), "pay-1", "pay-2"}, {noon.Add(time.Hour), noon.UnixMilli(), "a", "pay-1 pay-2 b"},
			} {
				var ids []string
				payments, err := tx.PaymentsOfDay(ctx, "mer", c.to, c.afterMs, c.afterID, 10)
				if err != nil {
					return err
				}
				for _, p := range payments {
					ids = append(ids, p.ID)
				}
				payouts, err := tx.PayoutsOfDay(ctx, "mer", c.to, c.afterMs, c.afterID, 10)
				if err != nil {
					return err
				}
				for _, p := range payouts {
					ids = append(ids, p.ID)
				}
				same(t, fmt.Sprint(c), strings.Join(ids, " "), c.want)
			}
			return nil
		})
	})
}
