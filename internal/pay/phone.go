package pay

import (
	"maps"
	"slices"
	"strings"
)

// phoneCodes are the first two of the nine digits of an Uzbek telephone number, of mobile
// networks and of towns.
const phoneCodes = " 20 33 50 55 61 62 65 66 67 69 70 71 72 73 74 75 76 77 78 79 80 87 88 90 91 93 94 95 97 98 99 "

// Phone reads an Uzbek telephone number as people write it ("+998 90 123-45-67", "998901234567",
// "(90) 123 45 67") and returns its nine digits after the country's code.
func Phone(text string) (nine string, ok bool) {
	if len(text) > 40 {
		return "", false
	}
	digits := make([]byte, 0, 12)
	for i, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, byte(r))
		case r == '+' && i == 0, strings.ContainsRune(" -().\u00a0", r):
		default:
			return "", false
		}
	}
	nine = string(digits)
	if len(nine) == 12 {
		if nine, ok = strings.CutPrefix(nine, "998"); !ok {
			return "", false
		}
	} else if strings.HasPrefix(text, "+") {
		return "", false
	}
	if len(nine) != 9 || !strings.Contains(phoneCodes, " "+nine[:2]+" ") {
		return "", false
	}
	return nine, true
}

// phonesMost is how many telephone numbers of one invoice are kept apart.
const phonesMost = 3

// PhonesIn are the telephone numbers in an invoice's metadata, nine digits each: what is written
// with the country's code, and what stands under a name that says phone or tel.
func PhonesIn(metadata map[string]string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		value, name := strings.TrimSpace(metadata[key]), strings.ToLower(key)
		named := strings.Contains(name, "phone") || strings.Contains(name, "tel")
		nine, ok := Phone(value)
		if ok && (named || strings.HasPrefix(strings.TrimPrefix(value, "+"), "998")) && !slices.Contains(out, nine) && len(out) < phonesMost {
			out = append(out, nine)
		}
	}
	return out
}
