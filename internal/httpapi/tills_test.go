package httpapi_test

import "testing"

// Whoever did not hear the answer asks again under the same key: there is one till, and a code
// that pairs it.
func TestATillIsMadeOnce(t *testing.T) {
	b := newBench(t, nil)
	in := map[string]any{"businessId": "shop_7", "name": "Till 1"}
	first := b.send("POST", "/api/tills", in, "Idempotency-Key", "t-1").want(201, "")
	again := b.send("POST", "/api/tills", in, "Idempotency-Key", "t-1").want(201, "")
	if again.text("id") != first.text("id") || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("first %s, again %s", first.Raw, again.Raw)
	}
	b.send("POST", "/api/tills", map[string]any{"businessId": "shop_7", "name": "Till 2"}, "Idempotency-Key", "t-1").want(409, "CONFLICT")
	pair := func(code string) reply {
		return b.send("POST", "/api/tills/pair", map[string]any{"code": code, "nonce": "0123456789abcdef0123456789abcdef"})
	}
	if r := pair(first.text("pairingCode")); r.Status != 401 {
		t.Errorf("the first code, which nobody saw: %s", r.Raw)
	}
	pair(again.text("pairingCode")).want(201, "")
	if third := b.send("POST", "/api/tills", in, "Idempotency-Key", "t-1").want(201, ""); third.text("id") != first.text("id") || third.text("pairingCode") != "" {
		t.Errorf("of a paired till: %s", third.Raw)
	}
	if other := b.send("POST", "/api/tills", in).want(201, ""); other.text("id") == first.text("id") {
		t.Error("without a key it is another till")
	}
}
