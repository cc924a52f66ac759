// Package staff is the use cases around the people who work with the gateway: their accounts and
// roles, how they enrol and sign in, their sessions, and the log of what they looked at and did.
//
// It stands beside package gateway and not in it: nothing here moves money or changes a payment,
// and nothing there may depend on who is signed in. What a person does to a payment is a use case
// of the gateway, called by the staff's pages, which note it here first.
//
// The clock is the real one, also in test mode: authenticators on people's phones do not follow
// the sandbox's.
package staff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/store"
)

// Role is what a person may do. Each may all that the ones before it may.
type Role string

// The roles, the least first.
const (
	Viewer  Role = "viewer"  // looks
	Support Role = "support" // sends webhooks again, cancels unpaid invoices
	Refunds Role = "refunds" // returns money, decides unknown outcomes
	Owner   Role = "owner"   // merchants, staff, limits
)

// Roles are all of them, the least first.
var Roles = []Role{Viewer, Support, Refunds, Owner}

// Valid says whether r is one of the roles.
func (r Role) Valid() bool { return slices.Contains(Roles, r) }

// May says whether whoever has the role r may do what needs at least the role least. A role that
// is none may nothing.
func (r Role) May(least Role) bool {
	return r.Valid() && least.Valid() && slices.Index(Roles, r) >= slices.Index(Roles, least)
}

// Person is one account.
type Person struct {
	ID, Email  string
	Role       Role
	Active     bool
	Enrolled   bool // has a password and an authenticator
	Recovery   int  // how many recovery codes are left
	CreatedAt  time.Time
	SignedInAt time.Time // zero: never

	// New: they have had the power that they have for less than LimitDelay, and until CountsFrom are
	// not one of the two persons that something above the limit takes. Otherwise whoever took over an
	// owner's account would make their own second person.
	New        bool
	CountsFrom time.Time
}

func (o *Office) person(s store.Staff) Person {
	p := Person{
		ID: s.ID, Email: s.Email, Role: Role(s.Role), Active: s.Active, Enrolled: s.Password != "" && s.TOTP != "",
		Recovery: len(s.Recovery), CreatedAt: s.CreatedAt, SignedInAt: s.SignedInAt, CountsFrom: s.PowerSince.Add(LimitDelay),
	}
	p.New = !p.Enrolled || o.now().Before(p.CountsFrom)
	return p
}

// Actor is who does something, and from where.
type Actor struct {
	ID      string // of the person; "" for the command line
	Who     string // the e-mail address
	Address string // of the client
	sure    bool   // has just typed their password and a code again: see Confirm
}

// CommandLine is who has a shell on the gateway's machine.
var CommandLine = Actor{Who: "command line"}

// By is the actor that a person at an address is.
func (p Person) By(address string) Actor { return Actor{ID: p.ID, Who: p.Email, Address: address} }

// Options is what an Office is made of. All are required but Hashing.
type Options struct {
	Store *store.Store
	Seal  *seal.Box
	Now   func() time.Time // the real time

	// Hashing is what a password's hash costs; zero: what OWASP recommends. Tests make it cheap.
	Hashing Cost
}

// Office is the use cases over one store. It is safe for concurrent use.
type Office struct {
	o       Options
	store   *store.Store
	hashing hashing

	mu  sync.Mutex
	key []byte // of the audit log's chain; read when it is first needed
}

// New returns an Office. It reads nothing and starts nothing.
func New(o Options) *Office {
	return &Office{o: o, store: o.Store, hashing: newHashing(o.Hashing)}
}

func (o *Office) now() time.Time { return o.o.Now().UTC() }

// ─── Accounts ──────────────────────────────────────────────────────────────────────────────

// LinkLife is how long an enrolment link is good.
const LinkLife = 24 * time.Hour

// Add makes an account and gives the token of its enrolment link, which is good once, for a day.
// For an address that has an account which was never enrolled, it makes a new link.
//
// As with the other use cases that give somebody power, it takes an actor whom Confirm gave, or the
// command line.
func (o *Office) Add(ctx context.Context, by Actor, email string, role Role) (p Person, token string, err error) {
	if err := by.demand(); err != nil {
		return p, "", err
	}
	email, err = cleanEmail(email)
	if err != nil {
		return p, "", err
	}
	if !role.Valid() {
		return p, "", fault("role_unknown", "the role is one of viewer, support, refunds, owner")
	}
	err = o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		s := store.Staff{ID: id.New(), Email: email, Role: string(role), Active: true, CreatedAt: o.now()}
		ok, err := tx.InsertStaff(ctx, s)
		if err != nil {
			return err
		}
		if !ok {
			if s, err = tx.StaffByEmail(ctx, email); err != nil {
				return err
			}
			if s, err = tx.LockStaff(ctx, s.ID); err != nil {
				return err
			}
			if s.Password != "" || s.TOTP != "" || !s.Active {
				return conflict("account_exists", "there is an account of this address already")
			}
			s.Role = string(role)
			if err := tx.SaveStaff(ctx, s); err != nil {
				return err
			}
		}
		p = o.person(s)
		if token, err = o.newLink(ctx, tx, s, false); err != nil {
			return err
		}
		return o.append(ctx, tx, by, "staff.added", s.ID, email+", "+s.Role)
	})
	return p, token, err
}

// newLink makes a person's enrolment link.
func (o *Office) newLink(ctx context.Context, tx *store.Tx, s store.Staff, keepPassword bool) (token string, err error) {
	token = newToken()
	return token, tx.PutEnrolment(ctx, store.Enrolment{
		StaffID: s.ID, Hash: hashToken(token), KeepPassword: keepPassword, EndsAt: o.now().Add(LinkLife),
	})
}

// ResetTOTP takes a person's authenticator and recovery codes away, signs them out everywhere, and
// gives the token of a new enrolment link. Their present password is asked for there, unless it is
// forgotten too: then they set a new one. Nobody resets their own: whoever sits down at an open
// browser would have the account.
func (o *Office) ResetTOTP(ctx context.Context, by Actor, staffID string, forgotten bool) (token string, err error) {
	if by.ID == staffID {
		return "", conflict("own_authenticator", "another owner resets this, or the command line")
	}
	if err := by.demand(); err != nil {
		return "", err
	}
	err = o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := o.lock(ctx, tx, staffID)
		if err != nil {
			return err
		}
		if !s.Active {
			return conflict("account_disabled", "the account is disabled")
		}
		keep := s.Password != "" && !forgotten
		if !keep {
			s.Password = ""
		}
		s.TOTP, s.Recovery = "", nil
		if err := tx.SaveStaff(ctx, s); err != nil {
			return err
		}
		if err := tx.EndSessionsOf(ctx, s.ID); err != nil {
			return err
		}
		if token, err = o.newLink(ctx, tx, s, keep); err != nil {
			return err
		}
		return o.append(ctx, tx, by, "staff.totp_reset", s.ID, s.Email)
	})
	return token, err
}

// SetRole gives a person another role. The last owner keeps theirs. They are signed out where the
// new role may less, so that no page stays open that they may not see; where it may more, they have
// that power from now on.
func (o *Office) SetRole(ctx context.Context, by Actor, staffID string, role Role) error {
	if !role.Valid() {
		return fault("role_unknown", "the role is one of viewer, support, refunds, owner")
	}
	if err := by.demand(); err != nil {
		return err
	}
	return o.change(ctx, staffID, func(ctx context.Context, tx *store.Tx, s *store.Staff) error {
		was := Role(s.Role)
		if was == role {
			return nil
		}
		s.Role = string(role)
		if !was.May(role) {
			s.PowerSince = o.now()
		}
		if !role.May(was) {
			if err := tx.EndSessionsOf(ctx, s.ID); err != nil {
				return err
			}
		}
		return o.append(ctx, tx, by, "staff.role", s.ID, s.Email+": "+string(was)+" → "+string(role))
	})
}

// Disable signs a person out everywhere and lets them in no more; their enrolment link is gone.
// The last owner cannot be disabled, but from the command line.
func (o *Office) Disable(ctx context.Context, by Actor, staffID string) error {
	return o.setActive(ctx, by, staffID, false, "staff.disabled")
}

// Enable lets a disabled person in again.
func (o *Office) Enable(ctx context.Context, by Actor, staffID string) error {
	if err := by.demand(); err != nil {
		return err
	}
	return o.setActive(ctx, by, staffID, true, "staff.enabled")
}

func (o *Office) setActive(ctx context.Context, by Actor, staffID string, active bool, what string) error {
	change := o.change
	if by == CommandLine {
		change = o.changeAny
	}
	return change(ctx, staffID, func(ctx context.Context, tx *store.Tx, s *store.Staff) error {
		if s.Active == active {
			return nil
		}
		s.Active = active
		if active {
			s.PowerSince = o.now()
		} else {
			if err := tx.EndSessionsOf(ctx, s.ID); err != nil {
				return err
			}
			if _, err := tx.DeleteEnrolment(ctx, s.ID); err != nil {
				return err
			}
		}
		return o.append(ctx, tx, by, what, s.ID, s.Email)
	})
}

// change is changeAny that leaves an owner who can sign in, if there was one.
func (o *Office) change(ctx context.Context, staffID string, f func(context.Context, *store.Tx, *store.Staff) error) error {
	return o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err := tx.LockAllStaff(ctx)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(s store.Staff) bool { return s.ID == staffID })
		if at < 0 {
			return nobody()
		}
		had := hasOwner(all)
		if err := f(ctx, tx, &all[at]); err != nil {
			return err
		}
		if had && !hasOwner(all) {
			return conflict("last_owner", "this is the last owner: make somebody else one first")
		}
		return tx.SaveStaff(ctx, all[at])
	})
}

func (o *Office) changeAny(ctx context.Context, staffID string, f func(context.Context, *store.Tx, *store.Staff) error) error {
	return o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := o.lock(ctx, tx, staffID)
		if err != nil {
			return err
		}
		if err := f(ctx, tx, &s); err != nil {
			return err
		}
		return tx.SaveStaff(ctx, s)
	})
}

func hasOwner(all []store.Staff) bool {
	return slices.ContainsFunc(all, func(s store.Staff) bool {
		return Role(s.Role) == Owner && s.Active && s.Password != "" && s.TOTP != ""
	})
}

// People lists every account, by address.
func (o *Office) People(ctx context.Context) ([]Person, error) {
	var rows []store.Staff
	err := o.store.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		rows, err = tx.AllStaff(ctx)
		return err
	})
	out := make([]Person, len(rows))
	for i, s := range rows {
		out[i] = o.person(s)
	}
	return out, err
}

// Find reads the account of an address.
func (o *Office) Find(ctx context.Context, email string) (p Person, err error) {
	if email, err = cleanEmail(email); err != nil {
		return p, err
	}
	err = o.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := tx.StaffByEmail(ctx, email)
		if errors.Is(err, store.ErrNotFound) {
			return nobody()
		}
		p = o.person(s)
		return err
	})
	return p, err
}

// ─── The limit of one person's refund ──────────────────────────────────────────────────────

// settingRefundLimit holds it, in tiyin; settingNextLimit what it will be, and from when: "0 1766…"
// (tiyin, Unix milliseconds).
const (
	settingRefundLimit = "refund_limit"
	settingNextLimit   = "refund_limit_next"
)

// LimitDelay is how long a limit that is raised, or taken away, waits until it counts, and so does the
// word of somebody who was given power, so that whoever took over an owner's account is seen before
// money follows.
const LimitDelay = 24 * time.Hour

// Limit is the amount above which a refund that a person asks for is confirmed by a second one;
// 0: there is none. Refunds of the API are not bound by it.
type Limit struct {
	Now  pay.Tiyin
	Next pay.Tiyin // what it will be
	From time.Time // when; zero: it stays as it is
}

// RefundLimit is the limit that counts now.
func (o *Office) RefundLimit(ctx context.Context) (pay.Tiyin, error) {
	l, err := o.RefundLimits(ctx)
	return l.Now, err
}

// RefundLimits is the limit with what was decided about it.
func (o *Office) RefundLimits(ctx context.Context) (l Limit, err error) {
	err = o.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		l, err = o.limit(ctx, tx)
		return err
	})
	return l, err
}

func (o *Office) limit(ctx context.Context, tx *store.Tx) (l Limit, err error) {
	text, err := tx.Setting(ctx, settingRefundLimit)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return l, err
	}
	if text != "" {
		if l.Now, err = tiyin(text); err != nil {
			return l, err
		}
	}
	text, err = tx.Setting(ctx, settingNextLimit)
	if errors.Is(err, store.ErrNotFound) || err == nil && text == "" {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	amount, from, _ := strings.Cut(text, " ")
	next, err := tiyin(amount)
	if err != nil {
		return l, err
	}
	ms, err := strconv.ParseInt(from, 10, 64)
	if err != nil {
		return l, err
	}
	if l.Next, l.From = next, time.UnixMilli(ms).UTC(); !o.now().Before(l.From) {
		l = Limit{Now: next}
	}
	return l, nil
}

func tiyin(text string) (pay.Tiyin, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	return pay.Tiyin(n), err
}

// SetRefundLimit sets it; 0 takes it away. A lower limit counts at once, a higher one after
// LimitDelay, and the newest word stands.
func (o *Office) SetRefundLimit(ctx context.Context, by Actor, limit pay.Tiyin) error {
	if limit < 0 || limit > pay.MaxAmount {
		return fault("limit_invalid", "the limit is an amount of money")
	}
	if err := by.demand(); err != nil {
		return err
	}
	return o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		l, err := o.limit(ctx, tx)
		if err != nil {
			return err
		}
		now, next, detail := l.Now, "", strconv.FormatInt(int64(limit), 10)+" tiyin"
		if raised := l.Now > 0 && (limit == 0 || limit > l.Now); raised {
			from := o.now().Add(LimitDelay)
			next = strconv.FormatInt(int64(limit), 10) + " " + strconv.FormatInt(from.UnixMilli(), 10)
			detail += " from " + from.Format(time.RFC3339)
		} else {
			now = limit
		}
		if err := tx.PutSetting(ctx, settingRefundLimit, strconv.FormatInt(int64(now), 10)); err != nil {
			return err
		}
		if err := tx.PutSetting(ctx, settingNextLimit, next); err != nil {
			return err
		}
		return o.append(ctx, tx, by, "limit.refund", "", detail)
	})
}

// ─── What the use cases share ──────────────────────────────────────────────────────────────

func (o *Office) update(ctx context.Context, f func(context.Context, *store.Tx) error) error {
	if err := o.readKey(ctx); err != nil {
		return err
	}
	return o.store.Update(ctx, f)
}

func (o *Office) lock(ctx context.Context, tx *store.Tx, staffID string) (store.Staff, error) {
	s, err := tx.LockStaff(ctx, staffID)
	if errors.Is(err, store.ErrNotFound) {
		return s, nobody()
	}
	return s, err
}

func fault(reason, message string) error {
	return &pay.Error{Code: pay.CodeInvalid, Reason: reason, Message: message}
}

func conflict(reason, message string) error {
	return &pay.Error{Code: pay.CodeConflict, Reason: reason, Message: message}
}

func nobody() error {
	return &pay.Error{Code: pay.CodeNotFound, Reason: "account_not_found", Message: "there is no such account"}
}

// cleanEmail is the one way to write an address: in lower case, without a name around it.
func cleanEmail(text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	a, err := mail.ParseAddress(text)
	if err != nil || a.Address != text || a.Name != "" || len(text) > 200 || strings.ContainsFunc(text, func(c rune) bool { return c > unicode.MaxASCII || c <= ' ' }) {
		return "", fault("email_invalid", "this is not an e-mail address")
	}
	return text, nil
}

// newToken is 256 random bits, for a cookie or a link.
func newToken() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// hashToken is what is stored of a token. It has more entropy than can be searched, so a plain
// hash is enough; and whoever reads the table can sign in with nothing.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
