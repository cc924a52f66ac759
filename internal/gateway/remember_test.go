package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// elsewhere changes a merchant as another process does: this one is not told.
func (fx *fixture) elsewhere(m gateway.Merchant, change func(m *pay.Merchant)) {
	fx.t.Helper()
	err := fx.store.Update(fx.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		row, err := tx.LockMerchant(ctx, m.ID)
		if err != nil {
			return err
		}
		change(&row)
		return tx.SaveMerchant(ctx, row, "")
	})
	if err != nil {
		fx.t.Fatal(err)
	}
}

// A merchant that another process has changed is served as it stands now: what was tried by the one
// that was remembered is neither written nor answered.
func TestAMerchantIsNotServedFromMemoryOnceChanged(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "link")
		inv := fx.invoice(fx.input("link", "o1"))
		tries := func(f func(d provider.Desk) error) (all []error) {
			t.Helper()
			fx.on(m, func(d provider.Desk) { all = append(all, f(d)) })
			return all
		}
		check := func(d provider.Desk) error { _, err := d.Check(t.Context(), inv.ID, inv.Amount); return err }
		open := func(d provider.Desk) error {
			res, err := d.Open(t.Context(), provider.OpenOrder{Account: inv.ID, Ref: "r", Amount: inv.Amount})
			if err == nil && res.Again {
				err = errors.New("it was open already")
			}
			return err
		}
		for _, step := range []struct {
			name string
			ask  func(d provider.Desk) error
			want error
			off  bool
		}{
			{"checked while it is off", check, provider.Unavailable, true},
			{"checked when it is on", check, nil, false},
			{"opened while it is off", open, provider.Unavailable, true},
			{"opened when it is on", open, nil, false},
			{"found", func(d provider.Desk) error { _, _, err := d.Find(t.Context(), inv.ID); return err }, nil, true},
			{"a payment read", func(d provider.Desk) error { _, err := d.Payment(t.Context(), "r"); return err }, nil, true},
			{"listed", func(d provider.Desk) error { _, err := d.Statement(t.Context(), fx.Now(), fx.Now()); return err }, nil, true},
			{"nobody's payment", func(d provider.Desk) error { _, err := d.Payment(t.Context(), "nobody's"); return err }, provider.NoPayment, true},
			{"no account", func(d provider.Desk) error { _, err := d.Check(t.Context(), "", 1); return err }, provider.NoAccount, true},
			{"confirmed", func(d provider.Desk) error {
				res, err := d.Confirm(t.Context(), provider.Key{Ref: "r"}, provider.Proof{})
				if err == nil && res.Again {
					err = errors.New("it was confirmed already")
				}
				return err
			}, nil, true},
			{"without a word to the desk", func(d provider.Desk) error { return nil }, nil, true},
		} {
			if got := tries(check); len(got) != 1 { // remembered from here on
				t.Fatalf("before %q: served %d times", step.name, len(got))
			}
			fx.elsewhere(m, func(m *pay.Merchant) { m.Active = !step.off })
			got := tries(step.ask)
			if len(got) != 2 || got[1] != step.want {
				t.Errorf("%s: %v, want it tried twice and %v then", step.name, got, step.want)
			}
			if step.name != "without a word to the desk" && (len(got) == 0 || got[0] == nil || provider.RefusalOf(got[0]) != "" && step.name != "no account") {
				t.Errorf("%s: what was remembered was believed: %v", step.name, got)
			}
			if again := tries(func(provider.Desk) error { return nil }); len(again) != 1 {
				t.Errorf("after %q: served %d times", step.name, len(again))
			}
			if again := fx.merchant("b1", "link"); again.ID != m.ID { // changed here: the next call knows
				t.Fatal("another merchant")
			}
			fx.elsewhere(m, func(m *pay.Merchant) { m.Active = true })
			tries(check)
		}
		if got := fx.get(inv.ID); got.Status != pay.StatusPaid || got.Payment.Ref != "r" {
			t.Errorf("%s, %+v", got.Status, got.Payment)
		}
	})
}

// No answer leaves before it is known that the merchant stands; then it leaves as it was given, once,
// and each try reads the whole message.
func TestAnAnswerFromMemoryIsHeld(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "link")
		tries := 0
		serve := func(during func()) *httptest.ResponseRecorder {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			tries = 0
			ctx = context.WithValue(ctx, answerKey{}, func(w http.ResponseWriter, r *http.Request) {
				tries++
				if body, err := io.ReadAll(r.Body); string(body) != "a message" || err != nil {
					t.Errorf("try %d reads %q, %v", tries, body, err)
				}
				w.Header().Set("X-Try", fmt.Sprint(tries))
				w.WriteHeader(http.StatusAccepted)
				w.WriteHeader(http.StatusTeapot)
				fmt.Fprintf(w, "try %d", tries)
				if during == nil {
					cancel() // nobody can ask any more whether the merchant stands
				}
				if tries == 1 && during != nil {
					during()
				}
			})
			out := httptest.NewRecorder()
			fx.Callback(out, httptest.NewRequest("POST", m.CallbackURL, strings.NewReader("a message")).WithContext(ctx), m.Provider, m.ID)
			return out
		}
		for i, c := range []struct {
			during func()
			status int
			body   string
			tries  int
		}{
			{func() {}, http.StatusAccepted, "try 1", 1}, // read for the call
			{func() {}, http.StatusAccepted, "try 1", 1}, // remembered
			{func() { fx.elsewhere(m, func(*pay.Merchant) {}) }, http.StatusAccepted, "try 2", 2},
			{func() {}, http.StatusAccepted, "try 1", 1},
			{nil, http.StatusInternalServerError, "try again later\n", 1},
		} {
			out := serve(c.during)
			if out.Code != c.status || out.Body.String() != c.body || tries != c.tries {
				t.Errorf("%d: %d %q after %d tries; want %d %q after %d", i, out.Code, out.Body, tries, c.status, c.body, c.tries)
			}
			if want := fmt.Sprint(c.tries); c.status == http.StatusAccepted && out.Header().Get("X-Try") != want {
				t.Errorf("%d: the header of try %s", i, out.Header().Get("X-Try"))
			}
		}
	})
}

// A call that does not come from where the merchant says now is a stranger's, whatever was
// remembered; and the other way round.
func TestWhereACallComesFromIsNotRemembered(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "link")
		served := func() (n int) {
			fx.on(m, func(provider.Desk) { n++ })
			return n
		}
		served()
		fx.elsewhere(m, func(m *pay.Merchant) { m.Options.CallbackFrom = []string{"192.0.2.0/24"} })
		if n := served(); n != 1 { // by what was remembered; its answer does not leave
			t.Errorf("served %d times", n)
		}
		if n := served(); n != 0 {
			t.Errorf("a stranger was served %d times", n)
		}
		fx.elsewhere(m, func(m *pay.Merchant) { m.Options.CallbackFrom = nil })
		if n := served(); n != 1 {
			t.Errorf("served %d times", n)
		}
	})
}
