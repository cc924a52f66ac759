package inbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// tolerance is how far a webhook's timestamp may be from the receiver's clock: what the
// Standard Webhooks libraries allow.
const tolerance = 5 * time.Minute

// Verify says what is wrong with a webhook's signatures: nothing, where both schemes hold
// under one of the secrets. body is what was received, byte for byte.
func Verify(secrets []string, h http.Header, body []byte, now time.Time) (problems []string) {
	if len(secrets) == 0 {
		return []string{"no WEBHOOK_SIGNING_SECRET is known here, so nothing can be verified"}
	}
	if !paymentSignature(secrets, h.Get("X-Payment-Signature"), body) {
		problems = append(problems, "X-Payment-Signature does not hold")
	}
	return append(problems, standardWebhook(secrets, h, body, now)...)
}

// paymentSignature checks the founding scheme: sha256= and the hex HMAC of the raw body under
// the secret's whole text.
func paymentSignature(secrets []string, header string, body []byte) bool {
	sum, ok := strings.CutPrefix(header, "sha256=")
	got, err := hex.DecodeString(sum)
	if !ok || err != nil {
		return false
	}
	for _, s := range secrets {
		if hmac.Equal(got, mac([]byte(s), body)) {
			return true
		}
	}
	return false
}

// standardWebhook checks the scheme of standardwebhooks.com: v1, and the base64 HMAC of
// id.timestamp.body, under the bytes that follow whsec_ in base64, or those of the text.
func standardWebhook(secrets []string, h http.Header, body []byte, now time.Time) (problems []string) {
	id, stamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	sent, err := strconv.ParseInt(stamp, 10, 64)
	switch {
	case id == "":
		problems = append(problems, "webhook-id is missing")
	case id != h.Get("X-Payment-Event-Id"):
		problems = append(problems, "webhook-id and X-Payment-Event-Id differ")
	}
	if err != nil {
		problems = append(problems, "webhook-timestamp is not a number of seconds")
	} else if age := now.Sub(time.Unix(sent, 0)); age > tolerance || age < -tolerance {
		problems = append(problems, "webhook-timestamp is more than 5 minutes from this clock")
	}
	signed := append([]byte(id+"."+stamp+"."), body...)
	for _, part := range strings.Fields(h.Get("webhook-signature")) {
		text, ok := strings.CutPrefix(part, "v1,")
		got, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil {
			continue
		}
		for _, s := range secrets {
			if hmac.Equal(got, mac(standardKey(s), signed)) {
				return problems
			}
		}
	}
	return append(problems, "webhook-signature does not hold")
}

func standardKey(secret string) []byte {
	if rest, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if key, err := base64.StdEncoding.DecodeString(rest); err == nil {
			return key
		}
	}
	return []byte(secret)
}

func mac(key, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(body)
	return m.Sum(nil)
}
