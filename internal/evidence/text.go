package evidence

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/chorsu/chorsu/internal/id"
)

// Mask makes text fit for a log or a person's eyes. Addresses in it are masked as by Redact;
// words of 20 and more letters and digits, which may be keys or tokens, by their shape; runs of
// 13 and more digits, which may be a card's with spaces or hyphens between, by their length; and
// telephone numbers but for four digits. UUIDs and hosts' names stay. A short secret cannot be
// told from a word: it must not stand in free text.
func Mask(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		n := strings.IndexFunc(text, betweenWords)
		if n < 0 {
			n = len(text)
		}
		if address := addressLength(text); address > n {
			n = address
		}
		b.WriteString(maskWord(text[:n]))
		text = text[n:]
		gap := strings.IndexFunc(text, func(r rune) bool { return !betweenWords(r) })
		if gap < 0 {
			gap = len(text)
		}
		b.WriteString(text[:gap])
		text = text[gap:]
	}
	return maskDigits(b.String())
}

// Words makes a company's words fit to be stored: masked as by Mask, of valid characters without
// controls, and at most so many bytes long.
func Words(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	if text = Mask(text); len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return strings.TrimSpace(text)
}

func betweenWords(r rune) bool {
	return r <= ' ' || r == 0xa0 || strings.ContainsRune(`"'<>(){}[],;:=‹›«»|&?!`, r)
}

// addressLength is the length of the web address that text begins with, or 0.
func addressLength(text string) int {
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") {
		return 0
	}
	if n := strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`"'<>‹›«»`, r) }); n >= 0 {
		return n
	}
	return len(text)
}

func maskWord(w string) string {
	switch {
	case addressLength(w) > 0:
		trimmed := strings.TrimRight(w, ".,;:!?)")
		return maskAddress(trimmed) + w[len(trimmed):]
	case strings.HasPrefix(w, "/"):
		return maskPath(w)
	case len(w) >= 20 && only(w, "+/_.-") && countDigits(w) > 0 && countDigits(w) < len(w) && !id.Valid(strings.ToLower(w)) && !isHost(w):
		return shape(w)
	}
	return w
}

// isHost: lower-case labels of less than 20 characters with dots between.
func isHost(w string) bool {
	labels := strings.Split(w, ".")
	for _, label := range labels {
		if label == "" || len(label) >= 20 || strings.ToLower(label) != label || !only(label, "-") {
			return false
		}
	}
	return len(labels) > 1
}

// maskDigits masks long runs of digits, also with single spaces or hyphens between.
func maskDigits(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		if (i == 0 || !wordByte(text[i-1])) && len(text)-i >= 36 && id.Valid(strings.ToLower(text[i:i+36])) {
			b.WriteString(text[i : i+36])
			i += 36
			continue
		}
		end, count := digitRun(text[i:])
		switch {
		case count == 0:
			b.WriteByte(text[i])
			i++
			continue
		case count >= 13:
			fmt.Fprintf(&b, "‹%d digits›", count)
		case count == 12 && strings.HasPrefix(text[i:], "998"):
			b.WriteString(maskPhone(text[i : i+end]))
		default:
			b.WriteString(text[i : i+end])
		}
		i += end
	}
	return b.String()
}

// digitRun returns where the run of digits at the start of text ends, and how many there are.
func digitRun(text string) (end, count int) {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] >= '0' && text[i] <= '9':
			count++
			end = i + 1
		case count > 0 && (text[i] == ' ' || text[i] == '-') && end == i:
			// one separator, if a digit follows
		case count > 0 && strings.HasPrefix(text[i:], "\u00a0") && end == i:
			i++ // its second byte
		default:
			return end, count
		}
	}
	return end, count
}
