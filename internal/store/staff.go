package store

import (
	"context"
	"strings"
	"time"
)

// Staff is one account of a person who works with the gateway.
type Staff struct {
	ID, Email, Role string // Email in lower case; Role: viewer, support, refunds, owner
	Active          bool
	Password        string   // argon2id; "" until enrolled
	TOTP            string   // sealed; "" until enrolled
	TOTPStep        int64    // the newest step whose code was used
	Recovery        []string // hashes of the unused recovery codes
	CreatedAt       time.Time
	SignedInAt      time.Time // zero: never
	PowerSince      time.Time // when they got the power that they have; zero: they never enrolled
}

const staffQuery = `SELECT s.id, s.email, s.role, s.active, s.password, s.totp, s.totp_step, s.recovery, s.created_at, s.signed_in_at, s.power_since
	FROM staff s`

func scanStaff(r row) (s Staff, err error) {
	var recovery string
	var created, signedIn, power int64
	err = r.Scan(&s.ID, &s.Email, &s.Role, &s.Active, &s.Password, &s.TOTP, &s.TOTPStep, &recovery, &created, &signedIn, &power)
	s.Recovery = strings.Fields(recovery)
	s.CreatedAt, s.SignedInAt, s.PowerSince = instant(created), instant(signedIn), instant(power)
	return s, err
}

// Staff reads one account.
func (tx *Tx) Staff(ctx context.Context, id string) (Staff, error) {
	return one(ctx, tx, scanStaff, staffQuery+` WHERE s.id = $1`, id)
}

// LockStaff reads one account that is about to be changed: whoever changes it too waits.
func (tx *Tx) LockStaff(ctx context.Context, id string) (Staff, error) {
	return one(ctx, tx, scanStaff, staffQuery+` WHERE s.id = $1`+tx.dialect.forUpdate("s"), id)
}

// StaffByEmail reads the account of an address in lower case.
func (tx *Tx) StaffByEmail(ctx context.Context, email string) (Staff, error) {
	return one(ctx, tx, scanStaff, staffQuery+` WHERE s.email = $1`, email)
}

// AllStaff reads every account, by address: there are as many as people.
func (tx *Tx) AllStaff(ctx context.Context) ([]Staff, error) {
	return many(ctx, tx, scanStaff, staffQuery+` ORDER BY s.email`)
}

// LockAllStaff is AllStaff for a change that must leave an owner: changes of that kind wait for
// each other.
func (tx *Tx) LockAllStaff(ctx context.Context) ([]Staff, error) {
	return many(ctx, tx, scanStaff, staffQuery+` ORDER BY s.id`+tx.dialect.forUpdate("s"))
}

// InsertStaff stores a new account; ok says whether its address was free.
func (tx *Tx) InsertStaff(ctx context.Context, s Staff) (ok bool, err error) {
	return tx.insert(ctx, `INSERT INTO staff (id, email, role, active, password, totp, totp_step, recovery, created_at, signed_in_at, power_since)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		s.ID, s.Email, s.Role, s.Active, s.Password, s.TOTP, s.TOTPStep, strings.Join(s.Recovery, " "), millis(s.CreatedAt), millis(s.SignedInAt), millis(s.PowerSince))
}

// SaveStaff writes what may change of an account: all but whose it is.
func (tx *Tx) SaveStaff(ctx context.Context, s Staff) error {
	return tx.save(ctx, `UPDATE staff SET role = $2, active = $3, password = $4, totp = $5, totp_step = $6, recovery = $7, signed_in_at = $8, power_since = $9
		WHERE id = $1`,
		s.ID, s.Role, s.Active, s.Password, s.TOTP, s.TOTPStep, strings.Join(s.Recovery, " "), millis(s.SignedInAt), millis(s.PowerSince))
}

// Enrolment is a link by which a person sets a password and an authenticator.
type Enrolment struct {
	StaffID      string
	Hash         string // of the link's token
	TOTP         string // sealed; "" since the form has it
	KeepPassword bool   // the present password is asked for, not set
	EndsAt       time.Time
}

func scanEnrolment(r row) (e Enrolment, err error) {
	var ends int64
	err = r.Scan(&e.StaffID, &e.Hash, &e.TOTP, &e.KeepPassword, &ends)
	e.EndsAt = instant(ends)
	return e, err
}

// PutEnrolment stores a person's link; an earlier one is no more.
func (tx *Tx) PutEnrolment(ctx context.Context, e Enrolment) error {
	return tx.save(ctx, `INSERT INTO staff_enrolments (staff_id, hash, totp, keep_password, ends_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (staff_id) DO UPDATE SET hash = excluded.hash, totp = excluded.totp,
			keep_password = excluded.keep_password, ends_at = excluded.ends_at`,
		e.StaffID, e.Hash, e.TOTP, e.KeepPassword, millis(e.EndsAt))
}

// Enrolment reads the link whose token has a hash.
func (tx *Tx) Enrolment(ctx context.Context, hash string) (Enrolment, error) {
	return one(ctx, tx, scanEnrolment, `SELECT staff_id, hash, totp, keep_password, ends_at FROM staff_enrolments WHERE hash = $1`, hash)
}

// DeleteEnrolment takes back a person's link; ok says whether there was this one.
func (tx *Tx) DeleteEnrolment(ctx context.Context, staffID string) (ok bool, err error) {
	n, err := tx.exec(ctx, `DELETE FROM staff_enrolments WHERE staff_id = $1`, staffID)
	return n == 1, err
}

// Session is one browser in which a person is signed in.
type Session struct {
	Hash, StaffID, Address    string // Hash of the cookie's token
	CreatedAt, SeenAt, EndsAt time.Time
}

// InsertSession stores a new session.
func (tx *Tx) InsertSession(ctx context.Context, s Session) error {
	return tx.save(ctx, `INSERT INTO staff_sessions (hash, staff_id, address, created_at, seen_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		s.Hash, s.StaffID, s.Address, millis(s.CreatedAt), millis(s.SeenAt), millis(s.EndsAt))
}

const sessionQuery = `SELECT hash, staff_id, address, created_at, seen_at, ends_at FROM staff_sessions`

func scanSession(r row) (s Session, err error) {
	var created, seen, ends int64
	err = r.Scan(&s.Hash, &s.StaffID, &s.Address, &created, &seen, &ends)
	s.CreatedAt, s.SeenAt, s.EndsAt = instant(created), instant(seen), instant(ends)
	return s, err
}

// Session reads the session whose token has a hash, over or not.
func (tx *Tx) Session(ctx context.Context, hash string) (Session, error) {
	return one(ctx, tx, scanSession, sessionQuery+` WHERE hash = $1`, hash)
}

// SessionsOf reads a person's sessions, over or not, newest first.
func (tx *Tx) SessionsOf(ctx context.Context, staffID string) ([]Session, error) {
	return many(ctx, tx, scanSession, sessionQuery+` WHERE staff_id = $1 ORDER BY created_at DESC, hash`, staffID)
}

// TouchSession writes down that a session is used; it may have been ended meanwhile.
func (tx *Tx) TouchSession(ctx context.Context, hash string, at time.Time) error {
	_, err := tx.exec(ctx, `UPDATE staff_sessions SET seen_at = $2 WHERE hash = $1 AND seen_at < $2`, hash, millis(at))
	return err
}

// EndSession signs one browser out; ok says whether it was signed in.
func (tx *Tx) EndSession(ctx context.Context, hash string) (ok bool, err error) {
	n, err := tx.exec(ctx, `DELETE FROM staff_sessions WHERE hash = $1`, hash)
	return n == 1, err
}

// EndSessionsOf signs a person out everywhere.
func (tx *Tx) EndSessionsOf(ctx context.Context, staffID string) error {
	_, err := tx.exec(ctx, `DELETE FROM staff_sessions WHERE staff_id = $1`, staffID)
	return err
}

// EndSessionsBefore deletes the sessions that ended before a time.
func (tx *Tx) EndSessionsBefore(ctx context.Context, at time.Time) error {
	_, err := tx.exec(ctx, `DELETE FROM staff_sessions WHERE ends_at < $1`, millis(at))
	return err
}

// Tries counts what failed of an account or an address.
type Tries struct {
	Subject     string
	Failures    int64
	LockedUntil time.Time
	At          time.Time // the newest try
}

// LockTries reads the count of a subject, and makes one where there is none. Two tries of one
// subject at once are counted one after the other.
func (tx *Tx) LockTries(ctx context.Context, subject string) (Tries, error) {
	if _, err := tx.insert(ctx, `INSERT INTO staff_tries (subject, failures, locked_until, at) VALUES ($1, 0, 0, 0)`, subject); err != nil {
		return Tries{}, err
	}
	return one(ctx, tx, func(r row) (t Tries, err error) {
		var until, at int64
		err = r.Scan(&t.Subject, &t.Failures, &until, &at)
		t.LockedUntil, t.At = instant(until), instant(at)
		return t, err
	}, `SELECT t.subject, t.failures, t.locked_until, t.at FROM staff_tries t WHERE t.subject = $1`+tx.dialect.forUpdate("t"), subject)
}

// HasTries says whether there is a row of a subject.
func (tx *Tx) HasTries(ctx context.Context, subject string) (bool, error) {
	n, err := one(ctx, tx, scanNumber, `SELECT COUNT(*) FROM staff_tries WHERE subject = $1`, subject)
	return n > 0, err
}

// SaveTries writes a count.
func (tx *Tx) SaveTries(ctx context.Context, t Tries) error {
	return tx.save(ctx, `UPDATE staff_tries SET failures = $2, locked_until = $3, at = $4 WHERE subject = $1`,
		t.Subject, t.Failures, millis(t.LockedUntil), millis(t.At))
}

// ForgetTries deletes a subject's count.
func (tx *Tx) ForgetTries(ctx context.Context, subject string) error {
	_, err := tx.exec(ctx, `DELETE FROM staff_tries WHERE subject = $1`, subject)
	return err
}

// ForgetTriesBefore deletes the counts to which nothing was added since a time.
func (tx *Tx) ForgetTriesBefore(ctx context.Context, at time.Time) error {
	_, err := tx.exec(ctx, `DELETE FROM staff_tries WHERE at < $1`, millis(at))
	return err
}

// SealedStaff lists accounts with an authenticator in the order of their ids, after one of them,
// for the rotation of the master key.
func (tx *Tx) SealedStaff(ctx context.Context, afterID string, limit int) ([]Staff, error) {
	return many(ctx, tx, scanStaff, staffQuery+` WHERE s.totp <> '' AND s.id > $1 ORDER BY s.id LIMIT $2 + 0`, afterID, int64(limit))
}

// ReplaceTOTP puts a newly sealed authenticator in the place of the old one.
func (tx *Tx) ReplaceTOTP(ctx context.Context, staffID, was, now string) (ok bool, err error) {
	n, err := tx.exec(ctx, `UPDATE staff SET totp = $1 WHERE id = $2 AND totp = $3`, now, staffID, was)
	return n == 1, err
}

// SealedEnrolments lists the links that have an authenticator, for the rotation of the master key:
// there are at most as many as people.
func (tx *Tx) SealedEnrolments(ctx context.Context) ([]Enrolment, error) {
	return many(ctx, tx, scanEnrolment, `SELECT staff_id, hash, totp, keep_password, ends_at FROM staff_enrolments WHERE totp <> '' ORDER BY staff_id`)
}

// ReplaceEnrolment puts a newly sealed authenticator of a link in the place of the old one.
func (tx *Tx) ReplaceEnrolment(ctx context.Context, staffID, was, now string) (ok bool, err error) {
	n, err := tx.exec(ctx, `UPDATE staff_enrolments SET totp = $1 WHERE staff_id = $2 AND totp = $3`, now, staffID, was)
	return n == 1, err
}
