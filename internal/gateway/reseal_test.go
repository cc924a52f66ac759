package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/store"
)

// After Reseal everything opens under the new key alone, and only what was under an older one
// was touched.
func TestResealLeavesNothingUnderTheOldKey(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		const merchants = 130      // more than one page of the walk
		const rows = merchants + 6 // one more merchant, its payment's card token, the key of the requests' hashes; the staff's
		for i := range merchants {
			fx.merchant(fmt.Sprintf("b%d", i), "link")
		}
		old, err := seal.Parse("k1:" + keyText)
		if err != nil {
			t.Fatal(err)
		}
		payment := sealedCard(t, fx, old)
		recovery := sealedStaff(t, fx, old) // an authenticator, a link's, and the key of the audit log
		fresh := seal.NewKey()
		both, err := seal.Parse(fresh + ",k1:" + keyText)
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		if n, err := gateway.Sealed(ctx, fx.store, both); err != nil || n.Rows != rows || n.Stale != n.Rows {
			t.Fatalf("before: %+v %v", n, err)
		}
		if n, err := gateway.Reseal(ctx, fx.store, both); err != nil || n.Changed != rows {
			t.Fatalf("reseal: %+v %v", n, err)
		}
		if n, err := gateway.Reseal(ctx, fx.store, both); err != nil || n.Changed != 0 || n.Stale != 0 {
			t.Errorf("again: %+v %v", n, err)
		}
		alone, err := seal.Parse(fresh)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := gateway.TrySeals(ctx, fx.store, alone); err != nil || n.Rows != rows {
			t.Errorf("under the new key alone: %+v %v", n, err)
		}
		if _, err := gateway.TrySeals(ctx, fx.store, old); !errors.Is(err, seal.ErrUnknownKey) {
			t.Errorf("under the old key alone: %v", err)
		}
		plain, err := alone.Open("payment/"+payment.ID, token(t, fx, payment))
		if err != nil || string(plain) != "card-token" {
			t.Errorf("the card's token is %q %v", plain, err)
		}
		office := staff.New(staff.Options{Store: fx.store, Seal: alone, Now: fx.Now, Hashing: cheap})
		if v, err := office.Verify(ctx, ""); err != nil || v.Broken > 0 || v.Entries == 0 {
			t.Errorf("the audit log: %+v %v", v, err)
		}
		if _, _, err := office.SignIn(ctx, staff.Attempt{Email: "a@x.uz", Password: staffPassword, Code: recovery}); err != nil {
			t.Errorf("the staff: %v", err)
		}
	})
}

// A row that changes between being read and being replaced keeps the change.
func TestResealUndoesNoChange(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b", "link")
		err := fx.store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			ok, err := tx.ReplaceSealed(ctx, m.ID, "what stood there before", "new")
			if ok {
				t.Error("a value that nobody read was replaced")
			}
			if err == nil {
				ok, err = tx.ReplaceCardToken(ctx, "nobody", "x", "y")
			}
			if ok {
				t.Error("a payment that is not there was changed")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		box, _ := seal.Parse("k1:" + keyText)
		if _, err := gateway.TrySeals(t.Context(), fx.store, box); err != nil {
			t.Error(err)
		}
	})
}

// sealedCard writes a payment with a sealed card token, past the use cases.
func sealedCard(t *testing.T, fx *fixture, box *seal.Box) pay.Payment {
	t.Helper()
	inv := fx.invoice(fx.input("link", "o-card"))
	m := fx.merchant("biz-card", "link")
	p := pay.Payment{
		ID: id.New(), InvoiceID: inv.ID, BusinessID: inv.BusinessID, MerchantID: m.ID, Provider: "link",
		Amount: inv.Amount, State: pay.Created, CreatedAt: fx.Now().Truncate(time.Millisecond),
	}
	sealed, err := box.Seal("payment/"+p.ID, []byte("card-token"))
	if err != nil {
		t.Fatal(err)
	}
	p.Card.Token = sealed
	err = fx.store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		ok, err := tx.InsertPayment(ctx, p)
		if err == nil && !ok {
			err = errors.New("the payment was not written")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const staffPassword = "choyxona oldidagi chinor"

var cheap = staff.Cost{Memory: 64, Passes: 1}

// sealedStaff makes one person who is enrolled, and one who is not yet.
func sealedStaff(t *testing.T, fx *fixture, box *seal.Box) (recovery string) {
	t.Helper()
	office := staff.New(staff.Options{Store: fx.store, Seal: box, Now: fx.Now, Hashing: cheap})
	_, link, err := office.Add(t.Context(), staff.CommandLine, "a@x.uz", staff.Owner)
	if err != nil {
		t.Fatal(err)
	}
	in, err := office.Invitation(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(in.Secret, fx.Now())
	if err != nil {
		t.Fatal(err)
	}
	codes, _, err := office.Enrol(t.Context(), link, staff.Attempt{Password: staffPassword, Code: code, Sealed: in.Sealed})
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := office.Add(t.Context(), staff.CommandLine, "b@x.uz", staff.Viewer)
	if err != nil {
		t.Fatal(err)
	}
	// A link of the time when links had the authenticator.
	sealed, err := box.Seal(staff.EnrolmentRow(p.ID), []byte("SECRET"))
	if err != nil {
		t.Fatal(err)
	}
	if err := fx.store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.PutEnrolment(ctx, store.Enrolment{StaffID: p.ID, Hash: "hash", TOTP: sealed, EndsAt: fx.Now().Add(time.Hour)})
	}); err != nil {
		t.Fatal(err)
	}
	return codes[0]
}

func token(t *testing.T, fx *fixture, p pay.Payment) (sealed string) {
	t.Helper()
	err := fx.store.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Payment(ctx, p.ID)
		sealed = got.Card.Token
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}
