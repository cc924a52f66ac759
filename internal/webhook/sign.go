// Package webhook signs a message to an app, sends it once, and refuses to send it where an
// app's server cannot be: to the gateway's own machine and network.
//
// It keeps no state and repeats nothing. When to try again is the outbox's matter.
package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers that carry the signatures. The first is the founding document's; the others are
// those of Standard Webhooks.
const (
	HeaderSignature = "X-Payment-Signature" // sha256=<hex of HMAC-SHA256 over the body>
	HeaderID        = "Webhook-Id"          // equal over the retries of one event
	HeaderTimestamp = "Webhook-Timestamp"   // seconds since 1970, of this try
	HeaderTrio      = "Webhook-Signature"   // v1,<base64 of HMAC-SHA256 over id.timestamp.body>, by each secret
)

const (
	secretPrefix   = "whsec_"
	scheme         = "sha256="
	trioVersion    = "v1,"
	maxSecrets     = 8
	maxSignatures  = 32 // more in one header than anybody rotates: not worth the arithmetic
	maxHeaderValue = 4096
)

// Secrets are the keys of WEBHOOK_SIGNING_SECRET, in its order. The zero value signs nothing.
type Secrets struct {
	keys []secret
}

type secret struct {
	text []byte // as it stands: the key of X-Payment-Signature
	key  []byte // the key of webhook-signature: text, or the bytes in base64 after whsec_
}

// ParseSecrets reads WEBHOOK_SIGNING_SECRET: one secret, or several with commas between while
// they are rotated. An error names the place in the list, never the secret.
func ParseSecrets(text string) (Secrets, error) {
	var s Secrets
	for i, item := range strings.Split(text, ",") {
		one, err := parseSecret(strings.TrimSpace(item))
		if err != nil {
			return Secrets{}, fmt.Errorf("webhook secret %d: %w", i+1, err)
		}
		if s.keys = append(s.keys, one); len(s.keys) > maxSecrets {
			return Secrets{}, fmt.Errorf("more than %d webhook secrets", maxSecrets)
		}
	}
	return s, nil
}

func parseSecret(text string) (secret, error) {
	if text == "" {
		return secret{}, errors.New("it is empty")
	}
	encoded, marked := strings.CutPrefix(text, secretPrefix)
	if !marked {
		return secret{text: []byte(text), key: []byte(text)}, nil
	}
	// Standard padded base64 and nothing else, since that is what the receivers' libraries read.
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return secret{}, errors.New("what follows whsec_ is not base64")
	}
	return secret{text: []byte(text), key: key}, nil
}

// NewSecret returns a fresh secret of 32 random bytes, as whsec_ and base64.
func NewSecret() string {
	var raw [32]byte
	rand.Read(raw[:]) // never fails: it stops the program instead
	return secretPrefix + base64.StdEncoding.EncodeToString(raw[:])
}

// String keeps the secrets out of logs.
func (s Secrets) String() string             { return fmt.Sprintf("%d webhook secrets", len(s.keys)) }
func (s Secrets) GoString() string           { return s.String() }
func (s Secrets) LogValue() slog.Value       { return slog.StringValue(s.String()) }
func (s Secrets) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// Sign returns the headers of one try to deliver body: its type and its signatures. The first
// secret signs X-Payment-Signature with its whole text; all of them sign webhook-signature, so
// that a receiver may hold the old or the new one. id is the event's and equal over its tries;
// at is the time of this one.
func Sign(secrets Secrets, id string, at time.Time, body []byte) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	if len(secrets.keys) == 0 {
		return h
	}
	h.Set(HeaderSignature, scheme+hex.EncodeToString(digest(secrets.keys[0].text, body)))
	stamp := strconv.FormatInt(at.Unix(), 10)
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, stamp)
	all := make([]string, len(secrets.keys))
	for i, s := range secrets.keys {
		all[i] = trioVersion + base64.StdEncoding.EncodeToString(trioDigest(s.key, id, stamp, body))
	}
	h.Set(HeaderTrio, strings.Join(all, " "))
	return h
}

// What Verify and Fresh say.
var (
	ErrUnsigned  = errors.New("the message carries no signature")
	ErrSignature = errors.New("the signature does not hold")
	ErrStale     = errors.New("the message's timestamp is more than five minutes off")
)

// Verify checks the signatures of a message as it was received: header, and the body's bytes
// unchanged. secret is what the receiver holds: one secret, or several with commas between.
// Each scheme that is present must hold under one of them, and one must be present.
//
// It does not look at the time: a message that was recorded and sent again verifies. Fresh, and
// keeping the ids that were seen, are for that.
func Verify(secret string, header http.Header, body []byte) error {
	secrets, err := ParseSecrets(secret)
	if err != nil {
		return err
	}
	founding, trio := header.Get(HeaderSignature), header.Get(HeaderTrio)
	if founding == "" && trio == "" {
		return ErrUnsigned
	}
	if founding != "" && !secrets.holdsFounding(founding, body) {
		return ErrSignature
	}
	if trio != "" && !secrets.holdsTrio(trio, header.Get(HeaderID), header.Get(HeaderTimestamp), body) {
		return ErrSignature
	}
	return nil
}

func (s Secrets) holdsFounding(value string, body []byte) bool {
	encoded, ok := strings.CutPrefix(value, scheme)
	given, err := hex.DecodeString(encoded)
	if !ok || err != nil {
		return false
	}
	holds := 0
	for _, k := range s.keys {
		holds |= subtle.ConstantTimeCompare(given, digest(k.text, body))
	}
	return holds == 1
}

func (s Secrets) holdsTrio(value, id, stamp string, body []byte) bool {
	if id == "" || stamp == "" || len(value) > maxHeaderValue {
		return false
	}
	holds := 0
	for i, item := range strings.Fields(value) {
		encoded, ok := strings.CutPrefix(item, trioVersion)
		given, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || i >= maxSignatures {
			continue // another version of the scheme, which a newer sender may add
		}
		for _, k := range s.keys {
			holds |= subtle.ConstantTimeCompare(given, trioDigest(k.key, id, stamp, body))
		}
	}
	return holds == 1
}

// Fresh checks that the message was signed within five minutes of now, on either side.
// The founding signature has no time in it: a message that carries only that is ErrUnsigned.
func Fresh(header http.Header, now time.Time) error {
	stamp, err := strconv.ParseInt(header.Get(HeaderTimestamp), 10, 64)
	if err != nil || header.Get(HeaderTrio) == "" {
		return ErrUnsigned
	}
	const tolerance = 5 * 60
	if off := now.Unix() - stamp; off > tolerance || off < -tolerance {
		return ErrStale
	}
	return nil
}

func digest(key, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return mac.Sum(nil)
}

func trioDigest(key []byte, id, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}
