package staff

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// Attempt is what somebody types to be let in.
type Attempt struct {
	Email, Password string
	Code            string // of the authenticator, or a recovery code
	Address         string // of the client, as it is noted
	Network         string // of the client, as it is counted
	Sealed          string // of an enrolment's form: Invitation.Sealed
}

// String keeps the password out of logs; GoString out of %#v too.
func (a Attempt) String() string   { return "an attempt to sign in from " + a.Address }
func (a Attempt) GoString() string { return a.String() }

// SignIn lets a person in: a new session's token. Whatever is wrong (no such account, a wrong
// password, a wrong or used code, a disabled account), the answer is the same, and so is what is done
// and written for it.
// After some failures whoever tries that account from there, the address, and at last the account
// must wait before the next try, longer each time; the answer then is CodeRateLimited with
// RetryAfter, whether there is such an account or not.
func (o *Office) SignIn(ctx context.Context, a Attempt) (token string, p Person, err error) {
	email, err := cleanEmail(a.Email)
	if err != nil {
		email = "" // counted, hashed and refused like any other
	}
	account, locks, err := o.try(ctx, email, a.Network)
	if err != nil {
		return "", p, err
	}
	ok, err := o.hashing.check(ctx, account.Password, bounded(a.Password))
	if err != nil {
		return "", p, err
	}
	by := Actor{ID: account.ID, Who: account.Email, Address: a.Address}
	if account.ID == "" {
		by.Who = Stranger // never what was typed: people type passwords there
	}
	err = o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		token = ""
		if !ok {
			return o.refuse(ctx, tx, by, "session.refused", "password", locks)
		}
		s, err := tx.LockStaff(ctx, account.ID)
		if err != nil {
			return err
		}
		if !s.Active || s.Password != account.Password || s.TOTP == "" {
			return o.refuse(ctx, tx, by, "session.refused", "account", locks)
		}
		good, with, err := o.useCode(&s, a.Code)
		if err != nil {
			return err
		}
		if !good {
			return o.refuse(ctx, tx, by, "session.refused", "code", locks)
		}
		s.SignedInAt = o.now()
		if err := tx.SaveStaff(ctx, s); err != nil {
			return err
		}
		if err := o.letOff(ctx, tx, email, a.Network); err != nil {
			return err
		}
		if err := o.knows(ctx, tx, email, a.Network); err != nil {
			return err
		}
		p = o.person(s)
		if token, err = o.begin(ctx, tx, s.ID, a.Address); err != nil {
			return err
		}
		return o.append(ctx, tx, by, "session.begun", s.ID, with)
	})
	if err == nil && token == "" {
		err = refused()
	}
	return token, p, err
}

// bounded keeps a password of a megabyte from being hashed: it is none.
func bounded(password string) string {
	if len(password) > PasswordMost {
		return ""
	}
	return password
}

// useCode says whether a code is good for s, and marks it as used there.
func (o *Office) useCode(s *store.Staff, code string) (ok bool, with string, err error) {
	secret, err := o.o.Seal.Open(TOTPRow(s.ID), s.TOTP)
	if err != nil {
		return false, "", err
	}
	if step, ok := checkTOTP(string(secret), digits(code), s.TOTPStep, o.now()); ok {
		s.TOTPStep = step
		return true, "authenticator", nil
	}
	if left, ok := useRecovery(s.Recovery, code); ok {
		s.Recovery = left
		return true, "recovery code", nil
	}
	return false, "", nil
}

// Stranger is who the log names for a try at an address that has no account.
const Stranger = "unknown"

// refuse notes a try that failed, whether there is such an account or not, and whom it was the last
// free one of; the count was taken before. Its transaction is committed: the caller sees that the try
// came to nothing.
func (o *Office) refuse(ctx context.Context, tx *store.Tx, by Actor, what, why string, locks []string) error {
	if err := o.append(ctx, tx, by, what, by.ID, why); err != nil || len(locks) == 0 {
		return err
	}
	return o.append(ctx, tx, by, "session.locked", by.ID, strings.Join(locks, ", "))
}

func refused() error {
	return &pay.Error{Code: pay.CodeUnauthorized, Reason: "refused", Message: "the address, the password or the code is wrong"}
}

// ─── Counting tries ────────────────────────────────────────────────────────────────────────

// What is let pass before somebody has to wait. An office may be many people behind one address.
// An account as a whole waits only after many: it is there for guesses from many addresses at
// once, and holds nobody up where they have signed in before.
const (
	freeTriesPair    = 5 // at one account from one address
	freeTriesAddress = 20
	freeTriesAccount = 50
	firstWait        = 30 * time.Second // after the last free one; doubled with each more
	longestWait      = 15 * time.Minute
	triesForgotten   = 24 * time.Hour
	knownFor         = 60 * 24 * time.Hour // since the last sign-in from there
)

// try counts a try before it is looked at, so that a hundred at once are a hundred, and reads the
// account. The zero account: there is none. locks is what has to wait from now on, should this try
// fail too: who is let off does not.
func (o *Office) try(ctx context.Context, email, network string) (account store.Staff, locks []string, err error) {
	now := o.now()
	var wait time.Duration
	err = o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		account, locks, wait = store.Staff{}, nil, 0
		if err := tx.ForgetTriesBefore(ctx, now.Add(-triesForgotten)); err != nil {
			return err
		}
		known, err := tx.HasTries(ctx, knownSubject(email, network))
		if err != nil {
			return err
		}
		// Whoever has to wait counts for nothing: guessing there cannot lock others out.
		list := triesOf(email, network)
		rows := make([]store.Tries, len(list))
		for i, c := range list {
			if rows[i], err = tx.LockTries(ctx, c.subject); err != nil {
				return err
			}
			if c.widest && known {
				continue
			}
			if wait = rows[i].LockedUntil.Sub(now); wait > 0 {
				return nil
			}
		}
		wait = 0
		for i, c := range list {
			t := rows[i]
			t.Failures++
			t.At = now
			if t.Failures == c.free {
				locks = append(locks, c.name)
			}
			if t.Failures >= c.free {
				t.LockedUntil = now.Add(waitAfter(t.Failures - c.free))
			}
			if err := tx.SaveTries(ctx, t); err != nil {
				return err
			}
		}
		account, err = tx.StaffByEmail(ctx, email)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err == nil && wait > 0 {
		err = &pay.Error{Code: pay.CodeRateLimited, Reason: "locked", Message: "too many tries have failed; wait before the next", RetryAfter: wait}
	}
	return account, locks, err
}

type counted struct {
	name    string // as the log names it
	subject string
	free    int64
	widest  bool // passed over where the person has signed in before
}

// triesOf are the counts that a try goes to. What was typed as an address is hashed: people type
// passwords there. The order is fixed, so that two tries do not wait for each other in a circle.
func triesOf(email, network string) []counted {
	who := hashToken(email)
	return []counted{
		{"the address", "address/" + network, freeTriesAddress, false},
		{"the account from this address", "pair/" + who + "/" + network, freeTriesPair, false},
		{"the account", "account/" + who, freeTriesAccount, true},
	}
}

// knownSubject is where it stands that a person has signed in from a network.
func knownSubject(email, network string) string { return "known/" + hashToken(email) + "/" + network }

// knows notes that a person has signed in from there. The row's time is when it may be forgotten,
// put so that it goes with the counts.
func (o *Office) knows(ctx context.Context, tx *store.Tx, email, network string) error {
	t, err := tx.LockTries(ctx, knownSubject(email, network))
	if err != nil {
		return err
	}
	t.At = o.now().Add(knownFor - triesForgotten)
	return tx.SaveTries(ctx, t)
}

// waitAfter is how long one waits after the n-th failure beyond the free ones.
func waitAfter(n int64) time.Duration {
	if n > 8 {
		return longestWait
	}
	return min(firstWait<<n, longestWait)
}

// letOff takes back the count of a try that succeeded: all of the account's and of what was tried
// from there, and one of the address's, where others may go on guessing.
func (o *Office) letOff(ctx context.Context, tx *store.Tx, email, network string) error {
	list := triesOf(email, network)
	t, err := tx.LockTries(ctx, list[0].subject) // in the order of try
	if err != nil {
		return err
	}
	for _, c := range list[1:] {
		if err := tx.ForgetTries(ctx, c.subject); err != nil {
			return err
		}
	}
	t.Failures = max(t.Failures-1, 0)
	if t.Failures < list[0].free {
		t.LockedUntil = time.Time{}
	}
	return tx.SaveTries(ctx, t)
}
