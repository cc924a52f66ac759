// Package words holds the sentences that people read, each in Uzbek (Latin), Russian and
// English. It is a leaf: anything may import it, and it imports none of us.
//
// A sentence is a Text, written with its three languages in a row and no field names, so that
// one that lacks a language does not compile; a test refuses an empty one, and one whose verbs
// differ between languages. In Uzbek oʻ and gʻ carry U+02BB, and the apostrophe is U+02BC.
package words

import (
	"fmt"
	"strings"
)

// Lang is one of the three languages. The zero value is Uzbek.
type Lang string

// The languages.
const (
	UZ Lang = "uz"
	RU Lang = "ru"
	EN Lang = "en"
)

// Langs are all of them, in the order of the switch.
var Langs = []Lang{UZ, RU, EN}

// Name is how the language's own speakers call it.
func (l Lang) Name() string { return langNames.In(l) }

var langNames = Text{"Oʻzbekcha", "Русский", "English"}

// Text is one sentence in every language. The API shows some of them (why a card did not pay).
type Text struct {
	UZ string `json:"uz"`
	RU string `json:"ru"`
	EN string `json:"en"`
}

// In is the sentence in l; in Uzbek where l is none of ours.
func (t Text) In(l Lang) string {
	switch l {
	case RU:
		return t.RU
	case EN:
		return t.EN
	}
	return t.UZ
}

// With is the sentence in l with its gaps filled, as fmt.Sprintf does.
func (t Text) With(l Lang, args ...any) string { return fmt.Sprintf(t.In(l), args...) }

// Choose returns the first of the wishes that names one of our languages, else Uzbek. A wish is
// a code such as "ru", or a whole Accept-Language header, whose order counts and whose weights
// do not: browsers write them in falling order.
func Choose(wishes ...string) Lang {
	for _, wish := range wishes {
		for item := range strings.SplitSeq(wish[:min(len(wish), 200)], ",") {
			code, _, _ := strings.Cut(item, ";")
			code, _, _ = strings.Cut(strings.TrimSpace(code), "-")
			switch l := Lang(strings.ToLower(code)); l {
			case UZ, RU, EN:
				return l
			}
		}
	}
	return UZ
}

// Soum is the currency's name.
var Soum = Text{"soʻm", "сум", "soum"}

// Months are the short names of the months, January first, as they stand in a date.
var Months = [12]Text{
	{"yan", "янв", "Jan"}, {"fev", "фев", "Feb"}, {"mar", "мар", "Mar"}, {"apr", "апр", "Apr"},
	{"may", "мая", "May"}, {"iyn", "июн", "Jun"}, {"iyl", "июл", "Jul"}, {"avg", "авг", "Aug"},
	{"sen", "сен", "Sep"}, {"okt", "окт", "Oct"}, {"noy", "ноя", "Nov"}, {"dek", "дек", "Dec"},
}
