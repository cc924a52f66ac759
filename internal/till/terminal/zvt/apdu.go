package zvt

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/chorsu/chorsu/internal/pay"
)

// apdu is one message of the wire: class, instruction, data.
type apdu struct {
	class, instr byte
	data         []byte
}

func (a apdu) is(class, instr byte) bool { return a.class == class && a.instr == instr }

// bytes frames it: the length is one byte up to 254, else FF and two bytes, the low one first.
func (a apdu) bytes() []byte {
	out := []byte{a.class, a.instr}
	if n := len(a.data); n < 0xff {
		out = append(out, byte(n))
	} else {
		out = append(out, 0xff, byte(n), byte(n>>8))
	}
	return append(out, a.data...)
}

// readAPDU reads one, in however many pieces it arrives.
func readAPDU(r io.Reader) (apdu, error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return apdu{}, err
	}
	n := int(head[2])
	if head[2] == 0xff {
		var long [2]byte
		if _, err := io.ReadFull(r, long[:]); err != nil {
			return apdu{}, err
		}
		n = int(binary.LittleEndian.Uint16(long[:]))
	}
	a := apdu{class: head[0], instr: head[1], data: make([]byte, n)}
	_, err := io.ReadFull(r, a.data)
	return a, err
}

// The commands of ours. Password and configuration are the defaults of the wire.
var (
	ack       = []byte{0x80, 0x00, 0x00}
	notForUs  = []byte{0x84, 0x83, 0x00} // a command that we do not know
	password  = []byte{0x00, 0x00, 0x00}
	weHandle  = byte(0x9e) // we print, want intermediate states, and drive payments
	closing   = apdu{0x06, 0x50, password}
	enquiry   = apdu{0x05, 0x01, password}
	abort     = apdu{0x06, 0xb0, nil}
	repeat    = apdu{0x06, 0x20, append(bytes.Clone(password), 0x03, 0x03)} // the last status again, print nothing
	errFormat = errors.New("zvt: the message is not well-formed")
)

func registration(currency []byte) apdu {
	return apdu{0x06, 0x00, append(append(bytes.Clone(password), weHandle), currency...)}
}

// payment is 06 01 (sale): amount and currency.
func payment(amount pay.Tiyin, currency []byte) apdu {
	return apdu{0x06, 0x01, moneyFields(nil, amount, currency)}
}

// reversal is 06 30: it undoes the transaction of a receipt.
func reversal(receipt []byte, amount pay.Tiyin, currency []byte) apdu {
	return apdu{0x06, 0x30, moneyFields(append(append(bytes.Clone(password), 0x87), receipt...), amount, currency)}
}

// refund is 06 31: it gives back to the card that is presented.
func refund(amount pay.Tiyin, currency []byte) apdu {
	return apdu{0x06, 0x31, moneyFields(bytes.Clone(password), amount, currency)}
}

func moneyFields(data []byte, amount pay.Tiyin, currency []byte) []byte {
	data = append(append(data, 0x04), bcd(fmt.Sprintf("%012d", amount))...)
	return append(append(data, 0x49), currency...)
}

// bcd packs an even number of digits.
func bcd(digits string) []byte {
	out, _ := hex.DecodeString(digits) // decimal digits are hexadecimal ones
	return out
}

// unBCD is the digits of packed ones; "" where there is another nibble.
func unBCD(b []byte) string {
	s := hex.EncodeToString(b)
	if strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// status is what 04 0F says.
type status struct {
	result                    byte
	hasResult                 bool
	amount                    pay.Tiyin
	trace, receipt            string
	terminalID, pan, auth     string
	text, cardName, longTrace string
	date, clock               string // MMDD and hhmmss
}

// fixed are the fields of a fixed length.
var fixed = map[byte]int{
	0x27: 1, 0x04: 6, 0x0b: 3, 0x0c: 3, 0x0d: 2, 0x0e: 2, 0x17: 2, 0x19: 1, 0x29: 4, 0x2a: 15, 0x37: 3, 0x3a: 2, 0x3b: 8,
	0x49: 2, 0x87: 2, 0x88: 3, 0x8a: 1, 0x8c: 1, 0xa0: 1, 0xba: 5, 0xd0: 1,
}

// variable are those with two or three digits of length before them, F0 to F9 each.
var variable = map[byte]int{0x22: 2, 0x23: 2, 0x24: 3, 0x2d: 2, 0x2e: 3, 0x3c: 3, 0x60: 3, 0x8b: 2, 0x9a: 3, 0xaf: 3}

func parseStatus(data []byte) (s status, err error) {
	for len(data) > 0 {
		tag := data[0]
		var value []byte
		if value, data, err = take(tag, data[1:]); err != nil {
			return s, err
		}
		if err := s.set(tag, value); err != nil {
			return s, err
		}
	}
	return s, nil
}

// take cuts the value of tag off the front of rest.
func take(tag byte, rest []byte) (value, after []byte, err error) {
	n, ok := fixed[tag]
	switch digits := variable[tag]; {
	case ok:
	case digits > 0:
		if len(rest) < digits {
			return nil, nil, errFormat
		}
		for _, b := range rest[:digits] {
			if b < 0xf0 || b > 0xf9 {
				return nil, nil, errFormat
			}
			n = n*10 + int(b&0x0f)
		}
		rest = rest[digits:]
	case tag == 0x06:
		if n, rest, err = tlvLength(rest); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, fmt.Errorf("zvt: field %02X is not known", tag)
	}
	if len(rest) < n {
		return nil, nil, errFormat
	}
	return rest[:n], rest[n:], nil
}

func tlvLength(b []byte) (n int, rest []byte, err error) {
	switch {
	case len(b) >= 1 && b[0] < 0x80:
		return int(b[0]), b[1:], nil
	case len(b) >= 2 && b[0] == 0x81:
		return int(b[1]), b[2:], nil
	case len(b) >= 3 && b[0] == 0x82:
		return int(b[1])<<8 | int(b[2]), b[3:], nil
	}
	return 0, nil, errFormat
}

func (s *status) set(tag byte, v []byte) error {
	switch tag {
	case 0x27:
		s.result, s.hasResult = v[0], true
	case 0x04:
		digits := unBCD(v)
		if digits == "" {
			return errFormat
		}
		for i := range len(digits) {
			s.amount = s.amount*10 + pay.Tiyin(digits[i]-'0')
		}
	case 0x0b:
		s.trace = unBCD(v)
	case 0x0c:
		s.clock = unBCD(v)
	case 0x0d:
		s.date = unBCD(v)
	case 0x22:
		s.pan = maskedPAN(v)
	case 0x29:
		s.terminalID = unBCD(v)
	case 0x3b:
		s.auth = strings.Trim(printable(v), " \x00")
	case 0x3c:
		s.text = printable(v)
	case 0x87:
		s.receipt = unBCD(v)
	case 0x8b:
		s.cardName = printable(v)
	case 0x06:
		s.longTrace = longTrace(v)
	}
	return nil
}

// maskedPAN reads packed digits, E for a masked one, F for the filling at the end.
func maskedPAN(v []byte) string {
	var b strings.Builder
	for _, c := range v {
		for _, n := range []byte{c >> 4, c & 0x0f} {
			switch {
			case n <= 9:
				b.WriteByte('0' + n)
			case n == 0x0e:
				b.WriteByte('*')
			}
		}
	}
	return b.String()
}

// longTrace finds tag 1F2B in the TLV container: the trace number where three bytes are too few.
func longTrace(b []byte) string {
	for len(b) > 0 {
		tag := []byte{b[0]}
		b = b[1:]
		if tag[0]&0x1f == 0x1f {
			for {
				if len(b) == 0 {
					return ""
				}
				tag, b = append(tag, b[0]), b[1:]
				if tag[len(tag)-1]&0x80 == 0 {
					break
				}
			}
		}
		n, rest, err := tlvLength(b)
		if err != nil || len(rest) < n {
			return ""
		}
		if bytes.Equal(tag, []byte{0x1f, 0x2b}) {
			return unBCD(rest[:n])
		}
		b = rest[n:]
	}
	return ""
}

func printable(v []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, string(v))
}

// codes says a result of the wire in the three digits that a till shows.
var codes = map[byte]string{
	0x00: "000", 0x05: "100", 0x51: "116", 0x54: "101", 0x55: "117", 0x61: "121", 0x64: "987", 0x65: "987", 0x66: "987",
	0x6c: "992", 0x6f: "904", 0x78: "101", 0x83: "902", 0xb4: "218", 0xb5: "302", 0xb7: "235", 0xb8: "914",
}

func codeOf(result byte) string {
	if c, ok := codes[result]; ok {
		return c
	}
	return "100"
}
