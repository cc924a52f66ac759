package evidence

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
)

// show returns what may be seen of a value of class c.
func show(c class, value string, number bool) string {
	if value == "" {
		return ""
	}
	ok := false
	switch c {
	case ident:
		ok = isIdent(value) && !isCardNumber(value)
	case account:
		ok = id.Valid(value) || id.ValidPayNumber(value)
	case amount:
		ok = isAmount(value)
	case moment:
		ok = isMoment(value)
	case word:
		ok = isWord(value)
	case pan:
		ok = isMaskedPAN(value)
	case note:
		return clip(Mask(value), maxNote)
	case phone:
		return maskPhone(value)
	case address:
		return maskAddress(value)
	}
	if ok {
		return value
	}
	if number {
		return digits(countDigits(value))
	}
	return shape(value)
}

// shape tells how long a value is, and nothing else.
func shape(value string) string {
	if n := countDigits(value); n == len(value) && n > 0 {
		return digits(n)
	}
	return "‹" + strconv.Itoa(utf8.RuneCountInString(value)) + " chars›"
}

func digits(n int) string { return "‹" + strconv.Itoa(n) + " digits›" }

// showName shows a field's name if it looks like one; a password can stand before the equals
// sign by mistake.
func showName(name string) string {
	var room [maxIdent]byte
	plain := slices.DeleteFunc(appendPlain(room[:0], name), func(c byte) bool { return c == '[' || c == ']' })
	if _, known := classes[string(plain)]; known {
		return name
	}
	if len(name) <= 32 && countDigits(name) <= 2 && only(name, "_-.[]") {
		return name
	}
	return shape(name)
}

func isIdent(s string) bool { return len(s) <= maxIdent && only(s, ".:/_-") }

func isWord(s string) bool { return len(s) <= maxIdent && only(s, "_.+-") && countDigits(s) <= 6 }

func isAmount(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, frac, dotted := strings.Cut(s, ".")
	return whole != "" && len(whole) <= 13 && len(frac) <= 3 && countDigits(whole) == len(whole) &&
		countDigits(frac) == len(frac) && dotted == (frac != "")
}

// isMoment takes YYYYMMDDhhmmss, seconds or milliseconds since 1970, a date, and a date and time.
func isMoment(s string) bool {
	if n := countDigits(s); n == len(s) {
		return n <= 14
	}
	if len(s) < len(time.DateOnly) || len(s) > 35 {
		return false
	}
	day, clock := s[:len(time.DateOnly)], s[len(time.DateOnly):]
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return false
	}
	if clock == "" {
		return true
	}
	if len(clock) < 6 || clock[0] != ' ' && clock[0] != 'T' || clock[3] != ':' {
		return false
	}
	for _, r := range clock[1:] {
		if (r < '0' || r > '9') && !strings.ContainsRune("-:.+Z", r) {
			return false
		}
	}
	return true
}

// isMaskedPAN: at most six digits in front and four behind, and something that hides the rest.
func isMaskedPAN(s string) bool {
	if len(s) > 48 {
		return false
	}
	front, hidden, behind := 0, 0, 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9' && hidden == 0:
			front++
		case r >= '0' && r <= '9':
			behind++
		case r == '*' || r == 'x' || r == 'X' || r == '•':
			if behind > 0 {
				front, behind = front+behind, 0
			}
			hidden++
		case r != ' ' && r != '-':
			return false
		}
	}
	return hidden >= 4 && front <= 8 && behind <= 4
}

// isCardNumber says whether a value is nothing but a card number: 16 digits of the local schemes,
// or 13 to 19 that satisfy Luhn's sum and begin as the foreign ones do.
func isCardNumber(s string) bool {
	var room [19]byte
	number := room[:0]
	for i := range len(s) {
		switch c := s[i]; {
		case strings.IndexByte("-.:/_", c) >= 0:
		case c < '0' || c > '9' || len(number) == len(room):
			return false
		default:
			number = append(number, c)
		}
	}
	if len(number) < 13 {
		return false
	}
	if len(number) == 16 {
		switch string(number[:4]) {
		case "8600", "9860", "5614", "6262": // UzCard, HUMO
			return true
		}
	}
	return strings.IndexByte("23456", number[0]) >= 0 && len(number) != 17 && pay.Luhn(number) // 17: an MXIK
}

// maskPhone leaves four digits of a telephone number, and one that the company masked as it is.
func maskPhone(s string) string {
	digits := make([]byte, 0, 15)
	stars := 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9' && len(digits) < 15:
			digits = append(digits, byte(r))
		case r == '*':
			stars++
		case !strings.ContainsRune("+() -", r):
			return shape(s)
		}
	}
	switch {
	case len(s) > 24:
		return shape(s)
	case stars >= 3 && len(digits) <= 8:
		return s
	case len(digits) < 7:
		return shape(s)
	}
	return "‹phone …" + string(digits[len(digits)-4:]) + "›"
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-'
}

// only says whether s is ASCII letters, digits and the given characters.
func only(s, also string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && strings.IndexByte(also, s[i]) < 0 {
			return false
		}
	}
	return true
}

func countDigits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n
}

// clip cuts text to at most n bytes, between characters.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}

// bound clips a message to what is kept of one.
func bound(text string) string { return clip(strings.ToValidUTF8(text, "�"), maxMessage-len("…")) }
