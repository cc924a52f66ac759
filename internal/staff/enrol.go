package staff

import (
	"context"
	"errors"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// Issuer is what authenticators call us.
const Issuer = "Chorsu"

// Invitation is what an enrolment link's page shows.
type Invitation struct {
	Email        string
	KeepPassword bool   // the present password is asked for, not a new one
	Secret       string // of the authenticator, for typing
	URI          string // the same, for the QR
}

// String keeps the secret out of logs; GoString out of %#v too.
func (i Invitation) String() string   { return "an invitation of " + i.Email }
func (i Invitation) GoString() string { return i.String() }

// Invitation reads what a link is for. One that is used, over or of a disabled account is not found.
func (o *Office) Invitation(ctx context.Context, token string) (in Invitation, err error) {
	err = o.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, _, in, err = o.invitation(ctx, tx, token, false)
		return err
	})
	return in, err
}

func (o *Office) invitation(ctx context.Context, tx *store.Tx, token string, lock bool) (e store.Enrolment, s store.Staff, in Invitation, err error) {
	e, err = tx.Enrolment(ctx, hashToken(token))
	if errors.Is(err, store.ErrNotFound) || err == nil && !o.now().Before(e.EndsAt) {
		return e, s, in, noInvitation()
	}
	if err != nil {
		return e, s, in, err
	}
	read := tx.Staff
	if lock {
		read = tx.LockStaff
	}
	if s, err = read(ctx, e.StaffID); err != nil {
		return e, s, in, err
	}
	if !s.Active {
		return e, s, in, noInvitation()
	}
	secret, err := o.o.Seal.Open(EnrolmentRow(s.ID), e.TOTP)
	in = Invitation{Email: s.Email, KeepPassword: e.KeepPassword, Secret: string(secret), URI: totpURI(string(secret), s.Email, Issuer)}
	return e, s, in, err
}

func noInvitation() error {
	return &pay.Error{Code: pay.CodeNotFound, Reason: "link_over", Message: "this link was used already, or is older than a day"}
}

// Enrol uses a link: the password and the first code of the authenticator count from now on, and
// the recovery codes that it gives are not shown again. The person is signed in: both were just
// proved. A wrong code leaves the link as it is. Where the present password is asked for, tries
// are counted as those to sign in.
func (o *Office) Enrol(ctx context.Context, link string, a Attempt) (recovery []string, token string, err error) {
	in, err := o.Invitation(ctx, link)
	if err != nil {
		return nil, "", err
	}
	password := bounded(a.Password)
	var hash string
	if in.KeepPassword {
		account, err := o.try(ctx, in.Email, a.Network)
		if err != nil {
			return nil, "", err
		}
		ok, err := o.hashing.check(ctx, account.Password, password)
		if err != nil {
			return nil, "", err
		}
		if !ok {
			return nil, "", fault("password_wrong", "this is not the account's password")
		}
		hash = account.Password
	} else {
		if err := fitPassword(a.Password, in.Email); err != nil {
			return nil, "", err
		}
		if hash, err = o.hashing.make(ctx, password); err != nil {
			return nil, "", err
		}
	}
	codes, hashes := newRecovery()
	err = o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		e, s, in, err := o.invitation(ctx, tx, link, true)
		if err != nil {
			return err
		}
		if e.KeepPassword && s.Password != hash {
			return noInvitation()
		}
		step, ok := checkTOTP(in.Secret, digits(a.Code), 0, o.now())
		if !ok {
			return fault("code_wrong", "this is not the code that the authenticator shows now")
		}
		// Of two that use the link at once, one does.
		if ok, err := tx.DeleteEnrolment(ctx, s.ID); err != nil || !ok {
			return errors.Join(err, noInvitation())
		}
		sealed, err := o.o.Seal.Seal(TOTPRow(s.ID), []byte(in.Secret))
		if err != nil {
			return err
		}
		s.Password, s.TOTP, s.TOTPStep, s.Recovery = hash, sealed, step, hashes
		if err := tx.SaveStaff(ctx, s); err != nil {
			return err
		}
		if err := tx.EndSessionsOf(ctx, s.ID); err != nil {
			return err
		}
		if e.KeepPassword {
			if err := o.letOff(ctx, tx, s.Email, a.Network); err != nil {
				return err
			}
		}
		if token, err = o.begin(ctx, tx, s.ID, a.Address); err != nil {
			return err
		}
		return o.append(ctx, tx, Actor{ID: s.ID, Who: s.Email, Address: a.Address}, "staff.enrolled", s.ID, "")
	})
	if err != nil {
		return nil, "", err
	}
	return codes, token, nil
}

// ─── What a person changes of their own account ────────────────────────────────────────────

// Proof is what is asked for again before one's own account is changed, since a browser may be
// left open. Tries are counted as those to sign in.
type Proof struct {
	Password, Code string
	Network        string
}

// String keeps the password out of logs; GoString out of %#v too.
func (Proof) String() string   { return "a proof" }
func (Proof) GoString() string { return "a proof" }

// ChangePassword sets a person's own password and signs them out everywhere.
func (o *Office) ChangePassword(ctx context.Context, by Actor, p Proof, password string) error {
	if err := fitPassword(password, by.Who); err != nil {
		return err
	}
	hash, err := o.hashing.make(ctx, password)
	if err != nil {
		return err
	}
	return o.prove(ctx, by, p, func(ctx context.Context, tx *store.Tx, s *store.Staff) error {
		s.Password = hash
		return o.append(ctx, tx, by, "staff.password", s.ID, "")
	})
}

// NewRecovery makes new recovery codes in the place of all earlier ones, and signs the person out
// everywhere.
func (o *Office) NewRecovery(ctx context.Context, by Actor, p Proof) (codes []string, err error) {
	codes, hashes := newRecovery()
	err = o.prove(ctx, by, p, func(ctx context.Context, tx *store.Tx, s *store.Staff) error {
		s.Recovery = hashes
		return o.append(ctx, tx, by, "staff.recovery", s.ID, "")
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// prove lets f change the account of the one who asks, once their password and a fresh code are
// right. They are signed out everywhere.
func (o *Office) prove(ctx context.Context, by Actor, p Proof, f func(context.Context, *store.Tx, *store.Staff) error) error {
	account, err := o.try(ctx, by.Who, p.Network)
	if err != nil {
		return err
	}
	ok, err := o.hashing.check(ctx, account.Password, bounded(p.Password))
	if err != nil {
		return err
	}
	var proved bool
	err = o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		proved = false
		s, err := o.lock(ctx, tx, by.ID)
		if err != nil {
			return err
		}
		if !ok || s.Password != account.Password {
			return o.append(ctx, tx, by, "staff.not_proved", s.ID, "password")
		}
		if proved, _, err = o.useCode(&s, p.Code); err != nil {
			return err
		}
		if !proved {
			return o.append(ctx, tx, by, "staff.not_proved", s.ID, "code")
		}
		if err := f(ctx, tx, &s); err != nil {
			return err
		}
		if err := tx.SaveStaff(ctx, s); err != nil {
			return err
		}
		if err := o.letOff(ctx, tx, by.Who, p.Network); err != nil {
			return err
		}
		return tx.EndSessionsOf(ctx, s.ID)
	})
	if err == nil && !proved {
		err = fault("proof_wrong", "the password or the code is wrong")
	}
	return err
}

// TOTPRow and EnrolmentRow are what an account's and a link's authenticator are sealed for.
func TOTPRow(staffID string) string      { return "staff/" + staffID }
func EnrolmentRow(staffID string) string { return "enrolment/" + staffID }
