package paysys

import (
	"errors"
	"slices"
	"testing"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Every code of the documentation's table, and one that is not in it, for a call that moves money
// and for one that does not. What may have moved money is never taken for harmless.
func TestCodes(t *testing.T) {
	documented := []int64{
		-32300, -32301, -32302, -32303, -32304, -32305, -32306, -32307, -32308, -32309, -32310, -32311, -32312, -32313, -32314,
		-32315, -32316, -32317, -32318, -32319, -32320, -32400, -32504, -32600, -32601, -32700,
	}
	if len(codes) != len(documented) {
		t.Errorf("%d codes are known of %d", len(codes), len(documented))
	}
	for _, code := range append(documented, -1) {
		c, known := codes[code]
		if known == (code == -1) {
			t.Errorf("%d is known: %v", code, known)
		}
		for _, moves := range []bool{true, false} {
			reason, no, err := verdict(&refusal{code: code}, moves)
			if no == nil || no.code != code {
				t.Errorf("%d: the refusal is lost", code)
			}
			if reason != "" && !slices.Contains(pay.Declines, reason) {
				t.Errorf("%d: %q is no reason", code, reason)
			}
			if (c.class == declined) != (reason != "" && known) {
				t.Errorf("%d: reason %q", code, reason)
			}
			uncertain := c.class == lost || c.class == unheard
			if err != nil && provider.Harmless(err) == (uncertain && moves) {
				t.Errorf("%d, moves %v: harmless %v", code, moves, provider.Harmless(err))
			}
			if err == nil && uncertain && moves {
				t.Errorf("%d: what may have been done is taken for an answer", code)
			}
		}
	}
	for _, moves := range []bool{true, false} {
		_, no, err := verdict(&provider.Error{Kind: provider.KindUnavailable, Err: errors.New("cut")}, moves)
		if no != nil || provider.Harmless(err) == moves {
			t.Errorf("a lost answer, moves %v: harmless %v", moves, provider.Harmless(err))
		}
	}
}

// Whatever comes back, reading it neither panics nor yields a state without an answer that says so.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a","error":null,"result":{"bank_transaction_id":"1485295","status":"2","amount":100000},"mx_id":"M"}`,
		`{"id":"a","error":{"code":-32308,"message":"x","data":null},"result":null}`,
		`{"id":"b","error":null,"result":{}}`, `{"id":"a","result":null}`, `[]`, `null`, `<html>`, ``,
		`{"id":"a","error":null,"result":{"status":1e3,"amount":"-1"}}`,
	} {
		f.Add(200, []byte(seed))
		f.Add(502, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, text []byte) {
		var got standing
		err := readAnswer(status, text, "a", &got)
		if err == nil && (status/100 != 2 || len(text) == 0) {
			t.Errorf("HTTP %d %q was understood as %+v", status, text, got)
		}
		_, _ = when(got.Amount), maskedPhone(string(text))
		if c := cardOf(string(text)); c.MaskedPAN != "" && len(c.MaskedPAN) > 19 {
			t.Errorf("a card %q", c.MaskedPAN)
		}
	})
}
