package httpapi

import "testing"

func TestCardNumbersAreSeen(t *testing.T) {
	for text, want := range map[string]bool{
		"8600123412341239":                       true,
		"karta 8600123412341239.":                true,
		"8600 1234 1234 1239":                    true,
		"8600-1234-1234-1239":                    true,
		"8600123412341239 09/27":                 true,
		"2 ta 8600 1234 1234 1239":               true, // a number before it does not hide it
		"8600 1234 1234 1239 7":                  true,
		"8600  1234 1234 1239":                   false, // two spaces: no one writes a number so
		"8600123412341238":                       false, // the check digit is wrong
		"86001234123412391":                      false, // 17 digits: an MXIK, say
		"x8600123412341239x":                     true,
		"860012341234123":                        false,
		"":                                       false,
		"order 12345":                            false,
		"+998 90 123-45-67":                      false,
		"860030******5959":                       false,
		"8600123412341239 and more 1234":         true,
		"Buyurtma 2026-05-12 10:01, 150000 soʻm": false,
		"01975f2e-6a09-7bf0-9a1b-00505680eaf6":   false,
		"https://ofd.soliq.uz/check?t=UZ1&r=1&s=51434319": false,
	} {
		if got := hasCardNumber(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
