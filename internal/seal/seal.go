// Package seal encrypts what must not be read in a stolen database: merchants' credentials and
// card tokens. It also derives the keys for other purposes from the same MASTER_KEY, so that
// an operator keeps one secret and not several.
//
// A sealed value is text:
//
//	s1.<key id>.<base64url of nonce and ciphertext>
//
// The cipher is AES-256-GCM under a key derived from the master key, with a random nonce of 96
// bits. The row that a value belongs to is authenticated with it: a value copied to another
// row, or moved to another key's id, does not open. What is not hidden: how long a value is,
// and which master key sealed it.
//
// Random nonces allow about 2^32 values under one key; a gateway that seals ten a second for
// ten years makes fewer.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// What an opened value can fail with. The texts hold no secrets and may be logged.
var (
	ErrUnknownKey = errors.New("sealed under a master key that is not in MASTER_KEY")
	ErrBroken     = errors.New("the sealed value is damaged, or belongs to another row")
)

const (
	version    = "s1"
	keySize    = 32
	maxKeyID   = 32
	maxKeys    = 16
	maxSealed  = 1 << 20
	sealPrefix = "chorsu seal v1"
	usePrefix  = "chorsu derive v1 "
)

// Box seals under its first key and opens under any. It may be used by several goroutines.
type Box struct {
	keys []key
}

type key struct {
	id     string
	master []byte
	aead   cipher.AEAD
}

// Parse reads MASTER_KEY: `id:base64` of 32 random bytes, a comma-separated list while keys are
// rotated. The first seals, all open. An error names the place in the list and what is wrong
// there, never the key.
func Parse(masterKeys string) (*Box, error) {
	if strings.TrimSpace(masterKeys) == "" {
		return nil, errors.New("no master key is given")
	}
	b := &Box{}
	for i, item := range strings.Split(masterKeys, ",") {
		k, err := parseKey(strings.TrimSpace(item))
		if err != nil {
			return nil, fmt.Errorf("master key %d: %w", i+1, err)
		}
		for j, other := range b.keys {
			if other.id == k.id {
				return nil, fmt.Errorf("master key %d: its id is that of key %d", i+1, j+1)
			}
		}
		b.keys = append(b.keys, k)
		if len(b.keys) > maxKeys {
			return nil, fmt.Errorf("more than %d master keys", maxKeys)
		}
	}
	return b, nil
}

func parseKey(text string) (key, error) {
	id, encoded, ok := strings.Cut(text, ":")
	if !ok {
		return key{}, errors.New("want id:base64")
	}
	if !validKeyID(id) {
		return key{}, fmt.Errorf("its id must be 1 to %d letters, digits, hyphens or underscores", maxKeyID)
	}
	master, err := decodeKey(encoded)
	if err != nil {
		return key{}, errors.New("what follows the id is not base64")
	}
	if len(master) != keySize {
		return key{}, fmt.Errorf("it has %d bytes; it must have %d", len(master), keySize)
	}
	block, err := aes.NewCipher(derive(master, sealPrefix))
	if err != nil {
		return key{}, errors.New("it cannot be used with AES")
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return key{}, errors.New("it cannot be used with GCM")
	}
	return key{id: id, master: master, aead: aead}, nil
}

// decodeKey takes the standard and the URL alphabet, padded or not: operators paste what
// `openssl rand -base64 32` or another tool printed.
func decodeKey(text string) ([]byte, error) {
	text = strings.TrimRight(text, "=")
	if strings.ContainsAny(text, "-_") {
		return base64.RawURLEncoding.DecodeString(text)
	}
	return base64.RawStdEncoding.DecodeString(text)
}

func validKeyID(id string) bool {
	if id == "" || len(id) > maxKeyID {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// NewKey returns a fresh master key with a random id, in the form that Parse reads.
func NewKey() string {
	var raw [4 + keySize]byte
	rand.Read(raw[:]) // never fails: it stops the program instead
	return "k" + hex.EncodeToString(raw[:4]) + ":" + base64.StdEncoding.EncodeToString(raw[4:])
}

// Seal encrypts plain for one row, named by the table and the row's id ("merchants/0198…"):
// only Open with the same row gives it back.
func (b *Box) Seal(row string, plain []byte) (string, error) {
	if len(plain) > maxSealed/2 {
		return "", fmt.Errorf("%d bytes are too many to seal", len(plain))
	}
	k := b.keys[0]
	nonce := make([]byte, k.aead.NonceSize(), k.aead.NonceSize()+len(plain)+k.aead.Overhead())
	rand.Read(nonce)
	sealed := k.aead.Seal(nonce, nonce, plain, associated(k.id, row))
	return version + "." + k.id + "." + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Open decrypts what Seal made for the same row. The error is ErrUnknownKey or ErrBroken.
func (b *Box) Open(row, sealed string) ([]byte, error) {
	id, body, ok := split(sealed)
	if !ok {
		return nil, ErrBroken
	}
	for _, k := range b.keys {
		if k.id != id {
			continue
		}
		raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
		if err != nil || len(raw) < k.aead.NonceSize() {
			return nil, ErrBroken
		}
		nonce, text := raw[:k.aead.NonceSize()], raw[k.aead.NonceSize():]
		plain, err := k.aead.Open(nil, nonce, text, associated(id, row))
		if err != nil {
			return nil, ErrBroken
		}
		return plain, nil
	}
	return nil, ErrUnknownKey
}

// Current says whether sealed was sealed under the first key: what is not must be sealed again
// before an old key is taken out of MASTER_KEY.
func (b *Box) Current(sealed string) bool {
	id, _, ok := split(sealed)
	return ok && id == b.keys[0].id
}

func split(sealed string) (id, body string, ok bool) {
	if len(sealed) > maxSealed {
		return "", "", false
	}
	v, rest, _ := strings.Cut(sealed, ".")
	id, body, ok = strings.Cut(rest, ".")
	return id, body, ok && v == version && validKeyID(id)
}

// associated is what is authenticated beside the ciphertext. A key id holds no dot or zero byte,
// so the parts cannot run into each other.
func associated(id, row string) []byte {
	return []byte(version + "." + id + "\x00" + row)
}

// Derive returns 32 bytes for another purpose ("idempotency"), from the first master key: other
// purposes, and the sealing key, tell nothing of them. They change when the master key is
// rotated; what is kept for longer is compared with all of DeriveAll.
func (b *Box) Derive(purpose string) []byte {
	return derive(b.keys[0].master, usePrefix+purpose)
}

// DeriveAll returns Derive's bytes for every master key, in the order of MASTER_KEY.
func (b *Box) DeriveAll(purpose string) [][]byte {
	all := make([][]byte, len(b.keys))
	for i, k := range b.keys {
		all[i] = derive(k.master, usePrefix+purpose)
	}
	return all
}

// derive is HKDF-SHA256 without a salt, which a uniformly random master key does not need.
func derive(master []byte, info string) []byte {
	out, err := hkdf.Key(sha256.New, master, nil, info, keySize)
	if err != nil {
		panic("seal: HKDF refused a constant length: " + err.Error())
	}
	return out
}

// String keeps the keys out of logs: it tells their ids.
func (b Box) String() string {
	ids := make([]string, len(b.keys))
	for i, k := range b.keys {
		ids[i] = k.id
	}
	return "master keys " + strings.Join(ids, ", ")
}

// GoString keeps them out of %#v, and LogValue out of structured logs.
func (b Box) GoString() string           { return b.String() }
func (b Box) LogValue() slog.Value       { return slog.StringValue(b.String()) }
func (b Box) Format(s fmt.State, _ rune) { fmt.Fprint(s, b.String()) }
