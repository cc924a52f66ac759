package pay_test

import (
	"testing"

	"github.com/chorsu/chorsu/internal/pay"
)

func TestLuhn(t *testing.T) {
	for digits, want := range map[string]bool{
		"8600533364098829": true, "8600069195406311": true, "6759649826438453003": true, "0": true, "18": true,
		"8600533364098828": false, "8600533364098892": false, "1": false, "81": false,
	} {
		if pay.Luhn(digits) != want || pay.Luhn([]byte(digits)) != want {
			t.Errorf("%s: %v", digits, !want)
		}
	}
}
