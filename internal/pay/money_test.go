package pay_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chorsu/chorsu/internal/pay"
)

func TestParseSoum(t *testing.T) {
	for text, want := range map[string]pay.Tiyin{
		"0": 0, "1": 100, "50000": 5_000_000, "50000.5": 5_000_050, "50000.50": 5_000_050,
		"33139.73": 3_313_973, "50000.0": 5_000_000, "50000.5000": 5_000_050, "0.01": 1, "007": 700,
	} {
		if got, err := pay.ParseSoum(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "1 ", "1.005", "0x10", "१", "1.2.3", "NaN",
		"9999999999999999999", "92233720368547758.08", strings.Repeat("9", 400),
	} {
		if got, err := pay.ParseSoum(text); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}

// What is printed is read back as the same amount.
func TestSoumRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := pay.Tiyin(rapid.Int64Range(0, int64(pay.MaxAmount)).Draw(t, "tiyin"))
		if got, err := pay.ParseSoum(want.Soum()); err != nil || got != want {
			t.Fatalf("%d prints %q and reads %d, %v", want, want.Soum(), got, err)
		}
	})
}

func TestWords(t *testing.T) {
	for amount, want := range map[pay.Tiyin]string{
		0: "0 soʻm", 100: "1 soʻm", 15_000_000: "150 000 soʻm", 123_456_789_050: "1 234 567 890,50 soʻm", -5: "−0,05 soʻm",
	} {
		if got := strings.ReplaceAll(amount.Words(), "\u00a0", " "); got != want {
			t.Errorf("%d is %q, want %q", amount, got, want)
		}
	}
}

func FuzzParseSoum(f *testing.F) {
	for _, s := range []string{"1", "50000.50", "1e9", "-0", "0.001", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := pay.ParseSoum(text)
		if err != nil {
			return
		}
		// Whatever was accepted is a plain decimal, and means what it says.
		again, err := pay.ParseSoum(got.Soum())
		if err != nil || again != got || got < 0 {
			t.Fatalf("%q is %d, which prints %q and reads %d, %v", text, got, got.Soum(), again, err)
		}
	})
}
