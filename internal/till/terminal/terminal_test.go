package terminal

import (
	"strings"
	"testing"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		kind  Kind
		codes string
		want  Outcome
	}{
		{Sale, "000 001 003 020", Approved},
		{Void, "000 400", Approved},
		{Return, "000 400", Approved},
		{Sale, "100 101 104 106 116 117 118 121 123 202 206 212 217 218 235 301 302 303 411 902 914 990 992 996", Declined},
		{Void, "914 218 235", Declined},
		{Sale, "984", NotStarted},
		{Sale, "400 005 095 402 403 404 911 912 923 998 999 777 00 0000", Unknown},
	} {
		for code := range strings.SplitSeq(c.codes, " ") {
			if got := Classify(c.kind, code); got != c.want {
				t.Errorf("%s %s is %s, want %s", c.kind, code, got, c.want)
			}
		}
	}
	for _, code := range []string{"", " ", "   ", "00 ", "abc"} {
		if got := Classify(Sale, code); got != Unknown {
			t.Errorf("%q is %s", code, got)
		}
	}
}

// A report whose totals differ was made; of a sale the same code says nothing.
func TestClassifyReport(t *testing.T) {
	for code, want := range map[string]Outcome{"000": Approved, CodeDiffers: Approved, "116": Declined, "998": Unknown, "": Unknown} {
		if got := ClassifyReport(code); got != want {
			t.Errorf("%q is %s, want %s", code, got, want)
		}
	}
}

func TestAfter(t *testing.T) {
	for _, c := range []struct {
		receipt, before string
		want            bool
	}{
		{"341", "340", true}, {"340", "340", false}, {"339", "340", false}, {"1", "9999", true}, {"0042", "41", true}, {"9999", "1", false}, {"", "340", false}, {"x", "1", false}, {"340", "", false},
	} {
		if got := After(c.receipt, c.before); got != c.want {
			t.Errorf("%q after %q: %v", c.receipt, c.before, got)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nb\rc":                           "a\nb\nc",
		"Карта: 8600140000013145\x1b@":        "Карта: 860014******3145@",
		"986009******7856":                    "986009******7856",
		"ID:010950461213101 RRN:408005356147": "ID:010950461213101 RRN:408005356147",
		"\xff\xfe":                            "?",
		"8600 1400 0001 3145":                 "860014******3145",
		"N 12 8600-1400-0001-3145 08/27":      "N 12 860014******3145 08/27",
		"8600\u00a01400\u00a00001\u00a03145":  "860014******3145",
		"8600 140000 013145":                  "860014******3145",
		"8600 1400\n0001 3145":                "8600 1400\n0001 3145",
		"RRN 408005356147 8600":               "RRN 408005356147 8600",
		"Дата 2026-11-22 14:02 ID 00000166":   "Дата 2026-11-22 14:02 ID 00000166",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func TestCard(t *testing.T) {
	for in, want := range map[string]string{
		"8600140000013145":         "860014******3145",
		"8600140000013146":         "860014******3146", // the field is a card's, whatever its check digit
		" 8600 1400 0001 3145 ":    "860014******3145",
		"8600-1400-0001-3145":      "860014******3145",
		"HUMO 8600 1400 0001 3145": "HUMO 860014******3145",
		"860014******3145":         "860014******3145",
		"8600 14** **** 3145":      "8600 14** **** 3145",
		"86001400 **** 3145":       "860014******3145",
		"860014XX00013145":         "860014****XX3145",
		"986009EEEEEE7856":         "986009EEEEEE7856",
		"*3145":                    "*3145",
		"":                         "",
	} {
		if got := Card(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// Whatever is said, no card number in one of the usual forms is left in it.
func FuzzMask(f *testing.F) {
	f.Add("Карта: ", byte(0), " 08/27")
	f.Add("12 ", byte(1), "-1")
	f.Fuzz(func(t *testing.T, before string, form byte, after string) {
		for _, s := range []string{before, after} {
			if strings.ContainsAny(s, "0123456789") {
				return
			}
		}
		pan := []string{"8600140000013145", "8600 1400 0001 3145", "8600-1400-0001-3145"}[form%3]
		if got := Mask(before + pan + after); got != before+"860014******3145"+after {
			t.Errorf("%q", got)
		}
	})
}
