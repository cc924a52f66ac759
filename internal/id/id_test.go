package id

import (
	"slices"
	"testing"

	"github.com/google/uuid"
)

// Ids are canonical UUIDs of version 7, never twice the same, and sort in the order in which
// they were made: lists are paged by them.
func TestNew(t *testing.T) {
	const n = 10_000
	made := make([]string, n)
	for i := range made {
		made[i] = New()
	}
	for _, text := range made {
		if !Valid(text) {
			t.Fatalf("New() = %q, which Valid refuses", text)
		}
		if u, err := uuid.Parse(text); err != nil || u.Version() != 7 {
			t.Fatalf("New() = %q: version %d, %v", text, u.Version(), err)
		}
	}
	if !slices.IsSorted(made) {
		t.Error("ids do not sort in the order in which they were made")
	}
	if len(slices.Compact(made)) != n {
		t.Error("an id came twice")
	}
}

// One row has one name: the other spellings that uuid.Parse takes are refused.
func TestValid(t *testing.T) {
	for text, want := range map[string]bool{
		"0198c0de-0000-7000-8000-00000000abcd":          true,
		"f6339f31-6a09-11f0-9a1b-00505680eaf6":          true,
		"0198C0DE-0000-7000-8000-00000000ABCD":          false,
		"{0198c0de-0000-7000-8000-00000000abcd}":        false,
		"urn:uuid:0198c0de-0000-7000-8000-00000000abcd": false,
		"0198c0de000070008000-00000000abcd":             false,
		"0198c0de-0000-7000-8000-00000000abc":           false,
		"0198c0de-0000-7000-8000-00000000abcg":          false,
		"0198c0de-0000-7000-8000_00000000abcd":          false,
		"0198c0de-0000-7000-8000-00000000abc\x00":       false,
		"":         false,
		"inv-1001": false,
	} {
		if got := Valid(text); got != want {
			t.Errorf("Valid(%q) = %v, want %v", text, got, want)
		}
	}
}

// Damm's own example (572 has the check digit 4), so that the table is the published one and
// not merely one that agrees with itself.
func TestDammTable(t *testing.T) {
	interim := byte(0)
	for _, digit := range []byte{5, 7, 2} {
		interim = damm[interim][digit]
	}
	if interim != 4 {
		t.Errorf("the check digit of 572 is %d, want 4", interim)
	}
}

func TestNewPayNumber(t *testing.T) {
	firsts := map[byte]bool{}
	for range 5_000 {
		text := NewPayNumber()
		if len(text) != 10 || text[0] == '0' || !ValidPayNumber(text) {
			t.Fatalf("NewPayNumber() = %q", text)
		}
		firsts[text[0]] = true
	}
	if len(firsts) != 9 {
		t.Errorf("numbers begin with %d different digits, want all 9", len(firsts))
	}
}

func TestPayNumberLimits(t *testing.T) {
	for _, n := range []uint32{100_000_000, 123_456_789, 999_999_999} {
		if text := withCheckDigit(n); !ValidPayNumber(text) {
			t.Errorf("%d with its check digit is %q, which is refused", n, text)
		}
	}
	for _, text := range []string{"", "0", "12345", "12345678901", "0123456789", "12345 6789", "１２３４５６７８９０", "123456789a", "-123456789"} {
		if ValidPayNumber(text) {
			t.Errorf("ValidPayNumber(%q) = true", text)
		}
	}
}

// A person who types one digit wrong, or two neighbours the wrong way round, must never pay
// somebody else's invoice: every such slip is caught, in every place.
func TestPayNumberSlips(t *testing.T) {
	for range 300 {
		right := NewPayNumber()
		for i := range right {
			for d := byte('0'); d <= '9'; d++ {
				slip := []byte(right)
				slip[i] = d
				if d != right[i] && ValidPayNumber(string(slip)) {
					t.Fatalf("%s passes for %s", slip, right)
				}
			}
			if i > 0 && right[i] != right[i-1] {
				slip := []byte(right)
				slip[i], slip[i-1] = slip[i-1], slip[i]
				if ValidPayNumber(string(slip)) {
					t.Fatalf("%s passes for %s", slip, right)
				}
			}
		}
	}
}
