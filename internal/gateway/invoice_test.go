package gateway_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

func reason(err error) string {
	if e, ok := errors.AsType[*pay.Error](err); ok {
		return e.Reason
	}
	return ""
}

// The same order gives the same invoice; another body is a conflict that names the fields.
func TestOneOpenInvoicePerOrder(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.merchant("b1", "link")
		in := fx.input("link", "o1")
		first, err := fx.CreateInvoice(t.Context(), in, gateway.Idem{})
		if err != nil || first.Status != 201 {
			t.Fatalf("status %d, %v", first.Status, err)
		}
		again, err := fx.CreateInvoice(t.Context(), in, gateway.Idem{})
		if err != nil || again.Status != 200 || again.Value.ID != first.Value.ID || again.Value.CheckoutURL != first.Value.CheckoutURL {
			t.Fatalf("the repeat: status %d, %+v, %v", again.Status, again.Value, err)
		}
		in.Amount, in.ReturnURL = 200_000, "https://shop.uz/r"
		_, err = fx.CreateInvoice(t.Context(), in, gateway.Idem{})
		e, _ := errors.AsType[*pay.Error](err)
		if reason(err) != "differs" || !slices.Equal(e.Details, []string{`"amount" differs from the open invoice`, `"returnUrl" differs from the open invoice`}) {
			t.Fatalf("another body: %v", err)
		}
		if _, err := fx.CancelInvoice(t.Context(), first.Value.ID, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		anew, err := fx.CreateInvoice(t.Context(), in, gateway.Idem{})
		if err != nil || anew.Status != 201 || anew.Value.ID == first.Value.ID {
			t.Fatalf("after the cancel: status %d, %v", anew.Status, err)
		}
	})
}

// 64 equal requests make one invoice and, at a company that makes pages, one page.
func TestEqualInvoicesRace(t *testing.T) {
	for _, key := range []string{"", "key-1"} {
		each(t, func(t *testing.T, fx *fixture) {
			fx.merchant("b1", "host")
			in := fx.input("host", "o1")
			var wg sync.WaitGroup
			ids := make([]string, 64)
			urls := make([]string, 64)
			for i := range ids {
				wg.Go(func() {
					s, err := fx.CreateInvoice(context.WithoutCancel(t.Context()), in, gateway.Idem{Key: key, Request: in})
					if err != nil {
						t.Error(err)
					}
					ids[i], urls[i] = s.Value.ID, s.Value.CheckoutURL
				})
			}
			wg.Wait()
			if len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 1 || len(slices.Compact(slices.Sorted(slices.Values(urls)))) != 1 || urls[0] == "" {
				t.Fatalf("invoices %v, pages %v", ids, urls)
			}
			if fx.host.pages != 1 {
				t.Fatalf("the company made %d pages", fx.host.pages)
			}
		})
	}
}

// One key is one request: a repeat gives the first answer, another body a conflict, and an
// answer that was given before anything was written is not kept.
func TestIdempotencyKey(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		in := fx.input("link", "o1")
		key := gateway.Idem{Key: "k", Request: in}
		if _, err := fx.CreateInvoice(t.Context(), in, key); pay.CodeOf(err) != pay.CodeNotFound {
			t.Fatalf("no merchant yet: %v", err)
		}
		fx.merchant("b1", "link")
		first, err := fx.CreateInvoice(t.Context(), in, key)
		if err != nil || first.Status != 201 || first.Replayed {
			t.Fatalf("%+v, %v", first, err)
		}
		again, err := fx.CreateInvoice(t.Context(), in, key)
		if err != nil || again.Status != 201 || !again.Replayed || again.Value.ID != first.Value.ID {
			t.Fatalf("%+v, %v", again, err)
		}
		other := in
		other.SourceInvoiceID = "o2"
		if _, err := fx.CreateInvoice(t.Context(), other, gateway.Idem{Key: "k", Request: other}); reason(err) != "idempotency_key_reused" {
			t.Fatalf("another body: %v", err)
		}
		other.Source = "app2"
		if _, err := fx.CreateInvoice(t.Context(), other, gateway.Idem{Key: "k", Request: other}); pay.CodeOf(err) != pay.CodeNotFound {
			t.Fatalf("another source has keys of its own: %v", err)
		}
	})
}

// A page whose answer was lost is nobody's: the caller is told, the key is free, and the next
// request makes another page under another payment. What the first might still say is refused.
func TestLostPage(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "host")
		fx.host.onCheckout = func(n int) error {
			if n == 1 {
				return &provider.Error{Kind: provider.KindUnavailable}
			}
			return nil
		}
		in := fx.input("host", "o1")
		key := gateway.Idem{Key: "k", Request: in}
		if _, err := fx.CreateInvoice(t.Context(), in, key); pay.CodeOf(err) != pay.CodeUpstream {
			t.Fatalf("the lost answer: %v", err)
		}
		s, err := fx.CreateInvoice(t.Context(), in, key)
		if err != nil || s.Status != 200 || s.Value.CheckoutURL == "" {
			t.Fatalf("%+v, %v", s, err)
		}
		var all []pay.Payment
		_ = fx.store.View(t.Context(), func(ctx context.Context, tx *storeTx) (err error) {
			all, err = tx.Payments(ctx, s.Value.ID)
			return err
		})
		if len(all) != 2 || all[0].State != pay.Failed || all[1].State != pay.Created {
			t.Fatalf("payments: %+v", all)
		}
		fx.on(m, func(d provider.Desk) {
			res, err := d.Confirm(t.Context(), provider.Key{PaymentID: all[0].ID, Ref: "late"}, provider.Proof{})
			if err != nil || !res.Again || res.Payment.State != pay.Failed {
				t.Errorf("the lost page's success: %+v, %v", res.Payment.State, err)
			}
		})
		if inv := fx.get(s.Value.ID); inv.Status != pay.StatusPending || inv.Attention != pay.AttentionProvider {
			t.Fatalf("status %s, attention %q", inv.Status, inv.Attention)
		}
	})
}

// A buyer may change the provider until an attempt is open; what was made at the old one is
// taken back there first, and a page that was paid meanwhile wins.
func TestMoveToAnotherProvider(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		host, link := fx.merchant("b1", "host"), fx.merchant("b1", "link")
		_ = host
		inv := fx.invoice(fx.input("host", "o1"))
		moved, err := fx.CreateInvoice(t.Context(), fx.input("link", "o1"), gateway.Idem{})
		if err != nil || moved.Status != 200 || moved.Value.ID != inv.ID || moved.Value.Provider != "link" || moved.Value.CheckoutURL != "https://link.example/"+inv.ID {
			t.Fatalf("%+v, %v", moved, err)
		}
		fx.on(link, func(d provider.Desk) {
			if _, err := d.Open(t.Context(), provider.OpenOrder{Account: inv.ID, Ref: "r", Amount: inv.Amount, ExpiresAt: fx.Now().Add(time.Hour), OnExpiry: pay.Cancelled}); err != nil {
				t.Error(err)
			}
		})
		if _, err := fx.CreateInvoice(t.Context(), fx.input("host", "o1"), gateway.Idem{}); reason(err) != "payment_in_progress" {
			t.Fatalf("with an open attempt: %v", err)
		}
		if _, err := fx.CancelInvoice(t.Context(), inv.ID, gateway.Idem{}); reason(err) != "payment_in_progress" {
			t.Fatalf("cancel with an open attempt: %v", err)
		}
		fx.advance(time.Hour + time.Millisecond)
		back, err := fx.CreateInvoice(t.Context(), fx.input("host", "o1"), gateway.Idem{})
		if err != nil || back.Value.Provider != "host" || back.Value.CheckoutURL == moved.Value.CheckoutURL {
			t.Fatalf("after it lapsed: %+v, %v", back, err)
		}
		fx.host.onCancel = func() (provider.Outcome, error) { return provider.Outcome{State: pay.Paid}, nil }
		if _, err := fx.CreateInvoice(t.Context(), fx.input("link", "o1"), gateway.Idem{}); reason(err) != "already_paid" {
			t.Fatalf("paid meanwhile: %v", err)
		}
		if inv := fx.get(inv.ID); inv.Status != pay.StatusPaid {
			t.Fatalf("it is %s", inv.Status)
		}
	})
}

// An unpaid invoice is cancelled after its time; an open attempt makes it wait, a page is taken
// back first, and the app is told once.
func TestExpiry(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		link := fx.merchant("b1", "link")
		fx.merchant("b1", "host")
		plain, held := fx.invoice(fx.input("link", "plain")), fx.invoice(fx.input("link", "held"))
		paged, stubborn := fx.invoice(fx.input("host", "paged")), fx.invoice(fx.input("host", "stubborn"))
		fx.host.onCancel = func() (provider.Outcome, error) { return provider.Outcome{State: pay.Cancelled}, nil }
		fx.advance(23 * time.Hour)
		fx.on(link, func(d provider.Desk) {
			if _, err := d.Open(t.Context(), provider.OpenOrder{Account: held.PayNumber, Ref: "r", Amount: held.Amount, ExpiresAt: fx.Now().Add(2 * time.Hour), OnExpiry: pay.Failed}); err != nil {
				t.Error(err)
			}
		})
		fx.advance(time.Hour)
		fx.settle()
		fx.settle()
		fx.advance(time.Minute)
		fx.settle()
		for inv, want := range map[string]pay.Status{plain.ID: pay.StatusCancelled, held.ID: pay.StatusPending, paged.ID: pay.StatusCancelled, stubborn.ID: pay.StatusCancelled} {
			if got := fx.get(inv); got.Status != want {
				t.Errorf("%s is %s, want %s", got.SourceInvoiceID, got.Status, want)
			}
		}
		fx.advance(time.Hour + time.Minute)
		fx.settle()
		if got := fx.get(held.ID); got.Status != pay.StatusCancelled || got.Payment.State != pay.Failed {
			t.Errorf("after the attempt lapsed: %s, %s", got.Status, got.Payment.State)
		}
		if got := fx.app.statuses(); !slices.Equal(got, []string{"cancelled", "cancelled", "cancelled", "cancelled"}) {
			t.Errorf("the app was told %v", got)
		}
	})
}

// An order whose invoice has run out gets no new one as long as the old one's page may be paid, or
// has been: the company is asked first, as where it is cancelled.
func TestAnOrderAgainAfterItsInvoiceRanOut(t *testing.T) {
	for _, c := range []struct {
		name, want string // the reason; "": a new invoice
		says       func() (provider.Outcome, error)
		old        pay.Status
		state      pay.State
	}{
		{"its page was paid", "already_paid", func() (provider.Outcome, error) {
			return provider.Outcome{State: pay.Paid, Amount: 100_000}, nil
		}, pay.StatusPaid, pay.Paid},
		{"its page was not paid", "", func() (provider.Outcome, error) {
			return provider.Outcome{State: pay.Cancelled}, nil
		}, pay.StatusCancelled, pay.Cancelled},
		{"the company does not say", "not_withdrawn", func() (provider.Outcome, error) {
			return provider.Outcome{State: pay.Created}, nil
		}, pay.StatusPending, pay.Created},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				fx.merchant("b1", "host")
				inv := fx.invoice(fx.input("host", "o1"))
				fx.host.onCancel = c.says
				fx.advance(24 * time.Hour) // and no sweep has come yet
				again, err := fx.CreateInvoice(t.Context(), fx.input("host", "o1"), gateway.Idem{})
				if reason(err) != c.want || (c.want == "") != (err == nil && again.Status == 201 && again.Value.ID != inv.ID) {
					t.Errorf("%+v, %v", again, err)
				}
				if got := fx.get(inv.ID); got.Status != c.old || got.Payment.State != c.state {
					t.Errorf("the old invoice is %s, its payment %s", got.Status, got.Payment.State)
				}
			})
		})
	}
	t.Run("an attempt was left", func(t *testing.T) {
		each(t, func(t *testing.T, fx *fixture) {
			m := fx.merchant("b1", "link")
			inv := fx.invoice(fx.input("link", "o1"))
			fx.on(m, func(d provider.Desk) { // as Click's: no rule of the company ends it
				if _, err := d.Open(t.Context(), provider.OpenOrder{Account: inv.ID, Ref: "r", Amount: inv.Amount, ExpiresAt: fx.Now().Add(time.Hour)}); err != nil {
					t.Error(err)
				}
			})
			fx.advance(24 * time.Hour)
			if again, err := fx.CreateInvoice(t.Context(), fx.input("link", "o1"), gateway.Idem{}); err != nil || again.Status != 201 {
				t.Fatalf("%+v, %v", again, err)
			}
			if got := fx.get(inv.ID); got.Status != pay.StatusCancelled || got.Payment.State != pay.Cancelled {
				t.Errorf("the old invoice is %s, its payment %s", got.Status, got.Payment.State)
			}
		})
	})
}

// An invoice whose company does not answer ends after its hour all the same, but a person is told, and
// the company is asked on: a page that was paid is not forgotten.
func TestAPageThatWasNotTakenBackIsAskedOn(t *testing.T) {
	for _, c := range []struct {
		name string
		then provider.Outcome
		open []string
	}{
		{"paid", provider.Outcome{State: pay.Paid, Amount: 100_000}, []string{"says that it took the money, but the attempt is cancelled"}},
		{"not paid", provider.Outcome{State: pay.Cancelled}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, fx *fixture) {
				fx.merchant("b1", "host")
				inv := fx.invoice(fx.input("host", "o1"))
				fx.host.onCancel = func() (provider.Outcome, error) { return provider.Outcome{}, errAway }
				fx.advance(24 * time.Hour)
				fx.settle()
				fx.advance(61 * time.Minute)
				fx.settle()
				if got, open := fx.get(inv.ID), fx.open(inv.ID); got.Status != pay.StatusCancelled || got.Attention != pay.AttentionProvider || !speaks(open, "host did not let its page be taken back") {
					t.Fatalf("%s, %q: %q", got.Status, got.Attention, open)
				}
				fx.host.onCancel = func() (provider.Outcome, error) { return c.then, nil }
				fx.advance(time.Minute)
				fx.settle()
				if open := fx.open(inv.ID); !speaks(open, c.open...) {
					t.Errorf("%q", open)
				}
			})
		})
	}
}

// An invoice made without a provider goes to the hosted page; any active provider may take it.
func TestAnyProvider(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		if _, err := fx.CreateInvoice(t.Context(), fx.input("", "o1"), gateway.Idem{}); reason(err) != "no_active_provider" {
			t.Fatalf("without merchants: %v", err)
		}
		link := fx.merchant("b1", "link")
		fx.merchant("b1", "host")
		inv := fx.invoice(fx.input("", "o1"))
		if inv.CheckoutURL != "https://pay.example.uz/pay/"+inv.ID {
			t.Fatal(inv.CheckoutURL)
		}
		_, links, err := fx.Links(t.Context(), inv.ID)
		if err != nil || len(links) != 2 || links[0].URL == "" || links[1].URL != "" {
			t.Fatalf("%+v, %v", links, err)
		}
		started, err := fx.Start(t.Context(), inv.ID, "host")
		if err != nil || started.URL == "" {
			t.Fatalf("%+v, %v", started, err)
		}
		if again, err := fx.Start(t.Context(), inv.ID, "host"); err != nil || again.URL != started.URL || fx.host.pages != 1 {
			t.Fatalf("a second press: %+v, %v, %d pages", again, err, fx.host.pages)
		}
		taken := 0
		fx.host.onCancel = func() (provider.Outcome, error) { taken++; return provider.Outcome{State: pay.Cancelled}, nil }
		fx.on(link, func(d provider.Desk) {
			_, err := d.Open(t.Context(), provider.OpenOrder{Account: inv.ID, Ref: "r", Amount: inv.Amount})
			if err == nil {
				_, err = d.Confirm(t.Context(), provider.Key{Ref: "r"}, provider.Proof{})
			}
			if err != nil {
				t.Error(err)
			}
		})
		fx.settle()
		if got := fx.get(inv.ID); got.Status != pay.StatusPaid || got.Payment.Provider != "link" || taken != 1 {
			t.Fatalf("%s by %s, the page was taken back %d times", got.Status, got.Payment.Provider, taken)
		}
	})
}

// A paid order takes no second invoice, and events of a re-made invoice keep the order's count.
func TestOrderOverSeveralInvoices(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.merchant("b1", "link")
		first := fx.invoice(fx.input("link", "o1"))
		if _, err := fx.CancelInvoice(t.Context(), first.ID, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
		inv := fx.paid("link", "o1")
		if _, err := fx.CreateInvoice(t.Context(), fx.input("link", "o1"), gateway.Idem{}); reason(err) != "already_paid" {
			t.Fatalf("a paid order: %v", err)
		}
		fx.settle()
		fx.app.mu.Lock()
		defer fx.app.mu.Unlock()
		if len(fx.app.received) != 2 || fx.app.received[0].Sequence != 1 || fx.app.received[1].Sequence != 2 || fx.app.received[1].Invoice != inv.ID {
			t.Fatalf("%+v", fx.app.received)
		}
	})
}

// What a new invoice is answered with is what was written, though it is not read back.
func TestANewInvoiceIsAsARead(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		fx.merchant("b1", "link")
		vat := 12
		qty, err := pay.ParseQuantity("1.5")
		if err != nil {
			t.Fatal(err)
		}
		in := fx.input("link", "o1")
		in.ReturnURL, in.ErrorURL, in.Lang, in.TTL = "https://shop.uz/r", "https://shop.uz/e", "uz", 90*time.Minute
		in.Metadata = map[string]string{"table": "7"}
		in.Lines = []pay.ReceiptLine{
			{Qty: qty, Price: 66_667, Total: 100_000, MXIK: "06401004002000000", PackageCode: "1506113", Name: "Palov", VAT: &vat, Mark: []string{"m"}},
		}
		for _, in := range []gateway.InvoiceInput{in, fx.input("link", "o2"), fx.input("", "o3")} {
			made := fx.invoice(in)
			if diff := cmp.Diff(fx.get(made.ID), made); diff != "" {
				t.Errorf("%s (-read +answered):\n%s", in.SourceInvoiceID, diff)
			}
		}
	})
}

// Two people change different things of one merchant at once, and both changes stand.
func TestMerchantChangesDoNotOverwriteEachOther(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "link")
		for round := range 10 {
			name, active := "name "+strconv.Itoa(round), round%2 == 0
			var wg sync.WaitGroup
			for _, patch := range []gateway.MerchantPatch{{DisplayName: &name}, {Active: &active}} {
				wg.Go(func() {
					if _, err := fx.PatchMerchant(t.Context(), m.ID, patch); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			got, err := fx.Merchant(t.Context(), m.ID)
			if err != nil || got.DisplayName != name || got.Active != active {
				t.Fatalf("round %d: %q, active %v, %v", round, got.DisplayName, got.Active, err)
			}
		}
	})
}

// An invoice of which a company took another sum is not ended by its time: a person ends it.
func TestAmountMismatchOutlivesTheInvoice(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "link")
		inv := fx.invoice(fx.input("link", "o1"))
		fx.on(m, func(d provider.Desk) {
			if _, err := d.Open(t.Context(), provider.OpenOrder{Account: inv.ID, Ref: "r", Amount: inv.Amount, ExpiresAt: fx.Now().Add(time.Hour), OnExpiry: pay.Cancelled}); err != nil {
				t.Error(err)
			}
			if _, err := d.Confirm(t.Context(), provider.Key{Ref: "r"}, provider.Proof{Amount: inv.Amount - 1}); err != provider.WrongAmount {
				t.Error(err)
			}
		})
		fx.advance(100 * time.Hour)
		if _, err := fx.ExpireInvoices(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := fx.get(inv.ID); got.Status != pay.StatusPending || got.Attention != pay.AttentionAmount {
			t.Fatalf("%s, attention %q", got.Status, got.Attention)
		}
		if _, err := fx.CreateInvoice(t.Context(), fx.input("link", "o1"), gateway.Idem{}); reason(err) != "payment_in_progress" {
			t.Fatalf("the same order again: %v", err)
		}
		if _, err := fx.CancelInvoice(t.Context(), inv.ID, gateway.Idem{}); err != nil {
			t.Fatal(err)
		}
	})
}
