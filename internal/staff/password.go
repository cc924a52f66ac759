package staff

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/chorsu/chorsu/internal/pay"
)

// Cost is what hashing one password takes.
type Cost struct {
	Memory uint32 // KiB
	Passes uint32
}

// recommended is OWASP's minimum for argon2id: 20 to 40 ms on one core of 2026.
var recommended = Cost{Memory: 19 << 10, Passes: 2}

// hashing makes and checks hashes, a few at a time: passwords that strangers send must not take
// the processor and the memory that payments need.
type hashing struct {
	cost  Cost
	turns chan struct{}
	none  string // a hash that no password has
}

// The limits of hashing.
const (
	hashTurns = 2               // at a time
	hashWait  = 5 * time.Second // for a turn
)

func newHashing(c Cost) hashing {
	if c == (Cost{}) {
		c = recommended
	}
	h := hashing{cost: c, turns: make(chan struct{}, hashTurns)}
	h.none = h.encode(make([]byte, 16), make([]byte, 32))
	return h
}

// make hashes a password.
func (h hashing) make(ctx context.Context, password string) (string, error) {
	if err := h.turn(ctx); err != nil {
		return "", err
	}
	defer h.done()
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // it never fails
	return h.encode(salt, argon2.IDKey([]byte(password), salt, h.cost.Passes, h.cost.Memory, 1, 32)), nil
}

// check says whether a hash is of a password. An empty hash is of none, and takes as long.
func (h hashing) check(ctx context.Context, hash, password string) (bool, error) {
	missing := hash == ""
	if missing {
		hash = h.none
	}
	cost, salt, sum, err := decode(hash)
	if err != nil {
		return false, err
	}
	if err := h.turn(ctx); err != nil {
		return false, err
	}
	defer h.done()
	got := argon2.IDKey([]byte(password), salt, cost.Passes, cost.Memory, 1, uint32(len(sum)))
	return subtle.ConstantTimeCompare(got, sum) == 1 && !missing, nil
}

func (h hashing) turn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case h.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &pay.Error{Code: pay.CodeRateLimited, Reason: "busy", Message: "too many people sign in at once; try again in a minute", RetryAfter: time.Minute}
	}
}

func (h hashing) done() { <-h.turns }

// encode writes a hash in the usual form, with its cost: a later version may ask for more.
func (h hashing) encode(salt, sum []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, h.cost.Memory, h.cost.Passes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

func decode(hash string) (c Cost, salt, sum []byte, err error) {
	bad := fmt.Errorf("a password's hash is not readable") // without the hash: an error is logged
	parts := strings.Split(hash, "$")
	var version int
	if len(parts) != 6 || parts[1] != "argon2id" {
		return c, nil, nil, bad
	}
	if n, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=1", &version, &c.Memory, &c.Passes); n != 3 || err != nil || version != argon2.Version {
		return c, nil, nil, bad
	}
	salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return c, nil, nil, bad
	}
	sum, err = base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(sum) != 32 || c.Memory > 1<<20 || c.Passes < 1 || c.Passes > 100 {
		return c, nil, nil, bad
	}
	return c, salt, sum, nil
}

// The length of a password, in bytes. More than the most would only be work for the hash.
const (
	PasswordLeast = 12
	PasswordMost  = 200
)

// fitPassword says what is wrong with a new password. Length is what counts; what is refused
// besides are the few that a machine tries first.
func fitPassword(password, email string) error {
	name, _, _ := strings.Cut(email, "@")
	seen := map[rune]bool{}
	for _, c := range password {
		seen[c] = true
	}
	low := strings.ToLower(password)
	switch {
	case len(password) < PasswordLeast, len(password) > PasswordMost:
		return fault("password_length", fmt.Sprintf("a password has %d to %d characters", PasswordLeast, PasswordMost))
	case len(seen) < 5, strings.Contains(low, name) && len(name) > 3, strings.Contains(low, "password"), strings.Contains(low, "123456789"), strings.Contains(low, "qwertyuiop"):
		return fault("password_weak", "this password is too easy to guess")
	}
	return nil
}
