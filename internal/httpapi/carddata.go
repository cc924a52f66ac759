package httpapi

import "github.com/chorsu/chorsu/internal/pay"

// Card numbers. With ACCEPT_CARD_DATA off none may come in at all: not in a field that is made
// for one, and not by mistake in a text that will be stored, shown to staff, or sent to a
// provider. What is refused is not repeated in the answer, and requests' bodies are never logged.

// refuseCard is the check of a field that holds a card number.
func (s *server) refuseCard(f *faults, path string, n *node) {
	if s.o.AcceptCardData {
		return
	}
	f.card = true
	f.add(path, "is not allowed: this gateway does not accept card data (ACCEPT_CARD_DATA)")
}

// scanText is the check of a free text. Ids, MXIK, package codes and marks are no free text: a
// 17-digit code that holds a number like a card's is nobody's card.
func (s *server) scanText(f *faults, path string, n *node) {
	if n.kind == '"' && !s.o.AcceptCardData && hasCardNumber(n.text) {
		f.card = true
		f.add(path, "must not contain a card number: this gateway does not accept card data (ACCEPT_CARD_DATA)")
	}
}

// scanKept is scanText for what is kept and passed on as it is: no setting lets a number in.
func (s *server) scanKept(f *faults, path string, n *node) {
	if n.kind == '"' && hasCardNumber(n.text) {
		f.card = true
		f.add(path, "must not contain a card number: use the card's token at the provider")
	}
}

// scanTexts is scanText for a map of texts, names included.
func (s *server) scanTexts(f *faults, path string, n *node) {
	for i, name := range n.names {
		if !s.o.AcceptCardData && hasCardNumber(name) {
			path, n := join(path, "…"), &node{kind: '"', text: name}
			s.scanText(f, path, n)
			continue
		}
		s.scanText(f, join(path, name), n.items[i])
	}
}

// hasCardNumber says whether 16 digits with a right check digit (Luhn) stand in text by
// themselves, also in groups parted by single spaces or hyphens, as people copy them.
func hasCardNumber(text string) bool {
	var digits []byte // of the groups read so far that only single gaps part
	var starts []int  // where each group begins in digits
	for i := range len(text) {
		c := text[i]
		if !isDigit(c) {
			if gap := (c == ' ' || c == '-') && i > 0 && isDigit(text[i-1]); !gap {
				digits, starts = digits[:0], starts[:0]
			}
			continue
		}
		if i == 0 || !isDigit(text[i-1]) {
			starts = append(starts, len(digits))
		}
		digits = append(digits, c)
		if i+1 < len(text) && isDigit(text[i+1]) {
			continue
		}
		for _, from := range starts { // a group ends here
			if len(digits)-from == 16 && pay.Luhn(digits[from:]) {
				return true
			}
		}
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
