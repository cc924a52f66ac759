package pay

import (
	"errors"
	"math/bits"
	"strconv"
	"strings"
)

// Quantity is a number of units in thousandths: 1.25 kg is 1250. On the wire it is a plain
// decimal number, 1.25, and never a float on the way there.
type Quantity int64

// One is a single unit.
const One Quantity = 1000

// maxWhole bounds the digits before the dot, far above any receipt and far below 64 bits.
const maxWhole = 9

var (
	errQuantity  = errors.New("must be a decimal number without sign or exponent")
	errDecimals  = errors.New("must have no more than 3 decimal places")
	errQuantity9 = errors.New("must be less than 1000000000")
)

// ParseQuantity reads a decimal number: "1", "0.25", "1.250". A sign, an exponent, a leading
// zero, more than three decimals or nine digits before the dot is an error: a quantity is
// never rounded.
func ParseQuantity(text string) (Quantity, error) {
	whole, frac, dotted := strings.Cut(text, ".")
	switch {
	case whole == "" || !digitsOnly(whole) || len(whole) > 1 && whole[0] == '0',
		dotted && (frac == "" || !digitsOnly(frac)):
		return 0, errQuantity
	case len(frac) > 3:
		return 0, errDecimals
	case len(whole) > maxWhole:
		return 0, errQuantity9
	}
	n, err := strconv.ParseInt(whole+(frac + "000")[:3], 10, 64)
	if err != nil {
		return 0, errQuantity
	}
	return Quantity(n), nil
}

// String writes q with as many decimals as it needs: 1250 is "1.25", 2000 is "2".
func (q Quantity) String() string {
	sign, u := "", uint64(q)
	if q < 0 {
		sign, u = "-", uint64(-q)
	}
	s := sign + strconv.FormatUint(u/1000, 10)
	if rest := u % 1000; rest != 0 {
		s += strings.TrimRight("."+strconv.FormatUint(1000+rest, 10)[1:], "0")
	}
	return s
}

// Whole says whether q is a whole number of units.
func (q Quantity) Whole() bool { return q%One == 0 }

// MarshalJSON writes q as a JSON number.
func (q Quantity) MarshalJSON() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalJSON takes a JSON number by the rules of ParseQuantity, and nothing else: no
// string, no null.
func (q *Quantity) UnmarshalJSON(data []byte) error {
	n, err := ParseQuantity(string(data))
	if err != nil {
		return err
	}
	*q = n
	return nil
}

// times is price × q, rounded half up to a whole tiyin; ok is false for a negative factor and
// where the product does not fit.
func (q Quantity) times(price Tiyin) (sum Tiyin, ok bool) {
	if q < 0 || price < 0 {
		return 0, false
	}
	hi, lo := bits.Mul64(uint64(price), uint64(q))
	lo, carry := bits.Add64(lo, uint64(One)/2, 0)
	if hi += carry; hi >= uint64(One) {
		return 0, false
	}
	n, _ := bits.Div64(hi, lo, uint64(One))
	if n > 1<<63-1 {
		return 0, false
	}
	return Tiyin(n), true
}
