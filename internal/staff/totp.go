package staff

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// The authenticator: TOTP as every app reads it, six digits of SHA-1 each 30 seconds. A phone's
// clock may be one step off.
const (
	totpPeriod = 30
	totpSkew   = 1
)

var secretText = base32.StdEncoding.WithPadding(base32.NoPadding)

// newSecret is 160 random bits, in the letters that people type where they cannot scan.
func newSecret() []byte {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw) // it never fails
	return []byte(secretText.EncodeToString(raw))
}

// checkTOTP gives the step whose code this is, if it is one that counts now and lies behind the
// one that was used last: a code is good once, and an older one is not good after it.
func checkTOTP(secret, code string, used int64, now time.Time) (step int64, ok bool) {
	present := now.Unix() / totpPeriod
	for s := present - totpSkew; s <= present+totpSkew; s++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(s), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, false
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && s > used {
			step, ok = s, true
		}
	}
	return step, ok
}

// totpURI is what the QR holds.
func totpURI(secret, email, issuer string) string {
	label := url.PathEscape(issuer + ":" + email)
	return "otpauth://totp/" + label + "?" + url.Values{"secret": {secret}, "issuer": {issuer}}.Encode()
}

// Recovery codes stand in for a phone that is lost: ten, each good once, 80 random bits.
const recoveryCodes = 10

func newRecovery() (codes, hashes []string) {
	for range recoveryCodes {
		raw := make([]byte, 10)
		_, _ = rand.Read(raw) // it never fails
		text := secretText.EncodeToString(raw)
		codes = append(codes, text[:4]+"-"+text[4:8]+"-"+text[8:12]+"-"+text[12:])
		hashes = append(hashes, hashToken(text))
	}
	return codes, hashes
}

// useRecovery takes a code out of those that are left. It is read as people type it: any case,
// with or without the hyphens.
func useRecovery(hashes []string, code string) (left []string, ok bool) {
	text := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
	if len(text) != 16 {
		return hashes, false
	}
	want := hashToken(text)
	for _, h := range hashes {
		if subtle.ConstantTimeCompare([]byte(h), []byte(want)) == 1 {
			ok = true
			continue
		}
		left = append(left, h)
	}
	return left, ok
}

// digits is a code as people type it: spaces and the like are dropped.
func digits(code string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, code)
}
