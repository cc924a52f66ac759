package example_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/example"
	"github.com/chorsu/chorsu/internal/provider/example/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

var setup = providertest.Setup{
	Provider:    example.New(),
	Simulator:   sim.New,
	Credentials: map[string]string{"shopId": "shop-1", "secret": "0123456789abcdef"},
}

// act does something at the company, and wants it to end in a state.
func act(t *testing.T, b *providertest.Bench, a simulator.Action, want string) simulator.Report {
	t.Helper()
	rep, err := b.Sim.Act(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if rep.State != want || len(rep.Problems) > 0 {
		t.Fatalf("%s: the company says %s, want %s; problems %q; exchanges %+v", a.Kind, rep.State, want, rep.Problems, rep.Exchanges)
	}
	return rep
}

func link(b *providertest.Bench, invoiceID string) string {
	s, _ := b.InvoiceField(invoiceID, "checkoutUrl").(string)
	return s
}

func TestABuyerPaysAndTheAppIsTold(t *testing.T) {
	providertest.Each(t, setup, func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(150_000_00, nil)
		act(t, b, simulator.Action{Kind: "pay", Link: link(b, inv)}, "paid")
		if got := b.Status(inv); got != "paid" {
			t.Errorf("the invoice is %s", got)
		}
		hooks := b.Webhooks(inv)
		if len(hooks) != 1 || hooks[0].JSON["status"] != "paid" {
			t.Errorf("webhooks: %+v", hooks)
		}
	})
}

func TestTheMoneyGoesBack(t *testing.T) {
	providertest.Each(t, setup, func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(150_000_00, nil)
		act(t, b, simulator.Action{Kind: "pay", Link: link(b, inv)}, "paid")

		part := b.API("POST", "/api/refunds", map[string]any{"invoiceId": inv, "amount": 50_000_00})
		if part.Status != 201 || part.Field("status") != "succeeded" {
			t.Fatalf("a part: %d %s", part.Status, part.Body)
		}
		if got := b.Status(inv); got != "paid" {
			t.Errorf("after a part the invoice is %s", got)
		}

		// The answer to the rest is lost: nothing is asked for again, the payment is read.
		b.World.Faults.Set(simulator.Fault{Step: "refunds", Kind: simulator.LostAfter, Times: 1})
		rest := b.API("POST", "/api/refunds", map[string]any{"invoiceId": inv})
		if rest.Status != 201 || rest.Field("status") != "pending" || rest.Field("attention") == nil {
			t.Fatalf("the rest: %d %s", rest.Status, rest.Body)
		}
		b.Advance(time.Minute)
		b.Settle()
		if got := b.Status(inv); got != "refunded" {
			t.Errorf("after the rest the invoice is %s", got)
		}
		if books := b.Sim.Books(); books[0].Refunded != 150_000_00 {
			t.Errorf("the company returned %d", books[0].Refunded)
		}
		hooks := b.Webhooks(inv)
		if len(hooks) != 2 || hooks[1].JSON["status"] != "refunded" {
			t.Errorf("webhooks: %+v", hooks)
		}
	})
}

func TestWhatTheCompanyRefuses(t *testing.T) {
	providertest.Each(t, setup, func(t *testing.T, b *providertest.Bench) {
		inv := b.Invoice(150_000_00, nil)
		rep := act(t, b, simulator.Action{Kind: "refuse", Link: link(b, inv)}, "cancelled")
		if got := b.Status(inv); got != "pending" {
			t.Errorf("after a refused card the invoice is %s: the buyer may try again", got)
		}
		if _, err := b.Sim.Act(t.Context(), simulator.Action{Kind: "undo", Ref: rep.Ref}); err != nil {
			t.Error(err)
		}
		act(t, b, simulator.Action{Kind: "pay", Link: link(b, inv)}, "paid")
	})
}

func TestShapeOfTheCredentials(t *testing.T) {
	_, err := example.New().Open(provider.Credentials{Values: map[string]string{"shopId": "s", "secret": "short"}}, provider.Env{})
	if pay.CodeOf(err) != pay.CodeInvalid {
		t.Errorf("a short secret: %v", err)
	}
}

// Every way in which a desk can refuse has a word of the company's.
func TestEveryRefusalIsWorded(t *testing.T) {
	for _, refusal := range provider.Refusals {
		var got struct {
			OK    *bool
			Error string
		}
		code, text := callback(t, []byte(`{"event":"begin","shop":"shop-1","payment":"p","order":"o","amount":1}`), &desk{err: refusal})
		if err := json.Unmarshal(text, &got); err != nil || code != 200 || got.OK == nil || *got.OK || got.Error == "" || got.Error == "later" {
			t.Errorf("%s is answered %d %s", refusal, code, text)
		}
	}
	if code, _ := callback(t, []byte(`{"event":"begin","shop":"shop-1","payment":"p","order":"o","amount":1}`), &desk{err: errors.New("no database")}); code != 503 {
		t.Errorf("what we cannot tell is answered %d", code)
	}
}

// FuzzCallback: whatever a company that knows the secret sends, the answer is in its own form,
// and what reached the desk is what the message said.
func FuzzCallback(f *testing.F) {
	for _, s := range []string{
		`{"event":"begin","shop":"shop-1","payment":"p","order":"o","amount":100,"time":1}`,
		`{"event":"paid","shop":"shop-1","payment":"p","amount":-1}`,
		`{"event":"undone","shop":"shop-1","payment":"p","amount":1e2}`,
		`{"event":"begin","shop":"shop-1","payment":"p","order":"o","amount":9223372036854775808}`,
		`{`, `[]`, `null`, ``, "\xff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d := &desk{}
		code, text := callback(t, body, d)
		if code != 200 || !json.Valid(text) {
			t.Fatalf("%q is answered %d %s", body, code, text)
		}
		if d.calls > 0 && (d.amount <= 0 || d.ref == "") {
			t.Errorf("%q reached the desk with %d and %q", body, d.amount, d.ref)
		}
	})
}

// callback has the account serve one signed message.
func callback(t *testing.T, body []byte, d provider.Desk) (code int, answer []byte) {
	t.Helper()
	a, err := example.New().Open(provider.Credentials{Values: setup.Credentials}, provider.Env{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(secret()))
	mac.Write(body)
	r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
	r.Header.Set("X-Namuna-Signature", hex.EncodeToString(mac.Sum(nil)))
	w := httptest.NewRecorder()
	a.(provider.CallbackServer).ServeCallback(w, r, d)
	return w.Code, w.Body.Bytes()
}

// desk takes note of what reaches it, and answers err.
type desk struct {
	provider.Desk
	calls  int
	ref    string
	amount pay.Tiyin
	err    error
}

func (d *desk) note(ref string, amount pay.Tiyin) (provider.Result, error) {
	d.calls, d.ref, d.amount = d.calls+1, ref, amount
	return provider.Result{Payment: pay.Payment{ID: "pay-1", State: pay.Created}}, d.err
}

func (d *desk) Open(_ context.Context, o provider.OpenOrder) (provider.Result, error) {
	return d.note(o.Ref, o.Amount)
}

func (d *desk) Confirm(_ context.Context, k provider.Key, p provider.Proof) (provider.Result, error) {
	return d.note(k.Ref, p.Amount)
}

func (d *desk) Cancel(_ context.Context, k provider.Key, _ provider.CancelOrder) (provider.Result, error) {
	return d.note(k.Ref, 1)
}
