package pay

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Tiyin is an amount of money in the smallest unit of the Uzbek soum: 100 tiyin are one
// soum. It is never a float.
type Tiyin int64

// The limits of one amount that a caller may ask for.
const (
	MinAmount Tiyin = 100               // 1 soum
	MaxAmount Tiyin = 1_000_000_000_000 // 10 milliard soum
)

// CurrencyUZS is the only currency that the gateway knows.
const CurrencyUZS = "UZS"

// Soum writes t as soum with exactly two digits of tiyin and a dot, as the providers'
// wires want it: 5000050 is "50000.50".
func (t Tiyin) Soum() string {
	sign, u := "", uint64(t)
	if t < 0 {
		sign, u = "-", uint64(-t)
	}
	return fmt.Sprintf("%s%d.%02d", sign, u/100, u%100)
}

// Words writes t as people read it: "150 000 soʻm", or "150 000,50 soʻm" where there are
// tiyin. The thousands are parted by a no-break space (U+00A0).
func (t Tiyin) Words() string {
	sign, u := "", uint64(t)
	if t < 0 {
		sign, u = "−", uint64(-t)
	}
	digits := strconv.FormatUint(u/100, 10)
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteRune('\u00a0')
		}
		b.WriteRune(d)
	}
	if u%100 != 0 {
		fmt.Fprintf(&b, ",%02d", u%100)
	}
	return b.String() + "\u00a0soʻm"
}

// ParseSoum reads a decimal number of soum as the providers print it: "50000", "50000.5",
// "50000.50", also with further zeros behind. A sign, an exponent, more than two digits of
// tiyin that count, or a sum beyond 64 bits is an error: an amount is never rounded.
func ParseSoum(text string) (Tiyin, error) {
	whole, frac, dotted := strings.Cut(text, ".")
	if whole == "" || len(whole) > 18 || !digitsOnly(whole) || dotted && (frac == "" || !digitsOnly(frac)) {
		return 0, fmt.Errorf("%q is not an amount in soum", clip(text, 32))
	}
	frac = strings.TrimRight(frac, "0")
	if len(frac) > 2 {
		return 0, fmt.Errorf("%q has parts of a tiyin", clip(text, 32))
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > math.MaxInt64/100-1 {
		return 0, fmt.Errorf("%q is too large an amount", clip(text, 32))
	}
	n *= 100
	if frac != "" {
		f, _ := strconv.Atoi((frac + "0")[:2])
		n += int64(f)
	}
	return Tiyin(n), nil
}

func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}
