// Package id makes the names of things: UUIDv7 for rows, and pay numbers for people to type.
package id

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/google/uuid"
)

// New returns a UUIDv7 in its canonical text: 36 lower-case characters. Ids made later sort
// later, to the millisecond and, within one process, below it. It panics where the operating
// system has no randomness to give, since nothing can go on then.
func New() string {
	return uuid.Must(uuid.NewV7()).String()
}

// Valid says whether text is a UUID of any version in its canonical, lower-case form. Braces,
// the urn: prefix, capitals and missing hyphens, which uuid.Parse would take, are not: one row
// has one name.
func Valid(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c < '0' || c > '9' && c < 'a' || c > 'f':
			return false
		}
	}
	return true
}

// payDigits is the length of a pay number, with its check digit.
const payDigits = 10

// NewPayNumber returns the digits by which a person names an invoice in a payment app: ten of
// them, the first not 0 (a form that takes a number would swallow it), the last a check digit.
// The other nine are random: 900,000,000 numbers, so they are not secret, and whoever stores
// one must be ready to draw again when it is taken.
//
// The check digit is Damm's. It catches every single wrong digit and every swap of two
// neighbours; Luhn's would let 09 pass for 90.
func NewPayNumber() string {
	const first, count = 100_000_000, 900_000_000
	// Drawing again above the largest multiple of count keeps all numbers equally likely.
	const limit = (1<<32)/count*count - 1
	var raw [4]byte
	for {
		rand.Read(raw[:]) // never fails: it stops the program instead
		if n := binary.BigEndian.Uint32(raw[:]); n <= limit {
			return withCheckDigit(first + n%count)
		}
	}
}

// ValidPayNumber says whether text has the form of a pay number and its check digit holds.
func ValidPayNumber(text string) bool {
	if len(text) != payDigits || text[0] == '0' {
		return false
	}
	interim := byte(0)
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
		interim = damm[interim][text[i]-'0']
	}
	return interim == 0
}

// withCheckDigit writes nine digits and the one that brings Damm's sum to zero.
func withCheckDigit(n uint32) string {
	var text [payDigits]byte
	for i := payDigits - 2; i >= 0; i-- {
		text[i] = byte(n % 10)
		n /= 10
	}
	interim := byte(0)
	for i, digit := range text[:payDigits-1] {
		interim = damm[interim][digit]
		text[i] = '0' + digit
	}
	text[payDigits-1] = '0' + interim // the table's diagonal is zero: any sum followed by itself is 0
	return string(text[:])
}

// damm is the totally anti-symmetric quasigroup of H. Michael Damm's dissertation (2004).
var damm = [10][10]byte{
	{0, 3, 1, 7, 5, 9, 8, 6, 4, 2},
	{7, 0, 9, 2, 1, 5, 4, 8, 6, 3},
	{4, 2, 0, 6, 8, 7, 1, 3, 5, 9},
	{1, 7, 5, 0, 9, 8, 3, 4, 2, 6},
	{6, 1, 2, 3, 0, 4, 5, 9, 7, 8},
	{3, 6, 7, 4, 2, 0, 9, 5, 8, 1},
	{5, 8, 6, 9, 7, 2, 0, 1, 3, 4},
	{8, 9, 4, 5, 3, 6, 2, 0, 1, 7},
	{9, 4, 3, 8, 6, 1, 7, 2, 0, 5},
	{2, 5, 8, 1, 4, 3, 6, 7, 9, 0},
}
