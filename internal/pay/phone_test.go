package pay

import (
	"slices"
	"testing"
)

func TestPhone(t *testing.T) {
	for text, want := range map[string]string{
		"+998 90 123-45-67": "901234567", "998901234567": "901234567", "(90) 123 45 67": "901234567", "90.123.45.67": "901234567",
		"+998\u00a071\u00a0200\u00a000\u00a000": "712000000",
		"901234567890":                          "", "+7 999 123 45 67": "", "001234567": "", "90123456": "", "": "", "+901234567": "",
		"90 123 45 6o": "", "998 12 345 67 89": "", "9012+34567": "",
	} {
		if got, ok := Phone(text); got != want || ok != (want != "") {
			t.Errorf("Phone(%q) = %q %v, want %q", text, got, ok, want)
		}
	}
}

func TestPhonesIn(t *testing.T) {
	got := PhonesIn(map[string]string{
		"buyerPhone": "90 123 45 67", "again": "+998901234567", "table": "901234568", "tel": "none", "b": "998911111111", "c": "998922222222", "d": "+998933333333", "z": "+998944444444",
	})
	// 92 is no code in use; what is only nine digits under another name may be anything.
	if want := []string{"901234567", "911111111", "933333333"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
