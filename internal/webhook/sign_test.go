package webhook

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

var (
	at   = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	body = []byte(`{"id":"f6339f31-6a09-11f0-9a1b-00505680eaf6","status":"paid"}`)
)

func mustSecrets(t *testing.T, text string) Secrets {
	t.Helper()
	s, err := ParseSecrets(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The founding document's receiver computes HMAC-SHA256 over the raw body with the secret's
// whole text, whsec_ included. The values were computed with openssl.
func TestFoundingSignature(t *testing.T) {
	for secret, want := range map[string]string{
		"founding-secret":                                               foundingPlain,
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw":                        foundingMarked,
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,another-one-of-the-two": foundingMarked,
	} {
		h := Sign(mustSecrets(t, secret), "evt", at, body)
		if got := h.Get("X-Payment-Signature"); got != "sha256="+want {
			t.Errorf("%s: %s, want %s", secret, got, want)
		}
		if h.Get("Content-Type") != "application/json" {
			t.Errorf("Content-Type = %q", h.Get("Content-Type"))
		}
	}
}

// The published library verifies what is signed, under each of the secrets, whichever stands
// first, so that a receiver may hold the old or the new one while they are rotated.
func TestStandardWebhooksVerifies(t *testing.T) {
	const marked, plain = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a plain text with spaces"
	fromBase64, err := standardwebhooks.NewWebhook(marked)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := standardwebhooks.NewWebhookRaw([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now() // the library reads the clock itself
	for _, order := range []string{marked + "," + plain, plain + ", " + marked} {
		h := Sign(mustSecrets(t, order), "evt_1", now, body)
		for name, wh := range map[string]*standardwebhooks.Webhook{"whsec_": fromBase64, "plain": raw} {
			if err := wh.Verify(body, h); err != nil {
				t.Errorf("%s, %s: %v", order, name, err)
			}
			if err := wh.Verify(append(body, ' '), h); err == nil {
				t.Errorf("%s, %s: another body verifies", order, name)
			}
		}
	}
	made, err := standardwebhooks.NewWebhook(NewSecret())
	if err != nil {
		t.Fatalf("the library does not take a new secret: %v", err)
	}
	if err := made.Verify(body, Sign(mustSecrets(t, marked), "evt_1", now, body)); err == nil {
		t.Error("another secret verifies")
	}
}

// What their library signs, Verify takes: the two are not merely wrong in the same way.
func TestVerifiesStandardWebhooks(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	theirs, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := theirs.Sign("evt_1", at, body)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set("webhook-id", "evt_1")
	h.Set("webhook-timestamp", fmt.Sprint(at.Unix()))
	h.Set("webhook-signature", "v2,newer v1a,other "+signature)
	if err := Verify(secret, h, body); err != nil {
		t.Error(err)
	}
}

func TestVerify(t *testing.T) {
	const old, fresh = "the-old-secret-0001", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	signed := Sign(mustSecrets(t, old), "evt_1", at, body)
	change := func(f func(http.Header)) http.Header {
		h := signed.Clone()
		f(h)
		return h
	}
	for _, c := range []struct {
		name, secret string
		header       http.Header
		body         []byte
		want         error
	}{
		{"as sent", old, signed, body, nil},
		{"one of two secrets", fresh + "," + old, signed, body, nil},
		{"only the founding scheme", old, change(func(h http.Header) { h.Del(HeaderTrio) }), body, nil},
		{"only Standard Webhooks", old, change(func(h http.Header) { h.Del(HeaderSignature) }), body, nil},
		{"another secret", fresh, signed, body, ErrSignature},
		{"another body", old, signed, []byte(`{"status":"refunded"}`), ErrSignature},
		{"nothing", old, http.Header{}, body, ErrUnsigned},
		{"founding broken, trio right", old, change(func(h http.Header) { h.Set(HeaderSignature, "sha256=00") }), body, ErrSignature},
		{"founding without its scheme", old, change(func(h http.Header) {
			h.Set(HeaderSignature, strings.TrimPrefix(h.Get(HeaderSignature), "sha256="))
		}), body, ErrSignature},
		{"trio broken, founding right", old, change(func(h http.Header) { h.Set(HeaderTrio, "v1,AAAA") }), body, ErrSignature},
		{"another id", old, change(func(h http.Header) { h.Set(HeaderID, "evt_2") }), body, ErrSignature},
		{"another time", old, change(func(h http.Header) { h.Set(HeaderTimestamp, "1") }), body, ErrSignature},
		{"no time", old, change(func(h http.Header) { h.Del(HeaderTimestamp) }), body, ErrSignature},
		{"no id", old, change(func(h http.Header) { h.Del(HeaderID) }), body, ErrSignature},
		{"an endless list", old, change(func(h http.Header) { h.Set(HeaderTrio, strings.Repeat("v1,AAAA ", 10_000)) }), body, ErrSignature},
	} {
		if err := Verify(c.secret, c.header, c.body); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if err := Verify("", signed, body); err == nil {
		t.Error("no secret verifies")
	}
}

// Each secret that is rotated in signs as well, and the header stays short.
func TestRotation(t *testing.T) {
	secrets := []string{"first-secret-000001", NewSecret(), "third-secret-000003"}
	h := Sign(mustSecrets(t, strings.Join(secrets, ",")), "evt", at, body)
	for _, s := range secrets {
		trio := h.Clone()
		trio.Del(HeaderSignature)
		if err := Verify(s, trio, body); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	if n := len(strings.Fields(h.Get(HeaderTrio))); n != 3 {
		t.Errorf("%d signatures, want 3", n)
	}
}

func TestFresh(t *testing.T) {
	h := Sign(mustSecrets(t, "a-secret-for-tests"), "evt", at, body)
	for _, c := range []struct {
		off  time.Duration
		want error
	}{{0, nil}, {5 * time.Minute, nil}, {-5 * time.Minute, nil}, {5*time.Minute + time.Second, ErrStale}, {-5*time.Minute - time.Second, ErrStale}} {
		if err := Fresh(h, at.Add(c.off)); !errors.Is(err, c.want) {
			t.Errorf("%v off: %v, want %v", c.off, err, c.want)
		}
	}
	founding := h.Clone()
	founding.Del(HeaderTrio)
	if err := Fresh(founding, at); !errors.Is(err, ErrUnsigned) {
		t.Errorf("without the signature that covers the time: %v", err)
	}
	h.Set(HeaderTimestamp, "soon")
	if err := Fresh(h, at); !errors.Is(err, ErrUnsigned) {
		t.Errorf("a time that is none: %v", err)
	}
}

func TestParseSecretsRefuses(t *testing.T) {
	const good = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for text, want := range map[string]string{
		"":                          "webhook secret 1: it is empty",
		"a,,b":                      "webhook secret 2: it is empty",
		good + ",":                  "webhook secret 2: it is empty",
		"whsec_":                    "webhook secret 1: what follows whsec_",
		good + ",whsec_not base64!": "webhook secret 2: what follows whsec_",
		// Receivers' libraries read padded standard base64 only: an unpadded secret would verify
		// nowhere.
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAA": "webhook secret 1: what follows whsec_",
		strings.Repeat("a,", 9) + "a":              "more than 8",
	} {
		_, err := ParseSecrets(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseSecrets(%q): %v, want %q", text, err, want)
		} else if strings.Contains(err.Error(), "MfKQ9r8") || strings.Contains(err.Error(), "not base64!") {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

// However secrets are printed, they do not show.
func TestPrinting(t *testing.T) {
	s := mustSecrets(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,plain-secret")
	raw, _ := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "in", struct{ S Secrets }{s})
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s %x %q", s, s, s, s, s, s), fmt.Sprintf("%+v", struct{ S Secrets }{s}), log.String()} {
		for _, secret := range []string{"MfKQ", "plain-secret", string(raw), fmt.Sprint(raw), fmt.Sprintf("%x", "plain-secret")} {
			if strings.Contains(shown, secret) {
				t.Errorf("a secret shows: %s", shown)
			}
		}
	}
}

// Without a secret nothing is signed, and nothing breaks: that is `serve`'s matter to refuse.
func TestUnsigned(t *testing.T) {
	h := Sign(Secrets{}, "evt", at, body)
	if len(h) != 1 {
		t.Errorf("headers: %v", h)
	}
}

// A header that was not made with the secret never verifies, and never panics.
func FuzzVerify(f *testing.F) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	s, err := ParseSecrets(secret)
	if err != nil {
		f.Fatal(err)
	}
	right := Sign(s, "evt", at, body)
	f.Add(right.Get(HeaderSignature), right.Get(HeaderTrio), "evt", right.Get(HeaderTimestamp), []byte("{}"))
	f.Add("sha256=", "v1,", "", "", []byte(nil))
	f.Add("", "v1,"+strings.Repeat("A", 44)+" v1,=", "evt", "-1", []byte("x"))
	f.Fuzz(func(t *testing.T, founding, trio, id, stamp string, content []byte) {
		h := http.Header{}
		for name, value := range map[string]string{HeaderSignature: founding, HeaderTrio: trio, HeaderID: id, HeaderTimestamp: stamp} {
			if value != "" {
				h.Set(name, value)
			}
		}
		if err := Verify(secret, h, content); err == nil && !bytes.Equal(content, body) {
			t.Errorf("verifies: %v %q", h, content)
		}
		_ = Fresh(h, at)
	})
}

const (
	foundingPlain  = "0b982eb00bbf662786c7d8c54d49b9c9106daa123e65803a7a8e956405ffec74"
	foundingMarked = "572774423115a2c7f7975230f4b751c6436363a4d27a7dfea7f1c279567c678d"
)
