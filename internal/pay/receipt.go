package pay

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ReceiptLine is one line of a fiscal receipt: an item of the API's ofd, field for field.
//
// With a discount, Total may be said before it (as Multicard's and most other wires have it) or
// after it (as our API's description has it): Qty, Price and Discount say which is meant, and
// CheckLines takes no third value. Whoever needs the one or the other calls Subtotal or Base
// and leaves Total alone.
type ReceiptLine struct {
	Qty         Quantity `json:"qty"`
	Price       Tiyin    `json:"price"` // of one unit, with VAT
	Total       Tiyin    `json:"total"` // Qty × Price; see above
	MXIK        string   `json:"mxik"`  // 17 digits; also called IKPU or SPIC
	PackageCode string   `json:"package_code"`
	Name        string   `json:"name"`
	VAT         *int     `json:"vat"`                // percent, 0 or 12; nil: without VAT, which is not the same as 0
	Discount    Tiyin    `json:"discount,omitempty"` // of the whole line
	Units       int64    `json:"units,omitempty"`
	Mark        []string `json:"mark,omitempty"`
	TIN         string   `json:"tin,omitempty"`
	PINFL       string   `json:"pinfl,omitempty"`
}

// ─── Arithmetic. It holds for lines that CheckLines has passed. ────────────────────────────

// Subtotal is the line's sum before its discount: Price × Qty in whole tiyin, half up.
func (l ReceiptLine) Subtotal() Tiyin {
	sum, _ := l.Qty.times(l.Price)
	return sum
}

// Base is what the buyer pays for the line, VAT included.
func (l ReceiptLine) Base() Tiyin { return l.Subtotal() - l.Discount }

// VATAmount is the tax inside Base: 0 at 0 percent and without VAT.
func (l ReceiptLine) VATAmount() Tiyin {
	if l.VAT == nil {
		return 0
	}
	return VATInside(l.Base(), *l.VAT)
}

// VATInside is the tax contained in a sum that includes it, at percent: base × p ÷ (100 + p)
// in whole tiyin, half up. A receipt's VAT is the sum of its lines', never computed anew.
func VATInside(base Tiyin, percent int) Tiyin {
	p := Tiyin(percent)
	return (2*base*p + 100 + p) / (2 * (100 + p))
}

// LinesTotal is what the buyer pays for all lines.
func LinesTotal(lines []ReceiptLine) Tiyin {
	var sum Tiyin
	for _, l := range lines {
		sum += l.Base()
	}
	return sum
}

// InOnePiece says the same line with a quantity of 1, for the wires that know whole numbers
// only: the price becomes the subtotal, and a broken quantity goes into the name, before the
// unit where the name ends with one ("Olma kg" → "Olma 0.25 kg"). A line whose quantity is
// whole is returned as it is.
func (l ReceiptLine) InOnePiece() ReceiptLine {
	if l.Qty.Whole() {
		return l
	}
	name, tail := strings.TrimSpace(l.Name), l.Qty.String()
	if i := strings.LastIndexByte(name, ' '); i >= 0 && slices.Contains(unitWords, strings.ToLower(name[i+1:])) {
		name, tail = strings.TrimSpace(name[:i]), tail+" "+name[i+1:]
	}
	if room := maxName - utf8.RuneCountInString(tail) - 1; utf8.RuneCountInString(name) > room {
		name = strings.TrimSpace(string([]rune(name)[:room]))
	}
	l.Name = name + " " + tail
	l.Price = l.Subtotal()
	l.Total, l.Qty = l.Price, One
	return l
}

// unitWords are the units that goods of a broken quantity are sold by, as names end with them.
var unitWords = []string{"kg", "кг", "g", "gr", "г", "гр", "l", "л", "ml", "мл", "m", "м", "m2", "м2", "m3", "м3", "t", "т"}

// ─── Rules ─────────────────────────────────────────────────────────────────────────────────

// The limits of a receipt: the narrowest that any provider documents.
const (
	maxLines   = 300
	maxName    = 63
	maxPackage = 20
	maxMark    = 255 // a whole DataMatrix code; providers that take less cut it
)

// LineNeed says which further rules hold where the lines are going.
type LineNeed struct {
	Lines  bool // there must be at least one
	Sum    bool // the lines must add up to the amount: on invoices, not on refunds
	Whole  bool // only whole quantities; see also InOnePiece
	Seller bool // every line needs a TIN or a PINFL
}

// Fault is one thing wrong in a request: the field's path, and a sentence that begins with the
// path in quotes, as the API's details read.
type Fault struct{ Field, Message string }

// CheckLines returns everything that is wrong with an ofd, in the order of the lines and
// their fields, or nil. The sum is only compared when every line is sound.
func CheckLines(lines []ReceiptLine, amount Tiyin, need LineNeed) []Fault {
	var f faults
	if need.Lines && len(lines) == 0 {
		f.add("ofd", "must contain at least 1 items")
	}
	if len(lines) > maxLines {
		f.add("ofd", "must contain less than or equal to %d items", maxLines)
		return f
	}
	marks := map[string]bool{}
	for i, l := range lines {
		f.line(fmt.Sprintf("ofd[%d]", i), l, need, marks)
	}
	if sum := LinesTotal(lines); need.Sum && len(lines) > 0 && f == nil && sum != amount {
		f.add("ofd", "must add up to \"amount\" (%d ≠ %d)", sum, amount)
	}
	return f
}

type faults []Fault

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, Fault{Field: field, Message: `"` + field + `" ` + fmt.Sprintf(format, args...)})
}

func (f *faults) line(at string, l ReceiptLine, need LineNeed, marks map[string]bool) {
	before := len(*f)
	switch {
	case l.Qty <= 0:
		f.add(at+".qty", "must be greater than 0")
	case need.Whole && !l.Qty.Whole():
		f.add(at+".qty", "must be an integer")
	}
	f.money(at+".price", l.Price)
	f.money(at+".total", l.Total)
	f.digits(at+".mxik", l.MXIK, 17, 17)
	f.digits(at+".package_code", l.PackageCode, 1, maxPackage)
	f.name(at+".name", l.Name)
	if l.VAT != nil && *l.VAT != 0 && *l.VAT != 12 {
		f.add(at+".vat", "must be one of [0, 12, null]")
	}
	f.money(at+".discount", l.Discount)
	if len(*f) == before {
		f.sums(at, l)
	}
	if l.Units < 0 {
		f.add(at+".units", "must be greater than or equal to 0")
	}
	f.marks(at+".mark", l, marks)
	f.seller(at, l, need)
}

func (f *faults) money(field string, t Tiyin) {
	if t < 0 {
		f.add(field, "must be greater than or equal to 0")
	} else if t > MaxAmount {
		f.add(field, "must be less than or equal to %d", MaxAmount)
	}
}

// sums compares the numbers of a line with each other, once each is sound by itself.
func (f *faults) sums(at string, l ReceiptLine) {
	gross, ok := l.Qty.times(l.Price)
	switch {
	case !ok || gross > MaxAmount:
		f.add(at+".total", "must be less than or equal to %d", MaxAmount)
	case l.Discount > gross:
		f.add(at+".discount", "must be less than or equal to %d (qty × price)", gross)
	case l.Discount == 0 && l.Total != gross:
		f.add(at+".total", "must be %d (qty × price)", gross)
	case l.Total != gross && l.Total != gross-l.Discount:
		f.add(at+".total", "must be %d (qty × price) or %d (less the discount)", gross, gross-l.Discount)
	}
}

func (f *faults) digits(field, s string, least, most int) {
	switch {
	case s == "":
		f.add(field, "is not allowed to be empty")
	case len(s) >= least && len(s) <= most && digitsOnly(s):
	case least == most:
		f.add(field, "must be %d digits", most)
	default:
		f.add(field, "must be %d to %d digits", least, most)
	}
}

func (f *faults) name(field, s string) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		f.add(field, "is not allowed to be empty")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		f.add(field, "must be text without control characters")
	case utf8.RuneCountInString(s) > maxName:
		f.add(field, "length must be less than or equal to %d characters long", maxName)
	}
}

// marks are the codes on marked goods: one for each unit, and none twice on a receipt.
func (f *faults) marks(field string, l ReceiptLine, seen map[string]bool) {
	if len(l.Mark) > 0 && Quantity(len(l.Mark))*One != l.Qty {
		f.add(field, "must contain as many codes as units (%d ≠ %s)", len(l.Mark), l.Qty)
	}
	for i, m := range l.Mark {
		one := fmt.Sprintf("%s[%d]", field, i)
		switch {
		case m == "":
			f.add(one, "is not allowed to be empty")
		case len(m) > maxMark:
			f.add(one, "length must be less than or equal to %d characters long", maxMark)
		case !utf8.ValidString(m) || strings.ContainsFunc(m, notInMark):
			f.add(one, "must be text without control characters")
		case seen[m]:
			f.add(one, "contains a duplicate value")
		}
		seen[m] = true
	}
}

// notInMark allows the one control character that a DataMatrix code is made with: its group
// separator.
func notInMark(r rune) bool { return unicode.IsControl(r) && r != '\x1d' }

func (f *faults) seller(at string, l ReceiptLine, need LineNeed) {
	if l.TIN != "" {
		f.digits(at+".tin", l.TIN, 9, 9)
	}
	if l.PINFL != "" {
		f.digits(at+".pinfl", l.PINFL, 14, 14)
	}
	switch {
	case l.TIN != "" && l.PINFL != "":
		f.add(at, "contains a conflict between exclusive peers [tin, pinfl]")
	case need.Seller && l.TIN == "" && l.PINFL == "":
		f.add(at, "must contain at least one of [tin, pinfl]")
	}
}
