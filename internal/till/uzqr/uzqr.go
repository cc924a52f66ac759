// Package uzqr reads and writes the payload of the national QR of Uzbekistan: EMVCo's
// merchant-presented code with template 40 of qr-online.uz. Nothing official describes it in
// public; the layout was read off a printed code, whose checksum holds.
package uzqr

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/pay"
)

// domain names the scheme in its templates.
const domain = "qr-online.uz"

// Code is one payload. Amount 0: the buyer types it.
type Code struct {
	Dynamic  bool // for one payment; else the sticker of a shop
	ID       string
	Amount   pay.Tiyin
	Category string // MCC, four digits
	Name     string
	City     string
	Postcode string
	Phone    string
	Email    string
}

// field is a tag of two digits and a value of at most 99 bytes.
type field struct{ tag, value string }

// Encode writes the payload, checksum included.
func (c Code) Encode() (string, error) {
	if c.ID == "" {
		return "", errors.New("uzqr: a code needs the id of a merchant or an invoice")
	}
	if len(c.Category) != 4 || strings.Trim(c.Category, "0123456789") != "" {
		return "", errors.New("uzqr: the category must be four digits")
	}
	if c.Amount < 0 || c.Amount > pay.MaxAmount {
		return "", errors.New("uzqr: the amount is out of range")
	}
	kind := "11"
	if c.Dynamic {
		kind = "12"
	}
	account, err := join(field{"00", domain}, field{"01", c.ID})
	if err != nil {
		return "", err
	}
	fields := []field{{"00", "01"}, {"01", kind}, {"40", account}, {"52", c.Category}, {"53", "860"}}
	if c.Amount > 0 {
		fields = append(fields, field{"54", c.Amount.Soum()})
	}
	fields = append(fields, field{"58", "UZ"}, field{"59", c.Name}, field{"60", c.City}, field{"61", c.Postcode})
	language, err := join(field{"00", "uz"}, field{"01", c.Name})
	if err != nil {
		return "", err
	}
	if c.Name != "" {
		fields = append(fields, field{"64", language})
	}
	if c.Phone != "" || c.Email != "" {
		contact, err := join(field{"00", domain}, field{"03", c.Phone}, field{"04", c.Email})
		if err != nil {
			return "", err
		}
		fields = append(fields, field{"80", contact})
	}
	text, err := join(fields...)
	if err != nil {
		return "", err
	}
	text += "6304"
	return text + fmt.Sprintf("%04X", checksum(text)), nil
}

// join writes fields one after another, and leaves out the empty ones.
func join(fields ...field) (string, error) {
	var b strings.Builder
	for _, f := range fields {
		if f.value == "" {
			continue
		}
		if len(f.value) > 99 || !utf8.ValidString(f.value) || strings.ContainsFunc(f.value, func(r rune) bool { return r < ' ' }) {
			return "", fmt.Errorf("uzqr: field %s must be at most 99 bytes of plain text", f.tag)
		}
		fmt.Fprintf(&b, "%s%02d%s", f.tag, len(f.value), f.value)
	}
	return b.String(), nil
}

// The faults of a payload.
var (
	ErrForm     = errors.New("uzqr: this is no payload of fields")
	ErrChecksum = errors.New("uzqr: the checksum does not hold")
	ErrOther    = errors.New("uzqr: this is another scheme's code")
)

// maxPayload is far above the longest that a QR shows.
const maxPayload = 1200

// Decode reads a payload and checks its checksum. Fields that it does not know are passed over.
func Decode(text string) (c Code, err error) {
	text = strings.TrimSpace(text)
	if len(text) > maxPayload || len(text) < 12 {
		return c, ErrForm
	}
	head, sum := text[:len(text)-4], text[len(text)-4:]
	if !strings.HasSuffix(head, "6304") {
		return c, ErrForm
	}
	if want, err := strconv.ParseUint(sum, 16, 16); err != nil || uint16(want) != checksum(head) {
		return c, ErrChecksum
	}
	fields, err := split(head[:len(head)-4])
	if err != nil {
		return c, err
	}
	account, err := split(fields["40"])
	if err != nil {
		return c, err
	}
	if fields["00"] != "01" || !strings.EqualFold(account["00"], domain) || account["01"] == "" || fields["53"] != "860" {
		return c, ErrOther
	}
	contact, err := split(fields["80"])
	if err != nil {
		return c, err
	}
	c = Code{
		Dynamic: fields["01"] == "12", ID: account["01"], Category: fields["52"], Name: fields["59"], City: fields["60"],
		Postcode: fields["61"], Phone: contact["03"], Email: contact["04"],
	}
	if a, given := fields["54"]; given {
		if c.Amount, err = pay.ParseSoum(a); err != nil || c.Amount > pay.MaxAmount {
			return Code{}, ErrForm
		}
	}
	return c, nil
}

// split reads fields; each may stand once.
func split(text string) (map[string]string, error) {
	out := map[string]string{}
	for len(text) > 0 {
		if len(text) < 4 {
			return nil, ErrForm
		}
		n, err := strconv.Atoi(text[2:4])
		if err != nil || strings.Trim(text[:4], "0123456789") != "" || len(text) < 4+n {
			return nil, ErrForm
		}
		if _, twice := out[text[:2]]; twice {
			return nil, ErrForm
		}
		out[text[:2]] = text[4 : 4+n]
		text = text[4+n:]
	}
	return out, nil
}

// checksum is CRC-16/CCITT-FALSE.
func checksum(text string) uint16 {
	crc := uint16(0xffff)
	for i := range len(text) {
		crc ^= uint16(text[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
