package pay_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/pay"
	"pgregory.net/rapid"
)

func percent(p int) *int { return &p }

// goods is a sound line of 100000 tiyin: the founding document's example.
func goods() pay.ReceiptLine {
	return pay.ReceiptLine{
		Qty: pay.One, Price: 100000, Total: 100000, MXIK: "06401004002000000",
		PackageCode: "1506113", Name: "Test", VAT: percent(0),
	}
}

func messages(faults []pay.Fault) []string {
	var out []string
	for _, f := range faults {
		out = append(out, f.Message)
	}
	return out
}

func TestFiscalScenario01_VATInsideASum(t *testing.T) {
	for _, c := range []struct {
		base    pay.Tiyin
		percent int
		want    pay.Tiyin
	}{
		{112000, 12, 12000}, {100000, 12, 10714}, {500000, 12, 53571}, {2500000, 12, 267857},
		{50000, 12, 5357}, {5, 12, 1}, {4, 12, 0}, {0, 12, 0}, {4, 0, 0}, {2500000, 0, 0},
	} {
		if got := pay.VATInside(c.base, c.percent); got != c.want {
			t.Errorf("VAT inside %d at %d %% is %d, want %d", c.base, c.percent, got, c.want)
		}
	}
}

func TestFiscalScenario02_LineWithDiscount(t *testing.T) {
	l := goods()
	l.Qty, l.Price, l.Total, l.Discount, l.VAT = 2*pay.One, 250000, 500000, 100000, percent(12)
	if l.Subtotal() != 500000 || l.Base() != 400000 || l.VATAmount() != 42857 {
		t.Errorf("subtotal %d, base %d, VAT %d; want 500000, 400000, 42857", l.Subtotal(), l.Base(), l.VATAmount())
	}
	need := pay.LineNeed{Sum: true}
	if faults := pay.CheckLines([]pay.ReceiptLine{l}, 400000, need); faults != nil {
		t.Errorf("total before the discount: %v", messages(faults))
	}
	l.Total = 400000
	if faults := pay.CheckLines([]pay.ReceiptLine{l}, 400000, need); faults != nil {
		t.Errorf("total after the discount: %v", messages(faults))
	}
	if l.Subtotal() != 500000 || l.Base() != 400000 {
		t.Errorf("the sums depend on how the total is said: %d, %d", l.Subtotal(), l.Base())
	}
	l.Total = 450000
	want := []string{`"ofd[0].total" must be 500000 (qty × price) or 400000 (less the discount)`}
	if got := messages(pay.CheckLines([]pay.ReceiptLine{l}, 400000, need)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFiscalScenario03_WeighedGoods(t *testing.T) {
	l := goods()
	l.Qty, l.Price, l.Total, l.Name = 250, 4000000, 1000000, "Olma kg"
	if faults := pay.CheckLines([]pay.ReceiptLine{l}, 1000000, pay.LineNeed{Sum: true}); faults != nil {
		t.Fatalf("faults: %v", messages(faults))
	}
	if int64(l.Qty) != 250 {
		t.Errorf("thousandths: %d", l.Qty)
	}
	one := l.InOnePiece()
	if one.Qty != pay.One || one.Price != 1000000 || one.Total != 1000000 || one.Name != "Olma 0.25 kg" {
		t.Errorf("in one piece: %+v", one)
	}
	if faults := pay.CheckLines([]pay.ReceiptLine{one}, 1000000, pay.LineNeed{Sum: true, Whole: true}); faults != nil {
		t.Errorf("in one piece: %v", messages(faults))
	}
	for name, want := range map[string]string{
		"Suv":                            "Suv 0.25",
		"kg":                             "kg 0.25",
		"Гречка КГ":                      "Гречка 0.25 КГ",
		strings.Repeat("а", 63):          strings.Repeat("а", 58) + " 0.25",
		strings.Repeat("а", 60) + " кг":  strings.Repeat("а", 55) + " 0.25 кг",
		"  Olma   kg  ":                  "Olma 0.25 kg",
		"Shakar (1-nav, og'irligi) donа": "Shakar (1-nav, og'irligi) donа 0.25",
	} {
		l.Name = name
		if got := l.InOnePiece().Name; got != want || utf8.RuneCountInString(got) > 63 {
			t.Errorf("%q in one piece is %q, want %q", name, got, want)
		}
	}
	l = goods()
	if got := l.InOnePiece(); got.Name != l.Name || got.Qty != l.Qty || got.Price != l.Price {
		t.Errorf("a whole quantity was changed: %+v", got)
	}
}

func TestFiscalScenario04_FoundingExample(t *testing.T) {
	const sent = `{"qty":1,"price":100000,"total":100000,"mxik":"06401004002000000","package_code":"1506113","name":"Test","vat":0}`
	var l pay.ReceiptLine
	if err := json.Unmarshal([]byte(sent), &l); err != nil {
		t.Fatal(err)
	}
	if faults := pay.CheckLines([]pay.ReceiptLine{l}, 100000, pay.LineNeed{Lines: true, Sum: true}); faults != nil {
		t.Errorf("faults: %v", messages(faults))
	}
	back, err := json.Marshal(l)
	if err != nil || string(back) != sent {
		t.Errorf("sent on as %s (%v), want %s", back, err, sent)
	}
}

func TestFiscalScenario05_FaultsAreNamed(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*pay.ReceiptLine)
		amount pay.Tiyin
		want   string
	}{
		{"another sum", func(*pay.ReceiptLine) {}, 90000, `"ofd" must add up to "amount" (100000 ≠ 90000)`},
		{"16 digits", func(l *pay.ReceiptLine) { l.MXIK = "6401004002000000" }, 100000, `"ofd[0].mxik" must be 17 digits`},
		{"VAT of 2022", func(l *pay.ReceiptLine) { l.VAT = percent(15) }, 100000, `"ofd[0].vat" must be one of [0, 12, null]`},
	} {
		l := goods()
		c.change(&l)
		got := messages(pay.CheckLines([]pay.ReceiptLine{l}, c.amount, pay.LineNeed{Sum: true}))
		if !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	var l pay.ReceiptLine
	if err := json.Unmarshal([]byte(`{"mxik":6401004002000000}`), &l); err == nil {
		t.Error("a number was taken for an MXIK; its leading zero is lost")
	}
}

// TestFiscalScenario12_ArithmeticOfClickItems is the part of scenario 12 that is arithmetic.
func TestFiscalScenario12_ArithmeticOfClickItems(t *testing.T) {
	l := goods()
	l.Qty, l.Price, l.Total, l.Discount, l.VAT, l.TIN = 2*pay.One, 250000, 500000, 100000, percent(12), "123456789"
	if l.Subtotal() != 500000 || l.VATAmount() != 42857 || pay.LinesTotal([]pay.ReceiptLine{l}) != 400000 {
		t.Errorf("Price %d, VAT %d, received %d", l.Subtotal(), l.VATAmount(), pay.LinesTotal([]pay.ReceiptLine{l}))
	}
	if faults := pay.CheckLines([]pay.ReceiptLine{l}, 400000, pay.LineNeed{Sum: true, Whole: true, Seller: true}); faults != nil {
		t.Errorf("faults: %v", messages(faults))
	}
	l.TIN = ""
	want := []string{`"ofd[0]" must contain at least one of [tin, pinfl]`}
	if got := messages(pay.CheckLines([]pay.ReceiptLine{l}, 400000, pay.LineNeed{Seller: true})); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFiscalScenario16_Marks(t *testing.T) {
	marked := func(qty pay.Quantity, marks ...string) pay.ReceiptLine {
		l := goods()
		l.Qty, l.Total, l.Mark = qty, 100000*pay.Tiyin(qty/pay.One), marks
		return l
	}
	for _, c := range []struct {
		name  string
		lines []pay.ReceiptLine
		want  []string
	}{
		{"one each", []pay.ReceiptLine{marked(2*pay.One, "010478\x1d21", "B"), marked(pay.One, "C")}, nil},
		{"none", []pay.ReceiptLine{marked(2 * pay.One)}, nil},
		{"twice on two lines", []pay.ReceiptLine{marked(pay.One, "A"), marked(pay.One, "A")}, []string{`"ofd[1].mark[0]" contains a duplicate value`}},
		{"twice on one line", []pay.ReceiptLine{marked(2*pay.One, "A", "A")}, []string{`"ofd[0].mark[1]" contains a duplicate value`}},
		{"2 for 3", []pay.ReceiptLine{marked(3*pay.One, "A", "B")}, []string{`"ofd[0].mark" must contain as many codes as units (2 ≠ 3)`}},
		{"empty", []pay.ReceiptLine{marked(pay.One, "")}, []string{`"ofd[0].mark[0]" is not allowed to be empty`}},
		{"NUL", []pay.ReceiptLine{marked(pay.One, "A\x00")}, []string{`"ofd[0].mark[0]" must be text without control characters`}},
		{"long", []pay.ReceiptLine{marked(pay.One, strings.Repeat("A", 256))}, []string{`"ofd[0].mark[0]" length must be less than or equal to 255 characters long`}},
	} {
		if got := messages(pay.CheckLines(c.lines, 0, pay.LineNeed{})); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCheckLinesNamesEveryFault(t *testing.T) {
	l := pay.ReceiptLine{
		Qty: 0, Price: -1, Total: pay.MaxAmount + 1, MXIK: "", PackageCode: "12a", Name: " \t ",
		VAT: percent(-12), Discount: -5, Units: -1, Mark: []string{"A"}, TIN: "12", PINFL: "1234567890123x",
	}
	want := []string{
		`"ofd[1].qty" must be greater than 0`,
		`"ofd[1].price" must be greater than or equal to 0`,
		`"ofd[1].total" must be less than or equal to 1000000000000`,
		`"ofd[1].mxik" is not allowed to be empty`,
		`"ofd[1].package_code" must be 1 to 20 digits`,
		`"ofd[1].name" is not allowed to be empty`,
		`"ofd[1].vat" must be one of [0, 12, null]`,
		`"ofd[1].discount" must be greater than or equal to 0`,
		`"ofd[1].units" must be greater than or equal to 0`,
		`"ofd[1].mark" must contain as many codes as units (1 ≠ 0)`,
		`"ofd[1].tin" must be 9 digits`,
		`"ofd[1].pinfl" must be 14 digits`,
		`"ofd[1]" contains a conflict between exclusive peers [tin, pinfl]`,
	}
	faults := pay.CheckLines([]pay.ReceiptLine{goods(), l}, 1, pay.LineNeed{Sum: true})
	if got := messages(faults); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, f := range faults {
		if !strings.HasPrefix(f.Message, fmt.Sprintf("%q ", f.Field)) {
			t.Errorf("the message %q does not begin with its field %q", f.Message, f.Field)
		}
	}
}

func TestCheckLinesRules(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*pay.ReceiptLine)
		need   pay.LineNeed
		want   string // "": sound
	}{
		{"without VAT", func(l *pay.ReceiptLine) { l.VAT = nil }, pay.LineNeed{}, ""},
		{"name of 63 Cyrillic letters", func(l *pay.ReceiptLine) { l.Name = strings.Repeat("я", 63) }, pay.LineNeed{}, ""},
		{"name of 64", func(l *pay.ReceiptLine) { l.Name = strings.Repeat("я", 64) }, pay.LineNeed{}, `"ofd[0].name" length must be less than or equal to 63 characters long`},
		{"name with spaces around 63", func(l *pay.ReceiptLine) { l.Name = " " + strings.Repeat("x", 63) + " " }, pay.LineNeed{}, ""},
		{"name in two lines", func(l *pay.ReceiptLine) { l.Name = "a\nb" }, pay.LineNeed{}, `"ofd[0].name" must be text without control characters`},
		{"name not in UTF-8", func(l *pay.ReceiptLine) { l.Name = "a\xff" }, pay.LineNeed{}, `"ofd[0].name" must be text without control characters`},
		{"MXIK in Arabic digits", func(l *pay.ReceiptLine) { l.MXIK = strings.Repeat("١", 17) }, pay.LineNeed{}, `"ofd[0].mxik" must be 17 digits`},
		{"package code of 20", func(l *pay.ReceiptLine) { l.PackageCode = strings.Repeat("0", 20) }, pay.LineNeed{}, ""},
		{"package code of 21", func(l *pay.ReceiptLine) { l.PackageCode = strings.Repeat("0", 21) }, pay.LineNeed{}, `"ofd[0].package_code" must be 1 to 20 digits`},
		{"half a piece", func(l *pay.ReceiptLine) { l.Qty, l.Total = 500, 50000 }, pay.LineNeed{}, ""},
		{"half a piece, whole wanted", func(l *pay.ReceiptLine) { l.Qty, l.Total = 500, 50000 }, pay.LineNeed{Whole: true}, `"ofd[0].qty" must be an integer`},
		{"total one tiyin more", func(l *pay.ReceiptLine) { l.Total++ }, pay.LineNeed{}, `"ofd[0].total" must be 100000 (qty × price)`},
		{"rounded half up", func(l *pay.ReceiptLine) { l.Qty, l.Price, l.Total = 1, 500, 1 }, pay.LineNeed{}, ""},
		{"rounded down", func(l *pay.ReceiptLine) { l.Qty, l.Price, l.Total = 1, 499, 0 }, pay.LineNeed{}, ""},
		{"discount of all", func(l *pay.ReceiptLine) { l.Discount = 100000 }, pay.LineNeed{}, ""},
		{"discount of more", func(l *pay.ReceiptLine) { l.Discount = 100001 }, pay.LineNeed{}, `"ofd[0].discount" must be less than or equal to 100000 (qty × price)`},
		{"beyond 64 bits", func(l *pay.ReceiptLine) { l.Qty, l.Price = 999_999_999_999, pay.MaxAmount }, pay.LineNeed{}, `"ofd[0].total" must be less than or equal to 1000000000000`},
		{"own TIN", func(l *pay.ReceiptLine) { l.TIN = "012345678" }, pay.LineNeed{Seller: true}, ""},
		{"own PINFL", func(l *pay.ReceiptLine) { l.PINFL = "01234567890123" }, pay.LineNeed{Seller: true}, ""},
	} {
		l := goods()
		c.change(&l)
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		if got := messages(pay.CheckLines([]pay.ReceiptLine{l}, 0, c.need)); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", c.name, got, want)
		}
	}
}

func TestCheckLinesCountsLines(t *testing.T) {
	if got := pay.CheckLines(nil, 100, pay.LineNeed{Sum: true}); got != nil {
		t.Errorf("no lines, none wanted: %v", messages(got))
	}
	want := []string{`"ofd" must contain at least 1 items`}
	if got := messages(pay.CheckLines(nil, 100, pay.LineNeed{Lines: true})); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	many := slices.Repeat([]pay.ReceiptLine{goods()}, 300)
	if got := pay.CheckLines(many, 300*100000, pay.LineNeed{Sum: true}); got != nil {
		t.Errorf("300 lines: %v", messages(got))
	}
	want = []string{`"ofd" must contain less than or equal to 300 items`}
	if got := messages(pay.CheckLines(append(many, goods()), 0, pay.LineNeed{})); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestReceiptArithmeticIsExact compares the integer formulas with fractions of any size.
func TestReceiptArithmeticIsExact(t *testing.T) {
	halfUp := func(num, den int64, factors ...int64) pay.Tiyin {
		n := big.NewInt(num)
		for _, f := range factors {
			n.Mul(n, big.NewInt(f))
		}
		n.Add(n.Mul(n, big.NewInt(2)), big.NewInt(den))
		return pay.Tiyin(n.Div(n, big.NewInt(2*den)).Int64())
	}
	rapid.Check(t, func(t *rapid.T) {
		l := goods()
		l.VAT = percent(rapid.SampledFrom([]int{0, 12}).Draw(t, "vat"))
		l.Qty = pay.Quantity(rapid.Int64Range(1, 1_000_000).Draw(t, "qty"))
		l.Price = pay.Tiyin(rapid.Int64Range(0, int64(pay.MaxAmount)/1000).Draw(t, "price"))
		l.Total = halfUp(int64(l.Price), 1000, int64(l.Qty))
		l.Discount = pay.Tiyin(rapid.Int64Range(0, int64(l.Total)).Draw(t, "discount"))
		if rapid.Bool().Draw(t, "total less discount") {
			l.Total -= l.Discount
		}
		if faults := pay.CheckLines([]pay.ReceiptLine{l}, l.Base(), pay.LineNeed{Sum: true}); faults != nil {
			t.Fatalf("%+v: %v", l, messages(faults))
		}
		if want := halfUp(int64(l.Base()), int64(100+*l.VAT), int64(*l.VAT)); l.VATAmount() != want {
			t.Fatalf("VAT of %+v is %d, want %d", l, l.VATAmount(), want)
		}
		if one := l.InOnePiece(); one.Base() != l.Base() || one.VATAmount() != l.VATAmount() {
			t.Fatalf("%+v in one piece is another sum: %+v", l, one)
		}
	})
}
