package terminal

import (
	"regexp"
	"strings"

	"github.com/chorsu/chorsu/internal/pay"
)

// What devices, boxes and companies say is kept, printed and reported, and none of it may hold a
// card's number. All of it passes one of the three functions here.

// Card is a card's number as it may be kept: what a field for one holds, with six digits in front
// and four at the end at most.
func Card(field string) string {
	plain := gaps.Replace(strings.TrimSpace(field))
	if m := halfHidden.FindStringSubmatch(plain); m != nil && (len(m[1]) > 6 || len(m[3]) > 4) {
		first, last := m[1][:min(6, len(m[1]))], m[3][max(0, len(m[3])-4):]
		return first + strings.Repeat("*", len(m[1])+len(m[3])-len(first)-len(last)) + m[2] + last
	}
	if len(plain) >= 13 && strings.Trim(plain, "0123456789") == "" {
		return stars(plain)
	}
	return Mask(field)
}

var (
	gaps       = strings.NewReplacer(" ", "", "-", "", "\u00a0", "")
	halfHidden = regexp.MustCompile(`^([0-9]*)([*xXE.•]+)([0-9]*)$`)
)

func stars(digits string) string {
	return digits[:6] + strings.Repeat("*", len(digits)-10) + digits[len(digits)-4:]
}

// Mask hides the card numbers in a text: 13 to 19 digits whose check digit holds, together or in
// groups of up to six with a space or a hyphen between. An RRN, a terminal's number and an
// organisation's stay.
func Mask(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		if !isDigit(text[i]) {
			b.WriteByte(text[i])
			i++
			continue
		}
		digits, end := cardAt(text[i:])
		if digits != "" {
			b.WriteString(stars(digits))
			i += end
			continue
		}
		for i < len(text) && isDigit(text[i]) { // the group is none, and begins none
			b.WriteByte(text[i])
			i++
		}
	}
	return b.String()
}

// cardAt reads the card number that text begins with, and where it ends; "" where there is none.
func cardAt(text string) (digits string, end int) {
	group := 0
	for group < len(text) && isDigit(text[group]) {
		group++
	}
	if group > 6 {
		if isCard(text[:group]) {
			return text[:group], group
		}
		return "", 0
	}
	digits, at := text[:group], group
	for {
		gap := gapAt(text[at:])
		group = 0
		for at+gap+group < len(text) && isDigit(text[at+gap+group]) {
			group++
		}
		if gap == 0 || group == 0 || group > 6 {
			return found(digits, at)
		}
		if more := digits + text[at+gap:at+gap+group]; len(more) > 19 {
			return found(digits, at)
		} else if digits, at = more, at+gap+group; len(digits) >= 15 && isCard(digits) {
			return digits, at // what follows on the line is another number
		}
	}
}

func found(digits string, at int) (string, int) {
	if isCard(digits) {
		return digits, at
	}
	return "", 0
}

// gapAt is the length of the one gap between two groups.
func gapAt(text string) int {
	switch {
	case strings.HasPrefix(text, " "), strings.HasPrefix(text, "-"):
		return 1
	case strings.HasPrefix(text, "\u00a0"):
		return 2
	}
	return 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isCard(digits string) bool { return len(digits) >= 13 && len(digits) <= 19 && pay.Luhn(digits) }

// Clean makes a device's slip fit to be kept: masked, its lines end with \n, and control
// characters are gone.
func Clean(slip string) string {
	slip = strings.ReplaceAll(strings.ReplaceAll(slip, "\r\n", "\n"), "\r", "\n")
	slip = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(slip, "?"))
	return Mask(slip)
}
