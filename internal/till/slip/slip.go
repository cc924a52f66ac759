// Package slip makes what a receipt printer prints: text of 32 columns, and the ESC/POS bytes of
// it in the printer's code page.
package slip

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Width is how many characters a line of ours holds: what a 58 mm printer has.
const Width = 32

// Line is a label and a value. With an empty Value it is a heading.
type Line struct{ Label, Value string }

// Slip is one paper. Copy says for whom: it is the last line.
type Slip struct {
	Shop  []string // centred, at the top
	Lines []Line
	Loud  string // what must not be overlooked, "" for nothing
	Copy  string
}

// Text lays the slip out, lines ended by \n.
func (s Slip) Text() string {
	var b strings.Builder
	for _, l := range s.Shop {
		middle(&b, l)
	}
	if len(s.Shop)+len(s.Lines) > 0 {
		rule(&b)
	}
	for _, l := range s.Lines {
		switch gap := Width - utf8.RuneCountInString(l.Label) - utf8.RuneCountInString(l.Value); {
		case l.Value == "":
			middle(&b, l.Label)
		case gap >= 1:
			b.WriteString(l.Label + strings.Repeat(" ", gap) + l.Value + "\n")
		default:
			b.WriteString(l.Label + "\n" + strings.Repeat(" ", max(0, Width-utf8.RuneCountInString(l.Value))) + l.Value + "\n")
		}
	}
	if s.Loud != "" {
		rule(&b)
		for _, l := range strings.Split(s.Loud, "\n") {
			middle(&b, l)
		}
	}
	rule(&b)
	if s.Copy != "" {
		middle(&b, s.Copy)
	}
	return b.String()
}

func middle(b *strings.Builder, s string) {
	b.WriteString(strings.Repeat(" ", max(0, (Width-utf8.RuneCountInString(s))/2)) + s + "\n")
}

func rule(b *strings.Builder) { b.WriteString(strings.Repeat("-", Width) + "\n") }

// ─── ESC/POS ───────────────────────────────────────────────────────────────────────────────

// Charset is a printer's code page: how it is selected, and its letters.
type Charset struct {
	table byte // of ESC t
	set   *charmap.Charmap
}

// Charsets are those that printers in Uzbekistan have for Russian.
var Charsets = map[string]Charset{
	"cp866":  {17, charmap.CodePage866},
	"cp1251": {46, charmap.Windows1251},
}

// latin are the letters of Uzbek and the signs that no such code page has, and what is printed in
// their place.
var latin = strings.NewReplacer("ʻ", "'", "ʼ", "'", "’", "'", "‘", "'", "«", "\"", "»", "\"", "—", "-", "–", "-", "−", "-", "…", "...", "\u00a0", " ", "\u202f", " ")

// bytes encodes text; a letter that the page does not have is a question mark.
func (c Charset) bytes(text string) []byte {
	var out bytes.Buffer
	for _, r := range latin.Replace(text) {
		if b, ok := c.set.EncodeRune(r); ok && (b >= 0x20 || b == '\n') {
			out.WriteByte(b)
		} else {
			out.WriteByte('?')
		}
	}
	return out.Bytes()
}

// Escape makes the bytes for a printer: it is reset, its code page selected, the text printed, a
// QR below it where there is one, and the paper cut.
func Escape(text, qr string, c Charset) ([]byte, error) {
	if c.set == nil {
		return nil, errors.New("slip: there is no such code page")
	}
	if len(qr) > 1000 {
		return nil, errors.New("slip: the QR's text is too long")
	}
	out := []byte{0x1b, '@', 0x1b, 't', c.table}
	out = append(out, c.bytes(text)...)
	if qr != "" {
		out = append(out, square(qr)...)
	}
	return append(out, 0x1b, 'd', 4, 0x1d, 'V', 1), nil
}

// square is a QR drawn by the printer itself: model 2, six dots a module, correction M.
func square(text string) []byte {
	out := []byte{0x1b, 'a', 1}
	call := func(body ...byte) {
		n := len(body) + 1
		out = append(append(out, 0x1d, '(', 'k', byte(n), byte(n>>8), '1'), body...)
	}
	call('A', '2', 0)
	call('C', 6)
	call('E', '1')
	call(append([]byte{'P', '0'}, text...)...)
	call('Q', '0')
	return append(out, '\n', 0x1b, 'a', 0)
}
