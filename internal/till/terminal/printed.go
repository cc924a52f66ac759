package terminal

import "regexp"

// What a slip tells beside its text, on wires that carry the text and no fields. "" where it does not.
// The layouts are HUMO's and UzCard's.

// RRNOn is the bank's number of the operation.
func RRNOn(slip string) string { return first(rrnIn, slip) }

// ReceiptOn is the slip's own number, up to 6 digits, as it is printed.
func ReceiptOn(slip string) string { return first(receiptIn, slip) }

// TerminalOn is the terminal's number.
func TerminalOn(slip string) string { return first(terminalIn, slip) }

var (
	rrnIn      = regexp.MustCompile(`RRN\s*(?:\(ссылка\))?\s*:?\s*(\d{6,20})`)
	receiptIn  = regexp.MustCompile(`(?:Чек|Номер операции:|Invoice:)\s+(\d{1,6})\b`)
	terminalIn = regexp.MustCompile(`(?:ID Терм(?:инала|\.)|Терминал|TID):\s*(\d{4,16})`)
)

func first(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}
