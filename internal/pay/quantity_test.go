package pay_test

import (
	"encoding/json"
	"math/big"
	"testing"

	"github.com/chorsu/chorsu/internal/pay"
)

func TestQuantityOnTheWire(t *testing.T) {
	for _, c := range []struct {
		in   string
		want pay.Quantity
		out  string
	}{
		{"1", 1000, "1"}, {"0", 0, "0"}, {"0.25", 250, "0.25"}, {"1.250", 1250, "1.25"},
		{"1.0", 1000, "1"}, {"0.001", 1, "0.001"}, {"10.01", 10010, "10.01"}, {"999999999.999", 999_999_999_999, "999999999.999"},
	} {
		var q pay.Quantity
		if err := json.Unmarshal([]byte(c.in), &q); err != nil || q != c.want {
			t.Errorf("%s is read as %d (%v), want %d", c.in, q, err, c.want)
		}
		if out, err := json.Marshal(q); err != nil || string(out) != c.out {
			t.Errorf("%d is written as %s (%v), want %s", q, out, err, c.out)
		}
	}
	for _, bad := range []string{
		`0.0001`, `1.0000`, `-1`, `1e3`, `1E3`, `1.5e1`, `"1"`, `null`, `true`, `[1]`, `{}`, `1000000000`, `99999999999999999999`,
	} {
		q := pay.Quantity(7)
		if err := json.Unmarshal([]byte(bad), &q); err == nil || q != 7 {
			t.Errorf("%s is read as %d (%v)", bad, q, err)
		}
	}
	if s := pay.Quantity(-1250).String(); s != "-1.25" {
		t.Errorf("−1250 thousandths are written as %s", s)
	}
}

// FuzzQuantity: what is taken is exactly the number that was written, and is written back as
// a number that is taken as the same.
func FuzzQuantity(f *testing.F) {
	for _, s := range []string{"1", "0.25", "1.250", "007", "1.", ".5", "1e3", "-0", "999999999.999", "1_0", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := pay.ParseQuantity(s)
		if err != nil {
			return
		}
		written, ok := new(big.Rat).SetString(s)
		if !ok || written.Cmp(big.NewRat(int64(q), 1000)) != 0 {
			t.Fatalf("%q is taken as %d thousandths", s, q)
		}
		if again, err := pay.ParseQuantity(q.String()); err != nil || again != q {
			t.Fatalf("%d is written as %q and read as %d (%v)", q, q.String(), again, err)
		}
	})
}
